//! Both roles as they are released, with a database of one kind, on one core.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;
use sesshoku_tests::local::{Process, wait_for, wait_up_to};
use sesshoku_tests::servers::{free_addresses, number_in};
use tempfile::TempDir;

use crate::load::{self, Load, Outcome};
use crate::postgres;
use crate::usage::{self, Memory, MemoryWatch, Of, cpu_seconds};

/// The core that both roles, and PostgreSQL, have to themselves.
pub(crate) const CORE: &str = "0";
/// The longest that an export may take.
const EXPORT_DEADLINE: Duration = Duration::from_secs(900);

/// The kind of the databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// CPU seconds of each.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cpu {
    pub(crate) notification: f64,
    pub(crate) management: f64,
    pub(crate) database: f64,
}

impl Cpu {
    /// What came to it after `before`, for each of `count`.
    fn since(self, before: Self, count: f64) -> Self {
        Self {
            notification: (self.notification - before.notification) / count,
            management: (self.management - before.management) / count,
            database: (self.database - before.database) / count,
        }
    }

    pub(crate) fn sum(self) -> f64 {
        self.notification + self.management + self.database
    }
}

/// What a load took.
pub(crate) struct Taken {
    pub(crate) outcome: Outcome,
    /// For a request.
    pub(crate) cpu: Cpu,
    pub(crate) notification_memory: Memory,
    pub(crate) management_memory: Memory,
}

/// What an export took.
pub(crate) struct Export {
    pub(crate) files: usize,
    pub(crate) cpu: Cpu,
    pub(crate) seconds: f64,
    /// The most that the notification server had, in MiB.
    pub(crate) peak_memory: f64,
}

/// Both roles.
pub(crate) struct Site {
    dir: TempDir,
    pub(crate) kind: Kind,
    postgres: Option<postgres::Server>,
    pub(crate) notification_url: String,
    pub(crate) management_url: String,
    pub(crate) token: String,
    notification: Process,
    management: Process,
}

impl Site {
    pub(crate) fn open(kind: Kind) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let [notification, management] = free_addresses()?;
        let databases = match kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some(postgres::Server::start(|_| Vec::new())),
        };
        for name in ["management-key", "credential"] {
            let random = fs::read_to_string("/proc/sys/kernel/random/uuid")?;
            fs::write(dir.path().join(name), random.trim().repeat(2))?;
        }
        run(server(&["keygen"])?
            .arg("--private")
            .arg(dir.path().join("signing-key.pem"))
            .arg("--public")
            .arg(dir.path().join("public-key.pem")))?;
        for (role, address) in [("notification", notification), ("management", management)] {
            let database = database(databases.as_ref(), role, dir.path())?;
            let config = config(role, address, management, &database, dir.path());
            fs::write(dir.path().join(format!("{role}.toml")), config)?;
        }
        fs::create_dir(dir.path().join("mail"))?;
        let token = token(dir.path())?;
        let management_process = start("management", management, dir.path(), &[])?;
        let notification_process = start("notification", notification, dir.path(), &[])?;
        if let Some(server) = &databases {
            for id in usage::children(server.id)?.into_iter().chain([server.id]) {
                let id = id.to_string();
                run(Command::new("taskset").args(["--cpu-list", "--pid", CORE, &id]))?;
            }
        }
        Ok(Self {
            kind,
            postgres: databases,
            notification_url: format!("http://{notification}"),
            management_url: format!("http://{management}"),
            token,
            notification: notification_process,
            management: management_process,
            dir,
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts the notification server anew, with `changes` in its environment.
    pub(crate) fn restart(&mut self, changes: &[(&str, &str)]) -> anyhow::Result<()> {
        self.stop()?;
        self.begin(changes)
    }

    /// Starts the notification server, which has ended.
    pub(crate) fn begin(&mut self, changes: &[(&str, &str)]) -> anyhow::Result<()> {
        let address = self
            .notification_url
            .trim_start_matches("http://")
            .parse()?;
        self.notification = start("notification", address, self.dir.path(), changes)?;
        Ok(())
    }

    /// Ends the notification server.
    pub(crate) fn stop(&mut self) -> anyhow::Result<()> {
        self.notification.signal(Signal::SIGTERM)?;
        let code = self.notification.wait()?;
        ensure!(
            code == Some(0),
            "the notification server ended with {code:?}"
        );
        Ok(())
    }

    /// What `load` takes.
    pub(crate) fn measure(&self, load: &Load<'_>) -> anyhow::Result<Taken> {
        let notification = MemoryWatch::start(self.notification.id());
        let management = MemoryWatch::start(self.management.id());
        let before = self.cpu()?;
        let outcome = load::send(load, self.dir.path())?;
        let cpu = self.cpu()?.since(before, outcome.requests);
        Ok(Taken {
            outcome,
            cpu,
            notification_memory: notification.stop()?,
            management_memory: management.stop()?,
        })
    }

    fn cpu(&self) -> anyhow::Result<Cpu> {
        let database = self.postgres.as_ref().map(|server| server.id);
        Ok(Cpu {
            notification: cpu_seconds(self.notification.id(), Of::Itself)?,
            management: cpu_seconds(self.management.id(), Of::Itself)?,
            database: database.map_or(Ok(0.0), |id| cpu_seconds(id, Of::Family))?,
        })
    }

    /// Has the exports made that are due, while there were `listed` files before.
    pub(crate) fn export(&mut self, listed: usize) -> anyhow::Result<Export> {
        self.stop()?;
        let before = self.cpu_of_database()?;
        let start = Instant::now();
        self.begin(&[("EXPORT__ENABLED", "true"), ("EXPORT__PERIOD_SECONDS", "1")])?;
        let files = wait_up_to(EXPORT_DEADLINE, "the export", || {
            let listed_now = self.list()?.len();
            Ok((listed_now > listed).then(|| listed_now - listed))
        })?;
        let seconds = start.elapsed().as_secs_f64();
        let cpu = self.cpu()?;
        let export = Export {
            files,
            cpu: Cpu {
                management: 0.0,
                database: cpu.database - before,
                ..cpu
            },
            seconds,
            peak_memory: usage::peak_memory(self.notification.id())?,
        };
        self.restart(&[])?;
        Ok(export)
    }

    fn cpu_of_database(&self) -> anyhow::Result<f64> {
        let database = self.postgres.as_ref().map(|server| server.id);
        database.map_or(Ok(0.0), |id| cpu_seconds(id, Of::Family))
    }

    /// What `list.json` has.
    pub(crate) fn list(&self) -> anyhow::Result<Vec<Value>> {
        match fs::read(self.path("public/c19r/440/list.json")) {
            Ok(list) => Ok(serde_json::from_slice(&list)?),
            Err(_) => Ok(Vec::new()),
        }
    }

    /// The numbers in all mails that were sent, which are deleted.
    pub(crate) fn take_numbers(&self) -> anyhow::Result<Vec<String>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(self.path("mail"))? {
            let path = entry?.path();
            numbers.push(number_in(&fs::read_to_string(&path)?)?);
            fs::remove_file(path)?;
        }
        Ok(numbers)
    }

    /// The bytes that the notification server's database takes; the server is to have
    /// ended.
    pub(crate) async fn database_bytes(&self) -> anyhow::Result<f64> {
        if self.postgres.is_none() {
            let len = fs::metadata(self.path("notification.db"))?.len();
            return Ok(f64::from(u32::try_from(len)?));
        }
        let url = fs::read_to_string(self.path("notification.url"))?;
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
        let connection = tokio::spawn(connection);
        let size = "SELECT pg_database_size(current_database())::float8";
        let bytes = client.query_one(size, &[]).await?.get(0);
        drop(client);
        connection.await??;
        Ok(bytes)
    }
}

/// A role's configuration. Every limit is as it is by default, but for those on how
/// many numbers are issued and valid: one health centre issues all of a country's. The
/// roles have patience with each other, for others may use the machine.
fn config(
    role: &str,
    address: SocketAddr,
    management: SocketAddr,
    database: &str,
    dir: &Path,
) -> String {
    let dir = dir.display();
    let of_role = match role {
        "management" => format!(
            "[secrets]
             key = {{ file = '{dir}/management-key' }}
             check_credential = {{ file = '{dir}/credential' }}
             [numbers]
             live_max = 1000000
             per_hour = 1000000
             per_account_hour = 1000000
             [mail]
             kind = 'folder'
             from = 'no-reply@health.example'
             dir = '{dir}/mail'"
        ),
        _ => format!(
            "[storage]
             kind = 'folder'
             dir = '{dir}/public'
             [signing]
             key = {{ file = '{dir}/signing-key.pem' }}
             [management]
             url = 'http://{management}/'
             credential = {{ file = '{dir}/credential' }}
             timeout_milliseconds = 25000
             [export]
             enabled = false"
        ),
    };
    format!(
        "[http]
         listen = '{address}'
         trusted_proxies = ['127.0.0.1']
         [database]
         {database}
         {of_role}"
    )
}

/// The `[database]` table of a role.
fn database(server: Option<&postgres::Server>, role: &str, dir: &Path) -> anyhow::Result<String> {
    let Some(server) = server else {
        let path = dir.join(format!("{role}.db"));
        return Ok(format!("kind = 'sqlite'\npath = '{}'", path.display()));
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let path = dir.join(format!("{role}.url"));
    fs::write(&path, runtime.block_on(server.empty_database()))?;
    Ok(format!(
        "kind = 'postgres'\nurl.file = '{}'",
        path.display()
    ))
}

/// Adds a worker's account; gives its API token, the longest word that is printed.
fn token(dir: &Path) -> anyhow::Result<String> {
    let mut printed = String::new();
    for action in ["add", "token"] {
        let config = dir.join("management.toml");
        let output = run(server(&["account", "--config"])?
            .arg(config)
            .args([action, "worker"]))?;
        printed = String::from_utf8(output.stdout)?;
    }
    let words = printed.split_whitespace();
    let token = words.max_by_key(|word| word.len());
    Ok(token.context("no token was printed")?.to_owned())
}

fn start(
    role: &str,
    address: SocketAddr,
    dir: &Path,
    changes: &[(&str, &str)],
) -> anyhow::Result<Process> {
    let path = dir.join(format!("{role}.log"));
    let log = File::create(&path)?;
    let mut command = server(&[role, "--config"])?;
    command.arg(dir.join(format!("{role}.toml")));
    for (setting, value) in changes {
        let role = role.to_uppercase();
        command.env(format!("SESSHOKU_{role}_{setting}"), value);
    }
    let mut process = Process::start(
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log),
    )?;
    wait_for(&format!("{role} to answer"), || {
        if !process.is_running()? {
            bail!("{role} has ended: {}", fs::read_to_string(&path)?);
        }
        Ok(TcpStream::connect(address).ok())
    })?;
    Ok(process)
}

/// The server as it is released, held to its core.
fn server(arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", CORE]);
    command.arg(released()?).args(arguments);
    Ok(command)
}

/// `sesshoku-server` of the release profile.
fn released() -> anyhow::Result<PathBuf> {
    // This program is in target/debug.
    let this = std::env::current_exe()?;
    let target_dir = this
        .ancestors()
        .nth(2)
        .context("this program lies in a folder")?;
    let path = target_dir.join("release").join("sesshoku-server");
    ensure!(
        path.exists(),
        "{} is missing: run `make bench-server`",
        path.display()
    );
    Ok(path)
}

pub(crate) fn run(command: &mut Command) -> anyhow::Result<Output> {
    let output = command.output()?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output)
}
