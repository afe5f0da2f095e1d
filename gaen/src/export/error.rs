//! Why an export is refused.

use super::archive::ArchiveError;
use super::verify::Refusal;

/// Why an export is refused.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The ZIP file is not one an export comes in.
    #[error("the ZIP file is refused")]
    Archive(#[from] ArchiveError),
    /// `export.bin` does not begin with "EK Export v1    ".
    #[error("export.bin does not begin as an export of version 1 does")]
    Header,
    /// `export.bin` is not a valid protobuf message.
    #[error("export.bin is not a valid message")]
    Message(#[source] prost::DecodeError),
    /// A key or signature info of `export.bin` is no message, or reaches past the end.
    #[error("export.bin is not a valid message")]
    Framing,
    /// `export.sig` is not a valid protobuf message.
    #[error("export.sig is not a valid message")]
    SignatureMessage(#[source] prost::DecodeError),
    /// `export.sig` holds no signature.
    #[error("the export is not signed")]
    Unsigned,
    /// No signature is by a key that is pinned.
    #[error("the export is not signed by a known key, but by {}", names.join(", "))]
    UnknownKey {
        /// The names of the keys that signed it.
        names: Vec<String>,
    },
    /// The signature by a pinned key is of another algorithm than ECDSA with
    /// SHA-256.
    #[error("the signature by {key} is of an algorithm that is not supported")]
    Algorithm {
        /// The key's name.
        key: String,
    },
    /// The signature by a pinned key does not fit the file.
    #[error("the signature by {key} does not fit the file")]
    Signature {
        /// The key's name.
        key: String,
    },
    /// `export.sig` and `export.bin` do not count as many signatures.
    #[error("export.sig holds {signatures} signatures, but export.bin announces {announced}")]
    SignatureCount {
        /// How many there are.
        signatures: usize,
        /// How many `export.bin` announces.
        announced: usize,
    },
    /// The start or end time is missing, or the end is before the start.
    #[error("the export's period is missing or ends before it starts")]
    Period,
    /// The number of the batch is missing or not one of 1 to the number of batches.
    #[error("the export's batch number is not one of its batches")]
    BatchNumber,
    /// A key is invalid.
    #[error("key {index} of the export is invalid")]
    Key {
        /// Its place, counted from 0 over keys and revised keys as they stand.
        index: usize,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
}

impl From<Refusal> for ExportError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unsigned => Self::Unsigned,
            Refusal::UnknownKey(names) => Self::UnknownKey { names },
            Refusal::Algorithm(key) => Self::Algorithm { key },
            Refusal::Signature(key) => Self::Signature { key },
        }
    }
}

/// What is wrong with a key of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Its data is not 16 bytes long.
    #[error("its data is {0} bytes long, not 16")]
    Length(usize),
    /// Its rolling start is missing, negative or too far in the future to be a time.
    #[error("its rolling start is not a time")]
    RollingStart,
    /// Its rolling period is not 1 to 144.
    #[error("its rolling period of {0} is not 1 to 144")]
    RollingPeriod(i32),
}
