//! The command line.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use crate::support::{Site, files, program};

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
        ("help-init", &["init", "--help"]),
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
    // A site of tests is for trying out.
    let gaps = |output: &Output| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        said.lines()
            .filter(|it| it.starts_with("before people rely on it: "))
            .count()
    };
    let all = gaps(&output);
    assert!(all > 0, "{output:?}");
    let output = check("DISTRIBUTION__BASE_URL=https://keys.invalid-is-not-at-the-end.jp/");
    assert_eq!(gaps(&output), all - 1, "{output:?}");
    for sample in [
        "https://server.example/",
        "https://a.example.org/",
        "https://192.0.2.1/",
    ] {
        let output = check(&format!("DISTRIBUTION__BASE_URL={sample}"));
        assert_eq!(gaps(&output), all, "{output:?}");
    }
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
            "SIGNING__NEXT={ key = { file = '/nowhere' }, id = '440', version = 'v2' }",
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
    for (table, content, expected) in [
        (
            "database",
            "kind = 'sqlite'\npath = '/'",
            "unable to open database file",
        ),
        (
            "database",
            "kind = 'postgres'\nurl.file = '/nowhere'",
            "the database's URL is missing: cannot read",
        ),
        (
            "storage",
            "kind = 's3'\nbucket = 'b'\naccess_key_id.file = '/nowhere'\n\
             secret_access_key.file = '/nowhere'",
            "the access key for the object store is missing",
        ),
        (
            "storage",
            "kind = 'folder'\ndir = '/etc/passwd'",
            "cannot use the folder /etc/passwd",
        ),
    ] {
        let mut site = Site::new("").await;
        site.replace(table, content);
        let mut command = program();
        command.args(["notification", "--check-config", "--config"]);
        let output = command.arg(site.config()).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{content}: {error}");
        assert!(error.contains(expected), "{content}: {error}");
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
fn init_writes_what_both_roles_start_with_and_overwrites_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for more in [&[][..], &["--database", "postgres", "--storage", "s3"]] {
        let name = format!("servers{}", more.len());
        let init = || {
            let mut command = program();
            command.args(["init", &name]).args(more).current_dir(&dir);
            command.output().unwrap()
        };
        let output = init();
        assert!(output.status.success(), "{output:?}");
        let place = dir.path().join(&name);
        assert!(text(&output).contains(place.to_str().unwrap()));
        for (path, content) in files(&place) {
            let mode = path.metadata().unwrap().permissions().mode() & 0o777;
            let is_secret = path.parent().unwrap().ends_with("credentials");
            assert_eq!(mode, if is_secret { 0o600 } else { 0o644 }, "{path:?}");
            assert!(!content.is_empty());
        }
        for folder in ["", "credentials", "notification", "management", "mail"] {
            let mode = place.join(folder).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{folder}");
        }
        for role in ["notification", "management"] {
            let config = place.join(role).with_extension("toml");
            let mut command = program();
            command.args([role, "--check-config", "--config"]);
            let checked = command.arg(&config).output().unwrap();
            assert!(checked.status.success(), "{checked:?}");
            let mut command = program();
            command.args([role, "--check-config", "--config"]);
            let credential = format!("SESSHOKU_{}_HTTP__LISTEN", role.to_uppercase());
            let refused = command.arg(&config).env(credential, "nowhere").output();
            assert_eq!(refused.unwrap().status.code(), Some(2));
        }

        // One file that is there is enough to write none.
        let before = files(&place);
        assert_eq!(init().status.code(), Some(1));
        assert_eq!(files(&place), before);
        let kept = place.join("credentials/management-key");
        for (path, _) in &before {
            if *path != kept {
                std::fs::remove_file(path).unwrap();
            }
        }
        let refused = init();
        assert!(
            String::from_utf8(refused.stderr)
                .unwrap()
                .contains("nothing was written")
        );
        assert_eq!(files(&place).len(), 1);
    }
}

#[test]
fn the_management_systems_configuration_is_checked_with_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let mut init = program();
    init.args(["init", "servers", "--database", "postgres"]);
    assert!(init.current_dir(&dir).output().unwrap().status.success());
    let path = dir.path().join("servers/management.toml");
    let sample = std::fs::read_to_string(&path).unwrap();
    let credentials = dir.path().join("servers/credentials");
    let credential = |name: &str| credentials.join(name).display().to_string();
    let sms = "[sms]\nurl = 'https://sms.example/'\nfields = { a = '{phone}{text}' }\n\
               credential = { file = '/nowhere' }";
    for (there, instead, expected) in [
        (
            credential("management-key"),
            "/nowhere",
            "cannot read the management key",
        ),
        (
            credential("check-credential"),
            "/nowhere",
            "cannot read the check credential",
        ),
        (
            credential("management-database-url"),
            "/nowhere",
            "the database's URL is missing",
        ),
        (
            "[sms]".to_owned(),
            sms,
            "cannot read the secret for sending SMS",
        ),
    ] {
        let changed = sample.replacen(&there, instead, 1);
        assert_ne!(changed, sample);
        std::fs::write(&path, changed).unwrap();
        let mut command = program();
        command.args(["management", "--check-config", "--config"]);
        let output = command.arg(&path).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{there}: {error}");
        assert!(error.contains(expected), "{there}: {error}");
    }
}

#[test]
fn openapi_is_printed() {
    let output = program()
        .args(["openapi", "notification"])
        .output()
        .unwrap();
    assert!(text(&output).starts_with("openapi: 3."));
}
