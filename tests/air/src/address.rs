//! Device addresses (Volume 6, Part B, §1.3).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A 48-bit device address, most significant octet first, as it is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Address([u8; 6]);

impl Address {
    /// The address with these octets, most significant first.
    pub const fn new(octets: [u8; 6]) -> Self {
        Self(octets)
    }

    /// The address as HCI carries it, least significant octet first.
    pub const fn from_hci(octets: [u8; 6]) -> Self {
        let [f, e, d, c, b, a] = octets;
        Self([a, b, c, d, e, f])
    }

    /// Its octets as HCI carries them.
    pub const fn to_hci(self) -> [u8; 6] {
        let [a, b, c, d, e, f] = self.0;
        [f, e, d, c, b, a]
    }

    /// A non-resolvable private address with these random bits: the two most
    /// significant bits are zero.
    pub const fn non_resolvable(mut random: [u8; 6]) -> Self {
        random[0] &= 0x3F;
        Self(random)
    }

    /// What kind of random address it is; meaningless for a public one.
    pub const fn random_kind(self) -> RandomKind {
        match self.0[0] >> 6 {
            0b00 => RandomKind::NonResolvablePrivate,
            0b01 => RandomKind::ResolvablePrivate,
            0b11 => RandomKind::Static,
            _ => RandomKind::Reserved,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{g:02X}")
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not six pairs of hexadecimal digits joined by colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a device address")]
pub struct NotAnAddress;

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let mut octets = [0; 6];
        let mut parts = text.split(':');
        for octet in &mut octets {
            let part = parts.next().filter(|part| part.len() == 2);
            *octet = part
                .and_then(|part| u8::from_str_radix(part, 16).ok())
                .ok_or(NotAnAddress)?;
        }
        match parts.next() {
            None => Ok(Self(octets)),
            Some(_) => Err(NotAnAddress),
        }
    }
}

impl TryFrom<String> for Address {
    type Error = NotAnAddress;

    fn try_from(text: String) -> Result<Self, NotAnAddress> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

/// Whether an address is a registered one or a random one: the bit sent with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressType {
    /// A public device address: the identity of the device.
    Public,
    /// A random device address.
    Random,
}

/// The kinds of random device address (Volume 6, Part B, §1.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RandomKind {
    /// Fresh and meaningless.
    NonResolvablePrivate,
    /// Looks fresh, and tells those who hold the device's key who it is.
    ResolvablePrivate,
    /// Stays for a power cycle at least: an identity.
    Static,
    /// Not a valid random address.
    Reserved,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_the_same_text() {
        let address: Address = "0A:1B:2C:3D:4E:5F".parse().unwrap();
        assert_eq!(address.to_string(), "0A:1B:2C:3D:4E:5F");
        assert_eq!(address.to_hci(), [0x5F, 0x4E, 0x3D, 0x2C, 0x1B, 0x0A]);
        assert_eq!(Address::from_hci(address.to_hci()), address);
        for wrong in [
            "",
            "0A:1B:2C:3D:4E",
            "0A:1B:2C:3D:4E:5F:60",
            "A:1B:2C:3D:4E:5F",
            "0A:1B:2C:3D:4E:XX",
        ] {
            assert_eq!(wrong.parse::<Address>(), Err(NotAnAddress), "{wrong:?}");
        }
    }

    #[test]
    fn tells_the_kinds_apart_by_the_two_highest_bits() {
        for (first, kind) in [
            (0x00, RandomKind::NonResolvablePrivate),
            (0x3F, RandomKind::NonResolvablePrivate),
            (0x40, RandomKind::ResolvablePrivate),
            (0x80, RandomKind::Reserved),
            (0xC0, RandomKind::Static),
        ] {
            assert_eq!(Address::new([first, 1, 2, 3, 4, 5]).random_kind(), kind);
        }
        assert_eq!(
            Address::non_resolvable([0xFF; 6]).random_kind(),
            RandomKind::NonResolvablePrivate
        );
    }
}
