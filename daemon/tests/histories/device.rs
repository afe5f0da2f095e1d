//! The device: the real store and the real checks, against a server that is a folder.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::export::{self, Export, Signer};
use gaen::key::Tek;
use gaen::listing::{Listing, ListingEntry};
use gaen::time::{UnixSeconds, UtcDay};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use rusqlite::Connection;
use sesshoku_core::records::{CycleSighting, ScanCycle};
use sesshoku_core::status::ConsentState;
use sesshoku_core::verdict::Assessment;
use sesshokud::store::{DeviceKey, Store};
use sesshokud::sync::settings::PublicKeySettings;
use sesshokud::sync::{self, CheckReport, Server, Settings};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::model::{Answer, End, Entry, File, Happening, KeyId, Name, Signed, Unsigned, Visit};

/// The tables that a check writes to.
const WRITTEN: [&str; 5] = [
    "meta",
    "listed_export",
    "exposure",
    "exposure_key",
    "check_record",
];
const ELSEWHERE: &str = r#"{"region":"440","url":"https://elsewhere.example/1.zip","created":0}"#;

/// What all histories have in common: it takes long to make.
pub(crate) struct Workshop {
    runtime: Runtime,
    signer: Signer,
    stranger: Signer,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        let signer = |seed| Signer::generate("440", "v1", &mut ChaCha8Rng::seed_from_u64(seed));
        Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            signer: signer(1),
            stranger: signer(2),
        }
    }
}

pub(crate) struct Device<'a> {
    workshop: &'a Workshop,
    home: TempDir,
    /// `None` only while it starts anew.
    store: Option<Arc<Mutex<Store>>>,
    server: Arc<Server>,
    nowhere: Arc<Server>,
    /// The files that the server signed, and their hashes.
    zips: Vec<(Vec<u8>, [u8; 32])>,
}

fn time(seconds: i64) -> UnixSeconds {
    UnixSeconds::from_i64(seconds).unwrap()
}

fn tek((person, day): KeyId) -> Tek {
    let mut bytes = [person; 16];
    bytes[..8].copy_from_slice(&day.to_le_bytes());
    Tek::from_bytes(bytes)
}

fn diagnosis_key(key: KeyId, report_type: ReportType) -> DiagnosisKey {
    DiagnosisKey {
        tek: tek(key),
        rolling_start: UtcDay::new(u32::try_from(key.1).unwrap()).first_interval(),
        rolling_period: RollingPeriod::DAY,
        transmission_risk_level: 0,
        report_type,
        days_since_onset: None,
    }
}

fn file_name(name: Name) -> String {
    format!("{name:04}.zip")
}

fn device_key() -> DeviceKey {
    DeviceKey::from_bytes([7; 32])
}

impl<'a> Device<'a> {
    pub(crate) fn new(workshop: &'a Workshop) -> Self {
        // Quick, where there is one: what is tested is not the disk.
        let memory = Path::new("/dev/shm");
        let home = if memory.is_dir() {
            TempDir::with_prefix_in("histories", memory)
        } else {
            TempDir::with_prefix("histories")
        };
        let home = home.unwrap();
        fs::create_dir(home.path().join("server")).unwrap();
        let downloads = home.path().join("downloads");
        let at = |list_url: String| {
            let mut settings = Settings {
                list_url: Some(list_url),
                ..Settings::default()
            };
            settings.limits.retry_wait_ms = 1;
            settings.public_keys.push(PublicKeySettings {
                id: "440".into(),
                version: "v1".into(),
                pem: Some(workshop.signer.public_key_pem()),
                file: None,
            });
            Arc::new(settings.server(&downloads).unwrap().unwrap())
        };
        let folder = home.path().join("server/list.json");
        let store = Store::open(&home.path().join("device"), &device_key()).unwrap();
        Self {
            workshop,
            server: at(format!("file://{}", folder.display())),
            // Nobody listens there.
            nowhere: at("http://127.0.0.1:1/list.json".into()),
            store: Some(Arc::new(Mutex::new(store))),
            zips: Vec::new(),
            home,
        }
    }

    fn in_folder(&self, name: &str) -> PathBuf {
        self.home.path().join("server").join(name)
    }

    fn store(&self) -> &Arc<Mutex<Store>> {
        self.store.as_ref().expect("it is on")
    }

    /// The server signs a file.
    pub(crate) fn sign(&mut self, file: &File) {
        let of = |is_revoked: bool| {
            let keys = file.keys.iter();
            keys.filter(move |(_, kind)| (*kind == ReportType::Revoked) == is_revoked)
                .map(|(key, kind)| diagnosis_key(*key, *kind))
                .collect()
        };
        let export = Export {
            start: u64::try_from(file.start).unwrap(),
            end: u64::try_from(file.end).unwrap(),
            region: "440".to_owned(),
            batch_num: file.part,
            batch_size: file.parts,
            keys: of(false),
            revised_keys: of(true),
        };
        let zip = export::write(&export, &[&self.workshop.signer]).unwrap();
        fs::write(self.in_folder(&file_name(self.zips.len())), &zip).unwrap();
        let hash = Sha256::digest(&zip).into();
        self.zips.push((zip, hash));
    }

    /// Returns what a check has to tell of how it went, for whoever looks for a fault.
    pub(crate) fn take(&mut self, happening: &Happening, files: &[File]) -> Option<CheckReport> {
        match happening {
            Happening::Cycle {
                actual,
                shown,
                since,
                until,
                heard,
            } => self.listen(*actual, *shown, *since..*until, heard),
            Happening::Check { shown, visit } => return self.check(visit, files, *shown),
            Happening::Purge { shown } => {
                let mut store = self.store().lock().unwrap();
                store.purge_at_confirmed_time(time(*shown)).unwrap();
                store.compact(time(*shown).utc_day()).unwrap();
            }
            Happening::Erase => self.store().lock().unwrap().erase().unwrap(),
            Happening::Takeover => unreachable!("the database is of this version"),
        }
        None
    }

    fn listen(&self, actual: i64, shown: i64, stands_for: Range<i64>, heard: &[KeyId]) {
        let started = time(shown);
        let sightings = heard.iter().map(|key| {
            let tek = tek(*key);
            let rpi = tek.rpik().rpi(time(actual).interval());
            CycleSighting {
                time: time(shown + 1),
                rpi,
                aem: tek.aemk().encrypt(&rpi, [0x40, 0, 0, 0]),
                rssi: -50,
            }
        });
        let cycle = ScanCycle {
            started,
            ended: time(stands_for.end),
            previous: Some(time(stands_for.start.max(0))),
            cut_short: false,
            after_gap: false,
            sightings: sightings.collect(),
        };
        self.store().lock().unwrap().append_cycle(&cycle).unwrap();
    }

    /// What is on the disk is all that is left.
    pub(crate) fn restart(&mut self) {
        let store = Arc::into_inner(self.store.take().unwrap());
        drop(store.expect("no check is under way"));
        let store = Store::open(&self.home.path().join("device"), &device_key()).unwrap();
        self.store = Some(Arc::new(Mutex::new(store)));
    }

    fn check(&mut self, visit: &Visit, files: &[File], shown: i64) -> Option<CheckReport> {
        if visit.end == End::Killed {
            let mark = self.store().lock().unwrap().check_mark();
            mark.begins().unwrap();
            drop(mark);
            self.restart();
            return None;
        }
        let server = if visit.is_reachable {
            self.serve(visit, files);
            &self.server
        } else {
            &self.nowhere
        };
        let check = sync::check(
            Some(Arc::clone(server)),
            Arc::clone(self.store()),
            time(shown),
        );
        let full: &[&str] = match visit.end {
            End::DiskFull => &WRITTEN,
            End::DiskFills => &["check_record"],
            End::Stored | End::Killed => &[],
        };
        self.change_tables(full, |table| {
            format!("CREATE TRIGGER full_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END")
        });
        let report = self.workshop.runtime.block_on(check);
        self.change_tables(full, |table| format!("DROP TRIGGER full_{table}"));
        for name in visit.answers.keys() {
            fs::write(self.in_folder(&file_name(*name)), &self.zips[*name].0).unwrap();
        }
        Some(report)
    }

    /// Puts into the folder what the server answers.
    fn serve(&self, visit: &Visit, files: &[File]) {
        for (name, answer) in &visit.answers {
            let path = self.in_folder(&file_name(*name));
            match answer {
                Answer::Missing => fs::remove_file(path).unwrap(),
                Answer::Broken => {
                    let mut zip = self.zips[*name].0.clone();
                    let middle = zip.len() / 2;
                    zip[middle] ^= 1;
                    fs::write(path, zip).unwrap();
                }
                Answer::File(file) => fs::write(path, &self.zips[*file].0).unwrap(),
            }
        }
        let unsigned = match &visit.unsigned {
            Unsigned::Garbage => "<html>please log in</html>".to_owned(),
            Unsigned::Entries(entries, has_forbidden) => {
                let mut entries: Vec<String> = entries
                    .iter()
                    .map(|entry| {
                        let name = file_name(entry.name);
                        let created = entry.created * 1000;
                        format!(r#"{{"region":"440","url":"{name}","created":{created}}}"#)
                    })
                    .collect();
                if *has_forbidden {
                    entries.push(ELSEWHERE.to_owned());
                }
                format!("[{}]", entries.join(","))
            }
        };
        fs::write(self.in_folder("list.json"), unsigned).unwrap();
        let path = self.in_folder("list.json.sig");
        match &visit.signed {
            Signed::Absent => drop(fs::remove_file(path)),
            Signed::Bad => {
                let list = self.listing(1_000_000, &[], files);
                fs::write(path, list.sign(&[&self.workshop.stranger])).unwrap();
            }
            Signed::List(sequence, entries) => {
                let list = self.listing(*sequence, entries, files);
                fs::write(path, list.sign(&[&self.workshop.signer])).unwrap();
            }
        }
    }

    fn listing(&self, sequence: u64, entries: &[Entry], files: &[File]) -> Listing {
        let entries = entries.iter().map(|entry| {
            let file = &files[entry.name];
            ListingEntry {
                url: file_name(entry.name),
                sha256: self.zips[entry.name].1,
                start: u64::try_from(file.start).unwrap(),
                end: u64::try_from(file.end).unwrap(),
                batch_num: file.part,
                batch_size: file.parts,
                created: u64::try_from(entry.created * 1000).unwrap(),
            }
        });
        Listing {
            region: "440".to_owned(),
            sequence,
            made: UnixSeconds::new(1),
            entries: entries.collect(),
        }
    }

    /// Has SQLite refuse to write to `tables`, or no more.
    fn change_tables(&self, tables: &[&str], change: impl Fn(&str) -> String) {
        if tables.is_empty() {
            return;
        }
        let other = Connection::open(self.home.path().join("device/store.db")).unwrap();
        for table in tables {
            other.execute_batch(&change(table)).unwrap();
        }
    }

    pub(crate) fn assess(&self, fresh_within: Option<i64>, shown: i64) -> Assessment {
        let within = fresh_within.map(|within| Duration::from_secs(within.unsigned_abs()));
        let store = self.store().lock().unwrap();
        sync::assess(&store, ConsentState::Agreed, within, time(shown)).unwrap()
    }
}
