// The page with its mock as one script, for the real window, and every scene of it:
// `node scripts/in-window.mjs OUT TAG...` writes OUT/page.js, with the languages of these tags, and
// OUT/scenes.json.
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { scenes } from "../tests/scenes.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [outDir, ...tags] = process.argv.slice(2);

/** Leaves the texts of other languages out. */
const played = {
  name: "played",
  enforce: "pre",
  resolveId(id) {
    const isText = id.endsWith("?text") || id.includes("?text&");
    if (!isText || tags.some((tag) => id.includes(`/${tag}/`))) return null;
    return "\0left-out";
  },
  load(id) {
    return id === "\0left-out" ? "export default ''" : null;
  },
};

await build({
  root,
  mode: "mock",
  logLevel: "error",
  publicDir: false,
  plugins: [played],
  build: {
    outDir,
    lib: { entry: "src/main.ts", formats: ["iife"], name: "page", fileName: () => "page.js" },
  },
});
const all = Object.entries(scenes).map(([name, { query = "", presses = [] }]) => ({ name, query, presses }));
writeFileSync(join(outDir, "scenes.json"), JSON.stringify(all));
