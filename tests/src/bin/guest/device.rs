//! A device with the daemon on it, as scenarios use it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gaen::time::UnixSeconds;
use nix::sys::signal::Signal;
use nix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use sesshoku_tests::guest::memory_kib;
use sesshoku_tests::local::{Place, Process};
use sesshoku_tests::power::Second;
use sesshokud::store::{DeviceKey, Store};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// A daemon in a place of its own.
pub(crate) struct Device {
    pub(crate) place: Place,
    daemon: Process,
}

impl Device {
    /// Starts a daemon on `adapter`, agrees, and waits until it records.
    pub(crate) fn start(adapter: &str, config: &str) -> Result<Self> {
        let device = Self::begin(&format!("[radio]\nadapter = '{adapter}'\n{config}"))?;
        device.wait_until_it_runs()?;
        Ok(device)
    }

    /// Starts a daemon and agrees.
    pub(crate) fn begin(config: &str) -> Result<Self> {
        Self::begin_in(Place::new()?, config)
    }

    /// Starts a daemon in `place` and agrees.
    pub(crate) fn begin_in(place: Place, config: &str) -> Result<Self> {
        let daemon = place.start_daemon(config)?;
        let agreed = place.sesshoku(&["agree", "--yes"])?;
        ensure!(
            agreed.status.success(),
            "{}",
            String::from_utf8_lossy(&agreed.stderr)
        );
        Ok(Self { place, daemon })
    }

    pub(crate) fn wait_until_it_runs(&self) -> Result<()> {
        self.wait_until_it_is(("running", "ready"))
    }

    /// Waits until its status shows this state and reason; an empty state is any.
    pub(crate) fn wait_until_it_is(&self, expected: (&str, &str)) -> Result<()> {
        let mut seen = Value::Null;
        let waited = self.wait_for(|status| {
            seen = json!([status["state"], status["reason"]]);
            (expected.0.is_empty() || status["state"] == expected.0)
                && status["reason"] == expected.1
        });
        waited.with_context(|| format!("it is {seen}, not {expected:?}\n{}", self.place.log()))
    }

    /// Waits until `ready` likes its status.
    pub(crate) fn wait_for(&self, mut ready: impl FnMut(&Value) -> bool) -> Result<()> {
        const LONGEST_PAUSE: Duration = Duration::from_secs(15);
        let mut pause = Duration::from_millis(200);
        let start = Instant::now();
        while !ready(&self.place.json(&["status"])?) {
            let waited = start.elapsed();
            ensure!(waited < MINUTE * 25, "waited {waited:?}");
            // Each look starts a process, which is what costs most in a guest.
            pass(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Ok(())
    }

    /// Its counters.
    pub(crate) fn counters(&self) -> Result<Value> {
        Ok(self.place.json(&["status"])?["scans"]["counters"].take())
    }

    /// The memory it has in use, in KiB.
    pub(crate) fn memory_kib(&self) -> Result<u64> {
        memory_kib(self.daemon.id())
    }

    /// How many sockets the daemon has.
    pub(crate) fn sockets(&self) -> Result<usize> {
        let entries = fs::read_dir(format!("/proc/{}/fd", self.daemon.id()))?;
        let targets = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        let is_socket = |target: &PathBuf| target.to_string_lossy().starts_with("socket:");
        Ok(targets.filter(is_socket).count())
    }

    /// Lets time pass, and tells how often the daemon woke up in each second of it.
    pub(crate) fn watch(&self, time: Duration) -> Result<Vec<Second>> {
        let mut seconds = Vec::new();
        let mut before = self.switches()?;
        for _ in 0..time.as_secs() {
            pass(Duration::from_secs(1));
            let switches = self.switches()?;
            let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?);
            seconds.push(Second {
                at_us: u64::try_from(now.as_micros())?,
                wakeups: switches.since(&before),
            });
            before = switches;
        }
        Ok(seconds)
    }

    /// How often each of its threads gave the processor away of its own will so far.
    fn switches(&self) -> Result<Switches> {
        let tasks = format!("/proc/{}/task", self.daemon.id());
        let mut switches = BTreeMap::new();
        for task in fs::read_dir(&tasks).context("the daemon is gone")? {
            let task = task?;
            // A thread may end between the two.
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            let count = status
                .lines()
                .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            if let Some(count) = count {
                switches.insert(task.file_name(), count.trim().parse()?);
            }
        }
        Ok(Switches(switches))
    }

    /// Where the daemon's program lies in its memory, which is random: by that it is
    /// known on the host.
    pub(crate) fn program_range(&self) -> Result<String> {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.daemon.id()))?;
        let program = maps
            .lines()
            .find(|line| line.contains(" r-xp ") && line.ends_with("/sesshokud"));
        let range = program.and_then(|line| line.split(' ').next());
        Ok(range.context("it has no program")?.to_owned())
    }

    /// Lets time pass on the guest's clock, and checks that all is well after it.
    pub(crate) fn run(&self, time: Duration) -> Result<()> {
        pass(time);
        self.wait_until_it_runs()
    }

    /// Kills the daemon.
    pub(crate) fn kill(mut self) -> Result<Place> {
        self.daemon.signal(Signal::SIGKILL)?;
        self.daemon.wait()?;
        Ok(self.place)
    }

    /// Ends the daemon as systemd does. Its log goes to the shared folder.
    pub(crate) fn end(mut self, log: &Path) -> Result<Place> {
        self.daemon.signal(Signal::SIGTERM)?;
        let code = self.daemon.wait()?;
        fs::write(log, self.place.log())?;
        ensure!(code == Some(0), "the daemon ended with {code:?}");
        Ok(self.place)
    }
}

/// Lets simulated time pass; the guest jumps ahead.
pub(crate) fn pass(time: Duration) {
    std::thread::sleep(time);
}

pub(crate) fn open_store(place: &Place) -> Result<Store> {
    let dir = place.state_dir();
    Ok(Store::open(&dir, &DeviceKey::load(&dir, None)?)?)
}

/// Writes every stored sighting as `sesshoku analyse match` reads them.
pub(crate) fn write_sightings(place: &Place, path: &Path) -> Result<()> {
    let mut lines = Vec::new();
    open_store(place)?
        .reader()?
        .for_each_sighting(UnixSeconds::new(0), &mut |sighting| {
            let previous = sighting.scan.previous.map_or(0, UnixSeconds::get);
            lines.push(json!({
                "time": sighting.time.get(),
                "rpi": hex::encode(sighting.rpi.as_bytes()),
                "aem": hex::encode(sighting.aem.as_bytes()),
                "rssi": sighting.rssi,
                "previous_scan": previous,
                "cycle": sighting.scan.cycle,
            }));
        })?;
    let mut file = BufWriter::new(File::create(path)?);
    for line in lines {
        writeln!(file, "{line}")?;
    }
    Ok(file.flush()?)
}

/// By thread: the threads of the blocking pool come and go, and take their counts along.
struct Switches(BTreeMap<OsString, u64>);

impl Switches {
    /// How many there were since `before`. What a thread did that ended in between
    /// is not known any more.
    fn since(&self, before: &Self) -> u64 {
        let of_thread = |(thread, count): (&OsString, &u64)| {
            let earlier = before.0.get(thread).copied().unwrap_or_default();
            // Its number may belong to another thread now.
            count.checked_sub(earlier).unwrap_or(*count)
        };
        self.0.iter().map(of_thread).sum()
    }
}
