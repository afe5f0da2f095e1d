//! The pages, as HTML.

use std::time::Duration;

use axum::http::StatusCode;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::text::Text;
use crate::management::account::Role;
use crate::management::message::{Language, Spoken};
use crate::management::recipient::Channel;
use crate::management::store::Account;

/// Why a page is not what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// There is no such page.
    NotFound,
    /// The form does not belong to a page shown to this visitor, or is no form.
    FormOld,
    /// Too many numbers were issued.
    Limited(Duration),
    /// Too many numbers are valid.
    Full,
    /// The account may not do this.
    NotAllowed,
    /// Something here is broken.
    Broken,
}

/// What all pages have around them.
pub(super) struct Frame<'a> {
    pub(super) text: &'static Text,
    pub(super) institution: &'a str,
    /// The account, and the token of the form that signs out.
    pub(super) account: Option<(&'a Account, &'a str)>,
    /// Where the other language is: a path here.
    pub(super) path: &'a str,
    /// Seconds after which the page loads again.
    pub(super) reload: Option<u32>,
}

/// Which ways of sending there are.
#[derive(Clone, Copy)]
pub(super) struct Channels {
    pub(super) mail: bool,
    pub(super) sms: bool,
}

/// What the form for issuing holds.
pub(super) struct IssueForm<'a> {
    pub(super) token: &'a str,
    pub(super) recipient: &'a str,
    pub(super) language: Spoken,
    pub(super) error: Option<&'a str>,
}

/// A page with a heading.
pub(super) fn page(frame: &Frame<'_>, heading: &str, has_error: bool, body: &Markup) -> Markup {
    let text = frame.text;
    let other = match text.language {
        Language::Ja => Language::En,
        Language::En => Language::Ja,
    };
    html! {
        (DOCTYPE)
        html lang=(text.language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                @if let Some(seconds) = frame.reload {
                    meta http-equiv="refresh" content=(seconds);
                }
                title {
                    @if has_error { (text.error) ": " }
                    (heading) " – " (text.service)
                }
                link rel="stylesheet" href="/style.css";
            }
            body {
                a.skip href="#main" { (text.skip) }
                header {
                    div.bar {
                        div.names {
                            @if !frame.institution.is_empty() {
                                p.institution { (frame.institution) }
                            }
                            p.service { a href="/" { (text.service) } }
                        }
                        nav.languages aria-label=(text.languages) {
                            a href={ (frame.path) "?lang=" (other.code()) }
                                lang=(other.code()) hreflang=(other.code()) {
                                (text.other_language)
                            }
                        }
                    }
                    @if let Some((account, token)) = frame.account {
                        nav.menu aria-label=(text.menu) {
                            p.account { (text.signed_in_as) ": " strong { (account.name) } }
                            @for (role, path, label) in menu(text) {
                                @if account.roles.has(role) { a href=(path) { (label) } }
                            }
                            a href="/password" { (text.change_password) }
                            form method="post" action="/sign-out" {
                                input type="hidden" name="token" value=(token);
                                button.link { (text.sign_out) }
                            }
                        }
                    }
                }
                main id="main" tabindex="-1" {
                    h1 { (heading) }
                    (body)
                }
                footer { p { (text.for_whom) } }
            }
        }
    }
}

/// The form to sign in.
pub(super) fn sign_in(
    text: &Text,
    token: &str,
    notice: Option<&str>,
    error: Option<&str>,
) -> Markup {
    html! {
        @if let Some(notice) = notice { p.notice role="status" { (notice) } }
        (alert(error))
        form method="post" action="/sign-in" {
            input type="hidden" name="token" value=(token);
            div.field {
                label for="name" { (text.account) }
                input id="name" name="name" type="text" required maxlength="64" spellcheck="false"
                    autocapitalize="none" autocomplete="username";
            }
            div.field {
                label for="password" { (text.password) }
                input id="password" name="password" type="password" required maxlength="256"
                    autocomplete="current-password";
            }
            div.field {
                label for="code" { (text.code) }
                p.hint id="code-hint" { (text.code_hint) }
                input.short id="code" name="code" type="text" inputmode="numeric" required
                    maxlength="12" autocomplete="one-time-code" aria-describedby="code-hint";
            }
            button.main { (text.sign_in) }
        }
    }
}

/// The form to issue a number.
pub(super) fn issue(text: &Text, channels: Channels, form: &IssueForm<'_>) -> Markup {
    let label = match (channels.mail, channels.sms) {
        (true, false) => text.mail,
        (false, true) => text.phone,
        (_, _) => text.mail_or_phone,
    };
    let described = match (form.error, channels.sms) {
        (Some(_), true) => Some("recipient-error recipient-hint"),
        (Some(_), false) => Some("recipient-error"),
        (None, true) => Some("recipient-hint"),
        (None, false) => None,
    };
    html! {
        p.lead { (text.issue_lead) }
        form method="post" action="/issue" {
            input type="hidden" name="token" value=(form.token);
            div.field.wrong[form.error.is_some()] {
                label for="recipient" { (label) }
                @if channels.sms { p.hint id="recipient-hint" { (text.phone_hint) } }
                @if let Some(error) = form.error {
                    p.error id="recipient-error" { (mark()) span { (error) } }
                }
                input id="recipient" name="recipient" type="text" value=(form.recipient) required
                    maxlength="254" inputmode="email" spellcheck="false" autocapitalize="none"
                    autocomplete="off" aria-describedby=[described]
                    aria-invalid=[form.error.map(|_| "true")]
                    autofocus[form.error.is_some()];
            }
            div.field {
                label for="language" { (text.message_language) }
                p.hint id="language-hint" { (text.translations) }
                select id="language" name="language" aria-describedby="language-hint" {
                    @for (name, language) in text.spoken.iter().zip(sesshoku_i18n::Language::ALL) {
                        option value=(language.tag()) selected[form.language.0 == language] {
                            (name)
                        }
                    }
                }
            }
            button.main { (text.to_confirm) }
        }
        p.small { (text.not_kept) }
    }
}

/// The pages of each role.
const fn menu(text: &Text) -> [(Role, &'static str, &'static str); 6] {
    [
        (Role::Issue, "/issue", text.issue),
        (Role::Issue, "/bulk", text.bulk),
        (Role::Issue, "/sent", text.sent_list),
        (Role::Statistics, "/statistics", text.statistics),
        (Role::Administrate, "/accounts", text.accounts),
        (Role::Administrate, "/audit", text.audit),
    ]
}

/// What is about to be sent.
pub(super) struct Confirm<'a> {
    pub(super) token: &'a str,
    /// The sealed order, whose one-time id makes sending it twice the same as sending it
    /// once.
    pub(super) order: &'a str,
    pub(super) recipient: &'a str,
    pub(super) channel: Channel,
    pub(super) language: Spoken,
    /// The id, where it was sent already.
    pub(super) sent_as: Option<&'a str>,
}

/// What is about to be sent, to be looked at once more.
pub(super) fn confirm(text: &Text, confirm: &Confirm<'_>) -> Markup {
    let Confirm {
        token,
        order,
        recipient,
        channel,
        language,
        sent_as,
    } = *confirm;
    let (by, label) = match channel {
        Channel::Mail => (text.by_mail, text.mail),
        Channel::Sms => (text.by_sms, text.phone),
    };
    let mut names = text.spoken.iter().zip(sesshoku_i18n::Language::ALL);
    let spoken = names.find(|(_, it)| *it == language.0);
    let spoken = spoken.map_or("", |(name, _)| name);
    html! {
        @if sent_as.is_some() {
            p.notice { (text.sent_already) }
        } @else {
            p.lead { (text.confirm_lead) }
        }
        dl.facts {
            div.big { dt { (label) } dd { (breakable(recipient)) } }
            div { dt { (text.by) } dd { (by) } }
            div { dt { (text.message_language) } dd { (spoken) } }
        }
        @if let Some(form) = sent_as {
            p { a.button href={ "/issued/" (form) } { (text.sent_see) } }
        } @else {
            form.actions method="post" action="/send" {
                input type="hidden" name="token" value=(token);
                input type="hidden" name="order" value=(order);
                button.main { (text.send) }
                a.button.other href={ "/issue?entry=" (order) } { (text.correct) }
            }
        }
    }
}

/// That a number is sent.
pub(super) fn sent(text: &Text, at: &str, until: &str, form: &str) -> Markup {
    html! {
        div.done {
            dl.facts {
                div { dt { (text.sent_at) } dd { (at) } }
                div { dt { (text.valid_until) } dd { (until) } }
            }
        }
        h2 { (text.sent_next) }
        ul { @for step in text.sent_steps { li { (step) } } }
        p { a.button href="/issue" { (text.another) } }
        p { a href={ "/take-back/" (form) } { (text.take_back) } }
        p.small { (text.reference) ": " code { (form) } }
    }
}

/// That a number is taken back.
pub(super) fn taken_back(text: &Text) -> Markup {
    html! {
        p.lead { (text.taken_back_lead) }
        p { a.button href="/issue" { (text.again) } }
    }
}

/// That a number is being sent.
pub(super) fn sending(text: &Text, path: &str) -> Markup {
    html! {
        p.lead { (text.sending_lead) }
        p { a.button href=(path) { (text.reload) } }
    }
}

/// That a number is not sent, or may not be.
pub(super) fn not_sent(text: &Text, what: &str, next: Option<&str>) -> Markup {
    html! {
        (alert(Some(what)))
        @if let Some(next) = next { p { (next) } }
        p { a.button href="/issue" { (text.again) } }
    }
}

/// That something did not go as it should, what that means, and what to do.
fn trouble(what: &str, link: &str) -> Markup {
    html! {
        p.lead { (what) }
        p { a.button href="/" { (link) } }
    }
}

/// The form to change the password.
pub(super) fn password(text: &Text, token: &str, must_change: bool, error: Option<&str>) -> Markup {
    html! {
        @if must_change { p.notice { (text.must_change) } }
        (alert(error))
        form method="post" action="/password" {
            input type="hidden" name="token" value=(token);
            div.field {
                label for="current" { (text.current_password) }
                input id="current" name="current" type="password" required maxlength="256"
                    autocomplete="current-password";
            }
            div.field {
                label for="new" { (text.new_password) }
                p.hint id="new-hint" { (text.new_password_hint) }
                input id="new" name="new" type="password" required maxlength="256"
                    autocomplete="new-password" aria-describedby="new-hint";
            }
            div.field {
                label for="repeat" { (text.repeat_password) }
                input id="repeat" name="repeat" type="password" required maxlength="256"
                    autocomplete="new-password";
            }
            button.main { (text.change) }
        }
    }
}

impl Problem {
    /// The status it is answered with.
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::FormOld | Self::NotAllowed => StatusCode::FORBIDDEN,
            Self::Limited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Full | Self::Broken => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Its heading and page.
    pub(super) fn page(self, text: &Text) -> (&'static str, Markup) {
        let (heading, lead) = match self {
            Self::NotFound => (text.not_found, text.not_found_lead.to_owned()),
            Self::FormOld => (text.form_old, text.form_old_lead.to_owned()),
            Self::Limited(wait) => (text.limited, (text.limited_lead)(minutes(wait))),
            Self::Full => (text.full, text.full_lead.to_owned()),
            Self::NotAllowed => (text.not_allowed, text.not_allowed_lead.to_owned()),
            Self::Broken => (text.broken, text.broken_lead.to_owned()),
        };
        (heading, trouble(&lead, text.to_start))
    }
}

/// Whole minutes, rather too many than too few.
pub(super) fn minutes(wait: Duration) -> u64 {
    wait.as_secs().div_ceil(60).max(1)
}

/// A mail address that, where the line is too short, goes on in the next with its @.
fn breakable(recipient: &str) -> Markup {
    let (name, host) = recipient.split_at(recipient.find('@').unwrap_or(recipient.len()));
    html! { (name) wbr; (host) }
}

pub(super) fn alert(error: Option<&str>) -> Markup {
    html! {
        @if let Some(error) = error {
            p.error role="alert" { (mark()) span { (error) } }
        }
    }
}

/// A sign before errors, so that colour is not all that tells them.
fn mark() -> Markup {
    PreEscaped(
        r#"<svg aria-hidden="true" viewBox="0 0 24 24"><circle cx="12" cy="12" r="11"/><path d="M12 6v8M12 17v1.5"/></svg>"#
            .to_owned(),
    )
}
