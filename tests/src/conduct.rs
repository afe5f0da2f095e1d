//! What the radio does on BlueZ and what has to come of it, the same on the real one and
//! on the fake: [`judge`] is one scenario for both. When they differ, the fake is wrong.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use gaen::advert::ServiceData;
use gaen::key::{AEM_LEN, Aem, KEY_LEN, Rpi};
use sesshoku_core::radio::{
    Broadcast, Capabilities, Command, Heard, PrivacyRisk, RadioError, RadioEvent, RadioState,
    ScanMethod,
};
use sesshokud::radio::Radio;
use sesshokud::radio::bluez::{BluezRadio, Settings};
use tokio::time::{Instant, timeout_at};

/// The longest that anything here may take: a command that is tried again and again
/// while bluetoothd settles, and some.
const LONGEST: Duration = Duration::from_secs(30);

/// How soon nothing is on the air any more when the adapter is discoverable.
const SILENT_WITHIN: Duration = Duration::from_secs(1);

/// The machine below the radio.
pub trait Machine {
    /// The adapter's name.
    fn adapter(&self) -> &str;
    /// Whether its controller does extended advertising.
    fn is_extended(&self) -> bool;
    /// Whether there are advertisement monitors.
    fn is_experimental(&self) -> bool;

    /// Switches the adapter on or off.
    ///
    /// # Errors
    /// When it does not let itself be switched.
    fn set_powered(&mut self, on: bool) -> Result<()>;
    /// Makes the adapter discoverable, or hides it.
    ///
    /// # Errors
    /// When it does not let itself.
    fn set_discoverable(&mut self, on: bool) -> Result<()>;
    /// Whether, once discoverable beside an advert, the adapter shows its own address
    /// until it is switched off.
    fn stays_exposed(&self) -> bool;
    /// Kills bluetoothd.
    ///
    /// # Errors
    /// When it does not die.
    fn kill_bluetoothd(&mut self) -> Result<()>;
    /// Starts it again.
    ///
    /// # Errors
    /// When it does not start.
    fn start_bluetoothd(&mut self) -> Result<()>;
    /// Lets a phone come near that is heard at `rssi` dBm.
    ///
    /// # Errors
    /// When there is no such phone.
    fn phone(&mut self, rssi: i8) -> Result<()>;
    /// What the adapter has on the air from this moment on. Time may pass.
    ///
    /// # Errors
    /// When nobody knows.
    fn on_air(&mut self) -> impl Future<Output = Result<BTreeSet<Advert>>>;
}

/// An advert on the air.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Advert {
    /// Where it comes from, its bytes in any order.
    pub address: [u8; 6],
    /// Whether that is the adapter's own address.
    pub is_public: bool,
    /// Whether it can be connected to.
    pub is_connectable: bool,
    /// The service data of 0xFD6F.
    pub data: Vec<u8>,
}

/// A radio, and what it reported and nobody has asked for yet.
pub struct Driver {
    radio: BluezRadio,
    reported: Vec<RadioEvent>,
}

impl Driver {
    /// Starts a radio.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(settings: Settings) -> Self {
        Self {
            radio: BluezRadio::start(settings),
            reported: Vec::new(),
        }
    }

    /// Gives a command and waits until it is answered.
    ///
    /// # Errors
    /// When it is not answered in time; the radio's own errors are in the result.
    pub async fn command(&mut self, command: Command) -> Result<Result<(), RadioError>> {
        self.give(command);
        self.answer().await
    }

    /// Gives a command, and does not wait.
    pub fn give(&mut self, command: Command) {
        self.radio.command(command);
    }

    /// Waits until the oldest command without an answer has one.
    ///
    /// # Errors
    /// When it is not answered in time; the radio's own errors are in the result.
    pub async fn answer(&mut self) -> Result<Result<(), RadioError>> {
        self.until("an answer", |event| {
            if let RadioEvent::Done(result) = event {
                Some(result.clone())
            } else {
                None
            }
        })
        .await
    }

    /// Whether [`Self::answer`] has something to return already.
    pub async fn has_answered(&mut self) -> bool {
        while let Ok(event) = timeout_at(Instant::now(), self.radio.next(None)).await {
            self.reported.push(event);
        }
        let is_answer = |event: &RadioEvent| matches!(event, RadioEvent::Done(_));
        self.reported.iter().any(is_answer)
    }

    /// Waits until `picks` takes an event, among those reported before as well.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn until<T>(
        &mut self,
        what: &str,
        picks: impl Fn(&RadioEvent) -> Option<T>,
    ) -> Result<T> {
        let found = self
            .reported
            .iter()
            .position(|event| picks(event).is_some());
        if let Some(place) = found {
            return picks(&self.reported.remove(place)).context("it was picked");
        }
        let deadline = Instant::now() + LONGEST;
        loop {
            let Ok(event) = timeout_at(deadline, self.radio.next(None)).await else {
                bail!("waited for {what}; there was {:?}", self.reported);
            };
            if let Some(picked) = picks(&event) {
                return Ok(picked);
            }
            self.reported.push(event);
        }
    }

    /// Waits until the radio's state is `expected`, whatever it was before.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn until_it_is(&mut self, expected: &RadioState) -> Result<()> {
        let what = format!("{expected:?}");
        self.until(&what, |event| {
            matches!(event, RadioEvent::State(state) if state == expected).then_some(())
        })
        .await
    }

    /// Waits until an advert is heard.
    ///
    /// # Errors
    /// When none is in time.
    pub async fn hears(&mut self) -> Result<Heard> {
        self.until("an advert", |event| {
            if let RadioEvent::Heard(heard) = event {
                Some(*heard)
            } else {
                None
            }
        })
        .await
    }

    /// Forgets what was reported.
    pub fn forget(&mut self) {
        self.reported.clear();
    }

    /// Ends the radio.
    pub async fn close(mut self) {
        self.radio.close().await;
    }
}

/// Something to broadcast that is told apart by `byte`.
pub fn broadcast(byte: u8) -> Command {
    Command::StartBroadcast(Broadcast {
        rpi: Rpi::from_bytes([byte; KEY_LEN]),
        aem: Aem::from_bytes([byte; AEM_LEN]),
    })
}

/// The service data of [`broadcast`].
pub fn data(byte: u8) -> Vec<u8> {
    ServiceData {
        rpi: Rpi::from_bytes([byte; KEY_LEN]),
        aem: Aem::from_bytes([byte; AEM_LEN]),
    }
    .to_bytes()
    .to_vec()
}

/// Runs the scenario.
///
/// # Errors
/// When something comes out as it should not.
pub async fn judge(machine: &mut impl Machine) -> Result<()> {
    let capabilities = Capabilities {
        adapter: machine.adapter().to_owned(),
        scan_method: if machine.is_experimental() {
            ScanMethod::MonitorAndDiscovery
        } else {
            ScanMethod::Discovery
        },
        rotates_while_scanning: machine.is_extended(),
        always_listening: false,
    };
    let off = RadioState::Off(capabilities.adapter.clone());
    let ready = RadioState::Ready(capabilities.clone());
    let shown = RadioState::PrivacyAtRisk(PrivacyRisk::Discoverable, capabilities.clone());
    let exposed = RadioState::PrivacyAtRisk(PrivacyRisk::Exposed, capabilities);
    let mut addresses = BTreeSet::new();

    let mut radio = Driver::start(Settings {
        adapter: Some(machine.adapter().to_owned()),
        ..Settings::default()
    });
    radio.until_it_is(&ready).await?;
    for byte in [1, 2, 3] {
        radio.command(broadcast(byte)).await??;
        is_private(machine, byte, &mut addresses).await?;
    }

    // A legacy controller cannot take another identifier while it scans.
    radio.command(Command::StartScan).await??;
    machine.phone(-60)?;
    let heard = radio.hears().await.context("while advertising")?;
    ensure!(heard.rssi == -60, "heard at {}", heard.rssi);
    let rotated = radio.command(broadcast(4)).await?;
    if machine.is_extended() {
        rotated?;
        is_private(machine, 4, &mut addresses).await?;
    } else {
        ensure!(
            matches!(rotated, Err(RadioError::Refused(_))),
            "{rotated:?} while scanning"
        );
        ensure!(machine.on_air().await?.is_empty(), "the one before is gone");
    }
    radio.forget();
    radio.hears().await.context("after a rotation")?;
    radio.command(Command::StopScan).await??;

    radio.command(broadcast(5)).await??;
    is_private(machine, 5, &mut addresses).await?;
    radio.forget();
    machine.set_discoverable(true)?;
    radio.until_it_is(&shown).await?;
    tokio::time::sleep(SILENT_WITHIN).await;
    let sent = machine.on_air().await?;
    ensure!(sent.is_empty(), "{sent:?} while discoverable");
    let refused = radio.command(broadcast(6)).await?;
    ensure!(
        refused == Err(RadioError::PrivacyAtRisk),
        "{refused:?} while discoverable"
    );
    machine.set_discoverable(false)?;
    if machine.stays_exposed() {
        radio.until_it_is(&exposed).await?;
        let refused = radio.command(broadcast(6)).await?;
        ensure!(
            refused == Err(RadioError::PrivacyAtRisk),
            "{refused:?} while exposed"
        );
        machine.set_powered(false)?;
        radio.until_it_is(&off).await?;
        machine.set_powered(true)?;
    }
    radio.until_it_is(&ready).await?;
    radio.command(broadcast(6)).await??;
    is_private(machine, 6, &mut addresses).await?;

    radio.forget();
    machine.set_powered(false)?;
    radio.until_it_is(&off).await?;
    let refused = radio.command(broadcast(7)).await?;
    ensure!(
        refused == Err(RadioError::NotReady),
        "{refused:?} while off"
    );
    machine.set_powered(true)?;
    radio.until_it_is(&ready).await?;
    radio.command(broadcast(7)).await??;
    is_private(machine, 7, &mut addresses).await?;

    // The kernel goes on by itself.
    radio.forget();
    machine.kill_bluetoothd()?;
    radio.until_it_is(&RadioState::Absent).await?;
    let sent = machine.on_air().await?;
    ensure!(
        sent.len() == 1 && sent.iter().all(|advert| advert.data == data(7)),
        "{sent:?} without bluetoothd"
    );
    machine.start_bluetoothd()?;
    radio.until_it_is(&ready).await?;
    radio.command(broadcast(8)).await??;
    is_private(machine, 8, &mut addresses).await?;
    radio.close().await;
    let sent = machine.on_air().await?;
    ensure!(sent.is_empty(), "{sent:?} after the end");
    Ok(())
}

/// One advert is on the air, with this data, from an address that was never used.
async fn is_private(
    machine: &mut impl Machine,
    byte: u8,
    addresses: &mut BTreeSet<[u8; 6]>,
) -> Result<()> {
    let sent = machine.on_air().await?;
    let [advert] = Vec::from_iter(sent)
        .try_into()
        .map_err(|sent: Vec<Advert>| anyhow::anyhow!("{sent:?} instead of {byte}"))?;
    ensure!(
        !advert.is_public && !advert.is_connectable && advert.data == data(byte),
        "{advert:?} instead of {byte}"
    );
    ensure!(addresses.insert(advert.address), "{advert:?} is seen again");
    Ok(())
}
