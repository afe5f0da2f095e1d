//! Commands that change something: the agreement, the records, a check.

use std::io;
use std::path::Path;

use serde::Serialize;
use sesshoku_dbus_api::{
    CheckOutcome, Consent1Proxy, ConsentState, Exposure1Proxy, Named, Tracing1Proxy,
};
use sesshoku_i18n::TERMS_VERSION;

use crate::args::Bus;
use crate::exit::{Exit, Failure};
use crate::output::{self, Output};
use crate::{bus, pager, terms};
use sesshoku_i18n::args;

#[derive(Serialize)]
struct Agreed {
    agreed_version: String,
    /// Whether it had been agreed to before.
    already: bool,
}

#[derive(Serialize)]
struct Withdrawn {
    withdrawn: bool,
}

#[derive(Serialize)]
struct Erased {
    erased: bool,
}

#[derive(Serialize)]
struct Checked {
    outcome: String,
}

/// Shows what is agreed to in full, asks, and agrees to `version` or the current one.
pub(crate) async fn agree(
    bus: &Bus,
    output: &Output,
    operator: &Path,
    version: Option<&str>,
    yes: bool,
) -> Result<Exit, Failure> {
    let connection = bus::connect_asking(bus).await?;
    let consent = Consent1Proxy::new(&connection).await?;
    let current_version = consent.current_version().await?;
    let agreed_version = version.unwrap_or(&current_version).to_owned();

    let state = ConsentState::named(&consent.state().await?);
    let already = state == Some(ConsentState::Agreed) && agreed_version == current_version;
    // What the operator of a kiosk wrote into its configuration has no time, and is not
    // for others to agree to: the daemon refuses.
    if already && consent.agreed_at().await? == 0 {
        consent.agree(&agreed_version).await?;
    }
    if !already {
        if !yes {
            ask_to_agree(output, operator, &agreed_version)?;
        }
        // A version that is not the current one is the daemon's to refuse.
        consent.agree(&agreed_version).await?;
    }
    output.print(
        &Agreed {
            agreed_version,
            already,
        },
        |text, agreed| {
            let key = if agreed.already {
                "agree-already"
            } else {
                "agree-done"
            };
            text.say(key, &args! { "version" => agreed.agreed_version.as_str() })
        },
    )?;
    Ok(Exit::Done)
}

/// Has the terms and the policy read, and asks. What is asked about is what was shown:
/// the texts of another version are not here.
fn ask_to_agree(output: &Output, operator: &Path, version: &str) -> Result<(), Failure> {
    if output::can_ask() && version != TERMS_VERSION {
        return Err(Failure::OtherTerms(version.to_owned()));
    }
    let text = output.text();
    let width = pager::width(io::stderr());
    output.read_out(&terms::in_full(text, operator, width))?;
    let question = text.say("agree-question", &args! { "version" => version });
    let minor = text.catalogue().text("terms-minor");
    output.ask(&format!("\n{minor}"), &question)
}

/// Asks, then withdraws agreement, which deletes everything.
pub(crate) async fn withdraw(bus: &Bus, output: &Output, yes: bool) -> Result<Exit, Failure> {
    let connection = bus::connect_asking(bus).await?;
    let consent = Consent1Proxy::new(&connection).await?;
    if !yes {
        let catalogue = output.text().catalogue();
        let (warning, question) = ("withdraw-warning", "withdraw-question");
        output.ask(&catalogue.text(warning), &catalogue.text(question))?;
    }
    consent.withdraw().await?;
    output.print(&Withdrawn { withdrawn: true }, |text, _| {
        text.catalogue().text("withdraw-done")
    })?;
    Ok(Exit::Done)
}

/// Asks, then deletes everything; agreement stays.
pub(crate) async fn erase(bus: &Bus, output: &Output, yes: bool) -> Result<Exit, Failure> {
    let connection = bus::connect_asking(bus).await?;
    let tracing = Tracing1Proxy::new(&connection).await?;
    if !yes {
        let catalogue = output.text().catalogue();
        let (warning, question) = ("erase-warning", "erase-question");
        output.ask(&catalogue.text(warning), &catalogue.text(question))?;
    }
    tracing.erase().await?;
    output.print(&Erased { erased: true }, |text, _| {
        text.catalogue().text("erase-done")
    })?;
    Ok(Exit::Done)
}

/// Checks now and waits until the check has ended.
pub(crate) async fn check(bus: &Bus, output: &Output) -> Result<Exit, Failure> {
    let connection = bus::connect_patiently(bus).await?;
    let exposure = Exposure1Proxy::new(&connection).await?;
    let outcome = exposure.check_now().await?;
    let exit = if CheckOutcome::named(&outcome) == Some(CheckOutcome::Complete) {
        Exit::Done
    } else {
        Exit::Refused
    };
    output.print(&Checked { outcome }, |text, checked| {
        let outcome = text.outcome(&checked.outcome);
        text.say("check-done", &args! { "outcome" => outcome })
    })?;
    Ok(exit)
}
