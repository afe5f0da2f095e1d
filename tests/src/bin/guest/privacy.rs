//! A day on the air in which everything happens that could tie identifiers
//! together. When each thing happens is marked in the log of the air.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use serde_json::json;
use sesshoku_tests::guest::Guest;
use sesshoku_tests::local::{Process, program, wait_for};
use sesshokud::store::Store;

use crate::device::{Device, MINUTE, open_store, pass};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY_SECONDS: i64 = 86_400;

pub(crate) fn stays_private(guest: &mut Guest) -> Result<()> {
    guest.air(crate::ASKED)?;
    let device = Device::start("hci0", "")?;
    shown_and_hidden(guest, &device)?;
    beside_another_advert(guest, &device)?;
    bluetoothd_dies(guest, &device)?;
    clock_is_set(guest, &device)?;
    // Past midnight, and for the number of it.
    for _ in 0..8 {
        device.run(HOUR)?;
    }
    let place = device.end(&guest.shared_dir().join("sesshokud.log"))?;
    write_own_keys(guest, &open_store(&place)?)
}

const EXPOSED: (&str, &str) = ("degraded", "privacy-exposed");
const ON_HCI0: &str = "[radio]\nadapter = 'hci0'\n";

/// A daemon is started on an adapter that goes on showing its address, whoever's advert
/// that came of, and the person ends it with the command that the status names.
pub(crate) fn starts_exposed(guest: &mut Guest) -> Result<()> {
    let log = guest.shared_dir().join("sesshokud.log");
    // The advert of a daemon that was killed is gone before the next one looks.
    let mut device = Device::start("hci0", "")?;
    for _ in 0..5 {
        device = Device::begin_in(device.kill()?, ON_HCI0)?;
        device.wait_until_it_runs()?;
    }
    guest.air("mark discoverable")?;

    // The daemon before has seen it.
    guest.set_discoverable("hci0", true)?;
    device.wait_until_it_is(("degraded", "privacy-discoverable"))?;
    guest.set_discoverable("hci0", false)?;
    device.wait_until_it_is(EXPOSED)?;
    let place = device.end(&log)?;
    guest.air("mark seen")?;
    let device = Device::begin_in(place, ON_HCI0)?;
    stays_exposed_until_restarted(guest, &device)?;
    let device = Device::begin_in(device.end(&log)?, ON_HCI0)?;
    device.wait_until_it_runs()?;
    device.end(&log)?;

    // Nobody has seen it, but an advert is there that may have been there then.
    guest.air("mark discoverable")?;
    show_beside_another_advert(guest)?;
    let other = another_advert(guest)?;
    guest.air("mark seen")?;
    let device = Device::begin(ON_HCI0)?;
    device.wait_until_it_is(EXPOSED)?;
    let place = device.end(&log)?;
    // It ends, and then only the daemon before tells of it.
    end_other_advert(guest, other)?;
    let device = Device::begin_in(place, ON_HCI0)?;
    stays_exposed_until_restarted(guest, &device)?;
    device.end(&log)?;

    // Nobody has seen it, and no advert is there.
    guest.air("mark discoverable")?;
    show_beside_another_advert(guest)?;
    guest.air("mark unknown")?;
    let device = Device::start("hci0", "")?;
    device.run(MINUTE * 20)?;
    guest.air("mark over")?;
    device.end(&log)?;
    Ok(())
}

fn stays_exposed_until_restarted(guest: &mut Guest, device: &Device) -> Result<()> {
    device.wait_until_it_is(EXPOSED)?;
    pass(MINUTE * 25);
    device.wait_until_it_is(EXPOSED)?;
    guest.air("mark known")?;
    restart_bluetooth(device)?;
    guest.air("mark hidden")?;
    device.run(MINUTE * 25)
}

/// The adapter is discoverable for a time while another program advertises. bluetoothd
/// 5.66 cannot hide it before that has ended.
fn show_beside_another_advert(guest: &Guest) -> Result<()> {
    let other = another_advert(guest)?;
    guest.set_discoverable("hci0", true)?;
    pass(MINUTE / 2);
    end_other_advert(guest, other)?;
    guest.set_discoverable("hci0", false)
}

fn another_advert(guest: &Guest) -> Result<Process> {
    let mut command = Command::new(program("bluez-probe")?);
    command.args(["other", "--seconds", "1000000"]);
    let other = guest.start_process("probe", &mut command)?;
    wait_for("the other program's advert", || {
        Ok((guest.adverts("hci0")? > 0).then_some(()))
    })?;
    Ok(other)
}

fn end_other_advert(guest: &Guest, other: Process) -> Result<()> {
    drop(other);
    wait_for("the end of the other program's advert", || {
        Ok((guest.adverts("hci0")? == 0).then_some(()))
    })
}

/// Does what the status says is to be done.
fn restart_bluetooth(device: &Device) -> Result<()> {
    const COMMAND: &str = "restart-bluetooth";
    let status = device.place.sesshoku(&["status"])?;
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    ensure!(status.contains(&format!("sesshoku {COMMAND}")), "{status}");
    let done = device.place.sesshoku(&[COMMAND, "--yes"])?;
    ensure!(done.status.success(), "{done:?}");
    Ok(())
}

/// bluetoothd is set to resolvable addresses: nothing is sent, and everything is heard.
pub(crate) fn is_resolvable(guest: &mut Guest) -> Result<()> {
    guest.air("phone near rssi=-60")?;
    let device = Device::begin("[radio]\nadapter = 'hci0'\n")?;
    device.wait_until_it_is(("degraded", "privacy-resolvable"))?;
    // Longer than any identifier lasts, and with several scan windows.
    pass(MINUTE * 25);
    device.wait_until_it_is(("degraded", "privacy-resolvable"))?;
    let heard = device.counters()?["heard"].as_u64();
    ensure!(heard > Some(0), "{heard:?} heard");
    device.end(&guest.shared_dir().join("sesshokud.log"))?;
    Ok(())
}

/// The adapter is discoverable for a while, at several points of a rotation and of
/// the time between scans.
fn shown_and_hidden(guest: &mut Guest, device: &Device) -> Result<()> {
    for seconds in [1, 41, 83, 127, 601] {
        pass(Duration::from_secs(seconds));
        guest.air("mark discoverable")?;
        guest.set_discoverable("hci0", true)?;
        pass(Duration::from_secs(30));
        hide(guest, device)?;
    }
    // This is over by itself, but the adapter stays connectable.
    guest.air("mark discoverable")?;
    guest.set_discoverable_for("hci0", 60)?;
    device.wait_until_it_is(("degraded", "privacy-connectable"))?;
    pass(MINUTE * 25);
    // Only so does bluetoothd end the connectable state.
    guest.set_discoverable("hci0", true)?;
    hide(guest, device)
}

/// Hides the adapter. The kernel of an extended controller goes on showing it, and the
/// daemon says nothing beside that, until the adapter is switched off.
fn hide(guest: &mut Guest, device: &Device) -> Result<()> {
    if guest.setup.model.extended {
        guest.set_discoverable("hci0", false)?;
        device.wait_until_it_is(("degraded", "privacy-exposed"))?;
        pass(MINUTE * 12);
        device.wait_until_it_is(("degraded", "privacy-exposed"))?;
        guest.set_powered("hci0", false)?;
        guest.air("mark hidden")?;
        guest.set_powered("hci0", true)?;
    } else {
        guest.air("mark hidden")?;
        guest.set_discoverable("hci0", false)?;
    }
    pass(Duration::from_secs(30));
    device.wait_until_it_runs()
}

/// Another program advertises for half an hour, which a legacy controller cannot do
/// beside ours.
fn beside_another_advert(guest: &mut Guest, device: &Device) -> Result<()> {
    let mut command = Command::new(program("bluez-probe")?);
    command.args(["other", "--seconds", "1800"]);
    guest.air("mark another")?;
    let mut other = guest.start_process("probe", &mut command)?;
    pass(MINUTE * 2);
    if guest.setup.model.extended {
        device.wait_until_it_runs()?;
    } else {
        device.wait_until_it_is(("degraded", "broadcast-failed"))?;
    }
    let code = other.wait_up_to(HOUR)?;
    ensure!(code == Some(0), "the probe ended with {code:?}");
    guest.air("mark alone")?;
    pass(MINUTE * 2);
    device.wait_until_it_runs()
}

fn bluetoothd_dies(guest: &mut Guest, device: &Device) -> Result<()> {
    for seconds in [7, 300, 1_500] {
        device.run(MINUTE * 3)?;
        guest.air("mark killed")?;
        guest.end_bluetoothd(Signal::SIGKILL)?;
        pass(Duration::from_secs(seconds));
        guest.air("mark back")?;
        guest.restart_bluetoothd()?;
        device.wait_until_it_runs()?;
    }
    Ok(())
}

fn clock_is_set(guest: &mut Guest, device: &Device) -> Result<()> {
    for seconds in [
        5 * 3_600,
        -3 * 3_600,
        600,
        -600,
        DAY_SECONDS,
        -2 * DAY_SECONDS,
        DAY_SECONDS,
    ] {
        device.run(MINUTE * 17)?;
        guest.air(&format!("mark clock {seconds}"))?;
        set_clock(seconds)?;
        pass(MINUTE * 6);
        device.wait_until_it_runs()?;
    }
    Ok(())
}

/// Sets the wall clock ahead, or back.
fn set_clock(seconds: i64) -> Result<()> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let then = i64::try_from(now.as_secs())? + seconds;
    let status = Command::new("date")
        .arg(format!("--set=@{then}"))
        .stdout(std::process::Stdio::null())
        .status()?;
    ensure!(status.success(), "the clock cannot be set");
    Ok(())
}

fn write_own_keys(guest: &Guest, store: &Store) -> Result<()> {
    let keys = store.own_keys()?;
    let lines: Vec<String> = keys
        .iter()
        .map(|key| {
            json!({
                "tek": hex::encode(key.tek.expose_bytes()),
                "rolling_start": key.day.first_interval().get(),
            })
            .to_string()
        })
        .collect();
    Ok(fs::write(
        guest.shared_dir().join("keys.jsonl"),
        lines.join("\n"),
    )?)
}
