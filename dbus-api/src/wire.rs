//! What the core says, as it crosses the bus.

use gaen::time::UnixSeconds;
use sesshoku_core::records::CheckRecord;
use sesshoku_core::tracer::{self, Measured, NotMeasured, Refusal};
use sesshoku_core::verdict::{self, Assessment, Day};

use crate::error::Error;
use crate::types::{
    CheckEntry, ContactDay, CoursePoint, ExposureResult, Measurement, RegistrationStatus,
};

/// A time as it crosses the bus: in Unix seconds, 0 for never.
pub fn seconds(at: Option<UnixSeconds>) -> u64 {
    at.map_or(0, |at| at.get().into())
}

impl From<&Assessment> for ExposureResult {
    fn from(assessment: &Assessment) -> Self {
        Self {
            verdict: assessment.verdict.to_string(),
            reasons: assessment.reasons.iter().map(ToString::to_string).collect(),
            period_start: assessment.period_start.to_string(),
            period_end: assessment.period_end.to_string(),
            last_success: seconds(assessment.last_success),
            recorded_seconds: assessment.recorded_seconds,
            unrecorded_seconds: assessment.unrecorded_seconds,
            contacts: Some(assessment.days.iter().map(ContactDay::from).collect()),
        }
    }
}

impl From<&Day> for ContactDay {
    fn from(day: &Day) -> Self {
        let course = |points: &Vec<verdict::CoursePoint>| points.iter().map(From::from).collect();
        Self {
            date: day.date.to_string(),
            contacts: day.contacts,
            seconds: u32::try_from(day.seconds).unwrap_or(u32::MAX),
            near_seconds: u32::try_from(day.near_seconds).unwrap_or(u32::MAX),
            score: day.score_percent,
            courses: Some(day.courses.iter().map(course).collect()),
        }
    }
}

impl From<&verdict::CoursePoint> for CoursePoint {
    fn from(point: &verdict::CoursePoint) -> Self {
        Self {
            minute: point.minute,
            minutes: point.minutes,
            strength: point.strength,
        }
    }
}

impl From<CheckRecord> for CheckEntry {
    fn from(record: CheckRecord) -> Self {
        Self {
            started: record.started.get().into(),
            ended: record.ended.get().into(),
            outcome: record.outcome.to_string(),
            listed: record.counts.map(|counts| counts.listed),
            compared: record.counts.map(|counts| counts.compared),
        }
    }
}

impl From<&tracer::RegistrationStatus> for RegistrationStatus {
    /// Whether it is of a place is left open.
    fn from(status: &tracer::RegistrationStatus) -> Self {
        let date = status.date.map(|date| date.to_string());
        Self {
            state: status.state.to_string(),
            reason: status.reason.to_string(),
            since: seconds(status.since),
            days: status.days.iter().map(ToString::to_string).collect(),
            is_place: None,
            has_symptoms: status.has_symptoms,
            date: date.unwrap_or_default(),
            next_try: seconds(status.next_try),
            tries_left: status.tries_left,
            paused_until: seconds(status.paused_until),
        }
    }
}

impl From<Measured> for Measurement {
    fn from(measured: Measured) -> Self {
        Self {
            samples: measured.samples.into_iter().map(i16::from).collect(),
            others: measured.others,
            strongest_other: measured.strongest_other.map(i16::from),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::ConsentRequired => {
                Self::ConsentRequired("the terms in force are not agreed to".into())
            }
            Refusal::NotConfigured => {
                Self::NotConfigured("there is no server to register with".into())
            }
            Refusal::ClockNotSet => Self::ClockNotSet("the clock is not set".into()),
            Refusal::Paused => Self::Paused("three processing numbers were wrong".into()),
            Refusal::Busy => Self::Busy("a registration is being sent or erased".into()),
            Refusal::InvalidDate => {
                Self::InvalidDate("in the future, or more than 14 days back".into())
            }
            Refusal::InvalidLastDay => Self::InvalidDate(
                "the last day is before the first, or more than 10 days later".into(),
            ),
            Refusal::NoKeys => Self::NoKeys("there is no key of those days to send".into()),
            Refusal::Pending => Self::Pending("another registration waits".into()),
            Refusal::NothingPending => Self::NothingPending("no registration waits".into()),
            Refusal::NumberRequired => {
                Self::NumberRequired("the processing number is not in memory any more".into())
            }
            Refusal::Storage => Self::Storage("could not read or write the keys".into()),
        }
    }
}

impl From<NotMeasured> for Error {
    fn from(why: NotMeasured) -> Self {
        match why {
            NotMeasured::ConsentRequired => Refusal::ConsentRequired.into(),
            NotMeasured::NotListening => Self::NotListening("nothing can be heard".into()),
            NotMeasured::ShuttingDown => Self::shutting_down(),
        }
    }
}

#[cfg(test)]
mod tests {
    use gaen::time::UtcDay;
    use sesshoku_core::status::{UnknownReason, Verdict};

    use super::*;

    #[test]
    fn a_result_has_names_and_dates_and_its_days() {
        let today = UtcDay::new(18_500);
        let assessment = Assessment {
            verdict: Verdict::Contact,
            reasons: vec![UnknownReason::CheckFailed],
            period_start: today.saturating_sub(13),
            period_end: today,
            last_success: Some(today.start()),
            recorded_seconds: 1_000_000,
            unrecorded_seconds: 7,
            days: vec![Day {
                date: today,
                contacts: 1,
                seconds: u64::MAX,
                near_seconds: 1200,
                score_percent: 150.0,
                courses: vec![vec![verdict::CoursePoint {
                    minute: 20,
                    minutes: 20,
                    strength: 70,
                }]],
            }],
        };
        let result = ExposureResult::from(&assessment);
        assert_eq!(result.verdict, "contact");
        assert_eq!(result.reasons, ["check-failed"]);
        assert_eq!(result.period_start, "2020-08-13");
        assert_eq!(result.period_end, "2020-08-26");
        assert_eq!(result.last_success, u64::from(today.start().get()));
        let contacts = result.contacts.unwrap();
        assert_eq!(contacts[0].date, "2020-08-26");
        assert_eq!(
            (contacts[0].seconds, contacts[0].near_seconds),
            (u32::MAX, 1200)
        );
        let point = CoursePoint {
            minute: 20,
            minutes: 20,
            strength: 70,
        };
        assert_eq!(contacts[0].courses, Some(vec![vec![point]]));
    }
}
