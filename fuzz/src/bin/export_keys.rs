//! Keys of an export: ours are read by hand where they are written as usual. Here prost
//! reads all of them, too, and must find the same.
#![no_main]

use gaen::diagnosis::ReportType;
use gaen::export::{ExportError, HEADER, KeyError, Unverified, write_bin};
use libfuzzer_sys::fuzz_target;
use prost::Message;

/// An export's keys alone.
#[derive(Clone, PartialEq, Message)]
struct Keys {
    #[prost(message, repeated, tag = "7")]
    keys: Vec<Key>,
}

#[derive(Clone, PartialEq, Message)]
struct Key {
    #[prost(bytes = "vec", tag = "1")]
    data: Vec<u8>,
    #[prost(int32, tag = "2")]
    transmission_risk_level: i32,
    #[prost(int32, optional, tag = "3")]
    rolling_start: Option<i32>,
    #[prost(int32, optional, tag = "4")]
    rolling_period: Option<i32>,
    #[prost(int32, tag = "5")]
    report_type: i32,
    #[prost(sint32, optional, tag = "6")]
    days_since_onset: Option<i32>,
}

/// The start and end of an export, which are not what this is about.
const PERIOD: &[u8] = b"\x09\0\0\0\0\0\0\0\0\x11\0\0\0\0\0\0\0\0";

fuzz_target!(
    init: {
        let bin = write_bin(&fuzz::export()).expect("an export");
        let message = bin.strip_prefix(&HEADER).expect("a header");
        assert_eq!(Keys::decode(message).expect("keys").keys.len(), 2);
        fuzz::plant("export_keys", Keys::decode(message).expect("keys").keys.iter().map(Message::encode_to_vec));
    },
    |data: &[u8]| {
        // One key, of any fields.
        let mut bin = [&HEADER, PERIOD].concat();
        prost::encoding::bytes::encode(7, &data.to_vec(), &mut bin);
        let ours = Unverified::from_bin(bin).without_verification();
        match (Key::decode(data), ours) {
            (Err(_), Err(ExportError::Message(_))) => {}
            (Ok(key), Ok(export)) => {
                let [read] = &export.keys[..] else {
                    panic!("one key")
                };
                assert_eq!(read.tek.expose_bytes(), &key.data[..]);
                assert_eq!(i64::from(read.rolling_start.get()), i64::from(key.rolling_start.unwrap_or(-1)));
                assert_eq!(i64::from(read.rolling_period.get()), i64::from(key.rolling_period.unwrap_or(144)));
                assert_eq!(read.transmission_risk_level, key.transmission_risk_level);
                assert_eq!(read.report_type, ReportType::from_number(key.report_type));
                assert_eq!(read.days_since_onset, key.days_since_onset);
            }
            (Ok(key), Err(ExportError::Key { source, .. })) => match source {
                KeyError::Length(length) => assert!(length == key.data.len() && length != 16),
                KeyError::RollingStart => assert!(!(0..=7_157_990).contains(&key.rolling_start.unwrap_or(-1))),
                KeyError::RollingPeriod(period) => {
                    assert!(key.rolling_period == Some(period) && !(1..=144).contains(&period));
                }
            },
            (prost, ours) => panic!("prost: {prost:?}, ours: {ours:?}"),
        }
    }
);
