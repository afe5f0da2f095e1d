//! Accounts: who may issue numbers.

pub(super) mod backoff;
mod command;
pub(super) mod manage;
pub(super) mod password;
pub(super) mod roles;
mod totp;

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use super::Inner;
use super::audit::{Action, NOBODY, Outcome};
use super::keys::{Digest, KeyError, Keys, random, same, sha256};
use super::store::{Account, Change, SignIn};
use crate::database::DatabaseError;
use password::PasswordError;

pub use command::{Command, CommandError};
pub use roles::Role;

/// The longest name, in bytes.
const NAME_LEN_MAX: usize = 32;

/// A random token: a session's id, or what is shown to use the API. Only its digest
/// is stored.
pub(super) struct Token(Zeroizing<[u8; 32]>);

impl Token {
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        random().map(Zeroizing::new).map(Self)
    }

    /// Reads the form of [`Token::expose`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text, bytes.as_mut_slice()).ok()?;
        Some(Self(bytes))
    }

    pub(super) fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0.as_slice()))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    pub(super) fn digest(&self) -> Digest {
        sha256(self.bytes())
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Device(…)")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A browser in which somebody has signed in to an account. Tries from it are counted for
/// themselves, so that whoever guesses elsewhere does not keep the owner out.
#[derive(Clone)]
pub(super) struct Device {
    id: Zeroizing<[u8; 32]>,
    mark: Digest,
}

impl Device {
    /// A browser in which somebody signs in to `name` for the first time.
    fn new(keys: &Keys, name: &str) -> Result<Self, getrandom::Error> {
        let id = random().map(Zeroizing::new)?;
        let mark = keys.device(name, &id);
        Ok(Self { id, mark })
    }

    /// Reads the form of [`Device::expose`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (id, mark) = text.split_once('.')?;
        let (id, mark) = (Token::parse(id)?, Token::parse(mark)?);
        Some(Self {
            mark: *mark.0,
            id: id.0,
        })
    }

    pub(super) fn expose(&self) -> Zeroizing<String> {
        let id = Zeroizing::new(hex::encode(self.id.as_slice()));
        Zeroizing::new(format!("{}.{}", *id, hex::encode(self.mark)))
    }

    /// Whether it is `name` that somebody has signed in to here.
    fn is_of(&self, keys: &Keys, name: &str) -> bool {
        same(&self.mark, &keys.device(name, &self.id))
    }

    /// Under which tries from here are counted.
    fn attempt(&self, keys: &Keys) -> Digest {
        keys.attempt(&format!("device {}", hex::encode(self.mark)))
    }
}

/// What became of a try to sign in.
#[derive(Debug)]
pub(super) enum SignedIn {
    /// A session with this id has begun, in this browser.
    Done(Token, Device),
    /// Name, password or code is wrong; which one is not said.
    Refused,
    /// There were too many failures under this name.
    Wait(Duration),
}

/// What became of a try to change a password.
#[derive(Debug)]
pub(super) enum PasswordChanged {
    /// It is changed, and all sessions have ended.
    Done,
    /// The current one is wrong.
    Refused,
    /// There were too many failures under this name.
    Wait(Duration),
}

/// Why an account could not be worked with.
#[derive(Debug, thiserror::Error)]
pub(super) enum AccountError {
    #[error("the database failed")]
    Database(#[from] DatabaseError),
    #[error("a password could not be worked with")]
    Password(#[from] PasswordError),
    #[error("a TOTP secret could not be worked with")]
    Totp(#[from] totp_rs::TotpError),
    #[error("a TOTP secret cannot be opened")]
    Key(#[from] KeyError),
    #[error("the operating system gives no random numbers")]
    Random(#[from] getrandom::Error),
}

impl Inner {
    /// Signs in. Whether there is such an account can neither be read off the answer,
    /// nor off how long it takes: an unknown name is looked up, hashed, tried and
    /// counted like a known one.
    pub(super) async fn sign_in(
        &self,
        name: &str,
        password: Zeroizing<String>,
        code: &str,
        device: Option<Device>,
    ) -> Result<SignedIn, AccountError> {
        let name = name.trim().to_ascii_lowercase();
        let now = self.clock.now();
        let device = device.filter(|device| device.is_of(&self.keys, &name));
        let attempt = match &device {
            Some(device) => device.attempt(&self.keys),
            None => self.keys.attempt(&name),
        };
        let account = self.store.account(&name).await?;
        let who = account.as_ref().map_or(NOBODY, |account| &account.name);
        if let Some(wait) = self.store.begin_attempt(attempt, now).await? {
            self.record(who, Action::SignIn, Outcome::Limited).await;
            return Ok(SignedIn::Wait(wait));
        }
        let hash = account.as_ref().map(|account| &*account.password);
        let password_is_right = self.passwords.is_right(password, hash).await?;
        let secret = match &account {
            Some(account) => self.keys.open_totp(&account.name, &account.totp)?,
            None => Zeroizing::new(totp::NOBODY.to_vec()),
        };
        let totp_step = totp::step(&secret, code, now)?;
        let session = Token::random()?;
        let accepted = match (account.as_ref(), password_is_right, totp_step) {
            (Some(account), true, Some(totp_step)) => {
                let sign_in = SignIn {
                    account: account.name.clone(),
                    attempt,
                    totp_step,
                    session: session.digest(),
                    now,
                };
                self.store.sign_in(sign_in).await?
            }
            _ => false,
        };
        if accepted {
            self.record(who, Action::SignIn, Outcome::Done).await;
            let device = match device {
                Some(device) => device,
                None => Device::new(&self.keys, &name)?,
            };
            Ok(SignedIn::Done(session, device))
        } else {
            self.record(who, Action::SignIn, Outcome::Refused).await;
            Ok(SignedIn::Refused)
        }
    }

    /// Changes the password of a signed-in account, which must know its current one.
    pub(super) async fn change_password(
        &self,
        account: &Account,
        current: Zeroizing<String>,
        new: Zeroizing<String>,
    ) -> Result<PasswordChanged, AccountError> {
        // Only who is signed in comes here, and is not kept out by those who guess outside.
        let attempt = self
            .keys
            .attempt(&format!("change of password {}", account.name));
        let who = &account.name;
        let action = Action::ChangePassword;
        if let Some(wait) = self.store.begin_attempt(attempt, self.clock.now()).await? {
            self.record(who, action, Outcome::Limited).await;
            return Ok(PasswordChanged::Wait(wait));
        }
        let hash = Some(&*account.password);
        if !self.passwords.is_right(current, hash).await? {
            self.record(who, action, Outcome::Refused).await;
            return Ok(PasswordChanged::Refused);
        }
        let change = Change::Password {
            hash: self.passwords.hash(new).await?,
            must_change: false,
        };
        self.store.change_account(who, change).await?;
        self.store.clear_attempts(attempt).await?;
        self.record(who, action, Outcome::Done).await;
        Ok(PasswordChanged::Done)
    }
}

/// Whether a new account may have this name: it is shown in logs and typed on phones.
fn is_name(name: &str) -> bool {
    (1..=NAME_LEN_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
}
