//! The settings: `management.toml`, or `SESSHOKU_MANAGEMENT_SECTION__KEY`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use gaen::registration::PROCESSING_NUMBER_DIGITS;
use jiff::tz::TimeZone;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use settings::ConfigError;
use toml::Table;

use super::number;
use super::send::{Mail, Sms};
use super::store::{IssueLimits, SessionTimes};
use crate::secret::Place;
use crate::{clock, database, http};

/// Where it answers where nothing else is said: not where the notification server does.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8081);
/// The most that guessing may be allowed in a day, in millionths.
const GUESSING_MAX: u32 = 10_000;

/// The whole configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to answer, within which limits.
    #[serde(deserialize_with = "http_settings")]
    pub http: http::Settings,
    /// Where the time comes from.
    pub clock: clock::Settings,
    /// Where rows are kept.
    pub database: DatabaseSettings,
    /// Where secrets are.
    pub secrets: Secrets,
    /// 処理番号 and what bounds them.
    pub numbers: Numbers,
    /// Sending by mail.
    pub mail: Mail,
    /// Sending by SMS.
    pub sms: Sms,
    /// Accounts and their sessions.
    pub accounts: Accounts,
    /// The web page.
    pub web: Web,
    /// The audit log.
    pub audit: Audit,
}

/// `[database]`, a file by default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DatabaseSettings(pub database::Settings);

/// `[secrets]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// The key that all others are derived from, at least 32 characters.
    pub key: Place,
    /// What the notification server shows to have numbers checked.
    pub check_credential: Place,
}

/// `[numbers]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Numbers {
    /// How many digits a number has, 8 to 16: 8 for COCOA's own apps, which take no other;
    /// of more the last is a check digit.
    pub digits: u8,
    /// For how many hours a number is valid, 1 to 24.
    pub valid_hours: u8,
    /// How many numbers may be valid at the same time.
    pub live_max: u32,
    /// With which chance, in millionths, all wrong numbers of a day together may hit a
    /// valid one. Sources that guessed have half of it among them.
    pub guessing_per_day: u32,
    /// How many numbers an account may issue in an hour of the clock.
    pub per_account_hour: u32,
    /// How many numbers all accounts may issue in an hour of the clock.
    pub per_hour: u32,
    /// The time zone of the times in messages and on the page, such as `Asia/Tokyo`.
    pub time_zone: String,
}

/// `[accounts]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Accounts {
    /// After how many minutes without a request a session ends.
    pub idle_minutes: u32,
    /// After how many hours it ends in any case.
    pub session_hours: u32,
    /// How many tries to sign in one source has in a minute.
    pub sign_ins_per_source_minute: u32,
}

/// `[web]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Web {
    /// The institution's name, shown at the top.
    pub institution: String,
    /// Cookies over plain http, allowed only while it listens on loopback: for trying
    /// it out without TLS in front.
    pub insecure_cookies: bool,
}

/// `[audit]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// For how many days a row is kept.
    pub keep_days: u32,
}

impl Config {
    /// What has to be set before people rely on it, and is not; a configuration for trying
    /// out is in order without.
    pub fn gaps(&self) -> Vec<&'static str> {
        let gaps = [
            (
                self.mail.is_for_trying(),
                "mail is written into a folder, or is from an address that is a sample",
            ),
            (
                self.web.institution.is_empty(),
                "web.institution is not set: nobody sees whose page it is",
            ),
            (
                self.web.insecure_cookies,
                "web.insecure_cookies is on: sessions can be read on the way",
            ),
        ];
        let own = gaps.into_iter().filter(|(is_there, _)| *is_there);
        own.map(|(_, gap)| gap).chain(self.http.gaps()).collect()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            http: http::Settings {
                listen: LISTEN,
                ..http::Settings::default()
            },
            clock: clock::Settings::default(),
            database: DatabaseSettings::default(),
            secrets: Secrets::default(),
            numbers: Numbers::default(),
            mail: Mail::default(),
            sms: Sms::default(),
            accounts: Accounts::default(),
            web: Web::default(),
            audit: Audit::default(),
        }
    }
}

/// The `[http]` table, whose default for `listen` is this role's.
fn http_settings<'de, D: Deserializer<'de>>(deserializer: D) -> Result<http::Settings, D::Error> {
    let mut table = Table::deserialize(deserializer)?;
    table
        .entry("listen")
        .or_insert_with(|| LISTEN.to_string().into());
    table.try_into().map_err(D::Error::custom)
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self(database::Settings::Sqlite {
            path: PathBuf::from("/var/lib/sesshoku-management/management.db"),
        })
    }
}

impl Default for Secrets {
    fn default() -> Self {
        Self {
            key: Place::Credential("management-key".into()),
            check_credential: Place::Credential("check-credential".into()),
        }
    }
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            digits: 12,
            valid_hours: 24,
            live_max: 1_000,
            guessing_per_day: 1_000,
            per_account_hour: 60,
            per_hour: 200,
            time_zone: "Asia/Tokyo".into(),
        }
    }
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            idle_minutes: 20,
            session_hours: 10,
            sign_ins_per_source_minute: 20,
        }
    }
}

impl Default for Audit {
    fn default() -> Self {
        Self { keep_days: 365 }
    }
}

impl settings::Settings for Config {
    const ENVIRONMENT_PREFIX: &'static str = "SESSHOKU_MANAGEMENT_";

    fn check(&self) -> Result<(), ConfigError> {
        self.http.check()?;
        self.numbers.check()?;
        if !self.mail.is_on() && !self.sms.is_on() {
            return refuse(
                "mail.kind",
                "neither mail nor SMS is set up to send numbers",
            );
        }
        self.mail.check()?;
        self.sms.check()?;
        if self.accounts.idle_minutes == 0 {
            return refuse("accounts.idle_minutes", "must be at least 1");
        }
        if !(1..=24).contains(&self.accounts.session_hours) {
            return refuse("accounts.session_hours", "must be 1 to 24");
        }
        if self.accounts.sign_ins_per_source_minute == 0 {
            return refuse("accounts.sign_ins_per_source_minute", "must be at least 1");
        }
        if self.web.insecure_cookies && !self.http.listen.ip().is_loopback() {
            return refuse(
                "web.insecure_cookies",
                "only while http.listen is a loopback address",
            );
        }
        if self.audit.keep_days == 0 {
            return refuse("audit.keep_days", "must be at least 1");
        }
        Ok(())
    }
}

impl Numbers {
    fn check(&self) -> Result<(), ConfigError> {
        if !PROCESSING_NUMBER_DIGITS.contains(&usize::from(self.digits)) {
            return refuse("numbers.digits", "must be 8 to 16");
        }
        if !(1..=GUESSING_MAX).contains(&self.guessing_per_day) {
            return refuse(
                "numbers.guessing_per_day",
                "must be 1 to 10000 millionths, which is 1 %",
            );
        }
        if !(1..=24).contains(&self.valid_hours) {
            return refuse("numbers.valid_hours", "must be 1 to 24");
        }
        let counts = [
            ("numbers.live_max", self.live_max),
            ("numbers.per_account_hour", self.per_account_hour),
            ("numbers.per_hour", self.per_hour),
        ];
        for (setting, count) in counts {
            // A hundredth of all numbers of eight digits: beyond, too few are left to draw.
            if !(1..=1_000_000).contains(&count) {
                return refuse(setting, "must be 1 to 1000000");
            }
        }
        TimeZone::get(&self.time_zone)
            .map(|_| ())
            .or_else(|_| refuse("numbers.time_zone", "is not a time zone this system knows"))
    }

    /// What wrong numbers may cost within a day.
    pub(super) fn guessing_budget(&self) -> u64 {
        number::guessing_budget(self.digits, self.guessing_per_day)
    }

    pub(super) const fn limits(&self) -> IssueLimits {
        IssueLimits {
            per_account_hour: self.per_account_hour,
            per_hour: self.per_hour,
            live: self.live_max,
        }
    }
}

impl Accounts {
    pub(super) fn session_times(&self) -> SessionTimes {
        SessionTimes {
            idle: Duration::from_secs(u64::from(self.idle_minutes) * 60),
            total: Duration::from_secs(u64::from(self.session_hours) * 3600),
        }
    }
}

impl Audit {
    pub(super) fn kept(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_days) * 24 * 3600)
    }
}

/// Says what is wrong with a setting.
pub(super) fn refuse<T>(setting: &'static str, problem: &str) -> Result<T, ConfigError> {
    Err(ConfigError::Value {
        setting,
        problem: problem.into(),
    })
}

#[cfg(test)]
mod tests {
    use settings::Settings as _;

    use super::*;

    fn check(text: &str) -> Result<(), String> {
        let config: Config = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check().map_err(|error| error.to_string())
    }

    const MAIL: &str = "[mail]\nkind = 'smtp'\nfrom = 'a@b.example'\nhost = 'mail.example'\n";

    #[test]
    fn a_mail_server_is_enough() {
        assert_eq!(check(MAIL), Ok(()));
    }

    #[test]
    fn what_people_cannot_rely_on_is_told_and_not_refused() {
        let gaps = |text: &str| toml::from_str::<Config>(text).unwrap().gaps().len();
        let whole = "http = { trusted_proxies = ['192.0.2.1'], internal_listen = '127.0.0.1:9081' }
            web = { institution = 'A' }
            mail = { kind = 'smtp', from = 'a@health.jp', host = 'mail.health.jp' }";
        assert_eq!((check(whole), gaps(whole)), (Ok(()), 0));
        for (part, with) in [
            ("trusted_proxies = ['192.0.2.1'], ", ""),
            (", internal_listen = '127.0.0.1:9081'", ""),
            ("institution = 'A'", ""),
            (
                "institution = 'A'",
                "institution = 'A', insecure_cookies = true",
            ),
            ("a@health.jp", "a@health.example"),
            ("a@health.jp", "A <a@Mail.Example.ORG>"),
            ("kind = 'smtp'", "kind = 'folder', dir = 'mail'"),
        ] {
            let changed = whole.replace(part, with);
            assert_eq!((check(&changed), gaps(&changed)), (Ok(()), 1), "{changed}");
        }
    }

    #[test]
    fn it_listens_where_it_does_whatever_else_is_set() {
        let config: Config = toml::from_str("http.max_connections = 7").unwrap();
        assert_eq!(
            (config.http.listen, config.http.max_connections),
            (LISTEN, 7)
        );
        assert!(toml::from_str::<Config>("http.max_connection = 7").is_err());
    }

    #[test]
    fn what_would_be_unsafe_or_senseless_is_refused() {
        for (more, setting) in [
            ("[numbers]\nvalid_hours = 0", "numbers.valid_hours"),
            ("[numbers]\nvalid_hours = 25", "numbers.valid_hours"),
            ("[numbers]\ndigits = 7", "numbers.digits"),
            ("[numbers]\ndigits = 17", "numbers.digits"),
            (
                "[numbers]\nguessing_per_day = 0",
                "numbers.guessing_per_day",
            ),
            (
                "[numbers]\nguessing_per_day = 10001",
                "numbers.guessing_per_day",
            ),
            ("[numbers]\nlive_max = 50000000", "numbers.live_max"),
            ("[numbers]\ntime_zone = 'Mars'", "numbers.time_zone"),
            ("[accounts]\nsession_hours = 48", "accounts.session_hours"),
            (
                "[http]\nlisten = '0.0.0.0:1'\n[web]\ninsecure_cookies = true",
                "web.insecure_cookies",
            ),
            ("[sms]\nurl = 'http://sms.example/'", "sms.url"),
            ("[sms]\nurl = 'https://sms.example/'", "sms.fields"),
            ("[misspelt]\na = 1", "misspelt"),
        ] {
            let error = check(&format!("{MAIL}{more}")).unwrap_err();
            assert!(error.contains(setting), "{more}: {error}");
        }
        let error = check("").unwrap_err();
        assert!(error.contains("mail.kind"), "{error}");
        for (mail, setting) in [
            ("from = 'x'\nhost = 'mail.example'", "mail.from"),
            ("from = 'a@b.example'", "mail.host"),
            (
                "from = 'a@b.example'\nhost = 'mail.example'\ntls = 'off'",
                "mail.tls",
            ),
            (
                "from = 'a@b.example'\nhost = 'mail.example'\nattempts = 0",
                "mail.attempts",
            ),
            (
                "from = 'a@b.example'\nhost = 'mail.example'\nusername = 'u'",
                "mail.password",
            ),
        ] {
            let error = check(&format!("[mail]\nkind = 'smtp'\n{mail}")).unwrap_err();
            assert!(error.contains(setting), "{mail}: {error}");
        }
    }
}
