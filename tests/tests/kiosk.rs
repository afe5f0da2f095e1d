//! A kiosk: the operator's agreement, the monitoring, the hook, and a place that is
//! registered, with the real programs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;
use sesshoku_tests::local::{Place, Process, program, wait_for, wait_up_to};
use sesshoku_tests::room::{Device, Room};
use sesshoku_tests::servers::Servers;
use zbus::{Connection, OwnedObjectPath, fdo, interface};

/// 2023-11-15 00:00 UTC.
const START: u64 = 1_700_006_400;
const HOUR: u64 = 3_600;

/// Two customers stand near the kiosk one after the other, far from each other's time,
/// so that they do not meet.
const SHOP: &str = "
start = 1700006400
noise_db = 2
[[device]]
name = 'kiosk'
[[device]]
name = 'first'
stay = [{ from_minute = 10, to_minute = 32, metres = 0.8 }]
[[device]]
name = 'second'
stay = [{ from_minute = 60, to_minute = 82, metres = 0.8 }]
";
const KIOSK: &str = "profile = 'kiosk'\n[kiosk]\nagreed_terms = '2'\n";

/// What systemd was asked to start.
#[derive(Clone, Default)]
struct Systemd {
    started: Arc<Mutex<Vec<String>>>,
}

#[interface(name = "org.freedesktop.systemd1.Manager")]
impl Systemd {
    fn start_unit(&self, name: String, mode: String) -> fdo::Result<OwnedObjectPath> {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.push(format!("{name} {mode}"));
        OwnedObjectPath::try_from("/org/freedesktop/systemd1/job/1")
            .map_err(|error| fdo::Error::Failed(error.to_string()))
    }
}

impl Systemd {
    async fn start(&self, place: &Place) -> zbus::Result<Connection> {
        zbus::connection::Builder::address(place.address())
            .serve_at("/org/freedesktop/systemd1", self.clone())
            .name("org.freedesktop.systemd1")
            .build()
            .await
    }

    fn started(&self) -> Vec<String> {
        let started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.clone()
    }
}

/// `sesshoku kiosk` beside the daemon.
fn agent(place: &Place) -> anyhow::Result<Process> {
    let mut command = Command::new(program("sesshoku")?);
    command
        .args(["--bus", place.address(), "kiosk", "--textfile"])
        .arg(place.dir().join("sesshoku.prom"))
        .args(["--on-contact", "sesshoku-contact@.service", "--state-dir"])
        .arg(place.dir().join("agent"))
        .stdin(Stdio::null());
    Process::start(&mut command)
}

/// The metrics without their comments.
fn metrics(place: &Place) -> BTreeMap<String, u64> {
    let text = fs::read_to_string(place.dir().join("sesshoku.prom")).unwrap_or_default();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect()
}

fn wait_for_metric(place: &Place, name: &str, value: u64) -> anyhow::Result<()> {
    wait_for(name, || {
        Ok((metrics(place).get(name) == Some(&value)).then_some(()))
    })
    .with_context(|| format!("{:?}", metrics(place)))
}

fn verdict(device: &Device) -> anyhow::Result<String> {
    let checked = device.place.sesshoku(&["check"])?;
    ensure!(checked.status.success(), "{checked:?}");
    let contacts = device.place.json(&["contacts"])?;
    Ok(contacts["verdict"].as_str().context("verdict")?.to_owned())
}

fn wait_for_contact(device: &Device) -> anyhow::Result<()> {
    // Keys go out hours after they were last on the air.
    let limit = Duration::from_secs(240);
    wait_up_to(limit, "the contact", || {
        let contacts = device.place.json(&["contacts"])?;
        Ok((contacts["verdict"] == "contact").then_some(()))
    })
    .with_context(|| device.place.log())
}

fn register(device: &Device, number: &str, answers: &[&str]) -> anyhow::Result<Value> {
    let path = device.place.dir().join("number");
    fs::write(&path, number)?;
    let mut arguments = vec!["register", "--agree", "--date", "2023-11-15"];
    arguments.extend(answers);
    arguments.extend(["--number-file", path.to_str().context("UTF-8")?, "--json"]);
    let output = device.place.sesshoku(&arguments)?;
    fs::remove_file(&path)?;
    ensure!(output.status.success(), "{output:?}");
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn enter_kiosk(room: &Room, config: &str) -> anyhow::Result<Device> {
    let place = Place::new()?;
    let socket = room.socket();
    let daemon = place.start_daemon(&format!(
        "{KIOSK}[radio]\nkind = 'air'\n[radio.air]\nroom = '{}'\nname = 'kiosk'\n{config}",
        socket.display()
    ))?;
    Ok(Device { place, daemon })
}

#[test]
fn who_was_near_a_registered_kiosk_is_told() -> anyhow::Result<()> {
    let room = Room::open(SHOP, 1_200.0)?;
    let dir = room.dir().join("servers");
    let clock = format!("room = '{}'", room.socket().display());
    let servers = Servers::start(&dir, &clock, "period_seconds = 3600")?;
    let config = servers.daemon_config();
    let kiosk = enter_kiosk(&room, &config)?;
    let [first, second] = ["first", "second"].map(|name| room.enter(name, &config));
    let (first, second) = (first?, second?);
    kiosk.wait_until(START + 3 * HOUR)?;
    assert_eq!(verdict(&first)?, "none", "nobody has registered yet");

    // A person's answers do not fit a place.
    let mail = "shop@mail.example";
    servers.issue_to(mail)?;
    let number = servers.mailed_number(mail)?;
    let person = kiosk
        .place
        .sesshoku(&["register", "--agree", "--symptoms", "yes", "--json"])?;
    assert_eq!(person.status.code(), Some(2), "{person:?}");
    let placed = first
        .place
        .sesshoku(&["register", "--agree", "--until", "2023-11-15"])?;
    assert_eq!(placed.status.code(), Some(2), "{placed:?}");

    let done = register(&kiosk, &number, &["--until", "2023-11-15"])?;
    assert_eq!(done["state"], "done");
    assert_eq!(done["is_place"], true);
    assert_eq!(done["has_symptoms"], Value::Null);
    assert_eq!(done["days"], serde_json::json!(["2023-11-15"]));
    for device in [&first, &second] {
        wait_for_contact(device)?;
        let contacts = device.place.json(&["contacts"])?;
        assert_eq!(contacts["contacts"][0]["contacts"], 1, "{contacts}");
    }
    // It goes on with new keys.
    assert_eq!(kiosk.place.json(&["status"])?["state"], "running");
    for device in [kiosk, first, second] {
        ensure!(!device.end()?.log().contains(&number));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hook_is_started_once_for_a_contact() -> anyhow::Result<()> {
    let (alone, _) = SHOP
        .split_once("[[device]]\nname = 'second'")
        .context("second")?;
    let room = Room::open(alone, 1_200.0)?;
    let dir = room.dir().join("servers");
    let clock = format!("room = '{}'", room.socket().display());
    let servers = Servers::start(&dir, &clock, "period_seconds = 3600")?;
    let config = servers.daemon_config();
    let kiosk = enter_kiosk(&room, &config)?;
    let first = room.enter("first", &config)?;
    let systemd = Systemd::default();
    let connection = systemd.start(&kiosk.place).await?;
    let running = agent(&kiosk.place)?;
    kiosk.wait_until(START + 3 * HOUR)?;
    wait_for_metric(&kiosk.place, "sesshoku_recording", 1)?;
    assert_eq!(systemd.started(), [""; 0]);

    let mail = "customer@mail.example";
    servers.issue_to(mail)?;
    let number = servers.mailed_number(mail)?;
    register(&first, &number, &["--symptoms", "yes"])?;
    wait_for_contact(&kiosk)?;
    wait_for("the hook", || {
        Ok((!systemd.started().is_empty()).then_some(()))
    })?;
    // Ended before it has noted that, it would rather tell twice than never.
    wait_for("a note of it", || {
        let told = fs::read_to_string(kiosk.place.dir().join("agent/told"));
        Ok(told.is_ok_and(|told| !told.is_empty()).then_some(()))
    })?;

    // Neither the next check nor a new start repeats it.
    drop(running);
    fs::remove_file(kiosk.place.dir().join("sesshoku.prom"))?;
    let mut again = agent(&kiosk.place)?;
    wait_for_metric(&kiosk.place, "sesshoku_up", 1)?;
    ensure!(kiosk.place.sesshoku(&["check"])?.status.success());
    fs::remove_file(kiosk.place.dir().join("sesshoku.prom"))?;
    kiosk.wait_until(kiosk.time()? + HOUR)?;
    wait_for_metric(&kiosk.place, "sesshoku_last_check_complete", 1)?;
    assert_eq!(
        systemd.started(),
        ["sesshoku-contact@contact.service replace"]
    );
    ensure!(again.is_running()?);
    for secret in ["contact", "heard", "stored"] {
        let text = fs::read_to_string(kiosk.place.dir().join("sesshoku.prom"))?;
        ensure!(!text.contains(secret), "{secret}: {text}");
    }
    drop(connection);
    Ok(())
}

#[test]
fn the_operators_agreement_is_in_the_configuration_alone() -> anyhow::Result<()> {
    let place = Place::new()?;
    let start = |agreed: &str| place.start_daemon(&format!("{agreed}[radio]\nkind = 'air'\n"));
    let consent = || -> anyhow::Result<(Value, Value)> {
        let mut status = place.json(&["status"])?;
        Ok((status["consent"]["state"].take(), status["reason"].take()))
    };
    let refused = |command: &[&str]| -> anyhow::Result<()> {
        let output = place.sesshoku(command)?;
        let error: Value = serde_json::from_slice(&output.stderr)?;
        assert_eq!(error["error"], "operators-agreement", "{command:?}");
        Ok(())
    };

    let daemon = start("profile = 'kiosk'\n")?;
    assert_eq!(consent()?, ("none".into(), "consent-missing".into()));
    refused(&["agree", "--yes", "--json"])?;
    end(daemon)?;

    let daemon = start(KIOSK)?;
    assert_eq!(consent()?.0, "agreed");
    refused(&["agree", "--yes", "--json"])?;
    refused(&["withdraw", "--yes", "--json"])?;
    let status = place.sesshoku(&["--lang", "en", "status"])?;
    let status = String::from_utf8(status.stdout)?;
    let line = "Agreement: agreed (version 2, agreed to by this device's administrator)";
    assert!(status.contains(line), "{status}");
    wait_for("a key", || {
        Ok((place.json(&["status"])?["state"] == "running").then_some(()))
    })?;
    end(daemon)?;
    assert!(!own_keys(&place)?.is_empty());

    // A new version of the terms stops it, and what was recorded stays.
    let daemon = start("profile = 'kiosk'\n[kiosk]\nagreed_terms = '1'\n")?;
    assert_eq!(consent()?, ("outdated".into(), "consent-outdated".into()));
    end(daemon)?;
    assert!(!own_keys(&place)?.is_empty());

    // Taking the agreement back erases it.
    let daemon = start("profile = 'kiosk'\n")?;
    assert_eq!(consent()?.0, "none");
    end(daemon)?;
    assert!(own_keys(&place)?.is_empty());
    Ok(())
}

#[test]
fn the_monitoring_sees_a_daemon_come_and_go() -> anyhow::Result<()> {
    let place = Place::new()?;
    let _agent = agent(&place)?;
    wait_for_metric(&place, "sesshoku_up", 0)?;
    assert_eq!(metrics(&place).len(), 1);
    let daemon = place.start_daemon(&format!("{KIOSK}[radio]\nkind = 'air'\n"))?;
    wait_for_metric(&place, "sesshoku_recording", 1)?;
    let shown = metrics(&place);
    assert_eq!(shown["sesshoku_simulated"], 1);
    assert_eq!(shown["sesshoku_terms_agreed"], 1);
    let state = "sesshoku_state{state=\"running\",reason=\"ready\"";
    assert!(
        shown.keys().any(|name| name.starts_with(state)),
        "{shown:?}"
    );
    end(daemon)?;
    wait_for_metric(&place, "sesshoku_up", 0)
}

fn end(mut daemon: Process) -> anyhow::Result<()> {
    daemon.signal(Signal::SIGTERM)?;
    ensure!(daemon.wait()? == Some(0), "the daemon did not end well");
    Ok(())
}

fn own_keys(place: &Place) -> anyhow::Result<Vec<sesshoku_core::records::OwnKey>> {
    let dir: &Path = &place.state_dir();
    let key = sesshokud::store::DeviceKey::load(dir, None)?;
    Ok(sesshokud::store::Store::open(dir, &key)?.own_keys()?)
}
