//! The emulator as a program: the event loop around [`air::room::Room`].
//!
//! It ends when the script says `quit`. Needs a kernel with `CONFIG_BT_HCIVHCI` and
//! the right to open `/dev/vhci`.
#![forbid(unsafe_code)]

mod control;
mod vhci;

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::PathBuf;

use air::Moment;
use air::channel::Channel;
use air::controller::Model;
use air::log::Log;
use air::random::Random;
use air::room::{Room, WallClock};
use air::script::Instruction;
use anyhow::{Context, Result, bail};
use clap::Parser;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

use control::Control;
use vhci::{FromKernel, Vhci};

/// Emulates LE controllers on /dev/vhci and scripted phones on one radio channel.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// How many controllers to put in at the start
    #[arg(long, default_value_t = 1)]
    controllers: usize,
    /// Controllers that speak BR/EDR beside LE
    #[arg(long)]
    dual_mode: bool,
    /// Controllers that speak BR/EDR alone
    #[arg(long)]
    classic: bool,
    /// Controllers with LE extended advertising
    #[arg(long)]
    extended: bool,
    /// How far the RSSI of one PDU may lie from what is set, in dB
    #[arg(long, default_value_t = 0)]
    jitter: u8,
    /// Leave out of the log what nobody hears and only repeats what it says
    #[arg(long)]
    thin: bool,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to write the log
    #[arg(long)]
    log: PathBuf,
    /// The Unix socket on which to listen for instructions
    #[arg(long)]
    control: PathBuf,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let model = Model {
        dual_mode: options.dual_mode,
        extended: options.extended,
        classic: options.classic,
    };
    let log = File::create(&options.log)
        .with_context(|| format!("cannot write {}", options.log.display()))?;
    let monotonic = clock(ClockId::CLOCK_MONOTONIC)?;
    let wall = WallClock {
        offset_us: u64::try_from((clock(ClockId::CLOCK_REALTIME)? - monotonic).as_micros())?,
    };
    let channel = Channel::new(options.jitter);
    let random = Random::seeded(options.seed);
    let log = Log::new(log).thinned(options.thin);
    let room = Room::new(channel, random, wall, log, monotonic)?;
    let control = Control::listen(&options.control)
        .with_context(|| format!("cannot listen on {}", options.control.display()))?;
    let mut air = Air {
        room,
        model,
        plugs: BTreeMap::new(),
        control,
        flush_at: None,
    };
    for place in 0..options.controllers {
        air.plug(place)?;
    }
    while air.turn()? {}
    air.room.flush()?;
    Ok(())
}

/// The room and the file descriptors it talks through.
struct Air {
    room: Room<File>,
    model: Model,
    plugs: BTreeMap<usize, Vhci>,
    control: Control,
    /// When the log is next handed over, if there is something new in it. A system
    /// call for each line would make simulated hours long.
    flush_at: Option<Moment>,
}

/// A file descriptor that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ready {
    Control(control::Source),
    Plug(usize),
}

impl Air {
    /// Waits for the next thing to happen and deals with it. False at the end.
    fn turn(&mut self) -> Result<bool> {
        let ready = self.wait()?;
        let now = clock(ClockId::CLOCK_MONOTONIC)?;
        for source in ready {
            match source {
                Ready::Plug(place) => self.receive(place, now)?,
                Ready::Control(source) => {
                    if !self.listen(source, now)? {
                        return Ok(false);
                    }
                }
            }
        }
        self.room.step(now)?;
        self.deliver()?;
        self.flush_in_time(now)?;
        Ok(true)
    }

    /// Sleeps until a file descriptor can be read or something is due.
    fn wait(&self) -> Result<Vec<Ready>> {
        let now = clock(ClockId::CLOCK_MONOTONIC)?;
        let deadline = self.room.deadline().into_iter().chain(self.flush_at).min();
        let left = deadline.map(|at| TimeSpec::from(at.saturating_sub(now)));
        let control = self.control.fds();
        let control = control.map(|(source, fd)| (Ready::Control(source), fd));
        let plugs = self.plugs.iter();
        let plugs = plugs.map(|(place, vhci)| (Ready::Plug(*place), vhci.as_fd()));
        let (sources, mut fds): (Vec<Ready>, Vec<PollFd<'_>>) = control
            .chain(plugs)
            .map(|(source, fd)| (source, PollFd::new(fd, PollFlags::POLLIN)))
            .unzip();
        match ppoll(&mut fds, left, None) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error).context("cannot wait"),
        }
        let ready = sources.into_iter().zip(&fds);
        Ok(ready
            .filter(|(_, fd)| fd.any().unwrap_or(true))
            .map(|(source, _)| source)
            .collect())
    }

    /// Takes what the kernel sent to the controller at `place`.
    fn receive(&mut self, place: usize, now: Moment) -> Result<()> {
        let packet = match self.plugs.get_mut(&place) {
            Some(vhci) => vhci.receive()?,
            None => None,
        };
        match packet {
            Some(FromKernel::Created(hci)) => self.room.plug(place, hci, self.model, now)?,
            Some(FromKernel::Command(opcode, parameters)) => {
                self.room.execute(place, opcode, &parameters, now)?;
            }
            Some(FromKernel::Other) | None => {}
        }
        self.deliver()
    }

    /// Does what the script says. False when it is to end.
    fn listen(&mut self, source: control::Source, now: Moment) -> Result<bool> {
        for (client, line) in self.control.lines(source)? {
            let (answer, goes_on) = match self.follow(&line, now) {
                Ok(Some(answer)) => (answer, true),
                Ok(None) => ("ok".to_owned(), false),
                Err(error) => (format!("error {error:#}"), true),
            };
            // Whoever asks sees in the log all that came before the answer.
            self.room.flush()?;
            self.control.answer(client, &answer);
            if !goes_on {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Hands over the log at the latest a second after something was written.
    fn flush_in_time(&mut self, now: Moment) -> Result<()> {
        const LONGEST_DELAY: Moment = Moment::from_secs(1);
        if self.flush_at.is_some_and(|at| at <= now) {
            self.room.flush()?;
        }
        if self.room.is_flushed() {
            self.flush_at = None;
        } else if self.flush_at.is_none() {
            self.flush_at = Some(now + LONGEST_DELAY);
        }
        Ok(())
    }

    /// Gives the kernel what the controllers have for it.
    fn deliver(&mut self) -> Result<()> {
        for (place, packet) in self.room.take_packets() {
            if let Some(vhci) = self.plugs.get_mut(&place) {
                vhci.send(&packet)?;
            }
        }
        Ok(())
    }

    /// Carries out an instruction and returns the answer, or `None` for the last.
    fn follow(&mut self, line: &str, now: Moment) -> Result<Option<String>> {
        let instruction: Instruction = line.parse()?;
        self.room.note(line, now)?;
        match instruction {
            Instruction::Phone {
                name,
                settings,
                rssi,
            } => self.room.add_phone(name, settings, rssi, now),
            Instruction::Phones {
                count,
                settings,
                rssi,
            } => {
                for number in 1..=count {
                    let name = format!("phone{number}");
                    self.room.add_phone(name, settings.clone(), rssi, now);
                }
            }
            Instruction::Beacon {
                name,
                transmission,
                interval,
                rssi,
            } => self
                .room
                .add_beacon(name, transmission, interval, rssi, now),
            Instruction::Remove { name } => {
                if !self.room.remove(&name) {
                    bail!("there is no {name}");
                }
            }
            Instruction::NoPhones => self.room.remove_all(),
            Instruction::Rssi { from, to, level } => self.room.set_level(from, to, level),
            Instruction::Unplug(place) => {
                if self.plugs.remove(&place).is_none() {
                    bail!("no controller is plugged in there");
                }
                self.room.unplug(place, now)?;
            }
            Instruction::Plug(place) => self.plug(place)?,
            // It is in the log already.
            Instruction::Mark => {}
            Instruction::Stats => {
                let counters = serde_json::to_string(&self.room.counters())?;
                return Ok(Some(format!("ok {counters}")));
            }
            Instruction::Quit => return Ok(None),
        }
        Ok(Some("ok".to_owned()))
    }

    fn plug(&mut self, place: usize) -> Result<()> {
        if self.plugs.contains_key(&place) {
            bail!("a controller is plugged in there already");
        }
        let vhci = Vhci::open().context("cannot open /dev/vhci")?;
        self.plugs.insert(place, vhci);
        Ok(())
    }
}

fn clock(id: ClockId) -> Result<Moment> {
    Ok(clock_gettime(id).context("cannot read the clock")?.into())
}
