//! `sesshoku-gui`: the window.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

use clap::Parser;
use manual::Section;
use sesshoku_gui::app::{self, Options};

fn main() -> anyhow::Result<ExitCode> {
    if let Some(ended) = manual::generate_if_asked::<Options>(Section::Programs) {
        return Ok(ended);
    }
    let options = Options::parse();
    if let Some(link) = &options.link {
        return Err(start_without_argument(link).into());
    }
    app::run(options)?;
    Ok(ExitCode::SUCCESS)
}

/// Starts this program anew in its own place, with `link` in a pipe: the arguments of a
/// program can be read by others on this machine, and the number in the link is for nobody
/// else. Returns only where that fails.
fn start_without_argument(link: &str) -> io::Error {
    let start = || {
        let (reader, mut writer) = io::pipe()?;
        let link_bytes = link.as_bytes();
        // Far less than a pipe takes without waiting; no link is longer.
        writer.write_all(&link_bytes[..link_bytes.len().min(1024)])?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(
                std::env::args_os()
                    .skip(1)
                    .filter(|it| it != OsStr::new(link)),
            )
            .arg("--link-from-stdin")
            .stdin(Stdio::from(OwnedFd::from(reader)));
        drop(writer);
        Ok(command.exec())
    };
    start().unwrap_or_else(|error: io::Error| error)
}
