//! One window in a session: a second start shows the first.
//!
//! This is asked before GTK starts. An application of GTK's is one in a session, too, and
//! ends a second process before that has asked the first for anything.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::time::Duration;

use gaen::registration::{PROCESSING_NUMBER_DIGITS, ProcessingNumber};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use sesshoku_dbus_api::number_pipe;
use tokio::sync::mpsc;
use zbus::fdo::{RequestNameFlags, RequestNameReply};
use zbus::{Connection, connection, interface};
use zeroize::Zeroizing;

/// The name that the window has on the session bus.
const NAME: &str = "org.sesshoku.Window1";
const PATH: &str = "/org/sesshoku/Window1";
/// How long the first window may take to answer a second one.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Where a program is told by whom it was started: the token with which a compositor, or
/// a window manager, lets it come to the front (xdg-activation, startup-notification).
const TOKENS: [&str; 2] = ["XDG_ACTIVATION_TOKEN", "DESKTOP_STARTUP_ID"];

/// What a second start asks of the window that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The page to show; empty for the one that is shown.
    pub(crate) page: String,
    /// What lets the window come to the front; empty for nothing.
    pub(crate) token: String,
    /// The processing number to fill in.
    pub(crate) number: Option<ProcessingNumber>,
}

impl Request {
    /// For `page`, with the token that `variable` reads from the environment.
    pub(crate) fn of_environment(page: String, variable: impl Fn(&str) -> Option<String>) -> Self {
        let token = TOKENS
            .into_iter()
            .filter_map(variable)
            .find(|token| !token.is_empty());
        Self {
            page,
            token: token.unwrap_or_default(),
            number: None,
        }
    }
}

/// The first window of a session, and what later starts ask of it.
pub(crate) struct First {
    requests: mpsc::UnboundedReceiver<Request>,
    /// `None` where there is no session bus: every window is the first.
    _connection: Option<Connection>,
}

impl First {
    /// What the next start asks. Never resolves where nobody can ask.
    pub(crate) async fn asked(&mut self) -> Request {
        match self.requests.recv().await {
            Some(request) => request,
            None => std::future::pending().await,
        }
    }
}

struct Window {
    requests: mpsc::UnboundedSender<Request>,
}

#[interface(name = "org.sesshoku.Window1")]
impl Window {
    /// Brings the window to the front, on `page`; an empty page leaves it where it is.
    /// `token` is what the starter was given to do so; it may be empty.
    fn show(&self, page: String, token: String) {
        // A window that is being closed has nobody left to ask.
        let _ = self.requests.send(Request {
            page,
            token,
            number: None,
        });
    }

    /// The same, with a processing number to fill in, which comes through a pipe: nobody
    /// could wipe the copies of a message.
    fn show_with_number(&self, page: String, token: String, number: zbus::OwnedFd) {
        let number = read_number(number.into());
        let _ = self.requests.send(Request {
            page,
            token,
            number,
        });
    }
}

/// Makes this the window of its session; `None` where there is one, which `request` has
/// been put to then.
///
/// # Errors
/// Where there is one that does not answer.
pub(crate) async fn first(request: &Request) -> zbus::Result<Option<First>> {
    let (sender, requests) = mpsc::unbounded_channel();
    let session = connection::Builder::session()
        .method_timeout(ANSWER_WITHIN)
        .serve_at(PATH, Window { requests: sender })
        .build()
        .await;
    let Ok(connection) = session else {
        return Ok(Some(First {
            requests,
            _connection: None,
        }));
    };
    let flags = RequestNameFlags::DO_NOT_QUEUE;
    match connection.request_name_with_flags(NAME, flags).await {
        Ok(RequestNameReply::Exists) | Err(zbus::Error::NameTaken) => {
            let (page, token) = (&request.page, &request.token);
            let asked = match &request.number {
                None => {
                    let body = (page, token);
                    connection
                        .call_method(Some(NAME), PATH, Some(NAME), "Show", &body)
                        .await
                }
                Some(number) => {
                    let pipe = number_pipe(number.expose())?;
                    let body = (page, token, pipe);
                    let method = "ShowWithNumber";
                    connection
                        .call_method(Some(NAME), PATH, Some(NAME), method, &body)
                        .await
                }
            };
            asked?;
            Ok(None)
        }
        Ok(_) => Ok(Some(First {
            requests,
            _connection: Some(connection),
        })),
        Err(error) => Err(error),
    }
}

/// The number in a pipe that somebody has written it to, and closed.
fn read_number(pipe: OwnedFd) -> Option<ProcessingNumber> {
    // Nothing that is not there yet is waited for.
    fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).ok()?;
    let mut digits = Zeroizing::new([0; *PROCESSING_NUMBER_DIGITS.end() + 1]);
    let len = File::from(pipe).read(digits.as_mut_slice()).ok()?;
    ProcessingNumber::parse(str::from_utf8(digits.get(..len)?).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_the_starter_s() {
        let of = |environment: &'static [(&str, &str)]| {
            let variable = |name: &str| {
                let found = environment.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            Request::of_environment("result".to_owned(), variable).token
        };
        assert_eq!(of(&[]), "");
        assert_eq!(of(&[("DESKTOP_STARTUP_ID", "a_TIME1")]), "a_TIME1");
        assert_eq!(
            of(&[("XDG_ACTIVATION_TOKEN", "b"), ("DESKTOP_STARTUP_ID", "a")]),
            "b"
        );
        assert_eq!(
            of(&[("XDG_ACTIVATION_TOKEN", ""), ("DESKTOP_STARTUP_ID", "a")]),
            "a"
        );
    }
}
