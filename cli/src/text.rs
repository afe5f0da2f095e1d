//! Sentences: what a person reads in place of the JSON.
//!
//! Everything here is a function from a value to a text, so that it is tested
//! without a bus, a clock or a terminal.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sesshoku_dbus_api::{
    NEVER_CHECKED, Named, NoticeKind, REAL_RADIO, RegistrationReason, RegistrationState, Verdict,
};
use sesshoku_i18n::{Args, Catalogue, args};

use crate::checks::{Checks, PastCheck};
use crate::contacts::{Contacts, Day};
use crate::doctor::{Report, State};
use crate::event::Event;
use crate::notices::{Notice, Notices};
use crate::registration::Registration;
use crate::status::{Check, Running, Scans, Status};

/// Writes sentences in one language, with times in one time zone.
#[derive(Debug)]
pub(crate) struct Text {
    catalogue: Catalogue,
    time_zone: TimeZone,
}

impl Text {
    /// In the language of `catalogue`, with the local times of `time_zone`.
    pub(crate) const fn new(catalogue: Catalogue, time_zone: TimeZone) -> Self {
        Self {
            catalogue,
            time_zone,
        }
    }

    /// The sentences themselves.
    pub(crate) const fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The sentence `key` with `args`.
    pub(crate) fn say(&self, key: &str, args: &Args<'_>) -> String {
        self.catalogue.format(key, args)
    }

    /// The answer to `sesshoku status`.
    pub(crate) fn status(&self, status: &Status) -> String {
        let running = &status.running;
        let mut lines = self.running(running);
        let relevant = status.notices.iter().filter(|notice| notice.relevant);
        lines.extend(relevant.map(|notice| {
            let notice = self.notice_title(notice);
            self.say("status-notice", &args! { "notice" => notice })
        }));
        lines.push(self.consent(status));
        lines.push(self.radio(running));
        if let Some(adapter) = &running.adapter {
            lines.push(self.say("status-adapter", &args! { "adapter" => adapter.as_str() }));
        }
        let broadcasting = self.on_off(running.broadcasting);
        lines.push(self.say("status-broadcasting", &args! { "state" => broadcasting }));
        let method = running.scan_method.clone();
        let method = method.unwrap_or_else(|| self.on_off(false));
        lines.push(self.say("status-scan-method", &args! { "method" => method }));
        let last_scan = self.time(status.scans.last_scan);
        lines.push(self.say("status-last-scan", &args! { "time" => last_scan }));
        lines.push(self.counters(&status.scans));
        lines.extend(self.misdated(&status.scans));
        if status.scans.has_heard() {
            lines.push(self.heard(&status.scans));
        }
        lines.extend(self.check(&status.check));
        if let Some(doubt) = &status.overwrite_doubt {
            lines.push(self.catalogue.name("doubt", doubt));
            let advice = self.catalogue.advice(&format!("doubt-{doubt}"));
            lines.extend(advice.map(|advice| format!("  {advice}")));
        }
        lines.push(self.say(
            "status-version",
            &args! { "version" => status.version.as_str() },
        ));
        lines.join("\n")
    }

    /// The answer to `sesshoku doctor`.
    pub(crate) fn report(&self, report: &Report) -> String {
        let mut lines = Vec::new();
        for finding in &report.findings {
            let mark = match finding.state {
                State::Ok => "ok",
                State::Note => "--",
                State::Fault => "!!",
            };
            let title = self.catalogue.text(&format!("doctor-{}", finding.check));
            let (detail, time) = (finding.detail.clone(), self.time(finding.time));
            let args = args! { "detail" => detail.unwrap_or_default(), "time" => time };
            let (prefix, name) = finding.sentence();
            // A newer daemon may have names that this program has no sentence for.
            let said = match prefix {
                Some(prefix) => self.catalogue.name(prefix, name),
                None => self.say(name, &args),
            };
            let args = args! { "mark" => mark, "check" => title, "finding" => said };
            lines.push(self.say("doctor-line", &args));
            if finding.state != State::Ok {
                let advice = self.catalogue.advice(&finding.finding);
                let general = format!("doctor-{}", finding.check);
                let advice = advice.or_else(|| self.catalogue.advice(&general));
                lines.extend(advice.map(|advice| format!("    {advice}")));
            }
        }
        let (faults, notes) = (report.count(State::Fault), report.count(State::Note));
        lines.push(String::new());
        lines.push(match (faults, notes) {
            (0, 0) => self.catalogue.text("doctor-all-well"),
            (0, notes) => self.say("doctor-notes", &args! { "notes" => notes }),
            (faults, _) => self.say("doctor-faults", &args! { "faults" => faults }),
        });
        lines.join("\n")
    }

    /// The answer to `sesshoku contacts`.
    pub(crate) fn contacts(&self, contacts: &Contacts) -> String {
        let verdict = contacts.verdict();
        let mut lines = vec![self.catalogue.name("verdict", verdict.as_str())];
        for reason in &contacts.reasons {
            lines.push(format!("- {}", self.catalogue.name("unknown", reason)));
            let advice = self.catalogue.advice(&format!("unknown-{reason}"));
            lines.extend(advice.map(|advice| format!("  {advice}")));
        }
        if !contacts.contacts.is_empty() {
            lines.push(String::new());
            lines.push(self.catalogue.text("contacts-title"));
            lines.extend(contacts.contacts.iter().map(|day| self.day(day)));
            lines.push(String::new());
            lines.push(self.catalogue.text("contacts-meaning"));
            lines.push(self.catalogue.text("contacts-utc"));
        }
        lines.push(String::new());
        let (start, end) = (&contacts.period_start, &contacts.period_end);
        let period = args! { "start" => self.date(start), "end" => self.date(end) };
        lines.push(self.say("period", &period));
        let last_success = self.time(contacts.last_success);
        lines.push(self.say("last-success", &args! { "time" => last_success }));
        let unrecorded = self.duration(contacts.unrecorded_seconds);
        lines.push(self.say("unrecorded", &args! { "duration" => unrecorded }));
        if verdict != Verdict::Unknown {
            lines.push(self.catalogue.text("contacts-accuracy"));
        }
        lines.join("\n")
    }

    /// The answer to `sesshoku checks`, a line each.
    pub(crate) fn checks(&self, checks: &Checks) -> String {
        if checks.checks.is_empty() {
            return self.outcome(NEVER_CHECKED);
        }
        let line = |check: &PastCheck| {
            let (time, outcome) = (self.time(Some(check.ended)), self.outcome(&check.outcome));
            match (check.listed, check.compared) {
                (Some(listed), Some(compared)) => {
                    let args = args! { "time" => time, "outcome" => outcome, "listed" => listed, "compared" => compared };
                    self.say("checks-row-counted", &args)
                }
                _ => self.say(
                    "checks-row",
                    &args! { "time" => time, "outcome" => outcome },
                ),
            }
        };
        let lines: Vec<_> = checks.checks.iter().map(line).collect();
        lines.join("\n")
    }

    /// The answer to `sesshoku notices`.
    pub(crate) fn notices(&self, notices: &Notices) -> String {
        if notices.notices.is_empty() {
            return self.catalogue.text("notices-none");
        }
        let mut parts = vec![self.catalogue.text("notices-from-operator")];
        parts.extend(notices.notices.iter().map(|notice| {
            let words = notice
                .words(self.catalogue.language())
                .replace('\n', "\n  ");
            format!("{}\n  {words}", self.notice_title(notice))
        }));
        parts.join("\n\n")
    }

    /// What a notice is about, in our own words.
    fn notice_title(&self, notice: &Notice) -> String {
        let version = notice.version.as_deref().unwrap_or_default();
        match notice.kind() {
            Some(NoticeKind::Maintenance) => {
                let (from, to) = (self.time(notice.from), self.time(notice.to));
                self.say("notice-maintenance", &args! { "from" => from, "to" => to })
            }
            Some(NoticeKind::Terms) if notice.from.is_some() => {
                let args = args! { "version" => version, "from" => self.time(notice.from) };
                self.say("notice-terms-from", &args)
            }
            Some(NoticeKind::Terms) => self.say("notice-terms", &args! { "version" => version }),
            None => self.catalogue.text("notice-other"),
        }
    }

    /// The answer to `sesshoku registration`, and how `sesshoku register` ends.
    pub(crate) fn registration(&self, registration: &Registration) -> String {
        let state = registration.state();
        let done = registration.is_place && state == Some(RegistrationState::Done);
        let mut lines = vec![if done {
            self.catalogue.text("registration-place-done")
        } else {
            self.catalogue.name("registration", &registration.state)
        }];
        let reason = registration.reason.as_str();
        if !["", RegistrationReason::None.as_str()].contains(&reason) {
            lines.push(self.catalogue.name("obstacle", reason));
            lines.extend(self.catalogue.advice(&format!("obstacle-{reason}")));
        }
        if registration.since.is_some() {
            let since = self.time(registration.since);
            lines.push(self.say("registration-since", &args! { "time" => since }));
        }
        if let Some(date) = &registration.date {
            let key = match registration.has_symptoms {
                Some(true) => "registration-onset",
                Some(false) => "registration-test",
                None => "registration-place-first",
            };
            lines.push(self.say(key, &args! { "date" => self.date(date) }));
        }
        if !registration.days.is_empty() {
            let days: Vec<_> = registration.days.iter().map(|day| self.date(day)).collect();
            let key = if state == Some(RegistrationState::Done) {
                "registration-days-sent"
            } else {
                "registration-days-to-send"
            };
            let days = days.join(&self.catalogue.text("list-separator"));
            lines.push(self.say(key, &args! { "days" => days }));
        }
        if registration.next_try.is_some() {
            let next_try = self.time(registration.next_try);
            lines.push(self.say("registration-next-try", &args! { "time" => next_try }));
        }
        if registration.paused_until.is_some() {
            let until = self.time(registration.paused_until);
            lines.push(self.say("registration-paused", &args! { "time" => until }));
        } else if reason == RegistrationReason::NumberRefused.as_str() {
            let count = registration.tries_left;
            lines.push(self.say("registration-tries-left", &args! { "count" => count }));
        }
        lines.join("\n")
    }

    /// How a check ended.
    pub(crate) fn outcome(&self, outcome: &str) -> String {
        self.catalogue.name("outcome", outcome)
    }

    /// One change, as a line of `sesshoku watch`, with its time before it.
    pub(crate) fn event(&self, time: Option<u64>, event: &Event) -> String {
        let line = match event {
            Event::Waiting => self.catalogue.text("watch-waiting"),
            Event::Disconnected => self.catalogue.text("watch-disconnected"),
            Event::Connected { status } => {
                let radio = status.running.radio.as_str();
                let version = status.version.as_str();
                let args = args! { "version" => version, "radio" => radio };
                let mut lines = vec![self.say("watch-connected", &args)];
                if radio != REAL_RADIO {
                    lines.push(self.radio(&status.running));
                }
                lines.extend(self.running(&status.running));
                lines.join("\n  ")
            }
            Event::State(running) => self.running(running).join("\n  "),
            Event::Scan(scans) => {
                let cycles = scans.counter("cycles");
                let stored = scans.counter("stored");
                let key = if scans.has_heard() {
                    "watch-scan"
                } else {
                    "watch-scan-alone"
                };
                self.say(key, &args! { "cycles" => cycles, "stored" => stored })
            }
            Event::Consent(consent) => {
                let state = self.catalogue.name("consent", &consent.state);
                self.say("status-consent", &args! { "state" => state })
            }
            Event::Check(check) if check.checking => self.catalogue.text("watch-checking"),
            Event::Check(check) => {
                let outcome = self.outcome(&check.last_outcome);
                let mut lines = vec![self.say("watch-check", &args! { "outcome" => outcome })];
                if check.next_check.is_some() {
                    let next = self.time(check.next_check);
                    lines.push(self.say("watch-next-check", &args! { "time" => next }));
                }
                lines.join("\n  ")
            }
            Event::Notices(notices) => {
                let mut lines = vec![self.catalogue.text("watch-notices")];
                lines.extend(notices.notices.iter().map(|it| self.notice_title(it)));
                lines.join("\n  ")
            }
            Event::Result(contacts) => {
                let mut lines = vec![self.catalogue.name("verdict", contacts.verdict().as_str())];
                let reasons = contacts.reasons.iter();
                lines.extend(reasons.map(|reason| self.catalogue.name("unknown", reason)));
                if !contacts.contacts.is_empty() {
                    let days = self.days_in_short(&contacts.contacts);
                    lines.push(self.say("watch-contact-days", &args! { "days" => days }));
                }
                lines.join("\n  ")
            }
            Event::ResultHidden => self.catalogue.text("watch-result-hidden"),
        };
        match time {
            Some(time) => format!("{}  {line}", self.time(Some(time))),
            None => line,
        }
    }

    /// State, its reason, and what to do about it.
    fn running(&self, running: &Running) -> Vec<String> {
        let state = self.catalogue.name("state", &running.state);
        let mut lines = vec![self.say("status-state", &args! { "state" => state })];
        lines.push(self.catalogue.name("reason", &running.reason));
        lines.extend(self.catalogue.advice(&format!("reason-{}", running.reason)));
        lines
    }

    fn consent(&self, status: &Status) -> String {
        let consent = &status.consent;
        let state = self.catalogue.name("consent", &consent.state);
        match &consent.agreed_version {
            None => self.say("status-consent", &args! { "state" => state }),
            // Who agreed at no time wrote it into the configuration: a kiosk's operator.
            Some(version) if consent.agreed_at.is_none() => {
                let args = args! { "state" => state, "version" => version.as_str() };
                self.say("status-consent-configured", &args)
            }
            Some(version) => {
                let time = self.time(consent.agreed_at);
                let version = version.as_str();
                let args = args! { "state" => state, "version" => version, "time" => time };
                self.say("status-consent-agreed", &args)
            }
        }
    }

    fn radio(&self, running: &Running) -> String {
        let key = if running.radio == REAL_RADIO {
            "status-radio"
        } else {
            "status-radio-simulated"
        };
        self.say(key, &args! { "radio" => running.radio.as_str() })
    }

    fn counters(&self, scans: &Scans) -> String {
        let args = args! {
            "cycles" => scans.counter("cycles"),
            "cut-short" => scans.counter("cycles-cut-short"),
            "rotations" => scans.counter("rotations"),
            "broadcast-failures" => scans.counter("broadcast-failures"),
            "scan-failures" => scans.counter("scan-failures"),
        };
        self.say("status-counters", &args)
    }

    /// What does not count because a wrong clock dated it.
    fn misdated(&self, scans: &Scans) -> Option<String> {
        let seconds = scans.counter("misdated-seconds");
        let time = self.duration(seconds);
        (seconds > 0).then(|| self.say("status-misdated", &args! { "time" => time }))
    }

    fn heard(&self, scans: &Scans) -> String {
        let args = args! {
            "heard" => scans.counter("heard"),
            "stored" => scans.counter("stored"),
            "dropped" => scans.counter("dropped"),
        };
        self.say("status-heard", &args)
    }

    fn check(&self, check: &Check) -> Vec<String> {
        let mut lines = Vec::new();
        if check.checking {
            lines.push(self.catalogue.text("status-checking"));
        }
        let outcome = self.outcome(&check.last_outcome);
        let args = args! { "time" => self.time(check.last_check), "outcome" => outcome };
        lines.push(self.say("status-last-check", &args));
        let last_success = self.time(check.last_success);
        lines.push(self.say("last-success", &args! { "time" => last_success }));
        let next = self.time(check.next_check);
        lines.push(self.say("status-next-check", &args! { "time" => next }));
        lines
    }

    fn day(&self, day: &Day) -> String {
        let args = args! {
            "date" => self.date(&day.date),
            "count" => self.count(day.contacts),
            "minutes" => minutes(day.seconds),
            "near" => minutes(day.near_seconds),
            // Half a percent more or less means nothing.
            "score" => format!("{:.0}", day.score),
        };
        self.say("contacts-row", &args)
    }

    fn days_in_short(&self, days: &[Day]) -> String {
        let days: Vec<_> = days
            .iter()
            .map(|day| format!("{} {}", self.date(&day.date), self.count(day.contacts)))
            .collect();
        days.join(&self.catalogue.text("list-separator"))
    }

    fn count(&self, contacts: u32) -> String {
        self.say("contacts-count", &args! { "count" => contacts })
    }

    fn on_off(&self, on: bool) -> String {
        self.catalogue.text(if on { "on" } else { "off" })
    }

    /// A local date and time; "never" for `None`.
    pub(crate) fn time(&self, seconds: Option<u64>) -> String {
        let instant = seconds
            .and_then(|seconds| i64::try_from(seconds).ok())
            .and_then(|seconds| Timestamp::from_second(seconds).ok());
        let Some(instant) = instant else {
            return self.catalogue.text("never");
        };
        let local = instant.to_zoned(self.time_zone.clone());
        let date = self.civil_date(local.date());
        format!("{date} {:02}:{:02}", local.hour(), local.minute())
    }

    /// A UTC day as the bus writes it, in the manner of the language.
    pub(crate) fn date(&self, date: &str) -> String {
        match date.parse() {
            Ok(date) => self.civil_date(date),
            Err(_) => date.to_owned(),
        }
    }

    fn civil_date(&self, date: jiff::civil::Date) -> String {
        let args = args! {
            "year" => date.year(),
            "month" => date.month(),
            "day" => date.day(),
            "month2" => format!("{:02}", date.month()),
            "day2" => format!("{:02}", date.day()),
        };
        self.say("date", &args)
    }

    /// A length of time in its two largest units.
    fn duration(&self, seconds: u64) -> String {
        let minutes = seconds / 60;
        let (hours, days) = (minutes / 60, minutes / (24 * 60));
        if days > 0 {
            self.say(
                "duration-days",
                &args! { "days" => days, "hours" => hours % 24 },
            )
        } else if hours > 0 {
            self.say(
                "duration-hours",
                &args! { "hours" => hours, "minutes" => minutes % 60 },
            )
        } else {
            self.say("duration-minutes", &args! { "minutes" => minutes })
        }
    }
}

/// To the nearest minute.
const fn minutes(seconds: u32) -> u32 {
    seconds / 60 + if seconds % 60 >= 30 { 1 } else { 0 }
}

/// Whether an agreement of this version is of the operator of a place.
pub(crate) fn is_of_place(agreement_version: &str) -> bool {
    agreement_version.starts_with("place-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contacts::tests::{contact, result};
    use crate::registration::tests::registration;
    use crate::status::tests::snapshot;
    use sesshoku_dbus_api::{
        CalibrationSource, CheckOutcome, ConsentState, OverwriteDoubt, RunReason, RunState,
        UnknownReason,
    };
    use sesshoku_i18n::{Language, keys};

    fn text(language: Language) -> Text {
        let tokyo = TimeZone::fixed(jiff::tz::offset(9));
        Text::new(Catalogue::new(language), tokyo)
    }

    #[test]
    fn status_in_japanese() {
        insta::assert_snapshot!(text(Language::Japanese).status(&snapshot().status()));
    }

    #[test]
    fn status_in_english() {
        insta::assert_snapshot!(text(Language::English).status(&snapshot().status()));
    }

    #[test]
    fn status_of_a_daemon_that_does_nothing() {
        let mut status = crate::status::Snapshot::default().status();
        status.running.state = "stopped".to_owned();
        status.running.reason = "adapter-off".to_owned();
        status.running.radio = "air".to_owned();
        status.consent.state = "none".to_owned();
        status.check.last_outcome = "never".to_owned();
        status.check.checking = true;
        insta::assert_snapshot!(text(Language::English).status(&status));
    }

    #[test]
    fn status_says_why_what_was_deleted_may_still_be_there_and_what_to_do() {
        let mut status = snapshot().status();
        for language in Language::ALL {
            for doubt in OverwriteDoubt::ALL {
                let text = text(language);
                let sentence = text.catalogue.text(&format!("doubt-{doubt}"));
                let advice = text.catalogue.advice(&format!("doubt-{doubt}")).unwrap();
                status.overwrite_doubt = None;
                assert!(!text.status(&status).contains(&sentence));
                status.overwrite_doubt = Some(doubt.to_string());
                let shown = text.status(&status);
                assert!(
                    shown.contains(&format!("\n{sentence}\n  {advice}\n")),
                    "{shown}"
                );
            }
        }
    }

    #[test]
    fn status_never_shows_a_result() {
        for language in Language::ALL {
            let shown = text(language).status(&snapshot().status());
            let catalogue = Catalogue::new(language);
            for verdict in Verdict::ALL {
                assert!(!shown.contains(&catalogue.name("verdict", verdict.as_str())));
            }
        }
    }

    #[test]
    fn contacts_in_japanese() {
        insta::assert_snapshot!(text(Language::Japanese).contacts(&contact()));
    }

    /// As a terminal shows them: readings are in brackets.
    #[test]
    fn status_and_contacts_in_every_translation() {
        for language in Language::ALL.into_iter().filter(|it| it.is_translation()) {
            let text = text(language);
            let shown = [text.status(&snapshot().status()), text.contacts(&contact())];
            insta::assert_snapshot!(language.tag(), shown.join("\n\n"));
        }
    }

    #[test]
    fn contacts_in_english() {
        insta::assert_snapshot!(text(Language::English).contacts(&contact()));
    }

    #[test]
    fn no_contact_in_japanese() {
        insta::assert_snapshot!(text(Language::Japanese).contacts(&result("none", &[])));
    }

    #[test]
    fn an_unknown_result_says_why_and_what_to_do() {
        let unknown = result(
            "unknown",
            &["check-too-old", "too-little-recorded", "moon-phase"],
        );
        insta::assert_snapshot!(text(Language::English).contacts(&unknown));
    }

    #[test]
    fn a_verdict_from_a_newer_daemon_is_no_all_clear() {
        let shown = text(Language::English).contacts(&result("fine", &[]));
        assert!(shown.starts_with("It is not known yet whether there was a contact"));
    }

    #[test]
    fn checks_are_a_line_each() {
        let check = |ended, outcome: &str, counts: Option<(u32, u32)>| PastCheck {
            started: ended,
            ended,
            outcome: outcome.to_owned(),
            listed: counts.map(|it| it.0),
            compared: counts.map(|it| it.1),
        };
        let checks = vec![
            check(1_596_164_400, "complete", Some((14, 1))),
            check(1_596_250_800, "unreachable", None),
        ];
        let checks = Checks { checks };
        insta::assert_snapshot!(text(Language::English).checks(&checks));
        insta::assert_snapshot!(text(Language::Japanese).checks(&checks));
    }

    #[test]
    fn notices_are_the_operators_words_under_a_title_of_ours() {
        let mut all = crate::notices::tests::notices();
        all[1].from = 1_598_886_000;
        let mut other = all[0].clone();
        other.kind = "survey".to_owned();
        other.en = "One line,\nand another.".to_owned();
        all.push(other);
        let notices = crate::notices::at(all, 0, "1");
        let shown = Notices { notices };
        insta::assert_snapshot!(text(Language::English).notices(&shown));
        insta::assert_snapshot!(text(Language::Japanese).notices(&shown));
        let none = Notices { notices: vec![] };
        insta::assert_snapshot!(text(Language::Japanese).notices(&none));
    }

    #[test]
    fn a_registration_says_what_was_sent_or_why_not_and_what_to_do() {
        let done = registration("done", "none");
        insta::assert_snapshot!(text(Language::Japanese).registration(&done));
        let mut waiting = registration("waiting-to-retry", "unreachable");
        waiting.next_try = Some(1_596_250_860);
        insta::assert_snapshot!(text(Language::English).registration(&waiting));
        let mut failed = registration("failed", "number-refused");
        failed.days.clear();
        failed.has_symptoms = Some(false);
        failed.tries_left = 2;
        insta::assert_snapshot!(text(Language::English).registration(&failed));
        failed.tries_left = 0;
        failed.paused_until = Some(1_596_252_600);
        insta::assert_snapshot!(text(Language::Japanese).registration(&failed));
    }

    #[test]
    fn every_change_is_a_line() {
        let text = text(Language::English);
        let status = snapshot().status();
        let mut checking = status.check.clone();
        checking.checking = true;
        let events = [
            Event::Waiting,
            Event::Connected {
                status: Box::new(status.clone()),
            },
            Event::State(status.running.clone()),
            Event::Scan(status.scans.clone()),
            Event::Consent(status.consent.clone()),
            Event::Check(checking),
            Event::Check(status.check.clone()),
            Event::Notices(Notices {
                notices: status.notices.clone(),
            }),
            Event::Result(contact()),
            Event::Result(result("unknown", &["never-checked"])),
            Event::ResultHidden,
        ];
        let mut lines: Vec<_> = events
            .iter()
            .map(|e| text.event(Some(status.time), e))
            .collect();
        lines.push(text.event(None, &Event::Disconnected));
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn durations_have_two_units() {
        let text = text(Language::English);
        let table = [
            (0, "0 min"),
            (59, "0 min"),
            (3_599, "59 min"),
            (3_600, "1 h 0 min"),
            (86_399, "23 h 59 min"),
            (86_400, "1 d 0 h"),
            (14 * 86_400 - 1, "13 d 23 h"),
        ];
        for (seconds, shown) in table {
            assert_eq!(text.duration(seconds), shown);
        }
    }

    #[test]
    fn minutes_are_rounded() {
        let table = [
            (0, 0),
            (29, 0),
            (30, 1),
            (89, 1),
            (90, 2),
            (u32::MAX, 71_582_788),
        ];
        for (seconds, rounded) in table {
            assert_eq!(minutes(seconds), rounded, "{seconds}");
        }
    }

    #[test]
    fn times_that_no_calendar_has_are_never() {
        assert_eq!(text(Language::English).time(Some(u64::MAX)), "never");
        assert_eq!(text(Language::English).time(Some(0)), "1970-01-01 09:00");
        assert_eq!(
            text(Language::Japanese).time(Some(1_596_250_800)),
            "2020/8/1 12:00"
        );
        assert_eq!(text(Language::Japanese).date("someday"), "someday");
    }

    /// Each name on the bus with the prefix of its sentences.
    fn names_on_the_bus() -> Vec<(&'static str, String)> {
        fn each<T: ToString>(prefix: &'static str, all: &[T]) -> Vec<(&'static str, String)> {
            all.iter().map(|name| (prefix, name.to_string())).collect()
        }
        [
            each("state", RunState::ALL),
            each("reason", RunReason::ALL),
            each("consent", ConsentState::ALL),
            each("outcome", CheckOutcome::ALL),
            vec![("outcome", NEVER_CHECKED.to_owned())],
            each("verdict", Verdict::ALL),
            each("unknown", UnknownReason::ALL),
            each("registration", RegistrationState::ALL),
            each("obstacle", RegistrationReason::ALL),
            each("calibration", CalibrationSource::ALL),
            each("doubt", OverwriteDoubt::ALL),
        ]
        .concat()
    }

    /// Each name of the guidance with the prefix of its sentences.
    fn names_of_the_guidance() -> Vec<(&'static str, String)> {
        let questions = guidance::Question::ALL.map(|it| ("question", it.as_str()));
        let outcomes = guidance::Outcome::ALL.map(|it| ("guide", it.as_str()));
        let firsts = [guidance::First::Clinic, guidance::First::Centre];
        let firsts = firsts.map(|it| ("call-first", it.as_str()));
        let all = questions.into_iter().chain(outcomes).chain(firsts);
        all.map(|(prefix, name)| (prefix, name.to_owned()))
            .collect()
    }

    fn all_names() -> Vec<(&'static str, String)> {
        [names_on_the_bus(), names_of_the_guidance()].concat()
    }

    #[test]
    fn every_name_on_the_bus_has_a_sentence() {
        for language in Language::ALL {
            let catalogue = Catalogue::new(language);
            for (prefix, name) in all_names() {
                assert!(
                    catalogue.has(&format!("{prefix}-{name}")),
                    "{prefix}-{name}"
                );
            }
        }
    }

    #[test]
    fn every_reason_but_a_good_one_says_what_to_do() {
        let catalogue = Catalogue::new(Language::Japanese);
        for (prefix, name) in names_on_the_bus() {
            let needs_advice = match prefix {
                "unknown" | "doubt" => true,
                "obstacle" => name != "none",
                "reason" => !["ready", "starting", "log-ended"].contains(&name.as_str()),
                _ => false,
            };
            let advice = catalogue.advice(&format!("{prefix}-{name}"));
            assert_eq!(advice.is_some(), needs_advice, "{prefix}-{name}");
        }
    }

    #[test]
    fn every_sentence_is_used_and_every_used_one_exists() {
        let names: Vec<_> = all_names()
            .into_iter()
            .map(|(prefix, name)| format!("{prefix}-{name}"))
            .collect();
        let sources = sources();
        for key in keys(Language::English) {
            let named = sources.contains(&format!("\"{}\"", key.name));
            let failure = key
                .name
                .strip_prefix("error-")
                .is_some_and(|name| sources.contains(&format!("\"{name}\"")));
            let title = key
                .name
                .strip_prefix("doctor-")
                .is_some_and(|check| sources.contains(&format!("(\"{check}\"")));
            let used = named
                || failure
                || title
                || names.contains(&key.name)
                || key.name == "name-unknown";
            assert!(used, "{} is not used", key.name);
        }
        let catalogue = Catalogue::new(Language::English);
        let calls = ["say(\"", ".text(\"", ".format(\""].map(|call| sources.split(call).skip(1));
        for rest in calls.into_iter().flatten() {
            let key = rest.split('"').next().unwrap();
            assert!(!is_key(key) || catalogue.has(key), "{key} does not exist");
        }
    }

    fn is_key(text: &str) -> bool {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '-')
    }

    /// All source files of this crate, one after another.
    fn sources() -> String {
        fn collect(folder: &std::path::Path, into: &mut String) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    collect(&path, into);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    into.push_str(&std::fs::read_to_string(&path).unwrap());
                }
            }
        }
        let mut sources = String::new();
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        // Which sentences name who runs the service is decided for the window, too.
        for folder in ["src", "../gui/session/src"] {
            collect(&here.join(folder), &mut sources);
        }
        sources
    }
}
