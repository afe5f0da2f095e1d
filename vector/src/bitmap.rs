//! What identifiers are looked up in.

/// A bitmap to look identifiers up in: by as many of their first 32 bits, in little-endian
/// order, as tell its bits apart.
#[derive(Clone, Copy, Debug)]
pub struct Bitmap<'a> {
    words: &'a [u64],
    mask: u32,
}

impl<'a> Bitmap<'a> {
    /// The bitmap of `words`, the lowest bit of the first being bit 0; `None` if they are
    /// not a power of two of them, or more than 32 bits can tell apart.
    pub fn new(words: &'a [u64]) -> Option<Self> {
        let bits = u64::try_from(words.len()).ok()?.checked_mul(64)?;
        let mask = u32::try_from(bits.checked_sub(1)?).ok()?;
        bits.is_power_of_two().then_some(Self { words, mask })
    }

    /// A power of two of them.
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "nothing looks into it")
    )]
    pub(crate) const fn words(self) -> &'a [u64] {
        self.words
    }

    /// The number of its last bit, in which all bits are set that tell its bits apart.
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "nothing looks into it")
    )]
    pub(crate) const fn mask(self) -> u32 {
        self.mask
    }
}
