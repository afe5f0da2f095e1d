//! `sesshoku notify`: the agent of a session that tells of contacts, and reminds of what
//! would make that fail (`sesshoku_core::reminder`).
//!
//! Contacts, notices and new terms have the same text, which tells nobody who looks at a
//! lock screen anything. It works without the window, and waits where no program shows
//! notifications.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use notify_rust::{Hint, Notification, NotificationHandle, NotificationResponse, Timeout, Urgency};
use sesshoku_core::reminder::{Daemon, Facts, Reminder, Reminders, Step};
use sesshoku_dbus_api::{
    self as api, BUS_NAME, CONSENT1, ConsentState, EXPOSURE1, NOTICES1, Named, NoticeKind,
    Properties, RunReason, RunState, TRACING1,
};
use sesshoku_i18n::Catalogue;
use sesshoku_session::{
    NOTIFICATIONS, NOTIFIER, NOTIFIER_PATH, Preferences, StateFile, Told, state_file,
};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use zbus::message::Type;
use zbus::{Connection, MatchRule, Message, MessageStream, Variant, connection, fdo, interface};

use crate::args::Bus;
use crate::bus;
use crate::contacts::Contacts;
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// The name of the program's entry on the desktop, from which its icon comes.
const DESKTOP_ENTRY: &str = "org.sesshoku.Sesshoku";
/// The action of the notification's button; a press on the rest of it is "default".
const OPEN: &str = "open";
/// Simulated time moves by itself: it is looked at so often.
const SIMULATED_LOOK: Duration = Duration::from_secs(1);
/// What is kept of reminders is written at least so often while a cause lasts: more is not
/// lost when the session ends unawares.
const KEEP_EVERY: Duration = Duration::from_secs(900);
/// How long to wait for the token of a press, which comes by another connection.
const TOKEN_WITHIN: Duration = Duration::from_millis(200);

/// Notifies until one of the buses is gone.
pub(crate) async fn notify(bus: &Bus, output: &Output, window: &Path) -> Result<Exit, Failure> {
    let connection = bus::connect(bus).await?;
    let asked = Arc::new(Notify::new());
    let session = session(&asked).await.map_err(Failure::NoBus)?;
    // Subscribed before the first look, so that no change falls in between.
    let mut signals = api::signals(&connection).await?;
    let dbus = fdo::DBusProxy::new(&connection).await?;
    let mut daemons = dbus
        .receive_name_owner_changed_with_args(&[(0, BUS_NAME)])
        .await?;
    let desktop = fdo::DBusProxy::new(&session).await?;
    let mut showers = desktop
        .receive_name_owner_changed_with_args(&[(0, NOTIFICATIONS)])
        .await?;
    let reminded = file_of(StateFile::Reminded)?;
    let mut agent = Agent {
        connection: &connection,
        dbus: &dbus,
        catalogue: output.text().catalogue(),
        notified: Told::load(file_of(StateFile::Notified)?)?,
        reminders: kept(&reminded),
        reminded,
        kept_at: Instant::now(),
        contacts: None,
        clock: Clock::default(),
        shown: BTreeMap::new(),
        opener: Opener {
            window: window.to_owned(),
            bus: bus.clone(),
            tokens: tokens(&session).await?,
        },
    };
    let mut due = agent.look(true).await?;
    loop {
        let result_changed = tokio::select! {
            signal = signals.next() => match signal {
                Some(signal) => match concerns(&signal?) {
                    Some(result_changed) => result_changed,
                    None => continue,
                },
                None => break,
            },
            changed = daemons.next() => match changed {
                Some(_) => true,
                None => break,
            },
            // Whoever was not there to show it may be now.
            changed = showers.next() => match changed {
                Some(_) => false,
                None => break,
            },
            () = asked.notified() => false,
            () = sleep_for(due) => false,
        };
        due = agent.look(result_changed).await?;
    }
    Err(Failure::NoBus(zbus::Error::Failure(
        "the bus closed the connection".to_owned(),
    )))
}

struct Agent<'a> {
    connection: &'a Connection,
    dbus: &'a fdo::DBusProxy<'a>,
    catalogue: &'a Catalogue,
    notified: Told,
    /// Where `reminders` are kept.
    reminded: PathBuf,
    reminders: Reminders,
    kept_at: Instant,
    /// The contacts, as they were told last; `None` where they are not known.
    contacts: Option<Contacts>,
    clock: Clock,
    /// What is shown.
    shown: BTreeMap<Kind, Shown>,
    opener: Opener,
}

/// What is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Contact,
    Reminder(Reminder),
}

/// A notification that is shown.
struct Shown {
    handle: Arc<NotificationHandle>,
    /// Waits for a press on it.
    press: JoinHandle<()>,
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.press.abort();
    }
}

/// What the daemon says of itself, and when.
struct Heard {
    daemon: Daemon,
    time: u64,
    is_simulated: bool,
}

impl Agent<'_> {
    /// Looks for whatever there is to tell, and tells of it. Resolves with how long nothing
    /// more is due, if nothing changes.
    async fn look(&mut self, result_changed: bool) -> Result<Option<Duration>, Failure> {
        // A daemon that is away or refuses has nothing to tell; it is asked again when
        // something changes.
        let heard = self.hear().await;
        if result_changed && let Ok(contacts) = Contacts::fetch(self.connection).await {
            self.contacts = Some(contacts);
        }
        let is_simulated = heard.as_ref().is_some_and(|heard| heard.is_simulated);
        let now = heard.as_ref().map_or_else(wall_clock, |heard| heard.time);
        let used = self.clock.used(now, is_simulated);
        let daemon = heard.map(|heard| heard.daemon);
        if let Some(daemon) = &daemon
            && daemon.consent == Some(ConsentState::None)
        {
            self.forget().await?;
        }
        let preferences = Preferences::of_environment();
        let muted = muted(&preferences);
        let has_told = self.tell_of_contacts(&preferences, now).await?;
        let facts = Facts {
            is_unseen: self.is_unseen().await?,
            daemon,
            now,
        };
        let steps = self.reminders.look(&facts, used, &muted);
        let mut is_shown = true;
        for step in &steps {
            match *step {
                // Where nobody shows it, it is not told of, and is tried again.
                Step::Show(reminder) => {
                    if self.show(Kind::Reminder(reminder)).await.is_err() {
                        self.reminders.not_shown(reminder);
                        is_shown = false;
                    }
                }
                Step::TakeBack(reminder) => self.take_back(Kind::Reminder(reminder)).await,
            }
        }
        for reminder in &muted {
            self.take_back(Kind::Reminder(*reminder)).await;
        }
        let is_counting = self.reminders.is_counting();
        let is_old = is_counting && self.kept_at.elapsed() >= KEEP_EVERY;
        if has_told || !steps.is_empty() || is_old {
            self.keep()?;
        }
        // Where nobody shows anything, whoever comes to is told of.
        let due = self.reminders.due_in(&facts, &muted).filter(|_| is_shown);
        Ok(match due {
            Some(_) if is_simulated => Some(SIMULATED_LOOK),
            Some(due) if is_counting => Some(due.min(KEEP_EVERY)),
            due => due,
        })
    }

    /// What the daemon says of itself; `None` where it does not run. It is not started for
    /// it.
    async fn hear(&self) -> Option<Heard> {
        if !self
            .dbus
            .name_has_owner(BUS_NAME.try_into().ok()?)
            .await
            .ok()?
        {
            return None;
        }
        let read = |interface| Properties::fetch(self.connection, interface);
        let (tracing, consent) = (read(TRACING1).await.ok()?, read(CONSENT1).await.ok()?);
        let exposure = read(EXPOSURE1).await.ok()?;
        let notices = Properties::fetch_if_any(self.connection, NOTICES1)
            .await
            .ok()?;
        let (time, agreed_version) = (tracing.number("Time"), consent.text("AgreedVersion"));
        // New terms are told of by themselves.
        let is_told = |notice: &api::Notice| {
            let relevance = notice.relevance(&agreed_version);
            notice.kind() == Some(NoticeKind::Maintenance)
                && relevance.is_some_and(|relevance| relevance.contains(&time))
        };
        let notices = notices.notices("Notices").into_iter().filter(is_told);
        Some(Heard {
            daemon: Daemon {
                state: RunState::named(&tracing.text("State")),
                reason: RunReason::named(&tracing.text("Reason")),
                consent: ConsentState::named(&consent.text("State")),
                agreed_at: consent.time("AgreedAt"),
                last_success: exposure.time("LastSuccess"),
                notices: notices.map(|notice| notice.id).collect(),
            },
            time,
            is_simulated: tracing.text("Radio") != api::REAL_RADIO,
        })
    }

    /// Tells of contacts that were not told of; whether there were any.
    async fn tell_of_contacts(
        &mut self,
        preferences: &Preferences,
        now: u64,
    ) -> Result<bool, Failure> {
        let Some(contacts) = self.contacts.take() else {
            return Ok(false);
        };
        let is_new = preferences.notifications && self.notified.has_new(&contacts.days());
        // Where nobody shows it, it is not told of, and is tried again.
        let is_shown = is_new && self.show(Kind::Contact).await.is_ok();
        if is_shown {
            self.notified.note(&contacts.days())?;
            self.reminders.contact_told(now);
        }
        self.contacts = Some(contacts);
        Ok(is_shown)
    }

    /// Whether there is a contact that was told of and that nobody has looked at; what was
    /// looked at needs no notification any more.
    async fn is_unseen(&mut self) -> Result<bool, Failure> {
        let days = self.contacts.as_ref().map(Contacts::days);
        let days = days.unwrap_or_default();
        let is_unseen = Told::load(file_of(StateFile::Seen)?)?.has_new(&days);
        let was_told = !self.notified.has_new(&days);
        if !is_unseen {
            self.take_back(Kind::Contact).await;
        }
        Ok(is_unseen && was_told)
    }

    async fn show(&mut self, kind: Kind) -> Result<(), notify_rust::error::Error> {
        let title = self.catalogue.text("notify-title");
        let open_it = self.catalogue.text("notify-open");
        let mut notification = Notification::new();
        notification
            .appname(&title)
            .icon(DESKTOP_ENTRY)
            .summary(&title)
            .body(&self.catalogue.text(kind.body()))
            .action("default", &open_it)
            .action(OPEN, &open_it)
            .hint(Hint::DesktopEntry(DESKTOP_ENTRY.to_owned()))
            .urgency(kind.urgency())
            .timeout(Timeout::Never);
        if kind.urgency() == Urgency::Low {
            notification.hint(Hint::SuppressSound(true));
        }
        // The one before, if it is still there, is replaced.
        if let Some(shown) = self.shown.get(&kind) {
            notification.id(shown.handle.id());
        }
        let handle = Arc::new(notification.show_async().await?);
        let (pressed, opener) = (Arc::clone(&handle), self.opener.clone());
        let press = tokio::spawn(async move {
            let mut is_press = false;
            pressed
                .wait_for_action_async(|response| is_press = opens(response))
                .await;
            if is_press {
                opener.open(kind.page(), pressed.id()).await;
            }
        });
        self.shown.insert(kind, Shown { handle, press });
        Ok(())
    }

    async fn take_back(&mut self, kind: Kind) {
        if let Some(shown) = self.shown.remove(&kind) {
            shown.handle.close_async().await;
        }
    }

    /// Withdrawing erases everything; what was told of is a part of it.
    async fn forget(&mut self) -> Result<(), Failure> {
        for shown in std::mem::take(&mut self.shown).into_values() {
            shown.handle.close_async().await;
        }
        self.contacts = None;
        self.reminders = Reminders::default();
        self.notified.forget()?;
        for file in StateFile::ALL {
            match fs::remove_file(file_of(file)?) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Keeps what was reminded of, all or nothing.
    fn keep(&mut self) -> Result<(), Failure> {
        let dir = self.reminded.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)?;
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        serde_json::to_writer(&mut file, &self.reminders).map_err(io::Error::from)?;
        file.persist(&self.reminded).map_err(|error| error.error)?;
        self.kept_at = Instant::now();
        Ok(())
    }
}

impl Kind {
    /// The text: what a contact shares with whatever else is not said on a lock screen.
    const fn body(self) -> &'static str {
        match self {
            Self::Contact
            | Self::Reminder(Reminder::Terms | Reminder::Notice | Reminder::Unseen) => {
                "notify-body"
            }
            Self::Reminder(Reminder::NotRecording) => "remind-not-recording",
            Self::Reminder(Reminder::NotChecked) => "remind-not-checked",
            Self::Reminder(Reminder::KeyLost) => "remind-key-lost",
        }
    }

    /// Those of the same text are as urgent as each other, and as loud, or that would tell.
    const fn urgency(self) -> Urgency {
        match self {
            Self::Contact
            | Self::Reminder(Reminder::Terms | Reminder::Notice | Reminder::Unseen) => {
                Urgency::Normal
            }
            Self::Reminder(Reminder::NotRecording | Reminder::NotChecked | Reminder::KeyLost) => {
                Urgency::Low
            }
        }
    }

    /// The page of the window that it opens.
    const fn page(self) -> &'static str {
        match self {
            Self::Contact | Self::Reminder(Reminder::Unseen | Reminder::NotChecked) => "result",
            Self::Reminder(
                Reminder::NotRecording | Reminder::KeyLost | Reminder::Terms | Reminder::Notice,
            ) => "home",
        }
    }
}

/// For how long the device was used.
#[derive(Default)]
struct Clock {
    last: Option<(Instant, u64)>,
}

impl Clock {
    /// The time since the last look in which the machine was awake, where it is `now`. In
    /// simulated time nobody sleeps.
    fn used(&mut self, now: u64, is_simulated: bool) -> Duration {
        let before = self.last.replace((Instant::now(), now));
        before.map_or(Duration::ZERO, |(at, then)| {
            if is_simulated {
                Duration::from_secs(now.saturating_sub(then))
            } else {
                // This clock stands still while the machine sleeps.
                at.elapsed()
            }
        })
    }
}

/// Opens the window.
#[derive(Clone)]
struct Opener {
    window: PathBuf,
    bus: Bus,
    /// The last token that came, and the notification that it is of.
    tokens: watch::Receiver<(u32, String)>,
}

impl Opener {
    /// Opens the window on `page`, since notification `id` was pressed. Where there is
    /// none, the command line has it.
    async fn open(mut self, page: &str, id: u32) {
        let bus = match &self.bus {
            Bus::System => "system",
            Bus::Session => "session",
            Bus::Address(address) => address,
        };
        let mut command = Command::new(&self.window);
        command
            .args(["--page", page, "--bus", bus])
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let token = timeout(TOKEN_WITHIN, self.tokens.wait_for(|(of, _)| *of == id)).await;
        if let Ok(Ok(token)) = token {
            command.env("XDG_ACTIVATION_TOKEN", &token.1);
            command.env("DESKTOP_STARTUP_ID", &token.1);
        }
        if let Ok(mut child) = command.spawn() {
            // Whoever is started is waited for, or would stay behind as a zombie.
            std::thread::spawn(move || child.wait());
        }
    }
}

/// What other programs of the session ask of the agent.
struct Asked(Arc<Notify>);

#[interface(name = "org.sesshoku.Notifier1")]
impl Asked {
    /// Looks again at what was chosen and seen.
    fn look(&self) {
        self.0.notify_one();
    }
}

/// The session bus, with the agent's name on it: its being there tells that somebody
/// notifies. Where there are two, the second waits for the name.
async fn session(asked: &Arc<Notify>) -> zbus::Result<Connection> {
    let session = connection::Builder::session()
        .serve_at(NOTIFIER_PATH, Asked(Arc::clone(asked)))
        .build()
        .await?;
    session
        .request_name_with_flags(NOTIFIER, fdo::RequestNameFlags::empty())
        .await?;
    Ok(session)
}

/// The tokens with which a press lets the window come to the front, as they come (Desktop
/// Notifications Specification, `ActivationToken`).
async fn tokens(session: &Connection) -> zbus::Result<watch::Receiver<(u32, String)>> {
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .interface(NOTIFICATIONS)
        .member("ActivationToken")
        .build()?;
    let mut signals = MessageStream::for_match_rule(rule, session, None).await?;
    let (sender, receiver) = watch::channel((0, String::new()));
    tokio::spawn(async move {
        while let Some(Ok(signal)) = signals.next().await {
            if let Ok(token) = signal.body().deserialize() {
                sender.send_replace(token);
            }
        }
    });
    Ok(receiver)
}

/// What a signal of the daemon has to do with what is told: the result may have changed
/// (`true`), or the state has; `None` for nothing.
fn concerns(signal: &Message) -> Option<bool> {
    let header = signal.header();
    match header.member().map(|member| member.as_str())? {
        "ResultChanged" => Some(true),
        "PropertiesChanged" => {
            let body = signal.body();
            let (interface, changed, _): (&str, HashMap<&str, Variant<'_>>, Vec<&str>) =
                body.deserialize().ok()?;
            let told: &[&str] = match interface {
                TRACING1 => &["State", "Reason"],
                CONSENT1 => &["State", "AgreedVersion"],
                EXPOSURE1 => &["LastSuccess"],
                NOTICES1 => &["Notices"],
                _ => &[],
            };
            told.iter()
                .any(|name| changed.contains_key(name))
                .then_some(false)
        }
        _ => None,
    }
}

fn opens(response: &NotificationResponse) -> bool {
    match response {
        NotificationResponse::Default => true,
        NotificationResponse::Action(action) => action == OPEN,
        NotificationResponse::Reply(_) | NotificationResponse::Closed(_) => false,
    }
}

/// What the person is not to be reminded of.
fn muted(preferences: &Preferences) -> Vec<Reminder> {
    let is_muted = |reminder: &Reminder| {
        let mut muted = preferences.muted.iter();
        !preferences.notifications || muted.any(|name| name == reminder.as_str())
    };
    Reminder::ALL.iter().copied().filter(is_muted).collect()
}

/// What was reminded of before; what makes no sense is nothing.
fn kept(path: &Path) -> Reminders {
    let text = fs::read(path).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

fn file_of(file: StateFile) -> io::Result<PathBuf> {
    let path = state_file(file, |name| std::env::var(name).ok());
    path.ok_or_else(|| io::ErrorKind::NotFound.into())
}

fn wall_clock() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

async fn sleep_for(time: Option<Duration>) {
    match time {
        // A timer has no more than a few years.
        Some(time) => sleep(time.min(Duration::from_secs(86_400))).await,
        None => std::future::pending().await,
    }
}
