//! A database whose device key is gone: nothing in it can ever be read again.
//!
//! It could be the key that is missing for a while, so that nothing is destroyed
//! before somebody says so: by agreeing anew, withdrawing, or erasing. Until then the
//! daemon answers, and does nothing else.

use std::future::Future;
use std::pin::pin;

use gaen::time::UnixSeconds;
use sesshoku_core::records::Consent;
use sesshoku_core::status::{
    ConsentState, RegistrationReason, RegistrationState, RunReason, RunState,
};
use sesshoku_core::tracer::{Counters, RegistrationStatus, Status};
use sesshoku_dbus_api::Error;
use tokio::sync::watch;

use crate::agreement::Agreement;
use crate::app::Heartbeat;
use crate::clock::{Clock, system_now};
use crate::config::Bus;
use crate::service::{Identity, Reply, Request, Service, Snapshot};
use crate::store::{DeviceKeyError, Store, StoreError};

/// Whether `error` means that the key is lost, or the database itself, which is the same
/// to whoever recorded something in it.
pub fn is_loss(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::OtherDeviceKey
            | StoreError::Damaged(_)
            | StoreError::DeviceKey(
                DeviceKeyError::Lost { .. } | DeviceKeyError::WrongLength { .. }
            )
    )
}

/// Answers on `bus` until somebody has the device start anew, and gives the new store,
/// which `open` opens after the old one is gone; or `None` when `stop` resolves. Calls
/// `ready` once it answers.
///
/// # Errors
/// When the bus cannot be reached.
#[expect(
    clippy::too_many_arguments,
    reason = "each is another part of the daemon"
)]
pub async fn start_anew(
    bus: &Bus,
    identity: Identity,
    agreement: &Agreement,
    open: impl Fn() -> Result<Store, StoreError>,
    start_over: impl Fn() -> Result<(), StoreError>,
    ready: impl FnOnce(),
    stop: impl Future<Output = ()>,
    mut heartbeat: Heartbeat<impl FnMut()>,
) -> zbus::Result<Option<Store>> {
    let terms_version = identity.terms_version.clone();
    let (snapshots, shown) = watch::channel(nothing_runs());
    let (service, mut requests) = Service::start(bus, identity, shown).await?;
    ready();
    let anew = || start_over().and_then(|()| open());
    let mut stop = pin!(stop);
    let store = loop {
        (heartbeat.beat)();
        let beat = async {
            match &heartbeat.every {
                Some((clock, every)) => clock.sleep_until(clock.now().boot.after(*every)).await,
                None => std::future::pending().await,
            }
        };
        let request = tokio::select! {
            biased;
            () = &mut stop => break None,
            request = requests.recv() => request,
            () = beat => continue,
        };
        let done = match request {
            None => break None,
            Some(Request::Agree { version, reply }) => {
                if let Err(error) = agreement.may_be_changed_by_callers() {
                    refuse(reply, error)
                } else if version == terms_version {
                    let agreed = |mut store: Store| {
                        let agreed_at = system_now().wall;
                        store.set_consent(Some(&Consent { version, agreed_at }))?;
                        Ok(store)
                    };
                    finish(anew().and_then(agreed), reply)
                } else {
                    let why = format!("the terms in force are version {terms_version}");
                    refuse(reply, Error::TermsVersionMismatch(why))
                }
            }
            Some(Request::Withdraw(reply)) => match agreement.may_be_changed_by_callers() {
                Ok(()) => finish(anew(), reply),
                Err(error) => refuse(reply, error),
            },
            Some(Request::Erase(reply)) => finish(anew(), reply),
            Some(Request::Check(reply)) => refuse(reply, lost()),
            Some(
                Request::Register { reply, .. }
                | Request::RetryRegistration(reply)
                | Request::ForgetRegistration(reply),
            ) => refuse(reply, lost()),
            Some(Request::Result(reply)) => refuse(reply, lost()),
            Some(Request::Contacts(reply)) => refuse(reply, lost()),
            Some(Request::Checks(reply)) => refuse(reply, lost()),
            Some(Request::Measure(_, reply)) => refuse(reply, lost()),
        };
        if done.is_some() {
            break done;
        }
    };
    // Whoever waits for changes has the connection until there can be none, and whoever
    // waits for an answer that nobody will give.
    drop(snapshots);
    drop(requests);
    service.close().await;
    Ok(store)
}

fn finish(store: Result<Store, StoreError>, reply: Reply<()>) -> Option<Store> {
    match store {
        Ok(store) => {
            tracing::warn!("the device key is lost; everything starts anew");
            let _ = reply.send(Ok(()));
            Some(store)
        }
        Err(error) => {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::error!(error, "could not start anew");
            refuse(reply, Error::Storage("could not start anew".into()))
        }
    }
}

fn refuse<T>(reply: Reply<T>, error: Error) -> Option<Store> {
    let _ = reply.send(Err(error));
    None
}

fn lost() -> Error {
    Error::Storage("the device key is lost, and what was recorded with it".into())
}

fn nothing_runs() -> Snapshot {
    let never: Option<UnixSeconds> = None;
    Snapshot {
        status: Status {
            state: RunState::Stopped,
            reason: RunReason::KeyLost,
            consent: ConsentState::None,
            adapter: String::new(),
            scan_method: String::new(),
            broadcasting: false,
            last_scan: never,
            checking: false,
            next_check: never,
            registration: RegistrationStatus {
                state: RegistrationState::None,
                reason: RegistrationReason::None,
                since: never,
                days: Vec::new(),
                has_symptoms: false,
                date: None,
                next_try: never,
                tries_left: 0,
                paused_until: never,
            },
            counters: Counters::default(),
        },
        agreed: None,
        last_check: never,
        last_outcome: None,
        last_success: never,
        notices: Vec::new(),
        result_generation: 0,
    }
}
