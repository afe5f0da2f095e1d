//! What to do after a contact: the questions, where they lead, and whom to call.
//!
//! One source for the window, the command line and a call centre.
//! [`Guide`] walks the [`Question`]s to an [`Outcome`]; a [`Directory`] knows the
//! contacts of each [`Prefecture`]. Sentences are the front ends'.
//!
//! Nothing here does I/O or reads a clock, and answers are kept nowhere but in the
//! [`Guide`] that was given them.
#![forbid(unsafe_code)]

mod directory;
mod flow;
mod prefecture;

pub use directory::{
    Call, Contact, Directory, DirectoryError, First, Localised, Phone, PhoneError,
};
pub use flow::{Answer, DAYS, Guide, Outcome, Question, Step};
pub use prefecture::Prefecture;
