//! What whoever looks after the device has put into `/etc/sesshoku`.

use std::path::Path;

use guidance::Directory;
use serde::{Deserialize, Serialize};

use crate::file::{self, FileError};

/// The contacts by prefecture, in the form that `guidance::Directory` describes.
pub const DIRECTORY_FILE: &str = "/etc/sesshoku/guidance.toml";
/// Where inquiries go; see [`Inquiries`].
pub const INQUIRIES_FILE: &str = "/etc/sesshoku/inquiries.toml";

/// Where questions and complaints go (terms of use, section 15).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inquiries {
    /// Who answers.
    pub name: Option<String>,
    /// Their mail address.
    pub mail: Option<String>,
    /// Their page.
    pub page: Option<String>,
}

/// The contacts of the file at `path`, or the samples where there is none.
///
/// # Errors
/// When there is one that cannot be used; then nobody is to be sent anywhere.
pub fn directory(path: &Path) -> Result<Directory, FileError> {
    let Some(text) = file::read(path)? else {
        return Ok(Directory::sample());
    };
    Directory::parse(&text).map_err(|source| FileError::Directory {
        path: path.to_owned(),
        source,
    })
}

/// Where inquiries go by the file at `path`; nowhere, where there is none.
///
/// # Errors
/// When there is one that cannot be used.
pub fn inquiries(path: &Path) -> Result<Inquiries, FileError> {
    let text = file::read(path)?.unwrap_or_default();
    toml::from_str(&text).map_err(|source| FileError::Form {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use guidance::Prefecture;

    use super::*;

    #[test]
    fn without_a_file_there_are_samples_and_with_one_its_contacts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("guidance.toml");
        assert_eq!(directory(&path).unwrap(), Directory::sample());
        fs::write(
            &path,
            "[prefecture.01]\nfirst = 'clinic'\nclinics = [{ name = { ja = 'a', en = 'b' }, phone = '555' }]",
        )
        .unwrap();
        let directory = directory(&path).unwrap();
        let known = Prefecture::all().filter(|it| directory.call(*it).is_some());
        assert_eq!(known.count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file.toml");
        for text in ["first", "unknown = 1"] {
            fs::write(&path, text).unwrap();
            assert!(matches!(directory(&path), Err(FileError::Directory { .. })));
            assert!(matches!(inquiries(&path), Err(FileError::Form { .. })));
        }
        fs::write(&path, vec![b' '; (1 << 20) + 1]).unwrap();
        assert!(matches!(directory(&path), Err(FileError::TooLong(_))));
        assert!(matches!(inquiries(dir.path()), Err(FileError::Read { .. })));
    }

    #[test]
    fn inquiries_may_be_known_or_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("inquiries.toml");
        assert_eq!(inquiries(&path).unwrap(), Inquiries::default());
        fs::write(&path, "mail = 'a@example.org'").unwrap();
        assert_eq!(
            inquiries(&path).unwrap().mail.as_deref(),
            Some("a@example.org")
        );
    }
}
