//! Diagnosis keys: the TEKs of people who registered as positive (docs/protocol.md §3, §6).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::key::{KEY_LEN, Tek};
use crate::time::{INTERVALS_PER_DAY, Interval, UnixSeconds};

/// A key from an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiagnosisKey {
    /// The key itself; public from the moment it is in an export.
    #[serde(with = "tek_as_hex")]
    pub tek: Tek,
    /// The first interval it was broadcast in.
    pub rolling_start: Interval,
    /// For how many intervals it was broadcast, 1 to 144.
    pub rolling_period: RollingPeriod,
    /// The server's own risk level. It never lowers a verdict: COCOA published 0
    /// in every key, and phones that took it at its word stayed silent for four
    /// months.
    pub transmission_risk_level: i32,
    /// How the diagnosis was made.
    pub report_type: ReportType,
    /// Days from the onset of symptoms (or the test) to the key's day; `None`
    /// when not given.
    pub days_since_onset: Option<i32>,
}

impl DiagnosisKey {
    /// The intervals the key was broadcast in.
    pub fn intervals(&self) -> impl DoubleEndedIterator<Item = Interval> + use<> {
        let start = self.rolling_start;
        (0..self.rolling_period.get()).map(move |offset| start.saturating_add(offset))
    }
}

/// For how many ten-minute intervals a key was in use: 1 to 144.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct RollingPeriod(u32);

impl RollingPeriod {
    /// A whole day.
    pub const DAY: Self = Self(INTERVALS_PER_DAY);

    /// `intervals`, or `None` outside 1 to 144.
    pub const fn new(intervals: u32) -> Option<Self> {
        if intervals >= 1 && intervals <= INTERVALS_PER_DAY {
            Some(Self(intervals))
        } else {
            None
        }
    }

    /// The number of intervals.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A rolling period outside 1 to 144.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rolling period of {0} intervals is outside 1 to 144")]
pub struct InvalidRollingPeriod(pub u32);

impl TryFrom<u32> for RollingPeriod {
    type Error = InvalidRollingPeriod;

    fn try_from(intervals: u32) -> Result<Self, Self::Error> {
        Self::new(intervals).ok_or(InvalidRollingPeriod(intervals))
    }
}

impl From<RollingPeriod> for u32 {
    fn from(period: RollingPeriod) -> Self {
        period.0
    }
}

/// How a diagnosis was made (docs/protocol.md §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportType {
    /// 1: a positive test.
    ConfirmedTest,
    /// 2: a clinician's diagnosis without a test.
    ConfirmedClinical,
    /// 3: the person's own report.
    SelfReport,
    /// 4: exposed to an exposed person; reserved, skipped in matching.
    Recursive,
    /// 5: registered by mistake; takes its exposures away.
    Revoked,
}

impl ReportType {
    /// The number in the export format.
    pub const fn number(self) -> i32 {
        match self {
            Self::ConfirmedTest => 1,
            Self::ConfirmedClinical => 2,
            Self::SelfReport => 3,
            Self::Recursive => 4,
            Self::Revoked => 5,
        }
    }

    /// The report type of a number in the export format. A missing or unknown
    /// one counts as a positive test, so that it never silences a warning.
    pub const fn from_number(number: i32) -> Self {
        match number {
            2 => Self::ConfirmedClinical,
            3 => Self::SelfReport,
            4 => Self::Recursive,
            5 => Self::Revoked,
            _ => Self::ConfirmedTest,
        }
    }

    /// Whether keys of this type are looked for among the sightings. Recursive
    /// and revoked keys never make an exposure.
    pub const fn is_matched(self) -> bool {
        match self {
            Self::ConfirmedTest | Self::ConfirmedClinical | Self::SelfReport => true,
            Self::Recursive | Self::Revoked => false,
        }
    }

    /// Whether a key of this type may become one of type `next`: a self report
    /// may be confirmed or revoked, a clinical diagnosis tested or revoked.
    /// Nothing undoes a positive test.
    pub const fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::SelfReport, Self::ConfirmedTest | Self::ConfirmedClinical | Self::Revoked)
            | (Self::ConfirmedClinical, Self::ConfirmedTest | Self::Revoked) => true,
            (
                Self::ConfirmedTest
                | Self::ConfirmedClinical
                | Self::SelfReport
                | Self::Recursive
                | Self::Revoked,
                _,
            ) => false,
        }
    }
}

/// What is remembered of a key that has made an exposure, to judge it by when it
/// is published again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownKey {
    /// Its report type now.
    pub report_type: ReportType,
    /// Its rolling period.
    pub rolling_period: RollingPeriod,
    /// Whether its report type has already changed; it may change only once.
    pub changed: bool,
}

/// What to do with a key that has made an exposure and is published again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// It says what is known: nothing to do.
    Unchanged,
    /// Its exposures stay and take on the new report type, marked as changed.
    Replace(ReportType),
    /// It was revoked: its exposures go.
    Remove,
    /// It says something a key may not say (docs/protocol.md §3): nothing to do.
    Skip,
}

/// Judges a key that has made an exposure and is published again (docs/protocol.md §3).
///
/// `known` and `incoming` are taken to carry the same TEK.
pub fn transition(known: &KnownKey, incoming: &DiagnosisKey) -> Transition {
    if incoming.rolling_period != known.rolling_period {
        return Transition::Skip;
    }
    if incoming.report_type == known.report_type {
        return Transition::Unchanged;
    }
    if known.changed || !known.report_type.may_become(incoming.report_type) {
        return Transition::Skip;
    }
    match incoming.report_type {
        ReportType::Revoked => Transition::Remove,
        ReportType::ConfirmedTest
        | ReportType::ConfirmedClinical
        | ReportType::SelfReport
        | ReportType::Recursive => Transition::Replace(incoming.report_type),
    }
}

/// Folds keys in the order they were published into the keys that hold at the
/// end: each TEK once, with its last valid report type, without revoked ones.
///
/// This is for keys that are matched all at once. Keys that are matched as they
/// come are judged one by one by [`transition`].
pub fn consolidate(published: impl IntoIterator<Item = DiagnosisKey>) -> Vec<DiagnosisKey> {
    struct Entry {
        key: DiagnosisKey,
        known: KnownKey,
    }
    let mut entries: Vec<Entry> = Vec::new();
    let mut index_by_tek: BTreeMap<[u8; KEY_LEN], usize> = BTreeMap::new();
    for key in published {
        let known_entry = index_by_tek
            .get(key.tek.expose_bytes())
            .and_then(|&index| entries.get_mut(index));
        let Some(entry) = known_entry else {
            // One that was revoked first is remembered: nothing revives it.
            if key.report_type != ReportType::Recursive {
                index_by_tek.insert(*key.tek.expose_bytes(), entries.len());
                let known = KnownKey {
                    report_type: key.report_type,
                    rolling_period: key.rolling_period,
                    changed: false,
                };
                entries.push(Entry { key, known });
            }
            continue;
        };
        match transition(&entry.known, &key) {
            Transition::Replace(_) | Transition::Remove => {
                entry.known.report_type = key.report_type;
                entry.known.changed = true;
                entry.key.report_type = key.report_type;
            }
            Transition::Unchanged | Transition::Skip => {}
        }
    }
    entries
        .into_iter()
        .map(|entry| entry.key)
        .filter(|key| key.report_type.is_matched())
        .collect()
}

/// The last interval a key may start in, so that all its intervals and the two
/// hours of drift after them are instants that exist.
pub(crate) const LAST_ROLLING_START: u32 =
    UnixSeconds::new(u32::MAX).interval().get() - 2 * INTERVALS_PER_DAY;

/// A published key as hexadecimal text.
mod tek_as_hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::key::{KEY_LEN, Tek};

    pub(super) fn serialize<S: Serializer>(tek: &Tek, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(tek.expose_bytes()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tek, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; KEY_LEN];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| D::Error::custom("a key is 32 hexadecimal digits"))?;
        Ok(Tek::from_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ReportType::{ConfirmedClinical, ConfirmedTest, Recursive, Revoked, SelfReport};

    const ALL: [ReportType; 5] = [
        ConfirmedTest,
        ConfirmedClinical,
        SelfReport,
        Recursive,
        Revoked,
    ];

    fn key(tek: u8, report_type: ReportType) -> DiagnosisKey {
        DiagnosisKey {
            tek: Tek::from_bytes([tek; 16]),
            rolling_start: Interval::new(2_642_976),
            rolling_period: RollingPeriod::DAY,
            transmission_risk_level: 0,
            report_type,
            days_since_onset: Some(-3),
        }
    }

    fn known(report_type: ReportType) -> KnownKey {
        KnownKey {
            report_type,
            rolling_period: RollingPeriod::DAY,
            changed: false,
        }
    }

    #[test]
    fn transition_matrix() {
        use Transition::{Remove, Replace, Skip, Unchanged};
        // Rows: what is known; columns: what comes, in the order of ALL.
        let test = Replace(ConfirmedTest);
        let clinical = Replace(ConfirmedClinical);
        for (from, row) in [
            (ConfirmedTest, [Unchanged, Skip, Skip, Skip, Skip]),
            (ConfirmedClinical, [test, Unchanged, Skip, Skip, Remove]),
            (SelfReport, [test, clinical, Unchanged, Skip, Remove]),
            (Recursive, [Skip, Skip, Skip, Unchanged, Skip]),
            (Revoked, [Skip, Skip, Skip, Skip, Unchanged]),
        ] {
            for (to, expected) in ALL.into_iter().zip(row) {
                let incoming = key(1, to);
                assert_eq!(
                    transition(&known(from), &incoming),
                    expected,
                    "{from:?} → {to:?}"
                );

                let changed = KnownKey {
                    changed: true,
                    ..known(from)
                };
                let once = if from == to { Unchanged } else { Skip };
                assert_eq!(
                    transition(&changed, &incoming),
                    once,
                    "again {from:?} → {to:?}"
                );

                let shorter = DiagnosisKey {
                    rolling_period: RollingPeriod::new(143).unwrap(),
                    ..incoming
                };
                assert_eq!(
                    transition(&known(from), &shorter),
                    Skip,
                    "period {from:?} → {to:?}"
                );
            }
        }
    }

    #[test]
    fn consolidating_follows_the_transitions() {
        for (published, expected) in [
            (vec![SelfReport, ConfirmedTest], vec![ConfirmedTest]),
            (
                vec![SelfReport, ConfirmedClinical, Revoked],
                vec![ConfirmedClinical],
            ),
            (vec![SelfReport, Revoked], vec![]),
            (vec![SelfReport, Revoked, ConfirmedTest], vec![]),
            (vec![ConfirmedClinical, Revoked], vec![]),
            (vec![ConfirmedTest, Revoked], vec![ConfirmedTest]),
            (vec![Revoked, ConfirmedTest], vec![]),
            (vec![Recursive], vec![]),
            (vec![ConfirmedTest, ConfirmedTest], vec![ConfirmedTest]),
        ] {
            let keys = consolidate(published.iter().map(|&report_type| key(1, report_type)));
            let types: Vec<_> = keys.iter().map(|key| key.report_type).collect();
            assert_eq!(types, expected, "{published:?}");
        }
        let two = consolidate([key(2, ConfirmedTest), key(1, SelfReport)]);
        assert_eq!(
            two,
            [key(2, ConfirmedTest), key(1, SelfReport)],
            "order is kept"
        );
    }

    #[test]
    fn rolling_periods_are_1_to_144() {
        for (intervals, valid) in [(0, false), (1, true), (144, true), (145, false)] {
            assert_eq!(
                RollingPeriod::new(intervals).is_some(),
                valid,
                "{intervals}"
            );
        }
    }

    #[test]
    fn report_type_numbers() {
        for report_type in ALL {
            assert_eq!(ReportType::from_number(report_type.number()), report_type);
        }
        for unknown in [i32::MIN, -1, 0, 6, i32::MAX] {
            assert_eq!(ReportType::from_number(unknown), ConfirmedTest);
        }
    }

    #[test]
    fn serialises_for_the_store() {
        let key = key(0xab, SelfReport);
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(
            json,
            format!(
                r#"{{"tek":"{}","rolling_start":2642976,"rolling_period":144,"transmission_risk_level":0,"report_type":"self_report","days_since_onset":-3}}"#,
                "ab".repeat(16)
            )
        );
        assert_eq!(serde_json::from_str::<DiagnosisKey>(&json).unwrap(), key);
        assert!(serde_json::from_str::<DiagnosisKey>(&json.replace("144", "145")).is_err());
        assert!(serde_json::from_str::<DiagnosisKey>(&json.replace("abab", "ab")).is_err());
        assert!(!format!("{key:?}").contains("ab".repeat(4).as_str()));
    }
}
