//! Which days count as a contact, and what is told of them (docs/protocol.md §5, §7).

use std::collections::{BTreeMap, BTreeSet};

use gaen::config::Configuration;
use gaen::risk::{self, Bucket};
use gaen::time::UtcDay;
use gaen::window::ExposureWindow;

use super::{CoursePoint, Day};
use crate::records::StoredExposure;

/// The days from `first` to `last` that count as a contact, newest first.
pub(super) fn contact_days(
    exposures: &[StoredExposure],
    configuration: &Configuration,
    first: UtcDay,
    last: UtcDay,
) -> Vec<Day> {
    let mut near_keys: BTreeMap<UtcDay, BTreeSet<&[u8; 16]>> = BTreeMap::new();
    let mut all_windows = Vec::new();
    for exposure in exposures {
        if !exposure.key.report_type.is_matched() {
            continue;
        }
        for window in &exposure.windows {
            if !(first..=last).contains(&window.date) {
                continue;
            }
            all_windows.push(window);
            if was_near(window, configuration) {
                let keys = near_keys.entry(window.date).or_default();
                keys.insert(exposure.key.tek.expose_bytes());
            }
        }
    }
    let mut days: Vec<Day> = risk::day_summaries(all_windows, configuration)
        .into_iter()
        .filter(|day| day.contact)
        .map(|day| {
            let near = near_keys.get(&day.date).map_or(0, BTreeSet::len);
            let mut courses: Vec<_> = near_keys
                .get(&day.date)
                .into_iter()
                .flatten()
                .map(|key| course(exposures, key, day.date, configuration))
                .collect();
            courses.sort_unstable();
            Day {
                date: day.date,
                contacts: u32::try_from(near).unwrap_or(u32::MAX).max(1),
                seconds: day.seconds,
                near_seconds: day.near_seconds,
                score_percent: day.displayed_score(configuration),
                courses,
            }
        })
        .collect();
    days.reverse();
    days
}

/// How the signal of one key went on one day.
fn course(
    exposures: &[StoredExposure],
    key: &[u8; 16],
    date: UtcDay,
    configuration: &Configuration,
) -> Vec<CoursePoint> {
    let mut windows: Vec<_> = exposures
        .iter()
        .filter(|exposure| exposure.key.tek.expose_bytes() == key)
        .flat_map(|exposure| &exposure.windows)
        .filter(|window| window.date == date)
        .collect();
    windows.sort_unstable_by_key(|window| window.start);
    let Some(first) = windows.first().map(|window| window.start) else {
        return Vec::new();
    };
    let mut points = Vec::new();
    for window in windows {
        let mut seconds = u64::try_from(window.start.seconds_since(first)).unwrap_or(0);
        for instance in &window.instances {
            let stands_for = u64::from(instance.seconds_since_last_scan);
            seconds += stands_for;
            if stands_for > 0 {
                points.push(CoursePoint {
                    minute: minutes(seconds),
                    minutes: minutes(stands_for),
                    strength: strength(instance.typical_attenuation, configuration),
                });
            }
        }
    }
    points
}

/// To the nearest minute.
fn minutes(seconds: u64) -> u32 {
    u32::try_from((seconds + 30) / 60).unwrap_or(u32::MAX)
}

/// 50 at the last threshold, beyond which it is far; each dB is one.
fn strength(attenuation: u8, configuration: &Configuration) -> u8 {
    let [.., threshold] = configuration.attenuation_thresholds;
    let strength = 50 + i16::from(threshold) - i16::from(attenuation);
    u8::try_from(strength.clamp(0, 100)).unwrap_or(0)
}

fn was_near(window: &ExposureWindow, configuration: &Configuration) -> bool {
    window.instances.iter().any(|instance| {
        instance.seconds_since_last_scan > 0
            && risk::bucket(instance.typical_attenuation, configuration) != Bucket::Other
    })
}
