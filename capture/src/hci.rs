//! Advertising reports in HCI events (Bluetooth Core 5.x, Vol 4, Part E, 7.7.65).

use std::collections::VecDeque;
use std::fmt;

use crate::btsnoop::{PacketKind, Record};

const LE_META_EVENT: u8 = 0x3e;
const ADVERTISING_REPORT: u8 = 0x02;
const EXTENDED_ADVERTISING_REPORT: u8 = 0x0d;
const RSSI_UNAVAILABLE: i8 = 127;
/// The most advertising data one advertiser can send (7.8.57).
const LONGEST_DATA: usize = 1650;
/// How many advertisers' data may be incomplete at a time. Controllers assemble
/// one or two; more than this only comes from damaged or made-up logs.
const MOST_PENDING: usize = 32;

/// One advertising report: what one advertiser sent, as it was heard.
#[derive(Clone, PartialEq, Eq)]
pub struct Report {
    /// When it was heard, in microseconds since 1970 by the log's own clock.
    pub time_us: i64,
    /// The advertiser's address.
    pub address: Address,
    /// Received signal strength in dBm; `None` when the controller did not know.
    pub rssi: Option<i8>,
    /// Its AD structures.
    pub data: Vec<u8>,
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("time_us", &self.time_us)
            .field("rssi", &self.rssi)
            .field("data_len", &self.data.len())
            .finish_non_exhaustive()
    }
}

/// A device address with its type: the same six bytes of another type are
/// another device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The address type as the controller reports it: 0 public, 1 random, 2 and 3
    /// the same resolved to an identity, 255 anonymous.
    pub kind: u8,
    /// The address as it is written, most significant byte first.
    pub bytes: [u8; 6],
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

/// What became of the events that were looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportCounts {
    /// Reports handed out.
    pub reports: u64,
    /// Advertising events that ended before the reports they announced.
    pub malformed: u64,
    /// Fragmented adverts that the controller cut short, or that were given up
    /// for being too long or too many. What did arrive of the first two was
    /// handed out.
    pub incomplete: u64,
}

/// Turns HCI events into advertising reports, joining the fragments in which
/// controllers report long extended adverts.
#[derive(Debug, Default)]
pub struct Reassembler {
    /// Adverts with more to come, oldest first.
    pending: VecDeque<Partial>,
    counts: ReportCounts,
}

impl Reassembler {
    /// With nothing pending.
    pub fn new() -> Self {
        Self::default()
    }

    /// Hands each report that `record` completes to `each`, in order.
    pub fn feed(&mut self, record: &Record<'_>, mut each: impl FnMut(Report)) {
        if record.kind != PacketKind::Event {
            return;
        }
        let [LE_META_EVENT, _, parameters @ ..] = record.payload else {
            return;
        };
        let [subevent, reports, parameters @ ..] = parameters else {
            return;
        };
        let complete = match *subevent {
            ADVERTISING_REPORT => self.legacy(record, *reports, Fields(parameters), &mut each),
            EXTENDED_ADVERTISING_REPORT => {
                self.extended(record, *reports, Fields(parameters), &mut each)
            }
            _ => Some(()),
        };
        if complete.is_none() {
            self.counts.malformed += 1;
        }
    }

    /// What became of the events fed so far. Adverts of which the end has not
    /// come yet are not counted.
    pub const fn counts(&self) -> ReportCounts {
        self.counts
    }

    /// `None` when the event ends too early.
    fn legacy(
        &mut self,
        record: &Record<'_>,
        reports: u8,
        mut fields: Fields<'_>,
        each: &mut impl FnMut(Report),
    ) -> Option<()> {
        // The specification lists the fields as arrays, one per field, but every
        // controller sends report after report, and every host reads them so.
        for _ in 0..reports {
            let _event_type = fields.u8()?;
            let address = fields.address()?;
            let data_len = fields.u8()?;
            let data = fields.bytes(usize::from(data_len))?;
            let rssi = fields.rssi()?;
            self.counts.reports += 1;
            each(Report {
                time_us: record.time_us,
                address,
                rssi,
                data: data.to_vec(),
            });
        }
        Some(())
    }

    /// `None` when the event ends too early.
    fn extended(
        &mut self,
        record: &Record<'_>,
        reports: u8,
        mut fields: Fields<'_>,
        each: &mut impl FnMut(Report),
    ) -> Option<()> {
        for _ in 0..reports {
            let event_type = u16::from_le_bytes(fields.take()?);
            let address = fields.address()?;
            let [_primary_phy, _secondary_phy, advertising_sid, _tx_power] = fields.take()?;
            let rssi = fields.rssi()?;
            let [_periodic_interval @ .., _, _, _, _, _, _, _] = fields.take::<9>()?;
            let data_len = fields.u8()?;
            let data = fields.bytes(usize::from(data_len))?;
            let advertiser = Advertiser {
                adapter: record.adapter,
                address,
                advertising_sid,
            };
            let mut advert = self.take_pending(advertiser);
            advert.append(data);
            match DataStatus::of(event_type) {
                DataStatus::MoreToCome => {
                    self.hold(advert);
                    continue;
                }
                DataStatus::CutShort => advert.cut_short = true,
                DataStatus::Complete => {}
            }
            if advert.cut_short {
                self.counts.incomplete += 1;
            }
            self.counts.reports += 1;
            each(Report {
                time_us: record.time_us,
                address,
                rssi,
                data: advert.data,
            });
        }
        Some(())
    }

    /// What is pending from `advertiser`, or an empty beginning.
    fn take_pending(&mut self, advertiser: Advertiser) -> Partial {
        self.pending
            .iter()
            .position(|partial| partial.advertiser == advertiser)
            .and_then(|index| self.pending.remove(index))
            .unwrap_or(Partial {
                advertiser,
                data: Vec::new(),
                cut_short: false,
            })
    }

    fn hold(&mut self, partial: Partial) {
        if self.pending.len() == MOST_PENDING {
            self.pending.pop_front();
            self.counts.incomplete += 1;
        }
        self.pending.push_back(partial);
    }
}

/// Whose fragments belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Advertiser {
    adapter: u16,
    address: Address,
    advertising_sid: u8,
}

/// An advert as far as it has arrived.
struct Partial {
    advertiser: Advertiser,
    data: Vec<u8>,
    /// Whether something is missing at its end.
    cut_short: bool,
}

impl Partial {
    /// Appends the next fragment. From the first that would make the advert
    /// longer than one can be, none is taken any more.
    fn append(&mut self, fragment: &[u8]) {
        if self.data.len() + fragment.len() > LONGEST_DATA {
            self.cut_short = true;
        }
        if !self.cut_short {
            self.data.extend_from_slice(fragment);
        }
    }
}

impl fmt::Debug for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partial")
            .field("data_len", &self.data.len())
            .field("cut_short", &self.cut_short)
            .finish_non_exhaustive()
    }
}

/// The data status in an extended report's event type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DataStatus {
    Complete,
    MoreToCome,
    CutShort,
}

impl DataStatus {
    const fn of(event_type: u16) -> Self {
        match (event_type >> 5) & 0b11 {
            0b01 => Self::MoreToCome,
            0b10 => Self::CutShort,
            // 0b11 is reserved: better taken as it is than lost.
            _ => Self::Complete,
        }
    }
}

/// Little-endian fields, taken from the front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (field, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(field)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take().map(u8::from_le_bytes)
    }

    fn rssi(&mut self) -> Option<Option<i8>> {
        let rssi = self.take().map(i8::from_le_bytes)?;
        Some((rssi != RSSI_UNAVAILABLE).then_some(rssi))
    }

    fn address(&mut self) -> Option<Address> {
        let kind = self.u8()?;
        let mut bytes: [u8; 6] = self.take()?;
        bytes.reverse();
        Some(Address { kind, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(subevent: u8, reports: &[Vec<u8>]) -> Vec<u8> {
        let body = reports.concat();
        let mut bytes = vec![LE_META_EVENT, u8::try_from(body.len() + 2).unwrap()];
        bytes.extend([subevent, u8::try_from(reports.len()).unwrap()]);
        bytes.extend(body);
        bytes
    }

    fn legacy(last_byte: u8, rssi: i8, data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![3, 1, last_byte, 2, 3, 4, 5, 6];
        bytes.push(u8::try_from(data.len()).unwrap());
        bytes.extend(data);
        bytes.extend(rssi.to_le_bytes());
        bytes
    }

    fn extended(status: u16, last_byte: u8, sid: u8, data: &[u8]) -> Vec<u8> {
        let mut bytes = (status << 5).to_le_bytes().to_vec();
        bytes.extend([1, last_byte, 2, 3, 4, 5, 6, 1, 0, sid, 127]);
        bytes.extend((-60_i8).to_le_bytes());
        bytes.extend([0; 9]);
        bytes.push(u8::try_from(data.len()).unwrap());
        bytes.extend(data);
        bytes
    }

    fn feed(reassembler: &mut Reassembler, payload: &[u8]) -> Vec<Report> {
        let mut reports = Vec::new();
        let record = Record {
            time_us: 7,
            adapter: 0,
            kind: PacketKind::Event,
            payload,
        };
        reassembler.feed(&record, |report| reports.push(report));
        reports
    }

    fn data(reports: &[Report]) -> Vec<&[u8]> {
        reports.iter().map(|report| &report.data[..]).collect()
    }

    const COMPLETE: u16 = 0;
    const MORE: u16 = 1;
    const CUT: u16 = 2;

    #[test]
    fn reads_every_report_of_a_legacy_event() {
        let mut reassembler = Reassembler::new();
        let reports = feed(
            &mut reassembler,
            &event(
                ADVERTISING_REPORT,
                &[legacy(1, -40, b"ab"), legacy(9, 127, b"")],
            ),
        );
        assert!(
            reports[0]
                == Report {
                    time_us: 7,
                    address: Address {
                        kind: 1,
                        bytes: [6, 5, 4, 3, 2, 1]
                    },
                    rssi: Some(-40),
                    data: b"ab".to_vec(),
                }
        );
        assert_eq!(reports[1].address.bytes[5], 9);
        assert_eq!(reports[1].rssi, None);
        assert_eq!(reports.len(), 2);
    }

    #[test]
    fn reads_every_report_of_an_extended_event() {
        let mut reassembler = Reassembler::new();
        let reports = feed(
            &mut reassembler,
            &event(
                EXTENDED_ADVERTISING_REPORT,
                &[
                    extended(COMPLETE, 1, 0, b"abc"),
                    extended(COMPLETE, 2, 0, b"d"),
                ],
            ),
        );
        assert_eq!(data(&reports), [&b"abc"[..], b"d"]);
        assert_eq!(reports[0].rssi, Some(-60));
        assert_eq!(reports[0].address.bytes, [6, 5, 4, 3, 2, 1]);
    }

    #[test]
    fn joins_fragments_of_one_advertiser_and_set() {
        let mut reassembler = Reassembler::new();
        let one = |report| event(EXTENDED_ADVERTISING_REPORT, &[report]);
        assert!(feed(&mut reassembler, &one(extended(MORE, 1, 0, b"ab"))).is_empty());
        assert!(feed(&mut reassembler, &one(extended(MORE, 1, 1, b"other set"))).is_empty());
        let between = feed(
            &mut reassembler,
            &one(extended(COMPLETE, 2, 0, b"other device")),
        );
        assert_eq!(data(&between), [b"other device"]);
        assert!(feed(&mut reassembler, &one(extended(MORE, 1, 0, b"cd"))).is_empty());
        let joined = feed(&mut reassembler, &one(extended(COMPLETE, 1, 0, b"e")));
        assert_eq!(data(&joined), [b"abcde"]);
        let next = feed(&mut reassembler, &one(extended(COMPLETE, 1, 0, b"new")));
        assert_eq!(data(&next), [b"new"]);
        assert_eq!(reassembler.counts().incomplete, 0);
    }

    #[test]
    fn an_advert_that_was_cut_short_is_handed_out_and_counted() {
        let mut reassembler = Reassembler::new();
        feed(
            &mut reassembler,
            &event(EXTENDED_ADVERTISING_REPORT, &[extended(MORE, 1, 0, b"ab")]),
        );
        let cut = feed(
            &mut reassembler,
            &event(EXTENDED_ADVERTISING_REPORT, &[extended(CUT, 1, 0, b"c")]),
        );
        assert_eq!(data(&cut), [b"abc"]);
        assert_eq!(
            reassembler.counts(),
            ReportCounts {
                reports: 1,
                malformed: 0,
                incomplete: 1
            }
        );
    }

    #[test]
    fn endless_fragments_do_not_grow() {
        let mut reassembler = Reassembler::new();
        for _ in 0..1000 {
            feed(
                &mut reassembler,
                &event(
                    EXTENDED_ADVERTISING_REPORT,
                    &[extended(MORE, 1, 0, &[0; 200])],
                ),
            );
        }
        let end = feed(
            &mut reassembler,
            &event(
                EXTENDED_ADVERTISING_REPORT,
                &[extended(COMPLETE, 1, 0, b"")],
            ),
        );
        assert!(end[0].data.len() <= LONGEST_DATA);
        for advertiser in 0..=255 {
            feed(
                &mut reassembler,
                &event(
                    EXTENDED_ADVERTISING_REPORT,
                    &[extended(MORE, advertiser, 0, b"x")],
                ),
            );
        }
        assert_eq!(reassembler.pending.len(), MOST_PENDING);
        assert_eq!(reassembler.counts().incomplete, 1 + 256 - 32);
    }

    #[test]
    fn an_event_cut_anywhere_yields_the_reports_before_the_cut() {
        for (subevent, report) in [
            (ADVERTISING_REPORT, legacy(1, -40, b"abc")),
            (
                EXTENDED_ADVERTISING_REPORT,
                extended(COMPLETE, 1, 0, b"abc"),
            ),
        ] {
            let whole = event(subevent, &[report.clone(), report.clone()]);
            for cut in 4..whole.len() {
                let mut reassembler = Reassembler::new();
                let reports = feed(&mut reassembler, &whole[..cut]);
                assert_eq!(reports.len(), (cut - 4) / report.len());
                assert_eq!(reassembler.counts().malformed, 1);
            }
        }
    }
}
