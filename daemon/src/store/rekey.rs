//! Moving everything from one device key to another.

use rusqlite::types::{FromSql, ToSql};
use rusqlite::{Connection, params};

use super::StoreError;
use super::day_key::Purpose;
use super::seal::{Keys, Place, SealingKey};

/// Seals with `new` whatever the tables hold that is sealed with `old`: the keys of
/// the days, and the small rows. What does not open is damaged, and stays so.
pub(super) fn reseal(conn: &Connection, old: &Keys, new: &Keys) -> Result<(), StoreError> {
    for purpose in [Purpose::Encounters, Purpose::Exposures] {
        for table in purpose.tables() {
            let column = Column(table, "day", "wrapped");
            let place = |day: &i64| Place::row(purpose.name(), *day);
            column.reseal(conn, &old.days, &new.days, place)?;
        }
    }
    let place = |day: &i64| Place::row("tek", *day);
    Column("tek", "day", "sealed").reseal(conn, &old.teks, &new.teks, place)?;
    for table in ["consent", "listed_export", "check_record", "registration"] {
        let place = |id: &i64| Place::row(table, *id);
        Column(table, "id", "sealed").reseal(conn, &old.rows, &new.rows, place)?;
    }
    let place = |name: &String| Place::named("meta", name);
    Column("meta", "name", "sealed").reseal(conn, &old.rows, &new.rows, place)
}

/// A table, its primary key, and a column of sealed values.
struct Column(&'static str, &'static str, &'static str);

impl Column {
    fn reseal<Id: FromSql + ToSql>(
        &self,
        conn: &Connection,
        old: &SealingKey,
        new: &SealingKey,
        place: impl Fn(&Id) -> Place,
    ) -> Result<(), StoreError> {
        let Self(table, id, value) = self;
        let mut select = conn.prepare(&format!("SELECT {id}, {value} FROM {table}"))?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let rows: Vec<(Id, Vec<u8>)> = rows.collect::<Result<_, _>>()?;
        let mut update =
            conn.prepare(&format!("UPDATE {table} SET {value} = ?2 WHERE {id} = ?1"))?;
        for (id, sealed) in rows {
            let place = place(&id);
            if let Some(plain) = old.open(&place, &sealed) {
                update.execute(params![id, new.seal(&place, &plain)?])?;
            }
        }
        Ok(())
    }
}
