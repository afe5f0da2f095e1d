//! `analyse export`: what key exports hold, and whether they verify.

use std::path::{Path, PathBuf};

use gaen::diagnosis::DiagnosisKey;
use gaen::export::{Export, ExportError, Limits, PinnedKey, open, open_bare};
use serde::Serialize;

use super::input::{InputError, chain, read_export};
use crate::args::PublicKey;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::text::{Text, args};

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

/// Why one file is refused.
enum Refusal {
    Unreadable(InputError),
    Export(ExportError),
}

/// Prints a report for each of `files`.
pub(super) fn run(
    files: &[PathBuf],
    public_key: &PublicKey,
    output: &Output,
) -> Result<Exit, Failure> {
    let pinned = public_key.read()?;
    let mut exit = Exit::Done;
    for file in files {
        let report = report(file, pinned.as_ref());
        if report.error.is_some() {
            exit = Exit::Refused;
        }
        output.print(&report, render)?;
    }
    Ok(exit)
}

/// The stable name of an error, for JSON.
pub(super) const fn error_name(error: &ExportError) -> &'static str {
    match error {
        ExportError::Archive(_) => "archive",
        ExportError::Header => "header",
        ExportError::Message(_) | ExportError::Framing => "message",
        ExportError::SignatureMessage(_) => "signature-message",
        ExportError::Unsigned => "unsigned",
        ExportError::UnknownKey { .. } => "unknown-key",
        ExportError::Algorithm { .. } => "algorithm",
        ExportError::Signature { .. } => "signature",
        ExportError::SignatureCount { .. } => "signature-count",
        ExportError::Period => "period",
        ExportError::BatchNumber => "batch-number",
        ExportError::Key { .. } => "key",
    }
}

fn report(file: &Path, pinned: Option<&PinnedKey>) -> Report {
    let limits = Limits::default();
    let (export, refusal) = match read_export(file, &limits) {
        Ok(zip) => judge(&zip, pinned, &limits),
        Err(error) => (None, Some(Refusal::Unreadable(error))),
    };
    let (error, error_detail) = match &refusal {
        None => (None, None),
        Some(Refusal::Unreadable(error)) => (Some("unreadable"), Some(chain(error))),
        Some(Refusal::Export(error)) => (Some(error_name(error)), Some(chain(error))),
    };
    let keys = |of: fn(&Export) -> &[DiagnosisKey]| -> Vec<Key> {
        export
            .as_ref()
            .map_or(&[][..], of)
            .iter()
            .map(Key::from)
            .collect()
    };
    Report {
        file: file.display().to_string(),
        verified: pinned.map(|_| refusal.is_none()),
        error,
        error_detail,
        region: export.as_ref().map(|export| export.region.clone()),
        start: export.as_ref().map(|export| export.start),
        end: export.as_ref().map(|export| export.end),
        batch_num: export.as_ref().map(|export| export.batch_num),
        batch_size: export.as_ref().map(|export| export.batch_size),
        keys: keys(|export| &export.keys),
        revised_keys: keys(|export| &export.revised_keys),
    }
}

/// What `zip` holds as far as it can be read, and what it is refused for.
fn judge(
    zip: &[u8],
    pinned: Option<&PinnedKey>,
    limits: &Limits,
) -> (Option<Export>, Option<Refusal>) {
    let judged = open(zip, limits).and_then(|unverified| match pinned {
        Some(key) => unverified
            .verify(std::slice::from_ref(key))
            .map(gaen::export::Verified::into_export),
        None => unverified.without_verification(),
    });
    match judged {
        Ok(export) => (Some(export), None),
        Err(error) => {
            let anyway = open_bare(zip, limits).and_then(|export| export.without_verification());
            (anyway.ok(), Some(Refusal::Export(error)))
        }
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
    if let (Some(region), Some(start), Some(end), Some(number), Some(size)) = (
        report.region.as_deref(),
        report.start,
        report.end,
        report.batch_num,
        report.batch_size,
    ) {
        let args = args! {
            "region" => region,
            "start" => text.time(Some(start)),
            "end" => text.time(Some(end)),
            "number" => number,
            "size" => size,
            "keys" => report.keys.len(),
            "revised" => report.revised_keys.len(),
        };
        lines.push(text.say("analyse-export-contents", &args));
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
