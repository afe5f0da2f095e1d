//! Why something that the page asked for came to nothing.

use serde::Serialize;
use sesshoku_dbus_api::Error;
use sesshoku_session::RestartError;
use zbus::fdo;

/// Why something came to nothing: a name that the page has a sentence for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Failure {
    /// The last part of the daemon's error name, or `Away` (it is not running),
    /// `Denied` (polkit or the bus does not allow it), `StaysOff` (Bluetooth was switched
    /// off and not on again), `File` or `Failed`.
    pub name: String,
}

impl Failure {
    /// The daemon is not running.
    pub fn away() -> Self {
        Self::named("Away")
    }

    /// A file could not be read or written.
    pub fn file() -> Self {
        Self::named("File")
    }

    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::named(match error {
            Error::ZBus(error) => return error.into(),
            Error::ConsentRequired(_) => "ConsentRequired",
            Error::TermsVersionMismatch(_) => "TermsVersionMismatch",
            Error::NotAuthorized(_) => "Denied",
            Error::OperatorsAgreement(_) => "OperatorsAgreement",
            Error::Busy(_) => "Busy",
            Error::NotConfigured(_) => "NotConfigured",
            Error::Storage(_) => "Storage",
            Error::AgreementVersionMismatch(_) => "AgreementVersionMismatch",
            Error::InvalidDate(_) => "InvalidDate",
            Error::InvalidNumber(_) => "InvalidNumber",
            Error::NoKeys(_) => "NoKeys",
            Error::ClockNotSet(_) => "ClockNotSet",
            Error::Paused(_) => "Paused",
            Error::Pending(_) => "Pending",
            Error::NothingPending(_) => "NothingPending",
            Error::NumberRequired(_) => "NumberRequired",
            Error::TimedOut(_) => "TimedOut",
            Error::ShuttingDown(_) => "ShuttingDown",
            // The window measures nothing.
            Error::InvalidDuration(_) | Error::NotListening(_) => "Failed",
        })
    }
}

impl From<zbus::Error> for Failure {
    // The bus's errors are open sets.
    #[expect(clippy::wildcard_enum_match_arm)]
    fn from(error: zbus::Error) -> Self {
        match error {
            zbus::Error::InputOutput(_) => Self::away(),
            // The bus would have systemd start the daemon, which somebody switched off.
            zbus::Error::MethodError(name, ..) if name.starts_with("org.freedesktop.systemd1.") => {
                Self::away()
            }
            zbus::Error::FDO(error) => (*error).into(),
            _ => Self::named("Failed"),
        }
    }
}

impl From<RestartError> for Failure {
    fn from(error: RestartError) -> Self {
        match error {
            RestartError::StaysOff => Self::named("StaysOff"),
            RestartError::IsOff | RestartError::NotSwitched => Self::named("Failed"),
            RestartError::Bus(error) => error.into(),
        }
    }
}

impl From<fdo::Error> for Failure {
    #[expect(clippy::wildcard_enum_match_arm)]
    fn from(error: fdo::Error) -> Self {
        match error {
            fdo::Error::ServiceUnknown(_)
            | fdo::Error::NameHasNoOwner(_)
            | fdo::Error::NoReply(_)
            | fdo::Error::Disconnected(_)
            | fdo::Error::SpawnServiceNotFound(_) => Self::away(),
            fdo::Error::AccessDenied(_)
            | fdo::Error::AuthFailed(_)
            | fdo::Error::InteractiveAuthorizationRequired(_) => Self::named("Denied"),
            _ => Self::named("Failed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_names_that_the_page_knows() {
        let table: [(Failure, &str); 5] = [
            (Error::NoKeys(String::new()).into(), "NoKeys"),
            (fdo::Error::ServiceUnknown(String::new()).into(), "Away"),
            (fdo::Error::AccessDenied(String::new()).into(), "Denied"),
            (fdo::Error::InvalidArgs(String::new()).into(), "Failed"),
            (RestartError::StaysOff.into(), "StaysOff"),
        ];
        for (failure, name) in table {
            assert_eq!(failure.name, name);
        }
    }
}
