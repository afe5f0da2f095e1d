//! `sesshoku kiosk`: what the operator of a kiosk has running beside the daemon.
//!
//! It keeps a file for the monitoring up to date, and has systemd start a unit once
//! for each new contact.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt;
use sesshoku_dbus_api::{self as api, BUS_NAME, CheckOutcome, ConsentState, Named, RunState};
use sesshoku_session::Told;
use zbus::{Connection, OwnedObjectPath, fdo, proxy};

use crate::args::Bus;
use crate::bus;
use crate::contacts::Contacts;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::status::{Snapshot, Status};

/// How often the file is written even when nothing changes: its age tells the
/// monitoring that this runs.
const AT_LEAST_EVERY: Duration = Duration::from_secs(60);
/// Changes within this time are written as one.
const TOGETHER: Duration = Duration::from_secs(1);
/// What the unit is started for: the same for every contact, since names of units are
/// in the journal.
const INSTANCE: &str = "contact";

#[proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1"
)]
trait Systemd {
    fn start_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
}

/// What to do for the operator.
#[derive(Debug)]
pub(crate) struct Duties<'a> {
    /// The file for the monitoring.
    pub(crate) textfile: Option<&'a Path>,
    /// The template of the unit to start.
    pub(crate) on_contact: Option<&'a str>,
    /// Where contacts that a unit was started for are kept.
    pub(crate) state_dir: Option<&'a Path>,
}

/// Does `duties` until the bus is gone.
pub(crate) async fn kiosk(
    bus: &Bus,
    output: &Output,
    duties: &Duties<'_>,
) -> Result<Exit, Failure> {
    let hook = match (duties.on_contact, duties.state_dir) {
        (None, _) => None,
        (Some(_), None) => return Err(Failure::NeedsFlag("--state-dir")),
        (Some(template), Some(dir)) => Some(Hook {
            unit: instance_of(template),
            told: Told::load(dir.join("told"))?,
        }),
    };
    let connection = bus::connect(bus).await?;
    // Subscribed before the first look, so that no change falls in between.
    let mut changes = api::signals(&connection).await?;
    let dbus = fdo::DBusProxy::new(&connection).await?;
    let mut daemons = dbus
        .receive_name_owner_changed_with_args(&[(0, BUS_NAME)])
        .await?;
    let mut agent = Agent {
        connection: &connection,
        output,
        textfile: duties.textfile,
        hook,
        said: None,
    };
    loop {
        agent.look().await?;
        let goes_on = tokio::select! {
            change = changes.next() => change.is_some(),
            change = daemons.next() => change.is_some(),
            () = tokio::time::sleep(AT_LEAST_EVERY) => true,
        };
        if !goes_on {
            break;
        }
        let more = async {
            tokio::select! {
                () = async { while changes.next().await.is_some() {} } => {}
                () = async { while daemons.next().await.is_some() {} } => {}
            }
        };
        // Whether the bus is gone shows at the next look.
        let _ = tokio::time::timeout(TOGETHER, more).await;
    }
    Err(Failure::NoBus(zbus::Error::Failure(
        "the bus closed the connection".to_owned(),
    )))
}

struct Agent<'a> {
    connection: &'a Connection,
    output: &'a Output,
    textfile: Option<&'a Path>,
    hook: Option<Hook>,
    /// What went wrong last, so that it is said once.
    said: Option<String>,
}

/// The unit that is started for a contact.
struct Hook {
    unit: String,
    told: Told,
}

impl Agent<'_> {
    async fn look(&mut self) -> Result<(), Failure> {
        // A daemon that is away is a state like any other.
        let status = match Snapshot::fetch(self.connection).await {
            Ok(snapshot) => Some(snapshot.status()),
            Err(failure) if failure.exit() == Exit::Unreachable => None,
            Err(failure) => return Err(failure),
        };
        let written = match self.textfile {
            Some(path) => write(path, &metrics(status.as_ref())).map_err(Failure::Io),
            None => Ok(()),
        };
        let started = self.tell_of_contacts(status.as_ref()).await;
        self.say(written.and(started).err())
    }

    async fn tell_of_contacts(&mut self, status: Option<&Status>) -> Result<(), Failure> {
        let (Some(hook), Some(status)) = (&mut self.hook, status) else {
            return Ok(());
        };
        if ConsentState::named(&status.consent.state) == Some(ConsentState::None) {
            // Everything is erased, and this is a part of it.
            return Ok(hook.told.forget()?);
        }
        let contacts = Contacts::fetch(self.connection).await?;
        let days = contacts.days();
        if hook.told.has_new(&days) {
            let systemd = SystemdProxy::new(self.connection).await?;
            systemd.start_unit(&hook.unit, "replace").await?;
            hook.told.note(&days)?;
        }
        Ok(())
    }

    /// What fails is tried again with the next look, and said when it is another thing
    /// than before.
    fn say(&mut self, failure: Option<Failure>) -> Result<(), Failure> {
        let sentence = failure.map(|it| it.sentence(self.output.text().catalogue()));
        if sentence != self.said {
            if let Some(sentence) = &sentence {
                self.output.tell(sentence)?;
            }
            self.said = sentence;
        }
        Ok(())
    }
}

/// `sesshoku-contact@.service` for [`INSTANCE`].
fn instance_of(template: &str) -> String {
    match template.split_once('@') {
        Some((name, suffix)) => format!("{name}@{INSTANCE}{suffix}"),
        None => template.to_owned(),
    }
}

/// The state in Prometheus' text format.
///
/// Nothing in it is about people: not how many devices were near, which would count
/// visitors, and not whether there was a contact.
fn metrics(status: Option<&Status>) -> String {
    let mut metrics = Metrics::default();
    let is_up = status.is_some();
    metrics.add("up", "gauge", "Whether the daemon answers.", is_up.into());
    let Some(status) = status else {
        return metrics.0;
    };
    let running = &status.running;
    let is_recording = RunState::named(&running.state) == Some(RunState::Running);
    let outcome = CheckOutcome::named(&status.check.last_outcome);
    let agreed = ConsentState::named(&status.consent.state) == Some(ConsentState::Agreed);
    let is_simulated = running.radio != api::REAL_RADIO;
    for (name, help, value) in [
        (
            "recording",
            "Whether it broadcasts, listens and stores.",
            is_recording.into(),
        ),
        (
            "broadcasting",
            "Whether an identifier is on the air.",
            running.broadcasting.into(),
        ),
        (
            "simulated",
            "Whether the radio is not a real one.",
            is_simulated.into(),
        ),
        (
            "terms_agreed",
            "Whether the terms in force are agreed to.",
            agreed.into(),
        ),
        (
            "last_check_complete",
            "Whether the last check was complete.",
            (outcome == Some(CheckOutcome::Complete)).into(),
        ),
        (
            "last_scan_timestamp_seconds",
            "When the last scan ended; 0 for never.",
            status.scans.last_scan.unwrap_or(0),
        ),
        (
            "last_complete_check_timestamp_seconds",
            "When the last complete check ended; 0 for never.",
            status.check.last_success.unwrap_or(0),
        ),
    ] {
        metrics.add(name, "gauge", help, value);
    }
    for (name, help, counter) in [
        ("scans_total", "Scans since the daemon started.", "cycles"),
        (
            "scan_failures_total",
            "Failures to listen since the daemon started.",
            "scan-failures",
        ),
        (
            "broadcast_failures_total",
            "Failures to broadcast since the daemon started.",
            "broadcast-failures",
        ),
    ] {
        metrics.add(name, "counter", help, status.scans.counter(counter));
    }
    metrics.head("state", "gauge", "What it does, and why: always 1.");
    metrics.value(
        &format!(
            "state{{state={},reason={},version={}}}",
            quoted(&running.state),
            quoted(&running.reason),
            quoted(&status.version)
        ),
        1,
    );
    metrics.0
}

#[derive(Default)]
struct Metrics(String);

impl Metrics {
    fn add(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.head(name, kind, help);
        self.value(name, value);
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.0 += &format!("# HELP sesshoku_{name} {help}\n# TYPE sesshoku_{name} {kind}\n");
    }

    fn value(&mut self, name: &str, value: u64) {
        self.0 += &format!("sesshoku_{name} {value}\n");
    }
}

/// A label's value.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', r"\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n"))
}

/// Puts `text` into the place of the file at `path`: whoever reads it finds the old one
/// or the new one, whole.
fn write(path: &Path, text: &str) -> io::Result<()> {
    // node_exporter reads what ends with `.prom`.
    let new = PathBuf::from(format!("{}.new", path.display()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o644)
        .open(&new)?;
    file.write_all(text.as_bytes())?;
    // Whatever the umask: the monitoring is another user.
    file.set_permissions(fs::Permissions::from_mode(0o644))?;
    file.sync_all()?;
    fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::tests::snapshot;

    #[test]
    fn the_monitoring_learns_nothing_of_people() {
        let metrics = metrics(Some(&snapshot().status()));
        insta::assert_snapshot!(metrics);
        for word in ["heard", "stored", "contact", "310", "verdict"] {
            assert!(!metrics.contains(word), "{word}");
        }
    }

    #[test]
    fn a_daemon_that_is_away_is_down() {
        assert!(metrics(None).ends_with("\nsesshoku_up 0\n"));
    }

    #[test]
    fn labels_are_escaped() {
        assert_eq!(quoted("a\"b\\c\nd"), r#""a\"b\\c\nd""#);
    }

    #[test]
    fn the_unit_is_an_instance_of_the_template() {
        assert_eq!(
            instance_of("sesshoku-contact@.service"),
            "sesshoku-contact@contact.service"
        );
        assert_eq!(instance_of("tell.service"), "tell.service");
    }
}
