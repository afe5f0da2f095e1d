//! The cryptography of matching alone: HKDF and AES, with the crates that `gaen` uses.
//!
//! This is written beside `gaen` and not with it, so that it is a measure that stays the
//! same whatever is done there.

use core::hint::black_box;

use aes::Aes128Enc;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use anyhow::Context;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sesshoku_vector::{Bitmap, GROUP, LANES, Vector};
use sha2::block_api::compress256;

use crate::measure::{float, median_by, thread_seconds};

type Key = [u8; 16];
type State = [u32; 8];
type Block = [u8; 64];

/// Nanoseconds that deriving the 144 RPIs of a key takes.
pub(crate) fn ns_per_key(keys: usize, reps: usize) -> anyhow::Result<f64> {
    let hkdf = Hkdf::new();
    let template = template(2_989_152);
    let mut rpis = template;
    timed(keys, reps, |teks| {
        for tek in teks {
            Aes128Enc::new(&hkdf.rpik(tek).into())
                .encrypt_blocks_b2b(&template, &mut rpis)
                .context("as many blocks on both sides")?;
            black_box(&rpis);
        }
        Ok(())
    })
}

/// The same by vector instructions, which look each RPI up in the same turn: here in a
/// bitmap that is always at hand.
pub(crate) fn vector_ns_per_key(vector: Vector, keys: usize, reps: usize) -> anyhow::Result<f64> {
    let template = template(2_989_152);
    let template = Array::cast_slice_to_core(&template).as_chunks::<GROUP>().0;
    let mut rpis = template.to_vec();
    let bitmap = Bitmap::new(&[0]).context("one is a power of two")?;
    timed(keys, reps, |teks| {
        for teks in teks.as_chunks::<LANES>().0 {
            for rpik in &vector.rpiks(teks) {
                vector.encrypt_and_find(rpik, template, &mut rpis, bitmap, |place| {
                    black_box(place);
                });
                black_box(&rpis);
            }
        }
        Ok(())
    })
}

/// Nanoseconds a key that `work` takes for as many as there are.
fn timed(
    keys: usize,
    reps: usize,
    mut work: impl FnMut(&[Key]) -> anyhow::Result<()>,
) -> anyhow::Result<f64> {
    let mut teks = vec![Key::default(); keys];
    ChaCha8Rng::seed_from_u64(1).fill_bytes(teks.as_flattened_mut());
    let mut runs = Vec::new();
    for _ in 0..reps {
        let start = thread_seconds()?;
        work(&teks)?;
        runs.push(thread_seconds()? - start);
    }
    let seconds = median_by(&mut runs, |&run| run).context("--reps is at least 1")?;
    Ok(seconds * 1e9 / float(keys))
}

/// The blocks that RPIs of a day are encryptions of.
fn template(start: u32) -> [aes::Block; 144] {
    let mut number = start;
    [(); 144].map(|()| {
        let mut block = Array::from(*b"EN-RPI\0\0\0\0\0\0\0\0\0\0");
        for (to, from) in block.iter_mut().skip(12).zip(number.to_le_bytes()) {
            *to = from;
        }
        number += 1;
        block
    })
}

/// HKDF-SHA256 of 16 bytes without a salt: six compressions, of eight, for those of
/// the salt's blocks are the same for all keys.
struct Hkdf {
    salted_inner: State,
    salted_outer: State,
    info: Block,
}

impl Hkdf {
    fn new() -> Self {
        Self {
            salted_inner: compress(IV, &[[0x36; 64]]),
            salted_outer: compress(IV, &[[0x5c; 64]]),
            info: padded(b"EN-RPIK\x01", 64),
        }
    }

    fn rpik(&self, tek: &Key) -> Key {
        let inner = compress(self.salted_inner, &[padded(tek, 64)]);
        let prk = digest(compress(self.salted_outer, &[padded(&digest(inner), 64)]));
        let keyed = |pad: u8| {
            let mut block = [pad; 64];
            for (byte, key) in block.iter_mut().zip(prk) {
                *byte ^= key;
            }
            block
        };
        let inner = compress(IV, &[keyed(0x36), self.info]);
        let outer = compress(IV, &[keyed(0x5c), padded(&digest(inner), 64)]);
        let mut key = Key::default();
        for (to, from) in key.iter_mut().zip(digest(outer)) {
            *to = from;
        }
        key
    }
}

const IV: State = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

fn compress(mut state: State, blocks: &[Block]) -> State {
    compress256(&mut state, blocks);
    state
}

fn digest(state: State) -> [u8; 32] {
    let mut digest = [[0; 4]; 8];
    for (bytes, word) in digest.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    let mut flat = [0; 32];
    flat.copy_from_slice(digest.as_flattened());
    flat
}

/// The last block of a message of which `before` bytes are hashed already.
fn padded(end: &[u8], before: usize) -> Block {
    let bits = u64::try_from((before + end.len()) * 8).unwrap_or(0);
    let mut block = [0; 64];
    let message = end.iter().copied().chain([0x80]);
    for (to, from) in block.iter_mut().zip(message) {
        *to = from;
    }
    for (to, from) in block.iter_mut().skip(56).zip(bits.to_be_bytes()) {
        *to = from;
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaen::key::Tek;
    use gaen::time::Interval;

    #[test]
    fn it_derives_what_the_protocol_says() {
        let hkdf = Hkdf::new();
        for number in 0..=255 {
            let tek = [number; 16];
            let rpik = hkdf.rpik(&tek);
            assert_eq!(&rpik, Tek::from_bytes(tek).rpik().expose_bytes());
        }
        let tek = [1; 16];
        let mut rpis = template(2_989_152);
        Aes128Enc::new(&hkdf.rpik(&tek).into()).encrypt_blocks(&mut rpis);
        let rpik = Tek::from_bytes(tek).rpik();
        for (number, rpi) in (2_989_152..).zip(rpis) {
            assert_eq!(rpi.as_slice(), rpik.rpi(Interval::new(number)).as_bytes());
        }
    }
}
