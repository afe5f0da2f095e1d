//! How a run ends: exit codes, and the failures behind them.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use sesshoku_dbus_api::Error as ServiceError;
use sesshoku_i18n::Catalogue;
use sesshoku_session::{FileError, RestartError};
use zbus::fdo;

use crate::input::{InputError, KeysError, chain};
use sesshoku_i18n::args;

/// The exit codes. They are part of the interface: see `--help` and docs/json.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done.
    Done,
    /// 1: refused or failed: the daemon refused the action, the check did not
    /// complete, or a key file did not verify.
    Refused,
    /// 2: the command line is wrong. clap exits with it by itself; here it stands
    /// for what clap cannot see.
    Usage,
    /// 3: the bus or sesshokud cannot be reached.
    Unreachable,
    /// 4: it is not known whether there was a contact.
    VerdictUnknown,
    /// 5: an input file cannot be read, or is not in its format.
    BadInput,
    /// 6: not through yet; the daemon goes on by itself, or needs the number again.
    Waiting,
    /// 7: whoever asks may not, or has to authenticate for it.
    NotAllowed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0_u8,
            Exit::Refused => 1,
            Exit::Usage => 2,
            Exit::Unreachable => 3,
            Exit::VerdictUnknown => 4,
            Exit::BadInput => 5,
            Exit::Waiting => 6,
            Exit::NotAllowed => 7,
        })
    }
}

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The daemon refused, or the call to it failed.
    #[error("the daemon refused")]
    Service(#[from] ServiceError),
    /// The bus refused, or the answer made no sense.
    #[error("the bus failed")]
    Bus(#[from] zbus::Error),
    /// There was no way to connect to the bus.
    #[error("the bus cannot be reached")]
    NoBus(#[source] zbus::Error),
    /// The daemon has no adapter.
    #[error("no adapter")]
    NoAdapter,
    /// The adapter was not switched off and on.
    #[error("the adapter was not restarted")]
    Restart(#[from] RestartError),
    /// The person said no.
    #[error("declined")]
    Declined,
    /// The terms that are to be agreed to are of a version that is not here.
    #[error("the terms are of version {0}, which is not here")]
    OtherTerms(String),
    /// There is nobody to ask.
    #[error("not a terminal")]
    NotATerminal,
    /// `--until` is for a place.
    #[error("only of a place")]
    OnlyOfPlace,
    /// `--symptoms` is not for a place.
    #[error("not of a place")]
    NotOfPlace,
    /// There is nobody to ask what this flag would tell.
    #[error("not a terminal")]
    NeedsFlag(&'static str),
    /// An input file cannot be used.
    #[error("an input file cannot be used")]
    Input(#[from] InputError),
    /// A file of the person's or the administrator's cannot be used.
    #[error("a file cannot be used")]
    File(#[from] FileError),
    /// A file cannot be written.
    #[error("cannot write {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
    /// Keys are refused.
    #[error("the keys are refused")]
    Keys(#[from] KeysError),
    /// Reading from or writing to the terminal failed.
    #[error("input or output failed")]
    Io(#[from] io::Error),
}

impl Failure {
    /// The exit code it ends in.
    pub(crate) fn exit(&self) -> Exit {
        match self.kind() {
            Kind::Unreachable | Kind::NoBus => Exit::Unreachable,
            Kind::NotATerminal | Kind::NeedsFlag(_) | Kind::Flag(_) => Exit::Usage,
            Kind::Input(_) => Exit::BadInput,
            Kind::Denied => Exit::NotAllowed,
            Kind::Service(_) | Kind::Keys(_) | Kind::Declined | Kind::Failed => Exit::Refused,
        }
    }

    /// Its stable name, for JSON.
    pub(crate) fn name(&self) -> &'static str {
        match self.kind() {
            Kind::Service(name) | Kind::Keys(name) | Kind::Input(name) => name,
            Kind::Denied => "denied",
            Kind::Unreachable => "unreachable",
            Kind::NoBus => "bus",
            Kind::Declined => "declined",
            Kind::NotATerminal => "needs-yes",
            Kind::NeedsFlag(_) => "needs-flag",
            Kind::Flag(name) => name,
            Kind::Failed => "failed",
        }
    }

    /// What to say about it.
    pub(crate) fn sentence(&self, catalogue: &Catalogue) -> String {
        let detailed = |key| catalogue.format(key, &args! { "detail" => self.detail() });
        match self.kind() {
            Kind::Declined => catalogue.text("declined"),
            Kind::NotATerminal => catalogue.text("needs-yes"),
            Kind::NeedsFlag(flag) => {
                catalogue.format("error-needs-flag", &args! { "flag" => flag })
            }
            Kind::NoBus => detailed("error-bus"),
            Kind::Failed => detailed("error-failed"),
            Kind::Input(_) => detailed("error-input"),
            Kind::Keys(_) => detailed("error-keys"),
            Kind::Service(_) | Kind::Denied | Kind::Unreachable | Kind::Flag(_) => {
                catalogue.text(&format!("error-{}", self.name()))
            }
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Service(error) => error.to_string(),
            Self::Bus(error) | Self::NoBus(error) => error.to_string(),
            Self::Restart(error) => error.to_string(),
            Self::Input(error) => chain(error),
            Self::File(error) => chain(error),
            Self::Write(..) => chain(self),
            Self::Keys(error) => chain(error),
            Self::Io(error) => error.to_string(),
            Self::Declined
            | Self::NoAdapter
            | Self::OtherTerms(_)
            | Self::NotATerminal
            | Self::NeedsFlag(_)
            | Self::OnlyOfPlace
            | Self::NotOfPlace => self.to_string(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Service(error) => Kind::of_service(error),
            Self::Bus(error) => Kind::of_bus(error),
            Self::NoBus(_) => Kind::NoBus,
            Self::Input(error) => Kind::Input(error.name()),
            Self::File(_) => Kind::Input("input-file"),
            Self::Keys(error) => Kind::Keys(error.name()),
            Self::Declined => Kind::Declined,
            Self::OtherTerms(_) => Kind::Service("terms-not-here"),
            Self::NoAdapter => Kind::Service("no-adapter"),
            Self::Restart(error) => Kind::of_restart(error),
            Self::NotATerminal => Kind::NotATerminal,
            Self::NeedsFlag(flag) => Kind::NeedsFlag(flag),
            Self::OnlyOfPlace => Kind::Flag("only-of-place"),
            Self::NotOfPlace => Kind::Flag("not-of-place"),
            Self::Write(..) | Self::Io(_) => Kind::Failed,
        }
    }
}

/// What failures come down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// One of the daemon's own errors, by its name, or what would become one.
    Service(&'static str),
    /// An unusable input file, by its error's name.
    Input(&'static str),
    /// Refused keys, by their error's name.
    Keys(&'static str),
    Denied,
    Unreachable,
    NoBus,
    Declined,
    NotATerminal,
    NeedsFlag(&'static str),
    /// A flag that does not fit, by the failure's name.
    Flag(&'static str),
    Failed,
}

impl Kind {
    fn of_service(error: &ServiceError) -> Self {
        match error {
            ServiceError::ZBus(error) => Self::of_bus(error),
            ServiceError::ConsentRequired(_) => Self::Service("consent-required"),
            ServiceError::TermsVersionMismatch(_) => Self::Service("terms-version-mismatch"),
            ServiceError::NotAuthorized(_) => Self::Denied,
            ServiceError::OperatorsAgreement(_) => Self::Service("operators-agreement"),
            ServiceError::Busy(_) => Self::Service("busy"),
            ServiceError::NotConfigured(_) => Self::Service("not-configured"),
            ServiceError::Storage(_) => Self::Service("storage"),
            ServiceError::AgreementVersionMismatch(_) => {
                Self::Service("agreement-version-mismatch")
            }
            ServiceError::InvalidDate(_) => Self::Service("invalid-date"),
            ServiceError::InvalidNumber(_) => Self::Service("invalid-number"),
            ServiceError::NoKeys(_) => Self::Service("no-keys"),
            ServiceError::ClockNotSet(_) => Self::Service("clock-not-set"),
            ServiceError::Paused(_) => Self::Service("paused"),
            ServiceError::Pending(_) => Self::Service("pending"),
            ServiceError::NothingPending(_) => Self::Service("nothing-pending"),
            ServiceError::NumberRequired(_) => Self::Service("number-required"),
            ServiceError::InvalidDuration(_) => Self::Service("invalid-duration"),
            ServiceError::NotListening(_) => Self::Service("not-listening"),
            ServiceError::TimedOut(_) => Self::Service("timed-out"),
            ServiceError::ShuttingDown(_) => Self::Service("shutting-down"),
        }
    }

    fn of_restart(error: &RestartError) -> Self {
        match error {
            RestartError::IsOff => Self::Service("adapter-is-off"),
            RestartError::NotSwitched => Self::Service("not-switched"),
            RestartError::StaysOff => Self::Service("stays-off"),
            RestartError::Bus(error) => {
                let failure = Self::of_bus(error);
                // Not the daemon: that has answered.
                if matches!(failure, Self::Unreachable) {
                    Self::Service("no-bluetoothd")
                } else {
                    failure
                }
            }
        }
    }

    // The bus's errors are open sets.
    #[expect(clippy::wildcard_enum_match_arm)]
    fn of_bus(error: &zbus::Error) -> Self {
        match error {
            zbus::Error::InputOutput(_) => Self::Unreachable,
            // The bus would have systemd start the daemon, which somebody switched off.
            zbus::Error::MethodError(name, ..) if name.starts_with("org.freedesktop.systemd1.") => {
                Self::Unreachable
            }
            zbus::Error::FDO(error) => match **error {
                fdo::Error::ServiceUnknown(_)
                | fdo::Error::NameHasNoOwner(_)
                | fdo::Error::NoReply(_)
                | fdo::Error::Timeout(_)
                | fdo::Error::TimedOut(_)
                | fdo::Error::Disconnected(_)
                | fdo::Error::SpawnFailed(_)
                | fdo::Error::SpawnServiceNotFound(_) => Self::Unreachable,
                fdo::Error::AccessDenied(_)
                | fdo::Error::AuthFailed(_)
                | fdo::Error::InteractiveAuthorizationRequired(_) => Self::Denied,
                _ => Self::Failed,
            },
            _ => Self::Failed,
        }
    }
}
