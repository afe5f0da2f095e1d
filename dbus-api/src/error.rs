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
    /// The same action is under way already.
    Busy(String),
    /// No notification server is configured.
    NotConfigured(String),
    /// The store could not be read or written.
    Storage(String),
    /// The daemon is shutting down.
    ShuttingDown(String),
}
