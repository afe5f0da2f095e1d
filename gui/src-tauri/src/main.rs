//! `sesshoku-gui`: the window.

use clap::Parser;
use sesshoku_gui::app::{self, Options};

fn main() -> anyhow::Result<()> {
    app::run(Options::parse())
}
