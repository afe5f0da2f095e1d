//! What the vector instructions do is what the crates of everybody else do.
//!
//! Where the processor has none of them, there is nothing to compare.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, Write};

use aes::Aes128Enc;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use hkdf::Hkdf;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sesshoku_vector::{Bitmap, GROUP, KEY_LEN, LANES, Vector};
use sha2::Sha256;

type Key = [u8; KEY_LEN];

fn vector() -> Option<Vector> {
    let found = Vector::detect();
    if found.is_none() {
        let _ = writeln!(io::stderr(), "\nskipped: no vector instructions here");
    }
    found
}

fn rpik(tek: &Key) -> Key {
    let mut rpik = Key::default();
    Hkdf::<Sha256>::new(None, tek)
        .expand(b"EN-RPIK", &mut rpik)
        .unwrap();
    rpik
}

/// Keys in which few bits are set, or few are not, and repetitions.
fn adversarial() -> Vec<Key> {
    let single = (0..128).map(|bit| (1_u128 << bit).to_le_bytes());
    let inverted = (0..128).map(|bit| (!(1_u128 << bit)).to_le_bytes());
    let repeated = (0..=255).map(|byte| [byte; KEY_LEN]);
    single.chain(inverted).chain(repeated).collect()
}

fn random(rng: &mut ChaCha8Rng, count: usize) -> Vec<Key> {
    let mut keys = vec![Key::default(); count];
    rng.fill_bytes(keys.as_flattened_mut());
    keys
}

fn rpiks_are_equal(vector: Vector, teks: &[Key]) {
    for sixteen in teks.as_chunks::<LANES>().0 {
        assert_eq!(vector.rpiks(sixteen), sixteen.each_ref().map(rpik));
    }
}

/// A bitmap of 64 bits times a power of two, of which about one in `sparseness` is set.
fn bitmap(rng: &mut ChaCha8Rng, log_words: u32, sparseness: u32) -> Vec<u64> {
    let bit = |rng: &mut ChaCha8Rng| u64::from(rng.next_u32().is_multiple_of(sparseness));
    (0..1 << log_words)
        .map(|_| (0..64).fold(0, |word, place| word | bit(rng) << place))
        .collect()
}

fn lookups_are_equal(vector: Vector, key: &Key, blocks: &[[Key; GROUP]], words: &[u64]) {
    let mut expected = blocks.to_vec();
    let cipher = Aes128Enc::new(key.into());
    cipher.encrypt_blocks(Array::cast_slice_from_core_mut(expected.as_flattened_mut()));
    let is_set = |block: &Key| {
        let prefix = u32::from_le_bytes(*block.first_chunk().unwrap());
        let place = usize::try_from(prefix).unwrap() % (words.len() * 64);
        words[place / 64] >> (place % 64) & 1 == 1
    };
    let expected_places: Vec<_> = (0..)
        .zip(expected.as_flattened())
        .filter(|(_, block)| is_set(block))
        .map(|(place, _)| place)
        .collect();
    let mut encrypted = vec![[Key::default(); GROUP]; blocks.len()];
    let mut places = Vec::new();
    let bitmap = Bitmap::new(words).unwrap();
    vector.encrypt_and_find(key, blocks, &mut encrypted, bitmap, |place| {
        places.push(place);
    });
    assert_eq!(encrypted, expected);
    assert_eq!(places, expected_places);
}

fn compare(vector: Vector, rounds: usize, lookups_a_round: usize) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    rpiks_are_equal(vector, &adversarial());
    let keys = adversarial();
    for round in 0..rounds {
        let teks = random(&mut rng, 1 << 12);
        rpiks_are_equal(vector, &teks);
        let log_words = rng.next_u32() % 18;
        let sparseness = [1, 2, 100, 1 << 20][round % 4];
        let words = bitmap(&mut rng, log_words, sparseness);
        for (number, key) in teks.iter().chain(&keys).take(lookups_a_round).enumerate() {
            let blocks = random(&mut rng, number % 11 * GROUP);
            lookups_are_equal(vector, key, blocks.as_chunks().0, &words);
        }
    }
    let ends = [Key::default(), [0xff; KEY_LEN]];
    for (key, block) in keys.iter().flat_map(|key| ends.map(|block| (key, block))) {
        for words in [vec![0; 1 << 10], vec![u64::MAX; 1 << 10]] {
            lookups_are_equal(vector, key, &[[block; GROUP]; 3], &words);
        }
    }
}

#[test]
fn keys_and_lookups_are_what_the_crates_give() {
    if let Some(vector) = vector() {
        compare(vector, 12, 500);
    }
}

#[test]
#[ignore = "minutes: four million keys, and half a million lookups of up to 160 blocks"]
fn millions_of_keys_and_lookups_are_what_the_crates_give() {
    if let Some(vector) = vector() {
        compare(vector, 1000, 500);
    }
}

#[test]
fn whatever_has_no_place_on_the_other_side_stays() {
    let Some(vector) = vector() else { return };
    let words = [u64::MAX];
    let bitmap = Bitmap::new(&words).unwrap();
    for (from, to) in (0..9).flat_map(|from| (0..9).map(move |to| (from, to))) {
        let mut encrypted = vec![[Key::default(); GROUP]; to];
        let mut places = Vec::new();
        let blocks = vec![[[1; KEY_LEN]; GROUP]; from];
        vector.encrypt_and_find(&[2; KEY_LEN], &blocks, &mut encrypted, bitmap, |place| {
            places.push(place);
        });
        let both = from.min(to) * GROUP;
        assert!(places.into_iter().eq(0..both), "{from} {to}");
        for (place, block) in encrypted.as_flattened().iter().enumerate() {
            assert_eq!(*block != Key::default(), place < both, "{from} {to}");
        }
    }
}

#[test]
fn a_bitmap_is_a_power_of_two_of_words() {
    for words in [0, 3, 5, 6, 7, 1000] {
        assert!(Bitmap::new(&vec![0; words]).is_none(), "{words}");
    }
    for words in [1, 2, 4, 1 << 17] {
        assert!(Bitmap::new(&vec![0; words]).is_some(), "{words}");
    }
}
