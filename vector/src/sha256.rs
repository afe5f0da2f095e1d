//! The constants of SHA-256 (FIPS 180-4), and what of HKDF is the same for all keys.

/// What a hash begins with.
#[rustfmt::skip]
pub(crate) const INITIAL: [u32; 8] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
    0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
];

/// The constant of each round.
#[rustfmt::skip]
pub(crate) const ROUNDS: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

/// What HMAC pads its key with, for the inner and the outer hash, in every byte of a word.
pub(crate) const INNER_PAD: u32 = 0x3636_3636;
pub(crate) const OUTER_PAD: u32 = 0x5c5c_5c5c;

/// The hash after a block of either: where HMAC is after a key of zeros.
pub(crate) const AFTER_INNER_PAD: [u32; 8] = compress(INITIAL, [INNER_PAD; 16]);
pub(crate) const AFTER_OUTER_PAD: [u32; 8] = compress(INITIAL, [OUTER_PAD; 16]);

/// The bit after a message's end.
pub(crate) const END: u32 = 0x8000_0000;
/// The length in bits of a message of a padded key and a TEK, and of one of a padded key and
/// a hash.
pub(crate) const BITS_WITH_TEK: u32 = (64 + 16) * 8;
pub(crate) const BITS_WITH_HASH: u32 = (64 + 32) * 8;

/// What is added in each round of the block that has "EN-RPIK" and the byte 1, where the
/// message is as long as that and a padded key.
pub(crate) const INFO_ROUNDS: [u32; 64] = {
    let mut block = [0; 16];
    block[0] = u32::from_be_bytes(*b"EN-R");
    block[1] = u32::from_be_bytes(*b"PIK\x01");
    block[2] = END;
    block[15] = (64 + 8) * 8;
    let mut words = schedule(block);
    let mut round = 0;
    while round < 64 {
        words[round] = words[round].wrapping_add(ROUNDS[round]);
        round += 1;
    }
    words
};

const fn schedule(block: [u32; 16]) -> [u32; 64] {
    let mut words = [0; 64];
    let mut at = 0;
    while at < 64 {
        words[at] = if at < 16 {
            block[at]
        } else {
            let (early, late) = (words[at - 15], words[at - 2]);
            let early = early.rotate_right(7) ^ early.rotate_right(18) ^ (early >> 3);
            let late = late.rotate_right(17) ^ late.rotate_right(19) ^ (late >> 10);
            words[at - 16]
                .wrapping_add(early)
                .wrapping_add(words[at - 7])
                .wrapping_add(late)
        };
        at += 1;
    }
    words
}

const fn compress(state: [u32; 8], block: [u32; 16]) -> [u32; 8] {
    let words = schedule(block);
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
    let mut round = 0;
    while round < 64 {
        let sum = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let first = h
            .wrapping_add(sum)
            .wrapping_add((e & f) ^ (!e & g))
            .wrapping_add(ROUNDS[round])
            .wrapping_add(words[round]);
        let sum = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let second = sum.wrapping_add((a & b) ^ (a & c) ^ (b & c));
        (h, g, f, e) = (g, f, e, d.wrapping_add(first));
        (d, c, b, a) = (c, b, a, first.wrapping_add(second));
        round += 1;
    }
    let after = [a, b, c, d, e, f, g, h];
    let mut sums = [0; 8];
    let mut at = 0;
    while at < 8 {
        sums[at] = state[at].wrapping_add(after[at]);
        at += 1;
    }
    sums
}
