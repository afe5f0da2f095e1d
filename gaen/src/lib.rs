//! Exposure Notification (GAEN) v1.2, pure.
//!
//! This crate does no I/O, reads no clock, spawns nothing, and does not panic on
//! any input.
//!
//! The line through it: [`advert`] bytes become a [`sighting`]; a verified
//! [`export`] holds [`diagnosis`] keys; [`matching`] finds the sightings of a key,
//! [`window`] cuts them into exposure windows, and [`risk`] weighs those into days.
#![forbid(unsafe_code)]

pub mod advert;
pub mod config;
pub mod diagnosis;
pub mod export;
mod hkdf;
pub mod import;
pub mod key;
pub mod listing;
pub mod matching;
pub mod metadata;
pub mod notice;
pub mod registration;
pub mod risk;
mod score;
pub mod sighting;
pub mod time;
pub mod window;
