//! Who is in the room, when, how near, and who registers as positive: a TOML file.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gaen::time::UnixSeconds;
use serde::Deserialize;

/// A scenario. Minutes count from its start.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// When it starts, in Unix seconds; without it, now.
    pub start: Option<u32>,
    /// Makes the keys and the noise; the same seed gives the same scenario.
    pub seed: u64,
    /// Largest deviation of a signal strength from the model, in dB.
    pub noise_db: u8,
    /// The people, each with a phone that broadcasts as the protocol says.
    #[serde(rename = "person")]
    pub people: Vec<Person>,
    /// The devices that share the room, where it is shared.
    #[serde(rename = "device")]
    pub devices: Vec<Device>,
    /// Where the keys of those who register are published; without it, nowhere.
    pub publish: Option<Publish>,
}

/// Why there is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("cannot read the scenario {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not a scenario.
    #[error("cannot use the scenario {}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where in it, and what.
        source: Box<toml::de::Error>,
    },
}

impl Scenario {
    /// The scenario in a file.
    ///
    /// # Errors
    /// [`ScenarioError`] when it cannot be read, or says something unknown.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let text = settings::file::read_text(path).map_err(|source| ScenarioError::Read {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|source| ScenarioError::Parse {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// When it starts.
    pub fn start(&self, now: UnixSeconds) -> UnixSeconds {
        self.start.map_or(now, UnixSeconds::new)
    }
}

/// Somebody with a phone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// When and where; without any, never.
    #[serde(default, rename = "stay")]
    pub stays: Vec<Stay>,
    /// Transmit power in the phone's metadata, in dBm.
    #[serde(default = "default_tx_power")]
    pub tx_power: i8,
    /// When the person registers as positive.
    #[serde(default)]
    pub registers_at_minute: Option<u32>,
}

fn default_tx_power() -> i8 {
    -20
}

impl Person {
    /// When the person registers as positive.
    pub fn registers_at(&self) -> Option<Duration> {
        self.registers_at_minute.map(minutes)
    }
}

/// A device that takes part: a daemon.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Device {
    /// The name it joins by.
    pub name: String,
    /// When and where it is in the room; without any, always and at 0 metres.
    #[serde(rename = "stay")]
    pub stays: Vec<Stay>,
    /// Transmit power in dBm.
    pub tx_power: i8,
}

impl Default for Device {
    fn default() -> Self {
        Self {
            name: String::new(),
            stays: Vec::new(),
            tx_power: default_tx_power(),
        }
    }
}

/// A time somebody is in the room, and where: metres along a line. Whoever has a
/// room to itself is at 0.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stay {
    from_minute: u32,
    to_minute: u32,
    metres: f64,
}

impl Stay {
    pub(crate) fn from(&self) -> Duration {
        minutes(self.from_minute)
    }

    pub(crate) fn to(&self) -> Duration {
        minutes(self.to_minute)
    }
}

/// Where somebody with these `stays` is at `time`, in metres along the line; `None`
/// while away. Without any stay one is always at 0.
pub(crate) fn position_at(stays: &[Stay], time: Duration) -> Option<f64> {
    if stays.is_empty() {
        return Some(0.0);
    }
    let stay = stays
        .iter()
        .find(|stay| stay.from() <= time && time < stay.to())?;
    Some(stay.metres)
}

/// A folder laid out like a notification server's, for `file://` checks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// The folder. Its signing key is made at first use: `signing-key.pem` and
    /// `public-key.pem`.
    pub dir: PathBuf,
    /// The region of the exports.
    #[serde(default = "default_region")]
    pub region: String,
}

fn default_region() -> String {
    "440".to_owned()
}

fn minutes(minutes: u32) -> Duration {
    Duration::from_secs(u64::from(minutes) * 60)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn two_people() -> Scenario {
        toml::from_str(
            "seed = 7
             noise_db = 3
             [[person]]
             registers_at_minute = 1500
             stay = [{ from_minute = 5, to_minute = 25, metres = 0.8 }]
             [[person]]
             stay = [
                 { from_minute = 50, to_minute = 51, metres = 3.0 },
                 { from_minute = 10, to_minute = 11, metres = 3.0 },
             ]",
        )
        .unwrap()
    }

    #[test]
    fn positions_follow_the_stays() {
        let scenario = two_people();
        let at = |minute| position_at(&scenario.people[0].stays, minutes(minute));
        assert_eq!(
            (at(4), at(5), at(24), at(25)),
            (None, Some(0.8), Some(0.8), None)
        );
        assert_eq!(scenario.people[0].registers_at(), Some(minutes(1500)));
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        assert!(toml::from_str::<Scenario>("[[person]]\nstays = []").is_err());
    }
}
