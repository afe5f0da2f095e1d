//! How long an account has to wait after failures to sign in.

use std::time::Duration;

/// How many tries are free: people mistype.
const FREE: u32 = 5;
/// The wait after the last free one; it doubles with every further failure.
const FIRST: Duration = Duration::from_secs(60);
/// The longest wait. It is short enough that locking somebody out on purpose takes
/// going on with it all day, which the log shows.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// How long failures are remembered.
pub(crate) const FAILURES_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long to wait after failure number `failures` in a row.
pub(crate) fn wait_after(failures: u32) -> Option<Duration> {
    let beyond = failures.checked_sub(FREE)?;
    let factor = 2_u32.checked_pow(beyond).unwrap_or(u32::MAX);
    Some(FIRST.saturating_mul(factor).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let minutes = |failures| wait_after(failures).map(|wait| wait.as_secs() / 60);
        assert_eq!(minutes(0), None);
        assert_eq!(minutes(4), None);
        assert_eq!(minutes(5), Some(1));
        assert_eq!(minutes(6), Some(2));
        assert_eq!(minutes(8), Some(8));
        assert_eq!(minutes(9), Some(15));
        assert_eq!(minutes(u32::MAX), Some(15));
    }
}
