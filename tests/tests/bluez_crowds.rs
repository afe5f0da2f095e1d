//! Many phones around: what is heard of them, and what it takes.
//!
//! `make test-bluez` runs small crowds. `make bench-bluez` runs them all, one after
//! the other, and writes the tables in docs/bluetooth.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use air::controller::Model;
use air::hci::command::Command as Hci;
use air::log::{Event, Record};
use anyhow::{Context, Result};
use gaen::key::Rpi;
use gaen::time::UnixSeconds;
use nix::sys::signal::Signal;
use serde_json::Value;
use sesshoku_tests::audit::audit;
use sesshoku_tests::contacts::sightings;
use sesshoku_tests::document::Table;
use sesshoku_tests::guest::{cpu_seconds, memory_kib};
use sesshoku_tests::local::{Place, Process, program, wait_for, wait_up_to};
use sesshoku_tests::uml::{EXTENDED, LEGACY, Machine};
use sesshokud::store::{DeviceKey, Store};

/// The memory of the daemon, and of bluetoothd, may grow by this from the first look at a crowd to the last.
const GROWTH_KIB_MAX: u64 = 8 * 1024;

#[test]
fn fifty_phones() {
    Crowd::of(50, LEGACY, true, WINDOWS).see().check();
}

#[test]
fn two_hundred_phones() {
    Crowd::of(200, EXTENDED, false, WINDOWS).see().check();
}

#[test]
fn fifty_phones_around_a_kiosk() {
    Crowd::of(50, EXTENDED, true, ALL_THE_TIME).see().check();
}

#[test]
#[ignore = "a benchmark: `make bench-bluez`"]
fn nothing_grows_over_hours() {
    for (model, experimental) in KINDS {
        Crowd::of(50, *model, *experimental, FOR_HOURS)
            .see()
            .check();
    }
}

#[test]
#[ignore = "a benchmark: `make bench-bluez`"]
fn crowds() {
    let mut table = Table::new(&[
        "phones",
        "controller",
        "scan method",
        "listens",
        "phones heard in every cycle",
        "samples kept of each in a cycle (measured)",
        "adverts reported by the controller, heard (measured)",
        "dropped",
        "processor of the whole guest (measured)",
        "memory of sesshokud, bluetoothd (measured)",
        "device objects seen at most (measured)",
    ]);
    for (scenario, kinds, sizes) in [
        (WINDOWS, KINDS, [1, 50, 200, 500, 1_000].as_slice()),
        (ALL_THE_TIME, PLAIN_KINDS, &[50, 200, 500]),
    ] {
        for phones in sizes {
            for (model, experimental) in kinds {
                let seen = Crowd::of(*phones, *model, *experimental, scenario).see();
                seen.check();
                table.row(seen.row());
            }
        }
    }
    table.check("docs/bluetooth.md", "crowds");
}

const KINDS: &[(Model, bool)] = &[
    (LEGACY, false),
    (LEGACY, true),
    (EXTENDED, false),
    (EXTENDED, true),
];
/// All the time it listens without a monitor, also where there are any.
const PLAIN_KINDS: &[(Model, bool)] = &[(LEGACY, false), (EXTENDED, false)];
const WINDOWS: &str = "daemon-in-a-crowd";
const FOR_HOURS: &str = "daemon-in-a-crowd-for-hours";
const ALL_THE_TIME: &str = "kiosk-in-a-crowd";

/// Who is around whom.
#[derive(Clone, Debug)]
struct Crowd {
    phones: usize,
    model: Model,
    scenario: &'static str,
    machine: Machine,
}

impl Crowd {
    fn of(phones: usize, model: Model, experimental: bool, scenario: &'static str) -> Self {
        let interfaces = if experimental {
            "experimental"
        } else {
            "plain"
        };
        let controller = name_of(model);
        let name = format!("{scenario}-{phones}-{controller}-{interfaces}");
        let machine = Machine::new(&name, scenario)
            .model(model)
            .experimental(experimental)
            .phones(u32::try_from(phones).expect("few"))
            .thin()
            .deadline(Duration::from_secs(3_000));
        Self {
            phones,
            model,
            scenario,
            machine,
        }
    }

    fn see(self) -> Seen {
        let before = processor_seconds();
        let run = self.machine.run();
        let guest_seconds = processor_seconds() - before;
        assert!(audit(run.air(), 0).violations.is_empty());
        let mut cycles: BTreeMap<Option<u64>, Cycle> = BTreeMap::new();
        for sighting in sightings(&run.text("sightings.jsonl")) {
            let cycle = cycles.entry(sighting.scan.cycle).or_default();
            cycle.phones.insert(sighting.rpi);
            cycle.samples += 1;
        }
        // The phones came or went in the first and the last.
        let mut cycles: Vec<_> = cycles.into_values().collect();
        cycles.pop();
        cycles.remove(0);
        Seen {
            phones: self.phones,
            model: self.model,
            scenario: self.scenario,
            result: serde_json::from_str(&run.text("crowd.json")).expect("JSON"),
            guest_seconds,
            cycles,
            scan_starts: ScanStarts::of(run.air()),
        }
    }
}

/// How often the kernel had the controller scan.
#[derive(Debug, Default)]
struct ScanStarts {
    /// For discovery.
    active: usize,
    /// For a monitor alone.
    passive: usize,
}

impl ScanStarts {
    fn of(air: &[Record]) -> Self {
        let mut starts = Self::default();
        let mut is_active = false;
        for record in air {
            let Event::Command {
                command: Some(command),
                ..
            } = &record.event
            else {
                continue;
            };
            if let Hci::LeSetScanParameters(scan) | Hci::LeSetExtendedScanParameters(scan) = command
            {
                is_active = scan.active;
            }
            if let Hci::LeSetScanEnable(scan) | Hci::LeSetExtendedScanEnable(scan) = command
                && scan.enable
            {
                let kind = if is_active {
                    &mut starts.active
                } else {
                    &mut starts.passive
                };
                *kind += 1;
            }
        }
        starts
    }
}

/// What was heard in a scan cycle.
#[derive(Debug, Default)]
struct Cycle {
    phones: BTreeSet<Rpi>,
    samples: usize,
}

/// How many samples were kept of each phone in a cycle.
fn samples(cycles: &[Cycle]) -> f64 {
    let all = |of: fn(&Cycle) -> usize| {
        let sum: usize = cycles.iter().map(of).sum();
        f64::from(u32::try_from(sum).expect("few"))
    };
    all(|cycle| cycle.samples) / all(|cycle| cycle.phones.len())
}

/// What came of a crowd.
#[derive(Debug)]
struct Seen {
    phones: usize,
    model: Model,
    scenario: &'static str,
    result: Value,
    /// The processor time that the guest took of the host.
    guest_seconds: f64,
    /// The cycles that had the phones from begin to end.
    cycles: Vec<Cycle>,
    scan_starts: ScanStarts,
}

impl Seen {
    #[track_caller]
    fn check(&self) {
        assert!(self.cycles.len() >= 2, "{self:?}");
        let fewest = self.cycles.iter().map(|cycle| cycle.phones.len()).min();
        assert!(fewest >= Some(self.phones), "{fewest:?}: {}", self.result);
        assert!(
            samples(&self.cycles) >= 2.0,
            "{} samples of each",
            samples(&self.cycles)
        );
        assert_eq!(self.count("/scans/counters/dropped"), 0);
        // Nothing is lost between the controller and the daemon, but for what is under
        // way when a scan ends.
        let lost = self.reported().saturating_sub(self.heard());
        let scans = self.count("/scans/counters/cycles");
        assert!(
            lost <= scans,
            "{lost} lost in {scans} scans: {}",
            self.result
        );
        // A monitor begins before discovery and must not outlast it: the kernel would
        // scan for it, while bluetoothd forgets everybody and hears them anew.
        let ScanStarts { active, passive } = self.scan_starts;
        assert!(passive <= active, "{:?}", self.scan_starts);
        for whose in ["memory_kib", "bluetoothd_kib"] {
            let memory = self.counts(whose);
            let growth = memory[memory.len() - 1].saturating_sub(memory[0]);
            assert!(growth < GROWTH_KIB_MAX, "{whose}: {memory:?}");
        }
        // Each phone has at most its present address, and the last for 30 s.
        let objects = self.counts("objects");
        let most = u64::try_from(self.phones * 2 + 2).expect("few");
        assert!(
            objects.iter().all(|count| *count <= most),
            "{objects:?} objects"
        );
        assert_eq!(objects.last(), Some(&0), "objects stay: {objects:?}");
    }

    fn row(&self) -> Vec<String> {
        let is_windows = self.scenario != ALL_THE_TIME;
        let memory = |whose| {
            self.counts(whose)
                .into_iter()
                .max()
                .expect("some")
                .div_ceil(1_024)
        };
        vec![
            self.phones.to_string(),
            name_of(self.model).to_owned(),
            self.text("/method"),
            if is_windows {
                "windows"
            } else {
                "all the time"
            }
            .to_owned(),
            "all".to_owned(),
            format!("{:.1}", samples(&self.cycles)),
            format!("{}, {}", self.reported(), self.heard()),
            self.count("/scans/counters/dropped").to_string(),
            format!(
                "{:.0} s for {} min",
                self.guest_seconds,
                self.count("/minutes")
            ),
            format!(
                "{} MiB, {} MiB",
                memory("memory_kib"),
                memory("bluetoothd_kib")
            ),
            self.counts("objects")
                .iter()
                .max()
                .expect("some")
                .to_string(),
        ]
    }

    fn reported(&self) -> u64 {
        self.count("/air/1/reports") - self.count("/air/0/reports")
    }

    fn heard(&self) -> u64 {
        self.count("/scans/counters/heard")
    }

    #[track_caller]
    fn count(&self, place: &str) -> u64 {
        let value = self.result.pointer(place).and_then(Value::as_u64);
        value.unwrap_or_else(|| panic!("no {place} in {}", self.result))
    }

    fn counts(&self, name: &str) -> Vec<u64> {
        let values = self.result[name].as_array().expect("a list").iter();
        values
            .map(|value| value.as_u64().expect("a number"))
            .collect()
    }

    #[track_caller]
    fn text(&self, place: &str) -> String {
        let value = self.result.pointer(place).and_then(Value::as_str);
        value
            .unwrap_or_else(|| panic!("no {place} in {}", self.result))
            .to_owned()
    }
}

/// The processor time of the processes that this one has waited for.
fn processor_seconds() -> f64 {
    // cutime and cstime of proc(5), in ticks of 10 ms, counted after the name in
    // brackets.
    let stat = fs::read_to_string("/proc/self/stat").expect("procfs");
    let after_name = stat.rsplit(')').next().expect("a name in brackets");
    let ticks = after_name.split_whitespace().skip(13).take(2);
    let ticks: u32 = ticks
        .map(|ticks| ticks.parse::<u32>().expect("ticks"))
        .sum();
    f64::from(ticks) / 100.0
}

fn name_of(model: Model) -> &'static str {
    if model.extended { "extended" } else { "legacy" }
}

/// The daemon's load in real time, on the fake bluetoothd: what a guest does with its
/// processor says little about what a device does with its own.
#[test]
#[ignore = "a benchmark: `make bench-bluez`"]
fn the_daemon_keeps_up() {
    const ALL_THE_TIME: &str = "[scan]\nmode = 'continuous'\ncycle_seconds = 30\n";
    // What listening all the time with a monitor would be.
    const ENDLESS_WINDOWS: &str = "[scan]\nlisten_seconds = 30\nevery_seconds = [30, 30]\n";
    let mut table = Table::new(&[
        "phones",
        "scan method",
        "adverts a second (measured)",
        "samples kept of each in half a minute (measured)",
        "dropped (measured)",
        "processor: sesshokud, bus (measured)",
        "memory of sesshokud (measured)",
    ]);
    for (config, phones) in [
        (ALL_THE_TIME, 50),
        (ALL_THE_TIME, 200),
        (ALL_THE_TIME, 500),
        (ALL_THE_TIME, 1_000),
        (ENDLESS_WINDOWS, 50),
        (ENDLESS_WINDOWS, 500),
    ] {
        let load = Load::of(phones, config).expect("the daemon runs");
        if config == ALL_THE_TIME {
            load.check();
        }
        table.row(load.row());
    }
    table.check("docs/bluetooth.md", "load");
}

/// What a daemon has to do with a crowd.
#[derive(Debug)]
struct Load {
    phones: u32,
    method: String,
    adverts_per_second: f64,
    cycles: Vec<Cycle>,
    dropped: u64,
    daemon_percent: f64,
    bus_percent: f64,
    memory_kib: u64,
}

/// A look at a daemon and its bus.
#[derive(Debug)]
struct Look {
    at: Instant,
    heard: u64,
    daemon_seconds: f64,
    bus_seconds: f64,
}

impl Load {
    fn of(phones: u32, config: &str) -> Result<Self> {
        let place = Place::new()?;
        let mut fake = Command::new(program("sesshoku-fake-bluez")?);
        fake.args(["--bus", place.address(), "--experimental"])
            .stdin(Stdio::piped());
        let (mut fake, _) = Process::start_and_read_line(&mut fake)?;
        let mut instructions = fake.stdin().context("no standard input")?;
        for phone in 0..phones {
            writeln!(instructions, "phone phone{phone} -70")?;
        }
        let mut daemon = place.daemon_command(config)?;
        daemon.env("DBUS_SYSTEM_BUS_ADDRESS", place.address());
        let mut daemon = Process::start(&mut daemon)?;
        wait_for("the daemon to answer", || {
            let agreed = place.sesshoku(&["agree", "--yes"])?;
            Ok(agreed.status.success().then_some(()))
        })?;
        let mut status = Value::Null;
        let mut look = |cycles: u64| {
            wait_up_to(LOAD_TIME_MAX, "scan cycles", || {
                status = place.json(&["status"])?;
                Ok((counter(&status, "cycles") >= cycles).then_some(()))
            })?;
            anyhow::Ok(Look {
                at: Instant::now(),
                heard: counter(&status, "heard"),
                daemon_seconds: cpu_seconds(daemon.id())?,
                bus_seconds: cpu_seconds(place.bus_id().context("the bus is this place's")?)?,
            })
        };
        let (before, after) = (look(1)?, look(3)?);
        let seconds = (after.at - before.at).as_secs_f64();
        let memory_kib = memory_kib(daemon.id())?;
        daemon.signal(Signal::SIGTERM)?;
        daemon.wait()?;
        Ok(Self {
            phones,
            method: status["scan_method"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            adverts_per_second: f64::from(u32::try_from(after.heard - before.heard)?) / seconds,
            cycles: whole_cycles(&place)?,
            dropped: counter(&status, "dropped"),
            daemon_percent: (after.daemon_seconds - before.daemon_seconds) / seconds * 100.0,
            bus_percent: (after.bus_seconds - before.bus_seconds) / seconds * 100.0,
            memory_kib,
        })
    }

    /// Fails unless everybody was heard in every cycle, and enough.
    #[track_caller]
    fn check(&self) {
        assert_eq!(self.dropped, 0, "{self:?}");
        let phones = usize::try_from(self.phones).expect("few");
        for cycle in &self.cycles {
            assert_eq!(cycle.phones.len(), phones);
        }
        assert!(samples(&self.cycles) >= 2.0, "{}", samples(&self.cycles));
    }

    fn row(&self) -> Vec<String> {
        vec![
            self.phones.to_string(),
            self.method.clone(),
            format!("{:.0}", self.adverts_per_second),
            format!("{:.1}", samples(&self.cycles)),
            self.dropped.to_string(),
            format!("{:.1} %, {:.1} %", self.daemon_percent, self.bus_percent),
            format!("{} MiB", self.memory_kib.div_ceil(1_024)),
        ]
    }
}

/// How long cycles may take, on a machine that has other things to do.
const LOAD_TIME_MAX: Duration = Duration::from_secs(240);

/// What a daemon stored that has ended: each cycle but the last, which it cut short.
fn whole_cycles(place: &Place) -> Result<Vec<Cycle>> {
    let dir = place.state_dir();
    let store = Store::open(&dir, &DeviceKey::load(&dir, None)?)?;
    let mut cycles: BTreeMap<Option<u64>, Cycle> = BTreeMap::new();
    store
        .reader()?
        .for_each_sighting(UnixSeconds::new(0), &mut |sighting| {
            let cycle = cycles.entry(sighting.scan.cycle).or_default();
            cycle.phones.insert(sighting.rpi);
            cycle.samples += 1;
        })?;
    cycles.pop_last();
    Ok(cycles.into_values().collect())
}

fn counter(status: &Value, name: &str) -> u64 {
    status["scans"]["counters"][name]
        .as_u64()
        .unwrap_or_default()
}
