//! The room: controllers, phones and the channel between them.
//!
//! This is the whole emulator without its file descriptors. The event loop gives
//! it the kernel's commands, the script's instructions and the time, and takes the
//! packets for the kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use gaen::time::UnixSeconds;
use serde::Serialize;

use crate::Moment;
use crate::address::Address;
use crate::advertising::Transmission;
use crate::channel::{Channel, Level, Node};
use crate::controller::{Controller, Model};
use crate::hci::Status;
use crate::hci::event::Packet;
use crate::hci::opcode::Opcode;
use crate::log::{Event, Heard, Log};
use crate::pdu::{Pdu, PduKind};
use crate::phone::{Device, PhoneSettings};
use crate::random::Random;

/// How the two clocks relate: the wall clock is the monotonic one plus this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallClock {
    /// Microseconds from 1970 to the zero of the monotonic clock.
    pub offset_us: u64,
}

impl WallClock {
    /// The wall clock at `at`, in microseconds.
    pub fn unix_us(self, at: Moment) -> u64 {
        self.offset_us
            .saturating_add(u64::try_from(at.as_micros()).unwrap_or(u64::MAX))
    }

    fn seconds(self, at: Moment) -> UnixSeconds {
        let seconds = u32::try_from(self.unix_us(at) / 1_000_000);
        UnixSeconds::new(seconds.unwrap_or(u32::MAX))
    }
}

/// The room.
#[derive(Debug)]
pub struct Room<W: Write> {
    controllers: BTreeMap<usize, Controller>,
    devices: BTreeMap<String, Device>,
    /// When each of them next sends.
    due: BTreeSet<(Moment, String)>,
    /// Whether the devices rest, because it makes no difference to anybody.
    resting: bool,
    channel: Channel,
    random: Random,
    wall: WallClock,
    log: Log<W>,
    counters: Counters,
}

/// What the room counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// PDUs that went on the air; with a thinned log, of phones and beacons only
    /// those that somebody could have listened to.
    pub pdus: u64,
    /// Reports of PDUs to a kernel.
    pub reports: u64,
    /// Commands that were refused.
    pub refused: u64,
}

impl<W: Write> Room<W> {
    /// An empty room; what happens in it is written to `log`.
    pub fn new(
        channel: Channel,
        random: Random,
        wall: WallClock,
        mut log: Log<W>,
        now: Moment,
    ) -> io::Result<Self> {
        let unix_us = wall.unix_us(now);
        log.write(now, Event::Start { unix_us })?;
        Ok(Self {
            controllers: BTreeMap::new(),
            devices: BTreeMap::new(),
            due: BTreeSet::new(),
            resting: false,
            channel,
            random,
            wall,
            log,
            counters: Counters::default(),
        })
    }

    /// A controller is put in at `place`, as hci`hci`.
    pub fn plug(&mut self, place: usize, hci: u16, model: Model, now: Moment) -> io::Result<()> {
        let controller = Controller::new(model, identity(place));
        let event = Event::Plugged {
            controller: place,
            hci,
            identity: controller.identity(),
            model,
        };
        self.controllers.insert(place, controller);
        self.log.write(now, event)
    }

    /// The controller at `place` is pulled out.
    pub fn unplug(&mut self, place: usize, now: Moment) -> io::Result<()> {
        self.controllers.remove(&place);
        self.log.write(now, Event::Unplugged { controller: place })
    }

    /// The kernel sent a command to the controller at `place`.
    pub fn execute(
        &mut self,
        place: usize,
        opcode: Opcode,
        parameters: &[u8],
        now: Moment,
    ) -> io::Result<()> {
        let Some(controller) = self.controllers.get_mut(&place) else {
            return Ok(());
        };
        let answered = controller.execute(opcode, parameters, now, &mut self.random);
        let command = answered
            .command
            .filter(crate::hci::command::Command::shapes_the_air);
        if answered.status != Status::Success {
            self.counters.refused += 1;
        } else if command.is_none() {
            return Ok(());
        }
        let event = Event::Command {
            controller: place,
            name: opcode.to_string(),
            status: answered.status,
            command,
        };
        self.log.write(now, event)
    }

    /// A phone comes in; one of the same name leaves.
    pub fn add_phone(&mut self, name: String, settings: PhoneSettings, rssi: i8, now: Moment) {
        let offset = self.random.time_below(settings.interval);
        let phone = Device::phone(settings, now + offset);
        self.add_device(name, phone, rssi);
    }

    /// Something that always sends the same comes in.
    pub fn add_beacon(
        &mut self,
        name: String,
        transmission: Transmission,
        interval: Moment,
        rssi: i8,
        now: Moment,
    ) {
        let offset = self.random.time_below(interval);
        let beacon = Device::beacon(transmission, interval, now + offset);
        self.add_device(name, beacon, rssi);
    }

    /// A phone or beacon leaves; whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        self.channel.forget(&Node::Phone(name.to_owned()));
        let Some(device) = self.devices.remove(name) else {
            return false;
        };
        self.due.remove(&(device.deadline(), name.to_owned()));
        true
    }

    /// All phones and beacons leave.
    pub fn remove_all(&mut self) {
        self.due.clear();
        for name in std::mem::take(&mut self.devices).into_keys() {
            self.channel.forget(&Node::Phone(name));
        }
    }

    /// From now on `from` arrives with `level`, at one controller or everywhere.
    pub fn set_level(&mut self, from: Node, to: Option<usize>, level: Level) {
        match to {
            Some(to) => self.channel.set_path(from, to, level),
            None => self.channel.set_everywhere(from, level),
        }
    }

    /// Writes down an instruction.
    pub fn note(&mut self, line: &str, now: Moment) -> io::Result<()> {
        let line = line.to_owned();
        self.log.write(now, Event::Instruction { line })
    }

    /// The counters so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// When something next happens by itself.
    pub fn deadline(&self) -> Option<Moment> {
        let controllers = self.controllers.values().filter_map(Controller::deadline);
        let device = self.due.first().map(|(at, _)| *at);
        let device = device.filter(|_| !self.may_rest());
        controllers.chain(device).min()
    }

    /// Does everything that is due.
    pub fn step(&mut self, now: Moment) -> io::Result<()> {
        let mut sent = Vec::new();
        for (place, controller) in &mut self.controllers {
            for transmission in controller.step(now, &mut self.random) {
                sent.push((Node::Controller(*place), transmission));
            }
        }
        let rests = self.may_rest();
        let rested = std::mem::replace(&mut self.resting, rests);
        if !rests {
            if rested {
                self.resume_devices(now);
            }
            self.step_devices(now, &mut sent)?;
        }
        for (from, transmission) in sent {
            self.transmit(&from, transmission, now)?;
        }
        Ok(())
    }

    /// Whether what phones and beacons send reaches nobody, not even the log. Then
    /// a crowd costs nothing while nobody listens.
    fn may_rest(&self) -> bool {
        self.log.is_thinned() && !self.controllers.values().any(Controller::is_scanning)
    }

    /// Has all go on that rested, each at a point of its interval that is random
    /// again.
    fn resume_devices(&mut self, now: Moment) {
        self.due.clear();
        for (name, device) in &mut self.devices {
            device.resume(now, &mut self.random);
            self.due.insert((device.deadline(), name.clone()));
        }
    }

    fn step_devices(
        &mut self,
        now: Moment,
        sent: &mut Vec<(Node, Transmission)>,
    ) -> io::Result<()> {
        let wall = self.wall.seconds(now);
        while self.due.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, name)) = self.due.pop_first() else {
                break;
            };
            let Some(device) = self.devices.get_mut(&name) else {
                continue;
            };
            let step = device.step(now, wall, &mut self.random);
            if let Some(key) = step.new_key {
                let event = Event::Key {
                    phone: name.clone(),
                    tek: *key.tek.expose_bytes(),
                    rolling_start: key.rolling_start.get(),
                };
                self.log.write(now, event)?;
            }
            let from = Node::Phone(name.clone());
            sent.extend(step.sent.map(|transmission| (from, transmission)));
            self.due.insert((device.deadline(), name));
        }
        Ok(())
    }

    /// The packets for the kernel since the last call, with the places of the
    /// controllers they come from.
    pub fn take_packets(&mut self) -> Vec<(usize, Packet)> {
        let controllers = self.controllers.iter_mut();
        controllers
            .flat_map(|(place, controller)| {
                let packets = controller.take_packets();
                packets.into_iter().map(|packet| (*place, packet))
            })
            .collect()
    }

    /// Hands over the log's lines so far.
    pub fn flush(&mut self) -> io::Result<()> {
        self.log.flush()
    }

    /// Whether all of the log's lines so far were handed over.
    pub fn is_flushed(&self) -> bool {
        self.log.is_flushed()
    }

    fn add_device(&mut self, name: String, device: Device, rssi: i8) {
        let node = Node::Phone(name.clone());
        self.channel.set_everywhere(node, Level::Rssi(rssi));
        let at = device.deadline();
        if let Some(before) = self.devices.insert(name.clone(), device) {
            self.due.remove(&(before.deadline(), name.clone()));
        }
        self.due.insert((at, name));
    }

    /// Puts a PDU on the air, then what active scanners make of it.
    fn transmit(&mut self, from: &Node, sent: Transmission, now: Moment) -> io::Result<()> {
        let advert = sent.pdu.kind;
        let response = Pdu {
            kind: PduKind::ScanRsp,
            data: sent.scan_response,
            ..sent.pdu
        };
        let mut heard = Vec::new();
        let mut requests = Vec::new();
        for (&place, controller) in &mut self.controllers {
            if *from == Node::Controller(place) {
                continue;
            }
            let Some(rssi) = self.channel.rssi(from, place, &mut self.random) else {
                continue;
            };
            let hearing = controller.hear(&sent.pdu, None, rssi, now);
            if hearing.reported {
                heard.push(Heard { by: place, rssi });
            }
            requests.extend(hearing.request.map(|request| (place, request)));
        }
        self.put(from.clone(), sent.pdu, heard, now)?;
        for (place, request) in requests {
            self.put(Node::Controller(place), request, Vec::new(), now)?;
            let mut heard = Vec::new();
            let rssi = self.channel.rssi(from, place, &mut self.random);
            if let (Some(rssi), Some(asker)) = (rssi, self.controllers.get_mut(&place))
                && asker.hear(&response, Some(advert), rssi, now).reported
            {
                heard.push(Heard { by: place, rssi });
            }
            self.put(from.clone(), response.clone(), heard, now)?;
        }
        Ok(())
    }

    fn put(&mut self, from: Node, pdu: Pdu, heard: Vec<Heard>, now: Moment) -> io::Result<()> {
        self.counters.pdus += 1;
        self.counters.reports += u64::try_from(heard.len()).unwrap_or(u64::MAX);
        self.log.write(now, Event::Pdu { from, pdu, heard })
    }
}

/// The public address of the controller at `place`.
pub fn identity(place: usize) -> Address {
    let [.., high, low] = place.to_be_bytes();
    Address::new([0x00, 0x1A, 0x7D, 0xDA, high, low])
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;
    use crate::log::Record;

    /// A writer that the test can read while the room writes.
    #[derive(Clone, Default)]
    struct Shared(Rc<RefCell<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// In a thinned log, which is for hours on the air.
    #[test]
    fn phones_rest_while_nobody_listens() {
        let mut bench = Bench::with_log(1, |log| log.thinned(true));
        for name in ["alice", "bob"] {
            let settings = PhoneSettings::default();
            bench.room.add_phone(name.into(), settings, -71, bench.now);
        }
        assert_eq!(bench.room.deadline(), None);
        bench.run_for(Moment::from_secs(3_600));
        bench.scan(0, 0, 0);
        bench.room.step(bench.now).unwrap();
        bench.run_for(Moment::from_secs(10));
        let heard = bench.pdus().len();
        assert!((76..=82).contains(&heard), "{heard}");
        bench.send(0, Opcode::LE_SET_SCAN_ENABLE, &[0, 0]);
        assert_eq!(bench.room.deadline(), None);
        assert!(bench.room.remove("alice"));
        bench.scan(0, 0, 0);
        bench.room.step(bench.now).unwrap();
        bench.run_for(Moment::from_secs(1));
        let pdus = bench.pdus().split_off(heard);
        assert!((3..=5).contains(&pdus.len()), "{pdus:?}");
        assert!(pdus.iter().all(|(from, ..)| from == "bob"));
    }

    struct Bench {
        room: Room<Shared>,
        written: Shared,
        now: Moment,
    }

    impl Bench {
        fn new(controllers: usize) -> Self {
            Self::with_log(controllers, |log| log)
        }

        fn with_log(controllers: usize, adapt: impl FnOnce(Log<Shared>) -> Log<Shared>) -> Self {
            let written = Shared::default();
            let now = Moment::ZERO;
            let wall = WallClock {
                offset_us: 1_600_000_000_000_000,
            };
            let log = adapt(Log::new(written.clone()));
            let mut room = Room::new(Channel::new(0), Random::seeded(1), wall, log, now).unwrap();
            for place in 0..controllers {
                room.plug(place, 0, Model::default(), now).unwrap();
            }
            Self { room, written, now }
        }

        fn send(&mut self, place: usize, opcode: Opcode, parameters: &[u8]) {
            self.room
                .execute(place, opcode, parameters, self.now)
                .unwrap();
        }

        fn scan(&mut self, place: usize, active: u8, own_address: u8) {
            let parameters = [active, 0x10, 0, 0x10, 0, own_address, 0];
            self.send(place, Opcode::LE_SET_SCAN_PARAMETERS, &parameters);
            self.send(place, Opcode::LE_SET_SCAN_ENABLE, &[1, 0]);
        }

        fn run_for(&mut self, time: Moment) {
            let end = self.now + time;
            while let Some(at) = self.room.deadline().filter(|at| *at <= end) {
                self.now = self.now.max(at);
                self.room.step(self.now).unwrap();
            }
            self.now = end;
        }

        fn pdus(&mut self) -> Vec<(String, PduKind, Address, Vec<Heard>)> {
            self.room.flush().unwrap();
            let text = String::from_utf8(self.written.0.borrow().clone()).unwrap();
            let records = text
                .lines()
                .map(|l| serde_json::from_str::<Record>(l).unwrap());
            let mut pdus = Vec::new();
            for record in records {
                if let Event::Pdu { from, pdu, heard } = record.event {
                    pdus.push((from.to_string(), pdu.kind, pdu.address, heard));
                }
            }
            pdus
        }
    }

    #[test]
    fn a_scanner_hears_a_phone_at_its_rssi_every_quarter_second() {
        let mut bench = Bench::new(2);
        bench.scan(0, 0, 0);
        let settings = PhoneSettings::default();
        bench
            .room
            .add_phone("alice".into(), settings, -71, bench.now);
        bench.run_for(Moment::from_secs(10));
        let pdus = bench.pdus();
        assert!((38..=41).contains(&pdus.len()), "{}", pdus.len());
        for (from, _, _, heard) in pdus {
            assert_eq!(from, "alice");
            assert_eq!(heard, [Heard { by: 0, rssi: -71 }], "ctl1 does not scan");
        }
        let level = Level::OutOfRange;
        let alice = Node::Phone("alice".into());
        bench.room.set_level(alice, Some(0), level);
        let before = bench.room.counters();
        bench.run_for(Moment::from_secs(1));
        let after = bench.room.counters();
        assert!(after.pdus > before.pdus);
        assert_eq!(after.reports, before.reports);
        assert!(bench.room.remove("alice"));
        assert_eq!(bench.room.deadline(), None);
    }

    #[test]
    fn a_controller_hears_the_others_and_not_itself() {
        let mut bench = Bench::new(2);
        bench.scan(0, 0, 0);
        bench.scan(1, 0, 0);
        bench.send(0, Opcode::LE_SET_ADVERTISING_ENABLE, &[1]);
        bench.run_for(Moment::from_millis(100));
        let pdus = bench.pdus();
        let heard = vec![Heard { by: 1, rssi: -60 }];
        assert_eq!(pdus, [("ctl0".into(), PduKind::AdvInd, identity(0), heard)]);
    }

    /// What "nothing goes out from the identity address" has to notice besides
    /// adverts.
    #[test]
    fn an_active_scanner_is_on_the_air_too() {
        let mut bench = Bench::new(1);
        bench.scan(0, 1, 0);
        let beacon = "beacon b data=020106 interval=1000 scan_response=0209";
        let Ok(crate::script::Instruction::Beacon {
            name,
            transmission,
            interval,
            rssi,
        }) = beacon.parse()
        else {
            panic!("it is a beacon");
        };
        let room = &mut bench.room;
        room.add_beacon(name, transmission, interval, rssi, bench.now);
        bench.run_for(Moment::from_secs(1));
        let kinds: Vec<_> = bench
            .pdus()
            .into_iter()
            .map(|(from, kind, address, heard)| (from, kind, address == identity(0), heard.len()))
            .collect();
        assert_eq!(
            kinds,
            [
                ("b".into(), PduKind::AdvInd, false, 1),
                ("ctl0".into(), PduKind::ScanReq, true, 0),
                ("b".into(), PduKind::ScanRsp, false, 1),
            ]
        );
    }

    #[test]
    fn an_unplugged_controller_is_gone() {
        let mut bench = Bench::new(1);
        bench.send(0, Opcode::LE_SET_ADVERTISING_ENABLE, &[1]);
        bench.room.unplug(0, bench.now).unwrap();
        bench.run_for(Moment::from_secs(5));
        assert_eq!(bench.pdus(), []);
        assert_eq!(bench.room.take_packets(), []);
    }
}
