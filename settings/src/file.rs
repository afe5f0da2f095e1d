//! Files that somebody names, within bounds: neither an endless one, such as
//! `/dev/zero`, nor a pipe that nobody writes to holds a program up for long.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

/// Longest file of settings, keys, certificates or secrets, in bytes.
pub const MAX_TEXT: u64 = 1024 * 1024;
/// Longest Bluetooth log, in bytes; phones begin a new one earlier.
pub const MAX_LOG: u64 = 256 * 1024 * 1024;

/// How long a named pipe that nobody writes to is waited for.
pub const WRITER_WAIT: Duration = Duration::from_secs(10);

/// Opens a file for reading. A named pipe is waited for until somebody writes to it, at
/// most [`WRITER_WAIT`]: as good as empty it is not, for what is in it may be what
/// everything hangs on.
///
/// # Errors
/// When it cannot be opened; [`io::ErrorKind::TimedOut`] when nobody writes to the pipe.
pub fn open(path: &Path) -> io::Result<File> {
    open_within(path, WRITER_WAIT)
}

fn open_within(path: &Path, wait: Duration) -> io::Result<File> {
    let is_pipe = |file: &Metadata| file.file_type().is_fifo();
    if is_pipe(&std::fs::metadata(path)?) {
        return open_pipe(path, wait);
    }
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(path)?;
    // It has become one just now: nothing can be said of who writes to it.
    if is_pipe(&file.metadata()?) {
        return Err(nobody_writes());
    }
    let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
    fcntl(&file, FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK))?;
    Ok(file)
}

/// Opens a named pipe. Only that must not wait for ever: who does write to a pipe has all
/// the time.
fn open_pipe(path: &Path, wait: Duration) -> io::Result<File> {
    let (sender, opened) = mpsc::channel();
    let pipe = path.to_owned();
    std::thread::spawn(move || {
        let _ = sender.send(File::open(pipe));
    });
    opened.recv_timeout(wait).unwrap_or_else(|_| {
        // As somebody who writes, this lets the thread come to its end. Where it may not,
        // the thread stays until the program ends.
        let _ = OpenOptions::new()
            .write(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(path);
        Err(nobody_writes())
    })
}

fn nobody_writes() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "nobody writes to this pipe")
}

/// A file of which no more than so many bytes are read.
#[derive(Debug)]
pub struct Bounded {
    file: File,
    limit: u64,
    left: u64,
}

impl Bounded {
    /// Opens a file of at most `limit` bytes. As far as that is not known before, reading
    /// tells whether it is longer.
    ///
    /// # Errors
    /// When it cannot be opened; [`io::ErrorKind::FileTooLarge`] when it is longer.
    pub fn open(path: &Path, limit: u64) -> io::Result<Self> {
        let file = open(path)?;
        // The length of what is no ordinary file is 0.
        if file.metadata()?.len() > limit {
            return Err(too_long(limit));
        }
        let left = limit;
        Ok(Self { file, limit, left })
    }

    /// Whether it is an ordinary file, which nobody has to write to while it is read.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn is_ordinary(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.is_file())
    }
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !buffer.is_empty() {
            return match self.file.read(&mut [0])? {
                0 => Ok(0),
                _ => Err(too_long(self.limit)),
            };
        }
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = self.file.read(&mut buffer[..most])?;
        self.left = self
            .left
            .saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

/// All of a file of at most `limit` bytes.
///
/// # Errors
/// When it cannot be read; [`io::ErrorKind::FileTooLarge`] when it is longer.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut file = Bounded::open(path, limit)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
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
    fn what_is_longer_than_it_seemed_is_noticed_at_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "1234").unwrap();
        assert!(Bounded::open(&path, 3).is_err());
        let mut file = Bounded::open(&path, 4).unwrap();
        assert!(file.is_ordinary().unwrap());
        let mut appending = OpenOptions::new().append(true).open(&path).unwrap();
        io::Write::write_all(&mut appending, b"5").unwrap();
        let mut bytes = [0; 8];
        assert_eq!(file.read(&mut bytes[..3]).unwrap(), 3);
        assert_eq!(file.read(&mut bytes[3..]).unwrap(), 1);
        let error = file.read(&mut bytes[4..]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(bytes, *b"1234\0\0\0\0");
        let endless = Bounded::open(Path::new("/dev/zero"), 4).unwrap();
        assert!(!endless.is_ordinary().unwrap());
    }

    #[test]
    fn what_has_no_end_is_too_long() {
        let error = read(Path::new("/dev/zero"), 1000).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_pipe_without_a_writer_is_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        let error = open_within(&path, Duration::from_millis(1)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "nobody writes to this pipe");
    }

    #[test]
    fn a_pipe_whose_writer_comes_later_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        let reader = {
            let path = path.clone();
            std::thread::spawn(move || read(&path, 10).unwrap())
        };
        // Waits for the reader.
        let mut writer = OpenOptions::new().write(true).open(&path).unwrap();
        io::Write::write_all(&mut writer, b"late").unwrap();
        drop(writer);
        assert_eq!(reader.join().unwrap(), b"late");
    }
}
