// Pictures of the screens: `node scripts/shots.mjs OUT [--only NAME...]` makes all, in all
// languages and both themes, on a phone, on a phone lying down, and on a laptop.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { goTo, newPage, open } from "../tests/browser.mjs";
import { scenes } from "../tests/scenes.mjs";

const languages = JSON.parse(readFileSync(new URL("../../i18n/languages.json", import.meta.url), "utf8"));
const [out = "/tmp/shots", ...rest] = process.argv.slice(2);
const only = rest[0] === "--only" ? rest.slice(1) : Object.keys(scenes);
const SIZES = { phone: [360, 720], small: [360, 294], wide: [1280, 800] };

mkdirSync(out, { recursive: true });
const { browser, address, close } = await open();
try {
  for (const [size, [width, height]] of Object.entries(SIZES)) {
    for (const theme of ["light", "dark"]) {
      for (const { tag: lang } of languages) {
        const page = await newPage(browser, { width, height, theme, lang });
        for (const name of only) {
          await goTo(page, address, name, { lang });
          await page.screenshot({ path: join(out, `${name}.${size}.${theme}.${lang}.png`) });
        }
        if (page.problems.length > 0) throw new Error(page.problems.join("\n"));
        await page.context().close();
      }
    }
  }
} finally {
  await close();
}
