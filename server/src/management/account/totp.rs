//! Codes by time (RFC 6238): SHA-1, 6 digits, 30 seconds, which is what every
//! authenticator app takes; one step early or late is accepted.

use totp_rs::{Builder, Totp, TotpError};
use zeroize::Zeroizing;

use gaen::time::UnixSeconds;

use crate::management::keys::random;

/// RFC 4226 §4 recommends 160 bits.
const SECRET_LEN: usize = 20;
const ISSUER: &str = "Sesshoku";

/// A secret that is tried where there is no account. Its codes lead nowhere.
pub(super) const NOBODY: [u8; SECRET_LEN] = [0; SECRET_LEN];

/// A new secret.
///
/// # Errors
/// [`getrandom::Error`].
pub(super) fn generate() -> Result<Zeroizing<[u8; SECRET_LEN]>, getrandom::Error> {
    random().map(Zeroizing::new)
}

/// The `otpauth:` URI that authenticator apps read, as a QR code for example.
///
/// # Errors
/// [`TotpError`] where the account's name cannot be in one.
pub(super) fn uri(account: &str, secret: &[u8]) -> Result<Zeroizing<String>, TotpError> {
    let totp = Builder::new()
        .with_secret(secret.to_vec())
        .with_issuer(Some(ISSUER))
        .with_account_name(account)
        .build()?;
    totp.to_url().map(Zeroizing::new)
}

/// The time step that `code` is for, if it is a right one now.
///
/// # Errors
/// [`TotpError`] where the secret is not one.
pub(super) fn step(secret: &[u8], code: &str, now: UnixSeconds) -> Result<Option<i64>, TotpError> {
    let totp: Totp = Builder::new().with_secret(secret.to_vec()).build()?;
    // People type the gap that apps show in the middle.
    let digits: Zeroizing<String> =
        Zeroizing::new(code.chars().filter(|it| !it.is_whitespace()).collect());
    let step = totp.check(&digits, u64::from(now.get()));
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, the last six of the eight digits.
    const RFC_SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_standard_and_one_step_around() {
        for (now, code) in [
            (1_234_567_890, "005924"),
            (1_111_111_109, "081804"),
            (2_000_000_000, "279037"),
        ] {
            for (offset, accepted) in [
                (-60, false),
                (-30, true),
                (0, true),
                (30, true),
                (60, false),
            ] {
                let now = UnixSeconds::new(now);
                let at = now.saturating_add_signed(offset);
                let expected = accepted.then(|| i64::from(now.get() / 30));
                let step = step(RFC_SECRET, code, at).unwrap();
                assert_eq!(step, expected, "{now:?} {offset}");
            }
        }
        let now = UnixSeconds::new(59);
        assert_eq!(step(RFC_SECRET, "287 082", now).unwrap(), Some(1));
        for wrong in ["", "287081", "28708", "2870820", "abcdef", "２８７０８２"] {
            assert_eq!(step(RFC_SECRET, wrong, now).unwrap(), None, "{wrong}");
        }
    }

    #[test]
    fn the_uri_is_what_apps_read() {
        let uri = uri("hanako", RFC_SECRET).unwrap();
        assert_eq!(
            *uri,
            "otpauth://totp/Sesshoku:hanako?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Sesshoku"
        );
    }
}
