//! One check against the notification server: from its list to stored exposures.
//!
//! list → ledger → exports that are not compared yet → verified → matched against
//! every sighting → exposures. What the list names is in the ledger before anything of
//! it is fetched, and exports are recorded in the same transaction as the exposures
//! they brought, so that a check that is cut off at any point loses work but no result
//! and doubles none, and nothing that was listed is forgotten.
//!
//! An export that is refused does not keep the others from being matched: whoever
//! can spoil one file must not be able to silence the rest. But then the check is
//! not complete, and "no contact" is not said.
//!
//! # Bounds
//! Besides the bounds of each step, a check as a whole ends after
//! [`Limits::check_timeout_ms`](super::settings::Limits::check_timeout_ms), after
//! [`MAX_REFUSED`] exports that could not be had or were refused, and after
//! [`Limits::check_bytes`](super::settings::Limits::check_bytes) of exports. What was not
//! looked at then is for the next check, which begins with what was not refused before,
//! and meanwhile nothing is "no contact".
//!
//! # Keys that may still be heard
//! Servers hand out a key only after it is no longer broadcast, but some hand out
//! today's with a short rolling period, and clocks may be two hours apart. So an
//! export is matched again by the next check when there are scan cycles that it was
//! not compared with and that its keys can be in, and until two hours after its last
//! key ended its file is kept for that.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use gaen::diagnosis::{DiagnosisKey, ReportType};
use gaen::export::{self, Export, ExportError};
use gaen::key::KEY_LEN;
use gaen::listing::ListingError;
use gaen::matching::{self, Means, SightingSource};
use gaen::sighting::Sighting;
use gaen::time::UnixSeconds;
use serde::{Deserialize, Serialize};
use sesshoku_core::effort::{self, Situation, Threads};
use sesshoku_core::records::{
    CheckCounts, CheckOutcome, CheckRecord, ExposureChanges, StoredExposure,
};
use sesshoku_core::verdict::{
    Announced, AnnouncedKind, Brought, Comparison, ExportBatch, Ledger, Listed, Recorded,
    name_hash, period,
};
use sha2::{Digest, Sha256};

use super::exposures::{Exposures, Matches};
use super::list::{Entry, List, ListError, name_below};
use super::notices;
use super::settings::Server;
use super::source::{Listing, Source, SourceError, Validators};
use crate::store::{CheckMark, Reader, Store, StoreError};
use crate::supply;

/// Keys matched in one pass over the sightings: about 64 bytes of memory each.
const KEYS_PER_PASS: usize = 500_000;
/// After this many exports in a row that could not be reached, the others are not
/// tried.
const MAX_UNREACHABLE: usize = 3;
/// After this many exports that were refused, or that the server does not have, the
/// others are left to the next check.
pub const MAX_REFUSED: usize = 200;
/// Exports matched in one pass, and recorded in one transaction.
const EXPORTS_PER_PASS: usize = 256;
/// The name in the store under which is kept which signed list was seen last.
const SIGNED_LIST_META: &str = "sync.signed-list";
/// The name in the store under which the last list is kept.
const LIST_META: &str = "sync.list";
/// Longest text of one problem, in characters.
const MAX_PROBLEM_CHARS: usize = 400;
/// Longest text of all of them, in bytes.
const MAX_DETAIL_LEN: usize = 4000;

/// How a check went.
#[derive(Debug)]
pub struct CheckReport {
    /// How it ended, by the worst of the problems.
    pub outcome: CheckOutcome,
    /// When it began.
    pub started: UnixSeconds,
    /// When it ended.
    pub ended: UnixSeconds,
    /// What happened to the exports of the list.
    pub counts: Counts,
    /// Everything that kept it from being complete.
    pub problems: Vec<Problem>,
}

/// What happened to the exports of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Exports of the region on the list.
    pub listed: usize,
    /// Those that are too old to matter.
    pub outdated: usize,
    /// Those that earlier checks had dealt with for good.
    pub known: usize,
    /// Those that were verified and matched now.
    pub matched: usize,
    /// Exposures that are new or changed.
    pub exposures_changed: usize,
}

/// What kept a check from being complete.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// No notification server is configured.
    #[error("no notification server is configured")]
    NotConfigured,
    /// The list could not be had.
    #[error("the list of exports could not be fetched")]
    ListSource(#[source] SourceError),
    /// The list, or an entry of it, is not what it should be.
    #[error("the list of exports is refused")]
    List(#[source] ListError),
    /// An export could not be had.
    #[error("export {name} could not be fetched")]
    ExportSource {
        /// Its file name.
        name: String,
        /// Why.
        #[source]
        source: SourceError,
    },
    /// An export was refused.
    #[error("export {name} is refused")]
    Export {
        /// Its file name.
        name: String,
        /// Why.
        #[source]
        source: ExportError,
    },
    /// An export is of another region than the list says.
    #[error("export {name} is refused: it is of another region")]
    Region {
        /// Its file name.
        name: String,
    },
    /// An export is not the file that the signed list vouches for.
    #[error("export {name} is refused: it is not the file that was signed for")]
    Differs {
        /// Its file name.
        name: String,
    },
    /// Exports are open: gone from the list before they could be compared, or their
    /// bytes are another's.
    #[error("{0} exports that were listed could not be compared with everything")]
    NotCompared(usize),
    /// The list lacks what it had.
    #[error("the list lacks {0} exports that it had and that are not old enough")]
    Withheld(usize),
    /// This server's list was signed before, and now is not.
    #[error("the list is not signed any more")]
    NotSigned,
    /// The signed list is not valid.
    #[error("the signed list is refused")]
    SignedList(#[source] ListingError),
    /// The signed list is of another region.
    #[error("the signed list is refused: it is of another region")]
    SignedListRegion,
    /// The signed list is older than one that was seen.
    #[error("the signed list is number {sequence}, but number {seen} was seen")]
    OlderList {
        /// Its number.
        sequence: u64,
        /// The number of the newest that was seen.
        seen: u64,
    },
    /// The ledger has no room for what the list names.
    #[error("{0} exports of the list are too many to be remembered")]
    TooManyListed(usize),
    /// It could not be put down that a check begins.
    #[error("the beginning of the check could not be stored")]
    Mark(#[source] std::io::Error),
    /// A batch is neither on the list nor known from earlier.
    #[error("batch {number} of {of} is missing")]
    MissingBatch {
        /// Which batch.
        number: u32,
        /// How many there should be.
        of: u32,
    },
    /// Exports were not tried, since the server was out of reach.
    #[error("{0} more exports were not tried")]
    NotTried(usize),
    /// Part of the sightings could not be read.
    #[error("{0} segments of stored encounters are damaged")]
    Damaged(u64),
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// A file of an earlier download is in the way.
    #[error("downloads could not be tidied up")]
    Downloads(#[source] std::io::Error),
}

impl CheckReport {
    /// The report of a check that came to nothing for a fault of the daemon's own.
    pub fn broken_off(at: UnixSeconds) -> Self {
        Self {
            outcome: CheckOutcome::StorageFailed,
            started: at,
            ended: at,
            counts: Counts::default(),
            problems: Vec::new(),
        }
    }
}

impl Counts {
    fn to_kept(self) -> CheckCounts {
        let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
        CheckCounts {
            listed: count(self.listed),
            compared: count(self.matched),
        }
    }
}

impl Problem {
    /// The outcome of a check with this problem alone.
    const fn outcome(&self) -> CheckOutcome {
        match self {
            Self::NotConfigured => CheckOutcome::NotConfigured,
            Self::List(_)
            | Self::TooManyListed(_)
            | Self::ListSource(SourceError::TooLarge { .. }) => CheckOutcome::BadAnswer,
            Self::Withheld(_)
            | Self::NotSigned
            | Self::SignedList(_)
            | Self::SignedListRegion
            | Self::OlderList { .. } => CheckOutcome::ListRefused,
            Self::ListSource(source) | Self::ExportSource { source, .. } => of_source(source),
            Self::Export { .. }
            | Self::Region { .. }
            | Self::Differs { .. }
            | Self::NotCompared(_)
            | Self::MissingBatch { .. } => CheckOutcome::ExportRefused,
            Self::NotTried(_) => CheckOutcome::Unreachable,
            Self::Damaged(_) | Self::Store(_) | Self::Downloads(_) | Self::Mark(_) => {
                CheckOutcome::StorageFailed
            }
        }
    }
}

const fn of_source(error: &SourceError) -> CheckOutcome {
    match error {
        SourceError::Unreachable(_) | SourceError::Unavailable(_) | SourceError::Client(_) => {
            CheckOutcome::Unreachable
        }
        SourceError::TooLarge { .. } => CheckOutcome::ExportRefused,
        SourceError::Disk(_) => CheckOutcome::StorageFailed,
        SourceError::Status(_)
        | SourceError::Redirect
        | SourceError::Insecure
        | SourceError::Encoding
        | SourceError::Range
        | SourceError::File(_)
        | SourceError::NotInFolder => CheckOutcome::BadAnswer,
    }
}

/// Checks `server` at `now` and records how it went; without a server, records
/// that.
///
/// The network is spoken to here; reading the store and matching happen on
/// blocking threads. Dropping the future ends the check: nothing is written after
/// that, except what a blocking thread that holds the store's lock is writing.
///
/// The time a check takes is counted from `now`, so that a simulated clock that
/// stands still meanwhile is not overtaken.
pub async fn check(
    server: Option<Arc<Server>>,
    store: Arc<Mutex<Store>>,
    now: UnixSeconds,
) -> CheckReport {
    let began = Instant::now();
    let mark = lock(&store).check_mark();
    let mut check = Check {
        store: SharedStore {
            store,
            cancelled: Arc::default(),
        },
        mark: Mark {
            mark,
            leaves: Leaves::Nothing,
        },
        now,
        began,
        deadline: None,
        has_list: false,
        ledger: Ledger::default(),
        recorded: Recorded::default(),
        counts: Counts::default(),
        problems: Vec::new(),
        explained: BTreeSet::new(),
    };
    // Dropping the future must stop the blocking threads, too.
    let _cancel = CancelOnDrop(Arc::clone(&check.store.cancelled));
    let result = match server {
        Some(server) => match check.begin().await {
            Ok(()) => check.ask(&server).await,
            Err(problem) => Err(problem),
        },
        None => Err(Problem::NotConfigured),
    };
    if let Err(problem) = result {
        check.note(problem);
    }
    check.finish().await
}

/// A check under way.
struct Check {
    store: SharedStore,
    mark: Mark,
    now: UnixSeconds,
    began: Instant,
    /// When it has to end.
    deadline: Option<Instant>,
    /// Everything that was ever listed.
    ledger: Ledger,
    /// The scan cycles that were stored when it began.
    recorded: Recorded,
    /// Whether there was a list to count the exports of.
    has_list: bool,
    counts: Counts,
    problems: Vec<Problem>,
    /// The exports that were not compared now, for which there is a problem already.
    explained: BTreeSet<i64>,
}

/// The store, as blocking threads get at it.
#[derive(Clone)]
struct SharedStore {
    store: Arc<Mutex<Store>>,
    cancelled: Arc<AtomicBool>,
}

/// Sets the flag when the check ends or is dropped.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// The mark that a check is under way. A check that is cut off takes it back when it
/// had met nothing that must be known.
struct Mark {
    mark: Arc<CheckMark>,
    leaves: Leaves,
}

/// What a check has met that is not stored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaves {
    /// Nothing that must be known.
    Nothing,
    /// Something that must be.
    Unknown,
    /// How it ended is stored.
    Record,
}

impl Drop for Mark {
    fn drop(&mut self) {
        match self.leaves {
            Leaves::Nothing => self.mark.cut_off(),
            Leaves::Unknown => self.mark.stays_open(),
            Leaves::Record => {}
        }
    }
}

/// The last list, as it is kept in the store.
#[derive(Serialize, Deserialize)]
struct CachedList {
    url: String,
    validators: Validators,
    json: String,
}

/// The newest signed list of a server.
#[derive(Serialize, Deserialize)]
struct SeenList {
    url: String,
    sequence: u64,
}

/// A verified export that waits to be matched.
struct Verified {
    id: i64,
    entry: Entry,
    brought: Brought,
    export: Export,
}

/// A list, and what is to be kept of it where it is new.
struct FetchedList {
    list: List,
    to_keep: Option<(&'static str, Vec<u8>)>,
    /// Its number, where it is signed and new.
    sequence: Option<u64>,
}

/// What a pass over the sightings brought.
struct Passed {
    ledger: Ledger,
    exposures_changed: usize,
    damaged_segments: u64,
}

impl Check {
    /// Puts down that a check begins, so that it is known that there was one even where
    /// how it ended cannot be stored.
    async fn begin(&mut self) -> Result<(), Problem> {
        let mark = Arc::clone(&self.mark.mark);
        blocking(move || mark.begins()).await.map_err(Problem::Mark)
    }

    fn note(&mut self, problem: Problem) {
        let is_harmless = matches!(
            problem.outcome(),
            CheckOutcome::Unreachable | CheckOutcome::NotConfigured
        );
        if !is_harmless {
            self.mark.leaves = Leaves::Unknown;
        }
        self.problems.push(problem);
    }

    /// Checks, then takes the operator's notices: also where the check failed, for they
    /// may tell why.
    async fn ask(&mut self, server: &Arc<Server>) -> Result<(), Problem> {
        let source = server.source().await.map_err(Problem::ListSource)?;
        let checked = self.run(server, &source).await;
        self.take_notices(&source).await;
        checked
    }

    /// The check itself. Problems that end it are returned, others noted.
    async fn run(&mut self, server: &Arc<Server>, source: &Source) -> Result<(), Problem> {
        self.deadline = self.began.checked_add(server.limits.check_timeout());
        let list = self.list(server, source).await?;
        self.has_list = true;
        self.counts.listed = list.list.entries.len();
        for error in &list.list.forbidden {
            self.note(Problem::List(error.clone()));
        }
        let list_url = source.list_url().to_string();
        let is_signed = list.list.is_signed;
        let entries = self.take_in(&list_url, list).await?;

        let pending: Vec<(i64, Entry)> = self
            .ledger
            .to_compare(&self.recorded, self.now)
            .into_iter()
            .filter_map(|id| Some((id, entries.get(&id)?.clone())))
            .collect();
        self.counts.outdated = self.ledger.outdated(self.now);
        let new = pending.len() + self.counts.outdated;
        self.counts.known = entries.len().saturating_sub(new);
        let of_use: Vec<Entry> = entries
            .iter()
            .filter(|(id, _)| {
                pending.iter().any(|(pending, _)| pending == *id) || self.may_be_heard(**id)
            })
            .map(|(_, entry)| entry.clone())
            .collect();
        source
            .discard_all_but(&of_use)
            .await
            .map_err(Problem::Downloads)?;
        self.work_through(server, source, pending).await?;
        self.check_ledger(&list_url, is_signed);
        self.check_sightings().await
    }

    /// Puts what is listed into the ledger, all of it in one transaction, and returns
    /// the entries by their ids there. What is new is put down beside it first, since a
    /// transaction needs room.
    async fn take_in(
        &mut self,
        list_url: &str,
        fetched: FetchedList,
    ) -> Result<BTreeMap<i64, Entry>, Problem> {
        let FetchedList {
            list,
            to_keep,
            sequence,
        } = fetched;
        let listed: Vec<Listed> = list
            .entries
            .iter()
            .map(|entry| Listed {
                url: entry.url.to_string(),
                name: name_below(&entry.url, list_url),
                created: entry.created,
                vouched: list.vouched.get(&entry.url).copied(),
            })
            .collect();
        let (now, list_url) = (self.now, list_url.to_owned());
        let mark = Arc::clone(&self.mark.mark);
        let taken = self.store.write(move |store| {
            let lacked_names = mark.lacks_names();
            let known = store.ledger();
            let mut ledger = known.as_ref().cloned().unwrap_or_default();
            let changes = ledger.take_list(&list_url, &listed, now);
            let sequence = sequence.map(|version| Announced {
                kind: AnnouncedKind::SignedList,
                name: name_hash(&list_url),
                version,
                since: now,
            });
            let told: Vec<Announced> = sequence
                .into_iter()
                .chain(changes.announced.iter().copied())
                .collect();
            // Before all that may fail.
            if let Err(error) = mark.put_down(&told, now) {
                return Ok(Err(Problem::Mark(error)));
            }
            known?;
            // Of every day: a clock that is wrong now has another period.
            let (_, recorded) = store
                .reader()?
                .coverage_and_cycles(UnixSeconds::new(0), now)?;
            let meta = to_keep.as_ref();
            let meta = meta.map(|(name, bytes)| (*name, bytes.as_slice()));
            store.record_listed(&ledger, &changes.changed, meta)?;
            let told = mark.told();
            let mut lacking = ledger.lacks(&told);
            // What of this list found no room there has one here.
            if !lacked_names && mark.lacks_names() {
                lacking.retain(|it| !CheckMark::stands_for_lost(it));
            }
            mark.strike_out_but(&lacking);
            let lacking = lacking.into_iter().filter(|it| it.matters(now)).count();
            Ok(Ok((ledger, recorded, changes.too_many, lacking)))
        });
        let (ledger, recorded, too_many, lacking) = taken.await??;
        if too_many > 0 {
            self.note(Problem::TooManyListed(too_many));
        }
        if lacking > 0 {
            self.note(Problem::Withheld(lacking));
        }
        self.ledger = ledger;
        self.recorded = recorded;
        let ids: BTreeMap<&str, i64> = self
            .ledger
            .exports()
            .iter()
            .map(|(id, export)| (export.url.as_str(), *id))
            .collect();
        Ok(list
            .entries
            .into_iter()
            .filter_map(|entry| Some((*ids.get(entry.url.as_str())?, entry)))
            .collect())
    }

    /// Whether keys of an export that was compared can still be heard.
    fn may_be_heard(&self, id: i64) -> bool {
        let export = self.ledger.get(id);
        let compared = export.and_then(|export| export.compared.as_ref());
        compared.is_some_and(|compared| !compared.is_over(self.now))
    }

    /// Takes the operator's notices. Where they cannot be had, those before stay; no
    /// check fails for it.
    async fn take_notices(&self, source: &Source) {
        let notices = match notices::fetch(source).await {
            Ok(notices) => notices,
            Err(error) => {
                let problem = with_causes(&error);
                tracing::info!(problem, "the operator's notices stay as they were");
                return;
            }
        };
        let kept = self
            .store
            .write(move |store| notices::keep(store, &notices));
        if let Err(problem) = kept.await {
            let problem = with_causes(&problem);
            tracing::warn!(problem, "the operator's notices could not be kept");
        }
    }

    /// Fetches the list: the signed one, if the server has it. Where a valid one was
    /// seen before, nothing less is taken; else what is not signed will do.
    async fn list(&self, server: &Server, source: &Source) -> Result<FetchedList, Problem> {
        let list_url = source.list_url().to_string();
        let stored = self
            .store
            .read(|store| store.get_meta(SIGNED_LIST_META))
            .await?
            .and_then(|bytes| serde_json::from_slice::<SeenList>(&bytes).ok())
            .filter(|seen| seen.url == list_url)
            .map(|seen| seen.sequence);
        let seen = stored.max(self.mark.mark.sequence(&list_url));
        match (signed_list(server, source, seen).await, seen) {
            (Ok((sequence, list)), _) => {
                let is_new = stored != Some(sequence);
                let now_seen = SeenList {
                    url: list_url,
                    sequence,
                };
                let bytes = serde_json::to_vec(&now_seen).ok();
                let to_keep = bytes.filter(|_| is_new);
                Ok(FetchedList {
                    list,
                    to_keep: to_keep.map(|bytes| (SIGNED_LIST_META, bytes)),
                    sequence: Some(sequence).filter(|_| is_new),
                })
            }
            (Err(problem), Some(_)) => Err(problem),
            (Err(Problem::NotSigned), None) => self.unsigned_list(server, source).await,
            (Err(problem), None) => {
                let problem = with_causes(&problem);
                tracing::info!(problem, "there is no signed list");
                self.unsigned_list(server, source).await
            }
        }
    }

    /// Fetches the list that is not signed, or takes the copy at hand if it has not
    /// changed.
    async fn unsigned_list(
        &self,
        server: &Server,
        source: &Source,
    ) -> Result<FetchedList, Problem> {
        let cached = self
            .store
            .read(|store| store.get_meta(LIST_META))
            .await?
            .and_then(|bytes| serde_json::from_slice::<CachedList>(&bytes).ok())
            .filter(|cached| cached.url == source.list_url().as_str());
        let cached = cached.and_then(|cached| {
            let list = server.parse_list(cached.json.as_bytes(), source).ok()?;
            Some((cached.validators, list))
        });
        let known = cached.as_ref().map(|(validators, _)| validators);
        match (source.list(known).await, cached) {
            (Ok(Listing::Unchanged), Some((_, list))) => Ok(FetchedList {
                list,
                to_keep: None,
                sequence: None,
            }),
            // The source does not answer so unless it was given validators.
            (Ok(Listing::Unchanged), None) => Err(Problem::ListSource(SourceError::Status(304))),
            (Ok(Listing::Fetched { bytes, validators }), _) => {
                let list = server.parse_list(&bytes, source).map_err(Problem::List)?;
                let cached = CachedList {
                    url: source.list_url().to_string(),
                    validators,
                    // What was parsed as JSON is UTF-8.
                    json: String::from_utf8_lossy(&bytes).into_owned(),
                };
                Ok(FetchedList {
                    list,
                    to_keep: serde_json::to_vec(&cached)
                        .ok()
                        .map(|bytes| (LIST_META, bytes)),
                    sequence: None,
                })
            }
            (Err(error), _) => Err(Problem::ListSource(error)),
        }
    }

    /// Fetches, verifies and matches `pending`, as many keys at a time as fit, and
    /// within the bounds of a check.
    async fn work_through(
        &mut self,
        server: &Arc<Server>,
        source: &Source,
        pending: Vec<(i64, Entry)>,
    ) -> Result<(), Problem> {
        let mut batch = Vec::new();
        let mut keys = 0;
        let (mut unreachable, mut refused, mut bytes) = (0, BTreeSet::new(), 0);
        let mut newly_refused = BTreeSet::new();
        // What is not compared by the end of this has its problem.
        let mut untried: Vec<i64> = pending.iter().map(|(id, _)| *id).rev().collect();
        for (id, entry) in pending {
            let is_enough = unreachable == MAX_UNREACHABLE
                || refused.len() == MAX_REFUSED
                || bytes >= server.limits.check_bytes
                || self.time_left().is_zero();
            if is_enough {
                break;
            }
            let vouched = self.ledger.get(id).and_then(|export| export.vouched);
            let expected = vouched.map(|vouched| vouched.sha256);
            let fetching = fetch_and_verify(server, source, id, &entry, expected);
            let Ok(fetched) = tokio::time::timeout(self.time_left(), fetching).await else {
                break;
            };
            untried.pop();
            match fetched {
                Ok((verified, size)) => {
                    unreachable = 0;
                    bytes += size;
                    keys += verified.export.keys.len() + verified.export.revised_keys.len();
                    batch.push(verified);
                }
                Err(problem) => {
                    match problem.outcome() {
                        CheckOutcome::Unreachable => unreachable += 1,
                        CheckOutcome::StorageFailed => return Err(problem),
                        CheckOutcome::Complete
                        | CheckOutcome::BadAnswer
                        | CheckOutcome::ExportRefused
                        | CheckOutcome::ListRefused
                        | CheckOutcome::NotConfigured => {
                            unreachable = 0;
                            source.discard(&entry).await;
                            refused.insert(id);
                            if self.ledger.note_refused(id, with_causes(&problem)) {
                                newly_refused.insert(id);
                            }
                        }
                    }
                    self.explained.insert(id);
                    self.note(problem);
                }
            }
            if keys >= KEYS_PER_PASS || batch.len() >= EXPORTS_PER_PASS {
                self.match_pass(server, source, std::mem::take(&mut batch))
                    .await?;
                keys = 0;
            }
        }
        if !untried.is_empty() {
            self.note(Problem::NotTried(untried.len()));
            self.explained.extend(untried);
        }
        self.match_pass(server, source, batch).await?;
        self.record_listed(newly_refused).await
    }

    /// How much time is left for this check.
    fn time_left(&self) -> Duration {
        self.deadline.map_or(Duration::MAX, |deadline| {
            deadline.saturating_duration_since(Instant::now())
        })
    }

    /// Records those exports that have changed in the ledger, in one transaction.
    async fn record_listed(&self, changed: BTreeSet<i64>) -> Result<(), Problem> {
        let ledger = self.ledger.clone();
        self.store
            .write(move |store| store.record_listed(&ledger, &changed, None))
            .await
    }

    /// Matches `batch` in one pass over the sightings and records each export with
    /// what it brought.
    async fn match_pass(
        &mut self,
        server: &Arc<Server>,
        source: &Source,
        batch: Vec<Verified>,
    ) -> Result<(), Problem> {
        if batch.is_empty() {
            return Ok(());
        }
        self.counts.matched += batch.len();
        let compared_at = self.time();
        let entries: Vec<(i64, Entry)> = batch
            .iter()
            .map(|one| (one.id, one.entry.clone()))
            .collect();
        let store = self.store.clone();
        let server = Arc::clone(server);
        let ledger = self.ledger.clone();
        let passed = blocking(move || store.match_and_record(&server, &batch, ledger, compared_at))
            .await
            .map_err(Problem::Store)?;
        self.counts.exposures_changed += passed.exposures_changed;
        self.ledger = passed.ledger;
        // Damage found now is reported at the end, with all other.
        if passed.damaged_segments > 0 {
            tracing::warn!(segments = passed.damaged_segments, "damaged segments");
        }
        // The files of keys that may still be heard are of use to the next check, unless
        // they are another's.
        let open = self.ledger.open(&self.recorded, self.now);
        for (id, entry) in entries {
            if open.contains(&id) || !self.may_be_heard(id) {
                source.discard(&entry).await;
            }
        }
        Ok(())
    }

    /// Finds what was ever listed and is not compared, whether it is listed now or not.
    fn check_ledger(&mut self, list_url: &str, is_signed: bool) {
        let mut open = self.ledger.open(&self.recorded, self.now);
        open.retain(|id| !self.explained.contains(id));
        if !open.is_empty() {
            self.note(Problem::NotCompared(open.len()));
        }
        for (number, of) in self.ledger.missing_batches(self.now) {
            self.note(Problem::MissingBatch { number, of });
        }
        let withheld = self.ledger.withheld(list_url, self.now);
        if withheld > 0 && !is_signed {
            self.note(Problem::Withheld(withheld));
        }
    }

    /// Nothing is complete while part of the sightings cannot be read.
    async fn check_sightings(&mut self) -> Result<(), Problem> {
        let (since, until) = (period(self.now).0.start(), self.now);
        let coverage = self
            .store
            .read(move |store| store.reader()?.coverage(since, until))
            .await?;
        if coverage.damaged_segments > 0 {
            self.note(Problem::Damaged(coverage.damaged_segments));
        }
        Ok(())
    }

    /// Records how it went.
    async fn finish(mut self) -> CheckReport {
        let ended = self.time();
        let record = CheckRecord {
            started: self.now,
            ended,
            outcome: worst(&self.problems),
            counts: self.has_list.then(|| self.counts.to_kept()),
            detail: detail(&self.problems),
        };
        let looked_at = self.recorded.last_numbers();
        let recorded = self
            .store
            .write(move |store| store.record_check(&record, &looked_at))
            .await;
        match recorded {
            Ok(()) => self.mark.leaves = Leaves::Record,
            Err(problem) => self.note(problem),
        }
        let outcome = worst(&self.problems);
        for problem in &self.problems {
            tracing::warn!(problem = with_causes(problem), "the check is not complete");
        }
        let Counts {
            listed,
            outdated,
            known,
            matched,
            exposures_changed: _,
        } = self.counts;
        tracing::info!(%outcome, listed, outdated, known, matched, "checked");
        CheckReport {
            outcome,
            started: self.now,
            ended,
            counts: self.counts,
            problems: std::mem::take(&mut self.problems),
        }
    }

    /// The wall clock, as far as the check knows it.
    fn time(&self) -> UnixSeconds {
        let passed = i32::try_from(self.began.elapsed().as_secs()).unwrap_or(i32::MAX);
        self.now.saturating_add_signed(passed)
    }
}

impl SharedStore {
    /// Reads from the store on a blocking thread.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        self.write(|store| read(store)).await
    }

    /// Works with the store on a blocking thread.
    async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let this = self.clone();
        let written = blocking(move || {
            let mut store = lock(&this.store);
            // Whoever erases the store ends the check first, and then waits for
            // this lock: nothing of before may be written after.
            (!this.is_cancelled()).then(|| write(&mut store))
        });
        match written.await {
            Some(result) => result.map_err(Problem::Store),
            // Only when this future is dropped, too.
            None => std::future::pending().await,
        }
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Matches `batch` and records it, export by export. The lock is held only
    /// while something is read or recorded, not while matching.
    fn match_and_record(
        &self,
        server: &Server,
        batch: &[Verified],
        mut ledger: Ledger,
        compared_at: UnixSeconds,
    ) -> Result<Passed, StoreError> {
        let (reader, stored) = {
            let store = lock(&self.store);
            (store.reader()?, store.exposures()?)
        };
        let first_day = period(compared_at).0.saturating_sub(1);
        let since = first_day.start();
        // Before the sightings are read, so that none between is taken as seen.
        let (_, recorded) = reader.coverage_and_cycles(since, compared_at)?;
        let sightings = StoredSightings {
            reader,
            since,
            damaged_segments: Cell::new(0),
        };
        let keys = keys_to_match(batch);
        let means = means(keys.len());
        let found = matching::match_keys_by(&sightings, &keys, &server.matching, means)?;
        let damaged_segments = sightings.damaged_segments.get();
        drop(sightings);
        let matches = Matches::new(&keys, found);
        let mut exposures = Exposures::new(stored.found);
        let mut changed: BTreeMap<[u8; KEY_LEN], StoredExposure> = BTreeMap::new();
        let mut compared = BTreeSet::new();
        for verified in batch {
            let put =
                exposures.take_in(verified.export.all_keys(), &matches, &server.configuration);
            for exposure in put {
                changed.insert(*exposure.key.tek.expose_bytes(), exposure);
            }
            let comparison = Comparison::new(&verified.export, &recorded, first_day, compared_at);
            ledger.note_compared(verified.id, verified.brought, comparison);
            compared.insert(verified.id);
        }
        let changes = ExposureChanges {
            put: changed.into_values().collect(),
            remove: Vec::new(),
        };
        let mut store = lock(&self.store);
        // As in `write`.
        if !self.is_cancelled() {
            store.record_compared(&ledger, &compared, &changes)?;
        }
        Ok(Passed {
            ledger,
            exposures_changed: changes.put.len(),
            damaged_segments,
        })
    }
}

/// All sightings that are stored.
struct StoredSightings {
    reader: Reader,
    since: UnixSeconds,
    damaged_segments: Cell<u64>,
}

impl SightingSource for StoredSightings {
    type Error = StoreError;

    fn for_each(&self, visit: &mut dyn FnMut(&Sighting)) -> Result<(), StoreError> {
        let report = self.reader.for_each_sighting(self.since, visit)?;
        let damaged = report.damaged_segments.max(self.damaged_segments.get());
        self.damaged_segments.set(damaged);
        Ok(())
    }
}

/// Fetches and verifies the signed list, of which number `seen` was seen before.
async fn signed_list(
    server: &Server,
    source: &Source,
    seen: Option<u64>,
) -> Result<(u64, List), Problem> {
    let bytes = source.signed_list().await.map_err(Problem::ListSource)?;
    let bytes = bytes.ok_or(Problem::NotSigned)?;
    let listing = server
        .open_signed_list(&bytes)
        .map_err(Problem::SignedList)?;
    if listing.region != server.region {
        return Err(Problem::SignedListRegion);
    }
    let sequence = listing.sequence;
    if let Some(seen) = seen.filter(|seen| sequence < *seen) {
        return Err(Problem::OlderList { sequence, seen });
    }
    Ok((sequence, server.signed_entries(&listing, source)))
}

/// Fetches and verifies one export. A file that an earlier download left and that
/// turns out bad is fetched once more, from the beginning.
async fn fetch_and_verify(
    server: &Arc<Server>,
    source: &Source,
    id: i64,
    entry: &Entry,
    expected: Option<[u8; 32]>,
) -> Result<(Verified, u64), Problem> {
    loop {
        let fetched = source
            .export(entry)
            .await
            .map_err(|source| Problem::ExportSource {
                name: name_of(entry),
                source,
            })?;
        let size = u64::try_from(fetched.bytes.len()).unwrap_or(u64::MAX);
        let (server, entry_copy) = (Arc::clone(server), entry.clone());
        let verified = blocking(move || verify(&server, id, entry_copy, &fetched.bytes, expected));
        let verified = verified.await;
        if verified.is_ok() || !fetched.resumed {
            return verified.map(|verified| (verified, size));
        }
        source.discard(entry).await;
    }
}

fn verify(
    server: &Server,
    id: i64,
    entry: Entry,
    zip: &[u8],
    expected: Option<[u8; 32]>,
) -> Result<Verified, Problem> {
    let sha256 = Sha256::digest(zip).into();
    if expected.is_some_and(|expected| expected != sha256) {
        return Err(Problem::Differs {
            name: name_of(&entry),
        });
    }
    let refused = |source| Problem::Export {
        name: name_of(&entry),
        source,
    };
    let limits = export::Limits {
        archive: usize::try_from(server.limits.export_bytes).unwrap_or(usize::MAX),
        ..export::Limits::default()
    };
    let verified = export::open(zip, &limits)
        .and_then(|unverified| unverified.verify(&server.public_keys))
        .map_err(refused)?;
    let content = verified.content();
    let export = verified.into_export();
    if export.region != server.region {
        return Err(Problem::Region {
            name: name_of(&entry),
        });
    }
    let keys = export.keys.len() + export.revised_keys.len();
    Ok(Verified {
        id,
        entry,
        brought: Brought {
            content,
            sha256,
            batch: ExportBatch::of(&export),
            keys: u32::try_from(keys).unwrap_or(u32::MAX),
        },
        export,
    })
}

/// The keys of `batch` as they are looked for among the sightings: also those that are
/// revoked, for whoever met one must know when it is published again. A report type only
/// decides there whether a key is looked for at all; which of several with one TEK is,
/// matching decides.
fn keys_to_match(batch: &[Verified]) -> Vec<DiagnosisKey> {
    let as_looked_for = |key: &DiagnosisKey| {
        let mut key = key.clone();
        if key.report_type == ReportType::Revoked {
            key.report_type = ReportType::ConfirmedTest;
        }
        key
    };
    batch
        .iter()
        .flat_map(|verified| verified.export.all_keys())
        .map(as_looked_for)
        .collect()
}

/// What of this machine the matching of `keys` keys may use.
fn means(keys: usize) -> Means {
    let threads = effort::threads(Situation {
        keys,
        processors: thread::available_parallelism().map_or(1, NonZero::get),
        on_battery: supply::is_on_battery(Path::new("/")),
    });
    Means {
        at_once: match threads {
            Threads::One => None,
            Threads::Two => Some(on_two_threads),
        },
        ..Means::of_one_thread()
    }
}

/// Does `first` on a thread of its own while `second` is done here; one after the other
/// where there can be no other thread.
fn on_two_threads(first: &mut (dyn FnMut() + Send), second: &mut (dyn FnMut() + Send)) {
    let has_begun = thread::scope(|scope| {
        let begun = thread::Builder::new().spawn_scoped(scope, &mut *first);
        second();
        begun.is_ok()
    });
    if !has_begun {
        first();
    }
}

/// The outcome of a check with these problems.
fn worst(problems: &[Problem]) -> CheckOutcome {
    let severity = |outcome: &CheckOutcome| match outcome {
        CheckOutcome::Complete => 0,
        CheckOutcome::NotConfigured => 1,
        CheckOutcome::Unreachable => 2,
        CheckOutcome::BadAnswer => 3,
        CheckOutcome::ExportRefused => 4,
        CheckOutcome::ListRefused => 5,
        CheckOutcome::StorageFailed => 6,
    };
    problems
        .iter()
        .map(Problem::outcome)
        .max_by_key(severity)
        .unwrap_or(CheckOutcome::Complete)
}

/// The problems as text, bounded.
fn detail(problems: &[Problem]) -> String {
    let mut text = String::new();
    for problem in problems {
        let next = with_causes(problem);
        if text.len() + next.len() + 2 > MAX_DETAIL_LEN {
            text.push('…');
            break;
        }
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(&next);
    }
    text
}

/// An error with everything that caused it, bounded. Some of it, such as the name
/// of an unknown key, was written by whoever made the file.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text.chars()
        .map(|c| if c.is_control() { '�' } else { c })
        .take(MAX_PROBLEM_CHARS)
        .collect()
}

/// The file name of an export, for showing: nothing in it can disturb a log.
fn name_of(entry: &Entry) -> String {
    let last = entry.url.path().rsplit('/').next().unwrap_or_default();
    last.chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        .take(64)
        .collect()
}

fn lock(store: &Mutex<Store>) -> MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work` on a blocking thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only while the runtime shuts down, and this future with it.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests;
