//! What is kept of registering as positive.

use std::fmt;

use gaen::diagnosis::DiagnosisKey;
use gaen::time::{UnixSeconds, UtcDay};
use serde::{Deserialize, Serialize};

/// What is known of registering as positive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationRecord {
    /// The registration that is being sent or waits.
    pub pending: Option<Registration>,
    /// How the last one ended.
    pub ended: Option<RegistrationEnd>,
    /// When processing numbers were refused, oldest first.
    pub wrong_tries: Vec<UnixSeconds>,
}

/// A registration as positive, without the processing number, which is never stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Tells the server that two requests are one registration.
    pub id: RegistrationId,
    /// Whether there are symptoms.
    pub has_symptoms: bool,
    /// When they began, else when the test was.
    pub date: UtcDay,
    /// The keys, oldest first.
    pub keys: Vec<DiagnosisKey>,
    /// The version of the agreement it is under.
    pub agreement_version: String,
    /// When it began.
    pub begun: UnixSeconds,
}

impl Registration {
    /// The days it has keys of, each once, oldest first.
    pub fn days(&self) -> Vec<UtcDay> {
        let starts = self.keys.iter().map(|key| key.rolling_start.utc_day());
        let mut days: Vec<_> = starts.collect();
        days.dedup();
        days
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registration(…)")
    }
}

/// The idempotency key of a registration: 128 random bits.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RegistrationId(String);

impl RegistrationId {
    /// The id of these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(hex::encode(bytes))
    }

    /// 32 hexadecimal digits, for the server alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RegistrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegistrationId(…)")
    }
}

/// How a registration ended.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationEnd {
    /// Why it failed; `None` where it did not.
    pub failure: Option<RegistrationFailure>,
    /// When.
    pub at: UnixSeconds,
    /// Whether there are symptoms.
    pub has_symptoms: bool,
    /// When they began, else when the test was.
    pub date: UtcDay,
    /// The days whose keys were sent; none where it failed.
    pub days: Vec<UtcDay>,
}

impl fmt::Debug for RegistrationEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegistrationEnd(…)")
    }
}

/// Why a registration failed; the names on the bus are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegistrationFailure {
    /// The processing number is wrong, used or expired.
    NumberRefused,
    /// The server does not accept what was sent.
    Invalid,
    /// The server takes nothing from this device.
    NotAllowed,
    /// The server answered in no known way.
    BadAnswer,
    /// It could not be sent for a day.
    Expired,
}
