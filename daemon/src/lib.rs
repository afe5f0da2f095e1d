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
mod supply;
pub mod sync;
mod vouch;
pub mod wiping;
