//! Many numbers at once, from a CSV file: a line for each, with where the number goes, and
//! the language of the message if it is not Japanese.
//!
//! Nothing is sent unless every line is in order. What was sent is on a page that can be
//! loaded again: each line's form is derived from the file's one-time id, so that sending
//! the file again sends nothing twice.

use std::sync::Arc;

use axum::extract::{Multipart, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::pages::{Problem, alert};
use super::sent::show_inside;
use super::text::Text;
use super::{NoRecipient, RELOAD, SENDING_TIME_MAX, Visitor, form_id, problem, recipient, worker};
use crate::log::Causes;
use crate::management::Inner;
use crate::management::account::Role;
use crate::management::issue::{IssueError, Order};
use crate::management::keys::{random, sha256};
use crate::management::message::Spoken;
use crate::management::recipient::Recipient;
use crate::management::store::{FormId, Progress, Submission};

/// The most lines of a file.
pub(super) const LINES_MAX: usize = 200;
/// The longest file, with what a form puts around it.
pub(super) const FILE_LEN_MAX: usize = 64 * 1024;
/// The most lines that are named as wrong.
const WRONG_MAX: usize = 20;

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Wrong {
    Missing,
    Mail,
    Phone,
    PhoneLength,
    Landline,
    MailOff,
    PhoneOff,
    Language,
}

/// What the page says of a file that was not sent.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Refused {
    /// There is no line in it, or it is no CSV.
    empty: bool,
    /// More than so many.
    too_many: Option<usize>,
    /// Lines, from 1, and what is wrong with each.
    #[zeroize(skip)]
    wrong: Vec<(usize, Wrong)>,
}

#[derive(Deserialize)]
pub(super) struct Before {
    refused: Option<String>,
}

/// The form to send a file with.
pub(super) async fn page(
    State(inner): State<Arc<Inner>>,
    visitor: Visitor,
    Query(before): Query<Before>,
) -> Response {
    let mut worker = match worker(&inner, visitor, Role::Issue).await {
        Ok(worker) => worker,
        Err(response) => return *response,
    };
    let refused = match before.refused {
        None => None,
        Some(sealed) => match worker.visitor.open::<Refused>(&sealed) {
            Ok(refused) => Some(refused),
            Err(error) => return problem(&inner, &worker.visitor, error),
        },
    };
    let (token, id) = match (worker.visitor.form_token(), random::<16>()) {
        (Ok(token), Ok(id)) => (token, hex::encode(id)),
        (Err(_), _) | (_, Err(_)) => return problem(&inner, &worker.visitor, Problem::Broken),
    };
    let text = worker.visitor.text;
    let body = form(text, &token, &id, lines_max(&inner), refused.as_ref());
    show_inside(&inner, &mut worker, "/bulk", text.bulk, &body)
}

/// Takes a file, and sends its numbers.
pub(super) async fn send(
    State(inner): State<Arc<Inner>>,
    visitor: Visitor,
    parts: Multipart,
) -> Response {
    let worker = match worker(&inner, visitor, Role::Issue).await {
        Ok(worker) => worker,
        Err(response) => return *response,
    };
    let Some(sent) = read(parts).await else {
        return problem(&inner, &worker.visitor, Problem::FormOld);
    };
    if let Err(error) = worker.visitor.check_form(&sent.token) {
        return problem(&inner, &worker.visitor, error);
    }
    let Some(id) = form_id(&sent.form) else {
        return problem(&inner, &worker.visitor, Problem::FormOld);
    };
    let lines = match lines(&inner, &sent.file) {
        Ok(lines) => lines,
        Err(refused) => {
            return match worker.visitor.seal(&refused) {
                Ok(sealed) => Redirect::to(&format!("/bulk?refused={sealed}")).into_response(),
                Err(error) => problem(&inner, &worker.visitor, error),
            };
        }
    };
    let to = format!("/bulk/{}/{}", hex::encode(id), lines.len());
    let task = Arc::clone(&inner);
    let account = worker.account.name.clone();
    inner.tasks.spawn(async move {
        for (at, (recipient, language)) in lines.into_iter().enumerate() {
            let order = Order {
                account: account.clone(),
                recipient,
                language,
                form: line_form(&id, at),
            };
            match task.issue(order).await {
                Ok(_) | Err(IssueError::KnownForm | IssueError::Send(_)) => (),
                // The others would not be sent either; the page tells which were.
                Err(_) => return,
            }
        }
    });
    Redirect::to(&to).into_response()
}

/// What became of a file.
pub(super) async fn progress_page(
    State(inner): State<Arc<Inner>>,
    visitor: Visitor,
    Path((id, count)): Path<(String, usize)>,
) -> Response {
    let mut worker = match worker(&inner, visitor, Role::Issue).await {
        Ok(worker) => worker,
        Err(response) => return *response,
    };
    let (Some(id), 1..=LINES_MAX) = (form_id(&id), count) else {
        return problem(&inner, &worker.visitor, Problem::NotFound);
    };
    let known = match inner.store.submissions(Some(&worker.account.name)).await {
        Ok(known) => known,
        Err(error) => {
            tracing::error!(error = %Causes(&error), "submissions cannot be listed");
            return problem(&inner, &worker.visitor, Problem::Broken);
        }
    };
    let lines: Vec<(FormId, Option<Submission>)> = (0..count)
        .map(|at| {
            let form = line_form(&id, at);
            let found = known.iter().find(|it| it.form == form);
            (form, found.map(|it| it.submission))
        })
        .collect();
    let now = inner.clock.now();
    let last = known
        .first()
        .map(|it| now.seconds_since(it.submission.since));
    let goes_on = last.is_some_and(|since| {
        u64::try_from(since).is_ok_and(|since| since <= SENDING_TIME_MAX.as_secs())
    }) && lines
        .iter()
        .any(|(_, it)| it.is_none_or(|submission| submission.progress == Progress::Sending));
    let text = worker.visitor.text;
    let body = progress(text, &lines, goes_on);
    let path = format!("/bulk/{}/{count}", hex::encode(id));
    let token = match worker.visitor.form_token() {
        Ok(token) => token,
        Err(error) => return problem(&inner, &worker.visitor, error),
    };
    let mut frame = super::inside(&inner, &worker, &token, &path);
    frame.reload = goes_on.then_some(RELOAD);
    let page = super::pages::page(&frame, text.bulk_progress, false, &body);
    super::show(&worker.visitor, axum::http::StatusCode::OK, page)
}

/// A form as it was sent.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
struct SentFile {
    token: String,
    form: String,
    file: String,
}

async fn read(mut parts: Multipart) -> Option<SentFile> {
    let mut sent = SentFile::default();
    while let Some(part) = parts.next_field().await.ok()? {
        let name = part.name().map(str::to_owned);
        let bytes = Zeroizing::new(part.bytes().await.ok()?.to_vec());
        // Names of columns may be in whatever a spreadsheet writes; what goes out is ASCII.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match name.as_deref() {
            Some("token") => sent.token = text,
            Some("form") => sent.form = text,
            Some("file") => sent.file = text,
            _ => (),
        }
    }
    Some(sent)
}

/// To whom the lines go. A first line that is nobody's is the names of the columns.
fn lines(inner: &Inner, file: &str) -> Result<Vec<(Recipient, Spoken)>, Refused> {
    let mut refused = Refused {
        empty: false,
        too_many: None,
        wrong: Vec::new(),
    };
    let file = file.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(file.as_bytes());
    let mut found = Vec::new();
    for (index, row) in reader.records().enumerate() {
        let Ok(row) = row else {
            refused.empty = true;
            return Err(refused);
        };
        let line = row.position().map_or(index + 1, |it| {
            usize::try_from(it.line()).unwrap_or(index + 1)
        });
        let entered = row.get(0).unwrap_or_default();
        if row.iter().all(str::is_empty) {
            continue;
        }
        let is_heading = index == 0
            && !entered
                .chars()
                .any(|it| it.is_numeric() || "@＠".contains(it));
        if is_heading {
            continue;
        }
        let language = match row.get(1).unwrap_or_default() {
            "" => Some(Spoken::default()),
            tag => Spoken::try_from(tag.to_owned()).ok(),
        };
        match (recipient(inner, entered), language) {
            (Ok(recipient), Some(language)) => found.push((recipient, language)),
            (Ok(_), None) => refused.wrong.push((line, Wrong::Language)),
            (Err(wrong), _) => refused.wrong.push((line, Wrong::from(&wrong))),
        }
    }
    let max = lines_max(inner);
    if found.len() + refused.wrong.len() > max {
        refused.too_many = Some(max);
    }
    refused.empty = found.is_empty() && refused.wrong.is_empty();
    refused.wrong.truncate(WRONG_MAX);
    if refused.empty || refused.too_many.is_some() || !refused.wrong.is_empty() {
        return Err(refused);
    }
    Ok(found)
}

/// No more than an account may issue in an hour.
fn lines_max(inner: &Inner) -> usize {
    let numbers = &inner.config.numbers;
    let hourly = numbers.per_account_hour.min(numbers.per_hour);
    usize::try_from(hourly).unwrap_or(LINES_MAX).min(LINES_MAX)
}

fn line_form(id: &FormId, at: usize) -> FormId {
    let at = u64::try_from(at).unwrap_or(u64::MAX).to_le_bytes();
    let [form @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
        sha256(&[id.as_slice(), &at].concat());
    form
}

impl Wrong {
    fn from(wrong: &NoRecipient) -> Self {
        use crate::management::recipient::{Channel, RecipientError};
        match wrong {
            NoRecipient::Wrong(RecipientError::Missing | RecipientError::Both) => Self::Missing,
            NoRecipient::Wrong(RecipientError::Mail) => Self::Mail,
            NoRecipient::Wrong(RecipientError::Phone) => Self::Phone,
            NoRecipient::Wrong(RecipientError::PhoneLength) => Self::PhoneLength,
            NoRecipient::Wrong(RecipientError::Landline) => Self::Landline,
            NoRecipient::Off(Channel::Mail) => Self::MailOff,
            NoRecipient::Off(Channel::Sms) => Self::PhoneOff,
        }
    }

    const fn says(self, text: &Text) -> &'static str {
        match self {
            Self::Missing => text.recipient_missing,
            Self::Mail => text.mail_wrong,
            Self::Phone => text.phone_wrong,
            Self::PhoneLength => text.phone_length,
            Self::Landline => text.phone_landline,
            Self::MailOff => text.mail_off,
            Self::PhoneOff => text.phone_off,
            Self::Language => text.bulk_language_wrong,
        }
    }
}

fn form(text: &Text, token: &str, id: &str, max: usize, refused: Option<&Refused>) -> Markup {
    html! {
        @if let Some(refused) = refused {
            (alert(Some(text.bulk_refused)))
            ul {
                @if refused.empty { li { (text.bulk_empty) } }
                @if let Some(max) = refused.too_many { li { ((text.bulk_too_many)(max)) } }
                @for (line, wrong) in &refused.wrong {
                    li { ((text.bulk_line)(*line)) (wrong.says(text)) }
                }
            }
        }
        p.lead { ((text.bulk_lead)(max)) }
        pre { "someone@mail.example\n090-0000-0000,en" }
        form method="post" action="/bulk" enctype="multipart/form-data" {
            input type="hidden" name="token" value=(token);
            input type="hidden" name="form" value=(id);
            div.field {
                label for="file" { (text.bulk_file) }
                input id="file" name="file" type="file" accept=".csv,text/csv,text/plain" required;
            }
            div.choice {
                input id="sure" type="checkbox" required;
                label for="sure" { (text.bulk_sure) }
            }
            button.main { (text.bulk_send) }
        }
        p.small { (text.not_kept) }
    }
}

fn progress(text: &Text, lines: &[(FormId, Option<Submission>)], goes_on: bool) -> Markup {
    let count = |progress: Progress| {
        lines
            .iter()
            .filter(|(_, it)| it.is_some_and(|it| it.progress == progress))
            .count()
    };
    let sent = count(Progress::Sent) + count(Progress::TakenBack);
    let rest: Vec<_> = lines
        .iter()
        .enumerate()
        .filter(|(_, (_, it))| {
            it.is_none_or(|it| matches!(it.progress, Progress::Failed | Progress::Sending))
        })
        .collect();
    html! {
        dl.facts {
            div.big { dt { (text.bulk_sent) } dd { (sent) " / " (lines.len()) } }
        }
        @if goes_on {
            p.lead { (text.sending_lead) }
        } @else if !rest.is_empty() {
            (alert(Some(text.bulk_not_sent)))
            ul {
                @for (at, (form, submission)) in rest {
                    li {
                        ((text.bulk_line)(at + 1))
                        @match submission.map(|it| it.progress) {
                            Some(Progress::Failed) => {
                                a href={ "/issued/" (hex::encode(form)) } { (text.failed) }
                            }
                            Some(_) => a href={ "/issued/" (hex::encode(form)) } { (text.unclear) },
                            None => (text.bulk_not_begun),
                        }
                    }
                }
            }
        }
        p { a.button href="/sent" { (text.sent_list) } }
    }
}
