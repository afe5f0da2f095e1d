//! No input, however made, makes the parsers panic, loop, or yield more than
//! the input is long.

use capture::btsnoop::{PacketKind, Record, Records};
use capture::hci::Reassembler;
use proptest::prelude::*;

fn log(datalink: u32, body: &[u8]) -> Vec<u8> {
    let mut log = b"btsnoop\0\0\0\0\x01".to_vec();
    log.extend(datalink.to_be_bytes());
    log.extend(body);
    log
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        if let Ok(mut records) = Records::new(&bytes[..]) {
            let mut count = 0;
            while records.read_next().is_some() {
                count += 1;
            }
            prop_assert!(count <= bytes.len());
        }
    }

    #[test]
    fn any_body_yields_no_more_than_it_holds(
        datalink in prop_oneof![Just(1001_u32), Just(1002), Just(2001)],
        body in proptest::collection::vec(prop_oneof![3 => Just(0_u8), 1 => any::<u8>()], 0..512),
    ) {
        let log = log(datalink, &body);
        let mut records = Records::new(&log[..]).expect("the header is good");
        let (mut held, mut failed) = (0, false);
        while let Some(record) = records.read_next() {
            prop_assert!(!failed, "something comes after an error");
            match record {
                Ok(record) => held += record.payload.len() + 24,
                Err(_) => failed = true,
            }
        }
        prop_assert!(held <= body.len());
    }

    #[test]
    fn any_event_yields_no_more_than_it_holds(
        subevent in prop_oneof![Just(0x02_u8), Just(0x0d), any::<u8>()],
        bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..8),
    ) {
        let mut reassembler = Reassembler::new();
        let (mut fed, mut got) = (0, 0);
        for body in &bodies {
            let payload = [&[0x3e, 0, subevent], &body[..]].concat();
            fed += payload.len();
            let record = Record { time_us: 0, adapter: 0, kind: PacketKind::Event, payload: &payload };
            reassembler.feed(&record, |report| got += report.data.len());
        }
        prop_assert!(got <= fed);
    }
}
