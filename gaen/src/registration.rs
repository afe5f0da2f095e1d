//! Registering as positive: what a device sends to the notification server, and
//! which keys that concerns (docs/protocol.md §8).

use core::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::time::UtcDay;

/// Own keys, and dates of onset or test, are of use for this many days (docs/protocol.md §8).
pub const REGISTRABLE_DAYS: u32 = 14;

/// The body of `PUT /api/v3/diagnosis`, as COCOA's clients send it. Version 2 of the
/// interface has neither `hasSymptom` nor a date; clients leave out more, so most
/// has a default.
///
/// It holds a processing number and keys that are secret until they are published:
/// it has no `Debug`, and wipes both when dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// Whether there are symptoms, so that the date is their onset's, else the test's.
    #[serde(default)]
    pub has_symptom: bool,
    /// The date of onset or test, RFC 3339. Only the calendar date as written counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onset_of_symptom_or_test_date: Option<String>,
    /// The keys.
    pub keys: Vec<DiagnosisKeyEntry>,
    /// The regions to publish in, such as `440`.
    #[serde(default)]
    pub regions: Vec<String>,
    /// The client's platform.
    #[serde(default)]
    pub platform: String,
    /// Proof of a genuine device, on platforms that have one.
    #[serde(default)]
    pub device_verification_payload: String,
    /// The client's name.
    #[serde(default)]
    pub app_package_name: String,
    /// The 処理番号.
    #[serde(default)]
    pub verification_payload: String,
    /// The same for every try of one registration. Old clients spell it with an
    /// underscore; what is sent has both.
    #[serde(flatten)]
    pub idempotency_key: IdempotencyKey,
    /// Noise that hides how many keys there are.
    #[serde(default)]
    pub padding: String,
}

impl Drop for Diagnosis {
    fn drop(&mut self) {
        self.verification_payload.zeroize();
        for key in &mut self.keys {
            key.key_data.zeroize();
        }
    }
}

/// The idempotency key under both of its spellings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyKey {
    #[serde(default, rename = "idempotencyKey")]
    camel: Option<String>,
    #[serde(default, rename = "idempotency_key")]
    snake: Option<String>,
}

impl IdempotencyKey {
    /// The key `text`, written in both spellings.
    pub fn new(text: &str) -> Self {
        Self {
            camel: Some(text.to_owned()),
            snake: Some(text.to_owned()),
        }
    }

    /// Whether no key is given, in neither spelling. An empty one is none.
    pub fn is_missing(&self) -> bool {
        let given = self.camel.iter().chain(&self.snake);
        given.into_iter().all(String::is_empty)
    }

    /// The key; `None` where it is missing or empty, or where the two spellings
    /// differ.
    pub fn get(&self) -> Option<&str> {
        let key = match (self.camel.as_deref(), self.snake.as_deref()) {
            (Some(camel), Some(snake)) => (camel == snake).then_some(camel),
            (camel, snake) => camel.or(snake),
        };
        key.filter(|key| !key.is_empty())
    }
}

/// One key in a [`Diagnosis`]. Its numbers are as they came: nothing is checked yet.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiagnosisKeyEntry {
    /// The TEK's bytes; 16 of them where it is valid.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub key_data: Vec<u8>,
    /// Its first interval.
    pub rolling_start_number: i64,
    /// For how many intervals it was used; 0 stands for a whole day.
    #[serde(default)]
    pub rolling_period: i64,
    /// How the diagnosis was made; 0 where it is not said.
    #[serde(default)]
    pub report_type: i32,
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let mut text = String::deserialize(deserializer)?;
    let bytes = BASE64_STANDARD
        .decode(&text)
        .map_err(|_| D::Error::custom("a key is not base64"));
    text.zeroize();
    bytes
}

/// Whether `text` is the form of a 処理番号: exactly eight ASCII digits.
pub fn is_processing_number(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A 処理番号. It is wiped when dropped, and `Debug` does not show it.
///
/// Its digits stay where they are when it is moved, so that no copy is left behind.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct ProcessingNumber(Box<str>);

impl ProcessingNumber {
    /// The number that `text` is, `None` when it [is none](is_processing_number).
    pub fn parse(text: &str) -> Option<Self> {
        is_processing_number(text).then(|| Self(text.into()))
    }

    /// The eight digits, for the server alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ProcessingNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProcessingNumber(…)")
    }
}

/// Whether `date` can be that of an onset or test when it is registered `today`: at
/// most [`REGISTRABLE_DAYS`] back, and no later than tomorrow, which it may be already
/// east of Greenwich.
pub fn is_registrable_date(date: UtcDay, today: UtcDay) -> bool {
    (today.saturating_sub(REGISTRABLE_DAYS)..=today.saturating_add(1)).contains(&date)
}

/// From which day to which a person may have infected others, both included: by
/// symptoms from 3 days before their onset to 10 after it, without symptoms from 3
/// days before the test to 7 after it.
pub fn infectious_window(has_symptom: bool, date: UtcDay) -> (UtcDay, UtcDay) {
    let after = if has_symptom { 10 } else { 7 };
    (date.saturating_sub(3), date.saturating_add(after))
}

/// Days from the onset (or the test) to `day`, negative before it.
pub fn days_since_onset(date: UtcDay, day: UtcDay) -> i32 {
    let days = i64::from(day.get()) - i64::from(date.get());
    i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shape of docs/protocol.md §8, made up here.
    const FULL: &str = r#"{"hasSymptom":true,"onsetOfSymptomOrTestDate":"2020-08-01T00:00:00+09:00",
        "keys":[{"keyData":"AAECAwQFBgcICQoLDA0ODw==","rollingStartNumber":2660400,
        "rollingPeriod":144,"reportType":1}],"regions":["440"],"platform":"android",
        "deviceVerificationPayload":"x","appPackageName":"y","verificationPayload":"01234567",
        "idempotencyKey":"k","idempotency_key":"k","padding":"zz"}"#;

    #[test]
    fn reads_and_writes_what_clients_send() {
        let full: Diagnosis = serde_json::from_str(FULL).unwrap();
        assert!(full.has_symptom);
        assert_eq!(full.keys[0].key_data, (0..16).collect::<Vec<u8>>());
        assert_eq!(full.verification_payload, "01234567");
        assert_eq!(full.idempotency_key.get(), Some("k"));
        let written = serde_json::to_value(&full).unwrap();
        assert_eq!(
            written,
            serde_json::from_str::<serde_json::Value>(FULL).unwrap()
        );

        let least = r#"{"keys":[{"keyData":"","rollingStartNumber":1}],"idempotency_key":"k"}"#;
        let least: Diagnosis = serde_json::from_str(least).unwrap();
        assert!(!least.has_symptom);
        assert_eq!(least.onset_of_symptom_or_test_date, None);
        assert_eq!(least.keys[0].rolling_period, 0);
        assert_eq!(least.idempotency_key.get(), Some("k"));
        for wrong in [
            "{}",
            r#"{"keys":1}"#,
            r#"{"keys":[{"keyData":"?","rollingStartNumber":1}]}"#,
            r#"{"keys":[{"keyData":"AA=="}]}"#,
        ] {
            assert!(serde_json::from_str::<Diagnosis>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn one_idempotency_key_is_one() {
        let read = |text: &str| {
            let key: IdempotencyKey = serde_json::from_str(text).unwrap();
            key.get().map(str::to_owned)
        };
        assert_eq!(read(r#"{"idempotencyKey":"a"}"#).as_deref(), Some("a"));
        assert_eq!(read(r#"{"idempotency_key":"a"}"#).as_deref(), Some("a"));
        assert_eq!(
            read(r#"{"idempotencyKey":"a","idempotency_key":"b"}"#),
            None
        );
        assert_eq!(read(r#"{"idempotencyKey":""}"#), None);
        assert_eq!(read("{}"), None);
        for (text, missing) in [
            ("{}", true),
            (r#"{"idempotencyKey":"","idempotency_key":null}"#, true),
            (r#"{"idempotency_key":"a"}"#, false),
            (r#"{"idempotencyKey":"a","idempotency_key":"b"}"#, false),
        ] {
            let key: IdempotencyKey = serde_json::from_str(text).unwrap();
            assert_eq!(key.is_missing(), missing, "{text}");
        }
    }

    #[test]
    fn processing_numbers_are_eight_ascii_digits() {
        for (text, valid) in [
            ("00000000", true),
            ("12345678", true),
            ("1234567", false),
            ("123456789", false),
            ("1234567a", false),
            ("12345678\n", false),
            ("１２３４５６７８", false),
            ("", false),
        ] {
            assert_eq!(is_processing_number(text), valid, "{text:?}");
        }
    }

    #[test]
    fn a_processing_number_is_not_shown() {
        let number = ProcessingNumber::parse("01234567").unwrap();
        assert_eq!(number.expose(), "01234567");
        assert_eq!(format!("{number:?}"), "ProcessingNumber(…)");
        assert_eq!(ProcessingNumber::parse("0123456"), None);
        assert_eq!(ProcessingNumber::parse("０１２３４５６７"), None);
    }

    #[test]
    fn dates_are_those_of_two_weeks() {
        let today = UtcDay::new(18_500);
        for (day, valid) in [
            (18_485, false),
            (18_486, true),
            (18_501, true),
            (18_502, false),
        ] {
            assert_eq!(is_registrable_date(UtcDay::new(day), today), valid, "{day}");
        }
    }

    #[test]
    fn the_infectious_window_depends_on_symptoms() {
        let day = UtcDay::new(18_500);
        let window = |symptoms| {
            let (first, last) = infectious_window(symptoms, day);
            (days_since_onset(day, first), days_since_onset(day, last))
        };
        assert_eq!(window(true), (-3, 10));
        assert_eq!(window(false), (-3, 7));
    }
}
