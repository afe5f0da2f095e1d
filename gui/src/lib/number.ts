/** The eight digits of a processing number as people type and paste them. */

/** The digits, or `null` where it is not exactly eight: full-width digits, spaces and
    hyphens of all kinds are taken. */
export function processingNumber(typed: string): string | null {
  const digits = typed
    .normalize("NFKC")
    .replace(/[\s\u002d\u00ad\u2010-\u2015\u2212\u30fc\ufe63\uff0d]/gu, "");
  return /^[0-9]{8}$/.test(digits) ? digits : null;
}
