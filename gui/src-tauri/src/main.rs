//! `sesshoku-gui`: the window.

use std::process::ExitCode;

use clap::Parser;
use manual::Section;
use sesshoku_gui::app::{self, Options};

fn main() -> anyhow::Result<ExitCode> {
    if let Some(ended) = manual::generate_if_asked::<Options>(Section::Programs) {
        return Ok(ended);
    }
    app::run(Options::parse())?;
    Ok(ExitCode::SUCCESS)
}
