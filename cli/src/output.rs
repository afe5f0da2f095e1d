//! Where results go: JSON or sentences to standard output, failures to standard
//! error.

use std::io::{self, IsTerminal, Write};

use jiff::tz::TimeZone;
use serde::Serialize;
use sesshoku_i18n::{Catalogue, Language};
use zeroize::Zeroizing;

use crate::exit::Failure;
use crate::pager;
use crate::text::Text;

/// How this run speaks.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    text: Text,
}

impl Output {
    /// In JSON, or in sentences of `language` with local times.
    pub(crate) fn new(json: bool, language: Language) -> Self {
        Self {
            json,
            text: Text::new(Catalogue::new(language), TimeZone::system()),
        }
    }

    /// Whether it speaks JSON.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// The sentences.
    pub(crate) const fn text(&self) -> &Text {
        &self.text
    }

    /// Prints `value` as one line of JSON, or as the sentences that `render` makes.
    pub(crate) fn print<T: Serialize>(
        &self,
        value: &T,
        render: impl FnOnce(&Text, &T) -> String,
    ) -> Result<(), Failure> {
        let mut line = if self.json {
            serde_json::to_string(value).map_err(io::Error::from)?
        } else {
            render(&self.text, value)
        };
        if !line.ends_with('\n') {
            line.push('\n');
        }
        let mut stdout = io::stdout().lock();
        stdout.write_all(line.as_bytes())?;
        Ok(stdout.flush()?)
    }

    /// Says `sentence` on standard error, which is nothing for a reader of JSON.
    pub(crate) fn tell(&self, sentence: &str) -> Result<(), Failure> {
        if !self.json {
            writeln!(io::stderr(), "{sentence}")?;
        }
        Ok(())
    }

    /// Says on standard error why the command came to nothing. A reader that
    /// closed standard output knows that it did, and is told nothing.
    pub(crate) fn failure(&self, failure: &Failure) {
        if matches!(failure, Failure::Io(error) if error.kind() == io::ErrorKind::BrokenPipe) {
            return;
        }
        let sentence = failure.sentence(self.text.catalogue());
        let line = if self.json {
            serde_json::json!({ "error": failure.name(), "message": sentence }).to_string()
        } else {
            format!("sesshoku: {sentence}")
        };
        // Nothing can be said where standard error is closed as well.
        let _ = writeln!(io::stderr(), "{line}");
    }

    /// Shows `explanation` and asks `question` on the terminal. What is asked goes
    /// to standard error, so that standard output holds the result alone.
    pub(crate) fn ask(&self, explanation: &str, question: &str) -> Result<(), Failure> {
        if !can_ask() {
            return Err(Failure::NotATerminal);
        }
        if is_yes(&read_line(&format!("{explanation}\n\n{question}"))?) {
            Ok(())
        } else {
            Err(Failure::Declined)
        }
    }

    /// Shows a long `text` on the terminal, to be read before a question.
    pub(crate) fn read_out(&self, text: &str) -> Result<(), Failure> {
        if !can_ask() {
            return Err(Failure::NotATerminal);
        }
        if io::stderr().is_terminal() {
            Ok(pager::show(text)?)
        } else {
            Ok(writeln!(io::stderr(), "{text}")?)
        }
    }

    /// Says something on the terminal that is no result.
    pub(crate) fn note(&self, sentence: &str) -> Result<(), Failure> {
        Ok(writeln!(io::stderr(), "{sentence}")?)
    }
}

/// Whether there is somebody to ask.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal()
}

/// Asks `question` on the terminal and returns the line that is typed. The end instead
/// of a line is a no to everything.
pub(crate) fn read_line(question: &str) -> Result<Zeroizing<String>, Failure> {
    let mut stderr = io::stderr();
    write!(stderr, "{question} ")?;
    stderr.flush()?;
    let mut answer = Zeroizing::new(String::with_capacity(256));
    if io::stdin().read_line(&mut answer)? == 0 {
        return Err(Failure::Declined);
    }
    Ok(answer)
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "はい")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_a_yes() {
        for yes in ["y\n", "Y\n", " yes \n", "はい\n"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "n\n", "yy\n", "いいえ\n"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
