// The page with its mock, in Chromium: every screen is accessible and fits.
import axe from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import languages from "../../i18n/languages.json";
// @ts-expect-error: plain JavaScript
import { goTo, newPage, open, perform } from "./browser.mjs";
// @ts-expect-error: plain JavaScript
import { scenes } from "./scenes.mjs";

const PHONE = { width: 360, height: 720 };
/** A phone, with its keyboard up, lying down, and with text of twice the size. */
const LYING = 720;
const SIZES = [[360, 720], [360, 294], [LYING, 360], [180, 360]] as const;
let opened: Awaited<ReturnType<typeof open>>;

beforeAll(async () => {
  opened = await open();
}, 60_000);
afterAll(() => opened?.close());

async function violations(page: Page): Promise<string[]> {
  return page.evaluate(async (source) => {
    if (!("axe" in window)) new Function(source)();
    const { axe } = window as unknown as { axe: typeof import("axe-core") };
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`));
  }, axe.source);
}

/** What is wider than the window, or too small to touch. */
async function misfits(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    for (const element of document.querySelectorAll("button, a, label.row, select, input")) {
      if (element.closest("label.row") !== null && element.tagName === "INPUT") continue;
      const { width, height, right } = element.getBoundingClientRect();
      if (width > 0 && (width < 44 || height < 44)) found.push(`small: ${element.outerHTML}`);
      if (right > innerWidth + 1) found.push(`beyond: ${element.outerHTML}`);
    }
    for (const page of document.querySelectorAll(".page")) {
      if (page.scrollWidth > page.clientWidth + 1) found.push("the page scrolls sideways");
    }
    return found;
  });
}

/** Columns of text that are too narrow for four characters, and so break where nothing should. */
async function narrowColumns(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found = new Set<string>();
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const range = document.createRange();
      range.selectNodeContents(texts.currentNode);
      let block = texts.currentNode.parentElement!;
      if (range.getClientRects().length === 0 || block.closest(".visually-hidden")) continue;
      while (getComputedStyle(block).display.startsWith("inline")) block = block.parentElement!;
      const style = getComputedStyle(block);
      const size = parseFloat(style.fontSize);
      const width = block.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
      const isBroken = block.clientHeight > 2 * size * 1.6;
      if (isBroken && width < 4 * size) found.add(`${Math.round(width)} px: ${block.outerHTML}`);
    }
    return [...found];
  });
}

/** Words of a language in Latin letters that are broken in their middle, without a hyphen. A word that
    is wider than six tenths of the window may be: beside what it belongs to, there is no more
    room for it. */
async function brokenWords(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found = new Set<string>();
    if (!/^(en|vi|pt)/.test(document.documentElement.lang)) return [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode;
      // What is no word of the language, and what nobody sees.
      if (text.parentElement!.closest("code, pre, svg, .visually-hidden, [inert]")) continue;
      for (const { index, 0: word } of text.textContent!.matchAll(/\p{Script=Latin}+/gu)) {
        const range = document.createRange();
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        const parts = [...range.getClientRects()];
        const lines = new Set(parts.map(({ top }) => Math.round(top)));
        const width = parts.reduce((sum, part) => sum + part.width, 0);
        if (lines.size > 1 && width < 0.6 * innerWidth) found.add(`broken: ${word}, ${width} px`);
      }
    }
    return [...found];
  });
}

/** The main button, where it is not on the screen before one scrolls. */
async function belowTheEdge(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const button = document.querySelector(".dock .btn");
    const isBelow = button !== null && button.getBoundingClientRect().bottom > innerHeight;
    return isBelow ? [`below the edge: ${button.id}`] : [];
  });
}

/** A sentence of the home screen in each language, as its file has it but for marks of phrases. */
const CHECK: Record<string, string> = {
  ja: "\u200b確認する",
  "ja-simple": "接触《せっしょく》を 調《しら》べる",
  en: "Check for contacts",
  "zh-Hans": "查询",
  ko: "접촉 확인하기",
  vi: "Kiểm tra tiếp xúc",
  "pt-BR": "Verificar contatos",
};

/** The languages whose markup differs: Easy Japanese has readings above its words. What axe looks at
    is the same in the others as in English, and takes it two minutes a language. */
const MARKUPS = ["ja", "ja-simple", "en"];

describe.each(languages.map(({ tag }) => tag))("in %s", (lang) => {
  it.concurrent("no screen has a fault that axe finds, light or dark, and everything can be touched", async () => {
    const page = await newPage(opened.browser, { ...PHONE, lang });
    const faults: Record<string, string[]> = {};
    for (const name of Object.keys(scenes)) {
      await goTo(page, opened.address, name, { lang });
      const found = [...(await misfits(page))];
      for (const colorScheme of MARKUPS.includes(lang) ? (["light", "dark"] as const) : []) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        found.push(...(await violations(page)).map((fault) => `${colorScheme}: ${fault}`));
      }
      if (found.length > 0) faults[name] = found;
    }
    expect(faults).toEqual({});
    expect(page.problems).toEqual([]);
  }, 300_000);

  it.concurrent("every screen fits the smallest window with text of twice the size", async () => {
    const page = await newPage(opened.browser, { width: 360, height: 294, lang });
    const faults: Record<string, string[]> = {};
    for (const name of Object.keys(scenes)) {
      await goTo(page, opened.address, name, { lang, scale: 2 });
      const found = await misfits(page);
      if (found.length > 0) faults[name] = found;
    }
    expect(faults).toEqual({});
  }, 300_000);

  it.concurrent("no column of text is narrower than four characters, no word is broken, and what a lying phone is asked is on it", async () => {
    const page = await newPage(opened.browser, { ...PHONE, lang });
    const faults: Record<string, string[]> = {};
    for (const name of Object.keys(scenes)) {
      await page.setViewportSize(PHONE);
      await goTo(page, opened.address, name, { lang });
      for (const [width, height] of SIZES) {
        await page.setViewportSize({ width, height });
        const found = [...(await narrowColumns(page)), ...(await brokenWords(page))];
        if (width === LYING) found.push(...(await belowTheEdge(page)));
        if (found.length > 0) faults[`${name} at ${width} × ${height}`] = found;
      }
    }
    expect(faults).toEqual({});
  }, 300_000);
});

describe("a language", () => {
  it("has its own manner of dates", async () => {
    const days: Record<string, string> = {};
    for (const { tag: lang } of languages) {
      const page = await newPage(opened.browser, { ...PHONE, lang });
      await goTo(page, opened.address, "result-list", { lang });
      days[lang] = (await page.textContent("#day-2020-08-01 .title"))!;
      await page.context().close();
    }
    expect(days).toEqual({
      ja: "2020/8/1（土）",
      "ja-simple": "2020/8/1",
      en: "Sat, 1 Aug 2020",
      "zh-Hans": "2020年8月1日周六",
      ko: "2020년 8월 1일 (토)",
      vi: "Thứ 7, 1/8/2020",
      "pt-BR": "sáb., 1 de ago. de 2020",
    });
  }, 60_000);

  it("is loaded alone, and is that of the page", async () => {
    for (const { tag: lang } of languages) {
      const page: Page = await newPage(opened.browser, { ...PHONE, lang });
      const loaded: Promise<string>[] = [];
      page.on("response", (response) => {
        if (response.url().endsWith(".js")) loaded.push(response.text());
      });
      await goTo(page, opened.address, "home-running", { lang });
      const texts = (await Promise.all(loaded)).join("\n");
      const spoken = languages.filter(({ tag }) => texts.includes(CHECK[tag]!));
      expect(spoken.map(({ tag }) => tag)).toEqual([lang]);
      expect(await page.evaluate(() => document.documentElement.lang)).toBe(lang);
      await page.context().close();
    }
  }, 60_000);

  it("has its readings above the words, and in no name that is read out", async () => {
    const page: Page = await newPage(opened.browser, { ...PHONE, lang: "ja-simple" });
    await goTo(page, opened.address, "home-running", { lang: "ja-simple" });
    const words = await page.evaluate(() =>
      [...document.querySelectorAll("#health ruby")].map((ruby) => [
        ruby.firstChild!.textContent,
        ruby.querySelector("rt")!.textContent,
      ]),
    );
    expect(words).toEqual([
      ["体", "からだ"],
      ["具合", "ぐあい"],
      ["変", "か"],
    ]);
    for (const name of ["home-running", "result-day", "guide-visit", "register-number", "terms", "notices", "number-help"]) {
      await goTo(page, opened.address, name, { lang: "ja-simple" });
      expect(await page.evaluate(() => document.documentElement.outerHTML), name).not.toMatch(/[《》]/);
    }
  }, 60_000);

  it("is chosen from a list in which each is named in itself, and marked where it is a translation", async () => {
    const page: Page = await newPage(opened.browser, { ...PHONE, lang: "en" });
    await goTo(page, opened.address, "welcome-1", { lang: "en" });
    await perform(page, "language");
    for (const { tag, name, note } of languages) {
      const row = page.locator(`.row:has([id="language-${tag}"])`);
      expect(await row.locator("[lang]").getAttribute("lang")).toBe(tag);
      expect(await row.locator(".title").textContent()).toBe(name);
      expect(await row.locator(".sub").count(), tag).toBe(note === null ? 0 : 1);
    }
    await perform(page, "language-ko");
    await page.waitForFunction(() => document.documentElement.lang === "ko");
    expect(await page.textContent("h1")).toContain("언어");
  }, 60_000);
});

describe("what is agreed to", () => {
  it("ends with who runs the service, or with that nobody is named", async () => {
    const page: Page = await newPage(opened.browser, { ...PHONE, lang: "ko" });
    const end = async (name: string, lang: string) => {
      await goTo(page, opened.address, name, { lang });
      await page.waitForSelector(".text li");
      return page.evaluate(() => document.querySelector(".text")!.lastElementChild!.textContent);
    };
    expect(await end("terms", "en")).toContain("does not say who runs the service");
    for (const [lang, name] of [
      ["ja", "通知サーバー: 見本県"],
      ["en", "Sample Cloud Inc. (runs the servers)"],
      ["ko", "Sample Prefecture (見本県)"],
    ] as const) {
      expect(await end("terms-operator", lang)).toContain(name);
    }
  }, 60_000);
});

describe("on a wide window", () => {
  it("there is one column in the middle, or a list with its detail beside it", async () => {
    const page: Page = await newPage(opened.browser, { width: 1280, height: 800, lang: "en" });
    /** How far the middle of `selector` is from that of the window, in pixels. */
    const offset = (selector: string) =>
      page.evaluate((selector) => {
        const { left, right } = document.querySelector(selector)!.getBoundingClientRect();
        return Math.abs((left + right) / 2 - innerWidth / 2);
      }, selector);
    for (const name of ["home-running", "settings", "guide-visit", "result-none"]) {
      await goTo(page, opened.address, name, { lang: "en" });
      expect(await offset(".clamp"), name).toBeLessThan(20);
    }
    await goTo(page, opened.address, "erase", { lang: "en" });
    expect(await offset("[role=alertdialog]")).toBeLessThan(20);
    await goTo(page, opened.address, "result-list", { lang: "en" });
    const lefts = await page.evaluate(() =>
      [...document.querySelectorAll(".page")].map((pane) => pane.getBoundingClientRect().left),
    );
    expect(lefts).toEqual([0, 400]);
  }, 60_000);
});

describe("a day of many contacts", () => {
  it("has few elements, one drawing at a time, and nothing that is wider than the window", async () => {
    const page = await newPage(opened.browser, { ...PHONE, lang: "en" });
    await goTo(page, opened.address, "result-day-crowd", { lang: "en" });
    expect(await page.locator("[id^=contact-]").count()).toBe(36);
    expect(await page.locator(".chart").count()).toBe(1);
    expect(await page.locator("*").count()).toBeLessThan(1_000);
    expect(await misfits(page)).toEqual([]);
    const widest = await page.evaluate(() => {
      const { left, right } = document.querySelector(".chart")!.getBoundingClientRect();
      return left >= 0 && right <= innerWidth;
    });
    expect(widest).toBe(true);
    await page.click("#contact-1");
    expect(await page.locator(".chart").count()).toBe(1);
  }, 60_000);
});

describe("a setting that cannot be saved", () => {
  it("says so, and stays as it was", async () => {
    const page = await newPage(opened.browser, { ...PHONE, lang: "en" });
    await goTo(page, opened.address, "unsaved", { lang: "en" });
    await page.waitForSelector(".error");
    expect(await page.isChecked("#notify")).toBe(true);
    expect(await page.textContent("#said")).toContain("could not be saved");
    await goTo(page, opened.address, "language-unsaved", { lang: "en" });
    await page.waitForSelector(".error");
    expect(await page.isChecked("#language-system")).toBe(true);
  }, 60_000);
});

describe("before there is agreement", () => {
  it("another language can be chosen, and is kept once one agrees", async () => {
    const page = await newPage(opened.browser, { ...PHONE, lang: "ja" });
    await goTo(page, opened.address, "welcome-language", { lang: "ja" });
    await page.click("#back");
    expect(await page.textContent("#next")).toContain("Next");
    for (const id of ["next", "next", "next", "agree-box", "agree-guardian", "agree-start"]) {
      await perform(page, id);
    }
    await page.waitForSelector("[data-state=running]");
    await perform(page, "settings");
    expect(await page.textContent("#language")).toContain("English");
  }, 60_000);
});

describe("a registration that waited while the daemon was started anew", () => {
  it("shows the agreement again, and keeps the date", async () => {
    const page = await newPage(opened.browser, { ...PHONE, lang: "en" });
    await goTo(page, opened.address, "register-number-needed", { lang: "en" });
    await page.click("#register-again");
    await page.waitForSelector("#register-box");
    expect(await page.locator("#number").count()).toBe(0);
    for (const id of ["register-box", "register-go"]) await perform(page, id);
    expect(await page.inputValue("#date")).not.toBe("");
    await perform(page, "next");
    await page.waitForSelector("#number");
  }, 60_000);
});

describe("with the keyboard alone", () => {
  it("one comes to the guidance's end and back to where one was", async () => {
    const page: Page = await newPage(opened.browser, { ...PHONE, lang: "en" });
    await goTo(page, opened.address, "home-running", { lang: "en" });
    const focused = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.tagName);
    expect(await focused()).toBe("H1");
    for (const id of ["settings", "health"]) {
      await page.keyboard.press("Tab");
      expect(await focused()).toBe(id);
    }
    await page.keyboard.press("Enter");
    await page.waitForSelector("#symptoms-yes");
    expect(await focused()).toBe("H1");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("next");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#prefecture");
    await page.keyboard.press("Escape");
    await page.waitForSelector("#symptoms-yes");
    await page.keyboard.press("Alt+ArrowLeft");
    await page.waitForSelector("#health");
    expect(await focused()).toBe("health");
  }, 60_000);

  it("the dialog keeps the focus, and Escape leaves it", async () => {
    const page: Page = await newPage(opened.browser, { ...PHONE, lang: "en" });
    await goTo(page, opened.address, "erase", { lang: "en" });
    const focused = () => page.evaluate(() => document.activeElement?.id);
    expect(await focused()).toBe("erase-title");
    await page.keyboard.press("Escape");
    await page.waitForSelector("[role=alertdialog]", { state: "detached" });
    expect(await focused()).toBe("erase");
  }, 60_000);
});

describe("what happens meanwhile", () => {
  it("shows at once, and the result stays hidden on the home screen", async () => {
    const page: Page = await newPage(opened.browser, { ...PHONE, lang: "en" });
    await page.goto(`${opened.address}?lang=en&result=contact`);
    await page.waitForSelector("[data-state=running]");
    expect(await page.textContent("body")).not.toMatch(/\d contact/);
    for (const state of ["off", "away", "running"]) {
      await page.evaluate((state) => (window as any).mock.state(state), state);
      await page.waitForSelector(`[data-state=${state}]`);
    }
    await page.evaluate(() => (window as any).mock.show("result"));
    await page.waitForSelector("#day-2020-08-08");
  }, 60_000);

  it("a notice comes and goes, and nothing in it is more than text", async () => {
    const page: Page & { problems: string[] } = await newPage(opened.browser, { ...PHONE, lang: "en" });
    await page.goto(`${opened.address}?lang=en`);
    await page.waitForSelector("[data-state=running]");
    expect(await page.locator("#notice").count()).toBe(0);
    const hostile = {
      id: "x",
      kind: "terms",
      version: "2",
      from: null,
      to: null,
      ja: "あ",
      en: "<a href='https://example.org'>here</a> <img src=x onerror=alert(1)>\nhttps://example.org tel:110",
      relevant_from: 0,
      relevant_until: null,
    };
    await page.evaluate((notice) => (window as any).mock.notices([notice]), hostile);
    await page.click("#notice");
    await page.waitForSelector("#notice-x");
    expect(await page.textContent("#notice-x")).toContain("<a href=");
    expect(await page.locator("#notice-x a, #notice-x img").count()).toBe(0);
    await page.evaluate(() => (window as any).mock.notices([]));
    await page.waitForSelector("#notice-x", { state: "detached" });
    await page.click("#back");
    await page.waitForSelector("[data-state=running]");
    expect(await page.locator("#notice").count()).toBe(0);
    expect(page.problems).toEqual([]);
  }, 60_000);

  it("a refused agreement says so and starts nothing", async () => {
    const page: Page = await newPage(opened.browser, { ...PHONE, lang: "en" });
    await page.goto(`${opened.address}?lang=en&state=not-agreed&refuse=TermsVersionMismatch`);
    for (const id of ["next", "next", "next", "agree-box", "agree-guardian", "agree-start"]) {
      await perform(page, id);
    }
    await page.waitForSelector(".error");
    expect(await page.textContent(".error")).toContain("update");
    await page.waitForSelector("#said p");
    expect(await page.textContent("#said")).toContain("update");
  }, 60_000);
});
