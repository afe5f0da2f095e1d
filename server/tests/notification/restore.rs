//! Databases from a backup, and files that are lost, by the commands of docs/server.md.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use reqwest::StatusCode;

use crate::postgres;
use crate::support::{Server, Site, random_key, registration, wait_for};

const PAGE: &str = include_str!("../../../docs/server.md");

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
}

/// The commands of the page for a database of `kind`, of the block after `intro`.
fn commands(intro: &str, kind: Kind) -> Vec<String> {
    let (_, rest) = PAGE.split_once(intro).expect("the page says so");
    let block = rest.lines().skip_while(|line| !line.starts_with("    "));
    let mut is_meant = false;
    let mut commands = Vec::new();
    for line in block.map_while(|line| line.strip_prefix("    ")) {
        match line.strip_prefix("# ") {
            Some("SQLite") => is_meant = kind == Kind::Sqlite,
            Some("PostgreSQL") => is_meant = kind == Kind::Postgres,
            Some("Both") => is_meant = true,
            Some(other) => panic!("for what database is {other}?"),
            None if is_meant => commands.push(line.to_owned()),
            None => {}
        }
    }
    assert!(!commands.is_empty());
    commands
}

/// Runs a command of the page as it stands there, with the site's places in it.
fn run(site: &Site, command: &str) -> String {
    let dir = site.dir.path().display();
    let mut command = command
        .replace("/var/lib/sesshoku-notification", &dir.to_string())
        .replace("/backup", &format!("{dir}/backup"))
        .replace("/etc/sesshoku/credentials", &dir.to_string());
    if command.starts_with("sesshoku-server") {
        command += &format!(" --config {}", site.config().display());
    }
    let server = Path::new(env!("CARGO_BIN_EXE_sesshoku-server"));
    let path = format!("{}:/usr/bin:/bin", server.parent().unwrap().display());
    let output = Command::new("sh")
        .args(["-euc", &command])
        .env("PATH", path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

async fn site(kind: Kind) -> Site {
    let mut site = Site::new("").await;
    if kind == Kind::Postgres {
        let url = site.path("database-url");
        fs::write(&url, postgres::empty_database().await).unwrap();
        let database = format!("kind = 'postgres'\nurl.file = '{}'", url.display());
        site.replace("database", &database);
    }
    fs::create_dir(site.path("backup")).unwrap();
    site
}

/// Registers a key and waits for its export.
async fn publish(site: &Site, server: &Server, number: &str) -> [u8; 16] {
    let key = random_key();
    site.management.issue([number.to_owned()]);
    let body = registration(number, &[key]);
    assert_eq!(server.put(&body).await, StatusCode::OK);
    wait_for("the export", async || {
        (site.count(&[key]) == [1]).then_some(())
    })
    .await;
    key
}

async fn is_ready(server: &Server) -> Option<()> {
    let status = server.internal("/readyz").await.status();
    (status == StatusCode::OK).then_some(())
}

fn zips(site: &Site) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(site.path("public/c19r/440")).unwrap();
    let zip = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        Some((name.clone(), fs::read(entry.path()).unwrap())).filter(|_| name.ends_with(".zip"))
    };
    entries.filter_map(|entry| zip(entry.unwrap())).collect()
}

/// Backs up, goes on, and restores; gives back whether what came after the backup is there.
async fn walk(kind: Kind, are_files_lost: bool) {
    let site = site(kind).await;
    let mut server = Some(site.start().await);
    let running = server.as_ref().unwrap();
    let before = publish(&site, running, "00000001").await;
    for command in commands("Both databases can be copied", kind) {
        run(&site, &command);
    }
    let after = publish(&site, running, "00000002").await;
    let served = zips(&site);
    assert!(served.len() >= 2);
    let mut said = String::new();
    for command in commands("To restore one", kind) {
        match command.as_str() {
            "systemctl stop sesshoku-notification" => {
                server.take().unwrap().stop().await;
                if are_files_lost {
                    fs::remove_dir_all(site.path("public")).unwrap();
                }
            }
            "systemctl start sesshoku-notification" => server = Some(site.start().await),
            command => said += &run(&site, command),
        }
    }
    assert!(said.contains("It is believed"), "{said}");
    assert!(said.contains("440: "), "{said}");
    let server = server.unwrap();
    let key = publish(&site, &server, "00000003").await;
    wait_for("all files that are listed", async || {
        is_ready(&server).await
    })
    .await;
    let kept = usize::from(!are_files_lost);
    assert_eq!(site.count(&[before, after, key]), [1, kept, 1]);
    for (name, zip) in zips(&site) {
        let was = served.get(&name);
        assert!(was.is_none_or(|was| *was == zip), "{name} is another");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_comes_back_beside_lost_files() {
    walk(Kind::Sqlite, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_comes_back_beside_newer_files() {
    walk(Kind::Sqlite, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_comes_back_beside_lost_files() {
    walk(Kind::Postgres, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_comes_back_beside_newer_files() {
    walk(Kind::Postgres, false).await;
}

async fn damage_is_seen_and_mended(kind: Kind) {
    let site = site(kind).await;
    let server = site.start().await;
    publish(&site, &server, "00000001").await;
    publish(&site, &server, "00000002").await;
    assert_eq!(is_ready(&server).await, Some(()));
    let served = zips(&site);
    let rebuild = || run(&site, "sesshoku-server exports rebuild");
    assert!(rebuild().contains(&format!("{} files are listed, 0 of them", served.len())));
    let dir = site.path("public/c19r/440");
    fs::remove_file(dir.join("1.zip")).unwrap();
    fs::write(dir.join("2.zip"), "damaged").unwrap();
    let ready = server.internal("/readyz").await;
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.text().await.unwrap().contains("exports rebuild"));
    assert!(rebuild().contains("2 of them were made again"));
    assert_eq!(is_ready(&server).await, Some(()));
    assert_eq!(zips(&site), served);
    server.stop().await;

    // Without a server, and without a database that knows of anything: all is taken up.
    if kind == Kind::Sqlite {
        fs::remove_file(site.path("notification.db")).unwrap();
    } else {
        let url = postgres::empty_database().await;
        fs::write(site.path("database-url"), url).unwrap();
    }
    run(&site, "sesshoku-server clock notification --accept");
    let said = rebuild();
    assert!(!said.contains("the lists are up to"), "{said}");
    assert_eq!(zips(&site), served);
    let server = site.start().await;
    publish(&site, &server, "00000003").await;
    let now = zips(&site);
    assert!(served.iter().all(|(name, zip)| now.get(name) == Some(zip)));
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlites_exports_are_rebuilt() {
    damage_is_seen_and_mended(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_exports_are_rebuilt() {
    damage_is_seen_and_mended(Kind::Postgres).await;
}

/// The next slot is hours away.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_comes_when_it_is_ordered() {
    let site = Site::new("export.period_seconds = 86400").await;
    let server = site.start().await;
    wait_for("the first export", async || {
        (site.published().len() == 1).then_some(())
    })
    .await;
    let key = random_key();
    site.management.issue(["00000001".to_owned()]);
    let body = registration("00000001", &[key]);
    assert_eq!(server.put(&body).await, StatusCode::OK);
    assert_eq!(site.count(&[key]), [0]);
    run(&site, "sesshoku-server exports now");
    wait_for("the export", async || {
        (site.count(&[key]) == [1]).then_some(())
    })
    .await;
}
