/** Sentences: the catalogue of one language at a time, changed while running. */
import { FluentBundle, FluentResource, type FluentVariable } from "@fluent/bundle";

export type Language = "ja" | "en";
export type Arguments = Record<string, FluentVariable>;
export type Document = "terms" | "privacy" | "registration" | "howto" | "questions";

/** The version of the terms and the policy that this window shows. */
export const TERMS_VERSION = "2";
/** The version of the agreement to register that this window shows. */
export const REGISTRATION_VERSION = "2";

/** One chunk per language, so that only one is loaded. */
const catalogues = import.meta.glob<string>("../../../i18n/*/{gui,guidance}.ftl", {
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

/** The sentence `key`, or its attribute `key.attribute`, with marks of where a line may break. */
export function marked(key: string, args: Arguments = {}): string {
  return find(key, args) ?? key;
}

/** The same without the marks, for names and attributes. */
export function t(key: string, args: Arguments = {}): string {
  return marked(key, args).replaceAll("\u200b", "");
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

/** How long reading `blocks` takes, in minutes. */
export function minutesToRead(blocks: Block[]): number {
  const characters = blocks.reduce((sum, block) => sum + block.text.length, 0);
  return Math.max(1, Math.round(characters / (language() === "ja" ? 500 : 1000)));
}
