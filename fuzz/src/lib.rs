//! What the fuzz targets share: the seeds they begin with, and the servers.

#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::export::{Export, PinnedKey, Signer};
use gaen::key::Tek;
use gaen::time::Interval;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

pub mod servers;

/// Puts `seeds` down for `target`, where libFuzzer then finds them. They are made by the
/// code that is fuzzed, so that they are what it reads today.
pub fn plant<S: AsRef<[u8]>>(target: &str, seeds: impl IntoIterator<Item = S>) {
    let dir = Path::new("seeds").join(target);
    fs::create_dir_all(&dir).expect("a folder for seeds");
    for (number, seed) in seeds.into_iter().enumerate() {
        fs::write(dir.join(number.to_string()), seed).expect("a seed");
    }
}

/// A signer whose signatures the targets check: the same at every start.
pub fn signer() -> &'static Signer {
    static SIGNER: LazyLock<Signer> =
        LazyLock::new(|| Signer::generate("440", "v1", &mut ChaCha20Rng::seed_from_u64(1)));
    &SIGNER
}

/// The key that belongs to it, as devices pin it.
pub fn pinned() -> &'static [PinnedKey] {
    static PINNED: LazyLock<[PinnedKey; 1]> = LazyLock::new(|| [signer().pinned_key()]);
    &*PINNED
}

/// An export with a key of each kind.
pub fn export() -> Export {
    let key = |number, report_type, days_since_onset| DiagnosisKey {
        tek: Tek::from_bytes([number; 16]),
        rolling_start: Interval::new(2_642_976),
        rolling_period: RollingPeriod::DAY,
        transmission_risk_level: 0,
        report_type,
        days_since_onset,
    };
    Export {
        start: 1_597_536_000,
        end: 1_597_622_400,
        region: "440".to_owned(),
        batch_num: 1,
        batch_size: 1,
        keys: vec![
            key(1, ReportType::ConfirmedTest, Some(-3)),
            key(2, ReportType::SelfReport, None),
        ],
        revised_keys: vec![key(3, ReportType::Revoked, None)],
    }
}
