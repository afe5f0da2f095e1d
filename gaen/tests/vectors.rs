//! The key schedule against published vectors and what real phones sent.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use gaen::advert;
use gaen::key::{Aem, Rpi, Tek};
use gaen::metadata::Metadata;
use gaen::time::{Interval, UnixSeconds};

const GOOGLE: &str = include_str!("data/google-internals.txt");
const GOOGLE_TEK: &str = "75c734c6dd1a782de7a965da5eb93125";
const GOOGLE_RPIK: &str = "185ad91db69ec7dd048960f1f3ba6175";
const GOOGLE_AEMK: &str = "d57c46af7a1d83965b9bed8bd152936a";
const GOOGLE_START: Interval = Interval::new(2_642_976);
const GOOGLE_METADATA: Metadata = Metadata::v1_0(8);

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn tek(text: &str) -> Tek {
    Tek::from_bytes(bytes(text))
}

#[test]
fn all_144_identifiers_of_googles_key() {
    let tek = tek(GOOGLE_TEK);
    assert_eq!(hex::encode(tek.rpik().expose_bytes()), GOOGLE_RPIK);
    assert_eq!(hex::encode(tek.aemk().expose_bytes()), GOOGLE_AEMK);
    assert_eq!(UnixSeconds::new(1_585_785_600).interval(), GOOGLE_START);

    let lines: Vec<_> = GOOGLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert_eq!(lines.len(), 144);
    let intervals = (0..144).map(|offset| GOOGLE_START.saturating_add(offset));
    for (line, interval) in lines.into_iter().zip(intervals) {
        let (rpi_text, aem_text) = line.split_once(' ').unwrap();
        let rpi = tek.rpik().rpi(interval);
        assert_eq!(hex::encode(rpi.as_bytes()), rpi_text, "{interval:?}");

        let aem = tek.aemk().encrypt(&rpi, GOOGLE_METADATA.to_bytes());
        assert_eq!(hex::encode(aem.as_bytes()), aem_text, "{interval:?}");
        let decrypted = Metadata::from_bytes(tek.aemk().decrypt(&rpi, &aem));
        assert_eq!(decrypted, Some(GOOGLE_METADATA));
    }
}

#[test]
fn identifiers_captured_from_real_phones() {
    // Android 9 with GMS 20.18.17 on air (corona-warn-app/cwa-app-android issue 75),
    // and the example of mh-/exposure-notification-ble-python.
    for (tek_text, rpik, aemk, interval, rpi, aem, metadata, tx_power) in [
        (
            "2765f41dbaa6306a264391913bf48723",
            "34fbbd748ee78bb386d1bab2df7b4165",
            "e01962eba7d4b5f40226e91ef9f6c050",
            2_652_091,
            "31fc2cf219fe6dc6765d860e979ba9e5",
            "10413a43",
            "40f20000",
            -14,
        ),
        (
            "7921b817fdb92074df5345594273756f",
            "eae8956644770f952871daf549c0ce7e",
            "a1d0bd6f94b053cf622ca88194e20611",
            2_649_435,
            "5811408cf8d88d2b33f73773a7c6d45f",
            "a3e9517f",
            "400c0000",
            12,
        ),
    ] {
        let tek = tek(tek_text);
        assert_eq!(hex::encode(tek.rpik().expose_bytes()), rpik);
        assert_eq!(hex::encode(tek.aemk().expose_bytes()), aemk);
        let heard = Rpi::from_bytes(bytes(rpi));
        assert_eq!(tek.rpik().rpi(Interval::new(interval)), heard);
        let decrypted = tek.aemk().decrypt(&heard, &Aem::from_bytes(bytes(aem)));
        assert_eq!(hex::encode(decrypted), metadata);
        assert_eq!(Metadata::from_bytes(decrypted).unwrap().tx_power, tx_power);
    }
}

#[test]
fn every_shared_vector() {
    let Some(google) = common::shared("data/vectors/google-internals.json") else {
        return;
    };
    let google: serde_json::Value = serde_json::from_slice(&google).unwrap();
    let ours: Vec<_> = GOOGLE
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(rpi, _)| rpi.len() == 32)
        .collect();
    for (index, (rpi, aem)) in ours.into_iter().enumerate() {
        assert_eq!(google["rpi"][index], rpi);
        assert_eq!(google["aem"][index], aem);
    }
    assert_eq!(google["tek"], GOOGLE_TEK);

    let Some(real) = common::shared("data/vectors/real-devices.json") else {
        return;
    };
    let real: serde_json::Value = serde_json::from_slice(&real).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    for vector in real["vectors"].as_array().unwrap() {
        let tek = tek(&text(&vector["tek"]));
        let interval = u32::try_from(vector["enin"].as_u64().unwrap()).unwrap();
        let rpi = tek.rpik().rpi(Interval::new(interval));
        assert_eq!(hex::encode(rpi.as_bytes()), text(&vector["rpi"]));
        let aem = Aem::from_bytes(bytes(&text(&vector["aem"])));
        let metadata = tek.aemk().decrypt(&rpi, &aem);
        assert_eq!(hex::encode(metadata), text(&vector["metadata"]));
    }
    for advert in real["adverts"].as_array().unwrap() {
        let read = match advert["adv"].as_str() {
            Some(adv) => advert::parse(&hex::decode(adv).unwrap()).unwrap(),
            None => {
                let data = hex::decode(text(&advert["service_data"])).unwrap();
                advert::parse_service_data(&data).unwrap()
            }
        };
        if advert["rpi"].is_string() {
            assert_eq!(hex::encode(read.rpi.as_bytes()), text(&advert["rpi"]));
            assert_eq!(hex::encode(read.aem.as_bytes()), text(&advert["aem"]));
        }
    }
}
