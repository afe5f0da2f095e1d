//! A phone's life: commuting, nights, Bluetooth off, no network, sleep, reboots, a clock
//! that is set, contacts, and a registration of its own. What is said is looked at every
//! hour; memory, files and the database stay level.
//!
//! A program of its own, since it measures itself.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
#![allow(
    dead_code,
    reason = "the device and its world are shared with the tests in life/"
)]

#[path = "../life/device.rs"]
mod device;
mod phone;
#[path = "../life/world.rs"]
mod world;

use phone::Phone;

#[test]
fn ten_days() {
    Phone::new(10).live();
}

#[test]
#[ignore = "takes minutes; make life runs it"]
fn sixty_days() {
    Phone::new(60).live();
}
