//! What devices get: lists, exports, configuration, notices (docs/protocol.md §8).
//!
//! All of it is static between publications and says how long it may be kept, so
//! that a CDN takes the load. With an object store, this server passes the files on
//! rather than redirecting: devices do not follow to other hosts.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

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

use super::blobs::{BlobError, Blobs, Found};
use super::config::Distribution;
use super::export::{file_name, list_name, signed_list_name};
use super::notices::Notices;
use crate::http::conditional::{Answer, Validators, answer};
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

/// For how long a file may be kept.
#[derive(Clone, Copy)]
struct Keep {
    /// `Cache-Control`, for caches and devices.
    elsewhere: &'static str,
    /// In this server's memory, without a look whether it is still there.
    stale_here: Duration,
}

/// A list must never name what is not there, so each request is answered with the last.
const LIST: Keep = Keep {
    elsewhere: SOON,
    stale_here: Duration::ZERO,
};
/// What is deleted is gone on every replica when a list in a cache that named it is, too.
const EXPORT: Keep = Keep {
    elsewhere: LATEST,
    stale_here: Duration::from_secs(60),
};

/// COCOA's configuration (docs/protocol.md §7), for where the operator gives none.
const CONFIGURATION: &str = include_str!("configuration.json");
const RISK_CALCULATION: &str = include_str!("risk_calculation_configuration.json");

/// The sections of COCOA's `configuration.json`. Each kind of phone reads its own, by the
/// version of its Exposure Notification interface; one that misses its own goes by defaults
/// that are not COCOA's.
const SECTIONS: [&str; 5] = [
    "google_exposure_config",
    "google_diagnosis_keys_data_mapping_config",
    "google_daily_summaries_config",
    "apple_exposure_config_v1",
    "apple_exposure_config_v2",
];

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
        let missing = missing_sections(&exposure);
        if !missing.is_empty() {
            tracing::warn!(
                sections = missing.join(", "),
                "configuration.json lacks what some phones weigh by: they will go by defaults of their own"
            );
        }
        let now = SystemTime::now();
        Ok(Self {
            exposure: Document::new(exposure, now),
            risk_calculation: Document::new(risk, now),
        })
    }
}

/// Those of [`SECTIONS`] that `json` does not have.
fn missing_sections(json: &[u8]) -> Vec<&'static str> {
    let file: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(json).unwrap_or_default();
    let is_there = |name: &str| file.get(name).is_some_and(serde_json::Value::is_object);
    SECTIONS
        .into_iter()
        .filter(|name| !is_there(name))
        .collect()
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
        // Where COCOA's app looks from version 2 on.
        .route(
            "/c19r/exposure_configuration/Cappuccino/configuration.json",
            get(exposure_configuration),
        )
        .route(
            "/c19r/exposure_configuration/Cappuccino/risk_calculation_configuration.json",
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
    this.serve(&headers, &list_name(&region), JSON, LIST).await
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
    this.serve(&headers, &name, SIGNED, LIST).await
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
            this.serve(&headers, &file_name(&region, number), ZIP, EXPORT)
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
        keep: Keep,
    ) -> Response {
        match self.try_serve(headers, name, content_type, keep).await {
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
        keep: Keep,
    ) -> Result<Option<Response>, BlobError> {
        let Some(found) = self.blobs.find(name, keep.stale_here).await? else {
            return Ok(None);
        };
        let meta = match &found {
            Found::Cached(file) => &file.meta,
            Found::Uncached(meta) => meta,
        };
        let validators = validators(meta);
        let range = match answer(headers, &validators) {
            Answer::NotModified => return Ok(Some(not_modified(&validators, keep.elsewhere))),
            Answer::Unsatisfiable => return Ok(Some(unsatisfiable(&validators))),
            Answer::Part(range) => Some(range),
            Answer::Whole => None,
        };
        let head = |validators: &Validators| head(validators, content_type, keep.elsewhere);
        let Some(range) = range else {
            let (validators, body) = match found {
                Found::Cached(file) => (validators, Body::from(file.content())),
                Found::Uncached(_) => match self.blobs.get(name).await? {
                    // It may be another by now.
                    Some(file) => (
                        self::validators(&file.meta),
                        Body::from_stream(file.into_stream()),
                    ),
                    None => return Ok(None),
                },
            };
            let length = [(CONTENT_LENGTH, validators.len)];
            return Ok(Some((head(&validators), length, body).into_response()));
        };
        let part = match found {
            Found::Cached(file) => Some(slice(&file.content(), &range)),
            Found::Uncached(_) => self.blobs.get_range(name, range.clone()).await?,
        };
        Ok(part.map(|part| {
            let content_range =
                format!("bytes {}-{}/{}", range.start, range.end - 1, validators.len);
            let headers = [(CONTENT_RANGE, content_range)];
            let status = StatusCode::PARTIAL_CONTENT;
            (status, head(&validators), headers, part).into_response()
        }))
    }
}

/// A part of a file that is `range` within its length.
fn slice(content: &Bytes, range: &Range<u64>) -> Bytes {
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(content.len());
    content.slice(place(range.start)..place(range.end))
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
        // Of what there is: an answer to HEAD would say that it is empty.
        (CONTENT_LENGTH, validators.len.to_string()),
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
    use serde_json::{Map, Value, json};

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
    fn what_is_deleted_is_in_memory_no_longer_than_caches_may_keep_it() {
        for keep in [LIST, EXPORT] {
            let directives = keep.elsewhere.split(", ");
            let mut ages = directives.filter_map(|it| it.strip_prefix("max-age="));
            let age = Duration::from_secs(ages.next().unwrap().parse().unwrap());
            assert!(keep.stale_here <= age, "{}", keep.elsewhere);
        }
        assert_eq!(LIST.stale_here, Duration::ZERO);
    }

    /// What COCOA published last, section by section.
    fn published() -> Value {
        let infectiousness: Map<String, Value> = (-14..=14)
            .map(|day| {
                (
                    day.to_string(),
                    json!(if (-3..=10).contains(&day) { 2 } else { 0 }),
                )
            })
            .collect();
        json!({
            "google_exposure_config": {
                "attenuation_scores": [1, 2, 3, 4, 5, 6, 7, 8],
                "attenuation_weight": 50,
                "days_since_last_exposure_scores": [1, 1, 1, 1, 1, 1, 1, 1],
                "days_since_last_exposure_weight": 50,
                "duration_at_attenuation_thresholds": [50, 70],
                "duration_scores": [0, 0, 0, 0, 1, 1, 1, 1],
                "duration_weight": 50,
                "minimum_risk_score": 21,
                "transmission_risk_scores": [7, 7, 7, 7, 7, 7, 7, 7],
                "transmission_risk_weight": 50,
            },
            "google_diagnosis_keys_data_mapping_config": {
                "infectiousness_for_days_since_onset_of_symptoms": infectiousness,
                "infectiousness_when_days_since_onset_missing": 2,
                "report_type_when_missing": 1,
            },
            "google_daily_summaries_config": {
                "attenuation_bucket_threshold_db": [46, 60, 65],
                "attenuation_bucket_weights": [1.0, 2.5, 1.3, 0.01],
                "days_since_exposure_threshold": 0,
                "infectiousness_weights": {"High": 1.0, "Standard": 1.0},
                "minimum_window_score": 0.0,
                "report_type_weights": {
                    "ConfirmedClinicalDiagnosis": 1.0,
                    "ConfirmedTest": 1.0,
                    "SelfReport": 1.0,
                    "Recursive": 1.0,
                },
            },
            "apple_exposure_config_v1": {
                "attenuation_level_values": [1, 2, 3, 4, 5, 6, 7, 8],
                "days_since_last_exposure_level_values": [1, 1, 1, 1, 1, 1, 1, 1],
                "duration_level_values": [0, 0, 0, 0, 1, 1, 1, 1],
                "transmission_risk_level_values": [0, 0, 7, 7, 7, 7, 7, 7],
                "minimum_risk_score": 21,
                "minimum_risk_score_full_range": 0.0,
            },
            "apple_exposure_config_v2": {
                "infectiousness_when_days_since_onset_missing": 2,
                "attenuation_duration_thresholds": [46, 60, 65],
                "immediate_duration_weight": 100.0,
                "near_duration_weight": 250.0,
                "medium_duration_weight": 130.0,
                "other_duration_weight": 1.0,
                // Spelt so by COCOA.
                "DaysSinceLastExposureThreshold": 0,
                "infectiousness_for_days_since_onset_of_symptoms": infectiousness,
                "infectiousness_high_weight": 100.0,
                "infectiousness_standard_weight": 100.0,
                "report_type_confirmed_clinical_diagnosis_weight": 100.0,
                "report_type_confirmed_test_weight": 100.0,
                "report_type_recursive_weight": 100.0,
                "report_type_self_reported_weight": 100.0,
                "report_type_none_map": 1,
            },
        })
    }

    #[test]
    fn every_section_has_the_values_that_cocoa_published() {
        let ours: Value = serde_json::from_str(CONFIGURATION).unwrap();
        let published = published();
        for (section, values) in published.as_object().unwrap() {
            for (name, value) in values.as_object().unwrap() {
                assert_eq!(&ours[section][name], value, "{section} {name}");
            }
        }
        assert_eq!(ours, published);
        assert!(missing_sections(CONFIGURATION.as_bytes()).is_empty());
    }

    #[test]
    fn a_file_that_leaves_some_phones_to_their_defaults_is_noticed() {
        let mut file = published();
        let sections = file.as_object_mut().unwrap();
        sections.remove("apple_exposure_config_v1");
        sections.insert("apple_exposure_config_v2".to_owned(), Value::Null);
        assert_eq!(
            missing_sections(file.to_string().as_bytes()),
            ["apple_exposure_config_v1", "apple_exposure_config_v2"]
        );
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
