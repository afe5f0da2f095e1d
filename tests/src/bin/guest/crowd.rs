//! Many phones around.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sesshoku_tests::guest::Guest;

use crate::device::{Device, MINUTE, pass, write_sightings};

/// As phones listen.
pub(crate) fn in_windows(guest: &mut Guest) -> Result<()> {
    in_a_crowd(guest, "", MINUTE * 16)
}

/// As phones listen, for long enough to see what grows.
pub(crate) fn for_hours(guest: &mut Guest) -> Result<()> {
    in_a_crowd(guest, "", MINUTE * 240)
}

/// As a kiosk listens.
pub(crate) fn all_the_time(guest: &mut Guest) -> Result<()> {
    in_a_crowd(guest, "[scan]\nmode = 'continuous'\n", MINUTE * 4)
}

/// The phones change their addresses every ten minutes, so that each leaves several
/// objects behind in bluetoothd.
fn in_a_crowd(guest: &mut Guest, config: &str, time: Duration) -> Result<()> {
    /// Closer together than objects stay, which is 30 s, in all but the longest.
    const LOOKS: u32 = 60;
    let device = Device::start("hci0", config)?;
    let before = stats(guest)?;
    guest.air(&format!(
        "phones {} rssi=-70 rotate=600",
        guest.setup.phones
    ))?;
    let (mut objects, mut memory_kib) = (Vec::new(), Vec::new());
    let mut bluetoothd_kib = Vec::new();
    for _ in 0..LOOKS {
        pass(time / LOOKS);
        objects.push(guest.devices("hci0")?);
        memory_kib.push(device.memory_kib()?);
        bluetoothd_kib.push(guest.bluetoothd_memory_kib()?);
    }
    guest.air("nophones")?;
    let after = stats(guest)?;
    // What is still on its way, and the cycle under way, come to an end.
    pass(MINUTE * 6);
    objects.push(guest.devices("hci0")?);
    let status = device.place.json(&["status"])?;
    let result = json!({
        "minutes": time.as_secs() / 60,
        "objects": objects,
        "memory_kib": memory_kib,
        "bluetoothd_kib": bluetoothd_kib,
        "air": [before, after],
        "method": status["scan_method"],
        "scans": status["scans"],
    });
    fs::write(guest.shared_dir().join("crowd.json"), result.to_string())
        .context("cannot write the result")?;
    let place = device.end(&guest.shared_dir().join("sesshokud.log"))?;
    write_sightings(&place, &guest.shared_dir().join("sightings.jsonl"))
}

fn stats(guest: &mut Guest) -> Result<Value> {
    Ok(serde_json::from_str(&guest.air("stats")?)?)
}
