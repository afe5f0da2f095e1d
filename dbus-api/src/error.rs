//! The named errors of every method.

/// An error as it goes over the bus. Clients tell them apart by name, never by text.
#[derive(Debug, zbus::DBusError)]
#[zbus(prefix = "org.sesshoku.Error")]
pub enum Error {
    /// The bus itself failed.
    #[zbus(error)]
    ZBus(zbus::Error),
    /// Nothing runs before agreement to the current terms; agree first.
    ConsentRequired(String),
    /// The version agreed to is not the current one.
    TermsVersionMismatch(String),
    /// The same action is under way already, or one that this cannot go beside
    /// (everything is being erased).
    Busy(String),
    /// No notification server is configured.
    NotConfigured(String),
    /// The store could not be read or written.
    Storage(String),
    /// The version of the registration agreement that was agreed to is not the one
    /// in force.
    AgreementVersionMismatch(String),
    /// The date of onset or test is no date, in the future, or too long ago.
    InvalidDate(String),
    /// The processing number is not 8 to 16 digits, or its check digit does not fit.
    InvalidNumber(String),
    /// There is no key to register.
    NoKeys(String),
    /// The clock is not set.
    ClockNotSet(String),
    /// Too many processing numbers were wrong; registering is paused.
    Paused(String),
    /// Another registration waits.
    Pending(String),
    /// No registration waits.
    NothingPending(String),
    /// The processing number has to be given again.
    NumberRequired(String),
    /// The caller may not do this, or has to authenticate for it.
    NotAuthorized(String),
    /// The operator of this device agrees to the terms in its configuration; nobody
    /// does on the bus.
    OperatorsAgreement(String),
    /// The time to measure is too short or too long.
    InvalidDuration(String),
    /// Nothing can be heard at present.
    NotListening(String),
    /// The daemon has not come to an answer in time, and may still be at it.
    TimedOut(String),
    /// The daemon is shutting down.
    ShuttingDown(String),
}

impl Error {
    /// What callers are told while the daemon ends.
    pub fn shutting_down() -> Self {
        Self::ShuttingDown("the daemon is shutting down".into())
    }
}
