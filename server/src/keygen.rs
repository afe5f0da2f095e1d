//! Making the key that signs exports.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use gaen::export::{Signer, SignerError};
use getrandom::SysRng;
use rand_core::UnwrapErr;

/// A key that was not made.
#[derive(Debug, thiserror::Error)]
pub enum KeygenError {
    /// It cannot be written as PEM.
    #[error("the key cannot be written")]
    Signer(#[from] SignerError),
    /// A file is there already, or cannot be written. No key is ever overwritten.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Makes a P-256 key: the private one in `private_path` (PKCS #8 PEM, mode 0600), the
/// public one in `public_path`, for devices to pin.
///
/// # Errors
/// [`KeygenError`], above all when one of the files is there.
pub fn keygen(private_path: &Path, public_path: &Path) -> Result<(), KeygenError> {
    let signer = Signer::generate("", "", &mut UnwrapErr(SysRng));
    write_new(private_path, 0o600, signer.private_key_pem()?.as_bytes())?;
    write_new(public_path, 0o644, signer.public_key_pem().as_bytes())
}

pub(crate) fn write_new(path: &Path, mode: u32, content: &[u8]) -> Result<(), KeygenError> {
    let error = |source| KeygenError::Write {
        path: path.to_owned(),
        source,
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .map_err(error)?;
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .map_err(error)
}
