//! What the programs of a person's session share, the window and the command line:
//! the person's [`Preferences`], and what whoever looks after the device has put
//! into `/etc/sesshoku`: the contacts of the [`directory`] and where [`Inquiries`]
//! go. Both can also [`restart`] the daemon's adapter.
#![forbid(unsafe_code)]

mod bluetooth;
mod file;
mod operator;
mod preferences;

pub use bluetooth::{RestartError, adapter_path, restart};
pub use file::FileError;
pub use operator::{DIRECTORY_FILE, INQUIRIES_FILE, Inquiries, directory, inquiries};
pub use preferences::{Preferences, preferences_file};
