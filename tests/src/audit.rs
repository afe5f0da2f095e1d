//! Judges what a controller put on the air.
//!
//! What must hold (docs/protocol.md §2, docs/bluez.md): an identifier goes out under one
//! address, and an address carries one identifier; neither comes back once it was
//! replaced; every PDU is a non-connectable, non-scannable advert of exactly the
//! known form, from a private address; and nothing that is on the air is changed
//! in place.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use air::address::{Address, AddressType, RandomKind};
use air::channel::Node;
use air::controller::Model;
use air::hci::Status;
use air::hci::command::Command;
use air::log::{Event, Record};
use air::pdu::{Pdu, PduKind};
use gaen::key::{Aem, Rpi};

const SECOND_US: u64 = 1_000_000;

/// "No BR/EDR", which the kernel adds where that is so.
const FLAGS: [u8; 3] = [0x02, 0x01, 0x04];

/// What a controller did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Its broadcasts, in order.
    pub broadcasts: Vec<Broadcast>,
    /// What must not happen but did: the first of each kind, in order.
    pub violations: Vec<Violation>,
    /// The commands it refused, in order. Nothing wrong by themselves, they show
    /// where the kernel could not do what it wanted.
    pub refused: Vec<(String, Status)>,
}

/// One identifier under one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broadcast {
    /// The address.
    pub address: Address,
    /// The identifier.
    pub rpi: Rpi,
    /// The metadata.
    pub aem: Aem,
    /// When it was first sent, in microseconds on the log's clock.
    pub first_us: u64,
    /// When it was last sent.
    pub last_us: u64,
    /// How often it was sent.
    pub count: u64,
}

/// Something that must not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When, in microseconds on the log's clock.
    pub at_us: u64,
    /// What.
    pub kind: ViolationKind,
}

/// What must not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViolationKind {
    /// An advert that can be answered, or that legacy receivers do not hear.
    WrongPdu(PduKind),
    /// A PDU from a public or static address, which tells who the device is.
    IdentityAddress(Address),
    /// A PDU from an address of no valid kind.
    ReservedAddress(Address),
    /// An advert with other data than the one known form.
    WrongForm(Vec<u8>),
    /// An address that carries a second identifier, or the same with other metadata.
    AddressReused(Address),
    /// An identifier under a second address.
    IdentifierReused(Rpi),
    /// An address that was replaced and came back.
    AddressReturned(Address),
    /// New data for an advertiser that is advertising.
    DataChangedInPlace,
    /// A new address for an advertiser that is advertising.
    AddressChangedInPlace,
    /// A scan whose questions would go out from the identity address.
    ActiveScanFromIdentity,
}

/// Judges what the controller at `place` did.
pub fn audit(records: &[Record], place: usize) -> Audit {
    let mut auditor = Auditor::default();
    for record in records {
        auditor.at_us = record.at_us;
        match &record.event {
            Event::Plugged {
                controller, model, ..
            } if *controller == place => auditor.plugged(*model),
            Event::Command {
                controller,
                name,
                status,
                command,
            } if *controller == place => match (status, command) {
                (Status::Success, Some(command)) => auditor.commanded(command),
                (Status::Success, None) => {}
                (status, _) => auditor.audit.refused.push((name.clone(), *status)),
            },
            Event::Pdu { from, pdu, .. } if *from == Node::Controller(place) => auditor.sent(pdu),
            Event::Start { .. }
            | Event::Plugged { .. }
            | Event::Unplugged { .. }
            | Event::Command { .. }
            | Event::Pdu { .. }
            | Event::Key { .. }
            | Event::Instruction { .. } => {}
        }
    }
    auditor.audit
}

/// The log without the adverts that make an adapter discoverable while somebody wants it
/// to be: from one of the instructions `shown` to one of `hidden`, and no longer.
pub fn without_discoverability(records: &[Record], shown: &[&str], hidden: &[&str]) -> Vec<Record> {
    let mut is_shown = false;
    let mut rest = Vec::with_capacity(records.len());
    for record in records {
        if let Event::Instruction { line } = &record.event {
            is_shown |= shown.contains(&line.as_str());
            is_shown &= !hidden.contains(&line.as_str());
        }
        let says_who_it_is = matches!(
            &record.event,
            Event::Pdu { from: Node::Controller(_), pdu, .. }
                if pdu.address_type == AddressType::Public
                    && gaen::advert::parse(&pdu.data).is_none()
        );
        if !(is_shown && says_who_it_is) {
            rest.push(record.clone());
        }
    }
    rest
}

/// The log without what the kernel sends before anybody is told that the adapter has
/// become discoverable, which is at most four adverts in a second each time; without what
/// another program sends; and without the empty adverts with which the radio takes the
/// place of what another program has left in the kernel (docs/bluez.md, trap 9).
///
/// # Panics
/// Where it is more.
pub fn without_the_unpreventable(records: &[Record]) -> Vec<Record> {
    let mut shown_us = 0;
    let mut public = BTreeMap::<u64, u32>::new();
    let mut rest = Vec::with_capacity(records.len());
    for record in records {
        if matches!(&record.event, Event::Instruction { line } if line == "mark discoverable") {
            shown_us = record.at_us;
        }
        if let Event::Pdu { from, pdu, .. } = &record.event
            && matches!(from, Node::Controller(_))
        {
            if pdu.address_type == AddressType::Public && record.at_us < shown_us + SECOND_US {
                *public.entry(shown_us).or_default() += 1;
                continue;
            }
            if is_of_another_program(pdu) || is_empty(pdu) {
                continue;
            }
        }
        rest.push(record.clone());
    }
    assert!(
        public.values().all(|count| *count <= 4),
        "from the public address: {public:?}"
    );
    rest
}

/// The log without what scans ask from one of the instructions `from` to one of `to`.
///
/// An extended controller's scan keeps its address while any advert is on the air, so that
/// it cannot be changed while another program has one (docs/bluez.md, trap 7).
pub fn without_questions(records: &[Record], from: &str, to: &str) -> Vec<Record> {
    let mut is_between = false;
    let mut rest = Vec::with_capacity(records.len());
    for record in records {
        if let Event::Instruction { line } = &record.event {
            is_between = line == from || (is_between && line != to);
        }
        if !(is_between && is_question(record)) {
            rest.push(record.clone());
        }
    }
    rest
}

/// Whether it is what a controller's scan asks an advertiser.
pub fn is_question(record: &Record) -> bool {
    matches!(
        &record.event,
        Event::Pdu { from: Node::Controller(_), pdu, .. } if pdu.kind == PduKind::ScanReq
    )
}

/// An advert with service data of 0xFEAA.
fn is_of_another_program(pdu: &Pdu) -> bool {
    pdu.data.windows(3).any(|bytes| bytes == [0x16, 0xAA, 0xFE])
}

/// An advert with nothing in it, or with the kernel's flags alone, and zeros, that does not
/// tell who sends it. A scan's question has nothing in it either, and is none.
fn is_empty(pdu: &Pdu) -> bool {
    let data = pdu.data.strip_prefix(&FLAGS).unwrap_or(&pdu.data);
    pdu.kind == PduKind::AdvNonconnInd
        && pdu.address_type == AddressType::Random
        && data.iter().all(|byte| *byte == 0)
}

/// An advert that a controller reported to its kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// When, in microseconds on the log's clock.
    pub at_us: u64,
    /// Whose advert it was.
    pub from: Node,
    /// The RSSI it was reported with, in dBm.
    pub rssi: i8,
    /// The advert.
    pub pdu: Pdu,
}

/// Everything that the controller at `place` reported to its kernel.
pub fn reports(records: &[Record], place: usize) -> Vec<Report> {
    let mut reports = Vec::new();
    for record in records {
        let Event::Pdu { from, pdu, heard } = &record.event else {
            continue;
        };
        let mine = heard.iter().filter(|heard| heard.by == place);
        reports.extend(mine.map(|heard| Report {
            at_us: record.at_us,
            from: from.clone(),
            rssi: heard.rssi,
            pdu: pdu.clone(),
        }));
    }
    reports
}

/// The wall clock, in seconds after 1970, at `at_us` on the log's clock; `None` for
/// a log without its first line.
pub fn unix_seconds(records: &[Record], at_us: u64) -> Option<u64> {
    records.iter().find_map(|record| match record.event {
        Event::Start { unix_us } => {
            Some(unix_us.saturating_add(at_us).saturating_sub(record.at_us) / 1_000_000)
        }
        Event::Plugged { .. }
        | Event::Unplugged { .. }
        | Event::Command { .. }
        | Event::Pdu { .. }
        | Event::Key { .. }
        | Event::Instruction { .. } => None,
    })
}

#[derive(Default)]
struct Auditor {
    at_us: u64,
    model: Model,
    audit: Audit,
    /// Each address on the air so far with the identifier and metadata it carries.
    carried: BTreeMap<Address, Option<(Rpi, Aem)>>,
    /// Each identifier so far with its address.
    carriers: BTreeMap<Rpi, Address>,
    /// Addresses that another one took the place of.
    replaced: BTreeSet<Address>,
    /// The advertisers: the legacy one (`None`) and the sets by handle.
    advertisers: BTreeMap<Option<u8>, Advertiser>,
    scan: ScanSettings,
}

#[derive(Default)]
struct Advertiser {
    enabled: bool,
    data: Vec<u8>,
}

#[derive(Default)]
struct ScanSettings {
    active: bool,
    from_public: bool,
}

impl Auditor {
    /// Notes a violation, the first time of its kind.
    fn violation(&mut self, kind: ViolationKind) {
        let at_us = self.at_us;
        let violations = &mut self.audit.violations;
        if !violations.iter().any(|known| known.kind == kind) {
            violations.push(Violation { at_us, kind });
        }
    }

    fn plugged(&mut self, model: Model) {
        self.model = model;
        self.advertisers.clear();
        self.scan = ScanSettings::default();
    }

    fn sent(&mut self, pdu: &Pdu) {
        match (pdu.address_type, pdu.address.random_kind()) {
            (AddressType::Public, _) | (AddressType::Random, RandomKind::Static) => {
                self.violation(ViolationKind::IdentityAddress(pdu.address));
            }
            (AddressType::Random, RandomKind::Reserved) => {
                self.violation(ViolationKind::ReservedAddress(pdu.address));
            }
            (
                AddressType::Random,
                RandomKind::NonResolvablePrivate | RandomKind::ResolvablePrivate,
            ) => {}
        }
        if self.replaced.contains(&pdu.address) {
            self.violation(ViolationKind::AddressReturned(pdu.address));
        }
        match pdu.kind {
            // A scanner's question carries nothing but its address.
            PduKind::ScanReq => {
                self.carried.entry(pdu.address).or_insert(None);
            }
            PduKind::AdvNonconnInd => self.advertised(pdu),
            PduKind::AdvInd
            | PduKind::AdvScanInd
            | PduKind::ScanRsp
            | PduKind::ExtConnectable
            | PduKind::ExtScannable
            | PduKind::ExtNonconn => {
                self.violation(ViolationKind::WrongPdu(pdu.kind));
                self.advertised(pdu);
            }
        }
    }

    fn advertised(&mut self, pdu: &Pdu) {
        let Some((rpi, aem)) = parse(self.model, &pdu.data) else {
            self.violation(ViolationKind::WrongForm(pdu.data.clone()));
            return;
        };
        match self.carried.insert(pdu.address, Some((rpi, aem))) {
            Some(Some(before)) if before != (rpi, aem) => {
                self.violation(ViolationKind::AddressReused(pdu.address));
            }
            Some(_) | None => {}
        }
        match self.carriers.insert(rpi, pdu.address) {
            Some(before) if before != pdu.address => {
                self.violation(ViolationKind::IdentifierReused(rpi));
            }
            Some(_) | None => {}
        }
        let at_us = self.at_us;
        let last = self.audit.broadcasts.last_mut();
        match last.filter(|last| (last.address, last.rpi) == (pdu.address, rpi)) {
            Some(current) => {
                current.last_us = at_us;
                current.count += 1;
            }
            None => {
                // Every address up to here has had its time, also one that only
                // asked in scans: a new identifier wants all new.
                let before = std::mem::take(&mut self.carried);
                let others = before.into_keys().filter(|address| *address != pdu.address);
                self.replaced.extend(others);
                self.carried.insert(pdu.address, Some((rpi, aem)));
                self.audit.broadcasts.push(Broadcast {
                    address: pdu.address,
                    rpi,
                    aem,
                    first_us: at_us,
                    last_us: at_us,
                    count: 1,
                });
            }
        }
    }

    fn commanded(&mut self, command: &Command) {
        match command {
            Command::Reset => {
                self.advertisers.clear();
                self.scan = ScanSettings::default();
            }
            Command::LeSetAdvertisingData { data } => self.data_set(None, data),
            Command::LeSetExtendedAdvertisingData { handle, data } => {
                self.data_set(Some(*handle), data);
            }
            Command::LeSetAdvertisingEnable { enable } => {
                self.advertisers.entry(None).or_default().enabled = *enable;
            }
            Command::LeSetExtendedAdvertisingEnable { enable, sets } => {
                if sets.is_empty() {
                    for advertiser in self.advertisers.values_mut() {
                        advertiser.enabled = *enable;
                    }
                }
                for set in sets {
                    let handle = Some(set.handle);
                    self.advertisers.entry(handle).or_default().enabled = *enable;
                }
            }
            Command::LeRemoveAdvertisingSet { handle } => {
                self.advertisers.remove(&Some(*handle));
            }
            Command::LeClearAdvertisingSets => self.advertisers.clear(),
            Command::LeSetRandomAddress { .. } => self.address_set(None),
            Command::LeSetAdvertisingSetRandomAddress { handle, .. } => {
                self.address_set(Some(*handle));
            }
            Command::LeSetScanParameters(parameters)
            | Command::LeSetExtendedScanParameters(parameters) => {
                self.scan = ScanSettings {
                    active: parameters.active,
                    from_public: parameters.own_address == AddressType::Public,
                };
            }
            Command::LeSetScanEnable(enable) | Command::LeSetExtendedScanEnable(enable) => {
                if enable.enable && self.scan.active && self.scan.from_public {
                    self.violation(ViolationKind::ActiveScanFromIdentity);
                }
            }
            Command::Inquiry { .. }
            | Command::InquiryCancel
            | Command::ReadLocalExtendedFeatures { .. }
            | Command::LeSetEventMask { .. }
            | Command::LeSetAdvertisingParameters(_)
            | Command::LeSetScanResponseData { .. }
            | Command::LeClearAcceptList
            | Command::LeAddToAcceptList(_)
            | Command::LeRemoveFromAcceptList(_)
            | Command::LeSetExtendedAdvertisingParameters { .. }
            | Command::LeSetExtendedScanResponseData { .. }
            | Command::Other(_) => {}
        }
    }

    fn data_set(&mut self, advertiser: Option<u8>, data: &[u8]) {
        // The kernel's own set, which makes the adapter discoverable.
        if advertiser == Some(0) {
            return;
        }
        let advertiser = self.advertisers.entry(advertiser).or_default();
        let changed_in_place = advertiser.enabled && advertiser.data != data;
        advertiser.data = data.to_owned();
        if changed_in_place {
            self.violation(ViolationKind::DataChangedInPlace);
        }
    }

    fn address_set(&mut self, advertiser: Option<u8>) {
        if self
            .advertisers
            .get(&advertiser)
            .is_some_and(|advertiser| advertiser.enabled)
        {
            self.violation(ViolationKind::AddressChangedInPlace);
        }
    }
}

/// Takes the one known form apart. The kernel adds a Flags structure that says "no
/// BR/EDR" where that is so; a controller with BR/EDR sends none.
fn parse(model: Model, data: &[u8]) -> Option<(Rpi, Aem)> {
    const COMPLETE_SERVICE_UUIDS: [u8; 4] = [0x03, 0x03, 0x6F, 0xFD];
    const SERVICE_DATA: [u8; 4] = [0x17, 0x16, 0x6F, 0xFD];
    let data = if model.dual_mode {
        data
    } else {
        data.strip_prefix(&FLAGS)?
    };
    let data = data.strip_prefix(&COMPLETE_SERVICE_UUIDS)?;
    let data = data.strip_prefix(&SERVICE_DATA)?;
    let (rpi, aem) = data.split_first_chunk::<16>()?;
    let aem: [u8; 4] = aem.try_into().ok()?;
    Some((Rpi::from_bytes(*rpi), Aem::from_bytes(aem)))
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at_us / 1_000_000;
        let millis = self.at_us / 1_000 % 1_000;
        write!(f, "at {seconds}.{millis:03} s: ")?;
        match &self.kind {
            ViolationKind::WrongPdu(kind) => write!(f, "a PDU of the kind {kind:?}"),
            ViolationKind::IdentityAddress(address) => {
                write!(f, "a PDU from the identity address {address}")
            }
            ViolationKind::ReservedAddress(address) => {
                write!(f, "a PDU from the invalid address {address}")
            }
            ViolationKind::WrongForm(data) => write!(f, "an advert with {}", hex::encode(data)),
            ViolationKind::AddressReused(address) => {
                write!(f, "{address} carries a second identifier or metadata")
            }
            ViolationKind::IdentifierReused(rpi) => {
                let rpi = hex::encode(rpi.as_bytes());
                write!(f, "identifier {rpi} under a second address")
            }
            ViolationKind::AddressReturned(address) => {
                write!(f, "{address} came back after it was replaced")
            }
            ViolationKind::DataChangedInPlace => f.write_str("data changed while advertising"),
            ViolationKind::AddressChangedInPlace => {
                f.write_str("address changed while advertising")
            }
            ViolationKind::ActiveScanFromIdentity => {
                f.write_str("an active scan from the identity address")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use air::hci::command::{ScanEnable, ScanParameters, SetToEnable};
    use air::log::Heard;

    use super::*;

    const FIRST: Address = Address::new([0x11, 1, 1, 1, 1, 1]);
    const SECOND: Address = Address::new([0x22, 2, 2, 2, 2, 2]);
    const STATIC: Address = Address::new([0xC0, 0, 0, 0, 0, 1]);
    const RESERVED: Address = Address::new([0x80, 0, 0, 0, 0, 1]);

    fn data(rpi: u8) -> Vec<u8> {
        let mut data = vec![2, 1, 4, 3, 3, 0x6F, 0xFD, 0x17, 0x16, 0x6F, 0xFD];
        data.extend([rpi; 16]);
        data.extend([9; 4]);
        data
    }

    fn advert(address: Address, rpi: u8) -> Event {
        sends(
            PduKind::AdvNonconnInd,
            address,
            AddressType::Random,
            data(rpi),
        )
    }

    fn sends(kind: PduKind, address: Address, address_type: AddressType, data: Vec<u8>) -> Event {
        Event::Pdu {
            from: Node::Controller(0),
            pdu: Pdu {
                kind,
                address,
                address_type,
                data,
            },
            heard: vec![],
        }
    }

    fn command(command: Command) -> Event {
        Event::Command {
            controller: 0,
            name: String::new(),
            status: Status::Success,
            command: Some(command),
        }
    }

    fn plugged(dual_mode: bool) -> Event {
        Event::Plugged {
            controller: 0,
            hci: 0,
            identity: Address::new([0, 0, 0, 0, 0, 1]),
            model: Model {
                classic: false,
                dual_mode,
                extended: false,
            },
        }
    }

    fn log(events: Vec<Event>) -> Vec<Record> {
        let times = (1..).map(|second: u64| second * 1_000_000);
        times
            .zip(events)
            .map(|(at_us, event)| Record { at_us, event })
            .collect()
    }

    fn violations(events: Vec<Event>) -> Vec<ViolationKind> {
        let audit = audit(&log(events), 0);
        audit.violations.into_iter().map(|v| v.kind).collect()
    }

    fn legacy_data(rpi: u8) -> Event {
        command(Command::LeSetAdvertisingData { data: data(rpi) })
    }

    fn legacy_enable(enable: bool) -> Event {
        command(Command::LeSetAdvertisingEnable { enable })
    }

    #[test]
    fn a_proper_rotation_has_no_violation() {
        let address = |address| command(Command::LeSetRandomAddress { address });
        let audit = audit(
            &log(vec![
                plugged(false),
                address(FIRST),
                legacy_data(1),
                legacy_enable(true),
                advert(FIRST, 1),
                advert(FIRST, 1),
                legacy_enable(false),
                address(SECOND),
                legacy_data(2),
                legacy_enable(true),
                advert(SECOND, 2),
            ]),
            0,
        );
        assert_eq!(audit.violations, []);
        let broadcasts: Vec<_> = audit
            .broadcasts
            .iter()
            .map(|b| (b.address, b.first_us, b.last_us, b.count))
            .collect();
        assert_eq!(
            broadcasts,
            [
                (FIRST, 5_000_000, 6_000_000, 2),
                (SECOND, 11_000_000, 11_000_000, 1)
            ]
        );
    }

    #[test]
    fn addresses_and_identifiers_pair_one_to_one() {
        assert_eq!(
            violations(vec![advert(FIRST, 1), advert(FIRST, 2)]),
            [ViolationKind::AddressReused(FIRST)]
        );
        assert_eq!(
            violations(vec![advert(FIRST, 1), advert(SECOND, 1)]),
            [ViolationKind::IdentifierReused(Rpi::from_bytes([1; 16]))]
        );
        let mut other_metadata = data(1);
        other_metadata[30] = 0;
        let kind = PduKind::AdvNonconnInd;
        let other = sends(kind, FIRST, AddressType::Random, other_metadata);
        assert_eq!(
            violations(vec![advert(FIRST, 1), other]),
            [ViolationKind::AddressReused(FIRST)]
        );
    }

    #[test]
    fn nothing_that_was_replaced_comes_back() {
        assert_eq!(
            violations(vec![advert(FIRST, 1), advert(SECOND, 2), advert(FIRST, 1)]),
            [ViolationKind::AddressReturned(FIRST)]
        );
        let asks = |address| sends(PduKind::ScanReq, address, AddressType::Random, vec![]);
        assert_eq!(
            violations(vec![advert(FIRST, 1), advert(SECOND, 2), asks(FIRST)]),
            [ViolationKind::AddressReturned(FIRST)]
        );
        let third = Address::new([0x33; 6]);
        assert_eq!(
            violations(vec![
                advert(FIRST, 1),
                asks(third),
                asks(third),
                asks(FIRST)
            ]),
            []
        );
        assert_eq!(
            violations(vec![
                advert(FIRST, 1),
                asks(third),
                advert(SECOND, 2),
                asks(third)
            ]),
            [ViolationKind::AddressReturned(third)],
            "it links the two"
        );
    }

    #[test]
    fn only_non_connectable_non_scannable_legacy_adverts_are_right() {
        for kind in [
            PduKind::AdvInd,
            PduKind::AdvScanInd,
            PduKind::ScanRsp,
            PduKind::ExtConnectable,
            PduKind::ExtScannable,
            PduKind::ExtNonconn,
        ] {
            assert_eq!(
                violations(vec![sends(kind, FIRST, AddressType::Random, data(1))]),
                [ViolationKind::WrongPdu(kind)]
            );
        }
    }

    #[test]
    fn only_private_addresses_are_right() {
        let from = |address, address_type| {
            let kind = PduKind::AdvNonconnInd;
            violations(vec![sends(kind, address, address_type, data(1))])
        };
        assert_eq!(from(FIRST, AddressType::Random), []);
        assert_eq!(
            from(FIRST, AddressType::Public),
            [ViolationKind::IdentityAddress(FIRST)]
        );
        assert_eq!(
            from(STATIC, AddressType::Random),
            [ViolationKind::IdentityAddress(STATIC)]
        );
        assert_eq!(
            from(RESERVED, AddressType::Random),
            [ViolationKind::ReservedAddress(RESERVED)]
        );
        let question = sends(PduKind::ScanReq, FIRST, AddressType::Public, vec![]);
        assert_eq!(
            violations(vec![question]),
            [ViolationKind::IdentityAddress(FIRST)]
        );
    }

    #[test]
    fn the_form_is_that_of_the_controller_s_model() {
        let with_flags = data(1);
        let without_flags = with_flags[3..].to_vec();
        let mut longer = with_flags.clone();
        longer.push(0);
        let mut other_flags = with_flags.clone();
        other_flags[2] = 0x06;
        for (dual_mode, data, is_right) in [
            (false, &with_flags, true),
            (false, &without_flags, false),
            (true, &without_flags, true),
            (true, &with_flags, false),
            (false, &longer, false),
            (false, &other_flags, false),
            (false, &Vec::new(), false),
        ] {
            let advert = sends(
                PduKind::AdvNonconnInd,
                FIRST,
                AddressType::Random,
                data.clone(),
            );
            let found = violations(vec![plugged(dual_mode), advert]);
            let expected = if is_right {
                vec![]
            } else {
                vec![ViolationKind::WrongForm(data.clone())]
            };
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn nothing_changes_while_it_is_on_the_air() {
        assert_eq!(
            violations(vec![legacy_data(1), legacy_enable(true), legacy_data(2)]),
            [ViolationKind::DataChangedInPlace]
        );
        assert_eq!(
            violations(vec![legacy_data(1), legacy_enable(true), legacy_data(1)]),
            [],
            "the same again is no change"
        );
        assert_eq!(
            violations(vec![
                legacy_enable(true),
                command(Command::LeSetRandomAddress { address: FIRST })
            ]),
            [ViolationKind::AddressChangedInPlace]
        );

        let set_data = |rpi| {
            command(Command::LeSetExtendedAdvertisingData {
                handle: 1,
                data: data(rpi),
            })
        };
        let set_enable = |enable, handles: &[u8]| {
            let sets = handles.iter().map(|handle| SetToEnable {
                handle: *handle,
                duration_us: 0,
            });
            let sets = sets.collect();
            command(Command::LeSetExtendedAdvertisingEnable { enable, sets })
        };
        let set_address = command(Command::LeSetAdvertisingSetRandomAddress {
            handle: 1,
            address: FIRST,
        });
        assert_eq!(
            violations(vec![
                set_enable(true, &[1]),
                set_data(1),
                set_address.clone()
            ]),
            [
                ViolationKind::DataChangedInPlace,
                ViolationKind::AddressChangedInPlace
            ]
        );
        assert_eq!(
            violations(vec![
                set_enable(true, &[2]),
                set_data(1),
                set_enable(true, &[1]),
                set_enable(false, &[]),
                set_data(2),
                set_address,
            ]),
            []
        );
    }

    #[test]
    fn an_active_scan_does_not_ask_from_the_identity_address() {
        let scan = |active, own_address| {
            let parameters = ScanParameters {
                active,
                interval_us: 10_000,
                window_us: 10_000,
                own_address,
                accept_list_only: false,
            };
            let enable = ScanEnable {
                enable: true,
                filter_duplicates: false,
            };
            violations(vec![
                command(Command::LeSetScanParameters(parameters)),
                command(Command::LeSetScanEnable(enable)),
            ])
        };
        assert_eq!(scan(false, AddressType::Public), []);
        assert_eq!(scan(true, AddressType::Random), []);
        assert_eq!(
            scan(true, AddressType::Public),
            [ViolationKind::ActiveScanFromIdentity]
        );
    }

    #[test]
    fn other_controllers_are_not_this_one_s_business() {
        let mut other = advert(SECOND, 1);
        if let Event::Pdu { from, .. } = &mut other {
            *from = Node::Controller(1);
        }
        assert_eq!(violations(vec![advert(FIRST, 1), other]), []);
    }

    #[test]
    fn refused_commands_are_listed() {
        let refused = Event::Command {
            controller: 0,
            name: "LE_Set_Random_Address".into(),
            status: Status::CommandDisallowed,
            command: Some(Command::LeSetRandomAddress { address: FIRST }),
        };
        let audit = audit(&log(vec![legacy_enable(true), refused]), 0);
        assert_eq!(audit.violations, []);
        assert_eq!(
            audit.refused,
            [("LE_Set_Random_Address".into(), Status::CommandDisallowed)]
        );
    }

    #[test]
    fn reports_are_those_of_the_controller_asked_about() {
        let mut event = advert(FIRST, 1);
        if let Event::Pdu { heard, .. } = &mut event {
            *heard = vec![Heard { by: 1, rssi: -60 }, Heard { by: 2, rssi: -70 }];
        }
        let records = log(vec![Event::Start { unix_us: 7_000_000 }, event]);
        let found = reports(&records, 2);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].rssi, found[0].at_us), (-70, 2_000_000));
        assert_eq!(unix_seconds(&records, found[0].at_us), Some(8));
        assert_eq!(reports(&records, 0), []);
    }
}
