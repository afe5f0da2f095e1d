//! What the window says of notifications, and has the session's agent do about them.

use std::fs;

use anyhow::ensure;
use sesshoku_tests::local::{Place, wait_for};

use crate::driver::Window;

#[test]
fn home_says_when_notifications_do_not_come_through() -> anyhow::Result<()> {
    let place = Place::new()?;
    let _daemon = place.start_daemon("[radio]\nkind = 'air'")?;
    ensure!(place.sesshoku(&["agree", "--yes"])?.status.success());
    let window = Window::open(&place, "C.UTF-8")?;
    window.wait_for_state("running")?;
    window.wait_for_text("this desktop does not show any")?;
    let template = ["--template", "notification_daemon"];
    let desktop = place.start_mock(&template, "desktop")?;
    window.wait_for_text("the program that shows them is not running")?;
    let agent = window.start_notifier(&place)?;
    let is_silent = "return !document.body.innerText.includes('not coming through')";
    window.wait_until(is_silent, true)?;
    drop(agent);
    window.wait_for_text("the program that shows them is not running")?;

    // Each kind has a switch, as long as there are any at all.
    window.press("settings")?;
    window.press("remind-not-recording")?;
    let preferences = window.home().join(".config/sesshoku/preferences.toml");
    let kept = |text: &'static str| {
        wait_for(text, || {
            let written = fs::read_to_string(&preferences).unwrap_or_default();
            Ok(written.contains(text).then_some(()))
        })
    };
    kept("muted = [\"not-recording\"]")?;
    window.press("remind-not-recording")?;
    kept("muted = []")?;
    window.press("notify")?;
    window.wait_until("return document.getElementById('remind-terms')", ())?;
    // Who wants none is not told that none come.
    window.press("back")?;
    window.wait_until(is_silent, true)?;
    drop(desktop);
    window.close()
}
