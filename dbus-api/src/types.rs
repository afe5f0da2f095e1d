//! The types that cross the bus.
//!
//! The closed sets of names are enums here and kebab-case strings on the bus; a
//! name this version does not know reads as `Other`, so that an old front end
//! survives a new daemon.

use std::fmt;

use serde::{Deserialize, Serialize};
use zbus::zvariant::{DeserializeDict, SerializeDict, Type};

macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$vmeta])* $variant,)+
            /// A name that this version does not know.
            Other(String),
        }

        impl $name {
            /// Every name this version knows, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name on the bus.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

names! {
    /// Whether contacts are being recorded.
    RunState {
        /// Nothing runs: the current terms have not been agreed to.
        NoConsent = "no-consent",
        /// Broadcasting and listening both work.
        Running = "running",
        /// One of broadcasting, listening and storing does not work.
        Degraded = "degraded",
        /// Nothing is recorded.
        Stopped = "stopped",
    }
}

names! {
    /// Why the state is what it is.
    RunReason {
        /// All is well.
        Ready = "ready",
        /// The daemon has just started and does not know yet.
        Starting = "starting",
        /// The terms were never agreed to, or agreement was withdrawn.
        ConsentMissing = "consent-missing",
        /// The terms changed since they were agreed to.
        ConsentOutdated = "consent-outdated",
        /// There is no Bluetooth adapter, or no bluetoothd.
        AdapterAbsent = "adapter-absent",
        /// The adapter is switched off.
        AdapterOff = "adapter-off",
        /// The adapter is blocked: kill switch or airplane mode.
        AdapterBlocked = "adapter-blocked",
        /// Not broadcasting: the adapter is discoverable and would show its own address.
        PrivacyDiscoverable = "privacy-discoverable",
        /// Not broadcasting: the adapter is connectable and would show its own address.
        PrivacyConnectable = "privacy-connectable",
        /// The adapter refuses to broadcast.
        BroadcastFailed = "broadcast-failed",
        /// The adapter refuses to listen.
        ScanFailed = "scan-failed",
        /// Encounters cannot be stored (disk full or damaged).
        StorageFailed = "storage-failed",
        /// The clock is not set, so identifiers would be wrong.
        ClockNotSet = "clock-not-set",
        /// A recorded log was played to its end.
        LogEnded = "log-ended",
    }
}

names! {
    /// Whether the terms are agreed to.
    ConsentState {
        /// Never agreed, or withdrawn.
        None = "none",
        /// The current version is agreed to.
        Agreed = "agreed",
        /// An earlier version is agreed to; the current one is not.
        Outdated = "outdated",
    }
}

names! {
    /// How the last check ended.
    CheckOutcome {
        /// There was none yet.
        Never = "never",
        /// Every export was fetched, verified and matched.
        Complete = "complete",
        /// The notification server could not be reached.
        Unreachable = "unreachable",
        /// The server answered, but not as the protocol says.
        BadAnswer = "bad-answer",
        /// At least one export was refused (signature, format, size or batch).
        ExportRefused = "export-refused",
        /// No notification server is configured.
        NotConfigured = "not-configured",
        /// The store could not be read or written.
        StorageFailed = "storage-failed",
    }
}

names! {
    /// The answer to "was I near someone who registered as positive?".
    Verdict {
        /// A complete, recent check over covering data found no contact.
        None = "none",
        /// At least one day counts as a contact.
        Contact = "contact",
        /// It cannot be said; the reasons tell why.
        Unknown = "unknown",
    }
}

names! {
    /// Why the verdict is unknown.
    UnknownReason {
        /// The current terms are not agreed to.
        ConsentMissing = "consent-missing",
        /// There was no complete check yet.
        NeverChecked = "never-checked",
        /// The last complete check is older than 24 hours.
        CheckTooOld = "check-too-old",
        /// The last check did not succeed.
        CheckFailed = "check-failed",
        /// Less than an hour was recorded in the 14 days.
        TooLittleRecorded = "too-little-recorded",
        /// Part of the stored encounters could not be read.
        StorageDamaged = "storage-damaged",
        /// The clock is not set.
        ClockNotSet = "clock-not-set",
    }
}

names! {
    /// How far a registration as positive is.
    RegistrationState {
        /// There is none.
        None = "none",
        /// It is being sent.
        Sending = "sending",
        /// It could not be sent yet; the reason tells why.
        WaitingToRetry = "waiting-to-retry",
        /// The server has taken it.
        Done = "done",
        /// It came to nothing; the reason tells why.
        Failed = "failed",
    }
}

names! {
    /// Why a registration waits or has failed.
    RegistrationReason {
        /// There is nothing to say.
        None = "none",
        /// The processing number is wrong, used or expired.
        NumberRefused = "number-refused",
        /// The processing number cannot be checked at present.
        ManagementUnavailable = "management-unavailable",
        /// The notification server cannot be reached.
        Unreachable = "unreachable",
        /// The notification server gets too many tries at present.
        TooManyTries = "too-many-tries",
        /// The processing number is not in memory any more.
        NumberNeeded = "number-needed",
        /// The notification server does not accept what was sent.
        Invalid = "invalid",
        /// The notification server takes nothing from this device.
        NotAllowed = "not-allowed",
        /// The notification server answered in no known way.
        BadAnswer = "bad-answer",
        /// It could not be sent for a day.
        Expired = "expired",
    }
}

/// The result of checking, as `org.sesshoku.Exposure1.GetResult` returns it.
#[derive(Clone, Debug, PartialEq, Type, SerializeDict, DeserializeDict)]
#[zvariant(signature = "dict")]
pub struct ExposureResult {
    /// A [`Verdict`].
    pub verdict: String,
    /// [`UnknownReason`]s, when the verdict is unknown.
    pub reasons: Vec<String>,
    /// First UTC day of the period, `YYYY-MM-DD`.
    pub period_start: String,
    /// Last UTC day of the period, `YYYY-MM-DD`.
    pub period_end: String,
    /// When the last complete check ended, in Unix seconds; 0 for never.
    pub last_success: u64,
    /// Seconds of the period in which was listened.
    pub recorded_seconds: u64,
    /// Seconds of the period in which was not.
    pub unrecorded_seconds: u64,
}

/// The registration, as `org.sesshoku.Registration1.GetRegistration` returns it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Type, SerializeDict, DeserializeDict)]
#[zvariant(signature = "dict")]
pub struct RegistrationStatus {
    /// A [`RegistrationState`].
    pub state: String,
    /// A [`RegistrationReason`].
    pub reason: String,
    /// When the state became what it is, in Unix seconds; 0 for never.
    pub since: u64,
    /// The UTC days, `YYYY-MM-DD`, whose keys are or were sent.
    pub days: Vec<String>,
    /// Whether there are symptoms.
    pub has_symptoms: bool,
    /// The day of onset or test, `YYYY-MM-DD`; empty for none.
    pub date: String,
    /// When it is tried again, in Unix seconds; 0 while it is not.
    pub next_try: u64,
    /// How many wrong numbers there may be before a pause.
    pub tries_left: u32,
    /// Until when nothing can be registered, in Unix seconds; 0 for no pause.
    pub paused_until: u64,
}

/// One day of the contact list, as `org.sesshoku.Exposure1.GetContacts` returns it.
#[derive(Clone, Debug, PartialEq, Type, SerializeDict, DeserializeDict)]
#[zvariant(signature = "dict")]
pub struct ContactDay {
    /// The UTC day, `YYYY-MM-DD`.
    pub date: String,
    /// Number of contacts: diagnosis keys met that day. The same person on
    /// another day counts again, since nobody can tell.
    pub contacts: u32,
    /// Σ seconds of all scan instances, near and far.
    pub seconds: u32,
    /// Σ seconds of the instances that were not far (all buckets but the last).
    pub near_seconds: u32,
    /// Score sum in percent of the threshold: 100 is a contact (protocol §7).
    pub score: f64,
    /// For each contact, in no order that tells anything, how its signal went; empty
    /// from a daemon that does not say.
    pub courses: Option<Vec<Vec<CoursePoint>>>,
}

/// A stretch of one contact's signal. There is no time of day in it: it could tell
/// who it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Type, Serialize, Deserialize)]
pub struct CoursePoint {
    /// Minutes from the first signal of that contact on that day to its end.
    pub minute: u32,
    /// How many minutes it stands for.
    pub minutes: u32,
    /// How strong it was: 50 is the least that is near, each dB is one, 0 to 100.
    pub strength: u8,
}
