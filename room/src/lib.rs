//! A simulated room for any number of devices, with a time of its own.
//!
//! [`scenario`] says who is in it, [`World`] is what happens there, without I/O. A
//! device can have a world to itself, or share one: [`hub`] hosts it on a socket,
//! [`client`] takes part in it. Time moves only while everybody who takes part
//! waits for it to, so a device that is busy, or a server that is asked something,
//! is never late, however fast the time runs. [`client::set_adapter`] takes a device's
//! Bluetooth away and gives it back.
#![forbid(unsafe_code)]

pub mod client;
pub mod hub;
mod pace;
mod protocol;
pub mod scenario;
mod world;

pub use pace::Pace;
pub use world::{Adapter, Happening, Member, World};
