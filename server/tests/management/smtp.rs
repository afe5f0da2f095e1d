//! A real SMTP server (aiosmtpd) as a process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde::Deserialize;

/// How long a mail may take.
const MAIL_TIME_MAX: Duration = Duration::from_secs(20);
/// The one who may use the server that wants a password.
pub(crate) const USER: &str = "worker";
pub(crate) const PASSWORD: &str = "open sesame";

/// A running server. It ends when it is dropped.
pub(crate) struct Smtp {
    process: Child,
    pub(crate) port: u16,
    mails: Receiver<Mail>,
}

/// A mail as the server took it.
#[derive(Debug, Deserialize)]
pub(crate) struct Mail {
    pub(crate) to: Vec<String>,
    pub(crate) tls: bool,
    pub(crate) signed_in: bool,
    pub(crate) subject: String,
    pub(crate) auto_submitted: String,
    pub(crate) text: String,
}

impl Smtp {
    pub(crate) fn plain() -> Self {
        Self::start("plain", None)
    }

    /// Encrypted by `kind`, with the certificate and key that [`certificate`] made.
    pub(crate) fn encrypted(kind: &str, dir: &Path) -> Self {
        Self::start(kind, Some(dir))
    }

    fn start(kind: &str, dir: Option<&Path>) -> Self {
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/management/smtp_server.py"
        );
        let mut command = Command::new(python());
        command
            .args([script, kind])
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if let Some(dir) = dir {
            command.args([dir.join("cert.pem"), dir.join("key.pem")]);
        }
        let mut process = command.spawn().unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let mut port = String::new();
        out.read_line(&mut port).unwrap();
        let (sender, mails) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = sender.send(serde_json::from_str(&line).unwrap());
            }
        });
        Self {
            process,
            port: port
                .trim()
                .parse()
                .expect("the SMTP server prints its port"),
            mails,
        }
    }

    /// The next mail.
    pub(crate) fn mail(&self) -> Mail {
        self.mails
            .recv_timeout(MAIL_TIME_MAX)
            .expect("a mail arrives")
    }

    /// A mail that is here already.
    pub(crate) fn another_mail(&self) -> Option<Mail> {
        self.mails.try_recv().ok()
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Mail {
    /// The number in it.
    pub(crate) fn number(&self) -> String {
        number_in(&self.text)
    }
}

/// The only number in a text, which is there in groups of four, and in a link.
pub(crate) fn number_in(text: &str) -> String {
    sesshoku_tests::servers::number_in_text(text).unwrap()
}

/// Makes a certificate for loopback, that vouches for itself.
pub(crate) fn certificate(dir: &Path) -> PathBuf {
    let certificate = dir.join("cert.pem");
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-subj", "/CN=test", "-addext", "basicConstraints=CA:FALSE"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-keyout"])
        .arg(dir.join("key.pem"))
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success(), "openssl: {made}");
    certificate
}

/// A Python that has aiosmtpd: Debian's own, where another one comes first.
fn python() -> &'static str {
    let has_it = |python: &&str| {
        Command::new(python)
            .args(["-c", "import aiosmtpd"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    ["python3", "/usr/bin/python3"]
        .into_iter()
        .find(has_it)
        .expect("Python has aiosmtpd (scripts/setup test)")
}
