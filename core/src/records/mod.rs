//! What the daemon keeps, in plain types. How it is sealed and stored is the store's
//! matter.

mod check;
mod consent;
mod cycle;
mod exposure;
mod own_key;
mod registration;

pub use check::{CheckCounts, CheckOutcome, CheckRecord};
pub use consent::{
    AGREEMENT_VERSION, Consent, PLACE_AGREEMENT_VERSION, TERMS_VERSION, consent_state,
};
pub use cycle::{Coverage, CycleHeader, CycleSighting, Listened, ScanCycle};
pub use exposure::{ExposureChanges, Exposures, StoredExposure};
pub use own_key::{OwnKey, Standing, UsedIntervals};
pub use registration::{
    Registration, RegistrationEnd, RegistrationFailure, RegistrationId, RegistrationRecord,
};
