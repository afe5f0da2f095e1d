//! Reads Bluetooth logs: btsnoop files, the advertising reports in them, and the
//!
//! The straight line is [`btsnoop::Records`] (bytes to records) →
//! [`hci::Reassembler`] (records to advertising reports) → [`Adverts`] (reports
//! Logs are untrusted: no input panics, and however long one is, a record of it at a time
//! is in memory, the longest of which has 64 KiB.
#![forbid(unsafe_code)]

pub mod adverts;
pub mod btsnoop;
pub mod hci;

pub use adverts::{Advert, Adverts};
