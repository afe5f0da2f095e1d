//! The program as a process, with a configuration and a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use sesshoku_server::database::Settings as Database;
use toml::{Table, Value};
use totp_rs::Totp;

use crate::ahead::days_ahead;
use crate::gateway::{CREDENTIAL as GATEWAY_CREDENTIAL, Gateway};
use crate::smtp::Smtp;

/// What the notification server would show.
pub(crate) const CREDENTIAL: &str = "check credential of 32 characters";
const PROGRAM: &str = env!("CARGO_BIN_EXE_sesshoku-server");
const START_TIME_MAX: Duration = Duration::from_secs(30);
const STOP_TIME_MAX: Duration = Duration::from_secs(30);

/// A folder with a configuration, in which servers can run.
pub(crate) struct Place {
    dir: tempfile::TempDir,
    config: Table,
}

/// A running server. It is killed when it is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) base: String,
    pub(crate) http: reqwest::Client,
    log: PathBuf,
}

/// A freshly added account.
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) password: String,
    totp: Totp,
    codes_used: u64,
}

/// The least an answer is told by.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<u64>,
    pub(crate) body: Json,
}

impl Place {
    /// Sends by `smtp` alone.
    pub(crate) fn new(smtp: &Smtp) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("key"), "k".repeat(64)).unwrap();
        fs::write(dir.path().join("credential"), CREDENTIAL).unwrap();
        let mut place = Self {
            dir,
            config: Table::new(),
        };
        let path = |name: &str| place.path(name).display().to_string();
        let (key, credential) = (path("key"), path("credential"));
        let database = path("management.db");
        let port = smtp.port;
        place.set(&format!(
            "http.listen = '127.0.0.1:0'
             database = {{ kind = 'sqlite', path = '{database}' }}
             web = {{ institution = 'みなと保健所', insecure_cookies = true }}
             [secrets]
             key = {{ file = '{key}' }}
             check_credential = {{ file = '{credential}' }}
             [mail]
             kind = 'smtp'
             from = '保健所 <no-reply@health.example>'
             host = '127.0.0.1'
             port = {port}
             tls = 'off'"
        ));
        place
    }

    /// Sends by `gateway`, too.
    pub(crate) fn with_gateway(mut self, gateway: &Gateway) -> Self {
        fs::write(self.path("gateway"), GATEWAY_CREDENTIAL).unwrap();
        let credential = self.path("gateway").display().to_string();
        let url = &gateway.url;
        self.set(&format!(
            "[sms]
             url = '{url}'
             fields = {{ from = 'Sesshoku', to = ['{{phone}}'], body = {{ text = '{{text}}' }} }}
             credential = {{ file = '{credential}' }}"
        ));
        self
    }

    /// With the PostgreSQL database at `url` in place of the file.
    pub(crate) fn with_postgres(mut self, url: &str) -> Self {
        let file = self.path("database-url");
        fs::write(&file, url).unwrap();
        let database = Database::Postgres {
            url: sesshoku_server::secret::Place::File(file),
            connections: 8,
            ca_file: None,
        };
        let database = Value::try_from(database).unwrap();
        self.config.insert("database".into(), database);
        self
    }

    /// Puts settings on top of those there.
    pub(crate) fn set(&mut self, text: &str) {
        settings::merge(&mut self.config, toml::from_str(text).unwrap());
        let text = toml::to_string(&self.config).unwrap();
        fs::write(self.path("management.toml"), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// All files with what is in them.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = fs::read_dir(self.dir.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), fs::read(&path).unwrap()))
            .collect()
    }

    /// How many numbers the SQLite database holds.
    pub(crate) fn live_numbers(&self) -> i64 {
        let db = rusqlite::Connection::open(self.path("management.db")).unwrap();
        db.query_row("SELECT count(*) FROM number", [], |row| row.get(0))
            .unwrap()
    }

    /// Starts a server and waits until it listens.
    pub(crate) fn start(&self) -> Server {
        self.start_as(Command::new(PROGRAM))
    }

    /// Starts one on a machine whose clock is `days` ahead.
    pub(crate) fn start_ahead(&self, days: i64) -> Server {
        let mut command = Command::new(PROGRAM);
        days_ahead(&mut command, days);
        self.start_as(command)
    }

    fn start_as(&self, mut command: Command) -> Server {
        let number = self
            .files()
            .iter()
            .filter(|(path, _)| path.extension().is_some_and(|it| it == "log"))
            .count();
        let log = self.path(&format!("{number}.log"));
        let process = command
            .args(["management", "--config"])
            .arg(self.path("management.toml"))
            // So that whatever is logged at any level can be looked through.
            .env("RUST_LOG", "trace")
            .env("SESSHOKU_LOG", "trace")
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut server = Server {
            process,
            base: String::new(),
            http: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .build()
                .unwrap(),
            log,
        };
        let deadline = Instant::now() + START_TIME_MAX;
        while server.base.is_empty() {
            let log = fs::read_to_string(&server.log).unwrap();
            let ended = server.process.try_wait().unwrap();
            assert!(
                Instant::now() < deadline && ended.is_none(),
                "it does not start: {log}"
            );
            if let Some(address) = listening_address(&log) {
                server.base = format!("http://{address}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// Runs `sesshoku-server account`.
    pub(crate) fn account_command(&self, arguments: &[&str]) -> Output {
        Command::new(PROGRAM)
            .args(["account", "--config"])
            .arg(self.path("management.toml"))
            .args(arguments)
            .env("RUST_LOG", "off")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Runs `sesshoku-server number` where it succeeds, and returns what it prints.
    pub(crate) fn number_text(&self, arguments: &[&str]) -> String {
        let output = Command::new(PROGRAM)
            .args(["number", "--config"])
            .arg(self.path("management.toml"))
            .args(arguments)
            .env("RUST_LOG", "off")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs it where it succeeds, and returns what it prints.
    pub(crate) fn account_text(&self, arguments: &[&str]) -> String {
        let output = self.account_command(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Adds an account.
    pub(crate) fn add_account(&self, name: &str) -> Account {
        self.add_account_with(name, &[])
    }

    /// Adds an account with these options.
    pub(crate) fn add_account_with(&self, name: &str, options: &[&str]) -> Account {
        let printed = self.account_text(&[&["add", name], options].concat());
        Account::printed(name, &printed)
    }

    /// Adds an account and makes a token for it.
    pub(crate) fn add_token(&self, name: &str) -> String {
        self.account_text(&["add", name]);
        self.account_text(&["token", name]).trim().to_owned()
    }
}

impl Account {
    fn printed(name: &str, printed: &str) -> Self {
        Self {
            name: name.into(),
            password: word_after(printed, "sign-in: "),
            totp: Totp::from_url(word_after(printed, "app: ")).unwrap(),
            codes_used: 0,
        }
    }

    /// The account `hanako`, as the page shows it when it is new.
    pub(crate) fn shown(page: &str) -> Self {
        let inner = |before: &str| {
            let at = page.find(before).expect(before) + before.len();
            let text = page[at..].split('<').next().unwrap();
            text.replace("&amp;", "&")
        };
        let uri = format!("otpauth{}", inner("otpauth"));
        Self {
            name: "hanako".into(),
            password: inner("<dt>最初のパスワード</dt><dd>"),
            totp: Totp::from_url(uri).unwrap(),
            codes_used: 0,
        }
    }

    /// A code that was not used yet. There are three at a time: the last, this one and
    /// the next.
    pub(crate) fn code(&mut self) -> String {
        let offset = self.codes_used * 30;
        self.codes_used += 1;
        assert!(self.codes_used <= 3, "no code is left to use now");
        let now = || {
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap()
                .as_secs()
        };
        // The last one is good until this one's half minute is over: there has to be time
        // to type it in.
        let deadline = Instant::now() + START_TIME_MAX;
        while now() % 30 > 15 {
            assert!(Instant::now() < deadline, "the time stands still");
            std::thread::sleep(Duration::from_millis(20));
        }
        self.totp.generate(now() - 30 + offset).to_string()
    }
}

impl Server {
    /// What the notification server asks.
    pub(crate) async fn check(&self, number: &str, request: u8) -> Answer {
        let request = hex::encode([request; 32]);
        let body = json!({ "processing_number": number, "request": request });
        self.post("/api/v1/processing-number/check", CREDENTIAL, body)
            .await
    }

    /// The same, where somebody near has tried a wrong number.
    pub(crate) async fn check_of_guesser(&self, number: &str, request: u8) -> Answer {
        let request = hex::encode([request; 32]);
        let body = json!({ "processing_number": number, "request": request });
        let response = self
            .http
            .post(format!("{}/api/v1/processing-number/check", self.base))
            .header("sesshoku-guessed", "yes");
        Self::send(response, CREDENTIAL, body).await
    }

    /// Whether a number is genuine.
    pub(crate) async fn is_genuine(&self, number: &str, request: u8) -> bool {
        let answer = self.check(number, request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["genuine"].as_bool().unwrap()
    }

    /// What a health centre's program asks.
    pub(crate) async fn issue(&self, token: &str, body: Json) -> Answer {
        self.post("/api/v1/processing-number", token, body).await
    }

    pub(crate) async fn post(&self, path: &str, credential: &str, body: Json) -> Answer {
        let request = self.http.post(format!("{}{path}", self.base));
        Self::send(request, credential, body).await
    }

    async fn send(request: reqwest::RequestBuilder, credential: &str, body: Json) -> Answer {
        let response = request
            .bearer_auth(credential)
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        Answer {
            status: response.status().as_u16(),
            retry_after: response
                .headers()
                .get("retry-after")
                .map(|seconds| seconds.to_str().unwrap().parse().unwrap()),
            body: serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default(),
        }
    }

    /// Takes a number back; the status of the answer.
    pub(crate) async fn take_back(&self, id: &str, token: &str) -> u16 {
        let url = format!("{}/api/v1/processing-number/{id}", self.base);
        let request = self.http.delete(url).bearer_auth(token);
        request.send().await.unwrap().status().as_u16()
    }

    /// What it has counted, where it listens for its operator.
    pub(crate) async fn metrics(&self) -> String {
        let log = self.log();
        let line = log
            .lines()
            .find(|line| line.contains("listening name=\"internal\""))
            .unwrap();
        let address = address_in(line).unwrap();
        let request = self.http.get(format!("http://{address}/metrics"));
        request.send().await.unwrap().text().await.unwrap()
    }

    /// Asks it to stop, as systemd does.
    pub(crate) fn ask_to_stop(&self) {
        let pid = self.process.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(killed.success());
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) {
        let deadline = Instant::now() + STOP_TIME_MAX;
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return;
            }
            assert!(Instant::now() < deadline, "it does not stop");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The address in the line that says it listens.
fn listening_address(log: &str) -> Option<String> {
    let is_it = |line: &&str| line.contains("listening name=\"public\"");
    let line = log.lines().find(is_it)?;
    address_in(line)
}

fn address_in(line: &str) -> Option<String> {
    let at = line.find("127.0.0.1:")?;
    let address = line[at..].split(|it: char| !it.is_ascii_digit() && it != '.' && it != ':');
    address.into_iter().next().map(str::to_owned)
}

fn word_after(text: &str, before: &str) -> String {
    let at = text.find(before).expect(before) + before.len();
    text[at..].split_whitespace().next().unwrap().to_owned()
}

/// Whether `needle` is in `bytes`.
pub(crate) fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// The name of a file, for messages.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}
