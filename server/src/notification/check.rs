//! Asking the management system whether a 処理番号 is genuine.
//!
//! It is told the number and a name of the registration, and answers yes once: the
//! number is used up then. The name is another than this side keeps, so that neither
//! database refers to the other. The same registration may ask again, after a lost answer
//! or a crash on this side, and is answered the same for a day.

use std::fmt;
use std::path::PathBuf;

use getrandom::SysRng;
use hmac::{Hmac, KeyInit, Mac};
use rand_core::{Rng, UnwrapErr};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, StatusCode, redirect};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use url::Url;

use super::config::Management;
use crate::secret::SecretError;

/// Longest answer, in bytes.
const MAX_ANSWER_LEN: usize = 4096;
/// What chaff asks about: no number, as anybody can see. The management system does as much
/// for it as for a genuine one.
pub(crate) const NO_NUMBER: &str = "chaff";

/// Says, with any value, that somebody near this source has tried a wrong number within a
/// day. A header, so that a management system which knows none takes the question all the
/// same. It is all that is told of a source.
pub(crate) const GUESSED: HeaderName = HeaderName::from_static("sesshoku-guessed");

/// The way to the management system.
#[derive(Clone)]
pub(super) struct Checker {
    client: Client,
    url: Url,
    authorization: HeaderValue,
    /// Makes names of registrations into others.
    names: Hmac<Sha256>,
}

/// Why the management system cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum CheckerError {
    /// The credential is missing.
    #[error("the credential for the management system is missing")]
    Credential(#[source] SecretError),
    /// The credential is not one for HTTP.
    #[error("the credential for the management system has characters that cannot be sent")]
    Characters,
    /// The authorities' file cannot be read.
    #[error("cannot read {}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The client cannot be set up.
    #[error("the client for the management system cannot be set up")]
    Client(#[source] reqwest::Error),
    /// The URL cannot have a path.
    #[error("management.url cannot be used")]
    Url,
}

/// No answer that can be relied on.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckError {
    /// It does not answer, or not in time.
    #[error("the management system does not answer")]
    Unreachable(#[source] reqwest::Error),
    /// It answers that it cannot say.
    #[error("the management system answers {0}")]
    Status(StatusCode),
    /// It answers something else.
    #[error("the management system's answer is not one")]
    Answer,
}

impl CheckError {
    /// Whether the management system has reached its bound on wrong numbers.
    pub(super) fn is_bound(&self) -> bool {
        matches!(self, Self::Status(StatusCode::TOO_MANY_REQUESTS))
    }
}

#[derive(Serialize)]
struct Question<'a> {
    processing_number: &'a str,
    request: String,
}

#[derive(Deserialize)]
struct Answer {
    genuine: bool,
}

impl Checker {
    pub(super) fn new(settings: &Management) -> Result<Self, CheckerError> {
        let credential = settings
            .credential
            .read()
            .map_err(CheckerError::Credential)?;
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", credential.expose()))
            .map_err(|_| CheckerError::Characters)?;
        authorization.set_sensitive(true);
        let mut client = Client::builder()
            .timeout(settings.timeout())
            .redirect(redirect::Policy::none())
            .no_proxy();
        if let Some(path) = &settings.ca_file {
            let pem = settings::file::read(path, settings::file::MAX_TEXT).map_err(|source| {
                CheckerError::CaFile {
                    path: path.clone(),
                    source,
                }
            })?;
            let authorities = Certificate::from_pem_bundle(&pem).map_err(CheckerError::Client)?;
            client = client.tls_certs_only(authorities);
        }
        let mut url = settings.url.clone();
        url.path_segments_mut()
            .map_err(|()| CheckerError::Url)?
            .pop_if_empty()
            .extend(["api", "v1", "processing-number", "check"]);
        Ok(Self {
            client: client.build().map_err(CheckerError::Client)?,
            url,
            authorization,
            names: Hmac::new_from_slice(credential.expose().as_bytes())
                .expect("HMAC takes keys of any length"),
        })
    }

    /// Whether `processing_number` is genuine, for the registration `id` from a source that
    /// has guessed, or has not.
    pub(super) async fn is_genuine(
        &self,
        processing_number: &str,
        id: &[u8; 32],
        has_guessed: bool,
    ) -> Result<bool, CheckError> {
        let name = self.name_there(id);
        let (status, body) = self.ask(processing_number, &name, has_guessed).await?;
        if status != StatusCode::OK {
            return Err(CheckError::Status(status));
        }
        serde_json::from_slice(&body)
            .map(|Answer { genuine }| genuine)
            .map_err(|_| CheckError::Answer)
    }

    /// What the registration `id` is called where numbers are checked.
    fn name_there(&self, id: &[u8; 32]) -> [u8; 32] {
        self.names
            .clone()
            .chain_update(id)
            .finalize()
            .into_bytes()
            .into()
    }

    /// Asks about no number, and takes as long as asking about one.
    pub(super) async fn pretend(&self, has_guessed: bool) -> Result<(), CheckError> {
        let mut id = [0; 32];
        UnwrapErr(SysRng).fill_bytes(&mut id);
        match self.ask(NO_NUMBER, &id, has_guessed).await? {
            // A management system of another make refuses the question.
            (StatusCode::OK | StatusCode::BAD_REQUEST, _) => Ok(()),
            (status, _) => Err(CheckError::Status(status)),
        }
    }

    /// Asks, and once more where the connection breaks: the answer is the same.
    async fn ask(
        &self,
        processing_number: &str,
        id: &[u8; 32],
        has_guessed: bool,
    ) -> Result<(StatusCode, Vec<u8>), CheckError> {
        let question = Question {
            processing_number,
            request: hex::encode(id),
        };
        let body = serde_json::to_vec(&question).expect("texts are always JSON");
        match self.send(body.clone(), has_guessed).await {
            Err(CheckError::Unreachable(error)) if !error.is_timeout() && !error.is_connect() => {
                self.send(body, has_guessed).await
            }
            result => result,
        }
    }

    async fn send(
        &self,
        body: Vec<u8>,
        has_guessed: bool,
    ) -> Result<(StatusCode, Vec<u8>), CheckError> {
        let mut request = self
            .client
            .post(self.url.clone())
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        if has_guessed {
            request = request.header(GUESSED, "yes");
        }
        let mut response = request.send().await.map_err(CheckError::Unreachable)?;
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(CheckError::Unreachable)? {
            answer.extend_from_slice(&chunk);
            if answer.len() > MAX_ANSWER_LEN {
                return Err(CheckError::Answer);
            }
        }
        Ok((response.status(), answer))
    }
}

impl fmt::Debug for Checker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checker").finish_non_exhaustive()
    }
}
