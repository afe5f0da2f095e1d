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

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use bluer::monitor::{Monitor, Pattern, RssiSamplingPeriod, Type};
use bluer::{DiscoveryFilter, DiscoveryTransport, ErrorKind};
use futures_util::{Stream, StreamExt};
use sesshoku_core::radio::{RadioError, ScanMethod};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, sleep, timeout};

use super::bus::{Bus, refused_by_bluez};
use super::devices::SERVICE;

/// AD type "Service Data - 16-bit UUID" (Assigned Numbers §2.3).
const AD_SERVICE_DATA_16: u8 = 0x16;
/// 0xFD6F as it is in the advert.
const SERVICE_BYTES: [u8; 2] = [0x6f, 0xfd];

/// How long bluetoothd may take to begin to use a monitor.
const MONITOR_TIME_MAX: Duration = Duration::from_secs(5);
/// Between two starts of plain discovery. Phones advertise every 200–270 ms
/// (docs/protocol.md §2), so this hears each of them twice even if one advert is lost.
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
    /// `None` while it is to be tried again.
    discovery: Option<Discovery>,
    restart_every: Duration,
    restart_at: Instant,
    starts: u32,
    silence: Silence,
    failures: u32,
}

/// A monitor that is in use, until it is dropped.
struct Watching(JoinHandle<()>);

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
        let discovery = Discovery::start(bus, adapter).await?;
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
            discovery: Some(discovery),
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
        if let Some(discovery) = self.discovery.take() {
            discovery.stop(&self.bus, &self.adapter).await?;
        }
        match Discovery::try_start(&self.bus, &self.adapter).await? {
            Ok(discovery) => {
                self.discovery = Some(discovery);
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
                    Err(given_up(&self.bus, error))
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
        match self.discovery {
            Some(discovery) => discovery.stop(&self.bus, &self.adapter).await,
            None => Ok(()),
        }
    }
}

/// Starts discovery for a moment, so that the next scan asks under a new address.
///
/// Discovery scans actively: it answers scannable adverts with a request that
/// carries an address of ours. On extended controllers that address is not the
/// advert's, and the kernel leaves it as it is while anything is advertised: one
/// address was seen through 40 rotations, tying the identifiers together. So a
/// scan is started in every rotation when nothing is on the air.
pub(super) async fn renew_address(bus: &Bus, adapter: &str) -> Result<(), RadioError> {
    let discovery = Discovery::start(bus, adapter).await?;
    discovery.stop(bus, adapter).await
}

/// Takes part in another program's discovery for the rest of this process.
///
/// bluetoothd 5.66 takes who has a discovery filter and does not discover for the last
/// one that does when they go, and ends everybody's discovery; and bluer has no way to
/// withdraw a filter.
pub(super) async fn join_discovery(bus: &Bus, adapter: &str) -> Result<(), RadioError> {
    let discovery = Discovery::start(bus, adapter).await?;
    std::mem::forget(discovery);
    Ok(())
}

/// Whether bluetoothd refused because something else is going on.
fn is_busy(error: &bluer::Error) -> bool {
    error.kind == ErrorKind::InProgress
}

/// What our discovery is to report: Low Energy, our service, every advert.
fn filter() -> DiscoveryFilter {
    DiscoveryFilter {
        uuids: [SERVICE].into(),
        transport: DiscoveryTransport::Le,
        duplicate_data: true,
        ..DiscoveryFilter::default()
    }
}

/// A discovery of ours, until it is dropped.
struct Discovery(JoinHandle<()>);

impl Discovery {
    /// Starts it, trying again while bluetoothd is busy.
    async fn start(bus: &Bus, adapter: &str) -> Result<Self, RadioError> {
        for _ in 1..FAILURES_MAX {
            match Self::try_start(bus, adapter).await? {
                Err(error) if is_busy(&error) => sleep(RETRY_EVERY).await,
                started => return started.map_err(refused_by_bluez),
            }
        }
        let started = Self::try_start(bus, adapter).await?;
        started.map_err(|error| given_up(bus, error))
    }

    async fn try_start(bus: &Bus, adapter: &str) -> Result<bluer::Result<Self>, RadioError> {
        let bluez = bus.bluez(adapter)?;
        bus.within(async move {
            bluez.set_discovery_filter(filter()).await?;
            let events = bluez.discover_devices().await?;
            Ok(Self(tokio::spawn(hold(events))))
        })
        .await
    }

    /// Stops it, and waits until bluetoothd has answered to that.
    async fn stop(mut self, bus: &Bus, adapter: &str) -> Result<(), RadioError> {
        self.0.abort();
        let _ = (&mut self.0).await;
        let bluez = bus.bluez(adapter)?;
        // bluer takes a filter as soon as the last discovery has been stopped.
        let stopped = bus.within(async move { bluez.set_discovery_filter(filter()).await });
        stopped.await?.map_err(refused_by_bluez)
    }
}

impl Drop for Discovery {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Keeps `events` until this is aborted. They are of no use here, but bluer would keep
/// them; and where they end, which they do whenever discovery pauses, dropping them
/// would end discovery.
async fn hold(events: impl Stream) {
    let mut events = pin!(events);
    while events.next().await.is_some() {}
    pending().await
}

/// The last of several failures in a row. Where bluetoothd was busy all that time, it may
/// be with a discovery of ours that it refused to end, of which bluer does not tell: that
/// one ends with its connection.
fn given_up(bus: &Bus, error: bluer::Error) -> RadioError {
    if is_busy(&error) {
        bus.start_anew();
    }
    refused_by_bluez(error)
}

impl Watching {
    /// Offers bluetoothd a monitor and waits until it is in use.
    async fn start(bus: &Bus, adapter: &str) -> Result<Self, RadioError> {
        let bluez = bus.bluez(adapter)?;
        let manager = bus.within(async move { bluez.monitor().await }).await?;
        let manager = manager.map_err(refused_by_bluez)?;
        // Cancelled, it is as if it had never been.
        let registered = timeout(MONITOR_TIME_MAX, manager.register(monitor())).await;
        let told = registered.map_err(|_| RadioError::Timeout)?;
        let told = told.map_err(refused_by_bluez)?;
        Ok(Self(tokio::spawn(async move {
            let _manager = manager;
            hold(told).await;
        })))
    }

    async fn stop(mut self) {
        self.0.abort();
        let _ = (&mut self.0).await;
        // Lets bluer's task send it before anything else is.
        yield_now().await;
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A monitor for what we listen for. What it tells of devices, their own signals tell
/// better.
fn monitor() -> Monitor {
    Monitor {
        monitor_type: Type::OrPatterns,
        rssi_sampling_period: Some(RssiSamplingPeriod::First),
        patterns: Some(vec![Pattern {
            data_type: AD_SERVICE_DATA_16,
            start_position: 0,
            content: SERVICE_BYTES.to_vec(),
        }]),
        ..Monitor::default()
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
