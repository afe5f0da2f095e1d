//! Keeping the time: following the database's clock, but no leap of it.
//!
//! What is known without believing any clock is, while this process runs, the time it
//! was sure of plus what the machine's clock from boot has counted since; and after a
//! start, that no less than the time some process was sure of has passed.
//!
//! | the database's clock | is |
//! |---|---|
//! | within an hour of what is known | followed |
//! | after a start: up to three days later than what was known | followed, for the server may have been off, and settled when it has stayed so for half an hour |
//! | in a running server: up to three days off, for half an hour by the same | followed from then on; until then the time goes on as before |
//! | anything else | not believed, until an operator vouches for it (`sesshoku-server clock`) or it is right again |
//!
//! By a time that is not settled nothing is done that cannot be undone: nothing is
//! published or deleted, nobody is told no for good, and it is not kept for the next start.
//!
//! In a running server, what adds up is bounded, too: by less than an hour a clock is
//! followed once a day, and all leaps that are believed without an operator are three days at
//! the most in two weeks. Starts are not added up: a server may be switched off every night.
//!
//! A running server that does not believe the clock goes on with the time it has. One
//! that starts has none: it publishes nothing, deletes nothing, and answers what depends
//! on the time with 503.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use gaen::time::UnixSeconds;
use nix::time::{ClockId, clock_gettime};
use prometheus_client::metrics::gauge::Gauge;

use super::{Clock, Source};
use crate::database::{Database, DatabaseError, machine_shows};
use crate::http::internal;
use crate::log::Causes;

/// How often the database's clock is looked at.
const EVERY: Duration = Duration::from_secs(10);
/// What clocks may differ by, in milliseconds: keys are published two hours after they
/// end, so that an hour does no harm.
const DRIFT: i64 = 3_600_000;
/// How far a leap may go, or how long a server may have been off, in milliseconds, for
/// the clock to be believed without an operator.
const LEAP: i64 = 3 * 86_400_000;
/// What no clock is right outside of, whoever vouches for it: from 2020 to the end of
/// seconds in 32 bits, in milliseconds since 1970.
pub(super) const PLAUSIBLE: RangeInclusive<i64> = 1_577_836_800_000..=4_294_967_295_000;
/// How long a clock has to keep a leap before it is believed, in milliseconds.
const HOLD: i64 = 30 * 60_000;
/// How long it takes until a clock may be another hour off, in milliseconds.
const ANCHORED: i64 = 86_400_000;
/// In what time leaps may add up to [`LEAP`], in milliseconds.
const BUDGET: i64 = 14 * 86_400_000;
/// What a leap may change by meanwhile, in milliseconds.
const STEADY: i64 = 60_000;
/// Difference between this machine's clock and the database's from which on it is told,
/// in seconds.
pub(super) const TOLD: i64 = 60;
/// How often the database is told the time, in milliseconds.
const WITNESS_EVERY: i64 = 60_000;

/// The time that is kept. Its clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_known: AtomicBool,
    is_settled: AtomicBool,
    /// Where it is known: the time when the machine was booted, in milliseconds since
    /// 1970. Where not, a time that has certainly passed.
    milliseconds: AtomicI64,
    /// Seconds by which this machine's clock is ahead of the database's.
    difference: AtomicI64,
    /// Seconds by which the database's clock is ahead of what is known, where it is not, or
    /// not yet, believed.
    leap: AtomicI64,
}

impl Kept {
    pub(super) fn now(&self) -> UnixSeconds {
        let now = self
            .at(since_boot())
            .unwrap_or_else(|| self.0.milliseconds.load(Ordering::SeqCst));
        UnixSeconds::from_i64(now.div_euclid(1000)).unwrap_or(UnixSeconds::new(0))
    }

    /// The time at `since_boot`, in milliseconds since 1970, where it is known.
    fn at(&self, since_boot: i64) -> Option<i64> {
        let booted = self.0.milliseconds.load(Ordering::SeqCst);
        self.is_known().then(|| booted.saturating_add(since_boot))
    }

    /// By how many seconds this machine's clock is ahead of the database's.
    pub(super) fn difference(&self) -> i64 {
        self.0.difference.load(Ordering::SeqCst)
    }

    /// By how many seconds the database's clock, which is not, or not yet, believed, is
    /// ahead of what is known; 0 where it is believed.
    pub(super) fn leap(&self) -> i64 {
        self.0.leap.load(Ordering::SeqCst)
    }

    pub(super) fn is_known(&self) -> bool {
        self.0.is_known.load(Ordering::SeqCst)
    }

    pub(super) fn is_settled(&self) -> bool {
        self.0.is_settled.load(Ordering::SeqCst)
    }

    /// Shows `now`, and goes on from there.
    fn follow(&self, now: i64, since_boot: i64, is_settled: bool) {
        self.0
            .milliseconds
            .store(now.saturating_sub(since_boot), Ordering::SeqCst);
        self.0.is_settled.store(is_settled, Ordering::SeqCst);
        self.0.is_known.store(true, Ordering::SeqCst);
    }

    /// Shows that `passed` has passed, and that no more is known.
    fn lose(&self, passed: i64) {
        self.0.is_settled.store(false, Ordering::SeqCst);
        self.0.is_known.store(false, Ordering::SeqCst);
        self.0.milliseconds.store(passed, Ordering::SeqCst);
    }
}

/// Milliseconds since the machine was booted, sleep included. Nobody can set that clock.
fn since_boot() -> i64 {
    clock_gettime(ClockId::CLOCK_BOOTTIME)
        .map_or(0, |time| time.tv_sec() * 1000 + time.tv_nsec() / 1_000_000)
}

/// What is known of the time before a clock is looked at, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// Nothing: the database is new.
    Nothing,
    /// It is this, but for drift.
    Exactly(i64),
    /// No less than this has passed.
    AtLeast(i64),
}

/// A leap that the clock shows against what is known exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Leap {
    /// By how much, in milliseconds.
    by: i64,
    /// Since when, on the clock from boot.
    since: i64,
}

/// What is to be made of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judgement {
    /// It is believed.
    Believed,
    /// It is believed from now on, after it has kept a leap by so many milliseconds.
    Leapt(i64),
    /// It may be believed later, if it keeps this leap.
    Waits(Leap),
    /// It is not believed; what is known differs from it by so many milliseconds.
    Doubted(i64),
}

/// Judges a clock that shows `shown` at `since_boot`, with the `leap` it showed before,
/// where it may leap by `may_leap`.
fn judge(
    known: Known,
    shown: i64,
    leap: Option<Leap>,
    since_boot: i64,
    may_leap: i64,
) -> Judgement {
    let (by, may_be_behind) = match known {
        Known::Nothing => (0, false),
        Known::AtLeast(passed) => (shown.saturating_sub(passed), false),
        Known::Exactly(now) => (shown.saturating_sub(now), true),
    };
    if !PLAUSIBLE.contains(&shown) {
        return Judgement::Doubted(by);
    }
    if by.abs() <= DRIFT {
        return Judgement::Believed;
    }
    if by.abs() > may_leap || (by < 0 && !may_be_behind) {
        return Judgement::Doubted(by);
    }
    let leap = leap
        .filter(|leap| leap.by.abs_diff(by) <= STEADY.unsigned_abs())
        .unwrap_or(Leap {
            by,
            since: since_boot,
        });
    if since_boot - leap.since >= HOLD {
        Judgement::Leapt(by)
    } else {
        Judgement::Waits(leap)
    }
}

/// Whether a role that was sure of `witnessed` (seconds since 1970) last knows the time when
/// it starts, by a clock that shows `shown` (milliseconds).
pub(super) fn is_known_after_a_start(witnessed: Option<i64>, shown: i64) -> bool {
    let judgement = judge(since(witnessed), shown, None, 0, LEAP);
    !matches!(judgement, Judgement::Doubted(_))
}

/// What is known after a role was sure of `witnessed`, in seconds since 1970.
fn since(witnessed: Option<i64>) -> Known {
    witnessed.map_or(Known::Nothing, |time| {
        Known::AtLeast(time.saturating_mul(1000))
    })
}

/// What was known at a moment of the clock from boot.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    /// The time then, in milliseconds since 1970.
    time: i64,
    /// The moment, in milliseconds since the machine was booted.
    since_boot: i64,
}

impl Anchor {
    fn at(self, since_boot: i64) -> i64 {
        self.time.saturating_add(since_boot - self.since_boot)
    }
}

/// Keeps a [`Clock`].
#[derive(Debug)]
pub struct Keeper {
    kept: Kept,
    database: Database,
    metrics: Metrics,
    leap: Option<Leap>,
    /// What clocks are held against: what this process was sure of within the last day, or,
    /// before it is sure of anything, what some process was sure of when this one began.
    anchor: Option<Anchor>,
    /// By how much the clock has leapt and was believed while this process ran, in
    /// milliseconds, and when it did last.
    leapt: (i64, i64),
    /// How often an operator had vouched at the last look.
    vouched: i64,
    /// When the database was told the time last, by the kept time.
    witnessed: Option<i64>,
    /// What was said last, so that the log has each thing once.
    said: Option<Said>,
    differs: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Believed,
    Waits,
    Doubted,
}

#[derive(Clone, Debug, Default)]
struct Metrics {
    is_known: Gauge,
    leap: Gauge,
    difference: Gauge,
}

impl Metrics {
    fn new(metrics: &internal::Metrics) -> Self {
        let this = Self::default();
        metrics.register(|registry| {
            registry.register(
                "clock_known",
                "Whether the time is known; without it nothing is published or deleted",
                this.is_known.clone(),
            );
            registry.register(
                "clock_leap_seconds",
                "By how much the database's clock is ahead of the time that is kept",
                this.leap.clone(),
            );
            registry.register(
                "clock_difference_seconds",
                "By how much this machine's clock is ahead of the database's",
                this.difference.clone(),
            );
        });
        this
    }
}

impl Keeper {
    /// Begins to keep `clock` by `database`, where it is one to be kept, and looks once.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn begin(
        clock: &Clock,
        database: Database,
        metrics: &internal::Metrics,
    ) -> Result<Option<Self>, DatabaseError> {
        let Source::Kept(kept) = &clock.0 else {
            return Ok(None);
        };
        let mut this = Self {
            kept: kept.clone(),
            database,
            metrics: Metrics::new(metrics),
            leap: None,
            anchor: None,
            leapt: (0, 0),
            vouched: 0,
            witnessed: None,
            said: None,
            differs: false,
        };
        this.look().await?;
        Ok(Some(this))
    }

    /// Keeps it for good.
    pub async fn run(mut self) {
        loop {
            tokio::time::sleep(EVERY).await;
            if let Err(error) = self.look().await {
                tracing::warn!(
                    error = %Causes(&error),
                    "cannot ask the database for the time; it goes on by itself"
                );
            }
        }
    }

    /// Looks at the database's clock once.
    async fn look(&mut self) -> Result<(), DatabaseError> {
        let shown = self.database.shown().await?;
        let since_boot = since_boot();
        self.compare(machine_shows().saturating_sub(shown) / 1000);
        self.look_at(shown, since_boot).await
    }

    /// Makes of a clock that shows `shown` at `since_boot` what is to be made of it.
    async fn look_at(&mut self, shown: i64, since_boot: i64) -> Result<(), DatabaseError> {
        let witnessed = self.database.witnessed().await?;
        let word = since(witnessed.time);
        let is_new_word = witnessed.vouched != self.vouched
            && judge(word, shown, None, since_boot, 0) == Judgement::Believed;
        let is_first = self.anchor.is_none();
        self.vouched = witnessed.vouched;
        let known = match self.anchor {
            // An operator's word counts where the clock still shows what it is about.
            Some(anchor) if !is_new_word && self.kept.is_settled() => {
                Known::Exactly(anchor.at(since_boot))
            }
            Some(anchor) if !is_new_word => Known::AtLeast(anchor.at(since_boot)),
            Some(_) | None => word,
        };
        if let (true, Known::AtLeast(time)) = (is_first || is_new_word, known) {
            self.anchor = Some(Anchor { time, since_boot });
        }
        let (leapt, leapt_at) = self.leapt;
        let may_leap = match known {
            Known::Exactly(_) if since_boot - leapt_at <= BUDGET => LEAP - leapt,
            Known::Exactly(_) | Known::AtLeast(_) | Known::Nothing => LEAP,
        };
        let judgement = judge(known, shown, self.leap, since_boot, may_leap);
        match judgement {
            Judgement::Believed | Judgement::Leapt(_) => {
                let is_due = self
                    .anchor
                    .is_none_or(|anchor| since_boot - anchor.since_boot >= ANCHORED);
                let is_settling = !self.kept.is_settled();
                match (judgement, known) {
                    (Judgement::Leapt(by), Known::Exactly(_)) => {
                        self.leapt = (LEAP - may_leap + by.abs(), since_boot);
                    }
                    _ if is_new_word => self.leapt = (0, 0),
                    _ => {}
                }
                if is_due || is_settling || is_new_word || judgement != Judgement::Believed {
                    self.anchor = Some(Anchor {
                        time: shown,
                        since_boot,
                    });
                }
                self.leap = None;
                self.kept.follow(shown, since_boot, true);
                self.tell_leap(0);
                self.say(Said::Believed, 0);
                self.witness(shown).await?;
            }
            Judgement::Waits(leap) => {
                self.leap = Some(leap);
                self.tell_leap(leap.by);
                if matches!(known, Known::AtLeast(_)) {
                    self.kept.follow(shown, since_boot, false);
                }
                self.say(Said::Waits, leap.by);
            }
            Judgement::Doubted(by) => {
                self.leap = None;
                if let Known::AtLeast(passed) = known {
                    self.kept.lose(passed);
                }
                self.tell_leap(by);
                self.say(Said::Doubted, by);
            }
        }
        self.metrics.is_known.set(self.kept.is_known().into());
        Ok(())
    }

    fn tell_leap(&self, by: i64) {
        self.metrics.leap.set(by / 1000);
        self.kept.0.leap.store(by / 1000, Ordering::SeqCst);
    }

    async fn witness(&mut self, now: i64) -> Result<(), DatabaseError> {
        let is_due = self
            .witnessed
            .is_none_or(|at| now.abs_diff(at) >= WITNESS_EVERY.unsigned_abs());
        if is_due {
            self.database.witness(now / 1000, self.vouched).await?;
            self.witnessed = Some(now);
        }
        Ok(())
    }

    /// Tells where this machine's clock is `ahead` of the database's by much.
    fn compare(&mut self, ahead: i64) {
        self.kept.0.difference.store(ahead, Ordering::SeqCst);
        self.metrics.difference.set(ahead);
        let differs = ahead.abs() > TOLD;
        if differs && !self.differs {
            tracing::warn!(
                seconds_ahead = ahead,
                "this machine's clock differs from the database's, which counts"
            );
        }
        self.differs = differs;
    }

    fn say(&mut self, what: Said, by: i64) {
        if self.said == Some(what) {
            return;
        }
        let seconds_ahead = by / 1000;
        match what {
            Said::Believed if self.said.is_none() => {}
            Said::Believed => tracing::info!("the database's clock is believed"),
            Said::Waits if self.kept.is_settled() => tracing::warn!(
                seconds_ahead,
                "the database's clock has leapt; if it stays so for half an hour, it is believed"
            ),
            Said::Waits => tracing::warn!(
                seconds_ahead,
                "the database's clock is later than when this server ran last: nothing is \
                 published or deleted before it has stayed so for half an hour"
            ),
            Said::Doubted if self.kept.is_known() => tracing::error!(
                seconds_ahead,
                "the database's clock has leapt, and is not believed: the time goes on as \
                 before. If the clock is right, say so: `sesshoku-server clock`"
            ),
            Said::Doubted => tracing::error!(
                seconds_ahead,
                "the database's clock is too far from when this server ran last: nothing is \
                 published, deleted or answered. If the clock is right, say so: \
                 `sesshoku-server clock`"
            ),
        }
        self.said = Some(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Migrations;
    use crate::database::testing::Databases;
    use crate::database::time::clock_table;

    /// An hour, a minute and a day, in milliseconds.
    const HOUR: i64 = 3_600_000;
    const MINUTE: i64 = 60_000;
    const DAY: i64 = 24 * HOUR;
    /// 2020-08-15.
    const NOW: i64 = 1_597_492_800_000;

    const MIGRATIONS: Migrations = Migrations {
        sqlite: &[concat!(
            clock_table!("INTEGER", "STRICT"),
            "INSERT INTO clock VALUES (1, NULL, 0)"
        )],
        postgres: &[concat!(
            clock_table!("BIGINT", ""),
            "INSERT INTO clock VALUES (1, NULL, 0)"
        )],
    };

    /// A server whose database's clock, and clock from boot, show what the test says.
    struct Bench {
        database: Database,
        keeper: Keeper,
        boot: i64,
    }

    impl Bench {
        async fn new(databases: Databases) -> Self {
            let settings = databases.settings().await;
            let database = Database::open(&settings, &MIGRATIONS).await.unwrap();
            // The file goes with the folder; SQLite has it open.
            std::mem::forget(databases);
            Self {
                keeper: Self::keeper(&database),
                database,
                boot: 1_000_000,
            }
        }

        fn keeper(database: &Database) -> Keeper {
            Keeper {
                kept: Kept::default(),
                database: database.clone(),
                metrics: Metrics::default(),
                leap: None,
                anchor: None,
                leapt: (0, 0),
                vouched: 0,
                witnessed: None,
                said: None,
                differs: false,
            }
        }

        fn is_settled(&self) -> bool {
            self.keeper.kept.is_settled()
        }

        /// The process begins anew, on a machine that was booted `boot` milliseconds ago.
        fn restart(&mut self, boot: i64) {
            self.keeper = Self::keeper(&self.database);
            self.boot = boot;
        }

        /// Looks `later` than the last time, at a clock that shows `shown`; gives the
        /// time, where it is known.
        async fn look(&mut self, later: i64, shown: i64) -> Option<i64> {
            self.boot += later;
            self.keeper.look_at(shown, self.boot).await.unwrap();
            self.keeper.kept.at(self.boot)
        }
    }

    macro_rules! on_both {
        ($($test:ident),+ $(,)?) => {$(
            mod $test {
                use super::*;

                #[tokio::test(flavor = "multi_thread")]
                async fn sqlite() {
                    super::$test(Bench::new(Databases::sqlite()).await).await;
                }

                #[tokio::test(flavor = "multi_thread")]
                async fn postgres() {
                    super::$test(Bench::new(Databases::postgres()).await).await;
                }
            }
        )+};
    }

    on_both!(
        a_clock_that_goes_on_is_followed,
        a_leap_of_days_in_a_running_server_is_not_believed,
        a_leap_that_stays_is_believed_after_a_while,
        a_start_far_from_the_last_knows_no_time,
        a_start_days_later_is_settled_after_a_while,
        a_start_under_a_wrong_clock_leaves_nothing,
        what_adds_up_in_a_running_server_is_bounded,
        a_server_that_is_off_every_night_asks_nobody,
        no_clock_is_believed_that_cannot_be_right,
        an_operators_word_counts_once,
    );

    async fn a_clock_that_goes_on_is_followed(mut bench: Bench) {
        assert_eq!(bench.look(0, NOW).await, Some(NOW), "a new database");
        for drift in [0, 5_000, -5_000, HOUR, -HOUR] {
            let shown = bench.keeper.kept.at(bench.boot).unwrap() + 10_000 + drift;
            assert_eq!(bench.look(10_000, shown).await, Some(shown), "{drift}");
        }
        // The database knows, to the minute.
        let witnessed = bench.database.witnessed().await.unwrap().time.unwrap();
        assert!((NOW / 1000..=NOW / 1000 + 3700).contains(&witnessed));
    }

    async fn a_leap_of_days_in_a_running_server_is_not_believed(mut bench: Bench) {
        bench.look(0, NOW).await;
        for days in [4, 15, 400, -4, -400] {
            let mut passed = 0;
            // For two days on end.
            for _ in 0..48 {
                passed += HOUR;
                let known = bench.keeper.kept.at(bench.boot).unwrap() + HOUR;
                let time = bench.look(HOUR, known + days * DAY).await;
                assert_eq!(time, Some(known), "{days} days, after {passed}");
            }
            // When it is right again, it is followed at once.
            let known = bench.keeper.kept.at(bench.boot).unwrap() + 10_000;
            assert_eq!(bench.look(10_000, known + 7).await, Some(known + 7));
        }
    }

    async fn a_leap_that_stays_is_believed_after_a_while(mut bench: Bench) {
        bench.look(0, NOW).await;
        for by in [2 * DAY, -2 * DAY] {
            let known = bench.keeper.kept.at(bench.boot).unwrap();
            assert_eq!(bench.look(0, known + by).await, Some(known));
            let later = known + 29 * MINUTE;
            assert_eq!(bench.look(29 * MINUTE, later + by).await, Some(later));
            // Another leap begins anew.
            let later = later + MINUTE;
            let other = later + by / 2;
            assert_eq!(bench.look(MINUTE, other).await, Some(later));
            let (later, other) = (later + 29 * MINUTE, other + 29 * MINUTE);
            assert_eq!(bench.look(29 * MINUTE, other).await, Some(later));
            let other = other + MINUTE;
            assert_eq!(bench.look(MINUTE, other).await, Some(other));
        }
    }

    async fn a_start_far_from_the_last_knows_no_time(mut bench: Bench) {
        bench.look(0, NOW).await;
        for days in [4, 15, 400, -1, -400] {
            bench.restart(5_000);
            assert_eq!(bench.look(0, NOW + days * DAY).await, None, "{days}");
            assert_eq!(bench.look(HOUR, NOW + HOUR + days * DAY).await, None);
            assert_eq!(
                bench.keeper.kept.now().get(),
                u32::try_from((NOW + HOUR) / 1000).unwrap(),
                "it has passed"
            );
            // When the clock is right, so is the time.
            let right = NOW + HOUR + MINUTE;
            assert_eq!(bench.look(MINUTE, right).await, Some(right));
            assert!(bench.is_settled());
            bench.database.witness(NOW / 1000, 0).await.unwrap();
        }
    }

    /// A weekend off is no reason to ask anybody, but nothing is done that cannot be undone
    /// before the clock has stayed so.
    async fn a_start_days_later_is_settled_after_a_while(mut bench: Bench) {
        bench.look(0, NOW).await;
        let monday = NOW + 3 * DAY;
        bench.restart(5_000);
        for minutes in 0..30 {
            let shown = monday + minutes * MINUTE;
            assert_eq!(bench.look(MINUTE, shown).await, Some(shown));
            assert!(!bench.is_settled());
            let witnessed = bench.database.witnessed().await.unwrap();
            assert!(witnessed.time.unwrap() < NOW / 1000 + 60, "it is kept");
        }
        let shown = monday + 30 * MINUTE;
        assert_eq!(bench.look(MINUTE, shown).await, Some(shown));
        assert!(bench.is_settled());
        let witnessed = bench.database.witnessed().await.unwrap();
        assert_eq!(witnessed.time, Some(shown / 1000));
    }

    /// As by a battery that was empty, until the network has the time.
    async fn a_start_under_a_wrong_clock_leaves_nothing(mut bench: Bench) {
        bench.look(0, NOW).await;
        bench.restart(5_000);
        let wrong = NOW + 2 * DAY;
        assert_eq!(bench.look(0, wrong).await, Some(wrong));
        let right = NOW + MINUTE;
        assert_eq!(bench.look(MINUTE, right).await, Some(right), "at once");
        assert!(bench.is_settled());
        // However many starts there are, each is held against the last that was settled.
        for start in 1..=6 {
            bench.restart(5_000);
            let wrong = NOW + start * (3 * DAY - HOUR);
            assert_eq!(bench.look(0, wrong).await.is_some(), start == 1, "{start}");
            assert!(!bench.is_settled());
        }
        bench.restart(5_000);
        assert_eq!(bench.look(0, NOW + HOUR).await, Some(NOW + HOUR));
        assert!(bench.is_settled());
    }

    /// By leaps, or by steps.
    async fn what_adds_up_in_a_running_server_is_bounded(mut bench: Bench) {
        bench.look(0, NOW).await;
        let mut ahead = 0;
        let mut passed = 0;
        for _ in 0..5 {
            // The clock leaps by 20 hours, and keeps that for an hour.
            for _ in 0..60 {
                passed += MINUTE;
                bench.look(MINUTE, NOW + passed + ahead + 20 * HOUR).await;
            }
            ahead = bench.keeper.kept.at(bench.boot).unwrap() - NOW - passed;
        }
        assert_eq!(ahead, 60 * HOUR, "of 100");
        // By 58 minutes at each look.
        for look in 1..=30 {
            passed += 10_000;
            let shown = NOW + passed + ahead + look * 58 * MINUTE;
            bench.look(10_000, shown).await;
        }
        let time = bench.keeper.kept.at(bench.boot).unwrap();
        assert!(time - NOW - passed - ahead <= HOUR);
    }

    /// A server in an office may be.
    async fn a_server_that_is_off_every_night_asks_nobody(mut bench: Bench) {
        bench.look(0, NOW).await;
        for day in 1..=20 {
            bench.restart(5_000);
            for minute in 0..=30 {
                let shown = NOW + day * DAY + minute * MINUTE;
                assert_eq!(bench.look(MINUTE, shown).await, Some(shown), "day {day}");
            }
            assert!(bench.is_settled(), "day {day}");
        }
    }

    async fn no_clock_is_believed_that_cannot_be_right(mut bench: Bench) {
        for shown in [0, NOW - 50 * 365 * DAY, 5_000_000_000_000] {
            assert_eq!(bench.look(0, shown).await, None, "a new database");
            bench.database.vouch(shown / 1000).await.unwrap();
            assert_eq!(bench.look(0, shown).await, None, "with an operator's word");
        }
        bench.database.vouch(NOW / 1000).await.unwrap();
        assert_eq!(bench.look(0, NOW).await, Some(NOW));
    }

    async fn an_operators_word_counts_once(mut bench: Bench) {
        bench.look(0, NOW).await;
        // In a running server,
        let shown = NOW + 15 * DAY;
        assert_eq!(bench.look(0, shown).await, Some(NOW));
        bench.database.vouch(shown / 1000).await.unwrap();
        assert_eq!(bench.look(0, shown + MINUTE).await, Some(shown + MINUTE));
        let further = shown + 15 * DAY;
        assert_eq!(bench.look(0, further).await, Some(shown + MINUTE));
        // after a start,
        bench.restart(5_000);
        assert_eq!(bench.look(0, further).await, None);
        bench.database.vouch(further / 1000).await.unwrap();
        assert_eq!(bench.look(0, further).await, Some(further));
        // and not for another clock than the one that was vouched for.
        bench
            .database
            .vouch((further + 30 * DAY) / 1000)
            .await
            .unwrap();
        assert_eq!(bench.look(0, further + 60 * DAY).await, Some(further));
        assert_eq!(
            bench.look(0, further + MINUTE).await,
            Some(further + MINUTE)
        );
        let witnessed = bench.database.witnessed().await.unwrap();
        assert_eq!(witnessed.time, Some((further + MINUTE) / 1000));
    }
}
