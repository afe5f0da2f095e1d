//! Replicas that share a PostgreSQL database.

use std::fs;

use nix::sys::signal::Signal;
use reqwest::StatusCode;

use crate::postgres;
use crate::support::{Site, random_key, registration, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_registrations_and_one_makes_exports() {
    let mut site = Site::new("").await;
    let url = site.path("database-url");
    fs::write(&url, postgres::empty_database().await).unwrap();
    let database = format!("kind = 'postgres'\nurl.file = '{}'", url.display());
    site.replace("database", &database);
    // Both migrate the empty database at the same time.
    let (first, second) = tokio::join!(site.start(), site.start());
    site.management
        .issue((0..20).map(|number| format!("{number:08}")));
    let mut keys = Vec::new();
    let mut body = registration("00000000", &[random_key()]);
    for number in 0..20 {
        let key = random_key();
        keys.push(key);
        body = registration(&format!("{number:08}"), &[key]);
        // The same at once to both: it is in effect once.
        let (a, b) = tokio::join!(first.put(&body), second.put(&body));
        assert_eq!((a, b), (StatusCode::OK, StatusCode::OK));
    }
    wait_for("the exports", async || {
        (site.count(&keys) == [1; 20]).then_some(())
    })
    .await;

    let exports = "this process makes the exports";
    let (dies, lives) = if first.log().contains(exports) {
        (first, second)
    } else {
        (second, first)
    };
    assert!(!lives.log().contains(exports), "two at a time");
    dies.signal(Signal::SIGKILL);
    drop(dies);
    assert_eq!(
        lives.put(&body).await,
        StatusCode::OK,
        "it is known here too"
    );
    site.management.issue(["00000099".to_owned()]);
    let key = random_key();
    keys.push(key);
    assert_eq!(
        lives.put(&registration("00000099", &[key])).await,
        StatusCode::OK
    );
    wait_for("the exports", async || {
        (site.count(&keys) == [1; 21]).then_some(())
    })
    .await;
    assert!(lives.log().contains(exports));
}
