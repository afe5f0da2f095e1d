//! What can break below the daemon breaks, one thing after the other, and is
//! mended again.
//!
//! A row for each goes to `recovery.jsonl`. When causes came and went is marked in
//! the log of the air, where the test finds what they did to it.

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use serde_json::json;
use sesshoku_tests::guest::{Guest, SYSTEM_BUS_ADDRESS};
use sesshoku_tests::local::{Place, wait_for};

use crate::device::{Device, MINUTE, pass, write_sightings};

const ABSENT: (&str, &str) = ("stopped", "adapter-absent");
const OFF: (&str, &str) = ("stopped", "adapter-off");
const BLOCKED: (&str, &str) = ("stopped", "adapter-blocked");
const DISCOVERABLE: (&str, &str) = ("degraded", "privacy-discoverable");
const CONNECTABLE: (&str, &str) = ("degraded", "privacy-connectable");

/// How long each fault lasts once it is told.
const FAULT_LASTS: Duration = Duration::from_secs(300);

type Step = fn(&mut Guest) -> Result<()>;

/// Every fault in its turn, with one daemon that is never restarted.
pub(crate) fn recovers(guest: &mut Guest) -> Result<()> {
    guest.air("phone near rssi=-60")?;
    let mut trial = Trial {
        rows: File::create(guest.shared_dir().join("recovery.jsonl"))?,
        device: absent_at_start(guest)?,
        guest,
    };
    let sockets = trial.device.sockets()?;
    trial.lasting(
        "bluetoothd-ended",
        ABSENT,
        |guest| guest.end_bluetoothd(Signal::SIGTERM),
        Guest::restart_bluetoothd,
    )?;
    trial.lasting(
        "bluetoothd-killed",
        ABSENT,
        |guest| guest.end_bluetoothd(Signal::SIGKILL),
        Guest::restart_bluetoothd,
    )?;
    trial.momentary("bluetoothd-restarted", |guest| {
        guest.end_bluetoothd(Signal::SIGTERM)?;
        guest.restart_bluetoothd()
    })?;
    trial.momentary("bluetoothd-killed-and-started", |guest| {
        guest.end_bluetoothd(Signal::SIGKILL)?;
        guest.restart_bluetoothd()
    })?;
    trial.lasting(
        "bluetoothd-hangs",
        ABSENT,
        |guest| guest.signal_bluetoothd(Signal::SIGSTOP),
        |guest| guest.signal_bluetoothd(Signal::SIGCONT),
    )?;
    trial.lasting(
        "adapter-off",
        OFF,
        |guest| guest.set_powered("hci0", false),
        |guest| guest.set_powered("hci0", true),
    )?;
    trial.momentary("adapter-off-and-on", |guest| {
        guest.set_powered("hci0", false)?;
        guest.set_powered("hci0", true)
    })?;
    trial.lasting(
        "adapter-unplugged",
        ABSENT,
        |guest| guest.air("unplug 0").map(drop),
        |guest| guest.air("plug 0").map(drop),
    )?;
    trial.momentary("adapter-unplugged-and-plugged", |guest| {
        guest.air("unplug 0")?;
        guest.wait_for_adapters(0)?;
        guest.air("plug 0")?;
        guest.wait_for_adapters(1)
    })?;
    trial.lasting(
        "rfkill",
        BLOCKED,
        |guest| guest.block(true),
        |guest| guest.block(false),
    )?;
    trial.lasting(
        "rfkill-while-off",
        BLOCKED,
        |guest| {
            guest.set_powered("hci0", false)?;
            guest.block(true)
        },
        |guest| {
            guest.block(false)?;
            // bluetoothd may be about to do so itself, and is busy until it has.
            wait_for("the adapter to be on", || {
                Ok(guest.set_powered("hci0", true).ok())
            })
        },
    )?;
    trial.lasting(
        "discoverable",
        DISCOVERABLE,
        |guest| guest.set_discoverable("hci0", true),
        |guest| guest.hide_for_good("hci0"),
    )?;
    trial.lasting(
        "discoverable-for-a-minute",
        CONNECTABLE,
        |guest| guest.set_discoverable_for("hci0", 60),
        |guest| {
            guest.set_discoverable("hci0", true)?;
            guest.hide_for_good("hci0")
        },
    )?;
    trial.lasting(
        "system-bus-killed",
        ABSENT,
        Guest::kill_system_bus,
        Guest::restart_system_bus,
    )?;
    // Of every connection that was made anew, the one before is closed: to the buses, and
    // to the kernel's management of Bluetooth.
    let after = trial.device.sockets()?;
    ensure!(
        after == sockets,
        "{after} sockets, {sockets} before the faults"
    );
    trial.end()?;
    on_the_bus_that_dies(guest)?;
    ends_without_bluetoothd(guest)?;
    moves(guest)
}

/// bluetoothd was stopped, and then the daemon is, with an advert that was on the air.
fn ends_without_bluetoothd(guest: &mut Guest) -> Result<()> {
    let device = Device::start("hci0", "")?;
    device.run(MINUTE * 6)?;
    guest.end_bluetoothd(Signal::SIGTERM)?;
    device.wait_until_it_is(ABSENT)?;
    device.end(&guest.shared_dir().join("without.log"))?;
    pass(MINUTE);
    guest.restart_bluetoothd()
}

/// bluetoothd comes a while after the daemon.
fn absent_at_start(guest: &mut Guest) -> Result<Device> {
    guest.end_bluetoothd(Signal::SIGTERM)?;
    let device = Device::begin("[radio]\nadapter = 'hci0'\n")?;
    device.wait_until_it_is(ABSENT)?;
    pass(FAULT_LASTS);
    guest.air("mark cure bluetoothd-absent-at-start")?;
    guest.restart_bluetoothd()?;
    device.wait_until_it_runs()?;
    // Time for the first scan window.
    pass(MINUTE);
    Ok(device)
}

/// The daemon answers on the bus that dies. Nobody can ask it meanwhile.
fn on_the_bus_that_dies(guest: &mut Guest) -> Result<()> {
    let name = "system-bus-killed-with-its-name";
    let place = Place::on_bus(SYSTEM_BUS_ADDRESS)?;
    let device = Device::begin_in(place, "[radio]\nadapter = 'hci0'\n")?;
    device.wait_until_it_runs()?;
    pass(MINUTE);
    let before = device.counters()?;
    guest.kill_system_bus()?;
    pass(MINUTE);
    let wakeups = device.watch(FAULT_LASTS - MINUTE)?;
    guest.air(&format!("mark cure {name}"))?;
    guest.restart_system_bus()?;
    let cured = Instant::now();
    let after = wait_for("its name", || Ok(device.counters().ok()))?;
    let named_after = cured.elapsed();
    ensure!(
        after["cycles"].as_u64() >= before["cycles"].as_u64() && before["cycles"].is_u64(),
        "it is not the same: {after} after {before}"
    );
    device.wait_until_it_runs()?;
    pass(MINUTE);
    device.end(&guest.shared_dir().join("named.log"))?;
    let row = json!({
        "fault": name,
        "named_ms": named_after.as_millis(),
        "wakeups": wakeups,
    });
    let mut rows = File::options()
        .append(true)
        .open(guest.shared_dir().join("recovery.jsonl"))?;
    Ok(writeln!(rows, "{row}")?)
}

/// The adapter in use is pulled out where there is another.
fn moves(guest: &mut Guest) -> Result<()> {
    guest.air("plug 1")?;
    guest.wait_for_adapters(2)?;
    let device = Device::begin("")?;
    device.wait_until_it_runs()?;
    let adapter = || Ok::<_, anyhow::Error>(device.place.json(&["status"])?["adapter"].take());
    let before = adapter()?;
    ensure!(before == "hci0", "it is on {before}");
    pass(MINUTE);
    guest.air("mark cure adapter-replaced")?;
    guest.air("unplug 0")?;
    device.wait_for(|status| status["adapter"] == "hci1")?;
    device.wait_until_it_runs()?;
    pass(MINUTE * 6);
    // It stays where it is while that works.
    guest.air("plug 0")?;
    guest.wait_for_adapters(2)?;
    pass(MINUTE);
    let after = adapter()?;
    ensure!(after == "hci1", "it went back to {after}");
    device.end(&guest.shared_dir().join("moved.log"))?;
    Ok(())
}

struct Trial<'a> {
    guest: &'a mut Guest,
    device: Device,
    rows: File,
}

impl Trial<'_> {
    /// A fault that lasts until it is mended, and is told as `expected`.
    fn lasting(
        &mut self,
        name: &str,
        expected: (&str, &str),
        cause: Step,
        cure: Step,
    ) -> Result<()> {
        self.guest.air(&format!("mark cause {name}"))?;
        let caused = Instant::now();
        cause(self.guest)?;
        self.device.wait_until_it_is(expected)?;
        let told_after = caused.elapsed();
        // The first minute after is the end of what was under way.
        pass(MINUTE);
        let wakeups = self.device.watch(FAULT_LASTS - MINUTE)?;
        self.device.wait_until_it_is(expected)?;
        self.mend(name, cure)?;
        let row = json!({
            "fault": name,
            "state": expected.0,
            "reason": expected.1,
            "told_ms": told_after.as_millis(),
            "wakeups": wakeups,
        });
        Ok(writeln!(self.rows, "{row}")?)
    }

    /// A fault that is over before anybody could ask.
    fn momentary(&mut self, name: &str, cause: Step) -> Result<()> {
        self.mend(name, cause)?;
        Ok(writeln!(self.rows, "{}", json!({ "fault": name }))?)
    }

    /// Waits, after `cure`, until a whole scan cycle and a rotation are over.
    fn mend(&mut self, name: &str, cure: Step) -> Result<()> {
        let before = self.device.counters()?;
        self.guest.air(&format!("mark cure {name}"))?;
        cure(self.guest)?;
        self.guest.air(&format!("mark cured {name}"))?;
        self.device.wait_for(|status| {
            let after = &status["scans"]["counters"];
            let more = |what: &str| after[what].as_u64() > before[what].as_u64();
            more("cycles") && more("rotations")
        })?;
        self.device.wait_until_it_runs()?;
        pass(MINUTE * 2);
        self.device.wait_until_it_runs()
    }

    /// Nothing that was stored is lost.
    fn end(self) -> Result<()> {
        let stored = self.device.counters()?["stored"].as_u64();
        let place = self
            .device
            .end(&self.guest.shared_dir().join("sesshokud.log"))?;
        // The device's last words are in the store as well.
        let path = self.guest.shared_dir().join("sightings.jsonl");
        write_sightings(&place, &path)?;
        let kept = std::fs::read_to_string(&path)?.lines().count();
        ensure!(
            stored.is_some_and(
                |stored| stored > 0 && u64::try_from(kept).is_ok_and(|kept| kept >= stored)
            ),
            "{kept} sightings of {stored:?} are in the store"
        );
        Ok(())
    }
}
