//! What must be known, made from docs/verdict.md and from nothing else.
//!
//! It takes in what happens, keeps all of it, and looks through that whenever it is
//! asked. It is meant to be obviously right and slow.

use std::collections::{BTreeMap, BTreeSet};

use gaen::diagnosis::ReportType;

pub(crate) const HOUR: i64 = 3600;
pub(crate) const DAY: i64 = 86_400;
/// 2020-01-01T00:00:00Z: a clock that shows less is not set.
const CLOCK_SET: i64 = 1_577_836_800;

/// Somebody's key of one day.
pub(crate) type KeyId = (u8, i64);
/// The number of a file that the server signed.
pub(crate) type FileId = usize;

/// A file that the server signed.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) part: u32,
    pub(crate) parts: u32,
    pub(crate) keys: Vec<(KeyId, ReportType)>,
}

/// A name on a list, which is the number of the file that it is for.
pub(crate) type Name = usize;

/// An entry of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: Name,
    /// When the list says that it was made, in seconds.
    pub(crate) created: i64,
}

/// The list without a signature, as it is answered.
#[derive(Clone, Debug)]
pub(crate) enum Unsigned {
    /// No list at all.
    Garbage,
    /// These entries, and perhaps one that names a place it must not.
    Entries(Vec<Entry>, bool),
}

/// The list with a signature, as it is answered.
#[derive(Clone, Debug)]
pub(crate) enum Signed {
    Absent,
    /// Not by the server's key, of another region, or no list.
    Bad,
    List(u64, Vec<Entry>),
}

/// What is answered under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing.
    Missing,
    /// Something that is no export, or not signed by the server.
    Broken,
    /// This file.
    File(FileId),
}

/// What becomes of a check that is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Stored,
    /// Nothing of it can be stored.
    DiskFull,
    /// How it ended cannot be stored, but all before.
    DiskFills,
    /// It is killed before it has come to anything.
    Killed,
}

/// A check, as it goes from outside.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) is_reachable: bool,
    pub(crate) unsigned: Unsigned,
    pub(crate) signed: Signed,
    /// Where a name answers with something else than its own file.
    pub(crate) answers: BTreeMap<Name, Answer>,
    pub(crate) end: End,
}

/// What happens to a device.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// A scan cycle: when it truly was, when it was by the device's clock, from when to
    /// when it stands for having listened, and whom it heard.
    Cycle {
        actual: i64,
        shown: i64,
        since: i64,
        until: i64,
        heard: Vec<KeyId>,
    },
    /// A check, by the device's clock.
    Check { shown: i64, visit: Visit },
    /// What is fourteen days old goes, by a clock that is right.
    Purge { shown: i64 },
    /// Everything is erased.
    Erase,
    /// The program is replaced by one that takes over a database in which nothing was kept
    /// of what lists named.
    #[allow(
        dead_code,
        reason = "the histories are too short; daemon/tests/days has it"
    )]
    Takeover,
}

#[derive(Clone, Debug)]
struct Cycle {
    /// Which it is, in the order of storing.
    number: usize,
    actual: i64,
    shown: i64,
    since: i64,
    until: i64,
    heard: Vec<KeyId>,
}

/// How a check ended that was not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Failure {
    Unreachable,
    Failed,
    ListRefused,
}

/// What was compared of a name's file: the cycles before this number, from this day on.
#[derive(Clone, Copy, Debug)]
struct Comparison {
    before: usize,
    from_day: i64,
}

#[derive(Clone, Debug)]
struct Told {
    first_listed: i64,
    created: i64,
    is_listed: bool,
    was_refused: bool,
    /// Whether a signed list named it, and so signed for its own file.
    is_signed_for: bool,
    /// The file that it brought last.
    brought: Option<FileId>,
    /// `None` when it has to be had again.
    compared: Option<Comparison>,
}

/// Somebody who was met.
#[derive(Clone, Debug)]
struct Met {
    kind: ReportType,
    has_changed: bool,
    /// Seconds by day, the most that were ever found.
    seconds: BTreeMap<i64, i64>,
}

/// An export that a list named when nothing could be stored.
#[derive(Debug)]
struct Named {
    name: Name,
    /// When the list says that it was made.
    created: i64,
    /// When the list was had.
    since: i64,
    /// Whether it was known as made later.
    is_earlier: bool,
}

/// What lists told when nothing could be stored.
#[derive(Debug, Default)]
struct PutDown {
    names: Vec<Named>,
    /// The number of the newest signed list, and when it was had.
    sequence: Option<(u64, i64)>,
}

/// The list that counts.
struct Chosen<'a> {
    entries: &'a [Entry],
    /// Its number, where it is signed.
    sequence: Option<u64>,
    /// Whether it names a place it must not.
    has_forbidden: bool,
}

/// Everything that happened.
#[derive(Debug, Default)]
pub(crate) struct Model {
    stored: usize,
    cycles: Vec<Cycle>,
    told: BTreeMap<Name, Told>,
    /// The number of the newest signed list.
    sequence: Option<u64>,
    /// What lists told when nothing could be stored, until all of it is known.
    put_down: PutDown,
    met: BTreeMap<KeyId, Met>,
    /// When the last complete check ended, and how many cycles were stored when it began.
    complete: Option<(i64, usize)>,
    failures: BTreeSet<Failure>,
}

fn day_of(time: i64) -> i64 {
    time.div_euclid(DAY)
}

/// How long ago that was at the least which an export is about that never came.
fn unsigned_age(created: i64, first_listed: i64, shown: i64) -> i64 {
    let made = Some(created).filter(|created| *created <= shown);
    shown - first_listed.max(made.unwrap_or(first_listed))
}

/// The first day of the period.
fn first_day(shown: i64) -> i64 {
    day_of(shown) - 13
}

/// Whether clocks agree well enough for what was heard then to count.
pub(crate) fn counts(actual: i64, shown: i64) -> bool {
    (actual - shown).abs() <= 2 * HOUR
}

impl Model {
    pub(crate) fn take(&mut self, happening: &Happening, files: &[File]) {
        match happening {
            Happening::Cycle {
                actual,
                shown,
                since,
                until,
                heard,
            } => {
                self.cycles.push(Cycle {
                    number: self.stored,
                    actual: *actual,
                    shown: *shown,
                    since: *since,
                    until: *until,
                    heard: heard.clone(),
                });
                self.stored += 1;
            }
            Happening::Check { shown, visit } => match self.check(visit, files, *shown) {
                Err(failure) => drop(self.failures.insert(failure)),
                Ok(()) => {
                    self.complete = Some((*shown, self.stored));
                    self.failures.clear();
                }
            },
            Happening::Purge { shown } => self.purge(files, *shown),
            Happening::Erase => *self = Self::default(),
            Happening::Takeover => {
                self.told.clear();
                self.sequence = None;
            }
        }
    }

    fn purge(&mut self, files: &[File], shown: i64) {
        let oldest = day_of(shown) - 14;
        self.cycles.retain(|cycle| day_of(cycle.shown) >= oldest);
        for met in self.met.values_mut() {
            met.seconds.retain(|day, _| *day >= oldest);
        }
        self.met.retain(|_, met| !met.seconds.is_empty());
        let names: Vec<Name> = self.told.keys().copied().collect();
        let ages: Vec<i64> = names
            .iter()
            .map(|name| self.age(*name, files, shown))
            .collect();
        for (name, age) in names.into_iter().zip(ages) {
            if age > 30 * DAY {
                self.told.remove(&name);
            }
        }
        let names = self.put_down.names.iter();
        let ages = names.map(|named| unsigned_age(named.created, named.since, shown));
        let sequence = self.put_down.sequence.iter();
        if ages
            .chain(sequence.map(|(_, since)| shown - since))
            .all(|age| age > 30 * DAY)
        {
            self.put_down = PutDown::default();
        }
    }

    /// Whether a name that is still remembered brought its own file.
    pub(crate) fn has_brought_its_own(&self, name: Name) -> bool {
        self.told
            .get(&name)
            .is_some_and(|told| told.brought == Some(name))
    }

    // Exports.

    /// Whether what the name brought is its own.
    fn is_own(&self, name: Name, files: &[File]) -> bool {
        let told = &self.told[&name];
        let Some(file) = told.brought else {
            return false;
        };
        if told.is_signed_for {
            return file == name;
        }
        let is_anothers = self
            .told
            .iter()
            .any(|(other, told)| *other != name && told.brought == Some(file));
        !is_anothers && told.created <= files[file].end + 15 * DAY
    }

    /// When its period ended, as far as that is signed.
    fn signed_end(&self, name: Name, files: &[File]) -> Option<i64> {
        let told = &self.told[&name];
        if told.is_signed_for {
            return Some(files[name].end);
        }
        told.brought
            .filter(|_| self.is_own(name, files))
            .map(|file| files[file].end)
    }

    /// How long ago that was which it is about.
    fn age(&self, name: Name, files: &[File], shown: i64) -> i64 {
        let told = &self.told[&name];
        match self.signed_end(name, files) {
            Some(end) => shown - end,
            None => unsigned_age(told.created, told.first_listed, shown),
        }
    }

    /// Whether its own content is still to be compared with one of the cycles before
    /// this number.
    fn is_due(&self, name: Name, files: &[File], before: usize, shown: i64) -> bool {
        let told = &self.told[&name];
        let (Some(file), Some(compared)) = (told.brought, told.compared) else {
            return true;
        };
        if !self.is_own(name, files) {
            return true;
        }
        let days = files[file].keys.iter().map(|((_, day), _)| *day);
        let (Some(first), Some(last)) = (days.clone().min(), days.max()) else {
            return false;
        };
        let reach = first * DAY - 2 * HOUR..=(last + 1) * DAY + 2 * HOUR;
        let cycles = self.cycles.iter().filter(|cycle| cycle.number < before);
        cycles
            .filter(|cycle| day_of(cycle.shown) >= first_day(shown))
            .filter(|cycle| reach.contains(&cycle.shown))
            .any(|cycle| cycle.number >= compared.before || day_of(cycle.shown) < compared.from_day)
    }

    fn is_open(&self, name: Name, files: &[File], before: usize, shown: i64) -> bool {
        self.age(name, files, shown) <= 14 * DAY && self.is_due(name, files, before, shown)
    }

    /// The newest end of a period that was signed, of what the names brought last.
    fn newest_end(&self, files: &[File]) -> Option<i64> {
        let brought = self.told.values().filter_map(|told| told.brought);
        brought.map(|file| files[file].end).max()
    }

    /// Whether a part is missing of something that is not too long ago.
    fn is_part_missing(&self, files: &[File], shown: i64) -> bool {
        let come: Vec<&File> = self
            .told
            .iter()
            .filter_map(|(name, told)| {
                let signed_for = Some(*name).filter(|_| told.is_signed_for);
                signed_for.or(told.brought).map(|file| &files[file])
            })
            .filter(|file| shown - file.end <= 14 * DAY)
            .collect();
        come.iter().any(|file| {
            let set = |other: &&&File| {
                (other.start, other.end, other.parts) == (file.start, file.end, file.parts)
            };
            let parts: BTreeSet<u32> = come.iter().filter(set).map(|other| other.part).collect();
            (1..=file.parts).any(|part| !parts.contains(&part))
        })
    }

    // Checks.

    fn check(&mut self, visit: &Visit, files: &[File], shown: i64) -> Result<(), Failure> {
        if visit.end == End::Killed {
            return Err(Failure::Failed);
        }
        if visit.end == End::DiskFull {
            self.put_down(visit, files, shown);
            return Err(Failure::Failed);
        }
        let ended = self.visit(visit, files, shown);
        if visit.end == End::DiskFills {
            return Err(Failure::Failed);
        }
        ended
    }

    fn visit(&mut self, visit: &Visit, files: &[File], shown: i64) -> Result<(), Failure> {
        if !visit.is_reachable {
            return Err(Failure::Unreachable);
        }
        // The worst that it meets is how it ends.
        let mut met = BTreeSet::new();
        let is_signed = self.take_list(visit, files, shown, &mut met)?;

        let everything = self.stored;
        let mut wanted: Vec<Name> = self.told.keys().copied().collect();
        wanted.retain(|name| {
            let ended = self.signed_end(*name, files);
            self.told[name].is_listed
                && ended.is_none_or(|end| shown - end <= 16 * DAY)
                && self.is_due(*name, files, everything, shown)
        });
        wanted.sort_by_key(|name| {
            let told = &self.told[name];
            (told.was_refused, told.created, *name)
        });
        let mut compared = Vec::new();
        for name in wanted {
            let told = self.told.get_mut(&name).unwrap();
            let answer = visit.answers.get(&name).copied();
            let file = match answer.unwrap_or(Answer::File(name)) {
                Answer::File(file) if file == name || !told.is_signed_for => file,
                Answer::File(_) | Answer::Missing | Answer::Broken => {
                    told.was_refused = true;
                    met.insert(Failure::Failed);
                    continue;
                }
            };
            told.was_refused = false;
            told.brought = Some(file);
            told.compared = Some(Comparison {
                before: everything,
                from_day: first_day(shown) - 1,
            });
            compared.push(file);
        }
        for file in compared {
            self.compare(&files[file], shown);
        }

        let names = || self.told.keys();
        if names().any(|name| self.is_open(*name, files, everything, shown)) {
            met.insert(Failure::Failed);
        }
        if self.is_part_missing(files, shown) {
            met.insert(Failure::Failed);
        }
        let is_held_back = |name: &Name| {
            let told = &self.told[name];
            !told.is_listed && told.brought.is_some() && self.age(*name, files, shown) <= 13 * DAY
        };
        if !is_signed && names().any(is_held_back) {
            met.insert(Failure::ListRefused);
        }
        met.last().map_or(Ok(()), |worst| Err(*worst))
    }

    /// The list that counts.
    fn choose_list<'a>(&self, visit: &'a Visit) -> Result<Chosen<'a>, Failure> {
        let put_down = self.put_down.sequence.map(|(sequence, _)| sequence);
        let seen = self.sequence.max(put_down);
        match &visit.signed {
            Signed::List(sequence, entries) if seen.is_none_or(|seen| *sequence >= seen) => {
                Ok(Chosen {
                    entries,
                    sequence: Some(*sequence),
                    has_forbidden: false,
                })
            }
            Signed::Absent | Signed::Bad | Signed::List(..) if seen.is_some() => {
                Err(Failure::ListRefused)
            }
            Signed::Absent | Signed::Bad | Signed::List(..) => match &visit.unsigned {
                Unsigned::Garbage => Err(Failure::Failed),
                Unsigned::Entries(entries, has_forbidden) => Ok(Chosen {
                    entries,
                    sequence: None,
                    has_forbidden: *has_forbidden,
                }),
            },
        }
    }

    /// When a name counts as listed that is listed first now.
    fn first_listed(&self, files: &[File], shown: i64) -> i64 {
        self.newest_end(files).unwrap_or(shown).max(shown)
    }

    /// Remembers what the list tells, of a check of which nothing can be stored.
    fn put_down(&mut self, visit: &Visit, files: &[File], shown: i64) {
        let Some(list) = visit.is_reachable.then(|| self.choose_list(visit).ok()) else {
            return;
        };
        let Some(list) = list else {
            return;
        };
        if let Some(sequence) = list.sequence.filter(|it| Some(*it) != self.sequence) {
            let since = self
                .put_down
                .sequence
                .filter(|(known, _)| *known == sequence);
            self.put_down.sequence = Some((sequence, since.map_or(shown, |(_, since)| since)));
        }
        let since = self.first_listed(files, shown);
        for entry in list.entries {
            let told = self.told.get(&entry.name);
            let is_told = told.is_some_and(|told| told.created == entry.created);
            let is_earlier = told.is_some_and(|told| told.created > entry.created);
            let names = &mut self.put_down.names;
            let is_again = names.iter().any(|named| {
                (named.name, named.created, named.is_earlier)
                    == (entry.name, entry.created, is_earlier)
            });
            if !is_told && !is_again {
                names.push(Named {
                    name: entry.name,
                    created: entry.created,
                    since,
                    is_earlier,
                });
            }
        }
    }

    /// Takes in the list that counts. Returns whether it is the signed one.
    fn take_list(
        &mut self,
        visit: &Visit,
        files: &[File],
        shown: i64,
        met: &mut BTreeSet<Failure>,
    ) -> Result<bool, Failure> {
        let list = self.choose_list(visit)?;
        let is_signed = list.sequence.is_some();
        self.sequence = list.sequence.or(self.sequence);
        if list.has_forbidden {
            met.insert(Failure::Failed);
        }
        for told in self.told.values_mut() {
            told.is_listed = false;
        }
        let first_listed = self.first_listed(files, shown);
        for entry in list.entries {
            let told = self.told.entry(entry.name).or_insert(Told {
                first_listed,
                created: entry.created,
                is_listed: true,
                was_refused: false,
                is_signed_for: false,
                brought: None,
                compared: None,
            });
            told.is_listed = true;
            told.is_signed_for |= is_signed;
            if told.created != entry.created {
                // It was made anew.
                told.created = entry.created;
                told.compared = None;
            }
        }
        self.put_down.names.retain(|named| {
            let told = self.told.get(&named.name);
            told.is_none_or(|told| {
                told.created < named.created || named.is_earlier && told.created != named.created
            })
        });
        let lacking = self.put_down.names.iter();
        let mut ages = lacking.map(|named| unsigned_age(named.created, named.since, shown));
        if ages.any(|age| age <= 14 * DAY) {
            met.insert(Failure::ListRefused);
        }
        if self.put_down.names.is_empty() {
            self.put_down = PutDown::default();
        }
        Ok(is_signed)
    }

    /// Looks for the keys of a file in everything that was heard.
    fn compare(&mut self, file: &File, shown: i64) {
        use ReportType::{ConfirmedClinical, ConfirmedTest, Revoked, SelfReport};
        for (key, kind) in &file.keys {
            let mut found: BTreeMap<i64, i64> = BTreeMap::new();
            for cycle in &self.cycles {
                let day = day_of(cycle.shown);
                if cycle.heard.contains(key)
                    && counts(cycle.actual, cycle.shown)
                    && day >= first_day(shown) - 1
                {
                    *found.entry(day).or_default() += cycle.shown - cycle.since;
                }
            }
            match self.met.get_mut(key) {
                None if found.is_empty() => {}
                None => {
                    let met = Met {
                        kind: *kind,
                        has_changed: false,
                        seconds: found,
                    };
                    self.met.insert(*key, met);
                }
                Some(met) => {
                    let may_change = matches!(
                        (met.kind, *kind),
                        (SelfReport, ConfirmedTest | ConfirmedClinical | Revoked)
                            | (ConfirmedClinical, ConfirmedTest | Revoked)
                    );
                    if may_change && !met.has_changed {
                        met.kind = *kind;
                        met.has_changed = true;
                    }
                    for (day, seconds) in found {
                        let most = met.seconds.entry(day).or_default();
                        *most = seconds.max(*most);
                    }
                }
            }
        }
    }

    // What may be said.

    /// The days of contact: fifteen minutes nearby, of all keys together.
    pub(crate) fn days(&self, shown: i64) -> BTreeSet<i64> {
        let period = first_day(shown)..=day_of(shown);
        let mut seconds: BTreeMap<i64, i64> = BTreeMap::new();
        let met = self.met.values();
        for met in met.filter(|met| met.kind != ReportType::Revoked) {
            for (day, of_key) in &met.seconds {
                *seconds.entry(*day).or_default() += of_key;
            }
        }
        let long = seconds.into_iter().filter(|(_, seconds)| *seconds >= 900);
        long.map(|(day, _)| day)
            .filter(|day| period.contains(day))
            .collect()
    }

    /// Why nothing, or no more, may be said.
    pub(crate) fn reasons(
        &self,
        files: &[File],
        fresh_within: Option<i64>,
        shown: i64,
    ) -> BTreeSet<&'static str> {
        let mut reasons = BTreeSet::new();
        if shown < CLOCK_SET {
            reasons.insert("clock-not-set");
        }
        let ended = self.complete.map(|(ended, _)| ended);
        let is_in_future = ended.is_some_and(|ended| ended > shown + 2 * HOUR);
        if ended.is_none() {
            reasons.insert("never-checked");
        } else if is_in_future || self.was_in_future(shown) {
            reasons.insert("check-in-future");
        } else if ended.is_some_and(|ended| shown - ended > DAY) {
            reasons.insert("check-too-old");
        }
        let is_fresh = !is_in_future && ended.is_some_and(|ended| shown - ended <= DAY);
        for failure in &self.failures {
            match failure {
                Failure::ListRefused => drop(reasons.insert("list-refused")),
                Failure::Unreachable if is_fresh => {}
                Failure::Unreachable | Failure::Failed => drop(reasons.insert("check-failed")),
            }
        }
        let before = self.complete.map_or(0, |(_, before)| before);
        let is_open = |name: &Name| self.is_open(*name, files, before, shown);
        if self.told.keys().any(is_open) || self.is_part_missing(files, shown) {
            reasons.insert("export-not-compared");
        }
        let is_silent = |within| {
            self.newest_end(files)
                .is_none_or(|end| shown - end > within)
        };
        if ended.is_some() && fresh_within.is_some_and(is_silent) {
            reasons.insert("server-silent");
        }
        if self.recorded_seconds(shown) < HOUR {
            reasons.insert("too-little-recorded");
        }
        reasons
    }

    /// Whether something that was recorded since the last complete check, and is of use,
    /// has a time of more than two hours before it.
    fn was_in_future(&self, shown: i64) -> bool {
        let Some((ended, before)) = self.complete else {
            return false;
        };
        let since = self.cycles.iter().filter(|cycle| cycle.number >= before);
        since
            .filter(|cycle| day_of(cycle.shown) >= first_day(shown) - 1)
            .any(|cycle| cycle.shown < ended - 2 * HOUR)
    }

    /// For how long of the period was listened.
    fn recorded_seconds(&self, shown: i64) -> i64 {
        let from = first_day(shown) * DAY;
        let mut stretches: Vec<(i64, i64)> = self
            .cycles
            .iter()
            .map(|cycle| (cycle.since, cycle.until))
            .map(|(begin, end)| (begin.max(from), end.min(shown)))
            .collect();
        stretches.sort_unstable();
        let (mut seconds, mut until) = (0, i64::MIN);
        for (begin, end) in stretches {
            seconds += (end - begin.max(until)).max(0);
            until = until.max(end);
        }
        seconds
    }
}
