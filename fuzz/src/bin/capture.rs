//! Bluetooth logs: btsnoop records, the HCI events in them, and the adverts in those.
#![no_main]

use capture::Adverts;
use gaen::advert::{Flags, encode, parse_service_data};
use libfuzzer_sys::fuzz_target;

/// The data links that are read.
const DATALINKS: [u32; 3] = [1001, 1002, 2001];

/// A log with `events`, HCI events without an indicator, over `datalink`.
fn log(datalink: u32, events: &[Vec<u8>]) -> Vec<u8> {
    let mut log = b"btsnoop\0\0\0\0\x01".to_vec();
    log.extend(datalink.to_be_bytes());
    for event in events {
        let packet = match datalink {
            1002 => [&[4], &event[..]].concat(),
            _ => event.clone(),
        };
        let length = u32::try_from(packet.len()).expect("short");
        // Received, and an event: as bits of the one link, as an opcode of the other.
        for field in [length, length, 3, 0] {
            log.extend(field.to_be_bytes());
        }
        log.extend(0x00e2_49e2_0680_a3c0_i64.to_be_bytes());
        log.extend(packet);
    }
    log
}

fn event(subevent: u8, report: &[u8]) -> Vec<u8> {
    let length = u8::try_from(report.len() + 2).expect("short");
    [&[0x3e, length, subevent, 1], report].concat()
}

/// What goes before the data in a legacy report, and in one with extended fields.
const LEGACY: [u8; 8] = [3, 1, 1, 2, 3, 4, 5, 6];
const ADDRESS: [u8; 11] = [1, 1, 2, 3, 4, 5, 6, 1, 0, 0, 127];

fn legacy(data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(data.len()).expect("short");
    event(0x02, &[&LEGACY[..], &[length], data, &[200]].concat())
}

fn extended(more: bool, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(data.len()).expect("short");
    let status = [u8::from(more) << 5, 0];
    let rest = [&[196, 0, 0, 0, 0, 0, 0, 0, 0, 0, length], data].concat();
    event(0x0d, &[&status[..], &ADDRESS, &rest].concat())
}

fuzz_target!(
    init: {
        let advert = parse_service_data(&[7; 20]).expect("service data");
        let mut logs = Vec::new();
        for flags in [Flags::Present, Flags::Absent] {
            let data = encode(&advert, flags);
            let (front, back) = data.split_at(9);
            for events in [
                vec![legacy(&data)],
                vec![extended(false, &data)],
                vec![extended(true, front), legacy(&data), extended(false, back)],
            ] {
                logs.extend(DATALINKS.map(|datalink| log(datalink, &events)));
            }
        }
        for log in &logs {
            assert!(Adverts::new(&log[..]).expect("a log").count() > 0, "it reaches inside");
        }
        fuzz::plant("capture", logs);
    },
    |data: &[u8]| {
        let Ok(mut adverts) = Adverts::new(data) else {
            return;
        };
        let found = adverts.by_ref().count();
        let counts = adverts.counts();
        assert!(u64::try_from(found).expect("few") <= counts.reports);
        assert!(adverts.next().is_none(), "it stays at its end");
    }
);
