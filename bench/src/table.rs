//! The table of `make bench`: every size measured in turns with the limit, in processes
//! of their own, so that what disturbs the machine disturbs all of them.

use core::fmt;
use std::env;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context, ensure};

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

/// What one run of the matcher took.
#[derive(Clone, Copy)]
struct Run {
    ns_per_key: f64,
    of_limit: f64,
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
        let mut runs = Vec::new();
        for _ in 0..rounds {
            let limit = || {
                let line = bench(|it| it.args(["limit", "--keys", &LIMIT_KEYS.to_string()]))?;
                field(&line, "ns_per_key")
            };
            let before = limit()?;
            let line = bench(|it| it.arg("match").args(files))?;
            let limit = f64::midpoint(before, limit()?);
            runs.push(run(&line, limit)?);
            limits.push(limit);
        }
        rows.push(row(size, &runs).context("--rounds is at least 1")?);
    }
    let limit = median_by(&mut limits, |&limit| limit).unwrap_or_default();
    Ok(format!(
        "Limit, HKDF and AES alone: {limit:.0} ns a key\n\n\
         | keys × sightings | ns a key | × limit | index | parse | match | verify | peak, MiB |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n{}",
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
        of_limit: ns_per_key / limit,
        parts: [
            part("index_s")?,
            part("parse_s")?,
            part("match_s")?,
            part("verify_s")?,
        ],
        peak_kib: field(line, "peak_kib")?,
    })
}

/// The medians of `runs`, each by itself.
fn row(size: &Size, runs: &[Run]) -> Option<String> {
    let median =
        |figure: fn(&Run) -> f64| median_by(&mut runs.to_vec(), figure).map(|it| figure(&it));
    Some(format!(
        "| {size} | {:.0} | {:.2} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} |\n",
        median(|run| run.ns_per_key)?,
        median(|run| run.of_limit)?,
        median(|run| run.parts[0])?,
        median(|run| run.parts[1])?,
        median(|run| run.parts[2])?,
        median(|run| run.parts[3])?,
        median(|run| run.peak_kib / 1024.0)?,
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
        let runs = [3.0, 1.0, 2.0].map(|of_limit| {
            let line = format!(
                "RESULT path=safe index_s=0.1 parse_s=0.2 match_s=0.3 verify_s=0.4 keys=1000000 \
                 sightings=1 matches=20 ns_per_key={} peak_kib=2048",
                of_limit * 500.0
            );
            run(&line, 500.0).unwrap()
        });
        assert_eq!(
            row(&size(1_000_000, 1), &runs).unwrap(),
            "| 1000000x1 | 1000 | 2.00 | 100 | 200 | 300 | 400 | 2 |\n"
        );
        assert!(run("RESULT matches=19", 500.0).is_err());
        assert!(row(&size(1, 1), &[]).is_none());
    }
}
