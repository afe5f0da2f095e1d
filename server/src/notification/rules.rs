//! What a registration must be, and which of its keys are kept (docs/protocol.md §8).
//! Pure: the time and the configuration are arguments.

use std::collections::BTreeSet;

use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::key::{KEY_LEN, Tek};
use gaen::registration::{
    Diagnosis, DiagnosisKeyEntry, days_since_onset, infectious_window, is_number_of_digits,
};
use gaen::time::{INTERVALS_PER_DAY, Interval, UnixSeconds, UtcDay};
use hmac::{Hmac, KeyInit, Mac};
use jiff::civil::Date;
use jiff::fmt::temporal::Pieces;
use sha2::{Digest, Sha256};

use super::config::Registration;

/// For how many days keys are taken and kept.
pub(super) const KEPT_DAYS: u32 = 14;
/// By how many intervals, two hours, a device's clock may be ahead: as in matching. Its key
/// of today may be of tomorrow then. No key is published before it has been over for as long.
const MAX_AHEAD_INTERVALS: u32 = 12;
/// Most days from the onset or test to today, in either direction.
const MAX_DAYS_FROM_ONSET: i32 = 14;
/// Longest idempotency key, in bytes; clients use a UUID or a hash.
const MAX_IDEMPOTENCY_KEY_LEN: usize = 256;
/// The server's own risk level. COCOA's is 0 (docs/protocol.md §6), and no client may
/// lower a verdict for it.
pub(super) const TRANSMISSION_RISK_LEVEL: i32 = 0;

/// A registration that is in order.
pub(super) struct Accepted {
    /// Names the registration: the SHA-256 of its idempotency key.
    pub(super) id: [u8; 32],
    /// What it says: keyed with the idempotency key, which is not kept, so that
    /// the 処理番号 in it cannot be guessed from it.
    pub(super) digest: [u8; 32],
    /// Where to publish.
    pub(super) regions: Vec<String>,
    /// What to publish; empty when none of the keys is of an infectious day.
    pub(super) keys: Vec<DiagnosisKey>,
    /// How many keys could not be used, each for a reason of its own.
    pub(super) unusable: usize,
}

/// Why a registration is not in order. Nothing of it is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the body is not a registration in JSON")]
    Json,
    #[error("idempotencyKey is too long, or not the same in both spellings")]
    IdempotencyKey,
    #[error("the same idempotencyKey was used for another registration")]
    IdempotencyConflict,
    #[error("verificationPayload is not a number of 8 to 16 digits")]
    ProcessingNumber,
    #[error("a region is not served here")]
    Region,
    #[error("onsetOfSymptomOrTestDate is not a date")]
    Date,
    #[error("onsetOfSymptomOrTestDate is more than 14 days from today")]
    DateTooFar,
    #[error("there are no keys")]
    NoKeys,
    #[error("there are too many keys")]
    TooManyKeys,
    #[error("a key is not 16 bytes long")]
    KeyLength,
    #[error("a rollingPeriod is not 0 to 144")]
    RollingPeriod,
    #[error("a rollingStartNumber is more than 14 days ago")]
    TooOld,
    #[error("a rollingStartNumber is more than two hours in the future")]
    InFuture,
    #[error("a reportType is not 0 to 3")]
    ReportType,
    #[error("too many keys are of the same time")]
    Overlap,
}

/// Checks `diagnosis`, which came at `now` to a server of `served` regions. Chaff is
/// held to the same rules, except that it needs no 処理番号.
pub(super) fn check(
    diagnosis: &Diagnosis,
    is_chaff: bool,
    now: UnixSeconds,
    served: &[String],
    rules: &Registration,
) -> Result<Accepted, Refusal> {
    let name = Name::of(diagnosis)?;
    if !is_chaff && !is_number_of_digits(&diagnosis.verification_payload) {
        return Err(Refusal::ProcessingNumber);
    }
    let regions = regions(diagnosis, served)?;
    let date = match &diagnosis.onset_of_symptom_or_test_date {
        Some(text) => Some(onset(text, now)?),
        None => None,
    };
    let mut keys = usable_keys(&diagnosis.keys, now, rules)?;
    let unusable = diagnosis.keys.len() - keys.len();
    // Same key, start and period: one row.
    keys.sort_by_key(identity);
    keys.dedup_by_key(|key| identity(key));
    if max_overlap(&keys) > rules.max_overlap {
        return Err(Refusal::Overlap);
    }
    let keys = keys
        .into_iter()
        .filter_map(|key| within_window(key, diagnosis.has_symptom, date))
        .collect();
    Ok(Accepted {
        id: Sha256::digest(&name.text).into(),
        digest: digest(diagnosis, &name, &regions),
        regions,
        keys,
        unusable,
    })
}

/// What names a registration.
struct Name {
    text: String,
    /// Whether it can be worked out by everybody once the keys are published.
    is_guessable: bool,
}

impl Name {
    /// The idempotency key. Clients that give none are named by their keys, so that
    /// they too may send a registration twice.
    fn of(diagnosis: &Diagnosis) -> Result<Self, Refusal> {
        if diagnosis.idempotency_key.is_missing() {
            let mut keys: Vec<&[u8]> = diagnosis.keys.iter().map(|key| &*key.key_data).collect();
            keys.sort_unstable();
            let mut hash = Sha256::new();
            for key in keys {
                hash.update(Sha256::digest(key));
            }
            return Ok(Self {
                text: hex::encode(hash.finalize()),
                is_guessable: true,
            });
        }
        let key = diagnosis.idempotency_key.get();
        let key = key.filter(|key| key.len() <= MAX_IDEMPOTENCY_KEY_LEN);
        Ok(Self {
            text: key.ok_or(Refusal::IdempotencyKey)?.to_owned(),
            is_guessable: false,
        })
    }
}

fn regions(diagnosis: &Diagnosis, served: &[String]) -> Result<Vec<String>, Refusal> {
    if diagnosis.regions.is_empty() {
        return Ok(served.iter().take(1).cloned().collect());
    }
    let regions: BTreeSet<&String> = diagnosis.regions.iter().collect();
    if regions.iter().all(|region| served.contains(region)) {
        Ok(regions.into_iter().cloned().collect())
    } else {
        Err(Refusal::Region)
    }
}

/// The date as written, whatever time and offset follow it.
fn onset(text: &str, now: UnixSeconds) -> Result<UtcDay, Refusal> {
    let pieces = Pieces::parse(text).map_err(|_| Refusal::Date)?;
    let days = (pieces.date() - Date::constant(1970, 1, 1)).get_days();
    let day = u32::try_from(days)
        .map(UtcDay::new)
        .map_err(|_| Refusal::DateTooFar)?;
    if days_since_onset(day, now.utc_day()).abs() > MAX_DAYS_FROM_ONSET {
        return Err(Refusal::DateTooFar);
    }
    Ok(day)
}

/// The keys that are in order. One that is not costs the others nothing, as with COCOA: a
/// phone's clock may have made one of them of tomorrow, or the days until the number came
/// one of them too old.
fn usable_keys(
    entries: &[DiagnosisKeyEntry],
    now: UnixSeconds,
    rules: &Registration,
) -> Result<Vec<DiagnosisKey>, Refusal> {
    if entries.is_empty() {
        return Err(Refusal::NoKeys);
    }
    if entries.len() > rules.max_keys {
        return Err(Refusal::TooManyKeys);
    }
    let mut first_fault = Refusal::NoKeys;
    let mut keys = Vec::with_capacity(entries.len());
    for entry in entries.iter().rev() {
        match key(entry, now) {
            Ok(key) => keys.push(key),
            Err(fault) => first_fault = fault,
        }
    }
    if keys.is_empty() {
        return Err(first_fault);
    }
    Ok(keys)
}

fn identity(key: &DiagnosisKey) -> (Interval, RollingPeriod, [u8; KEY_LEN]) {
    (
        key.rolling_start,
        key.rolling_period,
        *key.tek.expose_bytes(),
    )
}

fn key(entry: &DiagnosisKeyEntry, now: UnixSeconds) -> Result<DiagnosisKey, Refusal> {
    let bytes =
        <[u8; KEY_LEN]>::try_from(entry.key_data.as_slice()).map_err(|_| Refusal::KeyLength)?;
    let rolling_period = match entry.rolling_period {
        0 => RollingPeriod::DAY,
        intervals => u32::try_from(intervals)
            .ok()
            .and_then(RollingPeriod::new)
            .ok_or(Refusal::RollingPeriod)?,
    };
    let oldest = now.utc_day().saturating_sub(KEPT_DAYS).first_interval();
    let start = entry.rolling_start_number;
    if start < i64::from(oldest.get()) {
        return Err(Refusal::TooOld);
    }
    let rolling_start = u32::try_from(start)
        .map(Interval::new)
        .ok()
        .filter(|start| *start <= now.interval().saturating_add(MAX_AHEAD_INTERVALS))
        .ok_or(Refusal::InFuture)?;
    let report_type = match entry.report_type {
        0 | 1 => ReportType::ConfirmedTest,
        2 => ReportType::ConfirmedClinical,
        3 => ReportType::SelfReport,
        // Nobody registers as positive by taking something back.
        _ => return Err(Refusal::ReportType),
    };
    Ok(DiagnosisKey {
        tek: Tek::from_bytes(bytes),
        rolling_start,
        rolling_period,
        transmission_risk_level: TRANSMISSION_RISK_LEVEL,
        report_type,
        days_since_onset: None,
    })
}

/// How many of `keys`, in order of their start, are in use at once at most.
fn max_overlap(keys: &[DiagnosisKey]) -> usize {
    let in_use_at = |interval: Interval| {
        keys.iter()
            .filter(|key| {
                key.rolling_start <= interval
                    && interval.get() - key.rolling_start.get() < key.rolling_period.get()
            })
            .count()
    };
    // Where most overlap, one of them begins.
    keys.iter()
        .map(|key| in_use_at(key.rolling_start))
        .max()
        .unwrap_or(0)
}

/// The key with its days since the onset, or `None` when its day is not an
/// infectious one. Without a date all days are.
fn within_window(
    mut key: DiagnosisKey,
    has_symptom: bool,
    date: Option<UtcDay>,
) -> Option<DiagnosisKey> {
    let Some(date) = date else {
        return Some(key);
    };
    let (first, last) = infectious_window(has_symptom, date);
    let day = key.rolling_start.utc_day();
    key.days_since_onset = Some(days_since_onset(date, day));
    (first <= day && day <= last).then_some(key)
}

/// What the registration says, without what may differ when it is sent again:
/// padding, and the order of its keys.
fn digest(diagnosis: &Diagnosis, name: &Name, regions: &[String]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(name.text.as_bytes())
        .expect("HMAC takes keys of any length");
    let mut add = |part: &[u8]| {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        mac.update(part);
    };
    // A few digits are soon tried out by whoever knows the rest.
    if !name.is_guessable {
        add(diagnosis.verification_payload.as_bytes());
    }
    add(&[u8::from(diagnosis.has_symptom)]);
    let date = diagnosis.onset_of_symptom_or_test_date.as_deref();
    add(date.unwrap_or_default().as_bytes());
    for region in regions {
        add(region.as_bytes());
    }
    let mut keys: Vec<&DiagnosisKeyEntry> = diagnosis.keys.iter().collect();
    keys.sort_by(|a, b| {
        let rank = |key: &DiagnosisKeyEntry| {
            (
                key.rolling_start_number,
                key.rolling_period,
                key.report_type,
            )
        };
        rank(a).cmp(&rank(b)).then(a.key_data.cmp(&b.key_data))
    });
    for key in keys {
        add(&key.key_data);
        add(&key.rolling_start_number.to_le_bytes());
        add(&key.rolling_period.to_le_bytes());
        add(&key.report_type.to_le_bytes());
    }
    mac.finalize().into_bytes().into()
}

/// The last interval a key that may be published at `now` ends before: two hours
/// after its end nobody takes it for a living one, whatever their clock
/// (docs/protocol.md §8, embargo).
pub(super) fn publishable_until(now: UnixSeconds) -> Interval {
    const EMBARGO_INTERVALS: u32 = 12;
    now.interval().saturating_sub(EMBARGO_INTERVALS)
}

/// Before this, nothing is kept.
pub(super) fn kept_since(now: UnixSeconds) -> UnixSeconds {
    let seconds = KEPT_DAYS * INTERVALS_PER_DAY * gaen::time::INTERVAL_SECONDS;
    UnixSeconds::new(now.get().saturating_sub(seconds))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// 2020-08-15T12:00:00Z.
    const NOW: UnixSeconds = UnixSeconds::new(1_597_492_800);
    const TODAY: u32 = 18_489;

    fn start_of(day: u32) -> u32 {
        day * 144
    }

    fn key_of(day: u32) -> Value {
        json!({
            "keyData": base64(&[u8::try_from(day % 256).unwrap(); 16]),
            "rollingStartNumber": start_of(day), "rollingPeriod": 144, "reportType": 1,
        })
    }

    fn base64(bytes: &[u8]) -> String {
        use base64::Engine as _;
        base64::prelude::BASE64_STANDARD.encode(bytes)
    }

    /// A registration that is in order, with `change` laid over it.
    fn body(change: Value) -> Value {
        let mut body = json!({
            "hasSymptom": true,
            "onsetOfSymptomOrTestDate": "2020-08-10T00:00:00.000+09:00",
            "keys": [key_of(TODAY - 1)],
            "regions": ["440"], "platform": "linux", "deviceVerificationPayload": "",
            "appPackageName": "app", "verificationPayload": "01234567",
            "idempotencyKey": "k", "padding": "xx",
        });
        let Value::Object(change) = change else {
            panic!("not an object")
        };
        for (name, value) in change {
            let body = body.as_object_mut().unwrap();
            if value.is_null() {
                body.remove(&name);
            } else {
                body.insert(name, value);
            }
        }
        body
    }

    fn try_as(change: Value, is_chaff: bool) -> Result<Accepted, Refusal> {
        let diagnosis = serde_json::from_value(body(change)).unwrap();
        let served = ["440".to_owned(), "441".to_owned()];
        check(&diagnosis, is_chaff, NOW, &served, &Registration::default())
    }

    fn accepted(change: Value) -> Accepted {
        try_as(change, false).unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    fn refused(change: Value) -> Refusal {
        match try_as(change, false) {
            Ok(_) => panic!("accepted"),
            Err(refusal) => refusal,
        }
    }

    fn with_key(change: Value) -> Value {
        let mut key = key_of(TODAY - 1);
        for (name, value) in change.as_object().unwrap() {
            key[name] = value.clone();
        }
        json!({ "keys": [key] })
    }

    #[test]
    fn what_is_refused_and_why() {
        for (change, expected) in [
            (json!({"idempotency_key": "other"}), Refusal::IdempotencyKey),
            (
                json!({"idempotencyKey": "x".repeat(257)}),
                Refusal::IdempotencyKey,
            ),
            (
                json!({"verificationPayload": null}),
                Refusal::ProcessingNumber,
            ),
            (
                json!({"verificationPayload": "1234567"}),
                Refusal::ProcessingNumber,
            ),
            (
                json!({"verificationPayload": "１２３４５６７８"}),
                Refusal::ProcessingNumber,
            ),
            (json!({"regions": ["442"]}), Refusal::Region),
            (json!({"regions": ["440", ""]}), Refusal::Region),
            (json!({"onsetOfSymptomOrTestDate": ""}), Refusal::Date),
            (
                json!({"onsetOfSymptomOrTestDate": "yesterday"}),
                Refusal::Date,
            ),
            (
                json!({"onsetOfSymptomOrTestDate": "2020-02-30"}),
                Refusal::Date,
            ),
            (
                json!({"onsetOfSymptomOrTestDate": "2020-07-31"}),
                Refusal::DateTooFar,
            ),
            (
                json!({"onsetOfSymptomOrTestDate": "2020-08-30"}),
                Refusal::DateTooFar,
            ),
            (
                json!({"onsetOfSymptomOrTestDate": "-009999-01-01"}),
                Refusal::DateTooFar,
            ),
            (json!({"keys": []}), Refusal::NoKeys),
            (
                json!({"keys": vec![key_of(TODAY); 31]}),
                Refusal::TooManyKeys,
            ),
            (with_key(json!({"keyData": ""})), Refusal::KeyLength),
            (
                with_key(json!({"keyData": base64(&[0; 17])})),
                Refusal::KeyLength,
            ),
            (
                with_key(json!({"rollingPeriod": 145})),
                Refusal::RollingPeriod,
            ),
            (
                with_key(json!({"rollingPeriod": -1})),
                Refusal::RollingPeriod,
            ),
            (
                with_key(json!({"rollingStartNumber": start_of(TODAY - 14) - 1})),
                Refusal::TooOld,
            ),
            (
                with_key(json!({"rollingStartNumber": i64::MIN})),
                Refusal::TooOld,
            ),
            (
                with_key(json!({"rollingStartNumber": NOW.interval().get() + 13})),
                Refusal::InFuture,
            ),
            (
                with_key(json!({"rollingStartNumber": i64::MAX})),
                Refusal::InFuture,
            ),
            (with_key(json!({"reportType": 4})), Refusal::ReportType),
            (with_key(json!({"reportType": 5})), Refusal::ReportType),
            (with_key(json!({"reportType": -1})), Refusal::ReportType),
        ] {
            assert_eq!(refused(change.clone()), expected, "{change}");
        }
    }

    #[test]
    fn a_key_that_cannot_be_used_costs_the_others_nothing() {
        let mut keys = vec![key_of(TODAY), key_of(TODAY - 1)];
        for (name, value) in [
            ("keyData", json!("")),
            ("rollingPeriod", json!(145)),
            ("rollingStartNumber", json!(start_of(TODAY - 14) - 1)),
            ("rollingStartNumber", json!(start_of(TODAY + 1) + 1)),
            ("reportType", json!(5)),
        ] {
            let mut key = key_of(TODAY - 2);
            key[name] = value;
            keys.push(key);
        }
        for is_chaff in [false, true] {
            for rotation in 0..keys.len() {
                keys.rotate_left(rotation);
                let registration = try_as(json!({"keys": keys}), is_chaff).ok().unwrap();
                assert_eq!((registration.keys.len(), registration.unusable), (2, 5));
            }
        }
    }

    #[test]
    fn a_clock_that_is_two_hours_ahead_costs_nothing() {
        // At 23:00, by a clock that shows 00:59 of the next day.
        let now = UnixSeconds::new(NOW.get() + 11 * 3600);
        let diagnosis = serde_json::from_value(body(json!({
            "keys": [key_of(TODAY), key_of(TODAY + 1)],
        })));
        let served = ["440".to_owned()];
        let accepted = check(
            &diagnosis.unwrap(),
            false,
            now,
            &served,
            &Registration::default(),
        );
        let accepted = accepted.ok().unwrap();
        assert_eq!((accepted.keys.len(), accepted.unusable), (2, 0));
        assert!(accepted.keys[1].rolling_start > publishable_until(now));
    }

    #[test]
    fn only_keys_of_infectious_days_are_kept() {
        let all = json!((TODAY - 14..=TODAY).map(key_of).collect::<Vec<_>>());
        let days = |change: Value| -> Vec<(u32, Option<i32>)> {
            let mut change = change;
            change["keys"] = all.clone();
            let keys = accepted(change).keys;
            keys.iter()
                .map(|key| (key.rolling_start.utc_day().get(), key.days_since_onset))
                .collect()
        };
        let expected = |from: i32, to: i32, onset: u32| -> Vec<_> {
            (from..=to)
                .map(|days| (onset.saturating_add_signed(days), Some(days)))
                .collect()
        };
        // 2020-08-01 is 14 days ago, 2020-08-10 five.
        let onset = TODAY - 14;
        for (symptoms, date, window) in [
            (true, "2020-08-01T00:00:00Z", expected(0, 10, onset)),
            (false, "2020-08-01T23:59:59-12:00", expected(0, 7, onset)),
            (true, "2020-08-10", expected(-3, 5, TODAY - 5)),
            (
                false,
                "2020-08-10T00:00:00.0000000+09:00",
                expected(-3, 5, TODAY - 5),
            ),
            (true, "2020-08-29T00:00:00+09:00", Vec::new()),
        ] {
            let change = json!({"hasSymptom": symptoms, "onsetOfSymptomOrTestDate": date});
            assert_eq!(days(change), window, "{symptoms} {date}");
        }
        // Version 2 has no date: all 14 days, and nothing said of the onset.
        let without = days(json!({"hasSymptom": null, "onsetOfSymptomOrTestDate": null}));
        assert_eq!(without.len(), 15);
        assert!(without.iter().all(|(_, since)| since.is_none()));
    }

    #[test]
    fn a_key_is_read_as_the_protocol_says() {
        let key = |change| accepted(with_key(change)).keys.remove(0);
        assert_eq!(key(json!({"rollingPeriod": 0})).rolling_period.get(), 144);
        let short = key(json!({"rollingStartNumber": start_of(TODAY), "rollingPeriod": 71}));
        assert_eq!(short.rolling_period.get(), 71);
        assert_eq!(
            key(json!({"reportType": 0})).report_type,
            ReportType::ConfirmedTest
        );
        assert_eq!(
            key(json!({"reportType": 2})).report_type,
            ReportType::ConfirmedClinical
        );
        assert_eq!(key(json!({})).transmission_risk_level, 0);
        let same = json!({"keys": [key_of(TODAY), key_of(TODAY), key_of(TODAY)]});
        assert_eq!(accepted(same).keys.len(), 1);
    }

    #[test]
    fn overlapping_keys_are_bounded() {
        let keys = |count: u8| {
            let keys: Vec<Value> = (0..count)
                .map(|index| {
                    json!({"keyData": base64(&[index; 16]),
                           "rollingStartNumber": start_of(TODAY - 2) + u32::from(index)})
                })
                .collect();
            json!({ "keys": keys })
        };
        assert_eq!(accepted(keys(3)).keys.len(), 3);
        assert_eq!(refused(keys(4)), Refusal::Overlap);
        // One after the other is no overlap.
        let in_turn: Vec<Value> = (0..4)
            .map(|index| {
                json!({"keyData": base64(&[index; 16]), "rollingPeriod": 30,
                       "rollingStartNumber": start_of(TODAY - 2) + u32::from(index) * 30})
            })
            .collect();
        assert_eq!(accepted(json!({ "keys": in_turn })).keys.len(), 4);
    }

    #[test]
    fn regions_are_the_served_ones_and_the_first_by_default() {
        assert_eq!(accepted(json!({"regions": null})).regions, ["440"]);
        let both = json!({"regions": ["441", "440", "441"]});
        assert_eq!(accepted(both).regions, ["440", "441"]);
    }

    #[test]
    fn chaff_needs_no_number_and_nothing_else_is_forgiven() {
        assert!(try_as(json!({"verificationPayload": ""}), true).is_ok());
        assert_eq!(
            try_as(json!({"keys": []}), true).err(),
            Some(Refusal::NoKeys)
        );
    }

    #[test]
    fn the_digest_is_of_what_is_said() {
        let first = accepted(json!({}));
        let two = json!([key_of(TODAY - 1), key_of(TODAY - 2)]);
        let turned = json!([key_of(TODAY - 2), key_of(TODAY - 1)]);
        let same = |a: &Accepted, b: &Accepted| (a.id == b.id, a.digest == b.digest);
        for (change, expected) in [
            (json!({"padding": "other"}), (true, true)),
            (json!({"platform": "other"}), (true, true)),
            (json!({"idempotency_key": "k"}), (true, true)),
            (json!({"verificationPayload": "01234568"}), (true, false)),
            (json!({"hasSymptom": false}), (true, false)),
            (
                json!({"onsetOfSymptomOrTestDate": "2020-08-11"}),
                (true, false),
            ),
            (json!({"regions": ["441"]}), (true, false)),
            (json!({"keys": two}), (true, false)),
            (json!({"idempotencyKey": "l"}), (false, false)),
        ] {
            let other = accepted(change.clone());
            assert_eq!(same(&first, &other), expected, "{change}");
        }
        let (a, b) = (
            accepted(json!({"keys": two})),
            accepted(json!({"keys": turned})),
        );
        assert_eq!(same(&a, &b), (true, true));
    }

    #[test]
    fn without_an_idempotency_key_the_keys_name_the_registration() {
        let nameless = |mut change: serde_json::Value| {
            change["idempotencyKey"] = json!("");
            accepted(change)
        };
        let first = nameless(json!({}));
        for (change, expected) in [
            (json!({}), (true, true)),
            (json!({"verificationPayload": "01234568"}), (true, true)),
            (json!({"hasSymptom": false}), (true, false)),
            (json!({"keys": [key_of(TODAY - 2)]}), (false, false)),
        ] {
            let other = nameless(change.clone());
            let same = (first.id == other.id, first.digest == other.digest);
            assert_eq!(same, expected, "{change}");
        }
    }

    #[test]
    fn the_embargo_is_two_hours_after_the_end() {
        let key_end = Interval::new(start_of(TODAY));
        let two_hours = UnixSeconds::new(key_end.start().get() + 7200);
        assert_eq!(publishable_until(two_hours), key_end);
        let just_before = UnixSeconds::new(two_hours.get() - 1);
        assert!(publishable_until(just_before) < key_end);
    }
}
