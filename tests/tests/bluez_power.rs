//! What the daemon takes while nothing happens and in a small crowd: the scenario
//! `daemon-waits`, and beside another program. `make bench-power` measures every kind of
//! controller, and writes the tables in docs/bluetooth.md.

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use air::controller::Model;
use nix::time::{ClockId, clock_gettime};
use sesshoku_tests::document::Table;
use sesshoku_tests::power::Wakeups;
use sesshoku_tests::uml::{EXTENDED, LEGACY, Machine, kernel_process, processes, shared_dir};

/// The goal, by the hour outside of scan windows. Most of it is the sign of life that
/// bluetoothd is asked for between two windows, so that one that hangs is told in time:
/// some three wake-ups each, and up to 14 an hour.
const WAKEUPS_MAX: u64 = 60;
/// The goal, by the hour, on a machine that does a [`Piece`] in [`Piece::NOMINAL`].
const CPU_SECONDS_MAX: f64 = 1.0;
const CROWD: u32 = 50;

/// The scenarios: nobody else discovers, or another program does.
const ALONE: &str = "daemon-waits";
const BESIDE: &str = "daemon-waits-beside";

const KINDS: &[(&str, Model, bool)] = &[
    ("legacy", LEGACY, false),
    ("legacy", LEGACY, true),
    ("extended", EXTENDED, false),
    ("extended", EXTENDED, true),
];

#[test]
fn it_rests_between_scan_windows() {
    std::thread::scope(|scope| {
        scope.spawn(|| measure(ALONE, KINDS[0], 0, 60).check());
        scope.spawn(|| measure(ALONE, KINDS[3], CROWD, 15).check());
    });
}

#[test]
#[ignore = "a benchmark: `make bench-power`"]
fn what_a_day_takes() {
    let mut table = Table::new(&[
        "around",
        "controller",
        "scan method",
        "wake-ups an hour, outside scan windows (measured)",
        "in a scan window (measured)",
        "CPU seconds a day (measured)",
    ]);
    for (phones, words, minutes) in [(0, "nobody", 120), (CROWD, "50 phones", 30)] {
        for kinds in KINDS.chunks(2) {
            let measured = measure_all(ALONE, kinds, phones, minutes);
            for ((controller, _, experimental), measured) in kinds.iter().zip(measured) {
                measured.check();
                let method = if *experimental {
                    "monitor+discovery"
                } else {
                    "discovery"
                };
                table.row(vec![
                    words.to_owned(),
                    (*controller).to_owned(),
                    method.to_owned(),
                    measured.wakeups.outside_per_hour().to_string(),
                    (measured.wakeups.in_windows / measured.wakeups.windows.max(1)).to_string(),
                    format!("{:.1}", measured.cpu_seconds_per_hour * 24.0),
                ]);
            }
        }
    }
    table.check("docs/bluetooth.md", "power");
}

/// Another program decides when the controller scans, so that there are no windows to
/// tell apart.
#[test]
#[ignore = "a benchmark: `make bench-power`"]
fn what_an_hour_beside_another_program_takes() {
    let mut table = Table::new(&[
        "around",
        "controller",
        "bluetoothd",
        "wake-ups an hour (measured)",
        "CPU seconds a day (measured)",
    ]);
    for (phones, words) in [(0, "nobody"), (CROWD, "50 phones")] {
        for kinds in KINDS.chunks(2) {
            let measured = measure_all(BESIDE, kinds, phones, 60);
            for ((controller, _, experimental), measured) in kinds.iter().zip(measured) {
                let interfaces = if *experimental {
                    "with monitors"
                } else {
                    "without"
                };
                table.row(vec![
                    words.to_owned(),
                    (*controller).to_owned(),
                    interfaces.to_owned(),
                    measured.wakeups.all().to_string(),
                    format!("{:.1}", measured.cpu_seconds_per_hour * 24.0),
                ]);
            }
        }
    }
    table.check("docs/bluetooth.md", "power-beside");
}

/// What a time took.
#[derive(Debug)]
struct Measured {
    wakeups: Wakeups,
    cpu_seconds_per_hour: f64,
    /// How much longer than [`Piece::NOMINAL`] a piece took meanwhile.
    slowness: f64,
}

impl Measured {
    #[expect(clippy::print_stdout, reason = "what a benchmark is for")]
    fn check(&self) {
        println!("{self:?}");
        assert!(self.wakeups.windows >= 2, "{self:?}");
        assert!(self.wakeups.outside_per_hour() < WAKEUPS_MAX, "{self:?}");
        assert!(
            self.cpu_seconds_per_hour > 0.0
                && self.cpu_seconds_per_hour / self.slowness < CPU_SECONDS_MAX,
            "{self:?}"
        );
    }
}

/// Measures these kinds at the same time.
fn measure_all(
    scenario: &str,
    kinds: &[(&str, Model, bool)],
    phones: u32,
    minutes: u32,
) -> Vec<Measured> {
    std::thread::scope(|scope| {
        let runs: Vec<_> = kinds
            .iter()
            .map(|kind| scope.spawn(|| measure(scenario, *kind, phones, minutes)))
            .collect();
        let joined = runs.into_iter().map(|run| run.join());
        joined
            .map(|run| run.expect("a guest fails by panicking"))
            .collect()
    })
}

fn measure(scenario: &str, kind: (&str, Model, bool), phones: u32, minutes: u32) -> Measured {
    let (controller, model, experimental) = kind;
    let method = if experimental { "monitor" } else { "plain" };
    let name = format!("{scenario}-{phones}-{minutes}-{controller}-{method}");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let cpu_time = scope.spawn(|| cpu_time(&shared_dir(&name), &is_over));
        let machine = Machine::new(&name, scenario)
            .model(model)
            .experimental(experimental)
            .phones(phones)
            .minutes(minutes)
            .thin()
            .deadline(Duration::from_secs(1_200));
        let run = std::panic::catch_unwind(|| machine.run());
        is_over.store(true, Ordering::Relaxed);
        let run = run.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let seconds: Vec<_> = serde_json::from_str(&run.text("power.json")).expect("seconds");
        let (cpu_time, slowness) = cpu_time.join().expect("it is watched");
        Measured {
            wakeups: Wakeups::sort(&seconds, run.air(), 0),
            cpu_seconds_per_hour: cpu_time.as_secs_f64() * 60.0 / f64::from(minutes),
            slowness,
        }
    })
}

/// The processor time that the daemon takes in a guest, from when it says where it
/// is, and how slow the processor was meanwhile. User-Mode Linux runs each process of the
/// guest as one of the host, which knows the time exactly; what the guest's kernel does
/// for it is not in it.
fn cpu_time(shared_dir: &Path, is_over: &AtomicBool) -> (Duration, f64) {
    const LOOK_EVERY: Duration = Duration::from_millis(100);
    let range = || fs::read_to_string(shared_dir.join("program-range")).ok();
    let _ = fs::remove_file(shared_dir.join("program-range"));
    let (mut process, mut first, mut last) = (None, None, None);
    let (mut pieces, mut in_pieces) = (0, Duration::ZERO);
    while !is_over.load(Ordering::Relaxed) {
        if process.is_none() {
            process = range().and_then(|range| process_with_program_at(shared_dir, &range));
        }
        let now = process.as_deref().and_then(run_time);
        first = first.or(now);
        last = now.or(last);
        if now.is_some() {
            pieces += 1;
            in_pieces += Piece::default().time();
        }
        std::thread::sleep(LOOK_EVERY);
    }
    let taken = last.unwrap_or_default() - first.unwrap_or_default();
    let slowness = (in_pieces / pieces.max(1)).div_duration_f64(Piece::NOMINAL);
    (taken, slowness)
}

/// A fixed piece of work. A processor that others share is slow at times, and its host may
/// count their time as ours: by how long a piece takes at the same time, that is told
/// from a daemon which does more.
#[derive(Debug, Default)]
struct Piece(BTreeMap<u64, u64>);

impl Piece {
    /// What a piece takes on the machine where the goal was set.
    const NOMINAL: Duration = Duration::from_micros(430);
    const ENTRIES: u64 = 2_000;

    /// How long it takes, in time of this thread on a processor.
    fn time(mut self) -> Duration {
        let now = || clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("Linux has it");
        let start = now();
        for i in 0..Self::ENTRIES {
            // An odd factor scatters them over the map.
            self.0.insert(i.wrapping_mul(0x9E37_79B9_7F4A_7C15), i);
        }
        black_box(&self.0);
        Duration::from(now() - start)
    }
}

/// The process of the guest on this folder that has memory in `range`.
fn process_with_program_at(shared_dir: &Path, range: &str) -> Option<PathBuf> {
    let (start, end) = parse_range(range)?;
    let kernel = kernel_process(shared_dir)?;
    let children = processes().filter(|(_, parent)| *parent == kernel);
    let mut paths = children.map(|(id, _)| PathBuf::from(format!("/proc/{id}")));
    paths.find(|path| {
        let maps = fs::read_to_string(path.join("maps")).unwrap_or_default();
        let mut ranges = maps
            .lines()
            .filter_map(|line| parse_range(line.split(' ').next()?));
        ranges.any(|(from, to)| start <= from && to <= end)
    })
}

fn parse_range(text: &str) -> Option<(u64, u64)> {
    let (start, end) = text.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    Some((number(start)?, number(end)?))
}

/// How long a process has run: the first number of its `schedstat`, in nanoseconds.
fn run_time(process: &Path) -> Option<Duration> {
    let text = fs::read_to_string(process.join("schedstat")).ok()?;
    let nanoseconds = text.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}
