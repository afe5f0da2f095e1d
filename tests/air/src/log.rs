//! What happened, one JSON object per line.
//!
//! Every line has `at_us`, microseconds on `CLOCK_MONOTONIC`, and `event`, which
//! says what else it has:
//!
//! | `event` | when | further fields |
//! |---|---|---|
//! | `start` | first line | `unix_us`: the wall clock at `at_us` |
//! | `plugged` | a controller appeared | `controller`, `hci` (n of hciN), `identity`, `dual_mode`, `extended`, `classic` |
//! | `unplugged` | it went | `controller` |
//! | `command` | the kernel sent a command that shapes what is on the air, or one that was refused | `controller`, `name`, `status`, `command` (its parameters; absent when they could not be understood or do not shape the air) |
//! | `pdu` | a PDU went on the air | `from`, `pdu`, `address`, `address_type`, `data`, `heard` (who reported it to its kernel, and the RSSI) |
//! | `key` | a phone began to use a key | `phone`, `tek`, `rolling_start` |
//! | `instruction` | the script said something | `line` |
//!
//! `from` is a [`Node`]: `ctl0` or a phone's name. Data and keys are hexadecimal.
//!
//! A thinned log leaves PDUs out that nobody heard and that repeat the sender's last
//! one, except the last of a row: when each was first and last sent stays exact. A
//! last one may come after younger lines of others, never after anything of its own
//! sender.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Moment;
use crate::address::Address;
use crate::channel::Node;
use crate::controller::Model;
use crate::hci::Status;
use crate::hci::command::Command;
use crate::pdu::Pdu;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When it happened: microseconds on `CLOCK_MONOTONIC`.
    pub at_us: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What a line tells; the module's table describes each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the table above describes the fields")]
pub enum Event {
    Start {
        unix_us: u64,
    },
    Plugged {
        controller: usize,
        hci: u16,
        identity: Address,
        #[serde(flatten)]
        model: Model,
    },
    Unplugged {
        controller: usize,
    },
    Command {
        controller: usize,
        name: String,
        status: Status,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        command: Option<Command>,
    },
    Pdu {
        from: Node,
        #[serde(flatten)]
        pdu: Pdu,
        heard: Vec<Heard>,
    },
    Key {
        phone: String,
        #[serde(with = "hex")]
        tek: [u8; 16],
        rolling_start: u32,
    },
    Instruction {
        line: String,
    },
}

/// A controller that reported a PDU to its kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The controller's place.
    pub by: usize,
    /// The RSSI it reported, in dBm.
    pub rssi: i8,
}

/// Writes the log.
#[derive(Debug)]
pub struct Log<W: Write> {
    writer: BufWriter<W>,
    is_flushed: bool,
    /// Of each sender the last PDU, when the log is thinned.
    rows: Option<BTreeMap<Node, Row>>,
}

/// PDUs that are all the same.
#[derive(Debug)]
struct Row {
    pdu: Pdu,
    /// The last of them, when it is not in the log.
    held_at_us: Option<u64>,
}

impl<W: Write> Log<W> {
    /// A log to `writer`.
    pub fn new(writer: W) -> Self {
        Self {
            writer: BufWriter::new(writer),
            is_flushed: true,
            rows: None,
        }
    }

    /// Whether mere repetitions are left out.
    pub fn thinned(mut self, thinned: bool) -> Self {
        self.rows = thinned.then(BTreeMap::new);
        self
    }

    /// Whether mere repetitions are left out.
    pub fn is_thinned(&self) -> bool {
        self.rows.is_some()
    }

    /// Adds a line.
    pub fn write(&mut self, at: Moment, event: Event) -> io::Result<()> {
        let at_us = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
        if let Some(rows) = &mut self.rows {
            match &event {
                Event::Pdu { from, pdu, heard } => {
                    if let Some(row) = rows.get_mut(from)
                        && row.pdu == *pdu
                        && heard.is_empty()
                    {
                        row.held_at_us = Some(at_us);
                        self.is_flushed = false;
                        return Ok(());
                    }
                    let row = Row {
                        pdu: pdu.clone(),
                        held_at_us: None,
                    };
                    let before = rows.insert(from.clone(), row);
                    self.release(from, before)?;
                }
                Event::Command { controller, .. }
                | Event::Plugged { controller, .. }
                | Event::Unplugged { controller } => {
                    let from = Node::Controller(*controller);
                    let before = rows.remove(&from);
                    self.release(&from, before)?;
                }
                // What the script says is a moment to be compared with.
                Event::Instruction { .. } => {
                    for (from, row) in std::mem::take(rows) {
                        self.release(&from, Some(row))?;
                    }
                }
                Event::Start { .. } | Event::Key { .. } => {}
            }
        }
        self.put(&Record { at_us, event })
    }

    /// Writes the last PDU of a row that ends.
    fn release(&mut self, from: &Node, row: Option<Row>) -> io::Result<()> {
        let Some(Row {
            pdu,
            held_at_us: Some(at_us),
        }) = row
        else {
            return Ok(());
        };
        let event = Event::Pdu {
            from: from.clone(),
            pdu,
            heard: Vec::new(),
        };
        self.put(&Record { at_us, event })
    }

    fn put(&mut self, record: &Record) -> io::Result<()> {
        self.is_flushed = false;
        serde_json::to_writer(&mut self.writer, record)?;
        self.writer.write_all(b"\n")
    }

    /// Hands over all lines so far.
    pub fn flush(&mut self) -> io::Result<()> {
        self.is_flushed = true;
        self.writer.flush()
    }

    /// Whether all lines so far were handed over.
    pub fn is_flushed(&self) -> bool {
        self.is_flushed
    }
}

/// Why a log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be read.
    #[error("cannot read the log {path}")]
    Io {
        /// The log.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// A line is not a record.
    #[error("line {line} of the log is not a record")]
    Malformed {
        /// Which line, counted from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// Reads a log, also one that is still being written: a last line without its end
/// is left for the next call.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    reader: BufReader<File>,
    partial: String,
    line: usize,
}

impl Reader {
    /// Opens the log at `path`.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(|source| ReadError::Io {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            reader: BufReader::new(file),
            partial: String::new(),
            line: 0,
        })
    }

    /// The records written since the last call.
    pub fn read_new(&mut self) -> Result<Vec<Record>, ReadError> {
        let mut records = Vec::new();
        loop {
            let read = self.reader.read_line(&mut self.partial);
            let read = read.map_err(|source| ReadError::Io {
                path: self.path.clone(),
                source,
            })?;
            if read == 0 || !self.partial.ends_with('\n') {
                return Ok(records);
            }
            self.line += 1;
            let record = serde_json::from_str(&self.partial);
            self.partial.clear();
            records.push(record.map_err(|source| ReadError::Malformed {
                line: self.line,
                source,
            })?);
        }
    }
}

/// Reads a whole log.
pub fn read(path: &Path) -> Result<Vec<Record>, ReadError> {
    Reader::open(path)?.read_new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::AddressType;
    use crate::hci::command::{AdvertisingParameters, ScanEnable};
    use crate::pdu::PduKind;

    fn examples() -> Vec<(Event, &'static str)> {
        let address = Address::new([0x2A, 0, 0, 0, 0, 1]);
        let command = |name: &str, command| Event::Command {
            controller: 0,
            name: name.into(),
            status: Status::Success,
            command: Some(command),
        };
        vec![
            (
                Event::Start { unix_us: 7 },
                r#"{"at_us":1500000,"event":"start","unix_us":7}"#,
            ),
            (
                Event::Plugged {
                    controller: 1,
                    hci: 1,
                    identity: address,
                    model: Model {
                        classic: false,
                        dual_mode: false,
                        extended: true,
                    },
                },
                r#"{"at_us":1500000,"event":"plugged","controller":1,"hci":1,"identity":"2A:00:00:00:00:01","dual_mode":false,"extended":true,"classic":false}"#,
            ),
            (
                Event::Pdu {
                    from: Node::Controller(0),
                    pdu: Pdu {
                        kind: PduKind::AdvNonconnInd,
                        address,
                        address_type: AddressType::Random,
                        data: vec![2, 1, 4],
                    },
                    heard: vec![Heard { by: 1, rssi: -60 }],
                },
                r#"{"at_us":1500000,"event":"pdu","from":"ctl0","pdu":"ADV_NONCONN_IND","address":"2A:00:00:00:00:01","address_type":"random","data":"020104","heard":[{"by":1,"rssi":-60}]}"#,
            ),
            (
                Event::Command {
                    controller: 0,
                    name: "LE_Set_Random_Address".into(),
                    status: Status::CommandDisallowed,
                    command: Some(Command::LeSetRandomAddress { address }),
                },
                r#"{"at_us":1500000,"event":"command","controller":0,"name":"LE_Set_Random_Address","status":"command_disallowed","command":{"le_set_random_address":{"address":"2A:00:00:00:00:01"}}}"#,
            ),
            (
                command(
                    "LE_Set_Extended_Advertising_Parameters",
                    Command::LeSetExtendedAdvertisingParameters {
                        handle: 1,
                        parameters: AdvertisingParameters {
                            pdu: PduKind::AdvNonconnInd,
                            interval_min_us: 200_000,
                            interval_max_us: 270_000,
                            own_address: AddressType::Random,
                        },
                    },
                ),
                r#"{"at_us":1500000,"event":"command","controller":0,"name":"LE_Set_Extended_Advertising_Parameters","status":"success","command":{"le_set_extended_advertising_parameters":{"handle":1,"pdu":"ADV_NONCONN_IND","interval_min_us":200000,"interval_max_us":270000,"own_address":"random"}}}"#,
            ),
            (
                command(
                    "LE_Set_Scan_Enable",
                    Command::LeSetScanEnable(ScanEnable {
                        enable: true,
                        filter_duplicates: false,
                    }),
                ),
                r#"{"at_us":1500000,"event":"command","controller":0,"name":"LE_Set_Scan_Enable","status":"success","command":{"le_set_scan_enable":{"enable":true,"filter_duplicates":false}}}"#,
            ),
        ]
    }

    #[test]
    fn lines_are_as_documented_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("air.jsonl");
        let mut log = Log::new(File::create(&path).unwrap());
        for (event, _) in examples() {
            log.write(Moment::from_millis(1500), event).unwrap();
        }
        log.flush().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        for (line, (_, expected)) in text.lines().zip(examples()) {
            assert_eq!(line, expected);
        }
        let events: Vec<Event> = read(&path).unwrap().into_iter().map(|r| r.event).collect();
        let expected: Vec<Event> = examples().into_iter().map(|(event, _)| event).collect();
        assert_eq!(events, expected);
    }

    #[test]
    fn a_thinned_log_keeps_the_first_and_the_last_of_a_row() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("air.jsonl");
        let mut log = Log::new(File::create(&path).unwrap()).thinned(true);
        let pdu = |place, data: u8, heard: bool| Event::Pdu {
            from: Node::Controller(place),
            pdu: Pdu {
                kind: PduKind::AdvNonconnInd,
                address: Address::new([0x2A, 0, 0, 0, 0, 1]),
                address_type: AddressType::Random,
                data: vec![data],
            },
            heard: heard
                .then_some(Heard { by: 1, rssi: -60 })
                .into_iter()
                .collect(),
        };
        let told = || Event::Instruction {
            line: "quit".into(),
        };
        for (at, event) in [
            (1, pdu(0, 1, false)),
            (2, pdu(0, 1, false)),
            (3, pdu(0, 1, false)),
            (4, pdu(1, 1, false)),
            (5, pdu(0, 2, false)),
            (6, pdu(0, 2, true)),
            (7, pdu(0, 2, false)),
            (8, told()),
        ] {
            log.write(Moment::from_micros(at), event).unwrap();
        }
        log.flush().unwrap();
        let records = read(&path).unwrap();
        let times: Vec<u64> = records.iter().map(|record| record.at_us).collect();
        assert_eq!(times, [1, 4, 3, 5, 6, 7, 8]);
    }

    #[test]
    fn a_line_without_its_end_is_left_for_later() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("air.jsonl");
        let mut file = File::create(&path).unwrap();
        let (first, second) = r#"{"at_us":1,"event":"start","unix_us":2}"#.split_at(10);
        file.write_all(first.as_bytes()).unwrap();
        let mut reader = Reader::open(&path).unwrap();
        assert_eq!(reader.read_new().unwrap(), []);
        file.write_all(second.as_bytes()).unwrap();
        file.write_all(b"\n{").unwrap();
        assert_eq!(reader.read_new().unwrap().len(), 1);
        file.write_all(b"}\n").unwrap();
        assert!(matches!(
            reader.read_new(),
            Err(ReadError::Malformed { line: 2, .. })
        ));
    }
}
