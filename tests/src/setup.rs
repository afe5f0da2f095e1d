//! What a test tells the guest: one file, `setup.json`, in the folder they share.

use std::fs;
use std::path::{Path, PathBuf};

use air::controller::Model;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// What a guest is to run, and on which machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// The scenario's name.
    pub scenario: String,
    /// How many controllers are plugged in.
    pub controllers: usize,
    /// Their kind.
    pub model: Model,
    /// Whether bluetoothd runs with `--experimental`.
    pub experimental: bool,
    /// Whether bluetoothd is set to resolvable addresses (`Privacy = device`).
    pub resolvable: bool,
    /// The folder of another bluetoothd than the machine's, as `bluetoothd.sh` unpacks
    /// it.
    pub bluetoothd: Option<PathBuf>,
    /// How far the RSSI of one PDU may lie from what is set, in dB.
    pub jitter_db: u8,
    /// Whether the log leaves out what nobody heard and only repeats.
    pub thin: bool,
    /// How many phones a scenario with a crowd puts around.
    pub phones: u32,
    /// How long a scenario lasts that can be of any length.
    pub minutes: u32,
    /// How many rotations there are in a scenario that can have any number.
    pub rotations: u32,
}

impl Setup {
    /// Reads it from the shared folder.
    pub fn read(shared_dir: &Path) -> Result<Self> {
        let path = setup_path(shared_dir);
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Writes it into the shared folder.
    pub fn write(&self, shared_dir: &Path) -> Result<()> {
        let path = setup_path(shared_dir);
        fs::write(&path, serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The log of what was on the air, in the shared folder.
pub fn air_log_path(shared_dir: &Path) -> PathBuf {
    shared_dir.join("air.jsonl")
}

/// What the scenario ended with, in the shared folder: empty, or an error.
pub fn result_path(shared_dir: &Path) -> PathBuf {
    shared_dir.join("result")
}

/// Is there, in the shared folder, while the guest suspends its kernel and wants to be
/// woken.
pub fn suspending_path(shared_dir: &Path) -> PathBuf {
    shared_dir.join("suspending")
}

fn setup_path(shared_dir: &Path) -> PathBuf {
    shared_dir.join("setup.json")
}
