//! The radio alone, judged as on the fake bluetoothd.

use std::collections::BTreeSet;
use std::time::Duration;

use air::address::AddressType;
use air::channel::Node;
use air::log::Event;
use anyhow::{Context, Result};
use gaen::advert;
use nix::sys::signal::Signal;
use nix::time::{ClockId, clock_gettime};
use sesshoku_tests::conduct::{self, Advert, Machine};
use sesshoku_tests::guest::Guest;

/// An extended controller advertises every 1280 ms unless bluetoothd 5.66 runs with
/// `--experimental`.
const LOOK: Duration = Duration::from_secs(3);

pub(crate) fn judged(guest: &mut Guest) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(conduct::judge(&mut Real(guest)))
}

struct Real<'a>(&'a mut Guest);

impl Real<'_> {
    /// Does something that runs a runtime of its own.
    fn beside<T: Send>(&mut self, job: impl FnOnce(&mut Guest) -> Result<T> + Send) -> Result<T> {
        let guest = &mut *self.0;
        let done = std::thread::scope(|scope| scope.spawn(|| job(guest)).join());
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Machine for Real<'_> {
    fn adapter(&self) -> &str {
        "hci0"
    }

    fn is_extended(&self) -> bool {
        self.0.setup.model.extended
    }

    fn is_experimental(&self) -> bool {
        self.0.setup.experimental
    }

    fn set_powered(&mut self, on: bool) -> Result<()> {
        self.beside(|guest| guest.set_powered("hci0", on))
    }

    fn set_discoverable(&mut self, on: bool) -> Result<()> {
        self.beside(|guest| guest.set_discoverable("hci0", on))
    }

    fn stays_exposed(&self) -> bool {
        self.is_extended()
    }

    fn kill_bluetoothd(&mut self) -> Result<()> {
        self.beside(|guest| guest.end_bluetoothd(Signal::SIGKILL))
    }

    fn start_bluetoothd(&mut self) -> Result<()> {
        self.beside(Guest::restart_bluetoothd)
    }

    fn phone(&mut self, rssi: i8) -> Result<()> {
        self.0.air(&format!("phone near rssi={rssi}")).map(drop)
    }

    async fn on_air(&mut self) -> Result<BTreeSet<Advert>> {
        let since =
            u64::try_from(Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?).as_micros())
                .context("a long time after boot")?;
        tokio::time::sleep(LOOK).await;
        // Its answer comes after all that went before is in the log.
        self.0.air("stats")?;
        let records = self.0.air_log()?.read_new()?;
        let recent = records.into_iter().filter(|record| record.at_us >= since);
        let ours = recent.filter_map(|record| {
            if let Event::Pdu { from, pdu, .. } = record.event {
                (from == Node::Controller(0)).then_some(pdu)
            } else {
                None
            }
        });
        Ok(ours
            .filter_map(|pdu| {
                Some(Advert {
                    address: pdu.address.to_hci(),
                    is_public: pdu.address_type == AddressType::Public,
                    is_connectable: pdu.kind.is_connectable(),
                    data: advert::parse(&pdu.data)?.to_bytes().to_vec(),
                })
            })
            .collect())
    }
}
