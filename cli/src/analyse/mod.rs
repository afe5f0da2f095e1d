//! The offline tools: each reads files, makes one value of them, and prints it.

mod capture;
mod export;
mod matching;
mod windows;

use gaen::risk::DaySummary;
use serde::Serialize;

use crate::args::Analyse;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::text::Text;
use sesshoku_i18n::args;

/// Runs `command`.
pub(crate) fn run(command: &Analyse, output: &Output) -> Result<Exit, Failure> {
    match command {
        Analyse::Export {
            files,
            public_key,
            unsigned,
        } => export::run(files, public_key, *unsigned, output),
        Analyse::Capture { file } => capture::run(file, output),
        Analyse::Match {
            sightings,
            keys,
            public_key,
            unsigned: _,
        } => matching::run(sightings, keys, public_key, output),
        Analyse::Windows { file } => windows::run(file, output),
    }
}

/// One UTC day's exposures.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Day {
    date: String,
    score_sum: f64,
    maximum_score: f64,
    seconds: u64,
    contact: bool,
}

impl From<&DaySummary> for Day {
    fn from(day: &DaySummary) -> Self {
        Self {
            date: day.date.to_string(),
            score_sum: day.score_sum,
            maximum_score: day.maximum_score,
            seconds: day.seconds,
            contact: day.contact,
        }
    }
}

impl Day {
    fn line(&self, text: &Text) -> String {
        let args = args! {
            "date" => self.date.as_str(),
            "score" => format!("{:.1}", self.score_sum),
            "maximum" => format!("{:.1}", self.maximum_score),
            "seconds" => self.seconds,
        };
        text.say(
            if self.contact {
                "analyse-day-contact"
            } else {
                "analyse-day"
            },
            &args,
        )
    }
}
