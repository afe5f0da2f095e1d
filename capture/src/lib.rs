//! Reads Bluetooth logs: btsnoop files, the advertising reports in them, and the
//!
//! The straight line is [`btsnoop::Cursor`] (bytes to records) →
//! [`hci::Reassembler`] (records to advertising reports) → [`Adverts`] (reports
//! Logs are untrusted: no input panics, and nothing is allocated on the word of
//! a length field.
#![forbid(unsafe_code)]

pub mod adverts;
pub mod btsnoop;
pub mod hci;

pub use adverts::{Advert, Adverts};
