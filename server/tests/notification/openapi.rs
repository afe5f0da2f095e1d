//! The OpenAPI description and the running server agree, by schemathesis.

use std::fs;
use std::process::{Command, Stdio};

use reqwest::StatusCode;

use crate::python;
use crate::support::{Site, random_key, registration, wait_for};

/// A schema cannot say what a registration needs beyond its form: keys of the last 14
/// days, and a 処理番号 that was issued. What is made up by the schema is refused (400,
/// 406), so that it cannot be demanded that it be accepted.
const CHECKS: &str = "
[[operations]]
include-operation-id = ['register', 'registerVersion2', 'registerVersion1']
[operations.checks]
positive_data_acceptance.enabled = false
";

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_is_as_described() {
    let mut site = Site::new("").await;
    let notices = site.path("notices.json");
    let notice = r#"[{"id":"t1","kind":"terms","version":"2","from":"2020-08-01T00:00:00Z",
                     "text":{"ja":"変わります","en":"Changed"}}]"#;
    fs::write(&notices, notice).unwrap();
    site.set(&format!(
        "[distribution]\nnotices = '{}'",
        notices.display()
    ));
    site.management.issue(["01234567".to_owned()]);
    let server = site.start().await;
    let body = registration("01234567", &[random_key()]);
    assert_eq!(server.put(&body).await, StatusCode::OK);
    wait_for("the export", async || {
        (!site.published().is_empty()).then_some(())
    })
    .await;

    let description = site.path("notification.yaml");
    let file = fs::File::create(&description).unwrap();
    let mut openapi = crate::support::program();
    openapi.args(["openapi", "notification"]).stdout(file);
    assert!(openapi.status().unwrap().success());
    fs::write(site.path("schemathesis.toml"), CHECKS).unwrap();
    let mut command = Command::new(python::program("schemathesis"));
    command
        .arg("run")
        .arg(&description)
        .args([
            "--url",
            &server.url("/"),
            "--max-examples",
            "60",
            "--seed",
            "1",
        ])
        .args(["--generation-database", "none", "--no-color"])
        .current_dir(site.dir.path())
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Tested: 15"), "{said}");
    assert!(!server.log().contains("panic"));
}
