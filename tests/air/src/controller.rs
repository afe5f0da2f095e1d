//! A controller: commands in, answers and reports out.
//!
//! It refuses what a real controller refuses. That matters most for addresses:
//! which of them may change, and when, is what decides whether an identifier can
//! ever be sent under two addresses.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Moment;
use crate::address::{Address, AddressType};
use crate::advertising::{Advertiser, Step, Transmission, default_parameters};
use crate::hci::Status;
use crate::hci::command::{Command, PeerAddress, SetToEnable};
use crate::hci::event::{
    self, ADVERTISING_REPORT, ADVERTISING_SET_TERMINATED, EXTENDED_ADVERTISING_REPORT,
    EXTENDED_REPORT_DATA_LEN, Packet,
};
use crate::hci::opcode::{self, Of, Opcode};
use crate::pdu::{Pdu, PduKind};
use crate::random::Random;
use crate::scanning::{ReportKind, Scanner};

/// Advertising sets an extended controller has.
pub const ADVERTISING_SETS: u8 = 4;

/// What kind of controller it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Speaks BR/EDR beside LE.
    pub dual_mode: bool,
    /// Has LE extended advertising.
    pub extended: bool,
    /// Speaks BR/EDR alone: it has no LE at all.
    #[serde(default)]
    pub classic: bool,
}

impl Model {
    fn supports(self, of: Of) -> bool {
        match of {
            Of::All => true,
            Of::DualMode => self.dual_mode || self.classic,
            Of::Extended => self.extended,
        }
    }
}

/// A controller.
#[derive(Debug)]
pub struct Controller {
    model: Model,
    identity: Address,
    state: State,
    outbox: Vec<Packet>,
}

/// What a reset takes back to the beginning.
#[derive(Debug)]
struct State {
    le_event_mask: u64,
    /// The family of advertising and scanning commands in use.
    family: Option<Family>,
    legacy: Advertiser,
    sets: BTreeMap<u8, Advertiser>,
    scanner: Scanner,
    /// The controller's random address, for legacy advertising and all scanning.
    random_address: Option<Address>,
    accept_list: HashSet<PeerAddress>,
    inquiry_end: Option<Moment>,
}

/// Legacy and extended commands must not be mixed between resets (§3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Legacy,
    Extended,
}

/// How a command was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The command, unless its parameters could not be understood.
    pub command: Option<Command>,
    /// The status it was answered with.
    pub status: Status,
}

/// What came of a PDU that reached the controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hearing {
    /// Whether it was reported to the kernel.
    pub reported: bool,
    /// The scan request the controller answers it with.
    pub request: Option<Pdu>,
}

impl Controller {
    /// A controller just powered on, with its public address.
    pub fn new(model: Model, identity: Address) -> Self {
        Self {
            model,
            identity,
            state: State::after_reset(),
            outbox: Vec::new(),
        }
    }

    /// The kind of controller.
    pub fn model(&self) -> Model {
        self.model
    }

    /// Its public address.
    pub fn identity(&self) -> Address {
        self.identity
    }

    /// The packets for the kernel since the last call.
    pub fn take_packets(&mut self) -> Vec<Packet> {
        std::mem::take(&mut self.outbox)
    }

    /// Carries out a command and puts the answer among the packets.
    pub fn execute(
        &mut self,
        opcode: Opcode,
        parameters: &[u8],
        now: Moment,
        random: &mut Random,
    ) -> Answered {
        let decoded = match opcode.supported() {
            Some(row) if self.model.supports(row.of) => Command::decode(opcode, parameters),
            Some(_) | None => Err(Status::UnknownCommand),
        };
        let (command, result) = match decoded {
            Ok(command) => (Some(command.clone()), self.perform(command, now, random)),
            Err(status) => (None, Err(status)),
        };
        let status = result.as_ref().err().copied().unwrap_or(Status::Success);
        self.outbox.push(if opcode == Opcode::INQUIRY {
            event::command_status(opcode, status)
        } else {
            event::command_complete(opcode, status, &result.unwrap_or_default())
        });
        Answered { command, status }
    }

    /// Whether it scans.
    pub fn is_scanning(&self) -> bool {
        self.state.scanner.is_running()
    }

    /// When it next has something to do by itself.
    pub fn deadline(&self) -> Option<Moment> {
        let state = &self.state;
        state
            .advertisers()
            .filter_map(Advertiser::deadline)
            .chain(state.inquiry_end)
            .min()
    }

    /// Does what is due and returns what goes on the air.
    pub fn step(&mut self, now: Moment, random: &mut Random) -> Vec<Transmission> {
        let state = &mut self.state;
        if state.inquiry_end.is_some_and(|end| end <= now) {
            state.inquiry_end = None;
            self.outbox.push(event::inquiry_complete());
        }
        let mut sent = Vec::new();
        if let Step::Sent(transmission) = state.legacy.step(now, self.identity, random) {
            sent.push(transmission);
        }
        let mut timed_out = Vec::new();
        for (handle, set) in &mut state.sets {
            match set.step(now, self.identity, random) {
                Step::Idle => {}
                Step::Sent(transmission) => sent.push(transmission),
                Step::TimedOut => timed_out.push(*handle),
            }
        }
        if state.allows_event(ADVERTISING_SET_TERMINATED) {
            let events = timed_out.into_iter().map(event::advertising_set_timed_out);
            self.outbox.extend(events);
        }
        sent
    }

    /// Receives a PDU. A scan response `answers` an advert of that kind.
    pub fn hear(&mut self, pdu: &Pdu, answers: Option<PduKind>, rssi: i8, now: Moment) -> Hearing {
        let state = &mut self.state;
        let heard = state
            .scanner
            .hear(pdu, answers, rssi, &state.accept_list, now);
        let report_event = match state.family {
            Some(Family::Extended) => EXTENDED_ADVERTISING_REPORT,
            Some(Family::Legacy) | None => ADVERTISING_REPORT,
        };
        let report = heard.report.filter(|_| state.allows_event(report_event));
        let reported = report.is_some();
        self.outbox.extend(report);
        let address_type = state.scanner.own_address();
        let address = match address_type {
            AddressType::Public => Some(self.identity),
            AddressType::Random => state.random_address,
        };
        let request = address.filter(|_| heard.asks).map(|address| Pdu {
            kind: PduKind::ScanReq,
            address,
            address_type,
            data: Vec::new(),
        });
        Hearing { reported, request }
    }

    /// Carries out a command and returns what its answer carries after the status.
    fn perform(
        &mut self,
        command: Command,
        now: Moment,
        random: &mut Random,
    ) -> Result<Vec<u8>, Status> {
        if let Some(family) = family_of(&command) {
            self.state.enter(family)?;
        }
        let state = &mut self.state;
        match command {
            Command::Reset => *state = State::after_reset(),
            Command::Inquiry { duration_us } => {
                state.inquiry_end = Some(now + Duration::from_micros(duration_us));
            }
            Command::InquiryCancel => state.inquiry_end = None,
            Command::ReadLocalExtendedFeatures { page } => {
                return Ok(self.extended_features(page));
            }
            Command::LeSetEventMask { mask } => state.le_event_mask = mask,
            Command::LeSetRandomAddress { address } => state.set_random_address(address)?,
            Command::LeSetAdvertisingParameters(parameters) => {
                state.legacy.set_parameters(parameters)?;
            }
            Command::LeSetAdvertisingData { data } => state.legacy.set_data(data)?,
            Command::LeSetScanResponseData { data } => state.legacy.set_scan_response(data)?,
            Command::LeSetAdvertisingEnable { enable: false } => state.legacy.stop(),
            Command::LeSetAdvertisingEnable { enable: true } => state.legacy.start(now, None)?,
            Command::LeSetScanParameters(parameters)
            | Command::LeSetExtendedScanParameters(parameters) => {
                state.scanner.set_parameters(parameters)?;
            }
            Command::LeSetScanEnable(enable) => {
                state.check_scan_address(enable.enable)?;
                state.scanner.set_enabled(enable, ReportKind::Legacy, now);
            }
            Command::LeSetExtendedScanEnable(enable) => {
                state.check_scan_address(enable.enable)?;
                state.scanner.set_enabled(enable, ReportKind::Extended, now);
            }
            Command::LeClearAcceptList => state.accept_list.clear(),
            Command::LeAddToAcceptList(peer) => {
                state.accept_list.insert(peer);
            }
            Command::LeRemoveFromAcceptList(peer) => {
                state.accept_list.remove(&peer);
            }
            Command::LeSetAdvertisingSetRandomAddress { handle, address } => {
                let set = state.set_mut(handle)?;
                // §7.8.52: only a connectable set must be stopped first.
                if set.is_running() && set.is_connectable() {
                    return Err(Status::CommandDisallowed);
                }
                set.set_random_address(address);
            }
            Command::LeSetExtendedAdvertisingParameters { handle, parameters } => {
                const SELECTED_TX_POWER_DBM: i8 = 0;
                let is_full = state.sets.len() >= usize::from(ADVERTISING_SETS);
                match state.sets.entry(handle) {
                    Entry::Occupied(mut set) => set.get_mut().set_parameters(parameters)?,
                    Entry::Vacant(_) if is_full => return Err(Status::MemoryCapacityExceeded),
                    Entry::Vacant(free) => {
                        free.insert(Advertiser::new(parameters));
                    }
                }
                return Ok(SELECTED_TX_POWER_DBM.to_le_bytes().to_vec());
            }
            Command::LeSetExtendedAdvertisingData { handle, data } => {
                state.set_mut(handle)?.set_data(within_report(data)?)?;
            }
            Command::LeSetExtendedScanResponseData { handle, data } => {
                let data = within_report(data)?;
                state.set_mut(handle)?.set_scan_response(data)?;
            }
            Command::LeSetExtendedAdvertisingEnable {
                enable: false,
                sets,
            } => state.stop_sets(&sets)?,
            Command::LeSetExtendedAdvertisingEnable { enable: true, sets } => {
                state.start_sets(&sets, now)?;
            }
            Command::LeRemoveAdvertisingSet { handle } => {
                if state.set_mut(handle)?.is_running() {
                    return Err(Status::CommandDisallowed);
                }
                state.sets.remove(&handle);
            }
            Command::LeClearAdvertisingSets => {
                if state.sets.values().any(Advertiser::is_running) {
                    return Err(Status::CommandDisallowed);
                }
                state.sets.clear();
            }
            Command::Other(Opcode::LE_RAND) => return Ok(random.bytes::<8>().to_vec()),
            Command::Other(opcode) => return Ok(self.read(opcode)),
        }
        Ok(Vec::new())
    }

    /// What a command that only reads returns; nothing for those that only set
    /// what is not emulated.
    fn read(&self, opcode: Opcode) -> Vec<u8> {
        const ACCEPT_LIST_SIZE: u8 = 8;
        match opcode {
            // Version 5.0, the Linux Foundation.
            Opcode::READ_LOCAL_VERSION => vec![9, 0, 0, 9, 0xF1, 0x05, 0, 0],
            Opcode::READ_LOCAL_COMMANDS => {
                opcode::supported_commands(|of| self.model.supports(of)).to_vec()
            }
            Opcode::READ_LOCAL_FEATURES => self.features().to_vec(),
            Opcode::READ_BD_ADDR => self.identity.to_hci().to_vec(),
            // 1021 octets and 4 packets of ACL data, no synchronous data.
            Opcode::READ_BUFFER_SIZE => vec![0xFD, 0x03, 0, 4, 0, 0, 0],
            Opcode::READ_LOCAL_NAME => vec![0; 248],
            // The defaults: every 1.28 s for 11.25 ms.
            Opcode::READ_PAGE_SCAN_ACTIVITY => vec![0x00, 0x08, 0x12, 0x00],
            Opcode::READ_CLASS_OF_DEVICE => vec![0; 3],
            Opcode::READ_VOICE_SETTING => vec![0x60, 0x00],
            Opcode::READ_NUMBER_OF_SUPPORTED_IAC => vec![1],
            // The general inquiry access code.
            Opcode::READ_CURRENT_IAC_LAP => vec![1, 0x33, 0x8B, 0x9E],
            Opcode::READ_PAGE_SCAN_TYPE | Opcode::READ_INQUIRY_RESPONSE_TX_POWER => vec![0],
            // 251 octets and 8 packets of LE data.
            Opcode::LE_READ_BUFFER_SIZE => vec![251, 0, 8],
            Opcode::LE_READ_LOCAL_FEATURES => {
                const ENCRYPTION: u8 = 1 << 0;
                const EXTENDED_ADVERTISING: u8 = 1 << 4;
                let second = if self.model.extended {
                    EXTENDED_ADVERTISING
                } else {
                    0
                };
                vec![ENCRYPTION, second, 0, 0, 0, 0, 0, 0]
            }
            Opcode::LE_READ_ADVERTISING_TX_POWER => vec![0],
            Opcode::LE_READ_ACCEPT_LIST_SIZE => vec![ACCEPT_LIST_SIZE],
            // Every combination of roles.
            Opcode::LE_READ_SUPPORTED_STATES => vec![0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x03, 0, 0],
            Opcode::LE_READ_MAXIMUM_ADVERTISING_DATA_LENGTH => {
                let len = u16::try_from(EXTENDED_REPORT_DATA_LEN).unwrap_or(u16::MAX);
                len.to_le_bytes().to_vec()
            }
            Opcode::LE_READ_NUMBER_OF_ADVERTISING_SETS => vec![ADVERTISING_SETS],
            _ => Vec::new(),
        }
    }

    /// The LMP features (Volume 2, Part C, §3.3).
    fn features(&self) -> [u8; 8] {
        const BR_EDR_NOT_SUPPORTED: u8 = 1 << 5;
        const LE_SUPPORTED: u8 = 1 << 6;
        const EXTENDED_INQUIRY_RESPONSE: u8 = 1 << 0;
        const SECURE_SIMPLE_PAIRING: u8 = 1 << 3;
        const INQUIRY_TX_POWER: u8 = 1 << 1;
        const EXTENDED_FEATURES: u8 = 1 << 7;
        if self.model.dual_mode || self.model.classic {
            let le = if self.model.classic { 0 } else { LE_SUPPORTED };
            let seventh = EXTENDED_INQUIRY_RESPONSE | SECURE_SIMPLE_PAIRING;
            let eighth = INQUIRY_TX_POWER | EXTENDED_FEATURES;
            [0, 0, 0, 0, le, 0, seventh, eighth]
        } else {
            [0, 0, 0, 0, BR_EDR_NOT_SUPPORTED | LE_SUPPORTED, 0, 0, 0]
        }
    }

    fn extended_features(&self, page: u8) -> Vec<u8> {
        const LAST_PAGE: u8 = 1;
        let features = if page == 0 { self.features() } else { [0; 8] };
        [&[page, LAST_PAGE], &features[..]].concat()
    }
}

impl State {
    fn after_reset() -> Self {
        /// Subevents 1 to 5 (§7.8.1).
        const DEFAULT_LE_EVENT_MASK: u64 = 0x1F;
        Self {
            le_event_mask: DEFAULT_LE_EVENT_MASK,
            family: None,
            legacy: Advertiser::new(default_parameters()),
            sets: BTreeMap::new(),
            scanner: Scanner::new(),
            random_address: None,
            accept_list: HashSet::new(),
            inquiry_end: None,
        }
    }

    fn advertisers(&self) -> impl Iterator<Item = &Advertiser> {
        std::iter::once(&self.legacy).chain(self.sets.values())
    }

    fn allows_event(&self, subevent: u8) -> bool {
        self.le_event_mask & (1 << (subevent - 1)) != 0
    }

    fn enter(&mut self, family: Family) -> Result<(), Status> {
        match self.family {
            Some(current) if current != family => Err(Status::CommandDisallowed),
            Some(_) | None => {
                self.family = Some(family);
                Ok(())
            }
        }
    }

    /// §7.8.4: not while anything that uses the address is enabled.
    fn set_random_address(&mut self, address: Address) -> Result<(), Status> {
        if self.legacy.is_running() || self.scanner.is_running() {
            return Err(Status::CommandDisallowed);
        }
        self.random_address = Some(address);
        self.legacy.set_random_address(address);
        Ok(())
    }

    /// §7.8.11, §7.8.65: a scan from a random address needs one.
    fn check_scan_address(&self, enable: bool) -> Result<(), Status> {
        let needs_address = enable && self.scanner.own_address() == AddressType::Random;
        if needs_address && self.random_address.is_none() {
            return Err(Status::InvalidParameters);
        }
        Ok(())
    }

    fn set_mut(&mut self, handle: u8) -> Result<&mut Advertiser, Status> {
        self.sets
            .get_mut(&handle)
            .ok_or(Status::UnknownAdvertisingIdentifier)
    }

    /// §7.8.56: all sets when none is named.
    fn stop_sets(&mut self, named: &[SetToEnable]) -> Result<(), Status> {
        if named.is_empty() {
            self.sets.values_mut().for_each(Advertiser::stop);
        }
        for set in named {
            self.set_mut(set.handle)?.stop();
        }
        Ok(())
    }

    fn start_sets(&mut self, named: &[SetToEnable], now: Moment) -> Result<(), Status> {
        if named.is_empty() {
            return Err(Status::InvalidParameters);
        }
        for set in named {
            let duration = Some(set.duration_us)
                .filter(|duration| *duration > 0)
                .map(Duration::from_micros);
            self.set_mut(set.handle)?.start(now, duration)?;
        }
        Ok(())
    }
}

fn within_report(data: Vec<u8>) -> Result<Vec<u8>, Status> {
    if data.len() > EXTENDED_REPORT_DATA_LEN {
        return Err(Status::MemoryCapacityExceeded);
    }
    Ok(data)
}

/// The family a command belongs to; `None` for those that go with both.
fn family_of(command: &Command) -> Option<Family> {
    match command {
        Command::LeSetAdvertisingParameters(_)
        | Command::LeSetAdvertisingData { .. }
        | Command::LeSetScanResponseData { .. }
        | Command::LeSetAdvertisingEnable { .. }
        | Command::LeSetScanParameters(_)
        | Command::LeSetScanEnable(_)
        | Command::Other(Opcode::LE_READ_ADVERTISING_TX_POWER) => Some(Family::Legacy),
        Command::LeSetAdvertisingSetRandomAddress { .. }
        | Command::LeSetExtendedAdvertisingParameters { .. }
        | Command::LeSetExtendedAdvertisingData { .. }
        | Command::LeSetExtendedScanResponseData { .. }
        | Command::LeSetExtendedAdvertisingEnable { .. }
        | Command::LeRemoveAdvertisingSet { .. }
        | Command::LeClearAdvertisingSets
        | Command::LeSetExtendedScanParameters(_)
        | Command::LeSetExtendedScanEnable(_)
        | Command::Other(
            Opcode::LE_READ_MAXIMUM_ADVERTISING_DATA_LENGTH
            | Opcode::LE_READ_NUMBER_OF_ADVERTISING_SETS,
        ) => Some(Family::Extended),
        Command::Reset
        | Command::Inquiry { .. }
        | Command::InquiryCancel
        | Command::ReadLocalExtendedFeatures { .. }
        | Command::LeSetEventMask { .. }
        | Command::LeSetRandomAddress { .. }
        | Command::LeClearAcceptList
        | Command::LeAddToAcceptList(_)
        | Command::LeRemoveFromAcceptList(_)
        | Command::Other(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTITY: Address = Address::new([0x00, 0x22, 0x33, 0x44, 0x55, 0x00]);
    const FIRST: Address = Address::new([0x11, 1, 1, 1, 1, 1]);
    const SECOND: Address = Address::new([0x22, 2, 2, 2, 2, 2]);
    /// 100–150 ms, non-connectable, from the random address.
    const NONCONN: [u8; 15] = [0xA0, 0, 0xF0, 0, 3, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0];
    /// The same as an extended set, with the given handle in front.
    const EXTENDED_NONCONN: [u8; 24] = [
        0x10, 0, 0xA0, 0, 0, 0xF0, 0, 0, 7, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 1, 0, 1, 0, 0,
    ];

    struct Bench {
        controller: Controller,
        random: Random,
        now: Moment,
    }

    impl Bench {
        fn new(dual_mode: bool, extended: bool) -> Self {
            let model = Model {
                dual_mode,
                extended,
                classic: false,
            };
            Self {
                controller: Controller::new(model, IDENTITY),
                random: Random::seeded(1),
                now: Moment::ZERO,
            }
        }

        fn legacy() -> Self {
            Self::new(false, false)
        }

        fn extended() -> Self {
            Self::new(false, true)
        }

        fn send(&mut self, opcode: Opcode, parameters: &[u8]) -> Status {
            let random = &mut self.random;
            self.controller
                .execute(opcode, parameters, self.now, random)
                .status
        }

        #[track_caller]
        fn ok(&mut self, opcode: Opcode, parameters: &[u8]) {
            assert_eq!(self.send(opcode, parameters), Status::Success, "{opcode}");
        }

        fn address(&mut self, address: Address) -> Status {
            self.send(Opcode::LE_SET_RANDOM_ADDRESS, &address.to_hci())
        }

        fn legacy_advertising(&mut self) {
            assert_eq!(self.address(FIRST), Status::Success);
            self.ok(Opcode::LE_SET_ADVERTISING_PARAMETERS, &NONCONN);
            self.ok(Opcode::LE_SET_ADVERTISING_DATA, &[1, 0xAA]);
            self.ok(Opcode::LE_SET_ADVERTISING_ENABLE, &[1]);
        }

        fn set_parameters(&mut self, handle: u8) -> Status {
            let parameters = [&[handle], &EXTENDED_NONCONN[..]].concat();
            self.send(Opcode::LE_SET_EXTENDED_ADVERTISING_PARAMETERS, &parameters)
        }

        fn set_address(&mut self, handle: u8, address: Address) -> Status {
            let parameters = [&[handle], &address.to_hci()[..]].concat();
            self.send(Opcode::LE_SET_ADVERTISING_SET_RANDOM_ADDRESS, &parameters)
        }

        fn extended_advertising(&mut self, handle: u8, address: Address, byte: u8) {
            assert_eq!(self.set_parameters(handle), Status::Success);
            assert_eq!(self.set_address(handle, address), Status::Success);
            self.ok(
                Opcode::LE_SET_EXTENDED_ADVERTISING_DATA,
                &[handle, 3, 1, 1, byte],
            );
            self.ok(
                Opcode::LE_SET_EXTENDED_ADVERTISING_ENABLE,
                &[1, 1, handle, 0, 0, 0],
            );
        }

        fn on_air(&mut self) -> Vec<(Address, Vec<u8>)> {
            self.now += Duration::from_millis(200);
            let sent = self.controller.step(self.now, &mut self.random);
            sent.into_iter()
                .map(|sent| (sent.pdu.address, sent.pdu.data))
                .collect()
        }

        /// The return parameters of the last answer, after the status.
        fn returned(&mut self) -> Vec<u8> {
            let packets = self.controller.take_packets();
            packets.last().expect("an answer")[7..].to_vec()
        }
    }

    #[test]
    fn a_legacy_controller_keeps_its_address_while_advertising_or_scanning() {
        let mut bench = Bench::legacy();
        bench.legacy_advertising();
        assert_eq!(bench.address(SECOND), Status::CommandDisallowed);
        assert_eq!(bench.on_air(), [(FIRST, vec![0xAA])]);
        assert_eq!(
            bench.send(Opcode::LE_SET_ADVERTISING_PARAMETERS, &NONCONN),
            Status::CommandDisallowed
        );
        bench.ok(Opcode::LE_SET_ADVERTISING_ENABLE, &[0]);
        assert_eq!(bench.on_air(), []);
        assert_eq!(bench.address(SECOND), Status::Success);

        bench.ok(Opcode::LE_SET_SCAN_ENABLE, &[1, 0]);
        assert_eq!(bench.address(FIRST), Status::CommandDisallowed);
        bench.ok(Opcode::LE_SET_SCAN_ENABLE, &[0, 0]);
        assert_eq!(bench.address(FIRST), Status::Success);
    }

    /// What docs/bluez.md calls trap 2: the controller does not prevent it.
    #[test]
    fn new_data_while_enabled_goes_out_under_the_old_address() {
        let mut bench = Bench::legacy();
        bench.legacy_advertising();
        bench.ok(Opcode::LE_SET_ADVERTISING_DATA, &[1, 0xBB]);
        assert_eq!(bench.on_air(), [(FIRST, vec![0xBB])]);
    }

    #[test]
    fn nothing_is_sent_from_a_random_address_that_was_never_set() {
        let mut bench = Bench::legacy();
        bench.ok(Opcode::LE_SET_ADVERTISING_PARAMETERS, &NONCONN);
        assert_eq!(
            bench.send(Opcode::LE_SET_ADVERTISING_ENABLE, &[1]),
            Status::InvalidParameters
        );
        let from_random = [1, 0x10, 0, 0x10, 0, 1, 0];
        bench.ok(Opcode::LE_SET_SCAN_PARAMETERS, &from_random);
        assert_eq!(
            bench.send(Opcode::LE_SET_SCAN_ENABLE, &[1, 0]),
            Status::InvalidParameters
        );
    }

    #[test]
    fn advertising_sets_have_addresses_of_their_own() {
        let mut bench = Bench::extended();
        bench.extended_advertising(1, FIRST, 0xAA);
        bench.extended_advertising(2, SECOND, 0xBB);
        assert_eq!(bench.on_air(), [(FIRST, vec![0xAA]), (SECOND, vec![0xBB])]);
        bench.ok(
            Opcode::LE_SET_EXTENDED_ADVERTISING_ENABLE,
            &[0, 1, 1, 0, 0, 0],
        );
        assert_eq!(bench.on_air(), [(SECOND, vec![0xBB])]);
        bench.ok(Opcode::LE_SET_EXTENDED_ADVERTISING_ENABLE, &[0, 0]);
        assert_eq!(bench.on_air(), []);
    }

    #[test]
    fn a_non_connectable_set_takes_a_new_address_while_enabled() {
        let mut bench = Bench::extended();
        bench.extended_advertising(1, FIRST, 0xAA);
        assert_eq!(bench.set_address(1, SECOND), Status::Success);
        assert_eq!(bench.on_air(), [(SECOND, vec![0xAA])]);
        assert_eq!(bench.set_parameters(1), Status::CommandDisallowed);
        assert_eq!(
            bench.send(Opcode::LE_REMOVE_ADVERTISING_SET, &[1]),
            Status::CommandDisallowed
        );
        assert_eq!(
            bench.send(Opcode::LE_CLEAR_ADVERTISING_SETS, &[]),
            Status::CommandDisallowed
        );
    }

    #[test]
    fn sets_are_limited_and_must_exist() {
        let mut bench = Bench::extended();
        assert_eq!(
            bench.set_address(1, FIRST),
            Status::UnknownAdvertisingIdentifier
        );
        for handle in 0..ADVERTISING_SETS {
            assert_eq!(bench.set_parameters(handle), Status::Success);
        }
        assert_eq!(bench.set_parameters(100), Status::MemoryCapacityExceeded);
        bench.ok(Opcode::LE_REMOVE_ADVERTISING_SET, &[0]);
        assert_eq!(bench.set_parameters(100), Status::Success);
    }

    #[test]
    fn a_set_with_a_duration_reports_its_end() {
        let mut bench = Bench::extended();
        bench.ok(Opcode::LE_SET_EVENT_MASK, &[0xFF; 8]);
        bench.extended_advertising(1, FIRST, 0xAA);
        let one_second = [1, 1, 1, 100, 0, 0];
        bench.ok(Opcode::LE_SET_EXTENDED_ADVERTISING_ENABLE, &one_second);
        bench.controller.take_packets();
        bench.now += Duration::from_secs(1);
        assert_eq!(bench.controller.step(bench.now, &mut bench.random), []);
        let terminated = [0x04, 0x3E, 6, 0x12, 0x3C, 1, 0, 0, 0];
        assert_eq!(bench.controller.take_packets(), [terminated]);
    }

    #[test]
    fn legacy_and_extended_commands_do_not_mix() {
        let mut bench = Bench::extended();
        bench.ok(Opcode::LE_CLEAR_ADVERTISING_SETS, &[]);
        assert_eq!(
            bench.send(Opcode::LE_SET_ADVERTISING_ENABLE, &[0]),
            Status::CommandDisallowed
        );
        bench.ok(Opcode::RESET, &[]);
        bench.ok(Opcode::LE_SET_ADVERTISING_ENABLE, &[0]);
    }

    #[test]
    fn a_controller_knows_only_the_commands_of_its_model() {
        let clear = Opcode::LE_CLEAR_ADVERTISING_SETS;
        assert_eq!(Bench::legacy().send(clear, &[]), Status::UnknownCommand);
        assert_eq!(Bench::extended().send(clear, &[]), Status::Success);
        let inquiry = [0x33, 0x8B, 0x9E, 8, 0];
        assert_eq!(
            Bench::legacy().send(Opcode::INQUIRY, &inquiry),
            Status::UnknownCommand
        );
        let mut dual = Bench::new(true, false);
        assert_eq!(dual.send(Opcode::INQUIRY, &inquiry), Status::Success);
        assert_eq!(
            dual.controller.deadline(),
            Some(Moment::from_millis(10_240))
        );
    }

    #[test]
    fn every_supported_command_is_answered_with_what_the_kernel_expects() {
        let mut bench = Bench::new(true, true);
        for (opcode, len) in [
            (Opcode::READ_LOCAL_VERSION, 8),
            (Opcode::READ_LOCAL_COMMANDS, 64),
            (Opcode::READ_LOCAL_FEATURES, 8),
            (Opcode::READ_BUFFER_SIZE, 7),
            (Opcode::READ_BD_ADDR, 6),
            (Opcode::READ_LOCAL_NAME, 248),
            (Opcode::READ_CLASS_OF_DEVICE, 3),
            (Opcode::LE_READ_BUFFER_SIZE, 3),
            (Opcode::LE_READ_LOCAL_FEATURES, 8),
            (Opcode::LE_READ_SUPPORTED_STATES, 8),
            (Opcode::LE_READ_MAXIMUM_ADVERTISING_DATA_LENGTH, 2),
            (Opcode::LE_READ_NUMBER_OF_ADVERTISING_SETS, 1),
            (Opcode::LE_RAND, 8),
        ] {
            bench.ok(opcode, &[]);
            assert_eq!(bench.returned().len(), len, "{opcode}");
        }
        bench.ok(Opcode::READ_LOCAL_EXTENDED_FEATURES, &[1]);
        assert_eq!(bench.returned()[..2], [1, 1]);
    }

    fn advert(kind: PduKind) -> Pdu {
        Pdu {
            kind,
            address: SECOND,
            address_type: AddressType::Random,
            data: vec![2, 1, 4],
        }
    }

    #[test]
    fn extended_reports_wait_for_the_event_mask() {
        let mut bench = Bench::extended();
        bench.ok(
            Opcode::LE_SET_EXTENDED_SCAN_PARAMETERS,
            &[0, 0, 1, 0, 0x10, 0, 0x10, 0],
        );
        bench.ok(Opcode::LE_SET_EXTENDED_SCAN_ENABLE, &[1, 0, 0, 0, 0, 0]);
        let nonconn = advert(PduKind::AdvNonconnInd);
        let heard = |bench: &mut Bench| {
            let now = bench.now;
            bench.controller.hear(&nonconn, None, -60, now).reported
        };
        assert!(!heard(&mut bench));
        bench.ok(Opcode::LE_SET_EVENT_MASK, &[0xFF; 8]);
        assert!(heard(&mut bench));
    }

    #[test]
    fn an_active_scan_asks_from_the_address_it_was_given() {
        let mut bench = Bench::legacy();
        let ask = |bench: &mut Bench| {
            let now = bench.now;
            let heard = bench
                .controller
                .hear(&advert(PduKind::AdvInd), None, -60, now);
            heard.request.map(|request| request.address)
        };
        assert_eq!(bench.address(FIRST), Status::Success);
        for (own_address, expected) in [(0, IDENTITY), (1, FIRST)] {
            let active = [1, 0x10, 0, 0x10, 0, own_address, 0];
            bench.ok(Opcode::LE_SET_SCAN_PARAMETERS, &active);
            bench.ok(Opcode::LE_SET_SCAN_ENABLE, &[1, 0]);
            assert_eq!(ask(&mut bench), Some(expected));
            bench.ok(Opcode::LE_SET_SCAN_ENABLE, &[0, 0]);
        }
        assert_eq!(ask(&mut bench), None);
    }

    #[test]
    fn a_reset_ends_everything() {
        let mut bench = Bench::legacy();
        bench.legacy_advertising();
        bench.ok(Opcode::RESET, &[]);
        assert_eq!(bench.on_air(), []);
        assert_eq!(
            bench.send(Opcode::LE_SET_ADVERTISING_ENABLE, &[1]),
            Status::Success,
            "from the public address, as after power-on"
        );
        assert_eq!(bench.on_air(), [(IDENTITY, vec![])]);
    }
}
