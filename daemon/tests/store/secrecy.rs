//! Nothing that is stored can be read from the files, and what was destroyed is
//! not in them any more.

use std::fs;
use std::path::Path;

use sesshoku_core::records::{CheckOutcome, CheckRecord, Consent, ExposureChanges};
use sesshokud::store::Store;

use crate::support::{
    DAY, HOUR, Home, T0, at, cycle, day, exposure, own_key, record, sighting, window,
};

/// In which files under `dir` the bytes are found.
pub(crate) fn files_with(dir: &Path, bytes: &[u8]) -> Vec<String> {
    assert!(bytes.len() >= 8);
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let contents = fs::read(path).unwrap();
            contents.windows(bytes.len()).any(|window| window == bytes)
        })
        .map(|path| path.file_name().unwrap().display().to_string())
        .collect()
}

/// A value of the database, read past the store.
fn blob(home: &Home, query: &str) -> Vec<u8> {
    let conn = rusqlite::Connection::open(home.database()).unwrap();
    conn.set_db_config(
        rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
        true,
    )
    .unwrap();
    conn.query_row(query, [], |row| row.get(0)).unwrap()
}

fn fill(store: &mut Store) {
    store
        .set_consent(Some(&Consent {
            version: "version-2020-06-19".to_owned(),
            agreed_at: at(T0),
        }))
        .unwrap();
    store.put_own_key(&own_key(day(T0), 0x7e)).unwrap();
    for n in 0..40 {
        store.append_cycle(&cycle(T0 + 240 * n, 5)).unwrap();
    }
    store.append_cycle(&cycle(T0 + DAY, 5)).unwrap();
    record(
        store,
        &ExposureChanges {
            put: vec![exposure(0xd1, &[T0 + 60])],
            remove: vec![],
        },
    );
    store
        .record_check(
            &CheckRecord {
                started: at(T0),
                ended: at(T0),
                outcome: CheckOutcome::Complete,
                counts: None,
                detail: "detail-of-check".to_owned(),
            },
            &[(day(T0), 39)],
        )
        .unwrap();
    store.put_meta("etag", Some(b"etag-of-the-list")).unwrap();
    store.compact(day(T0 + DAY)).unwrap();
}

#[test]
fn no_file_holds_anything_in_the_clear() {
    let home = Home::new();
    let mut store = home.open();
    fill(&mut store);
    let mut secrets: Vec<Vec<u8>> = vec![
        vec![0x7e; 16],
        hex::encode([0x7e; 16]).into_bytes(),
        vec![0xd1; 16],
        hex::encode([0xd1; 16]).into_bytes(),
        b"version-2020-06-19".to_vec(),
        b"exports.example".to_vec(),
        b"detail-of-check".to_vec(),
        b"etag-of-the-list".to_vec(),
        b"keys_until".to_vec(),
        b"90,90,90".to_vec(),
        b"exposures".to_vec(),
        b"complete".to_vec(),
        vec![0x5a; 32],
    ];
    for n in 0..41 {
        for k in 0..5 {
            let heard = sighting(if n < 40 { T0 + 240 * n } else { T0 + DAY } + k % 4, k);
            secrets.push(heard.rpi.as_bytes().to_vec());
        }
    }
    assert!(home.path().join("store.db-wal").exists());
    for when in ["open", "closed"] {
        for secret in &secrets {
            assert_eq!(
                files_with(home.path(), secret),
                [""; 0],
                "{when}: {secret:02x?}"
            );
        }
        if when == "open" {
            // The search finds what is there.
            let wrapped = blob(&home, "SELECT wrapped FROM encounter_key");
            assert!(!files_with(home.path(), &wrapped).is_empty());
            drop(store);
            store = home.open();
        }
    }
}

#[test]
fn rows_do_not_tell_whether_there_was_a_contact() {
    let lengths = |home: &Home| {
        let conn = rusqlite::Connection::open(home.database()).unwrap();
        let mut select = conn
            .prepare("SELECT day, length(sealed) FROM exposure ORDER BY day")
            .unwrap();
        let lengths: Vec<(u32, u32)> = select
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        lengths
    };
    let (alone, met) = (Home::new(), Home::new());
    for home in [&alone, &met] {
        let mut store = home.open();
        for n in 0..3 {
            store.append_cycle(&cycle(T0 + DAY * n, 0)).unwrap();
        }
        if home.path() == met.path() {
            let mut found = exposure(1, &[T0 + 60, T0 + DAY + 60]);
            found.windows.push(window(T0 + 4000));
            let changes = ExposureChanges {
                put: vec![found],
                remove: vec![],
            };
            record(&mut store, &changes);
        }
    }
    assert_eq!(lengths(&alone), lengths(&met));
    assert_eq!(lengths(&alone).len(), 3);
}

#[test]
fn a_purged_day_s_keys_are_in_no_file() {
    let home = Home::new();
    let mut store = home.open();
    fill(&mut store);
    let of_first_day = |column: &str, table: &str| {
        blob(
            &home,
            &format!("SELECT {column} FROM {table} ORDER BY 1 LIMIT 1"),
        )
    };
    let encounters = blob(
        &home,
        "SELECT wrapped FROM encounter_key ORDER BY day LIMIT 1",
    );
    let exposures = blob(
        &home,
        "SELECT wrapped FROM exposure_key ORDER BY day LIMIT 1",
    );
    let tek = of_first_day("sealed", "tek");

    // Half of the first day: a new key, and the old one is gone.
    store
        .purge_at_confirmed_time(at(T0 + 14 * DAY + 2 * HOUR))
        .unwrap();
    assert_eq!(files_with(home.path(), &encounters), [""; 0]);
    assert_eq!(files_with(home.path(), &tek), [""; 0]);
    // What stays is sealed anew.
    assert_eq!(files_with(home.path(), &exposures), [""; 0]);
    let exposures = blob(
        &home,
        "SELECT wrapped FROM exposure_key ORDER BY day LIMIT 1",
    );
    assert!(!files_with(home.path(), &exposures).is_empty());
    let encounters = blob(
        &home,
        "SELECT wrapped FROM encounter_key ORDER BY day LIMIT 1",
    );
    let segment = blob(&home, "SELECT sealed FROM segment ORDER BY id LIMIT 1");

    assert!(
        !store
            .purge_at_confirmed_time(at(T0 + 15 * DAY))
            .unwrap()
            .remains
    );
    for gone in [&encounters, &exposures, &segment[..64].to_vec()] {
        assert_eq!(files_with(home.path(), gone), [""; 0]);
    }
}

#[test]
fn after_an_erasure_no_key_is_in_any_file() {
    let home = Home::new();
    let mut store = home.open();
    fill(&mut store);
    let mut gone: Vec<Vec<u8>> = [
        "SELECT secret FROM secret",
        "SELECT key_check FROM secret",
        "SELECT wrapped FROM encounter_key ORDER BY day LIMIT 1",
        "SELECT wrapped FROM encounter_key ORDER BY day DESC LIMIT 1",
        "SELECT wrapped FROM exposure_key ORDER BY day LIMIT 1",
        "SELECT sealed FROM tek",
        "SELECT sealed FROM consent",
        "SELECT sealed FROM meta WHERE name = 'etag'",
        "SELECT substr(sealed, 1, 64) FROM segment ORDER BY id LIMIT 1",
        "SELECT substr(sealed, 1, 64) FROM exposure ORDER BY day LIMIT 1",
    ]
    .iter()
    .map(|query| blob(&home, query))
    .collect();
    gone.push(fs::read(home.path().join("device.key")).unwrap());
    store.erase().unwrap();
    for when in ["open", "closed"] {
        for bytes in &gone {
            assert_eq!(files_with(home.path(), bytes), [""; 0], "{when}");
        }
        drop(store);
        store = home.open();
    }
    assert!(!home.path().join("device.key.new").exists());
    assert!(store.consent().unwrap().is_some());
}
