//! Key exports: signed ZIP files of diagnosis keys (docs/protocol.md §6).
//!
//! An export comes from the network and is trusted with nothing. [`open`] unpacks
//! it within [`Limits`]; only [`Unverified::verify`] gives out its keys. Nothing of
//! `export.bin` is parsed before its signature was checked.

mod archive;
mod batch;
mod error;
pub(crate) mod verify;
pub(crate) mod wire;
mod write;

use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use sha2::{Digest, Sha256};

use crate::diagnosis::{DiagnosisKey, LAST_ROLLING_START, ReportType, RollingPeriod};
use crate::key::{KEY_LEN, Tek};
use crate::time::Interval;

pub use archive::ArchiveError;
pub use batch::{BatchError, check_complete};
pub use error::{ExportError, KeyError};
pub use verify::{ECDSA_WITH_SHA256, PinnedKey, PinnedKeyError};
pub use write::{Signer, SignerError, WriteError, write, write_bare, write_bin};

/// How `export.bin` begins.
pub const HEADER: [u8; 16] = *b"EK Export v1    ";

/// Bounds on an export, applied before anything is unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest ZIP file, in bytes.
    pub archive: usize,
    /// Longest `export.bin`, in bytes.
    pub bin: usize,
    /// Longest `export.sig`, in bytes.
    pub sig: usize,
}

impl Default for Limits {
    /// Room for about 500,000 keys, ten times the largest exports there were.
    fn default() -> Self {
        Self {
            archive: 16 * 1024 * 1024,
            bin: 16 * 1024 * 1024,
            sig: 64 * 1024,
        }
    }
}

/// One batch of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Start of the time its keys were registered in, in seconds since the epoch.
    pub start: u64,
    /// End of that time.
    pub end: u64,
    /// The region, such as "440".
    pub region: String,
    /// Which batch it is, from 1.
    pub batch_num: u32,
    /// How many batches there are.
    pub batch_size: u32,
    /// Its keys.
    pub keys: Vec<DiagnosisKey>,
    /// Keys published before that say something else now.
    pub revised_keys: Vec<DiagnosisKey>,
}

impl Export {
    /// Its keys, then its revised keys.
    pub fn all_keys(&self) -> impl Iterator<Item = &DiagnosisKey> {
        self.keys.iter().chain(&self.revised_keys)
    }
}

/// An export that was unpacked, of which nothing is believed yet.
#[derive(Clone)]
pub struct Unverified {
    bin: Vec<u8>,
    sig: Option<Vec<u8>>,
}

impl core::fmt::Debug for Unverified {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Unverified").finish_non_exhaustive()
    }
}

/// An export whose signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    export: Export,
    signed_by: String,
    content: [u8; 32],
}

impl Verified {
    /// The export.
    pub const fn export(&self) -> &Export {
        &self.export
    }

    /// The export.
    pub fn into_export(self) -> Export {
        self.export
    }

    /// SHA-256 of what is signed, the whole of `export.bin`: what tells one export from
    /// another, however the file around it was packed.
    pub const fn content(&self) -> [u8; 32] {
        self.content
    }

    /// The name of the pinned key that signed it.
    pub fn signed_by(&self) -> &str {
        &self.signed_by
    }
}

/// An export that may not say of which time it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loose {
    /// The export. Where it has no period, `start` and `end` are 0.
    pub export: Export,
    /// Whether it has one.
    pub has_period: bool,
}

/// Unpacks an export's ZIP file.
///
/// # Errors
/// [`ExportError::Archive`] if it is not exactly one `export.bin` and one
/// `export.sig` within `limits`.
pub fn open(zip: &[u8], limits: &Limits) -> Result<Unverified, ExportError> {
    let files = archive::read(zip, limits, false)?;
    Ok(Unverified {
        bin: files.bin,
        sig: files.sig,
    })
}

/// Unpacks a ZIP file that may hold `export.bin` alone, for looking into keys that
/// were never signed.
///
/// # Errors
/// Those of [`open`], except that `export.sig` may be missing.
pub fn open_bare(zip: &[u8], limits: &Limits) -> Result<Unverified, ExportError> {
    let files = archive::read(zip, limits, true)?;
    Ok(Unverified {
        bin: files.bin,
        sig: files.sig,
    })
}

impl Unverified {
    /// The contents of an `export.bin` that is no more in a ZIP file, without a
    /// signature.
    pub const fn from_bin(bin: Vec<u8>) -> Self {
        Self { bin, sig: None }
    }

    /// The ids and versions of the keys that it says signed it, to look for the keys by. None
    /// of it is believed.
    pub fn claimed_keys(&self) -> Vec<(String, String)> {
        let list = self.sig.as_deref().map(wire::SignatureList::decode);
        let list = list.and_then(Result::ok).unwrap_or_default();
        let infos = list
            .signatures
            .into_iter()
            .filter_map(|it| it.signature_info);
        infos
            .map(|info| {
                let id = info.verification_key_id.unwrap_or_default();
                (id, info.verification_key_version.unwrap_or_default())
            })
            .collect()
    }

    /// Checks the signature against `pinned`, then reads the export.
    ///
    /// # Errors
    /// Any of [`ExportError`], by the first thing that is wrong.
    pub fn verify(self, pinned: &[PinnedKey]) -> Result<Verified, ExportError> {
        let sig = self.sig.as_deref().ok_or(ExportError::Unsigned)?;
        let signatures = wire::SignatureList::decode(sig)
            .map_err(ExportError::SignatureMessage)?
            .signatures;
        let digest = Sha256::digest(&self.bin);
        let signed_by = verify::verify(&digest, &signatures, pinned)?;
        let (export, announced) = parse_bin(&self.bin)?;
        if announced != signatures.len() {
            return Err(ExportError::SignatureCount {
                signatures: signatures.len(),
                announced,
            });
        }
        Ok(Verified {
            export,
            signed_by,
            content: digest.into(),
        })
    }

    /// Reads the export as it is. Only for looking into files: whoever made this
    /// one may have written anything into it.
    ///
    /// # Errors
    /// [`ExportError`] if it is not a valid export.
    pub fn without_verification(self) -> Result<Export, ExportError> {
        parse_bin(&self.bin).map(|(export, _)| export)
    }

    /// Reads the export as [`Self::without_verification`] does, also where it does not
    /// say of which time it is, as files that were made up for a demonstration may.
    ///
    /// # Errors
    /// [`ExportError`] if it is not a valid export for another reason.
    pub fn with_any_period(self) -> Result<Loose, ExportError> {
        parse_loose(&self.bin).map(|(loose, _)| loose)
    }
}

/// The export in `bin`, and how many signatures it announces.
fn parse_bin(bin: &[u8]) -> Result<(Export, usize), ExportError> {
    let (loose, announced) = parse_loose(bin)?;
    if loose.has_period {
        Ok((loose.export, announced))
    } else {
        Err(ExportError::Period)
    }
}

fn parse_loose(bin: &[u8]) -> Result<(Loose, usize), ExportError> {
    let message = bin.strip_prefix(&HEADER).ok_or(ExportError::Header)?;
    let fields = read_fields(message)?;
    let header = wire::Header::decode(&*fields.header).map_err(ExportError::Message)?;
    let period = header.start_timestamp.zip(header.end_timestamp);
    let (start, end) = period.unwrap_or_default();
    if end < start {
        return Err(ExportError::Period);
    }
    let (batch_num, batch_size) = batch_of(&header)?;
    let export = Export {
        start,
        end,
        region: header.region.unwrap_or_default(),
        batch_num,
        batch_size,
        keys: fields.keys,
        revised_keys: fields.revised_keys,
    };
    let loose = Loose {
        export,
        has_period: period.is_some(),
    };
    Ok((loose, fields.announced))
}

/// The batch's number and how many there are; 1 of 1 when neither is given.
fn batch_of(header: &wire::Header) -> Result<(u32, u32), ExportError> {
    let batch_size = header.batch_size.unwrap_or(1);
    let batch_num = match (header.batch_num, header.batch_size) {
        (Some(number), _) => number,
        (None, None) => 1,
        (None, Some(_)) => return Err(ExportError::BatchNumber),
    };
    match (u32::try_from(batch_num), u32::try_from(batch_size)) {
        (Ok(number), Ok(size)) if (1..=size).contains(&number) => Ok((number, size)),
        _ => Err(ExportError::BatchNumber),
    }
}

/// An export's fields.
#[derive(Default)]
struct Fields {
    /// Those of [`wire::Header`], as they stand.
    header: Vec<u8>,
    keys: Vec<DiagnosisKey>,
    revised_keys: Vec<DiagnosisKey>,
    /// How many signatures are announced.
    announced: usize,
}

/// Reads the fields in one pass. Keys become [`DiagnosisKey`]s one by one, so that a file
/// of the shortest possible messages does not grow in memory.
fn read_fields(message: &[u8]) -> Result<Fields, ExportError> {
    let mut rest = message;
    let mut fields = Fields::default();
    while !rest.is_empty() {
        let field = rest;
        let (tag, wire_type) = decode_key(&mut rest).map_err(ExportError::Message)?;
        match (tag, wire_type) {
            (wire::KEYS | wire::REVISED_KEYS, WireType::LengthDelimited) => {
                let message = take_message(&mut rest)?;
                let key = match wire::Key::read_usual(message) {
                    Some((data, key)) => diagnosis_key(data, &key),
                    None => {
                        let key = wire::Key::decode(message).map_err(ExportError::Message)?;
                        diagnosis_key(key.key_data.as_deref().unwrap_or_default(), &key)
                    }
                };
                let index = fields.keys.len() + fields.revised_keys.len();
                let key = key.map_err(|source| ExportError::Key { index, source })?;
                if tag == wire::KEYS {
                    fields.keys.push(key);
                } else {
                    fields.revised_keys.push(key);
                }
            }
            (wire::SIGNATURE_INFOS, WireType::LengthDelimited) => {
                wire::SignatureInfo::decode(take_message(&mut rest)?)
                    .map_err(ExportError::Message)?;
                fields.announced += 1;
            }
            (wire::SIGNATURE_INFOS | wire::KEYS | wire::REVISED_KEYS, _) => {
                return Err(ExportError::Framing);
            }
            _ => {
                skip_field(wire_type, tag, &mut rest, DecodeContext::default())
                    .map_err(ExportError::Message)?;
                if tag < wire::SIGNATURE_INFOS {
                    let length = field.len() - rest.len();
                    fields.header.extend(field.iter().take(length));
                }
            }
        }
    }
    Ok(fields)
}

/// Takes the length and as many bytes off the front.
fn take_message<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], ExportError> {
    let length = decode_varint(rest).map_err(ExportError::Message)?;
    let (taken, after) = usize::try_from(length)
        .ok()
        .and_then(|length| rest.split_at_checked(length))
        .ok_or(ExportError::Framing)?;
    *rest = after;
    Ok(taken)
}

/// The key with this data and the other fields of `key`.
fn diagnosis_key(data: &[u8], key: &wire::Key) -> Result<DiagnosisKey, KeyError> {
    let tek: [u8; KEY_LEN] = data.try_into().map_err(|_| KeyError::Length(data.len()))?;
    let rolling_start = key
        .rolling_start_interval_number
        .and_then(|start| u32::try_from(start).ok())
        .filter(|&start| start <= LAST_ROLLING_START)
        .ok_or(KeyError::RollingStart)?;
    let rolling_period = match key.rolling_period {
        None => RollingPeriod::DAY,
        Some(period) => u32::try_from(period)
            .ok()
            .and_then(RollingPeriod::new)
            .ok_or(KeyError::RollingPeriod(period))?,
    };
    Ok(DiagnosisKey {
        tek: Tek::from_bytes(tek),
        rolling_start: Interval::new(rolling_start),
        rolling_period,
        transmission_risk_level: key.transmission_risk_level.unwrap_or(0),
        report_type: ReportType::from_number(key.report_type.unwrap_or(0)),
        days_since_onset: key.days_since_onset_of_symptoms,
    })
}
