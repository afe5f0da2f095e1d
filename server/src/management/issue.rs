//! Issuing: a number is drawn, made valid, and sent; if it cannot be sent, it is
//! deleted. The recipient is dropped, and thereby wiped, at the end of it.

use std::time::Duration;

use gaen::registration::ProcessingNumber;
use gaen::time::UnixSeconds;

use super::Inner;
use super::audit::{Action, Outcome};
use super::message::{self, Spoken};
use super::metrics::Why;
use super::number;
use super::recipient::{Channel, Recipient};
use super::send::SendError;
use super::statistics::Counted;
use super::store::{FormId, Issue, Issued, Progress};
use crate::database::DatabaseError;
use crate::log::Causes;

/// How often a number is drawn before giving up. With a hundredth of all numbers
/// taken, the most the settings allow, this fails once in 10¹⁶ times.
const DRAWS_MAX: usize = 8;

/// What is to be issued.
#[derive(Debug)]
pub(super) struct Order {
    /// By whom.
    pub account: String,
    /// To whom.
    pub recipient: Recipient,
    /// In which language.
    pub language: Spoken,
    /// With which one-time id.
    pub form: FormId,
}

/// Why nothing was issued.
#[derive(Debug, thiserror::Error)]
pub(super) enum IssueError {
    /// The form was sent before.
    #[error("this form was sent before")]
    KnownForm,
    /// This way of sending is not set up.
    #[error("this way of sending is not set up")]
    ChannelOff,
    /// There were too many in this hour.
    #[error("too many numbers were issued in this hour")]
    Limited(Duration),
    /// Too many are valid.
    #[error("too many numbers are valid at the same time")]
    Full,
    /// The message could not be sent; the number is deleted.
    #[error("the message could not be sent")]
    Send(#[source] SendError),
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DatabaseError),
    /// The operating system gave no random numbers.
    #[error("the operating system gives no random numbers")]
    Random(#[from] getrandom::Error),
}

impl IssueError {
    const fn why(&self) -> Why {
        match self {
            Self::Limited(_) | Self::Full => Why::Limited,
            Self::Send(SendError::Refused(_) | SendError::Off) | Self::ChannelOff => Why::Refused,
            Self::Send(SendError::Unavailable(_) | SendError::Timeout) => Why::Unavailable,
            Self::KnownForm | Self::Database(_) | Self::Random(_) => Why::Broken,
        }
    }
}

impl Inner {
    /// Issues a number and sends it; returns until when it is valid.
    ///
    /// # Errors
    /// [`IssueError`]; then there is no valid number.
    pub(super) async fn issue(&self, order: Order) -> Result<UnixSeconds, IssueError> {
        let action = match order.recipient.channel() {
            Channel::Mail => Action::IssueByMail,
            Channel::Sms => Action::IssueBySms,
        };
        let channel = order.recipient.channel();
        let account = order.account.clone();
        let issued = self.issue_unrecorded(order).await;
        let outcome = match &issued {
            Ok(_) => Outcome::Done,
            // It was recorded when it came the first time.
            Err(IssueError::KnownForm) => return issued,
            Err(IssueError::Limited(_) | IssueError::Full) => Outcome::Limited,
            Err(IssueError::Send(_) | IssueError::ChannelOff) => Outcome::NotSent,
            Err(IssueError::Database(_) | IssueError::Random(_)) => Outcome::Failed,
        };
        match &issued {
            Ok(_) => {
                self.metrics.sent(channel);
                self.count(Counted::sent_by(channel)).await;
            }
            Err(error) => {
                tracing::warn!(error = %Causes(error), "no number was issued");
                self.metrics.failed(channel, error.why());
                self.count(Counted::NotSent).await;
            }
        }
        self.record(&account, action, outcome).await;
        issued
    }

    async fn issue_unrecorded(&self, order: Order) -> Result<UnixSeconds, IssueError> {
        if !self.sender.can(order.recipient.channel()) {
            return Err(IssueError::ChannelOff);
        }
        let now = self.clock.now();
        let validity = i32::from(self.config.numbers.valid_hours) * 3600;
        let expires = now.saturating_add_signed(validity);
        let number = self.draw(&order, now, expires).await?;
        self.metrics.issued(order.recipient.channel());
        let shown = message::time(order.language, expires, &self.time_zone);
        let sent = self
            .sender
            .send(&order.recipient, order.language, &number, &shown)
            .await;
        if let Err(error) = sent {
            self.withdraw(&number, order.form).await?;
            return Err(IssueError::Send(error));
        }
        let now = self.clock.now();
        self.store
            .set_progress(order.form, Progress::Sent, now)
            .await?;
        Ok(expires)
    }

    /// A random number that is valid from now on.
    async fn draw(
        &self,
        order: &Order,
        now: UnixSeconds,
        expires: UnixSeconds,
    ) -> Result<ProcessingNumber, IssueError> {
        for _ in 0..DRAWS_MAX {
            let number = number::draw(self.config.numbers.digits)?;
            let issue = Issue {
                digest: self.keys.number(&number),
                account: order.account.clone(),
                form: order.form,
                handle: self.keys.handle(&order.form),
                now,
                expires,
                limits: self.config.numbers.limits(),
            };
            match self.store.issue(issue).await? {
                Issued::Done => return Ok(number),
                Issued::Taken => (),
                Issued::KnownForm => return Err(IssueError::KnownForm),
                Issued::Limited(wait) => return Err(IssueError::Limited(wait)),
                Issued::Full => return Err(IssueError::Full),
            }
        }
        Err(IssueError::Full)
    }

    async fn withdraw(&self, number: &ProcessingNumber, form: FormId) -> Result<(), DatabaseError> {
        self.store.withdraw(self.keys.number(number)).await?;
        let now = self.clock.now();
        self.store.set_progress(form, Progress::Failed, now).await
    }

    /// Takes back the number of a form, which is void from then on, of an account or, where
    /// that is `None`, of any; false where there is no such form. Whether it had been used is
    /// not told.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn take_back(
        &self,
        who: &str,
        form: FormId,
        account: Option<&str>,
    ) -> Result<bool, DatabaseError> {
        let handle = self.keys.handle(&form);
        let now = self.clock.now();
        let known = self.store.take_back(form, handle, account, now).await?;
        if known {
            self.record(who, Action::TakeBack, Outcome::Done).await;
            self.metrics.taken_back();
            self.count(Counted::TakenBack).await;
        }
        Ok(known)
    }
}
