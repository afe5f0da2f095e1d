//! A simulated room that several daemons, and servers, share.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use tempfile::TempDir;

use crate::local::{Place, Process, program, wait_for};

/// A room for several programs, at a time of its own.
#[derive(Debug)]
pub struct Room {
    dir: TempDir,
    process: Process,
}

impl Room {
    /// Opens a room with this scenario, its time running `speed` times as fast as
    /// real time.
    ///
    /// # Errors
    /// When it does not open in time.
    pub fn open(scenario: &str, speed: f64) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("room.toml");
        std::fs::write(&path, scenario)?;
        let socket = dir.path().join("socket");
        let mut command = Command::new(program("sesshoku-room")?);
        command
            .arg(path)
            .arg(&socket)
            .args(["--speed", &speed.to_string()])
            .stdin(Stdio::null());
        let mut process = Process::start(&mut command)?;
        wait_for("the room to open", || {
            anyhow::ensure!(process.is_running()?, "the room has ended");
            Ok(socket.exists().then_some(()))
        })?;
        Ok(Self { dir, process })
    }

    /// The room's socket.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }

    /// The folder for what belongs to the room's other programs.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Starts a daemon as the scenario's device `name` and agrees.
    ///
    /// # Errors
    /// When it does not start in time, or refuses.
    pub fn enter(&self, name: &str, config: &str) -> anyhow::Result<Device> {
        let place = Place::new()?;
        let room = self.socket();
        let daemon = place.start_daemon(&format!(
            "[radio]\nkind = 'air'\n[radio.air]\nroom = '{}'\nname = '{name}'\n{config}",
            room.display()
        ))?;
        let agreed = place.sesshoku(&["agree", "--yes"])?;
        anyhow::ensure!(agreed.status.success(), "{agreed:?}");
        Ok(Device { place, daemon })
    }

    /// Closes the room: whoever is in it is alone.
    ///
    /// # Errors
    /// When it does not end.
    pub fn close(mut self) -> anyhow::Result<()> {
        self.process.signal(nix::sys::signal::Signal::SIGKILL)?;
        self.process.wait()?;
        Ok(())
    }
}

/// A daemon in a room.
#[derive(Debug)]
pub struct Device {
    /// Its bus and folder.
    pub place: Place,
    /// Its process.
    pub daemon: Process,
}

impl Device {
    /// The time on its clock, in Unix seconds.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn time(&self) -> anyhow::Result<u64> {
        self.place.json(&["status"])?["time"]
            .as_u64()
            .context("a status without a time")
    }

    /// Waits until its clock shows `time` or later.
    ///
    /// # Errors
    /// When it does not in time.
    pub fn wait_until(&self, time: u64) -> anyhow::Result<()> {
        wait_for("simulated time to pass", || {
            Ok((self.time()? >= time).then_some(()))
        })
        .with_context(|| self.place.log())
    }

    /// Ends the daemon as systemd does.
    ///
    /// # Errors
    /// When it does not end well.
    pub fn end(mut self) -> anyhow::Result<Place> {
        self.daemon.signal(nix::sys::signal::Signal::SIGTERM)?;
        let code = self.daemon.wait()?;
        anyhow::ensure!(code == Some(0), "{code:?}: {}", self.place.log());
        Ok(self.place)
    }
}
