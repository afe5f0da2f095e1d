//! Man pages and completions, written by each program from its own definition of the
//! command line. Packages are built with this; `--help` does not mention it.
#![forbid(unsafe_code)]

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

/// The flag that a program takes instead of all others, before a folder.
pub const FLAG: &str = "--generate";

/// Sections of the manual, as man(1) numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// What people run.
    Programs,
    /// What runs in the background, or for administrators.
    Administration,
}

impl Section {
    const fn number(self) -> &'static str {
        match self {
            Self::Programs => "1",
            Self::Administration => "8",
        }
    }
}

/// Where this program was called with [`FLAG`] and a folder, writes into it what
/// [`write()`] does, and says how the program ends; else `None`.
pub fn generate_if_asked<Program: CommandFactory>(section: Section) -> Option<ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [flag, dir] = arguments.as_slice() else {
        return None;
    };
    if flag != FLAG {
        return None;
    }
    Some(match write(Program::command(), section, dir.as_ref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(dir, &error),
    })
}

fn fail(dir: &OsStr, error: &io::Error) -> ExitCode {
    // Whoever builds a package is told, if anybody listens.
    let _ = writeln!(io::stderr(), "cannot write into {}: {error}", dir.display());
    ExitCode::FAILURE
}

/// Writes a page for the program and for each of its commands into `dir/man`, and
/// completions for bash, zsh and fish into `dir/completions`.
///
/// # Errors
/// When a file cannot be written.
pub fn write(program: Command, section: Section, dir: &Path) -> io::Result<()> {
    let man_dir = dir.join("man");
    let completions_dir = dir.join("completions");
    for dir in [&man_dir, &completions_dir] {
        fs::create_dir_all(dir)?;
    }
    let mut program = without_help(program);
    let name = program.get_name().to_owned();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut program, &name, &completions_dir)?;
    }
    program.build();
    write_pages(&program, section, &man_dir)
}

/// The same without `help` commands, which would be a page for each command again.
fn without_help(command: Command) -> Command {
    command
        .disable_help_subcommand(true)
        .mut_subcommands(without_help)
}

fn write_pages(command: &Command, section: Section, dir: &Path) -> io::Result<()> {
    let page = Man::new(command.clone()).section(section.number());
    page.render(&mut File::create(dir.join(page.get_filename()))?)?;
    for subcommand in command.get_subcommands() {
        write_pages(subcommand, section, dir)?;
    }
    Ok(())
}
