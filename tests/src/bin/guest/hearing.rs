//! Phones are near for known minutes at known strengths, alone with us and while
//! another program discovers.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use sesshoku_tests::guest::Guest;
use sesshoku_tests::local::program;

use crate::device::{Device, MINUTE, pass, write_sightings};

/// A few seconds every few minutes, as phones do.
pub(crate) fn in_windows(guest: &mut Guest) -> Result<()> {
    hears(guest, "", MINUTE * 20)
}

/// All the time, as a kiosk does.
pub(crate) fn all_the_time(guest: &mut Guest) -> Result<()> {
    hears(guest, "[scan]\nmode = 'continuous'\n", MINUTE * 8)
}

fn hears(guest: &mut Guest, config: &str, near: Duration) -> Result<()> {
    let device = Device::start("hci0", config)?;
    device.run(MINUTE * 6)?;
    guest.air("phone android rssi=-71 tx=-12")?;
    guest.air("phone iphone rssi=-50 tx=-20 flags=yes")?;
    pass(near);
    guest.air("remove android")?;
    guest.air("remove iphone")?;
    device.run(MINUTE * 6)?;

    let mut command = Command::new(program("bluez-probe")?);
    let seconds = (near + MINUTE * 3).as_secs().to_string();
    command.args(["discover", "--seconds", &seconds]);
    let mut other = guest.start_process("probe", &mut command)?;
    pass(MINUTE);
    guest.air("phone android-beside rssi=-71 tx=-12")?;
    guest.air("phone iphone-beside rssi=-50 tx=-20 flags=yes")?;
    pass(near);
    guest.air("remove android-beside")?;
    guest.air("remove iphone-beside")?;
    other.wait_up_to(MINUTE * 30)?;
    device.run(MINUTE * 6)?;

    let status = device.place.json(&["status"])?;
    fs::write(guest.shared_dir().join("status.json"), status.to_string())?;
    let place = device.end(&guest.shared_dir().join("sesshokud.log"))?;
    write_sightings(&place, &guest.shared_dir().join("sightings.jsonl"))
}
