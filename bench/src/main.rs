//! Measures matching, the largest piece of work that a device does, and opening exports.
//!
//! Sizes are keys × sightings; times are CPU time of the one thread that works, which
//! other programs disturb little. `docs/performance.md` says how to read the figures.

mod data;
mod limit;
mod measure;
mod table;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::{Parser, Subcommand, ValueEnum};
use gaen::export::{Limits, Unverified, open};
use gaen::matching::{Options, match_keys};

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
    /// the sightings again (verify_s); how many keys, sightings and keys that were met;
    /// nanoseconds a key of all of it; the most memory that the process has had. Reading
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
    /// What no matcher that uses the same crates can be faster than.
    Limit {
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

/// An implementation of the matcher.
#[derive(Clone, Copy, ValueEnum)]
enum Implementation {
    /// The one of `gaen`, without unsafe code
    Safe,
    /// The one for this processor's vector instructions
    Simd,
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
            path: Implementation::Safe,
            reps,
        } => run_match(&export, &read(&records)?, reps)?,
        Command::Match {
            path: Implementation::Simd,
            ..
        } => bail!("there is no SIMD path to measure"),
        Command::Open { keys, reps } => run_open(keys, reps)?,
        Command::Limit { keys, reps } => {
            let ns_per_key = limit::ns_per_key(keys, reps)?;
            let peak_kib = peak_kib()?;
            format!("RESULT path=limit keys={keys} ns_per_key={ns_per_key:.1} peak_kib={peak_kib}")
        }
        Command::Table { rounds, sizes } => table::measure(rounds, &sizes)?,
    };
    writeln!(io::stdout(), "{line}")?;
    Ok(())
}

/// CPU seconds of the parts of one run.
#[derive(Clone, Copy)]
struct Parts {
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

fn run_match(export: &Path, rec: &[u8], reps: usize) -> anyhow::Result<String> {
    let mut runs = Vec::new();
    let mut counts = (0, 0);
    for _ in 0..reps {
        let unverified = Unverified::from_bin(read(export)?);
        let start = thread_seconds()?;
        let keys = unverified.without_verification()?.keys;
        let parsed = thread_seconds()?;
        let source = Records::new(rec)?;
        let found = match_keys(&source, &keys, &Options::default())?;
        let (index, verify) = source.seconds();
        let parts = Parts {
            index,
            parse: parsed - start,
            matching: thread_seconds()? - parsed - index - verify,
            verify,
        };
        counts = (keys.len(), found.len());
        runs.push(parts);
    }
    let run = median_by(&mut runs, Parts::total).context("--reps is at least 1")?;
    let (keys, matches) = counts;
    Ok(format!(
        "RESULT path=safe index_s={:.6} parse_s={:.6} match_s={:.6} verify_s={:.6} keys={keys} \
         sightings={} matches={matches} ns_per_key={:.1} peak_kib={}",
        run.index,
        run.parse,
        run.matching,
        run.verify,
        rec.len() / data::RECORD_LEN,
        run.total() * 1e9 / measure::float(keys),
        peak_kib()?,
    ))
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
