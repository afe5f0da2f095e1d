//! What a check takes of memory it gives back, so that a daemon that runs for months takes
//! no more than after its first day.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::export::{Export, Signer, write};
use gaen::key::Tek;
use gaen::time::{DAY_SECONDS, UtcDay};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::{Value, json};
use sesshoku_tests::local::{Place, Process};
use sesshoku_tests::room::meeting;

const CHECKS: u32 = 16;
const EXPORTS_A_CHECK: u32 = 8;
const KEYS_AN_EXPORT: u32 = 20_000;
/// How much may come to what the first checks have left, in KiB: what is known of each
/// export for 14 days takes some 8 KiB, with SQLite's pages, and there are 128 in the end.
const SLACK_KIB: u64 = 4 * 1024;

/// How much the goals leave for a check of [`LARGE_EXPORT`] at its peak, and for what stays
/// of it, in KiB: 30 MiB and 14 MiB in all, of which a daemon that has started takes 12. What
/// it takes at the start is left out here, where programs are not built as they are
/// released.
const PEAK_KIB: u64 = 18 * 1024;
const KEPT_KIB: u64 = 2 * 1024;
const LARGE_EXPORT: u32 = 100_000;
/// The daemon's own, and those for what blocks (`MAX_BLOCKING_THREADS`).
const MAX_THREADS: u64 = 1 + 4;

#[test]
fn many_checks_take_no_more_memory_than_a_few() -> anyhow::Result<()> {
    let mut device = Device::start()?;
    let mut taken = Vec::new();
    for _ in 0..CHECKS {
        device.check(EXPORTS_A_CHECK, KEYS_AN_EXPORT)?;
        taken.push(device.status("VmRSS")?);
    }
    ensure!(device.daemon.is_running()?);
    let (first, last) = (taken[2], taken[taken.len() - 1]);
    assert!(last <= first + SLACK_KIB, "KiB after each check: {taken:?}");
    Ok(())
}

#[test]
fn a_large_check_takes_little_memory_and_gives_it_back() -> anyhow::Result<()> {
    let mut device = Device::start()?;
    // What a first check needs for good: code, the store's pages.
    device.check(1, 1)?;
    let before = device.status("VmRSS")?;
    device.check(1, LARGE_EXPORT)?;
    let (peak, after) = (device.status("VmHWM")?, device.status("VmRSS")?);
    let threads = device.status("Threads")?;
    assert!(
        peak <= before + PEAK_KIB && after <= before + KEPT_KIB,
        "KiB: {before} before, {peak} at the peak, {after} after"
    );
    assert!(threads <= MAX_THREADS, "{threads} threads");
    Ok(())
}

/// A device in a room without anybody, and the server that it checks.
struct Device {
    place: Place,
    daemon: Process,
    folder: PathBuf,
    signer: Signer,
    rng: ChaCha20Rng,
    list: Vec<Value>,
}

impl Device {
    fn start() -> anyhow::Result<Self> {
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
        fs::write(place.dir().join("room.toml"), "start = 1700000000")?;
        let daemon = place.start_daemon(&config)?;
        ensure!(place.sesshoku(&["agree", "--yes"])?.status.success());
        Ok(Self {
            place,
            daemon,
            folder,
            signer,
            rng,
            list: Vec::new(),
        })
    }

    /// Publishes exports of `keys` keys each, and has all of them compared.
    fn check(&mut self, exports: u32, keys: u32) -> anyhow::Result<()> {
        for _ in 0..exports {
            self.publish(keys)?;
        }
        fs::write(
            self.folder.join("list.json"),
            serde_json::to_vec(&self.list)?,
        )?;
        let checked = self.place.sesshoku(&["check", "--json"])?;
        ensure!(
            checked.status.success(),
            "{checked:?}\n{}",
            self.place.log()
        );
        let checks = self.place.json(&["checks"])?;
        let last = checks["checks"].as_array().and_then(|all| all.first());
        let compared = last.map(|check| &check["compared"]);
        ensure!(
            compared == Some(&exports.into()),
            "all are compared: {last:?}"
        );
        Ok(())
    }

    /// Publishes an export that was not there before.
    fn publish(&mut self, keys: u32) -> anyhow::Result<()> {
        // The room begins on the day after.
        let day = UtcDay::new(1_700_000_000 / DAY_SECONDS - 1);
        let number = u32::try_from(self.list.len())?;
        let start = day.start().get() + 600 * number;
        let keys = (0..keys).map(|_| DiagnosisKey {
            tek: Tek::generate(&mut self.rng),
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
        let name = format!("{number}.zip");
        fs::write(self.folder.join(&name), write(&export, &[&self.signer])?)?;
        let created = u64::from(start + 600) * 1_000;
        self.list
            .push(json!({"region": "440", "url": name, "created": created}));
        Ok(())
    }

    /// What the kernel says of the daemon, memory in KiB.
    fn status(&self, field: &str) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.daemon.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.context(field.to_owned())?.parse()?)
    }
}
