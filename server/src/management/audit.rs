//! The audit log: who did what, when, and what became of it. No row says to whom a
//! number was sent, or where a request came from.

use super::Inner;
use super::store::AuditRow;
use crate::log::Causes;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Somebody signed in.
    SignIn,
    /// Somebody signed out.
    SignOut,
    /// A number was to be sent by mail.
    IssueByMail,
    /// A number was to be sent by SMS.
    IssueBySms,
    /// A number was taken back.
    TakeBack,
    /// Somebody changed their password.
    ChangePassword,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was done.
    Done,
    /// It was refused: wrong password or code.
    Refused,
    /// It was not looked at: too many tries, or too many numbers.
    Limited,
    /// The message could not be sent; the number is deleted.
    NotSent,
    /// Something is broken.
    Failed,
}

/// Who, where it is no account: a name that is none is not kept, it may be a password
/// typed into the wrong field.
pub(super) const NOBODY: &str = "-";
/// Who, on the command line.
pub(super) const COMMAND_LINE: &str = "command line";

impl Action {
    const fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign in",
            Self::SignOut => "sign out",
            Self::IssueByMail => "issue by mail",
            Self::IssueBySms => "issue by SMS",
            Self::TakeBack => "take back",
            Self::ChangePassword => "change password",
        }
    }
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Limited => "limited",
            Self::NotSent => "not sent",
            Self::Failed => "failed",
        }
    }
}

impl Inner {
    /// Adds a row. What was done is done, whether or not that can be recorded; that
    /// it could not is in the program's own log.
    pub(super) async fn record(&self, who: &str, action: Action, outcome: Outcome) {
        let row = AuditRow {
            at: self.clock.now(),
            who: who.into(),
            action: action.name().into(),
            outcome: outcome.name().into(),
        };
        if let Err(error) = self.store.audit(row).await {
            tracing::error!(
                error = %Causes(&error),
                action = action.name(),
                "the audit log cannot be written"
            );
        }
    }
}
