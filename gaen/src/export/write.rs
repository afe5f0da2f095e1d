//! Writing and signing exports, in COCOA's layout: for a server, for the
//! demonstration, for tests.

use std::io::{Cursor, Write};

use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::Generate;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use prost::Message;
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;
use zip::write::SimpleFileOptions;

use super::archive::{BIN_NAME, SIG_NAME};
use super::verify::{ECDSA_WITH_SHA256, PinnedKey};
use super::{Export, HEADER, wire};
use crate::diagnosis::DiagnosisKey;

/// A private key that signs exports and listings.
pub struct Signer {
    id: String,
    version: String,
    key: SigningKey,
    app_id: Option<String>,
}

impl Signer {
    /// A new key of this id and version, from `rng`.
    pub fn generate(
        id: impl Into<String>,
        version: impl Into<String>,
        rng: &mut impl CryptoRng,
    ) -> Self {
        Self::new(
            id.into(),
            version.into(),
            SigningKey::generate_from_rng(rng),
        )
    }

    /// The key in a PKCS #8 PEM file.
    ///
    /// # Errors
    /// [`SignerError`] if it holds no P-256 private key.
    pub fn from_pem(
        id: impl Into<String>,
        version: impl Into<String>,
        pem: &str,
    ) -> Result<Self, SignerError> {
        let key = SigningKey::from_pkcs8_pem(pem.trim()).map_err(SignerError)?;
        Ok(Self::new(id.into(), version.into(), key))
    }

    const fn new(id: String, version: String, key: SigningKey) -> Self {
        Self {
            id,
            version,
            key,
            app_id: None,
        }
    }

    /// Names `app_id` as bundle and package in signature infos, as COCOA does.
    #[must_use]
    pub fn with_app_id(self, app_id: impl Into<String>) -> Self {
        Self {
            app_id: Some(app_id.into()),
            ..self
        }
    }

    /// The private key as a PKCS #8 PEM file, as [`Signer::from_pem`] reads it.
    ///
    /// # Errors
    /// [`SignerError`] if the key cannot be encoded.
    pub fn private_key_pem(&self) -> Result<Zeroizing<String>, SignerError> {
        self.key.to_pkcs8_pem(LineEnding::LF).map_err(SignerError)
    }

    /// What a device pins to verify this key's signatures.
    pub fn pinned_key(&self) -> PinnedKey {
        PinnedKey::new(
            self.id.clone(),
            self.version.clone(),
            *self.key.verifying_key(),
        )
    }

    /// The public key as a PEM file.
    pub fn public_key_pem(&self) -> String {
        self.key
            .verifying_key()
            .to_public_key_pem(LineEnding::LF)
            .expect("a P-256 public key always has a PEM form")
    }

    fn info(&self) -> wire::SignatureInfo {
        wire::SignatureInfo {
            app_bundle_id: self.app_id.clone(),
            android_package: self.app_id.clone(),
            verification_key_version: Some(self.version.clone()),
            verification_key_id: Some(self.id.clone()),
            signature_algorithm: Some(ECDSA_WITH_SHA256.to_owned()),
        }
    }

    pub(crate) fn sign(&self, content: &[u8], batch_num: i32, batch_size: i32) -> wire::Signature {
        let signature: Signature = self
            .key
            .sign_prehash(&Sha256::digest(content))
            .expect("a SHA-256 digest is as long as P-256 needs");
        wire::Signature {
            signature_info: Some(self.info()),
            batch_num: Some(batch_num),
            batch_size: Some(batch_size),
            signature: Some(signature.to_der().as_bytes().to_vec()),
        }
    }
}

impl core::fmt::Debug for Signer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Signer")
            .field(&self.pinned_key().name())
            .finish()
    }
}

/// A PEM file does not hold a P-256 private key.
#[derive(Debug, thiserror::Error)]
#[error("not a P-256 private key in PKCS #8 PEM form")]
pub struct SignerError(#[source] p256::pkcs8::Error);

/// An export that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A number does not fit the format, which has 31 bits for it.
    #[error("the export's {0} does not fit the format")]
    OutOfRange(&'static str),
    /// Packing failed.
    #[error("the export cannot be packed")]
    Zip(#[from] zip::result::ZipError),
    /// Packing failed.
    #[error("the export cannot be packed")]
    Io(#[from] std::io::Error),
}

/// `export` as a ZIP file signed by `signers`. The same export and signers give
/// the same bytes.
///
/// # Errors
/// [`WriteError`] if a number of it does not fit the format.
pub fn write(export: &Export, signers: &[&Signer]) -> Result<Vec<u8>, WriteError> {
    let bin = encode_bin(export, signers)?;
    let sig = wire::SignatureList {
        signatures: signers
            .iter()
            .map(|signer| {
                Ok(signer.sign(
                    &bin,
                    number("batch number", export.batch_num)?,
                    number("number of batches", export.batch_size)?,
                ))
            })
            .collect::<Result<_, WriteError>>()?,
    };
    pack(&[(BIN_NAME, &bin), (SIG_NAME, &sig.encode_to_vec())])
}

/// `export` as an unsigned ZIP file that holds `export.bin` alone.
///
/// # Errors
/// [`WriteError`] if a number of it does not fit the format.
pub fn write_bare(export: &Export) -> Result<Vec<u8>, WriteError> {
    pack(&[(BIN_NAME, &write_bin(export)?)])
}

/// `export` as the contents of an `export.bin` that nobody signs.
///
/// # Errors
/// [`WriteError`] if a number of it does not fit the format.
pub fn write_bin(export: &Export) -> Result<Vec<u8>, WriteError> {
    encode_bin(export, &[])
}

fn encode_bin(export: &Export, signers: &[&Signer]) -> Result<Vec<u8>, WriteError> {
    let header = wire::Header {
        start_timestamp: Some(export.start),
        end_timestamp: Some(export.end),
        region: Some(export.region.clone()),
        batch_num: Some(number("batch number", export.batch_num)?),
        batch_size: Some(number("number of batches", export.batch_size)?),
    };
    let mut bin = HEADER.to_vec();
    bin.extend(header.encode_to_vec());
    for signer in signers {
        prost::encoding::message::encode(wire::SIGNATURE_INFOS, &signer.info(), &mut bin);
    }
    for (tag, keys) in [
        (wire::KEYS, &export.keys),
        (wire::REVISED_KEYS, &export.revised_keys),
    ] {
        for key in keys {
            prost::encoding::message::encode(tag, &encode_key(key)?, &mut bin);
        }
    }
    Ok(bin)
}

fn encode_key(key: &DiagnosisKey) -> Result<wire::Key, WriteError> {
    Ok(wire::Key {
        key_data: Some(key.tek.expose_bytes().to_vec()),
        transmission_risk_level: Some(key.transmission_risk_level),
        rolling_start_interval_number: Some(number("rolling start", key.rolling_start.get())?),
        rolling_period: Some(number("rolling period", key.rolling_period.get())?),
        report_type: Some(key.report_type.number()),
        days_since_onset_of_symptoms: key.days_since_onset,
    })
}

fn number(what: &'static str, value: u32) -> Result<i32, WriteError> {
    i32::try_from(value).map_err(|_| WriteError::OutOfRange(what))
}

/// The entries' time stays at the format's first, 1980: what is in the file does
/// not depend on when it was written.
fn pack(entries: &[(&str, &[u8])]) -> Result<Vec<u8>, WriteError> {
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default());
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer.start_file(*name, options)?;
        writer.write_all(content)?;
    }
    Ok(writer.finish()?.into_inner())
}
