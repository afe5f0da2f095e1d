//! Registering as positive, and the several keys a day may have since.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use sesshoku_core::records::{
    OwnKey, Registration, RegistrationEnd, RegistrationFailure, RegistrationId, RegistrationRecord,
    Standing,
};
use sesshoku_core::tracer::MAX_KEYS;

use crate::support::{DAY, Home, T0, at, day, own_key, read_all};

fn registration(keys: usize) -> Registration {
    let key = |n: u8| {
        let own = own_key(day(T0), n);
        DiagnosisKey {
            tek: own.tek,
            rolling_start: own.start,
            rolling_period: own.period,
            transmission_risk_level: 0,
            report_type: ReportType::ConfirmedTest,
            days_since_onset: Some(0),
        }
    };
    Registration {
        id: RegistrationId::from_bytes([0xc3; 16]),
        has_symptoms: true,
        date: day(T0),
        keys: (0..u8::try_from(keys).unwrap()).map(key).collect(),
        agreement_version: "1".to_owned(),
        begun: at(T0),
    }
}

fn pending(keys: usize) -> RegistrationRecord {
    RegistrationRecord {
        pending: Some(registration(keys)),
        ended: None,
        wrong_tries: vec![at(T0), at(T0 + 60)],
    }
}

fn retired(n: u8) -> OwnKey {
    let mut key = own_key(day(T0), n);
    key.period = RollingPeriod::new(20).unwrap();
    key.standing = Standing::Retired;
    key
}

fn successor(n: u8) -> OwnKey {
    let mut key = own_key(day(T0), n);
    key.start = retired(0).end();
    key.period = RollingPeriod::new(124).unwrap();
    key
}

/// What an earlier version left: agreement, two own keys, a cycle, a check.
fn home_of_schema_1() -> Home {
    let home = Home::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/schema-1");
    for name in ["store.db", "device.key"] {
        let to = home.path().join(name);
        fs::copy(data.join(name), &to).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
    }
    home
}

/// Overwrites the page on which the first row of `segment` lies.
fn damage_segments(home: &Home) {
    const PAGE: usize = 4096;
    let sealed: Vec<u8> = rusqlite::Connection::open(home.database())
        .unwrap()
        .query_row(
            "SELECT sealed FROM segment WHERE length(sealed) > 100",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let mut database = fs::read(home.database()).unwrap();
    let mut windows = database.windows(32);
    let page = windows.position(|it| it == &sealed[..32]).unwrap() / PAGE;
    database[page * PAGE..(page + 1) * PAGE].fill(0xee);
    fs::write(home.database(), &database).unwrap();
}

#[test]
fn a_damaged_database_keeps_the_registration_of_either_schema() {
    let home = home_of_schema_1();
    damage_segments(&home);
    let mut store = home.open();
    assert_eq!(store.own_keys().unwrap().len(), 2);
    assert_eq!(store.registration().unwrap(), RegistrationRecord::default());
    store.append_cycle(&crate::support::cycle(T0, 3)).unwrap();
    store
        .put_registration(&pending(2), &[retired(1), successor(2)], &[])
        .unwrap();
    drop(store);
    damage_segments(&home);
    let store = home.open();
    assert_eq!(read_all(&store).0.len(), 0, "it was damaged");
    assert_eq!(store.registration().unwrap(), pending(2));
    assert_eq!(store.own_keys_of(day(T0)).unwrap()[0], retired(1));
}

#[test]
fn a_database_of_schema_1_is_taken_over() {
    let home = home_of_schema_1();
    let mut store = home.open();
    let keys = [own_key(day(T0), 1), own_key(day(T0 + DAY), 2)].map(|mut key| {
        let n = key.tek.expose_bytes()[0];
        key.used = sesshoku_core::records::UsedIntervals::from_bytes([n; 18]);
        key
    });
    assert_eq!(store.own_keys().unwrap(), keys);
    assert_eq!(store.own_keys_of(day(T0)).unwrap(), keys[..1]);
    assert_eq!(store.consent().unwrap().unwrap().version, "1");
    assert_eq!(read_all(&store).0.len(), 1);
    assert_eq!(store.last_success().unwrap(), Some(at(T0 + 1)));
    let checks = store.check_memory().unwrap();
    assert_eq!(checks.looked_at, [(day(T0), 0)]);
    assert_eq!(checks.failures.len(), 0);
    // That version had no mark of checks: nothing was lost.
    assert_eq!(store.check_mark().told(), []);
    assert_eq!(store.registration().unwrap(), RegistrationRecord::default());

    // What is put beside an old one is there after the next start, too.
    let ended = retired(1);
    store
        .put_registration(&pending(2), &[ended.clone(), successor(9)], &[])
        .unwrap();
    drop(store);
    let store = home.open();
    assert_eq!(
        store.own_keys().unwrap(),
        [ended, successor(9), keys[1].clone()]
    );
    assert_eq!(store.registration().unwrap(), pending(2));
    drop(store);
    let conn = rusqlite::Connection::open(home.database()).unwrap();
    let version: u32 = conn
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert!(version > 2);
}

#[test]
fn a_registration_its_keys_and_what_was_sent_are_kept_together() {
    let home = Home::new();
    let mut store = home.open();
    store.put_own_key(&own_key(day(T0), 1)).unwrap();
    store
        .put_registration(&pending(1), &[retired(1), successor(2)], &[])
        .unwrap();
    drop(store);
    let mut store = home.open();
    assert_eq!(store.registration().unwrap(), pending(1));
    assert_eq!(store.own_keys().unwrap(), [retired(1), successor(2)]);

    let ended = RegistrationRecord {
        pending: None,
        ended: Some(RegistrationEnd {
            failure: Some(RegistrationFailure::NumberRefused),
            at: at(T0 + 9),
            has_symptoms: false,
            date: day(T0),
            days: vec![day(T0)],
        }),
        wrong_tries: vec![],
    };
    store
        .put_registration(&ended, &[], &[retired(1).tek])
        .unwrap();
    drop(store);
    let mut store = home.open();
    assert_eq!(store.registration().unwrap(), ended);
    let mut sent = retired(1);
    sent.standing = Standing::Sent;
    assert_eq!(store.own_keys().unwrap(), [sent, successor(2)]);

    store.put_registration(&pending(1), &[], &[]).unwrap();
    store.withdraw().unwrap();
    assert_eq!(store.registration().unwrap(), RegistrationRecord::default());
    assert_eq!(store.own_keys().unwrap(), []);
    drop(store);
    assert_eq!(
        home.open().registration().unwrap(),
        RegistrationRecord::default()
    );
}

#[test]
fn the_files_do_not_tell_who_registered() {
    let lengths = |home: &Home| -> Vec<(String, i64, i64)> {
        let conn = rusqlite::Connection::open(home.database()).unwrap();
        ["tek", "registration"]
            .map(|table| {
                let sql = format!("SELECT count(*), total(length(sealed)) FROM {table}");
                let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, f64>(1)?));
                let (count, total) = conn.query_row(&sql, [], read).unwrap();
                (table.to_owned(), count, total.to_string().parse().unwrap())
            })
            .into()
    };
    let home = Home::new();
    let mut store = home.open();
    store.put_own_key(&own_key(day(T0), 1)).unwrap();
    drop(store);
    let before = lengths(&home);

    let mut store = home.open();
    let changed = [retired(1), successor(2), successor(3)];
    store
        .put_registration(&pending(MAX_KEYS), &changed, &[])
        .unwrap();
    let id = hex::encode([0xc3; 16]);
    for secret in [&id[..], &hex::encode([1; 16]), "pending"] {
        for name in ["store.db", "store.db-wal"] {
            let contents = fs::read(home.path().join(name)).unwrap();
            let found = contents
                .windows(secret.len())
                .any(|it| it == secret.as_bytes());
            assert!(!found, "{secret} in {name}");
        }
    }
    drop(store);
    assert_eq!(lengths(&home), before);

    let mut store = home.open();
    store.erase().unwrap();
    drop(store);
    drop(home.open());
    assert_eq!(lengths(&home)[1], before[1]);
}
