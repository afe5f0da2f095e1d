// The pictures of docs/screenshots: `node scripts/screenshots.mjs OUT`.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { goTo, newPage, open } from "../tests/browser.mjs";

const out = process.argv[2] ?? "screenshots";
const PHONE = { width: 360, height: 720 };
const WIDE = { width: 1280, height: 800 };
const PICTURES = [
  ["welcome-1", PHONE, "light", "ja"],
  ["agree", PHONE, "light", "en"],
  ["home-running", PHONE, "light", "ja"],
  ["home-running", PHONE, "dark", "en"],
  ["home-off", PHONE, "dark", "ja"],
  ["result-none", PHONE, "light", "ja"],
  ["result-unknown", PHONE, "dark", "en"],
  ["result-list", PHONE, "light", "ja"],
  ["result-list", WIDE, "dark", "en"],
  ["result-day", PHONE, "dark", "ja"],
  ["guide-visit", PHONE, "light", "en"],
  ["register-number", { width: 360, height: 294 }, "light", "ja"],
  ["register-done", PHONE, "light", "ja"],
  ["settings", PHONE, "dark", "en"],
  ["erase", PHONE, "light", "ja"],
];

mkdirSync(out, { recursive: true });
const { browser, address, close } = await open();
try {
  for (const [name, size, theme, lang] of PICTURES) {
    const page = await newPage(browser, { ...size, theme, lang });
    await goTo(page, address, name, { lang });
    const shape = size === WIDE ? "wide-" : "";
    await page.screenshot({ path: join(out, `${name}-${shape}${theme}-${lang}.png`) });
    await page.context().close();
  }
} finally {
  await close();
}
