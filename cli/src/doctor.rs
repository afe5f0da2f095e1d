//! What `sesshoku doctor` finds: each part that a warning depends on, and what is wrong
//! with it.

use serde::Serialize;

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// Well.
    Ok,
    /// Worth knowing; nothing fails by it now.
    Note,
    /// Warnings may fail by it.
    Fault,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What was looked at; its title is the sentence `doctor-CHECK`.
    pub(crate) check: &'static str,
    pub(crate) state: State,
    /// The name of the sentence that says how it is; its advice says how to mend it.
    pub(crate) finding: String,
    /// What the sentence names.
    pub(crate) detail: Option<String>,
    /// A time that the sentence names, in Unix seconds.
    pub(crate) time: Option<u64>,
}

/// All of them, in an order in which each may explain the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
}

impl Finding {
    fn new(check: &'static str, state: State, finding: impl Into<String>) -> Self {
        Self {
            check,
            state,
            finding: finding.into(),
            detail: None,
            time: None,
        }
    }

    /// All is well with `check`.
    pub(crate) fn ok(check: &'static str, finding: impl Into<String>) -> Self {
        Self::new(check, State::Ok, finding)
    }

    /// Something is to be known of `check`.
    pub(crate) fn note(check: &'static str, finding: impl Into<String>) -> Self {
        Self::new(check, State::Note, finding)
    }

    /// Something is wrong with `check`.
    pub(crate) fn fault(check: &'static str, finding: impl Into<String>) -> Self {
        Self::new(check, State::Fault, finding)
    }

    /// The sentence that says how it is: one of the doctor's own, or a name of the bus and
    /// what names of its kind begin with.
    pub(crate) fn sentence(&self) -> (Option<&str>, &str) {
        let split = self.finding.split_once('-');
        match split.filter(|(prefix, _)| *prefix != "doctor") {
            Some((prefix, name)) => (Some(prefix), name),
            None => (None, &self.finding),
        }
    }

    /// The same with what its sentence names.
    pub(crate) fn of(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The same with the time that its sentence names.
    pub(crate) fn at(mut self, time: Option<u64>) -> Self {
        self.time = time;
        self
    }
}

impl Report {
    /// How many parts are in `state`.
    pub(crate) fn count(&self, state: State) -> usize {
        let findings = self.findings.iter();
        findings.filter(|finding| finding.state == state).count()
    }
}
