//! Registering as positive: the agreement, the questions, the number, and how it ends.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use futures_util::StreamExt;
use gaen::registration::{NotANumber, ProcessingNumber, typed_digits};
use jiff::civil::Date;
use serde::Serialize;
use sesshoku_dbus_api::{
    Error as ServiceError, Registration1Proxy, RegistrationState, number_pipe,
};
use zbus::Connection;
use zeroize::Zeroizing;

use crate::args::{Bus, RegistrationAction, YesNo};
use crate::bus;
use crate::exit::{Exit, Failure};
use crate::input::InputError;
use crate::output::{self, Output};
use crate::registration::Registration;
use crate::text::{self, Text};
use crate::{pager, terms};
use sesshoku_i18n::args;

/// The most that is read of a file with a number, or of a link.
const MAX_NUMBER_FILE: u64 = 256;

/// The answers that came with the command line.
#[derive(Debug)]
pub(crate) struct Answers<'a> {
    pub(crate) agree: bool,
    pub(crate) symptoms: Option<YesNo>,
    pub(crate) date: Option<&'a str>,
    pub(crate) until: Option<&'a str>,
    pub(crate) number_file: Option<&'a Path>,
    pub(crate) link: bool,
}

#[derive(Serialize)]
struct Forgotten {
    forgotten: bool,
}

/// Shows the agreement, asks what was not answered yet, registers, and waits until it
/// is through or has to wait.
pub(crate) async fn register(
    bus: &Bus,
    output: &Output,
    answers: &Answers<'_>,
) -> Result<Exit, Failure> {
    let connection = bus::connect_asking(bus).await?;
    let proxy = Registration1Proxy::new(&connection).await?;
    let agreement_version = proxy.agreement_version().await?;
    let text = output.text();
    let known = Registration::fetch(&connection).await?;
    // Nothing is asked for that could not be used.
    if known.paused_until.is_some() {
        return Err(ServiceError::Paused("three processing numbers were wrong".into()).into());
    }
    if !answers.agree {
        require_terminal("--agree")?;
        let (language, width) = (text.catalogue().language(), pager::width(io::stderr()));
        let agreement = terms::agreement(&agreement_version, language, width)
            .ok_or_else(|| Failure::OtherTerms(agreement_version.clone()))?;
        output.ask(&agreement, &text.catalogue().text("agreement-question"))?;
    }
    if text::is_of_place(&agreement_version) {
        let (first, last) = days_of_place(output, answers, &known)?;
        let number = number_pipe(&number(output, answers)?)?;
        let answer = proxy.register_place_with(&agreement_version, &first, &last, number);
        answer.await?;
        output.tell(&text.catalogue().text("register-sending"))?;
        return follow(&connection, &proxy, output).await;
    }
    if answers.until.is_some() {
        return Err(Failure::OnlyOfPlace);
    }
    let (has_symptoms, date) = match known.pending() {
        Some((has_symptoms, date)) if answers.symptoms.is_none() && answers.date.is_none() => {
            let date_shown = text.date(date);
            output.tell(&text.say("register-resumes", &args! { "date" => date_shown }))?;
            (has_symptoms, date.to_owned())
        }
        Some(_) | None => {
            let has_symptoms = match answers.symptoms {
                Some(answer) => answer == YesNo::Yes,
                None => ask_symptoms(output)?,
            };
            let date = match answers.date {
                Some(date) => date.to_owned(),
                None => ask_date(output, has_symptoms)?,
            };
            (has_symptoms, date)
        }
    };
    let number = number_pipe(&number(output, answers)?)?;
    let answer = proxy.register_with(&agreement_version, has_symptoms, &date, number);
    answer.await?;
    output.tell(&text.catalogue().text("register-sending"))?;
    follow(&connection, &proxy, output).await
}

/// The first and the last day on which somebody infectious was at the place.
fn days_of_place(
    output: &Output,
    answers: &Answers<'_>,
    known: &Registration,
) -> Result<(String, String), Failure> {
    if answers.symptoms.is_some() {
        return Err(Failure::NotOfPlace);
    }
    // Of one that waits the days are chosen, and only the first tells which it is.
    if let (Some((_, date)), None) = (known.pending(), answers.date) {
        let text = output.text();
        let date_shown = text.date(date);
        output.tell(&text.say("register-resumes", &args! { "date" => date_shown }))?;
        return Ok((date.to_owned(), date.to_owned()));
    }
    let first = match answers.date {
        Some(date) => date.to_owned(),
        None => ask_day(output, "--date", "ask-place-first")?,
    };
    let last = match answers.until {
        Some(date) => date.to_owned(),
        None => ask_day(output, "--until", "ask-place-last")?,
    };
    Ok((first, last))
}

fn number(output: &Output, answers: &Answers<'_>) -> Result<Zeroizing<String>, Failure> {
    match answers.number_file {
        Some(file) => Ok(typed_digits(&read_text(file)?)),
        None if !answers.link => ask(output, "--number-file", "ask-number", |text| {
            ProcessingNumber::from_typed(text).map_err(|error| match error {
                NotANumber::Form => "not-a-number",
                NotANumber::Mistyped => "number-mistyped",
            })
        }),
        None if output::can_ask() => ask(output, "--link", "ask-link", |text| {
            ProcessingNumber::from_link(text).ok_or("not-a-link")
        }),
        None => {
            let link = read_text(Path::new("-"))?;
            let number = ProcessingNumber::from_link(&link);
            let number = number.ok_or_else(|| ServiceError::InvalidNumber("no link".into()))?;
            Ok(Zeroizing::new(number.expose().to_owned()))
        }
    }
}

/// Shows the registration, tries it again, or forgets it.
pub(crate) async fn registration(
    bus: &Bus,
    output: &Output,
    action: Option<&RegistrationAction>,
) -> Result<Exit, Failure> {
    let connection = bus::connect_asking(bus).await?;
    let proxy = Registration1Proxy::new(&connection).await?;
    match action {
        None => {
            let registration = Registration::fetch(&connection).await?;
            output.print(&registration, Text::registration)?;
            Ok(Exit::Done)
        }
        Some(RegistrationAction::Retry) => {
            proxy.retry().await?;
            follow(&connection, &proxy, output).await
        }
        Some(RegistrationAction::Forget { yes }) => {
            if !yes {
                let catalogue = output.text().catalogue();
                let (warning, question) = ("forget-warning", "forget-question");
                output.ask(&catalogue.text(warning), &catalogue.text(question))?;
            }
            proxy.forget().await?;
            output.print(&Forgotten { forgotten: true }, |text, _| {
                text.catalogue().text("forget-done")
            })?;
            Ok(Exit::Done)
        }
    }
}

/// Waits until nothing is being sent any more, and shows how it ended.
async fn follow(
    connection: &Connection,
    proxy: &Registration1Proxy<'_>,
    output: &Output,
) -> Result<Exit, Failure> {
    // Subscribed before the first reading, so that no change falls in between.
    let mut changes = proxy.receive_registration_changed().await?;
    let mut owners = proxy.inner().receive_owner_changed().await?;
    let registration = loop {
        let registration = Registration::fetch(connection).await?;
        if registration.state() != Some(RegistrationState::Sending) {
            break registration;
        }
        // Also when the daemon is gone, which the next reading tells.
        let goes_on = tokio::select! {
            change = changes.next() => change.is_some(),
            owner = owners.next() => owner.is_some(),
        };
        if !goes_on {
            break registration;
        }
    };
    output.print(&registration, Text::registration)?;
    Ok(registration.exit())
}

fn require_terminal(flag: &'static str) -> Result<(), Failure> {
    if output::can_ask() {
        Ok(())
    } else {
        Err(Failure::NeedsFlag(flag))
    }
}

fn ask_symptoms(output: &Output) -> Result<bool, Failure> {
    require_terminal("--symptoms")?;
    let catalogue = output.text().catalogue();
    loop {
        match answer_of(&output::read_line(&catalogue.text("ask-symptoms"))?) {
            Some(answer) => return Ok(answer),
            None => output.tell(&catalogue.text("not-yes-or-no"))?,
        }
    }
}

fn ask_date(output: &Output, has_symptoms: bool) -> Result<String, Failure> {
    let question = if has_symptoms {
        "ask-onset"
    } else {
        "ask-test"
    };
    ask_day(output, "--date", question)
}

fn ask_day(output: &Output, flag: &'static str, question: &str) -> Result<String, Failure> {
    require_terminal(flag)?;
    let catalogue = output.text().catalogue();
    let question = catalogue.text(question);
    loop {
        match parse_date(&output::read_line(&question)?) {
            Some(date) => return Ok(date.to_string()),
            None => output.tell(&catalogue.text("not-a-date"))?,
        }
    }
}

/// Asks until `read` finds a number in what is typed; else it names what to say.
fn ask(
    output: &Output,
    flag: &'static str,
    question: &str,
    read: impl Fn(&str) -> Result<ProcessingNumber, &'static str>,
) -> Result<Zeroizing<String>, Failure> {
    require_terminal(flag)?;
    let catalogue = output.text().catalogue();
    loop {
        let typed = output::read_line(&catalogue.text(question))?;
        match read(&typed) {
            Ok(number) => return Ok(Zeroizing::new(number.expose().to_owned())),
            Err(why) => output.tell(&catalogue.text(why))?,
        }
    }
}

/// What is in `file`, or on standard input for `-`.
fn read_text(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::with_capacity(512));
    let read = if file == Path::new("-") {
        let mut limited = io::stdin().lock().take(MAX_NUMBER_FILE);
        limited.read_to_string(&mut text)
    } else {
        File::open(file).and_then(|file| file.take(MAX_NUMBER_FILE).read_to_string(&mut text))
    };
    read.map_err(|source| InputError::Unreadable(PathBuf::from(file), source))?;
    Ok(text)
}

fn answer_of(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "y" | "yes" | "はい" => Some(true),
        "n" | "no" | "いいえ" => Some(false),
        _ => None,
    }
}

/// A date as people write it: `2020-08-01`, `2020/8/1`, in digits of either width.
fn parse_date(text: &str) -> Option<Date> {
    let text: String = text.trim().chars().map(to_ascii).collect();
    let mut parts = text.split(['-', '/', '.']);
    let date = Date::new(
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
    );
    date.ok()
        .filter(|date| parts.next().is_none() && date.year() >= 1970)
}

fn to_ascii(c: char) -> char {
    match c {
        '０'..='９' | '／' | '－' | '．' => {
            let ascii = u32::from(c).checked_sub(0xfee0).and_then(char::from_u32);
            ascii.unwrap_or(c)
        }
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_people_write_them() {
        for (text, date) in [
            ("2020-08-01", Some("2020-08-01")),
            (" 2020/8/1\n", Some("2020-08-01")),
            ("２０２０／８／１", Some("2020-08-01")),
            ("2020-02-30", None),
            ("1-8-2020", None),
            ("2020-08-01-1", None),
            ("2020-08", None),
            ("", None),
        ] {
            let read = parse_date(text).map(|date| date.to_string());
            assert_eq!(read.as_deref(), date, "{text}");
        }
    }

    #[test]
    fn only_a_clear_answer_is_one() {
        for (text, answer) in [
            ("y\n", Some(true)),
            ("はい", Some(true)),
            ("N", Some(false)),
            ("いいえ\n", Some(false)),
            ("", None),
            ("maybe", None),
        ] {
            assert_eq!(answer_of(text), answer, "{text}");
        }
    }
}
