//! Every body that either server takes, through the whole of the server but its listener.
#![no_main]

use std::sync::{LazyLock, Mutex};

use axum::body::Body;
use axum::http::Request;
use fuzz::servers::{self, CREDENTIAL, FORM, Management, Role};
use libfuzzer_sys::fuzz_target;

/// Where a body can be sent: to which role, how, and of which type it says to be. Signing
/// out has a token alone, after which nothing else would get far.
const PLACES: [(bool, &str, &str, &str); 9] = [
    (true, "PUT", "/api/v3/diagnosis", "application/json"),
    (true, "PUT", "/api/v2/diagnosis", "application/json"),
    (
        false,
        "POST",
        "/api/v1/processing-number/check",
        "application/json",
    ),
    (
        false,
        "POST",
        "/api/v1/processing-number",
        "application/json",
    ),
    (false, "POST", "/sign-in", FORM),
    (false, "POST", "/issue", FORM),
    (false, "POST", "/send", FORM),
    (false, "POST", "/password", FORM),
    (true, "PUT", "/api/v3/diagnosis", "text/plain"),
];

const DIAGNOSIS: &str = r#"{"hasSymptom":true,"onsetOfSymptomOrTestDate":"2020-08-15T00:00:00Z",
    "keys":[{"keyData":"AQEBAQEBAQEBAQEBAQEBAQ==","rollingStartNumber":2662560,
    "rollingPeriod":144,"reportType":1}],"regions":["440"],"platform":"linux",
    "deviceVerificationPayload":"","appPackageName":"jp.example","verificationPayload":"12345678",
    "idempotencyKey":"one","padding":""}"#;
const CHECK: &str = r#"{"processing_number":"12345678",
    "request":"0101010101010101010101010101010101010101010101010101010101010101"}"#;
const ISSUE: &str = r#"{"mail":"someone@mail.example","language":"ja"}"#;
const SIGN_IN: &str = "name=hanako&password=secret&code=123456";
const ORDER: &str = "recipient=someone%40mail.example&language=ja";
const NEW_PASSWORD: &str = "current=one&new=two&repeat=two";

struct Servers {
    notification: Role,
    management: Management,
}

static SERVERS: LazyLock<Mutex<Servers>> = LazyLock::new(|| {
    Mutex::new(Servers {
        notification: servers::notification(),
        management: servers::management(),
    })
});

/// The status with which `body` is answered in the place with this number.
fn answer(place: u8, body: &[u8]) -> u16 {
    let place = usize::from(place);
    let (is_notification, method, path, kind) = PLACES[place % PLACES.len()];
    let servers = SERVERS.lock().expect("no panic before");
    let bearer = match path {
        "/api/v1/processing-number" => servers.management.bearer.as_str(),
        _ => CREDENTIAL,
    };
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("content-type", kind)
        .header("authorization", format!("Bearer {bearer}"));
    let again = place / PLACES.len() % 2 == 1;
    // As a dummy, too.
    if is_notification && again {
        request = request.header("x-chaff", "1");
    }
    let mut sent = Vec::new();
    // Without it no form gets further, and nobody guesses it.
    if kind == FORM && !again {
        let token = &servers.management.form_token;
        sent.extend(format!("token={token}&").into_bytes());
    }
    sent.extend(body);
    let request = request.body(Body::from(sent)).expect("a request");
    if is_notification {
        servers.notification.answer(request)
    } else {
        servers.management.role.answer(request)
    }
}

fuzz_target!(
    init: {
        // It is no number, but is looked up.
        assert_eq!(answer(2, CHECK.as_bytes()), 200);
        // It is all right, but for a management system that cannot be reached.
        assert_eq!(answer(0, DIAGNOSIS.as_bytes()), 503);
        assert_eq!(answer(3, ISSUE.as_bytes()), 201);
        // The page that asks whether that is right.
        assert_eq!(answer(5, ORDER.as_bytes()), 200);
        let bodies = [
            DIAGNOSIS, DIAGNOSIS, CHECK, ISSUE, SIGN_IN, ORDER, ORDER, NEW_PASSWORD, DIAGNOSIS,
        ];
        let seeds = (0_u8..).zip(bodies).map(|(place, body)| [&[place], body.as_bytes()].concat());
        fuzz::plant("request_bodies", seeds);
    },
    |data: &[u8]| {
        let Some((place, body)) = data.split_first() else {
            return;
        };
        let status = answer(*place, body);
        assert_ne!(status, 500, "nothing breaks");
    }
);
