//! What the script may say while the emulator runs: one instruction per line,
//! each answered with one line, `ok …` or `error …`.
//!
//! ```text
//! phone NAME [rssi=-60] [tx=-20] [interval=250] [rotate=900] [flags=no] [tek=HEX]
//! phones COUNT [the same]         names them phone1, phone2, …; never with a key
//! beacon NAME data=HEX [pdu=ADV_IND] [address=AA:…] [type=random] [interval=100]
//!             [scan_response=HEX] [rssi=-60]
//! remove NAME                     a phone or beacon leaves
//! nophones                        all of them leave
//! rssi FROM TO DBM|out            how FROM (ctl0 or a name) arrives at TO (ctl0 or all)
//! unplug N                        controller N is pulled out
//! plug N                          controller N is put in (again, or as the next new one)
//! mark TEXT                       does nothing: the log shows when it was said
//! stats                           answers with counters as JSON
//! quit
//! ```
//!
//! `rssi` is in dBm, `interval` in milliseconds, `rotate` in seconds.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use gaen::key::Tek;

use crate::address::{Address, AddressType};
use crate::advertising::Transmission;
use crate::channel::{DEFAULT_RSSI, Level, Node};
use crate::pdu::{LEGACY_DATA_LEN, Pdu, PduKind};
use crate::phone::{PhoneSettings, SHORTEST_ROTATION};

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// A phone comes in.
    Phone {
        /// Its name.
        name: String,
        /// How it behaves.
        settings: PhoneSettings,
        /// How strongly it arrives, in dBm.
        rssi: i8,
    },
    /// Several phones come in.
    Phones {
        /// How many.
        count: u32,
        /// How each behaves.
        settings: PhoneSettings,
        /// How strongly each arrives, in dBm.
        rssi: i8,
    },
    /// Something that always sends the same comes in.
    Beacon {
        /// Its name.
        name: String,
        /// What it sends.
        transmission: Transmission,
        /// From one advert to the next.
        interval: Duration,
        /// How strongly it arrives, in dBm.
        rssi: i8,
    },
    /// A phone or beacon leaves.
    Remove {
        /// Its name.
        name: String,
    },
    /// All phones and beacons leave.
    NoPhones,
    /// Somebody is heard differently from now on.
    Rssi {
        /// Who.
        from: Node,
        /// At which controller; everywhere when `None`.
        to: Option<usize>,
        /// How strongly.
        level: Level,
    },
    /// A controller is pulled out.
    Unplug(usize),
    /// A controller is put in.
    Plug(usize),
    /// A moment to be found again in the log.
    Mark,
    /// Asks for counters.
    Stats,
    /// Ends the emulator.
    Quit,
}

/// Why a line is no instruction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// The first word is unknown.
    #[error("unknown instruction {0:?}")]
    Unknown(String),
    /// A word is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A word is not what it should be.
    #[error("{what} cannot be {value:?}")]
    Invalid {
        /// What it should have been.
        what: &'static str,
        /// What it is.
        value: String,
    },
    /// There are words left over.
    #[error("nothing known about {0:?}")]
    Unexpected(String),
}

impl FromStr for Instruction {
    type Err = ScriptError;

    fn from_str(line: &str) -> Result<Self, ScriptError> {
        let mut words = Words::of(line);
        let instruction = match words.next("an instruction")?.as_str() {
            "phone" => Self::Phone {
                name: words.name()?,
                rssi: words.option("rssi", DEFAULT_RSSI)?,
                settings: words.phone_settings()?,
            },
            "phones" => Self::Phones {
                count: words.parse("a count")?,
                rssi: words.option("rssi", DEFAULT_RSSI)?,
                settings: words.phone_settings()?,
            },
            "beacon" => Self::Beacon {
                name: words.name()?,
                rssi: words.option("rssi", DEFAULT_RSSI)?,
                interval: Duration::from_millis(words.option("interval", 100)?),
                transmission: words.transmission()?,
            },
            "remove" => Self::Remove {
                name: words.name()?,
            },
            "nophones" => Self::NoPhones,
            "rssi" => Self::Rssi {
                from: words.next("a sender")?.into(),
                to: words.receiver()?,
                level: words.level()?,
            },
            "unplug" => Self::Unplug(words.parse("a controller")?),
            "plug" => Self::Plug(words.parse("a controller")?),
            "mark" => return Ok(Self::Mark),
            "stats" => Self::Stats,
            "quit" => Self::Quit,
            other => return Err(ScriptError::Unknown(other.to_owned())),
        };
        words.finish()?;
        Ok(instruction)
    }
}

/// The words of a line: those in order, and those of the form `key=value`.
struct Words {
    plain: std::vec::IntoIter<String>,
    options: BTreeMap<String, String>,
}

impl Words {
    fn of(line: &str) -> Self {
        let mut plain = Vec::new();
        let mut options = BTreeMap::new();
        for word in line.split_whitespace() {
            match word.split_once('=') {
                Some((key, value)) => {
                    options.insert(key.to_owned(), value.to_owned());
                }
                None => plain.push(word.to_owned()),
            }
        }
        Self {
            plain: plain.into_iter(),
            options,
        }
    }

    fn next(&mut self, what: &'static str) -> Result<String, ScriptError> {
        self.plain.next().ok_or(ScriptError::Missing(what))
    }

    fn parse<T: FromStr>(&mut self, what: &'static str) -> Result<T, ScriptError> {
        let value = self.next(what)?;
        value
            .parse()
            .map_err(|_| ScriptError::Invalid { what, value })
    }

    /// A name that is not a controller's.
    fn name(&mut self) -> Result<String, ScriptError> {
        match Node::from(self.next("a name")?) {
            Node::Phone(name) => Ok(name),
            Node::Controller(place) => Err(ScriptError::Invalid {
                what: "a name",
                value: Node::Controller(place).to_string(),
            }),
        }
    }

    fn receiver(&mut self) -> Result<Option<usize>, ScriptError> {
        let value = self.next("a receiver")?;
        match Node::from(value.clone()) {
            Node::Controller(place) => Ok(Some(place)),
            Node::Phone(name) if name == "all" => Ok(None),
            Node::Phone(_) => Err(ScriptError::Invalid {
                what: "a receiver",
                value,
            }),
        }
    }

    fn level(&mut self) -> Result<Level, ScriptError> {
        let value = self.next("an RSSI")?;
        if value == "out" {
            return Ok(Level::OutOfRange);
        }
        let rssi = value.parse().map_err(|_| ScriptError::Invalid {
            what: "an RSSI",
            value,
        })?;
        Ok(Level::Rssi(rssi))
    }

    fn option<T: FromStr>(&mut self, key: &'static str, default: T) -> Result<T, ScriptError> {
        Ok(self.given(key)?.unwrap_or(default))
    }

    fn given<T: FromStr>(&mut self, key: &'static str) -> Result<Option<T>, ScriptError> {
        let Some(value) = self.options.remove(key) else {
            return Ok(None);
        };
        match value.parse() {
            Ok(parsed) => Ok(Some(parsed)),
            Err(_) => Err(ScriptError::Invalid { what: key, value }),
        }
    }

    fn bytes(&mut self, key: &'static str) -> Result<Option<Vec<u8>>, ScriptError> {
        let Some(value) = self.options.remove(key) else {
            return Ok(None);
        };
        match hex::decode(&value) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(_) => Err(ScriptError::Invalid { what: key, value }),
        }
    }

    fn phone_settings(&mut self) -> Result<PhoneSettings, ScriptError> {
        let default = PhoneSettings::default();
        let rotation = self.option("rotate", default.rotation.as_secs())?;
        if rotation < SHORTEST_ROTATION.as_secs() {
            return Err(ScriptError::Invalid {
                what: "rotate",
                value: rotation.to_string(),
            });
        }
        let tek = match self.bytes("tek")? {
            None => None,
            Some(bytes) => match bytes.try_into() {
                Ok(bytes) => Some(Tek::from_bytes(bytes)),
                Err(bytes) => {
                    return Err(ScriptError::Invalid {
                        what: "tek",
                        value: hex::encode(bytes),
                    });
                }
            },
        };
        let flags = match self.options.remove("flags").as_deref() {
            None => default.flags,
            Some("yes") => true,
            Some("no") => false,
            Some(other) => {
                return Err(ScriptError::Invalid {
                    what: "flags",
                    value: other.to_owned(),
                });
            }
        };
        let milliseconds =
            default.interval.as_secs() * 1000 + u64::from(default.interval.subsec_millis());
        Ok(PhoneSettings {
            tek,
            tx_power: self.option("tx", default.tx_power)?,
            interval: Duration::from_millis(self.option("interval", milliseconds)?),
            rotation: Duration::from_secs(rotation),
            flags,
        })
    }

    fn transmission(&mut self) -> Result<Transmission, ScriptError> {
        const DEFAULT_ADDRESS: Address = Address::new([0xC0, 0xBE, 0xAC, 0x0F, 0x00, 0x01]);
        let kind = match self.options.remove("pdu") {
            None => PduKind::AdvInd,
            Some(name) => serde_json::from_value(serde_json::Value::String(name.clone()))
                .ok()
                .filter(|kind| !matches!(kind, PduKind::ScanReq | PduKind::ScanRsp))
                .ok_or(ScriptError::Invalid {
                    what: "pdu",
                    value: name,
                })?,
        };
        let address_type = match self.options.remove("type").as_deref() {
            None | Some("random") => AddressType::Random,
            Some("public") => AddressType::Public,
            Some(other) => {
                return Err(ScriptError::Invalid {
                    what: "type",
                    value: other.to_owned(),
                });
            }
        };
        let data = self.bytes("data")?.ok_or(ScriptError::Missing("data"))?;
        let scan_response = self.bytes("scan_response")?.unwrap_or_default();
        for (what, bytes) in [("data", &data), ("scan_response", &scan_response)] {
            if bytes.len() > LEGACY_DATA_LEN {
                return Err(ScriptError::Invalid {
                    what,
                    value: hex::encode(bytes),
                });
            }
        }
        Ok(Transmission {
            pdu: Pdu {
                kind,
                address: self.option("address", DEFAULT_ADDRESS)?,
                address_type,
                data,
            },
            scan_response,
        })
    }

    fn finish(mut self) -> Result<(), ScriptError> {
        let left = self
            .plain
            .next()
            .or_else(|| self.options.into_keys().next());
        match left {
            None => Ok(()),
            Some(word) => Err(ScriptError::Unexpected(word)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_phone_has_defaults_and_options() {
        assert_eq!(
            "phone alice".parse(),
            Ok(Instruction::Phone {
                name: "alice".into(),
                settings: PhoneSettings::default(),
                rssi: DEFAULT_RSSI,
            })
        );
        let line = "phone bob rssi=-71 tx=-24 interval=200 rotate=600 flags=yes \
                    tek=000102030405060708090a0b0c0d0e0f";
        assert_eq!(
            line.parse(),
            Ok(Instruction::Phone {
                name: "bob".into(),
                settings: PhoneSettings {
                    tek: Some(Tek::from_bytes(std::array::from_fn(|i| {
                        u8::try_from(i).unwrap()
                    }))),
                    tx_power: -24,
                    interval: Duration::from_millis(200),
                    rotation: Duration::from_secs(600),
                    flags: true,
                },
                rssi: -71,
            })
        );
    }

    #[test]
    fn a_mark_may_say_anything() {
        for line in ["mark", "mark adapter off: cause=power"] {
            assert_eq!(line.parse(), Ok(Instruction::Mark));
        }
    }

    #[test]
    fn levels_are_set_for_one_receiver_or_all() {
        for (line, to, level) in [
            ("rssi alice all -70", None, Level::Rssi(-70)),
            ("rssi alice ctl1 out", Some(1), Level::OutOfRange),
        ] {
            let from = Node::Phone("alice".into());
            assert_eq!(line.parse(), Ok(Instruction::Rssi { from, to, level }));
        }
    }

    #[test]
    fn a_beacon_sends_what_it_is_told() {
        let Ok(Instruction::Beacon { transmission, .. }) =
            "beacon b data=020106 pdu=ADV_SCAN_IND type=public scan_response=0209".parse()
        else {
            panic!("it is a beacon");
        };
        assert_eq!(transmission.pdu.kind, PduKind::AdvScanInd);
        assert_eq!(transmission.pdu.address_type, AddressType::Public);
        assert_eq!(transmission.pdu.data, [2, 1, 6]);
        assert_eq!(transmission.scan_response, [2, 9]);
    }

    #[test]
    fn says_what_is_wrong() {
        for (line, message) in [
            ("", "an instruction is missing"),
            ("dance", "unknown instruction \"dance\""),
            ("phone", "a name is missing"),
            ("phone ctl0", "a name cannot be \"ctl0\""),
            ("phone a rotate=599", "rotate cannot be \"599\""),
            ("phone a tek=00", "tek cannot be \"00\""),
            ("phone a colour=red", "nothing known about \"colour\""),
            ("phone a b", "nothing known about \"b\""),
            ("beacon b", "data is missing"),
            (
                "beacon b data=00 pdu=SCAN_RSP",
                "pdu cannot be \"SCAN_RSP\"",
            ),
            ("marks", "unknown instruction \"marks\""),
            ("rssi a b -60", "a receiver cannot be \"b\""),
            ("rssi a all loud", "an RSSI cannot be \"loud\""),
            ("plug one", "a controller cannot be \"one\""),
        ] {
            let error = line.parse::<Instruction>().unwrap_err();
            assert_eq!(error.to_string(), message, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_an_instruction_or_an_error(line in "\\PC*") {
            let _ = line.parse::<Instruction>();
        }
    }
}
