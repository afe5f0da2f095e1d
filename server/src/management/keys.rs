//! The role's keys, all derived from its one secret.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use gaen::registration::ProcessingNumber;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::store::FormId;
use crate::secret::Secret;

/// The shortest secret that is taken, in bytes: 128 bits even where it is hex.
const SECRET_LEN_MIN: usize = 32;
const NONCE_LEN: usize = 24;

/// A SHA-256, or an HMAC with it: what is stored in place of a secret.
pub(super) type Digest = [u8; 32];

type DerivedKey = Zeroizing<[u8; 32]>;

/// Keys for one purpose each, so that what is made for one proves nothing elsewhere.
pub(super) struct Keys {
    number: DerivedKey,
    attempt: DerivedKey,
    device: DerivedKey,
    form: DerivedKey,
    handle: DerivedKey,
    page: XChaCha20Poly1305,
    totp: XChaCha20Poly1305,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// Why there are no keys, or one does not fit.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The secret is too short to be one.
    #[error("the management key is shorter than {SECRET_LEN_MIN} characters")]
    Short,
    /// The operating system gave no random numbers.
    #[error("the operating system gives no random numbers")]
    Random(#[from] getrandom::Error),
    /// What was sealed was sealed with another key, or is damaged.
    #[error("what is stored does not fit the management key")]
    Mismatch,
}

impl Keys {
    /// The keys derived from `secret`.
    ///
    /// # Errors
    /// [`KeyError::Short`].
    pub(super) fn new(secret: &Secret) -> Result<Self, KeyError> {
        let secret = secret.expose().as_bytes();
        if secret.len() < SECRET_LEN_MIN {
            return Err(KeyError::Short);
        }
        let hkdf = Hkdf::<Sha256>::new(None, secret);
        let derive = |purpose: &str| {
            let mut key = Zeroizing::new([0; 32]);
            hkdf.expand(purpose.as_bytes(), key.as_mut_slice())
                .expect("32 bytes are a length that HKDF can make");
            key
        };
        Ok(Self {
            number: derive("sesshoku management: processing number"),
            attempt: derive("sesshoku management: sign-in attempt"),
            device: derive("sesshoku management: device"),
            form: derive("sesshoku management: form"),
            handle: derive("sesshoku management: handle"),
            page: XChaCha20Poly1305::new((&*derive("sesshoku management: page")).into()),
            totp: XChaCha20Poly1305::new((&*derive("sesshoku management: TOTP secret")).into()),
        })
    }

    /// What is stored of a 処理番号. Without the key, trying all numbers leads
    /// nowhere.
    pub(super) fn number(&self, number: &ProcessingNumber) -> Digest {
        hmac(&self.number, number.expose().as_bytes())
    }

    /// What is stored of a name that somebody tried to sign in with; it may be no
    /// account's, but a password typed into the wrong field.
    pub(super) fn attempt(&self, name: &str) -> Digest {
        hmac(&self.attempt, name.as_bytes())
    }

    /// What a browser keeps in which somebody has signed in to the account `name`: it tells
    /// one that has the account's owner in front of it from those that guess.
    pub(super) fn device(&self, name: &str, id: &[u8; 32]) -> Digest {
        hmac(&self.device, &[id.as_slice(), name.as_bytes()].concat())
    }

    /// By what a number can be found that the form `form` asked for.
    pub(super) fn handle(&self, form: &FormId) -> Digest {
        hmac(&self.handle, form)
    }

    /// Seals what one page hands to the next; it only opens for the same visitor, who has the
    /// cookie `cookie`.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub(super) fn seal_page(&self, cookie: &[u8], content: &[u8]) -> Result<String, KeyError> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let (msg, aad) = (content, cookie);
        let sealed = self
            .page
            .encrypt(&XNonce::from(nonce), Payload { msg, aad })
            .expect("a page hands on less than what the cipher takes");
        Ok(BASE64_URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens what [`Keys::seal_page`] sealed.
    ///
    /// # Errors
    /// [`KeyError::Mismatch`].
    pub(super) fn open_page(
        &self,
        cookie: &[u8],
        sealed: &str,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let sealed = BASE64_URL_SAFE_NO_PAD
            .decode(sealed)
            .map_err(|_| KeyError::Mismatch)?;
        let (nonce, msg) = sealed
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(KeyError::Mismatch)?;
        let aad = cookie;
        self.page
            .decrypt(&XNonce::from(*nonce), Payload { msg, aad })
            .map(Zeroizing::new)
            .map_err(|_| KeyError::Mismatch)
    }

    /// The token of the forms shown to whoever has the cookie `cookie`.
    pub(super) fn form(&self, cookie: &[u8]) -> Digest {
        hmac(&self.form, cookie)
    }

    /// Seals a TOTP secret; it only opens for the same account.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub(super) fn seal_totp(&self, account: &str, secret: &[u8]) -> Result<Vec<u8>, KeyError> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let aad = account.as_bytes();
        let sealed = self
            .totp
            .encrypt(&XNonce::from(nonce), Payload { msg: secret, aad })
            .expect("a TOTP secret is shorter than what the cipher takes");
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Keys::seal_totp`] sealed.
    ///
    /// # Errors
    /// [`KeyError::Mismatch`].
    pub(super) fn open_totp(
        &self,
        account: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (nonce, msg) = sealed
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(KeyError::Mismatch)?;
        let aad = account.as_bytes();
        self.totp
            .decrypt(&XNonce::from(*nonce), Payload { msg, aad })
            .map(Zeroizing::new)
            .map_err(|_| KeyError::Mismatch)
    }
}

/// Random bytes from the operating system.
///
/// # Errors
/// [`getrandom::Error`] where it has none.
pub(super) fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// The SHA-256 of a token with more entropy than anybody can try.
pub(super) fn sha256(token: &[u8]) -> Digest {
    Sha256::digest(token).into()
}

/// Whether two digests are the same, in a time that does not depend on them.
pub(super) fn same(a: &Digest, b: &Digest) -> bool {
    a.ct_eq(b).into()
}

fn hmac(key: &[u8; 32], message: &[u8]) -> Digest {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_has_its_own_key() {
        let keys = Keys::new(&Secret::new("k".repeat(32))).unwrap();
        let number = ProcessingNumber::parse("01234567").unwrap();
        let digests = [
            keys.number(&number),
            keys.attempt("01234567"),
            keys.device("01234567", &[0; 32]),
            keys.form(b"01234567"),
            sha256(b"01234567"),
        ];
        for (at, digest) in digests.iter().enumerate() {
            assert!(digests[at + 1..].iter().all(|other| !same(digest, other)));
        }
        let others = Keys::new(&Secret::new("l".repeat(32))).unwrap();
        assert!(!same(&keys.number(&number), &others.number(&number)));
        assert!(matches!(
            Keys::new(&Secret::new("k".repeat(31))),
            Err(KeyError::Short)
        ));
    }

    #[test]
    fn what_a_page_hands_on_opens_for_its_visitor_alone() {
        let keys = Keys::new(&Secret::new("k".repeat(32))).unwrap();
        let sealed = keys.seal_page(b"cookie", b"someone@mail.example").unwrap();
        assert!(!sealed.contains("someone"));
        assert!(
            sealed
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it))
        );
        let opened = keys.open_page(b"cookie", &sealed).unwrap();
        assert_eq!(*opened, b"someone@mail.example");
        assert!(keys.open_page(b"other", &sealed).is_err());
        assert!(keys.open_page(b"cookie", &sealed[1..]).is_err());
        assert!(keys.open_page(b"cookie", "").is_err());
    }

    #[test]
    fn a_totp_secret_opens_for_its_account_alone() {
        let keys = Keys::new(&Secret::new("k".repeat(32))).unwrap();
        let mut sealed = keys.seal_totp("hanako", b"secret").unwrap();
        assert_eq!(*keys.open_totp("hanako", &sealed).unwrap(), b"secret");
        assert!(keys.open_totp("taro", &sealed).is_err());
        sealed[30] ^= 1;
        assert!(keys.open_totp("hanako", &sealed).is_err());
        assert!(keys.open_totp("hanako", &[]).is_err());
    }
}
