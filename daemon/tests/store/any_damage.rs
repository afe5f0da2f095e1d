//! Whatever happens to the files, the device goes on with what could be saved and says
//! that something was lost, or starts anew as it does when the key is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sesshoku_core::records::{
    CheckOutcome, CheckRecord, Consent, ExposureChanges, RegistrationRecord,
};
use sesshokud::lost::is_loss;
use sesshokud::store::Store;

use crate::support::{
    DAY, EVER, HOUR, Home, T0, at, cycle, day, exposure, own_key, read_all, record,
};

const PAGE: usize = 4096;
/// Where the first page says which schema it is of.
const USER_VERSION: std::ops::Range<usize> = 60..64;

type Files = BTreeMap<&'static str, Vec<u8>>;

/// What there was before the damage.
struct Intact {
    files: Files,
    heard: BTreeSet<[u8; 16]>,
    recorded_seconds: u64,
    /// Whether some of it is in the log alone, since somebody was reading when it was
    /// written. SQLite drops without a word what is damaged there.
    in_the_log: bool,
}

fn files(home: &Home) -> Files {
    ["store.db", "store.db-wal", "device.key", "wrapping.key"]
        .into_iter()
        .filter_map(|name| Some((name, fs::read(home.path().join(name)).ok()?)))
        .collect()
}

fn fill(store: &mut Store, compacted: u32, single: u32) {
    store
        .set_consent(Some(&Consent {
            version: "1".to_owned(),
            agreed_at: at(T0),
        }))
        .unwrap();
    for n in 0..compacted {
        store.append_cycle(&cycle(T0 + 240 * n, 4)).unwrap();
    }
    store.compact(day(T0 + DAY)).unwrap();
    for n in 0..single {
        store.append_cycle(&cycle(T0 + DAY + 240 * n, 4)).unwrap();
    }
    for n in 0..2_u8 {
        let key = own_key(day(T0 + DAY * u32::from(n)), n);
        store.put_own_key(&key).unwrap();
    }
    let changes = ExposureChanges {
        put: vec![exposure(1, &[T0 + 60])],
        remove: vec![],
    };
    record(store, &changes);
    store
        .record_check(
            &CheckRecord {
                started: at(T0),
                ended: at(T0),
                outcome: CheckOutcome::Complete,
                counts: None,
                detail: String::new(),
            },
            &[],
        )
        .unwrap();
    store
        .put_registration(&RegistrationRecord::default(), &[], &[])
        .unwrap();
}

fn intact(store: &Store, files: Files) -> Intact {
    let (sightings, report) = read_all(store);
    assert_eq!(report.damaged_segments, 0);
    let coverage = store.coverage(EVER, at(T0 + 9 * DAY)).unwrap();
    Intact {
        in_the_log: files.get("store.db-wal").is_some_and(|log| !log.is_empty()),
        files,
        heard: sightings.iter().map(|s| *s.rpi.as_bytes()).collect(),
        recorded_seconds: coverage.recorded_seconds,
    }
}

/// A store that was closed, one that was killed, and one that was killed while somebody
/// read it, with all that was written meanwhile in the log.
fn states() -> Vec<Intact> {
    let home = Home::new();
    let mut store = home.open();
    fill(&mut store, 12, 8);
    let killed = intact(&store, files(&home));
    assert!(!killed.in_the_log);
    drop(store);
    let closed = files(&home);
    assert!(closed["store.db-wal"].is_empty());
    let mut store = home.open();
    let closed = intact(&store, closed);
    store
        .purge_at_confirmed_time(at(T0 + 14 * DAY + HOUR))
        .unwrap();
    let reader = store.reader().unwrap();
    let mut n = 8;
    reader
        .for_each_sighting(EVER, &mut |_| {
            if n < 12 {
                store.append_cycle(&cycle(T0 + DAY + 240 * n, 4)).unwrap();
                n += 1;
            }
        })
        .unwrap();
    let read = intact(&store, files(&home));
    assert!(read.in_the_log);
    vec![closed, killed, read]
}

fn below(rng: &mut ChaCha8Rng, bound: usize) -> usize {
    usize::try_from(rng.next_u64() % u64::try_from(bound.max(1)).unwrap()).unwrap()
}

fn damage(files: &mut Files, rng: &mut ChaCha8Rng) -> String {
    let name = match below(rng, 10) {
        0 => "device.key",
        1 => "wrapping.key",
        2..=4 if files.get("store.db-wal").is_some_and(|log| !log.is_empty()) => "store.db-wal",
        _ => "store.db",
    };
    let file = files.get_mut(name).unwrap();
    let length = file.len();
    let page = |rng: &mut ChaCha8Rng| {
        let start = below(rng, length.div_ceil(PAGE)) * PAGE;
        start..(start + PAGE).min(length)
    };
    let what = match below(rng, 8) {
        0 => {
            file.truncate(below(rng, length));
            format!("cut to {}", file.len())
        }
        1 => {
            file.truncate(length.saturating_sub(PAGE));
            "without its last page".to_owned()
        }
        2 => {
            let page = page(rng);
            file[page.clone()].fill(0);
            format!("zeros at {page:?}")
        }
        3 => {
            let page = page(rng);
            rng.fill_bytes(&mut file[page.clone()]);
            format!("noise at {page:?}")
        }
        4 => {
            let (one, two) = (page(rng), page(rng));
            let length = one.len().min(two.len());
            for n in 0..length {
                file.swap(one.start + n, two.start + n);
            }
            format!("{one:?} and {two:?} swapped")
        }
        5 => {
            // In the headers of a page, which are short and matter most.
            let start = page(rng).start;
            let position = (start + below(rng, 112)).min(length.saturating_sub(1));
            if let Some(byte) = file.get_mut(position) {
                *byte ^= 1 << below(rng, 8);
            }
            format!("a bit at {position}")
        }
        6 if name == "store.db" && length >= USER_VERSION.end => {
            let number: u32 = rng.next_u32() >> below(rng, 32);
            file[USER_VERSION].copy_from_slice(&number.to_be_bytes());
            format!("of schema {number}")
        }
        _ => {
            let flips = 1 + below(rng, 16);
            for _ in 0..flips {
                let position = below(rng, length);
                if let Some(byte) = file.get_mut(position) {
                    *byte ^= 1 << below(rng, 8);
                }
            }
            format!("{flips} bits")
        }
    };
    format!("{name}: {what}")
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Whole,
    Saved,
    Anew,
}

fn end_of(before: &Intact, files: &Files, rng: &mut ChaCha8Rng) -> End {
    let home = Home::new();
    for (name, contents) in files {
        let path = home.path().join(name);
        fs::write(&path, contents).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let mut store = match home.try_open() {
        Ok(store) => store,
        Err(error) => {
            assert!(is_loss(&error), "{error:?}");
            Store::start_over(home.path()).unwrap();
            let mut store = home.open();
            store.append_cycle(&cycle(T0, 1)).unwrap();
            assert_eq!(read_all(&store).1.sightings, 1);
            return End::Anew;
        }
    };
    let (sightings, report) = read_all(&store);
    assert!(
        sightings
            .iter()
            .all(|s| before.heard.contains(s.rpi.as_bytes()))
    );
    let coverage = store.coverage(EVER, at(T0 + 9 * DAY)).unwrap();
    let whole = sightings.len() == before.heard.len();
    let told = coverage.damaged_segments > 0
        || before.in_the_log && coverage.recorded_seconds < before.recorded_seconds;
    assert!(
        whole || told,
        "{} lost",
        before.heard.len() - sightings.len()
    );
    let exposures = store.exposures().unwrap();
    let ledger = store.ledger().unwrap();
    let told = exposures.damaged_days > 0
        || coverage.damaged_segments > 0
        // The export is compared again.
        || before.in_the_log && ledger.exports().is_empty();
    assert!(!exposures.found.is_empty() || told);

    store.consent().unwrap();
    store.own_keys().unwrap();
    store.own_keys_of(day(T0)).unwrap();
    store.registration().unwrap();
    store.checks().unwrap();
    store.last_success().unwrap();
    store.last_cycle().unwrap();
    let end = if whole && report.damaged_segments == 0 {
        End::Whole
    } else {
        End::Saved
    };
    // The rest takes the most time, and of a sound database is tested elsewhere.
    if !rng.next_u64().is_multiple_of(4) {
        return end;
    }
    store.append_cycle(&cycle(T0 + 2 * DAY, 3)).unwrap();
    store.compact(day(T0 + 2 * DAY)).unwrap();
    store.put_own_key(&own_key(day(T0 + 2 * DAY), 3)).unwrap();
    assert_eq!(read_all(&store).1.sightings, report.sightings + 3);
    store.purge_at_confirmed_time(at(T0 + 15 * DAY)).unwrap();
    if rng.next_u64().is_multiple_of(2) {
        store.withdraw().unwrap();
        assert_eq!(store.consent().unwrap(), None);
    } else {
        store.erase().unwrap();
    }
    assert_eq!(read_all(&store).1, Default::default());
    drop(store);
    assert_eq!(read_all(&home.open()).1, Default::default());
    end
}

fn any_damage_is_survived(seeds: std::ops::Range<u64>) {
    let states = states();
    let mut ends: BTreeMap<End, u32> = BTreeMap::new();
    let mut failed = Vec::new();
    for seed in seeds {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let before = &states[below(&mut rng, states.len())];
        let mut files = before.files.clone();
        let damages: Vec<_> = (0..1 + below(&mut rng, 3))
            .map(|_| damage(&mut files, &mut rng))
            .collect();
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            end_of(before, &files, &mut rng)
        }));
        match ended {
            Ok(end) => *ends.entry(end).or_default() += 1,
            Err(_) => failed.push((seed, damages)),
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    eprintln!("{ends:?}");
    let of = |end| ends.get(&end).copied().unwrap_or(0);
    // Each way to end is met, and what can be saved is.
    assert!(of(End::Saved) > of(End::Anew), "{ends:?}");
    assert!(of(End::Anew) > 0, "{ends:?}");
}

#[test]
fn damage_of_any_kind_ends_in_one_of_two_states() {
    any_damage_is_survived(0..2_500);
}

#[test]
fn more_damage_of_any_kind_ends_in_one_of_two_states() {
    any_damage_is_survived(2_500..5_000);
}

#[test]
#[ignore = "minutes: 100,000 damages more (make test-damage)"]
fn very_much_damage_ends_in_one_of_two_states() {
    any_damage_is_survived(5_000..105_000);
}
