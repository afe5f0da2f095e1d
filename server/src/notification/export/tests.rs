//! The exporter at a time of the test's choosing, broken off wherever it waits.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::export::{Limits, PinnedKey, check_complete, open};
use gaen::key::Tek;
use gaen::time::UnixSeconds;
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::database;
use crate::notification::config::Storage;

const NOW: UnixSeconds = UnixSeconds::new(1_597_492_800);
const REGION: &str = "440";
const DAY: i32 = 86_400;

/// A notification server's exporter and what it works on.
struct Bench {
    dir: TempDir,
    clock: Clock,
    signer: Arc<Signer>,
    settings: config::Export,
}

impl Bench {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            clock: Clock::set_at(NOW),
            signer: Arc::new(Signer::generate("440", "v1", &mut UnwrapErr(SysRng))),
            settings: config::Export {
                period_seconds: 3600,
                min_keys: 10,
                max_keys: 20,
                ..config::Export::default()
            },
        }
    }

    async fn store(&self) -> Store {
        Store::open(&database::Settings::Sqlite {
            path: self.dir.path().join("db"),
        })
        .await
        .unwrap()
    }

    fn blobs(&self) -> Blobs {
        Blobs::open(&Storage::Folder {
            dir: self.dir.path().join("public"),
        })
        .unwrap()
    }

    /// What a process that starts now has.
    async fn exporter(&self) -> Exporter {
        Exporter::new(Parts {
            clock: self.clock.clone(),
            store: self.store().await,
            blobs: self.blobs(),
            signer: Arc::clone(&self.signer),
            regions: vec![REGION.to_owned()],
            base_url: Url::parse("https://cdn.example/x/").unwrap(),
            settings: self.settings.clone(),
            metrics: Metrics::default(),
        })
    }

    fn later(&self, seconds: i32) {
        self.clock
            .set(self.clock.now().saturating_add_signed(seconds));
    }

    async fn register(&self, id: u8, keys: impl Iterator<Item = DiagnosisKey>) {
        let regions = vec![REGION.to_owned()];
        let now = self.clock.now();
        let store = self.store().await;
        store
            .register([id; 32], [id; 32], regions, keys.collect(), now)
            .await
            .unwrap();
    }

    fn pinned(&self) -> Vec<PinnedKey> {
        vec![self.signer.pinned_key()]
    }

    fn files(&self) -> BTreeSet<String> {
        let dir = self.dir.path().join("public/c19r").join(REGION);
        let Ok(entries) = std::fs::read_dir(dir) else {
            return BTreeSet::new();
        };
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    /// Reads what devices would get, and checks all of it; gives how often each key
    /// is there.
    fn published(&self) -> BTreeMap<[u8; 16], usize> {
        let dir = self.dir.path().join("public/c19r").join(REGION);
        let Ok(list) = std::fs::read(dir.join("list.json")) else {
            return BTreeMap::new();
        };
        let list: Vec<Value> = serde_json::from_slice(&list).unwrap();
        let mut by_export: BTreeMap<u64, Vec<Export>> = BTreeMap::new();
        let mut keys = BTreeMap::new();
        for entry in list {
            assert_eq!(entry["region"], REGION);
            let url = entry["url"].as_str().unwrap();
            let name = url.strip_prefix("https://cdn.example/x/c19r/440/").unwrap();
            let zip = std::fs::read(dir.join(name)).expect("what the list names is there");
            let verified = open(&zip, &Limits::default())
                .unwrap()
                .verify(&self.pinned())
                .unwrap();
            let export = verified.into_export();
            assert_eq!(entry["created"], export.end * 1000);
            assert!((10..=20).contains(&export.keys.len()));
            for key in &export.keys {
                *keys.entry(*key.tek.expose_bytes()).or_insert(0) += 1;
                let end = key.rolling_start.saturating_add(key.rolling_period.get());
                let embargo_end = u64::from(end.start().get()) + 7200;
                assert!(embargo_end <= export.end, "a key is out too early");
            }
            by_export.entry(export.end).or_default().push(export);
        }
        for batches in by_export.values() {
            check_complete(batches).unwrap();
        }
        keys
    }
}

fn key(byte: u8, days_ago: u32) -> DiagnosisKey {
    DiagnosisKey {
        tek: Tek::from_bytes([byte; 16]),
        rolling_start: NOW.utc_day().saturating_sub(days_ago).first_interval(),
        rolling_period: RollingPeriod::DAY,
        transmission_risk_level: 0,
        report_type: ReportType::ConfirmedTest,
        days_since_onset: Some(-2),
    }
}

/// Polls `work` at most `polls` times; whether it came to its end.
async fn break_off<T>(work: impl Future<Output = T>, polls: usize) -> bool {
    let mut work = pin!(work);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        work.as_mut().poll(context).map(|_| true)
    })
    .await
}

#[tokio::test]
async fn an_export_is_what_was_registered_and_nothing_twice() {
    let bench = Bench::new();
    let mut exporter = bench.exporter().await;
    exporter.round().await.unwrap();
    assert!(bench.published().is_empty());
    assert_eq!(bench.files(), BTreeSet::from(["list.json".to_owned()]));

    bench
        .register(1, (0..45).map(|byte| key(byte, 1 + u32::from(byte % 14))))
        .await;
    exporter.round().await.unwrap();
    assert!(bench.published().is_empty(), "the slot is done");
    bench.later(3600);
    exporter.round().await.unwrap();
    let published = bench.published();
    assert_eq!(published.len(), 45);
    assert!(published.values().all(|count| *count == 1));
    assert_eq!(bench.files().len(), 1 + 3);

    // One key: a file of ten, and all of them stay the same.
    bench.register(2, [key(200, 1)].into_iter()).await;
    bench.later(3600);
    exporter.round().await.unwrap();
    let published = bench.published();
    assert_eq!(published.len(), 55);
    for _ in 0..3 {
        bench.later(3600);
        exporter.round().await.unwrap();
        assert_eq!(bench.published(), published);
    }
}

#[tokio::test]
async fn everything_is_gone_after_14_days_and_the_list_goes_first() {
    let bench = Bench::new();
    bench.register(1, [key(77, 1)].into_iter()).await;
    let mut exporter = bench.exporter().await;
    exporter.round().await.unwrap();
    assert_eq!(bench.published().len(), 10);
    let database = || std::fs::read(bench.dir.path().join("db")).unwrap();
    let has_key = |bytes: &[u8]| bytes.windows(16).any(|it| it == [77; 16]);
    bench.store().await.clean_up().await.unwrap();
    assert!(has_key(&database()));
    bench.later(14 * DAY);
    exporter.round().await.unwrap();
    assert_eq!(bench.published().len(), 10);
    bench.later(1);
    exporter.round().await.unwrap();
    assert!(bench.published().is_empty());
    assert_eq!(
        bench.files().len(),
        2,
        "for devices that have just read the list"
    );
    exporter.round().await.unwrap();
    assert_eq!(bench.files().len(), 1);
    drop(exporter);
    assert!(!has_key(&database()), "no trace of the key");
    let log = std::fs::read(bench.dir.path().join("db-wal")).unwrap_or_default();
    assert!(!has_key(&log), "no trace of the key");
}

/// The exporter is dropped after one more poll each time, as if the process had been
/// killed there, and another one takes over. What is published is whole all along.
#[tokio::test]
async fn wherever_it_is_broken_off_the_next_one_goes_on() {
    let bench = Bench::new();
    let mut registered = BTreeSet::new();
    let mut id = 0;
    let mut polls = 0;
    loop {
        let keys: Vec<_> = (0..25_u8)
            .map(|index| DiagnosisKey {
                tek: Tek::generate(&mut UnwrapErr(SysRng)),
                ..key(index, 1 + u32::from(index % 5))
            })
            .collect();
        registered.extend(keys.iter().map(|key| *key.tek.expose_bytes()));
        bench.register(id, keys.into_iter()).await;
        id += 1;
        bench.later(3600);
        let mut exporter = bench.exporter().await;
        let is_done = break_off(exporter.round(), polls).await;
        let published = bench.published();
        assert!(
            published.values().all(|count| *count == 1),
            "after {polls} polls"
        );
        drop(exporter);
        if is_done {
            break;
        }
        // The dead process's lease has to run out.
        bench.later(120);
        let mut next = bench.exporter().await;
        next.round().await.unwrap();
        let published = bench.published();
        assert!(
            published.values().all(|count| *count == 1),
            "after {polls} polls"
        );
        for key in &registered {
            assert!(published.contains_key(key), "lost after {polls} polls");
        }
        assert!(bench.files().iter().all(|name| !name.contains('#')));
        let store = bench.store().await;
        store.drop_lease(next.holder).await.unwrap();
        polls += 1;
    }
    assert!(polls > 10, "only {polls} places to break off at");
}

/// As above, while exports of 14 days ago are deleted.
#[tokio::test]
async fn wherever_a_deletion_is_broken_off_the_next_one_goes_on() {
    for polls in 0.. {
        let bench = Bench::new();
        bench.register(1, (0..30).map(|byte| key(byte, 1))).await;
        let mut exporter = bench.exporter().await;
        exporter.round().await.unwrap();
        assert_eq!(bench.published().len(), 30);
        bench.later(14 * DAY + 1);
        let mut work = async || {
            exporter.round().await.unwrap();
            exporter.round().await.unwrap();
        };
        let is_done = break_off(work(), polls).await;
        bench.published();
        bench.later(120);
        let mut next = bench.exporter().await;
        for _ in 0..2 {
            next.round().await.unwrap();
            assert!(bench.published().is_empty());
        }
        assert_eq!(bench.files(), BTreeSet::from(["list.json".to_owned()]));
        if is_done {
            assert!(polls > 10, "only {polls} places to break off at");
            return;
        }
    }
}

#[tokio::test]
async fn one_exporter_works_at_a_time_and_the_other_takes_over() {
    let bench = Bench::new();
    let mut first = bench.exporter().await;
    let mut second = bench.exporter().await;
    first.round().await.unwrap();
    bench.register(1, [key(1, 1)].into_iter()).await;
    bench.later(3600);
    // The first has not been heard of for an hour: the second takes over.
    second.round().await.unwrap();
    assert_eq!(bench.published().len(), 10);
    first.round().await.unwrap();
    assert!(!first.holds && second.holds);
    assert!(matches!(
        first.finish(REGION).await,
        Ok(()) | Err(ExportError::Store(StoreError::LeaseLost))
    ));
    assert_eq!(bench.published().len(), 10);
}

#[tokio::test]
async fn what_another_wrote_over_the_list_is_put_right() {
    let bench = Bench::new();
    bench.register(1, [key(1, 1)].into_iter()).await;
    let mut exporter = bench.exporter().await;
    exporter.round().await.unwrap();
    bench
        .blobs()
        .put(&list_name(REGION), b"[]".to_vec())
        .await
        .unwrap();
    assert!(bench.published().is_empty());
    exporter.round().await.unwrap();
    assert_eq!(bench.published().len(), 10);
}

#[tokio::test]
async fn an_empty_database_does_not_wipe_out_what_is_published() {
    let bench = Bench::new();
    bench.register(1, [key(1, 1)].into_iter()).await;
    bench.exporter().await.round().await.unwrap();
    for name in ["db", "db-wal", "db-shm"] {
        let _ = std::fs::remove_file(bench.dir.path().join(name));
    }
    let mut exporter = bench.exporter().await;
    let error = exporter.round().await.unwrap_err();
    assert!(matches!(error, ExportError::Foreign), "{error}");
    assert_eq!(bench.published().len(), 10);
}
