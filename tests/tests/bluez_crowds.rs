//! Many phones around: what is heard of them, and what it takes.
//!
//! `make test-bluez` runs small crowds, in guests where work takes no time. `make
//! bench-bluez` runs them all where it does, one after the other, and writes the
//! table in docs/bluetooth.md.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use air::controller::Model;
use gaen::key::Rpi;
use serde_json::Value;
use sesshoku_tests::audit::audit;
use sesshoku_tests::contacts::sightings;
use sesshoku_tests::document::Table;
use sesshoku_tests::uml::{EXTENDED, LEGACY, Machine};

/// The daemon's memory may grow by this from the first look at a crowd to the last.
const GROWTH_KIB_MAX: u64 = 8 * 1024;

#[test]
fn fifty_phones() {
    Crowd::of(50, LEGACY, false, WINDOWS).see().check();
}

#[test]
fn two_hundred_phones() {
    Crowd::of(200, EXTENDED, true, WINDOWS).see().check();
}

#[test]
fn fifty_phones_around_a_kiosk() {
    Crowd::of(50, EXTENDED, true, ALL_THE_TIME).see().check();
}

#[test]
#[ignore = "a benchmark: `make bench-bluez`"]
fn nothing_grows_over_hours() {
    for (model, experimental) in KINDS {
        Crowd::of(50, *model, *experimental, FOR_HOURS)
            .see()
            .check();
    }
}

#[test]
#[ignore = "a benchmark: `make bench-bluez`"]
fn crowds() {
    let mut table = Table::new(&[
        "phones",
        "controller",
        "scan method",
        "listens",
        "phones heard in every cycle",
        "samples kept of each in a cycle (measured)",
        "adverts sent, reported by the controller, heard (measured)",
        "dropped",
        "processor: sesshokud, bluetoothd, bus (measured)",
        "memory of sesshokud (measured)",
        "most objects in bluetoothd (measured)",
    ]);
    for (scenario, sizes) in [
        (WINDOWS, [1, 50, 200, 500, 1_000].as_slice()),
        (ALL_THE_TIME, &[50, 200, 500]),
    ] {
        for phones in sizes {
            for (model, experimental) in KINDS {
                let crowd = Crowd::of(*phones, *model, *experimental, scenario);
                let seen = crowd.at_its_own_speed().see();
                seen.check();
                table.row(seen.row());
            }
        }
    }
    table.check("docs/bluetooth.md", "crowds");
}

const KINDS: &[(Model, bool)] = &[
    (LEGACY, false),
    (LEGACY, true),
    (EXTENDED, false),
    (EXTENDED, true),
];
const WINDOWS: &str = "daemon-in-a-crowd";
const FOR_HOURS: &str = "daemon-in-a-crowd-for-hours";
const ALL_THE_TIME: &str = "kiosk-in-a-crowd";

/// Who is around whom.
#[derive(Clone, Debug)]
struct Crowd {
    phones: usize,
    model: Model,
    scenario: &'static str,
    machine: Machine,
}

impl Crowd {
    fn of(phones: usize, model: Model, experimental: bool, scenario: &'static str) -> Self {
        let interfaces = if experimental {
            "experimental"
        } else {
            "plain"
        };
        let controller = name_of(model);
        let name = format!("{scenario}-{phones}-{controller}-{interfaces}");
        let machine = Machine::new(&name, scenario)
            .model(model)
            .experimental(experimental)
            .phones(u32::try_from(phones).expect("few"))
            .thin()
            .deadline(Duration::from_secs(590));
        Self {
            phones,
            model,
            scenario,
            machine,
        }
    }

    /// As in [`Machine::at_its_own_speed`].
    fn at_its_own_speed(mut self) -> Self {
        self.machine = self.machine.at_its_own_speed();
        self
    }

    fn see(self) -> Seen {
        let run = self.machine.run();
        assert!(audit(run.air(), 0).violations.is_empty());
        let mut cycles: BTreeMap<Option<u64>, Cycle> = BTreeMap::new();
        for sighting in sightings(&run.text("sightings.jsonl")) {
            let cycle = cycles.entry(sighting.scan.cycle).or_default();
            cycle.phones.insert(sighting.rpi);
            cycle.samples += 1;
        }
        // The phones came or went in the first and the last.
        let mut cycles: Vec<_> = cycles.into_values().collect();
        cycles.pop();
        cycles.remove(0);
        Seen {
            phones: self.phones,
            model: self.model,
            scenario: self.scenario,
            result: serde_json::from_str(&run.text("crowd.json")).expect("JSON"),
            cycles,
        }
    }
}

/// What was heard in a scan cycle.
#[derive(Debug, Default)]
struct Cycle {
    phones: BTreeSet<Rpi>,
    samples: usize,
}

/// What came of a crowd.
#[derive(Debug)]
struct Seen {
    phones: usize,
    model: Model,
    scenario: &'static str,
    result: Value,
    /// The cycles that had the phones from begin to end.
    cycles: Vec<Cycle>,
}

impl Seen {
    #[track_caller]
    fn check(&self) {
        assert!(self.cycles.len() >= 2, "{self:?}");
        let fewest = self.cycles.iter().map(|cycle| cycle.phones.len()).min();
        assert!(fewest >= Some(self.phones), "{fewest:?}: {}", self.result);
        assert!(self.samples() >= 2.0, "{} samples of each", self.samples());
        assert_eq!(self.count("/scans/counters/dropped"), 0);
        // Nothing is lost between the controller and the store.
        assert!(self.heard() >= self.reported(), "{}", self.result);
        let memory = self.counts("memory_kib");
        let growth = memory[memory.len() - 1].saturating_sub(memory[0]);
        assert!(growth < GROWTH_KIB_MAX, "{memory:?} KiB");
        // Each phone has at most its present address, and the last for 30 s.
        let objects = self.counts("objects");
        let most = u64::try_from(self.phones * 2 + 2).expect("few");
        assert!(
            objects.iter().all(|count| *count <= most),
            "{objects:?} objects"
        );
        assert_eq!(objects.last(), Some(&0), "objects stay: {objects:?}");
    }

    fn row(&self) -> Vec<String> {
        let is_windows = self.scenario == WINDOWS;
        let minutes = u32::try_from(self.count("/minutes")).expect("few");
        let used = |name: &str| {
            let at = |place: usize| self.result["cpu"][place][name].as_f64().expect("seconds");
            (at(1) - at(0)) / (f64::from(minutes) * 60.0) * 100.0
        };
        let memory = self.counts("memory_kib").into_iter().max().expect("some");
        vec![
            self.phones.to_string(),
            name_of(self.model).to_owned(),
            self.text("/method"),
            if is_windows { "windows" } else { "all the time" }.to_owned(),
            "all".to_owned(),
            format!("{:.1}", self.samples()),
            format!("{}, {}, {}", self.sent(), self.reported(), self.heard()),
            self.count("/scans/counters/dropped").to_string(),
            format!(
                "{:.2} %, {:.2} %, {:.2} %",
                used("sesshokud"),
                used("bluetoothd"),
                used("dbus-daemon")
            ),
            format!("{} MiB", memory.div_ceil(1_024)),
            self.counts("objects").iter().max().expect("some").to_string(),
        ]
    }

    /// How many samples were kept of each phone in a cycle.
    fn samples(&self) -> f64 {
        let all = |of: fn(&Cycle) -> usize| {
            let sum: usize = self.cycles.iter().map(of).sum();
            f64::from(u32::try_from(sum).expect("few"))
        };
        all(|cycle| cycle.samples) / all(|cycle| cycle.phones.len())
    }

    fn sent(&self) -> u64 {
        self.count("/air/1/pdus") - self.count("/air/0/pdus")
    }

    fn reported(&self) -> u64 {
        self.count("/air/1/reports") - self.count("/air/0/reports")
    }

    fn heard(&self) -> u64 {
        self.count("/scans/counters/heard")
    }

    #[track_caller]
    fn count(&self, place: &str) -> u64 {
        let value = self.result.pointer(place).and_then(Value::as_u64);
        value.unwrap_or_else(|| panic!("no {place} in {}", self.result))
    }

    fn counts(&self, name: &str) -> Vec<u64> {
        let values = self.result[name].as_array().expect("a list").iter();
        values
            .map(|value| value.as_u64().expect("a number"))
            .collect()
    }

    #[track_caller]
    fn text(&self, place: &str) -> String {
        let value = self.result.pointer(place).and_then(Value::as_str);
        value
            .unwrap_or_else(|| panic!("no {place} in {}", self.result))
            .to_owned()
    }
}

fn name_of(model: Model) -> &'static str {
    if model.extended { "extended" } else { "legacy" }
}

/// One crowd for a look at it: `SESSHOKU_CROWD=500,legacy,plain,kiosk-in-a-crowd`.
#[test]
#[ignore = "for a look at one crowd"]
#[expect(clippy::print_stdout, reason = "what it is for")]
fn one_crowd() {
    let wanted = std::env::var("SESSHOKU_CROWD").expect("which");
    let words: Vec<&str> = wanted.split(',').collect();
    let model = if words[1] == "legacy" { LEGACY } else { EXTENDED };
    let scenario = [WINDOWS, FOR_HOURS, ALL_THE_TIME].into_iter().find(|name| *name == words[3]).expect("scenario");
    let mut crowd = Crowd::of(words[0].parse().expect("number"), model, words[2] == "experimental", scenario);
    if words.len() > 4 { crowd = crowd.at_its_own_speed(); }
    let start = std::time::Instant::now();
    let seen = crowd.see();
    println!("{} cycles, took {:?}\n{:?}", seen.cycles.len(), start.elapsed(), seen.row());
    println!("{}", seen.result);
    seen.check();
}
