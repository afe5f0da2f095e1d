//! The kernel's radio switches.
//!
//! They tell "switched off" from "blocked": bluetoothd 5.66 says so itself only
//! with `--experimental` (property `PowerState`). What they are is read from sysfs;
//! that they change is told by `/dev/rfkill`, which everybody may read. Where a
//! sandbox hides that, sysfs is looked at once a minute, as long as no adapter is on.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use nix::libc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

/// Where the kernel shows its switches.
const SYSFS_DIR: &str = "/sys/class/rfkill";
/// Where it tells of changes.
const DEVICE: &str = "/dev/rfkill";
/// How often to look where it cannot tell.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// `RFKILL_TYPE_BLUETOOTH` of linux/rfkill.h, and where in an event it is.
const TYPE_BLUETOOTH: u8 = 2;
const TYPE_AT: usize = 4;

/// The switches, kept up to date for as long as [`Rfkill::changed`] is asked.
pub(super) struct Rfkill {
    /// `None` where the kernel cannot tell.
    device: Option<AsyncFd<File>>,
    look_at: Instant,
    switches: Switches,
}

impl Rfkill {
    /// Opens the way to the kernel.
    pub(super) fn open() -> Self {
        let device = open()
            .inspect_err(|error| {
                tracing::info!(%error, "radio switches are looked at once a minute");
            })
            .ok();
        Self {
            device,
            look_at: Instant::now() + LOOK_EVERY,
            switches: Switches::read(Path::new(SYSFS_DIR)),
        }
    }

    /// The switches.
    pub(super) fn switches(&self) -> &Switches {
        &self.switches
    }

    /// Resolves when something may have changed; where the kernel cannot tell, only
    /// if it `matters`. Cancel-safe.
    pub(super) async fn changed(&mut self, matters: bool) {
        match &self.device {
            Some(device) => {
                if let Err(error) = bluetooth_event(device).await {
                    tracing::warn!(%error, "the kernel tells no more of radio switches");
                    self.device = None;
                }
            }
            None if matters => {
                tokio::time::sleep_until(self.look_at).await;
                self.look_at = Instant::now() + LOOK_EVERY;
            }
            None => std::future::pending().await,
        }
        self.switches = Switches::read(Path::new(SYSFS_DIR));
    }
}

fn open() -> io::Result<AsyncFd<File>> {
    let mut options = File::options();
    let device = options
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(DEVICE)?;
    // SAFETY: a `File` owns its descriptor and names the same one for as long as it
    // lives.
    Ok(unsafe { AsyncFd::register_with_interest(device, Interest::READABLE) }?)
}

/// Waits for an event of a Bluetooth switch.
async fn bluetooth_event(device: &AsyncFd<File>) -> io::Result<()> {
    // One `struct rfkill_event`; the kernel cuts longer ones to what is asked for.
    let mut event = [0; 8];
    loop {
        let mut ready = device.readable().await?;
        if let Ok(read) = ready.try_io(|device| device.get_ref().read(&mut event)) {
            let event = event.get(..read?).unwrap_or_default();
            match event.get(TYPE_AT) {
                Some(&TYPE_BLUETOOTH) => return Ok(()),
                Some(_) => {}
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }
}

/// The Bluetooth switches of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Switches(Vec<Switch>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Switch {
    /// `hci0` for an adapter's own switch, anything else for the machine's.
    name: String,
    blocked: bool,
}

impl Switches {
    /// Reads the switches below `dir`. What cannot be read is left out: without
    /// rfkill nothing is blocked.
    fn read(dir: &Path) -> Self {
        let Ok(entries) = fs::read_dir(dir) else {
            return Self::default();
        };
        Self(
            entries
                .flatten()
                .filter_map(|entry| Switch::read(&entry.path()))
                .collect(),
        )
    }

    /// Whether `adapter` (such as `hci0`) is blocked, or without one, whether
    /// any Bluetooth switch is: some machines take the adapter off its bus when
    /// their switch is thrown.
    pub(super) fn block(&self, adapter: Option<&str>) -> bool {
        self.0.iter().any(|switch| {
            let concerns = adapter
                .is_none_or(|adapter| switch.name == adapter || !switch.name.starts_with("hci"));
            switch.blocked && concerns
        })
    }
}

impl Switch {
    fn read(dir: &Path) -> Option<Self> {
        let attribute = |name| {
            let text = fs::read_to_string(dir.join(name)).ok()?;
            Some(text.trim_end().to_owned())
        };
        if attribute("type")? != "bluetooth" {
            return None;
        }
        Some(Self {
            name: attribute("name")?,
            blocked: attribute("soft")? == "1" || attribute("hard")? == "1",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn switches(of: &[(&str, &str, &str, &str)]) -> Switches {
        let dir = tempfile::tempdir().unwrap();
        for (index, (name, kind, soft, hard)) in of.iter().enumerate() {
            let switch = dir.path().join(format!("rfkill{index}"));
            fs::create_dir(&switch).unwrap();
            for (attribute, value) in [
                ("name", name),
                ("type", kind),
                ("soft", soft),
                ("hard", hard),
            ] {
                fs::write(switch.join(attribute), format!("{value}\n")).unwrap();
            }
        }
        Switches::read(dir.path())
    }

    #[test]
    fn an_adapter_is_blocked_by_its_own_switch_and_by_the_machines() {
        let none: &[(&str, &str, &str, &str)] = &[];
        for (of, hci0, any) in [
            (none, false, false),
            (&[("hci0", "bluetooth", "0", "0")], false, false),
            (&[("hci0", "bluetooth", "1", "0")], true, true),
            (&[("hci0", "bluetooth", "0", "1")], true, true),
            (&[("hci1", "bluetooth", "1", "0")], false, true),
            (&[("phy0", "wlan", "1", "1")], false, false),
            (
                &[("tpacpi_bluetooth_sw", "bluetooth", "0", "1")],
                true,
                true,
            ),
        ] {
            let switches = switches(of);
            assert_eq!(switches.block(Some("hci0")), hci0, "{of:?}");
            assert_eq!(switches.block(None), any, "{of:?}");
        }
    }

    #[test]
    fn a_machine_without_rfkill_blocks_nothing() {
        assert!(!Switches::read(Path::new("/nonexistent/rfkill")).block(None));
    }
}
