// The page with its mock as one script, for the real window, and every scene of it:
// `node scripts/in-window.mjs OUT` writes OUT/page.js and OUT/scenes.json.
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { scenes } from "../tests/scenes.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const outDir = process.argv[2];

await build({
  root,
  mode: "mock",
  logLevel: "error",
  publicDir: false,
  build: {
    outDir,
    lib: { entry: "src/main.ts", formats: ["iife"], name: "page", fileName: () => "page.js" },
  },
});
const all = Object.entries(scenes).map(([name, { query = "", presses = [] }]) => ({ name, query, presses }));
writeFileSync(join(outDir, "scenes.json"), JSON.stringify(all));
