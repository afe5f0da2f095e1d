//! The phone, what happens to it, and what must be said.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use gaen::registration::ProcessingNumber;
use gaen::time::{DAY_SECONDS, UnixSeconds, UtcDay};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sesshoku_dbus_api::Verdict;
use sesshokud::clock::{BootTime, Voucher};
use sesshokud::radio::RadioState;
use sesshokud::tracer::{Application, Event};
use tempfile::TempDir;

use crate::device::{Device, HOUR, MINUTE, ready};
use crate::world::{Folder, Person};

/// 2020-10-20T00:00:00Z: daylight saving ends on the fifth day, in many countries.
const BEGIN: UnixSeconds = UnixSeconds::new(18_555 * DAY_SECONDS);
/// Whoever is met with these numbers and a day added registers two days later.
const INFECTED: u64 = 1000;
/// The first number of strangers, who do not.
const STRANGERS: u64 = 1_000_000;
/// Every so many days somebody infected is met.
const CONTACT_EVERY: u32 = 6;
/// What a window at the edge of a gap stands for, and a restart may cost.
const EDGE: u64 = 330;

/// A time in which the phone listened by its plan.
struct Listening {
    from: u32,
    to: u32,
}

pub(crate) struct Phone {
    days: u32,
    home: TempDir,
    folder: Folder,
    device: Option<Device>,
    rng: ChaCha8Rng,
    listened: Vec<Listening>,
    /// On which day somebody was met, and when their key was published.
    met: Vec<(UtcDay, Option<UnixSeconds>)>,
    has_network: bool,
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
            first_use: None,
            database_at_twenty: None,
        };
        phone.start(BEGIN, BootTime::new(MINUTE));
        phone
    }

    fn start(&mut self, truth: UnixSeconds, boot: BootTime) {
        let home = self.home.path();
        let server = self.folder.server(&home.join("downloads"));
        let seed = self.rng.next_u64();
        let device = Device::start(&home.join("device"), server, truth, boot, seed);
        self.device = Some(device);
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
        assert!(self.met.iter().any(|(_, published)| published.is_some()));
    }

    fn begin_hour(&mut self, day: u32, hour: u32) {
        let today = BEGIN.utc_day().saturating_add(day);
        let stranger = Person(STRANGERS + self.rng.next_u64() % 100_000);
        let at_home = vec![Person(1)];
        let at_work = vec![Person(2), Person(3), Person(4)];
        let meets = day % CONTACT_EVERY == 2 && hour == 8;
        self.device().near = match hour {
            8 if meets => vec![stranger, Person(INFECTED + u64::from(day))],
            8 | 18 => vec![stranger, Person(stranger.0 + 1), Person(stranger.0 + 2)],
            9..=17 => at_work,
            _ => at_home,
        };
        if meets {
            self.met.push((today, None));
        }
        if hour == 12 {
            // Two days later it is known; and somebody registers who was never near.
            let known: Vec<_> = self.met.iter().map(|(met, _)| *met).collect();
            let due = known.iter().position(|met| met.saturating_add(2) == today);
            let now = self.device().truth;
            let (person, of) = match due {
                Some(place) => {
                    self.met[place].1 = Some(now);
                    let met = known[place];
                    let number = met.get() - BEGIN.utc_day().get();
                    (Person(INFECTED + u64::from(number)), met)
                }
                None => (Person(INFECTED - 1), today.saturating_sub(1)),
            };
            self.folder.publish(person, of, now);
        }
        // No network for two days, in one of which somebody's key is published.
        let has_network = !matches!(day % 12, 4 | 5);
        if has_network != self.has_network {
            self.has_network = has_network;
            self.folder.set_reachable(has_network);
            self.device().voucher = if has_network {
                Voucher::Synchronisation
            } else {
                Voucher::Nobody
            };
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

    /// Lets the hour pass in the way it does.
    fn end_hour(&mut self, day: u32, hour: u32) {
        let boot = self.device().now.boot;
        match (day, hour) {
            // A reboot, as an update brings it.
            (day, 3) if day % 4 == 3 => self.reboot(MINUTE * 10),
            // A night without power.
            (day, 1) if day % 9 == 7 => self.reboot(MINUTE * 50),
            // The daemon alone is updated.
            (day, 5) if day % 7 == 5 => {
                let truth = self.device().truth;
                self.device = None;
                self.start(truth, boot);
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
                let device = self.device();
                let voucher = device.voucher;
                device.voucher = Voucher::Nobody;
                device.set_clock(9 * 3600);
                device.run(MINUTE * 15);
                device.set_clock(0);
                device.voucher = voucher;
                self.listen(MINUTE * 25);
            }
            _ => self.listen(HOUR),
        }
    }

    fn reboot(&mut self, off: Duration) {
        let truth = self.device().truth;
        self.device = None;
        let seconds = i32::try_from(off.as_secs()).unwrap() + 60;
        self.start(truth.saturating_add_signed(seconds), BootTime::new(MINUTE));
        self.listen(HOUR - off - MINUTE);
    }

    fn listen(&mut self, time: Duration) {
        let device = self.device();
        let from = device.truth.get();
        device.run(time);
        let to = device.truth.get();
        if device.radio().listens() {
            match self.listened.last_mut() {
                Some(last) if last.to == from => last.to = to,
                Some(_) | None => self.listened.push(Listening { from, to }),
            }
        }
    }

    /// What is said is what happened.
    fn compare(&mut self, day: u32, hour: u32) {
        let when = format!("day {day}, hour {hour}");
        let device = self.device.as_ref().unwrap();
        let assessment = device.assess();
        let checked = device.store().last_success().unwrap();
        let today = device.truth.utc_day();
        let expected: BTreeSet<UtcDay> = self
            .met
            .iter()
            .filter(|(met, published)| {
                let is_recent = *met >= today.saturating_sub(13);
                let is_known = published.is_some_and(|at| checked.is_some_and(|it| it > at));
                is_recent && is_known
            })
            .map(|(met, _)| *met)
            .collect();
        let said: BTreeSet<UtcDay> = assessment.days.iter().map(|day| day.date).collect();
        assert_eq!(said, expected, "{when}");
        assert_eq!(
            assessment.verdict == Verdict::Contact,
            !expected.is_empty(),
            "{when}"
        );

        let since = today.saturating_sub(13).start().get();
        let in_period = self.listened.iter().filter(|it| it.to > since);
        let (mut seconds, mut edges) = (0, 1);
        for listening in in_period {
            seconds += u64::from(listening.to - listening.from.max(since));
            edges += 1;
        }
        let recorded = assessment.recorded_seconds;
        assert!(recorded <= seconds + 10, "{when}: {recorded} of {seconds}");
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

/// Resident memory of this process, in KiB.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.unwrap().trim().trim_end_matches(" kB");
    number.parse().unwrap()
}
