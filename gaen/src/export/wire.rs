//! The protobuf messages of an export (docs/protocol.md §6), by field number.

use prost::Message;

/// An export's fields, without keys and signature infos: those repeat, and are
/// read one by one so that memory stays bounded.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Header {
    #[prost(fixed64, optional, tag = "1")]
    pub(super) start_timestamp: Option<u64>,
    #[prost(fixed64, optional, tag = "2")]
    pub(super) end_timestamp: Option<u64>,
    #[prost(string, optional, tag = "3")]
    pub(super) region: Option<String>,
    #[prost(int32, optional, tag = "4")]
    pub(super) batch_num: Option<i32>,
    #[prost(int32, optional, tag = "5")]
    pub(super) batch_size: Option<i32>,
}

/// Field numbers of what [`Header`] leaves out.
pub(super) const SIGNATURE_INFOS: u32 = 6;
pub(super) const KEYS: u32 = 7;
pub(super) const REVISED_KEYS: u32 = 8;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SignatureInfo {
    /// Deprecated, but present in COCOA's files.
    #[prost(string, optional, tag = "1")]
    pub(crate) app_bundle_id: Option<String>,
    /// Deprecated, but present in COCOA's files.
    #[prost(string, optional, tag = "2")]
    pub(crate) android_package: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) verification_key_version: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(crate) verification_key_id: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub(crate) signature_algorithm: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Key {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(super) key_data: Option<Vec<u8>>,
    #[prost(int32, optional, tag = "2")]
    pub(super) transmission_risk_level: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    pub(super) rolling_start_interval_number: Option<i32>,
    #[prost(int32, optional, tag = "4")]
    pub(super) rolling_period: Option<i32>,
    #[prost(int32, optional, tag = "5")]
    pub(super) report_type: Option<i32>,
    #[prost(sint32, optional, tag = "6")]
    pub(super) days_since_onset_of_symptoms: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SignatureList {
    #[prost(message, repeated, tag = "1")]
    pub(crate) signatures: Vec<Signature>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Signature {
    #[prost(message, optional, tag = "1")]
    pub(crate) signature_info: Option<SignatureInfo>,
    #[prost(int32, optional, tag = "2")]
    pub(crate) batch_num: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    pub(crate) batch_size: Option<i32>,
    #[prost(bytes = "vec", optional, tag = "4")]
    pub(crate) signature: Option<Vec<u8>>,
}
