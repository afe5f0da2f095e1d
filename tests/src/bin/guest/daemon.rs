//! Scenarios with sesshokud and sesshoku, on the guest's bluetoothd.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use gaen::diagnosis::{DiagnosisKey, ReportType};
use gaen::export::{self, Export, Signer};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use serde_json::json;
use sesshoku_tests::guest::Guest;
use sesshoku_tests::local::{Process, program, wait_for};
use sesshokud::store::Store;

use crate::device::{Device, MINUTE, open_store, pass, write_sightings};

/// An hour and a half on the air, then the end.
pub(crate) fn broadcasts(guest: &mut Guest) -> Result<()> {
    let device = Device::start("hci0", "")?;
    for _ in 0..9 {
        device.run(MINUTE * 10)?;
    }
    let status = device.place.json(&["status"])?;
    fs::write(guest.shared_dir().join("status.json"), status.to_string())?;
    device.end(&guest.shared_dir().join("sesshokud.log"))?;
    // What was on the air after this instant was on it without a daemon.
    guest.air("stats")?;
    pass(MINUTE);
    Ok(())
}

/// A phone is near for half an hour.
pub(crate) fn hears(guest: &mut Guest) -> Result<()> {
    let device = Device::start("hci0", "")?;
    device.run(MINUTE * 10)?;
    guest.air("phone near rssi=-65 tx=-12")?;
    device.run(MINUTE * 30)?;
    guest.air("remove near")?;
    device.run(MINUTE * 10)?;
    let place = device.end(&guest.shared_dir().join("sesshokud.log"))?;
    write_sightings(&place, &guest.shared_dir().join("sightings.jsonl"))
}

/// The only controller has no Low Energy.
pub(crate) fn classic(guest: &mut Guest) -> Result<()> {
    let device = Device::begin("[radio]\nadapter = 'hci0'\n")?;
    device.wait_until_it_is(("stopped", "adapter-incapable"))?;
    let status = device.place.json(&["status"])?;
    fs::write(guest.shared_dir().join("status.json"), status.to_string())?;
    device.end(&guest.shared_dir().join("sesshokud.log"))?;
    Ok(())
}

/// The daemon ends while another program discovers, at several moments of that.
pub(crate) fn leaves_discovery(guest: &mut Guest) -> Result<()> {
    // bluetoothd scans for 10.24 s and rests for a few; and the daemon itself listens.
    for seconds in [0, 2, 5, 8, 11, 250] {
        let device = Device::start("hci0", "")?;
        device.run(MINUTE * 6)?;
        let mut command = Command::new(program("bluez-probe")?);
        let lasts = Duration::from_secs(seconds) + MINUTE;
        command.args(["discover", "--seconds", &lasts.as_secs().to_string()]);
        let mut other = guest.start_process("probe", &mut command)?;
        wait_for("the other program's discovery", || {
            Ok(guest.is_discovering("hci0")?.then_some(()))
        })?;
        pass(Duration::from_secs(seconds));
        device.end(&guest.shared_dir().join("sesshokud.log"))?;
        pass(MINUTE / 2);
        // It ends when its discovery does.
        ensure!(other.is_running()?, "after {seconds} s: it ended with us");
        wait_for("the other's discovery to go on", || {
            Ok(guest.is_discovering("hci0")?.then_some(()))
        })?;
        other.wait_up_to(MINUTE * 2)?;
    }
    Ok(())
}

/// Has another program search for devices, without a pause.
pub(crate) fn search(guest: &Guest) -> Result<Process> {
    let mut command = Command::new(program("bluez-probe")?);
    command.args(["discover", "--seconds", "1000000"]);
    let other = guest.start_process("probe", &mut command)?;
    wait_for("the other program's discovery", || {
        Ok(guest.is_discovering("hci0")?.then_some(()))
    })?;
    Ok(other)
}

/// Another program searches for devices for longer than an identifier lives.
pub(crate) fn beside_a_search(guest: &mut Guest) -> Result<()> {
    let device = Device::start("hci0", "")?;
    let other = search(guest)?;
    // bluetoothd 5.82 lets every discovery rest for five seconds in sixteen.
    if guest.setup.model.extended || guest.setup.bluetoothd.is_some() {
        guest.air("mark searching")?;
        device.run(MINUTE * 45)?;
    } else {
        pass(MINUTE * 25);
        device.wait_until_it_is(("degraded", "adapter-searching"))?;
        guest.air("mark searching")?;
        pass(MINUTE * 20);
        device.wait_until_it_is(("degraded", "adapter-searching"))?;
    }
    let status = device.place.sesshoku(&["status"])?;
    fs::write(guest.shared_dir().join("said"), status.stdout)?;
    guest.air("mark over")?;
    drop(other);
    pass(MINUTE);
    device.run(MINUTE)?;
    guest.air("mark end")?;
    device.end(&guest.shared_dir().join("sesshokud.log"))?;
    Ok(())
}

/// Two people meet for half an hour; then one registers as positive.
pub(crate) fn meet(guest: &mut Guest) -> Result<()> {
    let shared_dir = guest.shared_dir().to_owned();
    let server = Server::open(Path::new("/run/server"))?;
    guest.air("rssi ctl0 ctl1 out")?;
    guest.air("rssi ctl1 ctl0 out")?;
    let positive = Device::start("hci0", "")?;
    let other = Device::start("hci1", &server.config())?;
    positive.run(MINUTE * 10)?;
    guest.air("rssi ctl0 ctl1 -72")?;
    guest.air("rssi ctl1 ctl0 -72")?;
    positive.run(MINUTE * 30)?;
    guest.air("rssi ctl0 ctl1 out")?;
    guest.air("rssi ctl1 ctl0 out")?;
    other.run(MINUTE * 10)?;

    let place = positive.end(&shared_dir.join("positive.log"))?;
    let before = other.place.json(&["contacts"])?;
    server.publish(&open_store(&place)?)?;
    let check = other.place.sesshoku(&["check"])?;
    let after = other.place.json(&["contacts"])?;
    write_sightings(&place, &shared_dir.join("positive.jsonl"))?;
    let place = other.end(&shared_dir.join("other.log"))?;
    write_sightings(&place, &shared_dir.join("other.jsonl"))?;
    let result = json!({ "before": before, "check": check.status.code(), "after": after });
    fs::write(shared_dir.join("contacts.json"), result.to_string())?;
    Ok(())
}

/// A notification server in a folder.
struct Server {
    dir: std::path::PathBuf,
    signer: Signer,
}

impl Server {
    fn open(dir: &Path) -> Result<Self> {
        let signer = Signer::generate("440", "v1", &mut ChaCha8Rng::seed_from_u64(440));
        fs::create_dir_all(dir.join("c19r/440"))?;
        fs::write(dir.join("public-key.pem"), signer.public_key_pem())?;
        fs::write(dir.join("c19r/440/list.json"), "[]")?;
        Ok(Self {
            dir: dir.to_owned(),
            signer,
        })
    }

    fn config(&self) -> String {
        let dir = self.dir.display();
        format!(
            "[server]
             url = 'file://{dir}'
             fresh_within_hours = 0
             public_keys = [{{ id = '440', version = 'v1', file = '{dir}/public-key.pem' }}]"
        )
    }

    /// Publishes the own keys of a device.
    fn publish(&self, store: &Store) -> Result<()> {
        let keys: Vec<DiagnosisKey> = store
            .own_keys()?
            .into_iter()
            .map(|key| DiagnosisKey {
                tek: key.tek,
                rolling_start: key.start,
                rolling_period: key.period,
                transmission_risk_level: 0,
                report_type: ReportType::ConfirmedTest,
                days_since_onset: Some(0),
            })
            .collect();
        ensure!(!keys.is_empty(), "the device has no keys");
        let start = u64::from(keys[0].rolling_start.start().get());
        let export = Export {
            start,
            end: start + 86_400,
            region: "440".into(),
            batch_num: 1,
            batch_size: 1,
            keys,
            revised_keys: Vec::new(),
        };
        let region_dir = self.dir.join("c19r/440");
        fs::write(
            region_dir.join("1.zip"),
            export::write(&export, &[&self.signer])?,
        )?;
        let list =
            json!([{ "region": "440", "url": "1.zip", "created": (start + 86_400) * 1_000 }]);
        Ok(fs::write(region_dir.join("list.json"), list.to_string())?)
    }
}
