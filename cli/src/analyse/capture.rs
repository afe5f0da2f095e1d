//! `analyse capture`: the identifiers of a Bluetooth log.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use capture::btsnoop::RecordError;
use capture::hci::Address;
use capture::{Advert, Adverts};
use gaen::key::Rpi;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::input::{open_log, whole_log};
use crate::output::Output;
use crate::text::Text;
use sesshoku_i18n::args;

/// What a log holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Report {
    /// Packets of any kind.
    packets: u64,
    /// Advertising reports with Exposure Notification service data.
    adverts: u64,
    rpis: usize,
    addresses: usize,
    rpis_with_several_addresses: usize,
    addresses_with_several_rpis: usize,
    /// `truncated` or `corrupt`, where the log could not be read to its end.
    ended_early: Option<&'static str>,
    /// By the time they were first heard.
    identifiers: Vec<Identifier>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Identifier {
    rpi: String,
    first: f64,
    last: f64,
    count: u64,
    addresses: usize,
    /// In dBm; `None` when the controller never knew.
    rssi_min: Option<i8>,
    rssi_max: Option<i8>,
}

/// What was heard of one identifier.
struct Heard {
    first_us: i64,
    last_us: i64,
    count: u64,
    addresses: BTreeSet<Address>,
    rssi: Option<(i8, i8)>,
}

/// Prints a report of the log in `file`.
pub(super) fn run(file: &Path, output: &Output) -> Result<Exit, Failure> {
    let mut log = open_log(file)?;
    let report = report(&mut log);
    whole_log(file, &log)?;
    output.print(&report, render)?;
    Ok(Exit::Done)
}

fn report<R: Read>(adverts: &mut Adverts<R>) -> Report {
    let mut identifiers: BTreeMap<Rpi, Heard> = BTreeMap::new();
    let mut rpis_by_address: BTreeMap<Address, BTreeSet<Rpi>> = BTreeMap::new();
    let mut count = 0;
    for advert in &mut *adverts {
        count += 1;
        let rpi = advert.service_data.rpi;
        rpis_by_address
            .entry(advert.address)
            .or_default()
            .insert(rpi);
        identifiers
            .entry(rpi)
            .and_modify(|heard| heard.add(&advert))
            .or_insert_with(|| Heard::new(&advert));
    }
    let several_addresses = identifiers
        .values()
        .filter(|heard| heard.addresses.len() > 1);
    let several_rpis = rpis_by_address.values().filter(|rpis| rpis.len() > 1);
    let mut report = Report {
        packets: adverts.packets(),
        adverts: count,
        rpis: identifiers.len(),
        addresses: rpis_by_address.len(),
        rpis_with_several_addresses: several_addresses.count(),
        addresses_with_several_rpis: several_rpis.count(),
        ended_early: adverts.ended_early().map(|error| match error {
            RecordError::Truncated { .. } | RecordError::Unreadable { .. } => "truncated",
            RecordError::Corrupt { .. } => "corrupt",
        }),
        identifiers: Vec::new(),
    };
    let mut in_order: Vec<_> = identifiers.iter().collect();
    in_order.sort_by_key(|(rpi, heard)| (heard.first_us, *rpi));
    report.identifiers = in_order
        .into_iter()
        .map(|(rpi, heard)| heard.identifier(rpi))
        .collect();
    report
}

impl Heard {
    fn new(advert: &Advert) -> Self {
        Self {
            first_us: advert.time_us,
            last_us: advert.time_us,
            count: 1,
            addresses: BTreeSet::from([advert.address]),
            rssi: advert.rssi.map(|rssi| (rssi, rssi)),
        }
    }

    fn add(&mut self, advert: &Advert) {
        // A log's clock may be set back while it is written.
        self.first_us = self.first_us.min(advert.time_us);
        self.last_us = self.last_us.max(advert.time_us);
        self.count += 1;
        self.addresses.insert(advert.address);
        if let Some(rssi) = advert.rssi {
            let (min, max) = self.rssi.unwrap_or((rssi, rssi));
            self.rssi = Some((min.min(rssi), max.max(rssi)));
        }
    }

    fn identifier(&self, rpi: &Rpi) -> Identifier {
        Identifier {
            rpi: hex::encode(rpi.as_bytes()),
            first: seconds(self.first_us),
            last: seconds(self.last_us),
            count: self.count,
            addresses: self.addresses.len(),
            rssi_min: self.rssi.map(|(min, _)| min),
            rssi_max: self.rssi.map(|(_, max)| max),
        }
    }
}

fn seconds(micros: i64) -> f64 {
    let magnitude = Duration::from_micros(micros.unsigned_abs()).as_secs_f64();
    if micros < 0 { -magnitude } else { magnitude }
}

fn render(text: &Text, report: &Report) -> String {
    let args = args! {
        "packets" => report.packets,
        "adverts" => report.adverts,
        "rpis" => report.rpis,
        "addresses" => report.addresses,
        "several-addresses" => report.rpis_with_several_addresses,
        "several-rpis" => report.addresses_with_several_rpis,
    };
    let mut lines = vec![text.say("analyse-capture", &args)];
    if let Some(how) = report.ended_early {
        lines.push(text.say("analyse-capture-ended-early", &args! { "how" => how }));
    }
    for identifier in &report.identifiers {
        let span = Duration::try_from_secs_f64(identifier.last - identifier.first);
        let args = args! {
            "rpi" => identifier.rpi.as_str(),
            "count" => identifier.count,
            "seconds" => span.unwrap_or_default().as_secs(),
            "min" => identifier.rssi_min.map_or_else(|| "-".to_owned(), |rssi| rssi.to_string()),
            "max" => identifier.rssi_max.map_or_else(|| "-".to_owned(), |rssi| rssi.to_string()),
        };
        lines.push(text.say("analyse-capture-identifier", &args));
    }
    lines.join("\n")
}
