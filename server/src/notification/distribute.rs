//! What devices get: lists, exports, configuration, notices (docs/protocol.md §8).
//!
//! All of it is static between publications and says how long it may be kept, so
//! that a CDN takes the load. With an object store, this server passes the files on
//! rather than redirecting: devices do not follow to other hosts.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use gaen::config::{Configuration, ConfigurationError};
use object_store::ObjectMeta;
use sha2::{Digest, Sha256};

use super::blobs::{BlobError, Blobs};
use super::config::Distribution;
use super::export::{file_name, list_name, signed_list_name};
use super::notices::Notices;
use crate::http::conditional::{Answer, Validators, answer, is_conditional};
use crate::log::Causes;

const JSON: &str = "application/json";
/// A protobuf message that is signed.
const SIGNED: &str = "application/octet-stream";
const ZIP: &str = "application/zip";
/// Lists and notices change a few times a day; devices ask once a day.
const SOON: &str = "public, max-age=60";
/// Configurations hardly ever change.
const LATER: &str = "public, max-age=3600";
/// An export never changes, but is deleted after 14 days, in caches a day later.
const LATEST: &str = "public, max-age=86400, immutable";

/// COCOA's configuration (docs/protocol.md §7), for where the operator gives none.
const CONFIGURATION: &str = include_str!("configuration.json");
const RISK_CALCULATION: &str = include_str!("risk_calculation_configuration.json");

/// What is handed out.
pub(super) struct Distributor {
    pub(super) blobs: Blobs,
    pub(super) regions: Vec<String>,
    pub(super) configurations: Configurations,
    pub(super) notices: Notices,
}

/// The two files of COCOA's configuration, checked as devices will.
#[derive(Clone, Debug)]
pub(super) struct Configurations {
    exposure: Document,
    risk_calculation: Document,
}

/// A configuration that cannot be handed out.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationsError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Devices would refuse it.
    #[error("the configuration for devices is refused")]
    Refused(#[from] ConfigurationError),
}

/// A file in memory.
#[derive(Clone, Debug)]
struct Document {
    content: Bytes,
    validators: Validators,
}

impl Document {
    fn new(content: Bytes, modified: SystemTime) -> Self {
        let digest = Sha256::digest(&content);
        let etag = format!("\"{}\"", hex::encode(digest.get(..16).unwrap_or_default()));
        Self {
            validators: Validators {
                etag,
                modified,
                len: u64::try_from(content.len()).unwrap_or(u64::MAX),
            },
            content,
        }
    }
}

impl Configurations {
    pub(super) fn load(settings: &Distribution) -> Result<Self, ConfigurationsError> {
        let read = |path: &Option<PathBuf>, default: &'static str| match path {
            None => Ok(Bytes::from_static(default.as_bytes())),
            Some(path) => {
                let read = settings::file::read(path, settings::file::MAX_TEXT);
                read.map(Bytes::from)
                    .map_err(|source| ConfigurationsError::Read {
                        path: path.clone(),
                        source,
                    })
            }
        };
        let exposure = read(&settings.exposure_configuration, CONFIGURATION)?;
        let risk = read(&settings.risk_calculation_configuration, RISK_CALCULATION)?;
        Configuration::from_json(&exposure)?.with_risk_calculation_json(&risk)?;
        let now = SystemTime::now();
        Ok(Self {
            exposure: Document::new(exposure, now),
            risk_calculation: Document::new(risk, now),
        })
    }
}

pub(super) fn router(distributor: Arc<Distributor>) -> Router {
    Router::new()
        .route(
            "/c19r/exposure_configuration/configuration.json",
            get(exposure_configuration),
        )
        .route(
            "/c19r/exposure_configuration/risk_calculation_configuration.json",
            get(risk_calculation_configuration),
        )
        .route("/c19r/{region}/list.json", get(list))
        .route("/c19r/{region}/list.json.sig", get(signed_list))
        .route("/c19r/{region}/notices.json", get(notices))
        .route("/c19r/{region}/{file}", get(file))
        .with_state(distributor)
}

async fn exposure_configuration(
    State(this): State<Arc<Distributor>>,
    headers: HeaderMap,
) -> Response {
    serve_document(&headers, &this.configurations.exposure, LATER)
}

async fn risk_calculation_configuration(
    State(this): State<Arc<Distributor>>,
    headers: HeaderMap,
) -> Response {
    serve_document(&headers, &this.configurations.risk_calculation, LATER)
}

async fn notices(
    State(this): State<Arc<Distributor>>,
    Path(region): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !this.regions.contains(&region) {
        return not_found();
    }
    let content = this.notices.json().await;
    serve_document(&headers, &Document::new(content, SystemTime::now()), SOON)
}

async fn list(
    State(this): State<Arc<Distributor>>,
    Path(region): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !this.regions.contains(&region) {
        return not_found();
    }
    this.serve(&headers, &list_name(&region), JSON, SOON).await
}

async fn signed_list(
    State(this): State<Arc<Distributor>>,
    Path(region): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !this.regions.contains(&region) {
        return not_found();
    }
    let name = signed_list_name(&region);
    this.serve(&headers, &name, SIGNED, SOON).await
}

async fn file(
    State(this): State<Arc<Distributor>>,
    Path((region, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let number = file
        .strip_suffix(".zip")
        .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        .filter(|number| !number.starts_with('0'))
        .and_then(|number| number.parse().ok());
    match number {
        Some(number) if this.regions.contains(&region) => {
            this.serve(&headers, &file_name(&region, number), ZIP, LATEST)
                .await
        }
        Some(_) | None => not_found(),
    }
}

impl Distributor {
    async fn serve(
        &self,
        headers: &HeaderMap,
        name: &str,
        content_type: &'static str,
        cache: &'static str,
    ) -> Response {
        match self.try_serve(headers, name, content_type, cache).await {
            Ok(Some(response)) => response,
            Ok(None) => not_found(),
            Err(error) => {
                tracing::error!(
                    error = %Causes(&error),
                    "a file cannot be handed out"
                );
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
        }
    }

    /// `None` where there is no such file.
    async fn try_serve(
        &self,
        headers: &HeaderMap,
        name: &str,
        content_type: &'static str,
        cache: &'static str,
    ) -> Result<Option<Response>, BlobError> {
        let head = |validators: &Validators| head(validators, content_type, cache);
        if is_conditional(headers) {
            let Some(meta) = self.blobs.head(name).await? else {
                return Ok(None);
            };
            let validators = validators(&meta);
            match answer(headers, &validators) {
                Answer::NotModified => return Ok(Some(not_modified(&validators, cache))),
                Answer::Unsatisfiable => return Ok(Some(unsatisfiable(&validators))),
                Answer::Part(range) => {
                    let part = self.blobs.get_range(name, range.clone()).await?;
                    return Ok(part.map(|part| {
                        let content_range =
                            format!("bytes {}-{}/{}", range.start, range.end - 1, validators.len);
                        let headers = [(CONTENT_RANGE, content_range)];
                        let status = StatusCode::PARTIAL_CONTENT;
                        (status, head(&validators), headers, part).into_response()
                    }));
                }
                Answer::Whole => {}
            }
        }
        let Some(file) = self.blobs.get(name).await? else {
            return Ok(None);
        };
        let validators = validators(&file.meta);
        let length = [(CONTENT_LENGTH, validators.len)];
        let body = Body::from_stream(file.into_stream());
        Ok(Some((head(&validators), length, body).into_response()))
    }
}

fn serve_document(headers: &HeaderMap, document: &Document, cache: &'static str) -> Response {
    match answer(headers, &document.validators) {
        Answer::NotModified => not_modified(&document.validators, cache),
        // They are short: parts of them are not worth it.
        Answer::Whole | Answer::Part(_) | Answer::Unsatisfiable => {
            let head = head(&document.validators, JSON, cache);
            (head, document.content.clone()).into_response()
        }
    }
}

fn validators(meta: &ObjectMeta) -> Validators {
    let modified = SystemTime::from(meta.last_modified);
    Validators {
        etag: match &meta.e_tag {
            Some(tag) if tag.starts_with('"') => tag.clone(),
            Some(tag) => format!("\"{tag}\""),
            None => format!("\"{:x}\"", meta.size),
        },
        modified,
        len: meta.size,
    }
}

fn head(
    validators: &Validators,
    content_type: &'static str,
    cache: &'static str,
) -> [(HeaderName, String); 5] {
    [
        (CONTENT_TYPE, content_type.to_owned()),
        (CACHE_CONTROL, cache.to_owned()),
        (ETAG, validators.etag.clone()),
        (LAST_MODIFIED, httpdate::fmt_http_date(validators.modified)),
        (ACCEPT_RANGES, "bytes".to_owned()),
    ]
}

fn not_modified(validators: &Validators, cache: &'static str) -> Response {
    let headers = [
        (ETAG, validators.etag.clone()),
        (CACHE_CONTROL, cache.to_owned()),
    ];
    (StatusCode::NOT_MODIFIED, headers).into_response()
}

fn unsatisfiable(validators: &Validators) -> Response {
    let headers = [(CONTENT_RANGE, format!("bytes */{}", validators.len))];
    (StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response()
}

fn not_found() -> Response {
    let headers = [(CACHE_CONTROL, "no-store")];
    (StatusCode::NOT_FOUND, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_configuration_is_cocoas_and_devices_take_it() {
        assert!(Configurations::load(&Distribution::default()).is_ok());
        let configuration = Configuration::from_json(CONFIGURATION.as_bytes())
            .unwrap()
            .with_risk_calculation_json(RISK_CALCULATION.as_bytes())
            .unwrap();
        assert_eq!(configuration, Configuration::default());
    }

    #[test]
    fn a_configuration_that_could_never_warn_is_not_handed_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("risk.json");
        let silent = RISK_CALCULATION.replace("1350.0", "1e9");
        std::fs::write(&path, silent).unwrap();
        let error = Configurations::load(&Distribution {
            risk_calculation_configuration: Some(path),
            ..Distribution::default()
        })
        .unwrap_err();
        assert!(matches!(error, ConfigurationsError::Refused(_)), "{error}");
    }
}
