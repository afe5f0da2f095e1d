// Collects the licences of everything that ships, into public/licences.json.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crates, pageParts, root, sorted, Texts } from "../../scripts/parts.mjs";

const texts = new Texts();
const packages = sorted([...crates(["sesshoku-gui", "sesshokud", "sesshoku"], texts), ...pageParts(texts)]);
const dir = join(root, "gui/public");
mkdirSync(dir, { recursive: true });
writeFileSync(join(dir, "licences.json"), JSON.stringify({ packages, texts: texts.texts }));
