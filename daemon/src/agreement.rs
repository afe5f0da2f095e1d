//! Whose agreement to the terms counts.

use gaen::time::UnixSeconds;
use sesshoku_dbus_api::Error;

use crate::store::{Store, StoreError};

/// Whose agreement to the terms counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// The person's, who gives and withdraws it on the bus; it is in the store.
    Person,
    /// The operator's, who gives it in the configuration: the version agreed to.
    /// Taking it out there is withdrawing.
    Operator(Option<String>),
}

impl Agreement {
    /// The version agreed to, and when, where that is known.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn stands(
        &self,
        store: &Store,
    ) -> Result<Option<(String, Option<UnixSeconds>)>, StoreError> {
        Ok(match self {
            Self::Person => store.consent()?.map(|it| (it.version, Some(it.agreed_at))),
            Self::Operator(version) => version.clone().map(|version| (version, None)),
        })
    }

    /// Erases what was recorded before the operator took their agreement back.
    ///
    /// # Errors
    /// When the store cannot be read, or not everything be erased.
    pub fn settle(&self, store: &mut Store) -> Result<(), StoreError> {
        if *self == Self::Operator(None) && store.holds_records()? {
            tracing::warn!("the operator's agreement is gone; erasing what was recorded");
            store.withdraw()?;
        }
        Ok(())
    }

    /// # Errors
    /// [`Error::OperatorsAgreement`] where the operator gives it in the configuration.
    pub fn may_be_changed_by_callers(&self) -> Result<(), Error> {
        match self {
            Self::Person => Ok(()),
            Self::Operator(_) => Err(Error::OperatorsAgreement(
                "the operator of this device agrees in its configuration".into(),
            )),
        }
    }
}
