//! The device key of the real daemon: sealed by the real systemd-creds, given up again,
//! and lost.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;
use sesshoku_tests::local::{Place, Process, program, wait_for};

const NAME: &str = "sesshoku-device-key";
const CONFIG: &str = "[radio]\nkind = 'air'\n";

fn start(place: &Place, config: &str, credentials: Option<&Path>) -> anyhow::Result<Process> {
    let mut command = place.daemon_command(config)?;
    if let Some(dir) = credentials {
        command.env("CREDENTIALS_DIRECTORY", dir);
    }
    let mut daemon = Process::start(&mut command)?;
    wait_for("the daemon to answer", || {
        ensure!(daemon.is_running()?, "the daemon ended:\n{}", place.log());
        let answered = place.sesshoku(&["status", "--json"])?.status.success();
        Ok(answered.then_some(()))
    })?;
    Ok(daemon)
}

fn end(mut daemon: Process) -> anyhow::Result<()> {
    daemon.signal(Signal::SIGTERM)?;
    ensure!(daemon.wait()? == Some(0), "the daemon did not end well");
    Ok(())
}

fn state(place: &Place) -> anyhow::Result<(Value, Value)> {
    let mut status = place.json(&["status"])?;
    Ok((status["state"].take(), status["reason"].take()))
}

/// A TPM in software, whose socket is in `dir`.
fn tpm(dir: &Path) -> anyhow::Result<Process> {
    let state = dir.join("tpm");
    fs::create_dir(&state)?;
    let unix = |name: &str| format!("type=unixio,path={}", dir.join(name).display());
    let mut command = Command::new("swtpm");
    command
        .args(["socket", "--tpm2", "--tpmstate"])
        .arg(format!("dir={}", state.display()))
        .args(["--server", &unix("tpm.socket")])
        // Where tpm2-tss looks for it.
        .args(["--ctrl", &unix("tpm.socket.ctrl")])
        .args(["--flags", "not-need-init,startup-clear"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut tpm = Process::start(&mut command)?;
    wait_for("the TPM", || {
        ensure!(tpm.is_running()?, "swtpm ended");
        let sockets = ["tpm.socket", "tpm.socket.ctrl"];
        Ok(sockets
            .iter()
            .all(|name| dir.join(name).exists())
            .then_some(()))
    })?;
    Ok(tpm)
}

/// `systemd-creds`, with a secret of the host or a TPM that are in `dir`.
fn systemd_creds(dir: &Path, arguments: &[&str], input: &[u8]) -> anyhow::Result<Vec<u8>> {
    let tpm = format!("swtpm:path={}", dir.join("tpm.socket").display());
    let mut command = Command::new("systemd-creds");
    if arguments.contains(&"--with-key=tpm2") {
        // Where the present TPM is by default, there may be none.
        command.arg(format!("--tpm2-device={tpm}"));
    }
    let mut child = command
        .args(arguments)
        .env("SYSTEMD_TPM2_DEVICE", tpm)
        .env("SYSTEMD_CREDENTIAL_SECRET", dir.join("host.secret"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("systemd-creds")?;
    child.stdin.take().context("stdin")?.write_all(input)?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{output:?}");
    Ok(output.stdout)
}

/// Seals a new key with `seal`, opens it as systemd does for the unit, and gives the
/// folder.
fn credentials(place: &Place, seal: &str) -> anyhow::Result<PathBuf> {
    let mut key = [0; 32];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut key))?;
    let name = format!("--name={NAME}");
    let dir = place.dir();
    let sealed = systemd_creds(dir, &["encrypt", seal, &name, "-", "-"], &key)?;
    ensure!(!sealed.windows(32).any(|window| window == key));
    let opened = systemd_creds(dir, &["decrypt", &name, "-", "-"], &sealed)?;
    let credentials = dir.join("credentials");
    fs::create_dir(&credentials)?;
    fs::write(credentials.join(NAME), opened)?;
    fs::set_permissions(credentials.join(NAME), fs::Permissions::from_mode(0o400))?;
    Ok(credentials)
}

#[test]
fn the_key_moves_into_a_credential_of_the_host_and_back() -> anyhow::Result<()> {
    there_and_back(&Place::new()?, "--with-key=host")
}

#[test]
fn the_key_moves_into_a_credential_of_the_tpm_and_back() -> anyhow::Result<()> {
    let place = Place::new()?;
    let _tpm = tpm(place.dir())?;
    there_and_back(&place, "--with-key=tpm2")
}

fn there_and_back(place: &Place, seal: &str) -> anyhow::Result<()> {
    let daemon = start(place, CONFIG, None)?;
    ensure!(place.sesshoku(&["agree", "--yes"])?.status.success());
    end(daemon)?;
    let file = place.state_dir().join("device.key");
    assert_eq!(fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);

    let credentials = credentials(place, seal)?;
    end(start(place, CONFIG, Some(&credentials))?)?;
    assert!(!file.exists(), "{}", place.log());
    let daemon = start(place, CONFIG, Some(&credentials))?;
    assert_eq!(place.json(&["status"])?["consent"]["state"], "agreed");
    end(daemon)?;

    let back = format!("[daemon]\ndevice_key = 'file'\n{CONFIG}");
    end(start(place, &back, Some(&credentials))?)?;
    fs::remove_dir_all(credentials)?;
    let daemon = start(place, CONFIG, None)?;
    assert_eq!(place.json(&["status"])?["consent"]["state"], "agreed");
    end(daemon)
}

#[test]
fn a_lost_key_is_said_and_nothing_is_destroyed_before_somebody_says_so() -> anyhow::Result<()> {
    let place = Place::new()?;
    let daemon = start(&place, CONFIG, None)?;
    ensure!(place.sesshoku(&["agree", "--yes"])?.status.success());
    end(daemon)?;
    let file = place.state_dir().join("device.key");
    let key = fs::read(&file)?;
    fs::remove_file(&file)?;

    let daemon = start(&place, CONFIG, None)?;
    assert_eq!(state(&place)?, ("stopped".into(), "key-lost".into()));
    let told = String::from_utf8(place.sesshoku(&["status", "--lang", "ja"])?.stdout)?;
    assert!(told.contains("鍵"), "{told}");
    let contacts = place.sesshoku(&["contacts", "--json"])?;
    assert_eq!(contacts.status.code(), Some(1), "{contacts:?}");
    end(daemon)?;

    // It was only missing.
    fs::write(&file, key)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
    let daemon = start(&place, CONFIG, None)?;
    assert_eq!(place.json(&["status"])?["consent"]["state"], "agreed");
    end(daemon)?;

    fs::remove_file(&file)?;
    let daemon = start(&place, CONFIG, None)?;
    ensure!(place.sesshoku(&["agree", "--yes"])?.status.success());
    wait_for("a new start", || {
        let status = place.json(&["status"]).unwrap_or_default();
        Ok((status["consent"]["state"] == "agreed" && status["state"] == "running").then_some(()))
    })?;
    end(daemon)?;

    // A kiosk agrees in its configuration, and is told to start anew by an erasure.
    fs::remove_file(&file)?;
    let kiosk = format!("profile = 'kiosk'\n[kiosk]\nagreed_terms = '2'\n{CONFIG}");
    let daemon = start(&place, &kiosk, None)?;
    assert_eq!(state(&place)?, ("stopped".into(), "key-lost".into()));
    assert!(!place.sesshoku(&["agree", "--yes"])?.status.success());
    ensure!(place.sesshoku(&["erase", "--yes"])?.status.success());
    wait_for("a new start", || {
        Ok((place.json(&["status"]).unwrap_or_default()["state"] == "running").then_some(()))
    })?;
    end(daemon)
}

#[test]
fn whoever_is_told_to_end_while_it_starts_anew_ends() -> anyhow::Result<()> {
    let place = Place::new()?;
    for _ in 0..10 {
        end(start(&place, CONFIG, None)?)?;
        fs::remove_file(place.state_dir().join("device.key"))?;
        let daemon = start(&place, CONFIG, None)?;
        assert_eq!(state(&place)?, ("stopped".into(), "key-lost".into()));
        ensure!(place.sesshoku(&["erase", "--yes"])?.status.success());
        end(daemon)?;
    }
    Ok(())
}

#[test]
fn whoever_is_told_to_end_while_its_key_is_lost_ends_whoever_asks() -> anyhow::Result<()> {
    let place = Place::new()?;
    end(start(&place, CONFIG, None)?)?;
    fs::remove_file(place.state_dir().join("device.key"))?;
    for round in 0..10 {
        let daemon = start(&place, CONFIG, None)?;
        let mut callers = Vec::new();
        for _ in 0..8 {
            let mut command = Command::new(program("sesshoku")?);
            command.args(["--bus", place.address(), "contacts", "--json"]);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            callers.push(command.spawn()?);
        }
        // The others are about to ask, or wait for their answers.
        let first = callers.first_mut().context("there is one")?;
        first.wait()?;
        daemon
            .signal(Signal::SIGTERM)
            .with_context(|| format!("round {round}"))?;
        end(daemon)?;
        for mut caller in callers {
            caller.wait()?;
        }
    }
    Ok(())
}

#[test]
fn whatever_is_damaged_it_answers_and_lets_go_of_everything() -> anyhow::Result<()> {
    type Damage = fn(&mut Vec<u8>);
    let cases: [(&str, Damage, Option<&str>, &str); 6] = [
        (
            "store.db",
            |file| file.truncate(file.len() - 4096),
            None,
            "erase",
        ),
        ("store.db", |file| file[..100].fill(0xa7), None, "withdraw"),
        ("store.db", |file| file[100..4096].fill(0), None, "erase"),
        (
            "store.db",
            |file| file.fill(0xa7),
            Some("key-lost"),
            "withdraw",
        ),
        (
            "device.key",
            |file| file.truncate(10),
            Some("key-lost"),
            "erase",
        ),
        (
            "wrapping.key",
            |file| file.fill(0),
            Some("key-lost"),
            "withdraw",
        ),
    ];
    for (name, damage, reason, way_out) in cases {
        let place = Place::new()?;
        let daemon = start(&place, CONFIG, None)?;
        ensure!(place.sesshoku(&["agree", "--yes"])?.status.success());
        end(daemon)?;
        let path = place.state_dir().join(name);
        let mut file = fs::read(&path)?;
        damage(&mut file);
        fs::write(&path, file)?;

        let daemon = start(&place, CONFIG, None)?;
        if let Some(reason) = reason {
            assert_eq!(state(&place)?, ("stopped".into(), reason.into()), "{name}");
        } else {
            assert_ne!(state(&place)?.1, "key-lost", "{name}");
            assert_eq!(place.json(&["status"])?["consent"]["state"], "agreed");
        }
        let done = place.sesshoku(&[way_out, "--yes"])?;
        ensure!(done.status.success(), "{name}: {way_out}: {done:?}");
        wait_for("an answer", || {
            let status = place.json(&["status"]).unwrap_or_default();
            let is_anew = !status["reason"].is_null() && status["reason"] != "key-lost";
            Ok(is_anew.then_some(()))
        })?;
        end(daemon)?;
    }
    Ok(())
}
