//! A web server on loopback for tests: it serves files as a good server does, and
//! misbehaves where a test tells it to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use url::Url;

/// A running server. It ends with the test process.
#[derive(Clone)]
pub(crate) struct TestServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// What the server has, and what it was asked.
#[derive(Default)]
pub(crate) struct State {
    files: BTreeMap<String, Document>,
    pub(crate) requests: Vec<Request>,
}

/// A file to serve.
#[derive(Clone, Default)]
pub(crate) struct Document {
    pub(crate) body: Vec<u8>,
    pub(crate) etag: Option<String>,
    /// Ways to misbehave, one per request, first come first served.
    pub(crate) faults: Vec<Fault>,
}

/// A way to misbehave.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Answer with this status and nothing else.
    Status(u16),
    /// Close the connection after this many bytes of the body.
    Cut(usize),
    /// Declare this Content-Length, then send only a little.
    Declare(u64),
    /// Send chunks without end.
    Endless,
    /// Send the headers, then nothing.
    Stall,
    /// Redirect to this URL.
    Redirect(String),
    /// Claim this Content-Encoding.
    Encoding(&'static str),
    /// Answer a Range request with a part from elsewhere.
    WrongRange,
    /// Answer 304 whatever was asked.
    NotModified,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// How many bytes of body the answer held.
    pub(crate) sent: usize,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let state = Arc::clone(&server.state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let state = Arc::clone(&state);
                thread::spawn(move || {
                    // A client that hangs up is part of some tests.
                    let _ = answer(&stream.unwrap(), &state);
                });
            }
        });
        server
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.address)).unwrap()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Serves `body` at `path` with an ETag that changes with the contents.
    pub(crate) fn put(&self, path: &str, body: impl Into<Vec<u8>>) {
        let body = body.into();
        let sum = body
            .iter()
            .fold(0u64, |sum, byte| sum.wrapping_mul(31) + u64::from(*byte));
        let document = Document {
            etag: Some(format!("\"{sum:x}\"")),
            body,
            faults: Vec::new(),
        };
        self.state().files.insert(path.to_owned(), document);
    }

    /// What is served at `path`.
    pub(crate) fn body(&self, path: &str) -> Vec<u8> {
        self.state().files[path].body.clone()
    }

    pub(crate) fn remove(&self, path: &str) {
        self.state().files.remove(path);
    }

    pub(crate) fn document(&self, path: &str, change: impl FnOnce(&mut Document)) {
        change(self.state().files.get_mut(path).expect("a file is there"));
    }

    pub(crate) fn faults(&self, path: &str, faults: impl Into<Vec<Fault>>) {
        self.document(path, |document| document.faults = faults.into());
    }

    /// The requests for `path` so far.
    pub(crate) fn requests(&self, path: &str) -> Vec<Request> {
        let state = self.state();
        let requests = state.requests.iter().filter(|one| one.path == path);
        requests.cloned().collect()
    }
}

fn answer(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut request = read_request(stream)?;
    let (document, fault) = {
        let mut state = state.lock().unwrap();
        let document = state.files.get_mut(&request.path);
        let fault = document.and_then(|document| {
            let has_fault = !document.faults.is_empty();
            has_fault.then(|| document.faults.remove(0))
        });
        let document = state.files.get(&request.path).cloned();
        (document, fault)
    };
    let header = |name: &str| request.headers.get(name).cloned();
    let mut status = 200;
    let mut headers = String::new();
    let mut body = Vec::new();
    match (&document, &fault) {
        (None, _) => status = 404,
        (_, Some(Fault::Status(code))) => status = *code,
        (_, Some(Fault::NotModified)) => status = 304,
        (_, Some(Fault::Redirect(to))) => {
            status = 302;
            headers += &format!("Location: {to}\r\n");
        }
        (Some(document), _) => {
            body.clone_from(&document.body);
            if let Some(etag) = &document.etag {
                headers += &format!("ETag: {etag}\r\n");
                if header("if-none-match").as_ref() == Some(etag) {
                    status = 304;
                    body.clear();
                }
            }
            let same = header("if-range") == document.etag;
            if let Some(range) = header("range").filter(|_| same) {
                let start = range.trim_start_matches("bytes=").trim_end_matches('-');
                let start: usize = start.parse().unwrap();
                let total = body.len();
                if start >= total {
                    status = 416;
                    body.clear();
                } else {
                    status = 206;
                    let claimed = match fault {
                        Some(Fault::WrongRange) => start + 1,
                        _ => start,
                    };
                    body.drain(..claimed);
                    headers += &format!("Content-Range: bytes {claimed}-{}/{total}\r\n", total - 1);
                }
            }
            if let Some(Fault::Encoding(name)) = fault {
                headers += &format!("Content-Encoding: {name}\r\n");
            }
        }
    }
    let send = match fault {
        Some(Fault::Cut(after)) => after.min(body.len()),
        Some(Fault::Declare(_)) => body.len().min(16),
        Some(Fault::Endless | Fault::Stall) => 0,
        _ => body.len(),
    };
    request.sent = send;
    state.lock().unwrap().requests.push(request);

    let mut out = stream;
    write!(
        out,
        "HTTP/1.1 {status} Test\r\nConnection: close\r\n{headers}"
    )?;
    match fault {
        Some(Fault::Endless) => {
            write!(out, "Transfer-Encoding: chunked\r\n\r\n")?;
            loop {
                write!(out, "1000\r\n{}\r\n", "x".repeat(0x1000))?;
            }
        }
        Some(Fault::Stall) => {
            write!(out, "Content-Length: 10\r\n\r\n")?;
            out.flush()?;
            // Until the client gives up.
            let mut rest = String::new();
            BufReader::new(stream).read_line(&mut rest)?;
        }
        Some(Fault::Declare(length)) => {
            write!(out, "Content-Length: {length}\r\n\r\n")?;
            out.write_all(&body[..send])?;
        }
        _ => {
            write!(out, "Content-Length: {}\r\n\r\n", body.len())?;
            out.write_all(&body[..send])?;
        }
    }
    out.flush()
}

fn read_request(stream: &TcpStream) -> std::io::Result<Request> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    Ok(Request {
        path,
        headers,
        sent: 0,
    })
}
