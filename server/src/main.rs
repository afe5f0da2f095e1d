//! `sesshoku-server`: reads the configuration and runs one role.
//!
//! Only the management role is started here.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use sesshoku_server::clock::Clock;
use sesshoku_server::management::{self, account};
use settings::Sources;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

/// The servers of Sesshoku.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the management system: issues and checks processing numbers
    Management {
        /// The configuration, in place of the installed ones
        #[arg(long)]
        config: Option<PathBuf>,
        /// Only check the configuration
        #[arg(long)]
        check_config: bool,
    },
    /// Manage the accounts of those who issue processing numbers
    Account {
        /// The management system's configuration, in place of the installed ones
        #[arg(long, global = true)]
        config: Option<PathBuf>,
        #[command(subcommand)]
        command: account::Command,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // PostgreSQL's client logs the parameters of every statement.
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info"))
        .add_directive("tokio_postgres=info".parse()?);
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .init();
    match Arguments::parse().command {
        Command::Management {
            config,
            check_config,
        } => {
            let config = load(config)?;
            if check_config {
                return Ok(());
            }
            run(config).await
        }
        Command::Account { config, command } => {
            let mut out = std::io::stdout().lock();
            Ok(command
                .run(&load(config)?, &Clock::system(), &mut out)
                .await?)
        }
    }
}

fn load(file: Option<PathBuf>) -> anyhow::Result<management::Config> {
    let sources = Sources::new("management", file, toml::Table::new());
    Ok(settings::load(&sources)?)
}

async fn run(config: management::Config) -> anyhow::Result<()> {
    let listener = TcpListener::bind(config.http.listen).await?;
    let management = management::open(config, Clock::system()).await?;
    let app = management
        .router()
        .into_make_service_with_connect_info::<SocketAddr>();
    let (served, all_served) = oneshot::channel::<()>();
    let background = management.clone();
    let background = tokio::spawn(async move {
        let all_served = async {
            let _ = all_served.await;
        };
        background.run_background(all_served).await;
    });
    tracing::info!(address = %listener.local_addr()?, "listening");
    axum::serve(listener, app)
        .with_graceful_shutdown(stop_signal()?)
        .await?;
    drop(served);
    background.await?;
    Ok(())
}

fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
        }
    })
}
