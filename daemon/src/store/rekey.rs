//! Going over everything that the keys of a database seal: to seal it with others, and to
//! see whether it opens.

use gaen::time::UtcDay;
use rusqlite::types::{FromSql, ToSql};
use rusqlite::{Connection, params};

use super::StoreError;
use super::day_key::Purpose;
use super::rows::ROW_TABLES;
use super::seal::{Keys, Place, SealingKey};

/// Seals with `new` whatever the tables hold that is sealed with `old`: the keys of the
/// days, and the small rows. What does not open is damaged, and stays so.
pub(super) fn reseal(conn: &Connection, old: &Keys, new: &Keys) -> Result<(), StoreError> {
    each_column(&mut |column, key| match column {
        Column::Numbered(table, id, value, place) => {
            let place = |id: &i64| Place::row(place, *id);
            reseal_column(conn, (table, id, value), key(old), key(new), place)
        }
        Column::Named(table, id, value) => {
            let place = |name: &String| Place::named(table, name);
            reseal_column(conn, (table, id, value), key(old), key(new), place)
        }
    })
}

/// Whether everything opens that `keys` seal, and every day's exposures. Pages that have
/// changed places hang together, and yet their rows are not where they belong.
pub(super) fn all_opens(conn: &Connection, keys: &Keys) -> Result<bool, StoreError> {
    let mut all = true;
    each_column(&mut |column, key| {
        all &= match column {
            Column::Numbered(table, id, value, place) => {
                let place = |id: &i64| Place::row(place, *id);
                column_opens(conn, (table, id, value), key(keys), place)?
            }
            Column::Named(table, id, value) => {
                let place = |name: &String| Place::named(table, name);
                column_opens(conn, (table, id, value), key(keys), place)?
            }
        };
        Ok(())
    })?;
    for (day, sealed) in read::<i64>(conn, ("exposure", "day", "sealed"))? {
        let Ok(day_number) = u32::try_from(day) else {
            return Ok(false);
        };
        // Without its key it was purged, and is about to go.
        if let Some(key) = Purpose::Exposures.find_whole(conn, keys, UtcDay::new(day_number))? {
            all &= key.open(&Place::row("exposure", day), &sealed).is_some();
        }
    }
    Ok(all)
}

/// A column of sealed values: its table, the table's primary key, its own name, and, where
/// that is not the table's, the name of the place it is sealed for.
enum Column {
    Numbered(&'static str, &'static str, &'static str, &'static str),
    Named(&'static str, &'static str, &'static str),
}

/// Which of the keys seals a column.
type KeyOf = fn(&Keys) -> &SealingKey;

/// Calls `visit` with every column that is sealed with one of [`Keys`], and which.
fn each_column(
    visit: &mut dyn FnMut(Column, KeyOf) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for purpose in [Purpose::Encounters, Purpose::Exposures] {
        for table in purpose.tables() {
            let column = Column::Numbered(table, "day", "wrapped", purpose.name());
            visit(column, |keys| &keys.days)?;
        }
    }
    visit(Column::Numbered("tek", "day", "sealed", "tek"), |keys| {
        &keys.teks
    })?;
    for table in ROW_TABLES {
        let column = Column::Numbered(table, "id", "sealed", table);
        visit(column, |keys| &keys.rows)?;
    }
    visit(Column::Named("meta", "name", "sealed"), |keys| &keys.rows)
}

/// A table, its primary key, and a column.
type Names = (&'static str, &'static str, &'static str);

fn read<Id: FromSql>(
    conn: &Connection,
    (table, id, value): Names,
) -> Result<Vec<(Id, Vec<u8>)>, StoreError> {
    let mut select = conn.prepare(&format!("SELECT {id}, {value} FROM {table}"))?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn column_opens<Id: FromSql>(
    conn: &Connection,
    names: Names,
    key: &SealingKey,
    place: impl Fn(&Id) -> Place,
) -> Result<bool, StoreError> {
    let rows = read::<Id>(conn, names)?;
    Ok(rows
        .iter()
        .all(|(id, sealed)| key.open(&place(id), sealed).is_some()))
}

fn reseal_column<Id: FromSql + ToSql>(
    conn: &Connection,
    names: Names,
    old: &SealingKey,
    new: &SealingKey,
    place: impl Fn(&Id) -> Place,
) -> Result<(), StoreError> {
    let (table, id, value) = names;
    let mut update = conn.prepare(&format!("UPDATE {table} SET {value} = ?2 WHERE {id} = ?1"))?;
    for (id, sealed) in read::<Id>(conn, names)? {
        let place = place(&id);
        if let Some(plain) = old.open(&place, &sealed) {
            update.execute(params![id, new.seal(&place, &plain)?])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{SECRET_TABLES, SEGMENT, schema};
    use super::*;

    /// A table that is in none of these would neither be sealed anew nor saved from a
    /// damaged database.
    #[test]
    fn every_table_is_known() {
        let mut conn = Connection::open_in_memory().unwrap();
        schema::MIGRATIONS.to_latest(&mut conn).unwrap();
        let mut tables: Vec<String> = conn
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        tables.sort();
        let mut known = vec!["tek", "meta"];
        known.extend(SECRET_TABLES);
        known.extend(Purpose::Encounters.tables());
        known.extend(Purpose::Exposures.tables());
        known.extend(ROW_TABLES);
        // These hang on the keys of the days.
        known.extend([SEGMENT, "exposure"]);
        // Nothing in it is sealed, and every database is made with it.
        known.push(schema::NUMBER_TABLE);
        known.sort_unstable();
        assert_eq!(tables, known);
    }
}
