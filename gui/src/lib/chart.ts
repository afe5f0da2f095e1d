/** From stretches of signal to bars, with the gaps between them. */
import type { Point } from "../generated/types";

/** A bar, as wide as its minutes; `null` where no signal was heard. */
export type Bar = { minutes: number; strength: number | null; near: boolean };

/** The bars of a course, from its first signal on. */
export function bars(course: Point[]): Bar[] {
  const bars: Bar[] = [];
  let end = 0;
  for (const { minute, minutes, strength, near } of course) {
    const start = Math.max(end, minute - minutes);
    if (start > end) bars.push({ minutes: start - end, strength: null, near: false });
    if (minute > start) bars.push({ minutes: minute - start, strength, near });
    end = Math.max(end, minute);
  }
  return bars;
}

/** The outlines of the near bars and of the others, for paths in a box as wide as the
    course's minutes and 100 high; bars of one kind that touch have one outline. */
export function outlines(course: Point[]): { near: string; far: string; minutes: number } {
  const outlines = { near: "", far: "" };
  let at = 0;
  let open: "near" | "far" | null = null;
  const close = () => {
    if (open !== null) outlines[open] += "V100";
    open = null;
  };
  for (const { minutes, strength, near } of bars(course)) {
    const kind = strength === null ? null : near ? "near" : "far";
    if (kind !== open) close();
    if (kind !== null) {
      if (open === null) outlines[kind] += `M${at} 100`;
      outlines[kind] += `V${100 - (strength ?? 0)}H${at + minutes}`;
      open = kind;
    }
    at += minutes;
  }
  close();
  return { ...outlines, minutes: at };
}
