//! The whole story, with every program there is: people meet in a room, one of them
//! is issued a 処理番号, registers as positive, and who was near is told.

use std::fs;

use anyhow::{Context, ensure};
use sesshoku_tests::local::wait_for;
use sesshoku_tests::room::{Device, OPENING, Room, SHOP};
use sesshoku_tests::servers::Servers;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

const MAIL: &str = "positive.person@mail.example";

#[test]
fn who_was_near_is_told_and_nobody_else() -> anyhow::Result<()> {
    let room = Room::open(&format!("noise_db = 2\n{SHOP}"), 1_200.0)?;
    let dir = room.dir().join("servers");
    let mut servers = Servers::start(&dir, &room.clock(), "period_seconds = 3600")?;
    let config = servers.daemon_config();
    let [positive, near, far] = ["positive", "near", "far"].map(|name| room.enter(name, &config));
    let (positive, near, far) = (positive?, near?, far?);
    positive.wait_until(OPENING + 2 * HOUR)?;
    assert_eq!(verdict(&near)?, "none", "nobody has registered yet");

    servers.issue_to(MAIL)?;
    let number = servers.mailed_number(MAIL)?;
    let wrong = if number == "00000000" {
        "00000001"
    } else {
        "00000000"
    };
    let refused = positive.register(wrong)?;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let done = positive.register(&number)?;
    ensure!(
        done.status.success(),
        "{done:?}\n{}",
        servers.log("notification")
    );

    // The keys may go out when the last of them has been off the air for two hours.
    let contacts = wait_for("the contact", || {
        let contacts = near.place.json(&["contacts"])?;
        Ok((contacts["verdict"] == "contact").then_some(contacts))
    })
    .with_context(|| near.place.log())?;
    let days = contacts["contacts"].as_array().context("contacts")?;
    assert_eq!(days.len(), 1, "{contacts}");
    assert_eq!(days[0]["date"], "2023-11-15", "{contacts}");
    let seconds = days[0]["seconds"].as_u64().context("seconds")?;
    assert!((15 * MINUTE..=25 * MINUTE).contains(&seconds), "{contacts}");
    far.wait_until(near.time()? + 2 * HOUR)?;
    assert_eq!(verdict(&far)?, "none", "who was far away was not near");

    // The number is used up.
    let again = far.register(&number)?;
    assert_eq!(again.status.code(), Some(1), "{again:?}");

    for device in [positive, near, far] {
        let place = device.end()?;
        for secret in [number.as_str(), MAIL] {
            ensure!(!place.log().contains(secret), "a device's log has {secret}");
        }
        assert_nowhere(&place.state_dir(), &number)?;
    }
    servers.end()?;
    for file in servers.files()? {
        let bytes = fs::read(&file)?;
        for secret in [number.as_bytes(), MAIL.as_bytes(), b"positive.person"] {
            ensure!(
                !contains(&bytes, secret),
                "{} has {:?}",
                file.display(),
                String::from_utf8_lossy(secret)
            );
        }
    }
    Ok(())
}

fn verdict(device: &Device) -> anyhow::Result<String> {
    let checked = device.place.sesshoku(&["check"])?;
    ensure!(
        checked.status.success(),
        "{checked:?}\n{}",
        device.place.log()
    );
    let contacts = device.place.json(&["contacts"])?;
    Ok(contacts["verdict"].as_str().context("verdict")?.to_owned())
}

fn assert_nowhere(dir: &std::path::Path, secret: &str) -> anyhow::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_file() {
            let found = contains(&fs::read(&path)?, secret.as_bytes());
            ensure!(!found, "{} has the number", path.display());
        }
    }
    Ok(())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
