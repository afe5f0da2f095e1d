//! Files that somebody names, within bounds: neither an endless one, such as
//! `/dev/zero`, nor a pipe that nobody writes to holds a program up.

use std::convert::Infallible;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

/// Longest file of settings, keys, certificates or secrets, in bytes.
pub const MAX_TEXT: u64 = 1024 * 1024;
/// Longest Bluetooth log, in bytes; phones begin a new one earlier.
pub const MAX_LOG: u64 = 256 * 1024 * 1024;

/// Opens a file for reading. A named pipe without a writer is as good as empty.
///
/// # Errors
/// When it cannot be opened.
pub fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(path)?;
    // Only opening must not wait: who does write into a pipe has all the time.
    let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
    fcntl(&file, FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK))?;
    Ok(file)
}

/// All of a file of at most `limit` bytes.
///
/// # Errors
/// When it cannot be read; [`io::ErrorKind::FileTooLarge`] when it is longer.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let read = read_headed(path, limit, 0, |_| Ok::<(), Infallible>(()))?;
    let Ok(bytes) = read;
    Ok(bytes)
}

/// As [`read`], but no further than the first `head` bytes if `judge`, which is shown
/// them, finds that this is not the kind of file it should be. There are less where the
/// file is shorter.
///
/// # Errors
/// As [`read`]; what `judge` says is the inner result.
pub fn read_headed<E>(
    path: &Path,
    limit: u64,
    head: u64,
    judge: impl FnOnce(&[u8]) -> Result<(), E>,
) -> io::Result<Result<Vec<u8>, E>> {
    let mut file = open(path)?;
    let most = limit.saturating_add(1);
    // The length of what is no ordinary file is 0.
    let length = file.metadata()?.len();
    let expected = if length > limit { head } else { length };
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
    (&mut file).take(head.min(most)).read_to_end(&mut bytes)?;
    if let Err(error) = judge(&bytes) {
        return Ok(Err(error));
    }
    if length > limit {
        return Err(too_long(limit));
    }
    file.take(most.saturating_sub(head))
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len <= limit) {
        Ok(Ok(bytes))
    } else {
        Err(too_long(limit))
    }
}

/// All of a file of at most [`MAX_TEXT`] bytes, as text.
///
/// # Errors
/// As [`read`], and when it is not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path, MAX_TEXT)?)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// What is wrong with a file that is longer than `limit` bytes.
pub fn too_long(limit: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        format!("longer than {limit} bytes"),
    )
}

#[cfg(test)]
mod tests {
    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "1234").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"1234");
        let error = read(&path, 3).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(error.to_string(), "longer than 3 bytes");
        assert_eq!(read_text(&path).unwrap(), "1234");
        std::fs::write(&path, [0xff]).unwrap();
        assert!(read_text(&path).is_err());
        assert!(read(&dir.path().join("missing"), 1).is_err());
    }

    #[test]
    fn what_begins_wrong_is_not_read_on() {
        let path = Path::new("/dev/zero");
        let judge = |head: &[u8]| Err::<(), usize>(head.len());
        let judged = read_headed(path, u64::MAX, 16, judge).unwrap();
        assert_eq!(judged, Err(16));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "1234").unwrap();
        for head in 0..6 {
            let judge = |it: &[u8]| {
                assert_eq!(it, &b"1234"[..usize::try_from(head.min(4)).unwrap()]);
                Ok::<(), ()>(())
            };
            let read = read_headed(&path, 4, head, judge).unwrap();
            assert_eq!(read.unwrap(), b"1234");
            let too_long = read_headed(&path, 3, head, |_| Ok::<(), ()>(()));
            assert!(too_long.is_err(), "{head}");
        }
    }

    #[test]
    fn what_has_no_end_is_too_long() {
        let error = read(Path::new("/dev/zero"), 1000).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_pipe_without_a_writer_is_empty_and_one_with_a_writer_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        assert_eq!(read(&path, 10).unwrap(), b"");
        let opened = open(&path).unwrap();
        let mut writer = OpenOptions::new().write(true).open(&path).unwrap();
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            (&opened).read_to_end(&mut bytes).unwrap();
            bytes
        });
        io::Write::write_all(&mut writer, b"late").unwrap();
        drop(writer);
        assert_eq!(reader.join().unwrap(), b"late");
    }
}
