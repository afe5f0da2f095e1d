//! What a download takes of this server, beside nginx with the same folder, core and load.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use sesshoku_tests::document::Table;
use sesshoku_tests::local::{Process, wait_for};
use sesshoku_tests::servers::{free_addresses, nginx_user};

use crate::load::{self, Load, What};
use crate::site::{CORE, Cpu, Site, run};
use crate::usage::{Of, cpu_seconds};

/// Where distributions have nginx.
const PLACES: [&str; 2] = ["/usr/sbin/nginx", "/usr/bin/nginx"];
/// Each of these is downloaded again and again.
const FILES: [(&str, &str); 2] = [("list.json", "list.json"), ("a zip", "1.zip")];

/// Downloads what `site` has published, each file for `seconds`, whole and unchanged; gives
/// what that took, and the CPU time for a whole list and for a whole zip.
pub(crate) fn compare(
    site: &Site,
    seconds: u32,
    is_trial: bool,
) -> anyhow::Result<(Table, [Cpu; 2])> {
    let mut table = Table::new(&[
        "request",
        "bytes of the file",
        "CPU µs: sesshoku-server",
        "nginx",
        "as much as nginx",
    ]);
    let dir = site.path("nginx");
    let nginx = start_nginx(&dir, &site.path("public"))?;
    let mut whole = [Cpu::default(); 2];
    for (whole, (what, file)) in whole.iter_mut().zip(FILES) {
        let path = format!("/c19r/440/{file}");
        let bytes = fs::metadata(site.path(&format!("public{path}")))?.len();
        for (status, how) in [(200, ""), (304, ", unchanged")] {
            let load = |server: &str| -> anyhow::Result<Load<'_>> {
                let url = format!("{server}{path}");
                let headers = match status {
                    304 => vec![format!("If-None-Match: {}", etag(&url)?)],
                    _ => Vec::new(),
                };
                Ok(Load {
                    url,
                    method: "GET",
                    headers,
                    status,
                    connections: 64,
                    what: What::For(seconds),
                })
            };
            let ours = site.measure(&load(&site.notification_url)?)?;
            ensure!(
                is_trial || ours.notification_memory.is_flat(),
                "{what}{how}: the server grows"
            );
            if status == 200 {
                *whole = ours.cpu;
            }
            let ours = ours.cpu.notification;
            let mut cells = vec![
                format!("{what}{how}"),
                bytes.to_string(),
                format!("{:.0}", ours * 1e6),
            ];
            match &nginx {
                Some((nginx, url)) => {
                    let before = cpu_seconds(nginx.id(), Of::Itself)?;
                    let outcome = load::send(&load(url)?, &dir)?;
                    let after = cpu_seconds(nginx.id(), Of::Itself)?;
                    let theirs = (after - before) / outcome.requests;
                    cells.push(format!("{:.0}", theirs * 1e6));
                    cells.push(format!("{:.1}", ours / theirs));
                }
                None => cells.extend(["not here".to_owned(), "–".to_owned()]),
            }
            table.row(cells);
        }
    }
    Ok((table, whole))
}

/// By what a server knows that a file is unchanged.
fn etag(url: &str) -> anyhow::Result<String> {
    let output = run(Command::new("curl").args(["--silent", "--fail", "--head", url]))?;
    let head = String::from_utf8(output.stdout)?;
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    let etag = headers.find(|(name, _)| name.eq_ignore_ascii_case("etag"));
    Ok(etag.context("no ETag")?.1.trim().to_owned())
}

/// nginx as one process on the servers' core, which hands out `root` as Debian's
/// configuration would, without writing down who asked; `None` where it is not installed.
fn start_nginx(dir: &Path, root: &Path) -> anyhow::Result<Option<(Process, String)>> {
    fs::create_dir(dir)?;
    let Some(program) = PLACES.iter().map(Path::new).find(|it| it.exists()) else {
        return Ok(None);
    };
    let [address] = free_addresses()?;
    let shown = dir.display();
    let config = dir.join("nginx.conf");
    let user = nginx_user();
    fs::write(
        &config,
        format!(
            "daemon off; master_process off; pid {shown}/pid; error_log {shown}/log; {user}
             events {{ worker_connections 1024; }}
             http {{
                 access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
                 client_body_temp_path {shown}/body; proxy_temp_path {shown}/proxy;
                 fastcgi_temp_path {shown}/fastcgi; uwsgi_temp_path {shown}/uwsgi;
                 scgi_temp_path {shown}/scgi;
                 types {{ application/json json; application/zip zip; }}
                 server {{ listen {address}; root {}; }}
             }}",
            root.display()
        ),
    )?;
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", CORE]).arg(program);
    command.arg("-p").arg(dir).arg("-c").arg(&config);
    let mut process = Process::start(command.stdin(Stdio::null()))?;
    wait_for("nginx to answer", || {
        ensure!(
            process.is_running()?,
            "nginx has ended: {}",
            fs::read_to_string(dir.join("log")).unwrap_or_default()
        );
        Ok(TcpStream::connect(address).ok())
    })?;
    Ok(Some((process, format!("http://{address}"))))
}
