//! What is fourteen days old goes, and nothing else.

use std::time::Duration;

use gaen::time::UnixSeconds;
use sesshoku_core::records::{CheckOutcome, CheckRecord, Consent, ExposureChanges};
use sesshoku_core::time::{BootTime, Look, Voucher};
use sesshokud::store::StoreError;

use crate::support::{
    DAY, EVER, HOUR, Home, T0, at, cycle, day, exposure, own_key, read_all, read_since, record,
};

fn times(store: &sesshokud::store::Store) -> Vec<UnixSeconds> {
    read_all(store)
        .0
        .iter()
        .map(|sighting| sighting.time)
        .collect()
}

#[test]
fn a_day_goes_fourteen_days_after_its_end() {
    let home = Home::new();
    let mut store = home.open();
    store.append_cycle(&cycle(T0 + DAY - 4, 1)).unwrap();
    store.append_cycle(&cycle(T0 + DAY, 1)).unwrap();
    store.put_own_key(&own_key(day(T0), 1)).unwrap();
    store.put_own_key(&own_key(day(T0 + DAY), 2)).unwrap();

    let report = store
        .purge_at_confirmed_time(at(T0 + 14 * DAY - 1))
        .unwrap();
    assert_eq!((report.days_destroyed, report.teks_deleted), (0, 0));
    let report = store.purge_at_confirmed_time(at(T0 + 14 * DAY)).unwrap();
    assert_eq!((report.days_destroyed, report.teks_deleted), (0, 1));
    let report = store
        .purge_at_confirmed_time(at(T0 + 15 * DAY - 1))
        .unwrap();
    assert_eq!((report.days_destroyed, report.cycles_trimmed), (0, 0));
    assert_eq!(times(&store).len(), 2);
    let report = store.purge_at_confirmed_time(at(T0 + 15 * DAY)).unwrap();
    assert_eq!((report.days_destroyed, report.teks_deleted), (1, 1));
    assert!(!report.remains);
    assert_eq!(times(&store), [at(T0 + DAY)]);
    assert_eq!(store.own_keys().unwrap(), []);
}

#[test]
fn the_day_at_the_edge_is_cut_by_the_hour() {
    for compacted in [false, true] {
        let home = Home::new();
        let mut store = home.open();
        for n in 0..360 {
            store.append_cycle(&cycle(T0 + 240 * n, 3)).unwrap();
        }
        if compacted {
            store.compact(day(T0 + DAY)).unwrap();
        }
        let (before, _) = read_all(&store);

        let now = T0 + 14 * DAY + HOUR - 1;
        assert_eq!(
            store
                .purge_at_confirmed_time(at(now))
                .unwrap()
                .cycles_trimmed,
            0
        );
        // Reading is exact also while less than an hour is due.
        let (read, _) = read_since(&store, at(now - 14 * DAY));
        assert!(
            read.iter()
                .all(|sighting| sighting.time >= at(now - 14 * DAY))
        );
        assert_eq!(read.len(), before.len() - 15 * 3);

        let now = T0 + 14 * DAY + HOUR;
        let report = store.purge_at_confirmed_time(at(now)).unwrap();
        assert_eq!(report.cycles_trimmed, 15);
        let cutoff = at(now - 14 * DAY);
        let kept: Vec<_> = before
            .iter()
            .filter(|sighting| sighting.time > cutoff)
            .copied()
            .collect();
        let (after, report) = read_all(&store);
        assert_eq!(after, kept);
        assert_eq!(report.damaged_segments, 0);
        assert_eq!(store.coverage(EVER, at(now)).unwrap().damaged_segments, 0);

        let report = store
            .purge_at_confirmed_time(at(T0 + 14 * DAY + 13 * HOUR))
            .unwrap();
        assert_eq!(report.cycles_trimmed, 12 * 15);
        // A late cycle still finds its place in the cut day.
        store.append_cycle(&cycle(T0 + 20 * HOUR, 1)).unwrap();
        assert_eq!(read_all(&store).1.damaged_segments, 0);
        let report = store
            .purge_at_confirmed_time(at(T0 + 15 * DAY - 1))
            .unwrap();
        assert_eq!(report.cycles_trimmed, 11 * 15 + 1);
        assert_eq!(times(&store), []);
    }
}

#[test]
fn cutting_a_day_keeps_its_exposures() {
    let home = Home::new();
    let mut store = home.open();
    for n in 0..100 {
        store.append_cycle(&cycle(T0 + 240 * n, 1)).unwrap();
    }
    let found = exposure(1, &[T0 + 60]);
    let changes = ExposureChanges {
        put: vec![found.clone()],
        remove: vec![],
    };
    record(&mut store, &changes);
    assert!(
        store
            .purge_at_confirmed_time(at(T0 + 14 * DAY + 12 * HOUR))
            .unwrap()
            .cycles_trimmed
            > 0
    );
    assert_eq!(times(&store), [], "the day's encounters are all gone");
    assert_eq!(store.exposures().unwrap().found, [found]);
    assert_eq!(store.ledger().unwrap().exports().len(), 1);

    store.purge_at_confirmed_time(at(T0 + 15 * DAY)).unwrap();
    assert_eq!(store.exposures().unwrap(), Default::default());
    // What was listed is remembered for as long as its bytes may come again.
    assert_eq!(store.ledger().unwrap().exports().len(), 1);
    store.purge_at_confirmed_time(at(T0 + 31 * DAY)).unwrap();
    assert_eq!(store.ledger().unwrap().exports().len(), 1);
    store
        .purge_at_confirmed_time(at(T0 + 31 * DAY + 1))
        .unwrap();
    assert_eq!(store.ledger().unwrap().exports().len(), 0);
}

#[test]
fn old_checks_go_but_the_last_one_stays() {
    let home = Home::new();
    let mut store = home.open();
    for n in 0..3 {
        store
            .record_check(
                &CheckRecord {
                    started: at(T0 + n),
                    ended: at(T0 + n),
                    outcome: CheckOutcome::Complete,
                    counts: None,
                    detail: String::new(),
                },
                &[],
            )
            .unwrap();
    }
    store.purge_at_confirmed_time(at(T0 + 40 * DAY)).unwrap();
    assert_eq!(store.last_check().unwrap().unwrap().ended, at(T0 + 2));
    assert_eq!(store.last_success().unwrap(), Some(at(T0 + 2)));
}

#[test]
fn a_clock_that_is_not_set_purges_nothing() {
    let home = Home::new();
    let mut store = home.open();
    store.append_cycle(&cycle(T0, 1)).unwrap();
    for now in [0, 1_577_836_799] {
        for voucher in [Voucher::Nobody, Voucher::Simulation] {
            let look = look(now, 0, voucher);
            assert!(matches!(store.purge(&look), Err(StoreError::ClockNotSet)));
        }
    }
    store.purge_at_confirmed_time(at(1_577_836_800)).unwrap();
    assert_eq!(times(&store).len(), 1);
}

/// What the clocks show, `hours` after the boot.
fn look(wall: u32, since_boot: u32, voucher: Voucher) -> Look {
    Look {
        wall: at(wall),
        boot: BootTime::new(Duration::from_secs(since_boot.into())),
        voucher,
    }
}

#[test]
fn two_settings_of_the_clock_destroy_nothing() {
    for (first, then) in [
        (20 * DAY, 20 * DAY + HOUR),
        (13 * DAY, 13 * DAY + 1900),
        (20 * 365 * DAY, 20 * 365 * DAY + 2 * DAY),
    ] {
        let home = Home::new();
        let mut store = home.open();
        store.append_cycle(&cycle(T0, 1)).unwrap();
        store.put_own_key(&own_key(day(T0), 1)).unwrap();
        store.purge_at_confirmed_time(at(T0 + HOUR)).unwrap();
        let mut boot = HOUR;
        for wall in [T0 + HOUR, T0 + HOUR + first, T0 + HOUR + then, T0 + HOUR] {
            boot += 2;
            let report = store
                .purge(&look(wall, boot, Voucher::Synchronisation))
                .unwrap();
            assert_eq!((report.days_destroyed, report.teks_deleted), (0, 0));
            assert_eq!(report.is_held, wall != T0 + HOUR);
            drop(store);
            store = home.open();
        }
        assert_eq!(store.own_keys().unwrap().len(), 1);
        assert_eq!(times(&store).len(), 1);
    }
}

#[test]
fn what_grows_old_goes_on_time_also_while_a_clock_is_held() {
    let home = Home::new();
    let mut store = home.open();
    for n in 0..360 {
        store.append_cycle(&cycle(T0 + 240 * n, 1)).unwrap();
    }
    store
        .purge_at_confirmed_time(at(T0 + 14 * DAY - HOUR))
        .unwrap();
    // The boot clock tells that the hours pass, whatever the wall clock shows.
    for hour in 0..=12 {
        let wall = T0 + 300 * DAY + (hour % 2) * DAY;
        let look = look(wall, HOUR * hour, Voucher::Nobody);
        assert!(store.purge(&look).unwrap().is_held);
    }
    assert_eq!(times(&store).first(), Some(&at(T0 + 11 * HOUR + 240)));
    assert_eq!(times(&store).len(), 13 * 15 - 1);
}

#[test]
fn what_was_recorded_for_the_future_goes_and_nothing_else() {
    let home = Home::new();
    let mut store = home.open();
    let now = T0 + 10 * DAY + 12 * HOUR;
    // Right ones, of today and before.
    let right: Vec<u32> = (0..50).map(|n| now - n * 5 * HOUR).collect();
    // A clock that was ahead, by hours, days and years. Two hours match, too.
    let ahead = [
        2 * HOUR - 60,
        1800 + 2 * HOUR + 61,
        9 * HOUR,
        DAY,
        20 * DAY,
        30_000 * DAY,
    ];
    for time in right.iter().rev() {
        store.append_cycle(&cycle(*time, 2)).unwrap();
        store.put_own_key(&own_key(day(*time), 1)).unwrap();
    }
    for by in ahead {
        store.append_cycle(&cycle(now + by, 2)).unwrap();
        store.put_own_key(&own_key(day(now + by), 1)).unwrap();
    }
    // One more of today, after those in the same day.
    store.append_cycle(&cycle(now + 60, 2)).unwrap();
    let found = exposure(1, &[now - DAY, now + 20 * DAY]);
    let changes = ExposureChanges {
        put: vec![found.clone()],
        remove: vec![],
    };
    record(&mut store, &changes);
    let coverage = store.coverage(EVER, at(now + 600)).unwrap();

    // The clock went back, and is synchronised again.
    let mut misdated = 0;
    for (wall, boot) in [(now, 0), (now + 1799, 1799)] {
        let report = store
            .purge(&look(wall, boot, Voucher::Synchronisation))
            .unwrap();
        misdated += report.misdated_seconds;
        assert!(!report.remains);
        assert_eq!(misdated, 0);
    }
    let look = look(now + 1800, 1800, Voucher::Synchronisation);
    let report = store.purge(&look).unwrap();
    // Each of four seconds stands for the four minutes before it, too, as far as they are
    // of the future.
    assert_eq!(report.misdated_seconds, 4 * 244 + 61 + 4);
    let left = times(&store);
    let allowed = at(now + 1800 + 2 * HOUR);
    assert!(left.iter().all(|time| *time <= allowed));
    assert_eq!(left.len(), 2 * (right.len() + 2));
    let (_, report) = read_all(&store);
    assert_eq!(report.damaged_segments, 0);
    let after = store.coverage(EVER, at(now + 600)).unwrap();
    assert_eq!(after, coverage, "what was recorded in time stays so");
    assert!(
        store
            .own_keys()
            .unwrap()
            .iter()
            .all(|key| key.day <= day(now + DAY))
    );
    assert_eq!(
        store.exposures().unwrap().found,
        [found],
        "no contact is taken back"
    );
    assert_eq!(store.purge(&look).unwrap().misdated_seconds, 0);
}

#[test]
fn a_confirmed_time_needs_no_wait() {
    let home = Home::new();
    let mut store = home.open();
    store.append_cycle(&cycle(T0, 1)).unwrap();
    store.purge_at_confirmed_time(at(T0 + HOUR)).unwrap();
    let report = store.purge_at_confirmed_time(at(T0 + 30 * DAY)).unwrap();
    assert_eq!((report.is_held, report.days_destroyed), (false, 1));
    assert_eq!(report.certain, at(T0 + 30 * DAY));
}

#[test]
fn agreement_outlives_erasure_but_not_withdrawal() {
    let home = Home::new();
    let mut store = home.open();
    let consent = Consent {
        version: "1".to_owned(),
        agreed_at: at(T0),
    };
    store.set_consent(Some(&consent)).unwrap();
    for round in 0..3 {
        store.append_cycle(&cycle(T0, 7)).unwrap();
        store.put_own_key(&own_key(day(T0), 1)).unwrap();
        store.put_meta("etag", Some(b"x")).unwrap();
        store.erase().unwrap();
        assert_eq!(store.consent().unwrap().as_ref(), Some(&consent));
        assert_eq!(read_all(&store).1, Default::default(), "round {round}");
        assert_eq!(store.own_keys().unwrap(), []);
        assert_eq!(store.get_meta("etag").unwrap(), None);
        assert_eq!(store.exposures().unwrap(), Default::default());
        assert_eq!(store.last_cycle().unwrap(), None);
        drop(store);
        store = home.open();
        assert_eq!(store.consent().unwrap().as_ref(), Some(&consent));
    }
    store.append_cycle(&cycle(T0, 7)).unwrap();
    store.withdraw().unwrap();
    assert_eq!(store.consent().unwrap(), None);
    drop(store);
    let mut store = home.open();
    assert_eq!(store.consent().unwrap(), None);
    store.append_cycle(&cycle(T0, 2)).unwrap();
    assert_eq!(read_all(&store).1.sightings, 2);
}
