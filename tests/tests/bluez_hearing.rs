//! What is heard of phones that are near for known minutes at known strengths, in
//! each way to listen. The table is in docs/bluetooth.md.

use std::collections::BTreeMap;
use std::time::Duration;

use air::controller::Model;
use air::log::{Event, Record};
use serde_json::Value;
use sesshoku_tests::audit::audit;
use sesshoku_tests::contacts::{exposure, keys, seconds, sightings};
use sesshoku_tests::document::Table;
use sesshoku_tests::uml::{EXTENDED, LEGACY, Machine, Run};

/// The phones with their attenuation, and in words.
const PHONES: &[(&str, u8, &str)] = &[
    ("android", 59, "an Android phone"),
    ("iphone", 30, "an iPhone"),
    (
        "android-beside",
        59,
        "an Android phone, another program discovering",
    ),
    (
        "iphone-beside",
        30,
        "an iPhone, another program discovering",
    ),
];

/// A way to listen: in words, the scenario, on which controllers and bluetoothds, the
/// longest scan cycle, and the longest time between samples of two cycles that follow
/// each other, in seconds.
type Plan = (&'static str, &'static str, &'static [Kind], u32, u32);
const PLANS: &[Plan] = &[
    ("windows", "daemon-listens-in-windows", KINDS, 300, 312),
    // Without a monitor, also where there are any.
    (
        "all the time",
        "daemon-listens-all-the-time",
        PLAIN_KINDS,
        60,
        119,
    ),
];

/// A controller, and whether bluetoothd is experimental.
type Kind = (&'static str, Model, bool);

const KINDS: &[Kind] = &[
    ("legacy", LEGACY, false),
    ("legacy", LEGACY, true),
    ("extended", EXTENDED, false),
    ("extended", EXTENDED, true),
];
const PLAIN_KINDS: &[Kind] = &[("legacy", LEGACY, false), ("extended", EXTENDED, false)];

#[test]
fn minutes_and_attenuation_are_those_of_the_air() {
    let mut table = Table::new(&[
        "controller",
        "scan method",
        "listens",
        "whom",
        "attenuation",
        "minutes, of minutes near (measured)",
        "samples a cycle: fewest, mean (measured)",
    ]);
    for (plan, scenario, kinds, cycle, gap) in PLANS {
        // Two at a time: a guest takes one processor.
        for kinds in kinds.chunks(2) {
            let runs: Vec<Run> = std::thread::scope(|scope| {
                let runs: Vec<_> = kinds
                    .iter()
                    .map(|kind| scope.spawn(|| machine(scenario, kind).run()))
                    .collect();
                let joined = runs.into_iter().map(|run| run.join());
                joined
                    .map(|run| run.expect("a guest fails by panicking"))
                    .collect()
            });
            for ((controller, _, experimental), run) in kinds.iter().zip(&runs) {
                let method = if *experimental {
                    "monitor+discovery"
                } else {
                    "discovery"
                };
                let status: Value = serde_json::from_str(&run.text("status.json")).expect("JSON");
                assert_eq!(status["scans"]["counters"]["dropped"], 0, "{status}");
                assert!(audit(run.air(), 0).violations.is_empty());
                for (phone, attenuation, words) in PHONES {
                    let heard = Heard::of(run, phone, *attenuation);
                    let of = format!("{controller}, {method}, {plan}, {phone}");
                    // The scan that another program keeps running is started again by
                    // bluetoothd alone: one sample for each time.
                    let is_shared = phone.ends_with("-beside");
                    heard.check(&of, *cycle, *gap, if is_shared { 1 } else { 2 });
                    table.row(vec![
                        (*controller).to_owned(),
                        method.to_owned(),
                        (*plan).to_owned(),
                        (*words).to_owned(),
                        format!("{attenuation} dB"),
                        format!("{} of {}", heard.seconds / 60, heard.near_seconds / 60),
                        format!("{}, {:.1}", heard.fewest, heard.mean),
                    ]);
                }
            }
        }
    }
    table.check("docs/bluetooth.md", "hearing");
}

fn machine(scenario: &str, (controller, model, experimental): &Kind) -> Machine {
    let interfaces = if *experimental {
        "experimental"
    } else {
        "plain"
    };
    Machine::new(&format!("{scenario}-{controller}-{interfaces}"), scenario)
        .model(*model)
        .experimental(*experimental)
        .thin()
        .deadline(Duration::from_secs(580))
}

/// What was heard of a phone.
#[derive(Debug)]
struct Heard {
    near_seconds: u32,
    seconds: u32,
    fewest: usize,
    mean: f64,
    longest_gap: u32,
}

impl Heard {
    fn of(run: &Run, phone: &str, attenuation: u8) -> Self {
        let all = sightings(&run.text("sightings.jsonl"));
        let keys = keys(run.air(), Some(phone));
        assert_eq!(keys.len(), 1, "{phone} has a key");
        let windows = exposure(&all, &keys);
        for instance in windows.iter().flat_map(|window| &window.instances) {
            assert_eq!(
                (instance.typical_attenuation, instance.minimum_attenuation),
                (attenuation, attenuation),
                "{phone}"
            );
        }
        // The phone's own sightings, by cycle.
        let rpik = keys[0].tek.rpik();
        let of_phone = |rpi| {
            (0..144).any(|offset| rpik.rpi(keys[0].rolling_start.saturating_add(offset)) == rpi)
        };
        let mut cycles: BTreeMap<Option<u64>, (u32, usize)> = BTreeMap::new();
        for sighting in all.iter().filter(|sighting| of_phone(sighting.rpi)) {
            let cycle = cycles
                .entry(sighting.scan.cycle)
                .or_insert((sighting.time.get(), 0));
            cycle.1 += 1;
        }
        let times: Vec<u32> = cycles.values().map(|(time, _)| *time).collect();
        let counts: Vec<usize> = cycles.values().map(|(_, count)| *count).collect();
        // The first and the last cycle may have had the phone for a part only.
        let whole = counts.get(1..counts.len().max(2) - 1).unwrap_or_default();
        let total: usize = whole.iter().sum();
        Self {
            near_seconds: near_seconds(run.air(), phone),
            seconds: seconds(&windows),
            fewest: whole.iter().copied().min().unwrap_or(0),
            mean: f64::from(u32::try_from(total).expect("few"))
                / f64::from(u32::try_from(whole.len().max(1)).expect("few")),
            longest_gap: times
                .windows(2)
                .map(|pair| pair[1] - pair[0])
                .max()
                .unwrap_or(u32::MAX),
        }
    }

    /// The minutes are right within a cycle, no cycle misses the phone, and each has
    /// enough samples of it.
    fn check(&self, of: &str, cycle: u32, gap: u32, samples: usize) {
        let error = self.seconds.abs_diff(self.near_seconds);
        assert!(error <= cycle, "{of}: {self:?}");
        assert!(self.longest_gap <= gap, "{of}: {self:?}");
        assert!(self.fewest >= samples, "{of}: {self:?}");
    }
}

/// How long a phone was there, in seconds.
fn near_seconds(air: &[Record], phone: &str) -> u32 {
    let at = |word: &str| {
        let found = air.iter().find(|record| {
            let Event::Instruction { line } = &record.event else {
                return false;
            };
            let mut words = line.split(' ');
            words.next() == Some(word) && words.next() == Some(phone)
        });
        found.expect("the phone came and went").at_us
    };
    u32::try_from((at("remove") - at("phone")) / 1_000_000).expect("not for years")
}
