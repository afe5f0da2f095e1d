//! Nothing that is on the air ties identifiers together or tells who the device is:
//! the scenario `daemon-stays-private`, more than a day long, on each kind of
//! controller and bluetoothd. Its table is in docs/bluetooth.md.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use air::address::AddressType;
use air::channel::Node;
use air::controller::Model;
use air::log::{Event, Record};
use air::pdu::Pdu;
use gaen::advert;
use gaen::key::{Rpi, Tek};
use gaen::time::{Interval, UnixSeconds};
use serde_json::Value;
use sesshoku_tests::audit::{
    Audit, Violation, ViolationKind, audit, is_question, without_discoverability,
    without_questions, without_the_unpreventable,
};
use sesshoku_tests::uml::{EXTENDED, LEGACY, Machine, NOON, Run};

const SECOND: u64 = 1_000_000;

/// How far an identifier's interval may be from the wall clock when it goes on the
/// air; receivers accept twice that (docs/protocol.md §3).
const REACH: u32 = 6;

#[test]
fn on_a_legacy_controller() {
    stays_private("privacy-legacy-plain", LEGACY, false);
}

#[test]
fn on_a_legacy_controller_experimental() {
    stays_private("privacy-legacy-experimental", LEGACY, true);
}

#[test]
fn on_an_extended_controller() {
    stays_private("privacy-extended-plain", EXTENDED, false);
}

#[test]
fn on_an_extended_controller_experimental() {
    stays_private("privacy-extended-experimental", EXTENDED, true);
}

#[test]
fn nothing_is_sent_from_resolvable_addresses() {
    for (name, model) in [
        ("resolvable-legacy", LEGACY),
        ("resolvable-extended", EXTENDED),
    ] {
        let run = Machine::new(name, "daemon-is-resolvable")
            .model(model)
            .resolvable()
            .run();
        let sent = run.air().iter().filter_map(is_ours).count();
        assert_eq!(sent, 0, "{name}");
    }
}

/// Whatever the radio waits for, privacy does not wait.
#[test]
fn an_adapter_that_is_shown_silences_a_radio_that_is_held_up() {
    for (name, extended) in [("held-up-legacy", false), ("held-up-extended", true)] {
        let run = Machine::new(name, "radio-is-held-up")
            .model(Model {
                dual_mode: true,
                extended,
                ..LEGACY
            })
            .run();
        silent_while_shown(run.air());
        let is_mark = |record: &Record, mark: &str| matches!(&record.event, Event::Instruction { line } if line == mark);
        let mut parts = run
            .air()
            .split(|record| is_mark(record, "mark discoverable"));
        let before = parts.next().unwrap_or_default();
        let mut parts = parts
            .next()
            .unwrap_or_default()
            .split(|record| is_mark(record, "mark hidden"));
        let after = parts.nth(1).unwrap_or_default();
        for sent in [before, after] {
            assert!(sent.iter().filter_map(is_ours).count() > 0, "{name}");
        }
    }
}

/// What goes out where the adapter showed itself before the daemon was started. The last
/// case is what no daemon can know; its figures are in docs/bluetooth.md.
#[test]
fn an_adapter_that_shows_itself_when_the_daemon_starts_is_known_where_it_can_be() {
    let run = Machine::new("starts-exposed", "daemon-starts-exposed")
        .model(EXTENDED)
        .deadline(Duration::from_secs(300))
        .run();
    let mut phase = "";
    let mut sent: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for record in run.air() {
        if let Event::Instruction { line } = &record.event {
            phase = line.strip_prefix("mark ").unwrap_or(phase);
        } else if let Event::Pdu { from, pdu, .. } = &record.event
            && *from == Node::Controller(0)
        {
            let (public, ours) = sent.entry(phase).or_default();
            *public += u32::from(pdu.address_type == AddressType::Public);
            *ours += u32::from(is_ours(record).is_some());
        }
    }
    let (public, ours) = sent.get("seen").copied().unwrap_or_default();
    assert!(public > 1_000, "it shows itself: {sent:?}");
    assert_eq!(ours, 0, "{sent:?}");
    let (public, ours) = sent.get("hidden").copied().unwrap_or_default();
    assert_eq!(public, 0, "{sent:?}");
    assert!(ours > 1_000, "{sent:?}");
    let (public, ours) = sent.get("unknown").copied().unwrap_or_default();
    assert!(public > 0 && ours > 0, "this can be known now: {sent:?}");
    println!("adverts from the public address, and of ours: {sent:?}");
    let rest = without_discoverability(run.air(), &["mark discoverable"], &["mark hidden"]);
    let rest = without_the_unpreventable(&rest);
    let audit = audit(&rest, 0);
    assert!(audit.violations.is_empty(), "{:?}", audit.violations);
}

fn stays_private(name: &str, model: Model, experimental: bool) {
    let run = Machine::new(name, "daemon-stays-private")
        .model(model)
        .experimental(experimental)
        .thin()
        .deadline(Duration::from_secs(580))
        .run();
    let questions = run.air().iter().filter(|it| is_question(it)).count();
    assert!(questions > 100, "{questions} questions of scans");
    silent_while_shown(run.air());
    back_with_another_identifier(run.air(), model);
    let records = without_discoverability(run.air(), &["mark discoverable"], &["mark hidden"]);
    let mut records = without_the_unpreventable(&records);
    if model.extended {
        // By its own address, which does not change, the other advert tells as much.
        let returned = audit(&records, 0).violations;
        let is_return = |it: &Violation| matches!(it.kind, ViolationKind::AddressReturned(_));
        assert!(returned.iter().any(is_return), "this can be prevented now");
        records = without_questions(&records, "mark another", "mark alone");
    }
    let audit = audit(&records, 0);
    assert_violations(&audit, model);
    let count = audit.broadcasts.len();
    assert!(count >= 45, "{count} broadcasts");
    assert_of_the_day(&run, &audit);
}

/// From a second after the adapter became discoverable until it is hidden, no
/// identifier is sent.
fn silent_while_shown(air: &[Record]) {
    let mut shown_us: Option<u64> = None;
    for record in air {
        if let Event::Instruction { line } = &record.event {
            match line.as_str() {
                "mark discoverable" => shown_us = Some(record.at_us),
                "mark hidden" => shown_us = None,
                _ => {}
            }
        } else if let Some(pdu) = is_ours(record) {
            let since = shown_us.and_then(|shown| record.at_us.checked_sub(shown));
            assert!(
                since.is_none_or(|us| us < SECOND),
                "at {} s: {:?} while discoverable",
                record.at_us / SECOND,
                pdu.kind
            );
        }
    }
}

/// Within ten seconds after the adapter is hidden, and after bluetoothd is back, a
/// new identifier is on the air; the clock's new time is known within a scan cycle.
fn back_with_another_identifier(air: &[Record], model: Model) {
    let mut before: BTreeSet<&[u8]> = BTreeSet::new();
    let mut due: Option<(u64, &str)> = None;
    for record in air {
        if let Event::Instruction { line } = &record.event {
            let within = match line.as_str() {
                "mark hidden" | "mark back" => Some(10),
                // Only a legacy controller had to give way. The core tries again
                // once a minute.
                "mark alone" => (!model.extended).then_some(70),
                "mark discoverable" | "mark another" => None,
                line if line.starts_with("mark clock") => Some(310),
                _ => continue,
            };
            due = within.map(|seconds| (record.at_us + seconds * SECOND, line.as_str()));
        } else if let Some(pdu) = is_ours(record) {
            if let Some((until, line)) = due {
                assert!(record.at_us <= until, "nothing new after {line:?}");
            }
            if before.insert(&pdu.data) {
                due = None;
            }
        }
    }
    assert!(due.is_none(), "nothing new after {due:?}");
}

/// A legacy controller has one set of data: the other program's goes into it while
/// ours is on the air, and ours has to go. Everything else is clean.
fn assert_violations(audit: &Audit, model: Model) {
    let others: Vec<String> = audit
        .violations
        .iter()
        .filter(|violation| model.extended || violation.kind != ViolationKind::DataChangedInPlace)
        .map(ToString::to_string)
        .collect();
    assert!(others.is_empty(), "{}", others.join("\n"));
}

/// Every identifier is that of one of the device's own keys and of an interval near
/// the wall clock of the moment it went on the air.
fn assert_of_the_day(run: &Run, audit: &Audit) {
    let intervals = own_identifiers(&run.text("keys.jsonl"));
    let jumps: Vec<(u64, i64)> = run
        .air()
        .iter()
        .filter_map(|record| {
            let Event::Instruction { line } = &record.event else {
                return None;
            };
            let seconds = line.strip_prefix("mark clock ")?;
            Some((record.at_us, seconds.parse().expect("seconds")))
        })
        .collect();
    let start = sesshoku_tests::audit::unix_seconds(run.air(), 0).expect("the log has its start");
    assert!(start.abs_diff(u64::from(NOON)) < 60, "{start}");
    for broadcast in &audit.broadcasts {
        let interval = intervals.get(&broadcast.rpi);
        let interval = interval.unwrap_or_else(|| panic!("of no own key: {broadcast:?}"));
        let jumped: i64 = jumps
            .iter()
            .filter(|(at_us, _)| *at_us < broadcast.first_us)
            .map(|(_, seconds)| seconds)
            .sum();
        let wall = i64::try_from(start + broadcast.first_us / SECOND).expect("seconds") + jumped;
        let wall = UnixSeconds::new(u32::try_from(wall).expect("seconds"));
        assert!(
            interval.abs_diff(wall.interval()) <= REACH,
            "{interval:?} at {wall:?}: {broadcast:?}"
        );
        assert_eq!(interval.utc_day(), wall.utc_day(), "{broadcast:?}");
    }
}

fn own_identifiers(keys: &str) -> BTreeMap<Rpi, Interval> {
    let mut intervals = BTreeMap::new();
    for line in keys.lines() {
        let key: Value = serde_json::from_str(line).expect("JSON");
        let tek = hex::decode(key["tek"].as_str().expect("hex")).expect("hex");
        let rpik = Tek::from_bytes(tek.try_into().expect("16 bytes")).rpik();
        let start = u32::try_from(key["rolling_start"].as_u64().expect("number")).expect("u32");
        for offset in 0..144 {
            let interval = Interval::new(start + offset);
            intervals.insert(rpik.rpi(interval), interval);
        }
    }
    intervals
}

/// An advert of the device in `record`.
fn is_ours(record: &Record) -> Option<&Pdu> {
    let Event::Pdu { from, pdu, .. } = &record.event else {
        return None;
    };
    let is_advert = *from == Node::Controller(0) && advert::parse(&pdu.data).is_some();
    is_advert.then_some(pdu)
}
