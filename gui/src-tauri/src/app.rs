//! The window: commands of the page go to the controller, changes to the page.

use std::io::{self, Read};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use clap::Parser;
use gaen::registration::ProcessingNumber;
use gtk::prelude::{AppLaunchContextExt, GtkWindowExt};
use sesshoku_session::{DIRECTORY_FILE, OPERATOR_FILE, preferences_file};
use tauri::{AppHandle, Emitter, Manager, State, Url, WebviewUrl, WebviewWindowBuilder};
use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt, WebViewExt};
use zeroize::Zeroizing;

use crate::controller::{Bus, Change, Controller, Places};
use crate::failure::Failure;
use crate::gl;
use crate::instance::{self, Request};
use crate::model::{Choice, Environment, Exposure, Guidance, Status};

/// The only window.
const WINDOW: &str = "main";
/// The page that a link with a processing number opens.
const REGISTER: &str = "register";
/// No link is longer.
const LINK_LEN_MAX: u64 = 256;
/// Schemes of addresses that are handed to other programs: a call or a mail.
const OUTSIDE: [&str; 2] = ["tel", "mailto"];
/// What GTK and WebKit read from the environment when they start; who sets it otherwise
/// keeps it. Other programs that the window starts do not get it.
const ENVIRONMENT: [(&str, &str); 3] = [
    // The page's scripts do little: compiled while they run they are no faster, and take
    // more memory, which then has to be writable and executable.
    ("JSC_useJIT", "0"),
    // Nothing is drawn with GL (`open`), but its driver is loaded to see what it can do:
    // by GTK, and by WebKit for how the page's process would hand over what it drew.
    ("GDK_GL", "disable"),
    ("WEBKIT_DISABLE_DMABUF_RENDERER", "1"),
];

/// Contact confirming for Linux: the window.
#[derive(Debug, Parser)]
#[command(name = "sesshoku-gui", version)]
pub struct Options {
    /// The bus the daemon is on: system, session, or a D-Bus address.
    #[arg(long, env = "SESSHOKU_BUS", default_value = "system")]
    bus: Bus,
    /// The page to show first.
    #[arg(long, default_value = "", hide_default_value = true, value_parser = ["", "home", "result"])]
    page: String,
    /// The link with a processing number (sesshoku://register/…) that a message carries: the
    /// number is filled in where registering asks for it.
    #[arg(value_name = "LINK")]
    pub link: Option<String>,
    /// The same, on standard input: arguments can be seen by others on this machine for as
    /// long as the program runs.
    #[arg(long, hide = true, conflicts_with = "link")]
    link_from_stdin: bool,
    /// The contacts by prefecture; without that file there are only samples.
    #[arg(long, env = "SESSHOKU_DIRECTORY", default_value = DIRECTORY_FILE, value_name = "FILE")]
    directory: PathBuf,
    /// The file that names who runs the service.
    #[arg(long, env = "SESSHOKU_OPERATOR", default_value = OPERATOR_FILE, value_name = "FILE")]
    operator: PathBuf,
    /// Where results are exported to; by default the folder for downloads.
    #[arg(long, env = "SESSHOKU_EXPORT_DIR", value_name = "FOLDER")]
    export_dir: Option<PathBuf>,
}

impl FromStr for Bus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "system" => Ok(Self::System),
            "session" => Ok(Self::Session),
            address if address.contains(':') => Ok(Self::Address(address.to_owned())),
            _ => Err("neither `system` nor `session` nor an address such as `unix:path=…`".into()),
        }
    }
}

/// Shows the window until it is closed. A second one shows the first and is gone.
///
/// # Errors
/// When there is no display, or no home to keep anything in.
pub fn run(options: Options) -> anyhow::Result<()> {
    let places = Places {
        preferences: preferences_file(|name| std::env::var(name).ok())
            .context("there is no home folder")?,
        directory: options.directory,
        operator: options.operator,
        export_dir: options.export_dir.unwrap_or_else(download_dir),
    };
    let controller = Arc::new(Controller::new(options.bus, places));
    for (name, value) in ENVIRONMENT {
        gtk::glib::setenv(name, value, false)?;
    }
    gl::do_without()?;
    let (page, number) = if options.link_from_stdin {
        (REGISTER.to_owned(), linked_by(io::stdin().lock()))
    } else {
        (options.page, None)
    };
    let request = Request::of_environment(page.clone(), |name| std::env::var(name).ok());
    let request = Request { number, ..request };
    let first = tauri::async_runtime::block_on(instance::first(&request))
        .context("the window that is open does not answer")?;
    let Some(mut first) = first else {
        return Ok(());
    };
    // Tauri would panic.
    gtk::init().context("there is no display: neither WAYLAND_DISPLAY nor DISPLAY leads to one")?;
    tauri::Builder::default()
        .manage(Arc::clone(&controller))
        .manage(Wanted(Mutex::new(page)))
        .manage(Linked(Mutex::new(request.number)))
        .invoke_handler(tauri::generate_handler![
            status,
            agree,
            withdraw,
            check,
            exposure,
            register,
            retry,
            forget,
            start_service,
            turn_bluetooth_on,
            restart_bluetooth,
            hide_bluetooth,
            export,
            exported,
            delete_exported,
            guidance,
            environment,
            choose,
            wanted_page,
            linked_number,
            close,
        ])
        .setup(move |app| {
            let handle = app.handle().clone();
            open(&handle)?;
            let shown = handle.clone();
            tauri::async_runtime::spawn(async move {
                loop {
                    show(&shown, first.asked().await);
                }
            });
            let (follower, told) = (Arc::clone(&controller), handle.clone());
            tauri::async_runtime::spawn(async move {
                follower.follow(|change| tell(&told, &change)).await
            });
            let follower = Arc::clone(&controller);
            tauri::async_runtime::spawn(async move {
                let tell = |change| tell(&handle, &change);
                follower.follow_desktop(tell).await
            });
            Ok(())
        })
        .run(tauri::generate_context!())?;
    Ok(())
}

/// The page that was asked for last, for a page that does not listen yet.
struct Wanted(Mutex<String>);

/// The number of the link that was opened last, until the page has taken it.
struct Linked(Mutex<Option<ProcessingNumber>>);

/// The number in the link that `input` has; `None` where it is no such link.
fn linked_by(input: impl Read) -> Option<ProcessingNumber> {
    let mut link = Zeroizing::new(String::with_capacity(512));
    input.take(LINK_LEN_MAX).read_to_string(&mut link).ok()?;
    ProcessingNumber::from_link(&link)
}

fn open(handle: &AppHandle) -> tauri::Result<()> {
    let url = WebviewUrl::App("index.html".into());
    let window = WebviewWindowBuilder::new(handle, WINDOW, url)
        .title("Sesshoku")
        .inner_size(360.0, 720.0)
        .min_inner_size(240.0, 240.0)
        .on_navigation(stays_here)
        .build()?;
    window.with_webview(|webview| {
        let webview = webview.inner();
        if let Some(settings) = WebViewExt::settings(&webview) {
            // A page of text needs no graphics processor, whose drivers take a third of
            // the memory and half of the time until something shows.
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
    })
}

/// Whether the page may go there by itself. Nothing is loaded from outside; a call or
/// a mail is handed to the program for it.
fn stays_here(url: &Url) -> bool {
    if OUTSIDE.contains(&url.scheme()) {
        let context = gtk::gio::AppLaunchContext::new();
        for (name, _) in ENVIRONMENT {
            context.unsetenv(name);
        }
        // Where no program takes it, the number is still there to be read.
        let _ = gtk::gio::AppInfo::launch_default_for_uri(url.as_str(), Some(&context));
        return false;
    }
    url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost")
}

impl Wanted {
    fn set(&self, page: &str) {
        page.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn get(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Linked {
    fn set(&self, number: Option<ProcessingNumber>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = number;
    }

    fn take(&self) -> Option<ProcessingNumber> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Brings the window to the front, on the page that is asked for.
fn show(handle: &AppHandle, request: Request) {
    let Some(window) = handle.get_webview_window(WINDOW) else {
        return;
    };
    if request.number.is_some() {
        handle.state::<Linked>().set(request.number);
    }
    if !request.page.is_empty() {
        handle.state::<Wanted>().set(&request.page);
        let _ = window.emit("page", request.page);
    }
    let present = move || {
        let Ok(window) = window.gtk_window() else {
            return;
        };
        if !request.token.is_empty() {
            window.set_startup_id(&request.token);
        }
        window.deiconify();
        window.present();
    };
    // A program that is ending has no window left to show.
    let _ = handle.run_on_main_thread(present);
}

fn tell(handle: &AppHandle, change: &Change) {
    // A page that is gone need not be told.
    let _ = match change {
        Change::Status(status) => handle.emit("status", status),
        Change::Exposure => handle.emit("exposure", ()),
        Change::Notifier => handle.emit("notifier", ()),
    };
}

fn download_dir() -> PathBuf {
    gtk::glib::user_special_dir(gtk::glib::UserDirectory::Downloads)
        .unwrap_or_else(gtk::glib::home_dir)
}

type Shared<'a> = State<'a, Arc<Controller>>;

#[tauri::command]
async fn status(controller: Shared<'_>) -> Result<Status, Failure> {
    Ok(controller.status().await)
}

#[tauri::command]
async fn agree(controller: Shared<'_>, version: String) -> Result<(), Failure> {
    controller.agree(&version).await
}

#[tauri::command]
async fn withdraw(controller: Shared<'_>) -> Result<(), Failure> {
    controller.withdraw().await
}

#[tauri::command]
async fn check(controller: Shared<'_>) -> Result<String, Failure> {
    controller.check().await
}

#[tauri::command]
async fn exposure(controller: Shared<'_>, looks: bool) -> Result<Exposure, Failure> {
    controller.exposure(looks).await
}

#[tauri::command]
async fn register(
    controller: Shared<'_>,
    version: String,
    has_symptoms: bool,
    date: String,
    number: String,
) -> Result<(), Failure> {
    controller
        .register(&version, has_symptoms, &date, &number)
        .await
}

#[tauri::command]
async fn retry(controller: Shared<'_>) -> Result<(), Failure> {
    controller.retry().await
}

#[tauri::command]
async fn forget(controller: Shared<'_>) -> Result<(), Failure> {
    controller.forget().await
}

#[tauri::command]
async fn start_service(controller: Shared<'_>) -> Result<(), Failure> {
    controller.start_service().await
}

#[tauri::command]
async fn turn_bluetooth_on(controller: Shared<'_>) -> Result<(), Failure> {
    controller.turn_bluetooth_on().await
}

#[tauri::command]
async fn restart_bluetooth(controller: Shared<'_>) -> Result<(), Failure> {
    controller.restart_bluetooth().await
}

#[tauri::command]
async fn hide_bluetooth(controller: Shared<'_>) -> Result<(), Failure> {
    controller.hide_bluetooth().await
}

#[tauri::command]
async fn export(controller: Shared<'_>) -> Result<String, Failure> {
    controller.export().await
}

#[tauri::command]
fn exported(controller: Shared<'_>) -> Vec<String> {
    controller.exported()
}

#[tauri::command]
fn delete_exported(controller: Shared<'_>) -> Result<(), Failure> {
    controller.delete_exported()
}

#[tauri::command]
fn guidance(controller: Shared<'_>) -> Guidance {
    controller.guidance()
}

#[tauri::command]
async fn environment(controller: Shared<'_>) -> Result<Environment, Failure> {
    Ok(controller.environment().await)
}

#[tauri::command]
async fn choose(controller: Shared<'_>, choice: Choice) -> Result<Environment, Failure> {
    controller.choose(choice).await
}

#[tauri::command]
fn wanted_page(wanted: State<'_, Wanted>) -> String {
    wanted.get()
}

#[tauri::command]
fn linked_number(linked: State<'_, Linked>) -> Option<String> {
    linked.take().map(|number| number.expose().to_owned())
}

#[tauri::command]
fn close(app: AppHandle) {
    app.exit(0);
}
