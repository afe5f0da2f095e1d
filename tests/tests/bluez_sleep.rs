//! The kernel suspends the machine under the daemon: the scenario
//! `daemon-is-suspended`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use air::channel::Node;
use air::controller::Model;
use air::log::{Event, Record};
use gaen::advert;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sesshoku_tests::audit::audit;
use sesshoku_tests::guest::cpu_seconds;
use sesshoku_tests::setup::suspending_path;
use sesshoku_tests::uml::{EXTENDED, LEGACY, Machine, kernel_process, shared_dir};

#[test]
fn on_a_legacy_controller() {
    sleeps("sleep-legacy-plain", LEGACY, false);
}

#[test]
fn on_an_extended_controller() {
    sleeps("sleep-extended-experimental", EXTENDED, true);
}

fn sleeps(name: &str, model: Model, experimental: bool) {
    let is_over = AtomicBool::new(false);
    let run = std::thread::scope(|scope| {
        scope.spawn(|| wake(&shared_dir(name), &is_over));
        let machine = Machine::new(name, "daemon-is-suspended")
            .model(model)
            .experimental(experimental)
            .thin()
            .deadline(Duration::from_secs(300));
        let run = std::panic::catch_unwind(|| machine.run());
        is_over.store(true, Ordering::Relaxed);
        run.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    let audit = audit(run.air(), 0);
    assert!(audit.violations.is_empty(), "{:?}", audit.violations);
    assert_eq!(identifiers_by_sleep(run.air()).len(), 4);
}

/// The identifiers on the air before, between and after the times asleep: none is
/// there twice, and none while the machine sleeps.
fn identifiers_by_sleep(air: &[Record]) -> Vec<BTreeSet<&[u8]>> {
    let mut awake = vec![BTreeSet::new()];
    let mut is_asleep = false;
    for record in air {
        if let Event::Instruction { line } = &record.event {
            match line.as_str() {
                "mark suspend" => is_asleep = true,
                "mark resume" => {
                    is_asleep = false;
                    awake.push(BTreeSet::new());
                }
                _ => {}
            }
        } else if let Event::Pdu { from, pdu, .. } = &record.event
            && *from == Node::Controller(0)
            && advert::parse(&pdu.data).is_some()
        {
            assert!(!is_asleep, "at {} µs it sends asleep", record.at_us);
            let (now, before) = awake.split_last_mut().expect("at least one");
            let data = pdu.data.as_slice();
            assert!(before.iter().all(|before| !before.contains(data)), "again");
            now.insert(data);
        }
    }
    assert!(awake.iter().all(|identifiers| !identifiers.is_empty()));
    awake
}

/// Wakes the guest's kernel whenever it is suspended: User-Mode Linux takes SIGUSR1 as
/// the press of a button. It has said that it will be; the way there takes it little of
/// the processor, however busy that is, and asleep it takes much: its time flies.
fn wake(shared_dir: &Path, is_over: &AtomicBool) {
    const LOOK_EVERY: Duration = Duration::from_millis(100);
    const WAY_SECONDS: f64 = 0.2;
    let mut at_first = None;
    while !is_over.load(Ordering::Relaxed) {
        let kernel = suspending_path(shared_dir)
            .exists()
            .then(|| kernel_process(shared_dir))
            .flatten();
        let used = kernel
            .and_then(|kernel| u32::try_from(kernel).ok())
            .and_then(|kernel| cpu_seconds(kernel).ok());
        if let (Some(kernel), Some(used)) = (kernel, used) {
            if used - *at_first.get_or_insert(used) >= WAY_SECONDS {
                kill(Pid::from_raw(kernel), Signal::SIGUSR1).expect("it runs");
                at_first = None;
            }
        } else {
            at_first = None;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
