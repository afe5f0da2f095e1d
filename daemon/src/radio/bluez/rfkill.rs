//! The kernel's radio switches, read from sysfs.
//!
//! They tell "switched off" from "blocked": bluetoothd 5.66 says so itself only
//! with `--experimental` (property `PowerState`). sysfs is readable for everyone
//! and in a sandbox without devices, unlike `/dev/rfkill`.

use std::fs;
use std::path::Path;

/// Where the kernel shows its switches.
pub(super) const SYSFS_DIR: &str = "/sys/class/rfkill";

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
    pub(super) fn read(dir: &Path) -> Self {
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
