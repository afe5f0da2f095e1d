//! Random histories of up to forty days, played to a device and to a model of it.
//!
//! The device is the real store with real checks against files that are really signed.
//! The model is made from docs/verdict.md: it keeps everything that ever happened, and
//! looks through all of it whenever it is asked. After every event both must say the
//! same: verdict, reasons and days. And whatever they say, two things hold for every
//! history: "no contact" is not said while a contact's export was published more than
//! 48 hours ago and the device was on line since, and a contact is not taken back but by
//! age, revocation or erasing.
//!
//! Each history has a seed, which a failure prints with all that happened;
//! `HISTORY_SEED=… cargo test --test histories` plays that one alone.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
#![allow(clippy::print_stdout, reason = "seeds, and what was said, are printed")]

mod device;
mod model;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use device::{Device, Workshop};
use gaen::diagnosis::ReportType;
use model::{
    Answer, DAY, End, Entry, File, FileId, HOUR, Happening, KeyId, Model, Name, Signed, Unsigned,
    Visit, counts,
};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sesshoku_core::status::Verdict;

/// How many histories are played with every run of the tests, and how many on demand.
const HISTORIES: u64 = 600;
const ALL_HISTORIES: u64 = 10_000;
/// The first day of each history.
const FIRST_DAY: i64 = 18_500;
/// From this number on, keys are padding: nobody meets those people.
const PADDING: u8 = 200;
/// How long a scan cycle stands for.
const CYCLE: i64 = 300;
/// How long it listens.
const LISTENS: i64 = 4;
/// For how long the server lists an export.
const LISTED_FOR: i64 = 14 * DAY;

/// How a server goes about it.
#[derive(Clone, Copy, Debug)]
struct Habits {
    /// The day from which on its lists are signed.
    signs_from: i64,
    /// One export for each day of keys, as COCOA did, or one for each time of publishing.
    by_day_of_keys: bool,
    /// Whether it publishes every day, also where nobody registered.
    is_daily: bool,
    /// What the device expects of it.
    fresh_within: Option<i64>,
}

/// An export, as the server lists it.
#[derive(Clone, Copy, Debug)]
struct Published {
    made_at: i64,
    /// From when on it is listed: parts may come later.
    listed_from: i64,
    /// When an honest list that has it reached the device.
    reached: Option<i64>,
}

/// What was heard.
#[derive(Clone, Copy, Debug)]
struct Heard {
    key: KeyId,
    shown: i64,
}

/// A history under way.
struct History<'a> {
    seed: u64,
    rng: ChaCha8Rng,
    habits: Habits,
    /// The true time.
    now: i64,
    /// By how much the device's clock is ahead of it.
    ahead: i64,
    files: Vec<File>,
    published: Vec<Published>,
    /// The number of the newest signed list, and those before.
    sequence: u64,
    past_lists: Vec<(u64, Vec<Entry>)>,
    device: Device<'a>,
    model: Model,
    heard: Vec<Heard>,
    /// Contacts that were told under a right clock.
    told: BTreeSet<i64>,
    /// Who has not registered yet, with the days of their keys that were met.
    people: BTreeMap<u8, BTreeSet<i64>>,
    registered: Vec<(KeyId, ReportType)>,
    /// How often each verdict and each reason was said.
    said: BTreeMap<String, u64>,
    log: Vec<String>,
}

fn day_of(time: i64) -> i64 {
    time.div_euclid(DAY)
}

impl<'a> History<'a> {
    fn new(seed: u64, workshop: &'a Workshop) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut pick = |options: &[i64]| {
            let nth = rng.next_u64() % u64::try_from(options.len()).unwrap();
            options[usize::try_from(nth).unwrap()]
        };
        let habits = Habits {
            signs_from: FIRST_DAY + pick(&[0, 0, 3, 8, 1000, 1000, 1000]),
            by_day_of_keys: pick(&[0, 1]) == 0,
            is_daily: pick(&[0, 1]) == 0,
            fresh_within: Some(pick(&[0, 24, 48, 48]) * HOUR).filter(|within| *within > 0),
        };
        Self {
            seed,
            rng,
            habits,
            now: FIRST_DAY * DAY + 6 * HOUR,
            ahead: 0,
            files: Vec::new(),
            published: Vec::new(),
            sequence: 0,
            past_lists: Vec::new(),
            device: Device::new(workshop),
            model: Model::default(),
            heard: Vec::new(),
            told: BTreeSet::new(),
            people: BTreeMap::new(),
            registered: Vec::new(),
            said: BTreeMap::new(),
            log: vec![format!("{habits:?}")],
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.rng.next_u64() % limit
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, options: &[T]) -> T {
        let nth = self.below(u64::try_from(options.len()).unwrap());
        options[usize::try_from(nth).unwrap()]
    }

    fn shown(&self) -> i64 {
        self.now + self.ahead
    }

    fn play(mut self) -> BTreeMap<String, u64> {
        // Most faults show soon; some need a long history.
        let days = if self.one_in(16) {
            14 + self.below(27)
        } else {
            2 + self.below(7)
        };
        for day in 0..i64::try_from(days).unwrap() {
            self.live(FIRST_DAY + day);
        }
        self.said
    }

    fn live(&mut self, day: i64) {
        let begin = day * DAY;
        self.now = begin + 60;
        if self.ahead == 0 {
            self.happen(Happening::Purge { shown: self.now });
        }
        self.now = begin + 8 * HOUR;
        // Enough for something to be said, in most histories.
        let listens = self.pick(&[1, 1, 3, 13]);
        self.listen(None, listens);
        for hour in [11, 14, 20] {
            if self.one_in(3) {
                self.now = begin + hour * HOUR;
                self.meet();
            }
        }
        self.compare();
        self.now = begin + 21 * HOUR;
        if self.one_in(3) {
            self.register();
        }
        self.now = begin + 22 * HOUR;
        self.publish();
        if self.one_in(12) {
            self.set_clock();
        }
        let checks = self.pick(&[0, 1, 1, 2]);
        for n in 0..checks {
            self.now = begin + 22 * HOUR + 900 * (1 + n);
            self.check();
            if self.one_in(4) {
                self.log.push("restart".to_owned());
                self.device.restart();
                self.compare();
            }
            if self.one_in(3) && self.ahead != 0 {
                self.ahead = 0;
                self.log.push("clock right".to_owned());
                self.compare();
            }
        }
        if self.one_in(40) {
            self.heard.clear();
            self.told.clear();
            for published in &mut self.published {
                published.reached = None;
            }
            self.happen(Happening::Erase);
        }
    }

    /// Something happens to both; afterwards they say the same.
    fn happen(&mut self, happening: Happening) {
        self.log.push(format!("{} {happening:?}", self.now));
        let report = self.device.take(&happening, &self.files);
        if let Some(report) = report {
            self.log.push(format!("{report:?}"));
        }
        self.model.take(&happening, &self.files);
        self.compare();
    }

    /// Scan cycles, one after the other.
    fn listen(&mut self, heard: Option<KeyId>, cycles: i64) {
        for n in 0..cycles {
            let actual = self.now + n * CYCLE;
            let shown = actual + self.ahead;
            let happening = Happening::Cycle {
                actual,
                shown,
                since: shown - CYCLE,
                until: shown + LISTENS,
                heard: Vec::from_iter(heard),
            };
            if let Some(key) = heard.filter(|_| counts(actual, shown)) {
                self.heard.push(Heard { key, shown });
            }
            self.device.take(&happening, &self.files);
            self.model.take(&happening, &self.files);
        }
        self.now += (cycles - 1) * CYCLE + 60;
    }

    fn meet(&mut self) {
        let person = self.pick(&[0, 1, 2, 3, 4, 5]);
        let cycles = self.pick(&[1, 2, 3, 4, 5]);
        let day = day_of(self.now);
        self.people.entry(person).or_default().insert(day);
        self.log
            .push(format!("{} meets {person}, {cycles} cycles", self.now));
        self.listen(Some((person, day)), cycles);
    }

    /// Somebody registers, or what somebody registered is said anew.
    fn register(&mut self) {
        use ReportType::{ConfirmedClinical, ConfirmedTest, Revoked, SelfReport};
        let people: Vec<u8> = self.people.keys().copied().collect();
        if people.is_empty() {
            return;
        }
        let person = self.pick(&people);
        let days = self.people[&person].clone();
        let kind = if self.one_in(3) {
            self.pick(&[ConfirmedTest, SelfReport, ConfirmedClinical, Revoked])
        } else {
            ConfirmedTest
        };
        let today = day_of(self.now);
        for day in days {
            // With the key of today, or without.
            if today - day < 14 && (day < today || self.one_in(2)) {
                self.registered.push(((person, day), kind));
            }
        }
    }

    /// The server makes exports of what was registered; else of padding alone, or none.
    fn publish(&mut self) {
        let keys = std::mem::take(&mut self.registered);
        if keys.is_empty() && !self.habits.is_daily && self.one_in(2) {
            return;
        }
        let today = day_of(self.now);
        let mut by_day: BTreeMap<i64, Vec<(KeyId, ReportType)>> = BTreeMap::new();
        for (key, kind) in keys {
            let day = if self.habits.by_day_of_keys {
                key.1
            } else {
                today
            };
            by_day.entry(day).or_default().push((key, kind));
        }
        by_day.entry(today).or_default();
        for (day, keys) in by_day {
            let (start, end) = if self.habits.by_day_of_keys {
                (day * DAY, day * DAY)
            } else {
                (self.now - DAY, self.now)
            };
            // Sometimes it takes several files: parts of one, or two of the same time.
            let count = if keys.len() > 1 {
                self.pick(&[1, 1, 2, 3])
            } else {
                1
            };
            let are_parts = self.one_in(2);
            let chunks: Vec<_> = if keys.is_empty() {
                vec![Vec::new()]
            } else {
                keys.chunks(keys.len().div_ceil(count))
                    .map(<[_]>::to_vec)
                    .collect()
            };
            // One may never come.
            let is_lost = self.one_in(8);
            let parts = u32::try_from(chunks.len()).unwrap() + u32::from(is_lost);
            for (part, mut keys) in (1..).zip(chunks) {
                // Another one each time: no two files are alike.
                let padding = PADDING + u8::try_from(self.files.len() % 50).unwrap();
                keys.push(((padding, day), ReportType::ConfirmedTest));
                let (part, parts) = if are_parts { (part, parts) } else { (1, 1) };
                let is_late = part > 1 && self.one_in(3);
                let listed_from = self.now
                    + if is_late {
                        self.pick(&[DAY, 3 * DAY])
                    } else {
                        0
                    };
                self.make(
                    File {
                        start,
                        end,
                        part,
                        parts,
                        keys,
                    },
                    listed_from,
                );
            }
        }
    }

    fn make(&mut self, file: File, listed_from: i64) {
        let made_at = self.now + i64::try_from(self.files.len() % 7).unwrap();
        self.log.push(format!(
            "{} file {} {file:?}, listed from {listed_from}",
            self.now,
            self.files.len()
        ));
        self.device.sign(&file);
        self.files.push(file);
        self.published.push(Published {
            made_at,
            listed_from,
            reached: None,
        });
    }

    /// What the server truly lists.
    fn list(&self) -> Vec<Entry> {
        let listed = self.published.iter().enumerate();
        listed
            .filter(|(_, it)| it.listed_from <= self.now && self.now - it.made_at <= LISTED_FOR)
            .map(|(name, it)| Entry {
                name,
                created: it.made_at,
            })
            .collect()
    }

    fn set_clock(&mut self) {
        self.ahead = self.pick(&[
            HOUR / 2,
            -HOUR / 2,
            5 * HOUR,
            -5 * HOUR,
            DAY,
            -DAY,
            2 * DAY,
            -4 * DAY,
            10 * DAY,
            13 * DAY,
            14 * DAY,
            20 * DAY,
            -10 * DAY,
            700 * DAY,
        ]);
        self.log.push(format!("clock {} ahead", self.ahead));
        self.compare();
    }

    /// A check, with or without something that goes wrong.
    fn check(&mut self) {
        let honest = self.list();
        if self
            .past_lists
            .last()
            .is_none_or(|(_, last)| *last != honest)
        {
            self.sequence += 1;
            self.past_lists.push((self.sequence, honest.clone()));
        }
        let signs = day_of(self.now) >= self.habits.signs_from;
        let mut visit = Visit {
            is_reachable: true,
            unsigned: Unsigned::Entries(honest.clone(), false),
            signed: if signs {
                Signed::List(self.sequence, honest.clone())
            } else {
                Signed::Absent
            },
            answers: BTreeMap::new(),
            end: End::Stored,
        };
        let is_honest = !self.spoil(&mut visit);
        for entry in &honest {
            if let Some(answer) = self.bad_answer(entry.name) {
                visit.answers.insert(entry.name, answer);
            }
        }
        if is_honest {
            for entry in &honest {
                self.published[entry.name].reached.get_or_insert(self.now);
            }
        }
        let shown = self.shown();
        self.happen(Happening::Check { shown, visit });
    }

    /// Lets something go wrong with the lists, or the check as a whole, or not. Returns
    /// whether it did.
    fn spoil(&mut self, visit: &mut Visit) -> bool {
        let honest = self.list();
        let nth = usize::try_from(self.below(100)).unwrap() % self.past_lists.len();
        let old = self.past_lists[nth].clone();
        match self.below(32) {
            0 => visit.is_reachable = false,
            1 => visit.unsigned = Unsigned::Garbage,
            2 => visit.unsigned = Unsigned::Entries(Vec::new(), false),
            3 | 4 => visit.unsigned = Unsigned::Entries(old.1, false),
            5 => visit.unsigned = Unsigned::Entries(honest, true),
            6 | 7 => {
                // Dates that nobody signed.
                let wrong = self.pick(&[0, 17 * DAY, 30 * DAY]);
                let mut entries = honest;
                for entry in &mut entries {
                    if self.one_in(4) {
                        entry.created = if wrong == 0 { 0 } else { entry.created - wrong };
                    }
                }
                visit.unsigned = Unsigned::Entries(entries, false);
            }
            8 | 9 => visit.signed = Signed::Absent,
            10 => visit.signed = Signed::Bad,
            11 | 12 if visit.signed_entries().is_some() => {
                visit.signed = Signed::List(old.0, old.1);
            }
            13 if visit.signed_entries().is_some() => {
                // The operator takes exports back, which a signed list may.
                self.sequence += 1;
                let mut entries = honest;
                entries.retain(|_| !self.rng.next_u64().is_multiple_of(4));
                self.past_lists.push((self.sequence, entries.clone()));
                visit.signed = Signed::List(self.sequence, entries);
            }
            14 => visit.end = End::DiskFull,
            15 => visit.end = End::DiskFills,
            16 => visit.end = End::Killed,
            _ => return false,
        }
        true
    }

    /// Something that the name answers with and should not.
    fn bad_answer(&mut self, name: Name) -> Option<Answer> {
        match self.below(30) {
            0 => Some(Answer::Missing),
            1 => Some(Answer::Broken),
            2 => self.wrong_file(name).map(Answer::File),
            _ => None,
        }
    }

    /// A file of the server that is not this name's, and can be told from it: another
    /// name brought it before, or it is so old that nobody would make it now.
    fn wrong_file(&mut self, name: Name) -> Option<FileId> {
        let made_at = self.published[name].made_at;
        let files: Vec<FileId> = (0..self.files.len())
            .filter(|file| *file != name)
            .filter(|file| {
                self.model.has_brought_its_own(*file) || self.files[*file].end + 15 * DAY < made_at
            })
            .collect();
        (!files.is_empty()).then(|| self.pick(&files))
    }

    /// Both say the same, and what holds for every history holds.
    fn compare(&mut self) {
        self.compare_at(self.shown());
        // The clock of a machine whose battery is flat.
        if self.one_in(50) {
            self.compare_at(1000);
        }
    }

    fn compare_at(&mut self, shown: i64) {
        let assessment = self.device.assess(self.habits.fresh_within, shown);
        let days: BTreeSet<i64> = assessment
            .days
            .iter()
            .map(|day| day.date.get().into())
            .collect();
        let texts: Vec<String> = assessment.reasons.iter().map(ToString::to_string).collect();
        let reasons: BTreeSet<&str> = texts.iter().map(String::as_str).collect();
        let expected_days = self.model.days(shown);
        let expected = self
            .model
            .reasons(&self.files, self.habits.fresh_within, shown);
        let verdict = match (expected_days.is_empty(), expected.is_empty()) {
            (false, _) => Verdict::Contact,
            (true, true) => Verdict::None,
            (true, false) => Verdict::Unknown,
        };
        let story = || format!("seed {}:\n{}", self.seed, self.log.join("\n"));
        assert_eq!(days, expected_days, "{}", story());
        assert_eq!(reasons, expected, "{}", story());
        assert_eq!(assessment.verdict, verdict, "{}", story());
        for word in texts.iter().chain([&assessment.verdict.to_string()]) {
            *self.said.entry(word.clone()).or_default() += 1;
        }
        if shown != self.now {
            return;
        }
        if assessment.verdict == Verdict::None {
            assert_eq!(self.overlooked(), None, "{}", story());
        }
        let first = day_of(shown) - 13;
        self.told.retain(|day| *day >= first);
        if let Some(day) = self.told.iter().find(|day| !days.contains(day)) {
            let may_be_revoked = self
                .heard
                .iter()
                .any(|heard| day_of(heard.shown) == *day && self.is_ever_revoked(heard.key));
            assert!(may_be_revoked, "{day} was taken back, {}", story());
        }
        self.told = days;
    }

    /// A contact, the export of which reached the device in an honest list, and was
    /// published more than 48 hours ago.
    fn overlooked(&self) -> Option<KeyId> {
        let first = day_of(self.now) - 13;
        for (file, published) in self.files.iter().zip(&self.published) {
            let is_long_ago = self.now - published.made_at > 2 * DAY;
            if !is_long_ago || published.reached.is_none() {
                continue;
            }
            for (key, _) in &file.keys {
                let heard = self.heard.iter().filter(|heard| heard.key == *key);
                let mut seconds: BTreeMap<i64, i64> = BTreeMap::new();
                for heard in heard {
                    *seconds.entry(day_of(heard.shown)).or_default() += CYCLE;
                }
                let is_contact = seconds
                    .iter()
                    .any(|(day, seconds)| *day >= first && *seconds >= 900);
                if is_contact && !self.is_ever_revoked(*key) {
                    return Some(*key);
                }
            }
        }
        None
    }

    fn is_ever_revoked(&self, key: KeyId) -> bool {
        let mut keys = self.files.iter().flat_map(|file| &file.keys);
        keys.any(|(other, kind)| *other == key && *kind == ReportType::Revoked)
    }
}

impl Visit {
    fn signed_entries(&self) -> Option<&[Entry]> {
        match &self.signed {
            Signed::List(_, entries) => Some(entries),
            Signed::Absent | Signed::Bad => None,
        }
    }
}

/// Ends the other threads where one finds a fault.
struct EndAll<'a>(&'a AtomicU64, u64);

impl Drop for EndAll<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(self.1, Ordering::Relaxed);
        }
    }
}

/// Plays the histories with these seeds, or that one which is asked for, on all
/// processors.
fn play(seeds: Range<u64>) {
    let seeds = match std::env::var("HISTORY_SEED") {
        Ok(seed) => {
            let seed = seed.parse().unwrap();
            seed..seed + 1
        }
        Err(_) => seeds,
    };
    println!("histories with the seeds {seeds:?}");
    let next = AtomicU64::new(seeds.start);
    // More than there are processors: a check goes from thread to thread, and waits.
    let threads = 4 * thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let work = || {
            let _end = EndAll(&next, seeds.end);
            let workshop = Workshop::new();
            let mut said: BTreeMap<String, u64> = BTreeMap::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end {
                    return said;
                }
                for (name, times) in History::new(seed, &workshop).play() {
                    *said.entry(name).or_default() += times;
                }
            }
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut said: BTreeMap<String, u64> = BTreeMap::new();
        for thread in threads {
            match thread.join() {
                Ok(of_thread) => {
                    for (name, times) in of_thread {
                        *said.entry(name).or_default() += times;
                    }
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        println!("said: {said:?}");
    });
}

#[test]
fn random_histories_are_judged_as_the_model_does() {
    play(0..HISTORIES);
}

#[test]
#[ignore = "takes many minutes; make test-histories runs it"]
fn ten_thousand_histories_are_judged_as_the_model_does() {
    play(0..ALL_HISTORIES);
}
