/** Sentences: the catalogue of one language at a time, changed while running. */
import { FluentBundle, FluentResource, type FluentVariable } from "@fluent/bundle";
import languages from "../../../i18n/languages.json";
import type { Name, Sentence } from "../generated/types";

export type Language = "ja" | "ja-simple" | "en" | "zh-Hans" | "ko" | "vi" | "pt-BR";
/** The languages, each named in itself. `note` says, in it, where nobody whose first language it
    is has read it. */
export const LANGUAGES = languages as { tag: Language; name: string; note: string | null }[];
export type Arguments = Record<string, FluentVariable>;
export type Document = "terms" | "privacy" | "registration" | "howto" | "questions";

/** The version of the terms and the policy that this window shows. */
export const TERMS_VERSION = "2";
/** The version of the agreement to register that this window shows. */
export const REGISTRATION_VERSION = "2";

/** A chunk for each file of each language, of which only what is shown is loaded. */
const catalogues = import.meta.glob<string>("../../../i18n/*/{gui,guidance,terms}.ftl", {
  query: "?text",
  import: "default",
});
const documents = import.meta.glob<string>("../../../i18n/*/documents/*.md", {
  query: "?text",
  import: "default",
});

let current = $state.raw<{ language: Language; bundle: FluentBundle } | null>(null);

/** Loads the sentences of `language`; until they are there, the others stay. */
export async function speak(language: Language): Promise<void> {
  if (current?.language === language) return;
  const bundle = new FluentBundle(language, { useIsolating: false });
  const parts = Object.entries(catalogues).filter(([path]) => path.includes(`/${language}/`));
  for (const text of await Promise.all(parts.map(([, load]) => load()))) {
    const errors = bundle.addResource(new FluentResource(text));
    if (errors.length > 0) throw errors[0];
  }
  document.documentElement.lang = language;
  current = { language, bundle };
}

export function language(): Language {
  return current?.language ?? "en";
}

/** Whether `language()` is Japanese, of either kind. Operators write in Japanese and English:
    who reads this is shown the Japanese, everybody else the English. */
export function isJapanese(): boolean {
  return language().startsWith("ja");
}

/** The language of what `isJapanese()` chooses, for its `lang`. */
export function operatorsLanguage(): "ja" | "en" {
  return isJapanese() ? "ja" : "en";
}

/** A name of an operator. In languages in which there is none, the Japanese one stands beside
    the English: people show it to others, and look for it on signs. */
export function operatorsName({ ja, en }: { ja: string; en: string }): string {
  if (isJapanese()) return ja;
  return language() === "en" || ja === en ? en : `${en} (${ja})`;
}

/** The sentence `key`, or its attribute `key.attribute`, with marks of where a line may break and
    with readings: see `pieces()`. */
export function marked(key: string, args: Arguments = {}): string {
  return find(key, args) ?? key;
}

/** The same without marks and readings, for names and attributes. */
export function t(key: string, args: Arguments = {}): string {
  return plain(marked(key, args));
}

/** `text` without marks of where it may break, and without readings. */
export function plain(text: string): string {
  return text.replace(/\u200b|《[^》]*》/g, "");
}

/** A piece of a text. The line may break before it, and its reading stands above it. */
export type Piece = { base: string; reading: string | null; breaks: boolean };

/** `text` in pieces: `\u200b` marks where its line may break, and `漢字《かんじ》` is a word with
    its reading, as Aozora Bunko writes it. */
export function pieces(text: string): Piece[] {
  return text.split("\u200b").flatMap((part, index) => {
    const found: Piece[] = [];
    for (const [, before = "", word, reading = null] of part.matchAll(
      /(.*?)(?:([々〆ヶ\u4e00-\u9fff]+)《([^》]*)》|$)/gs,
    )) {
      if (before !== "") found.push({ base: before, reading: null, breaks: false });
      if (word !== undefined) found.push({ base: word, reading, breaks: false });
    }
    if (found[0] !== undefined) found[0].breaks = index > 0;
    return found;
  });
}

/** Whether there is such a sentence. */
export function has(key: string): boolean {
  return find(key, {}) !== null;
}

function find(key: string, args: Arguments): string | null {
  const [id = key, attribute] = key.split(".");
  const message = current?.bundle.getMessage(id);
  const pattern = attribute === undefined ? message?.value : message?.attributes[attribute];
  if (current === null || pattern === undefined || pattern === null) return null;
  // Arguments that are missing leave their names in the sentence.
  return current.bundle.formatPattern(pattern, args, []);
}

export type Block = { kind: "title" | "heading" | "paragraph" | "item"; text: string };

/** A text that is read as a whole, in the four forms that i18n/src/documents.rs describes. */
export async function read(document: Document): Promise<Block[]> {
  const wanted = new RegExp(`/${language()}/documents/${document}-[^/]*$`);
  const [, load] = Object.entries(documents).find(([path]) => wanted.test(path)) ?? [];
  const text = load === undefined ? "" : await load();
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      if (line.startsWith("# ")) return { kind: "title", text: line.slice(2) };
      if (line.startsWith("## ")) return { kind: "heading", text: line.slice(3) };
      if (line.startsWith("- ")) return { kind: "item", text: line.slice(2) };
      return { kind: "paragraph", text: line };
    });
}

/** Who runs the service: the end of what is agreed to with them. */
export function operator(said: Sentence[]): Block[] {
  const name = (it: Name | null) => (it === null ? "" : operatorsName(it));
  const items = said.map(({ key, what, task }): Block => {
    return { kind: "item", text: marked(key, { what: name(what), task: name(task) }) };
  });
  return [{ kind: "heading", text: marked("operator-title") }, ...items];
}

/** Characters that people read in a minute. */
const READ_IN_A_MINUTE: Record<Language, number> = {
  ja: 500,
  "ja-simple": 400,
  en: 1000,
  "zh-Hans": 300,
  ko: 500,
  vi: 900,
  "pt-BR": 1000,
};

/** How long reading `blocks` takes, in minutes. */
export function minutesToRead(blocks: Block[]): number {
  const texts = blocks.map(({ text }) => plain(text));
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  return Math.max(1, Math.round(characters / READ_IN_A_MINUTE[language()]));
}
