// The page with its mock in a real browser.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { build, preview } from "vite";
import { scenes } from "./scenes.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Builds and serves the page and starts a browser; `close` ends both. */
export async function open() {
  const outDir = mkdtempSync(join(tmpdir(), "sesshoku-page-"));
  const common = { root, mode: "mock", logLevel: "error", build: { outDir, emptyOutDir: true } };
  await build(common);
  const server = await preview({ ...common, preview: { port: 0, host: "127.0.0.1" } });
  const { port } = server.httpServer.address();
  const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  return {
    browser,
    address: `http://127.0.0.1:${port}/`,
    async close() {
      await browser.close();
      await server.close();
      rmSync(outDir, { recursive: true });
    },
  };
}

/** A page of the given size and manner in Japan, on which problems are errors. */
export async function newPage(browser, { width, height, theme = "light", lang = "ja" }) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    locale: new Intl.Locale(lang === "en" ? "en-GB" : lang).maximize().toString(),
    timezoneId: "Asia/Tokyo",
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  page.problems = [];
  page.on("pageerror", (error) => page.problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") page.problems.push(message.text());
  });
  return page;
}

/** Goes to a scene by its presses. */
export async function goTo(page, address, name, { lang = "ja", scale = 1 } = {}) {
  const { query = "", presses = [] } = scenes[name];
  await page.goto(`${address}?${query}&lang=${lang}&scale=${scale}`);
  await page.waitForSelector("h1");
  for (const press of presses) await perform(page, press);
  await page.waitForFunction(() => !document.querySelector(".empty[role=status]"));
}

export async function perform(page, press) {
  const [id, value] = press.startsWith("#") ? press.slice(1).split("=") : [press];
  const element = page.locator(`[id="${id}"]`);
  if (value === undefined) return element.click();
  const tag = await element.evaluate((it) => it.tagName);
  return tag === "SELECT" ? element.selectOption(value) : element.fill(value);
}
