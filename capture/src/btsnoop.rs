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

use std::fmt;
use std::io::{self, Read};

/// The first eight bytes of every btsnoop file.
const MAGIC: &[u8; 8] = b"btsnoop\0";
/// The one version of the format.
const VERSION: u32 = 1;
const FILE_HEADER_LEN: usize = 16;
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
    /// The file's header cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(io::ErrorKind),
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
        offset: u64,
    },
    /// The lengths of the record at this offset make no sense, so that the next
    /// record cannot be found.
    #[error("the record at byte {offset} is corrupt")]
    Corrupt {
        /// Where the record begins, in bytes from the start of the file.
        offset: u64,
    },
    /// The file cannot be read to the end of the record at this offset.
    #[error("the log cannot be read from byte {offset} on: {kind}")]
    Unreadable {
        /// Where the record begins, in bytes from the start of the file.
        offset: u64,
        /// Why.
        kind: io::ErrorKind,
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

/// The records of a log, read one by one. No more than one of them is in memory.
pub struct Records<R> {
    log: R,
    datalink: Datalink,
    /// Offset of the next record; `None` after the end or an error.
    offset: Option<u64>,
    /// The packet that was read last.
    packet: Vec<u8>,
}

impl<R: Read> Records<R> {
    /// Reads the file header of `log`, and nothing after it.
    ///
    /// # Errors
    ///
    /// When `log` is not a btsnoop file of version 1 with a known data link.
    pub fn new(mut log: R) -> Result<Self, LogError> {
        let mut header = [0; FILE_HEADER_LEN];
        let read = fill(&mut log, &mut header).map_err(LogError::Unreadable)?;
        let mut header = Fields(&header[..read]);
        if header.take() != Some(*MAGIC) {
            return Err(LogError::NotBtsnoop);
        }
        let version = header.u32().ok_or(LogError::NotBtsnoop)?;
        let datalink = header.u32().ok_or(LogError::NotBtsnoop)?;
        if version != VERSION {
            return Err(LogError::UnsupportedVersion(version));
        }
        Ok(Self {
            log,
            datalink: Datalink::from_number(datalink)
                .ok_or(LogError::UnsupportedDatalink(datalink))?,
            offset: u64::try_from(read).ok(),
            packet: Vec::new(),
        })
    }

    /// How the log encapsulates its packets.
    pub const fn datalink(&self) -> Datalink {
        self.datalink
    }

    /// The next record; `None` at the end, and ever after an error.
    ///
    /// # Errors
    ///
    /// When the log ends inside the record, the record is corrupt, or it cannot be read.
    pub fn read_next(&mut self) -> Option<Result<Record<'_>, RecordError>> {
        let offset = self.offset.take()?;
        let header = match self.read_record() {
            Ok(header) => header?,
            Err(Broken::Truncated) => return Some(Err(RecordError::Truncated { offset })),
            Err(Broken::Corrupt) => return Some(Err(RecordError::Corrupt { offset })),
            Err(Broken::Unreadable(kind)) => {
                return Some(Err(RecordError::Unreadable { offset, kind }));
            }
        };
        let length = u64::try_from(RECORD_HEADER_LEN + self.packet.len());
        self.offset = Some(offset.saturating_add(length.unwrap_or(u64::MAX)));
        let (adapter, kind, payload) = decapsulate(self.datalink, header.flags, &self.packet);
        Some(Ok(Record {
            time_us: header.time_us,
            adapter,
            kind,
            payload,
        }))
    }

    /// Reads a record's packet and what its header tells of it; `None` at the log's end.
    fn read_record(&mut self) -> Result<Option<RecordHeader>, Broken> {
        let mut header = [0; RECORD_HEADER_LEN];
        let read = fill(&mut self.log, &mut header).map_err(Broken::Unreadable)?;
        if read == 0 {
            return Ok(None);
        }
        let mut header = Fields(&header[..read]);
        let original_len = header.u32().ok_or(Broken::Truncated)?;
        let included_len = header.u32().ok_or(Broken::Truncated)?;
        let flags = header.u32().ok_or(Broken::Truncated)?;
        let _dropped = header.u32().ok_or(Broken::Truncated)?;
        let timestamp = header.take().map(i64::from_be_bytes);
        let timestamp = timestamp.ok_or(Broken::Truncated)?;

        if included_len > original_len {
            return Err(Broken::Corrupt);
        }
        let length = usize::try_from(included_len).map_err(|_| Broken::Corrupt)?;
        if length > LONGEST_PACKET {
            return Err(Broken::Corrupt);
        }
        self.packet.resize(length, 0);
        if fill(&mut self.log, &mut self.packet).map_err(Broken::Unreadable)? < length {
            return Err(Broken::Truncated);
        }
        Ok(Some(RecordHeader {
            flags,
            time_us: timestamp.saturating_sub(EPOCH_US),
        }))
    }
}

impl<R> fmt::Debug for Records<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("datalink", &self.datalink)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

/// What matters of a record's header.
struct RecordHeader {
    flags: u32,
    time_us: i64,
}

enum Broken {
    Truncated,
    Corrupt,
    Unreadable(io::ErrorKind),
}

/// Reads until `buffer` is full or `log` at its end; how many bytes came.
fn fill(log: &mut impl Read, buffer: &mut [u8]) -> Result<usize, io::ErrorKind> {
    let mut filled = 0;
    while filled < buffer.len() {
        match log.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.kind()),
        }
    }
    Ok(filled)
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

    /// When each record of `log` was, or what is wrong with it.
    fn read(log: &[u8]) -> Vec<Result<i64, RecordError>> {
        let mut records = Records::new(log).unwrap();
        let mut times = Vec::new();
        while let Some(record) = records.read_next() {
            times.push(record.map(|record| record.time_us));
        }
        assert!(records.read_next().is_none(), "it stays at its end");
        times
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
            let mut records = Records::new(&log[..]).unwrap();
            let expected = Record {
                time_us: 1_596_098_715_000_001,
                adapter: *adapter,
                kind: *kind,
                payload,
            };
            assert!(
                records.read_next() == Some(Ok(expected)),
                "data link {datalink}, flags {flags:#x}"
            );
            assert!(records.read_next().is_none());
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
            assert_eq!(Records::new(*log).unwrap_err(), *error);
        }
    }

    #[test]
    fn a_log_cut_anywhere_yields_what_is_whole_and_says_where_it_was_cut() {
        let one = record(3, &[0x3e, 1, 2]);
        let log = file(1001, &[one.clone(), one.clone()].concat());
        for cut in FILE_HEADER_LEN..log.len() {
            let read = read(&log[..cut]);
            let whole = (cut - FILE_HEADER_LEN) / one.len();
            let end = FILE_HEADER_LEN + whole * one.len();
            assert_eq!(
                read.iter().filter(|r| r.is_ok()).count(),
                whole,
                "cut at {cut}"
            );
            if cut == end {
                assert_eq!(read.len(), whole);
            } else {
                let offset = u64::try_from(end).unwrap();
                assert_eq!(read.last(), Some(&Err(RecordError::Truncated { offset })));
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
            let read = read(&file(1001, &bad));
            assert_eq!(read, [Err(RecordError::Corrupt { offset: 16 })]);
        }
    }

    #[test]
    fn times_before_1970_and_at_the_ends_of_the_range_are_times() {
        let mut first = record(3, &[]);
        first[16..24].copy_from_slice(&(EPOCH_US - 5).to_be_bytes());
        let mut last = record(3, &[]);
        last[16..24].copy_from_slice(&i64::MIN.to_be_bytes());
        let log = file(1001, &[first, last].concat());
        assert_eq!(read(&log), [Ok(-5), Ok(i64::MIN)]);
    }

    #[test]
    fn what_cannot_be_read_ends_it_there() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::FileTooLarge.into())
            }
        }
        let log = file(1001, &record(3, &[1, 2]));
        let mut records = Records::new((&log[..]).chain(Failing)).unwrap();
        assert!(records.read_next().unwrap().is_ok());
        let unreadable = RecordError::Unreadable {
            offset: 42,
            kind: io::ErrorKind::FileTooLarge,
        };
        assert!(records.read_next() == Some(Err(unreadable)));
        assert!(records.read_next().is_none());
        let no_header = Records::new(Failing).unwrap_err();
        assert_eq!(no_header, LogError::Unreadable(io::ErrorKind::FileTooLarge));
    }

    #[test]
    fn a_record_that_comes_byte_by_byte_is_read() {
        struct Slow<'a>(&'a [u8]);
        impl Read for Slow<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let most = buffer.len().min(1);
                self.0.read(&mut buffer[..most])
            }
        }
        let log = file(1001, &record(3, &[1, 2]));
        let mut records = Records::new(Slow(&log)).unwrap();
        assert!(records.read_next().unwrap().unwrap().payload == [1, 2]);
        assert!(records.read_next().is_none());
    }
}
