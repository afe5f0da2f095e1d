//! Who hears whom, and how loudly.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::random::Random;

/// The RSSI of what nothing else is said about, in dBm.
pub const DEFAULT_RSSI: i8 = -60;

/// Somebody in the room. Written `ctl0`, `ctl1`, …, or the name of a phone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum Node {
    /// The controller plugged in at this place, counted from 0.
    Controller(usize),
    /// The phone or beacon of this name.
    Phone(String),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Controller(place) => write!(f, "ctl{place}"),
            Self::Phone(name) => f.write_str(name),
        }
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        match text.strip_prefix("ctl").map(str::parse) {
            Some(Ok(place)) => Self::Controller(place),
            Some(Err(_)) | None => Self::Phone(text),
        }
    }
}

impl FromStr for Node {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.to_owned().into())
    }
}

impl From<Node> for String {
    fn from(node: Node) -> Self {
        node.to_string()
    }
}

/// How strongly a sender arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// With this RSSI, in dBm, before jitter.
    Rssi(i8),
    /// Not at all.
    OutOfRange,
}

/// The radio channel that all share.
#[derive(Clone, Debug)]
pub struct Channel {
    jitter_db: u8,
    everywhere: BTreeMap<Node, Level>,
    paths: BTreeMap<(Node, usize), Level>,
}

impl Channel {
    /// A channel on which everyone arrives at [`DEFAULT_RSSI`], give or take
    /// `jitter_db` from one PDU to the next.
    pub fn new(jitter_db: u8) -> Self {
        Self {
            jitter_db,
            everywhere: BTreeMap::new(),
            paths: BTreeMap::new(),
        }
    }

    /// From now on `from` arrives with `level` everywhere.
    pub fn set_everywhere(&mut self, from: Node, level: Level) {
        self.paths.retain(|(sender, _), _| *sender != from);
        self.everywhere.insert(from, level);
    }

    /// From now on `from` arrives with `level` at the controller at `to`; the
    /// other direction stays as it is.
    pub fn set_path(&mut self, from: Node, to: usize, level: Level) {
        self.paths.insert((from, to), level);
    }

    /// Forgets what was set about `from`.
    pub fn forget(&mut self, from: &Node) {
        self.paths.retain(|(sender, _), _| sender != from);
        self.everywhere.remove(from);
    }

    /// The RSSI at which one PDU of `from` arrives at the controller at `to`;
    /// `None` when it does not.
    pub fn rssi(&self, from: &Node, to: usize, random: &mut Random) -> Option<i8> {
        let path = self.paths.get(&(from.clone(), to));
        let level = path.or_else(|| self.everywhere.get(from));
        match level.copied().unwrap_or(Level::Rssi(DEFAULT_RSSI)) {
            Level::OutOfRange => None,
            Level::Rssi(rssi) => {
                // What an LE controller can report (§7.7.65.2).
                let heard = (i16::from(rssi) + random.within(self.jitter_db)).clamp(-127, 20);
                i8::try_from(heard).ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_goes_before_the_level_everywhere() {
        let mut channel = Channel::new(0);
        let mut random = Random::seeded(1);
        let alice = Node::Phone("alice".into());
        let mut at = |channel: &Channel, to| channel.rssi(&alice, to, &mut random);
        assert_eq!(at(&channel, 0), Some(DEFAULT_RSSI));
        channel.set_everywhere(alice.clone(), Level::Rssi(-70));
        channel.set_path(alice.clone(), 1, Level::OutOfRange);
        assert_eq!(at(&channel, 0), Some(-70));
        assert_eq!(at(&channel, 1), None);
        channel.set_everywhere(alice.clone(), Level::Rssi(-40));
        assert_eq!(at(&channel, 1), Some(-40), "everywhere is everywhere");
        channel.forget(&alice);
        assert_eq!(at(&channel, 0), Some(DEFAULT_RSSI));
    }

    #[test]
    fn jitter_stays_within_its_bounds_and_the_range_of_rssi() {
        let mut channel = Channel::new(3);
        let mut random = Random::seeded(1);
        let node = Node::Controller(0);
        for (level, lowest, highest) in [(-60, -63, -57), (-127, -127, -124), (20, 17, 20)] {
            channel.set_everywhere(node.clone(), Level::Rssi(level));
            let heard: Vec<i8> = (0..500)
                .filter_map(|_| channel.rssi(&node, 1, &mut random))
                .collect();
            assert_eq!(heard.iter().min(), Some(&lowest));
            assert_eq!(heard.iter().max(), Some(&highest));
        }
    }

    #[test]
    fn nodes_are_written_as_they_are_read() {
        for (text, node) in [
            ("ctl0", Node::Controller(0)),
            ("ctl12", Node::Controller(12)),
            ("ctlx", Node::Phone("ctlx".into())),
            ("alice", Node::Phone("alice".into())),
        ] {
            assert_eq!(Node::from(text.to_owned()), node);
            assert_eq!(node.to_string(), text);
        }
    }
}
