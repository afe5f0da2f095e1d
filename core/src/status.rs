//! The closed sets of names by which the daemon says how it is.
//!
//! Their texts are those of the bus (`dbus-api/interfaces/`) and of the store.

use crate::names::names;

names! {
    /// Whether contacts are being recorded.
    RunState {
        /// Nothing runs: the current terms have not been agreed to.
        NoConsent = "no-consent",
        /// Broadcasting and listening both work.
        Running = "running",
        /// One of broadcasting, listening and storing does not work.
        Degraded = "degraded",
        /// Nothing is recorded.
        Stopped = "stopped",
    }
}

names! {
    /// Why the state is what it is.
    RunReason {
        /// All is well.
        Ready = "ready",
        /// The daemon has just started and does not know yet.
        Starting = "starting",
        /// The terms were never agreed to, or agreement was withdrawn.
        ConsentMissing = "consent-missing",
        /// The terms changed since they were agreed to.
        ConsentOutdated = "consent-outdated",
        /// There is no Bluetooth adapter, or no bluetoothd.
        AdapterAbsent = "adapter-absent",
        /// The adapter has no Bluetooth Low Energy.
        AdapterIncapable = "adapter-incapable",
        /// The adapter is switched off.
        AdapterOff = "adapter-off",
        /// The adapter is blocked: kill switch or airplane mode.
        AdapterBlocked = "adapter-blocked",
        /// Not broadcasting: the adapter is discoverable and would show its own address.
        PrivacyDiscoverable = "privacy-discoverable",
        /// Not broadcasting: the adapter is connectable and would show its own address.
        PrivacyConnectable = "privacy-connectable",
        /// Not broadcasting: since the adapter was discoverable, the kernel shows its own
        /// address until it is switched off.
        PrivacyExposed = "privacy-exposed",
        /// Not broadcasting: Bluetooth is set to addresses that paired devices recognise.
        PrivacyResolvable = "privacy-resolvable",
        /// Not broadcasting: another program searches for devices without a pause, and the
        /// adapter cannot change its address meanwhile.
        AdapterSearching = "adapter-searching",
        /// The adapter refuses to broadcast.
        BroadcastFailed = "broadcast-failed",
        /// The adapter refuses to listen.
        ScanFailed = "scan-failed",
        /// Encounters cannot be stored (disk full or damaged).
        StorageFailed = "storage-failed",
        /// The clock is not set, so identifiers would be wrong.
        ClockNotSet = "clock-not-set",
        /// The device key is lost: what was recorded can never be read again.
        KeyLost = "key-lost",
        /// A recorded log was played to its end.
        LogEnded = "log-ended",
    }
}

names! {
    /// Why what was deleted may still be on the disk.
    OverwriteDoubt {
        /// The state folder is on a file system that copies on write.
        CopyOnWrite = "copy-on-write",
        /// What is written goes through the file system's journal.
        Journal = "journal",
        /// The file system is not known to write in place.
        FileSystem = "file-system",
    }
}

names! {
    /// Whether the terms are agreed to.
    ConsentState {
        /// Never agreed, or withdrawn.
        None = "none",
        /// The current version is agreed to.
        Agreed = "agreed",
        /// An earlier version is agreed to; the current one is not.
        Outdated = "outdated",
    }
}

names! {
    /// The answer to "was I near someone who registered as positive?".
    Verdict {
        /// A complete, recent check over covering data found no contact.
        None = "none",
        /// At least one day counts as a contact.
        Contact = "contact",
        /// It cannot be said; the reasons tell why.
        Unknown = "unknown",
    }
}

names! {
    /// Why the verdict is unknown.
    UnknownReason {
        /// The current terms are not agreed to.
        ConsentMissing = "consent-missing",
        /// There was no complete check yet.
        NeverChecked = "never-checked",
        /// The last complete check is older than 24 hours.
        CheckTooOld = "check-too-old",
        /// The last complete check lies in the future: the clock was set back.
        CheckInFuture = "check-in-future",
        /// A check since the last complete one did not succeed.
        CheckFailed = "check-failed",
        /// The list of exports is not signed as it was before, or an old one, or lacks
        /// exports that were on it.
        ListRefused = "list-refused",
        /// An export that was listed was not compared with everything recorded.
        ExportNotCompared = "export-not-compared",
        /// The server has not signed anything for longer than it promises to.
        ServerSilent = "server-silent",
        /// Less than an hour was recorded in the 14 days.
        TooLittleRecorded = "too-little-recorded",
        /// Part of the stored encounters could not be read.
        StorageDamaged = "storage-damaged",
        /// The clock is not set.
        ClockNotSet = "clock-not-set",
    }
}

names! {
    /// How far a registration as positive is.
    RegistrationState {
        /// There is none.
        None = "none",
        /// It is being sent.
        Sending = "sending",
        /// It could not be sent yet; the reason tells why.
        WaitingToRetry = "waiting-to-retry",
        /// The server has taken it.
        Done = "done",
        /// It came to nothing; the reason tells why.
        Failed = "failed",
    }
}

names! {
    /// Why a registration waits or has failed.
    RegistrationReason {
        /// There is nothing to say.
        None = "none",
        /// The processing number is wrong, used or expired.
        NumberRefused = "number-refused",
        /// The processing number cannot be checked at present.
        ManagementUnavailable = "management-unavailable",
        /// The notification server cannot be reached.
        Unreachable = "unreachable",
        /// The notification server gets too many tries at present.
        TooManyTries = "too-many-tries",
        /// The processing number is not in memory any more.
        NumberNeeded = "number-needed",
        /// The notification server does not accept what was sent.
        Invalid = "invalid",
        /// The notification server takes nothing from this device.
        NotAllowed = "not-allowed",
        /// The notification server answered in no known way.
        BadAnswer = "bad-answer",
        /// It could not be sent for a day.
        Expired = "expired",
    }
}

names! {
    /// What a notice of the operator is about.
    NoticeKind {
        /// The service rests for a while.
        Maintenance = "maintenance",
        /// There is a new version of the terms.
        Terms = "terms",
    }
}

names! {
    /// Where a figure of the calibration is from.
    CalibrationSource {
        /// The settings.
        Configured = "configured",
        /// The table of models.
        Model = "model",
        /// Nobody has measured it.
        Default = "default",
    }
}
