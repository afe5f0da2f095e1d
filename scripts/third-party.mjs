// Prints the licences of what programs are built of, for people:
//
//     node scripts/third-party.mjs PROGRAM...
import { crates, pageParts, sorted, Texts } from "./parts.mjs";

const programs = process.argv.slice(2);
const texts = new Texts();
const parts = sorted([
  ...crates(programs, texts),
  ...(programs.includes("sesshoku-gui") ? pageParts(texts) : []),
]);
console.log(`${programs.join(" and ")}: what it is built of, and under which licences.
The numbers are those of the texts below; without one, the part came without a text.
`);
for (const { name, version, licence, texts: numbers } of parts) {
  const where = numbers.length > 0 ? ` [${numbers.map((it) => it + 1).join(", ")}]` : "";
  console.log(`${name} ${version}: ${licence}${where}`);
}
texts.texts.forEach((text, index) => console.log(`\n===== ${index + 1} =====\n\n${text}`));
