//! Checking signatures of exports and listings against pinned keys (docs/protocol.md §6).

use core::fmt;

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::DecodePublicKey;

use super::wire;

/// ECDSA with SHA-256, the one signature algorithm spoken here.
pub const ECDSA_WITH_SHA256: &str = "1.2.840.10045.4.3.2";

/// A public key this device trusts to sign exports and listings.
#[derive(Clone, PartialEq, Eq)]
pub struct PinnedKey {
    id: String,
    version: String,
    key: VerifyingKey,
}

impl PinnedKey {
    /// The key of this id and version, from a PEM file that holds a P-256 public
    /// key.
    ///
    /// # Errors
    /// [`PinnedKeyError`] if it does not.
    pub fn from_pem(
        id: impl Into<String>,
        version: impl Into<String>,
        pem: &str,
    ) -> Result<Self, PinnedKeyError> {
        let key = VerifyingKey::from_public_key_pem(pem.trim()).map_err(PinnedKeyError)?;
        Ok(Self::new(id.into(), version.into(), key))
    }

    pub(super) const fn new(id: String, version: String, key: VerifyingKey) -> Self {
        Self { id, version, key }
    }

    /// Its id, such as "440".
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its version, such as "v1".
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Its name: id, "-", version.
    pub fn name(&self) -> String {
        key_name(&self.id, &self.version)
    }
}

impl fmt::Debug for PinnedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PinnedKey").field(&self.name()).finish()
    }
}

/// A PEM file does not hold a P-256 public key.
#[derive(Debug, thiserror::Error)]
#[error("not a P-256 public key in PEM form")]
pub struct PinnedKeyError(#[source] p256::pkcs8::spki::Error);

/// Why no signature is believed.
pub(crate) enum Refusal {
    /// There is none.
    Unsigned,
    /// None is by a key that is pinned; the names of those that signed.
    UnknownKey(Vec<String>),
    /// The one by the pinned key of this name is of another algorithm.
    Algorithm(String),
    /// The one by the pinned key of this name does not fit.
    Signature(String),
}

/// Checks that one of `signatures` is by a key of `pinned` and fits the content whose
/// SHA-256 is `digest`; gives the key's name.
pub(crate) fn verify(
    digest: &[u8],
    signatures: &[wire::Signature],
    pinned: &[PinnedKey],
) -> Result<String, Refusal> {
    if signatures.is_empty() {
        return Err(Refusal::Unsigned);
    }
    let mut refusal = None;
    let mut names = Vec::new();
    for signature in signatures {
        let info = signature.signature_info.clone().unwrap_or_default();
        let id = info.verification_key_id.unwrap_or_default();
        let version = info.verification_key_version.unwrap_or_default();
        let name = printable(&key_name(&id, &version));
        for key in pinned
            .iter()
            .filter(|key| key.id == id && key.version == version)
        {
            if info.signature_algorithm.as_deref() != Some(ECDSA_WITH_SHA256) {
                refusal.get_or_insert(Refusal::Algorithm(name.clone()));
            } else if fits(
                digest,
                signature.signature.as_deref().unwrap_or_default(),
                &key.key,
            ) {
                return Ok(key.name());
            } else {
                refusal.get_or_insert(Refusal::Signature(name.clone()));
            }
        }
        if names.len() < MAX_NAMES_TOLD {
            names.push(name);
        }
    }
    Err(refusal.unwrap_or(Refusal::UnknownKey(names)))
}

/// Names come from the file: what a message repeats of them is bounded.
const MAX_NAMES_TOLD: usize = 4;
const MAX_NAME_LEN_TOLD: usize = 40;

fn printable(name: &str) -> String {
    name.escape_debug().take(MAX_NAME_LEN_TOLD).collect()
}

fn fits(digest: &[u8], der: &[u8], key: &VerifyingKey) -> bool {
    Signature::from_der(der).is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok())
}

fn key_name(id: &str, version: &str) -> String {
    format!("{id}-{version}")
}
