//! Where a server's time comes from.
//!
//! A server that deletes what is 14 days old must not believe any clock: one replica
//! whose clock is ahead, or one boot with a wrong clock, would delete everything. So the
//! time is that of the database, which all replicas share, and goes on with the clock
//! that counts from boot; a leap is not believed ([`keeper`], docs/server.md "The
//! clock").

mod command;
pub mod keeper;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use gaen::time::UnixSeconds;
use room::client::{Client, ClientError};
use serde::{Deserialize, Serialize};

use keeper::Kept;

pub use command::{CommandError, run_command};

/// How far the time in a simulated room moves before the clock shows it.
const ROOM_STEP: Duration = Duration::from_secs(5);

/// The `[clock]` table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The socket of a simulated room (`sesshoku-room`) whose time to follow, for
    /// demonstrations and tests; without it, the machine's clock.
    pub room: Option<PathBuf>,
}

impl Settings {
    /// The clock these settings name.
    ///
    /// # Errors
    /// [`ClientError`] when the room cannot be entered.
    pub async fn open(&self) -> Result<Clock, ClientError> {
        match &self.room {
            None => Ok(Clock::kept()),
            Some(room) => Clock::in_room(room).await,
        }
    }
}

/// A clock. Every rule that depends on the time asks it, so that tests, and a
/// simulation, can be at any time they like.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Kept(Kept),
    Set(Arc<AtomicU32>),
}

impl Clock {
    /// The clock of a database. The time is not known until a [`keeper::Keeper`] of it has
    /// looked there.
    pub fn kept() -> Self {
        Self(Source::Kept(Kept::default()))
    }

    /// A clock that shows `now` until it is set. Its clones show the same.
    pub fn set_at(now: UnixSeconds) -> Self {
        Self(Source::Set(Arc::new(AtomicU32::new(now.get()))))
    }

    /// A clock that follows the time of the simulated room at `socket`. When the room
    /// closes, it stands still.
    ///
    /// # Errors
    /// [`ClientError`] when the room cannot be entered.
    async fn in_room(socket: &Path) -> Result<Self, ClientError> {
        let mut client = Client::join(socket, None).await?;
        tracing::warn!("SIMULATION: the time is that of a simulated room");
        let clock = Self::set_at(wall(&client));
        let shown = clock.clone();
        tokio::spawn(async move {
            loop {
                let next = client.now() + ROOM_STEP;
                if let Err(error) = client.next(Some(next)).await {
                    let error: &(dyn std::error::Error + 'static) = &error;
                    return tracing::error!(error, "the simulated room is gone");
                }
                shown.set(wall(&client));
            }
        });
        Ok(clock)
    }

    /// The time; where it is not known, one that has certainly passed.
    pub fn now(&self) -> UnixSeconds {
        match &self.0 {
            Source::Kept(kept) => kept.now(),
            Source::Set(seconds) => UnixSeconds::new(seconds.load(Ordering::SeqCst)),
        }
    }

    /// Whether the time is known. While it is not, nothing may be deleted, published or
    /// judged by it.
    pub fn is_known(&self) -> bool {
        match &self.0 {
            Source::Kept(kept) => kept.is_known(),
            Source::Set(_) => true,
        }
    }

    /// Whether the time is known and has stood long enough for what cannot be undone: to
    /// publish, to delete, to tell somebody no for good.
    pub fn is_settled(&self) -> bool {
        match &self.0 {
            Source::Kept(kept) => kept.is_settled(),
            Source::Set(_) => true,
        }
    }

    /// What an operator should know of it: `Err` where the time is not known, and what
    /// is worth a look otherwise.
    pub fn condition(&self) -> Result<Option<String>, &'static str> {
        let Source::Kept(kept) = &self.0 else {
            return Ok(None);
        };
        if !kept.is_known() {
            return Err("the time is not known: see the log, and `sesshoku-server clock`");
        }
        let leap = kept.leap();
        if leap != 0 {
            let (size, way) = (leap.abs(), if leap < 0 { "behind" } else { "ahead of" });
            return Ok(Some(if kept.is_settled() {
                format!(
                    "the database's clock is {size} s {way} the time that is kept, and does \
                     not count: see the log, and `sesshoku-server clock`"
                )
            } else {
                format!(
                    "the database's clock is {size} s {way} when this server ran last: nothing \
                     is published or deleted before it has stayed so for half an hour"
                )
            }));
        }
        let ahead = kept.difference();
        Ok((ahead.abs() > keeper::TOLD).then(|| {
            let (size, way) = (ahead.abs(), if ahead < 0 { "behind" } else { "ahead of" });
            format!("this machine's clock is {size} s {way} the database's, which counts")
        }))
    }

    /// Sets a clock made by [`Clock::set_at`]; one that is kept cannot be set.
    pub fn set(&self, now: UnixSeconds) {
        if let Source::Set(seconds) = &self.0 {
            seconds.store(now.get(), Ordering::SeqCst);
        }
    }
}

/// The wall clock in a room.
fn wall(client: &Client) -> UnixSeconds {
    let seconds = i32::try_from(client.now().as_secs()).unwrap_or(i32::MAX);
    client.start().saturating_add_signed(seconds)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use room::{Pace, World, hub};

    use super::*;

    #[tokio::test]
    async fn a_clock_in_a_room_shows_its_time() {
        let dir = tempfile::tempdir().unwrap();
        let room = dir.path().join("room");
        let world = World::new(
            toml::from_str("start = 1600000000").unwrap(),
            UnixSeconds::new(0),
        );
        let listener = tokio::net::UnixListener::bind(&room).unwrap();
        tokio::spawn(hub::host(world, Pace::new(600.0), listener));
        let settings = Settings { room: Some(room) };
        let clock = settings.open().await.unwrap();
        let start = clock.now();
        assert!(start.get() < 1_600_001_000);
        let deadline = Instant::now() + Duration::from_secs(30);
        while clock.now().get() < start.get() + 60 {
            assert!(Instant::now() < deadline, "the time stands still");
            tokio::task::yield_now().await;
        }
        let nowhere = Settings {
            room: Some(dir.path().join("nowhere")),
        };
        assert!(matches!(nowhere.open().await, Err(ClientError::Io(_))));
    }
}
