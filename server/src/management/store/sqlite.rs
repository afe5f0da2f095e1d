//! The operations on SQLite. Each is one IMMEDIATE transaction, so that whatever it
//! reads holds until it has written.

use std::time::Duration;

use gaen::time::UnixSeconds;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::{
    ANSWER_KEPT, Account, AuditRow, Change, Check, Checked, FormId, Issue, Issued, LIST_MAX,
    LIVE_CEILING, NewAccount, Progress, PurgeSteps, Result, Sent, SessionTimes, SignIn, Submission,
    TOUCH_EVERY, after, backoff, before, first_hour_of_day, hour, rest_of_hour, scope, seconds,
    time, waiting,
};
use crate::database::{DatabaseError, Sqlite};
use crate::management::account::roles::Roles;
use crate::management::keys::Digest;

const ACCOUNT: &str = "name, password, must_change, totp, disabled, token IS NOT NULL AS has_token, roles, \
     account.created";

pub(super) async fn ping(db: &Sqlite) -> Result<()> {
    db.write(|tx| Ok(tx.query_row("SELECT 1", [], |_| Ok(()))?))
        .await
}

pub(super) async fn issue(db: &Sqlite, issue: Issue) -> Result<Issued> {
    db.write(move |tx| {
        let known: bool = tx.query_row(
            "SELECT EXISTS (SELECT 1 FROM submission WHERE form = ?1)",
            [issue.form],
            |row| row.get(0),
        )?;
        if known {
            return Ok(Issued::KnownForm);
        }
        let by_account = scope::issued_by(&issue.account);
        let limits = [
            (by_account.as_str(), issue.limits.per_account_hour),
            (scope::ISSUED, issue.limits.per_hour),
        ];
        for (scope, limit) in limits {
            if count(tx, scope, issue.now)? >= i64::from(limit) {
                return Ok(Issued::Limited(rest_of_hour(issue.now)));
            }
        }
        if live(tx, issue.now)? >= i64::from(issue.limits.live) {
            return Ok(Issued::Full);
        }
        // An expired number that is not purged yet does not take the place of a new one.
        let added = tx.execute(
            "INSERT INTO number (digest, expires, handle) VALUES (?1, ?2, ?3)
             ON CONFLICT (digest)
             DO UPDATE SET expires = excluded.expires, handle = excluded.handle
             WHERE number.expires <= ?4",
            params![
                issue.digest,
                seconds(issue.expires),
                issue.handle,
                seconds(issue.now)
            ],
        )?;
        if added == 0 {
            return Ok(Issued::Taken);
        }
        for (scope, _) in limits {
            add_to_count(tx, scope, issue.now, 1)?;
        }
        tx.execute(
            "INSERT INTO submission (form, account, progress, since, expires)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                issue.form,
                issue.account,
                Progress::Sending.name(),
                seconds(issue.now),
                seconds(issue.expires)
            ],
        )?;
        Ok(Issued::Done)
    })
    .await
}

pub(super) async fn withdraw(db: &Sqlite, digest: Digest) -> Result<()> {
    db.write(move |tx| {
        tx.execute("DELETE FROM number WHERE digest = ?1", [digest])?;
        Ok(())
    })
    .await
}

pub(super) async fn set_progress(
    db: &Sqlite,
    form: FormId,
    progress: Progress,
    now: UnixSeconds,
) -> Result<()> {
    db.write(move |tx| {
        tx.execute(
            "UPDATE submission SET progress = ?2, since = ?3
             WHERE form = ?1 AND progress = 'sending'",
            params![form, progress.name(), seconds(now)],
        )?;
        Ok(())
    })
    .await
}

pub(super) async fn submission(
    db: &Sqlite,
    form: FormId,
    account: String,
) -> Result<Option<Submission>> {
    db.write(move |tx| {
        let found = tx
            .query_row(
                "SELECT progress, since, expires FROM submission
                 WHERE form = ?1 AND account = ?2",
                params![form, account],
                |row| {
                    Ok(Submission {
                        progress: Progress::from_name(&row.get::<_, String>(0)?),
                        since: time(row.get(1)?),
                        expires: time(row.get(2)?),
                    })
                },
            )
            .optional()?;
        Ok(found)
    })
    .await
}

pub(super) async fn take_back(
    db: &Sqlite,
    form: FormId,
    handle: Digest,
    account: Option<String>,
    now: UnixSeconds,
) -> Result<bool> {
    db.write(move |tx| {
        let known = tx.execute(
            "UPDATE submission SET progress = ?3, since = ?4
             WHERE form = ?1 AND (?2 IS NULL OR account = ?2) AND progress <> 'failed'",
            params![form, account, Progress::TakenBack.name(), seconds(now)],
        )?;
        if known == 1 {
            tx.execute("DELETE FROM number WHERE handle = ?1", [handle])?;
        }
        Ok(known == 1)
    })
    .await
}

pub(super) async fn submissions(db: &Sqlite, account: Option<String>) -> Result<Vec<Sent>> {
    db.write(move |tx| {
        let sent = tx
            .prepare(
                "SELECT form, account, progress, since, expires FROM submission
                 WHERE ?1 IS NULL OR account = ?1 ORDER BY since DESC, form LIMIT ?2",
            )?
            .query_map(params![account, LIST_MAX], |row| {
                Ok(Sent {
                    form: row.get(0)?,
                    account: row.get(1)?,
                    submission: Submission {
                        progress: Progress::from_name(&row.get::<_, String>(2)?),
                        since: time(row.get(3)?),
                        expires: time(row.get(4)?),
                    },
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(sent)
    })
    .await
}

pub(super) async fn count_on_day(db: &Sqlite, day: i64, what: &'static str) -> Result<()> {
    db.write(move |tx| {
        tx.execute(
            "INSERT INTO statistic (day, what, count) VALUES (?1, ?2, 1)
             ON CONFLICT (day, what) DO UPDATE SET count = count + 1",
            params![day, what],
        )?;
        Ok(())
    })
    .await
}

pub(super) async fn statistics(db: &Sqlite, since: i64) -> Result<Vec<(i64, String, i64)>> {
    db.write(move |tx| {
        let rows = tx
            .prepare("SELECT day, what, count FROM statistic WHERE day >= ?1 ORDER BY day, what")?
            .query_map([since], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(rows)
    })
    .await
}

pub(super) async fn check(db: &Sqlite, check: Check) -> Result<Checked> {
    db.write(move |tx| {
        let repeated: bool = tx.query_row(
            "SELECT EXISTS (SELECT 1 FROM answered WHERE request = ?1 AND expires > ?2)",
            params![check.request, seconds(check.now)],
            |row| row.get(0),
        )?;
        if repeated {
            return Ok(Checked::Repeated);
        }
        let fresh = spent(tx, scope::GUESSES, check.now)?;
        let again = spent(tx, scope::GUESSES_AGAIN, check.now)?;
        if check.is_too_much(fresh, again, LIVE_CEILING)
            && check.is_too_much(fresh, again, live(tx, check.now)?.max(1))
        {
            return Ok(Checked::Bounded(rest_of_hour(check.now)));
        }
        let consumed = tx.execute(
            "DELETE FROM number WHERE digest = ?1 AND expires > ?2",
            params![check.digest, seconds(check.now)],
        )?;
        if consumed == 0 && !check.is_dummy {
            let cost = live(tx, check.now)?.max(1);
            add_to_count(tx, check.scope(), check.now, cost)?;
            return Ok(Checked::Wrong);
        }
        tx.execute(
            "INSERT INTO answered (request, expires) VALUES (?1, ?2)
             ON CONFLICT (request) DO UPDATE SET expires = excluded.expires",
            params![check.request, after(check.now, ANSWER_KEPT)],
        )?;
        if check.is_dummy {
            tx.execute("DELETE FROM answered WHERE request = ?1", [check.request])?;
        }
        Ok(Checked::Consumed)
    })
    .await
}

pub(super) async fn add_account(db: &Sqlite, account: NewAccount) -> Result<bool> {
    db.write(move |tx| {
        let added = tx.execute(
            "INSERT INTO account
             (name, password, must_change, totp, totp_step, disabled, created, roles)
             VALUES (?1, ?2, TRUE, ?3, 0, FALSE, ?4, ?5) ON CONFLICT DO NOTHING",
            params![
                account.name,
                account.password,
                account.totp,
                seconds(account.created),
                account.roles.text()
            ],
        )?;
        Ok(added == 1)
    })
    .await
}

pub(super) async fn accounts(db: &Sqlite) -> Result<Vec<Account>> {
    db.write(|tx| {
        let accounts = tx
            .prepare(&format!("SELECT {ACCOUNT} FROM account ORDER BY name"))?
            .query_map([], read_account)?
            .collect::<rusqlite::Result<_>>()?;
        Ok(accounts)
    })
    .await
}

pub(super) async fn account(db: &Sqlite, name: String) -> Result<Option<Account>> {
    db.write(move |tx| {
        let account = tx
            .query_row(
                &format!("SELECT {ACCOUNT} FROM account WHERE name = ?1"),
                [name],
                read_account,
            )
            .optional()?;
        Ok(account)
    })
    .await
}

pub(super) async fn account_with_token(db: &Sqlite, token: Digest) -> Result<Option<Account>> {
    db.write(move |tx| {
        let account = tx
            .query_row(
                &format!("SELECT {ACCOUNT} FROM account WHERE token = ?1 AND NOT disabled"),
                [token],
                read_account,
            )
            .optional()?;
        Ok(account)
    })
    .await
}

pub(super) async fn change_account(db: &Sqlite, name: String, change: Change) -> Result<bool> {
    db.write(move |tx| {
        let ends_sessions = !matches!(change, Change::Token(_));
        let changed = match change {
            Change::Disabled(disabled) => tx.execute(
                "UPDATE account SET disabled = ?2 WHERE name = ?1",
                params![name, disabled],
            ),
            Change::Password { hash, must_change } => tx.execute(
                "UPDATE account SET password = ?2, must_change = ?3 WHERE name = ?1",
                params![name, hash, must_change],
            ),
            Change::Totp(sealed) => tx.execute(
                "UPDATE account SET totp = ?2, totp_step = 0 WHERE name = ?1",
                params![name, sealed],
            ),
            Change::Roles(roles) => tx.execute(
                "UPDATE account SET roles = ?2 WHERE name = ?1",
                params![name, roles.text()],
            ),
            Change::Token(token) => tx.execute(
                "UPDATE account SET token = ?2 WHERE name = ?1",
                params![name, token],
            ),
            Change::Removed => tx.execute("DELETE FROM account WHERE name = ?1", [&name]),
        }?;
        if ends_sessions {
            tx.execute("DELETE FROM session WHERE account = ?1", [&name])?;
        }
        Ok(changed == 1)
    })
    .await
}

pub(super) async fn begin_attempt(
    db: &Sqlite,
    attempt: Digest,
    now: UnixSeconds,
) -> Result<Option<Duration>> {
    db.write(move |tx| {
        let known: Option<(i64, i64)> = tx
            .query_row(
                "SELECT failures, last FROM attempt WHERE name = ?1 AND last > ?2",
                params![attempt, before(now, backoff::FAILURES_KEPT)],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let (failures, last) = known.unwrap_or_default();
        if let Some(wait) = waiting(failures, last, now) {
            return Ok(Some(wait));
        }
        tx.execute(
            "INSERT INTO attempt (name, failures, last) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET failures = excluded.failures, last = excluded.last",
            params![attempt, failures.saturating_add(1), seconds(now)],
        )?;
        Ok(None)
    })
    .await
}

pub(super) async fn clear_attempts(db: &Sqlite, attempt: Digest) -> Result<()> {
    db.write(move |tx| {
        tx.execute("DELETE FROM attempt WHERE name = ?1", [attempt])?;
        Ok(())
    })
    .await
}

pub(super) async fn sign_in(db: &Sqlite, sign_in: SignIn) -> Result<bool> {
    db.write(move |tx| {
        let accepted = tx.execute(
            "UPDATE account SET totp_step = ?2
             WHERE name = ?1 AND totp_step < ?2 AND NOT disabled",
            params![sign_in.account, sign_in.totp_step],
        )?;
        if accepted == 0 {
            return Ok(false);
        }
        tx.execute("DELETE FROM attempt WHERE name = ?1", [sign_in.attempt])?;
        tx.execute(
            "INSERT INTO session (id, account, created, used) VALUES (?1, ?2, ?3, ?3)",
            params![sign_in.session, sign_in.account, seconds(sign_in.now)],
        )?;
        Ok(true)
    })
    .await
}

pub(super) async fn session(
    db: &Sqlite,
    id: Digest,
    times: SessionTimes,
    now: UnixSeconds,
) -> Result<Option<Account>> {
    db.write(move |tx| {
        let account = tx
            .query_row(
                &format!(
                    "SELECT {ACCOUNT} FROM session JOIN account ON account.name = session.account
                     WHERE id = ?1 AND used > ?2 AND session.created > ?3 AND NOT disabled"
                ),
                params![id, before(now, times.idle), before(now, times.total)],
                read_account,
            )
            .optional()?;
        if account.is_some() {
            tx.execute(
                "UPDATE session SET used = ?2 WHERE id = ?1 AND used <= ?3",
                params![id, seconds(now), before(now, TOUCH_EVERY)],
            )?;
        }
        Ok(account)
    })
    .await
}

pub(super) async fn end_session(db: &Sqlite, id: Digest) -> Result<()> {
    db.write(move |tx| {
        tx.execute("DELETE FROM session WHERE id = ?1", [id])?;
        Ok(())
    })
    .await
}

pub(super) async fn audit(db: &Sqlite, row: AuditRow) -> Result<()> {
    db.write(move |tx| {
        tx.execute(
            "INSERT INTO audit (at, who, action, outcome) VALUES (?1, ?2, ?3, ?4)",
            params![seconds(row.at), row.who, row.action, row.outcome],
        )?;
        Ok(())
    })
    .await
}

pub(super) async fn audit_rows(db: &Sqlite, count: u32) -> Result<Vec<AuditRow>> {
    db.write(move |tx| {
        let mut rows: Vec<AuditRow> = tx
            .prepare("SELECT at, who, action, outcome FROM audit ORDER BY id DESC LIMIT ?1")?
            .query_map([count], |row| {
                Ok(AuditRow {
                    at: time(row.get(0)?),
                    who: row.get(1)?,
                    action: row.get(2)?,
                    outcome: row.get(3)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        rows.reverse();
        Ok(rows)
    })
    .await
}

pub(super) async fn purge(db: &Sqlite, steps: PurgeSteps) -> Result<()> {
    db.write(move |tx| {
        for (statement, limit) in steps {
            tx.execute(statement, [limit])?;
        }
        Ok::<_, DatabaseError>(())
    })
    .await
}

fn count(tx: &Transaction<'_>, scope: &str, now: UnixSeconds) -> Result<i64> {
    let count = tx
        .query_row(
            "SELECT count FROM tally WHERE scope = ?1 AND hour = ?2",
            params![scope, hour(now)],
            |row| row.get(0),
        )
        .optional()?;
    Ok(count.unwrap_or(0))
}

/// What was counted in a day up to now, or a little longer.
fn spent(tx: &Transaction<'_>, scope: &str, now: UnixSeconds) -> Result<i64> {
    let spent = tx.query_row(
        "SELECT coalesce(sum(count), 0) FROM tally WHERE scope = ?1 AND hour >= ?2",
        params![scope, first_hour_of_day(now)],
        |row| row.get(0),
    )?;
    Ok(spent)
}

/// How many numbers are valid.
fn live(tx: &Transaction<'_>, now: UnixSeconds) -> Result<i64> {
    let live = tx.query_row(
        "SELECT count(*) FROM number WHERE expires > ?1",
        [seconds(now)],
        |row| row.get(0),
    )?;
    Ok(live)
}

fn add_to_count(tx: &Transaction<'_>, scope: &str, now: UnixSeconds, count: i64) -> Result<()> {
    tx.execute(
        "INSERT INTO tally (scope, hour, count) VALUES (?1, ?2, ?3)
         ON CONFLICT (scope, hour) DO UPDATE SET count = count + excluded.count",
        params![scope, hour(now), count],
    )?;
    Ok(())
}

fn read_account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        name: row.get("name")?,
        password: row.get("password")?,
        must_change: row.get("must_change")?,
        totp: row.get("totp")?,
        disabled: row.get("disabled")?,
        has_token: row.get("has_token")?,
        roles: Roles::from_text(&row.get::<_, String>("roles")?),
        created: time(row.get("created")?),
    })
}
