//! Many phones around: what is heard of them, and what it takes.
//!
//! `make bench-bluez` runs the large crowds, which are ignored otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use air::controller::Model;
use gaen::key::Rpi;
use serde_json::Value;
use sesshoku_tests::audit::audit;
use sesshoku_tests::contacts::sightings;
use sesshoku_tests::uml::{EXTENDED, LEGACY, Machine};

/// The daemon's memory may grow by this from the first look at a crowd to the last.
const GROWTH_KIB_MAX: u64 = 8 * 1024;

#[test]
fn one_phone() {
    crowd(1, "legacy", LEGACY, false, WINDOWS);
}

#[test]
fn fifty_phones() {
    crowd(50, "legacy", LEGACY, false, WINDOWS);
}

#[test]
fn two_hundred_phones() {
    crowd(200, "extended", EXTENDED, true, WINDOWS);
}

#[test]
fn fifty_phones_around_a_kiosk() {
    crowd(50, "extended", EXTENDED, true, ALL_THE_TIME);
}

#[test]
#[ignore = "a benchmark: `make bench-bluez`"]
fn crowds_in_windows() {
    for phones in [1, 50, 200, 500, 1_000] {
        for (controller, model, experimental) in KINDS {
            crowd(phones, controller, *model, *experimental, WINDOWS);
        }
    }
}

#[test]
#[ignore = "a benchmark: `make bench-bluez`"]
fn crowds_around_a_kiosk() {
    for phones in [50, 200, 500] {
        for (controller, model, experimental) in KINDS {
            crowd(phones, controller, *model, *experimental, ALL_THE_TIME);
        }
    }
}

const KINDS: &[(&str, Model, bool)] = &[
    ("legacy", LEGACY, false),
    ("legacy", LEGACY, true),
    ("extended", EXTENDED, false),
    ("extended", EXTENDED, true),
];
const WINDOWS: &str = "daemon-in-a-crowd";
const ALL_THE_TIME: &str = "kiosk-in-a-crowd";

#[expect(clippy::print_stdout, reason = "what a benchmark is for")]
fn crowd(phones: u32, controller: &str, model: Model, experimental: bool, scenario: &str) {
    let method = if experimental { "monitor" } else { "plain" };
    let before = cpu_seconds();
    let run = Machine::new(
        &format!("{scenario}-{phones}-{controller}-{method}"),
        scenario,
    )
    .model(model)
    .experimental(experimental)
    .phones(phones)
    .thin()
    .deadline(Duration::from_secs(590))
    .run();
    let guest_seconds = cpu_seconds() - before;
    assert!(audit(run.air(), 0).violations.is_empty());

    let result: Value = serde_json::from_str(&run.text("crowd.json")).expect("JSON");
    let counter = |name: &str| result["counters"][name].as_u64().expect("a counter");
    let list = |name: &str| -> Vec<u64> {
        let values = result[name].as_array().expect("a list").iter();
        values
            .map(|value| value.as_u64().expect("a number"))
            .collect()
    };
    let (memory, objects) = (list("memory_kib"), list("objects"));
    let reported = result["air"]["reports"].as_u64().expect("a counter");

    let mut cycles: BTreeMap<Option<u64>, (BTreeSet<Rpi>, u32)> = BTreeMap::new();
    for sighting in sightings(&run.text("sightings.jsonl")) {
        let (heard, samples) = cycles.entry(sighting.scan.cycle).or_default();
        heard.insert(sighting.rpi);
        *samples += 1;
    }
    // The phones came or went in the first and the last.
    let cycles: Vec<_> = cycles.into_values().collect();
    let whole = cycles.get(1..cycles.len() - 1).expect("several cycles");
    let fewest = whole
        .iter()
        .map(|(heard, _)| heard.len())
        .min()
        .expect("some");
    let samples: u32 = whole.iter().map(|(_, samples)| samples).sum();
    let people: usize = whole.iter().map(|(heard, _)| heard.len()).sum();
    let each = f64::from(samples) / f64::from(u32::try_from(people).expect("few"));

    println!(
        "{phones} phones, {controller}, {method}, {scenario}: {} cycles, at least {fewest} heard in each, \
         {each:.1} samples of each kept; {} adverts of {reported} reported, {} dropped; \
         memory {}–{} KiB; up to {} device objects; {guest_seconds:.1} s of processor for the whole guest",
        whole.len(),
        counter("heard"),
        counter("dropped"),
        memory.iter().min().expect("some"),
        memory.iter().max().expect("some"),
        objects.iter().max().expect("some"),
    );
    let phones = usize::try_from(phones).expect("few");
    assert!(
        fewest >= phones,
        "a phone was missed in a cycle: {fewest} of {phones}"
    );
    assert!(each >= 2.0, "{each} samples of each");
    assert_eq!(counter("dropped"), 0);
    let growth = memory.last().expect("some").saturating_sub(memory[0]);
    assert!(growth < GROWTH_KIB_MAX, "{memory:?} KiB");
    // Each phone has at most its present address, and the last for 30 s.
    let most = *objects.iter().max().expect("some");
    assert!(
        most <= u64::try_from(phones * 2 + 2).expect("few"),
        "{objects:?}"
    );
}

/// The processor time of the processes that this one has waited for.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("procfs");
    let after_name = stat.rsplit(')').next().expect("a name in brackets");
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    // cutime and cstime of proc(5), in ticks of 10 ms.
    let ticks: u32 = [13, 14]
        .iter()
        .map(|place| fields[*place].parse::<u32>().expect("ticks"))
        .sum();
    f64::from(ticks) / 100.0
}
