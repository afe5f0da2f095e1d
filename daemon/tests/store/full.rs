//! A disk without room: what is recorded stays, what is erased goes, and nothing that the
//! store was told is forgotten for good.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, thread};

use sesshoku_core::records::{CheckOutcome, Consent};
use sesshokud::store::{DeviceKey, Store, StoreError};

use crate::disk::{BTRFS, Disk, EXT4, EXT4_OF_SMALL_BLOCKS, Kind, MIXED_BTRFS, TMPFS};
use crate::support::{T0, at, cycle, day, own_key, read_all, skipped};

/// On these, what a file already has can be written when there is no room.
const IN_PLACE: [&Kind; 4] = [&TMPFS, &EXT4, &EXT4_OF_SMALL_BLOCKS, &BTRFS];

fn for_each_kind(test: impl Fn(&Disk)) {
    for_each_of(&IN_PLACE, test);
}

fn for_each_of(kinds: &[&'static Kind], test: impl Fn(&Disk)) {
    for kind in kinds {
        match Disk::new(kind) {
            Ok(disk) => test(&disk),
            Err(why) => skipped(&why),
        }
    }
}

fn open(state: &Path) -> Result<Store, StoreError> {
    Store::open(state, &DeviceKey::load(state, None)?)
}

fn consent() -> Consent {
    Consent {
        version: "1".to_owned(),
        agreed_at: at(T0),
    }
}

/// As small as a store with something in it can be: erasing gives back next to nothing.
fn small_store(state: &Path) -> Store {
    let mut store = open(state).unwrap();
    store.set_consent(Some(&consent())).unwrap();
    store.append_cycle(&cycle(T0, 3)).unwrap();
    store.put_own_key(&own_key(day(T0), 1)).unwrap();
    store
}

/// Runs `action` while somebody else takes whatever room there is.
fn with_a_greedy_neighbour<T>(disk: &Disk, action: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                disk.fill();
            }
        });
        let done = action();
        over.store(true, Ordering::SeqCst);
        done
    })
}

/// Whether the database of `before` opens with the keys that are in `state` now.
fn opens_again(before: &[u8], state: &Path) -> bool {
    let dir = tempfile::tempdir().unwrap();
    for name in ["device.key", "device.key.new", "wrapping.key"] {
        if let Ok(key) = fs::read(state.join(name)) {
            fs::write(dir.path().join(name), key).unwrap();
            let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            fs::set_permissions(dir.path().join(name), private).unwrap();
        }
    }
    fs::write(dir.path().join("store.db"), before).unwrap();
    open(dir.path()).is_ok_and(|store| read_all(&store).1.sightings > 0)
}

fn holds_nothing(store: &Store) -> bool {
    !store.holds_records().unwrap()
        && read_all(store).1.sightings == 0
        && store.own_keys().unwrap().is_empty()
}

#[test]
fn everything_is_erased_where_nothing_can_be_written() {
    for_each_kind(|disk| {
        for is_greedy in [false, true] {
            let state = disk.state();
            let mut store = small_store(&state);
            let before = fs::read(state.join("store.db")).unwrap();
            disk.fill();
            let erased = if is_greedy {
                with_a_greedy_neighbour(disk, || store.erase())
            } else {
                store.erase()
            };
            erased.unwrap();
            assert!(holds_nothing(&store));
            assert!(!opens_again(&before, &state));
            assert_eq!(store.consent().unwrap(), Some(consent()));
            disk.fill();
            // There may be room for it: erasing gave some back.
            match store.append_cycle(&cycle(T0, 3)) {
                Ok(_) | Err(StoreError::DiskFull) => {}
                Err(error) => panic!("{error:?}"),
            }
            let kept = read_all(&store).1.sightings;

            // It goes on by itself, and knows what it knew.
            disk.give_back(1 << 20);
            store.append_cycle(&cycle(T0 + 240, 3)).unwrap();
            drop(store);
            let store = open(&state).unwrap();
            assert_eq!(read_all(&store).1.sightings, kept + 3);
            assert_eq!(store.consent().unwrap(), Some(consent()));
            drop(store);
            fs::remove_dir_all(&state).unwrap();
        }
    });
}

#[test]
fn what_was_erased_without_room_stays_so_over_a_restart() {
    for_each_kind(|disk| {
        for is_withdrawn in [false, true] {
            let state = disk.state();
            let mut store = small_store(&state);
            let before = fs::read(state.join("store.db")).unwrap();
            disk.fill();
            let erased = with_a_greedy_neighbour(disk, || {
                if is_withdrawn {
                    store.withdraw()
                } else {
                    store.erase()
                }
            });
            erased.unwrap();
            drop(store);
            let agreed = (!is_withdrawn).then(consent);
            // The next start finds no room either.
            let store = open(&state).unwrap();
            assert!(holds_nothing(&store));
            assert_eq!(store.consent().unwrap(), agreed);
            let coverage = store.reader().unwrap().coverage(at(T0), at(T0 + 3600));
            assert_eq!(coverage.unwrap().recorded_seconds, 0);
            drop(store);
            assert!(!opens_again(&before, &state));
            disk.give_back(1 << 20);
            let mut store = open(&state).unwrap();
            assert!(holds_nothing(&store));
            assert_eq!(store.consent().unwrap(), agreed);
            store.set_consent(Some(&consent())).unwrap();
            store.append_cycle(&cycle(T0, 3)).unwrap();
            drop(store);
            let store = open(&state).unwrap();
            assert_eq!(store.consent().unwrap(), Some(consent()));
            assert_eq!(read_all(&store).1.sightings, 3);
            drop(store);
            fs::remove_dir_all(&state).unwrap();
        }
    });
}

#[test]
fn a_mark_of_checks_that_is_gone_is_missed_without_any_room() {
    for_each_kind(|disk| {
        let state = disk.state();
        drop(small_store(&state));
        fs::remove_file(state.join("check")).unwrap();
        for _ in 0..2 {
            disk.fill();
            let store = open(&state).unwrap();
            assert!(store.check_mark().lacks_names());
        }
        disk.give_back(1 << 20);
        for _ in 0..2 {
            let store = open(&state).unwrap();
            assert!(store.check_mark().lacks_names());
        }
    });
}

#[test]
fn everything_is_erased_where_not_even_an_old_page_can_be_written() {
    for_each_of(&[&MIXED_BTRFS], |disk| {
        for is_closed in [false, true] {
            let state = disk.state();
            let mut store = small_store(&state);
            let before = fs::read(state.join("store.db")).unwrap();
            disk.fill();
            store.withdraw().unwrap();
            assert!(holds_nothing(&store));
            assert_eq!(store.consent().unwrap(), None);
            if is_closed {
                drop(store);
                drop(open(&state).unwrap());
                disk.give_back(1 << 20);
                store = open(&state).unwrap();
            } else {
                disk.give_back(1 << 20);
            }
            store.append_cycle(&cycle(T0 + 240, 3)).unwrap();
            assert_eq!(read_all(&store).1.sightings, 3);
            assert!(!opens_again(&before, &state));
            drop(store);
            fs::remove_dir_all(&state).unwrap();
        }
    });
}

#[test]
fn a_store_opens_and_stays_whole_with_any_room_there_is() {
    for_each_kind(|disk| {
        let state = disk.state();
        drop(small_store(&state));
        let mut kept = 3;
        for room in (0..128).step_by(4) {
            disk.fill();
            disk.give_back(room << 10);
            let mut store = open(&state).unwrap();
            assert_eq!(read_all(&store).1.sightings, kept);
            let started = T0 + 240 + u32::try_from(room).unwrap() * 60;
            // Few enough that they never take all of the disk.
            for _ in 0..3 {
                match store.append_cycle(&cycle(started, 3)) {
                    Ok(_) => kept += 3,
                    Err(StoreError::DiskFull) => break,
                    Err(error) => panic!("{error:?}"),
                }
            }
            assert_eq!(read_all(&store).1.sightings, kept);
        }
        assert!(kept > 3);
        disk.give_back(1 << 20);
        let mut store = open(&state).unwrap();
        store.append_cycle(&cycle(T0 + 20_000, 3)).unwrap();
        assert_eq!(read_all(&store).1.sightings, kept + 3);
    });
}

#[test]
fn what_was_closed_opens_without_any_room() {
    let kinds = [&IN_PLACE[..], &[&MIXED_BTRFS]].concat();
    for_each_of(&kinds, |disk| {
        type Last = fn(&mut Store);
        let lasts: [Last; 3] = [
            |_| {},
            |store| store.erase().unwrap(),
            |store| store.withdraw().unwrap(),
        ];
        for last in lasts {
            let state = disk.state();
            // As a package makes it, or somebody by hand.
            fs::create_dir(&state).unwrap();
            let mut store = small_store(&state);
            last(&mut store);
            let (kept, agreed) = (read_all(&store).1.sightings, store.consent().unwrap());
            drop(store);
            disk.fill();
            let store = open(&state).unwrap();
            assert_eq!(read_all(&store).1.sightings, kept);
            assert_eq!(store.consent().unwrap(), agreed);
            drop(store);
            disk.give_back(1 << 20);
            fs::remove_dir_all(&state).unwrap();
        }
    });
}

#[test]
fn a_mark_that_is_copied_on_write_is_made_anew() {
    for_each_of(&[&BTRFS], |disk| {
        let state = disk.state();
        drop(small_store(&state));
        let folder = Command::new("chattr").arg("-C").arg(&state).status();
        assert!(folder.unwrap().success());
        let mark = state.join("check");
        let contents = fs::read(&mark).unwrap();
        fs::remove_file(&mark).unwrap();
        fs::write(&mark, contents).unwrap();
        drop(open(&state).unwrap());
        let store = open(&state).unwrap();
        assert!(!store.check_mark().is_unrecorded());
        disk.fill();
        store.check_mark().begins().unwrap();
    });
}

#[test]
fn what_a_failing_disk_keeps_from_being_erased_is_told_and_not_shown() {
    for is_withdrawn in [false, true] {
        for_each_of(&[&EXT4], |disk| {
            let mut store = small_store(&disk.state());
            disk.fail();
            let (erased, agreed) = if is_withdrawn {
                (store.withdraw(), None)
            } else {
                (store.erase(), Some(consent()))
            };
            erased.unwrap_err();
            assert!(holds_nothing(&store));
            assert_eq!(store.consent().unwrap(), agreed);
            store.append_cycle(&cycle(T0, 3)).unwrap_err();
        });
    }
}

#[test]
fn a_check_that_cannot_be_recorded_is_remembered_without_any_room() {
    for_each_kind(|disk| {
        let state = disk.state();
        let store = small_store(&state);
        disk.fill();
        store.check_mark().begins().unwrap();
        drop(store);
        let memory = open(&state).unwrap().check_memory().unwrap();
        let failures: Vec<_> = memory.failures.into_iter().collect();
        assert_eq!(failures, [CheckOutcome::StorageFailed]);
    });
}
