//! Logs, to standard error: one line each, for the journal or a container's log.

use std::error::Error;
use std::fmt;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

/// Starts logging. `SESSHOKU_LOG` sets the level, `SESSHOKU_LOG_FORMAT=json` the form.
///
/// Other crates log no more than `info`, whatever is set: below that, libraries write
/// out what they send and receive, and that is nobody's business.
pub fn start() {
    let filter = EnvFilter::try_from_env("SESSHOKU_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let not_foreign = filter_fn(|metadata| {
        metadata.target().starts_with("sesshoku") || *metadata.level() <= Level::INFO
    });
    let is_json = std::env::var("SESSHOKU_LOG_FORMAT").is_ok_and(|format| format == "json");
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let layer = if is_json {
        layer.json().flatten_event(true).boxed()
    } else {
        layer.with_ansi(std::io::stderr().is_terminal()).boxed()
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(layer.with_filter(not_foreign))
        .init();
}

/// How often the log has what goes on and on, such as clients that are turned away.
const SELDOM: Duration = Duration::from_mins(1);

/// Something that is said once a minute, however often it happens.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    /// Whether to say it now.
    pub fn is_due(&self) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = said.is_none_or(|said| said.elapsed() >= SELDOM);
        if is_due {
            *said = Some(Instant::now());
        }
        is_due
    }
}

/// An error with its causes, in one line.
#[derive(Clone, Copy, Debug)]
pub struct Causes<'a>(pub &'a dyn Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_and_on_is_said_once_a_minute() {
        let seldom = Seldom::default();
        assert!(seldom.is_due());
        assert!((0..1000).all(|_| !seldom.is_due()));
        *seldom.0.lock().unwrap() = Instant::now().checked_sub(SELDOM);
        assert!(seldom.is_due() && !seldom.is_due());
    }
}
