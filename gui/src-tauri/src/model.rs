//! What the page is told: plain values, from which its TypeScript types are made.
//!
//! Names (states, reasons, outcomes, verdicts) are those of the bus, where each is
//! described (`dbus-api`). Times are Unix seconds by the daemon's clock, `None` for
//! never. Dates are UTC days, `YYYY-MM-DD`.

use guidance::{Call, Directory, Prefecture, Question, Step};
use serde::{Deserialize, Serialize};

/// Everything but the result of checking, which is only told when it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Status {
    /// The daemon; `None` while it is not running.
    pub service: Option<Service>,
}

/// The daemon.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Service {
    /// Its version.
    pub version: String,
    /// Its clock, which is simulated when its radio is.
    #[cfg_attr(test, ts(type = "number"))]
    pub time: u64,
    /// Whether contacts are being recorded.
    pub state: String,
    /// Why the state is what it is.
    pub reason: String,
    /// `bluez` for real Bluetooth; everything else is not real.
    pub radio: String,
    /// Whether it listens.
    pub receiving: bool,
    /// Why what was deleted may still be on the disk; `None` where it is gone.
    pub overwrite_doubt: Option<String>,
    /// The agreement.
    pub consent: Consent,
    /// The checks.
    pub check: Check,
    /// Registering as positive; `None` with a daemon that cannot.
    pub registration: Option<Registration>,
    /// What the operator has to tell.
    pub notices: Vec<Notice>,
}

/// A notice of the operator: their own words, plain text.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Notice {
    /// Names it.
    pub id: String,
    /// `maintenance`, `terms`, or anything else: it has no words of ours.
    pub kind: String,
    /// The version of the terms; empty for none.
    pub version: String,
    /// When it begins to hold.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub from: Option<u64>,
    /// When it ceases to hold.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub to: Option<u64>,
    /// The text in Japanese.
    pub ja: String,
    /// The text in English.
    pub en: String,
    /// From when the home screen draws attention to it; `None` for never.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub relevant_from: Option<u64>,
    /// Until when it does; `None` for as long as it is there.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub relevant_until: Option<u64>,
}

/// The agreement to the terms.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Consent {
    /// `none`, `agreed` or `outdated`.
    pub state: String,
    /// When it was agreed.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub agreed_at: Option<u64>,
}

/// The checks, without what they found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Check {
    /// Whether one is under way.
    pub checking: bool,
    /// How the last one ended.
    pub last_outcome: String,
    /// When the last complete one ended.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub last_success: Option<u64>,
    /// When the next one is due.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub next_check: Option<u64>,
}

/// How far a registration as positive is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Registration {
    /// `none`, `sending`, `waiting-to-retry`, `done` or `failed`.
    pub state: String,
    /// Why it waits or has failed.
    pub reason: String,
    /// When the state became what it is.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub since: Option<u64>,
    /// Whether there are symptoms.
    pub has_symptoms: bool,
    /// The day of onset or test; empty for none.
    pub date: String,
    /// When it is tried again by itself.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub next_try: Option<u64>,
    /// How many wrong numbers there may be before a pause.
    pub tries_left: u32,
    /// Until when nothing can be registered.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub paused_until: Option<u64>,
}

/// The result of checking.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Exposure {
    /// `none`, `contact`, or anything else: it is not known.
    pub verdict: String,
    /// What is not known.
    pub reasons: Vec<String>,
    /// First day of the period.
    pub period_start: String,
    /// Last day of the period.
    pub period_end: String,
    /// When the last complete check ended.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub last_success: Option<u64>,
    /// Seconds of the period in which was listened.
    #[cfg_attr(test, ts(type = "number"))]
    pub recorded_seconds: u64,
    /// Seconds of the period in which was not.
    #[cfg_attr(test, ts(type = "number"))]
    pub unrecorded_seconds: u64,
    /// The days that count as a contact, newest first.
    pub days: Vec<Day>,
}

/// A day that counts as a contact.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Day {
    /// The day.
    pub date: String,
    /// How many contacts.
    pub contacts: u32,
    /// Length of all encounters, in seconds.
    pub seconds: u32,
    /// The part of it that was not far.
    pub near_seconds: u32,
    /// In percent of what counts as a contact.
    pub score: f64,
    /// For each contact, in no order that tells anything, how its signal went.
    pub courses: Vec<Vec<Point>>,
}

/// A stretch of one contact's signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Point {
    /// Minutes since the first signal at which it ends.
    pub minute: u32,
    /// How many minutes it stands for.
    pub minutes: u32,
    /// Its strength, 0 to 100.
    pub strength: u32,
    /// Whether it was stronger than the border of near and far.
    pub near: bool,
}

/// What the window is to look and speak like, and what is known beside the daemon.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Environment {
    /// The language to speak, by its tag, such as `ja` or `zh-Hans`.
    pub language: String,
    /// That of the system.
    pub system_language: String,
    /// The chosen language; `None` for that of the system.
    pub chosen_language: Option<String>,
    /// Whether to be notified.
    pub notifications: bool,
    /// What not to be reminded of: names of `sesshoku_core`'s `Reminder`.
    pub muted: Vec<String>,
    /// All there is to be reminded of, by the same names.
    pub reminders: Vec<String>,
    /// Whether notifications come through: `shown`, `no-agent` where the agent of the
    /// session does not run, or `no-desktop` where nothing shows them.
    pub notifier: String,
    /// The version of the window.
    pub version: String,
    /// Where inquiries go.
    pub inquiries: Inquiries,
    /// What is said of who runs the service, at the end of what is agreed to.
    pub operator: Vec<Sentence>,
}

/// A sentence that names somebody.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Sentence {
    /// Its key.
    pub key: String,
    /// What `$what` stands for in it.
    pub what: Option<Name>,
    /// What `$task` stands for in it.
    pub task: Option<Name>,
}

/// A name as an operator writes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Name {
    /// In Japanese.
    pub ja: String,
    /// In English.
    pub en: String,
}

impl From<guidance::Localised> for Name {
    fn from(guidance::Localised { ja, en }: guidance::Localised) -> Self {
        Self { ja, en }
    }
}

impl From<sesshoku_session::Sentence> for Sentence {
    fn from(sentence: sesshoku_session::Sentence) -> Self {
        Self {
            key: sentence.key.to_owned(),
            what: sentence.what.map(Name::from),
            task: sentence.task.map(Name::from),
        }
    }
}

/// Where inquiries go.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Inquiries {
    /// Who answers.
    pub name: Option<String>,
    /// Their mail address.
    pub mail: Option<String>,
    /// Their page.
    pub page: Option<String>,
}

/// What the person may choose.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Choice {
    /// The language; `None` for that of the system.
    pub language: Option<String>,
    /// Whether to be notified.
    pub notifications: bool,
    /// What not to be reminded of.
    pub muted: Vec<String>,
}

/// The whole guidance as data: the page only walks it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Guidance {
    /// The questions; the first is where everybody begins.
    pub questions: Vec<GuidanceQuestion>,
    /// For how many days to stay at home, or to watch one's health.
    pub days: u32,
    /// Whom to call when it is urgent.
    pub emergency: Option<GuidanceContact>,
    /// Who goes through the same questions on the phone.
    pub call_centre: Option<GuidanceContact>,
    /// The prefectures in the order of their codes; `None` where the directory of contacts
    /// cannot be used.
    pub prefectures: Option<Vec<GuidancePrefecture>>,
}

/// A question, and where its answers lead.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct GuidanceQuestion {
    /// Its name.
    pub name: String,
    /// Where "yes" leads.
    pub yes: GuidanceStep,
    /// Where "no" leads.
    pub no: GuidanceStep,
}

/// Where an answer leads: to one of the two.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct GuidanceStep {
    /// The name of the next question.
    pub question: Option<String>,
    /// What to do.
    pub outcome: Option<GuidanceOutcome>,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct GuidanceOutcome {
    /// Its name.
    pub name: String,
    /// Whether there is somebody to call.
    pub visit: bool,
    /// Whether the clinic asks something after a negative test.
    pub asked_after_negative_test: bool,
}

/// A prefecture, and whom to call in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct GuidancePrefecture {
    /// Its code in JIS X 0401.
    pub code: String,
    /// Its name in Japanese.
    pub ja: String,
    /// Its name in English.
    pub en: String,
    /// `clinic` or `centre`; `None` where nobody is known.
    pub first: Option<String>,
    /// Whom to call.
    pub contacts: Vec<GuidanceContact>,
}

/// Somebody to call.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct GuidanceContact {
    /// What it is called in Japanese.
    pub ja: String,
    /// What it is called in English.
    pub en: String,
    /// When somebody answers, in Japanese.
    pub hours_ja: Option<String>,
    /// When somebody answers, in English.
    pub hours_en: Option<String>,
    /// The number as it is written; a sample has none.
    pub phone: Option<String>,
    /// The `tel:` address that dials it.
    pub uri: Option<String>,
}

impl Guidance {
    /// The guidance with the contacts of `directory`, where it can be used.
    pub fn new(directory: Option<&Directory>) -> Self {
        Self {
            questions: Question::ALL.into_iter().map(question).collect(),
            days: guidance::DAYS,
            emergency: directory.and_then(Directory::emergency).map(contact),
            call_centre: directory.and_then(Directory::call_centre).map(contact),
            prefectures: directory.map(|directory| {
                Prefecture::all()
                    .map(|it| prefecture(it, directory.call(it)))
                    .collect()
            }),
        }
    }
}

fn question(question: Question) -> GuidanceQuestion {
    GuidanceQuestion {
        name: question.as_str().to_owned(),
        yes: step(question.answered(guidance::Answer::Yes)),
        no: step(question.answered(guidance::Answer::No)),
    }
}

fn step(step: Step) -> GuidanceStep {
    match step {
        Step::Ask(question) => GuidanceStep {
            question: Some(question.as_str().to_owned()),
            outcome: None,
        },
        Step::End(outcome) => GuidanceStep {
            question: None,
            outcome: Some(GuidanceOutcome {
                name: outcome.as_str().to_owned(),
                visit: outcome.is_visit(),
                asked_after_negative_test: outcome.asked_after_negative_test().is_some(),
            }),
        },
    }
}

fn prefecture(prefecture: Prefecture, call: Option<Call<'_>>) -> GuidancePrefecture {
    GuidancePrefecture {
        code: prefecture.code(),
        ja: prefecture.japanese().to_owned(),
        en: prefecture.english().to_owned(),
        first: call.map(|call| call.first.as_str().to_owned()),
        contacts: call
            .map_or(&[][..], |call| call.contacts)
            .iter()
            .map(contact)
            .collect(),
    }
}

fn contact(contact: &guidance::Contact) -> GuidanceContact {
    let hours = contact.hours.as_ref();
    GuidanceContact {
        ja: contact.name.ja.clone(),
        en: contact.name.en.clone(),
        hours_ja: hours.map(|hours| hours.ja.clone()),
        hours_en: hours.map(|hours| hours.en.clone()),
        phone: contact.phone.as_ref().map(|it| it.as_str().to_owned()),
        uri: contact.phone.as_ref().map(guidance::Phone::uri),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use ts_rs::{Config, TS};

    use super::*;
    use crate::failure::Failure;

    /// Holds a generated file of the page against what it must be, or writes it when
    /// `UPDATE` is set.
    fn hold_up_to_date(name: &str, contents: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../src/generated")
            .join(name);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, contents).unwrap();
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            there == contents,
            "{name} is out of date: run this test with UPDATE=1"
        );
    }

    #[test]
    fn the_types_of_the_page_are_these() {
        fn declare<T: TS>() -> String {
            format!("export {}\n", T::decl(&Config::default()))
        }
        let types = [
            declare::<Status>(),
            declare::<Service>(),
            declare::<Consent>(),
            declare::<Check>(),
            declare::<Registration>(),
            declare::<Notice>(),
            declare::<Exposure>(),
            declare::<Day>(),
            declare::<Point>(),
            declare::<Environment>(),
            declare::<Inquiries>(),
            declare::<Sentence>(),
            declare::<Name>(),
            declare::<Choice>(),
            declare::<Guidance>(),
            declare::<GuidanceQuestion>(),
            declare::<GuidanceStep>(),
            declare::<GuidanceOutcome>(),
            declare::<GuidancePrefecture>(),
            declare::<GuidanceContact>(),
            declare::<Failure>(),
        ];
        let head = "// Made from src-tauri/src/model.rs by its tests, with UPDATE=1.\n\n";
        hold_up_to_date("types.ts", &format!("{head}{}", types.join("\n")));
    }

    #[test]
    fn the_mock_s_guidance_is_the_real_one() {
        let guidance = Guidance::new(Some(&Directory::sample()));
        let json = serde_json::to_string_pretty(&guidance).unwrap();
        hold_up_to_date("guidance.json", &format!("{json}\n"));
    }
}
