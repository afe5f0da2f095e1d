//! The Sesshoku daemon.
//!
//! ARCHITECTURE.md tells what is in which room.

pub mod agreement;
pub mod app;
pub mod authority;
mod bus;
pub mod calibration;
pub mod clock;
pub mod config;
pub mod lost;
pub mod power;
pub mod radio;
pub mod service;
pub mod store;
pub mod sync;
pub mod tracer;
pub mod verdict;
mod vouch;
pub mod wiping;

/// The version of the terms and the privacy policy in force (`i18n/*/terms.ftl`).
/// Whenever their meaning changes, so does this, and everybody is asked again.
pub const TERMS_VERSION: &str = "1";

/// The version of the agreement that a registration as positive needs
/// (`i18n/*/registration.ftl`).
pub const AGREEMENT_VERSION: &str = "1";

/// The same for the operator of a place (`kiosk` profile), whose registration is
/// another thing: front ends tell them apart by how this begins.
pub const PLACE_AGREEMENT_VERSION: &str = "place-1";
