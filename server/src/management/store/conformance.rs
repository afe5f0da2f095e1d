//! What both databases must do, run against both: SQLite in a temporary folder, and
//! a PostgreSQL server of this test's own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gaen::time::UnixSeconds;
use tokio::task::JoinSet;

use super::*;
use crate::database::testing::Databases;
use crate::database::{Database, Settings};
use crate::management::account::Role;

const NOW: UnixSeconds = UnixSeconds::new(1_600_000_200);
const HOUR: i32 = 3600;
const LIMITS: IssueLimits = IssueLimits {
    per_account_hour: 5,
    per_hour: 8,
    live: 1000,
};
const TIMES: SessionTimes = SessionTimes {
    idle: Duration::from_secs(20 * 60),
    total: Duration::from_secs(10 * 60 * 60),
};
const AUDIT_KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Runs every test of the suite against a fresh database from `fresh`.
macro_rules! suite {
    ($fresh:path: $($test:ident)*) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            let (store, _guard) = $fresh().await;
            super::$test(store).await;
        })*
    };
}

macro_rules! suites {
    ($($test:ident)*) => {
        mod sqlite {
            suite!(super::fresh_sqlite: $($test)*);
        }
        mod postgres {
            suite!(super::fresh_postgres: $($test)*);
        }
    };
}

suites! {
    a_number_is_good_once
    a_dummy_is_bounded_as_a_number_and_leaves_nothing
    of_parallel_checks_one_succeeds
    what_a_clock_ahead_has_left_is_brought_back
    an_expired_number_is_wrong_and_makes_room
    wrong_numbers_are_bounded_by_the_day
    a_wrong_number_costs_as_much_as_numbers_are_valid
    who_has_not_guessed_is_not_bounded_by_those_who_have
    the_bound_holds_for_parallel_checks
    issuing_is_limited_by_account_by_hour_and_in_all
    a_form_issues_once
    a_withdrawn_number_is_wrong
    a_number_is_taken_back_by_its_form
    days_have_counts
    accounts_come_change_and_go
    a_code_is_accepted_once
    sessions_end
    failures_make_waiting
    parallel_attempts_all_count
    the_audit_log_is_kept_as_long_as_asked
}

async fn fresh_sqlite() -> (Store, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = open_sqlite(dir.path()).await;
    (store, dir)
}

async fn open_sqlite(dir: &Path) -> Store {
    let path = dir.join("management.db");
    Store::open(&Settings::Sqlite { path }).await.unwrap()
}

async fn fresh_postgres() -> (Store, Databases) {
    let databases = Databases::postgres();
    let store = Store::open(&databases.settings().await).await.unwrap();
    (store, databases)
}

fn digest(n: u32) -> Digest {
    crate::management::keys::sha256(&n.to_le_bytes())
}

fn later(seconds: i32) -> UnixSeconds {
    NOW.saturating_add_signed(seconds)
}

fn issue_at(n: u32, now: UnixSeconds) -> Issue {
    static FORMS: AtomicU64 = AtomicU64::new(0);
    let form = u128::from(FORMS.fetch_add(1, Ordering::Relaxed));
    Issue {
        digest: digest(n),
        account: format!("account-{}", n % 2),
        form: form.to_le_bytes(),
        handle: digest(n),
        now,
        expires: now.saturating_add_signed(24 * HOUR),
        limits: IssueLimits {
            per_account_hour: 1000,
            per_hour: 1000,
            ..LIMITS
        },
    }
}

fn check_at(n: u32, request: u32, now: UnixSeconds) -> Check {
    Check {
        digest: digest(n),
        request: digest(request),
        is_dummy: false,
        now,
        has_guessed: false,
        budget: 1_000,
    }
}

async fn a_number_is_good_once(store: Store) {
    assert_eq!(store.issue(issue_at(1, NOW)).await.unwrap(), Issued::Done);
    assert_eq!(store.issue(issue_at(1, NOW)).await.unwrap(), Issued::Taken);
    for (number, request, expected) in [
        (2, 70, Checked::Wrong),
        (1, 71, Checked::Consumed),
        (1, 71, Checked::Repeated),
        (1, 72, Checked::Wrong),
        (1, 71, Checked::Repeated),
    ] {
        let check = check_at(number, request, NOW);
        assert_eq!(store.check(check).await.unwrap(), expected, "{request}");
    }
    // The answer is forgotten after a day.
    let almost = check_at(1, 71, later(24 * HOUR - 1));
    assert_eq!(store.check(almost).await.unwrap(), Checked::Repeated);
    let too_late = check_at(1, 71, later(24 * HOUR));
    assert_eq!(store.check(too_late).await.unwrap(), Checked::Wrong);
}

async fn a_dummy_is_bounded_as_a_number_and_leaves_nothing(store: Store) {
    store.issue(issue_at(1, NOW)).await.unwrap();
    let check = |number, request, is_dummy| Check {
        is_dummy,
        budget: 1,
        ..check_at(number, request, NOW)
    };
    for request in [70, 70, 71] {
        let dummy = store.check(check(9, request, true)).await.unwrap();
        assert_eq!(dummy, Checked::Consumed);
    }
    // Neither its answer nor a wrong number is remembered.
    let wrong = store.check(check(9, 70, false)).await.unwrap();
    assert_eq!(wrong, Checked::Wrong);
    for is_dummy in [false, true] {
        let bounded = store.check(check(1, 72, is_dummy)).await.unwrap();
        assert!(
            matches!(bounded, Checked::Bounded(_)),
            "{is_dummy}: {bounded:?}"
        );
    }
}

/// As after a start by a clock that was two days ahead.
async fn what_a_clock_ahead_has_left_is_brought_back(store: Store) {
    let ahead = later(48 * HOUR);
    store.issue(issue_at(1, ahead)).await.unwrap();
    assert_eq!(
        store.check(check_at(2, 70, ahead)).await.unwrap(),
        Checked::Wrong
    );
    store.purge(NOW, TIMES, AUDIT_KEPT).await.unwrap();
    // It is valid for a day from now, and the wrong number counts in no hour to come.
    let almost = store
        .check(check_at(1, 71, later(24 * HOUR - 1)))
        .await
        .unwrap();
    assert_eq!(almost, Checked::Consumed);
    store.issue(issue_at(3, ahead)).await.unwrap();
    store.purge(NOW, TIMES, AUDIT_KEPT).await.unwrap();
    let after = store
        .check(check_at(3, 72, later(24 * HOUR)))
        .await
        .unwrap();
    assert_eq!(after, Checked::Wrong);
    // With what the clock that was ahead had counted there would be three.
    let bounded = Check {
        budget: 2,
        ..check_at(4, 73, ahead)
    };
    assert_eq!(store.check(bounded).await.unwrap(), Checked::Wrong);
}

async fn of_parallel_checks_one_succeeds(store: Store) {
    store.issue(issue_at(1, NOW)).await.unwrap();
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for request in 0..100 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.check(check_at(1, request, NOW)).await.unwrap() });
    }
    let answers = tasks.join_all().await;
    let count = |wanted| answers.iter().filter(|answer| **answer == wanted).count();
    assert_eq!(count(Checked::Consumed), 1);
    assert_eq!(count(Checked::Wrong), 99);
}

async fn an_expired_number_is_wrong_and_makes_room(store: Store) {
    store.issue(issue_at(1, NOW)).await.unwrap();
    let at_its_end = later(24 * HOUR);
    let checked = store.check(check_at(1, 70, at_its_end)).await.unwrap();
    assert_eq!(checked, Checked::Wrong);
    let again = store.issue(issue_at(1, at_its_end)).await.unwrap();
    assert_eq!(again, Issued::Done);
    let checked = store.check(check_at(1, 70, at_its_end)).await.unwrap();
    assert_eq!(checked, Checked::Consumed);
}

async fn wrong_numbers_are_bounded_by_the_day(store: Store) {
    store.issue(issue_at(1, NOW)).await.unwrap();
    store.issue(issue_at(2, NOW)).await.unwrap();
    let bounded = |number, request, now| Check {
        budget: 3,
        ..check_at(number, request, now)
    };
    let first = store.check(bounded(1, 70, NOW)).await.unwrap();
    assert_eq!(first, Checked::Consumed);
    for request in 0..3 {
        let checked = store.check(bounded(9, request, NOW)).await.unwrap();
        assert_eq!(checked, Checked::Wrong);
    }
    // Now nothing is looked at, not even a valid number; but a repeated request is
    // no guess.
    let rest = Duration::from_secs(3600 - 1_600_000_200 % 3600);
    for number in [2, 9] {
        let checked = store.check(bounded(number, 71, NOW)).await.unwrap();
        assert_eq!(checked, Checked::Bounded(rest));
    }
    let repeated = store.check(bounded(1, 70, NOW)).await.unwrap();
    assert_eq!(repeated, Checked::Repeated);
    // Any 24 hours have no more, however the hours of the clock lie in them.
    let next_day = later(i32::try_from(rest.as_secs()).unwrap() + 24 * HOUR);
    store.purge(later(HOUR), TIMES, AUDIT_KEPT).await.unwrap();
    let late = later(24 * HOUR - 1);
    let checked = store.check(bounded(2, 71, late)).await.unwrap();
    assert!(matches!(checked, Checked::Bounded(_)), "{checked:?}");
    store.issue(issue_at(3, next_day)).await.unwrap();
    let checked = store.check(bounded(3, 71, next_day)).await.unwrap();
    assert_eq!(checked, Checked::Consumed);
}

async fn a_wrong_number_costs_as_much_as_numbers_are_valid(store: Store) {
    for number in 0..5 {
        store.issue(issue_at(number, NOW)).await.unwrap();
    }
    let check = |number, request| {
        let check = Check {
            budget: 14,
            ..check_at(number, request, NOW)
        };
        store.check(check)
    };
    assert_eq!(check(99, 1).await.unwrap(), Checked::Wrong);
    assert_eq!(check(99, 2).await.unwrap(), Checked::Wrong);
    // A third would cost five, too; there are four left.
    for number in [0, 99] {
        let checked = check(number, 3).await.unwrap();
        assert!(matches!(checked, Checked::Bounded(_)), "{checked:?}");
    }
    store.withdraw(digest(4)).await.unwrap();
    assert_eq!(check(99, 4).await.unwrap(), Checked::Wrong);
    let checked = check(0, 5).await.unwrap();
    assert!(matches!(checked, Checked::Bounded(_)), "{checked:?}");
}

async fn who_has_not_guessed_is_not_bounded_by_those_who_have(store: Store) {
    for number in 0..4 {
        store.issue(issue_at(number, NOW)).await.unwrap();
    }
    let check = |number, request, has_guessed| {
        let check = Check {
            has_guessed,
            budget: 40,
            ..check_at(number, request, NOW)
        };
        store.check(check)
    };
    for request in 0..5 {
        assert_eq!(check(99, request, true).await.unwrap(), Checked::Wrong);
    }
    for number in [0, 99] {
        let checked = check(number, 10, true).await.unwrap();
        assert!(matches!(checked, Checked::Bounded(_)), "{checked:?}");
    }
    assert_eq!(check(0, 11, false).await.unwrap(), Checked::Consumed);
    // Whoever mistypes for the first time may try again: three are valid, six times three
    // are left.
    for request in 20..26 {
        assert_eq!(check(99, request, false).await.unwrap(), Checked::Wrong);
        let bounded = check(99, 40 + request, true).await.unwrap();
        assert!(matches!(bounded, Checked::Bounded(_)), "{bounded:?}");
    }
    // All together there is a bound.
    let checked = check(1, 30, false).await.unwrap();
    assert!(matches!(checked, Checked::Bounded(_)), "{checked:?}");
}

async fn the_bound_holds_for_parallel_checks(store: Store) {
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for request in 0..60 {
        let store = Arc::clone(&store);
        let check = Check {
            budget: 7,
            ..check_at(1000 + request, request, NOW)
        };
        tasks.spawn(async move { store.check(check).await.unwrap() });
    }
    let answers = tasks.join_all().await;
    let wrong = answers.iter().filter(|answer| **answer == Checked::Wrong);
    assert_eq!(wrong.count(), 7);
}

async fn issuing_is_limited_by_account_by_hour_and_in_all(store: Store) {
    let limited = |n, now| Issue {
        limits: LIMITS,
        ..issue_at(n, now)
    };
    // Even numbers are one account's, odd ones another's.
    for n in [0, 2, 4, 6, 8] {
        assert_eq!(store.issue(limited(n, NOW)).await.unwrap(), Issued::Done);
    }
    let issued = store.issue(limited(10, NOW)).await.unwrap();
    assert!(matches!(issued, Issued::Limited(_)), "{issued:?}");
    for n in [1, 3, 5] {
        assert_eq!(store.issue(limited(n, NOW)).await.unwrap(), Issued::Done);
    }
    let issued = store.issue(limited(7, NOW)).await.unwrap();
    assert!(matches!(issued, Issued::Limited(_)), "{issued:?}");
    let next_hour = later(HOUR);
    let issued = store.issue(limited(7, next_hour)).await.unwrap();
    assert_eq!(issued, Issued::Done);
    let mut full = limited(9, next_hour);
    full.limits.live = 9;
    assert_eq!(store.issue(full.clone()).await.unwrap(), Issued::Full);
    // One that is used up makes room.
    store.check(check_at(7, 70, next_hour)).await.unwrap();
    assert_eq!(store.issue(full).await.unwrap(), Issued::Done);
}

async fn a_form_issues_once(store: Store) {
    let form = [7; 16];
    let with_form = |n| Issue {
        form,
        ..issue_at(n, NOW)
    };
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for n in 0..20 {
        let store = Arc::clone(&store);
        let issue = with_form(2 * n);
        tasks.spawn(async move { store.issue(issue).await.unwrap() });
    }
    let outcomes = tasks.join_all().await;
    let done = outcomes.iter().filter(|it| **it == Issued::Done).count();
    let known = outcomes.iter().filter(|it| **it == Issued::KnownForm);
    assert_eq!((done, known.count()), (1, 19));

    let submission = |account: &'static str| {
        let store = Arc::clone(&store);
        async move { store.submission(form, account).await.unwrap() }
    };
    let expected = Submission {
        progress: Progress::Sending,
        since: NOW,
        expires: later(24 * HOUR),
    };
    assert_eq!(submission("account-0").await, Some(expected));
    assert_eq!(submission("account-1").await, None);
    // What it has come to first stays.
    for progress in [Progress::Sent, Progress::Failed] {
        let at = later(2);
        store.set_progress(form, progress, at).await.unwrap();
        let found = submission("account-0").await.unwrap();
        assert_eq!((found.progress, found.since), (Progress::Sent, at));
    }
    let next_day = later(24 * HOUR + 3);
    store.purge(next_day, TIMES, AUDIT_KEPT).await.unwrap();
    assert_eq!(submission("account-0").await, None);
}

async fn a_withdrawn_number_is_wrong(store: Store) {
    store.issue(issue_at(1, NOW)).await.unwrap();
    store.withdraw(digest(1)).await.unwrap();
    let checked = store.check(check_at(1, 70, NOW)).await.unwrap();
    assert_eq!(checked, Checked::Wrong);
}

async fn a_number_is_taken_back_by_its_form(store: Store) {
    let issues: Vec<_> = (0..3).map(|n| issue_at(n, NOW)).collect();
    for issue in &issues {
        assert_eq!(store.issue(issue.clone()).await.unwrap(), Issued::Done);
        let sent = store.set_progress(issue.form, Progress::Sent, NOW);
        sent.await.unwrap();
    }
    let take_back = |n: usize, account: Option<&'static str>| {
        store.take_back(issues[n].form, issues[n].handle, account, later(60))
    };
    // Only its account's, or by whoever may take back any.
    assert!(!take_back(0, Some("account-1")).await.unwrap());
    assert!(take_back(0, Some("account-0")).await.unwrap());
    assert!(take_back(1, None).await.unwrap());
    for n in 0..2 {
        let checked = store.check(check_at(n, 70 + n, NOW)).await.unwrap();
        assert_eq!(checked, Checked::Wrong);
    }
    // Of one that was used nothing else is told, and what its request was told holds.
    let used = store.check(check_at(2, 72, NOW)).await.unwrap();
    assert_eq!(used, Checked::Consumed);
    assert!(take_back(2, None).await.unwrap());
    let again = store.check(check_at(2, 72, NOW)).await.unwrap();
    assert_eq!(again, Checked::Repeated);
    assert!(
        !store
            .take_back([9; 16], digest(9), None, NOW)
            .await
            .unwrap()
    );
    let list = store.submissions(Some("account-0")).await.unwrap();
    assert_eq!(list.len(), 2);
    for sent in list {
        assert_eq!(sent.submission.progress, Progress::TakenBack);
        assert_eq!(sent.submission.since, later(60));
    }
    assert_eq!(store.submissions(None).await.unwrap().len(), 3);
    // That it was sent meanwhile does not bring it back.
    let late = store.set_progress(issues[0].form, Progress::Sent, later(61));
    late.await.unwrap();
    let of = store.submission(issues[0].form, "account-0").await.unwrap();
    assert_eq!(of.unwrap().progress, Progress::TakenBack);
}

async fn days_have_counts(store: Store) {
    let today = i64::from(NOW.get() / 86_400);
    for (day, what) in [(today, "a"), (today, "a"), (today, "b"), (today - 100, "a")] {
        store.count(day, what).await.unwrap();
    }
    let counted = |day, what: &str, count| (day, what.to_owned(), count);
    let since = store.statistics(today - 200).await.unwrap();
    assert_eq!(
        since,
        [
            counted(today - 100, "a", 1),
            counted(today, "a", 2),
            counted(today, "b", 1)
        ]
    );
    store.purge(NOW, TIMES, AUDIT_KEPT).await.unwrap();
    assert_eq!(store.statistics(today - 200).await.unwrap().len(), 2);
}

fn new_account(name: &str) -> NewAccount {
    NewAccount {
        name: name.into(),
        password: "hash".into(),
        totp: vec![1, 2, 3],
        roles: Roles::default().with(Role::Issue),
        created: NOW,
    }
}

async fn accounts_come_change_and_go(store: Store) {
    for name in ["b", "a", "B"] {
        assert!(store.add_account(new_account(name)).await.unwrap());
    }
    assert!(!store.add_account(new_account("a")).await.unwrap());
    let names: Vec<String> = store
        .accounts()
        .await
        .unwrap()
        .into_iter()
        .map(|account| account.name)
        .collect();
    assert_eq!(names, ["B", "a", "b"]);
    let account = store.account("a").await.unwrap().unwrap();
    assert!(account.must_change && !account.disabled && !account.has_token);
    assert_eq!((account.totp, account.created), (vec![1, 2, 3], NOW));

    let changes = [
        Change::Token(Some(digest(5))),
        Change::Password {
            hash: "other".into(),
            must_change: false,
        },
        Change::Totp(vec![9]),
    ];
    for change in changes {
        assert!(store.change_account("a", change).await.unwrap());
    }
    let account = store.account("a").await.unwrap().unwrap();
    assert_eq!((&*account.password, &*account.totp), ("other", &[9][..]));
    assert!(!account.must_change && account.has_token);
    let with_token = async || store.account_with_token(digest(5)).await.unwrap();
    assert_eq!(with_token().await.map(|it| it.name).as_deref(), Some("a"));
    assert_eq!(account.roles, Roles::default().with(Role::Issue));
    let roles: Roles = [Role::Administrate, Role::Statistics].into_iter().collect();
    let change = Change::Roles(roles);
    assert!(store.change_account("a", change).await.unwrap());
    assert_eq!(store.account("a").await.unwrap().unwrap().roles, roles);
    store
        .change_account("a", Change::Disabled(true))
        .await
        .unwrap();
    assert!(with_token().await.is_none());
    store
        .change_account("a", Change::Disabled(false))
        .await
        .unwrap();
    assert!(with_token().await.is_some());
    store
        .change_account("a", Change::Token(None))
        .await
        .unwrap();
    assert!(with_token().await.is_none());
    assert!(store.change_account("a", Change::Removed).await.unwrap());
    assert!(!store.change_account("a", Change::Removed).await.unwrap());
    assert!(store.account("a").await.unwrap().is_none());
}

fn sign_in_at(step: i64, session: u32, now: UnixSeconds) -> SignIn {
    SignIn {
        account: "a".into(),
        attempt: digest(90),
        totp_step: step,
        session: digest(session),
        now,
    }
}

async fn a_code_is_accepted_once(store: Store) {
    store.add_account(new_account("a")).await.unwrap();
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for session in 0..20 {
        let store = Arc::clone(&store);
        let sign_in = sign_in_at(100, session, NOW);
        tasks.spawn(async move { store.sign_in(sign_in).await.unwrap() });
    }
    let accepted = tasks.join_all().await.into_iter().filter(|it| *it).count();
    assert_eq!(accepted, 1);
    assert!(!store.sign_in(sign_in_at(99, 50, NOW)).await.unwrap());
    assert!(store.sign_in(sign_in_at(101, 51, NOW)).await.unwrap());
    store
        .change_account("a", Change::Disabled(true))
        .await
        .unwrap();
    assert!(!store.sign_in(sign_in_at(102, 52, NOW)).await.unwrap());
}

async fn sessions_end(store: Store) {
    store.add_account(new_account("a")).await.unwrap();
    let is_live = async |session: u32, seconds: i32| {
        let found = store.session(digest(session), TIMES, later(seconds));
        found.await.unwrap().is_some()
    };
    assert!(!is_live(1, 0).await);
    // Idle.
    store.sign_in(sign_in_at(1, 1, NOW)).await.unwrap();
    assert!(is_live(1, 20 * 60 - 1).await);
    assert!(is_live(1, 40 * 60 - 2).await);
    assert!(!is_live(1, 60 * 60).await);
    // In all.
    store.sign_in(sign_in_at(2, 2, NOW)).await.unwrap();
    let mut at = 0;
    while at < 10 * HOUR {
        assert!(is_live(2, at).await, "{at}");
        at += 15 * 60;
    }
    assert!(!is_live(2, at).await);
    // Signed out; and by every change to the account but the token.
    store.sign_in(sign_in_at(3, 3, NOW)).await.unwrap();
    store.end_session(digest(3)).await.unwrap();
    assert!(!is_live(3, 0).await);
    let changes = [
        (Change::Token(Some(digest(5))), true),
        (Change::Totp(vec![1]), false),
        (Change::Disabled(false), false),
        (
            Change::Password {
                hash: "x".into(),
                must_change: true,
            },
            false,
        ),
        (Change::Removed, false),
    ];
    for (step, (change, lives_on)) in (10..).zip(changes) {
        let session = u32::try_from(step).unwrap();
        store.sign_in(sign_in_at(step, session, NOW)).await.unwrap();
        assert!(is_live(session, 0).await, "{change:?}");
        store.change_account("a", change.clone()).await.unwrap();
        assert_eq!(is_live(session, 0).await, lives_on, "{change:?}");
    }
}

async fn failures_make_waiting(store: Store) {
    let attempt = async |seconds| {
        store
            .begin_attempt(digest(1), later(seconds))
            .await
            .unwrap()
    };
    for _ in 0..5 {
        assert_eq!(attempt(0).await, None);
    }
    assert_eq!(attempt(0).await, Some(Duration::from_secs(60)));
    assert_eq!(attempt(59).await, Some(Duration::from_secs(1)));
    assert_eq!(attempt(60).await, None);
    assert_eq!(attempt(60).await, Some(Duration::from_secs(120)));
    // Another account does not wait, nor does this one when it got in, or a day later.
    let other = store.begin_attempt(digest(2), NOW).await.unwrap();
    assert_eq!(other, None);
    store.clear_attempts(digest(1)).await.unwrap();
    for _ in 0..5 {
        assert_eq!(attempt(61).await, None);
    }
    assert!(attempt(61).await.is_some());
    for _ in 0..5 {
        assert_eq!(attempt(61 + 24 * HOUR).await, None);
    }
}

async fn parallel_attempts_all_count(store: Store) {
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for _ in 0..30 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.begin_attempt(digest(1), NOW).await.unwrap() });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|wait| wait.is_none()).count(), 5);
}

async fn the_audit_log_is_kept_as_long_as_asked(store: Store) {
    let day = 24 * HOUR;
    for n in 0..4 {
        let row = AuditRow {
            at: later(n * 30 * day),
            who: format!("account-{n}"),
            action: "issue".into(),
            outcome: "sent".into(),
        };
        store.audit(row).await.unwrap();
    }
    let who = async |count| -> Vec<String> {
        let rows = store.audit_rows(count).await.unwrap();
        rows.into_iter().map(|row| row.who).collect()
    };
    assert_eq!(who(2).await, ["account-2", "account-3"]);
    store
        .purge(later(91 * day), TIMES, AUDIT_KEPT)
        .await
        .unwrap();
    assert_eq!(who(9).await, ["account-1", "account-2", "account-3"]);
}

async fn a_newer_schema_is_refused(databases: Databases) {
    let settings = databases.settings().await;
    match &Store::open(&settings).await.unwrap().0 {
        Database::Sqlite(db) => db
            .write(|tx| Ok::<_, DatabaseError>(tx.pragma_update(None, "user_version", 99)?))
            .await
            .unwrap(),
        Database::Postgres(db) => {
            let client = db.get().await.unwrap();
            let newer = "INSERT INTO schema_version (version) VALUES (99)";
            client.batch_execute(newer).await.unwrap();
        }
    }
    let error = Store::open(&settings).await.unwrap_err();
    let is_newer = matches!(error, DatabaseError::Newer { found: 99, .. });
    assert!(is_newer, "{error}");
}

#[tokio::test]
async fn a_newer_schema_is_refused_on_sqlite() {
    a_newer_schema_is_refused(Databases::sqlite()).await;
}

#[tokio::test]
async fn a_newer_schema_is_refused_on_postgresql() {
    a_newer_schema_is_refused(Databases::postgres()).await;
}

/// What SQLite leaves in its files is ours to see to.
#[tokio::test]
async fn nothing_of_a_consumed_or_expired_number_is_left_in_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_sqlite(dir.path()).await;
    let holds = |digest: Digest| {
        std::fs::read_dir(dir.path()).unwrap().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes.windows(digest.len()).any(|window| window == digest)
        })
    };
    for n in 0..200 {
        store.issue(issue_at(n, NOW)).await.unwrap();
    }
    assert!(holds(digest(1)) && holds(digest(2)));
    store.check(check_at(1, 70, NOW)).await.unwrap();
    assert!(!holds(digest(1)) && holds(digest(2)));
    store.withdraw(digest(2)).await.unwrap();
    assert!(!holds(digest(2)) && holds(digest(3)));
    store
        .purge(later(24 * HOUR), TIMES, AUDIT_KEPT)
        .await
        .unwrap();
    assert!((0..200).all(|n| !holds(digest(n))));
}
