//! Machines whose clocks are wrong.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use nix::sys::signal::Signal;
use reqwest::StatusCode;

use crate::ahead::days_ahead;
use crate::chaff::{chaff, shape};
use crate::postgres;
use crate::support::{Server, Site, program, random_key, registration, today, wait_for};

/// Days by which a clock is ahead in which everything gets too old to be kept.
const DAYS: i64 = 15;
/// What a server says in the log that makes the exports.
const EXPORTS: &str = "this process makes the exports";

/// The program, on a machine whose clock is `days` ahead.
fn program_ahead(days: i64) -> Command {
    let mut command = program();
    days_ahead(&mut command, days);
    command
}

/// Registers `keys`, each by somebody else, and waits until they are published.
async fn publish(site: &Site, server: &Server, keys: &[[u8; 16]]) {
    let numbers = keys.iter().map(|key| format!("{:08}", key[0]));
    site.management.issue(numbers.clone());
    for (number, key) in numbers.zip(keys) {
        let body = registration(&number, &[*key]);
        assert_eq!(server.put(&body).await, StatusCode::OK);
    }
    wait_for("the exports", async || {
        (site.count(keys) == vec![1; keys.len()]).then_some(())
    })
    .await;
}

/// Keys of different numbers.
fn keys(numbers: std::ops::Range<u8>) -> Vec<[u8; 16]> {
    numbers
        .map(|number| {
            let mut key = random_key();
            key[0] = number;
            key
        })
        .collect()
}

/// What a server answers to `path` for its operator.
async fn says(server: &Server, path: &str) -> (StatusCode, String) {
    let answer = server.internal(path).await;
    (answer.status(), answer.text().await.unwrap())
}

/// Waits until `server` has come to the end of another round of exports, which takes what
/// is old off the list.
async fn another_round(server: &Server) {
    const ENDED: &str = "sesshoku_export_last_success_seconds";
    let so_far = metric(server, ENDED).await;
    wait_for("another round", async || {
        (metric(server, ENDED).await != so_far).then_some(())
    })
    .await;
}

async fn metric(server: &Server, name: &str) -> String {
    let (_, metrics) = says(server, "/metrics").await;
    let line = metrics.lines().find(|line| line.starts_with(name));
    line.unwrap_or_else(|| panic!("no {name}")).to_owned()
}

async fn on_postgres() -> Site {
    let mut site = Site::new("").await;
    let url: PathBuf = site.path("database-url");
    fs::write(&url, postgres::empty_database().await).unwrap();
    let database = format!("kind = 'postgres'\nurl.file = '{}'", url.display());
    site.replace("database", &database);
    site
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_whose_clock_is_ahead_deletes_nothing_and_stops_nobody() {
    let site = on_postgres().await;
    let right = site.start().await;
    let mut known = keys(0..20);
    publish(&site, &right, &known).await;

    // The one with the wrong clock makes the exports.
    let wrong = site.start_as(program_ahead(DAYS)).await;
    assert!(!wrong.log().contains(EXPORTS), "two at a time");
    right.stop().await;
    wait_for("the other to take over", async || {
        wrong.log().contains(EXPORTS).then_some(())
    })
    .await;
    another_round(&wrong).await;
    assert_eq!(
        site.count(&known),
        vec![1; known.len()],
        "nothing is deleted"
    );
    let new = keys(20..40);
    publish(&site, &wrong, &new).await;
    known.extend(new);

    // It says that its clock is wrong. The two are not read in the same moment.
    let ahead = DAYS * 86_400 - 2..=DAYS * 86_400 + 2;
    let (status, text) = says(&wrong, "/readyz").await;
    assert_eq!(status, StatusCode::OK, "it goes by the database's");
    let said = text.strip_prefix("ready\nthis machine's clock is ");
    let seconds = said.and_then(|it| it.split(' ').next()?.parse().ok());
    assert!(seconds.is_some_and(|it| ahead.contains(&it)), "{text}");
    let difference = metric(&wrong, "sesshoku_clock_difference_seconds").await;
    let seconds = difference.rsplit(' ').next().and_then(|it| it.parse().ok());
    assert!(
        seconds.is_some_and(|it| ahead.contains(&it)),
        "{difference}"
    );
    assert!(wrong.log().contains("clock differs from the database's"));

    // Nobody has to wait for that date when it is gone.
    let right = site.start().await;
    wrong.signal(Signal::SIGKILL);
    drop(wrong);
    let new = keys(40..60);
    publish(&site, &right, &new).await;
    known.extend(new);
    assert_eq!(site.count(&known), vec![1; known.len()]);
}

/// As from a battery that was empty, until the network has the time.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_two_days_ahead_does_nothing_that_cannot_be_undone() {
    let site = Site::new("").await;
    let right = site.start().await;
    let known = keys(0..20);
    publish(&site, &right, &known).await;
    right.stop().await;

    let wrong = site.start_as(program_ahead(2)).await;
    let (status, text) = says(&wrong, "/readyz").await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("nothing is published or deleted"), "{text}");
    // Due in eleven hours at the earliest, and by that clock yesterday.
    let todays = random_key();
    site.management.issue(["00000090".to_owned()]);
    let mut body = registration("00000090", &[todays]);
    body["keys"][0]["rollingStartNumber"] = (today() * 144).into();
    assert_eq!(wrong.put(&body).await, StatusCode::OK);
    // What is too old by that clock alone is not refused for good.
    site.management.issue(["00000091".to_owned()]);
    let mut old = registration("00000091", &[random_key()]);
    old["keys"][0]["rollingStartNumber"] = ((today() - 13) * 144).into();
    assert_eq!(wrong.put(&old).await, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!wrong.log().contains(EXPORTS), "{}", wrong.log());
    wrong.stop().await;

    let right = site.start().await;
    assert_eq!(says(&right, "/readyz").await.1, "ready\n");
    assert_eq!(right.put(&old).await, StatusCode::OK);
    another_round(&right).await;
    assert_eq!(site.count(&known), vec![1; known.len()]);
    assert_eq!(site.count(&[todays]), [0], "it is still in use");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_a_wrong_clock_does_nothing_until_it_is_right_or_vouched_for() {
    let site = Site::new("").await;
    let right = site.start().await;
    let known = keys(0..20);
    publish(&site, &right, &known).await;
    right.stop().await;

    let wrong = site.start_as(program_ahead(DAYS)).await;
    let (status, text) = says(&wrong, "/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(text.contains("the time is not known"), "{text}");
    assert!(metric(&wrong, "sesshoku_clock_known").await.ends_with(" 0"));
    assert!(
        wrong
            .log()
            .contains("nothing is published, deleted or answered")
    );
    site.management.issue(["00000099".to_owned()]);
    let late = registration("00000099", &[random_key()]);
    let genuine = shape(wrong.answer(&late).await).await;
    // The line that says when to come back is part of what is evened out.
    let len = 512 - "retry-after: 60\r\n".len();
    assert_eq!(
        (genuine.0, genuine.2),
        (StatusCode::SERVICE_UNAVAILABLE, len)
    );
    let dummy = shape(chaff(&wrong, &late).await).await;
    assert_eq!(dummy, genuine, "a dummy is told by it");
    let list = wrong.get("/c19r/440/list.json").await;
    assert_eq!(list.status(), StatusCode::OK, "what is there is handed out");
    assert!(!wrong.log().contains(EXPORTS));
    wrong.stop().await;
    assert_eq!(
        site.count(&known),
        vec![1; known.len()],
        "nothing is deleted"
    );

    // The clock is right again: all goes on, and the number was not used up.
    let right = site.start().await;
    assert_eq!(
        says(&right, "/readyz").await,
        (StatusCode::OK, "ready\n".to_owned())
    );
    assert_eq!(right.put(&late).await, StatusCode::OK);
    let new = keys(20..40);
    publish(&site, &right, &new).await;
    right.stop().await;

    // The operator says that so much time has passed.
    let clock = |options: &[&str]| {
        let said = program_ahead(DAYS)
            .args(["clock", "notification", "--config"])
            .arg(site.config())
            .args(options)
            .output()
            .unwrap();
        assert!(said.status.success(), "{said:?}");
        String::from_utf8(said.stdout).unwrap()
    };
    let said = clock(&[]);
    assert!(
        said.contains("A role that starts now does not believe it"),
        "{said}"
    );
    let wrong = site.start_as(program_ahead(DAYS)).await;
    assert_eq!(
        says(&wrong, "/readyz").await.0,
        StatusCode::SERVICE_UNAVAILABLE
    );
    let said = clock(&["--accept"]);
    assert!(said.contains("It is believed from now on"), "{said}");
    wait_for("it to be ready", async || {
        (says(&wrong, "/readyz").await.0 == StatusCode::OK).then_some(())
    })
    .await;
    wait_for("what is old to go", async || {
        (site.count(&known) == vec![0; known.len()]).then_some(())
    })
    .await;
}
