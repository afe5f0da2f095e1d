//! Files in an S3-compatible store: moto's server, from PyPI.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use reqwest::StatusCode;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::python;
use crate::support::{Site, random_key, registration, wait_for};

/// A store with a bucket. It ends when this is dropped.
struct S3 {
    child: Child,
    url: String,
}

impl S3 {
    async fn start(client: &reqwest::Client) -> Self {
        let mut child = Command::new(python::program("moto_server"))
            .args(["--host", "127.0.0.1", "--port", "0"])
            .env("PYTHONUNBUFFERED", "1")
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (found, url) = tokio::sync::oneshot::channel();
        // Goes on reading, so that the store can go on writing.
        std::thread::spawn(move || {
            let mut found = Some(found);
            for line in lines.map_while(Result::ok) {
                if let Some((_, url)) = line.split_once("Running on ")
                    && let Some(found) = found.take()
                {
                    found.send(url.trim().to_owned()).unwrap();
                }
            }
        });
        let url = url.await.expect("moto says where it listens");
        let bucket = client.put(format!("{url}/exports")).send().await.unwrap();
        assert!(bucket.status().is_success());
        Self { child, url }
    }

    fn stop(&mut self) {
        let group = Pid::from_raw(self.child.id().try_into().unwrap());
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_come_from_the_object_store() {
    let mut site = Site::new("").await;
    let mut s3 = S3::start(&site.client).await;
    let secret = site.path("s3");
    fs::write(&secret, "secret").unwrap();
    site.replace(
        "storage",
        &format!(
            "kind = 's3'\nbucket = 'exports'\nprefix = 'some/where'\nendpoint = '{}'\n\
             access_key_id.file = '{secret}'\nsecret_access_key.file = '{secret}'",
            s3.url,
            secret = secret.display()
        ),
    );
    let first = site.start().await;
    let second = site.start().await;
    assert_eq!(second.internal("/readyz").await.status(), StatusCode::OK);
    site.management.issue(["01234567".to_owned()]);
    let key = random_key();
    let body = registration("01234567", &[key]);
    assert_eq!(first.put(&body).await, StatusCode::OK);
    // Both replicas hand out what one of them made. The first export may be one of
    // nothing.
    for server in [&first, &second] {
        let listing = wait_for("the key", async || {
            let file = server.get("/c19r/440/list.json.sig").await;
            if file.status() != StatusCode::OK {
                return None;
            }
            let listing = site.listing(&file.bytes().await.unwrap());
            for number in 1..=listing.entries.len() {
                let zip = server.get(&format!("/c19r/440/{number}.zip")).await;
                let export = site.verify(&zip.bytes().await.unwrap());
                if export.keys.iter().any(|it| *it.tek.expose_bytes() == key) {
                    return Some(listing);
                }
            }
            None
        })
        .await;
        let list = server.get("/c19r/440/list.json").await;
        let list: Vec<Value> = serde_json::from_slice(&list.bytes().await.unwrap()).unwrap();
        assert_eq!(list[0]["url"], "https://cdn.example/c19r/440/1.zip");
        assert_eq!(listing.entries[0].url, "https://cdn.example/c19r/440/1.zip");
        let zip = server.get("/c19r/440/1.zip").await;
        assert_eq!(zip.status(), StatusCode::OK);
        let etag = zip.headers()["etag"].clone();
        let modified = zip.headers()["last-modified"].clone();
        let zip = zip.bytes().await.unwrap();
        assert_eq!(*Sha256::digest(&zip), listing.entries[0].sha256);
        let ask = |name: &'static str, value: &reqwest::header::HeaderValue| {
            let get = server.client.get(server.url("/c19r/440/1.zip"));
            get.header(name, value).send()
        };
        let same = ask("if-none-match", &etag).await.unwrap();
        assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
        let same = ask("if-modified-since", &modified).await.unwrap();
        assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
        let rest = ask("range", &"bytes=10-".parse().unwrap()).await.unwrap();
        assert_eq!(rest.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(rest.bytes().await.unwrap(), zip.slice(10..));
        assert_eq!(
            server.get("/c19r/440/9.zip").await.status(),
            StatusCode::NOT_FOUND
        );
    }
    // Registrations go on without the store; the exports catch up (not tried here,
    // for moto forgets everything when it ends).
    s3.stop();
    assert_eq!(
        first.internal("/readyz").await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    let list = first.get("/c19r/440/list.json").await;
    assert_eq!(list.status(), StatusCode::SERVICE_UNAVAILABLE);
    let zip = first.get("/c19r/440/9.zip").await;
    assert_eq!(zip.status(), StatusCode::SERVICE_UNAVAILABLE);
    // An export that was just handed out comes from memory.
    let zip = first.get("/c19r/440/1.zip").await;
    assert_eq!(zip.status(), StatusCode::OK);
    site.management.issue(["01234568".to_owned()]);
    let body = registration("01234568", &[random_key()]);
    assert_eq!(first.put(&body).await, StatusCode::OK);
}
