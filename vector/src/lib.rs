//! Deriving the identifiers of many keys at once, and looking them up, with the vector
//! instructions of a processor that has them (docs/performance.md).
//!
//! `gaen` matches without this where [`Vector::detect`] finds nothing, and finds the same.
//! This crate is where the workspace's unsafe code for speed is, and each of its functions
//! is safe to call with anything: a [`Vector`] exists only where the instructions do.

mod bitmap;
#[cfg_attr(target_arch = "x86_64", path = "avx512.rs")]
#[cfg_attr(not(target_arch = "x86_64"), path = "none.rs")]
mod instructions;
#[cfg(target_arch = "x86_64")]
mod sha256;

pub use bitmap::Bitmap;

/// Length of keys and identifiers, in bytes.
pub const KEY_LEN: usize = 16;
/// How many TEKs are dealt with at once.
pub const LANES: usize = 16;
/// How many identifiers are looked up at once: there are a multiple of it, always.
pub const GROUP: usize = 16;

type Key = [u8; KEY_LEN];

/// The instructions of this processor, which has all that are needed: AVX-512 and vector AES.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vector(instructions::Detected);

impl Vector {
    /// What this processor has; `None` where that is not enough.
    pub fn detect() -> Option<Self> {
        instructions::detect().map(Self)
    }

    /// The RPIK of each of `teks`: the first 16 bytes of HKDF-SHA256 without a salt, for
    /// "EN-RPIK".
    pub fn rpiks(self, teks: &[Key; LANES]) -> [Key; LANES] {
        instructions::rpiks(self.0, teks)
    }

    /// Encrypts `blocks` with AES-128 into `encrypted`, and calls `found` with the place of
    /// each that is set in `bitmap`, in order. What is in one of the two and has no place in
    /// the other stays as it is.
    pub fn encrypt_and_find(
        self,
        rpik: &Key,
        blocks: &[[Key; GROUP]],
        encrypted: &mut [[Key; GROUP]],
        bitmap: Bitmap<'_>,
        found: impl FnMut(usize),
    ) {
        instructions::encrypt_and_find(self.0, rpik, blocks, encrypted, bitmap, found);
    }
}
