//! The agent of a session that notifies (`sesshoku notify`), as other programs see it.

use zbus::{Connection, fdo, proxy};

use crate::preferences::{StateFile, state_file};
use crate::told::{Day, Told};

/// The name that the agent has on the session bus.
pub const NOTIFIER: &str = "org.sesshoku.Notifier1";
/// Its object.
pub const NOTIFIER_PATH: &str = "/org/sesshoku/Notifier1";
/// Who shows notifications on a desktop.
pub const NOTIFICATIONS: &str = "org.freedesktop.Notifications";

#[proxy(
    interface = "org.sesshoku.Notifier1",
    default_service = "org.sesshoku.Notifier1",
    default_path = "/org/sesshoku/Notifier1"
)]
trait Notifier {
    /// Has it look again at what was chosen and seen.
    #[zbus(no_autostart)]
    fn look(&self) -> zbus::Result<()>;
}

/// Whether notifications come through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// They do.
    Shown,
    /// The agent does not run.
    NoAgent,
    /// Nothing on this desktop shows notifications.
    NoDesktop,
}

impl Reach {
    /// As the session bus tells.
    pub async fn of(session: &Connection) -> Self {
        let Ok(dbus) = fdo::DBusProxy::new(session).await else {
            return Self::NoDesktop;
        };
        let mut is_there = false;
        if let Ok(name) = NOTIFICATIONS.try_into() {
            is_there = dbus.name_has_owner(name).await.unwrap_or(false);
        }
        if !is_there {
            // It may be started when there is something to show.
            let startable = dbus.list_activatable_names().await.unwrap_or_default();
            is_there = startable.iter().any(|name| name.as_str() == NOTIFICATIONS);
        }
        let mut notifies = false;
        if let Ok(name) = NOTIFIER.try_into() {
            notifies = dbus.name_has_owner(name).await.unwrap_or(false);
        }
        match (is_there, notifies) {
            (false, _) => Self::NoDesktop,
            (true, false) => Self::NoAgent,
            (true, true) => Self::Shown,
        }
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::NoAgent => "no-agent",
            Self::NoDesktop => "no-desktop",
        }
    }
}

/// Has the agent look again, where there is one.
pub async fn ask_to_look() {
    if let Ok(session) = Connection::session().await
        && let Ok(notifier) = NotifierProxy::new(&session).await
    {
        // Without an agent there is nobody to take a notification back.
        let _ = notifier.look().await;
    }
}

/// Takes down that a person has looked at the contacts of `days`, as far as it can be
/// kept, and has their notification taken back.
pub async fn looked_at(days: &[Day<'_>]) {
    let Some(path) = state_file(StateFile::Seen, |name| std::env::var(name).ok()) else {
        return;
    };
    let noted = Told::load(path).and_then(|mut seen| {
        let is_new = seen.has_new(days);
        if is_new {
            seen.note(days).map(|()| true)
        } else {
            Ok(false)
        }
    });
    if noted.is_ok_and(|is_new| is_new) {
        ask_to_look().await;
    }
}
