//! Runs a scenario in the guest: `guest FOLDER`, started by `tests/uml/init.sh`.
//!
//! A scenario does what only can be done inside; what it leaves in the shared
//! folder is judged by the test that started the guest.

mod conduct;
mod crowd;
mod daemon;
mod device;
mod hearing;
mod power;
mod privacy;
mod probe;
mod recovery;
mod rotations;
mod sleep;
mod story;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use sesshoku_tests::guest::Guest;
use sesshoku_tests::setup::result_path;

type Scenario = fn(&mut Guest) -> Result<()>;

/// Something that scans ask, with an address of the device in each question.
const ASKED: &str = "beacon watch data=020106 scan_response=0309686a interval=1000 rssi=-60";

/// Every scenario by its name.
const SCENARIOS: &[(&str, Scenario)] = &[
    ("probe-rotates", probe::rotates),
    ("probe-rotates-for-hours", probe::rotates_for_hours),
    ("probe-is-connectable", probe::is_connectable),
    ("probe-overlaps", probe::overlaps),
    ("probe-hears", probe::hears),
    ("controllers-come-and-go", probe::controllers_come_and_go),
    ("radio-conducts-itself", conduct::judged),
    ("radio-rotates", rotations::undisturbed),
    ("radio-is-left-adverts", rotations::left_behind),
    ("radio-rotates-disturbed", rotations::disturbed),
    ("radio-is-held-up", rotations::held_up),
    ("daemon-broadcasts", daemon::broadcasts),
    ("daemon-hears", daemon::hears),
    ("daemon-classic", daemon::classic),
    ("daemon-leaves-discovery", daemon::leaves_discovery),
    ("daemon-beside-a-search", daemon::beside_a_search),
    ("daemons-meet", daemon::meet),
    ("daemon-stays-private", privacy::stays_private),
    ("daemon-starts-exposed", privacy::starts_exposed),
    ("daemon-is-resolvable", privacy::is_resolvable),
    ("daemon-listens-in-windows", hearing::in_windows),
    ("daemon-listens-all-the-time", hearing::all_the_time),
    ("daemon-in-a-crowd", crowd::in_windows),
    ("daemon-in-a-crowd-for-hours", crowd::for_hours),
    ("kiosk-in-a-crowd", crowd::all_the_time),
    ("daemon-is-suspended", sleep::is_suspended),
    ("daemon-waits", power::waits),
    ("daemon-waits-beside", power::waits_beside),
    ("daemon-recovers", recovery::recovers),
    ("who-is-near-is-told", story::registers),
];

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1);
    let folder = folder.context("the shared folder is missing")?;
    let folder = Path::new(&folder);
    let result = run(folder);
    let text = match &result {
        Ok(()) => String::new(),
        Err(error) => format!("{error:#}"),
    };
    fs::write(result_path(folder), text)?;
    result
}

fn run(folder: &Path) -> Result<()> {
    let mut guest = Guest::start(folder)?;
    let name = guest.setup.scenario.clone();
    let Some((_, scenario)) = SCENARIOS.iter().find(|(known, _)| *known == name) else {
        bail!("there is no scenario {name:?}");
    };
    let done = scenario(&mut guest);
    // Also after a failure, which the log may explain.
    let ended = guest.end();
    done.and(ended)
}
