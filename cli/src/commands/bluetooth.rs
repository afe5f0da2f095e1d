//! The daemon's adapter, which BlueZ switches, not the daemon: that can do nothing but
//! what everybody can.

use serde::Serialize;
use sesshoku_dbus_api::Tracing1Proxy;
use zbus::proxy;

use crate::args::Bus;
use crate::bus;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::text::args;

#[derive(Serialize)]
struct Restarted {
    adapter: String,
}

#[proxy(interface = "org.bluez.Adapter1", default_service = "org.bluez")]
trait Adapter {
    #[zbus(property)]
    fn set_powered(&self, powered: bool) -> zbus::Result<()>;
}

/// Asks, then switches the daemon's adapter off and on again, which ends whatever its
/// kernel was sending.
pub(crate) async fn restart(bus: &Bus, output: &Output, yes: bool) -> Result<Exit, Failure> {
    let connection = bus::connect(bus).await?;
    let name = Tracing1Proxy::new(&connection).await?.adapter().await?;
    if name.is_empty() {
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
        .build()
        .await?;
    adapter.set_powered(false).await?;
    adapter.set_powered(true).await?;
    output.print(&Restarted { adapter: name }, |text, restarted| {
        let adapter = restarted.adapter.as_str();
        text.say("restart-bluetooth-done", &args! { "adapter" => adapter })
    })?;
    Ok(Exit::Done)
}
