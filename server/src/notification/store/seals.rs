//! Sealing the keys that wait for their export.
//!
//! A database tells more than its tables: which rows one transaction wrote
//! (PostgreSQL's `xmin`, also in rows that are deleted), and in which order (its log).
//! So what a registration writes is sealed, key by key, with a secret that is not in the
//! database; and what is opened is written by a transaction for everybody's keys, or for a
//! range of them.

use std::fmt;

use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::key::{KEY_LEN, Tek};
use gaen::time::Interval;
use getrandom::SysRng;
use hkdf::Hkdf;
use rand_core::{Rng, UnwrapErr};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::StoreError;
use crate::secret::Secret;

/// What the secrets are for, among all that is derived from a signing key.
const PURPOSE: &[u8] = b"sesshoku notification: keys that wait for their export";
/// A key before it is sealed: all are as long as each other.
const PLAIN_LEN: usize = KEY_LEN + 4 + 4 + 4 + 1 + 4;

/// The secrets that seal and open.
pub(in super::super) struct Seals {
    own: Zeroizing<[u8; seal::KEY_LEN]>,
    former: Vec<Zeroizing<[u8; seal::KEY_LEN]>>,
}

/// A key that waits, as a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Random, so that rows lie in no order.
    pub(super) id: [u8; 16],
    pub(super) region: String,
    pub(super) sealed: Vec<u8>,
}

impl fmt::Debug for Seals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seals(…)")
    }
}

impl Seals {
    /// Those that belong to the signing key `own`, which all replicas have. What was sealed
    /// with `former` ones is opened as well.
    pub(in super::super) fn new(own: &Secret, former: &[Secret]) -> Self {
        Self {
            own: derive(own),
            former: former.iter().map(derive).collect(),
        }
    }

    /// Seals `keys` for each of `regions`, in no order.
    pub(super) fn seal(
        &self,
        regions: &[String],
        keys: &[DiagnosisKey],
    ) -> Result<Vec<Waiting>, StoreError> {
        let mut waiting = Vec::with_capacity(regions.len() * keys.len());
        for region in regions {
            for key in keys {
                let mut id = [0; 16];
                UnwrapErr(SysRng).fill_bytes(&mut id);
                waiting.push(Waiting {
                    id,
                    region: region.clone(),
                    sealed: seal::seal(&self.own, region.as_bytes(), &plain(key))?,
                });
            }
        }
        waiting.sort_unstable_by_key(|row| row.id);
        Ok(waiting)
    }

    /// The key that was sealed for `region`.
    ///
    /// # Errors
    /// [`StoreError::Sealed`] where it was sealed with none of these secrets.
    pub(super) fn open(&self, region: &str, sealed: &[u8]) -> Result<DiagnosisKey, StoreError> {
        [&self.own]
            .into_iter()
            .chain(&self.former)
            .find_map(|secret| seal::open(secret, region.as_bytes(), sealed))
            .and_then(|plain| key(&plain))
            .ok_or(StoreError::Sealed)
    }
}

/// PEM is the same key however its lines end.
fn derive(signing_key: &Secret) -> Zeroizing<[u8; seal::KEY_LEN]> {
    let text = signing_key.expose();
    let mut pem = Zeroizing::new(String::with_capacity(text.len()));
    pem.extend(text.split_whitespace());
    let mut secret = Zeroizing::new([0; seal::KEY_LEN]);
    Hkdf::<Sha256>::new(None, pem.as_bytes())
        .expand(PURPOSE, &mut *secret)
        .expect("32 bytes are within HKDF's bound");
    secret
}

fn plain(key: &DiagnosisKey) -> Zeroizing<Vec<u8>> {
    // Never grows: what it left behind would not be wiped.
    let mut plain = Zeroizing::new(Vec::with_capacity(PLAIN_LEN));
    plain.extend_from_slice(key.tek.expose_bytes());
    plain.extend_from_slice(&key.rolling_start.get().to_le_bytes());
    plain.extend_from_slice(&key.rolling_period.get().to_le_bytes());
    plain.extend_from_slice(&key.report_type.number().to_le_bytes());
    plain.push(key.days_since_onset.is_some().into());
    plain.extend_from_slice(&key.days_since_onset.unwrap_or_default().to_le_bytes());
    plain
}

fn key(plain: &[u8]) -> Option<DiagnosisKey> {
    let (tek, rest) = plain.split_first_chunk::<KEY_LEN>()?;
    let (start, rest) = rest.split_first_chunk()?;
    let (period, rest) = rest.split_first_chunk()?;
    let (report_type, rest) = rest.split_first_chunk()?;
    let (has_onset, rest) = rest.split_first()?;
    let days = i32::from_le_bytes(rest.try_into().ok()?);
    Some(DiagnosisKey {
        tek: Tek::from_bytes(*tek),
        rolling_start: Interval::new(u32::from_le_bytes(*start)),
        rolling_period: RollingPeriod::new(u32::from_le_bytes(*period))?,
        transmission_risk_level: super::super::rules::TRANSMISSION_RISK_LEVEL,
        report_type: ReportType::from_number(i32::from_le_bytes(*report_type)),
        days_since_onset: (*has_onset != 0).then_some(days),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn some_key(days_since_onset: Option<i32>) -> DiagnosisKey {
        DiagnosisKey {
            tek: Tek::from_bytes([7; KEY_LEN]),
            rolling_start: Interval::new(2_650_000),
            rolling_period: RollingPeriod::new(65).unwrap(),
            transmission_risk_level: super::super::super::rules::TRANSMISSION_RISK_LEVEL,
            report_type: ReportType::SelfReport,
            days_since_onset,
        }
    }

    #[test]
    fn what_is_sealed_opens_with_its_secret_for_its_region_alone() {
        let seals = Seals::new(&secret("own"), &[]);
        let keys = [some_key(Some(-3)), some_key(None)];
        let regions = ["440".to_owned(), "441".to_owned()];
        let waiting = seals.seal(&regions, &keys).unwrap();
        assert_eq!(waiting.len(), 4);
        for row in &waiting {
            assert_eq!(row.sealed.len(), PLAIN_LEN + seal::OVERHEAD);
            assert!(keys.contains(&seals.open(&row.region, &row.sealed).unwrap()));
            let other = if row.region == "440" { "441" } else { "440" };
            let error = seals.open(other, &row.sealed).unwrap_err();
            assert!(matches!(error, StoreError::Sealed), "{error}");
        }
        assert!(waiting.is_sorted_by_key(|row| row.id));

        let row = &waiting[0];
        let error = Seals::new(&secret("next"), &[]).open(&row.region, &row.sealed);
        assert!(matches!(error, Err(StoreError::Sealed)));
        let next = Seals::new(&secret("next"), &[secret("other"), secret("own")]);
        assert!(next.open(&row.region, &row.sealed).is_ok());
        for len in 0..row.sealed.len() {
            assert!(seals.open(&row.region, &row.sealed[..len]).is_err());
        }
    }

    #[test]
    fn line_ends_of_the_signing_key_do_not_matter() {
        let one = derive(&secret("-----BEGIN-----\nAB\nCD\n"));
        let other = derive(&secret("-----BEGIN-----\r\nAB\r\nCD"));
        assert_eq!(one, other);
        assert_ne!(one, derive(&secret("-----BEGIN-----\nAB\nCE\n")));
    }
}
