//! Configuration in layers: built-in defaults < a file in `/usr/lib` < one in `/etc`
//! < drop-ins beside it (in name order) < environment (`PREFIX_SECTION__KEY`) <
//! command-line flags.
//!
//! A later layer changes single settings of a table. Where it names a place of another
//! kind for a secret (`file`, `credential`), that place is the only one.
//!
//! Unknown keys are refused everywhere, as long as the types say
//! `deny_unknown_fields`: a misspelt setting that does nothing is a silent failure.
#![forbid(unsafe_code)]

pub mod file;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// A whole configuration; its default is what holds where nothing is set.
pub trait Settings: Default + DeserializeOwned {
    /// Environment variables with this prefix are settings, such as `SESSHOKUD_`.
    const ENVIRONMENT_PREFIX: &'static str;

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// [`ConfigError::Value`] names the setting.
    fn check(&self) -> Result<(), ConfigError>;
}

/// Why there is no usable configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file exists but cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A source is not TOML, or has an unknown key or a wrong type.
    #[error("{origin} is refused")]
    Parse {
        /// The file, variable or flag.
        origin: String,
        /// Where in it, and what.
        source: Box<toml::de::Error>,
    },
    /// An environment variable has the prefix but not the form `SECTION__KEY`.
    #[error("{0}: not the name of a setting")]
    Variable(String),
    /// An environment variable has the prefix but is not UTF-8.
    #[error("{0}: not UTF-8")]
    Encoding(String),
    /// A value is of the right type but not allowed.
    #[error("{setting}: {problem}")]
    Value {
        /// The setting, dotted.
        setting: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// Where the configuration comes from.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The file that was asked for, and that must exist; then the others are empty.
    pub named_file: Option<PathBuf>,
    /// Files in order of rising precedence; one that does not exist is passed over.
    pub files: Vec<PathBuf>,
    /// A folder of drop-ins, read after the files in name order.
    pub drop_in_dir: PathBuf,
    /// Environment variables.
    pub environment: Vec<(OsString, OsString)>,
    /// Settings from the command line.
    pub flags: Table,
}

impl Sources {
    /// The installed places of `NAME.toml` in a folder `sesshoku`, or `file` alone
    /// when one is named.
    pub fn new(name: &str, file: Option<PathBuf>, flags: Table) -> Self {
        let environment = std::env::vars_os().collect();
        match file {
            Some(_) => Self {
                named_file: file,
                files: Vec::new(),
                drop_in_dir: PathBuf::new(),
                environment,
                flags,
            },
            None => Self {
                named_file: None,
                files: vec![
                    format!("/usr/lib/sesshoku/{name}.toml").into(),
                    format!("/etc/sesshoku/{name}.toml").into(),
                ],
                drop_in_dir: format!("/etc/sesshoku/{name}.toml.d").into(),
                environment,
                flags,
            },
        }
    }
}

/// Reads and checks a configuration.
///
/// # Errors
/// Says which file, variable or setting is wrong, and how.
pub fn load<T: Settings>(sources: &Sources) -> Result<T, ConfigError> {
    let mut merged = Table::new();
    for path in sources.files.iter().chain(&drop_ins(&sources.drop_in_dir)?) {
        if let Some(table) = read_if_there::<T>(path)? {
            merge(&mut merged, table);
        }
    }
    if let Some(path) = &sources.named_file {
        merge(&mut merged, read::<T>(path)?);
    }
    let mut environment = Table::new();
    for (name, value) in &sources.environment {
        let name = name.to_string_lossy();
        let Some(setting) = name.strip_prefix(T::ENVIRONMENT_PREFIX) else {
            continue;
        };
        let value = value
            .to_str()
            .ok_or_else(|| ConfigError::Encoding(name.clone().into_owned()))?;
        join(
            &mut environment,
            variable::<T>(&name, setting, value)?,
            never,
        );
    }
    merge(&mut merged, environment);
    merge(&mut merged, sources.flags.clone());
    let config: T = parse("the configuration", merged)?;
    config.check()?;
    Ok(config)
}

fn drop_ins(dir: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let read_error = |source| ConfigError::Read {
        path: dir.to_owned(),
        source,
    };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(read_error(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(read_error)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn read_if_there<T: Settings>(path: &Path) -> Result<Option<Table>, ConfigError> {
    match read::<T>(path) {
        Ok(table) => Ok(Some(table)),
        Err(ConfigError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn read<T: Settings>(path: &Path) -> Result<Table, ConfigError> {
    let text = file::read_text(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    let wrong = |source: toml::de::Error| ConfigError::Parse {
        origin: path.display().to_string(),
        source: Box::new(source),
    };
    // Each file is checked on its own, so that the message can name line and column.
    toml::from_str::<T>(&text).map_err(wrong)?;
    toml::from_str(&text).map_err(wrong)
}

/// `RADIO__KIND=air` as `radio.kind = "air"`. The value is TOML where the setting
/// takes it as such, else a string: `SERVER__REGION=440` is the text "440".
fn variable<T: Settings>(name: &str, setting: &str, value: &str) -> Result<Table, ConfigError> {
    let setting = setting.to_lowercase();
    let keys: Vec<&str> = setting.split("__").collect();
    if keys.len() < 2 || keys.iter().any(|key| key.is_empty()) {
        return Err(ConfigError::Variable(name.to_owned()));
    }
    let text = nested(&keys, Value::String(value.to_owned()));
    let Some(typed) = toml::from_str::<Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
    else {
        return parse::<T>(name, text.clone()).map(|_| text);
    };
    let typed = nested(&keys, typed);
    match parse::<T>(name, typed.clone()) {
        Ok(_) => Ok(typed),
        Err(error) => parse::<T>(name, text.clone())
            .map(|_| text)
            .map_err(|_| error),
    }
}

/// `value` under the path `keys`.
pub fn nested(keys: &[&str], value: Value) -> Table {
    let mut value = value;
    for key in keys.iter().skip(1).rev() {
        value = Value::Table(Table::from_iter([((*key).to_owned(), value)]));
    }
    Table::from_iter(keys.first().map(|key| ((*key).to_owned(), value)))
}

/// Puts the layer `over` on top of `base`: tables are joined, except places of
/// different kinds; everything else is replaced.
pub fn merge(base: &mut Table, over: Table) {
    join(base, over, is_another_place);
}

fn join(base: &mut Table, over: Table, is_replaced: fn(&Table, &Table) -> bool) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) if !is_replaced(base, &over) => {
                join(base, over, is_replaced);
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// The environment is one layer: two places in it are a contradiction, and refused.
const fn never(_: &Table, _: &Table) -> bool {
    false
}

/// Whether both say where something is, in different ways: no type takes both.
fn is_another_place(base: &Table, over: &Table) -> bool {
    const PLACES: [&str; 2] = ["file", "credential"];
    let place = |table: &Table| PLACES.into_iter().find(|place| table.contains_key(*place));
    match (place(base), place(over)) {
        (Some(base), Some(over)) => base != over,
        (None, _) | (_, None) => false,
    }
}

fn parse<T: Settings>(origin: &str, table: Table) -> Result<T, ConfigError> {
    table.try_into().map_err(|source| ConfigError::Parse {
        origin: origin.to_owned(),
        source: Box::new(source),
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Config {
        signing: Signing,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Signing {
        id: String,
        key: Option<Place>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Place {
        File(String),
        Credential(String),
    }

    impl Settings for Config {
        const ENVIRONMENT_PREFIX: &'static str = "X_";

        fn check(&self) -> Result<(), ConfigError> {
            Ok(())
        }
    }

    /// Loads a file, a drop-in and environment variables; gives the key's place.
    fn key(file: &str, drop_in: &str, environment: &[(&str, &str)]) -> Result<Place, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("main");
        fs::write(&path, format!("[signing]\nid = 'a'\n{file}")).unwrap();
        fs::write(dir.path().join("1.toml"), format!("[signing]\n{drop_in}")).unwrap();
        let config: Config = load(&Sources {
            named_file: None,
            files: vec![path],
            drop_in_dir: dir.path().to_owned(),
            environment: environment
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            flags: Table::new(),
        })?;
        assert_eq!(config.signing.id, "a", "the rest of the table is as it was");
        Ok(config.signing.key.unwrap())
    }

    #[test]
    fn a_later_layer_may_keep_a_secret_elsewhere() {
        let file = |name: &str| Place::File(name.to_owned());
        let credential = |name: &str| Place::Credential(name.to_owned());
        let in_file = "key.file = '/1'";
        let in_credential = "key = { credential = '2' }";
        assert_eq!(key(in_file, in_credential, &[]).unwrap(), credential("2"));
        assert_eq!(key(in_credential, in_file, &[]).unwrap(), file("/1"));
        let variable = ("X_SIGNING__KEY__FILE", "/3");
        assert_eq!(key(in_credential, "", &[variable]).unwrap(), file("/3"));
        assert_eq!(key(in_file, "", &[variable]).unwrap(), file("/3"));
        let whole = ("X_SIGNING__KEY", "{ credential = '4' }");
        assert_eq!(key(in_file, "", &[whole]).unwrap(), credential("4"));
    }

    #[test]
    fn one_layer_with_two_places_is_refused() {
        let both = "key = { file = '/1', credential = '2' }";
        assert!(matches!(key(both, "", &[]), Err(ConfigError::Parse { .. })));
        let variables = [
            ("X_SIGNING__KEY__FILE", "/3"),
            ("X_SIGNING__KEY__CREDENTIAL", "4"),
        ];
        assert!(matches!(
            key("", "", &variables),
            Err(ConfigError::Parse { .. })
        ));
    }
}
