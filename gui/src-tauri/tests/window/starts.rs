//! A second start of the window, which a press on a notification is, too, under a window
//! manager.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use nix::time::{ClockId, clock_gettime};
use sesshoku_tests::local::{Place, Process, program, wait_for};
use sesshoku_tests::room::meeting;

use crate::driver::{Display, Window};

/// A display with a window manager, and a daemon.
struct Desk {
    display: Display,
    place: Place,
    _manager: Process,
    _daemon: Process,
}

impl Desk {
    /// The daemon is agreed to.
    fn new() -> anyhow::Result<Self> {
        let desk = Self::with(Place::new()?, "[radio]\nkind = 'air'")?;
        desk.agree()?;
        Ok(desk)
    }

    fn with(place: Place, config: &str) -> anyhow::Result<Self> {
        let daemon = place.start_daemon(config)?;
        let display = Display::start()?;
        let mut manager = Command::new("openbox");
        manager
            .arg("--sm-disable")
            .env("DISPLAY", display.name())
            .env("HOME", place.dir())
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        let manager = Process::start(&mut manager)?;
        let desk = Self {
            display,
            place,
            _manager: manager,
            _daemon: daemon,
        };
        // The list comes last. A window that wants to be shown between the first property and
        // it, while fonts are looked for, is forgotten.
        wait_for("the window manager", || {
            let list = desk.ask("xprop", &["-root", "_NET_CLIENT_LIST"])?;
            Ok(list.contains("window id").then_some(()))
        })?;
        Ok(desk)
    }

    /// From here on time passes.
    fn agree(&self) -> anyhow::Result<()> {
        let said = self.place.sesshoku(&["agree", "--yes"])?;
        ensure!(said.status.success(), "{said:?}");
        Ok(())
    }

    /// What a program of the display says.
    fn ask(&self, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let said = Command::new(program)
            .args(arguments)
            .env("DISPLAY", self.display.name())
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run {program}"))?;
        Ok(String::from_utf8(said.stdout)?)
    }

    /// The number of our only window.
    fn window(&self) -> anyhow::Result<String> {
        wait_for("one window", || {
            let search = ["search", "--onlyvisible", "--name", "^Sesshoku$"];
            let found = self.ask("xdotool", &search)?;
            let mut found = found.lines();
            let first = found.next().map(ToOwned::to_owned);
            Ok(first.filter(|_| found.next().is_none()))
        })
    }

    fn is_minimised(&self, window: &str) -> anyhow::Result<bool> {
        let state = self.ask("xprop", &["-id", window, "WM_STATE"])?;
        Ok(state.contains("Iconic"))
    }

    fn is_in_front(&self, window: &str) -> anyhow::Result<bool> {
        let active = self.ask("xdotool", &["getactivewindow"])?;
        Ok(active.trim() == window)
    }

    /// Starts the program once more, as a launcher with `token` does.
    fn start(&self, page: &str, token: &str) -> anyhow::Result<Process> {
        self.start_with(&["--page", page], token)
    }

    fn start_with(&self, arguments: &[&str], token: &str) -> anyhow::Result<Process> {
        let mut command = Command::new(program("sesshoku-gui")?);
        command
            .args(arguments)
            .env("DISPLAY", self.display.name())
            .env("SESSHOKU_BUS", self.place.address())
            .env("DBUS_SESSION_BUS_ADDRESS", self.place.address())
            .env("HOME", self.place.dir())
            .env("XDG_RUNTIME_DIR", self.place.dir())
            .env("DESKTOP_STARTUP_ID", token)
            .env("NO_AT_BRIDGE", "1")
            .env_remove("XDG_ACTIVATION_TOKEN")
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::null());
        Process::start(&mut command)
    }

    /// The same, to its end.
    fn start_again(&self, page: &str, token: &str) -> anyhow::Result<()> {
        let code = self
            .start(page, token)?
            .wait_up_to(Duration::from_secs(20))?;
        ensure!(code == Some(0), "it ended with {code:?}");
        Ok(())
    }
}

#[test]
fn a_second_start_brings_the_window_to_the_front_on_its_page() -> anyhow::Result<()> {
    let desk = Desk::new()?;
    let window = Window::open_on(&desk.display, &desk.place, "C.UTF-8")?;
    window.wait_for_state("running")?;
    let id = desk.window()?;

    // Minimised, by somebody who has no token to give.
    desk.ask("xdotool", &["windowminimize", &id])?;
    wait_for("it is minimised", || {
        Ok(desk.is_minimised(&id)?.then_some(()))
    })?;
    desk.start_again("result", "")?;
    window.wait_for_text("No check has been completed yet")?;
    wait_for("it is there again", || {
        Ok((!desk.is_minimised(&id)? && desk.is_in_front(&id)?).then_some(()))
    })?;

    // Behind another program's window, by a launcher.
    let mut other = Command::new("xev");
    other
        .env("DISPLAY", desk.display.name())
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let _other = Process::start(&mut other)?;
    wait_for("the other window is in front", || {
        Ok((!desk.is_in_front(&id)?).then_some(()))
    })?;
    // X counts milliseconds on this clock.
    let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?);
    let token = format!("launcher_TIME{}", now.as_millis());
    desk.start_again("home", &token)?;
    window.wait_for_state("running")?;
    wait_for("ours is in front", || {
        Ok(desk.is_in_front(&id)?.then_some(()))
    })?;
    let used = desk.ask("xprop", &["-id", &id, "_NET_STARTUP_ID"])?;
    ensure!(used.contains(&token), "{used}");

    // Without a page it stays where it is.
    desk.start_again("result", "")?;
    window.wait_for_text("No check has been completed yet")?;
    desk.start_again("", "")?;
    window.wait_for_text("No check has been completed yet")?;
    window.close()
}

/// A window that was left open on the result takes no notification away from a person who
/// does not see it.
#[test]
fn a_contact_is_looked_at_once_its_page_is_in_front() -> anyhow::Result<()> {
    let place = Place::new()?;
    let config = meeting(&place, 3_600, "")?;
    let desk = Desk::with(place, &config)?;
    let place = &desk.place;
    let window = Window::open_on(&desk.display, place, "C.UTF-8")?;
    let id = desk.window()?;
    desk.ask("xdotool", &["windowminimize", &id])?;
    wait_for("it is minimised", || {
        Ok(desk.is_minimised(&id)?.then_some(()))
    })?;
    // Whenever the contact is told, nobody sees the window.
    desk.agree()?;
    window.press("home-check")?;
    let template = ["--template", "notification_daemon"];
    let _desktop = place.start_mock(&template, "desktop")?;
    let _agent = window.start_notifier(place)?;
    let asked = |what: &str| -> anyhow::Result<usize> {
        let log = fs::read_to_string(place.dir().join("desktop"))?;
        Ok(log.lines().filter(|line| line.contains(what)).count())
    };
    wait_for("the notification", || {
        Ok((asked(" Notify ")? == 1).then_some(()))
    })?;
    // The page has the contact, which nobody has looked at.
    window.wait_until(
        "return document.querySelectorAll('[id^=day-]').length > 0",
        true,
    )?;
    assert_eq!(asked(" CloseNotification ")?, 0);
    assert!(!window.home().join(".local/state/sesshoku/seen").exists());
    desk.start_again("", "")?;
    wait_for("it to be taken back", || {
        Ok((asked(" CloseNotification ")? == 1).then_some(()))
    })?;
    window.close()
}

#[test]
fn many_starts_at_once_are_one_window() -> anyhow::Result<()> {
    let desk = Desk::new()?;
    let mut starts = Vec::new();
    for _ in 0..4 {
        starts.push(desk.start("result", "")?);
    }
    let left = wait_for("one that stays", || {
        let mut left = 0;
        for start in &mut starts {
            left += u32::from(start.is_running()?);
        }
        Ok((left <= 1).then_some(left))
    })?;
    assert_eq!(left, 1);
    desk.window()?;
    Ok(())
}

/// As a mail program opens it.
const LINK: &str = "sesshoku://register/1234567890120";

#[test]
fn a_link_fills_its_number_in_once() -> anyhow::Result<()> {
    let desk = Desk::new()?;
    let window = Window::open_on(&desk.display, &desk.place, "C.UTF-8")?;
    window.wait_for_state("running")?;
    let code = desk
        .start_with(&[LINK], "")?
        .wait_up_to(Duration::from_secs(20))?;
    ensure!(code == Some(0), "it ended with {code:?}");
    // The agreement comes first, and what is asked before.
    to_the_number(&window)?;
    window.wait_until(
        "return document.querySelector('#number').value",
        "1234 5678 9012 0",
    )?;
    window.wait_for_text("The number is filled in from the link.")?;
    // It stays for who goes back to the date.
    window.press("back")?;
    window.press("next")?;
    window.wait_until(
        "return document.querySelector('#number').value",
        "1234 5678 9012 0",
    )?;
    ensure!(!desk.place.log().contains("1234567890120"));

    // A link that is none leads there, too, and fills nothing in.
    let no_link = "sesshoku://register/1234567890121";
    let code = desk
        .start_with(&[no_link], "")?
        .wait_up_to(Duration::from_secs(20))?;
    ensure!(code == Some(0), "it ended with {code:?}");
    window.wait_for("#register-box")?;
    window.close()
}

#[test]
fn nobody_else_can_read_the_number_of_a_link_in_the_arguments() -> anyhow::Result<()> {
    let desk = Desk::new()?;
    let mut start = desk.start_with(&[LINK, "--page", "home"], "")?;
    let arguments = format!("/proc/{}/cmdline", start.id());
    wait_for("the program to start anew", || {
        let shown = std::fs::read_to_string(&arguments)?;
        Ok(shown.contains("--link-from-stdin").then_some(()))
    })?;
    let shown = std::fs::read_to_string(&arguments)?;
    ensure!(
        shown.contains("home") && !shown.contains("1234567890120"),
        "{shown}"
    );
    desk.window()?;
    ensure!(start.is_running()?);
    Ok(())
}

fn to_the_number(window: &Window) -> anyhow::Result<()> {
    window.wait_for("#register-box")?;
    window.press("register-box")?;
    window.press("register-go")?;
    window.press("date-kind-onset")?;
    let date = window.run("return document.querySelector('#date').options[2].value")?;
    window.choose("date", date.as_str().context("a date")?)?;
    window.press("next")
}
