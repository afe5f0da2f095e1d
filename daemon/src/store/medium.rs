//! Whether what is written over something takes its place on the disk.
//!
//! File systems that write in place do that, so long as the data does not go through
//! their journal. Those that copy on write keep what was there before; btrfs writes a
//! file in place when it is told to before the file has contents, and no snapshot is
//! taken.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

use nix::libc;
use nix::sys::statfs::{FsType, fstatfs};
use sesshoku_core::status::OverwriteDoubt;

/// `FS_NOCOW_FL` of linux/fs.h: written in place, without checksums.
const NO_COPY_ON_WRITE: libc::c_long = 0x0080_0000;
/// `FS_JOURNAL_DATA_FL` of linux/fs.h: contents go through the journal.
const JOURNAL_DATA: libc::c_long = 0x0000_4000;

// Of linux/magic.h, and of f2fs, which writes every page to a new place.
const EXT4: FsType = nix::sys::statfs::EXT4_SUPER_MAGIC;
const XFS: FsType = nix::sys::statfs::XFS_SUPER_MAGIC;
const TMPFS: FsType = nix::sys::statfs::TMPFS_MAGIC;
const BTRFS: FsType = nix::sys::statfs::BTRFS_SUPER_MAGIC;

/// Has `file`, which is empty, written in place where the file system can be told so; of a
/// folder, the files that are made in it from now on.
/// [`doubt`] says whether it is.
pub(super) fn write_in_place(file: &File) {
    let (Ok(BTRFS), Some(flags)) = (file_system(file), flags(file)) else {
        return;
    };
    let flags = flags | NO_COPY_ON_WRITE;
    // SAFETY: the descriptor is open, and the kernel reads one integer from behind the
    // pointer.
    let _ = unsafe { libc::ioctl(file.as_raw_fd(), libc::FS_IOC_SETFLAGS, &raw const flags) };
}

/// Why what is overwritten in `file` may still be on the disk; `None` when it is gone, as
/// far as the file system goes.
pub(super) fn doubt(file: &File) -> Option<OverwriteDoubt> {
    let flags = flags(file).unwrap_or(0);
    match file_system(file) {
        Ok(EXT4) if flags & JOURNAL_DATA != 0 || is_mounted_with(file, "data=journal") => {
            Some(OverwriteDoubt::Journal)
        }
        Ok(EXT4 | XFS | TMPFS) => None,
        Ok(BTRFS) if flags & NO_COPY_ON_WRITE != 0 => None,
        Ok(BTRFS) => Some(OverwriteDoubt::CopyOnWrite),
        Ok(_) | Err(_) => Some(OverwriteDoubt::FileSystem),
    }
}

fn file_system(file: &File) -> nix::Result<FsType> {
    fstatfs(file).map(|found| found.filesystem_type())
}

/// The inode flags of `file`, where its file system has some.
fn flags(file: &File) -> Option<libc::c_long> {
    let mut flags: libc::c_long = 0;
    // SAFETY: the descriptor is open, and the kernel writes at most one integer of this
    // size behind the pointer.
    let done = unsafe { libc::ioctl(file.as_raw_fd(), libc::FS_IOC_GETFLAGS, &raw mut flags) };
    (done == 0).then_some(flags)
}

/// Whether the file system of `file` is mounted with `option`.
fn is_mounted_with(file: &File, option: &str) -> bool {
    let (Ok(metadata), Ok(mounts)) = (file.metadata(), fs::read_to_string("/proc/self/mountinfo"))
    else {
        return false;
    };
    let device = format!(
        "{}:{}",
        libc::major(metadata.dev()),
        libc::minor(metadata.dev())
    );
    // proc(5): number, parent, device, root, mount point, …; the file system's own
    // options are the last field.
    mounts.lines().any(|line| {
        line.split(' ').nth(2) == Some(device.as_str())
            && line
                .rsplit(' ')
                .next()
                .is_some_and(|options| options.split(',').any(|found| found == option))
    })
}
