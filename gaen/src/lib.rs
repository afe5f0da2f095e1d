//! Exposure Notification (GAEN) v1.2, pure.
//!
//! This crate does no I/O, reads no clock, spawns nothing, and does not panic on
//! any input.
//!
//! The line through it: [`advert`] bytes become a [`sighting`]; a verified
//! [`export`] holds [`diagnosis`] keys; [`matching`] finds the sightings of a key,
//! [`window`] cuts them into exposure windows, and [`risk`] weighs those into days.
//!
//! Somebody who is near for 25 minutes, and whose key is published later:
//!
//! ```
//! use gaen::config::Configuration;
//! use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
//! use gaen::key::Tek;
//! use gaen::matching::{Options, match_keys};
//! use gaen::metadata::Metadata;
//! use gaen::risk::day_summaries;
//! use gaen::sighting::{Scan, Sighting};
//! use gaen::time::{DAY_SECONDS, UnixSeconds};
//! use gaen::window::windows;
//!
//! let minute = |minute: u32| UnixSeconds::new(20_800 * DAY_SECONDS + 60 * minute);
//! let tek = Tek::from_bytes([7; 16]);
//!
//! // What the other phone broadcast, and this one heard, once in each scan.
//! let hear = |at: u32| {
//!     let time = minute(at);
//!     let rpi = tek.rpik().rpi(time.interval());
//!     let aem = tek.aemk().encrypt(&rpi, Metadata::v1_0(-14).to_bytes());
//!     let scan = Scan { cycle: Some(at.into()), previous: Some(minute(at - 5)) };
//!     Sighting { time, rpi, aem, rssi: -60, scan }
//! };
//! let sightings: Vec<_> = (5..=25).step_by(5).map(hear).collect();
//!
//! // What the server publishes once that person has registered.
//! let key = DiagnosisKey {
//!     tek,
//!     rolling_start: minute(0).interval(),
//!     rolling_period: RollingPeriod::DAY,
//!     transmission_risk_level: 0,
//!     report_type: ReportType::ConfirmedTest,
//!     days_since_onset: Some(0),
//! };
//!
//! let configuration = Configuration::default();
//! let matches = match_keys(&sightings, std::slice::from_ref(&key), &Options::default())?;
//! let windows = windows(&key, &matches[0].sightings, configuration.infectiousness_of(&key));
//! let days = day_summaries(&windows, &configuration);
//! assert_eq!(days[0].date, minute(0).utc_day());
//! assert!(days[0].contact);
//! # Ok::<(), core::convert::Infallible>(())
//! ```
#![forbid(unsafe_code)]

pub mod advert;
pub mod config;
pub mod diagnosis;
pub mod export;
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
