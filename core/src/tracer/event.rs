//! What the core is told, and what it asks for.

use std::time::Duration;

use gaen::key::Tek;
use gaen::time::{UnixSeconds, UtcDay};

use super::{Application, Measured, NotMeasured, Refusal, SendOutcome, Submission};
use crate::radio::{Command, RadioEvent};
use crate::records::{OwnKey, RegistrationRecord, ScanCycle};
use crate::time::BootTime;

/// What the core is told.
#[derive(Debug)]
pub enum Event {
    /// A deadline passed, or nothing happened but the shell wants to know.
    Timer,
    /// The radio reported something.
    Radio(RadioEvent),
    /// The answer to [`Action::LoadKey`]: the keys of that day.
    KeyLoaded(UtcDay, Result<Vec<OwnKey>, StorageFault>),
    /// The answer to [`Action::SaveKey`].
    KeySaved(Result<(), StorageFault>),
    /// The answer to [`Action::SaveCycle`]; a cycle that was not saved comes back.
    CycleSaved(Result<u64, (ScanCycle, StorageFault)>),
    /// The terms now in force were agreed to, and that is stored.
    Agreed,
    /// Agreement was withdrawn. [`Action::Erase`] follows from the core.
    Withdrawn,
    /// Everything recorded is to be erased; agreement stays.
    EraseRequested,
    /// The answer to [`Action::Erase`].
    Erased(Result<(), StorageFault>),
    /// The answer to [`Action::Maintain`]: for how many seconds there was a recording
    /// that was destroyed because a clock that was ahead dated it.
    Maintained {
        /// In seconds.
        misdated: u64,
    },
    /// Somebody asks for a check now.
    CheckRequested,
    /// The answer to [`Action::Check`]: whether it was complete.
    CheckEnded {
        /// Whether every export was fetched, verified and matched.
        complete: bool,
    },
    /// Somebody registers as positive; [`Action::Answer`] follows.
    Register(Application),
    /// The registration that waits is to be tried now; [`Action::Answer`] follows.
    RetryRegistration,
    /// The registration is to be forgotten; [`Action::Answer`] follows.
    ForgetRegistration,
    /// The answer to [`Action::LoadAllKeys`].
    AllKeysLoaded(Result<Vec<OwnKey>, StorageFault>),
    /// The answer to [`Action::SaveRegistration`].
    RegistrationSaved(Result<(), StorageFault>),
    /// The answer to [`Action::Send`] of a registration.
    RegistrationSent(SendOutcome),
    /// The answer to [`Action::Send`] of a dummy; what came of it is nobody's concern.
    ChaffSent,
    /// Somebody calibrates the radio: listen for so long to whoever is nearest;
    /// [`Action::Measured`] follows. Not while one is under way.
    Measure(Duration),
    /// The machine is about to be suspended, and waits for [`Action::ReadyToSleep`].
    GoingToSleep,
    /// The machine was suspended, and is awake.
    WokeUp,
    /// The daemon is to end: leave the air, save what was heard.
    ShutDown,
}

/// What the core asks of the shell.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Give the radio a command; it is answered by [`RadioEvent::Done`].
    Radio(Command),
    /// Read the own keys of a day.
    LoadKey(UtcDay),
    /// Store an own key with its record of use, before anything of it is on the air.
    SaveKey(OwnKey),
    /// Store a finished scan cycle.
    SaveCycle(ScanCycle),
    /// Purge what is too old and compact finished days.
    Maintain(UnixSeconds),
    /// Destroy all keys, then everything recorded; the agreement too if `forget_consent`.
    Erase {
        /// Whether agreement was withdrawn.
        forget_consent: bool,
    },
    /// Check against the notification server.
    Check,
    /// Read all own keys.
    LoadAllKeys,
    /// Store what is known of registering, with the own keys it changes and the TEKs
    /// the server has: all, or nothing.
    SaveRegistration {
        /// What is known.
        record: RegistrationRecord,
        /// The own keys that change.
        changed: Vec<OwnKey>,
        /// The TEKs the server has.
        sent: Vec<Tek>,
    },
    /// Send this to the notification server.
    Send(Submission),
    /// Stop sending a registration; no answer follows.
    CancelSending,
    /// Answer the earliest request about registering that has no answer yet.
    Answer(Result<(), Refusal>),
    /// What a measurement heard, or why there is none.
    Measured(Result<Measured, NotMeasured>),
    /// Let the machine be suspended: nothing is on the air, all is saved.
    ReadyToSleep {
        /// When to wake it to listen.
        wake_at: Option<BootTime>,
    },
    /// The machine was woken only to listen, and that is done: have it suspended
    /// again, unless somebody has begun to use it.
    SleepAgain,
}

/// The store could not do what was asked. What failed is logged where it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store failed")]
pub struct StorageFault;
