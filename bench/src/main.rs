//! Measures matching, the largest piece of work that a device does, and opening exports.
//!
//! Sizes are keys × sightings; times are CPU time of the one thread that works, which
//! other programs disturb little. `docs/performance.md` says how to read the figures.

mod data;
mod limit;
mod measure;
mod table;

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use clap::{Parser, Subcommand, ValueEnum};
use gaen::diagnosis::DiagnosisKey;
use gaen::export::{Limits, Unverified, open};
use gaen::matching::{AtOnce, Means, Options, SightingSource, Vector, match_keys_by};

use data::Records;
use measure::{median_by, peak_kib, thread_seconds};

/// Measure the matching of diagnosis keys.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write an export of keys, and records of sightings of which 20 keys' are a part
    ///
    /// The export is the contents of an export.bin, of keys that each hold for a whole
    /// day, spread over the days. A record is 25 bytes: RPI 16, AEM 4, time in Unix
    /// seconds (u32, little-endian), RSSI (i8). Records are at random times of the days
    /// and in no order. The same arguments give the same files.
    Generate {
        /// How many keys; at least 20
        #[arg(long)]
        keys: usize,
        /// How many sightings; at least 100, five of each of the 20 keys
        #[arg(long)]
        sightings: usize,
        /// What the random numbers begin with
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Over how many days keys and sightings are spread
        #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=14))]
        days: u32,
        /// Where the export goes
        #[arg(long, value_name = "F.bin")]
        export: PathBuf,
        /// Where the records go
        #[arg(long, value_name = "F.rec")]
        records: PathBuf,
    },
    /// Parse the export, match its keys with the records, and print what that took
    ///
    /// One line: RESULT, then CPU seconds of filling the filter (index_s), parsing the
    /// export (parse_s), deriving and looking up the keys' RPIs (match_s), and looking at
    /// the sightings again (verify_s); the seconds that passed from the beginning to the end
    /// (wall_s); how many keys, sightings and keys that were met; nanoseconds of CPU time a
    /// key of all of it; the most memory that the process has had. Reading
    /// the files is not counted.
    Match {
        /// The export
        #[arg(long, value_name = "F.bin")]
        export: PathBuf,
        /// The records
        #[arg(long, value_name = "F.rec")]
        records: PathBuf,
        /// Which implementation
        #[arg(long, value_enum, default_value_t = Implementation::Safe)]
        path: Implementation,
        /// How many threads match: 2 of what `gaen` does; CPU seconds are those of one
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
        threads: u8,
        /// How often; the run of median length is printed
        #[arg(long, default_value_t = 1)]
        reps: usize,
    },
    /// Unpack, verify and parse an export of some keys, and print what that took
    ///
    /// One line: RESULT, then CPU seconds of unpacking the ZIP file (unpack_s), and of
    /// hashing, checking the signature and parsing the keys (verify_s); how many keys,
    /// nanoseconds a key of both; the most memory that the process has had, which holds
    /// the export as it was made, too.
    Open {
        /// How many keys; at least 20
        #[arg(long)]
        keys: usize,
        /// How often; the run of median length is printed
        #[arg(long, default_value_t = 1)]
        reps: usize,
    },
    /// Derive 144 RPIs of each of some keys, do nothing with them, and print what that took
    ///
    /// What no matcher that uses the same crates, or instructions, can be faster than.
    Limit {
        /// By the crates, or by vector instructions
        #[arg(long, value_enum, default_value_t = Implementation::Safe)]
        path: Implementation,
        /// How many keys
        #[arg(long)]
        keys: usize,
        /// How often; the run of median length is printed
        #[arg(long, default_value_t = 1)]
        reps: usize,
    },
    /// Measure the limit and the matcher by turns at several sizes, and print a table
    Table {
        /// How often each size is measured; medians are printed
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// Sizes, as KEYSxSIGHTINGS
        #[arg(long, value_delimiter = ',', default_values_t = table::SIZES)]
        sizes: Vec<table::Size>,
    },
}

/// How keys are matched.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Implementation {
    /// As `gaen` does it without vector instructions
    Safe,
    /// As `gaen` does it with this processor's vector instructions
    Simd,
    /// The plainest way there is: a set of all RPIs, in which every RPI of every key is
    /// looked up
    Naive,
}

impl fmt::Display for Implementation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Safe => "safe",
            Self::Simd => "simd",
            Self::Naive => "naive",
        })
    }
}

fn vector() -> anyhow::Result<Vector> {
    Vector::detect().context("this processor has no SIMD path")
}

fn main() -> anyhow::Result<()> {
    let line = match Args::parse().command {
        Command::Generate {
            keys,
            sightings,
            seed,
            days,
            export,
            records,
        } => {
            let (bin, rec) = data::generate(keys, sightings, seed, days)?;
            write(&export, &bin)?;
            write(&records, &rec)?;
            return Ok(());
        }
        Command::Match {
            export,
            records,
            path,
            threads,
            reps,
        } => {
            let at_once: Option<AtOnce> = match threads {
                2 => Some(on_two_threads),
                _ => None,
            };
            run_match(&export, &read(&records)?, path, at_once, reps)?
        }
        Command::Open { keys, reps } => run_open(keys, reps)?,
        Command::Limit { path, keys, reps } => {
            let ns_per_key = match path {
                Implementation::Safe => limit::ns_per_key(keys, reps)?,
                Implementation::Simd => limit::vector_ns_per_key(vector()?, keys, reps)?,
                Implementation::Naive => bail!("there is no limit to that"),
            };
            let peak_kib = peak_kib()?;
            format!("RESULT path=limit keys={keys} ns_per_key={ns_per_key:.1} peak_kib={peak_kib}")
        }
        Command::Table { rounds, sizes } => table::measure(rounds, &sizes)?,
    };
    writeln!(io::stdout(), "{line}")?;
    Ok(())
}

/// CPU seconds of the parts of one run, and the seconds that passed.
#[derive(Clone, Copy, Default)]
struct Parts {
    wall: f64,
    index: f64,
    parse: f64,
    matching: f64,
    verify: f64,
}

impl Parts {
    fn total(&self) -> f64 {
        self.index + self.parse + self.matching + self.verify
    }
}

fn run_match(
    export: &Path,
    rec: &[u8],
    path: Implementation,
    at_once: Option<AtOnce>,
    reps: usize,
) -> anyhow::Result<String> {
    let mut runs = Vec::new();
    let mut counts = (0, 0);
    for _ in 0..reps {
        let unverified = Unverified::from_bin(read(export)?);
        let (start, wall_start) = (thread_seconds()?, Instant::now());
        let keys = unverified.without_verification()?.keys;
        let parse = thread_seconds()? - start;
        let by_gaen = |vector| run_gaen(&keys, rec, Means { vector, at_once });
        let (matches, parts) = match path {
            Implementation::Safe => by_gaen(None)?,
            Implementation::Simd => by_gaen(Some(vector()?))?,
            Implementation::Naive => run_naive(&keys, rec)?,
        };
        counts = (keys.len(), matches);
        runs.push(Parts {
            parse,
            wall: wall_start.elapsed().as_secs_f64(),
            ..parts
        });
    }
    let run = median_by(&mut runs, Parts::total).context("--reps is at least 1")?;
    let (keys, matches) = counts;
    Ok(format!(
        "RESULT path={path} index_s={:.6} parse_s={:.6} match_s={:.6} verify_s={:.6} wall_s={:.6} \
         keys={keys} sightings={} matches={matches} ns_per_key={:.1} peak_kib={}",
        run.index,
        run.parse,
        run.matching,
        run.verify,
        run.wall,
        rec.len() / data::RECORD_LEN,
        run.total() * 1e9 / measure::float(keys),
        peak_kib()?,
    ))
}

/// Matches as the daemon does.
fn run_gaen(keys: &[DiagnosisKey], rec: &[u8], means: Means) -> anyhow::Result<(usize, Parts)> {
    let start = thread_seconds()?;
    let source = Records::new(rec)?;
    let found = match_keys_by(&source, keys, &Options::default(), means)?;
    let (index, verify) = source.seconds();
    let matching = thread_seconds()? - start - index - verify;
    let parts = Parts {
        index,
        matching,
        verify,
        ..Parts::default()
    };
    Ok((found.len(), parts))
}

fn on_two_threads(first: &mut (dyn FnMut() + Send), second: &mut (dyn FnMut() + Send)) {
    thread::scope(|scope| {
        scope.spawn(first);
        second();
    });
}

fn run_naive(keys: &[DiagnosisKey], rec: &[u8]) -> anyhow::Result<(usize, Parts)> {
    let start = thread_seconds()?;
    let mut heard = HashSet::new();
    Records::new(rec)?.for_each(&mut |sighting| {
        heard.insert(sighting.rpi);
    })?;
    let index = thread_seconds()? - start;
    let was_heard = |key: &&DiagnosisKey| {
        let rpik = key.tek.rpik();
        key.intervals()
            .any(|interval| heard.contains(&rpik.rpi(interval)))
    };
    let found = keys.iter().filter(was_heard).count();
    let parts = Parts {
        index,
        matching: thread_seconds()? - start - index,
        ..Parts::default()
    };
    Ok((found, parts))
}

/// None that a million keys would reach.
const LIMITS: Limits = Limits {
    archive: usize::MAX,
    bin: usize::MAX,
    sig: usize::MAX,
};

fn run_open(keys: usize, reps: usize) -> anyhow::Result<String> {
    let (zip, signed_by) = data::signed_export(keys)?;
    let mut runs = Vec::new();
    for _ in 0..reps {
        let start = thread_seconds()?;
        let unverified = open(&zip, &LIMITS)?;
        let unpacked = thread_seconds()?;
        let verified = unverified.verify(std::slice::from_ref(&signed_by))?;
        runs.push((unpacked - start, thread_seconds()? - unpacked));
        ensure!(verified.export().keys.len() == keys, "all keys are read");
    }
    let run = median_by(&mut runs, |(unpack, verify)| unpack + verify);
    let (unpack, verify) = run.context("--reps is at least 1")?;
    Ok(format!(
        "RESULT path=open unpack_s={unpack:.6} verify_s={verify:.6} keys={keys} \
         ns_per_key={:.1} peak_kib={}",
        (unpack + verify) * 1e9 / measure::float(keys),
        peak_kib()?,
    ))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn write(path: &Path, contents: &[u8]) -> anyhow::Result<()> {
    fs::write(path, contents).with_context(|| format!("{} cannot be written", path.display()))
}
