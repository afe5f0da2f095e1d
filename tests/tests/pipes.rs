//! A closed pipe is no panic, in any program: who stops reading is told nothing, and what
//! nobody hears of ends nothing else.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::ensure;
use nix::sys::signal::Signal;
use sesshoku_tests::local::{Place, Process, program, wait_for};

/// How a program that panicked ends.
const PANICKED: i32 = 101;

/// The writing end of a pipe that nobody reads.
fn closed_pipe() -> anyhow::Result<OwnedFd> {
    let (_, writer) = std::io::pipe()?;
    Ok(writer.into())
}

fn run<A: AsRef<OsStr>>(
    name: &str,
    arguments: &[A],
    prepare: impl FnOnce(&mut Command) -> anyhow::Result<()>,
) -> anyhow::Result<Output> {
    let mut command = Command::new(program(name)?);
    command.args(arguments).env("LC_ALL", "C");
    prepare(&mut command)?;
    Ok(command.output()?)
}

/// Runs a program whose output nobody reads, then one whose errors nobody reads either.
fn nobody_reads(name: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let read = run(name, arguments, |_| Ok(()))?;
    ensure!(read.status.success(), "{name} {arguments:?}: {read:?}");
    ensure!(!read.stdout.is_empty(), "{name} {arguments:?} says nothing");
    let unread = run(name, arguments, |command| {
        command.stdout(closed_pipe()?);
        Ok(())
    })?;
    let said = String::from_utf8(unread.stderr)?;
    ensure!(said.is_empty(), "{name} {arguments:?}: {said}");
    let code = unread.status.code();
    ensure!(
        code.is_some_and(|code| code < 2),
        "{name} {arguments:?}: {code:?}"
    );
    let unheard = run(name, arguments, |command| {
        command.stdout(closed_pipe()?).stderr(closed_pipe()?);
        Ok(())
    })?;
    ensure!(unheard.status.code() == code, "{name} {arguments:?}");
    Ok(())
}

#[test]
fn who_stops_reading_is_told_nothing() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let config = dir.path().join("sesshokud.toml");
    File::create(&config)?;
    let config = config.to_str().expect("a temporary path is text");
    for name in [
        "sesshoku",
        "sesshokud",
        "sesshoku-gui",
        "sesshoku-room",
        "sesshoku-server",
    ] {
        nobody_reads(name, &["--help"])?;
        nobody_reads(name, &["--version"])?;
    }
    nobody_reads("sesshokud", &["--check-config", "--config", config])?;
    nobody_reads("sesshoku-server", &["openapi", "management"])?;
    nobody_reads("sesshoku-server", &["openapi", "notification"])?;
    nobody_reads("sesshoku", &["terms"])
}

#[test]
fn a_failure_that_nobody_hears_of_is_that_failure() -> anyhow::Result<()> {
    let nowhere = Path::new("/nowhere/at/all").to_str().expect("text");
    for (name, arguments) in [
        ("sesshoku", &["analyse", "capture", nowhere][..]),
        ("sesshoku", &["--no-such-flag"]),
        ("sesshokud", &["--config", nowhere]),
        ("sesshokud", &["--no-such-flag"]),
        ("sesshoku-room", &[nowhere, nowhere]),
        ("sesshoku-server", &["management", "--config", nowhere]),
        ("sesshoku-server", &["notification", "--config", nowhere]),
    ] {
        let heard = run(name, arguments, |_| Ok(()))?;
        ensure!(!heard.stderr.is_empty(), "{name} {arguments:?}: {heard:?}");
        let code = heard.status.code();
        ensure!(
            !matches!(code, None | Some(0 | PANICKED)),
            "{name}: {code:?}"
        );
        let unheard = run(name, arguments, |command| {
            command.stderr(closed_pipe()?);
            Ok(())
        })?;
        ensure!(unheard.status.code() == code, "{name} {arguments:?}");
    }
    Ok(())
}

#[test]
fn a_daemon_whose_log_nobody_reads_goes_on() -> anyhow::Result<()> {
    let place = Place::new()?;
    let mut command = place.daemon_command("[radio]\nkind = 'air'")?;
    let mut daemon = Process::start(command.stderr(closed_pipe()?))?;
    wait_for("the daemon to answer", || {
        ensure!(daemon.is_running()?, "the daemon ended");
        let status = place.sesshoku(&["status", "--json"])?.status;
        Ok(status.success().then_some(()))
    })?;
    daemon.signal(Signal::SIGTERM)?;
    ensure!(daemon.wait()? == Some(0), "the daemon did not end well");
    Ok(())
}
