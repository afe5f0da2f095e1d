//! The real polkitd on the private bus of a [`Place`], with our actions alone.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use anyhow::ensure;
use zbus::{Connection, Variant, fdo, interface, proxy};

use crate::local::{Place, Process, program, root, wait_for};

const POLKITD: &str = "/usr/lib/polkit-1/polkitd";
const AGENT: &str = "/test/agent";

/// Somebody on the machine, with a session of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their user id.
    pub uid: u32,
    /// Whether they sit in front of it.
    pub is_active: bool,
}

impl Person {
    fn session(self) -> String {
        format!("s{}", self.uid)
    }

    /// Runs `sesshoku` as this person.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn sesshoku(self, place: &Place, arguments: &[&str]) -> anyhow::Result<Output> {
        // Where it was built, others may not look.
        let copy = place.dir().join("sesshoku");
        if !copy.exists() {
            fs::copy(program("sesshoku")?, &copy)?;
            fs::set_permissions(&copy, Permissions::from_mode(0o755))?;
        }
        let mut command = Command::new(copy);
        command
            .args(["--bus", place.address()])
            .args(arguments)
            .uid(self.uid)
            .gid(self.uid)
            .env_clear()
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        Ok(command.output()?)
    }
}

/// Whether polkitd can be run here: that takes root, and a mount namespace.
pub fn is_possible() -> bool {
    let mount = Command::new("unshare")
        .args(["--mount", "mount", "-t", "tmpfs", "none", "/run"])
        .stderr(Stdio::null())
        .status();
    nix::unistd::geteuid().is_root()
        && PathBuf::from(POLKITD).exists()
        && mount.is_ok_and(|status| status.success())
}

/// Starts polkitd on the bus of `place`, on a machine where `people` have sessions.
///
/// It reads sessions where logind would have put them, and the actions, from folders
/// that only it sees.
///
/// # Errors
/// When it does not start.
pub fn start(place: &Place, people: &[Person]) -> anyhow::Result<Process> {
    let actions = place.dir().join("actions");
    let rules = place.dir().join("rules");
    let logind = place.dir().join("logind");
    for dir in [&actions, &rules, &logind] {
        fs::create_dir(dir)?;
    }
    for dir in ["seats", "sessions", "users", "machines"] {
        fs::create_dir(logind.join(dir))?;
    }
    fs::copy(
        root().join("packaging/polkit/org.sesshoku.policy"),
        actions.join("org.sesshoku.policy"),
    )?;
    let mut seat = String::from("IS_SEAT0=1\n");
    for person in people {
        let (uid, session) = (person.uid, person.session());
        let (state, active) = if person.is_active {
            writeln!(seat, "ACTIVE={session}\nACTIVE_UID={uid}")?;
            ("active", 1)
        } else {
            ("online", 0)
        };
        fs::write(
            logind.join("sessions").join(&session),
            format!(
                "UID={uid}\nACTIVE={active}\nSTATE={state}\nREMOTE=0\nSEAT=seat0\nTYPE=x11\nCLASS=user\n"
            ),
        )?;
        fs::write(
            logind.join("users").join(uid.to_string()),
            format!("STATE={state}\nDISPLAY={session}\nSESSIONS={session}\n"),
        )?;
    }
    fs::write(logind.join("seats/seat0"), seat)?;
    let script = "mount --bind \"$1\" /usr/share/polkit-1/actions
        mount --bind \"$2\" /usr/share/polkit-1/rules.d
        mount -t tmpfs none /run
        mkdir /run/systemd
        mount --bind \"$3\" /run/systemd
        exec \"$4\" --no-debug";
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-ec", script, "sh"])
        .args([&actions, &rules, &logind])
        .arg(POLKITD)
        .env("DBUS_SYSTEM_BUS_ADDRESS", place.address())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut polkitd = Process::start(&mut command)?;
    wait_for("polkitd", || {
        ensure!(polkitd.is_running()?, "polkitd ended");
        let status = Command::new("dbus-send")
            .arg(format!("--bus={}", place.address()))
            .args(["--print-reply", "--dest=org.freedesktop.PolicyKit1"])
            .args(["/", "org.freedesktop.DBus.Peer.Ping"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        Ok(status.success().then_some(()))
    })?;
    Ok(polkitd)
}

#[proxy(
    interface = "org.freedesktop.PolicyKit1.Authority",
    default_service = "org.freedesktop.PolicyKit1",
    default_path = "/org/freedesktop/PolicyKit1/Authority"
)]
trait Authority {
    fn register_authentication_agent(
        &self,
        subject: &(&str, HashMap<&str, Variant<'_>>),
        locale: &str,
        path: &str,
    ) -> zbus::Result<()>;

    #[zbus(name = "AuthenticationAgentResponse2")]
    fn respond(
        &self,
        uid: u32,
        cookie: &str,
        identity: &(&str, HashMap<&str, Variant<'_>>),
    ) -> zbus::Result<()>;
}

/// What asks a person for the administrator's password, and here decides by itself
/// whether it was right.
#[derive(Debug)]
pub struct Agent {
    _connection: Connection,
    asked: Arc<AtomicU32>,
    knows_it: Arc<AtomicBool>,
}

impl Agent {
    /// An agent of `person`'s session, who knows the password.
    ///
    /// # Errors
    /// When polkit does not take it.
    pub async fn start(place: &Place, person: Person) -> anyhow::Result<Self> {
        let asked = Arc::new(AtomicU32::new(0));
        let knows_it = Arc::new(AtomicBool::new(true));
        let dialog = Dialog {
            asked: Arc::clone(&asked),
            knows_it: Arc::clone(&knows_it),
        };
        let connection = zbus::connection::Builder::address(place.address())
            .serve_at(AGENT, dialog)
            .build()
            .await?;
        let session = HashMap::from([("session-id", Variant::from(person.session()))]);
        let authority = AuthorityProxy::new(&connection).await?;
        authority
            .register_authentication_agent(&("unix-session", session), "C", AGENT)
            .await?;
        Ok(Self {
            _connection: connection,
            asked,
            knows_it,
        })
    }

    /// How often the person was asked.
    pub fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    /// From here on the password is wrong.
    pub fn forget_password(&self) {
        self.knows_it.store(false, Ordering::SeqCst);
    }
}

struct Dialog {
    asked: Arc<AtomicU32>,
    knows_it: Arc<AtomicBool>,
}

#[interface(name = "org.freedesktop.PolicyKit1.AuthenticationAgent")]
impl Dialog {
    #[expect(clippy::too_many_arguments, reason = "as polkit specifies it")]
    async fn begin_authentication(
        &self,
        _action: String,
        _message: String,
        _icon: String,
        _details: HashMap<String, String>,
        cookie: String,
        _identities: Vec<(String, HashMap<String, zbus::OwnedVariant>)>,
        #[zbus(connection)] connection: &Connection,
    ) -> fdo::Result<()> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.knows_it.load(Ordering::SeqCst) {
            let root = ("unix-user", HashMap::from([("uid", Variant::from(0_u32))]));
            let authority = AuthorityProxy::new(connection).await?;
            authority.respond(0, &cookie, &root).await?;
        }
        Ok(())
    }

    fn cancel_authentication(&self, _cookie: String) {}
}
