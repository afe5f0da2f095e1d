//! The real kernel and the real bluetoothd, with emulated controllers.
//!
//! Each test starts a guest with a scenario of `src/bin/guest` and judges what it
//! left. `make test-bluez` runs just these.

use std::collections::BTreeMap;
use std::time::Duration;

use air::address::Address;
use air::channel::Node;
use air::controller::Model;
use air::hci::Status;
use air::log::{Event, Record};
use air::pdu::PduKind;
use serde_json::Value;
use sesshoku_tests::audit::{Audit, Broadcast, ViolationKind, audit, reports};
use sesshoku_tests::local::skipped;
use sesshoku_tests::uml::{EXTENDED, LEGACY, Machine, NOON, is_newer_asked_for, newer_bluetoothd};

const DUAL_MODE: Model = Model {
    classic: false,
    dual_mode: true,
    extended: false,
};
const DUAL_MODE_EXTENDED: Model = Model {
    classic: false,
    dual_mode: true,
    extended: true,
};
const CLASSIC: Model = Model {
    classic: true,
    dual_mode: false,
    extended: false,
};

/// Fails, with each in words, when there are violations.
#[track_caller]
fn assert_clean(audit: &Audit) {
    let violations: Vec<String> = audit.violations.iter().map(ToString::to_string).collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

mod tier {
    use super::*;

    fn rotates(machine: Machine) {
        let run = machine.run();
        let audit = audit(run.air(), 0);
        assert_clean(&audit);
        assert_eq!(audit.broadcasts.len(), 3);
        // An extended controller sends every 1.3 seconds.
        for broadcast in &audit.broadcasts {
            let seconds = (broadcast.last_us - broadcast.first_us) / 1_000_000;
            assert!((7..=11).contains(&seconds), "{broadcast:?}");
        }
    }

    #[test]
    fn a_legacy_controller_rotates() {
        rotates(Machine::new("tier-rotates-legacy", "probe-rotates").model(LEGACY));
    }

    #[test]
    fn an_extended_controller_rotates() {
        rotates(Machine::new("tier-rotates-extended", "probe-rotates").model(EXTENDED));
    }

    #[test]
    fn a_dual_mode_controller_rotates() {
        rotates(Machine::new("tier-rotates-dual", "probe-rotates").model(DUAL_MODE));
    }

    #[test]
    fn an_extended_dual_mode_controller_rotates() {
        let machine = Machine::new("tier-rotates-dual-extended", "probe-rotates");
        rotates(machine.model(DUAL_MODE_EXTENDED));
    }

    #[test]
    fn hours_pass_in_seconds() {
        let run = Machine::new("tier-hours", "probe-rotates-for-hours").run();
        let audit = audit(run.air(), 0);
        assert_clean(&audit);
        assert_eq!(audit.broadcasts.len(), 8);
        for broadcast in &audit.broadcasts {
            let seconds = (broadcast.last_us - broadcast.first_us) / 1_000_000;
            assert!((895..=905).contains(&seconds), "{broadcast:?}");
        }
        let Event::Start { unix_us } = run.air()[0].event else {
            panic!("the log does not begin with its start");
        };
        let after_boot = Duration::from_micros(unix_us).as_secs() - u64::from(NOON);
        assert!(after_boot < 60, "{after_boot} s");
    }

    /// Trap 1 of docs/bluez.md; the audit must see it.
    #[test]
    fn the_audit_notices_a_connectable_advert_from_the_identity_address() {
        let run = Machine::new("tier-connectable", "probe-is-connectable").run();
        let audit = audit(run.air(), 0);
        let kinds: Vec<_> = audit.violations.iter().map(|v| &v.kind).collect();
        assert!(
            kinds.contains(&&ViolationKind::WrongPdu(PduKind::AdvInd)),
            "{kinds:?}"
        );
        let identity = air::room::identity(0);
        assert!(
            kinds.contains(&&ViolationKind::IdentityAddress(identity)),
            "{kinds:?}"
        );
    }

    /// Trap 2 of docs/bluez.md; the audit must see it.
    #[test]
    fn the_audit_notices_two_adverts_at_once() {
        let run = Machine::new("tier-overlap", "probe-overlaps").run();
        let audit = audit(run.air(), 0);
        let kinds: Vec<_> = audit.violations.iter().map(|v| &v.kind).collect();
        assert!(
            kinds.contains(&&ViolationKind::DataChangedInPlace),
            "{kinds:?}"
        );
    }

    fn hears(machine: Machine) {
        let run = machine.run();
        let mut expected: BTreeMap<Address, i64> = BTreeMap::new();
        for report in reports(run.air(), 0) {
            if report.from != Node::Phone("other".into()) {
                expected.insert(report.pdu.address, i64::from(report.rssi));
            }
        }
        assert_eq!(expected.len(), 2, "two phones were reported");
        let mut heard: BTreeMap<Address, i64> = BTreeMap::new();
        for line in run.text("probe.log").lines() {
            let line: Value = serde_json::from_str(line).expect("the probe prints JSON");
            assert_eq!(
                line["service_data"].as_str().map(str::len),
                Some(40),
                "{line}"
            );
            let address = line["address"].as_str().expect("an address");
            let rssi = line["rssi"].as_i64().expect("an RSSI");
            heard.insert(address.parse().expect("an address"), rssi);
        }
        assert_eq!(heard, expected);
        assert_clean(&audit(run.air(), 0));
    }

    #[test]
    fn phones_are_heard_by_a_legacy_controller() {
        hears(Machine::new("tier-hears-legacy", "probe-hears").model(LEGACY));
    }

    #[test]
    fn phones_are_heard_by_an_extended_controller() {
        hears(Machine::new("tier-hears-extended", "probe-hears").model(EXTENDED));
    }

    #[test]
    fn phones_are_heard_in_real_time_too() {
        hears(Machine::new("tier-hears-real-time", "probe-hears").in_real_time());
    }

    #[test]
    fn controllers_come_and_go() {
        let run = Machine::new("tier-plug", "controllers-come-and-go")
            .controllers(2)
            .run();
        assert_eq!(audit(run.air(), 0).broadcasts.len(), 1);
        let mut plugs = Vec::new();
        for record in run.air() {
            if let Event::Plugged { controller, .. } = record.event {
                plugs.push((controller, true));
            } else if let Event::Unplugged { controller } = record.event {
                plugs.push((controller, false));
            }
        }
        assert_eq!(plugs, [(0, true), (1, true), (1, false), (1, true)]);
    }
}

/// sesshokud and sesshoku on each kind of controller, with bluetoothd as phones run
/// it and with its experimental interfaces.
mod daemon {
    use std::collections::BTreeSet;

    use gaen::window::ExposureWindow;
    use sesshoku_tests::contacts;

    use super::*;

    fn machine(name: &str, scenario: &str, model: Model, experimental: bool) -> Machine {
        let kind = if model.extended { "extended" } else { "legacy" };
        let interfaces = if experimental {
            "experimental"
        } else {
            "plain"
        };
        Machine::new(&format!("{name}-{kind}-{interfaces}"), scenario)
            .model(model)
            .experimental(experimental)
            .deadline(Duration::from_secs(300))
    }

    /// One test for each kind of controller and bluetoothd.
    macro_rules! on_all {
        ($scenario:ident) => {
            mod $scenario {
                use super::*;

                #[test]
                fn on_a_legacy_controller() {
                    super::$scenario(LEGACY, false);
                }

                #[test]
                fn on_a_legacy_controller_experimental() {
                    super::$scenario(LEGACY, true);
                }

                #[test]
                fn on_an_extended_controller() {
                    super::$scenario(EXTENDED, false);
                }

                #[test]
                fn on_an_extended_controller_experimental() {
                    super::$scenario(EXTENDED, true);
                }
            }
        };
    }
    on_all!(broadcasts);
    on_all!(hears_a_phone);
    on_all!(meet);
    on_all!(leaves_other_programs_their_discovery);

    fn broadcasts(model: Model, experimental: bool) {
        let run = machine(
            "daemon-broadcasts",
            "daemon-broadcasts",
            model,
            experimental,
        )
        .run();
        let audit = audit(run.air(), 0);
        assert_clean(&audit);
        // 90 minutes at 10 to 20 minutes each.
        let count = audit.broadcasts.len();
        assert!((5..=10).contains(&count), "{count} broadcasts");
        for broadcast in &audit.broadcasts[..count - 1] {
            let seconds = (broadcast.last_us - broadcast.first_us) / 1_000_000;
            // A scan window may hold a rotation up for its four seconds.
            assert!((598..=1_206).contains(&seconds), "{broadcast:?}");
        }
        for pair in audit.broadcasts.windows(2) {
            let gap_ms = (pair[1].first_us - pair[0].last_us) / 1_000;
            assert!(gap_ms < 5_000, "{gap_ms} ms of silence");
        }
        // The scenario asks for counters when the daemon has ended.
        let ended_us = run
            .air()
            .iter()
            .find(|record| matches!(&record.event, Event::Instruction { line } if line == "stats"))
            .expect("the scenario told the end")
            .at_us;
        assert!(
            audit.broadcasts[count - 1].last_us <= ended_us,
            "on the air after the end"
        );
        let status: Value = serde_json::from_str(&run.text("status.json")).expect("JSON");
        assert_eq!(status["scans"]["counters"]["rotations"], count, "{status}");
        assert_eq!(
            status["scans"]["counters"]["broadcast-failures"], 0,
            "{status}"
        );
    }

    fn hears_a_phone(model: Model, experimental: bool) {
        check_hearing(machine("daemon-hears", "daemon-hears", model, experimental));
    }

    fn leaves_other_programs_their_discovery(model: Model, experimental: bool) {
        let scenario = "daemon-leaves-discovery";
        assert_clean(&audit(
            machine(scenario, scenario, model, experimental).run().air(),
            0,
        ));
    }

    /// A legacy controller cannot change its address while it scans.
    #[test]
    fn a_search_without_a_pause_is_told_where_it_keeps_an_advert_off_the_air() {
        const SEARCHING: &str = "another program is searching";
        for (model, experimental) in [(LEGACY, false), (LEGACY, true), (EXTENDED, false)] {
            let scenario = "daemon-beside-a-search";
            let run = machine(scenario, scenario, model, experimental).run();
            let audit = audit(run.air(), 0);
            assert_clean(&audit);
            let mark = |line: &str| {
                let is_it = |record: &&Record| matches!(&record.event, Event::Instruction { line: it } if it == line);
                run.air().iter().find(is_it).map(|record| record.at_us)
            };
            let over = mark("mark over").expect("the scenario has an end");
            let end = mark("mark end").expect("the scenario has an end");
            let is_after = |broadcast: &&Broadcast| (over..end).contains(&broadcast.first_us);
            let searching = mark("mark searching").expect("it was told");
            if model.extended || is_newer_asked_for().expect("a version that there is") {
                assert!(!run.text("said").contains(SEARCHING));
                let meanwhile = searching..over;
                let begun = audit.broadcasts.iter();
                let begun = begun.filter(|it| meanwhile.contains(&it.first_us)).count();
                assert!(begun >= 2, "{begun} identifiers in 45 minutes");
                continue;
            }
            assert!(run.text("said").contains(SEARCHING), "{}", run.text("said"));
            assert!(
                audit.broadcasts.iter().any(|it| is_after(&it)),
                "it goes on"
            );
            let refused = run.air().iter().filter(|record| {
                let is_refused = matches!(&record.event, Event::Command { status, .. } if *status != Status::Success);
                is_refused && (searching..over).contains(&record.at_us)
            });
            // Two or three tries a minute; each is two commands at the most.
            let refused = refused.count();
            assert!(
                (20..=20 * 6).contains(&refused),
                "{refused} commands refused"
            );
        }
    }

    #[test]
    fn a_controller_without_low_energy_is_told() {
        let scenario = "daemon-classic";
        let run = machine(scenario, scenario, CLASSIC, false).run();
        let status: Value = serde_json::from_str(&run.text("status.json")).expect("JSON");
        assert_eq!(status["reason"], "adapter-incapable", "{status}");
        assert_eq!(status["adapter"], "hci0", "{status}");
    }

    /// `make test-bluez BLUETOOTHD=5.82` has it in every test.
    #[test]
    fn hears_a_phone_with_bluetoothd_5_82() {
        let bluetoothd = match newer_bluetoothd() {
            Ok(bluetoothd) => bluetoothd,
            Err(error) => {
                skipped(&format!("there is no bluetoothd 5.82: {error:#}"));
                return;
            }
        };
        for (model, experimental) in [(LEGACY, true), (EXTENDED, false)] {
            let machine = machine("daemon-hears-5.82", "daemon-hears", model, experimental);
            check_hearing(machine.bluetoothd(bluetoothd));
        }
    }

    fn check_hearing(machine: Machine) {
        let run = machine.run();
        assert_clean(&audit(run.air(), 0));
        let sightings = contacts::sightings(&run.text("sightings.jsonl"));
        assert!(
            sightings.iter().all(|sighting| sighting.rssi == -65),
            "as the emulator sent it"
        );

        // Whoever is there for 30 minutes is heard in every scan cycle of them: the
        // longest time from one to the next is the longest time between windows.
        let heard: BTreeSet<u32> = sightings.iter().map(|it| it.time.get()).collect();
        let heard: Vec<u32> = heard.into_iter().collect();
        let longest = heard
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .max()
            .expect("heard");
        assert!(longest <= 305, "{longest} s without hearing the phone");
        let cycles: BTreeSet<_> = sightings.iter().map(|it| it.scan.cycle).collect();
        assert!((6..=9).contains(&cycles.len()), "{} cycles", cycles.len());

        let windows = contacts::exposure(&sightings, &contacts::keys(run.air(), None));
        // Transmit power −12 dBm, received at −65 dBm.
        for instance in windows.iter().flat_map(|window| &window.instances) {
            assert_eq!(
                (instance.typical_attenuation, instance.minimum_attenuation),
                (53, 53)
            );
        }
        assert_minutes(&windows, 30);
    }

    fn meet(model: Model, experimental: bool) {
        let run = machine("daemons-meet", "daemons-meet", model, experimental)
            .controllers(2)
            .run();
        assert_clean(&audit(run.air(), 0));
        assert_clean(&audit(run.air(), 1));
        for name in ["positive.jsonl", "other.jsonl"] {
            assert!(
                !contacts::sightings(&run.text(name)).is_empty(),
                "each hears the other"
            );
        }
        let result: Value = serde_json::from_str(&run.text("contacts.json")).expect("JSON");
        assert_ne!(result["before"]["verdict"], "contact", "{result}");
        assert_eq!(result["check"], 0, "{result}");
        assert_eq!(result["after"]["verdict"], "contact", "{result}");
        let contacts = result["after"]["contacts"].as_array().expect("a list");
        assert_eq!(contacts.len(), 1, "{result}");
        assert_eq!(contacts[0]["date"], "2023-11-14", "{result}");
        assert_eq!(contacts[0]["contacts"], 1, "{result}");
        let seconds = contacts[0]["seconds"].as_u64().expect("a number");
        assert!((25 * 60..=35 * 60).contains(&seconds), "{result}");
        assert_eq!(contacts[0]["near_seconds"], seconds, "{result}");
    }

    /// With both servers, a number that came by mail, and a third who is far off.
    #[test]
    fn who_is_near_is_told_and_nobody_else() {
        let run = machine("daemons-story", "who-is-near-is-told", EXTENDED, false)
            .controllers(3)
            .deadline(Duration::from_secs(600))
            .run();
        for controller in 0..3 {
            assert_clean(&audit(run.air(), controller));
        }
        let result: Value = serde_json::from_str(&run.text("contacts.json")).expect("JSON");
        assert_eq!(result["near"]["verdict"], "contact", "{result}");
        let contacts = result["near"]["contacts"].as_array().expect("a list");
        assert_eq!(contacts.len(), 1, "{result}");
        let seconds = contacts[0]["near_seconds"].as_u64().expect("a number");
        assert!((15 * 60..=25 * 60).contains(&seconds), "{result}");
        assert_eq!(result["far"]["verdict"], "none", "{result}");
    }

    /// Within a scan cycle, which is up to five minutes.
    #[track_caller]
    fn assert_minutes(windows: &[ExposureWindow], minutes: u32) {
        let seconds = contacts::seconds(windows);
        let range = (minutes - 5) * 60..=(minutes + 5) * 60;
        assert!(range.contains(&seconds), "{seconds} s: {windows:?}");
    }
}
