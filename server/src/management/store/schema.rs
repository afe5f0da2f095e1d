//! The tables. One that was released never changes: a change is a further migration,
//! for both databases.

use crate::database::Migrations;
use crate::database::time::clock_table;

pub(super) const MIGRATIONS: Migrations = Migrations {
    sqlite: &[SQLITE_1, SQLITE_2, SQLITE_3],
    postgres: &[POSTGRES_1, POSTGRES_2, POSTGRES_3],
};

/// `WITHOUT ROWID` keeps a digest in one place, which is overwritten when it goes.
const SQLITE_1: &str = "
CREATE TABLE number (
    digest BLOB PRIMARY KEY,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE answered (
    request BLOB PRIMARY KEY,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE tally (
    scope TEXT NOT NULL,
    hour INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (scope, hour)
) STRICT, WITHOUT ROWID;
CREATE TABLE submission (
    form BLOB PRIMARY KEY,
    account TEXT NOT NULL,
    progress TEXT NOT NULL,
    since INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE account (
    name TEXT PRIMARY KEY,
    password TEXT NOT NULL,
    must_change INTEGER NOT NULL,
    totp BLOB NOT NULL,
    totp_step INTEGER NOT NULL,
    token BLOB UNIQUE,
    disabled INTEGER NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE TABLE attempt (
    name BLOB PRIMARY KEY,
    failures INTEGER NOT NULL,
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE session (
    id BLOB PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_account ON session (account);
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL
) STRICT;
CREATE INDEX audit_at ON audit (at);
";

const POSTGRES_1: &str = "
CREATE TABLE number (
    digest BYTEA PRIMARY KEY,
    expires BIGINT NOT NULL
);
CREATE TABLE answered (
    request BYTEA PRIMARY KEY,
    expires BIGINT NOT NULL
);
CREATE TABLE tally (
    scope TEXT NOT NULL,
    hour BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (scope, hour)
);
CREATE TABLE submission (
    form BYTEA PRIMARY KEY,
    account TEXT NOT NULL,
    progress TEXT NOT NULL,
    since BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE TABLE account (
    name TEXT PRIMARY KEY,
    password TEXT NOT NULL,
    must_change BOOLEAN NOT NULL,
    totp BYTEA NOT NULL,
    totp_step BIGINT NOT NULL,
    token BYTEA UNIQUE,
    disabled BOOLEAN NOT NULL,
    created BIGINT NOT NULL
);
CREATE TABLE attempt (
    name BYTEA PRIMARY KEY,
    failures BIGINT NOT NULL,
    last BIGINT NOT NULL
);
CREATE TABLE session (
    id BYTEA PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    created BIGINT NOT NULL,
    used BIGINT NOT NULL
);
CREATE INDEX session_account ON session (account);
CREATE TABLE audit (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at);
";

const SQLITE_2: &str = concat!(
    clock_table!("INTEGER", "STRICT"),
    "INSERT INTO clock (one, time, vouched) SELECT 1, max(at), 0 FROM audit;"
);

const POSTGRES_2: &str = concat!(
    clock_table!("BIGINT", ""),
    "INSERT INTO clock (one, time, vouched) SELECT 1, max(at), 0 FROM audit;"
);

const SQLITE_3: &str = "
ALTER TABLE number ADD COLUMN handle BLOB;
CREATE INDEX number_handle ON number (handle);
ALTER TABLE account ADD COLUMN roles TEXT NOT NULL DEFAULT 'issue';
CREATE TABLE statistic (
    day INTEGER NOT NULL,
    what TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (day, what)
) STRICT, WITHOUT ROWID;
CREATE INDEX submission_account ON submission (account, since);
";

const POSTGRES_3: &str = "
ALTER TABLE number ADD COLUMN handle BYTEA;
CREATE INDEX number_handle ON number (handle);
ALTER TABLE account ADD COLUMN roles TEXT NOT NULL DEFAULT 'issue';
CREATE TABLE statistic (
    day BIGINT NOT NULL,
    what TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (day, what)
);
CREATE INDEX submission_account ON submission (account, since);
";
