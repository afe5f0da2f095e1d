//! `sesshoku-server init`: all that both roles need on one machine, in one folder.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use gaen::export::Signer;
use getrandom::SysRng;
use rand_core::{Rng, UnwrapErr};
use zeroize::Zeroizing;

use crate::keygen::{self, KeygenError};

const NOTIFICATION: &str = include_str!("notification.toml");
const MANAGEMENT: &str = include_str!("management.toml");
/// Length of random secrets, in bytes; each is two hexadecimal digits.
const SECRET_LEN: usize = 32;
/// For who runs the servers alone.
const PRIVATE: u32 = 0o600;
const PRIVATE_DIR: u32 = 0o700;
/// For everybody.
const PUBLIC: u32 = 0o644;

/// Write both configurations, keys and credentials.
#[derive(Debug, Args)]
pub struct Init {
    /// The folder for all of it, which is made; nothing in it is overwritten.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Where rows are kept.
    #[arg(long, value_enum, default_value_t = DatabaseKind::Sqlite)]
    database: DatabaseKind,
    /// Where the files for devices are kept.
    #[arg(long, value_enum, default_value_t = StorageKind::Folder)]
    storage: StorageKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DatabaseKind {
    /// In files of this folder.
    Sqlite,
    /// In a PostgreSQL server, whose URLs are to be filled in.
    Postgres,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StorageKind {
    /// In this folder.
    Folder,
    /// In an S3-compatible object store, whose keys are to be filled in.
    S3,
}

/// Why not all of it was written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// Something is there already; nothing was written.
    #[error("{} is there already: nothing was written", .0.display())]
    Exists(PathBuf),
    /// A folder cannot be made.
    #[error("cannot make the folder {}", path.display())]
    Dir {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder's name cannot stand in a configuration.
    #[error("the folder's name cannot stand in a configuration: {}", .0.display())]
    Name(PathBuf),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] KeygenError),
}

/// A file to be written.
struct New {
    path: PathBuf,
    mode: u32,
    content: Zeroizing<String>,
}

impl Init {
    /// Writes all of it, and says what is to be done next.
    ///
    /// # Errors
    /// [`InitError`]. Where something is there already, nothing is written.
    pub fn run(&self) -> Result<String, InitError> {
        let dir = std::path::absolute(&self.dir).map_err(|source| InitError::Dir {
            path: self.dir.clone(),
            source,
        })?;
        let shown = dir.to_str().filter(|name| {
            // It stands in TOML between quotes.
            !name.contains(['"', '\\']) && !name.chars().any(char::is_control)
        });
        let shown = shown.ok_or_else(|| InitError::Name(dir.clone()))?;
        let files = self.files(&dir, shown)?;
        if let Some(file) = files
            .iter()
            .find(|file| file.path.symlink_metadata().is_ok())
        {
            return Err(InitError::Exists(file.path.clone()));
        }
        for name in ["", "credentials", "notification", "management", "mail"] {
            make_dir(&dir.join(name))?;
        }
        for New {
            path,
            mode,
            content,
        } in &files
        {
            keygen::write_new(path, *mode, content.as_bytes())?;
        }
        Ok(self.next_steps(shown))
    }

    fn files(&self, dir: &Path, shown: &str) -> Result<Vec<New>, InitError> {
        let signer = Signer::generate("", "", &mut UnwrapErr(SysRng));
        let config = |template: &str, role: &str| {
            let text = template
                .replace("{database}", &self.database(role))
                .replace("{storage}", self.storage());
            Zeroizing::new(text.replace("{dir}", shown))
        };
        let new = |name: &str, mode, content| New {
            path: dir.join(name),
            mode,
            content,
        };
        let credential =
            |name: &str, content| new(&format!("credentials/{name}"), PRIVATE, content);
        let to_fill_in = |text: &str| Zeroizing::new(format!("{text}\n"));
        let public_key = Zeroizing::new(signer.public_key_pem());
        let private_key = signer.private_key_pem().map_err(KeygenError::from)?;
        let mut files = vec![
            new(
                "notification.toml",
                PUBLIC,
                config(NOTIFICATION, "notification"),
            ),
            new("management.toml", PUBLIC, config(MANAGEMENT, "management")),
            new("signing-key.pub.pem", PUBLIC, public_key),
            credential("signing-key", private_key),
            credential("check-credential", random()),
            credential("management-key", random()),
        ];
        if self.database == DatabaseKind::Postgres {
            for role in ["notification", "management"] {
                let url = format!("postgres://{role}:password@127.0.0.1/{role}");
                let name = format!("{role}-database-url");
                files.push(credential(&name, to_fill_in(&url)));
            }
        }
        if self.storage == StorageKind::S3 {
            files.push(credential("s3-access-key", to_fill_in("access-key")));
            files.push(credential("s3-secret-key", to_fill_in("secret-key")));
        }
        Ok(files)
    }

    fn database(&self, role: &str) -> String {
        match self.database {
            DatabaseKind::Sqlite => {
                format!("[database]\nkind = \"sqlite\"\npath = \"{{dir}}/{role}/{role}.db\"\n")
            }
            DatabaseKind::Postgres => format!(
                "[database]\nkind = \"postgres\"\n\
                 # postgres://user:password@host/database; over TLS where it is elsewhere.\n\
                 url = {{ file = \"{{dir}}/credentials/{role}-database-url\" }}\n\
                 #connections = 8\n\
                 #ca_file = \"/etc/sesshoku/authorities/database.pem\"\n"
            ),
        }
    }

    const fn storage(&self) -> &'static str {
        match self.storage {
            StorageKind::Folder => {
                "[storage]\nkind = \"folder\"\ndir = \"{dir}/notification/public\"\n"
            }
            StorageKind::S3 => {
                "[storage]\nkind = \"s3\"\nbucket = \"sesshoku\"\n\
                 # The store's URL, where it is not Amazon's.\n\
                 #endpoint = \"https://s3.example/\"\n\
                 #region = \"us-east-1\"\n\
                 #prefix = \"\"\n\
                 access_key_id = { file = \"{dir}/credentials/s3-access-key\" }\n\
                 secret_access_key = { file = \"{dir}/credentials/s3-secret-key\" }\n"
            }
        }
    }

    fn next_steps(&self, dir: &str) -> String {
        let mut said = format!(
            "All is in {dir}. Keep a copy of {dir}/credentials; devices pin \
             {dir}/signing-key.pub.pem.\n"
        );
        if self.database == DatabaseKind::Postgres {
            said += &format!("To be filled in: {dir}/credentials/*-database-url.\n");
        }
        if self.storage == StorageKind::S3 {
            said += &format!(
                "To be filled in: {dir}/credentials/s3-*-key, and the bucket in \
                 notification.toml.\n"
            );
        }
        said += &format!(
            "Mail is written into {dir}/mail, from no-reply@health.example: for people, set up \
             [mail] in management.toml.\n\
             The first export is there seconds after the notification server starts; somebody's \
             keys are in one two hours after their last use.\n"
        );
        said
    }
}

/// Makes a folder for its owner alone, if it is not there.
fn make_dir(path: &Path) -> Result<(), InitError> {
    let made = DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE_DIR)
        .create(path);
    made.map_err(|source| InitError::Dir {
        path: path.to_owned(),
        source,
    })
}

fn random() -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; SECRET_LEN]);
    UnwrapErr(SysRng).fill_bytes(&mut *bytes);
    Zeroizing::new(hex::encode(*bytes) + "\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ::settings::Settings;
    use serde::Serialize;
    use toml::Table;

    use super::*;
    use crate::{management, notification};

    /// What is commented out, put into force: a setting follows its `#` at once.
    fn uncommented(text: &str) -> String {
        let uncommented = text.lines().map(|line| {
            let rest = line.strip_prefix('#').unwrap_or(line);
            if rest.starts_with(' ') { "" } else { rest }
        });
        uncommented.collect::<Vec<_>>().join("\n")
    }

    fn names(table: &Table, at: &str, names: &mut BTreeSet<String>) {
        for (name, value) in table {
            let name = format!("{at}.{name}");
            match value.as_table().filter(|table| !table.contains_key("file")) {
                Some(table) => self::names(table, &name, names),
                None => drop(names.insert(name)),
            }
        }
    }

    fn configs(init: &Init) -> Vec<String> {
        let files = init.files(Path::new("/x"), "/x").unwrap();
        let config = files.into_iter().filter(|it| it.mode == PUBLIC);
        let text = config.map(|it| it.content.to_string());
        text.take(2).collect()
    }

    fn check<T: Settings + Serialize + PartialEq + std::fmt::Debug>(text: &str, examples: &[&str]) {
        let config: T = toml::from_str(text).unwrap();
        config.check().unwrap();
        // Every setting is there, and those that are commented out are the defaults, but for
        // examples of what has none.
        let mut all = uncommented(text);
        for example in examples {
            let line = all
                .lines()
                .position(|line| line.starts_with(example))
                .unwrap();
            let mut lines: Vec<_> = all.lines().collect();
            lines.remove(line);
            all = lines.join("\n");
        }
        assert_eq!(toml::from_str::<T>(&all).unwrap(), config);
        let mut known = BTreeSet::new();
        names(&Table::try_from(&config).unwrap(), "", &mut known);
        let mut said = BTreeSet::new();
        names(&all.parse().unwrap(), "", &mut said);
        // Of a simulation.
        known.remove(".clock.room");
        let missing: Vec<_> = known.difference(&said).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn the_samples_hold_and_name_every_setting_with_its_default() {
        for database in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
            for storage in [StorageKind::Folder, StorageKind::S3] {
                let configs = configs(&Init {
                    dir: "/x".into(),
                    database,
                    storage,
                });
                let mut examples = vec![
                    "notices",
                    "exposure_configuration",
                    "risk_calculation_configuration",
                    "app_id",
                    "ca_file = \"/etc/sesshoku/authorities/management",
                ];
                let mut of_management = vec![
                    "kind = \"smtp\"",
                    "host",
                    "tls",
                    "username",
                    "password",
                    "url = \"https://gateway",
                    "fields",
                    "credential",
                    "institution",
                ];
                if database == DatabaseKind::Postgres {
                    let ca_file = "ca_file = \"/etc/sesshoku/authorities/database";
                    examples.push(ca_file);
                    of_management.push(ca_file);
                }
                if storage == StorageKind::S3 {
                    examples.push("endpoint");
                }
                check::<notification::Config>(&configs[0], &examples);
                // These are empty where there is none.
                let told = format!("{}\n", configs[1]);
                check_management(&told, &of_management);
            }
        }
    }

    fn check_management(text: &str, examples: &[&str]) {
        // What has no default that could stand there.
        let with_empty = text
            .replace("#url = \"https://gateway.example/messages\"", "#url = \"\"")
            .replace(
                "#fields = { to = \"{phone}\", body = \"{text}\" }",
                "#fields = {}",
            )
            .replace("#host = \"smtp.health.example\"", "#host = \"\"")
            .replace("#tls = \"starttls\"", "#tls = \"on\"")
            .replace("#institution = \"東保健所\"", "#institution = \"\"");
        let changed = [
            "url = \"https://gateway",
            "fields",
            "host",
            "tls",
            "institution",
        ];
        let examples: Vec<_> = examples
            .iter()
            .filter(|it| !changed.contains(it))
            .copied()
            .collect();
        check::<management::Config>(&with_empty, &examples);
    }
}
