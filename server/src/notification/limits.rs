//! How often a registration may be tried.
//!
//! # Guessing a 処理番号 is hopeless
//! There are 10⁸ numbers, of which `n` are good at a time (those issued within 24
//! hours and not used). A wrong number is an answer 406; these are counted
//!
//! - by source (a /24 or /56): `wrong_numbers_a_source_an_hour`,
//! - by number: `wrong_tries_a_number_an_hour`,
//! - altogether: `wrong_numbers_an_hour`,
//!
//! each in a bucket that holds an hour's worth and refills evenly. Who finds one of
//! them empty is not asked about: the management system never hears of the try. A
//! try is paid for when its answer is there, and buckets go into debt for those
//! that were under way meanwhile, so that however many run in parallel, within `h`
//! hours no more than
//!
//! ```text
//! wrong_numbers_an_hour · (h + 1) + max_checks
//! ```
//!
//! wrong numbers are asked about, by everybody together: 100 · 25 + 64 = 2564 in a
//! day with the defaults, and 10 · 25 + 64 = 314 from one source. Each hits with
//! probability `n` / 10⁸. With 100 numbers out, all guessers of the world together
//! need more than a year on average for one hit (10⁸ / 100 / 2400 a day ≈ 417 days), one
//! source needs eleven (10⁸ / 100 / 240 a day ≈ 4167 days). Replicas multiply this; the
//! management system's own bound, which they share, does not.
//!
//! Good numbers and chaff take nothing out of these buckets: neither the rush of a
//! bad day nor the noise that hides it can empty them.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::settings::ConfigError;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::http::source::Bucket as Source;

const HOUR: Duration = Duration::from_secs(3600);
/// Most buckets of a kind that are remembered. When there are more, those that are
/// full are forgotten, and if none is, all: the bound on all together holds still.
const MAX_REMEMBERED: usize = 200_000;

/// The `[limits]` table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Registrations, good or not, from one source (a /24 or /56) in an hour. Many
    /// people share one where carriers share addresses.
    pub requests_a_source_an_hour: u32,
    /// Wrong 処理番号 from one source in an hour.
    pub wrong_numbers_a_source_an_hour: u32,
    /// Wrong tries of the same 処理番号 in an hour.
    pub wrong_tries_a_number_an_hour: u32,
    /// Wrong 処理番号 altogether in an hour.
    pub wrong_numbers_an_hour: u32,
    /// Most 処理番号 being asked about at a time; more wait.
    pub max_checks: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            requests_a_source_an_hour: 6_000,
            wrong_numbers_a_source_an_hour: 10,
            wrong_tries_a_number_an_hour: 3,
            wrong_numbers_an_hour: 100,
            max_checks: 64,
        }
    }
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let counts = [
            (
                "limits.requests_a_source_an_hour",
                self.requests_a_source_an_hour,
            ),
            (
                "limits.wrong_numbers_a_source_an_hour",
                self.wrong_numbers_a_source_an_hour,
            ),
            (
                "limits.wrong_tries_a_number_an_hour",
                self.wrong_tries_a_number_an_hour,
            ),
            ("limits.wrong_numbers_an_hour", self.wrong_numbers_an_hour),
        ];
        let zero = counts.iter().find(|(_, count)| *count == 0);
        let setting = match zero {
            Some((setting, _)) => setting,
            None if self.max_checks == 0 => "limits.max_checks",
            None => return Ok(()),
        };
        Err(ConfigError::Value {
            setting,
            problem: "must be at least 1".to_owned(),
        })
    }
}

/// What has been tried, in memory only.
#[derive(Debug)]
pub struct Limits {
    settings: Settings,
    number_key: RandomState,
    checks: Arc<Semaphore>,
    buckets: Mutex<Buckets>,
}

#[derive(Debug, Default)]
struct Buckets {
    requests: HashMap<Source, Bucket>,
    wrong_by_source: HashMap<Source, Bucket>,
    wrong_by_number: HashMap<Number, Bucket>,
    wrong: Bucket,
}

/// A 処理番号 as a keyed hash whose key is only in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Number(u64);

/// It was tried too often; it may be tried again after this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany(pub Duration);

/// No place to ask from came free in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowded;

/// A bucket that holds an hour's worth and refills evenly.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// When it is full again; `None` when it never was anything else.
    full_at: Option<Instant>,
}

impl Limits {
    /// With full buckets.
    pub fn new(settings: Settings) -> Self {
        Self {
            number_key: RandomState::new(),
            checks: Arc::new(Semaphore::new(settings.max_checks)),
            buckets: Mutex::default(),
            settings,
        }
    }

    /// The 処理番号 as it is remembered here.
    pub fn number(&self, processing_number: &str) -> Number {
        Number(self.number_key.hash_one(processing_number))
    }

    /// Counts a request from `source`.
    ///
    /// # Errors
    /// [`TooMany`] when there were too many.
    pub fn request(&self, source: Source, now: Instant) -> Result<(), TooMany> {
        let limit = self.settings.requests_a_source_an_hour;
        let mut buckets = self.lock();
        remember(&mut buckets.requests, now);
        let bucket = buckets.requests.entry(source).or_default();
        bucket.check(limit, now)?;
        bucket.pay(limit, now);
        Ok(())
    }

    /// Whether a number may be asked about now. Chaff has none.
    ///
    /// # Errors
    /// [`TooMany`] when too many were wrong.
    pub fn may_ask(
        &self,
        source: Source,
        number: Option<Number>,
        now: Instant,
    ) -> Result<(), TooMany> {
        let settings = &self.settings;
        let buckets = self.lock();
        buckets.wrong.check(settings.wrong_numbers_an_hour, now)?;
        if let Some(bucket) = buckets.wrong_by_source.get(&source) {
            bucket.check(settings.wrong_numbers_a_source_an_hour, now)?;
        }
        if let Some(bucket) = number.and_then(|number| buckets.wrong_by_number.get(&number)) {
            bucket.check(settings.wrong_tries_a_number_an_hour, now)?;
        }
        Ok(())
    }

    /// Waits for a place to ask from, for at most `wait`.
    ///
    /// # Errors
    /// [`Crowded`].
    pub async fn place(&self, wait: Duration) -> Result<OwnedSemaphorePermit, Crowded> {
        match timeout(wait, Arc::clone(&self.checks).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(Crowded),
        }
    }

    /// Counts a wrong number.
    pub fn wrong(&self, source: Source, number: Number, now: Instant) {
        let settings = &self.settings;
        let mut buckets = self.lock();
        buckets.wrong.pay(settings.wrong_numbers_an_hour, now);
        remember(&mut buckets.wrong_by_source, now);
        let by_source = buckets.wrong_by_source.entry(source).or_default();
        by_source.pay(settings.wrong_numbers_a_source_an_hour, now);
        remember(&mut buckets.wrong_by_number, now);
        let by_number = buckets.wrong_by_number.entry(number).or_default();
        by_number.pay(settings.wrong_tries_a_number_an_hour, now);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    /// Whether there is something in it.
    fn check(self, an_hour: u32, now: Instant) -> Result<(), TooMany> {
        let Some(full_at) = self.full_at else {
            return Ok(());
        };
        let missing = full_at.saturating_duration_since(now);
        let may_miss = HOUR.saturating_sub(HOUR / an_hour);
        match missing.checked_sub(may_miss) {
            None | Some(Duration::ZERO) => Ok(()),
            Some(wait) => Err(TooMany(wait)),
        }
    }

    /// Takes one out, even where there is none.
    fn pay(&mut self, an_hour: u32, now: Instant) {
        let full_at = self.full_at.map_or(now, |full_at| full_at.max(now));
        self.full_at = Some(full_at + HOUR / an_hour);
    }

    fn is_full(self, now: Instant) -> bool {
        self.full_at.is_none_or(|full_at| full_at <= now)
    }
}

/// Keeps `buckets` from growing without end.
fn remember<K>(buckets: &mut HashMap<K, Bucket>, now: Instant) {
    if buckets.len() < MAX_REMEMBERED {
        return;
    }
    buckets.retain(|_, bucket| !bucket.is_full(now));
    if buckets.len() >= MAX_REMEMBERED {
        buckets.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::http::HeaderMap;

    use super::*;
    use crate::http::source::Sources;

    fn source(third: u8) -> Source {
        thread_local! {
            static SOURCES: Sources = Sources::new(&crate::http::Settings::default());
        }
        let peer = SocketAddr::from(([10, 0, third, 1], 1));
        SOURCES.with(|sources| sources.bucket(peer, &HeaderMap::new()))
    }

    /// Guesses as fast as `sources` and `parallel` allow for `hours`, each with a
    /// number of its own; gives how many were asked about.
    fn guess(settings: Settings, sources: u8, parallel: usize, hours: u32) -> u32 {
        let limits = Limits::new(settings);
        let start = Instant::now();
        let mut asked = 0;
        let mut next = 0_u64;
        for second in 0..u64::from(hours) * 3600 {
            let now = start + Duration::from_secs(second);
            let mut under_way = Vec::new();
            for index in 0..parallel {
                let source = source(u8::try_from(index % usize::from(sources)).unwrap());
                let number = Number(next);
                next += 1;
                if limits.may_ask(source, Some(number), now).is_ok() {
                    under_way.push((source, number));
                }
            }
            for (source, number) in under_way {
                asked += 1;
                limits.wrong(source, number, now);
            }
        }
        asked
    }

    #[test]
    fn guesses_stay_within_the_bound_however_many_run_in_parallel() {
        let settings = Settings::default();
        let parallel = settings.max_checks;
        // Of everybody together: 100 · (6 + 1) + 64.
        let asked = guess(settings.clone(), 100, parallel, 6);
        assert!((600..=764).contains(&asked), "{asked}");
        // Of one source: 10 · (6 + 1) + 64.
        let asked = guess(settings.clone(), 1, parallel, 6);
        assert!((60..=134).contains(&asked), "{asked}");
        // One by one there is no debt.
        let asked = guess(settings, 1, 1, 6);
        assert!((60..=70).contains(&asked), "{asked}");
    }

    #[test]
    fn a_number_is_tried_a_few_times_from_anywhere() {
        let limits = Limits::new(Settings::default());
        let now = Instant::now();
        let number = limits.number("01234567");
        assert_eq!(limits.number("01234567"), number);
        for third in 0..3 {
            assert_eq!(limits.may_ask(source(third), Some(number), now), Ok(()));
            limits.wrong(source(third), number, now);
        }
        let TooMany(wait) = limits.may_ask(source(9), Some(number), now).unwrap_err();
        assert!(wait <= HOUR / 3 && wait > HOUR / 4, "{wait:?}");
        assert_eq!(limits.may_ask(source(9), Some(number), now + wait), Ok(()));
        let other = limits.number("01234568");
        assert_eq!(limits.may_ask(source(9), Some(other), now), Ok(()));
        assert_eq!(limits.may_ask(source(9), None, now), Ok(()));
    }

    #[test]
    fn requests_of_a_source_are_bounded_and_others_not_touched() {
        let limits = Limits::new(Settings {
            requests_a_source_an_hour: 4,
            ..Settings::default()
        });
        let now = Instant::now();
        for _ in 0..4 {
            assert_eq!(limits.request(source(1), now), Ok(()));
        }
        let TooMany(wait) = limits.request(source(1), now).unwrap_err();
        assert_eq!(wait, HOUR / 4);
        assert_eq!(limits.request(source(2), now), Ok(()));
        assert_eq!(limits.request(source(1), now + wait), Ok(()));
        assert!(limits.request(source(1), now + wait).is_err());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let now = Instant::now();
        let mut buckets: HashMap<usize, Bucket> = HashMap::new();
        for key in 0..MAX_REMEMBERED {
            buckets.entry(key).or_default().pay(1, now);
        }
        // Half of them are full by now.
        for key in 0..MAX_REMEMBERED / 2 {
            buckets.insert(key, Bucket::default());
        }
        remember(&mut buckets, now);
        assert_eq!(buckets.len(), MAX_REMEMBERED / 2);
    }

    #[tokio::test]
    async fn places_to_ask_from_are_bounded() {
        let limits = Limits::new(Settings {
            max_checks: 1,
            ..Settings::default()
        });
        let place = limits.place(Duration::from_secs(1)).await.unwrap();
        assert_eq!(
            limits.place(Duration::from_millis(1)).await.err(),
            Some(Crowded)
        );
        drop(place);
        assert!(limits.place(Duration::from_secs(1)).await.is_ok());
    }
}
