//! Calls on the bus end, also while the clock is not set and when their callers are gone.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;

use anyhow::Context;
use sesshoku_core::records::AGREEMENT_VERSION;
use sesshoku_tests::local::{Place, wait_for};
use sesshoku_tests::room::meeting;

const NAME: &str = "org.sesshoku.Tracing1";
const OBJECT: &str = "/org/sesshoku/Tracing1";

#[test]
fn every_call_is_answered_while_the_clock_is_not_set() -> anyhow::Result<()> {
    let place = Place::new()?;
    let config = meeting(&place, 1, "")?;
    // A battery that is flat: the clock begins in 1970.
    let scenario = place.dir().join("room.toml");
    let text = fs::read_to_string(&scenario)?.replace("start = 1700000000", "start = 60");
    fs::write(&scenario, text)?;
    let _daemon = place.start_daemon(&config)?;
    assert!(place.sesshoku(&["agree", "--yes"])?.status.success());
    assert_eq!(place.json(&["status"])?["reason"], "clock-not-set");

    // More than may wait for one check.
    let callers = (0..40)
        .map(|_| place.call("Exposure1.CheckNow"))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut answers = BTreeMap::new();
    for caller in callers {
        let error = caller.error()?;
        let name = error.split(':').next().unwrap_or_default().to_owned();
        *answers.entry(name).or_insert(0) += 1;
    }
    // So many at once may be too many for a moment.
    answers.remove("org.sesshoku.Error.Busy");
    let names: Vec<_> = answers.keys().collect();
    assert_eq!(names, ["org.sesshoku.Error.ClockNotSet"], "{answers:?}");

    let check = place.sesshoku(&["check", "--json"])?;
    assert_eq!(check.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&check.stderr)?;
    assert_eq!(json["error"], "clock-not-set");
    let contacts = place.json(&["contacts"])?;
    let reasons = contacts["reasons"].as_array().map(Vec::as_slice);
    assert!(
        reasons
            .unwrap_or_default()
            .contains(&"clock-not-set".into())
    );

    for (method, arguments) in [
        ("Exposure1.GetChecks", &[][..]),
        ("Exposure1.GetContacts", &[]),
        ("Registration1.GetRegistration", &[]),
        ("Registration1.Forget", &[]),
        ("Tracing1.GetHeard", &[]),
        ("Tracing1.Erase", &[]),
    ] {
        place
            .gdbus(NAME, OBJECT, &format!("org.sesshoku.{method}"), arguments)
            .context(method)?;
    }
    for (method, arguments, error) in [
        ("Registration1.Retry", &[][..], "NothingPending"),
        ("Calibration1.Measure", &["5"], "NotListening"),
        (
            "Registration1.Register",
            &[AGREEMENT_VERSION, "true", "2020-08-01", "'12345678'"],
            // Here is no server to register with, which is told first.
            "NotConfigured",
        ),
    ] {
        let answer = place.gdbus(NAME, OBJECT, &format!("org.sesshoku.{method}"), arguments);
        let answer = format!("{answer:?}");
        assert!(answer.contains(error), "{method}: {answer}");
    }
    place.gdbus(NAME, OBJECT, "org.sesshoku.Consent1.Withdraw", &[])?;
    Ok(())
}

#[test]
fn callers_that_are_gone_free_their_place() -> anyhow::Result<()> {
    let place = Place::new()?;
    // It takes connections and never says a word.
    let server = TcpListener::bind("127.0.0.1:0")?;
    let config = meeting(&place, 1, "")?;
    let folder = format!("url = 'file://{}/server'", place.dir().display());
    let silent = format!("url = 'http://{}/'", server.local_addr()?);
    let _daemon = place.start_daemon(&config.replace(&folder, &silent))?;
    assert!(place.sesshoku(&["agree", "--yes"])?.status.success());

    // 32 may wait for one check.
    let callers_of_which_eight_are_sent_away = || {
        let mut callers = (0..40)
            .map(|_| place.call("Exposure1.CheckNow"))
            .collect::<anyhow::Result<Vec<_>>>()?;
        wait_for("callers to be sent away", || {
            let mut ended = 0;
            for caller in &mut callers {
                ended += usize::from(!caller.is_running()?);
            }
            Ok((ended == 8).then_some(()))
        })?;
        anyhow::Ok(callers)
    };
    drop(callers_of_which_eight_are_sent_away()?);
    wait_for("the daemon to notice", || {
        let gone = place.log().matches("a caller has left the bus").count();
        Ok((gone == 32).then_some(()))
    })?;

    let callers = callers_of_which_eight_are_sent_away()?;
    assert!(place.sesshoku(&["erase", "--yes"])?.status.success());
    let mut waited = 0;
    for caller in callers {
        waited += usize::from(caller.error()?.contains("everything is being erased"));
    }
    assert_eq!(waited, 32);
    Ok(())
}
