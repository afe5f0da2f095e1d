//! The Exposure Notification advert, written and read (docs/protocol.md §2).
//!
//! An advert is a row of AD structures (Bluetooth Core Specification, volume 3,
//! part C, §11): a length byte, a type byte, data.

use crate::key::{AEM_LEN, Aem, KEY_LEN, Rpi};

/// The 16-bit UUID of the Exposure Notification service.
pub const SERVICE_UUID: u16 = 0xfd6f;
/// Length of the service data: an RPI and its AEM.
pub const SERVICE_DATA_LEN: usize = KEY_LEN + AEM_LEN;

const AD_FLAGS: u8 = 0x01;
const AD_COMPLETE_16_BIT_UUIDS: u8 = 0x03;
const AD_SERVICE_DATA_16_BIT: u8 = 0x16;
/// LE General Discoverable, with controller and host able to use LE and BR/EDR at
/// the same time: what iPhones send.
const FLAGS: u8 = 0x1a;

/// What an advert carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceData {
    /// The identifier.
    pub rpi: Rpi,
    /// The encrypted metadata.
    pub aem: Aem,
}

impl ServiceData {
    /// The service data's bytes, without the UUID: what BlueZ is handed.
    pub fn to_bytes(&self) -> [u8; SERVICE_DATA_LEN] {
        let mut bytes = [0; SERVICE_DATA_LEN];
        let (rpi, aem) = bytes.split_at_mut(KEY_LEN);
        rpi.copy_from_slice(self.rpi.as_bytes());
        aem.copy_from_slice(self.aem.as_bytes());
        bytes
    }
}

/// Whether an advert begins with the Flags structure. Receivers take both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flags {
    /// With Flags: 31 bytes, as iPhones send.
    Present,
    /// Without: 28 bytes, as Android phones send.
    Absent,
}

/// The AD structures of an advert carrying `data`.
pub fn encode(data: &ServiceData, flags: Flags) -> Vec<u8> {
    let [uuid_low, uuid_high] = SERVICE_UUID.to_le_bytes();
    let mut advert = Vec::with_capacity(31);
    if flags == Flags::Present {
        advert.extend_from_slice(&[2, AD_FLAGS, FLAGS]);
    }
    advert.extend_from_slice(&[3, AD_COMPLETE_16_BIT_UUIDS, uuid_low, uuid_high]);
    advert.extend_from_slice(&[0x17, AD_SERVICE_DATA_16_BIT, uuid_low, uuid_high]);
    advert.extend_from_slice(&data.to_bytes());
    advert
}

/// Finds the Exposure Notification service data in an advertising report's AD
/// structures, wherever it stands among them.
///
/// `None` when there is none, or when its length is not exactly 20 bytes. A
/// structure that reaches past the end ends the reading; a zero length is the
/// early termination the specification allows.
pub fn parse(ad_structures: &[u8]) -> Option<ServiceData> {
    AdStructures(ad_structures).find_map(|(kind, data)| {
        let (uuid, service_data) = data.split_first_chunk()?;
        (kind == AD_SERVICE_DATA_16_BIT && u16::from_le_bytes(*uuid) == SERVICE_UUID)
            .then(|| parse_service_data(service_data))
            .flatten()
    })
}

/// Reads service data that was already taken out of its AD structure and freed
/// of its UUID. `None` unless it is exactly 20 bytes.
pub fn parse_service_data(service_data: &[u8]) -> Option<ServiceData> {
    let (rpi, aem) = service_data.split_first_chunk()?;
    Some(ServiceData {
        rpi: Rpi::from_bytes(*rpi),
        aem: Aem::from_bytes(aem.try_into().ok()?),
    })
}

/// The type and data of each whole AD structure.
struct AdStructures<'a>(&'a [u8]);

impl<'a> Iterator for AdStructures<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&length, rest) = self.0.split_first()?;
        let (structure, rest) = rest.split_at_checked(length.into())?;
        let (&kind, data) = structure.split_first()?;
        self.0 = rest;
        Some((kind, data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An advert an iPhone with iOS 13.5 sent (secdev/scapy's test data).
    const IPHONE: &str = "02011a03036ffd17166ffde23f352fa09307a85d4194912443180d484dc151";

    fn service_data(hex_text: &str) -> ServiceData {
        parse_service_data(&hex::decode(hex_text).unwrap()).unwrap()
    }

    #[test]
    fn reads_and_writes_what_phones_send() {
        let raw = hex::decode(IPHONE).unwrap();
        let read = parse(&raw).unwrap();
        assert_eq!(
            hex::encode(read.rpi.as_bytes()),
            "e23f352fa09307a85d4194912443180d"
        );
        assert_eq!(hex::encode(read.aem.as_bytes()), "484dc151");
        assert_eq!(encode(&read, Flags::Present), raw);
        assert_eq!(raw.len(), 31);

        let android = encode(&read, Flags::Absent);
        assert_eq!(android, raw.split_at(3).1);
        assert_eq!(android.len(), 28);
        assert_eq!(parse(&android), Some(read));
        assert_eq!(
            service_data("17df1d67405e3395470e62ca4fda6a9303687b31")
                .to_bytes()
                .to_vec(),
            hex::decode("17df1d67405e3395470e62ca4fda6a9303687b31").unwrap()
        );
    }

    #[test]
    fn takes_any_order_and_ignores_what_is_not_ours() {
        let ours = "17166ffde23f352fa09307a85d4194912443180d484dc151";
        let expected = Some(service_data("e23f352fa09307a85d4194912443180d484dc151"));
        for (advert, result, why) in [
            (
                format!("{ours}03036ffd02011a"),
                expected,
                "service data first",
            ),
            (
                format!("020a0c{ours}"),
                expected,
                "after a transmit power structure",
            ),
            (ours.to_owned(), expected, "alone"),
            (
                format!("051600fe0102{ours}"),
                expected,
                "after another service's data",
            ),
            (
                format!("04166ffdff{ours}"),
                expected,
                "after a short one of ours",
            ),
            (
                format!("0116{ours}"),
                expected,
                "after service data without a UUID",
            ),
            (format!("{ours}1f"), expected, "before a cut structure"),
            (format!("00{ours}"), None, "after the early termination"),
            (format!("1f{ours}"), None, "inside a cut structure"),
            (ours.split_at(46).0.to_owned(), None, "one byte short"),
            (ours.replacen("17", "16", 1), None, "length one too small"),
            (format!("18{}00", ours.split_at(2).1), None, "21 bytes"),
            (ours.replacen("16", "21", 1), None, "another AD type"),
            (ours.replacen("6ffd", "6efd", 1), None, "another UUID"),
            (
                ours.replacen("6ffd", "fd6f", 1),
                None,
                "UUID in big-endian order",
            ),
            ("03036ffd".to_owned(), None, "the UUID list alone"),
            (String::new(), None, "nothing"),
        ] {
            assert_eq!(parse(&hex::decode(&advert).unwrap()), result, "{why}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
            let _ = parse_service_data(&bytes);
        }

        #[test]
        fn round_trips(rpi: [u8; 16], aem: [u8; 4], present: bool) {
            let data = ServiceData { rpi: Rpi::from_bytes(rpi), aem: Aem::from_bytes(aem) };
            let flags = if present { Flags::Present } else { Flags::Absent };
            prop_assert_eq!(parse(&encode(&data, flags)), Some(data));
        }
    }
}
