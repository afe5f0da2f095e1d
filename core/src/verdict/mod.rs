//! What may be said to the person, and why (ARCHITECTURE.md, invariant 5): a pure function
//! of what was listed and compared, what was recorded, what was found, the agreement and
//! the time.
//! docs/verdict.md has the rules in words.
//!
//! "No contact" is only said after a complete check within the last 24 hours over data
//! that covers the period, when everything that was ever listed for it was compared,
//! and when the server has not fallen silent. Otherwise the answer is "unknown", with
//! every reason. A contact that was found is a contact whatever else is unknown; it
//! goes by its fourteen days, by being revoked, or by erasing, and by nothing else.
//!
//! Nothing here reads a clock, a file or the network.

mod days;
mod ledger;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::status::{UnknownReason, Verdict};
use gaen::config::Configuration;
use gaen::time::{UnixSeconds, UtcDay};
use serde::{Deserialize, Serialize};

pub use self::ledger::{
    Announced, AnnouncedKind, Brought, Comparison, ExportBatch, Ledger, ListChanges, Listed,
    ListedExport, NameHash, Recorded, Vouched, name_hash,
};

use self::days::contact_days;
use crate::records::{CheckOutcome, Coverage, Exposures};
use crate::time::{FUTURE_TOLERANCE, age};

/// How many UTC days the result covers, today included.
pub const PERIOD_DAYS: u32 = 14;
/// With less than this recorded in the period, in seconds, nothing can be said.
pub const LEAST_RECORDED_SECONDS: u64 = 3600;

/// For how long after a complete check "no contact" may be said (ARCHITECTURE.md, invariant 5).
pub const FRESH_FOR: Duration = Duration::from_hours(24);

/// What is remembered of checks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckMemory {
    /// When the last complete check ended.
    pub last_success: Option<UnixSeconds>,
    /// The last cycle of each day that was stored when it looked at them. What came
    /// later is for the next check.
    pub looked_at: Vec<(UtcDay, u32)>,
    /// How the checks since then ended.
    pub failures: BTreeSet<CheckOutcome>,
}

impl CheckMemory {
    /// Takes in that a check ended so at `ended`, having looked at the cycles up to
    /// those in `looked_at`.
    pub fn note(&mut self, outcome: CheckOutcome, ended: UnixSeconds, looked_at: &[(UtcDay, u32)]) {
        if outcome == CheckOutcome::Complete {
            *self = Self {
                last_success: Some(ended),
                looked_at: looked_at.to_vec(),
                failures: BTreeSet::new(),
            };
        } else {
            self.failures.insert(outcome);
        }
    }
}

/// Everything the answer rests on.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Whether the current terms are agreed to.
    pub consent: bool,
    /// Whether the wall clock is set.
    pub clock_set: bool,
    /// How checks went.
    pub checks: CheckMemory,
    /// Everything that was ever listed.
    pub ledger: Ledger,
    /// The scan cycles of the period.
    pub recorded: Recorded,
    /// What was recorded in the period.
    pub coverage: Coverage,
    /// The stored exposures.
    pub exposures: Exposures,
    /// The server has fallen silent when the newest period that it signed ended longer
    /// ago; `None` where it makes no such promise.
    pub fresh_within: Option<Duration>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Contact, none or unknown.
    pub verdict: Verdict,
    /// What is not known. Empty when the verdict is none; with a contact it
    /// says what else there may be.
    pub reasons: Vec<UnknownReason>,
    /// First day of the period.
    pub period_start: UtcDay,
    /// Last day of the period: today.
    pub period_end: UtcDay,
    /// When the last complete check ended.
    pub last_success: Option<UnixSeconds>,
    /// Seconds of the period in which was listened.
    pub recorded_seconds: u64,
    /// Seconds of the period, up to now, in which was not.
    pub unrecorded_seconds: u64,
    /// The days that count as a contact, newest first.
    pub days: Vec<Day>,
}

/// A day that counts as a contact.
#[derive(Clone, Debug, PartialEq)]
pub struct Day {
    /// The UTC day.
    pub date: UtcDay,
    /// How many diagnosis keys were near that day, at least 1. The same person
    /// counts again on another day, since nobody can tell.
    pub contacts: u32,
    /// Seconds of all scan instances, near and far.
    pub seconds: u64,
    /// Seconds of the instances that were not far.
    pub near_seconds: u64,
    /// Score in percent of a contact's least (docs/protocol.md §7).
    pub score_percent: f64,
    /// How the signal of each contact went, in an order that tells nothing.
    pub courses: Vec<Vec<CoursePoint>>,
}

/// A stretch of one contact's signal. There is no time of day in it: it could tell
/// who it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CoursePoint {
    /// Minutes from the first signal of that contact on that day to its end.
    pub minute: u32,
    /// How many minutes it stands for.
    pub minutes: u32,
    /// How strong it was: 50 is the least that is near, each dB is one, 0 to 100.
    pub strength: u8,
}

/// First and last day of the period that a result at `now` covers.
pub fn period(now: UnixSeconds) -> (UtcDay, UtcDay) {
    let today = now.utc_day();
    (today.saturating_sub(PERIOD_DAYS - 1), today)
}

/// What may be said at `now`, by `facts`.
pub fn judge(facts: &Facts, configuration: &Configuration, now: UnixSeconds) -> Assessment {
    let (period_start, period_end) = period(now);
    let days = contact_days(
        &facts.exposures.found,
        configuration,
        period_start,
        period_end,
    );
    let reasons = unknown_reasons(facts, now);
    let verdict = if !days.is_empty() {
        Verdict::Contact
    } else if !reasons.is_empty() {
        Verdict::Unknown
    } else {
        Verdict::None
    };
    let passed = u64::try_from(now.seconds_since(period_start.start())).unwrap_or(0);
    let recorded_seconds = facts.coverage.recorded_seconds.min(passed);
    Assessment {
        verdict,
        reasons,
        period_start,
        period_end,
        last_success: facts.checks.last_success,
        recorded_seconds,
        unrecorded_seconds: passed - recorded_seconds,
        days,
    }
}

fn unknown_reasons(facts: &Facts, now: UnixSeconds) -> Vec<UnknownReason> {
    let mut reasons = Vec::new();
    if !facts.consent {
        reasons.push(UnknownReason::ConsentMissing);
    }
    if !facts.clock_set {
        reasons.push(UnknownReason::ClockNotSet);
    }
    let success = facts.checks.last_success;
    match success.map(|success| age(now, success)) {
        None => reasons.push(UnknownReason::NeverChecked),
        // It has no age: the clock was set back.
        Some(None) => reasons.push(UnknownReason::CheckInFuture),
        Some(Some(_)) if was_in_future(facts) => reasons.push(UnknownReason::CheckInFuture),
        Some(Some(age)) if age > FRESH_FOR => reasons.push(UnknownReason::CheckTooOld),
        Some(Some(_)) => {}
    }
    let is_fresh = is_recent(success, now);
    let failures = &facts.checks.failures;
    if failures.contains(&CheckOutcome::ListRefused) {
        reasons.push(UnknownReason::ListRefused);
    }
    if failures.iter().any(|outcome| spoils(*outcome, is_fresh)) {
        reasons.push(UnknownReason::CheckFailed);
    }
    let recorded = facts.recorded.clone().up_to(&facts.checks.looked_at);
    let is_open = !facts.ledger.open(&recorded, now).is_empty();
    if is_open || !facts.ledger.missing_batches(now).is_empty() {
        reasons.push(UnknownReason::ExportNotCompared);
    }
    if success.is_some() && is_silent(facts, now) {
        reasons.push(UnknownReason::ServerSilent);
    }
    if facts.coverage.recorded_seconds < LEAST_RECORDED_SECONDS {
        reasons.push(UnknownReason::TooLittleRecorded);
    }
    if facts.coverage.damaged_segments > 0
        || facts.exposures.damaged_days > 0
        || facts.ledger.is_damaged()
    {
        reasons.push(UnknownReason::StorageDamaged);
    }
    reasons
}

/// Whether something that was stored after the last complete check was recorded before
/// it, by the clock: then the clock was set back since, and nobody knows how old the
/// check is.
fn was_in_future(facts: &Facts) -> bool {
    let tolerance = i32::try_from(FUTURE_TOLERANCE.as_secs()).unwrap_or(i32::MAX);
    facts.checks.last_success.is_some_and(|success| {
        let earlier = success.saturating_add_signed(-tolerance);
        facts
            .recorded
            .first_after(&facts.checks.looked_at)
            .is_some_and(|started| started < earlier)
    })
}

/// Whether the last complete check is recent enough for "no contact".
fn is_recent(success: Option<UnixSeconds>, now: UnixSeconds) -> bool {
    success.is_some_and(|success| age(now, success).is_some_and(|age| age <= FRESH_FOR))
}

/// Whether a check that ended so since the last complete one is a reason not to know.
///
/// A server that could not be reached just now takes nothing from a complete
/// check of a few hours ago, and a laptop on a train must not flap between none
/// and unknown. Any other failure means that there is something, an export or a
/// sighting, that should have been looked at and was not; and that stays so until a
/// check is complete, however those between end.
const fn spoils(outcome: CheckOutcome, is_fresh: bool) -> bool {
    match outcome {
        // A reason of its own.
        CheckOutcome::Complete | CheckOutcome::ListRefused => false,
        CheckOutcome::Unreachable | CheckOutcome::NotConfigured => !is_fresh,
        CheckOutcome::BadAnswer | CheckOutcome::ExportRefused | CheckOutcome::StorageFailed => true,
    }
}

/// Whether nothing was signed for longer than the server promises.
fn is_silent(facts: &Facts, now: UnixSeconds) -> bool {
    let Some(within) = facts.fresh_within else {
        return false;
    };
    let newest = facts.ledger.newest_end();
    newest.is_none_or(|end| age(now, end).is_some_and(|age| age > within))
}

#[cfg(test)]
mod tests {
    use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
    use gaen::key::Tek;
    use gaen::time::DAY_SECONDS;
    use gaen::window::{ExposureWindow, Infectiousness, ScanInstance};

    use super::*;
    use crate::records::StoredExposure;

    /// Noon of a day.
    const NOW: UnixSeconds = UnixSeconds::new(18_500 * DAY_SECONDS + 12 * 3600);
    const TODAY: UtcDay = UtcDay::new(18_500);

    fn good() -> Facts {
        Facts {
            consent: true,
            clock_set: true,
            checks: CheckMemory {
                last_success: Some(NOW.saturating_add_signed(-3600)),
                ..CheckMemory::default()
            },
            ledger: Ledger::default(),
            recorded: Recorded::default(),
            fresh_within: None,
            coverage: Coverage {
                recorded_seconds: 1_000_000,
                damaged_segments: 0,
            },
            exposures: Exposures::default(),
        }
    }

    #[test]
    fn the_course_of_a_contact_tells_strength_by_minutes_and_no_time_of_day() {
        let yesterday = TODAY.saturating_sub(1);
        let mut exposure = exposure(1, yesterday, 26, 46);
        let mut later = exposure.windows[0].clone();
        later.start = later.start.saturating_add_signed(3600);
        later.instances.truncate(1);
        later.instances[0].typical_attenuation = 255;
        exposure.windows.push(later);
        let [_, _, threshold] = Configuration::default().attenuation_thresholds;
        let facts = Facts {
            exposures: found(vec![exposure]),
            ..good()
        };
        let day = at(&facts).days.remove(0);
        assert_eq!(day.courses.len(), 1);
        let course = &day.courses[0];
        assert_eq!(course.len(), 27);
        assert_eq!((course[0].minute, course[0].minutes), (1, 1));
        assert_eq!(course[25].minute, 26);
        assert_eq!(
            i16::from(course[0].strength),
            50 + i16::from(threshold) - 46
        );
        assert_eq!((course[26].minute, course[26].strength), (61, 0));
    }

    fn found(found: Vec<StoredExposure>) -> Exposures {
        Exposures {
            found,
            damaged_days: 0,
        }
    }

    fn at(facts: &Facts) -> Assessment {
        judge(facts, &Configuration::default(), NOW)
    }

    /// `minutes` with key `tek` on `date` at `attenuation` dB.
    fn exposure(tek: u8, date: UtcDay, minutes: usize, attenuation: u8) -> StoredExposure {
        let instance = ScanInstance {
            typical_attenuation: attenuation,
            minimum_attenuation: attenuation,
            seconds_since_last_scan: 60,
        };
        StoredExposure {
            key: DiagnosisKey {
                tek: Tek::from_bytes([tek; 16]),
                rolling_start: date.first_interval(),
                rolling_period: RollingPeriod::DAY,
                transmission_risk_level: 0,
                report_type: ReportType::ConfirmedTest,
                days_since_onset: None,
            },
            windows: vec![ExposureWindow {
                date,
                start: date.start(),
                report_type: ReportType::ConfirmedTest,
                infectiousness: Infectiousness::High,
                instances: vec![instance; minutes],
            }],
            changed: false,
        }
    }

    #[test]
    fn nothing_found_in_good_order_is_none() {
        let assessment = at(&good());
        assert_eq!(assessment.verdict, Verdict::None);
        assert_eq!(assessment.reasons, []);
        assert_eq!(assessment.days, []);
        assert_eq!(assessment.period_start, UtcDay::new(18_487));
        assert_eq!(assessment.period_end, TODAY);
        let passed = 13 * u64::from(DAY_SECONDS) + 12 * 3600;
        assert_eq!(assessment.recorded_seconds, 1_000_000);
        assert_eq!(assessment.unrecorded_seconds, passed - 1_000_000);
    }

    #[test]
    fn each_reason_alone_makes_it_unknown() {
        use UnknownReason::{
            CheckFailed, CheckInFuture, CheckTooOld, ClockNotSet, ConsentMissing, NeverChecked,
            StorageDamaged, TooLittleRecorded,
        };
        let hours_ago = |hours: i32| Some(NOW.saturating_add_signed(-3600 * hours));
        type Change = fn(&mut Facts);
        let cases: [(Change, Option<UnknownReason>); 9] = [
            (|facts| facts.consent = false, Some(ConsentMissing)),
            (|facts| facts.clock_set = false, Some(ClockNotSet)),
            (|facts| facts.checks.last_success = None, Some(NeverChecked)),
            (
                |facts| facts.coverage.recorded_seconds = 3599,
                Some(TooLittleRecorded),
            ),
            (|facts| facts.coverage.recorded_seconds = 3600, None),
            (
                |facts| facts.coverage.damaged_segments = 1,
                Some(StorageDamaged),
            ),
            (
                |facts| facts.exposures.damaged_days = 1,
                Some(StorageDamaged),
            ),
            (
                |facts| facts.checks.failures = [CheckOutcome::ExportRefused].into(),
                Some(CheckFailed),
            ),
            (
                |facts| facts.checks.failures = [CheckOutcome::Unreachable].into(),
                None,
            ),
        ];
        for (index, (change, expected)) in cases.into_iter().enumerate() {
            let mut facts = good();
            change(&mut facts);
            let assessment = at(&facts);
            assert_eq!(assessment.reasons, Vec::from_iter(expected), "{index}");
            let verdict = expected.map_or(Verdict::None, |_| Verdict::Unknown);
            assert_eq!(assessment.verdict, verdict, "{index}");
        }
        for (last_success, expected) in [
            (hours_ago(24), None),
            (
                Some(NOW.saturating_add_signed(-24 * 3600 - 1)),
                Some(CheckTooOld),
            ),
            (hours_ago(-2), None),
            (hours_ago(-3), Some(CheckInFuture)),
        ] {
            let mut facts = good();
            facts.checks.last_success = last_success;
            assert_eq!(at(&facts).reasons, Vec::from_iter(expected));
        }
    }

    #[test]
    fn an_old_success_and_a_failure_are_both_told() {
        let mut facts = good();
        facts.checks.last_success = Some(NOW.saturating_add_signed(-25 * 3600));
        facts.checks.failures.insert(CheckOutcome::Unreachable);
        let reasons = at(&facts).reasons;
        assert_eq!(
            reasons,
            [UnknownReason::CheckTooOld, UnknownReason::CheckFailed]
        );
    }

    #[test]
    fn a_contact_outranks_what_is_unknown() {
        let mut facts = good();
        facts.checks.last_success = None;
        facts.exposures = found(vec![exposure(1, TODAY, 20, 50)]);
        let assessment = at(&facts);
        assert_eq!(assessment.verdict, Verdict::Contact);
        assert_eq!(assessment.reasons, [UnknownReason::NeverChecked]);
    }

    #[test]
    fn days_are_counted_newest_first() {
        let yesterday = TODAY.saturating_sub(1);
        let facts = Facts {
            exposures: found(vec![
                // Two near, one far, and one for no time at all.
                exposure(1, yesterday, 15, 50),
                exposure(2, yesterday, 1, 65),
                exposure(3, yesterday, 10, 66),
                exposure(4, yesterday, 0, 40),
                exposure(5, TODAY, 15, 46),
                exposure(6, TODAY, 15, 46),
                // Not enough for a contact: 900 s at weight 1.
                exposure(7, TODAY.saturating_sub(2), 15, 46),
            ]),
            ..good()
        };
        let days = at(&facts).days;
        assert_eq!(days.len(), 2);
        assert_eq!(
            Day {
                courses: Vec::new(),
                ..days[0].clone()
            },
            Day {
                date: TODAY,
                contacts: 2,
                seconds: 1800,
                near_seconds: 1800,
                score_percent: 1800.0 / 1350.0 * 100.0,
                courses: Vec::new(),
            }
        );
        assert_eq!(days[1].date, yesterday);
        assert_eq!(days[1].contacts, 2);
        assert_eq!(days[1].seconds, 26 * 60);
        assert_eq!(days[1].near_seconds, 16 * 60);
    }

    #[test]
    fn a_day_of_far_seconds_alone_has_one_contact() {
        let days_far = exposure(1, TODAY, 1, 66);
        let mut exposures = vec![days_far];
        // 138 000 far seconds, weighed by a hundredth, reach the score, too.
        exposures[0].windows = vec![exposures[0].windows[0].clone(); 2300];
        let facts = Facts {
            exposures: found(exposures),
            ..good()
        };
        let days = at(&facts).days;
        assert_eq!((days[0].contacts, days[0].near_seconds), (1, 0));
    }

    #[test]
    fn the_period_is_fourteen_days() {
        for (days_ago, expected) in [(0, 1), (13, 1), (14, 0), (15, 0)] {
            let date = TODAY.saturating_sub(days_ago);
            let facts = Facts {
                exposures: found(vec![exposure(1, date, 20, 50)]),
                ..good()
            };
            assert_eq!(at(&facts).days.len(), expected, "{days_ago}");
        }
    }

    #[test]
    fn a_revoked_key_is_no_contact_and_the_risk_level_none() {
        let mut revoked = exposure(1, TODAY, 20, 50);
        revoked.key.report_type = ReportType::Revoked;
        let facts = Facts {
            exposures: found(vec![revoked]),
            ..good()
        };
        assert_eq!(at(&facts).verdict, Verdict::None);

        for level in [i32::MIN, 0, 7, i32::MAX] {
            let mut exposure = exposure(1, TODAY, 20, 50);
            exposure.key.transmission_risk_level = level;
            let facts = Facts {
                exposures: found(vec![exposure]),
                ..good()
            };
            assert_eq!(at(&facts).verdict, Verdict::Contact, "{level}");
        }
    }
}
