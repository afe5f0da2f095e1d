//! The protobuf messages of an export (docs/protocol.md §6), by field number.

use prost::Message;

/// An export's fields, without keys and signature infos: those repeat, and are
/// read one by one so that memory stays bounded.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Header {
    #[prost(fixed64, optional, tag = "1")]
    pub(super) start_timestamp: Option<u64>,
    #[prost(fixed64, optional, tag = "2")]
    pub(super) end_timestamp: Option<u64>,
    #[prost(string, optional, tag = "3")]
    pub(super) region: Option<String>,
    #[prost(int32, optional, tag = "4")]
    pub(super) batch_num: Option<i32>,
    #[prost(int32, optional, tag = "5")]
    pub(super) batch_size: Option<i32>,
}

/// Field numbers of what [`Header`] leaves out.
pub(super) const SIGNATURE_INFOS: u32 = 6;
pub(super) const KEYS: u32 = 7;
pub(super) const REVISED_KEYS: u32 = 8;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SignatureInfo {
    /// Deprecated, but present in COCOA's files.
    #[prost(string, optional, tag = "1")]
    pub(crate) app_bundle_id: Option<String>,
    /// Deprecated, but present in COCOA's files.
    #[prost(string, optional, tag = "2")]
    pub(crate) android_package: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) verification_key_version: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(crate) verification_key_id: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub(crate) signature_algorithm: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Key {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(super) key_data: Option<Vec<u8>>,
    #[prost(int32, optional, tag = "2")]
    pub(super) transmission_risk_level: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    pub(super) rolling_start_interval_number: Option<i32>,
    #[prost(int32, optional, tag = "4")]
    pub(super) rolling_period: Option<i32>,
    #[prost(int32, optional, tag = "5")]
    pub(super) report_type: Option<i32>,
    #[prost(sint32, optional, tag = "6")]
    pub(super) days_since_onset_of_symptoms: Option<i32>,
}

impl Key {
    /// Its data, and its other fields, if `message` is a key as every known writer writes
    /// it: known fields only, in short forms. `None` says nothing about any other: that
    /// is for prost to read, which takes many times as long, or to refuse.
    pub(super) fn read_usual(mut message: &[u8]) -> Option<(&[u8], Self)> {
        let mut data = &[][..];
        let mut key = Self::default();
        while let Some((&field, rest)) = message.split_first() {
            let (value, rest) = short_varint(rest)?;
            message = rest;
            let number = Some(value.cast_signed());
            // The field's number, and in the last three bits how its value is written.
            match field {
                0o12 => (data, message) = rest.split_at_checked(usize::try_from(value).ok()?)?,
                0o20 => key.transmission_risk_level = number,
                0o30 => key.rolling_start_interval_number = number,
                0o40 => key.rolling_period = number,
                0o50 => key.report_type = number,
                0o60 => {
                    let sign = if value & 1 == 0 { 0 } else { u32::MAX };
                    key.days_since_onset_of_symptoms = Some((value >> 1 ^ sign).cast_signed());
                }
                _ => return None,
            }
        }
        Some((data, key))
    }
}

/// The varint that `bytes` begin with, and what is after it; `None` if it is longer
/// than four bytes.
fn short_varint(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0;
    for (place, &byte) in bytes.iter().enumerate().take(4) {
        value |= u32::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Some((value, bytes.get(place + 1..)?));
        }
    }
    None
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SignatureList {
    #[prost(message, repeated, tag = "1")]
    pub(crate) signatures: Vec<Signature>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Signature {
    #[prost(message, optional, tag = "1")]
    pub(crate) signature_info: Option<SignatureInfo>,
    #[prost(int32, optional, tag = "2")]
    pub(crate) batch_num: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    pub(crate) batch_size: Option<i32>,
    #[prost(bytes = "vec", optional, tag = "4")]
    pub(crate) signature: Option<Vec<u8>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bytes of which many are a key, or begin as one.
    fn any_message() -> impl Strategy<Value = Vec<u8>> {
        let field = prop_oneof![
            4 => (0..8_u8, prop::collection::vec(any::<u8>(), 0..20)).prop_map(|(number, data)| {
                let length = u8::try_from(data.len()).unwrap();
                [&[number << 3 | 2, length], &data[..]].concat()
            }),
            8 => (0..8_u8, any::<u64>(), 0..64_u32).prop_map(|(number, value, shift)| {
                let mut bytes = vec![number << 3];
                prost::encoding::encode_varint(value >> shift, &mut bytes);
                bytes
            }),
            // Lengths that are written too long, or of more than there is.
            1 => (0..3_u8, 0..2_u8, 0..4_usize).prop_map(|(number, more, zeros)| {
                let length = [&[0x90], &vec![0x80; zeros][..], &[16 * more]].concat();
                [&[number << 3 | 2], &length[..], &[7; 16]].concat()
            }),
            // Zeros that need not be there.
            1 => (0..8_u8, 0..10_usize).prop_map(|(number, zeros)| {
                [&[number << 3], &vec![0x80; zeros][..], &[0]].concat()
            }),
            1 => prop::collection::vec(any::<u8>(), 0..6),
        ];
        prop::collection::vec(field, 0..8).prop_map(|fields| fields.concat())
    }

    fn agrees_with_prost(message: &[u8]) -> bool {
        let Some((data, fields)) = Key::read_usual(message) else {
            return true;
        };
        let Ok(mut key) = Key::decode(message) else {
            return false;
        };
        key.key_data.take().unwrap_or_default() == data && key == fields
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn what_is_read_by_hand_is_what_prost_reads(message in any_message()) {
            prop_assert!(agrees_with_prost(&message));
        }
    }

    #[test]
    fn keys_as_they_are_written_are_read_by_hand() {
        for key in [
            Key::default(),
            Key {
                key_data: Some(vec![7; 16]),
                transmission_risk_level: Some(0),
                rolling_start_interval_number: Some(2_642_976),
                rolling_period: Some(144),
                report_type: Some(5),
                days_since_onset_of_symptoms: Some(-14),
            },
        ] {
            let message = key.encode_to_vec();
            assert!(Key::read_usual(&message).is_some());
            assert!(agrees_with_prost(&message));
        }
    }
}
