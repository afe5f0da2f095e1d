//! The tables, as numbered migrations.
//!
//! A migration that was released is never changed; a change is a new one at the
//! end, which sets the number in `schema_number`, too. Only the columns named `sealed`,
//! `wrapped` and `key_check` hold anything about a person, all of them encrypted.

use rusqlite_migration::{M, Migrations};

/// Marks the file as ours in its header ("Ssho").
pub(super) const APPLICATION_ID: u32 = 0x5373_686f;

/// The schema this version writes.
pub(super) const VERSION: u32 = 5;

/// From this schema on, its number is also the one row of [`NUMBER_TABLE`]. The header's
/// is four bytes that any damage may change.
pub(super) const NUMBERED_SINCE: u32 = 5;
/// The table of the schema's number: the only one whose rows are a key and an integer.
pub(super) const NUMBER_TABLE: &str = "schema_number";

/// From an empty database to [`VERSION`].
pub(super) const MIGRATIONS: Migrations<'_> = Migrations::from_slice(STEPS);

const STEPS: &[M<'_>] = &[
    M::up(
        "
    PRAGMA application_id = 0x5373686f;

    -- The database's own secret; without it the device key opens nothing. It and
    -- the keys of the days are kept twice, each copy on a page of its own.
    CREATE TABLE secret (
        id        INTEGER PRIMARY KEY CHECK (id = 1),
        secret    BLOB NOT NULL,
        key_check BLOB NOT NULL,
        erasing   INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE secret_copy (
        id        INTEGER PRIMARY KEY CHECK (id = 1),
        secret    BLOB NOT NULL,
        key_check BLOB NOT NULL,
        erasing   INTEGER NOT NULL
    ) STRICT;

    -- A random key per UTC day and purpose. Encounters and exposures have keys of
    -- their own, because a day's encounters are cut while its exposures stay.
    CREATE TABLE encounter_key (
        day     INTEGER PRIMARY KEY,
        wrapped BLOB NOT NULL
    ) STRICT;
    CREATE TABLE encounter_key_copy (
        day     INTEGER PRIMARY KEY,
        wrapped BLOB NOT NULL
    ) STRICT;
    CREATE TABLE exposure_key (
        day     INTEGER PRIMARY KEY,
        wrapped BLOB NOT NULL
    ) STRICT;
    CREATE TABLE exposure_key_copy (
        day     INTEGER PRIMARY KEY,
        wrapped BLOB NOT NULL
    ) STRICT;

    -- The id is (UTC day << 24) | number of the segment's last cycle in that day:
    -- one tree, in order of days, in which a damaged page is passed over.
    CREATE TABLE segment (
        id     INTEGER PRIMARY KEY,
        sealed BLOB NOT NULL
    ) STRICT;

    -- One row per recorded day, also where nobody was met.
    CREATE TABLE exposure (
        day    INTEGER PRIMARY KEY,
        sealed BLOB NOT NULL
    ) STRICT;

    CREATE TABLE tek (
        day    INTEGER PRIMARY KEY,
        sealed BLOB NOT NULL
    ) STRICT;
    CREATE TABLE consent (
        id     INTEGER PRIMARY KEY CHECK (id = 1),
        sealed BLOB NOT NULL
    ) STRICT;
    CREATE TABLE export_record (
        id     INTEGER PRIMARY KEY,
        sealed BLOB NOT NULL
    ) STRICT;
    CREATE TABLE check_record (
        id     INTEGER PRIMARY KEY,
        sealed BLOB NOT NULL
    ) STRICT;
    CREATE TABLE meta (
        name   TEXT PRIMARY KEY,
        sealed BLOB NOT NULL
    ) STRICT;
    ",
    ),
    // From here on a day's row in `tek` may hold several keys. Those that earlier versions
    // wrote are read as they are, and grow too old within fourteen days.
    M::up(
        "
    CREATE TABLE registration (
        id     INTEGER PRIMARY KEY CHECK (id = 1),
        sealed BLOB NOT NULL
    ) STRICT;
    ",
    ),
    // Which exports were dealt with says too little; which were ever listed, and with
    // what they were compared, begins anew with the next check.
    M::up(
        "
    DROP TABLE export_record;
    CREATE TABLE listed_export (
        id     INTEGER PRIMARY KEY,
        sealed BLOB NOT NULL
    ) STRICT;
    ",
    ),
    // From here on keys are wrapped under the wrapping secret as well, without which an
    // earlier version would take the device key for lost. The tables stay as they are.
    M::up("SELECT 1;"),
    // A number that damage put into the header is no newer version's.
    M::up(
        "
    CREATE TABLE schema_number (
        id     INTEGER PRIMARY KEY CHECK (id = 1),
        number INTEGER NOT NULL
    ) STRICT;
    INSERT INTO schema_number (id, number) VALUES (1, 5);
    ",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_lead_to_the_version() {
        MIGRATIONS.validate().unwrap();
        let mut conn = rusqlite::Connection::open_in_memory().unwrap();
        MIGRATIONS.to_latest(&mut conn).unwrap();
        let version: u32 = conn
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert_eq!(version, VERSION);
    }

    #[test]
    fn every_migration_sets_the_number_of_the_schema() {
        for version in NUMBERED_SINCE..=VERSION {
            let mut conn = rusqlite::Connection::open_in_memory().unwrap();
            let steps = usize::try_from(version).unwrap();
            MIGRATIONS.to_version(&mut conn, steps).unwrap();
            let number: u32 = conn
                .query_row(&format!("SELECT number FROM {NUMBER_TABLE}"), [], |row| {
                    row.get(0)
                })
                .unwrap();
            assert_eq!(number, version);
        }
    }
}
