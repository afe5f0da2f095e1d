//! Running a role: listeners, signals, systemd.

use std::time::Duration;

use anyhow::Context;
use axum::Router;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};

use crate::http::internal::{self, Metrics};
use crate::http::serve::{Listener, serve};
use crate::http::{self, Shutdown, layers};
use crate::{management, notification};

/// Runs the notification server until it is told to end.
///
/// # Errors
/// When it cannot be opened.
pub async fn notification(config: notification::Config) -> anyhow::Result<()> {
    let shutdown = stop_signal()?;
    let settings = config.http.clone();
    let metrics = Metrics::default();
    let clock = config.clock.open().await?;
    let server = notification::open(config, clock, &metrics).await?;
    let listeners = listeners(
        &settings,
        server.router(),
        internal::router(metrics.clone(), server.ready()),
        &metrics,
        &shutdown,
    )
    .await?;
    let background = tokio::spawn(server.run_background(shutdown.clone()));
    serve_until_told(listeners, &settings, shutdown).await;
    background.await.context("the exporter has panicked")
}

/// Runs the management system until it is told to end.
///
/// # Errors
/// When it cannot be opened.
pub async fn management(config: management::Config) -> anyhow::Result<()> {
    let shutdown = stop_signal()?;
    let settings = config.http.clone();
    let metrics = Metrics::default();
    let clock = config.clock.open().await?;
    let system = management::open(config, clock).await?;
    let listeners = listeners(
        &settings,
        system.router(),
        internal::router(metrics.clone(), system.ready()),
        &metrics,
        &shutdown,
    )
    .await?;
    let (served, all_served) = oneshot::channel::<()>();
    let background = tokio::spawn(async move {
        // Resolves also when the sender is dropped.
        let all_served = async {
            let _ = all_served.await;
        };
        system.run_background(all_served).await;
    });
    serve_until_told(listeners, &settings, shutdown).await;
    drop(served);
    background.await.context("sending has panicked")
}

/// Opens the public listener, and the operator's where there is to be one.
async fn listeners(
    settings: &http::Settings,
    public: Router,
    internal: Router,
    metrics: &Metrics,
    shutdown: &Shutdown,
) -> anyhow::Result<Vec<Listener>> {
    let public = layers::wrap(public, settings, metrics.http(), shutdown.clone());
    let mut listeners = vec![Listener::open("public", settings.listen, public).await?];
    if let Some(address) = settings.internal_listen {
        listeners.push(Listener::open("internal", address, internal).await?);
    }
    Ok(listeners)
}

async fn serve_until_told(listeners: Vec<Listener>, settings: &http::Settings, shutdown: Shutdown) {
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "started");
    notify_systemd(sd_notify::NotifyState::Ready);
    let watchdog = tokio::spawn(watchdog());
    serve(listeners, settings, shutdown).await;
    watchdog.abort();
    tracing::info!("ended");
}

/// Turns `true` when the process is told to end.
fn stop_signal() -> anyhow::Result<Shutdown> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for signals")?;
    let (stop, shutdown) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("ending");
        notify_systemd(sd_notify::NotifyState::Stopping);
        let _ = stop.send(true);
    });
    Ok(shutdown)
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
