//! What COCOA's own app asks for, as its published source asks for it: paths, bodies
//! and headers are the app's, none of our client takes part.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::net::SocketAddr;

use reqwest::StatusCode;
use serde_json::{Value, json};
use sesshoku_tests::servers::free_addresses;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zip::ZipArchive;

use crate::support::{
    Server, Site, date, files, key_of, random_key, random_word, registration, wait_for,
};

const V1: &str = "/api/diagnosis";
const V3: &str = "/api/v3/diagnosis";
const EVENT_LOG: &str = "/api/v1/event_log";
/// The name that the app has on Android.
const APP: &str = "jp.go.mhlw.covid19radar";

/// An answer.
struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Asks for `path` with nothing but a socket, and the headers that the app sends.
async fn ask(server: SocketAddr, method: &str, path: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let len = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {server}\r\nAccept: application/json\r\n\
         x-functions-key: API_SECRET\r\nx-api-key: API_KEY\r\n\
         Content-Type: application/json; charset=utf-8\r\nContent-Length: {len}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // A server that has heard enough answers before it has read all.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers: HashMap<String, String> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let body = answer.split_off(end + 4);
    assert_eq!(headers["content-length"], body.len().to_string());
    Answer {
        status: status.parse().unwrap(),
        headers,
        body,
    }
}

/// Reads one variable-length number of a protobuf message.
fn number(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return value;
        }
    }
    panic!("a number is too long");
}

/// The fields of a protobuf message that hold bytes, in their order.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = number(&mut bytes);
        let len = match tag & 7 {
            0 => {
                number(&mut bytes);
                continue;
            }
            1 => 8,
            2 => usize::try_from(number(&mut bytes)).unwrap(),
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (field, rest) = bytes.split_at(len);
        bytes = rest;
        fields.push((tag >> 3, field.to_vec()));
    }
    fields
}

/// The keys of all exports that the region's list names, by way of the addresses in
/// it, as tools that watch a COCOA server read them.
async fn listed_keys(server: SocketAddr) -> Vec<Vec<u8>> {
    let list = ask(server, "GET", "/c19r/440/list.json", b"").await;
    if list.status == 404 {
        return Vec::new();
    }
    assert_eq!(list.status, 200);
    let mut keys = Vec::new();
    for entry in list.json().as_array().unwrap() {
        // The app reads the region as a number, and takes the name behind the last
        // slash for the file.
        assert_eq!(entry["region"].as_str().unwrap().parse(), Ok(440));
        assert!(entry["created"].as_u64().unwrap() > 1_592_524_800_000);
        let url = entry["url"].as_str().unwrap();
        let path = url.strip_prefix(&format!("http://{server}")).unwrap();
        let zip = ask(server, "GET", path, b"").await;
        assert_eq!(zip.status, 200, "{url}");
        assert_eq!(zip.headers["content-type"], "application/zip");
        let mut archive = ZipArchive::new(Cursor::new(zip.body)).unwrap();
        let names = archive.file_names().map(|name| name.unwrap().into_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        assert_eq!(names, ["export.bin", "export.sig"]);
        let mut export = Vec::new();
        let mut file = archive.by_name("export.bin").unwrap();
        file.read_to_end(&mut export).unwrap();
        let export = export.strip_prefix(b"EK Export v1    ").unwrap();
        let export = fields(export);
        assert!(export.contains(&(3, b"440".to_vec())));
        let entries = export.iter().filter(|(field, _)| *field == 7);
        keys.extend(entries.map(|(_, key)| {
            let mut of_key = fields(key).into_iter();
            of_key.find(|(field, _)| *field == 1).unwrap().1
        }));
    }
    keys
}

/// A server whose lists name it by its own address.
async fn reachable(changes: &str) -> (Site, Server) {
    let [address] = free_addresses().unwrap();
    let mut site = Site::new(changes).await;
    site.set(&format!(
        "[http]\nlisten = '{address}'\n[distribution]\nbase_url = 'http://{address}'"
    ));
    let server = site.start().await;
    (site, server)
}

/// A registration as the first versions of the app send it.
fn first_registration(number: &str, key: [u8; 16]) -> Value {
    let mut key = key_of(key, 3);
    let key = key.as_object_mut().unwrap();
    key.remove("reportType");
    key.insert("transmissionRisk".to_owned(), json!(4));
    json!({
        "userUuid": "a-user-uuid",
        "keys": [key],
        "regions": ["440"],
        "platform": "android",
        "deviceVerificationPayload": "a-device",
        "appPackageName": APP,
        "verificationPayload": number,
        "padding": random_word(),
    })
}

/// A registration as versions from 2.0 on send it.
fn last_registration(number: &str, key: [u8; 16]) -> Value {
    json!({
        "hasSymptom": true,
        "onsetOfSymptomOrTestDate": date(3),
        "keys": [key_of(key, 3)],
        "regions": ["440"],
        "platform": "ios",
        "deviceVerificationPayload": "a-device",
        "appPackageName": APP,
        "verificationPayload": number,
        "idempotency_key": random_word(),
        "padding": random_word(),
    })
}

#[tokio::test]
async fn every_version_of_the_app_gets_through_its_life() {
    let (site, server) = reachable("").await;
    let to = server.public;
    site.management
        .issue(["01234567".to_owned(), "01234568".to_owned()]);

    // The first start: anything but 200 ends it, and the first versions read the
    // answer as JSON.
    let registered = ask(to, "POST", "/api/register", b"").await;
    assert_eq!(registered.status, 200);
    assert_eq!(registered.json(), json!({}));
    assert_eq!(registered.headers["cache-control"], "no-store");

    // Each check: how to weigh, then what to look for.
    let plain = "/c19r/exposure_configuration";
    for file in ["configuration.json", "risk_calculation_configuration.json"] {
        let wanted = ask(to, "GET", &format!("{plain}/{file}"), b"").await;
        assert_eq!(wanted.status, 200);
        let second = ask(to, "GET", &format!("{plain}/Cappuccino/{file}"), b"").await;
        assert_eq!(second.status, 200);
        assert_eq!(second.json(), wanted.json());
    }
    let configuration = ask(to, "GET", &format!("{plain}/configuration.json"), b"").await;
    let configuration = configuration.json();
    let mut sections: Vec<_> = configuration.as_object().unwrap().keys().collect();
    sections.sort();
    assert_eq!(
        sections,
        [
            "apple_exposure_config_v1",
            "apple_exposure_config_v2",
            "google_daily_summaries_config",
            "google_diagnosis_keys_data_mapping_config",
            "google_exposure_config",
        ]
    );

    // Registering, by the first and by the last versions.
    let [first, last] = [random_key(), random_key()];
    for (path, body) in [
        (V1, first_registration("01234567", first)),
        (V3, last_registration("01234568", last)),
    ] {
        let answer = ask(to, "PUT", path, body.to_string().as_bytes()).await;
        assert_eq!(answer.status, 200, "{path}");
    }
    assert_eq!(site.management.left(), 0);
    wait_for("both keys", async || {
        let keys = listed_keys(to).await;
        let is_there = |key: [u8; 16]| keys.iter().any(|it| *it == key);
        (is_there(first) && is_there(last)).then_some(())
    })
    .await;

    // Logs for whoever asked the help desk: there is no place to send them to.
    let place = ask(to, "GET", "/api/inquirylog", b"").await;
    assert_eq!(place.status, 200);
    assert_eq!(place.json(), json!({"sas_token": ""}));
    assert_eq!(place.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn an_event_log_is_taken_and_thrown_away() {
    let site = Site::new("").await;
    let server = site.start().await;
    let to = server.public;
    let log = json!({
        "idempotencyKey": "the-idempotency-key",
        "platform": "android",
        "appPackageName": APP,
        "deviceVerificationPayload": "the-device",
        "eventLogs": [{
            "hasConsent": true,
            "epoch": 1_650_000_000,
            "type": "ExposureNotified",
            "subtype": "ExposureNotifiedV1",
            "content": "{\"notifiedTimeInMillis\": 1650000000123}",
        }],
    });
    let taken = ask(to, "PUT", EVENT_LOG, log.to_string().as_bytes()).await;
    assert_eq!(taken.status, 200);
    assert_eq!(taken.json(), json!({}));
    // The most that the app sends, 8 MiB of logs written as JSON within JSON.
    let long = vec![b'"'; 12 << 20];
    assert_eq!(ask(to, "PUT", EVENT_LOG, &long).await.status, 200);
    // Beyond what any app sends nothing is listened to, and a word for it there is.
    let endless = vec![b' '; 20 << 20];
    assert_eq!(ask(to, "PUT", EVENT_LOG, &endless).await.status, 400);
    let metrics = server.internal("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("route=\"/api/v1/event_log\",status=\"200\"} 2"));
    let log = server.log();
    server.stop().await;
    for secret in ["the-idempotency-key", "the-device", "1650000000"] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
        for (path, content) in files(site.dir.path()) {
            let is_in = content
                .windows(secret.len())
                .any(|it| it == secret.as_bytes());
            assert!(!is_in, "{secret} is in {}", path.display());
        }
    }
}

#[tokio::test]
async fn no_answer_leaves_the_app_without_words() {
    let site = Site::new(&format!(
        "[registration]\napps = ['{APP}', 'org.sesshoku']\n\
         [limits]\nwrong_numbers_a_source_an_hour = 2"
    ))
    .await;
    let server = site.start().await;
    let to = server.public;
    let put = async |path: &str, body: &Value| {
        let answer = ask(to, "PUT", path, body.to_string().as_bytes()).await;
        let retry_after = answer.headers.get("retry-after").cloned();
        (answer.status, answer.json()["result"].clone(), retry_after)
    };
    for path in [V1, "/api/v2/diagnosis", V3] {
        let mut long = last_registration("01234567", random_key());
        long["padding"] = json!("x".repeat(70_000));
        let (status, result, _) = put(path, &long).await;
        assert_eq!((status, result), (400, json!("too_large")), "{path}");
        let mut other = last_registration("01234567", random_key());
        other["appPackageName"] = json!("other");
        let (status, result, _) = put(path, &other).await;
        assert_eq!((status, result), (400, json!("not_allowed")), "{path}");
    }
    for (guess, expected) in [(0, 406), (1, 406), (2, 503)] {
        let body = last_registration(&format!("{guess:08}"), random_key());
        let (status, result, retry_after) = put(V3, &body).await;
        assert_eq!(status, expected, "{result}");
        if expected == 503 {
            assert_eq!(result, "too_many_tries");
            assert!(retry_after.is_some());
        }
    }

    // Devices that mark what they send, dummy or not, have words for all of them.
    let marked = async |mark: &str, body: &Value| {
        let put = server.client.put(server.url(V3)).header(mark, "1");
        put.body(body.to_string()).send().await.unwrap().status()
    };
    for mark in ["x-hcaff", "x-chaff"] {
        let mut long = registration("01234567", &[random_key()]);
        long["padding"] = json!("x".repeat(70_000));
        assert_eq!(marked(mark, &long).await, StatusCode::PAYLOAD_TOO_LARGE);
        let mut other = registration("01234567", &[random_key()]);
        other["appPackageName"] = json!("other");
        assert_eq!(marked(mark, &other).await, StatusCode::FORBIDDEN);
        let many = registration("00000003", &[random_key()]);
        assert_eq!(marked(mark, &many).await, StatusCode::TOO_MANY_REQUESTS);
    }
}
