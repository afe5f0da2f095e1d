//! Walking over rows, past whatever is damaged.

use gaen::time::UtcDay;
use rusqlite::{Connection, params};

use super::error::is_damage;
use super::seal::{Place, SealingKey};
use super::segment::{Segment, SegmentId};
use super::{SEGMENT, StoreError};

/// What is met on the way through a day's segments.
pub(super) enum Step<'a> {
    /// A segment that is as it was written.
    Whole(SegmentId, Segment<'a>),
    /// At least one segment that is missing, does not open, or lies on a page
    /// that cannot be read.
    Damaged,
}

/// Calls `visit` for each segment of `day` in order, and for each damage.
///
/// Wants a transaction around it, so that key and segments are of one state.
pub(super) fn for_each_segment(
    conn: &Connection,
    key: &SealingKey,
    day: UtcDay,
    visit: &mut dyn FnMut(Step<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    // The number that the next segment has to account for; `None` behind a damage
    // that has been reported already.
    let mut expected = Some(0);
    let mut met_any = false;
    let range = (SegmentId::first(day).row(), SegmentId::last(day).row());
    for_each_row(conn, &SEGMENTS, range, &mut |row| {
        met_any = true;
        let Row::Found(row_id, row) = row else {
            expected = None;
            return visit(Step::Damaged);
        };
        let id = SegmentId::from_row(row_id).ok_or_else(StoreError::malformed)?;
        let sealed = row.get_ref(1)?.as_blob();
        let plaintext = sealed.map_or(None, |sealed| {
            key.open(&Place::row(SEGMENT, row_id), sealed)
        });
        let segment = plaintext
            .as_ref()
            .and_then(|plaintext| Segment::parse(day, plaintext));
        let expected = std::mem::replace(&mut expected, id.number.checked_add(1));
        let Some(segment) = segment else {
            return visit(Step::Damaged);
        };
        if expected.is_some_and(|expected| segment.first() > expected) {
            visit(Step::Damaged)?;
        }
        visit(Step::Whole(id, segment))
    })?;
    if met_any {
        Ok(())
    } else {
        // A day has its key from its first segment on and loses it with its last.
        visit(Step::Damaged)
    }
}

/// A table to walk over: its integer key, and the columns to read beside it.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) key: &'static str,
    pub(super) columns: &'static str,
}

/// The segments.
pub(super) const SEGMENTS: Table = Table {
    name: SEGMENT,
    key: "id",
    columns: "sealed",
};

/// A row of a table, or a place where there should be some.
pub(super) enum Row<'a> {
    /// Its key, and the row: the key again and the table's columns.
    Found(i64, &'a rusqlite::Row<'a>),
    /// SQLite cannot read this row, or several from here on.
    Unreadable,
}

/// Calls `visit` for each row with a key in `range` (both ends included) in order,
/// stepping over pages that SQLite cannot read.
pub(super) fn for_each_row(
    conn: &Connection,
    table: &Table,
    range: (i64, i64),
    visit: &mut dyn FnMut(Row<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let Table { name, key, columns } = table;
    let (mut from, last) = range;
    loop {
        let mut select = conn.prepare_cached(&format!(
            "SELECT {key}, {columns} FROM {name} WHERE {key} BETWEEN ?1 AND ?2 ORDER BY {key}"
        ))?;
        let mut rows = select.query(params![from, last])?;
        loop {
            match rows.next() {
                Ok(Some(row)) => {
                    let found = row.get(0)?;
                    visit(Row::Found(found, row))?;
                    if found >= last {
                        return Ok(());
                    }
                    from = found + 1;
                }
                Ok(None) => return Ok(()),
                Err(error) if is_damage(&error) => break,
                Err(error) => return Err(error.into()),
            }
        }
        visit(Row::Unreadable)?;
        match behind_damage(conn, table, from, last)? {
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}

/// The first key behind the damage met at or after `from`.
fn behind_damage(
    conn: &Connection,
    table: &Table,
    from: i64,
    last: i64,
) -> Result<Option<i64>, StoreError> {
    // When the row itself is found, only its contents are lost.
    if let Probe::Found(key) = probe(conn, table, from, last)? {
        return Ok((key < last).then(|| key + 1));
    }
    // Otherwise a page is lost: everything from `from` to some key. Find that key
    // in ever larger steps, then halve the last one.
    let mut lost = from;
    let mut step = 1;
    let mut found = loop {
        let key = from.saturating_add(step).min(last);
        match probe(conn, table, key, last)? {
            Probe::Found(key) => break key,
            Probe::End => return Ok(None),
            Probe::Unreadable if key == last => return Ok(None),
            Probe::Unreadable => lost = key,
        }
        step = step.saturating_mul(2);
    };
    // Looking from `behind` on leads to `found`, looking from `lost` on does not.
    let mut behind = found;
    while behind - lost > 1 {
        let key = lost + (behind - lost) / 2;
        match probe(conn, table, key, last)? {
            Probe::Found(earlier) => {
                found = earlier;
                behind = key;
            }
            Probe::End | Probe::Unreadable => lost = key,
        }
    }
    Ok(Some(found))
}

enum Probe {
    Found(i64),
    End,
    Unreadable,
}

/// Looks for the first key from `from` to `last`, without reading the columns.
fn probe(conn: &Connection, table: &Table, from: i64, last: i64) -> Result<Probe, StoreError> {
    let Table { name, key, .. } = table;
    let found = conn
        .prepare_cached(&format!(
            "SELECT {key} FROM {name} WHERE {key} BETWEEN ?1 AND ?2 ORDER BY {key} LIMIT 1"
        ))?
        .query_row(params![from, last], |row| row.get(0));
    match found {
        Ok(key) => Ok(Probe::Found(key)),
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(Probe::End),
        Err(error) if is_damage(&error) => Ok(Probe::Unreadable),
        Err(error) => Err(error.into()),
    }
}
