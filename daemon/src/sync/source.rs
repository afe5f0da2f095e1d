//! Where exports come from: a web server or a folder.
//!
//! Everything here is bounded: sizes before and while reading, redirects, the
//! time a server may take, and the number of tries. Requests carry nothing that
//! tells one device from another: no cookies, a constant agent name, no session
//! that outlives one check.

use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};

use gaen::notice::MAX_FEED_LEN;
use reqwest::header::{
    CONTENT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_RANGE, LAST_MODIFIED, RANGE,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::Url;

use super::list::{Entry, Rules, is_allowed, is_loopback};
use super::settings::Limits;

/// What every request calls itself. Without a version or a language, which would
/// sort devices into small groups.
pub(super) const USER_AGENT: &str = "Sesshoku";
/// What is added to the list's file name for its signed form.
const SIGNED_SUFFIX: &str = ".sig";
/// The file of notices beside the list.
const NOTICES_NAME: &str = "notices.json";
/// Redirects followed for one request.
const MAX_REDIRECTS: usize = 5;
/// Tries for one file within one check.
const TRIES: u32 = 3;
/// Longest ETag or date that is kept.
const MAX_VALIDATOR_LEN: usize = 256;

/// Where the list and the exports are.
pub(crate) struct Source {
    list_url: Url,
    limits: Limits,
    transport: Transport,
}

enum Transport {
    Web {
        client: Client,
        downloads: Downloads,
    },
    Folder,
}

/// What the list request brought.
#[derive(Debug)]
pub(crate) enum Listing {
    /// It has not changed since the copy whose validators were sent.
    Unchanged,
    /// The list, unread.
    Fetched {
        /// The bytes of `list.json`.
        bytes: Vec<u8>,
        /// What to send the next time.
        validators: Validators,
    },
}

/// An export file.
pub(crate) struct Fetched {
    /// The whole zip, unverified.
    pub(crate) bytes: Vec<u8>,
    /// Whether some of it was downloaded earlier. If such a file turns out bad,
    /// its parts may not have been of one file, and a new download may help.
    pub(crate) resumed: bool,
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched")
            .field("bytes", &self.bytes.len())
            .field("resumed", &self.resumed)
            .finish()
    }
}

/// What a server gave to recognise a version of a file by (RFC 9110 §8.8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Validators {
    etag: Option<String>,
    last_modified: Option<String>,
}

/// Why a file could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No connection, or it broke, or it took too long.
    #[error("the server could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The server is there but cannot serve at the moment.
    #[error("the server is not available (status {0})")]
    Unavailable(u16),
    /// The server answered with a status that has no place here.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// The file is larger than it may be.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// How large it may be, in bytes.
        limit: u64,
    },
    /// The server sent the client elsewhere, too often or to a forbidden place.
    #[error("the server redirected to a place it must not")]
    Redirect,
    /// The server compressed what it was not asked to.
    #[error("the server used an encoding that was not asked for")]
    Encoding,
    /// The server continued a download at the wrong place.
    #[error("the server sent another part of the file than was asked for")]
    Range,
    /// What is not signed would come in the clear.
    #[error("what is not signed is not asked for over plain http")]
    Insecure,
    /// The client for web requests could not be set up.
    #[error("the web client could not be set up")]
    Client(#[source] reqwest::Error),
    /// A file of an offline folder could not be read.
    #[error("the file could not be read")]
    File(#[source] io::Error),
    /// A name in an offline folder is not a file in it.
    #[error("not a file of the folder")]
    NotInFolder,
    /// A download could not be kept on disk.
    #[error("the download could not be written")]
    Disk(#[source] io::Error),
}

impl SourceError {
    /// Whether trying again at once may help.
    const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_) | Self::Unavailable(500 | 502..=504) | Self::Range
        )
    }
}

impl Source {
    /// The source whose list is at `list_url`. Downloads in progress are kept in
    /// `downloads_dir`.
    ///
    /// A client is made for each check, so that no TLS session is resumed from
    /// one day to the next, which would let the server recognise the device.
    pub(crate) fn open(
        list_url: Url,
        rules: Rules,
        limits: Limits,
        downloads_dir: &Path,
    ) -> Result<Self, SourceError> {
        let transport = if list_url.scheme() == "file" {
            Transport::Folder
        } else {
            Transport::Web {
                client: web_client(&list_url, rules, limits)?,
                downloads: Downloads {
                    dir: downloads_dir.to_owned(),
                },
            }
        };
        Ok(Self {
            list_url,
            limits,
            transport,
        })
    }

    /// Where the list is.
    pub(crate) const fn list_url(&self) -> &Url {
        &self.list_url
    }

    /// Asks for the list; `known` are the validators of the copy at hand.
    pub(crate) async fn list(&self, known: Option<&Validators>) -> Result<Listing, SourceError> {
        let limit = self.limits.list_bytes;
        match &self.transport {
            Transport::Folder => {
                let bytes = read_file(&file_path(&self.list_url)?, limit).await?;
                let validators = Validators::default();
                Ok(Listing::Fetched { bytes, validators })
            }
            Transport::Web { client, .. } => {
                self.with_retries(|| self.list_once(client, known)).await
            }
        }
    }

    /// The signed list from beside the list, unread; `None` where there is none, or where
    /// it is not for everybody to say so.
    pub(crate) async fn signed_list(&self) -> Result<Option<Vec<u8>>, SourceError> {
        let limit = self.limits.list_bytes;
        let mut url = self.list_url.clone();
        url.set_path(&format!("{}{SIGNED_SUFFIX}", self.list_url.path()));
        let answer = match &self.transport {
            Transport::Folder => match self.path_in_folder(&url).await {
                Ok(path) => read_file(&path, limit).await,
                Err(error) => Err(error),
            },
            Transport::Web { client, .. } => {
                self.with_retries(async || {
                    let request = client.get(url.clone());
                    let request = request.timeout(self.limits.list_timeout());
                    let mut response = request.send().await.map_err(from_reqwest)?;
                    if response.status() != StatusCode::OK {
                        return Err(from_status(response.status()));
                    }
                    receive_small(&mut response, limit).await
                })
                .await
            }
        };
        match answer {
            Ok(bytes) => Ok(Some(bytes)),
            // A store that lists its files to nobody says 403 of those it does not have.
            Err(SourceError::Status(403 | 404 | 410)) => Ok(None),
            Err(SourceError::File(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The operator's notices, unread, from beside the list. Asked for once: whoever
    /// waits for the check need not wait for them.
    pub(crate) async fn notices(&self) -> Result<Vec<u8>, SourceError> {
        let url = self.list_url.join(NOTICES_NAME);
        let url = url.map_err(|_| SourceError::NotInFolder)?;
        let limit = to_u64(MAX_FEED_LEN);
        match &self.transport {
            Transport::Folder => read_file(&self.path_in_folder(&url).await?, limit).await,
            Transport::Web { .. } if !is_private(&url) => Err(SourceError::Insecure),
            Transport::Web { client, .. } => {
                let request = client.get(url).timeout(self.limits.list_timeout());
                let mut response = request.send().await.map_err(from_reqwest)?;
                if response.status() != StatusCode::OK {
                    return Err(from_status(response.status()));
                }
                // Redirects of lists may lead there.
                if !is_private(response.url()) {
                    return Err(SourceError::Insecure);
                }
                receive_small(&mut response, limit).await
            }
        }
    }

    /// The export of `entry`, from disk where an earlier check left it.
    pub(crate) async fn export(&self, entry: &Entry) -> Result<Fetched, SourceError> {
        match &self.transport {
            Transport::Folder => {
                let path = self.path_in_folder(&entry.url).await?;
                let bytes = read_file(&path, self.limits.export_bytes).await?;
                Ok(Fetched {
                    bytes,
                    resumed: false,
                })
            }
            Transport::Web { client, downloads } => {
                let slot = downloads.slot(entry);
                if let Ok(bytes) = read_file(&slot.whole, self.limits.export_bytes).await {
                    return Ok(Fetched {
                        bytes,
                        resumed: true,
                    });
                }
                downloads.prepare().await.map_err(SourceError::Disk)?;
                let resumed = self
                    .with_retries(|| self.export_once(client, &entry.url, &slot))
                    .await?;
                let bytes = read_file(&slot.whole, self.limits.export_bytes).await?;
                Ok(Fetched { bytes, resumed })
            }
        }
    }

    /// Forgets what was downloaded of `entry`.
    pub(crate) async fn discard(&self, entry: &Entry) {
        if let Transport::Web { downloads, .. } = &self.transport {
            downloads.slot(entry).remove().await;
        }
    }

    /// Forgets all downloads but those of `entries`.
    pub(crate) async fn discard_all_but(&self, entries: &[Entry]) -> io::Result<()> {
        match &self.transport {
            Transport::Web { downloads, .. } => downloads.keep_only(entries).await,
            Transport::Folder => Ok(()),
        }
    }

    async fn with_retries<T, F: Future<Output = Result<T, SourceError>>>(
        &self,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, SourceError> {
        let mut wait = self.limits.retry_wait();
        for _ in 1..TRIES {
            match attempt().await {
                Err(error) if error.is_transient() => {
                    tracing::debug!(error = %error, "trying again");
                    tokio::time::sleep(wait).await;
                    wait = wait.saturating_mul(4);
                }
                result => return result,
            }
        }
        attempt().await
    }

    async fn list_once(
        &self,
        client: &Client,
        known: Option<&Validators>,
    ) -> Result<Listing, SourceError> {
        let mut request = client
            .get(self.list_url.clone())
            .timeout(self.limits.list_timeout());
        if let Some(etag) = known.and_then(|known| known.etag.as_ref()) {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(date) = known.and_then(|known| known.last_modified.as_ref()) {
            request = request.header(IF_MODIFIED_SINCE, date);
        }
        let mut response = request.send().await.map_err(from_reqwest)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if known.is_some_and(|known| !known.is_empty()) => {
                return Ok(Listing::Unchanged);
            }
            status => return Err(from_status(status)),
        }
        let validators = Validators::of(&response);
        let bytes = receive_small(&mut response, self.limits.list_bytes).await?;
        Ok(Listing::Fetched { bytes, validators })
    }

    /// Downloads `url` into `slot.whole`, continuing where an earlier try broke
    /// off if the server says that it is still the same file. Returns whether it
    /// continued.
    async fn export_once(
        &self,
        client: &Client,
        url: &Url,
        slot: &Slot,
    ) -> Result<bool, SourceError> {
        let limit = self.limits.export_bytes;
        let mut request = client
            .get(url.clone())
            .timeout(self.limits.export_timeout());
        let mut offset = 0;
        if let Some(validators) = slot.validators().await
            && let Some(validator) = validators.for_if_range()
        {
            offset = slot.part_len().await;
            if offset > 0 {
                request = request
                    .header(RANGE, format!("bytes={offset}-"))
                    .header(IF_RANGE, validator);
            }
        }
        let mut response = request.send().await.map_err(from_reqwest)?;
        match response.status() {
            StatusCode::OK => offset = 0,
            StatusCode::PARTIAL_CONTENT if offset > 0 => {
                if content_range_start(&response) != Some(offset) {
                    slot.remove().await;
                    return Err(SourceError::Range);
                }
            }
            StatusCode::RANGE_NOT_SATISFIABLE if offset > 0 => {
                slot.remove().await;
                return Err(SourceError::Range);
            }
            status => return Err(from_status(status)),
        }
        check_encoding(&response)?;
        check_declared_size(&response, offset, limit)?;
        let mut part = if offset == 0 {
            slot.start(&Validators::of(&response)).await
        } else {
            OpenOptions::new().append(true).open(&slot.part).await
        }
        .map_err(SourceError::Disk)?;
        let received = receive(&mut response, &mut part, offset, limit).await;
        // What has arrived is kept for the next try, whatever came after it.
        part.flush().await.map_err(SourceError::Disk)?;
        drop(part);
        match received {
            Ok(()) => {
                slot.finish().await.map_err(SourceError::Disk)?;
                Ok(offset > 0)
            }
            Err(error) => {
                if matches!(error, SourceError::TooLarge { .. }) {
                    slot.remove().await;
                }
                Err(error)
            }
        }
    }

    /// The file that `url` names, if it is one of the list's folder also after
    /// links are followed.
    async fn path_in_folder(&self, url: &Url) -> Result<PathBuf, SourceError> {
        let list_path = file_path(&self.list_url)?;
        let folder = list_path.parent().ok_or(SourceError::NotInFolder)?;
        let folder = fs::canonicalize(folder).await.map_err(SourceError::File)?;
        let path = fs::canonicalize(file_path(url)?)
            .await
            .map_err(SourceError::File)?;
        if path.starts_with(&folder) {
            Ok(path)
        } else {
            Err(SourceError::NotInFolder)
        }
    }
}

impl Validators {
    fn of(response: &Response) -> Self {
        Self {
            etag: header_text(response.headers(), ETAG),
            last_modified: header_text(response.headers(), LAST_MODIFIED),
        }
    }

    const fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }

    /// The one that tells whether two parts belong together: a weak ETag does
    /// not (RFC 9110 §13.1.5).
    fn for_if_range(&self) -> Option<&str> {
        match &self.etag {
            Some(etag) if !etag.starts_with("W/") => Some(etag),
            _ => self.last_modified.as_deref(),
        }
    }
}

/// The folder of downloads in progress, and of exports that later checks will
/// look at again.
struct Downloads {
    dir: PathBuf,
}

/// The files of one download.
struct Slot {
    /// The complete file.
    whole: PathBuf,
    /// What there is of it while it is not complete.
    part: PathBuf,
    /// The validators of `part`, as JSON.
    validators: PathBuf,
}

impl Downloads {
    async fn prepare(&self) -> io::Result<()> {
        fs::create_dir_all(&self.dir).await
    }

    fn slot(&self, entry: &Entry) -> Slot {
        let name = file_stem(entry);
        Slot {
            whole: self.dir.join(format!("{name}.zip")),
            part: self.dir.join(format!("{name}.part")),
            validators: self.dir.join(format!("{name}.json")),
        }
    }

    async fn keep_only(&self, entries: &[Entry]) -> io::Result<()> {
        let mut files = match fs::read_dir(&self.dir).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            files => files?,
        };
        let keep: Vec<String> = entries.iter().map(file_stem).collect();
        while let Some(file) = files.next_entry().await? {
            let path = file.path();
            let is_kept = path
                .file_stem()
                .is_some_and(|stem| keep.iter().any(|keep| stem == keep.as_str()));
            if !is_kept {
                fs::remove_file(path).await?;
            }
        }
        Ok(())
    }
}

impl Slot {
    async fn validators(&self) -> Option<Validators> {
        serde_json::from_slice(&fs::read(&self.validators).await.ok()?).ok()
    }

    async fn part_len(&self) -> u64 {
        fs::metadata(&self.part).await.map_or(0, |meta| meta.len())
    }

    /// An empty part of a file with these validators.
    async fn start(&self, validators: &Validators) -> io::Result<File> {
        let part = File::create(&self.part).await?;
        let json = serde_json::to_vec(validators).map_err(io::Error::other)?;
        fs::write(&self.validators, json).await?;
        Ok(part)
    }

    async fn finish(&self) -> io::Result<()> {
        fs::rename(&self.part, &self.whole).await?;
        // Only for resuming; a leftover one does no harm.
        let _ = fs::remove_file(&self.validators).await;
        Ok(())
    }

    /// Removes all of it. What cannot be removed is overwritten by the next try.
    async fn remove(&self) {
        for path in [&self.validators, &self.part, &self.whole] {
            let _ = fs::remove_file(path).await;
        }
    }
}

/// A name that is the same in every check and says nothing a file name cannot.
fn file_stem(entry: &Entry) -> String {
    let mut hash = Sha256::new();
    hash.update(entry.url.as_str());
    hash.update([0]);
    hash.update(entry.created.to_be_bytes());
    hex::encode(&hash.finalize()[..16])
}

fn web_client(list_url: &Url, rules: Rules, limits: Limits) -> Result<Client, SourceError> {
    let origin = list_url.clone();
    let redirects = Policy::custom(move |attempt| {
        if attempt.previous().len() <= MAX_REDIRECTS && is_allowed(attempt.url(), &origin, rules) {
            attempt.follow()
        } else {
            attempt.error(SourceError::Redirect)
        }
    });
    let mut client = Client::builder()
        .user_agent(USER_AGENT)
        .referer(false)
        .redirect(redirects)
        .connect_timeout(limits.connect_timeout())
        .read_timeout(limits.idle_timeout());
    if is_loopback(list_url) {
        client = client.no_proxy();
    }
    client.build().map_err(SourceError::Client)
}

/// Receives a file of at most `limit` bytes into memory.
async fn receive_small(response: &mut Response, limit: u64) -> Result<Vec<u8>, SourceError> {
    check_encoding(response)?;
    check_declared_size(response, 0, limit)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(from_reqwest)? {
        add_size(to_u64(bytes.len()), chunk.len(), limit)?;
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn receive(
    response: &mut Response,
    part: &mut File,
    offset: u64,
    limit: u64,
) -> Result<(), SourceError> {
    let mut size = offset;
    while let Some(chunk) = response.chunk().await.map_err(from_reqwest)? {
        size = add_size(size, chunk.len(), limit)?;
        part.write_all(&chunk).await.map_err(SourceError::Disk)?;
    }
    Ok(())
}

/// Reads a regular file of at most `limit` bytes.
async fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, SourceError> {
    let mut options = OpenOptions::new();
    // Opening a FIFO must not wait for a writer.
    options.read(true).custom_flags(nix::libc::O_NONBLOCK);
    let file = options.open(path).await.map_err(SourceError::File)?;
    let meta = file.metadata().await.map_err(SourceError::File)?;
    if !meta.is_file() {
        return Err(SourceError::NotInFolder);
    }
    if meta.len() > limit {
        return Err(SourceError::TooLarge { limit });
    }
    let mut bytes = Vec::new();
    // One byte more shows that it grew since.
    let mut file = file.take(limit.saturating_add(1));
    file.read_to_end(&mut bytes)
        .await
        .map_err(SourceError::File)?;
    add_size(0, bytes.len(), limit)?;
    Ok(bytes)
}

/// Whether nobody in between can write what is fetched from there.
fn is_private(url: &Url) -> bool {
    url.scheme() == "https" || is_loopback(url)
}

fn file_path(url: &Url) -> Result<PathBuf, SourceError> {
    url.to_file_path().map_err(|()| SourceError::NotInFolder)
}

fn check_encoding(response: &Response) -> Result<(), SourceError> {
    match response.headers().get(CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => Err(SourceError::Encoding),
        _ => Ok(()),
    }
}

fn check_declared_size(response: &Response, offset: u64, limit: u64) -> Result<(), SourceError> {
    match response.content_length() {
        Some(declared) if offset.saturating_add(declared) > limit => {
            Err(SourceError::TooLarge { limit })
        }
        _ => Ok(()),
    }
}

fn add_size(size: u64, more: usize, limit: u64) -> Result<u64, SourceError> {
    let size = size.saturating_add(to_u64(more));
    if size > limit {
        return Err(SourceError::TooLarge { limit });
    }
    Ok(size)
}

fn to_u64(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// Where a partial answer begins: the `5` in `Content-Range: bytes 5-9/10`.
fn content_range_start(response: &Response) -> Option<u64> {
    let range = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    let (start, _) = range.strip_prefix("bytes ")?.split_once('-')?;
    start.parse().ok()
}

fn header_text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?;
    (text.len() <= MAX_VALIDATOR_LEN).then(|| text.to_owned())
}

fn from_status(status: StatusCode) -> SourceError {
    let code = status.as_u16();
    if status.is_server_error() || matches!(code, 408 | 429) {
        SourceError::Unavailable(code)
    } else if matches!(code, 300..=303 | 305..=308) {
        // To something that is not http, which the client does not follow.
        SourceError::Redirect
    } else {
        SourceError::Status(code)
    }
}

fn from_reqwest(error: reqwest::Error) -> SourceError {
    if error.is_redirect() {
        SourceError::Redirect
    } else {
        SourceError::Unreachable(error.without_url())
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::sync::test_server::{Fault, TestServer};

    const ZIP: &str = "/c19r/440/1.zip";
    const LIST: &str = "/c19r/440/list.json";
    const RULES: Rules = Rules {
        other_hosts: false,
        insecure_http: false,
        max_entries: 100,
    };

    struct Fixture {
        server: TestServer,
        dir: TempDir,
        limits: Limits,
    }

    impl Fixture {
        fn new() -> Self {
            let server = TestServer::start();
            server.put(LIST, "[]");
            server.put(ZIP, body());
            Self {
                server,
                dir: TempDir::new().unwrap(),
                limits: Limits {
                    list_bytes: 1000,
                    export_bytes: 100_000,
                    idle_timeout_ms: 300,
                    retry_wait_ms: 1,
                    ..Limits::default()
                },
            }
        }

        fn source(&self) -> Source {
            let list_url = self.server.url(LIST);
            Source::open(
                list_url,
                RULES,
                self.limits,
                &self.dir.path().join("downloads"),
            )
            .unwrap()
        }

        fn entry(&self) -> Entry {
            Entry {
                created: 7,
                url: self.server.url(ZIP),
            }
        }

        async fn export(&self) -> Result<Fetched, SourceError> {
            self.source().export(&self.entry()).await
        }

        fn sent(&self) -> Vec<usize> {
            let requests = self.server.requests(ZIP);
            requests.iter().map(|request| request.sent).collect()
        }
    }

    fn body() -> Vec<u8> {
        (0..50_000u32).map(|n| n.to_le_bytes()[0]).collect()
    }

    #[tokio::test]
    async fn an_export_is_downloaded_once_and_kept() {
        let fixture = Fixture::new();
        assert_eq!(fixture.export().await.unwrap().bytes, body());
        assert_eq!(fixture.export().await.unwrap().bytes, body());
        assert_eq!(fixture.sent(), [50_000]);
        fixture.source().discard(&fixture.entry()).await;
        assert_eq!(fixture.export().await.unwrap().bytes, body());
        assert_eq!(fixture.sent(), [50_000, 50_000]);
    }

    #[tokio::test]
    async fn requests_carry_nothing_that_identifies() {
        let fixture = Fixture::new();
        fixture.export().await.unwrap();
        let request = &fixture.server.requests(ZIP)[0];
        let names: Vec<_> = request.headers.keys().map(String::as_str).collect();
        assert_eq!(names, ["accept", "host", "user-agent"]);
        assert_eq!(request.headers["user-agent"], "Sesshoku");
    }

    #[tokio::test]
    async fn a_cut_download_is_continued() {
        let fixture = Fixture::new();
        fixture
            .server
            .faults(ZIP, [Fault::Cut(30_000), Fault::Cut(5_000)]);
        let fetched = fixture.export().await.unwrap();
        assert_eq!(fetched.bytes, body());
        assert!(fetched.resumed);
        assert_eq!(fixture.sent(), [30_000, 5_000, 15_000]);
        let requests = fixture.server.requests(ZIP);
        assert_eq!(requests[1].headers["range"], "bytes=30000-");
        assert_eq!(requests[2].headers["range"], "bytes=35000-");
        assert!(requests[2].headers.contains_key("if-range"));
    }

    #[tokio::test]
    async fn a_cut_download_is_continued_by_the_next_check() {
        let fixture = Fixture::new();
        let cuts = [Fault::Cut(9_999), Fault::Cut(1), Fault::Cut(0)];
        fixture.server.faults(ZIP, cuts);
        let error = fixture.export().await.unwrap_err();
        assert!(matches!(error, SourceError::Unreachable(_)), "{error}");
        assert_eq!(fixture.export().await.unwrap().bytes, body());
        assert_eq!(fixture.sent(), [9_999, 1, 0, 40_000]);
    }

    #[tokio::test]
    async fn another_file_at_the_same_url_is_not_joined_to_the_old_part() {
        let fixture = Fixture::new();
        let cuts = [Fault::Cut(30_000), Fault::Cut(0), Fault::Cut(0)];
        fixture.server.faults(ZIP, cuts);
        fixture.export().await.unwrap_err();
        fixture.server.put(ZIP, vec![1; 40_000]);
        let fetched = fixture.export().await.unwrap();
        assert_eq!(fetched.bytes, [1; 40_000]);
        assert!(!fetched.resumed);
    }

    #[tokio::test]
    async fn without_a_validator_nothing_is_continued() {
        for etag in [None, Some("W/\"weak\"".to_owned())] {
            let fixture = Fixture::new();
            fixture.server.document(ZIP, |document| {
                document.etag = etag;
                document.faults = vec![Fault::Cut(30_000)];
            });
            assert_eq!(fixture.export().await.unwrap().bytes, body());
            assert_eq!(fixture.sent(), [30_000, 50_000]);
        }
    }

    #[tokio::test]
    async fn a_part_from_elsewhere_is_not_joined() {
        let fixture = Fixture::new();
        fixture
            .server
            .faults(ZIP, [Fault::Cut(30_000), Fault::WrongRange]);
        assert_eq!(fixture.export().await.unwrap().bytes, body());
        assert_eq!(fixture.sent(), [30_000, 19_999, 50_000]);
    }

    #[tokio::test]
    async fn a_complete_part_that_was_never_renamed_is_downloaded_anew() {
        let fixture = Fixture::new();
        fixture.export().await.unwrap();
        let downloads_dir = fixture.dir.path().join("downloads");
        let stem = file_stem(&fixture.entry());
        let part_path = downloads_dir.join(format!("{stem}.part"));
        std::fs::rename(downloads_dir.join(format!("{stem}.zip")), part_path).unwrap();
        let mut validators = Validators::default();
        fixture
            .server
            .document(ZIP, |document| validators.etag = document.etag.clone());
        let json = serde_json::to_vec(&validators).unwrap();
        std::fs::write(downloads_dir.join(format!("{stem}.json")), json).unwrap();
        assert_eq!(fixture.export().await.unwrap().bytes, body());
        assert_eq!(fixture.sent(), [50_000, 0, 50_000]);
    }

    #[tokio::test]
    async fn too_large_is_refused_before_and_while_reading() {
        for fault in [
            Fault::Declare(100_001),
            Fault::Declare(u64::MAX / 2),
            Fault::Endless,
        ] {
            let fixture = Fixture::new();
            fixture.server.faults(ZIP, [fault.clone()]);
            let error = fixture.export().await.unwrap_err();
            assert!(
                matches!(error, SourceError::TooLarge { limit: 100_000 }),
                "{fault:?}: {error}"
            );
            let left = std::fs::read_dir(fixture.dir.path().join("downloads")).unwrap();
            assert_eq!(left.count(), 0, "{fault:?}");

            fixture.server.faults(LIST, [fault.clone()]);
            let error = fixture.source().list(None).await.unwrap_err();
            assert!(
                matches!(error, SourceError::TooLarge { limit: 1000 }),
                "{fault:?}: {error}"
            );
        }
    }

    #[tokio::test]
    async fn exactly_the_limit_is_taken() {
        let mut fixture = Fixture::new();
        fixture.limits.export_bytes = 50_000;
        assert_eq!(fixture.export().await.unwrap().bytes, body());
        let mut fixture = Fixture::new();
        fixture.limits.export_bytes = 49_999;
        fixture.export().await.unwrap_err();
    }

    #[tokio::test]
    async fn a_server_that_stalls_is_given_up() {
        let fixture = Fixture::new();
        fixture
            .server
            .faults(LIST, [Fault::Stall, Fault::Stall, Fault::Stall]);
        let error = fixture.source().list(None).await.unwrap_err();
        assert!(matches!(error, SourceError::Unreachable(_)), "{error}");
        assert_eq!(fixture.server.requests(LIST).len(), 3);
    }

    #[tokio::test]
    async fn statuses_are_told_apart() {
        for (status, tries) in [
            (500, 3),
            (502, 3),
            (503, 3),
            (501, 1),
            (429, 1),
            (404, 1),
            (403, 1),
            (204, 1),
            (206, 1),
            (416, 1),
        ] {
            let fixture = Fixture::new();
            fixture.server.faults(ZIP, vec![Fault::Status(status); 3]);
            let error = fixture.export().await.unwrap_err();
            let is_unavailable = matches!(error, SourceError::Unavailable(_));
            assert_eq!(is_unavailable, status >= 500 || status == 429, "{status}");
            assert_eq!(fixture.sent().len(), tries, "{status}");
        }
    }

    #[tokio::test]
    async fn an_encoding_is_refused() {
        let fixture = Fixture::new();
        fixture.server.faults(ZIP, [Fault::Encoding("gzip")]);
        let error = fixture.export().await.unwrap_err();
        assert!(matches!(error, SourceError::Encoding), "{error}");
    }

    #[tokio::test]
    async fn redirects_stay_on_the_server_and_end() {
        let fixture = Fixture::new();
        fixture.server.put("/elsewhere.zip", body());
        let same = fixture.server.url("/elsewhere.zip").to_string();
        fixture.server.faults(ZIP, [Fault::Redirect(same)]);
        assert_eq!(fixture.export().await.unwrap().bytes, body());

        let other = TestServer::start();
        other.put(ZIP, body());
        let myself = fixture.server.url(ZIP).to_string();
        for to in [
            other.url(ZIP).to_string(),
            "file:///etc/passwd".into(),
            myself,
        ] {
            fixture.source().discard(&fixture.entry()).await;
            fixture
                .server
                .faults(ZIP, vec![Fault::Redirect(to.clone()); 10]);
            let error = fixture.export().await.unwrap_err();
            assert!(matches!(error, SourceError::Redirect), "{to}: {error:?}");
        }
        assert_eq!(other.requests(ZIP).len(), 0);
    }

    #[tokio::test]
    async fn nobody_listening_is_unreachable() {
        let port = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        let list_url = Url::parse(&format!("http://127.0.0.1:{port}/list.json")).unwrap();
        let fixture = Fixture::new();
        let source = Source::open(list_url, RULES, fixture.limits, fixture.dir.path()).unwrap();
        let error = source.list(None).await.unwrap_err();
        assert!(matches!(error, SourceError::Unreachable(_)), "{error}");
    }

    #[tokio::test]
    async fn an_unchanged_list_is_not_sent_again() {
        let fixture = Fixture::new();
        let Listing::Fetched { validators, .. } = fixture.source().list(None).await.unwrap() else {
            panic!("the list is new");
        };
        let again = fixture.source().list(Some(&validators)).await.unwrap();
        assert!(matches!(again, Listing::Unchanged));
        fixture.server.put(LIST, "[ ]");
        let changed = fixture.source().list(Some(&validators)).await.unwrap();
        assert!(matches!(changed, Listing::Fetched { bytes, .. } if bytes == b"[ ]"));
    }

    #[tokio::test]
    async fn not_modified_without_having_asked_is_refused() {
        let fixture = Fixture::new();
        for known in [None, Some(Validators::default())] {
            fixture.server.faults(LIST, [Fault::NotModified]);
            let error = fixture.source().list(known.as_ref()).await.unwrap_err();
            assert!(matches!(error, SourceError::Status(304)), "{error}");
        }
    }

    #[tokio::test]
    async fn only_listed_downloads_are_kept() {
        let fixture = Fixture::new();
        fixture.export().await.unwrap();
        let source = fixture.source();
        source.discard_all_but(&[fixture.entry()]).await.unwrap();
        fixture.export().await.unwrap();
        assert_eq!(fixture.sent().len(), 1);
        source.discard_all_but(&[]).await.unwrap();
        fixture.export().await.unwrap();
        assert_eq!(fixture.sent().len(), 2);
    }

    #[tokio::test]
    async fn a_folder_gives_its_files_and_no_others() {
        let dir = TempDir::new().unwrap();
        let folder = dir.path().join("exports");
        std::fs::create_dir_all(folder.join("day")).unwrap();
        std::fs::write(dir.path().join("secret"), "s").unwrap();
        std::fs::write(folder.join("list.json"), "[]").unwrap();
        std::fs::write(folder.join("day/1.zip"), "zip").unwrap();
        std::fs::write(folder.join("large.zip"), vec![0; 100_001]).unwrap();
        std::os::unix::fs::symlink("../secret", folder.join("link.zip")).unwrap();
        nix::unistd::mkfifo(&folder.join("fifo.zip"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let list_url = Url::from_file_path(folder.join("list.json")).unwrap();
        let limits = Fixture::new().limits;
        let source = Source::open(list_url.clone(), RULES, limits, dir.path()).unwrap();
        assert!(matches!(
            source.list(None).await.unwrap(),
            Listing::Fetched { bytes, .. } if bytes == b"[]"
        ));
        let export = async |name: &str| {
            let url = list_url.join(name).unwrap();
            source.export(&Entry { created: 1, url }).await
        };
        assert_eq!(export("day/1.zip").await.unwrap().bytes, b"zip");
        for (name, expected) in [
            ("link.zip", "not a file of the folder"),
            ("fifo.zip", "not a file of the folder"),
            ("day", "not a file of the folder"),
            ("large.zip", "the file is larger than 100000 bytes"),
            ("missing.zip", "the file could not be read"),
        ] {
            assert_eq!(
                export(name).await.unwrap_err().to_string(),
                expected,
                "{name}"
            );
        }
    }
}
