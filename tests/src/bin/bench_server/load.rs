//! Load by wrk, on the core that the servers do not have.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;

/// The core that load comes from.
const CORE: &str = "1";
/// Bodies are sent for no longer than this.
const LONGEST: &str = "900s";

/// Requests to send.
pub(crate) struct Load<'a> {
    pub(crate) url: String,
    pub(crate) method: &'static str,
    pub(crate) headers: Vec<String>,
    /// The status that every answer must have.
    pub(crate) status: u16,
    pub(crate) connections: u32,
    pub(crate) what: What<'a>,
}

/// What is sent.
pub(crate) enum What<'a> {
    /// The same again and again, for this many seconds.
    For(u32),
    /// Each of these bodies once.
    Each(&'a [String]),
}

/// What came of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) requests: f64,
    microseconds: f64,
    p50: f64,
    p99: f64,
    failed: f64,
}

impl Outcome {
    pub(crate) fn requests_a_second(&self) -> f64 {
        self.requests / self.microseconds * 1e6
    }

    pub(crate) fn p50_milliseconds(&self) -> f64 {
        self.p50 / 1e3
    }

    pub(crate) fn p99_milliseconds(&self) -> f64 {
        self.p99 / 1e3
    }
}

/// Sends `load`; fails where anything is not answered as it must be.
pub(crate) fn send(load: &Load<'_>, dir: &Path) -> anyhow::Result<Outcome> {
    let (script, bodies) = (dir.join("load.lua"), dir.join("bodies"));
    fs::write(&script, include_str!("load.lua"))?;
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", CORE, "wrk", "--threads", "1"]);
    command.args(["--connections", &load.connections.to_string()]);
    command.args(["--timeout", "30s", "--script"]).arg(&script);
    for header in &load.headers {
        command.args(["--header", header]);
    }
    let duration = match load.what {
        What::For(seconds) => format!("{seconds}s"),
        What::Each(_) => LONGEST.to_owned(),
    };
    command.args(["--duration", &duration, &load.url, "--"]);
    command.args([&load.status.to_string(), load.method]);
    if let What::Each(lines) = load.what {
        fs::write(&bodies, lines.join("\n"))?;
        command.arg(&bodies);
    }
    let mut wrk = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start wrk (scripts/setup bench)")?;
    let said = wait(&mut wrk);
    if said.is_err() {
        let _ = wrk.kill();
    }
    let status = wrk.wait()?;
    let said = said?;
    ensure!(status.success(), "wrk failed: {said}");
    let line = said.lines().find(|line| line.starts_with('{'));
    let outcome: Outcome = serde_json::from_str(line.context("wrk says nothing")?)?;
    ensure!(
        outcome.failed == 0.0,
        "{} requests of {} failed",
        outcome.failed,
        outcome.requests
    );
    if let What::Each(lines) = load.what {
        let count = f64::from(u32::try_from(lines.len())?);
        ensure!(outcome.requests == count, "not all was sent: {outcome:?}");
    }
    Ok(outcome)
}

/// Ends wrk when all is answered, for it would wait for its time to pass, and gives
/// what it printed.
fn wait(wrk: &mut Child) -> anyhow::Result<String> {
    let stderr = wrk.stderr.take().context("no standard error")?;
    for line in BufReader::new(stderr).lines() {
        let line = line?;
        ensure!(line == "done", "wrk says: {line}");
        kill(Pid::from_raw(wrk.id().try_into()?), Signal::SIGINT)?;
    }
    let mut said = String::new();
    let mut stdout = wrk.stdout.take().context("no standard output")?;
    stdout.read_to_string(&mut said)?;
    Ok(said)
}
