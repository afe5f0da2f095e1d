//! What those who take part and the hub say to each other: a JSON object a line.
//!
//! Every [`Request::Wait`] is answered by exactly one [`Event`] other than
//! `Welcome` and `Done`: by `Held` if a `Hold` came first.

use gaen::advert::{SERVICE_DATA_LEN, ServiceData, parse_service_data};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::world::Adapter;

/// What one who takes part says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// The first line: a device of the scenario by its name, or one who only
    /// follows the time.
    Join(Option<String>),
    /// What is on the air from now on.
    Broadcast(Option<OnAir>),
    /// Whether adverts are heard from now on.
    Listen(bool),
    /// Go on until this time, in microseconds, or without end, or until something
    /// is heard.
    Wait(Option<u64>),
    /// Do not go on.
    Hold,
    /// From whoever has not joined: the device of this name has such an adapter.
    SetAdapter(String, Adapter),
}

/// What the hub says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Event {
    /// The answer to `Join`.
    Welcome {
        /// The wall clock at the start, in Unix seconds.
        start: u32,
        /// Microseconds since then.
        now: u64,
    },
    /// The time waited for is there.
    Passed(u64),
    /// Adverts were heard at this time.
    Heard(u64, Vec<(OnAir, i8)>),
    /// The adapter is like this from now on.
    Adapter(Adapter),
    /// The wait is off.
    Held,
    /// The answer to `SetAdapter`.
    Done,
    /// What was asked for was refused.
    Refused(String),
}

/// Service data as hexadecimal text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OnAir(pub(crate) ServiceData);

impl Serialize for OnAir {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0.to_bytes()))
    }
}

impl<'de> Deserialize<'de> for OnAir {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; SERVICE_DATA_LEN];
        hex::decode_to_slice(text, &mut bytes)
            .ok()
            .and_then(|()| parse_service_data(&bytes))
            .map(Self)
            .ok_or_else(|| D::Error::custom("service data is 40 hexadecimal digits"))
    }
}
