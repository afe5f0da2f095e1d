//! Encounters: scan cycles appended one by one, compacted after their day, read
//! as sightings.

use std::sync::atomic::Ordering;

use gaen::sighting::{Scan, Sighting};
use gaen::time::{DAY_SECONDS, UnixSeconds, UtcDay};
use rusqlite::{Connection, Transaction, params};
use sesshoku_core::records::{Coverage, CycleHeader, Listened, ScanCycle};
use sesshoku_core::verdict::Recorded;

use super::day_key::{DayKey, Purpose};
use super::seal::{Keys, Place, SealingKey};
use super::segment::{Builder, Segment, SegmentId, decode_record};
use super::types::{CompactReport, ReadReport};
use super::walk::{Step, for_each_segment};
use super::{SEGMENT, Shared, StoreError, retention};

/// Compaction fills segments up to this many sightings, or as many cycles where
/// little was heard.
const COMPACTED: usize = 1000;

/// A connection to read encounters with, and what opens them.
pub(super) struct View<'a> {
    conn: &'a Connection,
    shared: &'a Shared,
    erasures_at_start: u64,
}

impl<'a> View<'a> {
    pub(super) fn new(conn: &'a Connection, shared: &'a Shared) -> Self {
        Self {
            conn,
            shared,
            erasures_at_start: shared.erasures.load(Ordering::SeqCst),
        }
    }

    pub(super) fn for_each_sighting(
        &self,
        since: UnixSeconds,
        visit: &mut dyn FnMut(&Sighting),
    ) -> Result<ReadReport, StoreError> {
        let mut sightings = 0;
        let (segments, damaged_segments) = self.for_each_segment(since, &mut |segment| {
            for cycle in segment.cycles() {
                let scan = Scan {
                    cycle: Some(cycle.id(segment.day())),
                    previous: cycle.previous,
                };
                for record in cycle.encoded_records() {
                    let heard = decode_record(record);
                    if heard.time < since {
                        continue;
                    }
                    sightings += 1;
                    visit(&Sighting {
                        time: heard.time,
                        rpi: heard.rpi,
                        aem: heard.aem,
                        rssi: heard.rssi,
                        scan,
                    });
                }
            }
        })?;
        Ok(ReadReport {
            segments,
            damaged_segments,
            sightings,
        })
    }

    pub(super) fn coverage(
        &self,
        since: UnixSeconds,
        until: UnixSeconds,
    ) -> Result<(Coverage, Recorded), StoreError> {
        let mut recorded = Recorded::default();
        let mut listened = Listened::new(since, until);
        let (_, damaged_segments) = self.for_each_segment(since, &mut |segment| {
            for cycle in segment.cycles() {
                recorded.push(segment.day(), cycle.number, cycle.started);
                listened.push(&cycle.header());
            }
        })?;
        // What is lost whole counts, too.
        let lost = retention::was_salvaged(self.conn, &self.shared.keys())?;
        let coverage = Coverage {
            recorded_seconds: listened.seconds(),
            damaged_segments: damaged_segments + u64::from(lost),
        };
        Ok((coverage, recorded))
    }

    pub(super) fn last_cycle(&self) -> Result<Option<CycleHeader>, StoreError> {
        let (snapshot, keys) = self.shared.snapshot(self.conn)?;
        let days = Purpose::Encounters.days(&snapshot, UtcDay::new(0))?;
        for day in days.into_iter().rev() {
            let mut last = None;
            for_each_segment_of(&snapshot, &keys, day, &mut |step| {
                if let Step::Whole(_, segment) = step {
                    last = segment.cycles().last().map(|cycle| cycle.header());
                }
                Ok(())
            })?;
            if last.is_some() {
                return Ok(last);
            }
        }
        Ok(None)
    }

    /// Calls `visit` for each segment that may hold something from `since` on,
    /// and tells how many were whole and how many damaged.
    fn for_each_segment(
        &self,
        since: UnixSeconds,
        visit: &mut dyn FnMut(Segment<'_>),
    ) -> Result<(u64, u64), StoreError> {
        // A cycle that began before midnight belongs to the day before.
        let first_day = since
            .saturating_add_signed(-DAY_SECONDS.cast_signed())
            .utc_day();
        let (mut whole, mut damaged) = (0, 0);
        for day in Purpose::Encounters.days(self.conn, first_day)? {
            // One transaction a day: what is read of a day is of one state, and
            // the write-ahead log can be emptied in between.
            let (snapshot, keys) = self.shared.snapshot(self.conn)?;
            for_each_segment_of(&snapshot, &keys, day, &mut |step| {
                match step {
                    Step::Whole(_, segment) => {
                        whole += 1;
                        visit(segment);
                    }
                    Step::Damaged => damaged += 1,
                }
                if self.shared.erasures.load(Ordering::SeqCst) == self.erasures_at_start {
                    Ok(())
                } else {
                    Err(StoreError::Erased)
                }
            })?;
        }
        Ok((whole, damaged))
    }
}

fn for_each_segment_of(
    conn: &Connection,
    keys: &Keys,
    day: UtcDay,
    visit: &mut dyn FnMut(Step<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    match Purpose::Encounters.find(conn, keys, day)? {
        // Purged since the days were listed.
        None => Ok(()),
        Some(DayKey::Damaged) => visit(Step::Damaged),
        Some(DayKey::Whole(key)) => for_each_segment(conn, &key, day, visit),
    }
}

/// Appends `cycle` and returns its id.
pub(super) fn append(
    transaction: &Transaction<'_>,
    keys: &Keys,
    cycle: &ScanCycle,
) -> Result<u64, StoreError> {
    let day = cycle.started.utc_day();
    let key = Purpose::Encounters.find_or_create(transaction, keys, day)?;
    let newest: Option<i64> = transaction
        .prepare_cached("SELECT max(id) FROM segment WHERE id BETWEEN ?1 AND ?2")?
        .query_row(
            [SegmentId::first(day).row(), SegmentId::last(day).row()],
            |row| row.get(0),
        )?;
    let id = match newest {
        None => SegmentId::first(day),
        Some(row) => SegmentId::from_row(row)
            .ok_or_else(StoreError::malformed)?
            .next()
            .ok_or(StoreError::TooLarge)?,
    };
    let segment = Builder::of_cycle(id.number, cycle)?;
    insert(transaction, &key, id, segment)?;
    Ok(id.cycle_id())
}

/// Joins the small segments of `day` into larger ones.
pub(super) fn compact_day(
    transaction: &Transaction<'_>,
    keys: &Keys,
    day: UtcDay,
) -> Result<CompactReport, StoreError> {
    let Some(DayKey::Whole(key)) = Purpose::Encounters.find(transaction, keys, day)? else {
        return Ok(CompactReport::default());
    };
    let mut done = Vec::new();
    let mut open: Option<Joined> = None;
    for_each_segment(transaction, &key, day, &mut |step| {
        let Step::Whole(id, segment) = step else {
            // Never join across a damage: it would not be noticed any more.
            done.extend(open.take());
            return Ok(());
        };
        if segment.sightings() >= COMPACTED / 2 || segment.cycle_count() >= COMPACTED / 2 {
            done.extend(open.take());
            return Ok(());
        }
        if open.as_ref().is_some_and(|open| !open.has_room(&segment)) {
            done.extend(open.take());
        }
        open.get_or_insert_with(|| Joined::new(segment.first()))
            .push(id, &segment)
    })?;
    done.extend(open);

    let mut report = CompactReport::default();
    for joined in done {
        let [_, .., last] = joined.ids.as_slice() else {
            continue;
        };
        for id in &joined.ids {
            remove(transaction, *id)?;
        }
        report.joined += u64::try_from(joined.ids.len()).unwrap_or(u64::MAX);
        report.written += 1;
        insert(transaction, &key, *last, joined.segment)?;
    }
    Ok(report)
}

/// Drops whatever of `day` was heard at `cutoff` or before, when that is at least
/// `at_least` seconds' worth. Returns how many cycles are gone.
pub(super) fn trim_day(
    transaction: &Transaction<'_>,
    keys: &Keys,
    day: UtcDay,
    cutoff: UnixSeconds,
    at_least: i64,
) -> Result<u64, StoreError> {
    let mut oldest = cutoff;
    let rewriting = Rewriting::prepare(transaction, keys, day, &mut |cycle| {
        oldest = oldest.min(cycle.started);
        let records: Vec<u8> = cycle
            .encoded_records()
            .filter(|record| super::segment::record_time(record) > cutoff)
            .flatten()
            .copied()
            .collect();
        (cycle.ended > cutoff || !records.is_empty()).then_some(records)
    })?;
    match rewriting {
        Some(rewriting) if cutoff.seconds_since(oldest) >= at_least => {
            rewriting.carry_out(transaction, keys)
        }
        Some(_) | None => Ok(0),
    }
}

/// Drops the cycles of `day` that began after `limit`. Returns how many.
pub(super) fn cut_day(
    transaction: &Transaction<'_>,
    keys: &Keys,
    day: UtcDay,
    limit: UnixSeconds,
) -> Result<u64, StoreError> {
    let rewriting = Rewriting::prepare(transaction, keys, day, &mut |cycle| {
        (cycle.started <= limit).then(|| cycle.records.to_vec())
    })?;
    match rewriting {
        Some(rewriting) => rewriting.carry_out(transaction, keys),
        None => Ok(0),
    }
}

/// For how many seconds after `limit` there is a recording.
pub(super) fn recorded_after(
    conn: &Connection,
    keys: &Keys,
    limit: UnixSeconds,
) -> Result<u64, StoreError> {
    let mut listened = Listened::new(limit, UnixSeconds::new(u32::MAX));
    for day in Purpose::Encounters.days(conn, limit.utc_day())? {
        let Some(DayKey::Whole(key)) = Purpose::Encounters.find(conn, keys, day)? else {
            continue;
        };
        for_each_segment(conn, &key, day, &mut |step| {
            if let Step::Whole(_, segment) = step {
                let headers = segment.cycles().map(|cycle| cycle.header());
                for later in headers.filter(|cycle| cycle.started > limit) {
                    listened.push(&later);
                }
            }
            Ok(())
        })?;
    }
    Ok(listened.seconds())
}

/// A day that is about to be sealed with a new key, without some of its cycles.
struct Rewriting {
    day: UtcDay,
    kept: Vec<(SegmentId, Builder)>,
    /// How many cycles go.
    gone: u64,
}

impl Rewriting {
    /// Asks `keep` which cycles of `day` stay, and with which records. `None` when all
    /// do, or when the day cannot be read.
    fn prepare(
        transaction: &Transaction<'_>,
        keys: &Keys,
        day: UtcDay,
        keep: &mut dyn FnMut(&super::segment::Cycle<'_>) -> Option<Vec<u8>>,
    ) -> Result<Option<Self>, StoreError> {
        let Some(DayKey::Whole(key)) = Purpose::Encounters.find(transaction, keys, day)? else {
            return Ok(None);
        };
        let mut gone = 0;
        let mut kept: Vec<(SegmentId, Builder)> = Vec::new();
        let mut damaged = false;
        for_each_segment(transaction, &key, day, &mut |step| {
            let Step::Whole(id, segment) = step else {
                damaged = true;
                return Ok(());
            };
            // What was dropped is accounted for; what was lost to damage is not.
            let first = match kept.last() {
                None => 0,
                Some(_) if damaged => segment.first(),
                Some((last, _)) => last.number + 1,
            };
            let mut rest = Builder::new(first);
            for cycle in segment.cycles() {
                match keep(&cycle) {
                    Some(records) => rest.push(&super::segment::Cycle {
                        records: &records,
                        ..cycle
                    })?,
                    None => gone += 1,
                }
            }
            if rest.cycles() > 0 {
                kept.push((id, rest));
                damaged = false;
            }
            Ok(())
        })?;
        Ok((gone > 0).then_some(Self { day, kept, gone }))
    }

    /// Seals what stays with a new key and destroys the old one. Returns how many cycles
    /// are gone.
    fn carry_out(self, transaction: &Transaction<'_>, keys: &Keys) -> Result<u64, StoreError> {
        remove_days(transaction, self.day, self.day)?;
        if self.kept.is_empty() {
            Purpose::Encounters.destroy(transaction, self.day)?;
            return Ok(self.gone);
        }
        let key = Purpose::Encounters.replace(transaction, keys, self.day)?;
        for (id, segment) in self.kept {
            insert(transaction, &key, id, segment)?;
        }
        Ok(self.gone)
    }
}

/// Removes the rows of the days from `first` to `last`.
pub(super) fn remove_days(
    conn: &Connection,
    first: UtcDay,
    last: UtcDay,
) -> Result<(), StoreError> {
    conn.execute(
        "DELETE FROM segment WHERE id BETWEEN ?1 AND ?2",
        [SegmentId::first(first).row(), SegmentId::last(last).row()],
    )?;
    Ok(())
}

fn insert(
    transaction: &Transaction<'_>,
    key: &SealingKey,
    id: SegmentId,
    segment: Builder,
) -> Result<(), StoreError> {
    let sealed = key.seal(&Place::row(SEGMENT, id.row()), &segment.finish())?;
    transaction
        .prepare_cached("INSERT INTO segment (id, sealed) VALUES (?1, ?2)")?
        .execute(params![id.row(), sealed])?;
    Ok(())
}

fn remove(transaction: &Transaction<'_>, id: SegmentId) -> Result<(), StoreError> {
    transaction
        .prepare_cached("DELETE FROM segment WHERE id = ?1")?
        .execute([id.row()])?;
    Ok(())
}

/// Segments on their way into one.
struct Joined {
    ids: Vec<SegmentId>,
    segment: Builder,
}

impl Joined {
    fn new(first: u32) -> Self {
        Self {
            ids: Vec::new(),
            segment: Builder::new(first),
        }
    }

    fn has_room(&self, segment: &Segment<'_>) -> bool {
        self.segment.sightings() + segment.sightings() <= COMPACTED
            && self.segment.cycles() + segment.cycle_count() <= COMPACTED
    }

    fn push(&mut self, id: SegmentId, segment: &Segment<'_>) -> Result<(), StoreError> {
        self.ids.push(id);
        segment
            .cycles()
            .try_for_each(|cycle| self.segment.push(&cycle))
    }
}
