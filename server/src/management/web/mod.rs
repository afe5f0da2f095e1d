//! The page for workers: server-rendered, without a script.
//!
//! Sign in → issue → confirm → send → issued. Every page has an address of its own that can
//! be loaded again: a form leads to the next page and shows none itself, so that what is
//! behind Back is the page. What was entered goes from one page to the next sealed in the
//! address, and is nowhere else.

mod accounts;
mod bulk;
mod pages;
mod sent;
mod text;
mod visitor;

use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Form, Path, Query, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::Markup;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use self::pages::{Channels, Frame, IssueForm, Problem, minutes};
use self::text::Text;
use self::visitor::{Visitor, Worker};
use super::Inner;
use super::account::password::{LEN_MAX, LEN_MIN, is_common};
use super::account::{PasswordChanged, Role, SignedIn};
use super::audit::{Action, Outcome};
use super::issue::{IssueError, Order};
use super::keys::random;
use super::message::{self, Spoken};
use super::recipient::{Channel, Recipient, RecipientError};
use super::store::{FormId, Progress, Submission};
use crate::log::Causes;

/// No recipient is longer; what is, is none, and is not handed on whole.
const RECIPIENT_LEN_MAX: usize = 254;
/// No form here is longer.
const BODY_LEN_MAX: usize = 8192;
/// After this time a message that is still being sent is not: its sender was stopped.
/// The settings allow 5 tries of a minute each, with pauses.
const SENDING_TIME_MAX: Duration = Duration::from_secs(6 * 60);
/// How long a worker looks at a page that loads before it says that the message is
/// being sent.
const SEND_WAIT: Duration = Duration::from_secs(8);
/// After how many seconds the page looks again whether a message is sent.
const RELOAD: u32 = 2;
/// Nothing but our stylesheet is loaded, nothing runs, nobody frames the page, and
/// forms go nowhere else.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";
const STYLE: &str = include_str!("style.css");

pub(super) fn router(inner: Arc<Inner>) -> Router {
    Router::new()
        .route("/", get(start))
        .route("/sign-in", get(sign_in_page).post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/issue", get(issue_page).post(enter))
        .route("/confirm/{entry}", get(confirm_page))
        .route("/send", get(start).post(send))
        .route("/issued/{form}", get(issued_page))
        .route("/sent", get(sent::list_page))
        .route("/take-back/{form}", get(sent::take_back_page))
        .route("/take-back", get(start).post(sent::take_back))
        .route(
            "/bulk",
            get(bulk::page)
                .post(bulk::send)
                .layer(DefaultBodyLimit::max(bulk::FILE_LEN_MAX)),
        )
        .route("/bulk/{form}/{count}", get(bulk::progress_page))
        .route("/statistics", get(sent::statistics_page))
        .route("/accounts", get(accounts::list_page).post(accounts::add))
        .route(
            "/accounts/{name}",
            get(accounts::account_page).post(accounts::manage),
        )
        .route("/secrets/{shown}", get(accounts::shown_page))
        .route("/audit", get(accounts::audit_page))
        .route("/password", get(password_page).post(change_password))
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .layer(from_fn_with_state(Arc::clone(&inner), needs_time))
        .route("/style.css", get(|| ready(style())))
        .layer(DefaultBodyLimit::max(BODY_LEN_MAX))
        .layer(map_response(|response| ready(harden(response))))
        .with_state(inner)
}

/// Nobody is signed in, and no session is over, while nobody knows the time.
async fn needs_time(
    State(inner): State<Arc<Inner>>,
    visitor: Visitor,
    request: Request,
    next: Next,
) -> Response {
    if inner.clock.is_known() {
        next.run(request).await
    } else {
        problem(&inner, &visitor, Problem::Broken)
    }
}

/// What every answer says to the browser.
fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        // Browsers take no notice of it where there is no TLS.
        (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

fn style() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, "max-age=3600"),
    ];
    (headers, STYLE).into_response()
}

/// To the first page of what somebody may do.
async fn start(State(inner): State<Arc<Inner>>, visitor: Visitor) -> Response {
    match anybody_signed_in(visitor).await {
        Ok(worker) => {
            let role = Role::ALL
                .into_iter()
                .find(|role| worker.account.roles.has(*role));
            let to = match role {
                Some(Role::Issue) => "/issue",
                Some(Role::Administrate) => "/accounts",
                Some(Role::Statistics) => "/statistics",
                None => "/password",
            };
            Redirect::to(to).into_response()
        }
        Err((visitor, error)) => turned_away(&inner, visitor, error),
    }
}

fn not_found(State(inner): State<Arc<Inner>>, visitor: Visitor) -> Ready<Response> {
    ready(problem(&inner, &visitor, Problem::NotFound))
}

/// What the page for signing in tells beforehand.
#[derive(Deserialize)]
struct SignInQuery {
    after: Option<After>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum After {
    Timeout,
    SignOut,
    PasswordChange,
}

impl After {
    const fn notice(self, text: &Text) -> &'static str {
        match self {
            Self::Timeout => text.session_ended,
            Self::SignOut => text.signed_out,
            Self::PasswordChange => text.password_changed,
        }
    }
}

async fn sign_in_page(
    State(inner): State<Arc<Inner>>,
    mut visitor: Visitor,
    query: Result<Query<SignInQuery>, QueryRejection>,
) -> Response {
    match visitor.account().await {
        Ok(None) => (),
        Ok(Some(_)) => return Redirect::to("/").into_response(),
        Err(error) => return problem(&inner, &visitor, error),
    }
    let notice = query.ok().and_then(|Query(query)| query.after);
    let notice = notice.map(|after| after.notice(visitor.text));
    show_sign_in(&inner, &mut visitor, StatusCode::OK, notice, None)
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
struct SignInForm {
    token: String,
    name: String,
    password: String,
    code: String,
}

async fn sign_in(
    State(inner): State<Arc<Inner>>,
    mut visitor: Visitor,
    form: Result<Form<SignInForm>, FormRejection>,
) -> Response {
    let form = match read(&visitor, form, |form| &form.token) {
        Ok(form) => form,
        Err(error) => return problem(&inner, &visitor, error),
    };
    let text = visitor.text;
    if !inner.sign_ins.allow(visitor.source, inner.clock.now()) {
        let error = (text.too_many_tries)(1);
        let status = StatusCode::TOO_MANY_REQUESTS;
        return show_sign_in(&inner, &mut visitor, status, None, Some(&error));
    }
    let password = Zeroizing::new(form.password.clone());
    let signed_in = if password.len() > LEN_MAX {
        Ok(SignedIn::Refused)
    } else {
        let device = visitor.device();
        inner
            .sign_in(&form.name, password, &form.code, device)
            .await
    };
    match signed_in {
        Ok(SignedIn::Done(session, device)) => {
            let mut response = Redirect::to("/").into_response();
            visitor.begin_session(&mut response, &session, &device);
            response
        }
        Ok(SignedIn::Refused) => {
            let error = Some(text.sign_in_refused);
            show_sign_in(&inner, &mut visitor, StatusCode::FORBIDDEN, None, error)
        }
        Ok(SignedIn::Wait(wait)) => {
            let error = (text.too_many_tries)(minutes(wait));
            let status = StatusCode::TOO_MANY_REQUESTS;
            show_sign_in(&inner, &mut visitor, status, None, Some(&error))
        }
        Err(error) => {
            tracing::error!(error = %Causes(&error), "nobody can sign in");
            problem(&inner, &visitor, Problem::Broken)
        }
    }
}

fn show_sign_in(
    inner: &Inner,
    visitor: &mut Visitor,
    status: StatusCode,
    notice: Option<&str>,
    error: Option<&str>,
) -> Response {
    let token = match visitor.form_token() {
        Ok(token) => token,
        Err(error) => return problem(inner, visitor, error),
    };
    let text = visitor.text;
    let body = pages::sign_in(text, &token, notice, error);
    let frame = outside(inner, text, "/sign-in");
    let page = pages::page(&frame, text.sign_in, error.is_some(), &body);
    let response = show(visitor, status, page);
    if error.is_some() {
        shown_again(response)
    } else {
        response
    }
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
struct SignOutForm {
    token: String,
}

async fn sign_out(
    State(inner): State<Arc<Inner>>,
    mut visitor: Visitor,
    form: Result<Form<SignOutForm>, FormRejection>,
) -> Response {
    if let Err(error) = read(&visitor, form, |form| &form.token) {
        return problem(&inner, &visitor, error);
    }
    match visitor.account().await {
        Ok(Some(account)) => {
            let done = Outcome::Done;
            inner.record(&account.name, Action::SignOut, done).await;
        }
        Ok(None) => (),
        Err(error) => return problem(&inner, &visitor, error),
    }
    if let Some(session) = visitor.session()
        && let Err(error) = inner.store.end_session(session).await
    {
        tracing::error!(error = %Causes(&error), "a session cannot be ended");
        return problem(&inner, &visitor, Problem::Broken);
    }
    let mut response = Redirect::to("/sign-in?after=sign-out").into_response();
    visitor.forget_session(&mut response);
    response
}

/// What a page for issuing hands to the next, in its address and sealed: so every page can
/// be loaded again, and be gone back to, and none has to be kept here.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Entry {
    recipient: String,
    #[zeroize(skip)]
    language: Spoken,
    /// The one-time id with which it is to be sent.
    form: String,
}

#[derive(Deserialize)]
struct IssueQuery {
    entry: Option<String>,
}

async fn issue_page(
    State(inner): State<Arc<Inner>>,
    visitor: Visitor,
    Query(query): Query<IssueQuery>,
) -> Response {
    let mut worker = match worker(&inner, visitor, Role::Issue).await {
        Ok(worker) => worker,
        Err(response) => return *response,
    };
    let Some(sealed) = query.entry else {
        return show_issue(&inner, &mut worker, "", Spoken::default(), None);
    };
    let entry: Entry = match worker.visitor.open(&sealed) {
        Ok(entry) => entry,
        Err(error) => return problem(&inner, &worker.visitor, error),
    };
    let text = worker.visitor.text;
    let error = recipient(&inner, &entry.recipient).err();
    let error = error.map(|wrong| wrong.says(text));
    show_issue(&inner, &mut worker, &entry.recipient, entry.language, error)
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
struct OrderForm {
    token: String,
    recipient: String,
    #[zeroize(skip)]
    language: Spoken,
}

/// Takes what was entered, and leads to the page that confirms it, or back.
async fn enter(
    State(inner): State<Arc<Inner>>,
    visitor: Visitor,
    form: Result<Form<OrderForm>, FormRejection>,
) -> Response {
    let sent = worker_with(&inner, visitor, Role::Issue, form, |form| &form.token).await;
    let (worker, form) = match sent {
        Ok(sent) => sent,
        Err(response) => return *response,
    };
    let Ok(id) = random::<16>() else {
        return problem(&inner, &worker.visitor, Problem::Broken);
    };
    let entered = form.recipient.trim();
    let found = recipient(&inner, entered);
    let entry = Entry {
        // A mail address as it is sent to; a phone number as people read it.
        recipient: match &found {
            Ok(recipient) if recipient.channel() == Channel::Mail => recipient.expose().to_owned(),
            Ok(_) | Err(_) => entered.chars().take(RECIPIENT_LEN_MAX).collect(),
        },
        language: form.language,
        form: hex::encode(id),
    };
    let to = match (worker.visitor.seal(&entry), found) {
        (Ok(sealed), Ok(_)) => format!("/confirm/{sealed}"),
        (Ok(sealed), Err(_)) => format!("/issue?entry={sealed}"),
        (Err(error), _) => return problem(&inner, &worker.visitor, error),
    };
    Redirect::to(&to).into_response()
}

async fn confirm_page(
    State(inner): State<Arc<Inner>>,
    visitor: Visitor,
    Path(sealed): Path<String>,
) -> Response {
    let mut worker = match worker(&inner, visitor, Role::Issue).await {
        Ok(worker) => worker,
        Err(response) => return *response,
    };
    let (entry, channel, id) = match opened(&inner, &worker.visitor, &sealed) {
        Ok((entry, recipient, id)) => (entry, recipient.channel(), id),
        Err(error) => return problem(&inner, &worker.visitor, error),
    };
    let (known, token) = match (
        inner.store.submission(id, &worker.account.name).await,
        worker.visitor.form_token(),
    ) {
        (Ok(known), Ok(token)) => (known.is_some(), token),
        (Err(error), _) => {
            tracing::error!(error = %Causes(&error), "a submission cannot be looked up");
            return problem(&inner, &worker.visitor, Problem::Broken);
        }
        (_, Err(error)) => return problem(&inner, &worker.visitor, error),
    };
    let text = worker.visitor.text;
    let confirm = pages::Confirm {
        token: &token,
        order: &sealed,
        recipient: &entry.recipient,
        channel,
        language: entry.language,
        sent_as: known.then_some(&*entry.form),
    };
    let body = pages::confirm(text, &confirm);
    let path = format!("/confirm/{sealed}");
    let frame = inside(&inner, &worker, &token, &path);
    let page = pages::page(&frame, text.confirm, false, &body);
    show(&worker.visitor, StatusCode::OK, page)
}

/// What the page that confirms was handed.
fn opened(
    inner: &Inner,
    visitor: &Visitor,
    sealed: &str,
) -> Result<(Entry, Recipient, FormId), Problem> {
    let entry: Entry = visitor.open(sealed)?;
    let id = form_id(&entry.form).ok_or(Problem::FormOld)?;
    let recipient = recipient(inner, &entry.recipient).map_err(|_| Problem::FormOld)?;
    Ok((entry, recipient, id))
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
struct SendForm {
    token: String,
    order: String,
}

async fn send(
    State(inner): State<Arc<Inner>>,
    visitor: Visitor,
    form: Result<Form<SendForm>, FormRejection>,
) -> Response {
    let sent = worker_with(&inner, visitor, Role::Issue, form, |form| &form.token).await;
    let (worker, form) = match sent {
        Ok(sent) => sent,
        Err(response) => return *response,
    };
    let (entry, recipient, id) = match opened(&inner, &worker.visitor, &form.order) {
        Ok(opened) => opened,
        Err(error) => return problem(&inner, &worker.visitor, error),
    };
    let order = Order {
        account: worker.account.name.clone(),
        recipient,
        language: entry.language,
        form: id,
    };
    drop((form, entry));
    // It goes on to its end although the worker may close the page: half-way there
    // would be a valid number that was not sent.
    let task = Arc::clone(&inner);
    let issued = inner.tasks.spawn(async move { task.issue(order).await });
    let error = match tokio::time::timeout(SEND_WAIT, issued).await {
        // What becomes of it is on its page, which can be loaded again, as well as come
        // to by sending the form again.
        Err(_) | Ok(Ok(Ok(_) | Err(IssueError::KnownForm | IssueError::Send(_)))) => {
            return Redirect::to(&format!("/issued/{}", hex::encode(id))).into_response();
        }
        Ok(Ok(Err(IssueError::Limited(wait)))) => Problem::Limited(wait),
        Ok(Ok(Err(IssueError::Full))) => Problem::Full,
        Ok(Ok(Err(IssueError::ChannelOff | IssueError::Database(_) | IssueError::Random(_))))
        | Ok(Err(_)) => Problem::Broken,
    };
    problem(&inner, &worker.visitor, error)
}

async fn issued_page(
    State(inner): State<Arc<Inner>>,
    visitor: Visitor,
    Path(form): Path<String>,
) -> Response {
    let mut worker = match worker(&inner, visitor, Role::Issue).await {
        Ok(worker) => worker,
        Err(response) => return *response,
    };
    let text = worker.visitor.text;
    let (id, submission) = match submitted(&inner, &worker, &form).await {
        Ok(submitted) => submitted,
        Err(error) => return problem(&inner, &worker.visitor, error),
    };
    let token = match worker.visitor.form_token() {
        Ok(token) => token,
        Err(error) => return problem(&inner, &worker.visitor, error),
    };
    let path = format!("/issued/{}", hex::encode(id));
    let mut frame = inside(&inner, &worker, &token, &path);
    let since = inner.clock.now().seconds_since(submission.since);
    let is_over = u64::try_from(since).is_ok_and(|since| since > SENDING_TIME_MAX.as_secs());
    let (heading, body) = match submission.progress {
        Progress::TakenBack => (text.taken_back, pages::taken_back(text)),
        Progress::Sent => {
            let time = |time| message::time(text.language.spoken(), time, &inner.time_zone);
            let (at, until) = (time(submission.since), time(submission.expires));
            let body = pages::sent(text, &at, &until, &hex::encode(id));
            (text.sent, body)
        }
        Progress::Sending if is_over => {
            let body = pages::not_sent(text, text.unclear_lead, None);
            (text.unclear, body)
        }
        Progress::Sending => {
            frame.reload = Some(RELOAD);
            (text.sending, pages::sending(text, &path))
        }
        Progress::Failed => {
            let next = Some(text.failed_next);
            let body = pages::not_sent(text, text.failed_lead, next);
            (text.failed, body)
        }
    };
    let page = pages::page(&frame, heading, false, &body);
    show(&worker.visitor, StatusCode::OK, page)
}

fn show_issue(
    inner: &Inner,
    worker: &mut Worker,
    recipient: &str,
    language: Spoken,
    error: Option<&str>,
) -> Response {
    let token = match worker.visitor.form_token() {
        Ok(token) => token,
        Err(error) => return problem(inner, &worker.visitor, error),
    };
    let text = worker.visitor.text;
    let form = IssueForm {
        token: &token,
        recipient,
        language,
        error,
    };
    let body = pages::issue(text, channels(inner), &form);
    let frame = inside(inner, worker, &token, "/issue");
    let page = pages::page(&frame, text.issue, error.is_some(), &body);
    show(&worker.visitor, StatusCode::OK, page)
}

async fn password_page(State(inner): State<Arc<Inner>>, visitor: Visitor) -> Response {
    match anybody_signed_in(visitor).await {
        Ok(mut worker) => show_password(&inner, &mut worker, StatusCode::OK, None),
        Err((visitor, error)) => turned_away(&inner, visitor, error),
    }
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
struct PasswordForm {
    token: String,
    current: String,
    new: String,
    repeat: String,
}

async fn change_password(
    State(inner): State<Arc<Inner>>,
    visitor: Visitor,
    form: Result<Form<PasswordForm>, FormRejection>,
) -> Response {
    let mut worker = match anybody_signed_in(visitor).await {
        Ok(worker) => worker,
        Err((visitor, error)) => return turned_away(&inner, visitor, error),
    };
    let form = match read(&worker.visitor, form, |form| &form.token) {
        Ok(form) => form,
        Err(error) => return problem(&inner, &worker.visitor, error),
    };
    let text = worker.visitor.text;
    let near = [
        worker.account.name.as_str(),
        inner.config.web.institution.as_str(),
    ];
    if let Err(error) = may_be_password(text, &form, &near) {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return show_password(&inner, &mut worker, status, Some(error));
    }
    let current = Zeroizing::new(form.current.clone());
    let new = Zeroizing::new(form.new.clone());
    match inner.change_password(&worker.account, current, new).await {
        Ok(PasswordChanged::Done) => {
            let mut response = Redirect::to("/sign-in?after=password-change").into_response();
            worker.visitor.forget_session(&mut response);
            response
        }
        Ok(PasswordChanged::Refused) => {
            let status = StatusCode::FORBIDDEN;
            show_password(&inner, &mut worker, status, Some(text.password_wrong))
        }
        Ok(PasswordChanged::Wait(wait)) => {
            let error = (text.too_many_tries)(minutes(wait));
            let status = StatusCode::TOO_MANY_REQUESTS;
            show_password(&inner, &mut worker, status, Some(&error))
        }
        Err(error) => {
            tracing::error!(error = %Causes(&error), "a password cannot be changed");
            problem(&inner, &worker.visitor, Problem::Broken)
        }
    }
}

/// `near` is what has to do with the account, and is in no good password.
fn may_be_password(text: &Text, form: &PasswordForm, near: &[&str]) -> Result<(), &'static str> {
    if form.new != form.repeat {
        return Err(text.password_differs);
    }
    if form.new.chars().count() < LEN_MIN {
        return Err(text.password_short);
    }
    if form.new.len() > LEN_MAX {
        return Err(text.password_long);
    }
    if form.current.len() > LEN_MAX {
        return Err(text.password_wrong);
    }
    if form.new == form.current {
        return Err(text.password_same);
    }
    if is_common(&form.new, near) {
        return Err(text.password_common);
    }
    Ok(())
}

fn show_password(
    inner: &Inner,
    worker: &mut Worker,
    status: StatusCode,
    error: Option<&str>,
) -> Response {
    let token = match worker.visitor.form_token() {
        Ok(token) => token,
        Err(error) => return problem(inner, &worker.visitor, error),
    };
    let text = worker.visitor.text;
    let body = pages::password(text, &token, worker.account.must_change, error);
    let frame = inside(inner, worker, &token, "/password");
    let page = pages::page(&frame, text.change_password, error.is_some(), &body);
    let response = show(&worker.visitor, status, page);
    if error.is_some() {
        shown_again(response)
    } else {
        response
    }
}

/// Why what was entered is no recipient here.
enum NoRecipient {
    Wrong(RecipientError),
    Off(Channel),
}

impl NoRecipient {
    const fn says(&self, text: &Text) -> &'static str {
        match self {
            Self::Wrong(RecipientError::Missing | RecipientError::Both) => text.recipient_missing,
            Self::Wrong(RecipientError::Mail) => text.mail_wrong,
            Self::Wrong(RecipientError::Phone) => text.phone_wrong,
            Self::Wrong(RecipientError::PhoneLength) => text.phone_length,
            Self::Wrong(RecipientError::Landline) => text.phone_landline,
            Self::Off(Channel::Mail) => text.mail_off,
            Self::Off(Channel::Sms) => text.phone_off,
        }
    }
}

/// The recipient in the one field of the form: a mail address has an @. Where only
/// mail can be sent, everything is taken for one.
fn recipient(inner: &Inner, entered: &str) -> Result<Recipient, NoRecipient> {
    let is_mail = entered.contains(['@', '＠']) || !channels(inner).sms;
    let (mail, phone) = if is_mail {
        (Some(entered), None)
    } else {
        (None, Some(entered))
    };
    let recipient = Recipient::parse(mail, phone).map_err(NoRecipient::Wrong)?;
    let channel = recipient.channel();
    if inner.sender.can(channel) {
        Ok(recipient)
    } else {
        Err(NoRecipient::Off(channel))
    }
}

fn channels(inner: &Inner) -> Channels {
    Channels {
        mail: inner.sender.can(Channel::Mail),
        sms: inner.sender.can(Channel::Sms),
    }
}

fn form_id(text: &str) -> Option<FormId> {
    let mut id = [0; 16];
    hex::decode_to_slice(text, &mut id).ok()?;
    Some(id)
}

/// A visitor who is signed in and has `role`, or where to send them first.
async fn worker(inner: &Inner, visitor: Visitor, role: Role) -> Result<Worker, Box<Response>> {
    match anybody_signed_in(visitor).await {
        Ok(worker) if worker.account.must_change => {
            let mut response = Redirect::to("/password").into_response();
            worker.visitor.remember(&mut response);
            Err(Box::new(response))
        }
        Ok(worker) if !worker.account.roles.has(role) => {
            let response = problem(inner, &worker.visitor, Problem::NotAllowed);
            Err(Box::new(response))
        }
        Ok(worker) => Ok(worker),
        Err((visitor, error)) => Err(Box::new(turned_away(inner, visitor, error))),
    }
}

/// The same with the form that they sent from a page of theirs.
async fn worker_with<T>(
    inner: &Inner,
    visitor: Visitor,
    role: Role,
    form: Result<Form<T>, FormRejection>,
    token: impl Fn(&T) -> &str,
) -> Result<(Worker, T), Box<Response>> {
    let worker = worker(inner, visitor, role).await?;
    match read(&worker.visitor, form, token) {
        Ok(form) => Ok((worker, form)),
        Err(error) => Err(Box::new(problem(inner, &worker.visitor, error))),
    }
}

/// What became of the form that an address names, where this worker sent it.
async fn submitted(
    inner: &Inner,
    worker: &Worker,
    form: &str,
) -> Result<(FormId, Submission), Problem> {
    let id = form_id(form).ok_or(Problem::NotFound)?;
    match inner.store.submission(id, &worker.account.name).await {
        Ok(Some(submission)) => Ok((id, submission)),
        Ok(None) => Err(Problem::NotFound),
        Err(error) => {
            tracing::error!(error = %Causes(&error), "a submission cannot be looked up");
            Err(Problem::Broken)
        }
    }
}

/// A visitor who is signed in; they may have to change their first password.
async fn anybody_signed_in(visitor: Visitor) -> Result<Worker, (Visitor, Option<Problem>)> {
    match visitor.account().await {
        Ok(Some(account)) => Ok(Worker { visitor, account }),
        Ok(None) => Err((visitor, None)),
        Err(error) => Err((visitor, Some(error))),
    }
}

/// The answer to a visitor who is not signed in (any more), or where that cannot be
/// found out.
fn turned_away(inner: &Inner, mut visitor: Visitor, error: Option<Problem>) -> Response {
    if let Some(error) = error {
        return problem(inner, &visitor, error);
    }
    let had_session = visitor.has_session();
    let to = if had_session {
        "/sign-in?after=timeout"
    } else {
        "/sign-in"
    };
    let mut response = Redirect::to(to).into_response();
    visitor.remember(&mut response);
    if had_session {
        visitor.forget_session(&mut response);
    }
    response
}

/// The content of a form that was shown to this visitor.
fn read<T>(
    visitor: &Visitor,
    form: Result<Form<T>, FormRejection>,
    token: impl Fn(&T) -> &str,
) -> Result<T, Problem> {
    let Form(form) = form.map_err(|_| Problem::FormOld)?;
    visitor.check_form(token(&form))?;
    Ok(form)
}

fn problem(inner: &Inner, visitor: &Visitor, problem: Problem) -> Response {
    let (heading, body) = problem.page(visitor.text);
    let frame = outside(inner, visitor.text, "/");
    let page = pages::page(&frame, heading, true, &body);
    let mut response = shown_again(show(visitor, problem.status(), page));
    if let Problem::Limited(wait) = problem {
        let seconds = HeaderValue::from(wait.as_secs().max(1));
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

/// Lets the browser keep the answer to a form for when somebody goes back to it: otherwise
/// it shows an error of its own there. For pages that have nothing in them about anybody.
fn shown_again(mut response: Response) -> Response {
    let value = HeaderValue::from_static("private, no-cache");
    response.headers_mut().insert(CACHE_CONTROL, value);
    response
}

fn show(visitor: &Visitor, status: StatusCode, page: Markup) -> Response {
    let mut response = (status, Html(page.into_string())).into_response();
    visitor.remember(&mut response);
    response
}

fn outside<'a>(inner: &'a Inner, text: &'static Text, path: &'a str) -> Frame<'a> {
    Frame {
        text,
        institution: &inner.config.web.institution,
        account: None,
        path,
        reload: None,
    }
}

fn inside<'a>(inner: &'a Inner, worker: &'a Worker, token: &'a str, path: &'a str) -> Frame<'a> {
    Frame {
        account: Some((&worker.account, token)),
        ..outside(inner, worker.visitor.text, path)
    }
}
