/** What the screens share: the backend, the last state it told of, and where one is. */
import { tick } from "svelte";
import type { Day, Environment, Exposure, Guidance, Status } from "../generated/types";
import { type Backend, failureName } from "./backend";
import type { Help } from "./home";
import { comeBack, forgetFocus, leave } from "./focus";
import { type Document, type Language, speak, t } from "./i18n.svelte";

export type Page =
  | { name: "welcome"; page: 1 | 2 | 3 }
  | { name: "agree" }
  | { name: "home" }
  | { name: "help"; help: Help }
  | { name: "result" }
  | { name: "day"; date: string }
  | { name: "about" }
  | { name: "guide"; question: string }
  | { name: "outcome"; outcome: string }
  | { name: "register" }
  | { name: "register-date" }
  | { name: "register-number" }
  | { name: "register-state" }
  | { name: "number-help" }
  | { name: "settings" }
  | { name: "language" }
  | { name: "export" }
  | { name: "erased" }
  | { name: "notices" }
  | { name: "inquiries" }
  | { name: "licences" }
  | { name: "document"; document: Document };

class App {
  backend!: Backend;
  status = $state.raw<Status | null>(null);
  environment = $state.raw<Environment | null>(null);
  /** The result while a screen shows it; it is fetched when it is asked for. */
  exposure = $state.raw<Exposure | null>(null);
  /** Why there is no result. */
  exposureFailure = $state<string | null>(null);
  guidance = $state.raw<Guidance | null>(null);
  /** From the first screen to the one that is shown. */
  pages = $state.raw<Page[]>([]);
  /** What is typed on the way to a registration; it is kept nowhere else. */
  registering = $state({ hasSymptoms: null as boolean | null, date: "", number: "" });
  /** The chosen prefecture, for as long as the window is open. */
  prefecture = $state("");
  /** What is announced to whoever does not see it; the screens show it, too. */
  said = $state("");
  #systemLanguage: Language = "ja";
  /** When the last state was told, on this page's clock in milliseconds. */
  #told = 0;

  async start(backend: Backend): Promise<void> {
    this.backend = backend;
    // What the first paint waits for goes on at the same time.
    const spoken = backend.environment().then(async (environment) => {
      this.environment = environment;
      this.#systemLanguage = environment.system_language as Language;
      await speak(environment.language as Language);
    });
    // Before the first look, so that no change falls in between.
    await backend.listen({
      status: (status) => this.#tell(status),
      exposure: () => void this.#exposureChanged(),
      notifier: () => void this.#environmentChanged(),
      page: (name) => this.open(name),
    });
    addEventListener("focus", () => void this.#comesToTheFront());
    const status = await backend.status();
    await spoken;
    this.#tell(status);
    this.pages = [first(status)];
    // A page that was asked for before anybody listened.
    this.open(await backend.page());
  }

  get page(): Page | undefined {
    return this.pages.at(-1);
  }

  /** Now, by the daemon's clock. */
  now(): number {
    const time = this.status?.service?.time;
    if (time === undefined) return Date.now() / 1000;
    return time + (performance.now() - this.#told) / 1000;
  }

  go(page: Page): void {
    leave();
    this.pages = [...this.pages, page];
  }

  replace(page: Page): void {
    this.pages = [...this.pages.slice(0, -1), page];
  }

  back(): void {
    if (this.pages.length < 2) return;
    comeBack();
    this.pages = this.pages.slice(0, -1);
  }

  home(): void {
    forgetFocus();
    this.pages = [{ name: "home" }];
  }

  /** Shows a page that another program names, once there is agreement. */
  open(name: string): void {
    if (this.status?.service?.consent.state !== "agreed") return;
    if (name === "home") this.home();
    if (name === "result") this.pages = [{ name: "home" }, { name: "result" }];
    if (name === "register") this.pages = [{ name: "home" }, this.registerPage()];
  }

  /** Where registering begins, or where it is. */
  registerPage(): Page {
    const state = this.status?.service?.registration?.state ?? "none";
    return { name: state === "none" ? "register" : "register-state" };
  }

  /** Runs `action`; the name of its failure, or `null`. */
  async attempt(action: () => Promise<unknown>): Promise<string | null> {
    try {
      await action();
      return null;
    } catch (error) {
      return failureName(error);
    }
  }

  /** Announces the sentence `key`, also where it was the last one, too. */
  say(key: string): void {
    this.said = "";
    void tick().then(() => (this.said = t(key)));
  }

  /** Asks for the state anew, where the time has to be right. */
  async refresh(): Promise<void> {
    this.#tell(await this.backend.status());
  }

  async loadExposure(): Promise<void> {
    this.exposureFailure = await this.attempt(async () => {
      await this.refresh();
      // Behind other windows nobody looks at it, however new it is.
      this.exposure = await this.backend.exposure(document.hasFocus());
    });
    if (this.exposureFailure !== null) this.exposure = null;
  }

  async loadGuidance(): Promise<void> {
    this.guidance = await this.backend.guidance();
  }

  /** Keeps a choice; whether it could be kept. Before there is agreement, which promises that
      nothing is stored, it holds for as long as the window is open. */
  async choose(choice: {
    language?: Language | null;
    notifications?: boolean;
    muted?: string[];
  }): Promise<boolean> {
    const before = this.environment!;
    const { chosen_language, notifications, muted } = before;
    if (this.status?.service?.consent.state === "none" && choice.language !== undefined) {
      const language = choice.language ?? this.#systemLanguage;
      await speak(language);
      this.environment = { ...before, language, chosen_language: choice.language };
      return true;
    }
    const failure = await this.attempt(async () => {
      this.environment = await this.backend.choose({
        language: choice.language === undefined ? chosen_language : choice.language,
        notifications: choice.notifications ?? notifications,
        muted: choice.muted ?? muted,
      });
      await speak(this.environment.language as Language);
    });
    return failure === null;
  }

  day(date: string): Day | undefined {
    return this.exposure?.days.find((day) => day.date === date);
  }

  #tell(status: Status): void {
    this.status = status;
    this.#told = performance.now();
  }

  /** What was chosen for as long as the window is open stays. */
  async #environmentChanged(): Promise<void> {
    const { notifier } = await this.backend.environment();
    if (this.environment) this.environment = { ...this.environment, notifier };
  }

  /** What changed behind other windows is looked at now. */
  async #comesToTheFront(): Promise<void> {
    if (this.pages.some((page) => page.name === "result")) await this.loadExposure();
  }

  /** The result is fetched anew where a screen shows it, and else forgotten. */
  async #exposureChanged(): Promise<void> {
    const shown = this.pages.some((page) => page.name === "result");
    if (shown) await this.loadExposure();
    else this.exposure = null;
  }
}

function first(status: Status): Page {
  return status.service?.consent.state === "none"
    ? { name: "welcome", page: 1 }
    : { name: "home" };
}

export const app = new App();
