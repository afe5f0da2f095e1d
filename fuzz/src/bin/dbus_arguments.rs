//! What comes over D-Bus: to the daemon as arguments, to its clients as answers.
#![no_main]

use std::collections::HashMap;

use gaen::registration::ProcessingNumber;
use libfuzzer_sys::fuzz_target;
use serde::de::DeserializeOwned;
use sesshoku_dbus_api::RegistrationStatus;
use sesshoku_dbus_api::{CheckEntry, ContactDay, ExposureResult, Measurement, Notice};
use sesshokud::app::utc_day;
use zbus::wire::serialized::{Context, Data};
use zbus::wire::{LE, to_bytes};
use zbus::{OwnedVariant, Type};

/// A body of a message that begins at the front of it.
fn body<T: DeserializeOwned + Type>(bytes: &[u8]) -> Option<T> {
    let data = Data::new(bytes, Context::new(LE, 0));
    data.deserialize().ok().map(|(body, _)| body)
}

fn written<T: serde::Serialize + Type>(kind: u8, body: &T) -> Vec<u8> {
    let data = to_bytes(Context::new(LE, 0), body).expect("a body");
    [&[kind], data.bytes()].concat()
}

fuzz_target!(
    init: {
        let number = ("1", true, "2020-08-01", "12345678");
        let place = ("1", "2020-08-01", "2020-08-03", "12345678");
        let registration = RegistrationStatus::default();
        let course = HashMap::from([("seconds", zbus::Variant::from(5_u32))]);
        fuzz::plant("dbus_arguments", [
            written(0, &number),
            written(1, &place),
            written(2, &"1"),
            written(3, &5_u32),
            written(4, &registration),
            written(5, &course),
            written(6, &vec![course.clone()]),
        ]);
    },
    |data: &[u8]| {
        let Some((kind, data)) = data.split_first() else {
            return;
        };
        match kind % 10 {
            0 => {
                if let Some((_, _, date, number)) = body::<(String, bool, String, String)>(data) {
                    utc_day(&date);
                    ProcessingNumber::parse(&number);
                }
            }
            1 => {
                type Place = (String, String, String, String);
                if let Some((_, first, last, number)) = body::<Place>(data) {
                    utc_day(&first);
                    utc_day(&last);
                    ProcessingNumber::parse(&number);
                }
            }
            2 => drop(body::<String>(data)),
            3 => drop(body::<u32>(data)),
            4 => drop(body::<RegistrationStatus>(data)),
            5 => {
                if let Some(dict) = body::<HashMap<String, OwnedVariant>>(data) {
                    let notice = Notice::from_dict(dict);
                    notice.relevance("1");
                }
            }
            6 => drop(body::<Vec<ContactDay>>(data)),
            7 => drop(body::<Vec<CheckEntry>>(data)),
            8 => drop(body::<ExposureResult>(data)),
            _ => drop(body::<Measurement>(data)),
        }
    }
);
