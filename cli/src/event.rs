//! What `sesshoku watch` tells of.

use serde::Serialize;

use crate::contacts::Contacts;
use crate::notices::Notices;
use crate::status::{Check, Consent, Running, Scans, Status};

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(crate) enum Event {
    /// The daemon is not running yet.
    Waiting,
    /// The daemon is there; what its state is.
    Connected { status: Box<Status> },
    /// The daemon is gone.
    Disconnected,
    /// Whether it runs, or why, changed.
    State(Running),
    /// Scans ended.
    Scan(Scans),
    /// The agreement changed.
    Consent(Consent),
    /// A check began or ended, or the next was planned.
    Check(Check),
    /// The operator's notices changed.
    Notices(Notices),
    /// The result of checking may have changed; what it is.
    Result(Contacts),
    /// The result of checking may have changed, but cannot be read.
    ResultHidden,
}
