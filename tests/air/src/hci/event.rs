//! Building of events, each a whole packet with its type octet.

use super::opcode::Opcode;
use super::{EVENT_PACKET, Status};
use crate::address::AddressType;
use crate::pdu::{Pdu, PduKind};

/// A packet for the kernel.
pub type Packet = Vec<u8>;

const INQUIRY_COMPLETE: u8 = 0x01;
const COMMAND_COMPLETE: u8 = 0x0E;
const COMMAND_STATUS: u8 = 0x0F;
const LE_META: u8 = 0x3E;

/// LE Advertising Report (§7.7.65.2).
pub const ADVERTISING_REPORT: u8 = 0x02;
/// LE Extended Advertising Report (§7.7.65.13).
pub const EXTENDED_ADVERTISING_REPORT: u8 = 0x0D;
/// LE Advertising Set Terminated (§7.7.65.18).
pub const ADVERTISING_SET_TERMINATED: u8 = 0x12;

/// How many further commands the kernel may send before the next answer.
const COMMAND_CREDITS: u8 = 1;

/// The longest data one extended report carries (§7.7.65.13).
pub const EXTENDED_REPORT_DATA_LEN: usize = 229;

/// Command Complete (§7.7.14): the status and what the command returns.
pub fn command_complete(opcode: Opcode, status: Status, returned: &[u8]) -> Packet {
    let [low, high] = opcode.number().to_le_bytes();
    event(
        COMMAND_COMPLETE,
        &[&[COMMAND_CREDITS, low, high, status.code()], returned],
    )
}

/// Command Status (§7.7.15), for a command whose end is an event of its own.
pub fn command_status(opcode: Opcode, status: Status) -> Packet {
    let [low, high] = opcode.number().to_le_bytes();
    event(
        COMMAND_STATUS,
        &[&[status.code(), COMMAND_CREDITS, low, high]],
    )
}

/// Inquiry Complete (§7.7.1).
pub fn inquiry_complete() -> Packet {
    event(INQUIRY_COMPLETE, &[&[Status::Success.code()]])
}

/// LE Advertising Report of a legacy PDU; `None` for one it cannot carry.
pub fn advertising_report(pdu: &Pdu, rssi: i8) -> Option<Packet> {
    let kind = match pdu.kind {
        PduKind::AdvInd => 0x00,
        PduKind::AdvScanInd => 0x02,
        PduKind::AdvNonconnInd => 0x03,
        PduKind::ScanRsp => 0x04,
        PduKind::ScanReq
        | PduKind::ExtConnectable
        | PduKind::ExtScannable
        | PduKind::ExtNonconn => return None,
    };
    Some(event(
        LE_META,
        &[
            &[ADVERTISING_REPORT, 1, kind, address_type(pdu.address_type)],
            &pdu.address.to_hci(),
            &[octet(pdu.data.len())],
            &pdu.data,
            &rssi.to_le_bytes(),
        ],
    ))
}

/// LE Extended Advertising Report; `None` for a PDU it cannot carry. `to` is what
/// a scan response answers: it is reported with the properties of that advert.
pub fn extended_advertising_report(pdu: &Pdu, to: Option<PduKind>, rssi: i8) -> Option<Packet> {
    const SCAN_RESPONSE: u16 = 1 << 3;
    const NO_SECONDARY_PHY: u8 = 0x00;
    const LE_1M: u8 = 0x01;
    const NO_SET_ID: u8 = 0xFF;
    const NO_TX_POWER: i8 = 0x7F;
    let properties = |kind| match kind {
        PduKind::AdvInd => Some(0x0013),
        PduKind::AdvScanInd => Some(0x0012),
        PduKind::AdvNonconnInd => Some(0x0010),
        PduKind::ExtConnectable => Some(0x0001),
        PduKind::ExtScannable => Some(0x0002),
        PduKind::ExtNonconn => Some(0x0000),
        PduKind::ScanReq | PduKind::ScanRsp => None,
    };
    let kind: u16 = match to {
        Some(advert) => properties(advert)? | SCAN_RESPONSE,
        None => properties(pdu.kind)?,
    };
    let (secondary_phy, set_id) = if to.unwrap_or(pdu.kind).is_legacy() {
        (NO_SECONDARY_PHY, NO_SET_ID)
    } else {
        (LE_1M, 0)
    };
    let [kind_low, kind_high] = kind.to_le_bytes();
    let no_direct_address = [0; 7];
    let no_periodic_interval = [0; 2];
    Some(event(
        LE_META,
        &[
            &[EXTENDED_ADVERTISING_REPORT, 1, kind_low, kind_high],
            &[address_type(pdu.address_type)],
            &pdu.address.to_hci(),
            &[LE_1M, secondary_phy, set_id],
            &NO_TX_POWER.to_le_bytes(),
            &rssi.to_le_bytes(),
            &no_periodic_interval,
            &no_direct_address,
            &[octet(pdu.data.len())],
            &pdu.data,
        ],
    ))
}

/// LE Advertising Set Terminated, because its duration is over.
pub fn advertising_set_timed_out(handle: u8) -> Packet {
    const ADVERTISING_TIMEOUT: u8 = 0x3C;
    let no_connection = [0; 2];
    let events_not_counted = 0;
    event(
        LE_META,
        &[
            &[ADVERTISING_SET_TERMINATED, ADVERTISING_TIMEOUT, handle],
            &no_connection,
            &[events_not_counted],
        ],
    )
}

/// An address type as reports carry it. Addresses are never resolved here.
const fn address_type(address_type: AddressType) -> u8 {
    match address_type {
        AddressType::Public => 0,
        AddressType::Random => 1,
    }
}

fn event(code: u8, parts: &[&[u8]]) -> Packet {
    let parameters = parts.concat();
    let mut packet = vec![EVENT_PACKET, code, octet(parameters.len())];
    packet.extend(parameters);
    packet
}

/// A length that the caller has bounded.
fn octet(len: usize) -> u8 {
    u8::try_from(len).expect("every event built here is under 256 octets long")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;

    fn pdu(kind: PduKind) -> Pdu {
        Pdu {
            kind,
            address: Address::new([0x11, 0x22, 0x33, 0x44, 0x55, 0x66]),
            address_type: AddressType::Random,
            data: vec![2, 1, 4],
        }
    }

    #[test]
    fn command_complete_carries_credits_opcode_status_and_result() {
        assert_eq!(
            command_complete(Opcode::READ_BD_ADDR, Status::Success, &[1, 2]),
            [0x04, 0x0E, 6, 1, 0x09, 0x10, 0, 1, 2]
        );
    }

    #[test]
    fn a_legacy_report_ends_with_the_rssi() {
        assert_eq!(
            advertising_report(&pdu(PduKind::AdvNonconnInd), -60).unwrap(),
            [
                0x04, 0x3E, 15, 0x02, 1, 3, 1, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 3, 2, 1, 4, 0xC4
            ]
        );
        assert_eq!(advertising_report(&pdu(PduKind::ExtNonconn), -60), None);
    }

    #[test]
    fn an_extended_report_tells_legacy_pdus_apart() {
        let report = |kind, to| extended_advertising_report(&pdu(kind), to, -60).unwrap();
        let legacy = report(PduKind::AdvNonconnInd, None);
        assert_eq!(legacy[..9], [0x04, 0x3E, 29, 0x0D, 1, 0x10, 0x00, 1, 0x66]);
        assert_eq!(legacy[14..19], [1, 0, 0xFF, 0x7F, 0xC4]);
        assert_eq!(legacy[28..], [3, 2, 1, 4]);
        assert_eq!(report(PduKind::ExtNonconn, None)[5..7], [0, 0]);
        assert_eq!(
            report(PduKind::ScanRsp, Some(PduKind::AdvInd))[5..7],
            [0x1B, 0]
        );
    }
}
