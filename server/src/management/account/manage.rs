//! Managing accounts, from the page: what `sesshoku-server account` does on the command
//! line.

use zeroize::Zeroizing;

use super::roles::Roles;
use super::{AccountError, is_name, password, totp};
use crate::management::Inner;
use crate::management::store::{AuditRow, Change, NewAccount};

/// What is shown once, and kept nowhere.
#[derive(Default)]
pub(crate) struct Secrets {
    /// A first password.
    pub(crate) password: Option<Zeroizing<String>>,
    /// The TOTP secret, as a URI.
    pub(crate) totp: Option<Zeroizing<String>>,
}

/// What is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manage {
    Disable,
    Enable,
    Roles(Roles),
    ResetPassword,
    ResetTotp,
    RevokeToken,
    Remove,
}

/// What became of it.
pub(crate) enum Managed {
    /// It is done.
    Done(Secrets),
    /// There is such an account already.
    Exists,
    /// There is no such account.
    Unknown,
    /// No account can have this name.
    Name,
}

impl Inner {
    /// Adds an account, with a first password.
    ///
    /// # Errors
    /// [`AccountError`]; then nothing has changed.
    pub(crate) async fn add_account(
        &self,
        who: &str,
        name: &str,
        roles: Roles,
    ) -> Result<Managed, AccountError> {
        if !is_name(name) {
            return Ok(Managed::Name);
        }
        let password = password::generate()?;
        let secret = totp::generate()?;
        let account = NewAccount {
            name: name.to_owned(),
            password: self.passwords.hash(password.clone()).await?,
            totp: self.keys.seal_totp(name, secret.as_slice())?,
            roles,
            created: self.clock.now(),
        };
        let uri = totp::uri(name, secret.as_slice())?;
        if !self.store.add_account(account).await? {
            return Ok(Managed::Exists);
        }
        self.managed(who, &format!("add {name} ({})", roles.text()))
            .await?;
        Ok(Managed::Done(Secrets {
            password: Some(password),
            totp: Some(uri),
        }))
    }

    /// Changes the account `name`.
    ///
    /// # Errors
    /// [`AccountError`].
    pub(crate) async fn manage(
        &self,
        who: &str,
        name: &str,
        manage: Manage,
    ) -> Result<Managed, AccountError> {
        let mut secrets = Secrets::default();
        let (change, what) = match manage {
            Manage::Disable => (Change::Disabled(true), "disable".to_owned()),
            Manage::Enable => (Change::Disabled(false), "enable".to_owned()),
            Manage::Roles(roles) => {
                let what = format!("give the roles {:?} to", roles.text());
                (Change::Roles(roles), what)
            }
            Manage::ResetPassword => {
                let password = password::generate()?;
                let hash = self.passwords.hash(password.clone()).await?;
                secrets.password = Some(password);
                let change = Change::Password {
                    hash,
                    must_change: true,
                };
                (change, "reset the password of".to_owned())
            }
            Manage::ResetTotp => {
                let secret = totp::generate()?;
                secrets.totp = Some(totp::uri(name, secret.as_slice())?);
                let sealed = self.keys.seal_totp(name, secret.as_slice())?;
                (Change::Totp(sealed), "reset the TOTP secret of".to_owned())
            }
            Manage::RevokeToken => (Change::Token(None), "revoke the token of".to_owned()),
            Manage::Remove => (Change::Removed, "remove".to_owned()),
        };
        if !self.store.change_account(name, change).await? {
            return Ok(Managed::Unknown);
        }
        if manage == Manage::ResetPassword {
            // Whoever is locked out and asks for this need not wait any longer.
            self.store.clear_attempts(self.keys.attempt(name)).await?;
        }
        self.managed(who, &format!("{what} {name}")).await?;
        Ok(Managed::Done(secrets))
    }

    async fn managed(&self, who: &str, what: &str) -> Result<(), AccountError> {
        let row = AuditRow {
            at: self.clock.now(),
            who: who.to_owned(),
            action: what.to_owned(),
            outcome: "done".to_owned(),
        };
        Ok(self.store.audit(row).await?)
    }
}
