// What programs are built of, and the licences of that.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const IS_A_TEXT = /^(licen[cs]e|copying|notice|unlicense)([-._].*)?$/i;

/** The texts of licences, each once; parts name them by their index. */
export class Texts {
  texts = [];
  #places = new Map();

  /** The indices of the texts in a part's folder. */
  in(dir) {
    const found = [];
    for (const file of existsSync(dir) ? readdirSync(dir).sort() : []) {
      if (!IS_A_TEXT.test(file) || !/^[^.]+(\.(md|txt|mit|apache.*))?$/i.test(file)) continue;
      let text;
      try {
        text = readFileSync(join(dir, file), "utf8").trim();
      } catch {
        continue;
      }
      if (!this.#places.has(text)) this.#places.set(text, this.texts.push(text) - 1);
      found.push(this.#places.get(text));
    }
    return found;
  }
}

/** The crates of others that the programs are built of, by name. */
export function crates(programs, texts) {
  const triple =
    process.env.CARGO_BUILD_TARGET ??
    execFileSync("rustc", ["-vV"], { encoding: "utf8" }).match(/host: (.*)/)[1];
  const metadata = JSON.parse(
    execFileSync("cargo", ["metadata", "--format-version=1", "--locked", `--filter-platform=${triple}`], {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 1 << 28,
    }),
  );
  const nodes = new Map(metadata.resolve.nodes.map((node) => [node.id, node]));
  const packages = new Map(metadata.packages.map((it) => [it.id, it]));
  const reached = new Set();
  const open = metadata.packages.filter((it) => programs.includes(it.name)).map((it) => it.id);
  while (open.length > 0) {
    const id = open.pop();
    if (reached.has(id)) continue;
    reached.add(id);
    for (const dep of nodes.get(id).deps) {
      if (dep.dep_kinds.some(({ kind }) => kind === null)) open.push(dep.pkg);
    }
  }
  // Without a source it is one of our own.
  return [...reached]
    .map((id) => packages.get(id))
    .filter((it) => it.source !== null)
    .map((it) => ({
      name: it.name,
      version: it.version,
      licence: it.license ?? "",
      texts: texts.in(dirname(it.manifest_path)),
    }));
}

/** What ends up in the window's page. */
export function pageParts(texts) {
  return ["svelte", "@fluent/bundle", "@tauri-apps/api"].map((name) => {
    const dir = join(root, "gui/node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
    return { name, version, licence: license, texts: texts.in(dir) };
  });
}

/** The parts by name. Throws where one has no licence. */
export function sorted(parts) {
  const without = parts.filter((it) => it.licence === "");
  if (without.length > 0) throw new Error(`no licence: ${without.map((it) => it.name).join(", ")}`);
  return parts.sort((a, b) => (a.name + a.version < b.name + b.version ? -1 : 1));
}
