//! Connecting to the bus, and reading the daemon's properties from it.

use std::collections::HashMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use sesshoku_dbus_api::{BUS_NAME, Error as ServiceError, OBJECT_PATH};
use zbus::names::InterfaceName;
use zbus::proxy::MethodFlags;
use zbus::zvariant::Type;
use zbus::{Connection, OwnedVariant, connection, fdo};

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

/// The properties of one interface, by their names on the bus.
///
/// One `GetAll` reads them at one moment, and a `PropertiesChanged` signal is
/// applied as it is, so that no change between two others goes unseen. A property
/// that an older daemon does not have reads as empty, zero or false.
#[derive(Clone, Debug, Default)]
pub(crate) struct Properties(HashMap<String, OwnedVariant>);

impl Properties {
    /// Reads all properties of `interface`.
    pub(crate) async fn fetch(
        connection: &Connection,
        interface: InterfaceName<'_>,
    ) -> Result<Self, Failure> {
        let proxy = fdo::PropertiesProxy::new(connection, BUS_NAME, OBJECT_PATH).await?;
        let properties = proxy.get_all(interface).await.map_err(zbus::Error::from)?;
        Ok(Self(properties))
    }

    /// Takes over the new values of a signal.
    pub(crate) fn apply(&mut self, changed: HashMap<String, OwnedVariant>) {
        self.0.extend(changed);
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.read(name)
    }

    /// A text, `None` when it is empty.
    pub(crate) fn text_if_any(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    pub(crate) fn number(&self, name: &str) -> u64 {
        self.read(name)
    }

    /// A time in Unix seconds, `None` when it is 0, which stands for never.
    pub(crate) fn time(&self, name: &str) -> Option<u64> {
        Some(self.number(name)).filter(|seconds| *seconds != 0)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.read(name)
    }

    pub(crate) fn numbers(&self, name: &str) -> HashMap<String, u64> {
        self.read(name)
    }

    fn read<T: TryFrom<OwnedVariant> + Default>(&self, name: &str) -> T {
        self.0
            .get(name)
            .and_then(|value| T::try_from(value.clone()).ok())
            .unwrap_or_default()
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, OwnedVariant); N]> for Properties {
    fn from(properties: [(&str, OwnedVariant); N]) -> Self {
        Self(
            properties
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
        )
    }
}
