//! One scan: an advertisement monitor where there are any, and discovery.
//!
//! A monitor lifts the controller's duplicate filter, so that discovery with
//! `DuplicateData` reports every advert. Without one a device is reported once
//! for each start of the scan: there discovery is stopped and started again all
//! through the scan, for a sample of each device each time.
//!
//! Measured with bluetoothd 5.66 on legacy and extended controllers, phones that
//! advertise every 250–270 ms, scans of 4 s: 14–16 samples of each phone with a
//! monitor, 5–6 without, and with 50 and 200 phones still 5 of each without. Both
//! hear adverts with and without Flags. While another program discovers, too,
//! stopping our discovery does not stop the scan, nor does a monitor lift its
//! filter: a phone is reported once for each of the scan's own starts, about every
//! 10.5 s, so that most windows of 4 s heard nobody. The core then listens for
//! longer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use zbus::ObjectPath;

use super::bus::{Bus, MONITORS_PATH};
use crate::radio::{RadioError, ScanMethod};

/// AD type "Service Data - 16-bit UUID" (Assigned Numbers §2.3).
const AD_SERVICE_DATA_16: u8 = 0x16;
/// 0xFD6F as it is in the advert.
const SERVICE_BYTES: [u8; 2] = [0x6f, 0xfd];
/// `RSSISamplingPeriod` of a monitor that is told of each device once.
const FIRST_ADVERT_ONLY: u16 = 255;

/// How long bluetoothd may take to begin to use a monitor.
const MONITOR_TIME_MAX: Duration = Duration::from_secs(5);
/// Between two starts of plain discovery. Phones advertise every 200–270 ms
/// (protocol §2), so this hears each of them twice even if one advert is lost.
const RESTART_EVERY: Duration = Duration::from_millis(750);
/// How many starts come so soon. By then there are as many samples of each phone as
/// the core keeps of a scan cycle, and what more there were in a long scan would be a
/// load on bluetoothd, the bus and the daemon for nothing.
const SOON_STARTS: u32 = 16;
/// Between two starts of plain discovery after those: as many in a minute.
const RESTART_LATER_EVERY: Duration = Duration::from_millis(3_750);
/// Between two starts of discovery with a monitor: only against discovery that
/// dies without saying so (bluez #572, #1126), when scans are long.
const REFRESH_EVERY: Duration = Duration::from_secs(60);
/// How long discovery may pause in a scan. bluetoothd itself stops and starts it
/// about every 10.5 s.
const SILENCE_MAX: Duration = Duration::from_secs(3);
/// When to try again after discovery could not be started again.
const RETRY_EVERY: Duration = Duration::from_millis(500);
/// How many failures in a row mean that the scan is lost. While another program
/// discovers, bluetoothd was seen to be busy with one stop for 3 s.
const FAILURES_MAX: u32 = 8;

/// A running scan.
pub(super) struct Scan {
    bus: Bus,
    adapter: String,
    epoch: u64,
    monitor: Option<Watching>,
    restart_every: Duration,
    restart_at: Instant,
    starts: u32,
    silence: Silence,
    failures: u32,
}

/// A registered monitor.
struct Watching {
    bus: Bus,
    adapter: String,
    path: String,
}

/// Since when the adapter has said that it is not discovering.
#[derive(Default)]
struct Silence(Option<Instant>);

impl Silence {
    /// Takes note of what it says `now`, and tells whether it is too long.
    fn note(&mut self, discovering: bool, now: Instant) -> bool {
        self.0 = if discovering {
            None
        } else {
            self.0.or(Some(now))
        };
        self.until().is_some_and(|until| until <= now)
    }

    fn until(&self) -> Option<Instant> {
        self.0.map(|since| since + SILENCE_MAX)
    }
}

impl Scan {
    /// Starts scanning on `adapter` in the way `method` names. Should there be no
    /// monitor after all, plain discovery has to do.
    pub(super) async fn start(
        bus: &Bus,
        adapter: &str,
        epoch: u64,
        method: ScanMethod,
    ) -> Result<Self, RadioError> {
        let monitor = if method == ScanMethod::MonitorAndDiscovery {
            let watching = Watching::start(bus, adapter).await;
            let warn = |error: &RadioError| {
                tracing::warn!(%error, "no advertisement monitor, scanning without");
            };
            watching.inspect_err(warn).ok()
        } else {
            None
        };
        if let Err(error) = start_discovery(bus, adapter).await {
            if let Some(monitor) = monitor {
                monitor.stop().await;
            }
            return Err(error);
        }
        let mut scan = Self {
            bus: bus.clone(),
            adapter: adapter.to_owned(),
            epoch,
            restart_every: match method {
                _ if monitor.is_some() => REFRESH_EVERY,
                // Stopping ours would not stop it.
                ScanMethod::SharedDiscovery => REFRESH_EVERY,
                ScanMethod::MonitorAndDiscovery
                | ScanMethod::Discovery
                | ScanMethod::Log
                | ScanMethod::Room => RESTART_EVERY,
            },
            monitor,
            restart_at: Instant::now(),
            starts: 1,
            silence: Silence::default(),
            failures: 0,
        };
        scan.restart_at += scan.restart_every;
        Ok(scan)
    }

    /// The adapter that scans.
    pub(super) fn adapter(&self) -> &str {
        &self.adapter
    }

    /// The adapter's epoch in which the scan was started.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Takes note of whether the adapter says it is discovering, and tells whether
    /// it has not been for too long.
    pub(super) fn is_silent(&mut self, discovering: bool, now: Instant) -> bool {
        self.silence.note(discovering, now)
    }

    /// When it will have been silent for too long, if nothing changes.
    pub(super) fn silent_until(&self) -> Option<Instant> {
        self.silence.until()
    }

    /// When [`Self::restart`] is due.
    pub(super) fn restart_at(&self) -> Instant {
        self.restart_at
    }

    /// Stops discovery and starts it again. When that fails it is due again soon;
    /// an error is the last of several in a row.
    pub(super) async fn restart(&mut self) -> Result<(), RadioError> {
        // Refused when discovery has ended by itself, which is as good.
        let _ = self.bus.stop_discovery(&self.adapter).await;
        match self.bus.start_discovery(&self.adapter).await {
            Ok(()) => {
                self.failures = 0;
                self.starts += 1;
                if self.starts > SOON_STARTS {
                    self.restart_every = self.restart_every.max(RESTART_LATER_EVERY);
                }
                self.restart_at = Instant::now() + self.restart_every;
                Ok(())
            }
            Err(error) => {
                self.failures += 1;
                self.restart_at = Instant::now() + RETRY_EVERY;
                if self.failures < FAILURES_MAX {
                    Ok(())
                } else {
                    Err(error)
                }
            }
        }
    }

    /// The bluetoothd that scans.
    pub(super) fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Stops scanning. The monitor goes first: while one is left, the kernel goes on
    /// scanning for it when discovery ends, and bluetoothd on telling.
    pub(super) async fn stop(self) -> Result<(), RadioError> {
        if let Some(monitor) = self.monitor {
            monitor.stop().await;
        }
        stop_discovery(&self.bus, &self.adapter).await
    }

    /// Lets go of a scan that ended with its bluetoothd.
    pub(super) async fn discard(self) {
        if let Some(monitor) = self.monitor {
            monitor.discard().await;
        }
    }
}

async fn start_discovery(bus: &Bus, adapter: &str) -> Result<(), RadioError> {
    bus.set_discovery_filter(adapter).await?;
    let started = bus.start_discovery(adapter).await;
    if !is_busy(&started) {
        return started;
    }
    // Perhaps with a discovery of ours whose end it did not confirm.
    let _ = stop_discovery(bus, adapter).await;
    bus.start_discovery(adapter).await
}

/// Starts discovery for a moment, so that the next scan asks under a new address.
///
/// Discovery scans actively: it answers scannable adverts with a request that
/// carries an address of ours. On extended controllers that address is not the
/// advert's, and the kernel leaves it as it is while anything is advertised: one
/// address was seen through 40 rotations, tying the identifiers together. So a
/// scan is started in every rotation when nothing is on the air.
pub(super) async fn renew_address(bus: &Bus, adapter: &str) -> Result<(), RadioError> {
    bus.set_discovery_filter(adapter).await?;
    bus.start_discovery(adapter).await?;
    stop_discovery(bus, adapter).await
}

/// Stops discovery, trying again while bluetoothd is busy: a discovery that is
/// left running would be in the way of the next, and on legacy controllers of the
/// next advert.
async fn stop_discovery(bus: &Bus, adapter: &str) -> Result<(), RadioError> {
    let mut result = bus.stop_discovery(adapter).await;
    for _ in 1..FAILURES_MAX {
        if !is_busy(&result) {
            break;
        }
        sleep(RETRY_EVERY).await;
        result = bus.stop_discovery(adapter).await;
    }
    result
}

/// Whether bluetoothd refused because something else is going on.
fn is_busy(result: &Result<(), RadioError>) -> bool {
    matches!(result, Err(RadioError::Refused(name)) if name == "org.bluez.Error.InProgress")
}

impl Watching {
    /// Offers bluetoothd a monitor and waits until it is in use.
    async fn start(bus: &Bus, adapter: &str) -> Result<Self, RadioError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = format!("{MONITORS_PATH}/{number}");
        let (fate, mut decided) = watch::channel(None);
        bus.publish(&path, Monitor { fate }).await?;
        let watching = Self {
            bus: bus.clone(),
            adapter: adapter.to_owned(),
            path,
        };
        let registered = match bus.register_monitors(adapter).await {
            // One of ours whose end it did not confirm.
            Err(RadioError::Refused(name)) if name == "org.bluez.Error.AlreadyExists" => {
                bus.unregister_monitors(adapter).await?;
                bus.register_monitors(adapter).await
            }
            registered => registered,
        };
        let decision = async {
            let decision = decided.wait_for(Option::is_some).await;
            decision.is_ok_and(|decision| *decision == Some(true))
        };
        let result = match registered {
            Ok(()) => match timeout(MONITOR_TIME_MAX, decision).await {
                Ok(true) => return Ok(watching),
                Ok(false) => Err(RadioError::Refused("released".to_owned())),
                Err(_) => Err(RadioError::Timeout),
            },
            Err(error) => Err(error),
        };
        watching.stop().await;
        result
    }

    async fn stop(self) {
        if let Err(error) = self.bus.unregister_monitors(&self.adapter).await {
            tracing::debug!(%error, "unregistering the monitor");
        }
        self.discard().await;
    }

    async fn discard(self) {
        self.bus.withdraw::<Monitor>(&self.path).await;
    }
}

/// A monitor as bluetoothd reads and calls it (doc/advertisement-monitor-api.txt of
/// BlueZ). What it tells of devices, their own signals tell better.
struct Monitor {
    /// Whether it is in use, once that is known.
    fate: watch::Sender<Option<bool>>,
}

#[zbus::interface(name = "org.bluez.AdvertisementMonitor1")]
impl Monitor {
    fn release(&self) {
        self.fate.send_replace(Some(false));
    }

    fn activate(&self) {
        self.fate.send_replace(Some(true));
    }

    fn device_found(&self, _device: ObjectPath<'_>) {}

    fn device_lost(&self, _device: ObjectPath<'_>) {}

    #[zbus(property(emits_changed_signal = "const"), name = "Type")]
    fn kind(&self) -> &'static str {
        "or_patterns"
    }

    #[zbus(property(emits_changed_signal = "const"), name = "RSSISamplingPeriod")]
    fn rssi_sampling_period(&self) -> u16 {
        FIRST_ADVERT_ONLY
    }

    /// Start in the advert's data of that type, type, bytes.
    #[zbus(property(emits_changed_signal = "const"))]
    fn patterns(&self) -> Vec<(u8, u8, Vec<u8>)> {
        vec![(0, AD_SERVICE_DATA_16, SERVICE_BYTES.to_vec())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_long_pause_of_discovery_is_a_silence() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut silence = Silence::default();
        for (seconds, discovering, too_long) in [
            (0, true, false),
            (1, false, false),
            (3, false, false),
            (4, false, true),
            (5, true, false),
            (6, false, false),
            (8, true, false),
            (9, false, false),
            (11, false, false),
            (12, false, true),
        ] {
            assert_eq!(
                silence.note(discovering, at(seconds)),
                too_long,
                "{seconds} s"
            );
        }
    }
}
