//! DEFLATE (RFC 1951), decoded strictly.
//!
//! Decoders in general overlook bits that mean nothing: the padding before stored
//! blocks and after the last block. Here they must be zero, as every encoder
//! writes them, so that no bit of a compressed file can be changed unnoticed.
//! That is why this is not left to a library: the safe ones do not tell where in a
//! byte a block ends, so that its padding cannot be looked at from outside.

/// Why a stream is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    /// It ends within a block.
    #[error("the compressed data is cut short")]
    Truncated,
    /// It goes on after the last block.
    #[error("the compressed data goes on after its end")]
    Trailing,
    /// Padding that is not zero.
    #[error("the compressed data has bits set in its padding")]
    Padding,
    /// A block type, code, length or distance that does not exist.
    #[error("the compressed data is invalid")]
    Invalid,
    /// It holds more, or less, than was said.
    #[error("the compressed data does not hold as much as it says")]
    WrongLength,
}

/// Decodes `compressed`, which must hold exactly `length` bytes and no more than
/// the stream itself.
pub(super) fn inflate(compressed: &[u8], length: usize) -> Result<Vec<u8>, InflateError> {
    let mut bits = Bits::new(compressed);
    let mut out = Output {
        bytes: Vec::new(),
        length,
    };
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => stored_block(&mut bits, &mut out)?,
            1 => compressed_block(&mut bits, &mut out, &Codes::fixed()?)?,
            2 => {
                let codes = Codes::read(&mut bits)?;
                compressed_block(&mut bits, &mut out, &codes)?;
            }
            _ => return Err(InflateError::Invalid),
        }
        if last {
            break;
        }
    }
    bits.skip_padding()?;
    if !bits.is_at_end() {
        return Err(InflateError::Trailing);
    }
    if out.bytes.len() != length {
        return Err(InflateError::WrongLength);
    }
    Ok(out.bytes)
}

const MAX_CODE_LEN: usize = 15;
/// Codes up to this length are looked up in one step.
const FAST_BITS: u32 = 10;
const LITERALS: usize = 288;
const DISTANCES: usize = 32;
const END_OF_BLOCK: u16 = 256;
const FIRST_LENGTH: u16 = 257;

const LENGTH_BASES: [u16; 29] = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
    163, 195, 227, 258,
];
const LENGTH_EXTRA_BITS: [u32; 29] = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];
const DISTANCE_BASES: [u16; 30] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537,
    2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
];
const DISTANCE_EXTRA_BITS: [u32; 30] = [
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13,
    13,
];
/// In which order the lengths of the code for code lengths are written.
const CODE_LENGTH_ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

fn stored_block(bits: &mut Bits<'_>, out: &mut Output) -> Result<(), InflateError> {
    bits.skip_padding()?;
    let length = bits.take(16)?;
    let complement = bits.take(16)?;
    if length != !complement & 0xffff {
        return Err(InflateError::Invalid);
    }
    for _ in 0..length {
        out.push(low_byte(bits.take(8)?))?;
    }
    Ok(())
}

fn compressed_block(
    bits: &mut Bits<'_>,
    out: &mut Output,
    codes: &Codes,
) -> Result<(), InflateError> {
    loop {
        let symbol = codes.literals.decode(bits)?;
        if symbol == END_OF_BLOCK {
            return Ok(());
        }
        if symbol < END_OF_BLOCK {
            out.push(low_byte(symbol.into()))?;
            continue;
        }
        let length = value(
            bits,
            symbol - FIRST_LENGTH,
            &LENGTH_BASES,
            &LENGTH_EXTRA_BITS,
        )?;
        let symbol = codes.distances.decode(bits)?;
        let distance = value(bits, symbol, &DISTANCE_BASES, &DISTANCE_EXTRA_BITS)?;
        out.repeat(distance, length)?;
    }
}

/// The length or distance a symbol stands for.
fn value(
    bits: &mut Bits<'_>,
    symbol: u16,
    bases: &[u16],
    extra_bits: &[u32],
) -> Result<usize, InflateError> {
    let index = usize::from(symbol);
    let (Some(&base), Some(&extra)) = (bases.get(index), extra_bits.get(index)) else {
        return Err(InflateError::Invalid);
    };
    Ok(usize::from(base) + to_usize(bits.take(extra)?))
}

/// The two Huffman codes of a block.
struct Codes {
    literals: Code,
    distances: Code,
}

impl Codes {
    fn fixed() -> Result<Self, InflateError> {
        let mut literals = [8; LITERALS];
        for (symbol, length) in literals.iter_mut().enumerate() {
            *length = match symbol {
                144..=255 => 9,
                256..=279 => 7,
                _ => 8,
            };
        }
        Ok(Self {
            literals: Code::new(&literals)?,
            distances: Code::new(&[5; DISTANCES])?,
        })
    }

    fn read(bits: &mut Bits<'_>) -> Result<Self, InflateError> {
        let literals = to_usize(bits.take(5)?) + 257;
        let distances = to_usize(bits.take(5)?) + 1;
        let code_lengths = to_usize(bits.take(4)?) + 4;
        if literals > 286 || distances > 30 {
            return Err(InflateError::Invalid);
        }
        let mut lengths = [0; 19];
        for &symbol in CODE_LENGTH_ORDER.iter().take(code_lengths) {
            if let Some(length) = lengths.get_mut(symbol) {
                *length = low_byte(bits.take(3)?);
            }
        }
        let code = Code::new(&lengths)?;
        let lengths = read_lengths(bits, &code, literals + distances)?;
        let (literals, distances) = lengths
            .split_at_checked(literals)
            .ok_or(InflateError::Invalid)?;
        Ok(Self {
            literals: Code::new(literals)?,
            distances: Code::new(distances)?,
        })
    }
}

/// Reads `count` code lengths, written with the runs of RFC 1951, §3.2.7.
fn read_lengths(bits: &mut Bits<'_>, code: &Code, count: usize) -> Result<Vec<u8>, InflateError> {
    let mut lengths: Vec<u8> = Vec::with_capacity(count);
    while lengths.len() < count {
        let (length, repeats) = match code.decode(bits)? {
            16 => {
                let &previous = lengths.last().ok_or(InflateError::Invalid)?;
                (previous, 3 + bits.take(2)?)
            }
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (low_byte(length.into()), 1),
        };
        lengths.extend(core::iter::repeat_n(length, to_usize(repeats)));
    }
    if lengths.len() > count {
        return Err(InflateError::Invalid);
    }
    Ok(lengths)
}

/// A canonical Huffman code.
struct Code {
    /// For every possible next [`FAST_BITS`] bits: the symbol and the length of its
    /// code, or length 0 where the code is longer.
    fast: Vec<(u16, u8)>,
    /// How many codes there are of each length.
    counts: [u16; MAX_CODE_LEN + 1],
    /// The symbols, by code.
    symbols: Vec<u16>,
}

impl Code {
    /// The code in which symbol number i has length `lengths[i]`, 0 for none.
    ///
    /// Refused unless it is complete. Two exceptions, of RFC 1951, §3.2.7, serve
    /// blocks with one distance or none: a single code of length 1, and no code.
    fn new(lengths: &[u8]) -> Result<Self, InflateError> {
        let mut counts = [0_u16; MAX_CODE_LEN + 1];
        for &length in lengths {
            *counts
                .get_mut(usize::from(length))
                .ok_or(InflateError::Invalid)? += 1;
        }
        let [unused, used_counts @ ..] = &mut counts;
        *unused = 0;

        let mut left = 1_i32;
        let mut used = 0_u16;
        for &count in used_counts.iter() {
            left = (left << 1) - i32::from(count);
            if left < 0 {
                return Err(InflateError::Invalid);
            }
            used += count;
        }
        let single = used == 1 && used_counts.first() == Some(&1);
        if left != 0 && !single && used != 0 {
            return Err(InflateError::Invalid);
        }

        let mut by_code: Vec<(u8, u16)> = (0_u16..)
            .zip(lengths)
            .filter(|&(_, &length)| length != 0)
            .map(|(symbol, &length)| (length, symbol))
            .collect();
        by_code.sort_unstable();
        let mut code = Self {
            fast: vec![(0, 0); 1 << FAST_BITS],
            counts,
            symbols: by_code.iter().map(|&(_, symbol)| symbol).collect(),
        };
        code.fill_fast(&by_code);
        Ok(code)
    }

    fn fill_fast(&mut self, by_code: &[(u8, u16)]) {
        // Codes of one length are consecutive numbers, and go on from those of the
        // length before, one bit longer.
        let mut next = 0_u32;
        let mut previous_length = 0_u32;
        for &(length, symbol) in by_code {
            let bits = u32::from(length);
            if bits > FAST_BITS {
                break;
            }
            next <<= bits - previous_length;
            previous_length = bits;
            // The stream holds a code's first bit lowest.
            let first = to_usize(next.reverse_bits() >> (u32::BITS - bits));
            for entry in self.fast.iter_mut().skip(first).step_by(1 << bits) {
                *entry = (symbol, length);
            }
            next += 1;
        }
    }

    fn decode(&self, bits: &mut Bits<'_>) -> Result<u16, InflateError> {
        let index = to_usize(bits.peek(FAST_BITS));
        if let Some(&(symbol, length)) = self.fast.get(index)
            && length != 0
        {
            bits.take(length.into())?;
            return Ok(symbol);
        }
        self.decode_slowly(bits)
    }

    /// Bit by bit, for long codes and for ones that do not exist.
    fn decode_slowly(&self, bits: &mut Bits<'_>) -> Result<u16, InflateError> {
        let mut code = 0_u32;
        let mut first_code = 0_u32;
        let mut first_index = 0_u32;
        for &count in self.counts.iter().skip(1) {
            code |= bits.take(1)?;
            let count = u32::from(count);
            if let Some(offset) = code.checked_sub(first_code)
                && offset < count
            {
                return self
                    .symbols
                    .get(to_usize(first_index + offset))
                    .copied()
                    .ok_or(InflateError::Invalid);
            }
            first_index += count;
            first_code = (first_code + count) << 1;
            code <<= 1;
        }
        Err(InflateError::Invalid)
    }
}

/// What was decoded, never more than was said.
struct Output {
    bytes: Vec<u8>,
    length: usize,
}

impl Output {
    fn push(&mut self, byte: u8) -> Result<(), InflateError> {
        if self.bytes.len() >= self.length {
            return Err(InflateError::WrongLength);
        }
        self.bytes.push(byte);
        Ok(())
    }

    /// Repeats `length` bytes from `distance` bytes back; the two may overlap.
    fn repeat(&mut self, distance: usize, length: usize) -> Result<(), InflateError> {
        for _ in 0..length {
            let from = self.bytes.len().checked_sub(distance);
            let byte = from.and_then(|index| self.bytes.get(index).copied());
            self.push(byte.ok_or(InflateError::Invalid)?)?;
        }
        Ok(())
    }
}

/// Bits of a stream, the lowest of each byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            held: 0,
            count: 0,
        }
    }

    /// The next `count` bits, up to 16, without taking them; zeros after the end.
    fn peek(&mut self, count: u32) -> u32 {
        self.fill();
        low_bits(self.held, count)
    }

    /// Takes `count` bits, up to 16.
    fn take(&mut self, count: u32) -> Result<u32, InflateError> {
        self.fill();
        if self.count < count {
            return Err(InflateError::Truncated);
        }
        let taken = low_bits(self.held, count);
        self.held >>= count;
        self.count -= count;
        Ok(taken)
    }

    /// Takes the bits up to the next whole byte, which must be zero.
    fn skip_padding(&mut self) -> Result<(), InflateError> {
        match self.take(self.count % 8)? {
            0 => Ok(()),
            _ => Err(InflateError::Padding),
        }
    }

    const fn is_at_end(&self) -> bool {
        self.bytes.is_empty() && self.count == 0
    }

    fn fill(&mut self) {
        while self.count <= 48
            && let Some((&byte, rest)) = self.bytes.split_first()
        {
            self.held |= u64::from(byte) << self.count;
            self.count += 8;
            self.bytes = rest;
        }
    }
}

fn low_bits(held: u64, count: u32) -> u32 {
    u32::try_from(held & ((1 << count) - 1)).expect("at most 16 bits are asked for")
}

fn low_byte(value: u32) -> u8 {
    let [byte, ..] = value.to_le_bytes();
    byte
}

fn to_usize(value: u32) -> usize {
    usize::try_from(value).expect("usize has 32 bits or more on every supported system")
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use proptest::prelude::*;
    use zip::write::SimpleFileOptions;

    use super::*;

    /// Bits as they stand in RFC 1951: numbers lowest bit first, codes as they are.
    #[derive(Default)]
    struct Writer {
        bits: Vec<bool>,
    }

    impl Writer {
        fn number(mut self, value: u32, count: u32) -> Self {
            self.bits
                .extend((0..count).map(|bit| value >> bit & 1 == 1));
            self
        }

        fn code(mut self, text: &str) -> Self {
            self.bits.extend(text.chars().map(|bit| bit == '1'));
            self
        }

        fn bytes(&self) -> Vec<u8> {
            let byte = |bits: &[bool]| {
                bits.iter()
                    .rev()
                    .fold(0, |byte, &bit| byte << 1 | u8::from(bit))
            };
            self.bits.chunks(8).map(byte).collect()
        }
    }

    /// The last block, with the fixed codes, in which 'a' is 10010001.
    fn fixed() -> Writer {
        Writer::default().number(1, 1).number(1, 2)
    }

    const A: &str = "10010001";
    const END: &str = "0000000";

    #[test]
    fn decodes_the_fixed_codes() {
        let stream = fixed().code(A).code(END).bytes();
        assert_eq!(inflate(&stream, 1).unwrap(), b"a");
        // Length 3 (0000001), distance 1 (00000).
        let stream = fixed().code(A).code("000000100000").code(END).bytes();
        assert_eq!(inflate(&stream, 4).unwrap(), b"aaaa");
    }

    #[test]
    fn refuses_what_is_not_to_the_bit() {
        use InflateError::{Invalid, Padding, Trailing, Truncated, WrongLength};
        let one_a = fixed().code(A).code(END);
        let trailing = [&one_a.bytes()[..], b"\0"].concat();
        let stored = |padding: u32, length: u32, complement: u32| {
            let header = Writer::default()
                .number(1, 1)
                .number(0, 2)
                .number(padding, 5);
            header
                .number(length, 16)
                .number(complement, 16)
                .number(0x61, 8)
                .bytes()
        };
        assert_eq!(inflate(&stored(0, 1, 0xfffe), 1).unwrap(), b"a");
        for (stream, expected, what) in [
            (Vec::new(), Truncated, "nothing"),
            (fixed().code(A).bytes(), Truncated, "no end of block"),
            (trailing, Trailing, "a byte too many"),
            (
                fixed().code(A).code(END).number(1, 1).bytes(),
                Padding,
                "padding at the end",
            ),
            (
                stored(1, 1, 0xfffe),
                Padding,
                "padding before a stored block",
            ),
            (
                stored(0, 1, 0xffff),
                Invalid,
                "a stored length unlike its complement",
            ),
            (stored(0, 2, 0xfffd), Truncated, "a stored block cut short"),
            (fixed().code(END).bytes(), WrongLength, "less than was said"),
            (
                fixed().code(A).code(A).code(END).bytes(),
                WrongLength,
                "one more than was said",
            ),
            (
                Writer::default().number(1, 1).number(3, 2).bytes(),
                Invalid,
                "block type 3",
            ),
            (
                fixed().code("000000100000").bytes(),
                Invalid,
                "a distance before the start",
            ),
            (
                fixed().code(A).code("000000111110").bytes(),
                Invalid,
                "distance symbol 30",
            ),
            (
                fixed().code("11000110").bytes(),
                Invalid,
                "length symbol 286",
            ),
        ] {
            assert_eq!(inflate(&stream, 1), Err(expected), "{what}");
        }
    }

    #[test]
    fn refuses_codes_that_do_not_add_up() {
        for (lengths, valid, what) in [
            (&[1, 1][..], true, "complete"),
            (&[1, 2, 2], true, "complete"),
            (&[0, 1], true, "a single code"),
            (&[0, 0], true, "no code"),
            (&[2], false, "a single code of two bits"),
            (&[1, 2], false, "incomplete"),
            (&[1, 1, 1], false, "oversubscribed"),
            (&[15; 3], false, "incomplete and long"),
        ] {
            assert_eq!(Code::new(lengths).is_ok(), valid, "{what}");
        }
        // Lengths 1, 2, … 14, 15, 15: longer than is looked up in one step.
        let mut lengths: Vec<u8> = (1..=15).collect();
        lengths.push(15);
        let code = Code::new(&lengths).unwrap();
        for (symbol, text) in [
            (0, "0".to_owned()),
            (13, "1".repeat(13) + "0"),
            (15, "1".repeat(15)),
        ] {
            let stream = Writer::default().code(&text).bytes();
            assert_eq!(code.decode(&mut Bits::new(&stream)), Ok(symbol));
        }
    }

    /// `content` as a library compresses it.
    fn deflate(content: &[u8], level: i64) -> Vec<u8> {
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated)
            .compression_level(Some(level));
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file("x", options).unwrap();
        writer.write_all(content).unwrap();
        let mut archive = zip::ZipArchive::new(writer.finish().unwrap()).unwrap();
        let mut raw = Vec::new();
        std::io::Read::read_to_end(&mut archive.by_index_raw(0).unwrap(), &mut raw).unwrap();
        raw
    }

    proptest! {
        #[test]
        fn decodes_what_a_library_compresses(
            seed in prop::collection::vec((any::<u8>(), 1..400_usize), 0..60),
            noise in prop::collection::vec(any::<u8>(), 0..3000),
            spread in 1..64_usize,
            level in 1..=9_i64,
        ) {
            let mut content: Vec<u8> = seed
                .into_iter()
                .flat_map(|(byte, count)| std::iter::repeat_n(byte, count))
                .collect();
            content.extend(&noise);
            content.extend(noise.iter().map(|&byte| byte / 8).step_by(spread));
            content.extend_from_within(..);
            let compressed = deflate(&content, level);
            prop_assert_eq!(inflate(&compressed, content.len()).unwrap(), content);
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), length in 0..2000_usize) {
            if let Ok(content) = inflate(&bytes, length) {
                prop_assert_eq!(content.len(), length);
            }
        }
    }
}
