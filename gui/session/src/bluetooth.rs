//! Switching an adapter off and on. BlueZ does it, for everybody it does it for: the daemon
//! has no part in it.

use std::future::Future;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use zbus::proxy::CacheProperties;
use zbus::{Connection, fdo, proxy};

/// How long bluetoothd may take to answer; a person may have to authenticate first.
const ANSWER_WITHIN: Duration = Duration::from_secs(25);
/// How long switching the adapter on again is tried.
const ON_WITHIN: Duration = Duration::from_secs(10);
/// Between two tries: bluetoothd may be busy with switching it off.
const RETRY_EVERY: Duration = Duration::from_millis(500);

/// BlueZ's switch of an adapter.
#[proxy(interface = "org.bluez.Adapter1", default_service = "org.bluez")]
trait Adapter {
    #[zbus(property)]
    fn powered(&self) -> zbus::Result<bool>;
    #[zbus(property)]
    fn set_powered(&self, powered: bool) -> zbus::Result<()>;
}

/// Why an adapter was not switched off and on.
#[derive(Debug, thiserror::Error)]
pub enum RestartError {
    /// It is off, and stays so.
    #[error("the adapter is off already")]
    IsOff,
    /// It does not let itself be switched off.
    #[error("the adapter was not switched off")]
    NotSwitched,
    /// It was switched off, and could not be switched on again for ten seconds.
    #[error("the adapter stays off")]
    StaysOff,
    /// bluetoothd refused, or cannot be reached; nothing was done.
    #[error(transparent)]
    Bus(#[from] zbus::Error),
}

/// The path at which bluetoothd has the adapter of this name, such as `hci0`.
pub fn adapter_path(name: &str) -> String {
    format!("/org/bluez/{name}")
}

/// Switches the adapter of this name off and on again, which ends whatever its kernel was
/// sending. To be run to its end: who has a keyboard on it cannot switch it on.
///
/// # Errors
/// See [`RestartError`].
pub async fn restart(connection: &Connection, name: &str) -> Result<(), RestartError> {
    let adapter = AdapterProxy::builder(connection)
        .path(adapter_path(name))
        .cache_properties(CacheProperties::No)
        .build()
        .await?;
    if !answered(adapter.powered()).await? {
        return Err(RestartError::IsOff);
    }
    let off = answered(adapter.set_powered(false)).await;
    // It may have been switched off all the same, where the answer was late.
    if !matches!(answered(adapter.powered()).await, Ok(false)) {
        off?;
        return Err(RestartError::NotSwitched);
    }
    let on = async {
        loop {
            // Whatever it answers: what it did decides.
            let _ = adapter.set_powered(true).await;
            if matches!(adapter.powered().await, Ok(true)) {
                return;
            }
            sleep(RETRY_EVERY).await;
        }
    };
    timeout(ON_WITHIN, on)
        .await
        .map_err(|_| RestartError::StaysOff)
}

/// What `call` answers, in bounded time.
async fn answered<T>(call: impl Future<Output = zbus::Result<T>>) -> zbus::Result<T> {
    let late = || fdo::Error::Timeout("bluetoothd does not answer".to_owned());
    timeout(ANSWER_WITHIN, call)
        .await
        .unwrap_or_else(|_| Err(late().into()))
}
