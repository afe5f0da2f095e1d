//! Making exports, publishing them, and deleting them after 14 days.
//!
//! # Order
//! 1. In one transaction, every key that is due gets the number of the batch it will
//!    be in, and random keys fill the last one up. From here on it is settled what
//!    is in which file, whoever makes it, however often. Of a backlog of more than
//!    [`KEYS_AT_ONCE`] several exports are made, each in a transaction of its own, of
//!    everybody's keys whose random bytes lie in one of as many equal ranges: memory is
//!    bounded, registrations go on in between, and which keys are in one says nothing of
//!    whose they are.
//! 2. Each batch's file is made and put in place, whole.
//! 3. In one transaction, all batches of the export become listed, with their files'
//!    hashes.
//! 4. The lists are written: the signed one, then the plain one.
//!
//! To delete: (a) batches become unlisted, (b) the lists are written, (c) once that is
//! done, in the next round, their files are deleted, (d) their keys.
//!
//! Each round does first what an earlier one left undone, and compares the lists
//! with those that are there: wherever a process is killed, the next one goes on,
//! no key is published twice or not at all, and no list names a file that is not
//! there.
//!
//! # Signed listings
//! Each listing gets a sequence number from the database, greater than any before and
//! than what is published, and no less than the time in seconds: it grows even where
//! the database comes from a backup and the published listing is lost. What is
//! published must be what was given out last, or it is made anew: so a listing that a
//! process wrote after it had lost the lease is put right within a round.
//!
//! # What is lost
//! Whoever takes the lease looks what has become of the files and of the database, and so
//! does the next round where the list is gone ([`restore`]).
//!
//! # One at a time
//! A lease in the database lets one process do this. It is renewed in each round and
//! before each file. Who loses it, by standing still too long, finds out in the
//! transactions, which check it; a file it writes nevertheless has the same content
//! as the new holder's, and a list is corrected within a round.

use std::sync::Arc;
use std::time::Duration;

use gaen::export::{Export, Signer, WriteError};
use gaen::listing::{self, Listing, ListingEntry};
use gaen::time::UnixSeconds;
use getrandom::SysRng;
use rand_core::{Rng, UnwrapErr};
use serde::Serialize;
use sha2::{Digest, Sha256};
use url::Url;

mod restore;

use super::blobs::{BlobError, Blobs};
use super::config;
use super::metrics::Metrics;
use super::rules::{kept_since, publishable_until};
use super::signers::Signers;
use super::store::{Batch, Holder, Listed, Part, Run, Sizes, Store, StoreError};
use crate::clock::Clock;
use crate::http::{Shutdown, ended};
use crate::log::Causes;

use restore::Believed;
pub(super) use restore::Rebuilt;
pub(super) use restore::is_incomplete;

/// Longest time from one round to the next.
const ROUND: Duration = Duration::from_secs(5);
/// Shortest.
const SHORTEST_ROUND: Duration = Duration::from_millis(100);

/// Makes exports.
pub(super) struct Exporter {
    parts: Parts,
    /// This process's name.
    holder: Holder,
    /// Whether it held the lease to the end of the last round.
    holds: bool,
}

/// What an exporter works with.
pub(super) struct Parts {
    pub(super) clock: Clock,
    pub(super) store: Store,
    pub(super) blobs: Blobs,
    pub(super) signers: Signers,
    pub(super) regions: Vec<String>,
    /// What comes before the files' names in lists.
    pub(super) base_url: Url,
    pub(super) settings: config::Export,
    pub(super) metrics: Metrics,
    /// How many keys an export is made of at most, so that memory is bounded: of more that
    /// wait, several are made.
    pub(super) keys_at_once: u64,
}

/// How many keys that wait are claimed in one transaction.
pub(super) const KEYS_AT_ONCE: u64 = 60_000;

/// Why a round did not come to its end. The next one goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database failed, or another process has taken over.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The files cannot be got at.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// It does not fit the format.
    #[error("an export cannot be written")]
    Write(#[from] WriteError),
    /// The database is empty, and exports are published.
    #[error("the storage holds exports that this database knows nothing of")]
    Foreign,
    /// The work was broken off.
    #[error("an export could not be made")]
    BrokenOff(#[from] tokio::task::JoinError),
}

/// Oldest a signed listing gets before it is made anew, in seconds. Devices are promised
/// a day.
const LISTING_SECONDS: i64 = 12 * 3600;

/// What comes from this server's own storage may be as long as it is.
const ANY_LISTING: listing::Limits = listing::Limits {
    file: usize::MAX,
    entries: usize::MAX,
};

/// An entry of the list (docs/protocol.md §8).
#[derive(Serialize)]
struct Entry<'a> {
    region: &'a str,
    url: &'a str,
    created: u64,
}

/// Where a region's list is.
pub(super) fn list_name(region: &str) -> String {
    format!("c19r/{region}/list.json")
}

/// Where a region's signed listing is.
pub(super) fn signed_list_name(region: &str) -> String {
    format!("c19r/{region}/list.json.sig")
}

/// Where a batch's file is.
pub(super) fn file_name(region: &str, number: i64) -> String {
    format!("c19r/{region}/{number}.zip")
}

impl Exporter {
    pub(super) fn new(parts: Parts) -> Self {
        let mut holder = Holder::default();
        UnwrapErr(SysRng).fill_bytes(&mut holder);
        Self {
            parts,
            holder,
            holds: false,
        }
    }

    /// Works in rounds until `shutdown`, then lets another process take over.
    pub(super) async fn run(mut self, shutdown: Shutdown) {
        let seconds = self
            .parts
            .settings
            .period_seconds
            .min(self.parts.settings.lease_seconds);
        let pause = Duration::from_secs(seconds.into()) / 4;
        let pause = pause.clamp(SHORTEST_ROUND, ROUND);
        let stop = ended(shutdown);
        tokio::pin!(stop);
        loop {
            // A round may be left anywhere: the next one, whosever, goes on from there.
            let round = tokio::select! {
                round = self.round() => round,
                () = &mut stop => break,
            };
            let mut pause = pause;
            if let Err(error) = round {
                self.parts.metrics.export_failed();
                tracing::error!(error = %Causes(&error), "an export is held up");
                // It may be this process alone that cannot, and another waits for its turn.
                self.drop_lease().await;
                pause = Duration::from_secs(self.parts.settings.lease_seconds.into());
            }
            tokio::select! {
                () = &mut stop => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.drop_lease().await;
    }

    async fn drop_lease(&self) {
        if let Err(error) = self.parts.store.drop_lease(self.holder).await {
            tracing::warn!(
                error = %Causes(&error),
                "cannot give the lease back"
            );
        }
    }

    /// Does what there is to do now, if no other process does.
    ///
    /// While the time is not settled, nothing is made or deleted.
    pub(super) async fn round(&mut self) -> Result<(), ExportError> {
        let held_before = std::mem::replace(&mut self.holds, false);
        if !self.parts.clock.is_settled() || !self.renew().await? {
            return Ok(());
        }
        if !held_before {
            tracing::info!("this process makes the exports");
        }
        for region in &self.parts.regions {
            if !held_before {
                self.sweep(region).await?;
            }
            self.delete_withdrawn(region).await?;
            self.publish(region).await?;
            self.parts
                .store
                .withdraw(region, self.holder, kept_since(self.parts.clock.now()))
                .await?;
            self.write_lists(region).await?;
        }
        self.parts
            .store
            .expire(kept_since(self.parts.clock.now()))
            .await?;
        self.parts.metrics.export_succeeded(self.parts.clock.now());
        self.holds = true;
        Ok(())
    }

    async fn renew(&self) -> Result<bool, StoreError> {
        let now = self.parts.clock.now();
        let seconds = i32::try_from(self.parts.settings.lease_seconds).unwrap_or(i32::MAX);
        let until = now.saturating_add_signed(seconds);
        self.parts.store.take_lease(self.holder, now, until).await
    }

    /// Finishes exports under way, then makes the one that is due.
    async fn publish(&self, region: &str) -> Result<(), ExportError> {
        self.finish(region).await?;
        let waiting = self.parts.store.count_waiting(region).await?;
        let of = waiting.div_ceil(self.parts.keys_at_once).max(1);
        let now = self.parts.clock.now();
        let mut batches = 0;
        for index in 0..of {
            if index > 0 {
                self.keep_lease().await?;
            }
            // Devices tell exports by when they were made.
            let earlier = i32::try_from(of - 1 - index).unwrap_or(i32::MAX);
            let end = now.saturating_add_signed(-earlier);
            let run = Run {
                holder: self.holder,
                region,
                now,
                period: self.parts.settings.period_seconds,
                due: publishable_until(end),
                oldest: kept_since(now).interval(),
                sizes: Sizes {
                    min: self.parts.settings.min_keys,
                    max: self.parts.settings.max_keys,
                },
                end,
                part: Part { index, of },
            };
            batches += self.parts.store.claim(run).await?;
        }
        if batches > 0 {
            self.finish(region).await?;
            self.parts.metrics.exported(batches);
            tracing::info!(region, batches, "exported");
        }
        Ok(())
    }

    /// Makes the files of pending batches and has them listed.
    async fn finish(&self, region: &str) -> Result<(), ExportError> {
        let pending = self.parts.store.pending(region).await?;
        if pending.is_empty() {
            return Ok(());
        }
        let mut files = Vec::new();
        for batch in pending {
            files.push((batch.number, self.make_file(region, &batch).await?));
        }
        Ok(self.parts.store.publish(region, self.holder, files).await?)
    }

    /// Puts a batch's file in place, as long as the lease is held; gives its hash.
    async fn make_file(&self, region: &str, batch: &Batch) -> Result<[u8; 32], ExportError> {
        self.keep_lease().await?;
        self.put_file(region, batch).await
    }

    async fn put_file(&self, region: &str, batch: &Batch) -> Result<[u8; 32], ExportError> {
        let content = self.file(region, batch).await?;
        let sha256 = Sha256::digest(&content).into();
        let name = file_name(region, batch.number);
        self.parts.blobs.put(&name, content).await?;
        Ok(sha256)
    }

    async fn file(&self, region: &str, batch: &Batch) -> Result<Vec<u8>, ExportError> {
        let export = Export {
            start: batch.start.get().into(),
            end: batch.end.get().into(),
            region: region.to_owned(),
            batch_num: batch.batch_num,
            batch_size: batch.batch_size,
            keys: self.parts.store.keys(region, batch.number).await?,
            revised_keys: Vec::new(),
        };
        let signers = self.parts.signers.at(self.parts.clock.now());
        let written = tokio::task::spawn_blocking(move || {
            let signers: Vec<&Signer> = signers.iter().map(Arc::as_ref).collect();
            gaen::export::write(&export, &signers)
        });
        Ok(written.await??)
    }

    /// Writes the lists where they are not what they should be.
    async fn write_lists(&self, region: &str) -> Result<(), ExportError> {
        let published = self.parts.blobs.read(&list_name(region)).await?;
        if published.is_none() {
            // Before the first one, or the files are lost.
            self.make_missing(region).await?;
        }
        let mut entries = Vec::new();
        for listed in self.parts.store.listed(region).await? {
            entries.push(self.entry(region, listed).await?);
        }
        let entries = self.write_signed_list(region, entries).await?;
        let list = plain_list(region, &entries);
        if published.is_some_and(|it| it == list) {
            return Ok(());
        }
        self.keep_lease().await?;
        Ok(self.parts.blobs.put(&list_name(region), list).await?)
    }

    async fn entry(&self, region: &str, listed: Listed) -> Result<ListingEntry, ExportError> {
        let Listed { batch, sha256 } = listed;
        let sha256 = match sha256 {
            Some(sha256) => sha256,
            None => self.find_hash(region, &batch).await?,
        };
        Ok(ListingEntry {
            url: self.url(&file_name(region, batch.number)),
            sha256,
            start: batch.start.get().into(),
            end: batch.end.get().into(),
            batch_num: batch.batch_num,
            batch_size: batch.batch_size,
            created: u64::from(batch.end.get()) * 1000,
        })
    }

    /// The hash of a file that was listed before hashes were kept: of the file as it is,
    /// for caches hold it.
    async fn find_hash(&self, region: &str, batch: &Batch) -> Result<[u8; 32], ExportError> {
        let name = file_name(region, batch.number);
        let sha256 = match self.parts.blobs.read(&name).await? {
            Some(content) => Sha256::digest(&content).into(),
            None => self.make_file(region, batch).await?,
        };
        let store = &self.parts.store;
        store.keep_hash(region, batch.number, sha256).await?;
        Ok(sha256)
    }

    /// Writes the signed listing where what is published says something else, was not
    /// the last, or is old; gives the entries back.
    async fn write_signed_list(
        &self,
        region: &str,
        entries: Vec<ListingEntry>,
    ) -> Result<Vec<ListingEntry>, ExportError> {
        let name = signed_list_name(region);
        let now = self.parts.clock.now();
        let published = self.parts.blobs.read(&name).await?;
        // What this server did not sign is none.
        let opened = published.as_ref().and_then(|file| self.open_listing(file));
        let is_signed = published.is_some_and(|file| self.is_signed_by_all(&file, now));
        let last = self.parts.store.sequence(region).await?;
        if opened
            .as_ref()
            .is_some_and(|it| is_signed && is_still_good(it, region, &entries, last, now))
        {
            return Ok(entries);
        }
        let published = opened.and_then(|it| i64::try_from(it.sequence).ok());
        let least = i64::from(now.get()).max(published.unwrap_or(0).saturating_add(1));
        let sequence = self
            .parts
            .store
            .next_sequence(region, self.holder, least)
            .await?;
        let listing = Listing {
            region: region.to_owned(),
            sequence: u64::try_from(sequence).map_err(|_| StoreError::Damaged("listing"))?,
            made: now,
            entries,
        };
        let signers = self.parts.signers.at(now);
        let (listing, file) = tokio::task::spawn_blocking(move || {
            let signers: Vec<&Signer> = signers.iter().map(Arc::as_ref).collect();
            let file = listing.sign(&signers);
            (listing, file)
        })
        .await?;
        self.keep_lease().await?;
        self.parts.blobs.put(&name, file).await?;
        Ok(listing.entries)
    }

    fn open_listing(&self, file: &[u8]) -> Option<Listing> {
        Listing::open(file, &self.parts.signers.pinned(), &ANY_LISTING).ok()
    }

    /// Whether a device that pins only one of the keys that sign takes a signed listing.
    fn is_signed_by_all(&self, file: &[u8], now: UnixSeconds) -> bool {
        let mut signers = self.parts.signers.at(now).into_iter();
        signers.all(|signer| Listing::open(file, &[signer.pinned_key()], &ANY_LISTING).is_ok())
    }

    /// Renews the lease before something that takes a while.
    async fn keep_lease(&self) -> Result<(), StoreError> {
        if self.renew().await? {
            Ok(())
        } else {
            Err(StoreError::LeaseLost)
        }
    }

    fn url(&self, name: &str) -> String {
        format!(
            "{}/{name}",
            self.parts.base_url.as_str().trim_end_matches('/')
        )
    }

    /// Deletes the files that the last round took off the list, and their keys.
    async fn delete_withdrawn(&self, region: &str) -> Result<(), ExportError> {
        let withdrawn = self.parts.store.withdrawn(region).await?;
        if withdrawn.is_empty() {
            return Ok(());
        }
        // It may be that the round that took them off never wrote the lists.
        self.write_lists(region).await?;
        for number in &withdrawn {
            self.parts.blobs.delete(&file_name(region, *number)).await?;
            self.parts.store.forget(region, *number).await?;
        }
        tracing::info!(
            region,
            batches = withdrawn.len(),
            "deleted what is 14 days old"
        );
        Ok(self.parts.store.clean_up().await?)
    }

    /// Deletes what a crash left half-written, takes up what is published and not known, and
    /// makes again what is lost.
    async fn sweep(&self, region: &str) -> Result<(), ExportError> {
        let Some(next) = self.parts.store.next_number(region).await? else {
            // Before the first export there must be none: whoever gave this server
            // an empty database by mistake must not lose what is published.
            return if self.is_published(region).await? {
                Err(ExportError::Foreign)
            } else {
                Ok(())
            };
        };
        self.parts.blobs.sweep(&format!("c19r/{region}"))?;
        self.catch_up(region, next, Believed::OfKeysInUse).await?;
        self.make_missing(region).await
    }
}

/// The list as COCOA has it.
fn plain_list(region: &str, entries: &[ListingEntry]) -> Vec<u8> {
    let entries: Vec<Entry<'_>> = entries
        .iter()
        .map(|entry| Entry {
            region,
            url: &entry.url,
            created: entry.created,
        })
        .collect();
    serde_json::to_vec(&entries).expect("texts and numbers are always JSON")
}

/// Whether `published` needs not be made anew.
fn is_still_good(
    published: &Listing,
    region: &str,
    entries: &[ListingEntry],
    last_sequence: i64,
    now: UnixSeconds,
) -> bool {
    let age = now.seconds_since(published.made);
    published.region == region
        && published.entries == entries
        && i64::try_from(published.sequence) == Ok(last_sequence)
        && (0..LISTING_SECONDS).contains(&age)
}

#[cfg(test)]
mod tests;
