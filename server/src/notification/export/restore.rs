//! What has become of the files, or of the database.
//!
//! Files that are lost are made again: all that is in them is in the database. A database
//! from a backup knows nothing of what was published since, which the storage still has:
//! it is taken up, with its keys, so that none of them is published twice and no file's
//! name is given to another one. Where the storage is lost as well, so many numbers are
//! passed over as could have been given out. No file is deleted that may still be wanted:
//! what nobody can believe stays where it is.

use std::collections::BTreeSet;

use gaen::export::{Limits, open};
use gaen::time::UnixSeconds;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Blobs, ExportError, Exporter, Parts, file_name, list_name, signed_list_name};
use crate::notification::rules::kept_since;
use crate::notification::store::{Batch, Listed, Published, Store};

/// Which files are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Believed {
    /// Those that a key signed that signs now, or is to.
    OfKeysInUse,
    /// And those of a former key, which may have been stolen: where the operator asks for it.
    OfFormerKeys,
}

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
            let next = next.unwrap_or(1);
            self.catch_up(region, next, Believed::OfFormerKeys).await?;
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

    /// Whether there is a file of an export, or a list that names one or cannot be read.
    pub(super) async fn is_published(&self, region: &str) -> Result<bool, ExportError> {
        let blobs = &self.parts.blobs;
        if !numbers(blobs, region).await?.is_empty() {
            return Ok(true);
        }
        let plain = blobs.read(&list_name(region)).await?;
        let signed = blobs.read(&signed_list_name(region)).await?;
        let is_named = plain.is_some_and(|it| names(&it).is_none_or(|names| !names.is_empty()));
        let is_signed = signed.is_some_and(|it| {
            let listing = self.open_listing(&it);
            listing.is_none_or(|it| !it.entries.is_empty())
        });
        Ok(is_named || is_signed)
    }

    /// Takes up what is published and what the database, whose next file would get the number
    /// `next`, knows nothing of; from then on the next file gets one that nobody has.
    ///
    /// Every file that a key of this server's signed is an export, whatever the lists say;
    /// `believed` says of which keys. What has had its time and is left over is deleted; what
    /// cannot be believed stays, and keeps its name.
    pub(super) async fn catch_up(
        &self,
        region: &str,
        next: i64,
        believed: Believed,
    ) -> Result<(), ExportError> {
        let Parts {
            blobs,
            store,
            clock,
            ..
        } = &self.parts;
        let now = clock.now();
        // Numbers grow by less than one a second.
        let is_plausible = |number: &i64| *number <= i64::from(now.get()).max(next);
        let plain = blobs.read(&list_name(region)).await?;
        let signed = blobs.read(&signed_list_name(region)).await?;
        let plain = plain.and_then(|it| names(&it));
        let is_lost = plain.is_none();
        let listing = signed.and_then(|it| self.open_listing(&it));
        let urls = plain.into_iter().flatten().map(|it| it.url);
        let urls = urls.chain(
            listing
                .into_iter()
                .flat_map(|it| it.entries)
                .map(|it| it.url),
        );
        let named: BTreeSet<i64> = urls.filter_map(|url| number_in(&url)).collect();
        let there = numbers(blobs, region).await?;
        let (taken, foreign): (BTreeSet<_>, BTreeSet<_>) =
            named.union(&there).copied().partition(is_plausible);
        if !foreign.is_empty() {
            tracing::error!(region, numbers = ?foreign, "files that this server never made");
        }
        let listed = store.listed(region).await?;
        let mut free = taken
            .last()
            .map_or(next, |last| next.max(last.saturating_add(1)));
        if is_lost {
            let newest = listed.iter().map(|it| it.batch.end).max();
            let since = newest.unwrap_or_else(|| kept_since(now));
            free = free.max(next.saturating_add(now.seconds_since(since).max(0)));
        }
        let mut known: BTreeSet<i64> = listed.iter().map(|it| it.batch.number).collect();
        known.extend(store.pending(region).await?.iter().map(|it| it.number));
        known.extend(store.withdrawn(region).await?);
        let mut count = 0;
        for number in taken.difference(&known).copied() {
            if !there.contains(&number) {
                continue;
            }
            let published = self.read_published(region, number, believed).await?;
            let is_over = |it: &Published| it.listed.batch.end < kept_since(now);
            if published.as_ref().is_some_and(is_over) {
                self.keep_lease().await?;
                blobs.delete(&file_name(region, number)).await?;
                continue;
            }
            let is_taken_up = match published {
                Some(_) => {
                    self.keep_lease().await?;
                    let after = number.saturating_add(1);
                    store.take_up(region, self.holder, published, after).await?
                }
                None => false,
            };
            if is_taken_up {
                count += 1;
            } else {
                tracing::error!(
                    region,
                    number,
                    "a file is not an export that a key in use has signed, or has keys of \
                     another: it stays, and is not listed"
                );
            }
        }
        if free > next {
            store.take_up(region, self.holder, None, free).await?;
        }
        if count > 0 || free > next {
            tracing::warn!(
                region,
                files = count,
                next = free,
                "took up what is published and the database did not know of"
            );
        }
        Ok(())
    }

    /// A file, if a key of this server's has signed it for the region.
    async fn read_published(
        &self,
        region: &str,
        number: i64,
        believed: Believed,
    ) -> Result<Option<Published>, ExportError> {
        let Some(file) = self.parts.blobs.read(&file_name(region, number)).await? else {
            return Ok(None);
        };
        // It comes from this server's own storage, and may be as long as it is.
        let limits = Limits {
            archive: usize::MAX,
            bin: usize::MAX,
            sig: usize::MAX,
        };
        let opened = open(&file, &limits).and_then(|it| {
            let signers = &self.parts.signers;
            let pinned = match believed {
                Believed::OfKeysInUse => signers.pinned(),
                Believed::OfFormerKeys => signers.pinned_of_any_time(&it.claimed_keys()),
            };
            it.verify(&pinned)
        });
        let time = |seconds: u64| u32::try_from(seconds).map(UnixSeconds::new).ok();
        let export = opened.ok().map(gaen::export::Verified::into_export);
        let export = export.filter(|export| export.region == region);
        Ok(export.and_then(|export| {
            Some(Published {
                listed: Listed {
                    batch: Batch {
                        number,
                        batch_num: export.batch_num,
                        batch_size: export.batch_size,
                        start: time(export.start)?,
                        end: time(export.end)?,
                    },
                    sha256: Some(Sha256::digest(&file).into()),
                },
                keys: export.keys,
            })
        }))
    }
}

/// What a plain list names; `None` where it is none.
fn names(list: &[u8]) -> Option<Vec<Named>> {
    serde_json::from_slice(list).ok()
}
