//! `sesshokud`: reads the configuration, puts the parts together, runs them.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use gaen::matching;
use getrandom::SysRng;
use manual::Section;
use rand_core::UnwrapErr;
use sesshoku_core::records::{
    AGREEMENT_VERSION, PLACE_AGREEMENT_VERSION, TERMS_VERSION, consent_state,
};
use sesshoku_core::status::OverwriteDoubt;
use sesshoku_core::tracer::schedule::{History, Schedule};
use sesshoku_core::tracer::{Facts, ScanPlan, Settings, Tracer, schedule};
use sesshokud::agreement::Agreement;
use sesshokud::app::{App, Heartbeat};
use sesshokud::calibration::{Calibration, Machine};
use sesshokud::clock::{Clock, SystemClock};
use sesshokud::config::{Bus, Config, Profile, RadioKind, ScanPreference};
use sesshokud::power::Power;
use sesshokud::radio::Radio;
use sesshokud::radio::air::AirRadio;
use sesshokud::radio::bluez::{self, BluezRadio};
use sesshokud::radio::replay::ReplayRadio;
use sesshokud::service::{Identity, Service, Snapshot, TimeSource};
use sesshokud::store::{DeviceKey, Store, StoreError};
use sesshokud::wiping::{WipingAllocator, give_back_what_is_freed};
use sesshokud::{lost, sync};
use settings::Sources;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use toml::{Table, Value};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

#[global_allocator]
static ALLOCATOR: WipingAllocator = WipingAllocator;

/// One for the store, one for a check, and two for names that are being resolved, which
/// can take as long as a resolver lets it. Each has a stack and an arena of its own.
const MAX_BLOCKING_THREADS: usize = 4;

/// How long blocking work that was given up has to finish when the daemon ends.
const FINISH_WITHIN: Duration = Duration::from_secs(5);

/// Contact confirming for Linux: the daemon.
///
/// Broadcasts and hears the rolling identifiers of Exposure Notification, keeps
/// encounters encrypted for 14 days, checks the notification server daily, and
/// answers on D-Bus. Settings come from /usr/lib/sesshoku/sesshokud.toml,
/// /etc/sesshoku/sesshokud.toml, /etc/sesshoku/sesshokud.toml.d/*.toml,
/// environment variables such as SESSHOKUD_SCAN__MODE, and these flags, later
/// ones winning.
#[derive(Debug, Parser)]
#[command(name = "sesshokud", version)]
struct Arguments {
    /// Read this file instead of the installed ones.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check the configuration, print what holds, and exit.
    #[arg(long)]
    check_config: bool,
    /// The folder for the database and the device key.
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Where to answer: "system", "session" or a D-Bus address.
    #[arg(long, value_name = "BUS")]
    bus: Option<String>,
    /// Which radio: "bluez", "replay" or "air".
    #[arg(long, value_name = "KIND")]
    radio: Option<String>,
    /// The Bluetooth adapter, such as hci0.
    #[arg(long, value_name = "NAME")]
    adapter: Option<String>,
    /// Play this btsnoop log (with --radio replay).
    #[arg(long, value_name = "FILE")]
    replay_log: Option<PathBuf>,
    /// End when the log does.
    #[arg(long)]
    exit_at_end: bool,
}

impl Arguments {
    /// The flags as settings.
    fn settings(&self) -> Table {
        let text = |path: &PathBuf| Value::String(path.to_string_lossy().into_owned());
        let settings: [(&[&str], Option<Value>); 6] = [
            (&["daemon", "state_dir"], self.state_dir.as_ref().map(text)),
            (&["daemon", "bus"], self.bus.clone().map(Value::String)),
            (&["radio", "kind"], self.radio.clone().map(Value::String)),
            (
                &["radio", "adapter"],
                self.adapter.clone().map(Value::String),
            ),
            (
                &["radio", "replay", "log"],
                self.replay_log.as_ref().map(text),
            ),
            (
                &["radio", "replay", "exit_at_end"],
                self.exit_at_end.then_some(Value::Boolean(true)),
            ),
        ];
        let mut table = Table::new();
        for (keys, value) in settings {
            if let Some(value) = value {
                settings::merge(&mut table, settings::nested(keys, value));
            }
        }
        table
    }
}

fn main() -> ExitCode {
    if let Some(ended) = manual::generate_if_asked::<Arguments>(Section::Administration) {
        return ended;
    }
    let arguments = Arguments::parse();
    let config = settings::load::<Config>(&Sources::new(
        "sesshokud",
        arguments.config.clone(),
        arguments.settings(),
    ));
    let config = match config {
        Ok(config) => config,
        Err(error) => return fail(2, &error.into()),
    };
    if arguments.check_config {
        return match check_config(&config) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(2, &error),
        };
    }
    give_back_what_is_freed();
    start_logging();
    match run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, &error),
    }
}

fn fail(code: u8, error: &anyhow::Error) -> ExitCode {
    // The last words of a program that cannot go on may find nobody, too.
    let _ = writeln!(io::stderr(), "sesshokud: {error:#}");
    ExitCode::from(code)
}

fn check_config(config: &Config) -> anyhow::Result<()> {
    config.server.server(&config.daemon.downloads_dir())?;
    match writeln!(io::stdout(), "{}", toml::to_string(config)?) {
        // Who closed the pipe has read enough: the configuration is in order.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => Ok(printed?),
    }
}

/// Logs to the journal under systemd, else to standard error. `SESSHOKU_LOG` sets
/// the level.
fn start_logging() {
    let filter = EnvFilter::try_from_env("SESSHOKU_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,zbus=warn"));
    let journal = std::env::var_os("JOURNAL_STREAM").and_then(|_| tracing_journald::layer().ok());
    let terminal = journal.is_none().then(|| {
        tracing_subscriber::fmt::layer()
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
    });
    tracing_subscriber::registry()
        .with(filter)
        .with(journal)
        .with(terminal)
        .init();
}

/// Everything but blocking work shares this one thread.
fn run(config: Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .build()
        .context("cannot start the runtime")?;
    let local = tokio::task::LocalSet::new();
    let ended = runtime.block_on(local.run_until(start(config)));
    drop(local);
    // A name that is being resolved or a matching pass cannot be called off, and
    // whatever the store has not committed by now does not count.
    runtime.shutdown_timeout(FINISH_WITHIN);
    ended
}

async fn start(config: Config) -> anyhow::Result<()> {
    let state_dir = &config.daemon.state_dir;
    let open = || {
        let key = DeviceKey::from_environment(state_dir, config.daemon.device_key)?;
        Store::open(state_dir, &key)
    };
    let (store, stop) = match open() {
        Ok(store) => (store, None),
        Err(error) if lost::is_loss(&error) => {
            tracing::error!(%error, "what was recorded can never be read again");
            let mut stop = Stop::new()?;
            match start_anew(&config, open, stop.told()).await? {
                Some(store) => (store, Some(stop)),
                None => return Ok(()),
            }
        }
        Err(error) => return Err(error).context("cannot open the store"),
    };
    match config.radio.kind {
        RadioKind::Bluez => {
            let radio = BluezRadio::start(bluez::Settings {
                adapter: config.radio.adapter.clone(),
                method: match config.radio.scan_method {
                    // All the time, a monitor would have every advert of everybody
                    // arrive, which is fifteen times what is kept.
                    ScanPreference::Auto => match config.scan.plan(config.profile) {
                        ScanPlan::Windows { .. } => bluez::Method::Auto,
                        ScanPlan::Continuous { .. } => bluez::Method::Discovery,
                    },
                    ScanPreference::Discovery => bluez::Method::Discovery,
                },
                // systemd's, which it keeps when the daemon ends.
                memory: std::env::var_os("RUNTIME_DIRECTORY").map(PathBuf::from),
                ..bluez::Settings::default()
            });
            let clock = SystemClock::new().context("cannot make a timer")?;
            serve(config, store, radio, clock, stop).await
        }
        RadioKind::Replay => {
            let resume_at = store.last_cycle()?.map(|cycle| cycle.ended);
            let log = config
                .radio
                .replay
                .log
                .as_deref()
                .context("no log to play")?;
            let radio = ReplayRadio::open(log, config.radio.replay.speed, resume_at)?;
            let clock = radio.clock();
            serve(config, store, radio, clock, stop).await
        }
        RadioKind::Air => {
            let air = &config.radio.air;
            let radio = match &air.room {
                Some(room) => AirRadio::enter_shared(room, &air.name).await?,
                None => AirRadio::enter(air.scenario.as_deref(), air.speed)?,
            };
            let clock = radio.clock();
            serve(config, store, radio, clock, stop).await
        }
    }
}

/// Waits until somebody has the device start anew, because its key is lost.
async fn start_anew(
    config: &Config,
    open: impl Fn() -> Result<Store, StoreError>,
    told: impl Future<Output = ()>,
) -> anyhow::Result<Option<Store>> {
    let radio = match config.radio.kind {
        RadioKind::Bluez => "bluez",
        RadioKind::Replay => "replay",
        RadioKind::Air => "air",
    };
    let agreement = agreement(config);
    let calibration = Calibration::of(&config.calibration, &Machine::read(Path::new("/")));
    let store = lost::start_anew(
        &config.daemon.bus,
        // Until then there is nothing to delete.
        identity(config, radio, calibration, TimeSource::System, None),
        &agreement,
        open,
        || Store::start_over(&config.daemon.state_dir),
        || notify_systemd(sd_notify::NotifyState::Ready),
        told,
        heartbeat()?,
    );
    store.await.context("cannot answer on the bus")
}

fn identity(
    config: &Config,
    radio: &'static str,
    calibration: Calibration,
    time: TimeSource,
    doubt: Option<OverwriteDoubt>,
) -> Identity {
    let agreement_version = match config.profile {
        Profile::Personal => AGREEMENT_VERSION,
        Profile::Kiosk => PLACE_AGREEMENT_VERSION,
    };
    Identity {
        radio,
        terms_version: TERMS_VERSION.to_owned(),
        agreement_version: agreement_version.to_owned(),
        calibration,
        time,
        overwrite_doubt: doubt,
    }
}

fn agreement(config: &Config) -> Agreement {
    match config.profile {
        Profile::Personal => Agreement::Person,
        Profile::Kiosk => Agreement::Operator(config.kiosk.agreed_terms.clone()),
    }
}

/// What systemd's watchdog is told.
fn heartbeat() -> anyhow::Result<Heartbeat<impl FnMut()>> {
    let every = match sd_notify::watchdog_enabled() {
        Some(limit) => Some((
            SystemClock::new().context("cannot make a timer")?,
            limit / 2,
        )),
        None => None,
    };
    Ok(Heartbeat {
        every,
        beat: || notify_systemd(sd_notify::NotifyState::Watchdog),
    })
}

async fn serve<R: Radio, C: Clock>(
    config: Config,
    mut store: Store,
    radio: R,
    clock: C,
    stop: Option<Stop>,
) -> anyhow::Result<()> {
    // Only the simulated room makes its key when it starts, so the server's keys
    // are read after the radio is there.
    let machine = if clock.is_simulated() {
        Machine::unknown()
    } else {
        Machine::read(Path::new("/"))
    };
    let calibration = Calibration::of(&config.calibration, &machine);
    let matching = matching::Options {
        rssi_offset: calibration.rssi_correction,
    };
    let server = config
        .server
        .server(&config.daemon.downloads_dir())
        .context("server")?;
    let server = server.map(|server| Arc::new(server.with_matching(matching)));
    let now = clock.now();
    let shown_time = Arc::new(AtomicU32::new(now.wall.get()));
    let agreement = agreement(&config);
    agreement.settle(&mut store)?;
    let agreed = agreement.stands(&store)?;
    let last_check = store.last_check()?;
    let last_success = store.last_success()?;
    let notices = sync::notices::kept(&store)?;
    let mut rng = UnwrapErr(SysRng);
    let interval = server
        .as_ref()
        .map_or(schedule::DEFAULT_INTERVAL, |it| it.interval());
    let history = History {
        last_success,
        last_attempt: last_check.as_ref().map(|check| check.ended),
    };
    let schedule = Schedule::start(interval, history, now, &mut rng);
    let facts = Facts {
        consent: consent_state(
            agreed.as_ref().map(|(version, _)| version.as_str()),
            TERMS_VERSION,
        ),
        last_cycle: store.last_cycle()?.map(|cycle| cycle.started),
        registration: store.registration()?,
    };
    let registrar = server.as_ref().and_then(|server| server.registrar());
    let settings = Settings {
        scan: config.scan.plan(config.profile),
        log_cycle: Duration::from_secs(config.scan.cycle_seconds.into()),
        has_server: server.is_some(),
        can_register: registrar.is_some(),
        chaff_every: registrar.and_then(sync::Registrar::chaff_interval),
        rotation: Duration::from_secs(600)..=Duration::from_secs(1_200),
        metadata: calibration.metadata().to_bytes(),
        listen_asleep: config.sleep.listen,
    };
    let tracer = Tracer::new(settings, facts, schedule, rng, now);

    let (snapshots, shown) = watch::channel(Snapshot {
        status: tracer.status(now),
        agreed,
        last_check: last_check.as_ref().map(|check| check.ended),
        last_outcome: last_check.map(|check| check.outcome),
        last_success,
        notices,
        result_generation: 0,
    });
    let time = if clock.is_simulated() {
        TimeSource::Simulated(Arc::clone(&shown_time))
    } else {
        TimeSource::System
    };
    let identity = identity(&config, radio.name(), calibration, time, store.doubt());
    let agreement_version = identity.agreement_version.clone();
    let (service, requests) = Service::start(&config.daemon.bus, identity, shown)
        .await
        .context("cannot answer on the bus")?;
    tracing::info!(
        radio = radio.name(),
        version = env!("CARGO_PKG_VERSION"),
        "started"
    );
    notify_systemd(sd_notify::NotifyState::Ready);

    let power = if clock.is_simulated() {
        Power::always_on()
    } else {
        Power::start(Bus::System)
    };
    let app = App {
        tracer,
        radio,
        clock,
        power,
        store: Arc::new(Mutex::new(store)),
        server,
        requests,
        snapshots,
        agreement,
        terms_version: TERMS_VERSION.to_owned(),
        agreement_version,
        shown_time,
        exit_at_end: config.radio.replay.exit_at_end,
    };
    let mut stop = stop.map_or_else(Stop::new, Ok)?;
    app.run(stop.told(), heartbeat()?).await;
    tracing::info!("ending");
    service.close().await;
    Ok(())
}

/// The signals that tell the daemon to end. From when it is made on they no longer end the
/// process by themselves, so that there must be one until the end.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot wait for signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Resolves when the daemon is told to end, or was since the last time.
    async fn told(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        notify_systemd(sd_notify::NotifyState::Stopping);
    }
}

fn notify_systemd(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "could not notify systemd");
    }
}
