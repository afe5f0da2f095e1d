//! `sesshoku notify`: the agent of a session that tells of contacts.
//!
//! Every notification has the same text, which tells nobody who looks at a lock screen
//! anything. It works without the window, and waits where no program shows
//! notifications.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use futures_util::StreamExt;
use notify_rust::{Hint, Notification, NotificationResponse, Urgency};
use sesshoku_dbus_api::{BUS_NAME, Consent1Proxy, ConsentState, Exposure1Proxy, Named};
use sesshoku_i18n::Catalogue;
use sesshoku_session::{Preferences, preferences_file};
use tokio::task::JoinSet;
use zbus::{Connection, fdo};

use super::notified::Notified;
use crate::args::Bus;
use crate::bus;
use crate::contacts::Contacts;
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// The name of the program's entry on the desktop, from which its icon comes.
const DESKTOP_ENTRY: &str = "org.sesshoku.Sesshoku";
const NOTIFICATIONS: &str = "org.freedesktop.Notifications";
/// The action of the notification's button; a press on the rest of it is "default".
const OPEN: &str = "open";

/// Notifies until one of the buses is gone.
pub(crate) async fn notify(bus: &Bus, output: &Output, window: &Path) -> Result<Exit, Failure> {
    let connection = bus::connect(bus).await?;
    let session = Connection::session().await.map_err(Failure::NoBus)?;
    let exposure = Exposure1Proxy::new(&connection).await?;
    let consent = Consent1Proxy::new(&connection).await?;
    // Subscribed before the first look, so that no change falls in between.
    let mut results = exposure.receive_result_changed().await?;
    let mut consents = consent.receive_state_changed().await;
    let dbus = fdo::DBusProxy::new(&connection).await?;
    let mut daemons = dbus
        .receive_name_owner_changed_with_args(&[(0, BUS_NAME)])
        .await?;
    let desktop = fdo::DBusProxy::new(&session).await?;
    let mut showers = desktop
        .receive_name_owner_changed_with_args(&[(0, NOTIFICATIONS)])
        .await?;
    let mut agent = Agent {
        bus,
        connection: &connection,
        window,
        catalogue: output.text().catalogue(),
        notified: Notified::load(
            notified_file()
                .ok_or(io::ErrorKind::NotFound)
                .map_err(io::Error::from)?,
        )?,
        shown: None,
        presses: JoinSet::new(),
    };
    loop {
        agent.look().await?;
        tokio::select! {
            changed = results.next() => if changed.is_none() { break },
            changed = consents.next() => match changed {
                Some(_) => agent.forget_if_withdrawn(&consent).await?,
                None => break,
            },
            changed = daemons.next() => if changed.is_none() { break },
            // Whoever was not there to show it may be now.
            changed = showers.next() => if changed.is_none() { break },
        }
    }
    Err(Failure::NoBus(zbus::Error::Failure(
        "the bus closed the connection".to_owned(),
    )))
}

struct Agent<'a> {
    bus: &'a Bus,
    connection: &'a Connection,
    window: &'a Path,
    catalogue: &'a Catalogue,
    notified: Notified,
    /// The last notification that was shown.
    shown: Option<u32>,
    /// Waits for a press on it.
    presses: JoinSet<()>,
}

impl Agent<'_> {
    /// Looks for contacts that were not told of, and tells of them.
    async fn look(&mut self) -> Result<(), Failure> {
        // A daemon that is away or refuses has nothing to tell; it is asked again when
        // something changes.
        let Ok(contacts) = Contacts::fetch(self.connection).await else {
            return Ok(());
        };
        if !self.notified.has_new(&contacts.contacts) || !wants_notifications() {
            return Ok(());
        }
        // Where nobody shows it, it is not told of, and is tried again.
        if self.show().await.is_ok() {
            self.notified.told(&contacts.contacts)?;
        }
        Ok(())
    }

    async fn show(&mut self) -> Result<(), notify_rust::error::Error> {
        let title = self.catalogue.text("notify-title");
        let open_it = self.catalogue.text("notify-open");
        let mut notification = Notification::new();
        notification
            .appname(&title)
            .icon(DESKTOP_ENTRY)
            .summary(&title)
            .body(&self.catalogue.text("notify-body"))
            .action("default", &open_it)
            .action(OPEN, &open_it)
            .hint(Hint::DesktopEntry(DESKTOP_ENTRY.to_owned()))
            .urgency(Urgency::Normal);
        if let Some(shown) = self.shown {
            notification.id(shown);
        }
        let shown = notification.show_async().await?;
        self.shown = Some(shown.id());
        // The one before, if it is still there, is replaced.
        self.presses.abort_all();
        let (window, bus) = (self.window.to_owned(), self.bus.clone());
        self.presses.spawn(async move {
            shown
                .wait_for_action_async(|response| {
                    if opens(response) {
                        open(&window, &bus);
                    }
                })
                .await;
        });
        Ok(())
    }

    /// Withdrawing erases everything; what was told of is a part of it.
    async fn forget_if_withdrawn(&mut self, consent: &Consent1Proxy<'_>) -> Result<(), Failure> {
        if let Ok(state) = consent.state().await
            && ConsentState::named(&state) == Some(ConsentState::None)
        {
            self.notified.forget()?;
        }
        Ok(())
    }
}

fn opens(response: &NotificationResponse) -> bool {
    match response {
        NotificationResponse::Default => true,
        NotificationResponse::Action(action) => action == OPEN,
        NotificationResponse::Reply(_) | NotificationResponse::Closed(_) => false,
    }
}

/// What the person has chosen; a file that cannot be read is no choice against it.
fn wants_notifications() -> bool {
    preferences_file(|name| std::env::var(name).ok())
        .and_then(|path| Preferences::load(&path).ok())
        .unwrap_or_default()
        .notifications
}

fn notified_file() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let state = set("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| Path::new(&home).join(".local/state")))?;
    Some(state.join("sesshoku/notified"))
}

/// Opens the window on the result. Where there is none, the command line has it.
fn open(window: &Path, bus: &Bus) {
    let bus = match bus {
        Bus::System => "system",
        Bus::Session => "session",
        Bus::Address(address) => address,
    };
    let started = Command::new(window)
        .args(["--page", "result", "--bus", bus])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn();
    if let Ok(mut child) = started {
        // Whoever is started is waited for, or would stay behind as a zombie.
        std::thread::spawn(move || child.wait());
    }
}
