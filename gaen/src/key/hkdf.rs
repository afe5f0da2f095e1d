//! HKDF-SHA256 (RFC 5869) for what the key schedule takes from it: 16 bytes of a TEK,
//! without a salt, for a name of seven letters (docs/protocol.md §1).
//!
//! Matching derives a key from every TEK that is published. HMAC begins with a block of
//! its own key; where there is no salt, that is the same block for every TEK, and two of
//! eight compressions are done once and for all.

use sha2::block_api::compress256;

use super::KEY_LEN;

type State = [u32; 8];
type Block = [u8; 64];

/// What SHA-256 begins with (FIPS 180-4, 5.3.3).
#[rustfmt::skip]
const INITIAL: State = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
    0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
];
/// What HMAC pads its key with, for the inner and the outer hash.
const INNER_PAD: u8 = 0x36;
const OUTER_PAD: u8 = 0x5c;
/// SHA-256 after a block of either, which is where HMAC is after a key of zeros.
#[rustfmt::skip]
const INNER_WITHOUT_SALT: State = [
    0xf454_dead, 0x9725_214f, 0x90da_f2a0, 0xdf12_28ea,
    0x64e5_750f, 0xa392_4181, 0x824a_932b, 0xf8e0_4e32,
];
#[rustfmt::skip]
const OUTER_WITHOUT_SALT: State = [
    0xd385_480f, 0x7abb_6477, 0x37c9_c538, 0x5dd8_2467,
    0x8e04_3a72, 0x7534_34b0, 0xdeb8_2818, 0x361d_45a6,
];

/// The first 16 bytes that HKDF expands from `tek` for `info`, and a byte 1 after it:
/// the number of the only block that is expanded.
pub(crate) fn derive(tek: &[u8; KEY_LEN], info: &[u8; 7]) -> [u8; KEY_LEN] {
    let pseudorandom_key = hmac(INNER_WITHOUT_SALT, OUTER_WITHOUT_SALT, tek);
    let keyed = |pad| {
        let mut block = [pad; 64];
        for (byte, key) in block.iter_mut().zip(pseudorandom_key) {
            *byte ^= key;
        }
        compress(INITIAL, block)
    };
    let mut message = [1; 8];
    for (to, from) in message.iter_mut().zip(info) {
        *to = *from;
    }
    let expanded = hmac(keyed(INNER_PAD), keyed(OUTER_PAD), &message);
    let (first, _) = expanded
        .split_first_chunk()
        .expect("32 bytes are more than 16");
    *first
}

/// HMAC of `message`, where `inner` and `outer` have taken in the padded key.
fn hmac<const LEN: usize>(inner: State, outer: State, message: &[u8; LEN]) -> [u8; 32] {
    let inner = bytes(compress(inner, last_block(message)));
    bytes(compress(outer, last_block(&inner)))
}

fn compress(mut state: State, block: Block) -> State {
    compress256(&mut state, &[block]);
    state
}

/// The second and last block of a message that ends in `end`, with its length in bits.
fn last_block<const LEN: usize>(end: &[u8; LEN]) -> Block {
    const LENGTH_AT: usize = 62;
    const { assert!(LEN < LENGTH_AT, "there is room") };
    let bits = u16::try_from((64 + LEN) * 8).expect("at most 126 bytes");
    let mut block = [0; 64];
    let (start, rest) = block
        .split_first_chunk_mut()
        .expect("the block is longer than LEN");
    *start = *end;
    rest[0] = 0x80;
    let [high, low] = bits.to_be_bytes();
    block[LENGTH_AT] = high;
    block[LENGTH_AT + 1] = low;
    block
}

fn bytes(state: State) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (to, word) in bytes.as_chunks_mut().0.iter_mut().zip(state) {
        *to = word.to_be_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn without_salt_hmac_begins_with_a_block_of_padding() {
        assert_eq!(compress(INITIAL, [INNER_PAD; 64]), INNER_WITHOUT_SALT);
        assert_eq!(compress(INITIAL, [OUTER_PAD; 64]), OUTER_WITHOUT_SALT);
    }

    proptest! {
        #[test]
        fn it_is_hkdf(tek in any::<[u8; 16]>(), info in any::<[u8; 7]>()) {
            let mut expected = [0; 16];
            hkdf::Hkdf::<sha2::Sha256>::new(None, &tek)
                .expand(&info, &mut expected)
                .unwrap();
            prop_assert_eq!(derive(&tek, &info), expected);
        }
    }
}
