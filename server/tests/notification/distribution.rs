//! What devices and caches fetch.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use gaen::config::Configuration;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Server, Site, random_key, registration, wait_for};

const LIST: &str = "/c19r/440/list.json";
const SIGNED_LIST: &str = "/c19r/440/list.json.sig";
const ZIP: &str = "/c19r/440/1.zip";

async fn published() -> (Site, Server) {
    published_with("").await
}

async fn published_with(changes: &str) -> (Site, Server) {
    let site = Site::new(changes).await;
    site.management.issue(["01234567".to_owned()]);
    let server = site.start().await;
    let key = random_key();
    let body = registration("01234567", &[key]);
    assert_eq!(server.put(&body).await, StatusCode::OK);
    wait_for("the export", async || {
        (site.count(&[key]) == [1]).then_some(())
    })
    .await;
    (site, server)
}

#[tokio::test]
async fn a_device_reads_the_list_and_the_export() {
    let (site, server) = published().await;
    let list = server.get(LIST).await;
    assert_eq!(list.headers()["content-type"], "application/json");
    assert_eq!(list.headers()["cache-control"], "public, max-age=60");
    let list: Value = serde_json::from_slice(&list.bytes().await.unwrap()).unwrap();
    let created = list[0]["created"].as_u64().unwrap();
    let url = "https://cdn.example/c19r/440/1.zip";
    assert_eq!(
        list[0],
        json!({"region": "440", "url": url, "created": created})
    );
    let signed = server.get(SIGNED_LIST).await;
    assert_eq!(signed.headers()["content-type"], "application/octet-stream");
    assert_eq!(signed.headers()["cache-control"], "public, max-age=60");
    let signed = site.listing(&signed.bytes().await.unwrap());
    assert_eq!(signed.region, "440");
    let entries = signed.entries.iter();
    let entries: Vec<_> = entries
        .map(|it| json!({"region": "440", "url": it.url, "created": it.created}))
        .collect();
    assert_eq!(list, Value::from(entries));
    let zip = server.get(ZIP).await;
    assert_eq!(zip.status(), StatusCode::OK);
    assert_eq!(zip.headers()["content-type"], "application/zip");
    assert_eq!(
        zip.headers()["cache-control"],
        "public, max-age=86400, immutable"
    );
    assert_eq!(zip.headers()["x-content-type-options"], "nosniff");
    let zip = zip.bytes().await.unwrap();
    assert_eq!(*Sha256::digest(&zip), signed.entries[0].sha256);
    let export = site.verify(&zip);
    assert_eq!(export.end * 1000, created);
    assert_eq!(export.end, signed.entries[0].end);
    assert_eq!(export.region, "440");
    for path in [
        "/",
        "/c19r/440/9.zip",
        "/c19r/440/01.zip",
        "/c19r/440/list.json%231",
        "/c19r/440/..%2f440%2f1.zip",
        "/c19r/441/list.json",
        "/c19r/441/list.json.sig",
        "/c19r/441/notices.json",
        "/c19r/441/1.zip",
        "/c19r/440/99999999999999999999.zip",
        "/c19r/../c19r/440/x",
        "/metrics",
        "/readyz",
    ] {
        assert_eq!(
            server.get(path).await.status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let post = server.client.post(server.url(LIST)).send().await.unwrap();
    assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
}

/// Whatever lies in the folder, nobody waits for it, and nothing outside is handed out.
#[tokio::test]
async fn what_is_no_file_in_the_folder_is_not_opened() {
    for room in [0, 64 << 20] {
        let changes = format!("[distribution]\ncache_max_bytes = {room}");
        let (site, server) = published_with(&changes).await;
        let folder = site.path("public/c19r/440");
        let secret = site.path("secret");
        fs::write(&secret, "secret").unwrap();
        let made = Command::new("mkfifo").arg(folder.join("900.zip")).status();
        assert!(made.unwrap().success());
        symlink(&secret, folder.join("901.zip")).unwrap();
        fs::create_dir(folder.join("902.zip")).unwrap();
        // More than there are threads to wait in.
        for _ in 0..50 {
            for name in ["900", "901", "902"] {
                let path = format!("/c19r/440/{name}.zip");
                let part = server
                    .client
                    .get(server.url(&path))
                    .header("range", "bytes=0-0");
                let answers = [part.send().await.unwrap(), server.get(&path).await];
                for answer in answers {
                    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{name}");
                }
            }
        }
        assert_eq!(server.get(ZIP).await.status(), StatusCode::OK);
        assert!(server.log().contains("is no file"));
    }
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let (_site, server) = published().await;
    unchanged_is_not_sent_again(&server).await;
    // From memory, all of it.
    unchanged_is_not_sent_again(&server).await;
}

#[tokio::test]
async fn files_that_memory_has_no_room_for_are_answered_alike() {
    let (_site, server) = published_with("[distribution]\ncache_max_bytes = 0").await;
    unchanged_is_not_sent_again(&server).await;
}

async fn unchanged_is_not_sent_again(server: &Server) {
    for path in [
        LIST,
        SIGNED_LIST,
        ZIP,
        "/c19r/440/notices.json",
        "/c19r/exposure_configuration/configuration.json",
    ] {
        let whole = server.get(path).await;
        let etag = whole.headers()["etag"].clone();
        assert!(!whole.bytes().await.unwrap().is_empty());
        let ask = |name: &'static str, value: &str| {
            server
                .client
                .get(server.url(path))
                .header(name, value)
                .send()
        };
        let again = ask("if-none-match", etag.to_str().unwrap()).await.unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
        assert_eq!(again.headers()["etag"], etag);
        assert!(again.bytes().await.unwrap().is_empty());
        let other = ask("if-none-match", "\"other\"").await.unwrap();
        assert_eq!(other.status(), StatusCode::OK, "{path}");
        let old = ask("if-modified-since", "Sat, 01 Aug 2020 00:00:00 GMT")
            .await
            .unwrap();
        assert_eq!(old.status(), StatusCode::OK, "{path}");
    }
    let head = server.client.head(server.url(ZIP)).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    let unchanged = server
        .client
        .head(server.url(ZIP))
        .header("if-none-match", head.headers()["etag"].clone());
    let unchanged = unchanged.send().await.unwrap();
    assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(
        unchanged.headers()["content-length"],
        head.headers()["content-length"]
    );
    let zip = server.get(ZIP).await;
    for name in ["etag", "last-modified", "content-type", "accept-ranges"] {
        assert_eq!(head.headers()[name], zip.headers()[name], "{name}");
    }
    let modified = zip.headers()["last-modified"].clone();
    let etag = zip.headers()["etag"].clone();
    let zip = zip.bytes().await.unwrap();
    assert_eq!(
        head.headers()["content-length"],
        zip.len().to_string().as_str()
    );
    let get = || server.client.get(server.url(ZIP));
    let same = get()
        .header("if-modified-since", &modified)
        .send()
        .await
        .unwrap();
    assert_eq!(same.status(), StatusCode::NOT_MODIFIED);

    // A download that was cut off goes on.
    let rest = get()
        .header("range", "bytes=100-")
        .header("if-range", &etag);
    let rest = rest.send().await.unwrap();
    assert_eq!(rest.status(), StatusCode::PARTIAL_CONTENT);
    let range = format!("bytes 100-{}/{}", zip.len() - 1, zip.len());
    assert_eq!(rest.headers()["content-range"], range.as_str());
    assert_eq!(rest.bytes().await.unwrap(), zip.slice(100..));
    let last = get().header("range", "bytes=-7").send().await.unwrap();
    assert_eq!(last.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(last.headers()["content-length"], "7");
    assert_eq!(last.bytes().await.unwrap(), zip.slice(zip.len() - 7..));
    let changed = get()
        .header("range", "bytes=100-")
        .header("if-range", "\"other\"");
    assert_eq!(changed.send().await.unwrap().status(), StatusCode::OK);
    let beyond = get()
        .header("range", "bytes=1000000-")
        .send()
        .await
        .unwrap();
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
}

#[tokio::test]
async fn an_export_comes_from_memory_and_a_list_is_never_stale() {
    let (mut site, server) = published().await;
    server.stop().await;
    site.set("[export]\nenabled = false");
    let server = site.start().await;
    let zip = server.get(ZIP).await.bytes().await.unwrap();
    for path in [LIST, SIGNED_LIST] {
        assert_eq!(server.get(path).await.status(), StatusCode::OK);
    }
    // As if another process had done so.
    for name in ["1.zip", "list.json", "list.json.sig"] {
        fs::remove_file(site.path("public/c19r/440").join(name)).unwrap();
    }
    assert_eq!(server.get(ZIP).await.bytes().await.unwrap(), zip);
    for path in [LIST, SIGNED_LIST] {
        assert_eq!(server.get(path).await.status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn configuration_and_notices_are_what_the_operator_gives() {
    let mut site = Site::new("").await;
    let notices = site.path("notices.json");
    fs::write(
        &notices,
        r#"[{"id":"t1","kind":"terms","version":"2","text":{"ja":"変わります","en":"Changed"}}]"#,
    )
    .unwrap();
    site.set(&format!(
        "[distribution]\nnotices = '{}'",
        notices.display()
    ));
    let server = site.start().await;
    let get = async |path: &str| server.get(path).await.bytes().await.unwrap();
    let configuration = get("/c19r/exposure_configuration/configuration.json").await;
    let risk = get("/c19r/exposure_configuration/risk_calculation_configuration.json").await;
    let configuration = Configuration::from_json(&configuration)
        .unwrap()
        .with_risk_calculation_json(&risk)
        .unwrap();
    assert_eq!(configuration, Configuration::default());
    let shown = get("/c19r/440/notices.json").await;
    let shown: Value = serde_json::from_slice(&shown).unwrap();
    assert_eq!(shown[0]["version"], "2");
    fs::write(&notices, "[]").unwrap();
    assert_eq!(get("/c19r/440/notices.json").await, "[]");
}

#[tokio::test]
async fn the_operator_sees_health_readiness_and_counters() {
    let site = Site::new("").await;
    let server = site.start().await;
    assert_eq!(server.get("/healthz").await.status(), StatusCode::OK);
    assert_eq!(server.internal("/healthz").await.status(), StatusCode::OK);
    assert_eq!(server.internal("/readyz").await.status(), StatusCode::OK);
    let wrong = registration("01234567", &[random_key()]);
    assert_eq!(server.put(&wrong).await, StatusCode::NOT_ACCEPTABLE);
    server.get("/no/such/path").await;
    let metrics = server.internal("/metrics").await.text().await.unwrap();
    for line in [
        "sesshoku_registrations_total{result=\"wrong_number\"} 1",
        "sesshoku_http_requests_total{route=\"/api/v3/diagnosis\",status=\"406\"} 1",
        "sesshoku_http_requests_total{route=\"none\",status=\"404\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is missing in:\n{metrics}");
    }
    assert!(metrics.ends_with("# EOF\n"));
}
