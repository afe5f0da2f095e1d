//! The real daemon on a private bus, in a temporary folder.

use std::fs::{self, File, Permissions};
use std::io::{self, BufRead, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// The longest that anything here is waited for.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Where Debian has the bus policy of polkitd.
const POLKIT_POLICY: &str = "/usr/share/dbus-1/system.d/org.freedesktop.PolicyKit1.conf";

/// The workspace's root folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace")
}

/// A program that the workspace builds.
///
/// # Errors
/// When it has not been built.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    // Tests run from target/<profile>/deps, programs from the folder above.
    let this = std::env::current_exe()?;
    let dir = this.parent().context("this program lies in a folder")?;
    let profile_dir = if dir.ends_with("deps") {
        dir.parent().unwrap_or(dir)
    } else {
        dir
    };
    let path = profile_dir.join(name);
    ensure!(
        path.exists(),
        "{} is missing: run `cargo build --workspace` first",
        path.display()
    );
    Ok(path)
}

/// A file of the project's shared test data, or `None` (said on standard error)
/// where that folder is absent, as it is in a plain clone.
pub fn shared(path: &str) -> Option<PathBuf> {
    let dir =
        std::env::var_os("SESSHOKU_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let file = dir.join(path);
    if file.exists() {
        return Some(file);
    }
    skipped(&format!(
        "{} is not here (SESSHOKU_SHARED names the folder)",
        file.display()
    ));
    None
}

/// Says that a test cannot be held here, past the harness, so that it is counted
/// (`scripts/tally`).
pub fn skipped(why: &str) {
    // A harness without standard error has nobody who counts.
    let _ = writeln!(io::stderr(), "\nskipped: {why}");
}

/// Waits until `ready` gives a value.
///
/// # Errors
/// When it does not within [`DEADLINE`]; says what was waited for.
pub fn wait_for<T>(
    what: &str,
    ready: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    wait_up_to(DEADLINE, what, ready)
}

/// Waits until `ready` gives a value.
///
/// # Errors
/// When it does not within `limit`; says what was waited for.
pub fn wait_up_to<T>(
    limit: Duration,
    what: &str,
    mut ready: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
    const LONGEST_PAUSE: Duration = Duration::from_secs(1);
    let start = Instant::now();
    loop {
        if let Some(value) = ready()? {
            return Ok(value);
        }
        let waited = start.elapsed();
        if waited > limit {
            bail!("waited {limit:?} for {what}");
        }
        // Polling a condition, not waiting for a time. Looking often matters less
        // the longer it takes; where hours are simulated, each look costs.
        std::thread::sleep((waited / 50).clamp(SHORTEST_PAUSE, LONGEST_PAUSE));
    }
}

/// A process that ends, with all its children, when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts `command` in a process group of its own.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let child = command
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {:?}", command.get_program()))?;
        Ok(Self { child })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The same, and waits for the first line that it prints.
    ///
    /// # Errors
    /// When it cannot be started, or ends without one.
    pub fn start_and_read_line(command: &mut Command) -> anyhow::Result<(Self, String)> {
        let mut process = Self::start(command.stdout(Stdio::piped()))?;
        let stdout = process.child.stdout.take().context("no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        ensure!(
            !line.is_empty(),
            "{:?} did not start",
            command.get_program()
        );
        Ok((process, line))
    }

    /// Its standard input, where that is piped; at the first call.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Sends `signal` to the process group.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        Ok(killpg(
            Pid::from_raw(i32::try_from(self.child.id())?),
            signal,
        )?)
    }

    /// Waits for the end and gives the exit code; `None` for the end by a signal.
    ///
    /// # Errors
    /// When it does not end within [`DEADLINE`].
    pub fn wait(&mut self) -> anyhow::Result<Option<i32>> {
        self.wait_up_to(DEADLINE)
    }

    /// Waits for the end and gives the exit code; `None` for the end by a signal.
    ///
    /// # Errors
    /// When it does not end within `limit`.
    pub fn wait_up_to(&mut self, limit: Duration) -> anyhow::Result<Option<i32>> {
        let status = wait_up_to(limit, "a process to end", || Ok(self.child.try_wait()?))?;
        Ok(status.code())
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn is_running(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.signal(Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

/// A process that waits for the answer to a call on the bus.
#[derive(Debug)]
pub struct Caller(Process);

impl Caller {
    /// Whether the answer is not there yet.
    ///
    /// # Errors
    /// When the process cannot be asked.
    pub fn is_running(&mut self) -> anyhow::Result<bool> {
        self.0.is_running()
    }

    /// Waits for the answer, which is to be an error: its name and message.
    ///
    /// # Errors
    /// When there is no answer in time, or it is no error.
    pub fn error(mut self) -> anyhow::Result<String> {
        ensure!(self.0.wait()? != Some(0), "the call succeeded");
        let stderr = self.0.child.stderr.take().context("no standard error")?;
        let text = std::io::read_to_string(stderr)?;
        Ok(text.trim().trim_start_matches("Error ").to_owned())
    }
}

/// A folder with a private bus, where daemons are started.
#[derive(Debug)]
pub struct Place {
    dir: TempDir,
    address: String,
    /// `None` on a bus of somebody else's.
    bus: Option<Process>,
}

impl Place {
    /// Makes the folder and starts the bus.
    ///
    /// # Errors
    /// When there is no dbus-daemon.
    pub fn new() -> anyhow::Result<Self> {
        Self::start(tempfile::tempdir()?, "--session")
    }

    /// The same with a bus that, like the system bus, allows what `policy` does and
    /// nothing else.
    ///
    /// # Errors
    /// When there is no dbus-daemon, or the policy is not one.
    pub fn under_policy(policy: &Path) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        // Whoever else is on the machine must reach the bus to be turned away by it.
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755))?;
        let config = dir.path().join("bus.conf");
        let (policy, dir_name) = (policy.display(), dir.path().display());
        fs::write(
            &config,
            format!(
                r#"<!DOCTYPE busconfig PUBLIC
                  "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
                  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
                <busconfig>
                  <type>system</type>
                  <listen>unix:dir={dir_name}</listen>
                  <auth>EXTERNAL</auth>
                  <policy context="default">
                    <allow user="*"/>
                    <deny own="*"/>
                    <deny send_type="method_call"/>
                    <allow send_type="signal"/>
                    <allow send_requested_reply="true" send_type="method_return"/>
                    <allow send_requested_reply="true" send_type="error"/>
                    <allow receive_type="method_call"/>
                    <allow receive_type="method_return"/>
                    <allow receive_type="error"/>
                    <allow receive_type="signal"/>
                    <allow send_destination="org.freedesktop.DBus"/>
                  </policy>
                  <include ignore_missing="yes">{POLKIT_POLICY}</include>
                  <include>{policy}</include>
                </busconfig>"#
            ),
        )?;
        Self::start(dir, &format!("--config-file={}", config.display()))
    }

    /// Makes the folder, for daemons on the bus at this D-Bus address.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn on_bus(address: &str) -> anyhow::Result<Self> {
        Ok(Self {
            dir: tempfile::tempdir()?,
            address: address.to_owned(),
            bus: None,
        })
    }

    fn start(dir: TempDir, kind: &str) -> anyhow::Result<Self> {
        let address = format!("unix:path={}/bus", dir.path().display());
        let bus = Some(start_bus(kind, &address)?);
        Ok(Self { dir, address, bus })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The state folder of the daemon.
    pub fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// The D-Bus address of the bus.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The process id of the bus, where it is this place's own.
    pub fn bus_id(&self) -> Option<u32> {
        self.bus.as_ref().map(Process::id)
    }

    /// Kills the bus.
    ///
    /// # Errors
    /// When it is dead already.
    pub fn kill_bus(&mut self) -> anyhow::Result<()> {
        let mut bus = self.bus.take().context("there is no bus")?;
        bus.signal(Signal::SIGKILL)?;
        bus.wait()?;
        Ok(fs::remove_file(self.dir.path().join("bus"))?)
    }

    /// Starts another in its place.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart_bus(&mut self) -> anyhow::Result<()> {
        self.bus = Some(start_bus("--session", &self.address)?);
        Ok(())
    }

    /// Calls a method without arguments, such as `Exposure1.CheckNow`, from a
    /// process of its own.
    ///
    /// # Errors
    /// When there is no `dbus-send`.
    pub fn call(&self, method: &str) -> anyhow::Result<Caller> {
        let mut command = Command::new("dbus-send");
        command
            .arg(format!("--bus={}", self.address))
            .args(["--print-reply", "--reply-timeout=60000"])
            .args(["--dest=org.sesshoku.Tracing1", "/org/sesshoku/Tracing1"])
            .arg(format!("org.sesshoku.{method}"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        Process::start(&mut command).map(Caller)
    }

    /// Calls a method of whoever is on this bus; each argument is in GVariant's text
    /// form, in which a word alone is a text. Gives the answer in the same form.
    ///
    /// # Errors
    /// When the answer is an error.
    pub fn gdbus(
        &self,
        name: &str,
        object: &str,
        method: &str,
        arguments: &[&str],
    ) -> anyhow::Result<String> {
        let output = Command::new("gdbus")
            .args(["call", "--address", &self.address, "--dest", name])
            .args(["--object-path", object, "--method", method])
            .args(arguments)
            .output()?;
        ensure!(output.status.success(), "{output:?}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Starts a service that python-dbusmock plays on this bus; what it is asked for
    /// goes to the file `log` in the folder.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_mock(&self, arguments: &[&str], log: &str) -> anyhow::Result<Process> {
        let mut command = Command::new("/usr/bin/python3");
        command
            .args(["-m", "dbusmock", "--session"])
            .args(arguments)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .stdin(Stdio::null())
            .stdout(File::create(self.dir().join(log))?)
            .stderr(Stdio::null());
        Process::start(&mut command)
    }

    /// The daemon's log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// A command line for the daemon with `config`, on this bus and state folder.
    ///
    /// # Errors
    /// When it has not been built.
    pub fn daemon_command(&self, config: &str) -> anyhow::Result<Command> {
        let path = self.dir.path().join("sesshokud.toml");
        fs::write(&path, config)?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join("log"))?;
        let runtime_dir = self.dir.path().join("run");
        fs::create_dir_all(&runtime_dir)?;
        let mut command = Command::new(program("sesshokud")?);
        command
            .arg("--config")
            .arg(path)
            .args(["--bus", &self.address])
            .arg("--state-dir")
            .arg(self.state_dir())
            .env("RUNTIME_DIRECTORY", runtime_dir)
            .env("SESSHOKU_LOG", "trace,zbus=info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        Ok(command)
    }

    /// Starts the daemon and waits until it answers.
    ///
    /// # Errors
    /// When it ends or does not answer in time; the message has its log.
    pub fn start_daemon(&self, config: &str) -> anyhow::Result<Process> {
        let mut daemon = Process::start(&mut self.daemon_command(config)?)?;
        wait_for("the daemon to answer", || {
            ensure!(daemon.is_running()?, "the daemon ended:\n{}", self.log());
            Ok(self
                .sesshoku(&["status", "--json"])?
                .status
                .success()
                .then_some(()))
        })?;
        Ok(daemon)
    }

    /// Starts the daemon on the bluetoothd of this bus, and agrees.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn start_daemon_on_bluez(&self, config: &str) -> anyhow::Result<Process> {
        let mut command = self.daemon_command(config)?;
        command.env("DBUS_SYSTEM_BUS_ADDRESS", &self.address);
        let daemon = Process::start(&mut command)?;
        wait_for("the daemon to answer", || {
            let agreed = self.sesshoku(&["agree", "--yes"])?;
            Ok(agreed.status.success().then_some(()))
        })
        .with_context(|| self.log())?;
        Ok(daemon)
    }

    /// Runs `sesshoku` with `arguments` on this bus.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn sesshoku(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        Ok(Command::new(program("sesshoku")?)
            .args(["--bus", &self.address])
            .args(arguments)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .output()?)
    }

    /// Runs `sesshoku` with `arguments` and `--json`, and reads what it prints.
    ///
    /// # Errors
    /// When it prints no JSON.
    pub fn json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let mut all = arguments.to_vec();
        all.push("--json");
        let output = self.sesshoku(&all)?;
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

fn start_bus(kind: &str, address: &str) -> anyhow::Result<Process> {
    let mut command = Command::new("dbus-daemon");
    command
        .args([kind, "--nofork", "--nopidfile", "--print-address=1"])
        .arg(format!("--address={address}"))
        .stderr(Stdio::null());
    // It prints its address when it listens.
    let (bus, _) = Process::start_and_read_line(&mut command)?;
    Ok(bus)
}
