//! What the tests of this crate share.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::database::Settings;
use crate::secret::Place;

/// How long PostgreSQL may take to start.
const START_TIME_MAX: Duration = Duration::from_secs(30);

/// A PostgreSQL server of this test's own, on a socket in a temporary folder. It ends,
/// and its folder goes, when it is dropped.
pub(crate) struct PostgresServer {
    dir: tempfile::TempDir,
    server: Child,
}

impl PostgresServer {
    pub(crate) fn start() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("sesshoku-pg-")
            .tempdir_in("/tmp")
            .unwrap();
        let data = dir.path().join("data");
        give_to_postgres(dir.path());
        let made = as_postgres("initdb")
            .args(["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"])
            .args(["--username=postgres", "--pgdata"])
            .arg(&data)
            .stdout(Stdio::null())
            .status()
            .expect("PostgreSQL's programs are there (scripts/setup test)");
        assert!(made.success(), "initdb: {made}");
        let server = as_postgres("postgres")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(dir.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off"])
            .stdout(Stdio::null())
            .stderr(fs::File::create(dir.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let this = Self { dir, server };
        fs::write(url_file(this.dir.path()), url(this.dir.path())).unwrap();
        let deadline = Instant::now() + START_TIME_MAX;
        while !this.answers() {
            assert!(Instant::now() < deadline, "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        this
    }

    pub(crate) fn settings(&self) -> Settings {
        Self::settings_in(self.dir.path())
    }

    /// The settings for the server with its socket in `dir`.
    pub(crate) fn settings_in(dir: &Path) -> Settings {
        Settings::Postgres {
            url: Place::File(url_file(dir)),
            connections: 8,
        }
    }

    fn answers(&self) -> bool {
        as_postgres("pg_isready")
            .arg("-h")
            .arg(self.dir.path())
            .stdout(Stdio::null())
            .status()
            .unwrap()
            .success()
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // SIGQUIT, its immediate shutdown, ends its children, too.
        let pid = self.server.id().to_string();
        let _ = Command::new("kill").args(["-QUIT", &pid]).status();
        let _ = self.server.wait();
    }
}

fn url_file(dir: &Path) -> PathBuf {
    dir.join("url")
}

fn url(dir: &Path) -> String {
    let host = dir.display().to_string().replace('/', "%2F");
    format!("postgres://postgres@{host}/postgres")
}

/// A program of PostgreSQL's, which refuses to be run by root.
fn as_postgres(program: &str) -> Command {
    let dir = newest_postgres_dir();
    let path = dir.map_or_else(|| program.into(), |dir| dir.join("bin").join(program));
    let mut command = Command::new(path);
    if let Some((uid, gid)) = postgres_user() {
        command.uid(uid).gid(gid);
    }
    command.current_dir("/");
    command
}

fn give_to_postgres(dir: &Path) {
    if let Some((uid, gid)) = postgres_user() {
        std::os::unix::fs::chown(dir, Some(uid), Some(gid)).unwrap();
    }
}

/// Debian keeps the programs out of the PATH, by version.
fn newest_postgres_dir() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    versions.map(|version| version.unwrap().path()).max()
}

/// The user postgres, where this is root.
fn postgres_user() -> Option<(u32, u32)> {
    let is_root =
        fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !is_root {
        return None;
    }
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd
        .lines()
        .find(|line| line.starts_with("postgres:"))
        .expect("there is a user postgres (scripts/setup test)");
    let mut fields = line.split(':').skip(2).map(|id| id.parse().unwrap());
    Some((fields.next().unwrap(), fields.next().unwrap()))
}
