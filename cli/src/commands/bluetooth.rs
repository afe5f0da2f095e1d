//! The daemon's adapter, which BlueZ switches, not the daemon: that can do nothing but
//! what everybody can.

use std::time::Duration;

use serde::Serialize;
use sesshoku_dbus_api::Tracing1Proxy;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};
use zbus::proxy::CacheProperties;

use crate::args::Bus;
use crate::bus;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::text::args;

/// How long switching the adapter on again is tried.
const ON_WITHIN: Duration = Duration::from_secs(10);
/// Between two tries: bluetoothd may be busy with switching it off.
const RETRY_EVERY: Duration = Duration::from_millis(500);

#[derive(Serialize)]
struct Restarted {
    adapter: String,
}

#[zbus::proxy(interface = "org.bluez.Adapter1", default_service = "org.bluez")]
trait Adapter {
    #[zbus(property)]
    fn powered(&self) -> zbus::Result<bool>;
    #[zbus(property)]
    fn set_powered(&self, powered: bool) -> zbus::Result<()>;
}

/// Asks, then switches the daemon's adapter off and on again, which ends whatever its
/// kernel was sending.
pub(crate) async fn restart(bus: &Bus, output: &Output, yes: bool) -> Result<Exit, Failure> {
    let connection = bus::connect(bus).await?;
    let daemon = Tracing1Proxy::new(&connection).await?;
    let name = daemon.adapter().await?;
    if name.is_empty() || daemon.radio().await? != "bluez" {
        return Err(Failure::NoAdapter);
    }
    if !yes {
        let text = output.text();
        let warning = text.say(
            "restart-bluetooth-warning",
            &args! { "adapter" => name.as_str() },
        );
        let question = text.catalogue().text("restart-bluetooth-question");
        output.ask(&warning, &question)?;
    }
    // Wherever the daemon is, bluetoothd is on the system bus.
    let connection = bus::connect(&Bus::System).await?;
    let adapter = AdapterProxy::builder(&connection)
        .path(format!("/org/bluez/{name}"))
        .cache_properties(CacheProperties::No)
        .build()
        .await?;
    if !adapter.powered().await.map_err(Failure::of_bluetoothd)? {
        return Err(Failure::IsOff);
    }
    switch(&adapter).await?;
    output.print(&Restarted { adapter: name }, |text, restarted| {
        let adapter = restarted.adapter.as_str();
        text.say("restart-bluetooth-done", &args! { "adapter" => adapter })
    })?;
    Ok(Exit::Done)
}

/// Off, and on again whatever comes between: who has a keyboard on it cannot do that.
async fn switch(adapter: &AdapterProxy<'_>) -> Result<(), Failure> {
    // For as long as these are there, the signals do not end the process.
    let _held = [
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
    ];
    let off = adapter.set_powered(false).await;
    // It may have been switched off all the same, where the answer was late.
    let was_off = matches!(adapter.powered().await, Ok(false));
    if !was_off {
        off.map_err(Failure::of_bluetoothd)?;
        return Err(Failure::NotSwitched);
    }
    let deadline = Instant::now() + ON_WITHIN;
    loop {
        let on = adapter.set_powered(true).await;
        if matches!(adapter.powered().await, Ok(true)) {
            return Ok(());
        }
        if on.is_err_and(|error| Failure::of_bluetoothd(error).exit() == Exit::NotAllowed)
            || deadline <= Instant::now()
        {
            return Err(Failure::StaysOff);
        }
        sleep(RETRY_EVERY).await;
    }
}
