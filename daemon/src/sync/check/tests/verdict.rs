//! What may be said after checks that meet wrong clocks, wrong files, wrong lists and
//! full disks.

use std::path::Path;
use std::process::Command;

use gaen::listing::{Listing, ListingEntry};

use super::*;

const DAY_SECONDS: i32 = 86_400;

impl World {
    fn verdict(&self) -> Verdict {
        self.assess().verdict
    }

    fn reasons(&self) -> Vec<UnknownReason> {
        self.assess().reasons
    }

    /// The daemon ends and begins anew.
    fn restart(&mut self) {
        let key = device_key();
        let placeholder = TempDir::new().unwrap();
        let other = Store::open(placeholder.path(), &key).unwrap();
        let old = std::mem::replace(&mut self.store, Arc::new(Mutex::new(other)));
        drop(Arc::into_inner(old).unwrap());
        let store = Store::open(self.dir.path(), &key).unwrap();
        self.store = Arc::new(Mutex::new(store));
    }

    fn days_later(&mut self, days: i32) {
        self.now = self.now.saturating_add_signed(days * DAY_SECONDS);
    }

    /// Has nothing be stored, or something again.
    fn fill_disk(&self, is_full: bool) {
        let database = rusqlite::Connection::open(self.dir.path().join("store.db")).unwrap();
        for table in ["meta", "listed_export", "check_record"] {
            let change = if is_full {
                format!(
                    "CREATE TRIGGER full_{table} BEFORE INSERT ON {table}
                     BEGIN SELECT RAISE(ABORT, 'full'); END"
                )
            } else {
                format!("DROP TRIGGER full_{table}")
            };
            database.execute_batch(&change).unwrap();
        }
    }

    /// A check of a list with `name` on it, of which nothing can be stored.
    async fn check_in_vain(&mut self, name: &str) {
        self.publish(name, 2, &export_of(&[key(2, ConfirmedTest)]));
        self.fill_disk(true);
        assert_eq!(self.outcome().await, "storage-failed");
        self.fill_disk(false);
    }

    /// Takes `name` off the list; the file stays.
    fn unlist(&mut self, name: &str) {
        self.listed.retain(|(listed, _)| listed != name);
        self.put_list();
    }
}

/// `key`, of `days` before the day of contacts.
fn earlier(key: DiagnosisKey, days: u32) -> DiagnosisKey {
    let day = DAY.saturating_sub(days);
    DiagnosisKey {
        rolling_start: day.first_interval(),
        ..key
    }
}

#[tokio::test]
async fn a_check_under_a_clock_days_ahead_settles_only_what_it_compared() {
    for ahead in [1, 2, 5, 10, 13, 14, 30] {
        for contact_days_ago in [1, 4, 8, 12] {
            let mut world = World::new();
            let met = earlier(key(1, ConfirmedTest), contact_days_ago);
            let from = noon()
                .saturating_add_signed(-DAY_SECONDS * i32::try_from(contact_days_ago).unwrap());
            world.listen();
            world.meet(&met, from, 20);
            world.publish("1.zip", 1, &export_of(&[met]));
            world.days_later(ahead);
            world.outcome().await;
            world.now = NOW;
            let what = format!("{ahead} days ahead, contact {contact_days_ago} days ago");
            assert_ne!(world.verdict(), Verdict::None, "{what}");
            assert_eq!(world.outcome().await, "complete", "{what}");
            world.restart();
            assert_eq!(world.outcome().await, "complete", "{what}");
            assert_eq!(world.contacts(), [20], "{what}");
        }
    }
}

#[tokio::test]
async fn what_is_heard_after_a_check_under_a_clock_ahead_is_compared_too() {
    let mut world = World::new();
    world.listen();
    // In use today, and handed out early.
    let today = DiagnosisKey {
        rolling_start: NOW.utc_day().first_interval(),
        ..key(1, ConfirmedTest)
    };
    world.publish("1.zip", 1, &export_of(std::slice::from_ref(&today)));
    world.days_later(10);
    assert_eq!(world.outcome().await, "complete");
    world.now = NOW;
    world.meet(&today, NOW.saturating_add_signed(600), 20);
    // Nobody checks until the time is past that which the clock showed.
    world.days_later(11);
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.contacts(), [20]);
}

#[tokio::test]
async fn a_check_under_a_clock_ahead_is_not_fresh_when_its_time_comes() {
    let mut world = World::new();
    world.listen();
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    world.days_later(10);
    assert_eq!(world.outcome().await, "complete");
    // The clock is right again, and for ten days nobody checks.
    world.meet(&key(2, ConfirmedTest), NOW, 20);
    world.now = world.now.saturating_add_signed(3600);
    assert_eq!(world.reasons(), [UnknownReason::CheckInFuture]);
}

#[tokio::test]
async fn what_was_compared_under_a_wrong_clock_and_is_gone_stays_open() {
    let mut world = World::new();
    world.listen();
    let met = earlier(key(1, ConfirmedTest), 8);
    world.meet(&met, noon().saturating_add_signed(-8 * DAY_SECONDS), 20);
    world.publish("1.zip", 1, &export_of(&[met]));
    world.days_later(10);
    assert_eq!(world.outcome().await, "complete");
    world.now = NOW;
    world.unlist("1.zip");
    world.web.remove(&path("1.zip"));
    world.outcome().await;
    assert_eq!(world.verdict(), Verdict::Unknown);
    assert!(world.reasons().contains(&UnknownReason::ExportNotCompared));
}

#[tokio::test]
async fn an_old_file_under_a_new_name_does_not_settle_it() {
    let mut world = World::new();
    world.listen();
    world.meet(&key(2, ConfirmedTest), noon(), 20);
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.verdict(), Verdict::None);

    let old = export::write(&export_of(&[key(1, ConfirmedTest)]), &[&world.signer]).unwrap();
    // Packed in another way it is the same export, too.
    world.publish_zip("2.zip", 2, old);
    assert_eq!(world.outcome().await, "export-refused");
    assert_eq!(world.verdict(), Verdict::Unknown);
    world.restart();
    assert_eq!(world.verdict(), Verdict::Unknown);

    world.publish("2.zip", 2, &export_of(&[key(2, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.contacts(), [20]);
}

#[tokio::test]
async fn two_new_names_that_answer_alike_are_both_open() {
    let mut world = World::new();
    world.listen();
    world.meet(&key(1, ConfirmedTest), noon(), 20);
    let second = export::write(&export_of(&[key(2, ConfirmedTest)]), &[&world.signer]).unwrap();
    world.publish_zip("1.zip", 1, second.clone());
    world.publish_zip("2.zip", 2, second);
    for _ in 0..2 {
        assert_eq!(world.outcome().await, "export-refused");
        assert_eq!(world.verdict(), Verdict::Unknown);
    }
    // The file that was mixed up is the first, and it is looked at again.
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.contacts(), [20]);
}

#[tokio::test]
async fn a_file_much_older_than_its_entry_does_not_settle_it() {
    let mut world = World::new();
    world.listen();
    let end = u64::from(NOW.get()) - 20 * 86_400;
    let old = Export {
        start: end - 86_400,
        end,
        ..export_of(&[key(1, ConfirmedTest)])
    };
    world.publish("2.zip", 2, &old);
    assert_eq!(world.outcome().await, "export-refused");
    assert_eq!(world.verdict(), Verdict::Unknown);
}

#[tokio::test]
async fn a_server_that_has_moved_offers_the_same_exports() {
    let mut world = World::new();
    world.listen();
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    world.publish("2.zip", 2, &export_of(&[key(2, ConfirmedTest)]));
    world.web.faults(&path("2.zip"), [Fault::Status(404)]);
    assert_eq!(world.outcome().await, "bad-answer");
    // The same server under another name.
    let port = world.web.url(LIST).port().unwrap();
    world.settings.url = Some(format!("http://localhost:{port}/"));
    let entries = world
        .listed
        .iter()
        .map(|(name, created)| format!(r#"{{"region":"440","url":"{name}","created":{created}}}"#));
    let entries = Vec::from_iter(entries).join(",");
    world.web.put(LIST, format!("[{entries}]"));
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.verdict(), Verdict::None);
}

#[tokio::test]
async fn exports_that_are_held_back_are_noticed() {
    type Hide = fn(&mut World);
    let ways: [(&str, Hide); 4] = [
        ("no list", |world| world.web.put(LIST, "[]")),
        ("an older list", |world| world.unlist("2.zip")),
        ("another region", |world| {
            world.web.put(
                LIST,
                r#"[{"region":"110","url":"1.zip","created":1598400000000}]"#,
            );
        }),
        ("gone before it was had", |world| {
            world.publish("3.zip", 3, &export_of(&[key(3, ConfirmedTest)]));
            world.web.faults(&path("3.zip"), [Fault::Status(404)]);
        }),
    ];
    for (what, hide) in ways {
        let mut world = World::new();
        world.listen();
        world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
        world.publish("2.zip", 2, &export_of(&[key(2, ConfirmedTest)]));
        assert_eq!(world.outcome().await, "complete", "{what}");
        assert_eq!(world.verdict(), Verdict::None, "{what}");
        hide(&mut world);
        world.outcome().await;
        assert_eq!(world.verdict(), Verdict::Unknown, "{what}");
        world.unlist("3.zip");
        world.restart();
        if what == "gone before it was had" {
            // Nobody can say what was in it, until that is too long ago.
            for days in 0..14 {
                world.now = NOW.saturating_add_signed(days * DAY_SECONDS);
                assert_eq!(world.outcome().await, "export-refused", "{days}");
                let reasons = world.reasons();
                assert!(
                    reasons.contains(&UnknownReason::ExportNotCompared),
                    "{days}"
                );
            }
            world.now = NOW.saturating_add_signed(14 * DAY_SECONDS + 1800);
        } else {
            assert_eq!(world.verdict(), Verdict::Unknown, "{what}");
            // The list is what it was.
            world.publish("2.zip", 2, &export_of(&[key(2, ConfirmedTest)]));
        }
        assert_eq!(world.outcome().await, "complete", "{what}");
        let reasons = world.reasons();
        assert!(
            !reasons.contains(&UnknownReason::ExportNotCompared),
            "{what}"
        );
        assert!(!reasons.contains(&UnknownReason::ListRefused), "{what}");
    }
}

#[tokio::test]
async fn the_worst_since_the_last_complete_check_counts() {
    let mut world = World::new();
    world.listen();
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
    world.web.faults(LIST, vec![Fault::Status(503); 3]);
    assert_eq!(world.outcome().await, "unreachable");
    assert_eq!(world.verdict(), Verdict::None);

    world.web.faults(LIST, [Fault::Status(403)]);
    assert_eq!(world.outcome().await, "bad-answer");
    assert_eq!(world.reasons(), [UnknownReason::CheckFailed]);
    for _ in 0..3 {
        world.web.faults(LIST, vec![Fault::Status(503); 3]);
        assert_eq!(world.outcome().await, "unreachable");
        world.restart();
        assert_eq!(world.reasons(), [UnknownReason::CheckFailed]);
    }
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.verdict(), Verdict::None);
}

#[tokio::test]
async fn a_warning_is_not_taken_back_by_a_clock_that_is_wrong_for_a_while() {
    let mut world = World::new();
    world.listen();
    // Broadcast around midnight, so that some of it is in the period of a wrong clock.
    world.meet(&key(1, ConfirmedTest), noon(), 20);
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
    for days in [1, 12, 13, 14, 20] {
        world.days_later(days);
        world.outcome().await;
        world.now = NOW;
        world.outcome().await;
        assert_eq!(world.contacts(), [20], "{days}");
    }
}

#[tokio::test]
async fn a_key_that_was_revoked_first_warns_in_no_later_check() {
    let mut world = World::new();
    world.listen();
    world.meet(&key(1, ConfirmedTest), noon(), 20);
    let revised = Export {
        revised_keys: vec![key(1, Revoked)],
        ..export_of(&[])
    };
    world.publish("1.zip", 1, &revised);
    assert_eq!(world.outcome().await, "complete");
    world.restart();
    world.publish("2.zip", 2, &export_of(&[key(1, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.verdict(), Verdict::None);
}

#[tokio::test]
async fn a_check_is_bounded_in_work() {
    let mut world = World::new();
    world.meet(&key(1, ConfirmedTest), noon(), 20);
    let missing = MAX_REFUSED + 50;
    for n in 0..missing {
        world.listed.push((format!("missing-{n}.zip"), 0));
    }
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    let asked = |world: &World| {
        let requests = &world.web.state().requests;
        let exports = requests.iter().filter(|it| it.path.contains("missing"));
        exports.count()
    };
    let report = world.check().await;
    assert_eq!(report.outcome, CheckOutcome::BadAnswer);
    assert_eq!(asked(&world), MAX_REFUSED);
    assert!(
        matches!(report.problems.last(), Some(Problem::NotTried(51))),
        "{:?}",
        report.problems.last()
    );
    // The next one begins with what was not tried, and a file that is there is had
    // whatever is missing beside it.
    world.check().await;
    assert_eq!(world.contacts(), [20]);
    assert_eq!(world.verdict(), Verdict::Contact);
    assert_eq!(asked(&world), 2 * MAX_REFUSED);
}

#[tokio::test]
async fn a_check_is_bounded_in_time() {
    let mut world = World::new();
    world.listen();
    world.settings.limits.check_timeout_ms = 300;
    world.settings.limits.idle_timeout_ms = 60_000;
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    world.web.faults(&path("1.zip"), [Fault::Stall]);
    let report = world.check().await;
    assert_eq!(report.outcome, CheckOutcome::Unreachable);
    assert!(
        matches!(report.problems[..], [Problem::NotTried(1)]),
        "{report:?}"
    );
    assert!(world.reasons().contains(&UnknownReason::ExportNotCompared));
}

#[tokio::test]
async fn a_check_is_bounded_in_bytes() {
    assert_eq!(Settings::default().limits.check_bytes, 512 << 20);
    let mut world = World::new();
    world.listen();
    world.meet(&key(4, ConfirmedTest), noon(), 20);
    let mut sizes = Vec::new();
    for n in 1..=5 {
        let name = format!("{n}.zip");
        let export = export_of(&[key(n, ConfirmedTest)]);
        let zip = export::write(&export, &[&world.signer]).unwrap();
        sizes.push(zip.len());
        world.publish_zip(&name, n.into(), zip);
    }
    // One byte more than the first two have: with the third it is enough.
    let bound = sizes[0] + sizes[1] + 1;
    world.settings.limits.check_bytes = bound.try_into().unwrap();
    let report = world.check().await;
    assert_eq!(report.outcome, CheckOutcome::Unreachable);
    assert!(
        matches!(report.problems[..], [Problem::NotTried(2)]),
        "{report:?}"
    );
    assert!(world.reasons().contains(&UnknownReason::ExportNotCompared));
    assert_eq!(world.contacts(), [0; 0]);
    // The next one has room for the others.
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.contacts(), [20]);
}

/// A small disk to fill, taken off again.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(path: &'a Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs"])
            .arg(path)
            .status()
            .is_ok_and(|status| status.success());
        mounted.then_some(Self(path))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

#[tokio::test]
async fn a_failure_that_could_not_be_stored_is_known_all_the_same() {
    let disk_dir = TempDir::new().unwrap();
    let Some(disk) = SmallDisk::mount(disk_dir.path()) else {
        skipped("only root can mount a small disk to fill");
        return;
    };
    let mut world = World::new();
    world.dir = TempDir::new_in(disk_dir.path()).unwrap();
    world.store = Arc::new(Mutex::new(
        Store::open(world.dir.path(), &device_key()).unwrap(),
    ));
    world.listen();
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.verdict(), Verdict::None);
    world.restart();
    assert_eq!(world.verdict(), Verdict::None);

    world.publish("2.zip", 2, &export_of(&[key(2, ConfirmedTest)]));
    let filler = disk_dir.path().join("filler");
    std::fs::write(&filler, vec![1; 2 << 20]).unwrap_err();
    assert_eq!(world.outcome().await, "storage-failed");
    assert_eq!(world.verdict(), Verdict::Unknown);
    // Nothing can be written, and yet it is known after a restart.
    world.restart();
    assert_eq!(world.verdict(), Verdict::Unknown);
    assert!(world.reasons().contains(&UnknownReason::CheckFailed));

    std::fs::remove_file(&filler).unwrap();
    // A server that cannot be reached does not make it good.
    world.web.faults(LIST, vec![Fault::Status(503); 3]);
    assert_eq!(world.outcome().await, "unreachable");
    world.restart();
    assert!(world.reasons().contains(&UnknownReason::CheckFailed));
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.verdict(), Verdict::None);
    world.restart();
    assert_eq!(world.verdict(), Verdict::None);
    world.store = World::new().store;
    world.dir = TempDir::new().unwrap();
    drop(disk);
}

#[tokio::test]
async fn names_that_could_not_be_stored_are_not_forgotten() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.listen();
        world.meet(&key(2, ConfirmedTest), noon(), 20);
        world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
        assert_eq!(world.outcome().await, "complete");
        for _ in 0..3 {
            world.check_in_vain("2.zip").await;
            world.now = world.now.saturating_add_signed(60);
        }
        // There is room again, and somebody holds back what is new.
        world.unlist("2.zip");
        for _ in 0..2 {
            if restarts {
                world.restart();
            }
            assert_eq!(world.outcome().await, "list-refused");
            assert_eq!(world.verdict(), Verdict::Unknown);
        }
        world.publish("2.zip", 2, &export_of(&[key(2, ConfirmedTest)]));
        assert_eq!(world.outcome().await, "complete");
        assert_eq!(world.contacts(), [20]);
        assert_eq!(world.store.lock().unwrap().check_mark().told(), []);
    }
}

#[tokio::test]
async fn names_that_could_not_be_stored_matter_for_fourteen_days() {
    let mut world = World::new();
    world.listen();
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
    world.check_in_vain("2.zip").await;
    world.unlist("2.zip");
    // A clock that runs ahead for once makes them no older.
    for (days, outcome) in [
        (20, "complete"),
        (0, "list-refused"),
        (14, "list-refused"),
        (15, "complete"),
    ] {
        world.now = NOW;
        world.days_later(days);
        assert_eq!(world.outcome().await, outcome, "after {days} days");
        if outcome == "complete" {
            let reasons = world.reasons();
            assert!(!reasons.contains(&UnknownReason::CheckFailed), "{days}");
        }
        let mut store = world.store.lock().unwrap();
        store.purge_at_confirmed_time(NOW).unwrap();
    }
    let told = |world: &World| world.store.lock().unwrap().check_mark().told().len();
    assert_eq!(told(&world), 1);
    world.days_later(16);
    let purged = world
        .store
        .lock()
        .unwrap()
        .purge_at_confirmed_time(world.now);
    purged.unwrap();
    assert_eq!(told(&world), 0);
}

#[tokio::test]
async fn the_number_of_a_signed_list_that_could_not_be_stored_is_not_forgotten() {
    let mut world = World::new();
    world.listen();
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
    world.sign_list(7);
    world.fill_disk(true);
    assert_eq!(world.outcome().await, "storage-failed");
    world.fill_disk(false);
    world.restart();
    for sequence in [None, Some(6)] {
        match sequence {
            None => world.web.remove(SIGNED_LIST),
            Some(sequence) => world.sign_list(sequence),
        }
        assert_eq!(world.outcome().await, "list-refused");
    }
    world.sign_list(7);
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.store.lock().unwrap().check_mark().told(), []);
    world.restart();
    world.sign_list(6);
    assert_eq!(world.outcome().await, "list-refused");
}

#[tokio::test]
async fn an_earlier_date_that_could_not_be_stored_is_no_later_one() {
    let mut world = World::new();
    world.listen();
    world.meet(&key(2, ConfirmedTest), noon(), 20);
    world.publish("1.zip", 3, &export_of(&[key(1, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
    // Made anew, under an earlier date; then under the one it had.
    world.check_in_vain("1.zip").await;
    world.publish("1.zip", 3, &export_of(&[key(2, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "list-refused");
    assert_eq!(world.verdict(), Verdict::Unknown);
    world.publish("1.zip", 2, &export_of(&[key(2, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.contacts(), [20]);
}

#[tokio::test]
async fn what_a_list_told_is_waited_for_singly() {
    let mut world = World::new();
    world.listen();
    world.publish("1.zip", 3, &export_of(&[key(1, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
    world.check_in_vain("2.zip").await;
    world.unlist("2.zip");
    // Under an earlier date for once, while another is waited for.
    world.publish("1.zip", 2, &export_of(&[key(1, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "list-refused");
    world.publish("1.zip", 3, &export_of(&[key(1, ConfirmedTest)]));
    world.publish("2.zip", 2, &export_of(&[key(2, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
}

#[tokio::test]
async fn a_list_of_any_length_that_is_stored_is_not_waited_for() {
    let mut world = World::new();
    world.listen();
    let zip = export::write(&export_of(&[key(1, ConfirmedTest)]), &[&world.signer]).unwrap();
    world.publish_zip("1.zip", 1, zip);
    for number in 0..2_500 {
        let name = format!("{number}.zip");
        let created = world.listed[0].1;
        world.listed.push((name, created));
    }
    world.put_list();
    // Most of them are missing, and refused as such.
    assert_eq!(world.outcome().await, "bad-answer");
    assert_eq!(world.store.lock().unwrap().check_mark().told(), []);
    // On a full disk, some find no room.
    world
        .listed
        .iter_mut()
        .for_each(|(_, created)| *created += 1000);
    world.put_list();
    world.fill_disk(true);
    assert_eq!(world.outcome().await, "storage-failed");
    world.fill_disk(false);
    assert_eq!(world.outcome().await, "list-refused");
}

#[tokio::test]
async fn whatever_was_told_is_waited_for_where_the_mark_is_damaged() {
    for damage in ["flipped", "cut", "gone"] {
        let mut world = World::new();
        world.listen();
        world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
        assert_eq!(world.outcome().await, "complete");
        world.check_in_vain("2.zip").await;
        let mark = world.dir.path().join("check");
        let mut content = std::fs::read(&mark).unwrap();
        match damage {
            "flipped" => content[30] ^= 1,
            "cut" => content.truncate(16),
            _ => std::fs::remove_file(&mark).unwrap(),
        }
        if damage != "gone" {
            std::fs::write(&mark, content).unwrap();
        }
        world.unlist("2.zip");
        for _ in 0..2 {
            world.restart();
            assert_eq!(world.outcome().await, "list-refused", "{damage}");
            assert_eq!(world.verdict(), Verdict::Unknown, "{damage}");
        }
        world.days_later(15);
        assert_eq!(world.outcome().await, "complete", "{damage}");
        let reasons = world.reasons();
        assert!(!reasons.contains(&UnknownReason::CheckFailed), "{damage}");
    }
}

#[tokio::test]
async fn what_was_erased_is_not_waited_for() {
    let mut world = World::new();
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    world.check_in_vain("2.zip").await;
    world.unlist("2.zip");
    world.store.lock().unwrap().erase().unwrap();
    world.restart();
    assert_eq!(world.outcome().await, "complete");
}

#[tokio::test]
async fn a_check_that_is_killed_is_not_forgotten() {
    let mut world = World::new();
    world.listen();
    assert_eq!(world.outcome().await, "complete");
    let mark = world.store.lock().unwrap().check_mark();
    mark.begins().unwrap();
    // Under way, it says nothing.
    assert_eq!(world.verdict(), Verdict::None);
    drop(mark);
    world.restart();
    assert_eq!(world.reasons(), [UnknownReason::CheckFailed]);
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.verdict(), Verdict::None);
}

const SIGNED_LIST: &str = "/c19r/440/list.json.sig";

impl World {
    /// The signed list of what is listed, under this number.
    fn signed_list(&self, sequence: u64) -> Listing {
        let entries = self.listed.iter().map(|(name, created)| {
            let zip = self.web.body(&path(name));
            let unverified = export::open(&zip, &export::Limits::default()).unwrap();
            let export = unverified.without_verification().unwrap();
            ListingEntry {
                url: name.clone(),
                sha256: Sha256::digest(&zip).into(),
                start: export.start,
                end: export.end,
                batch_num: export.batch_num,
                batch_size: export.batch_size,
                created: *created,
            }
        });
        Listing {
            region: "440".to_owned(),
            sequence,
            made: NOW,
            entries: entries.collect(),
        }
    }

    fn sign_list(&self, sequence: u64) {
        let signed = self.signed_list(sequence).sign(&[&self.signer]);
        self.web.put(SIGNED_LIST, signed);
    }
}

#[tokio::test]
async fn a_signed_list_is_the_list() {
    let mut world = World::new();
    world.listen();
    world.meet(&key(1, ConfirmedTest), noon(), 20);
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    world.sign_list(1);
    world.web.put(LIST, "<html>");
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.contacts(), [20]);
    assert!(world.web.requests(LIST).is_empty());
}

#[tokio::test]
async fn after_a_signed_list_nothing_less_is_taken() {
    type Spoil = fn(&World);
    let ways: [(&str, Spoil); 5] = [
        ("missing", |world| world.web.remove(SIGNED_LIST)),
        ("no such thing", |world| {
            world.web.put(SIGNED_LIST, "<html>")
        }),
        ("older", |world| world.sign_list(6)),
        ("by another key", |world| {
            let stranger = Signer::generate("440", "v1", &mut ChaCha8Rng::seed_from_u64(2));
            let signed = world.signed_list(8).sign(&[&stranger]);
            world.web.put(SIGNED_LIST, signed);
        }),
        ("of another region", |world| {
            let mut list = world.signed_list(8);
            list.region = "110".to_owned();
            world.web.put(SIGNED_LIST, list.sign(&[&world.signer]));
        }),
    ];
    for (what, spoil) in ways {
        let mut world = World::new();
        world.listen();
        world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
        world.sign_list(7);
        assert_eq!(world.outcome().await, "complete", "{what}");
        world.restart();
        assert_eq!(world.verdict(), Verdict::None, "{what}");
        spoil(&world);
        assert_eq!(world.outcome().await, "list-refused", "{what}");
        assert_eq!(world.reasons(), [UnknownReason::ListRefused], "{what}");
        assert!(world.web.requests(LIST).is_empty(), "{what}");
        world.sign_list(7);
        assert_eq!(world.outcome().await, "complete", "{what}");
        assert_eq!(world.verdict(), Verdict::None, "{what}");
        // A server that cannot be reached is no more than that.
        world.web.faults(SIGNED_LIST, vec![Fault::Status(503); 3]);
        assert_eq!(world.outcome().await, "unreachable", "{what}");
        assert_eq!(world.verdict(), Verdict::None, "{what}");
    }
}

#[tokio::test]
async fn a_file_that_was_not_signed_for_is_refused() {
    let mut world = World::new();
    world.listen();
    world.meet(&key(2, ConfirmedTest), noon(), 20);
    world.publish("1.zip", 1, &export_of(&[key(2, ConfirmedTest)]));
    world.sign_list(1);
    // A valid export, never seen before, under the wrong name.
    let other = export::write(&export_of(&[key(1, ConfirmedTest)]), &[&world.signer]).unwrap();
    let right = world.web.body(&path("1.zip"));
    world.web.put(&path("1.zip"), other);
    let report = world.check().await;
    assert!(
        matches!(report.problems[..], [Problem::Differs { .. }]),
        "{report:?}"
    );
    assert_eq!(world.verdict(), Verdict::Unknown);
    world.web.put(&path("1.zip"), right);
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.contacts(), [20]);
}

#[tokio::test]
async fn a_signed_list_may_name_equal_files_and_take_exports_back() {
    let mut world = World::new();
    world.listen();
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    world.publish("2.zip", 2, &export_of(&[key(1, ConfirmedTest)]));
    world.sign_list(1);
    assert_eq!(world.outcome().await, "complete");
    world.listed.pop();
    world.sign_list(2);
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.verdict(), Verdict::None);
}

#[tokio::test]
async fn a_server_that_falls_silent_is_noticed() {
    let mut world = World::new();
    world.listen();
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    let reasons = |world: &World, hours: u64| {
        let store = world.store.lock().unwrap();
        let within = (hours != 0).then(|| Duration::from_secs(hours * 3600));
        assess(&store, ConsentState::Agreed, within, world.now)
            .unwrap()
            .reasons
    };
    world.check().await;
    // The newest period ended twelve hours ago.
    assert_eq!(reasons(&world, 48), []);
    assert_eq!(reasons(&world, 11), [UnknownReason::ServerSilent]);
    world.now = world.now.saturating_add_signed(36 * 3600);
    world.check().await;
    assert_eq!(reasons(&world, 48), []);
    world.now = world.now.saturating_add_signed(1);
    assert_eq!(reasons(&world, 48), [UnknownReason::ServerSilent]);
    assert_eq!(reasons(&world, 0), []);
    // Padding alone is a sign of life.
    let end = u64::from(world.now.get());
    let padding = Export {
        start: end - 3600,
        end,
        ..export_of(&[key(9, ConfirmedTest)])
    };
    world.publish("2.zip", 2, &padding);
    world.check().await;
    assert_eq!(reasons(&world, 48), []);
}

#[tokio::test]
async fn the_first_signed_list_may_take_back_what_was_listed_before() {
    let mut world = World::new();
    world.listen();
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    world.publish("2.zip", 2, &export_of(&[key(2, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
    world.listed.pop();
    world.sign_list(1);
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.verdict(), Verdict::None);
}

#[tokio::test]
async fn what_anothers_bytes_stood_for_stays_open_when_a_signed_list_lacks_it() {
    let mut world = World::new();
    world.listen();
    world.meet(&key(2, ConfirmedTest), noon(), 20);
    let first = export::write(&export_of(&[key(1, ConfirmedTest)]), &[&world.signer]).unwrap();
    world.publish_zip("1.zip", 1, first.clone());
    world.publish_zip("2.zip", 2, first);
    assert_eq!(world.outcome().await, "export-refused");
    // The file is the first one's, by a signature, so the second was never had.
    world.listed.pop();
    world.sign_list(1);
    assert_eq!(world.outcome().await, "export-refused");
    assert!(world.reasons().contains(&UnknownReason::ExportNotCompared));
    world.restart();
    assert_eq!(world.verdict(), Verdict::Unknown);
}

#[tokio::test]
async fn a_file_that_cannot_be_reached_again_takes_nothing_back() {
    let mut world = World::new();
    world.listen();
    // In use today, and handed out early: whatever is heard is for the next check.
    let today = DiagnosisKey {
        rolling_start: NOW.utc_day().first_interval(),
        ..key(1, ConfirmedTest)
    };
    world.publish("1.zip", 1, &export_of(&[today]));
    assert_eq!(world.outcome().await, "complete");
    world.meet(&key(2, ConfirmedTest), NOW.saturating_add_signed(600), 5);
    world.now = world.now.saturating_add_signed(3600);
    std::fs::remove_dir_all(world.dir.path().join("downloads")).unwrap();
    world
        .web
        .faults(&path("1.zip"), vec![Fault::Status(503); 3]);
    assert_eq!(world.outcome().await, "unreachable");
    assert_eq!(world.reasons(), []);
    assert_eq!(world.outcome().await, "complete");
}

#[tokio::test]
async fn what_came_before_a_signature_is_held_to_it() {
    let mut world = World::new();
    world.listen();
    world.meet(&key(2, ConfirmedTest), noon(), 20);
    // A valid export, under a name that is not its own; nobody can tell yet.
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.verdict(), Verdict::None);
    world.publish("1.zip", 1, &export_of(&[key(2, ConfirmedTest)]));
    world.sign_list(1);
    assert_eq!(world.outcome().await, "complete");
    assert_eq!(world.contacts(), [20]);
}

#[tokio::test]
async fn a_clock_that_was_behind_does_not_make_an_export_old() {
    let mut world = World::new();
    world.listen();
    world.publish("1.zip", 1, &export_of(&[key(1, ConfirmedTest)]));
    assert_eq!(world.outcome().await, "complete");
    // First listed while the clock is behind, without a date, and never had.
    world.days_later(-20);
    world.listed.push(("2.zip".to_owned(), 0));
    world.put_list();
    world.outcome().await;
    world.now = NOW;
    world.unlist("2.zip");
    assert_eq!(world.outcome().await, "export-refused");
    assert!(world.reasons().contains(&UnknownReason::ExportNotCompared));
}

#[tokio::test]
async fn a_listed_file_that_never_comes_is_asked_for_as_long_as_it_is_listed() {
    let mut world = World::new();
    world.listen();
    world.listed.push(("1.zip".to_owned(), 0));
    world.put_list();
    for days in [0, 13, 16, 30] {
        world.now = NOW.saturating_add_signed(days * DAY_SECONDS);
        assert_eq!(world.outcome().await, "bad-answer", "{days}");
    }
}
