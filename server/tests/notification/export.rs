//! Exports under a server that is killed, and under two of them.

use std::time::Duration;

use getrandom::SysRng;
use nix::sys::signal::Signal;
use rand_core::{Rng, UnwrapErr};
use reqwest::StatusCode;

use crate::support::{Site, files, random_key, registration, wait_for};

/// What a server says that makes exports.
const EXPORTS: &str = "this process makes the exports";

/// Several servers, each with a site of its own, are killed again and again.
#[test]
fn wherever_it_is_killed_nothing_is_lost_and_nothing_twice() {
    let sites = (0..4).map(|_| {
        std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(kill_again_and_again())
        })
    });
    let sites: Vec<_> = sites.collect();
    let interrupted: usize = sites.into_iter().map(|site| site.join().unwrap()).sum();
    assert!(
        interrupted >= 8,
        "only {interrupted} exports were broken off"
    );
}

/// Registers several people's keys, kills the server at some instant of the export
/// that is due then, and looks at what devices would get; many times. At the end
/// everything is published, once. Files are large, so that making them takes a good
/// part of the time. Gives how many exports were broken off half-way.
async fn kill_again_and_again() -> usize {
    // How often a kill comes in the middle is up to chance and to how busy the
    // machine is: it goes on until it has.
    const ROUNDS: u32 = 12;
    const MOST_ROUNDS: u32 = 60;
    const INTERRUPTED: usize = 2;
    let site = Site::new("[export]\nmin_keys = 3000\nmax_keys = 6000\nlease_seconds = 2").await;
    let mut registered = Vec::new();
    let mut interrupted = 0;
    // How long after its beginning an export is hit: less when that was too late.
    let mut latest = 100;
    for round in 0..MOST_ROUNDS {
        if round >= ROUNDS && interrupted >= INTERRUPTED {
            break;
        }
        let server = site.start().await;
        wait_for("the lease", async || {
            server.log().contains(EXPORTS).then_some(())
        })
        .await;
        let before = exports(&site);
        for person in 0..3 {
            let number = format!("{:08}", round * 3 + person);
            site.management.issue([number.clone()]);
            let keys: Vec<_> = (0..12).map(|_| random_key()).collect();
            let body = registration(&number, &keys);
            // Only the infectious days' are kept: the onset was four days ago.
            registered.extend(keys.into_iter().take(6));
            assert_eq!(server.put(&body).await, StatusCode::OK);
        }
        // A slot is a second. In every other round, the export has begun.
        let has_begun = round % 2 == 1;
        let most = if has_begun { latest } else { 1_000 };
        if has_begun {
            let begun = async || (exports(&site) != before).then_some(());
            wait_for("an export to begin", begun).await;
        }
        let instant = UnwrapErr(SysRng).next_u32() % most;
        tokio::time::sleep(Duration::from_millis(instant.into())).await;
        server.signal(Signal::SIGKILL);
        drop(server);
        let is_hit = is_interrupted(&site);
        interrupted += usize::from(is_hit);
        if has_begun {
            latest = if is_hit { 100 } else { (latest / 2).max(1) };
        }
        let counts = site.count(&registered);
        assert!(
            counts.iter().all(|count| *count <= 1),
            "twice in round {round}"
        );
    }
    let server = site.start().await;
    wait_for("all to be published", async || {
        let counts = site.count(&registered);
        assert!(counts.iter().all(|count| *count <= 1));
        counts.iter().all(|count| *count == 1).then_some(())
    })
    .await;
    server.stop().await;
    assert!(!is_interrupted(&site));
    interrupted
}

/// Whether a file is half written, or the database and the list do not yet agree.
fn is_interrupted(site: &Site) -> bool {
    let half_written = files(&site.path("public"))
        .iter()
        .any(|(path, _)| path.to_string_lossy().contains('#'));
    half_written || exports(site) != site.published().len()
}

/// How many batches the database knows.
fn exports(site: &Site) -> usize {
    let database = rusqlite::Connection::open(site.path("notification.db")).unwrap();
    let count: u32 = database
        .query_row("SELECT count(*) FROM export", [], |row| row.get(0))
        .unwrap();
    usize::try_from(count).unwrap()
}

#[tokio::test]
async fn of_two_servers_one_makes_exports_and_the_other_takes_over() {
    let site = Site::new("").await;
    let first = site.start().await;
    wait_for("the first", async || {
        first.log().contains(EXPORTS).then_some(())
    })
    .await;
    let second = site.start().await;
    let mut keys = Vec::new();
    for number in 0..4 {
        let number = format!("{number:08}");
        site.management.issue([number.clone()]);
        let key = random_key();
        keys.push(key);
        let server = if keys.len() % 2 == 0 { &first } else { &second };
        assert_eq!(
            server.put(&registration(&number, &[key])).await,
            StatusCode::OK
        );
    }
    wait_for("the exports", async || {
        (site.count(&keys) == [1; 4]).then_some(())
    })
    .await;
    assert!(!second.log().contains(EXPORTS), "two at a time");
    // The first dies; its lease runs out.
    first.signal(Signal::SIGKILL);
    wait_for("the second", async || {
        second.log().contains(EXPORTS).then_some(())
    })
    .await;
    site.management.issue(["00000009".to_owned()]);
    let key = random_key();
    keys.push(key);
    assert_eq!(
        second.put(&registration("00000009", &[key])).await,
        StatusCode::OK
    );
    wait_for("the exports", async || {
        (site.count(&keys) == [1; 5]).then_some(())
    })
    .await;
    // One that is ended in order leaves at once.
    let third = site.start().await;
    second.stop().await;
    let began = std::time::Instant::now();
    wait_for("the third", async || {
        third.log().contains(EXPORTS).then_some(())
    })
    .await;
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "it waited for the lease"
    );
}
