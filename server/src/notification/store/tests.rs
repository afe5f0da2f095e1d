//! One suite for both databases.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use deadpool_postgres::Client;

use super::*;
use crate::database::testing::{Databases, postgres};
use crate::secret::Secret;

const NOW: UnixSeconds = UnixSeconds::new(1_597_492_800);
const HOLDER: Holder = [1; 16];
const OTHER: Holder = [2; 16];
const REGION: &str = "440";
const SIZES: Sizes = Sizes { min: 4, max: 8 };

fn key(byte: u8, days_ago: u32) -> DiagnosisKey {
    DiagnosisKey {
        tek: Tek::from_bytes([byte; 16]),
        rolling_start: NOW.utc_day().saturating_sub(days_ago).first_interval(),
        rolling_period: RollingPeriod::DAY,
        transmission_risk_level: 0,
        report_type: ReportType::ConfirmedTest,
        days_since_onset: byte.is_multiple_of(2).then_some(-3),
    }
}

fn at(seconds: i32) -> UnixSeconds {
    NOW.saturating_add_signed(seconds)
}

/// A day has 1440 slots.
fn run_at(now: UnixSeconds) -> Run<'static> {
    Run {
        holder: HOLDER,
        region: REGION,
        now,
        period: 60,
        due: crate::notification::rules::publishable_until(now),
        oldest: crate::notification::rules::kept_since(now).interval(),
        sizes: SIZES,
        end: now,
        part: Part::WHOLE,
    }
}

fn seals(former: &[&str], own: &str) -> Seals {
    let secret = |text: &str| Secret::new(text.to_owned());
    let former: Vec<_> = former.iter().copied().map(secret).collect();
    Seals::new(&secret(own), &former)
}

async fn open(settings: &Settings) -> Result<Store, DatabaseError> {
    Store::open(settings, seals(&[], "a signing key")).await
}

async fn register(store: &Store, id: u8, keys: Vec<DiagnosisKey>) -> Registered {
    store
        .register([id; 32], [id; 32], vec![REGION.to_owned()], keys, NOW)
        .await
        .unwrap()
}

async fn hold(store: &Store) {
    assert!(store.take_lease(HOLDER, NOW, at(60)).await.unwrap());
}

/// Lists what is pending, by its number for a hash.
async fn publish(store: &Store) {
    let pending = store.pending(REGION).await.unwrap();
    let files = pending.into_iter().map(listed);
    let files = files.map(|it| (it.batch.number, it.sha256.unwrap()));
    store
        .publish(REGION, HOLDER, files.collect())
        .await
        .unwrap();
}

fn listed(batch: Batch) -> Listed {
    let sha256 = Some([u8::try_from(batch.number).unwrap(); 32]);
    Listed { batch, sha256 }
}

/// The keys of all batches of a region, in order of their batches.
async fn exported(store: &Store) -> Vec<DiagnosisKey> {
    let mut keys = Vec::new();
    for batch in store.pending(REGION).await.unwrap() {
        keys.extend(store.keys(REGION, batch.number).await.unwrap());
    }
    keys
}

async fn registrations_are_in_effect_once(store: &Store) {
    assert_eq!(store.find([7; 32], [7; 32]).await.unwrap(), None);
    assert_eq!(
        register(store, 7, vec![key(1, 2), key(2, 2)]).await,
        Registered::New
    );
    assert_eq!(register(store, 7, vec![key(3, 2)]).await, Registered::Again);
    let find = |digest| store.find([7; 32], digest);
    assert_eq!(find([7; 32]).await.unwrap(), Some(Registered::Again));
    assert_eq!(find([8; 32]).await.unwrap(), Some(Registered::Conflict));
    let conflict = store
        .register(
            [7; 32],
            [8; 32],
            vec![REGION.to_owned()],
            vec![key(4, 2)],
            NOW,
        )
        .await;
    assert_eq!(conflict.unwrap(), Registered::Conflict);
    // The same key from somebody else is one row.
    assert_eq!(register(store, 9, vec![key(1, 2)]).await, Registered::New);

    hold(store).await;
    let none = Sizes { min: 1, max: 8 };
    let run = Run {
        sizes: none,
        ..run_at(NOW)
    };
    assert_eq!(store.claim(run).await.unwrap(), 1);
    assert_eq!(exported(store).await, [key(1, 2), key(2, 2)]);
}

async fn many_at_once_are_in_effect_once(store: &Store) {
    let tries: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { register(&store, 7, vec![key(1, 2)]).await })
        })
        .collect();
    let mut new = 0;
    for one in tries {
        match one.await.unwrap() {
            Registered::New => new += 1,
            Registered::Again => {}
            Registered::Conflict => panic!("it says the same"),
        }
    }
    assert_eq!(new, 1);
}

async fn exports_hold_every_due_key_once(store: &Store) {
    let keys: Vec<_> = (0..20)
        .map(|byte| key(byte, 1 + u32::from(byte % 10)))
        .collect();
    register(store, 1, keys.clone()).await;
    // Its day is not over, and it may be heard until two hours later.
    register(store, 2, vec![key(100, 0)]).await;
    assert!(matches!(
        store.claim(run_at(NOW)).await,
        Err(StoreError::LeaseLost)
    ));
    hold(store).await;
    assert_eq!(store.claim(run_at(NOW)).await.unwrap(), 3);
    assert_eq!(store.claim(run_at(NOW)).await.unwrap(), 0, "once a slot");

    let batches = store.pending(REGION).await.unwrap();
    let numbers: Vec<_> = batches
        .iter()
        .map(|it| (it.number, it.batch_num, it.batch_size))
        .collect();
    assert_eq!(numbers, [(1, 1, 3), (2, 2, 3), (3, 3, 3)]);
    assert!(batches.iter().all(|it| it.start == NOW && it.end == NOW));
    assert_eq!(exported(store).await, keys, "in the order of their bytes");
    for batch in &batches {
        let len = store.keys(REGION, batch.number).await.unwrap().len();
        assert!((4..=8).contains(&len), "{len}");
    }

    assert!(store.listed(REGION).await.unwrap().is_empty());
    publish(store).await;
    assert!(store.pending(REGION).await.unwrap().is_empty());
    let listed: Vec<_> = batches.into_iter().map(listed).collect();
    assert_eq!(store.listed(REGION).await.unwrap(), listed);
    store.keep_hash(REGION, 2, [9; 32]).await.unwrap();
    let hashes: Vec<_> = store.listed(REGION).await.unwrap();
    let hashes: Vec<_> = hashes.into_iter().map(|it| it.sha256.unwrap()[0]).collect();
    assert_eq!(hashes, [1, 9, 3]);

    // Published keys are not published again, and the others when their time comes.
    register(store, 3, keys.clone()).await;
    // By chance, an export of nothing may be due.
    store.claim(run_at(at(600))).await.unwrap();
    let teks: BTreeSet<_> = keys.iter().map(|key| *key.tek.expose_bytes()).collect();
    let again = exported(store).await;
    assert!(
        again
            .iter()
            .all(|key| !teks.contains(key.tek.expose_bytes()))
    );
    publish(store).await;
    let later = at(12 * 3600 + 7200);
    assert_eq!(store.claim(run_at(later)).await.unwrap(), 1);
    let pending = store.pending(REGION).await.unwrap();
    assert_eq!((pending[0].start, pending[0].end), (at(600), later));
    assert!(exported(store).await.contains(&key(100, 0)));
}

async fn parts_hold_every_due_key_once_and_registrations_go_on(store: &Store) {
    let keys: Vec<_> = (0..100)
        .map(|index| DiagnosisKey {
            tek: Tek::generate(&mut UnwrapErr(SysRng)),
            ..key(1, index % 5)
        })
        .collect();
    register(store, 1, keys.clone()).await;
    assert_eq!(store.count_waiting(REGION).await.unwrap(), 100);
    hold(store).await;
    for (index, id) in (0..4).zip(10..) {
        let run = Run {
            end: at(i32::try_from(index).unwrap() - 3),
            part: Part { index, of: 4 },
            ..run_at(NOW)
        };
        assert!(store.claim(run).await.unwrap() > 0, "part {index}");
        assert_eq!(register(store, id, vec![key(id, 0)]).await, Registered::New);
    }
    assert_eq!(
        store.claim(run_at(NOW)).await.unwrap(),
        0,
        "the slot is done"
    );
    let pending = store.pending(REGION).await.unwrap();
    let ends: BTreeSet<_> = pending.iter().map(|batch| batch.end).collect();
    assert_eq!(ends, (-3..=0).map(at).collect());
    let published = exported(store).await;
    let today = key(1, 0).rolling_start;
    for key in keys {
        let count = published.iter().filter(|it| it.tek == key.tek).count();
        assert_eq!(count, usize::from(key.rolling_start < today));
    }
    assert_eq!(store.count_waiting(REGION).await.unwrap(), 20 + 4);
}

async fn small_exports_are_filled_up_once(store: &Store) {
    register(store, 1, vec![key(1, 3)]).await;
    hold(store).await;
    assert_eq!(store.claim(run_at(NOW)).await.unwrap(), 1);
    let keys = exported(store).await;
    assert_eq!(keys.len(), 4);
    assert!(keys.contains(&key(1, 3)));
    let different: BTreeSet<_> = keys.iter().map(|key| *key.tek.expose_bytes()).collect();
    assert_eq!(different.len(), 4);
    let like = |it: &DiagnosisKey| DiagnosisKey {
        tek: key(1, 3).tek,
        ..it.clone()
    };
    assert!(keys.iter().all(|it| like(it) == key(1, 3)));
    assert_eq!(
        exported(store).await,
        keys,
        "the same whenever they are asked for"
    );
    // In the next slot, an export of nothing may be due by chance; nothing is added
    // to the one that is.
    store.claim(run_at(at(60))).await.unwrap();
    assert_eq!(store.keys(REGION, 1).await.unwrap(), keys);
}

async fn what_is_old_goes(store: &Store) {
    register(store, 1, vec![key(1, 3)]).await;
    hold(store).await;
    store.claim(run_at(NOW)).await.unwrap();
    publish(store).await;
    register(store, 2, vec![key(2, 0)]).await;

    store.withdraw(REGION, HOLDER, NOW).await.unwrap();
    assert_eq!(store.listed(REGION).await.unwrap().len(), 1);
    assert!(matches!(
        store.withdraw(REGION, OTHER, at(1)).await,
        Err(StoreError::LeaseLost)
    ));
    store.withdraw(REGION, HOLDER, at(1)).await.unwrap();
    assert!(store.listed(REGION).await.unwrap().is_empty());
    assert_eq!(store.withdrawn(REGION).await.unwrap(), [1]);
    assert_eq!(store.keys(REGION, 1).await.unwrap().len(), 4);
    store.forget(REGION, 1).await.unwrap();
    assert!(store.withdrawn(REGION).await.unwrap().is_empty());
    assert!(store.keys(REGION, 1).await.unwrap().is_empty());
    assert_eq!(store.next_number(REGION).await.unwrap(), Some(2));

    store.expire(NOW).await.unwrap();
    assert_eq!(
        store.find([2; 32], [2; 32]).await.unwrap(),
        Some(Registered::Again)
    );
    store.expire(at(3 * 86_400)).await.unwrap();
    assert_eq!(store.find([2; 32], [2; 32]).await.unwrap(), None);
    let late = at(16 * 86_400);
    assert!(store.claim(run_at(late)).await.unwrap() > 0);
    let keys = exported(store).await;
    assert!(
        keys.iter().all(|it| it.tek != key(2, 0).tek),
        "its key is gone"
    );
    store.clean_up().await.unwrap();
}

/// Another signing key opens nothing, says so, and loses nothing.
async fn what_waits_outlives_a_change_of_the_signing_key(store: &Store) {
    register(store, 1, vec![key(1, 3), key(2, 0)]).await;
    let with = |seals| Store {
        seals: Arc::new(seals),
        ..store.clone()
    };
    hold(store).await;
    let other = with(seals(&[], "another"));
    assert!(matches!(other.check_seals().await, Err(StoreError::Sealed)));
    assert!(matches!(
        other.claim(run_at(NOW)).await,
        Err(StoreError::Sealed)
    ));
    let next = with(seals(&["a signing key"], "the next"));
    next.check_seals().await.unwrap();
    assert_eq!(next.claim(run_at(NOW)).await.unwrap(), 1);
    assert!(exported(&next).await.contains(&key(1, 3)));
    publish(&next).await;
    // What waits on is sealed anew.
    let next = with(seals(&[], "the next"));
    next.check_seals().await.unwrap();
    assert!(next.claim(run_at(at(2 * 86_400))).await.unwrap() > 0);
    assert!(exported(&next).await.contains(&key(2, 0)));
}

/// As a version that sealed nothing left them.
async fn what_waits_unsealed_is_published_all_the_same(store: &Store) {
    let (due, later) = (key(1, 3), key(2, 0));
    for key in [&due, &later] {
        let row = Row::from(key);
        let tek = hex::encode(&row.tek);
        let (start, period) = (row.rolling_start, row.rolling_period);
        let onset = row
            .days_since_onset
            .map_or("NULL".to_owned(), |days| days.to_string());
        let columns = "region, tek, rolling_start, rolling_period, report_type, days_since_onset";
        let insert = |tek: &str| {
            format!(
                "INSERT INTO diagnosis_key ({columns})
                 VALUES ('440', {tek}, {start}, {period}, 1, {onset})"
            )
        };
        match &store.database {
            Database::Sqlite(database) => {
                let insert = insert(&format!("x'{tek}'"));
                let done =
                    database.write::<_, DatabaseError>(move |tx| Ok(tx.execute(&insert, [])?));
                done.await.unwrap();
            }
            Database::Postgres(database) => {
                let client = database.get().await.unwrap();
                let insert = insert(&format!("'\\x{tek}'"));
                client.execute(&insert, &[]).await.unwrap();
            }
        }
    }
    hold(store).await;
    assert_eq!(store.claim(run_at(NOW)).await.unwrap(), 1);
    let keys = exported(store).await;
    assert!(keys.contains(&due) && !keys.contains(&later));
    publish(store).await;
    assert!(store.claim(run_at(at(2 * 86_400))).await.unwrap() > 0);
    assert!(exported(store).await.contains(&later));
}

async fn an_export_a_day_is_due_whether_or_not_there_is_anything_in_it(store: &Store) {
    hold(store).await;
    // One person's keys do not fill it.
    let run_at = |now| Run {
        sizes: Sizes { min: 12, max: 24 },
        ..run_at(now)
    };
    let mut all = BTreeSet::new();
    for day in 0..3 {
        let now = at(day * 86_400);
        assert_eq!(store.claim(run_at(now)).await.unwrap(), 1, "day {day}");
        let keys = exported(store).await;
        assert_eq!(keys.len(), 12);
        all.extend(keys.iter().map(|key| *key.tek.expose_bytes()));
        publish(store).await;
    }
    assert_eq!(all.len(), 36, "each is made up anew");
}

async fn what_another_database_published_is_taken_up(store: &Store) {
    register(store, 1, vec![key(1, 3), key(2, 3)]).await;
    let published = |number: i64, end| Published {
        listed: listed(Batch {
            number,
            batch_num: 1,
            batch_size: 1,
            start: NOW,
            end,
        }),
        keys: vec![key(1, 3), key(3, 3)],
    };
    assert!(matches!(
        store.take_up(REGION, HOLDER, None, 9).await,
        Err(StoreError::LeaseLost)
    ));
    hold(store).await;
    let before = published(7, at(60));
    store
        .take_up(REGION, HOLDER, Some(before.clone()), 8)
        .await
        .unwrap();
    // No key is in two.
    let again = Some(published(9, at(60)));
    let is_taken_up = store.take_up(REGION, HOLDER, again, 10).await.unwrap();
    assert!(!is_taken_up);
    assert_eq!(store.listed(REGION).await.unwrap(), [before.listed]);
    assert_eq!(store.keys(REGION, 7).await.unwrap(), before.keys);
    assert_eq!(store.next_number(REGION).await.unwrap(), Some(8));
    for (next, is) in [(20, 20), (3, 20)] {
        store.take_up(REGION, HOLDER, None, next).await.unwrap();
        assert_eq!(store.next_number(REGION).await.unwrap(), Some(is));
    }
    assert_eq!(store.claim(run_at(at(120))).await.unwrap(), 1);
    let pending = store.pending(REGION).await.unwrap();
    assert_eq!((pending[0].number, pending[0].start), (20, at(60)));
    let keys = exported(store).await;
    assert!(keys.contains(&key(2, 3)) && !keys.contains(&key(1, 3)));
}

async fn an_export_that_was_ordered_is_due_once(store: &Store) {
    store.order(REGION).await.unwrap();
    assert_eq!(store.next_number(REGION).await.unwrap(), None);
    hold(store).await;
    // One person's keys do not fill it.
    let run = Run {
        sizes: Sizes { min: 12, max: 24 },
        ..run_at(NOW)
    };
    assert_eq!(store.claim(run).await.unwrap(), 1);
    for _ in 0..20 {
        assert_eq!(store.claim(run).await.unwrap(), 0);
        store.order(REGION).await.unwrap();
        assert_eq!(store.claim(run).await.unwrap(), 1, "of nothing");
    }
}

async fn sequence_numbers_only_grow(store: &Store) {
    assert!(matches!(
        store.next_sequence(REGION, HOLDER, 1).await,
        Err(StoreError::LeaseLost)
    ));
    assert_eq!(store.sequence(REGION).await.unwrap(), 0);
    hold(store).await;
    for (least, given) in [(5, 5), (5, 6), (1, 7), (100, 100), (0, 101)] {
        let next = store.next_sequence(REGION, HOLDER, least).await.unwrap();
        assert_eq!(next, given, "at least {least}");
        assert_eq!(store.sequence(REGION).await.unwrap(), given);
    }
    assert_eq!(store.sequence("441").await.unwrap(), 0);
    assert_eq!(store.next_sequence("441", HOLDER, 3).await.unwrap(), 3);
}

async fn regions_are_apart(store: &Store) {
    let both = vec![REGION.to_owned(), "441".to_owned()];
    store
        .register([1; 32], [1; 32], both, vec![key(1, 3)], NOW)
        .await
        .unwrap();
    hold(store).await;
    let of = |region| Run {
        region,
        ..run_at(NOW)
    };
    assert_eq!(store.claim(of(REGION)).await.unwrap(), 1);
    assert_eq!(store.next_number("441").await.unwrap(), None);
    assert_eq!(store.claim(of("441")).await.unwrap(), 1);
    assert_eq!(store.pending("441").await.unwrap()[0].number, 1);
    assert!(store.keys("441", 1).await.unwrap().contains(&key(1, 3)));
}

async fn one_holds_the_lease(store: &Store) {
    hold(store).await;
    assert!(
        store.take_lease(HOLDER, at(30), at(90)).await.unwrap(),
        "renewed"
    );
    assert!(!store.take_lease(OTHER, at(89), at(120)).await.unwrap());
    assert!(store.publish(REGION, HOLDER, Vec::new()).await.is_ok());
    assert!(
        store.take_lease(OTHER, at(90), at(150)).await.unwrap(),
        "run out"
    );
    assert!(!store.take_lease(HOLDER, at(100), at(160)).await.unwrap());
    assert!(matches!(
        store.publish(REGION, HOLDER, Vec::new()).await,
        Err(StoreError::LeaseLost)
    ));
    store.drop_lease(HOLDER).await.unwrap();
    assert!(!store.take_lease(HOLDER, at(100), at(160)).await.unwrap());
    store.drop_lease(OTHER).await.unwrap();
    assert!(store.take_lease(HOLDER, at(100), at(160)).await.unwrap());
}

async fn what_a_clock_in_the_future_left_stops_nobody(store: &Store) {
    const DAYS: i32 = 15 * 86_400;
    assert!(
        store
            .take_lease(OTHER, at(DAYS), at(DAYS + 60))
            .await
            .unwrap()
    );
    let run = Run {
        holder: OTHER,
        ..run_at(at(DAYS))
    };
    assert_ne!(store.claim(run).await.unwrap(), 0);

    register(store, 1, vec![key(1, 2)]).await;
    hold(store).await;
    assert_eq!(
        store.claim(run_at(NOW)).await.unwrap(),
        1,
        "it had none for this slot"
    );
    assert_eq!(store.claim(run_at(NOW)).await.unwrap(), 0, "once a slot");

    // Clocks that are right differ by a little, too.
    assert!(!store.take_lease(OTHER, at(-50), at(10)).await.unwrap());
    assert_eq!(store.claim(run_at(at(-50))).await.unwrap(), 0);
}

async fn an_unknown_newer_schema_is_refused(settings: Settings) {
    open(&settings).await.unwrap();
    match Database::open(&settings, &MIGRATIONS).await.unwrap() {
        Database::Sqlite(database) => database
            .write::<_, DatabaseError>(|tx| Ok(tx.pragma_update(None, "user_version", 999)?))
            .await
            .unwrap(),
        Database::Postgres(database) => {
            let client = database.get().await.unwrap();
            let insert = "INSERT INTO schema_version (version) VALUES (999)";
            client.execute(insert, &[]).await.unwrap();
        }
    }
    assert!(matches!(
        open(&settings).await,
        Err(DatabaseError::Newer {
            found: 999,
            known: 4
        })
    ));
}

/// Runs `test` on an empty store of each kind.
macro_rules! suite {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            use super::*;

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                let databases = Databases::sqlite();
                super::$test(&open(&databases.settings().await).await.unwrap()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                let databases = Databases::postgres();
                super::$test(&open(&databases.settings().await).await.unwrap()).await;
            }
        }
    )+};
}

suite!(
    registrations_are_in_effect_once,
    many_at_once_are_in_effect_once,
    exports_hold_every_due_key_once,
    parts_hold_every_due_key_once_and_registrations_go_on,
    small_exports_are_filled_up_once,
    what_is_old_goes,
    what_waits_outlives_a_change_of_the_signing_key,
    what_waits_unsealed_is_published_all_the_same,
    an_export_a_day_is_due_whether_or_not_there_is_anything_in_it,
    what_another_database_published_is_taken_up,
    an_export_that_was_ordered_is_due_once,
    sequence_numbers_only_grow,
    regions_are_apart,
    one_holds_the_lease,
    what_a_clock_in_the_future_left_stops_nobody,
);

#[tokio::test]
async fn a_newer_schema_is_refused_by_sqlite() {
    an_unknown_newer_schema_is_refused(Databases::sqlite().settings().await).await;
}

#[tokio::test]
async fn a_newer_schema_is_refused_by_postgres() {
    an_unknown_newer_schema_is_refused(Databases::postgres().settings().await).await;
}

/// What PostgreSQL writes of its own accord, as whoever has its files reads it.
struct Disk<'a> {
    client: &'a Client,
    /// Where its log was in the beginning.
    from: u64,
}

impl<'a> Disk<'a> {
    async fn watch(client: &'a Client) -> Self {
        let mut disk = Self { client, from: 0 };
        disk.from = disk.log_end().await;
        disk
    }

    async fn ask(&self, question: &str) -> String {
        let row = self.client.query_one(question, &[]).await.unwrap();
        row.get(0)
    }

    async fn dir(&self) -> PathBuf {
        PathBuf::from(self.ask("SHOW data_directory").await)
    }

    async fn log_end(&self) -> u64 {
        let end = self
            .ask("SELECT (pg_current_wal_lsn() - '0/0')::text")
            .await;
        end.parse().unwrap()
    }

    /// All files of the schema's tables and indexes.
    async fn tables(&self) -> Vec<u8> {
        let dir = self.dir().await;
        self.client.execute("CHECKPOINT", &[]).await.unwrap();
        let files = "SELECT pg_relation_filepath(oid) FROM pg_class
                     WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace";
        let files = self.client.query(files, &[]).await.unwrap();
        let read = |row: &tokio_postgres::Row| fs::read(dir.join(row.get::<_, String>(0)));
        files.iter().flat_map(|row| read(row).unwrap()).collect()
    }

    /// The log since the beginning, as bytes.
    async fn log(&self) -> Vec<u8> {
        const SEGMENT_LEN: u64 = 16 << 20;
        let (dir, end) = (self.dir().await.join("pg_wal"), self.log_end().await);
        let mut log = Vec::new();
        for segment in self.from / SEGMENT_LEN..=end / SEGMENT_LEN {
            let (high, low) = (segment / 256, segment % 256);
            log.extend(fs::read(dir.join(format!("00000001{high:08X}{low:08X}"))).unwrap());
        }
        let place = |at: u64| usize::try_from(at - self.from / SEGMENT_LEN * SEGMENT_LEN).unwrap();
        log.truncate(place(end));
        log.split_off(place(self.from))
    }

    /// The transactions that changed rows of `table` since the beginning, by the log.
    async fn writers(&self, table: &str) -> BTreeSet<String> {
        let place = format!(
            "SELECT '1663/' || d.oid || '/' || pg_relation_filenode('{table}')
             FROM pg_database d WHERE d.datname = current_database()"
        );
        let place = self.ask(&place).await;
        let lsn = |at: u64| format!("{:X}/{:X}", at >> 32, at & 0xFFFF_FFFF);
        let output = Command::new(postgres::bin_dir().join("pg_waldump"))
            .arg("--path")
            .arg(self.dir().await.join("pg_wal"))
            .args([
                "--start",
                &lsn(self.from),
                "--end",
                &lsn(self.log_end().await),
            ])
            .args(["--rmgr", "Heap", "--relation", &place])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let log = String::from_utf8(output.stdout).unwrap();
        let writer = |line: &str| {
            let rest = line.split_once("tx:")?.1;
            Some(rest.split_once(',')?.0.trim().to_owned())
        };
        log.lines().filter_map(writer).collect()
    }
}

/// The transactions that wrote the rows of `table`, and whether these lie in the order of
/// their random bytes.
async fn rows(client: &Client, table: &str, random: &str) -> (usize, BTreeSet<String>, bool) {
    let rows = format!("SELECT xmin::text, {random} FROM {table} ORDER BY ctid");
    let rows = client.query(&rows, &[]).await.unwrap();
    let random: Vec<Vec<u8>> = rows.iter().map(|row| row.get(1)).collect();
    let writers = rows.iter().map(|row| row.get(0)).collect();
    (rows.len(), writers, random.is_sorted())
}

/// Whoever has PostgreSQL's files is not told which keys are of one person: not by
/// `xmin`, not by where rows lie or have lain, not by its log.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_tells_no_relation_between_keys() {
    let databases = Databases::postgres();
    let store = open(&databases.settings().await).await.unwrap();
    let Database::Postgres(database) = &store.database else {
        panic!("this is PostgreSQL");
    };
    let client = database.get().await.unwrap();
    let disk = Disk::watch(&client).await;
    let mut teks = Vec::new();
    for person in 1..=6 {
        let keys = (0..4).map(|days_ago| DiagnosisKey {
            tek: Tek::generate(&mut UnwrapErr(SysRng)),
            ..key(1, days_ago)
        });
        let keys: Vec<_> = keys.collect();
        teks.extend(keys.iter().map(|key| *key.tek.expose_bytes()));
        register(&store, person, keys).await;
    }
    for bytes in [disk.tables().await, disk.log().await] {
        assert!(bytes.len() > 8_000);
        let is_there = |tek: &[u8; KEY_LEN]| bytes.windows(KEY_LEN).any(|window| window == tek);
        assert!(!teks.iter().any(is_there), "a key is there to read");
    }

    hold(&store).await;
    assert!(store.claim(run_at(NOW)).await.unwrap() > 0);
    let (count, writers, in_order) = rows(&client, "diagnosis_key", "tek").await;
    assert_eq!(
        (count, writers.len(), in_order),
        (18, 1, true),
        "{writers:?}"
    );
    // Today's wait on, sealed anew by the same.
    let waiting = rows(&client, "waiting_key", "id").await;
    assert_eq!(waiting, (6, writers.clone(), true));
    assert_eq!(disk.writers("diagnosis_key").await, writers);
}
