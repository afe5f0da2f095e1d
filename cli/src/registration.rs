//! The registration as positive, as one value.

use serde::Serialize;
use sesshoku_dbus_api::{Properties, REGISTRATION1, RegistrationState};
use zbus::Connection;

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
    /// `None` where nothing is registered.
    pub(crate) has_symptoms: Option<bool>,
    pub(crate) date: Option<String>,
    pub(crate) next_try: Option<u64>,
    pub(crate) tries_left: u32,
    pub(crate) paused_until: Option<u64>,
}

impl Registration {
    /// Reads all properties.
    pub(crate) async fn fetch(connection: &Connection) -> Result<Self, Failure> {
        let properties = Properties::fetch(connection, REGISTRATION1).await?;
        Ok(Self::read(&properties))
    }

    fn read(properties: &Properties) -> Self {
        let date = properties.text_if_any("Date");
        Self {
            state: properties.text("State"),
            reason: properties.text("Reason"),
            since: properties.time("Since"),
            days: properties.read("Days"),
            has_symptoms: date.is_some().then(|| properties.flag("HasSymptoms")),
            date,
            next_try: properties.time("NextTry"),
            tries_left: properties.read("TriesLeft"),
            paused_until: properties.time("PausedUntil"),
        }
    }

    /// How far it is.
    pub(crate) fn state(&self) -> RegistrationState {
        RegistrationState::from(self.state.as_str())
    }

    /// The registration that is not through yet: whether there are symptoms, and the
    /// date.
    pub(crate) fn pending(&self) -> Option<(bool, &str)> {
        match self.state() {
            RegistrationState::Sending | RegistrationState::WaitingToRetry => {
                Some((self.has_symptoms?, self.date.as_deref()?))
            }
            RegistrationState::None
            | RegistrationState::Done
            | RegistrationState::Failed
            | RegistrationState::Other(_) => None,
        }
    }

    /// How a command ends that was to send it.
    pub(crate) fn exit(&self) -> Exit {
        match self.state() {
            RegistrationState::Done => Exit::Done,
            RegistrationState::Sending | RegistrationState::WaitingToRetry => Exit::Waiting,
            RegistrationState::None | RegistrationState::Failed | RegistrationState::Other(_) => {
                Exit::Refused
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use sesshoku_dbus_api::REGISTRATION1_XML;

    /// One of three days that is in `state` for `reason`.
    pub(crate) fn registration(state: &str, reason: &str) -> Registration {
        Registration {
            state: state.to_owned(),
            reason: reason.to_owned(),
            since: Some(1_596_250_800),
            days: ["2020-07-30", "2020-07-31", "2020-08-01"]
                .map(str::to_owned)
                .into(),
            has_symptoms: Some(true),
            date: Some("2020-07-31".to_owned()),
            next_try: None,
            tries_left: 3,
            paused_until: None,
        }
    }

    #[test]
    fn every_documented_property_is_read() {
        let source = include_str!("registration.rs");
        for declaration in REGISTRATION1_XML.split("<property name=\"").skip(1) {
            let name = declaration.split('"').next().unwrap();
            // What never changes is asked for where it is needed.
            let is_read = source.contains(&format!("(\"{name}\")"));
            assert!(is_read || name == "AgreementVersion", "{name} is not read");
        }
    }

    #[test]
    fn without_a_registration_everything_is_null_or_empty() {
        let json = serde_json::to_string(&Registration::read(&Properties::default())).unwrap();
        assert_eq!(
            json,
            concat!(
                r#"{"state":"","reason":"","since":null,"days":[],"has_symptoms":null,"#,
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
