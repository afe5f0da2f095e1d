/** A processing number as people type and paste it (docs/protocol.md §8). */

/** How many digits it may have; of more than COCOA's 8 the last is a check digit. */
const FORM = /^[0-9]{8,16}$/;
const WITHOUT_CHECK = 8;
/** What becomes of a digit at one place from the right; at the next it is applied once more. */
const TURN = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/** The digits, or why there are none: full-width digits, spaces and hyphens of all kinds are
    taken. */
export function processingNumber(
  typed: string,
): { digits: string } | { why: "form" | "mistyped" } {
  const digits = typed
    .normalize("NFKC")
    .replace(/[\s\u002d\u00ad\u200b\u2010-\u2015\u2060\u2212\u30fc\ufe63\ufeff\uff0d]/gu, "");
  if (!FORM.test(digits)) return { why: "form" };
  if (digits.length > WITHOUT_CHECK && verhoeff(digits) !== 0) return { why: "mistyped" };
  return { digits };
}

/** As it is shown, in groups of four. */
export function grouped(digits: string): string {
  if (digits.length <= WITHOUT_CHECK) return digits;
  return digits.replace(/(.{4})(?=.)/g, "$1 ");
}

/** 0 where the last digit is the check digit of the others, by Verhoeff's scheme. */
function verhoeff(digits: string): number {
  return [...digits].reverse().reduce((sum, digit, place) => {
    let turned = Number(digit);
    for (let times = 0; times < place % 8; times++) turned = TURN[turned]!;
    return product(sum, turned);
  }, 0);
}

/** Of two symmetries of a pentagon: 0 to 4 are rotations, 5 to 9 reflections. */
function product(a: number, b: number): number {
  if (a < 5) return b < 5 ? (a + b) % 5 : ((a + b) % 5) + 5;
  return b < 5 ? ((a - b) % 5) + 5 : (a + 5 - b) % 5;
}
