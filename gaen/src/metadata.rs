//! The four bytes of metadata an advert carries encrypted (docs/protocol.md §1).

use crate::key::AEM_LEN;

/// What a sender says about its transmission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Which version of the layout was sent.
    pub version: Version,
    /// How well the sender's transmit power is known. Version 1.0 has no such
    /// field; its zero bits read as [`Confidence::Lowest`].
    pub confidence: Confidence,
    /// Transmit power in dBm.
    pub tx_power: i8,
}

/// A metadata version with the one major number this project speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    minor: u8,
}

impl Version {
    /// Version 1.0, written as 0x40.
    pub const V1_0: Self = Self { minor: 0 };
    /// Version 1.1, written as 0x50, which added the calibration confidence.
    pub const V1_1: Self = Self { minor: 1 };

    /// The minor number, 0 to 3.
    pub const fn minor(self) -> u8 {
        self.minor
    }
}

/// How well a device model's transmit power is calibrated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// 0: not calibrated.
    Lowest,
    /// 1: taken from similar devices.
    Low,
    /// 2: taken from the same maker's devices.
    Medium,
    /// 3: this very model was measured.
    High,
}

const MAJOR: u8 = 1;

impl Metadata {
    /// Metadata of version 1.0.
    pub const fn v1_0(tx_power: i8) -> Self {
        Self {
            version: Version::V1_0,
            confidence: Confidence::Lowest,
            tx_power,
        }
    }

    /// Metadata of version 1.1.
    pub const fn v1_1(tx_power: i8, confidence: Confidence) -> Self {
        Self {
            version: Version::V1_1,
            confidence,
            tx_power,
        }
    }

    /// Reads decrypted metadata. `None` when the major version is not 1: nothing
    /// is known about such a layout. Every minor version is taken, and reserved
    /// bits are ignored, so that later senders are still heard.
    pub const fn from_bytes([flags, tx_power, _, _]: [u8; AEM_LEN]) -> Option<Self> {
        if flags >> 6 != MAJOR {
            return None;
        }
        let confidence = match (flags >> 2) & 0b11 {
            0 => Confidence::Lowest,
            1 => Confidence::Low,
            2 => Confidence::Medium,
            _ => Confidence::High,
        };
        Some(Self {
            version: Version {
                minor: (flags >> 4) & 0b11,
            },
            confidence,
            tx_power: tx_power.cast_signed(),
        })
    }

    /// The bytes to encrypt, with reserved bits zero.
    pub const fn to_bytes(self) -> [u8; AEM_LEN] {
        let confidence = match self.confidence {
            Confidence::Lowest => 0,
            Confidence::Low => 1,
            Confidence::Medium => 2,
            Confidence::High => 3,
        };
        [
            MAJOR << 6 | self.version.minor << 4 | confidence << 2,
            self.tx_power.cast_unsigned(),
            0,
            0,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn writes_the_published_bytes() {
        assert_eq!(Metadata::v1_0(8).to_bytes(), [0x40, 8, 0, 0]);
        assert_eq!(Metadata::v1_0(-14).to_bytes(), [0x40, 0xf2, 0, 0]);
        for (confidence, byte) in [
            (Confidence::Lowest, 0x50),
            (Confidence::Low, 0x54),
            (Confidence::Medium, 0x58),
            (Confidence::High, 0x5c),
        ] {
            assert_eq!(
                Metadata::v1_1(-1, confidence).to_bytes(),
                [byte, 0xff, 0, 0]
            );
        }
    }

    #[test]
    fn takes_every_minor_and_refuses_other_majors() {
        for flags in 0..=u8::MAX {
            let read = Metadata::from_bytes([flags, 0x80, 0xaa, 0x55]);
            match flags {
                0x40..=0x7f => {
                    let read = read.unwrap();
                    assert_eq!(read.tx_power, -128);
                    assert_eq!(read.version.minor(), (flags - 0x40) / 16);
                }
                _ => assert_eq!(read, None),
            }
        }
    }

    proptest! {
        #[test]
        fn round_trips(minor in 0u8..4, confidence in 0u8..4, tx_power: i8) {
            let bytes = [0x40 | minor << 4 | confidence << 2, tx_power.cast_unsigned(), 0, 0];
            prop_assert_eq!(Metadata::from_bytes(bytes).unwrap().to_bytes(), bytes);
        }
    }
}
