//! The OpenAPI description and the running server agree, by schemathesis.

use std::process::{Command, Stdio};

use crate::gateway::Gateway;
use crate::python;
use crate::server::{CREDENTIAL, Place, Server};
use crate::smtp::Smtp;

const DESCRIPTION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/management.yaml");

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_is_as_described() {
    let smtp = Smtp::plain();
    let gateway = Gateway::start(&[]).await;
    let mut place = Place::new(&smtp).with_gateway(&gateway);
    place.set(
        "numbers = { guessing_per_day = 10000, per_hour = 1000000, per_account_hour = 1000000 }",
    );
    let token = place.add_token("clinic");
    let server = place.start();
    let check = "/api/v1/processing-number/check";
    run(&place, &server, check, CREDENTIAL).await;
    let issue = "/api/v1/processing-number";
    run(&place, &server, issue, &token).await;
}

async fn run(place: &Place, server: &Server, path: &str, credential: &str) {
    let mut command = Command::new(python::program("schemathesis"));
    command
        .args(["run", DESCRIPTION, "--url", &server.base])
        .args(["--include-path", path, "--max-examples", "60"])
        .args(["--seed", "1", "--generation-database", "none", "--no-color"])
        .arg("--header")
        .arg(format!("Authorization: Bearer {credential}"))
        .current_dir(place.path(""))
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Tested: 1"), "{said}");
}
