//! The daemon's adapter, which BlueZ switches, not the daemon: that can do nothing but
//! what everybody can.

use serde::Serialize;
use sesshoku_dbus_api::{REAL_RADIO, Tracing1Proxy};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::Bus;
use crate::bus;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use sesshoku_i18n::args;

#[derive(Serialize)]
struct Restarted {
    adapter: String,
}

/// Asks, then switches the daemon's adapter off and on again, which ends whatever its
/// kernel was sending.
pub(crate) async fn restart(bus: &Bus, output: &Output, yes: bool) -> Result<Exit, Failure> {
    let connection = bus::connect(bus).await?;
    let daemon = Tracing1Proxy::new(&connection).await?;
    let name = daemon.adapter().await?;
    if name.is_empty() || daemon.radio().await? != REAL_RADIO {
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
    // For as long as these are there, the signals do not end the process.
    let _held = [
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
    ];
    sesshoku_session::restart(&connection, &name).await?;
    output.print(&Restarted { adapter: name }, |text, restarted| {
        let adapter = restarted.adapter.as_str();
        text.say("restart-bluetooth-done", &args! { "adapter" => adapter })
    })?;
    Ok(Exit::Done)
}
