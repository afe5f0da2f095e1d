//! The types that cross the bus.
//!
//! The closed sets of names are enums of the core, and kebab-case strings on the bus.
//! They stay strings here: a name that this version does not know is no
//! [`Named`], so that an old front end survives a new daemon.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use sesshoku_core::Named;
use sesshoku_core::status::NoticeKind;
use zbus::zvariant::{DeserializeDict, SerializeDict, Type};
use zbus::{OwnedVariant, Variant};

/// How long before a maintenance begins attention is drawn to it, in seconds: the day
/// before is too late for who looks once a day.
const MAINTENANCE_AHEAD: u64 = 2 * 86_400;

/// A notice of the operator, as `org.sesshoku.Notices1.Notices` has it: the operator's
/// words, plain text, not signed.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, Type, Variant, OwnedVariant, Serialize, Deserialize,
)]
#[zvariant(signature = "dict")]
pub struct Notice {
    /// Names it: a notice that changes gets another.
    pub id: String,
    /// A [`NoticeKind`].
    pub kind: String,
    /// The version of the terms; empty where it is about none.
    pub version: String,
    /// When it begins to hold, in Unix seconds; 0 for no such time.
    pub from: u64,
    /// When it ceases to hold, in Unix seconds; 0 for no such time.
    pub to: u64,
    /// The text in Japanese.
    pub ja: String,
    /// The text in English.
    pub en: String,
}

impl Notice {
    /// As it crosses the bus: an `a{sv}`.
    pub fn to_dict(&self) -> HashMap<&'static str, Variant<'static>> {
        HashMap::from([
            ("id", self.id.clone().into()),
            ("kind", self.kind.clone().into()),
            ("version", self.version.clone().into()),
            ("from", self.from.into()),
            ("to", self.to.into()),
            ("ja", self.ja.clone().into()),
            ("en", self.en.clone().into()),
        ])
    }

    /// From the bus; what is missing is empty or 0.
    pub fn from_dict(dict: impl IntoIterator<Item = (String, OwnedVariant)>) -> Self {
        fn take<T: TryFrom<OwnedVariant> + Default>(value: OwnedVariant) -> T {
            value.try_into().unwrap_or_default()
        }
        let mut notice = Self::default();
        for (name, value) in dict {
            match name.as_str() {
                "id" => notice.id = take(value),
                "kind" => notice.kind = take(value),
                "version" => notice.version = take(value),
                "from" => notice.from = take(value),
                "to" => notice.to = take(value),
                "ja" => notice.ja = take(value),
                "en" => notice.en = take(value),
                _ => {}
            }
        }
        notice
    }

    /// What it is about, where that is known.
    pub fn kind(&self) -> Option<NoticeKind> {
        NoticeKind::named(&self.kind)
    }

    /// From when until when, in Unix seconds, front ends draw attention to it without
    /// being asked, where `agreed_version` of the terms is agreed to. A maintenance is
    /// announced ahead; new terms are, until they are agreed to. Of a kind that is not
    /// known there is nothing to draw attention to.
    pub fn relevance(&self, agreed_version: &str) -> Option<Range<u64>> {
        match self.kind() {
            Some(NoticeKind::Maintenance) => {
                Some(self.from.saturating_sub(MAINTENANCE_AHEAD)..self.to)
            }
            Some(NoticeKind::Terms) => (self.version != agreed_version).then_some(0..u64::MAX),
            None => None,
        }
    }
}

/// What was heard of whoever is nearest, as `org.sesshoku.Calibration1.Measure` returns
/// it, in dBm and without the correction of this device.
#[derive(Clone, Debug, PartialEq, Eq, Type, SerializeDict, DeserializeDict)]
#[zvariant(signature = "dict")]
pub struct Measurement {
    /// Signal strengths, in the order they came.
    pub samples: Vec<i16>,
    /// How many other identifiers were heard.
    pub others: u32,
    /// The median of the strongest of them.
    pub strongest_other: Option<i16>,
}

/// The result of checking, as `org.sesshoku.Exposure1.GetResult` returns it.
#[derive(Clone, Debug, PartialEq, Type, SerializeDict, DeserializeDict)]
#[zvariant(signature = "dict")]
pub struct ExposureResult {
    /// A [`Verdict`](crate::Verdict).
    pub verdict: String,
    /// [`UnknownReason`](crate::UnknownReason)s, when the verdict is unknown.
    pub reasons: Vec<String>,
    /// First UTC day of the period, `YYYY-MM-DD`.
    pub period_start: String,
    /// Last UTC day of the period, `YYYY-MM-DD`.
    pub period_end: String,
    /// When the last complete check ended, in Unix seconds; 0 for never.
    pub last_success: u64,
    /// Seconds of the period in which was listened.
    pub recorded_seconds: u64,
    /// Seconds of the period in which was not.
    pub unrecorded_seconds: u64,
    /// The days that count as a contact, newest first, by the same look at what is
    /// stored; `None` from a daemon that tells them in `GetContacts` alone.
    pub contacts: Option<Vec<ContactDay>>,
}

/// The registration, as `org.sesshoku.Registration1.GetRegistration` returns it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Type, SerializeDict, DeserializeDict)]
#[zvariant(signature = "dict")]
pub struct RegistrationStatus {
    /// A [`RegistrationState`](crate::RegistrationState).
    pub state: String,
    /// A [`RegistrationReason`](crate::RegistrationReason).
    pub reason: String,
    /// When the state became what it is, in Unix seconds; 0 for never.
    pub since: u64,
    /// The UTC days, `YYYY-MM-DD`, whose keys are or were sent.
    pub days: Vec<String>,
    /// Whether it is of a place, not of a person.
    pub is_place: Option<bool>,
    /// Whether there are symptoms.
    pub has_symptoms: bool,
    /// The day of onset or test, of a place the first of its days, `YYYY-MM-DD`; empty
    /// for none.
    pub date: String,
    /// When it is tried again, in Unix seconds; 0 while it is not.
    pub next_try: u64,
    /// How many wrong numbers there may be before a pause.
    pub tries_left: u32,
    /// Until when nothing can be registered, in Unix seconds; 0 for no pause.
    pub paused_until: u64,
}

/// One day of the contact list, as `org.sesshoku.Exposure1.GetContacts` returns it.
#[derive(Clone, Debug, PartialEq, Type, SerializeDict, DeserializeDict)]
#[zvariant(signature = "dict")]
pub struct ContactDay {
    /// The UTC day, `YYYY-MM-DD`.
    pub date: String,
    /// Number of contacts: diagnosis keys met that day. The same person on
    /// another day counts again, since nobody can tell.
    pub contacts: u32,
    /// Σ seconds of all scan instances, near and far.
    pub seconds: u32,
    /// Σ seconds of the instances that were not far (all buckets but the last).
    pub near_seconds: u32,
    /// Score sum in percent of the threshold: 100 is a contact (docs/protocol.md §7).
    pub score: f64,
    /// For each contact, in no order that tells anything, how its signal went; empty
    /// from a daemon that does not say.
    pub courses: Option<Vec<Vec<CoursePoint>>>,
}

/// A stretch of one contact's signal. There is no time of day in it: it could tell
/// who it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Type, Serialize, Deserialize)]
pub struct CoursePoint {
    /// Minutes from the first signal of that contact on that day to its end.
    pub minute: u32,
    /// How many minutes it stands for.
    pub minutes: u32,
    /// How strong it was: 50 is the least that is near, each dB is one, 0 to 100.
    pub strength: u8,
}

/// A check, as `org.sesshoku.Exposure1.GetChecks` returns it.
#[derive(Clone, Debug, PartialEq, Eq, Type, SerializeDict, DeserializeDict)]
#[zvariant(signature = "dict")]
pub struct CheckEntry {
    /// When it began, in Unix seconds.
    pub started: u64,
    /// When it ended, in Unix seconds.
    pub ended: u64,
    /// A [`CheckOutcome`](crate::CheckOutcome).
    pub outcome: String,
    /// How many exports the server had on its list; `None` where that is not known.
    pub listed: Option<u32>,
    /// How many of them were verified and compared; `None` where that is not known.
    pub compared: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(kind: &str) -> Notice {
        Notice {
            id: "1".to_owned(),
            kind: kind.to_owned(),
            version: "2".to_owned(),
            from: 1_000_000,
            to: 1_010_000,
            ja: "お休み".to_owned(),
            en: "rest".to_owned(),
        }
    }

    #[test]
    fn attention_is_drawn_while_there_is_something_to_do_about_it() {
        let maintenance = notice("maintenance").relevance("1").unwrap();
        for (time, relevant) in [
            (1_000_000 - 172_801, false),
            (1_000_000 - 172_800, true),
            (1_009_999, true),
            (1_010_000, false),
        ] {
            assert_eq!(maintenance.contains(&time), relevant, "{time}");
        }
        assert!(notice("terms").relevance("1").unwrap().contains(&0));
        assert_eq!(notice("terms").relevance("2"), None);
        assert_eq!(notice("party").relevance("1"), None);
    }
}
