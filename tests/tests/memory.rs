//! What a check takes of memory it gives back, so that a daemon that runs for months takes
//! no more than after its first day.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::export::{Export, Signer, write};
use gaen::key::Tek;
use gaen::time::{DAY_SECONDS, UtcDay};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::{Value, json};
use sesshoku_tests::local::Place;
use sesshoku_tests::room::meeting;

const CHECKS: u32 = 16;
const EXPORTS_A_CHECK: u32 = 8;
const KEYS_AN_EXPORT: u32 = 20_000;
/// How much may come to what the first checks have left, in KiB: what is known of each
/// export for 14 days takes some 8 KiB, with SQLite's pages, and there are 128 in the end.
const SLACK_KIB: u64 = 4 * 1024;

#[test]
fn many_checks_take_no_more_memory_than_a_few() -> anyhow::Result<()> {
    let place = Place::new()?;
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let signer = Signer::generate("440", "v1", &mut rng);
    let folder = place.dir().join("server/c19r/440");
    fs::create_dir_all(&folder)?;
    fs::write(
        place.dir().join("server/public-key.pem"),
        signer.public_key_pem(),
    )?;
    let config = meeting(&place, 1, "")?;
    // Nobody is in this room.
    fs::write(place.dir().join("room.toml"), "start = 1700000000")?;
    let mut daemon = place.start_daemon(&config)?;
    ensure!(place.sesshoku(&["agree", "--yes"])?.status.success());

    let mut list = Vec::new();
    let mut taken = Vec::new();
    for check in 0..CHECKS {
        list.extend(publish(&folder, check, &signer, &mut rng)?);
        fs::write(folder.join("list.json"), serde_json::to_vec(&list)?)?;
        let checked = place.sesshoku(&["check", "--json"])?;
        ensure!(checked.status.success(), "{checked:?}\n{}", place.log());
        let checks = place.json(&["checks"])?;
        let last = checks["checks"].as_array().and_then(|all| all.first());
        let compared = last.map(|check| &check["compared"]);
        ensure!(
            compared == Some(&EXPORTS_A_CHECK.into()),
            "all are compared: {last:?}"
        );
        taken.push(resident_kib(daemon.id())?);
    }
    ensure!(daemon.is_running()?);
    let (first, last) = (taken[2], taken[taken.len() - 1]);
    assert!(last <= first + SLACK_KIB, "KiB after each check: {taken:?}");
    Ok(())
}

/// Publishes exports that were not there before; gives their places in the list.
fn publish(
    folder: &Path,
    check: u32,
    signer: &Signer,
    rng: &mut ChaCha20Rng,
) -> anyhow::Result<Vec<Value>> {
    // The room begins on the day after.
    let day = UtcDay::new(1_700_000_000 / DAY_SECONDS - 1);
    let mut list = Vec::new();
    for number in 0..EXPORTS_A_CHECK {
        let start = day.start().get() + 600 * (check * EXPORTS_A_CHECK + number);
        let keys = (0..KEYS_AN_EXPORT).map(|_| DiagnosisKey {
            tek: Tek::generate(rng),
            rolling_start: day.first_interval(),
            rolling_period: RollingPeriod::DAY,
            transmission_risk_level: 1,
            report_type: ReportType::ConfirmedTest,
            days_since_onset: Some(0),
        });
        let export = Export {
            start: start.into(),
            end: (start + 600).into(),
            region: "440".to_owned(),
            batch_num: 1,
            batch_size: 1,
            keys: keys.collect(),
            revised_keys: Vec::new(),
        };
        let name = format!("{check}-{number}.zip");
        fs::write(folder.join(&name), write(&export, &[signer])?)?;
        let created = u64::from(start + 600) * 1_000;
        list.push(json!({"region": "440", "url": name, "created": created}));
    }
    Ok(list)
}

/// How much of a process is in memory, in KiB.
fn resident_kib(id: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kib.context("VmRSS")?.parse()?)
}
