//! Reads Bluetooth logs: btsnoop files, the advertising reports in them, and the Exposure
//! Notification adverts among those.
//!
//! The straight line is [`btsnoop::Records`] (bytes to records) →
//! [`hci::Reassembler`] (records to advertising reports) → [`Adverts`] (reports to adverts).
//! Logs are untrusted: no input panics, and however long one is, a record of it at a time
//! is in memory, the longest of which has 64 KiB.
//!
//! ```
//! use capture::Adverts;
//!
//! // The head of a btsnoop file with Bluetooth's own packets (1002), and nothing after it.
//! let log = *b"btsnoop\0\0\0\0\x01\0\0\x03\xea";
//! let mut adverts = Adverts::new(&log[..])?;
//! for advert in &mut adverts {
//!     println!("{:?} at {:?} dBm", advert.address, advert.rssi);
//! }
//! assert_eq!(adverts.ended_early(), None);
//! # Ok::<(), capture::btsnoop::LogError>(())
//! ```
#![forbid(unsafe_code)]

pub mod adverts;
pub mod btsnoop;
pub mod hci;

pub use adverts::{Advert, Adverts};
