//! The exporter at a time of the test's choosing, broken off wherever it waits.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::path::PathBuf;
use std::pin::pin;
use std::task::Poll;

use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::export::{Limits, PinnedKey, check_complete, open};
use gaen::key::Tek;
use gaen::time::UnixSeconds;
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::database::{self, Database};
use crate::notification;
use crate::notification::config::Storage;
use crate::notification::store::Seals;
use crate::secret::{Place, Secret};

const NOW: UnixSeconds = UnixSeconds::new(1_597_492_800);
const REGION: &str = "440";
const DAY: i32 = 86_400;

/// A notification server's exporter and what it works on.
struct Bench {
    dir: TempDir,
    clock: Clock,
    signer: Arc<Signer>,
    /// Settings by which more than that signs.
    next: Option<config::Signing>,
    keys_at_once: u64,
    settings: config::Export,
    /// The highest sequence number that was published so far.
    sequence: Cell<u64>,
}

impl Bench {
    fn new() -> Self {
        Self {
            // Files under way have such names; this is none.
            dir: tempfile::Builder::new().prefix("site#1").tempdir().unwrap(),
            clock: Clock::set_at(NOW),
            signer: Arc::new(Signer::generate("440", "v1", &mut UnwrapErr(SysRng))),
            next: None,
            keys_at_once: KEYS_AT_ONCE,
            settings: config::Export {
                period_seconds: 3600,
                min_keys: 10,
                max_keys: 20,
                ..config::Export::default()
            },
            sequence: Cell::new(0),
        }
    }

    async fn store(&self) -> Store {
        let settings = database::Settings::Sqlite {
            path: self.dir.path().join("db"),
        };
        let signing_key = Secret::new("a signing key".to_owned());
        Store::open(&settings, Seals::new(&signing_key, &[]))
            .await
            .unwrap()
    }

    fn blobs(&self) -> Blobs {
        Blobs::open(
            &Storage::Folder {
                dir: self.dir.path().join("public"),
            },
            1 << 20,
        )
        .unwrap()
    }

    /// What a process that starts now has.
    async fn exporter(&self) -> Exporter {
        Exporter::new(Parts {
            clock: self.clock.clone(),
            store: self.store().await,
            blobs: self.blobs(),
            signers: self.next.clone().map_or_else(
                || Signers::one(Arc::clone(&self.signer)),
                |settings| Signers::open(&settings).unwrap(),
            ),
            regions: vec![REGION.to_owned()],
            base_url: Url::parse("https://cdn.example/x/").unwrap(),
            settings: self.settings.clone(),
            metrics: Metrics::default(),
            keys_at_once: self.keys_at_once,
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

    /// Where a key is, for settings.
    fn key_file(&self, name: &str, signer: &Signer) -> Place {
        let path = self.dir.path().join(name);
        std::fs::write(&path, signer.private_key_pem().unwrap()).unwrap();
        Place::File(path)
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

    /// The exports' files, by their names.
    fn zips(&self) -> BTreeMap<String, Vec<u8>> {
        let zips = self.files().into_iter().filter(|it| it.ends_with(".zip"));
        zips.map(|name| (name.clone(), std::fs::read(self.public(&name)).unwrap()))
            .collect()
    }

    /// Makes an export of `keys`; the next one's slot has come after it.
    async fn export(&self, exporter: &mut Exporter, keys: impl Iterator<Item = u8>) {
        let keys: Vec<_> = keys.map(|byte| key(byte, 2)).collect();
        self.register(keys[0].tek.expose_bytes()[0], keys.into_iter())
            .await;
        exporter.round().await.unwrap();
        self.later(3600);
    }

    async fn back_up(&self) {
        self.store().await.clean_up().await.unwrap();
        std::fs::copy(self.dir.path().join("db"), self.dir.path().join("backup")).unwrap();
    }

    fn restore(&self) {
        for name in ["db", "db-wal", "db-shm"] {
            let _ = std::fs::remove_file(self.dir.path().join(name));
        }
        std::fs::copy(self.dir.path().join("backup"), self.dir.path().join("db")).unwrap();
    }

    fn lose_files(&self) {
        std::fs::remove_dir_all(self.dir.path().join("public")).unwrap();
        std::fs::create_dir(self.dir.path().join("public")).unwrap();
    }

    fn public(&self, name: &str) -> PathBuf {
        self.dir.path().join("public/c19r").join(REGION).join(name)
    }

    /// The plain list: URLs and times.
    fn list(&self) -> Vec<(String, u64)> {
        let list = std::fs::read(self.public("list.json")).unwrap();
        let list: Vec<Value> = serde_json::from_slice(&list).unwrap();
        let entry = |entry: &Value| {
            let url = entry["url"].as_str().unwrap().to_owned();
            (url, entry["created"].as_u64().unwrap())
        };
        list.iter().map(entry).collect()
    }

    /// Reads the signed listing, and checks that what it names is there, is what it
    /// says, and that its number has not become lower.
    fn listing(&self) -> Option<Listing> {
        let file = std::fs::read(self.public("list.json.sig")).ok()?;
        let listing = Listing::open(&file, &self.pinned(), &listing::Limits::default()).unwrap();
        assert_eq!(listing.region, REGION);
        assert!(listing.sequence >= self.sequence.get(), "{listing:?}");
        self.sequence.set(listing.sequence);
        for entry in &listing.entries {
            let name = entry.url.rsplit('/').next().unwrap();
            let zip = std::fs::read(self.public(name)).expect("what the listing names is there");
            assert_eq!(entry.sha256, *Sha256::digest(&zip), "{name}");
            let export = open(&zip, &Limits::default())
                .unwrap()
                .verify(&self.pinned())
                .unwrap()
                .into_export();
            assert_eq!((entry.start, entry.end), (export.start, export.end));
            assert_eq!(
                (entry.batch_num, entry.batch_size),
                (export.batch_num, export.batch_size)
            );
        }
        Some(listing)
    }

    /// After a whole round, both lists say the same.
    fn lists_agree(&self) -> Listing {
        let listing = self.listing().unwrap();
        let signed: Vec<_> = listing
            .entries
            .iter()
            .map(|entry| (entry.url.clone(), entry.created))
            .collect();
        assert_eq!(signed, self.list());
        listing
    }

    /// Reads what devices would get, and checks all of it; gives how often each key
    /// is there.
    fn published(&self) -> BTreeMap<[u8; 16], usize> {
        self.listing();
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

/// The files of both lists.
const LISTS: usize = 2;

#[tokio::test]
async fn an_export_is_what_was_registered_and_nothing_twice() {
    let bench = Bench::new();
    let registered: Vec<_> = (0..45)
        .map(|byte| key(byte, 1 + u32::from(byte % 14)))
        .collect();
    bench.register(1, registered.iter().take(5).cloned()).await;
    let mut exporter = bench.exporter().await;
    exporter.round().await.unwrap();
    assert_eq!(bench.published().len(), 10);
    assert_eq!(bench.files().len(), LISTS + 1);
    bench.lists_agree();

    bench.register(2, registered.iter().skip(5).cloned()).await;
    exporter.round().await.unwrap();
    assert_eq!(bench.published().len(), 10, "the slot is done");
    bench.later(3600);
    exporter.round().await.unwrap();
    let published = bench.published();
    assert_eq!(published.len(), 50);
    assert!(published.values().all(|count| *count == 1));
    assert_eq!(bench.files().len(), LISTS + 1 + 2);
    bench.lists_agree();

    // One key: a file of ten, and all of them stay the same.
    bench.register(3, [key(200, 1)].into_iter()).await;
    bench.later(3600);
    exporter.round().await.unwrap();
    let published = bench.published();
    assert_eq!(published.len(), 60);
    for round in 0..3 {
        exporter.round().await.unwrap();
        assert_eq!(bench.published(), published, "round {round}");
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
    assert!(bench.published().contains_key(&[77; 16]));
    bench.later(1);
    exporter.round().await.unwrap();
    // Of this day, there is an export of nothing.
    let list = bench.lists_agree().entries;
    assert_eq!(list.len(), 1);
    assert!(!bench.published().contains_key(&[77; 16]));
    assert_eq!(
        bench.files().len(),
        LISTS + 2,
        "for devices that have just read the list"
    );
    exporter.round().await.unwrap();
    assert_eq!(bench.files().len(), LISTS + 1);
    assert_eq!(bench.lists_agree().entries, list);
    drop(exporter);
    assert!(!has_key(&database()), "no trace of the key");
    let log = std::fs::read(bench.dir.path().join("db-wal")).unwrap_or_default();
    assert!(!has_key(&log), "no trace of the key");
}

/// The places at which work is broken off, one after the other, until there were more than
/// ten.
///
/// There are so many in one pass, but where the machine is busy: what has ended by the time
/// it is looked at is no place. Then it is gone through again.
#[derive(Default)]
struct Places {
    polls: usize,
    broken_off: usize,
    passes: usize,
}

impl Places {
    /// Whether to go on, after work that was polled [`Self::polls`] times.
    fn go_on(&mut self, is_done: bool) -> bool {
        if !is_done {
            self.polls += 1;
            self.broken_off += 1;
            return true;
        }
        self.passes += 1;
        let many = self.broken_off > 10;
        assert!(
            many || self.passes < 4,
            "only {} places to break off at",
            self.broken_off
        );
        self.polls = 0;
        !many
    }
}

/// The exporter is dropped after one more poll each time, as if the process had been
/// killed there, and another one takes over. What is published is whole all along.
#[tokio::test]
async fn wherever_it_is_broken_off_the_next_one_goes_on() {
    let mut bench = Bench::new();
    // In three parts.
    bench.keys_at_once = 9;
    let mut registered = BTreeSet::new();
    let mut id = 0;
    let mut places = Places::default();
    loop {
        let polls = places.polls;
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
        if !places.go_on(is_done) {
            break;
        }
        if is_done {
            continue;
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
        bench.lists_agree();
        let store = bench.store().await;
        store.drop_lease(next.holder).await.unwrap();
    }
}

/// As above, while exports of 14 days ago are deleted.
#[tokio::test]
async fn wherever_a_deletion_is_broken_off_the_next_one_goes_on() {
    let mut places = Places::default();
    loop {
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
        let is_done = break_off(work(), places.polls).await;
        bench.published();
        bench.later(120);
        let mut next = bench.exporter().await;
        for _ in 0..2 {
            next.round().await.unwrap();
            let published = bench.published();
            assert!((0..30).all(|byte| !published.contains_key(&[byte; 16])));
        }
        assert_eq!(bench.lists_agree().entries.len(), 1);
        assert_eq!(bench.files().len(), LISTS + 1);
        if !places.go_on(is_done) {
            break;
        }
    }
}

#[tokio::test]
async fn one_exporter_works_at_a_time_and_the_other_takes_over() {
    let bench = Bench::new();
    let mut first = bench.exporter().await;
    let mut second = bench.exporter().await;
    bench.register(1, [key(1, 1)].into_iter()).await;
    first.round().await.unwrap();
    assert_eq!(bench.published().len(), 10);
    bench.register(2, [key(2, 1)].into_iter()).await;
    bench.later(3600);
    // The first has not been heard of for an hour: the second takes over.
    second.round().await.unwrap();
    assert_eq!(bench.published().len(), 20);
    first.round().await.unwrap();
    assert!(!first.holds && second.holds);
    assert!(matches!(
        first.finish(REGION).await,
        Ok(()) | Err(ExportError::Store(StoreError::LeaseLost))
    ));
    assert_eq!(bench.published().len(), 20);
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
async fn a_listings_number_grows_with_what_it_says_and_whatever_becomes_of_the_database() {
    let bench = Bench::new();
    let mut exporter = bench.exporter().await;
    let mut last = 0;
    for byte in 0..4 {
        bench.register(byte, [key(byte, 1)].into_iter()).await;
        exporter.round().await.unwrap();
        let sequence = bench.lists_agree().sequence;
        assert!(sequence > last, "something else");
        exporter.round().await.unwrap();
        assert_eq!(bench.lists_agree().sequence, sequence, "the same");
        last = sequence;
        bench.later(3600);
        if byte == 1 {
            drop(exporter);
            bench.back_up().await;
            exporter = bench.exporter().await;
        }
    }
    drop(exporter);
    // From a backup, which knows only a lower number.
    bench.restore();
    let mut exporter = bench.exporter().await;
    bench.later(120);
    exporter.round().await.unwrap();
    let restored = bench.lists_agree().sequence;
    assert!(restored > last);
    // And under a clock that was set back, with the published one gone, too.
    bench.later(-7200);
    std::fs::remove_file(bench.public("list.json.sig")).unwrap();
    exporter.round().await.unwrap();
    assert!(bench.lists_agree().sequence > restored);
}

#[tokio::test]
async fn a_backup_under_a_clock_set_back_is_below_nothing_that_is_published() {
    let bench = Bench::new();
    let mut exporter = bench.exporter().await;
    exporter.round().await.unwrap();
    let published = bench.lists_agree();
    drop(exporter);
    let database = rusqlite::Connection::open(bench.dir.path().join("db")).unwrap();
    database.execute("DELETE FROM listing", []).unwrap();
    bench.later(-86_400 * 365);
    let mut exporter = bench.exporter().await;
    database.execute("DELETE FROM lease", []).unwrap();
    exporter.round().await.unwrap();
    assert_eq!(bench.lists_agree().sequence, published.sequence + 1);
}

#[tokio::test]
async fn a_listing_is_made_anew_twice_a_day_and_for_a_new_key() {
    let mut bench = Bench::new();
    // No export comes between: the day's slot has just begun.
    bench.settings.period_seconds = 86_400;
    bench.later(-12 * 3600);
    let mut exporter = bench.exporter().await;
    exporter.round().await.unwrap();
    let first = bench.lists_agree();
    bench.later(12 * 3600 - 1);
    exporter.round().await.unwrap();
    assert_eq!(bench.lists_agree(), first);
    bench.later(1);
    exporter.round().await.unwrap();
    let second = bench.lists_agree();
    assert!(second.sequence > first.sequence);
    assert_eq!(second.made.seconds_since(first.made), 12 * 3600);

    drop(exporter);
    let old = bench.pinned();
    bench.signer = Arc::new(Signer::generate("440", "v2", &mut UnwrapErr(SysRng)));
    let mut exporter = bench.exporter().await;
    bench.later(120);
    exporter.round().await.unwrap();
    let file = std::fs::read(bench.public("list.json.sig")).unwrap();
    let limits = listing::Limits::default();
    assert!(Listing::open(&file, &old, &limits).is_err());
    let third = Listing::open(&file, &bench.pinned(), &limits).unwrap();
    assert!(third.sequence > second.sequence);
}

/// One key gives way to another, and no device that pins either is left alone meanwhile.
#[tokio::test]
async fn two_keys_sign_until_the_next_signs_alone() {
    let mut bench = Bench::new();
    let next = Signer::generate("440", "v2", &mut UnwrapErr(SysRng));
    let at = |days: i32| {
        let seconds = NOW.saturating_add_signed(days * DAY).get();
        jiff::Timestamp::from_second(seconds.into()).unwrap()
    };
    let key = bench.key_file("key", &bench.signer);
    let settings = config::Signing {
        key,
        next: Some(config::Next {
            key: bench.key_file("next", &next),
            id: "440".to_owned(),
            version: "v2".to_owned(),
            from: Some(at(1)),
            alone_from: Some(at(16)),
        }),
        ..config::Signing::default()
    };
    bench.next = Some(settings);
    let (old, new) = (bench.pinned(), vec![next.pinned_key()]);
    let mut exporter = bench.exporter().await;
    for (days, by_old, by_new) in [
        (0, true, false),
        (1, true, true),
        (15, true, true),
        (16, false, true),
    ] {
        bench.clock.set(NOW.saturating_add_signed(days * DAY));
        exporter.round().await.unwrap();
        let list = std::fs::read(bench.public("list.json.sig")).unwrap();
        let zips = bench.zips();
        let number = |name: &&String| name.strip_suffix(".zip").unwrap().parse::<u32>().unwrap();
        let newest = zips.keys().max_by_key(number);
        let zip = &zips[newest.unwrap()];
        for (pinned, is_taken) in [(&old, by_old), (&new, by_new)] {
            let listing = Listing::open(&list, pinned, &listing::Limits::default());
            assert_eq!(listing.is_ok(), is_taken, "list on day {days}");
            let export = open(zip, &Limits::default()).unwrap().verify(pinned);
            assert_eq!(export.is_ok(), is_taken, "export on day {days}");
        }
        exporter.round().await.unwrap();
        let again = std::fs::read(bench.public("list.json.sig")).unwrap();
        assert!(again == list, "it is signed once");
    }
}

#[tokio::test]
async fn a_listing_that_is_not_the_last_is_put_right() {
    let bench = Bench::new();
    let mut exporter = bench.exporter().await;
    exporter.round().await.unwrap();
    let earlier = std::fs::read(bench.public("list.json.sig")).unwrap();
    bench.register(1, [key(1, 1)].into_iter()).await;
    bench.later(3600);
    exporter.round().await.unwrap();
    let good = bench.lists_agree();
    for wrong in [earlier, b"nonsense".to_vec(), Vec::new()] {
        std::fs::write(bench.public("list.json.sig"), wrong).unwrap();
        exporter.round().await.unwrap();
        let again = bench.lists_agree();
        assert!(again.sequence > good.sequence);
        assert_eq!(again.entries, good.entries);
    }
}

/// Files of a version that kept no hashes, one of which has been lost.
#[tokio::test]
async fn what_was_listed_without_a_hash_is_listed_with_it() {
    let bench = Bench::new();
    let mut exporter = bench.exporter().await;
    exporter.round().await.unwrap();
    bench.register(1, [key(1, 1)].into_iter()).await;
    bench.later(3600);
    exporter.round().await.unwrap();
    let entries = bench.lists_agree().entries;
    assert_eq!(entries.len(), 2);
    let database = rusqlite::Connection::open(bench.dir.path().join("db")).unwrap();
    database
        .execute("UPDATE export SET sha256 = NULL", [])
        .unwrap();
    database.execute("DELETE FROM listing", []).unwrap();
    std::fs::remove_file(bench.public("list.json.sig")).unwrap();
    std::fs::remove_file(bench.public("2.zip")).unwrap();
    exporter.round().await.unwrap();
    assert_eq!(bench.lists_agree().entries, entries);
}

/// Nobody registers for a month.
#[tokio::test]
async fn there_is_an_export_a_day_and_nobody_can_tell_that_it_holds_nothing() {
    let mut bench = Bench::new();
    bench.settings.period_seconds = 17_280;
    let mut exporter = bench.exporter().await;
    let mut ends = BTreeSet::new();
    for _ in 0..30 * 5 {
        exporter.round().await.unwrap();
        let listing = bench.lists_agree();
        ends.extend(listing.entries.iter().map(|entry| entry.end));
        // Few files are so small that a made-up person fills them alone.
        let exports = listing.entries.len();
        assert!((10 * exports..=11 * exports).contains(&bench.published().len()));
        let newest = listing.entries.iter().map(|entry| entry.end).max().unwrap();
        assert!(u64::from(bench.clock.now().get()) - newest <= 86_400);
        bench.later(17_280);
    }
    let ends: Vec<_> = ends.into_iter().collect();
    let gaps: BTreeSet<_> = ends.windows(2).map(|it| it[1] - it[0]).collect();
    // That fifty draws of five give one of them never is a chance of 1 in 10,000; that
    // two of them are never given, of 1 in 10^10.
    assert!(gaps.len() >= 4, "{gaps:?}");
    assert!(gaps.iter().all(|gap| gap % 17_280 == 0));
}

/// All of them, a few, or those that are damaged on the way: whatever becomes of the files,
/// a list names none that is not there.
#[tokio::test]
async fn files_that_are_lost_are_made_again_as_they_were() {
    let bench = Bench::new();
    let mut exporter = bench.exporter().await;
    bench.export(&mut exporter, 0..1).await;
    bench.export(&mut exporter, 1..40).await;
    let (zips, entries) = (bench.zips(), bench.lists_agree().entries);
    assert_eq!((zips.len(), entries.len()), (3, 3));
    bench.later(-3600);
    // Under a running process, and before one starts.
    for is_running in [true, false] {
        if !is_running {
            drop(exporter);
            exporter = bench.exporter().await;
            bench.later(120);
        }
        bench.lose_files();
        exporter.round().await.unwrap();
        assert_eq!(bench.lists_agree().entries, entries);
        assert_eq!(bench.zips(), zips);
    }
    drop(exporter);
    std::fs::remove_file(bench.public("2.zip")).unwrap();
    let mut exporter = bench.exporter().await;
    bench.later(120);
    exporter.round().await.unwrap();
    assert_eq!(bench.zips(), zips);
}

/// What was published since the backup stays, and what waits in it is not published twice.
#[tokio::test]
async fn an_older_database_takes_up_what_was_published_since() {
    let bench = Bench::new();
    let mut exporter = bench.exporter().await;
    bench.export(&mut exporter, 0..15).await;
    bench
        .register(100, (100..105).map(|byte| key(byte, 2)))
        .await;
    drop(exporter);
    bench.back_up().await;
    let mut exporter = bench.exporter().await;
    bench.export(&mut exporter, 15..50).await;
    bench.export(&mut exporter, 50..52).await;
    let (zips, published) = (bench.zips(), bench.published());
    let highest = zips.len();
    drop(exporter);

    bench.restore();
    let mut exporter = bench.exporter().await;
    exporter.round().await.unwrap();
    bench.lists_agree();
    bench.later(3600);
    bench.export(&mut exporter, 200..201).await;
    let (zips_after, after) = (bench.zips(), bench.published());
    for (name, content) in &zips {
        assert!(zips_after.get(name) == Some(content), "{name} is another");
    }
    assert!(after.values().all(|count| *count == 1));
    assert!(published.keys().all(|key| after.contains_key(key)));
    assert!(after.contains_key(&[200; 16]));
    let number = |name: &String| name.strip_suffix(".zip").unwrap().parse().unwrap();
    let new: Vec<usize> = zips_after
        .keys()
        .filter(|name| !zips.contains_key(*name))
        .map(number)
        .collect();
    assert!(!new.is_empty() && new.iter().all(|number| *number > highest));

    // They are the database's from now on: made again, and deleted in time.
    bench.lose_files();
    bench.later(-3600);
    exporter.round().await.unwrap();
    assert_eq!(bench.zips(), zips_after);
    bench.later(14 * DAY + 7201);
    for _ in 0..3 {
        exporter.round().await.unwrap();
    }
    let left = bench.zips();
    assert!(zips_after.keys().all(|name| !left.contains_key(name)));
}

/// Nobody has the exports that were published since: their names are given to no other.
#[tokio::test]
async fn an_older_database_beside_an_empty_storage_gives_no_name_twice() {
    let bench = Bench::new();
    let mut exporter = bench.exporter().await;
    bench.export(&mut exporter, 0..15).await;
    drop(exporter);
    bench.back_up().await;
    let mut exporter = bench.exporter().await;
    bench.export(&mut exporter, 15..50).await;
    bench.export(&mut exporter, 50..90).await;
    let zips = bench.zips();
    drop(exporter);

    bench.restore();
    bench.lose_files();
    let mut exporter = bench.exporter().await;
    bench.export(&mut exporter, 100..120).await;
    bench.export(&mut exporter, 120..125).await;
    bench.lists_agree();
    let after = bench.zips();
    assert!(after.len() > 2);
    for (name, content) in after {
        let before = zips.get(&name);
        assert!(before.is_none_or(|it| *it == content), "{name} is another");
    }
}

/// A list that nobody can believe tells the numbers still.
#[tokio::test]
async fn an_older_database_and_another_key_give_no_name_twice() {
    let mut bench = Bench::new();
    let mut exporter = bench.exporter().await;
    bench.export(&mut exporter, 0..15).await;
    drop(exporter);
    bench.back_up().await;
    let mut exporter = bench.exporter().await;
    bench.export(&mut exporter, 15..50).await;
    let zips = bench.zips();
    drop(exporter);

    bench.restore();
    bench.sequence.set(0);
    bench.signer = Arc::new(Signer::generate("440", "v2", &mut UnwrapErr(SysRng)));
    for name in ["2.zip", "3.zip"] {
        std::fs::remove_file(bench.public(name)).unwrap();
    }
    let mut exporter = bench.exporter().await;
    bench.export(&mut exporter, 100..105).await;
    let new = bench.zips().into_keys().find(|it| !zips.contains_key(it));
    assert_eq!(new.as_deref(), Some("4.zip"));
}

/// A site with two exports that are published and known, and a third that a database from
/// before knows nothing of: the files, and the keys in them.
async fn site_with_an_older_database(
    bench: &Bench,
) -> (BTreeMap<String, Vec<u8>>, BTreeMap<[u8; 16], usize>) {
    let mut exporter = bench.exporter().await;
    bench.export(&mut exporter, 0..15).await;
    bench.export(&mut exporter, 15..30).await;
    // Those of the third wait in the backup as well.
    bench.register(30, (30..45).map(|byte| key(byte, 2))).await;
    drop(exporter);
    bench.back_up().await;
    let mut exporter = bench.exporter().await;
    exporter.round().await.unwrap();
    bench.later(3600);
    drop(exporter);
    let (zips, published) = (bench.zips(), bench.published());
    bench.restore();
    bench.sequence.set(0);
    (zips, published)
}

/// Whatever has become of the lists, every file is an export by itself.
#[tokio::test]
async fn an_older_database_loses_no_file_by_lists_that_are_lost() {
    for lost in 0..5 {
        let bench = Bench::new();
        let (zips, published) = site_with_an_older_database(&bench).await;
        let (plain, signed) = (bench.public("list.json"), bench.public("list.json.sig"));
        if lost == 1 || lost == 4 {
            std::fs::remove_file(&signed).unwrap();
        }
        if lost == 2 {
            std::fs::write(&signed, b"nothing").unwrap();
        }
        if lost == 3 {
            std::fs::write(&plain, b"nothing").unwrap();
        }
        if lost == 4 {
            std::fs::remove_file(&plain).unwrap();
        }
        let mut exporter = bench.exporter().await;
        bench.export(&mut exporter, 100..101).await;
        bench.lists_agree();
        let (zips_after, after) = (bench.zips(), bench.published());
        for (name, content) in &zips {
            assert!(
                zips_after.get(name) == Some(content),
                "{lost}: {name} is another"
            );
        }
        assert!(after.values().all(|count| *count == 1), "{lost}");
        assert!(
            published.keys().all(|key| after.contains_key(key)),
            "{lost}"
        );
        assert!(after.contains_key(&[100; 16]), "{lost}");
    }
}

/// The key that signed was stolen, say: another one signs from one moment on. What the first
/// one signed is believed where the operator asks for it, and deleted in no case.
#[tokio::test]
async fn an_older_database_takes_up_what_a_former_key_signed_if_it_is_told_to() {
    let mut bench = Bench::new();
    let (zips, published) = site_with_an_older_database(&bench).await;
    let signer = Arc::new(Signer::generate("440", "v2", &mut UnwrapErr(SysRng)));
    let settings = config::Signing {
        key: bench.key_file("key", &signer),
        former_keys: vec![bench.key_file("former", &bench.signer)],
        version: "v2".to_owned(),
        ..config::Signing::default()
    };
    (bench.next, bench.signer) = (Some(settings), signer);
    for is_asked in [false, true] {
        bench.restore();
        bench.sequence.set(0);
        let mut exporter = bench.exporter().await;
        if is_asked {
            exporter.rebuild().await.unwrap();
        }
        exporter.round().await.unwrap();
        let after = bench.zips();
        assert!(
            zips.iter()
                .all(|(name, content)| after.get(name) == Some(content))
        );
        let listed = exporter.parts.store.listed(REGION).await.unwrap();
        let is_listed = listed.iter().any(|it| it.batch.number == 3);
        assert_eq!(is_listed, is_asked);
        let mut keys = BTreeSet::new();
        for it in listed {
            let of_file = exporter.parts.store.keys(REGION, it.batch.number).await;
            keys.extend(of_file.unwrap().iter().map(|key| *key.tek.expose_bytes()));
        }
        if is_asked {
            assert!(published.keys().all(|key| keys.contains(key)));
        }
    }
}

/// Whoever can write into the folder, or mistakes it for another one.
#[tokio::test]
async fn what_is_not_ours_stays_and_holds_nothing_up() {
    let bench = Bench::new();
    let mut exporter = bench.exporter().await;
    bench.export(&mut exporter, 0..15).await;
    drop(exporter);
    let foreign = [
        "9223372036854775807.zip",
        "9223372036854775806.zip",
        "77.zip",
        "x#y.zip",
    ];
    for name in foreign {
        std::fs::write(bench.public(name), b"not ours").unwrap();
    }
    // One of ours under another name.
    std::fs::copy(bench.public("1.zip"), bench.public("76.zip")).unwrap();
    std::fs::create_dir(bench.public("folder#1")).unwrap();
    let list =
        br#"[{"region":"440","url":"https://a.example/9223372036854775807.zip","created":1}]"#;
    std::fs::write(bench.public("list.json"), list).unwrap();
    let mut exporter = bench.exporter().await;
    bench.export(&mut exporter, 15..30).await;
    bench.export(&mut exporter, 30..31).await;
    let zips = bench.zips();
    for name in foreign {
        assert!(zips.get(name).is_some_and(|it| it == b"not ours"), "{name}");
    }
    assert!(
        zips.contains_key("78.zip") && zips.contains_key("79.zip"),
        "{:?}",
        zips.keys()
    );
    assert_eq!(bench.list().len(), 3);
}

#[tokio::test]
async fn an_empty_database_does_not_wipe_out_what_is_published() {
    for lost in 0..4 {
        let bench = Bench::new();
        bench.register(1, [key(1, 1)].into_iter()).await;
        bench.exporter().await.round().await.unwrap();
        for name in ["db", "db-wal", "db-shm"] {
            let _ = std::fs::remove_file(bench.dir.path().join(name));
        }
        let zips = bench.zips();
        match lost {
            1 => std::fs::remove_file(bench.public("list.json")).unwrap(),
            2 => std::fs::write(bench.public("list.json"), b"[]").unwrap(),
            3 => {
                for name in zips.keys() {
                    std::fs::remove_file(bench.public(name)).unwrap();
                }
                std::fs::write(bench.public("list.json"), b"[]").unwrap();
            }
            _ => assert_eq!(bench.published().len(), 10),
        }
        let mut exporter = bench.exporter().await;
        let error = exporter.round().await.unwrap_err();
        assert!(matches!(error, ExportError::Foreign), "{lost}: {error}");
        assert!(lost == 3 || bench.zips() == zips);
    }
}

/// As after days without an export.
#[tokio::test]
async fn a_backlog_is_published_in_parts() {
    let mut bench = Bench::new();
    bench.keys_at_once = 50;
    let mut keys = Vec::new();
    for person in 0..40 {
        let of_person: Vec<_> = (1..=10)
            .map(|days_ago| DiagnosisKey {
                tek: Tek::generate(&mut UnwrapErr(SysRng)),
                ..key(0, days_ago)
            })
            .collect();
        keys.extend(of_person.iter().map(|key| *key.tek.expose_bytes()));
        bench.register(person, of_person.into_iter()).await;
    }
    let mut exporter = bench.exporter().await;
    exporter.round().await.unwrap();
    let published = bench.published();
    assert!(keys.iter().all(|key| published.get(key) == Some(&1)));
    assert_eq!(published.len(), keys.len(), "nothing was filled up");
    let entries = bench.lists_agree().entries;
    let periods: BTreeSet<_> = entries.iter().map(|it| (it.start, it.end)).collect();
    let ends: BTreeSet<_> = periods.iter().map(|(_, end)| *end).collect();
    assert_eq!((periods.len(), ends.len()), (8, 8));
    assert_eq!(ends.last(), Some(&u64::from(NOW.get())));
    assert!(entries.is_sorted_by_key(|it| it.created));
    exporter.round().await.unwrap();
    assert_eq!(bench.published(), published, "the slot is done");
}

/// A server on that database, whose files are in the bench's folder.
async fn server(bench: &Bench, database: database::Settings) -> notification::Notification {
    let file = |name: &str, content: &str| {
        let path = bench.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        Place::File(path)
    };
    let mut config = notification::Config {
        database,
        storage: Storage::Folder {
            dir: bench.dir.path().join("public"),
        },
        ..notification::Config::default()
    };
    config.signing.key = file("key", &bench.signer.private_key_pem().unwrap());
    config.management.credential = file("credential", "let me in");
    let metrics = crate::http::internal::Metrics::default();
    let server = notification::open(config, bench.clock.clone(), &metrics);
    server.await.unwrap()
}

/// Registrations have every connection there is for them.
#[tokio::test(flavor = "multi_thread")]
async fn a_rush_of_registrations_holds_no_export_up() {
    let bench = Bench::new();
    let databases = database::testing::Databases::postgres();
    let server = server(&bench, databases.settings().await).await;
    let Database::Postgres(pool) = server.store.database() else {
        panic!("this is PostgreSQL");
    };
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(pool.get().await.unwrap());
    }
    server.exporter.unwrap().round().await.unwrap();
    assert!(bench.public("1.zip").exists());
}

/// As one whose own clock is ahead, which an object store refuses.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_cannot_publish_lets_another_do_it() {
    let bench = Bench::new();
    bench.register(1, (0..20).map(|byte| key(byte, 2))).await;
    let mut cannot = bench.exporter().await;
    let elsewhere = bench.dir.path().join("elsewhere");
    cannot.parts.blobs = Blobs::open(
        &Storage::Folder {
            dir: elsewhere.clone(),
        },
        1 << 20,
    )
    .unwrap();
    std::fs::remove_dir_all(&elsewhere).unwrap();
    std::fs::write(&elsewhere, "no folder").unwrap();
    cannot.round().await.unwrap_err();
    let mut can = bench.exporter().await;
    can.round().await.unwrap();
    assert!(!can.holds, "the other has the lease");
    let (stop, shutdown) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(cannot.run(shutdown));
    // The time stands still, so that no lease runs out.
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while !can.holds {
        assert!(std::time::Instant::now() < deadline, "it keeps the lease");
        can.round().await.unwrap();
        tokio::task::yield_now().await;
    }
    assert!(!bench.files().is_empty());
    stop.send(true).unwrap();
    running.await.unwrap();
}
