//! Accepting connections, and ending without losing a request.
//!
//! # How it ends
//! The kernel connects clients on its own, and resets who is connected, but not
//! accepted, when a listener is closed. So when told to end, the server first has the
//! kernel pass over attempts to connect, as if they were lost on the way: a load
//! balancer goes elsewhere, others try again and are refused, or are connected to who
//! listens by then. Handshakes under way come through meanwhile and are accepted; then
//! the listeners are closed. Every answer closes its connection, and one more second is
//! given to requests on connections that were idle: a client that has just sent one is
//! answered. Then idle connections are closed, and requests in flight have until
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
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use socket2::{SockFilter, SockRef};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower::ServiceExt;

use super::{Settings, Shutdown, ended};
use crate::log::Seldom;

/// For how long handshakes come through when the server ends: longer than it is to a
/// reverse proxy and back.
const HANDSHAKE_TIME: Duration = Duration::from_millis(250);
/// How long idle connections are kept open when the server ends.
const LINGER: Duration = Duration::from_secs(1);
/// How long to wait when no connection can be accepted, as when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Most bytes of a request's head.
const MAX_HEAD_LEN: usize = 16 * 1024;
/// Most bytes of a request that are read before anybody wants them; and so for answers.
const MAX_BUFFER_LEN: usize = 2 * MAX_HEAD_LEN;
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

/// What is open besides connections: the database, files of exports, what is asked of others.
const OTHER_FILES: u64 = 128;
/// What a connection may have open: itself, and a file that goes out as it is read.
const FILES_OF_ONE: u64 = 2;

/// How many connections there may be at a time: as many as `wanted`, where so many files may
/// be open, for which the limit is raised as far as it may be. What is not enough for is
/// said.
fn connections(wanted: usize) -> usize {
    let files = u64::try_from(wanted).unwrap_or(u64::MAX);
    let files = files
        .saturating_mul(FILES_OF_ONE)
        .saturating_add(OTHER_FILES);
    let allowed = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        let raised = soft.max(files.min(hard));
        setrlimit(Resource::RLIMIT_NOFILE, raised, hard).map(|()| raised)
    });
    let allowed = match allowed {
        Ok(allowed) => allowed,
        Err(error) => {
            tracing::warn!(%error, "how many files may be open is not known");
            return wanted;
        }
    };
    let most = within(allowed);
    if most >= wanted {
        return wanted;
    }
    tracing::warn!(
        connections = most,
        wanted,
        open_files = allowed,
        "fewer connections than http.max_connections, for no more files may be open (ulimit -n, \
         LimitNOFILE)"
    );
    most
}

/// How many connections there may be where so many files may be open.
fn within(open_files: u64) -> usize {
    let files = open_files.saturating_sub(OTHER_FILES).max(open_files / 2);
    usize::try_from((files / FILES_OF_ONE).max(1)).unwrap_or(usize::MAX)
}

/// Serves until `shutdown`, then finishes what is in flight.
pub async fn serve(listeners: Vec<Listener>, settings: &Settings, shutdown: Shutdown) {
    let (close, closing) = watch::channel(false);
    let connections_max = connections(settings.max_connections);
    let mut accepting = JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(
            listener,
            settings.clone(),
            // Each has its own: the operator is answered whatever the public does.
            Arc::new(Semaphore::new(connections_max)),
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
    let refused = Seldom::default();
    let start = |connections: &mut JoinSet<()>, stream, peer, slot| {
        let router = router.clone();
        let settings = settings.clone();
        let closing = closing.clone();
        connections.spawn(async move {
            connection(stream, peer, router, &settings, closing).await;
            drop(slot);
        });
    };
    {
        let stop = async {
            ended(shutdown).await;
            ignore_new_clients(&socket);
            tokio::time::sleep(HANDSHAKE_TIME).await;
        };
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
                        if refused.is_due() {
                            tracing::warn!(kind = %error.kind(), "cannot accept connections");
                        }
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
    }
    for (stream, peer) in waiting_clients(socket) {
        start(&mut connections, stream, peer, None);
    }
    connections
}

/// Has the kernel drop packets that begin a handshake, and no other: those of handshakes
/// under way, and of connections, which inherit the filter, come through.
fn ignore_new_clients(socket: &TcpListener) {
    // Classic BPF over the TCP header (socket(7), SO_ATTACH_FILTER).
    const LOAD_BYTE: u16 = 0x30;
    const JUMP_IF_SET: u16 = 0x45;
    const RETURN: u16 = 0x06;
    const FLAGS_OFFSET: u32 = 13;
    const SYN: u32 = 0x02;
    let filter = [
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS_OFFSET),
        SockFilter::new(JUMP_IF_SET, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ];
    if let Err(error) = SockRef::from(socket).attach_filter(&filter) {
        tracing::warn!(%error, "clients may be connected, and reset, while the server ends");
    }
}

/// Closes a listener; gives the connections that it had not accepted.
fn waiting_clients(socket: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    let mut waiting = Vec::new();
    // Asks the kernel itself: tokio would say that there are none before it has heard of
    // the latest.
    let Ok(socket) = socket.into_std() else {
        return waiting;
    };
    loop {
        let accepted = socket.accept().and_then(|(stream, peer)| {
            stream.set_nonblocking(true)?;
            Ok((TcpStream::from_std(stream)?, peer))
        });
        match accepted {
            Ok(client) => waiting.push(client),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return waiting,
            // This one broke off.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(kind = %error.kind(), "cannot accept a connection");
                return waiting;
            }
        }
    }
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
        .max_buf_size(MAX_BUFFER_LEN)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let served = tokio::select! {
        // A request that has arrived is taken before the connection counts as idle.
        biased;
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
