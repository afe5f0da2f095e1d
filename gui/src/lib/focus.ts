/** Where the focus was on each screen that was left, so that a return finds it again. */
const left: string[] = [];
let returned: string | undefined;

/** Remembers what was focused on the screen that is left for another. */
export function leave(): void {
  left.push(document.activeElement?.id ?? "");
}

/** The screen before comes back. */
export function comeBack(): void {
  returned = left.pop();
}

/** All screens before are gone. */
export function forgetFocus(): void {
  left.length = 0;
  returned = undefined;
}

/** Gives the focus to what had it on this screen, or else to its title. */
export function takeFocus(title: HTMLElement): void {
  const before = returned ? document.getElementById(returned) : null;
  returned = undefined;
  (before ?? title).focus({ preventScroll: before === null });
}
