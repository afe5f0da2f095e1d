//! The whole story on real Bluetooth: both servers, and three people of whom two
//! meet.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sesshoku_tests::guest::Guest;
use sesshoku_tests::servers::Servers;

use crate::device::{Device, MINUTE, pass};

const MAIL: &str = "positive.person@mail.example";
/// The day of `uml::NOON`.
const TODAY: &str = "2023-11-14";

/// Two people stand by each other for 20 minutes while a third is far off; one of
/// the two registers, and the others ask.
pub(crate) fn registers(guest: &mut Guest) -> Result<()> {
    let shared_dir = guest.shared_dir().to_owned();
    let mut servers = Servers::start(Path::new("/run/servers"), "", "period_seconds = 3600")?;
    let config = servers.daemon_config();
    let all = [0, 1, 2];
    set_all(guest, &all, "out")?;
    let [positive, near, far] =
        ["hci0", "hci1", "hci2"].map(|adapter| Device::start(adapter, &config));
    let (positive, near, far) = (positive?, near?, far?);
    positive.run(MINUTE * 10)?;
    set_all(guest, &all, "-115")?;
    set_all(guest, &all[..2], "-72")?;
    positive.run(MINUTE * 20)?;
    set_all(guest, &all, "out")?;
    positive.run(MINUTE * 10)?;

    servers.issue_to(MAIL)?;
    let number = servers.mailed_number(MAIL)?;
    let path = positive.place.dir().join("number");
    fs::write(&path, &number)?;
    let registered = positive.place.sesshoku(&[
        "register",
        "--agree",
        "--symptoms",
        "yes",
        "--date",
        TODAY,
        "--number-file",
        path.to_str().context("a path in UTF-8")?,
    ])?;
    ensure!(registered.status.success(), "{registered:?}");
    // Two hours off the air, and an hour until the next publication.
    for _ in 0..19 {
        positive.run(MINUTE * 10)?;
    }
    let result = json!({ "near": ask(&near)?, "far": ask(&far)? });
    fs::write(shared_dir.join("contacts.json"), result.to_string())?;
    for (device, name) in [(positive, "positive"), (near, "near"), (far, "far")] {
        device.end(&shared_dir.join(format!("{name}.log")))?;
    }
    servers.end()?;
    pass(MINUTE);
    Ok(())
}

/// Sets how each of `controllers` arrives at each other.
fn set_all(guest: &mut Guest, controllers: &[usize], level: &str) -> Result<()> {
    for from in controllers {
        for to in controllers.iter().filter(|to| *to != from) {
            guest.air(&format!("rssi ctl{from} ctl{to} {level}"))?;
        }
    }
    Ok(())
}

/// What a device tells after a check.
fn ask(device: &Device) -> Result<Value> {
    let checked = device.place.sesshoku(&["check"])?;
    ensure!(
        checked.status.success(),
        "{checked:?}\n{}",
        device.place.log()
    );
    device.place.json(&["contacts"])
}
