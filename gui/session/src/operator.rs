//! What whoever looks after the device has put into `/etc/sesshoku`.

use std::path::Path;

use gaen::notice::is_line;
use guidance::{Directory, Localised};
use serde::{Deserialize, Serialize};
use toml::value::Datetime;

use crate::file::{self, FileError};

/// The contacts by prefecture, in the form that `guidance::Directory` describes.
pub const DIRECTORY_FILE: &str = "/etc/sesshoku/guidance.toml";
/// Who runs the service; see [`Operator`].
pub const OPERATOR_FILE: &str = "/etc/sesshoku/operator.toml";

/// Longest name, address or task, in characters.
pub const MAX_LINE_CHARS: usize = 200;

/// Who runs the service, and so is the other party of the terms of use.
///
/// Whoever hands devices out writes it; no program comes with a name. What there is of it is
/// said at the end of the terms and of the privacy policy ([`Operator::sentences`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Operator {
    /// Whether all of it is made up.
    pub sample: bool,
    /// The day from which the terms hold.
    pub since: Option<Datetime>,
    /// The court that disputes go to.
    pub court: Option<Localised>,
    /// Who runs the notification server.
    pub notification_server: Option<Party>,
    /// Who runs the management system, which issues processing numbers.
    pub management_system: Option<Party>,
    /// Who works for them with what they hold.
    pub processors: Vec<Processor>,
    /// Where questions and complaints go.
    pub inquiries: Inquiries,
}

/// Somebody who runs a part of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Their name.
    pub name: Localised,
    /// Their postal address.
    #[serde(default)]
    pub address: Option<Localised>,
}

/// Somebody who works for who runs the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Processor {
    /// Their name.
    pub name: Localised,
    /// What they do, such as sending the messages.
    pub task: Localised,
}

/// Where questions and complaints go (terms of use, section 15).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inquiries {
    /// Who answers.
    pub name: Option<String>,
    /// Their mail address.
    pub mail: Option<String>,
    /// Their page.
    pub page: Option<String>,
}

/// A sentence about who runs the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Its name among the sentences of `i18n/`.
    pub key: &'static str,
    /// What `$what` stands for in it.
    pub what: Option<Localised>,
    /// What `$task` stands for in it.
    pub task: Option<Localised>,
}

impl Sentence {
    const fn new(key: &'static str) -> Self {
        Self {
            key,
            what: None,
            task: None,
        }
    }

    fn of(key: &'static str, what: Localised) -> Self {
        Self {
            what: Some(what),
            ..Self::new(key)
        }
    }
}

impl Inquiries {
    /// Whether there is anything to turn to.
    pub const fn is_empty(&self) -> bool {
        self.mail.is_none() && self.page.is_none()
    }

    fn in_a_line(&self) -> String {
        let parts = [&self.name, &self.mail, &self.page];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        parts.join(", ")
    }
}

impl Party {
    fn in_a_line(&self) -> Localised {
        let Some(address) = &self.address else {
            return self.name.clone();
        };
        Localised {
            ja: format!("{}、{}", self.name.ja, address.ja),
            en: format!("{}, {}", self.name.en, address.en),
        }
    }
}

impl Operator {
    /// The key of something that may not be shown: it is empty, longer than
    /// [`MAX_LINE_CHARS`], steers the terminal or turns text around, or leads nowhere.
    fn unfit(&self) -> Option<&'static str> {
        let parties = [
            ("notification_server", &self.notification_server),
            ("management_system", &self.management_system),
        ];
        let parties = parties
            .into_iter()
            .filter_map(|(key, it)| Some((key, it.as_ref()?)));
        let parties = parties.flat_map(|(key, it)| {
            [&it.name]
                .into_iter()
                .chain(&it.address)
                .map(move |it| (key, it))
        });
        let processors = self.processors.iter();
        let processors =
            processors.flat_map(|it| [("processors", &it.name), ("processors", &it.task)]);
        let court = self.court.iter().map(|it| ("court", it));
        let localised = parties.chain(processors).chain(court);
        let localised = localised.flat_map(|(key, it)| [(key, &it.ja), (key, &it.en)]);
        let Inquiries { name, mail, page } = &self.inquiries;
        let inquiries = [name, mail, page].into_iter().flatten();
        let mut lines = localised.chain(inquiries.map(|it| ("inquiries", it)));
        let unfit = lines.find(|(_, line)| !is_line(line, MAX_LINE_CHARS));
        let leads = |mail: &String| {
            let parts = mail
                .split_once('@')
                .filter(|(name, host)| !name.is_empty() && !host.is_empty());
            parts.is_some() && !mail.contains([':', '/', '?', ' '])
        };
        let is_page = |page: &String| page.starts_with("https://") || page.starts_with("http://");
        unfit.map(|(key, _)| key).or_else(|| {
            let fits = mail.as_ref().is_none_or(leads) && page.as_ref().is_none_or(is_page);
            (!fits).then_some("inquiries")
        })
    }

    /// The keys that have to be there before people agree to anything and are not.
    pub fn gaps(&self) -> Vec<&'static str> {
        let there = [
            ("since", self.since.is_some()),
            ("notification_server", self.notification_server.is_some()),
            ("management_system", self.management_system.is_some()),
            ("inquiries", !self.inquiries.is_empty()),
        ];
        let gaps = there.into_iter().filter(|(_, is_there)| !is_there);
        gaps.map(|(key, _)| key).collect()
    }

    /// What is said of it, in order: that nobody is named, or that it is a sample, first.
    pub fn sentences(&self) -> Vec<Sentence> {
        let mut sentences = Vec::new();
        if self.sample {
            sentences.push(Sentence::new("operator-sample"));
        } else if self.notification_server.is_none() || self.management_system.is_none() {
            sentences.push(Sentence::new("operator-none"));
        }
        let same = |text: String| Localised {
            ja: text.clone(),
            en: text,
        };
        let parties = [
            ("operator-notification", &self.notification_server),
            ("operator-management", &self.management_system),
        ];
        for (key, party) in parties {
            let party = party
                .iter()
                .map(|party| Sentence::of(key, party.in_a_line()));
            sentences.extend(party);
        }
        sentences.extend(self.processors.iter().map(|it| Sentence {
            task: Some(it.task.clone()),
            ..Sentence::of("operator-processor", it.name.clone())
        }));
        if let Some(since) = &self.since {
            sentences.push(Sentence::of("operator-since", same(since.to_string())));
        }
        if let Some(court) = &self.court {
            sentences.push(Sentence::of("operator-court", court.clone()));
        }
        if !self.inquiries.is_empty() {
            let where_to = self.inquiries.in_a_line();
            sentences.push(Sentence::of("operator-inquiries", same(where_to)));
        }
        sentences
    }
}

/// What is said where the file cannot be used, in the place of [`Operator::sentences`]: so
/// nobody is named.
pub fn unusable() -> Vec<Sentence> {
    vec![
        Sentence::new("operator-none"),
        Sentence::new("operator-unusable"),
    ]
}

/// The contacts of the file at `path`, or the samples where there is none.
///
/// # Errors
/// When there is one that cannot be used; then nobody is to be sent anywhere.
pub fn directory(path: &Path) -> Result<Directory, FileError> {
    let Some(text) = file::read(path)? else {
        return Ok(Directory::sample());
    };
    Directory::parse(&text).map_err(|source| FileError::Directory {
        path: path.to_owned(),
        source,
    })
}

/// Who runs the service by the file at `path`; nobody, where there is none.
///
/// # Errors
/// When there is one that cannot be used.
pub fn operator(path: &Path) -> Result<Operator, FileError> {
    let text = file::read(path)?.unwrap_or_default();
    let refused = |source: toml::de::Error| FileError::Form {
        path: path.to_owned(),
        source: Box::new(source),
    };
    let operator: Operator = toml::from_str(&text).map_err(refused)?;
    if let Some(key) = operator.unfit() {
        let path = path.to_owned();
        return Err(FileError::Line { path, key });
    }
    match operator.since {
        Some(since) if since.date.is_none() || since.time.is_some() => {
            Err(FileError::NoDay(path.to_owned()))
        }
        _ => Ok(operator),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use guidance::Prefecture;

    use super::*;

    #[test]
    fn without_a_file_there_are_samples_and_with_one_its_contacts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("guidance.toml");
        assert_eq!(directory(&path).unwrap(), Directory::sample());
        fs::write(
            &path,
            "[prefecture.01]\nfirst = 'clinic'\nclinics = [{ name = { ja = 'a', en = 'b' }, phone = '555' }]",
        )
        .unwrap();
        let directory = directory(&path).unwrap();
        let known = Prefecture::all().filter(|it| directory.call(*it).is_some());
        assert_eq!(known.count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file.toml");
        for text in ["first", "unknown = 1"] {
            fs::write(&path, text).unwrap();
            assert!(matches!(directory(&path), Err(FileError::Directory { .. })));
            assert!(matches!(operator(&path), Err(FileError::Form { .. })));
        }
        for time in ["08:00:00", "2026-12-01T08:00:00", "2026-12-01T08:00:00Z"] {
            fs::write(&path, format!("since = {time}")).unwrap();
            assert!(matches!(operator(&path), Err(FileError::NoDay(_))));
        }
        fs::write(&path, vec![b' '; (1 << 20) + 1]).unwrap();
        assert!(matches!(directory(&path), Err(FileError::TooLong(_))));
        assert!(matches!(operator(&path), Err(FileError::TooLong(_))));
        assert!(matches!(operator(dir.path()), Err(FileError::Read { .. })));
    }

    fn keys(operator: &Operator) -> Vec<&'static str> {
        operator.sentences().iter().map(|it| it.key).collect()
    }

    #[test]
    fn without_a_file_nobody_is_named() {
        let operator = operator(Path::new("/nowhere/operator.toml")).unwrap();
        assert_eq!(operator, Operator::default());
        assert_eq!(keys(&operator), ["operator-none"]);
        assert_eq!(operator.gaps().len(), 4);
    }

    #[test]
    fn inquiries_are_enough_for_inquiries_and_for_nothing_else() {
        let operator: Operator = toml::from_str("inquiries = { mail = 'a@example.org' }").unwrap();
        assert_eq!(keys(&operator), ["operator-none", "operator-inquiries"]);
        let gaps = ["since", "notification_server", "management_system"];
        assert_eq!(operator.gaps(), gaps);
        // A name alone leads nowhere.
        let operator: Operator = toml::from_str("inquiries = { name = 'A' }").unwrap();
        assert!(operator.gaps().contains(&"inquiries"));
    }

    #[test]
    fn what_could_pass_for_something_else_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("operator.toml");
        let refused = |text: &str| {
            fs::write(&path, text).unwrap();
            matches!(operator(&path), Err(FileError::Line { .. }))
        };
        let long = "x".repeat(MAX_LINE_CHARS + 1);
        for name in [
            "",
            "  ",
            r"A\nCourt: B",
            r"\u001b[31mA",
            r"\u202eA",
            r"A\u2028B",
            &long,
        ] {
            for text in [
                format!("[notification_server]\nname = {{ ja = 'A', en = \"{name}\" }}"),
                format!("[management_system]\nname = {{ ja = \"{name}\", en = 'A' }}"),
                format!(
                    "[[processors]]\nname = {{ ja = 'A', en = 'A' }}\ntask = {{ ja = 'A', en = \"{name}\" }}"
                ),
                format!("court = {{ ja = 'A', en = \"{name}\" }}"),
                format!("inquiries = {{ name = \"{name}\" }}"),
            ] {
                assert!(refused(&text), "{text}");
            }
        }
        for (key, leads, does_not) in [
            (
                "mail",
                "a@example.org",
                ["javascript:a@b", "nobody", "@", "a@b?bcc=c"],
            ),
            (
                "page",
                "https://example.org/a",
                [
                    "javascript:alert(1)",
                    "example.org",
                    "file:///etc",
                    "ftp://a",
                ],
            ),
        ] {
            assert!(
                !refused(&format!("inquiries = {{ {key} = '{leads}' }}")),
                "{leads}"
            );
            for text in does_not {
                assert!(
                    refused(&format!("inquiries = {{ {key} = '{text}' }}")),
                    "{text}"
                );
            }
        }
    }

    /// The one that packages have among their examples.
    #[test]
    fn the_sample_is_whole_and_says_that_it_is_one() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../packaging/defaults/operator.toml"
        );
        let mut operator = operator(Path::new(path)).unwrap();
        assert_eq!(operator.gaps(), Vec::<&str>::new());
        let all = [
            "operator-sample",
            "operator-notification",
            "operator-management",
            "operator-processor",
            "operator-since",
            "operator-court",
            "operator-inquiries",
        ];
        assert_eq!(keys(&operator), all);
        operator.sample = false;
        assert_eq!(keys(&operator), all[1..]);
        let what: Vec<_> = operator.sentences().into_iter().map(|it| it.what).collect();
        assert_eq!(what[3].as_ref().unwrap().en, "2026-12-01");
    }
}
