//! The real window as its user meets it: WebKit under Xvfb, driven over WebDriver, with
//! the real daemon on a private bus.

mod driver;
mod notifier;
mod reader;
mod scenes;
mod starts;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use driver::{Display, Window};
use nix::sys::signal::Signal;
use room::Adapter;
use sesshoku_tests::local::{Place, Process, program, wait_for};
use sesshoku_tests::room::{OPENING, Room, SHOP};
use sesshoku_tests::servers::Servers;

const HOUR: u64 = 3_600;
const NEIGHBOUR: &str = "neighbour@mail.example";
const NOTICES: &str = r#"[{"id": "rest", "kind": "maintenance",
    "from": "2023-11-14T00:00:00Z", "to": "2023-12-14T00:00:00Z",
    "text": {"ja": "この間、確認ができません。", "en": "Checking pauses meanwhile."}}]"#;
const MAIL: &str = "who.sits.here@mail.example";

#[test]
fn from_the_first_start_over_a_contact_and_a_registration_to_the_end() -> anyhow::Result<()> {
    let room = Room::open(&format!("noise_db = 2\n{SHOP}"), 1_200.0)?;
    let dir = room.dir().join("servers");
    let mut servers = Servers::start(&dir, &room.clock(), "period_seconds = 3600")?;
    let config = servers.daemon_config();
    let neighbour = room.enter("positive", &config)?;
    let _far = room.enter("far", &config)?;
    let device = room.arrive("near", &config)?;
    let place = &device.place;
    let window = Window::open(place, "ja_JP.UTF-8")?;

    // First start: three pages, then nothing without agreement.
    window.wait_for_text("名前なしで記録します")?;
    for _ in 0..3 {
        window.press("next")?;
    }
    window.wait_for_text("始める前に、お読みください")?;
    assert_eq!(place.json(&["status"])?["state"], "no-consent");
    window.press("terms")?;
    window.wait_for_text("ことばの意味")?;
    window.press("back")?;
    window.press("agree-box")?;
    window.wait_for_text("2つ目の項目も選んでください")?;
    window.press("agree-guardian")?;
    window.press("agree-start")?;
    window.wait_for_state("running")?;
    assert_eq!(place.json(&["status"])?["consent"]["state"], "agreed");
    window.wait_for_text("模擬の電波で動いています")?;

    // Before anybody has registered there is nothing to tell; but the operator has.
    servers.publish_notices(NOTICES)?;
    device.wait_until(OPENING + 2 * HOUR)?;
    ensure!(
        place.sesshoku(&["check"])?.status.success(),
        "{}",
        place.log()
    );
    window.press("notice")?;
    window.wait_for_text("この間、確認ができません。")?;
    window.press("back")?;
    window.press("home-check")?;
    window.wait_for_text("確認されませんでした")?;
    window.press("back")?;

    // A contact shows when it is asked for, and on the home screen nothing does.
    servers.issue_to(NEIGHBOUR)?;
    let number = servers.mailed_number(NEIGHBOUR)?;
    let registered = neighbour.register(&number)?;
    ensure!(registered.status.success(), "{registered:?}");
    wait_for("the contact", || {
        Ok((place.json(&["contacts"])?["verdict"] == "contact").then_some(()))
    })?;
    let home = window.page();
    ensure!(home.contains("陽性者との接触を確認する"), "{home}");
    assert!(!home.contains("件"), "{home}");
    window.press("home-check")?;
    window.wait_for_text("過去14日間の接触一覧")?;
    window.wait_for_text("2023/11/15（水）")?;
    window.press("day-2023-11-15")?;
    window.wait_for_text("近くにいた長さ")?;
    window.wait_for("figure .chart[role='img'] path.near[d^='M']")?;

    window.press("result-next")?;
    walk_the_guidance(&window)?;
    for _ in 0..3 {
        window.press("back")?;
    }

    // Registering: a number that was not issued is refused. For a while none can be
    // checked; the one that was mailed goes through by itself as soon as it can.
    window.press("positive")?;
    window.press("register-box")?;
    window.press("register-go")?;
    window.press("date-kind-onset")?;
    window.choose("date", "2023-11-15")?;
    window.press("next")?;
    window.type_into("number", "１２３")?;
    window.press("register-do")?;
    window.wait_for_text("数字8〜16桁の番号を、すべて入力してください")?;
    servers.issue_to(MAIL)?;
    let number = servers.mailed_number(MAIL)?;
    // With what is there already these are COCOA's eight digits.
    window.type_into("number", "4 5678")?;
    window.press("register-do")?;
    window.wait_for_text("この番号は使えませんでした")?;
    servers.end_management()?;
    window.press("register-again")?;
    window.type_into("number", &number)?;
    window.press("register-do")?;
    window.wait_for_text("今は番号を確かめられません")?;
    servers.start_management()?;
    window.wait_for_text("登録しました。ありがとうございます")?;
    window.press("to-home")?;
    // Who was near learns of it, as the person here did.
    wait_for("the neighbour's contact", || {
        Ok((neighbour.place.json(&["contacts"])?["verdict"] == "contact").then_some(()))
    })?;

    // The results, saved.
    window.press("settings")?;
    window.press("export")?;
    window.press("export-do")?;
    window.wait_for("#exported")?;
    let path = window.run("return document.getElementById('exported').textContent")?;
    let export = fs::read_to_string(Path::new(path.as_str().context("a path")?))?;
    let export: serde_json::Value = serde_json::from_str(&export)?;
    assert_eq!(export["verdict"], "contact");
    assert_eq!(export["days"][0]["date"], "2023-11-15");
    window.press("back")?;

    // Another language, at once.
    window.press("language")?;
    window.press("language-en")?;
    window.wait_for_text("Same as system")?;
    window.press("back")?;

    // The end: everything is erased, the preferences, too.
    window.press("erase")?;
    window.press("erase-do")?;
    window.wait_for_text("Everything is erased")?;
    assert_eq!(place.json(&["status"])?["state"], "no-consent");
    assert_eq!(
        place.json(&["contacts"])?["contacts"],
        serde_json::json!([])
    );
    let preferences = window.home().join(".config/sesshoku/preferences.toml");
    assert!(!preferences.exists());
    // What was exported is the person's, who is told of it.
    window.wait_for_text("sesshoku-1.json")?;
    window.press("erased-exported-delete")?;
    window.wait_for_text("The exported files are deleted")?;
    assert!(!window.home().join("exports/sesshoku-1.json").exists());
    window.close()?;
    let place = device.end()?;
    ensure!(!place.log().contains(&number), "the log has the number");
    servers.end()
}

/// Answers the questions in every way there is, from where they begin to where they do.
fn walk_the_guidance(window: &Window) -> anyhow::Result<()> {
    let paths = [
        (
            &["symptoms-yes"][..],
            "早めに予約して、受診してください",
            true,
        ),
        (
            &["symptoms-no", "close-contact-yes"],
            "濃厚接触者にあたる可能性が高いです",
            true,
        ),
        (
            &["symptoms-no", "close-contact-no"],
            "体調に気をつけて",
            false,
        ),
    ];
    for (answers, outcome, is_visit) in paths {
        for answer in answers {
            window.press(answer)?;
            window.press("next")?;
        }
        window.wait_for_text(outcome)?;
        if is_visit {
            // Where the clinic is called, and where the consultation centre is.
            for (prefecture, first) in [("27", "外来（見本）"), ("13", "先に次のところへ電話")]
            {
                window.choose("prefecture", prefecture)?;
                window.wait_for_text(first)?;
                window.wait_for_text("本物の番号ではありません")?;
            }
        }
        window.press("guide-again")?;
    }
    Ok(())
}

#[test]
fn bluetooth_goes_and_comes() -> anyhow::Result<()> {
    let room = Room::open("[[device]]\nname = 'you'", 60.0)?;
    let device = room.enter("you", "")?;
    let place = &device.place;
    let window = Window::open(place, "ja_JP.UTF-8")?;
    window.wait_for_state("running")?;
    for (adapter, state) in [
        (Adapter::Absent, "absent"),
        (Adapter::Blocked, "blocked"),
        (Adapter::Off, "off"),
    ] {
        room.set_adapter("you", adapter)?;
        window.wait_for_state(state)?;
        assert_eq!(place.json(&["status"])?["broadcasting"], false);
    }
    window.wait_for_text("Bluetooth がオフです")?;
    // Nothing is there that could switch it on.
    window.press("remedy")?;
    window.wait_for_text("できませんでした")?;

    // The switch that the window turns, and what comes of it.
    let bluez = Bluez::start(place)?;
    window.press("remedy")?;
    wait_for("the switch to be on", || bluez.is("Powered", true))?;
    room.set_adapter("you", Adapter::Ready)?;
    window.wait_for_state("running")?;
    wait_for("an identifier on the air", || {
        Ok((place.json(&["status"])?["broadcasting"] == true).then_some(()))
    })?;

    // Visible to all, it listens on and sends nothing, until it is hidden again.
    room.set_adapter("you", Adapter::Discoverable)?;
    window.wait_for_state("visible-receiving")?;
    assert_eq!(place.json(&["status"])?["broadcasting"], false);
    bluez.set("Discoverable", true)?;
    window.press("remedy")?;
    wait_for("the adapter to hide", || bluez.is("Discoverable", false))?;
    room.set_adapter("you", Adapter::Ready)?;
    window.wait_for_state("running")?;
    window.close()
}

/// BlueZ's adapter, as far as it has properties.
struct Bluez<'a> {
    place: &'a Place,
    _process: Process,
}

impl<'a> Bluez<'a> {
    const ADAPTER: &'static str = "/org/bluez/room";

    fn start(place: &'a Place) -> anyhow::Result<Self> {
        let arguments = ["org.bluez", Self::ADAPTER, "org.bluez.Adapter1"];
        let process = place.start_mock(&arguments, "bluez")?;
        for property in ["Powered", "Discoverable"] {
            wait_for("the adapter", || {
                let arguments = ["org.bluez.Adapter1", property, "<false>"];
                let method = "org.freedesktop.DBus.Mock.AddProperty";
                let added = place.gdbus("org.bluez", Self::ADAPTER, method, &arguments);
                Ok(added.ok())
            })?;
        }
        Ok(Self {
            place,
            _process: process,
        })
    }

    fn set(&self, property: &str, value: bool) -> anyhow::Result<()> {
        let arguments = ["org.bluez.Adapter1", property, &format!("<{value}>")];
        let method = "org.freedesktop.DBus.Properties.Set";
        self.place
            .gdbus("org.bluez", Self::ADAPTER, method, &arguments)?;
        Ok(())
    }

    fn is(&self, property: &str, value: bool) -> anyhow::Result<Option<()>> {
        let arguments = ["org.bluez.Adapter1", property];
        let method = "org.freedesktop.DBus.Properties.Get";
        let answer = self
            .place
            .gdbus("org.bluez", Self::ADAPTER, method, &arguments)?;
        Ok(answer.contains(&value.to_string()).then_some(()))
    }
}

#[test]
fn colours_and_the_size_of_text_are_the_desktops() -> anyhow::Result<()> {
    const PORTAL: &str = "org.freedesktop.portal.Desktop";
    const OBJECT: &str = "/org/freedesktop/portal/desktop";
    const SETTINGS: &str = "org.freedesktop.portal.Settings";
    const IS_DARK: &str = "return matchMedia('(prefers-color-scheme: dark)').matches";
    // WebKit enlarges the whole page by the scale of text, so that less fits.
    const SCALE: &str = "return Math.round(100 * outerWidth / innerWidth)";
    let place = Place::new()?;
    let _portal = place.start_mock(&[PORTAL, OBJECT, SETTINGS], "portal")?;
    let dark = "ret = dbus.UInt32(1, variant_level=2)";
    wait_for("the portal", || {
        let arguments = [SETTINGS, "Read", "ss", "v", dark];
        let method = "org.freedesktop.DBus.Mock.AddMethod";
        Ok(place.gdbus(PORTAL, OBJECT, method, &arguments).ok())
    })?;
    let display = Display::start()?;
    let config = place.dir().join("xsettings");
    let scale =
        |percent: u32| fs::write(&config, format!("Xft/DPI {}\n", 96 * 1024 * percent / 100));
    scale(200)?;
    let mut settings = Command::new("xsettingsd");
    settings
        .arg("--config")
        .arg(&config)
        .env("DISPLAY", display.name())
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let settings = Process::start(&mut settings)?;

    let window = Window::open_on(&display, &place, "ja_JP.UTF-8")?;
    window.wait_for_state("away")?;
    window.wait_until(IS_DARK, true)?;
    window.wait_until(SCALE, 200)?;
    let overflow = "const page = document.querySelector('.page');
        return page.scrollWidth > page.clientWidth";
    window.wait_until(overflow, false)?;

    // Both change while it is open.
    let changed = |scheme: u32| {
        let values =
            format!("[<'org.freedesktop.appearance'>, <'color-scheme'>, <uint32 {scheme}>]");
        let method = "org.freedesktop.DBus.Mock.EmitSignal";
        place.gdbus(
            PORTAL,
            OBJECT,
            method,
            &[SETTINGS, "SettingChanged", "ssv", &values],
        )
    };
    changed(2)?;
    window.wait_until(IS_DARK, false)?;
    changed(1)?;
    window.wait_until(IS_DARK, true)?;
    scale(125)?;
    settings.signal(Signal::SIGHUP)?;
    window.wait_until(SCALE, 125)?;
    window.close()
}

#[test]
fn a_daemon_that_goes_and_comes_is_noticed_at_once() -> anyhow::Result<()> {
    let place = Place::new()?;
    let config = "[radio]\nkind = 'air'";
    let mut daemon = place.start_daemon(config)?;
    ensure!(place.sesshoku(&["agree", "--yes"])?.status.success());
    let window = Window::open(&place, "C.UTF-8")?;
    window.wait_for_state("running")?;
    window.wait_for_text("Working")?;

    daemon.signal(Signal::SIGKILL)?;
    daemon.wait()?;
    window.wait_for_state("away")?;
    // The bus cannot start it here, so there is a command to type.
    window.press("remedy")?;
    window.wait_for_text("sudo systemctl start sesshoku")?;
    window.press("home-check")?;
    window.wait_for_text("Not known yet")?;
    window.press("back")?;

    // The guidance needs no daemon. A sample cannot be dialled; what the administrator
    // puts in its place can.
    let contact = "{ name = { ja = '窓口', en = 'Desk' }, phone = '+1 (555) 010-0' }";
    let directory = format!("[default]\nfirst = 'clinic'\nclinics = [{contact}]");
    fs::write(window.home().join("guidance.toml"), directory)?;
    for id in ["health", "symptoms-yes", "next"] {
        window.press(id)?;
    }
    window.choose("prefecture", "01")?;
    window.wait_for("a#call[href='tel:+15550100']")?;
    window.press("back")?;
    window.press("back")?;

    let daemon = place.start_daemon(config)?;
    window.wait_for_state("running")?;
    window.close()?;
    drop(daemon);
    Ok(())
}

#[test]
fn a_bus_that_goes_and_comes_is_no_end() -> anyhow::Result<()> {
    let (mut place, session) = (Place::new()?, Place::new()?);
    let daemon = place.start_daemon("[radio]\nkind = 'air'")?;
    ensure!(place.sesshoku(&["agree", "--yes"])?.status.success());
    let display = Display::start()?;
    let window = Window::open_in_session(&display, &place, &session)?;
    window.wait_for_state("running")?;
    place.kill_bus()?;
    window.wait_for_state("away")?;
    place.restart_bus()?;
    window.wait_for_state("running")?;
    // What is asked goes over the new one, too.
    window.press("home-check")?;
    window.wait_for_text("No check has been completed yet")?;
    window.close()?;
    drop(daemon);
    Ok(())
}

#[test]
fn a_setting_that_cannot_be_kept_stays_and_says_so() -> anyhow::Result<()> {
    let place = Place::new()?;
    let window = Window::open(&place, "C.UTF-8")?;
    window.wait_for_state("away")?;
    // No folder can be made where there is a file.
    let config = window.home().join(".config");
    fs::create_dir_all(&config)?;
    fs::write(config.join("sesshoku"), "")?;
    window.press("settings")?;
    window.press("notify")?;
    window.wait_for_text("could not be saved")?;
    window.wait_until("return document.getElementById('notify').checked", true)?;
    window.close()
}

#[test]
fn the_windows_own_process_has_no_gl_driver() -> anyhow::Result<()> {
    let place = Place::new()?;
    let window = Window::open(&place, "C.UTF-8")?;
    window.wait_for_state("away")?;
    let libraries = window.libraries()?;
    ensure!(libraries.contains("libwebkit2gtk"), "{libraries}");
    for driver in ["libLLVM", "_dri.so", "libEGL_mesa", "libGLX_mesa"] {
        ensure!(!libraries.contains(driver), "{driver} is loaded");
    }
    window.close()
}

#[test]
fn without_a_display_it_says_so() -> anyhow::Result<()> {
    let said = Command::new(program("sesshoku-gui")?)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .stdin(Stdio::null())
        .output()?;
    let text = String::from_utf8(said.stderr)?;
    assert_eq!(said.status.code(), Some(1), "{text}");
    ensure!(text.contains("there is no display"), "{text}");
    ensure!(!text.contains("panicked"), "{text}");
    Ok(())
}

#[test]
fn the_page_reaches_nothing_outside() -> anyhow::Result<()> {
    let place = Place::new()?;
    let outside = TcpListener::bind("127.0.0.1:0")?;
    let address = outside.local_addr()?;
    outside.set_nonblocking(true)?;
    let window = Window::open(&place, "C.UTF-8")?;
    window.wait_for_state("away")?;
    let script = format!(
        "const image = new Image(); image.src = 'http://{address}/image';
         const style = document.createElement('style'); style.textContent = 'h1 {{ color: red }}';
         document.head.append(style);
         window.outcome = 'waiting';
         fetch('http://{address}/fetch').then(() => window.outcome = 'reached', () => window.outcome = 'refused');"
    );
    window.run(&script)?;
    window.wait_until("return window.outcome", "refused")?;
    assert!(outside.accept().is_err(), "something was connected to");
    let colour = window.run("return getComputedStyle(document.querySelector('h1')).color")?;
    assert_ne!(colour, "rgb(255, 0, 0)");
    // What it may call is named one by one.
    let script = "window.outcome = 'waiting';
        window.__TAURI_INTERNALS__.invoke('plugin:window|create', {})
            .then(() => window.outcome = 'reached', (error) => window.outcome = String(error));";
    window.run(script)?;
    let outcome = wait_for("an answer", || {
        let outcome = window.run("return window.outcome")?;
        Ok(Some(outcome).filter(|outcome| outcome != "waiting"))
    })?
    .to_string();
    ensure!(
        outcome.contains("not allowed") || outcome.contains("not found"),
        "{outcome}"
    );
    window.close()
}
