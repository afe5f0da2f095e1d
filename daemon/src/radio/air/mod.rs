//! A simulated room as a radio: for demonstrations and long tests, without
//! Bluetooth and as fast as wanted.

mod publish;
mod room;
pub mod scenario;

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Capabilities, Command, Radio, RadioEvent, RadioState, ScanMethod};
use crate::clock::{BootTime, Clock, Now, Pacer, SimClock, system_now};
use publish::Publisher;
use room::Room;
use scenario::Scenario;

pub use publish::PublishError;

/// A radio in a simulated room.
#[derive(Debug)]
pub struct AirRadio {
    clock: SimClock,
    pacer: Pacer,
    began: BootTime,
    room: Room,
    registrations: VecDeque<(Duration, usize)>,
    publisher: Option<Publisher>,
    events: VecDeque<RadioEvent>,
    listening: bool,
    /// Nothing happens in the room until the core first listens: whoever agrees
    /// late misses nothing of the scenario.
    entered: bool,
}

/// Why there is no room.
#[derive(Debug, thiserror::Error)]
pub enum AirError {
    /// The scenario file cannot be read.
    #[error("cannot read the scenario {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The scenario file is not a scenario.
    #[error("cannot use the scenario {}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where in it, and what.
        source: Box<toml::de::Error>,
    },
    /// The folder to publish in cannot be used.
    #[error("cannot publish")]
    Publish(#[from] PublishError),
}

impl AirRadio {
    /// Enters the room described at `scenario` (without one, an empty room), with
    /// time running `speed` times as fast as real time (0: as fast as possible).
    ///
    /// # Errors
    /// When the scenario or its folder to publish in cannot be used.
    pub fn enter(scenario: Option<&Path>, speed: f64) -> Result<Self, AirError> {
        let scenario = match scenario {
            None => Scenario::default(),
            Some(path) => {
                let text = fs::read_to_string(path).map_err(|source| AirError::Read {
                    path: path.to_owned(),
                    source,
                })?;
                toml::from_str(&text).map_err(|source| AirError::Parse {
                    path: path.to_owned(),
                    source: Box::new(source),
                })?
            }
        };
        let boot = BootTime::new(Duration::ZERO);
        let clock = SimClock::new(Now {
            wall: scenario.start(system_now().wall),
            boot,
        });
        let publisher = scenario.publish.as_ref().map(Publisher::open).transpose()?;
        let mut registrations: Vec<_> = scenario
            .people
            .iter()
            .enumerate()
            .filter_map(|(who, person)| Some((person.registers_at()?, who)))
            .collect();
        registrations.sort_unstable();
        Ok(Self {
            pacer: Pacer::new(speed),
            began: clock.now().boot,
            clock,
            room: Room::new(scenario),
            registrations: registrations.into(),
            publisher,
            events: VecDeque::from([RadioEvent::State(RadioState::Ready(Capabilities {
                adapter: "room".into(),
                scan_method: ScanMethod::Room,
                rotates_while_scanning: true,
                always_listening: false,
            }))]),
            listening: false,
            entered: false,
        })
    }

    /// The room's clock.
    pub fn clock(&self) -> SimClock {
        self.clock.clone()
    }

    async fn pass_time(&mut self, to: BootTime) {
        self.pacer.wait(&self.clock, to).await;
        self.clock.advance_to(to);
    }

    /// Publishes the keys of person `who`, who has just registered.
    fn register(&mut self, who: usize) {
        let Some(publisher) = &mut self.publisher else {
            return;
        };
        let now = self.clock.now().wall;
        let days = (0..14).map(|age| now.utc_day().saturating_sub(age));
        let keys = days.map(|day| (day, self.room.tek(who, day)));
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
        match command {
            Command::StartBroadcast(_) | Command::StopBroadcast => {}
            Command::StartScan => {
                self.listening = true;
                self.entered = true;
            }
            Command::StopScan => self.listening = false,
        }
        self.events.push_back(RadioEvent::Done(Ok(())));
    }

    async fn next(&mut self, until: Option<BootTime>) -> RadioEvent {
        loop {
            // Gives the D-Bus tasks their turn however fast the time runs.
            tokio::task::yield_now().await;
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            let passed = self.clock.now().boot.since(self.began);
            let heard = if self.listening {
                self.room.next_advert(passed)
            } else {
                None
            };
            let advert_at = heard.map(|(at, _)| self.began.after(at));
            let next_registration = self.registrations.front().filter(|_| self.entered);
            let registers_at = next_registration.map(|(at, _)| self.began.after(*at));
            let Some(earliest) = [advert_at, registers_at, until].into_iter().flatten().min()
            else {
                // Nobody waits for anything: time stands still until somebody does.
                return std::future::pending().await;
            };
            self.pass_time(earliest).await;
            if registers_at == Some(earliest) {
                if let Some((_, who)) = self.registrations.pop_front() {
                    self.register(who);
                }
            } else if let Some((at, who)) = heard
                && advert_at == Some(earliest)
            {
                if let Some(heard) = self.room.hear(who, at, self.clock.now().wall) {
                    return RadioEvent::Heard(heard);
                }
            } else {
                return RadioEvent::TimePassed;
            }
        }
    }

    async fn close(&mut self) {
        self.listening = false;
    }
}
