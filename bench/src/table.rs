//! The table of `make bench`: every size measured in turns with the limit, in processes
//! of their own, so that what disturbs the machine disturbs all of them.

use core::fmt;
use std::env;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context, ensure};

use gaen::matching::Vector;

use crate::data::PLANTED_KEYS;
use crate::measure::median_by;

/// How many keys are matched with how many sightings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    keys: usize,
    sightings: usize,
}

pub(crate) const SIZES: [Size; 6] = [
    size(100_000, 10_000),
    size(100_000, 100_000),
    size(10_000, 100_000),
    size(100_000, 1_000_000),
    size(1_000_000, 1_000_000),
    size(1_000_000, 5_000_000),
];

/// Enough keys that the limit does not depend on how many.
const LIMIT_KEYS: usize = 100_000;

const fn size(keys: usize, sightings: usize) -> Size {
    Size { keys, sightings }
}

impl FromStr for Size {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (keys, sightings) = text.split_once('x').context("not KEYSxSIGHTINGS")?;
        Ok(size(keys.parse()?, sightings.parse()?))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.keys, self.sightings)
    }
}

/// What one round took.
#[derive(Clone, Copy)]
struct Round {
    safe: Run,
    /// `None` where the processor has no vector instructions for it.
    simd: Option<Run>,
    naive: Run,
}

/// What one run of a matcher took.
#[derive(Clone, Copy)]
struct Run {
    ns_per_key: f64,
    /// What the limit took beside it.
    limit: f64,
    /// ns per key of index, parse, match and verify.
    parts: [f64; 4],
    peak_kib: f64,
}

/// Measures and gives the table.
pub(crate) fn measure(rounds: usize, sizes: &[Size]) -> anyhow::Result<String> {
    let dir = env::temp_dir().join(format!("sesshoku-bench-{}", std::process::id()));
    std::fs::create_dir(&dir)?;
    let table = measure_in(&dir, rounds, sizes);
    std::fs::remove_dir_all(&dir)?;
    table
}

fn measure_in(dir: &Path, rounds: usize, sizes: &[Size]) -> anyhow::Result<String> {
    let mut limits = Vec::new();
    let mut rows = Vec::new();
    for size in sizes {
        let (export, records) = (dir.join("export.bin"), dir.join("records"));
        let files = [
            "--export".as_ref(),
            export.as_os_str(),
            "--records".as_ref(),
            records.as_os_str(),
        ];
        let (keys, sightings) = (size.keys.to_string(), size.sightings.to_string());
        bench(|it| {
            it.args(["generate", "--keys", &keys, "--sightings", &sightings])
                .args(files)
        })?;
        let mut measured = Vec::new();
        for _ in 0..rounds {
            let limit = |path| {
                let keys = LIMIT_KEYS.to_string();
                let line = bench(|it| it.args(["limit", "--path", path, "--keys", &keys]))?;
                field(&line, "ns_per_key")
            };
            let matched = |path, limit_path| {
                let before = limit(limit_path)?;
                let line = bench(|it| it.args(["match", "--path", path]).args(files))?;
                run(&line, f64::midpoint(before, limit(limit_path)?))
            };
            let round = Round {
                safe: matched("safe", "safe")?,
                simd: match Vector::detect() {
                    Some(_) => Some(matched("simd", "simd")?),
                    None => None,
                },
                naive: matched("naive", "safe")?,
            };
            limits.push((
                round.safe.limit,
                round.simd.map_or(f64::NAN, |run| run.limit),
            ));
            measured.push(round);
        }
        rows.push(row(size, &measured).context("--rounds is at least 1")?);
    }
    let mut limit = |of: fn(&(f64, f64)) -> f64| {
        median_by(&mut limits, of).map_or(f64::NAN, |limits| of(&limits))
    };
    Ok(format!(
        "Limit, HKDF and AES alone: {:.0} ns a key by the crates, {:.0} by SIMD\n\n\
         | keys × sightings | safe, ns a key | × limit | SIMD, ns a key | × its limit \
         | safe ÷ SIMD | naive ÷ safe | index | parse | match | verify | peak, MiB |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n{}",
        limit(|limits| limits.0),
        limit(|limits| limits.1),
        rows.concat().trim_end()
    ))
}

/// Runs this program with arguments, and gives what it prints.
fn bench(arguments: impl FnOnce(&mut Command) -> &mut Command) -> anyhow::Result<String> {
    let mut command = Command::new(env::current_exe()?);
    let output = arguments(&mut command).output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {told}");
    Ok(String::from_utf8(output.stdout)?)
}

/// The number of a field of a RESULT line.
fn field(line: &str, name: &str) -> anyhow::Result<f64> {
    line.split_whitespace()
        .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
        .with_context(|| format!("{line} has no {name}"))?
        .parse()
        .with_context(|| format!("{name} of {line} is no number"))
}

fn run(line: &str, limit: f64) -> anyhow::Result<Run> {
    let matches = field(line, "matches")?;
    ensure!(
        matches == crate::measure::float(PLANTED_KEYS),
        "{matches} keys are met"
    );
    let ns_per_key = field(line, "ns_per_key")?;
    let keys = field(line, "keys")?;
    let part = |name| Ok::<_, anyhow::Error>(field(line, name)? * 1e9 / keys);
    Ok(Run {
        ns_per_key,
        limit,
        parts: [
            part("index_s")?,
            part("parse_s")?,
            part("match_s")?,
            part("verify_s")?,
        ],
        peak_kib: field(line, "peak_kib")?,
    })
}

/// The medians of `measured`, each by itself.
fn row(size: &Size, measured: &[Round]) -> Option<String> {
    let median = |figure: fn(&Round) -> f64| {
        median_by(&mut measured.to_vec(), figure).map(|round| figure(&round))
    };
    let simd = |figure: fn(&Round, &Run) -> f64, digits| {
        let mut figures: Vec<_> = measured
            .iter()
            .filter_map(|round| Some(figure(round, round.simd.as_ref()?)))
            .collect();
        let median = median_by(&mut figures, |&it| it);
        median.map_or_else(|| "–".to_owned(), |it| format!("{it:.digits$}"))
    };
    Some(format!(
        "| {size} | {:.0} | {:.2} | {} | {} | {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} |\n",
        median(|it| it.safe.ns_per_key)?,
        median(|it| it.safe.ns_per_key / it.safe.limit)?,
        simd(|_, simd| simd.ns_per_key, 0),
        simd(|_, simd| simd.ns_per_key / simd.limit, 2),
        simd(|round, simd| round.safe.ns_per_key / simd.ns_per_key, 2),
        median(|it| it.naive.ns_per_key / it.safe.ns_per_key)?,
        median(|it| it.safe.parts[0])?,
        median(|it| it.safe.parts[1])?,
        median(|it| it.safe.parts[2])?,
        median(|it| it.safe.parts[3])?,
        median(|it| it.safe.peak_kib / 1024.0)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for size in SIZES {
            assert_eq!(size.to_string().parse::<Size>().unwrap(), size);
        }
        for bad in ["", "1", "x", "1x", "1x1x1"] {
            assert!(bad.parse::<Size>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_row_has_medians() {
        let measured = |by_limit: f64| {
            let line = format!(
                "RESULT path=safe index_s=0.1 parse_s=0.2 match_s=0.3 verify_s=0.4 keys=1000000 \
                 sightings=1 matches=20 ns_per_key={} peak_kib=2048",
                by_limit * 500.0
            );
            run(&line, 500.0).unwrap()
        };
        let rounds = [3.0, 1.0, 2.0].map(|safe| Round {
            safe: measured(safe),
            simd: Some(measured(safe / 2.0)),
            naive: measured(safe * 10.0),
        });
        assert_eq!(
            row(&size(1_000_000, 1), &rounds).unwrap(),
            "| 1000000x1 | 1000 | 2.00 | 500 | 1.00 | 2.00 | 10 | 100 | 200 | 300 | 400 | 2 |\n"
        );
        let without = rounds.map(|round| Round {
            simd: None,
            ..round
        });
        assert_eq!(
            row(&size(1_000_000, 1), &without).unwrap(),
            "| 1000000x1 | 1000 | 2.00 | – | – | – | 10 | 100 | 200 | 300 | 400 | 2 |\n"
        );
        assert!(run("RESULT matches=19", 500.0).is_err());
        assert!(row(&size(1, 1), &[]).is_none());
    }
}
