//! The checks that are remembered.

use serde::Serialize;
use sesshoku_dbus_api::{CheckEntry, Exposure1Proxy};
use zbus::Connection;

use crate::bus;
use crate::exit::Failure;

/// The answer to `sesshoku checks`, without what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Checks {
    /// Oldest first.
    pub(crate) checks: Vec<PastCheck>,
}

/// A check that has ended.
///
/// Names are those of the bus (`dbus-api`), times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PastCheck {
    pub(crate) started: u64,
    pub(crate) ended: u64,
    pub(crate) outcome: String,
    pub(crate) listed: Option<u32>,
    pub(crate) compared: Option<u32>,
}

impl Checks {
    /// Asks the daemon, and polkit may ask the person to authenticate.
    pub(crate) async fn fetch(connection: &Connection) -> Result<Self, Failure> {
        let exposure = Exposure1Proxy::new(connection).await?;
        let checks: Vec<CheckEntry> = bus::read(exposure.inner(), "GetChecks").await?;
        Ok(Self {
            checks: checks.into_iter().map(PastCheck::from).collect(),
        })
    }
}

impl From<CheckEntry> for PastCheck {
    fn from(check: CheckEntry) -> Self {
        Self {
            started: check.started,
            ended: check.ended,
            outcome: check.outcome,
            listed: check.listed,
            compared: check.compared,
        }
    }
}
