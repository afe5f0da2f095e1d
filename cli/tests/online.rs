//! The commands over a real bus, against a service that answers as it is told.
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use sesshoku_dbus_api::{BUS_NAME, ContactDay, Error, ExposureResult, Notice, OBJECT_PATH};
use sesshoku_i18n::TERMS_VERSION;
use tempfile::TempDir;
use tokio::sync::{Notify, mpsc};
use zbus::object_server::SignalEmitter;
use zbus::{Connection, Variant, connection, interface};

/// What texts go through on a terminal: it marks each line.
const PAGER: &str = "sed 's/^/| /'";
/// Longer than anything takes, however busy the machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// A bus of the test's own, that ends with it.
struct Bus {
    daemon: Child,
    address: String,
    _dir: TempDir,
}

impl Bus {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let address = format!("unix:path={}/bus", dir.path().display());
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address=1"])
            .arg(format!("--address={address}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon is installed");
        // It prints its address when it listens.
        let stdout = daemon.stdout.take().unwrap();
        BufReader::new(stdout)
            .read_line(&mut String::new())
            .unwrap();
        Self {
            daemon,
            address,
            _dir: dir,
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sesshoku"));
        command
            .args(args)
            .env("SESSHOKU_BUS", &self.address)
            .env("DBUS_SYSTEM_BUS_ADDRESS", &self.address)
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        command
    }

    /// Runs the command to its end.
    async fn run(&self, args: &[&str]) -> Output {
        let mut command = self.command(args);
        tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap()
    }

    /// The exit code and what was printed, as JSON.
    async fn json(&self, args: &[&str]) -> (i32, Value) {
        let output = self.run(&[args, &["--json"]].concat()).await;
        let code = output.status.code().unwrap();
        let value = serde_json::from_slice(&output.stdout);
        (code, value.unwrap_or_else(|_| panic!("{output:?}")))
    }

    /// The exit code and the name of the error.
    async fn error(&self, args: &[&str]) -> (i32, String) {
        let output = self.run(&[args, &["--json"]].concat()).await;
        assert!(output.stdout.is_empty());
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert!(!error["message"].as_str().unwrap().is_empty());
        let code = output.status.code().unwrap();
        (code, error["error"].as_str().unwrap().to_owned())
    }

    /// Runs the command on a terminal, gives `answer`, and expects the exit code.
    async fn answer(&self, command: &str, answer: &'static str, code: i32) -> String {
        let mut script = Command::new("script");
        script
            .args(["--quiet", "--return", "--command"])
            .arg(format!("{} {command}", env!("CARGO_BIN_EXE_sesshoku")))
            .arg("/dev/null")
            .env("SESSHOKU_BUS", &self.address)
            .env("DBUS_SYSTEM_BUS_ADDRESS", &self.address)
            .env("LC_ALL", "C")
            .env("TERM", "xterm")
            .env("SESSHOKU_PAGER", PAGER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let run = move || {
            let mut child = script.spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            stdin.write_all(answer.as_bytes()).unwrap();
            let output = child.wait_with_output().unwrap();
            drop(stdin);
            output
        };
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        assert_eq!(output.status.code(), Some(code));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A daemon of before there were notices.
    async fn serve(&self, service: Service) -> Connection {
        connection::Builder::address(self.address.as_str())
            .serve_at(OBJECT_PATH, service.tracing)
            .serve_at(OBJECT_PATH, service.consent)
            .serve_at(OBJECT_PATH, service.exposure)
            .name(BUS_NAME)
            .build()
            .await
            .unwrap()
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

#[derive(Default)]
struct Service {
    tracing: Tracing,
    consent: Consent,
    exposure: Exposure,
}

#[derive(Default)]
struct Tracing {
    off: bool,
    adapter: &'static str,
    more_cycles: u64,
}

#[interface(name = "org.sesshoku.Tracing1")]
impl Tracing {
    fn erase(&self) -> Result<(), Error> {
        Err(Error::Storage("the disk is full".to_owned()))
    }
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> String {
        "9.9".to_owned()
    }
    #[zbus(property)]
    fn state(&self) -> String {
        if self.off { "stopped" } else { "running" }.to_owned()
    }
    #[zbus(property)]
    fn reason(&self) -> String {
        if self.off { "adapter-off" } else { "ready" }.to_owned()
    }
    #[zbus(property(emits_changed_signal = "const"))]
    fn radio(&self) -> String {
        if self.adapter.starts_with("hci") {
            "bluez".to_owned()
        } else {
            "air".to_owned()
        }
    }
    #[zbus(property)]
    fn adapter(&self) -> String {
        self.adapter.to_owned()
    }
    #[zbus(property)]
    fn scan_method(&self) -> String {
        "room".to_owned()
    }
    #[zbus(property)]
    fn broadcasting(&self) -> bool {
        !self.off
    }
    #[zbus(property(emits_changed_signal = "false"))]
    fn time(&self) -> u64 {
        1_596_240_000
    }
    #[zbus(property)]
    fn last_scan(&self) -> u64 {
        0
    }
    #[zbus(property)]
    fn counters(&self) -> HashMap<String, u64> {
        HashMap::from([("cycles".to_owned(), 3 + self.more_cycles)])
    }
}

/// bluetoothd's adapter, which notes how it was switched.
struct Adapter {
    switched: Arc<Mutex<Vec<bool>>>,
    refuses: bool,
    /// How often it cannot be switched on yet.
    busy: u32,
    powered: bool,
    /// Told when it was switched off.
    is_off: Arc<Notify>,
}

#[interface(name = "org.bluez.Adapter1")]
impl Adapter {
    #[zbus(property)]
    fn powered(&self) -> bool {
        self.powered
    }
    #[zbus(property)]
    fn set_powered(&mut self, powered: bool) -> zbus::fdo::Result<()> {
        if self.refuses {
            return Err(zbus::fdo::Error::AccessDenied("not you".to_owned()));
        }
        if powered && self.busy > 0 {
            self.busy -= 1;
            return Err(zbus::fdo::Error::Failed("busy".to_owned()));
        }
        self.powered = powered;
        self.switched.lock().unwrap().push(powered);
        if !powered {
            self.is_off.notify_one();
        }
        Ok(())
    }
}

struct Consent {
    agreed: bool,
    version: &'static str,
}

impl Default for Consent {
    fn default() -> Self {
        Self {
            agreed: false,
            version: "other",
        }
    }
}

#[interface(name = "org.sesshoku.Consent1")]
impl Consent {
    fn agree(&mut self, version: &str) -> Result<(), Error> {
        if version != self.version {
            return Err(Error::TermsVersionMismatch(
                "another is in force".to_owned(),
            ));
        }
        self.agreed = true;
        Ok(())
    }
    fn withdraw(&mut self) {
        self.agreed = false;
    }
    #[zbus(property)]
    fn state(&self) -> String {
        if self.agreed { "agreed" } else { "none" }.to_owned()
    }
    #[zbus(property(emits_changed_signal = "const"))]
    fn current_version(&self) -> String {
        self.version.to_owned()
    }
    #[zbus(property)]
    fn agreed_version(&self) -> String {
        if self.agreed { self.version } else { "" }.to_owned()
    }
    #[zbus(property)]
    fn agreed_at(&self) -> u64 {
        0
    }
}

#[derive(Default)]
struct Exposure {
    contact: bool,
    /// A check ends after each look at the result, and finds a contact or revokes it.
    changing: bool,
    looks: AtomicU32,
}

impl Exposure {
    /// Whether there is a contact as it is looked at now.
    fn look(&self) -> bool {
        let looks = self.looks.fetch_add(1, Ordering::Relaxed);
        self.contact != (self.changing && looks % 2 == 1)
    }

    fn days(is_contact: bool) -> Vec<ContactDay> {
        let day = ContactDay {
            date: "2020-08-01".to_owned(),
            contacts: 1,
            seconds: 1200,
            near_seconds: 900,
            score: 150.0,
            courses: None,
        };
        if is_contact { vec![day] } else { vec![] }
    }
}

#[interface(name = "org.sesshoku.Exposure1")]
impl Exposure {
    fn check_now(&self) -> String {
        if self.contact {
            "complete"
        } else {
            "unreachable"
        }
        .to_owned()
    }
    fn get_result(&self) -> ExposureResult {
        let is_contact = self.look();
        let (verdict, reasons) = if is_contact {
            ("contact", vec![])
        } else {
            ("unknown", vec!["never-checked".to_owned()])
        };
        ExposureResult {
            verdict: verdict.to_owned(),
            reasons,
            period_start: "2020-07-19".to_owned(),
            period_end: "2020-08-01".to_owned(),
            last_success: 0,
            recorded_seconds: 5,
            unrecorded_seconds: 6,
            // A daemon that tells nothing of it is asked in a call of its own.
            contacts: (is_contact || self.changing).then(|| Self::days(is_contact)),
        }
    }
    fn get_contacts(&self) -> Vec<ContactDay> {
        Self::days(self.look())
    }
    #[zbus(signal)]
    async fn result_changed(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;
    #[zbus(property)]
    fn checking(&self) -> bool {
        false
    }
    #[zbus(property)]
    fn last_check(&self) -> u64 {
        0
    }
    #[zbus(property)]
    fn last_outcome(&self) -> String {
        "never".to_owned()
    }
    #[zbus(property)]
    fn last_success(&self) -> u64 {
        0
    }
    #[zbus(property)]
    fn next_check(&self) -> u64 {
        1_596_243_600
    }
}

struct Notices {
    notices: Vec<Notice>,
}

#[interface(name = "org.sesshoku.Notices1")]
impl Notices {
    #[zbus(property)]
    fn notices(&self) -> Vec<HashMap<&'static str, Variant<'static>>> {
        self.notices.iter().map(Notice::to_dict).collect()
    }
}

#[tokio::test]
async fn without_a_daemon_every_command_says_so() {
    let bus = Bus::start();
    for command in ["status", "contacts", "check"] {
        let (code, name) = bus.error(&[command]).await;
        assert_eq!((code, name.as_str()), (3, "unreachable"), "{command}");
    }
    let (code, name) = bus
        .error(&["status", "--bus", "unix:path=/nonexistent"])
        .await;
    assert_eq!((code, name.as_str()), (3, "bus"));
    assert_eq!(bus.run(&["stat"]).await.status.code(), Some(2));
}

#[tokio::test]
async fn verdict_and_days_are_of_one_look() {
    let bus = Bus::start();
    let mut service = Service::default();
    service.exposure.changing = true;
    let _connection = bus.serve(service).await;
    for _ in 0..4 {
        let (_, result) = bus.json(&["contacts"]).await;
        let days = result["contacts"].as_array().unwrap();
        assert_eq!(result["verdict"] == "contact", !days.is_empty(), "{result}");
    }
}

#[tokio::test]
async fn status_and_result_are_what_the_daemon_says() {
    let bus = Bus::start();
    let connection = bus.serve(Service::default()).await;

    let (code, status) = bus.json(&["status"]).await;
    assert_eq!(code, 0);
    assert_eq!(status["version"], "9.9");
    assert_eq!(status["state"], "running");
    assert_eq!(status["adapter"], Value::Null);
    assert_eq!(status["scans"]["counters"]["cycles"], 3);
    assert_eq!(status["consent"]["current_version"], "other");
    assert_eq!(status["check"]["next_check"], 1_596_243_600);

    let (code, result) = bus.json(&["contacts"]).await;
    assert_eq!(code, 4);
    assert_eq!(result["verdict"], "unknown");
    assert_eq!(result["reasons"][0], "never-checked");
    let (code, checked) = bus.json(&["check"]).await;
    assert_eq!(
        (code, checked["outcome"].as_str()),
        (1, Some("unreachable"))
    );

    let server = connection.object_server();
    let exposure = server.interface::<_, Exposure>(OBJECT_PATH).await.unwrap();
    exposure.get_mut().await.contact = true;
    let (code, result) = bus.json(&["contacts"]).await;
    assert_eq!(code, 0);
    assert_eq!(result["contacts"][0]["near_seconds"], 900);
    let (code, checked) = bus.json(&["check"]).await;
    assert_eq!((code, checked["outcome"].as_str()), (0, Some("complete")));

    let shown = bus.run(&["contacts", "--lang", "ja"]).await;
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("2020/8/1  1件"), "{shown}");
}

#[tokio::test]
async fn agreement_is_asked_for_and_errors_have_names() {
    let bus = Bus::start();
    let _connection = bus.serve(Service::default()).await;

    for command in ["agree", "withdraw", "erase"] {
        let (code, name) = bus.error(&[command]).await;
        assert_eq!((code, name.as_str()), (2, "needs-yes"), "{command}");
    }
    let (code, name) = bus.error(&["agree", "--version", "1", "--yes"]).await;
    assert_eq!((code, name.as_str()), (1, "terms-version-mismatch"));
    let (code, name) = bus.error(&["erase", "--yes"]).await;
    assert_eq!((code, name.as_str()), (1, "storage"));

    for already in [false, true] {
        let (code, agreed) = bus.json(&["agree", "--yes"]).await;
        assert_eq!(code, 0);
        assert_eq!(agreed["agreed_version"], "other");
        assert_eq!(agreed["already"], already);
    }
    let (code, withdrawn) = bus.json(&["withdraw", "--yes"]).await;
    assert_eq!((code, &withdrawn["withdrawn"]), (0, &Value::Bool(true)));
    assert_eq!(bus.json(&["status"]).await.1["consent"]["state"], "none");
}

#[tokio::test]
async fn the_adapter_is_switched_off_and_on_for_who_says_yes() {
    let bus = Bus::start();
    let mut service = Service::default();
    service.tracing.adapter = "hci3";
    let connection = bus.serve(service).await;
    let switched = Arc::new(Mutex::new(Vec::new()));
    let adapter = |refuses| Adapter {
        switched: Arc::clone(&switched),
        refuses,
        busy: 1,
        powered: true,
        is_off: Arc::default(),
    };
    let path = "/org/bluez/hci3";
    let objects = connection.object_server();
    objects.at(path, adapter(false)).await.unwrap();
    connection.request_name("org.bluez").await.unwrap();

    let (code, name) = bus.error(&["restart-bluetooth"]).await;
    assert_eq!((code, name.as_str()), (2, "needs-yes"));
    let shown = bus.answer("restart-bluetooth", "n\n", 1).await;
    assert!(shown.contains("hci3"), "{shown}");
    assert!(switched.lock().unwrap().is_empty(), "nobody said yes");

    bus.answer("restart-bluetooth", "y\n", 0).await;
    let (code, restarted) = bus.json(&["restart-bluetooth", "--yes"]).await;
    assert_eq!((code, restarted["adapter"].as_str()), (0, Some("hci3")));
    assert_eq!(*switched.lock().unwrap(), [false, true, false, true]);

    objects.remove::<Adapter, _>(path).await.unwrap();
    objects.at(path, adapter(true)).await.unwrap();
    let (code, name) = bus.error(&["restart-bluetooth", "--yes"]).await;
    assert_eq!((code, name.as_str()), (7, "denied"));

    // Whoever ends the command cannot end it in between.
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        switched.lock().unwrap().clear();
        objects.remove::<Adapter, _>(path).await.unwrap();
        let adapter = adapter(false);
        let is_off = Arc::clone(&adapter.is_off);
        objects.at(path, adapter).await.unwrap();
        let mut command = bus.command(&["restart-bluetooth", "--yes"]);
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        let off = tokio::time::timeout(Duration::from_secs(20), is_off.notified());
        off.await.expect("it is switched off");
        let pid = Pid::from_raw(child.id().try_into().unwrap());
        kill(pid, signal).unwrap();
        let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
        assert_eq!(ended.await.unwrap().code(), Some(0), "{signal}");
        assert_eq!(*switched.lock().unwrap(), [false, true], "{signal}");
    }

    for (busy, powered, expected) in [
        (0, false, (1, "adapter-is-off")),
        (u32::MAX, true, (1, "stays-off")),
    ] {
        objects.remove::<Adapter, _>(path).await.unwrap();
        let adapter = Adapter {
            busy,
            powered,
            ..adapter(false)
        };
        objects.at(path, adapter).await.unwrap();
        let (code, name) = bus.error(&["restart-bluetooth", "--yes"]).await;
        assert_eq!((code, name.as_str()), expected);
    }
    connection.release_name("org.bluez").await.unwrap();
    let (code, name) = bus.error(&["restart-bluetooth", "--yes"]).await;
    assert_eq!((code, name.as_str()), (1, "no-bluetoothd"));
}

#[tokio::test]
async fn without_an_adapter_none_is_switched() {
    for adapter in ["", "room"] {
        let bus = Bus::start();
        let mut service = Service::default();
        service.tracing.adapter = adapter;
        let _connection = bus.serve(service).await;
        let (code, name) = bus.error(&["restart-bluetooth", "--yes"]).await;
        assert_eq!((code, name.as_str()), (1, "no-adapter"), "{adapter}");
    }
}

#[tokio::test]
async fn what_cannot_be_shown_is_not_agreed_to_on_a_terminal() {
    let bus = Bus::start();
    let _connection = bus.serve(Service::default()).await;

    let shown = bus.answer("agree", "y\n", 1).await;
    assert!(shown.contains("another version"), "{shown}");
    assert!(!shown.contains("| "), "what is not here is not shown");
}

#[tokio::test]
async fn on_a_terminal_the_full_texts_are_shown_and_only_a_yes_agrees() {
    let bus = Bus::start();
    let mut service = Service::default();
    service.consent.version = TERMS_VERSION;
    let _connection = bus.serve(service).await;

    for (answer, code, state) in [("n\n", 1, "none"), ("\n", 1, "none"), ("y\n", 0, "agreed")] {
        let shown = bus.answer("agree", answer, code).await;
        let at = |text: &str| {
            shown
                .find(text)
                .unwrap_or_else(|| panic!("{text}: {shown}"))
        };
        assert!(at("| Terms of use") < at("| Privacy policy"));
        assert!(at("| Privacy policy") < at("ask a guardian"));
        assert!(at("ask a guardian") < at(&format!("(version {TERMS_VERSION})? [y/N]")));
        let widest = shown
            .lines()
            .filter(|line| line.starts_with("| "))
            .map(|line| line.trim_end().chars().count())
            .max();
        assert!(widest <= Some(82), "{shown}");
        assert_eq!(bus.json(&["status"]).await.1["consent"]["state"], state);
    }
    let shown = bus.answer("agree", "", 0).await;
    assert!(
        shown.contains("already") && !shown.contains("| "),
        "{shown}"
    );
}

#[tokio::test]
async fn notices_are_shown_and_status_tells_of_those_that_hold() {
    let bus = Bus::start();
    let connection = bus.serve(Service::default()).await;
    let (code, none) = bus.json(&["notices"]).await;
    assert_eq!((code, &none["notices"]), (0, &Value::Array(vec![])));

    let notice = |id: &str, from| Notice {
        id: id.to_owned(),
        kind: "maintenance".to_owned(),
        from,
        to: from + 3_600,
        ja: "お休みします。".to_owned(),
        en: "The service rests.".to_owned(),
        ..Notice::default()
    };
    // The daemon's clock shows 1,596,240,000.
    let notices = vec![
        notice("tomorrow", 1_596_326_400),
        notice("later", 1_599_000_000),
    ];
    let server = connection.object_server();
    server.at(OBJECT_PATH, Notices { notices }).await.unwrap();
    let (_, shown) = bus.json(&["notices"]).await;
    assert_eq!(shown["notices"][0]["id"], "tomorrow");
    assert_eq!(shown["notices"][0]["text"]["en"], "The service rests.");
    let (_, status) = bus.json(&["status"]).await;
    assert_eq!(status["notices"][0]["relevant"], true);
    assert_eq!(status["notices"][1]["relevant"], false);
    let text = bus.run(&["status"]).await;
    let text = String::from_utf8(text.stdout).unwrap();
    assert_eq!(text.matches("Notice: Maintenance").count(), 1, "{text}");
    let text = bus.run(&["notices", "--lang", "ja"]).await;
    let text = String::from_utf8(text.stdout).unwrap();
    assert_eq!(text.matches("\n  お休みします。").count(), 2, "{text}");
}

#[tokio::test]
async fn watch_follows_changes_and_restarts() {
    let bus = Bus::start();
    let mut watch = Watch::start(&bus);
    assert_eq!(watch.next("waiting").await["time"], Value::Null);

    for _ in 0..2 {
        let connection = bus.serve(Service::default()).await;
        let connected = watch.next("connected").await;
        assert_eq!(connected["status"]["radio"], "air");
        assert_eq!(connected["time"], 1_596_240_000);

        let server = connection.object_server();
        let tracing = server.interface::<_, Tracing>(OBJECT_PATH).await.unwrap();
        tracing.get_mut().await.off = true;
        let emitter = tracing.signal_emitter();
        tracing.get().await.state_changed(emitter).await.unwrap();
        assert_eq!(watch.next("state").await["state"], "stopped");
        tracing.get().await.reason_changed(emitter).await.unwrap();
        assert_eq!(watch.next("state").await["reason"], "adapter-off");

        tracing.get_mut().await.more_cycles = 1;
        tracing.get().await.counters_changed(emitter).await.unwrap();
        assert_eq!(watch.next("scan").await["counters"]["cycles"], 4);

        let exposure = server.interface::<_, Exposure>(OBJECT_PATH).await.unwrap();
        exposure.get_mut().await.contact = true;
        Exposure::result_changed(exposure.signal_emitter())
            .await
            .unwrap();
        let result = watch.next("result").await;
        assert_eq!(result["verdict"], "contact");
        assert_eq!(result["contacts"][0]["contacts"], 1);

        // The same process may give its name away and take it back.
        connection.release_name(BUS_NAME).await.unwrap();
        watch.next("disconnected").await;
        connection.request_name(BUS_NAME).await.unwrap();
        let connected = watch.next("connected").await;
        assert_eq!(connected["status"]["state"], "stopped");

        connection.close().await.unwrap();
        watch.next("disconnected").await;
    }
}

/// A running `sesshoku watch --json`.
struct Watch {
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Watch {
    fn start(bus: &Bus) -> Self {
        let mut command = bus.command(&["watch", "--json"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                let _ = sender.send(line.unwrap());
            }
        });
        Self { child, lines }
    }

    /// The next line, which must be of `event`.
    async fn next(&mut self, event: &str) -> Value {
        let line = tokio::time::timeout(DEADLINE, self.lines.recv());
        let line = line.await.expect("a line in time").expect("watch goes on");
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["event"], event, "{line}");
        line
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
