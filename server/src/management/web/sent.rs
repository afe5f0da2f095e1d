//! What was sent in the last day, taking a number back, many at once, and the statistics.

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::pages::{self, Problem};
use super::text::Text;
use super::visitor::Worker;
use super::{Visitor, form_id, inside, problem, show, submitted, worker, worker_with};
use crate::log::Causes;
use crate::management::Inner;
use crate::management::account::Role;
use crate::management::message;
use crate::management::statistics::{Counted, Day, TOLD_FROM};
use crate::management::store::{Progress, Sent};

/// For how many days the statistics are shown.
const DAYS: i64 = 31;

/// The forms that this account sent in the last day.
pub(super) async fn list_page(State(inner): State<Arc<Inner>>, visitor: Visitor) -> Response {
    let mut worker = match worker(&inner, visitor, Role::Issue).await {
        Ok(worker) => worker,
        Err(response) => return *response,
    };
    let sent = match inner.store.submissions(Some(&worker.account.name)).await {
        Ok(sent) => sent,
        Err(error) => {
            tracing::error!(error = %Causes(&error), "submissions cannot be listed");
            return problem(&inner, &worker.visitor, Problem::Broken);
        }
    };
    let body = list(&inner, worker.visitor.text, &sent);
    let heading = worker.visitor.text.sent_list;
    show_inside(&inner, &mut worker, "/sent", heading, &body)
}

/// Asks whether a number is to be taken back.
pub(super) async fn take_back_page(
    State(inner): State<Arc<Inner>>,
    visitor: Visitor,
    Path(form): Path<String>,
) -> Response {
    let mut worker = match worker(&inner, visitor, Role::Issue).await {
        Ok(worker) => worker,
        Err(response) => return *response,
    };
    let text = worker.visitor.text;
    let id = match submitted(&inner, &worker, &form).await {
        Ok((id, _)) => id,
        Err(error) => return problem(&inner, &worker.visitor, error),
    };
    let token = match worker.visitor.form_token() {
        Ok(token) => token,
        Err(error) => return problem(&inner, &worker.visitor, error),
    };
    let form = hex::encode(id);
    let body = html! {
        p.lead { (text.take_back_lead) }
        form.actions method="post" action="/take-back" {
            input type="hidden" name="token" value=(*token);
            input type="hidden" name="form" value=(form);
            button.main { (text.take_back) }
            a.button.other href={ "/issued/" (form) } { (text.leave_it) }
        }
    };
    let path = format!("/take-back/{form}");
    show_inside(&inner, &mut worker, &path, text.take_back_question, &body)
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct TakeBackForm {
    token: String,
    form: String,
}

pub(super) async fn take_back(
    State(inner): State<Arc<Inner>>,
    visitor: Visitor,
    form: Result<Form<TakeBackForm>, FormRejection>,
) -> Response {
    let sent = worker_with(&inner, visitor, Role::Issue, form, |form| &form.token).await;
    let (worker, form) = match sent {
        Ok(sent) => sent,
        Err(response) => return *response,
    };
    let Some(id) = form_id(&form.form) else {
        return problem(&inner, &worker.visitor, Problem::FormOld);
    };
    let who = &worker.account.name;
    match inner.take_back(who, id, Some(who)).await {
        Ok(true) => Redirect::to(&format!("/issued/{}", hex::encode(id))).into_response(),
        Ok(false) => problem(&inner, &worker.visitor, Problem::NotFound),
        Err(error) => {
            tracing::error!(error = %Causes(&error), "a number cannot be taken back");
            problem(&inner, &worker.visitor, Problem::Broken)
        }
    }
}

/// How many numbers were sent, used and wrong on each day.
pub(super) async fn statistics_page(State(inner): State<Arc<Inner>>, visitor: Visitor) -> Response {
    let mut worker = match worker(&inner, visitor, Role::Statistics).await {
        Ok(worker) => worker,
        Err(response) => return *response,
    };
    let days = match inner.statistics(DAYS).await {
        Ok(days) => days,
        Err(error) => {
            tracing::error!(error = %Causes(&error), "the statistics cannot be read");
            return problem(&inner, &worker.visitor, Problem::Broken);
        }
    };
    let text = worker.visitor.text;
    let body = statistics(text, &days);
    show_inside(&inner, &mut worker, "/statistics", text.statistics, &body)
}

pub(super) fn show_inside(
    inner: &Inner,
    worker: &mut Worker,
    path: &str,
    heading: &str,
    body: &Markup,
) -> Response {
    let token = match worker.visitor.form_token() {
        Ok(token) => token,
        Err(error) => return problem(inner, &worker.visitor, error),
    };
    let frame = inside(inner, worker, &token, path);
    let page = pages::page(&frame, heading, false, body);
    show(&worker.visitor, StatusCode::OK, page)
}

fn list(inner: &Inner, text: &Text, sent: &[Sent]) -> Markup {
    html! {
        p.lead { (text.sent_list_lead) }
        @if sent.is_empty() {
            p { (text.sent_list_empty) }
        } @else {
            div.scroll tabindex="0" role="region" aria-label=(text.sent_list) {
                table {
                    thead {
                        tr {
                            th scope="col" { (text.time) }
                            th scope="col" { (text.state) }
                            th scope="col" { (text.valid_until) }
                        }
                    }
                    tbody {
                        @for it in sent {
                            tr {
                                th scope="row" {
                                    a href={ "/issued/" (hex::encode(it.form)) } {
                                        (message::time(text.language.spoken(), it.submission.since, &inner.time_zone))
                                    }
                                }
                                td { (state(text, it.submission.progress)) }
                                td {
                                    (message::time(text.language.spoken(), it.submission.expires, &inner.time_zone))
                                }
                            }
                        }
                    }
                }
            }
        }
        p { a.button href="/issue" { (text.another) } }
    }
}

const fn state(text: &Text, progress: Progress) -> &'static str {
    match progress {
        Progress::Sending => text.sending,
        Progress::Sent => text.sent,
        Progress::Failed => text.failed,
        Progress::TakenBack => text.taken_back,
    }
}

fn statistics(text: &Text, days: &[Day]) -> Markup {
    html! {
        p.lead { (text.statistics_lead) }
        @if days.is_empty() {
            p { (text.statistics_empty) }
        } @else {
            div.scroll tabindex="0" role="region" aria-label=(text.statistics) {
                table.numbers {
                    thead {
                        tr {
                            th scope="col" { (text.day) }
                            @for name in text.counted { th scope="col" { (name) } }
                        }
                    }
                    tbody {
                        @for day in days {
                            tr {
                                th scope="row" { (day.date) }
                                @for (what, count) in Counted::ALL.iter().zip(day.counts) {
                                    td { (told(*what, count)) }
                                }
                            }
                        }
                    }
                }
            }
            p.small { (text.statistics_few) }
        }
    }
}

/// Few of what people did are told as no more than that.
fn told(what: Counted, count: i64) -> String {
    if what.is_of_people() && count < TOLD_FROM {
        format!("0–{}", TOLD_FROM - 1)
    } else {
        count.to_string()
    }
}
