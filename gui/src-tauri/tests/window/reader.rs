//! What a screen reader has of the window: the objects that WebKit offers on the bus of
//! AT-SPI.

use std::process::{Command, Stdio};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, try_join_all};
use sesshoku_tests::local::{Place, Process, wait_for};
use tokio::runtime::Runtime;
use zbus::OwnedObjectPath;
use zbus::{Connection, proxy};

use crate::driver::Display;

/// Debian has it here.
const LAUNCHER: &str = "/usr/libexec/at-spi-bus-launcher";
/// AT-SPI's numbers of roles.
const INVALID: u32 = 0;
const UNKNOWN: u32 = 67;
const HEADING: u32 = 83;
const SECTION: u32 = 85;
const DOCUMENT_WEB: u32 = 95;
/// Where an object stands within a text.
const EMBEDDED: char = '\u{fffc}';

/// An object of a program; of no program, where there is none.
#[derive(Clone, Debug, serde::Deserialize, zbus::zvariant::Type)]
struct Reference {
    program: String,
    path: OwnedObjectPath,
}

#[proxy(
    interface = "org.a11y.Bus",
    default_service = "org.a11y.Bus",
    default_path = "/org/a11y/bus"
)]
trait Launcher {
    fn get_address(&self) -> zbus::Result<String>;
}

#[proxy(interface = "org.a11y.atspi.Accessible")]
trait Accessible {
    fn get_child_at_index(&self, index: i32) -> zbus::Result<Reference>;
    fn get_children(&self) -> zbus::Result<Vec<Reference>>;
    fn get_role(&self) -> zbus::Result<u32>;
    fn get_interfaces(&self) -> zbus::Result<Vec<String>>;
    /// 64 bits, of which the lower word comes first.
    fn get_state(&self) -> zbus::Result<Vec<u32>>;
    #[zbus(property)]
    fn child_count(&self) -> zbus::Result<i32>;
    #[zbus(property)]
    fn name(&self) -> zbus::Result<String>;
}

#[proxy(interface = "org.a11y.atspi.Text")]
trait Text {
    fn get_text(&self, start: i32, end: i32) -> zbus::Result<String>;
}

/// An object with all that is in it.
#[derive(Debug)]
pub(crate) struct Object {
    role: u32,
    name: String,
    is_focusable: bool,
    text: String,
    children: Vec<Object>,
}

impl Object {
    /// Everything that is to be read in it, in the order in which it is read.
    pub(crate) fn read(&self) -> String {
        let mut all = format!("{}\n", self.name);
        let mut parts = self.text.split(EMBEDDED);
        let is_interleaved = self.text.matches(EMBEDDED).count() == self.children.len();
        if !is_interleaved {
            all.extend(parts.by_ref());
        }
        for child in &self.children {
            all.push_str(parts.next().unwrap_or_default());
            all.push('\n');
            all.push_str(&child.read());
        }
        all.extend(parts);
        all.push('\n');
        all
    }

    /// What in it takes the focus, but has no name or role to tell what it is.
    pub(crate) fn nameless(&self) -> Vec<String> {
        let all = self.children.iter().flat_map(|child| {
            let is_something = (!child.name.is_empty() || child.role == HEADING)
                && ![INVALID, UNKNOWN, SECTION].contains(&child.role);
            let this = || format!("role {} {:?}: {}", child.role, child.name, child.read());
            let this = (child.is_focusable && !is_something).then(this);
            this.into_iter().chain(child.nameless())
        });
        all.collect()
    }
}

/// A bus of AT-SPI, and whoever listens on it.
pub(crate) struct Reader {
    runtime: Runtime,
    connection: Connection,
    _launcher: Process,
}

impl Reader {
    /// Starts the bus for the windows that are yet to come on `display`, in the session of
    /// `place`.
    pub(crate) fn start(display: &Display, place: &Place) -> anyhow::Result<Self> {
        let mut launcher = Command::new(LAUNCHER);
        launcher
            .arg("--launch-immediately")
            .env("DISPLAY", display.name())
            .env("DBUS_SESSION_BUS_ADDRESS", place.address())
            .env("XDG_RUNTIME_DIR", place.dir())
            .env("HOME", place.dir())
            // Not on the display, where this is not the only session.
            .env("GSETTINGS_BACKEND", "memory")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let launcher = Process::start(&mut launcher)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let session = runtime.block_on(connect(place.address()))?;
        let address = wait_for("the bus of AT-SPI", || {
            Ok(runtime.block_on(address(&session)).ok())
        })?;
        let connection = runtime.block_on(connect(&address))?;
        Ok(Self {
            runtime,
            connection,
            _launcher: launcher,
        })
    }

    /// The page, as it is now.
    pub(crate) fn page(&self) -> anyhow::Result<Object> {
        self.runtime.block_on(async {
            let desktop = accessible(
                &self.connection,
                "org.a11y.atspi.Registry",
                "/org/a11y/atspi/accessible/root",
            )
            .await?;
            for program in desktop.get_children().await? {
                if let Some(page) = self.find_page(program).await? {
                    return self.object(page).await;
                }
            }
            anyhow::bail!("no program shows a page")
        })
    }

    fn find_page(&self, at: Reference) -> BoxFuture<'_, anyhow::Result<Option<Reference>>> {
        async move {
            let object = accessible(&self.connection, &at.program, &at.path).await?;
            if object.get_role().await? == DOCUMENT_WEB {
                return Ok(Some(at));
            }
            // Asked for all children at once, GTK leaves out what another process has put in.
            for index in 0..object.child_count().await? {
                let child = object.get_child_at_index(index).await?;
                if child.program.is_empty() {
                    continue;
                }
                if let Some(found) = self.find_page(child).await? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        }
        .boxed()
    }

    fn object(&self, at: Reference) -> BoxFuture<'_, anyhow::Result<Object>> {
        async move {
            /// AT-SPI's number of the state.
            const FOCUSABLE: u32 = 11;
            let object = accessible(&self.connection, &at.program, &at.path).await?;
            let (role, name, interfaces, state, children) = tokio::try_join!(
                object.get_role(),
                object.name(),
                object.get_interfaces(),
                object.get_state(),
                object.get_children(),
            )?;
            let has_text = interfaces.iter().any(|it| it == "org.a11y.atspi.Text");
            let text = if has_text {
                text(&self.connection, &at).await?
            } else {
                String::new()
            };
            let states = state.first().copied().unwrap_or_default();
            Ok(Object {
                role,
                name,
                is_focusable: states & (1 << FOCUSABLE) != 0,
                text,
                children: try_join_all(children.into_iter().map(|it| self.object(it))).await?,
            })
        }
        .boxed()
    }
}

async fn connect(address: &str) -> zbus::Result<Connection> {
    zbus::connection::Builder::address(address).build().await
}

async fn address(session: &Connection) -> zbus::Result<String> {
    LauncherProxy::new(session).await?.get_address().await
}

async fn accessible(
    connection: &Connection,
    program: &str,
    path: &str,
) -> zbus::Result<AccessibleProxy<'static>> {
    AccessibleProxy::builder(connection)
        .destination(program.to_owned())
        .path(path.to_owned())
        .cache_properties(proxy::CacheProperties::No)
        .build()
        .await
}

async fn text(connection: &Connection, at: &Reference) -> zbus::Result<String> {
    let text = TextProxy::builder(connection)
        .destination(at.program.as_str())
        .path(at.path.as_ref())
        .cache_properties(proxy::CacheProperties::No)
        .build()
        .await?;
    text.get_text(0, -1).await
}
