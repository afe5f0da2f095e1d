//! A daemon that is killed at any moment loses the cycle in flight at most, and
//! never comes back with half an erasure.
//!
//! The children are this test binary itself, running one of the tests marked
//! `ignore` in a folder that the environment names.

use std::env;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rusqlite::Connection;
use sesshoku_core::records::Consent;
use sesshokud::store::{DeviceKey, Store};

use crate::support::{DAY, Home, T0, at, cycle, day, own_key, read_all};

pub(crate) const DIR: &str = "SESSHOKU_TEST_STORE_DIR";
const CYCLES_PER_DAY: u32 = 12;

/// Cycle number `n` of the child: a dozen a day, some of them empty.
fn nth_cycle(n: u32) -> sesshoku_core::records::ScanCycle {
    let started = T0 + n / CYCLES_PER_DAY * DAY + n % CYCLES_PER_DAY * 240;
    cycle(started, n % 7)
}

pub(crate) fn say(word: &str) {
    // Past the test harness, which would keep it to itself.
    let mut out = std::io::stdout().lock();
    writeln!(out, "{word}").unwrap();
    out.flush().unwrap();
}

fn open_in(dir: &std::path::Path) -> Store {
    let key = DeviceKey::load(dir, None).unwrap();
    Store::open(dir, &key).unwrap()
}

pub(crate) struct Killed {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Killed {
    pub(crate) fn start(test: &str, home: &Home) -> Self {
        Self::start_with(test, DIR, home.path())
    }

    /// A child that finds `dir` under the name `variable` in its environment.
    pub(crate) fn start_with(test: &str, variable: &str, dir: &Path) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                test,
                "--ignored",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(variable, dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// What the child waits for.
    pub(crate) fn stdin(&mut self) -> &mut ChildStdin {
        self.child.stdin.as_mut().unwrap()
    }

    /// The child's next word that begins with `prefix`, without it.
    pub(crate) fn hear(&mut self, prefix: &str) -> Option<String> {
        self.lines.by_ref().find_map(|line| {
            // The harness puts its own text before the first word.
            let line = line.unwrap();
            line.find(prefix)
                .map(|at| line[at + prefix.len()..].to_owned())
        })
    }

    /// Kills the child and returns everything it said before that.
    pub(crate) fn kill(mut self, prefix: &str) -> Option<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut last = None;
        while let Some(word) = self.hear(prefix) {
            last = Some(word);
        }
        last
    }
}

#[test]
#[ignore = "a child of the test below"]
fn child_appends() {
    let Some(dir) = env::var_os(DIR).map(PathBuf::from) else {
        return;
    };
    let mut store = open_in(&dir);
    let done = store.last_cycle().unwrap().map_or(0, |last| {
        let days = last.started.utc_day().get() - day(T0).get();
        days * CYCLES_PER_DAY + last.started.get() % DAY / 240 + 1
    });
    for n in done.. {
        store.append_cycle(&nth_cycle(n)).unwrap();
        say(&format!("stored {n}"));
        if n % CYCLES_PER_DAY == 0 {
            store.compact(nth_cycle(n).started.utc_day()).unwrap();
        }
    }
}

#[test]
fn every_acknowledged_cycle_outlives_a_kill() {
    let home = Home::new();
    drop(home.open());
    let mut acknowledged = 0;
    for round in 0..12_u32 {
        let mut child = Killed::start("crash::child_appends", &home);
        // From one to some dozen cycles, never the same number.
        for _ in 0..=(round * 7 % 23) {
            acknowledged = child.hear("stored ").unwrap().parse().unwrap();
        }
        if let Some(last) = child.kill("stored ") {
            acknowledged = last.parse().unwrap();
        }
        let store = home.open();
        let (sightings, report) = read_all(&store);
        assert_eq!(report.damaged_segments, 0);
        // Everything acknowledged, and at most the one in flight besides.
        let of_cycles =
            |count: u32| -> Vec<_> { (0..count).flat_map(|n| nth_cycle(n).sightings).collect() };
        let read: Vec<_> = sightings.iter().map(|s| (s.time, s.rpi)).collect();
        let matches = [acknowledged + 1, acknowledged + 2].iter().any(|count| {
            let expected = of_cycles(*count);
            expected
                .iter()
                .map(|s| (s.time, s.rpi))
                .eq(read.iter().copied())
        });
        assert!(
            matches,
            "round {round}: {} sightings, {acknowledged}",
            read.len()
        );
    }
}

#[test]
#[ignore = "a child of the test below"]
fn child_erases() {
    let Some(dir) = env::var_os(DIR).map(PathBuf::from) else {
        return;
    };
    let mut store = open_in(&dir);
    say("erasing");
    store.erase().unwrap();
    say("erased");
    loop {
        std::thread::park();
    }
}

#[test]
fn an_erasure_that_is_killed_is_whole_or_finished_at_the_next_start() {
    let (mut whole, mut finished, mut ended) = (0, 0, 0);
    for round in 0..24_u32 {
        let home = Home::new();
        let consent = Consent {
            version: "1".to_owned(),
            agreed_at: at(T0),
        };
        let mut store = home.open();
        store.set_consent(Some(&consent)).unwrap();
        store.put_own_key(&own_key(day(T0), 1)).unwrap();
        for n in 0..30 {
            store.append_cycle(&cycle(T0 + 240 * n, 3)).unwrap();
        }
        drop(store);
        let old_key = std::fs::read(home.path().join("device.key")).unwrap();

        let mut child = Killed::start("crash::child_erases", &home);
        child.hear("erasing").unwrap();
        // Later and later into the erasure.
        let moments = round * 200;
        for _ in 0..moments {
            std::hint::black_box(std::fs::metadata(home.path()).unwrap());
        }
        let done = child.kill("erased").is_some();

        let store = home.open();
        assert_eq!(store.consent().unwrap().as_ref(), Some(&consent));
        let sightings = read_all(&store).1.sightings;
        let teks = store.own_keys().unwrap().len();
        match (sightings, teks) {
            (90, 1) => {
                assert!(!done);
                whole += 1;
            }
            (0, 0) => {
                if done {
                    ended += 1;
                } else {
                    finished += 1;
                }
                drop(store);
                let key = std::fs::read(home.path().join("device.key")).unwrap();
                assert_ne!(key, old_key);
                let conn = Connection::open(home.database()).unwrap();
                let left: i64 = conn
                    .query_row(
                        "SELECT (SELECT count(*) FROM segment)
                              + (SELECT count(*) FROM encounter_key)
                              + (SELECT count(*) FROM encounter_key_copy)
                              + (SELECT count(*) FROM exposure)
                              + (SELECT sum(erasing) FROM secret)",
                        [],
                        |row| row.get(0),
                    )
                    .unwrap();
                assert_eq!(left, 0);
            }
            other => panic!("half an erasure: {other:?}"),
        }
        assert!(!home.path().join("device.key.new").exists());
    }
    eprintln!("killed before the keys were gone {whole} times, after {finished}, too late {ended}");
}
