//! The radio alone, in many rotations.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command as Program;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gaen::key::{AEM_LEN, Aem, KEY_LEN, Rpi};
use nix::sys::signal::Signal;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use serde_json::json;
use sesshoku_core::radio::{Broadcast, Command, RadioError, RadioEvent, RadioState};
use sesshoku_tests::conduct::Driver;
use sesshoku_tests::guest::{Guest, memory_kib};
use sesshoku_tests::local::{Process, program, wait_for};
use sesshokud::radio::bluez::Settings;
use tokio::time::{Instant, sleep};

/// How long each identifier is on the air; an extended controller sends every 1280 ms.
const AIRED: Duration = Duration::from_secs(3);
/// How many rotations lie between two looks at the memory.
const LOOK_EVERY: u32 = 50;

/// How long the radio waits before the adapter becomes discoverable, and until then after.
/// It waits for 3.5 s.
const HELD_UP: Duration = Duration::from_millis(1_500);

/// In how many rotations something happens once.
const DISTURBED_ONCE_IN: u64 = 20;
/// How often in a row nothing can be broadcast. A foreign advert, which stays for the
/// longest, is there for a minute.
const REFUSED_MAX: u32 = 200;

/// One identifier after the other, and nothing else happens.
pub(crate) fn undisturbed(guest: &mut Guest) -> Result<()> {
    on_runtime(rotate(guest))
}

/// One identifier after the other, while things happen at random that could tie them
/// together.
pub(crate) fn disturbed(guest: &mut Guest) -> Result<()> {
    on_runtime(rotate_at_random(guest))
}

/// Another program's advert ends while the adapter is off; after that the radio itself does.
pub(crate) fn left_behind(guest: &mut Guest) -> Result<()> {
    on_runtime(leave_behind(guest))
}

/// The adapter becomes discoverable while the radio waits for bluetoothd.
pub(crate) fn held_up(guest: &mut Guest) -> Result<()> {
    on_runtime(hold_up(guest))
}

fn on_runtime(job: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(job)
}

async fn ready() -> Result<Driver> {
    let mut radio = Driver::start(Settings {
        adapter: Some("hci0".to_owned()),
        ..Settings::default()
    });
    wait_until_ready(&mut radio).await?;
    Ok(radio)
}

async fn wait_until_ready(radio: &mut Driver) -> Result<()> {
    let ready = radio.until("a radio that is ready", |event| {
        matches!(event, RadioEvent::State(RadioState::Ready(_))).then_some(())
    });
    ready.await
}

async fn leave_behind(guest: &mut Guest) -> Result<()> {
    let mut radio = ready().await?;
    ensure!(radio.command(broadcast(u32::MAX)).await? == Ok(()));
    let other = another_advert(guest)?;
    wait_for("both adverts", || {
        Ok((apart(guest, |guest| guest.adverts("hci0"))? == 2).then_some(()))
    })?;
    sleep(AIRED).await;
    apart(guest, |guest| guest.set_powered("hci0", false))?;
    radio
        .until_it_is(&RadioState::Off("hci0".to_owned()))
        .await?;
    drop(other);
    wait_for("the other advert to be gone", || {
        Ok((apart(guest, |guest| guest.adverts("hci0"))? < 2).then_some(()))
    })?;
    guest.air("mark on")?;
    apart(guest, |guest| guest.set_powered("hci0", true))?;
    wait_until_ready(&mut radio).await?;
    for number in 0..3 {
        ensure!(radio.command(broadcast(number)).await? == Ok(()));
        guest.air(&format!("mark {number}"))?;
        sleep(AIRED * 4).await;
    }
    apart(guest, |guest| guest.set_powered("hci0", false))?;
    radio
        .until_it_is(&RadioState::Off("hci0".to_owned()))
        .await?;
    radio.close().await;
    guest.air("mark closed")?;
    apart(guest, |guest| guest.set_powered("hci0", true))?;
    sleep(Duration::from_secs(600)).await;
    Ok(())
}

/// While the controller inquires by itself, the kernel refuses discovery as busy, and the
/// radio tries again and again.
async fn hold_up(guest: &mut Guest) -> Result<()> {
    let mut radio = ready().await?;
    ensure!(radio.command(broadcast(0)).await? == Ok(()));
    sleep(AIRED).await;
    inquire_periodically(true)?;
    radio.give(Command::StartScan);
    sleep(HELD_UP).await;
    guest.air("mark discoverable")?;
    apart(guest, |guest| guest.set_discoverable("hci0", true))?;
    sleep(HELD_UP).await;
    ensure!(!radio.has_answered().await, "nothing held it up");
    let answer = radio.answer().await.context("of the refused scan")?;
    // The last, where its connection is being made anew.
    ensure!(
        matches!(answer, Err(RadioError::Refused(_) | RadioError::NotReady)),
        "{answer:?}"
    );
    inquire_periodically(false)?;
    apart(guest, |guest| guest.hide_for_good("hci0"))?;
    guest.air("mark hidden")?;
    radio.forget();
    wait_until_ready(&mut radio).await?;
    // What is asked of it now is done as before.
    for command in [broadcast(1), Command::StartScan, Command::StopScan] {
        ensure!(radio.command(command).await? == Ok(()), "{command:?}");
    }
    sleep(AIRED).await;
    radio.close().await;
    Ok(())
}

/// Has the controller look for others by itself, every few seconds, or no longer.
fn inquire_periodically(on: bool) -> Result<()> {
    let mut command = Program::new("hcitool");
    command.args(["-i", "hci0", if on { "spinq" } else { "epinq" }]);
    let done = command.status().context("hcitool is in bluez")?;
    ensure!(done.success(), "hcitool ended with {done}");
    Ok(())
}

async fn rotate_at_random(guest: &mut Guest) -> Result<()> {
    guest.air(crate::ASKED)?;
    let mut random = ChaCha8Rng::seed_from_u64(13);
    let mut radio = ready().await?;
    let mut other: Option<Process> = None;
    let (mut number, mut aired, mut refused) = (0, 0, 0);
    let mut happened = [0; 4];
    let mut reasons = BTreeMap::<String, u32>::new();
    while aired < guest.setup.rotations {
        if let Some(advert) = &mut other
            && !advert.is_running()?
        {
            other = None;
            guest.air("mark alone")?;
        }
        if random.next_u64() % DISTURBED_ONCE_IN == 0 {
            let lasts = Duration::from_millis(random.next_u64() % 20_000);
            let what = usize::try_from(random.next_u64() % 4)?;
            happened[what] += 1;
            match what {
                0 => show(guest, &mut radio, &mut number, lasts).await?,
                1 => {
                    apart(guest, |guest| guest.set_powered("hci0", false))?;
                    sleep(lasts).await;
                    guest.air("mark on")?;
                    apart(guest, |guest| guest.set_powered("hci0", true))?;
                }
                2 => {
                    apart(guest, |guest| guest.end_bluetoothd(Signal::SIGKILL))?;
                    sleep(lasts).await;
                    apart(guest, Guest::restart_bluetoothd)?;
                }
                _ => {
                    guest.air("mark another")?;
                    other = Some(another_advert(guest)?);
                }
            }
        }
        radio.forget();
        number += 1;
        match radio.command(broadcast(number)).await? {
            Ok(()) => {
                (aired, refused) = (aired + 1, 0);
                // A legacy controller that scans takes no advert (docs/bluez.md, trap 4).
                let goes_on = guest.setup.model.extended && random.next_u64() % 4 == 0;
                scan(&mut radio, goes_on).await?;
            }
            Err(error) => {
                *reasons.entry(format!("{error:?}")).or_default() += 1;
                refused += 1;
                ensure!(refused < REFUSED_MAX, "{error} again and again");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
    radio.close().await;
    drop(other);
    let result = json!({
        "aired": aired,
        "tried": number,
        "discoverable": happened[0],
        "switched-off": happened[1],
        "killed": happened[2],
        "foreign-advert": happened[3],
        "reasons": reasons,
    });
    Ok(fs::write(
        guest.shared_dir().join("rotations.json"),
        result.to_string(),
    )?)
}

/// Scans while an identifier is on the air.
async fn scan(radio: &mut Driver, goes_on: bool) -> Result<()> {
    // Either may be refused: an advert that another program has just given up is being
    // taken off the air.
    _ = radio.command(Command::StartScan).await?;
    sleep(AIRED).await;
    if !goes_on {
        _ = radio.command(Command::StopScan).await?;
    }
    Ok(())
}

/// The adapter is discoverable for a time, and for good no longer.
async fn show(
    guest: &mut Guest,
    radio: &mut Driver,
    number: &mut u32,
    lasts: Duration,
) -> Result<()> {
    guest.air("mark discoverable")?;
    apart(guest, |guest| guest.set_discoverable("hci0", true))?;
    sleep(lasts).await;
    *number += 1;
    let answer = radio.command(broadcast(*number)).await?;
    ensure!(
        answer == Err(RadioError::PrivacyAtRisk),
        "{answer:?} while discoverable"
    );
    if guest.setup.model.extended {
        apart(guest, |guest| guest.set_discoverable("hci0", false))?;
        apart(guest, |guest| guest.set_powered("hci0", false))?;
        // Only this ends what the kernel goes on sending.
        guest.air("mark hidden")?;
        apart(guest, |guest| guest.set_powered("hci0", true))
    } else {
        apart(guest, |guest| guest.set_discoverable("hci0", false))?;
        guest.air("mark hidden")?;
        Ok(())
    }
}

/// Another program advertises for a minute.
fn another_advert(guest: &Guest) -> Result<Process> {
    let mut command = Program::new(program("bluez-probe")?);
    command.args(["other", "--seconds", "60"]);
    guest.start_process("probe", &mut command)
}

/// Does something that runs a runtime of its own, again where bluetoothd is busy with an
/// advert, as a person would.
fn apart<T: Send>(guest: &mut Guest, job: impl Fn(&mut Guest) -> Result<T> + Sync) -> Result<T> {
    let again = || {
        wait_for("bluetoothd to be less busy", || match job(guest) {
            Err(error) if format!("{error:#}").contains("Busy") => Ok(None),
            result => result.map(Some),
        })
    };
    let done = std::thread::scope(|scope| scope.spawn(again).join());
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

async fn rotate(guest: &mut Guest) -> Result<()> {
    let mut radio = ready().await?;
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
