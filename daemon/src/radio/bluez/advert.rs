//! One advert on the air: registered, counted, and taken off again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bluer::ErrorKind;
use bluer::adv::{Advertisement, AdvertisementHandle, Type};
use gaen::advert::ServiceData;
use sesshoku_core::radio::{Broadcast, RadioError};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::Settings;
use super::bus::{Bus, Link, refused_by_bluez};
use super::devices::SERVICE;

/// How long an advert may stay counted after it was unregistered.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(3);
/// How long bluetoothd is left alone with its adverts when the adapter has become
/// discoverable or connectable. On extended controllers it then writes each anew, in
/// two steps, and 5.66 was seen to die of an advert that was unregistered between
/// them.
const REFRESH_TIME_MAX: Duration = Duration::from_millis(100);
/// How often to look whether it is gone.
const LEAVE_POLL: Duration = Duration::from_millis(10);

/// An advert that is on the air until it is taken off.
pub(super) struct OnAir {
    bus: Bus,
    adapter: String,
    epoch: u64,
    active: u8,
    /// Dropped, it has bluetoothd take the advert off, and nobody is told how that ends.
    handle: AdvertisementHandle,
}

/// The place of the advert that is on the air.
///
/// Shared with [`guard()`], so that privacy never waits for whatever else the radio
/// is waiting for: stopping discovery was seen to take 3 s while another program
/// discovers.
#[derive(Clone, Default)]
pub(super) struct Slot(Arc<Mutex<Option<OnAir>>>);

impl Slot {
    /// Puts `on_air` here.
    pub(super) fn put(&self, on_air: OnAir) {
        *self.lock() = Some(on_air);
    }

    /// Takes out what is here.
    pub(super) fn take(&self) -> Option<OnAir> {
        self.lock().take()
    }

    /// Looks at what is here.
    pub(super) fn with<R>(&self, look: impl FnOnce(&OnAir) -> R) -> Option<R> {
        self.lock().as_ref().map(look)
    }

    /// Takes off the air what is here, as the adapter begins to show itself.
    pub(super) async fn take_off_at_risk(&self) {
        if self.with(|_| ()).is_none() {
            return;
        }
        sleep(REFRESH_TIME_MAX).await;
        if let Some(on_air) = self.take()
            && let Err(error) = on_air.take_off().await
        {
            tracing::warn!(%error, "it is not certain that the advert is off the air");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<OnAir>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the advert off the air the moment it goes out from the public address.
///
/// The kernel is quicker: when the adapter becomes discoverable, one or two
/// adverts were seen from the public address until the advert was off.
pub(super) async fn guard(slot: Slot, mut link: watch::Receiver<Link>) {
    while link.changed().await.is_ok() {
        let is_at_risk = slot.with(|on_air| {
            let link = link.borrow_and_update();
            let adapter = link.world.adapter(on_air.adapter());
            adapter.is_some_and(|adapter| adapter.powered && adapter.privacy_risk().is_some())
        });
        if is_at_risk == Some(true) {
            slot.take_off_at_risk().await;
        }
    }
}

impl OnAir {
    /// Registers `broadcast` on `adapter`.
    pub(super) async fn register(
        bus: &Bus,
        adapter: &str,
        epoch: u64,
        broadcast: &Broadcast,
        settings: &Settings,
    ) -> Result<Self, RadioError> {
        let before = bus.active_instances(adapter).await?;
        let (bluez, advert) = (bus.bluez(adapter)?, advert(broadcast, settings));
        // What comes after all when nobody waits any more may be dropped, or be nobody's,
        // where bluer has given up: that one ends with its connection.
        let registered = bus.within(async move { bluez.advertise(advert).await });
        let registered = registered.await.inspect_err(|_| bus.start_anew())?;
        let mut on_air = Self {
            handle: registered.map_err(register_error)?,
            bus: bus.clone(),
            adapter: adapter.to_owned(),
            epoch,
            active: 0,
        };
        match bus.active_instances(adapter).await {
            Ok(active) if active > before => {
                on_air.active = active;
                Ok(on_air)
            }
            // bluetoothd said yes, but nothing is on the air.
            result => {
                on_air.take_off().await?;
                Err(result.err().unwrap_or(RadioError::NoInstance))
            }
        }
    }

    /// The bluetoothd it was registered with.
    pub(super) fn bus(&self) -> &Bus {
        &self.bus
    }

    /// The adapter it was registered on.
    pub(super) fn adapter(&self) -> &str {
        &self.adapter
    }

    /// The adapter's epoch in which it was registered.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether the number of registered adverts says that this one is gone, or on
    /// a legacy controller that it has to share.
    ///
    /// Where there are several, it need not be this one that is gone; a new
    /// identifier too many does no harm.
    pub(super) fn is_disturbed(&self, active: u8, is_extended: bool) -> bool {
        active < self.active || (!is_extended && self.shares(active))
    }

    /// Whether the number of registered adverts says that another program has one.
    pub(super) fn shares(&self, active: u8) -> bool {
        active > self.active
    }

    /// Takes the advert off the air and waits until bluetoothd no longer counts it.
    pub(super) async fn take_off(self) -> Result<(), RadioError> {
        let (bus, adapter) = (self.bus.clone(), self.adapter.clone());
        let before = bus.active_instances(&adapter).await;
        // In any case: who does not answer may go on later.
        drop(self.handle);
        let before = before?;
        let deadline = Instant::now() + LEAVE_TIME_MAX;
        while before > 0 && bus.active_instances(&adapter).await? >= before {
            if Instant::now() >= deadline {
                return Err(RadioError::Timeout);
            }
            sleep(LEAVE_POLL).await;
        }
        Ok(())
    }
}

/// Has the kernel of a legacy controller forget the adverts that no program has any more
/// (docs/bluez.md, trap 9), by taking the place of each: bluetoothd gives an advert the
/// first number that it believes to be free. Nobody else may have one meanwhile.
///
/// # Errors
/// Where bluetoothd does not take them, or does not let go of them.
pub(super) async fn sweep(bus: &Bus, adapter: &str) -> Result<(), RadioError> {
    let mut places = Vec::new();
    let swept = loop {
        let (bluez, blank) = (
            bus.bluez(adapter)?,
            Advertisement {
                advertisement_type: Type::Broadcast,
                ..Advertisement::default()
            },
        );
        let registered = bus.within(async move { bluez.advertise(blank).await });
        match registered
            .await
            .inspect_err(|_| bus.start_anew())?
            .map_err(register_error)
        {
            Ok(place) => places.push(place),
            Err(RadioError::NoInstance) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    tracing::info!(
        places = places.len(),
        "sweeping what another program left behind"
    );
    drop(places);
    let deadline = Instant::now() + LEAVE_TIME_MAX;
    while bus.active_instances(adapter).await? > 0 {
        if Instant::now() >= deadline {
            return Err(RadioError::Timeout);
        }
        sleep(LEAVE_POLL).await;
    }
    swept
}

/// `broadcast` as bluetoothd is to send it.
///
/// Type `broadcast` and nothing about discoverability: anything else would be
/// connectable and come from the public address (docs/bluez.md, trap 1).
fn advert(broadcast: &Broadcast, settings: &Settings) -> Advertisement {
    let data = ServiceData {
        rpi: broadcast.rpi,
        aem: broadcast.aem,
    };
    let (shortest, longest) = settings.advertising_interval;
    Advertisement {
        advertisement_type: Type::Broadcast,
        service_uuids: [SERVICE].into(),
        service_data: [(SERVICE, data.to_bytes().to_vec())].into(),
        min_interval: Some(shortest),
        max_interval: Some(longest),
        ..Advertisement::default()
    }
}

fn register_error(error: bluer::Error) -> RadioError {
    // doc/advertising-api.txt: "NotPermitted" is "the maximum number of advertisement
    // instances is reached".
    if error.kind == ErrorKind::NotPermitted {
        RadioError::NoInstance
    } else {
        refused_by_bluez(error)
    }
}
