//! `/dev/vhci`: behind each open file is one controller.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use air::hci::COMMAND_PACKET;
use air::hci::opcode::Opcode;
use nix::fcntl::OFlag;

/// Packets of the driver itself (drivers/bluetooth/hci_vhci.c).
const VENDOR_PACKET: u8 = 0xFF;
/// Asks the driver for an ordinary controller.
const CREATE_PRIMARY: u8 = 0x00;

/// An open file. Closing it pulls the controller out.
#[derive(Debug)]
pub(crate) struct Vhci(File);

/// A packet from the kernel.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FromKernel {
    /// The controller is hci`n` now.
    Created(u16),
    /// A command with its parameters.
    Command(Opcode, Vec<u8>),
    /// Anything else, such as data for connections, of which there are none.
    Other,
}

impl Vhci {
    /// Puts a controller in.
    pub(crate) fn open() -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open("/dev/vhci")?;
        file.write_all(&[VENDOR_PACKET, CREATE_PRIMARY])?;
        Ok(Self(file))
    }

    /// The next packet, when there is one.
    pub(crate) fn receive(&mut self) -> io::Result<Option<FromKernel>> {
        const LONGEST_PACKET: usize = 2048;
        let mut buffer = [0; LONGEST_PACKET];
        match self.0.read(&mut buffer) {
            Ok(len) => Ok(Some(parse(&buffer[..len]))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends a packet: the driver takes it whole.
    pub(crate) fn send(&mut self, packet: &[u8]) -> io::Result<()> {
        self.0.write_all(packet)
    }
}

impl AsFd for Vhci {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn parse(packet: &[u8]) -> FromKernel {
    match *packet {
        [VENDOR_PACKET, _, low, high] => FromKernel::Created(u16::from_le_bytes([low, high])),
        [COMMAND_PACKET, low, high, len, ref rest @ ..] => {
            let parameters = &rest[..usize::from(len).min(rest.len())];
            let opcode = Opcode::from_number(u16::from_le_bytes([low, high]));
            FromKernel::Command(opcode, parameters.to_vec())
        }
        _ => FromKernel::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_driver_s_packets_from_commands() {
        assert_eq!(parse(&[0xFF, 0, 3, 0]), FromKernel::Created(3));
        assert_eq!(
            parse(&[0x01, 0x0A, 0x20, 1, 1]),
            FromKernel::Command(Opcode::LE_SET_ADVERTISING_ENABLE, vec![1])
        );
        assert_eq!(parse(&[0x02, 0, 0]), FromKernel::Other);
        assert_eq!(parse(&[]), FromKernel::Other);
    }
}
