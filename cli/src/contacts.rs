//! The result of checking, as one value.

use serde::Serialize;
use sesshoku_dbus_api::{ContactDay, Exposure1Proxy, ExposureResult, Named, Verdict};
use zbus::Connection;

use crate::bus;
use crate::exit::{Exit, Failure};

/// The answer to "was I near someone who registered as positive?".
///
/// Names are those of the bus (`dbus-api`), times are Unix seconds, dates UTC days.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Contacts {
    pub(crate) verdict: String,
    /// Why the verdict is unknown.
    pub(crate) reasons: Vec<String>,
    pub(crate) period_start: String,
    pub(crate) period_end: String,
    pub(crate) last_success: Option<u64>,
    pub(crate) recorded_seconds: u64,
    pub(crate) unrecorded_seconds: u64,
    /// The days that count as a contact, newest first.
    pub(crate) contacts: Vec<Day>,
}

/// One day of the contact list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Day {
    pub(crate) date: String,
    pub(crate) contacts: u32,
    pub(crate) seconds: u32,
    pub(crate) near_seconds: u32,
    /// In percent of what counts as a contact.
    pub(crate) score: f64,
}

impl Contacts {
    /// Asks the daemon, in the background: who may not, is not asked to authenticate.
    pub(crate) async fn fetch(connection: &Connection) -> Result<Self, Failure> {
        let exposure = Exposure1Proxy::new(connection).await?;
        let mut result = exposure.get_result().await?;
        let days = match result.contacts.take() {
            Some(days) => days,
            None => exposure.get_contacts().await?,
        };
        Ok(Self::new(result, days))
    }

    /// Asks the daemon, and polkit may ask the person to authenticate.
    pub(crate) async fn fetch_asking(connection: &Connection) -> Result<Self, Failure> {
        let exposure = Exposure1Proxy::new(connection).await?;
        let mut result: ExposureResult = bus::read(exposure.inner(), "GetResult").await?;
        let days = match result.contacts.take() {
            Some(days) => days,
            None => bus::read(exposure.inner(), "GetContacts").await?,
        };
        Ok(Self::new(result, days))
    }

    fn new(result: ExposureResult, days: Vec<ContactDay>) -> Self {
        Self {
            verdict: result.verdict,
            reasons: result.reasons,
            period_start: result.period_start,
            period_end: result.period_end,
            last_success: Some(result.last_success).filter(|time| *time != 0),
            recorded_seconds: result.recorded_seconds,
            unrecorded_seconds: result.unrecorded_seconds,
            contacts: days.into_iter().map(Day::from).collect(),
        }
    }

    /// A verdict that this version does not know says nothing: it is unknown.
    pub(crate) fn verdict(&self) -> Verdict {
        Verdict::named(&self.verdict).unwrap_or(Verdict::Unknown)
    }

    /// How many contacts each day has.
    pub(crate) fn days(&self) -> Vec<sesshoku_session::Day<'_>> {
        let days = self.contacts.iter();
        days.map(|day| (day.date.as_str(), day.contacts)).collect()
    }

    /// Whether it tells the person the same as `other`: another day of the period, and more
    /// that was recorded, change nothing.
    pub(crate) fn says_as(&self, other: &Self) -> bool {
        (&self.verdict, &self.reasons, &self.contacts)
            == (&other.verdict, &other.reasons, &other.contacts)
    }

    /// The exit code of `sesshoku contacts`.
    pub(crate) fn exit(&self) -> Exit {
        match self.verdict() {
            Verdict::None | Verdict::Contact => Exit::Done,
            Verdict::Unknown => Exit::VerdictUnknown,
        }
    }
}

impl From<ContactDay> for Day {
    fn from(day: ContactDay) -> Self {
        Self {
            date: day.date,
            contacts: day.contacts,
            seconds: day.seconds,
            near_seconds: day.near_seconds,
            score: day.score,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A result with `verdict` and `reasons` and without contacts.
    pub(crate) fn result(verdict: &str, reasons: &[&str]) -> Contacts {
        Contacts::new(
            ExposureResult {
                verdict: verdict.to_owned(),
                reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
                period_start: "2020-07-19".to_owned(),
                period_end: "2020-08-01".to_owned(),
                last_success: 1_596_250_800,
                recorded_seconds: 1_000_000,
                unrecorded_seconds: 12_000,
                contacts: None,
            },
            Vec::new(),
        )
    }

    /// A result with two days of contact.
    pub(crate) fn contact() -> Contacts {
        let day = |date: &str, contacts, seconds, near_seconds, score| ContactDay {
            date: date.to_owned(),
            contacts,
            seconds,
            near_seconds,
            score,
            courses: None,
        };
        let mut contacts = result("contact", &[]);
        contacts.contacts = vec![
            day("2020-08-01", 1, 1_200, 1_080, 133.4).into(),
            day("2020-07-30", 2, 3_600, 2_400, 240.0).into(),
        ];
        contacts
    }

    #[test]
    fn time_that_passes_says_nothing_new() {
        let (none, mut later) = (result("none", &[]), result("none", &[]));
        later.period_end = "2020-08-02".to_owned();
        later.last_success = Some(1_596_340_000);
        later.recorded_seconds += 86_400;
        assert!(later.says_as(&none));
        assert!(!result("unknown", &["check-failed"]).says_as(&none));
        assert!(!contact().says_as(&none));
    }

    #[test]
    fn only_none_and_contact_are_answers() {
        let table = [
            ("none", Exit::Done),
            ("contact", Exit::Done),
            ("unknown", Exit::VerdictUnknown),
            ("perhaps", Exit::VerdictUnknown),
        ];
        for (verdict, exit) in table {
            assert_eq!(result(verdict, &[]).exit(), exit, "{verdict}");
        }
    }

    #[test]
    fn the_json_of_a_result_is_stable() {
        let mut contacts = contact();
        contacts.contacts.truncate(1);
        assert_eq!(
            serde_json::to_string(&contacts).unwrap(),
            concat!(
                r#"{"verdict":"contact","reasons":[],"period_start":"2020-07-19","#,
                r#""period_end":"2020-08-01","last_success":1596250800,"#,
                r#""recorded_seconds":1000000,"unrecorded_seconds":12000,"contacts":["#,
                r#"{"date":"2020-08-01","contacts":1,"seconds":1200,"near_seconds":1080,"#,
                r#""score":133.4}]}"#,
            )
        );
    }
}
