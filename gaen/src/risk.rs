//! Windows weighed into days: the daily summary, version 2, and the verdict
//! (docs/protocol.md §5, §7).
//!
//! The transmission risk level of a key plays no part here, nor anywhere else.

use std::collections::BTreeMap;

use crate::config::Configuration;
use crate::diagnosis::ReportType;
use crate::score::{Score, Weight};
use crate::time::UtcDay;
use crate::window::{ExposureWindow, ScanInstance};

/// One UTC day's exposures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DaySummary {
    /// The day.
    pub date: UtcDay,
    /// Sum of the scores of its windows, without those below the minimum.
    pub score_sum: f64,
    /// Highest score of one of its windows.
    pub maximum_score: f64,
    /// Sum of the weighted durations of its windows in seconds, without the
    /// weights of report type and infectiousness, without windows below the
    /// minimum score.
    pub weighted_duration_sum: f64,
    /// Seconds of all its scan instances, however far away: what COCOA compares
    /// with 900.
    pub seconds: u64,
    /// Seconds of its instances that were nearer than the bucket "other".
    pub near_seconds: u64,
    /// How many windows it has.
    pub windows: usize,
    /// Whether it is a contact (接触).
    pub contact: bool,
}

impl DaySummary {
    /// The score as COCOA displayed it: 100 is the least of a contact.
    pub fn displayed_score(&self, configuration: &Configuration) -> f64 {
        if configuration.contact.score_sum > 0.0 {
            self.score_sum / configuration.contact.score_sum * 100.0
        } else {
            self.score_sum
        }
    }
}

/// How near an instance was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    /// Up to the first threshold.
    Immediate,
    /// Up to the second.
    Near,
    /// Up to the third.
    Medium,
    /// Beyond.
    Other,
}

/// The bucket of a typical attenuation in dB.
pub const fn bucket(typical_attenuation: u8, configuration: &Configuration) -> Bucket {
    let [immediate, near, medium] = configuration.attenuation_thresholds;
    if typical_attenuation <= immediate {
        Bucket::Immediate
    } else if typical_attenuation <= near {
        Bucket::Near
    } else if typical_attenuation <= medium {
        Bucket::Medium
    } else {
        Bucket::Other
    }
}

/// The score of one window: its weighted duration, times the weights of its
/// report type and infectiousness.
pub fn window_score(window: &ExposureWindow, configuration: &Configuration) -> f64 {
    score(window, configuration).points()
}

/// The summary of each UTC day that has windows, in order of days.
///
/// Windows of revoked keys are left out entirely. Sums are whole numbers of the least
/// part of a point: the order of windows changes nothing, and a day is a contact where
/// its score is, in decimals, what a contact takes.
pub fn day_summaries<'a>(
    windows: impl IntoIterator<Item = &'a ExposureWindow>,
    configuration: &Configuration,
) -> Vec<DaySummary> {
    let mut days: BTreeMap<UtcDay, Sums> = BTreeMap::new();
    for window in windows {
        if window.report_type != ReportType::Revoked {
            let day = days.entry(window.date).or_default();
            day.add(window, configuration);
        }
    }
    days.into_iter()
        .map(|(date, day)| day.summary(date, configuration))
        .collect()
}

/// A day's sums so far.
#[derive(Default)]
struct Sums {
    score: Score,
    maximum_score: Score,
    weighted_duration: Score,
    seconds: u64,
    near_seconds: u64,
    windows: usize,
}

impl Sums {
    fn add(&mut self, window: &ExposureWindow, configuration: &Configuration) {
        self.windows += 1;
        for instance in &window.instances {
            let seconds = u64::from(instance.seconds_since_last_scan);
            self.seconds += seconds;
            if bucket(instance.typical_attenuation, configuration) != Bucket::Other {
                self.near_seconds += seconds;
            }
        }
        let score = score(window, configuration);
        if score >= Score::of(configuration.minimum_window_score) {
            self.score = self.score + score;
            self.maximum_score = self.maximum_score.max(score);
            self.weighted_duration = self.weighted_duration
                + weighted_duration(&window.instances, [Weight::ONE, Weight::ONE], configuration);
        }
    }

    fn summary(self, date: UtcDay, configuration: &Configuration) -> DaySummary {
        let contact = configuration.contact;
        DaySummary {
            date,
            score_sum: self.score.points(),
            maximum_score: self.maximum_score.points(),
            weighted_duration_sum: self.weighted_duration.points(),
            seconds: self.seconds,
            near_seconds: self.near_seconds,
            windows: self.windows,
            contact: self.score >= Score::of(contact.score_sum)
                && self.seconds >= u64::from(contact.seconds),
        }
    }
}

fn score(window: &ExposureWindow, configuration: &Configuration) -> Score {
    let weights = [
        configuration.report_type_weights.of(window.report_type),
        configuration
            .infectiousness_weights
            .of(window.infectiousness),
    ];
    weighted_duration(&window.instances, weights.map(Weight::of), configuration)
}

/// The seconds of `instances`, times the weights of their buckets, times `weights`.
fn weighted_duration(
    instances: &[ScanInstance],
    weights: [Weight; 2],
    configuration: &Configuration,
) -> Score {
    let [first, second] = weights;
    instances
        .iter()
        .map(|instance| {
            let [immediate, near, medium, other] = configuration.bucket_weights;
            let weight = match bucket(instance.typical_attenuation, configuration) {
                Bucket::Immediate => immediate,
                Bucket::Near => near,
                Bucket::Medium => medium,
                Bucket::Other => other,
            };
            let seconds = instance.seconds_since_last_scan.into();
            Score::new(seconds, [Weight::of(weight), first, second])
        })
        .sum()
}
