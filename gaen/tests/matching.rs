//! From sightings and keys to windows and days: the rules at their edges, and
//! properties against the plainest implementation there can be.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use gaen::config::Configuration;
use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::key::{Aem, Rpi, Tek};
use gaen::matching::{
    AtOnce, KeyMatch, MatchedSighting, Means, Options, SightingSource, Vector, match_keys,
    match_keys_by,
};
use gaen::metadata::{Confidence, Metadata};
use gaen::risk::{DaySummary, day_summaries, window_score};
use gaen::sighting::{Scan, Sighting};
use gaen::time::{Interval, UnixSeconds};
use gaen::window::{ExposureWindow, Infectiousness, ScanInstance, windows};
use proptest::prelude::*;

/// 2020-08-01.
const START: Interval = Interval::new(2_660_400);

fn key(number: u8) -> DiagnosisKey {
    DiagnosisKey {
        tek: Tek::from_bytes([number; 16]),
        rolling_start: START,
        rolling_period: RollingPeriod::DAY,
        transmission_risk_level: 0,
        report_type: ReportType::ConfirmedTest,
        days_since_onset: None,
    }
}

/// A sighting of `key`'s RPI of `interval` at `time`, with these raw metadata.
fn heard_raw(
    key: &DiagnosisKey,
    interval: Interval,
    time: UnixSeconds,
    metadata: [u8; 4],
    rssi: i8,
) -> Sighting {
    let rpi = key.tek.rpik().rpi(interval);
    Sighting {
        time,
        rpi,
        aem: key.tek.aemk().encrypt(&rpi, metadata),
        rssi,
        scan: Scan {
            cycle: None,
            previous: None,
        },
    }
}

/// The same with a transmit power of 0 dBm and −50 dBm received.
fn heard(key: &DiagnosisKey, interval: Interval, time: UnixSeconds) -> Sighting {
    heard_raw(key, interval, time, Metadata::v1_0(0).to_bytes(), -50)
}

/// What is found, by whichever means.
fn matches(sightings: &[Sighting], keys: &[DiagnosisKey]) -> Vec<KeyMatch> {
    let options = Options::default();
    let Ok(found) = match_keys(sightings, keys, &options);
    let means: [(Option<Vector>, Option<AtOnce>); 3] = [
        (None, None),
        (None, Some(on_two_threads)),
        (Vector::detect(), Some(on_two_threads)),
    ];
    for (vector, at_once) in means {
        let means = Means { vector, at_once };
        let Ok(by_means) = match_keys_by(sightings, keys, &options, means);
        assert_eq!(by_means, found, "{means:?}");
    }
    found
}

fn on_two_threads(first: &mut (dyn FnMut() + Send), second: &mut (dyn FnMut() + Send)) {
    std::thread::scope(|scope| {
        scope.spawn(first);
        second();
    });
}

/// How many sightings of one key count.
fn count(sightings: &[Sighting], key: &DiagnosisKey) -> usize {
    match &matches(sightings, std::slice::from_ref(key))[..] {
        [] => 0,
        [found] => found.sightings.len(),
        _ => panic!("one key, several matches"),
    }
}

#[test]
fn clocks_may_drift_by_12_intervals() {
    let key = key(1);
    let own = START.saturating_add(70);
    for (offset, counts) in [(-13, 0), (-12, 1), (0, 1), (12, 1), (13, 0)] {
        let first_second = own.start().saturating_add_signed(600 * offset);
        for time in [first_second, first_second.saturating_add_signed(599)] {
            let sighting = heard(&key, own, time);
            assert_eq!(count(&[sighting], &key), counts, "{offset} intervals");
        }
    }
}

#[test]
fn drift_reaches_into_the_days_around() {
    let key = key(1);
    for (offset, heard_at) in [(0, -12), (0, -1), (143, 144), (143, 155)] {
        let own = START.saturating_add(offset);
        let time = START.start().saturating_add_signed(600 * heard_at);
        assert_ne!(time.utc_day(), own.utc_day());
        assert_eq!(
            count(&[heard(&key, own, time)], &key),
            1,
            "{offset} heard at {heard_at}"
        );
    }
}

#[test]
fn only_the_rolling_period_counts_also_from_an_unaligned_start() {
    for (start, period) in [(0, 144), (0, 1), (37, 144), (143, 144), (100, 50)] {
        let key = DiagnosisKey {
            rolling_start: START.saturating_add(start),
            rolling_period: RollingPeriod::new(period).unwrap(),
            ..key(1)
        };
        for offset in 0..160 {
            let interval = key.rolling_start.saturating_add(offset);
            let expected = usize::from(offset < period);
            let found = count(&[heard(&key, interval, interval.start())], &key);
            assert_eq!(
                found, expected,
                "start {start}, period {period}, offset {offset}"
            );
        }
        let before = key.rolling_start.saturating_sub(1);
        assert_eq!(count(&[heard(&key, before, before.start())], &key), 0);
    }
}

#[test]
fn replays_begin_1201_seconds_after_an_rpis_first_valid_sighting() {
    let key = key(1);
    let own = START.saturating_add(70);
    let at = |seconds: i32| heard(&key, own, own.start().saturating_add_signed(seconds));
    assert_eq!(count(&[at(0), at(1200)], &key), 2);
    assert_eq!(count(&[at(0), at(1201)], &key), 1);
    assert_eq!(count(&[at(1201), at(1200), at(0)], &key), 2, "in any order");
    // What is too early to be valid does not start the time.
    assert_eq!(count(&[at(-7201), at(0), at(1200)], &key), 2);
    assert_eq!(count(&[at(-7200), at(0), at(1200)], &key), 1);
    // What is heard, but not believed, does, as in the reference.
    let loud = heard_raw(&key, own, own.start(), Metadata::v1_0(21).to_bytes(), -50);
    assert_eq!(count(&[loud, at(1200), at(1201)], &key), 1);
    // Every RPI has its own time.
    let next = own.saturating_add(1);
    let later = heard(&key, next, own.start().saturating_add_signed(1201));
    assert_eq!(count(&[at(0), later], &key), 2);
}

#[test]
fn transmit_powers_and_versions_that_are_believed() {
    let key = key(1);
    for (metadata, counts) in [
        (Metadata::v1_0(-51).to_bytes(), 0),
        (Metadata::v1_0(-50).to_bytes(), 1),
        (Metadata::v1_0(20).to_bytes(), 1),
        (Metadata::v1_0(21).to_bytes(), 0),
        (Metadata::v1_1(0, Confidence::High).to_bytes(), 1),
        ([0x7f, 0, 0xff, 0xff], 1),
        ([0x00, 0, 0, 0], 0),
        ([0x80, 0, 0, 0], 0),
        ([0xc0, 0, 0, 0], 0),
    ] {
        let sighting = heard_raw(&key, START, START.start(), metadata, -50);
        assert_eq!(count(&[sighting], &key), counts, "{metadata:?}");
    }
}

#[test]
fn attenuation_is_never_negative_and_calibrated() {
    let key = key(1);
    for (tx_power, rssi, rssi_offset, attenuation) in [
        (-14, -70, 0, 56),
        (0, 0, 0, 0),
        (-14, -13, 0, 0),
        (20, -128, 0, 148),
        (20, -128, -128, 255),
        (-50, 127, 127, 0),
        (0, -60, 5, 55),
        (0, -60, -5, 65),
    ] {
        let metadata = Metadata::v1_0(tx_power).to_bytes();
        let sighting = heard_raw(&key, START, START.start(), metadata, rssi);
        let options = Options { rssi_offset };
        let found = match_keys(&vec![sighting], std::slice::from_ref(&key), &options).unwrap();
        assert_eq!(
            found[0].sightings[0].attenuation, attenuation,
            "{tx_power} {rssi} {rssi_offset}"
        );
    }
}

#[test]
fn recursive_revoked_and_repeated_keys_are_passed_over() {
    let sighting = heard(&key(1), START, START.start());
    for (report_type, expected) in [
        (ReportType::ConfirmedTest, 1),
        (ReportType::ConfirmedClinical, 1),
        (ReportType::SelfReport, 1),
        (ReportType::Recursive, 0),
        (ReportType::Revoked, 0),
    ] {
        let key = DiagnosisKey {
            report_type,
            ..key(1)
        };
        assert_eq!(count(&[sighting], &key), expected, "{report_type:?}");
    }
    let revoked = DiagnosisKey {
        report_type: ReportType::Revoked,
        ..key(1)
    };
    let found = matches(&[sighting], &[key(2), revoked, key(1), key(1)]);
    let indexes: Vec<_> = found.iter().map(|found| found.key_index).collect();
    assert_eq!(indexes, [2]);
}

#[test]
fn what_was_sent_without_the_key_does_not_match() {
    let key = key(1);
    let sighting = heard(&key, START, START.start());
    let mut nearly = *sighting.rpi.as_bytes();
    nearly[15] ^= 1;
    let nearly = Sighting {
        rpi: Rpi::from_bytes(nearly),
        ..sighting
    };
    assert_eq!(
        count(&[nearly], &key),
        0,
        "the filter's prefix alone is not enough"
    );
    let garbled = Sighting {
        aem: Aem::from_bytes([0; 4]),
        ..sighting
    };
    assert!(count(&[garbled], &key) <= 1);
}

#[test]
fn keys_at_the_ends_of_time_do_not_panic() {
    for start in [0, 1, 7_158_278, u32::MAX - 1, u32::MAX] {
        let key = DiagnosisKey {
            rolling_start: Interval::new(start),
            ..key(1)
        };
        for time in [0, u32::MAX] {
            let sighting = heard(&key, Interval::new(start), UnixSeconds::new(time));
            let _ = matches(&[sighting], std::slice::from_ref(&key));
        }
    }
}

#[test]
fn keys_of_many_days_are_found_in_portions() {
    let keys: Vec<_> = (0..60)
        .map(|day| DiagnosisKey {
            rolling_start: START.saturating_add(u32::from(day) * 144 * 3 + 5),
            ..key(day)
        })
        .rev()
        .collect();
    let sightings: Vec<_> = keys
        .iter()
        .flat_map(|key| {
            [0, 143].map(|offset| {
                let interval = key.rolling_start.saturating_add(offset);
                heard(key, interval, interval.start())
            })
        })
        .collect();
    let found = matches(&sightings, &keys);
    assert_eq!(found.len(), 60);
    assert!(found.iter().enumerate().all(|(index, found)| {
        found.key_index == index && found.rpis == 2 && found.sightings.len() == 2
    }));
}

#[test]
fn a_sources_error_is_passed_on_from_either_pass() {
    struct Failing {
        sightings: Vec<Sighting>,
        passes_that_work: Cell<u32>,
    }
    impl SightingSource for Failing {
        type Error = &'static str;
        fn for_each(&self, visit: &mut dyn FnMut(&Sighting)) -> Result<(), Self::Error> {
            self.sightings.iter().for_each(visit);
            match self.passes_that_work.get().checked_sub(1) {
                None => Err("damaged"),
                Some(left) => {
                    self.passes_that_work.set(left);
                    Ok(())
                }
            }
        }
    }
    for (passes_that_work, expected) in [(0, Err("damaged")), (1, Err("damaged")), (2, Ok(1))] {
        let source = Failing {
            sightings: vec![heard(&key(1), START, START.start())],
            passes_that_work: Cell::new(passes_that_work),
        };
        let found = match_keys(&source, &[key(1)], &Options::default());
        assert_eq!(found.map(|found| found.len()), expected);
    }
}

/// More is heard on one day than is kept before it goes into a filter.
#[test]
fn a_day_of_very_many_sightings_is_matched_from_the_first_to_the_last() {
    let (first, last) = (key(1), key(2));
    let noise = (0..300_000_u32).map(|number| made_up(u128::from(number).wrapping_mul(SPREAD)));
    let sightings: Vec<_> = [heard(&first, START, START.start())]
        .into_iter()
        .chain(noise)
        .chain([heard(&last, START, START.start())])
        .collect();
    let found = matches(&sightings, &[last, key(3), first]);
    let indexes: Vec<_> = found.iter().map(|found| found.key_index).collect();
    assert_eq!(indexes, [0, 2]);
}

/// Enough keys of one day that two threads share them, of rolling periods that end anywhere,
/// and so much heard that a filter's first bitmap lets many RPIs through.
#[test]
fn many_keys_of_a_day_are_each_found_where_nearly_everything_was_heard() {
    const KEYS: u16 = 3000;
    let keys: Vec<_> = (0..KEYS)
        .map(|number| DiagnosisKey {
            tek: Tek::from_bytes(u128::from(number).wrapping_mul(SPREAD).to_le_bytes()),
            rolling_period: RollingPeriod::new(1 + u32::from(number) % 144).unwrap(),
            ..key(0)
        })
        .collect();
    let last_of = |key: &DiagnosisKey| {
        let last = key.rolling_start.get() + key.rolling_period.get() - 1;
        Interval::new(last)
    };
    let noise = (0..2_000_000_u32).map(|number| made_up(u128::from(number).wrapping_mul(SPREAD)));
    let of_keys = keys.iter().step_by(7).map(|key| {
        let interval = last_of(key);
        heard(key, interval, interval.start())
    });
    // What is after a key's end is not the key's.
    let too_late = keys.iter().step_by(5).map(|key| {
        let interval = last_of(key).saturating_add(1);
        heard(key, interval, interval.start())
    });
    let sightings: Vec<_> = noise.chain(of_keys).chain(too_late).collect();
    let found = matches(&sightings, &keys);
    let indexes: Vec<_> = found.iter().map(|found| found.key_index).collect();
    let expected: Vec<_> = (0..usize::from(KEYS)).step_by(7).collect();
    assert_eq!(indexes, expected);
    assert!(found.iter().all(|found| found.rpis == 1));
}

/// Whoever sends made-up RPIs knows neither the keys nor anything secret of the filter:
/// what begins alike, or like a published key's RPI, may not be compared all with all.
/// Each of these would take hours, not seconds.
#[test]
fn what_is_made_up_to_begin_alike_costs_no_more_than_its_number() {
    const MANY: u32 = 400_000;
    let began = Instant::now();
    let real = heard(&key(1), START, START.start());
    let beginning = u128::from_be_bytes(*real.rpi.as_bytes()) >> 64 << 64;
    for made_up_rpi in [
        // All begin alike.
        |_, number: u128| number,
        // All begin like an RPI of a key.
        |beginning: u128, number| beginning | number,
        // All are one RPI of a key, sent again and again.
        |beginning: u128, _| beginning,
    ] {
        let noise = (0..MANY).map(|number| made_up(made_up_rpi(beginning, number.into())));
        let sightings: Vec<_> = noise.chain([real]).collect();
        assert_eq!(count(&sightings, &key(1)), 1);
    }
    let replayed = vec![real; usize::try_from(MANY).unwrap()];
    assert_eq!(count(&replayed, &key(1)), replayed.len());

    let keys: Vec<_> = (0..MANY)
        .map(|number| DiagnosisKey {
            tek: Tek::from_bytes(u128::from(number / 2).to_be_bytes()),
            ..key(1)
        })
        .chain([key(1)])
        .collect();
    let far_away = Sighting {
        time: UnixSeconds::new(0),
        ..real
    };
    assert_eq!(matches(&[far_away], &keys), []);
    assert!(began.elapsed() < Duration::from_secs(60));
}

/// Odd, so that multiples of it are all different, and looks like nothing.
const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// A sighting of an RPI that no key has made.
fn made_up(rpi: u128) -> Sighting {
    Sighting {
        rpi: Rpi::from_bytes(rpi.to_be_bytes()),
        ..heard(&key(0), START, START.start())
    }
}

// Windows.

fn matched(
    seconds: i32,
    attenuation: u8,
    cycle: Option<u64>,
    previous: Option<i32>,
) -> MatchedSighting {
    MatchedSighting {
        time: at(seconds),
        scan: Scan {
            cycle,
            previous: previous.map(at),
        },
        attenuation,
        confidence: Confidence::Lowest,
    }
}

/// `seconds` after 2020-08-01T12:00:00Z.
fn at(seconds: i32) -> UnixSeconds {
    START.start().saturating_add_signed(12 * 3600 + seconds)
}

fn windows_of(sightings: &[MatchedSighting]) -> Vec<ExposureWindow> {
    windows(
        &key(1),
        sightings,
        Configuration::default().infectiousness_of(&key(1)),
    )
}

#[test]
fn windows_end_1800_seconds_after_their_start() {
    for (second, expected) in [(1799, 1), (1800, 2)] {
        let found = windows_of(&[
            matched(0, 50, Some(1), None),
            matched(second, 50, Some(2), None),
        ]);
        assert_eq!(found.len(), expected, "{second}");
    }
    // From the window's start, not from its last sighting.
    let found = windows_of(&[
        matched(0, 50, Some(1), None),
        matched(1000, 50, Some(2), None),
        matched(1800, 50, Some(3), None),
        matched(3599, 50, Some(4), None),
        matched(3600, 50, Some(5), None),
    ]);
    let starts: Vec<_> = found.iter().map(|window| window.start).collect();
    assert_eq!(starts, [at(0), at(1800), at(3600)]);
    // Also in the middle of a scan.
    let found = windows_of(&[
        matched(0, 50, Some(1), None),
        matched(1799, 50, Some(2), None),
        matched(1800, 60, Some(2), None),
    ]);
    let counts: Vec<_> = found.iter().map(|window| window.instances.len()).collect();
    assert_eq!(counts, [2, 1]);
}

#[test]
fn windows_take_sightings_in_any_order() {
    let mut sightings = [
        matched(0, 50, Some(1), Some(-60)),
        matched(300, 60, Some(2), Some(0)),
        matched(2000, 70, Some(3), Some(300)),
    ];
    let in_order = windows_of(&sightings);
    sightings.reverse();
    assert_eq!(windows_of(&sightings), in_order);
}

#[test]
fn a_windows_day_is_that_of_its_start() {
    let midnight = 12 * 3600;
    let found = windows_of(&[
        matched(midnight - 1, 50, Some(1), None),
        matched(midnight, 50, Some(2), None),
        matched(midnight + 1799, 50, Some(3), None),
    ]);
    let days: Vec<_> = found.iter().map(|window| window.date.to_string()).collect();
    assert_eq!(days, ["2020-08-01", "2020-08-02"]);
    assert_eq!(
        found[0].instances.len(),
        2,
        "a window goes on past midnight"
    );
}

#[test]
fn instances_are_one_scan_cycles_packets() {
    // Far apart in one cycle: one. Close together in two cycles: two.
    let found = windows_of(&[
        matched(0, 40, Some(1), Some(-240)),
        matched(100, 61, Some(1), Some(-240)),
        matched(101, 70, Some(2), Some(0)),
    ]);
    assert_eq!(
        found[0].instances,
        [
            ScanInstance {
                typical_attenuation: 51,
                minimum_attenuation: 40,
                seconds_since_last_scan: 240
            },
            ScanInstance {
                typical_attenuation: 70,
                minimum_attenuation: 70,
                seconds_since_last_scan: 60
            },
        ]
    );
}

#[test]
fn without_cycles_the_time_between_packets_separates_instances() {
    for (seconds, expected) in [
        (&[0, 25][..], 1),
        (&[0, 26], 2),
        (&[0, 25, 50, 75, 100], 1),
        (&[0, 25, 51], 2),
    ] {
        let sightings: Vec<_> = seconds
            .iter()
            .map(|&at| matched(at, 50, None, None))
            .collect();
        assert_eq!(
            windows_of(&sightings)[0].instances.len(),
            expected,
            "{seconds:?}"
        );
    }
    let mixed = [matched(0, 50, None, None), matched(1, 50, Some(1), None)];
    assert_eq!(windows_of(&mixed)[0].instances.len(), 2);
}

#[test]
fn typical_attenuation_is_the_mean_rounded_half_up() {
    for (attenuations, typical, minimum) in [
        (&[46][..], 46, 46),
        (&[46, 47], 47, 46),
        (&[46, 46, 47], 46, 46),
        (&[46, 47, 47], 47, 46),
        (&[0, 255], 128, 0),
        (&[255, 255, 255], 255, 255),
        (&[0], 0, 0),
    ] {
        let sightings: Vec<_> = attenuations
            .iter()
            .map(|&db| matched(0, db, Some(1), None))
            .collect();
        let instance = windows_of(&sightings)[0].instances[0];
        assert_eq!(
            (instance.typical_attenuation, instance.minimum_attenuation),
            (typical, minimum)
        );
    }
}

#[test]
fn seconds_since_the_last_scan() {
    for (time, previous, expected) in [
        (0, None, 120),
        (0, Some(-240), 240),
        (0, Some(-300), 300),
        (0, Some(-301), 300),
        (0, Some(-86_400), 300),
        // Minute numbers are subtracted, not seconds.
        (0, Some(-1), 60),
        (59, Some(0), 0),
        (119, Some(60), 0),
        (59, Some(-241), 300),
        (0, Some(-239), 240),
        // A clock set back, or nonsense.
        (0, Some(0), 0),
        (0, Some(3600), 0),
    ] {
        let found = windows_of(&[matched(time, 50, Some(1), previous)]);
        let seconds = found[0].instances[0].seconds_since_last_scan;
        assert_eq!(seconds, expected, "{time} after {previous:?}");
    }
    // The first packet of an instance decides.
    let found = windows_of(&[
        matched(59, 50, Some(1), Some(-60)),
        matched(61, 50, Some(1), Some(-60)),
    ]);
    assert_eq!(found[0].instances[0].seconds_since_last_scan, 60);
}

// Days.

fn window(instances: &[(u8, u16)]) -> ExposureWindow {
    ExposureWindow {
        date: START.utc_day(),
        start: START.start(),
        report_type: ReportType::ConfirmedTest,
        infectiousness: Infectiousness::High,
        instances: instances
            .iter()
            .map(|&(attenuation, seconds)| ScanInstance {
                typical_attenuation: attenuation,
                minimum_attenuation: attenuation,
                seconds_since_last_scan: seconds,
            })
            .collect(),
    }
}

fn one_day(windows: &[ExposureWindow], configuration: &Configuration) -> DaySummary {
    let days = day_summaries(windows, configuration);
    let [day] = days[..] else { panic!("one day") };
    day
}

#[test]
fn scores_by_attenuation() {
    let configuration = Configuration::default();
    for (attenuation, score, near_seconds) in [
        (0, 100.0, 100),
        (46, 100.0, 100),
        (47, 250.0, 100),
        (60, 250.0, 100),
        (61, 130.0, 100),
        (65, 130.0, 100),
        (66, 1.0, 0),
        (255, 1.0, 0),
    ] {
        let window = window(&[(attenuation, 100)]);
        assert_eq!(
            window_score(&window, &configuration),
            score,
            "{attenuation} dB"
        );
        let day = one_day(std::slice::from_ref(&window), &configuration);
        assert_eq!(
            (day.seconds, day.near_seconds),
            (100, near_seconds),
            "{attenuation} dB"
        );
        assert_eq!(day.score_sum, score);
    }
}

#[test]
fn a_contact_takes_1350_points_and_900_seconds() {
    let configuration = Configuration::default();
    // (attenuation, seconds) of one day's instances.
    for (instances, contact, what) in [
        (&[(50, 900)][..], true, "15 minutes near"),
        (&[(50, 899)], false, "a second less"),
        (&[(40, 1350)], true, "22.5 minutes very near"),
        (&[(40, 1349)], false, "1349 points"),
        (
            &[(50, 540), (70, 360)],
            true,
            "far seconds count towards the 900",
        ),
        (&[(50, 536), (70, 364)], false, "1343.64 points"),
        (&[(70, 65_000)], false, "far away all day"),
        (&[], false, "nothing"),
    ] {
        let day = one_day(&[window(instances)], &configuration);
        assert_eq!(day.contact, contact, "{what}: {day:?}");
    }
    assert_eq!(
        one_day(&[window(&[(50, 540)])], &configuration).displayed_score(&configuration),
        100.0
    );
}

/// Three times 130 % of some seconds is less than the whole in binary fractions, and
/// 1350 points were not always 1350.
#[test]
fn exactly_1350_points_are_a_contact_however_they_come_together() {
    let configuration = Configuration::default();
    // 1.3 × 1038 + 0.01 × 60 = 1350, in windows of very different lengths.
    let mut medium: Vec<u16> = (1..=44).collect();
    medium.push(48);
    assert_eq!(medium.iter().sum::<u16>(), 1038);
    let mut windows: Vec<_> = medium
        .iter()
        .map(|&seconds| window(&[(63, seconds)]))
        .chain((0..60).map(|_| window(&[(70, 1)])))
        .collect();
    for turn in 0..windows.len() {
        windows.rotate_left(1);
        let day = one_day(&windows, &configuration);
        assert_eq!(day.score_sum, 1350.0, "turn {turn}");
        assert!(day.contact, "turn {turn}");
        assert_eq!(day.displayed_score(&configuration), 100.0);
    }
    windows.retain(|it| *it != window(&[(70, 1)]));
    windows.extend((0..59).map(|_| window(&[(70, 1)])));
    let day = one_day(&windows, &configuration);
    assert_eq!(day.score_sum, 1349.99);
    assert!(!day.contact);
}

#[test]
fn two_equal_windows_both_count() {
    let configuration = Configuration::default();
    let half = window(&[(50, 300), (50, 150)]);
    assert!(!one_day(std::slice::from_ref(&half), &configuration).contact);
    let day = one_day(&[half.clone(), half], &configuration);
    assert!(day.contact);
    assert_eq!((day.windows, day.seconds, day.score_sum), (2, 900, 2250.0));
    assert_eq!(
        (day.maximum_score, day.weighted_duration_sum),
        (1125.0, 2250.0)
    );
}

#[test]
fn weights_and_the_minimum_score() {
    let mut configuration = Configuration::default();
    configuration.report_type_weights.self_report = 0.5;
    configuration.infectiousness_weights.standard = 0.5;
    configuration.minimum_window_score = 100.0;
    let windows = [
        window(&[(50, 400)]),
        ExposureWindow {
            report_type: ReportType::SelfReport,
            ..window(&[(50, 400)])
        },
        ExposureWindow {
            infectiousness: Infectiousness::Standard,
            ..window(&[(50, 400)])
        },
        ExposureWindow {
            infectiousness: Infectiousness::None,
            ..window(&[(50, 400)])
        },
        window(&[(40, 99)]),
        window(&[(40, 100)]),
        ExposureWindow {
            report_type: ReportType::Revoked,
            ..window(&[(50, 400)])
        },
    ];
    let scores: Vec<_> = windows
        .iter()
        .map(|window| window_score(window, &configuration))
        .collect();
    assert_eq!(scores, [1000.0, 500.0, 500.0, 0.0, 99.0, 100.0, 0.0]);
    let day = one_day(&windows, &configuration);
    assert_eq!(day.score_sum, 2100.0);
    assert_eq!(day.weighted_duration_sum, 3100.0);
    assert_eq!(
        day.seconds, 1799,
        "windows below the minimum have seconds, revoked ones none"
    );
    assert_eq!(day.windows, 6);
}

#[test]
fn days_are_apart_and_in_order() {
    let configuration = Configuration::default();
    let first = window(&[(50, 600)]);
    let second = ExposureWindow {
        date: first.date.saturating_add(1),
        ..first.clone()
    };
    let days = day_summaries([&second, &first, &second], &configuration);
    let told: Vec<_> = days
        .iter()
        .map(|day| (day.date, day.seconds, day.contact))
        .collect();
    assert_eq!(told, [(first.date, 600, false), (second.date, 1200, true)]);
}

#[test]
fn transmission_risk_level_changes_nothing() {
    let sightings: Vec<_> = (0..4_u8)
        .map(|cycle| {
            let time = START.start().saturating_add_signed(i32::from(cycle) * 240);
            let scan = Scan {
                cycle: Some(cycle.into()),
                previous: Some(time.saturating_add_signed(-240)),
            };
            Sighting {
                scan,
                ..heard(
                    &key(1),
                    START.saturating_add(u32::from(cycle) * 240 / 600),
                    time,
                )
            }
        })
        .collect();
    let configuration = Configuration::default();
    for level in [i32::MIN, -1, 0, 1, 7, i32::MAX] {
        let key = DiagnosisKey {
            transmission_risk_level: level,
            ..key(1)
        };
        let found = matches(&sightings, std::slice::from_ref(&key));
        let windows = windows(
            &key,
            &found[0].sightings,
            configuration.infectiousness_of(&key),
        );
        let day = one_day(&windows, &configuration);
        assert!(day.contact, "{level}");
        assert_eq!(day.score_sum, 2400.0, "{level}");
    }
}

// Properties.

/// The rules of docs/protocol.md §3, straight down, for one key.
fn naive(sightings: &[Sighting], key: &DiagnosisKey) -> Option<(usize, Vec<(u32, u8)>)> {
    let mut by_rpi = BTreeMap::new();
    for offset in 0..key.rolling_period.get() {
        let interval = key.rolling_start.saturating_add(offset);
        let rpi = key.tek.rpik().rpi(interval);
        let mut of_rpi: Vec<_> = sightings
            .iter()
            .filter(|sighting| sighting.rpi == rpi)
            .filter(|sighting| sighting.time.interval().abs_diff(interval) <= 12)
            .collect();
        of_rpi.sort_by_key(|sighting| sighting.time);
        let Some(first) = of_rpi.first().map(|sighting| sighting.time.get()) else {
            continue;
        };
        let counted: Vec<_> = of_rpi
            .into_iter()
            .filter(|sighting| sighting.time.get() - first <= 1200)
            .filter_map(|sighting| {
                let [version, tx_power, _, _] = key.tek.aemk().decrypt(&rpi, &sighting.aem);
                let tx_power = i32::from(tx_power.cast_signed());
                let valid = version >> 6 == 1 && (-50..=20).contains(&tx_power);
                let attenuation = (tx_power - i32::from(sighting.rssi)).max(0);
                valid.then(|| (sighting.time.get(), u8::try_from(attenuation).unwrap()))
            })
            .collect();
        if !counted.is_empty() {
            by_rpi.insert(interval, counted);
        }
    }
    let mut all: Vec<_> = by_rpi.values().flatten().copied().collect();
    all.sort_unstable();
    (!all.is_empty()).then_some((by_rpi.len(), all))
}

/// A few days, and both ends of time, and of the numbers that intervals have.
fn any_start() -> impl Strategy<Value = Interval> {
    let last = UnixSeconds::new(u32::MAX).interval().get();
    prop_oneof![
        4 => (0..4_u32).prop_map(|day| START.saturating_add(144 * day)),
        4 => (0..3 * 144_u32).prop_map(|offset| START.saturating_add(offset)),
        1 => (0..300_u32).prop_map(Interval::new),
        1 => (last - 300..last + 20).prop_map(Interval::new),
        1 => (u32::MAX - 150..=u32::MAX).prop_map(Interval::new),
    ]
}

prop_compose! {
    /// Of few TEKs, of which some begin as others do.
    fn any_key()(
        number in 0..6_u8,
        ending in prop::option::weighted(0.3, 0..4_u8),
        rolling_start in any_start(),
        period in prop_oneof![Just(144), 1..=144_u32],
        report_type in prop_oneof![Just(1), 1..=5_i32],
    ) -> DiagnosisKey {
        let mut tek = [number; 16];
        tek[15] = ending.unwrap_or(number);
        DiagnosisKey {
            tek: Tek::from_bytes(tek),
            rolling_start,
            rolling_period: RollingPeriod::new(period).unwrap(),
            report_type: ReportType::from_number(report_type),
            ..key(number)
        }
    }
}

/// What is heard in place of an RPI, or of only a part of it.
#[derive(Clone, Debug)]
enum Noise {
    None,
    Other([u8; 16]),
    /// It begins like the RPI.
    Beginning(usize),
}

fn any_noise() -> impl Strategy<Value = Noise> {
    prop_oneof![
        8 => Just(Noise::None),
        1 => any::<[u8; 16]>().prop_map(Noise::Other),
        1 => (0..16_usize).prop_map(Noise::Beginning),
    ]
}

impl Noise {
    fn apply(&self, rpi: Rpi) -> Rpi {
        let mut bytes = *rpi.as_bytes();
        match self {
            Self::None => {}
            Self::Other(other) => bytes = *other,
            Self::Beginning(length) => bytes[*length..].fill(0x55),
        }
        Rpi::from_bytes(bytes)
    }
}

/// Seconds from the beginning of an interval to a sighting: any within some hours, or
/// those at which two hours before it and after it end.
fn any_drift() -> impl Strategy<Value = i32> {
    prop_oneof![
        2 => -9000..9000_i32,
        1 => prop::sample::select(vec![-7201, -7200, -7199, 7799, 7800, 7801]),
    ]
}

prop_compose! {
    /// A sighting of one of `keys`, near in time to when it should be; or of noise.
    fn any_sighting(keys: Vec<DiagnosisKey>)(
        which in any::<prop::sample::Index>(),
        offset in 0..150_u32,
        drift in any_drift(),
        metadata in prop_oneof![
            (-52..23_i8).prop_map(|tx_power| Metadata::v1_0(tx_power).to_bytes()),
            any::<[u8; 4]>(),
        ],
        rssi in -128..20_i8,
        scan in any::<(Option<u8>, Option<u16>)>(),
        noise in any_noise(),
    ) -> Sighting {
        let key = which.get(&keys);
        let interval = key.rolling_start.saturating_add(offset);
        let time = interval.start().saturating_add_signed(drift);
        let (cycle, before) = scan;
        let scan = Scan {
            cycle: cycle.map(u64::from),
            previous: before.map(|before| time.saturating_add_signed(-i32::from(before) / 64)),
        };
        let heard = heard_raw(key, interval, time, metadata, rssi);
        Sighting { scan, rpi: noise.apply(heard.rpi), ..heard }
    }
}

fn any_situation() -> impl Strategy<Value = (Vec<DiagnosisKey>, Vec<Sighting>)> {
    situation(1..8, 0..40)
}

fn situation(
    keys: Range<usize>,
    sightings: Range<usize>,
) -> impl Strategy<Value = (Vec<DiagnosisKey>, Vec<Sighting>)> {
    prop::collection::vec(any_key(), keys).prop_flat_map(move |keys| {
        let sightings = prop::collection::vec(any_sighting(keys.clone()), sightings.clone());
        (Just(keys), sightings)
    })
}

/// Fails unless `keys` are matched as [`naive`] says.
fn check_against_naive(keys: &[DiagnosisKey], sightings: &[Sighting]) -> Result<(), TestCaseError> {
    let found = matches(sightings, keys);
    let mut seen = Vec::new();
    let mut expected = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        if key.report_type.number() > 3 || seen.contains(&&key.tek) {
            continue;
        }
        seen.push(&key.tek);
        if let Some((rpis, counted)) = naive(sightings, key) {
            expected.push((index, rpis, counted));
        }
    }
    let found: Vec<_> = found
        .into_iter()
        .map(|found| {
            let mut counted: Vec<_> = found
                .sightings
                .iter()
                .map(|sighting| (sighting.time.get(), sighting.attenuation))
                .collect();
            counted.sort_unstable();
            (found.key_index, found.rpis, counted)
        })
        .collect();
    prop_assert_eq!(found, expected);
    Ok(())
}

/// Hundredths of a point of an attenuation's bucket, in COCOA's configuration.
fn hundredths(attenuation: u8) -> u64 {
    match attenuation {
        0..=46 => 100,
        47..=60 => 250,
        61..=65 => 130,
        66.. => 1,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn agrees_with_the_plainest_implementation_also_on_more(
        (keys, sightings) in situation(20..60, 300..800),
    ) {
        check_against_naive(&keys, &sightings)?;
    }
}

proptest! {
    /// Days of any windows, filled up to just 1350 points or a hundredth less, against
    /// a sum in hundredths.
    #[test]
    fn a_day_is_a_contact_by_its_decimal_score(
        mut given in proptest::collection::vec(
            proptest::collection::vec((40..70_u8, 0..60_u16), 1..6),
            0..30,
        ),
        missing in 0..=1_u64,
        order in any::<u64>(),
    ) {
        let configuration = Configuration::default();
        let sum = |given: &[Vec<(u8, u16)>]| -> u64 {
            given
                .iter()
                .flatten()
                .map(|&(attenuation, seconds)| hundredths(attenuation) * u64::from(seconds))
                .sum()
        };
        while sum(&given) > 135_000 - missing {
            given.pop();
        }
        let mut left = 135_000 - missing - sum(&given);
        for attenuation in [50, 63, 40, 70] {
            let seconds = u16::try_from(left / hundredths(attenuation)).unwrap();
            // Some of it is left to smaller weights.
            let seconds = if attenuation == 70 { seconds } else { seconds / 10 * 9 };
            given.push(vec![(attenuation, seconds)]);
            left -= hundredths(attenuation) * u64::from(seconds);
        }
        let mut windows: Vec<_> = given.iter().map(|it| window(it)).collect();
        let day = one_day(&windows, &configuration);
        prop_assert_eq!(day.contact, missing == 0 && day.seconds >= 900);
        prop_assert_eq!(day.score_sum, if missing == 0 { 1350.0 } else { 1349.99 });
        let length = windows.len();
        windows.rotate_left(usize::try_from(order).unwrap_or(0) % length);
        windows.swap(0, length - 1);
        prop_assert_eq!(one_day(&windows, &configuration), day);
    }

    #[test]
    fn agrees_with_the_plainest_implementation((keys, sightings) in any_situation()) {
        check_against_naive(&keys, &sightings)?;
    }

    #[test]
    fn the_order_of_sightings_does_not_matter(
        ((keys, sightings), shuffled) in any_situation().prop_flat_map(|(keys, sightings)| {
            let shuffled = Just(sightings.clone()).prop_shuffle();
            (Just((keys, sightings)), shuffled)
        }),
    ) {
        let configuration = Configuration::default();
        let outcome = |sightings: &[Sighting]| {
            let found = matches(sightings, &keys);
            let windows: Vec<_> = found
                .iter()
                .flat_map(|found| { let key = &keys[found.key_index]; windows(key, &found.sightings, configuration.infectiousness_of(key)) })
                .collect();
            let days = day_summaries(&windows, &configuration);
            (found, windows, days)
        };
        prop_assert_eq!(outcome(&sightings), outcome(&shuffled));
    }

    #[test]
    fn windows_hold_every_sighting_within_bounds((keys, sightings) in any_situation()) {
        for found in matches(&sightings, &keys) {
            let key = &keys[found.key_index];
            let windows = windows(key, &found.sightings, Configuration::default().infectiousness_of(key));
            prop_assert!(windows.is_sorted_by_key(|window| window.start));
            for window in &windows {
                prop_assert!(!window.instances.is_empty());
                prop_assert_eq!(window.date, window.start.utc_day());
                for instance in &window.instances {
                    prop_assert!(instance.minimum_attenuation <= instance.typical_attenuation);
                    prop_assert!(instance.seconds_since_last_scan <= 300);
                    prop_assert_eq!(instance.seconds_since_last_scan % 60, 0);
                }
            }
            let instances: usize = windows.iter().map(|window| window.instances.len()).sum();
            prop_assert!(instances <= found.sightings.len());
        }
    }
}
