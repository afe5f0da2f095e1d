//! The inside of a segment: one scan cycle, or after compaction many.
//!
//! ```text
//! version u8 = 1 | first u32 | cycles u32
//! cycles × (number u32 | started u32 | ended u32 | previous u32 | flags u8 | sightings u32)
//! sightings × (time u32 | rpi 16 | aem 4 | rssi i8)
//! zeros up to the padded length
//! ```
//!
//! Numbers are little-endian. Cycles are numbered within their UTC day. A segment
//! is stored under the number of its last cycle and accounts for all numbers from
//! `first` to there, so that a reader notices a segment that is missing in
//! between: its successor accounts for nothing before its own `first`.

use gaen::key::{AEM_LEN, Aem, KEY_LEN, Rpi};
use gaen::time::{UnixSeconds, UtcDay};
use sesshoku_core::records::{CycleHeader, CycleSighting, ScanCycle};
use zeroize::Zeroizing;

use super::StoreError;

/// Length of one record, in bytes.
pub(super) const RECORD_LEN: usize = 4 + KEY_LEN + AEM_LEN + 1;

const VERSION: u8 = 1;
const PREFIX_LEN: usize = 9;
const HEADER_LEN: usize = 21;
/// `previous` is known.
const FLAG_PREVIOUS: u8 = 1;
/// The cycle was cut short.
const FLAG_CUT_SHORT: u8 = 2;
/// The cycle does not stand for the time since the scan before it. Earlier versions
/// never set it, and pass over it.
const FLAG_AFTER_GAP: u8 = 4;

/// The shortest padded segment. Sealed, four of them fill one database page, and
/// a single cycle has room in it for 37 sightings.
const SHORTEST: usize = 960;

const NUMBER_BITS: u32 = 24;
const LAST_NUMBER: u32 = (1 << NUMBER_BITS) - 1;

/// Which segment: its UTC day and the number of its last cycle in that day.
///
/// This is all that is stored in the clear. As one integer, it is the row's key
/// and the segment's place, and of a single cycle it is the cycle's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SegmentId {
    pub(super) day: UtcDay,
    pub(super) number: u32,
}

impl SegmentId {
    /// The smallest id of `day`.
    pub(super) const fn first(day: UtcDay) -> Self {
        Self { day, number: 0 }
    }

    /// The largest id of `day`.
    pub(super) const fn last(day: UtcDay) -> Self {
        Self {
            day,
            number: LAST_NUMBER,
        }
    }

    /// The id after this one in its day, or `None` after the last.
    pub(super) fn next(self) -> Option<Self> {
        (self.number < LAST_NUMBER).then(|| Self {
            day: self.day,
            number: self.number + 1,
        })
    }

    /// The row's key.
    pub(super) fn row(self) -> i64 {
        (i64::from(self.day.get()) << NUMBER_BITS) | i64::from(self.number)
    }

    /// The segment with this row key, or `None` when no segment has it.
    pub(super) fn from_row(row: i64) -> Option<Self> {
        let number = u32::try_from(row & i64::from(LAST_NUMBER)).ok()?;
        let day = u32::try_from(row >> NUMBER_BITS).ok()?;
        Some(Self {
            day: UtcDay::new(day),
            number,
        })
    }

    /// The id of the cycle with this number, as the rest of the daemon sees it.
    pub(super) fn cycle_id(self) -> u64 {
        u64::try_from(self.row()).expect("a row key is never negative")
    }
}

/// A segment being put together.
pub(super) struct Builder {
    first: u32,
    cycles: u32,
    headers: Vec<u8>,
    records: Zeroizing<Vec<u8>>,
}

impl Builder {
    /// A segment without cycles that accounts for the numbers from `first`.
    pub(super) fn new(first: u32) -> Self {
        Self {
            first,
            cycles: 0,
            headers: Vec::new(),
            records: Zeroizing::new(Vec::new()),
        }
    }

    /// The segment of one cycle.
    pub(super) fn of_cycle(number: u32, cycle: &ScanCycle) -> Result<Self, StoreError> {
        let mut builder = Self::new(number);
        let records = cycle.sightings.iter().flat_map(encode_record).collect();
        builder.push(&Cycle {
            number,
            started: cycle.started,
            ended: cycle.ended,
            previous: cycle.previous,
            cut_short: cycle.cut_short,
            after_gap: cycle.after_gap,
            records: &Zeroizing::<Vec<u8>>::new(records),
        })?;
        Ok(builder)
    }

    /// Adds a cycle after those it has.
    pub(super) fn push(&mut self, cycle: &Cycle<'_>) -> Result<(), StoreError> {
        let sightings = u32::try_from(cycle.sightings()).map_err(|_| StoreError::TooLarge)?;
        let mut flags = 0;
        if cycle.previous.is_some() {
            flags |= FLAG_PREVIOUS;
        }
        if cycle.cut_short {
            flags |= FLAG_CUT_SHORT;
        }
        if cycle.after_gap {
            flags |= FLAG_AFTER_GAP;
        }
        let previous = cycle.previous.map_or(0, UnixSeconds::get);
        self.headers.extend_from_slice(&cycle.number.to_le_bytes());
        self.headers
            .extend_from_slice(&cycle.started.get().to_le_bytes());
        self.headers
            .extend_from_slice(&cycle.ended.get().to_le_bytes());
        self.headers.extend_from_slice(&previous.to_le_bytes());
        self.headers.push(flags);
        self.headers.extend_from_slice(&sightings.to_le_bytes());
        self.records.extend_from_slice(cycle.records);
        self.cycles += 1;
        Ok(())
    }

    /// How many cycles it has.
    pub(super) fn cycles(&self) -> usize {
        self.headers.len() / HEADER_LEN
    }

    /// How many sightings it has.
    pub(super) fn sightings(&self) -> usize {
        self.records.len() / RECORD_LEN
    }

    /// The plaintext to seal.
    pub(super) fn finish(self) -> Zeroizing<Vec<u8>> {
        let length = PREFIX_LEN + self.headers.len() + self.records.len();
        let mut plaintext = Zeroizing::new(Vec::with_capacity(padded_len(length)));
        plaintext.push(VERSION);
        plaintext.extend_from_slice(&self.first.to_le_bytes());
        plaintext.extend_from_slice(&self.cycles.to_le_bytes());
        plaintext.extend_from_slice(&self.headers);
        plaintext.extend_from_slice(&self.records);
        plaintext.resize(padded_len(length), 0);
        plaintext
    }
}

/// A segment being read.
#[derive(Clone, Copy)]
pub(super) struct Segment<'a> {
    day: UtcDay,
    first: u32,
    headers: &'a [u8],
    records: &'a [u8],
}

impl<'a> Segment<'a> {
    /// The segment in `plaintext`, or `None` when it is none that this version
    /// has written.
    pub(super) fn parse(day: UtcDay, plaintext: &'a [u8]) -> Option<Self> {
        let (prefix, rest) = plaintext.split_first_chunk::<PREFIX_LEN>()?;
        let [VERSION, a, b, c, d, cycles @ ..] = *prefix else {
            return None;
        };
        let cycles = usize::try_from(u32::from_le_bytes(cycles)).ok()?;
        let (headers, rest) = rest.split_at_checked(cycles.checked_mul(HEADER_LEN)?)?;
        let mut sightings = 0_usize;
        for header in headers.chunks_exact(HEADER_LEN) {
            let count = usize::try_from(Header::decode(header)?.sightings).ok()?;
            sightings = sightings.checked_add(count)?;
        }
        let (records, _padding) = rest.split_at_checked(sightings.checked_mul(RECORD_LEN)?)?;
        Some(Self {
            day,
            first: u32::from_le_bytes([a, b, c, d]),
            headers,
            records,
        })
    }

    /// The first cycle number it accounts for.
    pub(super) fn first(&self) -> u32 {
        self.first
    }

    /// The UTC day it belongs to.
    pub(super) fn day(&self) -> UtcDay {
        self.day
    }

    /// How many sightings it has.
    pub(super) fn sightings(&self) -> usize {
        self.records.len() / RECORD_LEN
    }

    /// How many cycles it has.
    pub(super) fn cycle_count(&self) -> usize {
        self.headers.len() / HEADER_LEN
    }

    /// Its cycles, in the order in which they were appended.
    pub(super) fn cycles(&self) -> impl Iterator<Item = Cycle<'a>> + use<'a> {
        let mut rest = self.records;
        self.headers
            .chunks_exact(HEADER_LEN)
            .map_while(move |header| {
                let header = Header::decode(header)?;
                let length = usize::try_from(header.sightings).ok()? * RECORD_LEN;
                let (records, after) = rest.split_at_checked(length)?;
                rest = after;
                Some(Cycle {
                    number: header.number,
                    started: header.started,
                    ended: header.ended,
                    previous: header.previous,
                    cut_short: header.cut_short,
                    after_gap: header.after_gap,
                    records,
                })
            })
    }
}

/// One cycle in a segment, its records still encoded.
#[derive(Clone, Copy)]
pub(super) struct Cycle<'a> {
    pub(super) number: u32,
    pub(super) started: UnixSeconds,
    pub(super) ended: UnixSeconds,
    pub(super) previous: Option<UnixSeconds>,
    pub(super) cut_short: bool,
    pub(super) after_gap: bool,
    pub(super) records: &'a [u8],
}

impl Cycle<'_> {
    /// What the rest of the daemon sees of it.
    pub(super) const fn header(&self) -> CycleHeader {
        CycleHeader {
            started: self.started,
            ended: self.ended,
            previous: self.previous,
            cut_short: self.cut_short,
            after_gap: self.after_gap,
        }
    }

    /// Its id, given the day it belongs to.
    pub(super) fn id(&self, day: UtcDay) -> u64 {
        SegmentId {
            day,
            number: self.number,
        }
        .cycle_id()
    }

    /// How many sightings it has.
    pub(super) fn sightings(&self) -> usize {
        self.records.len() / RECORD_LEN
    }

    /// Its encoded records one by one.
    pub(super) fn encoded_records(&self) -> impl Iterator<Item = &[u8; RECORD_LEN]> {
        self.records.as_chunks().0.iter()
    }
}

/// What one record says.
pub(super) fn decode_record(record: &[u8; RECORD_LEN]) -> CycleSighting {
    let (time, rest) = record.split_at(4);
    let (rpi, rest) = rest.split_at(KEY_LEN);
    let (aem, rssi) = rest.split_at(AEM_LEN);
    CycleSighting {
        time: UnixSeconds::new(u32::from_le_bytes(array(time))),
        rpi: Rpi::from_bytes(array(rpi)),
        aem: Aem::from_bytes(array(aem)),
        rssi: i8::from_le_bytes(array(rssi)),
    }
}

/// When the sighting of one record was heard.
pub(super) fn record_time(record: &[u8; RECORD_LEN]) -> UnixSeconds {
    UnixSeconds::new(u32::from_le_bytes(array(&record[..4])))
}

fn encode_record(sighting: &CycleSighting) -> [u8; RECORD_LEN] {
    let mut record = [0; RECORD_LEN];
    let (time, rest) = record.split_at_mut(4);
    let (rpi, rest) = rest.split_at_mut(KEY_LEN);
    let (aem, rssi) = rest.split_at_mut(AEM_LEN);
    time.copy_from_slice(&sighting.time.get().to_le_bytes());
    rpi.copy_from_slice(sighting.rpi.as_bytes());
    aem.copy_from_slice(sighting.aem.as_bytes());
    rssi.copy_from_slice(&sighting.rssi.to_le_bytes());
    record
}

struct Header {
    number: u32,
    started: UnixSeconds,
    ended: UnixSeconds,
    previous: Option<UnixSeconds>,
    cut_short: bool,
    after_gap: bool,
    sightings: u32,
}

impl Header {
    fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEADER_LEN] = bytes.try_into().ok()?;
        let word = |at: usize| u32::from_le_bytes(array(&bytes[at..at + 4]));
        let flags = bytes[16];
        Some(Self {
            number: word(0),
            started: UnixSeconds::new(word(4)),
            ended: UnixSeconds::new(word(8)),
            previous: (flags & FLAG_PREVIOUS != 0).then(|| UnixSeconds::new(word(12))),
            cut_short: flags & FLAG_CUT_SHORT != 0,
            after_gap: flags & FLAG_AFTER_GAP != 0,
            sightings: word(17),
        })
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes
        .try_into()
        .expect("fields are cut to their fixed length")
}

/// The length that `length` bytes are padded to.
///
/// The length of a sealed segment tells anyone who gets hold of the file, without
/// a key, how many devices were near at which time of the day: when one was alone,
/// and when in a crowd. Up to [`SHORTEST`], all cycles look the same. Above it,
/// lengths are rounded up such that only the size of the crowd in steps of at most
/// an eighth shows (Padmé: Nikitin et al., PURBs, PETS 2019), which costs 12 % at
/// the worst and far less in compacted segments.
pub(super) fn padded_len(length: usize) -> usize {
    if length <= SHORTEST {
        return SHORTEST;
    }
    // Keep as many leading bits of the length as its exponent has bits, and round
    // the rest up.
    let exponent = length.ilog2();
    let kept = exponent.ilog2() + 1;
    let step = 1_usize << (exponent - kept);
    length.next_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sighting(seed: u8) -> CycleSighting {
        CycleSighting {
            time: UnixSeconds::new(1_600_000_000 + u32::from(seed)),
            rpi: Rpi::from_bytes([seed; 16]),
            aem: Aem::from_bytes([!seed; 4]),
            rssi: i8::from_le_bytes([seed]),
        }
    }

    fn cycle(sightings: u8) -> ScanCycle {
        ScanCycle {
            started: UnixSeconds::new(1_600_000_000),
            ended: UnixSeconds::new(1_600_000_004),
            previous: Some(UnixSeconds::new(0)),
            cut_short: true,
            after_gap: true,
            sightings: (0..sightings).map(sighting).collect(),
        }
    }

    #[test]
    fn a_cycle_comes_back_as_it_went_in() {
        let cycle = cycle(200);
        let plaintext = Builder::of_cycle(17, &cycle).unwrap().finish();
        let day = UtcDay::new(18_518);
        let segment = Segment::parse(day, &plaintext).unwrap();
        assert_eq!(segment.first(), 17);
        let cycles: Vec<_> = segment.cycles().collect();
        let [read] = cycles.as_slice() else {
            panic!("one cycle");
        };
        let header = read.header();
        assert_eq!(read.id(day), (18_518 << 24) | 17);
        assert_eq!(header.started, cycle.started);
        assert_eq!(header.ended, cycle.ended);
        assert_eq!(header.previous, cycle.previous);
        assert!(header.cut_short && header.after_gap);
        let sightings: Vec<_> = read.encoded_records().map(decode_record).collect();
        assert_eq!(sightings, cycle.sightings);
    }

    #[test]
    fn quiet_and_busy_cycles_have_one_length() {
        let lengths = [0, 1, 37].map(|n| Builder::of_cycle(0, &cycle(n)).unwrap().finish().len());
        assert_eq!(lengths, [SHORTEST; 3]);
        assert!(Builder::of_cycle(0, &cycle(38)).unwrap().finish().len() > SHORTEST);
    }

    #[test]
    fn padding_is_bounded_and_leaves_few_lengths() {
        let mut lengths = std::collections::BTreeSet::new();
        for length in 0..100_000 {
            let padded = padded_len(length);
            assert!(padded >= length);
            assert!(padded <= SHORTEST.max(length + length / 8), "{length}");
            lengths.insert(padded);
        }
        assert!(lengths.len() < 128, "{}", lengths.len());
    }

    #[test]
    fn ids_keep_their_order() {
        let ids = [
            SegmentId::first(UtcDay::new(18_000)),
            SegmentId {
                day: UtcDay::new(18_000),
                number: 1,
            },
            SegmentId::last(UtcDay::new(18_000)),
            SegmentId::first(UtcDay::new(18_001)),
            SegmentId::last(UtcDay::new(u32::MAX / 86_400)),
        ];
        assert!(ids.is_sorted_by_key(|id| id.row()));
        for id in ids {
            assert_eq!(SegmentId::from_row(id.row()), Some(id));
        }
        assert_eq!(SegmentId::from_row(-1), None);
        assert_eq!(SegmentId::last(UtcDay::new(1)).next(), None);
    }

    proptest! {
        #[test]
        fn parsing_never_panics(
            prefix in prop::collection::vec(any::<u8>(), 0..200),
            cycles in 0_u32..8,
        ) {
            let _ = Segment::parse(UtcDay::new(0), &prefix);
            let mut likely = vec![VERSION, 0, 0, 0, 0];
            likely.extend_from_slice(&cycles.to_le_bytes());
            likely.extend_from_slice(&prefix);
            if let Some(segment) = Segment::parse(UtcDay::new(0), &likely) {
                let sightings: usize = segment.cycles().map(|cycle| cycle.sightings()).sum();
                prop_assert_eq!(sightings, segment.sightings());
            }
        }
    }
}
