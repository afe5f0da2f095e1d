//! `make bench-server`: what both roles of the server take for a request and for an
//! export, and what a country's would take. It writes the tables of docs/scale.md.
//!
//! The released server runs on one core, load comes from the other. CPU time is counted
//! by the kernel and hardly depends on what else the machine does; requests a second
//! and latencies do.
//!
//! With an argument N it is only a trial, with an Nth of everything, and prints the
//! tables instead of writing them. With the argument `downloads` (`make bench-downloads`)
//! only downloads are measured.

mod bodies;
mod downloads;
mod load;
mod nation;
#[expect(dead_code, clippy::unwrap_used, reason = "it is made for tests")]
#[path = "../../../../server/tests/common/postgres.rs"]
mod postgres;
mod site;
mod usage;

use std::fs;
use std::path::PathBuf;
use std::process::{self, Command};

use anyhow::ensure;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sesshoku_tests::document::Table;
use sesshoku_tests::local::program;

use bodies::{KEYS_A_DEVICE, KEYS_TO_FILL};
use load::{Load, What};
use nation::Figures;
use site::{Cpu, Kind, Site, Taken, run};
use usage::{Memory, Of, cpu_seconds};

const DOCUMENT: &str = "docs/scale.md";
/// As many keys as an export's file has at the most (`export.max_keys`).
const KEYS_IN_A_FILE: u32 = 30_000;

/// How much is done.
#[derive(Clone, Copy)]
struct Sizes {
    /// How many devices register, and how many dummies are sent.
    registrations: u32,
    /// How many keys are kept in 14 days.
    keys_kept: u32,
    /// How many keys are exported at a time when 250 000 come in a day.
    keys_a_time: u32,
    /// For how long the same is downloaded again and again.
    seconds: u32,
    /// What a device has heard.
    sightings: u32,
    /// How many devices register at the same time.
    connections: u32,
}

impl Sizes {
    const fn an_nth(n: u32) -> Self {
        Self {
            registrations: 6_000 / n,
            keys_kept: 1_000_000 / n,
            keys_a_time: 50_000 / n,
            seconds: 10_u32.div_ceil(n),
            sightings: 100_000 / n,
            connections: if n == 1 { 256 } else { 16 },
        }
    }
}

fn main() -> anyhow::Result<()> {
    let trial = std::env::args().nth(1);
    if trial.as_deref() == Some("downloads") {
        return compare_downloads();
    }
    let nth = trial.as_deref().map_or(Ok(1), str::parse)?;
    // A trial ends before memory has come to rest.
    let mut bench = Bench::new(Sizes::an_nth(nth), trial.is_some());
    bench.run(Kind::Sqlite)?;
    let figures = bench.run(Kind::Postgres)?;
    for (name, table) in [
        ("requests", bench.requests),
        ("downloads", bench.downloads),
        ("exports", bench.exports),
        ("sizes", nation::sizes(&figures)),
        ("nation", nation::nation(&figures)),
    ] {
        print(&table);
        if trial.is_none() {
            table.write(DOCUMENT, name)?;
        }
    }
    Ok(())
}

/// One file of as many keys as files have at the most is downloaded.
fn compare_downloads() -> anyhow::Result<()> {
    let mut bench = Bench::new(Sizes::an_nth(1), false);
    let mut site = Site::open(Kind::Sqlite)?;
    let recipients = bodies::recipients(KEYS_IN_A_FILE / KEYS_TO_FILL);
    load::send(&issuing(&site, &recipients), &site.path(""))?;
    let numbers = site.take_numbers()?;
    bench.fill(&mut site, &numbers)?;
    site.export(0)?;
    let (table, _) = downloads::compare(&site, bench.sizes.seconds, bench.is_trial)?;
    print(&table);
    table.write(DOCUMENT, "downloads")
}

#[expect(clippy::print_stdout, reason = "whoever runs it waits for it")]
fn print(table: &Table) {
    println!("{table}");
}

struct Bench {
    is_trial: bool,
    sizes: Sizes,
    rng: ChaCha8Rng,
    requests: Table,
    downloads: Table,
    exports: Table,
}

impl Bench {
    fn new(sizes: Sizes, is_trial: bool) -> Self {
        Self {
            is_trial,
            sizes,
            rng: ChaCha8Rng::seed_from_u64(1),
            requests: Table::new(&[
                "request",
                "database",
                "CPU µs: notification",
                "management",
                "PostgreSQL",
                "requests/s",
                "p50 ms",
                "p99 ms",
                "MiB at the start, half way, at the end: notification",
                "management",
            ]),
            downloads: Table::default(),
            exports: Table::new(&[
                "database",
                "keys",
                "files",
                "CPU s: notification",
                "PostgreSQL",
                "s",
                "peak MiB",
            ]),
        }
    }

    /// Numbers are issued and registered with, dummies are sent, exports made and
    /// downloaded.
    fn run(&mut self, kind: Kind) -> anyhow::Result<Figures> {
        let mut site = Site::open(kind)?;
        let Sizes {
            registrations,
            keys_kept,
            keys_a_time,
            ..
        } = self.sizes;
        let filling = [
            (keys_kept - registrations * KEYS_A_DEVICE).div_ceil(KEYS_TO_FILL),
            keys_a_time.div_ceil(KEYS_TO_FILL),
        ];
        let recipients = bodies::recipients(registrations + filling.iter().sum::<u32>());
        let issue = self.measure(&site, "a 処理番号 is issued", &issuing(&site, &recipients))?;
        let mut numbers = site.take_numbers()?;
        ensure!(numbers.len() == recipients.len(), "a mail is missing");

        let mut take = |count: u32| -> anyhow::Result<Vec<String>> {
            let left = numbers.len() - usize::try_from(count)?;
            Ok(numbers.split_off(left))
        };
        let bodies = bodies::registrations(&take(registrations)?, &mut self.rng);
        let [first_fill, second_fill] = [take(filling[0])?, take(filling[1])?];
        let registration = self.measure(
            &site,
            "a registration, its 処理番号 checked",
            &self.registrations(&site, &bodies, false),
        )?;
        let dummies = vec![String::new(); bodies.len()];
        let bodies = bodies::registrations(&dummies, &mut self.rng);
        let dummy = self.measure(&site, "a dummy", &self.registrations(&site, &bodies, true))?;

        self.fill(&mut site, &first_fill)?;
        site.stop()?;
        let keys = registrations * KEYS_A_DEVICE + filling[0] * KEYS_TO_FILL;
        let database = runtime()?.block_on(site.database_bytes())?;
        site.begin(&[])?;
        self.export(&mut site, keys, 0)?;
        self.fill(&mut site, &second_fill)?;
        let listed = site.list()?.len();
        let export = self.export(&mut site, filling[1] * KEYS_TO_FILL, listed)?;
        let all_keys = f64::from(keys + filling[1] * KEYS_TO_FILL);

        let files = site.list()?.len();
        let zips: Vec<PathBuf> = (1..=files)
            .map(|number| site.path(&format!("public/c19r/440/{number}.zip")))
            .collect();
        let mut zip_bytes = 0.0;
        for zip in &zips {
            zip_bytes += f64::from(u32::try_from(fs::metadata(zip)?.len())?);
        }
        let list_bytes = fs::metadata(site.path("public/c19r/440/list.json"))?.len();
        let files = f64::from(u32::try_from(files)?);
        let (downloads, [list, zip]) =
            downloads::compare(&site, self.sizes.seconds, self.is_trial)?;
        self.downloads = downloads;
        Ok(Figures {
            issue: issue.cpu,
            registration: registration.cpu,
            dummy: dummy.cpu,
            list,
            zip,
            export: export.sum(),
            export_keys: f64::from(filling[1] * KEYS_TO_FILL),
            zip_bytes_a_key: zip_bytes / all_keys,
            list_bytes_a_file: f64::from(u32::try_from(list_bytes)?) / files,
            database_bytes_a_key: database / f64::from(keys),
            match_seconds_a_key: self.match_seconds(&site, &zips)? / all_keys,
            sightings: f64::from(self.sizes.sightings),
        })
    }

    fn measure(&mut self, site: &Site, what: &str, load: &Load<'_>) -> anyhow::Result<Taken> {
        let taken = site.measure(load)?;
        let memories = [&taken.notification_memory, &taken.management_memory];
        ensure!(
            self.is_trial || memories.iter().all(|memory| memory.is_flat()),
            "{what}: a server grows, from half way to the end: {} MiB, {} MiB",
            shown(memories[0]),
            shown(memories[1])
        );
        let Cpu {
            notification,
            management,
            database,
        } = taken.cpu;
        let outcome = &taken.outcome;
        let micros = |seconds: f64| format!("{:.0}", seconds * 1e6);
        self.requests.row(vec![
            what.to_owned(),
            site.kind.name().to_owned(),
            micros(notification),
            micros(management),
            micros(database),
            format!("{:.0}", outcome.requests_a_second()),
            format!("{:.1}", outcome.p50_milliseconds()),
            format!("{:.1}", outcome.p99_milliseconds()),
            shown(memories[0]),
            shown(memories[1]),
        ]);
        Ok(taken)
    }

    fn registrations<'a>(&self, site: &Site, bodies: &'a [String], is_chaff: bool) -> Load<'a> {
        Load {
            url: format!("{}/api/v3/diagnosis", site.notification_url),
            method: "PUT",
            headers: is_chaff
                .then(|| "X-Chaff: 1".to_owned())
                .into_iter()
                .collect(),
            status: 200,
            connections: self.sizes.connections,
            what: What::Each(bodies),
        }
    }

    /// Registers as many keys as `numbers` allow.
    fn fill(&mut self, site: &mut Site, numbers: &[String]) -> anyhow::Result<()> {
        site.restart(&[
            ("REGISTRATION__MAX_KEYS", &KEYS_TO_FILL.to_string()),
            ("REGISTRATION__MAX_OVERLAP", "30"),
        ])?;
        let bodies = bodies::large_registrations(numbers, &mut self.rng);
        load::send(&self.registrations(site, &bodies, false), &site.path(""))?;
        Ok(())
    }

    fn export(&mut self, site: &mut Site, keys: u32, listed: usize) -> anyhow::Result<Cpu> {
        let export = site.export(listed)?;
        self.exports.row(vec![
            site.kind.name().to_owned(),
            nation::count(f64::from(keys)),
            export.files.to_string(),
            format!("{:.2}", export.cpu.notification),
            format!("{:.2}", export.cpu.database),
            format!("{:.1}", export.seconds),
            format!("{:.0}", export.peak_memory),
        ]);
        Ok(export.cpu)
    }

    /// The CPU seconds that a device takes to look for the keys of `zips`.
    fn match_seconds(&mut self, site: &Site, zips: &[PathBuf]) -> anyhow::Result<f64> {
        let sightings = site.path("sightings");
        fs::write(
            &sightings,
            bodies::sightings(self.sizes.sightings, &mut self.rng),
        )?;
        let before = cpu_seconds(process::id(), Of::Family)?;
        run(Command::new(program("sesshoku")?)
            .args(["analyse", "match", "--json", "--public-key"])
            .arg(site.path("public-key.pem"))
            .arg("--sightings")
            .arg(&sightings)
            .arg("--keys")
            .args(zips))?;
        Ok(cpu_seconds(process::id(), Of::Family)? - before)
    }
}

fn issuing<'a>(site: &Site, recipients: &'a [String]) -> Load<'a> {
    Load {
        url: format!("{}/api/v1/processing-number", site.management_url),
        method: "POST",
        headers: vec![format!("Authorization: Bearer {}", site.token)],
        status: 201,
        connections: 16,
        what: What::Each(recipients),
    }
}

fn shown(memory: &Memory) -> String {
    let Memory { start, half, end } = memory;
    format!("{start:.0}, {half:.0}, {end:.0}")
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    Ok(builder.enable_all().build()?)
}
