//! Every decision of the daemon, without I/O.
//!
//! - [`tracer`]: what to broadcast, when to listen, when to check, what to register. A
//!   closed event goes in with its time, actions come out.
//! - [`verdict`]: what may be said to the person, and why.
//! - [`belief`]: which time is believed when something is to be destroyed.
//! - [`records`]: what is kept. [`radio`] and [`time`]: what the two see of the world.
//! - [`reminder`]: what a person is reminded of besides contacts.
//! - [`effort`]: how much of the machine matching may take.
//! - [`status`]: the names by which all of it is told.
//!
//! Nothing here has a socket, a file, a clock or randomness of its own.

#![forbid(unsafe_code)]

pub mod belief;
pub mod effort;
mod names;
pub mod radio;
pub mod records;
pub mod reminder;
pub mod status;
pub mod time;
pub mod tracer;
pub mod verdict;

pub use names::Named;
