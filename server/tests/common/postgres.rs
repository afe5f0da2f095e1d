//! A PostgreSQL server for tests, from Debian's package, in a temporary folder. One
//! serves all tests of a process, each in a database of its own; it ends with the
//! process.

use std::fs::{self, File, Permissions};
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

/// The URL of an empty database.
pub(crate) async fn empty_database() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let server = server();
    let admin = tokio_postgres::Config::from_str(&server.url("postgres")).unwrap();
    let (client, connection) = admin.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    let create = format!("CREATE DATABASE {name}");
    client.execute(&create, &[]).await.unwrap();
    server.url(&name)
}

/// Waits for the end of its input, then ends process $1 and deletes folder $2.
const WATCHER: &str = r#"
    cat >/dev/null
    kill -QUIT "$1"
    for i in $(seq 100); do kill -0 "$1" || break; sleep 0.1; done
    rm -rf "$2"
"#;

struct Server {
    socket_dir: PathBuf,
}

impl Server {
    fn url(&self, database: &str) -> String {
        let dir = self.socket_dir.display();
        format!("host={dir} user=postgres dbname={database}")
    }
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(start)
}

#[expect(
    clippy::zombie_processes,
    reason = "both end when this process does, and are waited for by nobody"
)]
fn start() -> Server {
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
    if let Some(user) = &user {
        chown(&dir, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
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
    let log = File::create(dir.join("log")).unwrap();
    let server = command("postgres")
        .arg("-D")
        .arg(&data_dir)
        .arg("-k")
        .arg(&dir)
        .args([
            "-c",
            "listen_addresses=",
            "-c",
            "fsync=off",
            "-c",
            "max_connections=200",
        ])
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap();
    // Ends the server, and deletes its folder, however this process ends.
    Command::new("sh")
        .arg("-c")
        .arg(WATCHER)
        .args(["watcher", &server.id().to_string()])
        .arg(&dir)
        .stdin(lifeline())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    wait_for_socket(&dir);
    Server { socket_dir: dir }
}

/// The reading end of a pipe whose other end this process holds until it ends.
fn lifeline() -> std::io::PipeReader {
    let (reader, writer) = std::io::pipe().unwrap();
    std::mem::forget(writer);
    reader
}

fn bin_dir() -> PathBuf {
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

fn wait_for_socket(dir: &Path) {
    let start = Instant::now();
    while !is_ready(dir) {
        assert!(start.elapsed() < DEADLINE, "PostgreSQL does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_ready(dir: &Path) -> bool {
    Command::new(bin_dir().join("pg_isready"))
        .arg("-h")
        .arg(dir)
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
