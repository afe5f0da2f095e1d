//! Long texts on a terminal: in lines that fit, a screen at a time.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};

use terminal_size::{Width, terminal_size_of};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// Longer lines are hard to read, however wide the terminal.
const WIDEST: u16 = 80;
/// Shorter ones break words.
const NARROWEST: u16 = 20;
/// What shows texts where nothing else is chosen.
const PAGER: &str = "less";
/// How `less` is to behave where the person has not said: a text that fits is just
/// shown, Ctrl-C ends it, and what was read stays on the screen.
const LESS: &str = "FRXK";

/// The width of lines on `terminal`, in columns; `None` where that is none.
pub(crate) fn width(terminal: impl AsFd + IsTerminal) -> Option<usize> {
    if !terminal.is_terminal() {
        return None;
    }
    // One that does not tell, such as a serial line, is an ordinary one.
    let columns = terminal_size_of(terminal).map_or(WIDEST, |(Width(columns), _)| columns);
    Some(columns.clamp(NARROWEST, WIDEST).into())
}

/// Breaks `line` into lines of at most `width` columns, the first after `indent` and the
/// others below it. Japanese breaks where it may (Unicode Standard Annex 14), and its
/// characters count as two columns.
pub(crate) fn wrap(line: &str, indent: &str, width: Option<usize>) -> String {
    let Some(width) = width else {
        return format!("{indent}{line}");
    };
    let below = " ".repeat(indent.len());
    let options = Options::new(width)
        .initial_indent(indent)
        .subsequent_indent(&below)
        .word_separator(WordSeparator::UnicodeBreakProperties)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    textwrap::fill(line, options)
}

/// Shows `text` on the terminal that standard error is: in the pager of the person's
/// choice, or as it is where there is none or it cannot be started.
pub(crate) fn show(text: &str) -> io::Result<()> {
    if let Some(pager) = pager(|name| env::var(name).ok())
        && page(&pager, text)?
    {
        return Ok(());
    }
    writeln!(io::stderr(), "{text}")
}

/// The command that `SESSHOKU_PAGER` or else `PAGER` names; an empty one is a choice
/// against any.
fn pager(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    if variable("TERM").is_none_or(|term| term == "dumb") {
        return None;
    }
    let chosen = variable("SESSHOKU_PAGER").or_else(|| variable("PAGER"));
    let pager = chosen.unwrap_or_else(|| PAGER.to_owned());
    (!["", "cat"].contains(&pager.trim())).then_some(pager)
}

/// Whether `pager` could be started and has shown `text`.
fn page(pager: &str, text: &str) -> io::Result<bool> {
    /// What the shell ends with when there is no such command, or it is none.
    const NOT_STARTED: [Option<i32>; 2] = [Some(126), Some(127)];
    let mut command = Command::new("sh");
    command
        .args(["-c", pager])
        .stdin(Stdio::piped())
        // Standard output is for the result.
        .stdout(io::stderr().as_fd().try_clone_to_owned()?)
        .stderr(Stdio::null());
    for (name, value) in [("LESS", LESS), ("LESSCHARSET", "utf-8")] {
        if env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    let Ok(mut child) = command.spawn() else {
        return Ok(false);
    };
    // Who has read enough ends it before the end.
    let written = match child.stdin.take() {
        Some(mut stdin) => stdin.write_all(format!("{text}\n").as_bytes()),
        None => Ok(()),
    };
    let status = child.wait()?;
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(!NOT_STARTED.contains(&status.code())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_lose_nothing() {
        let japanese = "受信した符号は、この端末の中にだけ暗号化して保存し、14日で消します。";
        for (text, indent) in [
            ("What is sent, and to whom it goes.", "- "),
            (japanese, "- "),
            (japanese, ""),
        ] {
            for width in [20, 33, 80] {
                let wrapped = wrap(text, indent, Some(width));
                let columns = wrapped.lines().map(textwrap::core::display_width);
                assert!(columns.max() <= Some(width), "{wrapped}");
                let squeeze = |text: &str| text.replace(char::is_whitespace, "");
                assert_eq!(squeeze(&wrapped), squeeze(&format!("{indent}{text}")));
                let first = wrapped
                    .lines()
                    .map(str::trim_start)
                    .filter_map(|line| line.chars().next());
                assert!(first.into_iter().all(|c| !"、。".contains(c)), "{wrapped}");
            }
        }
        assert_eq!(wrap("a b", "- ", None), "- a b");
    }

    #[test]
    fn the_persons_choice_of_a_pager_holds() {
        let chosen = |variables: &[(&str, &str)]| {
            pager(|name| {
                let found = variables.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let term = ("TERM", "xterm");
        assert_eq!(chosen(&[term]).as_deref(), Some("less"));
        assert_eq!(
            chosen(&[term, ("PAGER", "more -d")]).as_deref(),
            Some("more -d")
        );
        let both = [term, ("PAGER", "more"), ("SESSHOKU_PAGER", "")];
        assert_eq!(chosen(&both), None);
        assert_eq!(chosen(&[term, ("PAGER", "cat")]), None);
        assert_eq!(chosen(&[("TERM", "dumb")]), None);
        assert_eq!(chosen(&[]), None);
    }
}
