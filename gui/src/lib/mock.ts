/** A backend without a daemon, for `npm run dev`, screenshots and tests of the page.
 *
 *  The address chooses what it says: `?state=off&result=contact&lang=en#…`. */
import guidance from "../generated/guidance.json";
import type { Day, Exposure, Notice, Point, Registration, Sentence, Service, Status } from "../generated/types";
import type { Backend, Licences, Listeners } from "./backend";

/** 10 August 2020, 10:24 in Japan. */
const NOW = 1_597_022_640;
const HOUR = 3600;
const DAY = 24 * HOUR;
const AGREED_AT = NOW - 11 * DAY;

/** What a sample of an operator's file says; `?operator` has it. */
const OPERATOR: Sentence[] = [
  { key: "operator-sample", what: null, task: null },
  { key: "operator-notification", what: { ja: "見本県", en: "Sample Prefecture" }, task: null },
  {
    key: "operator-management",
    what: { ja: "見本県保健所", en: "Public health centre of Sample Prefecture" },
    task: null,
  },
  {
    key: "operator-processor",
    what: { ja: "見本クラウド株式会社", en: "Sample Cloud Inc." },
    task: { ja: "サーバーの運用", en: "runs the servers" },
  },
  { key: "operator-since", what: { ja: "2026-12-01", en: "2026-12-01" }, task: null },
];

/** States of the daemon by name: what differs from one that runs. */
const STATES: Record<string, Partial<Service> | null> = {
  running: {},
  away: null,
  "not-agreed": {
    state: "no-consent",
    reason: "consent-missing",
    consent: { state: "none", agreed_at: null },
    check: { checking: false, last_outcome: "never", last_success: null, next_check: null },
  },
  outdated: {
    state: "no-consent",
    reason: "consent-outdated",
    consent: { state: "outdated", agreed_at: AGREED_AT },
  },
  "key-lost": {
    state: "stopped",
    reason: "key-lost",
    consent: { state: "none", agreed_at: null },
    check: { checking: false, last_outcome: "never", last_success: null, next_check: null },
  },
  clock: { state: "stopped", reason: "clock-not-set" },
  storage: { state: "degraded", reason: "storage-failed" },
  absent: { state: "stopped", reason: "adapter-absent" },
  incapable: { state: "stopped", reason: "adapter-incapable" },
  blocked: { state: "stopped", reason: "adapter-blocked" },
  off: { state: "stopped", reason: "adapter-off" },
  visible: { state: "degraded", reason: "privacy-discoverable", receiving: false },
  "visible-receiving": { state: "degraded", reason: "privacy-discoverable" },
  connectable: { state: "degraded", reason: "privacy-connectable" },
  exposed: { state: "degraded", reason: "privacy-exposed" },
  resolvable: { state: "degraded", reason: "privacy-resolvable" },
  searching: { state: "degraded", reason: "adapter-searching" },
  failing: { state: "degraded", reason: "broadcast-failed" },
  starting: { state: "stopped", reason: "starting" },
  ended: { state: "stopped", reason: "log-ended", radio: "replay" },
  simulated: { radio: "air" },
  doubtful: { overwrite_doubt: "copy-on-write" },
  overdue: {
    check: {
      checking: false,
      last_outcome: "unreachable",
      last_success: NOW - 37 * HOUR,
      next_check: NOW + HOUR,
    },
  },
};

const SERVICE: Service = {
  version: "0.1.0",
  time: NOW,
  state: "running",
  reason: "ready",
  radio: "bluez",
  receiving: true,
  overwrite_doubt: null,
  consent: { state: "agreed", agreed_at: AGREED_AT },
  check: {
    checking: false,
    last_outcome: "complete",
    last_success: NOW - 3 * HOUR - 42 * 60,
    next_check: NOW + 20 * HOUR,
  },
  registration: {
    state: "none",
    reason: "none",
    since: null,
    has_symptoms: false,
    date: "",
    next_try: null,
    tries_left: 3,
    paused_until: null,
  },
  notices: [],
};

/** What the operator has to tell, by name. */
const NOTICES: Record<string, Notice> = {
  maintenance: {
    id: "2020-08-11",
    kind: "maintenance",
    version: "",
    from: 1_597_075_200,
    to: 1_597_089_600,
    ja: "サーバーの点検のため、この間は陽性の登録と接触の確認ができません。符号の交換は続きます。",
    en: "While the servers are serviced, registering and checking pause. Swapping codes goes on.",
    relevant_from: 1_597_075_200 - 2 * DAY,
    relevant_until: 1_597_089_600,
  },
  terms: {
    id: "terms-2",
    kind: "terms",
    version: "2",
    from: 1_598_886_000,
    to: null,
    ja: "9月1日から利用規約とプライバシーポリシーが変わります。\n変わる点は、アプリの更新後に、同意の前に読むことができます。",
    en: "The terms of use and the privacy policy change on 1 September.\nWhat changes can be read before agreeing, once the app is updated.",
    relevant_from: 0,
    relevant_until: null,
  },
  survey: {
    id: "survey",
    kind: "survey",
    version: "",
    from: null,
    to: null,
    ja: "お知らせの見本です。",
    en: "This is a sample of a notice.",
    relevant_from: null,
    relevant_until: null,
  },
};

function course(strengths: number[], minutes: number): Point[] {
  return strengths.map((strength, index) => ({
    minute: (index + 1) * minutes,
    minutes,
    strength,
    near: strength >= 50,
  }));
}

const DAYS: Day[] = [
  {
    date: "2020-08-08",
    contacts: 1,
    seconds: 24 * 60,
    near_seconds: 20 * 60,
    score: 118,
    courses: [course([38, 56, 62, 71, 66, 58], 4)],
  },
  {
    date: "2020-08-05",
    contacts: 2,
    seconds: 78 * 60,
    near_seconds: 46 * 60,
    score: 264,
    courses: [
      course([22, 31, 55, 64, 72, 70, 66, 61, 40, 28], 5),
      course([52, 58, 63, 69, 57, 55, 34], 4),
    ],
  },
  {
    date: "2020-08-01",
    contacts: 1,
    seconds: 36 * 60,
    near_seconds: 18 * 60,
    score: 107,
    courses: [course([30, 26, 44, 68, 82, 76, 88, 71, 42, 64, 40, 22], 3)],
  },
];

/** A day in a crowd. */
const CROWD: Day = {
  ...DAYS[0]!,
  contacts: 36,
  courses: Array.from({ length: 36 }, (_, contact) =>
    course(Array.from({ length: 60 }, (_, index) => 20 + ((index * 7 + contact * 11) % 70)), 2),
  ),
};

function exposure(verdict: string, reasons: string[], days: Day[]): Exposure {
  const { last_success } = SERVICE.check;
  return {
    verdict,
    reasons,
    period_start: "2020-07-28",
    period_end: "2020-08-10",
    last_success,
    recorded_seconds: 11 * DAY,
    unrecorded_seconds: 2 * HOUR,
    days,
  };
}

const RESULTS: Record<string, Exposure> = {
  none: exposure("none", [], []),
  contact: exposure("contact", [], DAYS),
  crowd: exposure("contact", [], [CROWD]),
  "contact-partly": exposure("contact", ["check-too-old"], DAYS),
  unknown: { ...exposure("unknown", ["check-too-old"], []), last_success: NOW - 37 * HOUR },
  "never-checked": { ...exposure("unknown", ["never-checked"], []), last_success: null },
  recorded: exposure("unknown", ["too-little-recorded", "storage-damaged"], []),
};

export function backend(options: URLSearchParams): Backend {
  let listeners: Listeners | null = null;
  const notices = (options.get("notices") ?? "").split(",").filter((name) => name in NOTICES);
  const serviceOf = (name: string): Service | null => {
    const change = STATES[name];
    return change ? { ...SERVICE, notices: notices.map((it) => NOTICES[it]!), ...change } : null;
  };
  let status: Status = { service: serviceOf(options.get("state") ?? "running") };
  const language = options.get("lang") ?? "ja";
  let chosen: string | null = null;
  let notifications = true;
  let muted: string[] = [];
  let exported = options.has("exported")
    ? ["/home/user/Downloads/sesshoku-1.json", "/home/user/Downloads/sesshoku-2.json"]
    : [];
  const theme = options.get("theme");
  if (theme) document.documentElement.dataset.theme = theme;
  document.documentElement.style.fontSize = `${Number(options.get("scale") ?? 1) * 100}%`;

  function tell(change: Partial<Service>): void {
    if (status.service) status = { service: { ...status.service, ...change } };
    listeners?.status(status);
  }

  function registration(change: Partial<Registration>): void {
    tell({ registration: { ...status.service!.registration!, since: NOW, ...change } });
  }

  /** Calls a service that may be away, and that refuses where the address says so. */
  async function call<T>(value: T): Promise<T> {
    if (status.service === null) throw { name: "Away" };
    const refusal = options.get("refuse");
    if (refusal) throw { name: refusal };
    return value;
  }

  /** How a registration ends, by the address; it is sent until then. */
  function send(): void {
    registration({ state: "sending", reason: "none" });
    const end = options.get("register") ?? "done";
    if (end === "sending") return;
    const isOver = ["number-refused", "invalid", "not-allowed", "expired"].includes(end);
    queueMicrotask(() => {
      if (end === "done") registration({ state: "done" });
      else if (isOver) registration({ state: "failed", reason: end });
      else registration({ state: "waiting-to-retry", reason: end, next_try: NOW + 600 });
    });
  }

  const environment = () => ({
    language: chosen ?? language,
    system_language: language,
    chosen_language: chosen,
    notifications,
    muted,
    reminders: ["not-recording", "not-checked", "key-lost", "terms", "notice", "unseen"],
    notifier: options.get("notifier") ?? "shown",
    version: "0.1.0",
    inquiries: options.has("inquiries")
      ? { name: "見本 / Sample", mail: "inquiries@example.org", page: null }
      : { name: null, mail: null, page: null },
    operator: options.has("operator") ? OPERATOR : [{ key: "operator-none", what: null, task: null }],
  });

  return {
    status: async () => status,
    environment: async () => environment(),
    async choose(choice) {
      if (options.has("no-saving")) throw { name: "File" };
      chosen = choice.language;
      notifications = choice.notifications;
      muted = choice.muted;
      return environment();
    },
    async agree() {
      await call(null);
      tell({ ...SERVICE, consent: { state: "agreed", agreed_at: NOW } });
    },
    async withdraw() {
      await call(null);
      tell(STATES["not-agreed"]!);
    },
    async check() {
      const outcome = await call(options.get("outcome") ?? "complete");
      if (outcome === "complete") tell({ check: { ...SERVICE.check, last_success: NOW } });
      return outcome;
    },
    exposure: (_looks) => call(RESULTS[options.get("result") ?? "none"]!),
    async register(_version, hasSymptoms, date) {
      await call(null);
      registration({ has_symptoms: hasSymptoms, date });
      send();
    },
    async retry() {
      send();
    },
    async forget() {
      registration(SERVICE.registration!);
    },
    async startService() {
      if (options.get("refuse")) throw { name: "Away" };
      status = { service: SERVICE };
      tell({});
    },
    async turnBluetoothOn() {
      await call(null);
      tell({ state: "running", reason: "ready" });
    },
    async restartBluetooth() {
      await call(null);
      tell({ state: "running", reason: "ready" });
    },
    async hideBluetooth() {
      await call(null);
      tell({ state: "running", reason: "ready" });
    },
    async export() {
      exported = ["/home/user/Downloads/sesshoku-1.json"];
      return call(exported[0]!);
    },
    exported: async () => exported,
    async deleteExported() {
      if (options.has("no-deleting")) throw { name: "File" };
      exported = [];
    },
    guidance: async () => {
      if (!options.has("no-directory")) return guidance;
      return { ...guidance, prefectures: null, emergency: null, call_centre: null };
    },
    licences: async () => (await fetch("/licences.json")).json() as Promise<Licences>,
    page: async () => (options.has("link") ? "register" : ""),
    async linkedNumber() {
      const number = options.get("link");
      options.delete("link");
      return number;
    },
    close: async () => {},
    async listen(all) {
      listeners = all;
      // What tests of the page steer it by.
      Object.assign(window, {
        mock: {
          state(name: string) {
            status = { service: serviceOf(name) };
            all.status(status);
          },
          show: (page: string) => all.page(page),
          notices: (notices: Notice[]) => tell({ notices }),
        },
      });
    },
  };
}
