//! `sesshoku-server`: reads the configuration and runs one role.

fn main() {}
