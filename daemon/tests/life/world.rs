//! What is around a device: people, and a notification server in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::export::{self, Export, Signer};
use gaen::key::Tek;
use gaen::time::{UnixSeconds, UtcDay};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sesshoku_core::radio::Heard;
use sesshokud::sync::settings::PublicKeySettings;
use sesshokud::sync::{Server, Settings};

/// Somebody with a phone, which has a key for each day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Person(pub(crate) u64);

impl Person {
    fn tek(self, day: UtcDay) -> Tek {
        let seed = (self.0 << 32) | u64::from(day.get());
        Tek::generate(&mut ChaCha8Rng::seed_from_u64(seed))
    }

    /// What is heard of them, a metre away, when it truly is `now`.
    pub(crate) fn heard(self, now: UnixSeconds) -> Heard {
        let tek = self.tek(now.utc_day());
        let rpi = tek.rpik().rpi(now.interval());
        Heard {
            rpi,
            aem: tek.aemk().encrypt(&rpi, [0x40, 0, 0, 0]),
            rssi: -50,
        }
    }

    fn key(self, day: UtcDay) -> DiagnosisKey {
        DiagnosisKey {
            tek: self.tek(day),
            rolling_start: day.first_interval(),
            rolling_period: RollingPeriod::DAY,
            transmission_risk_level: 0,
            report_type: ReportType::ConfirmedTest,
            days_since_onset: Some(0),
        }
    }
}

/// A notification server that is a folder.
pub(crate) struct Folder {
    dir: PathBuf,
    signer: Signer,
    /// Names, and when they were made, in milliseconds.
    listed: Vec<(String, u64)>,
}

impl Folder {
    pub(crate) fn new(dir: PathBuf) -> Self {
        fs::create_dir(&dir).unwrap();
        let folder = Self {
            dir,
            signer: Signer::generate("440", "v1", &mut ChaCha8Rng::seed_from_u64(1)),
            listed: Vec::new(),
        };
        folder.write_list();
        folder
    }

    /// The server as a device with its downloads in `downloads` is configured with it.
    pub(crate) fn server(&self, downloads: &Path) -> Server {
        self.server_at(format!("file://{}", self.dir.display()), downloads)
    }

    /// The same for a device without network: nobody listens there.
    pub(crate) fn nowhere(&self, downloads: &Path) -> Server {
        self.server_at("http://127.0.0.1:1".into(), downloads)
    }

    fn server_at(&self, url: String, downloads: &Path) -> Server {
        let mut settings = Settings {
            url: Some(url),
            ..Settings::default()
        };
        settings.limits.retry_wait_ms = 1;
        settings.public_keys.push(PublicKeySettings {
            id: "440".into(),
            version: "v1".into(),
            pem: Some(self.signer.public_key_pem()),
            file: None,
        });
        settings.server(downloads).unwrap().unwrap()
    }

    /// Publishes the key of `person` of `day`, at `now`.
    pub(crate) fn publish(&mut self, person: Person, day: UtcDay, now: UnixSeconds) {
        let end = u64::from(now.get());
        let export = Export {
            start: end - 86_400,
            end,
            region: "440".into(),
            batch_num: 1,
            batch_size: 1,
            keys: vec![person.key(day)],
            revised_keys: Vec::new(),
        };
        // As the server does, it hands out fourteen days.
        self.listed
            .retain(|(_, created)| created / 1000 + 14 * 86_400 > end);
        let name = format!("{end}.zip");
        let zip = export::write(&export, &[&self.signer]).unwrap();
        fs::write(self.dir.join(&name), zip).unwrap();
        self.listed.push((name, end * 1000));
        self.write_list();
    }

    /// When the exports that are listed were made.
    pub(crate) fn listed(&self) -> impl Iterator<Item = u64> {
        self.listed.iter().map(|(_, created)| created / 1000)
    }

    fn write_list(&self) {
        let entries: Vec<_> = self
            .listed
            .iter()
            .map(|(name, created)| {
                format!(r#"{{"region":"440","url":"{name}","created":{created}}}"#)
            })
            .collect();
        fs::write(
            self.dir.join("list.json"),
            format!("[{}]", entries.join(",")),
        )
        .unwrap();
    }
}
