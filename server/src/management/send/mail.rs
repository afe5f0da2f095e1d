//! Mail, by SMTP or into a folder.

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::{Mailbox, SinglePart, header};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls as SmtpTls, TlsParameters};
use lettre::{
    Address, AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message as Letter,
    Tokio1Executor,
};
use serde::{Deserialize, Serialize};
use settings::ConfigError;

use super::{SendError, SetUpError};
use crate::http::{is_loopback, is_sample};
use crate::management::config::refuse;
use crate::management::message::Message;
use crate::secret::Place;

/// `[mail]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// How mail is sent.
    pub kind: Kind,
    /// The sender, such as `保健所 <no-reply@health.example>`.
    pub from: String,
    /// The SMTP server's host.
    pub host: String,
    /// Its port; 465, 587 or 25 by the kind of `tls` where it is not said.
    pub port: Option<u16>,
    /// How the connection is encrypted.
    pub tls: Tls,
    /// A certificate authority (PEM) in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// The name to sign in with, if the server wants one.
    pub username: Option<String>,
    /// The password to sign in with.
    pub password: Option<Place>,
    /// The folder that `kind = "folder"` writes to.
    pub dir: PathBuf,
    /// How long one try may take.
    pub timeout_seconds: u32,
    /// How often it is tried.
    pub attempts: u32,
}

/// How mail is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Not at all.
    #[default]
    Off,
    /// To an SMTP server.
    Smtp,
    /// Into a folder, a file each, for demonstrations: address and number stay there.
    Folder,
}

/// How the connection to the SMTP server is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// From the first byte.
    #[default]
    On,
    /// After `STARTTLS`, without which nothing is sent.
    Starttls,
    /// Not at all; only to a server on this machine.
    Off,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            kind: Kind::Off,
            from: String::new(),
            host: String::new(),
            port: None,
            tls: Tls::On,
            ca_file: None,
            username: None,
            password: None,
            dir: PathBuf::new(),
            timeout_seconds: 8,
            attempts: 3,
        }
    }
}

impl Mail {
    pub(in crate::management) fn is_on(&self) -> bool {
        self.kind != Kind::Off
    }

    /// Whether what is sent reaches nobody, or is from nobody.
    pub(in crate::management) fn is_for_trying(&self) -> bool {
        let from = self.from.parse::<Mailbox>();
        let is_sample = from.is_ok_and(|from| is_sample(from.email.domain()));
        self.is_on() && (self.kind == Kind::Folder || is_sample)
    }

    pub(in crate::management) fn check(&self) -> Result<(), ConfigError> {
        if !self.is_on() {
            return Ok(());
        }
        if self.from.parse::<Mailbox>().is_err() {
            return refuse("mail.from", "is not a mail address");
        }
        if !(1..=60).contains(&self.timeout_seconds) {
            return refuse("mail.timeout_seconds", "must be 1 to 60");
        }
        if !(1..=5).contains(&self.attempts) {
            return refuse("mail.attempts", "must be 1 to 5");
        }
        if self.kind == Kind::Folder {
            if self.dir.as_os_str().is_empty() {
                return refuse("mail.dir", "is missing");
            }
            return Ok(());
        }
        if self.host.is_empty() {
            return refuse("mail.host", "is missing");
        }
        if self.tls == Tls::Off && !is_loopback(&self.host) {
            return refuse("mail.tls", "may be off only to a server on this machine");
        }
        if self.username.is_some() != self.password.is_some() {
            return refuse("mail.password", "needs mail.username, and the other way");
        }
        Ok(())
    }
}

/// Sends mails.
pub(super) struct Mailer {
    from: Mailbox,
    transport: Transport,
    timeout: Duration,
    pub(super) attempts: u32,
}

enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(AsyncFileTransport<Tokio1Executor>),
}

impl Mailer {
    pub(super) fn new(mail: &Mail) -> Result<Option<Self>, SetUpError> {
        let transport = match mail.kind {
            Kind::Off => return Ok(None),
            Kind::Smtp => Transport::Smtp(smtp_transport(mail)?),
            Kind::Folder => Transport::Folder(AsyncFileTransport::new(&mail.dir)),
        };
        Ok(Some(Self {
            from: mail
                .from
                .parse()
                .map_err(|_| SetUpError::Setting("mail.from"))?,
            transport,
            timeout: timeout(mail),
            attempts: mail.attempts,
        }))
    }

    /// Tries once.
    pub(super) async fn send(&self, address: &str, message: &Message) -> Result<(), SendError> {
        let letter = self.letter(address, message)?;
        let sending = async {
            match &self.transport {
                Transport::Smtp(smtp) => smtp.send(letter).await.map(|_| ()).map_err(kind_of),
                Transport::Folder(folder) => folder
                    .send(letter)
                    .await
                    .map(|_| ())
                    .map_err(|_| SendError::Unavailable(None)),
            }
        };
        // The transport's own timeout is for each step of the conversation.
        tokio::time::timeout(self.timeout, sending)
            .await
            .unwrap_or(Err(SendError::Timeout))
    }

    fn letter(&self, address: &str, message: &Message) -> Result<Letter, SendError> {
        // The form was checked when it came in, so this refuses nothing.
        let to: Address = address.parse().map_err(|_| SendError::Refused(None))?;
        Letter::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(message.subject.as_str())
            .header(AutoSubmitted)
            .singlepart(
                SinglePart::builder()
                    .header(header::ContentType::TEXT_PLAIN)
                    .body(message.text.to_string()),
            )
            .map_err(|_| SendError::Refused(None))
    }
}

/// `Auto-Submitted: auto-generated` (RFC 3834): no absence notes, please.
#[derive(Clone)]
struct AutoSubmitted;

impl header::Header for AutoSubmitted {
    fn name() -> header::HeaderName {
        header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> header::HeaderValue {
        header::HeaderValue::new(Self::name(), "auto-generated".into())
    }
}

fn smtp_transport(mail: &Mail) -> Result<AsyncSmtpTransport<Tokio1Executor>, SetUpError> {
    let (tls, default_port) = match mail.tls {
        Tls::On => (SmtpTls::Wrapper(tls_parameters(mail)?), 465),
        Tls::Starttls => (SmtpTls::Required(tls_parameters(mail)?), 587),
        Tls::Off => (SmtpTls::None, 25),
    };
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&mail.host)
        .port(mail.port.unwrap_or(default_port))
        .tls(tls)
        .timeout(Some(timeout(mail)));
    if let (Some(username), Some(password)) = (&mail.username, &mail.password) {
        let password = password
            .read()
            .map_err(|error| SetUpError::Secret("mail", error))?;
        let password = password.expose().to_owned();
        transport = transport.credentials(Credentials::new(username.clone(), password));
    }
    Ok(transport.build())
}

fn tls_parameters(mail: &Mail) -> Result<TlsParameters, SetUpError> {
    let mut tls = TlsParameters::builder(mail.host.clone());
    if let Some(path) = &mail.ca_file {
        let pem =
            settings::file::read(path, settings::file::MAX_TEXT).map_err(SetUpError::CaFile)?;
        tls = tls
            .certificate_store(smtp::client::CertificateStore::None)
            .add_root_certificate(Certificate::from_pem(&pem).map_err(SetUpError::Mail)?);
    }
    tls.build().map_err(SetUpError::Mail)
}

fn timeout(mail: &Mail) -> Duration {
    Duration::from_secs(u64::from(mail.timeout_seconds))
}

/// What kind of failure it is; its text may name the recipient and is dropped.
fn kind_of(error: smtp::Error) -> SendError {
    let code = error.status().map(u16::from);
    if error.is_permanent() {
        SendError::Refused(code)
    } else if error.is_timeout() {
        SendError::Timeout
    } else {
        SendError::Unavailable(code)
    }
}
