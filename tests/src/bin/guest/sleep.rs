//! The machine is suspended, by its kernel, and woken.

use std::fs::{self, File};
use std::io::{PipeReader, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::time::{ClockId, clock_gettime};
use sesshoku_tests::guest::Guest;
use sesshoku_tests::local::wait_for;
use sesshoku_tests::setup::suspending_path;
use tokio::sync::mpsc;
use zbus::object_server::SignalEmitter;

use crate::device::{Device, MINUTE, pass};

const LOGIND_PATH: &str = "/org/freedesktop/login1";

/// A logind announces each suspend and waits for whoever holds it back; the kernel
/// does the rest.
pub(crate) fn is_suspended(guest: &mut Guest) -> Result<()> {
    let logind = Logind::start()?;
    let device = Device::start("hci0", "")?;
    for _ in 0..3 {
        pass(MINUTE * 6);
        logind.announce(true)?;
        logind.wait_for_locks()?;
        guest.air("mark suspend")?;
        let slept = suspend(guest)?;
        ensure!(slept > MINUTE * 20, "it slept for {slept:?} only");
        guest.air("mark resume")?;
        logind.announce(false)?;
        device.wait_until_it_runs()?;
    }
    pass(MINUTE);
    device.end(&guest.shared_dir().join("sesshokud.log"))?;
    Ok(())
}

/// Suspends the kernel until the host wakes it. Returns how long that was.
fn suspend(guest: &Guest) -> Result<Duration> {
    let boot_time = || Ok::<_, nix::Error>(Duration::from(clock_gettime(ClockId::CLOCK_BOOTTIME)?));
    let before = boot_time()?;
    let sign = suspending_path(guest.shared_dir());
    fs::write(&sign, "")?;
    let state = File::options().write(true).open("/sys/power/state");
    state
        .and_then(|mut state| state.write_all(b"freeze"))
        .context("the kernel does not suspend")?;
    fs::remove_file(&sign)?;
    Ok(boot_time()? - before)
}

/// What a logind does for who wants to know of sleep.
struct Logind {
    announcements: mpsc::UnboundedSender<bool>,
    locks: Locks,
}

type Locks = Arc<Mutex<Vec<PipeReader>>>;

impl Logind {
    fn start() -> Result<Self> {
        let (announcements, mut announced) = mpsc::unbounded_channel();
        let locks = Locks::default();
        let manager = Manager(Arc::clone(&locks));
        let (ready, is_ready) = std::sync::mpsc::channel();
        thread::spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let connection = zbus::connection::Builder::system()
                    .serve_at(LOGIND_PATH, manager)
                    .name("org.freedesktop.login1")
                    .build()
                    .await?;
                ready.send(())?;
                let emitter = SignalEmitter::new(&connection, LOGIND_PATH)?;
                while let Some(start) = announced.recv().await {
                    Manager::prepare_for_sleep(&emitter, start).await?;
                }
                Ok(())
            })
        });
        is_ready
            .recv()
            .context("the name of logind is not to be had")?;
        Ok(Self {
            announcements,
            locks,
        })
    }

    fn announce(&self, start: bool) -> Result<()> {
        Ok(self.announcements.send(start)?)
    }

    /// Waits until nobody holds the suspend back.
    fn wait_for_locks(&self) -> Result<()> {
        let locks = wait_for("somebody to hold it back", || {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            Ok((!locks.is_empty()).then(|| std::mem::take(&mut *locks)))
        })?;
        for mut lock in locks {
            lock.read_to_end(&mut Vec::new())?;
        }
        Ok(())
    }
}

struct Manager(Locks);

#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Manager {
    fn inhibit(
        &self,
        _what: String,
        _who: String,
        _why: String,
        _mode: String,
    ) -> zbus::fdo::Result<zbus::OwnedFd> {
        let (reader, writer) =
            std::io::pipe().map_err(|error| zbus::fdo::Error::Failed(error.to_string()))?;
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        locks.push(reader);
        Ok(OwnedFd::from(writer).into())
    }

    #[zbus(property)]
    fn idle_hint(&self) -> bool {
        false
    }

    #[zbus(signal)]
    async fn prepare_for_sleep(emitter: &SignalEmitter<'_>, start: bool) -> zbus::Result<()>;
}
