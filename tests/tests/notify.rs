//! The session agent that notifies, with a desktop's notification service and without.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::ensure;
use sesshoku_tests::local::{Place, Process, program, wait_for};
use sesshoku_tests::room::meeting;

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
        let log = fs::read_to_string(&self.log)?;
        let shown = log.lines().filter(|line| line.contains(" Notify "));
        Ok(shown.map(ToOwned::to_owned).collect())
    }

    fn wait_for_one(&self) -> anyhow::Result<String> {
        wait_for("a notification", || Ok(self.shown()?.into_iter().next()))
    }
}

fn agent(place: &Place, home: &Path) -> anyhow::Result<Process> {
    let window = place.dir().join("window");
    fs::write(&window, "#!/bin/sh\necho \"$@\" >\"$0.opened\"\n")?;
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

/// Presses the first notification, as the desktop tells of it.
fn press(place: &Place, action: &str) -> anyhow::Result<()> {
    let values = format!("[<uint32 1>, <'{action}'>]");
    let signal = [NOTIFICATIONS, "ActionInvoked", "us", &values];
    let object = "/org/freedesktop/Notifications";
    let method = "org.freedesktop.DBus.Mock.EmitSignal";
    place.gdbus(NOTIFICATIONS, object, method, &signal)?;
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
        press(&place, "default")?;
        Ok(fs::read_to_string(place.dir().join("window.opened"))
            .ok()
            .filter(|text| text.ends_with('\n')))
    })?;
    assert!(opened.starts_with("--page result"), "{opened}");

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
