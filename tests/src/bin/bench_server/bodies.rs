//! What is sent.

use std::time::{SystemTime, UNIX_EPOCH};

use gaen::registration::{Diagnosis, DiagnosisKeyEntry, IdempotencyKey};
use gaen::time::{UnixSeconds, UtcDay};
use rand_chacha::ChaCha8Rng;
use rand_core::Rng;

/// The length of what a device sends, with its padding (`sync/registration.rs`).
const DEVICE_BODY_LEN: usize = 4_096;
/// Days with a key in a registration. A key is taken for 14 days, and exported two
/// hours after its end: those of these days always are both.
const DAYS_BACK: std::ops::RangeInclusive<u32> = 2..=14;
/// How many keys a device registers.
pub(crate) const KEYS_A_DEVICE: u32 = 13;
/// How many keys of a day the server takes in one registration at most, by its settings.
const MOST_A_DAY: u32 = 30;
/// How many keys a registration has that fills the database.
pub(crate) const KEYS_TO_FILL: u32 = 13 * MOST_A_DAY;

/// To whom numbers are sent.
pub(crate) fn recipients(count: u32) -> Vec<String> {
    (0..count)
        .map(|number| format!(r#"{{"mail":"person{number}@mail.example","language":"ja"}}"#))
        .collect()
}

/// Registrations as devices send them, one for each number.
pub(crate) fn registrations(numbers: &[String], rng: &mut ChaCha8Rng) -> Vec<String> {
    let registration = |number: &String| {
        let mut diagnosis = diagnosis(number, 1, rng);
        diagnosis.padding = "x".repeat(DEVICE_BODY_LEN - json(&diagnosis).len());
        json(&diagnosis)
    };
    numbers.iter().map(registration).collect()
}

/// Registrations with as many keys as the server can be told to take.
pub(crate) fn large_registrations(numbers: &[String], rng: &mut ChaCha8Rng) -> Vec<String> {
    let registration = |number: &String| json(&diagnosis(number, MOST_A_DAY, rng));
    numbers.iter().map(registration).collect()
}

fn json(diagnosis: &Diagnosis) -> String {
    serde_json::to_string(diagnosis).expect("text and numbers can be written")
}

/// A registration with `each` keys of each day, all of them infectious.
fn diagnosis(number: &str, each: u32, rng: &mut ChaCha8Rng) -> Diagnosis {
    let today = now().utc_day();
    let key = |days_back: u32, rng: &mut ChaCha8Rng| DiagnosisKeyEntry {
        key_data: random(rng).to_vec(),
        rolling_start_number: today
            .saturating_sub(days_back)
            .first_interval()
            .get()
            .into(),
        rolling_period: 144,
        report_type: 1,
    };
    let days = DAYS_BACK.flat_map(|day| (0..each).map(move |_| day));
    let onset: UtcDay = today.saturating_sub(11);
    Diagnosis {
        has_symptom: true,
        onset_of_symptom_or_test_date: Some(format!("{onset}T00:00:00Z")),
        keys: days.map(|day| key(day, rng)).collect(),
        regions: vec!["440".to_owned()],
        platform: "linux".to_owned(),
        device_verification_payload: String::new(),
        app_package_name: "org.sesshoku".to_owned(),
        verification_payload: number.to_owned(),
        idempotency_key: IdempotencyKey::new(&hex::encode(random(rng))),
        padding: String::new(),
    }
}

/// What `count` devices have heard in the last 14 days, one sighting each, as lines of
/// `sesshoku analyse match`.
pub(crate) fn sightings(count: u32, rng: &mut ChaCha8Rng) -> String {
    let first = now().get() - 14 * 86_400;
    let mut lines = String::new();
    for index in 0..count {
        let time = u64::from(first) + u64::from(index) * 14 * 86_400 / u64::from(count);
        let (rpi, aem) = (hex::encode(random(rng)), hex::encode(random(rng)));
        let aem = &aem[..8];
        lines += &format!("{{\"time\":{time},\"rpi\":\"{rpi}\",\"aem\":\"{aem}\",\"rssi\":-70}}\n");
    }
    lines
}

fn random(rng: &mut ChaCha8Rng) -> [u8; 16] {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    bytes
}

fn now() -> UnixSeconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since
        .ok()
        .and_then(|since| u32::try_from(since.as_secs()).ok());
    UnixSeconds::new(seconds.expect("the clock is right"))
}
