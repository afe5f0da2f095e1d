//! Checking for contacts with the notification server (docs/protocol.md §8).
//!
//! The core says when; [`mod@check`] does it, [`mod@assess`] reads what
//! [`verdict`](sesshoku_core::verdict) says the result by.
//! Below them, [`source`] fetches from a web server or a folder and [`list`] reads
//! what is on offer; both treat everything from there as untrusted. `exposures`
//! turns matches into what is stored, [`notices`] what the operator has to tell into what
//! is shown. [`mod@registration`] goes the other way: it sends
//! the keys of somebody who registers as positive.

pub mod assess;
pub mod check;
pub(crate) mod exposures;
pub mod list;
pub mod notices;
pub mod registration;
pub mod settings;
pub mod source;
#[cfg(test)]
mod test_server;

pub use assess::assess;
pub use check::{CheckReport, check};
pub use settings::{Registrar, Server, Settings};
