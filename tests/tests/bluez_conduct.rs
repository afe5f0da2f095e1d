//! The radio on the real bluetoothd does what it does on the fake one of
//! `fake_bluez.rs`: one scenario, `sesshoku_tests::conduct`, for both.

use air::controller::Model;
use sesshoku_tests::uml::{EXTENDED, LEGACY, Machine};

#[test]
fn on_a_legacy_controller() {
    conducts_itself("conduct-legacy-plain", LEGACY, false);
}

#[test]
fn on_a_legacy_controller_experimental() {
    conducts_itself("conduct-legacy-experimental", LEGACY, true);
}

#[test]
fn on_an_extended_controller() {
    conducts_itself("conduct-extended-plain", EXTENDED, false);
}

#[test]
fn on_an_extended_controller_experimental() {
    conducts_itself("conduct-extended-experimental", EXTENDED, true);
}

fn conducts_itself(name: &str, model: Model, experimental: bool) {
    Machine::new(name, "radio-conducts-itself")
        .model(model)
        .experimental(experimental)
        .run();
}
