//! `sesshoku-server account`: whoever may read the database and the key manages the
//! accounts.

use std::io::{self, Write};

use clap::Subcommand;
use jiff::Timestamp;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use zeroize::Zeroizing;

use super::password::{self, PasswordError, Passwords};
use super::roles::{Role, Roles};
use super::{Token, is_name, totp};
use crate::clock::Clock;
use crate::clock::keeper::Keeper;
use crate::database::DatabaseError;
use crate::http::internal::Metrics;
use crate::management::audit::COMMAND_LINE;
use crate::management::config::Config;
use crate::management::keys::{KeyError, Keys};
use crate::management::store::{Account, AuditRow, Change, NewAccount, Store};
use crate::secret::SecretError;

use gaen::time::UnixSeconds;

/// Manage the accounts of those who issue processing numbers.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Add an account; prints its first password and its TOTP secret, once
    Add {
        /// Lower-case letters, digits, '.', '_' and '-'
        name: String,
        /// What it may do; several can be given
        #[arg(long = "role", value_enum, default_values_t = [Role::Issue])]
        roles: Vec<Role>,
    },
    /// Change what an account may do, and end its sessions
    Roles {
        /// The account
        name: String,
        /// All that it may do from now on; nothing where none is given
        #[arg(value_enum)]
        roles: Vec<Role>,
    },
    /// List the accounts
    List,
    /// Keep an account from doing anything, and end its sessions
    Disable {
        /// The account
        name: String,
    },
    /// Let a disabled account work again
    Enable {
        /// The account
        name: String,
    },
    /// Give an account a new first password, and end its sessions
    ResetPassword {
        /// The account
        name: String,
    },
    /// Give an account a new TOTP secret, and end its sessions
    ResetTotp {
        /// The account
        name: String,
    },
    /// Give an account a new API token in place of the one it has
    Token {
        /// The account
        name: String,
        /// Only take away the one it has
        #[arg(long)]
        revoke: bool,
    },
    /// Delete an account; its rows in the audit log stay
    Remove {
        /// The account
        name: String,
    },
    /// Print the audit log: when, who, what, and what became of it
    Audit {
        /// The newest rows, as many as this
        #[arg(long, default_value_t = 100)]
        count: u32,
    },
}

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A name that no account may have.
    #[error(
        "{0:?} cannot be an account's name: up to 32 lower-case letters, digits, '.', '_' and \
         '-', beginning with a letter or digit"
    )]
    Name(String),
    /// There is such an account already.
    #[error("there is an account {0} already")]
    Exists(String),
    /// There is no such account.
    #[error("there is no account {0}")]
    Unknown(String),
    /// The key cannot be read.
    #[error("cannot read the management key")]
    Secret(#[from] SecretError),
    /// The key cannot be used.
    #[error("cannot use the management key")]
    Key(#[from] KeyError),
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DatabaseError),
    /// The password could not be hashed.
    #[error("the password could not be hashed")]
    Password(#[from] PasswordError),
    /// The TOTP secret could not be shown.
    #[error("the TOTP secret could not be shown")]
    Totp(#[from] totp_rs::TotpError),
    /// The operating system gave no random numbers.
    #[error("the operating system gives no random numbers")]
    Random(#[from] getrandom::Error),
    /// The outcome could not be printed.
    #[error("cannot print")]
    Print(#[from] io::Error),
}

/// What a command works with.
struct Context<'a, W> {
    store: Store,
    config: &'a Config,
    clock: &'a Clock,
    out: &'a mut W,
}

impl Command {
    /// Runs the command on the database of `config`, whose time `clock` is to show, and
    /// prints to `out`.
    ///
    /// # Errors
    /// [`CommandError`]; then nothing has changed.
    pub async fn run(
        self,
        config: &Config,
        clock: &Clock,
        out: &mut impl Write,
    ) -> Result<(), CommandError> {
        let store = Store::open(&config.database.0).await?;
        Keeper::begin(clock, store.database(), &Metrics::default()).await?;
        let mut context = Context {
            store,
            config,
            clock,
            out,
        };
        match self {
            Self::Add { name, roles } => context.add(name, roles.into_iter().collect()).await,
            Self::Roles { name, roles } => {
                let roles: Roles = roles.into_iter().collect();
                context.change(&name, Change::Roles(roles)).await?;
                let what = format!("give the roles {:?} to", roles.text());
                context.recorded(&what, &name).await
            }
            Self::List => context.list().await,
            Self::Disable { name } => {
                context.change(&name, Change::Disabled(true)).await?;
                context.recorded("disable", &name).await
            }
            Self::Enable { name } => {
                context.change(&name, Change::Disabled(false)).await?;
                context.recorded("enable", &name).await
            }
            Self::ResetPassword { name } => context.reset_password(&name).await,
            Self::ResetTotp { name } => context.reset_totp(&name).await,
            Self::Token { name, revoke: true } => {
                context.change(&name, Change::Token(None)).await?;
                context.recorded("revoke the token of", &name).await
            }
            Self::Token {
                name,
                revoke: false,
            } => context.make_token(&name).await,
            Self::Remove { name } => {
                context.change(&name, Change::Removed).await?;
                context.recorded("remove", &name).await
            }
            Self::Audit { count } => context.audit(count).await,
        }
    }
}

impl<W: Write> Context<'_, W> {
    async fn add(&mut self, name: String, roles: Roles) -> Result<(), CommandError> {
        if !is_name(&name) {
            return Err(CommandError::Name(name));
        }
        let (password, hash) = new_password().await?;
        let secret = totp::generate()?;
        let account = NewAccount {
            name: name.clone(),
            password: hash,
            totp: self.keys()?.seal_totp(&name, secret.as_slice())?,
            roles,
            created: self.clock.now(),
        };
        let uri = totp::uri(&name, secret.as_slice())?;
        if !self.store.add_account(account).await? {
            return Err(CommandError::Exists(name));
        }
        self.recorded("add", &name).await?;
        self.print_password(&password)?;
        self.print_totp(&uri)
    }

    async fn list(&mut self) -> Result<(), CommandError> {
        let accounts = self.store.accounts().await?;
        let width = accounts.iter().map(|account| account.name.len()).max();
        let width = width.unwrap_or(0);
        for account in &accounts {
            let since = shown_time(account.created);
            let name = &account.name;
            let (roles, notes) = (account.roles.text(), notes(account));
            writeln!(self.out, "{name:width$}  since {since}, may {roles}{notes}")?;
        }
        Ok(())
    }

    async fn reset_password(&mut self, name: &str) -> Result<(), CommandError> {
        let (password, hash) = new_password().await?;
        let change = Change::Password {
            hash,
            must_change: true,
        };
        self.change(name, change).await?;
        // Whoever is locked out and asks for this need not wait any longer.
        let attempt = self.keys()?.attempt(name);
        self.store.clear_attempts(attempt).await?;
        self.recorded("reset the password of", name).await?;
        self.print_password(&password)
    }

    async fn reset_totp(&mut self, name: &str) -> Result<(), CommandError> {
        let secret = totp::generate()?;
        let uri = totp::uri(name, secret.as_slice())?;
        let sealed = self.keys()?.seal_totp(name, secret.as_slice())?;
        self.change(name, Change::Totp(sealed)).await?;
        self.recorded("reset the TOTP secret of", name).await?;
        self.print_totp(&uri)
    }

    async fn make_token(&mut self, name: &str) -> Result<(), CommandError> {
        let token = Token::random()?;
        self.change(name, Change::Token(Some(token.digest())))
            .await?;
        self.recorded("make a token for", name).await?;
        writeln!(self.out, "{}", *token.expose())?;
        Ok(())
    }

    async fn audit(&mut self, count: u32) -> Result<(), CommandError> {
        for row in self.store.audit_rows(count).await? {
            let at = shown_time(row.at);
            let AuditRow {
                who,
                action,
                outcome,
                ..
            } = row;
            writeln!(self.out, "{at}  {who}: {action}: {outcome}")?;
        }
        Ok(())
    }

    async fn change(&self, name: &str, change: Change) -> Result<(), CommandError> {
        if self.store.change_account(name, change).await? {
            Ok(())
        } else {
            Err(CommandError::Unknown(name.into()))
        }
    }

    async fn recorded(&self, what: &str, name: &str) -> Result<(), CommandError> {
        let row = AuditRow {
            at: self.clock.now(),
            who: COMMAND_LINE.into(),
            action: format!("{what} {name}"),
            outcome: "done".into(),
        };
        Ok(self.store.audit(row).await?)
    }

    fn keys(&self) -> Result<Keys, CommandError> {
        Ok(Keys::new(&self.config.secrets.key.read()?)?)
    }

    fn print_password(&mut self, password: &str) -> Result<(), CommandError> {
        writeln!(
            self.out,
            "First password, to be changed at the first sign-in: {password}"
        )?;
        Ok(())
    }

    fn print_totp(&mut self, uri: &str) -> Result<(), CommandError> {
        writeln!(self.out, "For the authenticator app: {uri}")?;
        if let Ok(code) = QrCode::new(uri) {
            // The other way round on purpose: terminals are mostly dark.
            let picture = code
                .render::<Dense1x2>()
                .dark_color(Dense1x2::Light)
                .light_color(Dense1x2::Dark)
                .build();
            writeln!(self.out, "{picture}")?;
        }
        Ok(())
    }
}

async fn new_password() -> Result<(Zeroizing<String>, String), CommandError> {
    let password = password::generate()?;
    let hash = Passwords::new().await?.hash(password.clone()).await?;
    Ok((password, hash))
}

fn notes(account: &Account) -> String {
    [
        (account.disabled, "disabled"),
        (account.must_change, "has a first password"),
        (account.has_token, "has an API token"),
    ]
    .into_iter()
    .filter(|(holds, _)| *holds)
    .map(|(_, note)| format!(", {note}"))
    .collect()
}

fn shown_time(time: UnixSeconds) -> Timestamp {
    Timestamp::from_second(i64::from(time.get())).unwrap_or(Timestamp::UNIX_EPOCH)
}
