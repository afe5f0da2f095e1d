//! The Host Controller Interface: packets between the kernel and a controller
//! (Bluetooth Core Specification, Volume 4, Part E; numbers in comments are its
//! sections).
//!
//! [`command`] decodes what the kernel sends, [`event`] builds what it is sent
//! back, and [`opcode`] names the commands a controller of each kind supports.

pub mod command;
pub mod event;
pub mod opcode;

use serde::{Deserialize, Serialize};

/// The packet type octet that precedes a command (Volume 4, Part A, §2).
pub const COMMAND_PACKET: u8 = 0x01;
/// The packet type octet that precedes an event.
pub const EVENT_PACKET: u8 = 0x04;

/// The status a command is answered with (Volume 1, Part F).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// 0x00
    Success,
    /// 0x01
    UnknownCommand,
    /// 0x07
    MemoryCapacityExceeded,
    /// 0x0C
    CommandDisallowed,
    /// 0x11
    UnsupportedParameter,
    /// 0x12
    InvalidParameters,
    /// 0x42
    UnknownAdvertisingIdentifier,
}

impl Status {
    /// The octet that stands for it.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0x00,
            Self::UnknownCommand => 0x01,
            Self::MemoryCapacityExceeded => 0x07,
            Self::CommandDisallowed => 0x0C,
            Self::UnsupportedParameter => 0x11,
            Self::InvalidParameters => 0x12,
            Self::UnknownAdvertisingIdentifier => 0x42,
        }
    }
}
