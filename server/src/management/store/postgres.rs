//! The operations on PostgreSQL. Where one decides by what it read, an advisory lock
//! keeps others from deciding by the same at the same time, on whichever replica.

use std::time::Duration;

use deadpool_postgres::{Object, Transaction};
use gaen::time::UnixSeconds;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::{
    ANSWER_KEPT, Account, AuditRow, Change, Check, Checked, FormId, Issue, Issued, LIST_MAX,
    LIVE_CEILING, NewAccount, Progress, PurgeSteps, Result, Sent, SessionTimes, SignIn, Submission,
    TOUCH_EVERY, after, backoff, before, first_hour_of_day, hour, rest_of_hour, scope, seconds,
    time, waiting,
};
use crate::database::Postgres;
use crate::management::account::roles::Roles;
use crate::management::keys::Digest;

/// Any two numbers of which nobody else makes locks in this database.
const ISSUE_LOCK: i64 = 0x5365_7373_0001;
const CHECK_LOCK: i64 = 0x5365_7373_0002;

const ACCOUNT: &str = "name, password, must_change, totp, disabled, token IS NOT NULL AS has_token, roles, \
     account.created";

type Params<'a> = [&'a (dyn ToSql + Sync)];

pub(super) async fn ping(db: &Postgres) -> Result<()> {
    db.get().await?.query_one("SELECT 1", &[]).await?;
    Ok(())
}

pub(super) async fn issue(db: &Postgres, issue: Issue) -> Result<Issued> {
    let mut client = db.get().await?;
    let tx = client.transaction().await?;
    lock(&tx, ISSUE_LOCK).await?;
    let known = "SELECT 1 FROM submission WHERE form = $1";
    let known = query_opt(&tx, known, &[&issue.form.as_slice()]).await?;
    if known.is_some() {
        return Ok(Issued::KnownForm);
    }
    let by_account = scope::issued_by(&issue.account);
    let limits = [
        (by_account.as_str(), issue.limits.per_account_hour),
        (scope::ISSUED, issue.limits.per_hour),
    ];
    for (scope, limit) in limits {
        if count(&tx, scope, issue.now).await? >= i64::from(limit) {
            return Ok(Issued::Limited(rest_of_hour(issue.now)));
        }
    }
    if live(&tx, issue.now).await? >= i64::from(issue.limits.live) {
        return Ok(Issued::Full);
    }
    // An expired number that is not purged yet does not take the place of a new one.
    let added = execute(
        &tx,
        "INSERT INTO number (digest, expires, handle) VALUES ($1, $2, $3)
         ON CONFLICT (digest)
         DO UPDATE SET expires = excluded.expires, handle = excluded.handle
         WHERE number.expires <= $4",
        &[
            &issue.digest.as_slice(),
            &seconds(issue.expires),
            &issue.handle.as_slice(),
            &seconds(issue.now),
        ],
    )
    .await?;
    if added == 0 {
        return Ok(Issued::Taken);
    }
    for (scope, _) in limits {
        add_to_count(&tx, scope, issue.now, 1).await?;
    }
    execute(
        &tx,
        "INSERT INTO submission (form, account, progress, since, expires)
         VALUES ($1, $2, $3, $4, $5)",
        &[
            &issue.form.as_slice(),
            &issue.account,
            &Progress::Sending.name(),
            &seconds(issue.now),
            &seconds(issue.expires),
        ],
    )
    .await?;
    tx.commit().await?;
    Ok(Issued::Done)
}

pub(super) async fn withdraw(db: &Postgres, digest: Digest) -> Result<()> {
    let statement = "DELETE FROM number WHERE digest = $1";
    run(db, statement, &[&digest.as_slice()]).await?;
    Ok(())
}

pub(super) async fn set_progress(
    db: &Postgres,
    form: FormId,
    progress: Progress,
    now: UnixSeconds,
) -> Result<()> {
    let statement = "UPDATE submission SET progress = $2, since = $3
                     WHERE form = $1 AND progress = 'sending'";
    let params: &Params<'_> = &[&form.as_slice(), &progress.name(), &seconds(now)];
    run(db, statement, params).await?;
    Ok(())
}

pub(super) async fn submission(
    db: &Postgres,
    form: FormId,
    account: String,
) -> Result<Option<Submission>> {
    let statement = "SELECT progress, since, expires FROM submission
                     WHERE form = $1 AND account = $2";
    let row = get_opt(db, statement, &[&form.as_slice(), &account]).await?;
    Ok(row.map(|row| Submission {
        progress: Progress::from_name(row.get(0)),
        since: time(row.get(1)),
        expires: time(row.get(2)),
    }))
}

pub(super) async fn take_back(
    db: &Postgres,
    form: FormId,
    handle: Digest,
    account: Option<String>,
    now: UnixSeconds,
) -> Result<bool> {
    let mut client = db.get().await?;
    let tx = client.transaction().await?;
    let known = execute(
        &tx,
        "UPDATE submission SET progress = $3, since = $4
         WHERE form = $1 AND ($2::TEXT IS NULL OR account = $2) AND progress <> 'failed'",
        &[
            &form.as_slice(),
            &account,
            &Progress::TakenBack.name(),
            &seconds(now),
        ],
    )
    .await?;
    if known == 1 {
        let statement = "DELETE FROM number WHERE handle = $1";
        execute(&tx, statement, &[&handle.as_slice()]).await?;
    }
    tx.commit().await?;
    Ok(known == 1)
}

pub(super) async fn submissions(db: &Postgres, account: Option<String>) -> Result<Vec<Sent>> {
    let client = db.get().await?;
    let statement = "SELECT form, account, progress, since, expires FROM submission
                     WHERE $1::TEXT IS NULL OR account = $1 ORDER BY since DESC, form LIMIT $2";
    let statement = client.prepare_cached(statement).await?;
    let rows = client.query(&statement, &[&account, &LIST_MAX]).await?;
    let read = |row: &Row| {
        let form: &[u8] = row.get(0);
        Sent {
            form: form.try_into().unwrap_or_default(),
            account: row.get(1),
            submission: Submission {
                progress: Progress::from_name(row.get(2)),
                since: time(row.get(3)),
                expires: time(row.get(4)),
            },
        }
    };
    Ok(rows.iter().map(read).collect())
}

pub(super) async fn count_on_day(db: &Postgres, day: i64, what: &'static str) -> Result<()> {
    let statement = "INSERT INTO statistic (day, what, count) VALUES ($1, $2, 1)
                     ON CONFLICT (day, what) DO UPDATE SET count = statistic.count + 1";
    run(db, statement, &[&day, &what]).await?;
    Ok(())
}

pub(super) async fn statistics(db: &Postgres, since: i64) -> Result<Vec<(i64, String, i64)>> {
    let client = db.get().await?;
    let statement = "SELECT day, what, count FROM statistic WHERE day >= $1 ORDER BY day, what";
    let statement = client.prepare_cached(statement).await?;
    let rows = client.query(&statement, &[&since]).await?;
    Ok(rows
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect())
}

pub(super) async fn check(db: &Postgres, check: Check) -> Result<Checked> {
    let mut client = db.get().await?;
    let tx = client.transaction().await?;
    lock(&tx, CHECK_LOCK).await?;
    let repeated = query_opt(
        &tx,
        "SELECT 1 FROM answered WHERE request = $1 AND expires > $2",
        &[&check.request.as_slice(), &seconds(check.now)],
    )
    .await?;
    if repeated.is_some() {
        return Ok(Checked::Repeated);
    }
    let fresh = spent(&tx, scope::GUESSES, check.now).await?;
    let again = spent(&tx, scope::GUESSES_AGAIN, check.now).await?;
    if check.is_too_much(fresh, again, LIVE_CEILING)
        && check.is_too_much(fresh, again, live(&tx, check.now).await?.max(1))
    {
        return Ok(Checked::Bounded(rest_of_hour(check.now)));
    }
    let consumed = execute(
        &tx,
        "DELETE FROM number WHERE digest = $1 AND expires > $2",
        &[&check.digest.as_slice(), &seconds(check.now)],
    )
    .await?;
    let checked = if consumed == 0 && !check.is_dummy {
        let cost = live(&tx, check.now).await?.max(1);
        add_to_count(&tx, check.scope(), check.now, cost).await?;
        Checked::Wrong
    } else {
        execute(
            &tx,
            "INSERT INTO answered (request, expires) VALUES ($1, $2)
             ON CONFLICT (request) DO UPDATE SET expires = excluded.expires",
            &[&check.request.as_slice(), &after(check.now, ANSWER_KEPT)],
        )
        .await?;
        if check.is_dummy {
            execute(
                &tx,
                "DELETE FROM answered WHERE request = $1",
                &[&check.request.as_slice()],
            )
            .await?;
        }
        Checked::Consumed
    };
    tx.commit().await?;
    Ok(checked)
}

pub(super) async fn add_account(db: &Postgres, account: NewAccount) -> Result<bool> {
    let added = run(
        db,
        "INSERT INTO account
         (name, password, must_change, totp, totp_step, disabled, created, roles)
         VALUES ($1, $2, TRUE, $3, 0, FALSE, $4, $5) ON CONFLICT DO NOTHING",
        &[
            &account.name,
            &account.password,
            &account.totp,
            &seconds(account.created),
            &account.roles.text(),
        ],
    )
    .await?;
    Ok(added == 1)
}

pub(super) async fn accounts(db: &Postgres) -> Result<Vec<Account>> {
    // In the order of bytes, as SQLite has it, whatever the database's locale.
    let statement = format!("SELECT {ACCOUNT} FROM account ORDER BY name COLLATE \"C\"");
    let client = db.get().await?;
    let statement = client.prepare_cached(&statement).await?;
    let rows = client.query(&statement, &[]).await?;
    Ok(rows.iter().map(read_account).collect())
}

pub(super) async fn account(db: &Postgres, name: String) -> Result<Option<Account>> {
    let statement = format!("SELECT {ACCOUNT} FROM account WHERE name = $1");
    let row = get_opt(db, &statement, &[&name]).await?;
    Ok(row.as_ref().map(read_account))
}

pub(super) async fn account_with_token(db: &Postgres, token: Digest) -> Result<Option<Account>> {
    let statement = format!("SELECT {ACCOUNT} FROM account WHERE token = $1 AND NOT disabled");
    let row = get_opt(db, &statement, &[&token.as_slice()]).await?;
    Ok(row.as_ref().map(read_account))
}

pub(super) async fn change_account(db: &Postgres, name: String, change: Change) -> Result<bool> {
    let mut client = db.get().await?;
    let tx = client.transaction().await?;
    let ends_sessions = !matches!(change, Change::Token(_));
    let changed = match change {
        Change::Disabled(disabled) => {
            let statement = "UPDATE account SET disabled = $2 WHERE name = $1";
            execute(&tx, statement, &[&name, &disabled]).await
        }
        Change::Password { hash, must_change } => {
            let statement = "UPDATE account SET password = $2, must_change = $3 WHERE name = $1";
            execute(&tx, statement, &[&name, &hash, &must_change]).await
        }
        Change::Totp(sealed) => {
            let statement = "UPDATE account SET totp = $2, totp_step = 0 WHERE name = $1";
            execute(&tx, statement, &[&name, &sealed]).await
        }
        Change::Roles(roles) => {
            let statement = "UPDATE account SET roles = $2 WHERE name = $1";
            execute(&tx, statement, &[&name, &roles.text()]).await
        }
        Change::Token(token) => {
            let statement = "UPDATE account SET token = $2 WHERE name = $1";
            let token = token.as_ref().map(Digest::as_slice);
            execute(&tx, statement, &[&name, &token]).await
        }
        Change::Removed => execute(&tx, "DELETE FROM account WHERE name = $1", &[&name]).await,
    }?;
    if ends_sessions {
        execute(&tx, "DELETE FROM session WHERE account = $1", &[&name]).await?;
    }
    tx.commit().await?;
    Ok(changed == 1)
}

pub(super) async fn begin_attempt(
    db: &Postgres,
    attempt: Digest,
    now: UnixSeconds,
) -> Result<Option<Duration>> {
    let mut client = db.get().await?;
    let tx = client.transaction().await?;
    let [a, b, c, d, e, f, g, h, ..] = attempt;
    lock(&tx, i64::from_le_bytes([a, b, c, d, e, f, g, h])).await?;
    let known = query_opt(
        &tx,
        "SELECT failures, last FROM attempt WHERE name = $1 AND last > $2",
        &[&attempt.as_slice(), &before(now, backoff::FAILURES_KEPT)],
    )
    .await?;
    let (failures, last) = known.map_or((0, 0), |row| (row.get::<_, i64>(0), row.get(1)));
    if let Some(wait) = waiting(failures, last, now) {
        return Ok(Some(wait));
    }
    execute(
        &tx,
        "INSERT INTO attempt (name, failures, last) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET failures = excluded.failures, last = excluded.last",
        &[
            &attempt.as_slice(),
            &failures.saturating_add(1),
            &seconds(now),
        ],
    )
    .await?;
    tx.commit().await?;
    Ok(None)
}

pub(super) async fn clear_attempts(db: &Postgres, attempt: Digest) -> Result<()> {
    let statement = "DELETE FROM attempt WHERE name = $1";
    run(db, statement, &[&attempt.as_slice()]).await?;
    Ok(())
}

pub(super) async fn sign_in(db: &Postgres, sign_in: SignIn) -> Result<bool> {
    let mut client = db.get().await?;
    let tx = client.transaction().await?;
    let accepted = execute(
        &tx,
        "UPDATE account SET totp_step = $2
         WHERE name = $1 AND totp_step < $2 AND NOT disabled",
        &[&sign_in.account, &sign_in.totp_step],
    )
    .await?;
    if accepted == 0 {
        return Ok(false);
    }
    let statement = "DELETE FROM attempt WHERE name = $1";
    execute(&tx, statement, &[&sign_in.attempt.as_slice()]).await?;
    execute(
        &tx,
        "INSERT INTO session (id, account, created, used) VALUES ($1, $2, $3, $3)",
        &[
            &sign_in.session.as_slice(),
            &sign_in.account,
            &seconds(sign_in.now),
        ],
    )
    .await?;
    tx.commit().await?;
    Ok(true)
}

pub(super) async fn session(
    db: &Postgres,
    id: Digest,
    times: SessionTimes,
    now: UnixSeconds,
) -> Result<Option<Account>> {
    let statement = format!(
        "SELECT {ACCOUNT} FROM session JOIN account ON account.name = session.account
         WHERE id = $1 AND used > $2 AND session.created > $3 AND NOT disabled"
    );
    let row = get_opt(
        db,
        &statement,
        &[
            &id.as_slice(),
            &before(now, times.idle),
            &before(now, times.total),
        ],
    )
    .await?;
    if row.is_some() {
        run(
            db,
            "UPDATE session SET used = $2 WHERE id = $1 AND used <= $3",
            &[&id.as_slice(), &seconds(now), &before(now, TOUCH_EVERY)],
        )
        .await?;
    }
    Ok(row.as_ref().map(read_account))
}

pub(super) async fn end_session(db: &Postgres, id: Digest) -> Result<()> {
    let statement = "DELETE FROM session WHERE id = $1";
    run(db, statement, &[&id.as_slice()]).await?;
    Ok(())
}

pub(super) async fn audit(db: &Postgres, row: AuditRow) -> Result<()> {
    run(
        db,
        "INSERT INTO audit (at, who, action, outcome) VALUES ($1, $2, $3, $4)",
        &[&seconds(row.at), &row.who, &row.action, &row.outcome],
    )
    .await?;
    Ok(())
}

pub(super) async fn audit_rows(db: &Postgres, count: u32) -> Result<Vec<AuditRow>> {
    let client = db.get().await?;
    let statement = "SELECT at, who, action, outcome FROM audit ORDER BY id DESC LIMIT $1";
    let statement = client.prepare_cached(statement).await?;
    let rows = client.query(&statement, &[&i64::from(count)]).await?;
    let read = |row: &Row| AuditRow {
        at: time(row.get(0)),
        who: row.get(1),
        action: row.get(2),
        outcome: row.get(3),
    };
    Ok(rows.iter().rev().map(read).collect())
}

pub(super) async fn purge(db: &Postgres, steps: PurgeSteps) -> Result<()> {
    for (statement, limit) in steps {
        run(db, statement, &[&limit]).await?;
    }
    Ok(())
}

async fn lock(tx: &Transaction<'_>, name: i64) -> Result<()> {
    let statement = "SELECT pg_advisory_xact_lock($1)";
    query_opt(tx, statement, &[&name]).await?;
    Ok(())
}

async fn count(tx: &Transaction<'_>, scope: &str, now: UnixSeconds) -> Result<i64> {
    let statement = "SELECT count FROM tally WHERE scope = $1 AND hour = $2";
    let row = query_opt(tx, statement, &[&scope, &hour(now)]).await?;
    Ok(row.map_or(0, |row| row.get(0)))
}

/// What was counted in a day up to now, or a little longer.
async fn spent(tx: &Transaction<'_>, scope: &str, now: UnixSeconds) -> Result<i64> {
    let statement = "SELECT coalesce(sum(count), 0)::BIGINT FROM tally
                     WHERE scope = $1 AND hour >= $2";
    let row = query_opt(tx, statement, &[&scope, &first_hour_of_day(now)]).await?;
    Ok(row.map_or(0, |row| row.get(0)))
}

/// How many numbers are valid.
async fn live(tx: &Transaction<'_>, now: UnixSeconds) -> Result<i64> {
    let statement = "SELECT count(*) FROM number WHERE expires > $1";
    let row = query_opt(tx, statement, &[&seconds(now)]).await?;
    Ok(row.map_or(0, |row| row.get(0)))
}

async fn add_to_count(
    tx: &Transaction<'_>,
    scope: &str,
    now: UnixSeconds,
    count: i64,
) -> Result<()> {
    execute(
        tx,
        "INSERT INTO tally (scope, hour, count) VALUES ($1, $2, $3)
         ON CONFLICT (scope, hour) DO UPDATE SET count = tally.count + excluded.count",
        &[&scope, &hour(now), &count],
    )
    .await?;
    Ok(())
}

async fn query_opt(
    tx: &Transaction<'_>,
    statement: &str,
    params: &Params<'_>,
) -> Result<Option<Row>> {
    let statement = tx.prepare_cached(statement).await?;
    Ok(tx.query_opt(&statement, params).await?)
}

async fn execute(tx: &Transaction<'_>, statement: &str, params: &Params<'_>) -> Result<u64> {
    let statement = tx.prepare_cached(statement).await?;
    Ok(tx.execute(&statement, params).await?)
}

async fn get_opt(db: &Postgres, statement: &str, params: &Params<'_>) -> Result<Option<Row>> {
    let client: Object = db.get().await?;
    let statement = client.prepare_cached(statement).await?;
    Ok(client.query_opt(&statement, params).await?)
}

async fn run(db: &Postgres, statement: &str, params: &Params<'_>) -> Result<u64> {
    let client = db.get().await?;
    let statement = client.prepare_cached(statement).await?;
    Ok(client.execute(&statement, params).await?)
}

fn read_account(row: &Row) -> Account {
    Account {
        name: row.get("name"),
        password: row.get("password"),
        must_change: row.get("must_change"),
        totp: row.get("totp"),
        disabled: row.get("disabled"),
        has_token: row.get("has_token"),
        roles: Roles::from_text(row.get("roles")),
        created: time(row.get("created")),
    }
}
