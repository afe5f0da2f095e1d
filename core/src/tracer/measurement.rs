//! Listening to how strongly one phone is heard, to calibrate the radio.
//!
//! What comes of it names nobody: strengths, without identifiers or times.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::status::ConsentState;
use gaen::key::Rpi;
use rand_core::CryptoRng;

use super::{Action, ScanState, Tracer};
use crate::radio::Heard;
use crate::time::{BootTime, Now};

/// Identifiers told apart in one measurement; where there are more, nothing can be
/// measured.
const TRANSMITTERS: usize = 1_000;
/// Samples kept of each.
const SAMPLES: usize = 2_000;
/// Fewer samples than these are not somebody who is near all the time.
const FEWEST: usize = 3;

/// A measurement under way.
#[derive(Debug)]
pub(super) struct Measurement {
    ends_at: BootTime,
    heard: BTreeMap<Rpi, Vec<i8>>,
}

/// What a measurement heard, in dBm as the radio reports it, without correction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Of the strongest transmitter, in the order they came.
    pub samples: Vec<i8>,
    /// How many others were heard.
    pub others: u32,
    /// The median of the strongest of them.
    pub strongest_other: Option<i8>,
}

/// Why nothing is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotMeasured {
    /// The terms in force are not agreed to.
    ConsentRequired,
    /// Nothing can be heard, or not any more.
    NotListening,
    /// The daemon ends.
    ShuttingDown,
}

impl Measurement {
    fn hear(&mut self, heard: &Heard) {
        if self.heard.len() >= TRANSMITTERS && !self.heard.contains_key(&heard.rpi) {
            return;
        }
        let samples = self.heard.entry(heard.rpi).or_default();
        if samples.len() < SAMPLES {
            samples.push(heard.rssi);
        }
    }

    fn close(self) -> Measured {
        let count = self.heard.len();
        let mut transmitters: Vec<Vec<i8>> = self.heard.into_values().collect();
        // Strongest first; whoever was heard in passing comes last.
        transmitters.sort_by_key(|samples| {
            let is_near = samples.len() >= FEWEST;
            std::cmp::Reverse((is_near, median(samples)))
        });
        let mut transmitters = transmitters.into_iter();
        Measured {
            samples: transmitters.next().unwrap_or_default(),
            others: u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX),
            strongest_other: transmitters.next().as_deref().and_then(median),
        }
    }
}

fn median(samples: &[i8]) -> Option<i8> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

impl<R: CryptoRng> Tracer<R> {
    /// Begins to listen all the time, for `length`.
    pub(super) fn on_measure(&mut self, now: Now, length: Duration) {
        self.measurement = Some(Measurement {
            ends_at: now.boot.after(length),
            heard: BTreeMap::new(),
        });
        if let ScanState::Off { start_at } = &mut self.scan {
            *start_at = now.boot;
        }
    }

    pub(super) fn measure(&mut self, heard: &Heard) {
        if let Some(measurement) = &mut self.measurement {
            measurement.hear(heard);
        }
    }

    /// Begins the measurement under way anew.
    pub(super) fn forget_measured(&mut self) {
        if let Some(measurement) = &mut self.measurement {
            measurement.heard.clear();
        }
    }

    /// When the measurement under way ends.
    pub(super) fn measured_at(&self) -> Option<BootTime> {
        self.measurement.as_ref().map(|it| it.ends_at)
    }

    /// Ends the measurement when its time has come, or when nothing can be heard.
    pub(super) fn drive_measurement(&mut self, now: Now, actions: &mut Vec<Action>) {
        let obstacle = self.obstacle_to_measuring();
        let has_ended = self.log_ended;
        let is_over =
            |it: &mut Measurement| it.ends_at <= now.boot || has_ended || obstacle.is_some();
        let Some(measurement) = self.measurement.take_if(is_over) else {
            return;
        };
        // Back to the plan: the cycle under way ends here.
        if let ScanState::On { ends_at, .. } = &mut self.scan {
            *ends_at = (*ends_at).min(now.boot);
        }
        let measured = obstacle.map_or_else(|| Ok(measurement.close()), Err);
        actions.push(Action::Measured(measured));
    }

    fn obstacle_to_measuring(&self) -> Option<NotMeasured> {
        if self.shutting_down {
            Some(NotMeasured::ShuttingDown)
        } else if self.consent != ConsentState::Agreed {
            Some(NotMeasured::ConsentRequired)
        } else if !self.may_listen() || !self.last_seen.wall.is_plausible() {
            // Nobody is listened to, either, while the clock is not set.
            Some(NotMeasured::NotListening)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use gaen::key::{AEM_LEN, Aem, KEY_LEN};

    use super::*;

    fn measured(heard: &[(u8, i8)]) -> Measured {
        let mut measurement = Measurement {
            ends_at: BootTime::new(Duration::ZERO),
            heard: BTreeMap::new(),
        };
        for (who, rssi) in heard {
            measurement.hear(&Heard {
                rpi: Rpi::from_bytes([*who; KEY_LEN]),
                aem: Aem::from_bytes([0; AEM_LEN]),
                rssi: *rssi,
            });
        }
        measurement.close()
    }

    #[test]
    fn the_strongest_that_is_there_all_the_time_is_measured() {
        let heard = [
            (7, -20),
            (1, -70),
            (2, -60),
            (1, -72),
            (2, -64),
            (1, -71),
            (2, -62),
        ];
        let expected = Measured {
            samples: vec![-60, -64, -62],
            others: 2,
            strongest_other: Some(-71),
        };
        assert_eq!(measured(&heard), expected);
        assert_eq!(measured(&[]), Measured::default());
        assert_eq!(
            measured(&[(1, -50)]).samples,
            [-50],
            "somebody is better than nobody"
        );
    }

    #[test]
    fn a_flood_is_bounded() {
        let mut measurement = Measurement {
            ends_at: BootTime::new(Duration::ZERO),
            heard: BTreeMap::new(),
        };
        for number in 0..3_000_u32 {
            for rssi in [-60, -61] {
                let mut rpi = [0; KEY_LEN];
                rpi[..4].copy_from_slice(&number.to_le_bytes());
                let rpi = Rpi::from_bytes(rpi);
                let aem = Aem::from_bytes([0; AEM_LEN]);
                measurement.hear(&Heard { rpi, aem, rssi });
            }
        }
        assert_eq!(measurement.close().others, 999);
    }
}
