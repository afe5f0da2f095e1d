//! Sending a message: by mail or by SMS, in bounded time, with bounded repeats.
//!
//! Servers put addresses into their error texts, so no error here has a text that
//! came from one.

mod mail;
mod sms;

use std::time::Duration;

use gaen::registration::ProcessingNumber;

use super::message::{self, Language};
use super::recipient::{Channel, Recipient};
use crate::secret::SecretError;

pub use mail::{Kind as MailKind, Mail, Tls as MailTls};
pub use sms::{Format as SmsFormat, Sms};

/// The pause before the first repeat; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Sends numbers.
pub(super) struct Sender {
    mail: Option<mail::Mailer>,
    sms: Option<sms::Gateway>,
}

/// Why nothing can be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// A secret is missing.
    #[error("cannot read the secret for sending {0}")]
    Secret(&'static str, #[source] SecretError),
    /// The mail server's certificate authority cannot be read.
    #[error("cannot read mail.ca_file")]
    CaFile(#[source] std::io::Error),
    /// The settings for mail do not make a client.
    #[error("the connection to the mail server cannot be set up")]
    Mail(#[source] lettre::transport::smtp::Error),
    /// The settings for SMS do not make a client.
    #[error("the connection to the SMS gateway cannot be set up")]
    Sms(#[source] reqwest::Error),
    /// A setting is not what the check of the configuration saw.
    #[error("the setting {0} cannot be used")]
    Setting(&'static str),
}

/// Why a message was not sent. It says nothing about whom to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SendError {
    /// This way of sending is not set up.
    #[error("this way of sending is not set up")]
    Off,
    /// The server refused it, and would again.
    #[error("the server refused the message{}", code(*.0))]
    Refused(Option<u16>),
    /// It did not work now.
    #[error("the server could not be reached, or has a problem{}", code(*.0))]
    Unavailable(Option<u16>),
    /// There was no answer in time.
    #[error("the server did not answer in time")]
    Timeout,
}

impl SendError {
    const fn is_passing(self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Timeout => true,
            Self::Off | Self::Refused(_) => false,
        }
    }
}

impl Sender {
    /// What the settings describe.
    ///
    /// # Errors
    /// [`SetUpError`].
    pub(super) fn new(mail: &Mail, sms: &Sms) -> Result<Self, SetUpError> {
        Ok(Self {
            mail: mail::Mailer::new(mail)?,
            sms: sms::Gateway::new(sms)?,
        })
    }

    /// Whether it can send this way.
    pub(super) const fn can(&self, channel: Channel) -> bool {
        match channel {
            Channel::Mail => self.mail.is_some(),
            Channel::Sms => self.sms.is_some(),
        }
    }

    /// Sends `number`, valid until `expires`, to `recipient`.
    ///
    /// # Errors
    /// [`SendError`], after the last try. Where it is not `Refused` the message may
    /// have arrived all the same.
    pub(super) async fn send(
        &self,
        recipient: &Recipient,
        language: Language,
        number: &ProcessingNumber,
        expires: &str,
    ) -> Result<(), SendError> {
        match recipient {
            Recipient::Mail(address) => {
                let mailer = self.mail.as_ref().ok_or(SendError::Off)?;
                let message = message::mail(language, number, expires);
                repeat(mailer.attempts, || mailer.send(address, &message)).await
            }
            Recipient::Phone(phone) => {
                let gateway = self.sms.as_ref().ok_or(SendError::Off)?;
                let message = message::sms(language, number, expires);
                repeat(gateway.attempts, || gateway.send(phone, &message)).await
            }
        }
    }
}

async fn repeat<F: Future<Output = Result<(), SendError>>>(
    attempts: u32,
    mut attempt: impl FnMut() -> F,
) -> Result<(), SendError> {
    let mut pause = FIRST_PAUSE;
    let mut left = attempts;
    loop {
        left = left.saturating_sub(1);
        match attempt().await {
            Err(error) if error.is_passing() && left > 0 => {
                tracing::warn!(%error, left, "sending failed; trying again");
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2);
            }
            done => return done,
        }
    }
}

fn code(code: Option<u16>) -> String {
    code.map_or_else(String::new, |code| format!(" (it says {code})"))
}
