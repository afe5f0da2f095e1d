//! One scan cycle while it is open: what was heard, bounded.

use std::collections::BTreeMap;
use std::time::Duration;

use gaen::key::{Aem, Rpi};
use gaen::time::UnixSeconds;
use rand_core::Rng;

use crate::radio::Heard;
use crate::records::{CycleSighting, ScanCycle};

/// Samples kept of one identifier in one cycle. Sixteen place the mean of an
/// attenuation within a decibel; a phone is heard about that often in the four
/// seconds of a scan window.
const SAMPLES_PER_RPI: usize = 16;

/// Identifiers kept in one cycle. Far more people than fit in the range of a
/// radio, and few enough that somebody who floods the air cannot fill the memory.
const RPIS_PER_CYCLE: usize = 5_000;

/// A scan cycle that is still listening.
#[derive(Debug)]
pub(super) struct OpenCycle {
    started: UnixSeconds,
    previous: Option<UnixSeconds>,
    heard: BTreeMap<(Rpi, Aem), Samples>,
    overflow: u64,
}

/// The samples of one identifier: a uniform choice among all that were heard,
/// and always the strongest, which gives the minimum attenuation.
#[derive(Debug, Default)]
struct Samples {
    kept: Vec<i8>,
    heard: u64,
}

impl OpenCycle {
    pub(super) fn new(started: UnixSeconds, previous: Option<UnixSeconds>) -> Self {
        Self {
            started,
            previous,
            heard: BTreeMap::new(),
            overflow: 0,
        }
    }

    /// Takes in one advert.
    pub(super) fn hear(&mut self, heard: &Heard, rng: &mut impl Rng) {
        let id = (heard.rpi, heard.aem);
        if self.heard.len() >= RPIS_PER_CYCLE && !self.heard.contains_key(&id) {
            self.overflow += 1;
            return;
        }
        self.heard.entry(id).or_default().add(heard.rssi, rng);
    }

    /// Adverts that were dropped because too many identifiers were around.
    pub(super) fn overflow(&self) -> u64 {
        self.overflow
    }

    /// Ends the cycle.
    ///
    /// Its sightings are all of its start. The time that a scan stands for is that
    /// from the one before to this one (docs/protocol.md §4): were it reckoned from the start
    /// of the one to whenever somebody was first heard in the other, as much as a
    /// minute would be added to every cycle of a minute.
    ///
    /// By the timetable it begins at most `within` after the scan before it. Later, that
    /// time was not listened to.
    pub(super) fn close(self, ended: UnixSeconds, cut_short: bool, within: Duration) -> ScanCycle {
        let started = self.started;
        let is_late = |previous: UnixSeconds| {
            u64::try_from(started.seconds_since(previous)).is_ok_and(|gap| gap > within.as_secs())
        };
        let sightings: Vec<CycleSighting> = self
            .heard
            .into_iter()
            .flat_map(|((rpi, aem), samples)| {
                samples.kept.into_iter().map(move |rssi| CycleSighting {
                    time: started,
                    rpi,
                    aem,
                    rssi,
                })
            })
            .collect();
        ScanCycle {
            started: self.started,
            // A clock set back during the cycle must not make it end before it began.
            ended: ended.max(self.started),
            previous: self.previous,
            cut_short,
            after_gap: self.previous.is_some_and(is_late),
            sightings,
        }
    }
}

impl Samples {
    fn add(&mut self, rssi: i8, rng: &mut impl Rng) {
        self.heard += 1;
        if self.kept.len() < SAMPLES_PER_RPI {
            self.kept.push(rssi);
            return;
        }
        let strongest = self
            .kept
            .iter()
            .enumerate()
            .max_by_key(|(_, rssi)| **rssi)
            .map_or((0, i8::MIN), |(place, rssi)| (place, *rssi));
        // Reservoir sampling: the n-th sample replaces one of k kept with probability k/n.
        let place = usize::try_from(rng.next_u64() % self.heard).unwrap_or(usize::MAX);
        let place = if rssi > strongest.1 {
            // The new strongest must stay; it takes any place.
            place % SAMPLES_PER_RPI
        } else if place == strongest.0 {
            return;
        } else {
            place
        };
        if let Some(kept) = self.kept.get_mut(place) {
            *kept = rssi;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    use super::*;

    fn advert(id: u32, rssi: i8) -> Heard {
        let mut rpi = [0; 16];
        rpi[..4].copy_from_slice(&id.to_le_bytes());
        Heard {
            rpi: Rpi::from_bytes(rpi),
            aem: Aem::from_bytes([0; 4]),
            rssi,
        }
    }

    #[test]
    fn the_strongest_sample_is_always_kept_and_the_mean_holds() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let start = UnixSeconds::new(1_600_000_000);
        let mut means = Vec::new();
        for _ in 0..50 {
            let mut cycle = OpenCycle::new(start, None);
            for n in 0..1_000_u32 {
                let rssi = if n == 500 {
                    -40
                } else {
                    -70 - i8::try_from(n % 11).unwrap()
                };
                cycle.hear(&advert(1, rssi), &mut rng);
            }
            let closed = cycle.close(start, false, Duration::ZERO);
            assert_eq!(closed.sightings.len(), SAMPLES_PER_RPI);
            assert!(closed.sightings.iter().any(|s| s.rssi == -40));
            let rest: Vec<f64> = closed
                .sightings
                .iter()
                .filter(|s| s.rssi != -40)
                .map(|s| f64::from(s.rssi))
                .collect();
            means.push(rest.iter().sum::<f64>() / f64::from(u32::try_from(rest.len()).unwrap()));
        }
        let mean = means.iter().sum::<f64>() / 50.0;
        assert!((mean + 75.0).abs() < 0.5, "mean {mean}");
    }

    #[test]
    fn a_flood_of_identifiers_is_bounded_and_counted() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let start = UnixSeconds::new(1_600_000_000);
        let mut cycle = OpenCycle::new(start, None);
        for id in 0..6_000 {
            cycle.hear(&advert(id, -60), &mut rng);
        }
        cycle.hear(&advert(1, -50), &mut rng);
        assert_eq!(cycle.overflow(), 1_000);
        assert_eq!(
            cycle.close(start, false, Duration::ZERO).sightings.len(),
            5_001
        );
    }

    #[test]
    fn a_cycle_later_than_the_timetable_has_it_is_after_a_gap() {
        let start = UnixSeconds::new(1_600_000_000);
        for (gap, after_gap) in [
            (Some(60), false),
            (Some(330), false),
            (Some(331), true),
            (Some(-5), false),
            (None, false),
        ] {
            let previous = gap.map(|gap: i32| start.saturating_add_signed(-gap));
            let closed =
                OpenCycle::new(start, previous).close(start, false, Duration::from_secs(330));
            assert_eq!(closed.after_gap, after_gap, "{gap:?}");
        }
    }

    #[test]
    fn a_clock_set_back_does_not_end_a_cycle_before_it_began() {
        let start = UnixSeconds::new(1_600_000_000);
        let closed = OpenCycle::new(start, None).close(
            UnixSeconds::new(1_500_000_000),
            true,
            Duration::ZERO,
        );
        assert_eq!(closed.ended, start);
    }
}
