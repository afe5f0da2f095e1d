//! The session agent that notifies, with a desktop's notification service and without.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::ensure;
use room::Adapter;
use sesshoku_tests::local::{Place, Process, program, wait_for};
use sesshoku_tests::room::{Room, meeting};

const NOTIFICATIONS: &str = "org.freedesktop.Notifications";

/// A desktop: a notification service that takes down what it is asked to show.
struct Desktop {
    log: PathBuf,
    _process: Process,
}

impl Desktop {
    fn start(place: &Place, name: &str) -> anyhow::Result<Self> {
        let log = place.dir().join(name);
        let process = place.start_mock(&["--template", "notification_daemon"], name)?;
        Ok(Self {
            log,
            _process: process,
        })
    }

    fn shown(&self) -> anyhow::Result<Vec<String>> {
        self.asked(" Notify ")
    }

    fn taken_back(&self) -> anyhow::Result<Vec<String>> {
        self.asked(" CloseNotification ")
    }

    fn asked(&self, what: &str) -> anyhow::Result<Vec<String>> {
        let log = fs::read_to_string(&self.log)?;
        let asked = log.lines().filter(|line| line.contains(what));
        Ok(asked.map(ToOwned::to_owned).collect())
    }

    fn wait_for_one(&self) -> anyhow::Result<String> {
        wait_for("a notification", || Ok(self.shown()?.into_iter().next()))
    }
}

fn agent(place: &Place, home: &Path) -> anyhow::Result<Process> {
    let window = place.dir().join("window");
    fs::write(
        &window,
        "#!/bin/sh\necho \"$@\" \"$XDG_ACTIVATION_TOKEN\" >\"$0.opened\"\n",
    )?;
    fs::set_permissions(&window, fs::Permissions::from_mode(0o755))?;
    let mut command = Command::new(program("sesshoku")?);
    command
        .args([
            "--bus",
            place.address(),
            "--lang",
            "en",
            "notify",
            "--window",
        ])
        .arg(window)
        .env("DBUS_SESSION_BUS_ADDRESS", place.address())
        .env("HOME", home)
        .env_remove("XDG_STATE_HOME")
        .env_remove("XDG_CONFIG_HOME")
        .stdin(Stdio::null());
    Process::start(&mut command)
}

/// Presses the first notification, as the desktop tells of it, which has given `token` for
/// it before.
fn press(place: &Place, action: &str, token: &str) -> anyhow::Result<()> {
    for (signal, value) in [("ActivationToken", token), ("ActionInvoked", action)] {
        let values = format!("[<uint32 1>, <'{value}'>]");
        let signal = [NOTIFICATIONS, signal, "us", &values];
        let object = "/org/freedesktop/Notifications";
        let method = "org.freedesktop.DBus.Mock.EmitSignal";
        place.gdbus(NOTIFICATIONS, object, method, &signal)?;
    }
    Ok(())
}

#[test]
fn each_contact_is_told_of_once_and_nothing_is_said() -> anyhow::Result<()> {
    let place = Place::new()?;
    let daemon = place.start_daemon(&meeting(&place, 7_200, "")?)?;
    let home = place.dir().join("home");
    // Nobody shows notifications yet.
    let mut first = agent(&place, &home)?;
    ensure!(place.sesshoku(&["agree", "--yes"])?.status.success());
    wait_for("the contact", || {
        Ok((place.json(&["contacts"])?["verdict"] == "contact").then_some(()))
    })?;
    ensure!(first.is_running()?, "the agent ended");
    let desktop = Desktop::start(&place, "desktop")?;
    let shown = desktop.wait_for_one()?;
    assert!(shown.contains("Please open the app and check."), "{shown}");
    for word in ["contact", "2023", "11/14", "positive", "exposure"] {
        assert!(!shown.to_lowercase().contains(word), "{shown}");
    }

    // A press on it opens the window on the result.
    let opened = wait_for("the window", || {
        press(&place, "default", "token-1")?;
        Ok(fs::read_to_string(place.dir().join("window.opened"))
            .ok()
            .filter(|text| text.ends_with('\n')))
    })?;
    assert!(opened.starts_with("--page result"), "{opened}");
    assert!(
        opened.ends_with(" token-1\n"),
        "it may come to the front: {opened}"
    );

    // In the next session it is known; to another person it is new.
    drop(first);
    drop(desktop);
    let desktop = Desktop::start(&place, "other-desktop")?;
    let _again = agent(&place, &home)?;
    let _other = agent(&place, &place.dir().join("other-home"))?;
    desktop.wait_for_one()?;
    assert_eq!(desktop.shown()?.len(), 1);
    drop(daemon);
    Ok(())
}

const ALONE: &str = "[[device]]\nname = 'you'";
/// Simulated seconds in one: what lasts hours is there in seconds.
const SPEED: f64 = 14_400.0;

#[test]
fn a_device_that_records_nothing_is_told_of_quietly_and_taken_back() -> anyhow::Result<()> {
    let room = Room::open(ALONE, SPEED)?;
    let device = room.enter("you", "")?;
    let place = &device.place;
    let desktop = Desktop::start(place, "desktop")?;
    let _agent = agent(place, &place.dir().join("home"))?;
    let start = device.time()?;
    device.wait_until(start + 6 * 3_600)?;
    assert_eq!(desktop.shown()?, Vec::<String>::new());
    room.set_adapter("you", Adapter::Off)?;
    let off = device.time()?;
    let shown = desktop.wait_for_one()?;
    let lasted = device.time()? - off;
    assert!(lasted >= 4 * 3_600, "after {lasted} s");
    assert!(
        shown.contains("Contacts are not being recorded."),
        "{shown}"
    );
    assert!(shown.contains("suppress-sound"), "{shown}");
    // One a day, however often it is looked at.
    let told = device.time()?;
    device.wait_until(told + 20 * 3_600)?;
    assert_eq!(desktop.shown()?.len(), 1);
    wait_for("the next day's", || {
        Ok((desktop.shown()?.len() == 2).then_some(()))
    })?;
    room.set_adapter("you", Adapter::Ready)?;
    wait_for("it to be taken back", || {
        Ok((desktop.taken_back()?.len() == 1).then_some(()))
    })?;
    Ok(())
}

#[test]
fn what_was_switched_off_is_not_told_and_withdrawing_forgets() -> anyhow::Result<()> {
    let room = Room::open(ALONE, SPEED)?;
    let device = room.enter("you", "")?;
    let place = &device.place;
    let home = place.dir().join("home");
    fs::create_dir_all(home.join(".config/sesshoku"))?;
    let preferences = home.join(".config/sesshoku/preferences.toml");
    fs::write(&preferences, "muted = ['not-recording', 'not-checked']")?;
    let desktop = Desktop::start(place, "desktop")?;
    let _agent = agent(place, &home)?;
    room.set_adapter("you", Adapter::Off)?;
    let start = device.time()?;
    device.wait_until(start + 50 * 3_600)?;
    assert_eq!(desktop.shown()?, Vec::<String>::new());

    // Switched on again by another program of the session, which says so.
    fs::write(&preferences, "muted = ['not-checked']")?;
    let object = "/org/sesshoku/Notifier1";
    place.gdbus(
        "org.sesshoku.Notifier1",
        object,
        "org.sesshoku.Notifier1.Look",
        &[],
    )?;
    let shown = desktop.wait_for_one()?;
    assert!(
        shown.contains("Contacts are not being recorded."),
        "{shown}"
    );
    let reminded = home.join(".local/state/sesshoku/reminded");
    ensure!(reminded.exists(), "it is kept that it was told");
    assert_eq!(fs::metadata(&reminded)?.permissions().mode() & 0o777, 0o600);
    ensure!(place.sesshoku(&["withdraw", "--yes"])?.status.success());
    wait_for("it to be forgotten", || {
        Ok((!reminded.exists()).then_some(()))
    })?;
    wait_for("it to be taken back", || {
        Ok((!desktop.taken_back()?.is_empty()).then_some(()))
    })
}

#[test]
fn a_contact_that_nobody_looks_at_is_told_of_again() -> anyhow::Result<()> {
    let place = Place::new()?;
    let daemon = place.start_daemon(&meeting(&place, 7_200, "")?)?;
    let home = place.dir().join("home");
    let desktop = Desktop::start(&place, "desktop")?;
    let _agent = agent(&place, &home)?;
    ensure!(place.sesshoku(&["agree", "--yes"])?.status.success());
    let first = desktop.wait_for_one()?;
    // Hints are a dictionary, in any order.
    let texts = |shown: &str| -> BTreeSet<String> {
        shown
            .split('"')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    let again = wait_for("the next day's", || Ok(desktop.shown()?.into_iter().nth(1)))?;
    let (first, again) = (texts(&first), texts(&again));
    assert_eq!(first, again, "which it is cannot be told by its words");

    // Looked at, both are taken back, and none comes any more.
    let contacts = Command::new(program("sesshoku")?)
        .args(["--bus", place.address(), "contacts"])
        .env("DBUS_SESSION_BUS_ADDRESS", place.address())
        .env("HOME", &home)
        .env_remove("XDG_STATE_HOME")
        .stdin(Stdio::null())
        .output()?;
    ensure!(contacts.status.success(), "{contacts:?}");
    wait_for("them to be taken back", || {
        Ok((desktop.taken_back()?.len() == 2).then_some(()))
    })?;
    drop(daemon);
    Ok(())
}
