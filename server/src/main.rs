//! `sesshoku-server`: reads the configuration and runs one role.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};
use manual::Section;
use serde::Serialize;
use sesshoku_server::clock::{self, Clock};
use sesshoku_server::init::Init;
use sesshoku_server::management::{self, account};
use sesshoku_server::{keygen, log, notification, run};
use settings::{Settings, Sources};
use toml::Table;

/// How long blocking work that was given up has to finish at the end: what a database
/// has not committed by then does not count.
const FINISH_WITHIN: Duration = Duration::from_secs(5);

/// Contact confirming for Linux: the servers.
///
/// Each role has its own configuration, database and process. Settings come from
/// /usr/lib/sesshoku/ROLE.toml, /etc/sesshoku/ROLE.toml, /etc/sesshoku/ROLE.toml.d/*.toml
/// and environment variables such as SESSHOKU_NOTIFICATION_HTTP__LISTEN, later ones
/// winning. SESSHOKU_LOG sets the level of the log, SESSHOKU_LOG_FORMAT=json its form.
#[derive(Debug, Parser)]
#[command(name = "sesshoku-server", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write both configurations, keys and credentials for a machine into a folder.
    Init(Init),
    /// Run the notification server: take registrations, hand out exports.
    Notification(Role),
    /// Run the management system: issue processing numbers, and check them.
    Management(Role),
    /// Manage the accounts of those who issue processing numbers.
    Account {
        /// Read this file instead of the management system's installed ones.
        #[arg(long, value_name = "FILE", global = true)]
        config: Option<PathBuf>,
        #[command(subcommand)]
        command: account::Command,
    },
    /// Look at the numbers that were sent, and take them back.
    Number {
        /// Read this file instead of the management system's installed ones.
        #[arg(long, value_name = "FILE", global = true)]
        config: Option<PathBuf>,
        #[command(subcommand)]
        command: management::NumberCommand,
    },
    /// Make exports again, or at once.
    Exports {
        /// Read this file instead of the notification server's installed ones.
        #[arg(long, value_name = "FILE", global = true)]
        config: Option<PathBuf>,
        #[command(subcommand)]
        command: notification::ExportsCommand,
    },
    /// Show what time a role goes by, and vouch for the clock where it is not believed.
    Clock {
        /// Which role.
        role: RoleName,
        /// Read this file instead of the installed ones.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// The clock is right, although it is far from when the role ran last.
        #[arg(long)]
        accept: bool,
    },
    /// Make the key that signs exports.
    Keygen(Keygen),
    /// Print the OpenAPI description of a role's interface.
    Openapi {
        /// Which role.
        role: RoleName,
    },
}

#[derive(Debug, Args)]
struct Role {
    /// Read this file instead of the installed ones.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check the configuration, print what holds, and exit.
    #[arg(long)]
    check_config: bool,
}

#[derive(Debug, Args)]
struct Keygen {
    /// Where to write the private key (PKCS #8 PEM, mode 0600).
    #[arg(long, value_name = "FILE", default_value = "signing-key.pem")]
    private: PathBuf,
    /// Where to write the public key, for devices to pin.
    #[arg(long, value_name = "FILE", default_value = "signing-key.pub.pem")]
    public: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleName {
    /// The notification server.
    Notification,
    /// The management system.
    Management,
}

/// What a configuration has to do with how the program ends.
enum Failure {
    /// The configuration cannot be used.
    Configuration(anyhow::Error),
    /// Nobody reads what was to be printed, or the terminal is gone.
    Unheard(io::Error),
    /// Something else.
    Other(anyhow::Error),
}

fn main() -> ExitCode {
    if let Some(ended) = manual::generate_if_asked::<Arguments>(Section::Administration) {
        return ended;
    }
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Init(init) => match init.run() {
            Ok(next) => print(&next),
            Err(error) => Err(Failure::Other(error.into())),
        },
        Command::Notification(role) => notification(role),
        Command::Management(role) => management(role),
        Command::Account { config, command } => account(config, command),
        Command::Number { config, command } => number(config, command),
        Command::Exports { config, command } => exports(config, command),
        Command::Clock {
            role,
            config,
            accept,
        } => clock(role, config, accept),
        Command::Keygen(files) => {
            keygen::keygen(&files.private, &files.public).map_err(|it| Failure::Other(it.into()))
        }
        Command::Openapi { role } => print(openapi(role)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Configuration(error)) => fail(2, &error),
        // Who closed the pipe has read enough, and knows.
        Err(Failure::Unheard(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::FAILURE
        }
        Err(Failure::Unheard(error)) => fail(1, &error.into()),
        Err(Failure::Other(error)) => fail(1, &error),
    }
}

fn notification(role: Role) -> Result<(), Failure> {
    let config: notification::Config = load("notification", role.config)?;
    in_runtime(async {
        if role.check_config {
            let checked = notification::check(&config).await;
            checked.map_err(|error| Failure::Configuration(error.into()))?;
            return print_config(&config, &config.gaps());
        }
        log::start();
        run::notification(config).await.map_err(Failure::Other)
    })
}

fn management(role: Role) -> Result<(), Failure> {
    let config: management::Config = load("management", role.config)?;
    in_runtime(async {
        if role.check_config {
            let checked = management::check(&config);
            checked.map_err(|error| Failure::Configuration(error.into()))?;
            return print_config(&config, &config.gaps());
        }
        log::start();
        run::management(config).await.map_err(Failure::Other)
    })
}

fn account(config: Option<PathBuf>, command: account::Command) -> Result<(), Failure> {
    let config: management::Config = load("management", config)?;
    in_runtime(async {
        log::start();
        let mut out = io::stdout().lock();
        let done = command.run(&config, &Clock::kept(), &mut out).await;
        done.map_err(|error| Failure::Other(error.into()))
    })
}

fn number(config: Option<PathBuf>, command: management::NumberCommand) -> Result<(), Failure> {
    let config: management::Config = load("management", config)?;
    in_runtime(async {
        log::start();
        let mut out = io::stdout().lock();
        let done = command.run(&config, &Clock::kept(), &mut out).await;
        done.map_err(|error| Failure::Other(error.into()))
    })
}

fn exports(config: Option<PathBuf>, command: notification::ExportsCommand) -> Result<(), Failure> {
    let config: notification::Config = load("notification", config)?;
    in_runtime(async {
        log::start();
        let mut out = io::stdout().lock();
        let clock = config.clock.open().await.context("there is no clock");
        let clock = clock.map_err(Failure::Other)?;
        let done = command.run(config, &clock, &mut out).await;
        done.map_err(|error| Failure::Other(error.into()))
    })
}

fn clock(role: RoleName, config: Option<PathBuf>, accept: bool) -> Result<(), Failure> {
    in_runtime(async {
        let database = match role {
            RoleName::Notification => notification::database(&load("notification", config)?).await,
            RoleName::Management => management::database(&load("management", config)?).await,
        };
        let said = async { clock::run_command(&database?, accept).await };
        print(&said.await.map_err(|error| Failure::Other(error.into()))?)
    })
}

fn load<T: Settings>(name: &str, file: Option<PathBuf>) -> Result<T, Failure> {
    let sources = Sources::new(name, file, Table::new());
    settings::load(&sources).map_err(|error| Failure::Configuration(error.into()))
}

fn in_runtime(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .map_err(Failure::Other)?;
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(FINISH_WITHIN);
    result
}

const fn openapi(role: RoleName) -> &'static str {
    match role {
        RoleName::Notification => include_str!("../openapi/notification.yaml"),
        RoleName::Management => include_str!("../openapi/management.yaml"),
    }
}

/// Prints what holds, and beside it what has to be set before people rely on it.
fn print_config<T: Serialize>(config: &T, gaps: &[&str]) -> Result<(), Failure> {
    let text = toml::to_string(config).context("the configuration cannot be printed");
    print(&text.map_err(Failure::Other)?)?;
    for gap in gaps {
        // Who hears none of it has asked for the configuration.
        let _ = writeln!(io::stderr(), "before people rely on it: {gap}");
    }
    Ok(())
}

fn print(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{}", text.trim_end()).map_err(Failure::Unheard)
}

fn fail(code: u8, error: &anyhow::Error) -> ExitCode {
    // The last words of a program that cannot go on may find nobody, too.
    let _ = writeln!(io::stderr(), "sesshoku-server: {error:#}");
    ExitCode::from(code)
}
