//! The command line.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use crate::support::{Site, program};

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn help() {
    for (name, arguments) in [
        ("help", &["--help"][..]),
        ("help-notification", &["notification", "--help"]),
        ("help-keygen", &["keygen", "--help"]),
        ("help-openapi", &["openapi", "--help"]),
        ("help-exports", &["exports", "--help"]),
    ] {
        let output = program()
            .args(arguments)
            .env("COLUMNS", "100")
            .output()
            .unwrap();
        assert!(output.status.success());
        insta::assert_snapshot!(name, text(&output));
    }
}

/// `sesshoku-server openapi management | head`.
#[tokio::test]
async fn who_stops_reading_is_told_nothing() {
    let site = Site::new("").await;
    let config = site.config();
    let config = config.to_str().unwrap();
    for arguments in [
        &["openapi", "management"][..],
        &["openapi", "notification"],
        &["--help"],
        &["notification", "--check-config", "--config", config],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = program();
        let output = command.args(arguments).stdout(writer).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "", "{arguments:?}");
        assert!(output.status.code().is_some_and(|code| code < 2));
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = program();
    command.args(["notification", "--config", "/nowhere"]);
    assert_eq!(command.stderr(writer).status().unwrap().code(), Some(2));
}

#[tokio::test]
async fn check_config_prints_what_holds_or_says_what_is_wrong() {
    let site = Site::new("").await;
    let check = |change: &str| {
        let config = site.config();
        let mut command = program();
        command
            .args(["notification", "--check-config", "--config"])
            .arg(config);
        if let Some((name, value)) = change.split_once('=') {
            command.env(format!("SESSHOKU_NOTIFICATION_{name}"), value);
        }
        command.output().unwrap()
    };
    let output = check("");
    assert!(output.status.success());
    let printed: toml::Table = text(&output).parse().unwrap();
    assert_eq!(printed["export"]["min_keys"].as_integer(), Some(20));
    assert!(!site.path("notification.db").exists(), "nothing is opened");
    let output = check("EXPORT__MIN_KEYS=7");
    assert!(text(&output).contains("min_keys = 7"));
    let output = check("HTTP__TRUSTED_PROXIES=['127.0.0.1', '192.0.2.0/24', '2001:db8::/32']");
    assert!(
        text(&output)
            .contains("trusted_proxies = [\"127.0.0.1\", \"192.0.2.0/24\", \"2001:db8::/32\"]"),
        "{output:?}"
    );
    for (change, expected) in [
        ("EXPORT__MIN_KEYS=0", "export.min_keys: 0 is not in"),
        (
            "HTTP__TRUSTED_PROXIES=['cdn.example']",
            "\"cdn.example\" is neither an address nor a network",
        ),
        (
            "HTTP__TRUSTED_PROXIES=['192.0.2.1/24']",
            "192.0.2.1/24 is no network: its network is 192.0.2.0/24",
        ),
        (
            "HTTP__TRUSTED_PROXIES=['0.0.0.0/0']",
            "0.0.0.0/0 is everybody",
        ),
        (
            "EXPORT__MINKEYS=1",
            "SESSHOKU_NOTIFICATION_EXPORT__MINKEYS is refused",
        ),
        (
            "SIGNING__KEY__FILE=/nowhere",
            "the signing key is missing: cannot read",
        ),
        (
            "MANAGEMENT__CREDENTIAL__FILE=/nowhere",
            "cannot read the secret /nowhere",
        ),
        (
            "DISTRIBUTION__NOTICES=/nowhere",
            "cannot read the notices /nowhere",
        ),
    ] {
        let output = check(change);
        assert_eq!(output.status.code(), Some(2), "{change}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(expected), "{change}: {error}");
    }
}

#[test]
fn keygen_makes_a_private_file_and_overwrites_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let keygen = || program().arg("keygen").current_dir(&dir).output().unwrap();
    assert!(keygen().status.success());
    let private = dir.path().join("signing-key.pem");
    let mode = private.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let pem = std::fs::read_to_string(&private).unwrap();
    let signer = gaen::export::Signer::from_pem("440", "v1", &pem).unwrap();
    let public = std::fs::read_to_string(dir.path().join("signing-key.pub.pem")).unwrap();
    assert_eq!(public, signer.public_key_pem());
    let again = keygen();
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(&private).unwrap(), pem);
}

#[test]
fn openapi_is_printed() {
    let output = program()
        .args(["openapi", "notification"])
        .output()
        .unwrap();
    assert!(text(&output).starts_with("openapi: 3."));
}
