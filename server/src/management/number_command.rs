//! `sesshoku-server number`: what was sent in the last day, and taking a number back.

use std::io::{self, Write};

use clap::Subcommand;
use jiff::Timestamp;

use super::audit::COMMAND_LINE;
use super::config::Config;
use super::keys::{KeyError, Keys};
use super::store::{AuditRow, FormId, Progress, Store};
use crate::clock::Clock;
use crate::clock::keeper::Keeper;
use crate::database::DatabaseError;
use crate::http::internal::Metrics;
use crate::secret::SecretError;

/// Look at the numbers that were sent, and take them back.
#[derive(Clone, Debug, Subcommand)]
pub enum NumberCommand {
    /// List what was sent within 24 hours: reference, account, when, and what became of it
    List,
    /// Take a number back: it does not work any more
    TakeBack {
        /// The reference that the page or the API gave
        reference: String,
    },
}

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub enum NumberCommandError {
    /// There is no such number.
    #[error("no number was sent with this reference within 24 hours")]
    Unknown,
    /// The key cannot be read.
    #[error("cannot read the management key")]
    Secret(#[from] SecretError),
    /// The key cannot be used.
    #[error("cannot use the management key")]
    Key(#[from] KeyError),
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DatabaseError),
    /// The outcome could not be printed.
    #[error("cannot print")]
    Print(#[from] io::Error),
}

impl NumberCommand {
    /// Runs the command on the database of `config`, whose time `clock` is to show, and
    /// prints to `out`.
    ///
    /// # Errors
    /// [`NumberCommandError`]; then nothing has changed.
    pub async fn run(
        self,
        config: &Config,
        clock: &Clock,
        out: &mut impl Write,
    ) -> Result<(), NumberCommandError> {
        let store = Store::open(&config.database.0).await?;
        Keeper::begin(clock, store.database(), &Metrics::default()).await?;
        match self {
            Self::List => {
                for sent in store.submissions(None).await? {
                    let reference = hex::encode(sent.form);
                    let since = i64::from(sent.submission.since.get());
                    let since = Timestamp::from_second(since).unwrap_or(Timestamp::UNIX_EPOCH);
                    let progress = match sent.submission.progress {
                        Progress::Sending => "being sent",
                        Progress::Sent => "sent",
                        Progress::Failed => "not sent",
                        Progress::TakenBack => "taken back",
                    };
                    writeln!(out, "{reference}  {since}  {}: {progress}", sent.account)?;
                }
                Ok(())
            }
            Self::TakeBack { reference } => {
                let mut form: FormId = [0; 16];
                hex::decode_to_slice(reference.trim(), &mut form)
                    .map_err(|_| NumberCommandError::Unknown)?;
                let keys = Keys::new(&config.secrets.key.read()?)?;
                let now = clock.now();
                if !store.take_back(form, keys.handle(&form), None, now).await? {
                    return Err(NumberCommandError::Unknown);
                }
                let row = AuditRow {
                    at: now,
                    who: COMMAND_LINE.into(),
                    action: "take back".into(),
                    outcome: "done".into(),
                };
                Ok(store.audit(row).await?)
            }
        }
    }
}
