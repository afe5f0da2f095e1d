//! What an export changes in the stored exposures (docs/protocol.md §3).
//!
//! Pure: exports go in one after the other, in the order they were published,
//! and each gives the exposures that it added or changed.

use std::collections::BTreeMap;

use gaen::config::Configuration;
use gaen::diagnosis::{DiagnosisKey, KnownKey, ReportType, Transition, transition};
use gaen::key::{KEY_LEN, Tek};
use gaen::matching::{KeyMatch, MatchedSighting};
use gaen::risk;
use gaen::time::UtcDay;
use gaen::window::{ExposureWindow, windows};
use sesshoku_core::records::StoredExposure;

/// The stored exposures, by key.
#[derive(Debug, Default)]
pub(crate) struct Exposures {
    by_tek: BTreeMap<[u8; KEY_LEN], StoredExposure>,
}

/// What was found among the sightings, by key.
#[derive(Debug, Default)]
pub(crate) struct Matches {
    by_tek: BTreeMap<[u8; KEY_LEN], Vec<MatchedSighting>>,
}

impl Matches {
    /// The matches of `keys`.
    pub(crate) fn new(keys: &[DiagnosisKey], matches: Vec<KeyMatch>) -> Self {
        let by_tek = matches
            .into_iter()
            .filter_map(|found| {
                let key = keys.get(found.key_index)?;
                Some((*key.tek.expose_bytes(), found.sightings))
            })
            .collect();
        Self { by_tek }
    }

    fn of(&self, tek: &Tek) -> Option<&[MatchedSighting]> {
        self.by_tek.get(tek.expose_bytes()).map(Vec::as_slice)
    }
}

impl Exposures {
    /// The exposures as they are stored.
    pub(crate) fn new(stored: Vec<StoredExposure>) -> Self {
        let by_tek = stored
            .into_iter()
            .map(|exposure| (*exposure.key.tek.expose_bytes(), exposure))
            .collect();
        Self { by_tek }
    }

    /// Takes in the keys of one export, and returns the exposures that it added
    /// or changed, as they are to be stored.
    ///
    /// A revoked exposure stays, marked as revoked, until its days are purged:
    /// it counts nowhere, and the key cannot return when it is published again.
    pub(crate) fn take_in<'a>(
        &mut self,
        keys: impl IntoIterator<Item = &'a DiagnosisKey>,
        matches: &Matches,
        configuration: &Configuration,
    ) -> Vec<StoredExposure> {
        let mut changed = BTreeMap::new();
        for key in keys {
            let tek = *key.tek.expose_bytes();
            let known = self.by_tek.get(&tek);
            let next = match known {
                None => first_exposure(key, matches, configuration),
                Some(known) => judged(known, key, matches, configuration),
            };
            if let Some(next) = next
                && known != Some(&next)
            {
                self.by_tek.insert(tek, next.clone());
                changed.insert(tek, next);
            }
        }
        changed.into_values().collect()
    }
}

/// The exposure of a key that had none, if it was met. One that was revoked before it
/// was published counts nowhere, but is remembered: nothing revives it (docs/protocol.md §3).
fn first_exposure(
    key: &DiagnosisKey,
    matches: &Matches,
    configuration: &Configuration,
) -> Option<StoredExposure> {
    if !key.report_type.is_matched() && key.report_type != ReportType::Revoked {
        return None;
    }
    let windows = windows(
        key,
        matches.of(&key.tek)?,
        configuration.infectiousness_of(key),
    );
    (!windows.is_empty()).then(|| StoredExposure {
        key: key.clone(),
        windows,
        changed: false,
    })
}

/// The exposure of a key that has one, after it was published again as
/// `incoming`; `None` when that is not to be believed.
fn judged(
    known: &StoredExposure,
    incoming: &DiagnosisKey,
    matches: &Matches,
    configuration: &Configuration,
) -> Option<StoredExposure> {
    let known_key = KnownKey {
        report_type: known.key.report_type,
        rolling_period: known.key.rolling_period,
        changed: known.changed,
    };
    let is_same_key = incoming.rolling_period == known.key.rolling_period
        && incoming.rolling_start == known.key.rolling_start;
    if !is_same_key {
        return None;
    }
    let with_type = |report_type| DiagnosisKey {
        report_type,
        ..known.key.clone()
    };
    match transition(&known_key, incoming) {
        Transition::Remove => {
            let key = with_type(ReportType::Revoked);
            Some(refreshed(key, true, known, matches, configuration))
        }
        Transition::Replace(report_type) => {
            let key = with_type(report_type);
            Some(refreshed(key, true, known, matches, configuration))
        }
        // The type stays, but more of it may have been heard by now.
        Transition::Unchanged | Transition::Skip if known.key.report_type.is_matched() => {
            let key = known.key.clone();
            Some(refreshed(key, known.changed, known, matches, configuration))
        }
        Transition::Unchanged | Transition::Skip => None,
    }
}

/// The exposure of `key` over the sightings as they are now. Of each day, what was
/// stored stays, with the key's report type, unless what is found now is at least as
/// much: sightings grow old, cannot be read, or lie outside what a wrong clock calls
/// the period, and none of that takes a warning back.
fn refreshed(
    key: DiagnosisKey,
    changed: bool,
    known: &StoredExposure,
    matches: &Matches,
    configuration: &Configuration,
) -> StoredExposure {
    let known_windows = known.windows.iter().map(|window| ExposureWindow {
        report_type: key.report_type,
        ..window.clone()
    });
    let mut by_day = by_day(known_windows);
    let found = matches.of(&key.tek);
    let found = found.map_or_else(Vec::new, |sightings| {
        windows(&key, sightings, configuration.infectiousness_of(&key))
    });
    for (day, found) in self::by_day(found) {
        let known = by_day.entry(day).or_default();
        if score(&found, configuration) >= score(known, configuration)
            && seconds(&found) >= seconds(known)
        {
            *known = found;
        }
    }
    StoredExposure {
        key,
        windows: by_day.into_values().flatten().collect(),
        changed,
    }
}

fn by_day(
    windows: impl IntoIterator<Item = ExposureWindow>,
) -> BTreeMap<UtcDay, Vec<ExposureWindow>> {
    let mut by_day: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for window in windows {
        by_day.entry(window.date).or_default().push(window);
    }
    by_day
}

/// The score of `windows`, which are all of one day.
fn score(windows: &[ExposureWindow], configuration: &Configuration) -> impl PartialOrd + use<> {
    let days = risk::day_summaries(windows, configuration);
    days.first().map(|day| day.score_sum)
}

fn seconds(windows: &[ExposureWindow]) -> u64 {
    windows
        .iter()
        .flat_map(|window| &window.instances)
        .map(|instance| u64::from(instance.seconds_since_last_scan))
        .sum()
}

#[cfg(test)]
mod tests {
    use gaen::diagnosis::ReportType::{
        ConfirmedClinical, ConfirmedTest, Recursive, Revoked, SelfReport,
    };
    use gaen::diagnosis::RollingPeriod;
    use gaen::matching::{Options, match_keys};
    use gaen::sighting::{Scan, Sighting};
    use gaen::time::UnixSeconds;

    use super::*;

    const DAY: UtcDay = UtcDay::new(18_500);

    fn key(tek: u8, report_type: ReportType) -> DiagnosisKey {
        DiagnosisKey {
            tek: Tek::from_bytes([tek; KEY_LEN]),
            rolling_start: DAY.first_interval(),
            rolling_period: RollingPeriod::DAY,
            transmission_risk_level: 0,
            report_type,
            days_since_onset: None,
        }
    }

    /// `key` heard nearby in `minutes` scans, one a minute.
    fn heard(key: &DiagnosisKey, minutes: u32) -> Vec<Sighting> {
        let metadata = [0x40, 0, 0, 0];
        (0..minutes)
            .map(|minute| {
                let time = UnixSeconds::new(DAY.start().get() + minute * 60);
                let rpi = key.tek.rpik().rpi(time.interval());
                Sighting {
                    time,
                    rpi,
                    aem: key.tek.aemk().encrypt(&rpi, metadata),
                    rssi: -50,
                    scan: Scan {
                        cycle: Some(minute.into()),
                        previous: Some(UnixSeconds::new(time.get() - 60)),
                    },
                }
            })
            .collect()
    }

    fn matches(keys: &[DiagnosisKey], sightings: &[Sighting]) -> Matches {
        let found = match_keys(sightings, keys, &Options::default()).unwrap();
        Matches::new(keys, found)
    }

    fn minutes(exposure: &StoredExposure) -> u64 {
        seconds(&exposure.windows) / 60
    }

    /// One export after the other, each with key 1 of the given type, all heard.
    fn published(types: &[ReportType]) -> Option<StoredExposure> {
        let matches = matches(&[key(1, ConfirmedTest)], &heard(&key(1, ConfirmedTest), 20));
        let mut exposures = Exposures::default();
        for report_type in types {
            exposures.take_in([&key(1, *report_type)], &matches, &Configuration::default());
        }
        exposures.by_tek.into_values().next()
    }

    #[test]
    fn report_types_change_as_they_may() {
        for (types, expected) in [
            (&[ConfirmedTest][..], Some((ConfirmedTest, 20))),
            (&[SelfReport, ConfirmedTest], Some((ConfirmedTest, 20))),
            (
                &[SelfReport, ConfirmedClinical, ConfirmedTest],
                Some((ConfirmedClinical, 20)),
            ),
            (&[ConfirmedTest, SelfReport], Some((ConfirmedTest, 20))),
            (&[ConfirmedTest, Revoked], Some((ConfirmedTest, 20))),
            (&[ConfirmedClinical, Revoked], Some((Revoked, 20))),
            (&[SelfReport, Revoked, ConfirmedTest], Some((Revoked, 20))),
            (&[SelfReport, Recursive], Some((SelfReport, 20))),
            (&[Revoked], Some((Revoked, 20))),
            (&[Revoked, ConfirmedTest], Some((Revoked, 20))),
            (&[Revoked, SelfReport, ConfirmedTest], Some((Revoked, 20))),
            (&[Recursive], None),
        ] {
            let exposure = published(types);
            let got = exposure.map(|exposure| {
                let of_type =
                    |window: &ExposureWindow| window.report_type == exposure.key.report_type;
                assert!(exposure.windows.iter().all(of_type), "{types:?}");
                (exposure.key.report_type, minutes(&exposure))
            });
            assert_eq!(got, expected, "{types:?}");
        }
    }

    #[test]
    fn only_keys_that_were_met_and_what_changed_is_returned() {
        let keys = [
            key(1, ConfirmedTest),
            key(2, ConfirmedTest),
            key(3, SelfReport),
        ];
        let mut sightings = heard(&keys[0], 20);
        sightings.extend(heard(&keys[2], 5));
        let matches = matches(&keys, &sightings);
        let configuration = Configuration::default();
        let mut exposures = Exposures::default();
        let changed = exposures.take_in(&keys, &matches, &configuration);
        let teks: Vec<_> = changed
            .iter()
            .map(|one| one.key.tek.expose_bytes()[0])
            .collect();
        assert_eq!(teks, [1, 3]);
        assert_eq!(exposures.take_in(&keys, &matches, &configuration), []);
        let again = exposures.take_in([&key(3, ConfirmedTest)], &matches, &configuration);
        assert_eq!(again.len(), 1);
    }

    #[test]
    fn another_period_or_start_is_another_key() {
        let known = key(1, SelfReport);
        let matches = matches(std::slice::from_ref(&known), &heard(&known, 20));
        let configuration = Configuration::default();
        let mut exposures = Exposures::default();
        exposures.take_in([&known], &matches, &configuration);
        let shorter = DiagnosisKey {
            rolling_period: RollingPeriod::new(100).unwrap(),
            ..key(1, ConfirmedTest)
        };
        let later = DiagnosisKey {
            rolling_start: known.rolling_start.saturating_add(144),
            ..key(1, ConfirmedTest)
        };
        assert_eq!(
            exposures.take_in([&shorter, &later], &matches, &configuration),
            []
        );
    }

    #[test]
    fn later_sightings_join_an_exposure() {
        let known = key(1, SelfReport);
        let keys = std::slice::from_ref(&known);
        let configuration = Configuration::default();
        let mut exposures = Exposures::default();
        exposures.take_in(keys, &matches(keys, &heard(&known, 5)), &configuration);
        exposures.take_in(
            [&key(1, ConfirmedTest)],
            &matches(keys, &heard(&known, 10)),
            &configuration,
        );
        // The first export once more: the type stays, the sightings count.
        let changed = exposures.take_in(keys, &matches(keys, &heard(&known, 20)), &configuration);
        assert_eq!(minutes(&changed[0]), 20);
        assert_eq!(changed[0].key.report_type, ConfirmedTest);
    }

    #[test]
    fn sightings_that_are_gone_take_nothing_away() {
        let known = key(1, SelfReport);
        let keys = std::slice::from_ref(&known);
        let configuration = Configuration::default();
        for (now_heard, expected) in [(5, 20), (0, 20), (25, 25)] {
            let mut exposures = Exposures::default();
            exposures.take_in(keys, &matches(keys, &heard(&known, 20)), &configuration);
            let matches = matches(keys, &heard(&known, now_heard));
            exposures.take_in([&key(1, ConfirmedTest)], &matches, &configuration);
            let exposure = exposures.by_tek.values().next().unwrap();
            assert_eq!(minutes(exposure), expected, "{now_heard}");
            let window = &exposure.windows[0];
            assert_eq!(window.report_type, ConfirmedTest);
        }
    }
}
