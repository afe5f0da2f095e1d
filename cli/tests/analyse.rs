//! `sesshoku analyse`, run as a user runs it.
//!
//! Files are built here, except the real ones of the shared data folder; tests of
//! those are skipped with a message where the folder is absent.
#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "the helpers of tests are tests too"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Cursor, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::export::{Export, Signer, write, write_bare};
use gaen::key::Tek;
use gaen::time::{UnixSeconds, UtcDay};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::{Value, json};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

/// 2020-08-01.
const DAY: UtcDay = UtcDay::new(18_475);
/// 12:00 on it.
const NOON: u32 = 18_475 * 86_400 + 12 * 3_600;

fn sesshoku(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sesshoku"))
        .args(args)
        .env("LC_ALL", "C")
        .output()
        .unwrap()
}

/// The exit code and each line of JSON.
fn analyse(args: &[&str]) -> (i32, Vec<Value>) {
    let output = sesshoku(&[&["analyse", "--json"], args].concat());
    let stdout = String::from_utf8(output.stdout).unwrap();
    let lines = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    (output.status.code().unwrap(), lines.collect())
}

/// The exit code, the name and the sentence of the error; nothing else is printed.
fn failure(args: &[&str]) -> (i32, String, String) {
    let output = sesshoku(&[&["analyse", "--json"], args].concat());
    assert!(output.stdout.is_empty());
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    let text = |name: &str| error[name].as_str().unwrap().to_owned();
    (
        output.status.code().unwrap(),
        text("error"),
        text("message"),
    )
}

/// A file of the shared data; `None`, said loudly, where there is none.
fn shared(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let root = std::env::var_os("SESSHOKU_SHARED").map_or(root, PathBuf::from);
    let path = root.join("data").join(name);
    if !path.exists() {
        // Past the harness, so that it is counted (`scripts/tally`).
        let _ = writeln!(io::stderr(), "\nskipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A folder of files for one test.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A named pipe.
    fn pipe(&self, name: &str) -> String {
        let path = self.0.path().join(name);
        let made = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        text(&path).to_owned()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        text(&path).to_owned()
    }
}

fn signer() -> Signer {
    Signer::generate("440", "v1", &mut ChaCha20Rng::seed_from_u64(1))
}

fn key(byte: u8) -> DiagnosisKey {
    DiagnosisKey {
        tek: Tek::from_bytes([byte; 16]),
        rolling_start: DAY.first_interval(),
        rolling_period: RollingPeriod::DAY,
        transmission_risk_level: 0,
        report_type: ReportType::ConfirmedTest,
        days_since_onset: Some(1),
    }
}

fn export(keys: Vec<DiagnosisKey>) -> Export {
    Export {
        start: 1_596_240_000,
        end: 1_596_326_400,
        region: "440".to_owned(),
        batch_num: 1,
        batch_size: 1,
        keys,
        revised_keys: Vec::new(),
    }
}

/// One advert of `key` at `time`, as a line of sightings.
fn sighting(key: &DiagnosisKey, time: u32, rssi: i8, tx_power: i8, scan: &str) -> String {
    let rpi = key.tek.rpik().rpi(UnixSeconds::new(time).interval());
    let [tx_power] = tx_power.to_le_bytes();
    let aem = key.tek.aemk().encrypt(&rpi, [0x40, tx_power, 0, 0]);
    let (rpi, aem) = (hex::encode(rpi.as_bytes()), hex::encode(aem.as_bytes()));
    format!(r#"{{"time":{time},"rpi":"{rpi}","aem":"{aem}","rssi":{rssi}{scan}}}"#)
}

/// Twenty minutes near `key`: six scans of two packets, 4 minutes apart, at 48 and
/// 52 dB.
fn encounter(key: &DiagnosisKey) -> String {
    let mut lines = String::new();
    for scan in 0..6 {
        let time = NOON + scan * 240;
        let fields = format!(r#","previous_scan":{},"cycle":{scan}"#, time - 240);
        writeln!(lines, "{}", sighting(key, time, -60, -12, &fields)).unwrap();
        writeln!(lines, "{}\n", sighting(key, time + 3, -64, -12, &fields)).unwrap();
    }
    lines
}

#[test]
fn the_real_cocoa_export_verifies() {
    let (Some(zip), Some(pem)) = (
        shared("exports/cocoa-production-812.zip"),
        shared("exports/cocoa-production-440-v1.pem"),
    ) else {
        return;
    };
    let (code, reports) = analyse(&["export", text(&zip), "--public-key", text(&pem)]);
    assert_eq!(code, 0);
    let report = &reports[0];
    assert_eq!(report["verified"], true);
    assert_eq!(report["error"], Value::Null);
    assert_eq!(report["region"], "440");
    let keys = report["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 32);
    assert!(keys.iter().all(|key| key["transmission_risk_level"] == 0));

    let (code, reports) = analyse(&["export", text(&zip)]);
    assert_eq!((code, &reports[0]["verified"]), (0, &Value::Null));

    let other = [
        "export",
        text(&zip),
        "--public-key",
        text(&pem),
        "--key-id",
        "441",
    ];
    let (code, reports) = analyse(&other);
    assert_eq!((code, &reports[0]["error"]), (1, &json!("unknown-key")));
    assert_eq!(reports[0]["verified"], false);
}

#[test]
fn each_file_is_judged_by_itself() {
    let files = Files::new();
    let pem = files.write("key.pem", signer().public_key_pem());
    let good = files.write(
        "good.zip",
        write(&export(vec![key(1)]), &[&signer()]).unwrap(),
    );
    let stranger = Signer::generate("440", "v1", &mut ChaCha20Rng::seed_from_u64(2));
    let forged = files.write(
        "forged.zip",
        write(&export(vec![key(2)]), &[&stranger]).unwrap(),
    );
    let bare = files.write("bare.zip", write_bare(&export(vec![key(3)])).unwrap());
    let garbage = files.write("garbage.zip", "PK");
    let missing = files.0.path().join("missing.zip");

    let all = [&good, &forged, &bare, &garbage, text(&missing)];
    let (code, reports) = analyse(&[&["export", "--public-key", &pem], &all[..]].concat());
    assert_eq!(code, 1);
    let table = [
        (true, Value::Null, 1),
        (false, json!("signature"), 1),
        (false, json!("archive"), 1),
        (false, json!("archive"), 0),
        (false, json!("unreadable"), 0),
    ];
    assert_eq!(reports.len(), table.len());
    for ((report, file), (verified, error, keys)) in reports.iter().zip(all).zip(table) {
        assert_eq!(report["file"], file);
        assert_eq!(report["verified"], verified, "{report}");
        assert_eq!(report["error"], error, "{report}");
        assert_eq!(report["error_detail"].is_null(), error.is_null());
        assert_eq!(report["keys"].as_array().unwrap().len(), keys, "{report}");
    }
    assert_eq!(
        reports[0],
        json!({
            "file": good, "verified": true, "error": null, "error_detail": null,
            "region": "440", "start": 1_596_240_000, "end": 1_596_326_400,
            "batch_num": 1, "batch_size": 1,
            "keys": [{
                "key": "01010101010101010101010101010101", "rolling_start": 2_660_400,
                "rolling_period": 144, "transmission_risk_level": 0, "report_type": 1,
                "days_since_onset": 1,
            }],
            "revised_keys": [],
        })
    );
    assert_eq!(failure(&["export", &good, "--public-key", &good]).0, 5);
}

#[test]
fn the_real_capture_is_counted() {
    let Some(log) = shared("onair/epfl-soldiers-01.btsnoop") else {
        return;
    };
    let (code, reports) = analyse(&["capture", text(&log)]);
    assert_eq!(code, 0);
    let report = &reports[0];
    // tshark agrees on every one of these, and on every identifier.
    let expected = [
        ("packets", 25_096),
        ("adverts", 9_957),
        ("rpis", 485),
        ("addresses", 485),
        ("rpis_with_several_addresses", 0),
        ("addresses_with_several_rpis", 0),
    ];
    for (name, number) in expected {
        assert_eq!(report[name], number, "{name}");
    }
    assert_eq!(report["ended_early"], Value::Null);
    assert_eq!(
        report["identifiers"][0],
        json!({
            "rpi": "3d30de2ec84f11acdad46ac13c7e9475",
            "first": 1_596_119_979.706_873, "last": 1_596_120_184.892_531,
            "count": 17, "addresses": 1, "rssi_min": -86, "rssi_max": -72,
        })
    );

    let files = Files::new();
    let bytes = fs::read(&log).unwrap();
    let cut = files.write("cut.btsnoop", &bytes[..bytes.len() / 2]);
    let (code, reports) = analyse(&["capture", &cut]);
    assert_eq!((code, &reports[0]["ended_early"]), (0, &json!("truncated")));
    assert!(reports[0]["adverts"].as_u64().unwrap() > 1_000);
}

#[test]
fn what_is_no_log_is_refused() {
    let files = Files::new();
    let (code, name, _) = failure(&["capture", &files.write("log", "nonsense")]);
    assert_eq!((code, name.as_str()), (5, "input-not-a-log"));
    let missing = files.0.path().join("missing");
    let (code, name, message) = failure(&["capture", text(&missing)]);
    assert_eq!((code, name.as_str()), (5, "input-unreadable"));
    assert!(message.contains("missing"), "{message}");
}

#[test]
fn an_encounter_is_matched_into_a_contact() {
    let files = Files::new();
    let (near, absent) = (key(1), key(2));
    let unusable = sighting(&near, NOON, -60, -12, "").replace(r#""aem":""#, r#""aem":"00"#);
    let sightings = format!("{}{unusable}\n", encounter(&near));
    let sightings = files.write("sightings.jsonl", sightings);
    let pem = files.write("key.pem", signer().public_key_pem());
    let zip = write(&export(vec![absent, near]), &[&signer()]).unwrap();
    let zip = files.write("keys.zip", zip);
    let arguments = ["match", "--sightings", &sightings, "--keys", &zip];

    let expected = json!({
        "diagnosis_keys": 2, "sightings": 12, "dropped_sightings": 1,
        "files_without_period": 0,
        "keys": [{
            "key": "01010101010101010101010101010101", "rpis": 3, "sightings": 12,
            "windows": [{
                "date": "2020-08-01", "start": NOON,
                "scan_instances": vec![json!({
                    "typical_attenuation": 50, "minimum_attenuation": 48,
                    "seconds_since_last_scan": 240,
                }); 6],
                "score": 3600.0,
            }],
        }],
        "days": [{
            "date": "2020-08-01", "score_sum": 3600.0, "maximum_score": 3600.0,
            "seconds": 1440, "contact": true,
        }],
    });
    for trust in [&["--public-key", &pem][..], &["--unsigned"]] {
        let (code, reports) = analyse(&[&arguments, trust].concat());
        assert_eq!(
            (code, reports.as_slice()),
            (0, std::slice::from_ref(&expected))
        );
    }
    let shown = sesshoku(&[&["analyse"], &arguments[..], &["--unsigned"]].concat());
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.ends_with("1440 s  → contact\n"), "{shown}");
}

#[test]
fn keys_are_only_matched_when_they_are_trusted_and_complete() {
    let files = Files::new();
    let sightings = files.write("sightings.jsonl", encounter(&key(1)));
    let pem = files.write("key.pem", signer().public_key_pem());
    let bare = files.write("bare.zip", write_bare(&export(vec![key(1)])).unwrap());
    let batch = |batch_num| Export {
        batch_num,
        batch_size: 2,
        ..export(vec![key(1)])
    };
    let zip = |number| write(&batch(number), &[&signer()]).unwrap();
    let first = files.write("1.zip", zip(1));
    let second = files.write("2.zip", zip(2));

    let usage = |arguments: &[&str]| {
        let output = sesshoku(&[&["analyse", "match"], arguments].concat());
        assert_eq!(output.status.code(), Some(2));
    };
    let sightings = ["--sightings", &sightings];
    usage(&[&sightings[..], &["--keys", &bare]].concat());
    usage(
        &[
            &sightings[..],
            &["--keys", &bare, "--unsigned", "--public-key", &pem],
        ]
        .concat(),
    );
    usage(&["--keys", &bare, "--unsigned"]);

    let refused = |keys: &str| {
        let signed = ["--public-key", &pem, "--keys", keys];
        failure(&[&["match"], &sightings[..], &signed].concat())
    };
    let (code, name, _) = refused(&bare);
    assert_eq!((code, name.as_str()), (1, "archive"));
    let (code, name, message) = refused(&first);
    assert_eq!((code, name.as_str()), (1, "batches"));
    assert!(message.contains("batch 2 is missing"), "{message}");

    let signed = ["--public-key", &pem, "--keys", &second, &first];
    let (code, reports) = analyse(&[&["match"], &sightings[..], &signed].concat());
    assert_eq!((code, &reports[0]["diagnosis_keys"]), (0, &json!(1)));
    let unsigned = ["--unsigned", "--keys", &bare];
    let (code, reports) = analyse(&[&["match"], &sightings[..], &unsigned].concat());
    assert_eq!((code, &reports[0]["days"][0]["contact"]), (0, &json!(true)));
}

/// COCOA's exporter writes a file for each of its runs, all of which say that they are
/// batch 1 of 1 of the keys' day.
#[test]
fn several_runs_for_one_day_all_count() {
    let files = Files::new();
    let sightings = files.write("sightings.jsonl", encounter(&key(1)));
    let pem = files.write("key.pem", signer().public_key_pem());
    let run = |byte| write(&export(vec![key(byte)]), &[&signer()]).unwrap();
    let (first, second) = (files.write("1.zip", run(1)), files.write("2.zip", run(2)));
    let copy = files.write("copy.zip", run(1));
    for keys in [
        &[&first, &second][..],
        &[&second, &first],
        &[&first, &second, &first, &copy],
    ] {
        for trust in [&["--public-key", &*pem][..], &["--unsigned"]] {
            let keys: Vec<&str> = keys.iter().map(|it| it.as_str()).collect();
            let arguments = [
                &["match", "--sightings", &sightings],
                trust,
                &["--keys"],
                &keys,
            ];
            let (code, reports) = analyse(&arguments.concat());
            assert_eq!((code, &reports[0]["diagnosis_keys"]), (0, &json!(2)));
            assert_eq!(reports[0]["days"].as_array().unwrap().len(), 1);
            assert_eq!(reports[0]["days"][0]["score_sum"], 3600.0);
            assert_eq!(reports[0]["days"][0]["contact"], true);
        }
    }
}

#[test]
fn cocoas_two_runs_are_a_contact() {
    let file = |name: &str| shared(&format!("../cases/batches/{name}"));
    let (Some(sightings), Some(first), Some(second), Some(pem)) = (
        file("f1-sightings.jsonl"),
        file("f1-run1.zip"),
        file("f1-run2.zip"),
        file("f1-pub.pem"),
    ) else {
        return;
    };
    let arguments = [
        "match",
        "--sightings",
        text(&sightings),
        "--keys",
        text(&first),
        text(&second),
        "--public-key",
        text(&pem),
    ];
    let (code, reports) = analyse(&arguments);
    assert_eq!(code, 0);
    let [day] = &reports[0]["days"].as_array().unwrap()[..] else {
        panic!("one day: {}", reports[0]);
    };
    assert_eq!(day["seconds"], 1_200);
    assert_eq!(day["score_sum"], 3_000.0);
    assert_eq!(day["contact"], true);
}

/// An unsigned export of these keys that does not say of which time it is.
fn timeless(keys: &[DiagnosisKey]) -> Vec<u8> {
    // The two times are the first fields: 9 bytes each, after the 16 of the header.
    const TIMES: std::ops::Range<usize> = 16..34;
    let mut archive =
        zip::ZipArchive::new(Cursor::new(write_bare(&export(keys.to_vec())).unwrap())).unwrap();
    let mut bin = Vec::new();
    archive
        .by_name("export.bin")
        .unwrap()
        .read_to_end(&mut bin)
        .unwrap();
    bin.drain(TIMES);
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .start_file("export.bin", SimpleFileOptions::default())
        .unwrap();
    writer.write_all(&bin).unwrap();
    writer.finish().unwrap().into_inner()
}

#[test]
fn keys_of_no_stated_time_are_read_when_nothing_is_asked_of_them() {
    let files = Files::new();
    let timeless = files.write("timeless.zip", timeless(&[key(1)]));
    let sightings = files.write("sightings.jsonl", encounter(&key(1)));

    let (code, reports) = analyse(&["export", &timeless]);
    assert_eq!((code, &reports[0]["error"]), (1, &json!("archive")));
    let (code, reports) = analyse(&["export", "--unsigned", &timeless]);
    assert_eq!((code, &reports[0]["error"]), (0, &Value::Null));
    for (name, expected) in [
        ("start", Value::Null),
        ("end", Value::Null),
        ("region", json!("440")),
        ("verified", Value::Null),
    ] {
        assert_eq!(reports[0][name], expected, "{name}");
    }
    assert_eq!(reports[0]["keys"].as_array().unwrap().len(), 1);
    let said = sesshoku(&["analyse", "export", "--unsigned", &timeless]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("of no stated time"), "{said}");

    let arguments = [
        "match",
        "--sightings",
        &sightings,
        "--unsigned",
        "--keys",
        &timeless,
    ];
    let (code, reports) = analyse(&arguments);
    assert_eq!((code, &reports[0]["files_without_period"]), (0, &json!(1)));
    assert_eq!(reports[0]["days"][0]["contact"], true);
    let said = sesshoku(&[&["analyse"], &arguments[..]].concat());
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("does not say of which time"), "{said}");
}

#[test]
fn a_key_that_was_revoked_later_is_not_matched() {
    let files = Files::new();
    let sightings = files.write("sightings.jsonl", encounter(&key(1)));
    let reported = DiagnosisKey {
        report_type: ReportType::SelfReport,
        ..key(1)
    };
    let revoked = DiagnosisKey {
        report_type: ReportType::Revoked,
        ..key(1)
    };
    let earlier = files.write("a.zip", write_bare(&export(vec![reported])).unwrap());
    let mut later = export(Vec::new());
    (later.start, later.end) = (later.end, later.end + 86_400);
    later.revised_keys.push(revoked);
    let later = files.write("b.zip", write_bare(&later).unwrap());

    let with = |keys: &[&str]| {
        let arguments = ["match", "--unsigned", "--sightings", &sightings, "--keys"];
        analyse(&[&arguments[..], keys].concat()).1.remove(0)
    };
    assert_eq!(with(&[&earlier])["days"][0]["contact"], true);
    for order in [[&*earlier, &later], [&later, &earlier]] {
        assert_eq!(
            with(&order)["keys"],
            json!([]),
            "whatever the order of arguments"
        );
    }
}

#[test]
fn a_bad_line_is_named() {
    let files = Files::new();
    let zip = files.write("keys.zip", write_bare(&export(vec![key(1)])).unwrap());
    let good = sighting(&key(1), NOON, -60, -12, "");
    let sightings = files.write("sightings.jsonl", format!("{good}\n\n{{\"time\":1}}\n"));
    let arguments = [
        "match",
        "--sightings",
        &sightings,
        "--keys",
        &zip,
        "--unsigned",
    ];
    let (code, name, message) = failure(&arguments);
    assert_eq!((code, name.as_str()), (5, "input-bad-sighting"));
    assert!(message.contains("line 3"), "{message}");
}

fn window(seconds: &[u32], more: Value) -> Value {
    let instance = |seconds| json!({ "typicalAttenuationDb": 40, "minAttenuationDb": 35, "secondsSinceLastScan": seconds });
    let mut window = json!({
        "dateMillisSinceEpoch": u64::from(DAY.start().get()) * 1000,
        "reportType": 1,
        "scanInstances": seconds.iter().map(instance).collect::<Vec<_>>(),
    });
    let more = more.as_object().unwrap().clone();
    window.as_object_mut().unwrap().extend(more);
    window
}

#[test]
fn windows_are_weighed_into_days() {
    let files = Files::new();
    let equal = || window(&[300, 300, 75], json!({}));
    let lists = json!([equal(), equal()]);
    let (code, reports) = analyse(&["windows", &files.write("list.json", lists.to_string())]);
    assert_eq!(code, 0);
    assert_eq!(
        reports,
        [json!({
            "name": null, "negative_scans": 0,
            "days": [{
                "date": "2020-08-01", "score_sum": 1350.0, "maximum_score": 675.0,
                "seconds": 1350, "contact": true,
            }],
        })]
    );

    // The order of the lists is kept; a second less is no contact.
    let short = window(&[300, 300, 74], json!({ "infectiousness": 2 }));
    let none = window(&[1350], json!({ "infectiousness": 0 }));
    let json = format!(
        r#"{{"z":[{},{short}],"none":[{none}],"empty":[]}}"#,
        equal()
    );
    let (code, reports) = analyse(&["windows", &files.write("named.json", json)]);
    assert_eq!(code, 0);
    let table = [
        ("z", json!(1349.0), json!(false)),
        ("none", json!(0.0), json!(false)),
    ];
    for (report, (name, score, contact)) in reports.iter().zip(table) {
        assert_eq!(report["name"], name);
        assert_eq!(report["days"][0]["score_sum"], score);
        assert_eq!(report["days"][0]["contact"], contact);
    }
    assert_eq!(
        reports[2],
        json!({ "name": "empty", "negative_scans": 0, "days": [] })
    );
}

/// The layout of COCOA 2's own file: capitalised names, beside other things.
#[test]
fn what_cocoa_2_saves_is_read() {
    let files = Files::new();
    let scan = json!({
        "TypicalAttenuationDb": 50, "MinAttenuationDb": 48, "SecondsSinceLastScan": 300,
    });
    let saved = json!({
        "generated_at": "2020-08-02T00:00:00+09:00",
        "daily_summaries": [{ "DateMillisSinceEpoch": 7, "DaySummary": {} }],
        "exposure_windows": [{
            "CalibrationConfidence": 1,
            "DateMillisSinceEpoch": u64::from(DAY.start().get()) * 1000,
            "Infectiousness": 2,
            "ReportType": 1,
            "ScanInstances": [scan, scan, scan],
        }],
    });
    let (code, reports) = analyse(&["windows", &files.write("saved.json", saved.to_string())]);
    assert_eq!(code, 0);
    assert_eq!(
        reports,
        [json!({
            "name": "exposure_windows", "negative_scans": 0,
            "days": [{
                "date": "2020-08-01", "score_sum": 2250.0, "maximum_score": 2250.0,
                "seconds": 900, "contact": true,
            }],
        })]
    );
    let mut broken = saved;
    broken["exposure_windows"][0]["ScanInstances"] = json!(7);
    let (code, name, _) = failure(&["windows", &files.write("broken.json", broken.to_string())]);
    assert_eq!((code, name.as_str()), (5, "input-not-windows"));
}

#[test]
fn cocoa_2s_real_layout_is_read() {
    let Some(saved) = shared("../cases/cocoa2/f6-cocoa2-exposure_data.json") else {
        return;
    };
    let (code, reports) = analyse(&["windows", text(&saved)]);
    assert_eq!(code, 0);
    assert_eq!(reports[0]["days"][0]["score_sum"], 2250.0);
    assert_eq!(reports[0]["days"][0]["contact"], true);
}

#[test]
fn a_negative_time_counts_as_none_and_is_told() {
    let files = Files::new();
    let mut window = window(&[300, 300, 300], json!({}));
    for index in [0, 2] {
        window["scanInstances"][index]["secondsSinceLastScan"] = json!(-120);
    }
    let file = files.write("negative.json", json!([window]).to_string());
    let (code, reports) = analyse(&["windows", &file]);
    assert_eq!((code, &reports[0]["negative_scans"]), (0, &json!(2)));
    assert_eq!(reports[0]["days"][0]["seconds"], 300);
    let said = sesshoku(&["analyse", "windows", &file]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("2 scans stood for a negative time"), "{said}");
}

/// Runs `analyse` with at most 512 MiB of memory.
fn within_bounds(args: &[&str]) -> (i32, String, String) {
    let output = Command::new("sh")
        .args(["-c", "ulimit -v 524288; exec \"$0\" analyse --json \"$@\""])
        .arg(env!("CARGO_BIN_EXE_sesshoku"))
        .args(args)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(output.stdout.is_empty());
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    let text = |name: &str| error[name].as_str().unwrap().to_owned();
    (
        output.status.code().unwrap(),
        text("error"),
        text("message"),
    )
}

#[test]
fn what_has_no_end_is_refused_by_its_limit() {
    let files = Files::new();
    let sightings = files.write("sightings.jsonl", encounter(&key(1)));
    let zip = files.write(
        "keys.zip",
        write(&export(vec![key(1)]), &[&signer()]).unwrap(),
    );
    let zero = "/dev/zero";
    let keys = |keys: &'static str| {
        [
            "match",
            "--sightings",
            &sightings,
            "--unsigned",
            "--keys",
            keys,
        ]
    };
    let by_key = ["export", &zip, "--public-key", zero];
    let lines = ["match", "--unsigned", "--keys", &zip, "--sightings", zero];
    for (arguments, name, limit) in [
        (
            &["capture", zero][..],
            "input-not-a-log",
            "not a btsnoop file",
        ),
        (&["windows", zero], "input-too-long", "67108864 bytes"),
        (&by_key, "input-too-long", "1048576 bytes"),
        (
            &lines,
            "input-too-long",
            "line 1 of /dev/zero is longer than 65536 bytes",
        ),
    ] {
        let (code, error, message) = within_bounds(arguments);
        assert_eq!((code, error.as_str()), (5, name), "{arguments:?}");
        assert!(message.contains(limit), "{message}");
    }
    let (code, error, message) = within_bounds(&keys(zero));
    assert_eq!((code, error.as_str()), (1, "archive"));
    assert!(message.contains("longer than 16777216 bytes"), "{message}");

    // A log that is too long, of which nothing takes room on the disk.
    let log = files.write("log", b"btsnoop\0\0\0\0\x01\0\0\x03\xea");
    let log_file = fs::OpenOptions::new().write(true).open(&log).unwrap();
    log_file.set_len(256 * 1024 * 1024 + 1).unwrap();
    let (code, error, message) = within_bounds(&["capture", &log]);
    assert_eq!((code, error.as_str()), (5, "input-too-long"));
    assert!(message.contains("268435456 bytes"), "{message}");

    // One long line after a good one.
    let good = sighting(&key(1), NOON, -60, -12, "");
    let long = files.write("long.jsonl", format!("{good}\n{}\n", " ".repeat(65_536)));
    let arguments = ["match", "--unsigned", "--keys", &zip, "--sightings", &long];
    let (code, error, message) = failure(&arguments);
    assert_eq!((code, error.as_str()), (5, "input-too-long"));
    assert!(message.contains("line 2"), "{message}");
    let fits = files.write(
        "fits.jsonl",
        format!("{good}{}\n{good}", " ".repeat(60_000)),
    );
    let arguments = ["match", "--unsigned", "--keys", &zip, "--sightings", &fits];
    assert_eq!(analyse(&arguments).1[0]["sightings"], 2);
}

#[test]
fn a_pipe_that_nobody_writes_to_is_no_empty_file() {
    let files = Files::new();
    let sightings = files.write("sightings.jsonl", encounter(&key(1)));
    let zip = files.write(
        "keys.zip",
        write(&export(vec![key(1)]), &[&signer()]).unwrap(),
    );
    let zip = ["--unsigned", "--keys", &zip];
    let commands: [Vec<&str>; 5] = [
        vec!["capture"],
        vec!["windows"],
        ["export", zip[2], "--public-key"].to_vec(),
        ["match", "--sightings", &sightings, "--unsigned", "--keys"].to_vec(),
        [&["match"][..], &zip, &["--sightings"]].concat(),
    ];
    // Each waits for a while.
    thread::scope(|scope| {
        for (number, arguments) in commands.into_iter().enumerate() {
            let pipe = files.pipe(&number.to_string());
            scope.spawn(move || {
                let arguments = [&arguments[..], &[&pipe]].concat();
                let (code, name, message) = failure(&arguments);
                assert_eq!((code, name.as_str()), (5, "input-unreadable"));
                assert!(message.contains("nobody writes to this pipe"), "{message}");
            });
        }
        let pipe = files.pipe("export");
        let (code, reports) = analyse(&["export", &pipe]);
        assert_eq!((code, &reports[0]["error"]), (1, &json!("unreadable")));
    });
}

#[test]
fn a_pipe_whose_writer_comes_later_is_waited_for() {
    let files = Files::new();
    let pipe = files.pipe("pipe");
    let zip = files.write(
        "keys.zip",
        write(&export(vec![key(1)]), &[&signer()]).unwrap(),
    );
    thread::scope(|scope| {
        // Opening it waits for the program.
        scope.spawn(|| std::fs::write(&pipe, encounter(&key(1))).unwrap());
        let arguments = ["match", "--sightings", &pipe, "--unsigned", "--keys", &zip];
        assert_ne!(analyse(&arguments).1[0]["sightings"], 0);
    });
}

#[test]
fn who_stops_reading_is_told_nothing() {
    let files = Files::new();
    let zip = files.write(
        "keys.zip",
        write(&export(vec![key(1)]), &[&signer()]).unwrap(),
    );
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["analyse", "export", &zip],
        &["terms"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_sesshoku"))
            .args(arguments)
            .env("LC_ALL", "C")
            .stdout(writer)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "", "{arguments:?}");
        assert!(
            output.status.code().is_some_and(|code| code < 2),
            "{arguments:?}"
        );
    }
    // Nor does a failure that nobody hears of end in another.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = Command::new(env!("CARGO_BIN_EXE_sesshoku"))
        .args(["analyse", "capture", "/nowhere"])
        .stderr(writer)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(5));
}

#[test]
fn windows_that_make_no_sense_are_refused() {
    let files = Files::new();
    let negative = json!([
        window(&[300], json!({})),
        window(&[300], json!({ "infectiousness": 7 }))
    ]);
    for (content, expected) in [
        ("7".to_owned(), "input-not-windows"),
        ("[{}]".to_owned(), "input-not-windows"),
        ("[".to_owned(), "input-not-windows"),
        (negative.to_string(), "input-bad-window"),
    ] {
        let (code, name, _) = failure(&["windows", &files.write("bad.json", &content)]);
        assert_eq!((code, name.as_str()), (5, expected), "{content}");
    }
}
