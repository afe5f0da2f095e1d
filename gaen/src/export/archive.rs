//! The ZIP file around an export, read strictly (docs/protocol.md §6).
//!
//! Only the plainest form is taken, the one servers write: the entries one after
//! another from the first byte on, the central directory, its end record, and
//! nothing else. Everything that is written twice is compared. What is written
//! once per entry and means nothing here, such as the writer's version, must be
//! the same for all entries, as it is from every writer. So nearly no bit of the
//! file can change without being noticed; what is left over are the times and
//! owners that Info-ZIP and Apple's `ditto` write into local headers only.

use super::Limits;
use super::inflate::{InflateError, inflate};

/// Name of the entry that holds the keys.
pub(super) const BIN_NAME: &str = "export.bin";
/// Name of the entry that holds the signatures.
pub(super) const SIG_NAME: &str = "export.sig";

/// The two files of an export, decompressed.
pub(super) struct Files {
    pub(super) bin: Vec<u8>,
    pub(super) sig: Option<Vec<u8>>,
}

/// Why an archive is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// The file is longer than [`Limits::archive`].
    #[error("the file is longer than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// It does not end in the end record of a ZIP file without a comment.
    #[error("not a ZIP file that ends where it should")]
    NoEndRecord,
    /// A part is missing or not where it must be.
    #[error("the ZIP file's {0} is missing or out of place")]
    Layout(&'static str),
    /// Two copies of one value differ, or a value is not what it must be.
    #[error("the ZIP file's {0} is inconsistent")]
    Inconsistent(&'static str),
    /// Something servers do not use: encryption, spanning, ZIP64, comments.
    #[error("the ZIP file's {0} is not supported")]
    Unsupported(&'static str),
    /// An entry that is neither `export.bin` nor `export.sig`.
    #[error("the ZIP file holds something else than an export")]
    ForeignEntry,
    /// An entry that is there twice.
    #[error("the ZIP file holds {0} twice")]
    DuplicateEntry(&'static str),
    /// An entry that is missing.
    #[error("the ZIP file holds no {0}")]
    MissingEntry(&'static str),
    /// An entry would be longer than its limit when decompressed.
    #[error("{name} would be longer than {limit} bytes")]
    EntryTooLong {
        /// Its name.
        name: &'static str,
        /// The limit.
        limit: usize,
    },
    /// An entry's compressed data is invalid.
    #[error("{name} cannot be decompressed")]
    Inflate {
        /// Its name.
        name: &'static str,
        /// What is wrong.
        #[source]
        source: InflateError,
    },
    /// An entry's checksum does not match.
    #[error("the checksum of {0} does not match")]
    Checksum(&'static str),
}

/// Reads an archive that holds `export.bin` and `export.sig`, in either order.
/// With `bare_allowed`, `export.sig` may be missing.
pub(super) fn read(
    bytes: &[u8],
    limits: &Limits,
    bare_allowed: bool,
) -> Result<Files, ArchiveError> {
    if bytes.len() > limits.archive {
        return Err(ArchiveError::TooLong {
            limit: limits.archive,
        });
    }
    let (body, directory, count) = split_end_record(bytes)?;
    let entries = parse_directory(directory, count)?;
    check_agreement(&entries)?;

    let mut bin = None;
    let mut sig = None;
    let mut body = Reader(body);
    let mut offset = 0_usize;
    let mut length_in_header = None;
    for entry in &entries {
        if usize::try_from(entry.local_offset) != Ok(offset) {
            return Err(ArchiveError::Layout("local header"));
        }
        let length_before = body.0.len();
        let (slot, limit) = match entry.name {
            BIN_NAME => (&mut bin, limits.bin),
            _ => (&mut sig, limits.sig),
        };
        if slot.is_some() {
            return Err(ArchiveError::DuplicateEntry(entry.name));
        }
        *slot = Some(read_entry(&mut body, entry, limit, &mut length_in_header)?);
        offset += length_before - body.0.len();
    }
    if !body.0.is_empty() {
        return Err(ArchiveError::Layout("central directory"));
    }
    if sig.is_none() && !bare_allowed {
        return Err(ArchiveError::MissingEntry(SIG_NAME));
    }
    Ok(Files {
        bin: bin.ok_or(ArchiveError::MissingEntry(BIN_NAME))?,
        sig,
    })
}

const END_RECORD_LEN: usize = 22;
const END_RECORD_SIGNATURE: [u8; 4] = *b"PK\x05\x06";
const CENTRAL_SIGNATURE: [u8; 4] = *b"PK\x01\x02";
const LOCAL_SIGNATURE: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR_SIGNATURE: [u8; 4] = *b"PK\x07\x08";

const FLAG_DESCRIPTOR: u16 = 1 << 3;
/// The speed the compressor was set to, a data descriptor, names in UTF-8.
const KNOWN_FLAGS: u16 = 0b110 | FLAG_DESCRIPTOR | 1 << 11;
const METHOD_STORED: u16 = 0;
const METHOD_DEFLATED: u16 = 8;
const EXTRA_EXTENDED_TIMESTAMP: u16 = 0x5455;
/// Times and owner: Apple's `ditto`. The central directory holds only the times.
const EXTRA_UNIX_1: u16 = 0x5855;
/// Owner: Info-ZIP 2. The central directory holds an empty field.
const EXTRA_UNIX_2: u16 = 0x7855;
const EXTRA_ZIP64: u16 = 0x0001;

/// What the local header and the central directory both say of an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Common {
    version_needed: u16,
    flags: u16,
    method: u16,
    time: u16,
    date: u16,
}

/// What says how much there is; zero in local headers before a data descriptor.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Sizes {
    crc: u32,
    compressed: u32,
    uncompressed: u32,
}

const NO_SIZES: Sizes = Sizes {
    crc: 0,
    compressed: 0,
    uncompressed: 0,
};

struct CentralEntry<'a> {
    version_made_by: u16,
    common: Common,
    sizes: Sizes,
    internal_attributes: u16,
    external_attributes: u32,
    local_offset: u32,
    name: &'static str,
    extra: &'a [u8],
}

/// Splits off the end record, which must be the last of `bytes`: the entries, the
/// central directory, and the number of entries.
fn split_end_record(bytes: &[u8]) -> Result<(&[u8], &[u8], u16), ArchiveError> {
    let at = bytes
        .len()
        .checked_sub(END_RECORD_LEN)
        .ok_or(ArchiveError::NoEndRecord)?;
    let (before, record) = bytes
        .split_at_checked(at)
        .ok_or(ArchiveError::NoEndRecord)?;
    let end = ArchiveError::Layout("end record");
    let mut record = Reader(record);
    if record.array() != Some(END_RECORD_SIGNATURE) {
        return Err(ArchiveError::NoEndRecord);
    }
    let this_disk = record.u16().ok_or_else(|| end.clone())?;
    let directory_disk = record.u16().ok_or_else(|| end.clone())?;
    let count_here = record.u16().ok_or_else(|| end.clone())?;
    let count = record.u16().ok_or_else(|| end.clone())?;
    let size = record.u32().ok_or_else(|| end.clone())?;
    let offset = record.u32().ok_or_else(|| end.clone())?;
    let comment_length = record.u16().ok_or(end)?;
    if this_disk != 0 || directory_disk != 0 || count_here != count {
        return Err(ArchiveError::Unsupported("spanning"));
    }
    if comment_length != 0 {
        return Err(ArchiveError::Unsupported("comment"));
    }
    let misplaced = ArchiveError::Layout("central directory");
    let offset = usize::try_from(offset).map_err(|_| misplaced.clone())?;
    let (body, directory) = before.split_at_checked(offset).ok_or(misplaced.clone())?;
    if usize::try_from(size) != Ok(directory.len()) {
        return Err(misplaced);
    }
    Ok((body, directory, count))
}

fn parse_directory(bytes: &[u8], count: u16) -> Result<Vec<CentralEntry<'_>>, ArchiveError> {
    // A third entry cannot but be foreign or there twice.
    if count > 2 {
        return Err(ArchiveError::ForeignEntry);
    }
    let mut reader = Reader(bytes);
    let mut entries = Vec::new();
    for _ in 0..count {
        entries.push(parse_central_entry(&mut reader)?);
    }
    if !reader.0.is_empty() {
        return Err(ArchiveError::Layout("central directory"));
    }
    Ok(entries)
}

fn parse_central_entry<'a>(reader: &mut Reader<'a>) -> Result<CentralEntry<'a>, ArchiveError> {
    let parsed = parse_central_fields(reader).ok_or(ArchiveError::Layout("central directory"))?;
    let (entry, name, comment_length, disk) = parsed;
    if comment_length != 0 {
        return Err(ArchiveError::Unsupported("comment"));
    }
    if disk != 0 {
        return Err(ArchiveError::Unsupported("spanning"));
    }
    let name = match name {
        b"export.bin" => BIN_NAME,
        b"export.sig" => SIG_NAME,
        _ => return Err(ArchiveError::ForeignEntry),
    };
    if entry.common.flags & !KNOWN_FLAGS != 0 {
        return Err(ArchiveError::Unsupported("flags"));
    }
    Ok(CentralEntry { name, ..entry })
}

/// The entry, yet without its name, its name, the length of its comment, and the
/// number of the disk it is on.
fn parse_central_fields<'a>(
    reader: &mut Reader<'a>,
) -> Option<(CentralEntry<'a>, &'a [u8], u16, u16)> {
    if reader.array()? != CENTRAL_SIGNATURE {
        return None;
    }
    let version_made_by = reader.u16()?;
    let common = reader.common()?;
    let sizes = reader.sizes()?;
    let name_length = reader.u16()?;
    let extra_length = reader.u16()?;
    let comment_length = reader.u16()?;
    let disk = reader.u16()?;
    let internal_attributes = reader.u16()?;
    let external_attributes = reader.u32()?;
    let local_offset = reader.u32()?;
    let name = reader.slice(name_length.into())?;
    let extra = reader.slice(extra_length.into())?;
    let entry = CentralEntry {
        version_made_by,
        common,
        sizes,
        internal_attributes,
        external_attributes,
        local_offset,
        name: "",
        extra,
    };
    Some((entry, name, comment_length, disk))
}

/// Entries of one archive come from one writer, which says the same of each: its
/// version is one number for all, or for each, as Java and .NET have it, the
/// version needed to read that entry.
fn check_agreement(entries: &[CentralEntry<'_>]) -> Result<(), ArchiveError> {
    let writer = |entry: &CentralEntry<'_>| {
        let made_by = entry.version_made_by;
        (
            (made_by != entry.common.version_needed).then_some(made_by),
            entry.internal_attributes,
            entry.external_attributes,
        )
    };
    if entries.windows(2).any(|pair| match pair {
        [a, b] => writer(a) != writer(b),
        _ => false,
    }) {
        return Err(ArchiveError::Inconsistent("central directory"));
    }
    Ok(())
}

/// Reads the entry that begins where `body` does, and takes it off.
///
/// `length_in_header` tells whether the entries with a data descriptor so far had
/// their length in the local header all the same, in which they must agree.
fn read_entry(
    body: &mut Reader<'_>,
    entry: &CentralEntry<'_>,
    limit: usize,
    length_in_header: &mut Option<bool>,
) -> Result<Vec<u8>, ArchiveError> {
    let name = entry.name;
    let (common, sizes, local_name, extra) =
        parse_local_header(body).ok_or(ArchiveError::Layout("local header"))?;
    if common != entry.common || local_name != name.as_bytes() {
        return Err(ArchiveError::Inconsistent("local header"));
    }
    check_extra(entry.extra, extra)?;
    let has_descriptor = common.flags & FLAG_DESCRIPTOR != 0;
    if sizes != entry.sizes && !(has_descriptor && leaves_open(sizes, entry.sizes)) {
        return Err(ArchiveError::Inconsistent("local header"));
    }
    let has_length = sizes.uncompressed != 0;
    if has_descriptor && *length_in_header.get_or_insert(has_length) != has_length {
        return Err(ArchiveError::Inconsistent("local header"));
    }

    let length = usize::try_from(entry.sizes.uncompressed)
        .ok()
        .filter(|&length| length <= limit)
        .ok_or(ArchiveError::EntryTooLong { name, limit })?;
    let data = usize::try_from(entry.sizes.compressed)
        .ok()
        .and_then(|compressed| body.slice(compressed))
        .ok_or(ArchiveError::Layout("data"))?;
    if has_descriptor {
        check_descriptor(body, entry.sizes)?;
    }

    let content = match common.method {
        METHOD_STORED if data.len() == length => data.to_vec(),
        METHOD_STORED => return Err(ArchiveError::Inconsistent("local header")),
        METHOD_DEFLATED => {
            inflate(data, length).map_err(|source| ArchiveError::Inflate { name, source })?
        }
        _ => return Err(ArchiveError::Unsupported("compression")),
    };
    if crc32fast::hash(&content) != entry.sizes.crc {
        return Err(ArchiveError::Checksum(name));
    }
    Ok(content)
}

fn parse_local_header<'a>(reader: &mut Reader<'a>) -> Option<(Common, Sizes, &'a [u8], &'a [u8])> {
    if reader.array()? != LOCAL_SIGNATURE {
        return None;
    }
    let common = reader.common()?;
    let sizes = reader.sizes()?;
    let name_length = reader.u16()?;
    let extra_length = reader.u16()?;
    let name = reader.slice(name_length.into())?;
    let extra = reader.slice(extra_length.into())?;
    Some((common, sizes, name, extra))
}

/// Whether `local` leaves to the data descriptor what `sizes` says: all of it, or,
/// as Info-ZIP does, all but the length, which it knows beforehand.
fn leaves_open(local: Sizes, sizes: Sizes) -> bool {
    let all_but_the_length = Sizes {
        uncompressed: sizes.uncompressed,
        ..NO_SIZES
    };
    local == NO_SIZES || local == all_but_the_length
}

/// The data descriptor has a signature or, from old writers, none.
fn check_descriptor(body: &mut Reader<'_>, expected: Sizes) -> Result<(), ArchiveError> {
    let mut after_signature = Reader(body.0);
    if after_signature.array() == Some(DESCRIPTOR_SIGNATURE)
        && after_signature.sizes() == Some(expected)
    {
        *body = after_signature;
        return Ok(());
    }
    if body.sizes() == Some(expected) {
        Ok(())
    } else {
        Err(ArchiveError::Inconsistent("data descriptor"))
    }
}

/// Compares the extra fields of the two headers: the same fields in the same
/// order with the same contents. Of some fields the central directory holds only
/// the beginning.
fn check_extra(central: &[u8], local: &[u8]) -> Result<(), ArchiveError> {
    let inconsistent = || ArchiveError::Inconsistent("extra field");
    let (mut central, mut local) = (Reader(central), Reader(local));
    while !central.0.is_empty() || !local.0.is_empty() {
        let (central_id, central_data) = central.extra_field().ok_or_else(inconsistent)?;
        let (local_id, local_data) = local.extra_field().ok_or_else(inconsistent)?;
        if central_id == EXTRA_ZIP64 || local_id == EXTRA_ZIP64 {
            return Err(ArchiveError::Unsupported("ZIP64"));
        }
        let same = match (central_id, central_data.len(), local_data.len()) {
            (EXTRA_EXTENDED_TIMESTAMP, ..) => is_same_timestamp(central_data, local_data),
            (EXTRA_UNIX_1, 8, 12) | (EXTRA_UNIX_2, 0, 4) => local_data.starts_with(central_data),
            _ => central_data == local_data,
        };
        if central_id != local_id || !same {
            return Err(inconsistent());
        }
    }
    Ok(())
}

/// A byte of flags, then up to three times of four bytes, of which the central
/// directory holds at most the first.
fn is_same_timestamp(central: &[u8], local: &[u8]) -> bool {
    central.len() <= 5
        && local.len() <= 13
        && !central.is_empty()
        && local.len() % 4 == 1
        && local.starts_with(central)
}

/// Takes numbers in little-endian order off the front of a slice.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (slice, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(slice)
    }

    fn common(&mut self) -> Option<Common> {
        Some(Common {
            version_needed: self.u16()?,
            flags: self.u16()?,
            method: self.u16()?,
            time: self.u16()?,
            date: self.u16()?,
        })
    }

    fn sizes(&mut self) -> Option<Sizes> {
        Some(Sizes {
            crc: self.u32()?,
            compressed: self.u32()?,
            uncompressed: self.u32()?,
        })
    }

    fn extra_field(&mut self) -> Option<(u16, &'a [u8])> {
        let id = self.u16()?;
        let length = self.u16()?;
        Some((id, self.slice(length.into())?))
    }
}
