//! `analyse match`: sightings and keys to windows and days.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use gaen::config::Configuration;
use gaen::diagnosis::{DiagnosisKey, consolidate};
use gaen::export::{
    Export, Limits, PinnedKey, Unverified, Verified, check_complete, open, open_bare,
};
use gaen::key::{AEM_LEN, Aem, KEY_LEN, Rpi};
use gaen::matching::{Options, match_keys};
use gaen::risk::{day_summaries, window_score};
use gaen::sighting::{Scan, Sighting};
use gaen::time::UnixSeconds;
use gaen::window::{ExposureWindow, windows};
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

use super::Day;
use crate::args::PublicKey;
use crate::exit::{Exit, Failure};
use crate::input::{
    InputError, KeysError, MAX_SIGHTINGS, SightingError, for_each_line, read_export,
};
use crate::output::Output;
use crate::text::Text;
use sesshoku_i18n::args;

/// The RSSI by which Bluetooth says that there is none. Taken for a strength, it
/// would be the nearest of contacts.
const RSSI_UNAVAILABLE: i8 = 127;

/// A line of the sightings file.
#[derive(Deserialize)]
struct Line {
    #[serde(deserialize_with = "seconds")]
    time: u32,
    rpi: String,
    aem: String,
    rssi: i8,
    /// 0, null and absent all mean that the scan before is unknown.
    #[serde(default, deserialize_with = "seconds_or_none")]
    previous_scan: Option<u32>,
    #[serde(default)]
    cycle: Option<u64>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Report {
    /// Keys that were looked for.
    diagnosis_keys: usize,
    /// Sightings that were looked through.
    sightings: usize,
    /// Sightings that were left out: an AEM that is not 4 bytes, no RSSI.
    dropped_sightings: u64,
    /// Files of keys that do not say of which time they are.
    files_without_period: usize,
    /// The keys that were met.
    keys: Vec<Key>,
    days: Vec<Day>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Key {
    key: String,
    /// How many of its RPIs were heard.
    rpis: usize,
    /// How many sightings count.
    sightings: usize,
    windows: Vec<Window>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Window {
    date: String,
    start: u32,
    scan_instances: Vec<ScanInstance>,
    score: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct ScanInstance {
    typical_attenuation: u8,
    minimum_attenuation: u8,
    seconds_since_last_scan: u16,
}

/// Prints what of `keys` is in `sightings`.
pub(super) fn run(
    sightings: &Path,
    keys: &[PathBuf],
    public_key: &PublicKey,
    output: &Output,
) -> Result<Exit, Failure> {
    let Keys {
        keys,
        files_without_period,
    } = read_keys(keys, public_key.read()?.as_ref())?;
    let (sightings, dropped_sightings) = read_sightings(sightings)?;
    let report = Report {
        dropped_sightings,
        files_without_period,
        ..report(&sightings, &keys, &Configuration::default())
    };
    output.print(&report, render)?;
    Ok(Exit::Done)
}

fn report(sightings: &[Sighting], keys: &[DiagnosisKey], configuration: &Configuration) -> Report {
    let Ok(matches) = match_keys(sightings, keys, &Options::default());
    let mut found = Vec::new();
    let mut all_windows = Vec::new();
    for matched in matches {
        let Some(key) = keys.get(matched.key_index) else {
            continue;
        };
        let windows = windows(
            key,
            &matched.sightings,
            configuration.infectiousness_of(key),
        );
        found.push(Key {
            key: hex::encode(key.tek.expose_bytes()),
            rpis: matched.rpis,
            sightings: matched.sightings.len(),
            windows: windows
                .iter()
                .map(|window| Window::new(window, configuration))
                .collect(),
        });
        all_windows.extend(windows);
    }
    Report {
        diagnosis_keys: keys.len(),
        sightings: sightings.len(),
        dropped_sightings: 0,
        files_without_period: 0,
        keys: found,
        days: day_summaries(&all_windows, configuration)
            .iter()
            .map(Day::from)
            .collect(),
    }
}

impl Window {
    fn new(window: &ExposureWindow, configuration: &Configuration) -> Self {
        let instance = |instance: &gaen::window::ScanInstance| ScanInstance {
            typical_attenuation: instance.typical_attenuation,
            minimum_attenuation: instance.minimum_attenuation,
            seconds_since_last_scan: instance.seconds_since_last_scan,
        };
        Self {
            date: window.date.to_string(),
            start: window.start.get(),
            scan_instances: window.instances.iter().map(instance).collect(),
            score: window_score(window, configuration),
        }
    }
}

/// Keys to look for.
struct Keys {
    keys: Vec<DiagnosisKey>,
    files_without_period: usize,
}

/// The keys that hold after all of `files`: those of an earlier export first, so
/// that later ones revise them, in whatever order the files were named. A file that
/// is named twice, or is the same as another, is read once.
fn read_keys(files: &[PathBuf], pinned: Option<&PinnedKey>) -> Result<Keys, Failure> {
    let limits = Limits::default();
    let mut seen = BTreeSet::new();
    let mut exports = Vec::new();
    let mut files_without_period = 0;
    for file in files {
        let zip = read_export(file, &limits)?;
        if !seen.insert(<[u8; 32]>::from(Sha256::digest(&zip))) {
            continue;
        }
        let export = match pinned {
            Some(key) => open(&zip, &limits)
                .and_then(|export| export.verify(std::slice::from_ref(key)))
                .map(Verified::into_export),
            None => open_bare(&zip, &limits)
                .and_then(Unverified::with_any_period)
                .map(|read| {
                    files_without_period += usize::from(!read.has_period);
                    read.export
                }),
        };
        exports.push((
            file,
            export.map_err(|error| KeysError::Export(file.clone(), error))?,
        ));
    }
    if pinned.is_some() {
        check_batches(&exports)?;
    }
    exports.sort_by_key(|(_, export)| (export.start, export.end, export.batch_num));
    let published = exports
        .into_iter()
        .flat_map(|(_, export)| export.keys.into_iter().chain(export.revised_keys));
    Ok(Keys {
        keys: consolidate(published),
        files_without_period,
    })
}

/// Refuses an export of which a batch is missing: without its keys, "no contact"
/// would mean nothing. Looking into unsigned files is not held to it.
fn check_batches(exports: &[(&PathBuf, Export)]) -> Result<(), KeysError> {
    let mut by_export: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (file, export) in exports {
        let Export {
            start,
            end,
            region,
            batch_size,
            ..
        } = export;
        let identity = (start, end, region, batch_size);
        by_export.entry(identity).or_default().push((file, export));
    }
    for batches in by_export.values() {
        if let (Err(error), Some((file, _))) = (
            check_complete(batches.iter().map(|(_, export)| *export)),
            batches.first(),
        ) {
            return Err(KeysError::Batches(file.to_path_buf(), error));
        }
    }
    Ok(())
}

/// The sightings of `file`, and how many were dropped.
fn read_sightings(file: &Path) -> Result<(Vec<Sighting>, u64), InputError> {
    let mut sightings = Vec::new();
    let mut dropped = 0;
    for_each_line(file, |number, line| {
        match parse(line) {
            Ok(Some(_)) if sightings.len() == MAX_SIGHTINGS => {
                return Err(InputError::TooManySightings(file.to_owned()));
            }
            Ok(Some(sighting)) => sightings.push(sighting),
            Ok(None) => dropped += 1,
            Err(source) => {
                return Err(InputError::Sighting {
                    path: file.to_owned(),
                    line: number,
                    source,
                });
            }
        }
        Ok(())
    })?;
    Ok((sightings, dropped))
}

/// The sighting of a line; `None` for one that does not count (docs/protocol.md §3).
fn parse(line: &[u8]) -> Result<Option<Sighting>, SightingError> {
    let line: Line = serde_json::from_slice(line)?;
    let mut rpi = [0; KEY_LEN];
    hex::decode_to_slice(&line.rpi, &mut rpi).map_err(|_| SightingError::Rpi)?;
    let aem = hex::decode(&line.aem).map_err(|_| SightingError::Aem)?;
    let Ok(aem) = <[u8; AEM_LEN]>::try_from(aem) else {
        return Ok(None);
    };
    if line.rssi == RSSI_UNAVAILABLE {
        return Ok(None);
    }
    Ok(Some(Sighting {
        time: UnixSeconds::new(line.time),
        rpi: Rpi::from_bytes(rpi),
        aem: Aem::from_bytes(aem),
        rssi: line.rssi,
        scan: Scan {
            cycle: line.cycle,
            previous: line
                .previous_scan
                .filter(|previous| *previous != 0)
                .map(UnixSeconds::new),
        },
    }))
}

/// A time in Unix seconds; fractions are cut off.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    if !(0.0..=f64::from(u32::MAX)).contains(&seconds) {
        let expected = "a time in Unix seconds from 1970 to 2106";
        return Err(D::Error::invalid_value(
            Unexpected::Float(seconds),
            &expected,
        ));
    }
    // The check makes the whole part exact.
    #[expect(
        clippy::as_conversions,
        reason = "there is no TryFrom from floating point"
    )]
    Ok(seconds as u32)
}

fn seconds_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    #[derive(Deserialize)]
    struct Seconds(#[serde(deserialize_with = "seconds")] u32);
    Ok(Option::<Seconds>::deserialize(deserializer)?.map(|Seconds(seconds)| seconds))
}

fn render(text: &Text, report: &Report) -> String {
    let args = args! {
        "keys" => report.diagnosis_keys,
        "sightings" => report.sightings,
        "dropped" => report.dropped_sightings,
        "found" => report.keys.len(),
    };
    let mut lines = vec![text.say("analyse-match", &args)];
    if report.files_without_period > 0 {
        let args = args! { "count" => report.files_without_period };
        lines.push(text.say("analyse-match-no-period", &args));
    }
    for key in &report.keys {
        let args = args! {
            "key" => key.key.as_str(),
            "rpis" => key.rpis,
            "sightings" => key.sightings,
            "windows" => key.windows.len(),
        };
        lines.push(text.say("analyse-match-key", &args));
    }
    lines.extend(report.days.iter().map(|day| day.line(text)));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RPI: &str = "000102030405060708090a0b0c0d0e0f";

    fn line(fields: &str) -> String {
        format!(r#"{{"time":1596240000,"rpi":"{RPI}",{fields}}}"#)
    }

    #[test]
    fn a_line_is_a_sighting() {
        let table = [
            (r#""aem":"01020304","rssi":-60"#, None, None),
            (
                r#""aem":"01020304","rssi":-60,"previous_scan":0"#,
                None,
                None,
            ),
            (
                r#""aem":"01020304","rssi":-60,"previous_scan":null,"cycle":null"#,
                None,
                None,
            ),
            (
                r#""aem":"01020304","rssi":-60,"previous_scan":7,"cycle":0"#,
                Some(7),
                Some(0),
            ),
        ];
        for (fields, previous, cycle) in table {
            let sighting = parse(line(fields).as_bytes()).unwrap().unwrap();
            assert_eq!(sighting.time.get(), 1_596_240_000);
            assert_eq!(hex::encode(sighting.rpi.as_bytes()), RPI);
            assert_eq!(sighting.aem.as_bytes(), &[1, 2, 3, 4]);
            assert_eq!(sighting.rssi, -60);
            let previous = previous.map(UnixSeconds::new);
            assert_eq!(sighting.scan, Scan { cycle, previous });
        }
    }

    #[test]
    fn fractions_of_seconds_are_cut_off() {
        let parse = |time: &str| {
            let line = format!(
                r#"{{"time":{time},"rpi":"{RPI}","aem":"01020304","rssi":-60,"previous_scan":{time}}}"#
            );
            let sighting = parse(line.as_bytes()).ok()??;
            assert_eq!(sighting.scan.previous, Some(sighting.time));
            Some(sighting.time.get())
        };
        assert_eq!(parse("1596240000.999"), Some(1_596_240_000));
        assert_eq!(parse("1.59624e9"), Some(1_596_240_000));
        assert_eq!(parse("4294967295"), Some(u32::MAX));
        assert_eq!(parse("4294967296"), None);
        assert_eq!(parse("-1"), None);
    }

    #[test]
    fn sightings_that_cannot_count_are_dropped() {
        for fields in [
            r#""aem":"010203","rssi":-60"#,
            r#""aem":"","rssi":-60"#,
            r#""aem":"0102030405","rssi":-60"#,
            r#""aem":"01020304","rssi":127"#,
        ] {
            assert!(
                parse(line(fields).as_bytes()).unwrap().is_none(),
                "{fields}"
            );
        }
    }

    #[test]
    fn other_lines_are_errors() {
        for bad in [
            "nonsense".to_owned(),
            "[]".to_owned(),
            line(r#""aem":"01020304""#),
            line(r#""aem":"0102030g","rssi":-60"#),
            line(r#""aem":"01020304","rssi":-129"#),
            line(r#""aem":"01020304","rssi":-60"#).replace("00010203", "000102"),
            line(r#""aem":"01020304","rssi":-60"#).replace("1596240000", "-1"),
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
