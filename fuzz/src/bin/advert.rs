//! Adverts as they are heard.
#![no_main]

use gaen::advert::{Flags, encode, parse, parse_service_data};
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: {
        let advert = parse_service_data(&[7; 20]).expect("service data");
        let kinds = [Flags::Present, Flags::Absent].map(|flags| encode(&advert, flags));
        assert!(kinds.iter().all(|bytes| parse(bytes).is_some()));
        fuzz::plant("advert", kinds);
    },
    |data: &[u8]| {
        if let Some(found) = parse_service_data(data) {
            assert_eq!(found.to_bytes(), data, "nothing is lost");
        }
        if let Some(found) = parse(data) {
            for flags in [Flags::Present, Flags::Absent] {
                assert_eq!(parse(&encode(&found, flags)), Some(found));
            }
        }
    }
);
