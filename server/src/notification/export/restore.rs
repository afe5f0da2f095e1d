//! What has become of the files, or of the database.
//!
//! Files that are lost are made again: all that is in them is in the database. A database
//! from a backup knows nothing of what was published since, which the storage still has:
//! it is taken up, with its keys, so that none of them is published twice and no file's
//! name is given to another one. Where the storage is lost as well, so many numbers are
//! passed over as could have been given out.

use std::collections::BTreeSet;

use gaen::export::{Limits, open};
use gaen::listing::ListingEntry;
use gaen::time::UnixSeconds;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Blobs, ExportError, Exporter, Parts, file_name, list_name, signed_list_name};
use crate::notification::rules::kept_since;
use crate::notification::store::{Batch, Listed, Published, Store};

/// What [`Exporter::rebuild`] found of a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Rebuilt {
    /// The region.
    pub(in super::super) region: String,
    /// How many files are listed.
    pub(in super::super) listed: usize,
    /// How many of them were not there, or not what they should be.
    pub(in super::super) made: usize,
    /// Whether the lists were brought in line, too; another process does so otherwise.
    pub(in super::super) has_lists: bool,
}

/// An entry of the plain list, for the number in it.
#[derive(Deserialize)]
struct Named {
    url: String,
}

/// Whether a file that is listed is not there.
pub(in super::super) async fn is_incomplete(
    store: &Store,
    blobs: &Blobs,
    region: &str,
) -> Result<bool, ExportError> {
    // In this order: a file is there before it is listed.
    let listed = store.listed(region).await?;
    let there = numbers(blobs, region).await?;
    let mut missing = listed.iter().map(|it| it.batch.number);
    let Some(missing) = missing.find(|number| !there.contains(number)) else {
        return Ok(false);
    };
    // It may have been taken off the list meanwhile, and deleted.
    let listed = store.listed(region).await?;
    Ok(listed.iter().any(|it| it.batch.number == missing))
}

/// The numbers of the files that are there.
pub(super) async fn numbers(blobs: &Blobs, region: &str) -> Result<BTreeSet<i64>, ExportError> {
    let names = blobs.list(&format!("c19r/{region}")).await?;
    let number = |name: &String| number_in(name).filter(|it| file_name(region, *it) == *name);
    Ok(names.iter().filter_map(number).collect())
}

/// The number in a file's name or URL.
fn number_in(name: &str) -> Option<i64> {
    let (_, name) = name.rsplit_once('/')?;
    let number = name.strip_suffix(".zip")?.parse().ok()?;
    (number > 0).then_some(number)
}

impl Exporter {
    /// Makes sure that every file that is listed is there and is what it should be, from
    /// the database alone; says what it found in each region.
    ///
    /// Where no other process makes exports, the lists are written as well, and what was
    /// published since the backup that the database comes from is taken up, also by one
    /// that is empty.
    pub(in super::super) async fn rebuild(&self) -> Result<Vec<Rebuilt>, ExportError> {
        let has_lease = self.parts.clock.is_settled() && self.renew().await?;
        let mut rebuilt = Vec::new();
        for region in &self.parts.regions {
            match self.rebuild_region(region, has_lease).await {
                Ok(found) => rebuilt.push(found),
                Err(error) => {
                    self.drop_lease().await;
                    return Err(error);
                }
            }
        }
        self.drop_lease().await;
        Ok(rebuilt)
    }

    async fn rebuild_region(&self, region: &str, has_lease: bool) -> Result<Rebuilt, ExportError> {
        if has_lease {
            let next = self.parts.store.next_number(region).await?;
            self.catch_up(region, next.unwrap_or(1)).await?;
        }
        let listed = self.parts.store.listed(region).await?;
        let mut rebuilt = Rebuilt {
            region: region.to_owned(),
            listed: listed.len(),
            made: 0,
            has_lists: has_lease,
        };
        for it in &listed {
            let file = file_name(region, it.batch.number);
            let there = self.parts.blobs.read(&file).await?;
            let sha256 = there.map(|there| Sha256::digest(&there).into());
            if sha256.is_some() && sha256 == it.sha256 {
                continue;
            }
            if has_lease {
                self.keep_lease().await?;
            }
            self.make_again(region, it).await?;
            rebuilt.made += 1;
        }
        if has_lease {
            self.write_lists(region).await?;
        }
        Ok(rebuilt)
    }

    /// Makes the files that are listed and not there.
    pub(super) async fn make_missing(&self, region: &str) -> Result<(), ExportError> {
        let listed = self.parts.store.listed(region).await?;
        if listed.is_empty() {
            return Ok(());
        }
        let there = numbers(&self.parts.blobs, region).await?;
        let missing = listed.iter().filter(|it| !there.contains(&it.batch.number));
        let mut made = 0;
        for it in missing {
            self.keep_lease().await?;
            self.make_again(region, it).await?;
            made += 1;
        }
        if made > 0 {
            tracing::warn!(region, files = made, "made files again that were lost");
        }
        Ok(())
    }

    async fn make_again(&self, region: &str, listed: &Listed) -> Result<(), ExportError> {
        let sha256 = self.put_file(region, &listed.batch).await?;
        if listed.sha256 != Some(sha256) {
            // Another key signs than when it was made.
            let (store, number) = (&self.parts.store, listed.batch.number);
            store.keep_hash(region, number, sha256).await?;
        }
        Ok(())
    }

    /// Takes up what was published from `next` on, of which the database knows nothing,
    /// and gives the number that the next file gets.
    pub(super) async fn catch_up(&self, region: &str, next: i64) -> Result<i64, ExportError> {
        let Parts {
            blobs,
            store,
            clock,
            ..
        } = &self.parts;
        let plain = blobs.read(&list_name(region)).await?;
        let signed = blobs.read(&signed_list_name(region)).await?;
        let is_lost = plain.is_none();
        let plain = plain.and_then(|it| serde_json::from_slice::<Vec<Named>>(&it).ok());
        let listing = signed.and_then(|it| self.open_listing(&it));
        let entries = listing.map(|it| it.entries).unwrap_or_default();
        let mut taken = numbers(blobs, region).await?;
        taken.extend(plain.iter().flatten().filter_map(|it| number_in(&it.url)));
        taken.extend(entries.iter().filter_map(|it| number_in(&it.url)));
        let mut free = taken.last().map_or(next, |last| next.max(last + 1));
        if is_lost {
            let newest = store.listed(region).await?.into_iter();
            let newest = newest.map(|it| it.batch.end).max();
            let now = clock.now();
            let since = newest.unwrap_or_else(|| kept_since(now));
            free = free.max(next.saturating_add(now.seconds_since(since).max(0)));
        }
        if free == next {
            return Ok(next);
        }
        let mut count = 0;
        for entry in &entries {
            let number = number_in(&entry.url).filter(|number| *number >= next);
            let Some(number) = number else { continue };
            match self.read_published(region, number, entry).await? {
                Some(published) => {
                    self.keep_lease().await?;
                    let after = number.saturating_add(1);
                    store
                        .take_up(region, self.holder, Some(published), after)
                        .await?;
                    count += 1;
                }
                None => tracing::error!(region, number, "a file that was published is damaged"),
            }
        }
        store.take_up(region, self.holder, None, free).await?;
        tracing::warn!(
            region,
            files = count,
            next = free,
            "the database is older than what is published: took up what it did not know of"
        );
        Ok(free)
    }

    /// A file that the signed listing names, if it is there and is what that says.
    async fn read_published(
        &self,
        region: &str,
        number: i64,
        entry: &ListingEntry,
    ) -> Result<Option<Published>, ExportError> {
        let Some(file) = self.parts.blobs.read(&file_name(region, number)).await? else {
            return Ok(None);
        };
        if entry.sha256 != *Sha256::digest(&file) {
            return Ok(None);
        }
        // It comes from this server's own storage, and may be as long as it is.
        let limits = Limits {
            archive: usize::MAX,
            bin: usize::MAX,
            sig: usize::MAX,
        };
        let opened = open(&file, &limits).and_then(|it| it.verify(&self.parts.signers.pinned()));
        let time = |seconds: u64| u32::try_from(seconds).map(UnixSeconds::new).ok();
        Ok(opened.ok().and_then(|verified| {
            let export = verified.into_export();
            Some(Published {
                listed: Listed {
                    batch: Batch {
                        number,
                        batch_num: export.batch_num,
                        batch_size: export.batch_size,
                        start: time(export.start)?,
                        end: time(export.end)?,
                    },
                    sha256: Some(entry.sha256),
                },
                keys: export.keys,
            })
        }))
    }
}
