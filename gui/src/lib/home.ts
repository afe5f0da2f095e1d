/** Which state the home screen shows: one at a time, the first that applies. */
import type { Notice, Service } from "../generated/types";

export type Action = "start" | "terms" | "help" | "bluetooth-on" | "bluetooth-restart" | "hide" | "check";
export type Help =
  | "clock"
  | "storage"
  | "absent"
  | "incapable"
  | "blocked"
  | "connectable"
  | "resolvable"
  | "searching"
  | "failing";
export type HomeState = {
  /** The key of its sentences, `state-…`. */
  key: string;
  icon: string;
  /** Whether something needs a hand. */
  note: boolean;
  action?: Action;
  help?: Help;
};

/** A check is overdue once the last complete one is older than this, in seconds. */
const FRESH_FOR = 24 * 3600;

/** What to show for a daemon (`null`: away) at `now` on its clock. */
export function homeState(service: Service | null, now: number): HomeState {
  if (service === null) return { key: "away", icon: "plug", note: true, action: "start" };
  if (service.reason === "key-lost") {
    return { key: "key-lost", icon: "gap", note: true, action: "terms" };
  }
  if (service.consent.state === "outdated") {
    return { key: "outdated", icon: "doc", note: true, action: "terms" };
  }
  if (service.consent.state !== "agreed") {
    return { key: "not-agreed", icon: "doc", note: true, action: "terms" };
  }
  switch (service.reason) {
    case "clock-not-set":
      return { key: "clock", icon: "clock-q", note: true, action: "help", help: "clock" };
    case "storage-failed":
      return { key: "storage", icon: "gap", note: true, action: "help", help: "storage" };
    case "adapter-absent":
      return { key: "absent", icon: "bt-off", note: true, action: "help", help: "absent" };
    case "adapter-incapable":
      return { key: "incapable", icon: "bt-off", note: true, action: "help", help: "incapable" };
    case "adapter-blocked":
      return { key: "blocked", icon: "bt-off", note: true, action: "help", help: "blocked" };
    case "adapter-off":
      return { key: "off", icon: "bt-off", note: true, action: "bluetooth-on" };
    case "privacy-discoverable": {
      const key = service.receiving ? "visible-receiving" : "visible";
      return { key, icon: "eye", note: true, action: "hide" };
    }
    case "privacy-connectable":
      return { key: "connectable", icon: "eye", note: true, action: "help", help: "connectable" };
    case "privacy-exposed":
      return { key: "exposed", icon: "eye", note: true, action: "bluetooth-restart" };
    case "privacy-resolvable":
      return { key: "resolvable", icon: "eye", note: true, action: "help", help: "resolvable" };
    case "adapter-searching":
      return { key: "searching", icon: "bt-off", note: true, action: "help", help: "searching" };
    case "broadcast-failed":
    case "scan-failed":
      return { key: "failing", icon: "bt-off", note: true, action: "help", help: "failing" };
    case "log-ended":
      return { key: "ended", icon: "pause", note: true };
  }
  if (service.state !== "running") return { key: "starting", icon: "spinner", note: false };
  const { last_success, checking } = service.check;
  if (!checking && last_success === null && isDue(service, now)) {
    return { key: "overdue-never", icon: "clock-q", note: true, action: "check" };
  }
  if (!checking && last_success !== null && now - last_success > FRESH_FOR) {
    return { key: "overdue", icon: "clock-q", note: true, action: "check" };
  }
  return { key: "running", icon: "meet", note: false };
}

/** Whether there should have been a first check by now. */
function isDue(service: Service, now: number): boolean {
  const { agreed_at } = service.consent;
  return agreed_at !== null && now - agreed_at > FRESH_FOR;
}

/** How many days it has been in use, today included. */
export function daysInUse(service: Service | null, now: number): number {
  const agreed = service?.consent.agreed_at ?? null;
  if (agreed === null || service?.consent.state === "none") return 0;
  return Math.max(1, Math.floor((now - agreed) / 86_400) + 1);
}

/** The notice that the home screen draws attention to: the first that is relevant now. */
export function relevantNotice(service: Service | null, now: number): Notice | null {
  const isRelevant = ({ relevant_from, relevant_until }: Notice) =>
    relevant_from !== null && relevant_from <= now && (relevant_until ?? Infinity) > now;
  return service?.notices.find(isRelevant) ?? null;
}
