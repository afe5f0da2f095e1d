//! A recorded HCI log as a radio: what a real controller heard, at the log's own
//! time.
//!
//! Time stands still until the core listens, so that nothing of the log passes
//! unheard. A daemon that is started again goes on after the last cycle it has
//! stored.

use std::collections::VecDeque;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use capture::btsnoop::LogError;
use capture::{Advert, Adverts};
use gaen::time::UnixSeconds;
use sesshoku_core::radio::{Capabilities, Command, Heard, RadioEvent, RadioState, ScanMethod};
use sesshoku_core::time::{BootTime, Now};
use settings::file::{self, Bounded};

use super::Radio;
use crate::clock::{Pacer, SimClock};

/// A log that is being played.
#[derive(Debug)]
pub struct ReplayRadio {
    clock: SimClock,
    pacer: Pacer,
    adverts: Adverts<BufReader<Bounded>>,
    next: Option<Advert>,
    /// Log time minus boot time, in microseconds.
    offset_us: i64,
    events: VecDeque<RadioEvent>,
    listening: bool,
    ended: bool,
}

/// Why a log cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be read.
    #[error("cannot read the log {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not a log this radio understands.
    #[error("cannot play the log {}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Why.
        source: LogError,
    },
    /// The log holds no Exposure Notification advert of a time after 1970.
    #[error("the log {} holds no Exposure Notification advert", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl ReplayRadio {
    /// Opens the log at `path`, to be played `speed` times as fast as it was
    /// recorded (0: as fast as possible), from `resume_at` if that lies within it.
    ///
    /// # Errors
    /// When the file cannot be read, is no log, or holds no advert.
    pub fn open(
        path: &Path,
        speed: f64,
        resume_at: Option<UnixSeconds>,
    ) -> Result<Self, ReplayError> {
        let no_log = |source| ReplayError::Log {
            path: path.to_owned(),
            source,
        };
        let log = open_log(path).map_err(|source| ReplayError::Read {
            path: path.to_owned(),
            source,
        })?;
        let mut adverts = Adverts::new(BufReader::new(log)).map_err(no_log)?;
        let first = adverts.next();
        let start_us = first.as_ref().map(|advert| advert.time_us);
        let start =
            start_us.and_then(|us| Some((us, UnixSeconds::from_i64(us.div_euclid(1_000_000))?)));
        let Some((start_us, start)) = start else {
            return Err(ReplayError::Empty {
                path: path.to_owned(),
            });
        };
        // The boot clock takes over the fraction of the second, so that both
        // clocks turn to the next second together.
        let fraction = u64::try_from(start_us.rem_euclid(1_000_000)).unwrap_or(0);
        let boot = BootTime::new(Duration::from_micros(fraction));
        let clock = SimClock::new(Now { wall: start, boot });
        let mut radio = Self {
            pacer: Pacer::new(speed),
            clock,
            adverts,
            next: first,
            offset_us: start_us - i64::try_from(fraction).unwrap_or(0),
            events: VecDeque::from([RadioEvent::State(RadioState::Ready(Capabilities {
                adapter: "log".into(),
                scan_method: ScanMethod::Log,
                rotates_while_scanning: true,
                always_listening: true,
            }))]),
            listening: false,
            ended: false,
        };
        if let Some(resume_at) = resume_at {
            radio.skip_to(resume_at);
        }
        Ok(radio)
    }

    /// The log's clock.
    pub fn clock(&self) -> SimClock {
        self.clock.clone()
    }

    fn skip_to(&mut self, at: UnixSeconds) {
        let at_us = i64::from(at.get()) * 1_000_000;
        while self
            .next
            .as_ref()
            .is_some_and(|advert| advert.time_us < at_us)
        {
            self.next = self.adverts.next();
        }
        self.clock.advance_to(self.boot_time(at_us));
    }

    fn boot_time(&self, time_us: i64) -> BootTime {
        let us = u64::try_from(time_us.saturating_sub(self.offset_us)).unwrap_or(0);
        BootTime::new(Duration::from_micros(us))
    }
}

/// Opens the log at `path`, of which an advert at a time is read while it is played. All
/// that the daemon does waits for that: what somebody has to write first, such as a pipe,
/// is refused.
fn open_log(path: &Path) -> io::Result<Bounded> {
    let is_ordinary = std::fs::metadata(path)?.is_file();
    let log = is_ordinary.then(|| Bounded::open(path, file::MAX_LOG));
    match log.transpose()? {
        // It may have become another meanwhile.
        Some(log) if log.is_ordinary()? => Ok(log),
        Some(_) | None => Err(io::Error::other("not an ordinary file")),
    }
}

impl Radio for ReplayRadio {
    fn name(&self) -> &'static str {
        "replay"
    }

    fn command(&mut self, command: Command) {
        match command {
            // There is nobody to broadcast to in a log.
            Command::StartBroadcast(_) | Command::StopBroadcast => {}
            Command::StartScan => self.listening = true,
            Command::StopScan => self.listening = false,
        }
        self.events.push_back(RadioEvent::Done(Ok(())));
    }

    async fn next(&mut self, until: Option<BootTime>) -> RadioEvent {
        loop {
            // Gives the D-Bus tasks their turn however fast the log is played.
            tokio::task::yield_now().await;
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            if !self.listening {
                return std::future::pending().await;
            }
            let next_at = self
                .next
                .as_ref()
                .map(|advert| self.boot_time(advert.time_us));
            match (next_at, until) {
                (Some(at), until) if until.is_none_or(|until| at <= until) => {
                    self.pacer.wait(&self.clock, at).await;
                    self.clock.advance_to(at);
                    let Some(advert) = self.next.take() else {
                        continue;
                    };
                    self.next = self.adverts.next();
                    // Without a signal strength there is no telling how near it was.
                    let Some(rssi) = advert.rssi else {
                        return RadioEvent::Dropped(1);
                    };
                    let (rpi, aem) = (advert.service_data.rpi, advert.service_data.aem);
                    return RadioEvent::Heard(Heard { rpi, aem, rssi });
                }
                (Some(_), Some(until)) => {
                    self.pacer.wait(&self.clock, until).await;
                    self.clock.advance_to(until);
                    return RadioEvent::TimePassed;
                }
                (None, _) if !self.ended => {
                    self.ended = true;
                    if let Some(error) = self.adverts.ended_early() {
                        tracing::warn!(%error, "the log ended early");
                    }
                    return RadioEvent::Ended;
                }
                (None | Some(_), _) => return std::future::pending().await,
            }
        }
    }

    async fn close(&mut self) {
        self.listening = false;
    }
}
