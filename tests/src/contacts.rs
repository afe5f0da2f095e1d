//! What comes of what a device heard: its sightings as scenarios write them, and the
//! exposure windows they make with somebody's keys.

use air::log::{Event, Record};
use gaen::config::Configuration;
use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::key::{Aem, Rpi, Tek};
use gaen::matching::{Options, match_keys};
use gaen::sighting::{Scan, Sighting};
use gaen::time::{Interval, UnixSeconds};
use gaen::window::{ExposureWindow, windows};
use serde_json::Value;

/// Reads sightings, a JSON object per line.
///
/// # Panics
///
/// When a line is no sighting.
pub fn sightings(text: &str) -> Vec<Sighting> {
    let bytes = |value: &Value| hex::decode(value.as_str().expect("hex")).expect("hex");
    let number = |value: &Value| u32::try_from(value.as_u64().expect("number")).expect("u32");
    text.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).expect("JSON");
            Sighting {
                time: UnixSeconds::new(number(&line["time"])),
                rpi: Rpi::from_bytes(bytes(&line["rpi"]).try_into().expect("16 bytes")),
                aem: Aem::from_bytes(bytes(&line["aem"]).try_into().expect("4 bytes")),
                rssi: i8::try_from(line["rssi"].as_i64().expect("number")).expect("dBm"),
                scan: Scan {
                    cycle: line["cycle"].as_u64(),
                    previous: Some(number(&line["previous_scan"]))
                        .filter(|previous| *previous > 0)
                        .map(UnixSeconds::new),
                },
            }
        })
        .collect()
}

/// The keys of the phone called `name`; of all phones without a name.
pub fn keys(air: &[Record], name: Option<&str>) -> Vec<DiagnosisKey> {
    let keys = air.iter().filter_map(|record| {
        let Event::Key {
            phone,
            tek,
            rolling_start,
        } = &record.event
        else {
            return None;
        };
        name.is_none_or(|name| phone == name).then(|| DiagnosisKey {
            tek: Tek::from_bytes(*tek),
            rolling_start: Interval::new(*rolling_start),
            rolling_period: RollingPeriod::DAY,
            transmission_risk_level: 0,
            report_type: ReportType::ConfirmedTest,
            days_since_onset: None,
        })
    });
    keys.collect()
}

/// The exposure windows of these sightings with these keys.
pub fn exposure(sightings: &[Sighting], keys: &[DiagnosisKey]) -> Vec<ExposureWindow> {
    let Ok(matches) = match_keys(sightings, keys, &Options::default());
    let configuration = Configuration::default();
    matches
        .iter()
        .flat_map(|met| {
            let key = &keys[met.key_index];
            windows(key, &met.sightings, configuration.infectiousness_of(key))
        })
        .collect()
}

/// How long the windows last together, in seconds.
pub fn seconds(windows: &[ExposureWindow]) -> u32 {
    let instances = windows.iter().flat_map(|window| &window.instances);
    instances
        .map(|instance| u32::from(instance.seconds_since_last_scan))
        .sum()
}
