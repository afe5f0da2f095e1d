//! The files that devices get: in a folder, or in an S3-compatible store.
//!
//! A file is there whole or not at all: in a folder it is written beside its place,
//! flushed to the disk, and renamed; object stores work so by themselves. What clients ask
//! for is kept in memory (`cache.rs`).

use std::fs;
use std::io;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::TryStreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{GetResult, ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig};

use super::cache::{Cache, File};
use super::config::Storage;
use crate::secret::SecretError;

/// How often, and for how long, a request to an object store is tried again. A client
/// is waiting.
const RETRIES: usize = 2;
const RETRY_TIME: Duration = Duration::from_secs(10);

/// Where the files are.
#[derive(Clone, Debug)]
pub(super) struct Blobs {
    store: Arc<dyn ObjectStore>,
    folder: Option<PathBuf>,
    cache: Arc<Cache>,
}

/// A file that is there.
#[derive(Debug)]
pub(super) enum Found {
    /// In memory.
    Cached(Arc<File>),
    /// Too large for what memory there is now.
    Uncached(ObjectMeta),
}

/// Why the files cannot be got at.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The folder cannot be made or read.
    #[error("cannot use the folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something is in a file's place, such as a pipe, or a link to who knows where.
    #[error("{} is no file", path.display())]
    NoFile {
        /// What is there.
        path: PathBuf,
    },
    /// An access key is missing.
    #[error("the access key for the object store is missing")]
    AccessKey(#[from] SecretError),
    /// The store failed.
    #[error("the store of files failed")]
    Store(#[from] object_store::Error),
}

impl Blobs {
    /// With at most `cache_max_bytes` of files in memory.
    pub(super) fn open(storage: &Storage, cache_max_bytes: usize) -> Result<Self, BlobError> {
        let cache = Arc::new(Cache::new(cache_max_bytes));
        match storage {
            Storage::Folder { dir } => {
                let error = |source| BlobError::Folder {
                    path: dir.clone(),
                    source,
                };
                fs::create_dir_all(dir).map_err(error)?;
                let store = LocalFileSystem::new_with_prefix(dir)?.with_fsync(true);
                Ok(Self {
                    store: Arc::new(store),
                    folder: Some(dir.clone()),
                    cache,
                })
            }
            Storage::S3 {
                bucket,
                region,
                endpoint,
                prefix,
                access_key_id,
                secret_access_key,
            } => {
                let mut builder = AmazonS3Builder::new()
                    .with_retry(RetryConfig {
                        max_retries: RETRIES,
                        retry_timeout: RETRY_TIME,
                        ..RetryConfig::default()
                    })
                    .with_bucket_name(bucket)
                    .with_region(region)
                    .with_access_key_id(access_key_id.read()?.expose())
                    .with_secret_access_key(secret_access_key.read()?.expose());
                if let Some(endpoint) = endpoint {
                    builder = builder
                        .with_endpoint(endpoint.as_str().trim_end_matches('/'))
                        // The configuration lets only this machine be named so.
                        .with_allow_http(endpoint.scheme() == "http");
                }
                let store = PrefixStore::new(builder.build()?, prefix.as_str());
                Ok(Self {
                    store: Arc::new(store),
                    folder: None,
                    cache,
                })
            }
        }
    }

    /// Looks whether files can be kept in `storage`, without asking it: that its access keys
    /// are there, or its folder is one where it is there.
    pub(super) fn check(storage: &Storage) -> Result<(), BlobError> {
        match storage {
            Storage::S3 { .. } => Self::open(storage, 0).map(drop),
            Storage::Folder { dir } => match fs::read_dir(dir) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => Err(BlobError::Folder {
                    path: dir.clone(),
                    source,
                }),
                Ok(_) | Err(_) => Ok(()),
            },
        }
    }

    /// Puts a file in place, whole.
    pub(super) async fn put(&self, name: &str, content: Vec<u8>) -> Result<(), BlobError> {
        self.store
            .put(&Path::from(name), PutPayload::from(content))
            .await?;
        self.cache.forget(name);
        Ok(())
    }

    /// A file, or `None` where there is none of the name.
    pub(super) async fn get(&self, name: &str) -> Result<Option<GetResult>, BlobError> {
        self.check_place(name)?;
        found(self.store.get(&Path::from(name)).await)
    }

    /// Makes sure that what is in the place of a file is none or one: to open a pipe would
    /// take until somebody writes into it. The kernel has this in memory: it is not worth a
    /// thread.
    fn check_place(&self, name: &str) -> Result<(), BlobError> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let path = folder.join(name);
        match fs::symlink_metadata(&path) {
            Ok(there) if !there.is_file() => Err(BlobError::NoFile { path }),
            // What cannot be looked at is told by who opens it.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// A file to hand out, whose content is as it was within `staleness`, or `None` where
    /// there is none of the name.
    ///
    /// One that is in memory is not read again while it is the same; within `staleness` it
    /// is not even looked at.
    pub(super) async fn find(
        &self,
        name: &str,
        staleness: Duration,
    ) -> Result<Option<Found>, BlobError> {
        if let Some(file) = self.cache.fresh(name, staleness) {
            return Ok(Some(Found::Cached(file)));
        }
        let Some(meta) = self.head(name).await? else {
            self.cache.forget(name);
            return Ok(None);
        };
        if let Some(file) = self.cache.same(name, &meta) {
            return Ok(Some(Found::Cached(file)));
        }
        let turn = self.cache.turn(name);
        let _turn = turn.lock().await;
        if let Some(file) = self.cache.same(name, &meta) {
            return Ok(Some(Found::Cached(file)));
        }
        self.cache.forget(name);
        let Some(room) = self.cache.reserve(meta.size) else {
            return Ok(Some(Found::Uncached(meta)));
        };
        let Some(read) = self.get(name).await? else {
            return Ok(None);
        };
        if read.meta.size > meta.size {
            // It was replaced meanwhile by one that there may be no room for.
            return Ok(Some(Found::Uncached(read.meta)));
        }
        let meta = read.meta.clone();
        let content = read.bytes().await?;
        let file = self.cache.keep(name, meta, content, room);
        Ok(Some(Found::Cached(file)))
    }

    #[cfg(test)]
    pub(super) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// A part of a file.
    pub(super) async fn get_range(
        &self,
        name: &str,
        range: std::ops::Range<u64>,
    ) -> Result<Option<Bytes>, BlobError> {
        self.check_place(name)?;
        found(self.store.get_range(&Path::from(name), range).await)
    }

    /// All of a file.
    pub(super) async fn read(&self, name: &str) -> Result<Option<Bytes>, BlobError> {
        match self.get(name).await? {
            Some(file) => Ok(Some(file.bytes().await?)),
            None => Ok(None),
        }
    }

    /// What is known of a file.
    pub(super) async fn head(&self, name: &str) -> Result<Option<ObjectMeta>, BlobError> {
        self.check_place(name)?;
        found(self.store.head(&Path::from(name)).await)
    }

    /// Deletes a file; one that is not there is fine.
    pub(super) async fn delete(&self, name: &str) -> Result<(), BlobError> {
        found(self.store.delete(&Path::from(name)).await)?;
        self.cache.forget(name);
        Ok(())
    }

    /// The names of all files in the folder `dir`.
    pub(super) async fn list(&self, dir: &str) -> Result<Vec<String>, BlobError> {
        let files: Vec<ObjectMeta> = self
            .store
            .list(Some(&Path::from(dir)))
            .try_collect()
            .await?;
        Ok(files
            .into_iter()
            .map(|file| file.location.to_string())
            .collect())
    }

    /// Deletes what a crash left half-written in the folder `dir`. Only for whoever
    /// is the only one to write there.
    pub(super) fn sweep(&self, dir: &str) -> Result<(), BlobError> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let path = folder.join(dir);
        sweep(&path).map_err(|source| BlobError::Folder { path, source })
    }
}

/// Files under way are named `name#1`, `name#2`…
fn sweep(dir: &FilePath) -> io::Result<()> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        // What is no file is not ours.
        if entry.file_type()?.is_file() && is_under_way(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether a file of this name is under way: `name#1`.
fn is_under_way(name: &str) -> bool {
    name.rsplit_once('#')
        .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

fn found<T>(result: object_store::Result<T>) -> Result<Option<T>, BlobError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
