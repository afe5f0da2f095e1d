//! Finding the sightings of diagnosis keys (docs/protocol.md §3).
//!
//! Two passes over the sightings, with memory that is bounded however many they are,
//! and grows with what matches: the first notes, day by day, what tells which of the
//! keys' RPIs may have been heard; those become candidates, sorted; the second pass
//! looks every sighting up among them. Many keys, or keys of many days, are taken in
//! portions, each with its own passes.

mod candidates;
mod filter;
mod heard;

use core::convert::Infallible;
use std::collections::BTreeSet;

pub use sesshoku_vector::Vector;

use crate::diagnosis::{DiagnosisKey, RollingPeriod};
use crate::key::{Rpi, Tek};
use crate::metadata::{Confidence, Metadata};
use crate::sighting::{Scan, Sighting};
use crate::time::{INTERVALS_PER_DAY, Interval, UnixSeconds, UtcDay};

use candidates::{Candidate, Search};
use filter::{Filter, Prefix};
use heard::Heard;

/// How many intervals, two hours, a sighting may lie before or after its RPI's
/// own: clocks drift.
pub const MAX_DRIFT: u32 = 12;
/// Sightings of one RPI more than this many seconds after its first are a replay:
/// no device sends an RPI for longer.
pub const MAX_RPI_SECONDS: u32 = 1200;
/// The transmit powers that are believed, in dBm.
pub const TX_POWER_RANGE: core::ops::RangeInclusive<i8> = -50..=20;

/// How much is taken at a time, which bounds the memory used.
#[derive(Clone, Copy)]
struct Portion {
    /// Days of keys; each costs up to 3 MiB of what was heard.
    days: u32,
    /// Candidates, 32 bytes each.
    candidates: usize,
}

const PORTION: Portion = Portion {
    days: 16,
    candidates: 1 << 20,
};

/// Sightings that can be streamed, more than once, in any order.
pub trait SightingSource {
    /// Why streaming may fail.
    type Error;

    /// Calls `visit` with every sighting.
    fn for_each(&self, visit: &mut dyn FnMut(&Sighting)) -> Result<(), Self::Error>;
}

impl SightingSource for [Sighting] {
    type Error = Infallible;

    fn for_each(&self, visit: &mut dyn FnMut(&Sighting)) -> Result<(), Infallible> {
        self.iter().for_each(visit);
        Ok(())
    }
}

impl SightingSource for Vec<Sighting> {
    type Error = Infallible;

    fn for_each(&self, visit: &mut dyn FnMut(&Sighting)) -> Result<(), Infallible> {
        self.as_slice().for_each(visit)
    }
}

/// What depends on the receiving device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Calibration of this device in dB, added to every RSSI before the
    /// attenuation is computed.
    pub rssi_offset: i8,
}

/// The sightings found of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMatch {
    /// Where the key stands in the keys that were given.
    pub key_index: usize,
    /// How many different RPIs of it were heard, by the sightings that count.
    pub rpis: usize,
    /// The sightings that count, in time order; never empty.
    pub sightings: Vec<MatchedSighting>,
}

/// A sighting that counts, decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MatchedSighting {
    /// When it was heard.
    pub time: UnixSeconds,
    /// The scan it was heard in.
    pub scan: Scan,
    /// Transmit power less received power, in dB, and not below 0.
    pub attenuation: u8,
    /// How well the transmit power is known.
    pub confidence: Confidence,
}

/// What of the machine matching may use. What it finds does not depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Means {
    /// The processor's vector instructions, where it has enough of them.
    pub vector: Option<Vector>,
    /// Does two pieces of work, at once; where there is none, they are done one by one.
    pub at_once: Option<AtOnce>,
}

/// What does two pieces of work and returns when both are done.
pub type AtOnce = fn(&mut (dyn FnMut() + Send), &mut (dyn FnMut() + Send));

impl Means {
    /// All that the processor has, for one thread.
    pub fn of_one_thread() -> Self {
        Self {
            vector: Vector::detect(),
            at_once: None,
        }
    }
}

/// Finds the sightings of `keys`, in the order of the keys.
///
/// Recursive and revoked keys are passed over, and so is a key whose TEK came
/// before: what a second publication means is for [`crate::diagnosis::transition`]
/// and [`crate::diagnosis::consolidate`] to say.
///
/// # Errors
/// Those of `source`.
pub fn match_keys<S: SightingSource + ?Sized>(
    source: &S,
    keys: &[DiagnosisKey],
    options: &Options,
) -> Result<Vec<KeyMatch>, S::Error> {
    match_keys_by(source, keys, options, Means::of_one_thread())
}

/// [`match_keys`], by these `means`.
///
/// # Errors
/// Those of `source`.
pub fn match_keys_by<S: SightingSource + ?Sized>(
    source: &S,
    keys: &[DiagnosisKey],
    options: &Options,
    means: Means,
) -> Result<Vec<KeyMatch>, S::Error> {
    match_in_portions(source, keys, options, means, PORTION)
}

fn match_in_portions<S: SightingSource + ?Sized>(
    source: &S,
    keys: &[DiagnosisKey],
    options: &Options,
    means: Means,
    at_a_time: Portion,
) -> Result<Vec<KeyMatch>, S::Error> {
    let to_match = keys_to_match(keys);
    let mut matches = Vec::new();
    let mut candidates = Vec::new();
    for portion in portions_by_day(&to_match, at_a_time.days) {
        let (Some(first), Some(last)) = (portion.first(), portion.last()) else {
            continue;
        };
        let mut heard = Heard::new(first.first_day(), last.last_day());
        source.for_each(&mut |sighting| heard.insert(sighting))?;
        for same_start in portion.chunk_by(|a, b| a.rolling_start == b.rolling_start) {
            let Some(mut search) = Search::new(&mut heard, same_start) else {
                continue;
            };
            let mut rest = same_start;
            while !rest.is_empty() {
                rest = search.add_candidates(rest, means, &mut candidates, at_a_time.candidates);
                if candidates.len() >= at_a_time.candidates {
                    evaluate(source, keys, &mut candidates, options, &mut matches)?;
                }
            }
        }
    }
    evaluate(source, keys, &mut candidates, options, &mut matches)?;
    matches.sort_unstable_by_key(|found: &KeyMatch| found.key_index);
    Ok(matches)
}

/// A key to be matched: what of it is needed for that, so that memory is read in the
/// order of matching and not here and there.
struct ToMatch {
    tek: Tek,
    rolling_start: Interval,
    rolling_period: RollingPeriod,
    key_index: usize,
}

impl ToMatch {
    /// The day of the first interval that the key can have been broadcast in.
    const fn first_day(&self) -> UtcDay {
        self.rolling_start.utc_day()
    }

    /// The day of the last, which is another where the key does not start at midnight.
    const fn last_day(&self) -> UtcDay {
        self.rolling_start
            .saturating_add(INTERVALS_PER_DAY - 1)
            .utc_day()
    }
}

/// A sighting of a candidate, in the order of evaluation.
#[derive(Clone, Copy)]
struct Hit {
    candidate: Candidate,
    sighting: Sighting,
}

/// The keys that are matched at all, by rolling start.
fn keys_to_match(keys: &[DiagnosisKey]) -> Vec<ToMatch> {
    let matched = || {
        keys.iter()
            .enumerate()
            .filter(|(_, key)| key.report_type.is_matched())
    };
    // Hardly any TEK comes twice: only what looks like one that came before is compared.
    let mut seen = Filter::with_room_for(keys.len());
    let repeated: Vec<_> = matched()
        .map(|(_, key)| Prefix::of(key.tek.expose_bytes()))
        .filter(|&prefix| {
            let may_repeat = seen.may_contain(prefix);
            seen.insert(prefix);
            may_repeat
        })
        .collect();
    let repeated = Filter::of(repeated.into_iter());
    let mut compared = BTreeSet::new();
    let mut to_match: Vec<_> = matched()
        .filter(|(_, key)| {
            let tek = key.tek.expose_bytes();
            !repeated.may_contain(Prefix::of(tek)) || compared.insert(tek)
        })
        .map(|(key_index, key)| ToMatch {
            tek: key.tek.clone(),
            rolling_start: key.rolling_start,
            rolling_period: key.rolling_period,
            key_index,
        })
        .collect();
    to_match.sort_by_key(|to_match| to_match.rolling_start);
    to_match
}

/// Cuts keys, sorted by rolling start, where they span too many days.
fn portions_by_day(sorted: &[ToMatch], days: u32) -> impl Iterator<Item = &[ToMatch]> {
    let mut rest = sorted;
    core::iter::from_fn(move || {
        let end = rest.first()?.first_day().saturating_add(days);
        let length = rest.partition_point(|to_match| to_match.first_day() < end);
        let (portion, others) = rest.split_at_checked(length.max(1))?;
        rest = others;
        Some(portion)
    })
}

/// The second pass: turns the candidates, which it empties, into matches.
fn evaluate<S: SightingSource + ?Sized>(
    source: &S,
    keys: &[DiagnosisKey],
    candidates: &mut Vec<Candidate>,
    options: &Options,
    matches: &mut Vec<KeyMatch>,
) -> Result<(), S::Error> {
    if candidates.is_empty() {
        return Ok(());
    }
    candidates.sort_unstable();
    let prefix = |rpi: &Rpi| Prefix::of(rpi.as_bytes());
    let filter = Filter::of(candidates.iter().map(|candidate| prefix(&candidate.rpi)));
    let mut hits = Vec::new();
    source.for_each(&mut |sighting| {
        if !filter.may_contain(prefix(&sighting.rpi)) {
            return;
        }
        let first = candidates.partition_point(|candidate| candidate.rpi < sighting.rpi);
        let of_this_rpi = candidates
            .iter()
            .skip(first)
            .take_while(|candidate| candidate.rpi == sighting.rpi)
            .filter(|candidate| candidate.interval.abs_diff(sighting.time.interval()) <= MAX_DRIFT);
        hits.extend(of_this_rpi.map(|&candidate| Hit {
            candidate,
            sighting: *sighting,
        }));
    })?;
    candidates.clear();

    hits.sort_unstable_by_key(|hit| {
        let Candidate {
            rpi,
            interval,
            key_index,
        } = hit.candidate;
        (key_index, interval, rpi, hit.sighting.time)
    });
    for of_key in hits.chunk_by(|a, b| a.candidate.key_index == b.candidate.key_index) {
        matches.extend(evaluate_key(keys, of_key, options));
    }
    Ok(())
}

/// Applies the rules for one key's sightings, sorted by RPI and time.
fn evaluate_key(keys: &[DiagnosisKey], hits: &[Hit], options: &Options) -> Option<KeyMatch> {
    let key_index = hits.first()?.candidate.key_index;
    let aemk = keys.get(key_index)?.tek.aemk();
    let mut found = KeyMatch {
        key_index,
        rpis: 0,
        sightings: Vec::new(),
    };
    for of_rpi in hits.chunk_by(|a, b| a.candidate == b.candidate) {
        let first = of_rpi.first()?.sighting.time;
        let before = found.sightings.len();
        found.sightings.extend(
            of_rpi
                .iter()
                .map(|hit| &hit.sighting)
                .filter(|sighting| sighting.time.seconds_since(first) <= i64::from(MAX_RPI_SECONDS))
                .filter_map(|sighting| {
                    let metadata = aemk.decrypt(&sighting.rpi, &sighting.aem);
                    believed(sighting, Metadata::from_bytes(metadata)?, options)
                }),
        );
        found.rpis += usize::from(found.sightings.len() > before);
    }
    found.sightings.sort_unstable();
    (!found.sightings.is_empty()).then_some(found)
}

/// The sighting with its attenuation, or `None` when its transmit power cannot be.
fn believed(sighting: &Sighting, metadata: Metadata, options: &Options) -> Option<MatchedSighting> {
    if !TX_POWER_RANGE.contains(&metadata.tx_power) {
        return None;
    }
    let received = i16::from(sighting.rssi) + i16::from(options.rssi_offset);
    let attenuation = (i16::from(metadata.tx_power) - received).clamp(0, i16::from(u8::MAX));
    Some(MatchedSighting {
        time: sighting.time,
        scan: sighting.scan,
        attenuation: u8::try_from(attenuation).expect("the range was just held to a byte's"),
        confidence: metadata.confidence,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::ReportType;

    #[test]
    fn smaller_portions_find_the_same() {
        // The last rolling start has so many keys that two threads share them.
        let keys: Vec<_> = (0..700_u32)
            .map(|number| DiagnosisKey {
                tek: Tek::from_bytes(u128::from(number).to_le_bytes()),
                rolling_start: Interval::new(2_660_400 + number.min(40) * 100),
                rolling_period: RollingPeriod::DAY,
                transmission_risk_level: 0,
                report_type: ReportType::ConfirmedTest,
                days_since_onset: None,
            })
            .collect();
        let sightings: Vec<_> = keys
            .iter()
            .flat_map(|key| {
                key.intervals()
                    .step_by(7)
                    .map(move |interval| (key, interval))
            })
            .map(|(key, interval)| Sighting {
                time: interval.start(),
                rpi: key.tek.rpik().rpi(interval),
                aem: crate::key::Aem::from_bytes([0; 4]),
                rssi: -60,
                scan: Scan {
                    cycle: None,
                    previous: None,
                },
            })
            .collect();
        let found = |days, candidates, at_once| {
            let means = Means {
                at_once,
                ..Means::of_one_thread()
            };
            let portion = Portion { days, candidates };
            match_in_portions(&sightings, &keys, &Options::default(), means, portion)
        };
        let Ok(at_once) = found(PORTION.days, PORTION.candidates, None);
        assert!(
            at_once.len() > 10,
            "decrypted noise is believed now and then"
        );
        for (days, candidates) in [(1, 1), (1, 50), (2, 1), (40, 100)] {
            let by_threads: [Option<AtOnce>; 2] = [None, Some(on_two_threads)];
            for at_once_by in by_threads {
                let in_portions = found(days, candidates, at_once_by);
                assert_eq!(in_portions, Ok(at_once.clone()), "{days} {candidates}");
            }
        }
    }

    fn on_two_threads(first: &mut (dyn FnMut() + Send), second: &mut (dyn FnMut() + Send)) {
        std::thread::scope(|scope| {
            scope.spawn(first);
            second();
        });
    }
}
