//! Who asks: the language, the cookies, and the tokens that forms carry.
//!
//! Every form holds a token that is an HMAC of a cookie: of the session's, or, before
//! there is one, of a random visit's. Another site can make a browser send the form,
//! but knows neither cookie nor key.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::pages::Problem;
use super::text::{Text, text};
use crate::http::source::Bucket;
use crate::log::Causes;
use crate::management::Inner;
use crate::management::account::{Device, Token};
use crate::management::keys::{self, Digest};
use crate::management::message::Language;
use crate::management::store::Account;

const YEAR: u32 = 365 * 24 * 60 * 60;
/// How long an address holds what one page has handed to the next.
const HANDED_ON_SECONDS: u32 = 15 * 60;

/// What a request says about the one who sends it.
pub(super) struct Visitor {
    pub(super) text: &'static Text,
    /// The language was chosen by this request, and is to be remembered.
    language_is_new: bool,
    session: Option<Token>,
    visit: Option<Token>,
    /// The visit is new: its cookie is to be set.
    visit_is_new: bool,
    device: Option<Device>,
    pub(super) source: Option<Bucket>,
    cookies: Cookies,
    inner: Arc<Inner>,
}

/// A visitor who is signed in.
pub(super) struct Worker {
    pub(super) visitor: Visitor,
    pub(super) account: Account,
}

/// How cookies are named and set.
#[derive(Clone, Copy)]
struct Cookies {
    secure: bool,
}

impl FromRequestParts<Arc<Inner>> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        inner: &Arc<Inner>,
    ) -> Result<Self, Self::Rejection> {
        let cookies = Cookies {
            secure: !inner.config.web.insecure_cookies,
        };
        let cookie = |name| cookies.get(&parts.headers, name);
        let chosen = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
            .find(|(name, _)| name == "lang")
            .and_then(|(_, code)| Language::from_code(&code));
        let language = chosen
            .or_else(|| cookie("language").and_then(|code| Language::from_code(&code)))
            .unwrap_or_else(|| accepted_language(&parts.headers));
        Ok(Self {
            text: text(language),
            language_is_new: chosen.is_some(),
            session: cookie("session").and_then(|token| Token::parse(&token)),
            visit: cookie("visit").and_then(|token| Token::parse(&token)),
            visit_is_new: false,
            device: cookie("device").and_then(|device| Device::parse(&device)),
            source: source(parts, inner),
            cookies,
            inner: Arc::clone(inner),
        })
    }
}

impl Visitor {
    /// The account this visitor is signed in with.
    pub(super) async fn account(&self) -> Result<Option<Account>, Problem> {
        let Some(session) = &self.session else {
            return Ok(None);
        };
        let times = self.inner.config.accounts.session_times();
        let now = self.inner.clock.now();
        let found = self.inner.store.session(session.digest(), times, now);
        found.await.map_err(|error| {
            tracing::error!(error = %Causes(&error), "a session cannot be looked up");
            Problem::Broken
        })
    }

    /// Whether there is a cookie of a session, be it over or not.
    pub(super) const fn has_session(&self) -> bool {
        self.session.is_some()
    }

    /// The digest of the session's id.
    pub(super) fn session(&self) -> Option<Digest> {
        self.session.as_ref().map(Token::digest)
    }

    /// The token for forms shown to this visitor, who is given a visit if there is
    /// nothing else to tell them by.
    pub(super) fn form_token(&mut self) -> Result<Zeroizing<String>, Problem> {
        if self.session.is_none() && self.visit.is_none() {
            self.visit = Some(Token::random().map_err(|_| Problem::Broken)?);
            self.visit_is_new = true;
        }
        let cookie = self.session.as_ref().or(self.visit.as_ref());
        let cookie = cookie.ok_or(Problem::Broken)?;
        let token = self.inner.keys.form(cookie.bytes());
        Ok(Zeroizing::new(hex::encode(token)))
    }

    /// Whether a form came from a page that was shown to this visitor.
    pub(super) fn check_form(&self, token: &str) -> Result<(), Problem> {
        let cookie = self.session.as_ref().or(self.visit.as_ref());
        let cookie = cookie.ok_or(Problem::FormOld)?;
        let shown = Token::parse(token).ok_or(Problem::FormOld)?;
        let shown = shown.bytes().try_into().map_err(|_| Problem::FormOld)?;
        if keys::same(&shown, &self.inner.keys.form(cookie.bytes())) {
            Ok(())
        } else {
            Err(Problem::FormOld)
        }
    }

    /// The browser, where somebody has signed in in it before.
    pub(super) fn device(&self) -> Option<Device> {
        self.device.clone()
    }

    /// What this page hands to the next, sealed for this visitor, to be put into an address.
    pub(super) fn seal<T: Serialize>(&self, content: &T) -> Result<String, Problem> {
        let cookie = self.session.as_ref().ok_or(Problem::FormOld)?;
        let until = self
            .inner
            .clock
            .now()
            .get()
            .saturating_add(HANDED_ON_SECONDS);
        let content = serde_json::to_vec(&(until, content)).map_err(|_| Problem::Broken)?;
        let content = Zeroizing::new(content);
        self.inner
            .keys
            .seal_page(cookie.bytes(), &content)
            .map_err(|_| Problem::Broken)
    }

    /// What [`Self::seal`] sealed in the same session, not long ago.
    pub(super) fn open<T: DeserializeOwned>(&self, sealed: &str) -> Result<T, Problem> {
        let cookie = self.session.as_ref().ok_or(Problem::FormOld)?;
        let content = self.inner.keys.open_page(cookie.bytes(), sealed);
        let content = content.map_err(|_| Problem::FormOld)?;
        let (until, content): (u32, T) =
            serde_json::from_slice(&content).map_err(|_| Problem::FormOld)?;
        if self.inner.clock.now().get() > until {
            return Err(Problem::FormOld);
        }
        Ok(content)
    }

    /// Puts the cookies of a new session into `response`, in place of the visit's, and marks
    /// the browser.
    pub(super) fn begin_session(&self, response: &mut Response, session: &Token, device: &Device) {
        let mark = device.expose();
        self.cookies.set(response, "device", &mark, Some(YEAR));
        self.cookies
            .set(response, "session", &session.expose(), None);
        self.cookies.set(response, "visit", "", Some(0));
    }

    /// Takes the session's cookie away.
    pub(super) fn forget_session(&mut self, response: &mut Response) {
        self.session = None;
        self.cookies.set(response, "session", "", Some(0));
    }

    /// Puts what this request made new into `response`.
    pub(super) fn remember(&self, response: &mut Response) {
        if let (true, Some(visit)) = (self.visit_is_new, &self.visit) {
            self.cookies.set(response, "visit", &visit.expose(), None);
        }
        if self.language_is_new {
            let code = self.text.language.code();
            self.cookies.set(response, "language", code, Some(YEAR));
        }
    }
}

impl Cookies {
    /// With the prefix, browsers take a cookie only over TLS and from this host alone.
    fn name(self, name: &str) -> String {
        let prefix = if self.secure { "__Host-" } else { "" };
        format!("{prefix}sesshoku-{name}")
    }

    fn get(self, headers: &HeaderMap, name: &str) -> Option<Zeroizing<String>> {
        let name = self.name(name);
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find(|(found, _)| *found == name)
            .map(|(_, value)| Zeroizing::new(value.to_owned()))
    }

    fn set(self, response: &mut Response, name: &str, value: &str, max_age: Option<u32>) {
        let name = self.name(name);
        let secure = if self.secure { "; Secure" } else { "" };
        let max_age = max_age.map_or_else(String::new, |age| format!("; Max-Age={age}"));
        let cookie = Zeroizing::new(format!(
            "{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{max_age}"
        ));
        let mut cookie = HeaderValue::from_str(&cookie)
            .expect("names are constant and values hexadecimal or a language's code");
        cookie.set_sensitive(true);
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// The first of the languages here that the browser names.
fn accepted_language(headers: &HeaderMap) -> Language {
    let accepted = headers
        .get(ACCEPT_LANGUAGE)
        .and_then(|header| header.to_str().ok())
        .unwrap_or_default();
    let mut best = (0.0_f32, Language::default());
    for range in accepted.split(',') {
        let (tag, quality) = range.split_once(";q=").unwrap_or((range, "1"));
        let primary = tag.trim().split('-').next().unwrap_or_default();
        let language = Language::from_code(&primary.to_ascii_lowercase());
        let quality: f32 = quality.trim().parse().unwrap_or(0.0);
        if let Some(language) = language
            && quality > best.0
        {
            best = (quality, language);
        }
    }
    best.1
}

fn source(parts: &Parts, inner: &Inner) -> Option<Bucket> {
    let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    connection.map(|ConnectInfo(peer)| inner.sources.bucket(*peer, &parts.headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_says_which_language_is_best() {
        for (header, language) in [
            ("", Language::Ja),
            ("en", Language::En),
            ("en-GB,en;q=0.9,ja;q=0.8", Language::En),
            ("fr, en;q=0.5, ja;q=0.7", Language::Ja),
            ("fr", Language::Ja),
            ("en;q=x", Language::Ja),
            ("JA-jp, EN;q=0.1", Language::Ja),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, header.parse().unwrap());
            assert_eq!(accepted_language(&headers), language, "{header}");
        }
    }
}
