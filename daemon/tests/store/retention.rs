//! What is fourteen days old goes, and nothing else.

use gaen::time::UnixSeconds;
use sesshokud::store::{CheckOutcome, CheckRecord, Consent, ExposureChanges, StoreError};

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

    let report = store.purge(at(T0 + 14 * DAY - 1)).unwrap();
    assert_eq!((report.days_destroyed, report.teks_deleted), (0, 0));
    let report = store.purge(at(T0 + 14 * DAY)).unwrap();
    assert_eq!((report.days_destroyed, report.teks_deleted), (0, 1));
    let report = store.purge(at(T0 + 15 * DAY - 1)).unwrap();
    assert_eq!((report.days_destroyed, report.cycles_trimmed), (0, 0));
    assert_eq!(times(&store).len(), 2);
    let report = store.purge(at(T0 + 15 * DAY)).unwrap();
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
        assert_eq!(store.purge(at(now)).unwrap().cycles_trimmed, 0);
        // Reading is exact also while less than an hour is due.
        let (read, _) = read_since(&store, at(now - 14 * DAY));
        assert!(
            read.iter()
                .all(|sighting| sighting.time >= at(now - 14 * DAY))
        );
        assert_eq!(read.len(), before.len() - 15 * 3);

        let now = T0 + 14 * DAY + HOUR;
        let report = store.purge(at(now)).unwrap();
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

        let report = store.purge(at(T0 + 14 * DAY + 13 * HOUR)).unwrap();
        assert_eq!(report.cycles_trimmed, 12 * 15);
        // A late cycle still finds its place in the cut day.
        store.append_cycle(&cycle(T0 + 20 * HOUR, 1)).unwrap();
        assert_eq!(read_all(&store).1.damaged_segments, 0);
        let report = store.purge(at(T0 + 15 * DAY - 1)).unwrap();
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
            .purge(at(T0 + 14 * DAY + 12 * HOUR))
            .unwrap()
            .cycles_trimmed
            > 0
    );
    assert_eq!(times(&store), [], "the day's encounters are all gone");
    assert_eq!(store.exposures().unwrap().found, [found]);
    assert_eq!(store.ledger().unwrap().exports().len(), 1);

    store.purge(at(T0 + 15 * DAY)).unwrap();
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
    store.purge(at(T0 + 40 * DAY)).unwrap();
    assert_eq!(store.last_check().unwrap().unwrap().ended, at(T0 + 2));
    assert_eq!(store.last_success().unwrap(), Some(at(T0 + 2)));
}

#[test]
fn a_clock_that_is_not_set_purges_nothing() {
    let home = Home::new();
    let mut store = home.open();
    store.append_cycle(&cycle(T0, 1)).unwrap();
    for now in [0, 1_577_836_799] {
        assert!(matches!(store.purge(at(now)), Err(StoreError::ClockNotSet)));
        assert!(matches!(
            store.purge_at_confirmed_time(at(now)),
            Err(StoreError::ClockNotSet)
        ));
    }
    store.purge(at(1_577_836_800)).unwrap();
    assert_eq!(times(&store).len(), 1);
}

#[test]
fn a_short_leap_of_the_clock_destroys_nothing() {
    let home = Home::new();
    let mut store = home.open();
    store.append_cycle(&cycle(T0, 1)).unwrap();
    store.put_own_key(&own_key(day(T0), 1)).unwrap();
    store.purge(at(T0 + HOUR)).unwrap();
    let leap = T0 + 20 * 365 * DAY;
    let held = store.purge(at(leap)).unwrap().held_until.unwrap();
    assert_eq!(held, at(leap + 1800));
    // The cycles of the wrong time do not make it believed.
    store.append_cycle(&cycle(leap + 60, 1)).unwrap();
    drop(store);
    let mut store = home.open();
    assert!(store.purge(at(leap + 1799)).unwrap().held_until.is_some());
    store.purge(at(T0 + 2 * HOUR)).unwrap();
    assert_eq!(store.own_keys().unwrap().len(), 1);
    assert_eq!(times(&store).len(), 2, "the future is kept");
}

#[test]
fn a_leap_that_lasts_is_believed_also_across_a_restart() {
    let home = Home::new();
    let mut store = home.open();
    store.append_cycle(&cycle(T0, 1)).unwrap();
    store.purge(at(T0 + HOUR)).unwrap();
    let after_a_month = T0 + 30 * DAY;
    assert!(store.purge(at(after_a_month)).unwrap().held_until.is_some());
    assert_eq!(times(&store).len(), 1);
    drop(store);
    let mut store = home.open();
    let report = store.purge(at(after_a_month + 1800)).unwrap();
    assert_eq!((report.held_until, report.days_destroyed), (None, 1));
    assert_eq!(times(&store), []);
}

#[test]
fn a_confirmed_time_needs_no_wait() {
    let home = Home::new();
    let mut store = home.open();
    store.append_cycle(&cycle(T0, 1)).unwrap();
    store.purge(at(T0 + HOUR)).unwrap();
    let report = store.purge_at_confirmed_time(at(T0 + 30 * DAY)).unwrap();
    assert_eq!((report.held_until, report.days_destroyed), (None, 1));
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
