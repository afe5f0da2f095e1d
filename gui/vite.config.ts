import { readFileSync } from "node:fs";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { loadDefaultJapaneseParser } from "budoux";
import { defineConfig, type Plugin } from "vite";

const japanese = loadDefaultJapaneseParser();

/** Where WebKit may break a Japanese line: after phrases, found here once and for all. */
function phrases(text: string): string {
  const run = /[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef、。「」（）・]+/gu;
  return text
    .replace(run, (japaneseRun) => japanese.parse(japaneseRun).join("\u200b"))
    .replace(/([A-Za-z0-9]) (?=[\u3040-\u9fff])/g, "$1\u00a0");
}

/** Texts of i18n/: `?text` gives one as it is, Japanese ones with their phrases marked. */
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
      const text = path.includes("/ja/") ? phrases(source) : source;
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
