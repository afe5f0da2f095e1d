//! `sesshoku guidance`: what to do after a contact, asked and answered here.
//!
//! Nothing is asked of the daemon, and no answer is kept. Answers come from flags; at
//! a terminal the rest is asked, and elsewhere it says which question is open.

use std::borrow::Cow;
use std::collections::BTreeMap;

use guidance::{
    Answer, Call, Contact, DAYS, Directory, Guide, Outcome, Prefecture, Question, Step,
};
use serde::Serialize;

use crate::args::Guidance;
use crate::exit::{Exit, Failure};
use crate::output::{Output, can_ask, read_line};
use crate::text::Text;
use sesshoku_i18n::{Language, args};

/// How far the questions were answered, and what follows.
#[derive(Debug, Serialize)]
pub(crate) struct Guided<'a> {
    answers: BTreeMap<Question, Answer>,
    /// The open question; `None` at the end.
    question: Option<Question>,
    /// What to do; `None` while a question is open.
    outcome: Option<Outcome>,
    /// For how many days to stay at home, or to watch one's health.
    days: Option<u32>,
    /// What the clinic asks when a test is negative.
    asked_after_negative_test: Option<Question>,
    prefecture: Option<Prefecture>,
    /// Whom to call; `None` where nobody is to be called or known.
    call: Option<Call<'a>>,
    /// Who goes through the same questions on the phone.
    call_centre: Option<&'a Contact>,
    /// Whom to call when it is urgent.
    emergency: Option<&'a Contact>,
}

/// Goes through the questions.
pub(crate) fn run(command: &Guidance, output: &Output) -> Result<Exit, Failure> {
    let directory = sesshoku_session::directory(&command.directory)?;
    let is_asking = !output.is_json() && can_ask();
    let mut guide = Guide::new();
    while let Step::Ask(question) = guide.step() {
        match command.answer(question) {
            Some(answer) => guide.answer(answer),
            None if is_asking => guide.answer(ask(output, question)?),
            None => break,
        };
    }
    let prefecture = match (guide.step(), command.prefecture) {
        (Step::End(outcome), None) if outcome.is_visit() && is_asking => ask_prefecture(output)?,
        (_, known) => known,
    };
    let guided = Guided::new(&guide, prefecture, &directory);
    output.print(&guided, Text::guidance)?;
    Ok(Exit::Done)
}

fn ask(output: &Output, question: Question) -> Result<Answer, Failure> {
    let catalogue = output.text().catalogue();
    let key = format!("question-{}", question.as_str());
    let mut shown = catalogue.text(&key);
    if let Some(more) = catalogue.advice(&key) {
        shown = format!("{shown}\n  {more}");
    }
    let mut prompt = format!("{shown}\n{}", catalogue.text("question-answer"));
    loop {
        match read_line(&prompt)?.trim().to_lowercase().as_str() {
            "y" | "yes" | "はい" => return Ok(Answer::Yes),
            "n" | "no" | "いいえ" => return Ok(Answer::No),
            _ => prompt = catalogue.text("question-again"),
        }
    }
}

/// `None` where somebody does not know.
fn ask_prefecture(output: &Output) -> Result<Option<Prefecture>, Failure> {
    let catalogue = output.text().catalogue();
    loop {
        let line = read_line(&catalogue.text("question-prefecture"))?;
        match (line.trim().is_empty(), Prefecture::find(&line)) {
            (true, _) => return Ok(None),
            (false, Some(prefecture)) => return Ok(Some(prefecture)),
            (false, None) => output.note(&catalogue.text("question-no-prefecture"))?,
        }
    }
}

impl<'a> Guided<'a> {
    fn new(guide: &Guide, prefecture: Option<Prefecture>, directory: &'a Directory) -> Self {
        let (question, outcome) = match guide.step() {
            Step::Ask(question) => (Some(question), None),
            Step::End(outcome) => (None, Some(outcome)),
        };
        let days = outcome.and_then(|outcome| match outcome {
            Outcome::Visit => None,
            Outcome::VisitAndStayHome | Outcome::Watch => Some(DAYS),
        });
        Self {
            answers: guide.answers().iter().copied().collect(),
            question,
            outcome,
            days,
            asked_after_negative_test: outcome.and_then(Outcome::asked_after_negative_test),
            prefecture,
            call: prefecture
                .filter(|_| outcome.is_some_and(Outcome::is_visit))
                .and_then(|prefecture| directory.call(prefecture)),
            call_centre: directory
                .call_centre()
                .filter(|_| outcome.is_some_and(Outcome::is_visit)),
            emergency: directory.emergency(),
        }
    }
}

impl Text {
    fn guidance(&self, guided: &Guided<'_>) -> String {
        let catalogue = self.catalogue();
        if let Some(question) = guided.question {
            return catalogue.text(&format!("question-{}", question.as_str()));
        }
        let Some(outcome) = guided.outcome else {
            return String::new();
        };
        let key = format!("guide-{}", outcome.as_str());
        let mut lines = vec![catalogue.text(&key)];
        lines.extend(catalogue.advice(&key));
        if guided.asked_after_negative_test.is_some() {
            lines.push(catalogue.text("guidance-negative-test"));
        }
        if outcome.is_visit() {
            lines.push(String::new());
            lines.extend(self.call(guided));
        }
        if let Some(call_centre) = guided.call_centre {
            lines.extend([String::new(), catalogue.text("call-by-phone")]);
            lines.extend(self.to_call(std::slice::from_ref(call_centre)));
        }
        lines.push(String::new());
        lines.push(catalogue.text("guidance-urgent"));
        if let Some(emergency) = guided.emergency {
            lines.extend(self.to_call(std::slice::from_ref(emergency)));
        }
        lines.push(catalogue.text("guidance-kept"));
        lines.join("\n")
    }

    fn call(&self, guided: &Guided<'_>) -> Vec<String> {
        let Some(call) = &guided.call else {
            return vec![self.catalogue().text("guidance-nobody")];
        };
        let mut lines = vec![
            self.catalogue()
                .text(&format!("call-first-{}", call.first.as_str())),
        ];
        lines.extend(self.to_call(call.contacts));
        lines
    }

    fn to_call(&self, contacts: &[Contact]) -> Vec<String> {
        let mut lines = Vec::new();
        for contact in contacts {
            let name = self.named(&contact.name);
            lines.push(match &contact.phone {
                Some(phone) => {
                    let phone = phone.as_str();
                    self.say(
                        "call-contact",
                        &args! { "name" => &*name, "phone" => phone },
                    )
                }
                None => self.say("call-contact-sample", &args! { "name" => &*name }),
            });
            if let Some(hours) = &contact.hours {
                let hours = self.localised(hours);
                lines.push(format!(
                    "  {}",
                    self.say("call-hours", &args! { "hours" => hours })
                ));
            }
        }
        if contacts.iter().any(|contact| contact.sample) {
            lines.push(self.catalogue().text("call-sample"));
        }
        lines
    }

    fn localised<'t>(&self, text: &'t guidance::Localised) -> &'t str {
        if self.catalogue().language().is_japanese() {
            &text.ja
        } else {
            &text.en
        }
    }

    /// A name. In languages in which the directory has none, the Japanese one stands
    /// beside the English: people show it to others, and look for it on signs.
    pub(crate) fn named<'t>(&self, name: &'t guidance::Localised) -> Cow<'t, str> {
        let language = self.catalogue().language();
        if language.is_japanese() || language == Language::English || name.ja == name.en {
            self.localised(name).into()
        } else {
            format!("{} ({})", name.en, name.ja).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use sesshoku_i18n::Catalogue;

    use super::*;

    fn guided(answers: &[Answer], prefecture: &str) -> (String, String) {
        guided_by(&Directory::sample(), answers, prefecture)
    }

    fn guided_by(directory: &Directory, answers: &[Answer], prefecture: &str) -> (String, String) {
        let mut guide = Guide::new();
        for answer in answers {
            guide.answer(*answer);
        }
        let prefecture = Prefecture::find(prefecture);
        let guided = Guided::new(&guide, prefecture, directory);
        let text = Text::new(Catalogue::new(Language::English), TimeZone::UTC);
        (
            text.guidance(&guided),
            serde_json::to_string(&guided).unwrap(),
        )
    }

    /// Neither an institution nor a number is in a sentence: all of them are the operator's.
    #[test]
    fn whom_to_call_is_what_the_operator_names() {
        let contact =
            |name| format!("{{ name = {{ ja = '{name}', en = '{name}' }}, phone = '123' }}");
        let directory = Directory::parse(&format!(
            "emergency = {}\ncall_centre = {}\n[default]\nfirst = 'centre'\ncentres = [{}]",
            contact("Siren"),
            contact("Line"),
            contact("Desk"),
        ))
        .unwrap();
        let (shown, _) = guided_by(&directory, &[Answer::Yes], "Tokyo");
        let at = |text: &str| {
            shown
                .find(text)
                .unwrap_or_else(|| panic!("{text}: {shown}"))
        };
        assert!(at("Desk  123") < at("Line  123"));
        assert!(at("If it is urgent") < at("Siren  123"));
        for language in Language::ALL {
            let catalogue = Catalogue::new(language);
            for key in sesshoku_i18n::keys(language) {
                let advice = catalogue.advice(&key.name);
                for said in [Some(catalogue.text(&key.name)), advice]
                    .into_iter()
                    .flatten()
                {
                    for named in ["帰国者", "returnees", "119"] {
                        assert!(!said.contains(named), "{}: {said}", key.name);
                    }
                }
            }
        }
    }

    #[test]
    fn every_outcome_in_words() {
        let shown = [
            guided(&[Answer::Yes], "Tokyo").0,
            guided(&[Answer::No, Answer::Yes], "Osaka").0,
            guided(&[Answer::No, Answer::No], "").0,
            guided(&[Answer::No], "").0,
        ];
        insta::assert_snapshot!(shown.join("\n\n===\n\n"));
    }

    #[test]
    fn who_needs_to_call_nobody_is_shown_nobody() {
        let (shown, json) = guided(&[Answer::No, Answer::No], "Tokyo");
        assert!(!shown.contains("Sample"), "{shown}");
        assert!(json.contains(r#""call":null"#), "{json}");
    }

    #[test]
    fn the_json_of_guidance_is_stable() {
        assert_eq!(
            guided(&[Answer::Yes], "Tokyo").1,
            concat!(
                r#"{"answers":{"symptoms":"yes"},"question":null,"outcome":"visit","days":null,"#,
                r#""asked_after_negative_test":"close-contact","prefecture":"13","#,
                r#""call":{"first":"centre","contacts":[{"name":{"#,
                r#""ja":"相談センター（見本）","en":"Consultation centre (Sample)"},"#,
                r#""phone":null,"hours":{"ja":"受付 24時間","en":"Open at all hours"},"sample":true}]},"#,
                r#""call_centre":{"name":{"ja":"コールセンター（見本）","en":"Call centre (Sample)"},"#,
                r#""phone":null,"hours":{"ja":"受付 9:00〜17:00","en":"Open 9:00 to 17:00"},"#,
                r#""sample":true},"emergency":null}"#,
            )
        );
        assert_eq!(
            guided(&[], "").1,
            concat!(
                r#"{"answers":{},"question":"symptoms","outcome":null,"days":null,"#,
                r#""asked_after_negative_test":null,"prefecture":null,"call":null,"#,
                r#""call_centre":null,"emergency":null}"#,
            )
        );
    }
}
