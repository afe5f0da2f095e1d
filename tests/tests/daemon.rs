//! The daemon and the command line as their users meet them: the real binaries on
//! a private bus.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use gaen::advert::{Flags, encode, parse_service_data};
use gaen::key::Rpi;
use gaen::time::UnixSeconds;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use sesshoku_core::records::{AGREEMENT_VERSION, Consent, TERMS_VERSION};
use sesshoku_tests::local::{Place, Process, program, shared, skipped, wait_for, wait_up_to};
use sesshoku_tests::room::meeting;
use sesshokud::store::{DeviceKey, Store};

/// Somebody was far away, and registers, too.
const FAR: &str = "
[[person]]
stay = [{ from_minute = 40, to_minute = 45, metres = 30.0 }]
registers_at_minute = 1810
";

fn room_config(place: &Place, speed: u32) -> anyhow::Result<String> {
    meeting(place, speed, FAR)
}

fn replay_config(log: &Path, speed: f64) -> String {
    format!(
        "[radio]\nkind = 'replay'\n[radio.replay]\nlog = '{}'\nspeed = {speed:?}\nexit_at_end = true",
        log.display()
    )
}

fn open_store(place: &Place) -> anyhow::Result<Store> {
    let dir = place.state_dir();
    Ok(Store::open(&dir, &DeviceKey::load(&dir, None)?)?)
}

/// Every identifier in the store with the number of its sightings.
fn stored_identifiers(place: &Place) -> anyhow::Result<BTreeMap<Rpi, u32>> {
    let mut identifiers = BTreeMap::new();
    let report = open_store(place)?
        .reader()?
        .for_each_sighting(UnixSeconds::new(0), &mut |sighting| {
            *identifiers.entry(sighting.rpi).or_insert(0) += 1
        })?;
    ensure!(report.damaged_segments == 0, "{report:?}");
    Ok(identifiers)
}

fn agree(place: &Place) -> anyhow::Result<()> {
    let output = place.sesshoku(&["agree", "--yes"])?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

fn end(mut daemon: Process) -> anyhow::Result<()> {
    daemon.signal(Signal::SIGTERM)?;
    ensure!(daemon.wait()? == Some(0), "the daemon did not end well");
    Ok(())
}

#[test]
fn a_recorded_log_is_stored_without_loss() -> anyhow::Result<()> {
    let Some(log) = shared("data/onair/epfl-soldiers-01.btsnoop") else {
        return Ok(());
    };
    let place = Place::new()?;
    let mut daemon = place.start_daemon(&replay_config(&log, 0.0))?;
    agree(&place)?;
    assert_eq!(daemon.wait()?, Some(0), "{}", place.log());
    assert_eq!(stored_identifiers(&place)?.len(), 485);
    Ok(())
}

/// A file system that is unmounted when this is dropped.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// Has what is written to `at` go to a file system that promises nothing; `None` where
/// that is not allowed.
fn mount_overlay(place: &Place, at: &Path) -> anyhow::Result<Option<Mounted>> {
    let dirs = ["lower", "upper", "work"].map(|name| place.dir().join(name));
    for dir in dirs.iter().map(PathBuf::as_path).chain([at]) {
        fs::create_dir_all(dir)?;
    }
    let [lower, upper, work] = dirs.map(|dir| dir.display().to_string());
    let done = Command::new("mount")
        .args(["-t", "overlay", "overlay", "-o"])
        .arg(format!("lowerdir={lower},upperdir={upper},workdir={work}"))
        .arg(at)
        .output()?;
    Ok(done.status.success().then(|| Mounted(at.to_owned())))
}

#[test]
fn status_says_when_what_is_deleted_may_stay_on_the_disk() -> anyhow::Result<()> {
    let place = Place::new()?;
    let Some(_mounted) = mount_overlay(&place, &place.state_dir())? else {
        skipped("an overlay cannot be mounted here");
        return Ok(());
    };
    let daemon = place.start_daemon(&room_config(&place, 1)?)?;
    assert_eq!(place.json(&["status"])?["overwrite_doubt"], "file-system");
    let shown = String::from_utf8(place.sesshoku(&["status"])?.stdout)?;
    assert!(
        shown.contains("What was deleted may still be on the disk"),
        "{shown}"
    );
    end(daemon)
}

/// A record of a Bluetooth log (H4) with `packet`, cut to what is not zero at its end.
fn record(packet: &[u8], length: usize) -> anyhow::Result<Vec<u8>> {
    let length = u32::try_from(length)?.to_be_bytes();
    let mut record = [&length[..], &length, &[0; 8]].concat();
    // 2020-08-01, in microseconds since the year 0.
    record.extend((62_168_256_000_000_000_i64 + 1_596_240_000_000_000).to_be_bytes());
    record.extend(packet);
    Ok(record)
}

/// An advertising report of an Exposure Notification advert, as a record.
fn advert(rpi: u8) -> anyhow::Result<Vec<u8>> {
    let data = parse_service_data(&[rpi; 20]).context("service data")?;
    let data = encode(&data, Flags::Present);
    let length = u8::try_from(data.len())?;
    let mut packet = vec![4, 0x3e, 0, 2, 1, 3, 1, rpi, 2, 3, 4, 5, 6, length];
    packet.extend(data);
    packet.push(200);
    record(&packet, packet.len())
}

#[test]
fn what_cannot_be_played_within_bounds_is_refused_at_once() -> anyhow::Result<()> {
    let place = Place::new()?;
    let pipe = place.dir().join("pipe");
    mkfifo(&pipe, Mode::S_IRWXU)?;
    let line = place.dir().join("line");
    fs::write(&line, b"btsnoop\0\0\0\0\x01\0\0\x03\xea")?;
    File::options()
        .write(true)
        .open(&line)?
        .set_len(300_000_000)?;
    let ordinary = "not an ordinary file";
    let check = |log: &Path, why: &str| {
        let output = place
            .daemon_command(&replay_config(log, 0.0))?
            .stderr(Stdio::piped())
            .output()?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(1), "{said}");
        ensure!(said.contains(why), "{}: {said}", log.display());
        ensure!(said.contains(&log.display().to_string()), "{said}");
        anyhow::Ok(())
    };
    check(Path::new("/dev/zero"), ordinary)?;
    check(&pipe, ordinary)?;
    check(&line, "longer than 268435456 bytes")?;
    // Somebody has it open, and writes nothing.
    let _writer = File::options().read(true).write(true).open(&pipe)?;
    check(&pipe, ordinary)
}

#[test]
fn a_long_log_is_played_in_little_memory() -> anyhow::Result<()> {
    const LENGTH: usize = 65_540;
    let place = Place::new()?;
    let path = place.dir().join("log.btsnoop");
    let mut log = File::create(&path)?;
    log.write_all(b"btsnoop\0\0\0\0\x01\0\0\x03\xea")?;
    log.write_all(&advert(1)?)?;
    for _ in 0..3_000 {
        // Data that is no event; the zeros after it take no room on the disk.
        log.write_all(&record(&[2], LENGTH)?)?;
        log.seek(SeekFrom::Current(i64::try_from(LENGTH - 1)?))?;
    }
    log.write_all(&advert(2)?)?;
    ensure!(log.metadata()?.len() > 190_000_000);
    let config = format!(
        "[radio]\nkind = 'replay'\n[radio.replay]\nlog = '{}'\nspeed = 0.0",
        path.display()
    );
    let daemon = place.start_daemon(&config)?;
    agree(&place)?;
    wait_for("the end of the log", || {
        let reason = &place.json(&["status"])?["reason"];
        Ok((reason == "log-ended").then_some(()))
    })?;
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.id()))?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"))
        .context("the most memory it ever had")?;
    let kilobytes: u64 = peak.trim().parse()?;
    ensure!(kilobytes < 100_000, "{kilobytes} kB");
    end(daemon)?;
    assert_eq!(stored_identifiers(&place)?.len(), 2);
    Ok(())
}

#[test]
fn a_daemon_killed_while_it_plays_a_log_loses_at_most_the_cycle_in_flight() -> anyhow::Result<()> {
    let Some(log) = shared("data/onair/epfl-soldiers-01.btsnoop") else {
        return Ok(());
    };
    let place = Place::new()?;
    let config = replay_config(&log, 600.0);
    let mut daemon = place.start_daemon(&config)?;
    agree(&place)?;
    for cycles in [2, 3] {
        wait_for("some cycles", || {
            let stored = place.json(&["status"])?["scans"]["counters"]["cycles"]
                .as_u64()
                .unwrap_or(0);
            Ok((stored >= cycles).then_some(()))
        })?;
        daemon.signal(Signal::SIGKILL)?;
        daemon.wait()?;
        daemon = place.start_daemon(&config)?;
    }
    drop(daemon);
    let mut daemon = Process::start(&mut place.daemon_command(&replay_config(&log, 0.0))?)?;
    assert_eq!(daemon.wait()?, Some(0), "{}", place.log());
    // It goes on where the last stored cycle ended, so here not even that is lost.
    assert_eq!(stored_identifiers(&place)?.len(), 485);
    Ok(())
}

#[test]
fn somebody_near_who_registers_becomes_a_contact() -> anyhow::Result<()> {
    let place = Place::new()?;
    let daemon = place.start_daemon(&room_config(&place, 7_200)?)?;
    let before = place.json(&["status"])?;
    assert_eq!(
        (&before["state"], &before["radio"]),
        (&"no-consent".into(), &"air".into())
    );
    agree(&place)?;
    let contacts = wait_for("the contact", || {
        let contacts = place.json(&["contacts"])?;
        Ok((contacts["verdict"] == "contact").then_some(contacts))
    })?;
    let days = contacts["contacts"].as_array().context("contacts")?;
    assert_eq!(days.len(), 1, "{contacts}");
    assert_eq!(days[0]["date"], "2023-11-14", "{contacts}");
    assert_eq!(days[0]["contacts"], 1, "{contacts}");
    let seconds = days[0]["seconds"].as_u64().context("seconds")?;
    // 25 minutes, to a scan cycle of up to five minutes at either end; who was far
    // away counts in the whole, not in what was near.
    assert!((1_140..=2_460).contains(&seconds), "{contacts}");
    let near_seconds = days[0]["near_seconds"].as_u64().context("near seconds")?;
    assert!((1_140..=1_860).contains(&near_seconds), "{contacts}");
    assert!(
        days[0]["score"].as_f64().context("score")? >= 100.0,
        "{contacts}"
    );

    let output = place.sesshoku(&["contacts", "--lang", "ja"])?;
    let text = String::from_utf8(output.stdout)?;
    assert!(
        text.contains("過去14日間の接触一覧") && text.contains("1件"),
        "{text}"
    );
    end(daemon)
}

#[test]
fn nothing_is_recorded_before_agreement_and_withdrawing_erases() -> anyhow::Result<()> {
    let place = Place::new()?;
    let daemon = place.start_daemon(&room_config(&place, 3_600)?)?;
    let status = place.json(&["status"])?;
    assert_eq!(status["state"], "no-consent");
    assert_eq!(status["scans"]["counters"]["rotations"], 0);
    let refused = place.sesshoku(&["check", "--json"])?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("consent-required"));
    let unknown = place.sesshoku(&["contacts"])?;
    assert_eq!(unknown.status.code(), Some(4));
    let wrong = place.sesshoku(&["agree", "--yes", "--version", "0"])?;
    assert_eq!(wrong.status.code(), Some(1));
    assert_eq!(place.json(&["status"])?["state"], "no-consent");

    agree(&place)?;
    wait_for("sightings", || {
        let stored = place.json(&["status"])?["scans"]["counters"]["stored"]
            .as_u64()
            .unwrap_or(0);
        Ok((stored > 50).then_some(()))
    })?;
    let output = place.sesshoku(&["withdraw", "--yes"])?;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let status = place.json(&["status"])?;
    assert_eq!(status["state"], "no-consent");
    assert_eq!(status["broadcasting"], false);
    end(daemon)?;
    assert!(stored_identifiers(&place)?.is_empty());
    assert!(open_store(&place)?.consent()?.is_none());
    Ok(())
}

/// Whoever agreed to the terms before these is asked again, and so is whoever registers.
#[test]
fn new_terms_are_asked_of_everybody_and_keep_what_was_recorded() -> anyhow::Result<()> {
    let place = Place::new()?;
    let config = "[radio]\nkind = 'air'\n";
    let is_running = || {
        wait_for("the daemon to record", || {
            let status = place.json(&["status"])?;
            Ok((status["state"] == "running").then_some(()))
        })
    };
    let recorded = || -> anyhow::Result<_> { Ok(open_store(&place)?.own_keys()?) };

    let daemon = place.start_daemon(config)?;
    agree(&place)?;
    is_running()?;
    end(daemon)?;
    let before = recorded()?;
    ensure!(!before.is_empty());
    let former: u32 = TERMS_VERSION.parse::<u32>()? - 1;
    open_store(&place)?.set_consent(Some(&Consent {
        version: former.to_string(),
        agreed_at: UnixSeconds::new(1_600_000_000),
    }))?;

    let daemon = place.start_daemon(config)?;
    let status = place.json(&["status"])?;
    assert_eq!(status["state"], "no-consent");
    assert_eq!(status["reason"], "consent-outdated");
    assert_eq!(status["consent"]["state"], "outdated");
    assert_eq!(status["consent"]["agreed_version"], former.to_string());
    assert_eq!(status["consent"]["current_version"], TERMS_VERSION);
    assert_eq!(status["broadcasting"], false);
    let refused = place.sesshoku(&["check", "--json"])?;
    assert!(String::from_utf8_lossy(&refused.stderr).contains("consent-required"));
    end(daemon)?;
    let kept = recorded()?;
    assert_eq!(kept.len(), before.len());
    assert!(
        kept.iter()
            .zip(&before)
            .all(|(kept, before)| kept.tek == before.tek)
    );

    let daemon = place.start_daemon(config)?;
    agree(&place)?;
    is_running()?;
    for (agreed, answer) in [
        (&*former.to_string(), "AgreementVersionMismatch"),
        (AGREEMENT_VERSION, "NotConfigured"),
    ] {
        let refused = place.gdbus(
            "org.sesshoku.Tracing1",
            "/org/sesshoku/Tracing1",
            "org.sesshoku.Registration1.Register",
            &[agreed, "true", "2020-08-01", "'12345678'"],
        );
        let refused = format!("{refused:?}");
        ensure!(refused.contains(answer), "{agreed}: {refused}");
    }
    end(daemon)?;
    assert!(recorded()?.iter().any(|key| key.tek == before[0].tek));
    Ok(())
}

#[test]
fn erasing_keeps_the_agreement_and_records_anew() -> anyhow::Result<()> {
    let place = Place::new()?;
    let daemon = place.start_daemon(&room_config(&place, 3_600)?)?;
    agree(&place)?;
    let some_stored = || {
        wait_for("cycles", || {
            let cycles = place.json(&["status"])?["scans"]["counters"]["cycles"]
                .as_u64()
                .unwrap_or(0);
            Ok((cycles > 5).then_some(()))
        })
    };
    some_stored()?;
    assert!(place.sesshoku(&["erase", "--yes"])?.status.success());
    some_stored()?;
    let status = place.json(&["status"])?;
    assert_eq!(
        (&status["state"], &status["reason"]),
        (&"running".into(), &"ready".into())
    );
    end(daemon)
}

#[test]
fn nothing_that_identifies_anybody_is_in_the_logs() -> anyhow::Result<()> {
    let place = Place::new()?;
    let daemon = place.start_daemon(&room_config(&place, 7_200)?)?;
    agree(&place)?;
    wait_for("the contact", || {
        Ok((place.json(&["contacts"])?["verdict"] == "contact").then_some(()))
    })?;
    end(daemon)?;
    let log = place.log();
    assert!(log.contains("started"), "the log is there");
    let identifiers = stored_identifiers(&place)?;
    let store = open_store(&place)?;
    let mut secrets: BTreeSet<[u8; 16]> = identifiers.keys().map(|rpi| *rpi.as_bytes()).collect();
    secrets.extend(store.own_keys()?.iter().map(|key| *key.tek.expose_bytes()));
    assert!(secrets.len() > 2);
    for secret in &secrets {
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let list = format!("{:?}", &secret[..4]);
        let list = list.trim_matches(['[', ']']);
        assert!(
            !log.to_lowercase().contains(&hex[..8]),
            "an identifier is in the log"
        );
        assert!(!log.contains(list), "an identifier is in the log");
    }
    Ok(())
}

#[test]
fn two_daemons_do_not_share_a_state_folder() -> anyhow::Result<()> {
    let place = Place::new()?;
    let config = room_config(&place, 1)?;
    let _daemon = place.start_daemon(&config)?;
    let mut second = Process::start(&mut place.daemon_command(&config)?)?;
    assert_eq!(second.wait()?, Some(1));
    assert!(place.log().contains("sesshokud: "), "{}", place.log());
    Ok(())
}

#[test]
fn a_daemon_whose_bus_is_gone_takes_its_name_on_the_next() -> anyhow::Result<()> {
    let mut place = Place::new()?;
    let mut daemon = place.start_daemon(&room_config(&place, 600)?)?;
    agree(&place)?;
    let cycles = |place: &Place| -> Option<u64> {
        let status = place.json(&["status"]).ok()?;
        status["scans"]["counters"]["cycles"].as_u64()
    };
    let before = wait_for("a scan", || Ok(cycles(&place).filter(|count| *count > 0)))?;
    for _ in 0..2 {
        place.kill_bus()?;
        wait_for("the daemon to notice", || {
            Ok(place.log().contains("the bus is gone").then_some(()))
        })?;
        assert!(daemon.is_running()?, "{}", place.log());
        place.restart_bus()?;
        let limit = Duration::from_secs(10);
        let after = wait_up_to(limit, "its name", || Ok(cycles(&place)))?;
        assert!(after >= before, "{after} after {before}");
    }
    assert!(place.sesshoku(&["erase", "--yes"])?.status.success());
    end(daemon)
}

#[test]
fn a_check_that_hangs_is_in_nobodys_way() -> anyhow::Result<()> {
    let place = Place::new()?;
    // It takes connections and never says a word.
    let server = TcpListener::bind("127.0.0.1:0")?;
    let config = room_config(&place, 1)?;
    let folder = format!("url = 'file://{}/server'", place.dir().display());
    let silent = format!("url = 'http://{}/'", server.local_addr()?);
    let mut daemon = place.start_daemon(&config.replace(&folder, &silent))?;
    agree(&place)?;

    let mut callers = (0..40)
        .map(|_| place.call("Exposure1.CheckNow"))
        .collect::<anyhow::Result<Vec<_>>>()?;
    // 32 may wait; the others are sent away.
    wait_for("callers to be sent away", || {
        let mut ended = 0;
        for caller in &mut callers {
            ended += usize::from(!caller.is_running()?);
        }
        Ok((ended >= 8).then_some(()))
    })?;
    assert_eq!(place.json(&["status"])?["state"], "running");
    let erased = place.sesshoku(&["erase", "--yes"])?;
    assert!(erased.status.success(), "{erased:?}");
    let mut answers = BTreeMap::new();
    for caller in callers {
        *answers.entry(caller.error()?).or_insert(0) += 1;
    }
    // Who is sent away is told which of two limits was met.
    let busy = "org.sesshoku.Error.Busy";
    let waited = answers.remove(&format!("{busy}: everything is being erased"));
    assert_eq!(waited, Some(32), "{answers:?}");
    assert!(
        answers.keys().all(|error| error.starts_with(busy)),
        "{answers:?}"
    );
    assert_eq!(answers.values().sum::<i32>(), 8, "{answers:?}");

    let caller = place.call("Exposure1.CheckNow")?;
    wait_for("the check to begin", || {
        Ok((place.json(&["status"])?["check"]["checking"] == true).then_some(()))
    })?;
    daemon.signal(Signal::SIGTERM)?;
    assert_eq!(daemon.wait_up_to(Duration::from_secs(10))?, Some(0));
    assert!(caller.error()?.contains("ShuttingDown"));
    Ok(())
}

#[test]
fn the_configuration_is_checked() -> anyhow::Result<()> {
    let place = Place::new()?;
    let good = place
        .daemon_command("[scan]\nmode = 'continuous'")?
        .arg("--check-config")
        .status()?;
    assert_eq!(good.code(), Some(0));
    for bad in [
        "[scan]\nmod = 'continuous'",
        "[scan]\nmode = 'sometimes'",
        "[server]\nurl = 'x'",
    ] {
        let status = place.daemon_command(bad)?.arg("--check-config").status()?;
        assert_eq!(status.code(), Some(2), "{bad}");
    }
    let missing = place
        .daemon_command("")?
        .args(["--config", "/nonexistent/sesshokud.toml", "--check-config"])
        .status()?;
    assert_eq!(missing.code(), Some(2));
    Ok(())
}

#[test]
fn the_command_line_tells_when_nobody_answers() -> anyhow::Result<()> {
    let place = Place::new()?;
    for command in ["status", "contacts", "check"] {
        let output = place.sesshoku(&[command])?;
        assert_eq!(output.status.code(), Some(3), "{command}");
        assert!(!output.stderr.is_empty());
    }
    Ok(())
}

#[test]
fn the_exported_interfaces_are_the_documented_ones() -> anyhow::Result<()> {
    let place = Place::new()?;
    let _daemon = place.start_daemon(&room_config(&place, 1)?)?;
    let output = Command::new("dbus-send")
        .arg(format!("--bus={}", place.address()))
        .args([
            "--print-reply=literal",
            "--dest=org.sesshoku.Tracing1",
            "/org/sesshoku/Tracing1",
        ])
        .arg("org.freedesktop.DBus.Introspectable.Introspect")
        .output()?;
    let exported = String::from_utf8(output.stdout)?;
    for documented in sesshoku_dbus_api::ALL_XML {
        let (documented, interface) = (members(documented), interface_name(documented)?);
        let start = exported
            .find(&format!("<interface name=\"{interface}\""))
            .context("exported")?;
        let end = start + exported[start..].find("</interface>").context("ends")?;
        assert_eq!(members(&exported[start..end]), documented, "{interface}");
    }
    Ok(())
}

fn interface_name(xml: &str) -> anyhow::Result<&str> {
    let start = xml.find("<interface name=\"").context("interface")? + "<interface name=\"".len();
    Ok(&xml[start..start + xml[start..].find('"').context("name")?])
}

/// Every method, signal, property and argument with its type and direction, and
/// every annotation of change signals, in a form that does not depend on layout.
fn members(xml: &str) -> BTreeSet<String> {
    let mut members = BTreeSet::new();
    let (mut member, mut argument) = (String::new(), 0);
    let without_comments: String = xml
        .split("<!--")
        .map(|part| part.split_once("-->").map_or(part, |it| it.1))
        .collect();
    for tag in without_comments.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        let attribute = |name: &str| {
            let start = tag.find(&format!("{name}=\""))? + name.len() + 2;
            Some(&tag[start..start + tag[start..].find('"')?])
        };
        let of = |name| attribute(name).unwrap_or_default();
        match tag.split_whitespace().next().unwrap_or_default() {
            kind @ ("method" | "signal" | "property") => {
                member = format!("{kind} {}", of("name"));
                argument = 0;
                members.insert(format!("{member} {} {}", of("type"), of("access")));
            }
            "arg" => {
                argument += 1;
                members.insert(format!(
                    "{member} #{argument} {} {}",
                    of("type"),
                    of("direction")
                ));
            }
            "annotation" if of("name").ends_with("EmitsChangedSignal") && of("value") != "true" => {
                members.insert(format!("{member} emits {}", of("value")));
            }
            _ => {}
        }
    }
    members
}

#[test]
fn help_is_there() -> anyhow::Result<()> {
    for name in ["sesshokud", "sesshoku"] {
        let output = Command::new(program(name)?).arg("--help").output()?;
        assert!(
            output.status.success() && output.stdout.len() > 500,
            "{name}"
        );
    }
    Ok(())
}
