//! Taking part in a room that a [`crate::hub`] hosts.

use std::io::{self, BufRead, Write};
use std::path::Path;
use std::time::Duration;

use gaen::advert::ServiceData;
use gaen::time::UnixSeconds;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use crate::protocol::{Event, OnAir, Request};
use crate::world::{Adapter, Happening};

/// One who takes part. Time stands still in the room except while
/// [`Client::next`] is waiting.
#[derive(Debug)]
pub struct Client {
    lines: Lines<BufReader<OwnedReadHalf>>,
    requests: mpsc::UnboundedSender<Request>,
    start: UnixSeconds,
    now: Duration,
    /// A wait was sent that is not answered yet.
    outstanding: bool,
}

/// Why one cannot take part, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The socket failed.
    #[error("the room's socket failed")]
    Io(#[from] io::Error),
    /// The hub has ended.
    #[error("the room is closed")]
    Closed,
    /// It said something that makes no sense.
    #[error("the room's answer makes no sense")]
    Answer(#[source] serde_json::Error),
    /// It said something at the wrong time.
    #[error("the room answered what was not asked")]
    OutOfTurn,
    /// It does not let one in.
    #[error("the room refused: {0}")]
    Refused(String),
}

impl Client {
    /// Joins the room at `socket` as the scenario's device `name`, or, without one,
    /// to follow the time.
    ///
    /// # Errors
    /// [`ClientError`], among them that there is no such device.
    pub async fn join(socket: &Path, name: Option<&str>) -> Result<Self, ClientError> {
        let (read, write) = UnixStream::connect(socket).await?.into_split();
        let (requests, outgoing) = mpsc::unbounded_channel();
        tokio::spawn(send_all(write, outgoing));
        let mut client = Self {
            lines: BufReader::new(read).lines(),
            requests,
            start: UnixSeconds::new(0),
            now: Duration::ZERO,
            outstanding: false,
        };
        client.say(Request::Join(name.map(str::to_owned)));
        match client.receive().await? {
            Event::Welcome { start, now } => {
                client.start = UnixSeconds::new(start);
                client.now = Duration::from_micros(now);
                Ok(client)
            }
            Event::Refused(why) => Err(ClientError::Refused(why)),
            Event::Passed(_) | Event::Heard(..) | Event::Adapter(_) | Event::Held | Event::Done => {
                Err(ClientError::OutOfTurn)
            }
        }
    }

    /// Time since the room's start.
    pub const fn now(&self) -> Duration {
        self.now
    }

    /// The wall clock at the room's start.
    pub const fn start(&self) -> UnixSeconds {
        self.start
    }

    /// Broadcasts this from now on, or nothing.
    pub fn broadcast(&self, data: Option<ServiceData>) {
        self.say(Request::Broadcast(data.map(OnAir)));
    }

    /// Hears adverts from now on, or none.
    pub fn listen(&self, listening: bool) {
        self.say(Request::Listen(listening));
    }

    /// Lets time go on until `until` (since the room's start), or without end, or
    /// until something is heard. Cancel-safe: given up, it holds the time again, and
    /// what happened all the same comes next.
    ///
    /// # Errors
    /// [`ClientError`] when the room is gone.
    pub async fn next(&mut self, until: Option<Duration>) -> Result<Happening, ClientError> {
        loop {
            // An earlier wait that was given up is answered first.
            if !self.outstanding {
                self.say(Request::Wait(until.map(micros_up)));
                self.outstanding = true;
            }
            let mut hold_again = HoldAgain(Some(self.requests.clone()));
            let event = self.receive().await?;
            hold_again.0 = None;
            self.outstanding = false;
            match event {
                Event::Held => {}
                Event::Passed(now) => {
                    self.now = Duration::from_micros(now);
                    return Ok(Happening::TimePassed);
                }
                Event::Heard(now, adverts) => {
                    self.now = Duration::from_micros(now);
                    let adverts = adverts.into_iter().map(|(OnAir(data), rssi)| (data, rssi));
                    return Ok(Happening::Heard(adverts.collect()));
                }
                Event::Adapter(adapter) => return Ok(Happening::Adapter(adapter)),
                Event::Welcome { .. } | Event::Done | Event::Refused(_) => {
                    return Err(ClientError::OutOfTurn);
                }
            }
        }
    }

    fn say(&self, request: Request) {
        // Whoever cannot be told any more is noticed when its answer is waited for.
        let _ = self.requests.send(request);
    }

    async fn receive(&mut self) -> Result<Event, ClientError> {
        let line = self.lines.next_line().await?.ok_or(ClientError::Closed)?;
        serde_json::from_str(&line).map_err(ClientError::Answer)
    }
}

/// Gives the device `name` of the room at `socket` an adapter like this, as its user
/// does with a switch. The device hears of it at once; time does not pass for it.
///
/// # Errors
/// [`ClientError`], among them that no such device is in the room.
pub fn set_adapter(socket: &Path, name: &str, adapter: Adapter) -> Result<(), ClientError> {
    let request = Request::SetAdapter(name.to_owned(), adapter);
    let mut line = serde_json::to_vec(&request).map_err(ClientError::Answer)?;
    line.push(b'\n');
    let mut stream = std::os::unix::net::UnixStream::connect(socket)?;
    stream.write_all(&line)?;
    let mut answer = String::new();
    io::BufReader::new(stream).read_line(&mut answer)?;
    if answer.is_empty() {
        return Err(ClientError::Closed);
    }
    match serde_json::from_str(&answer).map_err(ClientError::Answer)? {
        Event::Done => Ok(()),
        Event::Refused(why) => Err(ClientError::Refused(why)),
        Event::Welcome { .. }
        | Event::Passed(_)
        | Event::Heard(..)
        | Event::Adapter(_)
        | Event::Held => Err(ClientError::OutOfTurn),
    }
}

/// A time in microseconds, rounded up: whoever waits for it is not woken too early,
/// to wait for it again without end.
fn micros_up(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX)
}

/// Holds the time again when a wait is given up.
struct HoldAgain(Option<mpsc::UnboundedSender<Request>>);

impl Drop for HoldAgain {
    fn drop(&mut self) {
        if let Some(requests) = &self.0 {
            let _ = requests.send(Request::Hold);
        }
    }
}

async fn send_all(mut write: OwnedWriteHalf, mut outgoing: mpsc::UnboundedReceiver<Request>) {
    while let Some(request) = outgoing.recv().await {
        let Ok(mut line) = serde_json::to_vec(&request) else {
            return;
        };
        line.push(b'\n');
        if write.write_all(&line).await.is_err() {
            return;
        }
    }
}
