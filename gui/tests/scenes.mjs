// Every screen of the page, by the address of the mock and the presses that lead there.
//
// A press is the id of an element; `#id=value` chooses or types it.

const AGREED = "state=running";

/** @type {Record<string, { query?: string, presses?: string[] }>} */
export const scenes = {
  "welcome-1": { query: "state=not-agreed" },
  "welcome-language": { query: "state=not-agreed", presses: ["language", "language-en"] },
  "welcome-2": { query: "state=not-agreed", presses: ["next"] },
  "welcome-3": { query: "state=not-agreed", presses: ["next", "next"] },
  agree: { query: "state=not-agreed", presses: ["next", "next", "next", "agree-box"] },
  "agree-again": { query: "state=outdated", presses: ["remedy"] },
  terms: { query: "state=not-agreed", presses: ["next", "next", "next", "terms"] },
  "terms-operator": {
    query: "state=not-agreed&operator",
    presses: ["next", "next", "next", "terms"],
  },
  ...Object.fromEntries(
    [
      "running",
      "away",
      "outdated",
      "clock",
      "storage",
      "absent",
      "incapable",
      "blocked",
      "off",
      "visible-receiving",
      "connectable",
      "exposed",
      "resolvable",
      "searching",
      "failing",
      "starting",
      "ended",
      "simulated",
      "overdue",
    ].map((state) => [`home-${state}`, { query: `state=${state}` }]),
  ),
  "home-no-agent": { query: `${AGREED}&notifier=no-agent` },
  "home-no-desktop": { query: `${AGREED}&notifier=no-desktop` },
  "home-maintenance": { query: `${AGREED}&notices=maintenance,terms` },
  "home-new-terms": { query: `${AGREED}&notices=survey,terms` },
  "home-off-maintenance": { query: "state=off&notices=maintenance" },
  notices: { query: `${AGREED}&notices=maintenance,terms,survey`, presses: ["notice"] },
  "notices-none": { query: AGREED, presses: ["settings", "set-notices"] },
  "home-refused": { query: "state=off&refuse=Denied", presses: ["remedy"] },
  "home-no-start": { query: "state=away&refuse=Away", presses: ["remedy"] },
  "help-incapable": { query: "state=incapable", presses: ["remedy"] },
  "help-blocked": { query: "state=blocked", presses: ["remedy"] },
  "result-none": { query: AGREED, presses: ["home-check"] },
  "result-unknown": { query: `${AGREED}&result=unknown`, presses: ["home-check"] },
  "result-away": { query: "state=away", presses: ["home-check"] },
  "result-list": { query: `${AGREED}&result=contact`, presses: ["home-check"] },
  "result-list-partly": { query: `${AGREED}&result=contact-partly`, presses: ["home-check"] },
  "result-day": { query: `${AGREED}&result=contact`, presses: ["home-check", "day-2020-08-01"] },
  "result-day-two": {
    query: `${AGREED}&result=contact`,
    presses: ["home-check", "day-2020-08-05"],
  },
  "result-day-crowd": {
    query: `${AGREED}&result=crowd`,
    presses: ["home-check", "day-2020-08-08", "more-contacts", "contact-36"],
  },
  about: { query: AGREED, presses: ["home-check", "about"] },
  "guide-symptoms": { query: AGREED, presses: ["health"] },
  "guide-close-contact": { query: AGREED, presses: ["health", "symptoms-no", "next"] },
  "guide-visit": {
    query: AGREED,
    presses: ["health", "symptoms-yes", "next", "#prefecture=13"],
  },
  "guide-visit-and-stay-home": {
    query: AGREED,
    presses: ["health", "symptoms-no", "next", "close-contact-yes", "next", "#prefecture=27"],
  },
  "guide-watch": {
    query: AGREED,
    presses: ["health", "symptoms-no", "next", "close-contact-no", "next"],
  },
  "guide-broken": {
    query: `${AGREED}&no-directory`,
    presses: ["health", "symptoms-yes", "next"],
  },
  "register-agree": { query: AGREED, presses: ["positive"] },
  "register-date": { query: AGREED, presses: ["positive", "register-box", "register-go"] },
  "register-number": { query: AGREED, presses: registering([]) },
  "register-number-wrong": {
    query: AGREED,
    presses: registering(["#number=１２３", "register-do"]),
  },
  "register-number-mistyped": {
    query: AGREED,
    presses: registering(["#number=1234 5678 9012 1", "register-do"]),
  },
  "register-number-linked": {
    query: `${AGREED}&link=1234567890120`,
    presses: ["register-box", "register-go", "date-kind-onset", "#date=2020-08-08", "next"],
  },
  "number-help": { query: AGREED, presses: registering(["number-help"]) },
  ...Object.fromEntries(
    [
      "sending",
      "done",
      "number-refused",
      "unreachable",
      "management-unavailable",
      "number-needed",
      "bad-answer",
      "expired",
    ].map((end) => [
      `register-${end}`,
      {
        query: `${AGREED}&register=${end}`,
        presses: registering(["#number=1234 5678", "register-do"]),
      },
    ]),
  ),
  ...Object.fromEntries(
    ["done", "expired"].map((end) => [
      `register-anew-after-${end}`,
      {
        query: `${AGREED}&register=${end}`,
        presses: registering(["#number=1234 5678", "register-do", "register-anew"]),
      },
    ]),
  ),
  settings: { query: AGREED, presses: ["settings"] },
  "settings-doubtful": { query: "state=doubtful", presses: ["settings"] },
  erase: { query: AGREED, presses: ["settings", "erase"] },
  "erase-doubtful": { query: "state=doubtful", presses: ["settings", "erase"] },
  erased: { query: AGREED, presses: ["settings", "erase", "erase-do"] },
  "erased-exported": { query: `${AGREED}&exported`, presses: ["settings", "erase", "erase-do"] },
  "erased-doubtful": { query: "state=doubtful", presses: ["settings", "erase", "erase-do"] },
  unsaved: { query: `${AGREED}&no-saving`, presses: ["settings", "notify"] },
  "language-unsaved": { query: `${AGREED}&no-saving`, presses: ["settings", "language", "language-en"] },
  language: { query: AGREED, presses: ["settings", "language"] },
  export: { query: AGREED, presses: ["settings", "export"] },
  exported: { query: AGREED, presses: ["settings", "export", "export-do"] },
  howto: { query: AGREED, presses: ["settings", "set-howto"] },
  questions: { query: AGREED, presses: ["settings", "set-questions"] },
  privacy: { query: AGREED, presses: ["settings", "agree-privacy"] },
  inquiries: { query: `${AGREED}&inquiries`, presses: ["settings", "set-inquiries"] },
  "inquiries-none": { query: AGREED, presses: ["settings", "set-inquiries"] },
  licences: { query: AGREED, presses: ["settings", "set-licences"] },
};

function registering(more) {
  return [
    "positive",
    "register-box",
    "register-go",
    "date-kind-onset",
    "#date=2020-08-07",
    "next",
    ...more,
  ];
}
