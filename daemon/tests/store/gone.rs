//! What was purged or erased is out of reach of whoever has the whole disk, everything
//! that was ever in the database, and the present device key: the image decides.
//!
//! The store is on a disk of its own, a file mounted as a loop device. The attacker here
//! is as strong as can be: of the database and its log they have every state there ever
//! was, recovered without a gap. All that they look for on the disk is a secret that
//! opens one of those states.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use gaen::time::UtcDay;
use rusqlite::Connection;
use sesshoku_core::records::{
    CheckOutcome, CheckRecord, Consent, ExposureChanges, Registration, RegistrationId,
    RegistrationRecord,
};
use sesshoku_core::status::OverwriteDoubt;
use sesshokud::store::{DeviceKey, Store};
use tempfile::TempDir;

use crate::crash::{Killed, say};
use crate::disk::{BTRFS, Disk, EXT4, F2FS, JOURNALING_EXT4, Kind};
use crate::support::{DAY, HOUR, T0, at, cycle, day, exposure, own_key, read_all, record, skipped};

const PAGE: usize = 4096;
/// The least that a disk writes at once.
const SECTOR: usize = 512;
const SECRET: usize = 32;
/// A device key that no erasure replaces, as with a credential.
const DEVICE_KEY: [u8; 32] = [0x5e; 32];

fn open_in(state: &Path) -> Store {
    Store::open(state, &DeviceKey::from_bytes(DEVICE_KEY)).unwrap()
}

/// The files of the database and the wrapping secret as they are at one moment.
#[derive(Clone)]
struct Past {
    files: Vec<(&'static str, Vec<u8>)>,
    secrets: Vec<[u8; SECRET]>,
}

impl Past {
    fn take(state: &Path) -> Self {
        let files: Vec<_> = ["store.db", "store.db-wal"]
            .into_iter()
            .filter_map(|name| Some((name, fs::read(state.join(name)).ok()?)))
            .collect();
        let wrapping = fs::read(state.join("wrapping.key")).unwrap();
        let secrets = secrets_in(&wrapping);
        Self { files, secrets }
    }

    /// A folder with this database, and no secret but `secrets`.
    fn put_back(&self, secrets: &[[u8; SECRET]]) -> TempDir {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        for (name, contents) in &self.files {
            fs::write(dir.path().join(name), contents).unwrap();
        }
        let mut wrapping = vec![0; 4 * PAGE];
        for (page, secret) in wrapping.chunks_mut(PAGE).zip(secrets) {
            page[..SECRET].copy_from_slice(secret);
        }
        fs::write(dir.path().join("wrapping.key"), wrapping).unwrap();
        dir
    }
}

/// The secrets in the file that is for them.
fn secrets_in(wrapping: &[u8]) -> Vec<[u8; SECRET]> {
    wrapping.chunks(PAGE).filter_map(secret_of).collect()
}

/// The secret that `sector` begins with, if it is like the first of those pages that hold
/// one.
fn secret_of(sector: &[u8]) -> Option<[u8; SECRET]> {
    let (secret, rest) = sector[..SECTOR].split_first_chunk::<SECRET>()?;
    let like = secret.iter().filter(|byte| **byte != 0).count() > SECRET / 2
        && rest[1..].iter().all(|byte| *byte == 0);
    like.then_some(*secret)
}

/// All that `image` has of secrets: on pages like theirs, and, wherever they lie, those
/// that were ever in force.
fn secrets_on(image: &[u8], past: &[Past]) -> BTreeSet<[u8; SECRET]> {
    let written: Vec<&[u8]> = image
        .chunks(SECTOR)
        .filter(|sector| *sector != [0; SECTOR])
        .collect();
    let mut found: BTreeSet<_> = written.iter().copied().filter_map(secret_of).collect();
    let known: BTreeSet<_> = past.iter().flat_map(|past| past.secrets.clone()).collect();
    let mut begins = vec![false; 1 << 16];
    let beginning = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
    for secret in &known {
        begins[beginning(secret)] = true;
    }
    for window in written.concat().windows(SECRET) {
        if begins[beginning(window)] && known.contains(window) {
            found.insert(window.try_into().unwrap());
        }
    }
    found
}

/// How many states of `past` open with what is on `image` and the device key.
fn opened(image: &[u8], past: &[Past]) -> usize {
    let secrets: Vec<_> = secrets_on(image, past).into_iter().collect();
    assert!(!secrets.is_empty(), "the present one is always there");
    let opens = |past: &&Past| {
        secrets.chunks(4).any(|secrets| {
            let dir = past.put_back(secrets);
            Store::open(dir.path(), &DeviceKey::from_bytes(DEVICE_KEY)).is_ok()
        })
    };
    past.iter().filter(opens).count()
}

/// How many sightings, own keys and exposures of days before `first` open when all rows of
/// `past` are put back into the present database.
fn put_back_into(present: &Past, past: &Past, first: UtcDay) -> usize {
    let (present, past) = (present.put_back(&present.secrets), past.put_back(&[]));
    let conn = Connection::open(present.path().join("store.db")).unwrap();
    conn.execute(
        "ATTACH ?1 AS past",
        [past.path().join("store.db").to_str().unwrap()],
    )
    .unwrap();
    let mut select = conn
        .prepare("SELECT name FROM past.sqlite_schema WHERE type = 'table'")
        .unwrap();
    let tables: Vec<String> = select
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(tables.len() > 10);
    drop(select);
    for table in tables.iter().filter(|table| !table.starts_with("secret")) {
        conn.execute(
            &format!("INSERT OR IGNORE INTO main.{table} SELECT * FROM past.{table}"),
            [],
        )
        .unwrap();
    }
    drop(conn);
    let store = open_in(present.path());
    let before = |time: gaen::time::UnixSeconds| time.utc_day() < first;
    let sightings = read_all(&store).0;
    let keys = store.own_keys().unwrap();
    let exposures = store.exposures().unwrap().found;
    let windows = exposures.iter().flat_map(|exposure| &exposure.windows);
    sightings.iter().filter(|s| before(s.time)).count()
        + keys.iter().filter(|key| key.day < first).count()
        + windows.filter(|window| before(window.start)).count()
}

/// Records a day with everything that is kept, starting and ending the store often.
fn record_day(disk: &Disk, n: u32) {
    let began = T0 + n * DAY;
    for part in 0..3 {
        let mut store = open_in(&disk.state());
        if n == 0 && part == 0 {
            let consent = Consent {
                version: "1".to_owned(),
                agreed_at: at(T0),
            };
            store.set_consent(Some(&consent)).unwrap();
        }
        for cycles in 0..20 {
            let started = began + part * 8 * HOUR + cycles * 240;
            store.append_cycle(&cycle(started, 6)).unwrap();
        }
        let key = own_key(day(began), u8::try_from(n * 3 + part).unwrap());
        store.put_own_key(&key).unwrap();
    }
    let mut store = open_in(&disk.state());
    let exposed = exposure(u8::try_from(n).unwrap(), &[began + 60]);
    let keys = vec![exposed.key.clone()];
    let changes = ExposureChanges {
        put: vec![exposed],
        remove: vec![],
    };
    record(&mut store, &changes);
    store
        .record_check(
            &CheckRecord {
                started: at(began),
                ended: at(began),
                outcome: CheckOutcome::Complete,
                counts: None,
                detail: String::new(),
            },
            &[],
        )
        .unwrap();
    let registration = RegistrationRecord {
        pending: Some(Registration {
            id: RegistrationId::from_bytes([7; 16]),
            has_symptoms: true,
            date: day(began),
            keys,
            agreement_version: "1".to_owned(),
            begun: at(began),
        }),
        ..RegistrationRecord::default()
    };
    store.put_registration(&registration, &[], &[]).unwrap();
    store.compact(day(began)).unwrap();
}

/// Purges day after day, and holds the image to it after each.
fn nothing_purged_comes_back(kind: &'static Kind) {
    let mut disk = match Disk::new(kind) {
        Ok(disk) => disk,
        Err(why) => return skipped(&why),
    };
    let mut past = Vec::new();
    for n in 0..3 {
        record_day(&disk, n);
        past.push(Past::take(&disk.state()));
    }
    // The attack finds what is there.
    let opens = opened(&disk.contents(), &past);
    assert_eq!(opens, 3, "before anything is purged, all of it opens");

    for (n, clean) in [(0, false), (1, true), (2, false)] {
        let mut store = open_in(&disk.state());
        past.push(Past::take(&disk.state()));
        // Half of the day, then all of it.
        for now in [14 * DAY + 4 * HOUR, 15 * DAY] {
            let now = at(T0 + n * DAY + now);
            let report = store.purge_at_confirmed_time(now).unwrap();
            assert!(report.cycles_trimmed + report.days_destroyed > 0);
            assert!(!report.remains);
            // The power is cut: only what has reached the disk is there.
            assert_eq!(opened(&disk.contents(), &past), 0, "{} day {n}", kind.name);
            past.push(Past::take(&disk.state()));
        }
        let present = past.pop().unwrap();
        let back = put_back_into(&present, &past[0], day(T0 + (n + 1) * DAY));
        assert_eq!(back, 0, "{} day {n}", kind.name);
        let left = read_all(&store).1;
        assert_eq!(left.damaged_segments, 0);
        assert_eq!(left.sightings, u64::from(2 - n) * 360);
        if clean {
            drop(store);
            disk.unmount();
            assert_eq!(opened(&disk.contents(), &past), 0, "{} day {n}", kind.name);
            disk = disk.mounted().unwrap();
        } else {
            let image = disk.contents();
            drop(store);
            let after = Disk::found(kind, &image);
            assert_eq!(
                read_all(&open_in(&after.state())).1,
                left,
                "nothing else is lost"
            );
        }
    }
    let mut store = open_in(&disk.state());
    past.push(Past::take(&disk.state()));
    store.erase().unwrap();
    assert_eq!(opened(&disk.contents(), &past), 0, "{}: erased", kind.name);
}

#[test]
fn doubt_is_told_of_each_file_system() {
    let expected = [
        (&EXT4, None),
        (&JOURNALING_EXT4, Some(OverwriteDoubt::Journal)),
        (&BTRFS, None),
        (&F2FS, Some(OverwriteDoubt::FileSystem)),
    ];
    for (kind, doubt) in expected {
        let disk = match Disk::new(kind) {
            Ok(disk) => disk,
            Err(why) => {
                skipped(&why);
                continue;
            }
        };
        assert_eq!(
            open_in(&disk.state()).doubt(),
            doubt,
            "{} {}",
            kind.name,
            kind.options
        );
        if kind.name == BTRFS.name {
            // As a backup puts it back into a folder of which nobody knew.
            let folder = Command::new("chattr").arg("-C").arg(disk.state()).status();
            assert!(folder.unwrap().success());
            let secret = disk.state().join("wrapping.key");
            let contents = fs::read(&secret).unwrap();
            fs::remove_file(&secret).unwrap();
            fs::write(&secret, contents).unwrap();
            assert_eq!(
                open_in(&disk.state()).doubt(),
                Some(OverwriteDoubt::CopyOnWrite)
            );
        }
    }
}

#[test]
fn nothing_purged_comes_back_from_ext4() {
    nothing_purged_comes_back(&EXT4);
}

#[test]
fn nothing_purged_comes_back_from_btrfs() {
    nothing_purged_comes_back(&BTRFS);
}

#[test]
fn nothing_purged_comes_back_from_f2fs() {
    nothing_purged_comes_back(&F2FS);
}

const STATE: &str = "SESSHOKU_TEST_STATE_DIR";

#[test]
#[ignore = "a child of the test below"]
fn child_purges() {
    let Some(state) = env::var_os(STATE).map(PathBuf::from) else {
        return;
    };
    let mut store = open_in(&state);
    for n in 0.. {
        say(&format!("recorded {n}"));
        // Until somebody has looked at it.
        std::io::stdin().read_exact(&mut [0]).unwrap();
        say("purging");
        let now = at(T0 + (n + 15) * DAY);
        assert!(!store.purge_at_confirmed_time(now).unwrap().remains);
        say("purged");
    }
}

#[test]
fn a_purge_that_is_killed_is_finished_at_the_next_start() {
    let disk = match Disk::new(&EXT4) {
        Ok(disk) => disk,
        Err(why) => return skipped(&why),
    };
    let (mut before, mut within, mut after) = (0, 0, 0);
    for round in 0..16_u32 {
        // A new beginning each time, on a disk full of what was before.
        let _ = fs::remove_dir_all(disk.state());
        record_day(&disk, 0);
        record_day(&disk, 1);
        let mut child = Killed::start_with("gone::child_purges", STATE, &disk.state());
        child.hear("recorded ").unwrap();
        let mut past = vec![Past::take(&disk.state())];
        child.stdin().write_all(b"x").unwrap();
        child.hear("recorded ").unwrap();
        // One purge is done; the next is killed.
        past.push(Past::take(&disk.state()));
        child.stdin().write_all(b"x").unwrap();
        child.hear("purging").unwrap();
        if round % 2 == 0 {
            // When the next secret is put down; keys are destroyed by then.
            let wrapping = disk.state().join("wrapping.key");
            let before = &past[1].secrets;
            while secrets_in(&fs::read(&wrapping).unwrap()) == *before {}
        } else {
            for _ in 0..round * 300 {
                std::hint::black_box(fs::metadata(disk.image()).unwrap());
            }
        }
        let done = child.kill("purged").is_some();
        let image = disk.contents();
        assert_eq!(opened(&image, &past[..1]), 0, "round {round}");
        if done {
            assert_eq!(opened(&image, &past), 0, "round {round}");
        }

        let mut store = open_in(&disk.state());
        if read_all(&store).1.sightings > 0 {
            assert!(!done);
            before += 1;
            store.purge_at_confirmed_time(at(T0 + 16 * DAY)).unwrap();
        } else if done {
            after += 1;
        } else {
            within += 1;
        }
        assert_eq!(opened(&disk.contents(), &past), 0, "round {round}");
    }
    assert!(within > 0, "{before} before, {after} after");
}
