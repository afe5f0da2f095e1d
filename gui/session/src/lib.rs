//! What the programs of a person's session share, the window and the command line:
//! the person's [`Preferences`], which contacts they were [`Told`] of and whether
//! notifications come through ([`Reach`]), and what whoever looks after the device has put
//! into `/etc/sesshoku`: the contacts of the [`directory`] and where [`Inquiries`]
//! go. Both can also [`restart`] the daemon's adapter.
#![forbid(unsafe_code)]

mod bluetooth;
mod file;
mod notifier;
mod operator;
mod preferences;
mod told;

pub use bluetooth::{RestartError, adapter_path, restart};
pub use file::FileError;
pub use notifier::{NOTIFICATIONS, NOTIFIER, NOTIFIER_PATH, Reach, ask_to_look, looked_at};
pub use operator::{
    DIRECTORY_FILE, Inquiries, MAX_LINE_CHARS, OPERATOR_FILE, Operator, Party, Processor, Sentence,
    directory, operator, unusable,
};
pub use preferences::{Preferences, StateFile, preferences_file, state_file};
pub use told::{Day, Told};
