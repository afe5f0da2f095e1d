//! Damage costs what it hit, is told, and the rest goes on.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use gaen::sighting::Sighting;
use rusqlite::Connection;
use sesshoku_core::records::{Consent, ExposureChanges};
use sesshokud::store::{Store, StoreError};

use crate::support::{DAY, EVER, Home, T0, at, cycle, day, exposure, read_all, record, skipped};

const PAGE: usize = 4096;

fn append(store: &mut Store, cycles: u32, sightings: u32) {
    for n in 0..cycles {
        store.append_cycle(&cycle(T0 + 240 * n, sightings)).unwrap();
    }
}

fn sql(home: &Home, sql: &str) {
    let conn = Connection::open(home.database()).unwrap();
    conn.execute_batch(sql).unwrap();
}

/// The ids of the cycles that were read.
fn cycles(sightings: &[Sighting]) -> BTreeSet<u64> {
    sightings
        .iter()
        .map(|sighting| sighting.scan.cycle.unwrap())
        .collect()
}

#[test]
fn a_changed_segment_costs_itself() {
    let flip = |at: u32| {
        format!(
            "UPDATE segment SET sealed = CAST(
                 substr(sealed, 1, {at}) || x'00ff' || substr(sealed, {at} + 3) AS BLOB)
             WHERE id = (SELECT id FROM segment ORDER BY id LIMIT 1 OFFSET 3)"
        )
    };
    for damage in [
        flip(0),
        flip(30),
        flip(900),
        flip(995),
        "UPDATE segment SET sealed = x'' WHERE id & 0xff = 3".to_owned(),
        "DELETE FROM segment WHERE id & 0xff = 3".to_owned(),
        "DELETE FROM segment WHERE id & 0xff = 0".to_owned(),
    ] {
        let home = Home::new();
        let mut store = home.open();
        append(&mut store, 10, 4);
        sql(&home, &damage);
        let (sightings, report) = read_all(&store);
        assert_eq!(cycles(&sightings).len(), 9, "{damage}");
        assert_eq!(
            (report.segments, report.damaged_segments),
            (9, 1),
            "{damage}"
        );
        let coverage = store.coverage(EVER, at(T0 + DAY)).unwrap();
        assert_eq!(coverage.damaged_segments, 1);

        // Compaction neither loses more nor hides the loss.
        store.compact(day(T0 + DAY)).unwrap();
        let (compacted, report) = read_all(&store);
        assert_eq!(compacted, sightings, "{damage}");
        assert_eq!(report.damaged_segments, 1, "{damage}");
        store.append_cycle(&cycle(T0 + 3000, 1)).unwrap();
        assert_eq!(read_all(&store).1.sightings, 37);
    }
}

#[test]
fn what_is_stored_does_not_hang_on_the_log() {
    let home = Home::new();
    let mut store = home.open();
    append(&mut store, 3, 4);
    // While somebody reads, the log has to stay; after that it goes with the next write.
    let reader = store.reader().unwrap();
    let mut appended = false;
    reader
        .for_each_sighting(EVER, &mut |_| {
            if !appended {
                store.append_cycle(&cycle(T0 + 900, 4)).unwrap();
                appended = true;
            }
        })
        .unwrap();
    assert!(appended);
    store.append_cycle(&cycle(T0 + 1200, 4)).unwrap();
    let found = exposure(1, &[T0 + 60]);
    let changes = ExposureChanges {
        put: vec![found.clone()],
        remove: vec![],
    };
    record(&mut store, &changes);

    // As it is after a kill, and without the log.
    let copy = Home::new();
    for name in ["store.db", "device.key", "wrapping.key", "check"] {
        fs::copy(home.path().join(name), copy.path().join(name)).unwrap();
    }
    let store = copy.open();
    assert_eq!(cycles(&read_all(&store).0).len(), 5);
    assert_eq!(store.exposures().unwrap().found, [found]);
}

#[test]
fn days_that_are_lost_whole_count_as_damaged_until_they_would_be_gone() {
    let home = Home::new();
    let mut store = home.open();
    append(&mut store, 3, 4);
    drop(store);
    // Both copies of the only day's key, and a page that SQLite refuses to open with.
    sql(
        &home,
        "DELETE FROM encounter_key; DELETE FROM encounter_key_copy; DELETE FROM segment;",
    );
    let mut database = fs::read(home.database()).unwrap();
    let end = database.len();
    database.truncate(end - PAGE);
    fs::write(home.database(), database).unwrap();

    let damaged = |store: &Store| {
        let coverage = store.coverage(EVER, at(T0 + 40 * DAY)).unwrap();
        coverage.damaged_segments
    };
    let mut store = home.open();
    assert_eq!(read_all(&store).0, []);
    assert_eq!(damaged(&store), 1);
    // The first purge knows what time it is.
    for days in [1, 8, 15] {
        store.purge_at_confirmed_time(at(T0 + days * DAY)).unwrap();
        assert_eq!(damaged(&store), 1, "after {days} days");
        drop(store);
        store = home.open();
    }
    store
        .purge_at_confirmed_time(at(T0 + 16 * DAY + 1))
        .unwrap();
    assert_eq!(damaged(&store), 0);
}

#[test]
fn a_store_whose_database_and_wrapping_secret_are_gone_is_no_new_one() {
    let home = Home::new();
    let mut store = home.open();
    append(&mut store, 3, 4);
    drop(store);
    for (database, wrapping) in [
        (None, None),
        (Some(0), None),
        (None, Some(5000)),
        (Some(0), Some(0)),
    ] {
        let copy = Home::new();
        for (name, length) in [
            ("store.db", database),
            ("wrapping.key", wrapping),
            ("device.key", Some(32)),
            ("check", Some(8)),
        ] {
            if let Some(length) = length {
                let mut content = fs::read(home.path().join(name)).unwrap();
                content.truncate(length);
                if name == "wrapping.key" {
                    content.fill(0);
                }
                fs::write(copy.path().join(name), content).unwrap();
            }
        }
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(copy.path().join("device.key"), private).unwrap();
        let error = copy.try_open().unwrap_err();
        assert!(
            matches!(error, StoreError::Damaged(_) | StoreError::OtherDeviceKey),
            "{error}"
        );
        Store::start_over(copy.path()).unwrap();
        copy.open();
    }
}

#[test]
fn segments_cannot_change_places() {
    let home = Home::new();
    let mut store = home.open();
    append(&mut store, 10, 4);
    sql(
        &home,
        "CREATE TEMP TABLE old AS SELECT * FROM segment;
         UPDATE segment SET sealed =
             (SELECT sealed FROM old WHERE old.id = (segment.id & ~0xff) + 7)
         WHERE id & 0xff = 2",
    );
    let (sightings, report) = read_all(&store);
    assert_eq!(cycles(&sightings).len(), 9);
    assert_eq!(report.damaged_segments, 1);
}

#[test]
fn a_day_without_its_segments_is_damaged() {
    let home = Home::new();
    let mut store = home.open();
    append(&mut store, 10, 4);
    sql(&home, "DELETE FROM segment");
    assert_eq!(read_all(&store).1.damaged_segments, 1);
}

#[test]
fn a_damaged_day_key_costs_the_day_so_far() {
    let home = Home::new();
    let mut store = home.open();
    append(&mut store, 10, 4);
    store.append_cycle(&cycle(T0 + DAY, 4)).unwrap();
    sql(&home, "UPDATE encounter_key SET wrapped = zeroblob(72)");
    assert_eq!(read_all(&store).1.damaged_segments, 0, "there is a copy");
    sql(
        &home,
        "UPDATE encounter_key_copy SET wrapped = zeroblob(72)
         WHERE day = (SELECT min(day) FROM encounter_key)",
    );
    let (sightings, report) = read_all(&store);
    assert_eq!((sightings.len(), report.damaged_segments), (4, 1));
    // The day goes on with a new key.
    store.append_cycle(&cycle(T0 + 5000, 4)).unwrap();
    let (sightings, report) = read_all(&store);
    assert_eq!((sightings.len(), report.damaged_segments), (8, 10));
}

#[test]
fn damaged_exposures_are_not_taken_for_none() {
    let home = Home::new();
    let mut store = home.open();
    append(&mut store, 1, 0);
    store.append_cycle(&cycle(T0 + DAY, 0)).unwrap();
    let put = |exposure| ExposureChanges {
        put: vec![exposure],
        remove: vec![],
    };
    record(&mut store, &put(exposure(1, &[T0 + 60])));
    for damage in [
        "UPDATE exposure SET sealed = zeroblob(500) WHERE day = (SELECT min(day) FROM exposure)",
        "UPDATE exposure_key SET wrapped = x'00';
         UPDATE exposure_key_copy SET wrapped = x'00' WHERE day = (SELECT min(day) FROM exposure)",
        "DELETE FROM exposure WHERE day = (SELECT min(day) FROM exposure)",
    ] {
        sql(&home, damage);
        let exposures = store.exposures().unwrap();
        assert_eq!(
            (exposures.found.len(), exposures.damaged_days),
            (0, 1),
            "{damage}"
        );
        // A later finding on the day does not make the damage forgotten.
        let found = exposure(2, &[T0 + 90]);
        record(&mut store, &put(found.clone()));
        let exposures = store.exposures().unwrap();
        assert_eq!(exposures.found, [found], "{damage}");
        assert_eq!(exposures.damaged_days, 1, "{damage}");
    }
}

/// A closed store with all kinds of rows in it, and what reading it gives.
fn varied_home() -> (Home, Vec<Sighting>) {
    let home = Home::new();
    let mut store = home.open();
    append(&mut store, 60, 30);
    store.compact(day(T0 + DAY)).unwrap();
    for n in 0..60 {
        store.append_cycle(&cycle(T0 + DAY + 240 * n, 4)).unwrap();
    }
    store
        .set_consent(Some(&Consent {
            version: "1".to_owned(),
            agreed_at: at(T0),
        }))
        .unwrap();
    record(
        &mut store,
        &ExposureChanges {
            put: vec![exposure(1, &[T0 + 60])],
            remove: vec![],
        },
    );
    let (sightings, _) = read_all(&store);
    (home, sightings)
}

#[test]
fn any_lost_page_is_survived() {
    let (intact, sightings) = varied_home();
    let database = fs::read(intact.database()).unwrap();
    let pages = database.len() / PAGE;
    assert!(pages > 40);
    let (mut lost_something, mut lost_much) = (0, 0);
    for page in 0..pages {
        for fill in [0x00, 0xa7] {
            let home = Home::new();
            for key in ["device.key", "wrapping.key"] {
                fs::copy(intact.path().join(key), home.path().join(key)).unwrap();
            }
            let mut damaged = database.clone();
            damaged[page * PAGE..(page + 1) * PAGE].fill(fill);
            fs::write(home.database(), &damaged).unwrap();
            let mut store = home.open();
            let (read, report) = read_all(&store);
            let lost = sightings.len() - read.len();
            if lost > 0 {
                lost_something += 1;
                assert!(report.damaged_segments > 0, "page {page}: {lost} lost");
                // The pages on which the compacted ones begin.
                lost_much += u32::from(lost > 1000);
            }
            let expected: BTreeSet<_> = sightings.iter().map(|s| *s.rpi.as_bytes()).collect();
            assert!(read.iter().all(|s| expected.contains(s.rpi.as_bytes())));
            let exposures = store.exposures().unwrap();
            let told = !exposures.found.is_empty() || exposures.damaged_days > 0;
            assert!(told, "page {page}");
            store.append_cycle(&cycle(T0 + 2 * DAY, 3)).unwrap();
            store.compact(day(T0 + 2 * DAY)).unwrap();
            assert_eq!(read_all(&store).1.sightings, report.sightings + 3);
            store.purge_at_confirmed_time(at(T0 + 9 * DAY)).unwrap();
            store.erase().unwrap();
            assert_eq!(read_all(&store).1, Default::default());
        }
    }
    assert!(lost_something > 20, "{lost_something}");
    assert!(lost_much <= 4, "{lost_much}");
}

#[test]
fn a_page_that_is_lost_while_open_is_passed_over() {
    let (home, sightings) = varied_home();
    let mut store = home.open();
    let segment: Vec<u8> = Connection::open(home.database())
        .unwrap()
        .query_row(
            "SELECT sealed FROM segment ORDER BY id DESC LIMIT 1 OFFSET 30",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let mut database = fs::read(home.database()).unwrap();
    let position = database
        .windows(64)
        .position(|window| window == &segment[..64])
        .unwrap();
    let page = position / PAGE;
    assert_eq!(database[page * PAGE], 0x0d, "a leaf");
    database[page * PAGE..(page + 1) * PAGE].fill(0xee);
    fs::write(home.database(), &database).unwrap();

    let reader = store.reader().unwrap();
    let mut read = Vec::new();
    let report = reader
        .for_each_sighting(EVER, &mut |sighting| read.push(*sighting))
        .unwrap();
    assert_eq!(sightings.len() - read.len(), 4 * 4, "four segments a page");
    assert_eq!(report.damaged_segments, 1);

    // An erasure gets past it too, and the old reader does the new file no harm.
    store.erase().unwrap();
    assert_eq!(read_all(&store).1, Default::default());
    assert!(store.consent().unwrap().is_some());
    store.append_cycle(&cycle(T0, 3)).unwrap();
    assert!(matches!(
        reader.for_each_sighting(EVER, &mut |_| {}),
        Err(StoreError::Erased)
    ));
    drop(reader);
    assert!(home.path().join("store.db-wal").exists());
    drop(store);
    assert_eq!(read_all(&home.open()).1.sightings, 3);
}

#[test]
fn a_full_disk_is_told_and_costs_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=600k,mode=700", "tmpfs"])
        .arg(dir.path())
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        return skipped("only root can mount a small disk to fill");
    }
    struct Unmount<'a>(&'a std::path::Path);
    impl Drop for Unmount<'_> {
        fn drop(&mut self) {
            let unmounted = Command::new("umount").arg(self.0).status();
            assert!(unmounted.is_ok_and(|status| status.success()));
        }
    }
    let unmount = Unmount(dir.path());
    let open = || {
        let key = sesshokud::store::DeviceKey::load(dir.path(), None).unwrap();
        Store::open(dir.path(), &key).unwrap()
    };
    let mut store = open();
    let mut kept = 0;
    let error = loop {
        match store.append_cycle(&cycle(T0 + 240 * kept, 40)) {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::DiskFull), "{error:?}");
    assert!(kept > 20, "{kept}");
    let expected = u64::from(kept) * 40;
    assert_eq!(read_all(&store).1.sightings, expected);
    assert_eq!(read_all(&store).1.damaged_segments, 0);
    drop(store);
    let mut store = open();
    assert_eq!(read_all(&store).1.sightings, expected);
    // There is no room, and yet it can be let go of.
    fs::write(dir.path().join("filler"), vec![1; 1 << 20]).unwrap_err();
    store.erase().unwrap();
    assert_eq!(read_all(&store).1.sightings, 0);
    drop(store);
    drop(unmount);
}
