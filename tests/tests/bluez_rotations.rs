//! The radio in many rotations: none stalls, nothing grows, and an identifier and an
//! address belong to each other. The figures are in docs/bluetooth.md.

use std::collections::BTreeMap;
use std::time::Duration;

use air::address::AddressType;
use air::channel::Node;
use air::controller::Model;
use air::log::{Event, Record};
use air::pdu::Pdu;
use gaen::advert;
use serde_json::Value;
use sesshoku_tests::audit::{
    ViolationKind, audit, is_question, without_discoverability, without_questions,
    without_the_unpreventable,
};
use sesshoku_tests::uml::{EXTENDED, LEGACY, Machine};

const ROTATIONS: u32 = 500;
const DISTURBED_ROTATIONS: u32 = 300;
const MANY_DISTURBED_ROTATIONS: u32 = 10_000;
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

#[test]
fn nothing_ties_them_together_on_a_legacy_controller() {
    disturbed("rotations-legacy-disturbed", LEGACY, DISTURBED_ROTATIONS);
}

#[test]
fn nothing_ties_them_together_on_an_extended_controller() {
    disturbed(
        "rotations-extended-disturbed",
        EXTENDED,
        DISTURBED_ROTATIONS,
    );
}

/// docs/bluez.md, trap 9.
#[test]
fn what_the_kernel_was_left_with_is_not_sent_beside_ours() {
    for (name, model) in [("left-legacy", LEGACY), ("left-extended", EXTENDED)] {
        let run = Machine::new(name, "radio-is-left-adverts")
            .model(model)
            .run();
        let mut when = "";
        let mut sent: BTreeMap<&str, Vec<&Pdu>> = BTreeMap::new();
        for record in run.air() {
            if let Event::Instruction { line } = &record.event {
                when = line.strip_prefix("mark ").unwrap_or(when);
            } else if let Event::Pdu { from, pdu, .. } = &record.event
                && *from == Node::Controller(0)
            {
                sent.entry(when).or_default().push(pdu);
            }
        }
        let count = |when: &str, is_counted: &dyn Fn(&Pdu) -> bool| {
            let pdus = sent.get(when).into_iter().flatten();
            pdus.filter(|pdu| is_counted(pdu)).count()
        };
        let is_ours = |pdu: &Pdu| advert::parse(&pdu.data).is_some();
        for rotation in ["0", "1", "2"] {
            assert_eq!(count(rotation, &|pdu| !is_ours(pdu)), 0, "{name}");
            assert!(count(rotation, &is_ours) > 5, "{name}");
        }
        // The kernel's own, and what takes its place.
        let others = count("on", &|pdu| !is_ours(pdu));
        assert!(others <= 5, "{name}: {others}");
        let last = count("closed", &is_ours);
        println!("{name}: {others} to sweep; {last} from a radio that was closed while off");
        if model.extended {
            assert_eq!(last, 0);
        } else {
            assert!(last > 0, "this can be prevented now");
        }
    }
}

#[test]
#[ignore = "takes half an hour: make test-rotations"]
fn nothing_ties_ten_thousand_together_on_a_legacy_controller() {
    disturbed("rotations-legacy-many", LEGACY, MANY_DISTURBED_ROTATIONS);
}

#[test]
#[ignore = "takes half an hour: make test-rotations"]
fn nothing_ties_ten_thousand_together_on_an_extended_controller() {
    disturbed(
        "rotations-extended-many",
        EXTENDED,
        MANY_DISTURBED_ROTATIONS,
    );
}

/// Between the rotations the adapter is discoverable for a time, or switched off,
/// bluetoothd is killed, or another program advertises, all at random.
#[expect(clippy::print_stdout, reason = "figures for docs/bluetooth.md")]
fn disturbed(name: &str, model: Model, rotations: u32) {
    let run = Machine::new(name, "radio-rotates-disturbed")
        .model(model)
        .rotations(rotations)
        .thin()
        .deadline(Duration::from_secs(180 + u64::from(rotations) / 2))
        .run();
    let records = without_discoverability(run.air(), &["mark discoverable"], &["mark hidden"]);
    let mut records = without_the_unpreventable(&records);
    if model.extended {
        records = without_questions(&records, "mark another", "mark alone");
    } else {
        records = without_the_old_one(&records);
    }
    let asked = records.iter().filter(|record| is_question(record)).count();
    println!("{name}: {asked} questions of scans");
    assert!(asked > usize::try_from(rotations).expect("few"), "{asked}");
    let audit = audit(&records, 0);
    // A legacy controller has one set of data: the other program's goes into it while ours
    // is on the air, and ours has to go.
    let mut violations = audit
        .violations
        .iter()
        .filter(|violation| model.extended || violation.kind != ViolationKind::DataChangedInPlace);
    assert!(violations.next().is_none(), "{:?}", audit.violations);
    let result: Value = serde_json::from_str(&run.text("rotations.json")).expect("JSON");
    println!("{name}: {result}");
    for what in ["discoverable", "switched-off", "killed", "foreign-advert"] {
        assert!(result[what].as_u64() > Some(0), "{what}: {result}");
    }
    // What happens just after one was put on the air may take it off before it is sent.
    let happened = result["discoverable"].as_u64().expect("a number")
        + result["switched-off"].as_u64().expect("a number")
        + result["killed"].as_u64().expect("a number")
        + result["foreign-advert"].as_u64().expect("a number");
    let least = u64::from(rotations) - happened;
    assert!(
        u64::try_from(audit.broadcasts.len()).expect("few") >= least,
        "{} of {rotations} on the air: {result}",
        audit.broadcasts.len()
    );
}

/// The log without the one advert that a legacy controller sends when it is switched on, from
/// a new random address and with the identifier that it sent last (docs/bluetooth.md).
fn without_the_old_one(records: &[Record]) -> Vec<Record> {
    let mut is_on = false;
    let mut last: &[u8] = &[];
    let mut rest = Vec::with_capacity(records.len());
    for record in records {
        if let Event::Instruction { line } = &record.event {
            is_on = line == "mark on";
        } else if let Event::Pdu { pdu, .. } = &record.event {
            let is_old = pdu.data == last && pdu.address_type == AddressType::Random;
            if std::mem::take(&mut is_on) && is_old {
                continue;
            }
            if advert::parse(&pdu.data).is_some() {
                last = &pdu.data;
            }
        }
        rest.push(record.clone());
    }
    rest
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
