//! Which time is believed when something is to be destroyed.
//!
//! A wall clock can be set to anything: by a person in a dialog, by a radio or a server
//! that is wrong, by a battery that is flat. Whoever destroys by it loses everything to
//! one mistake. What cannot be set is the clock that counts from boot. So the store
//! remembers a time that has *certainly* passed, which moves on with the boot clock
//! alone, and destroys what is fourteen days old by that:
//!
//! - A wall clock that shows less is believed at once: less is destroyed.
//! - One that shows more is believed when it has kept that up for a while, counted on
//!   the boot clock, with the daemon there to see it: for `HOLD` while something
//!   vouches for it (the kernel says that it is synchronised), for `LONG_HOLD` while
//!   nothing does. When it is set again, the wait begins anew.
//! - Across a boot nobody knows how long the machine was off. What the clock showed
//!   before, moved on by the time since the boot, goes on waiting; what it shows beyond
//!   that waits after it. So a machine that is off every night and never synchronised
//!   lags behind by what it was off in the last two waits, and not by more.
//!
//! The other way round, a clock that went back shows that it was ahead before, or is
//! wrong now. What was recorded for a time that has not come goes when the clock has kept
//! that up for `HOLD` synchronised. Without anybody who vouches for it that takes
//! [`KEEP_SECONDS`]: whatever was recorded before is fourteen days old by then, whichever
//! of the clocks was right.

use gaen::time::{DAY_SECONDS, UnixSeconds};
use serde::{Deserialize, Serialize};

use crate::time::{Look, Voucher};

/// What is older is gone, in seconds.
pub const KEEP_SECONDS: u32 = 14 * DAY_SECONDS;
/// For how many seconds a clock that something vouches for is held back.
const HOLD: u64 = 1800;
/// The same for a clock that nobody vouches for: a long weekend in which somebody who
/// set it wrong may find out.
const LONG_HOLD: u64 = 3 * 86_400;
/// A clock that leaves the boot clock by more seconds than this was set. Less is what a
/// time service corrects; it is believed no sooner, but begins no wait anew.
const SET_BY: i64 = 60;
/// The wall and the boot clock are read in whole seconds, one after the other.
const ROUNDING: i64 = 2;
/// Between two looks no more than this counts as seen, in seconds: the daemon looks every
/// hour, but not while the machine sleeps.
const SEEN_AT_MOST: u64 = 3900;
/// Between two looks no more than this has certainly passed, in seconds. What moves the
/// boot clock on during a sleep is a clock that can be wrong, too.
const PASSED_AT_MOST: u64 = 86_400;
/// Sightings match up to two hours off (docs/protocol.md §3): what is no further ahead is right
/// enough to be kept, in seconds.
const AHEAD_ALLOWED: u64 = 2 * 3600;

/// What is remembered of the clocks from look to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// A time that has certainly passed. The name is of the first version, which kept
    /// the time of the last purge.
    #[serde(rename = "purged")]
    certain: UnixSeconds,
    /// The last look.
    #[serde(default)]
    seen: Option<Seen>,
    /// What the clock shows beyond what is certain.
    #[serde(default)]
    ahead: Option<Claim>,
    /// The wait since the clock went back; `None` when nothing can have been recorded
    /// for a time that has not come.
    #[serde(default = "just_went_back")]
    behind: Option<Waited>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    wall: UnixSeconds,
    /// In seconds.
    since_boot: u64,
    vouched: bool,
}

/// A time that the clock claims has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    shows: UnixSeconds,
    waited: Waited,
}

/// For how many seconds a clock has been seen to keep up what it shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Waited {
    all: u64,
    vouched: u64,
}

/// What may be destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What was fourteen days old then.
    pub certain: UnixSeconds,
    /// Whether the clock shows more than is believed yet.
    pub is_held: bool,
    /// What was recorded for later than this, if anything.
    pub nothing_after: Option<UnixSeconds>,
}

/// What has happened between two looks.
struct Passage {
    /// Seconds that have certainly passed.
    seconds: u64,
    /// The part of them that counts as seen.
    seen: Waited,
    /// By how many seconds the wall clock went further than the boot clock.
    leap: i64,
    /// Whether the machine was off for a time nobody knows.
    was_off: bool,
}

impl Memory {
    /// Whether what was recorded for the future is gone, so that there is none until the
    /// clock goes back again.
    pub fn future_is_gone(&mut self) {
        self.behind = None;
    }

    /// Where nothing is remembered, nothing is certain.
    fn nothing() -> Self {
        Self {
            certain: UnixSeconds::EARLIEST_PLAUSIBLE,
            seen: None,
            ahead: None,
            behind: just_went_back(),
        }
    }
}

/// What may be destroyed at `look`, by what is remembered, and what to remember then.
pub fn judge(memory: Option<Memory>, look: &Look) -> (Memory, Judgement) {
    let mut memory = memory.unwrap_or_else(Memory::nothing);
    let passage = Passage::between(memory.seen, look);
    memory.certain = later(memory.certain, passage.seconds).min(look.wall);
    memory.ahead = memory
        .ahead
        .and_then(|claim| claim.after(&passage, look.wall));
    memory.behind = after_going_back(memory.behind, &passage);
    if look.voucher == Voucher::Simulation {
        memory.certain = look.wall;
    }
    if let Some(claim) = memory.ahead
        && claim.waited.is_enough(LONG_HOLD)
    {
        memory.certain = memory.certain.max(claim.shows);
        memory.ahead = None;
    }
    if look.wall.seconds_since(memory.certain) <= ROUNDING {
        memory.ahead = None;
    } else if memory.ahead.is_none() {
        memory.ahead = Some(Claim {
            shows: look.wall,
            waited: Waited::default(),
        });
    }
    memory.seen = Some(Seen {
        wall: look.wall,
        since_boot: look.boot.since_boot().as_secs(),
        vouched: look.is_vouched(),
    });
    let future_goes = memory
        .behind
        .is_some_and(|waited| waited.is_enough(KEEP_SECONDS.into()));
    let judgement = Judgement {
        certain: memory.certain,
        is_held: memory.ahead.is_some(),
        nothing_after: future_goes.then(|| later(look.wall, AHEAD_ALLOWED)),
    };
    (memory, judgement)
}

impl Passage {
    fn between(seen: Option<Seen>, look: &Look) -> Self {
        let since_boot = look.boot.since_boot().as_secs();
        let Some(seen) = seen else {
            return Self {
                seconds: 0,
                seen: Waited::default(),
                leap: 0,
                was_off: true,
            };
        };
        // A boot clock that went back is another boot's. One that did not may be, after
        // a long one: then no less has passed, and the rest looks like a leap.
        let (elapsed, was_off) = match since_boot.checked_sub(seen.since_boot) {
            Some(elapsed) => (elapsed, false),
            None => (since_boot, true),
        };
        let all = if was_off {
            0
        } else {
            elapsed.min(SEEN_AT_MOST)
        };
        let is_vouched = seen.vouched && look.is_vouched();
        Self {
            seconds: elapsed.min(PASSED_AT_MOST),
            seen: Waited {
                all,
                vouched: if is_vouched { all } else { 0 },
            },
            leap: look
                .wall
                .seconds_since(seen.wall)
                .saturating_sub_unsigned(elapsed),
            was_off,
        }
    }

    /// Whether the clock was set while somebody looked.
    fn is_set(&self) -> bool {
        !self.was_off && self.leap.abs() > SET_BY
    }
}

impl Claim {
    /// What is left of it when the clock shows `wall` after `passage`.
    fn after(self, passage: &Passage, wall: UnixSeconds) -> Option<Self> {
        let shows = later(self.shows, passage.seconds);
        if passage.is_set() || shows.seconds_since(wall) > SET_BY {
            return None;
        }
        Some(Self {
            shows: shows.min(wall),
            waited: self.waited.and(passage.seen),
        })
    }
}

impl Waited {
    fn and(self, more: Self) -> Self {
        Self {
            all: self.all.saturating_add(more.all),
            vouched: self.vouched.saturating_add(more.vouched),
        }
    }

    /// Whether it was long enough: `HOLD` with somebody who vouches, or `alone`.
    fn is_enough(self, alone: u64) -> bool {
        self.vouched >= HOLD || self.all >= alone
    }
}

/// The wait since the clock went back, `before` and after `passage`.
fn after_going_back(before: Option<Waited>, passage: &Passage) -> Option<Waited> {
    if passage.leap < -SET_BY {
        return just_went_back();
    }
    let before = before?;
    if passage.is_set() {
        return just_went_back();
    }
    Some(before.and(passage.seen))
}

/// Nobody has waited yet.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the value of a field that is optional"
)]
fn just_went_back() -> Option<Waited> {
    Some(Waited::default())
}

fn later(time: UnixSeconds, seconds: u64) -> UnixSeconds {
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    UnixSeconds::new(time.get().saturating_add(seconds))
}

#[cfg(test)]
mod tests;
