//! Client proxies. Every type on the bus is a name or a number; see `types`.
//!
//! A method that does something lets polkit ask the person to authenticate. One that
//! reads does not: programs in the background read, too.

use std::collections::HashMap;

use zbus::message::Type;
use zbus::{Connection, Fd, MatchRule, MessageStream, OwnedVariant, proxy};

use crate::error::Error;
use crate::types::{CheckEntry, ContactDay, ExposureResult, Measurement, RegistrationStatus};
use crate::{BUS_NAME, OBJECT_PATH};

/// Every signal of the daemon on `connection`, of whichever daemon has the name.
///
/// # Errors
/// When the bus cannot be asked for them.
pub async fn signals(connection: &Connection) -> zbus::Result<MessageStream> {
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(BUS_NAME)
        .path(OBJECT_PATH)
        .build()?;
    MessageStream::for_match_rule(rule, connection, None).await
}

/// Is it running, and why not.
#[proxy(
    interface = "org.sesshoku.Tracing1",
    default_service = "org.sesshoku.Tracing1",
    default_path = "/org/sesshoku/Tracing1"
)]
pub trait Tracing1 {
    /// Destroys all keys, then everything recorded. Agreement stays, and
    /// recording starts anew.
    #[zbus(allow_interactive_auth)]
    fn erase(&self) -> Result<(), Error>;

    /// Totals of what was heard since the daemon started: `heard`, `stored`, `dropped`.
    fn get_heard(&self) -> Result<HashMap<String, u64>, Error>;

    /// The daemon's version.
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> zbus::Result<String>;
    /// A `RunState`.
    #[zbus(property)]
    fn state(&self) -> zbus::Result<String>;
    /// A `RunReason`.
    #[zbus(property)]
    fn reason(&self) -> zbus::Result<String>;
    /// `bluez`, `replay` or `air`.
    #[zbus(property(emits_changed_signal = "const"))]
    fn radio(&self) -> zbus::Result<String>;
    /// The adapter's name, such as `hci0`; empty when there is none.
    #[zbus(property)]
    fn adapter(&self) -> zbus::Result<String>;
    /// How it listens, such as `monitor+discovery`; empty when it does not.
    #[zbus(property)]
    fn scan_method(&self) -> zbus::Result<String>;
    /// Whether an identifier is on the air.
    #[zbus(property)]
    fn broadcasting(&self) -> zbus::Result<bool>;
    /// The daemon's own time in Unix seconds; simulated when the radio is.
    #[zbus(property(emits_changed_signal = "false"))]
    fn time(&self) -> zbus::Result<u64>;
    /// When the last scan cycle ended, in Unix seconds; 0 for never.
    #[zbus(property)]
    fn last_scan(&self) -> zbus::Result<u64>;
    /// Totals since the daemon started: `cycles`, `cycles-cut-short`, `rotations`,
    /// `broadcast-failures`, `scan-failures`, `misdated-seconds`.
    #[zbus(property)]
    fn counters(&self) -> zbus::Result<HashMap<String, u64>>;
    /// An `OverwriteDoubt`; empty when there is none.
    #[zbus(property(emits_changed_signal = "const"))]
    fn overwrite_doubt(&self) -> zbus::Result<String>;
}

/// The agreement to the terms and the privacy policy.
#[proxy(
    interface = "org.sesshoku.Consent1",
    default_service = "org.sesshoku.Tracing1",
    default_path = "/org/sesshoku/Tracing1"
)]
pub trait Consent1 {
    /// Agrees to `version`, which must be the current one.
    #[zbus(allow_interactive_auth)]
    fn agree(&self, version: &str) -> Result<(), Error>;
    /// Withdraws agreement: stops everything, destroys all keys, then everything recorded.
    #[zbus(allow_interactive_auth)]
    fn withdraw(&self) -> Result<(), Error>;

    /// A `ConsentState`.
    #[zbus(property)]
    fn state(&self) -> zbus::Result<String>;
    /// The version of the terms in force.
    #[zbus(property(emits_changed_signal = "const"))]
    fn current_version(&self) -> zbus::Result<String>;
    /// The version agreed to; empty for none.
    #[zbus(property)]
    fn agreed_version(&self) -> zbus::Result<String>;
    /// When it was agreed to, in Unix seconds; 0 for never.
    #[zbus(property)]
    fn agreed_at(&self) -> zbus::Result<u64>;
}

/// Checks against the notification server, and what they found.
#[proxy(
    interface = "org.sesshoku.Exposure1",
    default_service = "org.sesshoku.Tracing1",
    default_path = "/org/sesshoku/Tracing1"
)]
pub trait Exposure1 {
    /// Checks now and returns when the check ended, with its `CheckOutcome`.
    #[zbus(allow_interactive_auth)]
    fn check_now(&self) -> Result<String, Error>;
    /// The result over the last 14 days.
    fn get_result(&self) -> Result<ExposureResult, Error>;
    /// The days that count as a contact, newest first.
    fn get_contacts(&self) -> Result<Vec<ContactDay>, Error>;
    /// The checks of the last 14 days, oldest first.
    fn get_checks(&self) -> Result<Vec<CheckEntry>, Error>;

    /// The result or the contact list may have changed; ask for them again.
    #[zbus(signal)]
    fn result_changed(&self) -> zbus::Result<()>;

    /// Whether a check is under way.
    #[zbus(property)]
    fn checking(&self) -> zbus::Result<bool>;
    /// When the last check ended, in Unix seconds; 0 for never.
    #[zbus(property)]
    fn last_check(&self) -> zbus::Result<u64>;
    /// A `CheckOutcome`: how the last check ended.
    #[zbus(property)]
    fn last_outcome(&self) -> zbus::Result<String>;
    /// When the last complete check ended, in Unix seconds; 0 for never.
    #[zbus(property)]
    fn last_success(&self) -> zbus::Result<u64>;
    /// When the next check is due, in Unix seconds; 0 while none is.
    #[zbus(property)]
    fn next_check(&self) -> zbus::Result<u64>;
}

/// Registering as positive.
#[proxy(
    interface = "org.sesshoku.Registration1",
    default_service = "org.sesshoku.Tracing1",
    default_path = "/org/sesshoku/Tracing1"
)]
pub trait Registration1 {
    /// Begins a registration, or takes up the one that waits. The number comes through
    /// a pipe: [`crate::number_pipe`].
    #[zbus(allow_interactive_auth)]
    fn register_with(
        &self,
        agreement_version: &str,
        has_symptoms: bool,
        date: &str,
        processing_number: Fd<'_>,
    ) -> Result<(), Error>;
    /// Begins a registration of the place that this device stands for, or takes up the
    /// one that waits. The number comes through a pipe: [`crate::number_pipe`].
    #[zbus(allow_interactive_auth)]
    fn register_place_with(
        &self,
        agreement_version: &str,
        first_day: &str,
        last_day: &str,
        processing_number: Fd<'_>,
    ) -> Result<(), Error>;
    /// Sends a registration that waits now.
    #[zbus(allow_interactive_auth)]
    fn retry(&self) -> Result<(), Error>;
    /// Gives up a registration, or forgets how the last one ended.
    #[zbus(allow_interactive_auth)]
    fn forget(&self) -> Result<(), Error>;

    /// How far it is.
    fn get_registration(&self) -> Result<RegistrationStatus, Error>;

    /// The registration has changed; ask for it again.
    #[zbus(signal)]
    fn registration_changed(&self) -> zbus::Result<()>;

    /// The version of the registration agreement in force.
    #[zbus(property(emits_changed_signal = "const"))]
    fn agreement_version(&self) -> zbus::Result<String>;
}

/// What the operator of the notification server has to tell.
#[proxy(
    interface = "org.sesshoku.Notices1",
    default_service = "org.sesshoku.Tracing1",
    default_path = "/org/sesshoku/Tracing1"
)]
pub trait Notices1 {
    /// The notices that the last check found: each what `Notice::from_dict` takes.
    #[zbus(property)]
    fn notices(&self) -> zbus::Result<Vec<HashMap<String, OwnedVariant>>>;
}

/// What this device's radio is like, and measuring it.
#[proxy(
    interface = "org.sesshoku.Calibration1",
    default_service = "org.sesshoku.Tracing1",
    default_path = "/org/sesshoku/Tracing1"
)]
pub trait Calibration1 {
    /// Listens for so many seconds, and returns how strongly whoever is nearest was
    /// heard.
    fn measure(&self, seconds: u32) -> Result<Measurement, Error>;

    /// The model that was recognised; empty for none.
    #[zbus(property(emits_changed_signal = "const"))]
    fn model(&self) -> zbus::Result<String>;
    /// Transmit power in the metadata, in dBm.
    #[zbus(property(emits_changed_signal = "const"))]
    fn tx_power(&self) -> zbus::Result<i16>;
    /// A `CalibrationSource`.
    #[zbus(property(emits_changed_signal = "const"))]
    fn tx_power_source(&self) -> zbus::Result<String>;
    /// How sure the transmit power is, 0 to 3.
    #[zbus(property(emits_changed_signal = "const"))]
    fn confidence(&self) -> zbus::Result<u8>;
    /// Added to every signal strength that is received, in dB.
    #[zbus(property(emits_changed_signal = "const"))]
    fn rssi_correction(&self) -> zbus::Result<i16>;
    /// A `CalibrationSource`.
    #[zbus(property(emits_changed_signal = "const"))]
    fn rssi_correction_source(&self) -> zbus::Result<String>;
}
