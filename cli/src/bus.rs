//! Connecting to the bus.

use std::time::Duration;

use zbus::{Connection, connection};

use crate::args::Bus;
use crate::exit::Failure;

/// How long the daemon may take to answer. A check takes longer: it has its own
/// connection without a limit.
const ANSWER_WITHIN: Duration = Duration::from_secs(25);

/// Connects to `bus`; calls fail when they are not answered soon.
pub(crate) async fn connect(bus: &Bus) -> Result<Connection, Failure> {
    let builder = builder(bus).method_timeout(ANSWER_WITHIN);
    builder.build().await.map_err(Failure::NoBus)
}

/// Connects to `bus`; calls wait for their answer as long as it takes.
pub(crate) async fn connect_patiently(bus: &Bus) -> Result<Connection, Failure> {
    builder(bus).build().await.map_err(Failure::NoBus)
}

fn builder(bus: &Bus) -> connection::Builder<'_> {
    match bus {
        Bus::System => connection::Builder::system(),
        Bus::Session => connection::Builder::session(),
        Bus::Address(address) => connection::Builder::address(address.as_str()),
    }
}
