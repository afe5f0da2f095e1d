//! The Exposure Notification adverts of a log.

use std::collections::VecDeque;
use std::fmt;
use std::io::Read;

use gaen::advert::{self, ServiceData};

use crate::btsnoop::{LogError, RecordError, Records};
use crate::hci::{Address, Reassembler, ReportCounts};

/// One Exposure Notification advert as a log's writer heard it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advert {
    /// When it was heard, in microseconds since 1970 by the log's own clock.
    pub time_us: i64,
    /// The address it came from.
    pub address: Address,
    /// Received signal strength in dBm; `None` when the controller did not know.
    pub rssi: Option<i8>,
    /// Its identifier and metadata.
    pub service_data: ServiceData,
}

/// The Exposure Notification adverts of a log in the order they were heard, and
/// how far reading got.
///
/// The log is read as the iterator goes on, and never more than a record of it kept.
///
/// The iterator ends at the end of the log or at the first record that cannot be
/// read; [`Adverts::ended_early`] tells which.
pub struct Adverts<R> {
    log: Records<R>,
    reassembler: Reassembler,
    ready: VecDeque<Advert>,
    records: u64,
    ended_early: Option<RecordError>,
}

impl<R: Read> Adverts<R> {
    /// Reads the header of `log`.
    ///
    /// # Errors
    ///
    /// When it is not a btsnoop file this crate can read.
    pub fn new(log: R) -> Result<Self, LogError> {
        Ok(Self {
            log: Records::new(log)?,
            reassembler: Reassembler::new(),
            ready: VecDeque::new(),
            records: 0,
            ended_early: None,
        })
    }

    /// How many packets of any kind were read so far.
    pub const fn packets(&self) -> u64 {
        self.records
    }

    /// What became of the advertising events read so far.
    pub const fn counts(&self) -> ReportCounts {
        self.reassembler.counts()
    }

    /// Why reading ended before the last byte; `None` while it goes on and after
    /// a log that was whole.
    pub const fn ended_early(&self) -> Option<RecordError> {
        self.ended_early
    }
}

impl<R> fmt::Debug for Adverts<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adverts")
            .field("records", &self.records)
            .field("ended_early", &self.ended_early)
            .finish_non_exhaustive()
    }
}

impl<R: Read> Iterator for Adverts<R> {
    type Item = Advert;

    fn next(&mut self) -> Option<Advert> {
        loop {
            if let Some(advert) = self.ready.pop_front() {
                return Some(advert);
            }
            let record = match self.log.read_next()? {
                Ok(record) => record,
                Err(error) => {
                    self.ended_early = Some(error);
                    return None;
                }
            };
            self.records += 1;
            let ready = &mut self.ready;
            self.reassembler.feed(&record, |report| {
                if let Some(service_data) = advert::parse(&report.data) {
                    ready.push_back(Advert {
                        time_us: report.time_us,
                        address: report.address,
                        rssi: report.rssi,
                        service_data,
                    });
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use gaen::advert::{Flags, encode, parse_service_data};

    use super::*;

    /// A legacy advertising report of `data` from an address that ends in `last`,
    /// as an H4 record.
    fn record(last: u8, data: &[u8]) -> Vec<u8> {
        let mut packet = vec![4, 0x3e, 0, 2, 1, 3, 1, last, 2, 3, 4, 5, 6];
        packet.push(u8::try_from(data.len()).unwrap());
        packet.extend(data);
        packet.push(200);
        let len = u32::try_from(packet.len()).unwrap().to_be_bytes();
        let mut record = [&len[..], &len, &[0; 8]].concat();
        record.extend(62_168_256_000_000_042_i64.to_be_bytes());
        record.extend(packet);
        record
    }

    fn log(records: &[Vec<u8>]) -> Vec<u8> {
        let header = b"btsnoop\0\0\0\0\x01\0\0\x03\xea".to_vec();
        [header, records.concat()].concat()
    }

    fn service_data(byte: u8) -> ServiceData {
        parse_service_data(&[byte; 20]).unwrap()
    }

    #[test]
    fn finds_the_adverts_of_both_kinds_of_phones_among_others() {
        let log = log(&[
            record(1, &encode(&service_data(1), Flags::Present)),
            record(2, &[2, 1, 0x1a]),
            record(3, &encode(&service_data(3), Flags::Absent)),
        ]);
        let adverts = Adverts::new(&log[..]).unwrap();
        let expected = [1, 3].map(|byte| Advert {
            time_us: 42,
            address: Address {
                kind: 1,
                bytes: [6, 5, 4, 3, 2, byte],
            },
            rssi: Some(-56),
            service_data: service_data(byte),
        });
        assert!(adverts.eq(expected));
    }

    #[test]
    fn a_log_that_breaks_off_yields_what_comes_before() {
        let one = record(1, &encode(&service_data(1), Flags::Absent));
        let whole = log(&[one.clone(), one]);
        let mut adverts = Adverts::new(&whole[..whole.len() - 1]).unwrap();
        assert_eq!(adverts.by_ref().count(), 1);
        assert_eq!(adverts.packets(), 1);
        let ended = adverts.ended_early();
        assert!(matches!(ended, Some(RecordError::Truncated { .. })));
        assert_eq!(adverts.next(), None, "it stays at its end");

        let mut adverts = Adverts::new(&whole[..]).unwrap();
        assert_eq!(adverts.by_ref().count(), 2);
        assert_eq!(adverts.ended_early(), None);
        assert_eq!(adverts.counts().reports, 2);
    }
}
