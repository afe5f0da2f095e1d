//! What the core tells about itself.

use std::time::Duration;

use crate::status::{ConsentState, RunReason, RunState};
use gaen::time::UnixSeconds;

use super::{BroadcastState, RegistrationStatus, Tracer};
use crate::radio::{PrivacyRisk, RadioState};
use crate::time::Now;

/// A rotation takes a moment without anything on the air; this long is a fault.
const OFF_AIR_TOLERANCE: Duration = Duration::from_secs(30);
/// How late a scan cycle may be before listening counts as failed.
const SCAN_TOLERANCE: Duration = Duration::from_secs(60);

/// What a front end may know of the core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whether contacts are being recorded.
    pub state: RunState,
    /// Why the state is what it is.
    pub reason: RunReason,
    /// Whether the terms are agreed to.
    pub consent: ConsentState,
    /// The adapter's name; empty when there is none.
    pub adapter: String,
    /// How it listens; empty when it does not.
    pub scan_method: String,
    /// Whether an identifier is on the air.
    pub broadcasting: bool,
    /// When the last scan cycle ended.
    pub last_scan: Option<UnixSeconds>,
    /// Whether a check is under way.
    pub checking: bool,
    /// When the next check is due, by the wall clock of now.
    pub next_check: Option<UnixSeconds>,
    /// Registering as positive.
    pub registration: RegistrationStatus,
    /// Totals since the start or the last erasure.
    pub counters: Counters,
}

/// Totals since the daemon started or everything was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Scan cycles that ended.
    pub cycles: u64,
    /// Of these, cycles that ended before their time.
    pub cycles_cut_short: u64,
    /// Seconds of recording that were dated by a clock that was ahead, and are gone.
    pub misdated: u64,
    /// Exposure Notification adverts heard.
    pub heard: u64,
    /// Sightings stored.
    pub stored: u64,
    /// Adverts heard but not kept, because there were too many.
    pub dropped: u64,
    /// Identifiers put on the air.
    pub rotations: u64,
    /// Failures to broadcast.
    pub broadcast_failures: u64,
    /// Failures to listen.
    pub scan_failures: u64,
}

pub(super) fn status<R: rand_core::CryptoRng>(tracer: &Tracer<R>, now: Now) -> Status {
    let (state, reason) = state(tracer, now);
    let capabilities = tracer.capabilities();
    Status {
        state,
        reason,
        consent: tracer.consent,
        adapter: tracer
            .radio
            .as_ref()
            .and_then(RadioState::adapter)
            .unwrap_or_default()
            .to_owned(),
        scan_method: capabilities
            .map(|it| it.scan_method.to_string())
            .unwrap_or_default(),
        broadcasting: matches!(tracer.broadcast, BroadcastState::On { .. }),
        last_scan: tracer.last_scan.map(|at| at.wall),
        checking: tracer.checking,
        next_check: (tracer.may_run() && tracer.settings.has_server).then_some(tracer.shown_due.1),
        registration: tracer.registrar.status(now.wall),
        counters: tracer.counters.clone(),
    }
}

fn state<R: rand_core::CryptoRng>(tracer: &Tracer<R>, now: Now) -> (RunState, RunReason) {
    match tracer.consent {
        ConsentState::Agreed => {}
        ConsentState::Outdated => return (RunState::NoConsent, RunReason::ConsentOutdated),
        ConsentState::None => {
            return (RunState::NoConsent, RunReason::ConsentMissing);
        }
    }
    if !now.wall.is_plausible() {
        return (RunState::Stopped, RunReason::ClockNotSet);
    }
    if tracer.log_ended {
        return (RunState::Stopped, RunReason::LogEnded);
    }
    let privacy = match &tracer.radio {
        None => return (RunState::Stopped, RunReason::Starting),
        Some(RadioState::Absent) => return (RunState::Stopped, RunReason::AdapterAbsent),
        Some(RadioState::Incapable(_)) => {
            return (RunState::Stopped, RunReason::AdapterIncapable);
        }
        Some(RadioState::Off(_)) => return (RunState::Stopped, RunReason::AdapterOff),
        Some(RadioState::Blocked) => return (RunState::Stopped, RunReason::AdapterBlocked),
        Some(RadioState::PrivacyAtRisk(risk, _)) => Some(*risk),
        Some(RadioState::Ready(_)) => None,
    };
    let deaf = is_deaf(tracer, now);
    // What was refused is told at once: beside "broadcasting: no", "all is well" would be
    // a contradiction.
    let mute = tracer.off_air_since.is_some_and(|since| {
        tracer.broadcast_failures > 0
            || now.boot.since(since.max(tracer.usable_since)) > OFF_AIR_TOLERANCE
    });
    match (deaf, mute, privacy) {
        (true, true, None) => (RunState::Stopped, RunReason::ScanFailed),
        (true, _, _) => (RunState::Degraded, RunReason::ScanFailed),
        (false, _, Some(risk)) => (RunState::Degraded, reason_of(risk)),
        // Nothing goes on the air that cannot be recorded first.
        (false, _, None) if tracer.storage_failing => {
            (RunState::Degraded, RunReason::StorageFailed)
        }
        (false, true, None)
            if tracer.broadcast_failures > 0 && tracer.is_kept_off_air_by_search =>
        {
            (RunState::Degraded, RunReason::AdapterSearching)
        }
        (false, true, None) => (RunState::Degraded, RunReason::BroadcastFailed),
        (false, false, None)
            if tracer.off_air_since.is_some() && tracer.counters.rotations == 0 =>
        {
            (RunState::Running, RunReason::Starting)
        }
        (false, false, None) => (RunState::Running, RunReason::Ready),
    }
}

const fn reason_of(risk: PrivacyRisk) -> RunReason {
    match risk {
        PrivacyRisk::Discoverable => RunReason::PrivacyDiscoverable,
        PrivacyRisk::Connectable => RunReason::PrivacyConnectable,
        PrivacyRisk::Exposed => RunReason::PrivacyExposed,
        PrivacyRisk::Resolvable => RunReason::PrivacyResolvable,
    }
}

/// Whether scan cycles fail to come, whatever the radio claims.
fn is_deaf<R: rand_core::CryptoRng>(tracer: &Tracer<R>, now: Now) -> bool {
    let last = tracer
        .last_scan
        .map_or(tracer.usable_since, |at| at.boot.max(tracer.usable_since));
    let longest = tracer.longest_rest() + tracer.listening_time() + SCAN_TOLERANCE;
    tracer.scan_failures > 0 && now.boot.since(last) > OFF_AIR_TOLERANCE
        || now.boot.since(last) > longest
}
