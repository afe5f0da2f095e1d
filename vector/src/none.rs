//! Of other processors no vector instructions are made use of: there is never a [`Detected`].

use crate::{Bitmap, GROUP, Key, LANES};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detected {}

pub(crate) const fn detect() -> Option<Detected> {
    None
}

pub(crate) const fn rpiks(detected: Detected, _: &[Key; LANES]) -> [Key; LANES] {
    match detected {}
}

pub(crate) fn encrypt_and_find(
    detected: Detected,
    _: &Key,
    _: &[[Key; GROUP]],
    _: &mut [[Key; GROUP]],
    _: Bitmap<'_>,
    _: impl FnMut(usize),
) {
    match detected {}
}
