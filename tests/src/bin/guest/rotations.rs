//! The radio alone, in many rotations.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use gaen::key::{AEM_LEN, Aem, KEY_LEN, Rpi};
use serde_json::json;
use sesshoku_tests::conduct::Driver;
use sesshoku_tests::guest::{Guest, memory_kib};
use sesshokud::radio::bluez::Settings;
use sesshokud::radio::{Broadcast, Command, RadioEvent, RadioState};
use tokio::time::{Instant, sleep};

/// How long each identifier is on the air; an extended controller sends every 1280 ms.
const AIRED: Duration = Duration::from_secs(3);
/// How many rotations lie between two looks at the memory.
const LOOK_EVERY: u32 = 50;

/// One identifier after the other, and nothing else happens.
pub(crate) fn undisturbed(guest: &mut Guest) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(rotate(guest))
}

async fn rotate(guest: &mut Guest) -> Result<()> {
    let mut radio = Driver::start(Settings {
        adapter: Some("hci0".to_owned()),
        ..Settings::default()
    });
    radio
        .until("a radio that is ready", |event| {
            matches!(event, RadioEvent::State(RadioState::Ready(_))).then_some(())
        })
        .await?;
    let mut took_ms = Vec::new();
    let (mut memory, mut bluetoothd) = (Vec::new(), Vec::new());
    for number in 0..guest.setup.rotations {
        let start = Instant::now();
        let done = radio.command(broadcast(number)).await?;
        done.with_context(|| format!("rotation {number}"))?;
        took_ms.push(u64::try_from(start.elapsed().as_millis())?);
        sleep(AIRED).await;
        radio.forget();
        if number % LOOK_EVERY == LOOK_EVERY - 1 {
            memory.push(memory_kib(std::process::id())?);
            bluetoothd.push(guest.bluetoothd_memory_kib()?);
        }
    }
    radio.close().await;
    let result = json!({
        "took_ms": took_ms,
        "memory_kib": memory,
        "bluetoothd_kib": bluetoothd,
    });
    Ok(fs::write(
        guest.shared_dir().join("rotations.json"),
        result.to_string(),
    )?)
}

/// Something to broadcast that no other number has.
fn broadcast(number: u32) -> Command {
    let mut rpi = [0xA5; KEY_LEN];
    rpi[..4].copy_from_slice(&number.to_be_bytes());
    Command::StartBroadcast(Broadcast {
        rpi: Rpi::from_bytes(rpi),
        aem: Aem::from_bytes([0x5A; AEM_LEN]),
    })
}
