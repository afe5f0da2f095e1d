//! The first run of docs/server.md as it stands there, from nothing to a device that is told
//! of a contact.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use nix::sys::signal::Signal;
use sesshoku_tests::local::{Process, program, root, wait_for};
use sesshoku_tests::room::{OPENING, Room, SHOP};
use sesshoku_tests::servers::{free_addresses, issue, number_in};

const HOUR: u64 = 3600;
const MAIL: &str = "positive.person@mail.example";

/// The block of the section that follows `intro`.
fn block(page: &str, intro: &str) -> anyhow::Result<String> {
    let (_, rest) = page.split_once(intro).context("the page does not say so")?;
    let lines = rest.lines().skip_while(|line| !line.starts_with("    "));
    let block = lines.map_while(|line| line.strip_prefix("    "));
    Ok(block.collect::<Vec<_>>().join("\n"))
}

/// A command of the page, run in `dir` with the programs under test, at the room's time.
fn command(line: &str, dir: &Path, room: &Room) -> anyhow::Result<Command> {
    let program = program("sesshoku-server")?;
    let path = program.parent().context("a folder")?.display();
    let mut command = Command::new("sh");
    command
        .args(["-euc", &format!("exec {line}")])
        .current_dir(dir)
        .env("PATH", format!("{path}:/usr/bin:/bin"))
        .env("SESSHOKU_NOTIFICATION_EXPORT__PERIOD_SECONDS", "3600")
        .stdin(Stdio::null());
    for role in ["NOTIFICATION", "MANAGEMENT"] {
        let name = format!("SESSHOKU_{role}_CLOCK__ROOM");
        command.env(name, room.socket());
    }
    Ok(command)
}

fn run(line: &str, dir: &Path, room: &Room) -> anyhow::Result<String> {
    let output = command(line, dir, room)?.output()?;
    ensure!(output.status.success(), "{line}: {output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

/// Starts what the page starts in the background; it answers at `address`.
fn start(line: &str, dir: &Path, room: &Room, address: SocketAddr) -> anyhow::Result<Process> {
    let log = dir.join(format!("{}.log", address.port()));
    let mut command = command(line, dir, room)?;
    command.stderr(File::create(&log)?);
    let mut process = Process::start(&mut command)?;
    wait_for("the server to answer", || {
        if !process.is_running()? {
            bail!("{line} has ended: {}", fs::read_to_string(&log)?);
        }
        Ok(TcpStream::connect(address).ok())
    })?;
    Ok(process)
}

#[test]
fn the_first_run_leads_to_a_contact() -> anyhow::Result<()> {
    let page = fs::read_to_string(root().join("docs/server.md"))?;
    let room = Room::open(&format!("noise_db = 2\n{SHOP}"), 1_200.0)?;
    let dir = room.dir();
    let addresses: [SocketAddr; 4] = free_addresses()?;
    let [notification, management, ..] = addresses;
    let mut servers = Vec::new();
    for line in block(&page, "## The first run")?.lines() {
        match line.strip_suffix(" &") {
            None => drop(run(line, dir, &room)?),
            Some(line) if line.contains("server management") => {
                servers.push(start(line, dir, &room, management)?);
            }
            Some(line) => servers.push(start(line, dir, &room, notification)?),
        }
        if line.contains(" init ") {
            // Other tests may be at the samples' addresses.
            for file in ["notification", "management"] {
                let path = dir.join(format!("servers/{file}.toml"));
                let mut config = fs::read_to_string(&path)?
                    .replace("#listen = ", "listen = ")
                    .replace(
                        "#url = \"http://127.0.0.1:8081/\"",
                        "url = \"http://127.0.0.1:8081/\"",
                    );
                for (port, address) in [8080, 8081, 9080, 9081].iter().zip(addresses) {
                    let sample = format!("127.0.0.1:{port}");
                    config = config.replace(&sample, &address.to_string());
                }
                fs::write(path, config)?;
            }
        }
    }
    ensure!(servers.len() == 2, "the page starts both");

    let pinned = dir.join("servers/signing-key.pub.pem");
    let config = block(&page, "Devices on this machine are told")?
        .replace("127.0.0.1:8080", &notification.to_string())
        .replace(
            "/path/to/servers/signing-key.pub.pem",
            &pinned.display().to_string(),
        );
    let config = format!("{config}\ninterval_seconds = 3600\nfresh_within_hours = 0\n");
    let [positive, near, far] = ["positive", "near", "far"].map(|name| room.enter(name, &config));
    let (positive, near, far) = (positive?, near?, far?);
    positive.wait_until(OPENING + 2 * HOUR)?;

    let account = "sesshoku-server account --config servers/management.toml token worker";
    let printed = run(account, dir, &room)?;
    let token = printed.split_whitespace().max_by_key(|word| word.len());
    issue(management, token.context("no token was printed")?, MAIL)?;
    let number = wait_for("the mail", || {
        for entry in fs::read_dir(dir.join("servers/mail"))? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "eml") {
                return number_in(&fs::read_to_string(path)?).map(Some);
            }
        }
        Ok(None)
    })?;
    let done = positive.register(&number)?;
    ensure!(done.status.success(), "{done:?}");
    wait_for("the contact", || {
        let contacts = near.place.json(&["contacts"])?;
        Ok((contacts["verdict"] == "contact").then_some(()))
    })
    .with_context(|| near.place.log())?;
    let contacts = far.place.json(&["contacts"])?;
    ensure!(contacts["verdict"] != "contact", "{contacts}");

    for device in [positive, near, far] {
        device.end()?;
    }
    for mut server in servers {
        server.signal(Signal::SIGTERM)?;
        let code = server.wait()?;
        ensure!(code == Some(0), "a server ended with {code:?}");
    }
    Ok(())
}
