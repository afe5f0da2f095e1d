//! AVX-512 with vector AES: sixteen hashes, and four blocks of AES, in an instruction.
//!
//! A register holds a word of each of sixteen hashes, so that rounds are those of the
//! standard, sixteen times at once.

use core::arch::x86_64::*;

use crate::sha256::{
    AFTER_INNER_PAD, AFTER_OUTER_PAD, BITS_WITH_HASH, BITS_WITH_TEK, END, INFO_ROUNDS, INITIAL,
    INNER_PAD, OUTER_PAD, ROUNDS,
};
use crate::{Bitmap, GROUP, Key, LANES};

/// The processor has every feature that functions here ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Detected(());

/// Whether it has: every feature that stands in a `target_feature` below.
pub(crate) fn detect() -> Option<Detected> {
    let has_all = is_x86_feature_detected!("aes")
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("vaes");
    has_all.then_some(Detected(()))
}

/// [`crate::Vector::rpiks`].
pub(crate) fn rpiks(_: Detected, teks: &[Key; LANES]) -> [Key; LANES] {
    // SAFETY: the processor has the features.
    unsafe { hkdf(teks) }
}

/// [`crate::Vector::encrypt_and_find`].
pub(crate) fn encrypt_and_find(
    _: Detected,
    rpik: &Key,
    blocks: &[[Key; GROUP]],
    encrypted: &mut [[Key; GROUP]],
    bitmap: Bitmap<'_>,
    mut found: impl FnMut(usize),
) {
    let mut report = |places: [(usize, u16); 3]| {
        for (first, mut bits) in places {
            while bits != 0 {
                let place = usize::try_from(bits.trailing_zeros()).unwrap_or(0);
                found(first * GROUP + place);
                bits &= bits - 1;
            }
        }
    };
    // SAFETY: the processor has the features.
    let keys = unsafe { round_keys(rpik) };
    let both = blocks.len().min(encrypted.len());
    let (blocks, _) = blocks.split_at(both);
    let (encrypted, _) = encrypted.split_at_mut(both);
    // Three groups at a time keep all of the processor busy.
    let (blocks_by_three, blocks_rest) = blocks.as_chunks::<3>();
    let (encrypted_by_three, encrypted_rest) = encrypted.as_chunks_mut::<3>();
    let threes = blocks_by_three.iter().zip(encrypted_by_three);
    let mut first = 0;
    for (from, to) in threes {
        // SAFETY: the processor has the features.
        let [a, b, c] = unsafe { encrypt_and_look_up(&keys, from, to, bitmap) };
        report([(first, a), (first + 1, b), (first + 2, c)]);
        first += 3;
    }
    for (from, to) in blocks_rest.iter().zip(encrypted_rest) {
        let (from, to) = (core::array::from_ref(from), core::array::from_mut(to));
        // SAFETY: the processor has the features.
        let [bits] = unsafe { encrypt_and_look_up(&keys, from, to, bitmap) };
        report([(first, bits), (first, 0), (first, 0)]);
        first += 1;
    }
}

/// A word of each hash.
type Words = __m512i;

#[target_feature(enable = "avx512f,avx512bw")]
fn hkdf(teks: &[Key; LANES]) -> [Key; LANES] {
    let mut tek_words = [[0; LANES]; 4];
    for (lane, tek) in teks.iter().enumerate() {
        for (words, bytes) in tek_words.iter_mut().zip(tek.as_chunks().0) {
            words[lane] = u32::from_be_bytes(*bytes);
        }
    }
    let zero = _mm512_setzero_si512();
    let all = |word: u32| _mm512_set1_epi32(word.cast_signed());

    let mut block = [zero; 16];
    for (word, lanes) in block.iter_mut().zip(&tek_words) {
        *word = load(lanes);
    }
    block[4] = all(END);
    block[15] = all(BITS_WITH_TEK);
    let inner = compress(broadcast(&AFTER_INNER_PAD), block);
    let key = compress(broadcast(&AFTER_OUTER_PAD), last_block(inner));

    let padded = |pad| {
        let mut block = [all(pad); 16];
        for (word, key) in block.iter_mut().zip(key) {
            *word = _mm512_xor_si512(*word, key);
        }
        block
    };
    let inner = compress(broadcast(&INITIAL), padded(INNER_PAD));
    let inner = compress_info(inner);
    let outer = compress(broadcast(&INITIAL), padded(OUTER_PAD));
    let outer = compress(outer, last_block(inner));

    let mut rpiks = [[0; 16]; LANES];
    let [a, b, c, d, ..] = outer;
    for (place, words) in [a, b, c, d].map(|words| store(words)).iter().enumerate() {
        for (rpik, word) in rpiks.iter_mut().zip(words) {
            rpik.as_chunks_mut().0[place] = word.to_be_bytes();
        }
    }
    rpiks
}

/// The block that ends a message of a padded key and `hash`.
#[inline]
#[target_feature(enable = "avx512f")]
fn last_block(hash: [Words; 8]) -> [Words; 16] {
    let zero = _mm512_setzero_si512();
    let [a, b, c, d, e, f, g, h] = hash;
    let end = _mm512_set1_epi32(END.cast_signed());
    let bits = _mm512_set1_epi32(BITS_WITH_HASH.cast_signed());
    [
        a, b, c, d, e, f, g, h, end, zero, zero, zero, zero, zero, zero, bits,
    ]
}

#[inline]
#[target_feature(enable = "avx512f")]
fn broadcast(state: &[u32; 8]) -> [Words; 8] {
    state.map(|word| _mm512_set1_epi32(word.cast_signed()))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn compress(before: [Words; 8], mut block: [Words; 16]) -> [Words; 8] {
    let mut state = before;
    for (sixteen, constants) in ROUNDS.as_chunks::<16>().0.iter().enumerate() {
        for (at, &constant) in constants.iter().enumerate() {
            if sixteen > 0 {
                let early = block[(at + 1) % 16];
                let early = xor(
                    _mm512_ror_epi32::<7>(early),
                    _mm512_ror_epi32::<18>(early),
                    _mm512_srli_epi32::<3>(early),
                );
                let late = block[(at + 14) % 16];
                let late = xor(
                    _mm512_ror_epi32::<17>(late),
                    _mm512_ror_epi32::<19>(late),
                    _mm512_srli_epi32::<10>(late),
                );
                let word = _mm512_add_epi32(block[at], early);
                let others = _mm512_add_epi32(block[(at + 9) % 16], late);
                block[at] = _mm512_add_epi32(word, others);
            }
            let constant = _mm512_set1_epi32(constant.cast_signed());
            state = round(state, _mm512_add_epi32(block[at], constant));
        }
    }
    add(before, state)
}

/// [`compress`] of the block that is the same for all keys.
#[inline]
#[target_feature(enable = "avx512f")]
fn compress_info(before: [Words; 8]) -> [Words; 8] {
    let mut state = before;
    for word in INFO_ROUNDS {
        state = round(state, _mm512_set1_epi32(word.cast_signed()));
    }
    add(before, state)
}

/// A round, where `word` is the message's and the round's constant.
#[inline]
#[target_feature(enable = "avx512f")]
fn round([a, b, c, d, e, f, g, h]: [Words; 8], word: Words) -> [Words; 8] {
    // What a function of three bits is for each of their eight values.
    const CHOICE: i32 = 0xca;
    const MAJORITY: i32 = 0xe8;
    let sum = xor(
        _mm512_ror_epi32::<6>(e),
        _mm512_ror_epi32::<11>(e),
        _mm512_ror_epi32::<25>(e),
    );
    let choice = _mm512_ternarylogic_epi32::<CHOICE>(e, f, g);
    let first = _mm512_add_epi32(_mm512_add_epi32(h, word), _mm512_add_epi32(sum, choice));
    let sum = xor(
        _mm512_ror_epi32::<2>(a),
        _mm512_ror_epi32::<13>(a),
        _mm512_ror_epi32::<22>(a),
    );
    let majority = _mm512_ternarylogic_epi32::<MAJORITY>(a, b, c);
    let second = _mm512_add_epi32(sum, majority);
    [
        _mm512_add_epi32(first, second),
        a,
        b,
        c,
        _mm512_add_epi32(d, first),
        e,
        f,
        g,
    ]
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor(a: Words, b: Words, c: Words) -> Words {
    _mm512_ternarylogic_epi32::<0x96>(a, b, c)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add(before: [Words; 8], state: [Words; 8]) -> [Words; 8] {
    let mut sums = before;
    for (sum, word) in sums.iter_mut().zip(state) {
        *sum = _mm512_add_epi32(*sum, word);
    }
    sums
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(words: &[u32; LANES]) -> Words {
    // SAFETY: these are 64 bytes, which may lie anywhere.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(register: Words) -> [u32; LANES] {
    let mut words = [0; LANES];
    // SAFETY: these are 64 bytes, which may lie anywhere.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), register) };
    words
}

/// The round keys of AES-128 (FIPS 197, 5.2), four times each.
#[inline]
#[target_feature(enable = "aes,avx512f")]
fn round_keys(key: &Key) -> [__m512i; 11] {
    const CONSTANTS: [i32; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 0x1b, 0x36];
    // SAFETY: these are 16 bytes, which may lie anywhere.
    let mut key = unsafe { _mm_loadu_si128(key.as_ptr().cast()) };
    let mut keys = [_mm512_broadcast_i32x4(key); 11];
    // The last word, rotated, in every column: there the last round of AES, which
    // substitutes bytes and moves them from column to column, substitutes alone.
    let rotated = _mm_set1_epi32(0x0c0f_0e0d);
    for (round_key, constant) in keys.iter_mut().skip(1).zip(CONSTANTS) {
        let last = _mm_shuffle_epi8(key, rotated);
        let word = _mm_aesenclast_si128(last, _mm_set1_epi32(constant));
        // Each word is the sum of itself and those before it.
        key = _mm_xor_si128(key, _mm_bslli_si128::<4>(key));
        key = _mm_xor_si128(key, _mm_bslli_si128::<8>(key));
        key = _mm_xor_si128(key, word);
        *round_key = _mm512_broadcast_i32x4(key);
    }
    keys
}

/// Encrypts groups of blocks, and tells which of each group are set in `bitmap`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,vaes")]
fn encrypt_and_look_up<const GROUPS: usize>(
    keys: &[__m512i; 11],
    from: &[[Key; GROUP]; GROUPS],
    to: &mut [[Key; GROUP]; GROUPS],
    bitmap: Bitmap<'_>,
) -> [u16; GROUPS] {
    let [first_key, middle_keys @ .., last_key] = keys;
    let mut state = [[_mm512_setzero_si512(); 4]; GROUPS];
    for (registers, group) in state.iter_mut().zip(from) {
        for (register, four) in registers.iter_mut().zip(group.as_chunks::<4>().0) {
            // SAFETY: four blocks are 64 bytes, which may lie anywhere.
            let blocks = unsafe { _mm512_loadu_si512(four.as_ptr().cast()) };
            *register = _mm512_xor_si512(blocks, *first_key);
        }
    }
    for key in middle_keys {
        for register in state.as_flattened_mut() {
            *register = _mm512_aesenc_epi128(*register, *key);
        }
    }
    let mut set = [0; GROUPS];
    for ((registers, group), set) in state.iter_mut().zip(to).zip(&mut set) {
        for (register, four) in registers.iter_mut().zip(group.as_chunks_mut::<4>().0) {
            *register = _mm512_aesenclast_epi128(*register, *last_key);
            // SAFETY: four blocks are 64 bytes, which may lie anywhere.
            unsafe { _mm512_storeu_si512(four.as_mut_ptr().cast(), *register) };
        }
        *set = look_up(registers, bitmap);
    }
    set
}

/// Which of the 16 blocks in `registers` are set in `bitmap`.
#[inline]
#[target_feature(enable = "avx512f")]
fn look_up(registers: &[__m512i; 4], bitmap: Bitmap<'_>) -> u16 {
    // The first word of each block.
    let of_two = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 0, 0, 0, 0, 0, 0, 0, 0);
    let [a, b, c, d] = *registers;
    let low = _mm512_permutex2var_epi32(a, of_two, b);
    let high = _mm512_permutex2var_epi32(c, of_two, d);
    let prefixes = _mm512_inserti64x4::<1>(low, _mm512_castsi512_si256(high));
    let places = _mm512_and_si512(prefixes, _mm512_set1_epi32(bitmap.mask().cast_signed()));
    let indices = _mm512_srli_epi32::<5>(places);
    // SAFETY: no place is above the bitmap's mask, so that each index is below the number of
    // its words of 32 bits, and below 2^27, which is not negative.
    let looked_up = unsafe { _mm512_i32gather_epi32::<4>(indices, bitmap.words().as_ptr().cast()) };
    let bit = _mm512_and_si512(places, _mm512_set1_epi32(31));
    let bit = _mm512_sllv_epi32(_mm512_set1_epi32(1), bit);
    _mm512_test_epi32_mask(looked_up, bit)
}
