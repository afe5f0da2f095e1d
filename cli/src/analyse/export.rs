//! `analyse export`: what key exports hold, and whether they verify.

use std::path::{Path, PathBuf};

use gaen::diagnosis::DiagnosisKey;
use gaen::export::{Export, ExportError, Limits, Loose, PinnedKey, Unverified, open, open_bare};
use serde::Serialize;

use crate::args::PublicKey;
use crate::exit::{Exit, Failure};
use crate::input::{InputError, chain, error_name, read_export};
use crate::output::Output;
use crate::text::Text;
use sesshoku_i18n::args;

/// What one file holds. Where it was refused, what could be read of it all the
/// same, which is not to be trusted.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Report {
    file: String,
    /// Whether a pinned key signed it; `None` when there was none to check with.
    verified: Option<bool>,
    /// The stable name of what it was refused for.
    error: Option<&'static str>,
    /// The same for a person.
    error_detail: Option<String>,
    region: Option<String>,
    start: Option<u64>,
    end: Option<u64>,
    batch_num: Option<u32>,
    batch_size: Option<u32>,
    keys: Vec<Key>,
    revised_keys: Vec<Key>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Key {
    key: String,
    rolling_start: u32,
    rolling_period: u32,
    transmission_risk_level: i32,
    report_type: i32,
    days_since_onset: Option<i32>,
}

/// What a file must be.
enum Trust {
    /// Signed with this key.
    Key(Box<PinnedKey>),
    /// A whole export, whoever signed it.
    Unchecked,
    /// Keys, in the form of an export.
    Anything,
}

/// Why one file is refused.
enum Refusal {
    Unreadable(InputError),
    Export(ExportError),
}

/// Prints a report for each of `files`.
pub(super) fn run(
    files: &[PathBuf],
    public_key: &PublicKey,
    unsigned: bool,
    output: &Output,
) -> Result<Exit, Failure> {
    let trust = match public_key.read()? {
        Some(key) => Trust::Key(Box::new(key)),
        None if unsigned => Trust::Anything,
        None => Trust::Unchecked,
    };
    let mut exit = Exit::Done;
    for file in files {
        let report = report(file, &trust);
        if report.error.is_some() {
            exit = Exit::Refused;
        }
        output.print(&report, render)?;
    }
    Ok(exit)
}

fn report(file: &Path, trust: &Trust) -> Report {
    let limits = Limits::default();
    let (read, refusal) = match read_export(file, &limits) {
        Ok(zip) => judge(&zip, trust, &limits),
        Err(error) => (None, Some(Refusal::Unreadable(error))),
    };
    let (error, error_detail) = match &refusal {
        None => (None, None),
        Some(Refusal::Unreadable(error)) => (Some("unreadable"), Some(chain(error))),
        Some(Refusal::Export(error)) => (Some(error_name(error)), Some(chain(error))),
    };
    let period = read.as_ref().filter(|read| read.has_period);
    let period = period.map(|read| (read.export.start, read.export.end));
    let export = read.as_ref().map(|read| &read.export);
    let keys = |of: fn(&Export) -> &[DiagnosisKey]| -> Vec<Key> {
        export.map_or(&[][..], of).iter().map(Key::from).collect()
    };
    Report {
        file: file.display().to_string(),
        verified: matches!(trust, Trust::Key(_)).then_some(refusal.is_none()),
        error,
        error_detail,
        region: export.map(|export| export.region.clone()),
        start: period.map(|(start, _)| start),
        end: period.map(|(_, end)| end),
        batch_num: export.map(|export| export.batch_num),
        batch_size: export.map(|export| export.batch_size),
        keys: keys(|export| &export.keys),
        revised_keys: keys(|export| &export.revised_keys),
    }
}

/// What `zip` holds as far as it can be read, and what it is refused for.
fn judge(zip: &[u8], trust: &Trust, limits: &Limits) -> (Option<Loose>, Option<Refusal>) {
    let with_period = |export| Loose {
        export,
        has_period: true,
    };
    let anyway = || open_bare(zip, limits).and_then(Unverified::with_any_period);
    let judged = match trust {
        Trust::Key(key) => open(zip, limits)
            .and_then(|unverified| unverified.verify(std::slice::from_ref(key)))
            .map(|verified| with_period(verified.into_export())),
        Trust::Unchecked => open(zip, limits)
            .and_then(Unverified::without_verification)
            .map(with_period),
        Trust::Anything => anyway(),
    };
    match judged {
        Ok(read) => (Some(read), None),
        Err(error) => (anyway().ok(), Some(Refusal::Export(error))),
    }
}

impl From<&DiagnosisKey> for Key {
    fn from(key: &DiagnosisKey) -> Self {
        Self {
            key: hex::encode(key.tek.expose_bytes()),
            rolling_start: key.rolling_start.get(),
            rolling_period: key.rolling_period.get(),
            transmission_risk_level: key.transmission_risk_level,
            report_type: key.report_type.number(),
            days_since_onset: key.days_since_onset,
        }
    }
}

fn render(text: &Text, report: &Report) -> String {
    let file = report.file.as_str();
    let mut lines = vec![match (&report.error_detail, report.verified) {
        (Some(detail), _) => {
            let args = args! { "file" => file, "detail" => detail.as_str() };
            text.say("analyse-export-refused", &args)
        }
        (None, Some(_)) => text.say("analyse-export-verified", &args! { "file" => file }),
        (None, None) => text.say("analyse-export-unchecked", &args! { "file" => file }),
    }];
    if let (Some(region), Some(number), Some(size)) = (
        report.region.as_deref(),
        report.batch_num,
        report.batch_size,
    ) {
        let args = args! {
            "region" => region,
            "start" => text.time(report.start),
            "end" => text.time(report.end),
            "number" => number,
            "size" => size,
            "keys" => report.keys.len(),
            "revised" => report.revised_keys.len(),
        };
        let sentence = if report.start.is_some() {
            "analyse-export-contents"
        } else {
            "analyse-export-contents-no-period"
        };
        lines.push(text.say(sentence, &args));
    }
    for key in report.keys.iter().chain(&report.revised_keys) {
        let Key {
            key,
            rolling_start,
            rolling_period,
            report_type,
            ..
        } = key;
        lines.push(format!(
            "  {key}  {rolling_start}+{rolling_period}  {report_type}"
        ));
    }
    lines.join("\n")
}
