//! Both roles of the server as their operator runs them: separate processes,
//! databases and configurations, with a real SMTP server between them and a person.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gaen::registration::ProcessingNumber;
use nix::sys::signal::Signal;

use crate::local::{Process, program, wait_for};

/// The account of the worker at the health centre.
const WORKER: &str = "worker";
const MANAGEMENT: &str = "management";

/// A notification server and a management system.
#[derive(Debug)]
pub struct Servers {
    dir: PathBuf,
    notification: SocketAddr,
    management: SocketAddr,
    /// Where the operator is answered, by the notification server and the management system.
    internal: [SocketAddr; 2],
    token: String,
    processes: Vec<(String, Process)>,
}

/// Whom nginx has to be told to be, so that it can read and write what a test has made:
/// started as root, it becomes nobody otherwise.
pub fn nginx_user() -> &'static str {
    if nix::unistd::geteuid().is_root() {
        "user root;"
    } else {
        ""
    }
}

impl Servers {
    /// Starts everything in `dir`, which is made; `clock` is what the `[clock]`
    /// tables hold, `export` what the `[export]` table does.
    ///
    /// # Errors
    /// When something does not start in time.
    pub fn start(dir: &Path, clock: &str, export: &str) -> anyhow::Result<Self> {
        fs::create_dir_all(dir)?;
        let [
            notification,
            management,
            smtp,
            to_notification,
            to_management,
        ] = free_addresses()?;
        let mut servers = Self {
            dir: dir.to_owned(),
            notification,
            management,
            internal: [to_notification, to_management],
            token: String::new(),
            processes: Vec::new(),
        };
        servers.write_secrets()?;
        servers.publish_notices("[]")?;
        let shown_dir = dir.display();
        fs::write(
            servers.config("management"),
            format!(
                "[http]
                 listen = '{management}'
                 internal_listen = '{to_management}'
                 trusted_proxies = ['127.0.0.1']
                 [clock]
                 {clock}
                 [database]
                 kind = 'sqlite'
                 path = '{shown_dir}/management.db'
                 [secrets]
                 key = {{ file = '{shown_dir}/management-key' }}
                 check_credential = {{ file = '{shown_dir}/credential' }}
                 [mail]
                 kind = 'smtp'
                 from = 'no-reply@health.example'
                 host = '{smtp_host}'
                 port = {smtp_port}
                 tls = 'off'",
                smtp_host = smtp.ip(),
                smtp_port = smtp.port(),
            ),
        )?;
        fs::write(
            servers.config("notification"),
            format!(
                "[http]
                 listen = '{notification}'
                 internal_listen = '{to_notification}'
                 trusted_proxies = ['127.0.0.1']
                 [clock]
                 {clock}
                 [database]
                 kind = 'sqlite'
                 path = '{shown_dir}/notification.db'
                 [storage]
                 kind = 'folder'
                 dir = '{shown_dir}/public'
                 [distribution]
                 base_url = 'http://{notification}/'
                 notices = '{shown_dir}/notices.json'
                 [signing]
                 key = {{ file = '{shown_dir}/signing-key.pem' }}
                 [management]
                 url = 'http://{management}/'
                 credential = {{ file = '{shown_dir}/credential' }}
                 [export]
                 {export}"
            ),
        )?;
        servers.make_worker()?;
        servers.start_smtp(smtp)?;
        servers.start_management()?;
        servers.start_role("notification", notification)?;
        Ok(servers)
    }

    /// Where the public is answered, by the notification server and the management system.
    pub const fn public(&self) -> [SocketAddr; 2] {
        [self.notification, self.management]
    }

    /// Where the operator is answered, by the two.
    pub const fn internal(&self) -> [SocketAddr; 2] {
        self.internal
    }

    /// The public key of exports, in PEM.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn public_key(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(self.dir.join("public-key.pem"))?)
    }

    /// The `[server]` table of a daemon that trusts these servers.
    pub fn daemon_config(&self) -> String {
        format!(
            "[server]
             url = 'http://{}/'
             interval_seconds = 3600
             # A server that has just begun has signed nothing yet.
             fresh_within_hours = 0
             public_keys = [{{ id = '440', version = 'v1', file = '{}/public-key.pem' }}]",
            self.notification,
            self.dir.display()
        )
    }

    /// Has a 処理番号 issued to a mail address, as a worker's program does.
    ///
    /// # Errors
    /// When that is refused.
    pub fn issue_to(&self, mail: &str) -> anyhow::Result<()> {
        issue(self.management, &self.token, mail)
    }

    /// Waits for the mail to an address and reads the number in it.
    ///
    /// # Errors
    /// When none arrives in time.
    pub fn mailed_number(&self, mail: &str) -> anyhow::Result<String> {
        wait_for("the mail", || {
            for entry in fs::read_dir(self.dir.join("mail/new"))? {
                let text = fs::read_to_string(entry?.path())?;
                if text.contains(mail) {
                    return number_in(&text).map(Some);
                }
            }
            Ok(None)
        })
    }

    /// The names of all files that were written, without what the SMTP server was
    /// sent.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        let mut dirs = vec![self.dir.clone()];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir)? {
                let entry = entry?;
                if !entry.file_type()?.is_dir() {
                    files.push(entry.path());
                } else if entry.file_name() != "mail" {
                    dirs.push(entry.path());
                }
            }
        }
        Ok(files)
    }

    /// Has devices told this, as the operator does: by writing it to the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn publish_notices(&self, json: &str) -> anyhow::Result<()> {
        // At once, so that the server never sees half of it.
        let path = self.dir.join("notices.json");
        let new = path.with_extension("new");
        fs::write(&new, json)?;
        Ok(fs::rename(new, path)?)
    }

    /// Ends both roles as systemd does.
    ///
    /// # Errors
    /// When one does not end well.
    pub fn end(&mut self) -> anyhow::Result<()> {
        // The SMTP server was started first, and has nothing to lose.
        for (_, process) in self.processes.drain(1..).rev() {
            end(process)?;
        }
        Ok(())
    }

    /// Ends the management system, so that no number can be checked.
    ///
    /// # Errors
    /// When it does not run, or does not end well.
    pub fn end_management(&mut self) -> anyhow::Result<()> {
        let mut names = self.processes.iter();
        let place = names.position(|(name, _)| name == MANAGEMENT);
        end(self.processes.remove(place.context("it does not run")?).1)
    }

    /// Starts the management system again.
    ///
    /// # Errors
    /// When it does not start in time.
    pub fn start_management(&mut self) -> anyhow::Result<()> {
        self.start_role(MANAGEMENT, self.management)
    }

    /// What a role wrote to its log.
    pub fn log(&self, role: &str) -> String {
        fs::read_to_string(self.dir.join(format!("{role}.log"))).unwrap_or_default()
    }

    fn config(&self, role: &str) -> PathBuf {
        self.dir.join(format!("{role}.toml"))
    }

    fn write_secrets(&self) -> anyhow::Result<()> {
        for name in ["management-key", "credential"] {
            let random = fs::read_to_string("/proc/sys/kernel/random/uuid")?;
            let more = fs::read_to_string("/proc/sys/kernel/random/uuid")?;
            let path = self.dir.join(name);
            fs::write(&path, format!("{}{more}", random.trim()))?;
        }
        let output = Command::new(program("sesshoku-server")?)
            .arg("keygen")
            .arg("--private")
            .arg(self.dir.join("signing-key.pem"))
            .arg("--public")
            .arg(self.dir.join("public-key.pem"))
            .output()?;
        ensure!(output.status.success(), "{}", shown(&output));
        Ok(())
    }

    /// Adds the worker's account and takes its API token from what is printed.
    fn make_worker(&mut self) -> anyhow::Result<()> {
        self.account(&["add", WORKER])?;
        let printed = self.account(&["token", WORKER])?;
        let words = printed.split_whitespace();
        let token = words.max_by_key(|word| word.len());
        self.token = token.context("no token was printed")?.to_owned();
        Ok(())
    }

    fn account(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = Command::new(program("sesshoku-server")?)
            .arg("account")
            .arg("--config")
            .arg(self.config("management"))
            .args(arguments)
            .output()?;
        ensure!(output.status.success(), "{}", shown(&output));
        Ok(String::from_utf8(output.stdout)?)
    }

    fn start_smtp(&mut self, address: SocketAddr) -> anyhow::Result<()> {
        let mut command = Command::new("/usr/bin/python3");
        command
            .args([
                "-m",
                "aiosmtpd",
                "--nosetuid",
                "--listen",
                &address.to_string(),
            ])
            .args(["--class", "aiosmtpd.handlers.Mailbox"])
            .arg(self.dir.join("mail"));
        self.start_process("smtp", &mut command, address)
    }

    fn start_role(&mut self, role: &str, address: SocketAddr) -> anyhow::Result<()> {
        let mut command = Command::new(program("sesshoku-server")?);
        command
            .arg(role)
            .arg("--config")
            .arg(self.config(role))
            .env("SESSHOKU_LOG", "trace");
        self.start_process(role, &mut command, address)
    }

    fn start_process(
        &mut self,
        name: &str,
        command: &mut Command,
        address: SocketAddr,
    ) -> anyhow::Result<()> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.dir.join(format!("{name}.log")))?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut process = Process::start(command)?;
        wait_for(&format!("{name} to answer"), || {
            if !process.is_running()? {
                bail!("{name} has ended: {}", self.log(name));
            }
            Ok(TcpStream::connect(address).ok())
        })?;
        self.processes.push((name.to_owned(), process));
        Ok(())
    }
}

fn end(mut process: Process) -> anyhow::Result<()> {
    process.signal(Signal::SIGTERM)?;
    let code = process.wait()?;
    ensure!(code == Some(0), "a server ended with {code:?}");
    Ok(())
}

/// Addresses on the loopback interface that nobody listens on.
///
/// # Errors
/// When there are none.
pub fn free_addresses<const N: usize>() -> anyhow::Result<[SocketAddr; N]> {
    let listeners: Vec<TcpListener> = (0..N)
        .map(|_| TcpListener::bind("127.0.0.1:0"))
        .collect::<Result<_, _>>()?;
    let addresses: Vec<SocketAddr> = listeners
        .iter()
        .map(TcpListener::local_addr)
        .collect::<Result<_, _>>()?;
    addresses
        .try_into()
        .map_err(|_| anyhow::anyhow!("as many as were asked for"))
}

/// Has the management system at an address issue a 処理番号 to a mail address, as a worker's
/// program does that has this token.
///
/// # Errors
/// When that is refused.
pub fn issue(management: SocketAddr, token: &str, mail: &str) -> anyhow::Result<()> {
    let body = serde_json::json!({ "mail": mail, "language": "ja" });
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--fail-with-body",
            "--max-time",
            "60",
        ])
        .args(["--header", "Content-Type: application/json"])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--data", &body.to_string()])
        .arg(format!("http://{management}/api/v1/processing-number"))
        .output()
        .context("cannot run curl")?;
    ensure!(output.status.success(), "{}", shown(&output));
    Ok(())
}

/// The 処理番号 in a mail.
///
/// # Errors
/// When there is none, or anything else that looks like one.
pub fn number_in(mail: &str) -> anyhow::Result<String> {
    let mail = mail.replace("\r\n", "\n");
    let (head, body) = mail.split_once("\n\n").context("no mail")?;
    number_in_text(&decoded(head, body)?)
}

/// A mail's text, freed of its transfer encoding.
fn decoded(head: &str, body: &str) -> anyhow::Result<String> {
    let head = head.to_ascii_lowercase();
    if head.contains("content-transfer-encoding: base64") {
        let text: String = body.split_whitespace().collect();
        return Ok(String::from_utf8(BASE64_STANDARD.decode(text)?)?);
    }
    // Quoted-printable leaves digits as they are, but breaks lines.
    Ok(body.replace("=\n", ""))
}

/// The only 処理番号 in `text`: eight digits, or more in groups of four and once more in a
/// link.
///
/// # Errors
/// When there is none, or more than one.
pub fn number_in_text(text: &str) -> anyhow::Result<String> {
    let links: Vec<_> = text
        .split_whitespace()
        .filter_map(ProcessingNumber::from_link)
        .collect();
    let mut shown = Vec::new();
    for line in text.lines() {
        // What is neither a digit nor a space ends a number, and so do two spaces.
        for part in line.split(|c: char| !c.is_ascii_digit() && c != ' ') {
            for part in part.split("  ") {
                shown.extend(ProcessingNumber::from_typed(part).ok());
            }
        }
    }
    // The digits of the link are among them.
    shown.dedup();
    match (&shown[..], &links[..]) {
        ([number], []) if number.expose().len() == 8 => Ok(number.expose().into()),
        ([number], [link]) if number == link => Ok(number.expose().into()),
        _ => bail!("there is not one number in {text:?}"),
    }
}

fn shown(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
