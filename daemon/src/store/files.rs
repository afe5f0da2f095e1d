//! Files that only the daemon may read, written so that a power cut leaves
//! either the old or the new one.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use super::medium;

/// Access for the owner alone, to a file.
pub(super) const PRIVATE_FILE: u32 = 0o600;
/// Access for the owner alone, to a folder.
const PRIVATE_DIR: u32 = 0o700;
/// The mode bits that let anyone but the owner in.
const NOT_OWNER: u32 = 0o077;

/// Creates `dir` and its missing parents, and closes it to everyone else.
pub(super) fn ensure_private_dir(dir: &Path) -> io::Result<()> {
    if !dir.is_dir() {
        DirBuilder::new()
            .recursive(true)
            .mode(PRIVATE_DIR)
            .create(dir)?;
    }
    // So are the files that will be made in it.
    medium::write_in_place(&File::open(dir)?);
    if is_open_to_others(&fs::metadata(dir)?) {
        fs::set_permissions(dir, fs::Permissions::from_mode(PRIVATE_DIR))?;
    }
    Ok(())
}

/// Whether anyone but the owner may use the file.
pub(super) fn is_open_to_others(metadata: &fs::Metadata) -> bool {
    metadata.mode() & NOT_OWNER != 0
}

/// Creates `path` for the owner alone and writes `contents` down to the disk.
/// Fails when it exists.
pub(super) fn create_private(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE_FILE)
        .open(path)?;
    file.write_all(contents)?;
    file.sync_all()
}

/// Writes `contents` over those of the file at `path`, or makes it. Where the file
/// system writes in place and the file is long enough, that needs no room. Interrupted,
/// it leaves neither the one nor the other.
pub(super) fn write_over(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(PRIVATE_FILE)
        .open(path)?;
    if !overwrite_if_in_place(&mut file)? {
        file.set_len(0)?;
        file.sync_all()?;
    }
    file.seek(SeekFrom::Start(0))?;
    file.write_all(contents)?;
    file.set_len(u64::try_from(contents.len()).unwrap_or(u64::MAX))?;
    file.sync_all()
}

/// Reads at most `limit` bytes of `file`.
pub(super) fn read_at_most(file: &File, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // Room for everything, so that no reallocation leaves a copy behind.
    let mut contents = Zeroizing::new(Vec::with_capacity(
        usize::try_from(limit).map_or(0, |limit| limit.saturating_add(1)),
    ));
    file.take(limit).read_to_end(&mut contents)?;
    Ok(contents)
}

/// Writes the folder's own entries (created, renamed, removed files) to the disk.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Replaces a file's contents by zeros, down to the disk.
///
/// On a file system that writes in place the old contents are gone afterwards. A
/// copy-on-write file system or a flash translation layer may keep them for a
/// while; nothing a program can do reaches those.
pub(super) fn overwrite(file: &mut File) -> io::Result<()> {
    const ZEROS: [u8; 8192] = [0; 8192];
    let mut left = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(0))?;
    while left > 0 {
        let chunk = usize::try_from(left).map_or(ZEROS.len(), |left| left.min(ZEROS.len()));
        file.write_all(&ZEROS[..chunk])?;
        left = left.saturating_sub(u64::try_from(chunk).unwrap_or(left));
    }
    file.sync_all()
}

/// [`overwrite`]s, and returns whether there was room for that: a copy-on-write file
/// system needs some, and there nothing is overwritten by it anyway.
fn overwrite_if_in_place(file: &mut File) -> io::Result<bool> {
    match overwrite(file) {
        Ok(()) => Ok(true),
        Err(error) if is_full(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether `error` means that there is no room.
pub(super) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

/// [`overwrite`]s, empties and removes `path`; that it is not there is fine.
pub(super) fn destroy(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).open(path) {
        Ok(mut file) => {
            overwrite_if_in_place(&mut file)?;
            // Gives the room back even while someone has the file open. A full
            // copy-on-write file system may not even do that.
            match file.set_len(0) {
                Err(error) if !is_full(&error) => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    remove(path)
}

/// Removes `path`; that it is not there is fine.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
