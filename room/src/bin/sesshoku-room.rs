//! `sesshoku-room`: hosts a simulated room for several daemons and servers.

use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::Context;
use clap::Parser;
use gaen::time::UnixSeconds;
use room::scenario::Scenario;
use room::{Pace, World, hub};
use tokio::net::UnixListener;

/// A simulated room on a socket: daemons whose radio is "air" take part with
/// `radio.air.room`, servers follow its time with `clock.room`.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Who is in the room: a TOML file
    scenario: PathBuf,
    /// The socket to make; nothing may be there yet
    socket: PathBuf,
    /// How many times faster than real time; 0 for as fast as possible
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let scenario = Scenario::read(&arguments.scenario)?;
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let now = UnixSeconds::new(since.as_secs().try_into()?);
    let listener = UnixListener::bind(&arguments.socket)
        .with_context(|| format!("cannot listen on {}", arguments.socket.display()))?;
    hub::host(
        World::new(scenario, now),
        Pace::new(arguments.speed),
        listener,
    )
    .await?;
    Ok(())
}
