//! A phone's life: commuting, nights, Bluetooth off, no network, sleep, reboots, a clock
//! that is set, databases of earlier versions, contacts, and registrations of its own. What
//! is said is compared every hour with what the model of daemon/tests/histories says; memory,
//! files and the database stay level.
//!
//! A program of its own, since it measures itself.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
#![allow(clippy::print_stdout, reason = "what was said is printed")]
#![allow(
    dead_code,
    reason = "the device and its world are shared with the tests in life/, the model with those in histories/"
)]

#[path = "../life/device.rs"]
mod device;
#[path = "../histories/model.rs"]
mod model;
mod old_schema;
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
