//! A disk of its own for a state folder: a file mounted as a loop device, or memory.

use std::env;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// What to mount, and what a disk of its kind needs.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// Makes the file system in a file; nothing where there is none.
    mkfs: &'static [&'static str],
    pub(crate) options: &'static str,
    size: u64,
}

pub(crate) const EXT4: Kind = Kind {
    name: "ext4",
    mkfs: &["mkfs.ext4", "-q", "-F", "-b", "4096"],
    options: "loop",
    size: 48 << 20,
};
pub(crate) const JOURNALING_EXT4: Kind = Kind {
    options: "loop,data=journal",
    ..EXT4
};
/// Several of its blocks make a page of memory.
pub(crate) const EXT4_OF_SMALL_BLOCKS: Kind = Kind {
    mkfs: &["mkfs.ext4", "-q", "-F", "-b", "1024"],
    size: 8 << 20,
    ..EXT4
};
pub(crate) const BTRFS: Kind = Kind {
    name: "btrfs",
    mkfs: &["mkfs.btrfs", "-q", "-f"],
    options: "loop",
    size: 128 << 20,
};
/// Where data and what describes it share their room, so that both run out at once.
pub(crate) const MIXED_BTRFS: Kind = Kind {
    mkfs: &[
        "mkfs.btrfs",
        "-q",
        "-f",
        "-M",
        "-m",
        "single",
        "-d",
        "single",
    ],
    size: 120 << 20,
    ..BTRFS
};
pub(crate) const F2FS: Kind = Kind {
    name: "f2fs",
    mkfs: &["mkfs.f2fs", "-q", "-f"],
    options: "loop",
    size: 128 << 20,
};
/// Needs no loop device, which containers do not have.
pub(crate) const TMPFS: Kind = Kind {
    name: "tmpfs",
    mkfs: &[],
    options: "size=2M",
    size: 0,
};

/// A disk of its own with a state folder on it.
pub(crate) struct Disk {
    dir: TempDir,
    mounted: bool,
    kind: &'static Kind,
}

impl Disk {
    /// A new one, or why there can be none here.
    pub(crate) fn new(kind: &'static Kind) -> Result<Self, String> {
        let disk = Self::unmounted(kind);
        let image = File::create(disk.image()).unwrap();
        image.set_len(kind.size).unwrap();
        let path = env::join_paths(
            env::split_paths(&env::var_os("PATH").unwrap_or_default())
                .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")]),
        );
        let path = path.unwrap();
        if let Some((mkfs, flags)) = kind.mkfs.split_first() {
            let made = Command::new("env")
                .env("PATH", path)
                .arg(mkfs)
                .args(flags)
                .arg(disk.image())
                .output()
                .unwrap();
            if !made.status.success() {
                return Err(format!("there is no {mkfs} here"));
            }
        }
        disk.mounted()
            .ok_or_else(|| format!("{} cannot be mounted from a file here", kind.name))
    }

    /// One that is a copy of `image`, as a machine finds it after a power cut.
    pub(crate) fn found(kind: &'static Kind, image: &[u8]) -> Self {
        let disk = Self::unmounted(kind);
        fs::write(disk.image(), image).unwrap();
        disk.mounted().expect("mountable as the one before")
    }

    fn unmounted(kind: &'static Kind) -> Self {
        let disk = Self {
            dir: tempfile::tempdir().unwrap(),
            mounted: false,
            kind,
        };
        fs::create_dir(disk.mount_point()).unwrap();
        disk
    }

    pub(crate) fn mounted(mut self) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", self.kind.name, "-o", self.kind.options])
            .arg(self.image())
            .arg(self.mount_point())
            .output()
            .is_ok_and(|output| output.status.success());
        self.mounted = mounted;
        mounted.then_some(self)
    }

    pub(crate) fn image(&self) -> PathBuf {
        self.dir.path().join("image")
    }

    fn mount_point(&self) -> PathBuf {
        self.dir.path().join("disk")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.mount_point().join("sesshoku")
    }

    /// Every byte that has reached the disk by now.
    pub(crate) fn contents(&self) -> Vec<u8> {
        fs::read(self.image()).unwrap()
    }

    /// Takes all the room there is.
    pub(crate) fn fill(&self) {
        let path = self.mount_point().join("others");
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        for size in [1 << 20, 4096, 1024, 1] {
            let chunk = vec![0x5a; size];
            // Down to the disk: else room would be found missing only later.
            let mut write = || file.write_all(&chunk).and_then(|()| file.sync_data());
            loop {
                match write() {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }

    /// Gives back `bytes` of what [`Disk::fill`] took.
    pub(crate) fn give_back(&self, bytes: u64) {
        let path = self.mount_point().join("others");
        let file = File::options().write(true).open(&path).unwrap();
        let length = file.metadata().unwrap().len();
        let cut = file.set_len(length.saturating_sub(bytes));
        match cut.and_then(|()| file.sync_all()) {
            Ok(()) => {}
            // Not even that can be noted; taking the file away always can.
            Err(error) if error.kind() == ErrorKind::StorageFull => {
                fs::remove_file(path).unwrap();
                self.sync();
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn sync(&self) {
        nix::unistd::syncfs(File::open(self.mount_point()).unwrap()).unwrap();
    }

    /// Has the file system, an ext4, treat itself as failing: it writes nothing any more.
    pub(crate) fn fail(&self) {
        let failed = Command::new("mount")
            .args(["-o", "remount,abort"])
            .arg(self.mount_point())
            .status();
        assert!(failed.is_ok_and(|status| status.success()));
    }

    pub(crate) fn unmount(&mut self) {
        if !std::mem::replace(&mut self.mounted, false) {
            return;
        }
        // It is busy for as long as a program that another test is about to start has the
        // descriptors of this one, which is until it runs.
        let deadline = Instant::now() + Duration::from_secs(30);
        let unmount = || Command::new("umount").arg(self.mount_point()).status();
        while !unmount().is_ok_and(|status| status.success()) {
            assert!(Instant::now() < deadline, "it stays busy");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.unmount();
    }
}
