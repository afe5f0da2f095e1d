//! The Unix socket on which instructions come in.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// The listening socket and those who connected to it.
#[derive(Debug)]
pub(crate) struct Control {
    listener: UnixListener,
    clients: BTreeMap<ClientId, Client>,
    next_id: u64,
}

/// Who said a line, to be given the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClientId(u64);

/// What can become readable here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Somebody connects.
    Listener,
    /// Somebody connected says something, or goes.
    Client(ClientId),
}

#[derive(Debug)]
struct Client {
    stream: UnixStream,
    /// What came of a line that is not complete yet.
    partial: Vec<u8>,
}

impl Control {
    /// Listens on a new socket at `path`.
    pub(crate) fn listen(path: &Path) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            clients: BTreeMap::new(),
            next_id: 0,
        })
    }

    /// What to wait for.
    pub(crate) fn fds(&self) -> impl Iterator<Item = (Source, BorrowedFd<'_>)> {
        let clients = self.clients.iter();
        let clients = clients.map(|(id, client)| (Source::Client(*id), client.stream.as_fd()));
        std::iter::once((Source::Listener, self.listener.as_fd())).chain(clients)
    }

    /// The lines that came in, when `source` can be read.
    pub(crate) fn lines(&mut self, source: Source) -> io::Result<Vec<(ClientId, String)>> {
        let id = match source {
            Source::Listener => {
                self.accept()?;
                return Ok(Vec::new());
            }
            Source::Client(id) => id,
        };
        let Some(client) = self.clients.get_mut(&id) else {
            return Ok(Vec::new());
        };
        let is_open = client.read();
        let lines = client.take_lines().map(|line| (id, line)).collect();
        if !is_open {
            self.clients.remove(&id);
        }
        Ok(lines)
    }

    /// Answers a line. Whoever does not wait for the answer does not get it.
    pub(crate) fn answer(&mut self, id: ClientId, answer: &str) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        if writeln!(client.stream, "{answer}").is_err() {
            self.clients.remove(&id);
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        match self.listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(true)?;
                let client = Client {
                    stream,
                    partial: Vec::new(),
                };
                self.clients.insert(ClientId(self.next_id), client);
                self.next_id += 1;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Client {
    /// Reads what is there; whether the other side is still open.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(len) => self.partial.extend(&buffer[..len]),
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
    }

    fn take_lines(&mut self) -> impl Iterator<Item = String> + use<> {
        let end = self.partial.iter().rposition(|byte| *byte == b'\n');
        let rest = self.partial.split_off(end.map_or(0, |end| end + 1));
        let complete = std::mem::replace(&mut self.partial, rest);
        let lines: Vec<String> = String::from_utf8_lossy(&complete)
            .lines()
            .map(str::to_owned)
            .collect();
        lines.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};

    use super::*;

    #[test]
    fn lines_are_taken_when_complete_and_answered() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control");
        let mut control = Control::listen(&path).unwrap();
        let mut client = UnixStream::connect(&path).unwrap();
        assert_eq!(control.lines(Source::Listener).unwrap(), []);
        let (source, _) = control.fds().last().unwrap();
        client.write_all(b"stats\nnoph").unwrap();
        let lines = control.lines(source).unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].1, "stats");
        client.write_all(b"ones\n").unwrap();
        let lines = control.lines(source).unwrap();
        assert_eq!(lines[0].1, "nophones");
        control.answer(lines[0].0, "ok");
        let mut answer = String::new();
        BufReader::new(&client).read_line(&mut answer).unwrap();
        assert_eq!(answer, "ok\n");
        drop(client);
        assert_eq!(control.lines(source).unwrap(), []);
        assert_eq!(control.fds().count(), 1);
    }
}
