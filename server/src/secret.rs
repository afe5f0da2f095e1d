//! Secrets: from a file or a systemd credential, never from the configuration
//! itself, wiped when dropped, and not shown.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Where a secret is: `{ file = "/path" }` or `{ credential = "name" }`, the latter
/// being in the folder that systemd names in `CREDENTIALS_DIRECTORY`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// A systemd credential.
    Credential(String),
}

/// A secret text, without the line break that editors put at its end.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read the secret {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds nothing.
    #[error("the secret {} is empty", .0.display())]
    Empty(PathBuf),
    /// systemd gave no credentials.
    #[error("there are no credentials: CREDENTIALS_DIRECTORY is not set")]
    NoCredentials,
    /// A credential's name is not a plain file name.
    #[error("{0:?} is not the name of a credential")]
    CredentialName(String),
}

impl Place {
    /// Reads the secret.
    ///
    /// # Errors
    /// [`SecretError`] when it cannot be read, or is empty.
    pub fn read(&self) -> Result<Secret, SecretError> {
        match self {
            Self::File(path) => read(path),
            Self::Credential(name) => {
                if name.is_empty() || name.contains('/') || name.starts_with('.') {
                    return Err(SecretError::CredentialName(name.clone()));
                }
                let dir =
                    std::env::var_os("CREDENTIALS_DIRECTORY").ok_or(SecretError::NoCredentials)?;
                read(&Path::new(&dir).join(name))
            }
        }
    }
}

impl Secret {
    /// The secret `text`.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

fn read(path: &Path) -> Result<Secret, SecretError> {
    let text =
        Zeroizing::new(
            settings::file::read_text(path).map_err(|source| SecretError::Read {
                path: path.to_owned(),
                source,
            })?,
        );
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(SecretError::Empty(path.to_owned()));
    }
    Ok(Secret::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_secret_is_the_text_of_its_file_and_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs::write(&path, "hush\n").unwrap();
        let secret = Place::File(path.clone()).read().unwrap();
        assert_eq!(secret.expose(), "hush");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        fs::write(&path, "\n").unwrap();
        assert!(matches!(
            Place::File(path).read(),
            Err(SecretError::Empty(_))
        ));
        for name in ["", "../x", ".x"] {
            assert!(matches!(
                Place::Credential(name.into()).read(),
                Err(SecretError::CredentialName(_))
            ));
        }
    }
}
