//! What may be said to the person, and why (invariant 5).
//!
//! "No contact" is only said after a complete check within the last 24 hours
//! over data that covers the period. Otherwise the answer is "unknown", with
//! every reason. A contact that was found is a contact whatever else is unknown.

use std::collections::{BTreeMap, BTreeSet};

use gaen::config::Configuration;
use gaen::risk::{self, Bucket};
use gaen::time::{UnixSeconds, UtcDay};
use gaen::window::ExposureWindow;
use sesshoku_dbus_api::{
    ConsentState, ContactDay, CoursePoint, ExposureResult, UnknownReason, Verdict,
};

use super::schedule::{FRESH_FOR, age};
use crate::store::{CheckOutcome, Coverage, Exposures, Store, StoreError, StoredExposure};

/// How many UTC days the result covers, today included.
pub const PERIOD_DAYS: u32 = 14;
/// With less than this recorded in the period, in seconds, nothing can be said.
pub const LEAST_RECORDED_SECONDS: u64 = 3600;

/// A wall clock before 2020 was never set.
const EARLIEST_NOW: UnixSeconds = UnixSeconds::new(1_577_836_800);

/// Everything the answer rests on.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Whether the current terms are agreed to.
    pub consent: bool,
    /// Whether the wall clock is set.
    pub clock_set: bool,
    /// When the last complete check ended.
    pub last_success: Option<UnixSeconds>,
    /// How the last check ended; `None` before the first.
    pub last_outcome: Option<CheckOutcome>,
    /// What was recorded in the period.
    pub coverage: Coverage,
    /// The stored exposures.
    pub exposures: Exposures,
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
    /// counts again on another day, since nobody can tell (requirement R8).
    pub contacts: u32,
    /// Seconds of all scan instances, near and far.
    pub seconds: u64,
    /// Seconds of the instances that were not far.
    pub near_seconds: u64,
    /// Score in percent of a contact's least (protocol §7).
    pub score_percent: f64,
    /// How the signal of each contact went, in an order that tells nothing.
    pub courses: Vec<Vec<CoursePoint>>,
}

/// What may be said at `now`, by what is in the store.
///
/// # Errors
/// When the store cannot be read.
pub fn assess(
    store: &Store,
    consent: ConsentState,
    now: UnixSeconds,
) -> Result<Assessment, StoreError> {
    let facts = Facts::read(store, consent, now)?;
    Ok(judge(&facts, &Configuration::default(), now))
}

impl Facts {
    fn read(store: &Store, consent: ConsentState, now: UnixSeconds) -> Result<Self, StoreError> {
        Ok(Self {
            consent: consent == ConsentState::Agreed,
            clock_set: now >= EARLIEST_NOW,
            last_success: store.last_success()?,
            last_outcome: store.last_check()?.map(|check| check.outcome),
            coverage: store.reader()?.coverage(period(now).0.start(), now)?,
            exposures: store.exposures()?,
        })
    }
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
        last_success: facts.last_success,
        recorded_seconds,
        unrecorded_seconds: passed - recorded_seconds,
        days,
    }
}

impl Assessment {
    /// The answer as it crosses the bus, without the list of days.
    pub fn to_result(&self) -> ExposureResult {
        ExposureResult {
            verdict: self.verdict.to_string(),
            reasons: self.reasons.iter().map(ToString::to_string).collect(),
            period_start: self.period_start.to_string(),
            period_end: self.period_end.to_string(),
            last_success: self.last_success.map_or(0, |time| time.get().into()),
            recorded_seconds: self.recorded_seconds,
            unrecorded_seconds: self.unrecorded_seconds,
        }
    }

    /// The list of days as it crosses the bus.
    pub fn to_contacts(&self) -> Vec<ContactDay> {
        self.days
            .iter()
            .map(|day| ContactDay {
                date: day.date.to_string(),
                contacts: day.contacts,
                seconds: u32::try_from(day.seconds).unwrap_or(u32::MAX),
                near_seconds: u32::try_from(day.near_seconds).unwrap_or(u32::MAX),
                score: day.score_percent,
                courses: Some(day.courses.clone()),
            })
            .collect()
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
    let is_fresh = match facts.last_success {
        None => {
            reasons.push(UnknownReason::NeverChecked);
            false
        }
        Some(success) => {
            // A success in the future has no age: the clock was set back.
            let is_fresh = age(now, success).is_some_and(|age| age <= FRESH_FOR);
            if !is_fresh {
                reasons.push(UnknownReason::CheckTooOld);
            }
            is_fresh
        }
    };
    if spoils(facts.last_outcome, is_fresh) {
        reasons.push(UnknownReason::CheckFailed);
    }
    if facts.coverage.recorded_seconds < LEAST_RECORDED_SECONDS {
        reasons.push(UnknownReason::TooLittleRecorded);
    }
    if facts.coverage.damaged_segments > 0 || facts.exposures.damaged_days > 0 {
        reasons.push(UnknownReason::StorageDamaged);
    }
    reasons
}

/// Whether a check that ended so is a reason not to know.
///
/// A server that could not be reached just now takes nothing from a complete
/// check of a few hours ago, and a laptop on a train must not flap between none
/// and unknown. Any other failure means that there is something, an export or a
/// sighting, that should have been looked at and was not.
const fn spoils(outcome: Option<CheckOutcome>, is_fresh: bool) -> bool {
    match outcome {
        None | Some(CheckOutcome::Complete) => false,
        Some(CheckOutcome::Unreachable | CheckOutcome::NotConfigured) => !is_fresh,
        Some(
            CheckOutcome::BadAnswer | CheckOutcome::ExportRefused | CheckOutcome::StorageFailed,
        ) => true,
    }
}

fn contact_days(
    exposures: &[StoredExposure],
    configuration: &Configuration,
    first: UtcDay,
    last: UtcDay,
) -> Vec<Day> {
    let mut near_keys: BTreeMap<UtcDay, BTreeSet<&[u8; 16]>> = BTreeMap::new();
    let mut all_windows = Vec::new();
    for exposure in exposures {
        if !exposure.key.report_type.is_matched() {
            continue;
        }
        for window in &exposure.windows {
            if !(first..=last).contains(&window.date) {
                continue;
            }
            all_windows.push(window);
            if was_near(window, configuration) {
                let keys = near_keys.entry(window.date).or_default();
                keys.insert(exposure.key.tek.expose_bytes());
            }
        }
    }
    let mut days: Vec<Day> = risk::day_summaries(all_windows, configuration)
        .into_iter()
        .filter(|day| day.contact)
        .map(|day| {
            let near = near_keys.get(&day.date).map_or(0, BTreeSet::len);
            let mut courses: Vec<_> = near_keys
                .get(&day.date)
                .into_iter()
                .flatten()
                .map(|key| course(exposures, key, day.date, configuration))
                .collect();
            courses.sort_unstable();
            Day {
                date: day.date,
                contacts: u32::try_from(near).unwrap_or(u32::MAX).max(1),
                seconds: day.seconds,
                near_seconds: day.near_seconds,
                score_percent: day.displayed_score(configuration),
                courses,
            }
        })
        .collect();
    days.reverse();
    days
}

/// How the signal of one key went on one day.
fn course(
    exposures: &[StoredExposure],
    key: &[u8; 16],
    date: UtcDay,
    configuration: &Configuration,
) -> Vec<CoursePoint> {
    let mut windows: Vec<_> = exposures
        .iter()
        .filter(|exposure| exposure.key.tek.expose_bytes() == key)
        .flat_map(|exposure| &exposure.windows)
        .filter(|window| window.date == date)
        .collect();
    windows.sort_unstable_by_key(|window| window.start);
    let Some(first) = windows.first().map(|window| window.start) else {
        return Vec::new();
    };
    let mut points = Vec::new();
    for window in windows {
        let mut seconds = u64::try_from(window.start.seconds_since(first)).unwrap_or(0);
        for instance in &window.instances {
            let stands_for = u64::from(instance.seconds_since_last_scan);
            seconds += stands_for;
            if stands_for > 0 {
                points.push(CoursePoint {
                    minute: minutes(seconds),
                    minutes: minutes(stands_for),
                    strength: strength(instance.typical_attenuation, configuration),
                });
            }
        }
    }
    points
}

/// To the nearest minute.
fn minutes(seconds: u64) -> u32 {
    u32::try_from((seconds + 30) / 60).unwrap_or(u32::MAX)
}

/// 50 at the last threshold, beyond which it is far; each dB is one.
fn strength(attenuation: u8, configuration: &Configuration) -> u8 {
    let [.., threshold] = configuration.attenuation_thresholds;
    let strength = 50 + i16::from(threshold) - i16::from(attenuation);
    u8::try_from(strength.clamp(0, 100)).unwrap_or(0)
}

fn was_near(window: &ExposureWindow, configuration: &Configuration) -> bool {
    window.instances.iter().any(|instance| {
        instance.seconds_since_last_scan > 0
            && risk::bucket(instance.typical_attenuation, configuration) != Bucket::Other
    })
}

#[cfg(test)]
mod tests {
    use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
    use gaen::key::Tek;
    use gaen::time::DAY_SECONDS;
    use gaen::window::{Infectiousness, ScanInstance};

    use super::*;

    /// Noon of a day.
    const NOW: UnixSeconds = UnixSeconds::new(18_500 * DAY_SECONDS + 12 * 3600);
    const TODAY: UtcDay = UtcDay::new(18_500);

    fn good() -> Facts {
        Facts {
            consent: true,
            clock_set: true,
            last_success: Some(NOW.saturating_add_signed(-3600)),
            last_outcome: Some(CheckOutcome::Complete),
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
            CheckFailed, CheckTooOld, ClockNotSet, ConsentMissing, NeverChecked, StorageDamaged,
            TooLittleRecorded,
        };
        let hours_ago = |hours: i32| Some(NOW.saturating_add_signed(-3600 * hours));
        type Change = fn(&mut Facts);
        let cases: [(Change, Option<UnknownReason>); 9] = [
            (|facts| facts.consent = false, Some(ConsentMissing)),
            (|facts| facts.clock_set = false, Some(ClockNotSet)),
            (|facts| facts.last_success = None, Some(NeverChecked)),
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
                |facts| facts.last_outcome = Some(CheckOutcome::ExportRefused),
                Some(CheckFailed),
            ),
            (
                |facts| facts.last_outcome = Some(CheckOutcome::Unreachable),
                None,
            ),
        ];
        for (index, (change, expected)) in cases.into_iter().enumerate() {
            let mut facts = good();
            change(&mut facts);
            let assessment = at(&facts);
            assert_eq!(
                assessment.reasons,
                Vec::from_iter(expected.clone()),
                "{index}"
            );
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
            (hours_ago(-3), Some(CheckTooOld)),
        ] {
            let facts = Facts {
                last_success,
                ..good()
            };
            assert_eq!(at(&facts).reasons, Vec::from_iter(expected));
        }
    }

    #[test]
    fn an_old_success_and_a_failure_are_both_told() {
        let facts = Facts {
            last_success: Some(NOW.saturating_add_signed(-25 * 3600)),
            last_outcome: Some(CheckOutcome::Unreachable),
            ..good()
        };
        let reasons = at(&facts).reasons;
        assert_eq!(
            reasons,
            [UnknownReason::CheckTooOld, UnknownReason::CheckFailed]
        );
    }

    #[test]
    fn a_contact_outranks_what_is_unknown() {
        let facts = Facts {
            last_success: None,
            exposures: found(vec![exposure(1, TODAY, 20, 50)]),
            ..good()
        };
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

    #[test]
    fn the_bus_gets_names_and_dates() {
        let facts = Facts {
            last_outcome: Some(CheckOutcome::BadAnswer),
            exposures: found(vec![exposure(1, TODAY, 20, 50)]),
            ..good()
        };
        let assessment = at(&facts);
        let result = assessment.to_result();
        assert_eq!(result.verdict, "contact");
        assert_eq!(result.reasons, ["check-failed"]);
        assert_eq!(result.period_start, "2020-08-13");
        assert_eq!(result.period_end, "2020-08-26");
        assert_eq!(result.last_success, u64::from(NOW.get()) - 3600);
        let contacts = assessment.to_contacts();
        assert_eq!(contacts[0].date, "2020-08-26");
        assert_eq!(
            (contacts[0].seconds, contacts[0].near_seconds),
            (1200, 1200)
        );
    }
}
