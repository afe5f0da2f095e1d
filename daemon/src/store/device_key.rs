//! The device key: the one secret outside the database, from which everything
//! in it is unlocked.
//!
//! It is a systemd credential where there is one, else a file. When a credential
//! appears beside the file, or is to be given up for one, the [`super::Store`] moves
//! from the one key to the other; until it has, both are there.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::{env, fmt};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::DATABASE_FILE;
use super::files;
use super::wrapping::Wrapping;

/// Name of the systemd credential that holds the key (`LoadCredentialEncrypted=`).
pub const CREDENTIAL_NAME: &str = "sesshoku-device-key";
/// Length of the key in bytes.
pub const DEVICE_KEY_LEN: usize = 32;

/// Name of the key's own file in the state folder, where no credential is given.
pub(super) const KEY_FILE: &str = "device.key";
/// Name of the file that holds the next key while an erasure replaces the old one.
pub(super) const SUCCESSOR_FILE: &str = "device.key.new";

/// The secret of this device; wiped from memory when dropped.
#[derive(Clone)]
pub struct DeviceKey {
    bytes: Secret,
    origin: Origin,
    /// The key in the other place, which this one is to take over from.
    former: Option<Box<DeviceKey>>,
}

/// Where the device key is to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyPlace {
    /// The systemd credential where there is one, else the file.
    #[default]
    Auto,
    /// The file, also where there is a credential: to give the credential up, it has
    /// to be there once more.
    File,
}

type Secret = Zeroizing<[u8; DEVICE_KEY_LEN]>;

#[derive(Clone)]
enum Origin {
    /// Given from outside: a systemd credential.
    Given,
    /// Our own files in this state folder. An erasure that was interrupted may
    /// have left the next key beside the present one; which of them is in force,
    /// the database tells.
    File {
        state_dir: PathBuf,
        successor: Option<Secret>,
    },
    /// To be a file in this state folder, once there is room for it after an erasure. What
    /// stands for it until then must not seal anything.
    Unsaved { state_dir: PathBuf },
}

/// Why there is no usable device key.
#[derive(Debug, thiserror::Error)]
pub enum DeviceKeyError {
    /// A file could not be read or written.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The key has another length than [`DEVICE_KEY_LEN`].
    #[error("{} must hold {DEVICE_KEY_LEN} bytes", path.display())]
    WrongLength {
        /// The key file or credential.
        path: PathBuf,
    },
    /// Others than the owner may read the key file, so it may be known to them.
    #[error("{} is readable by others; it must have mode 0600", path.display())]
    ReadableByOthers {
        /// The key file.
        path: PathBuf,
    },
    /// There is a database, but the key it was made with is gone. The data is
    /// lost; [`super::Store::start_over`] makes room for a new database.
    #[error("the device key is lost, and with it what {} holds", database.display())]
    Lost {
        /// The database that cannot be read any more.
        database: PathBuf,
    },
    /// The system gave no random bytes.
    #[error("no random bytes from the system")]
    Random(#[source] getrandom::Error),
}

impl DeviceKey {
    /// The key in these bytes, kept by someone else.
    pub fn from_bytes(bytes: [u8; DEVICE_KEY_LEN]) -> Self {
        Self {
            bytes: Zeroizing::new(bytes),
            origin: Origin::Given,
            former: None,
        }
    }

    /// [`DeviceKey::load_into`] with the credentials folder systemd names in
    /// `CREDENTIALS_DIRECTORY`.
    pub fn from_environment(state_dir: &Path, place: KeyPlace) -> Result<Self, DeviceKeyError> {
        let credentials_dir = env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        Self::load_into(place, state_dir, credentials_dir.as_deref())
    }

    /// The key of this device: the systemd credential [`CREDENTIAL_NAME`] if there
    /// is one, else the file in `state_dir`, which is made at the first start.
    ///
    /// Creates `state_dir` when it is missing. Where a database exists without
    /// its key, no new one is made: that is [`DeviceKeyError::Lost`].
    pub fn load(state_dir: &Path, credentials_dir: Option<&Path>) -> Result<Self, DeviceKeyError> {
        Self::load_into(KeyPlace::Auto, state_dir, credentials_dir)
    }

    /// [`DeviceKey::load`], where `place` says where the key is to be.
    pub fn load_into(
        place: KeyPlace,
        state_dir: &Path,
        credentials_dir: Option<&Path>,
    ) -> Result<Self, DeviceKeyError> {
        super::prepare(state_dir).map_err(io_error(state_dir))?;
        let given = match credentials_dir {
            Some(dir) => Self::from_credential(&dir.join(CREDENTIAL_NAME))?,
            None => None,
        };
        let Some(given) = given else {
            return Self::from_file_or_new(state_dir, None);
        };
        match place {
            KeyPlace::Auto => Ok(Self {
                former: Self::from_file(state_dir, None)?.map(Box::new),
                ..given
            }),
            KeyPlace::File => Self::from_file_or_new(state_dir, Some(given)),
        }
    }

    fn from_credential(path: &Path) -> Result<Option<Self>, DeviceKeyError> {
        // systemd sees to the credential's access mode itself.
        let Some(file) = open_if_exists(path)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            bytes: read_key(&file, path)?,
            origin: Origin::Given,
            former: None,
        }))
    }

    fn from_file(state_dir: &Path, former: Option<Self>) -> Result<Option<Self>, DeviceKeyError> {
        let path = state_dir.join(KEY_FILE);
        let mut bytes = read_private_key(&path)?;
        if bytes.is_none() && read_successor(state_dir)?.is_some() {
            // The last step of `install`, which was interrupted.
            fs::rename(state_dir.join(SUCCESSOR_FILE), &path).map_err(io_error(&path))?;
            files::sync_dir(state_dir).map_err(io_error(state_dir))?;
            bytes = read_private_key(&path)?;
        }
        let Some(bytes) = bytes else {
            return Ok(None);
        };
        Ok(Some(Self {
            bytes,
            origin: Origin::File {
                state_dir: state_dir.to_owned(),
                successor: read_successor(state_dir)?,
            },
            former: former.map(Box::new),
        }))
    }

    fn from_file_or_new(state_dir: &Path, former: Option<Self>) -> Result<Self, DeviceKeyError> {
        let database = state_dir.join(DATABASE_FILE);
        if let Some(key) = Self::from_file(state_dir, former.clone())? {
            return Ok(key);
        }
        let is_erased = Wrapping::is_erased(state_dir).map_err(io_error(state_dir))?;
        if database.exists() && former.is_none() && !is_erased {
            return Err(DeviceKeyError::Lost { database });
        }
        let bytes = match create_key(state_dir, &state_dir.join(KEY_FILE)) {
            // The store will make one when there is room.
            Err(DeviceKeyError::Io { source, .. }) if is_erased && files::is_full(&source) => {
                return Ok(Self {
                    bytes: random_key()?,
                    origin: Origin::Unsaved {
                        state_dir: state_dir.to_owned(),
                    },
                    former: former.map(Box::new),
                });
            }
            made => made?,
        };
        Ok(Self {
            bytes,
            origin: Origin::File {
                state_dir: state_dir.to_owned(),
                successor: read_successor(state_dir)?,
            },
            former: former.map(Box::new),
        })
    }

    /// The secret itself.
    pub(super) fn expose_bytes(&self) -> &[u8; DEVICE_KEY_LEN] {
        &self.bytes
    }

    /// The key in the other place, which the database may still be sealed with.
    pub(super) fn former(&self) -> Option<&Self> {
        self.former.as_deref()
    }

    /// This key alone.
    pub(super) fn without_former(&self) -> Self {
        Self {
            former: None,
            ..self.clone()
        }
    }

    /// The key that an interrupted erasure left as the next one.
    pub(super) fn successor(&self) -> Option<Self> {
        match &self.origin {
            Origin::Given | Origin::Unsaved { .. } => None,
            Origin::File {
                state_dir,
                successor,
            } => successor.as_ref().map(|bytes| Self {
                bytes: bytes.clone(),
                origin: Origin::File {
                    state_dir: state_dir.clone(),
                    successor: None,
                },
                former: None,
            }),
        }
    }

    /// A fresh key that is on the disk but not yet in force, where the key is
    /// ours to replace; a given key stays as it is.
    pub(super) fn prepare_successor(&self) -> Result<Self, DeviceKeyError> {
        let Origin::File { state_dir, .. } = &self.origin else {
            return Ok(self.clone());
        };
        let bytes = random_key()?;
        let path = state_dir.join(SUCCESSOR_FILE);
        files::destroy(&path).map_err(io_error(&path))?;
        if let Err(error) = files::create_private(&path, bytes.as_slice()) {
            files::destroy(&path).map_err(io_error(&path))?;
            return Err(io_error(&path)(error));
        }
        files::sync_dir(state_dir).map_err(io_error(state_dir))?;
        Ok(Self {
            bytes,
            origin: Origin::File {
                state_dir: state_dir.clone(),
                successor: None,
            },
            former: None,
        })
    }

    /// Puts this key, a successor, in force and destroys the one before it.
    pub(super) fn install(&self) -> Result<(), DeviceKeyError> {
        let Origin::File { state_dir, .. } = &self.origin else {
            return Ok(());
        };
        let successor = state_dir.join(SUCCESSOR_FILE);
        if !successor.exists() {
            return Ok(());
        }
        let path = state_dir.join(KEY_FILE);
        let mut old = File::options()
            .write(true)
            .open(&path)
            .map_err(io_error(&path))?;
        files::overwrite(&mut old).map_err(io_error(&path))?;
        fs::rename(&successor, &path).map_err(io_error(&path))?;
        files::sync_dir(state_dir).map_err(io_error(state_dir))
    }

    /// Destroys a successor that never came in force.
    pub(super) fn discard_successor(&self) -> Result<(), DeviceKeyError> {
        let Origin::File { state_dir, .. } = &self.origin else {
            return Ok(());
        };
        let path = state_dir.join(SUCCESSOR_FILE);
        files::destroy(&path).map_err(io_error(&path))
    }

    /// Destroys this key where it is ours; needs no room on the disk.
    pub(super) fn destroy(&self) -> Result<(), DeviceKeyError> {
        match &self.origin {
            Origin::Given => Ok(()),
            Origin::File { state_dir, .. } | Origin::Unsaved { state_dir } => {
                Self::destroy_files(state_dir)
            }
        }
    }

    /// The key to go on with after [`DeviceKey::destroy`].
    pub(super) fn after_destruction(&self) -> Result<Self, DeviceKeyError> {
        match &self.origin {
            Origin::Given => Ok(self.clone()),
            Origin::File { state_dir, .. } | Origin::Unsaved { state_dir } => {
                let key = Self::load(state_dir, None)?;
                if key.is_saved() {
                    Ok(key)
                } else {
                    Err(io_error(&state_dir.join(KEY_FILE))(
                        io::ErrorKind::StorageFull.into(),
                    ))
                }
            }
        }
    }

    /// Whether it will be there at the next start.
    pub(super) fn is_saved(&self) -> bool {
        !matches!(self.origin, Origin::Unsaved { .. })
    }

    /// Removes what an interrupted destruction left of a key file in `state_dir`.
    pub(super) fn remove_remains(state_dir: &Path) -> Result<(), DeviceKeyError> {
        let path = state_dir.join(KEY_FILE);
        match open_if_exists(&path)? {
            Some(file) if is_remains(&read_at_most_a_key(&file, &path)?) => {
                files::remove(&path).map_err(io_error(&path))
            }
            _ => Ok(()),
        }
    }

    /// Destroys the key files in `state_dir`.
    pub(super) fn destroy_files(state_dir: &Path) -> Result<(), DeviceKeyError> {
        for name in [KEY_FILE, SUCCESSOR_FILE] {
            let path = state_dir.join(name);
            files::destroy(&path).map_err(io_error(&path))?;
        }
        Ok(())
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceKey(…)")
    }
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> DeviceKeyError + use<> {
    let path = path.to_owned();
    move |source| DeviceKeyError::Io { path, source }
}

fn open_if_exists(path: &Path) -> Result<Option<File>, DeviceKeyError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(path)(error)),
    }
}

/// The key in a file of our own, unless there is none or only what is left of one.
fn read_private_key(path: &Path) -> Result<Option<Secret>, DeviceKeyError> {
    let Some(file) = open_if_exists(path)? else {
        return Ok(None);
    };
    if files::is_open_to_others(&file.metadata().map_err(io_error(path))?) {
        return Err(DeviceKeyError::ReadableByOthers {
            path: path.to_owned(),
        });
    }
    let contents = read_at_most_a_key(&file, path)?;
    if is_remains(&contents) {
        return Ok(None);
    }
    to_key(&contents, path).map(Some)
}

fn read_key(file: &File, path: &Path) -> Result<Secret, DeviceKeyError> {
    to_key(&read_at_most_a_key(file, path)?, path)
}

/// What is in a file, up to a byte more than a key.
fn read_at_most_a_key(file: &File, path: &Path) -> Result<Zeroizing<Vec<u8>>, DeviceKeyError> {
    let limit = u64::try_from(DEVICE_KEY_LEN + 1).expect("33 fits in 64 bits");
    files::read_at_most(file, limit).map_err(io_error(path))
}

/// Whether `contents` are what [`files::destroy`] leaves when it is interrupted:
/// zeros, or nothing. No key file is ever like that before: a new one gets its name
/// when it is whole on the disk.
fn is_remains(contents: &[u8]) -> bool {
    contents.iter().all(|byte| *byte == 0)
}

fn to_key(contents: &[u8], path: &Path) -> Result<Secret, DeviceKeyError> {
    <[u8; DEVICE_KEY_LEN]>::try_from(contents)
        .map(Zeroizing::new)
        .map_err(|_| DeviceKeyError::WrongLength {
            path: path.to_owned(),
        })
}

/// The successor's key. A file cut short was never in force: the database takes
/// a successor up only after it is whole on the disk.
fn read_successor(state_dir: &Path) -> Result<Option<Secret>, DeviceKeyError> {
    match read_private_key(&state_dir.join(SUCCESSOR_FILE)) {
        Err(DeviceKeyError::WrongLength { .. }) => Ok(None),
        other => other,
    }
}

/// Makes the key file. Of two daemons that start at once, one makes it and both
/// read that one.
fn create_key(state_dir: &Path, path: &Path) -> Result<Secret, DeviceKeyError> {
    let bytes = random_key()?;
    let mut suffix = [0; 8];
    getrandom::fill(&mut suffix).map_err(DeviceKeyError::Random)?;
    let draft = state_dir.join(format!("{KEY_FILE}.{}", hex::encode(suffix)));
    if let Err(error) = files::create_private(&draft, bytes.as_slice()) {
        files::remove(&draft).map_err(io_error(&draft))?;
        return Err(io_error(&draft)(error));
    }
    // Unlike a rename, a link never replaces a key that is there already.
    let linked = match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => replace_remains(&draft, path),
        linked => linked.map_err(io_error(path)),
    };
    files::remove(&draft).map_err(io_error(&draft))?;
    linked?;
    files::sync_dir(state_dir).map_err(io_error(state_dir))?;
    read_private_key(path)?.ok_or_else(|| io_error(path)(io::Error::from(io::ErrorKind::NotFound)))
}

/// Gives `draft` the name `path` where that is what is left of a key, and not a key
/// that another daemon has made.
fn replace_remains(draft: &Path, path: &Path) -> Result<(), DeviceKeyError> {
    let Some(file) = open_if_exists(path)? else {
        return Ok(());
    };
    // Of several that come here with the same remains, one replaces them.
    file.lock().map_err(io_error(path))?;
    match read_private_key(path)? {
        Some(_) => Ok(()),
        None => fs::rename(draft, path).map_err(io_error(path)),
    }
}

fn random_key() -> Result<Secret, DeviceKeyError> {
    let mut bytes = Zeroizing::new([0; DEVICE_KEY_LEN]);
    getrandom::fill(bytes.as_mut_slice()).map_err(DeviceKeyError::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_first_start_makes_a_private_key_and_the_next_finds_it() {
        let dir = tempfile::tempdir().unwrap();
        let state_dir = dir.path().join("state/sesshoku");
        let made = DeviceKey::load(&state_dir, None).unwrap();
        let found = DeviceKey::load(&state_dir, None).unwrap();
        assert_eq!(made.expose_bytes(), found.expose_bytes());
        assert_ne!(made.expose_bytes(), &[0; DEVICE_KEY_LEN]);
        assert_eq!(mode(&state_dir), 0o700);
        assert_eq!(mode(&state_dir.join(KEY_FILE)), 0o600);
        let names: Vec<_> = fs::read_dir(&state_dir).unwrap().collect();
        assert_eq!(names.len(), 1, "no draft is left behind");
    }

    #[test]
    fn a_state_folder_open_to_others_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        DeviceKey::load(dir.path(), None).unwrap();
        assert_eq!(mode(dir.path()), 0o700);
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        for wide in [0o640, 0o604, 0o620, 0o660] {
            let dir = tempfile::tempdir().unwrap();
            DeviceKey::load(dir.path(), None).unwrap();
            let path = dir.path().join(KEY_FILE);
            fs::set_permissions(&path, fs::Permissions::from_mode(wide)).unwrap();
            assert!(
                matches!(
                    DeviceKey::load(dir.path(), None),
                    Err(DeviceKeyError::ReadableByOthers { .. })
                ),
                "{wide:o}"
            );
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        for length in [1, DEVICE_KEY_LEN - 1, DEVICE_KEY_LEN + 1] {
            let dir = tempfile::tempdir().unwrap();
            files::create_private(&dir.path().join(KEY_FILE), &vec![7; length]).unwrap();
            assert!(
                matches!(
                    DeviceKey::load(dir.path(), None),
                    Err(DeviceKeyError::WrongLength { .. })
                ),
                "{length}"
            );
        }
    }

    #[test]
    fn what_is_left_of_a_destroyed_key_is_no_key() {
        for remains in [&[][..], &[0; DEVICE_KEY_LEN]] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(KEY_FILE);
            let leave = || {
                files::remove(&path).unwrap();
                files::create_private(&path, remains).unwrap();
            };
            leave();
            let key = DeviceKey::load(dir.path(), None).unwrap();
            assert_ne!(key.expose_bytes(), &[0; DEVICE_KEY_LEN]);
            assert_eq!(fs::read(&path).unwrap(), key.expose_bytes());
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

            // With a database it is a key that is lost.
            drop(super::super::Store::open(dir.path(), &key).unwrap());
            leave();
            let lost = DeviceKey::load(dir.path(), None);
            assert!(matches!(lost, Err(DeviceKeyError::Lost { .. })));
        }
    }

    #[test]
    fn a_credential_goes_before_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let credentials = tempfile::tempdir().unwrap();
        fs::write(credentials.path().join(CREDENTIAL_NAME), [9; 32]).unwrap();
        let key = DeviceKey::load(dir.path(), Some(credentials.path())).unwrap();
        assert_eq!(key.expose_bytes(), &[9; 32]);
        assert!(!dir.path().join(KEY_FILE).exists());
    }

    #[test]
    fn a_credential_of_another_length_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let credentials = tempfile::tempdir().unwrap();
        fs::write(credentials.path().join(CREDENTIAL_NAME), [9; 16]).unwrap();
        assert!(matches!(
            DeviceKey::load(dir.path(), Some(credentials.path())),
            Err(DeviceKeyError::WrongLength { .. })
        ));
    }

    #[test]
    fn a_database_without_its_key_means_the_key_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(DATABASE_FILE), b"old data").unwrap();
        assert!(matches!(
            DeviceKey::load(dir.path(), None),
            Err(DeviceKeyError::Lost { .. })
        ));
        assert!(!dir.path().join(KEY_FILE).exists());
    }

    #[test]
    fn a_successor_takes_over_and_the_old_key_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let old = DeviceKey::load(dir.path(), None).unwrap();
        let new = old.prepare_successor().unwrap();
        let between = DeviceKey::load(dir.path(), None).unwrap();
        assert_eq!(between.expose_bytes(), old.expose_bytes());
        assert_eq!(
            between.successor().unwrap().expose_bytes(),
            new.expose_bytes()
        );
        new.install().unwrap();
        let after = DeviceKey::load(dir.path(), None).unwrap();
        assert_eq!(after.expose_bytes(), new.expose_bytes());
        assert!(after.successor().is_none());
    }

    #[test]
    fn debug_shows_nothing() {
        let key = DeviceKey::from_bytes([0x42; 32]);
        assert_eq!(format!("{key:?}"), "DeviceKey(…)");
    }
}
