//! The daemon's radio on a fake bluetoothd: its states and what it does in them, in
//! moments. The real one is in tests/bluez*.rs, and has the last word.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command as Program, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sesshoku_core::radio::{Command, PrivacyRisk, RadioError, RadioEvent, RadioState, ScanMethod};
use sesshoku_tests::conduct::{self, Advert, Driver, Machine, broadcast, data};
use sesshoku_tests::fake_bluez::{ADAPTER, FakeBluez, Options};
use sesshoku_tests::local::{Place, Process, program, wait_for};
use sesshokud::radio::bluez::Settings;
use tokio::time::{Instant, timeout, timeout_at};

const LEGACY: Options = Options {
    extended: false,
    experimental: false,
    old: false,
};
const EXTENDED: Options = Options {
    extended: true,
    ..LEGACY
};
const EXPERIMENTAL: Options = Options {
    experimental: true,
    ..LEGACY
};

/// How soon nothing is on the air any more when the adapter is discoverable, and how often
/// to look.
const SILENT_WITHIN: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs `scenario` with a fake bluetoothd on a bus of its own.
///
/// bluer finds its bus by the environment alone, which a process with threads must not
/// change: the test runs again, in a process of its own.
fn on_fake(test: &str, options: Options, scenario: impl AsyncFnOnce(&FakeBluez) -> Result<()>) {
    const MARK: &str = "SESSHOKU_TEST_ON_FAKE";
    const BUS: &str = "DBUS_SYSTEM_BUS_ADDRESS";
    if std::env::var_os(MARK).is_some() {
        let bus = std::env::var(BUS).expect("the test has a bus");
        let fake = FakeBluez::start(&bus, options).expect("a fake");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let done = runtime.block_on(scenario(&fake));
        let air = fake.air();
        return done.unwrap_or_else(|error| panic!("{error:#}\non the air: {air:#?}"));
    }
    let place = Place::new().expect("a bus");
    let this = std::env::current_exe().expect("this program has a file");
    let output = Program::new(this)
        .args([test, "--exact", "--nocapture"])
        .env(MARK, "1")
        .env(BUS, place.address())
        .stdin(Stdio::null())
        .output()
        .expect("this program runs");
    assert!(
        output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A radio that is ready.
async fn ready() -> Result<Driver> {
    let mut radio = Driver::start(Settings::default());
    until_ready(&mut radio).await?;
    Ok(radio)
}

async fn until_ready(radio: &mut Driver) -> Result<()> {
    radio
        .until("a radio that is ready", |event| {
            matches!(event, RadioEvent::State(RadioState::Ready(_))).then_some(())
        })
        .await
}

async fn until_absent(radio: &mut Driver) -> Result<()> {
    radio
        .until("a radio that is gone", |event| {
            (*event == RadioEvent::State(RadioState::Absent)).then_some(())
        })
        .await
}

async fn until_at_risk(radio: &mut Driver, risk: PrivacyRisk) -> Result<()> {
    radio
        .until("a risk", |event| {
            let RadioEvent::State(state) = event else {
                return None;
            };
            matches!(state, RadioState::PrivacyAtRisk(known, _) if *known == risk).then_some(())
        })
        .await
}

/// What identifiers are on the air, by their first bytes.
fn on_air(fake: &FakeBluez) -> Result<Vec<Option<u8>>> {
    let sent = fake.air()?.into_iter().filter(|sent| sent.is_on_air);
    Ok(sent.map(|sent| sent.data.first().copied()).collect())
}

/// How many adverts are heard in `time`.
async fn samples(radio: &mut Driver, time: Duration) -> Result<usize> {
    let until = Instant::now() + time;
    let mut count = 0;
    while let Ok(heard) = timeout_at(until, radio.hears()).await {
        heard?;
        count += 1;
    }
    Ok(count)
}

struct Fake<'a> {
    fake: &'a FakeBluez,
    options: Options,
}

impl Machine for Fake<'_> {
    fn adapter(&self) -> &str {
        ADAPTER
    }

    fn is_extended(&self) -> bool {
        self.options.extended
    }

    fn is_experimental(&self) -> bool {
        self.options.experimental
    }

    fn set_powered(&mut self, on: bool) -> Result<()> {
        self.fake
            .tell(if on { "powered on" } else { "powered off" })
    }

    fn set_discoverable(&mut self, on: bool) -> Result<()> {
        let instruction = if on {
            "discoverable on"
        } else {
            "discoverable off"
        };
        self.fake.tell(instruction)
    }

    /// No kernel is behind it.
    fn stays_exposed(&self) -> bool {
        false
    }

    fn kill_bluetoothd(&mut self) -> Result<()> {
        self.fake.tell("kill")
    }

    fn start_bluetoothd(&mut self) -> Result<()> {
        self.fake.tell("start")
    }

    fn phone(&mut self, rssi: i8) -> Result<()> {
        self.fake.tell(&format!("phone near {rssi}"))
    }

    async fn on_air(&mut self) -> Result<BTreeSet<Advert>> {
        let sent = self.fake.air()?.into_iter().filter(|sent| sent.is_on_air);
        Ok(sent
            .map(|sent| Advert {
                address: sent.address,
                is_public: sent.is_public,
                is_connectable: sent.is_connectable,
                data: sent.data,
            })
            .collect())
    }
}

/// The same as on the real one: `bluez.rs` has these tests, too.
fn conducts_itself(test: &str, options: Options) {
    on_fake(test, options, async |fake| {
        conduct::judge(&mut Fake { fake, options }).await
    });
}

#[test]
fn conduct_on_a_legacy_controller() {
    conducts_itself("conduct_on_a_legacy_controller", LEGACY);
}

#[test]
fn conduct_on_a_legacy_controller_experimental() {
    conducts_itself("conduct_on_a_legacy_controller_experimental", EXPERIMENTAL);
}

#[test]
fn conduct_on_an_extended_controller() {
    conducts_itself("conduct_on_an_extended_controller", EXTENDED);
}

#[test]
fn conduct_on_an_extended_controller_experimental() {
    let options = Options {
        experimental: true,
        ..EXTENDED
    };
    conducts_itself("conduct_on_an_extended_controller_experimental", options);
}

#[test]
fn nothing_is_broadcast_where_nobody_tells_whether_connections_are_taken() {
    let old = Options {
        old: true,
        ..EXTENDED
    };
    on_fake(
        "nothing_is_broadcast_where_nobody_tells_whether_connections_are_taken",
        old,
        async |fake| {
            let mut radio = Driver::start(Settings::default());
            until_at_risk(&mut radio, PrivacyRisk::Connectable).await?;
            let answer = radio.command(broadcast(1)).await?;
            ensure!(answer == Err(RadioError::PrivacyAtRisk), "{answer:?}");
            ensure!(fake.air()?.is_empty(), "{:?}", fake.air()?);
            // It listens all the same.
            fake.tell("phone near -60")?;
            radio.command(Command::StartScan).await??;
            radio.hears().await?;
            Ok(())
        },
    );
}

#[test]
fn an_adapter_that_was_shown_for_a_time_stays_at_risk() {
    on_fake(
        "an_adapter_that_was_shown_for_a_time_stays_at_risk",
        LEGACY,
        async |fake| {
            let mut radio = ready().await?;
            radio.command(broadcast(1)).await??;
            fake.tell("discoverable 1")?;
            until_at_risk(&mut radio, PrivacyRisk::Discoverable).await?;
            until_at_risk(&mut radio, PrivacyRisk::Connectable).await?;
            let answer = radio.command(broadcast(2)).await?;
            ensure!(answer == Err(RadioError::PrivacyAtRisk), "{answer:?}");
            ensure!(on_air(fake)?.is_empty());
            fake.tell("discoverable on")?;
            fake.tell("discoverable off")?;
            radio.forget();
            until_ready(&mut radio).await?;
            radio.command(broadcast(2)).await??;
            let public = fake.air()?.into_iter().filter(|sent| sent.is_public);
            let public: Vec<_> = public.map(|sent| sent.data).collect();
            ensure!(public == [data(1)], "only what was there: {public:?}");
            Ok(())
        },
    );
}

/// What is asked last before an advert is registered is whether it would go out well.
#[test]
fn an_adapter_that_is_shown_before_an_advert_is_registered_sends_none() {
    on_fake(
        "an_adapter_that_is_shown_before_an_advert_is_registered_sends_none",
        LEGACY,
        async |fake| {
            let mut radio = ready().await?;
            fake.tell("show GetAll")?;
            let answer = radio.command(broadcast(1)).await?;
            ensure!(answer == Err(RadioError::PrivacyAtRisk), "{answer:?}");
            ensure!(fake.air()?.is_empty(), "{:?}", fake.air()?);
            Ok(())
        },
    );
}

/// The answer that privacy is well is as old as the question.
#[test]
fn an_adapter_that_is_shown_while_an_advert_is_registered_is_noticed() {
    on_fake(
        "an_adapter_that_is_shown_while_an_advert_is_registered_is_noticed",
        LEGACY,
        async |fake| {
            let mut radio = ready().await?;
            fake.tell("show RegisterAdvertisement")?;
            let answer = radio.command(broadcast(1)).await?;
            ensure!(answer == Err(RadioError::PrivacyAtRisk), "{answer:?}");
            ensure!(on_air(fake)?.is_empty());
            until_at_risk(&mut radio, PrivacyRisk::Discoverable).await?;
            fake.tell("obey RegisterAdvertisement")?;
            fake.tell("discoverable off")?;
            radio.forget();
            until_ready(&mut radio).await?;
            radio.command(broadcast(2)).await??;
            ensure!(on_air(fake)? == [Some(2)]);
            Ok(())
        },
    );
}

#[test]
fn a_refused_advert_is_refused_and_comes_when_it_is_let() {
    on_fake(
        "a_refused_advert_is_refused_and_comes_when_it_is_let",
        EXTENDED,
        async |fake| {
            let mut radio = ready().await?;
            radio.command(broadcast(1)).await??;
            fake.tell("refuse RegisterAdvertisement org.bluez.Error.NotPermitted")?;
            let answer = radio.command(broadcast(2)).await?;
            ensure!(answer == Err(RadioError::NoInstance), "{answer:?}");
            ensure!(on_air(fake)?.is_empty(), "the one before has gone");
            fake.tell("obey RegisterAdvertisement")?;
            radio.command(broadcast(2)).await??;
            ensure!(on_air(fake)? == [Some(2)]);
            Ok(())
        },
    );
}

#[test]
fn an_advert_that_nobody_answers_for_is_given_up() {
    on_fake(
        "an_advert_that_nobody_answers_for_is_given_up",
        EXTENDED,
        async |fake| {
            let mut radio = ready().await?;
            fake.tell("ignore RegisterAdvertisement")?;
            let answer = radio.command(broadcast(1)).await?;
            ensure!(answer == Err(RadioError::Timeout), "{answer:?}");
            // With the connection that asked for it, which bluetoothd may yet obey.
            until_absent(&mut radio).await?;
            until_ready(&mut radio).await?;
            fake.tell("obey RegisterAdvertisement")?;
            radio.command(broadcast(2)).await??;
            ensure!(on_air(fake)? == [Some(2)]);
            Ok(())
        },
    );
}

#[test]
fn an_advert_that_is_accepted_and_not_sent_is_noticed() {
    on_fake(
        "an_advert_that_is_accepted_and_not_sent_is_noticed",
        EXTENDED,
        async |fake| {
            let mut radio = ready().await?;
            fake.tell("pretend RegisterAdvertisement")?;
            let answer = radio.command(broadcast(1)).await?;
            ensure!(answer == Err(RadioError::NoInstance), "{answer:?}");
            fake.tell("obey RegisterAdvertisement")?;
            radio.command(broadcast(2)).await??;
            ensure!(on_air(fake)? == [Some(2)]);
            Ok(())
        },
    );
}

#[test]
fn an_advert_that_ends_by_itself_is_noticed() {
    on_fake(
        "an_advert_that_ends_by_itself_is_noticed",
        LEGACY,
        async |fake| {
            let mut radio = ready().await?;
            radio.command(broadcast(1)).await??;
            fake.tell("adverts end")?;
            radio
                .until("the end of the broadcast", |event| {
                    (*event == RadioEvent::BroadcastLost).then_some(())
                })
                .await?;
            radio.command(broadcast(2)).await??;
            ensure!(on_air(fake)? == [Some(2)]);
            Ok(())
        },
    );
}

#[test]
fn a_hanging_bluetoothd_times_out_and_leaves_nothing_behind() {
    on_fake(
        "a_hanging_bluetoothd_times_out_and_leaves_nothing_behind",
        EXTENDED,
        async |fake| {
            let mut radio = ready().await?;
            fake.tell("stop")?;
            let answer = radio.command(broadcast(1)).await?;
            ensure!(answer == Err(RadioError::Timeout), "{answer:?}");
            fake.tell("continue")?;
            radio.command(broadcast(2)).await??;
            ensure!(on_air(fake)? == [Some(2)], "{:?}", on_air(fake)?);
            Ok(())
        },
    );
}

#[test]
fn discovery_that_is_refused_is_told() {
    on_fake("discovery_that_is_refused_is_told", LEGACY, async |fake| {
        let mut radio = ready().await?;
        fake.tell("refuse StartDiscovery org.bluez.Error.Failed")?;
        let answer = radio.command(Command::StartScan).await?;
        let refused = RadioError::Refused("org.bluez.Error.Failed".into());
        ensure!(answer == Err(refused), "{answer:?}");
        fake.tell("obey StartDiscovery")?;
        fake.tell("phone near -60")?;
        radio.command(Command::StartScan).await??;
        radio.hears().await?;
        Ok(())
    });
}

/// bluetoothd may be new, or busy, but not for good.
#[test]
fn discovery_that_stays_refused_is_given_up() {
    on_fake(
        "discovery_that_stays_refused_is_given_up",
        LEGACY,
        async |fake| {
            let mut radio = ready().await?;
            fake.tell("refuse StartDiscovery org.bluez.Error.InProgress")?;
            let answer = radio.command(Command::StartScan).await?;
            let refused = RadioError::Refused("org.bluez.Error.InProgress".into());
            ensure!(answer == Err(refused), "{answer:?}");
            // Over a connection of its own: who has worn out the last one.
            until_ready(&mut radio).await?;
            radio.command(broadcast(1)).await??;
            ensure!(on_air(fake)? == [Some(1)]);
            Ok(())
        },
    );
}

/// Privacy does not wait for what the radio waits for.
#[test]
fn an_adapter_that_is_shown_silences_a_radio_that_is_held_up() {
    on_fake(
        "an_adapter_that_is_shown_silences_a_radio_that_is_held_up",
        EXTENDED,
        async |fake| {
            let mut radio = ready().await?;
            radio.command(broadcast(1)).await??;
            fake.tell("ignore StartDiscovery")?;
            radio.give(Command::StartScan);
            fake.tell("discoverable on")?;
            let silent = async {
                while !on_air(fake)?.is_empty() {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                anyhow::Ok(())
            };
            timeout(SILENT_WITHIN, silent).await.context("it sends")??;
            ensure!(!radio.has_answered().await, "nothing held it up");
            Ok(())
        },
    );
}

/// bluer does not tell that bluetoothd has refused to stop it.
#[test]
fn discovery_that_is_not_let_go_ends_with_its_connection() {
    on_fake(
        "discovery_that_is_not_let_go_ends_with_its_connection",
        LEGACY,
        async |fake| {
            let mut radio = ready().await?;
            radio.command(Command::StartScan).await??;
            fake.tell("refuse StopDiscovery org.bluez.Error.InProgress")?;
            radio.command(Command::StopScan).await??;
            fake.tell("obey StopDiscovery")?;
            // Refused as long as the old connection counts, and tried again on another,
            // since bluetoothd is new.
            radio.command(Command::StartScan).await??;
            fake.tell("phone near -60")?;
            radio.hears().await?;
            Ok(())
        },
    );
}

#[test]
fn discovery_that_ends_by_itself_is_noticed() {
    on_fake(
        "discovery_that_ends_by_itself_is_noticed",
        EXPERIMENTAL,
        async |fake| {
            let mut radio = ready().await?;
            radio.command(Command::StartScan).await??;
            fake.tell("discovery ends")?;
            radio
                .until("the end of the scan", |event| {
                    (*event == RadioEvent::ScanLost).then_some(())
                })
                .await?;
            fake.tell("phone near -60")?;
            radio.command(Command::StartScan).await??;
            radio.hears().await?;
            Ok(())
        },
    );
}

#[test]
fn plain_discovery_is_started_again_for_more_samples() {
    on_fake(
        "plain_discovery_is_started_again_for_more_samples",
        LEGACY,
        async |fake| {
            let mut radio = ready().await?;
            fake.tell("phone near -60")?;
            radio.command(Command::StartScan).await??;
            // By itself the scan starts no more than three times before this gives up.
            for _ in 0..5 {
                radio.hears().await?;
            }
            Ok(())
        },
    );
}

#[test]
fn with_a_monitor_every_advert_is_a_sample() {
    on_fake(
        "with_a_monitor_every_advert_is_a_sample",
        EXPERIMENTAL,
        async |fake| {
            let mut radio = ready().await?;
            fake.tell("phone near -60")?;
            radio.command(Command::StartScan).await??;
            // Not because discovery is started again.
            fake.tell("refuse StartDiscovery org.bluez.Error.Failed")?;
            for _ in 0..12 {
                radio.hears().await?;
            }
            Ok(())
        },
    );
}

#[test]
fn beside_another_program_there_are_few_samples_and_that_is_told() {
    on_fake(
        "beside_another_program_there_are_few_samples_and_that_is_told",
        EXPERIMENTAL,
        async |fake| {
            fake.tell("another discovers")?;
            let mut radio = ready().await?;
            radio.command(Command::StartScan).await??;
            radio
                .until("a word about it", |event| {
                    let RadioEvent::State(state) = event else {
                        return None;
                    };
                    let capabilities = state.capabilities()?;
                    (capabilities.scan_method == ScanMethod::SharedDiscovery).then_some(())
                })
                .await?;
            fake.tell("phone near -60")?;
            let count = samples(&mut radio, Duration::from_secs(4)).await?;
            // Two, should the scan have started again by itself in that time.
            ensure!((1..=2).contains(&count), "{count} samples");
            Ok(())
        },
    );
}

#[test]
fn another_programs_advert_takes_a_legacy_controllers_only_place() {
    on_fake(
        "another_programs_advert_takes_a_legacy_controllers_only_place",
        LEGACY,
        async |fake| {
            let mut radio = ready().await?;
            radio.command(broadcast(1)).await??;
            fake.tell("another advertises")?;
            radio
                .until("the loss of the broadcast", |event| {
                    (*event == RadioEvent::BroadcastLost).then_some(())
                })
                .await?;
            let answer = radio.command(broadcast(2)).await?;
            ensure!(answer == Err(RadioError::NoInstance), "{answer:?}");
            ensure!(on_air(fake)? == [None], "{:?}", on_air(fake)?);
            fake.tell("another stops")?;
            radio.command(broadcast(2)).await??;
            ensure!(on_air(fake)? == [Some(2)]);
            Ok(())
        },
    );
}

#[test]
fn an_extended_controller_has_room_for_others() {
    on_fake(
        "an_extended_controller_has_room_for_others",
        EXTENDED,
        async |fake| {
            let mut radio = ready().await?;
            fake.tell("another advertises")?;
            for byte in [1, 2] {
                radio.command(broadcast(byte)).await??;
                ensure!(on_air(fake)? == [None, Some(byte)]);
            }
            Ok(())
        },
    );
}

#[test]
fn what_was_on_the_air_when_the_adapter_went_off_does_not_come_back() {
    on_fake(
        "what_was_on_the_air_when_the_adapter_went_off_does_not_come_back",
        LEGACY,
        async |fake| {
            let mut radio = ready().await?;
            radio.command(broadcast(1)).await??;
            // So quickly that perhaps no state tells of it.
            fake.tell("powered off")?;
            fake.tell("powered on")?;
            let was_off = radio
                .until("the loss of the broadcast", |event| {
                    let is_off = matches!(event, RadioEvent::State(RadioState::Off(_)));
                    (is_off || *event == RadioEvent::BroadcastLost).then_some(is_off)
                })
                .await?;
            if was_off {
                until_ready(&mut radio).await?;
            }
            radio.command(broadcast(2)).await??;
            ensure!(on_air(fake)? == [Some(2)]);
            Ok(())
        },
    );
}

#[test]
fn an_adapter_that_is_pulled_out_is_replaced_by_another() {
    on_fake(
        "an_adapter_that_is_pulled_out_is_replaced_by_another",
        LEGACY,
        async |fake| {
            let mut radio = ready().await?;
            radio.command(broadcast(1)).await??;
            fake.tell("plug hci15")?;
            fake.tell(&format!("unplug {ADAPTER}"))?;
            let adapter = radio
                .until("another adapter", |event| {
                    let RadioEvent::State(RadioState::Ready(capabilities)) = event else {
                        return None;
                    };
                    let adapter = capabilities.adapter.clone();
                    (adapter != ADAPTER).then_some(adapter)
                })
                .await?;
            ensure!(adapter == "hci15", "{adapter}");
            radio.command(broadcast(2)).await??;
            let sent = fake.air()?;
            let last = sent.last().context("nothing was sent")?;
            ensure!(last.adapter == "hci15" && last.data == data(2), "{last:?}");
            fake.tell("unplug hci15")?;
            radio
                .until("no adapter", |event| {
                    matches!(event, RadioEvent::State(RadioState::Absent)).then_some(())
                })
                .await
        },
    );
}

#[test]
fn the_daemon_records_on_the_fake_program() {
    let place = Place::new().expect("a bus");
    let mut command = Program::new(program("sesshoku-fake-bluez").expect("it is built"));
    command
        .args(["--bus", place.address(), "--experimental"])
        .stdin(Stdio::piped());
    let (mut fake, ready) = Process::start_and_read_line(&mut command).expect("it starts");
    assert_eq!(ready, "ready\n");
    let mut instructions = fake.stdin().expect("it takes instructions");
    writeln!(instructions, "phone near -60").expect("it takes one");

    let mut daemon = place
        .start_daemon_on_bluez("[scan]\nmode = 'continuous'\ncycle_seconds = 20\n")
        .expect("it answers");
    let expect = |reason: &str, broadcasting: bool| {
        wait_for(reason, || {
            let status = place.json(&["status"])?;
            let is_so = status["reason"] == reason && status["broadcasting"] == broadcasting;
            let heard = status["scans"]["counters"]["heard"].as_u64() > Some(0);
            Ok((is_so && heard).then_some(status))
        })
        .unwrap_or_else(|error| panic!("{error:#}\n{}", place.log()))
    };
    let status = expect("ready", true);
    assert_eq!(status["adapter"], ADAPTER);
    // All the time, it listens without a monitor.
    assert_eq!(status["scan_method"], "discovery");
    for (instruction, reason, broadcasting) in [
        ("discoverable on", "privacy-discoverable", false),
        ("discoverable off", "ready", true),
        ("powered off", "adapter-off", false),
        ("powered on", "ready", true),
        ("end", "adapter-absent", false),
        ("start", "ready", true),
    ] {
        writeln!(instructions, "{instruction}").expect("it takes one");
        expect(reason, broadcasting);
    }
    daemon
        .signal(nix::sys::signal::Signal::SIGTERM)
        .expect("it runs");
    assert_eq!(daemon.wait().expect("it ends"), Some(0), "{}", place.log());
    writeln!(instructions, "quit").expect("it takes one");
    assert_eq!(fake.wait().expect("it ends"), Some(0));
}
