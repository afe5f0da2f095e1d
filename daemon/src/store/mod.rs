//! The store: encounters, own keys, exposures and agreement, encrypted, in one
//! SQLite database.
//!
//! # What is sealed with what
//!
//! ```text
//! device key (credential or file) ─┐
//! wrapping secret (`wrapping.key`) ┤
//! database secret (row `secret`) ──┴─ HKDF ─┬─ wraps each UTC day's two random keys
//!                                           │     ├─ encounters: one segment per scan cycle
//!                                           │     └─ exposures: one row per day
//!                                           ├─ seals own TEKs, one row per day,
//!                                           │  which does not tell how many it holds
//!                                           └─ seals the small rows
//! ```
//!
//! All values are sealed with XChaCha20-Poly1305 and bound to their table and
//! primary key. In the clear are: which UTC days were recorded, how many scan
//! cycles each had, how long the sealed values are (padded, see `segment.rs`), and
//! the names of the values in `meta`, and in a file beside it whether a check is under way.
//!
//! # What lasts how long
//!
//! A day's encounters go when its key is destroyed, fourteen days after the day's
//! end, and the wrapping secret is replaced, so that no copy of that key which the disk
//! may still have opens any more; while a day is at that edge it is rewritten under a new key as its hours
//! turn fourteen days old. Readers pass over whatever is older than they ask for,
//! to the second. Exposures stay until fourteen days after the end of their day,
//! own TEKs until fourteen days after the beginning of theirs; a registration that
//! waits to be sent has copies of its keys for a day at most. A day that lies in
//! the future, because the clock was set back since, goes when the clock is known to be
//! right. What time it is, is not what the wall clock shows: see [`belief`](sesshoku_core::belief).
//!
//! # What damage costs
//!
//! The write-ahead log has each page once, and SQLite drops without a word what is
//! damaged there and all that follows: so it is emptied after each write. What is in the
//! database, and gone or damaged, is noticed.
//!
//! A segment that does not open, or lies on a page SQLite cannot read, is counted
//! and passed over; so is one that is missing between others. Opening a damaged database
//! copies the rows of every page that is whole into a new file (`salvage.rs`), and says
//! of each day that there may have been more. The database's secret, the wrapping secret
//! and the keys of the days are kept twice; only the device key is indispensable.

mod check_mark;
mod database;
mod day_key;
mod device_key;
mod encounters;
mod error;
mod exposures;
mod files;
mod medium;
mod pages;
mod rekey;
mod retention;
mod rows;
mod salvage;
mod schema;
mod seal;
mod segment;
mod types;
mod walk;
mod wrapping;

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use std::{fmt, io, mem};

use gaen::key::Tek;
use gaen::sighting::Sighting;
use gaen::time::{UnixSeconds, UtcDay};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use sesshoku_core::records::{
    CheckOutcome, CheckRecord, Consent, Coverage, CycleHeader, ExposureChanges, Exposures, OwnKey,
    RegistrationRecord, ScanCycle,
};
use sesshoku_core::status::OverwriteDoubt;
use sesshoku_core::time::{BootTime, Look, Voucher};
use sesshoku_core::verdict::{CheckMemory, Ledger, Recorded};
use zeroize::Zeroizing;

pub use self::check_mark::CheckMark;
pub use self::device_key::{CREDENTIAL_NAME, DEVICE_KEY_LEN, DeviceKey, DeviceKeyError, KeyPlace};
pub use self::error::StoreError;
pub use self::types::{CompactReport, PurgeReport, ReadReport};

use self::database::io_error;
use self::day_key::Purpose;
use self::encounters::View;
use self::seal::{DatabaseSecret, Keys, Place};
use self::wrapping::{Wrapping, WrappingSecret};

/// Name of the database in the state folder.
const DATABASE_FILE: &str = "store.db";
/// Name of the file that keeps a second daemon out of the state folder.
const LOCK_FILE: &str = "lock";
/// All files of the state folder that are the store's.
const FILES: [&str; 10] = [
    DATABASE_FILE,
    "store.db-journal",
    "store.db-wal",
    "store.db-shm",
    device_key::KEY_FILE,
    device_key::SUCCESSOR_FILE,
    wrapping::WRAPPING_FILE,
    check_mark::FILE,
    check_mark::DRAFT,
    LOCK_FILE,
];

/// Makes the state folder, if there is none, and sees to it that what has the name of a
/// file is one: from a pipe would be read for ever, and a folder is told by each of its
/// users in another way.
fn prepare(state_dir: &Path) -> io::Result<()> {
    files::ensure_private_dir(state_dir)?;
    for name in FILES {
        match std::fs::metadata(state_dir.join(name)) {
            Ok(file) if !file.is_file() => {
                let why = format!("{name} in it is not an ordinary file; move it away");
                return Err(io::Error::other(why));
            }
            Err(_) if state_dir.join(name).is_symlink() => {
                let why = format!("{name} in it is a link to nothing; move it away");
                return Err(io::Error::other(why));
            }
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}
/// The table of segments.
const SEGMENT: &str = "segment";
/// Where the database's secret is kept: twice, since everything hangs on it.
const SECRET_TABLES: [&str; 2] = ["secret", "secret_copy"];
const SECRET_ID: i64 = 1;
/// What is sealed to recognise the right device key.
const KEY_CHECK: &[u8] = b"sesshoku";

/// The store of one device. Calls block; what returned `Ok` is on the disk.
pub struct Store {
    // Closed before the lock is given up.
    conn: Connection,
    path: PathBuf,
    device_key: DeviceKey,
    wrapping: Wrapping,
    shared: Arc<Shared>,
    check_mark: Arc<CheckMark>,
    /// While there is no room for a database after an erasure: `conn` is an empty one in
    /// memory then.
    homeless: Option<Homeless>,
    _lock: Lock,
}

/// What a new database is to begin with once there is room for it.
struct Homeless {
    consent: Option<Consent>,
    /// Whether nothing of the database before can be read any more.
    is_destroyed: bool,
}

/// Reads encounters over a connection of its own, while the [`Store`] goes on
/// writing; meant for a blocking thread.
///
/// After an erasure it only returns [`StoreError::Erased`]: ask for a new one.
pub struct Reader {
    conn: Connection,
    shared: Arc<Shared>,
    erasures_at_start: u64,
}

/// What the store and its readers have in common.
struct Shared {
    keys: RwLock<Arc<Keys>>,
    /// How often everything was erased: a reading during which this changes ends.
    erasures: AtomicU64,
}

impl Store {
    /// Opens the store in `state_dir`, making both when they do not exist, and
    /// finishes what an interrupted erasure left.
    ///
    /// An erasure replaces a device key that is kept in the state folder: load
    /// the key afresh for each opening. Where the database is sealed with the key in
    /// the other place, everything is sealed anew with `key` first, in one
    /// transaction, and a key file that is not in force any more is destroyed.
    ///
    /// # Errors
    /// Among others [`StoreError::InUse`], [`StoreError::OtherDeviceKey`],
    /// [`StoreError::NewerSchema`] and [`StoreError::Foreign`], and
    /// [`StoreError::Damaged`] when nothing of it can be read any more, after all of
    /// which the database is as it was.
    pub fn open(state_dir: &Path, key: &DeviceKey) -> Result<Self, StoreError> {
        prepare(state_dir).map_err(io_error(state_dir))?;
        if Wrapping::is_erased(state_dir).map_err(io_error(state_dir))? {
            return Self::open_erased(state_dir, key);
        }
        match Self::open_sound(state_dir, key) {
            Err(error) if error.is_of_damage() => {
                let _lock = Lock::acquire(state_dir)?;
                let wrapping = Wrapping::open(state_dir)?;
                salvage::salvage(&state_dir.join(DATABASE_FILE), key, &wrapping)?;
            }
            opened => return opened,
        }
        Self::open_sound(state_dir, key)
    }

    /// [`Store::open`] after an erasure for which there was no room.
    fn open_erased(state_dir: &Path, key: &DeviceKey) -> Result<Self, StoreError> {
        let lock = Lock::acquire(state_dir)?;
        let wrapping = Wrapping::open(state_dir)?;
        // It may have found some since, and been interrupted only then.
        if key.is_saved() && wrapping.is_cleared() {
            drop(lock);
            match Self::open_sound(state_dir, key) {
                Err(StoreError::DiskFull) => {}
                Err(error) if error.is_of_contents() => {}
                opened => return opened,
            }
            return Self::open_homeless(state_dir, key, Lock::acquire(state_dir)?, wrapping);
        }
        Self::open_homeless(state_dir, key, lock, wrapping)
    }

    /// A store without a database, which makes one as soon as there is room for it.
    fn open_homeless(
        state_dir: &Path,
        key: &DeviceKey,
        lock: Lock,
        wrapping: Wrapping,
    ) -> Result<Self, StoreError> {
        tracing::warn!("going on with an erasure for which there was no room");
        // What lists told was told to what is erased.
        CheckMark::remove(state_dir).map_err(io_error(state_dir))?;
        let consent = wrapping.agreement();
        let (conn, keys) = homeless(consent.as_ref())?;
        let mut store = Self {
            conn,
            path: state_dir.join(DATABASE_FILE),
            device_key: key.without_former(),
            wrapping,
            shared: Arc::new(Shared {
                keys: RwLock::new(Arc::new(keys)),
                erasures: AtomicU64::new(0),
            }),
            check_mark: Arc::new(CheckMark::open(state_dir, true)),
            homeless: Some(Homeless {
                consent,
                is_destroyed: false,
            }),
            _lock: lock,
        };
        if let Err(error) = store.find_room() {
            tracing::error!(%error, "there can be no new database yet");
        }
        Ok(store)
    }

    /// [`Store::open`] of a database that has no damage, or none that shows at once.
    fn open_sound(state_dir: &Path, key: &DeviceKey) -> Result<Self, StoreError> {
        let lock = Lock::acquire(state_dir)?;
        let path = state_dir.join(DATABASE_FILE);
        let is_new = !path.exists();
        let mut conn = database::open(&path)?;
        let mut wrapping = Wrapping::open(state_dir)?;
        let unlocked = unlock(&mut conn, key, &mut wrapping)?;
        // An interrupted erasure has left what nothing opens any more.
        if !unlocked.erasing && !rekey::all_opens(&conn, &unlocked.keys)? {
            return Err(StoreError::malformed());
        }
        if let Some(doubt) = wrapping.doubt() {
            tracing::warn!(%doubt, "what is purged or erased may stay on the disk");
        }
        // Likewise of an interrupted purge's two secrets.
        if let Some(in_force) = &unlocked.wrapping {
            wrapping.settle(in_force)?;
        }
        // Whichever of an interrupted erasure's two keys it was, there is one now.
        if unlocked.by_successor {
            unlocked.device_key.install()?;
        } else {
            unlocked.device_key.discard_successor()?;
        }
        let mut store = Self {
            conn,
            path,
            device_key: unlocked.device_key.without_former(),
            wrapping,
            shared: Arc::new(Shared {
                keys: RwLock::new(Arc::new(unlocked.keys)),
                erasures: AtomicU64::new(0),
            }),
            // Versions without a wrapping secret may have had no mark either.
            check_mark: Arc::new(CheckMark::open(
                state_dir,
                is_new || unlocked.wrapping.is_none(),
            )),
            homeless: None,
            _lock: lock,
        };
        if unlocked.erasing {
            tracing::warn!("finishing an erasure that was interrupted");
            let consent = store.consent()?;
            let keys = store.keys();
            let erased = retention::finish_erasure(&mut store.conn, &keys);
            store.unless_stuck(erased, consent.as_ref())?;
        }
        match store.write(|transaction, keys| rows::ensure_registration(transaction, keys)) {
            // The next start makes it; until then it is to be seen that nobody registered.
            Err(StoreError::DiskFull) => {
                tracing::warn!("no room for the row that a registration takes the place of");
            }
            ensured => ensured?,
        }
        if unlocked.by_former {
            store.move_to(key);
        } else if let Some(former) = key.former() {
            // A move that was interrupted at its last step.
            former.destroy()?;
        }
        DeviceKey::remove_remains(state_dir)?;
        if unlocked.wrapping.is_none() {
            store.begin_wrapping();
        } else if let Err(error) = store.rewrap_if_due() {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::error!(error, "could not finish an interrupted purge");
        }
        Ok(store)
    }

    /// Takes up a wrapping secret in a database that an earlier version made, and
    /// replaces the device key where it is ours: what that version deleted is sealed with
    /// it, and may still be on the disk. Where that fails, the next opening tries again.
    fn begin_wrapping(&mut self) {
        let begun = self
            .device_key
            .prepare_successor()
            .map_err(StoreError::from)
            .and_then(|device_key| {
                self.seal_anew(&device_key)?;
                self.device_key = device_key;
                Ok(self.device_key.install()?)
            });
        if let Err(error) = begun {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::error!(error, "could not seal everything anew");
        }
    }

    /// Ends a purge: replaces the wrapping secret where something was deleted under it.
    fn rewrap_if_due(&mut self) -> Result<(), StoreError> {
        if retention::is_due(&self.conn, &self.keys())? {
            self.seal_anew(&self.device_key.clone())?;
        }
        Ok(())
    }

    /// Seals everything with `device_key` and a new wrapping secret, and overwrites the
    /// wrapping secret before. Interrupted, it is as if it had not begun, or done.
    fn seal_anew(&mut self, device_key: &DeviceKey) -> Result<(), StoreError> {
        let wrapping = self.wrapping.prepare()?;
        let secret = seal::random_bytes()?;
        let new = Keys::derive(device_key, secret.as_slice(), &wrapping);
        let old = self.keys();
        let transaction = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        rekey::reseal(&transaction, &old, &new)?;
        write_secret(&transaction, &secret, &new, false)?;
        retention::settle(&transaction, &new)?;
        self.shared.commit(transaction, new)?;
        // Damage to the log alone then costs nothing that hangs on the new secret.
        // Someone may be reading; the commit is on the disk all the same.
        retention::empty_log(&self.conn)?;
        self.wrapping.settle(&wrapping)
    }

    /// Moves to `device_key`. Where that fails, the key before stays in force, and the
    /// next opening tries again.
    fn move_to(&mut self, device_key: &DeviceKey) {
        match self.try_to_move_to(device_key) {
            Ok(()) => tracing::info!("everything is sealed with the other device key"),
            Err(error) => {
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::error!(error, "could not move to the other device key");
            }
        }
    }

    fn try_to_move_to(&mut self, device_key: &DeviceKey) -> Result<(), StoreError> {
        self.seal_anew(device_key)?;
        let former = mem::replace(&mut self.device_key, device_key.without_former());
        former.destroy()?;
        Ok(())
    }

    /// Gives up a database that cannot be opened any more, for a new one: destroys
    /// the database and the keys in `state_dir`. Load the key afresh before
    /// the next [`Store::open`].
    pub fn start_over(state_dir: &Path) -> Result<(), StoreError> {
        let lock = Lock::acquire(state_dir)?;
        // Keys first; a database left behind by an interruption counts as lost.
        DeviceKey::destroy_files(state_dir)?;
        Wrapping::destroy(state_dir)?;
        database::destroy(&state_dir.join(DATABASE_FILE))?;
        // Last: until then, this is no new device.
        CheckMark::remove(state_dir).map_err(io_error(state_dir))?;
        files::sync_dir(state_dir).map_err(io_error(state_dir))?;
        drop(lock);
        Ok(())
    }

    /// Why what is purged or erased may stay on the disk; `None` when it is gone, as far
    /// as the file system goes.
    pub fn doubt(&self) -> Option<OverwriteDoubt> {
        self.wrapping.doubt()
    }

    /// A reader with a connection of its own.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        let conn = if self.homeless.is_some() {
            database::copy_in_memory(&self.conn)?
        } else {
            database::open_reader(&self.path)?
        };
        Ok(Reader {
            conn,
            shared: Arc::clone(&self.shared),
            erasures_at_start: self.shared.erasures.load(Ordering::SeqCst),
        })
    }

    /// The agreement, unless it was never given or was withdrawn.
    pub fn consent(&self) -> Result<Option<Consent>, StoreError> {
        rows::consent(&self.conn, &self.keys())
    }

    /// Sets or clears the agreement. It outlives [`Store::erase`].
    pub fn set_consent(&mut self, consent: Option<&Consent>) -> Result<(), StoreError> {
        self.write(|transaction, keys| rows::set_consent(transaction, keys, consent))
    }

    /// Whether there is anything that an erasure would erase.
    pub fn holds_records(&self) -> Result<bool, StoreError> {
        Ok(self.conn.query_row(
            "SELECT EXISTS (SELECT 1 FROM encounter_key) OR EXISTS (SELECT 1 FROM exposure_key)
                 OR EXISTS (SELECT 1 FROM tek) OR EXISTS (SELECT 1 FROM check_record)",
            [],
            |row| row.get(0),
        )?)
    }

    /// The device's own keys of `day`, in the order they were made. Damaged ones
    /// count as none, so that another can be made.
    pub fn own_keys_of(&self, day: UtcDay) -> Result<Vec<OwnKey>, StoreError> {
        rows::own_keys_of(&self.conn, &self.keys(), day)
    }

    /// Keeps `key` among the device's own keys of its day, in the place of what was
    /// known of the same TEK.
    pub fn put_own_key(&mut self, key: &OwnKey) -> Result<(), StoreError> {
        self.write(|transaction, keys| rows::put_own_key(transaction, keys, key))
    }

    /// All own keys, in order of days, and within a day as they were made.
    pub fn own_keys(&self) -> Result<Vec<OwnKey>, StoreError> {
        rows::own_keys(&self.conn, &self.keys())
    }

    /// What is known of registering as positive. Where that was damaged, it is as if
    /// nothing had been registered.
    pub fn registration(&self) -> Result<RegistrationRecord, StoreError> {
        rows::registration(&self.conn, &self.keys())
    }

    /// Records what is known of registering, together with the own keys it changes and
    /// the TEKs that were `sent`: all, or nothing.
    pub fn put_registration(
        &mut self,
        record: &RegistrationRecord,
        changed: &[OwnKey],
        sent: &[Tek],
    ) -> Result<(), StoreError> {
        self.write(|transaction, keys| {
            for key in changed {
                rows::put_own_key(transaction, keys, key)?;
            }
            rows::mark_sent(transaction, keys, sent)?;
            rows::put_registration(transaction, keys, record)
        })
    }

    /// Stores a scan cycle, also one in which nothing was heard: it tells that
    /// someone listened. Returns its id.
    pub fn append_cycle(&mut self, cycle: &ScanCycle) -> Result<u64, StoreError> {
        self.write(|transaction, keys| {
            exposures::ensure_day(transaction, keys, cycle.started.utc_day())?;
            encounters::append(transaction, keys, cycle)
        })
    }

    /// The last readable cycle of the latest recorded day. That day may lie in
    /// the future when the clock was set back.
    pub fn last_cycle(&self) -> Result<Option<CycleHeader>, StoreError> {
        self.view().last_cycle()
    }

    /// Calls `visit` with every sighting heard at `since` or later, by UTC day,
    /// and within a day in the order of storing.
    pub fn for_each_sighting(
        &self,
        since: UnixSeconds,
        visit: &mut dyn FnMut(&Sighting),
    ) -> Result<ReadReport, StoreError> {
        self.view().for_each_sighting(since, visit)
    }

    /// For how many seconds from `since` to `until` was listened.
    ///
    /// A cycle stands for the time since the scan before it too, at most 300 s
    /// (docs/protocol.md §4). Unless the scan before is known, or when the cycle was cut
    /// short, it stands for itself alone. No second counts twice.
    pub fn coverage(&self, since: UnixSeconds, until: UnixSeconds) -> Result<Coverage, StoreError> {
        self.view()
            .coverage(since, until)
            .map(|(coverage, _)| coverage)
    }

    /// Joins the segments of each day before `today` into ones of about a thousand
    /// sightings, a day at a time and each day at once.
    pub fn compact(&mut self, today: UtcDay) -> Result<CompactReport, StoreError> {
        let mut report = CompactReport::default();
        for day in Purpose::Encounters.days(&self.conn, UtcDay::new(0))? {
            if day >= today {
                break;
            }
            match self.write(|transaction, keys| encounters::compact_day(transaction, keys, day)) {
                Ok(of_day) => {
                    report.joined += of_day.joined;
                    report.written += of_day.written;
                }
                // It stays as it is, and readable as far as it was.
                Err(StoreError::Damaged(_)) => {
                    tracing::error!(%day, "damaged pages keep a day from being compacted");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(report)
    }

    /// Destroys what is fourteen days old at `look`, and what was recorded for a time
    /// that has not come, by a clock that was ahead. To be called every hour, and whenever
    /// the clock was set.
    ///
    /// A wall clock that is wrong would have everything destroyed. So what the report
    /// calls certain decides: a time that has passed whatever the wall clock shows, which
    /// moves on with the boot clock. A wall clock that shows more, because it was set, or
    /// because the machine was off, is believed when it has kept that up for half an hour
    /// of looks while something vouches for it, or for three days while nothing does, also
    /// across restarts; being set again begins the wait anew. What is old is kept for that
    /// much longer. A simulated clock is believed at once.
    ///
    /// What was recorded for the future goes half an hour after the clock went back while
    /// something vouches for it, and else after fourteen days, when it is that old anyway.
    ///
    /// # Errors
    /// [`StoreError::ClockNotSet`] when the clock shows a time before 2020;
    /// [`StoreError::DiskFull`] when there is no room even for the few pages that a
    /// deletion is written to first.
    pub fn purge(&mut self, look: &Look) -> Result<PurgeReport, StoreError> {
        self.find_room()?;
        let keys = self.keys();
        let mut report = retention::purge(&mut self.conn, &keys, look)?;
        match self.rewrap_if_due() {
            Err(StoreError::Damaged(_)) => {
                tracing::error!("damaged pages keep what stays from being sealed anew");
                report.remains = true;
            }
            other => other?,
        }
        let mut told = self.check_mark.told().into_iter();
        if told.all(|it| it.is_forgotten(report.certain)) {
            self.check_mark.strike_out();
        }
        Ok(report)
    }

    /// [`Store::purge`] where `now` is known to be right, and is believed at once. What
    /// was recorded for the future stays.
    pub fn purge_at_confirmed_time(&mut self, now: UnixSeconds) -> Result<PurgeReport, StoreError> {
        self.purge(&Look {
            wall: now,
            boot: BootTime::new(Duration::ZERO),
            voucher: Voucher::Simulation,
        })
    }

    /// Destroys all keys, then everything but the agreement. Interrupted at any
    /// point after the first step, it leaves nothing that can be read, and is
    /// finished at the next opening.
    ///
    /// It needs no room on the disk. Where there is not even any for an empty database
    /// afterwards, nothing can be stored until there is ([`StoreError::DiskFull`]).
    pub fn erase(&mut self) -> Result<(), StoreError> {
        let consent = match self.consent() {
            // It has to be given again.
            Err(error) if error.is_of_damage() => None,
            read => read?,
        };
        self.erase_keeping(consent.as_ref())
    }

    /// [`Store::erase`], and the agreement as well.
    pub fn withdraw(&mut self) -> Result<(), StoreError> {
        self.erase_keeping(None)
    }

    /// Every export that was listed in the last fourteen days, and what of it was
    /// compared.
    pub fn ledger(&self) -> Result<Ledger, StoreError> {
        rows::ledger(&self.conn, &self.keys())
    }

    /// Records those exports of `ledger` that have changed, together with a value
    /// under a name, if one is given: all, or nothing.
    pub fn record_listed(
        &mut self,
        ledger: &Ledger,
        changed: &BTreeSet<i64>,
        meta: Option<(&str, &[u8])>,
    ) -> Result<(), StoreError> {
        if changed.is_empty() && meta.is_none() {
            return Ok(());
        }
        self.write(|transaction, keys| {
            put_listed(transaction, keys, ledger, changed)?;
            let Some((name, value)) = meta else {
                return Ok(());
            };
            rows::put_meta(transaction, keys, name, Some(value))
        })
    }

    /// Records those exports of `ledger` that were `compared`, together with what they
    /// change about the exposures: all, or nothing.
    pub fn record_compared(
        &mut self,
        ledger: &Ledger,
        compared: &BTreeSet<i64>,
        changes: &ExposureChanges,
    ) -> Result<(), StoreError> {
        self.write(|transaction, keys| {
            exposures::change(transaction, keys, changes)?;
            put_listed(transaction, keys, ledger, compared)
        })
    }

    /// All exposures that are known.
    pub fn exposures(&self) -> Result<Exposures, StoreError> {
        exposures::all(&self.conn, &self.keys())
    }

    /// Records a check that looked at the cycles up to those in `looked_at`, the last
    /// of each day; and that an earlier one could not be recorded, if that is so.
    pub fn record_check(
        &mut self,
        check: &CheckRecord,
        looked_at: &[(UtcDay, u32)],
    ) -> Result<(), StoreError> {
        let unrecorded = self.check_mark.is_unrecorded();
        self.write(|transaction, keys| {
            rows::put_check_record(transaction, keys, check, looked_at, unrecorded)
        })?;
        self.check_mark.ended();
        Ok(())
    }

    /// What remembers that a check is under way, also where nothing can be stored.
    pub fn check_mark(&self) -> Arc<CheckMark> {
        Arc::clone(&self.check_mark)
    }

    /// What is remembered of checks, that one could not be recorded included.
    pub fn check_memory(&self) -> Result<CheckMemory, StoreError> {
        let mut memory = rows::check_memory(&self.conn, &self.keys())?;
        if self.check_mark.is_unrecorded() {
            memory.failures.insert(CheckOutcome::StorageFailed);
        }
        Ok(memory)
    }

    /// The check recorded last.
    pub fn last_check(&self) -> Result<Option<CheckRecord>, StoreError> {
        let records = rows::check_records(&self.conn, &self.keys())?;
        Ok(records.into_iter().rev().find_map(|(_, record)| record))
    }

    /// The checks of the last fourteen days, oldest first, and the last one however old.
    pub fn checks(&self) -> Result<Vec<CheckRecord>, StoreError> {
        let records = rows::check_records(&self.conn, &self.keys())?;
        Ok(records
            .into_iter()
            .filter_map(|(_, record)| record)
            .collect())
    }

    /// When the last complete check ended.
    pub fn last_success(&self) -> Result<Option<UnixSeconds>, StoreError> {
        Ok(rows::check_memory(&self.conn, &self.keys())?.last_success)
    }

    /// The value kept under `name`. Names are not encrypted.
    pub fn get_meta(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        rows::meta(&self.conn, &self.keys(), name)
    }

    /// Keeps `value` under `name`, or removes it. Names that begin with `store.`
    /// are the store's own.
    pub fn put_meta(&mut self, name: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        self.write(|transaction, keys| rows::put_meta(transaction, keys, name, value))
    }

    fn erase_keeping(&mut self, consent: Option<&Consent>) -> Result<(), StoreError> {
        // Readers stop at their next segment and let go of the log.
        self.shared.erasures.fetch_add(1, Ordering::SeqCst);
        let erased = if self.homeless.is_some() {
            Err(StoreError::DiskFull)
        } else {
            self.destroy_keys(consent).and_then(|()| {
                let keys = self.keys();
                retention::finish_erasure(&mut self.conn, &keys)
            })
        };
        self.unless_stuck(erased, consent)?;
        self.check_mark.strike_out();
        self.check_mark.ended();
        Ok(())
    }

    /// Makes everything in the database unreadable, save `consent`.
    fn destroy_keys(&mut self, consent: Option<&Consent>) -> Result<(), StoreError> {
        let device_key = self.device_key.prepare_successor()?;
        let wrapping = self.wrapping.prepare()?;
        let secret = seal::random_bytes()?;
        let keys = Keys::derive(&device_key, secret.as_slice(), &wrapping);
        // The secret first and alone: from this commit on, nothing opens any more.
        let transaction = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        write_secret(&transaction, &secret, &keys, true)?;
        rows::set_consent(&transaction, &keys, consent)?;
        self.shared.commit(transaction, keys)?;
        self.wrapping.settle(&wrapping)?;
        device_key.install()?;
        self.device_key = device_key;
        Ok(())
    }

    /// Ends an erasure by force where a full disk, damaged pages or a failing disk stop it:
    /// zeros are written over the keys, then a new database over the old one, neither of which
    /// takes any room. Where there is none all the same, the store does without one until
    /// there is, also over a restart.
    ///
    /// # Errors
    /// Where not even the keys can be destroyed. Of what was recorded nothing can be read
    /// here all the same, and each attempt to store something tries again.
    fn unless_stuck(
        &mut self,
        erased: Result<(), StoreError>,
        consent: Option<&Consent>,
    ) -> Result<(), StoreError> {
        match erased {
            Ok(()) => return Ok(()),
            // The keys are gone, and the rest goes with the next call.
            Err(StoreError::Busy) => return Err(StoreError::Busy),
            Err(error) => tracing::warn!(%error, "erasing by force"),
        }
        let (conn, keys) = homeless(consent)?;
        // Whatever it still has to write is erased.
        drop(mem::replace(&mut self.conn, conn));
        self.shared.set_keys(keys);
        self.homeless = Some(Homeless {
            consent: consent.cloned(),
            is_destroyed: false,
        });
        self.destroy_by_force()?;
        if let Err(error) = self.find_room() {
            tracing::error!(%error, "everything is erased; there can be no new database yet");
        }
        Ok(())
    }

    /// Makes the database that was there before unreadable.
    fn destroy_by_force(&mut self) -> Result<(), StoreError> {
        let Some(homeless) = &mut self.homeless else {
            return Ok(());
        };
        let consent = homeless.consent.as_ref();
        // The wrapping secret first, since its place notes that everything is erased.
        match self.wrapping.clear(consent) {
            // It is not written in place, then, and needs the room the database takes.
            Err(StoreError::DiskFull) => {
                database::destroy(&self.path)?;
                self.wrapping.clear(consent)?;
            }
            other => other?,
        }
        match self.device_key.destroy().map_err(StoreError::from) {
            Ok(()) => homeless.is_destroyed = true,
            // Without the wrapping secret it opens nothing; it is tried again.
            Err(StoreError::DiskFull) => tracing::warn!("the device key is not overwritten yet"),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Sees to it that there is a database on the disk.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] while there is no room for one.
    fn find_room(&mut self) -> Result<(), StoreError> {
        let Some(homeless) = &self.homeless else {
            return Ok(());
        };
        let consent = homeless.consent.clone();
        if !homeless.is_destroyed {
            self.destroy_by_force()?;
        }
        let device_key = self.device_key.after_destruction()?;
        let wrapping = self.wrapping.prepare()?;
        let (new, keys) = in_memory(&device_key, &wrapping, consent.as_ref())?;
        database::write_over(&self.path, &new)?;
        let conn = database::open(&self.path)?;
        self.wrapping.settle(&wrapping)?;
        self.conn = conn;
        self.device_key = device_key;
        self.shared.set_keys(keys);
        self.homeless = None;
        Ok(())
    }

    fn write<T>(
        &mut self,
        action: impl FnOnce(&Transaction<'_>, &Keys) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.find_room()?;
        let keys = self.keys();
        let transaction = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = action(&transaction, &keys)?;
        transaction.commit()?;
        retention::empty_log_unless_read(&self.conn);
        Ok(done)
    }

    fn keys(&self) -> Arc<Keys> {
        self.shared.keys()
    }

    fn view(&self) -> View<'_> {
        View::new(&self.conn, &self.shared)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// As [`Store::for_each_sighting`]; can be called again and again. Days that
    /// are purged meanwhile are left out.
    ///
    /// # Errors
    /// [`StoreError::Erased`] when everything was erased since the reader was made.
    pub fn for_each_sighting(
        &self,
        since: UnixSeconds,
        visit: &mut dyn FnMut(&Sighting),
    ) -> Result<ReadReport, StoreError> {
        self.view()?.for_each_sighting(since, visit)
    }

    /// As [`Store::coverage`].
    pub fn coverage(&self, since: UnixSeconds, until: UnixSeconds) -> Result<Coverage, StoreError> {
        self.coverage_and_cycles(since, until)
            .map(|(coverage, _)| coverage)
    }

    /// [`Store::coverage`], and which scan cycles are stored of the UTC days from that
    /// before `since` on.
    pub fn coverage_and_cycles(
        &self,
        since: UnixSeconds,
        until: UnixSeconds,
    ) -> Result<(Coverage, Recorded), StoreError> {
        self.view()?.coverage(since, until)
    }

    fn view(&self) -> Result<View<'_>, StoreError> {
        let view = View::new(&self.conn, &self.shared);
        if self.shared.erasures.load(Ordering::SeqCst) == self.erasures_at_start {
            Ok(view)
        } else {
            Err(StoreError::Erased)
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Shared {
    fn keys(&self) -> Arc<Keys> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&keys)
    }

    fn set_keys(&self, keys: Keys) {
        let mut guard = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        *guard = Arc::new(keys);
    }

    /// Commits a `transaction` after which nothing opens but with `keys`.
    fn commit(&self, transaction: Transaction<'_>, keys: Keys) -> Result<(), StoreError> {
        let mut guard = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        transaction.commit()?;
        *guard = Arc::new(keys);
        Ok(())
    }

    /// The present state of the database, and the keys that open that.
    fn snapshot<'a>(
        &self,
        conn: &'a Connection,
    ) -> Result<(Transaction<'a>, Arc<Keys>), StoreError> {
        // No change of the keys is committed meanwhile.
        let guard = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let snapshot = conn.unchecked_transaction()?;
        // It begins with the first reading.
        snapshot.query_row(
            "SELECT EXISTS (SELECT 1 FROM sqlite_schema)",
            [],
            |_| Ok(()),
        )?;
        Ok((snapshot, Arc::clone(&guard)))
    }
}

/// Keeps every other daemon out of a state folder for as long as it lives.
#[derive(Debug)]
struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing would not do while a child process that is just being started
        // shares the open file. When this fails, closing does it.
        let _ = self.file.unlock();
    }
}

impl Lock {
    fn acquire(state_dir: &Path) -> Result<Self, StoreError> {
        let path = state_dir.join(LOCK_FILE);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(files::PRIVATE_FILE)
            .open(&path)
            .map_err(io_error(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
                state_dir: state_dir.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(io_error(&path)(source)),
        }
    }
}

/// Puts down the exports of `ledger` with these ids.
fn put_listed(
    transaction: &Transaction<'_>,
    keys: &Keys,
    ledger: &Ledger,
    ids: &BTreeSet<i64>,
) -> Result<(), StoreError> {
    for id in ids {
        if let Some(export) = ledger.get(*id) {
            rows::put_listed_export(transaction, keys, *id, export)?;
        }
    }
    Ok(())
}

/// An unlocked database.
struct Unlocked {
    keys: Keys,
    device_key: DeviceKey,
    /// The wrapping secret in force; none in a database of an earlier version.
    wrapping: Option<WrappingSecret>,
    /// The device key is the one an interrupted erasure left as the next.
    by_successor: bool,
    /// The device key is the one in the other place.
    by_former: bool,
    /// The last erasure was interrupted.
    erasing: bool,
}

/// Finds the keys of the database, or makes them when it is new.
fn unlock(
    conn: &mut Connection,
    device_key: &DeviceKey,
    wrapping: &mut Wrapping,
) -> Result<Unlocked, StoreError> {
    let mut rows = Vec::new();
    for table in SECRET_TABLES {
        let row = conn
            .query_row(
                &format!("SELECT secret, key_check, erasing FROM {table}"),
                [],
                |row| {
                    Ok(SecretRow {
                        secret: Zeroizing::new(row.get(0)?),
                        key_check: row.get(1)?,
                        erasing: row.get(2)?,
                    })
                },
            )
            .optional()?;
        rows.extend(row);
    }
    if rows.is_empty() {
        return create_secret(conn, device_key, wrapping);
    }
    let unlocked = unlock_with(&rows, device_key, wrapping);
    Ok(unlocked.ok_or(StoreError::OtherDeviceKey)?.1)
}

/// A row of [`SECRET_TABLES`].
struct SecretRow {
    secret: Zeroizing<Vec<u8>>,
    key_check: Vec<u8>,
    erasing: bool,
}

/// The first of `rows` that opens with one of the device keys there are, and what it
/// opens.
fn unlock_with<'a>(
    rows: &'a [SecretRow],
    device_key: &DeviceKey,
    wrapping: &Wrapping,
) -> Option<(&'a SecretRow, Unlocked)> {
    let secrets: Vec<_> = wrapping.candidates().into_iter().map(Some).collect();
    let former = device_key.former();
    let (successor, former_successor) = (
        device_key.successor(),
        former.and_then(DeviceKey::successor),
    );
    let candidates = [
        (Some(device_key), false, false),
        (successor.as_ref(), true, false),
        (former, false, true),
        (former_successor.as_ref(), true, true),
    ];
    let place = Place::row("secret", SECRET_ID);
    for row in rows {
        for (candidate, by_successor, by_former) in candidates {
            let Some(candidate) = candidate else {
                continue;
            };
            for wrapping in secrets.iter().chain([&None]) {
                let keys = match wrapping {
                    Some(wrapping) => Keys::derive(candidate, &row.secret, wrapping),
                    None => Keys::derive_unwrapped(candidate, &row.secret),
                };
                if keys.check.open(&place, &row.key_check).is_some() {
                    let unlocked = Unlocked {
                        keys,
                        device_key: candidate.clone(),
                        wrapping: wrapping.clone(),
                        by_successor,
                        by_former,
                        erasing: row.erasing,
                    };
                    return Some((row, unlocked));
                }
            }
        }
    }
    None
}

/// What there is while there is no room for a database: one in memory, which holds
/// `consent` alone, and whose keys nobody keeps.
fn homeless(consent: Option<&Consent>) -> Result<(Connection, Keys), StoreError> {
    let device_key = DeviceKey::from_bytes(*seal::random_bytes()?);
    in_memory(&device_key, &seal::random_bytes()?, consent)
}

/// An empty database in memory that opens with `device_key` and `wrapping`.
fn in_memory(
    device_key: &DeviceKey,
    wrapping: &WrappingSecret,
    consent: Option<&Consent>,
) -> Result<(Connection, Keys), StoreError> {
    let mut conn = Connection::open_in_memory()?;
    database::to_latest(&mut conn)?;
    let secret = seal::random_bytes()?;
    let keys = Keys::derive(device_key, secret.as_slice(), wrapping);
    let transaction = conn.transaction()?;
    write_secret(&transaction, &secret, &keys, false)?;
    retention::settle(&transaction, &keys)?;
    rows::ensure_registration(&transaction, &keys)?;
    rows::set_consent(&transaction, &keys, consent)?;
    transaction.commit()?;
    Ok((conn, keys))
}

fn create_secret(
    conn: &mut Connection,
    device_key: &DeviceKey,
    wrapping: &mut Wrapping,
) -> Result<Unlocked, StoreError> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let used: bool = transaction.query_row(
        "SELECT EXISTS (SELECT 1 FROM consent) OR EXISTS (SELECT 1 FROM encounter_key)",
        [],
        |row| row.get(0),
    )?;
    if used || wrapping.was_in_force() {
        // Never put a new secret over data that waits for the old one.
        return Err(StoreError::malformed());
    }
    let in_force = wrapping.prepare()?;
    let secret = seal::random_bytes()?;
    let keys = Keys::derive(device_key, secret.as_slice(), &in_force);
    write_secret(&transaction, &secret, &keys, false)?;
    retention::settle(&transaction, &keys)?;
    transaction.commit()?;
    wrapping.settle(&in_force)?;
    Ok(Unlocked {
        keys,
        device_key: device_key.clone(),
        wrapping: Some(in_force),
        by_successor: false,
        by_former: false,
        erasing: false,
    })
}

/// Writes the database's secret, in the place of the one before.
fn write_secret(
    transaction: &Transaction<'_>,
    secret: &DatabaseSecret,
    keys: &Keys,
    erasing: bool,
) -> Result<(), StoreError> {
    let key_check = keys
        .check
        .seal(&Place::row("secret", SECRET_ID), KEY_CHECK)?;
    for table in SECRET_TABLES {
        transaction.execute(
            &format!(
                "INSERT INTO {table} (id, secret, key_check, erasing) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (id) DO UPDATE SET
                     secret = excluded.secret,
                     key_check = excluded.key_check,
                     erasing = excluded.erasing"
            ),
            params![SECRET_ID, secret.as_slice(), key_check, erasing],
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sesshoku_core::records::CycleSighting;

    use super::*;

    /// A store with agreement, a cycle and a TEK in `dir`, its key in a file.
    fn filled(dir: &Path) -> Store {
        let mut store = Store::open(dir, &DeviceKey::load(dir, None).unwrap()).unwrap();
        let started = UnixSeconds::new(1_600_000_000);
        store
            .append_cycle(&ScanCycle {
                started,
                ended: started,
                previous: None,
                cut_short: false,
                after_gap: false,
                sightings: vec![],
            })
            .unwrap();
        store
            .put_own_key(&OwnKey::generate(
                started.utc_day().first_interval(),
                &mut rand_core::UnwrapErr(getrandom::SysRng),
            ))
            .unwrap();
        store.set_consent(Some(&consent())).unwrap();
        store
    }

    fn consent() -> Consent {
        Consent {
            version: "1".to_owned(),
            agreed_at: UnixSeconds::new(1_600_000_000),
        }
    }

    /// Opens what an interruption left; whether the data is still there.
    fn reopen(dir: &Path) -> bool {
        let store = Store::open(dir, &DeviceKey::load(dir, None).unwrap()).unwrap();
        assert_eq!(store.consent().unwrap(), Some(consent()));
        assert!(!dir.join("device.key.new").exists());
        let erasing: bool = store
            .conn
            .query_row("SELECT erasing FROM secret", [], |row| row.get(0))
            .unwrap();
        assert!(!erasing);
        let tables = ["segment", "encounter_key", "encounter_key_copy", "tek"];
        let rows: Vec<i64> = tables
            .iter()
            .map(|table| {
                let sql = format!("SELECT count(*) FROM {table}");
                store.conn.query_row(&sql, [], |row| row.get(0)).unwrap()
            })
            .collect();
        assert!(rows.iter().all(|count| *count == rows[0]), "{rows:?}");
        let teks = store.own_keys().unwrap().len();
        assert_eq!(i64::try_from(teks).unwrap(), rows[0]);
        rows[0] > 0
    }

    #[test]
    fn an_erasure_interrupted_before_its_commit_did_not_begin() {
        let dir = tempfile::tempdir().unwrap();
        let store = filled(dir.path());
        store.device_key.prepare_successor().unwrap();
        drop(store);
        assert!(reopen(dir.path()));
    }

    #[test]
    fn an_erasure_interrupted_after_its_commit_is_finished() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = filled(dir.path());
        let key_path = dir.path().join("device.key");
        let old_key = std::fs::read(&key_path).unwrap();
        // All of it but putting the next device key in force.
        store.destroy_keys(Some(&consent())).unwrap();
        drop(store);
        std::fs::rename(&key_path, dir.path().join("device.key.new")).unwrap();
        files::create_private(&key_path, &old_key).unwrap();
        assert!(!reopen(dir.path()));
        assert_ne!(std::fs::read(&key_path).unwrap(), old_key);
    }

    #[test]
    fn an_erasure_interrupted_in_the_change_of_keys_is_finished() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = filled(dir.path());
        let key_path = dir.path().join("device.key");
        store.destroy_keys(Some(&consent())).unwrap();
        drop(store);
        // The old key is overwritten, and the next one has not taken its name.
        std::fs::rename(&key_path, dir.path().join("device.key.new")).unwrap();
        files::create_private(&key_path, &[0; 32]).unwrap();
        assert!(!reopen(dir.path()));
    }

    #[test]
    fn an_erasure_interrupted_once_the_keys_are_gone_is_finished() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = filled(dir.path());
        store.destroy_keys(Some(&consent())).unwrap();
        assert_eq!(store.own_keys().unwrap(), [], "nothing opens any more");
        drop(store);
        assert!(!reopen(dir.path()));
    }

    #[test]
    fn a_full_disk_costs_the_cycle_in_flight_alone() {
        let dir = tempfile::tempdir().unwrap();
        let key = DeviceKey::from_bytes([7; 32]);
        let mut store = Store::open(dir.path(), &key).unwrap();
        let cycle = |n: u32| ScanCycle {
            started: UnixSeconds::new(1_600_000_000 + 240 * n),
            ended: UnixSeconds::new(1_600_000_004 + 240 * n),
            previous: None,
            cut_short: false,
            after_gap: false,
            sightings: vec![
                CycleSighting {
                    time: UnixSeconds::new(1_600_000_000 + 240 * n),
                    rpi: gaen::key::Rpi::from_bytes([5; 16]),
                    aem: gaen::key::Aem::from_bytes([5; 4]),
                    rssi: -60,
                };
                100
            ],
        };
        let pages: u32 = store
            .conn
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .unwrap();
        let limit = |store: &Store, pages: u32| {
            store
                .conn
                .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
                .unwrap();
        };
        limit(&store, pages + 20);
        let mut kept = 0;
        let error = loop {
            match store.append_cycle(&cycle(kept)) {
                Ok(_) => kept += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, StoreError::DiskFull), "{error:?}");
        assert!(kept > 3);
        let count = |store: &Store| {
            let report = store
                .for_each_sighting(UnixSeconds::new(0), &mut |_| {})
                .unwrap();
            assert_eq!(report.damaged_segments, 0);
            report.sightings
        };
        assert_eq!(count(&store), u64::from(kept) * 100);

        // It goes on when there is room again, and erasing needs none.
        limit(&store, 1 << 30);
        store.append_cycle(&cycle(kept)).unwrap();
        assert_eq!(count(&store), u64::from(kept + 1) * 100);
        drop(store);
        let mut store = Store::open(dir.path(), &key).unwrap();
        assert_eq!(count(&store), u64::from(kept + 1) * 100);
        limit(&store, 1);
        store.erase().unwrap();
        assert_eq!(count(&store), 0);
    }
}
