//! Any sequence of operations against a plain model.

use std::collections::BTreeMap;

use gaen::key::Tek;
use gaen::sighting::Sighting;
use proptest::prelude::*;
use sesshoku_core::records::{ExposureChanges, ScanCycle};

use crate::support::{
    DAY, EVER, HOUR, Home, T0, at, cycle, day, exposure, own_key, read_all, read_since, record,
    sightings_of,
};

#[derive(Clone, Debug)]
enum Operation {
    /// Time passes.
    Wait(u32),
    /// The clock goes back.
    SetBack(u32),
    Append {
        sightings: u32,
        cut_short: bool,
    },
    PutTek,
    Expose(u8),
    Unexpose(u8),
    Compact,
    Purge,
    Reopen,
    Erase,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => (1_u32..3 * HOUR).prop_map(Operation::Wait),
        3 => (DAY / 2..5 * DAY).prop_map(Operation::Wait),
        1 => (1_u32..2 * DAY).prop_map(Operation::SetBack),
        16 => (prop_oneof![Just(0), 1_u32..5, 300_u32..700], any::<bool>())
            .prop_map(|(sightings, cut_short)| Operation::Append { sightings, cut_short }),
        2 => Just(Operation::PutTek),
        2 => (0_u8..4).prop_map(Operation::Expose),
        1 => (0_u8..4).prop_map(Operation::Unexpose),
        4 => Just(Operation::Compact),
        5 => Just(Operation::Purge),
        2 => Just(Operation::Reopen),
        1 => Just(Operation::Erase),
    ]
}

#[derive(Default)]
struct Model {
    /// By id: the order in which they are read.
    cycles: BTreeMap<u64, ScanCycle>,
    teks: BTreeMap<u32, Vec<u8>>,
    /// The starts of each exposure's windows.
    exposures: BTreeMap<u8, Vec<u32>>,
}

impl Model {
    fn sightings_since(&self, since: u32) -> Vec<Sighting> {
        self.cycles
            .iter()
            .flat_map(|(id, cycle)| sightings_of(*id, cycle))
            .filter(|sighting| sighting.time >= at(since))
            .collect()
    }

    fn purge(&mut self, now: u32) {
        let cutoff = now - 14 * DAY;
        // The day at the edge may keep up to an hour more than it has to; that is
        // looked at apart.
        self.cycles
            .retain(|_, cycle| cycle.started.utc_day() >= day(cutoff));
        self.teks.retain(|tek_day, _| *tek_day > day(cutoff).get());
        for starts in self.exposures.values_mut() {
            starts.retain(|start| day(*start) >= day(cutoff));
        }
        self.exposures.retain(|_, starts| !starts.is_empty());
    }
}

proptest! {
    // Every case writes a few dozen times and reads everything after each.
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_the_model_does(operations in prop::collection::vec(operation(), 1..60)) {
        let home = Home::new();
        let mut store = home.open();
        let mut model = Model::default();
        let mut now = T0;
        // Before this, what was purged may or may not be there.
        let mut certain_from = 0;
        for operation in operations {
            match operation {
                Operation::Wait(seconds) => now += seconds,
                Operation::SetBack(seconds) => now -= seconds,
                Operation::Append { sightings, cut_short } => {
                    let cycle = ScanCycle { cut_short, ..cycle(now, sightings) };
                    let id = store.append_cycle(&cycle).unwrap();
                    prop_assert!(model.cycles.insert(id, cycle).is_none(), "an id twice");
                    now += 240;
                }
                Operation::PutTek => {
                    let n = u8::try_from(now % 251).unwrap();
                    store.put_own_key(&own_key(day(now), n)).unwrap();
                    let of_day = model.teks.entry(day(now).get()).or_default();
                    if !of_day.contains(&n) {
                        of_day.push(n);
                    }
                }
                Operation::Expose(n) | Operation::Unexpose(n) => {
                    let put = matches!(operation, Operation::Expose(_));
                    let starts = vec![now, now - DAY, now];
                    let changes = if put {
                        ExposureChanges { put: vec![exposure(n, &starts)], remove: vec![] }
                    } else {
                        ExposureChanges { put: vec![], remove: vec![Tek::from_bytes([n; 16])] }
                    };
                    record(&mut store, &changes);
                    model.exposures.remove(&n);
                    if put {
                        model.exposures.insert(n, starts);
                    }
                }
                Operation::Compact => {
                    store.compact(day(now)).unwrap();
                }
                Operation::Purge => {
                    let report = store.purge_at_confirmed_time(at(now)).unwrap();
                    prop_assert!(!report.remains);
                    model.purge(now);
                    certain_from = certain_from.max(now - 14 * DAY + 1);
                    // At most an hour too much is left, and the cycle it is in.
                    let (left, _) = read_all(&store);
                    let oldest = now - 14 * DAY - HOUR - 4;
                    prop_assert!(left.iter().all(|s| s.time.get() >= oldest));
                }
                Operation::Reopen => {
                    drop(store);
                    store = home.open();
                }
                Operation::Erase => {
                    store.erase().unwrap();
                    model = Model::default();
                    certain_from = 0;
                }
            }
            let (read, report) = read_since(&store, at(certain_from));
            prop_assert_eq!(report.damaged_segments, 0);
            let mut expected = model.sightings_since(certain_from);
            prop_assert_eq!(&read, &expected);
            if certain_from == 0 {
                expected = model.sightings_since(0);
                prop_assert_eq!(read_all(&store).0, expected);
            }
            let coverage = store.coverage(EVER, at(u32::MAX)).unwrap();
            prop_assert_eq!(coverage.damaged_segments, 0);

            let teks: Vec<_> = model
                .teks
                .iter()
                .flat_map(|(tek_day, of_day)| of_day.iter().map(|n| (*tek_day, *n)))
                .map(|(tek_day, n)| own_key(gaen::time::UtcDay::new(tek_day), n))
                .collect();
            prop_assert_eq!(store.own_keys().unwrap(), teks);

            let exposures = store.exposures().unwrap();
            prop_assert_eq!(exposures.damaged_days, 0);
            let mut found: BTreeMap<u8, Vec<u32>> = BTreeMap::new();
            for exposure in exposures.found {
                let starts = exposure.windows.iter().map(|window| window.start.get()).collect();
                found.insert(exposure.key.tek.expose_bytes()[0], starts);
            }
            let mut expected = model.exposures.clone();
            // They come back by days.
            expected.values_mut().for_each(|starts| starts.sort_unstable());
            prop_assert_eq!(found, expected);
        }
    }
}
