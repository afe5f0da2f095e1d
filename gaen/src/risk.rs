//! Windows weighed into days: the daily summary, version 2, and the verdict
//! (protocol §5, §7).
//!
//! The transmission risk level of a key plays no part here, nor anywhere else.

use std::collections::BTreeMap;

use crate::config::Configuration;
use crate::diagnosis::ReportType;
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
    weighted_duration(&window.instances, configuration)
        * configuration.report_type_weights.of(window.report_type)
        * configuration
            .infectiousness_weights
            .of(window.infectiousness)
}

/// The summary of each UTC day that has windows, in order of days.
///
/// Windows of revoked keys are left out entirely. The order of windows does not
/// matter, except to the last bits of the sums.
pub fn day_summaries<'a>(
    windows: impl IntoIterator<Item = &'a ExposureWindow>,
    configuration: &Configuration,
) -> Vec<DaySummary> {
    let mut days: BTreeMap<UtcDay, DaySummary> = BTreeMap::new();
    for window in windows {
        if window.report_type == ReportType::Revoked {
            continue;
        }
        let day = days.entry(window.date).or_insert(DaySummary {
            date: window.date,
            score_sum: 0.0,
            maximum_score: 0.0,
            weighted_duration_sum: 0.0,
            seconds: 0,
            near_seconds: 0,
            windows: 0,
            contact: false,
        });
        day.windows += 1;
        for instance in &window.instances {
            let seconds = u64::from(instance.seconds_since_last_scan);
            day.seconds += seconds;
            if bucket(instance.typical_attenuation, configuration) != Bucket::Other {
                day.near_seconds += seconds;
            }
        }
        let score = window_score(window, configuration);
        if score >= configuration.minimum_window_score {
            day.score_sum += score;
            day.maximum_score = day.maximum_score.max(score);
            day.weighted_duration_sum += weighted_duration(&window.instances, configuration);
        }
    }
    days.into_values()
        .map(|day| DaySummary {
            contact: is_contact(day.score_sum, day.seconds, configuration),
            ..day
        })
        .collect()
}

fn is_contact(score_sum: f64, seconds: u64, configuration: &Configuration) -> bool {
    score_sum >= configuration.contact.score_sum
        && seconds >= u64::from(configuration.contact.seconds)
}

/// Seconds are added up per bucket before they are weighed, as in the reference:
/// whole numbers add exactly, so that the sum does not depend on their order.
fn weighted_duration(instances: &[ScanInstance], configuration: &Configuration) -> f64 {
    let mut seconds = [0_u32; 4];
    for instance in instances {
        let [immediate, near, medium, other] = &mut seconds;
        let sum = match bucket(instance.typical_attenuation, configuration) {
            Bucket::Immediate => immediate,
            Bucket::Near => near,
            Bucket::Medium => medium,
            Bucket::Other => other,
        };
        *sum = sum.saturating_add(instance.seconds_since_last_scan.into());
    }
    seconds
        .into_iter()
        .zip(configuration.bucket_weights)
        .map(|(seconds, weight)| f64::from(seconds) * weight)
        .sum()
}
