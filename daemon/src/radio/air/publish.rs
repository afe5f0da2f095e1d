//! A notification server in a folder: signed exports and `list.json`, as COCOA
//! lays them out (docs/protocol.md §8), for `file://` checks.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::export::{self, Export, Signer, SignerError, WriteError};
use gaen::key::Tek;
use gaen::time::{UnixSeconds, UtcDay};
use getrandom::SysRng;
use rand_core::UnwrapErr;
use serde::Serialize;

use room::scenario::Publish;

/// Names the signing key in the exports.
const KEY_ID: &str = "440";
const KEY_VERSION: &str = "v1";

/// Publishes the keys of those who register.
#[derive(Debug)]
pub(super) struct Publisher {
    signer: Signer,
    region: String,
    region_dir: PathBuf,
    published: Vec<Entry>,
}

/// Why keys cannot be published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A file or folder cannot be read or written.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The signing key in the folder is not one.
    #[error("the signing key cannot be used")]
    Signer(#[from] SignerError),
    /// The export cannot be written.
    #[error("the export cannot be made")]
    Export(#[from] WriteError),
    /// The list cannot be written.
    #[error("the list cannot be made")]
    List(#[from] serde_json::Error),
}

/// A line of list.json.
#[derive(Clone, Debug, Serialize)]
struct Entry {
    region: String,
    url: String,
    /// Milliseconds since 1970.
    created: u64,
}

impl Publisher {
    /// Makes the folder ready: a signing key if it has none, and an empty list.
    pub(super) fn open(publish: &Publish) -> Result<Self, PublishError> {
        let region_dir = publish.dir.join("c19r").join(&publish.region);
        fs::create_dir_all(&region_dir).map_err(at(&region_dir))?;
        let publisher = Self {
            signer: signer(&publish.dir)?,
            region: publish.region.clone(),
            region_dir,
            published: Vec::new(),
        };
        write(
            &publish.dir.join("public-key.pem"),
            publisher.signer.public_key_pem().as_bytes(),
        )?;
        publisher.write_list()?;
        Ok(publisher)
    }

    /// Publishes those of `keys` that can no longer be broadcast at `now`: one
    /// export, complete before the list names it.
    pub(super) fn publish(
        &mut self,
        keys: impl Iterator<Item = (UtcDay, Tek)>,
        now: UnixSeconds,
    ) -> Result<(), PublishError> {
        let keys: Vec<DiagnosisKey> = keys
            .filter(|(day, _)| day.saturating_add(1).start() <= now)
            .map(|(day, tek)| DiagnosisKey {
                tek,
                rolling_start: day.first_interval(),
                rolling_period: RollingPeriod::DAY,
                transmission_risk_level: 0,
                report_type: ReportType::ConfirmedTest,
                days_since_onset: Some(0),
            })
            .collect();
        let export = Export {
            start: now.utc_day().start().get().into(),
            end: now.get().into(),
            region: self.region.clone(),
            batch_num: 1,
            batch_size: 1,
            keys,
            revised_keys: Vec::new(),
        };
        let name = format!("{}.zip", self.published.len() + 1);
        write(
            &self.region_dir.join(&name),
            &export::write(&export, &[&self.signer])?,
        )?;
        self.published.push(Entry {
            region: self.region.clone(),
            url: name,
            created: u64::from(now.get()) * 1_000,
        });
        self.write_list()
    }

    fn write_list(&self) -> Result<(), PublishError> {
        let list = serde_json::to_vec_pretty(&self.published)?;
        write(&self.region_dir.join("list.json"), &list)
    }
}

/// The folder's signing key, made at first use.
fn signer(dir: &Path) -> Result<Signer, PublishError> {
    let path = dir.join("signing-key.pem");
    match fs::read_to_string(&path) {
        Ok(pem) => Ok(Signer::from_pem(KEY_ID, KEY_VERSION, &pem)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let signer = Signer::generate(KEY_ID, KEY_VERSION, &mut UnwrapErr(SysRng));
            write(&path, signer.private_key_pem()?.as_bytes())?;
            Ok(signer)
        }
        Err(source) => Err(PublishError::Io { path, source }),
    }
}

/// Writes a file so that readers see all of it or none.
fn write(path: &Path, contents: &[u8]) -> Result<(), PublishError> {
    let part = path.with_extension("part");
    fs::write(&part, contents).map_err(at(&part))?;
    fs::rename(&part, path).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> PublishError {
    let path = path.to_owned();
    move |source| PublishError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_verifies_and_holds_only_ended_days() {
        let dir = tempfile::tempdir().unwrap();
        let publish = Publish {
            dir: dir.path().to_owned(),
            region: "440".into(),
        };
        let today = UtcDay::new(18_500);
        let keys = |byte| {
            (0..3_u32).map(move |age| (today.saturating_sub(age), Tek::from_bytes([byte; 16])))
        };
        let now = today.start().saturating_add_signed(3_600);
        let mut publisher = Publisher::open(&publish).unwrap();
        publisher.publish(keys(1), now).unwrap();
        publisher.publish(keys(2), now).unwrap();

        let region = dir.path().join("c19r/440");
        let list: serde_json::Value =
            serde_json::from_slice(&fs::read(region.join("list.json")).unwrap()).unwrap();
        assert_eq!(list.as_array().unwrap().len(), 2);
        assert_eq!(list[1]["url"], "2.zip");
        let zip = fs::read(region.join("2.zip")).unwrap();
        // The key in the folder is taken up again by the next run.
        let again = Publisher::open(&publish).unwrap();
        let verified = export::open(&zip, &export::Limits::default())
            .unwrap()
            .verify(&[again.signer.pinned_key()])
            .unwrap();
        let export = verified.into_export();
        let days: Vec<_> = export
            .keys
            .iter()
            .map(|key| key.rolling_start.utc_day())
            .collect();
        assert_eq!(days, [today.saturating_sub(1), today.saturating_sub(2)]);
    }
}
