//! Connecting to the bus.

use std::time::Duration;

use serde::de::DeserializeOwned;
use sesshoku_dbus_api::Error as ServiceError;
use zbus::proxy::MethodFlags;
use zbus::zvariant::Type;
use zbus::{Connection, connection};

use crate::args::Bus;
use crate::exit::Failure;

/// How long the daemon may take to answer. A check takes longer: it has its own
/// connection without a limit.
const ANSWER_WITHIN: Duration = Duration::from_secs(25);
/// The same where a person may have to authenticate first, for which the daemon gives
/// them three minutes.
const AUTHENTICATED_WITHIN: Duration = Duration::from_secs(205);

/// Connects to `bus`; calls fail when they are not answered soon.
pub(crate) async fn connect(bus: &Bus) -> Result<Connection, Failure> {
    let builder = builder(bus).method_timeout(ANSWER_WITHIN);
    builder.build().await.map_err(Failure::NoBus)
}

/// Connects to `bus` for something that a person may have to authenticate for.
pub(crate) async fn connect_asking(bus: &Bus) -> Result<Connection, Failure> {
    let builder = builder(bus).method_timeout(AUTHENTICATED_WITHIN);
    builder.build().await.map_err(Failure::NoBus)
}

/// Connects to `bus`; calls wait for their answer as long as it takes.
pub(crate) async fn connect_patiently(bus: &Bus) -> Result<Connection, Failure> {
    builder(bus).build().await.map_err(Failure::NoBus)
}

/// Calls the `method` without arguments of `proxy`, and lets polkit ask the person to
/// authenticate.
pub(crate) async fn read<T>(proxy: &zbus::Proxy<'_>, method: &str) -> Result<T, Failure>
where
    T: DeserializeOwned + Type,
{
    let flags = MethodFlags::ALLOW_INTERACTIVE_AUTH;
    let answer = proxy.call_with_flags(method, flags, &()).await;
    let answer: Option<T> = answer.map_err(ServiceError::from)?;
    answer.ok_or_else(|| zbus::Error::Failure("no answer".to_owned()).into())
}

fn builder(bus: &Bus) -> connection::Builder<'_> {
    match bus {
        Bus::System => connection::Builder::system(),
        Bus::Session => connection::Builder::session(),
        Bus::Address(address) => connection::Builder::address(address.as_str()),
    }
}
