//! Programs on machines whose clock is wrong.

use std::fs;
use std::process::Command;

/// Has `command` run where the clock is `days` ahead. The clock that counts from boot is
/// as it is.
pub(crate) fn days_ahead(command: &mut Command, days: i64) {
    let library = fs::read_dir("/usr/lib")
        .unwrap()
        .map(|entry| entry.unwrap().path().join("faketime/libfaketimeMT.so.1"))
        .find(|path| path.exists())
        .expect("faketime is installed: `make setup-test`");
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME", format!("+{days}d"))
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
}
