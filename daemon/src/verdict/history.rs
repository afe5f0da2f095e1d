//! Random histories of up to forty days, played to the rules and to a model of them.
//!
//! The model is written from docs/verdict.md and the protocol, not from the code: it
//! keeps everything that ever happened, and looks through all of it whenever it is
//! asked. After every event both must say the same: verdict, reasons and days. And
//! whatever the model says, two things hold for every history: "no contact" is not
//! said over a contact in an export that the device was ever shown, and a contact is
//! not taken back but by age, revocation or erasing.
//!
//! Each history has a seed, which a failure prints; `HISTORY_SEED=… cargo test -p
//! sesshokud history` plays that one alone.

use std::collections::{BTreeMap, BTreeSet};

use gaen::config::Configuration;
use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::export::Export;
use gaen::key::Tek;
use gaen::matching::{KeyMatch, MatchedSighting};
use gaen::metadata::Confidence;
use gaen::sighting::Scan;
use gaen::time::{UnixSeconds, UtcDay};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sesshoku_dbus_api::{UnknownReason, Verdict};

use super::*;
use crate::store::{Coverage, StoredExposure};
use crate::sync::exposures::{Exposures as Found, Matches};

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;
/// The first day of each history.
const FIRST_DAY: i64 = 18_500;
const LIST_URL: &str = "https://server.example/440/list.json";
/// As long as a cycle stands for.
const CYCLE: i64 = 300;
/// How many histories are played with every run of the tests, and how many on demand.
const HISTORIES: u64 = 1_000;
const ALL_HISTORIES: u64 = 10_000;

/// Somebody's key of one day.
type KeyId = (u8, i64);

/// A scan cycle, in the order of storing.
#[derive(Clone, Debug)]
struct Cycle {
    /// When it was, in truth.
    actual: i64,
    /// When it was by the device's clock.
    shown: i64,
    heard: Option<KeyId>,
}

/// An export that the server made.
#[derive(Clone, Debug)]
struct Made {
    name: String,
    created: u64,
    made_at: i64,
    start: i64,
    end: i64,
    keys: Vec<(KeyId, ReportType)>,
}

/// What happens to a file in one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// The server has no such file, or a broken one.
    Refused,
    /// It cannot be reached.
    Unreachable,
    /// These bytes, of the export with this number.
    Bytes(usize),
}

/// A check as it goes from the outside.
#[derive(Clone, Debug)]
struct Visit {
    /// The exports on the list, with the times they claim; `None` where the server
    /// cannot be reached, or gives no list.
    list: Result<Vec<(usize, u64)>, CheckOutcome>,
    answers: BTreeMap<usize, Answer>,
    disk_full: bool,
}

fn time(seconds: i64) -> UnixSeconds {
    UnixSeconds::from_i64(seconds).unwrap()
}

fn utc_day(seconds: i64) -> i64 {
    seconds.div_euclid(DAY)
}

fn diagnosis_key((person, day): KeyId, report_type: ReportType) -> DiagnosisKey {
    let mut tek = [person; 16];
    tek[..8].copy_from_slice(&day.to_le_bytes());
    DiagnosisKey {
        tek: Tek::from_bytes(tek),
        rolling_start: UtcDay::new(u32::try_from(day).unwrap()).first_interval(),
        rolling_period: RollingPeriod::DAY,
        transmission_risk_level: 0,
        report_type,
        days_since_onset: None,
    }
}

/// Whether a cycle in which `key` was heard counts: clocks may be two hours apart.
fn counts(cycle: &Cycle, key: KeyId) -> bool {
    cycle.heard == Some(key) && (cycle.actual - cycle.shown).abs() <= 2 * HOUR
}

/// The device: the rules under test, put together as a check does.
#[derive(Default)]
struct Device {
    ledger: Ledger,
    memory: CheckMemory,
    unrecorded: bool,
    exposures: Vec<StoredExposure>,
    recorded: Recorded,
    numbers: BTreeMap<i64, u32>,
}

impl Device {
    fn record(&mut self, cycle: &Cycle) {
        let number = self.numbers.entry(utc_day(cycle.shown)).or_default();
        let shown = time(cycle.shown);
        self.recorded.push(shown.utc_day(), *number, shown);
        *number += 1;
    }

    /// What is on the disk is all that is left.
    fn restart(&mut self) {
        let ledger = self.ledger.exports().iter().map(|(id, export)| {
            let json = serde_json::to_vec(export).unwrap();
            (*id, serde_json::from_slice(&json).ok())
        });
        self.ledger = Ledger::new(Vec::from_iter(ledger));
        let memory = serde_json::to_vec(&self.memory).unwrap();
        self.memory = serde_json::from_slice(&memory).unwrap();
    }

    fn check(&mut self, visit: &Visit, made: &[Made], cycles: &[Cycle], shown: i64) {
        let now = time(shown);
        let looked_at = self.recorded.last_numbers();
        let outcome = match &visit.list {
            _ if visit.disk_full => {
                // Nothing of it can be stored.
                self.unrecorded = true;
                return;
            }
            Err(outcome) => *outcome,
            Ok(list) => self.compare(list, visit, made, cycles, now),
        };
        if std::mem::take(&mut self.unrecorded) {
            self.memory.failures.insert(CheckOutcome::StorageFailed);
        }
        self.memory.note(outcome, now, &looked_at);
    }

    fn compare(
        &mut self,
        list: &[(usize, u64)],
        visit: &Visit,
        made: &[Made],
        cycles: &[Cycle],
        now: UnixSeconds,
    ) -> CheckOutcome {
        let listed = list.iter().map(|(export, created)| Listed {
            url: format!("https://server.example/440/{}", made[*export].name),
            name: made[*export].name.clone(),
            created: *created,
            vouched: None,
        });
        self.ledger
            .take_list(LIST_URL, &Vec::from_iter(listed), now);
        let mut problems = BTreeSet::new();
        let mut batch = Vec::new();
        for id in self.ledger.to_compare(&self.recorded, now) {
            let name = &self.ledger.get(id).unwrap().name;
            let export = made.iter().position(|it| it.name == *name).unwrap();
            match visit.answers.get(&export).unwrap_or(&Answer::Bytes(export)) {
                Answer::Bytes(bytes) => batch.push((id, *bytes)),
                Answer::Unreachable => drop(problems.insert(CheckOutcome::Unreachable)),
                Answer::Refused => {
                    self.ledger.note_refused(id, "refused".to_owned());
                    problems.insert(CheckOutcome::ExportRefused);
                }
            }
        }
        self.match_batch(&batch, made, cycles, now);
        if !self.ledger.open(&self.recorded, now).is_empty()
            && !problems.contains(&CheckOutcome::Unreachable)
        {
            problems.insert(CheckOutcome::ExportRefused);
        }
        if self.ledger.withheld(LIST_URL, now) > 0 {
            problems.insert(CheckOutcome::ListRefused);
        }
        let worst = [
            CheckOutcome::ListRefused,
            CheckOutcome::ExportRefused,
            CheckOutcome::Unreachable,
        ];
        let worst = worst.into_iter().find(|outcome| problems.contains(outcome));
        worst.unwrap_or(CheckOutcome::Complete)
    }

    fn match_batch(
        &mut self,
        batch: &[(i64, usize)],
        made: &[Made],
        cycles: &[Cycle],
        now: UnixSeconds,
    ) {
        let exports: Vec<(i64, usize, Export)> = batch
            .iter()
            .map(|(id, bytes)| (*id, *bytes, to_export(&made[*bytes])))
            .collect();
        let first_day = period(now).0.saturating_sub(1);
        let since = first_day.start();
        let mut keys = Vec::new();
        let mut found = Vec::new();
        for (id, _) in batch.iter().flat_map(|(_, bytes)| &made[*bytes].keys) {
            let sightings: Vec<_> = cycles
                .iter()
                .enumerate()
                .filter(|(_, cycle)| counts(cycle, *id) && time(cycle.shown) >= since)
                .map(|(index, cycle)| MatchedSighting {
                    time: time(cycle.shown),
                    scan: Scan {
                        cycle: u64::try_from(index).ok(),
                        previous: Some(time(cycle.shown - CYCLE)),
                    },
                    attenuation: 50,
                    confidence: Confidence::High,
                })
                .collect();
            if !sightings.is_empty() {
                found.push(KeyMatch {
                    key_index: keys.len(),
                    rpis: 1,
                    sightings,
                });
            }
            keys.push(diagnosis_key(*id, ReportType::ConfirmedTest));
        }
        let matches = Matches::new(&keys, found);
        let configuration = Configuration::default();
        let mut exposures = Found::new(std::mem::take(&mut self.exposures));
        for (id, bytes, export) in &exports {
            exposures.take_in(export.all_keys(), &matches, &configuration);
            let mut content = [0; 32];
            content[..8].copy_from_slice(&u64::try_from(*bytes).unwrap().to_le_bytes());
            let brought = Brought {
                content,
                sha256: content,
                batch: ExportBatch::of(export),
                keys: 1,
            };
            let comparison = Comparison::new(export, &self.recorded, first_day, now);
            self.ledger.note_compared(*id, brought, comparison);
        }
        self.exposures = exposures.into_stored();
    }

    fn assess(&mut self, shown: i64) -> Assessment {
        let mut checks = self.memory.clone();
        if self.unrecorded {
            checks.failures.insert(CheckOutcome::StorageFailed);
        }
        let facts = Facts {
            consent: true,
            clock_set: true,
            checks,
            ledger: std::mem::take(&mut self.ledger),
            recorded: self.recorded.since(time(shown)),
            coverage: Coverage {
                recorded_seconds: 100_000,
                damaged_segments: 0,
            },
            exposures: Exposures {
                found: std::mem::take(&mut self.exposures),
                damaged_days: 0,
            },
            fresh_within: None,
        };
        let assessment = judge(&facts, &Configuration::default(), time(shown));
        self.ledger = facts.ledger;
        self.exposures = facts.exposures.found;
        assessment
    }
}

fn to_export(made: &Made) -> Export {
    Export {
        start: u64::try_from(made.start).unwrap(),
        end: u64::try_from(made.end).unwrap(),
        region: "440".to_owned(),
        batch_num: 1,
        batch_size: 1,
        keys: made
            .keys
            .iter()
            .map(|(id, kind)| diagnosis_key(*id, *kind))
            .collect(),
        revised_keys: Vec::new(),
    }
}

/// What the model remembers of a name.
#[derive(Clone, Debug)]
struct Name {
    first_shown: i64,
    created: u64,
    on_last_list: bool,
    was_refused: bool,
    /// The bytes it brought last.
    bytes: Option<usize>,
    /// How many cycles there were when they were compared, and the first day of which
    /// cycles were looked at; `None` when they must be fetched again.
    compared: Option<(usize, i64)>,
}

/// What the model remembers of a key that was met.
#[derive(Clone, Debug)]
struct Met {
    kind: ReportType,
    changed: bool,
    /// Seconds by day, the most that were ever found.
    seconds: BTreeMap<i64, i64>,
}

/// The model: everything that happened.
#[derive(Default)]
struct Model {
    names: BTreeMap<usize, Name>,
    met: BTreeMap<KeyId, Met>,
    last_complete: Option<i64>,
    /// How many cycles there were when that check began.
    cycles_then: usize,
    failures: BTreeSet<&'static str>,
    /// The bytes that more than one name brought last.
    shared: BTreeSet<usize>,
}

impl Model {
    /// Whether what `name` brought is its own: nobody else brought it, and it was not
    /// made weeks after what it is about.
    fn is_own(&self, export: usize, made: &[Made]) -> bool {
        let name = &self.names[&export];
        let Some(bytes) = name.bytes else {
            return false;
        };
        let is_shared = self.shared.contains(&bytes);
        let created = i64::try_from(name.created / 1000).unwrap_or(i64::MAX);
        let too_late = created > 1_577_836_800 && created > made[bytes].end + 15 * DAY;
        !is_shared && !too_late
    }

    /// How long ago that was which it is about.
    fn age(&self, export: usize, made: &[Made], shown: i64) -> i64 {
        let name = &self.names[&export];
        match name.bytes {
            Some(bytes) if self.is_own(export, made) => shown - made[bytes].end,
            _ => {
                let created = i64::try_from(name.created / 1000).unwrap_or(i64::MAX);
                let made = if created <= shown { created } else { 0 };
                shown - name.first_shown.max(made)
            }
        }
    }

    /// Whether there is something, among the first `until` cycles, that it is still to
    /// be compared with.
    fn is_undone(
        &self,
        export: usize,
        made: &[Made],
        cycles: &[Cycle],
        until: usize,
        shown: i64,
    ) -> bool {
        let name = &self.names[&export];
        let (Some(bytes), Some((compared, since))) = (name.bytes, name.compared) else {
            return true;
        };
        if !self.is_own(export, made) {
            return true;
        }
        let days = made[bytes].keys.iter().map(|((_, day), _)| *day);
        let (Some(first), Some(last)) = (days.clone().min(), days.max()) else {
            return false;
        };
        let first_of_period = utc_day(shown) - 13;
        cycles[..until].iter().enumerate().any(|(index, cycle)| {
            let day = utc_day(cycle.shown);
            day >= first_of_period
                && cycle.shown >= first * DAY - 2 * HOUR - 900
                && cycle.shown <= (last + 1) * DAY + 2 * HOUR
                && (index >= compared || day < since)
        })
    }

    fn check(&mut self, visit: &Visit, made: &[Made], cycles: &[Cycle], shown: i64) {
        if visit.disk_full {
            self.failures.insert("failed");
            return;
        }
        let mut failure = None;
        match &visit.list {
            Err(CheckOutcome::Unreachable) => failure = Some("unreachable"),
            Err(_) => failure = Some("failed"),
            Ok(list) => {
                self.take_list(list, made, shown);
                let all = cycles.len();
                let mut pending: Vec<usize> = self.names.keys().copied().collect();
                pending.retain(|export| {
                    let is_outdated =
                        self.is_own(*export, made) && self.age(*export, made, shown) > 16 * DAY;
                    self.names[export].on_last_list
                        && !is_outdated
                        && self.is_undone(*export, made, cycles, all, shown)
                });
                pending.sort_by_key(|export| {
                    let name = &self.names[export];
                    (name.was_refused, name.created, made[*export].name.clone())
                });
                let mut is_unreachable = false;
                let mut compared = Vec::new();
                for export in pending {
                    let name = self.names.get_mut(&export).unwrap();
                    match visit.answers.get(&export).unwrap_or(&Answer::Bytes(export)) {
                        Answer::Unreachable => is_unreachable = true,
                        Answer::Refused => {
                            name.was_refused = true;
                            failure = Some("failed");
                        }
                        Answer::Bytes(bytes) => {
                            name.was_refused = false;
                            name.bytes = Some(*bytes);
                            name.compared = Some((all, utc_day(shown) - 14));
                            compared.push(*bytes);
                        }
                    }
                }
                self.find_shared();
                for bytes in compared {
                    self.compare(&made[bytes], cycles, shown);
                }
                let is_open = self.names.keys().any(|export| {
                    self.age(*export, made, shown) <= 14 * DAY
                        && self.is_undone(*export, made, cycles, all, shown)
                });
                if is_unreachable {
                    failure = failure.or(Some("unreachable"));
                } else if is_open {
                    failure = Some("failed");
                }
                let is_withheld = self.names.iter().any(|(export, name)| {
                    !name.on_last_list
                        && name.bytes.is_some()
                        && self.age(*export, made, shown) <= 13 * DAY
                });
                if is_withheld {
                    failure = Some("list");
                }
            }
        }
        match failure {
            Some(failure) => drop(self.failures.insert(failure)),
            None => {
                self.last_complete = Some(shown);
                self.cycles_then = cycles.len();
                self.failures.clear();
            }
        }
    }

    fn take_list(&mut self, list: &[(usize, u64)], made: &[Made], shown: i64) {
        let brought = self.names.values().filter_map(|name| name.bytes);
        let newest = brought.map(|bytes| made[bytes].end).max();
        let first_shown = newest.map_or(shown, |end| end.max(shown));
        for name in self.names.values_mut() {
            name.on_last_list = false;
        }
        for (export, created) in list {
            let name = self.names.entry(*export).or_insert(Name {
                first_shown,
                created: *created,
                on_last_list: true,
                was_refused: false,
                bytes: None,
                compared: None,
            });
            name.on_last_list = true;
            if name.created != *created {
                name.created = *created;
                name.compared = None;
            }
        }
    }

    fn find_shared(&mut self) {
        let mut seen = BTreeSet::new();
        let brought = self.names.values().filter_map(|name| name.bytes);
        self.shared = brought.filter(|bytes| !seen.insert(*bytes)).collect();
    }

    /// Thirty days after what it is about, a name is forgotten.
    fn forget_old(&mut self, made: &[Made], shown: i64) {
        let names = self.names.keys().copied();
        let old: Vec<usize> = names
            .filter(|export| self.age(*export, made, shown) > 30 * DAY)
            .collect();
        for export in old {
            self.names.remove(&export);
        }
        self.find_shared();
    }

    /// Looks for the keys of an export among everything that was heard.
    fn compare(&mut self, export: &Made, cycles: &[Cycle], shown: i64) {
        use ReportType::{ConfirmedClinical, ConfirmedTest, Revoked, SelfReport};
        let since = (utc_day(shown) - 14) * DAY;
        for (id, kind) in &export.keys {
            let mut found: BTreeMap<i64, i64> = BTreeMap::new();
            for cycle in cycles {
                if counts(cycle, *id) && cycle.shown >= since {
                    *found.entry(utc_day(cycle.shown)).or_default() += CYCLE;
                }
            }
            let Some(met) = self.met.get_mut(id) else {
                if !found.is_empty() {
                    let met = Met {
                        kind: *kind,
                        changed: false,
                        seconds: found,
                    };
                    self.met.insert(*id, met);
                }
                continue;
            };
            let may_change = matches!(
                (met.kind, *kind),
                (SelfReport, ConfirmedTest | ConfirmedClinical | Revoked)
                    | (ConfirmedClinical, ConfirmedTest | Revoked)
            );
            if may_change && !met.changed {
                met.kind = *kind;
                met.changed = true;
            }
            for (day, seconds) in found {
                let most = met.seconds.entry(day).or_default();
                *most = (*most).max(seconds);
            }
        }
    }

    /// The days of contact: fifteen minutes nearby, of all keys together.
    fn days(&self, shown: i64) -> BTreeSet<i64> {
        let mut seconds: BTreeMap<i64, i64> = BTreeMap::new();
        for met in self.met.values() {
            if met.kind != ReportType::Revoked {
                for (day, of_key) in &met.seconds {
                    *seconds.entry(*day).or_default() += of_key;
                }
            }
        }
        let period = utc_day(shown) - 13..=utc_day(shown);
        seconds
            .into_iter()
            .filter(|(day, seconds)| *seconds >= 900 && period.contains(day))
            .map(|(day, _)| day)
            .collect()
    }

    /// Whether something recorded since the last complete check has an earlier time. Of
    /// the days that are looked at, those of the period and one before.
    fn was_in_future(&self, cycles: &[Cycle], shown: i64) -> bool {
        let then = self.last_complete.unwrap_or(0);
        let since = cycles[self.cycles_then..].iter();
        let first = utc_day(shown) - 14;
        since
            .filter(|cycle| utc_day(cycle.shown) >= first)
            .any(|cycle| cycle.shown < then - 2 * HOUR)
    }

    fn reasons(&self, made: &[Made], cycles: &[Cycle], shown: i64) -> BTreeSet<String> {
        let mut reasons = BTreeSet::new();
        let age = self.last_complete.map(|last| shown - last);
        let is_fresh = age.is_some_and(|age| (-2 * HOUR..=DAY).contains(&age));
        match age {
            None => drop(reasons.insert("never-checked")),
            Some(age) if age < -2 * HOUR => drop(reasons.insert("check-in-future")),
            Some(_) if self.was_in_future(cycles, shown) => {
                reasons.insert("check-in-future");
            }
            Some(age) if age > DAY => drop(reasons.insert("check-too-old")),
            Some(_) => {}
        }
        for failure in &self.failures {
            match *failure {
                "list" => drop(reasons.insert("list-refused")),
                "unreachable" if is_fresh => {}
                _ => drop(reasons.insert("check-failed")),
            }
        }
        let is_open = self.names.keys().any(|export| {
            self.age(*export, made, shown) <= 14 * DAY
                && self.is_undone(*export, made, cycles, self.cycles_then, shown)
        });
        if is_open {
            reasons.insert("export-not-compared");
        }
        reasons.into_iter().map(str::to_owned).collect()
    }
}

/// A history under way.
struct History {
    seed: u64,
    rng: ChaCha8Rng,
    /// The true time.
    now: i64,
    /// By how much the device's clock is ahead of it.
    ahead: i64,
    cycles: Vec<Cycle>,
    made: Vec<Made>,
    /// Lists as they were.
    past_lists: Vec<Vec<(usize, u64)>>,
    device: Device,
    model: Model,
    /// Contacts that were told under a right clock.
    told: BTreeSet<i64>,
    /// Who has not registered yet, with the days of their keys that were met.
    people: BTreeMap<u8, BTreeSet<i64>>,
    registered: Vec<(KeyId, ReportType)>,
    log: Vec<String>,
}

impl History {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            rng: ChaCha8Rng::seed_from_u64(seed),
            now: FIRST_DAY * DAY + 6 * HOUR,
            ahead: 0,
            cycles: Vec::new(),
            made: Vec::new(),
            past_lists: Vec::new(),
            device: Device::default(),
            model: Model::default(),
            told: BTreeSet::new(),
            people: BTreeMap::new(),
            registered: Vec::new(),
            log: Vec::new(),
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.rng.next_u64() % limit
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn shown(&self) -> i64 {
        self.now + self.ahead
    }

    fn play(mut self) {
        // Most faults show soon; some need a long history.
        let days = if self.one_in(16) {
            14 + self.below(27)
        } else {
            3 + self.below(14)
        };
        for day in 0..i64::try_from(days).unwrap() {
            let begin = (FIRST_DAY + day) * DAY;
            for hour in [8, 11, 14, 17, 20] {
                self.now = begin + hour * HOUR;
                if self.one_in(3) {
                    self.meet();
                } else {
                    self.listen(None, 1);
                }
            }
            self.now = begin + 21 * HOUR;
            if self.one_in(3) {
                self.register();
            }
            self.now = begin + 22 * HOUR;
            self.publish();
            if self.one_in(12) {
                self.set_clock();
            }
            let checks = self.below(3);
            for n in 0..checks {
                self.now = begin + 22 * HOUR + 900 * (1 + i64::try_from(n).unwrap());
                self.check();
                if self.one_in(4) {
                    self.log.push("restart".to_owned());
                    self.device.restart();
                    self.compare();
                }
                if self.one_in(3) && self.ahead != 0 {
                    self.ahead = 0;
                    self.log.push("clock right".to_owned());
                    self.compare();
                }
            }
            if self.ahead == 0 {
                let now = time(self.now);
                self.device.ledger.forget_old(now);
                self.model.forget_old(&self.made, self.now);
                self.compare();
            }
            if self.one_in(40) {
                self.erase();
            }
        }
    }

    /// One scan cycle, or more.
    fn listen(&mut self, heard: Option<KeyId>, cycles: i64) {
        for n in 0..cycles {
            let actual = self.now + n * CYCLE;
            let cycle = Cycle {
                actual,
                shown: actual + self.ahead,
                heard,
            };
            self.device.record(&cycle);
            self.cycles.push(cycle);
        }
    }

    fn meet(&mut self) {
        let person = u8::try_from(self.below(6)).unwrap();
        let cycles = i64::try_from(1 + self.below(5)).unwrap();
        let day = utc_day(self.now);
        self.people.entry(person).or_default().insert(day);
        self.log
            .push(format!("{} meets {person}, {cycles} cycles", self.now));
        self.listen(Some((person, day)), cycles);
        self.compare();
    }

    /// Somebody registers, or what somebody registered is said anew.
    fn register(&mut self) {
        const KINDS: [ReportType; 4] = [
            ReportType::ConfirmedTest,
            ReportType::SelfReport,
            ReportType::ConfirmedClinical,
            ReportType::Revoked,
        ];
        if self.people.is_empty() {
            return;
        }
        let nth = usize::try_from(self.below(10)).unwrap() % self.people.len();
        let (person, days) = self.people.iter().nth(nth).unwrap();
        let (person, days) = (*person, days.clone());
        let kind = if self.one_in(3) {
            KINDS[usize::try_from(self.below(4)).unwrap()]
        } else {
            ReportType::ConfirmedTest
        };
        let today = utc_day(self.now);
        for day in days {
            // With the key of today, or without.
            if today - day < 14 && (day < today || self.one_in(2)) {
                self.registered.push(((person, day), kind));
            }
        }
    }

    /// The server makes an export of what was registered; else of padding alone.
    fn publish(&mut self) {
        let keys = std::mem::take(&mut self.registered);
        if keys.is_empty() && self.one_in(2) {
            return;
        }
        let parts = if keys.len() > 1 && self.one_in(3) {
            2
        } else {
            1
        };
        let mut halves = keys.chunks(keys.len().div_ceil(parts).max(1));
        for _ in 0..parts {
            let number = self.made.len();
            let made_at = self.now + i64::try_from(number % 7).unwrap();
            self.made.push(Made {
                name: format!("{number}.zip"),
                created: u64::try_from(made_at * 1000).unwrap(),
                made_at,
                start: self.now - DAY,
                end: self.now,
                keys: halves.next().unwrap_or_default().to_vec(),
            });
        }
        let list = self.list();
        self.past_lists.push(list);
    }

    /// What is on the list: all that is not fourteen days old.
    fn list(&self) -> Vec<(usize, u64)> {
        let listed = self.made.iter().enumerate();
        listed
            .filter(|(_, made)| self.now - made.end <= 14 * DAY)
            .map(|(export, made)| (export, made.created))
            .collect()
    }

    fn set_clock(&mut self) {
        const CLOCKS: [i64; 14] = [
            HOUR / 2,
            -HOUR / 2,
            5 * HOUR,
            -5 * HOUR,
            DAY,
            -DAY,
            2 * DAY,
            -4 * DAY,
            10 * DAY,
            13 * DAY,
            14 * DAY,
            20 * DAY,
            -10 * DAY,
            700 * DAY,
        ];
        self.ahead = CLOCKS[usize::try_from(self.below(14)).unwrap()];
        self.log.push(format!("clock {} ahead", self.ahead));
        self.compare();
    }

    /// A check, with or without something that goes wrong.
    fn check(&mut self) {
        let mut visit = Visit {
            list: Ok(self.list()),
            answers: BTreeMap::new(),
            disk_full: false,
        };
        let listed: Vec<usize> = self.list().into_iter().map(|(export, _)| export).collect();
        for export in listed.clone() {
            let answer = match self.below(30) {
                0 | 1 => Answer::Refused,
                2 => Answer::Unreachable,
                3 => match self.known_bytes(export) {
                    Some(bytes) => Answer::Bytes(bytes),
                    None => continue,
                },
                _ => continue,
            };
            visit.answers.insert(export, answer);
        }
        match self.below(24) {
            0 => visit.list = Err(CheckOutcome::Unreachable),
            1 => visit.list = Err(CheckOutcome::BadAnswer),
            2 => visit.list = Ok(Vec::new()),
            3 | 4 if !self.past_lists.is_empty() => {
                let nth = usize::try_from(self.below(100)).unwrap() % self.past_lists.len();
                visit.list = Ok(self.past_lists[nth].clone());
            }
            5 => visit.disk_full = true,
            6 | 7 => {
                let mut list = self.list();
                let times = [0, 17 * 86_400_000, 30 * 86_400_000];
                let wrong = times[usize::try_from(self.below(3)).unwrap()];
                for (export, created) in &mut list {
                    let is_mixed = matches!(visit.answers.get(export), Some(Answer::Bytes(_)));
                    if !is_mixed && self.rng.next_u64().is_multiple_of(4) {
                        *created = if wrong == 0 { 0 } else { *created - wrong };
                    }
                }
                visit.list = Ok(list);
            }
            _ => {}
        }
        let shown = self.shown();
        self.log
            .push(format!("{} check at {shown}: {visit:?}", self.now));
        self.device.check(&visit, &self.made, &self.cycles, shown);
        self.model.check(&visit, &self.made, &self.cycles, shown);
        self.compare();
    }

    /// Bytes that another name than that of `export` brought.
    fn known_bytes(&mut self, export: usize) -> Option<usize> {
        let known: Vec<usize> = self
            .model
            .names
            .iter()
            .filter(|(other, name)| **other != export && name.bytes == Some(**other))
            .map(|(other, _)| *other)
            .collect();
        let nth = usize::try_from(self.below(100)).unwrap();
        (!known.is_empty()).then(|| known[nth % known.len()])
    }

    fn erase(&mut self) {
        self.log.push("erase".to_owned());
        self.device = Device::default();
        self.model = Model::default();
        self.cycles.clear();
        self.told.clear();
        self.compare();
    }

    /// Both say the same, and what holds for every history holds.
    fn compare(&mut self) {
        let shown = self.shown();
        let assessment = self.device.assess(shown);
        let days: BTreeSet<i64> = assessment
            .days
            .iter()
            .map(|day| day.date.get().into())
            .collect();
        let reasons: BTreeSet<String> = assessment
            .reasons
            .iter()
            .map(UnknownReason::to_string)
            .collect();
        let expected_days = self.model.days(shown);
        let expected = self.model.reasons(&self.made, &self.cycles, shown);
        let verdict = match (expected_days.is_empty(), expected.is_empty()) {
            (false, _) => Verdict::Contact,
            (true, true) => Verdict::None,
            (true, false) => Verdict::Unknown,
        };
        let story = || format!("seed {}:\n{}", self.seed, self.log.join("\n"));
        assert_eq!(days, expected_days, "{}", story());
        assert_eq!(reasons, expected, "{}", story());
        assert_eq!(assessment.verdict, verdict, "{}", story());
        if self.ahead != 0 {
            return;
        }
        if assessment.verdict == Verdict::None {
            assert_eq!(self.overlooked(), None, "{}", story());
        }
        let first = utc_day(shown) - 13;
        self.told.retain(|day| *day >= first);
        if let Some(day) = self.told.iter().find(|day| !days.contains(day)) {
            assert!(
                self.may_be_revoked(*day),
                "{day} was taken back, {}",
                story()
            );
        }
        self.told = days;
    }

    /// A contact of which the device was shown the export before its last complete
    /// check, with what it says of its keys, or which was published two days ago.
    fn overlooked(&self) -> Option<(i64, usize)> {
        let first = utc_day(self.now) - 13;
        for (export, made) in self.made.iter().enumerate() {
            if !self.model.names.contains_key(&export) || self.now - made.made_at < 2 * DAY {
                continue;
            }
            for (id, kind) in &made.keys {
                let heard = self.cycles.iter().filter(|cycle| counts(cycle, *id));
                // What was heard under another clock may lie on another day.
                let heard = heard.filter(|cycle| utc_day(cycle.shown) >= first);
                let seconds = CYCLE * i64::try_from(heard.count()).unwrap();
                if *kind != ReportType::Revoked
                    && seconds >= 900
                    && id.1 >= first
                    && !self.may_be_revoked(id.1)
                {
                    return Some((id.1, export));
                }
            }
        }
        None
    }

    /// Whether a key of `day` was ever said to be revoked.
    fn may_be_revoked(&self, day: i64) -> bool {
        let keys = self.made.iter().flat_map(|made| &made.keys);
        keys.into_iter()
            .any(|((_, of), kind)| *of == day && *kind == ReportType::Revoked)
    }
}

/// Plays the histories with these seeds, or that one which is asked for.
fn play(seeds: std::ops::Range<u64>) {
    let seeds = match std::env::var("HISTORY_SEED") {
        Ok(seed) => {
            let seed = seed.parse().unwrap();
            seed..seed + 1
        }
        Err(_) => seeds,
    };
    println!("histories with the seeds {seeds:?}");
    for seed in seeds {
        History::new(seed).play();
    }
}

#[test]
fn random_histories_are_judged_as_the_model_does() {
    play(0..HISTORIES);
}

#[test]
#[ignore = "takes minutes unless it is optimised: cargo test --release --lib history -- --ignored"]
fn ten_thousand_histories_are_judged_as_the_model_does() {
    play(0..ALL_HISTORIES);
}
