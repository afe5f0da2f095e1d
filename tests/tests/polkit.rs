//! Who may ask the daemon for what, with the real polkitd.

use std::process::Command;

use anyhow::ensure;
use nix::sys::signal::Signal;
use serde_json::Value;
use sesshoku_tests::local::{Place, root};
use sesshoku_tests::polkit::{self, Agent, Person};

const SITTING_THERE: Person = Person {
    uid: 65_534,
    is_active: true,
};
const ELSEWHERE: Person = Person {
    uid: 65_533,
    is_active: false,
};
/// What is personal or changes something, with the exit code of a new device.
const PERSONAL: [(&[&str], i32); 5] = [
    (&["contacts"], 4),
    (&["registration"], 0),
    (&["check"], 1),
    (&["agree", "--yes"], 0),
    (&["erase", "--yes"], 0),
];

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

/// Everything that anybody on the bus is told.
fn public_properties(place: &Place, person: Person) -> anyhow::Result<String> {
    use std::os::unix::process::CommandExt;
    let mut all = String::new();
    for interface in ["Tracing1", "Consent1", "Exposure1", "Registration1"] {
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

macro_rules! need_polkit {
    () => {
        if !polkit::is_possible() {
            eprintln!("skipped: polkitd needs root and a mount namespace");
            return Ok(());
        }
    };
}

#[test]
fn who_sits_in_front_of_it_may_and_others_may_not() -> anyhow::Result<()> {
    need_polkit!();
    let place = place()?;
    let _polkitd = polkit::start(&place, &[SITTING_THERE, ELSEWHERE])?;
    let _daemon = place.start_daemon("[radio]\nkind = 'air'")?;
    for (command, code) in PERSONAL {
        let refused = ask(&place, ELSEWHERE, command)?;
        assert_eq!(refused, (7, "denied".into()), "{command:?}");
        let (allowed, error) = ask(&place, SITTING_THERE, command)?;
        assert_eq!(allowed, code, "{command:?}: {error}");
    }
    Ok(())
}

#[test]
fn everybody_may_know_whether_it_records_and_nothing_that_is_personal() -> anyhow::Result<()> {
    need_polkit!();
    let place = place()?;
    let _polkitd = polkit::start(&place, &[SITTING_THERE, ELSEWHERE])?;
    let _daemon = place.start_daemon("[radio]\nkind = 'air'")?;
    let status = |person: Person| -> anyhow::Result<Value> {
        let output = person.sesshoku(&place, &["status", "--json"])?;
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    let (theirs, others) = (status(SITTING_THERE)?, status(ELSEWHERE)?);
    assert_eq!(others["state"], "no-consent");
    assert_eq!(others["scans"]["counters"]["cycles"], 0);
    for name in ["heard", "stored", "dropped"] {
        assert_eq!(theirs["scans"]["counters"][name], 0);
        assert_eq!(others["scans"]["counters"].get(name), None);
    }
    let properties = public_properties(&place, ELSEWHERE)?;
    assert!(properties.contains("AgreementVersion"), "{properties}");
    for personal in ["HasSymptoms", "Days", "TriesLeft", "heard", "Verdict"] {
        assert!(!properties.contains(personal), "{personal}: {properties}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_elsewhere_may_after_authenticating_and_is_not_asked_in_passing()
-> anyhow::Result<()> {
    need_polkit!();
    let place = place()?;
    let _polkitd = polkit::start(&place, &[SITTING_THERE, ELSEWHERE])?;
    let _daemon = place.start_daemon("[radio]\nkind = 'air'")?;
    let agent = Agent::start(&place, ELSEWHERE).await?;
    assert_eq!(ask(&place, ELSEWHERE, &["status"])?.0, 0);
    assert_eq!(agent.asked(), 0, "reading a state asks nobody");

    assert_eq!(ask(&place, ELSEWHERE, &["agree", "--yes"])?.0, 0);
    assert_eq!(agent.asked(), 1);
    assert_eq!(place.json(&["status"])?["consent"]["state"], "agreed");

    agent.forget_password();
    let refused = ask(&place, ELSEWHERE, &["withdraw", "--yes"])?;
    assert_eq!((refused, agent.asked()), ((7, "denied".into()), 2));
    assert_eq!(place.json(&["status"])?["consent"]["state"], "agreed");
    Ok(())
}

#[test]
fn without_polkit_only_root_and_the_daemons_user_may() -> anyhow::Result<()> {
    need_polkit!();
    let place = place()?;
    let polkitd = polkit::start(&place, &[SITTING_THERE])?;
    let _daemon = place.start_daemon("[radio]\nkind = 'air'")?;
    assert_eq!(ask(&place, SITTING_THERE, &["registration"])?.0, 0);
    polkitd.signal(Signal::SIGKILL)?;
    drop(polkitd);
    for (command, _) in PERSONAL {
        let refused = ask(&place, SITTING_THERE, command)?;
        assert_eq!(refused, (7, "denied".into()), "{command:?}");
    }
    assert_eq!(ask(&place, SITTING_THERE, &["status"])?.0, 0);
    let root = place.sesshoku(&["registration", "--json"])?;
    assert!(root.status.success());
    Ok(())
}
