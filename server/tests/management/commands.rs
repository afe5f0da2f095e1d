//! `sesshoku-server account`, and the configuration.

use crate::server::Place;
use crate::smtp::Smtp;

#[test]
fn accounts_are_managed_on_the_command_line() {
    let smtp = Smtp::plain();
    let place = Place::new(&smtp);
    let printed = place.account_text(&["add", "hanako"]);
    assert!(
        printed.contains("otpauth://totp/Sesshoku:hanako?"),
        "{printed}"
    );
    assert!(printed.contains('█'), "{printed}");
    place.account_text(&["add", "taro"]);
    place.account_text(&["token", "taro"]);
    place.account_text(&["disable", "hanako"]);
    let list = place.account_text(&["list"]);
    let lines: Vec<&str> = list.lines().collect();
    assert!(lines[0].starts_with("hanako  since 20"), "{list}");
    assert!(
        lines[0].ends_with(", may issue, disabled, has a first password"),
        "{list}"
    );
    assert!(lines[1].starts_with("taro    since 20"), "{list}");
    assert!(lines[1].ends_with(", has an API token"), "{list}");
    place.account_text(&["enable", "hanako"]);
    place.account_text(&["reset-password", "hanako"]);
    place.account_text(&["reset-totp", "hanako"]);
    place.account_text(&["token", "taro", "--revoke"]);
    place.account_text(&["remove", "taro"]);
    let list = place.account_text(&["list"]);
    assert_eq!(list.lines().count(), 1);

    for (arguments, error) in [
        (["add", "hanako"], "there is an account hanako already"),
        (["add", "Hanako!"], "cannot be an account's name"),
        (["disable", "taro"], "there is no account taro"),
        (["token", "taro"], "there is no account taro"),
        (["reset-totp", "taro"], "there is no account taro"),
    ] {
        let output = place.account_command(&arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(text.contains(error), "{text}");
        assert!(output.stdout.is_empty());
    }

    let audit = place.account_text(&["audit", "--count", "8"]);
    let what: Vec<&str> = audit
        .lines()
        .map(|line| line.split_once("  ").unwrap().1)
        .collect();
    assert_eq!(
        what,
        [
            "command line: add taro: done",
            "command line: make a token for taro: done",
            "command line: disable hanako: done",
            "command line: enable hanako: done",
            "command line: reset the password of hanako: done",
            "command line: reset the TOTP secret of hanako: done",
            "command line: revoke the token of taro: done",
            "command line: remove taro: done",
        ]
    );
}

#[test]
fn a_key_that_does_not_fit_is_refused() {
    let smtp = Smtp::plain();
    let place = Place::new(&smtp);
    std::fs::write(place.path("key"), "short").unwrap();
    let output = place.account_command(&["add", "hanako"]);
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("shorter than 32"), "{text}");
    assert!(place.account_text(&["list"]).is_empty());
}
