//! What is put in comes out again.

use std::error::Error as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::{fs, thread};

use gaen::diagnosis::RollingPeriod;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use sesshoku_core::records::{
    CheckOutcome, CheckRecord, Consent, ExposureChanges, ScanCycle, Standing,
};
use sesshokud::store::{DeviceKey, Store, StoreError};

use crate::support::{
    DAY, EVER, Home, T0, at, cycle, day, exposure, ledger, own_key, read_all, read_since, record,
    sighting, sightings_of,
};

#[test]
fn cycles_come_back_after_reopening() {
    let home = Home::new();
    let cycles = [cycle(T0, 3), cycle(T0 + 240, 0), cycle(T0 + 480, 200)];
    let mut store = home.open();
    let ids: Vec<u64> = cycles
        .iter()
        .map(|cycle| store.append_cycle(cycle).unwrap())
        .collect();
    assert!(ids.is_sorted_by(|a, b| a < b));
    drop(store);

    let store = home.open();
    let expected: Vec<_> = ids
        .iter()
        .zip(&cycles)
        .flat_map(|(id, cycle)| sightings_of(*id, cycle))
        .collect();
    let (sightings, report) = read_all(&store);
    assert_eq!(sightings, expected);
    assert_eq!((report.segments, report.damaged_segments), (3, 0));
    let last = store.last_cycle().unwrap().unwrap();
    assert_eq!(last.started, cycles[2].started);
    assert_eq!(last.previous, cycles[2].previous);
}

#[test]
fn reading_starts_at_the_second_asked_for() {
    let home = Home::new();
    let mut store = home.open();
    // Begins before midnight, so it belongs to the day before its last sighting.
    let midnight = T0 + DAY;
    let over_midnight = ScanCycle {
        sightings: (0..4).map(|n| sighting(midnight - 2 + n, n)).collect(),
        ..cycle(midnight - 2, 0)
    };
    store.append_cycle(&over_midnight).unwrap();
    for (since, expected) in [
        (midnight - 2, 4),
        (midnight - 1, 3),
        (midnight, 2),
        (midnight + 1, 1),
        (midnight + 2, 0),
    ] {
        assert_eq!(read_since(&store, at(since)).1.sightings, expected);
    }
}

#[test]
fn compaction_keeps_everything_and_happens_once() {
    let home = Home::new();
    let mut store = home.open();
    for n in 0..350 {
        let cycle = ScanCycle {
            cut_short: n % 3 == 0,
            after_gap: n % 7 == 0,
            previous: (n % 5 != 0).then(|| at(T0 + 240 * n - 100)),
            ..cycle(T0 + 240 * n, n % 20)
        };
        store.append_cycle(&cycle).unwrap();
    }
    store.append_cycle(&cycle(T0 + 3 * DAY, 5)).unwrap();
    let (before, report) = read_all(&store);
    assert_eq!(report.segments, 351);
    let coverage = store.coverage(EVER, at(T0 + 9 * DAY)).unwrap();

    assert_eq!(
        store.compact(day(T0)).unwrap().joined,
        0,
        "today is left alone"
    );
    let compacted = store.compact(day(T0 + 3 * DAY)).unwrap();
    assert_eq!(compacted.joined, 350);
    assert_eq!(compacted.written, 4, "3325 sightings, a thousand a segment");

    let (after, report) = read_all(&store);
    assert_eq!(after, before);
    assert_eq!((report.segments, report.damaged_segments), (5, 0));
    assert_eq!(store.coverage(EVER, at(T0 + 9 * DAY)).unwrap(), coverage);
    assert_eq!(
        store.compact(day(T0 + 3 * DAY)).unwrap(),
        Default::default()
    );
}

#[test]
fn a_cycle_can_follow_in_a_compacted_day() {
    let home = Home::new();
    let mut store = home.open();
    let mut expected = Vec::new();
    for n in 0..10 {
        let cycle = cycle(T0 + 240 * n, 2);
        let id = store.append_cycle(&cycle).unwrap();
        expected.extend(sightings_of(id, &cycle));
        store.compact(day(T0 + DAY)).unwrap();
    }
    let (sightings, report) = read_all(&store);
    assert_eq!(sightings, expected);
    assert_eq!(report.damaged_segments, 0);
}

#[test]
fn coverage_counts_what_was_listened_to() {
    let home = Home::new();
    let mut store = home.open();
    // The first of a run stands for its own 4 s, the next nine for 240 s more each.
    for n in 0..10 {
        let cycle = ScanCycle {
            previous: (n > 0).then(|| at(T0 + 240 * (n - 1))),
            ..cycle(T0 + 240 * n, 0)
        };
        store.append_cycle(&cycle).unwrap();
    }
    let seconds = |since, until| {
        let coverage = store.coverage(at(since), at(until)).unwrap();
        assert_eq!(coverage.damaged_segments, 0);
        coverage.recorded_seconds
    };
    assert_eq!(seconds(T0 - DAY, T0 + DAY), 9 * 240 + 4);
    assert_eq!(seconds(T0 + 100, T0 + 200), 100);
    assert_eq!(seconds(T0 + DAY, T0 + 2 * DAY), 0);
}

#[test]
fn a_reader_sees_what_is_appended_meanwhile() {
    let home = Home::new();
    let mut store = home.open();
    store.append_cycle(&cycle(T0, 4)).unwrap();
    let reader = store.reader().unwrap();
    let (to_thread, in_thread) = std::sync::mpsc::channel();
    let (to_test, in_test) = std::sync::mpsc::channel();
    let thread = thread::spawn(move || {
        for () in in_thread {
            let report = reader.for_each_sighting(EVER, &mut |_| {}).unwrap();
            to_test.send(report.sightings).unwrap();
        }
    });
    for expected in [4, 8, 12] {
        to_thread.send(()).unwrap();
        assert_eq!(in_test.recv().unwrap(), expected);
        store.append_cycle(&cycle(T0 + 240, 4)).unwrap();
    }
    drop(to_thread);
    thread.join().unwrap();
}

#[test]
fn a_reading_ends_when_everything_is_erased() {
    let home = Home::new();
    let mut store = home.open();
    for n in 0..50 {
        store.append_cycle(&cycle(T0 + 240 * n, 4)).unwrap();
    }
    let reader = store.reader().unwrap();
    let (reading, started) = std::sync::mpsc::channel();
    let (go_on, erasing) = std::sync::mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        let mut visited = 0;
        let outcome = reader.for_each_sighting(EVER, &mut |_| {
            if visited == 0 {
                reading.send(()).unwrap();
                erasing.recv().unwrap();
            }
            visited += 1;
        });
        assert!(matches!(outcome, Err(StoreError::Erased)), "{outcome:?}");
        assert!(visited < 200);
        assert!(matches!(
            reader.coverage(EVER, at(T0 + DAY)),
            Err(StoreError::Erased)
        ));
    });
    started.recv().unwrap();
    // The reader goes on as soon as the old key is gone, while the erasure waits
    // for it to let go of the log.
    let key_path = home.path().join("device.key");
    let old_key = fs::read(&key_path).unwrap();
    let watcher = thread::spawn(move || {
        while fs::read(&key_path).unwrap() == old_key {
            thread::yield_now();
        }
        go_on.send(()).unwrap();
    });
    store.erase().unwrap();
    watcher.join().unwrap();
    thread.join().unwrap();
    assert_eq!(read_all(&store).1, Default::default());
    let reader = store.reader().unwrap();
    assert_eq!(
        reader.for_each_sighting(EVER, &mut |_| {}).unwrap(),
        Default::default()
    );
}

#[test]
fn the_small_things_come_back_after_reopening() {
    let home = Home::new();
    let mut store = home.open();
    let consent = Consent {
        version: "2020-06-19".to_owned(),
        agreed_at: at(T0),
    };
    assert_eq!(store.consent().unwrap(), None);
    assert_eq!(store.own_keys_of(day(T0)).unwrap(), []);
    assert_eq!(store.last_check().unwrap(), None);
    assert_eq!(store.last_success().unwrap(), None);
    assert_eq!(store.last_cycle().unwrap(), None);
    store.set_consent(Some(&consent)).unwrap();
    store.put_own_key(&own_key(day(T0 + DAY), 2)).unwrap();
    store.put_own_key(&own_key(day(T0), 9)).unwrap();
    store.put_own_key(&own_key(day(T0), 1)).unwrap();
    // In the place of what was known of the same key.
    let mut ended = own_key(day(T0), 9);
    ended.period = RollingPeriod::new(50).unwrap();
    ended.standing = Standing::Retired;
    store.put_own_key(&ended).unwrap();
    store.put_meta("etag", Some(b"\"abc\"")).unwrap();
    store.put_meta("other", Some(b"x")).unwrap();
    store.put_meta("other", None).unwrap();
    let check = |ended, outcome| CheckRecord {
        started: at(ended - 10),
        ended: at(ended),
        outcome,
        counts: None,
        detail: "2 of 2 exports".to_owned(),
    };
    store
        .record_check(&check(T0, CheckOutcome::Complete), &[])
        .unwrap();
    store
        .record_check(&check(T0 + 60, CheckOutcome::Unreachable), &[])
        .unwrap();
    drop(store);

    let mut store = home.open();
    assert_eq!(store.consent().unwrap(), Some(consent));
    assert_eq!(
        store.own_keys().unwrap(),
        [
            ended.clone(),
            own_key(day(T0), 1),
            own_key(day(T0 + DAY), 2)
        ]
    );
    assert_eq!(
        store.own_keys_of(day(T0)).unwrap(),
        [ended, own_key(day(T0), 1)]
    );
    assert_eq!(
        store.get_meta("etag").unwrap().unwrap().as_slice(),
        b"\"abc\""
    );
    assert_eq!(store.get_meta("other").unwrap(), None);
    assert_eq!(
        store.last_check().unwrap(),
        Some(check(T0 + 60, CheckOutcome::Unreachable))
    );
    assert_eq!(store.last_success().unwrap(), Some(at(T0)));
    store.set_consent(None).unwrap();
    assert_eq!(store.consent().unwrap(), None);
}

#[test]
fn the_last_success_outlives_any_number_of_failures() {
    let home = Home::new();
    let mut store = home.open();
    let check = |n: u32, outcome| CheckRecord {
        started: at(T0 + n),
        ended: at(T0 + n),
        outcome,
        counts: None,
        detail: String::new(),
    };
    store
        .record_check(&check(0, CheckOutcome::Complete), &[])
        .unwrap();
    for n in 1..400 {
        store
            .record_check(&check(n, CheckOutcome::BadAnswer), &[])
            .unwrap();
    }
    assert_eq!(store.last_success().unwrap(), Some(at(T0)));
    assert_eq!(
        store.last_check().unwrap(),
        Some(check(399, CheckOutcome::BadAnswer))
    );
}

#[test]
fn exposures_are_added_replaced_and_taken_away_with_the_export() {
    let home = Home::new();
    let mut store = home.open();
    // Windows of one key on two days, two of them alike.
    let first = exposure(1, &[T0 + DAY - 600, T0 + DAY - 600, T0 + DAY + 1200]);
    let second = exposure(2, &[T0 + 300]);
    record(
        &mut store,
        &ExposureChanges {
            put: vec![first.clone(), second.clone()],
            remove: vec![],
        },
    );
    drop(store);
    let mut store = home.open();
    let sorted = |store: &Store| {
        let mut exposures = store.exposures().unwrap();
        assert_eq!(exposures.damaged_days, 0);
        exposures
            .found
            .sort_by_key(|exposure| *exposure.key.tek.expose_bytes());
        exposures.found
    };
    assert_eq!(sorted(&store), [first.clone(), second.clone()]);

    let replaced = exposure(2, &[T0 + 900, T0 + 7200]);
    record(
        &mut store,
        &ExposureChanges {
            put: vec![replaced.clone()],
            remove: vec![first.key.tek.clone()],
        },
    );
    assert_eq!(sorted(&store), std::slice::from_ref(&replaced));

    assert_eq!(store.ledger().unwrap(), ledger(T0 + DAY));
}

#[test]
fn files_are_private_and_one_daemon_has_them() {
    let home = Home::new();
    let mut store = home.open();
    store.append_cycle(&cycle(T0, 1)).unwrap();
    for entry in fs::read_dir(home.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
    assert!(matches!(home.try_open(), Err(StoreError::InUse { .. })));
    assert!(matches!(
        Store::start_over(home.path()),
        Err(StoreError::InUse { .. })
    ));
    drop(store);
    home.open();
}

#[test]
fn what_is_no_file_is_named_and_moved_away_harms_nothing() {
    let home = Home::new();
    let mut store = home.open();
    store.append_cycle(&cycle(T0, 5)).unwrap();
    drop(store);
    let aside = home.path().join("aside");
    for name in [
        "store.db",
        "store.db-wal",
        "store.db-journal",
        "device.key",
        "wrapping.key",
        "check",
        "lock",
    ] {
        let path = home.path().join(name);
        let put: [(&dyn Fn(), &str); 3] = [
            (&|| fs::create_dir(&path).unwrap(), "not an ordinary file"),
            (
                &|| mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap(),
                "not an ordinary file",
            ),
            (
                &|| symlink(home.path().join("nowhere"), &path).unwrap(),
                "a link to nothing",
            ),
        ];
        for (put, what) in put {
            let was_there = fs::rename(&path, &aside).is_ok();
            put();
            let error = home.try_open().unwrap_err();
            let told = format!("{error}: {}", error.source().unwrap());
            assert!(
                told.ends_with(&format!("{name} in it is {what}; move it away")),
                "{told}"
            );
            if path.is_dir() {
                fs::remove_dir(&path).unwrap();
            } else {
                fs::remove_file(&path).unwrap();
            }
            if was_there {
                fs::rename(&aside, &path).unwrap();
            }
            assert_eq!(read_all(&home.open()).1.sightings, 5, "{name}");
        }
    }
}

#[test]
fn another_device_key_is_refused_and_changes_nothing() {
    let home = Home::new();
    let mut store = home.open();
    store.append_cycle(&cycle(T0, 5)).unwrap();
    drop(store);
    let before = fs::read(home.database()).unwrap();
    let outcome = Store::open(home.path(), &DeviceKey::from_bytes([3; 32]));
    assert!(matches!(outcome, Err(StoreError::OtherDeviceKey)));
    assert_eq!(fs::read(home.database()).unwrap(), before);
    assert_eq!(read_all(&home.open()).1.sightings, 5);

    fs::remove_file(home.path().join("device.key")).unwrap();
    assert!(matches!(home.try_open(), Err(StoreError::DeviceKey(_))));
    assert_eq!(fs::read(home.database()).unwrap(), before);

    Store::start_over(home.path()).unwrap();
    let mut store = home.open();
    assert_eq!(read_all(&store).1.sightings, 0);
    store.append_cycle(&cycle(T0, 5)).unwrap();
}

/// Makes the database one of a schema that nobody knows yet.
fn make_newer(conn: &rusqlite::Connection) {
    conn.execute_batch("UPDATE schema_number SET number = 1000; PRAGMA user_version = 1000;")
        .unwrap();
}

#[test]
fn newer_and_foreign_databases_are_left_untouched() {
    for is_foreign in [false, true] {
        let home = Home::new();
        let mut store = home.open();
        store.append_cycle(&cycle(T0, 5)).unwrap();
        drop(store);
        if is_foreign {
            fs::remove_file(home.database()).unwrap();
        }
        let conn = rusqlite::Connection::open(home.database()).unwrap();
        if is_foreign {
            conn.execute_batch("CREATE TABLE theirs (id); PRAGMA application_id = 0x1234")
                .unwrap();
        } else {
            make_newer(&conn);
        }
        conn.close().unwrap();
        let contents = || {
            let mut files: Vec<_> = fs::read_dir(home.path())
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .map(|path| (path.clone(), fs::read(path).unwrap()))
                .collect();
            files.sort();
            files
        };
        let before = contents();
        let outcome = home.try_open();
        assert!(
            matches!(
                outcome,
                Err(StoreError::NewerSchema { found: 1000, .. } | StoreError::Foreign)
            ),
            "{outcome:?}"
        );
        assert!(contents() == before, "foreign: {is_foreign}");
    }
}

#[test]
fn a_newer_schema_that_is_only_in_the_log_is_left_there() {
    let home = Home::new();
    drop(home.open());
    let conn = rusqlite::Connection::open(home.database()).unwrap();
    conn.set_db_config(
        rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
        true,
    )
    .unwrap();
    make_newer(&conn);
    conn.close().unwrap();
    let before = fs::read(home.database()).unwrap();
    let log = fs::read(home.path().join("store.db-wal")).unwrap();
    assert!(!log.is_empty());
    let outcome = home.try_open();
    assert!(
        matches!(outcome, Err(StoreError::NewerSchema { found: 1000, .. })),
        "{outcome:?}"
    );
    assert!(fs::read(home.database()).unwrap() == before);
    assert!(fs::read(home.path().join("store.db-wal")).unwrap() == log);
}

/// Where the first page says which schema it is of.
const USER_VERSION: usize = 60;

#[test]
fn a_newer_database_is_left_to_its_version_whatever_else_is_damaged() {
    let home = Home::new();
    drop(home.open());
    let conn = rusqlite::Connection::open(home.database()).unwrap();
    make_newer(&conn);
    conn.close().unwrap();
    let mut damaged = fs::read(home.database()).unwrap();
    damaged[USER_VERSION + 4..4096].fill(0xee);
    damaged[68..72].copy_from_slice(b"Ssho");
    fs::write(home.database(), &damaged).unwrap();
    let outcome = home.try_open();
    assert!(
        matches!(outcome, Err(StoreError::NewerSchema { found: 1000, .. })),
        "{outcome:?}"
    );
    assert!(fs::read(home.database()).unwrap() == damaged);
}

#[test]
fn a_damaged_number_of_the_schema_is_damage() {
    for bit in 0..32 {
        let home = Home::new();
        let mut store = home.open();
        store.append_cycle(&cycle(T0, 5)).unwrap();
        drop(store);
        let mut database = fs::read(home.database()).unwrap();
        database[USER_VERSION + bit / 8] ^= 1 << (bit % 8);
        fs::write(home.database(), &database).unwrap();
        let store = home.open();
        let (sightings, report) = read_all(&store);
        assert_eq!(sightings.len(), 5, "bit {bit}");
        assert_eq!(report.damaged_segments, 1, "bit {bit}: it is told");
        drop(store);
        assert_eq!(read_all(&home.open()).0.len(), 5, "bit {bit}");
    }
}

#[test]
fn an_older_database_with_a_damaged_number_is_no_newer_one() {
    for version in [5_u8, 6, 12, 0x84] {
        let home = Home::new();
        let mut store = home.open();
        store.append_cycle(&cycle(T0, 5)).unwrap();
        drop(store);
        // As schema 4 had it.
        let conn = rusqlite::Connection::open(home.database()).unwrap();
        conn.execute_batch("DROP TABLE schema_number; PRAGMA user_version = 4;")
            .unwrap();
        conn.close().unwrap();
        let mut database = fs::read(home.database()).unwrap();
        database[USER_VERSION + 3] = version;
        fs::write(home.database(), &database).unwrap();
        assert_eq!(read_all(&home.open()).0.len(), 5, "{version}");
    }
}

#[test]
fn something_else_in_the_database_s_place_is_refused() {
    for contents in [b"not a database".to_vec(), vec![0; 5000]] {
        let home = Home::new();
        DeviceKey::load(home.path(), None).unwrap();
        fs::write(home.database(), &contents).unwrap();
        assert!(matches!(home.try_open(), Err(StoreError::Damaged(_))));
        assert!(fs::read(home.database()).unwrap() == contents);
    }
}
