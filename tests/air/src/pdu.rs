//! What goes over the air on the advertising channels (Volume 6, Part B, §2.3).

use serde::{Deserialize, Serialize};

use crate::address::{Address, AddressType};

/// The longest data of a legacy advertising PDU.
pub const LEGACY_DATA_LEN: usize = 31;

/// One PDU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pdu {
    /// What kind of PDU it is.
    #[serde(rename = "pdu")]
    pub kind: PduKind,
    /// The sender's address.
    pub address: Address,
    /// Whether the address is public or random.
    pub address_type: AddressType,
    /// The advertising or scan response data: AD structures.
    #[serde(with = "hex")]
    pub data: Vec<u8>,
}

/// The kinds of PDU, with the three extended advertising modes as kinds of
/// their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PduKind {
    /// Legacy: connectable and scannable.
    AdvInd,
    /// Legacy: scannable.
    AdvScanInd,
    /// Legacy: neither connectable nor scannable.
    AdvNonconnInd,
    /// A scanner's question to a scannable advertiser.
    ScanReq,
    /// The advertiser's answer to it.
    ScanRsp,
    /// Extended: connectable.
    ExtConnectable,
    /// Extended: scannable.
    ExtScannable,
    /// Extended: neither connectable nor scannable.
    ExtNonconn,
}

impl PduKind {
    /// Whether a receiver may ask for a connection.
    pub const fn is_connectable(self) -> bool {
        matches!(self, Self::AdvInd | Self::ExtConnectable)
    }

    /// Whether a scanner may ask for more data.
    pub const fn is_scannable(self) -> bool {
        matches!(self, Self::AdvInd | Self::AdvScanInd | Self::ExtScannable)
    }

    /// Whether controllers without extended advertising can receive it.
    pub const fn is_legacy(self) -> bool {
        !matches!(
            self,
            Self::ExtConnectable | Self::ExtScannable | Self::ExtNonconn
        )
    }
}
