//! Where a server's time comes from.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use gaen::time::UnixSeconds;

/// A clock. Every rule that depends on the time asks it, so that tests, and a
/// simulation, can be at any time they like.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Set(Arc<AtomicU32>),
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that shows `now` until it is set. Its clones show the same.
    pub fn set_at(now: UnixSeconds) -> Self {
        Self(Source::Set(Arc::new(AtomicU32::new(now.get()))))
    }

    /// The time. Before 1970 and after 2106 it is held at the epoch.
    pub fn now(&self) -> UnixSeconds {
        match &self.0 {
            Source::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .ok()
                .and_then(|since| u32::try_from(since.as_secs()).ok())
                .map_or(UnixSeconds::new(0), UnixSeconds::new),
            Source::Set(seconds) => UnixSeconds::new(seconds.load(Ordering::SeqCst)),
        }
    }

    /// Sets a clock made by [`Clock::set_at`]; the machine's cannot be set.
    pub fn set(&self, now: UnixSeconds) {
        if let Source::Set(seconds) = &self.0 {
            seconds.store(now.get(), Ordering::SeqCst);
        }
    }
}
