//! Whether all batches of an export are there (docs/protocol.md §6).

use std::collections::BTreeSet;

use super::Export;

/// Why a set of batches is not one whole export.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// There is not even one.
    #[error("there is no batch")]
    Empty,
    /// Batches of different exports: their period, region or number of batches
    /// differs.
    #[error("the batches are of different exports")]
    Mixed,
    /// A batch is missing.
    #[error("batch {0} is missing")]
    Missing(u32),
}

/// Checks that `batches`, in any order, hold batches 1 to the last of one export.
///
/// Several may have one number: COCOA's exporter calls each of its runs for a day
/// batch 1 of 1 of that day, and the keys of all of them count.
///
/// # Errors
/// [`BatchError`] says what is missing or does not belong.
pub fn check_complete<'a>(batches: impl IntoIterator<Item = &'a Export>) -> Result<(), BatchError> {
    let mut batches = batches.into_iter();
    let first = batches.next().ok_or(BatchError::Empty)?;
    let mut numbers = BTreeSet::from([first.batch_num]);
    for batch in batches {
        if identity(batch) != identity(first) {
            return Err(BatchError::Mixed);
        }
        numbers.insert(batch.batch_num);
    }
    // Ends at the first number that is missing, however many batches are claimed.
    match (1..=first.batch_size).find(|number| !numbers.contains(number)) {
        Some(number) => Err(BatchError::Missing(number)),
        None => Ok(()),
    }
}

/// What all batches of one export have in common.
fn identity(export: &Export) -> (u64, u64, &str, u32) {
    (export.start, export.end, &export.region, export.batch_size)
}
