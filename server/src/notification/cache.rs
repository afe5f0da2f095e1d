//! Files in memory, so that one that many ask for is read once.
//!
//! Each file takes its part of a bound until the last answer that it goes out with is
//! sent: what slow clients still receive counts as much as what is kept. Where a file does
//! not fit, those that nobody is receiving make room, the longest unused first; where
//! there are none, it is not kept, and goes out as it is read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use object_store::ObjectMeta;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const KIB: usize = 1024;
/// From how many names on those that nobody is reading are cleared away.
const READING_MANY: usize = 64;

/// Files in memory.
#[derive(Debug)]
pub(super) struct Cache {
    kib_max: usize,
    room: Arc<Semaphore>,
    kept: Mutex<Kept>,
    /// Who is reading a file, so that nobody else reads it meanwhile.
    reading: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

#[derive(Debug, Default)]
struct Kept {
    files: HashMap<String, Slot>,
    /// Grows with each use.
    now: u64,
}

#[derive(Debug)]
struct Slot {
    file: Arc<File>,
    /// When the file was last seen where it comes from.
    seen: Instant,
    used: u64,
}

/// A whole file in memory.
#[derive(Debug)]
pub(super) struct File {
    pub(super) meta: ObjectMeta,
    content: Bytes,
    room: OwnedSemaphorePermit,
}

/// Room for one file.
#[derive(Debug)]
pub(super) struct Room(OwnedSemaphorePermit);

/// A file's content, which keeps its room as long as any of it is to be sent.
struct Sending(Arc<File>);

impl AsRef<[u8]> for Sending {
    fn as_ref(&self) -> &[u8] {
        &self.0.content
    }
}

impl File {
    /// All of the file.
    pub(super) fn content(self: &Arc<Self>) -> Bytes {
        Bytes::from_owner(Sending(Arc::clone(self)))
    }

    fn is(&self, meta: &ObjectMeta) -> bool {
        self.meta.e_tag == meta.e_tag
            && self.meta.last_modified == meta.last_modified
            && self.meta.size == meta.size
    }

    fn kib(&self) -> usize {
        self.room.num_permits()
    }
}

impl Cache {
    /// For `max_bytes` of all files together; 0 keeps none.
    pub(super) fn new(max_bytes: usize) -> Self {
        let kib_max = max_bytes / KIB;
        Self {
            kib_max,
            room: Arc::new(Semaphore::new(kib_max)),
            kept: Mutex::default(),
            reading: Mutex::default(),
        }
    }

    /// The file `name`, if it was seen within `staleness`.
    pub(super) fn fresh(&self, name: &str, staleness: Duration) -> Option<Arc<File>> {
        let mut kept = self.kept();
        let slot = kept.use_slot(name)?;
        (slot.seen.elapsed() < staleness).then(|| Arc::clone(&slot.file))
    }

    /// The file `name`, which was seen just now, if what is kept is the same.
    pub(super) fn same(&self, name: &str, meta: &ObjectMeta) -> Option<Arc<File>> {
        let mut kept = self.kept();
        let slot = kept.use_slot(name)?;
        if !slot.file.is(meta) {
            return None;
        }
        slot.seen = Instant::now();
        Some(Arc::clone(&slot.file))
    }

    /// Waits until nobody else reads the file `name`.
    pub(super) fn turn(&self, name: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = reading.get(name).and_then(Weak::upgrade) {
            return turn;
        }
        if reading.len() >= READING_MANY {
            reading.retain(|_, turn| turn.strong_count() > 0);
        }
        let turn = Arc::default();
        reading.insert(name.to_owned(), Arc::downgrade(&turn));
        turn
    }

    /// Room for a file of `len` bytes, which others are dropped for.
    pub(super) fn reserve(&self, len: u64) -> Option<Room> {
        let kib = usize::try_from(len).ok()?.div_ceil(KIB).max(1);
        if kib > self.kib_max {
            return None;
        }
        let mut kept = self.kept();
        let unused = kept.unused();
        let dropped: usize = unused.iter().map(|(_, _, kib)| kib).sum();
        if self.room.available_permits() + dropped < kib {
            return None;
        }
        for (_, name, _) in unused {
            if self.room.available_permits() >= kib {
                break;
            }
            kept.files.remove(&name);
        }
        let kib = u32::try_from(kib).ok()?;
        let room = Arc::clone(&self.room).try_acquire_many_owned(kib);
        room.ok().map(Room)
    }

    /// Keeps a file that was read just now.
    pub(super) fn keep(
        &self,
        name: &str,
        meta: ObjectMeta,
        content: Bytes,
        room: Room,
    ) -> Arc<File> {
        let file = Arc::new(File {
            meta,
            content,
            room: room.0,
        });
        let mut kept = self.kept();
        kept.now += 1;
        let slot = Slot {
            file: Arc::clone(&file),
            seen: Instant::now(),
            used: kept.now,
        };
        kept.files.insert(name.to_owned(), slot);
        file
    }

    /// Drops the file `name`, which is not what it was, or not there any more.
    pub(super) fn forget(&self, name: &str) {
        self.kept().files.remove(name);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn use_slot(&mut self, name: &str) -> Option<&mut Slot> {
        self.now += 1;
        let slot = self.files.get_mut(name)?;
        slot.used = self.now;
        Some(slot)
    }

    /// The files that nobody is receiving, the longest unused first: when they were used,
    /// their names and sizes.
    fn unused(&self) -> Vec<(u64, String, usize)> {
        let files = self.files.iter();
        let mut unused: Vec<_> = files
            .filter(|(_, slot)| Arc::strong_count(&slot.file) == 1)
            .map(|(name, slot)| (slot.used, name.clone(), slot.file.kib()))
            .collect();
        unused.sort_unstable();
        unused
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use futures_util::future::join_all;
    use tempfile::TempDir;

    use super::*;
    use crate::notification::blobs::{Blobs, Found};
    use crate::notification::config::Storage;

    const NAME: &str = "c19r/440/1.zip";
    const MINUTE: Duration = Duration::from_secs(60);

    /// Files in a folder, of which `max_bytes` may be in memory.
    fn blobs(dir: &TempDir, max_bytes: usize) -> Blobs {
        let storage = Storage::Folder {
            dir: dir.path().to_owned(),
        };
        Blobs::open(&storage, max_bytes).unwrap()
    }

    fn path(dir: &TempDir) -> PathBuf {
        dir.path().join(NAME)
    }

    async fn cached(blobs: &Blobs, name: &str, staleness: Duration) -> Option<Arc<File>> {
        match blobs.find(name, staleness).await.unwrap()? {
            Found::Cached(file) => Some(file),
            Found::Uncached(meta) => panic!("{name} of {} bytes is not kept", meta.size),
        }
    }

    /// Lets time pass for what is kept.
    fn pass(blobs: &Blobs, time: Duration) {
        for slot in blobs.cache().kept().files.values_mut() {
            slot.seen = slot.seen.checked_sub(time).unwrap();
        }
    }

    #[tokio::test]
    async fn a_file_that_many_ask_for_at_once_is_read_once() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = blobs(&dir, 1 << 20);
        blobs.put(NAME, vec![7; 600_000]).await.unwrap();
        let files = join_all((0..50).map(|_| cached(&blobs, NAME, MINUTE))).await;
        let first = files[0].clone().unwrap();
        assert_eq!(first.content(), vec![7; 600_000]);
        for file in files {
            assert!(Arc::ptr_eq(&file.unwrap(), &first));
        }
    }

    #[tokio::test]
    async fn a_file_that_another_process_deletes_is_gone_after_a_minute() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = blobs(&dir, 1 << 20);
        blobs.put(NAME, vec![1; 10]).await.unwrap();
        let file = cached(&blobs, NAME, MINUTE).await.unwrap();
        // It is looked at each minute, and kept while it is the same.
        for _ in 0..3 {
            pass(&blobs, MINUTE);
            let again = cached(&blobs, NAME, MINUTE).await.unwrap();
            assert!(Arc::ptr_eq(&again, &file));
        }
        fs::remove_file(path(&dir)).unwrap();
        assert!(cached(&blobs, NAME, MINUTE).await.is_some());
        pass(&blobs, MINUTE);
        assert!(cached(&blobs, NAME, MINUTE).await.is_none());
        assert!(blobs.cache().fresh(NAME, Duration::MAX).is_none());
        drop(file);
        assert_eq!(blobs.cache().room.available_permits(), 1 << 10);
    }

    #[tokio::test]
    async fn a_file_that_this_process_changes_or_deletes_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = blobs(&dir, 1 << 20);
        // Whoever makes exports has the files by another handle.
        let exporter = blobs.clone();
        exporter.put(NAME, vec![1; 10]).await.unwrap();
        assert!(cached(&blobs, NAME, MINUTE).await.is_some());
        exporter.put(NAME, vec![2; 10]).await.unwrap();
        let changed = cached(&blobs, NAME, MINUTE).await.unwrap();
        assert_eq!(changed.content(), vec![2; 10]);
        exporter.delete(NAME).await.unwrap();
        assert!(cached(&blobs, NAME, MINUTE).await.is_none());
    }

    #[tokio::test]
    async fn what_may_not_be_stale_is_looked_at_each_time() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = blobs(&dir, 1 << 20);
        blobs.put(NAME, b"[]".to_vec()).await.unwrap();
        let first = cached(&blobs, NAME, Duration::ZERO).await.unwrap();
        let again = cached(&blobs, NAME, Duration::ZERO).await.unwrap();
        assert!(Arc::ptr_eq(&first, &again), "its content is not read again");
        // As another process does: written beside it, and renamed.
        let beside = dir.path().join("beside");
        fs::write(&beside, b"[1]").unwrap();
        fs::rename(beside, path(&dir)).unwrap();
        let changed = cached(&blobs, NAME, Duration::ZERO).await.unwrap();
        assert_eq!(changed.content(), b"[1]".to_vec());
        fs::remove_file(path(&dir)).unwrap();
        assert!(cached(&blobs, NAME, Duration::ZERO).await.is_none());
    }

    #[tokio::test]
    async fn all_files_take_no_more_than_the_bound_and_those_in_use_count() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = blobs(&dir, 100 * KIB);
        let names: Vec<String> = (1..=5).map(|number| format!("{number}.zip")).collect();
        for name in &names {
            blobs.put(name, vec![1; 40 * KIB]).await.unwrap();
        }
        let is_kept = |name: &String| blobs.cache().kept().files.contains_key(name);
        let room = || blobs.cache().room.available_permits();
        cached(&blobs, &names[0], MINUTE).await.unwrap();
        cached(&blobs, &names[1], MINUTE).await.unwrap();
        cached(&blobs, &names[0], MINUTE).await.unwrap();
        assert_eq!(room(), 20);
        // The longest unused makes room.
        cached(&blobs, &names[2], MINUTE).await.unwrap();
        assert_eq!(room(), 20);
        assert!(is_kept(&names[0]) && !is_kept(&names[1]) && is_kept(&names[2]));

        // What is being sent does not, and is no less in memory if it is forgotten.
        let sending = cached(&blobs, &names[0], MINUTE).await.unwrap().content();
        let other = cached(&blobs, &names[2], MINUTE).await.unwrap();
        let slice = other.content().slice(..10);
        drop(other);
        blobs.cache().forget(&names[2]);
        assert_eq!(room(), 20);
        for name in &names[3..] {
            let found = blobs.find(name, MINUTE).await.unwrap();
            assert!(matches!(found, Some(Found::Uncached(_))));
        }
        assert!(is_kept(&names[0]), "nothing is dropped in vain");
        drop(slice);
        cached(&blobs, &names[3], MINUTE).await.unwrap();
        assert_eq!(room(), 20);
        assert_eq!(sending, vec![1; 40 * KIB]);
        drop(sending);

        // What never fits is never kept, and drops nothing.
        blobs.put("large.zip", vec![1; 101 * KIB]).await.unwrap();
        let found = blobs.find("large.zip", MINUTE).await.unwrap();
        assert!(matches!(found, Some(Found::Uncached(_))));
        assert!(is_kept(&names[0]) && is_kept(&names[3]));
    }

    #[tokio::test]
    async fn asking_for_what_is_not_there_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = blobs(&dir, 1 << 20);
        for number in 0..1_000 {
            let name = format!("c19r/440/{number}.zip");
            assert!(cached(&blobs, &name, MINUTE).await.is_none());
            // Who hangs up while reading leaves a turn that nobody takes.
            drop(blobs.cache().turn(&name));
        }
        assert!(blobs.cache().kept().files.is_empty());
        assert!(blobs.cache().reading.lock().unwrap().len() <= READING_MANY);
    }
}
