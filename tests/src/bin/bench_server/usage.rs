//! What processes take, as the kernel counts it.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context;
use nix::unistd::{SysconfVar, sysconf};

/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How much larger a server may be after the second half of a load than after the
/// first.
const GROWTH_MAX: f64 = 1.1;

/// The CPU seconds that process `id` has taken, and those of its children that `of` it
/// are to be counted.
pub(crate) fn cpu_seconds(id: u32, of: Of) -> anyhow::Result<f64> {
    let ticks = f64::from(u32::try_from(
        sysconf(SysconfVar::CLK_TCK)?.context("the kernel does not say how long a tick is")?,
    )?);
    let mut sum = ticks_of(id, of)?;
    if of == Of::Family {
        for child in children(id)? {
            // One that ended meanwhile is counted by its parent from then on.
            sum += ticks_of(child, Of::Itself).unwrap_or(0.0);
        }
    }
    Ok(sum / ticks)
}

/// Whose CPU time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// The process itself.
    Itself,
    /// It and its children, dead or alive.
    Family,
}

/// The processes whose parent is `id`.
pub(crate) fn children(id: u32) -> anyhow::Result<Vec<u32>> {
    let listed = fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
    let ids = listed.split_whitespace().map(str::parse);
    Ok(ids.collect::<Result<_, _>>()?)
}

/// proc(5), `/proc/PID/stat`: utime and stime, and those of children waited for.
fn ticks_of(id: u32, of: Of) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The second field is a name that may have anything in it.
    let (_, fields) = stat.rsplit_once(')').context("not a stat")?;
    let count = match of {
        Of::Itself => 2,
        Of::Family => 4,
    };
    let ticks = fields.split_whitespace().skip(11).take(count);
    ticks.map(|field| Ok(field.parse::<f64>()?)).sum()
}

/// The memory of process `id` now, in MiB.
pub(crate) fn memory(id: u32) -> anyhow::Result<f64> {
    status(id, "VmRSS:")
}

/// The most memory that process `id` ever had, in MiB.
pub(crate) fn peak_memory(id: u32) -> anyhow::Result<f64> {
    status(id, "VmHWM:")
}

fn status(id: u32, name: &str) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.context("the kernel does not say")?.parse::<f64>()? / 1024.0)
}

/// Looks at the memory of a process until it is told to stop.
pub(crate) struct MemoryWatch {
    stop: Arc<AtomicBool>,
    looking: JoinHandle<anyhow::Result<Vec<f64>>>,
}

/// The memory of a process under load, in MiB.
pub(crate) struct Memory {
    /// When the load began.
    pub(crate) start: f64,
    /// Half way through.
    pub(crate) half: f64,
    /// When it ended.
    pub(crate) end: f64,
}

impl Memory {
    /// Whether the load left no more behind the longer it went on.
    pub(crate) fn is_flat(&self) -> bool {
        self.end <= self.half * GROWTH_MAX
    }
}

impl MemoryWatch {
    /// Begins to look at process `id`.
    pub(crate) fn start(id: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let looking = thread::spawn(move || {
            let mut seen = vec![memory(id)?];
            while !stopped.load(Ordering::SeqCst) {
                thread::sleep(LOOK_EVERY);
                seen.push(memory(id)?);
            }
            Ok(seen)
        });
        Self { stop, looking }
    }

    /// What was seen.
    pub(crate) fn stop(self) -> anyhow::Result<Memory> {
        self.stop.store(true, Ordering::SeqCst);
        let seen = self.looking.join().ok().context("nobody looked")??;
        let at = |index: usize| seen.get(index).copied().context("nothing was seen");
        Ok(Memory {
            start: at(0)?,
            half: at(seen.len() / 2)?,
            end: at(seen.len() - 1)?,
        })
    }
}
