//! Registering as positive, from the command line to the server: the real programs on
//! a private bus, in a simulated room, and a server that answers as it is told.

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::FileExt;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::put;
use futures_util::{FutureExt, StreamExt};
use gaen::registration::Diagnosis;
use nix::sys::signal::Signal;
use serde_json::Value;
use sesshoku_core::records::Standing;
use sesshoku_dbus_api::{BUS_NAME, Registration1Proxy, Tracing1Proxy};
use sesshoku_tests::local::{DEADLINE, Place, Process, program, wait_for, wait_up_to};
use sesshokud::store::{DeviceKey, Store};
use zbus::message::Type;
use zbus::{MatchRule, Message, MessageStream, OwnedVariant};

/// 2023-11-14 00:00 UTC.
const START: u32 = 1_699_920_000;
const DAY: u32 = 86_400;
const NUMBER: &str = "407206180003";

/// The server's `PUT /api/v3/diagnosis`.
struct Server {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    answers: VecDeque<Answer>,
    requests: Vec<Request>,
}

/// What it does with a request, besides taking it down.
#[derive(Clone, Copy)]
enum Answer {
    Status(u16),
    /// The same, and when to come back.
    Later(u16, u32),
    /// Ends the connection without an answer.
    Lost,
    /// Never answers.
    Silent,
}

#[derive(Clone)]
struct Request {
    headers: HeaderMap,
    body: Bytes,
}

impl Request {
    fn diagnosis(&self) -> Diagnosis {
        serde_json::from_slice(&self.body).expect("a diagnosis")
    }

    fn is_chaff(&self) -> bool {
        self.headers.contains_key("x-chaff")
    }
}

impl Server {
    fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Mutex::new(Shared::default()));
        let state = Arc::clone(&shared);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::spawn(move || {
            runtime.block_on(async {
                let router = Router::new()
                    .route("/api/v3/diagnosis", put(diagnosis))
                    .with_state(state);
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                axum::serve(listener, router).await.expect("a server");
            });
        });
        Ok(Self { address, shared })
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.lock().answers.extend(answers);
    }

    fn requests(&self) -> Vec<Request> {
        self.lock().requests.clone()
    }

    fn wait_for_requests(&self, count: usize) -> anyhow::Result<Vec<Request>> {
        wait_for("requests", || {
            let requests = self.requests();
            Ok((requests.len() >= count).then_some(requests))
        })
    }
}

async fn diagnosis(
    State(shared): State<Arc<Mutex<Shared>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let request = Request { headers, body };
        let answer = if request.is_chaff() {
            None
        } else {
            shared.answers.pop_front()
        };
        shared.requests.push(request);
        answer
    };
    let status = |code| StatusCode::from_u16(code).expect("a status");
    match answer.unwrap_or(Answer::Status(200)) {
        Answer::Status(code) => status(code).into_response(),
        Answer::Later(code, seconds) => {
            let wait = HeaderValue::from(seconds);
            (status(code), [(header::RETRY_AFTER, wait)]).into_response()
        }
        Answer::Lost => std::panic::resume_unwind(Box::new(())),
        Answer::Silent => std::future::pending().await,
    }
}

/// A device that has been in use for two and a half days.
struct Device {
    place: Place,
    server: Server,
    daemon: Process,
}

impl Device {
    fn new() -> anyhow::Result<Self> {
        Self::with("")
    }

    fn with(server_settings: &str) -> anyhow::Result<Self> {
        let place = Place::new()?;
        let server = Server::start()?;
        let daemon = place.start_daemon(&config(&place, "", START, 0)?)?;
        let agreed = place.sesshoku(&["agree", "--yes"])?;
        ensure!(agreed.status.success(), "{agreed:?}");
        wait_for("two and a half days to pass", || {
            let time = place.json(&["status"])?["time"].as_u64().unwrap_or(0);
            Ok((time > u64::from(START + 5 * DAY / 2)).then_some(()))
        })?;
        end(daemon)?;
        let settings = format!(
            "registration_url = 'http://{}'\n{server_settings}",
            server.address
        );
        let daemon = place.start_daemon(&config(&place, &settings, START + 3 * DAY, 300)?)?;
        let device = Self {
            place,
            server,
            daemon,
        };
        device.wait_until_it_broadcasts()?;
        Ok(device)
    }

    fn wait_until_it_broadcasts(&self) -> anyhow::Result<()> {
        wait_for("an identifier on the air", || {
            let on_air = self.place.json(&["status"])?["broadcasting"] == true;
            Ok(on_air.then_some(()))
        })
    }

    /// Kills the daemon and starts it again, on the day after.
    fn kill_and_restart(&mut self, days: u32) -> anyhow::Result<()> {
        self.daemon.signal(Signal::SIGKILL)?;
        self.daemon.wait()?;
        let url = format!("registration_url = 'http://{}'", self.server.address);
        let config = config(&self.place, &url, START + (3 + days) * DAY + 3_600, 300)?;
        self.daemon = self.place.start_daemon(&config)?;
        Ok(())
    }

    /// `sesshoku register` with symptoms since `date`: its exit code, and what it printed.
    fn register(&self, date: &str, number: &str) -> anyhow::Result<(i32, Value)> {
        let arguments = ["--agree", "--symptoms", "yes", "--date", date, "--json"];
        let output = self.run("register", &arguments, number)?;
        let json = if output.stdout.is_empty() {
            &output.stderr
        } else {
            &output.stdout
        };
        let code = output.status.code().context("an exit code")?;
        let value = serde_json::from_slice(json).with_context(|| format!("{output:?}"))?;
        Ok((code, value))
    }

    /// The same in a process of its own, which nobody waits for.
    fn start_registering(&self, symptoms: &str) -> anyhow::Result<Process> {
        let number_file = self.place.dir().join("number");
        fs::write(&number_file, NUMBER)?;
        let mut command = Command::new(program("sesshoku")?);
        command
            .args(["--bus", self.place.address(), "--json", "register"])
            .args(["--agree", "--symptoms", symptoms, "--date", "2023-11-17"])
            .arg("--number-file")
            .arg(&number_file)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Process::start(&mut command)
    }

    fn run(&self, command: &str, arguments: &[&str], number: &str) -> anyhow::Result<Output> {
        let mut child = Command::new(program("sesshoku")?)
            .args(["--bus", self.place.address(), command])
            .args(arguments)
            .args(["--number-file", "-"])
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take().context("standard input")?;
        // It may have ended without reading.
        let _ = { stdin }.write_all(number.as_bytes());
        Ok(child.wait_with_output()?)
    }

    fn registration(&self) -> anyhow::Result<Value> {
        self.place.json(&["registration"])
    }

    fn wait_for_state(&self, state: &str) -> anyhow::Result<Value> {
        wait_for(state, || {
            let registration = self.registration()?;
            Ok((registration["state"] == state).then_some(registration))
        })
        .with_context(|| self.place.log())
    }

    /// Ends the daemon and opens its store.
    fn end(self) -> anyhow::Result<(Place, Server, Store)> {
        end(self.daemon)?;
        let dir = self.place.state_dir();
        let store = Store::open(&dir, &DeviceKey::load(&dir, None)?)?;
        Ok((self.place, self.server, store))
    }
}

fn end(mut daemon: Process) -> anyhow::Result<()> {
    daemon.signal(Signal::SIGTERM)?;
    ensure!(daemon.wait()? == Some(0), "the daemon did not end well");
    Ok(())
}

/// Nobody else is in the room; its folder is there for the key that a server needs.
fn config(place: &Place, server: &str, start: u32, speed: u32) -> anyhow::Result<String> {
    let dir = place.dir().display();
    let room = format!("start = {start}\n[publish]\ndir = '{dir}/server'");
    fs::write(place.dir().join("room.toml"), room)?;
    Ok(format!(
        "[radio]
         kind = 'air'
         [radio.air]
         scenario = '{dir}/room.toml'
         speed = {speed}.0
         [server]
         url = 'file://{dir}/server'
         public_keys = [{{ id = '440', version = 'v1', file = '{dir}/server/public-key.pem' }}]
         {server}"
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_who_may_read_it_is_told_that_somebody_registers() -> anyhow::Result<()> {
    let device = Device::new()?;
    let connect = || zbus::connection::Builder::address(device.place.address()).build();
    let (reader, stranger) = (connect().await?, connect().await?);
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(BUS_NAME)
        .build()?;
    let mut told = MessageStream::for_match_rule(rule.clone(), &reader, None).await?;
    let mut overheard = MessageStream::for_match_rule(rule, &stranger, None).await?;
    let is_about_it = |message: &Message| {
        let interface = message.header().interface().map(ToString::to_string);
        let body = message.body();
        let changed: Result<(String, HashMap<String, OwnedVariant>, Vec<String>), _> =
            body.deserialize();
        let names = [interface, changed.ok().map(|changed| changed.0)];
        names.contains(&Some("org.sesshoku.Registration1".to_owned()))
    };
    let registration = Registration1Proxy::new(&reader).await?;
    assert_eq!(registration.get_registration().await?.state, "none");

    let (code, done) = device.register("2023-11-17", NUMBER)?;
    assert_eq!(code, 0, "{done}");
    tokio::time::timeout(DEADLINE, async {
        while let Some(message) = told.next().await {
            if is_about_it(&message?) {
                return Ok(());
            }
        }
        anyhow::bail!("the bus is gone")
    })
    .await??;
    // The bus keeps the order: whatever the stranger was sent before this answer is
    // there.
    let tracing = Tracing1Proxy::new(&stranger).await?;
    let time = tracing.time().await?;
    assert!(time > u64::from(START));
    let mut others = 0;
    while let Some(Some(message)) = overheard.next().now_or_never() {
        assert!(!is_about_it(&message?));
        others += 1;
    }
    assert!(others > 0, "nothing at all was overheard");
    Ok(())
}

#[test]
fn what_is_registered_arrives_and_is_told() -> anyhow::Result<()> {
    let device = Device::new()?;
    let (code, done) = device.register("2023-11-17", &format!("{NUMBER}\n"))?;
    assert_eq!(code, 0, "{done}");
    assert_eq!(done["state"], "done");
    assert_eq!(
        done["days"],
        serde_json::json!(["2023-11-14", "2023-11-15", "2023-11-16", "2023-11-17"])
    );
    assert_eq!(device.registration()?, done);
    let shown = device.place.sesshoku(&["registration", "--lang", "ja"])?;
    let shown = String::from_utf8(shown.stdout)?;
    assert!(shown.contains("2023/11/14、2023/11/15"), "{shown}");

    // There is nothing left of those days that was not sent, until the next identifier.
    let requests = device.server.requests();
    assert_eq!(requests.len(), 1);
    let sent = requests[0].diagnosis();
    assert_eq!(requests[0].body.len(), 4_096);
    assert_eq!(sent.verification_payload, NUMBER);
    assert!(sent.has_symptom);
    assert_eq!(sent.regions, ["440"]);
    assert_eq!(
        sent.onset_of_symptom_or_test_date.as_deref(),
        Some("2023-11-17T00:00:00Z")
    );
    let id = sent.idempotency_key.get().context("a key")?.to_owned();
    assert_eq!(id.len(), 32);
    let first = i64::from(START / 600);
    for (day, key) in (0..).zip(&sent.keys) {
        assert_eq!(key.rolling_start_number, first + 144 * day);
        // The day was not an hour old.
        let expected = if day < 3 { 144..=144 } else { 1..=60 };
        assert!(expected.contains(&key.rolling_period), "day {day}");
    }

    let (place, _server, store) = device.end()?;
    let own_keys = store.own_keys()?;
    let days: Vec<_> = own_keys.iter().map(|key| key.day.to_string()).collect();
    assert_eq!(days[3..5], ["2023-11-17", "2023-11-17"], "a new key since");
    assert_eq!(own_keys[4].start, own_keys[3].end());
    let standing: Vec<_> = own_keys.iter().take(5).map(|key| key.standing).collect();
    assert_eq!(standing[..4], [Standing::Sent; 4]);
    assert_eq!(standing[4], Standing::InUse);
    drop(store);
    assert_nothing_tells(&place, &id, &sent)
}

/// Neither the logs nor the files hold the number, the idempotency key or a key.
fn assert_nothing_tells(place: &Place, id: &str, sent: &Diagnosis) -> anyhow::Result<()> {
    let log = place.log();
    assert!(log.contains("the server answered"), "the log is there");
    let mut secrets = vec![NUMBER.to_owned(), id.to_owned()];
    for key in &sent.keys {
        let base64 = serde_json::to_value(key)?["keyData"].clone();
        secrets.push(base64.as_str().context("base64")?.to_owned());
        secrets.push(hex::encode(&key.key_data));
    }
    for secret in &secrets {
        assert!(!log.contains(secret), "in the log");
        for file in fs::read_dir(place.state_dir())? {
            let path = file?.path();
            let is_in = path.is_file()
                && fs::read(&path)?
                    .windows(secret.len())
                    .any(|it| it == secret.as_bytes());
            assert!(!is_in, "in {}", path.display());
        }
    }
    Ok(())
}

#[test]
fn a_number_that_was_judged_is_nowhere_in_memory() -> anyhow::Result<()> {
    let device = Device::new()?;
    device.server.answer([Answer::Silent, Answer::Status(200)]);
    let registering = device.start_registering("yes")?;
    device.server.wait_for_requests(1)?;
    assert!(
        times_in_memory(&device.daemon, NUMBER)? > 0,
        "it can be found"
    );
    drop(registering);
    device.place.json(&["registration", "forget", "--yes"])?;
    let (code, done) = device.register("2023-11-17", NUMBER)?;
    assert_eq!(code, 0, "{done}");
    assert_eq!(times_in_memory(&device.daemon, NUMBER)?, 0);
    Ok(())
}

/// How often `text` is in the memory that a process can write to.
fn times_in_memory(process: &Process, text: &str) -> anyhow::Result<usize> {
    let proc = format!("/proc/{}", process.id());
    let memory = fs::File::open(format!("{proc}/mem"))?;
    let mut times = 0;
    for mapping in fs::read_to_string(format!("{proc}/maps"))?.lines() {
        let mut fields = mapping.split_whitespace();
        let (range, mode) = (fields.next(), fields.next());
        let (from, to) = range.and_then(|it| it.split_once('-')).context("a range")?;
        if !mode.is_some_and(|mode| mode.starts_with("rw")) {
            continue;
        }
        let (from, to) = (u64::from_str_radix(from, 16)?, u64::from_str_radix(to, 16)?);
        let mut bytes = vec![0; usize::try_from(to - from)?];
        // Some mappings are not memory.
        if memory.read_exact_at(&mut bytes, from).is_ok() {
            let all = bytes.windows(text.len());
            times += all.filter(|it| *it == text.as_bytes()).count();
        }
    }
    Ok(times)
}

#[test]
fn each_refusal_has_its_own_reason_and_sentence() -> anyhow::Result<()> {
    let device = Device::new()?;
    let mut sentences = Vec::new();
    for (status, reason) in [
        (406, "number-refused"),
        (400, "invalid"),
        (413, "invalid"),
        (403, "not-allowed"),
        (404, "bad-answer"),
        (307, "bad-answer"),
    ] {
        device.server.answer([Answer::Status(status)]);
        let (code, failed) = device.register("2023-11-17", NUMBER)?;
        assert_eq!(code, 1, "{status}: {failed}");
        assert_eq!(
            (&failed["state"], &failed["reason"]),
            (&"failed".into(), &reason.into()),
            "{status}"
        );
        let shown = device.place.sesshoku(&["registration"])?;
        let shown = String::from_utf8(shown.stdout)?;
        sentences.push(shown.lines().nth(1).context("a sentence")?.to_owned());
    }
    sentences.dedup();
    assert_eq!(sentences.len(), 4, "{sentences:?}");

    // Every one of them was a registration of its own, of the same keys and more.
    let requests = device.server.requests();
    let ids: Vec<_> = requests.iter().map(id).collect();
    let mut different = ids.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), ids.len());
    let (code, done) = device.register("2023-11-17", NUMBER)?;
    assert_eq!((code, &done["state"]), (0, &"done".into()));
    let (code, error) = device.register("2023-11-01", NUMBER)?;
    assert_eq!((code, &error["error"]), (1, &"invalid-date".into()));
    let (code, error) = device.register("yesterday", NUMBER)?;
    assert_eq!((code, &error["error"]), (1, &"invalid-date".into()));
    let (code, error) = device.register("2023-11-17", "1234567")?;
    assert_eq!((code, &error["error"]), (1, &"invalid-number".into()));
    Ok(())
}

fn id(request: &Request) -> String {
    let diagnosis = request.diagnosis();
    diagnosis
        .idempotency_key
        .get()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn what_is_in_the_way_now_is_tried_again() -> anyhow::Result<()> {
    let device = Device::new()?;
    for (answer, reason) in [
        (Answer::Later(503, 600), "management-unavailable"),
        (Answer::Later(429, 600), "too-many-tries"),
        (Answer::Later(500, 600), "unreachable"),
    ] {
        // Often enough that it is still so when it is looked at.
        device.server.answer([answer; 1]);
        let before = device.server.requests().len();
        let (code, waiting) = device.register("2023-11-17", NUMBER)?;
        assert_eq!(code, 6, "{waiting}");
        assert_eq!(
            (&waiting["state"], &waiting["reason"]),
            (&"waiting-to-retry".into(), &reason.into())
        );
        assert!(waiting["next_try"].is_number(), "{waiting}");
        device.wait_for_state("done")?;
        let requests = device.server.requests();
        assert_eq!(requests.len(), before + 2, "{reason}");
        // The same but for its noise.
        let [first, second] = [&requests[before], &requests[before + 1]].map(Request::diagnosis);
        assert_eq!(first.idempotency_key, second.idempotency_key);
        assert!(first.keys == second.keys && first.padding != second.padding);
        // The next identifier is another key's, which can be registered.
        wait_for("the clock to move on", || {
            let status = device.place.json(&["status"])?;
            let since = device.registration()?["since"].as_u64().unwrap_or(0);
            Ok((status["time"].as_u64() > Some(since + 2_400)).then_some(()))
        })?;
    }
    Ok(())
}

#[test]
fn a_lost_answer_and_a_restart_do_no_harm() -> anyhow::Result<()> {
    let mut device = Device::new()?;
    device.server.answer([Answer::Lost, Answer::Silent]);
    let mut registering = device.start_registering("yes")?;
    // It asks again by itself, and hears nothing; then the power fails.
    device.server.wait_for_requests(2)?;
    device.kill_and_restart(0)?;
    // It saw the registration wait, or else the daemon vanish.
    assert!(matches!(registering.wait()?, Some(6 | 3)));
    let waiting = device.registration()?;
    assert_eq!(
        (&waiting["state"], &waiting["reason"]),
        (&"waiting-to-retry".into(), &"number-needed".into())
    );
    assert_eq!(waiting["date"], "2023-11-17");
    let retry = device
        .place
        .sesshoku(&["registration", "retry", "--json"])?;
    assert_eq!(retry.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&retry.stderr).contains("number-required"));
    let (code, other) = device.register("2023-11-16", NUMBER)?;
    assert_eq!((code, &other["error"]), (1, &"pending".into()));

    // Without symptoms and date on the command line, those of before hold.
    let output = device.run("register", &["--agree", "--json"], NUMBER)?;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let done: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(done["state"], "done");
    let requests = device.server.requests();
    assert_eq!(requests.len(), 3);
    let sent: Vec<_> = requests.iter().map(Request::diagnosis).collect();
    for again in &sent[1..] {
        assert!(again.keys == sent[0].keys);
        assert_eq!(again.idempotency_key, sent[0].idempotency_key);
        assert_eq!(again.verification_payload, NUMBER);
    }
    let id = id(&requests[0]);
    let (place, _server, store) = device.end()?;
    drop(store);
    assert_nothing_tells(&place, &id, &sent[0])
}

#[test]
fn a_server_that_cannot_be_reached_is_told_and_can_be_given_up() -> anyhow::Result<()> {
    let gone = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut device = Device::new()?;
    device.server.address = gone;
    device.kill_and_restart(0)?;
    device.wait_until_it_broadcasts()?;
    let (code, waiting) = device.register("2023-11-17", NUMBER)?;
    assert_eq!((code, &waiting["reason"]), (6, &"unreachable".into()));
    let forgotten = device.place.json(&["registration", "forget", "--yes"])?;
    assert_eq!(forgotten["forgotten"], true);
    let none = device.registration()?;
    assert_eq!(
        (&none["state"], &none["days"]),
        (&"none".into(), &serde_json::json!([]))
    );
    let retry = device
        .place
        .sesshoku(&["registration", "retry", "--json"])?;
    assert!(String::from_utf8_lossy(&retry.stderr).contains("nothing-pending"));
    Ok(())
}

#[test]
fn three_wrong_numbers_make_a_pause() -> anyhow::Result<()> {
    let mut device = Device::new()?;
    device.server.answer([Answer::Status(406); 3]);
    for left in [2, 1, 0] {
        let (code, failed) = device.register("2023-11-17", "00000000")?;
        assert_eq!(
            (code, &failed["reason"]),
            (1, &"number-refused".into()),
            "{failed}"
        );
        assert_eq!(failed["tries_left"], left);
    }
    let (code, paused) = device.register("2023-11-17", NUMBER)?;
    assert_eq!((code, &paused["error"]), (1, &"paused".into()));
    assert!(device.registration()?["paused_until"].is_number());
    // Who would be asked for everything first is asked for nothing.
    let asked = device.place.sesshoku(&["--json", "register"])?;
    let error: Value = serde_json::from_slice(&asked.stderr)?;
    assert_eq!(error["error"], "paused", "{error}");
    let shown = device.place.sesshoku(&["registration"])?;
    let shown = String::from_utf8(shown.stdout)?;
    assert!(shown.contains("Three numbers did not work"), "{shown}");

    // Neither a restart ends it nor giving up what is no longer there.
    device.kill_and_restart(0)?;
    assert_eq!(device.server.requests().len(), 3);
    device.place.json(&["registration", "forget", "--yes"])?;
    let paused = device.registration()?;
    // The simulated day was an hour old by then, or the pause is over.
    let wrong_at = paused["paused_until"].as_u64();
    wait_for("the end of the pause", || {
        let registration = device.registration()?;
        Ok(
            (registration["paused_until"].is_null() && registration["tries_left"] == 3)
                .then_some(()),
        )
    })?;
    device.wait_until_it_broadcasts()?;
    let (code, done) = device.register("2023-11-17", NUMBER)?;
    assert_eq!((code, &done["state"]), (0, &"done".into()), "{wrong_at:?}");
    Ok(())
}

#[test]
fn withdrawing_in_between_leaves_nothing() -> anyhow::Result<()> {
    let device = Device::new()?;
    device.server.answer([Answer::Silent]);
    let mut registering = device.start_registering("no")?;
    device.server.wait_for_requests(1)?;
    assert_eq!(device.registration()?["state"], "sending");
    let (code, busy) = device.register("2023-11-17", NUMBER)?;
    assert_eq!((code, &busy["error"]), (1, &"busy".into()));
    assert!(
        device
            .place
            .sesshoku(&["withdraw", "--yes"])?
            .status
            .success()
    );
    assert_eq!(registering.wait()?, Some(1), "it came to nothing");
    assert_eq!(device.registration()?["state"], "none");
    let (code, refused) = device.register("2023-11-17", NUMBER)?;
    assert_eq!((code, &refused["error"]), (1, &"consent-required".into()));

    let id = id(&device.server.requests()[0]);
    let (place, _server, store) = device.end()?;
    assert!(store.registration()?.pending.is_none());
    assert_eq!(store.own_keys()?, []);
    drop(store);
    let log = place.log();
    assert!(!log.contains(&id) && !log.contains(NUMBER));
    Ok(())
}

#[test]
fn dummies_look_like_registrations_and_are_never_shown() -> anyhow::Result<()> {
    let device = Device::with("chaff_interval_seconds = 1800")?;
    let requests = wait_up_to(Duration::from_secs(120), "dummies", || {
        let requests = device.server.requests();
        Ok((requests.len() >= 3).then_some(requests))
    })?;
    assert!(requests.iter().all(Request::is_chaff));
    assert_eq!(device.registration()?["state"], "none");
    let (code, done) = device.register("2023-11-17", NUMBER)?;
    assert_eq!((code, &done["state"]), (0, &"done".into()));
    let requests = device.server.requests();
    let real = requests.iter().find(|it| !it.is_chaff()).context("real")?;
    let (place, server, store) = device.end()?;
    let own: Vec<_> = store
        .own_keys()?
        .iter()
        .map(|key| key.tek.expose_bytes().to_vec())
        .collect();
    let size = |request: &Request| {
        let headers = request.headers.iter();
        let headers: usize = headers
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        (headers, request.headers.len(), request.body.len())
    };
    for request in server.requests().iter().filter(|it| it.is_chaff()) {
        assert_eq!(size(request), size(real));
        let dummy = request.diagnosis();
        assert!(dummy.keys.iter().all(|key| !own.contains(&key.key_data)));
        assert!(dummy.keys.len() > 5);
        assert_ne!(dummy.verification_payload, NUMBER);
        let id = id(request);
        assert!(!place.log().contains(&id));
    }
    Ok(())
}

#[test]
fn without_a_server_to_register_with_it_says_so() -> anyhow::Result<()> {
    let place = Place::new()?;
    let daemon = place.start_daemon(&config(&place, "", START, 60)?)?;
    let number_file = place.dir().join("number");
    fs::write(&number_file, NUMBER)?;
    let register = |symptoms: &[&str]| -> anyhow::Result<(Option<i32>, String)> {
        let number_file = number_file.display().to_string();
        let fixed = ["register", "--json", "--number-file", &number_file];
        let output = place.sesshoku(&[&fixed, symptoms].concat())?;
        let error: Value = serde_json::from_slice(&output.stderr)?;
        let name = error["error"].as_str().context("a name")?.to_owned();
        Ok((output.status.code(), name))
    };
    let all = ["--agree", "--symptoms", "no", "--date", "2023-11-14"];
    assert_eq!(register(&all)?, (Some(1), "consent-required".into()));
    assert!(place.sesshoku(&["agree", "--yes"])?.status.success());
    assert_eq!(register(&all)?, (Some(1), "not-configured".into()));
    // Nobody is there to answer what was left out.
    for left_out in [&all[1..], &all[..1], &all[..3]] {
        assert_eq!(register(left_out)?, (Some(2), "needs-flag".into()));
    }
    end(daemon)
}

#[test]
fn on_a_terminal_everything_is_asked_for() -> anyhow::Result<()> {
    let device = Device::new()?;
    let answer = |answers: &str| -> anyhow::Result<(Option<i32>, String)> {
        let command = format!(
            "{} --bus {} --lang en register",
            program("sesshoku")?.display(),
            device.place.address()
        );
        let mut script = Command::new("script")
            .args(["--quiet", "--return", "--command", &command, "/dev/null"])
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut stdin = script.stdin.take().context("standard input")?;
        stdin.write_all(answers.as_bytes())?;
        let output = script.wait_with_output()?;
        Ok((
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        ))
    };
    let (code, shown) = answer("n\n")?;
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("for you to decide"), "{shown}");
    assert!(!shown.contains("The digits of the processing"), "{shown}");
    assert_eq!(device.server.requests().len(), 0);

    let (code, shown) =
        answer("y\nperhaps\ny\n17.11.\n2023/11/17\n4072\n4072 0618 0030\n４０７２-0618 0003\n")?;
    assert_eq!(code, Some(0), "{shown}");
    for said in [
        "guardian",
        "Please answer y or n",
        "That is not a date",
        "That is not 8 to 16 digits",
        "A digit is wrong",
        "Sending to the notification server",
        "You are registered as positive",
        "2023-11-14, 2023-11-15",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let sent = device.server.requests()[0].diagnosis();
    assert!(sent.has_symptom);
    assert_eq!(sent.verification_payload, NUMBER);
    Ok(())
}
