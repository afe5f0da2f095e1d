use std::future::{Future, poll_fn};
use std::io::Write;
use std::path::PathBuf;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use gaen::diagnosis::ReportType::{self, ConfirmedTest, Revoked, SelfReport};
use gaen::diagnosis::RollingPeriod;
use gaen::export::Signer;
use gaen::key::Tek;
use gaen::time::{Interval, UtcDay};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sesshoku_core::records::{CycleSighting, ScanCycle};
use sesshoku_core::status::{ConsentState, UnknownReason, Verdict};
use sesshoku_core::verdict::Assessment;
use tempfile::TempDir;
use url::Url;

use super::*;
use crate::store::DeviceKey;
use crate::sync::Settings;
use crate::sync::assess::assess;
use crate::sync::settings::{Limits, PublicKeySettings};
use crate::sync::test_server::{Fault, TestServer};

/// 2020-08-26, noon UTC.
const NOW: UnixSeconds = UnixSeconds::new(18_500 * 86_400 + 43_200);
/// The day before, on which contacts take place.
const DAY: UtcDay = UtcDay::new(18_499);
const LIST: &str = "/c19r/440/list.json";

/// A device and its server.
struct World {
    web: TestServer,
    dir: TempDir,
    signer: Signer,
    store: Arc<Mutex<Store>>,
    settings: Settings,
    listed: Vec<(String, u64)>,
    now: UnixSeconds,
}

impl World {
    fn new() -> Self {
        let web = TestServer::start();
        let dir = TempDir::new().unwrap();
        let signer = Signer::generate("440", "v1", &mut ChaCha8Rng::seed_from_u64(1));
        let store = Store::open(dir.path(), &device_key()).unwrap();
        let mut settings = Settings {
            url: Some(web.url("").to_string()),
            limits: Limits {
                export_bytes: 1 << 20,
                idle_timeout_ms: 2000,
                retry_wait_ms: 1,
                ..Limits::default()
            },
            ..Settings::default()
        };
        settings.public_keys.push(PublicKeySettings {
            id: "440".into(),
            version: "v1".into(),
            pem: Some(signer.public_key_pem()),
            file: None,
        });
        let world = Self {
            web,
            dir,
            signer,
            store: Arc::new(Mutex::new(store)),
            settings,
            listed: Vec::new(),
            now: NOW,
        };
        world.put_list();
        world
    }

    /// Signs `export`, serves it as `name` and lists it, made at `created` minutes
    /// after the beginning of today.
    fn publish(&mut self, name: &str, created: u32, export: &Export) {
        let zip = export::write(export, &[&self.signer]).unwrap();
        self.publish_zip(name, created, zip);
    }

    fn publish_zip(&mut self, name: &str, created: u32, zip: Vec<u8>) {
        self.web.put(&path(name), zip);
        let created = u64::from(NOW.utc_day().start().get() + created * 60) * 1000;
        self.listed.retain(|(listed, _)| listed != name);
        self.listed.push((name.to_owned(), created));
        self.put_list();
    }

    fn put_list(&self) {
        let entry = |(name, created): &(String, u64)| {
            let url = self.web.url(&path(name));
            format!(r#"{{"region":"440","url":"{url}","created":{created}}}"#)
        };
        let entries: Vec<_> = self.listed.iter().map(entry).collect();
        self.web.put(LIST, format!("[{}]", entries.join(",")));
    }

    /// Hears `key` for `minutes` from `from`, one scan every five, nearby.
    fn meet(&self, key: &DiagnosisKey, from: UnixSeconds, minutes: i32) {
        for minute in (0..minutes).step_by(5) {
            let time = from.saturating_add_signed(minute * 60);
            self.hear(key, time.interval(), time);
        }
    }

    /// Hears what `key` sends in `interval`, in one scan at `time`.
    fn hear(&self, key: &DiagnosisKey, interval: Interval, time: UnixSeconds) {
        let rpi = key.tek.rpik().rpi(interval);
        let cycle = ScanCycle {
            started: time,
            ended: time.saturating_add_signed(4),
            previous: Some(time.saturating_add_signed(-300)),
            cut_short: false,
            after_gap: false,
            sightings: vec![CycleSighting {
                time: time.saturating_add_signed(1),
                rpi,
                aem: key.tek.aemk().encrypt(&rpi, [0x40, 0, 0, 0]),
                rssi: -50,
            }],
        };
        self.store.lock().unwrap().append_cycle(&cycle).unwrap();
    }

    /// Listens for two hours of the day before yesterday, and hears nobody: enough
    /// for "none" to be said.
    fn listen(&self) {
        let mut store = self.store.lock().unwrap();
        let from = DAY.saturating_sub(1).start();
        for n in 0..30 {
            let started = from.saturating_add_signed(n * 240);
            let cycle = ScanCycle {
                started,
                ended: started.saturating_add_signed(4),
                previous: Some(started.saturating_add_signed(-240)),
                cut_short: false,
                after_gap: false,
                sightings: Vec::new(),
            };
            store.append_cycle(&cycle).unwrap();
        }
    }

    fn check(&self) -> impl Future<Output = CheckReport> + use<> {
        let server = self.settings.server(&self.dir.path().join("downloads"));
        check(
            server.unwrap().map(Arc::new),
            Arc::clone(&self.store),
            self.now,
        )
    }

    async fn outcome(&self) -> String {
        self.check().await.outcome.to_string()
    }

    fn assess(&self) -> Assessment {
        let store = self.store.lock().unwrap();
        assess(&store, ConsentState::Agreed, None, self.now).unwrap()
    }

    /// The minutes of each contact day, newest first.
    fn contacts(&self) -> Vec<u64> {
        let days = self.assess().days;
        days.iter().map(|day| day.seconds / 60).collect()
    }

    fn last_success(&self) -> Option<UnixSeconds> {
        self.store.lock().unwrap().last_success().unwrap()
    }

    fn downloads(&self) -> usize {
        std::fs::read_dir(self.dir.path().join("downloads")).map_or(0, Iterator::count)
    }
}

fn device_key() -> DeviceKey {
    DeviceKey::from_bytes([7; 32])
}

fn path(name: &str) -> String {
    format!("/c19r/440/{name}")
}

fn key(tek: u8, report_type: ReportType) -> DiagnosisKey {
    DiagnosisKey {
        tek: Tek::from_bytes([tek; 16]),
        rolling_start: DAY.first_interval(),
        rolling_period: RollingPeriod::DAY,
        transmission_risk_level: 0,
        report_type,
        days_since_onset: Some(0),
    }
}

fn export_of(keys: &[DiagnosisKey]) -> Export {
    Export {
        start: 1_598_313_600,
        end: 1_598_400_000,
        region: "440".into(),
        batch_num: 1,
        batch_size: 1,
        keys: keys.to_vec(),
        revised_keys: Vec::new(),
    }
}

/// Noon of the day of contacts.
fn noon() -> UnixSeconds {
    DAY.start().saturating_add_signed(43_200)
}

#[tokio::test]
async fn a_contact_is_found_once() {
    let mut world = World::new();
    world.meet(&key(1, ConfirmedTest), noon(), 20);
    world.publish(
        "1.zip",
        1,
        &export_of(&[key(1, ConfirmedTest), key(2, ConfirmedTest)]),
    );
    let report = world.check().await;
    assert_eq!(report.outcome, CheckOutcome::Complete, "{report:?}");
    assert_eq!((report.counts.listed, report.counts.matched), (1, 1));
    assert_eq!(report.counts.exposures_changed, 1);
    assert_eq!(world.contacts(), [20]);
    assert_eq!(world.assess().days[0].contacts, 1);
    assert!(world.last_success().is_some_and(|time| time >= NOW));

    let report = world.check().await;
    assert_eq!(report.outcome, CheckOutcome::Complete);
    assert_eq!((report.counts.known, report.counts.matched), (1, 0));
    assert_eq!(world.web.requests(&path("1.zip")).len(), 1);
    assert_eq!(world.contacts(), [20]);
    assert_eq!(world.downloads(), 0);
}

#[tokio::test]
async fn nobody_met_is_none() {
    let mut world = World::new();
    world.listen();
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    assert_eq!(world.assess().verdict, Verdict::Unknown);
    assert_eq!(world.outcome().await, "complete");
    let assessment = world.assess();
    assert_eq!(assessment.verdict, Verdict::None, "{assessment:?}");
    // And a day later it is not known any more.
    world.now = world.now.saturating_add_signed(25 * 3600);
    assert_eq!(world.assess().reasons, [UnknownReason::CheckTooOld]);
}

#[tokio::test]
async fn the_list_is_asked_for_conditionally_and_kept() {
    let mut world = World::new();
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
    let report = world.check().await;
    let requests = world.web.requests(LIST);
    assert_eq!(requests[1].sent, 0);
    assert_eq!((report.counts.listed, report.counts.known), (1, 1));
    // An export that failed is tried again although the list has not changed.
    world.publish("2.zip", 2, &export_of(&[key(2, ConfirmedTest)]));
    world
        .web
        .faults(&path("2.zip"), vec![Fault::Status(500); 3]);
    assert_eq!(world.outcome().await, "unreachable");
    assert_eq!(world.outcome().await, "complete");
    let sent: Vec<_> = world
        .web
        .requests(LIST)
        .iter()
        .map(|request| request.sent > 0)
        .collect();
    assert_eq!(sent, [true, false, true, false]);
}

#[tokio::test]
async fn a_bad_export_neither_counts_nor_stops_the_others() {
    let good_key = key(1, ConfirmedTest);
    let bad_key = key(2, ConfirmedTest);
    let stranger = Signer::generate("440", "v1", &mut ChaCha8Rng::seed_from_u64(2));
    let other_name = Signer::generate("441", "v1", &mut ChaCha8Rng::seed_from_u64(1));
    let bad_export = export_of(std::slice::from_ref(&bad_key));
    let signed = |signer| export::write(&bad_export, &[signer]).unwrap();
    let world_signer = World::new().signer;
    let mut flipped = signed(&world_signer);
    // In the contents of export.bin, the first entry: past its header of 30 bytes and name.
    flipped[30 + "export.bin".len() + 20] ^= 1;
    let mut truncated = signed(&world_signer);
    truncated.truncate(truncated.len() / 3);
    let other_region = Export {
        region: "110".into(),
        ..bad_export.clone()
    };
    for (what, zip) in [
        ("flipped bit", flipped),
        ("truncated", truncated),
        ("unknown key", signed(&stranger)),
        ("unknown name", signed(&other_name)),
        ("unsigned", export::write_bare(&bad_export).unwrap()),
        (
            "other region",
            export::write(&other_region, &[&world_signer]).unwrap(),
        ),
        ("no zip", b"<html>".to_vec()),
        ("empty", Vec::new()),
        ("bomb", bomb()),
        ("too large", vec![0; (1 << 20) + 1]),
    ] {
        let mut world = World::new();
        world.listen();
        world.meet(&bad_key, noon(), 20);
        assert_eq!(world.outcome().await, "complete", "{what}");
        let success = world.last_success();
        world.publish_zip("bad.zip", 1, zip);
        assert_eq!(world.outcome().await, "export-refused", "{what}");
        assert_eq!(world.last_success(), success, "{what}");
        assert_eq!(world.contacts(), [0_u64; 0], "{what}");
        let assessment = world.assess();
        assert_eq!(assessment.verdict, Verdict::Unknown, "{what}");
        assert_eq!(
            assessment.reasons,
            [UnknownReason::CheckFailed, UnknownReason::ExportNotCompared],
            "{what}"
        );

        world.meet(&good_key, noon(), 20);
        world.publish("good.zip", 2, &export_of(std::slice::from_ref(&good_key)));
        let report = world.check().await;
        assert_eq!(report.outcome, CheckOutcome::ExportRefused, "{what}");
        assert_eq!(report.problems.len(), 1, "{what}");
        assert_eq!(world.contacts(), [20], "{what}");
        assert_eq!(world.assess().verdict, Verdict::Contact, "{what}");
        assert_eq!(world.last_success(), success, "{what}");

        // The server mends it.
        world.publish("bad.zip", 1, &bad_export);
        assert_eq!(world.outcome().await, "complete", "{what}");
        assert_eq!(world.contacts(), [40], "{what}");
        assert_eq!(world.downloads(), 0, "{what}");
    }
}

/// A small ZIP file whose export.bin unpacks to 20 MB.
fn bomb() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, size) in [("export.bin", 20), ("export.sig", 1)] {
        zip.start_file(name, options).unwrap();
        for _ in 0..size {
            zip.write_all(&vec![0; 1_000_000]).unwrap();
        }
    }
    let bytes = zip.finish().unwrap().into_inner();
    assert!(bytes.len() < 1 << 20);
    bytes
}

#[tokio::test]
async fn a_missing_batch_is_waited_for() {
    let mut world = World::new();
    world.meet(&key(1, ConfirmedTest), noon(), 20);
    let batch = |batch_num, tek| Export {
        batch_num,
        batch_size: 3,
        ..export_of(&[key(tek, ConfirmedTest)])
    };
    world.publish("1.zip", 1, &batch(1, 1));
    world.publish("3.zip", 1, &batch(3, 3));
    let report = world.check().await;
    assert_eq!(report.outcome, CheckOutcome::ExportRefused);
    assert!(
        matches!(
            report.problems[..],
            [Problem::MissingBatch { number: 2, of: 3 }]
        ),
        "{report:?}"
    );
    assert_eq!(world.contacts(), [20]);
    assert_eq!(world.last_success(), None);
    // Still missing although there is nothing new.
    assert_eq!(world.outcome().await, "export-refused");
    world.publish("2.zip", 2, &batch(2, 2));
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.web.requests(&path("1.zip")).len(), 1);
}

#[tokio::test]
async fn a_set_is_waited_for_until_it_is_whole_or_old() {
    let mut world = World::new();
    let half = Export {
        batch_size: 2,
        ..export_of(&[key(1, ConfirmedTest)])
    };
    world.publish("1.zip", 1, &half);
    assert_eq!(world.outcome().await, "export-refused");
    // The same URL, published anew as a whole.
    world.publish("1.zip", 2, &export_of(&[key(1, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.web.requests(&path("1.zip")).len(), 2);
    // Half a set that is taken off the list: what was in the other half nobody knows.
    world.publish("2.zip", 3, &Export { start: 1, ..half });
    assert_eq!(world.outcome().await, "export-refused");
    world.listed.pop();
    world.put_list();
    let report = world.check().await;
    assert!(
        matches!(
            report.problems[..],
            [
                Problem::MissingBatch { number: 2, of: 2 },
                Problem::Withheld(1)
            ]
        ),
        "{report:?}"
    );
    world.now = world.now.saturating_add_signed(15 * 86_400);
    assert_eq!(world.outcome().await, "complete");
}

#[tokio::test]
async fn several_files_may_be_the_same_batch() {
    let mut world = World::new();
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    world.publish("2.zip", 1, &export_of(&[key(2, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
}

#[tokio::test]
async fn a_list_may_not_lead_elsewhere() {
    let elsewhere = TestServer::start();
    let secret = TempDir::new().unwrap();
    let secret_path = secret.path().join("x.zip");
    let mut world = World::new();
    world.meet(&key(1, ConfirmedTest), noon(), 20);
    let zip = export::write(&export_of(&[key(2, ConfirmedTest)]), &[&world.signer]).unwrap();
    elsewhere.put("/x.zip", zip.clone());
    std::fs::write(&secret_path, zip).unwrap();
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    let good = world.web.url(&path("1.zip"));
    for bad in [
        elsewhere.url("/x.zip").to_string(),
        Url::from_file_path(&secret_path).unwrap().to_string(),
    ] {
        world.web.put(
            LIST,
            format!(
                r#"[{{"region":"440","url":"{bad}","created":1598400000000}},
                    {{"region":"440","url":"{good}","created":1598400000000}}]"#
            ),
        );
        let report = world.check().await;
        assert_eq!(report.outcome, CheckOutcome::BadAnswer);
        assert_eq!(report.counts.listed, 1);
        assert_eq!(world.contacts(), [20]);
        assert_eq!(world.last_success(), None);
    }
    assert_eq!(elsewhere.state().requests.len(), 0);
}

#[tokio::test]
async fn the_server_being_down_is_told_apart_from_nonsense() {
    let mut world = World::new();
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    world.web.faults(LIST, vec![Fault::Status(503); 3]);
    assert_eq!(world.outcome().await, "unreachable");
    world.web.put(LIST, "<html>Welcome to the hotel</html>");
    assert_eq!(world.outcome().await, "bad-answer");
    world.web.remove(LIST);
    assert_eq!(world.outcome().await, "bad-answer");
    world.web.put(LIST, "[]");
    world.web.faults(LIST, [Fault::Endless]);
    assert_eq!(world.outcome().await, "bad-answer");
    world.put_list();
    world.web.remove(&path("1.zip"));
    assert_eq!(world.outcome().await, "bad-answer");
    assert_eq!(world.last_success(), None);
    world.settings.url = None;
    assert_eq!(world.outcome().await, "not-configured");
    let last = world.store.lock().unwrap().last_check().unwrap().unwrap();
    assert_eq!(last.outcome, CheckOutcome::NotConfigured);
    assert_eq!(last.detail, "no notification server is configured");
}

#[tokio::test]
async fn a_server_that_goes_away_is_not_asked_for_every_export() {
    let mut world = World::new();
    world.meet(&key(1, ConfirmedTest), noon(), 20);
    for n in 1..10 {
        let name = format!("{n}.zip");
        world.publish(
            &name,
            n,
            &export_of(&[key(u8::try_from(n).unwrap(), ConfirmedTest)]),
        );
        if n > 1 {
            world.web.faults(&path(&name), vec![Fault::Cut(10); 3]);
        }
    }
    let report = world.check().await;
    assert_eq!(report.outcome, CheckOutcome::Unreachable);
    assert!(
        matches!(report.problems.last(), Some(Problem::NotTried(5))),
        "{report:?}"
    );
    assert_eq!(world.web.requests(&path("5.zip")).len(), 0);
    // What arrived before is matched.
    assert_eq!(world.contacts(), [20]);
}

#[tokio::test]
async fn the_risk_level_changes_nothing() {
    for level in [0, 7] {
        let mut world = World::new();
        let met = DiagnosisKey {
            transmission_risk_level: level,
            ..key(1, ConfirmedTest)
        };
        world.meet(&met, noon(), 20);
        world.publish("1.zip", 1, &export_of(&[met]));
        assert_eq!(world.outcome().await, "complete");
        assert_eq!(world.contacts(), [20], "{level}");
    }
}

#[tokio::test]
async fn report_types_change_across_exports() {
    let mut world = World::new();
    world.meet(&key(1, SelfReport), noon(), 20);
    world.publish("1.zip", 1, &export_of(&[key(1, SelfReport)]));
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.contacts(), [20]);
    let revised = Export {
        revised_keys: vec![key(1, Revoked)],
        ..export_of(&[])
    };
    world.publish("2.zip", 2, &revised);
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.contacts(), [0_u64; 0]);
    // Revoked for good.
    world.publish("3.zip", 3, &export_of(&[key(1, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.contacts(), [0_u64; 0]);
}

#[tokio::test]
async fn report_types_change_within_one_check_in_the_order_of_publication() {
    for (first, then, expected) in [
        (SelfReport, Revoked, &[][..]),
        (SelfReport, ConfirmedTest, &[20]),
        (ConfirmedTest, Revoked, &[20]),
        // What was revoked is revived by nothing.
        (Revoked, ConfirmedTest, &[]),
    ] {
        let mut world = World::new();
        world.meet(&key(1, SelfReport), noon(), 20);
        // Listed in the other order than made.
        world.publish("b.zip", 2, &export_of(&[key(1, then)]));
        world.publish("c.zip", 1, &export_of(&[key(1, first)]));
        assert_eq!(world.outcome().await, "complete");
        assert_eq!(world.contacts(), expected, "{first:?} {then:?}");
    }
}

#[tokio::test]
async fn a_key_that_may_still_be_heard_is_matched_again() {
    let mut world = World::new();
    // Handed out at noon, in use until noon.
    let today = DiagnosisKey {
        rolling_start: NOW.utc_day().first_interval(),
        rolling_period: RollingPeriod::new(72).unwrap(),
        ..key(1, ConfirmedTest)
    };
    let ten_to_twelve = NOW.saturating_add_signed(-600);
    world.publish("1.zip", 719, &export_of(std::slice::from_ref(&today)));
    world.meet(&today, ten_to_twelve, 10);
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.contacts(), [0_u64; 0]);
    assert_eq!(world.downloads(), 1);

    // Ten minutes more, heard by a clock that is ahead.
    world.now = NOW.saturating_add_signed(3600);
    let late = NOW.saturating_add_signed(600);
    for minute in [0, 5] {
        let time = late.saturating_add_signed(minute * 60 - 600);
        world.hear(&today, ten_to_twelve.interval(), time);
    }
    let report = world.check().await;
    assert_eq!(report.counts.matched, 1);
    assert_eq!(world.contacts(), [20]);

    // After the drift it is done with, and its file goes. It is downloaded once.
    world.now = NOW.saturating_add_signed(3 * 3600);
    assert_eq!(world.check().await.counts.known, 1);
    assert_eq!(world.contacts(), [20]);
    assert_eq!(world.downloads(), 0);
    assert_eq!(world.web.requests(&path("1.zip")).len(), 1);
}

#[tokio::test]
async fn damaged_encounters_are_told_and_the_rest_is_used() {
    let mut world = World::new();
    world.listen();
    world.meet(&key(1, ConfirmedTest), noon(), 20);
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    let database = rusqlite::Connection::open(world.dir.path().join("store.db")).unwrap();
    let damaged = database
        .execute(
            "UPDATE segment SET sealed = x'00' WHERE id = (SELECT min(id) FROM segment)",
            [],
        )
        .unwrap();
    assert_eq!(damaged, 1);
    for _ in 0..2 {
        let report = world.check().await;
        assert_eq!(report.outcome, CheckOutcome::StorageFailed);
        assert!(matches!(report.problems[..], [Problem::Damaged(1)]));
        assert_eq!(world.contacts(), [20]);
        assert_eq!(world.last_success(), None);
    }
    let reasons = world.assess().reasons;
    assert!(reasons.contains(&UnknownReason::StorageDamaged));
}

#[tokio::test]
async fn exports_are_passed_over_for_the_age_that_is_signed_alone() {
    let mut world = World::new();
    let ended_days_ago = |days: u32, tek| {
        let end = u64::from(NOW.get() - days * 86_400);
        Export {
            start: end - 86_400,
            end,
            ..export_of(&[key(tek, ConfirmedTest)])
        }
    };
    world.publish("old.zip", 0, &ended_days_ago(17, 1));
    world.publish("younger.zip", 0, &ended_days_ago(15, 2));
    let now_ms = u64::from(NOW.get()) * 1000;
    world.listed[0].1 = now_ms - 17 * 86_400_000;
    world.listed[1].1 = now_ms - 14 * 86_400_000;
    for (tek, created) in [
        (3, now_ms - 17 * 86_400_000),
        (4, now_ms - 30 * 86_400_000),
        (5, u64::from(NOW.get())),
        (6, 0),
        (7, u64::MAX),
    ] {
        world.publish(&format!("{tek}.zip"), 0, &ended_days_ago(1, tek));
        world.listed.last_mut().unwrap().1 = created;
    }
    world.listed.pop();
    world.put_list();
    let report = world.check().await;
    assert_eq!(report.outcome, CheckOutcome::Complete, "{report:?}");
    // What a file is about is known once it was there.
    assert_eq!((report.counts.outdated, report.counts.matched), (0, 6));
    let report = world.check().await;
    assert_eq!((report.counts.outdated, report.counts.matched), (1, 0));
}

#[tokio::test]
async fn a_broken_download_is_continued_and_a_mixed_one_is_begun_anew() {
    let mut world = World::new();
    world.meet(&key(1, ConfirmedTest), noon(), 20);
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    let cuts = [Fault::Cut(50), Fault::Cut(50), Fault::Cut(50)];
    world.web.faults(&path("1.zip"), cuts);
    assert_eq!(world.outcome().await, "unreachable");
    // Another file, but the server says that it is the same.
    let other = export::write(&export_of(&[key(1, SelfReport)]), &[&world.signer]).unwrap();
    world.web.document(&path("1.zip"), |document| {
        document.body = other;
    });
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.contacts(), [20]);
    let requests = world.web.requests(&path("1.zip"));
    assert!(requests[3].headers.contains_key("range"));
    assert!(!requests[4].headers.contains_key("range"));
}

#[tokio::test]
async fn a_check_cut_off_anywhere_loses_nothing_and_doubles_nothing() {
    let mut complete = false;
    for polls in 1.. {
        let mut world = World::new();
        world.meet(&key(1, SelfReport), noon(), 20);
        world.meet(&key(2, ConfirmedTest), noon(), 5);
        world.publish("1.zip", 1, &export_of(&[key(1, SelfReport)]));
        world.publish(
            "2.zip",
            2,
            &export_of(&[key(1, ConfirmedTest), key(2, ConfirmedTest)]),
        );
        {
            let mut check = pin!(world.check());
            let mut left = polls;
            poll_fn(|context| {
                if check.as_mut().poll(context).is_ready() {
                    complete = true;
                    return Poll::Ready(());
                }
                left -= 1;
                if left == 0 {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
        }
        assert_eq!(world.outcome().await, "complete", "after {polls} polls");
        assert_eq!(world.contacts(), [25], "after {polls} polls");
        assert_eq!(world.assess().days[0].contacts, 2, "after {polls} polls");
        if complete {
            assert!(polls > 10, "the check was over after {polls} polls");
            break;
        }
    }
}

#[tokio::test]
async fn a_check_that_was_ended_writes_nothing_more() {
    let mut world = World::new();
    world.meet(&key(1, ConfirmedTest), noon(), 20);
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    let mut polls = 1;
    loop {
        let mut check = Box::pin(world.check());
        let mut left = polls;
        let ended = poll_fn(|context| {
            if check.as_mut().poll(context).is_ready() {
                return Poll::Ready(true);
            }
            left -= 1;
            if left == 0 {
                Poll::Ready(false)
            } else {
                Poll::Pending
            }
        })
        .await;
        if ended {
            break;
        }
        // As erasing does, which the lock lets through before the check's thread.
        let before = {
            let store = world.store.lock().unwrap();
            std::thread::sleep(Duration::from_millis(5));
            drop(check);
            written(&store)
        };
        // As many threads as there may be wait their turn here.
        for _ in 0..3 {
            tokio::task::spawn_blocking(|| ()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(
            written(&world.store.lock().unwrap()),
            before,
            "after {polls} polls"
        );
        polls += 1;
    }
}

/// What checks leave in a store.
fn written(store: &Store) -> (usize, usize, usize, Option<CheckRecord>) {
    (
        store.ledger().unwrap().exports().len(),
        store.exposures().unwrap().found.len(),
        store
            .get_meta(LIST_META)
            .unwrap()
            .map_or(0, |list| list.len()),
        store.last_check().unwrap(),
    )
}

#[tokio::test]
async fn a_folder_serves_as_well() {
    let mut world = World::new();
    world.meet(&key(1, ConfirmedTest), noon(), 20);
    let zip = export::write(&export_of(&[key(1, ConfirmedTest)]), &[&world.signer]).unwrap();
    for (below, setting) in [("", "url"), ("c19r/440/", "url"), ("", "list")] {
        let folder = TempDir::new().unwrap();
        let list_dir = folder.path().join(below);
        std::fs::create_dir_all(list_dir.join("zips")).unwrap();
        std::fs::write(list_dir.join("zips/1.zip"), &zip).unwrap();
        std::fs::write(
            list_dir.join("list.json"),
            r#"[{"region":"440","url":"zips/1.zip","created":1598400000000}]"#,
        )
        .unwrap();
        let folder_url = Url::from_directory_path(folder.path()).unwrap();
        if setting == "url" {
            world.settings.url = Some(folder_url.to_string());
            world.settings.list_url = None;
        } else {
            world.settings.url = None;
            world.settings.list_url = Some(folder_url.join("list.json").unwrap().to_string());
        }
        let report = world.check().await;
        assert_eq!(report.outcome, CheckOutcome::Complete, "{report:?}");
        assert_eq!(report.counts.matched, 1);
        assert_eq!(world.contacts(), [20]);
    }
    assert_eq!(world.downloads(), 0);
}

/// Says that a test cannot be held here, past the harness, so that it is counted
/// (`scripts/tally`).
fn skipped(why: &str) {
    writeln!(std::io::stderr(), "\nskipped: {why}").unwrap();
}

#[tokio::test]
async fn cocoas_own_export_is_taken_and_a_changed_one_refused() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = std::env::var_os("SESSHOKU_SHARED").map_or(root.join("shared"), PathBuf::from);
    let exports = shared.join("data/exports");
    let (Ok(zip), Ok(pem)) = (
        std::fs::read(exports.join("cocoa-production-812.zip")),
        std::fs::read_to_string(exports.join("cocoa-production-440-v1.pem")),
    ) else {
        skipped(&format!("{} is not there", exports.display()));
        return;
    };
    let mut world = World::new();
    world.settings.public_keys[0].pem = Some(pem);
    let mut flipped = zip.clone();
    flipped[200] ^= 0x10;
    world.publish_zip("812.zip", 1, flipped);
    assert_eq!(world.outcome().await, "export-refused");
    world.publish_zip("812.zip", 1, zip);
    let report = world.check().await;
    assert_eq!(report.outcome, CheckOutcome::Complete, "{report:?}");
    let ledger = world.store.lock().unwrap().ledger().unwrap();
    let keys = ledger.exports().values().map(|it| it.brought.unwrap().keys);
    assert_eq!(Vec::from_iter(keys), [32]);
}

#[test]
fn texts_from_files_cannot_disturb_a_log() {
    let entry = |url: &str| Entry {
        created: 0,
        url: Url::parse(url).unwrap(),
    };
    assert_eq!(
        name_of(&entry("https://a.example/b/812.zip?x=1")),
        "812.zip"
    );
    assert_eq!(
        name_of(&entry("https://a.example/%0a<b>.zip")),
        "0a3Cb3E.zip"
    );
    let problem = Problem::Export {
        name: "1.zip".into(),
        source: ExportError::UnknownKey {
            names: vec!["\n\u{1b}[31m".into(), "x".repeat(10_000)],
        },
    };
    let text = with_causes(&problem);
    assert!(!text.contains(char::is_control) && text.chars().count() == MAX_PROBLEM_CHARS);
    let many: Vec<_> = (0..100).map(Problem::NotTried).collect();
    assert!(detail(&many).len() <= MAX_DETAIL_LEN + 3);
}

const NOTICES: &str = "/c19r/440/notices.json";

fn feed(id: &str) -> String {
    serde_json::json!([{
        "id": id, "kind": "maintenance",
        "from": "2020-08-27T01:00:00+09:00", "to": "2020-08-27T05:00:00+09:00",
        "text": {"ja": "お休みします。", "en": "The service rests."},
    }])
    .to_string()
}

impl World {
    /// The ids of the notices that are kept.
    fn notices(&self) -> Vec<String> {
        let kept = notices::kept(&self.store.lock().unwrap()).unwrap();
        kept.into_iter().map(|notice| notice.id).collect()
    }
}

#[tokio::test]
async fn the_operators_notices_come_with_a_check_and_go_with_one() {
    let world = World::new();
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.notices(), [""; 0], "the server has no such file");
    world.web.put(NOTICES, feed("m1"));
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.notices(), ["m1"]);
    world.web.put(NOTICES, "[]");
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.notices(), [""; 0]);
    world.web.put(NOTICES, feed("m2"));
    world.outcome().await;
    world.web.remove(NOTICES);
    world.outcome().await;
    assert_eq!(world.notices(), [""; 0]);
    let requests = world.web.requests(NOTICES);
    let names: Vec<_> = requests[0].headers.keys().map(String::as_str).collect();
    assert_eq!(names, ["accept", "host", "user-agent"]);
}

#[tokio::test]
async fn no_check_fails_for_notices_and_no_verdict_is_another() {
    let elsewhere = TestServer::start();
    elsewhere.put(NOTICES, feed("foreign"));
    for fault in [
        Fault::Status(500),
        Fault::Status(403),
        Fault::Cut(10),
        Fault::Declare(64 * 1024 + 1),
        Fault::Endless,
        Fault::Stall,
        Fault::Encoding("gzip"),
        Fault::Redirect(elsewhere.url(NOTICES).to_string()),
        Fault::NotModified,
    ] {
        let mut world = World::new();
        world.settings.limits.idle_timeout_ms = 300;
        world.listen();
        world.web.put(NOTICES, feed("m1"));
        assert_eq!(world.outcome().await, "complete");
        world.web.put(NOTICES, feed("m2"));
        world.web.faults(NOTICES, [fault.clone()]);
        assert_eq!(world.outcome().await, "complete", "{fault:?}");
        assert_eq!(world.assess().verdict, Verdict::None, "{fault:?}");
        assert_eq!(world.notices(), ["m1"], "{fault:?}: those before stay");
        assert_eq!(
            world.web.requests(NOTICES).len(),
            2,
            "{fault:?}: asked once"
        );
    }
    let world = World::new();
    world.listen();
    for feed in ["", "<html>", "{}", "[1]", &format!("[{}]", "0,".repeat(99))] {
        world.web.put(NOTICES, feed);
        assert_eq!(world.outcome().await, "complete", "{feed}");
        assert_eq!(world.assess().verdict, Verdict::None, "{feed}");
    }
    assert!(elsewhere.requests(NOTICES).is_empty());
}

#[tokio::test]
async fn notices_come_also_where_the_check_fails() {
    let world = World::new();
    world.web.put(NOTICES, feed("m1"));
    world.web.faults(LIST, vec![Fault::Status(503); 3]);
    assert_eq!(world.outcome().await, "unreachable");
    assert_eq!(world.notices(), ["m1"]);
}

#[tokio::test]
async fn notices_are_not_asked_for_in_the_clear() {
    let mut world = World::new();
    world.web.put(NOTICES, feed("m1"));
    // All of 127.0.0.0/8 is this machine; 0.0.0.0 leads here, too, and is not.
    let port = world.web.url(LIST).port().unwrap();
    world.settings.allow_insecure_http = true;
    world.settings.url = Some(format!("http://0.0.0.0:{port}/"));
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.web.requests(LIST).len(), 1);
    assert!(world.web.requests(NOTICES).is_empty());
    assert_eq!(world.notices(), [""; 0]);
}

#[tokio::test]
async fn a_folder_has_notices_too() {
    let mut world = World::new();
    let folder = world.dir.path().join("exports");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("list.json"), "[]").unwrap();
    world.settings.url = Some(Url::from_directory_path(&folder).unwrap().to_string());
    assert_eq!(world.outcome().await, "complete");
    std::fs::write(folder.join("notices.json"), feed("m1")).unwrap();
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.notices(), ["m1"]);
    std::fs::remove_file(folder.join("notices.json")).unwrap();
    std::os::unix::fs::symlink("../store.db", folder.join("notices.json")).unwrap();
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(
        world.notices(),
        ["m1"],
        "what leads out of the folder is not read"
    );
}

#[tokio::test]
async fn a_check_is_remembered_with_its_counts() {
    let mut world = World::new();
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    world.outcome().await;
    world.outcome().await;
    world.web.faults(LIST, vec![Fault::Status(500); 3]);
    world.outcome().await;
    let checks = world.store.lock().unwrap().checks().unwrap();
    let checks: Vec<_> = checks
        .into_iter()
        .map(sesshoku_dbus_api::CheckEntry::from)
        .collect();
    let counts = checks
        .iter()
        .map(|it| (it.outcome.as_str(), it.listed, it.compared));
    let counts: Vec<_> = counts.collect();
    assert_eq!(
        counts,
        [
            ("complete", Some(1), Some(1)),
            ("complete", Some(1), Some(0)),
            ("unreachable", None, None),
        ]
    );
    assert!(checks[0].started >= NOW.get().into() && checks[0].ended >= checks[0].started);
}

mod verdict;
