//! The registration as positive, as one value.

use serde::Serialize;
use sesshoku_dbus_api::{Named, Registration1Proxy, RegistrationState, RegistrationStatus};
use zbus::Connection;

use crate::bus;
use crate::exit::{Exit, Failure};

/// What the daemon says of registering.
///
/// Names are those of the bus (`dbus-api`), times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Registration {
    pub(crate) state: String,
    pub(crate) reason: String,
    pub(crate) since: Option<u64>,
    pub(crate) days: Vec<String>,
    /// Whether it is of a place, not of a person.
    pub(crate) is_place: bool,
    /// `None` where nothing is registered, or a place.
    pub(crate) has_symptoms: Option<bool>,
    pub(crate) date: Option<String>,
    pub(crate) next_try: Option<u64>,
    pub(crate) tries_left: u32,
    pub(crate) paused_until: Option<u64>,
}

impl Registration {
    /// Asks the daemon, and polkit may ask the person to authenticate.
    pub(crate) async fn fetch(connection: &Connection) -> Result<Self, Failure> {
        let proxy = Registration1Proxy::new(connection).await?;
        let status: RegistrationStatus = bus::read(proxy.inner(), "GetRegistration").await?;
        Ok(Self::from(status))
    }

    /// How far it is, where this version knows the name.
    pub(crate) fn state(&self) -> Option<RegistrationState> {
        RegistrationState::named(&self.state)
    }

    /// The registration that is not through yet: whether there are symptoms, as a place
    /// counts to the daemon, and the date.
    pub(crate) fn pending(&self) -> Option<(bool, &str)> {
        match self.state() {
            Some(RegistrationState::Sending | RegistrationState::WaitingToRetry) => {
                let has_symptoms = self.has_symptoms.unwrap_or(self.is_place);
                Some((has_symptoms, self.date.as_deref()?))
            }
            Some(RegistrationState::None | RegistrationState::Done | RegistrationState::Failed)
            | None => None,
        }
    }

    /// How a command ends that was to send it.
    pub(crate) fn exit(&self) -> Exit {
        match self.state() {
            Some(RegistrationState::Done) => Exit::Done,
            Some(RegistrationState::Sending | RegistrationState::WaitingToRetry) => Exit::Waiting,
            Some(RegistrationState::None | RegistrationState::Failed) | None => Exit::Refused,
        }
    }
}

impl From<RegistrationStatus> for Registration {
    fn from(status: RegistrationStatus) -> Self {
        let time = |seconds| Some(seconds).filter(|seconds| *seconds != 0);
        let is_place = status.is_place.unwrap_or(false);
        let date = Some(status.date).filter(|date| !date.is_empty());
        Self {
            state: status.state,
            reason: status.reason,
            since: time(status.since),
            days: status.days,
            is_place,
            has_symptoms: (date.is_some() && !is_place).then_some(status.has_symptoms),
            date,
            next_try: time(status.next_try),
            tries_left: status.tries_left,
            paused_until: time(status.paused_until),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One of three days that is in `state` for `reason`.
    pub(crate) fn registration(state: &str, reason: &str) -> Registration {
        Registration {
            state: state.to_owned(),
            reason: reason.to_owned(),
            since: Some(1_596_250_800),
            days: ["2020-07-30", "2020-07-31", "2020-08-01"]
                .map(str::to_owned)
                .into(),
            is_place: false,
            has_symptoms: Some(true),
            date: Some("2020-07-31".to_owned()),
            next_try: None,
            tries_left: 3,
            paused_until: None,
        }
    }

    #[test]
    fn without_a_registration_everything_is_null_or_empty() {
        let json =
            serde_json::to_string(&Registration::from(RegistrationStatus::default())).unwrap();
        assert_eq!(
            json,
            concat!(
                r#"{"state":"","reason":"","since":null,"days":[],"is_place":false,"has_symptoms":null,"#,
                r#""date":null,"next_try":null,"tries_left":0,"paused_until":null}"#,
            )
        );
    }

    #[test]
    fn only_one_that_is_through_is_done() {
        for (state, exit, pending) in [
            ("none", Exit::Refused, false),
            ("sending", Exit::Waiting, true),
            ("waiting-to-retry", Exit::Waiting, true),
            ("done", Exit::Done, false),
            ("failed", Exit::Refused, false),
            ("of a newer daemon", Exit::Refused, false),
        ] {
            let registration = registration(state, "none");
            assert_eq!(registration.exit(), exit, "{state}");
            assert_eq!(registration.pending().is_some(), pending, "{state}");
        }
    }
}
