//! `sesshoku-fake-bluez`: Bluetooth for machines without it, for tests. It takes the name
//! `org.bluez` on a bus and behaves as bluetoothd; see `sesshoku_tests::fake_bluez`.

use std::io::{BufRead, Write};

use anyhow::{Context, Result};
use clap::Parser;
use sesshoku_tests::fake_bluez::{FakeBluez, Options};

/// A fake bluetoothd, for tests on machines without Bluetooth.
///
/// Says `ready` when it has its name, then takes instructions from standard input, one a
/// line, each answered with `ok` or `error …`. Ends when it is told `quit`, or by a signal.
#[derive(Debug, Parser)]
#[command(name = "sesshoku-fake-bluez")]
struct Arguments {
    /// The bus, which has to allow the name: on the system bus it is root's.
    #[arg(long, env = "DBUS_SYSTEM_BUS_ADDRESS", value_name = "ADDRESS")]
    #[arg(default_value = "unix:path=/run/dbus/system_bus_socket")]
    bus: String,
    #[command(flatten)]
    options: Options,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let fake = FakeBluez::start(&arguments.bus, arguments.options)?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "ready")?;
    for line in std::io::stdin().lock().lines() {
        let line = line.context("cannot read instructions")?;
        if line.trim() == "quit" {
            return Ok(());
        }
        // Whoever instructs need not listen.
        let _ = match fake.tell(&line) {
            Ok(()) => writeln!(stdout, "ok"),
            Err(error) => writeln!(stdout, "error {error:#}"),
        };
    }
    // Whoever started it has closed its input, as systemd does, and ends it by a signal.
    loop {
        std::thread::park();
    }
}
