//! Registering as positive, as devices do it.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::management::Trouble;
use crate::support::{
    Site, date, files, key_of, random_key, random_word, registration, today, wait_for,
};

const V2: &str = "/api/v2/diagnosis";

#[tokio::test]
async fn a_registered_key_is_published_once_and_the_number_is_used_up() {
    let site = Site::new("").await;
    site.management.issue(["01234567".to_owned()]);
    let server = site.start().await;
    let keys = [random_key(), random_key()];
    let body = registration("01234567", &keys);
    assert_eq!(server.put(&body).await, StatusCode::OK);
    assert_eq!(site.management.left(), 0);
    // A lost answer: the same again, any number of times.
    assert_eq!(server.put(&body).await, StatusCode::OK);
    wait_for("the export", async || {
        (site.count(&keys) == [1, 1]).then_some(())
    })
    .await;
    let exports = site.published();
    // The first may be one that is due though nobody had registered.
    assert!((1..=2).contains(&exports.len()));
    assert!(exports.iter().all(|export| export.keys.len() == 20));
    let key = exports
        .iter()
        .flat_map(|export| &export.keys)
        .find(|key| key.tek.expose_bytes() == &keys[0])
        .unwrap();
    assert_eq!(key.days_since_onset, Some(2));
    assert_eq!(key.transmission_risk_level, 0);

    let other = registration("01234567", &[random_key()]);
    assert_eq!(server.put(&other).await, StatusCode::NOT_ACCEPTABLE);
    server.stop().await;

    let server = site.start().await;
    assert_eq!(server.put(&body).await, StatusCode::OK, "after a restart");
    server.stop().await;
    assert_eq!(site.count(&keys), [1, 1]);
}

#[tokio::test]
async fn shapes_that_clients_send() {
    let site = Site::new("").await;
    let server = site.start().await;
    let mut number = 10_000_000;
    let mut shape = |change: Value| {
        number += 1;
        site.management.issue([number.to_string()]);
        let mut body = registration(&number.to_string(), &[random_key()]);
        for (name, value) in change.as_object().unwrap() {
            let body = body.as_object_mut().unwrap();
            if value.is_null() {
                body.remove(name);
            } else {
                body.insert(name.clone(), value.clone());
            }
        }
        body
    };
    let both = random_word();
    for body in [
        shape(json!({})),
        shape(json!({"idempotencyKey": null, "idempotency_key": random_word()})),
        shape(json!({"idempotencyKey": null, "keys": [key_of(random_key(), 2)]})),
        shape(json!({"idempotencyKey": both, "idempotency_key": both})),
        shape(
            json!({"platform": null, "deviceVerificationPayload": null, "padding": null,
                     "appPackageName": null, "regions": null}),
        ),
        shape(json!({"hasSymptom": null, "onsetOfSymptomOrTestDate": null})),
        shape(json!({"hasSymptom": false, "onsetOfSymptomOrTestDate": date(0)})),
        shape(json!({"keys": [{"keyData": "AAECAwQFBgcICQoLDA0ODw==",
                               "rollingStartNumber": (today() - 1) * 144}]})),
        shape(json!({"somethingNew": {"a": [1]}})),
    ] {
        assert_eq!(server.put(&body).await, StatusCode::OK, "{body}");
    }
    // Version 2 of the interface.
    let body = shape(json!({"hasSymptom": null, "onsetOfSymptomOrTestDate": null}));
    let put = server.client.put(server.url(V2)).body(body.to_string());
    assert_eq!(put.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(site.management.left(), 0);
}

#[tokio::test]
async fn what_is_not_in_order_costs_no_number() {
    let site = Site::new("[registration]\napps = ['org.sesshoku']").await;
    site.management.issue(["01234567".to_owned()]);
    let server = site.start().await;
    for (name, value, status) in [
        (
            "verificationPayload",
            json!("1234567"),
            StatusCode::BAD_REQUEST,
        ),
        ("keys", json!([]), StatusCode::BAD_REQUEST),
        (
            "keys",
            json!([key_of(random_key(), 15)]),
            StatusCode::BAD_REQUEST,
        ),
        ("regions", json!(["999"]), StatusCode::BAD_REQUEST),
        ("idempotency_key", json!("another"), StatusCode::BAD_REQUEST),
        ("appPackageName", json!("other"), StatusCode::FORBIDDEN),
        (
            "padding",
            json!("x".repeat(70_000)),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
    ] {
        let mut body = registration("01234567", &[random_key()]);
        body[name] = value;
        let answer = server.answer(&body).await;
        assert_eq!(answer.status(), status, "{name}");
        assert_eq!(answer.headers()["cache-control"], "no-store, no-transform");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert_eq!(answer.bytes().await.unwrap().len(), 512);
    }
    assert_eq!(site.management.left(), 1);
    let body = registration("01234567", &[random_key()]);
    assert_eq!(server.put(&body).await, StatusCode::OK);
    // The same name for something else.
    let mut other = registration("01234567", &[random_key()]);
    other["idempotencyKey"] = body["idempotencyKey"].clone();
    assert_eq!(server.put(&other).await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn while_the_management_system_is_down_nothing_is_lost() {
    let site = Site::new("").await;
    let server = site.start().await;
    site.management
        .issue((0..6).map(|index| format!("0000000{index}")));
    for (index, trouble) in [
        Trouble::Status(StatusCode::SERVICE_UNAVAILABLE),
        Trouble::Status(StatusCode::TOO_MANY_REQUESTS),
        Trouble::Status(StatusCode::UNAUTHORIZED),
        Trouble::Silent,
        Trouble::Nonsense,
        // The number is used up, but nobody here knows.
        Trouble::LosesAnswers,
    ]
    .into_iter()
    .enumerate()
    {
        let keys = [random_key()];
        let body = registration(&format!("0000000{index}"), &keys);
        site.management.trouble(Some(trouble));
        let answer = server.answer(&body).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().contains_key("retry-after"));
        site.management.trouble(None);
        assert_eq!(server.put(&body).await, StatusCode::OK);
        wait_for("the export", async || {
            (site.count(&keys) == [1]).then_some(())
        })
        .await;
    }
    assert_eq!(site.management.left(), 0);
    assert_eq!(site.management.wrong(), 0);
}

#[tokio::test]
async fn guessing_is_stopped_and_the_management_system_hears_no_more_of_it() {
    let site = Site::new(
        "[http]\ntrusted_proxies = ['127.0.0.1']\n\
         [management]\ntimeout_milliseconds = 30000\n\
         [limits]\nwrong_numbers_an_hour = 30\nwrong_numbers_a_source_an_hour = 10\nmax_checks = 4",
    )
    .await;
    let server = site.start().await;
    let guess = async |number: u32, from: &str| {
        let body = registration(&format!("{number:08}"), &[random_key()]).to_string();
        let put = server.client.put(server.url("/api/v3/diagnosis"));
        let put = put.header("x-forwarded-for", from).header("x-hcaff", "1");
        let put = put.body(body);
        put.send().await.unwrap().status()
    };
    // One source.
    for number in 0..10 {
        assert_eq!(guess(number, "192.0.2.1").await, StatusCode::NOT_ACCEPTABLE);
    }
    assert_eq!(guess(11, "192.0.2.99").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(site.management.wrong(), 10);
    // One number, from anywhere.
    for third in 1..=3 {
        let from = format!("198.51.{third}.1");
        assert_eq!(guess(77, &from).await, StatusCode::NOT_ACCEPTABLE);
    }
    assert_eq!(guess(77, "198.51.9.1").await, StatusCode::TOO_MANY_REQUESTS);
    // Many sources at once: the first of each is asked about, and no more of the next than
    // the bound and what was under way.
    let round = async |first: u32| {
        let guesses = (0..100).map(|index| {
            let from = format!("10.0.{index}.1");
            let guess = &guess;
            async move { guess(first + index, &from).await }
        });
        futures_util::future::join_all(guesses).await
    };
    let answers = round(1000).await;
    assert_eq!(answers, [StatusCode::NOT_ACCEPTABLE; 100]);
    assert_eq!(site.management.wrong(), 113);
    assert_eq!(site.management.of_guessers(), 9);
    let answers = round(2000).await;
    let asked = answers
        .iter()
        .filter(|status| **status == StatusCode::NOT_ACCEPTABLE)
        .count();
    assert!((21..=25).contains(&asked), "{asked}");
    assert_eq!(site.management.of_guessers(), 9 + asked);
    // Whoever has a good number is asked about, but for who guessed, and is told for how long
    // to wait.
    site.management.issue(["01234567".to_owned()]);
    let register = async |from: &str| {
        let body = registration("01234567", &[random_key()]).to_string();
        let put = server.client.put(server.url("/api/v3/diagnosis"));
        let put = put.header("x-forwarded-for", from).header("x-hcaff", "1");
        put.body(body).send().await.unwrap()
    };
    let answer = register("10.0.7.1").await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(site.management.left(), 1);
    assert_eq!(register("10.1.7.1").await.status(), StatusCode::OK);
    assert_eq!(site.management.left(), 0);
    let metrics = server.internal("/metrics").await.text().await.unwrap();
    for (result, count) in [
        ("genuine", 1),
        ("wrong", 113 + asked),
        ("bounded_here", 3 + 100 - asked),
    ] {
        let line = format!("sesshoku_number_checks_total{{result=\"{result}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
}

#[tokio::test]
async fn numbers_of_all_lengths_are_asked_about_and_mistyped_ones_are_not() {
    let site = Site::new("").await;
    let server = site.start().await;
    let genuine = ["01234567", "123456784", "012345678906", "1234567890120"];
    site.management.issue(genuine.map(str::to_owned));
    for number in genuine {
        let body = registration(number, &[random_key()]);
        assert_eq!(server.put(&body).await, StatusCode::OK, "{number}");
    }
    for (number, status) in [
        ("012345678905", StatusCode::NOT_ACCEPTABLE),
        ("102345678906", StatusCode::NOT_ACCEPTABLE),
        ("12345678901234567", StatusCode::BAD_REQUEST),
    ] {
        let body = registration(number, &[random_key()]);
        assert_eq!(server.put(&body).await, status, "{number}");
    }
    assert_eq!(site.management.wrong(), 0);
}

#[tokio::test]
async fn behind_a_cdn_each_source_has_a_limit_of_its_own() {
    let site = Site::new(
        "[http]\ntrusted_proxies = ['127.0.0.0/8', '198.51.100.0/24', '2001:db8:cd::/48']\n\
         [limits]\nwrong_numbers_a_source_an_hour = 1",
    )
    .await;
    let server = site.start().await;
    let guess = async |number: u32, path: &str| {
        let body = registration(&format!("{number:08}"), &[random_key()]).to_string();
        let put = server.client.put(server.url("/api/v3/diagnosis"));
        let put = put.header("x-forwarded-for", path).header("x-hcaff", "1");
        put.body(body).send().await.unwrap().status()
    };
    // Whatever place of the CDN they come by.
    let wrong = StatusCode::NOT_ACCEPTABLE;
    assert_eq!(guess(1, "192.0.2.1, 198.51.100.7").await, wrong);
    assert_eq!(guess(2, "203.0.113.1, 2001:db8:cd:9::1").await, wrong);
    let too_many = StatusCode::TOO_MANY_REQUESTS;
    assert_eq!(guess(3, "192.0.2.1, 198.51.100.8").await, too_many);
    // What somebody beside the CDN says is not believed.
    assert_eq!(guess(4, "192.0.2.1, 198.51.101.7").await, wrong);
    assert_eq!(guess(5, "203.0.113.9, 198.51.101.7").await, too_many);
}

#[tokio::test]
async fn many_of_the_same_at_once_are_one() {
    let site = Site::new("").await;
    site.management.issue(["01234567".to_owned()]);
    let server = site.start().await;
    let keys = [random_key()];
    let body = registration("01234567", &keys);
    let answers = futures_util::future::join_all((0..40).map(|_| server.put(&body))).await;
    assert!(
        answers.iter().all(|status| *status == StatusCode::OK),
        "{answers:?}"
    );
    wait_for("the export", async || {
        (site.count(&keys) == [1]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn nothing_personal_is_left_behind() {
    let mut site = Site::new("[http]\ntrusted_proxies = ['127.0.0.1']").await;
    site.set("[management]\ntimeout_milliseconds = 200");
    site.management.issue(["31415926".to_owned()]);
    let server = site.start().await;
    let key = random_key();
    let mut body = registration("31415926", &[key]);
    body["idempotencyKey"] = json!("the-idempotency-key");
    let put = |body: String| {
        server
            .client
            .put(server.url("/api/v3/diagnosis"))
            .header("x-forwarded-for", "203.0.113.77")
            .header("user-agent", "some-agent")
            .body(body)
    };
    site.management.trouble(Some(Trouble::Silent));
    put(body.to_string()).send().await.unwrap();
    site.management.trouble(None);
    let good = put(body.to_string()).send().await.unwrap();
    assert_eq!(good.status(), StatusCode::OK);
    let wrong = registration("27182818", &[random_key()]);
    put(wrong.to_string()).send().await.unwrap();
    put("{\"keys\": 31415926".to_owned()).send().await.unwrap();
    wait_for("the export", async || {
        (site.count(&[key]) == [1]).then_some(())
    })
    .await;
    let metrics = server.internal("/metrics").await.text().await.unwrap();
    let log = server.log();
    server.stop().await;

    let secrets = [
        "31415926",
        "27182818",
        "the-idempotency-key",
        "203.0.113",
        "some-agent",
    ];
    let key = hex::encode(key);
    for secret in secrets.into_iter().chain([key.as_str(), "keyData"]) {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
        assert!(!metrics.contains(secret), "{secret} is in the metrics");
    }
    for (path, content) in files(site.dir.path()) {
        for secret in secrets {
            let is_in = content
                .windows(secret.len())
                .any(|it| it == secret.as_bytes());
            assert!(!is_in, "{secret} is in {}", path.display());
        }
    }
}
