//! Who may ask for what: polkit decides, where there is one.
//!
//! Root and the user that the daemon runs as always may. For everybody else polkit is
//! asked about the action of what they want (`packaging/polkit/`); where there is no
//! polkit, nobody else may.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::unistd::geteuid;
use sesshoku_dbus_api::Error;
use zbus::message::{Flags, Header};
use zbus::names::{BusName, OwnedUniqueName};
use zbus::{Connection, fdo};
use zbus_polkit::policykit1::{AuthorityProxy, CheckAuthorizationFlags, Subject};

/// Calls of one client that may be under way at once. More are told [`Error::Busy`].
const MAX_PER_CLIENT: u32 = 8;
/// How long polkit may take to look something up.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// How long a person has to authenticate.
const AUTHENTICATE_WITHIN: Duration = Duration::from_secs(180);

/// What callers can be allowed: one polkit action each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// See results, contacts, registrations, and how many devices were near.
    ReadContacts,
    /// Agree to the terms, withdraw.
    ChangeConsent,
    /// Register as positive.
    Register,
    /// Erase everything recorded.
    Erase,
    /// Have something done that is not personal, such as a check.
    Configure,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::ReadContacts,
        Self::ChangeConsent,
        Self::Register,
        Self::Erase,
        Self::Configure,
    ];

    /// The polkit action.
    pub fn action(self) -> &'static str {
        match self {
            Self::ReadContacts => "org.sesshoku.read-contacts",
            Self::ChangeConsent => "org.sesshoku.change-consent",
            Self::Register => "org.sesshoku.register",
            Self::Erase => "org.sesshoku.erase",
            Self::Configure => "org.sesshoku.configure",
        }
    }
}

/// Lets callers in. Clones share what they know of calls under way.
#[derive(Clone, Debug, Default)]
pub struct Authority {
    under_way: Arc<Mutex<HashMap<OwnedUniqueName, u32>>>,
    /// Counts questions to polkit, so that each has a name by which it is called off.
    asked: Arc<AtomicU64>,
}

impl Authority {
    /// Lets the sender of `header` in, who wants to use `capability`. The call counts
    /// as under way until what is returned is dropped.
    ///
    /// # Errors
    /// [`Error::NotAuthorized`] where they may not, [`Error::Busy`] where they have too
    /// many calls under way.
    pub async fn admit(
        &self,
        connection: &Connection,
        header: &Header<'_>,
        capability: Capability,
    ) -> Result<Admission, Error> {
        let Some(sender) = header.sender() else {
            return Err(not_authorized("the bus does not say who is calling"));
        };
        let admission = self.count(sender.to_owned().into())?;
        let dbus = fdo::DBusProxy::new(connection).await?;
        let user = dbus
            .get_connection_unix_user(BusName::from(sender.to_owned()))
            .await
            .map_err(|_| not_authorized("the bus does not say who is calling"))?;
        if user == 0 || user == geteuid().as_raw() {
            return Ok(admission);
        }
        self.ask_polkit(connection, header, capability).await?;
        Ok(admission)
    }

    fn count(&self, client: OwnedUniqueName) -> Result<Admission, Error> {
        let mut under_way = lock(&self.under_way);
        let calls = under_way.entry(client.clone()).or_default();
        if *calls >= MAX_PER_CLIENT {
            return Err(Error::Busy("too many calls of yours are waiting".into()));
        }
        *calls += 1;
        Ok(Admission {
            client,
            under_way: Arc::clone(&self.under_way),
        })
    }

    async fn ask_polkit(
        &self,
        connection: &Connection,
        header: &Header<'_>,
        capability: Capability,
    ) -> Result<(), Error> {
        let is_interactive = header
            .primary()
            .flags()
            .contains(Flags::ALLOW_INTERACTIVE_AUTH);
        let (flags, within) = if is_interactive {
            let flags = CheckAuthorizationFlags::ALLOW_USER_INTERACTION;
            (flags, AUTHENTICATE_WITHIN)
        } else {
            (CheckAuthorizationFlags::empty(), ANSWER_WITHIN)
        };
        let subject = Subject::new_for_message_header(header)
            .map_err(|_| not_authorized("the bus does not say who is calling"))?;
        let polkit = tokio::time::timeout(ANSWER_WITHIN, AuthorityProxy::new(connection))
            .await
            .map_err(|_| not_authorized("polkit gave no answer in time"))??;
        let question = self.asked.fetch_add(1, Ordering::Relaxed).to_string();
        let details = HashMap::new();
        let answer =
            polkit.check_authorization(&subject, capability.action(), &details, flags, &question);
        match tokio::time::timeout(within, answer).await {
            Ok(Ok(answer)) if answer.is_authorized => Ok(()),
            Ok(Ok(answer)) if answer.is_challenge => {
                Err(not_authorized("this needs authentication"))
            }
            Ok(Ok(_)) => Err(not_authorized("polkit does not allow it")),
            Ok(Err(error)) => {
                tracing::debug!(%error, "polkit gave no answer");
                Err(not_authorized("polkit cannot be asked"))
            }
            Err(_) => {
                // Whoever is still being asked for a password is not to be asked on.
                let calling_off = polkit.cancel_check_authorization(&question);
                match tokio::time::timeout(ANSWER_WITHIN, calling_off).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::debug!(%error, "could not call the question off"),
                    Err(_) => tracing::debug!("polkit did not call the question off in time"),
                }
                Err(not_authorized("polkit gave no answer in time"))
            }
        }
    }
}

/// A call that is under way.
#[derive(Debug)]
pub struct Admission {
    client: OwnedUniqueName,
    under_way: Arc<Mutex<HashMap<OwnedUniqueName, u32>>>,
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut under_way = lock(&self.under_way);
        if let Some(calls) = under_way.get_mut(&self.client) {
            *calls -= 1;
            if *calls == 0 {
                under_way.remove(&self.client);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_authorized(why: &str) -> Error {
    Error::NotAuthorized(why.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capability_has_an_action_and_every_action_a_capability() {
        let policy = include_str!("../../packaging/polkit/org.sesshoku.policy");
        let declared: Vec<_> = policy
            .split("<action id=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert_eq!(declared, Capability::ALL.map(Capability::action));
    }

    #[test]
    fn one_client_does_not_keep_the_others_out() {
        let authority = Authority::default();
        let name = |text: &str| OwnedUniqueName::try_from(text.to_owned()).unwrap();
        let mut held: Vec<_> = (0..MAX_PER_CLIENT)
            .map(|_| authority.count(name(":1.1")).unwrap())
            .collect();
        assert!(matches!(authority.count(name(":1.1")), Err(Error::Busy(_))));
        assert!(authority.count(name(":1.2")).is_ok());
        held.pop();
        assert!(authority.count(name(":1.1")).is_ok());
        drop(held);
        assert!(lock(&authority.under_way).is_empty());
    }
}
