//! The random key of each UTC day. Destroying it is what makes a day's data go.

use std::collections::BTreeSet;

use gaen::time::UtcDay;
use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;
use super::error::is_damage;
use super::seal::{Keys, Place, SealingKey};

/// What a day's key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The segments of the day.
    Encounters,
    /// The exposures of the day.
    Exposures,
}

/// A day's key as it is found.
pub(super) enum DayKey {
    /// Usable.
    Whole(SealingKey),
    /// The row does not open any more: what the key sealed is lost.
    Damaged,
}

impl Purpose {
    /// The name that binds a key to its purpose.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Encounters => "encounter_key",
            Self::Exposures => "exposure_key",
        }
    }

    /// Where the keys are kept: twice, since one lost page would otherwise cost
    /// every day there is.
    pub(super) fn tables(self) -> [&'static str; 2] {
        match self {
            Self::Encounters => ["encounter_key", "encounter_key_copy"],
            Self::Exposures => ["exposure_key", "exposure_key_copy"],
        }
    }

    /// The key of `day`, or `None` when there is none.
    pub(super) fn find(
        self,
        conn: &Connection,
        keys: &Keys,
        day: UtcDay,
    ) -> Result<Option<DayKey>, StoreError> {
        let mut damaged = false;
        for table in self.tables() {
            let wrapped: Result<Option<Vec<u8>>, _> = conn
                .prepare_cached(&format!("SELECT wrapped FROM {table} WHERE day = ?1"))?
                .query_row([day.get()], |row| row.get(0))
                .optional();
            match wrapped {
                Ok(None) => {}
                Ok(Some(wrapped)) => {
                    if let Some(key) = keys.days.unwrap(&Place::day(self.name(), day), &wrapped) {
                        return Ok(Some(DayKey::Whole(key)));
                    }
                    damaged = true;
                }
                Err(error) if is_damage(&error) => damaged = true,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(damaged.then_some(DayKey::Damaged))
    }

    /// The key of `day`, unless there is none or it is damaged.
    pub(super) fn find_whole(
        self,
        conn: &Connection,
        keys: &Keys,
        day: UtcDay,
    ) -> Result<Option<SealingKey>, StoreError> {
        Ok(match self.find(conn, keys, day)? {
            Some(DayKey::Whole(key)) => Some(key),
            Some(DayKey::Damaged) | None => None,
        })
    }

    /// The key of `day`; a new one when there is none, or when the one there is
    /// lost anyway.
    pub(super) fn find_or_create(
        self,
        conn: &Connection,
        keys: &Keys,
        day: UtcDay,
    ) -> Result<SealingKey, StoreError> {
        match self.find(conn, keys, day)? {
            Some(DayKey::Whole(key)) => Ok(key),
            Some(DayKey::Damaged) => {
                tracing::error!(%day, key = self.name(), "a day's key is damaged and what it sealed is lost");
                self.replace(conn, keys, day)
            }
            None => self.replace(conn, keys, day),
        }
    }

    /// Gives `day` a new key and destroys the one it had.
    pub(super) fn replace(
        self,
        conn: &Connection,
        keys: &Keys,
        day: UtcDay,
    ) -> Result<SealingKey, StoreError> {
        let key = SealingKey::generate()?;
        let wrapped = keys.days.wrap(&Place::day(self.name(), day), &key)?;
        for table in self.tables() {
            conn.prepare_cached(&format!(
                "INSERT INTO {table} (day, wrapped) VALUES (?1, ?2)
                 ON CONFLICT (day) DO UPDATE SET wrapped = excluded.wrapped"
            ))?
            .execute(params![day.get(), wrapped])?;
        }
        Ok(key)
    }

    /// Destroys the key of `day`.
    pub(super) fn destroy(self, conn: &Connection, day: UtcDay) -> Result<(), StoreError> {
        for table in self.tables() {
            conn.execute(&format!("DELETE FROM {table} WHERE day = ?1"), [day.get()])?;
        }
        Ok(())
    }

    /// Destroys all keys of days before `day` and tells how many.
    pub(super) fn destroy_before(
        self,
        conn: &Connection,
        day: UtcDay,
    ) -> Result<usize, StoreError> {
        let mut destroyed = 0;
        for table in self.tables() {
            let sql = format!("DELETE FROM {table} WHERE day < ?1");
            destroyed = conn.execute(&sql, [day.get()])?.max(destroyed);
        }
        Ok(destroyed)
    }

    /// Destroys all keys of days after `day`.
    pub(super) fn destroy_after(self, conn: &Connection, day: UtcDay) -> Result<(), StoreError> {
        for table in self.tables() {
            conn.execute(&format!("DELETE FROM {table} WHERE day > ?1"), [day.get()])?;
        }
        Ok(())
    }

    /// The days from `first` on that have a key, in order.
    pub(super) fn days(self, conn: &Connection, first: UtcDay) -> Result<Vec<UtcDay>, StoreError> {
        let mut days = BTreeSet::new();
        let mut damage = Ok(());
        for table in self.tables() {
            let sql = format!("SELECT day FROM {table} WHERE day >= ?1");
            let found = conn.prepare_cached(&sql).and_then(|mut select| {
                select
                    .query_map([first.get()], |row| row.get(0))?
                    .collect::<Result<Vec<u32>, _>>()
            });
            match found {
                Ok(found) => days.extend(found.into_iter().map(UtcDay::new)),
                // The other table has them too.
                Err(error) if is_damage(&error) && damage.is_ok() => damage = Err(error),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(days.into_iter().collect())
    }
}
