//! Who is in the room, when, how near, and who registers as positive: a TOML file.

use std::path::PathBuf;
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
    /// The people.
    #[serde(rename = "person")]
    pub people: Vec<Person>,
    /// Where the keys of those who register are published; without it, nowhere.
    pub publish: Option<Publish>,
}

impl Scenario {
    /// When it starts.
    pub fn start(&self, now: UnixSeconds) -> UnixSeconds {
        self.start.map_or(now, UnixSeconds::new)
    }
}

/// Somebody with a phone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// When and how near.
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
    /// How far away the person is at `time`, in metres; `None` while away.
    pub(super) fn distance_at(&self, time: Duration) -> Option<f64> {
        let stay = self
            .stays
            .iter()
            .find(|stay| stay.from() <= time && time < stay.to())?;
        Some(stay.metres.max(0.05))
    }

    /// When the person registers as positive.
    pub(super) fn registers_at(&self) -> Option<Duration> {
        self.registers_at_minute.map(minutes)
    }
}

/// A time somebody is in the room.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stay {
    from_minute: u32,
    to_minute: u32,
    metres: f64,
}

impl Stay {
    pub(super) fn from(&self) -> Duration {
        minutes(self.from_minute)
    }

    pub(super) fn to(&self) -> Duration {
        minutes(self.to_minute)
    }
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
pub(super) mod tests {
    use super::*;

    pub(in crate::radio::air) fn two_people() -> Scenario {
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
    fn distances_follow_the_stays() {
        let scenario = two_people();
        let at = |minute| scenario.people[0].distance_at(minutes(minute));
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
