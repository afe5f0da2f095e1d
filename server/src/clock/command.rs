//! `sesshoku-server clock`: what time a role goes by, and an operator's word for it.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::keeper::{PLAUSIBLE, is_known_after_a_start};
use crate::database::{Database, DatabaseError};

/// Why the command did nothing.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DatabaseError),
    /// The clock shows a time that it cannot be.
    #[error("a clock that shows a time before 2020 or after 2106 is not right")]
    Implausible,
    /// A time is no time.
    #[error("the database has a time that is none")]
    Time(#[from] jiff::Error),
}

/// Says what time the role of `database` goes by; where `accept` says that its clock is
/// right, the role believes it from now on.
///
/// # Errors
/// [`CommandError`].
pub async fn run_command(database: &Database, accept: bool) -> Result<String, CommandError> {
    let shown = database.shown().await?;
    let shows = Timestamp::from_second(shown.div_euclid(1000))?;
    let mut said = format!("The database's clock shows {shows}.\n");
    let witnessed = database.witnessed().await?.time;
    if let Some(seconds) = witnessed {
        let witnessed = Timestamp::from_second(seconds)?;
        let later = shows.duration_since(witnessed);
        let (later, word) = if later.is_negative() {
            (-later, "later")
        } else {
            (later, "before that")
        };
        let later = SignedDuration::from_secs(later.as_secs());
        let _ = writeln!(
            said,
            "The role was sure of {witnessed} last: {later:#} {word}."
        );
    }
    if accept && !PLAUSIBLE.contains(&shown) {
        return Err(CommandError::Implausible);
    }
    if accept {
        database.vouch(shown.div_euclid(1000)).await?;
        said += "It is believed from now on. Running servers take it up within ten seconds.\n";
    } else if is_known_after_a_start(witnessed, shown) {
        said += "A role that starts now believes it.\n";
    } else {
        said += "A role that starts now does not believe it, and does nothing that depends on \
                 the time. If the clock is right, say so with --accept.\n";
    }
    Ok(said)
}
