//! Man pages and completions, as packages are built with them: each program writes its
//! own, and they name every command and flag that its `--help` does.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use sesshoku_tests::local::program;

#[test]
fn the_manual_and_the_completions_name_what_help_names() -> anyhow::Result<()> {
    for (name, section) in [("sesshoku", 1), ("sesshokud", 8), ("sesshoku-server", 8)] {
        let dir = tempfile::tempdir()?;
        let generated = Command::new(program(name)?)
            .arg("--generate")
            .arg(dir.path())
            .status()?;
        ensure!(generated.success(), "{name} writes nothing");
        let completions = [".bash", ".fish"]
            .map(|ending| format!("{name}{ending}"))
            .into_iter()
            .chain([format!("_{name}")])
            .map(|file| read(&dir.path().join("completions").join(file)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let pages = Pages {
            man_dir: &dir.path().join("man"),
            section,
            completions: &completions,
        };
        let count = pages.check(name, &mut Vec::new())?;
        let written = fs::read_dir(pages.man_dir)?.count();
        ensure!(
            count == written,
            "{name}: {count} commands, {written} pages"
        );
    }
    Ok(())
}

#[test]
fn a_folder_that_cannot_be_written_is_said() -> anyhow::Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    let output = Command::new(program("sesshoku")?)
        .arg("--generate")
        .arg(file.path())
        .output()?;
    ensure!(output.status.code() == Some(1));
    let said = String::from_utf8(output.stderr)?;
    ensure!(said.starts_with("cannot write into "), "{said}");
    Ok(())
}

struct Pages<'a> {
    man_dir: &'a Path,
    section: u8,
    completions: &'a [String],
}

impl Pages<'_> {
    /// Checks the page of a command and those of the commands below it, and counts them.
    fn check(&self, name: &str, command: &mut Vec<String>) -> anyhow::Result<usize> {
        let help = help(name, command)?;
        let page_name = [&[name.to_owned()], command.as_slice()].concat().join("-");
        let page = read(&self.man_dir.join(format!("{page_name}.{}", self.section)))?
            .replace(r"\-", "-");
        for flag in flags(&help) {
            ensure!(page.contains(&flag), "{page_name}: no {flag} in its page");
            let bare = flag.trim_start_matches('-');
            for completions in self.completions {
                // fish names long flags without their dashes.
                let is_named = completions.contains(&flag)
                    || completions.contains(&format!("-l {bare}"));
                ensure!(is_named, "{page_name}: {flag} is not completed");
            }
        }
        let mut count = 1;
        for below in commands(&help) {
            for completions in self.completions {
                ensure!(completions.contains(&below), "{below} is not completed");
            }
            command.push(below);
            count += self.check(name, command)?;
            command.pop();
        }
        Ok(count)
    }
}

fn help(name: &str, command: &[String]) -> anyhow::Result<String> {
    let output = Command::new(program(name)?)
        .args(command)
        .arg("--help")
        .output()?;
    ensure!(output.status.success(), "{name} {command:?} has no help");
    Ok(String::from_utf8(output.stdout)?)
}

/// The long flags that a help describes.
fn flags(help: &str) -> BTreeSet<String> {
    help.lines()
        .map(str::trim_start)
        .filter(|line| line.starts_with('-'))
        .flat_map(str::split_whitespace)
        .filter(|word| word.starts_with("--"))
        .map(|word| word.trim_end_matches([',', '.']).to_owned())
        .collect()
}

/// The commands that a help lists, but `help` itself.
fn commands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .map(str::to_owned)
        .collect()
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
