/** What a notice of the operator is about, in our words; the text is the operator's. */
import type { Notice } from "../generated/types";
import { instant } from "./format";
import { isJapanese, marked } from "./i18n.svelte";

export function noticeTitle({ kind }: Notice): string {
  if (kind === "maintenance") return marked("notice-maintenance");
  if (kind === "terms") return marked("notice-terms");
  return marked("notice-other");
}

/** When it holds; `undefined` where it does not say. */
export function noticeTime({ kind, version, from, to }: Notice, now: number): string | undefined {
  const begin = instant(from, now);
  if (kind === "maintenance") return marked("notice-between", { from: begin, to: instant(to, now) });
  if (kind !== "terms") return undefined;
  if (from === null) return marked("notice-version", { version });
  return marked("notice-version-from", { version, from: begin });
}

/** The operator's text: its lines, each shown as it is. */
export function noticeLines({ ja, en }: Notice): string[] {
  return (isJapanese() ? ja : en).split("\n").filter((line) => line.trim() !== "");
}
