//! Everything the window does, without a window: what the page asks goes to the
//! daemon and comes back as plain values.
//!
//! Nothing is polled. [`Controller::follow`] listens to the daemon's signals, and
//! tells of each change once.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt;
use serde::Serialize;
use sesshoku_core::Named;
use sesshoku_core::reminder::Reminder;
use sesshoku_dbus_api::{
    self as api, BUS_NAME, CONSENT1, CheckEntry, Consent1Proxy, ContactDay, EXPOSURE1,
    Exposure1Proxy, ExposureResult, NOTICES1, Properties, Registration1Proxy, TRACING1,
    Tracing1Proxy, number_pipe,
};
use sesshoku_session::{NOTIFICATIONS, NOTIFIER, Preferences, Reach, StateFile, state_file};
use tokio::sync::Mutex;
use zbus::{Connection, fdo, proxy};

use crate::failure::Failure;
use crate::model::{
    Check, Choice, Consent, Day, Environment, Exposure, Guidance, Inquiries, Notice, Point,
    Registration, Sentence, Service, Status,
};

/// A daemon has several changes at once, and on simulated time many a second; those
/// within this time are told as one.
const TOGETHER: Duration = Duration::from_millis(60);
/// How long to wait before trying again to reach a bus that is not there.
const BUS_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// An export is never numbered higher: somebody has thousands of them by then.
const MOST_EXPORTS: u32 = 10_000;
/// No export is longer, in bytes: two weeks of crowds take less.
const LONGEST_EXPORT: u64 = 64 << 20;

/// The bus that the daemon is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bus {
    /// The system bus.
    System,
    /// The session bus.
    Session,
    /// A bus at an address.
    Address(String),
}

/// Where files are.
#[derive(Clone, Debug)]
pub struct Places {
    /// The person's preferences.
    pub preferences: PathBuf,
    /// The contacts by prefecture.
    pub directory: PathBuf,
    /// The file that names who runs the service.
    pub operator: PathBuf,
    /// Where exports go.
    pub export_dir: PathBuf,
}

/// What changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The daemon's state.
    Status(Box<Status>),
    /// The result may have changed. It is not said how: it is only told when asked for.
    Exposure,
    /// Whether notifications come through.
    Notifier,
}

/// What the page asks for.
#[derive(Debug)]
pub struct Controller {
    bus: Bus,
    places: Places,
    /// `None` before it is needed, and once the bus has gone.
    connection: Mutex<Option<Connection>>,
}

/// A check, as it is exported.
#[derive(Debug, Serialize)]
struct PastCheck {
    /// When it began, in Unix seconds.
    started: u64,
    /// When it ended, in Unix seconds.
    ended: u64,
    /// How.
    outcome: String,
    /// How many files of keys the server had on its list.
    listed: Option<u32>,
    /// How many of them were verified and compared.
    compared: Option<u32>,
}

impl From<CheckEntry> for PastCheck {
    fn from(check: CheckEntry) -> Self {
        Self {
            started: check.started,
            ended: check.ended,
            outcome: check.outcome,
            listed: check.listed,
            compared: check.compared,
        }
    }
}

/// BlueZ's switch and visibility of an adapter.
#[proxy(interface = "org.bluez.Adapter1", default_service = "org.bluez")]
trait Adapter {
    #[zbus(property)]
    fn set_powered(&self, powered: bool) -> zbus::Result<()>;
    #[zbus(property)]
    fn set_discoverable(&self, discoverable: bool) -> zbus::Result<()>;
}

impl Controller {
    /// For the daemon on `bus`, which need not be there yet.
    pub fn new(bus: Bus, places: Places) -> Self {
        Self {
            bus,
            places,
            connection: Mutex::default(),
        }
    }

    /// The daemon's state; a daemon that does not answer is not running.
    pub async fn status(&self) -> Status {
        let service = self.service().await.ok();
        Status { service }
    }

    async fn service(&self) -> Result<Service, Failure> {
        let connection = self.connection().await?;
        // Reading properties would have the bus start the daemon; whether it is to
        // run is for the person or the system to say.
        let dbus = fdo::DBusProxy::new(&connection).await?;
        if !dbus.name_has_owner(BUS_NAME.try_into()?).await? {
            return Err(Failure::away());
        }
        // One reading an interface: nothing changes in between, and the daemon wakes up
        // once for all of them.
        let read = |interface| Properties::fetch(&connection, interface);
        let (tracing, consent, exposure, registration, notices) = tokio::join!(
            read(TRACING1),
            read(CONSENT1),
            read(EXPOSURE1),
            self.registration(&connection),
            Properties::fetch_if_any(&connection, NOTICES1),
        );
        Ok(to_service(
            &tracing?,
            &consent?,
            &exposure?,
            registration.ok(),
            notices?.notices("Notices"),
        ))
    }

    async fn registration(&self, connection: &Connection) -> Result<Registration, Failure> {
        let registration = Registration1Proxy::builder(connection)
            .cache_properties(proxy::CacheProperties::No)
            .build()
            .await?;
        let registration = registration.get_registration().await?;
        Ok(Registration {
            state: registration.state,
            reason: registration.reason,
            since: time(registration.since),
            has_symptoms: registration.has_symptoms,
            date: registration.date,
            next_try: time(registration.next_try),
            tries_left: registration.tries_left,
            paused_until: time(registration.paused_until),
        })
    }

    /// Tells of the state now, and of each change for as long as the bus is there; then
    /// waits for the bus. Never ends.
    pub async fn follow(&self, mut tell: impl FnMut(Change)) -> std::convert::Infallible {
        loop {
            if self.follow_once(&mut tell).await.is_err() {
                // What goes over a bus that has gone is not heard by the next one.
                *self.connection.lock().await = None;
                tell(Change::Status(Box::default()));
            }
            tokio::time::sleep(BUS_AGAIN_AFTER).await;
        }
    }

    async fn follow_once(&self, tell: &mut impl FnMut(Change)) -> Result<(), Failure> {
        let connection = self.connection().await?;
        // Subscribed before the first reading, so that no change falls in between.
        let mut signals = api::signals(&connection).await?;
        let dbus = fdo::DBusProxy::new(&connection).await?;
        let mut owners = dbus
            .receive_name_owner_changed_with_args(&[(0, BUS_NAME)])
            .await?;
        let mut told = self.status().await;
        tell(Change::Status(Box::new(told.clone())));
        loop {
            let mut is_exposure = false;
            let mut wait = None;
            // Once something has changed, whatever else does shortly after.
            loop {
                tokio::select! {
                    signal = signals.next() => match signal {
                        Some(message) => {
                            let message = message?;
                            let header = message.header();
                            let member = header.member().map(|member| member.as_str());
                            is_exposure |= member == Some("ResultChanged");
                        }
                        None => return Err(Failure::away()),
                    },
                    owner = owners.next() => match owner {
                        Some(_) => is_exposure = true,
                        None => return Err(Failure::away()),
                    },
                    () = sleep_until(wait), if wait.is_some() => break,
                }
                wait.get_or_insert_with(|| tokio::time::Instant::now() + TOGETHER);
            }
            let now = self.status().await;
            if !is_the_same(&told, &now) {
                tell(Change::Status(Box::new(now.clone())));
            }
            told = now;
            if is_exposure {
                tell(Change::Exposure);
            }
        }
    }

    /// Tells whenever notifications may begin or cease to come through. Never ends.
    pub async fn follow_desktop(&self, mut tell: impl FnMut(Change)) -> std::convert::Infallible {
        loop {
            // A window without a session bus has nobody to hear of.
            let _ = follow_desktop_once(&mut tell).await;
            tokio::time::sleep(BUS_AGAIN_AFTER).await;
        }
    }

    /// Agrees to the version of the terms that was shown.
    ///
    /// # Errors
    /// `TermsVersionMismatch` when another is in force, and the daemon's others.
    pub async fn agree(&self, version: &str) -> Result<(), Failure> {
        let consent = Consent1Proxy::new(&self.connection().await?).await?;
        Ok(consent.agree(version).await?)
    }

    /// Withdraws agreement and erases everything, here too.
    ///
    /// # Errors
    /// The daemon's.
    pub async fn withdraw(&self) -> Result<(), Failure> {
        let consent = Consent1Proxy::new(&self.connection().await?).await?;
        consent.withdraw().await?;
        let variable = |name: &str| std::env::var(name).ok();
        let kept = StateFile::ALL.into_iter();
        let kept = kept.filter_map(|file| state_file(file, variable));
        for path in kept.chain([self.places.preferences.clone()]) {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Failure::file());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Checks now, and gives how the check ended.
    ///
    /// # Errors
    /// The daemon's.
    pub async fn check(&self) -> Result<String, Failure> {
        let exposure = Exposure1Proxy::new(&self.connection().await?).await?;
        Ok(exposure.check_now().await?)
    }

    /// The result, with its days. Who `looks` at it need not be notified any more.
    ///
    /// # Errors
    /// The daemon's, and `Denied` to who may not read it.
    pub async fn exposure(&self, looks: bool) -> Result<Exposure, Failure> {
        let exposure = Exposure1Proxy::new(&self.connection().await?).await?;
        let mut result = exposure.get_result().await?;
        let days = match result.contacts.take() {
            Some(days) => days,
            None => exposure.get_contacts().await?,
        };
        if looks {
            let seen = days.iter().map(|day| (day.date.as_str(), day.contacts));
            sesshoku_session::looked_at(&seen.collect::<Vec<_>>()).await;
        }
        Ok(to_exposure(result, days))
    }

    async fn checks(&self) -> Result<Vec<PastCheck>, Failure> {
        let exposure = Exposure1Proxy::new(&self.connection().await?).await?;
        let checks = exposure.get_checks().await?;
        Ok(checks.into_iter().map(PastCheck::from).collect())
    }

    /// Begins a registration as positive.
    ///
    /// # Errors
    /// The daemon's.
    pub async fn register(
        &self,
        agreement_version: &str,
        has_symptoms: bool,
        date: &str,
        processing_number: &str,
    ) -> Result<(), Failure> {
        let registration = Registration1Proxy::new(&self.connection().await?).await?;
        // Without another descriptor there is nothing to be had of a file, either.
        let number = number_pipe(processing_number).map_err(|_| Failure::file())?;
        registration
            .register_with(agreement_version, has_symptoms, date, number)
            .await?;
        Ok(())
    }

    /// Sends a registration that waits now.
    ///
    /// # Errors
    /// The daemon's.
    pub async fn retry(&self) -> Result<(), Failure> {
        let registration = Registration1Proxy::new(&self.connection().await?).await?;
        Ok(registration.retry().await?)
    }

    /// Gives up a registration, or forgets how the last one ended.
    ///
    /// # Errors
    /// The daemon's.
    pub async fn forget(&self) -> Result<(), Failure> {
        let registration = Registration1Proxy::new(&self.connection().await?).await?;
        Ok(registration.forget().await?)
    }

    /// Has the bus start the daemon.
    ///
    /// # Errors
    /// `Away` where it cannot.
    pub async fn start_service(&self) -> Result<(), Failure> {
        let dbus = fdo::DBusProxy::new(&self.connection().await?).await?;
        let name = BUS_NAME.try_into()?;
        dbus.start_service_by_name(name, 0).await?;
        Ok(())
    }

    /// Switches the daemon's Bluetooth adapter on.
    ///
    /// # Errors
    /// `Denied` or `Failed` where BlueZ refuses.
    pub async fn turn_bluetooth_on(&self) -> Result<(), Failure> {
        Ok(self.adapter().await?.set_powered(true).await?)
    }

    /// Switches the daemon's Bluetooth adapter off and on again, which ends whatever its
    /// kernel was sending.
    ///
    /// # Errors
    /// `Denied` or `Failed` where BlueZ refuses, `StaysOff` where it is off now.
    pub async fn restart_bluetooth(&self) -> Result<(), Failure> {
        let connection = self.connection().await?;
        let name = Tracing1Proxy::new(&connection).await?.adapter().await?;
        Ok(sesshoku_session::restart(&connection, &name).await?)
    }

    /// Makes the daemon's Bluetooth adapter invisible to others.
    ///
    /// # Errors
    /// `Denied` or `Failed` where BlueZ refuses.
    pub async fn hide_bluetooth(&self) -> Result<(), Failure> {
        Ok(self.adapter().await?.set_discoverable(false).await?)
    }

    async fn adapter(&self) -> Result<AdapterProxy<'_>, Failure> {
        let connection = self.connection().await?;
        let name = Tracing1Proxy::new(&connection).await?.adapter().await?;
        let path = sesshoku_session::adapter_path(&name);
        Ok(AdapterProxy::builder(&connection)
            .path(path)
            .build()
            .await?)
    }

    /// Saves the result and the checks behind it to a new file, which only the person may
    /// read, and gives its path. docs/gui.md describes the file.
    ///
    /// # Errors
    /// The daemon's, and `File`.
    pub async fn export(&self) -> Result<String, Failure> {
        #[derive(Serialize)]
        struct Export {
            /// When it was made, in Unix seconds.
            exported_at: u64,
            /// How the last check ended.
            last_outcome: String,
            #[serde(flatten)]
            exposure: Exposure,
            /// The checks of the last 14 days, oldest first.
            checks: Vec<PastCheck>,
        }
        let service = self.service().await?;
        let export = Export {
            exported_at: service.time,
            last_outcome: service.check.last_outcome,
            exposure: self.exposure(false).await?,
            checks: self.checks().await?,
        };
        let json = serde_json::to_vec_pretty(&export).map_err(|_| Failure::file())?;
        let path = write_new(&self.places.export_dir, &json).map_err(|_| Failure::file())?;
        Ok(path.display().to_string())
    }

    /// The exports that are still where they were saved. One that was moved or renamed is
    /// not among them, nor is a file of that name that somebody else wrote.
    pub fn exported(&self) -> Vec<String> {
        let mut files: Vec<(u32, PathBuf)> = fs::read_dir(&self.places.export_dir)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some((number_of_export(&entry)?, entry.path())))
            .filter(|(_, path)| is_export(path))
            .collect();
        files.sort();
        let paths = files.into_iter();
        paths.map(|(_, path)| path.display().to_string()).collect()
    }

    /// Deletes what [`Self::exported`] lists.
    ///
    /// # Errors
    /// `File` where one of them cannot be deleted; the others are.
    pub fn delete_exported(&self) -> Result<(), Failure> {
        let deleted = self.exported().into_iter().map(fs::remove_file);
        let failed = deleted.filter(|deleted| deleted.is_err()).count();
        if failed > 0 {
            return Err(Failure::file());
        }
        Ok(())
    }

    /// The guidance, with the contacts of this place where their directory can be used.
    pub fn guidance(&self) -> Guidance {
        let directory = sesshoku_session::directory(&self.places.directory).ok();
        Guidance::new(directory.as_ref())
    }

    /// What the window is to look and speak like.
    pub async fn environment(&self) -> Environment {
        // A file that cannot be used is as good as none here, and is not overwritten
        // before something is chosen.
        let preferences = Preferences::load(&self.places.preferences).unwrap_or_default();
        let operator = sesshoku_session::operator(&self.places.operator);
        let said = operator.as_ref().map_or_else(
            |_| sesshoku_session::unusable(),
            sesshoku_session::Operator::sentences,
        );
        let inquiries = operator.unwrap_or_default().inquiries;
        let language = |of: &Preferences| {
            let language = of.language(|name| std::env::var(name).ok());
            language.tag().to_owned()
        };
        Environment {
            language: language(&preferences),
            system_language: language(&Preferences::default()),
            chosen_language: preferences.language,
            notifications: preferences.notifications,
            muted: preferences.muted,
            reminders: Reminder::ALL.iter().map(ToString::to_string).collect(),
            notifier: notifier().await.as_str().to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            inquiries: Inquiries {
                name: inquiries.name,
                mail: inquiries.mail,
                page: inquiries.page,
            },
            operator: said.into_iter().map(Sentence::from).collect(),
        }
    }

    /// Keeps what the person has chosen.
    ///
    /// # Errors
    /// `File` where it cannot be kept.
    pub async fn choose(&self, choice: Choice) -> Result<Environment, Failure> {
        let preferences = Preferences {
            language: choice.language,
            notifications: choice.notifications,
            muted: choice.muted,
        };
        preferences
            .save(&self.places.preferences)
            .map_err(|_| Failure::file())?;
        sesshoku_session::ask_to_look().await;
        Ok(self.environment().await)
    }

    /// The connection to the bus, made when it is needed and possible.
    async fn connection(&self) -> Result<Connection, Failure> {
        let mut connection = self.connection.lock().await;
        if let Some(connection) = &*connection {
            return Ok(connection.clone());
        }
        let made = match &self.bus {
            Bus::System => Connection::system().await,
            Bus::Session => Connection::session().await,
            Bus::Address(address) => {
                zbus::connection::Builder::address(address.as_str())
                    .build()
                    .await
            }
        };
        // Whatever the reason, the daemon cannot be reached.
        let made = made.map_err(|_| Failure::away())?;
        Ok(connection.insert(made).clone())
    }
}

async fn follow_desktop_once(tell: &mut impl FnMut(Change)) -> zbus::Result<()> {
    let session = Connection::session().await?;
    let dbus = fdo::DBusProxy::new(&session).await?;
    let mut showers = dbus
        .receive_name_owner_changed_with_args(&[(0, NOTIFICATIONS)])
        .await?;
    let mut agents = dbus
        .receive_name_owner_changed_with_args(&[(0, NOTIFIER)])
        .await?;
    loop {
        tell(Change::Notifier);
        let changed = tokio::select! {
            changed = showers.next() => changed,
            changed = agents.next() => changed,
        };
        if changed.is_none() {
            return Ok(());
        }
    }
}

/// Whether notifications come through.
async fn notifier() -> Reach {
    match Connection::session().await {
        Ok(session) => Reach::of(&session).await,
        Err(_) => Reach::NoDesktop,
    }
}

async fn sleep_until(instant: Option<tokio::time::Instant>) {
    if let Some(instant) = instant {
        tokio::time::sleep_until(instant).await;
    }
}

fn to_service(
    tracing: &Properties,
    consent: &Properties,
    exposure: &Properties,
    registration: Option<Registration>,
    notices: Vec<api::Notice>,
) -> Service {
    let agreed_version = consent.text("AgreedVersion");
    let to_notice = |notice| to_notice(notice, &agreed_version);
    Service {
        version: tracing.text("Version"),
        time: tracing.number("Time"),
        state: tracing.text("State"),
        reason: tracing.text("Reason"),
        radio: tracing.text("Radio"),
        receiving: tracing.text_if_any("ScanMethod").is_some(),
        overwrite_doubt: tracing.text_if_any("OverwriteDoubt"),
        consent: Consent {
            state: consent.text("State"),
            agreed_at: consent.time("AgreedAt"),
        },
        check: Check {
            checking: exposure.flag("Checking"),
            last_outcome: exposure.text("LastOutcome"),
            last_success: exposure.time("LastSuccess"),
            next_check: exposure.time("NextCheck"),
        },
        registration,
        notices: notices.into_iter().map(to_notice).collect(),
    }
}

fn to_notice(notice: api::Notice, agreed_version: &str) -> Notice {
    let relevance = notice.relevance(agreed_version);
    Notice {
        relevant_from: relevance.as_ref().map(|relevance| relevance.start),
        // There is no such time.
        relevant_until: relevance.map(|it| it.end).filter(|end| *end != u64::MAX),
        id: notice.id,
        kind: notice.kind,
        version: notice.version,
        from: time(notice.from),
        to: time(notice.to),
        ja: notice.ja,
        en: notice.en,
    }
}

/// 0 stands for never on the bus.
fn time(seconds: u64) -> Option<u64> {
    Some(seconds).filter(|seconds| *seconds != 0)
}

/// Whether nothing but time has passed.
fn is_the_same(old: &Status, new: &Status) -> bool {
    match (&old.service, &new.service) {
        (Some(old), Some(new)) => {
            let old = Service {
                time: new.time,
                ..old.clone()
            };
            old == *new
        }
        (old, new) => old == new,
    }
}

fn to_exposure(result: ExposureResult, days: Vec<ContactDay>) -> Exposure {
    Exposure {
        verdict: result.verdict,
        reasons: result.reasons,
        period_start: result.period_start,
        period_end: result.period_end,
        last_success: time(result.last_success),
        recorded_seconds: result.recorded_seconds,
        unrecorded_seconds: result.unrecorded_seconds,
        days: days.into_iter().map(to_day).collect(),
    }
}

fn to_day(day: ContactDay) -> Day {
    /// From here on it is near; see `dbus-api`.
    const NEAR: u8 = 50;
    let courses = day.courses.unwrap_or_default();
    Day {
        date: day.date,
        contacts: day.contacts,
        seconds: day.seconds,
        near_seconds: day.near_seconds,
        score: day.score,
        courses: courses
            .into_iter()
            .map(|course| {
                course
                    .into_iter()
                    .map(|point| Point {
                        minute: point.minute,
                        minutes: point.minutes,
                        strength: point.strength.into(),
                        near: point.strength >= NEAR,
                    })
                    .collect()
            })
            .collect(),
    }
}

/// The n of `sesshoku-n.json`, where it is a file.
fn number_of_export(entry: &fs::DirEntry) -> Option<u32> {
    let name = entry.file_name();
    let number = name.to_str()?.strip_prefix("sesshoku-")?;
    let number = number.strip_suffix(".json")?.parse().ok()?;
    entry.file_type().ok()?.is_file().then_some(number)
}

/// Whether what lies at `path` has the form of an export.
fn is_export(path: &Path) -> bool {
    let is_short = fs::metadata(path).is_ok_and(|file| file.len() <= LONGEST_EXPORT);
    let text = if is_short { fs::read(path).ok() } else { None };
    let json = text.and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
    json.is_some_and(|json| {
        let fields = ["exported_at", "verdict", "checks"];
        fields.iter().all(|field| json.get(field).is_some())
    })
}

/// Writes `contents` to a new file in `dir`, and gives its path.
fn write_new(dir: &Path, contents: &[u8]) -> io::Result<PathBuf> {
    fs::create_dir_all(dir)?;
    for number in 1..MOST_EXPORTS {
        let path = dir.join(format!("sesshoku-{number}.json"));
        let mut options = File::options();
        match options.write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                file.write_all(contents)?;
                file.sync_all()?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn places(dir: &Path) -> Places {
        Places {
            preferences: dir.join("config/preferences.toml"),
            directory: dir.join("guidance.toml"),
            operator: dir.join("operator.toml"),
            export_dir: dir.join("exports"),
        }
    }

    /// A controller whose bus is not there.
    fn alone(dir: &Path) -> Controller {
        Controller::new(
            Bus::Address("unix:path=/nonexistent".to_owned()),
            places(dir),
        )
    }

    #[test]
    fn without_a_bus_the_service_is_away() {
        let dir = tempfile::tempdir().unwrap();
        let controller = alone(dir.path());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            assert_eq!(controller.status().await, Status::default());
            assert_eq!(controller.agree("1").await, Err(Failure::away()));
            assert_eq!(controller.exposure(false).await, Err(Failure::away()));
            assert_eq!(controller.start_service().await, Err(Failure::away()));
            // Following says so, too, and goes on.
            let (sender, mut changes) = tokio::sync::mpsc::unbounded_channel();
            let follow = controller.follow(|change| sender.send(change).unwrap());
            tokio::select! {
                never = follow => match never {},
                change = changes.recv() => {
                    assert_eq!(change, Some(Change::Status(Box::default())));
                }
            }
        });
    }

    #[test]
    fn what_was_chosen_shows_and_a_broken_directory_sends_nobody_anywhere() {
        let dir = tempfile::tempdir().unwrap();
        let controller = alone(dir.path());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            assert!(controller.environment().await.notifications);
            let choice = Choice {
                language: Some("ja".to_owned()),
                notifications: false,
                muted: vec!["terms".to_owned()],
            };
            let chosen = controller.choose(choice).await.unwrap();
            assert_eq!(
                (chosen.language.as_str(), chosen.notifications),
                ("ja", false)
            );
            assert_eq!(chosen.muted, ["terms"]);
            assert_eq!(controller.environment().await, chosen);
        });

        let guidance = controller.guidance();
        assert_eq!(guidance.prefectures.unwrap().len(), 47);
        fs::write(dir.path().join("guidance.toml"), "nonsense").unwrap();
        let broken = controller.guidance();
        assert_eq!(broken.prefectures, None);
        assert_eq!(broken.questions, guidance.questions);
    }

    #[test]
    fn exports_are_new_files_for_the_person_alone() {
        let dir = tempfile::tempdir().unwrap();
        let first = write_new(&dir.path().join("new"), b"1").unwrap();
        let second = write_new(&dir.path().join("new"), b"2").unwrap();
        assert_ne!(first, second);
        assert_eq!(fs::read(&first).unwrap(), b"1");
        let mode = fs::metadata(&second).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn exports_are_found_and_deleted_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let controller = alone(dir.path());
        assert_eq!(controller.exported(), Vec::<String>::new());
        controller.delete_exported().unwrap();
        let exports = dir.path().join("exports");
        let export = br#"{"exported_at": 1, "verdict": "none", "checks": []}"#;
        let paths: Vec<_> = (0..11)
            .map(|_| write_new(&exports, export).unwrap())
            .collect();
        for (name, text) in [
            ("sesshoku-20.json", &b"{\"exported_at\": 1}"[..]),
            ("sesshoku-21.json", b"nonsense"),
            ("sesshoku-x.json", export),
            ("sesshoku-22.txt", export),
        ] {
            fs::write(exports.join(name), text).unwrap();
        }
        fs::create_dir(exports.join("sesshoku-23.json")).unwrap();
        std::os::unix::fs::symlink(&paths[0], exports.join("sesshoku-24.json")).unwrap();
        let expected: Vec<_> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        assert_eq!(controller.exported(), expected);
        controller.delete_exported().unwrap();
        assert_eq!(controller.exported(), Vec::<String>::new());
        assert_eq!(
            fs::read_dir(&exports).unwrap().count(),
            6,
            "the others are there"
        );
    }

    #[test]
    fn time_alone_is_no_change() {
        let status = |time, state: &str| Status {
            service: Some(Service {
                time,
                state: state.to_owned(),
                ..Service::default()
            }),
        };
        assert!(is_the_same(&status(1, "running"), &status(2, "running")));
        assert!(!is_the_same(&status(1, "running"), &status(1, "stopped")));
        assert!(!is_the_same(&status(1, "running"), &Status::default()));
    }
}
