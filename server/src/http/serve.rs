//! Accepting connections, and ending without losing a request.
//!
//! # How it ends
//! When told to, the server takes in what the kernel has accepted for it already
//! and closes the listeners; a load balancer sends the rest elsewhere. Every answer
//! from then on closes its connection, and one more second is given to requests on
//! connections that were idle: a client that has just sent one is answered. Then
//! idle connections are closed, and requests in flight have until
//! `http.shutdown_seconds` to finish.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::ConnectInfo;
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower::ServiceExt;

use super::{Settings, Shutdown, ended};

/// How long idle connections are kept open when the server ends.
const LINGER: Duration = Duration::from_secs(1);
/// How long to wait when no connection can be accepted, as when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Most bytes of a request's head.
const MAX_HEAD_LEN: usize = 16 * 1024;
/// Most headers of a request.
const MAX_HEADERS: usize = 64;

/// A listener and what it answers.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    router: Router,
}

/// A listener that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct ListenError {
    address: SocketAddr,
    source: io::Error,
}

impl Listener {
    /// Listens on `address`, which is written to the log with the port it got.
    ///
    /// # Errors
    /// [`ListenError`] when it is taken or not this machine's.
    pub async fn open(
        name: &'static str,
        address: SocketAddr,
        router: Router,
    ) -> Result<Self, ListenError> {
        let error = |source| ListenError { address, source };
        let socket = TcpListener::bind(address).await.map_err(error)?;
        let address = socket.local_addr().map_err(error)?;
        tracing::info!(name, %address, "listening");
        Ok(Self { socket, router })
    }
}

/// Serves until `shutdown`, then finishes what is in flight.
pub async fn serve(listeners: Vec<Listener>, settings: &Settings, shutdown: Shutdown) {
    let (close, closing) = watch::channel(false);
    let slots = Arc::new(Semaphore::new(settings.max_connections));
    let mut accepting = JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(
            listener,
            settings.clone(),
            Arc::clone(&slots),
            shutdown.clone(),
            closing.clone(),
        ));
    }
    let mut connections = JoinSet::new();
    while let Some(accepted) = accepting.join_next().await {
        let Ok(mut accepted) = accepted else { continue };
        // Each listener ends with the connections it still has.
        connections.spawn(async move { while accepted.join_next().await.is_some() {} });
    }
    let mut all_closed = async { while connections.join_next().await.is_some() {} }
        .boxed()
        .shared();
    if timeout(LINGER, &mut all_closed).await.is_ok() {
        return;
    }
    let _ = close.send(true);
    if timeout(settings.shutdown_time(), all_closed).await.is_err() {
        tracing::warn!("some requests did not finish in time and were broken off");
    }
}

async fn accept(
    listener: Listener,
    settings: Settings,
    slots: Arc<Semaphore>,
    shutdown: Shutdown,
    closing: Shutdown,
) -> JoinSet<()> {
    let Listener { socket, router } = listener;
    let mut connections = JoinSet::new();
    let start = |connections: &mut JoinSet<()>, stream, peer, slot| {
        let router = router.clone();
        let settings = settings.clone();
        let closing = closing.clone();
        connections.spawn(async move {
            connection(stream, peer, router, &settings, closing).await;
            drop(slot);
        });
    };
    let stop = ended(shutdown);
    tokio::pin!(stop);
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await.ok();
            (socket.accept().await, slot)
        };
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some(_) = connections.join_next() => {}
            (accepted, slot) = next => match accepted {
                Ok((stream, peer)) => start(&mut connections, stream, peer, slot),
                Err(error) => {
                    tracing::warn!(kind = %error.kind(), "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    while let Some(Ok((stream, peer))) = socket.accept().now_or_never() {
        start(&mut connections, stream, peer, None);
    }
    connections
}

/// Serves one connection. That a client breaks off is no concern of the log.
async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    settings: &Settings,
    closing: Shutdown,
) {
    // Answers are written whole: waiting for more would only delay them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let router = router.clone();
        async move {
            let answer = router.oneshot(request.map(axum::body::Body::new)).await;
            answer.map_err(|error: Infallible| error)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.head_time())
        .max_header_size(MAX_HEAD_LEN)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let served = tokio::select! {
        served = timeout(settings.connection_time(), &mut connection) => served,
        () = ended(closing) => {
            connection.as_mut().graceful_shutdown();
            timeout(settings.connection_time(), &mut connection).await
        }
    };
    match served {
        Ok(Ok(())) => {}
        Ok(Err(_)) => tracing::debug!("a connection broke off"),
        Err(_) => tracing::debug!("a connection took too long"),
    }
}
