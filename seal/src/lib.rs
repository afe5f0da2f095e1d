//! Sealing: authenticated encryption of a value for the place it belongs to, so that values
//! cannot be swapped or replayed elsewhere. XChaCha20-Poly1305 has nonces long enough to be
//! drawn at random for every value.
//!
//! The cipher is generic, and so compiled with whoever names it. Here that is a small crate,
//! which can be optimised wherever the rest is not.
#![forbid(unsafe_code)]

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

/// Length of every key, in bytes.
pub const KEY_LEN: usize = 32;
/// How much longer a sealed value is than its plaintext, in bytes.
pub const OVERHEAD: usize = NONCE_LEN + TAG_LEN;

const NONCE_LEN: usize = 24;
const TAG_LEN: usize = 16;

/// `plaintext`, sealed with `key` for `place`: nonce, ciphertext, tag.
///
/// # Errors
/// When the system gives no random bytes.
pub fn seal(
    key: &[u8; KEY_LEN],
    place: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, getrandom::Error> {
    let mut nonce = [0; NONCE_LEN];
    getrandom::fill(&mut nonce)?;
    let mut sealed = Vec::with_capacity(plaintext.len() + OVERHEAD);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plaintext);
    let tag = XChaCha20Poly1305::new(key.into())
        .encrypt_inout_detached(
            &XNonce::from(nonce),
            place,
            sealed[NONCE_LEN..].as_mut().into(),
        )
        .expect("far less than the 256 GiB that one nonce can encrypt");
    sealed.extend_from_slice(&tag);
    Ok(sealed)
}

/// What was sealed with `key` for `place`, or `None` when this is not it.
pub fn open(key: &[u8; KEY_LEN], place: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let (ciphertext, tag) = rest.split_last_chunk::<TAG_LEN>()?;
    let mut plaintext = Zeroizing::new(ciphertext.to_vec());
    XChaCha20Poly1305::new(key.into())
        .decrypt_inout_detached(
            &XNonce::from(*nonce),
            place,
            plaintext.as_mut_slice().into(),
            &Tag::from(*tag),
        )
        .ok()?;
    Some(plaintext)
}
