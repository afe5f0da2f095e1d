//! Dummies cannot be told from registrations.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::management::Trouble;
use crate::postgres;
use crate::support::{Server, Site, random_key, registration, wait_for};

pub(crate) async fn chaff(server: &Server, body: &Value) -> Response {
    server
        .client
        .put(server.url("/api/v3/diagnosis"))
        .header("X-Chaff", "1")
        .body(body.to_string())
        .send()
        .await
        .unwrap()
}

/// Everything of an answer that shows on the wire but its random bytes and its date.
pub(crate) async fn shape(answer: Response) -> (StatusCode, Vec<(String, usize)>, usize) {
    let status = answer.status();
    let headers = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.len()))
        .collect();
    (status, headers, answer.bytes().await.unwrap().len())
}

#[tokio::test]
async fn dummies_are_answered_alike_and_leave_nothing() {
    let site = Site::new("").await;
    site.management
        .issue((0..20).map(|index| format!("{index:08}")));
    let server = site.start().await;
    let mut published = Vec::new();
    let mut never = Vec::new();
    for index in 0..20 {
        let (key, dummy) = (random_key(), random_key());
        published.push(key);
        never.push(dummy);
        let genuine = registration(&format!("{index:08}"), &[key]);
        let genuine = shape(server.answer(&genuine).await).await;
        let chaff = shape(chaff(&server, &registration("99999999", &[dummy])).await).await;
        assert_eq!(genuine, chaff);
        assert_eq!(genuine.0, StatusCode::OK);
    }
    assert_eq!(site.management.left(), 0);
    assert_eq!(
        site.management.wrong(),
        0,
        "no dummy counts as a wrong number"
    );
    assert_eq!(site.management.dummies(), 20);
    wait_for("the exports", async || {
        (site.count(&published) == [1; 20]).then_some(())
    })
    .await;
    assert_eq!(site.count(&never), [0; 20]);

    // A genuine number in a dummy is not used up either.
    site.management.issue(["01234567".to_owned()]);
    let dummy = chaff(&server, &registration("01234567", &[random_key()])).await;
    assert_eq!(dummy.status(), StatusCode::OK);
    let mut without = registration("", &[random_key()]);
    without["verificationPayload"] = json!("");
    assert_eq!(chaff(&server, &without).await.status(), StatusCode::OK);
    assert_eq!(site.management.left(), 1);

    // What is out of order is so for both.
    site.management
        .trouble(Some(Trouble::Status(StatusCode::INTERNAL_SERVER_ERROR)));
    let genuine = shape(
        server
            .answer(&registration("01234567", &[random_key()]))
            .await,
    )
    .await;
    let dummy = shape(chaff(&server, &registration("01234567", &[random_key()])).await).await;
    assert_eq!(genuine, dummy);
    assert_eq!(genuine.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn dummies_cannot_empty_the_bounds_on_wrong_numbers() {
    let site =
        Site::new("[limits]\nwrong_numbers_an_hour = 2\nwrong_numbers_a_source_an_hour = 2").await;
    site.management.issue(["01234567".to_owned()]);
    let server = site.start().await;
    let dummies = (0..200).map(|_| async {
        let body = registration("99999999", &[random_key()]);
        chaff(&server, &body).await.status()
    });
    let answers = futures_util::future::join_all(dummies).await;
    assert!(answers.iter().all(|status| *status == StatusCode::OK));
    let genuine = registration("01234567", &[random_key()]);
    assert_eq!(server.put(&genuine).await, StatusCode::OK);
}

/// Compares how long both take, in an order that lets neither have the quieter time.
/// With the default step of 250 ms nearly all answers of both leave on the first one:
/// a few may not on a busy machine, but as many of the one as of the other.
#[tokio::test]
async fn dummies_take_as_long_as_registrations() {
    const EACH: u32 = 40;
    let site = Site::new("[registration]\nanswer_milliseconds = 250").await;
    site.management
        .issue((0..EACH).map(|index| format!("{index:08}")));
    let server = site.start().await;
    let step = Duration::from_millis(250);
    let mut times = [Vec::new(), Vec::new()];
    for index in 0..EACH {
        for is_chaff in [index % 2 == 0, index % 2 == 1] {
            let body = registration(&format!("{index:08}"), &[random_key(); 1]);
            let began = Instant::now();
            let answer = if is_chaff {
                chaff(&server, &body).await
            } else {
                server.answer(&body).await
            };
            let took = began.elapsed();
            assert_eq!(answer.status(), StatusCode::OK);
            assert!(took >= step, "{took:?}");
            times[usize::from(is_chaff)].push(took);
        }
    }
    let on_first_step = |times: &[Duration]| times.iter().filter(|it| **it < step * 2).count();
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let [genuine, dummies] = &mut times;
    assert!(
        on_first_step(genuine) >= 30 && on_first_step(dummies) >= 30,
        "{genuine:?} {dummies:?}"
    );
    let difference = median(genuine).abs_diff(median(dummies));
    assert!(
        difference < Duration::from_millis(5),
        "{difference:?}: {genuine:?} {dummies:?}"
    );
}

/// The same under load, on both databases, by the whole distribution; and what it would be
/// without the step.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "compares times, for which the machine has to be idle: make bench-dummies"]
async fn dummies_take_as_long_as_registrations_however_many_come_at_once() {
    const EACH: usize = 300;
    for is_postgres in [false, true] {
        for step in [250, 1] {
            let mut site = Site::new(&format!(
                "[registration]\nanswer_milliseconds = {step}\n[export]\nperiod_seconds = 3600"
            ))
            .await;
            if is_postgres {
                let url = site.path("database-url");
                std::fs::write(&url, postgres::empty_database().await).unwrap();
                let database = format!("kind = 'postgres'\nurl.file = '{}'", url.display());
                site.replace("database", &database);
            }
            let server = site.start().await;
            let mut numbers = (0..).map(|number| format!("{number:08}"));
            for at_once in [1, 4, 40] {
                let numbers: Vec<_> = numbers.by_ref().take(EACH).collect();
                site.management.issue(numbers.iter().cloned());
                let registrations = numbers.iter().map(|number| (false, number));
                let dummies = numbers.iter().map(|number| (true, number));
                // In turn, so that neither has the quieter time.
                let both = registrations.zip(dummies).flat_map(|(a, b)| [a, b]);
                let answers: Vec<_> = stream::iter(both)
                    .map(async |(is_chaff, number)| {
                        let body = registration(number, &[random_key()]);
                        let began = Instant::now();
                        let answer = if is_chaff {
                            chaff(&server, &body).await
                        } else {
                            server.answer(&body).await
                        };
                        (is_chaff, began.elapsed(), shape(answer).await)
                    })
                    .buffer_unordered(at_once)
                    .collect()
                    .await;
                assert!(answers.iter().all(|(.., shape)| *shape == answers[0].2));
                let of = |which| {
                    let mut times: Vec<_> = answers
                        .iter()
                        .filter(|(is_chaff, ..)| *is_chaff == which)
                        .map(|(_, took, _)| {
                            took.as_micros() / (u128::from(step == 250) * 249_999 + 1)
                        })
                        .collect();
                    times.sort_unstable();
                    times
                };
                let (genuine, dummies) = (of(false), of(true));
                let p = same_distribution(&genuine, &dummies);
                let database = if is_postgres { "PostgreSQL" } else { "SQLite" };
                println!(
                    "{database}, step {step} ms, {at_once} at once: medians {} and {}, p = {p:.3}",
                    genuine[EACH / 2],
                    dummies[EACH / 2]
                );
                assert!(step == 1 || p > 0.05, "{genuine:?} {dummies:?}");
            }
        }
    }
}

/// How likely samples (sorted, as many in each) of one distribution differ as much or more:
/// the test of Kolmogorov and Smirnov, by its limit for large samples.
fn same_distribution(a: &[u128], b: &[u128]) -> f64 {
    let float = |count: usize| f64::from(u32::try_from(count).unwrap());
    let below = |values: &[u128], value| float(values.partition_point(|it| *it <= value));
    let size = float(a.len());
    let differences = a.iter().chain(b).map(|value| {
        let (a, b) = (below(a, *value), below(b, *value));
        (a - b).abs() / size
    });
    let lambda = differences.fold(0.0, f64::max) * (size / 2.0).sqrt();
    let terms = (1..=100).map(|k| {
        let k = f64::from(k);
        let sign = if k % 2.0 == 0.0 { -1.0 } else { 1.0 };
        sign * (-2.0 * k * k * lambda * lambda).exp()
    });
    if lambda < 0.2 {
        return 1.0;
    }
    (2.0 * terms.sum::<f64>()).clamp(0.0, 1.0)
}
