//! Signed listings: which exports a region has, so that none can be held back or
//! exchanged for another unnoticed (docs/server.md).
//!
//! Beside `list.json`, which names files and is believed nothing, a server may
//! publish `list.json.sig`, a protobuf message:
//!
//! ```text
//! SignedListing { bytes listing = 1; bytes signatures = 2; }
//! Listing { string region = 1; uint64 sequence = 2; uint64 made_at = 3; repeated Entry entries = 4; }
//! Entry { string url = 1; bytes sha256 = 2; uint64 start = 3; uint64 end = 4;
//!         uint32 batch_num = 5; uint32 batch_size = 6; uint64 created = 7; }
//! ```
//!
//! `listing` is [`HEADER`] and a `Listing`; `signatures` is what `export.sig` holds
//! (docs/protocol.md §6), of signatures over `listing`. The two headers differ, so that a
//! signature of the one kind never passes for one of the other.

use std::collections::BTreeSet;

use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use sha2::{Digest, Sha256};

use crate::export::verify::{self, Refusal};
use crate::export::{PinnedKey, Signer, wire};
use crate::time::UnixSeconds;

/// How a signed listing begins.
pub const HEADER: [u8; 16] = *b"CR List v1      ";

/// Bounds on a listing, applied before anything is parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest file, in bytes.
    pub file: usize,
    /// Most entries.
    pub entries: usize,
}

impl Default for Limits {
    /// As many entries as a device takes of `list.json`, with URLs of some 130 bytes.
    fn default() -> Self {
        Self {
            file: 1024 * 1024,
            entries: 5_000,
        }
    }
}

/// The exports of a region, as its server vouches for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The region, such as "440".
    pub region: String,
    /// Grows with every listing of the region that says something else; from 1.
    pub sequence: u64,
    /// When it was made.
    pub made: UnixSeconds,
    /// Its exports, in the order of `list.json`; no URL is there twice.
    pub entries: Vec<ListingEntry>,
}

/// One export's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListingEntry {
    /// Where it is: the text of `list.json`'s entry.
    pub url: String,
    /// SHA-256 of the file, a ZIP.
    pub sha256: [u8; 32],
    /// Start of the signed period, in seconds since the epoch.
    pub start: u64,
    /// Its end, never before the start.
    pub end: u64,
    /// Which batch of the export it is, from 1.
    pub batch_num: u32,
    /// How many batches there are.
    pub batch_size: u32,
    /// What `list.json` says of when it was made, in milliseconds since the epoch.
    pub created: u64,
}

/// Why a listing is refused.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// The file is longer than [`Limits::file`].
    #[error("the signed list is longer than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// The file is not a valid protobuf message.
    #[error("the signed list is not a valid message")]
    Message(#[source] prost::DecodeError),
    /// What it holds as signatures is not a valid protobuf message.
    #[error("the signed list's signatures are not a valid message")]
    SignatureMessage(#[source] prost::DecodeError),
    /// It is not signed.
    #[error("the signed list holds no signature")]
    Unsigned,
    /// No signature is by a key that is pinned.
    #[error("the signed list is not signed by a known key, but by {}", names.join(", "))]
    UnknownKey {
        /// The names of the keys that signed it.
        names: Vec<String>,
    },
    /// The signature by a pinned key is of another algorithm than ECDSA with
    /// SHA-256.
    #[error("the signed list's signature by {key} is of an algorithm that is not supported")]
    Algorithm {
        /// The key's name.
        key: String,
    },
    /// The signature by a pinned key does not fit.
    #[error("the signed list's signature by {key} does not fit")]
    Signature {
        /// The key's name.
        key: String,
    },
    /// What is signed does not begin with [`HEADER`].
    #[error("what is signed does not begin as a list of version 1 does")]
    Header,
    /// An entry is no message, or reaches past the end.
    #[error("the signed list's entries are not valid messages")]
    Framing,
    /// It has no sequence number.
    #[error("the signed list has no sequence number")]
    Sequence,
    /// The time it was made is missing, or after 2106.
    #[error("the signed list does not say when it was made")]
    Made,
    /// It has more entries than [`Limits::entries`].
    #[error("the signed list has more than {limit} entries")]
    TooManyEntries {
        /// The limit.
        limit: usize,
    },
    /// An entry is invalid.
    #[error("entry {index} of the signed list is invalid: {source}")]
    Entry {
        /// Its place, counted from 0.
        index: usize,
        /// What is wrong with it.
        source: EntryError,
    },
}

/// What is wrong with an entry of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// It has no URL.
    #[error("it has no URL")]
    Url,
    /// An earlier entry has the same URL.
    #[error("its URL is there twice")]
    Duplicate,
    /// Its hash is not 32 bytes long.
    #[error("its hash is {0} bytes long, not 32")]
    Hash(usize),
    /// Its period has no end, or ends before it starts.
    #[error("its period is missing or ends before it starts")]
    Period,
    /// Its batch is not one of 1 to the number of batches.
    #[error("its batch number is not one of its batches")]
    BatchNumber,
}

impl From<Refusal> for ListingError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unsigned => Self::Unsigned,
            Refusal::UnknownKey(names) => Self::UnknownKey { names },
            Refusal::Algorithm(key) => Self::Algorithm { key },
            Refusal::Signature(key) => Self::Signature { key },
        }
    }
}

#[derive(Clone, PartialEq, Message)]
struct SignedWire {
    #[prost(bytes = "vec", tag = "1")]
    listing: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    signatures: Vec<u8>,
}

/// A listing without its entries, which are read one by one so that memory stays
/// bounded.
#[derive(Clone, PartialEq, Message)]
struct HeadWire {
    #[prost(string, tag = "1")]
    region: String,
    #[prost(uint64, tag = "2")]
    sequence: u64,
    #[prost(uint64, tag = "3")]
    made_at: u64,
}

/// Field number of what [`HeadWire`] leaves out.
const ENTRIES: u32 = 4;

#[derive(Clone, PartialEq, Message)]
struct EntryWire {
    #[prost(string, tag = "1")]
    url: String,
    #[prost(bytes = "vec", tag = "2")]
    sha256: Vec<u8>,
    #[prost(uint64, tag = "3")]
    start: u64,
    #[prost(uint64, tag = "4")]
    end: u64,
    #[prost(uint32, tag = "5")]
    batch_num: u32,
    #[prost(uint32, tag = "6")]
    batch_size: u32,
    #[prost(uint64, tag = "7")]
    created: u64,
}

impl Listing {
    /// The listing as a file, signed by `signers`, at least one of which should be
    /// pinned by devices.
    pub fn sign(&self, signers: &[&Signer]) -> Vec<u8> {
        let listing = self.encode();
        // Batch 1 of 1: a listing is whole.
        let signatures = signers
            .iter()
            .map(|signer| signer.sign(&listing, 1, 1))
            .collect();
        SignedWire {
            signatures: wire::SignatureList { signatures }.encode_to_vec(),
            listing,
        }
        .encode_to_vec()
    }

    /// Checks a file's signature against `pinned`, then reads the listing.
    ///
    /// # Errors
    /// Any of [`ListingError`], by the first thing that is wrong.
    pub fn open(file: &[u8], pinned: &[PinnedKey], limits: &Limits) -> Result<Self, ListingError> {
        if file.len() > limits.file {
            return Err(ListingError::TooLong { limit: limits.file });
        }
        let signed = SignedWire::decode(file).map_err(ListingError::Message)?;
        let signatures = wire::SignatureList::decode(signed.signatures.as_slice())
            .map_err(ListingError::SignatureMessage)?
            .signatures;
        let digest = Sha256::digest(&signed.listing);
        verify::verify(&digest, &signatures, pinned)?;
        parse(&signed.listing, limits)
    }

    fn encode(&self) -> Vec<u8> {
        let head = HeadWire {
            region: self.region.clone(),
            sequence: self.sequence,
            made_at: self.made.get().into(),
        };
        let mut bytes = HEADER.to_vec();
        bytes.extend(head.encode_to_vec());
        for entry in &self.entries {
            let entry = EntryWire {
                url: entry.url.clone(),
                sha256: entry.sha256.to_vec(),
                start: entry.start,
                end: entry.end,
                batch_num: entry.batch_num,
                batch_size: entry.batch_size,
                created: entry.created,
            };
            prost::encoding::message::encode(ENTRIES, &entry, &mut bytes);
        }
        bytes
    }
}

fn parse(bytes: &[u8], limits: &Limits) -> Result<Listing, ListingError> {
    let message = bytes.strip_prefix(&HEADER).ok_or(ListingError::Header)?;
    let head = HeadWire::decode(message).map_err(ListingError::Message)?;
    if head.sequence == 0 {
        return Err(ListingError::Sequence);
    }
    let made = match u32::try_from(head.made_at) {
        Ok(made) if made > 0 => UnixSeconds::new(made),
        _ => return Err(ListingError::Made),
    };
    Ok(Listing {
        region: head.region,
        sequence: head.sequence,
        made,
        entries: parse_entries(message, limits)?,
    })
}

fn parse_entries(message: &[u8], limits: &Limits) -> Result<Vec<ListingEntry>, ListingError> {
    let mut rest = message;
    let mut entries = Vec::new();
    let mut urls = BTreeSet::new();
    while !rest.is_empty() {
        let (tag, wire_type) = decode_key(&mut rest).map_err(ListingError::Message)?;
        match (tag, wire_type) {
            (ENTRIES, WireType::LengthDelimited) => {
                let index = entries.len();
                if index == limits.entries {
                    return Err(ListingError::TooManyEntries {
                        limit: limits.entries,
                    });
                }
                let entry =
                    EntryWire::decode(take_message(&mut rest)?).map_err(ListingError::Message)?;
                let entry = check(entry).map_err(|source| ListingError::Entry { index, source })?;
                if !urls.insert(entry.url.clone()) {
                    let source = EntryError::Duplicate;
                    return Err(ListingError::Entry { index, source });
                }
                entries.push(entry);
            }
            (ENTRIES, _) => return Err(ListingError::Framing),
            _ => skip_field(wire_type, tag, &mut rest, DecodeContext::default())
                .map_err(ListingError::Message)?,
        }
    }
    Ok(entries)
}

/// Takes the length and as many bytes off the front.
fn take_message<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], ListingError> {
    let length = decode_varint(rest).map_err(ListingError::Message)?;
    let (taken, after) = usize::try_from(length)
        .ok()
        .and_then(|length| rest.split_at_checked(length))
        .ok_or(ListingError::Framing)?;
    *rest = after;
    Ok(taken)
}

fn check(entry: EntryWire) -> Result<ListingEntry, EntryError> {
    if entry.url.is_empty() {
        return Err(EntryError::Url);
    }
    let sha256 = <[u8; 32]>::try_from(entry.sha256.as_slice())
        .map_err(|_| EntryError::Hash(entry.sha256.len()))?;
    if entry.end == 0 || entry.end < entry.start {
        return Err(EntryError::Period);
    }
    if !(1..=entry.batch_size).contains(&entry.batch_num) {
        return Err(EntryError::BatchNumber);
    }
    Ok(ListingEntry {
        url: entry.url,
        sha256,
        start: entry.start,
        end: entry.end,
        batch_num: entry.batch_num,
        batch_size: entry.batch_size,
        created: entry.created,
    })
}
