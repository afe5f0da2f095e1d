//! The btsnoop file format: a header and a run of timed HCI packets.
//!
//! Android phones, BlueZ's `btmon -w` and most protocol analysers write it. All
//! its numbers are big-endian. Three of its data links are read:
//!
//! | number | name | what tells packets apart |
//! |-------:|------|--------------------------|
//! | 1001 | HCI, unencapsulated | two bits of the record's flags |
//! | 1002 | HCI over UART (H4) | the first byte of the packet |
//! | 2001 | Linux monitor | the record's flags: adapter index and opcode |

/// The first eight bytes of every btsnoop file.
const MAGIC: &[u8; 8] = b"btsnoop\0";
/// The one version of the format.
const VERSION: u32 = 1;
/// How long the file's header is, in bytes: what [`Cursor::new`] judges by.
pub const FILE_HEADER_LEN: usize = 16;
const RECORD_HEADER_LEN: usize = 24;
/// What the format calls year 0, in microseconds before 1970.
const EPOCH_US: i64 = 62_168_256_000_000_000;
/// No HCI packet is longer: an ACL packet carries up to 65,535 bytes after its
/// indicator and header. A record that claims more is corrupt, not cut off.
const LONGEST_PACKET: usize = 1 + 4 + 65_535;

/// Why a file is not a btsnoop file this crate can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The file does not begin with the btsnoop magic, or is shorter than a header.
    #[error("not a btsnoop file")]
    NotBtsnoop,
    /// The format's version is not 1.
    #[error("btsnoop version {0} is not supported")]
    UnsupportedVersion(u32),
    /// The data link is none of 1001, 1002 and 2001.
    #[error("btsnoop data link {0} is not supported")]
    UnsupportedDatalink(u32),
}

/// Why reading a log ended before its last byte.
///
/// Everything before the record in question is good, and has been handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The file ends inside the record at this offset. Logs pulled from a
    /// running phone regularly end so.
    #[error("the log ends inside the record at byte {offset}")]
    Truncated {
        /// Where the record begins, in bytes from the start of the file.
        offset: usize,
    },
    /// The lengths of the record at this offset make no sense, so that the next
    /// record cannot be found.
    #[error("the record at byte {offset} is corrupt")]
    Corrupt {
        /// Where the record begins, in bytes from the start of the file.
        offset: usize,
    },
}

/// How a log encapsulates its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Datalink {
    /// 1001: bare HCI packets.
    Hci,
    /// 1002: HCI packets after their UART indicator byte.
    H4,
    /// 2001: the Linux kernel's monitor channel.
    LinuxMonitor,
}

impl Datalink {
    const fn from_number(number: u32) -> Option<Self> {
        match number {
            1001 => Some(Self::Hci),
            1002 => Some(Self::H4),
            2001 => Some(Self::LinuxMonitor),
            _ => None,
        }
    }
}

/// One packet of a log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// When it passed, in microseconds since 1970-01-01T00:00:00Z by the log's
    /// own clock. Negative where that clock was before 1970.
    pub time_us: i64,
    /// Which adapter it passed; always 0 except on the Linux monitor.
    pub adapter: u16,
    /// What it is.
    pub kind: PacketKind,
    /// The HCI packet, without an indicator byte. Shorter than it was on the
    /// wire where the log's writer cut it.
    pub payload: &'a [u8],
}

/// The kinds of packets that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketKind {
    /// An HCI event, from the controller to the host.
    Event,
    /// Anything else: commands, data, and the monitor's own notes.
    Other,
}

/// A position in a log, from which its records are read one by one.
///
/// It holds no reference to the bytes, so that whoever owns them can own it too.
#[derive(Clone, Copy, Debug)]
pub struct Cursor {
    datalink: Datalink,
    /// Offset of the next record; `None` after the end or an error.
    offset: Option<usize>,
}

impl Cursor {
    /// Reads the file header in `log` and stands before its first record.
    ///
    /// # Errors
    ///
    /// When `log` is not a btsnoop file of version 1 with a known data link.
    pub fn new(log: &[u8]) -> Result<Self, LogError> {
        let mut header = Fields(log);
        if header.take() != Some(*MAGIC) {
            return Err(LogError::NotBtsnoop);
        }
        let version = header.u32().ok_or(LogError::NotBtsnoop)?;
        let datalink = header.u32().ok_or(LogError::NotBtsnoop)?;
        if version != VERSION {
            return Err(LogError::UnsupportedVersion(version));
        }
        Ok(Self {
            datalink: Datalink::from_number(datalink)
                .ok_or(LogError::UnsupportedDatalink(datalink))?,
            offset: Some(FILE_HEADER_LEN),
        })
    }

    /// How the log encapsulates its packets.
    pub const fn datalink(&self) -> Datalink {
        self.datalink
    }

    /// The next record of `log`, which must be the bytes given to [`Cursor::new`];
    /// `None` at the end, and ever after an error.
    ///
    /// # Errors
    ///
    /// When the log ends inside the record or the record is corrupt.
    pub fn next<'a>(&mut self, log: &'a [u8]) -> Option<Result<Record<'a>, RecordError>> {
        let offset = self.offset.take()?;
        let rest = log.get(offset..).filter(|rest| !rest.is_empty())?;
        let (record, next) = match parse_record(self.datalink, rest) {
            Ok((record, len)) => (record, offset + len),
            Err(Broken::Truncated) => return Some(Err(RecordError::Truncated { offset })),
            Err(Broken::Corrupt) => return Some(Err(RecordError::Corrupt { offset })),
        };
        self.offset = Some(next);
        Some(Ok(record))
    }
}

/// The records of a log in memory; an iterator over a [`Cursor`].
#[derive(Clone, Debug)]
pub struct Records<'a> {
    log: &'a [u8],
    cursor: Cursor,
}

impl<'a> Records<'a> {
    /// The records of `log`.
    ///
    /// # Errors
    ///
    /// As [`Cursor::new`].
    pub fn new(log: &'a [u8]) -> Result<Self, LogError> {
        Ok(Self {
            log,
            cursor: Cursor::new(log)?,
        })
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.cursor.next(self.log)
    }
}

enum Broken {
    Truncated,
    Corrupt,
}

/// The record at the start of `bytes`, and its length with its header.
fn parse_record(datalink: Datalink, bytes: &[u8]) -> Result<(Record<'_>, usize), Broken> {
    let mut header = Fields(bytes);
    let original_len = header.u32().ok_or(Broken::Truncated)?;
    let included_len = header.u32().ok_or(Broken::Truncated)?;
    let flags = header.u32().ok_or(Broken::Truncated)?;
    let _dropped = header.u32().ok_or(Broken::Truncated)?;
    let timestamp = header.take().map(i64::from_be_bytes);
    let timestamp = timestamp.ok_or(Broken::Truncated)?;

    if included_len > original_len {
        return Err(Broken::Corrupt);
    }
    let len = usize::try_from(included_len).map_err(|_| Broken::Corrupt)?;
    if len > LONGEST_PACKET {
        return Err(Broken::Corrupt);
    }
    let packet = header.0.get(..len).ok_or(Broken::Truncated)?;

    let (adapter, kind, payload) = decapsulate(datalink, flags, packet);
    let record = Record {
        time_us: timestamp.saturating_sub(EPOCH_US),
        adapter,
        kind,
        payload,
    };
    Ok((record, RECORD_HEADER_LEN + len))
}

fn decapsulate(datalink: Datalink, flags: u32, packet: &[u8]) -> (u16, PacketKind, &[u8]) {
    /// Flags of 1001: received, and a command or event rather than data.
    const RECEIVED_CONTROL: u32 = 0b11;
    const H4_EVENT: u8 = 0x04;
    const MONITOR_EVENT: u16 = 3;

    let kind_if = |is_event| {
        if is_event {
            PacketKind::Event
        } else {
            PacketKind::Other
        }
    };
    match datalink {
        Datalink::Hci => (0, kind_if(flags & 0b11 == RECEIVED_CONTROL), packet),
        Datalink::H4 => match packet.split_first() {
            Some((indicator, payload)) => (0, kind_if(*indicator == H4_EVENT), payload),
            None => (0, PacketKind::Other, packet),
        },
        Datalink::LinuxMonitor => {
            let [a, b, c, d] = flags.to_be_bytes();
            let adapter = u16::from_be_bytes([a, b]);
            let opcode = u16::from_be_bytes([c, d]);
            (adapter, kind_if(opcode == MONITOR_EVENT), packet)
        }
    }
}

/// Big-endian fields, taken from the front.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(datalink: u32, records: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend(datalink.to_be_bytes());
        bytes.extend(records);
        bytes
    }

    fn record(flags: u32, packet: &[u8]) -> Vec<u8> {
        let len = u32::try_from(packet.len()).unwrap();
        let mut bytes = Vec::new();
        for field in [len, len, flags, 0] {
            bytes.extend(field.to_be_bytes());
        }
        bytes.extend((EPOCH_US + 1_596_098_715_000_001).to_be_bytes());
        bytes.extend(packet);
        bytes
    }

    #[test]
    fn tells_events_from_other_packets_on_every_data_link() {
        use PacketKind::{Event, Other};
        type Row<'a> = (u32, u32, &'a [u8], u16, PacketKind, &'a [u8]);
        let table: &[Row<'_>] = &[
            (1001, 3, &[0x3e, 0], 0, Event, &[0x3e, 0]),
            (1001, 2, &[1, 0x10], 0, Other, &[1, 0x10]),
            (1001, 1, &[9], 0, Other, &[9]),
            (1002, 0, &[4, 0x3e, 0], 0, Event, &[0x3e, 0]),
            (1002, 3, &[2, 9], 0, Other, &[9]),
            (1002, 3, &[], 0, Other, &[]),
            (2001, 0x0002_0003, &[0x3e, 0], 2, Event, &[0x3e, 0]),
            (2001, 0x0002_0002, &[1, 0x10], 2, Other, &[1, 0x10]),
        ];
        for (datalink, flags, packet, adapter, kind, payload) in table {
            let log = file(*datalink, &record(*flags, packet));
            let read: Vec<_> = Records::new(&log).unwrap().map(Result::unwrap).collect();
            assert!(
                read == [Record {
                    time_us: 1_596_098_715_000_001,
                    adapter: *adapter,
                    kind: *kind,
                    payload,
                }],
                "data link {datalink}, flags {flags:#x}"
            );
        }
    }

    #[test]
    fn refuses_what_is_no_btsnoop_file() {
        let table: &[(&[u8], LogError)] = &[
            (b"", LogError::NotBtsnoop),
            (b"btsnoop\0\0\0\0\x01\0\0\x03", LogError::NotBtsnoop),
            (b"btsnoop\x01\0\0\0\x01\0\0\x03\xea", LogError::NotBtsnoop),
            (
                b"btsnoop\0\0\0\0\x02\0\0\x03\xea",
                LogError::UnsupportedVersion(2),
            ),
            (
                b"btsnoop\0\0\0\0\x01\0\0\x03\xeb",
                LogError::UnsupportedDatalink(1003),
            ),
        ];
        for (log, error) in table {
            assert_eq!(Cursor::new(log).unwrap_err(), *error);
        }
    }

    #[test]
    fn a_log_cut_anywhere_yields_what_is_whole_and_says_where_it_was_cut() {
        let one = record(3, &[0x3e, 1, 2]);
        let log = file(1001, &[one.clone(), one.clone()].concat());
        for cut in FILE_HEADER_LEN..log.len() {
            let read: Vec<_> = Records::new(&log[..cut]).unwrap().collect();
            let whole = (cut - FILE_HEADER_LEN) / one.len();
            let offset = FILE_HEADER_LEN + whole * one.len();
            assert_eq!(
                read.iter().filter(|r| r.is_ok()).count(),
                whole,
                "cut at {cut}"
            );
            if cut == offset {
                assert_eq!(read.len(), whole);
            } else {
                assert!(read.last() == Some(&Err(RecordError::Truncated { offset })));
                assert_eq!(read.len(), whole + 1);
            }
        }
    }

    #[test]
    fn impossible_lengths_are_corrupt() {
        let mut included_beyond_original = record(3, &[1, 2]);
        included_beyond_original[3] = 1;
        let mut too_long = record(3, &[]);
        too_long[..8].fill(0x7f);
        for bad in [included_beyond_original, too_long] {
            let read: Vec<_> = Records::new(&file(1001, &bad))
                .unwrap()
                .map(|r| r.map(|_| ()))
                .collect();
            assert_eq!(
                read,
                [Err(RecordError::Corrupt {
                    offset: FILE_HEADER_LEN
                })]
            );
        }
    }

    #[test]
    fn times_before_1970_and_at_the_ends_of_the_range_are_times() {
        let mut first = record(3, &[]);
        first[16..24].copy_from_slice(&(EPOCH_US - 5).to_be_bytes());
        let mut last = record(3, &[]);
        last[16..24].copy_from_slice(&i64::MIN.to_be_bytes());
        let log = file(1001, &[first, last].concat());
        let times: Vec<_> = Records::new(&log)
            .unwrap()
            .map(|r| r.unwrap().time_us)
            .collect();
        assert_eq!(times, [-5, i64::MIN]);
    }
}
