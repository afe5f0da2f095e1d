//! `sesshoku`, the command line of Sesshoku.
//!
//! The commands over the bus (`commands`) each fetch a plain value, which `text`
//! and serde turn into sentences or JSON; the offline tools (`analyse`) do the
//! same with files. What they print as JSON is documented in docs/json.md.

mod analyse;
mod args;
mod bus;
mod calibration;
mod checks;
mod commands;
mod contacts;
mod doctor;
mod event;
mod exit;
mod guidance;
mod input;
mod notices;
mod output;
mod pager;
mod registration;
mod status;
mod terms;
mod text;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::output::Output;

fn main() -> ExitCode {
    if let Some(ended) = manual::generate_if_asked::<Cli>(manual::Section::Programs) {
        return ended;
    }
    let cli = Cli::parse();
    let output = Output::new(cli.global.json, cli.global.language());
    let ended = match &cli.command {
        Command::Analyse(command) => analyse::run(command, &output),
        Command::Guidance(command) => guidance::run(command, &output),
        Command::Terms { text } => terms::run(*text, &output, &cli.global.operator),
        Command::Online(command) => commands::run(command, &cli.global, &output),
    };
    ended
        .unwrap_or_else(|failure| {
            output.failure(&failure);
            failure.exit()
        })
        .into()
}
