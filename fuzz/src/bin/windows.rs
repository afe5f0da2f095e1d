//! Exposure windows in JSON, as phones record them.
#![no_main]

use std::collections::BTreeMap;

use gaen::config::Configuration;
use gaen::import::PhoneWindow;
use gaen::risk::day_summaries;
use libfuzzer_sys::fuzz_target;

const WINDOWS: &str = r#"[{"dateMillisSinceEpoch":1596240000000,"reportType":1,
    "infectiousness":2,"calibrationConfidence":3,"scanInstances":[
    {"typicalAttenuationDb":50,"minAttenuationDb":48,"secondsSinceLastScan":300},
    {"typicalAttenuationDb":70,"minAttenuationDb":68,"secondsSinceLastScan":-5}]}]"#;
const COCOA: &str = r#"{"exposure_windows":[{"DateMillisSinceEpoch":1596240000000,
    "ReportType":1,"Infectiousness":1,"ScanInstances":[{"TypicalAttenuationDb":50,
    "MinAttenuationDb":48,"SecondsSinceLastScan":300}]}]}"#;

fn weigh(windows: Vec<PhoneWindow>) -> usize {
    let configuration = Configuration::default();
    let windows: Result<Vec<_>, _> = windows
        .into_iter()
        .map(|window| window.into_window(&configuration))
        .collect();
    windows.map_or(0, |windows| day_summaries(&windows, &configuration).len())
}

/// The lists in a file: one, or several by name.
fn lists(json: &[u8]) -> Vec<Vec<PhoneWindow>> {
    match serde_json::from_slice(json) {
        Ok(windows) => vec![windows],
        Err(_) => serde_json::from_slice::<BTreeMap<String, Vec<PhoneWindow>>>(json)
            .map_or_else(|_| Vec::new(), |lists| lists.into_values().collect()),
    }
}

fuzz_target!(
    init: {
        for seed in [WINDOWS, COCOA] {
            let days: usize = lists(seed.as_bytes()).into_iter().map(weigh).sum();
            assert_eq!(days, 1, "it reaches inside");
        }
        fuzz::plant("windows", [WINDOWS, COCOA]);
    },
    |data: &[u8]| {
        lists(data).into_iter().map(weigh).for_each(drop);
    }
);
