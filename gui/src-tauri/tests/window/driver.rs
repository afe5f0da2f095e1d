//! The window under Xvfb, driven over WebDriver.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use fantoccini::{Client, Locator};
use serde_json::Value;
use sesshoku_tests::local::{DEADLINE, Place, Process, program};
use sesshoku_tests::uml::processes;
use sesshoku_tests::webdriver;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A display that nobody sees.
pub(crate) struct Display {
    name: String,
    _process: Process,
}

impl Display {
    pub(crate) fn start() -> anyhow::Result<Self> {
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
        let (process, line) = Process::start_and_read_line(&mut display)?;
        Ok(Self {
            name: format!(":{}", line.trim()),
            _process: process,
        })
    }

    /// What X calls it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// The window and its driver; both end when this is dropped.
pub(crate) struct Window {
    runtime: Runtime,
    client: Client,
    home: TempDir,
    driver: Process,
    _display: Option<Display>,
}

impl Window {
    /// Opens the window for the daemon of `place`, on a display of its own.
    pub(crate) fn open(place: &Place, lang: &str) -> anyhow::Result<Self> {
        let display = Display::start()?;
        let mut window = Self::open_on(&display, place, lang)?;
        window._display = Some(display);
        Ok(window)
    }

    /// The same on a display that is there.
    pub(crate) fn open_on(display: &Display, place: &Place, lang: &str) -> anyhow::Result<Self> {
        Self::start(display, place, lang, &[("NO_AT_BRIDGE", "1")])
    }

    /// The same where somebody listens on the bus of AT-SPI.
    pub(crate) fn open_to_reader(
        display: &Display,
        place: &Place,
        lang: &str,
    ) -> anyhow::Result<Self> {
        Self::start(display, place, lang, &[])
    }

    /// The same in a session whose bus is not that of the daemon.
    pub(crate) fn open_in_session(
        display: &Display,
        place: &Place,
        session: &Place,
    ) -> anyhow::Result<Self> {
        let environment = [
            ("NO_AT_BRIDGE", "1"),
            ("DBUS_SESSION_BUS_ADDRESS", session.address()),
        ];
        Self::start(display, place, "C.UTF-8", &environment)
    }

    fn start(
        display: &Display,
        place: &Place,
        lang: &str,
        environment: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let port = free_port()?;
        let mut driver = Command::new("WebKitWebDriver");
        driver
            .arg(format!("--port={port}"))
            .env("DISPLAY", display.name())
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            // Root, which CI is, has no namespaces to sandbox with.
            .env("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS", "1")
            .env("SESSHOKU_BUS", place.address())
            .env("DBUS_SESSION_BUS_ADDRESS", place.address())
            .env("HOME", home.path())
            .env("XDG_RUNTIME_DIR", home.path())
            .env("SESSHOKU_EXPORT_DIR", home.path().join("exports"))
            .env("SESSHOKU_DIRECTORY", home.path().join("guidance.toml"))
            .env("LC_ALL", lang)
            .env("TZ", "Asia/Tokyo")
            .envs(environment.iter().copied())
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
        let client = runtime.block_on(webdriver::connect(port, options))?;
        Ok(Self {
            runtime,
            client,
            home,
            driver,
            _display: None,
        })
    }

    /// Starts the agent that notifies, for who sits before the window.
    pub(crate) fn start_notifier(&self, place: &Place) -> anyhow::Result<Process> {
        Process::start(
            Command::new(program("sesshoku")?)
                .args(["--bus", place.address(), "notify"])
                .env("DBUS_SESSION_BUS_ADDRESS", place.address())
                .env("HOME", self.home())
                .env_remove("XDG_STATE_HOME")
                .env_remove("XDG_CONFIG_HOME")
                .stdin(Stdio::null()),
        )
    }

    /// What the window's own process has in memory (proc(5), `maps`).
    pub(crate) fn libraries(&self) -> anyhow::Result<String> {
        let driver = i32::try_from(self.driver.id())?;
        let (window, _) = processes()
            .find(|(_, parent)| *parent == driver)
            .context("the driver has started no window")?;
        Ok(fs::read_to_string(format!("/proc/{window}/maps"))?)
    }

    /// Presses the element with `id`, once it is there.
    pub(crate) fn press(&self, id: &str) -> anyhow::Result<()> {
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

    pub(crate) fn type_into(&self, id: &str, text: &str) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            let element = self.wait().for_element(Locator::Id(id)).await?;
            element.send_keys(text).await?;
            anyhow::Ok(())
        })
    }

    /// Chooses `value` of a list.
    pub(crate) fn choose(&self, id: &str, value: &str) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            let element = self.wait().for_element(Locator::Id(id)).await?;
            element.select_by_value(value).await?;
            anyhow::Ok(())
        })
    }

    pub(crate) fn wait_for(&self, selector: &str) -> anyhow::Result<()> {
        self.runtime
            .block_on(async {
                self.wait().for_element(Locator::Css(selector)).await?;
                anyhow::Ok(())
            })
            .with_context(|| format!("waiting for {selector}: {}", self.page()))
    }

    pub(crate) fn wait_for_state(&self, state: &str) -> anyhow::Result<()> {
        self.wait_for(&format!("[data-state='{state}']"))
    }

    /// Waits until the page shows `text`.
    pub(crate) fn wait_for_text(&self, text: &str) -> anyhow::Result<()> {
        let mut page = String::new();
        sesshoku_tests::local::wait_for(text, || {
            page = self.page();
            Ok(page.contains(text).then_some(()))
        })
        .with_context(|| format!("the page shows {page:?}"))
    }

    /// Waits until `script`, which ends with `return`, gives `value`.
    pub(crate) fn wait_until(&self, script: &str, value: impl Into<Value>) -> anyhow::Result<()> {
        let (value, mut last) = (value.into(), Value::Null);
        sesshoku_tests::local::wait_for(script, || {
            last = self.run(script)?;
            Ok((last == value).then_some(()))
        })
        .with_context(|| format!("the page answers {last}"))
    }

    /// The home folder of whoever sits before it.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The text that is shown, without marks of where a line may or may not break.
    pub(crate) fn page(&self) -> String {
        self.runtime.block_on(async {
            let script = "return document.body.innerText
                .replaceAll('\\u200b', '').replaceAll('\\u00a0', ' ')";
            let text = self.client.execute(script, Vec::new()).await;
            text.ok()
                .and_then(|text| text.as_str().map(ToOwned::to_owned))
                .unwrap_or_default()
        })
    }

    pub(crate) fn run(&self, script: &str) -> anyhow::Result<Value> {
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

    pub(crate) fn close(self) -> anyhow::Result<()> {
        Ok(self.runtime.block_on(self.client.close())?)
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
