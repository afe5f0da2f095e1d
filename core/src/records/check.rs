//! What is kept of the checks against the notification server.

use gaen::time::UnixSeconds;
use serde::{Deserialize, Serialize};

use crate::names::names;

/// One check against the notification server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// When it began.
    pub started: UnixSeconds,
    /// When it ended.
    pub ended: UnixSeconds,
    /// How it ended.
    pub outcome: CheckOutcome,
    /// What there was to compare; `None` where there was no list.
    #[serde(default)]
    pub counts: Option<CheckCounts>,
    /// More about it, for the person who looks after the device.
    pub detail: String,
}

/// How many exports a check had before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckCounts {
    /// Those on the server's list.
    pub listed: u32,
    /// Those of them that were verified and compared in this check.
    pub compared: u32,
}

names! {
    /// How a check ended.
    CheckOutcome {
        /// Every export was fetched, verified and matched.
        Complete = "complete",
        /// The notification server could not be reached.
        Unreachable = "unreachable",
        /// The server answered, but not as the protocol says.
        BadAnswer = "bad-answer",
        /// At least one export was refused (signature, format, size or batch).
        ExportRefused = "export-refused",
        /// The list of exports is not signed as it was before, or an old one, or lacks
        /// exports that were on it.
        ListRefused = "list-refused",
        /// No notification server is configured.
        NotConfigured = "not-configured",
        /// The store could not be read or written.
        StorageFailed = "storage-failed",
    }
}
