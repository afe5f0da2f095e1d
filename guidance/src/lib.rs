//! What to do after a contact: the questions, where they lead, and whom to call.
//!
//! One source for the window, the command line and a call centre.
//! [`Guide`] walks the [`Question`]s to an [`Outcome`]; a [`Directory`] knows the
//! contacts of each [`Prefecture`]. Sentences are the front ends'.
//!
//! Nothing here does I/O or reads a clock, and answers are kept nowhere but in the
//! [`Guide`] that was given them.
//!
//! ```
//! use guidance::{Answer, Directory, Guide, Outcome, Prefecture, Step};
//!
//! let mut guide = Guide::new();
//! while let Step::Ask(_question) = guide.step() {
//!     guide.answer(Answer::No);
//! }
//! assert_eq!(guide.step(), Step::End(Outcome::Watch));
//!
//! // The contacts that come with the program are samples, and say so.
//! let directory = Directory::sample();
//! assert!(Prefecture::all().all(|prefecture| directory.call(prefecture).is_some()));
//! ```
#![forbid(unsafe_code)]

mod directory;
mod flow;
mod prefecture;

pub use directory::{
    Call, Contact, Directory, DirectoryError, First, Localised, Phone, PhoneError,
};
pub use flow::{Answer, DAYS, Guide, Outcome, Question, Step};
pub use prefecture::Prefecture;
