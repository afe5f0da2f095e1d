// Made from src-tauri/src/model.rs by its tests, with UPDATE=1.

export type Status = { 
/**
 * The daemon; `None` while it is not running.
 */
service: Service | null, };

export type Service = { 
/**
 * Its version.
 */
version: string, 
/**
 * Its clock, which is simulated when its radio is.
 */
time: number, 
/**
 * Whether contacts are being recorded.
 */
state: string, 
/**
 * Why the state is what it is.
 */
reason: string, 
/**
 * `bluez` for real Bluetooth; everything else is not real.
 */
radio: string, 
/**
 * Whether it listens.
 */
receiving: boolean, 
/**
 * Why what was deleted may still be on the disk; `None` where it is gone.
 */
overwrite_doubt: string | null, 
/**
 * The agreement.
 */
consent: Consent, 
/**
 * The checks.
 */
check: Check, 
/**
 * Registering as positive; `None` with a daemon that cannot.
 */
registration: Registration | null, 
/**
 * What the operator has to tell.
 */
notices: Array<Notice>, };

export type Consent = { 
/**
 * `none`, `agreed` or `outdated`.
 */
state: string, 
/**
 * When it was agreed.
 */
agreed_at: number | null, };

export type Check = { 
/**
 * Whether one is under way.
 */
checking: boolean, 
/**
 * How the last one ended.
 */
last_outcome: string, 
/**
 * When the last complete one ended.
 */
last_success: number | null, 
/**
 * When the next one is due.
 */
next_check: number | null, };

export type Registration = { 
/**
 * `none`, `sending`, `waiting-to-retry`, `done` or `failed`.
 */
state: string, 
/**
 * Why it waits or has failed.
 */
reason: string, 
/**
 * When the state became what it is.
 */
since: number | null, 
/**
 * Whether there are symptoms.
 */
has_symptoms: boolean, 
/**
 * The day of onset or test; empty for none.
 */
date: string, 
/**
 * When it is tried again by itself.
 */
next_try: number | null, 
/**
 * How many wrong numbers there may be before a pause.
 */
tries_left: number, 
/**
 * Until when nothing can be registered.
 */
paused_until: number | null, };

export type Notice = { 
/**
 * Names it.
 */
id: string, 
/**
 * `maintenance`, `terms`, or anything else: it has no words of ours.
 */
kind: string, 
/**
 * The version of the terms; empty for none.
 */
version: string, 
/**
 * When it begins to hold.
 */
from: number | null, 
/**
 * When it ceases to hold.
 */
to: number | null, 
/**
 * The text in Japanese.
 */
ja: string, 
/**
 * The text in English.
 */
en: string, 
/**
 * From when the home screen draws attention to it; `None` for never.
 */
relevant_from: number | null, 
/**
 * Until when it does; `None` for as long as it is there.
 */
relevant_until: number | null, };

export type Exposure = { 
/**
 * `none`, `contact`, or anything else: it is not known.
 */
verdict: string, 
/**
 * What is not known.
 */
reasons: Array<string>, 
/**
 * First day of the period.
 */
period_start: string, 
/**
 * Last day of the period.
 */
period_end: string, 
/**
 * When the last complete check ended.
 */
last_success: number | null, 
/**
 * Seconds of the period in which was listened.
 */
recorded_seconds: number, 
/**
 * Seconds of the period in which was not.
 */
unrecorded_seconds: number, 
/**
 * The days that count as a contact, newest first.
 */
days: Array<Day>, };

export type Day = { 
/**
 * The day.
 */
date: string, 
/**
 * How many contacts.
 */
contacts: number, 
/**
 * Length of all encounters, in seconds.
 */
seconds: number, 
/**
 * The part of it that was not far.
 */
near_seconds: number, 
/**
 * In percent of what counts as a contact.
 */
score: number, 
/**
 * For each contact, in no order that tells anything, how its signal went.
 */
courses: Array<Array<Point>>, };

export type Point = { 
/**
 * Minutes since the first signal at which it ends.
 */
minute: number, 
/**
 * How many minutes it stands for.
 */
minutes: number, 
/**
 * Its strength, 0 to 100.
 */
strength: number, 
/**
 * Whether it was stronger than the border of near and far.
 */
near: boolean, };

export type Environment = { 
/**
 * The language to speak, by its tag, such as `ja` or `zh-Hans`.
 */
language: string, 
/**
 * That of the system.
 */
system_language: string, 
/**
 * The chosen language; `None` for that of the system.
 */
chosen_language: string | null, 
/**
 * Whether to be notified.
 */
notifications: boolean, 
/**
 * What not to be reminded of: names of `sesshoku_core`'s `Reminder`.
 */
muted: Array<string>, 
/**
 * All there is to be reminded of, by the same names.
 */
reminders: Array<string>, 
/**
 * Whether notifications come through: `shown`, `no-agent` where the agent of the
 * session does not run, or `no-desktop` where nothing shows them.
 */
notifier: string, 
/**
 * The version of the window.
 */
version: string, 
/**
 * Where inquiries go.
 */
inquiries: Inquiries, 
/**
 * What is said of who runs the service, at the end of what is agreed to.
 */
operator: Array<Sentence>, };

export type Inquiries = { 
/**
 * Who answers.
 */
name: string | null, 
/**
 * Their mail address.
 */
mail: string | null, 
/**
 * Their page.
 */
page: string | null, };

export type Sentence = { 
/**
 * Its key.
 */
key: string, 
/**
 * What `$what` stands for in it.
 */
what: Name | null, 
/**
 * What `$task` stands for in it.
 */
task: Name | null, };

export type Name = { 
/**
 * In Japanese.
 */
ja: string, 
/**
 * In English.
 */
en: string, };

export type Choice = { 
/**
 * The language; `None` for that of the system.
 */
language: string | null, 
/**
 * Whether to be notified.
 */
notifications: boolean, 
/**
 * What not to be reminded of.
 */
muted: Array<string>, };

export type Guidance = { 
/**
 * The questions; the first is where everybody begins.
 */
questions: Array<GuidanceQuestion>, 
/**
 * For how many days to stay at home, or to watch one's health.
 */
days: number, 
/**
 * Whom to call when it is urgent.
 */
emergency: GuidanceContact | null, 
/**
 * Who goes through the same questions on the phone.
 */
call_centre: GuidanceContact | null, 
/**
 * The prefectures in the order of their codes; `None` where the directory of contacts
 * cannot be used.
 */
prefectures: Array<GuidancePrefecture> | null, };

export type GuidanceQuestion = { 
/**
 * Its name.
 */
name: string, 
/**
 * Where "yes" leads.
 */
yes: GuidanceStep, 
/**
 * Where "no" leads.
 */
no: GuidanceStep, };

export type GuidanceStep = { 
/**
 * The name of the next question.
 */
question: string | null, 
/**
 * What to do.
 */
outcome: GuidanceOutcome | null, };

export type GuidanceOutcome = { 
/**
 * Its name.
 */
name: string, 
/**
 * Whether there is somebody to call.
 */
visit: boolean, 
/**
 * Whether the clinic asks something after a negative test.
 */
asked_after_negative_test: boolean, };

export type GuidancePrefecture = { 
/**
 * Its code in JIS X 0401.
 */
code: string, 
/**
 * Its name in Japanese.
 */
ja: string, 
/**
 * Its name in English.
 */
en: string, 
/**
 * `clinic` or `centre`; `None` where nobody is known.
 */
first: string | null, 
/**
 * Whom to call.
 */
contacts: Array<GuidanceContact>, };

export type GuidanceContact = { 
/**
 * What it is called in Japanese.
 */
ja: string, 
/**
 * What it is called in English.
 */
en: string, 
/**
 * When somebody answers, in Japanese.
 */
hours_ja: string | null, 
/**
 * When somebody answers, in English.
 */
hours_en: string | null, 
/**
 * The number as it is written; a sample has none.
 */
phone: string | null, 
/**
 * The `tel:` address that dials it.
 */
uri: string | null, };

export type Failure = { 
/**
 * The last part of the daemon's error name, or `Away` (it is not running),
 * `Denied` (polkit or the bus does not allow it), `StaysOff` (Bluetooth was switched
 * off and not on again), `File` or `Failed`.
 */
name: string, };
