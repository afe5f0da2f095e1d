//! The questions after a contact, and where each answer leads.

use serde::Serialize;

/// For how many days to stay at home, or to watch one's health.
pub const DAYS: u32 = 14;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// Do you have symptoms?
    Symptoms,
    /// Was anybody whom you spent time close to in the last two weeks (family, friends,
    /// work) infected, or did they have symptoms that are suspected to be it?
    CloseContact,
}

/// What can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Book and visit the outpatient clinic soon, with a mask.
    Visit,
    /// A close contact is likely: book and visit, and stay at home for [`DAYS`].
    VisitAndStayHome,
    /// A close contact is not likely: watch your health for [`DAYS`], and answer
    /// again if it changes.
    Watch,
}

/// Where somebody is: before a question or at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// A question is open.
    Ask(Question),
    /// All is answered.
    End(Outcome),
}

impl Step {
    /// Where everybody begins, and begins again when their health changes.
    pub const START: Self = Self::Ask(Question::Symptoms);
}

impl Question {
    /// Every question.
    pub const ALL: [Self; 2] = [Self::Symptoms, Self::CloseContact];

    /// The name, as in JSON and in the keys of sentences.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Symptoms => "symptoms",
            Self::CloseContact => "close-contact",
        }
    }

    /// Where `answer` leads.
    pub const fn answered(self, answer: Answer) -> Step {
        match (self, answer) {
            (Self::Symptoms, Answer::Yes) => Step::End(Outcome::Visit),
            (Self::Symptoms, Answer::No) => Step::Ask(Self::CloseContact),
            (Self::CloseContact, Answer::Yes) => Step::End(Outcome::VisitAndStayHome),
            (Self::CloseContact, Answer::No) => Step::End(Outcome::Watch),
        }
    }
}

impl Answer {
    /// Every answer.
    pub const ALL: [Self; 2] = [Self::Yes, Self::No];

    /// The name, as in JSON and in the keys of sentences.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
        }
    }
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Visit, Self::VisitAndStayHome, Self::Watch];

    /// The name, as in JSON and in the keys of sentences.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Visit => "visit",
            Self::VisitAndStayHome => "visit-and-stay-home",
            Self::Watch => "watch",
        }
    }

    /// Whether the contacts of a prefecture belong to it.
    pub const fn is_visit(self) -> bool {
        match self {
            Self::Visit | Self::VisitAndStayHome => true,
            Self::Watch => false,
        }
    }

    /// What the clinic asks when a test it makes is negative: whoever had symptoms
    /// was not asked about people they spent time with yet.
    pub const fn asked_after_negative_test(self) -> Option<Question> {
        match self {
            Self::Visit => Some(Question::CloseContact),
            Self::VisitAndStayHome | Self::Watch => None,
        }
    }
}

/// One walk through the questions, with the way back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guide {
    answers: Vec<(Question, Answer)>,
}

impl Guide {
    /// At the first question.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where it stands.
    pub fn step(&self) -> Step {
        self.answers
            .last()
            .map_or(Step::START, |(question, answer)| question.answered(*answer))
    }

    /// Answers the open question and goes on; at the end it changes nothing.
    pub fn answer(&mut self, answer: Answer) -> Step {
        if let Step::Ask(question) = self.step() {
            self.answers.push((question, answer));
        }
        self.step()
    }

    /// Takes the last answer back; at the first question it changes nothing.
    pub fn back(&mut self) -> Step {
        self.answers.pop();
        self.step()
    }

    /// The answers so far, in the order of the questions.
    pub fn answers(&self) -> &[(Question, Answer)] {
        &self.answers
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_flow_is_that_of_the_requirement() {
        let table: &[(&[Answer], Step)] = &[
            (&[], Step::Ask(Question::Symptoms)),
            (&[Answer::Yes], Step::End(Outcome::Visit)),
            (&[Answer::No], Step::Ask(Question::CloseContact)),
            (
                &[Answer::No, Answer::Yes],
                Step::End(Outcome::VisitAndStayHome),
            ),
            (&[Answer::No, Answer::No], Step::End(Outcome::Watch)),
        ];
        for (answers, step) in table {
            let mut guide = Guide::new();
            for answer in *answers {
                guide.answer(*answer);
            }
            assert_eq!(guide.step(), *step, "{answers:?}");
        }
    }

    #[test]
    fn after_a_negative_test_the_question_left_out_is_asked() {
        let question = Outcome::Visit.asked_after_negative_test();
        assert_eq!(question, Some(Question::CloseContact));
        assert_eq!(Outcome::VisitAndStayHome.asked_after_negative_test(), None);
    }

    #[test]
    fn names_are_those_in_json() {
        fn json<T: Serialize>(value: T) -> String {
            toml::Value::try_from(value)
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned()
        }
        for question in Question::ALL {
            assert_eq!(json(question), question.as_str());
        }
        for answer in Answer::ALL {
            assert_eq!(json(answer), answer.as_str());
        }
        for outcome in Outcome::ALL {
            assert_eq!(json(outcome), outcome.as_str());
        }
    }

    proptest! {
        /// Whatever is answered and taken back, there is an end within as many
        /// answers as there are questions, and no question comes twice on the way.
        #[test]
        fn every_path_ends(
            wandering in prop::collection::vec(prop::option::of(any::<bool>()), 0..40),
            rest in prop::collection::vec(any::<bool>(), Question::ALL.len()),
        ) {
            let answer = |yes| if yes { Answer::Yes } else { Answer::No };
            let mut guide = Guide::new();
            for step in wandering {
                match step {
                    Some(yes) => guide.answer(answer(yes)),
                    None => guide.back(),
                };
            }
            for yes in rest {
                guide.answer(answer(yes));
            }
            prop_assert!(matches!(guide.step(), Step::End(_)));
            let mut asked: Vec<_> = guide.answers().iter().map(|(question, _)| question).collect();
            asked.dedup();
            prop_assert_eq!(asked.len(), guide.answers().len());
            prop_assert!(asked.len() <= Question::ALL.len());
        }

        /// The way back leads to where one came from.
        #[test]
        fn back_undoes_an_answer(path in prop::collection::vec(any::<bool>(), 0..3), yes: bool) {
            let mut guide = Guide::new();
            for yes in path {
                guide.answer(if yes { Answer::Yes } else { Answer::No });
            }
            let before = guide.clone();
            if let Step::Ask(_) = guide.step() {
                guide.answer(if yes { Answer::Yes } else { Answer::No });
                guide.back();
            }
            prop_assert_eq!(guide, before);
        }
    }
}
