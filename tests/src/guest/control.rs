//! The emulator's socket, from the scenario's side.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Result, bail};

use crate::local::DEADLINE;

/// A connection to the emulator.
#[derive(Debug)]
pub(super) struct Control(BufReader<UnixStream>);

impl Control {
    pub(super) fn connect(path: &Path) -> Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Gives an instruction and returns what the answer says after `ok`.
    pub(super) fn instruct(&mut self, instruction: &str) -> Result<String> {
        writeln!(self.0.get_mut(), "{instruction}")?;
        let mut answer = String::new();
        self.0.read_line(&mut answer)?;
        match answer.trim().strip_prefix("ok") {
            Some(rest) => Ok(rest.trim_start().to_owned()),
            None => bail!(
                "the emulator does not do {instruction:?}: {}",
                answer.trim()
            ),
        }
    }
}
