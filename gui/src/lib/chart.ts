/** From stretches of signal to columns of equal width. */
import type { Point } from "../generated/types";

/** A column: the strongest signal in it, or `null` where none was heard. */
export type Column = { strength: number; near: boolean } | null;

/** More columns than this are too narrow to be seen on a phone. */
export const MOST_COLUMNS = 120;

/** Columns of a minute, or of more where the course is long. */
export function columns(course: Point[]): Column[] {
  const last = course.at(-1)?.minute ?? 0;
  const width = Math.max(1, Math.ceil(last / MOST_COLUMNS));
  const found: Column[] = new Array(Math.ceil(last / width)).fill(null);
  for (const { minute, minutes, strength, near } of course) {
    for (let at = Math.max(0, minute - minutes); at < minute; at++) {
      const index = Math.floor(at / width);
      const before = found[index];
      if (!before || before.strength < strength) found[index] = { strength, near };
    }
  }
  return found;
}
