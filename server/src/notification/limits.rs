//! How often a registration may be tried.
//!
//! # Guessing a 処理番号 is hopeless
//! A wrong number is an answer 406; these are counted
//!
//! - by source (a /24 or /56): `wrong_numbers_a_source_an_hour`,
//! - by network (a /16 or /32): `wrong_numbers_a_network_a_day`, of sources that had not
//!   guessed before,
//! - by number: `wrong_tries_a_number_an_hour`,
//! - of all sources that guessed: `wrong_numbers_an_hour`,
//!
//! each in a bucket that holds as much and refills evenly. A source **has guessed** for a
//! day after a wrong number, and while its network's bucket is empty. What it may try is
//! bounded by the bucket of all that guessed; whoever has not guessed is not, and so is not
//! refused because of others. The management system, which all replicas share, is told with
//! each question whether the source has guessed, and has the bound that counts
//! (`management::number::guessing_budget`): these here are for load, and so that the many
//! addresses of one guesser count as one.
//!
//! Who finds a bucket empty is not asked about: the management system never hears of the
//! try. A try is paid for when its answer is there; of one source `CHECKS_A_SOURCE` are
//! under way at a time, and more wait, so that whoever tries many at once is known to have
//! guessed before the next of them is asked about.
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

use crate::http::source::{Bucket as Source, Origin};

const HOUR: Duration = Duration::from_secs(3600);
/// For how long a source that tried a wrong number counts as one that guesses.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How many numbers from one source are asked about at a time.
const CHECKS_A_SOURCE: usize = 4;
/// From so many sources on with something under way, those that have nothing more are
/// forgotten.
const ASKING_MAX: usize = 1_024;
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
    /// Wrong 処理番号 within a day from a network (a /16 or /32), of sources that had tried
    /// none. Its sources all count as having guessed after that.
    pub wrong_numbers_a_network_a_day: u32,
    /// Wrong tries of the same 処理番号 in an hour.
    pub wrong_tries_a_number_an_hour: u32,
    /// Wrong 処理番号 in an hour of all sources that have guessed.
    pub wrong_numbers_an_hour: u32,
    /// Most 処理番号 being asked about at a time; more wait.
    pub max_checks: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            requests_a_source_an_hour: 6_000,
            wrong_numbers_a_source_an_hour: 10,
            wrong_numbers_a_network_a_day: 100,
            wrong_tries_a_number_an_hour: 3,
            wrong_numbers_an_hour: 2_000,
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
                "limits.wrong_numbers_a_network_a_day",
                self.wrong_numbers_a_network_a_day,
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
    wrong_by_source: HashMap<Source, Guesser>,
    wrong_by_network: HashMap<Source, Bucket>,
    wrong_by_number: HashMap<Number, Bucket>,
    wrong: Bucket,
    /// Places to ask from, of each source that has something under way.
    asking: HashMap<Source, Arc<Semaphore>>,
}

/// A source that tried a wrong number.
#[derive(Clone, Copy, Debug, Default)]
struct Guesser {
    bucket: Bucket,
    /// Until when it counts as one that guesses.
    until: Option<Instant>,
}

/// A place to ask from, until it is dropped.
#[derive(Debug)]
pub struct Place {
    _of_source: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
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

/// A bucket that holds so much and refills evenly.
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
        let each = HOUR / self.settings.requests_a_source_an_hour;
        let mut buckets = self.lock();
        remember(&mut buckets.requests, now);
        let bucket = buckets.requests.entry(source).or_default();
        bucket.check(HOUR, each, now)?;
        bucket.pay(each, now);
        Ok(())
    }

    /// Whether a number may be asked about now, and then whether it comes from where
    /// somebody has guessed. Chaff has no number.
    ///
    /// # Errors
    /// [`TooMany`] when too many were wrong.
    pub fn may_ask(
        &self,
        origin: Origin,
        number: Option<Number>,
        now: Instant,
    ) -> Result<bool, TooMany> {
        let settings = &self.settings;
        let buckets = self.lock();
        let guesser = buckets.wrong_by_source.get(&origin.source);
        if let Some(guesser) = guesser {
            let each = HOUR / settings.wrong_numbers_a_source_an_hour;
            guesser.bucket.check(HOUR, each, now)?;
        }
        if let Some(bucket) = number.and_then(|number| buckets.wrong_by_number.get(&number)) {
            bucket.check(HOUR, HOUR / settings.wrong_tries_a_number_an_hour, now)?;
        }
        let network = buckets.wrong_by_network.get(&origin.network);
        let each = DAY / settings.wrong_numbers_a_network_a_day;
        let has_guessed = guesser.is_some_and(|guesser| guesser.until > Some(now))
            || network.is_some_and(|bucket| bucket.check(DAY, each, now).is_err());
        if has_guessed {
            let each = HOUR / settings.wrong_numbers_an_hour;
            buckets.wrong.check(HOUR, each, now)?;
        }
        Ok(has_guessed)
    }

    /// Waits for a place to ask from for a request from `source`, for at most `wait`.
    ///
    /// # Errors
    /// [`Crowded`].
    pub async fn place(&self, source: Source, wait: Duration) -> Result<Place, Crowded> {
        let of_source = {
            let mut buckets = self.lock();
            if buckets.asking.len() >= ASKING_MAX {
                forget_idle(&mut buckets.asking);
            }
            let places = buckets
                .asking
                .entry(source)
                .or_insert_with(|| Arc::new(Semaphore::new(CHECKS_A_SOURCE)));
            Arc::clone(places)
        };
        let both = async {
            Some(Place {
                _of_source: of_source.acquire_owned().await.ok()?,
                _of_all: Arc::clone(&self.checks).acquire_owned().await.ok()?,
            })
        };
        timeout(wait, both).await.ok().flatten().ok_or(Crowded)
    }

    /// Counts a wrong number from where somebody had guessed, or had not.
    pub fn wrong(&self, origin: Origin, number: Number, has_guessed: bool, now: Instant) {
        let settings = &self.settings;
        let mut buckets = self.lock();
        if has_guessed {
            buckets
                .wrong
                .pay(HOUR / settings.wrong_numbers_an_hour, now);
        } else {
            remember(&mut buckets.wrong_by_network, now);
            let by_network = buckets.wrong_by_network.entry(origin.network).or_default();
            by_network.pay(DAY / settings.wrong_numbers_a_network_a_day, now);
        }
        remember(&mut buckets.wrong_by_source, now);
        let by_source = buckets.wrong_by_source.entry(origin.source).or_default();
        by_source.until = Some(now + DAY);
        let each = HOUR / settings.wrong_numbers_a_source_an_hour;
        by_source.bucket.pay(each, now);
        remember(&mut buckets.wrong_by_number, now);
        let by_number = buckets.wrong_by_number.entry(number).or_default();
        by_number.pay(HOUR / settings.wrong_tries_a_number_an_hour, now);
    }

    #[cfg(test)]
    fn forget_idle(&self) {
        forget_idle(&mut self.lock().asking);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    /// Whether there is something in it, where all of it refills in `whole` and one in
    /// `each`.
    fn check(self, whole: Duration, each: Duration, now: Instant) -> Result<(), TooMany> {
        let Some(full_at) = self.full_at else {
            return Ok(());
        };
        let missing = full_at.saturating_duration_since(now);
        let may_miss = whole.saturating_sub(each);
        match missing.checked_sub(may_miss) {
            None | Some(Duration::ZERO) => Ok(()),
            Some(wait) => Err(TooMany(wait)),
        }
    }

    /// Takes one out, which refills in `each`, even where there is none.
    fn pay(&mut self, each: Duration, now: Instant) {
        let full_at = self.full_at.map_or(now, |full_at| full_at.max(now));
        self.full_at = Some(full_at + each);
    }
}

/// What need not be remembered any more when it says nothing.
trait Remembered {
    fn says_nothing(&self, now: Instant) -> bool;
}

impl Remembered for Bucket {
    fn says_nothing(&self, now: Instant) -> bool {
        self.full_at.is_none_or(|full_at| full_at <= now)
    }
}

impl Remembered for Guesser {
    fn says_nothing(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| until <= now) && self.bucket.says_nothing(now)
    }
}

/// Forgets the places of sources that have nothing under way.
fn forget_idle(asking: &mut HashMap<Source, Arc<Semaphore>>) {
    // Whoever has a place, or waits for one, has a share of its source's.
    asking.retain(|_, places| Arc::strong_count(places) > 1);
}

/// Keeps `buckets` from growing without end.
fn remember<K>(buckets: &mut HashMap<K, impl Remembered>, now: Instant) {
    if buckets.len() < MAX_REMEMBERED {
        return;
    }
    buckets.retain(|_, bucket| !bucket.says_nothing(now));
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

    fn origin(network: u8, third: u8) -> Origin {
        thread_local! {
            static SOURCES: Sources = Sources::new(&crate::http::Settings::default());
        }
        let peer = SocketAddr::from(([10, network, third, 1], 1));
        SOURCES.with(|sources| sources.origin(peer, &HeaderMap::new()))
    }

    /// Guesses as fast as `parallel` allows for `hours`, from `sources` in as many networks,
    /// each with a number of its own; gives how many were asked about as from where nobody
    /// had guessed, and from where somebody had.
    fn guess(limits: &Limits, sources: u8, parallel: usize, hours: u32) -> (u32, u32) {
        let start = Instant::now();
        let (mut fresh, mut again) = (0, 0);
        let mut next = 0_u64;
        for second in 0..u64::from(hours) * 3600 {
            let now = start + Duration::from_secs(second);
            let mut under_way = Vec::new();
            for index in 0..parallel {
                let network = u8::try_from(index % usize::from(sources)).unwrap();
                let origin = origin(network, 0);
                let number = Number(next);
                next += 1;
                if let Ok(has_guessed) = limits.may_ask(origin, Some(number), now) {
                    under_way.push((origin, number, has_guessed));
                }
            }
            for (origin, number, has_guessed) in under_way {
                if has_guessed {
                    again += 1;
                } else {
                    fresh += 1;
                }
                limits.wrong(origin, number, has_guessed, now);
            }
        }
        (fresh, again)
    }

    #[test]
    fn guesses_stay_within_the_bound_however_many_run_in_parallel() {
        let limits = || {
            Limits::new(Settings {
                wrong_numbers_an_hour: 100,
                ..Settings::default()
            })
        };
        // Of everybody together: 100 · (6 + 1) + 64, after the first of each.
        let (fresh, again) = guess(&limits(), 100, 64, 6);
        assert_eq!(fresh, 64);
        assert!((600..=764).contains(&again), "{again}");
        // Of one source: 10 · (6 + 1) + 64, of which as many as ran at once at first.
        let (fresh, again) = guess(&limits(), 1, 64, 6);
        assert_eq!(fresh, 64);
        assert!(again <= 70, "{again}");
        // One by one there is no debt.
        let (fresh, again) = guess(&limits(), 1, 1, 6);
        assert_eq!(fresh, 1);
        assert!((59..=69).contains(&again), "{again}");
    }

    #[test]
    fn whoever_has_not_guessed_is_not_bounded_by_those_who_have() {
        let limits = Limits::new(Settings {
            wrong_numbers_an_hour: 5,
            ..Settings::default()
        });
        let now = Instant::now();
        let number = Number(7);
        for network in 0..200 {
            for _ in 0..2 {
                if let Ok(has_guessed) = limits.may_ask(origin(network, 1), None, now) {
                    limits.wrong(origin(network, 1), number, has_guessed, now);
                }
            }
        }
        assert!(limits.may_ask(origin(3, 1), None, now).is_err());
        assert_eq!(limits.may_ask(origin(3, 2), None, now), Ok(false));
        assert_eq!(limits.may_ask(origin(250, 1), None, now), Ok(false));
        // A day later nobody has.
        let next_day = now + DAY;
        assert_eq!(limits.may_ask(origin(3, 1), None, next_day), Ok(false));
    }

    #[test]
    fn a_network_of_guessers_is_one_of_them() {
        let settings = Settings::default();
        let first = u8::try_from(settings.wrong_numbers_a_network_a_day).unwrap();
        let limits = Limits::new(settings);
        let now = Instant::now();
        for third in 0..first {
            let origin = origin(1, third);
            let number = Number(u64::from(third));
            assert_eq!(limits.may_ask(origin, Some(number), now), Ok(false));
            limits.wrong(origin, number, false, now);
        }
        assert_eq!(limits.may_ask(origin(1, first), None, now), Ok(true));
        assert_eq!(limits.may_ask(origin(2, first), None, now), Ok(false));
        let next_day = now + DAY;
        assert_eq!(limits.may_ask(origin(1, first), None, next_day), Ok(false));
    }

    #[test]
    fn a_number_is_tried_a_few_times_from_anywhere() {
        let limits = Limits::new(Settings::default());
        let now = Instant::now();
        let number = limits.number("01234567");
        assert_eq!(limits.number("01234567"), number);
        for third in 0..3 {
            assert_eq!(
                limits.may_ask(origin(1, third), Some(number), now),
                Ok(false)
            );
            limits.wrong(origin(1, third), number, false, now);
        }
        let other_source = origin(1, 9);
        let TooMany(wait) = limits.may_ask(other_source, Some(number), now).unwrap_err();
        assert!(wait <= HOUR / 3 && wait > HOUR / 4, "{wait:?}");
        let later = limits.may_ask(other_source, Some(number), now + wait);
        assert_eq!(later, Ok(false));
        let other = limits.number("01234568");
        assert_eq!(limits.may_ask(other_source, Some(other), now), Ok(false));
        assert_eq!(limits.may_ask(other_source, None, now), Ok(false));
    }

    #[test]
    fn requests_of_a_source_are_bounded_and_others_not_touched() {
        let limits = Limits::new(Settings {
            requests_a_source_an_hour: 4,
            ..Settings::default()
        });
        let now = Instant::now();
        let (one, other) = (origin(1, 1).source, origin(1, 2).source);
        for _ in 0..4 {
            assert_eq!(limits.request(one, now), Ok(()));
        }
        let TooMany(wait) = limits.request(one, now).unwrap_err();
        assert_eq!(wait, HOUR / 4);
        assert_eq!(limits.request(other, now), Ok(()));
        assert_eq!(limits.request(one, now + wait), Ok(()));
        assert!(limits.request(one, now + wait).is_err());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let now = Instant::now();
        let mut buckets: HashMap<usize, Bucket> = HashMap::new();
        for key in 0..MAX_REMEMBERED {
            buckets.entry(key).or_default().pay(HOUR, now);
        }
        // Half of them are full by now.
        for key in 0..MAX_REMEMBERED / 2 {
            buckets.insert(key, Bucket::default());
        }
        remember(&mut buckets, now);
        assert_eq!(buckets.len(), MAX_REMEMBERED / 2);
    }

    #[tokio::test]
    async fn places_to_ask_from_are_bounded_for_all_and_for_each_source() {
        let limits = Limits::new(Settings {
            max_checks: CHECKS_A_SOURCE + 1,
            ..Settings::default()
        });
        let soon = Duration::from_millis(1);
        let (one, other) = (origin(1, 1).source, origin(1, 2).source);
        let mut places = Vec::new();
        for _ in 0..CHECKS_A_SOURCE {
            places.push(limits.place(one, Duration::from_secs(1)).await.unwrap());
        }
        assert_eq!(limits.place(one, soon).await.err(), Some(Crowded));
        let last = limits.place(other, Duration::from_secs(1)).await.unwrap();
        assert_eq!(limits.place(other, soon).await.err(), Some(Crowded));
        drop(places.pop());
        assert!(limits.place(one, Duration::from_secs(1)).await.is_ok());
        drop((places, last));
        // Sources that ask for nothing are forgotten.
        limits.forget_idle();
        assert_eq!(limits.lock().asking.len(), 0);
    }
}
