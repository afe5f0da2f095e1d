//! How exposures are weighed: COCOA's published configuration (docs/protocol.md §7).
//!
//! COCOA publishes two JSON files: `configuration.json`, with the weights of the
//! daily summary, and `risk_calculation_configuration.json`, with the conditions
//! for telling the person. A configuration comes from the network and decides
//! whether a person is warned, so one that could silence warnings without anyone
//! noticing is refused, with the reason.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::diagnosis::{DiagnosisKey, ReportType};
use crate::score::{Score, Weight};
use crate::time::DAY_SECONDS;
use crate::window::{Infectiousness, WINDOW_SECONDS};

/// Largest configuration file read, in bytes; COCOA's have about 4000.
pub const MAX_JSON_LEN: usize = 64 * 1024;

/// Everything that turns exposure windows into a verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// Upper bounds, inclusive and ascending, of the buckets immediate, near and
    /// medium, in dB of typical attenuation.
    pub attenuation_thresholds: [u8; 3],
    /// Weights of the buckets immediate, near, medium and other.
    pub bucket_weights: [f64; 4],
    /// Weights by report type.
    pub report_type_weights: ReportTypeWeights,
    /// Weights by infectiousness.
    pub infectiousness_weights: InfectiousnessWeights,
    /// Infectiousness by days since onset.
    pub infectiousness: InfectiousnessByDay,
    /// Windows with a lower score are left out of the daily sums.
    pub minimum_window_score: f64,
    /// When a day is a contact.
    pub contact: ContactThresholds,
}

/// Weights by report type. Recursive keys are never matched; their weight only
/// serves records imported from phones. Revoked keys weigh nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReportTypeWeights {
    /// Weight of a positive test.
    pub confirmed_test: f64,
    /// Weight of a clinician's diagnosis.
    pub confirmed_clinical: f64,
    /// Weight of a self report.
    pub self_report: f64,
    /// Weight of a recursive report.
    pub recursive: f64,
}

/// Weights by infectiousness; [`Infectiousness::None`] weighs nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InfectiousnessWeights {
    /// Weight of standard infectiousness.
    pub standard: f64,
    /// Weight of high infectiousness.
    pub high: f64,
}

/// Infectiousness by days since onset, for −14 to +14 days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfectiousnessByDay {
    /// From 14 days before onset to 14 days after.
    pub days: [Infectiousness; 29],
    /// Where the days are missing or outside −14 to +14.
    pub when_missing: Infectiousness,
}

/// A day is a contact (接触) when both are reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContactThresholds {
    /// Lowest score sum of a contact.
    pub score_sum: f64,
    /// Lowest sum of seconds of a contact.
    pub seconds: u32,
}

impl Default for Configuration {
    /// What COCOA published last: "about 1 m for 15 minutes".
    fn default() -> Self {
        Self {
            attenuation_thresholds: [46, 60, 65],
            bucket_weights: [1.0, 2.5, 1.3, 0.01],
            report_type_weights: ReportTypeWeights {
                confirmed_test: 1.0,
                confirmed_clinical: 1.0,
                self_report: 1.0,
                recursive: 1.0,
            },
            infectiousness_weights: InfectiousnessWeights {
                standard: 1.0,
                high: 1.0,
            },
            infectiousness: InfectiousnessByDay::default(),
            minimum_window_score: 0.0,
            contact: ContactThresholds {
                score_sum: 1350.0,
                seconds: 900,
            },
        }
    }
}

impl Default for InfectiousnessByDay {
    /// High from 3 days before onset to 10 days after, and when not known.
    fn default() -> Self {
        let mut days = [Infectiousness::None; 29];
        for (day, infectiousness) in (FIRST_DAY..).zip(&mut days) {
            if (-3..=10).contains(&day) {
                *infectiousness = Infectiousness::High;
            }
        }
        Self {
            days,
            when_missing: Infectiousness::High,
        }
    }
}

const FIRST_DAY: i32 = -14;
const ONSET: usize = 14;

impl InfectiousnessByDay {
    /// How infectious a person was `days_since_onset` days after onset.
    pub fn on_day(&self, days_since_onset: Option<i32>) -> Infectiousness {
        days_since_onset
            .and_then(|days| usize::try_from(days.checked_sub(FIRST_DAY)?).ok())
            .and_then(|index| self.days.get(index).copied())
            .unwrap_or(self.when_missing)
    }
}

impl Configuration {
    /// How infectious the person of `key` was on the key's day.
    pub fn infectiousness_of(&self, key: &DiagnosisKey) -> Infectiousness {
        self.infectiousness.on_day(key.days_since_onset)
    }

    /// Reads `configuration.json`: everything but the thresholds of a contact,
    /// which stay COCOA's until [`Self::with_risk_calculation_json`].
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigurationError> {
        let file: wire::ExposureConfiguration = parse_json(json)?;
        let summaries = file.google_daily_summaries_config;
        let mapping = file.google_diagnosis_keys_data_mapping_config;
        let configuration = Self {
            attenuation_thresholds: summaries.attenuation_bucket_threshold_db,
            bucket_weights: summaries.attenuation_bucket_weights,
            report_type_weights: ReportTypeWeights {
                confirmed_test: summaries.report_type_weights.confirmed_test,
                confirmed_clinical: summaries.report_type_weights.confirmed_clinical_diagnosis,
                self_report: summaries.report_type_weights.self_report,
                recursive: summaries.report_type_weights.recursive,
            },
            infectiousness_weights: InfectiousnessWeights {
                standard: summaries.infectiousness_weights.standard,
                high: summaries.infectiousness_weights.high,
            },
            infectiousness: InfectiousnessByDay {
                days: days_from_map(&mapping.infectiousness_for_days_since_onset_of_symptoms)?,
                when_missing: infectiousness_from_number(
                    mapping.infectiousness_when_days_since_onset_missing,
                )?,
            },
            minimum_window_score: summaries.minimum_window_score,
            contact: Self::default().contact,
        };
        configuration.validate()?;
        Ok(configuration)
    }

    /// Takes the thresholds of a contact from `risk_calculation_configuration.json`.
    ///
    /// Of the five conditions its format knows, the two COCOA used are spoken,
    /// with `>=`; the others must be `NOP`.
    pub fn with_risk_calculation_json(self, json: &[u8]) -> Result<Self, ConfigurationError> {
        let file: wire::RiskCalculation = parse_json(json)?;
        if file.format_version != 1 {
            return Err(ConfigurationError::FormatVersion(file.format_version));
        }
        for (name, condition) in [
            (
                "DailySummary_DaySummary_WeightedDurationAverage",
                &file.weighted_duration_average,
            ),
            (
                "ExposureWindow_ScanInstance_TypicalAttenuationDb_Max",
                &file.attenuation_max,
            ),
            (
                "ExposureWindow_ScanInstance_TypicalAttenuationDb_Min",
                &file.attenuation_min,
            ),
        ] {
            if condition.op != wire::Operation::Nop {
                return Err(ConfigurationError::UnknownCondition(name));
            }
        }
        let score_sum = at_least("DailySummary_DaySummary_ScoreSum", &file.score_sum)?;
        let seconds = at_least(
            "ExposureWindow_ScanInstance_SecondsSinceLastScanSum",
            &file.seconds,
        )?;
        if score_sum.is_none() && seconds.is_none() {
            return Err(ConfigurationError::NoCondition);
        }
        let configuration = Self {
            contact: ContactThresholds {
                score_sum: score_sum.unwrap_or(0.0),
                seconds: whole_seconds(seconds.unwrap_or(0.0))?,
            },
            ..self
        };
        configuration.validate()?;
        Ok(configuration)
    }

    /// Checks that the values make sense, and that a day next to a person with a
    /// positive test, infectious at the time, would be told as a contact.
    pub fn validate(&self) -> Result<(), ConfigurationError> {
        if !self.attenuation_thresholds.is_sorted() {
            return Err(ConfigurationError::ThresholdsNotAscending);
        }
        let report_types = self.report_type_weights;
        let infectiousness = self.infectiousness_weights;
        let all_weights = self.bucket_weights.into_iter().chain([
            report_types.confirmed_test,
            report_types.confirmed_clinical,
            report_types.self_report,
            report_types.recursive,
            infectiousness.standard,
            infectiousness.high,
        ]);
        for weight in all_weights {
            if !(0.0..=MAX_WEIGHT).contains(&weight) {
                return Err(ConfigurationError::Weight(weight));
            }
        }
        for score in [self.minimum_window_score, self.contact.score_sum] {
            if !score.is_finite() || score < 0.0 {
                return Err(ConfigurationError::Score(score));
            }
        }
        self.check_it_can_warn()
    }

    fn check_it_can_warn(&self) -> Result<(), ConfigurationError> {
        let on_onset = self.infectiousness.days.get(ONSET).copied();
        for assumed in on_onset
            .into_iter()
            .chain([self.infectiousness.when_missing])
        {
            let weights = [
                self.immediate_or_near_weight(),
                self.report_type_weights.confirmed_test,
                self.infectiousness_weights.of(assumed),
            ];
            let score = |seconds: u32| Score::new(seconds.into(), weights.map(Weight::of));
            if score(WINDOW_SECONDS) < Score::of(self.minimum_window_score)
                || score(DAY_SECONDS) < Score::of(self.contact.score_sum)
                || score(1) == Score::default()
                || self.contact.seconds > DAY_SECONDS
            {
                return Err(ConfigurationError::NeverWarns);
            }
        }
        Ok(())
    }

    /// The smaller weight of the two near buckets, for neither may be silent.
    fn immediate_or_near_weight(&self) -> f64 {
        let [immediate, near, _, _] = self.bucket_weights;
        immediate.min(near)
    }
}

impl ReportTypeWeights {
    /// The weight of `report_type`.
    pub const fn of(&self, report_type: ReportType) -> f64 {
        match report_type {
            ReportType::ConfirmedTest => self.confirmed_test,
            ReportType::ConfirmedClinical => self.confirmed_clinical,
            ReportType::SelfReport => self.self_report,
            ReportType::Recursive => self.recursive,
            ReportType::Revoked => 0.0,
        }
    }
}

impl InfectiousnessWeights {
    /// The weight of `infectiousness`.
    pub const fn of(&self, infectiousness: Infectiousness) -> f64 {
        match infectiousness {
            Infectiousness::None => 0.0,
            Infectiousness::Standard => self.standard,
            Infectiousness::High => self.high,
        }
    }
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// It is longer than [`MAX_JSON_LEN`].
    #[error("the configuration is longer than {MAX_JSON_LEN} bytes")]
    TooLong,
    /// It is not JSON of the expected shape.
    #[error("the configuration is not JSON of the expected shape")]
    Json(#[source] serde_json::Error),
    /// A risk calculation file of another format.
    #[error("risk calculation format {0} is not known")]
    FormatVersion(u32),
    /// Attenuation thresholds do not ascend.
    #[error("the attenuation thresholds do not ascend")]
    ThresholdsNotAscending,
    /// A weight outside 0 to 2.5, the range of the format.
    #[error("a weight of {0} is outside 0 to 2.5")]
    Weight(f64),
    /// A score that is negative or not a number.
    #[error("a score of {0} is not possible")]
    Score(f64),
    /// A number of seconds that is negative, not a number, or more than fits.
    #[error("{0} seconds is not possible")]
    Seconds(f64),
    /// An infectiousness other than 0, 1 or 2.
    #[error("infectiousness {0} is not known")]
    Infectiousness(i64),
    /// A day from −14 to +14 has no infectiousness.
    #[error("no infectiousness is given for day {0}")]
    MissingDay(i32),
    /// A condition this project does not speak is in use.
    #[error("the condition {0} is not known with this operation")]
    UnknownCondition(&'static str),
    /// No condition is in use: what is a contact is not said.
    #[error("no condition for a contact is given")]
    NoCondition,
    /// A whole day next to an infectious person would not be told.
    #[error("with these values a whole day next to an infectious person would not be told")]
    NeverWarns,
}

const MAX_WEIGHT: f64 = 2.5;

fn parse_json<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, ConfigurationError> {
    if json.len() > MAX_JSON_LEN {
        return Err(ConfigurationError::TooLong);
    }
    // Editors of the platform COCOA was built on write a byte order mark.
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    serde_json::from_slice(json).map_err(ConfigurationError::Json)
}

fn days_from_map(map: &BTreeMap<i32, i64>) -> Result<[Infectiousness; 29], ConfigurationError> {
    let mut days = [Infectiousness::None; 29];
    for (day, infectiousness) in (FIRST_DAY..).zip(&mut days) {
        let number = map.get(&day).ok_or(ConfigurationError::MissingDay(day))?;
        *infectiousness = infectiousness_from_number(*number)?;
    }
    Ok(days)
}

fn infectiousness_from_number(number: i64) -> Result<Infectiousness, ConfigurationError> {
    i32::try_from(number)
        .ok()
        .and_then(Infectiousness::from_number)
        .ok_or(ConfigurationError::Infectiousness(number))
}

fn at_least(
    name: &'static str,
    condition: &wire::Condition,
) -> Result<Option<f64>, ConfigurationError> {
    match condition.op {
        wire::Operation::Nop => Ok(None),
        wire::Operation::GreaterEqual => Ok(Some(condition.value)),
        wire::Operation::Other => Err(ConfigurationError::UnknownCondition(name)),
    }
}

/// `seconds` rounded up, which is the same condition: sums are whole seconds.
fn whole_seconds(seconds: f64) -> Result<u32, ConfigurationError> {
    if !(0.0..=f64::from(u32::MAX)).contains(&seconds) {
        return Err(ConfigurationError::Seconds(seconds));
    }
    // The range was checked, so this is exact.
    #[expect(
        clippy::as_conversions,
        reason = "there is no TryFrom from floating point"
    )]
    Ok(seconds.ceil() as u32)
}

/// The two files as COCOA's client library wrote them. Fields of other platforms
/// and of version 1 are ignored.
mod wire {
    use super::{BTreeMap, Deserialize};

    #[derive(Deserialize)]
    pub(super) struct ExposureConfiguration {
        pub(super) google_diagnosis_keys_data_mapping_config: Mapping,
        pub(super) google_daily_summaries_config: Summaries,
    }

    #[derive(Deserialize)]
    pub(super) struct Mapping {
        pub(super) infectiousness_for_days_since_onset_of_symptoms: BTreeMap<i32, i64>,
        pub(super) infectiousness_when_days_since_onset_missing: i64,
    }

    #[derive(Deserialize)]
    pub(super) struct Summaries {
        pub(super) attenuation_bucket_threshold_db: [u8; 3],
        pub(super) attenuation_bucket_weights: [f64; 4],
        pub(super) infectiousness_weights: InfectiousnessWeights,
        pub(super) minimum_window_score: f64,
        pub(super) report_type_weights: ReportTypeWeights,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    pub(super) struct InfectiousnessWeights {
        pub(super) high: f64,
        pub(super) standard: f64,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    pub(super) struct ReportTypeWeights {
        pub(super) confirmed_clinical_diagnosis: f64,
        pub(super) confirmed_test: f64,
        pub(super) self_report: f64,
        pub(super) recursive: f64,
    }

    #[derive(Deserialize)]
    pub(super) struct RiskCalculation {
        pub(super) format_version: u32,
        #[serde(rename = "DailySummary_DaySummary_ScoreSum")]
        pub(super) score_sum: Condition,
        #[serde(rename = "DailySummary_DaySummary_WeightedDurationAverage", default)]
        pub(super) weighted_duration_average: Condition,
        #[serde(
            rename = "ExposureWindow_ScanInstance_SecondsSinceLastScanSum",
            default
        )]
        pub(super) seconds: Condition,
        #[serde(
            rename = "ExposureWindow_ScanInstance_TypicalAttenuationDb_Max",
            default
        )]
        pub(super) attenuation_max: Condition,
        #[serde(
            rename = "ExposureWindow_ScanInstance_TypicalAttenuationDb_Min",
            default
        )]
        pub(super) attenuation_min: Condition,
    }

    #[derive(Deserialize, Default)]
    pub(super) struct Condition {
        pub(super) op: Operation,
        pub(super) value: f64,
    }

    #[derive(Deserialize, Default, PartialEq, Eq)]
    pub(super) enum Operation {
        #[default]
        #[serde(rename = "NOP")]
        Nop,
        #[serde(rename = ">=")]
        GreaterEqual,
        #[serde(other)]
        Other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// COCOA's values in the shape COCOA publishes.
    fn cocoa() -> Value {
        let days: serde_json::Map<_, _> = (-14..=14)
            .map(|day| {
                let number = if (-3..=10).contains(&day) { 2 } else { 0 };
                (day.to_string(), json!(number))
            })
            .collect();
        json!({
            "google_exposure_config": { "minimum_risk_score": 21 },
            "google_diagnosis_keys_data_mapping_config": {
                "infectiousness_when_days_since_onset_missing": 2,
                "report_type_when_missing": 1,
                "infectiousness_for_days_since_onset_of_symptoms": days,
            },
            "google_daily_summaries_config": {
                "attenuation_bucket_threshold_db": [46, 60, 65],
                "attenuation_bucket_weights": [1.0, 2.5, 1.3, 0.01],
                "days_since_exposure_threshold": 0,
                "infectiousness_weights": { "High": 1.0, "Standard": 1.0 },
                "minimum_window_score": 0.0,
                "report_type_weights": {
                    "ConfirmedClinicalDiagnosis": 1.0,
                    "ConfirmedTest": 1.0,
                    "SelfReport": 1.0,
                    "Recursive": 1.0,
                },
            },
            "apple_exposure_config_v2": { "immediate_duration_weight": 100.0 },
        })
    }

    fn risk(score_sum: Value, seconds: Value) -> Value {
        let nop = json!({ "op": "NOP", "value": 0.0 });
        json!({
            "format_version": 1,
            "DailySummary_DaySummary_ScoreSum": score_sum,
            "DailySummary_DaySummary_WeightedDurationAverage": nop,
            "ExposureWindow_ScanInstance_SecondsSinceLastScanSum": seconds,
            "ExposureWindow_ScanInstance_TypicalAttenuationDb_Max": nop,
            "ExposureWindow_ScanInstance_TypicalAttenuationDb_Min": nop,
        })
    }

    fn read(value: &Value) -> Result<Configuration, ConfigurationError> {
        Configuration::from_json(value.to_string().as_bytes())
    }

    fn read_risk(value: &Value) -> Result<Configuration, ConfigurationError> {
        Configuration::default().with_risk_calculation_json(value.to_string().as_bytes())
    }

    /// COCOA's values with the one at `pointer` replaced.
    fn with(pointer: &str, value: Value) -> Result<Configuration, ConfigurationError> {
        let mut json = cocoa();
        *json.pointer_mut(pointer).unwrap() = value;
        read(&json)
    }

    #[test]
    fn reads_what_cocoa_publishes_and_has_it_for_default() {
        let configuration = read(&cocoa()).unwrap();
        assert_eq!(configuration, Configuration::default());
        let at_least = |value: f64| json!({ "op": ">=", "value": value });
        let both = read_risk(&risk(at_least(1350.0), at_least(900.0))).unwrap();
        assert_eq!(both, Configuration::default());
        let other = read_risk(&risk(
            at_least(2000.0),
            json!({ "op": "NOP", "value": 0.0 }),
        ))
        .unwrap();
        assert_eq!(
            other.contact,
            ContactThresholds {
                score_sum: 2000.0,
                seconds: 0
            }
        );
        let fraction = read_risk(&risk(at_least(1.0), at_least(899.5))).unwrap();
        assert_eq!(fraction.contact.seconds, 900);
        let with_mark = [b"\xef\xbb\xbf", cocoa().to_string().as_bytes()].concat();
        assert!(Configuration::from_json(&with_mark).is_ok());
    }

    #[test]
    fn infectiousness_by_days_since_onset() {
        let default = InfectiousnessByDay::default();
        for (days, expected) in [
            (None, Infectiousness::High),
            (Some(i32::MIN), Infectiousness::High),
            (Some(-15), Infectiousness::High),
            (Some(-14), Infectiousness::None),
            (Some(-4), Infectiousness::None),
            (Some(-3), Infectiousness::High),
            (Some(10), Infectiousness::High),
            (Some(11), Infectiousness::None),
            (Some(14), Infectiousness::None),
            (Some(15), Infectiousness::High),
            (Some(i32::MAX), Infectiousness::High),
        ] {
            assert_eq!(default.on_day(days), expected, "{days:?}");
        }
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        use ConfigurationError as E;
        let summaries = "/google_daily_summaries_config";
        let mapping = "/google_diagnosis_keys_data_mapping_config";
        let days = format!("{mapping}/infectiousness_for_days_since_onset_of_symptoms");
        macro_rules! refused {
            ($pointer:expr, $value:tt, $error:pat) => {
                let result = with(&$pointer, json!($value));
                assert!(matches!(result, Err($error)), "{}: {result:?}", $pointer);
            };
        }
        let thresholds = format!("{summaries}/attenuation_bucket_threshold_db");
        refused!(thresholds, [60, 46, 65], E::ThresholdsNotAscending);
        refused!(thresholds, [46, 60], E::Json(_));
        refused!(thresholds, [46, 60, 256], E::Json(_));
        refused!(thresholds, [-1, 60, 65], E::Json(_));
        let weights = format!("{summaries}/attenuation_bucket_weights");
        refused!(weights, [1.0, -2.5, 1.3, 0.01], E::Weight(_));
        refused!(weights, [1.0, 2.6, 1.3, 0.01], E::Weight(_));
        refused!(
            format!("{summaries}/report_type_weights/SelfReport"),
            3.0,
            E::Weight(_)
        );
        refused!(
            format!("{summaries}/minimum_window_score"),
            (-1.0),
            E::Score(_)
        );
        refused!(
            format!("{mapping}/infectiousness_when_days_since_onset_missing"),
            3,
            E::Infectiousness(3)
        );
        refused!(format!("{days}/0"), (-1), E::Infectiousness(-1));
        refused!(days, { "0": 2 }, E::MissingDay(-14));
        assert!(matches!(Configuration::from_json(b""), Err(E::Json(_))));
        let long = vec![b' '; MAX_JSON_LEN + 1];
        assert!(matches!(Configuration::from_json(&long), Err(E::TooLong)));
    }

    #[test]
    fn refuses_what_would_silence() {
        let summaries = "/google_daily_summaries_config";
        let mapping = "/google_diagnosis_keys_data_mapping_config";
        for (pointer, value) in [
            ("/attenuation_bucket_weights", json!([0.0, 0.0, 0.0, 0.0])),
            ("/attenuation_bucket_weights", json!([1.0, 0.0, 1.3, 0.01])),
            (
                "/attenuation_bucket_weights",
                json!([0.01, 0.01, 0.01, 0.01]),
            ),
            ("/report_type_weights/ConfirmedTest", json!(0.0)),
            ("/infectiousness_weights/High", json!(0.0)),
            ("/minimum_window_score", json!(1_801.0)),
        ] {
            let result = with(&format!("{summaries}{pointer}"), value);
            assert!(
                matches!(result, Err(ConfigurationError::NeverWarns)),
                "{pointer}"
            );
        }
        let mut without_score = Configuration::default();
        without_score.contact.score_sum = 0.0;
        assert!(without_score.validate().is_ok());
        without_score.report_type_weights.confirmed_test = 0.0;
        let result = without_score.validate();
        assert!(matches!(result, Err(ConfigurationError::NeverWarns)));
        for pointer in [
            "/infectiousness_when_days_since_onset_missing",
            "/infectiousness_for_days_since_onset_of_symptoms/0",
        ] {
            let result = with(&format!("{mapping}{pointer}"), json!(0));
            assert!(
                matches!(result, Err(ConfigurationError::NeverWarns)),
                "{pointer}"
            );
        }
    }

    #[test]
    fn refuses_conditions_it_does_not_speak() {
        use ConfigurationError as E;
        let good = json!({ "op": ">=", "value": 900.0 });
        let nop = json!({ "op": "NOP", "value": 0.0 });
        for op in ["=", ">", "<", "<=", "", "nop"] {
            let other = json!({ "op": op, "value": 900.0 });
            let json = risk(other.clone(), good.clone());
            assert!(
                matches!(read_risk(&json), Err(E::UnknownCondition(_))),
                "{op}"
            );
            let json = risk(good.clone(), other.clone());
            assert!(
                matches!(read_risk(&json), Err(E::UnknownCondition(_))),
                "{op}"
            );
        }
        for name in [
            "DailySummary_DaySummary_WeightedDurationAverage",
            "ExposureWindow_ScanInstance_TypicalAttenuationDb_Max",
            "ExposureWindow_ScanInstance_TypicalAttenuationDb_Min",
        ] {
            let mut json = risk(good.clone(), good.clone());
            json[name] = good.clone();
            assert!(matches!(read_risk(&json), Err(E::UnknownCondition(n)) if n == name));
        }
        assert!(matches!(
            read_risk(&risk(nop.clone(), nop.clone())),
            Err(E::NoCondition)
        ));
        let mut later = risk(good.clone(), nop.clone());
        later["format_version"] = json!(2);
        assert!(matches!(read_risk(&later), Err(E::FormatVersion(2))));
        for (score_sum, seconds) in [(86_401.0, 900.0), (1350.0, 86_401.0)] {
            let json = risk(
                json!({ "op": ">=", "value": score_sum }),
                json!({ "op": ">=", "value": seconds }),
            );
            assert!(
                matches!(read_risk(&json), Err(E::NeverWarns)),
                "{score_sum} {seconds}"
            );
        }
        let json = risk(good.clone(), json!({ "op": ">=", "value": -1.0 }));
        assert!(matches!(read_risk(&json), Err(E::Seconds(_))));
        let json = risk(json!({ "op": ">=", "value": -1.0 }), good);
        assert!(matches!(read_risk(&json), Err(E::Score(_))));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), number: f64, at in 0..4_usize) {
            let _ = Configuration::from_json(&bytes);
            let _ = Configuration::default().with_risk_calculation_json(&bytes);
            let mut weights = [1.0; 4];
            weights[at] = number;
            let _ = with("/google_daily_summaries_config/attenuation_bucket_weights", json!(weights));
            let _ = read_risk(&risk(json!({ "op": ">=", "value": number }), json!({ "op": ">=", "value": number })));
        }
    }
}
