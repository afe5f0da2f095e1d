//! A fake `org.bluez` on a bus: bluetoothd, the kernel below it and the controller, as
//! far as the daemon can tell.
//!
//! It behaves as was measured on the real ones, on what it does as on what it gets
//! wrong: an advert is on the air from a fresh address and, while the adapter is
//! discoverable or takes connections, from the public one; a legacy controller refuses
//! an advert while it scans, and writes a second one over the first; discovery reports a
//! device once for each start of the scan unless a monitor lifts that; a killed
//! bluetoothd leaves its adverts on the air. The User-Mode Linux tier stays the judge:
//! [`crate::conduct`] is one scenario that has to come out the same in both.
//!
//! It is for tests of the daemon in moments, and, as the program `sesshoku-fake-bluez`,
//! for machines without Bluetooth.

mod instruction;
mod machine;

use std::sync::mpsc as sync;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use zbus::fdo::DBusProxy;
use zbus::message::{Message, Type};
use zbus::{Connection, MatchRule, MessageStream};

use crate::local::DEADLINE;
use instruction::{Instruction, Process};
use machine::{Answered, Ask, Machine};

pub use instruction::NotAnInstruction;

/// The adapter that is plugged in at the start.
///
/// Its number is one that hardly a machine's own adapter has, so that a kernel with
/// Bluetooth says nothing about it when the daemon asks; and one of those the daemon
/// watches for.
pub const ADAPTER: &str = "hci14";

/// What kind of machine it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct Options {
    /// Controllers do extended advertising.
    #[arg(long)]
    pub extended: bool,
    /// As `bluetoothd --experimental`: with advertisement monitors.
    #[arg(long)]
    pub experimental: bool,
    /// As bluetoothd before 5.79, which does not tell whether connections are taken.
    #[arg(long)]
    pub old: bool,
}

/// A stretch of time in which an advert was on the air.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The adapter.
    pub adapter: String,
    /// The address it came from, most significant byte first.
    pub address: [u8; 6],
    /// Whether that is the adapter's own.
    pub is_public: bool,
    /// Whether it could be connected to.
    pub is_connectable: bool,
    /// The service data of 0xFD6F in it; empty where it has none.
    pub data: Vec<u8>,
    /// Whether it is on the air still.
    pub is_on_air: bool,
}

/// A running fake; it ends when this is dropped.
#[derive(Debug)]
pub struct FakeBluez {
    requests: Option<mpsc::UnboundedSender<Request>>,
    thread: Option<JoinHandle<Result<()>>>,
}

enum Request {
    Tell(Instruction, sync::Sender<()>),
    Air(sync::Sender<Vec<Sent>>),
}

impl FakeBluez {
    /// Starts it on the bus at `address`, and waits until it has its name.
    ///
    /// # Errors
    /// When the bus does not let it.
    pub fn start(address: &str, options: Options) -> Result<Self> {
        let (requests, requested) = mpsc::unbounded_channel();
        let (ready, is_ready) = sync::channel();
        let address = address.to_owned();
        let thread = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?
                .block_on(run(&address, options, requested, ready))
        });
        let mut fake = Self {
            requests: Some(requests),
            thread: Some(thread),
        };
        match is_ready.recv_timeout(DEADLINE) {
            Ok(()) => Ok(fake),
            Err(_) => Err(fake
                .end()
                .err()
                .unwrap_or_else(|| anyhow!("it did not start in time"))),
        }
    }

    /// Gives it an instruction, such as `powered off`, and waits until it is done.
    ///
    /// # Errors
    /// When it is no instruction, or the fake has ended.
    pub fn tell(&self, instruction: &str) -> Result<()> {
        let instruction = instruction.parse::<Instruction>()?;
        self.ask(|reply| Request::Tell(instruction, reply))
    }

    /// What has been on the air, in the order in which it came.
    ///
    /// # Errors
    /// When the fake has ended.
    pub fn air(&self) -> Result<Vec<Sent>> {
        self.ask(Request::Air)
    }

    fn ask<T>(&self, request: impl FnOnce(sync::Sender<T>) -> Request) -> Result<T> {
        let (reply, answer) = sync::channel();
        let requests = self.requests.as_ref().context("the fake has ended")?;
        let sent = requests.send(request(reply));
        ensure!(sent.is_ok(), "the fake has ended");
        Ok(answer.recv_timeout(DEADLINE)?)
    }

    fn end(&mut self) -> Result<()> {
        self.requests = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err(anyhow!("the fake panicked")),
            None => Ok(()),
        }
    }
}

impl Drop for FakeBluez {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// bluetoothd's connection to the bus, as long as it runs.
struct Running {
    connection: Connection,
    messages: MessageStream,
}

impl Running {
    async fn start(address: &str) -> Result<Self> {
        let connection = zbus::connection::Builder::address(address).build().await?;
        let messages = MessageStream::from(&connection);
        let dbus = DBusProxy::new(&connection).await?;
        let signal = || MatchRule::builder().msg_type(Type::Signal);
        // Whoever leaves the bus takes what it registered along.
        let leaving = signal().member("NameOwnerChanged");
        dbus.add_match_rule(leaving.build()?).await?;
        let monitors = signal().interface(machine::OBJECT_MANAGER);
        dbus.add_match_rule(monitors.build()?).await?;
        Ok(Self {
            connection,
            messages,
        })
    }
}

async fn run(
    address: &str,
    options: Options,
    mut requests: mpsc::UnboundedReceiver<Request>,
    ready: sync::Sender<()>,
) -> Result<()> {
    let mut machine = Machine::new(options);
    let (answers, mut answered) = mpsc::unbounded_channel();
    let mut bluetoothd = Some(start(address, &mut machine).await?);
    let mut is_stopped = false;
    let _ = ready.send(());
    loop {
        if let Some(running) = bluetoothd.as_ref().filter(|_| !is_stopped) {
            for message in machine.outbox() {
                running.connection.send(&message).await?;
            }
            for ask in machine.asks() {
                tokio::spawn(put(running.connection.clone(), ask, answers.clone()));
            }
        }
        let works = bluetoothd.as_mut().filter(|_| !is_stopped);
        let due = machine.next_due();
        tokio::select! {
            request = requests.recv() => match request {
                None => return Ok(()),
                Some(Request::Air(reply)) => drop(reply.send(machine.air())),
                Some(Request::Tell(instruction, reply)) => {
                    match instruction {
                        Instruction::Change(change) => machine.change(change, Instant::now()),
                        Instruction::Process(Process::Stop) => is_stopped = true,
                        Instruction::Process(Process::Continue) => is_stopped = false,
                        Instruction::Process(Process::Start) => {
                            if bluetoothd.is_none() {
                                bluetoothd = Some(start(address, &mut machine).await?);
                            }
                        }
                        Instruction::Process(how @ (Process::Kill | Process::End)) => {
                            machine.bluetoothd_ends(how == Process::Kill);
                            is_stopped = false;
                            if let Some(running) = bluetoothd.take() {
                                running.connection.close().await?;
                            }
                        }
                    }
                    let _ = reply.send(());
                }
            },
            message = next(works) => {
                let message = message.context("the bus is gone")?;
                machine.receive(&message, Instant::now());
            }
            Some(answer) = answered.recv() => machine.answered(answer, Instant::now()),
            () = tokio::time::sleep_until(due.unwrap_or_else(far)), if due.is_some() => {
                machine.pass(Instant::now());
            }
        }
    }
}

async fn start(address: &str, machine: &mut Machine) -> Result<Running> {
    let running = Running::start(address).await?;
    machine.bluetoothd_starts();
    running.connection.request_name(machine::BLUEZ).await?;
    Ok(running)
}

async fn next(running: Option<&mut Running>) -> Option<Message> {
    match running {
        Some(running) => running.messages.next().await?.ok(),
        None => std::future::pending().await,
    }
}

/// Asks a client something, and reports what it answered.
async fn put(connection: Connection, ask: Ask, answers: mpsc::UnboundedSender<Answered>) {
    let Ask {
        client,
        path,
        interface,
        method,
        argument,
        purpose,
    } = ask;
    let to = Some(client.as_str());
    let answer = match argument {
        Some(argument) => {
            let body = (argument,);
            connection
                .call_method(to, path.as_str(), Some(interface), method, &body)
                .await
        }
        None => {
            connection
                .call_method(to, path.as_str(), Some(interface), method, &())
                .await
        }
    };
    let _ = answers.send(Answered {
        client,
        purpose,
        answer: answer.ok(),
    });
}

fn far() -> Instant {
    Instant::now() + Duration::from_secs(3_600)
}
