//! How often a daemon wakes up, and when the controller scanned meanwhile.
//!
//! A wake-up is a voluntary context switch of one of the daemon's threads: each time
//! that it was given the processor and gave it back to wait. A hand-over to the
//! blocking pool counts for both threads.

use air::hci::command::Command;
use air::log::{Event, Record};
use serde::{Deserialize, Serialize};

/// The seconds before and after a scan that belong to its window: what puts the next
/// identifier on the air before it, and what stores the cycle after it.
const MARGIN_US: u64 = 1_000_000;
/// A pause in a scan shorter than this is part of its window: discovery is started
/// again and again.
const PAUSE_MAX_US: u64 = 2 * MARGIN_US;

/// How often a daemon woke up in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Second {
    /// Its end: microseconds on `CLOCK_MONOTONIC`.
    pub at_us: u64,
    /// How often the daemon woke up since the end of the one before.
    pub wakeups: u64,
}

/// What a time comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wakeups {
    /// Scan windows.
    pub windows: u64,
    /// Wake-ups in them.
    pub in_windows: u64,
    /// Wake-ups besides, in so many seconds.
    pub outside: u64,
    /// Seconds outside of windows.
    pub seconds_outside: u64,
}

impl Wakeups {
    /// Sorts seconds in a row by whether the controller at `place` scanned in them.
    pub fn sort(seconds: &[Second], air: &[Record], place: usize) -> Self {
        let windows = windows(air, place);
        let mut sorted = Self::default();
        for pair in seconds.windows(2) {
            let (from, to) = (pair[0].at_us, pair[1].at_us);
            let is_in = windows.iter().any(|(start, end)| {
                from < end.saturating_add(MARGIN_US) && start.saturating_sub(MARGIN_US) < to
            });
            if is_in {
                sorted.in_windows += pair[1].wakeups;
            } else {
                sorted.outside += pair[1].wakeups;
                sorted.seconds_outside += 1;
            }
        }
        if let (Some(first), Some(last)) = (seconds.first(), seconds.last()) {
            let during = windows
                .iter()
                .filter(|(start, _)| (first.at_us..last.at_us).contains(start));
            sorted.windows = u64::try_from(during.count()).unwrap_or(u64::MAX);
        }
        sorted
    }

    /// Wake-ups in all, in and outside of windows.
    pub fn all(&self) -> u64 {
        self.in_windows + self.outside
    }

    /// Wake-ups an hour outside of windows.
    pub fn outside_per_hour(&self) -> u64 {
        (self.outside * 3_600)
            .checked_div(self.seconds_outside)
            .unwrap_or(0)
    }
}

/// When the controller at `place` scanned: from, until.
fn windows(air: &[Record], place: usize) -> Vec<(u64, u64)> {
    let mut windows: Vec<(u64, u64)> = Vec::new();
    let mut since = None;
    for record in air {
        let enable = if let Event::Command {
            controller,
            command: Some(Command::LeSetScanEnable(scan) | Command::LeSetExtendedScanEnable(scan)),
            ..
        } = &record.event
            && *controller == place
        {
            scan.enable
        } else if matches!(&record.event, Event::Unplugged { controller } if *controller == place) {
            false
        } else {
            continue;
        };
        if enable {
            since = since.or(Some(record.at_us));
        } else if let Some(start) = since.take() {
            match windows.last_mut() {
                Some((_, end)) if start - *end < PAUSE_MAX_US => *end = record.at_us,
                _ => windows.push((start, record.at_us)),
            }
        }
    }
    windows.extend(since.map(|start| (start, u64::MAX)));
    windows
}
