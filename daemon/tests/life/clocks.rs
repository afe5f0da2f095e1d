//! What was recorded under a right clock, under any wrong one.
//!
//! A device has recorded for twelve days, has a contact, and a registration that waits.
//! Then its clock is set to one to four wrong times, and at each of them it checks,
//! scans, registers or purges. However that goes, once the clock is right again before
//! the hold is over, everything is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use gaen::registration::ProcessingNumber;
use gaen::sighting::Sighting;
use gaen::time::{UnixSeconds, UtcDay};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sesshoku_core::radio::RadioState;
use sesshoku_core::records::{OwnKey, RegistrationRecord, StoredExposure};
use sesshoku_core::status::Verdict;
use sesshoku_core::time::{BootTime, Voucher};
use sesshoku_core::tracer::{Application, Event};
use tempfile::TempDir;

use crate::device::{Device, HOUR, MINUTE, ready};
use crate::world::{Folder, Person};

const DAY: i64 = 86_400;
/// 2020-09-01T00:00:00Z.
const BEGIN: UnixSeconds = UnixSeconds::new(18_506 * 86_400);
const CONTACT: Person = Person(7);

/// A device after twelve days, as its folder was left.
struct Past {
    home: TempDir,
    folder: Folder,
    truth: UnixSeconds,
    boot: BootTime,
    sightings: Vec<Sighting>,
    exposures: Vec<StoredExposure>,
    own_keys: Vec<OwnKey>,
    registration: RegistrationRecord,
}

fn application(onset: UtcDay) -> Application {
    Application {
        has_symptoms: true,
        date: onset,
        last_day: None,
        number: ProcessingNumber::parse("12345678").unwrap(),
        agreement_version: "1".into(),
    }
}

/// The day on which symptoms began.
fn onset() -> UtcDay {
    BEGIN.utc_day().saturating_add(10)
}

impl Past {
    fn new() -> Self {
        let home = TempDir::with_prefix_in("life", memory()).unwrap();
        let mut folder = Folder::new(home.path().join("server"));
        let dir = home.path().join("device");
        let server = folder.server(&home.path().join("downloads"));
        let boot = BootTime::new(MINUTE);
        let mut device = Device::start(&dir, server, BEGIN, boot, 1);
        device.near = vec![Person(1), Person(2)];
        for day in 0..12 {
            // Three hours of each day are enough, and quick to read.
            device.set_radio(RadioState::Off("sim0".into()));
            device.run(HOUR * 20);
            device.set_radio(ready());
            device.run(HOUR * 2);
            if day == 7 {
                device.near.push(CONTACT);
            }
            device.run(HOUR);
            device.near.truncate(2);
            device.run(HOUR);
            if day == 9 {
                let met = BEGIN.utc_day().saturating_add(7);
                folder.publish(CONTACT, met, device.truth);
            }
        }
        device.run(HOUR * 10);
        device.event(Event::Register(application(onset())));
        assert_eq!(device.answer(), Some(Ok(())));
        device.run(MINUTE);
        assert_eq!(device.assess().verdict, Verdict::Contact);
        let store = device.store();
        let (exposures, own_keys, registration) = (
            store.exposures().unwrap().found,
            store.own_keys().unwrap(),
            store.registration().unwrap(),
        );
        drop(store);
        let sightings = device.sightings();
        assert!(sightings.len() > 500 && own_keys.len() >= 13);
        assert!(registration.pending.is_some());
        Self {
            truth: device.truth,
            boot: device.now.boot,
            sightings,
            exposures,
            own_keys,
            registration,
            home,
            folder,
        }
    }

    /// The device, started again in a copy of its folder.
    fn device(&self, dir: &Path, seed: u64) -> Device {
        let from = self.home.path().join("device");
        fs::create_dir(dir).unwrap();
        for file in fs::read_dir(from).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), dir.join(file.file_name())).unwrap();
        }
        let server = self.folder.server(&dir.join("downloads"));
        Device::start(dir, server, self.truth, self.boot, seed)
    }

    /// Everything that was recorded is there.
    fn assert_kept(&self, device: &Device, scenario: &Scenario) {
        let left: BTreeSet<_> = device.sightings().iter().map(identity).collect();
        let lost = self
            .sightings
            .iter()
            .filter(|sighting| !left.contains(&identity(sighting)));
        assert_eq!(lost.count(), 0, "sightings lost by {scenario:?}");
        let store = device.store();
        assert_eq!(
            store.exposures().unwrap().found,
            self.exposures,
            "{scenario:?}"
        );
        let keys = store.own_keys().unwrap();
        for own in &self.own_keys {
            let is_there = keys.iter().any(|key| key.tek == own.tek);
            assert!(is_there, "the key of {} lost by {scenario:?}", own.day);
        }
        let pending = store.registration().unwrap().pending;
        assert_eq!(pending, self.registration.pending, "{scenario:?}");
    }
}

/// Lived once, for all tests.
fn past() -> &'static Past {
    static PAST: OnceLock<Past> = OnceLock::new();
    PAST.get_or_init(Past::new)
}

fn identity(sighting: &Sighting) -> (UnixSeconds, [u8; 16], i8) {
    (sighting.time, *sighting.rpi.as_bytes(), sighting.rssi)
}

/// Where writing is quick: what is tested is not the disk.
fn memory() -> &'static Path {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        memory
    } else {
        Path::new("/tmp")
    }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Check,
    Scan,
    Register,
    Purge,
    Restart,
}

const ACTS: [Act; 5] = [
    Act::Check,
    Act::Scan,
    Act::Register,
    Act::Purge,
    Act::Restart,
];

#[derive(Debug)]
struct Scenario {
    /// By how many seconds the clock is ahead, and what is done then.
    steps: Vec<(i64, Act)>,
    voucher: Voucher,
    seed: u64,
}

/// Where a wrong clock can be, when it truly is `truth`.
fn wrong(truth: UnixSeconds) -> Vec<i64> {
    let amounts = [
        5 * 60,
        3 * 3600,
        DAY + 3600,
        13 * DAY,
        13 * DAY + 1900,
        14 * DAY,
        20 * DAY,
        20 * DAY + 3600,
        400 * DAY,
        5000 * DAY,
    ];
    let mut all: Vec<i64> = amounts.iter().flat_map(|by| [*by, -by]).collect();
    let truth = i64::from(truth.get());
    all.extend([0, (1 << 31) - 300, (1 << 31) + 10, (1 << 32) - 300, 1 << 32].map(|to| to - truth));
    all
}

/// Every wrong clock with `each` of the things that can be done, and `more` of two to four
/// steps at random.
fn scenarios(truth: UnixSeconds, each: usize, more: usize) -> Vec<Scenario> {
    let places = wrong(truth);
    let mut scenarios = Vec::new();
    for (number, place) in places.iter().enumerate() {
        let acts = ACTS.iter().cycle().skip(number).take(each);
        scenarios.extend(acts.map(|act| vec![(*place, *act)]));
    }
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let mut below =
        |end: usize| usize::try_from(rng.next_u64() % u64::try_from(end).unwrap()).unwrap();
    for number in 0..more {
        let steps =
            (0..2 + number % 3).map(|_| (places[below(places.len())], ACTS[below(ACTS.len())]));
        scenarios.push(steps.collect());
    }
    let numbered = scenarios.into_iter().zip(0..);
    numbered
        .map(|(steps, seed)| Scenario {
            steps,
            // What the kernel says of a clock that was set by hand; and a time service
            // that is wrong.
            voucher: if seed % 2 == 0 {
                Voucher::Nobody
            } else {
                Voucher::Synchronisation
            },
            seed,
        })
        .collect()
}

#[test]
fn what_was_recorded_under_a_right_clock_outlasts_wrong_ones() {
    outlasts(&scenarios(past().truth, 1, 12));
}

#[test]
#[ignore = "takes minutes; make life runs it"]
fn what_was_recorded_under_a_right_clock_outlasts_all_wrong_ones() {
    outlasts(&scenarios(past().truth, ACTS.len(), 300));
}

fn outlasts(scenarios: &[Scenario]) {
    let past = past();
    let homes = TempDir::with_prefix_in("clocks", memory()).unwrap();
    for scenario in scenarios {
        let dir = homes.path().join(scenario.seed.to_string());
        let mut device = past.device(&dir, scenario.seed);
        device.run(MINUTE);
        device.voucher = scenario.voucher;
        // In all less than half an hour.
        let each = Duration::from_secs(1700 / u64::try_from(scenario.steps.len()).unwrap());
        for (ahead, act) in &scenario.steps {
            device.set_clock(*ahead);
            match act {
                Act::Check => {
                    device.event(Event::CheckRequested);
                }
                // It does so anyway, every few minutes.
                Act::Scan => device.near = vec![Person(3)],
                Act::Register => device.event(Event::Register(application(onset()))),
                Act::Purge => {
                    if device.now.wall.get() > 1_600_000_000 {
                        device.purge();
                    }
                }
                Act::Restart => {
                    let (truth, boot) = (device.truth, device.now.boot);
                    let server = past.folder.server(&dir.join("downloads"));
                    drop(device);
                    device = Device::start(&dir, server, truth, boot, scenario.seed + 1000);
                    device.voucher = scenario.voucher;
                    device.set_clock(*ahead);
                }
            }
            device.run(each);
            device.near.clear();
        }
        device.voucher = Voucher::Synchronisation;
        device.set_clock(0);
        device.run(MINUTE);
        past.assert_kept(&device, scenario);

        // Right for a while, it drops what was recorded for a time that has not come, and
        // that alone.
        device.run(HOUR * 2);
        past.assert_kept(&device, scenario);
        let limit = device.truth.saturating_add_signed(2 * 3600);
        let sightings = device.sightings();
        assert!(
            sightings.iter().all(|sighting| sighting.time <= limit),
            "of the future: {scenario:?}"
        );
        let days = device.store().own_keys().unwrap();
        assert!(days.iter().all(|key| key.day <= limit.utc_day()));
        device.event(Event::CheckRequested);
        let assessment = device.assess();
        assert_eq!(assessment.verdict, Verdict::Contact, "{scenario:?}");
        assert_eq!(assessment.days.len(), 1, "{scenario:?}");
        drop(device);
        fs::remove_dir_all(&dir).unwrap();
    }
}

#[test]
fn an_unsynchronised_clock_is_believed_after_three_days_and_what_is_old_goes() {
    let past = past();
    let homes = TempDir::with_prefix_in("clocks", memory()).unwrap();
    let mut device = past.device(&homes.path().join("device"), 1);
    device.run(MINUTE);
    device.voucher = Voucher::Nobody;
    device.set_clock(30 * DAY);
    device.run(HOUR * 71);
    // Nothing but what grew old in those three days.
    let cutoff = device.truth.saturating_add_signed(-14 * 86_400);
    let left: BTreeSet<_> = device.sightings().iter().map(identity).collect();
    let kept = past
        .sightings
        .iter()
        .filter(|sighting| sighting.time > cutoff);
    assert!(kept.clone().count() > 100);
    assert!(
        kept.clone()
            .all(|sighting| left.contains(&identity(sighting)))
    );
    device.run(HOUR * 3);
    let cutoff = device.now.wall.saturating_add_signed(-15 * 86_400);
    assert!(
        device
            .sightings()
            .iter()
            .all(|sighting| sighting.time > cutoff)
    );
    assert_eq!(device.store().exposures().unwrap().found, []);
}

#[test]
fn what_a_clock_that_was_ahead_dated_is_not_recorded_time() {
    let past = past();
    let homes = TempDir::with_prefix_in("clocks", memory()).unwrap();
    let mut device = past.device(&homes.path().join("device"), 1);
    device.run(MINUTE);
    let before = device.assess().recorded_seconds;
    device.voucher = Voucher::Nobody;
    device.set_clock(5 * DAY);
    device.run(HOUR * 10);
    device.voucher = Voucher::Synchronisation;
    device.set_clock(0);
    device.run(MINUTE);
    device.run(HOUR * 2);
    let gone = device.misdated;
    assert!((9 * 3600..=10 * 3600).contains(&gone), "{gone}");
    let recorded = device.assess().recorded_seconds;
    assert!((before + 3600..=before + 2 * 3600 + 300).contains(&recorded));
    assert_eq!(device.status_misdated(), gone);
    // And when its time has come, it is not there.
    device.run(HOUR * 24 * 5);
    let recorded = device.assess().recorded_seconds;
    assert!(recorded <= before + 2 * 3600 + 300 + 5 * 86_400);
}
