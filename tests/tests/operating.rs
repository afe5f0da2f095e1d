//! What an operator is given in `packaging/`, with the real servers: nginx and Caddy in front
//! of them as in the samples, and Prometheus with the alerts and the dashboard's queries.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gaen::export::{Limits, PinnedKey, open};
use gaen::time::UtcDay;
use serde_json::{Value, json};
use sesshoku_tests::local::{Process, program, root, wait_for};
use sesshoku_tests::servers::{Servers, free_addresses, nginx_user};
use tempfile::TempDir;

const NOTIFICATION: &str = "notification.example";
const MANAGEMENT: &str = "management.example";
/// A client's address, and that of another, in another network. All of 127.0.0.0/8 is this
/// machine.
const CLIENT: &str = "127.0.0.1";
const OTHER_CLIENT: &str = "127.1.0.1";
const MAIL: &str = "positive.person@mail.example";
/// The default of `limits.wrong_numbers_a_source_an_hour`.
const WRONG_NUMBERS_MAX: u32 = 10;

/// What is in front of the servers.
#[derive(Clone, Copy)]
enum Front {
    Nginx,
    Caddy,
}

/// Servers, with a proxy before them and Prometheus beside.
struct Site {
    dir: TempDir,
    servers: Servers,
    /// Where the proxy answers for each role.
    front: [SocketAddr; 2],
    processes: Vec<Process>,
}

/// What an answer is told by.
struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Site {
    fn open(front: Front) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let servers = Servers::start(&dir.path().join("servers"), "", "period_seconds = 1")?;
        let mut site = Self {
            dir,
            servers,
            front: free_addresses()?,
            processes: Vec::new(),
        };
        for (role, name) in [("notification", NOTIFICATION), ("management", MANAGEMENT)] {
            let file = |kind: &str| site.path(&format!("{role}.{kind}"));
            run(&mut certificate(name, &file("key"), &file("pem")))?;
        }
        match front {
            Front::Nginx => site.start_nginx()?,
            Front::Caddy => site.start_caddy()?,
        }
        Ok(site)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn start_nginx(&mut self) -> anyhow::Result<()> {
        let dir = self.dir.path().display().to_string();
        for (role, there, front) in [
            ("notification", "127.0.0.1:8080", 0),
            ("management", "127.0.0.1:8081", 1),
        ] {
            let (cert, key) = (format!("{dir}/{role}.pem"), format!("{dir}/{role}.key"));
            let sample = sample(&format!("nginx/sesshoku-{role}.conf"))?;
            let adapted = replaced(
                &sample,
                &[
                    ("listen [::]:443 ssl http2;", ""),
                    ("listen 443 ", &format!("listen {} ", self.front[front])),
                    (
                        &format!("server {there};"),
                        &format!("server {};", self.servers.public()[front]),
                    ),
                    (&format!("/etc/ssl/sesshoku/{role}.pem"), &cert),
                    (&format!("/etc/ssl/sesshoku/{role}.key"), &key),
                    ("/var/log/nginx", &dir),
                ],
            )?;
            fs::write(self.path(&format!("sesshoku-{role}.conf")), adapted)?;
        }
        let config = self.path("nginx.conf");
        let user = nginx_user();
        fs::write(
            &config,
            format!(
                "{user} daemon off; worker_processes 1; error_log stderr; pid {dir}/nginx.pid;
                 events {{}}
                 http {{
                     client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
                     fastcgi_temp_path {dir}/fastcgi; uwsgi_temp_path {dir}/uwsgi;
                     scgi_temp_path {dir}/scgi;
                     include {dir}/sesshoku-*.conf;
                 }}"
            ),
        )?;
        let mut command = Command::new("nginx");
        command
            .env("PATH", "/usr/sbin:/usr/bin")
            .arg("-e")
            .arg("stderr")
            .arg("-c")
            .arg(&config);
        self.start("nginx", &mut command, self.front[0])?;
        // From here on nothing that is put on the disk on the way gets through.
        for folder in ["body", "proxy"] {
            fs::remove_dir(self.path(folder))?;
        }
        Ok(())
    }

    fn start_caddy(&mut self) -> anyhow::Result<()> {
        let dir = self.dir.path().display().to_string();
        let mut config = sample("caddy/Caddyfile")?;
        for (role, name, there, front) in [
            ("notification", NOTIFICATION, "127.0.0.1:8080", 0),
            ("management", MANAGEMENT, "127.0.0.1:8081", 1),
        ] {
            let address = format!("https://{name}:{}", self.front[front].port());
            let tls = format!("tls {dir}/{role}.pem {dir}/{role}.key");
            config = replaced(
                &config,
                &[
                    (&format!("\n{name} {{"), &format!("\n{address} {{\n{tls}")),
                    (there, &self.servers.public()[front].to_string()),
                ],
            )?;
        }
        // Nobody is asked for certificates, and nothing else is listened to.
        config = replaced(&config, &[("\n{\n", "\n{\nadmin off\nauto_https off\n")])?;
        fs::write(self.path("Caddyfile"), config)?;
        let mut command = Command::new("caddy");
        command
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(self.path("Caddyfile"))
            .env("HOME", &dir)
            .env("XDG_DATA_HOME", &dir)
            .env("XDG_CONFIG_HOME", &dir);
        self.start("caddy", &mut command, self.front[0])
    }

    fn start_prometheus(&mut self) -> anyhow::Result<SocketAddr> {
        let [address] = free_addresses()?;
        let [notification, management] = self.servers.internal();
        let config = replaced(
            &sample("prometheus/prometheus.yml")?,
            &[
                ("127.0.0.1:9080", &notification.to_string()),
                ("127.0.0.1:9081", &management.to_string()),
                ("scrape_interval: 15s", "scrape_interval: 1s"),
                ("evaluation_interval: 15s", "evaluation_interval: 1s"),
            ],
        )?;
        fs::write(self.path("prometheus.yml"), config)?;
        fs::write(
            self.path("sesshoku.rules.yml"),
            sample("prometheus/sesshoku.rules.yml")?,
        )?;
        let mut command = Command::new("prometheus");
        command
            .arg(format!(
                "--config.file={}",
                self.path("prometheus.yml").display()
            ))
            .arg(format!(
                "--storage.tsdb.path={}",
                self.path("tsdb").display()
            ))
            .arg(format!("--web.listen-address={address}"));
        self.start("prometheus", &mut command, address)?;
        Ok(address)
    }

    fn start(&mut self, name: &str, command: &mut Command, at: SocketAddr) -> anyhow::Result<()> {
        let log = self.path(&format!("{name}.log"));
        let file = File::create(&log)?;
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        let mut process = Process::start(command)
            .with_context(|| format!("{name} is missing: run `scripts/setup test`"))?;
        wait_for(&format!("{name} to answer"), || {
            if !process.is_running()? {
                bail!("{name} has ended: {}", fs::read_to_string(&log)?);
            }
            Ok(TcpStream::connect(at).ok())
        })?;
        self.processes.push(process);
        Ok(())
    }

    /// Asks the proxy for `path` of the notification server, from `client`.
    fn ask(&self, client: &str, path: &str, arguments: &[&str]) -> anyhow::Result<Answer> {
        let ca = self.path("notification.pem");
        ask(NOTIFICATION, self.front[0], &ca, client, path, arguments)
    }

    fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.ask(CLIENT, path, &[])
    }

    /// Sends a body, by way of a file, for it may be long.
    fn put(
        &self,
        client: &str,
        path: &str,
        body: &[u8],
        arguments: &[&str],
    ) -> anyhow::Result<Answer> {
        let file = self.path("sent");
        fs::write(&file, body)?;
        let data = format!("@{}", file.display());
        let put = ["--request", "PUT", "--data-binary", &data];
        self.ask(client, path, &[&put, arguments].concat())
    }

    /// Registers `keys` as our devices do.
    fn register(&self, client: &str, number: &str, headers: &[&str]) -> anyhow::Result<Answer> {
        let body = registration(number, [7; 16])?.to_string();
        let headers = [&["X-Hcaff: 1"], headers].concat();
        let headers = headers.iter().flat_map(|header| ["--header", header]);
        let headers: Vec<&str> = headers.collect();
        self.put(client, "/api/v3/diagnosis", body.as_bytes(), &headers)
    }
}

/// For what is answered before its body is there: over HTTP/2 curl 7.88 may lose an answer
/// that does not wait for the body.
const EARLY: [&str; 3] = ["--http1.1", "--header", "X-Hcaff: 1"];

#[test]
fn nginx_in_front_passes_on_what_is_needed_and_nothing_else() -> anyhow::Result<()> {
    passes_on_what_is_needed_and_nothing_else(Front::Nginx)
}

#[test]
fn caddy_in_front_passes_on_what_is_needed_and_nothing_else() -> anyhow::Result<()> {
    passes_on_what_is_needed_and_nothing_else(Front::Caddy)
}

fn passes_on_what_is_needed_and_nothing_else(front: Front) -> anyhow::Result<()> {
    let mut site = Site::open(front)?;
    site.servers.issue_to(MAIL)?;
    let number = site.servers.mailed_number(MAIL)?;

    // A client cannot choose the source that it is counted for, and another is another.
    for attempt in 0..WRONG_NUMBERS_MAX {
        let forged = format!("X-Forwarded-For: 198.51.{attempt}.1");
        let answer = site.register(CLIENT, &other_number(&number, attempt), &[&forged])?;
        let said = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, 406, "{attempt}: {said}");
    }
    let forged = ["X-Forwarded-For: 198.51.100.1"];
    let refused = site.register(CLIENT, &number, &forged)?;
    assert_eq!(refused.status, 429);
    let done = site.register(OTHER_CLIENT, &number, &[])?;
    assert_eq!(done.status, 200);
    assert_eq!(done.body.len(), 512);

    // It is handed out.
    let pinned = PinnedKey::from_pem("440", "v1", &site.servers.public_key()?)?;
    wait_for("the key", || {
        let list = site.get("/c19r/440/list.json")?;
        if list.status != 200 {
            return Ok(None);
        }
        let list: Vec<Value> = serde_json::from_slice(&list.body)?;
        for number in 1..=list.len() {
            let zip = site.get(&format!("/c19r/440/{number}.zip"))?;
            assert_eq!(zip.status, 200);
            let export = open(&zip.body, &Limits::default())?;
            let export = export.verify(std::slice::from_ref(&pinned))?.into_export();
            if export
                .keys
                .iter()
                .any(|key| *key.tek.expose_bytes() == [7; 16])
            {
                return Ok(Some(()));
            }
        }
        Ok(None)
    })?;
    let part = site.ask(CLIENT, "/c19r/440/1.zip", &["--range", "0-9"])?;
    assert_eq!((part.status, part.body.len()), (206, 10));

    // What is too long is answered by the server, as all registrations are.
    let long = vec![b' '; 100 << 10];
    let answer = site.put(OTHER_CLIENT, "/api/v3/diagnosis", &long, &EARLY)?;
    assert_eq!((answer.status, answer.body.len()), (413, 512));
    let longer = vec![b' '; 200 << 10];
    let answer = site.put(OTHER_CLIENT, "/api/v3/diagnosis", &longer, &EARLY)?;
    assert!(matches!(answer.status, 413 | 502), "{}", answer.status);
    assert_ne!(answer.body.len(), 512, "it came through");
    let logs = vec![b' '; 8 << 20];
    let answer = site.put(CLIENT, "/api/v1/event_log", &logs, &[])?;
    assert_eq!(answer.status, 200);

    // The operator's paths, and what there is none of, are not there.
    for path in ["/metrics", "/readyz", "/healthz", "/"] {
        assert_eq!(site.get(path)?.status, 404, "{path}");
    }
    let answer = site.put(CLIENT, "/c19r/440/list.json", b"[]", &EARLY)?;
    assert!(matches!(answer.status, 403 | 405), "{}", answer.status);

    // Workers get the page; strangers cannot have numbers checked.
    let ca = site.path("management.pem");
    let management = |path: &str, arguments: &[&str]| {
        ask(MANAGEMENT, site.front[1], &ca, CLIENT, path, arguments)
    };
    let page = management("/sign-in", &[])?;
    assert_eq!(page.status, 200);
    assert!(String::from_utf8_lossy(&page.body).contains("<form"));
    let check = ["--request", "POST", "--data", "{}"];
    let check = [&check[..], &EARLY].concat();
    let checked = management("/api/v1/processing-number/check", &check)?;
    assert_eq!(
        checked.status, 403,
        "the system itself would want a credential"
    );

    // Nothing is written down of who asked, not even where it fails.
    site.servers.end()?;
    assert_eq!(
        site.ask(OTHER_CLIENT, "/c19r/440/list.json", &[])?.status,
        502
    );
    for file in files(site.dir.path())? {
        let content = fs::read(&file)?;
        let is_there = content
            .windows(OTHER_CLIENT.len())
            .any(|it| it == OTHER_CLIENT.as_bytes());
        assert!(!is_there, "{} has who asked", file.display());
    }
    Ok(())
}

#[test]
fn prometheus_finds_all_that_alerts_and_dashboard_ask_for() -> anyhow::Result<()> {
    let mut site = Site::open(Front::Nginx)?;
    let prometheus = site.start_prometheus()?;
    // Some of everything happens.
    site.servers.issue_to(MAIL)?;
    let number = site.servers.mailed_number(MAIL)?;
    assert_eq!(site.register(OTHER_CLIENT, &number, &[])?.status, 200);
    for attempt in 0..WRONG_NUMBERS_MAX {
        site.register(CLIENT, &other_number(&number, attempt), &[])?;
    }
    assert_eq!(site.register(CLIENT, &number, &[])?.status, 429);
    site.servers.end_management()?;
    assert_eq!(
        site.register(OTHER_CLIENT, &other_number(&number, 11), &[])?
            .status,
        503
    );
    site.servers.start_management()?;
    let dummy = registration("", [8; 16])?.to_string();
    let dummy = site.put(
        OTHER_CLIENT,
        "/api/v3/diagnosis",
        dummy.as_bytes(),
        &["--header", "X-Chaff: 1"],
    )?;
    assert_eq!(dummy.status, 200);
    site.get("/c19r/440/list.json")?;

    for address in site.servers.internal() {
        for (path, words) in [("/healthz", "alive\n"), ("/readyz", "ready\n")] {
            let said = plain(&format!("http://{address}{path}"), &[])?;
            assert_eq!(String::from_utf8(said.body)?, words, "{path}");
        }
    }

    let rules = sample("prometheus/sesshoku.rules.yml")?;
    let dashboard = queries(&serde_json::from_str(&sample("grafana/sesshoku.json")?)?);
    assert!(dashboard.len() > 10, "{dashboard:?}");
    let mut asked = selectors(&rules);
    for query in &dashboard {
        asked.extend(selectors(query));
    }
    assert!(asked.len() > 10, "{asked:?}");
    for query in asked.iter().chain(&dashboard) {
        let query = query.replace("$__rate_interval", "1m");
        wait_for(&format!("an answer to {query}"), || {
            let found = api(prometheus, "query", &[&format!("query={query}")])?;
            let found = found["result"].as_array().context("a result")?;
            Ok((!found.is_empty()).then_some(()))
        })?;
    }

    // The alerts are evaluated, and none is about servers that are well.
    wait_for("the alerts to be evaluated", || {
        let groups = &api(prometheus, "rules", &[])?["groups"];
        let rules: Vec<&Value> = groups
            .as_array()
            .context("groups")?
            .iter()
            .flat_map(|group| group["rules"].as_array().into_iter().flatten())
            .collect();
        assert!(rules.len() > 10, "{groups}");
        assert!(rules.iter().all(|rule| rule["health"] != "err"), "{groups}");
        Ok(rules
            .iter()
            .all(|rule| rule["health"] == "ok")
            .then_some(()))
    })
}

#[test]
fn nginx_beside_the_management_system_keeps_the_check_apart() -> anyhow::Result<()> {
    let mut site = Site::open(Front::Nginx)?;
    let [page, check] = free_addresses()?;
    let dir = site.dir.path().display().to_string();
    let config = replaced(
        &sample("kubernetes/management/nginx.conf")?,
        &[
            (" /tmp/", &format!(" {dir}/beside-")),
            ("listen 8443 ", &format!("listen {page} ")),
            ("listen 8444 ", &format!("listen {check} ")),
            ("127.0.0.1:8081", &site.servers.public()[1].to_string()),
            (
                "/etc/ssl/sesshoku/tls.crt",
                &format!("{dir}/management.pem"),
            ),
            (
                "/etc/ssl/sesshoku/tls.key",
                &format!("{dir}/management.key"),
            ),
        ],
    )?;
    let path = site.path("beside.conf");
    fs::write(&path, format!("daemon off;\n{config}"))?;
    let mut command = Command::new("nginx");
    command
        .env("PATH", "/usr/sbin:/usr/bin")
        .args(["-e", "stderr", "-c"])
        .arg(&path);
    site.start("beside", &mut command, check)?;
    let ca = site.path("management.pem");
    let post = ["--request", "POST", "--data", "{}"];
    for (at, path, arguments, status) in [
        (page, "/sign-in", &[][..], 200),
        (page, "/api/v1/processing-number/check", &post, 403),
        // The system itself, which wants a credential.
        (page, "/api/v1/processing-number", &post, 401),
        (check, "/api/v1/processing-number/check", &post, 401),
        (check, "/api/v1/processing-number", &post, 404),
        (check, "/sign-in", &[], 404),
    ] {
        let answer = ask(MANAGEMENT, at, &ca, CLIENT, path, arguments)?;
        assert_eq!(answer.status, status, "{at} {path}");
    }
    Ok(())
}

#[test]
fn servers_take_the_settings_of_containers() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let secrets = dir.path().join("secrets");
    run(Command::new(root().join("packaging/container/secrets")).arg(&secrets))?;
    // Those that Kubernetes is given have names of their own, but for the keys.
    fs::write(
        secrets.join("database-url"),
        "postgres://user@db.example/database",
    )?;
    fs::write(secrets.join("mail-password"), "secret")?;
    let ca = dir.path().join("management.pem");
    run(&mut certificate(
        MANAGEMENT,
        &dir.path().join("management.key"),
        &ca,
    ))?;
    for (file, role) in [
        ("container/notification.toml", "notification"),
        ("container/management.toml", "management"),
        ("kubernetes/notification/notification.toml", "notification"),
        ("kubernetes/management/management.toml", "management"),
    ] {
        let place = "/etc/sesshoku/authorities/management.pem";
        let settings = sample(file)?.replace(place, &ca.display().to_string());
        let path = dir.path().join("settings.toml");
        fs::write(&path, settings)?;
        run(Command::new(program("sesshoku-server")?)
            .args([role, "--check-config", "--config"])
            .arg(&path)
            .env("CREDENTIALS_DIRECTORY", &secrets))
        .context(file)?;
    }

    // What is there stays.
    let key = fs::read(secrets.join("signing-key"))?;
    run(Command::new(root().join("packaging/container/secrets")).arg(&secrets))?;
    assert_eq!(fs::read(secrets.join("signing-key"))?, key);
    Ok(())
}

/// The queries of a dashboard.
fn queries(dashboard: &Value) -> BTreeSet<String> {
    let panels = dashboard["panels"].as_array().into_iter().flatten();
    panels
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten())
        .filter_map(|target| target["expr"].as_str())
        .map(str::to_owned)
        .collect()
}

/// What `text` selects of the servers' metrics: each by its name, and by its name with each
/// condition on labels by itself. Statuses of what should not happen are any.
fn selectors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
    for (at, _) in text.match_indices("sesshoku_") {
        let rest = &text[at..];
        let name = &rest[..rest.find(|it| !is_name(it)).unwrap_or(rest.len())];
        found.insert(name.to_owned());
        let Some(conditions) = rest[name.len()..].strip_prefix('{') else {
            continue;
        };
        let end = conditions.find('}').unwrap_or(0);
        for condition in conditions[..end].split(',') {
            if condition.starts_with("status") {
                found.insert(format!("{name}{{status!=\"\"}}"));
            } else {
                found.insert(format!("{name}{{{condition}}}"));
            }
        }
    }
    found
}

/// What Prometheus answers.
fn api(prometheus: SocketAddr, what: &str, parameters: &[&str]) -> anyhow::Result<Value> {
    let mut arguments = vec!["--get"];
    arguments.extend(parameters.iter().flat_map(|it| ["--data-urlencode", it]));
    let answer = plain(&format!("http://{prometheus}/api/v1/{what}"), &arguments)?;
    let mut answer: Value = serde_json::from_slice(&answer.body)?;
    ensure!(answer["status"] == "success", "{parameters:?}: {answer}");
    Ok(answer["data"].take())
}

/// A number like `number`, but for one digit or two.
fn other_number(number: &str, by: u32) -> String {
    // None of eight digits is issued there.
    assert_eq!(number.len(), 12);
    format!("{by:08}")
}

/// A registration of `key` for the day before yesterday.
fn registration(number: &str, key: [u8; 16]) -> anyhow::Result<Value> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let today = u32::try_from(now / 86_400)?;
    let random = fs::read_to_string("/proc/sys/kernel/random/uuid")?;
    Ok(json!({
        "hasSymptom": true,
        "onsetOfSymptomOrTestDate": format!("{}T00:00:00.000+09:00", UtcDay::new(today - 4)),
        "keys": [{
            "keyData": BASE64_STANDARD.encode(key),
            "rollingStartNumber": (today - 2) * 144,
            "rollingPeriod": 144,
            "reportType": 1,
        }],
        "regions": ["440"],
        "platform": "linux",
        "deviceVerificationPayload": "",
        "appPackageName": "org.sesshoku",
        "verificationPayload": number,
        "idempotencyKey": random.trim(),
        "padding": "",
    }))
}

/// All files below `dir`.
fn files(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files.extend(self::files(&entry.path())?);
        } else if entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    Ok(files)
}

/// A file of `packaging/`.
fn sample(name: &str) -> anyhow::Result<String> {
    let path = root().join("packaging").join(name);
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// `text` with each of `changes` made, all of which are there to be made.
fn replaced(text: &str, changes: &[(&str, &str)]) -> anyhow::Result<String> {
    let mut text = text.to_owned();
    for (from, to) in changes {
        ensure!(text.contains(from), "there is no {from}");
        text = text.replace(from, to);
    }
    Ok(text)
}

/// Asks for `path` of `name`, which is at `address`, over TLS.
fn ask(
    name: &str,
    address: SocketAddr,
    ca: &Path,
    client: &str,
    path: &str,
    arguments: &[&str],
) -> anyhow::Result<Answer> {
    let port = address.port();
    let ca = ca.display().to_string();
    let resolve = format!("{name}:{port}:{}", address.ip());
    let mut all = vec![
        "--cacert",
        &ca,
        "--resolve",
        &resolve,
        "--interface",
        client,
    ];
    all.extend(arguments);
    plain(&format!("https://{name}:{port}{path}"), &all)
}

fn plain(url: &str, arguments: &[&str]) -> anyhow::Result<Answer> {
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            // What is no option is taken for another address, and fails.
            "--fail-early",
            "--noproxy",
            "*",
            "--max-time",
            "60",
        ])
        // Not asked whether the body may come, curl sends it.
        .args(["--header", "Expect:", "--write-out", "%{http_code}"])
        .args(arguments)
        .arg(url)
        .output()
        .context("cannot run curl")?;
    let error = String::from_utf8_lossy(&output.stderr);
    let at = output.stdout.len().checked_sub(3).context("a status")?;
    ensure!(output.status.success(), "{url}: {error}");
    let (body, status) = output.stdout.split_at(at);
    Ok(Answer {
        status: std::str::from_utf8(status)?.parse()?,
        body: body.to_owned(),
    })
}

/// Makes a certificate for `name`.
fn certificate(name: &str, key: &Path, cert: &Path) -> Command {
    let mut command = Command::new("openssl");
    command
        .args(["req", "-x509", "-newkey", "ec", "-noenc", "-days", "2"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-subj", "/CN=test", "-addext"])
        .arg(format!("subjectAltName=DNS:{name}"))
        .arg("-keyout")
        .arg(key)
        .arg("-out")
        .arg(cert);
    command
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {error}");
    Ok(())
}
