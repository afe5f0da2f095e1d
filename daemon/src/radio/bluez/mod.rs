//! The real radio: BlueZ.
//!
//! Three tasks: `bus` follows the signals of BlueZ and the kernel, `actor` carries
//! out the core's commands and keeps what runs in line with what BlueZ says, and the
//! guard in `advert` takes the advert off the air when it would give the device away.
//! What is asked of bluetoothd (adverts, monitors, discovery) is asked through bluer, in
//! one session. What bluer does not tell comes over a connection of its own, where
//! signals and answers have one order: the adapter's properties, bluetoothd's coming and
//! going, and every advert that is heard (docs/bluetooth.md "How the daemon speaks to
//! bluetoothd").
//!
//! What it cannot prevent, because the kernel acts before anybody is told (each
//! measured with bluetoothd 5.66 and kernel 6.1):
//!
//! - When the adapter becomes discoverable, up to three adverts go out from the
//!   public address within 160 ms.
//! - A legacy controller that is switched off while advertising sends one advert
//!   with the old identifier from a new address when it is switched on again.
//! - When bluetoothd is killed, the old advert is sent on until bluetoothd is back.

mod actor;
mod advert;
mod bus;
mod devices;
mod kernel;
mod memory;
mod queue;
mod rfkill;
mod scan;
mod world;

use std::path::PathBuf;
use std::time::Duration;

use sesshoku_core::radio::{Command, RadioEvent};
use sesshoku_core::time::BootTime;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use self::actor::{Actor, Request};
use self::advert::Slot;
use self::bus::{Hearing, Link};
use super::Radio;

/// How long [`Radio::close`] may take.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(5);

/// What can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The name of the adapter to use, such as `hci1`. `None` takes one that is
    /// switched on, and stays with it while it is.
    pub adapter: Option<String>,
    /// How to listen.
    pub method: Method,
    /// Shortest and longest advertising interval, at least 20 ms. Legacy controllers
    /// ignore it and use 100–150 ms; on extended ones bluetoothd 5.66 honours it
    /// only with `--experimental` and uses 1280 ms otherwise.
    pub advertising_interval: (Duration, Duration),
    /// A folder that outlives the daemon, but not the machine's run. Without it a daemon
    /// that is started anew does not know of an adapter that the one before has seen
    /// going on to send its identity.
    pub memory: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            adapter: None,
            method: Method::Auto,
            // docs/protocol.md §2.
            advertising_interval: (Duration::from_millis(200), Duration::from_millis(270)),
            memory: None,
        }
    }
}

/// How to listen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// The best way the running bluetoothd allows.
    #[default]
    Auto,
    /// Discovery alone, even where there are advertisement monitors.
    Discovery,
}

/// The radio that is BlueZ's adapter.
pub struct BluezRadio {
    requests: mpsc::UnboundedSender<Request>,
    events: queue::Receiver,
    tasks: Vec<JoinHandle<()>>,
}

impl BluezRadio {
    /// Starts the radio's tasks on the current tokio runtime.
    ///
    /// Nothing need be there yet: without a bus, bluetoothd or an adapter the
    /// radio reports [`RadioState::Absent`](sesshoku_core::radio::RadioState::Absent) and waits.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn start(settings: Settings) -> Self {
        let (events, received) = queue::queue();
        let (requests, requested) = mpsc::unbounded_channel();
        let (link, linked) = watch::channel(Link::default());
        let hearing = Hearing::new(events.clone());
        let on_air = Slot::default();
        let guard = advert::guard(on_air.clone(), linked.clone());
        let memory = settings.memory.clone();
        let actor = Actor::new(settings, events, linked, hearing.clone(), on_air);
        Self {
            requests,
            events: received,
            tasks: vec![
                tokio::spawn(bus::listen(link, hearing, memory)),
                tokio::spawn(guard),
                tokio::spawn(actor.run(requested)),
            ],
        }
    }
}

impl Radio for BluezRadio {
    fn name(&self) -> &'static str {
        "bluez"
    }

    fn command(&mut self, command: Command) {
        // The other end is gone only after `close`.
        let _ = self.requests.send(Request::Command(command));
    }

    async fn next(&mut self, _until: Option<BootTime>) -> RadioEvent {
        self.events.next().await.unwrap_or(RadioEvent::Ended)
    }

    async fn close(&mut self) {
        let (done, closed) = oneshot::channel();
        if self.requests.send(Request::Close(done)).is_ok()
            && timeout(CLOSE_TIME_MAX, closed).await.is_err()
        {
            tracing::warn!("bluetoothd did not confirm in time that nothing is on the air");
        }
    }
}

impl Drop for BluezRadio {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Resolves at `deadline`, or never.
async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
