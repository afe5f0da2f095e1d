//! `analyse windows`: exposure windows as phones record them, weighed into days.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use gaen::config::Configuration;
use gaen::import::PhoneWindow;
use gaen::risk::day_summaries;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::Day;
use crate::exit::{Exit, Failure};
use crate::input::{InputError, MAX_WINDOWS_FILE, read};
use crate::output::Output;
use crate::text::Text;
use sesshoku_i18n::args;

/// The days of one list.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Report {
    /// The list's name; `None` where the file is a bare list.
    name: Option<String>,
    /// Scans that stood for a negative time, which was counted as none.
    negative_scans: usize,
    days: Vec<Day>,
}

/// A file of windows: one list without a name, or lists by name in their order.
#[derive(Debug)]
struct Lists(Vec<(Option<String>, Vec<PhoneWindow>)>);

/// Prints a report for each list in `file`.
pub(super) fn run(file: &Path, output: &Output) -> Result<Exit, Failure> {
    let json = read(file, MAX_WINDOWS_FILE)?;
    let Lists(lists) = parse(&json).map_err(|error| InputError::Json(file.to_owned(), error))?;
    // All is read before anything is printed: a file is taken whole or not at all.
    let configuration = Configuration::default();
    let reports: Vec<_> = lists
        .into_iter()
        .map(|(name, windows)| report(file, name, windows, &configuration))
        .collect::<Result<_, _>>()?;
    for report in &reports {
        output.print(report, render)?;
    }
    Ok(Exit::Done)
}

/// What COCOA 2 saves has one list of this name, and beside it what is not asked for.
const COCOA_2: &str = "exposure_windows";

fn parse(json: &[u8]) -> Result<Lists, serde_json::Error> {
    #[derive(Deserialize)]
    struct Saved {
        exposure_windows: Vec<PhoneWindow>,
    }

    let names = serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(json);
    if !names.is_ok_and(|names| names.contains_key(COCOA_2)) {
        return serde_json::from_slice(json);
    }
    let Saved { exposure_windows } = serde_json::from_slice(json)?;
    Ok(Lists(vec![(Some(COCOA_2.to_owned()), exposure_windows)]))
}

fn report(
    file: &Path,
    name: Option<String>,
    windows: Vec<PhoneWindow>,
    configuration: &Configuration,
) -> Result<Report, InputError> {
    let negative_scans = windows.iter().map(PhoneWindow::negative_scans).sum();
    let windows: Vec<_> = windows
        .into_iter()
        .enumerate()
        .map(|(index, window)| {
            window
                .into_window(configuration)
                .map_err(|source| InputError::Window {
                    path: file.to_owned(),
                    index,
                    source,
                })
        })
        .collect::<Result<_, _>>()?;
    Ok(Report {
        name,
        negative_scans,
        days: day_summaries(&windows, configuration)
            .iter()
            .map(Day::from)
            .collect(),
    })
}

impl<'de> Deserialize<'de> for Lists {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListsVisitor;

        impl<'de> Visitor<'de> for ListsVisitor {
            type Value = Lists;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of exposure windows, or an object of such lists")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Lists, A::Error> {
                let mut windows = Vec::new();
                while let Some(window) = seq.next_element()? {
                    windows.push(window);
                }
                Ok(Lists(vec![(None, windows)]))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lists, A::Error> {
                let mut lists = Vec::new();
                while let Some((name, windows)) = map.next_entry()? {
                    lists.push((Some(name), windows));
                }
                Ok(Lists(lists))
            }
        }

        deserializer.deserialize_any(ListsVisitor)
    }
}

fn render(text: &Text, report: &Report) -> String {
    let mut lines = Vec::new();
    if let Some(name) = &report.name {
        lines.push(text.say("analyse-windows-list", &args! { "name" => name.as_str() }));
    }
    if report.negative_scans > 0 {
        let args = args! { "count" => report.negative_scans };
        lines.push(text.say("analyse-windows-negative", &args));
    }
    if report.days.is_empty() {
        lines.push(text.catalogue().text("analyse-no-days"));
    }
    lines.extend(report.days.iter().map(|day| day.line(text)));
    lines.join("\n")
}
