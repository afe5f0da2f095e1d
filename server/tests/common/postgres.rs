//! PostgreSQL servers for tests, from Debian's package, in temporary folders. They end
//! with the process.

use std::fs::{self, File, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::unistd::{User, geteuid};
use tokio_postgres::NoTls;

const DEADLINE: Duration = Duration::from_secs(60);

/// The URL of an empty database, on a server that loses what it has where the machine
/// fails.
pub(crate) async fn empty_database() -> String {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let server = SERVER.get_or_init(|| Server::start(|_| vec!["fsync=off".to_owned()]));
    server.empty_database().await
}

/// Waits for the end of its input, then ends process $1 and deletes folder $2.
const WATCHER: &str = r#"
    cat >/dev/null
    kill -QUIT "$1"
    for i in $(seq 100); do kill -0 "$1" || break; sleep 0.1; done
    rm -rf "$2"
"#;

/// A running server.
pub(crate) struct Server {
    /// The process that all others of it come from.
    pub(crate) id: u32,
    /// Where it listens, if its settings name an address.
    pub(crate) port: u16,
    socket_dir: PathBuf,
}

impl Server {
    /// Starts one with what `settings` gives, each as `NAME=VALUE`. It is shown the
    /// server's folder, and may put files there.
    pub(crate) fn start(settings: impl FnOnce(&Path) -> Vec<String>) -> Self {
        start(settings)
    }

    /// The URL of an empty database.
    pub(crate) async fn empty_database(&self) -> String {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let admin = tokio_postgres::Config::from_str(&self.url("postgres")).unwrap();
        let (client, connection) = admin.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        let create = format!("CREATE DATABASE {name}");
        client.execute(&create, &[]).await.unwrap();
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        let (dir, port) = (self.socket_dir.display(), self.port);
        format!("host={dir} port={port} user=postgres dbname={database}")
    }
}

#[expect(
    clippy::zombie_processes,
    reason = "both end when this process does, and are waited for by nobody"
)]
fn start(settings: impl FnOnce(&Path) -> Vec<String>) -> Server {
    // Statics are not dropped: the server's watcher deletes the folder.
    let dir = tempfile::Builder::new()
        .prefix("sesshoku-postgres")
        .tempdir()
        .unwrap()
        .keep();
    let data_dir = dir.join("data");
    let bin_dir = bin_dir();
    // initdb refuses to run as root.
    let user = geteuid().is_root().then(|| {
        User::from_name("postgres")
            .unwrap()
            .expect("the package makes the user")
    });
    let settings = settings(&dir);
    if let Some(user) = &user {
        let files = fs::read_dir(&dir).unwrap();
        for path in files.map(|file| file.unwrap().path()).chain([dir.clone()]) {
            chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
        }
    }
    fs::set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
    let command = |program: &str| {
        let mut command = Command::new(bin_dir.join(program));
        if let Some(user) = &user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command.current_dir(&dir).stdin(Stdio::null());
        command
    };
    let init = command("initdb")
        .args([
            "--auth=trust",
            "--username=postgres",
            "--no-sync",
            "--encoding=UTF8",
        ])
        .args(["--locale=C", "--pgdata"])
        .arg(&data_dir)
        .output()
        .expect("PostgreSQL is installed (scripts/setup test)");
    assert!(
        init.status.success(),
        "{}",
        String::from_utf8_lossy(&init.stderr)
    );
    let port = free_port();
    let log = File::create(dir.join("log")).unwrap();
    let process = command("postgres")
        .arg("-D")
        .arg(&data_dir)
        .arg("-k")
        .arg(&dir)
        .args(["-c", "listen_addresses=", "-c", "max_connections=200"])
        .args(["-p", &port.to_string()])
        .args(settings.iter().flat_map(|setting| ["-c", setting]))
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap();
    let server = Server {
        id: process.id(),
        port,
        socket_dir: dir,
    };
    // Ends the server, and deletes its folder, however this process ends.
    Command::new("sh")
        .arg("-c")
        .arg(WATCHER)
        .args(["watcher", &server.id.to_string()])
        .arg(&server.socket_dir)
        .stdin(lifeline())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    wait_for_socket(&server.socket_dir, port);
    server
}

/// The reading end of a pipe whose other end this process holds until it ends.
fn lifeline() -> std::io::PipeReader {
    let (reader, writer) = std::io::pipe().unwrap();
    std::mem::forget(writer);
    reader
}

/// Where PostgreSQL's programs are.
pub(crate) fn bin_dir() -> PathBuf {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is installed (scripts/setup test)")
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|dir| dir.join("initdb").exists())
        .collect();
    versions.sort();
    versions
        .pop()
        .expect("PostgreSQL is installed (scripts/setup test)")
}

/// A port of the loopback interface that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn wait_for_socket(dir: &Path, port: u16) {
    let start = Instant::now();
    while !is_ready(dir, port) {
        assert!(start.elapsed() < DEADLINE, "PostgreSQL does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_ready(dir: &Path, port: u16) -> bool {
    Command::new(bin_dir().join("pg_isready"))
        .arg("-h")
        .arg(dir)
        .args(["-p", &port.to_string()])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
