//! Starts a guest: a User-Mode Linux kernel that sees the host's files, with a
//! scenario of `src/bin/guest` running in it.
//!
//! A guest takes one processor. Guests whose time jumps run side by side, as many
//! as cargo runs tests; one in real time needs its processor in time, and runs
//! alone. What a guest wrote stays in `target/tmp/bluez/NAME` until its
//! next run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use air::controller::Model;
use air::log::Record;
use anyhow::{Context, Result, bail, ensure};

use crate::local::{program, root};
use crate::setup::{Setup, air_log_path, result_path};

/// The wall clock of a guest at boot, in seconds after 1970: noon UTC on
/// 2023-11-14, far from where one day's keys end.
pub const NOON: u32 = 1_699_963_200;

/// A controller without extended advertising, which does Low Energy alone.
pub const LEGACY: Model = Model {
    classic: false,
    dual_mode: false,
    extended: false,
};
/// The same with extended advertising.
pub const EXTENDED: Model = Model {
    classic: false,
    dual_mode: false,
    extended: true,
};

/// How time passes in a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    /// As on the host.
    Real,
    /// It jumps ahead whenever all is idle, from this wall clock at boot on.
    Jumping { start: u32 },
}

/// A guest's place among those that run.
#[expect(dead_code, reason = "held for as long as it is its turn")]
enum Turn {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

/// A guest to be run.
#[derive(Clone, Debug)]
pub struct Machine {
    name: String,
    setup: Setup,
    time: Time,
    deadline: Duration,
}

/// What a guest left behind.
#[derive(Debug)]
pub struct Run {
    dir: PathBuf,
    air: Vec<Record>,
}

impl Machine {
    /// A guest with one LE-only controller without extended advertising that runs
    /// `scenario`. `name` is that of its folder.
    ///
    /// Its time starts at [`NOON`] and jumps ahead whenever all is idle: no load
    /// on the host makes anything in the guest late.
    pub fn new(name: &str, scenario: &str) -> Self {
        Self {
            name: name.to_owned(),
            setup: Setup {
                scenario: scenario.to_owned(),
                controllers: 1,
                model: Model::default(),
                experimental: false,
                resolvable: false,
                bluetoothd: None,
                jitter_db: 0,
                thin: false,
                phones: 0,
                minutes: 60,
                rotations: 500,
            },
            time: Time::Jumping { start: NOON },
            deadline: Duration::from_secs(120),
        }
    }

    /// With `count` controllers.
    pub fn controllers(mut self, count: usize) -> Self {
        self.setup.controllers = count;
        self
    }

    /// With controllers of this kind.
    pub fn model(mut self, model: Model) -> Self {
        self.setup.model = model;
        self
    }

    /// Whether bluetoothd runs with `--experimental`.
    pub fn experimental(mut self, experimental: bool) -> Self {
        self.setup.experimental = experimental;
        self
    }

    /// With a bluetoothd that is set to resolvable addresses.
    pub fn resolvable(mut self) -> Self {
        self.setup.resolvable = true;
        self
    }

    /// With the bluetoothd in this folder, which [`newer_bluetoothd`] finds.
    pub fn bluetoothd(mut self, folder: &Path) -> Self {
        self.setup.bluetoothd = Some(folder.to_owned());
        self
    }

    /// With RSSI that varies by as many dB.
    pub fn jitter_db(mut self, jitter_db: u8) -> Self {
        self.setup.jitter_db = jitter_db;
        self
    }

    /// With a log that leaves out what nobody heard and only repeats: for hours on
    /// the air.
    pub fn thin(mut self) -> Self {
        self.setup.thin = true;
        self
    }

    /// With so many phones around, in a scenario with a crowd.
    pub fn phones(mut self, phones: u32) -> Self {
        self.setup.phones = phones;
        self
    }

    /// For so many minutes, in a scenario that can be of any length.
    pub fn minutes(mut self, minutes: u32) -> Self {
        self.setup.minutes = minutes;
        self
    }

    /// With so many rotations, in a scenario that can have any number.
    pub fn rotations(mut self, rotations: u32) -> Self {
        self.setup.rotations = rotations;
        self
    }

    /// With another wall clock at boot, in seconds after 1970.
    pub fn starting_at(mut self, start: u32) -> Self {
        self.time = Time::Jumping { start };
        self
    }

    /// With time passing as on the host, and the host's wall clock.
    pub fn in_real_time(mut self) -> Self {
        self.time = Time::Real;
        self
    }

    /// Ended, as failed, after this time on the host.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Runs the guest to its end.
    ///
    /// # Panics
    ///
    /// When there is no kernel, or when the scenario fails or does not end in
    /// time: with its error and the ends of its logs.
    #[track_caller]
    pub fn run(self) -> Run {
        let name = self.name.clone();
        match self.try_run() {
            Ok(run) => run,
            Err(error) => panic!("{name}: {error:#}"),
        }
    }

    fn try_run(mut self) -> Result<Run> {
        static TURNS: RwLock<()> = RwLock::new(());
        let _turn = match self.time {
            Time::Jumping { .. } => {
                Turn::Shared(TURNS.read().unwrap_or_else(PoisonError::into_inner))
            }
            Time::Real => Turn::Alone(TURNS.write().unwrap_or_else(PoisonError::into_inner)),
        };

        let kernel = kernel()?;
        if self.setup.bluetoothd.is_none() && is_newer_asked_for()? {
            self.setup.bluetoothd = Some(newer_bluetoothd()?.to_owned());
        }
        let guest = program("guest")?;
        let dir = new_dir(&self.name)?;
        self.setup.write(&dir)?;
        let init = root().join("tests/uml/init.sh");
        let mut command = Command::new("timeout");
        command
            // In the foreground, so that Ctrl-C reaches the kernel too.
            .args(["--foreground", "--kill-after=10"])
            .arg(self.deadline.as_secs().to_string())
            .arg(kernel)
            .args(["mem=512M", "con=null", "con0=fd:0,fd:1", "console=tty0"])
            .args(["quiet", "loglevel=4", "panic=-1"])
            .args(["root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro"])
            .arg(assignment("init", &init)?)
            .arg(assignment("OUT", &dir)?)
            .arg(assignment("GUEST", &guest)?)
            .stdin(Stdio::null());
        if let Time::Jumping { start } = self.time {
            command.arg("time-travel=inf-cpu");
            // In nanoseconds.
            command.arg(format!("time-travel-start={start}000000000"));
        }
        let output = command.output().context("cannot start the kernel")?;
        self.judge(&dir, &output)?;
        let air = air::log::read(&air_log_path(&dir))?;
        Ok(Run { dir, air })
    }

    /// Fails unless the scenario ended, and well.
    fn judge(&self, dir: &Path, output: &Output) -> Result<()> {
        let Ok(result) = fs::read_to_string(result_path(dir)) else {
            bail!(
                "the scenario did not end within {:?}, or never began ({})\n{}\n{}",
                self.deadline,
                output.status,
                String::from_utf8_lossy(&output.stdout),
                ends_of_logs(dir),
            );
        };
        ensure!(result.is_empty(), "{result}\n{}", ends_of_logs(dir));
        Ok(())
    }
}

impl Run {
    /// What was on the air.
    pub fn air(&self) -> &[Record] {
        &self.air
    }

    /// The file `name` that the scenario wrote, as text.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[track_caller]
    pub fn text(&self, name: &str) -> String {
        let path = self.dir.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => panic!("cannot read {}: {error}", path.display()),
        }
    }
}

/// Where a kernel is; one is built when there is none.
fn kernel() -> Result<&'static Path> {
    static KERNEL: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    found(KERNEL.get_or_init(|| path_from("kernel.sh")))
}

/// The folder of Debian 13's bluetoothd 5.82, fetched when there is none.
///
/// # Errors
/// When it cannot be had.
pub fn newer_bluetoothd() -> Result<&'static Path> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    found(FOLDER.get_or_init(|| path_from("bluetoothd.sh")))
}

/// Whether every guest is to have it: `make test-bluez BLUETOOTHD=5.82`.
///
/// # Errors
/// When another is asked for.
pub fn is_newer_asked_for() -> Result<bool> {
    let version = std::env::var("SESSHOKU_BLUETOOTHD").unwrap_or_default();
    match version.as_str() {
        "" => Ok(false),
        "5.82" => Ok(true),
        other => bail!("there is no bluetoothd {other} to be had, only 5.82"),
    }
}

/// The path that a script of `tests/uml` prints.
fn path_from(script: &str) -> Result<PathBuf, String> {
    let path = root().join("tests/uml").join(script);
    let output = Command::new(&path)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run {}: {error}", path.display()))?;
    if !output.status.success() {
        return Err(format!("{} has failed, and says why above", path.display()));
    }
    Ok(PathBuf::from(
        String::from_utf8_lossy(&output.stdout).trim(),
    ))
}

fn found(path: &'static Result<PathBuf, String>) -> Result<&'static Path> {
    match path {
        Ok(path) => Ok(path),
        Err(error) => bail!("{error}"),
    }
}

/// The folder that the guest of this name shares with the test, in target/tmp.
///
/// # Panics
///
/// When this program lies elsewhere than cargo puts it.
pub fn shared_dir(name: &str) -> PathBuf {
    let guest = program("guest").expect("it is built");
    let target_dir = guest.ancestors().nth(2);
    let target_dir = target_dir.expect("programs lie in target/<profile>");
    target_dir.join("tmp/bluez").join(name)
}

/// The process of the kernel that runs on this folder, if there is one.
pub fn kernel_process(shared_dir: &Path) -> Option<i32> {
    let folder = format!("OUT=\"{}\"", shared_dir.display());
    // Its children, one for each process of the guest, have its command line, too.
    let kernels: Vec<(i32, i32)> = processes()
        .filter(|(id, _)| {
            let command = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            let mut words = command.split(|byte| *byte == 0);
            words.next().is_some_and(|word| word.ends_with(b"linux"))
                && words.any(|word| word == folder.as_bytes())
        })
        .collect();
    let is_first = |(_, parent): &&(i32, i32)| kernels.iter().all(|(id, _)| id != parent);
    kernels.iter().find(is_first).map(|(id, _)| *id)
}

/// The host's processes, with their parents.
pub fn processes() -> impl Iterator<Item = (i32, i32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // After the name, which is in brackets: the state, and the parent.
        let parent = stat.rsplit(')').next()?.split_whitespace().nth(1)?;
        let id = entry.file_name().to_str()?.parse().ok()?;
        Some((id, parent.parse().ok()?))
    })
}

/// An empty folder for the guest of this name.
fn new_dir(name: &str) -> Result<PathBuf> {
    let dir = shared_dir(name);
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    fs::create_dir_all(&dir)?;
    Ok(dir)
}

/// `key="path"` for the kernel's command line, which has quotes but no escapes.
fn assignment(key: &str, path: &Path) -> Result<String> {
    let path = path.to_str().filter(|path| !path.contains('"'));
    let path = path.with_context(|| format!("the kernel cannot be told this {key}"))?;
    Ok(format!("{key}=\"{path}\""))
}

/// The last lines of each log in `dir`.
fn ends_of_logs(dir: &Path) -> String {
    const LINES: usize = 25;
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    paths.sort();
    let mut text = String::new();
    for path in paths {
        let bytes = fs::read(&path).unwrap_or_default();
        let log = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = log.lines().collect();
        let last = &lines[lines.len().saturating_sub(LINES)..];
        text += &format!("--- {}\n{}\n", path.display(), last.join("\n"));
    }
    text
}
