//! One check against the notification server: from its list to stored exposures.
//!
//! list → exports that are new → verified → matched against every sighting →
//! exposures. Each step is bounded, and each export is recorded in the same
//! transaction as the exposures it brought, so that a check that is cut off at any
//! point loses work but no result and doubles none.
//!
//! An export that is refused does not keep the others from being matched: whoever
//! can spoil one file must not be able to silence the rest. But then the check is
//! not complete, and "no contact" is not said.
//!
//! # Keys that may still be heard
//! Servers hand out a key only after it is no longer broadcast, but some hand out
//! today's with a short rolling period, and clocks may be two hours apart. So an
//! export stays *open* until two hours after its last key ended, by this device's
//! clock: every check until then matches it again, over the sightings that have
//! come in since, and its file is kept for that.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use gaen::diagnosis::DiagnosisKey;
use gaen::export::{self, Export, ExportError};
use gaen::key::KEY_LEN;
use gaen::matching::{self, MAX_DRIFT, SightingSource};
use gaen::sighting::Sighting;
use gaen::time::{INTERVAL_SECONDS, UnixSeconds};
use serde::{Deserialize, Serialize};
use sesshoku_dbus_api as api;
use sha2::{Digest, Sha256};

use super::assess::{PERIOD_DAYS, period};
use super::exposures::{Exposures, Matches};
use super::list::{Entry, List, ListError};
use super::notices;
use super::settings::Server;
use super::source::{Listing, Source, SourceError, Validators};
use crate::store::{
    CheckCounts, CheckOutcome, CheckRecord, ExportBatch, ExportOutcome, ExportRecord,
    ExposureChanges, Reader, Store, StoreError,
};

/// Keys matched in one pass over the sightings: about 64 bytes of memory each.
const KEYS_PER_PASS: usize = 500_000;
/// After this many exports in a row that could not be reached, the others are not
/// tried.
const MAX_UNREACHABLE: usize = 3;
/// An export made this many days ago has no key that was broadcast within the
/// period: one day more for keys handed out on their own day, and the drift.
const OUTDATED_AFTER_DAYS: u32 = PERIOD_DAYS + 2;
/// How long after it was heard a sighting is in the store at the latest.
const SETTLE_SECONDS: u32 = 900;
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
    pub outcome: api::CheckOutcome,
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

impl Default for CheckReport {
    fn default() -> Self {
        Self {
            outcome: api::CheckOutcome::Never,
            started: UnixSeconds::new(0),
            ended: UnixSeconds::new(0),
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

impl From<CheckRecord> for api::CheckEntry {
    fn from(record: CheckRecord) -> Self {
        Self {
            started: record.started.get().into(),
            ended: record.ended.get().into(),
            outcome: api::CheckOutcome::from(record.outcome).to_string(),
            listed: record.counts.map(|counts| counts.listed),
            compared: record.counts.map(|counts| counts.compared),
        }
    }
}

impl From<CheckOutcome> for api::CheckOutcome {
    fn from(outcome: CheckOutcome) -> Self {
        match outcome {
            CheckOutcome::Complete => Self::Complete,
            CheckOutcome::Unreachable => Self::Unreachable,
            CheckOutcome::BadAnswer => Self::BadAnswer,
            CheckOutcome::ExportRefused => Self::ExportRefused,
            CheckOutcome::NotConfigured => Self::NotConfigured,
            CheckOutcome::StorageFailed => Self::StorageFailed,
        }
    }
}

impl Problem {
    /// The outcome of a check with this problem alone.
    const fn outcome(&self) -> CheckOutcome {
        match self {
            Self::NotConfigured => CheckOutcome::NotConfigured,
            Self::List(_) | Self::ListSource(SourceError::TooLarge { .. }) => {
                CheckOutcome::BadAnswer
            }
            Self::ListSource(source) | Self::ExportSource { source, .. } => of_source(source),
            Self::Export { .. } | Self::Region { .. } | Self::MissingBatch { .. } => {
                CheckOutcome::ExportRefused
            }
            Self::NotTried(_) => CheckOutcome::Unreachable,
            Self::Damaged(_) | Self::Store(_) | Self::Downloads(_) => CheckOutcome::StorageFailed,
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
    let mut check = Check {
        store: SharedStore {
            store,
            cancelled: Arc::default(),
        },
        now,
        began,
        has_list: false,
        counts: Counts::default(),
        problems: Vec::new(),
    };
    // Dropping the future must stop the blocking threads, too.
    let _cancel = CancelOnDrop(Arc::clone(&check.store.cancelled));
    let result = match server {
        Some(server) => check.ask(&server).await,
        None => Err(Problem::NotConfigured),
    };
    check.problems.extend(result.err());
    check.finish().await
}

/// A check under way.
struct Check {
    store: SharedStore,
    now: UnixSeconds,
    began: Instant,
    /// Whether there was a list to count the exports of.
    has_list: bool,
    counts: Counts,
    problems: Vec<Problem>,
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

/// The last list, as it is kept in the store.
#[derive(Serialize, Deserialize)]
struct CachedList {
    url: String,
    validators: Validators,
    json: String,
}

/// A verified export that waits to be matched.
struct Verified {
    entry: Entry,
    sha256: [u8; 32],
    export: Export,
}

/// What a pass over the sightings brought.
struct Passed {
    exposures_changed: usize,
    damaged_segments: u64,
}

impl Check {
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
        let list = self.list(server, source).await?;
        self.has_list = true;
        self.counts.listed = list.entries.len();
        self.problems
            .extend(list.forbidden.into_iter().map(Problem::List));

        let records = self.store.read(Store::processed_exports).await?;
        let pending = self.pending(&list.entries, &records);
        source
            .discard_all_but(&pending)
            .await
            .map_err(Problem::Downloads)?;
        self.work_through(server, source, pending, &records).await?;
        self.check_batches(&list.entries).await?;
        self.check_sightings().await
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

    /// Fetches the list, or takes the copy at hand if it has not changed.
    async fn list(&self, server: &Server, source: &Source) -> Result<List, Problem> {
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
            (Ok(Listing::Unchanged), Some((_, list))) => Ok(list),
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
                self.store
                    .write(move |store| {
                        let bytes = serde_json::to_vec(&cached).unwrap_or_default();
                        store.put_meta(LIST_META, Some(&bytes))
                    })
                    .await?;
                Ok(list)
            }
            (Err(error), _) => Err(Problem::ListSource(error)),
        }
    }

    /// The entries that are to be fetched and matched, oldest first.
    fn pending(&mut self, entries: &[Entry], records: &[ExportRecord]) -> Vec<Entry> {
        let outdated_days = self.now.utc_day().saturating_sub(OUTDATED_AFTER_DAYS);
        let outdated_ms = u64::from(outdated_days.start().get()) * 1000;
        let finished: BTreeSet<(&str, u64)> = records
            .iter()
            .filter(|record| is_finished(record))
            .map(|record| (record.url.as_str(), record.created))
            .collect();
        let mut pending = Vec::new();
        for entry in entries {
            if finished.contains(&(entry.url.as_str(), entry.created)) {
                self.counts.known += 1;
            } else if entry.is_before(outdated_ms) {
                self.counts.outdated += 1;
            } else {
                pending.push(entry.clone());
            }
        }
        pending
    }

    /// Fetches, verifies and matches `pending`, as many keys at a time as fit.
    async fn work_through(
        &mut self,
        server: &Arc<Server>,
        source: &Source,
        pending: Vec<Entry>,
        records: &[ExportRecord],
    ) -> Result<(), Problem> {
        let mut batch = Vec::new();
        let mut keys = 0;
        let mut unreachable = 0;
        let total = pending.len();
        for (index, entry) in pending.into_iter().enumerate() {
            if unreachable == MAX_UNREACHABLE {
                self.problems.push(Problem::NotTried(total - index));
                break;
            }
            match fetch_and_verify(server, source, &entry).await {
                Ok(verified) => {
                    unreachable = 0;
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
                        | CheckOutcome::NotConfigured => {
                            unreachable = 0;
                            source.discard(&entry).await;
                            self.record_refusal(&entry, &problem, records).await?;
                        }
                    }
                    self.problems.push(problem);
                }
            }
            if keys >= KEYS_PER_PASS {
                self.match_pass(server, source, std::mem::take(&mut batch))
                    .await?;
                keys = 0;
            }
        }
        self.match_pass(server, source, batch).await
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
        // Before the sightings are read, so that none between is taken as seen.
        let processed_at = self.time();
        let entries: Vec<Entry> = batch.iter().map(|one| one.entry.clone()).collect();
        let store = self.store.clone();
        let server = Arc::clone(server);
        let passed = blocking(move || store.match_and_record(&server, &batch, processed_at))
            .await
            .map_err(Problem::Store)?;
        self.counts.exposures_changed += passed.exposures_changed;
        // Damage found now is reported at the end, with all other.
        if passed.damaged_segments > 0 {
            tracing::warn!(segments = passed.damaged_segments, "damaged segments");
        }
        // The files of open exports are of use to the next check.
        let records = self.store.read(Store::processed_exports).await?;
        for entry in entries {
            let is_done = records.iter().any(|record| {
                record.url == entry.url.as_str()
                    && record.created == entry.created
                    && is_finished(record)
            });
            if is_done {
                source.discard(&entry).await;
            }
        }
        Ok(())
    }

    async fn record_refusal(
        &self,
        entry: &Entry,
        problem: &Problem,
        records: &[ExportRecord],
    ) -> Result<(), Problem> {
        let outcome = ExportOutcome::Refused {
            reason: with_causes(problem),
        };
        let is_known = records.iter().any(|record| {
            record.url == entry.url.as_str()
                && record.created == entry.created
                && record.outcome == outcome
        });
        if is_known {
            return Ok(());
        }
        let record = ExportRecord {
            url: entry.url.to_string(),
            created: entry.created,
            sha256: [0; 32],
            outcome,
            processed_at: self.time(),
        };
        self.store
            .write(move |store| store.record_export(&record, &ExposureChanges::default()))
            .await
    }

    /// Finds the batches that are missing in exports of which some are listed.
    async fn check_batches(&mut self, entries: &[Entry]) -> Result<(), Problem> {
        let records = self.store.read(Store::processed_exports).await?;
        self.problems.extend(missing_batches(entries, &records));
        Ok(())
    }

    /// Nothing is complete while part of the sightings cannot be read.
    async fn check_sightings(&mut self) -> Result<(), Problem> {
        let (since, until) = (period(self.now).0.start(), self.now);
        let coverage = self
            .store
            .read(move |store| store.reader()?.coverage(since, until))
            .await?;
        if coverage.damaged_segments > 0 {
            self.problems
                .push(Problem::Damaged(coverage.damaged_segments));
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
        if let Err(problem) = self
            .store
            .write(move |store| store.record_check(&record))
            .await
        {
            self.problems.push(problem);
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
        let outcome = api::CheckOutcome::from(outcome);
        tracing::info!(%outcome, listed, outdated, known, matched, "checked");
        CheckReport {
            outcome,
            started: self.now,
            ended,
            counts: self.counts,
            problems: self.problems,
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
        processed_at: UnixSeconds,
    ) -> Result<Passed, StoreError> {
        let (reader, stored) = {
            let store = lock(&self.store);
            (store.reader()?, store.exposures()?)
        };
        let sightings = StoredSightings {
            reader,
            since: period(processed_at).0.saturating_sub(1).start(),
            damaged_segments: Cell::new(0),
        };
        let keys = keys_to_match(batch);
        let found = matching::match_keys(&sightings, &keys, &server.matching)?;
        let damaged_segments = sightings.damaged_segments.get();
        drop(sightings);
        let matches = Matches::new(&keys, found, damaged_segments > 0);
        let mut exposures = Exposures::new(stored.found);
        let mut passed = Passed {
            exposures_changed: 0,
            damaged_segments,
        };
        for verified in batch {
            let put =
                exposures.take_in(verified.export.all_keys(), &matches, &server.configuration);
            passed.exposures_changed += put.len();
            let changes = ExposureChanges {
                put,
                remove: Vec::new(),
            };
            let record = verified.record(processed_at);
            let mut store = lock(&self.store);
            // As in `write`.
            if self.is_cancelled() {
                break;
            }
            store.record_export(&record, &changes)?;
        }
        Ok(passed)
    }
}

impl Verified {
    fn record(&self, processed_at: UnixSeconds) -> ExportRecord {
        let keys = self.export.keys.len() + self.export.revised_keys.len();
        ExportRecord {
            url: self.entry.url.to_string(),
            created: self.entry.created,
            sha256: self.sha256,
            outcome: ExportOutcome::Accepted {
                keys: u32::try_from(keys).unwrap_or(u32::MAX),
                batch: ExportBatch {
                    start: self.export.start,
                    end: self.export.end,
                    number: self.export.batch_num,
                    of: self.export.batch_size,
                },
                open_until: open_until(&self.export),
            },
            processed_at,
        }
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

/// Fetches and verifies one export. A file that an earlier download left and that
/// turns out bad is fetched once more, from the beginning.
async fn fetch_and_verify(
    server: &Arc<Server>,
    source: &Source,
    entry: &Entry,
) -> Result<Verified, Problem> {
    loop {
        let fetched = source
            .export(entry)
            .await
            .map_err(|source| Problem::ExportSource {
                name: name_of(entry),
                source,
            })?;
        let (server, entry_copy) = (Arc::clone(server), entry.clone());
        let verified = blocking(move || verify(&server, entry_copy, &fetched.bytes)).await;
        if verified.is_ok() || !fetched.resumed {
            return verified;
        }
        source.discard(entry).await;
    }
}

fn verify(server: &Server, entry: Entry, zip: &[u8]) -> Result<Verified, Problem> {
    let refused = |source| Problem::Export {
        name: name_of(&entry),
        source,
    };
    let limits = export::Limits {
        archive: usize::try_from(server.limits.export_bytes).unwrap_or(usize::MAX),
        ..export::Limits::default()
    };
    let export = export::open(zip, &limits)
        .and_then(|unverified| unverified.verify(&server.public_keys))
        .map_err(refused)?
        .into_export();
    if export.region != server.region {
        return Err(Problem::Region {
            name: name_of(&entry),
        });
    }
    Ok(Verified {
        entry,
        sha256: Sha256::digest(zip).into(),
        export,
    })
}

/// Each key of `batch` once, as it is looked for among the sightings. Its report
/// type only decides there whether it is looked for at all, so one that counts
/// goes before one that does not.
fn keys_to_match(batch: &[Verified]) -> Vec<DiagnosisKey> {
    let mut keys: BTreeMap<[u8; KEY_LEN], &DiagnosisKey> = BTreeMap::new();
    for key in batch.iter().flat_map(|verified| verified.export.all_keys()) {
        keys.entry(*key.tek.expose_bytes())
            .and_modify(|known| {
                if !known.report_type.is_matched() {
                    *known = key;
                }
            })
            .or_insert(key);
    }
    keys.into_values().cloned().collect()
}

/// Until when sightings of the keys of `export` may still come into the store.
fn open_until(export: &Export) -> UnixSeconds {
    let last_end = export
        .all_keys()
        .map(|key| key.rolling_start.saturating_add(key.rolling_period.get()))
        .max();
    let wait = MAX_DRIFT * INTERVAL_SECONDS + SETTLE_SECONDS;
    let wait = i32::try_from(wait).unwrap_or(i32::MAX);
    last_end.map_or(UnixSeconds::new(0), |end| {
        end.start().saturating_add_signed(wait)
    })
}

/// Whether an export needs no more looking at.
fn is_finished(record: &ExportRecord) -> bool {
    match &record.outcome {
        ExportOutcome::Accepted { open_until, .. } => record.processed_at >= *open_until,
        ExportOutcome::Refused { .. } => false,
    }
}

/// The batches that are missing in exports of which some batch is listed.
///
/// Several files may be the same batch of the same time: COCOA made one for each
/// day of keys.
fn missing_batches(entries: &[Entry], records: &[ExportRecord]) -> Vec<Problem> {
    let listed: BTreeSet<(&str, u64)> = entries
        .iter()
        .map(|entry| (entry.url.as_str(), entry.created))
        .collect();
    let mut sets: BTreeMap<(u64, u64, u32), (bool, BTreeSet<u32>)> = BTreeMap::new();
    for record in records {
        let ExportOutcome::Accepted { batch, .. } = &record.outcome else {
            continue;
        };
        let set = sets.entry((batch.start, batch.end, batch.of)).or_default();
        set.0 |= listed.contains(&(record.url.as_str(), record.created));
        set.1.insert(batch.number);
    }
    sets.into_iter()
        .filter(|(_, (is_listed, _))| *is_listed)
        .filter_map(|((_, _, of), (_, numbers))| {
            let number = (1..=of).find(|number| !numbers.contains(number))?;
            Some(Problem::MissingBatch { number, of })
        })
        .collect()
}

/// The outcome of a check with these problems.
fn worst(problems: &[Problem]) -> CheckOutcome {
    let severity = |outcome: &CheckOutcome| match outcome {
        CheckOutcome::Complete => 0,
        CheckOutcome::NotConfigured => 1,
        CheckOutcome::Unreachable => 2,
        CheckOutcome::BadAnswer => 3,
        CheckOutcome::ExportRefused => 4,
        CheckOutcome::StorageFailed => 5,
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
