//! Both roles, as real programs, while everybody guesses processing numbers: whoever has a
//! genuine one registers with it.
#![allow(clippy::unwrap_used, reason = "all of this is tests")]
#![allow(dead_code, reason = "the modules are shared with other tests")]

#[path = "../common/ahead.rs"]
mod ahead;
#[path = "../management/gateway.rs"]
mod gateway;
#[path = "../common/postgres.rs"]
mod postgres;
#[path = "../management/server.rs"]
mod server;
#[path = "../management/smtp.rs"]
mod smtp;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::{StreamExt as _, stream};
use gaen::registration::check_digit;
use reqwest::StatusCode;
use serde_json::json;

use sesshoku_tests::servers::number_in;

use server::{Place, Server};
use smtp::Smtp;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sesshoku-server");
const GENUINE: usize = 200;
const NETWORKS: usize = 500;
/// Of each network, which makes 10 000 wrong numbers.
const GUESSES: usize = 20;
/// Of each network: the sources that guess in turn.
const SOURCES: usize = 4;
/// How many requests are under way at a time.
const AT_ONCE: usize = 32;

/// The notification role beside the management role of a [`Place`]. It is killed when it is
/// dropped.
struct Notification {
    process: Child,
    base: String,
    internal: String,
    client: reqwest::Client,
}

impl Notification {
    fn start(place: &Place, management: &Server, database: Option<&str>) -> Self {
        let path = |name: &str| place.path(name).display().to_string();
        let made = Command::new(PROGRAM)
            .args(["keygen", "--private", &path("key.pem")])
            .args(["--public", &path("key.pub")])
            .status()
            .unwrap();
        assert!(made.success());
        let database = match database {
            None => format!(
                "{{ kind = 'sqlite', path = '{}' }}",
                path("notification.db")
            ),
            Some(url) => {
                fs::write(path("notification-url"), url).unwrap();
                let file = path("notification-url");
                format!("{{ kind = 'postgres', url = {{ file = '{file}' }} }}")
            }
        };
        let config = format!(
            "database = {database}\n\
             [http]\nlisten = '127.0.0.1:0'\ninternal_listen = '127.0.0.1:0'\n\
             trusted_proxies = ['127.0.0.1']\n\
             [storage]\nkind = 'folder'\ndir = '{}'\n\
             [distribution]\nbase_url = 'https://cdn.example'\n\
             [signing]\nkey.file = '{}'\n\
             [management]\nurl = '{}'\ncredential.file = '{}'\ntimeout_milliseconds = 20000\n\
             [registration]\nanswer_milliseconds = 1\n",
            path("public"),
            path("key.pem"),
            management.base,
            path("credential"),
        );
        fs::write(path("notification.toml"), config).unwrap();
        let mut process = Command::new(PROGRAM)
            .args(["notification", "--config", &path("notification.toml")])
            .env("SESSHOKU_LOG", "info")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut address = |name: &str| {
            let name = format!("listening name=\"{name}\" address=");
            lines.find_map(|line| line.unwrap().split_once(&name).map(|(_, it)| it.to_owned()))
        };
        let public = address("public").expect("it listens");
        let internal = address("internal").expect("it listens");
        // Nobody reads on, and it must not wait for somebody who does.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            process,
            base: format!("http://{public}"),
            internal: format!("http://{internal}"),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    async fn register(&self, number: &str, from: &str) -> StatusCode {
        let days = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs()
            / 86_400;
        let key = base64(&random_key());
        let body = json!({
            "keys": [{"keyData": key, "rollingStartNumber": (days - 2) * 144}],
            "verificationPayload": number,
            "idempotencyKey": key,
        });
        let put = self.client.put(format!("{}/api/v3/diagnosis", self.base));
        let put = put.header("x-forwarded-for", from).header("x-hcaff", "1");
        put.body(body.to_string()).send().await.unwrap().status()
    }
}

impl Drop for Notification {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn base64(bytes: &[u8]) -> String {
    use ::base64::Engine as _;
    ::base64::prelude::BASE64_STANDARD.encode(bytes)
}

fn random_key() -> [u8; 16] {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// Who sends what: a genuine number, or a guess.
enum Try {
    Genuine(String),
    Guess(String),
}

#[tokio::test(flavor = "multi_thread")]
async fn genuine_numbers_register_while_500_networks_guess_on_sqlite() {
    guess_and_register(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn genuine_numbers_register_while_500_networks_guess_on_postgresql() {
    let databases = [
        postgres::empty_database().await,
        postgres::empty_database().await,
    ];
    guess_and_register(Some(databases)).await;
}

async fn guess_and_register(databases: Option<[String; 2]>) {
    let smtp = Smtp::plain();
    let mut place = Place::new(&smtp);
    if let Some([url, _]) = &databases {
        place = place.with_postgres(url);
    }
    let mails = tempfile::tempdir().unwrap();
    // So little that those who guess use their half of it up: 2500 while 200 are valid.
    place.set(&format!(
        "[http]\ninternal_listen = '127.0.0.1:0'\n\
         [numbers]\nguessing_per_day = 10\nper_hour = 1000\nper_account_hour = 1000\n\
         [mail]\nkind = 'folder'\ndir = '{}'",
        mails.path().display()
    ));
    let token = place.add_token("clinic");
    let management = place.start();
    for _ in 0..GENUINE {
        let answer = management
            .issue(&token, json!({ "mail": "someone@mail.example" }))
            .await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    let mut numbers: Vec<String> = fs::read_dir(mails.path())
        .unwrap()
        .map(|entry| number_in(&fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap())
        .collect();
    assert_eq!(numbers.len(), GENUINE);
    let database = databases.as_ref().map(|[_, url]| url.as_str());
    let notification = Arc::new(Notification::start(&place, &management, database));

    // In each network some sources guess in turn. The genuine come in between, half of them
    // from sources of the same networks.
    let mut tries = Vec::new();
    for round in 0..GUESSES {
        for network in 0..NETWORKS {
            let (a, b) = (11 + network / 250, network % 250);
            let source = round % SOURCES;
            let digits = format!("{:011}", round * NETWORKS + network);
            let guess = format!("{digits}{}", check_digit(&digits));
            if numbers.contains(&guess) {
                continue;
            }
            tries.push((Try::Guess(guess), format!("{a}.{b}.{source}.1")));
            if tries.len() % 50 == 0
                && let Some(number) = numbers.pop()
            {
                let from = if numbers.len().is_multiple_of(2) {
                    format!("{a}.{b}.99.1")
                } else {
                    format!("100.{b}.{round}.1")
                };
                tries.push((Try::Genuine(number), from));
            }
        }
    }
    assert!(numbers.is_empty());
    let answers = stream::iter(tries).map(|(it, from)| {
        let notification = Arc::clone(&notification);
        async move {
            match it {
                Try::Genuine(number) => (true, notification.register(&number, &from).await),
                Try::Guess(number) => (false, notification.register(&number, &from).await),
            }
        }
    });
    let answers: Vec<_> = answers.buffered(AT_ONCE).collect().await;
    let count = |is_genuine: bool, status: StatusCode| {
        let same = |it: &&(bool, StatusCode)| **it == (is_genuine, status);
        answers.iter().filter(same).count()
    };
    assert_eq!(count(true, StatusCode::OK), GENUINE);
    assert_eq!(count(false, StatusCode::OK), 0);
    // The first of each source is looked at, and of the others as many as the half of the
    // budget has room for.
    let wrong = count(false, StatusCode::NOT_ACCEPTABLE);
    assert!(wrong >= SOURCES * NETWORKS, "{wrong}");
    let refused =
        count(false, StatusCode::SERVICE_UNAVAILABLE) + count(false, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused > 1_000, "{refused}");
    assert_eq!(wrong + refused, NETWORKS * GUESSES);
    // And whoever mistyped for the first time may do so while others are refused.
    let mistyped = format!("2718281828{}{}", 4, check_digit("27182818284"));
    let status = notification.register(&mistyped, "150.1.1.1").await;
    assert_eq!(status, StatusCode::NOT_ACCEPTABLE);
}
