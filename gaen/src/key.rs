//! The key schedule (docs/protocol.md §1): TEK → RPIK and AEMK → RPI and AEM.
//!
//! Each kind of sixteen bytes is a type of its own, so that a key can never be
//! taken for an identifier. Secrets are wiped when dropped, and nothing here
//! shows its bytes in `Debug`.

mod hkdf;

use core::fmt;

use aes::Aes128Enc;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use rand_core::CryptoRng;
use sesshoku_vector::{Bitmap, GROUP, LANES, Vector};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::time::Interval;

/// Length of every key and identifier, in bytes.
pub const KEY_LEN: usize = 16;
/// Length of the associated encrypted metadata, in bytes.
pub const AEM_LEN: usize = 4;

/// A temporary exposure key (TEK, 日次鍵): the secret of one device for one day.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Tek([u8; KEY_LEN]);

impl Tek {
    /// A new key from `rng`, which must be the operating system's or seeded from it.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; KEY_LEN];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// The key with these bytes, as read from a store or an export.
    pub const fn from_bytes(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes, for storing and for the registration that hands them out.
    pub const fn expose_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// The key that makes this TEK's identifiers.
    pub fn rpik(&self) -> Rpik {
        Rpik(hkdf::derive(&self.0, b"EN-RPIK"))
    }

    /// The keys that make the identifiers of as many TEKs as are dealt with at once.
    pub(crate) fn rpiks(teks: [&Self; LANES], vector: Vector) -> [Rpik; LANES] {
        vector.rpiks(&teks.map(|tek| tek.0)).map(Rpik)
    }

    /// The key that encrypts this TEK's metadata.
    pub fn aemk(&self) -> Aemk {
        Aemk(hkdf::derive(&self.0, b"EN-AEMK"))
    }
}

/// A rolling proximity identifier key (RPIK).
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Rpik([u8; KEY_LEN]);

impl Rpik {
    /// The identifier broadcast in `interval`.
    pub fn rpi(&self, interval: Interval) -> Rpi {
        let mut block = Array::from(padded_data(interval));
        Aes128Enc::new(&self.0.into()).encrypt_block(&mut block);
        Rpi(block.into())
    }

    /// The bytes, for checking against published vectors.
    pub const fn expose_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

/// RPIs of the same intervals for one key after the other.
///
/// What is encrypted is laid out once for all keys, and a key's blocks are encrypted in
/// one call, which lets the processor work on several at a time.
#[derive(Clone)]
pub(crate) struct RpiBatch {
    count: usize,
    /// Those of `count` intervals, and more to the end of the last group.
    padded: Vec<[u8; KEY_LEN]>,
    rpis: Vec<[u8; KEY_LEN]>,
}

impl RpiBatch {
    /// A batch of the RPIs of `intervals`.
    pub(crate) fn new(intervals: &[Interval]) -> Self {
        let mut padded: Vec<_> = intervals.iter().copied().map(padded_data).collect();
        padded.resize(intervals.len().next_multiple_of(GROUP), [0; KEY_LEN]);
        Self {
            count: intervals.len(),
            rpis: padded.clone(),
            padded,
        }
    }

    /// The RPIs of `rpik`'s in the first `count` intervals, or in all if they are fewer.
    pub(crate) fn of(&mut self, rpik: &Rpik, count: usize) -> &[[u8; KEY_LEN]] {
        let count = count.min(self.count);
        let (padded, _) = self.padded.split_at(count);
        let (rpis, _) = self.rpis.split_at_mut(count);
        Aes128Enc::new(&rpik.0.into())
            .encrypt_blocks_b2b(
                Array::cast_slice_from_core(padded),
                Array::cast_slice_from_core_mut(rpis),
            )
            .expect("both are of one length");
        rpis
    }

    /// [`Self::of`], and calls `found` with the place of each that `bitmap` has, and with
    /// some that are behind the last, too.
    pub(crate) fn find(
        &mut self,
        rpik: &Rpik,
        count: usize,
        vector: Vector,
        bitmap: Bitmap<'_>,
        found: impl FnMut(usize),
    ) -> &[[u8; KEY_LEN]] {
        let count = count.min(self.count);
        let (padded, _) = self.padded.split_at(count.next_multiple_of(GROUP));
        let (padded, rpis) = (padded.as_chunks().0, self.rpis.as_chunks_mut().0);
        vector.encrypt_and_find(&rpik.0, padded, rpis, bitmap, found);
        self.rpis.split_at(count).0
    }
}

/// An associated encrypted metadata key (AEMK).
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Aemk([u8; KEY_LEN]);

impl Aemk {
    /// Encrypts `metadata` for broadcasting beside `rpi`.
    pub fn encrypt(&self, rpi: &Rpi, metadata: [u8; AEM_LEN]) -> Aem {
        Aem(self.apply_keystream(rpi, metadata))
    }

    /// The metadata bytes that were broadcast beside `rpi`.
    pub fn decrypt(&self, rpi: &Rpi, aem: &Aem) -> [u8; AEM_LEN] {
        self.apply_keystream(rpi, aem.0)
    }

    /// The bytes, for checking against published vectors.
    pub const fn expose_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// AES-128-CTR with the RPI as initial counter block. Four bytes never reach
    /// a second block, so the keystream is one encryption of the RPI.
    fn apply_keystream(&self, rpi: &Rpi, mut data: [u8; AEM_LEN]) -> [u8; AEM_LEN] {
        let mut keystream = Array::from(rpi.0);
        Aes128Enc::new(&self.0.into()).encrypt_block(&mut keystream);
        for (byte, key) in data.iter_mut().zip(keystream) {
            *byte ^= key;
        }
        data
    }
}

/// A rolling proximity identifier (RPI, 接触符号): what a device broadcasts for
/// ten to twenty minutes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rpi([u8; KEY_LEN]);

impl Rpi {
    /// The identifier with these bytes, as heard.
    pub const fn from_bytes(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes as they go on the air.
    pub const fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

/// Associated encrypted metadata (AEM): four bytes broadcast beside the RPI.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aem([u8; AEM_LEN]);

impl Aem {
    /// The metadata with these encrypted bytes, as heard.
    pub const fn from_bytes(bytes: [u8; AEM_LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes as they go on the air.
    pub const fn as_bytes(&self) -> &[u8; AEM_LEN] {
        &self.0
    }
}

/// "EN-RPI", six zero bytes, the interval number in little-endian order.
const fn padded_data(interval: Interval) -> [u8; KEY_LEN] {
    let mut block = *b"EN-RPI\0\0\0\0\0\0\0\0\0\0";
    let [a, b, c, d] = interval.get().to_le_bytes();
    block[12] = a;
    block[13] = b;
    block[14] = c;
    block[15] = d;
    block
}

macro_rules! redacted_debug {
    ($($name:ident),+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+};
}
redacted_debug!(Tek, Rpik, Aemk, Rpi, Aem);
