//! End-to-end tests through the front door, and what they stand on.
//!
//! [`local`] runs the programs on a private bus, in a temporary folder; [`polkit`] adds
//! who decides what is allowed; [`room`] puts several of them into one simulated room,
//! [`servers`] runs the servers, [`webdriver`] leads through pages. [`fake_bluez`] stands
//! in for bluetoothd where tests are to take moments.
//!
//! The Bluetooth tier runs the real kernel and the real bluetoothd in a User-Mode
//! Linux guest, with controllers emulated by the `air` crate:
//!
//! - [`uml`] starts a guest from a test and hands back what happened in it;
//! - [`guest`] is what a scenario has at hand inside;
//! - [`setup`] is what the one tells the other;
//! - [`conduct`] is what the radio does on either, judged alike;
//! - [`audit`] judges what was on the air;
//! - [`contacts`] tells what comes of what was heard;
//! - [`document`] shows in documents what was measured.
//!
//! `tests/bluez*.rs` have the tests, `src/bin/guest` the scenarios.

pub mod audit;
pub mod conduct;
pub mod contacts;
pub mod document;
pub mod fake_bluez;
pub mod guest;
pub mod local;
pub mod polkit;
pub mod power;
pub mod room;
pub mod servers;
pub mod setup;
pub mod uml;
pub mod webdriver;
