//! Simulated rooms: one that several daemons, and servers, share, and a daemon's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::Context;
use room::Adapter;
use tempfile::TempDir;

use crate::local::{Place, Process, program, wait_for};

/// When the [`SHOP`] opens: 2023-11-15 00:00 UTC, so that nobody's key ends soon.
pub const OPENING: u64 = 1_700_006_400;

/// Three people in a shop: "near" stands by "positive" for 20 minutes, "far" is at the
/// other end.
pub const SHOP: &str = "
start = 1700006400
[[device]]
name = 'positive'
[[device]]
name = 'near'
stay = [{ from_minute = 10, to_minute = 30, metres = 0.8 }]
[[device]]
name = 'far'
stay = [{ from_minute = 0, to_minute = 90, metres = -25.0 }]
";

/// A daemon's own room, in which somebody stands near for 25 minutes and registers the
/// day after. `DIR` is the place's folder.
const MEETING: &str = "
start = 1700000000
seed = 3
noise_db = 3
[[person]]
stay = [{ from_minute = 10, to_minute = 35, metres = 0.7 }]
registers_at_minute = 1800
[publish]
dir = 'DIR/server'
";

/// The configuration of a daemon at `place` that is alone in a room, in which somebody
/// stands near it for 25 minutes on 2023-11-14, and registers the day after. `more` is
/// added to the scenario; its time runs `speed` times as fast as real time.
///
/// # Errors
/// When the scenario cannot be written.
pub fn meeting(place: &Place, speed: u32, more: &str) -> anyhow::Result<String> {
    let dir = place.dir().display().to_string();
    let scenario = MEETING.replace("DIR", &dir) + more;
    std::fs::write(place.dir().join("room.toml"), scenario)?;
    Ok(format!(
        "[radio]
         kind = 'air'
         [radio.air]
         scenario = '{dir}/room.toml'
         speed = {speed}.0
         [server]
         url = 'file://{dir}/server'
         # A folder makes no promise.
         fresh_within_hours = 0
         public_keys = [{{ id = '440', version = 'v1', file = '{dir}/server/public-key.pem' }}]"
    ))
}

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

    /// The `[clock]` table of a server whose time is the room's.
    pub fn clock(&self) -> String {
        format!("room = '{}'", self.socket().display())
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
        let device = self.arrive(name, config)?;
        let agreed = device.place.sesshoku(&["agree", "--yes"])?;
        anyhow::ensure!(agreed.status.success(), "{agreed:?}");
        Ok(device)
    }

    /// The same without an agreement, for which everybody in the room waits.
    ///
    /// # Errors
    /// When it does not start in time.
    pub fn arrive(&self, name: &str, config: &str) -> anyhow::Result<Device> {
        let place = Place::new()?;
        let room = self.socket();
        let daemon = place.start_daemon(&format!(
            "[radio]\nkind = 'air'\n[radio.air]\nroom = '{}'\nname = '{name}'\n{config}",
            room.display()
        ))?;
        Ok(Device { place, daemon })
    }

    /// Gives the device `name` an adapter like this, as its user does with a switch.
    ///
    /// # Errors
    /// When it is not in the room.
    pub fn set_adapter(&self, name: &str, adapter: Adapter) -> anyhow::Result<()> {
        Ok(room::client::set_adapter(&self.socket(), name, adapter)?)
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

    /// Registers as positive, with symptoms since the [`OPENING`]'s day.
    ///
    /// # Errors
    /// When the command line cannot be started; how it ends is in its output.
    pub fn register(&self, number: &str) -> anyhow::Result<Output> {
        let path = self.place.dir().join("number");
        std::fs::write(&path, number)?;
        let number_file = path.to_str().context("a path in UTF-8")?;
        let output = self.place.sesshoku(&[
            "register",
            "--agree",
            "--symptoms",
            "yes",
            "--date",
            "2023-11-15",
            "--number-file",
            number_file,
            "--json",
        ])?;
        std::fs::remove_file(path)?;
        Ok(output)
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
