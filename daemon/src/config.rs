//! Configuration: built-in defaults < `/usr/lib/sesshoku/sesshokud.toml` <
//! `/etc/sesshoku/sesshokud.toml` < `/etc/sesshoku/sesshokud.toml.d/*.toml` (in
//! name order) < environment (`SESSHOKUD_SECTION__KEY`) < command-line flags, as
//! [`settings`] lays them over each other.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sesshoku_core::tracer::ScanPlan;
use settings::{ConfigError, Settings};

use crate::store::KeyPlace;
use crate::{calibration, sync};

/// The whole configuration. [`Config::default`] is what holds where nothing is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What the device is for.
    pub profile: Profile,
    /// Settings of the kiosk profile.
    pub kiosk: Kiosk,
    /// Where the daemon keeps its data and answers.
    pub daemon: Daemon,
    /// Which radio.
    pub radio: Radio,
    /// How to listen.
    pub scan: Scan,
    /// What to do while the machine sleeps.
    pub sleep: Sleep,
    /// What this device's radio is like.
    pub calibration: calibration::Settings,
    /// The notification server.
    pub server: sync::settings::Settings,
}

/// What the device is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Somebody's own.
    #[default]
    Personal,
    /// It stands for a place (docs/kiosk.md): its operator agrees here, and it listens
    /// all the time.
    Kiosk,
}

/// Settings of the kiosk profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kiosk {
    /// The version of the terms that the operator agrees to. Without it nothing runs,
    /// and what was recorded is erased.
    pub agreed_terms: Option<String>,
}

/// Where the daemon keeps its data and answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Daemon {
    /// The folder with the database and, without a credential, the device key.
    pub state_dir: PathBuf,
    /// `system`, `session`, or a D-Bus address.
    pub bus: Bus,
    /// Where the device key is to be (docs/device-key.md).
    pub device_key: KeyPlace,
}

impl Default for Daemon {
    fn default() -> Self {
        Self {
            state_dir: "/var/lib/sesshoku".into(),
            bus: Bus::System,
            device_key: KeyPlace::Auto,
        }
    }
}

impl Daemon {
    /// The folder for exports that are being fetched.
    pub fn downloads_dir(&self) -> PathBuf {
        self.state_dir.join("downloads")
    }
}

/// A message bus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Bus {
    /// The system bus.
    System,
    /// The session bus.
    Session,
    /// The bus at a D-Bus address.
    Address(String),
}

impl Bus {
    /// A connection builder for this bus.
    pub fn builder(&self) -> zbus::connection::Builder<'static> {
        match self {
            Self::System => zbus::connection::Builder::system(),
            Self::Session => zbus::connection::Builder::session(),
            Self::Address(address) => zbus::connection::Builder::address(address.as_str()),
        }
    }
}

impl From<String> for Bus {
    fn from(text: String) -> Self {
        match text.as_str() {
            "system" => Self::System,
            "session" => Self::Session,
            _ => Self::Address(text),
        }
    }
}

impl From<Bus> for String {
    fn from(bus: Bus) -> Self {
        match bus {
            Bus::System => "system".into(),
            Bus::Session => "session".into(),
            Bus::Address(address) => address,
        }
    }
}

/// Which radio, and its settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Radio {
    /// Which of the three.
    pub kind: RadioKind,
    /// The adapter to use, such as `hci0`; without it the first usable one.
    pub adapter: Option<String>,
    /// How to listen on a real adapter.
    pub scan_method: ScanPreference,
    /// Settings of the replay radio.
    pub replay: Replay,
    /// Settings of the simulated room.
    pub air: Air,
}

/// A kind of radio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RadioKind {
    /// The real one.
    #[default]
    Bluez,
    /// A recorded HCI log.
    Replay,
    /// A simulated room.
    Air,
}

/// How to listen on a real adapter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScanPreference {
    /// The best that the running bluetoothd allows; plain discovery when listening all
    /// the time.
    #[default]
    Auto,
    /// Plain discovery, even where an advertisement monitor would be possible.
    Discovery,
}

/// Settings of the replay radio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Replay {
    /// The btsnoop file.
    pub log: Option<PathBuf>,
    /// How many times faster than it was recorded; 0 for as fast as possible.
    pub speed: f64,
    /// Whether the daemon ends when the log does.
    pub exit_at_end: bool,
}

impl Default for Replay {
    fn default() -> Self {
        Self {
            log: None,
            speed: 0.0,
            exit_at_end: false,
        }
    }
}

/// Settings of the simulated room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Air {
    /// The TOML file that tells who is in the room; without it nobody is.
    pub scenario: Option<PathBuf>,
    /// How many times faster than real time; 0 for as fast as possible.
    pub speed: f64,
    /// The socket of a shared room (`sesshoku-room`) to take part in. It has a
    /// scenario and a speed of its own.
    pub room: Option<PathBuf>,
    /// The name under which the shared room's scenario knows this device.
    pub name: String,
}

impl Default for Air {
    fn default() -> Self {
        Self {
            scenario: None,
            speed: 1.0,
            room: None,
            name: String::new(),
        }
    }
}

/// How to listen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scan {
    /// Windows, or all the time; by default as the profile has it.
    pub mode: Option<ScanMode>,
    /// Length of a window in seconds, 2 to 60.
    pub listen_seconds: u32,
    /// Shortest and longest time from one window to the next in seconds. At most
    /// 300: a scan never stands for more (docs/protocol.md §4).
    pub every_seconds: (u32, u32),
    /// Length of a cycle in seconds when listening all the time, 20 to 300.
    pub cycle_seconds: u32,
}

impl Default for Scan {
    fn default() -> Self {
        Self {
            mode: None,
            listen_seconds: 4,
            every_seconds: (210, 300),
            cycle_seconds: 60,
        }
    }
}

impl Scan {
    /// The plan for the core.
    pub fn plan(&self, profile: Profile) -> ScanPlan {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let usual = match profile {
            Profile::Personal => ScanMode::Windows,
            Profile::Kiosk => ScanMode::Continuous,
        };
        match self.mode.unwrap_or(usual) {
            ScanMode::Windows => ScanPlan::Windows {
                listen: seconds(self.listen_seconds),
                every: (seconds(self.every_seconds.0), seconds(self.every_seconds.1)),
            },
            ScanMode::Continuous => ScanPlan::Continuous {
                cycle: seconds(self.cycle_seconds),
            },
        }
    }
}

/// When to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScanMode {
    /// A few seconds every few minutes.
    Windows,
    /// All the time, as for a kiosk on mains power.
    Continuous,
}

/// What to do while the machine sleeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sleep {
    /// Whether to wake it for a few seconds every few minutes to listen, which costs
    /// battery (docs/sleep.md). Otherwise nothing is heard while it sleeps.
    pub listen: bool,
}

impl Settings for Config {
    const ENVIRONMENT_PREFIX: &'static str = "SESSHOKUD_";

    fn check(&self) -> Result<(), ConfigError> {
        let range = |setting, value: u32, from: u32, to: u32| {
            if (from..=to).contains(&value) {
                return Ok(());
            }
            Err(ConfigError::Value {
                setting,
                problem: format!("{value} is not in {from}…{to}"),
            })
        };
        let refuse = |setting, problem: &str| {
            Err(ConfigError::Value {
                setting,
                problem: problem.to_owned(),
            })
        };
        if self.kiosk != Kiosk::default() && self.profile != Profile::Kiosk {
            return refuse("kiosk", "only with profile = \"kiosk\"");
        }
        range("scan.listen_seconds", self.scan.listen_seconds, 2, 60)?;
        range("scan.cycle_seconds", self.scan.cycle_seconds, 20, 300)?;
        let (shortest, longest) = self.scan.every_seconds;
        range(
            "scan.every_seconds",
            shortest,
            self.scan.listen_seconds.max(20),
            300,
        )?;
        range("scan.every_seconds", longest, shortest, 300)?;
        self.calibration.check()?;
        for (setting, speed) in [
            ("radio.replay.speed", self.radio.replay.speed),
            ("radio.air.speed", self.radio.air.speed),
        ] {
            if !(speed.is_finite() && speed >= 0.0) {
                return refuse(setting, "must be 0 or more");
            }
        }
        if self.radio.kind == RadioKind::Replay && self.radio.replay.log.is_none() {
            return refuse("radio.replay.log", "the replay radio needs a log");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::os::unix::ffi::OsStringExt;

    use std::ffi::OsString;
    use std::fs;
    use std::path::Path;

    use settings::{Sources, load, nested};
    use toml::{Table, Value};

    use super::*;

    fn sources(dir: &Path) -> Sources {
        Sources {
            named_file: None,
            files: vec![dir.join("lib.toml"), dir.join("etc.toml")],
            drop_in_dir: dir.join("etc.d"),
            environment: Vec::new(),
            flags: Table::new(),
        }
    }

    #[test]
    fn later_sources_win_setting_by_setting() {
        let dir = tempfile::tempdir().unwrap();
        let mut sources = sources(dir.path());
        assert_eq!(load::<Config>(&sources).unwrap(), Config::default());

        let listen = |sources: &Sources| load::<Config>(sources).unwrap().scan.listen_seconds;
        fs::write(
            dir.path().join("lib.toml"),
            "[scan]\nlisten_seconds = 5\ncycle_seconds = 30",
        )
        .unwrap();
        assert_eq!(listen(&sources), 5);
        fs::write(dir.path().join("etc.toml"), "[scan]\nlisten_seconds = 6").unwrap();
        assert_eq!(listen(&sources), 6);
        fs::create_dir(dir.path().join("etc.d")).unwrap();
        fs::write(
            dir.path().join("etc.d/20.toml"),
            "[scan]\nlisten_seconds = 8",
        )
        .unwrap();
        fs::write(
            dir.path().join("etc.d/10.toml"),
            "[scan]\nlisten_seconds = 7",
        )
        .unwrap();
        fs::write(dir.path().join("etc.d/90.toml~"), "not read").unwrap();
        assert_eq!(listen(&sources), 8);
        sources.environment = vec![
            ("SESSHOKUD_SCAN__LISTEN_SECONDS".into(), "9".into()),
            ("SESSHOKUD_RADIO__ADAPTER".into(), "hci1".into()),
            ("SESSHOKUD_SCAN__EVERY_SECONDS".into(), "[60, 70]".into()),
            ("SESSHOKUD_SERVER__REGION".into(), "441".into()),
        ];
        assert_eq!(listen(&sources), 9);
        sources.flags = nested(&["scan", "listen_seconds"], Value::Integer(10));
        let config = load::<Config>(&sources).unwrap();
        assert_eq!(config.scan.listen_seconds, 10);
        assert_eq!(config.scan.cycle_seconds, 30);
        assert_eq!(config.scan.every_seconds, (60, 70));
        assert_eq!(config.radio.adapter.as_deref(), Some("hci1"));
        assert_eq!(config.server.region, "441");
    }

    #[test]
    fn a_file_that_is_named_must_exist() {
        let dir = tempfile::tempdir().unwrap();
        let named = dir.path().join("named.toml");
        let sources = Sources {
            named_file: Some(named.clone()),
            ..sources(dir.path())
        };
        let error = load::<Config>(&sources).unwrap_err();
        assert!(matches!(error, ConfigError::Read { path, .. } if path == named));
        fs::write(&named, "[scan]\nlisten_seconds = 5").unwrap();
        assert_eq!(load::<Config>(&sources).unwrap().scan.listen_seconds, 5);
    }

    #[test]
    fn a_variable_that_is_not_utf8_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut sources = sources(dir.path());
        let garbled = OsString::from_vec(vec![b'h', 0xff]);
        sources.environment = vec![("OTHER".into(), garbled.clone())];
        assert!(load::<Config>(&sources).is_ok());
        sources.environment = vec![("SESSHOKUD_RADIO__ADAPTER".into(), garbled)];
        let error = load::<Config>(&sources).unwrap_err();
        assert!(matches!(error, ConfigError::Encoding(_)), "{error}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let refused = |text: &str| {
            fs::write(dir.path().join("etc.toml"), text).unwrap();
            let error = load::<Config>(&sources(dir.path())).unwrap_err();
            let cause = error.source().map(ToString::to_string);
            format!("{error}: {}", cause.unwrap_or_default())
        };
        let misspelt = refused("[scan]\nlisten_secs = 4");
        assert!(
            misspelt.contains("etc.toml") && misspelt.contains("listen_secs"),
            "{misspelt}"
        );
        assert!(refused("[scann]").contains("scann"));
        assert!(refused("[radio.replay]\nfile = 'x'").contains("file"));
        for (text, setting) in [
            ("[scan]\nlisten_seconds = 1", "scan.listen_seconds"),
            ("[scan]\nevery_seconds = [210, 301]", "scan.every_seconds"),
            ("[scan]\nevery_seconds = [300, 210]", "scan.every_seconds"),
            ("[calibration]\ntx_power = 21", "calibration.tx_power"),
            ("[calibration]\nconfidence = 4", "calibration.confidence"),
            (
                "[calibration.models.x]\nrssi_correction = 31",
                "calibration.rssi_correction",
            ),
            ("[radio]\nkind = 'replay'", "radio.replay.log"),
            ("[kiosk]\nagreed_terms = '1'", "kiosk"),
            ("[radio.air]\nspeed = -1.0", "radio.air.speed"),
        ] {
            let message = refused(text);
            assert!(message.starts_with(setting), "{message}");
        }
        fs::remove_file(dir.path().join("etc.toml")).unwrap();
        for name in ["SESSHOKUD_SCAN", "SESSHOKUD_SCAN__LISTEN", "SESSHOKUD___X"] {
            let mut sources = sources(dir.path());
            sources.environment = vec![(name.into(), "4".into())];
            let message = load::<Config>(&sources).unwrap_err().to_string();
            assert!(message.contains(name), "{message}");
        }
    }

    #[test]
    fn a_kiosk_listens_all_the_time_unless_told_otherwise() {
        let dir = tempfile::tempdir().unwrap();
        let plan = |text: &str| {
            fs::write(dir.path().join("etc.toml"), text).unwrap();
            let config = load::<Config>(&sources(dir.path())).unwrap();
            config.scan.plan(config.profile)
        };
        assert!(matches!(plan(""), ScanPlan::Windows { .. }));
        let kiosk = "profile = 'kiosk'\n";
        assert!(matches!(plan(kiosk), ScanPlan::Continuous { .. }));
        let windows = format!("{kiosk}[scan]\nmode = 'windows'");
        assert!(matches!(plan(&windows), ScanPlan::Windows { .. }));
    }

    #[test]
    fn the_default_configuration_writes_and_reads_back() {
        let text = toml::to_string(&Config::default()).unwrap();
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), Config::default());
    }
}
