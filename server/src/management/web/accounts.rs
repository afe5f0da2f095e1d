//! The pages of those who administrate: accounts, and the audit log.

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, PreEscaped, html};
use qrcode::QrCode;
use qrcode::render::svg;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::pages::{Problem, alert};
use super::sent::show_inside;
use super::text::Text;
use super::{Visitor, problem, worker, worker_with};
use crate::log::Causes;
use crate::management::Inner;
use crate::management::account::manage::{Manage, Managed, Secrets};
use crate::management::account::roles::Roles;
use crate::management::account::{AccountError, Role};
use crate::management::message;
use crate::management::store::{Account, AuditRow};

/// How many rows of the audit log are shown.
const AUDIT_ROWS: u32 = 200;

/// What the page before has to say.
#[derive(Deserialize)]
pub(super) struct Notice {
    after: Option<String>,
}

/// What is shown once: a first password, a TOTP secret.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Shown {
    name: String,
    password: Option<String>,
    totp: Option<String>,
}

pub(super) async fn list_page(
    State(inner): State<Arc<Inner>>,
    visitor: Visitor,
    Query(notice): Query<Notice>,
) -> Response {
    let mut worker = match worker(&inner, visitor, Role::Administrate).await {
        Ok(worker) => worker,
        Err(response) => return *response,
    };
    let (accounts, token) = match (inner.store.accounts().await, worker.visitor.form_token()) {
        (Ok(accounts), Ok(token)) => (accounts, token),
        (Err(error), _) => return failed(&inner, &worker.visitor, &error.into()),
        (_, Err(error)) => return problem(&inner, &worker.visitor, error),
    };
    let text = worker.visitor.text;
    let body = list(text, &token, &accounts, notice.says(text));
    show_inside(&inner, &mut worker, "/accounts", text.accounts, &body)
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct AddForm {
    token: String,
    name: String,
    #[serde(default)]
    issue: String,
    #[serde(default)]
    administrate: String,
    #[serde(default)]
    statistics: String,
}

pub(super) async fn add(
    State(inner): State<Arc<Inner>>,
    visitor: Visitor,
    form: Result<Form<AddForm>, FormRejection>,
) -> Response {
    let sent = worker_with(&inner, visitor, Role::Administrate, form, |form| {
        &form.token
    })
    .await;
    let (worker, form) = match sent {
        Ok(sent) => sent,
        Err(response) => return *response,
    };
    let name = form.name.trim().to_ascii_lowercase();
    let roles = roles(&form.issue, &form.administrate, &form.statistics);
    let who = &worker.account.name;
    let managed = inner.add_account(who, &name, roles).await;
    answer(&inner, &worker.visitor, &name, managed)
}

pub(super) async fn account_page(
    State(inner): State<Arc<Inner>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(notice): Query<Notice>,
) -> Response {
    let mut worker = match worker(&inner, visitor, Role::Administrate).await {
        Ok(worker) => worker,
        Err(response) => return *response,
    };
    let (account, token) = match (
        inner.store.account(&name).await,
        worker.visitor.form_token(),
    ) {
        (Ok(Some(account)), Ok(token)) => (account, token),
        (Ok(None), _) => return problem(&inner, &worker.visitor, Problem::NotFound),
        (Err(error), _) => return failed(&inner, &worker.visitor, &error.into()),
        (_, Err(error)) => return problem(&inner, &worker.visitor, error),
    };
    let text = worker.visitor.text;
    let is_own = account.name == worker.account.name;
    let body = one(text, &token, &account, is_own, notice.says(text));
    let path = format!("/accounts/{}", account.name);
    show_inside(&inner, &mut worker, &path, &account.name, &body)
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct ManageForm {
    token: String,
    what: String,
    #[serde(default)]
    issue: String,
    #[serde(default)]
    administrate: String,
    #[serde(default)]
    statistics: String,
}

pub(super) async fn manage(
    State(inner): State<Arc<Inner>>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Result<Form<ManageForm>, FormRejection>,
) -> Response {
    let sent = worker_with(&inner, visitor, Role::Administrate, form, |form| {
        &form.token
    })
    .await;
    let (worker, form) = match sent {
        Ok(sent) => sent,
        Err(response) => return *response,
    };
    let manage = match form.what.as_str() {
        "disable" => Manage::Disable,
        "enable" => Manage::Enable,
        "roles" => Manage::Roles(roles(&form.issue, &form.administrate, &form.statistics)),
        "reset-password" => Manage::ResetPassword,
        "reset-totp" => Manage::ResetTotp,
        "revoke-token" => Manage::RevokeToken,
        "remove" => Manage::Remove,
        _ => return problem(&inner, &worker.visitor, Problem::FormOld),
    };
    let who = &worker.account.name;
    if *who == name {
        // Whoever administrates keeps somebody else to do it with, or uses the command line.
        return problem(&inner, &worker.visitor, Problem::NotAllowed);
    }
    let managed = inner.manage(who, &name, manage).await;
    if manage == Manage::Remove && matches!(managed, Ok(Managed::Done(_))) {
        return Redirect::to("/accounts?after=done").into_response();
    }
    answer(&inner, &worker.visitor, &name, managed)
}

/// The secrets of an account that was just added or changed.
pub(super) async fn shown_page(
    State(inner): State<Arc<Inner>>,
    visitor: Visitor,
    Path(sealed): Path<String>,
) -> Response {
    let mut worker = match worker(&inner, visitor, Role::Administrate).await {
        Ok(worker) => worker,
        Err(response) => return *response,
    };
    let shown: Shown = match worker.visitor.open(&sealed) {
        Ok(shown) => shown,
        Err(error) => return problem(&inner, &worker.visitor, error),
    };
    let text = worker.visitor.text;
    let body = secrets(text, &shown);
    let path = format!("/secrets/{sealed}");
    show_inside(&inner, &mut worker, &path, &shown.name, &body)
}

pub(super) async fn audit_page(State(inner): State<Arc<Inner>>, visitor: Visitor) -> Response {
    let mut worker = match worker(&inner, visitor, Role::Administrate).await {
        Ok(worker) => worker,
        Err(response) => return *response,
    };
    let mut rows = match inner.store.audit_rows(AUDIT_ROWS).await {
        Ok(rows) => rows,
        Err(error) => return failed(&inner, &worker.visitor, &error.into()),
    };
    rows.reverse();
    let text = worker.visitor.text;
    let body = audit(&inner, text, &rows);
    show_inside(&inner, &mut worker, "/audit", text.audit, &body)
}

fn answer(
    inner: &Inner,
    visitor: &Visitor,
    name: &str,
    managed: Result<Managed, AccountError>,
) -> Response {
    let to = match managed {
        Ok(Managed::Done(Secrets {
            password: None,
            totp: None,
        })) => format!("/accounts/{name}?after=done"),
        Ok(Managed::Done(secrets)) => {
            let shown = Shown {
                name: name.to_owned(),
                password: secrets.password.map(|it| it.to_string()),
                totp: secrets.totp.map(|it| it.to_string()),
            };
            match visitor.seal(&shown) {
                Ok(sealed) => format!("/secrets/{sealed}"),
                Err(error) => return problem(inner, visitor, error),
            }
        }
        Ok(Managed::Exists) => "/accounts?after=exists".to_owned(),
        Ok(Managed::Name) => "/accounts?after=name".to_owned(),
        Ok(Managed::Unknown) => return problem(inner, visitor, Problem::NotFound),
        Err(error) => return failed(inner, visitor, &error),
    };
    Redirect::to(&to).into_response()
}

fn failed(inner: &Inner, visitor: &Visitor, error: &AccountError) -> Response {
    tracing::error!(error = %Causes(error), "an account cannot be managed");
    problem(inner, visitor, Problem::Broken)
}

fn roles(issue: &str, administrate: &str, statistics: &str) -> Roles {
    [
        (Role::Issue, issue),
        (Role::Administrate, administrate),
        (Role::Statistics, statistics),
    ]
    .into_iter()
    .filter(|(_, chosen)| !chosen.is_empty())
    .map(|(role, _)| role)
    .collect()
}

impl Notice {
    fn says(&self, text: &Text) -> Option<(bool, &'static str)> {
        match self.after.as_deref()? {
            "done" => Some((false, text.account_changed)),
            "exists" => Some((true, text.account_exists)),
            "name" => Some((true, text.account_name_wrong)),
            _ => None,
        }
    }
}

fn said(notice: Option<(bool, &'static str)>) -> Markup {
    html! {
        @match notice {
            Some((true, error)) => (alert(Some(error))),
            Some((false, done)) => p.notice role="status" { (done) },
            None => {},
        }
    }
}

fn list(
    text: &Text,
    token: &str,
    accounts: &[Account],
    notice: Option<(bool, &'static str)>,
) -> Markup {
    html! {
        (said(notice))
        div.scroll tabindex="0" role="region" aria-label=(text.accounts) {
            table {
                thead {
                    tr {
                        th scope="col" { (text.account) }
                        th scope="col" { (text.may) }
                        th scope="col" { (text.state) }
                    }
                }
                tbody {
                    @for account in accounts {
                        tr {
                            th scope="row" {
                                a href={ "/accounts/" (account.name) } { (account.name) }
                            }
                            td { (role_names(text, account.roles)) }
                            td { (state(text, account)) }
                        }
                    }
                }
            }
        }
        h2 { (text.account_add) }
        form method="post" action="/accounts" {
            input type="hidden" name="token" value=(token);
            div.field {
                label for="name" { (text.account) }
                p.hint id="name-hint" { (text.account_name_hint) }
                input id="name" name="name" type="text" required maxlength="32" spellcheck="false"
                    autocapitalize="none" autocomplete="off" aria-describedby="name-hint";
            }
            (role_boxes(text, Roles::default().with(Role::Issue)))
            button.main { (text.account_add_do) }
        }
    }
}

fn one(
    text: &Text,
    token: &str,
    account: &Account,
    is_own: bool,
    notice: Option<(bool, &'static str)>,
) -> Markup {
    let action = format!("/accounts/{}", account.name);
    let button = |what: &str, label: &str| {
        html! {
            form method="post" action=(action) {
                input type="hidden" name="token" value=(token);
                button.other name="what" value=(what) { (label) }
            }
        }
    };
    html! {
        (said(notice))
        dl.facts {
            div { dt { (text.may) } dd { (role_names(text, account.roles)) } }
            div { dt { (text.state) } dd { (state(text, account)) } }
        }
        @if is_own {
            p { (text.account_own) }
        } @else {
            form method="post" action=(action) {
                input type="hidden" name="token" value=(token);
                (role_boxes(text, account.roles))
                button.main name="what" value="roles" { (text.change) }
            }
            h2 { (text.account_help) }
            div.buttons {
                (button("reset-password", text.account_reset_password))
                (button("reset-totp", text.account_reset_totp))
                @if account.has_token { (button("revoke-token", text.account_revoke_token)) }
                @if account.disabled {
                    (button("enable", text.account_enable))
                } @else {
                    (button("disable", text.account_disable))
                }
            }
            h2 { (text.account_remove) }
            form method="post" action=(action) {
                input type="hidden" name="token" value=(token);
                div.choice {
                    input id="sure" type="checkbox" required;
                    label for="sure" { (text.account_remove_sure) }
                }
                button.other name="what" value="remove" { (text.account_remove) }
            }
        }
        p { a href="/accounts" { (text.accounts) } }
    }
}

fn secrets(text: &Text, shown: &Shown) -> Markup {
    html! {
        p.notice { (text.secrets_lead) }
        dl.facts {
            @if let Some(password) = &shown.password {
                div.big { dt { (text.first_password) } dd { (password) } }
            }
            @if let Some(totp) = &shown.totp {
                div.big {
                    dt { (text.totp_code) }
                    dd { (qr(text, totp)) }
                }
                div { dt { (text.totp_uri) } dd.small { (totp) } }
            }
        }
        p { a.button href={ "/accounts/" (shown.name) } { (text.secrets_done) } }
    }
}

/// The URI as a picture that authenticator apps read.
fn qr(text: &Text, uri: &str) -> Markup {
    let Ok(code) = QrCode::new(uri) else {
        return html! {};
    };
    let picture = code
        .render::<svg::Color<'_>>()
        .min_dimensions(200, 200)
        .build();
    // Its head is for files of its own.
    let picture = picture.find("<svg").map_or("", |at| &picture[at..]);
    html! { div.qr role="img" aria-label=(text.totp_code) { (PreEscaped(picture)) } }
}

fn audit(inner: &Inner, text: &Text, rows: &[AuditRow]) -> Markup {
    html! {
        p.lead { (text.audit_lead) }
        div.scroll tabindex="0" role="region" aria-label=(text.audit) {
            table {
                thead {
                    tr {
                        th scope="col" { (text.time) }
                        th scope="col" { (text.account) }
                        th scope="col" { (text.what) }
                        th scope="col" { (text.outcome) }
                    }
                }
                // As they are kept, for whoever compares them with the command line's.
                tbody lang="en" {
                    @for row in rows {
                        tr {
                            td { (message::time(text.language.spoken(), row.at, &inner.time_zone)) }
                            td { (row.who) }
                            td { (row.action) }
                            td { (row.outcome) }
                        }
                    }
                }
            }
        }
    }
}

const fn role_name(text: &Text, role: Role) -> &'static str {
    match role {
        Role::Issue => text.role_issue,
        Role::Administrate => text.role_administrate,
        Role::Statistics => text.role_statistics,
    }
}

fn role_names(text: &Text, roles: Roles) -> String {
    let names: Vec<_> = Role::ALL
        .into_iter()
        .filter(|role| roles.has(*role))
        .map(|role| role_name(text, role))
        .collect();
    if names.is_empty() {
        text.role_none.to_owned()
    } else {
        names.join(text.between)
    }
}

fn role_boxes(text: &Text, chosen: Roles) -> Markup {
    html! {
        fieldset {
            legend { (text.may) }
            @for role in Role::ALL {
                div.choice {
                    input id={ "role-" (role.name()) } type="checkbox" name=(role.name())
                        value="yes" checked[chosen.has(role)];
                    label for={ "role-" (role.name()) } { (role_name(text, role)) }
                }
            }
        }
    }
}

fn state(text: &Text, account: &Account) -> String {
    let states: Vec<_> = [
        (account.disabled, text.account_is_disabled),
        (account.must_change, text.account_has_first_password),
        (account.has_token, text.account_has_token),
    ]
    .into_iter()
    .filter(|(holds, _)| *holds)
    .map(|(_, state)| state)
    .collect();
    if states.is_empty() {
        text.account_in_use.to_owned()
    } else {
        states.join(text.between)
    }
}
