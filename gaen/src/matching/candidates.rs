//! Which RPIs of keys may have been heard: nearly all of what matching takes.

use core::sync::atomic::{AtomicUsize, Ordering};

use sesshoku_vector::{LANES, Vector};

use super::filter::{Filter, Prefix};
use super::heard::Heard;
use super::{Means, ToMatch};
use crate::key::{Rpi, RpiBatch, Rpik, Tek};
use crate::time::{INTERVALS_PER_DAY, Interval};

/// Keys that one thread takes at a time.
const KEYS_AT_A_TIME: usize = 4 * LANES;
/// Keys of one rolling start for which a second thread is not begun: it would take longer
/// to begin than they do.
const FEW_KEYS: usize = 8 * KEYS_AT_A_TIME;

/// An RPI of a key that may have been heard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    pub(super) rpi: Rpi,
    pub(super) interval: Interval,
    pub(super) key_index: usize,
}

/// Where RPIs of keys of one rolling start may have been heard.
#[derive(Clone)]
pub(super) struct Search<'a> {
    parts: Vec<Part<'a>>,
    /// Of the RPIs that are looked at, which may be there.
    places: Vec<usize>,
}

/// The intervals of one day in which something was heard that may be of such keys.
#[derive(Clone)]
struct Part<'a> {
    filter: &'a Filter,
    intervals: Vec<Interval>,
    rpis: RpiBatch,
}

impl<'a> Search<'a> {
    /// A search for keys with the rolling start of `same_start`; `None` where nothing was
    /// heard that could be theirs.
    pub(super) fn new(heard: &'a mut Heard, same_start: &[ToMatch]) -> Option<Self> {
        let key = same_start.first()?;
        heard.turn_to(key.first_day(), key.last_day());
        let heard = &*heard;
        let intervals: Vec<_> = (0..INTERVALS_PER_DAY)
            .map(|offset| key.rolling_start.saturating_add(offset))
            .filter(|&interval| heard.is_near(interval))
            .collect();
        let parts: Vec<_> = intervals
            .chunk_by(|a, b| a.utc_day() == b.utc_day())
            .filter_map(|of_day| {
                Some(Part {
                    filter: heard.filter(of_day.first()?.utc_day())?,
                    intervals: of_day.to_vec(),
                    rpis: RpiBatch::new(of_day),
                })
            })
            .collect();
        (!parts.is_empty()).then_some(Self {
            parts,
            places: Vec::new(),
        })
    }

    /// Adds the candidates of `keys`, from the first on, until there are about `enough`;
    /// gives the keys that are left.
    pub(super) fn add_candidates<'k>(
        &mut self,
        keys: &'k [ToMatch],
        means: Means,
        candidates: &mut Vec<Candidate>,
        enough: usize,
    ) -> &'k [ToMatch] {
        let queue = Queue {
            keys,
            taken: AtomicUsize::new(0),
        };
        match means.at_once {
            Some(at_once) if keys.len() > FEW_KEYS => {
                let half = enough.saturating_sub(candidates.len()) / 2;
                let enough = candidates.len() + half;
                let (mut other, mut others) = (self.clone(), Vec::new());
                at_once(
                    &mut || self.work(&queue, means.vector, candidates, enough),
                    &mut || other.work(&queue, means.vector, &mut others, half),
                );
                candidates.append(&mut others);
            }
            _ => self.work(&queue, means.vector, candidates, enough),
        }
        queue.left()
    }

    /// Does what is in `queue` until there are `enough` candidates; some, at least.
    fn work(
        &mut self,
        queue: &Queue<'_>,
        vector: Option<Vector>,
        candidates: &mut Vec<Candidate>,
        enough: usize,
    ) {
        while let Some(keys) = queue.take() {
            let mut rest = keys;
            if let Some(vector) = vector {
                let (by_lanes, fewer) = keys.as_chunks::<LANES>();
                rest = fewer;
                for keys in by_lanes {
                    let rpiks = Tek::rpiks(keys.each_ref().map(|key| &key.tek), vector);
                    for (key, rpik) in keys.iter().zip(&rpiks) {
                        self.look_up(key, rpik, Some(vector), candidates);
                    }
                }
            }
            for key in rest {
                self.look_up(key, &key.tek.rpik(), vector, candidates);
            }
            if candidates.len() >= enough {
                break;
            }
        }
    }

    fn look_up(
        &mut self,
        key: &ToMatch,
        rpik: &Rpik,
        vector: Option<Vector>,
        candidates: &mut Vec<Candidate>,
    ) {
        let end = key.rolling_start.saturating_add(key.rolling_period.get());
        let places = &mut self.places;
        for part in &mut self.parts {
            let (filter, intervals) = (part.filter, &part.intervals);
            let count = intervals.partition_point(|&interval| interval < end);
            let by_vector = vector.zip(filter.first_bitmap());
            let rpis = match by_vector {
                Some((vector, bitmap)) => {
                    let rpis = &mut part.rpis;
                    let rpis = rpis.find(rpik, count, vector, bitmap, |place| places.push(place));
                    places.retain(|&place| {
                        let rpi = rpis.get(place);
                        rpi.is_some_and(|rpi| filter.may_contain(Prefix::of(rpi)))
                    });
                    rpis
                }
                None => {
                    let rpis = part.rpis.of(rpik, count);
                    filter.find(rpis, |place| places.push(place));
                    rpis
                }
            };
            for place in places.drain(..) {
                if let (Some(&rpi), Some(&interval)) = (rpis.get(place), intervals.get(place)) {
                    candidates.push(Candidate {
                        rpi: Rpi::from_bytes(rpi),
                        interval,
                        key_index: key.key_index,
                    });
                }
            }
        }
    }
}

/// Keys of which each thread takes some at a time, so that one that is slower does less.
struct Queue<'k> {
    keys: &'k [ToMatch],
    /// How many are taken, or more where all are.
    taken: AtomicUsize,
}

impl<'k> Queue<'k> {
    fn take(&self) -> Option<&'k [ToMatch]> {
        // Nothing but the number itself is told from thread to thread by it.
        let start = self.taken.fetch_add(KEYS_AT_A_TIME, Ordering::Relaxed);
        let rest = self.keys.get(start..).filter(|rest| !rest.is_empty())?;
        rest.get(..KEYS_AT_A_TIME).or(Some(rest))
    }

    /// What nobody has taken.
    fn left(self) -> &'k [ToMatch] {
        self.keys.get(self.taken.into_inner()..).unwrap_or_default()
    }
}
