//! The keys and sightings that are matched.

use std::cell::Cell;

use anyhow::ensure;
use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::export::{Export, PinnedKey, Signer, write, write_bin};
use gaen::key::{Aem, Rpi, Tek};
use gaen::matching::SightingSource;
use gaen::metadata::Metadata;
use gaen::sighting::{Scan, Sighting};
use gaen::time::{DAY_SECONDS, INTERVAL_SECONDS, INTERVALS_PER_DAY, UnixSeconds, UtcDay};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::measure::thread_seconds;

/// How many of the keys were met.
pub(crate) const PLANTED_KEYS: usize = 20;
/// How often each of them was heard, in as many intervals.
const HEARD_OF_EACH: u32 = 5;

pub(crate) const RECORD_LEN: usize = 25;
type Record = [u8; RECORD_LEN];

/// 2026-11-01.
const FIRST_DAY: UtcDay = UtcDay::new(20_758);

/// An export.bin and records, as `bench generate --help` describes them.
pub(crate) fn generate(
    keys: usize,
    sightings: usize,
    seed: u64,
    days: u32,
) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let keys = diagnosis_keys(keys, days, &mut rng);
    let mut records: Vec<Record> = (0..sightings).map(|_| noise(&mut rng, days)).collect();
    plant(&keys, &mut records, &mut rng)?;
    let export = export(keys, days);
    Ok((write_bin(&export)?, records.as_flattened().to_vec()))
}

/// An export as servers publish it, and the key it is signed with.
pub(crate) fn signed_export(keys: usize) -> anyhow::Result<(Vec<u8>, PinnedKey)> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let signer = Signer::generate("440", "v1", &mut rng);
    let keys = diagnosis_keys(keys, 14, &mut rng);
    Ok((write(&export(keys, 14), &[&signer])?, signer.pinned_key()))
}

fn diagnosis_keys(keys: usize, days: u32, rng: &mut ChaCha8Rng) -> Vec<DiagnosisKey> {
    (0..keys)
        .map(|_| DiagnosisKey {
            tek: Tek::generate(rng),
            rolling_start: FIRST_DAY.saturating_add(below(rng, days)).first_interval(),
            rolling_period: RollingPeriod::DAY,
            transmission_risk_level: 1,
            report_type: ReportType::ConfirmedTest,
            days_since_onset: i32::try_from(below(rng, 14)).ok(),
        })
        .collect()
}

fn export(keys: Vec<DiagnosisKey>, days: u32) -> Export {
    Export {
        start: u64::from(FIRST_DAY.start().get()),
        end: u64::from(FIRST_DAY.saturating_add(days).start().get()),
        region: "440".to_owned(),
        batch_num: 1,
        batch_size: 1,
        keys,
        revised_keys: Vec::new(),
    }
}

/// A sighting of nobody's RPI, at any time of the days.
fn noise(rng: &mut ChaCha8Rng, days: u32) -> Record {
    let mut record = Record::default();
    rng.fill_bytes(&mut record);
    let time = FIRST_DAY.start().get() + below(rng, days * DAY_SECONDS);
    if let Some(bytes) = record.get_mut(20..24) {
        bytes.copy_from_slice(&time.to_le_bytes());
    }
    record
}

/// Puts sightings of some of `keys` in the place of as many `records`, both spread evenly.
fn plant(
    keys: &[DiagnosisKey],
    records: &mut [Record],
    rng: &mut ChaCha8Rng,
) -> anyhow::Result<()> {
    let planted = PLANTED_KEYS * usize::try_from(HEARD_OF_EACH)?;
    ensure!(keys.len() >= PLANTED_KEYS, "at least {PLANTED_KEYS} keys");
    ensure!(records.len() >= planted, "at least {planted} sightings");
    let step = records.len() / planted;
    let mut places = records.iter_mut().step_by(step);
    for key in keys
        .iter()
        .step_by(keys.len() / PLANTED_KEYS)
        .take(PLANTED_KEYS)
    {
        let first = key
            .rolling_start
            .saturating_add(below(rng, INTERVALS_PER_DAY - HEARD_OF_EACH));
        let (rpik, aemk) = (key.tek.rpik(), key.tek.aemk());
        for (offset, place) in (0..HEARD_OF_EACH).zip(&mut places) {
            let interval = first.saturating_add(offset);
            let rpi = rpik.rpi(interval);
            let aem = aemk.encrypt(&rpi, Metadata::v1_0(-14).to_bytes());
            let time = interval.start().get() + below(rng, INTERVAL_SECONDS);
            *place = record(&rpi, &aem, time, -70);
        }
    }
    Ok(())
}

fn record(rpi: &Rpi, aem: &Aem, time: u32, rssi: i8) -> Record {
    let parts: [&[u8]; 4] = [
        rpi.as_bytes(),
        aem.as_bytes(),
        &time.to_le_bytes(),
        &rssi.to_le_bytes(),
    ];
    let mut record = Record::default();
    for (to, from) in record.iter_mut().zip(parts.into_iter().flatten()) {
        *to = *from;
    }
    record
}

fn sighting(record: &Record) -> Sighting {
    // The lengths add up to a record's.
    let (rpi, rest) = record.split_first_chunk().unwrap_or((&[0; 16], &[]));
    let (aem, rest) = rest.split_first_chunk().unwrap_or((&[0; 4], &[]));
    let (time, rest) = rest.split_first_chunk().unwrap_or((&[0; 4], &[]));
    Sighting {
        time: UnixSeconds::new(u32::from_le_bytes(*time)),
        rpi: Rpi::from_bytes(*rpi),
        aem: Aem::from_bytes(*aem),
        rssi: rest.first().map_or(0, |byte| byte.cast_signed()),
        scan: Scan {
            cycle: None,
            previous: None,
        },
    }
}

/// A number of 0 to `end`, without it; not quite evenly, which does not matter here.
fn below(rng: &mut ChaCha8Rng, end: u32) -> u32 {
    rng.next_u32() % end
}

/// Records as a source, which notes how long each pass over them takes.
pub(crate) struct Records<'a> {
    records: &'a [Record],
    passes: Cell<usize>,
    first_pass: Cell<f64>,
    later_passes: Cell<f64>,
}

impl<'a> Records<'a> {
    /// The records in `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> anyhow::Result<Self> {
        let (records, rest) = bytes.as_chunks();
        ensure!(rest.is_empty(), "records are {RECORD_LEN} bytes long each");
        Ok(Self {
            records,
            passes: Cell::new(0),
            first_pass: Cell::new(0.0),
            later_passes: Cell::new(0.0),
        })
    }

    /// CPU seconds of the first pass, which fills the filter, and of all others.
    pub(crate) fn seconds(&self) -> (f64, f64) {
        (self.first_pass.get(), self.later_passes.get())
    }
}

impl SightingSource for Records<'_> {
    type Error = anyhow::Error;

    fn for_each(&self, visit: &mut dyn FnMut(&Sighting)) -> anyhow::Result<()> {
        let start = thread_seconds()?;
        for record in self.records {
            visit(&sighting(record));
        }
        let seconds = thread_seconds()? - start;
        let total = match self.passes.replace(self.passes.get() + 1) {
            0 => &self.first_pass,
            _ => &self.later_passes,
        };
        total.set(total.get() + seconds);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaen::export::Unverified;
    use gaen::matching::{Options, match_keys};

    #[test]
    fn what_is_planted_is_found() {
        for (keys, sightings, days) in [(20, 100, 1), (33, 1234, 14), (1000, 119, 3)] {
            let (bin, records) = generate(keys, sightings, 7, days).unwrap();
            assert_eq!(records.len(), sightings * RECORD_LEN);
            let export = Unverified::from_bin(bin).without_verification().unwrap();
            assert_eq!(export.keys.len(), keys);
            let source = Records::new(&records).unwrap();
            let found = match_keys(&source, &export.keys, &Options::default()).unwrap();
            assert_eq!(found.len(), PLANTED_KEYS);
            assert!(found.iter().all(|found| {
                found.rpis == 5 && found.sightings.iter().all(|it| it.attenuation == 56)
            }));
        }
        assert!(generate(19, 100, 7, 1).is_err());
        assert!(generate(20, 99, 7, 1).is_err());
        assert!(Records::new(&[0; 26]).is_err());
    }

    #[test]
    fn the_same_seed_gives_the_same_files() {
        let files = |seed| generate(20, 100, seed, 14).unwrap();
        assert_eq!(files(1), files(1));
        assert_ne!(files(1), files(2));
    }
}
