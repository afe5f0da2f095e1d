//! The ledger: every export that the server ever listed, and what of it has been
//! compared with what was recorded.
//!
//! A list may be taken back, shortened, or served from an old copy, and a file may
//! answer with another file's bytes. So what counts is not what the list says today but
//! what it ever said: an export that was listed stays *open* until its own, signed
//! content was compared with everything recorded that its keys can be in, or until the
//! time it is about is more than fourteen days ago.
//!
//! What an export is about is told by its signature alone. The list's `created` is
//! not signed: it never makes an export too old to look at.
//!
//! # Which bytes settle which name
//! Exports are told apart by their content: COCOA's files for one day share region,
//! period and batch, and all of them count. But a name is only settled by bytes that
//! no other name brought: a server that mixes files up answers for a new name with an
//! old, validly signed file. As long as two names bring the same bytes, both are open,
//! and both are fetched anew. The exceptions are a signed list that vouches for the
//! bytes, and the same name on a server that has moved.
//!
//! # Compared with what
//! With each comparison is kept up to which scan cycle of each day it went, in the
//! order in which cycles were stored. So it settles what it really saw, whatever the
//! clock showed: a check under a clock that ran ten days ahead saw nothing of the
//! first ten days, and what is heard after a comparison is compared again if the keys
//! can be in it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use gaen::export::Export;
use gaen::matching::MAX_DRIFT;
use gaen::time::{INTERVAL_SECONDS, UnixSeconds, UtcDay};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::period;

/// What an export is about is of no matter when it is longer ago.
const RELEVANT_SECONDS: i64 = 14 * 86_400;
/// An export whose period ended longer ago need not be looked at: one day more for
/// keys that were handed out on their own day, and the drift of clocks.
const OUTDATED_SECONDS: i64 = 16 * 86_400;
/// So long after its period an export is forgotten. Until then its bytes are known
/// again, should they come under the name of one that may still be listed.
const FORGOTTEN_SECONDS: i64 = 30 * 86_400;
/// A server takes keys of the last fourteen days, so that it makes no export longer
/// after what it is about, be it the day of the keys or the time of registering.
const LONGEST_DELAY_SECONDS: u64 = 15 * 86_400;
/// A compared export that is taken off the list earlier than this was not taken off
/// for its age (servers delete after fourteen days).
const KEPT_LISTED_SECONDS: i64 = 13 * 86_400;
/// How long after it was heard a sighting is in the store at the latest, and how long
/// a scan cycle is at the longest.
const SETTLE_SECONDS: i32 = 900;
/// Most exports the ledger remembers: several times what a list may name.
const MOST_EXPORTS: usize = 20_000;

/// Which batch of which export a file is, by what was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExportBatch {
    /// Start of the time its keys were registered in, in seconds since the epoch.
    pub start: u64,
    /// End of that time.
    pub end: u64,
    /// Which batch it is, from 1.
    pub number: u32,
    /// How many batches there are.
    pub of: u32,
}

impl ExportBatch {
    /// Which batch `export` is.
    pub const fn of(export: &Export) -> Self {
        Self {
            start: export.start,
            end: export.end,
            number: export.batch_num,
            of: export.batch_size,
        }
    }
}

/// What a signed list says of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vouched {
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// Which batch of which export it is.
    pub batch: ExportBatch,
}

/// An export as a list names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Where it is.
    pub url: String,
    /// The same, as seen from the list's folder: it stays when the server moves.
    pub name: String,
    /// When the server made it, in milliseconds since the epoch, by its own word.
    pub created: u64,
    /// What the list's signature says of it; `None` for a list without one.
    pub vouched: Option<Vouched>,
}

/// An export that was listed at some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedExport {
    /// Where it is or was.
    pub url: String,
    /// The same, as seen from the list's folder.
    pub name: String,
    /// The list that named it last.
    pub list_url: String,
    /// When the server made it, in milliseconds since the epoch, by its own word.
    pub created: u64,
    /// When it was first listed, by this device's clock; not before the newest period
    /// that was signed by then.
    pub first_seen: UnixSeconds,
    /// Whether the last list named it.
    pub listed: bool,
    /// What a signed list said of it.
    pub vouched: Option<Vouched>,
    /// What it brought, verified, when it was last compared.
    pub brought: Option<Brought>,
    /// Against what that was compared; `None` when it must be fetched again.
    pub compared: Option<Comparison>,
    /// Why it was refused when it was last tried.
    pub refused: Option<String>,
}

/// What a name brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brought {
    /// SHA-256 of what is signed. It is what tells exports apart.
    pub content: [u8; 32],
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// Which batch of which export it is.
    pub batch: ExportBatch,
    /// How many keys it has.
    pub keys: u32,
}

/// Against what an export was compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// When, by this device's clock then.
    pub at: UnixSeconds,
    /// From when on its keys can have been heard, by clocks that differ as far as the
    /// protocol allows.
    pub keys_from: UnixSeconds,
    /// Until when. Before `keys_from` where it has no keys.
    pub keys_until: UnixSeconds,
    /// The last cycle that was looked at of each day its keys can be in. A day that
    /// is not here was not looked at.
    pub seen: Vec<(UtcDay, u32)>,
}

impl Comparison {
    /// The comparison of `export` at `at` with the cycles `recorded`, as far as they are
    /// of `first_day` or later: what is earlier was not looked at.
    pub fn new(export: &Export, recorded: &Recorded, first_day: UtcDay, at: UnixSeconds) -> Self {
        let drift = i32::try_from(MAX_DRIFT * INTERVAL_SECONDS).unwrap_or(i32::MAX);
        let starts = export.all_keys().map(|key| key.rolling_start);
        let ends = export
            .all_keys()
            .map(|key| key.rolling_start.saturating_add(key.rolling_period.get()));
        let (keys_from, keys_until) = match (starts.min(), ends.max()) {
            (Some(first), Some(last)) => (
                first.start().saturating_add_signed(-drift),
                last.start().saturating_add_signed(drift),
            ),
            _ => (UnixSeconds::new(1), UnixSeconds::new(0)),
        };
        let mut comparison = Self {
            at,
            keys_from,
            keys_until,
            seen: Vec::new(),
        };
        let (first, last) = comparison.days();
        let first = first.max(first_day);
        let seen = recorded.last_numbers().into_iter();
        comparison.seen = seen
            .filter(|(day, _)| (first..=last).contains(day))
            .collect();
        comparison
    }

    /// Whether its keys can be heard no more at `now`, so that nothing to compare it
    /// with can come.
    pub fn is_over(&self, now: UnixSeconds) -> bool {
        now >= self.keys_until.saturating_add_signed(SETTLE_SECONDS)
    }

    /// The days whose cycles its keys can be in.
    fn days(&self) -> (UtcDay, UtcDay) {
        // A cycle that began before midnight belongs to the day before.
        let first = self.keys_from.saturating_add_signed(-SETTLE_SECONDS);
        (first.utc_day(), self.keys_until.utc_day())
    }

    /// Whether there are cycles from `first_day` on that were not looked at and in
    /// which its keys can be.
    fn misses(&self, recorded: &Recorded, first_day: UtcDay) -> bool {
        if self.keys_from > self.keys_until {
            return false;
        }
        let (first, last) = self.days();
        let from = self.keys_from.saturating_add_signed(-SETTLE_SECONDS);
        let first = first.max(first_day);
        first <= last
            && recorded.days.range(first..=last).any(|(day, cycles)| {
                let seen = self.seen.iter().find(|(known, _)| known == day);
                cycles.iter().any(|(number, started)| {
                    seen.is_none_or(|(_, last)| number > last)
                        && (from..=self.keys_until).contains(started)
                })
            })
    }
}

/// The scan cycles that are stored: their number within their UTC day, in the order
/// in which they were stored, and when they began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    days: BTreeMap<UtcDay, Vec<(u32, UnixSeconds)>>,
}

impl Recorded {
    /// Adds a cycle.
    pub fn push(&mut self, day: UtcDay, number: u32, started: UnixSeconds) {
        self.days.entry(day).or_default().push((number, started));
    }

    /// The number of the last cycle of each day.
    pub fn last_numbers(&self) -> Vec<(UtcDay, u32)> {
        let days = self.days.iter();
        days.filter_map(|(day, cycles)| Some((*day, cycles.iter().map(|it| it.0).max()?)))
            .collect()
    }

    /// When the earliest of those cycles began that were stored after `last_numbers` were
    /// taken.
    pub fn first_after(&self, last_numbers: &[(UtcDay, u32)]) -> Option<UnixSeconds> {
        let cycles = self.days.iter().flat_map(|(day, cycles)| {
            let last = last_numbers.iter().find(|(known, _)| known == day);
            cycles
                .iter()
                .filter(move |(number, _)| last.is_none_or(|(_, last)| number > last))
        });
        cycles.map(|(_, started)| *started).min()
    }

    /// Without what was stored after `last_numbers` were taken.
    #[must_use]
    pub fn up_to(mut self, last_numbers: &[(UtcDay, u32)]) -> Self {
        self.days.retain(|day, cycles| {
            let last = last_numbers.iter().find(|(known, _)| known == day);
            cycles.retain(|(number, _)| last.is_some_and(|(_, last)| number <= last));
            !cycles.is_empty()
        });
        self
    }
}

/// Something that a list told and that must not be forgotten, in so few bytes that it can
/// be put down where the ledger cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// What it is of.
    pub kind: AnnouncedKind,
    /// An export's name as seen from the list's folder, or the list's URL.
    pub name: NameHash,
    /// When the server made the export, in milliseconds since the epoch, by its own word;
    /// or the list's number.
    pub version: u64,
    /// When the list was had, by this device's clock; not before the newest period that
    /// was signed by then.
    pub since: UnixSeconds,
}

/// What was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnnouncedKind {
    /// An export, by a list that names it.
    Export,
    /// An export that was known as made later, by a list that names it.
    Earlier,
    /// A signed list, by itself.
    SignedList,
}

/// The beginning of the SHA-256 of a name.
pub type NameHash = [u8; 12];

/// The hash of `name`.
pub fn name_hash(name: &str) -> NameHash {
    let mut hash = NameHash::default();
    hash.copy_from_slice(&Sha256::digest(name)[..size_of::<NameHash>()]);
    hash
}

/// What a list changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListChanges {
    /// The exports that are new or changed.
    pub changed: BTreeSet<i64>,
    /// Those of them that are new, or were made anew.
    pub announced: Vec<Announced>,
    /// How many could not be taken in, since there are too many.
    pub too_many: usize,
}

/// Everything that was ever listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    exports: BTreeMap<i64, ListedExport>,
    /// Entries that can no longer be read.
    lost: BTreeSet<i64>,
}

impl Ledger {
    /// The ledger with these entries, by their ids, of which those that are `None`
    /// can no longer be read.
    pub fn new(entries: impl IntoIterator<Item = (i64, Option<ListedExport>)>) -> Self {
        let mut ledger = Self::default();
        for (id, export) in entries {
            match export {
                Some(export) => drop(ledger.exports.insert(id, export)),
                None => drop(ledger.lost.insert(id)),
            }
        }
        ledger
    }

    /// All exports, by id.
    pub const fn exports(&self) -> &BTreeMap<i64, ListedExport> {
        &self.exports
    }

    /// The export with this id.
    pub fn get(&self, id: i64) -> Option<&ListedExport> {
        self.exports.get(&id)
    }

    /// Whether entries can no longer be read, so that nobody knows what was listed.
    pub fn is_damaged(&self) -> bool {
        !self.lost.is_empty()
    }

    /// The newest end of a signed period among the exports that were verified.
    pub fn newest_end(&self) -> Option<UnixSeconds> {
        let brought = self.exports.values().filter_map(|export| export.brought);
        brought.filter_map(|it| believable(it.batch.end)).max()
    }

    /// Takes in what the list at `list_url` names at `now`.
    pub fn take_list(
        &mut self,
        list_url: &str,
        listed: &[Listed],
        now: UnixSeconds,
    ) -> ListChanges {
        let mut changes = ListChanges::default();
        // A clock that is behind must not make an export old before its time.
        let first_seen = self.newest_end().map_or(now, |end| end.max(now));
        for id in std::mem::take(&mut self.lost) {
            // It stands for whatever it was, for as long as that could matter.
            let unreadable = ListedExport::new(list_url, Listed::unreadable(id), first_seen);
            self.exports.insert(id, unreadable.unlisted());
            changes.changed.insert(id);
        }
        let ids: HashMap<String, i64> = self
            .exports
            .iter()
            .map(|(id, export)| (export.url.clone(), *id))
            .collect();
        let mut named = BTreeSet::new();
        let mut next_id = self.exports.last_key_value().map_or(1, |(id, _)| id + 1);
        for entry in listed {
            let mut announced = Announced {
                kind: AnnouncedKind::Export,
                name: name_hash(&entry.name),
                version: entry.created,
                since: first_seen,
            };
            if let Some(id) = ids.get(&entry.url) {
                named.insert(*id);
                if let Some(export) = self.exports.get_mut(id) {
                    if export.created > entry.created {
                        announced.kind = AnnouncedKind::Earlier;
                    }
                    if export.created != entry.created {
                        changes.announced.push(announced);
                    }
                    if export.is_named_as(list_url, entry) {
                        changes.changed.insert(*id);
                    }
                }
            } else if self.exports.len() >= MOST_EXPORTS {
                changes.too_many += 1;
            } else {
                let export = ListedExport::new(list_url, entry.clone(), first_seen);
                self.exports.insert(next_id, export);
                changes.announced.push(announced);
                named.insert(next_id);
                changes.changed.insert(next_id);
                next_id += 1;
            }
        }
        for (id, export) in &mut self.exports {
            if export.listed && !named.contains(id) {
                export.listed = false;
                changes.changed.insert(*id);
            }
        }
        changes
    }

    /// Notes that the export with this id brought `brought`, which was compared.
    pub fn note_compared(&mut self, id: i64, brought: Brought, comparison: Comparison) {
        if let Some(export) = self.exports.get_mut(&id) {
            export.brought = Some(brought);
            export.compared = Some(comparison);
            export.refused = None;
        }
    }

    /// Notes why the export with this id was refused. Returns whether that is new.
    pub fn note_refused(&mut self, id: i64, reason: String) -> bool {
        let Some(export) = self.exports.get_mut(&id) else {
            return false;
        };
        let is_new = export.refused.as_ref() != Some(&reason);
        export.refused = Some(reason);
        is_new
    }

    /// The exports on the list that are to be fetched and compared at `now`: first
    /// those that were not refused before, each in the order they were made.
    pub fn to_compare(&self, recorded: &Recorded, now: UnixSeconds) -> Vec<i64> {
        let shared = self.shared_content();
        let mut pending: Vec<_> = self
            .exports
            .iter()
            .filter(|(_, export)| export.listed)
            .filter(|(_, export)| !export.is_outdated(&shared, now))
            .filter(|(_, export)| export.is_unsettled(&shared, recorded, now))
            .collect();
        pending.sort_by_key(|(_, export)| {
            (export.refused.is_some(), export.created, export.url.clone())
        });
        pending.into_iter().map(|(id, _)| *id).collect()
    }

    /// How many exports on the list are too old to be compared at `now`.
    pub fn outdated(&self, now: UnixSeconds) -> usize {
        let shared = self.shared_content();
        let listed = self.exports.values().filter(|export| export.listed);
        listed
            .filter(|export| export.is_outdated(&shared, now))
            .count()
    }

    /// The exports that may have what concerns the period at `now` and were not
    /// compared with everything in `recorded`.
    pub fn open(&self, recorded: &Recorded, now: UnixSeconds) -> Vec<i64> {
        let shared = self.shared_content();
        let settled: BTreeSet<(&str, u64)> = self
            .exports
            .values()
            .filter(|export| !export.is_unsettled(&shared, recorded, now))
            .map(|export| (export.name.as_str(), export.created))
            .collect();
        self.exports
            .iter()
            .filter(|(_, export)| {
                export.age(&shared, now) <= RELEVANT_SECONDS
                    && export.is_unsettled(&shared, recorded, now)
                    // It was compared, but under another address of the server.
                    && (export.listed
                        || !settled.contains(&(export.name.as_str(), export.created)))
            })
            .map(|(id, _)| *id)
            .collect()
    }

    /// The first missing batch of each export that concerns the period at `now` and of
    /// which some batch was verified.
    ///
    /// Several files may be the same batch of the same time: COCOA made one for each
    /// day of keys.
    pub fn missing_batches(&self, now: UnixSeconds) -> Vec<(u32, u32)> {
        let mut sets: BTreeMap<(u64, u64, u32), BTreeSet<u32>> = BTreeMap::new();
        for batch in self.exports.values().filter_map(ListedExport::batch) {
            if believable(batch.end).is_none_or(|end| now.seconds_since(end) <= RELEVANT_SECONDS) {
                let set = sets.entry((batch.start, batch.end, batch.of)).or_default();
                set.insert(batch.number);
            }
        }
        sets.into_iter()
            .filter_map(|((_, _, of), numbers)| {
                let number = (1..=of).find(|number| !numbers.contains(number))?;
                Some((number, of))
            })
            .collect()
    }

    /// How many exports the list at `list_url`, which is not signed, no longer names
    /// although they are not old enough for that: it is an old one, or somebody holds
    /// exports back. A signed list may take exports back.
    pub fn withheld(&self, list_url: &str, now: UnixSeconds) -> usize {
        let shared = self.shared_content();
        self.exports
            .values()
            .filter(|export| !export.listed && export.list_url == list_url)
            .filter(|export| export.brought.is_some())
            .filter(|export| export.age(&shared, now) <= KEPT_LISTED_SECONDS)
            .count()
    }

    /// Those of `announced` that never came into the ledger, nor, where they were newer than
    /// what was known of the name, later ones.
    pub fn lacks<'a>(&self, announced: &'a [Announced]) -> Vec<&'a Announced> {
        let known: HashSet<(NameHash, u64)> = self
            .exports
            .values()
            .map(|export| (name_hash(&export.name), export.created))
            .collect();
        let is_known_later = |announced: &Announced| {
            let mut known = known.iter();
            known.any(|(name, created)| *name == announced.name && *created > announced.version)
        };
        let lacks = |announced: &&Announced| {
            let is_known = known.contains(&(announced.name, announced.version));
            match announced.kind {
                AnnouncedKind::Export => !is_known && !is_known_later(announced),
                AnnouncedKind::Earlier => !is_known,
                AnnouncedKind::SignedList => false,
            }
        };
        announced.iter().filter(lacks).collect()
    }

    /// Forgets what is too old to matter at `now`, and returns the ids.
    pub fn forget_old(&mut self, now: UnixSeconds) -> BTreeSet<i64> {
        let shared = self.shared_content();
        let old: BTreeSet<i64> = self
            .exports
            .iter()
            .filter(|(_, export)| export.age(&shared, now) > FORGOTTEN_SECONDS)
            .map(|(id, _)| *id)
            .collect();
        self.exports.retain(|id, _| !old.contains(id));
        old
    }

    /// Content that several names brought. It settles those only that a signed list
    /// vouches for.
    fn shared_content(&self) -> BTreeSet<[u8; 32]> {
        let mut names: HashMap<[u8; 32], (&str, u64)> = HashMap::new();
        let mut shared = BTreeSet::new();
        for export in self.exports.values() {
            let Some(brought) = export.brought else {
                continue;
            };
            let name = (export.name.as_str(), export.created);
            let first = *names.entry(brought.content).or_insert(name);
            // The same name elsewhere is the server, moved.
            if first != name {
                shared.insert(brought.content);
            }
        }
        shared
    }
}

impl Announced {
    /// Whether it may have what concerns the period at `now`.
    pub fn matters(&self, now: UnixSeconds) -> bool {
        self.age(now) <= RELEVANT_SECONDS
    }

    /// Whether nothing can hang on it any more.
    pub fn is_forgotten(&self, now: UnixSeconds) -> bool {
        self.age(now) > FORGOTTEN_SECONDS
    }

    /// Whether `other` says the same, perhaps later.
    pub fn is_again(&self, other: &Self) -> bool {
        (self.kind, self.name, self.version) == (other.kind, other.name, other.version)
    }

    /// As of an export of the ledger that nothing signed is known of.
    fn age(&self, now: UnixSeconds) -> i64 {
        now.seconds_since(match self.kind {
            AnnouncedKind::Export | AnnouncedKind::Earlier => {
                last_word(self.version, self.since, now)
            }
            AnnouncedKind::SignedList => self.since,
        })
    }
}

impl Listed {
    /// What stands in the ledger for an entry that can no longer be read.
    fn unreadable(id: i64) -> Self {
        Self {
            url: format!("unreadable:{id}"),
            name: format!("unreadable:{id}"),
            created: 0,
            vouched: None,
        }
    }
}

impl ListedExport {
    /// An export that the list at `list_url` names for the first time.
    fn new(list_url: &str, listed: Listed, first_seen: UnixSeconds) -> Self {
        Self {
            url: listed.url,
            name: listed.name,
            list_url: list_url.to_owned(),
            created: listed.created,
            first_seen,
            listed: true,
            vouched: listed.vouched,
            brought: None,
            compared: None,
            refused: None,
        }
    }

    fn unlisted(self) -> Self {
        Self {
            listed: false,
            ..self
        }
    }

    /// Takes in that a list names it again, as `entry`. Returns whether that changes
    /// something.
    fn is_named_as(&mut self, list_url: &str, entry: &Listed) -> bool {
        let before = self.clone();
        entry.name.clone_into(&mut self.name);
        list_url.clone_into(&mut self.list_url);
        self.listed = true;
        if self.created != entry.created {
            // It was made anew.
            self.created = entry.created;
            self.compared = None;
        }
        // What was signed once stays, also where a list without signatures follows.
        if entry.vouched.is_some() {
            self.vouched = entry.vouched;
        }
        *self != before
    }

    /// Which batch it is, as far as that is signed.
    fn batch(&self) -> Option<ExportBatch> {
        let vouched = self.vouched.map(|vouched| vouched.batch);
        vouched.or(self.brought.map(|brought| brought.batch))
    }

    /// Whether a signed list says that what it brought is what it should be.
    fn is_vouched_for(&self) -> bool {
        match (self.vouched, self.brought) {
            (Some(vouched), Some(brought)) => vouched.sha256 == brought.sha256,
            _ => false,
        }
    }

    /// Whether what it brought can be what the list means.
    fn is_its_own(&self, shared: &BTreeSet<[u8; 32]>) -> bool {
        let Some(brought) = self.brought else {
            return false;
        };
        if self.vouched.is_some() {
            return self.is_vouched_for();
        }
        !shared.contains(&brought.content) && !self.is_made_too_late(brought.batch.end)
    }

    /// Whether the list says that it was made so long after `end` that nobody would
    /// have made it then: the file is an old one.
    fn is_made_too_late(&self, end: u64) -> bool {
        let created = self.created / 1000;
        believable(created).is_some()
            && believable(end).is_some()
            && created > end.saturating_add(LONGEST_DELAY_SECONDS)
    }

    /// How long ago that ended which it is about, in seconds, by what is signed. Where
    /// that is not known, how long ago it was first listed, or made by the list's word,
    /// whichever is later: by then it was over, and a clock that was behind does not make
    /// it old.
    fn age(&self, shared: &BTreeSet<[u8; 32]>, now: UnixSeconds) -> i64 {
        let signed = if self.vouched.is_some() || self.is_its_own(shared) {
            self.batch().and_then(|batch| believable(batch.end))
        } else {
            None
        };
        let unsigned = || last_word(self.created, self.first_seen, now);
        now.seconds_since(signed.unwrap_or_else(unsigned))
    }

    fn is_outdated(&self, shared: &BTreeSet<[u8; 32]>, now: UnixSeconds) -> bool {
        let is_known = self.vouched.is_some() || self.is_its_own(shared);
        is_known && self.age(shared, now) > OUTDATED_SECONDS
    }

    /// Whether its own content is still to be compared with something in `recorded`.
    fn is_unsettled(
        &self,
        shared: &BTreeSet<[u8; 32]>,
        recorded: &Recorded,
        now: UnixSeconds,
    ) -> bool {
        let Some(compared) = &self.compared else {
            return true;
        };
        !self.is_its_own(shared) || compared.misses(recorded, period(now).0)
    }
}

/// When an export was over at the latest that was first listed at `first_seen` and made at
/// `created`, in milliseconds, by the list's word.
fn last_word(created: u64, first_seen: UnixSeconds, now: UnixSeconds) -> UnixSeconds {
    let made = believable(created / 1000).filter(|made| *made <= now);
    made.map_or(first_seen, |made| made.max(first_seen))
}

/// A signed time in seconds since the epoch, if it can be one.
fn believable(seconds: u64) -> Option<UnixSeconds> {
    let time = UnixSeconds::new(u32::try_from(seconds).unwrap_or(u32::MAX));
    time.is_plausible().then_some(time)
}
