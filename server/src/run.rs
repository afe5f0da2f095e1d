//! Running a role: listeners, signals, systemd.

use std::time::Duration;

use anyhow::Context;
use axum::Router;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::http::internal::{self, Metrics};
use crate::http::serve::{Listener, serve};
use crate::http::{self, Shutdown, layers};
use crate::notification;

/// Runs the notification server until it is told to end.
///
/// # Errors
/// When it cannot be opened.
pub async fn notification(config: notification::Config) -> anyhow::Result<()> {
    let shutdown = stop_signal()?;
    let settings = config.http.clone();
    let metrics = Metrics::default();
    let server = notification::open(config, Clock::system(), &metrics).await?;
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
