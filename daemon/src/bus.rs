//! Reaching a message bus that may not be there.
//!
//! Nothing is asked again and again: the kernel tells when something happens beside
//! the bus's socket (inotify), and a socket that systemd holds open takes a
//! connection at once and keeps it until there is a bus behind it.

use std::fs::File;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{sleep, timeout};
use zbus::Address;
use zbus::address::transport::{Transport, UnixSocket};

use crate::config::Bus;

/// How long a connection may take, with what is asked in it.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(60);
/// Between two tries right after something has happened: a bus makes its socket
/// before it listens on it.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest pause where it is told when something happens; after that there is
/// none but that.
const TOLD_PAUSE_MAX: Duration = Duration::from_secs(5);
/// The longest pause where nothing is told.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Tries `connect` until it succeeds: at once, then in growing pauses, and afresh
/// whenever something happens where the socket of `bus` is.
pub(crate) async fn reach<T, F>(bus: &Bus, mut connect: impl FnMut() -> F) -> T
where
    F: Future<Output = zbus::Result<T>>,
{
    let mut pause = PAUSE_MIN;
    let mut watch = None;
    loop {
        // Before the try, so that nothing happens between the two.
        if watch.is_none() {
            watch = Watch::beside(bus)
                .inspect_err(|error| tracing::debug!(%error, "the bus is looked for by the minute"))
                .ok();
        }
        let error = match timeout(CONNECT_TIME_MAX, connect()).await {
            Ok(Ok(connected)) => return connected,
            Ok(Err(error)) => error,
            Err(_) => continue,
        };
        tracing::debug!(%error, "the bus cannot be reached");
        // Nobody tells when a bus that is there changes its mind.
        let is_gone = matches!(
            error,
            zbus::Error::InputOutput(_) | zbus::Error::Connection(..)
        );
        let is_told = is_gone && watch.is_some() && pause > TOLD_PAUSE_MAX;
        tokio::select! {
            () = happens(&watch) => {
                // The folder may be another one now.
                watch = None;
                pause = PAUSE_MIN;
                sleep(PAUSE_MIN).await;
            }
            () = sleep(pause), if !is_told => pause = (pause * 2).min(PAUSE_MAX),
        }
    }
}

/// A watch on the folder of a bus's socket.
struct Watch(AsyncFd<File>);

impl Watch {
    fn beside(bus: &Bus) -> io::Result<Self> {
        let socket = socket(bus).ok_or(io::ErrorKind::Unsupported)?;
        let dir = socket.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        inotify.add_watch(
            dir,
            AddWatchFlags::IN_CREATE
                | AddWatchFlags::IN_MOVED_TO
                | AddWatchFlags::IN_ATTRIB
                | AddWatchFlags::IN_DELETE_SELF
                | AddWatchFlags::IN_MOVE_SELF
                | AddWatchFlags::IN_ONLYDIR,
        )?;
        let file = File::from(OwnedFd::from(inotify));
        // SAFETY: a `File` owns its descriptor and names the same one for as long as
        // it lives.
        let file = unsafe { AsyncFd::register_with_interest(file, Interest::READABLE) }?;
        Ok(Self(file))
    }
}

/// Resolves when something has happened; never without a watch.
async fn happens(watch: &Option<Watch>) {
    match watch {
        // What has happened does not matter.
        Some(watch) => drop(watch.0.readable().await),
        None => std::future::pending().await,
    }
}

/// The path of the bus's socket, if it has one.
fn socket(bus: &Bus) -> Option<PathBuf> {
    let address = match bus {
        Bus::System => Address::system(),
        Bus::Session => Address::session(),
        Bus::Address(address) => address.parse(),
    };
    let Ok(address) = address else {
        return None;
    };
    let Transport::Unix(unix) = address.transport() else {
        return None;
    };
    let UnixSocket::File(path) = unix.path() else {
        return None;
    };
    Some(path.clone())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn a_bus_is_reached_when_its_socket_comes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bus");
        let bus = Bus::Address(format!("unix:path={}", path.display()));
        let mut listener = None;
        let mut tries = 0;
        let reached = reach(&bus, || {
            tries += 1;
            let is_there = path.exists();
            if tries == 7 {
                // There would be no next try.
                listener = UnixListener::bind(&path).ok();
            }
            let missing = || io::Error::from(io::ErrorKind::NotFound).into();
            async move { is_there.then_some(()).ok_or_else(missing) }
        });
        timeout(Duration::from_secs(45), reached).await.unwrap();
        assert!(listener.is_some());
    }

    #[test]
    fn only_sockets_in_the_file_system_are_watched() {
        let socket = |address: &str| socket(&Bus::Address(address.to_owned()));
        assert_eq!(socket("unix:path=/run/x").unwrap(), PathBuf::from("/run/x"));
        assert_eq!(socket("unix:abstract=x"), None);
        assert_eq!(socket("tcp:host=127.0.0.1,port=1"), None);
        assert_eq!(socket("nonsense"), None);
        let missing = Bus::Address("unix:path=/nonexistent/bus".to_owned());
        assert!(Watch::beside(&missing).is_err());
    }
}
