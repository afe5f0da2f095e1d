//! Decoding of commands.

use serde::{Deserialize, Serialize};

use super::Status;
use super::opcode::Opcode;
use crate::address::{Address, AddressType};
use crate::pdu::PduKind;

/// A command from the kernel.
///
/// Times are in microseconds, whatever unit the command carries them in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// §7.3.2: back to the state after power-on.
    Reset,
    /// §7.1.1: look for BR/EDR devices.
    Inquiry {
        /// How long to look.
        duration_us: u64,
    },
    /// §7.1.2
    InquiryCancel,
    /// §7.4.4
    ReadLocalExtendedFeatures {
        /// Which 64 bits of features.
        page: u8,
    },
    /// §7.8.1
    LeSetEventMask {
        /// Bit n allows subevent n + 1.
        mask: u64,
    },
    /// §7.8.4
    LeSetRandomAddress {
        /// The controller's random address from now on.
        address: Address,
    },
    /// §7.8.5
    LeSetAdvertisingParameters(AdvertisingParameters),
    /// §7.8.7
    LeSetAdvertisingData {
        /// AD structures.
        #[serde(with = "hex")]
        data: Vec<u8>,
    },
    /// §7.8.8
    LeSetScanResponseData {
        /// AD structures.
        #[serde(with = "hex")]
        data: Vec<u8>,
    },
    /// §7.8.9
    LeSetAdvertisingEnable {
        /// Start or stop.
        enable: bool,
    },
    /// §7.8.10
    LeSetScanParameters(ScanParameters),
    /// §7.8.11
    LeSetScanEnable(ScanEnable),
    /// §7.8.15
    LeClearAcceptList,
    /// §7.8.16
    LeAddToAcceptList(PeerAddress),
    /// §7.8.17
    LeRemoveFromAcceptList(PeerAddress),
    /// §7.8.52
    LeSetAdvertisingSetRandomAddress {
        /// The set.
        handle: u8,
        /// Its random address from now on.
        address: Address,
    },
    /// §7.8.53
    LeSetExtendedAdvertisingParameters {
        /// The set; made if there is none.
        handle: u8,
        /// How it advertises from now on.
        #[serde(flatten)]
        parameters: AdvertisingParameters,
    },
    /// §7.8.54
    LeSetExtendedAdvertisingData {
        /// The set.
        handle: u8,
        /// AD structures, complete.
        #[serde(with = "hex")]
        data: Vec<u8>,
    },
    /// §7.8.55
    LeSetExtendedScanResponseData {
        /// The set.
        handle: u8,
        /// AD structures, complete.
        #[serde(with = "hex")]
        data: Vec<u8>,
    },
    /// §7.8.56
    LeSetExtendedAdvertisingEnable {
        /// Start or stop.
        enable: bool,
        /// Which sets; none with `enable` false means all.
        sets: Vec<SetToEnable>,
    },
    /// §7.8.59
    LeRemoveAdvertisingSet {
        /// The set.
        handle: u8,
    },
    /// §7.8.60
    LeClearAdvertisingSets,
    /// §7.8.64
    LeSetExtendedScanParameters(ScanParameters),
    /// §7.8.65
    LeSetExtendedScanEnable(ScanEnable),
    /// A command that only reads, or only changes what is not emulated.
    #[serde(skip)]
    Other(Opcode),
}

/// How an advertiser advertises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdvertisingParameters {
    /// The PDU it sends.
    pub pdu: PduKind,
    /// The shortest time between advertising events.
    pub interval_min_us: u64,
    /// The longest time between advertising events.
    pub interval_max_us: u64,
    /// From which address.
    pub own_address: AddressType,
}

/// How a scanner scans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanParameters {
    /// Whether it asks scannable advertisers for their scan response.
    pub active: bool,
    /// From one scan window's start to the next one's.
    pub interval_us: u64,
    /// How long it listens in each interval.
    pub window_us: u64,
    /// From which address it asks.
    pub own_address: AddressType,
    /// Whether it reports only devices on the accept list.
    pub accept_list_only: bool,
}

/// The start or stop of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanEnable {
    /// Start or stop.
    pub enable: bool,
    /// Whether each advertiser is reported once only.
    pub filter_duplicates: bool,
}

/// An advertising set to start or stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetToEnable {
    /// The set.
    pub handle: u8,
    /// How long it advertises; 0 is until stopped.
    pub duration_us: u64,
}

/// The address of another device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PeerAddress {
    /// Public or random.
    pub address_type: AddressType,
    /// The address.
    pub address: Address,
}

impl Command {
    /// The command `opcode` with these parameters, or the status to refuse it with.
    ///
    /// Parameters after the ones a command has are ignored, as controllers do.
    pub fn decode(opcode: Opcode, parameters: &[u8]) -> Result<Self, Status> {
        let mut p = Parameters(parameters);
        Ok(match opcode {
            Opcode::RESET => Self::Reset,
            Opcode::INQUIRY => {
                let _lap: [u8; 3] = p.array()?;
                Self::Inquiry {
                    duration_us: u64::from(p.u8()?) * INQUIRY_UNIT_US,
                }
            }
            Opcode::INQUIRY_CANCEL => Self::InquiryCancel,
            Opcode::READ_LOCAL_EXTENDED_FEATURES => {
                Self::ReadLocalExtendedFeatures { page: p.u8()? }
            }
            Opcode::LE_SET_EVENT_MASK => Self::LeSetEventMask {
                mask: u64::from_le_bytes(p.array()?),
            },
            Opcode::LE_SET_RANDOM_ADDRESS => Self::LeSetRandomAddress {
                address: p.address()?,
            },
            Opcode::LE_SET_ADVERTISING_PARAMETERS => {
                Self::LeSetAdvertisingParameters(p.legacy_advertising_parameters()?)
            }
            Opcode::LE_SET_ADVERTISING_DATA => Self::LeSetAdvertisingData { data: p.data()? },
            Opcode::LE_SET_SCAN_RESPONSE_DATA => Self::LeSetScanResponseData { data: p.data()? },
            Opcode::LE_SET_ADVERTISING_ENABLE => Self::LeSetAdvertisingEnable { enable: p.bool()? },
            Opcode::LE_SET_SCAN_PARAMETERS => {
                Self::LeSetScanParameters(p.legacy_scan_parameters()?)
            }
            Opcode::LE_SET_SCAN_ENABLE => Self::LeSetScanEnable(p.scan_enable()?),
            Opcode::LE_CLEAR_ACCEPT_LIST => Self::LeClearAcceptList,
            Opcode::LE_ADD_TO_ACCEPT_LIST => Self::LeAddToAcceptList(p.peer()?),
            Opcode::LE_REMOVE_FROM_ACCEPT_LIST => Self::LeRemoveFromAcceptList(p.peer()?),
            Opcode::LE_SET_ADVERTISING_SET_RANDOM_ADDRESS => {
                Self::LeSetAdvertisingSetRandomAddress {
                    handle: p.handle()?,
                    address: p.address()?,
                }
            }
            Opcode::LE_SET_EXTENDED_ADVERTISING_PARAMETERS => {
                Self::LeSetExtendedAdvertisingParameters {
                    handle: p.handle()?,
                    parameters: p.extended_advertising_parameters()?,
                }
            }
            Opcode::LE_SET_EXTENDED_ADVERTISING_DATA => Self::LeSetExtendedAdvertisingData {
                handle: p.handle()?,
                data: p.extended_data()?,
            },
            Opcode::LE_SET_EXTENDED_SCAN_RESPONSE_DATA => Self::LeSetExtendedScanResponseData {
                handle: p.handle()?,
                data: p.extended_data()?,
            },
            Opcode::LE_SET_EXTENDED_ADVERTISING_ENABLE => Self::LeSetExtendedAdvertisingEnable {
                enable: p.bool()?,
                sets: p.sets_to_enable()?,
            },
            Opcode::LE_REMOVE_ADVERTISING_SET => Self::LeRemoveAdvertisingSet {
                handle: p.handle()?,
            },
            Opcode::LE_CLEAR_ADVERTISING_SETS => Self::LeClearAdvertisingSets,
            Opcode::LE_SET_EXTENDED_SCAN_PARAMETERS => {
                Self::LeSetExtendedScanParameters(p.extended_scan_parameters()?)
            }
            Opcode::LE_SET_EXTENDED_SCAN_ENABLE => {
                let enable = p.scan_enable()?;
                // A scan that ends by itself is nothing Linux 6.1 asks for.
                match (p.u16()?, p.u16()?) {
                    (0, 0) => Self::LeSetExtendedScanEnable(enable),
                    _ => return Err(Status::UnsupportedParameter),
                }
            }
            other if other.supported().is_some() => Self::Other(other),
            _ => return Err(Status::UnknownCommand),
        })
    }

    /// Whether it decides what goes on the air, or when the controller listens.
    pub const fn shapes_the_air(&self) -> bool {
        !matches!(
            self,
            Self::Inquiry { .. }
                | Self::InquiryCancel
                | Self::ReadLocalExtendedFeatures { .. }
                | Self::LeSetEventMask { .. }
                | Self::LeClearAcceptList
                | Self::LeAddToAcceptList(_)
                | Self::LeRemoveFromAcceptList(_)
                | Self::Other(_)
        )
    }
}

/// The unit of advertising and scan intervals: 0.625 ms.
const SLOT_US: u64 = 625;
/// The unit of an inquiry's length: 1.28 s.
const INQUIRY_UNIT_US: u64 = 1_280_000;
/// The unit of an advertising set's duration: 10 ms.
const DURATION_UNIT_US: u64 = 10_000;
/// The shortest advertising interval: 20 ms, in slots.
const SHORTEST_ADVERTISING_INTERVAL: u32 = 0x20;
/// The longest legacy advertising interval: 10.24 s, in slots.
const LONGEST_LEGACY_ADVERTISING_INTERVAL: u32 = 0x4000;
/// Scan intervals and windows: 2.5 ms to 10.24 s, in slots, for legacy scanning.
const LEGACY_SCAN_SLOTS: std::ops::RangeInclusive<u16> = 0x0004..=0x4000;
/// The highest advertising handle.
const HIGHEST_HANDLE: u8 = 0xEF;
/// Operation "complete" of the commands that set extended advertising data.
const COMPLETE_DATA: u8 = 0x03;

/// The parameters of a command, read from the front.
struct Parameters<'a>(&'a [u8]);

impl Parameters<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Status> {
        let (first, rest) = self
            .0
            .split_first_chunk()
            .ok_or(Status::InvalidParameters)?;
        self.0 = rest;
        Ok(*first)
    }

    fn u8(&mut self) -> Result<u8, Status> {
        self.array().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Result<u16, Status> {
        self.array().map(u16::from_le_bytes)
    }

    fn u24(&mut self) -> Result<u32, Status> {
        let [a, b, c] = self.array()?;
        Ok(u32::from_le_bytes([a, b, c, 0]))
    }

    fn bool(&mut self) -> Result<bool, Status> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Status::InvalidParameters),
        }
    }

    /// Data preceded by its length; what follows is padding.
    fn data(&mut self) -> Result<Vec<u8>, Status> {
        let len = usize::from(self.u8()?);
        self.0
            .get(..len)
            .map(<[u8]>::to_vec)
            .ok_or(Status::InvalidParameters)
    }

    /// Operation, fragment preference, data. Data in several fragments is more
    /// than fits the sets emulated here.
    fn extended_data(&mut self) -> Result<Vec<u8>, Status> {
        let operation = self.u8()?;
        let _fragment_preference = self.u8()?;
        if operation != COMPLETE_DATA {
            return Err(Status::UnsupportedParameter);
        }
        self.data()
    }

    fn address(&mut self) -> Result<Address, Status> {
        self.array().map(Address::from_hci)
    }

    /// The address type a device uses itself. Types 2 and 3 need a resolving
    /// list, which no controller here announces.
    fn own_address(&mut self) -> Result<AddressType, Status> {
        match self.u8()? {
            0 => Ok(AddressType::Public),
            1 => Ok(AddressType::Random),
            2 | 3 => Err(Status::UnsupportedParameter),
            _ => Err(Status::InvalidParameters),
        }
    }

    fn peer(&mut self) -> Result<PeerAddress, Status> {
        let address_type = match self.u8()? {
            0 => AddressType::Public,
            1 => AddressType::Random,
            _ => return Err(Status::InvalidParameters),
        };
        let address = self.address()?;
        Ok(PeerAddress {
            address_type,
            address,
        })
    }

    fn handle(&mut self) -> Result<u8, Status> {
        match self.u8()? {
            handle @ 0..=HIGHEST_HANDLE => Ok(handle),
            _ => Err(Status::InvalidParameters),
        }
    }

    fn legacy_advertising_parameters(&mut self) -> Result<AdvertisingParameters, Status> {
        let min = u32::from(self.u16()?);
        let max = u32::from(self.u16()?);
        let pdu = match self.u8()? {
            0 => PduKind::AdvInd,
            2 => PduKind::AdvScanInd,
            3 => PduKind::AdvNonconnInd,
            1 | 4 => return Err(Status::UnsupportedParameter),
            _ => return Err(Status::InvalidParameters),
        };
        let own_address = self.own_address()?;
        let _peer: [u8; 7] = self.array()?;
        if max > LONGEST_LEGACY_ADVERTISING_INTERVAL {
            return Err(Status::InvalidParameters);
        }
        self.channel_map()?;
        advertising_parameters(pdu, min, max, own_address)
    }

    fn extended_advertising_parameters(&mut self) -> Result<AdvertisingParameters, Status> {
        const CONNECTABLE: u16 = 1 << 0;
        const SCANNABLE: u16 = 1 << 1;
        const LEGACY: u16 = 1 << 4;
        let pdu = match self.u16()? {
            p if p == LEGACY | CONNECTABLE | SCANNABLE => PduKind::AdvInd,
            p if p == LEGACY | SCANNABLE => PduKind::AdvScanInd,
            LEGACY => PduKind::AdvNonconnInd,
            CONNECTABLE => PduKind::ExtConnectable,
            SCANNABLE => PduKind::ExtScannable,
            0 => PduKind::ExtNonconn,
            p if p == CONNECTABLE | SCANNABLE => return Err(Status::InvalidParameters),
            _ => return Err(Status::UnsupportedParameter),
        };
        let min = self.u24()?;
        let max = self.u24()?;
        self.channel_map()?;
        let own_address = self.own_address()?;
        advertising_parameters(pdu, min, max, own_address)
    }

    /// At least one of the three advertising channels. Which ones is not
    /// emulated: a scanner here hears them all.
    fn channel_map(&mut self) -> Result<(), Status> {
        match self.u8()? & 0b111 {
            0 => Err(Status::InvalidParameters),
            _ => Ok(()),
        }
    }

    fn sets_to_enable(&mut self) -> Result<Vec<SetToEnable>, Status> {
        let count = self.u8()?;
        (0..count)
            .map(|_| {
                let handle = self.handle()?;
                let duration_us = u64::from(self.u16()?) * DURATION_UNIT_US;
                match self.u8()? {
                    0 => Ok(SetToEnable {
                        handle,
                        duration_us,
                    }),
                    // A limit in advertising events is nothing Linux asks for.
                    _ => Err(Status::UnsupportedParameter),
                }
            })
            .collect()
    }

    fn legacy_scan_parameters(&mut self) -> Result<ScanParameters, Status> {
        let active = self.bool()?;
        let interval = self.u16()?;
        let window = self.u16()?;
        let own_address = self.own_address()?;
        let accept_list_only = self.scan_filter_policy()?;
        if !LEGACY_SCAN_SLOTS.contains(&interval) || !LEGACY_SCAN_SLOTS.contains(&window) {
            return Err(Status::InvalidParameters);
        }
        scan_parameters(active, interval, window, own_address, accept_list_only)
    }

    /// Parameters for the LE 1M PHY; those for the coded PHY, on which nobody
    /// here sends, are ignored.
    fn extended_scan_parameters(&mut self) -> Result<ScanParameters, Status> {
        const LE_1M: u8 = 1 << 0;
        let own_address = self.own_address()?;
        let accept_list_only = self.scan_filter_policy()?;
        if self.u8()? & LE_1M == 0 {
            return Err(Status::UnsupportedParameter);
        }
        let active = self.bool()?;
        let interval = self.u16()?;
        let window = self.u16()?;
        scan_parameters(active, interval, window, own_address, accept_list_only)
    }

    fn scan_filter_policy(&mut self) -> Result<bool, Status> {
        match self.u8()? {
            0 | 2 => Ok(false),
            1 | 3 => Ok(true),
            _ => Err(Status::InvalidParameters),
        }
    }

    fn scan_enable(&mut self) -> Result<ScanEnable, Status> {
        let enable = self.bool()?;
        let filter_duplicates = self.bool()?;
        Ok(ScanEnable {
            enable,
            filter_duplicates,
        })
    }
}

fn advertising_parameters(
    pdu: PduKind,
    min: u32,
    max: u32,
    own_address: AddressType,
) -> Result<AdvertisingParameters, Status> {
    if min < SHORTEST_ADVERTISING_INTERVAL || max < min {
        return Err(Status::InvalidParameters);
    }
    Ok(AdvertisingParameters {
        pdu,
        interval_min_us: u64::from(min) * SLOT_US,
        interval_max_us: u64::from(max) * SLOT_US,
        own_address,
    })
}

fn scan_parameters(
    active: bool,
    interval: u16,
    window: u16,
    own_address: AddressType,
    accept_list_only: bool,
) -> Result<ScanParameters, Status> {
    if window == 0 || window > interval {
        return Err(Status::InvalidParameters);
    }
    Ok(ScanParameters {
        active,
        interval_us: u64::from(interval) * SLOT_US,
        window_us: u64::from(window) * SLOT_US,
        own_address,
        accept_list_only,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::opcode::COMMANDS;
    use super::*;

    #[test]
    fn decodes_legacy_advertising_parameters() {
        // 100–150 ms, ADV_NONCONN_IND, random address: what Linux sends.
        let mut bytes = vec![0xA0, 0x00, 0xF0, 0x00, 3, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0];
        let decode = |bytes: &[u8]| Command::decode(Opcode::LE_SET_ADVERTISING_PARAMETERS, bytes);
        assert_eq!(
            decode(&bytes),
            Ok(Command::LeSetAdvertisingParameters(AdvertisingParameters {
                pdu: PduKind::AdvNonconnInd,
                interval_min_us: 100_000,
                interval_max_us: 150_000,
                own_address: AddressType::Random,
            }))
        );
        bytes[0] = 0xF1;
        assert_eq!(decode(&bytes), Err(Status::InvalidParameters), "min > max");
        bytes[0] = 0x1F;
        assert_eq!(
            decode(&bytes),
            Err(Status::InvalidParameters),
            "under 20 ms"
        );
        bytes[0] = 0xA0;
        assert_eq!(
            decode(&bytes[..13]),
            Err(Status::InvalidParameters),
            "short"
        );
    }

    #[test]
    fn decodes_extended_advertising_parameters() {
        let bytes = [
            1, 0x10, 0, 0x40, 0x01, 0, 0xB0, 0x01, 0, 7, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 1, 0, 1,
            0, 0,
        ];
        assert_eq!(
            Command::decode(Opcode::LE_SET_EXTENDED_ADVERTISING_PARAMETERS, &bytes),
            Ok(Command::LeSetExtendedAdvertisingParameters {
                handle: 1,
                parameters: AdvertisingParameters {
                    pdu: PduKind::AdvNonconnInd,
                    interval_min_us: 200_000,
                    interval_max_us: 270_000,
                    own_address: AddressType::Random,
                }
            })
        );
    }

    #[test]
    fn refuses_what_it_does_not_know_or_emulate() {
        assert_eq!(
            Command::decode(Opcode::from_number(0xFC01), &[]),
            Err(Status::UnknownCommand)
        );
        let directed = [0xA0, 0, 0xF0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0];
        assert_eq!(
            Command::decode(Opcode::LE_SET_ADVERTISING_PARAMETERS, &directed),
            Err(Status::UnsupportedParameter)
        );
        let window_over_interval = [1, 0x10, 0, 0x11, 0, 1, 0];
        assert_eq!(
            Command::decode(Opcode::LE_SET_SCAN_PARAMETERS, &window_over_interval),
            Err(Status::InvalidParameters)
        );
    }

    #[test]
    fn advertising_data_is_cut_at_its_length() {
        let mut bytes = vec![3, 2, 1, 4];
        bytes.resize(32, 0);
        assert_eq!(
            Command::decode(Opcode::LE_SET_ADVERTISING_DATA, &bytes),
            Ok(Command::LeSetAdvertisingData {
                data: vec![2, 1, 4]
            })
        );
    }

    proptest! {
        #[test]
        fn any_bytes_decode_or_are_refused(
            row in 0..COMMANDS.len(),
            bytes in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let _ = Command::decode(COMMANDS[row].opcode, &bytes);
        }
    }
}
