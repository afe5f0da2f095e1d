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
