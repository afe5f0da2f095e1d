//! What all tests of the store share.

use std::io::Write;
use std::path::{Path, PathBuf};

use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::key::{Aem, Rpi, Tek};
use gaen::sighting::Sighting;
use gaen::time::{DAY_SECONDS, UnixSeconds, UtcDay};
use gaen::window::{ExposureWindow, Infectiousness, ScanInstance};
use sesshoku_core::records::{
    CycleSighting, ExposureChanges, OwnKey, ScanCycle, Standing, StoredExposure, UsedIntervals,
};
use sesshoku_core::verdict::{Brought, Comparison, ExportBatch, Ledger, Listed};
use sesshokud::store::{DeviceKey, ReadReport, Store, StoreError};
use tempfile::TempDir;

pub(crate) const DAY: u32 = DAY_SECONDS;
pub(crate) const HOUR: u32 = 3600;
/// 2020-08-01T00:00:00Z.
pub(crate) const T0: u32 = 1_596_240_000;
pub(crate) const EVER: UnixSeconds = UnixSeconds::new(0);

/// Says that a test cannot be held here, past the harness, so that it is counted
/// (`scripts/tally`).
pub(crate) fn skipped(why: &str) {
    let mut err = std::io::stderr().lock();
    writeln!(err, "\nskipped: {why}").unwrap();
}

/// A store in a folder of its own, with the device key in a file.
pub(crate) struct Home {
    pub(crate) dir: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        // Thousands of writes that wait for the disk: in memory they are quick, and
        // no test here pulls the plug.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        Self { dir: dir.unwrap() }
    }

    /// The same where the disk has to be waited for.
    pub(crate) fn on_disk() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path().join("store.db")
    }

    pub(crate) fn try_open(&self) -> Result<Store, StoreError> {
        let key = DeviceKey::load(self.path(), None)?;
        Store::open(self.path(), &key)
    }

    pub(crate) fn open(&self) -> Store {
        self.try_open().unwrap()
    }
}

pub(crate) fn at(seconds: u32) -> UnixSeconds {
    UnixSeconds::new(seconds)
}

pub(crate) fn day(seconds: u32) -> UtcDay {
    at(seconds).utc_day()
}

/// Sighting number `n` of a cycle at `time`; no two are alike.
pub(crate) fn sighting(time: u32, n: u32) -> CycleSighting {
    let mut rpi = [0xa5; 16];
    rpi[..4].copy_from_slice(&time.to_le_bytes());
    rpi[4..8].copy_from_slice(&n.to_le_bytes());
    CycleSighting {
        time: at(time),
        rpi: Rpi::from_bytes(rpi),
        aem: Aem::from_bytes(n.to_be_bytes()),
        rssi: -i8::try_from(30 + n % 70).unwrap(),
    }
}

/// A cycle of four seconds with `count` sightings, four minutes after the one before.
pub(crate) fn cycle(started: u32, count: u32) -> ScanCycle {
    ScanCycle {
        started: at(started),
        ended: at(started + 4),
        previous: Some(at(started - 240)),
        cut_short: false,
        after_gap: false,
        sightings: (0..count).map(|n| sighting(started + n % 4, n)).collect(),
    }
}

pub(crate) fn read_since(store: &Store, since: UnixSeconds) -> (Vec<Sighting>, ReadReport) {
    let mut sightings = Vec::new();
    let report = store
        .for_each_sighting(since, &mut |sighting| sightings.push(*sighting))
        .unwrap();
    assert_eq!(u64::try_from(sightings.len()).unwrap(), report.sightings);
    (sightings, report)
}

pub(crate) fn read_all(store: &Store) -> (Vec<Sighting>, ReadReport) {
    read_since(store, EVER)
}

/// The sightings that reading `cycle` back gives.
pub(crate) fn sightings_of(id: u64, cycle: &ScanCycle) -> Vec<Sighting> {
    cycle
        .sightings
        .iter()
        .map(|heard| Sighting {
            time: heard.time,
            rpi: heard.rpi,
            aem: heard.aem,
            rssi: heard.rssi,
            scan: gaen::sighting::Scan {
                cycle: Some(id),
                previous: cycle.previous,
            },
        })
        .collect()
}

pub(crate) fn exposure(key: u8, starts: &[u32]) -> StoredExposure {
    StoredExposure {
        changed: false,
        key: DiagnosisKey {
            tek: Tek::from_bytes([key; 16]),
            rolling_start: day(starts[0]).first_interval(),
            rolling_period: RollingPeriod::DAY,
            transmission_risk_level: 0,
            report_type: ReportType::ConfirmedTest,
            days_since_onset: Some(-1),
        },
        windows: starts.iter().map(|start| window(*start)).collect(),
    }
}

pub(crate) fn window(start: u32) -> ExposureWindow {
    ExposureWindow {
        date: day(start),
        start: at(start),
        report_type: ReportType::ConfirmedTest,
        infectiousness: Infectiousness::High,
        instances: vec![
            ScanInstance {
                typical_attenuation: 40,
                minimum_attenuation: 35,
                seconds_since_last_scan: 240,
            };
            7
        ],
    }
}

/// An own key of `day` that can be told from others by `n`, with some intervals used.
pub(crate) fn own_key(day: UtcDay, n: u8) -> OwnKey {
    OwnKey {
        day,
        tek: Tek::from_bytes([n; 16]),
        start: day.first_interval(),
        period: RollingPeriod::DAY,
        standing: Standing::InUse,
        used: UsedIntervals::from_bytes([n.wrapping_mul(3); UsedIntervals::LEN]),
    }
}

/// A ledger with one export that was compared, of `ended` and the day before.
pub(crate) fn ledger(ended: u32) -> Ledger {
    let batch = ExportBatch {
        start: (ended - DAY).into(),
        end: ended.into(),
        number: 1,
        of: 1,
    };
    let brought = Brought {
        content: [0x5a; 32],
        sha256: [0x5b; 32],
        batch,
        keys: 32,
    };
    let compared = Comparison {
        at: at(ended),
        keys_from: at(ended - DAY),
        keys_until: at(ended),
        seen: vec![(day(ended), 7)],
    };
    let listed = Listed {
        url: "https://exports.example/440/1.zip".to_owned(),
        name: "1.zip".to_owned(),
        created: u64::from(ended) * 1000,
        vouched: None,
    };
    let mut ledger = Ledger::default();
    ledger.take_list(
        "https://exports.example/440/list.json",
        &[listed],
        at(ended),
    );
    ledger.note_compared(1, brought, compared);
    // As after the next list, which does not name it.
    ledger.take_list("https://exports.example/440/list.json", &[], at(ended));
    ledger
}

/// Stores `changes` with that export.
pub(crate) fn record(store: &mut Store, changes: &ExposureChanges) {
    let ledger = ledger(T0 + DAY);
    let ids = ledger.exports().keys().copied().collect();
    store.record_compared(&ledger, &ids, changes).unwrap();
}
