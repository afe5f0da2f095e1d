//! The management role through its front door: the real program, a real SMTP server,
//! an SMS gateway as the settings describe one, and a real browser.
#![allow(clippy::unwrap_used, reason = "all of this is tests")]

mod api;
mod browser;
mod commands;
mod gateway;
mod openapi;
mod page;
mod server;
mod smtp;
// The server of the unit tests, which names the crate's modules by `crate::`.
#[path = "../../src/testing.rs"]
mod testing;

use sesshoku_server::{database, secret};
