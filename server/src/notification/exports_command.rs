//! `sesshoku-server exports`: what an operator has done about exports beside the running
//! servers.

use std::io::{self, Write};

use clap::Subcommand;

use super::export::{ExportError, Exporter, Rebuilt};
use super::signers::Signers;
use super::store::{Store, StoreError};
use super::{Config, OpenError, exporter_parts, seals};
use crate::clock::Clock;
use crate::clock::keeper::Keeper;
use crate::http::internal::Metrics;

/// Look after the exports.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ExportsCommand {
    /// Make each listed file again that is not there or is damaged, from the database
    Rebuild,
    /// Have an export made at once of all keys that are due
    Now,
}

/// Why a command did nothing, or not all.
#[derive(Debug, thiserror::Error)]
pub enum ExportsCommandError {
    /// What it works on cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A file could not be made.
    #[error("the exports are not made again")]
    Export(#[from] ExportError),
    /// The database failed.
    #[error("the database failed")]
    Store(#[from] StoreError),
    /// The outcome could not be printed.
    #[error("cannot print")]
    Print(#[from] io::Error),
}

impl ExportsCommand {
    /// Runs the command on the database and the storage of `config`, whose time `clock` is
    /// to show, and prints to `out`.
    ///
    /// # Errors
    /// [`ExportsCommandError`]. What was made until then stays.
    pub async fn run(
        self,
        config: Config,
        clock: &Clock,
        out: &mut impl Write,
    ) -> Result<(), ExportsCommandError> {
        let seals = seals(&config.signing).map_err(OpenError::from)?;
        let store = Store::open(&config.database, seals).await;
        let store = store.map_err(OpenError::from)?;
        match self {
            Self::Rebuild => {
                let database = store.database();
                let keeper = Keeper::begin(clock, database, &Metrics::default()).await;
                keeper.map_err(OpenError::from)?;
                let signers = Signers::open(&config.signing)?;
                let parts = exporter_parts(&config, clock.clone(), &store, signers).await?;
                for rebuilt in Exporter::new(parts).rebuild().await? {
                    say(out, &rebuilt)?;
                }
            }
            Self::Now => {
                for region in &config.distribution.regions {
                    store.order(region).await?;
                    writeln!(
                        out,
                        "{region}: the process that makes the exports makes one within seconds. \
                         A key is in it two hours after its last use."
                    )?;
                }
            }
        }
        Ok(())
    }
}

fn say(out: &mut impl Write, rebuilt: &Rebuilt) -> io::Result<()> {
    let Rebuilt {
        region,
        listed,
        made,
        has_lists,
    } = rebuilt;
    writeln!(
        out,
        "{region}: {listed} files are listed, {made} of them were made again."
    )?;
    if !has_lists {
        writeln!(
            out,
            "{region}: the lists are up to the process that makes the exports, once the time is \
             settled."
        )?;
    }
    Ok(())
}
