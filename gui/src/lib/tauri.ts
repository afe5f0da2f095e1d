/** The real backend: commands of src-tauri/src/app.rs. */
import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import type { Status } from "../generated/types";
import type { Backend } from "./backend";

export const backend: Backend = {
  status: () => invoke("status"),
  environment: () => invoke("environment"),
  choose: (choice) => invoke("choose", { choice }),
  agree: (version) => invoke("agree", { version }),
  withdraw: () => invoke("withdraw"),
  check: () => invoke("check"),
  exposure: (looks) => invoke("exposure", { looks }),
  register: (version, hasSymptoms, date, number) =>
    invoke("register", { version, hasSymptoms, date, number }),
  retry: () => invoke("retry"),
  forget: () => invoke("forget"),
  startService: () => invoke("start_service"),
  turnBluetoothOn: () => invoke("turn_bluetooth_on"),
  restartBluetooth: () => invoke("restart_bluetooth"),
  hideBluetooth: () => invoke("hide_bluetooth"),
  export: () => invoke("export"),
  exported: () => invoke("exported"),
  deleteExported: () => invoke("delete_exported"),
  guidance: () => invoke("guidance"),
  licences: async () => (await fetch("/licences.json")).json(),
  page: () => invoke("wanted_page"),
  linkedNumber: () => invoke("linked_number"),
  close: () => invoke("close"),
  async listen(listeners) {
    await Promise.all([
      listen<Status>("status", (event) => listeners.status(event.payload)),
      listen("exposure", () => listeners.exposure()),
      listen("notifier", () => listeners.notifier()),
      listen<string>("page", (event) => listeners.page(event.payload)),
    ]);
  },
};
