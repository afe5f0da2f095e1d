//! The commands that ask the daemon: each fetches a value and prints it.

mod actions;
mod bluetooth;
mod calibrate;
mod doctor;
mod kiosk;
mod notify;
mod register;
pub(crate) mod watch;

use crate::args::{Bus, Global, Online};
use crate::bus;
use crate::checks::Checks;
use crate::contacts::Contacts;
use crate::exit::{Exit, Failure};
use crate::notices::Notices;
use crate::output::Output;
use crate::status::Snapshot;
use crate::text::Text;

/// Runs `command` against the daemon on the bus that is named.
pub(crate) fn run(command: &Online, global: &Global, output: &Output) -> Result<Exit, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(run_async(command, global, output))
}

async fn run_async(command: &Online, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let (bus, operator) = (&global.bus, &*global.operator);
    match command {
        Online::Status => status(bus, output).await,
        Online::Doctor => doctor::doctor(bus, output, operator).await,
        Online::Contacts => contacts(bus, output).await,
        Online::Agree { version, yes } => {
            actions::agree(bus, output, operator, version.as_deref(), *yes).await
        }
        Online::Withdraw { yes } => actions::withdraw(bus, output, *yes).await,
        Online::Register {
            agree,
            symptoms,
            date,
            until,
            number_file,
            link,
        } => {
            let answers = register::Answers {
                agree: *agree,
                symptoms: *symptoms,
                date: date.as_deref(),
                until: until.as_deref(),
                number_file: number_file.as_deref(),
                link: *link,
            };
            register::register(bus, output, &answers).await
        }
        Online::Calibrate(what) => calibrate::calibrate(bus, output, what).await,
        Online::Registration { action } => {
            register::registration(bus, output, action.as_ref()).await
        }
        Online::Checks => checks(bus, output).await,
        Online::Notices => notices(bus, output).await,
        Online::Check => actions::check(bus, output).await,
        Online::Erase { yes } => actions::erase(bus, output, *yes).await,
        Online::RestartBluetooth { yes } => bluetooth::restart(bus, output, *yes).await,
        Online::Notify { window } => notify::notify(bus, output, window).await,
        Online::Kiosk {
            textfile,
            on_contact,
            state_dir,
        } => {
            let duties = kiosk::Duties {
                textfile: textfile.as_deref(),
                on_contact: on_contact.as_deref(),
                state_dir: state_dir.as_deref(),
            };
            kiosk::kiosk(bus, output, &duties).await
        }
        Online::Watch => watch::watch(bus, output).await,
    }
}

async fn status(bus: &Bus, output: &Output) -> Result<Exit, Failure> {
    let connection = bus::connect(bus).await?;
    let status = Snapshot::fetch(&connection).await?.status();
    output.print(&status, Text::status)?;
    Ok(Exit::Done)
}

async fn contacts(bus: &Bus, output: &Output) -> Result<Exit, Failure> {
    let connection = bus::connect_asking(bus).await?;
    let contacts = Contacts::fetch_asking(&connection).await?;
    output.print(&contacts, Text::contacts)?;
    // A script that asks now and then is nobody who looks.
    if !output.is_json() {
        sesshoku_session::looked_at(&contacts.days()).await;
    }
    Ok(contacts.exit())
}

async fn checks(bus: &Bus, output: &Output) -> Result<Exit, Failure> {
    let connection = bus::connect_asking(bus).await?;
    output.print(&Checks::fetch(&connection).await?, Text::checks)?;
    Ok(Exit::Done)
}

async fn notices(bus: &Bus, output: &Output) -> Result<Exit, Failure> {
    let connection = bus::connect(bus).await?;
    let notices = Snapshot::fetch(&connection).await?.status().notices;
    output.print(&Notices { notices }, Text::notices)?;
    Ok(Exit::Done)
}
