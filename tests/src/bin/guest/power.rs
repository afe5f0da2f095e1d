//! The daemon in its daily round, and how often it wakes up.

use std::fs;
use std::time::Duration;

use anyhow::Result;
use sesshoku_tests::guest::Guest;

use crate::daemon::search;
use crate::device::{Device, MINUTE, pass};

/// Notes how often the daemon wakes up in each second, in `power.json`.
pub(crate) fn waits(guest: &mut Guest) -> Result<()> {
    wait_in(guest, false)
}

/// The same while another program discovers all the time.
pub(crate) fn waits_beside(guest: &mut Guest) -> Result<()> {
    wait_in(guest, true)
}

fn wait_in(guest: &mut Guest, beside: bool) -> Result<()> {
    let device = Device::start("hci0", "")?;
    // What belongs to the start.
    pass(MINUTE * 10);
    let phones = guest.setup.phones;
    if phones > 0 {
        guest.air(&format!("phones {phones} rssi=-70 rotate=600"))?;
        pass(MINUTE);
    }
    let other = if beside {
        let other = search(guest)?;
        pass(MINUTE);
        Some(other)
    } else {
        None
    };
    let shared_dir = guest.shared_dir().to_owned();
    fs::write(shared_dir.join("program-range"), device.program_range()?)?;
    let seconds = device.watch(Duration::from_secs(60) * guest.setup.minutes)?;
    fs::write(shared_dir.join("power.json"), serde_json::to_vec(&seconds)?)?;
    device.end(&shared_dir.join("sesshokud.log"))?;
    drop(other);
    Ok(())
}
