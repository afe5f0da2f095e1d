/** Everything the page asks of its surroundings; the only way out of the page. */
import { backend as tauri } from "./tauri";
import type { Choice, Environment, Exposure, Failure, Guidance, Status } from "../generated/types";

export interface Backend {
  status(): Promise<Status>;
  environment(): Promise<Environment>;
  choose(choice: Choice): Promise<Environment>;
  agree(version: string): Promise<void>;
  withdraw(): Promise<void>;
  /** Checks now; how the check ended. */
  check(): Promise<string>;
  /** The result; whoever looks at it need not be notified of it any more. */
  exposure(looks: boolean): Promise<Exposure>;
  register(version: string, hasSymptoms: boolean, date: string, number: string): Promise<void>;
  retry(): Promise<void>;
  forget(): Promise<void>;
  startService(): Promise<void>;
  turnBluetoothOn(): Promise<void>;
  /** Switches it off and on again. */
  restartBluetooth(): Promise<void>;
  hideBluetooth(): Promise<void>;
  /** Saves the results; where they are. */
  export(): Promise<string>;
  /** The exports that are still where they were saved. */
  exported(): Promise<string[]>;
  deleteExported(): Promise<void>;
  guidance(): Promise<Guidance>;
  licences(): Promise<Licences>;
  /** The page that another program wants to show, or wanted to last; empty for none. */
  page(): Promise<string>;
  /** The processing number of a link that was opened, once; `null` for none. */
  linkedNumber(): Promise<string | null>;
  close(): Promise<void>;
  /** Hears of changes for as long as the page is there. */
  listen(listeners: Listeners): Promise<void>;
}

export type Listeners = {
  status(status: Status): void;
  /** The result may have changed. */
  exposure(): void;
  /** Whether notifications come through may have changed. */
  notifier(): void;
  /** Another program wants to show this page. */
  page(page: string): void;
};

/** What ships with the window: packages by licence, and the texts of the licences. */
export type Licences = {
  packages: { name: string; version: string; licence: string; texts: number[] }[];
  texts: string[];
};

/** Rejections of the backend are failures with a name that has a sentence. */
export function failureName(error: unknown): string {
  const name = (error as Partial<Failure> | null)?.name;
  return typeof name === "string" ? name : "Failed";
}

export async function backend(): Promise<Backend> {
  // What ships has no mock in it.
  if (import.meta.env.MODE === "production") return tauri;
  return (await import("./mock")).backend(new URLSearchParams(location.search));
}
