//! Who may ask the daemon for what, with the real polkitd.

use std::process::Command;

use anyhow::ensure;
use nix::sys::signal::Signal;
use serde_json::Value;
use sesshoku_tests::local::{Place, root, skipped};
use sesshoku_tests::polkit::{self, Agent, Person};

/// `nobody`, whom polkit trusts here as it does who sits in front of the device.
const TRUSTED: Person = Person { uid: 65_534 };
/// `daemon`, one of the others.
const OTHER: Person = Person { uid: 1 };
/// What is personal or changes something, with the exit code of a new device.
const PERSONAL: [(&[&str], i32); 5] = [
    (&["contacts"], 4),
    (&["registration"], 0),
    (&["check"], 1),
    (&["agree", "--yes"], 0),
    (&["erase", "--yes"], 0),
];

macro_rules! need_polkit {
    () => {
        if !polkit::is_possible() {
            skipped("polkitd needs root and a mount namespace");
            return Ok(());
        }
    };
}

fn place() -> anyhow::Result<Place> {
    Place::under_policy(&root().join("packaging/dbus/org.sesshoku.Tracing1.conf"))
}

/// The exit code, and the name of the error if there is one.
fn ask(place: &Place, person: Person, command: &[&str]) -> anyhow::Result<(i32, String)> {
    let mut command = command.to_vec();
    command.push("--json");
    let output = person.sesshoku(place, &command)?;
    let error: Option<Value> = serde_json::from_slice(&output.stderr).ok();
    let name = error.as_ref().and_then(|error| error["error"].as_str());
    let code = output.status.code().unwrap_or(-1);
    Ok((code, name.unwrap_or_default().to_owned()))
}

/// Who sits in front of the device may do everything by default, others have to show
/// that they administer it: as polkit has read our file.
#[test]
fn the_defaults_are_for_who_sits_in_front_of_it() -> anyhow::Result<()> {
    need_polkit!();
    let place = place()?;
    let _polkitd = polkit::start(&place, TRUSTED)?;
    let output = Command::new("pkaction")
        .arg("--verbose")
        .env("DBUS_SYSTEM_BUS_ADDRESS", place.address())
        .output()?;
    let told = String::from_utf8(output.stdout)?;
    let count = |text: &str| told.lines().filter(|line| line.trim() == text).count();
    assert_eq!(count("implicit active:   yes"), 5, "{told}");
    assert_eq!(count("implicit any:      yes"), 0, "{told}");
    assert_eq!(count("implicit inactive: yes"), 0, "{told}");
    let asks = |text: &str| told.lines().filter(|line| line.contains(text)).count();
    assert_eq!(asks("auth_admin"), 10, "{told}");
    Ok(())
}

/// The bus lets everybody call whatever the daemon offers, which then asks who it is.
#[test]
fn the_bus_lets_calls_of_every_interface_through() -> anyhow::Result<()> {
    let place = place()?;
    let _daemon = place.start_daemon("[radio]\nkind = 'air'")?;
    for xml in sesshoku_dbus_api::ALL_XML {
        let name = xml.split("<interface name=\"").nth(1).expect("one");
        let name = name.split('"').next().expect("closed");
        let output = Command::new("dbus-send")
            .arg(format!("--bus={}", place.address()))
            .args(["--print-reply", "--dest=org.sesshoku.Tracing1"])
            .args(["/org/sesshoku/Tracing1", &format!("{name}.NoSuchMethod")])
            .output()?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(said.contains("UnknownMethod"), "{name}: {said}");
    }
    Ok(())
}

/// Everything that anybody on the bus is told.
fn public_properties(place: &Place, person: Person) -> anyhow::Result<String> {
    use std::os::unix::process::CommandExt;
    let mut all = String::new();
    for interface in [
        "Tracing1",
        "Consent1",
        "Exposure1",
        "Registration1",
        "Notices1",
        "Calibration1",
    ] {
        let output = Command::new("dbus-send")
            .arg(format!("--bus={}", place.address()))
            .args(["--print-reply", "--dest=org.sesshoku.Tracing1"])
            .args([
                "/org/sesshoku/Tracing1",
                "org.freedesktop.DBus.Properties.GetAll",
            ])
            .arg(format!("string:org.sesshoku.{interface}"))
            .uid(person.uid)
            .output()?;
        ensure!(output.status.success(), "{output:?}");
        all += &String::from_utf8(output.stdout)?;
    }
    Ok(all)
}

#[test]
fn who_is_trusted_may_and_others_may_not() -> anyhow::Result<()> {
    need_polkit!();
    let place = place()?;
    let _polkitd = polkit::start(&place, TRUSTED)?;
    let _daemon = place.start_daemon("[radio]\nkind = 'air'")?;
    for (command, code) in PERSONAL {
        let refused = ask(&place, OTHER, command)?;
        assert_eq!(refused, (7, "denied".into()), "{command:?}");
        let (allowed, error) = ask(&place, TRUSTED, command)?;
        assert_eq!(allowed, code, "{command:?}: {error}");
    }
    Ok(())
}

#[test]
fn everybody_may_know_whether_it_records_and_nothing_that_is_personal() -> anyhow::Result<()> {
    need_polkit!();
    let place = place()?;
    let _polkitd = polkit::start(&place, TRUSTED)?;
    let _daemon = place.start_daemon("[radio]\nkind = 'air'")?;
    let status = |person: Person| -> anyhow::Result<Value> {
        let output = person.sesshoku(&place, &["status", "--json"])?;
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    let (theirs, others) = (status(TRUSTED)?, status(OTHER)?);
    assert_eq!(others["state"], "no-consent");
    assert_eq!(others["scans"]["counters"]["cycles"], 0);
    for name in ["heard", "stored", "dropped"] {
        assert_eq!(theirs["scans"]["counters"][name], 0);
        assert_eq!(others["scans"]["counters"].get(name), None);
    }
    let properties = public_properties(&place, OTHER)?;
    assert!(properties.contains("AgreementVersion"), "{properties}");
    for personal in ["HasSymptoms", "Days", "TriesLeft", "heard", "Verdict"] {
        assert!(!properties.contains(personal), "{personal}: {properties}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn others_may_after_authenticating_and_is_not_asked_in_passing() -> anyhow::Result<()> {
    need_polkit!();
    let place = place()?;
    let _polkitd = polkit::start(&place, TRUSTED)?;
    let _daemon = place.start_daemon("[radio]\nkind = 'air'")?;
    for (command, knows_it, code, asked) in [
        (["status"].as_slice(), true, 0, 0),
        (&["agree", "--yes"], true, 0, 1),
        (&["contacts"], true, 4, 1),
        (&["withdraw", "--yes"], false, 7, 1),
        (&["registration"], false, 7, 1),
    ] {
        let program = OTHER.prepare(&place, command)?;
        let agent = Agent::start(&place, &program).await?;
        if !knows_it {
            agent.forget_password();
        }
        let output = tokio::task::spawn_blocking(|| program.go()).await??;
        assert_eq!(output.status.code(), Some(code), "{command:?}: {output:?}");
        assert_eq!(agent.asked(), asked, "{command:?}");
    }
    assert_eq!(place.json(&["status"])?["consent"]["state"], "agreed");
    Ok(())
}

#[test]
fn without_polkit_only_root_and_the_daemons_user_may() -> anyhow::Result<()> {
    need_polkit!();
    let place = place()?;
    let polkitd = polkit::start(&place, TRUSTED)?;
    let _daemon = place.start_daemon("[radio]\nkind = 'air'")?;
    assert_eq!(ask(&place, TRUSTED, &["registration"])?.0, 0);
    polkitd.signal(Signal::SIGKILL)?;
    drop(polkitd);
    for (command, _) in PERSONAL {
        let refused = ask(&place, TRUSTED, command)?;
        assert_eq!(refused, (7, "denied".into()), "{command:?}");
    }
    assert_eq!(ask(&place, TRUSTED, &["status"])?.0, 0);
    let root = place.sesshoku(&["registration", "--json"])?;
    assert!(root.status.success());
    Ok(())
}
