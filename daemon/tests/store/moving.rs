//! The device key moves between its file and a credential, and nothing is lost on the
//! way, wherever it is interrupted.

use std::path::{Path, PathBuf};
use std::{env, fs};

use sesshoku_core::records::Consent;
use sesshokud::store::{CREDENTIAL_NAME, DeviceKey, DeviceKeyError, KeyPlace, Store, StoreError};

use crate::crash::{DIR, Killed, say};
use crate::secrecy::files_with;
use crate::support::{Home, T0, at, cycle, day, own_key, read_all};

/// A folder like the one that systemd puts credentials into.
fn credential(key: [u8; 32]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(CREDENTIAL_NAME), key).unwrap();
    dir
}

fn open(home: &Path, place: KeyPlace, credentials_dir: Option<&Path>) -> Result<Store, StoreError> {
    let key = DeviceKey::load_into(place, home, credentials_dir)?;
    Store::open(home, &key)
}

/// Something in every table.
fn fill(store: &mut Store) {
    store
        .set_consent(Some(&Consent {
            version: "1".to_owned(),
            agreed_at: at(T0),
        }))
        .unwrap();
    for n in 0..20 {
        store.append_cycle(&cycle(T0 + n * 240, 5)).unwrap();
    }
    store.compact(day(T0)).unwrap();
    store.put_own_key(&own_key(day(T0), 1)).unwrap();
    store.put_meta("test", Some(b"value")).unwrap();
}

/// That everything of [`fill`] is there.
fn check(store: &Store) {
    assert_eq!(store.consent().unwrap().unwrap().version, "1");
    let (sightings, report) = read_all(store);
    assert_eq!((sightings.len(), report.damaged_segments), (100, 0));
    assert_eq!(store.own_keys().unwrap(), [own_key(day(T0), 1)]);
    let value = store.get_meta("test").unwrap();
    assert_eq!(value.unwrap().as_slice(), b"value");
}

fn key_file(home: &Home) -> PathBuf {
    home.path().join("device.key")
}

#[test]
fn a_credential_that_appears_takes_over_and_the_file_is_gone() {
    let home = Home::new();
    fill(&mut home.open());
    let old = fs::read(key_file(&home)).unwrap();
    let credential = credential([7; 32]);
    for _ in 0..2 {
        check(&open(home.path(), KeyPlace::Auto, Some(credential.path())).unwrap());
        assert!(!key_file(&home).exists());
        assert_eq!(files_with(home.path(), &old), [""; 0]);
    }
    // Without it there is no way in, and nothing is touched.
    assert!(matches!(
        open(home.path(), KeyPlace::Auto, None),
        Err(StoreError::DeviceKey(DeviceKeyError::Lost { .. }))
    ));
    let other = self::credential([8; 32]);
    assert!(matches!(
        open(home.path(), KeyPlace::Auto, Some(other.path())),
        Err(StoreError::OtherDeviceKey)
    ));
    check(&open(home.path(), KeyPlace::Auto, Some(credential.path())).unwrap());
}

#[test]
fn a_credential_is_given_up_for_a_file() {
    let home = Home::new();
    let credential = credential([7; 32]);
    fill(&mut open(home.path(), KeyPlace::Auto, Some(credential.path())).unwrap());
    check(&open(home.path(), KeyPlace::File, Some(credential.path())).unwrap());
    drop(credential);
    check(&home.open());
    // The file's key is not the credential's: who knows that one reads nothing.
    assert_ne!(fs::read(key_file(&home)).unwrap(), [7; 32]);
}

#[test]
fn what_an_interruption_leaves_is_taken_up() {
    let home = Home::new();
    fill(&mut home.open());
    let old = fs::read(key_file(&home)).unwrap();
    let credential = credential([7; 32]);
    check(&open(home.path(), KeyPlace::Auto, Some(credential.path())).unwrap());
    // As if it had been killed between the commit and the destruction of the file.
    fs::write(key_file(&home), &old).unwrap();
    private(&key_file(&home));
    check(&open(home.path(), KeyPlace::Auto, Some(credential.path())).unwrap());
    assert!(!key_file(&home).exists());
    // As if it had been killed in that destruction.
    for remains in [&[][..], &[0; 32]] {
        fs::write(key_file(&home), remains).unwrap();
        private(&key_file(&home));
        check(&open(home.path(), KeyPlace::Auto, Some(credential.path())).unwrap());
        assert!(!key_file(&home).exists());
    }
    // As if it had been killed with a new file made and nothing moved to it yet.
    fs::write(key_file(&home), [9; 32]).unwrap();
    private(&key_file(&home));
    check(&open(home.path(), KeyPlace::File, Some(credential.path())).unwrap());
    check(&home.open());
}

fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
#[ignore = "a child of the test below"]
fn child_moves() {
    let Some(dir) = env::var_os(DIR).map(PathBuf::from) else {
        return;
    };
    let credential = dir.join("credentials");
    for n in 0.. {
        let place = if n % 2 == 0 {
            KeyPlace::Auto
        } else {
            KeyPlace::File
        };
        drop(open(&dir, place, Some(&credential)).unwrap());
        say(&format!("moved {n}"));
    }
}

#[test]
fn a_move_outlives_a_kill() {
    let home = Home::on_disk();
    fill(&mut home.open());
    let credential = home.path().join("credentials");
    fs::create_dir(&credential).unwrap();
    fs::write(credential.join(CREDENTIAL_NAME), [7; 32]).unwrap();
    for round in 0..20 {
        let mut child = Killed::start("moving::child_moves", &home);
        child.hear("moved ").unwrap();
        // Somewhere in the moves that follow, never at the same place.
        for _ in 0..round % 3 {
            child.hear("moved ").unwrap();
        }
        for _ in 0..round * 20_000 {
            std::hint::spin_loop();
        }
        child.kill("moved ");
        let key = DeviceKey::load_into(KeyPlace::Auto, home.path(), Some(&credential)).unwrap();
        check(&Store::open(home.path(), &key).unwrap());
    }
}
