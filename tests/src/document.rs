//! Tables that tests measure and documents show.
//!
//! A table stands in its document between `<!-- table: NAME -->` and
//! `<!-- end -->`. A test compares what it found with it; with
//! `SESSHOKU_WRITE_TABLES=1` it writes it there instead (`make tables`). A column
//! whose heading ends in "(measured)" differs from run to run and is not compared.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};

use crate::local::root;

const MEASURED: &str = "(measured)";
/// Whose turn it is to write into a document.
static DOCUMENTS: Mutex<()> = Mutex::new(());

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(headings: &[&str]) -> Self {
        Self {
            headings: headings.iter().map(ToString::to_string).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Compares the table with the one called `name` in the document at `path`,
    /// which is relative to the workspace's root, or writes it there.
    ///
    /// # Panics
    ///
    /// When they differ, or there is no such place.
    #[track_caller]
    pub fn check(&self, path: &str, name: &str) {
        if let Err(error) = self.try_check(path, name) {
            panic!("{path}, table {name}: {error:#}");
        }
    }

    /// Writes the table to the place of the one called `name` in the document at `path`,
    /// which is relative to the workspace's root.
    ///
    /// # Errors
    /// When there is no such place.
    pub fn write(&self, path: &str, name: &str) -> Result<()> {
        let _turn = DOCUMENTS.lock().unwrap_or_else(PoisonError::into_inner);
        let path: PathBuf = root().join(path);
        let text = fs::read_to_string(&path).context("cannot read the document")?;
        let (before, _, after) = split(&text, name).context("there is no such table")?;
        fs::write(&path, format!("{before}{self}{after}")).context("cannot write the document")
    }

    fn try_check(&self, path: &str, name: &str) -> Result<()> {
        if std::env::var_os("SESSHOKU_WRITE_TABLES").is_some() {
            return self.write(path, name);
        }
        let text = fs::read_to_string(root().join(path)).context("cannot read the document")?;
        let (_, found, _) = split(&text, name).context("there is no such table")?;
        let shown = self.settled();
        ensure!(
            Self::parse(found).settled() == shown,
            "it says something else than what was found, which is\n{self}\
             (`make tables` writes it)"
        );
        Ok(())
    }

    fn parse(text: &str) -> Self {
        let cells = |line: &str| -> Vec<String> {
            line.trim()
                .trim_matches('|')
                .split('|')
                .map(|cell| cell.trim().to_owned())
                .collect()
        };
        let mut lines = text.lines().filter(|line| line.starts_with('|'));
        Self {
            headings: lines.next().map(cells).unwrap_or_default(),
            rows: lines.skip(1).map(cells).collect(),
        }
    }

    /// What does not differ from run to run.
    fn settled(&self) -> Vec<Vec<&str>> {
        let is_settled = |column: usize| {
            let heading = self.headings.get(column);
            heading.is_some_and(|heading| !heading.ends_with(MEASURED))
        };
        let lines = std::iter::once(&self.headings).chain(&self.rows);
        lines
            .map(|line| {
                let cells = line.iter().enumerate();
                cells
                    .filter(|(column, _)| is_settled(*column))
                    .map(|(_, cell)| cell.as_str())
                    .collect()
            })
            .collect()
    }
}

/// As Markdown.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = vec!["---".to_owned(); self.headings.len()];
        let lines = [&self.headings, &rule].into_iter().chain(&self.rows);
        for cells in lines {
            writeln!(f, "| {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}

/// The text before the table, the table, and the text after it.
fn split<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let marker = format!("<!-- table: {name} -->\n");
    let start = text.find(&marker)? + marker.len();
    let len = text.get(start..)?.find("<!-- end -->")?;
    Some((
        text.get(..start)?,
        text.get(start..start + len)?,
        text.get(start + len..)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(cells: [&str; 3]) -> Table {
        let mut table = Table::new(&["fault", "limit", "took (measured)"]);
        table.row(cells.map(str::to_owned).to_vec());
        table
    }

    #[test]
    fn what_is_measured_may_differ_and_nothing_else() {
        let written = table(["off", "10 s", "0.3 s"]);
        let read = Table::parse(&written.to_string());
        assert_eq!(read, written);
        let settled = |cells| table(cells).settled() == read.settled();
        assert!(settled(["off", "10 s", "9 s"]));
        assert!(!settled(["off", "60 s", "0.3 s"]));
        assert!(!settled(["on", "10 s", "0.3 s"]));
    }

    #[test]
    fn a_table_is_found_by_its_name() {
        let text = "a\n<!-- table: x -->\n| 1 |\n<!-- end -->\nb\n";
        assert_eq!(
            split(text, "x"),
            Some(("a\n<!-- table: x -->\n", "| 1 |\n", "<!-- end -->\nb\n"))
        );
        assert_eq!(split(text, "y"), None);
    }
}
