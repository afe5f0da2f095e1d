//! The daemon's way to logind, with a logind of the test's own on a private bus.

use std::io::{PipeReader, Read};
use std::os::fd::OwnedFd;
use std::time::Duration;

use sesshoku_tests::local::{DEADLINE, Place};
use sesshokud::config::Bus;
use sesshokud::power::{Power, PowerEvent};
use tokio::sync::mpsc;
use tokio::time::timeout;
use zbus::Connection;
use zbus::object_server::SignalEmitter;

/// What is asked of the logind.
enum Asked {
    /// A lock, with what it is for and the other end of it.
    Inhibit(String, String, PipeReader),
    Suspend,
}

struct Logind {
    asked: mpsc::UnboundedSender<Asked>,
    is_idle: bool,
}

#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Logind {
    fn inhibit(
        &self,
        what: String,
        _who: String,
        _why: String,
        mode: String,
    ) -> zbus::fdo::Result<zbus::OwnedFd> {
        let (reader, writer) =
            std::io::pipe().map_err(|it| zbus::fdo::Error::Failed(it.to_string()))?;
        let _ = self.asked.send(Asked::Inhibit(what, mode, reader));
        Ok(OwnedFd::from(writer).into())
    }

    fn suspend(&self, _interactive: bool) {
        let _ = self.asked.send(Asked::Suspend);
    }

    #[zbus(property)]
    fn idle_hint(&self) -> bool {
        self.is_idle
    }

    #[zbus(signal)]
    async fn prepare_for_sleep(emitter: &SignalEmitter<'_>, start: bool) -> zbus::Result<()>;
}

struct Machine {
    place: Place,
    connection: Connection,
    asked: mpsc::UnboundedReceiver<Asked>,
}

const PATH: &str = "/org/freedesktop/login1";

impl Machine {
    async fn start(is_idle: bool) -> Self {
        let place = Place::new().expect("a bus");
        let (tx, asked) = mpsc::unbounded_channel();
        let logind = Logind { asked: tx, is_idle };
        let connection = zbus::connection::Builder::address(place.address())
            .serve_at(PATH, logind)
            .name("org.freedesktop.login1")
            .build()
            .await
            .expect("the bus answers");
        Self {
            place,
            connection,
            asked,
        }
    }

    fn power(&self) -> Power {
        Power::start(Bus::Address(self.place.address().to_owned()))
    }

    async fn says(&self, going_to_sleep: bool) {
        let emitter = SignalEmitter::new(&self.connection, PATH).expect("a path");
        let said = Logind::prepare_for_sleep(&emitter, going_to_sleep).await;
        said.expect("the bus answers");
    }

    async fn asked(&mut self) -> Asked {
        let asked = timeout(DEADLINE, self.asked.recv()).await;
        asked.expect("asked in time").expect("the logind is there")
    }

    /// The lock that is asked for.
    async fn lock(&mut self) -> PipeReader {
        let Asked::Inhibit(what, mode, lock) = self.asked().await else {
            panic!("it wants to suspend");
        };
        assert_eq!((what.as_str(), mode.as_str()), ("sleep", "delay"));
        lock
    }
}

async fn next(power: &mut Power) -> PowerEvent {
    timeout(DEADLINE, power.next()).await.expect("an event")
}

/// Waits until the daemon has let go of `lock`.
async fn released(mut lock: PipeReader) {
    let read = tokio::task::spawn_blocking(move || lock.read(&mut [0]));
    let read = timeout(DEADLINE, read).await.expect("released in time");
    assert_eq!(read.expect("no panic").expect("a pipe"), 0);
}

#[tokio::test(flavor = "current_thread")]
async fn the_machine_waits_for_the_daemon_before_it_sleeps() {
    let mut machine = Machine::start(true).await;
    let mut power = machine.power();
    for _ in 0..3 {
        let lock = machine.lock().await;
        machine.says(true).await;
        assert_eq!(next(&mut power).await, PowerEvent::GoingToSleep);
        power.ready_to_sleep(None);
        released(lock).await;
        machine.says(false).await;
        assert_eq!(next(&mut power).await, PowerEvent::WokeUp);
    }
    machine.lock().await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_machine_that_nobody_uses_is_suspended_again() {
    let mut machine = Machine::start(true).await;
    let power = machine.power();
    let _lock = machine.lock().await;
    power.sleep_again();
    assert!(matches!(machine.asked().await, Asked::Suspend));
}

#[tokio::test(flavor = "current_thread")]
async fn a_machine_in_use_stays_awake() {
    let mut machine = Machine::start(false).await;
    let power = machine.power();
    let lock = machine.lock().await;
    power.sleep_again();
    // Whatever would have come of it comes before this.
    power.ready_to_sleep(None);
    released(lock).await;
    let asked = timeout(Duration::from_millis(1), machine.asked.recv()).await;
    assert!(asked.is_err(), "nothing is asked of it");
}
