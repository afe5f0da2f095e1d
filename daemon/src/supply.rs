//! What feeds the machine, as its kernel tells.

use std::fs;
use std::path::Path;

/// Whether the machine whose files are in `root` runs on a battery, as far as its kernel
/// tells: one that has none, or one that is charged or full, does not.
pub(crate) fn is_on_battery(root: &Path) -> bool {
    let supplies = fs::read_dir(root.join("sys/class/power_supply"));
    let supplies = supplies.into_iter().flatten().flatten();
    supplies.map(|supply| supply.path()).any(|supply| {
        let says = |name, text| {
            let file = fs::read_to_string(supply.join(name)).unwrap_or_default();
            file.trim() == text
        };
        let is_fed = ["Charging", "Full", "Not charging"]
            .into_iter()
            .any(|status| says("status", status));
        // That of a mouse or the like is of a device.
        says("type", "Battery") && !says("scope", "Device") && !is_fed
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_on_battery_while_one_of_its_own_is_not_fed() {
        const MAINS: &[(&str, &str)] = &[("type", "Mains"), ("online", "0")];
        const MOUSE: &[(&str, &str)] = &[
            ("type", "Battery"),
            ("scope", "Device"),
            ("status", "Discharging"),
        ];
        let battery = |status| [("type", "Battery"), ("status", status)];
        for (supplies, expected) in [
            (vec![], false),
            (vec![MAINS], false),
            (vec![MAINS, MOUSE], false),
            (vec![&battery("Full")], false),
            (vec![&battery("Charging"), MAINS], false),
            (vec![&battery("Not charging")], false),
            (vec![MAINS, &battery("Discharging")], true),
            (vec![&battery("Full"), &battery("Discharging")], true),
            (vec![&battery("Unknown")], true),
            (vec![&[("type", "Battery")]], true),
        ] {
            let root = tempfile::tempdir().unwrap();
            for (number, supply) in supplies.iter().enumerate() {
                let dir = root.path().join(format!("sys/class/power_supply/{number}"));
                fs::create_dir_all(&dir).unwrap();
                for (name, text) in *supply {
                    fs::write(dir.join(name), format!("{text}\n")).unwrap();
                }
            }
            assert_eq!(is_on_battery(root.path()), expected, "{supplies:?}");
        }
    }
}
