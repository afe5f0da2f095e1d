//! Exposure windows as phones record them and apps export them: the JSON of the
//! ExposureWindow API, and the same with capitalised names, as COCOA 2 saves it.

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};

use crate::config::Configuration;
use crate::diagnosis::ReportType;
use crate::time::{DAY_SECONDS, UtcDay};
use crate::window::{ExposureWindow, Infectiousness, ScanInstance};

/// One window as a phone records it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhoneWindow {
    /// 00:00 UTC of its day, in milliseconds since the epoch.
    #[serde(alias = "DateMillisSinceEpoch", deserialize_with = "whole")]
    pub date_millis_since_epoch: i64,
    /// Number of its report type; 0 when unknown.
    #[serde(default, alias = "ReportType", deserialize_with = "small_or_zero")]
    pub report_type: i32,
    /// Number of its infectiousness; early versions leave it out.
    #[serde(default, alias = "Infectiousness", deserialize_with = "small_or_none")]
    pub infectiousness: Option<i32>,
    /// Its scans.
    #[serde(alias = "ScanInstances")]
    pub scan_instances: Vec<PhoneScanInstance>,
}

/// One scan of a [`PhoneWindow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhoneScanInstance {
    /// Mean attenuation in dB.
    #[serde(alias = "TypicalAttenuationDb", deserialize_with = "whole")]
    pub typical_attenuation_db: i64,
    /// Smallest attenuation in dB.
    #[serde(alias = "MinAttenuationDb", deserialize_with = "whole")]
    pub min_attenuation_db: i64,
    /// How long the scan stands for, in seconds. Phones of one maker write
    /// numbers that are no whole minutes, and more than 300. A negative one, of a
    /// phone whose clock was set back, counts as 0.
    #[serde(alias = "SecondsSinceLastScan", deserialize_with = "whole")]
    pub seconds_since_last_scan: i64,
}

impl PhoneWindow {
    /// How many of its scans stand for a negative time, which counts as none.
    pub fn negative_scans(&self) -> usize {
        let negative = |scan: &&PhoneScanInstance| scan.seconds_since_last_scan < 0;
        self.scan_instances.iter().filter(negative).count()
    }

    /// The window, for [`crate::risk`]. Its start is its day's, for phones tell
    /// no more. A missing infectiousness is the configured default.
    pub fn into_window(self, configuration: &Configuration) -> Result<ExposureWindow, ImportError> {
        let date = day_of(self.date_millis_since_epoch)
            .ok_or(ImportError::Date(self.date_millis_since_epoch))?;
        let infectiousness = match self.infectiousness {
            None => configuration.infectiousness.when_missing,
            Some(number) => {
                Infectiousness::from_number(number).ok_or(ImportError::Infectiousness(number))?
            }
        };
        let instances = self
            .scan_instances
            .into_iter()
            .map(PhoneScanInstance::into_instance)
            .collect::<Result<_, _>>()?;
        Ok(ExposureWindow {
            date,
            start: date.start(),
            report_type: ReportType::from_number(self.report_type),
            infectiousness,
            instances,
        })
    }
}

impl PhoneScanInstance {
    fn into_instance(self) -> Result<ScanInstance, ImportError> {
        Ok(ScanInstance {
            typical_attenuation: attenuation(self.typical_attenuation_db),
            minimum_attenuation: attenuation(self.min_attenuation_db),
            seconds_since_last_scan: u16::try_from(self.seconds_since_last_scan.max(0))
                .map_err(|_| ImportError::Seconds(self.seconds_since_last_scan))?,
        })
    }
}

/// Why a phone's record is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// A date before 1970 or after 2106.
    #[error("a window's date, {0} ms since the epoch, is out of range")]
    Date(i64),
    /// An infectiousness other than 0, 1 or 2.
    #[error("infectiousness {0} is not known")]
    Infectiousness(i32),
    /// A duration of more than 18 hours.
    #[error("{0} seconds since the last scan is not possible")]
    Seconds(i64),
}

fn day_of(millis: i64) -> Option<UtcDay> {
    let days = millis.div_euclid(1000 * i64::from(DAY_SECONDS));
    let days = u32::try_from(days).ok()?;
    (days <= u32::MAX / DAY_SECONDS).then(|| UtcDay::new(days))
}

/// A whole number, also where it is written as a fraction: languages with one kind
/// of number write 300 as `300.0`.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Whole(i64),
        Fraction(f64),
    }
    /// Up to here every whole number has a floating-point number of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;

    match Number::deserialize(deserializer)? {
        Number::Whole(number) => Ok(number),
        Number::Fraction(number) if number.fract() == 0.0 && number.abs() <= EXACT => {
            // The check makes this exact.
            #[expect(
                clippy::as_conversions,
                reason = "there is no TryFrom from floating point"
            )]
            Ok(number as i64)
        }
        Number::Fraction(number) => Err(D::Error::invalid_value(
            Unexpected::Float(number),
            &"a whole number",
        )),
    }
}

/// A small whole number, or `None` for null.
fn small_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i32>, D::Error> {
    #[derive(Deserialize)]
    struct Whole(#[serde(deserialize_with = "whole")] i64);

    Option::<Whole>::deserialize(deserializer)?
        .map(|Whole(number)| {
            i32::try_from(number).map_err(|_| {
                D::Error::invalid_value(Unexpected::Signed(number), &"a small whole number")
            })
        })
        .transpose()
}

/// A small whole number, 0 for null.
fn small_or_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    small_or_none(deserializer).map(Option::unwrap_or_default)
}

/// Attenuations beyond a byte are held at its ends, which lie in the first and
/// the last bucket as they do.
fn attenuation(db: i64) -> u8 {
    u8::try_from(db.clamp(0, 255)).expect("the range was just held to a byte's")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_a_phones_record() {
        let json = r#"{"dateMillisSinceEpoch":1596240000000,"reportType":1,
            "scanInstances":[{"typicalAttenuationDb":40,"minAttenuationDb":-3,"secondsSinceLastScan":421}]}"#;
        let window: PhoneWindow = serde_json::from_str(json).unwrap();
        let window = window.into_window(&Configuration::default()).unwrap();
        assert_eq!(window.date.to_string(), "2020-08-01");
        assert_eq!(window.infectiousness, Infectiousness::High);
        assert_eq!(window.report_type, ReportType::ConfirmedTest);
        assert_eq!(
            window.instances,
            [ScanInstance {
                typical_attenuation: 40,
                minimum_attenuation: 0,
                seconds_since_last_scan: 421
            }]
        );
    }

    #[test]
    fn reads_numbers_however_they_are_written() {
        let record = |date: &str, report: &str, seconds: &str| {
            format!(
                r#"{{"dateMillisSinceEpoch":{date},"reportType":{report},"infectiousness":{report},
                "calibrationConfidence":2,"scanInstances":[{{"typicalAttenuationDb":40.0,
                "minAttenuationDb":40,"secondsSinceLastScan":{seconds}}}]}}"#
            )
        };
        let read = |json: String| serde_json::from_str::<PhoneWindow>(&json);
        let plain = read(record("1596240000000", "1", "300")).unwrap();
        for json in [
            record("1596240000000.0", "1.0", "300.0"),
            record("1.59624e12", "1", "3e2"),
        ] {
            assert_eq!(read(json).unwrap(), plain);
        }
        let unknown = read(record("1596240000000", "null", "300")).unwrap();
        assert_eq!((unknown.report_type, unknown.infectiousness), (0, None));
        for (date, report, seconds) in [
            ("1596240000000", "1", "300.5"),
            ("1e300", "1", "300"),
            ("null", "1", "300"),
            ("\"1596240000000\"", "1", "300"),
            ("1596240000000", "4294967297", "300"),
        ] {
            let json = record(date, report, seconds);
            assert!(read(json.clone()).is_err(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(date: i64, report: i32, inf: Option<i32>, a: i64, b: i64, s: i64) {
            let window = PhoneWindow {
                date_millis_since_epoch: date,
                report_type: report,
                infectiousness: inf,
                scan_instances: vec![PhoneScanInstance {
                    typical_attenuation_db: a,
                    min_attenuation_db: b,
                    seconds_since_last_scan: s,
                }],
            };
            let _ = window.into_window(&Configuration::default());
        }
    }
}
