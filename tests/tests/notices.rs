//! What the operator has to tell, from their file to the person: real servers, a real
//! daemon, and the command line.

use anyhow::Context;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use sesshoku_tests::local::{Place, wait_for};
use sesshoku_tests::room::Room;
use sesshoku_tests::servers::Servers;

/// 2023-11-15 00:00 UTC.
const START: u64 = 1_700_006_400;
const ALONE: &str = "start = 1700006400\n[[device]]\nname = 'me'\n";

/// A maintenance from one day to another, and new terms.
fn feed(id: &str, from: &str, to: &str) -> String {
    json!([
        {"id": id, "kind": "maintenance",
         "from": format!("{from}T00:00:00Z"), "to": format!("{to}T00:00:00Z"),
         "text": {"ja": "この間、登録と確認ができません。",
                  "en": "Registering and checking pause meanwhile."}},
        {"id": "terms-3", "kind": "terms", "version": "3", "from": "2023-12-01T00:00:00+09:00",
         "text": {"ja": "利用規約が変わります。", "en": "The terms of use change."}}
    ])
    .to_string()
}

fn ids(place: &Place) -> anyhow::Result<Vec<String>> {
    let notices = place.json(&["notices"])?;
    let notices = notices["notices"].as_array().context("notices")?;
    let ids = notices
        .iter()
        .map(|it| it["id"].as_str().map(str::to_owned));
    ids.collect::<Option<_>>().context("ids")
}

fn wait_for_ids(place: &Place, expected: &[&str]) -> anyhow::Result<()> {
    let what = format!("the notices {expected:?}");
    wait_for(&what, || Ok((ids(place)? == expected).then_some(()))).with_context(|| place.log())
}

fn text(place: &Place, arguments: &[&str]) -> anyhow::Result<String> {
    Ok(String::from_utf8(place.sesshoku(arguments)?.stdout)?)
}

#[test]
fn what_the_operator_writes_is_shown_with_the_next_check_and_goes_with_one() -> anyhow::Result<()> {
    let room = Room::open(ALONE, 1_200.0)?;
    let clock = format!("room = '{}'", room.socket().display());
    let dir = room.dir().join("servers");
    let mut servers = Servers::start(&dir, &clock, "period_seconds = 3600")?;
    let mut me = room.enter("me", &servers.daemon_config())?;
    // A check that has ended saw that there is nothing yet.
    wait_for("a check", || {
        let status = me.place.json(&["status"])?;
        Ok((status["check"]["last_outcome"] == "complete").then_some(()))
    })?;
    assert_eq!(ids(&me.place)?, [""; 0]);
    assert!(text(&me.place, &["notices"])?.contains("no notice"));

    // Nobody asks: the daemon's own check brings it.
    servers.publish_notices(&feed("rest", "2023-11-16", "2023-12-16"))?;
    wait_for_ids(&me.place, &["rest", "terms-3"])?;
    let shown = text(&me.place, &["notices"])?;
    assert!(
        shown.contains("Registering and checking pause meanwhile."),
        "{shown}"
    );
    let shown = text(&me.place, &["notices", "--lang", "ja"])?;
    assert!(shown.contains("利用規約が変わります。"), "{shown}");
    let shown = text(&me.place, &["status"])?;
    assert!(shown.contains("Notice: Maintenance from "), "{shown}");
    assert!(
        shown.contains("Notice: New terms of use, version 3"),
        "{shown}"
    );

    // It is kept over a crash, and where the operator's next file is none.
    servers.publish_notices("[{}]")?;
    me.daemon.signal(Signal::SIGKILL)?;
    me.daemon.wait()?;
    let config = std::fs::read_to_string(me.place.dir().join("sesshokud.toml"))?;
    me.daemon = me.place.start_daemon(&config)?;
    assert_eq!(ids(&me.place)?, ["rest", "terms-3"]);
    let checked = me.place.sesshoku(&["check"])?;
    assert!(checked.status.success(), "{checked:?}");
    assert_eq!(ids(&me.place)?, ["rest", "terms-3"]);

    // What is over is not said unasked.
    servers.publish_notices(&feed("over", "2023-10-16", "2023-10-17"))?;
    wait_for_ids(&me.place, &["over", "terms-3"])?;
    let notices = me.place.json(&["notices"])?;
    assert_eq!(notices["notices"][0]["relevant"], false, "{notices}");
    assert_eq!(notices["notices"][1]["relevant"], true, "{notices}");

    servers.publish_notices("[]")?;
    wait_for_ids(&me.place, &[])?;
    assert!(!text(&me.place, &["status"])?.contains("Notice"));

    // The history of checks has them all, with what there was to compare.
    let checks = me.place.json(&["checks"])?;
    let checks = checks["checks"].as_array().context("checks")?;
    assert!(checks.len() >= 3, "{checks:?}");
    let mut compared = 0;
    for check in checks {
        let time = |name| check[name].as_u64().unwrap_or(0);
        assert!(
            START <= time("started") && time("started") <= time("ended"),
            "{check}"
        );
        assert_eq!(check["outcome"], "complete", "{check}");
        // Nobody registers: all there can be is the padding of the day, compared once.
        let count = |name| check[name].as_u64().unwrap_or(u64::MAX);
        assert!(count("compared") <= count("listed"), "{check}");
        assert!(count("listed") <= 1, "{check}");
        compared += count("compared");
    }
    assert!(compared <= 1, "{checks:?}");
    me.end()?;
    servers.end()
}

#[test]
fn erasing_takes_notices_and_history_along() -> anyhow::Result<()> {
    let room = Room::open(ALONE, 60.0)?;
    let clock = format!("room = '{}'", room.socket().display());
    let mut servers = Servers::start(&room.dir().join("servers"), &clock, "")?;
    servers.publish_notices(&feed("rest", "2023-11-16", "2023-12-16"))?;
    let me = room.enter("me", &servers.daemon_config())?;
    let checked = me.place.sesshoku(&["check"])?;
    assert!(checked.status.success(), "{checked:?}");
    wait_for_ids(&me.place, &["rest", "terms-3"])?;
    let withdrawn = me.place.sesshoku(&["withdraw", "--yes"])?;
    assert!(withdrawn.status.success(), "{withdrawn:?}");
    assert_eq!(ids(&me.place)?, [""; 0]);
    assert_eq!(me.place.json(&["checks"])?["checks"], Value::Array(vec![]));
    me.end()?;
    servers.end()
}
