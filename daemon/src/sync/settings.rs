//! What is configured about the notification server.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gaen::config::Configuration;
use gaen::export::{PinnedKey, PinnedKeyError};
use gaen::listing::{self, Listing, ListingError};
use gaen::matching;
use serde::{Deserialize, Serialize};
use sesshoku_core::tracer::schedule::{DEFAULT_INTERVAL, LONGEST_INTERVAL, SHORTEST_INTERVAL};
use url::Url;

use super::list::{self, List, ListError, Rules, is_loopback};
use super::source::{Source, SourceError};

/// The `[server]` table of the configuration, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The server's base URL: the list is at `{url}/c19r/{region}/list.json`
    /// (docs/protocol.md §8). `https:`, `http:` on this machine, or `file:` for a folder,
    /// which may also hold `list.json` itself. Without it, or `list_url`,
    /// nothing is checked.
    pub url: Option<String>,
    /// The list's own URL, for a server with another layout.
    pub list_url: Option<String>,
    /// The base URL of the server to register as positive with, where it is not that
    /// of `url`: `{registration_url}/api/v3/diagnosis` (docs/protocol.md §8). Only `https:`,
    /// or `http:` on this machine, whatever else is allowed: it is told keys and a
    /// processing number. With a folder for a server nobody can register.
    pub registration_url: Option<String>,
    /// How often a dummy of a registration is sent there, in seconds, on average: so
    /// nobody who watches the line learns who registers. 0 for never.
    pub chaff_interval_seconds: u32,
    /// Only exports of this region are taken.
    pub region: String,
    /// The keys that exports must be signed with; one of them is enough.
    pub public_keys: Vec<PublicKeySettings>,
    /// Longest time from one complete check to the next, in seconds: 15 minutes
    /// to 23 hours. The actual time is up to a tenth shorter, at random.
    pub interval_seconds: u32,
    /// Within how many hours the server promises to sign something, if only padding: when
    /// the newest period that it signed ended longer ago, it has fallen silent, or
    /// somebody holds back what it says. 0 for a server that makes no such promise.
    pub fresh_within_hours: u32,
    /// Whether the list may name files on other servers.
    pub allow_other_hosts: bool,
    /// Whether plain http may be spoken beyond this machine. Exports are signed,
    /// but whoever is in between could hold them back unseen.
    pub allow_insecure_http: bool,
    /// What is refused as too large, too many or too slow.
    pub limits: Limits,
}

/// A pinned public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicKeySettings {
    /// The key's id, such as `440`.
    pub id: String,
    /// The key's version, such as `v1`.
    pub version: String,
    /// The key itself, as PEM.
    pub pem: Option<String>,
    /// A file with the key as PEM, instead of `pem`.
    pub file: Option<PathBuf>,
}

/// What is refused as too large, too many or too slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest list, in bytes.
    pub list_bytes: u64,
    /// Most entries of a list.
    pub list_entries: u32,
    /// Largest export file as downloaded, in bytes.
    pub export_bytes: u64,
    /// After this many bytes of exports a check leaves the others to the next one.
    pub check_bytes: u64,
    /// Longest time to connect, in milliseconds.
    pub connect_timeout_ms: u32,
    /// Longest time without a byte, in milliseconds.
    pub idle_timeout_ms: u32,
    /// Longest time for the list, in milliseconds.
    pub list_timeout_ms: u32,
    /// Longest time for one export, in milliseconds.
    pub export_timeout_ms: u32,
    /// Longest time for a whole check, in milliseconds. What was not looked at by then
    /// is for the next one.
    pub check_timeout_ms: u32,
    /// Longest time for one try to register, in milliseconds.
    pub registration_timeout_ms: u32,
    /// The wait before the first retry within a check, in milliseconds; four
    /// times as long before the second.
    pub retry_wait_ms: u32,
}

/// Where to register as positive, ready to be asked.
#[derive(Clone, Debug)]
pub struct Registrar {
    pub(crate) url: Url,
    pub(crate) region: String,
    pub(crate) limits: Limits,
    chaff_interval: Option<Duration>,
}

/// A notification server, ready to be asked.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where the list may be, best first.
    list_urls: Vec<Url>,
    pub(crate) region: String,
    pub(crate) public_keys: Vec<PinnedKey>,
    rules: Rules,
    pub(crate) limits: Limits,
    interval: Duration,
    fresh_within: Option<Duration>,
    registrar: Option<Registrar>,
    downloads_dir: PathBuf,
    pub(crate) matching: matching::Options,
    pub(crate) configuration: Configuration,
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Both `url` and `list_url` are given.
    #[error("give either url or list_url, not both")]
    TwoUrls,
    /// A URL cannot be read.
    #[error("{setting} is not a URL")]
    Url {
        /// Which setting.
        setting: &'static str,
        /// What is wrong with it.
        #[source]
        source: url::ParseError,
    },
    /// A URL's scheme, user name, query or fragment has no place here.
    #[error("{setting} must be a plain https:, file: or, on this machine, http: URL")]
    UnsuitableUrl {
        /// Which setting.
        setting: &'static str,
    },
    /// There is a server to register with, but none to check with.
    #[error("registration_url needs url or list_url beside it")]
    RegistrationAlone,
    /// Registering would go out in the clear.
    #[error("registration_url must be a plain https: or, on this machine, http: URL")]
    UnsuitableRegistrationUrl,
    /// The region is not a word of letters, digits, `-` and `_`.
    #[error("region must be 1 to 32 letters, digits, '-' or '_'")]
    Region,
    /// The interval is too long or too short.
    #[error("interval_seconds must be {} to {}", SHORTEST_INTERVAL.as_secs(), LONGEST_INTERVAL.as_secs())]
    Interval,
    /// No public key is given, so nothing could be verified.
    #[error("at least one public key is needed")]
    NoPublicKey,
    /// A key has both `pem` and `file`, or neither.
    #[error("public key {id}-{version} needs either pem or file")]
    PemOrFile {
        /// The key's id.
        id: String,
        /// The key's version.
        version: String,
    },
    /// A key's file cannot be read.
    #[error("the file of public key {id}-{version} cannot be read")]
    KeyFile {
        /// The key's id.
        id: String,
        /// The key's version.
        version: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A key is not a P-256 public key in PEM.
    #[error("public key {id}-{version} is of no use")]
    Key {
        /// The key's id.
        id: String,
        /// The key's version.
        version: String,
        /// Why.
        #[source]
        source: PinnedKeyError,
    },
}

impl Settings {
    /// The server these settings describe, `None` when they describe none. Reads
    /// the key files; downloads in progress will be kept in `downloads_dir`.
    ///
    /// # Errors
    /// When a setting makes no sense or a key cannot be read.
    pub fn server(&self, downloads_dir: &Path) -> Result<Option<Server>, SettingsError> {
        let list_urls = match (&self.url, &self.list_url) {
            (None, None) if self.registration_url.is_some() => {
                return Err(SettingsError::RegistrationAlone);
            }
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => return Err(SettingsError::TwoUrls),
            (Some(base), None) => self.lists_below(&self.parse_url("url", base)?)?,
            (None, Some(list)) => vec![self.parse_url("list_url", list)?],
        };
        if !is_region(&self.region) {
            return Err(SettingsError::Region);
        }
        let interval = Duration::from_secs(self.interval_seconds.into());
        if !(SHORTEST_INTERVAL..=LONGEST_INTERVAL).contains(&interval) {
            return Err(SettingsError::Interval);
        }
        if self.public_keys.is_empty() {
            return Err(SettingsError::NoPublicKey);
        }
        let public_keys = self
            .public_keys
            .iter()
            .map(PublicKeySettings::pinned)
            .collect::<Result<_, _>>()?;
        Ok(Some(Server {
            list_urls,
            region: self.region.clone(),
            public_keys,
            rules: Rules {
                other_hosts: self.allow_other_hosts,
                insecure_http: self.allow_insecure_http,
                max_entries: usize::try_from(self.limits.list_entries).unwrap_or(usize::MAX),
            },
            limits: self.limits,
            interval,
            fresh_within: (self.fresh_within_hours != 0)
                .then(|| Duration::from_secs(u64::from(self.fresh_within_hours) * 3600)),
            registrar: self.registrar()?,
            downloads_dir: downloads_dir.to_owned(),
            matching: matching::Options::default(),
            configuration: Configuration::default(),
        }))
    }

    fn parse_url(&self, setting: &'static str, text: &str) -> Result<Url, SettingsError> {
        let url = Url::parse(text).map_err(|source| SettingsError::Url { setting, source })?;
        let is_plain = url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
            && (url.query().is_none() || setting == "list_url");
        let is_scheme_allowed = match url.scheme() {
            "https" => true,
            "http" => self.allow_insecure_http || is_loopback(&url),
            "file" => url.to_file_path().is_ok() && url.query().is_none(),
            _ => false,
        };
        if is_plain && is_scheme_allowed {
            Ok(url)
        } else {
            Err(SettingsError::UnsuitableUrl { setting })
        }
    }

    fn registrar(&self) -> Result<Option<Registrar>, SettingsError> {
        let is_secure =
            |url: &Url| url.scheme() == "https" || url.scheme() == "http" && is_loopback(url);
        let base = match (&self.registration_url, &self.url) {
            (Some(base), _) => {
                let url = self.parse_url("registration_url", base)?;
                if !is_secure(&url) {
                    return Err(SettingsError::UnsuitableRegistrationUrl);
                }
                url
            }
            (None, Some(base)) => self.parse_url("url", base)?,
            (None, None) => return Ok(None),
        };
        if !is_secure(&base) {
            return Ok(None);
        }
        let chaff_interval = Duration::from_secs(self.chaff_interval_seconds.into());
        Ok(Some(Registrar {
            url: below("registration_url", &base, &["api", "v3", "diagnosis"])?,
            region: self.region.clone(),
            limits: self.limits,
            chaff_interval: (!chaff_interval.is_zero()).then_some(chaff_interval),
        }))
    }

    fn lists_below(&self, base: &Url) -> Result<Vec<Url>, SettingsError> {
        let mut urls = vec![below("url", base, &["c19r", &self.region, "list.json"])?];
        if base.scheme() == "file" {
            urls.push(below("url", base, &["list.json"])?);
        }
        Ok(urls)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: None,
            list_url: None,
            registration_url: None,
            chaff_interval_seconds: 604_800,
            region: "440".to_owned(),
            public_keys: Vec::new(),
            interval_seconds: u32::try_from(DEFAULT_INTERVAL.as_secs()).unwrap_or(u32::MAX),
            fresh_within_hours: 48,
            allow_other_hosts: false,
            allow_insecure_http: false,
            limits: Limits::default(),
        }
    }
}

impl PublicKeySettings {
    fn pinned(&self) -> Result<PinnedKey, SettingsError> {
        let (id, version) = (self.id.clone(), self.version.clone());
        let pem = match (&self.pem, &self.file) {
            (Some(pem), None) => pem.clone(),
            (None, Some(path)) => {
                settings::file::read_text(path).map_err(|source| SettingsError::KeyFile {
                    id: id.clone(),
                    version: version.clone(),
                    source,
                })?
            }
            _ => return Err(SettingsError::PemOrFile { id, version }),
        };
        PinnedKey::from_pem(self.id.as_str(), self.version.as_str(), &pem).map_err(|source| {
            SettingsError::Key {
                id,
                version,
                source,
            }
        })
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            list_bytes: 1 << 20,
            list_entries: 5_000,
            export_bytes: 16 << 20,
            check_bytes: 512 << 20,
            connect_timeout_ms: 15_000,
            idle_timeout_ms: 30_000,
            list_timeout_ms: 60_000,
            export_timeout_ms: 600_000,
            check_timeout_ms: 1_800_000,
            registration_timeout_ms: 60_000,
            retry_wait_ms: 2_000,
        }
    }
}

impl Limits {
    pub(crate) fn connect_timeout(self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms.into())
    }

    pub(crate) fn idle_timeout(self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms.into())
    }

    pub(crate) fn list_timeout(self) -> Duration {
        Duration::from_millis(self.list_timeout_ms.into())
    }

    pub(crate) fn export_timeout(self) -> Duration {
        Duration::from_millis(self.export_timeout_ms.into())
    }

    pub(crate) fn check_timeout(self) -> Duration {
        Duration::from_millis(self.check_timeout_ms.into())
    }

    pub(crate) fn registration_timeout(self) -> Duration {
        Duration::from_millis(self.registration_timeout_ms.into())
    }

    pub(crate) fn retry_wait(self) -> Duration {
        Duration::from_millis(self.retry_wait_ms.into())
    }
}

impl Registrar {
    /// How often dummies are to be sent, on average; `None` for never.
    pub const fn chaff_interval(&self) -> Option<Duration> {
        self.chaff_interval
    }
}

impl Server {
    /// Where to register as positive, unless that is not possible here.
    pub const fn registrar(&self) -> Option<&Registrar> {
        self.registrar.as_ref()
    }

    /// Within which time the server promises to sign something, `None` where it makes
    /// no such promise.
    pub const fn fresh_within(&self) -> Option<Duration> {
        self.fresh_within
    }

    /// Longest time from one complete check to the next, for
    /// [`Schedule`](sesshoku_core::tracer::schedule::Schedule).
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// The same server, with what matching must know of this device.
    #[must_use]
    pub fn with_matching(self, matching: matching::Options) -> Self {
        Self { matching, ..self }
    }

    /// Where its list and exports are, with a client for one check. Of the places
    /// where a folder's list may be, the first that has one.
    pub(crate) async fn source(&self) -> Result<Source, SourceError> {
        let mut list_url = self.list_urls.first();
        for candidate in &self.list_urls {
            if let Ok(path) = candidate.to_file_path()
                && tokio::fs::try_exists(path).await.unwrap_or(false)
            {
                list_url = Some(candidate);
                break;
            }
        }
        let list_url = list_url.ok_or(SourceError::NotInFolder)?.clone();
        Source::open(list_url, self.rules, self.limits, &self.downloads_dir)
    }

    /// Opens the signed list that was found beside the list.
    pub(crate) fn open_signed_list(&self, bytes: &[u8]) -> Result<Listing, ListingError> {
        let limits = listing::Limits {
            file: usize::try_from(self.limits.list_bytes).unwrap_or(usize::MAX),
            entries: self.rules.max_entries,
        };
        Listing::open(bytes, &self.public_keys, &limits)
    }

    /// The entries of a signed list that `source` gave.
    pub(crate) fn signed_entries(&self, listing: &Listing, source: &Source) -> List {
        list::from_signed(listing, source.list_url(), self.rules)
    }

    /// Reads the list that `source` gave.
    pub(crate) fn parse_list(&self, bytes: &[u8], source: &Source) -> Result<List, ListError> {
        list::parse(bytes, source.list_url(), &self.region, self.rules)
    }
}

/// The URL `base` with `parts` added to its path.
fn below(setting: &'static str, base: &Url, parts: &[&str]) -> Result<Url, SettingsError> {
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| SettingsError::UnsuitableUrl { setting })?
        .pop_if_empty()
        .extend(parts);
    Ok(url)
}

fn is_region(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=32).contains(&text.len()) && text.bytes().all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// COCOA's production key.
    const PEM: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQwqCWDLkl+g+4bwTQgoRMbR7Z+Dz
3wfNbAQhB2ja07q7UN7Bwa45HYJXkZlXqEQVb9c+SPuW4fDZnlMuQeIw+Q==
-----END PUBLIC KEY-----
";

    fn settings(toml: &str) -> Settings {
        let mut settings: Settings = toml::from_str(toml).unwrap();
        settings.public_keys.push(PublicKeySettings {
            id: "440".into(),
            version: "v1".into(),
            pem: Some(PEM.into()),
            file: None,
        });
        settings
    }

    fn lists(toml: &str) -> Vec<String> {
        let server = settings(toml).server(Path::new("d")).unwrap().unwrap();
        server.list_urls.iter().map(ToString::to_string).collect()
    }

    fn error(settings: &Settings) -> String {
        settings.server(Path::new("d")).unwrap_err().to_string()
    }

    #[test]
    fn without_a_url_there_is_no_server() {
        let settings = Settings::default();
        assert!(settings.server(Path::new("d")).unwrap().is_none());
    }

    #[test]
    fn where_the_list_is() {
        for (toml, expected) in [
            (
                "url = 'https://cdn.example'",
                &["https://cdn.example/c19r/440/list.json"][..],
            ),
            (
                "url = 'https://cdn.example/x/'\nregion = 'test-1'",
                &["https://cdn.example/x/c19r/test-1/list.json"],
            ),
            (
                "url = 'http://localhost:80/'",
                &["http://localhost/c19r/440/list.json"],
            ),
            (
                "url = 'http://[::1]:8080'",
                &["http://[::1]:8080/c19r/440/list.json"],
            ),
            (
                "url = 'file:///srv/exports'",
                &[
                    "file:///srv/exports/c19r/440/list.json",
                    "file:///srv/exports/list.json",
                ],
            ),
            (
                "list_url = 'https://cdn.example/l?v=1'",
                &["https://cdn.example/l?v=1"],
            ),
            (
                "url = 'http://cdn.example'\nallow_insecure_http = true",
                &["http://cdn.example/c19r/440/list.json"],
            ),
        ] {
            assert_eq!(lists(toml), expected, "{toml}");
        }
    }

    #[test]
    fn where_to_register() {
        for (toml, expected) in [
            (
                "url = 'https://a.example/x/'",
                Some("https://a.example/x/api/v3/diagnosis"),
            ),
            (
                "url = 'http://localhost:80'",
                Some("http://localhost/api/v3/diagnosis"),
            ),
            (
                "url = 'https://cdn.example'\nregistration_url = 'https://api.example'",
                Some("https://api.example/api/v3/diagnosis"),
            ),
            (
                "list_url = 'https://cdn.example/l'\nregistration_url = 'https://api.example'",
                Some("https://api.example/api/v3/diagnosis"),
            ),
            (
                "url = 'file:///srv'\nregistration_url = 'http://127.0.0.1:8080'",
                Some("http://127.0.0.1:8080/api/v3/diagnosis"),
            ),
            ("url = 'file:///srv'", None),
            ("list_url = 'https://cdn.example/l'", None),
            (
                "url = 'http://cdn.example'\nallow_insecure_http = true",
                None,
            ),
        ] {
            let server = settings(toml).server(Path::new("d")).unwrap().unwrap();
            let url = server.registrar().map(|it| it.url.as_str());
            assert_eq!(url, expected, "{toml}");
        }
        let server = settings("url = 'https://a.example'\nchaff_interval_seconds = 0");
        let server = server.server(Path::new("d")).unwrap().unwrap();
        assert_eq!(server.registrar().unwrap().chaff_interval(), None);
    }

    #[test]
    fn what_is_refused() {
        for (toml, expected) in [
            (
                "registration_url = 'https://a.example'",
                "registration_url needs url",
            ),
            (
                "url = 'https://a.example'\nregistration_url = 'file:///srv'",
                "registration_url must be",
            ),
            (
                "url = 'https://a.example'\nregistration_url = 'http://a.example'\n\
                 allow_insecure_http = true",
                "registration_url must be",
            ),
            (
                "url = 'https://a.example'\nregistration_url = 'https://u@a.example'",
                "registration_url must be",
            ),
            (
                "url = 'https://a.example'\nlist_url = 'https://a.example/l'",
                "give either",
            ),
            ("url = 'cdn.example'", "url is not a URL"),
            ("url = 'http://cdn.example'", "url must be a plain https:"),
            ("url = 'ftp://cdn.example'", "url must be a plain https:"),
            (
                "url = 'https://u:p@cdn.example'",
                "url must be a plain https:",
            ),
            (
                "url = 'https://cdn.example/?x'",
                "url must be a plain https:",
            ),
            (
                "list_url = 'https://cdn.example/l#x'",
                "list_url must be a plain https:",
            ),
            (
                "list_url = 'file://other-host/l'",
                "list_url must be a plain https:",
            ),
            (
                "url = 'https://a.example'\nregion = '../440'",
                "region must be",
            ),
            ("url = 'https://a.example'\nregion = ''", "region must be"),
            (
                "url = 'https://a.example'\ninterval_seconds = 899",
                "interval_seconds must be 900 to 82800",
            ),
            (
                "url = 'https://a.example'\ninterval_seconds = 82801",
                "interval_seconds must be 900 to 82800",
            ),
        ] {
            let text = error(&settings(toml));
            assert!(text.starts_with(expected), "{toml}: {text}");
        }
    }

    #[test]
    fn unknown_settings_are_refused() {
        for toml in [
            "urll = ''",
            "limits = { lists = 1 }",
            "[[public_keys]]\nid = '440'",
        ] {
            assert!(toml::from_str::<Settings>(toml).is_err(), "{toml}");
        }
    }

    #[test]
    fn keys_come_as_text_or_as_a_file() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("key.pem");
        std::fs::write(&path, PEM).unwrap();
        let key = |pem: Option<&str>, file: Option<&Path>| {
            let mut settings = settings("url = 'https://a.example'");
            settings.public_keys[0].pem = pem.map(str::to_owned);
            settings.public_keys[0].file = file.map(Path::to_owned);
            settings
        };
        for good in [key(Some(PEM), None), key(None, Some(&path))] {
            let server = good.server(Path::new("d")).unwrap().unwrap();
            assert_eq!(server.public_keys[0].name(), "440-v1");
        }
        for (bad, expected) in [
            (
                key(None, None),
                "public key 440-v1 needs either pem or file",
            ),
            (
                key(Some(PEM), Some(&path)),
                "public key 440-v1 needs either pem or file",
            ),
            (key(Some("x"), None), "public key 440-v1 is of no use"),
            (
                key(None, Some(Path::new("/nowhere"))),
                "the file of public key 440-v1 cannot be read",
            ),
        ] {
            assert_eq!(error(&bad), expected);
        }
        let mut none = key(Some(PEM), None);
        none.public_keys.clear();
        assert_eq!(error(&none), "at least one public key is needed");
    }

    #[test]
    fn settings_survive_a_round_trip() {
        let settings = settings("url = 'https://a.example'");
        let toml = toml::to_string(&settings).unwrap();
        assert_eq!(toml::from_str::<Settings>(&toml).unwrap(), settings);
    }
}
