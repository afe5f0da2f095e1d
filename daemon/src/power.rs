//! The machine's sleep: logind tells when it comes and waits for the daemon, an alarm
//! of the kernel wakes the machine to listen. What to do about it is decided in
//! `core/src/tracer/sleep.rs`.
//!
//! Without logind, or without the right to set an alarm (`CAP_WAKE_ALARM`), the
//! daemon runs as if the machine never slept, or was never to be woken.

use std::time::Duration;

use futures_util::StreamExt;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use sesshoku_core::time::BootTime;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zbus::proxy::CacheProperties;
use zbus::{Connection, OwnedFd};

use crate::bus::reach;
use crate::config::Bus;

/// How long logind may take to answer.
const CALL_TIME_MAX: Duration = Duration::from_secs(5);

#[zbus::proxy(
    interface = "org.freedesktop.login1.Manager",
    default_service = "org.freedesktop.login1",
    default_path = "/org/freedesktop/login1"
)]
trait Manager {
    fn inhibit(&self, what: &str, who: &str, why: &str, mode: &str) -> zbus::Result<OwnedFd>;

    fn suspend(&self, interactive: bool) -> zbus::Result<()>;

    #[zbus(signal)]
    fn prepare_for_sleep(&self, start: bool) -> zbus::Result<()>;

    #[zbus(property(emits_changed_signal = "false"))]
    fn idle_hint(&self) -> zbus::Result<bool>;
}

/// What the machine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerEvent {
    /// It is about to be suspended; [`Power::ready_to_sleep`] lets it.
    GoingToSleep,
    /// It was suspended, and is awake.
    WokeUp,
}

/// What the daemon asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Ready { wake_at: Option<BootTime> },
    SleepAgain,
}

/// The way to logind.
pub struct Power {
    events: mpsc::UnboundedReceiver<PowerEvent>,
    requests: mpsc::UnboundedSender<Request>,
    task: Option<JoinHandle<()>>,
}

impl Power {
    /// Follows the logind on `bus`.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn start(bus: Bus) -> Self {
        let (events_tx, events) = mpsc::unbounded_channel();
        let (requests, requested) = mpsc::unbounded_channel();
        Self {
            events,
            requests,
            task: Some(tokio::spawn(follow(bus, events_tx, requested))),
        }
    }

    /// A machine that never sleeps, such as a simulated one.
    pub fn always_on() -> Self {
        let (_, events) = mpsc::unbounded_channel();
        let (requests, _) = mpsc::unbounded_channel();
        Self {
            events,
            requests,
            task: None,
        }
    }

    /// The next thing that happens. Cancel-safe.
    pub async fn next(&mut self) -> PowerEvent {
        match self.events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }

    /// Lets the machine be suspended, and has it woken at `wake_at`.
    pub fn ready_to_sleep(&self, wake_at: Option<BootTime>) {
        let _ = self.requests.send(Request::Ready { wake_at });
    }

    /// Has the machine suspended again, if nobody uses it.
    pub fn sleep_again(&self) {
        let _ = self.requests.send(Request::SleepAgain);
    }
}

impl Drop for Power {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn follow(
    bus: Bus,
    events: mpsc::UnboundedSender<PowerEvent>,
    mut requests: mpsc::UnboundedReceiver<Request>,
) {
    let mut follower = Follower {
        bus,
        events,
        alarm: open_alarm(),
        is_asleep: false,
    };
    loop {
        let connection = reach(&follower.bus, || follower.bus.builder().build()).await;
        match follower.follow(&connection, &mut requests).await {
            Ok(()) => tracing::debug!("no bus to hear of sleep"),
            Err(error) => {
                tracing::warn!(%error, "nobody tells when the machine sleeps");
                connection.closed().await;
            }
        }
        follower.woke_up();
    }
}

struct Follower {
    bus: Bus,
    events: mpsc::UnboundedSender<PowerEvent>,
    /// `None` where the daemon may not wake the machine.
    alarm: Option<TimerFd>,
    is_asleep: bool,
}

impl Follower {
    /// Follows whichever logind there is, until the bus is gone.
    async fn follow(
        &mut self,
        connection: &Connection,
        requests: &mut mpsc::UnboundedReceiver<Request>,
    ) -> zbus::Result<()> {
        let manager = ManagerProxy::builder(connection)
            // Asked for when needed; nothing is told of them meanwhile.
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        let mut sleeps = manager.receive_prepare_for_sleep().await?;
        let mut loginds = manager.inner().receive_owner_changed().await?;
        let mut lock = hold_back(&manager).await;
        loop {
            tokio::select! {
                signal = sleeps.next() => {
                    let Some(signal) = signal else {
                        return Ok(());
                    };
                    if signal.args()?.start {
                        self.is_asleep = true;
                        let _ = self.events.send(PowerEvent::GoingToSleep);
                    } else {
                        lock = hold_back(&manager).await;
                        self.woke_up();
                    }
                }
                logind = loginds.next() => {
                    let Some(logind) = logind else {
                        return Ok(());
                    };
                    // One that is gone will not tell that the machine is awake.
                    self.woke_up();
                    lock = match logind {
                        Some(_) => hold_back(&manager).await,
                        None => None,
                    };
                }
                request = requests.recv() => match request {
                    Some(Request::Ready { wake_at }) => {
                        self.set_alarm(wake_at);
                        // Closing it is what logind waits for.
                        lock = None;
                    }
                    Some(Request::SleepAgain) => sleep_again(&manager).await,
                    None => return std::future::pending().await,
                },
            }
            tracing::trace!(held_back = lock.is_some(), "sleep");
        }
    }

    fn woke_up(&mut self) {
        if std::mem::take(&mut self.is_asleep) {
            let _ = self.events.send(PowerEvent::WokeUp);
        }
    }

    fn set_alarm(&self, wake_at: Option<BootTime>) {
        let Some(alarm) = &self.alarm else {
            return;
        };
        let set = match wake_at {
            Some(at) => alarm.set(
                Expiration::OneShot(TimeSpec::from_duration(at.since_boot())),
                TimerSetTimeFlags::TFD_TIMER_ABSTIME,
            ),
            None => alarm.unset(),
        };
        if let Err(error) = set {
            tracing::warn!(%error, "the machine cannot be woken to listen");
        }
    }
}

/// Takes a delay lock: logind waits with the suspend until it is closed, for at most
/// `InhibitDelayMaxSec`, 5 s unless configured otherwise.
///
/// `None` where there is no logind: the machine then sleeps unannounced, or never.
async fn hold_back(manager: &ManagerProxy<'_>) -> Option<OwnedFd> {
    let why = "Leaving the air before the device sleeps";
    let lock = manager.inhibit("sleep", "Sesshoku", why, "delay");
    match timeout(CALL_TIME_MAX, lock).await {
        Ok(Ok(lock)) => Some(lock),
        Ok(Err(error)) => {
            tracing::debug!(%error, "no logind to hold back");
            None
        }
        Err(_) => {
            tracing::warn!("logind does not answer");
            None
        }
    }
}

async fn sleep_again(manager: &ManagerProxy<'_>) {
    let slept = async {
        if manager.idle_hint().await? {
            manager.suspend(false).await?;
        }
        Ok::<_, zbus::Error>(())
    };
    match timeout(CALL_TIME_MAX, slept).await {
        Ok(Ok(())) => {}
        // Whoever suspends the machine when it is idle does so now, too, later.
        Ok(Err(error)) => tracing::info!(%error, "the machine stays awake"),
        Err(_) => tracing::info!("logind does not answer; the machine stays awake"),
    }
}

fn open_alarm() -> Option<TimerFd> {
    TimerFd::new(
        ClockId::CLOCK_BOOTTIME_ALARM,
        TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK,
    )
    .inspect_err(|error| tracing::info!(%error, "the machine cannot be woken to listen"))
    .ok()
}
