//! The server in a temporary folder, and what devices send it.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gaen::export::{Export, Limits, PinnedKey, check_complete, open};
use gaen::listing::Listing;
use getrandom::SysRng;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand_core::{Rng, UnwrapErr};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::management::{CREDENTIAL, Management};

/// The longest that anything here is waited for.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until `ready` gives a value.
pub(crate) async fn wait_for<T>(what: &str, mut ready: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = ready().await {
            return value;
        }
        assert!(start.elapsed() < DEADLINE, "waited too long for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The program.
pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sesshoku-server"))
}

/// A folder with a configuration, and a management system beside it.
pub(crate) struct Site {
    pub(crate) dir: TempDir,
    pub(crate) management: Management,
    pub(crate) client: Client,
    settings: toml::Table,
}

impl Site {
    /// A site with the default settings, and `changes` (TOML) laid over them.
    pub(crate) async fn new(changes: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let management = Management::start().await;
        let path = |name: &str| dir.path().join(name).display().to_string();
        fs::write(path("credential"), CREDENTIAL).unwrap();
        let made = program()
            .args([
                "keygen",
                "--private",
                &path("key.pem"),
                "--public",
                &path("key.pub"),
            ])
            .status()
            .unwrap();
        assert!(made.success());
        let base = format!(
            "[http]\nlisten = '127.0.0.1:0'\ninternal_listen = '127.0.0.1:0'\n\
             [database]\nkind = 'sqlite'\npath = '{}'\n\
             [storage]\nkind = 'folder'\ndir = '{}'\n\
             [distribution]\nbase_url = 'https://cdn.example'\n\
             [signing]\nkey.file = '{}'\n\
             [management]\nurl = 'http://{}'\ncredential.file = '{}'\ntimeout_milliseconds = 1000\n\
             [registration]\nanswer_milliseconds = 1\n\
             [limits]\nrequests_a_source_an_hour = 1000000\n\
             [export]\nperiod_seconds = 1\nmin_keys = 20\nmax_keys = 40\nlease_seconds = 5\n",
            path("notification.db"),
            path("public"),
            path("key.pem"),
            management.address,
            path("credential"),
        );
        let mut settings = base.parse().unwrap();
        settings::merge(&mut settings, changes.parse().unwrap());
        Self {
            dir,
            management,
            client: Client::builder().no_proxy().build().unwrap(),
            settings,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Lays `changes` (TOML) over the settings of servers that start from now on.
    pub(crate) fn set(&mut self, changes: &str) {
        settings::merge(&mut self.settings, changes.parse().unwrap());
    }

    /// Replaces the settings `[name]` by `table` (TOML).
    pub(crate) fn replace(&mut self, name: &str, table: &str) {
        let table: toml::Table = table.parse().unwrap();
        self.settings.insert(name.to_owned(), table.into());
    }

    /// Writes the settings to a file for the program.
    pub(crate) fn config(&self) -> PathBuf {
        let path = self.path("notification.toml");
        fs::write(&path, toml::to_string(&self.settings).unwrap()).unwrap();
        path
    }

    /// Starts a server and waits until it listens.
    pub(crate) async fn start(&self) -> Server {
        self.start_as(program()).await
    }

    /// Starts a server by `command` and waits until it listens.
    pub(crate) async fn start_as(&self, mut command: Command) -> Server {
        command
            .arg("notification")
            .arg("--config")
            .arg(self.config());
        Server::start(command, self.client.clone()).await
    }

    /// The exports that the folder's list names, checked as a device would.
    pub(crate) fn published(&self) -> Vec<Export> {
        let dir = self.path("public/c19r/440");
        let Ok(list) = fs::read(dir.join("list.json")) else {
            return Vec::new();
        };
        let list: Vec<Value> = serde_json::from_slice(&list).expect("a list is whole");
        let exports: Vec<Export> = list
            .iter()
            .map(|entry| {
                let url = entry["url"].as_str().unwrap();
                let name = url.strip_prefix("https://cdn.example/c19r/440/").unwrap();
                let zip = fs::read(dir.join(name)).expect("what the list names is there");
                self.verify(&zip)
            })
            .collect();
        check_exports(&exports);
        exports
    }

    pub(crate) fn verify(&self, zip: &[u8]) -> Export {
        let pem = fs::read_to_string(self.path("key.pub")).unwrap();
        let pinned = PinnedKey::from_pem("440", "v1", &pem).unwrap();
        let unverified = open(zip, &Limits::default()).unwrap();
        unverified.verify(&[pinned]).unwrap().into_export()
    }

    pub(crate) fn listing(&self, file: &[u8]) -> Listing {
        let pem = fs::read_to_string(self.path("key.pub")).unwrap();
        let pinned = PinnedKey::from_pem("440", "v1", &pem).unwrap();
        Listing::open(file, &[pinned], &gaen::listing::Limits::default()).unwrap()
    }

    /// How often each key is published.
    pub(crate) fn count(&self, keys: &[[u8; 16]]) -> Vec<usize> {
        let mut counts: HashMap<[u8; 16], usize> = HashMap::new();
        for export in self.published() {
            for key in &export.keys {
                *counts.entry(*key.tek.expose_bytes()).or_default() += 1;
            }
        }
        keys.iter()
            .map(|key| counts.get(key).copied().unwrap_or(0))
            .collect()
    }
}

/// Every export is complete: all batches are there.
fn check_exports(exports: &[Export]) {
    let mut left: Vec<&Export> = exports.iter().collect();
    while let Some(first) = left.first().copied() {
        let (same, others): (Vec<&Export>, _) =
            left.into_iter().partition(|it| it.end == first.end);
        check_complete(same).unwrap();
        left = others;
    }
}

/// A running server. It ends, with a signal it cannot refuse, when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) public: SocketAddr,
    pub(crate) internal: SocketAddr,
    log: Arc<Mutex<String>>,
    pub(crate) client: Client,
}

impl Server {
    async fn start(mut command: Command, client: Client) -> Self {
        let mut child = command
            .env("SESSHOKU_LOG", "trace")
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let copy = Arc::clone(&log);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut copy = copy.lock().unwrap();
                copy.push_str(&line);
                copy.push('\n');
            }
        });
        let address = |name: &str, log: &str| {
            let at = log.find(&format!("listening name=\"{name}\" address="))?;
            let line = log[at..].lines().next()?;
            line.rsplit('=').next()?.parse().ok()
        };
        let (public, internal) = wait_for("the server to listen", async || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("it ended ({status}): {}", log.lock().unwrap());
            }
            let log = log.lock().unwrap();
            Some((address("public", &log)?, address("internal", &log)?))
        })
        .await;
        Self {
            child,
            public,
            internal,
            log,
            client,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.public)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    pub(crate) async fn internal(&self, path: &str) -> Response {
        let url = format!("http://{}{path}", self.internal);
        self.client.get(url).send().await.unwrap()
    }

    /// Registers as our devices do; gives the status.
    pub(crate) async fn put(&self, body: &Value) -> StatusCode {
        self.answer(body).await.status()
    }

    pub(crate) async fn answer(&self, body: &Value) -> Response {
        self.client
            .put(self.url("/api/v3/diagnosis"))
            .header("x-hcaff", "1")
            .body(body.to_string())
            .send()
            .await
            .unwrap()
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    pub(crate) async fn wait(&mut self) -> ExitStatus {
        let child = &mut self.child;
        wait_for("the server to end", async || child.try_wait().unwrap()).await
    }

    /// Ends it as systemd would.
    pub(crate) async fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        assert!(self.wait().await.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A random key's bytes.
pub(crate) fn random_key() -> [u8; 16] {
    let mut bytes = [0; 16];
    UnwrapErr(SysRng).fill_bytes(&mut bytes);
    bytes
}

/// A word nobody used before.
pub(crate) fn random_word() -> String {
    hex::encode(random_key())
}

/// Today's UTC day, counted from 1970.
pub(crate) fn today() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
        / 86_400
}

/// The date of `days_ago` as clients write it.
pub(crate) fn date(days_ago: u64) -> String {
    let day = gaen::time::UtcDay::new(u32::try_from(today() - days_ago).unwrap());
    format!("{day}T00:00:00.000+09:00")
}

/// A whole day's key as clients write it.
pub(crate) fn key_of(key: [u8; 16], days_ago: u64) -> Value {
    json!({
        "keyData": BASE64_STANDARD.encode(key),
        "rollingStartNumber": (today() - days_ago) * 144,
        "rollingPeriod": 144,
        "reportType": 1,
    })
}

/// A registration of `keys`, one a day from the day before yesterday back, as a device
/// sends it. Yesterday's could still be heard in the first hours of a day.
pub(crate) fn registration(number: &str, keys: &[[u8; 16]]) -> Value {
    let keys: Vec<Value> = (2..)
        .zip(keys)
        .map(|(days, key)| key_of(*key, days))
        .collect();
    json!({
        "hasSymptom": true,
        "onsetOfSymptomOrTestDate": date(4),
        "keys": keys,
        "regions": ["440"],
        "platform": "linux",
        "deviceVerificationPayload": "",
        "appPackageName": "org.sesshoku",
        "verificationPayload": number,
        "idempotencyKey": random_word(),
        "padding": random_word(),
    })
}

/// Every file below `dir`, with what is in it.
pub(crate) fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if let Ok(content) = fs::read(&path) {
            files.push((path, content));
        }
    }
    files
}
