//! The store through its front door: what it keeps, lets go, survives and hides.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests fail by panicking and say what they skip"
)]

mod any_damage;
mod crash;
mod damage;
mod disk;
mod full;
mod gone;
mod keeping;
mod measure;
mod model;
mod moving;
mod registration;
mod retention;
mod secrecy;
mod support;
