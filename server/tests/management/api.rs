//! The JSON interface, and what is left when the program is done.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::gateway::Gateway;
use crate::postgres;
use crate::server::{Place, contains, name_of};
use crate::smtp::{PASSWORD, Smtp, USER, certificate, number_in};

const MAIL: &str = "someone@mail.example";
const PHONE: &str = "+819000000000";
/// A hundred wrong numbers a day, while one is valid or none.
const HUNDRED_GUESSES: &str = "numbers = { digits = 8, guessing_per_day = 1 }";

#[tokio::test]
async fn a_number_goes_out_by_mail_and_is_good_once() {
    let smtp = Smtp::plain();
    let place = Place::new(&smtp);
    let token = place.add_token("clinic");
    let server = place.start();

    let answer = server.issue(&token, json!({ "mail": MAIL })).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let expires: jiff::Timestamp = answer.body["expires"].as_str().unwrap().parse().unwrap();
    let hours = expires.duration_since(jiff::Timestamp::now()).as_hours();
    assert!((23..=24).contains(&hours), "{hours}");
    assert_eq!(answer.body.as_object().unwrap().len(), 2);

    let mail = smtp.mail();
    assert_eq!(mail.to, [MAIL]);
    assert_eq!(mail.auto_submitted, "auto-generated");
    assert!(mail.subject.contains("処理番号"), "{}", mail.subject);
    assert!(mail.text.contains("誰にも教えないで"), "{}", mail.text);
    let number = mail.number();
    assert!(!mail.subject.contains(&number));

    assert!(server.is_genuine(&number, 1).await);
    assert!(server.is_genuine(&number, 1).await, "a lost answer");
    assert!(!server.is_genuine(&number, 2).await);
    assert!(server.is_genuine(&number, 1).await);
    assert_eq!(place.live_numbers(), 0);

    let english = json!({ "mail": MAIL, "language": "en" });
    assert_eq!(server.issue(&token, english).await.status, 201);
    let mail = smtp.mail();
    assert!(mail.text.contains("Never tell anybody"), "{}", mail.text);
    assert_ne!(mail.number(), number);
}

#[tokio::test]
async fn a_number_goes_out_by_sms_although_the_gateway_stumbles() {
    let smtp = Smtp::plain();
    let gateway = Gateway::start(&[503]).await;
    let place = Place::new(&smtp).with_gateway(&gateway);
    let token = place.add_token("clinic");
    let server = place.start();

    let phone = json!({ "phone": "090-0000-0000" });
    assert_eq!(server.issue(&token, phone).await.status, 201);
    let [message] = &gateway.messages()[..] else {
        panic!("{:?}", gateway.messages());
    };
    assert_eq!(message["to"], json!([PHONE]));
    assert_eq!(message["from"], "Sesshoku");
    let number = number_in(message["body"]["text"].as_str().unwrap());
    assert!(server.is_genuine(&number, 1).await);
    assert!(smtp.another_mail().is_none());
}

#[tokio::test]
async fn mail_is_encrypted_from_the_start_or_by_starttls() {
    for (kind, signed_in) in [("on", false), ("starttls", true)] {
        let dir = tempfile::tempdir().unwrap();
        let ca = certificate(dir.path()).display().to_string();
        let smtp = Smtp::encrypted(if signed_in { "starttls" } else { "tls" }, dir.path());
        let mut place = Place::new(&smtp);
        place.set(&format!("mail = {{ tls = '{kind}', ca_file = '{ca}' }}"));
        if signed_in {
            std::fs::write(place.path("password"), PASSWORD).unwrap();
            let password = place.path("password").display().to_string();
            place.set(&format!(
                "mail = {{ username = '{USER}', password = {{ file = '{password}' }} }}"
            ));
        }
        let token = place.add_token("clinic");
        let server = place.start();
        let answer = server.issue(&token, json!({ "mail": MAIL })).await;
        assert_eq!(answer.status, 201, "{kind}: {answer:?}");
        let mail = smtp.mail();
        assert!(mail.tls, "{kind}");
        assert_eq!(mail.signed_in, signed_in);
        assert!(server.is_genuine(&mail.number(), 1).await);
    }
}

#[tokio::test]
async fn an_unknown_certificate_or_no_tls_gets_nothing() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    for smtp in [Smtp::encrypted("tls", dir.path()), Smtp::plain()] {
        for tls in ["on", "starttls"] {
            let mut place = Place::new(&smtp);
            place.set(&format!(
                "mail = {{ tls = '{tls}', attempts = 1, timeout_seconds = 3 }}"
            ));
            let token = place.add_token("clinic");
            let server = place.start();
            let answer = server.issue(&token, json!({ "mail": MAIL })).await;
            assert_eq!(answer.status, 503, "{answer:?}");
            assert!(answer.retry_after.is_some());
            assert_eq!(place.live_numbers(), 0);
            assert!(smtp.another_mail().is_none());
        }
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_deleted() {
    let smtp = Smtp::plain();
    let gateway = Gateway::start(&[503, 503, 503, 400]).await;
    let place = Place::new(&smtp).with_gateway(&gateway);
    let token = place.add_token("clinic");
    let server = place.start();
    for (recipient, status, error) in [
        (
            json!({ "mail": "refused@mail.example" }),
            422,
            "message-refused",
        ),
        (json!({ "phone": PHONE }), 503, "message-not-sent"),
        (json!({ "phone": PHONE }), 422, "message-refused"),
    ] {
        let answer = server.issue(&token, recipient).await;
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (status, &json!(error))
        );
        assert_eq!(place.live_numbers(), 0);
    }
    // Only put off, it arrives.
    let later = json!({ "mail": "later@mail.example" });
    assert_eq!(server.issue(&token, later).await.status, 201);
    let number = smtp.mail().number();
    assert!(server.is_genuine(&number, 1).await);
    assert!(gateway.messages().is_empty());
    // The server named the address when it refused; the log does not.
    assert!(server.log().contains("no number was issued"));
    assert!(!server.log().contains("@mail.example"));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_to_be_so() {
    let smtp = Smtp::plain();
    let place = Place::new(&smtp);
    drop(smtp);
    let token = place.add_token("clinic");
    let server = place.start();
    let answer = server.issue(&token, json!({ "mail": MAIL })).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    let phone = server.issue(&token, json!({ "phone": PHONE })).await;
    assert_eq!(phone.body["error"], "channel-not-set-up");
    assert_eq!(place.live_numbers(), 0);
}

#[tokio::test]
async fn of_100_parallel_checks_one_is_true() {
    let smtp = Smtp::plain();
    let place = Place::new(&smtp);
    let token = place.add_token("clinic");
    let server = Arc::new(place.start());
    server.issue(&token, json!({ "mail": MAIL })).await;
    let number = smtp.mail().number();
    let mut tasks = JoinSet::new();
    for request in 0..100 {
        let (server, number) = (Arc::clone(&server), number.clone());
        tasks.spawn(async move { server.is_genuine(&number, request).await });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|genuine| **genuine).count(), 1);
}

#[tokio::test]
async fn replicas_on_postgresql_share_everything() {
    let smtp = Smtp::plain();
    let mut place = Place::new(&smtp).with_postgres(&postgres::empty_database().await);
    place.set(HUNDRED_GUESSES);
    let token = place.add_token("clinic");
    let servers = [Arc::new(place.start()), Arc::new(place.start())];
    let answer = servers[0].issue(&token, json!({ "mail": MAIL })).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let number = smtp.mail().number();
    let mut tasks = JoinSet::new();
    for request in 0..100 {
        let server = Arc::clone(&servers[usize::from(request % 2)]);
        let number = number.clone();
        tasks.spawn(async move { (request, server.is_genuine(&number, request).await) });
    }
    let answers = tasks.join_all().await;
    let genuine: Vec<u8> = answers
        .iter()
        .filter(|(_, genuine)| *genuine)
        .map(|(request, _)| *request)
        .collect();
    assert_eq!(genuine.len(), 1);
    // What one said, the other repeats; what one counts, the other counts on.
    for server in &servers {
        assert!(server.is_genuine(&number, genuine[0]).await);
    }
    assert!(!servers[0].is_genuine("00000000", 100).await);
    for server in &servers {
        assert_eq!(server.check("00000000", 200).await.status, 429);
        assert!(!server.log().contains(&number));
        assert!(!server.log().contains(MAIL));
    }
}

#[tokio::test]
async fn a_dummy_is_answered_as_a_number_is() {
    for is_postgres in [false, true] {
        let smtp = Smtp::plain();
        let mut place = Place::new(&smtp);
        if is_postgres {
            place = place.with_postgres(&postgres::empty_database().await);
        }
        place.set(HUNDRED_GUESSES);
        let token = place.add_token("clinic");
        let server = place.start();
        server.issue(&token, json!({ "mail": MAIL })).await;
        let number = smtp.mail().number();
        // None uses up a number, counts as a wrong one, or is remembered.
        for request in [1, 1, 2, 3] {
            assert!(server.is_genuine("chaff", request).await);
        }
        assert!(server.is_genuine(&number, 1).await);
        // Where a number is not looked at, a dummy is not, either.
        for _ in 0..100 {
            assert!(!server.is_genuine(&other_than(&number), 4).await);
        }
        for asked in [&number, "chaff"] {
            let answer = server.check(asked, 5).await;
            assert_eq!(answer.status, 429, "{answer:?}");
        }
    }
}

#[tokio::test]
async fn guessing_is_bounded() {
    let smtp = Smtp::plain();
    let mut place = Place::new(&smtp);
    place.set(HUNDRED_GUESSES);
    let token = place.add_token("clinic");
    let server = place.start();
    server.issue(&token, json!({ "mail": MAIL })).await;
    let number = smtp.mail().number();
    assert_eq!(number.len(), 8);
    let wrong = other_than(&number);
    // Those who guessed have half of it.
    for _ in 0..50 {
        let answer = server.check_of_guesser(&wrong, 1).await;
        assert_eq!(answer.body, json!({ "genuine": false }));
    }
    for asked in [&wrong, &number] {
        let answer = server.check_of_guesser(asked, 9).await;
        assert_eq!(answer.status, 429, "{answer:?}");
        assert!((1..=3600).contains(&answer.retry_after.unwrap()));
        assert_eq!(answer.body["error"], "too-many-wrong-numbers");
    }
    for _ in 0..50 {
        assert!(!server.is_genuine(&wrong, 1).await);
    }
    let answer = server.check(&number, 9).await;
    assert_eq!(answer.status, 429, "{answer:?}");
}

#[tokio::test]
async fn a_number_is_taken_back_by_its_account() {
    for is_postgres in [false, true] {
        let smtp = Smtp::plain();
        let mut place = Place::new(&smtp);
        place.set("http.internal_listen = '127.0.0.1:0'");
        if is_postgres {
            place = place.with_postgres(&postgres::empty_database().await);
        }
        let (token, other) = (place.add_token("one"), place.add_token("two"));
        let server = place.start();
        let mut ids = Vec::new();
        for _ in 0..3 {
            let answer = server.issue(&token, json!({ "mail": MAIL })).await;
            ids.push(answer.body["id"].as_str().unwrap().to_owned());
        }
        let numbers = [(); 3].map(|()| smtp.mail().number());
        assert!(server.is_genuine(&numbers[2], 3).await);
        for (id, token, status) in [
            (&*ids[0], &other, 404),
            (&"0".repeat(32), &token, 404),
            ("x", &token, 404),
            (&ids[0], &token, 204),
            (&ids[0], &token, 204),
            // Used or not, the answer is the same.
            (&ids[2], &token, 204),
            (&ids[0], &"0".repeat(64), 401),
        ] {
            assert_eq!(server.take_back(id, token).await, status, "{id}");
        }
        assert!(!server.is_genuine(&numbers[0], 1).await);
        assert!(server.is_genuine(&numbers[1], 2).await);
        // By whoever runs the server, of any account.
        let list = place.number_text(&["list"]);
        assert_eq!(list.matches(" one: taken back").count(), 2, "{list}");
        place.number_text(&["take-back", &ids[1]]);
        let list = place.number_text(&["list"]);
        assert_eq!(list.matches(" one: taken back").count(), 3, "{list}");
        assert!(!list.contains(MAIL));

        let metrics = server.metrics().await;
        for line in [
            "sesshoku_numbers_issued_total{channel=\"mail\"} 3",
            "sesshoku_numbers_sent_total{channel=\"mail\"} 3",
            "sesshoku_numbers_taken_back_total 3",
            "sesshoku_numbers_checked_total{result=\"genuine\",guessed=\"no\"} 2",
            "sesshoku_numbers_checked_total{result=\"wrong\",guessed=\"no\"} 1",
        ] {
            assert!(metrics.contains(&format!("{line}\n")), "{line}: {metrics}");
        }
    }
}

/// Whoever has 16 digits can be guessed at all day.
#[tokio::test]
async fn numbers_are_as_long_as_is_set() {
    for digits in [8, 9, 16] {
        let smtp = Smtp::plain();
        let mut place = Place::new(&smtp);
        place.set(&format!("numbers.digits = {digits}"));
        let token = place.add_token("clinic");
        let server = place.start();
        server.issue(&token, json!({ "mail": MAIL })).await;
        let mail = smtp.mail();
        let number = mail.number();
        assert_eq!(number.len(), digits);
        let link = format!("sesshoku://register/{number}");
        assert_eq!(mail.text.contains(&link), digits > 8, "{}", mail.text);
        assert!(server.is_genuine(&number, 1).await);
    }
}

#[tokio::test]
async fn only_those_who_may_get_an_answer() {
    let smtp = Smtp::plain();
    let place = Place::new(&smtp);
    let token = place.add_token("clinic");
    let server = place.start();
    let check = "/api/v1/processing-number/check";
    let request = "ab".repeat(32);
    let right = json!({ "processing_number": "01234567", "request": request });
    for credential in ["", "x", &token] {
        let answer = server.post(check, credential, right.clone()).await;
        assert_eq!(answer.status, 401, "{answer:?}");
    }
    for credential in ["", crate::server::CREDENTIAL, &"0".repeat(64)] {
        let answer = server.issue(credential, json!({ "mail": MAIL })).await;
        assert_eq!(answer.status, 401, "{answer:?}");
    }
    for wrong in [
        json!({}),
        json!([]),
        json!({ "processing_number": "1234567", "request": request }),
        json!({ "processing_number": "12345678\n", "request": request }),
        json!({ "processing_number": "0123 4567 8906", "request": request }),
        json!({ "processing_number": 12_345_678, "request": request }),
        json!({ "processing_number": "12345678", "request": "ab" }),
        json!({ "processing_number": "12345678", "request": "zz".repeat(32) }),
        json!({ "processing_number": "12345678", "request": request, "more": 1 }),
    ] {
        let credential = crate::server::CREDENTIAL;
        let answer = server.post(check, credential, wrong.clone()).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
    // Nobody was sent such a number: it costs nothing.
    assert!(!server.is_genuine("012345678901", 7).await);
    for (wrong, error) in [
        (json!({}), "no-recipient"),
        (json!({ "mail": MAIL, "phone": PHONE }), "two-recipients"),
        (json!({ "mail": "x" }), "not-a-mail-address"),
        (json!({ "phone": "x" }), "not-a-phone-number"),
        (
            json!({ "phone": "03-0000-0000" }),
            "not-a-mobile-phone-number",
        ),
        (json!({ "phone": "090-0000-000" }), "phone-number-length"),
        (json!({ "mail": MAIL, "language": "xx" }), "malformed"),
        (json!({ "mail": MAIL, "form": "x" }), "malformed"),
    ] {
        let answer = server.issue(&token, wrong.clone()).await;
        assert_eq!((answer.status, &answer.body["error"]), (400, &json!(error)));
    }
    let long = json!({ "mail": "x".repeat(5000) });
    assert_eq!(server.issue(&token, long).await.status, 413);
    place.account_text(&["disable", "clinic"]);
    let answer = server.issue(&token, json!({ "mail": MAIL })).await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn issuing_is_limited() {
    let smtp = Smtp::plain();
    let mut place = Place::new(&smtp);
    place.set("numbers = { per_account_hour = 2, live_max = 3 }");
    let (first, second) = (place.add_token("one"), place.add_token("two"));
    let server = place.start();
    for (token, status) in [
        (&first, 201),
        (&first, 201),
        (&first, 429),
        (&second, 201),
        (&second, 503),
    ] {
        let answer = server.issue(token, json!({ "mail": MAIL })).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.retry_after.is_some(), status != 201);
    }
}

/// After issuing and checking, the number, the address and the phone number are
/// nowhere: not in the database, its log, or what the program logged at level trace.
#[tokio::test]
async fn nothing_is_left_behind() {
    let smtp = Smtp::plain();
    let gateway = Gateway::start(&[]).await;
    let place = Place::new(&smtp).with_gateway(&gateway);
    let token = place.add_token("clinic");
    let mut server = place.start();
    server.issue(&token, json!({ "mail": MAIL })).await;
    server.issue(&token, json!({ "phone": PHONE })).await;
    server
        .issue(&token, json!({ "mail": "refused@mail.example" }))
        .await;
    let by_mail = smtp.mail().number();
    let by_sms = number_in(gateway.messages()[0]["body"]["text"].as_str().unwrap());

    let look = |when: &str| {
        let mut bytes_seen = 0;
        for (path, bytes) in place.files() {
            bytes_seen += bytes.len();
            for secret in [
                &*by_mail,
                &by_sms,
                MAIL,
                "refused@",
                PHONE,
                PHONE.trim_start_matches("+81"),
                &token,
            ] {
                let found = contains(&bytes, secret.as_bytes());
                assert!(!found, "{when}: {secret} is in {}", name_of(&path));
            }
        }
        assert!(bytes_seen > 50_000, "{when}: there was little to look at");
    };
    look("issued");
    assert!(server.is_genuine(&by_mail, 1).await);
    assert!(server.is_genuine(&by_sms, 2).await);
    look("checked");
    server.ask_to_stop();
    server.ended().await;
    look("stopped");
    assert!(server.log().contains("listening"), "there is a log");
}

#[tokio::test]
async fn a_request_under_way_is_finished_when_the_server_is_stopped() {
    let smtp = Smtp::plain();
    let place = Place::new(&smtp);
    let token = place.add_token("clinic");
    let mut server = place.start();
    let issuing = server.issue(&token, json!({ "mail": "slow@mail.example" }));
    let stopping = async {
        let deadline = Instant::now() + Duration::from_secs(10);
        while place.live_numbers() == 0 {
            assert!(Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server.ask_to_stop();
    };
    let (answer, ()) = tokio::join!(issuing, stopping);
    assert_eq!(answer.status, 201, "{answer:?}");
    server.ended().await;
    let number = smtp.mail().number();
    assert!(place.start().is_genuine(&number, 1).await);
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_stop_the_sending() {
    let smtp = Smtp::plain();
    let place = Place::new(&smtp);
    let token = place.add_token("clinic");
    let server = place.start();
    let issuing = server.issue(&token, json!({ "mail": "slow@mail.example" }));
    let hung_up = tokio::time::timeout(Duration::from_millis(700), issuing).await;
    assert!(hung_up.is_err());
    let number = smtp.mail().number();
    assert!(server.is_genuine(&number, 1).await);
}

#[tokio::test]
async fn what_was_answered_holds_after_a_crash() {
    let smtp = Smtp::plain();
    let place = Place::new(&smtp);
    let token = place.add_token("clinic");
    let mut numbers = Vec::new();
    for request in 0..5 {
        // Killed at once after its answer.
        let server = place.start();
        let answer = server.issue(&token, json!({ "mail": MAIL })).await;
        assert_eq!(answer.status, 201);
        numbers.push(smtp.mail().number());
        drop(server);
        let server = place.start();
        assert!(
            server
                .is_genuine(&numbers[usize::from(request)], request)
                .await
        );
        drop(server);
        let server = place.start();
        assert!(
            server
                .is_genuine(&numbers[usize::from(request)], request)
                .await
        );
        assert!(!server.is_genuine(&numbers[usize::from(request)], 99).await);
    }
    assert_eq!(place.live_numbers(), 0);
}

#[tokio::test]
async fn a_start_with_a_wrong_clock_forgets_no_number() {
    let smtp = Smtp::plain();
    let place = Place::new(&smtp);
    let token = place.add_token("clinic");
    let server = place.start();
    let mail = json!({ "mail": MAIL });
    assert_eq!(server.issue(&token, mail.clone()).await.status, 201);
    let number = smtp.mail().number();
    drop(server);

    let wrong = place.start_ahead(15);
    for answer in [
        wrong.issue(&token, mail.clone()).await,
        wrong.check(&number, 1).await,
    ] {
        assert_eq!(answer.status, 503);
        assert_eq!(answer.body["error"], "unavailable");
        assert_eq!(answer.retry_after, Some(30));
    }
    let page = wrong.http.get(&wrong.base).send().await.unwrap();
    assert_eq!(page.status(), 503);
    assert!(page.text().await.unwrap().contains("<h1>"));
    drop(wrong);
    assert_eq!(place.live_numbers(), 1);

    let server = place.start();
    assert!(server.is_genuine(&number, 1).await);
    assert_eq!(server.issue(&token, mail).await.status, 201);
}

fn other_than(number: &str) -> String {
    if number == "00000000" {
        "00000001".into()
    } else {
        "00000000".into()
    }
}
