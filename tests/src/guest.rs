//! What a scenario has at hand inside the guest.
//!
//! [`crate::local`] works there too: with [`crate::local::Place`] a scenario runs
//! as many daemons as it likes, each on a private bus of its own, while bluetoothd
//! is on the guest's system bus.

mod control;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use air::log::Reader;
use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use crate::local::{Process, program, root, wait_for};
use crate::setup::{Setup, air_log_path};
use control::Control;

/// Where distributions put bluetoothd.
const BLUETOOTHD: [&str; 2] = [
    "/usr/libexec/bluetooth/bluetoothd",
    "/usr/lib/bluetooth/bluetoothd",
];
const SYSTEM_BUS: &str = "/run/dbus/system_bus_socket";
/// The D-Bus address of the guest's system bus.
pub const SYSTEM_BUS_ADDRESS: &str = "unix:path=/run/dbus/system_bus_socket";
const CONTROL: &str = "/run/air";

/// The machine a scenario runs on: a system bus, controllers, bluetoothd. All
/// ends when this is dropped.
#[derive(Debug)]
pub struct Guest {
    /// What the test asked for.
    pub setup: Setup,
    shared_dir: PathBuf,
    control: Control,
    bluetoothd: Process,
    _air: Process,
    system_bus: Process,
}

impl Guest {
    /// Starts everything and waits until bluetoothd knows every controller.
    ///
    /// # Errors
    /// When something does not start in time.
    pub fn start(shared_dir: &Path) -> Result<Self> {
        let setup = Setup::read(shared_dir)?;
        let system_bus = start_system_bus(shared_dir)?;
        let air = start_air(&setup, shared_dir)?;
        let control = wait_for("the emulator's socket", || {
            Ok(Control::connect(Path::new(CONTROL)).ok())
        })?;
        let bluetoothd = start_bluetoothd(&setup, shared_dir)?;
        let guest = Self {
            setup,
            shared_dir: shared_dir.to_owned(),
            control,
            bluetoothd,
            _air: air,
            system_bus,
        };
        guest.wait_for_adapters(guest.setup.controllers)?;
        Ok(guest)
    }

    /// Ends the emulator, so that its log holds all that was on the air, and
    /// everything else.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub fn end(mut self) -> Result<()> {
        self.air("quit").map(|_| ())
    }

    /// The folder shared with the test: what is written here, the test can read.
    pub fn shared_dir(&self) -> &Path {
        &self.shared_dir
    }

    /// Gives the emulator an instruction (see [`air::script`]) and returns what its
    /// answer says after `ok`.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub fn air(&mut self, instruction: &str) -> Result<String> {
        self.control.instruct(instruction)
    }

    /// What was on the air up to now, and what will be.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn air_log(&self) -> Result<Reader> {
        Ok(Reader::open(&air_log_path(&self.shared_dir))?)
    }

    /// Starts a process beside the scenario. What it writes goes to `NAME.log` in
    /// the shared folder.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_process(&self, name: &str, command: &mut Command) -> Result<Process> {
        start_logged(name, command, &self.shared_dir)
    }

    /// Waits until bluetoothd knows `count` adapters.
    ///
    /// # Errors
    /// When it does not in time.
    pub fn wait_for_adapters(&self, count: usize) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        wait_for(&format!("{count} adapters"), || {
            Ok((runtime.block_on(adapters()) == count).then_some(()))
        })
    }

    /// Ends bluetoothd with `signal` and waits until it is gone.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn end_bluetoothd(&mut self, signal: Signal) -> Result<()> {
        self.bluetoothd.signal(signal)?;
        self.bluetoothd.wait()?;
        Ok(())
    }

    /// Sends bluetoothd a signal that does not end it.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal_bluetoothd(&self, signal: Signal) -> Result<()> {
        self.bluetoothd.signal(signal)
    }

    /// Starts bluetoothd again after it was ended, and waits for its adapters.
    ///
    /// # Errors
    /// When it does not start in time.
    pub fn restart_bluetoothd(&mut self) -> Result<()> {
        self.bluetoothd = start_bluetoothd(&self.setup, &self.shared_dir)?;
        self.wait_for_adapters(self.setup.controllers)
    }

    /// Kills the system bus; bluetoothd, left without one, ends by itself.
    ///
    /// # Errors
    /// When either does not end in time.
    pub fn kill_system_bus(&mut self) -> Result<()> {
        self.system_bus.signal(Signal::SIGKILL)?;
        self.system_bus.wait()?;
        fs::remove_file(SYSTEM_BUS).context("the dead bus has no socket")?;
        self.bluetoothd.wait()?;
        Ok(())
    }

    /// Starts the system bus and bluetoothd after [`Self::kill_system_bus`].
    ///
    /// # Errors
    /// When either does not start in time.
    pub fn restart_system_bus(&mut self) -> Result<()> {
        self.system_bus = start_system_bus(&self.shared_dir)?;
        self.restart_bluetoothd()
    }

    /// Switches an adapter on or off, as the desktop does.
    ///
    /// # Errors
    /// When bluetoothd refuses.
    pub fn set_powered(&self, adapter: &str, powered: bool) -> Result<()> {
        on_adapter(adapter, async |adapter| adapter.set_powered(powered).await)
    }

    /// Makes an adapter discoverable until it is hidden, or hides it, as the desktop
    /// does.
    ///
    /// # Errors
    /// When bluetoothd refuses.
    pub fn set_discoverable(&self, adapter: &str, discoverable: bool) -> Result<()> {
        on_adapter(adapter, async |adapter| {
            adapter.set_discoverable_timeout(0).await?;
            adapter.set_discoverable(discoverable).await
        })
    }

    /// Hides an adapter that was discoverable, and ends what its kernel goes on sending
    /// after that on an extended controller: only switching it off does.
    ///
    /// # Errors
    /// When bluetoothd refuses.
    pub fn hide_for_good(&self, adapter: &str) -> Result<()> {
        self.set_discoverable(adapter, false)?;
        if self.setup.model.extended {
            self.set_powered(adapter, false)?;
            self.set_powered(adapter, true)?;
        }
        Ok(())
    }

    /// Makes an adapter discoverable for so many seconds.
    ///
    /// # Errors
    /// When bluetoothd refuses.
    pub fn set_discoverable_for(&self, adapter: &str, seconds: u32) -> Result<()> {
        on_adapter(adapter, async |adapter| {
            adapter.set_discoverable_timeout(seconds).await?;
            adapter.set_discoverable(true).await
        })
    }

    /// How many device objects bluetoothd has of an adapter.
    ///
    /// # Errors
    /// When bluetoothd does not say.
    pub fn devices(&self, adapter: &str) -> Result<usize> {
        let mut count = 0;
        on_adapter(adapter, async |adapter| {
            count = adapter.device_addresses().await?.len();
            Ok(())
        })?;
        Ok(count)
    }

    /// How many adverts are registered on an adapter, by all programs.
    ///
    /// # Errors
    /// When bluetoothd does not say.
    pub fn adverts(&self, adapter: &str) -> Result<u8> {
        let mut count = 0;
        on_adapter(adapter, async |adapter| {
            count = adapter.active_advertising_instances().await?;
            Ok(())
        })?;
        Ok(count)
    }

    /// Whether an adapter discovers, for whichever program.
    ///
    /// # Errors
    /// When bluetoothd does not say.
    pub fn is_discovering(&self, adapter: &str) -> Result<bool> {
        let mut discovers = false;
        on_adapter(adapter, async |adapter| {
            discovers = adapter.is_discovering().await?;
            Ok(())
        })?;
        Ok(discovers)
    }

    /// The memory that bluetoothd has in use, in KiB.
    ///
    /// # Errors
    /// When it is gone.
    pub fn bluetoothd_memory_kib(&self) -> Result<u64> {
        memory_kib(self.bluetoothd.id())
    }

    /// Blocks all Bluetooth as airplane mode does, or lets it be again.
    ///
    /// # Errors
    /// When the kernel has no rfkill.
    pub fn block(&self, blocked: bool) -> Result<()> {
        // struct rfkill_event of linux/rfkill.h: idx (4 bytes), type, op, soft, hard.
        const TYPE_BLUETOOTH: u8 = 2;
        const OP_CHANGE_ALL: u8 = 3;
        let event = [0, 0, 0, 0, TYPE_BLUETOOTH, OP_CHANGE_ALL, blocked.into(), 0];
        let rfkill = File::options().write(true).open("/dev/rfkill");
        rfkill
            .and_then(|mut rfkill| rfkill.write_all(&event))
            .context("cannot write /dev/rfkill")
    }
}

/// The processor time a process has used so far, in seconds.
///
/// # Errors
/// When it is gone.
pub fn cpu_seconds(process: u32) -> Result<f64> {
    // utime and stime of proc(5), in ticks of 10 ms, counted after the name in
    // brackets.
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    let ticks: Vec<u32> = ticks.map(str::parse).collect::<Result<_, _>>()?;
    Ok(f64::from(ticks.iter().sum::<u32>()) / 100.0)
}

/// The memory a process has in use, in KiB.
///
/// # Errors
/// When it is gone.
pub fn memory_kib(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let size = line.and_then(|line| line.split_whitespace().next());
    Ok(size.context("the kernel tells no memory")?.parse()?)
}

/// Does something with an adapter over a connection of its own.
fn on_adapter(
    name: &str,
    job: impl AsyncFnOnce(bluer::Adapter) -> bluer::Result<()>,
) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(async {
        let session = bluer::Session::new().await?;
        job(session.adapter(name)?).await
    });
    done.with_context(|| format!("bluetoothd refused something of {name}"))
}

/// How many adapters bluetoothd knows; none while it does not answer.
async fn adapters() -> usize {
    match bluer::Session::new().await {
        Ok(session) => session.adapter_names().await.map_or(0, |names| names.len()),
        Err(_) => 0,
    }
}

fn start_system_bus(log_dir: &Path) -> Result<Process> {
    let socket = Path::new(SYSTEM_BUS);
    if let Some(socket_dir) = socket.parent() {
        fs::create_dir_all(socket_dir).context("cannot make the system bus's folder")?;
    }
    // The system's own configuration, and our name on it.
    let policy = root().join("packaging/dbus/org.sesshoku.Tracing1.conf");
    let config = Path::new("/run/dbus-system.conf");
    fs::write(
        config,
        format!(
            "<busconfig>
               <include>/usr/share/dbus-1/system.conf</include>
               <include>{}</include>
             </busconfig>",
            policy.display()
        ),
    )?;
    let mut command = Command::new("dbus-daemon");
    command
        .arg(format!("--config-file={}", config.display()))
        .args(["--nofork", "--nopidfile"]);
    let process = start_logged("dbus", &mut command, log_dir)?;
    wait_for("the system bus", || Ok(socket.exists().then_some(())))?;
    Ok(process)
}

fn start_air(setup: &Setup, log_dir: &Path) -> Result<Process> {
    let mut command = Command::new(program("air")?);
    command
        .args(["--controllers", &setup.controllers.to_string()])
        .args(["--jitter", &setup.jitter_db.to_string()])
        .arg("--log")
        .arg(air_log_path(log_dir))
        .args(["--control", CONTROL]);
    if setup.model.classic {
        command.arg("--classic");
    }
    if setup.model.dual_mode {
        command.arg("--dual-mode");
    }
    if setup.model.extended {
        command.arg("--extended");
    }
    if setup.thin {
        command.arg("--thin");
    }
    start_logged("air", &mut command, log_dir)
}

fn start_bluetoothd(setup: &Setup, log_dir: &Path) -> Result<Process> {
    let mut command = match &setup.bluetoothd {
        // With the loader and the libraries of its own system.
        Some(folder) => {
            let mut command = Command::new(folder.join("loader"));
            command
                .arg("--library-path")
                .arg(folder.join("libraries"))
                .arg(folder.join("bluetoothd"));
            command
        }
        None => {
            let path = BLUETOOTHD.iter().find(|path| Path::new(path).exists());
            Command::new(path.context("there is no bluetoothd")?)
        }
    };
    command.arg("--nodetach");
    // A line for every advert of a crowd would be most of what it does.
    if setup.phones == 0 {
        command.arg("--debug");
    }
    if setup.experimental {
        command.arg("--experimental");
    }
    if setup.resolvable {
        let settings = log_dir.join("main.conf");
        fs::write(&settings, "[General]\nPrivacy = device\n")?;
        command.arg("--configfile").arg(settings);
    }
    start_logged("bluetoothd", &mut command, log_dir)
}

/// Starts a process with its output appended to `NAME.log` in `log_dir`.
fn start_logged(name: &str, command: &mut Command, log_dir: &Path) -> Result<Process> {
    let path = log_dir.join(format!("{name}.log"));
    let log = File::options().create(true).append(true).open(&path);
    let log = log.with_context(|| format!("cannot write {}", path.display()))?;
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    Process::start(command)
}
