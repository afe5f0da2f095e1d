//! How fast the store is. Run it with
//! `cargo test --release -p sesshokud --test store measure -- --ignored --nocapture`.

use std::fs;
use std::time::Instant;

use sesshokud::store::Store;

use crate::support::{DAY, EVER, Home, T0, at, cycle, day};

fn read(store: &Store, what: &str) {
    let begun = Instant::now();
    let mut sum = 0_u64;
    let report = store
        .for_each_sighting(EVER, &mut |sighting| sum += u64::from(sighting.time.get()))
        .unwrap();
    eprintln!("{what}: {report:?} in {:?} ({sum})", begun.elapsed());
}

#[test]
#[ignore = "a measurement, not a test"]
fn a_million_sightings() {
    const CYCLES: u32 = 360;
    const SIGHTINGS: u32 = 199;
    let home = Home::on_disk();
    let mut store = home.open();
    let begun = Instant::now();
    for n in 0..14 * CYCLES {
        let started = T0 + n / CYCLES * DAY + n % CYCLES * 240;
        store.append_cycle(&cycle(started, SIGHTINGS)).unwrap();
    }
    let appended = begun.elapsed();
    eprintln!("append: {:?} a cycle", appended / (14 * CYCLES));
    read(&store, "read before compaction");
    let begun = Instant::now();
    store.compact(day(T0 + 14 * DAY)).unwrap();
    eprintln!("compact: {:?}", begun.elapsed());
    read(&store, "read after compaction");
    read(&store, "and again");
    let begun = Instant::now();
    store.coverage(EVER, at(T0 + 20 * DAY)).unwrap();
    eprintln!("coverage: {:?}", begun.elapsed());
    let begun = Instant::now();
    store
        .purge_at_confirmed_time(at(T0 + 14 * DAY + DAY / 2))
        .unwrap();
    eprintln!("purge with half a day cut: {:?}", begun.elapsed());
    drop(store);
    let begun = Instant::now();
    let mut store = home.open();
    eprintln!("open: {:?}", begun.elapsed());
    eprintln!(
        "file: {} bytes",
        fs::metadata(home.database()).unwrap().len()
    );
    let begun = Instant::now();
    store.erase().unwrap();
    eprintln!("erase: {:?}", begun.elapsed());
}
