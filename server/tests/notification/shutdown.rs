//! Ending without losing a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;
use reqwest::{Client, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Site, random_key, registration, wait_for};

/// Clients register as fast as they can while the server is told to end: each request
/// of a client that was connected is answered.
async fn under_load(keep_alive: bool) {
    let site = Site::new(
        "[registration]\nanswer_milliseconds = 50\n[management]\ntimeout_milliseconds = 30000",
    )
    .await;
    site.management
        .issue((0..100_000).map(|number| format!("{number:08}")));
    let mut server = site.start().await;
    let next = Arc::new(AtomicUsize::new(0));
    let ends = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..40)
        .map(|_| {
            let (next, ends, done) = (Arc::clone(&next), Arc::clone(&ends), Arc::clone(&done));
            let url = server.url("/api/v3/diagnosis");
            tokio::spawn(async move {
                let idle = if keep_alive { 1 } else { 0 };
                let client = Client::builder()
                    .no_proxy()
                    .pool_max_idle_per_host(idle)
                    .build()
                    .unwrap();
                let mut keys = Vec::new();
                loop {
                    let number = format!("{:08}", next.fetch_add(1, Ordering::SeqCst));
                    let key = random_key();
                    let body = registration(&number, &[key]).to_string();
                    match client.put(&url).body(body).send().await {
                        Ok(answer) => {
                            assert_eq!(answer.status(), StatusCode::OK);
                            keys.push(key);
                            done.fetch_add(1, Ordering::SeqCst);
                        }
                        // Never connected: the client knows that it sent nothing.
                        Err(error) if error.is_connect() => {
                            assert!(ends.load(Ordering::SeqCst), "{error:?}");
                            return keys;
                        }
                        Err(error) => panic!("a request was lost: {error:?}"),
                    }
                }
            })
        })
        .collect();
    wait_for("the load", async || {
        (done.load(Ordering::SeqCst) > 200).then_some(())
    })
    .await;
    ends.store(true, Ordering::SeqCst);
    server.signal(Signal::SIGTERM);
    let mut keys = Vec::new();
    for client in clients {
        keys.extend(client.await.unwrap());
    }
    assert!(server.wait().await.success());
    // What was answered is in effect.
    let server = site.start().await;
    wait_for("all to be published", async || {
        site.count(&keys)
            .iter()
            .all(|count| *count == 1)
            .then_some(())
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost_with_a_connection_each() {
    under_load(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost_on_kept_connections() {
    under_load(true).await;
}

#[tokio::test]
async fn a_request_that_is_half_sent_is_finished() {
    let site = Site::new("").await;
    site.management.issue(["01234567".to_owned()]);
    let mut server = site.start().await;
    let body = registration("01234567", &[random_key()]).to_string();
    let mut stream = TcpStream::connect(server.public).await.unwrap();
    let head = format!(
        "PUT /api/v3/diagnosis HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (first, second) = body.split_at(body.len() / 2);
    stream.write_all(first.as_bytes()).await.unwrap();
    server.signal(Signal::SIGTERM);
    wait_for("the listener to close", async || {
        TcpStream::connect(server.public)
            .await
            .is_err()
            .then_some(())
    })
    .await;
    stream.write_all(second.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 Answered\r\n"), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    assert!(server.wait().await.success());
}

#[tokio::test]
async fn a_client_that_never_finishes_does_not_keep_it() {
    let site =
        Site::new("[http]\nshutdown_seconds = 1\nhead_seconds = 60\nrequest_seconds = 60").await;
    let mut server = site.start().await;
    let mut stream = TcpStream::connect(server.public).await.unwrap();
    let head = "PUT /api/v3/diagnosis HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let began = std::time::Instant::now();
    server.signal(Signal::SIGINT);
    assert!(server.wait().await.success());
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(server.log().contains("did not finish in time"));
}
