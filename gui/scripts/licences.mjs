// Collects the licences of everything that ships, into dist/licences.json: the crates
// that the programs are built of, and the packages that end up in the page.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const gui = join(dirname(fileURLToPath(import.meta.url)), "..");
const PROGRAMS = ["sesshoku-gui", "sesshokud", "sesshoku"];
const IN_THE_PAGE = ["svelte", "@fluent/bundle", "@tauri-apps/api"];
const IS_A_TEXT = /^(licen[cs]e|copying|notice|unlicense)([-._].*)?$/i;

const texts = [];
const places = new Map();

function textsIn(dir) {
  const found = [];
  for (const file of existsSync(dir) ? readdirSync(dir).sort() : []) {
    if (!IS_A_TEXT.test(file) || !/^[^.]+(\.(md|txt|mit|apache.*))?$/i.test(file)) continue;
    let text;
    try {
      text = readFileSync(join(dir, file), "utf8").trim();
    } catch {
      continue;
    }
    if (!places.has(text)) places.set(text, texts.push(text) - 1);
    found.push(places.get(text));
  }
  return found;
}

function crates() {
  const triple = execFileSync("rustc", ["-vV"], { encoding: "utf8" }).match(/host: (.*)/)[1];
  const metadata = JSON.parse(
    execFileSync("cargo", ["metadata", "--format-version=1", "--locked", `--filter-platform=${triple}`], {
      cwd: gui,
      encoding: "utf8",
      maxBuffer: 1 << 28,
    }),
  );
  const nodes = new Map(metadata.resolve.nodes.map((node) => [node.id, node]));
  const packages = new Map(metadata.packages.map((it) => [it.id, it]));
  const reached = new Set();
  const open = metadata.packages.filter((it) => PROGRAMS.includes(it.name)).map((it) => it.id);
  while (open.length > 0) {
    const id = open.pop();
    if (reached.has(id)) continue;
    reached.add(id);
    for (const dep of nodes.get(id).deps) {
      if (dep.dep_kinds.some(({ kind }) => kind === null)) open.push(dep.pkg);
    }
  }
  // Without a source it is one of our own.
  return [...reached].map((id) => packages.get(id)).filter((it) => it.source !== null);
}

const packages = [
  ...crates().map((it) => ({
    name: it.name,
    version: it.version,
    licence: it.license ?? "",
    texts: textsIn(dirname(it.manifest_path)),
  })),
  ...IN_THE_PAGE.map((name) => {
    const dir = join(gui, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
    return { name, version, licence: license, texts: textsIn(dir) };
  }),
].sort((a, b) => (a.name < b.name ? -1 : 1));

const without = packages.filter((it) => it.licence === "");
if (without.length > 0) throw new Error(`no licence: ${without.map((it) => it.name).join(", ")}`);
mkdirSync(join(gui, "public"), { recursive: true });
writeFileSync(join(gui, "public/licences.json"), JSON.stringify({ packages, texts }));
