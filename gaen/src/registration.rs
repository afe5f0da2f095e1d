//! Registering as positive: what a device sends to the notification server, and
//! which keys that concerns (docs/protocol.md §8).

use core::fmt;
use core::ops::RangeInclusive;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

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

/// How many digits a 処理番号 may have (docs/protocol.md §8).
pub const PROCESSING_NUMBER_DIGITS: RangeInclusive<usize> = 8..=16;
/// A 処理番号 of so many digits is COCOA's, whose apps take no other, and has no check
/// digit. Of any longer one the last digit is its check digit.
pub const DIGITS_WITHOUT_CHECK: usize = 8;
/// What a link that opens the window with a 処理番号 begins with; the digits follow, and
/// nothing else.
pub const NUMBER_LINK: &str = "sesshoku://register/";

/// Whether `text` is the form of a 処理番号: 8 to 16 ASCII digits, the last of which is the
/// check digit where there are more than 8.
pub fn is_processing_number(text: &str) -> bool {
    is_number_or_why_not(text).is_ok()
}

/// Whether `text` is 8 to 16 ASCII digits, be it that the check digit does not fit.
pub fn is_number_of_digits(text: &str) -> bool {
    PROCESSING_NUMBER_DIGITS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_number_or_why_not(text: &str) -> Result<(), NotANumber> {
    if !is_number_of_digits(text) {
        return Err(NotANumber::Form);
    }
    if text.len() != DIGITS_WITHOUT_CHECK && verhoeff(text, 0) != 0 {
        return Err(NotANumber::Mistyped);
    }
    Ok(())
}

/// The check digit that belongs behind `digits`; what is no digit is passed over.
pub fn check_digit(digits: &str) -> char {
    let sum = verhoeff(digits, 1);
    // Reflections are their own inverses, rotations are not.
    let inverse = if sum < 5 { (5 - sum) % 5 } else { sum };
    char::from_digit(inverse, 10).unwrap_or('0')
}

/// Verhoeff's sum over the digits of `text`, of which the last counts as the one at
/// `place` from the right: 0 where the last is a check digit that fits.
///
/// It finds each single wrong digit, each swap of neighbours, and a zero that is left out in
/// front, which Damm's scheme does not.
fn verhoeff(text: &str, place: usize) -> u32 {
    /// What becomes of a digit at one place; at the next it is applied once more.
    const TURN: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let digits = text
        .chars()
        .rev()
        .filter_map(|character| character.to_digit(10));
    digits.zip(place..).fold(0, |sum, (digit, place)| {
        let turned = (0..place % 8).fold(digit, |digit, _| {
            let at = usize::try_from(digit).unwrap_or(0);
            TURN.get(at).copied().unwrap_or(digit)
        });
        times(sum, turned)
    })
}

/// The product of two symmetries of a pentagon: 0 to 4 are rotations, 5 to 9 reflections.
const fn times(a: u32, b: u32) -> u32 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    }
}

/// A 処理番号. It is wiped when dropped, and `Debug` does not show it.
///
/// Its digits stay where they are when it is moved, so that no copy is left behind.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct ProcessingNumber(Box<str>);

/// Why what somebody entered is no 処理番号.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotANumber {
    /// It is not 8 to 16 digits.
    Form,
    /// Its check digit does not fit: a digit is wrong, or two have changed places.
    Mistyped,
}

impl ProcessingNumber {
    /// The number that `text` is, `None` when it [is none](is_processing_number).
    pub fn parse(text: &str) -> Option<Self> {
        is_processing_number(text).then(|| Self(text.into()))
    }

    /// The number that somebody typed or pasted: digits of either width, with spaces and
    /// hyphens of any kind between them.
    ///
    /// # Errors
    /// [`NotANumber`].
    pub fn from_typed(text: &str) -> Result<Self, NotANumber> {
        let digits = typed_digits(text);
        is_number_or_why_not(&digits)?;
        Ok(Self(digits.as_str().into()))
    }

    /// The number of a link as messages carry it, `None` where it is no such link.
    pub fn from_link(link: &str) -> Option<Self> {
        let digits = link.trim().strip_prefix(NUMBER_LINK)?;
        Self::parse(digits.strip_suffix('/').unwrap_or(digits))
    }

    /// The digits, for the server alone.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The digits as people are shown them, in groups of four. COCOA's eight stay together:
    /// the field of its app takes eight characters.
    pub fn grouped(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(2 * self.0.len()));
        for (at, digit) in self.0.chars().enumerate() {
            if at > 0 && at % 4 == 0 && self.0.len() != DIGITS_WITHOUT_CHECK {
                text.push(' ');
            }
            text.push(digit);
        }
        text
    }

    /// The link that opens the window with it.
    pub fn link(&self) -> Zeroizing<String> {
        let mut link = Zeroizing::new(String::with_capacity(64));
        link.push_str(NUMBER_LINK);
        link.push_str(&self.0);
        link
    }
}

impl fmt::Debug for ProcessingNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProcessingNumber(…)")
    }
}

/// What somebody typed or pasted, without the spaces and hyphens between digits, and with
/// wide digits as ASCII. It may be no number all the same.
pub fn typed_digits(text: &str) -> Zeroizing<String> {
    // In one piece, so that nothing is left behind by its growth.
    let mut digits = Zeroizing::new(String::with_capacity(text.len()));
    digits.extend(text.chars().filter(|c| !is_between_digits(*c)).map(narrow));
    digits
}

/// What people, telephones and mail programs put between digits.
fn is_between_digits(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '-' | '\u{ad}' | '\u{2010}'
                ..='\u{2015}'
                    | '\u{2212}'
                    | '\u{30fc}'
                    | '\u{fe63}'
                    | '\u{ff0d}'
                    | '\u{ff70}'
                    | '\u{200b}'
                    | '\u{2060}'
                    | '\u{feff}'
        )
}

/// A wide digit as the ASCII one.
fn narrow(character: char) -> char {
    match character {
        '\u{ff10}'..='\u{ff19}' => u32::from(character)
            .checked_sub(0xfee0)
            .and_then(char::from_u32)
            .unwrap_or(character),
        _ => character,
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
    fn processing_numbers_are_eight_digits_or_more_with_a_check_digit() {
        for (text, valid) in [
            ("00000000", true),
            ("12345678", true),
            ("1234567", false),
            ("1234567a", false),
            ("12345678\n", false),
            ("１２３４５６７８", false),
            ("", false),
            ("123456789", false),
            ("123456780", false),
            ("123456784", true),
            ("1234567890120", true),
            ("1234567890121", false),
            ("0000000000000000", false),
            ("00000000000000000", false),
        ] {
            assert_eq!(is_processing_number(text), valid, "{text:?}");
        }
        for len in 8..16 {
            let digits = "3141592653589793".get(..len).unwrap();
            let number = format!("{digits}{}", check_digit(digits));
            assert!(is_processing_number(&number), "{number}");
        }
    }

    /// As Verhoeff's scheme is described in many places, with these numbers.
    #[test]
    fn the_check_digit_is_verhoeffs() {
        for (digits, check) in [
            ("236", '3'),
            ("12345", '1'),
            ("142857", '0'),
            ("123456789012", '0'),
            ("8473643095483728456789", '2'),
        ] {
            assert_eq!(check_digit(digits), check, "{digits}");
            assert_eq!(verhoeff(&format!("{digits}{check}"), 0), 0);
        }
    }

    #[test]
    fn what_people_mistype_is_noticed() {
        for digits in ["31415926535", "00000000001", "90909090909"] {
            let number = format!("{digits}{}", check_digit(digits));
            let digits: Vec<char> = number.chars().collect();
            for place in 0..digits.len() {
                for wrong in ('0'..='9').filter(|digit| *digit != digits[place]) {
                    let mut typed = digits.clone();
                    typed[place] = wrong;
                    let typed: String = typed.into_iter().collect();
                    let read = ProcessingNumber::from_typed(&typed);
                    assert_eq!(read, Err(NotANumber::Mistyped), "{typed}");
                }
                if place > 0 && digits[place] != digits[place - 1] {
                    let mut typed = digits.clone();
                    typed.swap(place - 1, place);
                    let typed: String = typed.into_iter().collect();
                    assert!(!is_processing_number(&typed), "{typed}");
                }
            }
            if let Some(without_zero) = number.strip_prefix('0') {
                assert!(!is_processing_number(without_zero), "{without_zero}");
            }
        }
    }

    #[test]
    fn a_number_is_taken_however_it_is_typed() {
        let digits = "1234567890120";
        for typed in [
            digits,
            "1234 5678 9012 0",
            "1234-5678-9012-0\n",
            "１２３４　５６７８－９０１２‐０",
            "1234ー5678―9012−0",
        ] {
            let number = ProcessingNumber::from_typed(typed).unwrap();
            assert_eq!(number.expose(), digits, "{typed}");
        }
        assert_eq!(
            ProcessingNumber::from_typed("1234 5678")
                .unwrap()
                .grouped()
                .as_str(),
            "12345678"
        );
        for none in ["", "1234567", "1234.5678", "一二三四五六七八", "٠١٢٣٤٥٦٧"] {
            let read = ProcessingNumber::from_typed(none);
            assert_eq!(read, Err(NotANumber::Form), "{none}");
        }
    }

    #[test]
    fn a_processing_number_is_shown_to_its_person_alone() {
        let number = ProcessingNumber::parse("1234567890120").unwrap();
        assert_eq!(number.expose(), "1234567890120");
        assert_eq!(number.grouped().as_str(), "1234 5678 9012 0");
        assert_eq!(number.link().as_str(), "sesshoku://register/1234567890120");
        assert_eq!(format!("{number:?}"), "ProcessingNumber(…)");
        assert_eq!(ProcessingNumber::parse("0123456"), None);
        assert_eq!(ProcessingNumber::parse("０１２３４５６７"), None);
    }

    #[test]
    fn a_link_holds_a_number_and_nothing_else() {
        let number = ProcessingNumber::parse("1234567890120").unwrap();
        for link in [
            "sesshoku://register/1234567890120",
            " sesshoku://register/1234567890120/\n",
        ] {
            assert_eq!(ProcessingNumber::from_link(link).as_ref(), Some(&number));
        }
        for link in [
            "sesshoku://register/",
            "sesshoku://register/1234567890121",
            "sesshoku://register/1234567890120?to=elsewhere",
            "sesshoku://register/1234-5678-9012-0",
            "sesshoku://agree/1234567890120",
            "https://register/1234567890120",
            "1234567890120",
        ] {
            assert_eq!(ProcessingNumber::from_link(link), None, "{link}");
        }
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
