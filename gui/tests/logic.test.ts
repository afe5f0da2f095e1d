import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import languages from "../../i18n/languages.json";
import type { Service } from "../src/generated/types";
import { bars, outlines } from "../src/lib/chart";
import { daysInUse, homeState, relevantNotice } from "../src/lib/home";
import { grouped, processingNumber } from "../src/lib/number";

const NOW = 1_600_000_000;

function service(change: Partial<Service> = {}): Service {
  return {
    version: "0.1.0",
    time: NOW,
    state: "running",
    reason: "ready",
    radio: "bluez",
    receiving: true,
    overwrite_doubt: null,
    consent: { state: "agreed", agreed_at: NOW - 3 * 86_400 },
    check: { checking: false, last_outcome: "complete", last_success: NOW - 3600, next_check: null },
    registration: null,
    notices: [],
    ...change,
  };
}

describe("the home screen", () => {
  const key = (change: Partial<Service> | null, now = NOW) =>
    homeState(change === null ? null : service(change), now).key;

  it("shows the first state that applies", () => {
    expect(key(null)).toBe("away");
    const none = { state: "none", agreed_at: null };
    expect(key({ consent: none, reason: "adapter-off" })).toBe("not-agreed");
    expect(key({ consent: none, reason: "key-lost", state: "stopped" })).toBe("key-lost");
    expect(key({ consent: { state: "outdated", agreed_at: 1 } })).toBe("outdated");
    expect(key({ reason: "clock-not-set", state: "stopped" })).toBe("clock");
    expect(key({ reason: "privacy-discoverable", state: "degraded" })).toBe("visible-receiving");
    expect(key({ reason: "privacy-discoverable", receiving: false })).toBe("visible");
    expect(key({ reason: "privacy-exposed", state: "degraded" })).toBe("exposed");
    expect(key({ reason: "privacy-resolvable", state: "degraded" })).toBe("resolvable");
    expect(key({ reason: "adapter-searching", state: "degraded" })).toBe("searching");
    expect(key({ reason: "adapter-incapable", state: "stopped" })).toBe("incapable");
    expect(key({ reason: "starting", state: "stopped" })).toBe("starting");
    expect(key({})).toBe("running");
  });

  it("takes a state or reason that it does not know for not running", () => {
    expect(key({ state: "hovering", reason: "moon-phase" })).toBe("starting");
    expect(key({ consent: { state: "unheard-of", agreed_at: 1 } })).toBe("not-agreed");
  });

  it("says that a check is overdue after a day, and not before", () => {
    const checked = (seconds: number | null) => ({
      check: { ...service().check, last_success: seconds === null ? null : NOW - seconds },
    });
    expect(key(checked(86_400))).toBe("running");
    expect(key(checked(86_401))).toBe("overdue");
    expect(key(checked(null))).toBe("overdue-never");
    const fresh = { ...checked(null), consent: { state: "agreed", agreed_at: NOW - 60 } };
    expect(key(fresh)).toBe("running");
  });

  it("counts the day of agreement as the first", () => {
    expect(daysInUse(service(), NOW)).toBe(4);
    expect(daysInUse(service({ consent: { state: "agreed", agreed_at: NOW } }), NOW)).toBe(1);
    expect(daysInUse(service({ consent: { state: "none", agreed_at: null } }), NOW)).toBe(0);
    expect(daysInUse(null, NOW)).toBe(0);
  });
});

describe("the notice on the home screen", () => {
  const notice = (id: string, relevant_from: number | null, relevant_until: number | null) => ({
    id,
    kind: "maintenance",
    version: "",
    from: NOW + 60,
    to: NOW + 120,
    ja: "あ",
    en: "a",
    relevant_from,
    relevant_until,
  });

  it("is the first that is relevant now", () => {
    const notices = [
      notice("never", null, null),
      notice("soon", NOW, NOW + 120),
      notice("always", 0, null),
    ];
    const shown = (now: number) => relevantNotice(service({ notices }), now)?.id;
    expect(shown(NOW - 1)).toBe("always");
    expect(shown(NOW)).toBe("soon");
    expect(shown(NOW + 119)).toBe("soon");
    expect(shown(NOW + 120)).toBe("always");
    expect(relevantNotice(service({ notices: notices.slice(0, 1) }), NOW)).toBeNull();
    expect(relevantNotice(null, NOW)).toBeNull();
  });
});

describe("a processing number", () => {
  it("is taken however it is typed", () => {
    for (const typed of ["12345678", "1234 5678", "１２３４５６７８", "1234-5678", " １２３４－５６７８\n"]) {
      expect(processingNumber(typed)).toEqual({ digits: "12345678" });
    }
    for (const typed of ["1234567890120", "1234 5678 9012 0", "１２３４―５６７８―９０１２―０"]) {
      expect(processingNumber(typed)).toEqual({ digits: "1234567890120" });
    }
  });

  it("has 8 to 16 digits", () => {
    for (const typed of ["", "1234567", "1234567a", "十二三四五六七八", "1234.5678", "0".repeat(17)]) {
      expect(processingNumber(typed)).toEqual({ why: "form" });
    }
  });

  it("has a check digit where it has more than 8", () => {
    // As gaen has them (the_check_digit_is_verhoeffs).
    expect(processingNumber("1234567890120")).toEqual({ digits: "1234567890120" });
    for (const typed of ["1234567890121", "1234567809120", "123456789", "0000000000000000"]) {
      expect(processingNumber(typed)).toEqual({ why: "mistyped" });
    }
    const number = "314159265353";
    const checks = [...Array(10).keys()].map((last) => processingNumber(number.slice(0, 11) + last));
    expect(checks.filter((it) => "digits" in it)).toHaveLength(1);
  });

  it("is shown in groups of four, but for COCOA's eight digits", () => {
    expect(grouped("1234567890120")).toBe("1234 5678 9012 0");
    expect(grouped("12345678")).toBe("12345678");
  });
});

describe("the chart", () => {
  const point = (minute: number, minutes: number, strength: number) => ({
    minute,
    minutes,
    strength,
    near: strength >= 50,
  });

  it("has bars as wide as their minutes, and gaps where nothing was heard", () => {
    expect(bars([point(4, 4, 60), point(60, 2, 20)])).toEqual([
      { minutes: 4, strength: 60, near: true },
      { minutes: 54, strength: null, near: false },
      { minutes: 2, strength: 20, near: false },
    ]);
  });

  it("draws bars of one kind that touch with one outline", () => {
    const course = [point(4, 4, 60), point(6, 2, 70), point(8, 2, 20), point(12, 2, 30)];
    expect(outlines(course)).toEqual({
      near: "M0 100V40H4V30H6V100",
      far: "M6 100V80H8V100M10 100V70H12V100",
      minutes: 12,
    });
  });

  it("never counts a minute twice", () => {
    const overlapping = bars([point(4, 4, 60), point(5, 4, 40), point(5, 3, 10)]);
    expect(overlapping.reduce((sum, bar) => sum + bar.minutes, 0)).toBe(5);
    expect(bars([])).toEqual([]);
  });
});

describe("the catalogue", () => {
  const root = join(__dirname, "..");
  const source = ["src", "src/lib", "src/components", "src/screens"]
    .flatMap((dir) => readdirSync(join(root, dir)).map((file) => join(root, dir, file)))
    .filter((file) => /\.(ts|svelte)$/.test(file) && !file.endsWith("mock.ts"))
    .map((file) => readFileSync(file, "utf8"))
    .join("\n");

  function keys(file: string): string[] {
    const text = readFileSync(join(root, "../i18n", file), "utf8");
    const keys: string[] = [];
    for (const line of text.split("\n")) {
      const message = /^([A-Za-z][\w-]*) =/.exec(line);
      const attribute = /^ {4}\.(\w+) =/.exec(line);
      if (message) keys.push(message[1]!);
      if (attribute) keys.push(`${keys.findLast((key) => !key.includes("."))}.${attribute[1]}`);
    }
    return keys;
  }

  it("has the same keys in each language", () => {
    for (const { tag } of languages) {
      expect(keys(`${tag}/gui.ftl`), tag).toEqual(keys("en/gui.ftl"));
    }
    expect(keys("en/gui.ftl").length).toBeGreaterThan(300);
  });

  it("has no key that is not used", () => {
    // Keys are named in full, or made of a beginning in full and a name.
    const beginnings = [...source.matchAll(/[`"]([a-z-]+-)\$?\{/g)].map((match) => match[1]!);
    const unused = keys("en/gui.ftl").filter((key) => {
      const [name = key, attribute] = key.split(".");
      if (source.includes(`"${key}"`)) return false;
      const isMade = beginnings.some((beginning) => name.startsWith(beginning));
      return !(isMade && (attribute === undefined || source.includes(`}.${attribute}`)));
    });
    expect(unused).toEqual([]);
  });

  it("has every key that is named", () => {
    const all = new Set([...keys("en/gui.ftl"), ...keys("en/guidance.ftl"), ...keys("en/terms.ftl")]);
    const named = [...source.matchAll(/\b(?:marked|t|has)\("([a-z][\w.-]*)"| k="([a-z][\w.-]*)"/g)];
    const missing = named.map((match) => match[1] ?? match[2]!).filter((key) => !all.has(key));
    expect(missing).toEqual([]);
    expect(named.length).toBeGreaterThan(100);
  });

  it("never reassures", () => {
    for (const [language, words] of [
      ["ja", /安全です|安心|大丈夫|ありません」/],
      ["ja-simple", /安全《|安心《|だいじょうぶ|大丈夫|ありません」/],
      ["en", /\bsafe\b|all clear|no risk|!/i],
      ["zh-Hans", /安全|放心|没事|没有问题|！/],
      ["ko", /안전|안심|괜찮|걱정|!/],
      ["vi", /an toàn|yên tâm|không sao|!/i],
      ["pt-BR", /\bsegur[oa]s?\b|tranquil|sem risco|tudo bem|!/i],
    ] as const) {
      const text = readFileSync(join(root, `../i18n/${language}/gui.ftl`), "utf8");
      const sentences = text.replace(/^#.*$/gm, "");
      expect(sentences).not.toMatch(words);
    }
  });
});
