//! Handing over a processing number.

use std::io::{self, Write};
use std::os::fd::OwnedFd;

use zbus::Fd;

/// A pipe with `processing_number` in it, for
/// [`register_with`](crate::Registration1Proxy::register_with).
///
/// A message of the bus is copied on its way, and nobody can wipe those copies; what goes
/// through a pipe is in the kernel alone until it is read.
///
/// # Errors
/// When the system has no more descriptors.
pub fn number_pipe(processing_number: &str) -> io::Result<Fd<'static>> {
    let (reader, mut writer) = io::pipe()?;
    // Far less than a pipe takes without waiting; and nobody sends more than this.
    let number = processing_number.as_bytes();
    writer.write_all(&number[..number.len().min(1024)])?;
    Ok(OwnedFd::from(reader).into())
}
