//! The page in Chromium: the whole way of a worker, in both languages, wide and
//! narrow, with large text, and looked over by axe.
//!
//! With `SESSHOKU_SCREENSHOTS` set to a folder, every page is put there as a picture.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::http::Method;
use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, Locator};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};
use sesshoku_tests::webdriver;
use tokio::time::{Instant, sleep};
use url::Url;

use crate::gateway::Gateway;
use crate::server::{Account, Place};
use crate::smtp::Smtp;

const SIZES: [(&str, u32, u32); 2] = [("narrow", 360, 720), ("wide", 1280, 800)];
const WAIT_TIME_MAX: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(50);
const PASSWORD: &str = "a long sentence nobody thinks of";

/// Chromium, driven by chromedriver. Both end when it is dropped.
struct Browser {
    driver: Client,
    base: String,
    axe: String,
    /// What a page's name begins with.
    language: &'static str,
    // Dropped last, and in this order.
    _chromedriver: Chromedriver,
    _profile: tempfile::TempDir,
}

struct Chromedriver(Child);

/// Gives the page a size that a window of Chromium cannot have
/// (`Emulation.setDeviceMetricsOverride` of the DevTools protocol).
#[derive(Debug)]
struct SetSize {
    width: u32,
    height: u32,
}

impl WebDriverCompatibleCommand for SetSize {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/goog/cdp/execute"))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let body = json!({
            "cmd": "Emulation.setDeviceMetricsOverride",
            "params": {
                "width": self.width,
                "height": self.height,
                "deviceScaleFactor": 1,
                "mobile": false,
            },
        });
        (Method::POST, Some(body.to_string()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_sends_a_number_in_japanese() {
    walk("ja", "送信先に誤りがないか").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_sends_a_number_in_english() {
    walk("en", "Read the address back").await;
}

/// All pages there are, in the order a worker may come to them.
async fn walk(language: &'static str, confirm: &str) {
    let smtp = Smtp::plain();
    let gateway = Gateway::start(&[]).await;
    let place = Place::new(&smtp).with_gateway(&gateway);
    let all = ["issue", "administrate", "statistics"];
    let all: Vec<&str> = all.iter().flat_map(|role| ["--role", role]).collect();
    let mut account = place.add_account_with("minato-01", &all);
    let server = place.start();
    let browser = Browser::start(language, &server.base).await;

    browser.go("/nowhere").await;
    browser.look("not-found").await;
    browser.go("/").await;
    browser.look("sign-in").await;
    browser.type_in("name", &account.name).await;
    browser.type_in("password", "wrong").await;
    browser.type_in("code", "000000").await;
    browser.press("main button.main").await;
    browser.look("sign-in-refused").await;

    browser.sign_in(&mut account).await;
    browser.look("first-password").await;
    browser.go_back().await;
    browser.find(".error").await;
    browser.go("/password").await;
    browser.type_in("current", &account.password).await;
    browser.type_in("new", "short").await;
    browser.type_in("repeat", "short").await;
    browser.press("main button.main").await;
    browser.look("password-short").await;
    browser.type_in("current", &account.password).await;
    browser.type_in("new", PASSWORD).await;
    browser.type_in("repeat", PASSWORD).await;
    browser.press("main button.main").await;
    account.password = PASSWORD.into();
    browser.look("password-changed").await;
    browser.sign_in(&mut account).await;

    browser.look("issue").await;
    browser.type_in("recipient", "someone@").await;
    browser.press("main button.main").await;
    browser.look("issue-wrong").await;
    browser
        .type_in("recipient", "someone.with-a-long-name@mail.example")
        .await;
    browser.press("main button.main").await;
    assert!(browser.text().await.contains(confirm));
    browser.look("confirm").await;
    browser.press("a.button.other").await;
    let kept = browser
        .find("#recipient")
        .await
        .prop("value")
        .await
        .unwrap();
    assert_eq!(
        kept.as_deref(),
        Some("someone.with-a-long-name@mail.example")
    );
    browser.press("main button.main").await;
    browser.press("main button.main").await;
    browser.look("sent").await;
    let number = smtp.mail().number();
    assert!(!browser.text().await.contains(&number));
    assert!(!browser.text().await.contains("@mail.example"));
    assert!(server.is_genuine(&number, 1).await);
    assert!(!server.is_genuine(&number, 2).await);

    // Behind Back are the pages, and nothing is sent again.
    let sent = browser.url().await;
    browser.go_back().await;
    assert!(browser.url().await.contains("/confirm/"));
    // Where the browser has kept the page as it was, sending it again does nothing.
    browser.driver.refresh().await.unwrap();
    browser.look("sent-already").await;
    browser.go_back().await;
    assert!(
        browser.url().await.contains("/issue"),
        "{}",
        browser.url().await
    );
    browser.find("#recipient").await;
    browser.driver.forward().await.unwrap();
    browser.driver.forward().await.unwrap();
    browser.find(".done").await;
    assert_eq!(browser.url().await, sent);
    assert!(smtp.another_mail().is_none());

    // By SMS, after loading the page again, which sends nothing.
    browser.driver.refresh().await.unwrap();
    browser.press("main a.button").await;
    browser
        .type_in("recipient", "０９０－００００－００００")
        .await;
    browser.press("main button.main").await;
    browser.look("confirm-sms").await;
    browser.press("main button.main").await;
    let messages = gateway.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["to"][0], "+819000000000");
    assert!(smtp.another_mail().is_none());

    browser.go("/issue").await;
    browser.type_in("recipient", "refused@mail.example").await;
    browser.press("main button.main").await;
    browser.press("main button.main").await;
    browser.look("failed").await;

    browser.go("/sent").await;
    browser.look("sent-list").await;
    browser.go(sent.strip_prefix(&browser.base).unwrap()).await;
    browser.press("main p:not(.small) > a:not(.button)").await;
    browser.look("take-back").await;
    browser.press("main button.main").await;
    browser.look("taken-back").await;
    browser.look_at_administration().await;

    browser.see_sending(&place).await;
    browser.look_at_limits(&place).await;

    browser.go("/password").await;
    browser.look("password").await;
    browser.press("nav.menu button").await;
    browser.look("signed-out").await;
    browser.go("/issue").await;
    assert!(browser.url().await.ends_with("/sign-in"));
    browser.switch_language().await;
    browser.finish().await;
}

impl Browser {
    async fn start(language: &'static str, base: &str) -> Self {
        let (chromedriver, port) = Chromedriver::start();
        let profile = tempfile::tempdir().unwrap();
        let arguments = json!([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            format!("--user-data-dir={}", profile.path().display()),
            format!("--accept-lang={language}"),
        ]);
        let capabilities = json!({ "goog:chromeOptions": { "args": arguments } });
        let driver = webdriver::connect(port, capabilities).await.unwrap();
        Self {
            driver,
            base: base.into(),
            axe: std::fs::read_to_string(axe()).unwrap(),
            language,
            _chromedriver: chromedriver,
            _profile: profile,
        }
    }

    async fn finish(self) {
        self.driver.close().await.unwrap();
    }

    async fn go(&self, path: &str) {
        let url = format!("{}{path}", self.base);
        self.driver.goto(&url).await.unwrap();
    }

    async fn url(&self) -> String {
        self.driver.current_url().await.unwrap().to_string()
    }

    async fn find(&self, css: &str) -> Element {
        let wait = self.driver.wait().at_most(WAIT_TIME_MAX).every(LOOK_EVERY);
        wait.for_element(Locator::Css(css)).await.unwrap()
    }

    /// Marks the page, so that it can be told from the next.
    async fn mark(&self) {
        self.script("window.isMarked = true").await;
    }

    /// Waits until another page has taken the place of the marked one.
    async fn leave(&self) {
        let deadline = Instant::now() + WAIT_TIME_MAX;
        let question = "return window.isMarked === true";
        // Between two pages chromedriver may have an error for an answer.
        while !matches!(
            self.driver.execute(question, Vec::new()).await,
            Ok(Value::Bool(false))
        ) {
            assert!(Instant::now() < deadline, "{} stays", self.url().await);
            sleep(LOOK_EVERY).await;
        }
    }

    async fn text(&self) -> String {
        self.find("body").await.text().await.unwrap()
    }

    async fn type_in(&self, id: &str, text: &str) {
        let field = self.find(&format!("#{id}")).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses what leads to another page, and waits for that.
    async fn press(&self, css: &str) {
        self.mark().await;
        self.find(css).await.click().await.unwrap();
        self.leave().await;
        self.find("footer").await;
    }

    /// As with the browser's button. What it shows then is a page of ours, not an error of
    /// its own.
    async fn go_back(&self) {
        let from = self.url().await;
        self.driver.back().await.unwrap();
        let deadline = Instant::now() + WAIT_TIME_MAX;
        while self.url().await == from {
            assert!(Instant::now() < deadline, "{from} stays");
            sleep(LOOK_EVERY).await;
        }
        self.find("footer").await;
    }

    /// Has numbers sent to everybody in a file of `recipients`.
    async fn send_file(&self, recipients: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), recipients).unwrap();
        let field = self.find("#file").await;
        let path = file.path().display().to_string();
        field.send_keys(&path).await.unwrap();
        self.find("#sure").await.click().await.unwrap();
        self.press("main button.main").await;
    }

    async fn look_at_administration(&self) {
        self.go("/bulk").await;
        self.look("bulk").await;
        self.send_file("someone@mail.example\n03-0000-0000\n").await;
        self.look("bulk-refused").await;
        self.send_file("someone@mail.example\nrefused@mail.example\n")
            .await;
        self.find("main ul li a").await;
        self.look("bulk-progress").await;
        self.go("/statistics").await;
        self.look("statistics").await;
        self.go("/accounts").await;
        self.type_in("name", "minato-02").await;
        self.look("accounts").await;
        self.press("main form button.main").await;
        self.look("secrets").await;
        self.press("main a.button").await;
        self.look("account").await;
        self.press("button[value=disable]").await;
        self.look("account-disabled").await;
        self.go("/accounts/minato-01").await;
        self.look("account-own").await;
        self.go("/audit").await;
        self.look("audit").await;
    }

    async fn sign_in(&self, account: &mut Account) {
        self.type_in("name", &account.name).await;
        self.type_in("password", &account.password).await;
        self.type_in("code", &account.code()).await;
        self.press("main button.main").await;
    }

    /// Looks a page over: at every size, with text twice as large, and with axe.
    async fn look(&self, name: &str) {
        let html = self.find("html").await;
        let language = html.attr("lang").await.unwrap();
        assert_eq!(language.as_deref(), Some(self.language), "{name}");
        for (size, width, height) in SIZES {
            self.resize(width, height).await;
            self.check_width(name, size).await;
            self.run_axe(name, size).await;
            self.picture(name, size).await;
        }
        self.resize(360, 720).await;
        self.script("document.documentElement.style.fontSize = '200%'")
            .await;
        self.check_width(name, "narrow with large text").await;
        self.picture(name, "large").await;
        self.script("document.documentElement.style.fontSize = ''")
            .await;
        self.resize(1280, 800).await;
    }

    /// Nothing is wider than the window.
    async fn check_width(&self, name: &str, size: &str) {
        let fits = self
            .script("return document.documentElement.scrollWidth <= window.innerWidth")
            .await;
        assert_eq!(fits, Value::Bool(true), "{name}, {size}: it is too wide");
    }

    async fn run_axe(&self, name: &str, size: &str) {
        self.script(&self.axe).await;
        let run = "const done = arguments[arguments.length - 1];
                   axe.run().then(result => done(result.violations.map(it => ({
                       id: it.id, help: it.help, at: it.nodes.map(node => node.html),
                   }))), error => done([String(error)]))";
        let violations = self.driver.execute_async(run, Vec::new()).await.unwrap();
        assert_eq!(
            violations.as_array().unwrap().len(),
            0,
            "{name}, {size}: {violations:#}"
        );
    }

    async fn resize(&self, width: u32, height: u32) {
        let size = SetSize { width, height };
        self.driver.issue_cmd(size).await.unwrap();
    }

    async fn script(&self, script: &str) -> Value {
        self.driver.execute(script, Vec::new()).await.unwrap()
    }

    async fn picture(&self, name: &str, size: &str) {
        let Some(dir) = std::env::var_os("SESSHOKU_SCREENSHOTS") else {
            return;
        };
        let file = format!("{}-{name}-{size}.png", self.language);
        let picture = self.driver.screenshot().await.unwrap();
        std::fs::write(Path::new(&dir).join(file), picture).unwrap();
    }

    /// A page shows that its message is being sent, and by itself that it is sent.
    async fn see_sending(&self, place: &Place) {
        self.go("/issue").await;
        self.type_in("recipient", "someone@mail.example").await;
        self.press("main button.main").await;
        self.press("main button.main").await;
        let db = rusqlite::Connection::open(place.path("management.db")).unwrap();
        let set = |progress: &str, since: &str| {
            db.execute(
                &format!(
                    "UPDATE submission SET progress = ?1, since = {since}
                     WHERE since = (SELECT max(since) FROM submission)"
                ),
                [progress],
            )
            .unwrap();
        };
        set("sending", "since");
        self.driver.refresh().await.unwrap();
        self.mark().await;
        let refresh = self.find("meta[http-equiv=refresh]").await;
        assert_eq!(refresh.attr("content").await.unwrap().as_deref(), Some("2"));
        self.picture("sending", "wide").await;
        set("sent", "since");
        self.leave().await;
        self.find(".done").await;
        set("sending", "since - 400");
        self.driver.refresh().await.unwrap();
        self.look("unclear").await;
    }

    /// What a worker is told where no more can be sent.
    async fn look_at_limits(&self, place: &Place) {
        let db = rusqlite::Connection::open(place.path("management.db")).unwrap();
        let count = |count: i64| {
            let changed = db.execute(
                "UPDATE tally SET count = ?1 WHERE scope = 'issued'",
                [count],
            );
            changed.unwrap();
        };
        self.go("/issue").await;
        self.type_in("recipient", "someone@mail.example").await;
        self.press("main button.main").await;
        count(1_000_000);
        self.press("main button.main").await;
        count(0);
        self.look("limited").await;
    }

    /// The link leads to the same page in the other language, which then stays.
    async fn switch_language(&self) {
        let other = if self.language == "ja" { "en" } else { "ja" };
        for _ in 0..2 {
            let html = self.find("html").await;
            if html.attr("lang").await.unwrap().as_deref() != Some(other) {
                self.press("nav.languages a").await;
            }
            let html = self.find("html").await;
            assert_eq!(html.attr("lang").await.unwrap().as_deref(), Some(other));
            self.go("/sign-in").await;
        }
    }
}

impl Chromedriver {
    fn start() -> (Self, u16) {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is there (scripts/setup test)");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines
            .find_map(|line| {
                let line = line.unwrap();
                let port = line.split("successfully on port ").nth(1)?;
                port.trim_end_matches('.').parse().ok()
            })
            .expect("chromedriver says its port");
        // Nobody reads on, and it must not wait for somebody who does.
        std::thread::spawn(move || lines.for_each(drop));
        (Self(process), port)
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        // It takes the browser along when it is asked to end, but for one in the midst
        // of a command.
        let group = Pid::from_raw(self.0.id().try_into().unwrap());
        let _ = killpg(group, Signal::SIGTERM);
        let _ = self.0.wait();
        let _ = killpg(group, Signal::SIGKILL);
    }
}

/// The file of axe-core, which the window's page is looked over with, too.
fn axe() -> PathBuf {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gui/node_modules");
    let file = packages.join("axe-core/axe.min.js");
    assert!(file.exists(), "no {}: try `make page`", file.display());
    file
}
