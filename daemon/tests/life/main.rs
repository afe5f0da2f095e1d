//! A device's life: the core, the store, and checks against a server, with a clock that
//! is set to anything.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
#![allow(
    dead_code,
    reason = "the device and its world are shared with the tests in days/"
)]

mod clocks;
mod device;
mod world;
