//! A small BlueZ client, well-behaved or not as it is told.
//!
//! With it the tests of the Bluetooth tier prove the tier itself: that the
//! emulated controllers work with the real bluetoothd, and that the audit notices
//! what it is there to notice.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use bluer::adv::{Advertisement, AdvertisementHandle, Type};
use bluer::{Adapter, AdapterEvent, DiscoveryFilter, DiscoveryTransport, Session, Uuid};
use clap::{Parser, Subcommand};
use futures_util::StreamExt;
use serde_json::json;

const EXPOSURE_NOTIFICATION: Uuid = Uuid::from_u128(0x0000_FD6F_0000_1000_8000_0080_5F9B_34FB);

/// A service that has nothing to do with us.
const OTHER: Uuid = Uuid::from_u128(0x0000_FEAA_0000_1000_8000_0080_5F9B_34FB);

/// Advertises and scans through BlueZ.
#[derive(Debug, Parser)]
struct Options {
    /// The adapter to use
    #[arg(long, default_value = "hci0")]
    adapter: String,
    #[command(subcommand)]
    job: Job,
}

#[derive(Debug, Subcommand)]
enum Job {
    /// Advertises, each identifier after the one before is off the air
    Rotate {
        /// How many identifiers
        #[arg(long)]
        times: u8,
        /// Seconds for each
        #[arg(long)]
        every: u64,
        /// As a connectable peripheral
        #[arg(long)]
        peripheral: bool,
    },
    /// Advertises two identifiers at once
    Overlap {
        /// Seconds of it
        #[arg(long)]
        seconds: u64,
    },
    /// Advertises something else, as other programs do
    Other {
        /// Seconds of it
        #[arg(long)]
        seconds: u64,
    },
    /// Discovers without a filter, as the desktop's Bluetooth settings do
    Discover {
        /// Seconds of it
        #[arg(long)]
        seconds: u64,
    },
    /// Prints the devices it hears, a JSON object per line
    Scan {
        /// Ends when it has heard so many
        #[arg(long)]
        devices: usize,
        /// Gives up after so many seconds
        #[arg(long)]
        seconds: u64,
    },
}

// bluer stalls on a multi-thread runtime (docs/bluez.md).
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let session = Session::new().await?;
    let adapter = session.adapter(&options.adapter)?;
    adapter.set_powered(true).await?;
    match options.job {
        Job::Rotate {
            times,
            every,
            peripheral,
        } => {
            for identifier in 1..=times {
                let advert = advertise(&adapter, identifier, peripheral).await?;
                tokio::time::sleep(Duration::from_secs(every)).await;
                drop(advert);
                wait_until_off_air(&adapter).await?;
            }
            Ok(())
        }
        Job::Overlap { seconds } => {
            let _first = advertise(&adapter, 1, false).await?;
            let _second = advertise(&adapter, 2, false).await?;
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok(())
        }
        Job::Other { seconds } => {
            let advertisement = Advertisement {
                advertisement_type: Type::Broadcast,
                service_data: [(OTHER, vec![0x10, 0xEE])].into(),
                ..Advertisement::default()
            };
            let handle = adapter.advertise(advertisement).await;
            let _handle = handle.context("cannot advertise")?;
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok(())
        }
        Job::Discover { seconds } => {
            let devices = adapter.discover_devices().await?;
            let until = tokio::time::sleep(Duration::from_secs(seconds));
            let until = std::pin::pin!(until);
            devices.take_until(until).for_each(async |_| {}).await;
            Ok(())
        }
        Job::Scan { devices, seconds } => {
            let scan = scan(&adapter, devices);
            tokio::time::timeout(Duration::from_secs(seconds), scan)
                .await
                .with_context(|| format!("did not hear {devices} devices in {seconds} s"))?
        }
    }
}

async fn advertise(
    adapter: &Adapter,
    identifier: u8,
    peripheral: bool,
) -> Result<AdvertisementHandle> {
    let service_data = vec![identifier; 20];
    let advertisement = Advertisement {
        advertisement_type: if peripheral {
            Type::Peripheral
        } else {
            Type::Broadcast
        },
        service_uuids: [EXPOSURE_NOTIFICATION].into(),
        service_data: [(EXPOSURE_NOTIFICATION, service_data)].into(),
        ..Advertisement::default()
    };
    let handle = adapter.advertise(advertisement).await;
    handle.context("cannot advertise")
}

/// bluer unregisters an advert some time after its handle was dropped.
async fn wait_until_off_air(adapter: &Adapter) -> Result<()> {
    while adapter.active_advertising_instances().await? > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn scan(adapter: &Adapter, devices: usize) -> Result<()> {
    let filter = DiscoveryFilter {
        uuids: [EXPOSURE_NOTIFICATION].into(),
        transport: DiscoveryTransport::Le,
        duplicate_data: true,
        ..DiscoveryFilter::default()
    };
    adapter.set_discovery_filter(filter).await?;
    let events = adapter.discover_devices_with_changes().await?;
    let added = events.filter_map(async |event| match event {
        AdapterEvent::DeviceAdded(address) => Some(address),
        AdapterEvent::DeviceRemoved(_) | AdapterEvent::PropertyChanged(_) => None,
    });
    let mut added = std::pin::pin!(added);
    // bluer says "added" of a device again with each change of its properties.
    let mut heard_devices = BTreeSet::new();
    while heard_devices.len() < devices {
        let address = added.next().await.context("the scan ended by itself")?;
        if !heard_devices.insert(address) {
            continue;
        }
        let device = adapter.device(address)?;
        let service_data = device.service_data().await?.unwrap_or_default();
        let heard = json!({
            "address": address.to_string(),
            "rssi": device.rssi().await?,
            "service_data": service_data.get(&EXPOSURE_NOTIFICATION).map(hex::encode),
        });
        writeln!(std::io::stdout(), "{heard}")?;
    }
    Ok(())
}
