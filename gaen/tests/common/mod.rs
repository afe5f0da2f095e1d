//! Real material that a fresh clone does not have.

use std::io::{self, Write as _};
use std::path::PathBuf;

/// The file at `path` in the folder of shared data, beside the workspace or where
/// `SESSHOKU_SHARED` says; `None`, with a message, when it is not there.
pub(crate) fn shared(path: &str) -> Option<Vec<u8>> {
    let shared_dir = std::env::var_os("SESSHOKU_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let file_path = shared_dir.join(path);
    match std::fs::read(&file_path) {
        Ok(content) => Some(content),
        Err(error) => {
            // Past the harness, so that it is counted (`scripts/tally`).
            let path = file_path.display();
            let _ = writeln!(io::stderr(), "\nskipped: {path} cannot be read: {error}");
            None
        }
    }
}
