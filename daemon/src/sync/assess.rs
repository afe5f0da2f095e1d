//! Reads what the verdict rests on, all of it in one snapshot of the store.

use std::time::Duration;

use gaen::config::Configuration;
use gaen::time::UnixSeconds;
use sesshoku_core::status::ConsentState;
use sesshoku_core::verdict::{Assessment, Facts, judge, period};

use crate::store::{Store, StoreError};

/// What may be said at `now`, by what is in the store, of a server that promises to
/// sign something `fresh_within` that time.
///
/// # Errors
/// When the store cannot be read.
pub fn assess(
    store: &Store,
    consent: ConsentState,
    fresh_within: Option<Duration>,
    now: UnixSeconds,
) -> Result<Assessment, StoreError> {
    let facts = read(store, consent, fresh_within, now)?;
    Ok(judge(&facts, &Configuration::default(), now))
}

fn read(
    store: &Store,
    consent: ConsentState,
    fresh_within: Option<Duration>,
    now: UnixSeconds,
) -> Result<Facts, StoreError> {
    let since = period(now).0.start();
    let (coverage, recorded) = store.reader()?.coverage_and_cycles(since, now)?;
    Ok(Facts {
        consent: consent == ConsentState::Agreed,
        clock_set: now.is_plausible(),
        checks: store.check_memory()?,
        ledger: store.ledger()?,
        recorded,
        coverage,
        exposures: store.exposures()?,
        fresh_within,
    })
}
