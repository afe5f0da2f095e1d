//! A simulated room as a radio: for demonstrations and long tests, without
//! Bluetooth and as fast as wanted. The room is the daemon's own, or one that
//! several devices share.

mod publish;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gaen::advert::ServiceData;
use gaen::time::UnixSeconds;
use publish::Publisher;
use room::client::{Client, ClientError};
use room::scenario::{Scenario, ScenarioError};
use room::{Adapter, Happening, Member, Pace, World};
use sesshoku_core::radio::{
    Capabilities, Command, Heard, PrivacyRisk, RadioError, RadioEvent, RadioState, ScanMethod,
};
use sesshoku_core::time::{BootTime, Now};

use super::Radio;
use crate::clock::{SimClock, system_now};

pub use publish::PublishError;

/// The name of every device's adapter.
const ADAPTER: &str = "room";

/// A radio in a simulated room.
#[derive(Debug)]
pub struct AirRadio {
    clock: SimClock,
    place: Place,
    adapter: Adapter,
    events: VecDeque<RadioEvent>,
}

/// The room. Times in it count from its start, which is also when the radio's clock
/// says the machine was booted.
#[derive(Debug)]
enum Place {
    Own(Box<OwnRoom>),
    Shared(Client),
    /// A shared room that has closed: nothing happens any more.
    Closed,
}

/// A room for this device alone.
#[derive(Debug)]
struct OwnRoom {
    world: World,
    me: Member,
    pace: Pace,
    /// When which person registers, the next one first.
    registrations: VecDeque<(Duration, usize)>,
    publisher: Option<Publisher>,
}

/// Why there is no room.
#[derive(Debug, thiserror::Error)]
pub enum AirError {
    /// There is no scenario.
    #[error("cannot make the room")]
    Scenario(#[from] ScenarioError),
    /// The folder to publish in cannot be used.
    #[error("cannot publish")]
    Publish(#[from] PublishError),
    /// The shared room does not let the device in.
    #[error("cannot enter the room {}", path.display())]
    Enter {
        /// The room's socket.
        path: PathBuf,
        /// Why.
        source: ClientError,
    },
}

impl AirRadio {
    /// Enters the room described at `scenario` (without one, an empty room), alone,
    /// with time running `speed` times as fast as real time (0: as fast as possible).
    ///
    /// # Errors
    /// When the scenario or its folder to publish in cannot be used.
    pub fn enter(scenario: Option<&Path>, speed: f64) -> Result<Self, AirError> {
        let scenario = scenario.map(Scenario::read).transpose()?;
        let scenario = scenario.unwrap_or_default();
        let publisher = scenario.publish.as_ref().map(Publisher::open).transpose()?;
        let mut registrations: Vec<_> = scenario
            .people
            .iter()
            .enumerate()
            .filter_map(|(who, person)| Some((person.registers_at()?, who)))
            .collect();
        registrations.sort_unstable();
        let (world, me) = World::alone(scenario, system_now().wall);
        let clock = clock_at(world.start(), world.now());
        let place = Place::Own(Box::new(OwnRoom {
            world,
            me,
            pace: Pace::new(speed),
            registrations: registrations.into(),
            publisher,
        }));
        Ok(Self::new(clock, place))
    }

    /// Enters the shared room at the socket `path` as its device `name`.
    ///
    /// # Errors
    /// When there is no such room or device.
    pub async fn enter_shared(path: &Path, name: &str) -> Result<Self, AirError> {
        let enter = |source| AirError::Enter {
            path: path.to_owned(),
            source,
        };
        let client = Client::join(path, Some(name)).await.map_err(enter)?;
        let clock = clock_at(client.start(), client.now());
        Ok(Self::new(clock, Place::Shared(client)))
    }

    fn new(clock: SimClock, place: Place) -> Self {
        let adapter = Adapter::default();
        Self {
            clock,
            place,
            adapter,
            events: VecDeque::from([RadioEvent::State(state_of(adapter))]),
        }
    }

    /// The room's clock.
    pub fn clock(&self) -> SimClock {
        self.clock.clone()
    }

    fn broadcast(&mut self, data: Option<ServiceData>) {
        match &mut self.place {
            Place::Own(own) => own.world.broadcast(own.me, data),
            Place::Shared(client) => client.broadcast(data),
            Place::Closed => {}
        }
    }

    fn listen(&mut self, listening: bool) {
        match &mut self.place {
            Place::Own(own) => own.world.listen(own.me, listening),
            Place::Shared(client) => client.listen(listening),
            Place::Closed => {}
        }
    }
}

/// What the core is told of an adapter.
fn state_of(adapter: Adapter) -> RadioState {
    let capabilities = Capabilities {
        adapter: ADAPTER.into(),
        scan_method: ScanMethod::Room,
        rotates_while_scanning: true,
        always_listening: false,
    };
    match adapter {
        Adapter::Ready => RadioState::Ready(capabilities),
        Adapter::Discoverable => RadioState::PrivacyAtRisk(PrivacyRisk::Discoverable, capabilities),
        Adapter::Off => RadioState::Off(ADAPTER.into()),
        Adapter::Blocked => RadioState::Blocked,
        Adapter::Absent => RadioState::Absent,
    }
}

/// A clock that shows `now` after a start at `start`.
fn clock_at(start: UnixSeconds, now: Duration) -> SimClock {
    let clock = SimClock::new(Now {
        wall: start,
        boot: BootTime::new(Duration::ZERO),
    });
    clock.advance_to(BootTime::new(now));
    clock
}

impl OwnRoom {
    /// Lets time pass until something happens, at the latest at `until`. Cancel-safe.
    async fn next(&mut self, until: Option<Duration>) -> Happening {
        loop {
            let registers_at = self.registrations.front().map(|(at, _)| *at);
            self.world
                .wait(self.me, until.into_iter().chain(registers_at).min());
            let Some(at) = self.world.next() else {
                // Nobody waits for anything: time stands still until somebody does.
                return std::future::pending().await;
            };
            self.pace.wait(self.world.now(), at).await;
            let happened = self.world.step().pop();
            if registers_at.is_some_and(|at| at <= self.world.now())
                && let Some((_, who)) = self.registrations.pop_front()
            {
                self.register(who);
            }
            let is_due = until.is_some_and(|until| until <= self.world.now());
            match happened {
                Some((_, Happening::TimePassed)) if !is_due => {}
                Some((_, happening)) => return happening,
                None => {}
            }
        }
    }

    /// Publishes the keys of person `who`, who has just registered.
    fn register(&mut self, who: usize) {
        let Some(publisher) = &mut self.publisher else {
            return;
        };
        let now = self.world.wall();
        let days = (0..14).map(|age| now.utc_day().saturating_sub(age));
        let keys = days.map(|day| (day, self.world.tek(who, day)));
        if let Err(error) = publisher.publish(keys, now) {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::error!(error, "could not publish the keys");
        }
    }
}

impl Radio for AirRadio {
    fn name(&self) -> &'static str {
        "air"
    }

    fn command(&mut self, command: Command) {
        let refusal = match command {
            Command::StartBroadcast(_) if self.adapter == Adapter::Discoverable => {
                Some(RadioError::PrivacyAtRisk)
            }
            Command::StartBroadcast(_) if !self.adapter.broadcasts() => Some(RadioError::NotReady),
            Command::StartScan if !self.adapter.listens() => Some(RadioError::NotReady),
            Command::StartBroadcast(_)
            | Command::StopBroadcast
            | Command::StartScan
            | Command::StopScan => None,
        };
        if let Some(refusal) = refusal {
            self.events.push_back(RadioEvent::Done(Err(refusal)));
            return;
        }
        match command {
            Command::StartBroadcast(broadcast) => self.broadcast(Some(ServiceData {
                rpi: broadcast.rpi,
                aem: broadcast.aem,
            })),
            Command::StopBroadcast => self.broadcast(None),
            Command::StartScan => self.listen(true),
            Command::StopScan => self.listen(false),
        }
        self.events.push_back(RadioEvent::Done(Ok(())));
    }

    async fn next(&mut self, until: Option<BootTime>) -> RadioEvent {
        // Gives the D-Bus tasks their turn however fast the time runs.
        tokio::task::yield_now().await;
        if let Some(event) = self.events.pop_front() {
            return event;
        }
        let until = until.map(BootTime::since_boot);
        let (happening, now) = match &mut self.place {
            Place::Own(own) => (own.next(until).await, own.world.now()),
            Place::Shared(client) => match client.next(until).await {
                Ok(happening) => (happening, client.now()),
                Err(error) => {
                    let error: &(dyn std::error::Error + 'static) = &error;
                    tracing::error!(error, "the shared room is gone");
                    self.place = Place::Closed;
                    return RadioEvent::State(RadioState::Absent);
                }
            },
            Place::Closed => return std::future::pending().await,
        };
        self.clock.advance_to(BootTime::new(now));
        match happening {
            Happening::TimePassed => RadioEvent::TimePassed,
            Happening::Adapter(adapter) => {
                self.adapter = adapter;
                RadioEvent::State(state_of(adapter))
            }
            Happening::Heard(adverts) => {
                let heard = adverts.into_iter().map(|(data, rssi)| {
                    RadioEvent::Heard(Heard {
                        rpi: data.rpi,
                        aem: data.aem,
                        rssi,
                    })
                });
                self.events.extend(heard);
                self.events.pop_front().unwrap_or(RadioEvent::TimePassed)
            }
        }
    }

    async fn close(&mut self) {
        self.broadcast(None);
        self.listen(false);
    }
}
