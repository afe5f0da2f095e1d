//! The radio in many rotations: none stalls, nothing grows, and an identifier and an
//! address belong to each other. The figures are in docs/bluetooth.md.

use std::time::Duration;

use air::controller::Model;
use serde_json::Value;
use sesshoku_tests::audit::audit;
use sesshoku_tests::uml::{EXTENDED, LEGACY, Machine};

const ROTATIONS: u32 = 500;
/// A call that is not answered is given up after five seconds.
const TOOK_MS_MAX: u64 = 1_000;
/// Between the first look at the memory, after 50 rotations, and the last.
const GROWTH_KIB_MAX: u64 = 1_024;

#[test]
fn none_stalls_on_a_legacy_controller() {
    undisturbed("rotations-legacy-plain", LEGACY, false);
}

#[test]
fn none_stalls_on_a_legacy_controller_experimental() {
    undisturbed("rotations-legacy-experimental", LEGACY, true);
}

#[test]
fn none_stalls_on_an_extended_controller() {
    undisturbed("rotations-extended-plain", EXTENDED, false);
}

#[test]
fn none_stalls_on_an_extended_controller_experimental() {
    undisturbed("rotations-extended-experimental", EXTENDED, true);
}

#[expect(clippy::print_stdout, reason = "figures for docs/bluetooth.md")]
fn undisturbed(name: &str, model: Model, experimental: bool) {
    let run = Machine::new(name, "radio-rotates")
        .model(model)
        .experimental(experimental)
        .rotations(ROTATIONS)
        .thin()
        .deadline(Duration::from_secs(580))
        .run();
    let audit = audit(run.air(), 0);
    assert!(audit.violations.is_empty(), "{:?}", audit.violations);
    let rotations = usize::try_from(ROTATIONS).expect("few");
    assert_eq!(audit.broadcasts.len(), rotations);
    let result: Value = serde_json::from_str(&run.text("rotations.json")).expect("JSON");
    let counts = |name: &str| -> Vec<u64> {
        let values = result[name].as_array().expect("a list").iter();
        values
            .map(|value| value.as_u64().expect("a number"))
            .collect()
    };
    let mut took_ms = counts("took_ms");
    assert_eq!(took_ms.len(), rotations);
    took_ms.sort_unstable();
    let longest = took_ms.last().copied().expect("some");
    println!(
        "{name}: {} ms, at most {longest} ms",
        took_ms[rotations / 2]
    );
    assert!(longest < TOOK_MS_MAX, "{longest} ms");
    for whose in ["memory_kib", "bluetoothd_kib"] {
        let memory = counts(whose);
        let growth = memory[memory.len() - 1].saturating_sub(memory[0]);
        println!("{name}: {whose} grew by {growth} KiB");
        assert!(growth < GROWTH_KIB_MAX, "{whose}: {memory:?}");
    }
}
