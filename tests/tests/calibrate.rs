//! Measuring how strongly a phone is heard, in a simulated room and on a fake
//! bluetoothd.

use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sesshoku_tests::fake_bluez::{FakeBluez, Options};
use sesshoku_tests::local::{Place, Process, wait_for};
use sesshoku_tests::room::Room;

/// Runs the measurement without questions, and reads what it prints.
fn calibrate(place: &Place, arguments: &[&str]) -> Result<(Option<i32>, Value)> {
    let all = [&["calibrate", "--yes", "--json"], arguments].concat();
    let Output {
        status,
        stdout,
        stderr,
    } = place.sesshoku(&all)?;
    let report = serde_json::from_slice(&stdout)
        .with_context(|| String::from_utf8_lossy(&stderr).into_owned())?;
    Ok((status.code(), report))
}

const HERE: &str = "[[device]]\nname = 'here'\n";
const THERE: &str = "[[device]]\nname = 'there'\ntx_power = -12\n\
     stay = [{ from_minute = 0, to_minute = 600, metres = 1.0 }]\n";

/// A room with people at these metres, and with devices that are all to come.
fn room(metres: &[f64], devices: &[&str]) -> Result<Room> {
    let people: String = metres
        .iter()
        .map(|metres| {
            format!(
                "[[person]]\ntx_power = -20\n\
                 stay = [{{ from_minute = 0, to_minute = 600, metres = {metres:.1} }}]\n"
            )
        })
        .collect();
    let devices = devices.concat();
    Room::open(&format!("seed = 7\nnoise_db = 2\n{people}{devices}"), 20.0)
}

#[test]
fn a_phone_at_one_metre_gives_the_correction() -> Result<()> {
    // The phone is a little weaker than its list says.
    let room = room(&[1.0, 9.0], &[HERE])?;
    let here = room.enter("here", "[calibration]\nrssi_correction = 3\n")?;
    let file = here.place.dir().join("conf.d/50-calibration.toml");
    let path = file.to_str().context("a path")?;
    let arguments = [
        "--turns",
        "2",
        "--phone-power",
        "-14",
        "--write",
        "--file",
        path,
    ];
    let (code, report) = calibrate(&here.place, &arguments)?;
    ensure!(code == Some(0), "{code:?}: {report}");
    let median = report["median"].as_i64().context("a median")?;
    // −20 − 50 dB, with a noise of 2 dB.
    ensure!((-72..=-68).contains(&median), "{report}");
    ensure!(report["corrected"] == median + 3, "{report}");
    ensure!(report["current"]["rssi_correction_source"] == "configured");
    ensure!(report["current"]["tx_power_source"] == "default");
    ensure!(report["current"]["confidence"] == 0);
    let expected = -64 - median;
    ensure!(
        report["settings"]["rssi_correction"] == expected,
        "{report}"
    );
    ensure!(report["written"] == path, "{report}");
    for turn in report["turns"].as_array().context("turns")? {
        ensure!(turn["others"].as_u64() >= Some(1), "{turn}");
        ensure!(turn["samples"].as_u64() >= Some(40), "{turn}");
    }

    // The file is one that the daemon takes.
    let mut check = here
        .place
        .daemon_command(&std::fs::read_to_string(&file)?)?;
    let output = check
        .arg("--check-config")
        .stdout(std::process::Stdio::piped())
        .output()?;
    let config = String::from_utf8(output.stdout)?;
    ensure!(output.status.success() && config.contains(&format!("rssi_correction = {expected}")));
    Ok(())
}

#[test]
fn two_phones_that_are_as_near_are_told_and_nothing_is_set() -> Result<()> {
    let room = room(&[1.0, 1.3], &[HERE])?;
    let here = room.enter("here", "")?;
    let arguments = ["--turns", "1", "--phone-power", "-14"];
    let (code, report) = calibrate(&here.place, &arguments)?;
    ensure!(code == Some(1), "{code:?}: {report}");
    ensure!(report["problem"] == "another-near", "{report}");
    ensure!(report["settings"].is_null(), "{report}");
    Ok(())
}

#[test]
fn another_device_measures_what_this_one_sends() -> Result<()> {
    let room = room(&[], &[HERE, THERE])?;
    let here = room.enter("here", "")?;
    let there = room.enter("there", "")?;
    wait_for("the other to send", || {
        let status = there.place.json(&["status"])?;
        Ok((status["broadcasting"] == true).then_some(()))
    })?;
    let (code, report) = calibrate(&here.place, &["--turns", "1"])?;
    ensure!(code == Some(0), "{code:?}: {report}");
    ensure!(
        report["settings"].is_null(),
        "nothing is expected: {report}"
    );
    let heard = report["corrected"].to_string();
    let (code, report) = calibrate(&there.place, &["--heard-at", &heard])?;
    ensure!(code == Some(0), "{code:?}: {report}");
    // What the room says it sends with.
    let power = report["settings"]["tx_power"].as_i64().context("a power")?;
    ensure!((-14..=-10).contains(&power), "{report}");
    ensure!(report["settings"]["confidence"] == 1, "{report}");
    Ok(())
}

#[test]
fn nothing_is_measured_without_agreement_nor_at_the_same_time() -> Result<()> {
    let place = Place::new()?;
    let _daemon = place.start_daemon("[radio]\nkind = 'air'\n")?;
    let refused = |arguments: &[&str]| -> Result<Value> {
        let output = place.sesshoku(arguments)?;
        ensure!(output.status.code() == Some(1), "{output:?}");
        let error: Value = serde_json::from_slice(&output.stderr)?;
        Ok(error["error"].clone())
    };
    let arguments = [
        "calibrate",
        "--yes",
        "--turns",
        "1",
        "--seconds",
        "5",
        "--json",
    ];
    ensure!(refused(&arguments)? == "consent-required");
    ensure!(place.sesshoku(&["agree", "--yes"])?.status.success());
    let mut first = measure(&place)?;
    wait_for("a second measurement to be refused", || {
        let output = place.sesshoku(&arguments)?;
        let error: Value = serde_json::from_slice(&output.stderr).unwrap_or_default();
        Ok((error["error"] == "busy").then_some(()))
    })?;
    ensure!(place.sesshoku(&["withdraw", "--yes"])?.status.success());
    ensure!(first.wait()? != Some(0), "withdrawing ends it");
    Ok(())
}

/// A measurement in the background that would take two minutes.
fn measure(place: &Place) -> Result<Process> {
    let mut command = Command::new("dbus-send");
    command
        .arg(format!("--bus={}", place.address()))
        .args(["--print-reply", "--reply-timeout=180000"])
        .args(["--dest=org.sesshoku.Tracing1", "/org/sesshoku/Tracing1"])
        .args(["org.sesshoku.Calibration1.Measure", "uint32:120"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    Process::start(&mut command)
}

#[test]
fn on_bluez() -> Result<()> {
    let place = Place::new()?;
    let options = Options {
        experimental: true,
        ..Options::default()
    };
    let bluez = FakeBluez::start(place.address(), options)?;
    bluez.tell("phone near -58")?;
    let _daemon = place.start_daemon_on_bluez("")?;
    wait_for("the radio to be ready", || {
        let status = place.json(&["status"])?;
        Ok((status["broadcasting"] == true).then_some(()))
    })?;
    let arguments = ["--turns", "1", "--seconds", "10", "--expected", "-62"];
    let (code, report) = calibrate(&place, &arguments)?;
    ensure!(code == Some(0), "{code:?}: {report}\n{}", place.log());
    ensure!(report["median"] == -58, "{report}");
    ensure!(report["settings"]["rssi_correction"] == -4, "{report}");
    // One phone, however many samples: the daemon goes on as before.
    let status = place.json(&["status"])?;
    ensure!(status["reason"] == "ready", "{status}");
    Ok(())
}
