//! Time and memory, as the kernel counts them.

use std::fs;

use anyhow::Context;
use nix::time::{ClockId, clock_gettime};

/// CPU time that this thread has taken, in seconds.
pub(crate) fn thread_seconds() -> anyhow::Result<f64> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
    Ok(std::time::Duration::from(time).as_secs_f64())
}

/// The most memory that this process has had, in KiB.
pub(crate) fn peak_kib() -> anyhow::Result<u64> {
    fs::read_to_string("/proc/self/status")?
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"))
        .context("the kernel does not tell VmHWM")?
        .parse()
        .context("VmHWM is no number")
}

/// The one of `runs` that is in the middle by `length`; `None` of none.
pub(crate) fn median_by<T: Copy>(runs: &mut [T], length: impl Fn(&T) -> f64) -> Option<T> {
    runs.sort_by(|a, b| length(a).total_cmp(&length(b)));
    runs.get(runs.len() / 2).copied()
}

/// `count` as a number to divide by.
#[expect(
    clippy::as_conversions,
    reason = "there is no From; counts are far below 2^53"
)]
pub(crate) const fn float(count: usize) -> f64 {
    count as f64
}
