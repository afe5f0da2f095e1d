//! Running a role: listeners, signals, systemd.

use std::time::Duration;

use anyhow::Context;
use axum::Router;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::http::internal::{self, Metrics, Ready};
use crate::http::serve::{Listener, serve};
use crate::http::{self, Shutdown, layers};
use crate::{management, notification};

/// Runs the notification server until it is told to end.
///
/// # Errors
/// When it cannot be opened.
pub async fn notification(config: notification::Config) -> anyhow::Result<()> {
    let settings = config.http.clone();
    let metrics = Metrics::default();
    let clock = config.clock.open().await?;
    let server = notification::open(config, clock, &metrics).await?;
    let (router, ready) = (server.router(), server.ready());
    serve_role(&settings, router, ready, &metrics, |shutdown| {
        server.run_background(shutdown)
    })
    .await
}

/// Runs the management system until it is told to end.
///
/// # Errors
/// When it cannot be opened.
pub async fn management(config: management::Config) -> anyhow::Result<()> {
    let settings = config.http.clone();
    let metrics = Metrics::default();
    let clock = config.clock.open().await?;
    let system = management::open(config, clock, &metrics).await?;
    let (router, ready) = (system.router(), system.ready());
    serve_role(&settings, router, ready, &metrics, |shutdown| async move {
        system.run_background(http::ended(shutdown)).await;
    })
    .await
}

/// Serves a role's `public` router, and the operator's where there is to be one, with
/// the role's `background` work beside them.
async fn serve_role<B>(
    settings: &http::Settings,
    public: Router,
    ready: Ready,
    metrics: &Metrics,
    background: impl FnOnce(Shutdown) -> B,
) -> anyhow::Result<()>
where
    B: Future<Output = ()> + Send + 'static,
{
    let (stop, shutdown) = stop_signal()?;
    let public = layers::wrap(public, settings, metrics.http(), shutdown.clone());
    let mut listeners = vec![Listener::open("public", settings.listen, public).await?];
    if let Some(address) = settings.internal_listen {
        let internal = internal::router(metrics.clone(), ready);
        listeners.push(Listener::open("internal", address, internal).await?);
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "started");
    notify_systemd(sd_notify::NotifyState::Ready);
    let watchdog = tokio::spawn(watchdog());
    let work = background(shutdown.clone());
    let background = tokio::spawn(async move {
        // Should it panic, the whole program ends and is started anew: a server that takes
        // registrations and exports none looks well.
        let _stop = StopAtEnd(stop);
        work.await;
    });
    serve(listeners, settings, shutdown).await;
    watchdog.abort();
    let ended = background.await;
    tracing::info!("ended");
    ended.context("the work in the background has panicked")
}

/// Has the process end when this is dropped.
struct StopAtEnd(watch::Sender<bool>);

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

/// Turns `true` when the process is told to end, or by the sender that is given.
fn stop_signal() -> anyhow::Result<(watch::Sender<bool>, Shutdown)> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for signals")?;
    let (stop, shutdown) = watch::channel(false);
    let by_signal = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("ending");
        notify_systemd(sd_notify::NotifyState::Stopping);
        let _ = by_signal.send(true);
    });
    Ok((stop, shutdown))
}

/// Tells systemd, where it wants to know, that tasks still get their turn.
async fn watchdog() {
    let Some(limit) = sd_notify::watchdog_enabled() else {
        return;
    };
    let mut ticks = tokio::time::interval((limit / 2).max(Duration::from_millis(1)));
    loop {
        ticks.tick().await;
        notify_systemd(sd_notify::NotifyState::Watchdog);
    }
}

fn notify_systemd(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "could not notify systemd");
    }
}
