//! Programs from PyPI, which `scripts/setup test` installs.

use std::path::PathBuf;

/// A program of the tests' virtual environment.
pub(crate) fn program(name: &str) -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").expect("there is a home")).join(".cache"),
        PathBuf::from,
    );
    let path = cache.join("sesshoku/server-tests/bin").join(name);
    assert!(
        path.exists(),
        "{} is missing: run `scripts/setup test`",
        path.display()
    );
    path
}
