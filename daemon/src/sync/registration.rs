//! Sending a registration as positive to the notification server (docs/protocol.md §8).
//!
//! Every request has the same length, whatever it holds, and dummies take the same way
//! as registrations: whoever watches the line sees neither how many keys there are nor
//! who has registered.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use gaen::registration::{Diagnosis, DiagnosisKeyEntry, IdempotencyKey};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use sesshoku_core::records::RegistrationFailure;
use sesshoku_core::tracer::{Obstacle, SendOutcome, Submission};
use zeroize::Zeroizing;

use super::list::is_loopback;
use super::settings::Registrar;
use super::source::USER_AGENT;

/// The length of every body: more than [`MAX_KEYS`](sesshoku_core::tracer::MAX_KEYS) keys need.
const BODY_BYTES: usize = 4_096;
/// The most of an answer that is read.
const MAX_ANSWER_BYTES: usize = 1 << 16;
/// Marks a dummy.
const CHAFF_HEADER: &str = "x-chaff";
/// What a registration has in its place: nobody knows it, and it is as long, also
/// where HTTP/2 compresses it letter by letter.
const PLAIN_HEADER: &str = "x-hcaff";

/// Why a request could not be made.
#[derive(Debug, thiserror::Error)]
enum RequestError {
    /// The web client could not be set up.
    #[error("the web client could not be set up")]
    Client(#[source] reqwest::Error),
    /// There are more keys than the body has room for.
    #[error("the registration is too large")]
    TooLarge,
    /// The system gave no random bytes.
    #[error("no random bytes from the system")]
    Random(#[source] getrandom::Error),
    /// No connection, or it broke, or it took too long.
    #[error("the server could not be reached")]
    Unreachable(#[source] reqwest::Error),
}

/// Sends `submission` once and tells what came of it.
pub async fn send(server: &Registrar, submission: &Submission) -> SendOutcome {
    match put(server, submission).await {
        Ok(response) => {
            let outcome = judge(&response);
            tracing::debug!(status = response.status().as_u16(), "the server answered");
            // The status says it all; the rest is read so that the connection ends as
            // it does for everybody.
            drain(response).await;
            outcome
        }
        Err(error) => {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::debug!(error, "could not send");
            SendOutcome::NotYet(Obstacle::Unreachable, None)
        }
    }
}

/// A client for this request alone, so that no TLS session is resumed by which the
/// server could recognise the device.
async fn put(server: &Registrar, submission: &Submission) -> Result<Response, RequestError> {
    let limits = server.limits;
    let mut client = Client::builder()
        .user_agent(USER_AGENT)
        .referer(false)
        .redirect(Policy::none())
        .connect_timeout(limits.connect_timeout())
        .read_timeout(limits.idle_timeout())
        .timeout(limits.registration_timeout());
    if is_loopback(&server.url) {
        client = client.no_proxy();
    }
    let client = client.build().map_err(RequestError::Client)?;
    let mark = if submission.is_chaff {
        CHAFF_HEADER
    } else {
        PLAIN_HEADER
    };
    client
        .put(server.url.clone())
        .header(CONTENT_TYPE, "application/json")
        .header(mark, "1")
        .body(Bytes::from_owner(body(&server.region, submission)?))
        .send()
        .await
        .map_err(|error| RequestError::Unreachable(error.without_url()))
}

/// The JSON, padded with noise to [`BODY_BYTES`].
fn body(region: &str, submission: &Submission) -> Result<Zeroizing<Vec<u8>>, RequestError> {
    let registration = &submission.registration;
    let mut diagnosis = Diagnosis {
        has_symptom: registration.has_symptoms,
        onset_of_symptom_or_test_date: Some(format!("{}T00:00:00Z", registration.date)),
        keys: registration
            .keys
            .iter()
            .map(|key| DiagnosisKeyEntry {
                key_data: key.tek.expose_bytes().to_vec(),
                rolling_start_number: key.rolling_start.get().into(),
                rolling_period: key.rolling_period.get().into(),
                report_type: key.report_type.number(),
            })
            .collect(),
        regions: vec![region.to_owned()],
        platform: "linux".to_owned(),
        device_verification_payload: String::new(),
        app_package_name: "org.sesshoku".to_owned(),
        verification_payload: submission.number.expose().to_owned(),
        idempotency_key: IdempotencyKey::new(registration.id.expose()),
        padding: String::new(),
    };
    let room = BODY_BYTES
        .checked_sub(to_json(&diagnosis).len())
        .ok_or(RequestError::TooLarge)?;
    let mut noise = vec![0; room];
    getrandom::fill(&mut noise).map_err(RequestError::Random)?;
    // Four letters for three bytes; none of them is written in another way in JSON.
    diagnosis.padding = BASE64_STANDARD.encode(noise);
    diagnosis.padding.truncate(room);
    Ok(to_json(&diagnosis))
}

fn to_json(diagnosis: &Diagnosis) -> Zeroizing<Vec<u8>> {
    // In one piece from the beginning, so that no copy is left behind by its growth.
    let mut json = Zeroizing::new(Vec::with_capacity(2 * BODY_BYTES));
    serde_json::to_writer(&mut *json, diagnosis).expect("text and numbers can be written");
    json
}

fn judge(response: &Response) -> SendOutcome {
    let wait = retry_after(response);
    match response.status() {
        StatusCode::OK => SendOutcome::Taken,
        StatusCode::NOT_ACCEPTABLE => SendOutcome::Refused(RegistrationFailure::NumberRefused),
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => {
            SendOutcome::Refused(RegistrationFailure::Invalid)
        }
        StatusCode::FORBIDDEN => SendOutcome::Refused(RegistrationFailure::NotAllowed),
        StatusCode::TOO_MANY_REQUESTS => SendOutcome::NotYet(Obstacle::TooManyTries, wait),
        StatusCode::SERVICE_UNAVAILABLE => {
            SendOutcome::NotYet(Obstacle::ManagementUnavailable, wait)
        }
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            SendOutcome::NotYet(Obstacle::Unreachable, wait)
        }
        _ => SendOutcome::Refused(RegistrationFailure::BadAnswer),
    }
}

/// The wait the server asks for, where it gives it in seconds.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

async fn drain(mut response: Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > MAX_ANSWER_BYTES {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
    use gaen::key::Tek;
    use gaen::registration::ProcessingNumber;
    use gaen::time::{UnixSeconds, UtcDay};

    use super::*;
    use sesshoku_core::records::{Registration, RegistrationId};
    use sesshoku_core::tracer::MAX_KEYS;

    fn submission(keys: usize, is_chaff: bool) -> Submission {
        let day = UtcDay::new(18_500);
        let key = DiagnosisKey {
            tek: Tek::from_bytes([0xff; 16]),
            rolling_start: day.first_interval(),
            rolling_period: RollingPeriod::DAY,
            transmission_risk_level: 0,
            report_type: ReportType::ConfirmedTest,
            days_since_onset: Some(0),
        };
        Submission {
            is_chaff,
            registration: Registration {
                id: RegistrationId::from_bytes([1; 16]),
                has_symptoms: true,
                date: day,
                keys: vec![key; keys],
                agreement_version: "1".to_owned(),
                begun: UnixSeconds::new(0),
            },
            number: ProcessingNumber::parse("01234567").unwrap(),
        }
    }

    #[test]
    fn every_body_is_a_diagnosis_of_the_same_length() {
        let region = "r".repeat(32);
        let mut seen = Vec::new();
        for keys in [0, 1, 14, MAX_KEYS] {
            let body = body(&region, &submission(keys, false)).unwrap();
            assert_eq!(body.len(), BODY_BYTES, "{keys} keys");
            let diagnosis: Diagnosis = serde_json::from_slice(&body).unwrap();
            assert_eq!(diagnosis.keys.len(), keys);
            assert_eq!(diagnosis.verification_payload, "01234567");
            assert_eq!(
                diagnosis.idempotency_key.get(),
                Some("01010101010101010101010101010101")
            );
            assert_eq!(
                diagnosis.onset_of_symptom_or_test_date.as_deref(),
                Some("2020-08-26T00:00:00Z")
            );
            assert!(!seen.contains(&diagnosis.padding), "noise repeats");
            seen.push(diagnosis.padding.clone());
        }
        let error = body(&region, &submission(60, false)).unwrap_err();
        assert!(matches!(error, RequestError::TooLarge));
    }

    #[test]
    fn a_dummy_is_marked_by_what_is_as_long() {
        let letters = |name: &str| {
            let mut letters: Vec<char> = name.chars().collect();
            letters.sort_unstable();
            letters
        };
        assert_ne!(CHAFF_HEADER, PLAIN_HEADER);
        assert_eq!(letters(CHAFF_HEADER), letters(PLAIN_HEADER));
    }
}
