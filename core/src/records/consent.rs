//! Agreement to the terms.

use gaen::time::UnixSeconds;
use serde::{Deserialize, Serialize};

use crate::status::ConsentState;

/// The version of the terms and the privacy policy in force (`i18n/*/documents/`).
/// Whenever their meaning changes, so does this, and everybody is asked again.
pub const TERMS_VERSION: &str = "2";

/// The version of the agreement that a registration as positive needs
/// (`i18n/*/documents/`).
pub const AGREEMENT_VERSION: &str = "2";

/// The same for the operator of a place (`kiosk` profile), whose registration is
/// another thing: front ends tell them apart by how this begins.
pub const PLACE_AGREEMENT_VERSION: &str = "place-2";

/// Agreement to the terms and the privacy policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The version agreed to.
    pub version: String,
    /// When it was agreed to.
    pub agreed_at: UnixSeconds,
}

/// Whether the stored agreement covers the terms in force.
pub fn consent_state(agreed_version: Option<&str>, current: &str) -> ConsentState {
    match agreed_version {
        None => ConsentState::None,
        Some(version) if version == current => ConsentState::Agreed,
        Some(_) => ConsentState::Outdated,
    }
}
