//! What a person has chosen, for all programs of the session.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sesshoku_i18n::Language;

use crate::file::{self, FileError};

/// What a person has chosen. Nothing in it tells whether there was a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// The language by its tag; `None` for that of the system.
    pub language: Option<String>,
    /// Whether to be notified at all.
    pub notifications: bool,
    /// What not to be reminded of, by the names of `sesshoku_core`'s `Reminder`.
    pub muted: Vec<String>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            language: None,
            notifications: true,
            muted: Vec::new(),
        }
    }
}

impl Preferences {
    /// Reads them from `path`; what was never chosen is as it is by default, and a
    /// key that a newer version knows is passed over.
    ///
    /// # Errors
    /// When there is a file that cannot be used.
    pub fn load(path: &Path) -> Result<Self, FileError> {
        let text = file::read(path)?.unwrap_or_default();
        toml::from_str(&text).map_err(|source| FileError::Form {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// Those of whoever runs this program; a file that cannot be read is no choice.
    pub fn of_environment() -> Self {
        preferences_file(|name| std::env::var(name).ok())
            .and_then(|path| Self::load(&path).ok())
            .unwrap_or_default()
    }

    /// Writes them to `path`, all or nothing, and makes its folder if need be.
    ///
    /// # Errors
    /// When that fails; what was there before stays.
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        let failed = |source| FileError::Write {
            path: path.to_owned(),
            source,
        };
        let text = toml::to_string(self).expect("plain values are TOML");
        let dir = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(dir).map_err(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(dir).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// The language to speak: the chosen one, or else that of the process.
    pub fn language(&self, variable: impl Fn(&str) -> Option<String>) -> Language {
        let chosen = self.language.as_deref();
        Language::ALL
            .into_iter()
            .find(|language| chosen == Some(language.tag()))
            .unwrap_or_else(|| Language::of_environment(variable))
    }
}

/// Where preferences are kept, by the environment that `variable` reads; `None`
/// where there is no home.
pub fn preferences_file(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    Some(base(variable, "XDG_CONFIG_HOME", ".config")?.join("sesshoku/preferences.toml"))
}

/// What programs of a session keep of what they told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateFile {
    /// The contacts that a person was notified of.
    Notified,
    /// The contacts that a person has looked at.
    Seen,
    /// What a person was reminded of.
    Reminded,
}

impl StateFile {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Notified, Self::Seen, Self::Reminded];

    const fn name(self) -> &'static str {
        match self {
            Self::Notified => "notified",
            Self::Seen => "seen",
            Self::Reminded => "reminded",
        }
    }
}

/// Where `file` is kept, by the environment that `variable` reads; `None` where there is no
/// home.
pub fn state_file(file: StateFile, variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let state = base(variable, "XDG_STATE_HOME", ".local/state")?;
    Some(state.join("sesshoku").join(file.name()))
}

/// A folder of the XDG Base Directory Specification.
fn base(
    variable: impl Fn(&str) -> Option<String>,
    name: &str,
    below_home: &str,
) -> Option<PathBuf> {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    set(name)
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| Path::new(&home).join(below_home)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/preferences.toml");
        assert_eq!(Preferences::load(&path).unwrap(), Preferences::default());
        let chosen = Preferences {
            language: Some("ja".to_owned()),
            notifications: false,
            muted: vec!["terms".to_owned()],
        };
        chosen.save(&path).unwrap();
        assert_eq!(Preferences::load(&path).unwrap(), chosen);
    }

    #[test]
    fn a_newer_version_s_choices_are_passed_over_and_nonsense_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("preferences.toml");
        std::fs::write(&path, "colour = 'green'").unwrap();
        assert_eq!(Preferences::load(&path).unwrap(), Preferences::default());
        std::fs::write(&path, "notifications = 'green'").unwrap();
        assert!(Preferences::load(&path).is_err());
    }

    #[test]
    fn the_language_is_the_chosen_one_or_that_of_the_system() {
        let system = |name: &str| (name == "LANG").then(|| "ja_JP.UTF-8".to_owned());
        let of = |language: Option<&str>| {
            let language = language.map(ToOwned::to_owned);
            let preferences = Preferences {
                language,
                ..Preferences::default()
            };
            preferences.language(system)
        };
        assert_eq!(of(None), Language::Japanese);
        assert_eq!(of(Some("en")), Language::English);
        assert_eq!(of(Some("tlh")), Language::Japanese);
    }

    #[test]
    fn the_file_is_where_the_desktop_keeps_such() {
        let of = |environment: &'static [(&str, &str)]| {
            preferences_file(move |name| {
                let found = environment.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let there = |path: &str| Some(PathBuf::from(path));
        assert_eq!(
            of(&[("HOME", "/home/a")]),
            there("/home/a/.config/sesshoku/preferences.toml")
        );
        assert_eq!(
            of(&[("HOME", "/home/a"), ("XDG_CONFIG_HOME", "/c")]),
            there("/c/sesshoku/preferences.toml")
        );
        assert_eq!(of(&[("HOME", "")]), None);
    }
}
