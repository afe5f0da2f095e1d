//! The real window as its user meets it: WebKit under Xvfb, driven over WebDriver, with
//! the real daemon on a private bus.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use nix::sys::signal::Signal;
use sesshoku_tests::local::{DEADLINE, Place, Process, program};
use tokio::runtime::Runtime;

/// Somebody stands near for 25 minutes and registers the day after.
const ROOM: &str = "
start = 1700000000
seed = 3
noise_db = 3
[[person]]
stay = [{ from_minute = 10, to_minute = 35, metres = 0.7 }]
registers_at_minute = 1800
[publish]
dir = 'DIR/server'
";

/// The window, its display and its driver; all end when this is dropped.
struct Window {
    runtime: Runtime,
    client: Client,
    home: tempfile::TempDir,
    _driver: Process,
    _display: Process,
}

impl Window {
    /// Opens the window for the daemon of `place`.
    fn open(place: &Place, lang: &str) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let mut display = Command::new("Xvfb");
        display
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "1280x900x24",
                "-nolisten",
                "tcp",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let (display, line) = Process::start_and_read_line(&mut display)?;
        let port = free_port()?;
        let mut driver = Command::new("WebKitWebDriver");
        driver
            .arg(format!("--port={port}"))
            .env("DISPLAY", format!(":{}", line.trim()))
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            // Root, which CI is, has no namespaces to sandbox with.
            .env("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS", "1")
            .env("NO_AT_BRIDGE", "1")
            .env("SESSHOKU_BUS", place.address())
            .env("DBUS_SESSION_BUS_ADDRESS", place.address())
            .env("HOME", home.path())
            .env("XDG_RUNTIME_DIR", home.path())
            .env("SESSHOKU_EXPORT_DIR", home.path().join("exports"))
            .env("SESSHOKU_DIRECTORY", home.path().join("guidance.toml"))
            .env("LC_ALL", lang)
            .env("TZ", "Asia/Tokyo")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for variable in [
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "XDG_CACHE_HOME",
            "WAYLAND_DISPLAY",
        ] {
            driver.env_remove(variable);
        }
        let driver = Process::start(&mut driver)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let gui = program("sesshoku-gui")?;
        let options = serde_json::json!({ "webkitgtk:browserOptions": { "binary": gui } });
        let capabilities: Capabilities = serde_json::from_value(options)?;
        let address = format!("http://127.0.0.1:{port}");
        let client = runtime.block_on(async {
            let start = Instant::now();
            loop {
                let attempt = ClientBuilder::new(hyper_connector())
                    .capabilities(capabilities.clone())
                    .connect(&address)
                    .await;
                match attempt {
                    Ok(client) => return Ok(client),
                    Err(error) if start.elapsed() > DEADLINE => return Err(error),
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        })?;
        Ok(Self {
            runtime,
            client,
            home,
            _driver: driver,
            _display: display,
        })
    }

    /// Presses the element with `id`, once it is there.
    fn press(&self, id: &str) -> anyhow::Result<()> {
        self.runtime
            .block_on(async {
                let selector = format!("[id='{id}']:not([aria-disabled])");
                self.wait().for_element(Locator::Css(&selector)).await?;
                // A script presses what is below the edge of the window, too.
                let script = "document.getElementById(arguments[0]).click()";
                self.client.execute(script, vec![id.into()]).await?;
                anyhow::Ok(())
            })
            .with_context(|| format!("pressing {id}: {}", self.page()))
    }

    fn type_into(&self, id: &str, text: &str) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            let element = self.wait().for_element(Locator::Id(id)).await?;
            element.send_keys(text).await?;
            anyhow::Ok(())
        })
    }

    /// Chooses `value` of a list.
    fn choose(&self, id: &str, value: &str) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            let element = self.wait().for_element(Locator::Id(id)).await?;
            element.select_by_value(value).await?;
            anyhow::Ok(())
        })
    }

    fn wait_for(&self, selector: &str) -> anyhow::Result<()> {
        self.runtime
            .block_on(async {
                self.wait().for_element(Locator::Css(selector)).await?;
                anyhow::Ok(())
            })
            .with_context(|| format!("waiting for {selector}: {}", self.page()))
    }

    fn wait_for_state(&self, state: &str) -> anyhow::Result<()> {
        self.wait_for(&format!("[data-state='{state}']"))
    }

    /// Waits until the page shows `text`.
    fn wait_for_text(&self, text: &str) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            let page = self.page();
            if page.contains(text) {
                return Ok(());
            }
            if start.elapsed() > DEADLINE {
                bail!("waited for {text:?}; the page shows {page:?}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The text that is shown.
    fn page(&self) -> String {
        self.runtime.block_on(async {
            let script = "return document.body.innerText.replaceAll('\\u200b', '')";
            let text = self.client.execute(script, Vec::new()).await;
            text.ok()
                .and_then(|text| text.as_str().map(ToOwned::to_owned))
                .unwrap_or_default()
        })
    }

    fn run(&self, script: &str) -> anyhow::Result<serde_json::Value> {
        Ok(self
            .runtime
            .block_on(self.client.execute(script, Vec::new()))?)
    }

    fn wait(&self) -> fantoccini::wait::Wait<'_> {
        self.client
            .wait()
            .at_most(DEADLINE)
            .every(Duration::from_millis(50))
    }

    fn close(self) -> anyhow::Result<()> {
        Ok(self.runtime.block_on(self.client.close())?)
    }
}

fn hyper_connector() -> hyper_util::client::legacy::connect::HttpConnector {
    hyper_util::client::legacy::connect::HttpConnector::new()
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn room_config(place: &Place, registration: SocketAddr) -> anyhow::Result<String> {
    let dir = place.dir().display().to_string();
    std::fs::write(place.dir().join("room.toml"), ROOM.replace("DIR", &dir))?;
    Ok(format!(
        "[radio]
         kind = 'air'
         [radio.air]
         scenario = '{dir}/room.toml'
         speed = 7200.0
         [server]
         url = 'file://{dir}/server'
         registration_url = 'http://{registration}'
         public_keys = [{{ id = '440', version = 'v1', file = '{dir}/server/public-key.pem' }}]"
    ))
}

/// The registration's end of a notification server: refuses the number the first time,
/// then takes it. Dummies are taken and do not count.
fn server() -> anyhow::Result<SocketAddr> {
    fn answer(mut stream: TcpStream, refused: &mut bool) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let (mut length, mut is_chaff) = (0, false);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim().to_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            is_chaff |= line.starts_with("x-chaff:");
            if line.is_empty() {
                break;
            }
        }
        reader.take(length).read_to_end(&mut Vec::new())?;
        let status = if is_chaff || *refused {
            "200 OK"
        } else {
            "406 Not Acceptable"
        };
        *refused |= !is_chaff;
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        let mut refused = false;
        for stream in listener.incoming().flatten() {
            // A client that went away has no answer to wait for.
            let _ = answer(stream, &mut refused);
        }
    });
    Ok(address)
}

#[test]
fn from_the_first_start_over_a_contact_and_a_registration_to_the_end() -> anyhow::Result<()> {
    let place = Place::new()?;
    let daemon = place.start_daemon(&room_config(&place, server()?)?)?;
    let window = Window::open(&place, "ja_JP.UTF-8")?;

    // First start: three pages, then nothing without agreement.
    window.wait_for_text("名前なしで覚えておく")?;
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

    // A contact shows when it is asked for, and on the home screen nothing does.
    let home = window.page();
    sesshoku_tests::local::wait_for("the contact", || {
        Ok((place.json(&["contacts"])?["verdict"] == "contact").then_some(()))
    })?;
    assert!(!window.page().contains("件"), "{}", window.page());
    ensure!(home.contains("陽性者との接触を確認する"), "{home}");
    window.press("home-check")?;
    window.wait_for_text("過去14日間の接触一覧")?;
    window.wait_for_text("2023/11/14（火）")?;
    window.press("day-2023-11-14")?;
    window.wait_for_text("近くにいた長さ")?;
    window.wait_for("figure .chart[role='img'] i.near")?;

    // The guidance, on each of its paths.
    window.press("result-next")?;
    for (answers, outcome) in [
        (&["symptoms-yes"][..], "予約して、早めに受診を"),
        (
            &["symptoms-no", "close-contact-yes"],
            "濃厚接触の可能性があります",
        ),
        (&["symptoms-no", "close-contact-no"], "体調に気をつけて"),
    ] {
        for answer in answers {
            window.press(answer)?;
            window.press("next")?;
        }
        window.wait_for_text(outcome)?;
        if outcome.contains("受診") {
            window.choose("prefecture", "13")?;
            window.wait_for_text("先に相談センターへ電話します")?;
            window.wait_for_text("電話はつながりません")?;
        }
        window.press("guide-again")?;
    }
    window.press("back")?;
    window.press("back")?;
    window.press("back")?;

    // Registering: the first number is refused, the second taken.
    window.press("positive")?;
    window.press("register-box")?;
    window.press("register-go")?;
    window.press("date-kind-onset")?;
    window.choose("date", "2023-11-14")?;
    window.press("next")?;
    window.type_into("number", "１２３")?;
    window.press("register-do")?;
    window.wait_for_text("数字8けたで入力してください")?;
    window.type_into("number", "4 5678")?;
    window.press("register-do")?;
    window.wait_for_text("この番号は使えませんでした")?;
    window.press("register-again")?;
    window.type_into("number", "12345679")?;
    window.press("register-do")?;
    window.wait_for_text("登録しました。ありがとうございます")?;
    window.press("to-home")?;

    // The results, saved.
    window.press("settings")?;
    window.press("export")?;
    window.press("export-do")?;
    window.wait_for("#exported")?;
    let path = window.run("return document.getElementById('exported').textContent")?;
    let export = std::fs::read_to_string(Path::new(path.as_str().context("a path")?))?;
    let export: serde_json::Value = serde_json::from_str(&export)?;
    assert_eq!(export["verdict"], "contact");
    assert_eq!(export["days"][0]["date"], "2023-11-14");
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
    assert!(
        !window
            .home
            .path()
            .join(".config/sesshoku/preferences.toml")
            .exists()
    );
    window.close()?;
    drop(daemon);
    Ok(())
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

    let daemon = place.start_daemon(config)?;
    window.wait_for_state("running")?;
    window.close()?;
    drop(daemon);
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
    let start = Instant::now();
    loop {
        let outcome = window.run("return window.outcome")?;
        match outcome.as_str() {
            Some("refused") => break,
            Some("waiting") if start.elapsed() < DEADLINE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            _ => bail!("{outcome}"),
        }
    }
    assert!(outside.accept().is_err(), "something was connected to");
    let colour = window.run("return getComputedStyle(document.querySelector('h1')).color")?;
    assert_ne!(colour, "rgb(255, 0, 0)");
    // What it may call is named one by one.
    let script = "window.outcome = 'waiting';
        window.__TAURI_INTERNALS__.invoke('plugin:window|create', {})
            .then(() => window.outcome = 'reached', (error) => window.outcome = String(error));";
    window.run(script)?;
    let start = Instant::now();
    loop {
        let outcome = window.run("return window.outcome")?;
        let outcome = outcome.as_str().unwrap_or_default();
        if outcome != "waiting" {
            ensure!(
                outcome.contains("not allowed") || outcome.contains("not found"),
                "{outcome}"
            );
            break;
        }
        ensure!(start.elapsed() < DEADLINE, "no answer");
        std::thread::sleep(Duration::from_millis(20));
    }
    window.close()
}
