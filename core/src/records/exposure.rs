//! The diagnosis keys that were met.

use gaen::diagnosis::DiagnosisKey;
use gaen::key::Tek;
use gaen::window::ExposureWindow;
use serde::{Deserialize, Serialize};

/// A diagnosis key that was met, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredExposure {
    /// The key. Its TEK is what tells exposures apart.
    pub key: DiagnosisKey,
    /// The exposure windows, at least one. Each is kept until fourteen days after
    /// its UTC day ended.
    pub windows: Vec<ExposureWindow>,
    /// Whether its report type has changed since it was first met; it may only
    /// once (docs/protocol.md §3).
    #[serde(default)]
    pub changed: bool,
}

/// What an export changes about the exposures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExposureChanges {
    /// Exposures that are new, or take the place of those with the same TEK.
    pub put: Vec<StoredExposure>,
    /// Keys whose exposures are taken away.
    pub remove: Vec<Tek>,
}

/// All exposures that are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposures {
    /// The exposures, in no particular order.
    pub found: Vec<StoredExposure>,
    /// Days whose exposures were lost to damage. Unless it is zero, "none" is
    /// not known.
    pub damaged_days: u64,
}
