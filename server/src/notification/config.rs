//! The configuration of the notification role: `/etc/sesshoku/notification.toml`
//! and its drop-ins, `SESSHOKU_NOTIFICATION_SECTION__KEY`, as [`settings`] lays them
//! over each other. docs/server.md has the table of all of it.

use std::path::PathBuf;
use std::time::Duration;

use ::settings::{ConfigError, Settings};
use gaen::time::UnixSeconds;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::limits;
use super::rules::KEPT_DAYS;
use crate::secret::Place;
use crate::{clock, database, http};

/// The whole configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to answer, within which limits.
    pub http: http::Settings,
    /// Where the time comes from.
    pub clock: clock::Settings,
    /// Where keys are kept.
    pub database: database::Settings,
    /// Where files for devices are kept.
    pub storage: Storage,
    /// What devices are given.
    pub distribution: Distribution,
    /// What signs exports.
    pub signing: Signing,
    /// The management system that knows 処理番号.
    pub management: Management,
    /// What a registration may be.
    pub registration: Registration,
    /// How often a registration may be tried.
    pub limits: limits::Settings,
    /// How exports are made.
    pub export: Export,
}

/// `kind = "folder"` with `dir`, or `kind = "s3"` with the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Storage {
    /// A folder of this machine.
    Folder {
        /// The folder, made if it is not there.
        dir: PathBuf,
    },
    /// An S3-compatible object store.
    S3 {
        /// The bucket, which must be there.
        bucket: String,
        /// The region's name; many stores take any.
        #[serde(default = "default_s3_region")]
        region: String,
        /// The store's URL, where it is not Amazon's.
        #[serde(default)]
        endpoint: Option<Url>,
        /// What comes before every name.
        #[serde(default)]
        prefix: String,
        /// The access key's id.
        access_key_id: Place,
        /// The access key's secret.
        secret_access_key: Place,
    },
}

fn default_s3_region() -> String {
    "us-east-1".to_owned()
}

/// What devices are given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Distribution {
    /// Where devices find this server, or the CDN before it: lists name files
    /// below it.
    pub base_url: Url,
    /// The regions it serves. A registration that names none is for the first.
    pub regions: Vec<String>,
    /// The operator's notices, a JSON file (`docs/server.md`); without it there
    /// are none.
    pub notices: Option<PathBuf>,
    /// A file to hand out for COCOA's `configuration.json`.
    pub exposure_configuration: Option<PathBuf>,
    /// A file to hand out for COCOA's `risk_calculation_configuration.json`.
    pub risk_calculation_configuration: Option<PathBuf>,
    /// Most bytes of exports and lists in memory, those included that clients are
    /// receiving; 0 for none.
    pub cache_max_bytes: usize,
}

/// What signs exports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Signing {
    /// The private key, PKCS #8 PEM, as `sesshoku-server keygen` makes it.
    pub key: Place,
    /// The key that is to come after it.
    pub next: Option<Next>,
    /// Private keys that were there before it: what was sealed with one is opened. It is
    /// needed for two days after a change of key.
    pub former_keys: Vec<Place>,
    /// The key's id, by which devices know it.
    pub id: String,
    /// The key's version.
    pub version: String,
    /// The name of an app to give in signatures, as COCOA does.
    pub app_id: Option<String>,
}

/// `[signing.next]`: a key that signs beside the other, and then in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Next {
    /// The private key.
    pub key: Place,
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// When it begins to sign; at once where that is not said.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// When the other one ceases to; it does not where that is not said.
    #[serde(default)]
    pub alone_from: Option<Timestamp>,
}

/// The management system that knows 処理番号.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Management {
    /// Its URL: https, or http to this machine.
    pub url: Url,
    /// What this server shows it to be let in.
    pub credential: Place,
    /// A PEM file of the only authorities to trust, where they are not public ones.
    pub ca_file: Option<PathBuf>,
    /// Longest time for its answer.
    pub timeout_milliseconds: u32,
}

/// What a registration may be (docs/protocol.md §8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Registration {
    /// Longest body, in bytes.
    pub max_bytes: usize,
    /// Most bytes of all bodies that are being received or dealt with; others wait.
    pub max_bytes_at_once: usize,
    /// Most keys.
    pub max_keys: usize,
    /// Most keys that are in use at the same time. More than one since some
    /// devices begin a new key on the day they hand one out, for the whole day.
    pub max_overlap: usize,
    /// Names of the apps that may register (`appPackageName`); empty for all.
    pub apps: Vec<String>,
    /// Answers are given at multiples of this time after the request, so that the
    /// time says nothing about what was answered.
    pub answer_milliseconds: u32,
}

/// How exports are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Export {
    /// Whether this process makes exports when no other does.
    pub enabled: bool,
    /// Time from one publication to the next; counted from 1970, so that all
    /// replicas agree.
    pub period_seconds: u32,
    /// Fewest keys of a file: what is missing is made up of random ones.
    pub min_keys: usize,
    /// Most keys of a file.
    pub max_keys: usize,
    /// For how long an exporter that is gone keeps others from taking over.
    pub lease_seconds: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            http: http::Settings::default(),
            clock: clock::Settings::default(),
            database: database::Settings::Sqlite {
                path: "/var/lib/sesshoku-notification/notification.db".into(),
            },
            storage: Storage::Folder {
                dir: "/var/lib/sesshoku-notification/public".into(),
            },
            distribution: Distribution::default(),
            signing: Signing::default(),
            management: Management::default(),
            registration: Registration::default(),
            limits: limits::Settings::default(),
            export: Export::default(),
        }
    }
}

impl Default for Distribution {
    fn default() -> Self {
        Self {
            base_url: url("http://127.0.0.1:8080/"),
            regions: vec!["440".to_owned()],
            notices: None,
            exposure_configuration: None,
            risk_calculation_configuration: None,
            cache_max_bytes: 128 << 20,
        }
    }
}

impl Default for Signing {
    fn default() -> Self {
        Self {
            key: Place::Credential("signing-key".to_owned()),
            next: None,
            former_keys: Vec::new(),
            id: "440".to_owned(),
            version: "v1".to_owned(),
            app_id: None,
        }
    }
}

impl Default for Management {
    fn default() -> Self {
        Self {
            url: url("http://127.0.0.1:8081/"),
            credential: Place::Credential("management".to_owned()),
            ca_file: None,
            timeout_milliseconds: 5_000,
        }
    }
}

impl Default for Registration {
    fn default() -> Self {
        Self {
            max_bytes: 64 * 1024,
            max_bytes_at_once: 64 << 20,
            max_keys: 30,
            max_overlap: 3,
            apps: Vec::new(),
            answer_milliseconds: 250,
        }
    }
}

impl Default for Export {
    fn default() -> Self {
        Self {
            enabled: true,
            // Five times a day (docs/protocol.md §8).
            period_seconds: 86_400 / 5,
            min_keys: 1_000,
            max_keys: 30_000,
            lease_seconds: 60,
        }
    }
}

impl Management {
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_milliseconds.into())
    }
}

impl Next {
    /// When it begins to sign.
    pub(super) fn from(&self) -> UnixSeconds {
        self.from.map_or(UnixSeconds::new(0), seconds)
    }

    /// When the other one ceases to sign.
    pub(super) fn alone_from(&self) -> Option<UnixSeconds> {
        self.alone_from.map(seconds)
    }

    fn check(&self, own: &Signing) -> Result<(), ConfigError> {
        if (&self.id, &self.version) == (&own.id, &own.version) {
            return refuse(
                "signing.next.version",
                "another key has this id and version",
            );
        }
        if self.alone_from.is_some() && self.from.is_none() {
            // By then it must have signed beside the other for 14 days.
            return refuse("signing.next.from", "has to be there where alone_from is");
        }
        let both = |alone: UnixSeconds| alone.seconds_since(self.from());
        let least = i64::from(KEPT_DAYS) * 86_400;
        if self.alone_from().is_some_and(|alone| both(alone) < least) {
            // What one of them signed alone is on the list for so long.
            return refuse(
                "signing.next.alone_from",
                "must be 14 days after signing.next.from or later",
            );
        }
        Ok(())
    }
}

/// A time that has 32 bits, or the last one that does.
fn seconds(time: Timestamp) -> UnixSeconds {
    let seconds = time.as_second().clamp(0, u32::MAX.into());
    UnixSeconds::from_i64(seconds).unwrap_or(UnixSeconds::new(u32::MAX))
}

impl Registration {
    pub(super) fn answer_time(&self) -> Duration {
        Duration::from_millis(self.answer_milliseconds.into())
    }
}

impl Settings for Config {
    const ENVIRONMENT_PREFIX: &'static str = "SESSHOKU_NOTIFICATION_";

    fn check(&self) -> Result<(), ConfigError> {
        self.http.check()?;
        self.limits.check()?;
        self.check_distribution()?;
        self.check_storage()?;
        if let Some(next) = &self.signing.next {
            next.check(&self.signing)?;
        }
        let Registration {
            max_bytes,
            max_bytes_at_once,
            max_keys,
            max_overlap,
            apps: _,
            answer_milliseconds,
        } = self.registration;
        within("registration.max_bytes", max_bytes, 1_024, 16 << 20)?;
        // One must fit, whatever it grows to.
        let least = 2 * max_bytes;
        within(
            "registration.max_bytes_at_once",
            max_bytes_at_once,
            least,
            1 << 40,
        )?;
        within("registration.max_keys", max_keys, 14, 1_000)?;
        within("registration.max_overlap", max_overlap, 1, 30)?;
        within(
            "registration.answer_milliseconds",
            answer_milliseconds,
            0,
            10_000,
        )?;
        within(
            "management.timeout_milliseconds",
            self.management.timeout_milliseconds,
            100,
            60_000,
        )?;
        if !http::is_private(&self.management.url) {
            return refuse("management.url", "must be https:, or http: to this machine");
        }
        within(
            "export.period_seconds",
            self.export.period_seconds,
            1,
            86_400,
        )?;
        within("export.lease_seconds", self.export.lease_seconds, 1, 3_600)?;
        within("export.min_keys", self.export.min_keys, 1, 1_000_000)?;
        if self.export.max_keys / 2 < self.export.min_keys || self.export.max_keys > 400_000 {
            // A file is split into equal parts, none of which may be too small.
            return refuse(
                "export.max_keys",
                "must be at least twice export.min_keys, and at most 400000",
            );
        }
        Ok(())
    }
}

impl Config {
    /// What has to be set before people rely on it, and is not; a configuration for trying
    /// out is in order without.
    pub fn gaps(&self) -> Vec<&'static str> {
        let base_url = &self.distribution.base_url;
        let is_for_trying =
            base_url.scheme() != "https" || base_url.domain().is_none_or(http::is_sample);
        let base_url = is_for_trying
            .then_some("distribution.base_url is not an https URL of a host that others find");
        let notices = self.distribution.notices.is_none().then_some(
            "distribution.notices is not set: people cannot be told of maintenance or new terms",
        );
        let own = base_url.into_iter().chain(notices);
        own.chain(self.http.gaps()).collect()
    }

    fn check_distribution(&self) -> Result<(), ConfigError> {
        let Distribution {
            base_url,
            regions,
            cache_max_bytes,
            ..
        } = &self.distribution;
        within("distribution.cache_max_bytes", *cache_max_bytes, 0, 1 << 40)?;
        let is_plain = matches!(base_url.scheme(), "http" | "https")
            && base_url.username().is_empty()
            && base_url.password().is_none()
            && base_url.query().is_none()
            && base_url.fragment().is_none();
        if !is_plain {
            return refuse(
                "distribution.base_url",
                "must be a plain https: or http: URL",
            );
        }
        if regions.is_empty() || !regions.iter().all(|region| is_region(region)) {
            return refuse(
                "distribution.regions",
                "must be names of 1 to 32 letters, digits, '-' or '_'",
            );
        }
        let mut different = regions.clone();
        different.sort();
        different.dedup();
        if different.len() != regions.len() || regions.iter().any(|it| it == RESERVED_REGION) {
            return refuse("distribution.regions", "a name is there twice, or reserved");
        }
        Ok(())
    }

    fn check_storage(&self) -> Result<(), ConfigError> {
        match &self.storage {
            Storage::Folder { dir } if dir.as_os_str().is_empty() => {
                refuse("storage.dir", "must be a folder")
            }
            Storage::S3 {
                endpoint: Some(endpoint),
                ..
            } if !http::is_private(endpoint) => refuse(
                "storage.endpoint",
                "must be https:, or http: to this machine",
            ),
            Storage::Folder { .. } | Storage::S3 { .. } => Ok(()),
        }
    }
}

/// In COCOA's layout, the configuration is where a region would be.
const RESERVED_REGION: &str = "exposure_configuration";

fn is_region(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=32).contains(&text.len()) && text.bytes().all(is_word)
}

fn within<T: PartialOrd + std::fmt::Display>(
    setting: &'static str,
    value: T,
    from: T,
    to: T,
) -> Result<(), ConfigError> {
    if value >= from && value <= to {
        return Ok(());
    }
    refuse(setting, &format!("{value} is not in {from}…{to}"))
}

fn refuse(setting: &'static str, problem: &str) -> Result<(), ConfigError> {
    Err(ConfigError::Value {
        setting,
        problem: problem.to_owned(),
    })
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("the defaults are URLs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(toml: &str) -> Option<String> {
        let config: Config = toml::from_str(toml).unwrap();
        config.check().err().map(|error| error.to_string())
    }

    #[test]
    fn the_defaults_hold_and_write_and_read_back() {
        assert_eq!(problem(""), None);
        let text = toml::to_string(&Config::default()).unwrap();
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), Config::default());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (toml, setting) in [
            ("http.request_seconds = 0", "http.request_seconds"),
            ("http.proxy_header = 'a b'", "http.proxy_header"),
            ("distribution.regions = []", "distribution.regions"),
            ("distribution.regions = ['../x']", "distribution.regions"),
            ("distribution.regions = ['1', '1']", "distribution.regions"),
            (
                "distribution.regions = ['exposure_configuration']",
                "distribution.regions",
            ),
            (
                "distribution.base_url = 'ftp://a.example'",
                "distribution.base_url",
            ),
            (
                "distribution.base_url = 'https://a.example/?x'",
                "distribution.base_url",
            ),
            (
                "distribution.cache_max_bytes = 1099511627777",
                "distribution.cache_max_bytes",
            ),
            ("management.url = 'http://a.example'", "management.url"),
            ("registration.max_keys = 13", "registration.max_keys"),
            ("export.max_keys = 1999", "export.max_keys"),
            ("export.period_seconds = 0", "export.period_seconds"),
            (
                "limits.wrong_numbers_an_hour = 0",
                "limits.wrong_numbers_an_hour",
            ),
            (
                "signing.next = { key.file = 'a', id = '440', version = 'v1' }",
                "signing.next.version",
            ),
            (
                "signing.next = { key.file = 'a', id = '440', version = 'v2', \
                 from = '2020-08-01T00:00:00+09:00', alone_from = '2020-08-14T23:59:59+09:00' }",
                "signing.next.alone_from",
            ),
            (
                "[storage]\nkind = 's3'\nbucket = 'b'\nendpoint = 'http://a.example'\n\
                 access_key_id.file = 'a'\nsecret_access_key.file = 'b'",
                "storage.endpoint",
            ),
        ] {
            let problem = problem(toml).unwrap();
            assert!(problem.starts_with(setting), "{toml}: {problem}");
        }
        assert!(toml::from_str::<Config>("limits.wrong = 1").is_err());
    }
}
