//! Scenarios that prove the tier itself, with `bluez-probe` in the daemon's place.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use sesshoku_tests::guest::Guest;
use sesshoku_tests::local::program;

/// The longest that the probe runs, on the guest's clock.
const LONGEST_PROBE: Duration = Duration::from_secs(3 * 3600);

/// Three identifiers of ten seconds each.
pub(crate) fn rotates(guest: &mut Guest) -> Result<()> {
    probe(guest, &["rotate", "--times", "3", "--every", "10"])
}

/// Eight identifiers of a quarter of an hour each.
pub(crate) fn rotates_for_hours(guest: &mut Guest) -> Result<()> {
    probe(guest, &["rotate", "--times", "8", "--every", "900"])
}

/// What a person's phone must not do: be there for everyone to connect to.
pub(crate) fn is_connectable(guest: &mut Guest) -> Result<()> {
    probe(
        guest,
        &["rotate", "--times", "1", "--every", "2", "--peripheral"],
    )
}

/// What must not happen in a rotation: the next advert before the last is gone.
pub(crate) fn overlaps(guest: &mut Guest) -> Result<()> {
    probe(guest, &["overlap", "--seconds", "6"])
}

/// An Android phone and an iPhone, and somebody who does not take part.
pub(crate) fn hears(guest: &mut Guest) -> Result<()> {
    guest.air("phone android rssi=-71")?;
    guest.air("phone iphone rssi=-50 flags=yes")?;
    guest.air("beacon other data=020106 pdu=ADV_IND scan_response=0209 rssi=-40")?;
    probe(guest, &["scan", "--devices", "2", "--seconds", "60"])
}

/// A controller is pulled out and put in again, bluetoothd is killed and started.
pub(crate) fn controllers_come_and_go(guest: &mut Guest) -> Result<()> {
    guest.air("unplug 1")?;
    guest.wait_for_adapters(1)?;
    guest.air("plug 1")?;
    guest.wait_for_adapters(2)?;
    guest.end_bluetoothd(nix::sys::signal::Signal::SIGKILL)?;
    guest.restart_bluetoothd()?;
    probe(guest, &["rotate", "--times", "1", "--every", "1"])
}

/// Runs the probe to its end; what it prints goes to `probe.log`.
fn probe(guest: &Guest, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(program("bluez-probe")?);
    command.args(arguments);
    let mut probe = guest.start_process("probe", &mut command)?;
    let code = probe.wait_up_to(LONGEST_PROBE)?;
    ensure!(code == Some(0), "the probe ended with {code:?}");
    Ok(())
}
