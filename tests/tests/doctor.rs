//! `sesshoku doctor`, with the daemon on a radio that is not real, on a bluetoothd of our
//! own, and without one.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, ensure};
use serde_json::Value;
use sesshoku_tests::fake_bluez::{FakeBluez, Options};
use sesshoku_tests::local::{Place, root, wait_for};

/// Of each part its state, and how it was found.
type Findings = BTreeMap<String, (String, String)>;

/// What each part is found to be, and the exit code.
fn examine(place: &Place) -> anyhow::Result<(Findings, i32)> {
    let output = place.sesshoku(&["--json", "doctor"])?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().context("a list")?;
    let found = findings.iter().map(|it| {
        let how = (text(&it["state"]), text(&it["finding"]));
        (text(&it["check"]), how)
    });
    Ok((found.collect(), output.status.code().unwrap_or(-1)))
}

fn is(state: &str, finding: &str) -> Option<(String, String)> {
    Some((state.to_owned(), finding.to_owned()))
}

/// Also where there is no service to ask.
#[test]
fn who_runs_the_service_is_named_in_the_language_that_is_spoken() -> anyhow::Result<()> {
    let place = Place::new()?;
    let sample = fs::read_to_string(root().join("packaging/defaults/operator.toml"))?;
    let file = place.dir().join("operator.toml");
    let path = file.to_str().context("a path")?;
    for (text, lang, said) in [
        (sample.clone(), "en", "still the sample"),
        (
            sample.replace("sample = true", ""),
            "en",
            "Sample Prefecture",
        ),
        (sample.replace("sample = true", ""), "ja", "見本県"),
    ] {
        fs::write(&file, text)?;
        let output = place.sesshoku(&["--lang", lang, "--operator", path, "doctor"])?;
        let output = String::from_utf8(output.stdout)?;
        ensure!(output.contains(said), "{said}: {output}");
    }
    Ok(())
}

#[test]
fn each_part_is_told_with_what_mends_it() -> anyhow::Result<()> {
    let place = Place::new()?;
    let (found, code) = examine(&place)?;
    assert_eq!(
        found.get("service").cloned(),
        is("fault", "doctor-service-away")
    );
    assert_eq!(code, 1);

    let daemon = place.start_daemon("[radio]\nkind = 'air'")?;
    let (found, code) = examine(&place)?;
    assert_eq!(found.get("service").cloned(), is("ok", "doctor-service-ok"));
    assert_eq!(found.get("policy").cloned(), is("ok", "doctor-policy-ok"));
    assert_eq!(
        found.get("agreement").cloned(),
        is("fault", "reason-consent-missing")
    );
    assert_eq!(
        found.get("check").cloned(),
        is("note", "doctor-check-never")
    );
    assert_eq!(code, 1);

    ensure!(place.sesshoku(&["agree", "--yes"])?.status.success());
    let (found, _) = examine(&place)?;
    assert_eq!(
        found.get("operator").cloned(),
        is("note", "doctor-operator-none")
    );
    assert_eq!(
        found.get("agreement").cloned(),
        is("ok", "doctor-agreement-ok")
    );
    let simulated = is("note", "doctor-recording-simulated");
    assert_eq!(found.get("recording").cloned(), simulated);
    // Nobody asks for the result with a server that is not there.
    place.sesshoku(&["check"])?;
    let (found, _) = examine(&place)?;
    let (state, outcome) = found.get("check").context("it is looked at")?;
    assert_eq!(
        (state.as_str(), outcome.as_str()),
        ("fault", "outcome-not-configured")
    );

    for language in ["en", "ja"] {
        let told = place.sesshoku(&["--lang", language, "doctor"])?;
        let told = String::from_utf8(told.stdout)?;
        for (_, finding) in found.values() {
            ensure!(!told.contains(finding), "{finding} has no sentence: {told}");
        }
        ensure!(
            !told.contains("doctor-") && told.contains("\n    "),
            "{told}"
        );
    }
    drop(daemon);
    Ok(())
}

#[test]
fn a_policy_that_keeps_calls_out_is_told_from_a_daemon_that_refuses() -> anyhow::Result<()> {
    let policy = root().join("packaging/dbus/org.sesshoku.Tracing1.conf");
    let policy = fs::read_to_string(policy)?;
    let lines = policy.lines().filter(|line| !line.contains("Calibration1"));
    let dir = tempfile::tempdir()?;
    let old = dir.path().join("old.conf");
    fs::write(&old, lines.collect::<Vec<_>>().join("\n"))?;
    let place = Place::under_policy(&old)?;
    let _daemon = place.start_daemon("[radio]\nkind = 'air'")?;
    let (found, _) = examine(&place)?;
    assert_eq!(
        found.get("policy").cloned(),
        is("fault", "doctor-policy-refused")
    );
    Ok(())
}

#[test]
fn bluetooth_is_asked_itself() -> anyhow::Result<()> {
    let place = Place::new()?;
    let bluez = FakeBluez::start(place.address(), Options::default())?;
    let _daemon = place.start_daemon_on_bluez("")?;
    let until = |check: &str, expected: Option<(String, String)>| {
        let mut found = None;
        wait_for(check, || {
            found = examine(&place)?.0.remove(check);
            Ok((found == expected).then_some(()))
        })
        .with_context(|| format!("it is {found:?}, not {expected:?}"))
    };
    until("recording", is("ok", "reason-ready"))?;
    until("adapter", is("note", "doctor-adapter-plain"))?;
    bluez.tell("discoverable on")?;
    until("recording", is("fault", "reason-privacy-discoverable"))?;
    bluez.tell("discoverable off")?;
    bluez.tell("end")?;
    until("bluetooth", is("fault", "doctor-bluetooth-away"))?;
    until("recording", is("fault", "reason-adapter-absent"))
}
