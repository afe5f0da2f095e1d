import { readFileSync } from "node:fs";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { loadDefaultJapaneseParser, loadDefaultSimplifiedChineseParser } from "budoux";
import { defineConfig, type Plugin } from "vite";

/** What finds the phrases of a language that has no spaces between words. Easy Japanese and Korean
    have them. */
const parsers = {
  ja: loadDefaultJapaneseParser(),
  "zh-Hans": loadDefaultSimplifiedChineseParser(),
};

/** Where WebKit may break such a line: after phrases, found here once and for all. */
function phrases(text: string, parser: { parse(text: string): string[] }): string {
  const run = /[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef、。「」（）・“”]+/gu;
  return text
    .replace(run, (found) => parser.parse(found).join("\u200b"))
    .replace(/([A-Za-z0-9]) (?=[\u3040-\u9fff])/g, "$1\u00a0");
}

/** Texts of i18n/: `?text` gives one as it is, with phrases marked where `parsers` has them. */
function texts(): Plugin {
  return {
    name: "texts",
    enforce: "pre",
    load(id) {
      const [path, query] = id.split("?");
      if (query !== "text" || path === undefined) return null;
      this.addWatchFile(path);
      const source = readFileSync(path, "utf8").replace(/^#.*\n/gm, (comment) =>
        path.endsWith(".ftl") ? "" : comment,
      );
      const [, parser] = Object.entries(parsers).find(([tag]) => path.includes(`/${tag}/`)) ?? [];
      const text = parser === undefined ? source : phrases(source, parser);
      return `export default ${JSON.stringify(text)};`;
    },
  };
}

export default defineConfig({
  plugins: [texts(), svelte()],
  build: {
    outDir: "dist",
    target: ["es2022", "safari16"],
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  server: { fs: { allow: [".."] } },
});
