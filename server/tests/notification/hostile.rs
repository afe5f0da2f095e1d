//! What is not meant well.

use std::process::Command;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Server, Site, program, random_key, registration, wait_for};

/// Sends bytes as they are; gives the status line that comes back, if any does.
async fn raw(server: &Server, bytes: &[u8]) -> String {
    let answer = raw_answer(server, bytes).await;
    let answer = String::from_utf8_lossy(&answer);
    answer.lines().next().unwrap_or_default().to_owned()
}

/// Sends bytes as they are; gives all that comes back until the server hangs up.
async fn raw_answer(server: &Server, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.public).await.unwrap();
    // The server may hang up before it has read all of it.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await;
    answer
}

/// Who sees only how many bytes there are does not see what became of a registration.
#[tokio::test]
async fn all_answers_to_registrations_are_as_long_as_each_other_on_the_wire() {
    let site = Site::new(
        "[http]\nrequest_seconds = 3\n[registration]\napps = ['jp.go.mhlw.covid19radar']\n\
         [limits]\nwrong_numbers_a_source_an_hour = 1",
    )
    .await;
    site.management.issue(["01234567".to_owned()]);
    let server = site.start().await;
    let put = |body: &str, mark: &str, len: usize| {
        format!(
            "PUT /api/v3/diagnosis HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{mark}\
             Content-Length: {len}\r\n\r\n{body}"
        )
    };
    let genuine = |body: &Value| {
        let body = body.to_string();
        put(&body, "X-Hcaff: 1\r\n", body.len())
    };
    let body = |number: &str| {
        let mut body = registration(number, &[random_key()]);
        body["appPackageName"] = json!("jp.go.mhlw.covid19radar");
        body
    };
    let mut foreign = body("01234567");
    foreign["appPackageName"] = json!("other");
    let mut long = body("01234567");
    long["padding"] = json!("x".repeat(70_000));
    let dummy = body("99999999").to_string();
    let mut lens = Vec::new();
    for (what, request, status) in [
        ("malformed", genuine(&body("1234567")), 400),
        ("no JSON", put("{", "", 1), 400),
        ("another app", genuine(&foreign), 403),
        ("too long", genuine(&long), 413),
        ("a dummy", put(&dummy, "X-Chaff: 1\r\n", dummy.len()), 200),
        ("never whole", put("{", "", 100), 503),
        ("genuine", genuine(&body("01234567")), 200),
        ("used", genuine(&body("01234567")), 406),
        ("wrong once too often", genuine(&body("00000000")), 429),
    ] {
        let answer = raw_answer(&server, request.as_bytes()).await;
        let line = String::from_utf8_lossy(&answer);
        let line = line.lines().next().unwrap_or_default().to_owned();
        assert!(
            line.starts_with(&format!("HTTP/1.1 {status} ")),
            "{what}: {line}"
        );
        lens.push((answer.len(), what));
    }
    let first = lens[0].0;
    assert!(lens.iter().all(|(len, _)| *len == first), "{lens:?}");
}

#[tokio::test]
async fn it_answers_or_hangs_up_and_goes_on() {
    let site = Site::new("[http]\nhead_seconds = 1\nrequest_seconds = 2").await;
    site.management.issue(["01234567".to_owned()]);
    let server = site.start().await;
    let put = |head: &str, body: &[u8]| {
        let mut bytes =
            format!("PUT /api/v3/diagnosis HTTP/1.1\r\nHost: x\r\n{head}\r\n").into_bytes();
        bytes.extend_from_slice(body);
        bytes
    };
    let sized = |body: &[u8]| {
        put(
            &format!("Content-Length: {}\r\nConnection: close\r\n", body.len()),
            body,
        )
    };
    let deep = "[".repeat(20_000);
    for (bytes, expected) in [
        (sized(b""), "HTTP/1.1 400"),
        (sized(b"{"), "HTTP/1.1 400"),
        (sized(b"\xff\xfe{}"), "HTTP/1.1 400"),
        (sized(b"null"), "HTTP/1.1 400"),
        (sized(deep.as_bytes()), "HTTP/1.1 400"),
        (sized(&[b'9'; 60_000]), "HTTP/1.1 400"),
        (sized(&[b' '; 70_000]), "HTTP/1.1 400"),
        (
            put(
                "X-Hcaff: 1\r\nContent-Length: 99999999999\r\nConnection: close\r\n",
                &[b' '; 70_000],
            ),
            "HTTP/1.1 413",
        ),
        (put("Content-Length: -1\r\n", b""), "HTTP/1.1 400"),
        (
            put("Content-Length: 1\r\nContent-Length: 2\r\n", b"{}"),
            "HTTP/1.1 400",
        ),
        (
            put(
                "Transfer-Encoding: chunked\r\nConnection: close\r\n",
                b"zz\r\n",
            ),
            "HTTP/1.1 400",
        ),
        (
            put(
                "Transfer-Encoding: chunked\r\nConnection: close\r\n",
                b"2\r\n{}\r\n0\r\n\r\n",
            ),
            "HTTP/1.1 400",
        ),
        (
            b"GET /c19r/440/list.json HTTP/9.9\r\n\r\n".to_vec(),
            "HTTP/1.1 400",
        ),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), ""),
        (
            [
                b"GET /".to_vec(),
                vec![b'a'; 100_000],
                b" HTTP/1.1\r\n\r\n".to_vec(),
            ]
            .concat(),
            "HTTP/1.1 4",
        ),
        (
            format!(
                "GET /healthz HTTP/1.1\r\nHost: x\r\n{}\r\n",
                "A: b\r\n".repeat(1000)
            )
            .into_bytes(),
            "HTTP/1.1 431",
        ),
    ] {
        let line = raw(&server, &bytes).await;
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(120)]).into_owned();
        assert!(line.starts_with(expected), "{shown}: {line}");
    }
    assert_eq!(
        server.put(&registration("01234567", &[random_key()])).await,
        StatusCode::OK
    );
    assert!(!server.log().contains("panic"));
}

#[tokio::test]
async fn slow_clients_are_given_up() {
    let site = Site::new("[http]\nhead_seconds = 1\nrequest_seconds = 1").await;
    let server = site.start().await;
    for head in [
        "GET /healthz HTTP/1.1\r\nHost",
        "PUT /api/v3/diagnosis HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
        "",
    ] {
        let mut stream = TcpStream::connect(server.public).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let read = tokio::time::timeout(Duration::from_secs(20), read).await;
        assert!(read.is_ok(), "{head:?} is still waited for");
    }
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_their_turn() {
    let site = Site::new("[http]\nmax_connections = 3\nhead_seconds = 2").await;
    let server = site.start().await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(TcpStream::connect(server.public).await.unwrap());
    }
    // They say nothing and are given up; then this one gets its turn.
    assert_eq!(server.get("/healthz").await.status(), StatusCode::OK);
    drop(held);
}

#[tokio::test]
async fn the_operator_is_answered_while_the_public_takes_all_connections() {
    let site = Site::new("[http]\nmax_connections = 3\nhead_seconds = 60").await;
    let server = site.start().await;
    let mut held = Vec::new();
    for _ in 0..6 {
        held.push(TcpStream::connect(server.public).await.unwrap());
    }
    held.push(TcpStream::connect(server.internal).await.unwrap());
    let answered = tokio::time::timeout(Duration::from_secs(20), server.internal("/healthz"));
    assert_eq!(answered.await.expect("an answer").status(), StatusCode::OK);
    drop(held);
}

#[tokio::test]
async fn connections_leave_files_for_everything_else() {
    // What a client fetches is read as it goes out.
    let changes = "[http]\nhead_seconds = 2\n[distribution]\ncache_max_bytes = 0";
    let site = Site::new(changes).await;
    site.management.issue(["01234567".to_owned()]);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -n 200; exec \"$0\" \"$@\""])
        .arg(program().get_program());
    let server = site.start_as(limited).await;
    wait_for("it to say how many there may be", async || {
        let is_said = server.log().contains("connections=50 wanted=10000");
        is_said.then_some(())
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..300 {
        held.push(TcpStream::connect(server.public).await.unwrap());
    }
    // Exports go on meanwhile, and those who say nothing are given up.
    let key = random_key();
    let registered = server.put(&registration("01234567", &[key])).await;
    assert_eq!(registered, StatusCode::OK);
    wait_for("the key's export", async || {
        (site.count(&[key]) == [1]).then_some(())
    })
    .await;
    let log = server.log();
    assert!(!log.contains("cannot accept"), "{log}");
    assert!(!log.contains("Too many open files"), "{log}");
    drop(held);
}
