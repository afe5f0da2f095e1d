//! Many phones around.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use sesshoku_tests::guest::Guest;

use crate::device::{Device, MINUTE, pass, write_sightings};

/// As phones listen.
pub(crate) fn in_windows(guest: &mut Guest) -> Result<()> {
    in_a_crowd(guest, "", MINUTE * 16)
}

/// As a kiosk listens.
pub(crate) fn all_the_time(guest: &mut Guest) -> Result<()> {
    in_a_crowd(guest, "[scan]\nmode = 'continuous'\n", MINUTE * 3)
}

/// The phones change their addresses every ten minutes, so that each leaves several
/// objects behind in bluetoothd.
fn in_a_crowd(guest: &mut Guest, config: &str, time: Duration) -> Result<()> {
    const LOOKS: u32 = 10;
    let device = Device::start("hci0", config)?;
    guest.air(&format!(
        "phones {} rssi=-70 rotate=600",
        guest.setup.phones
    ))?;
    let (mut objects, mut memory_kib) = (Vec::new(), Vec::new());
    for _ in 0..LOOKS {
        pass(time / LOOKS);
        objects.push(guest.devices("hci0")?);
        memory_kib.push(device.memory_kib()?);
    }
    guest.air("nophones")?;
    // What is still on its way, and the cycle under way, come to an end.
    pass(MINUTE * 2);
    let air: serde_json::Value = serde_json::from_str(&guest.air("stats")?)?;
    let status = device.place.json(&["status"])?;
    let result = json!({
        "objects": objects,
        "memory_kib": memory_kib,
        "air": air,
        "counters": status["scans"]["counters"],
    });
    fs::write(guest.shared_dir().join("crowd.json"), result.to_string())
        .context("cannot write the result")?;
    let place = device.end(&guest.shared_dir().join("sesshokud.log"))?;
    write_sightings(&place, &guest.shared_dir().join("sightings.jsonl"))
}
