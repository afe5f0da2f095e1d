//! The phone, what happens to it, and what must be said.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gaen::diagnosis::ReportType;
use gaen::registration::ProcessingNumber;
use gaen::sighting::Sighting;
use gaen::time::{DAY_SECONDS, UnixSeconds, UtcDay};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sesshoku_core::radio::RadioState;
use sesshoku_core::records::{Consent, Exposures, OwnKey, RegistrationRecord, ScanCycle};
use sesshoku_core::status::{ConsentState, Verdict};
use sesshoku_core::time::{BootTime, Voucher};
use sesshoku_core::tracer::{Application, Event};
use sesshoku_core::verdict::Assessment;
use sesshokud::store::{DeviceKey, Store};
use sesshokud::sync;
use tempfile::TempDir;

use crate::device::{Device, HOUR, Happened, MINUTE, ready};
use crate::model::{End, Entry, File, Happening, KeyId, Model, Signed, Unsigned, Visit};
use crate::old_schema::{schema_of, take_back};
use crate::world::{Folder, Person};

/// 2020-10-20T00:00:00Z: daylight saving ends on the fifth day, in many countries.
const BEGIN: UnixSeconds = UnixSeconds::new(18_555 * DAY_SECONDS);
/// Whoever is met with these numbers and a day added registers two days later.
const INFECTED: u64 = 1000;
/// The first number of strangers, who do not.
const STRANGERS: u64 = 1_000_000;
/// Who registers and was never near.
const NEVER_NEAR: Person = Person(INFECTED - 1);
/// Every so many days somebody infected is met; for a month nobody is, so that there is
/// "no contact", too.
const CONTACT_EVERY: u32 = 6;
const NOBODY: std::ops::Range<u32> = 20..50;
/// The server promises to sign something that often.
const FRESH_WITHIN: Duration = Duration::from_hours(48);
/// The schemas from which the package's updates bring the database to the present one.
const OLD_SCHEMAS: [u32; 3] = [4, 2, 3];
/// What a window at the edge of a gap stands for, and a restart may cost.
const EDGE: u64 = 330;

/// A time in which the phone listened by its plan, as its clock had it.
struct Listening {
    from: u32,
    to: u32,
    /// Else it may be destroyed, or be said of a time that was listened to as well.
    is_right: bool,
}

/// What an update must keep.
#[derive(Debug, PartialEq)]
struct Records {
    sightings: Vec<Sighting>,
    own_keys: Vec<OwnKey>,
    exposures: Exposures,
    registration: RegistrationRecord,
    consent: Option<Consent>,
    said: Assessment,
}

impl Records {
    fn of(store: &Store, now: UnixSeconds) -> Self {
        let mut sightings = Vec::new();
        let visit = &mut |sighting: &Sighting| sightings.push(*sighting);
        let report = store.for_each_sighting(UnixSeconds::new(0), visit).unwrap();
        assert_eq!(report.damaged_segments, 0);
        Self {
            sightings,
            own_keys: store.own_keys().unwrap(),
            exposures: store.exposures().unwrap(),
            registration: store.registration().unwrap(),
            consent: store.consent().unwrap(),
            said: sync::assess(store, ConsentState::Agreed, None, now).unwrap(),
        }
    }
}

pub(crate) struct Phone {
    days: u32,
    home: TempDir,
    folder: Folder,
    device: Option<Device>,
    rng: ChaCha8Rng,
    listened: Vec<Listening>,
    /// On which days somebody was met.
    met: Vec<UtcDay>,
    has_network: bool,
    /// What must be known, told what the device was told.
    model: Model,
    files: Vec<File>,
    /// How often each verdict and each reason was said.
    said: BTreeMap<String, u32>,
    updates: usize,
    /// File descriptors and memory in KiB, once everything has run once.
    first_use: Option<(usize, u64)>,
    database_at_twenty: Option<u64>,
}

impl Phone {
    pub(crate) fn new(days: u32) -> Self {
        // Quick, where there is one: what is tested is not the disk.
        let memory = PathBuf::from("/dev/shm");
        let home = if memory.is_dir() {
            TempDir::with_prefix_in("days", memory)
        } else {
            TempDir::with_prefix("days")
        };
        let home = home.unwrap();
        let folder = Folder::new(home.path().join("server"));
        let mut phone = Self {
            days,
            home,
            folder,
            device: None,
            rng: ChaCha8Rng::seed_from_u64(60),
            listened: Vec::new(),
            met: Vec::new(),
            has_network: true,
            model: Model::default(),
            files: Vec::new(),
            said: BTreeMap::new(),
            updates: 0,
            first_use: None,
            database_at_twenty: None,
        };
        phone.start(BEGIN, BootTime::new(MINUTE));
        phone
    }

    fn start(&mut self, truth: UnixSeconds, boot: BootTime) {
        let home = self.home.path();
        let downloads = home.join("downloads");
        let server = self.folder.server(&downloads);
        let seed = self.rng.next_u64();
        let device = Device::start(&home.join("device"), server, truth, boot, seed);
        self.device = Some(device);
        self.connect();
    }

    /// Gives the device a network, or takes it away.
    fn connect(&mut self) {
        let downloads = self.home.path().join("downloads");
        let (server, voucher) = if self.has_network {
            (self.folder.server(&downloads), Voucher::Synchronisation)
        } else {
            (self.folder.nowhere(&downloads), Voucher::Nobody)
        };
        let device = self.device();
        device.server = Arc::new(server);
        device.voucher = voucher;
    }

    /// Turns the device off, and the model hears what has happened until then.
    fn stop(&mut self) {
        self.tell();
        self.device = None;
    }

    /// Tells the model what has happened to the device.
    fn tell(&mut self) {
        for happened in std::mem::take(&mut self.device().happened) {
            let happening = match happened {
                Happened::Cycle(cycle, truly) => self.cycle(&cycle, truly),
                Happened::Check { shown } => Happening::Check {
                    shown: shown.get().into(),
                    visit: self.visit(),
                },
                Happened::Purge { shown, is_right } if is_right => Happening::Purge {
                    shown: shown.get().into(),
                },
                // Nothing is destroyed by a clock that was just set.
                Happened::Purge { .. } => continue,
            };
            self.model.take(&happening, &self.files);
        }
    }

    fn cycle(&self, cycle: &ScanCycle, truly: UnixSeconds) -> Happening {
        let day = truly.utc_day();
        let heard = self.met.iter().filter(|met| **met == day).filter(|_| {
            let rpi = infected(day).heard(truly).rpi;
            cycle.sightings.iter().any(|sighting| sighting.rpi == rpi)
        });
        // The time since the scan before it, five minutes at most, unless it was not
        // listened to.
        let listened = cycle
            .previous
            .filter(|_| !cycle.cut_short && !cycle.after_gap)
            .unwrap_or(cycle.started);
        let shown = i64::from(cycle.started.get());
        Happening::Cycle {
            actual: truly.get().into(),
            shown,
            since: i64::from(listened.get()).clamp(shown - 300, shown),
            until: cycle.ended.get().into(),
            heard: heard.map(|met| key_id(infected(*met), *met)).collect(),
        }
    }

    /// A check, as it goes from outside.
    fn visit(&self) -> Visit {
        let listed = self.folder.listed().map(|made| {
            let is_it = |file: &File| u64::try_from(file.end).unwrap() == made;
            Entry {
                name: self.files.iter().position(is_it).unwrap(),
                created: i64::try_from(made).unwrap(),
            }
        });
        Visit {
            is_reachable: self.has_network,
            unsigned: Unsigned::Entries(listed.collect(), false),
            signed: Signed::Absent,
            answers: BTreeMap::new(),
            end: End::Stored,
        }
    }

    fn device(&mut self) -> &mut Device {
        self.device.as_mut().expect("it is on")
    }

    pub(crate) fn live(mut self) {
        for day in 0..self.days {
            for hour in 0..24 {
                self.begin_hour(day, hour);
                self.end_hour(day, hour);
                self.compare(day, hour);
            }
            self.measure(day);
        }
        println!("said in {} days: {:?}", self.days, self.said);
        for verdict in [Verdict::Contact, Verdict::Unknown, Verdict::None] {
            assert!(self.said.contains_key(&verdict.to_string()), "{verdict}");
        }
        assert!(self.updates > 0);
    }

    fn begin_hour(&mut self, day: u32, hour: u32) {
        let today = BEGIN.utc_day().saturating_add(day);
        let stranger = Person(STRANGERS + self.rng.next_u64() % 100_000);
        let at_home = vec![Person(1)];
        let at_work = vec![Person(2), Person(3), Person(4)];
        let meets = day % CONTACT_EVERY == 2 && !NOBODY.contains(&day) && hour == 8;
        self.device().near = match hour {
            8 if meets => vec![stranger, infected(today)],
            8 | 18 => vec![stranger, Person(stranger.0 + 1), Person(stranger.0 + 2)],
            9..=17 => at_work,
            _ => at_home,
        };
        if meets {
            self.met.push(today);
        }
        if hour == 12 {
            // Two days later it is known; and somebody registers who was never near.
            let met = today.saturating_sub(2);
            if self.met.contains(&met) {
                self.publish(infected(met), met);
            } else {
                self.publish(NEVER_NEAR, today.saturating_sub(1));
            }
        }
        // No network for two days, in one of which somebody's key is published.
        let has_network = !matches!(day % 12, 4 | 5);
        if has_network != self.has_network {
            self.has_network = has_network;
            self.connect();
        }
        let is_off = day % 3 == 1 && !(6..23).contains(&hour);
        let state = if is_off {
            RadioState::Off("sim0".into())
        } else {
            ready()
        };
        if self.device().radio() != &state {
            self.device().set_radio(state);
        }
        if day % 10 == 6 && hour == 20 {
            let device = self.device();
            device.is_registering_possible = true;
            device.event(Event::Register(Application {
                has_symptoms: true,
                date: today.saturating_sub(1),
                last_day: None,
                number: ProcessingNumber::parse("12345678").unwrap(),
                agreement_version: "1".into(),
            }));
            assert_eq!(device.answer(), Some(Ok(())));
        }
    }

    fn publish(&mut self, person: Person, of: UtcDay) {
        let now = self.device().truth;
        self.folder.publish(person, of, now);
        let end = i64::from(now.get());
        self.files.push(File {
            start: end - i64::from(DAY_SECONDS),
            end,
            part: 1,
            parts: 1,
            keys: vec![(key_id(person, of), ReportType::ConfirmedTest)],
        });
    }

    /// Lets the hour pass in the way it does.
    fn end_hour(&mut self, day: u32, hour: u32) {
        let boot = self.device().now.boot;
        match (day, hour) {
            // A reboot, as an update brings it.
            (day, 3) if day % 4 == 3 => {
                self.reboot(MINUTE * 10, 0);
                self.listen(MINUTE * 49);
            }
            // A night without power.
            (day, 1) if day % 9 == 7 => {
                self.reboot(MINUTE * 50, 0);
                self.listen(MINUTE * 9);
            }
            // In the night in which daylight saving ends, a machine whose clock keeps the
            // local time is an hour ahead after a boot, until it is synchronised.
            (4, 2) => {
                self.reboot(MINUTE * 5, 3600);
                self.listen(MINUTE * 20);
                self.device().set_clock(0);
                self.listen(MINUTE * 34);
            }
            // The daemon alone is updated.
            (day, 5) if day % 7 == 5 => {
                let truth = self.device().truth;
                self.stop();
                self.start(truth, boot);
                self.listen(HOUR);
            }
            // The same, and the database is one of an earlier version.
            (day, 5) if day % 7 == 1 => {
                self.update_database(boot);
                self.listen(HOUR);
            }
            // The lid is closed.
            (day, 13) if day % 5 == 2 => {
                self.listen(MINUTE * 10);
                self.device().sleep(MINUTE * 40);
                self.listen(MINUTE * 10);
            }
            // After a flight somebody sets the clock to what a watch shows, as if that
            // were UTC, and then the time zone.
            (day, 15) if day % 8 == 4 => {
                self.listen(MINUTE * 20);
                let voucher = self.device().voucher;
                self.device().voucher = Voucher::Nobody;
                self.device().set_clock(9 * 3600);
                self.listen(MINUTE * 15);
                self.device().set_clock(0);
                self.device().voucher = voucher;
                self.listen(MINUTE * 25);
            }
            _ => self.listen(HOUR),
        }
    }

    /// Turns the machine off for that long and a minute; its clock is then so far ahead.
    fn reboot(&mut self, off: Duration, ahead: i64) {
        let truth = self.device().truth;
        self.stop();
        let seconds = i32::try_from(off.as_secs()).unwrap() + 60;
        self.start(truth.saturating_add_signed(seconds), BootTime::new(MINUTE));
        if ahead != 0 {
            self.device().set_clock(ahead);
        }
    }

    /// Replaces the program by one that takes over the database of an earlier version. All
    /// that was recorded is kept, and what is said.
    fn update_database(&mut self, boot: BootTime) {
        let dir = self.home.path().join("device");
        let schema = OLD_SCHEMAS[self.updates % OLD_SCHEMAS.len()];
        self.updates += 1;
        let now = self.device().now.wall;
        let truth = self.device().truth;
        let kept = Records::of(&self.device().store(), now);
        self.stop();
        let present = schema_of(&dir);
        take_back(&dir, schema);
        assert_eq!(schema_of(&dir), schema);
        let key = DeviceKey::load(&dir, None).unwrap();
        let found = Records::of(&Store::open(&dir, &key).unwrap(), now);
        assert_eq!(schema_of(&dir), present);
        if schema < 3 {
            self.model.take(&Happening::Takeover, &self.files);
        }
        assert_eq!(found.said, kept.said, "from schema {schema}");
        assert_eq!(found, kept, "from schema {schema}");
        self.start(truth, boot);
    }

    fn listen(&mut self, time: Duration) {
        let device = self.device();
        let from = device.now.wall.get();
        let is_right = device.now.wall == device.truth;
        device.run(time);
        let to = device.now.wall.get();
        if device.radio().listens() {
            match self.listened.last_mut() {
                Some(last) if last.to == from && last.is_right == is_right => last.to = to,
                Some(_) | None => self.listened.push(Listening { from, to, is_right }),
            }
        }
    }

    /// What is said is what must be known.
    fn compare(&mut self, day: u32, hour: u32) {
        let when = format!("day {day}, hour {hour}");
        self.tell();
        let device = self.device.as_ref().unwrap();
        let assessment = device.assess_fresh_within(Some(FRESH_WITHIN));
        let shown = device.now.wall.get().into();
        let fresh_within = FRESH_WITHIN.as_secs().try_into().unwrap();
        let days: BTreeSet<i64> = assessment
            .days
            .iter()
            .map(|day| day.date.get().into())
            .collect();
        let texts: Vec<String> = assessment.reasons.iter().map(ToString::to_string).collect();
        let reasons: BTreeSet<&str> = texts.iter().map(String::as_str).collect();
        let expected_days = self.model.days(shown);
        let expected = self.model.reasons(&self.files, Some(fresh_within), shown);
        let verdict = match (expected_days.is_empty(), expected.is_empty()) {
            (false, _) => Verdict::Contact,
            (true, true) => Verdict::None,
            (true, false) => Verdict::Unknown,
        };
        assert_eq!(days, expected_days, "{when}");
        assert_eq!(reasons, expected, "{when}");
        assert_eq!(assessment.verdict, verdict, "{when}");
        for word in texts.iter().chain([&assessment.verdict.to_string()]) {
            *self.said.entry(word.clone()).or_default() += 1;
        }

        // The model could be wrong in the same way: whoever was met three days ago is known,
        // and nobody else.
        let today = device.truth.utc_day();
        let met = |day: i64| self.met.iter().any(|met| i64::from(met.get()) == day);
        assert!(days.iter().all(|day| met(*day)), "{when}");
        for met in &self.met {
            let age = today.get() - met.get();
            let is_known = days.contains(&met.get().into());
            assert!(is_known || !(5..14).contains(&age), "{when}: {met}");
        }
        if day % 10 == 6 && hour == 23 {
            let registration = device.store().registration().unwrap();
            assert!(registration.pending.is_none(), "{when}");
            let ended = registration.ended.expect("it was sent");
            assert_eq!(ended.failure, None, "{when}");
        }

        let since = today.saturating_sub(13).start().get();
        let in_period = self.listened.iter().filter(|it| it.to > since);
        let (mut seconds, mut wrong, mut edges) = (0, 0, 1);
        for listening in in_period {
            let passed = u64::from(listening.to - listening.from.max(since));
            if listening.is_right {
                seconds += passed;
            } else {
                wrong += passed;
            }
            edges += 1;
        }
        let recorded = assessment.recorded_seconds;
        let most = seconds + wrong + 10;
        assert!(recorded <= most, "{when}: {recorded} of {seconds}");
        // What a clock that is set costs is not known to a minute.
        let least = seconds.saturating_sub(2 * EDGE * edges);
        assert!(recorded >= least, "{when}: {recorded} of {seconds}");
    }

    fn measure(&mut self, day: u32) {
        let files = fs::read_dir("/proc/self/fd").unwrap().count();
        let memory = memory();
        let database = fs::metadata(self.home.path().join("device/store.db"))
            .unwrap()
            .len();
        if day == 3 {
            self.first_use = Some((files, memory));
        }
        if day == 20 {
            self.database_at_twenty = Some(database);
        }
        if let Some((files_before, memory_before)) = self.first_use {
            assert_eq!(files, files_before, "file descriptors on day {day}");
            // More is kept until the fourteenth day, and read at once by none.
            let limit = memory_before + 16 * 1024;
            assert!(
                memory <= limit,
                "{memory} KiB on day {day}, {memory_before} before"
            );
        }
        // A day has 340 cycles of a kilobyte before it is compacted, and a tenth after.
        assert!(database < 6 << 20, "{database} bytes on day {day}");
        if let Some(before) = self.database_at_twenty {
            assert!(database <= before + before / 4, "{before}, then {database}");
        }
    }
}

/// Whoever is met on `day`, and registers.
fn infected(day: UtcDay) -> Person {
    Person(INFECTED + u64::from(day.get() - BEGIN.utc_day().get()))
}

/// What the model knows a key by.
fn key_id(person: Person, of: UtcDay) -> KeyId {
    let number = u8::try_from(person.0 - NEVER_NEAR.0).unwrap();
    (number, of.get().into())
}

/// Resident memory of this process, in KiB.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.unwrap().trim().trim_end_matches(" kB");
    number.parse().unwrap()
}
