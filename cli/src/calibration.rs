//! What measurements of a phone at one metre say about this device's radio. Pure.

use serde::Serialize;
use sesshoku_dbus_api::Measurement;

use crate::text::Text;
use sesshoku_i18n::args;

/// Attenuation between calibrated devices one metre apart, in dB: the median of the
/// model of docs/protocol.md §7, e^3.92.
pub(crate) const ATTENUATION_AT_ONE_METRE: i16 = 50;

/// Fewer samples of a turn than these could be chance.
const FEWEST_SAMPLES: usize = 10;
/// A turn's samples lie closer together than this, in dB, unless something moves.
const STEADY_WITHIN: i16 = 8;
/// So much weaker, in dB, has any other phone to be.
const OTHERS_BELOW: i16 = 10;
/// So far apart, in dB, may the turns be: antennas have a best side.
const TURNS_WITHIN: i16 = 12;

/// What the radio is taken for, and where that is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Current {
    pub(crate) model: Option<String>,
    pub(crate) tx_power: i16,
    pub(crate) tx_power_source: String,
    pub(crate) confidence: u8,
    pub(crate) rssi_correction: i16,
    pub(crate) rssi_correction_source: String,
}

/// What came of it all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    pub(crate) current: Current,
    pub(crate) turns: Vec<Turn>,
    /// The mean of the turns' medians, in dBm, as the radio reports it.
    pub(crate) median: Option<i16>,
    /// The same with the correction that holds at present: what another device may be
    /// told that is heard here.
    pub(crate) corrected: Option<i16>,
    /// Why nothing can be concluded.
    pub(crate) problem: Option<Problem>,
    /// What to set.
    pub(crate) settings: Option<Settings>,
    /// The file it was written to.
    pub(crate) written: Option<String>,
}

/// One measurement, with the phone in one position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Turn {
    pub(crate) samples: usize,
    pub(crate) median: Option<i16>,
    /// From the first to the third quartile, in dB.
    pub(crate) spread: Option<i16>,
    pub(crate) others: u32,
    pub(crate) strongest_other: Option<i16>,
    pub(crate) problem: Option<Problem>,
}

/// Why a measurement is no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Problem {
    /// Nobody was heard.
    NobodyHeard,
    /// Too few samples.
    TooFewSamples,
    /// The samples lie too far apart.
    Unsteady,
    /// Another phone is nearly as strong.
    AnotherNear,
    /// The turns lie too far apart.
    TurnsDiffer,
    /// What comes out is beyond what can be set.
    OutOfRange,
}

impl Problem {
    fn key(self) -> &'static str {
        match self {
            Self::NobodyHeard => "calibrate-nobody-heard",
            Self::TooFewSamples => "calibrate-too-few-samples",
            Self::Unsteady => "calibrate-unsteady",
            Self::AnotherNear => "calibrate-another-near",
            Self::TurnsDiffer => "calibrate-turns-differ",
            Self::OutOfRange => "calibrate-out-of-range",
        }
    }
}

/// Settings of the daemon's section `calibration`, to be added to those that are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tx_power: Option<i16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) confidence: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rssi_correction: Option<i16>,
}

impl Settings {
    /// As lines of the file.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |name: &str, value: Option<i16>| value.map(|it| format!("{name} = {it}"));
        [
            Some("[calibration]".to_owned()),
            line("tx_power", self.tx_power),
            line("confidence", self.confidence.map(i16::from)),
            line("rssi_correction", self.rssi_correction),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl Turn {
    /// Judges one measurement.
    pub(crate) fn of(measurement: &Measurement) -> Self {
        let mut samples = measurement.samples.clone();
        samples.sort_unstable();
        let at = |quarter: usize| {
            let last = samples.len().checked_sub(1)?;
            samples.get((last * quarter + 2) / 4).copied()
        };
        let median = at(2);
        let spread = at(3).zip(at(1)).map(|(high, low)| high - low);
        let is_near = |other: i16| median.is_some_and(|median| other > median - OTHERS_BELOW);
        let problem = if samples.is_empty() {
            Some(Problem::NobodyHeard)
        } else if measurement.strongest_other.is_some_and(is_near) {
            Some(Problem::AnotherNear)
        } else if samples.len() < FEWEST_SAMPLES {
            Some(Problem::TooFewSamples)
        } else if spread.is_some_and(|spread| spread > STEADY_WITHIN) {
            Some(Problem::Unsteady)
        } else {
            None
        };
        Self {
            samples: samples.len(),
            median,
            spread,
            others: measurement.others,
            strongest_other: measurement.strongest_other,
            problem,
        }
    }
}

impl Report {
    /// What follows from `turns` with a phone that should be heard at `expected` dBm;
    /// where nobody knows how it should be heard, only how it is.
    pub(crate) fn of_phone(current: Current, turns: Vec<Turn>, expected: Option<i16>) -> Self {
        let medians: Vec<i16> = turns.iter().filter_map(|turn| turn.median).collect();
        let median = mean(&medians);
        let range = medians.iter().max().zip(medians.iter().min());
        let differ = range.is_some_and(|(most, least)| most - least > TURNS_WITHIN);
        let mut problem = turns.iter().find_map(|turn| turn.problem);
        problem = problem.or(differ.then_some(Problem::TurnsDiffer));
        let correction = expected.zip(median).map(|(expected, is)| expected - is);
        if correction.is_some_and(|correction| !(-30..=30).contains(&correction)) {
            problem = problem.or(Some(Problem::OutOfRange));
        }
        let rssi_correction = correction.filter(|_| problem.is_none());
        Self {
            corrected: median.map(|median| median + current.rssi_correction),
            current,
            turns,
            median,
            problem,
            settings: rssi_correction.map(|correction| Settings {
                rssi_correction: Some(correction),
                ..Settings::default()
            }),
            written: None,
        }
    }

    /// What follows when a calibrated device one metre away hears this one at
    /// `heard_at` dBm.
    pub(crate) fn of_being_heard(current: Current, heard_at: i16) -> Self {
        let tx_power = heard_at + ATTENUATION_AT_ONE_METRE;
        let is_possible = (-50..=20).contains(&tx_power);
        Self {
            current,
            turns: Vec::new(),
            median: None,
            corrected: None,
            problem: (!is_possible).then_some(Problem::OutOfRange),
            settings: is_possible.then_some(Settings {
                tx_power: Some(tx_power),
                // One device, measured by hand (docs/calibration.md).
                confidence: Some(1),
                rssi_correction: None,
            }),
            written: None,
        }
    }
}

/// Rounded to the nearest, halves down.
fn mean(values: &[i16]) -> Option<i16> {
    let count = i32::try_from(values.len()).ok().filter(|it| *it > 0)?;
    let sum: i32 = values.iter().copied().map(i32::from).sum();
    i16::try_from((2 * sum + count - 1).div_euclid(2 * count)).ok()
}

impl Text {
    /// What the radio is taken for.
    pub(crate) fn calibration(&self, current: &Current) -> String {
        let source = |name: &str| self.catalogue().name("calibration", name);
        let model = match &current.model {
            Some(model) => self.say("calibrate-model", &args! { "model" => model.as_str() }),
            None => self.catalogue().text("calibrate-no-model"),
        };
        let power = args! {
            "power" => i64::from(current.tx_power),
            "confidence" => i64::from(current.confidence),
            "source" => source(&current.tx_power_source),
        };
        let correction = args! {
            "correction" => i64::from(current.rssi_correction),
            "source" => source(&current.rssi_correction_source),
        };
        [
            model,
            self.say("calibrate-power", &power),
            self.say("calibrate-correction", &correction),
        ]
        .join("\n")
    }

    /// What one position gave.
    pub(crate) fn turn(&self, turn: &Turn) -> String {
        let heard = match (turn.median, turn.spread) {
            (Some(median), Some(spread)) => self.say(
                "calibrate-heard",
                &args! {
                    "median" => i64::from(median),
                    "spread" => i64::from(spread),
                    "samples" => turn.samples,
                },
            ),
            _ => String::new(),
        };
        let problem = turn.problem.map(|problem| self.problem(problem));
        let lines = [heard, problem.unwrap_or_default()];
        lines
            .into_iter()
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// What came of it.
    pub(crate) fn calibrated(&self, report: &Report) -> String {
        let mut lines = Vec::new();
        if let (Some(median), Some(corrected)) = (report.median, report.corrected) {
            let heard = args! {
                "median" => i64::from(median),
                "corrected" => i64::from(corrected),
            };
            lines.push(self.say("calibrate-result", &heard));
        }
        if let Some(problem) = report.problem {
            lines.push(self.problem(problem));
            lines.push(self.catalogue().text("calibrate-unusable"));
        } else if report.settings.is_none() {
            lines.push(self.catalogue().text("calibrate-nothing-expected"));
        }
        if let Some(settings) = &report.settings {
            lines.push(match &report.written {
                Some(path) => self.say("calibrate-written", &args! { "path" => path.as_str() }),
                None => self.catalogue().text("calibrate-to-write"),
            });
            lines.push(String::new());
            lines.extend(settings.lines());
            lines.push(String::new());
            lines.push(self.catalogue().text("calibrate-restart"));
        }
        lines.join("\n")
    }

    fn problem(&self, problem: Problem) -> String {
        self.catalogue().text(problem.key())
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use sesshoku_i18n::{Catalogue, Language};

    use super::*;

    fn current() -> Current {
        Current {
            model: Some("Purism Librem 5".into()),
            tx_power: -20,
            tx_power_source: "default".into(),
            confidence: 0,
            rssi_correction: 2,
            rssi_correction_source: "configured".into(),
        }
    }

    fn measurement(samples: &[i16], strongest_other: Option<i16>) -> Measurement {
        Measurement {
            samples: samples.to_vec(),
            others: u32::from(strongest_other.is_some()),
            strongest_other,
        }
    }

    fn steady(around: i16) -> Turn {
        let samples: Vec<i16> = (0..20).map(|n| around + n % 3 - 1).collect();
        Turn::of(&measurement(&samples, Some(around - 20)))
    }

    #[test]
    fn a_turn_is_judged_by_what_could_be_wrong_with_it() {
        let good = steady(-62);
        assert_eq!(
            (good.samples, good.median, good.spread),
            (20, Some(-62), Some(2))
        );
        assert_eq!(good.problem, None);

        let problem = |samples: &[i16], other| Turn::of(&measurement(samples, other)).problem;
        assert_eq!(problem(&[], None), Some(Problem::NobodyHeard));
        assert_eq!(problem(&[-60; 9], None), Some(Problem::TooFewSamples));
        assert_eq!(problem(&[-60; 10], None), None);
        assert_eq!(problem(&[-60; 10], Some(-69)), Some(Problem::AnotherNear));
        assert_eq!(problem(&[-60; 10], Some(-70)), None);
        let unsteady: Vec<i16> = (0..20).map(|n| -80 + 2 * n).collect();
        assert_eq!(problem(&unsteady, None), Some(Problem::Unsteady));
    }

    #[test]
    fn the_correction_is_what_lacks_from_the_expected() {
        let turns = vec![steady(-62), steady(-66), steady(-61), steady(-65)];
        let report = Report::of_phone(current(), turns, Some(-70));
        // The mean is −63.5.
        assert_eq!((report.median, report.corrected), (Some(-64), Some(-62)));
        assert_eq!(report.problem, None);
        let settings = report.settings.unwrap();
        assert_eq!(settings.lines(), ["[calibration]", "rssi_correction = -6"]);

        let unknown = Report::of_phone(current(), vec![steady(-62)], None);
        assert_eq!((unknown.problem, unknown.settings), (None, None));
    }

    #[test]
    fn nothing_is_concluded_from_what_is_no_use() {
        let report = |turns, expected| Report::of_phone(current(), turns, Some(expected));
        let differ = report(vec![steady(-60), steady(-73)], -70);
        assert_eq!(
            (differ.problem, differ.settings),
            (Some(Problem::TurnsDiffer), None)
        );
        let far = report(vec![steady(-60)], -91);
        assert_eq!(
            (far.problem, far.settings),
            (Some(Problem::OutOfRange), None)
        );
        let nobody = report(vec![Turn::of(&measurement(&[], None))], -70);
        assert_eq!(
            (nobody.problem, nobody.median),
            (Some(Problem::NobodyHeard), None)
        );
    }

    #[test]
    fn what_another_hears_is_the_transmit_power() {
        let report = Report::of_being_heard(current(), -68);
        let lines = report.settings.unwrap().lines();
        assert_eq!(lines, ["[calibration]", "tx_power = -18", "confidence = 1"]);
        assert_eq!(Report::of_being_heard(current(), -101).settings, None);
    }

    #[test]
    fn means_are_rounded_to_the_nearest() {
        for (values, expected) in [
            (&[-60_i16, -61, -61][..], Some(-61)),
            (&[-60, -60, -61], Some(-60)),
            (&[-60, -61], Some(-61)),
            (&[-60], Some(-60)),
            (&[], None),
        ] {
            assert_eq!(mean(values), expected, "{values:?}");
        }
    }

    #[test]
    fn a_calibration_in_every_language() {
        let turns = vec![steady(-62), Turn::of(&measurement(&[-60; 3], Some(-61)))];
        let mut good = Report::of_phone(current(), vec![steady(-62)], Some(-70));
        good.written = Some("/etc/sesshoku/sesshokud.toml.d/50-calibration.toml".into());
        for language in Language::ALL {
            let text = Text::new(Catalogue::new(language), TimeZone::UTC);
            let mut shown = vec![text.calibration(&current())];
            shown.extend(turns.iter().map(|turn| text.turn(turn)));
            shown.push(text.calibrated(&Report::of_phone(current(), turns.clone(), Some(-70))));
            shown.push(text.calibrated(&good));
            shown.push(text.calibrated(&Report::of_being_heard(current(), -68)));
            insta::assert_snapshot!(language.tag(), shown.join("\n---\n"));
        }
    }
}
