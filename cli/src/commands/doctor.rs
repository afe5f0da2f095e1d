//! `sesshoku doctor`: looks at each part that a warning depends on, without changing
//! anything.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::statvfs::statvfs;
use sesshoku_dbus_api::{
    BUS_NAME, CALIBRATION1, CONSENT1, CheckOutcome, ConsentState, EXPOSURE1, Exposure1Proxy,
    NEVER_CHECKED, NOTICES1, Named, OBJECT_PATH, REAL_RADIO, REGISTRATION1, RunReason, RunState,
    TRACING1,
};
use sesshoku_session::{Preferences, Reach};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use zbus::names::BusName;
use zbus::proxy::CacheProperties;
use zbus::{Connection, fdo, proxy};

use crate::args::Bus;
use crate::bus;
use crate::doctor::{Finding, Report, State};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::status::{Snapshot, Status};
use crate::text::Text;

/// Where bluetoothd is, by distribution.
const BLUETOOTHDS: [&str; 3] = [
    "/usr/libexec/bluetooth/bluetoothd",
    "/usr/lib/bluetooth/bluetoothd",
    "/usr/sbin/bluetoothd",
];
/// How long another program may take to say which it is, or how it is.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The folder of the daemon's records.
const STATE_DIR: &str = "/var/lib/sesshoku";
/// Two weeks among crowds take less (docs/performance.md).
const FREE_BYTES_MIN: u64 = 200 * 1024 * 1024;
/// A scan cycle takes at most 307 s; three without a scan are no chance.
const SCAN_AGE_MAX: u64 = 1_000;
/// A complete check is due once a day.
const CHECK_AGE_MAX: u64 = 86_400;
/// As whom the daemon holds a suspend back.
const INHIBITS_AS: &str = "Sesshoku";

#[proxy(
    interface = "org.freedesktop.timedate1",
    default_service = "org.freedesktop.timedate1",
    default_path = "/org/freedesktop/timedate1"
)]
trait TimeDate {
    #[zbus(property, name = "NTPSynchronized")]
    fn ntp_synchronized(&self) -> zbus::Result<bool>;
}

/// Who delays what, as logind lists it: what, who, why, mode, uid, pid.
type Inhibitor = (String, String, String, String, u32, u32);

#[proxy(
    interface = "org.freedesktop.login1.Manager",
    default_service = "org.freedesktop.login1",
    default_path = "/org/freedesktop/login1"
)]
trait Logind {
    fn list_inhibitors(&self) -> zbus::Result<Vec<Inhibitor>>;
}

/// Looks at everything, and says how it is.
pub(crate) async fn doctor(bus: &Bus, output: &Output, operator: &Path) -> Result<Exit, Failure> {
    let report = examine(bus, party(output.text(), operator)).await;
    output.print(&report, Text::report)?;
    Ok(match report.count(State::Fault) {
        0 => Exit::Done,
        _ => Exit::Refused,
    })
}

async fn examine(bus: &Bus, party: Finding) -> Report {
    let mut findings = Vec::new();
    let Ok(connection) = bus::connect(bus).await else {
        findings.push(Finding::fault("service", "doctor-service-no-bus"));
        findings.push(party);
        return Report { findings };
    };
    findings.push(policy(&connection).await);
    match status(&connection).await {
        Ok(status) => {
            findings.insert(
                0,
                Finding::ok("service", "doctor-service-ok").of(&*status.version),
            );
            findings.extend(of_daemon(&status));
            findings.push(permission(&connection).await);
            if status.running.radio == REAL_RADIO {
                findings.extend(bluez(&connection).await);
            }
        }
        Err(finding) => findings.insert(0, finding),
    }
    findings.push(clock(&connection).await);
    findings.push(sleep(&connection).await);
    findings.extend(disk(Path::new(STATE_DIR)));
    findings.push(notifications().await);
    findings.push(party);
    Report { findings }
}

/// Whether the person who agrees is told with whom. Nothing fails by it, but what nobody is
/// named in is no agreement.
fn party(text: &Text, path: &Path) -> Finding {
    let operator = match sesshoku_session::operator(path) {
        Ok(operator) => operator,
        Err(error) => {
            return Finding::fault("operator", "doctor-operator-unusable").of(error.to_string());
        }
    };
    let gaps = operator.gaps();
    match operator.notification_server {
        _ if operator.sample => Finding::note("operator", "doctor-operator-sample"),
        None => Finding::note("operator", "doctor-operator-none"),
        Some(_) if !gaps.is_empty() => {
            Finding::note("operator", "doctor-operator-incomplete").of(gaps.join(", "))
        }
        Some(party) => Finding::ok("operator", "doctor-operator-ok").of(text.named(&party.name)),
    }
}

/// The daemon's state; it is not started for it.
async fn status(connection: &Connection) -> Result<Status, Finding> {
    if !has_owner(connection, BUS_NAME).await {
        return Err(Finding::fault("service", "doctor-service-away"));
    }
    let snapshot = Snapshot::fetch(connection).await;
    snapshot
        .map(|snapshot| snapshot.status())
        .map_err(|failure| Finding::fault("service", "doctor-service-silent").of(failure.name()))
}

async fn has_owner(connection: &Connection, name: &str) -> bool {
    let Ok(name) = BusName::try_from(name) else {
        return false;
    };
    match fdo::DBusProxy::new(connection).await {
        Ok(dbus) => dbus.name_has_owner(name).await.unwrap_or(false),
        Err(_) => false,
    }
}

/// Whether the bus lets calls of all the daemon's interfaces through: where a policy is
/// missing, what it keeps out looks like a daemon that refuses.
async fn policy(connection: &Connection) -> Finding {
    let interfaces = [
        TRACING1,
        CONSENT1,
        EXPOSURE1,
        REGISTRATION1,
        NOTICES1,
        CALIBRATION1,
    ];
    for interface in interfaces {
        let call = connection.call_method(
            Some(BUS_NAME),
            OBJECT_PATH,
            Some(interface),
            "NoSuchMethod",
            &(),
        );
        if let Err(zbus::Error::FDO(error)) = call.await
            && matches!(*error, fdo::Error::AccessDenied(_))
        {
            return Finding::fault("policy", "doctor-policy-refused").of(interface);
        }
    }
    Finding::ok("policy", "doctor-policy-ok")
}

/// What the daemon says of itself.
fn of_daemon(status: &Status) -> Vec<Finding> {
    vec![
        agreement(status),
        recording(status),
        listening(status),
        check(status),
        deleting(status),
    ]
}

fn agreement(status: &Status) -> Finding {
    match ConsentState::named(&status.consent.state) {
        Some(ConsentState::Agreed) => Finding::ok("agreement", "doctor-agreement-ok"),
        Some(ConsentState::Outdated) => Finding::fault("agreement", "reason-consent-outdated"),
        Some(ConsentState::None) | None => Finding::fault("agreement", "reason-consent-missing"),
    }
}

fn recording(status: &Status) -> Finding {
    let running = &status.running;
    if running.radio != REAL_RADIO {
        return Finding::note("recording", "doctor-recording-simulated").of(&*running.radio);
    }
    let sentence = format!("reason-{}", running.reason);
    let is_starting = RunReason::named(&running.reason) == Some(RunReason::Starting);
    match RunState::named(&running.state) {
        Some(RunState::Running) => Finding::ok("recording", sentence),
        _ if is_starting => Finding::note("recording", sentence),
        _ => Finding::fault("recording", sentence),
    }
}

fn listening(status: &Status) -> Finding {
    let last = status.scans.last_scan;
    let finding = match last {
        Some(last) if status.time.saturating_sub(last) <= SCAN_AGE_MAX => {
            Finding::ok("listening", "doctor-listening-ok")
        }
        Some(_) => Finding::fault("listening", "doctor-listening-old"),
        None => Finding::note("listening", "doctor-listening-never"),
    };
    finding.at(last)
}

fn check(status: &Status) -> Finding {
    let check = &status.check;
    let outcome = check.last_outcome.as_str();
    let age = check
        .last_success
        .map(|last| status.time.saturating_sub(last));
    let is_complete = CheckOutcome::named(outcome) == Some(CheckOutcome::Complete);
    match age {
        Some(age) if is_complete && age <= CHECK_AGE_MAX => {
            Finding::ok("check", "doctor-check-ok").at(check.last_success)
        }
        Some(_) if is_complete => {
            Finding::fault("check", "doctor-check-old").at(check.last_success)
        }
        _ if outcome == NEVER_CHECKED => Finding::note("check", "doctor-check-never"),
        _ => Finding::fault("check", format!("outcome-{outcome}")),
    }
}

fn deleting(status: &Status) -> Finding {
    match &status.overwrite_doubt {
        None => Finding::ok("deleting", "doctor-deleting-ok"),
        Some(doubt) => Finding::note("deleting", format!("doubt-{doubt}")),
    }
}

/// Whether who asks may know the result without authenticating.
async fn permission(connection: &Connection) -> Finding {
    let answer = match Exposure1Proxy::new(connection).await {
        Ok(exposure) => exposure.get_result().await,
        Err(_) => return Finding::fault("permission", "doctor-permission-denied"),
    };
    match answer {
        Ok(_) => Finding::ok("permission", "doctor-permission-ok"),
        Err(_) => Finding::note("permission", "doctor-permission-denied"),
    }
}

/// bluetoothd, which is asked itself: the daemon's word may be as old as its trouble.
async fn bluez(connection: &Connection) -> Vec<Finding> {
    const SERVICE: &str = "org.bluez";
    if !has_owner(connection, SERVICE).await {
        return vec![Finding::fault("bluetooth", "doctor-bluetooth-away")];
    }
    let version = match version().await {
        Some(version) => Finding::ok("bluetooth", "doctor-bluetooth-ok").of(version),
        None => Finding::ok("bluetooth", "doctor-bluetooth-unknown"),
    };
    let mut findings = vec![version];
    let objects = match fdo::ObjectManagerProxy::new(connection, SERVICE, "/").await {
        Ok(objects) => objects.get_managed_objects().await.unwrap_or_default(),
        Err(_) => return findings,
    };
    let offers = |interface: &str| {
        objects
            .values()
            .any(|interfaces| interfaces.keys().any(|name| name.as_str() == interface))
    };
    findings.push(if !offers("org.bluez.Adapter1") {
        Finding::fault("adapter", "reason-adapter-absent")
    } else if !offers("org.bluez.LEAdvertisingManager1") {
        Finding::fault("adapter", "reason-adapter-incapable")
    } else if offers("org.bluez.AdvertisementMonitorManager1") {
        Finding::ok("adapter", "doctor-adapter-ok")
    } else {
        // Each phone is then heard five or six times in a window, which is enough.
        Finding::note("adapter", "doctor-adapter-plain")
    });
    findings
}

/// Which bluetoothd is installed.
async fn version() -> Option<String> {
    let program = BLUETOOTHDS.iter().find(|path| Path::new(path).exists())?;
    let ask = spawn_blocking(move || {
        let mut command = Command::new(program);
        command.arg("--version").stdin(Stdio::null()).output()
    });
    let said = timeout(ANSWER_WITHIN, ask).await.ok()?.ok()?.ok()?;
    let version = String::from_utf8(said.stdout).ok()?;
    Some(version.trim().to_owned()).filter(|version| !version.is_empty())
}

async fn clock(connection: &Connection) -> Finding {
    let time = TimeDateProxy::builder(connection)
        .cache_properties(CacheProperties::No)
        .build()
        .await;
    let answer = match time {
        Ok(time) => timeout(ANSWER_WITHIN, time.ntp_synchronized()).await,
        Err(_) => return Finding::note("clock", "doctor-clock-unknown"),
    };
    match answer {
        Ok(Ok(true)) => Finding::ok("clock", "doctor-clock-ok"),
        Ok(Ok(false)) => Finding::note("clock", "doctor-clock-alone"),
        Ok(Err(_)) | Err(_) => Finding::note("clock", "doctor-clock-unknown"),
    }
}

/// Whether the daemon holds a suspend back until it is off the air (docs/sleep.md).
async fn sleep(connection: &Connection) -> Finding {
    let Ok(logind) = LogindProxy::new(connection).await else {
        return Finding::note("sleep", "doctor-sleep-unknown");
    };
    match logind.list_inhibitors().await {
        Ok(inhibitors) => {
            let is_ours = |it: &Inhibitor| it.0.contains("sleep") && it.1 == INHIBITS_AS;
            if inhibitors.iter().any(is_ours) {
                Finding::ok("sleep", "doctor-sleep-ok")
            } else {
                Finding::note("sleep", "doctor-sleep-unguarded")
            }
        }
        Err(_) => Finding::note("sleep", "doctor-sleep-unknown"),
    }
}

/// Room for the records, where there are any yet.
fn disk(state_dir: &Path) -> Option<Finding> {
    let room = statvfs(state_dir).ok()?;
    let free = room.blocks_available().saturating_mul(room.fragment_size());
    let mebibytes = (free / (1024 * 1024)).to_string();
    Some(if free >= FREE_BYTES_MIN {
        Finding::ok("disk", "doctor-disk-ok").of(mebibytes)
    } else {
        Finding::fault("disk", "doctor-disk-full").of(mebibytes)
    })
}

/// Whether somebody who sits here would be notified.
async fn notifications() -> Finding {
    if !Preferences::of_environment().notifications {
        return Finding::note("notifications", "doctor-notifications-off");
    }
    let Ok(session) = Connection::session().await else {
        return Finding::note("notifications", "doctor-notifications-no-session");
    };
    match Reach::of(&session).await {
        Reach::Shown => Finding::ok("notifications", "doctor-notifications-ok"),
        Reach::NoAgent => Finding::fault("notifications", "doctor-notifications-no-agent"),
        Reach::NoDesktop => Finding::fault("notifications", "doctor-notifications-no-desktop"),
    }
}
