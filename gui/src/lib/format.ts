/** Dates, times and lengths of time, in the manner of the language. */
import { type Language, language, t } from "./i18n.svelte";

/** Whose manner of dates a language has, and what a date consists of in it. */
type Manner = {
  locale: string;
  day: Intl.DateTimeFormatOptions;
  short: Intl.DateTimeFormatOptions;
  hour: "numeric" | "2-digit";
};
const LONG = { weekday: "short", day: "numeric", month: "short", year: "numeric" } as const;
const NUMBERS = { year: "numeric", month: "numeric", day: "numeric" } as const;
const DAY_OF_MONTH = { day: "numeric", month: "long" } as const;
const MANNERS: Record<Language, Manner> = {
  ja: { locale: "ja-JP", day: { ...NUMBERS, weekday: "short" }, short: DAY_OF_MONTH, hour: "numeric" },
  // Figures alone: there is nothing in them to be read.
  "ja-simple": {
    locale: "ja-JP",
    day: NUMBERS,
    short: { month: "numeric", day: "numeric" },
    hour: "numeric",
  },
  en: { locale: "en-GB", day: LONG, short: DAY_OF_MONTH, hour: "2-digit" },
  "zh-Hans": { locale: "zh-CN", day: { ...LONG, month: "long" }, short: DAY_OF_MONTH, hour: "2-digit" },
  ko: { locale: "ko-KR", day: LONG, short: DAY_OF_MONTH, hour: "2-digit" },
  vi: { locale: "vi-VN", day: { ...NUMBERS, weekday: "short" }, short: DAY_OF_MONTH, hour: "2-digit" },
  "pt-BR": { locale: "pt-BR", day: LONG, short: DAY_OF_MONTH, hour: "2-digit" },
};

/** A UTC day such as `2020-08-01`, in full: `2020/8/1（土）` or `Sat, 1 Aug 2020`. */
export function day(date: string): string {
  return format(date, MANNERS[language()].day);
}

/** A UTC day without its year: `8月1日` or `1 August`. */
export function shortDay(date: string): string {
  return format(date, MANNERS[language()].short);
}

function format(date: string, options: Intl.DateTimeFormatOptions): string {
  const instant = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(instant.getTime())) return date;
  const text = new Intl.DateTimeFormat(locale(), { ...options, timeZone: "UTC" }).format(instant);
  // Full-width brackets, as Japanese text has them, and a place to break where there is no space.
  if (language() === "ja") return text.replace("(", "\u200b（").replace(")", "）");
  if (language() === "zh-Hans") return text.replace(/年|日(?=.)/g, "$&\u200b");
  return text;
}

/** An instant in the reader's own time: `今日 6:42`, `8月8日 21:10`. */
export function instant(seconds: number | null, now: number): string {
  if (seconds === null) return t("time-none");
  const then = new Date(seconds * 1000);
  const time = new Intl.DateTimeFormat(locale(), {
    hour: MANNERS[language()].hour,
    minute: "2-digit",
    hourCycle: "h23",
  }).format(then);
  const days = daysBetween(new Date(now * 1000), then);
  if (days === 0) return t("time-today", { time });
  if (days === -1) return t("time-yesterday", { time });
  if (days === 1) return t("time-tomorrow", { time });
  return t("time-other", { time, ...monthAndDay(then) });
}

/** The arguments of a sentence that names a day. */
export function monthAndDay(date: Date): { month: number; day: number; "month-name": string } {
  const name = new Intl.DateTimeFormat(locale(), { month: "long" }).format(date);
  return { month: date.getMonth() + 1, day: date.getDate(), "month-name": name };
}

/** Whole days from one instant to another on the reader's calendar. */
export function daysBetween(from: Date, to: Date): number {
  const midnight = (date: Date) => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((midnight(to) - midnight(from)) / 86_400_000);
}

/** A length of time in its two largest units. */
export function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return t("duration-days", { days: Math.floor(hours / 24), hours: hours % 24 });
  if (hours > 0) return t("duration-hours", { hours, minutes: minutes % 60 });
  return t("duration-minutes", { minutes });
}

/** The day of an instant as an input field of dates has it, in the reader's own time. */
export function inputDate(seconds: number): string {
  const date = new Date(seconds * 1000);
  const two = (number: number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function locale(): string {
  return MANNERS[language()].locale;
}
