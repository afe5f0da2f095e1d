//! The real polkitd on the private bus of a [`Place`], with our actions alone.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use anyhow::{Context, ensure};
use nix::unistd::{Uid, User};
use zbus::{Connection, Variant, fdo, interface, proxy};

use crate::local::{Place, Process, program, root, wait_for};

const POLKITD: &str = "/usr/lib/polkit-1/polkitd";
const AGENT: &str = "/test/agent";

/// Somebody on the machine: the bus and polkit want them to have an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their user id.
    pub uid: u32,
}

impl Person {
    /// Runs `sesshoku` as this person.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn sesshoku(self, place: &Place, arguments: &[&str]) -> anyhow::Result<Output> {
        self.prepare(place, arguments)?.go()
    }

    /// The same, held back until [`Prepared::go`].
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn prepare(self, place: &Place, arguments: &[&str]) -> anyhow::Result<Prepared> {
        // Where it was built, others may not look.
        let copy = place.dir().join("sesshoku");
        if !copy.exists() {
            // By a program of its own: what another test starts while this process has the
            // copy open for writing has it open, too, and nobody can run it ("text file
            // busy").
            let copied = Command::new("install")
                .arg("--mode=755")
                .arg(program("sesshoku")?)
                .arg(&copy)
                .status()?;
            ensure!(copied.success(), "install: {copied}");
        }
        let mut command = Command::new("sh");
        command
            .args(["-c", "read -r go && exec \"$@\" </dev/null", "sh"])
            .arg(copy)
            .args(["--bus", place.address()])
            .args(arguments)
            .uid(self.uid)
            .gid(self.uid)
            .env_clear()
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(Prepared(command.spawn()?))
    }
}

/// A program that waits to be let go.
#[derive(Debug)]
pub struct Prepared(Child);

impl Prepared {
    /// Lets it go, and waits for its end.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn go(mut self) -> anyhow::Result<Output> {
        let mut stdin = self.0.stdin.take().context("no standard input")?;
        stdin.write_all(b"go\n")?;
        drop(stdin);
        Ok(self.0.wait_with_output()?)
    }

    fn id(&self) -> u32 {
        self.0.id()
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

/// Starts polkitd on the bus of `place`, with our actions alone, and a rule by which
/// `trusted` may do everything. Nobody has a session; logind is not there.
///
/// It reads all of it from folders that only it sees.
///
/// # Errors
/// When it does not start.
pub fn start(place: &Place, trusted: Person) -> anyhow::Result<Process> {
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
    let user = User::from_uid(Uid::from_raw(trusted.uid))?.context("no such user")?;
    fs::write(
        rules.join("trusted.rules"),
        format!(
            "polkit.addRule(function (action, subject) {{
                 if (subject.user == '{}') return polkit.Result.YES;
             }});",
            user.name
        ),
    )?;
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
    /// An agent of a program, whose user knows the password.
    ///
    /// # Errors
    /// When polkit does not take it.
    pub async fn start(place: &Place, program: &Prepared) -> anyhow::Result<Self> {
        let asked = Arc::new(AtomicU32::new(0));
        let knows_it = Arc::new(AtomicBool::new(true));
        let dialog = Dialog {
            uid: fs::metadata(format!("/proc/{}", program.id()))?.uid(),
            asked: Arc::clone(&asked),
            knows_it: Arc::clone(&knows_it),
        };
        let connection = zbus::connection::Builder::address(place.address())
            .serve_at(AGENT, dialog)
            .build()
            .await?;
        let stat = fs::read_to_string(format!("/proc/{}/stat", program.id()))?;
        // The 22nd field (proc(5)), counted from behind the name.
        let after_name = stat.rsplit_once(')').context("stat")?.1;
        let started = after_name.split_whitespace().nth(19).context("stat")?;
        let process = HashMap::from([
            ("pid", Variant::from(program.id())),
            ("start-time", Variant::from(started.parse::<u64>()?)),
        ]);
        let authority = AuthorityProxy::new(&connection).await?;
        authority
            .register_authentication_agent(&("unix-process", process), "C", AGENT)
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
    /// Whose program is asked for.
    uid: u32,
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
            // polkit 122 wants to hear the user who registered the agent, 126 the one whose
            // process it is for.
            if authority.respond(0, &cookie, &root).await.is_err() {
                authority.respond(self.uid, &cookie, &root).await?;
            }
        }
        Ok(())
    }

    fn cancel_authentication(&self, _cookie: String) {}
}
