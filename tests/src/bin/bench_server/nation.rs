//! What a country would take, from what was measured.

use sesshoku_tests::document::Table;

use crate::bodies::KEYS_A_DEVICE;
use crate::site::Cpu;

const DEVICES: f64 = 40e6;
const KEYS_A_DAY: f64 = 250e3;
/// Keys and files are kept for as long (docs/protocol.md §8).
const DAYS_KEPT: f64 = 14.0;
/// By the server's default settings.
const EXPORTS_A_DAY: f64 = 5.0;
const MOST_KEYS_A_FILE: f64 = 30e3;
/// How often a device sends a dummy, by its default settings.
const DAYS_FROM_DUMMY_TO_DUMMY: f64 = 7.0;
const DAY_SECONDS: f64 = 86_400.0;
/// How much busier the busiest minutes are than the average.
const PEAK: f64 = 10.0;
/// How much of a core is to be busy then.
const BUSY: f64 = 0.5;

/// Assumed: one of so many numbers is mistyped once.
const NUMBERS_A_MISTAKE: f64 = 20.0;
/// Assumed: a number is used after this many hours, on average.
const HOURS_VALID: f64 = 1.0;
/// Assumed: what a worker takes to issue a number.
const MINUTES_TO_ISSUE: f64 = 3.0;

/// What one of the programs took of it all.
type PartOf = fn(Cpu) -> f64;

/// What was measured; seconds are of CPU.
pub(crate) struct Figures {
    pub(crate) issue: Cpu,
    pub(crate) registration: Cpu,
    pub(crate) dummy: Cpu,
    pub(crate) list: Cpu,
    pub(crate) zip: Cpu,
    /// Seconds for an export of `export_keys`.
    pub(crate) export: f64,
    pub(crate) export_keys: f64,
    pub(crate) zip_bytes_a_key: f64,
    pub(crate) list_bytes_a_file: f64,
    pub(crate) database_bytes_a_key: f64,
    /// Seconds a device takes for a key, with `sightings`.
    pub(crate) match_seconds_a_key: f64,
    pub(crate) sightings: f64,
}

/// The sizes that follow from the measured files.
pub(crate) fn sizes(figures: &Figures) -> Table {
    let mut table = Table::new(&["what", "bytes"]);
    let mut row = |what: &str, bytes: f64| table.row(vec![what.to_owned(), format!("{bytes:.1}")]);
    row("a key in a zip", figures.zip_bytes_a_key);
    row("a file in list.json", figures.list_bytes_a_file);
    row(
        "a key in PostgreSQL, its registration and indexes included",
        figures.database_bytes_a_key,
    );
    table
}

/// Every line with its arithmetic.
pub(crate) fn nation(figures: &Figures) -> Table {
    let mut lines = Lines(Table::new(&["what", "from", "makes"]));
    lines.load(figures);
    lines.distribution(figures);
    lines.storage(figures);
    lines.people();
    lines.0
}

struct Lines(Table);

impl Lines {
    fn line(&mut self, what: &str, from: String, makes: f64, unit: &str) {
        let decimals = if makes < 10.0 { 2 } else { 0 };
        let makes = with_decimals(makes, decimals);
        let makes = format!("{makes} {unit}").trim_end().to_owned();
        self.0.row(vec![what.to_owned(), from, makes]);
    }

    fn load(&mut self, figures: &Figures) {
        let keys = f64::from(KEYS_A_DEVICE);
        let registrations = KEYS_A_DAY / keys;
        self.line(
            "registrations a day",
            format!("{} keys ÷ {keys}", count(KEYS_A_DAY)),
            registrations,
            "",
        );
        let registrations_at_peak = registrations / DAY_SECONDS * PEAK;
        self.line(
            "registrations at peak",
            format!(
                "{} ÷ {} s × {PEAK}",
                count(registrations),
                count(DAY_SECONDS)
            ),
            registrations_at_peak,
            "/s",
        );
        let dummies = DEVICES / DAYS_FROM_DUMMY_TO_DUMMY / DAY_SECONDS * PEAK;
        self.line(
            "dummies at peak",
            format!(
                "{} devices ÷ {DAYS_FROM_DUMMY_TO_DUMMY} days ÷ {} s × {PEAK}",
                count(DEVICES),
                count(DAY_SECONDS)
            ),
            dummies,
            "/s",
        );
        let each: [(&str, PartOf); 3] = [
            ("notification", |cpu| cpu.notification),
            ("management", |cpu| cpu.management),
            ("PostgreSQL, both databases", |cpu| cpu.database),
        ];
        for (who, of) in each {
            let [dummy, registration] = [figures.dummy, figures.registration].map(of);
            self.line(
                &format!("cores at peak: {who}"),
                format!(
                    "({} × {} µs + {} × {} µs) ÷ {BUSY}",
                    count(dummies),
                    count(dummy * 1e6),
                    with_decimals(registrations_at_peak, 2),
                    count(registration * 1e6),
                ),
                (dummies * dummy + registrations_at_peak * registration) / BUSY,
                "",
            );
        }
        let issuing = figures.issue.sum();
        self.line(
            "CPU for issuing numbers",
            format!("{} × {} µs", count(registrations), count(issuing * 1e6)),
            registrations * issuing,
            "s a day",
        );
        let (now, then) = (figures.export_keys, KEYS_A_DAY / EXPORTS_A_DAY);
        self.line(
            "CPU for exports, PostgreSQL's included",
            format!(
                "{EXPORTS_A_DAY} × {} s × {} ÷ {}",
                with_decimals(figures.export, 2),
                count(then),
                count(now)
            ),
            EXPORTS_A_DAY * figures.export * then / now,
            "s a day",
        );
    }

    fn distribution(&mut self, figures: &Figures) {
        let files = (KEYS_A_DAY / EXPORTS_A_DAY / MOST_KEYS_A_FILE).ceil() * EXPORTS_A_DAY;
        self.line(
            "new files a day",
            format!(
                "{EXPORTS_A_DAY} × ⌈{} ÷ {}⌉",
                count(KEYS_A_DAY / EXPORTS_A_DAY),
                count(MOST_KEYS_A_FILE)
            ),
            files,
            "",
        );
        let zips = KEYS_A_DAY * figures.zip_bytes_a_key / 1e6;
        self.line(
            "new files, for each device a day",
            format!(
                "{} × {:.1} bytes",
                count(KEYS_A_DAY),
                figures.zip_bytes_a_key
            ),
            zips,
            "MB",
        );
        let list = files * DAYS_KEPT * figures.list_bytes_a_file / 1e6;
        self.line(
            "list.json, for each device a day",
            format!(
                "{files} × {DAYS_KEPT} × {:.1} bytes",
                figures.list_bytes_a_file
            ),
            list,
            "MB",
        );
        let terabytes = DEVICES * (zips + list) / 1e6;
        self.line(
            "CDN, a day",
            format!(
                "{} × ({} + {}) MB",
                count(DEVICES),
                with_decimals(zips, 2),
                with_decimals(list, 2)
            ),
            terabytes,
            "TB",
        );
        self.line(
            "CDN, on average",
            format!("{} TB × 8 ÷ {} s", count(terabytes), count(DAY_SECONDS)),
            terabytes * 8e3 / DAY_SECONDS,
            "Gbit/s",
        );
        let requests = DEVICES * (files + 1.0) / DAY_SECONDS * PEAK;
        self.line(
            "CDN, requests at peak",
            format!(
                "{} × ({files} + 1) ÷ {} s × {PEAK}",
                count(DEVICES),
                count(DAY_SECONDS)
            ),
            requests,
            "/s",
        );
        let list_seconds = figures.list.notification;
        let zip_seconds = figures.zip.notification;
        self.line(
            "cores at peak without a CDN: notification",
            format!(
                "{} ÷ {} s × {PEAK} × ({} µs + {files} × {} µs) ÷ {BUSY}",
                count(DEVICES),
                count(DAY_SECONDS),
                count(list_seconds * 1e6),
                count(zip_seconds * 1e6)
            ),
            DEVICES / DAY_SECONDS * PEAK * (list_seconds + files * zip_seconds) / BUSY,
            "",
        );
    }

    fn storage(&mut self, figures: &Figures) {
        // From the day they come to the end of the 14 after their export.
        let days = DAYS_KEPT + 1.0;
        self.line(
            "notification database",
            format!(
                "{} × {days} days × {} bytes",
                count(KEYS_A_DAY),
                count(figures.database_bytes_a_key)
            ),
            KEYS_A_DAY * days * figures.database_bytes_a_key / 1e9,
            "GB",
        );
        self.line(
            "files for devices",
            format!(
                "{} × {DAYS_KEPT} days × {:.1} bytes",
                count(KEYS_A_DAY),
                figures.zip_bytes_a_key
            ),
            KEYS_A_DAY * DAYS_KEPT * figures.zip_bytes_a_key / 1e6,
            "MB",
        );
        self.line(
            &format!(
                "a device's CPU a day, with {} sightings",
                count(figures.sightings)
            ),
            format!(
                "{} × {:.2} µs",
                count(KEYS_A_DAY),
                figures.match_seconds_a_key * 1e6
            ),
            KEYS_A_DAY * figures.match_seconds_a_key,
            "s",
        );
    }

    fn people(&mut self) {
        let registrations = KEYS_A_DAY / f64::from(KEYS_A_DEVICE);
        let shown = count(registrations);
        self.line(
            "workers' time for issuing numbers",
            format!("{shown} × {MINUTES_TO_ISSUE} min ÷ 60"),
            registrations * MINUTES_TO_ISSUE / 60.0,
            "h a day",
        );
        let issued = registrations / 24.0 * PEAK;
        self.line(
            "numbers issued at peak",
            format!("{shown} ÷ 24 × {PEAK}"),
            issued,
            "an hour",
        );
        let valid = registrations / 24.0 * HOURS_VALID;
        self.line(
            "numbers valid at a time",
            format!("{shown} ÷ 24 × {HOURS_VALID} h"),
            valid,
            "",
        );
        let wrong = issued / NUMBERS_A_MISTAKE;
        self.line(
            "numbers mistyped at peak",
            format!("{} ÷ {NUMBERS_A_MISTAKE}", count(issued)),
            wrong,
            "an hour",
        );
        for (digits, power, numbers) in [(8, "⁸", 1e8), (12, "¹¹", 1e11)] {
            self.line(
                &format!("wrong numbers a day until guessing hits one by 0.1 %, {digits} digits"),
                format!("0.1 % × 10{power} ÷ {}", count(valid)),
                0.001 * numbers / valid,
                "a day",
            );
        }
    }
}

/// A count, in groups of three digits.
pub(crate) fn count(value: f64) -> String {
    with_decimals(value, 0)
}

fn with_decimals(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) && whole.len() > 4 {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped + rest
}
