//! The command line: one definition, from which parsing and `--help` come.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use guidance::{Answer, Prefecture, Question};
use sesshoku_i18n::Language;
use sesshoku_session::{DIRECTORY_FILE, OPERATOR_FILE};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  refused or failed: the daemon refused, a check did not complete, a registration failed,
     a key file did not verify, a measurement is no use (calibrate)
  2  the command line is wrong
  3  the bus or sesshokud cannot be reached
  4  it is not known whether there was a contact (contacts)
  5  an input file cannot be read or is not in its format (analyse, register)
  6  not through yet: the daemon goes on by itself, or needs the number again (register, registration retry)
  7  you may not do this, or have to authenticate for it";

/// Contact confirming for Linux: ask the daemon, or analyse files without it.
#[derive(Debug, Parser)]
#[command(name = "sesshoku", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The bus the daemon is on: system, session, or a D-Bus address.
    #[arg(long, global = true, env = "SESSHOKU_BUS", default_value = "system")]
    #[arg(value_name = "system|session|ADDRESS")]
    pub(crate) bus: Bus,
    /// Print JSON, as documented in docs/json.md, instead of sentences.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The language; by default that of LC_ALL, LC_MESSAGES or LANG.
    #[arg(long, global = true, value_parser = languages(), ignore_case = true)]
    #[arg(value_name = "LANGUAGE")]
    lang: Option<Language>,
    /// The file that names who runs the service, for `terms`, `agree` and `doctor`.
    #[arg(long, global = true, env = "SESSHOKU_OPERATOR", default_value = OPERATOR_FILE)]
    #[arg(value_name = "FILE")]
    pub(crate) operator: PathBuf,
}

impl Global {
    /// The language to speak.
    pub(crate) fn language(&self) -> Language {
        self.lang
            .unwrap_or_else(|| Language::of_environment(|name| std::env::var(name).ok()))
    }
}

/// The languages by their tags, each named in itself.
fn languages() -> impl TypedValueParser<Value = Language> {
    let all = Language::ALL.map(|language| {
        let review = if language.is_translation() {
            " (a translation that no native speaker has read yet)"
        } else {
            ""
        };
        PossibleValue::new(language.tag()).help(format!("{}{review}", language.own_name()))
    });
    PossibleValuesParser::new(all)
        .map(|tag| Language::from_tag(&tag).expect("each of the values is a language's tag"))
}

/// Which bus to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bus {
    System,
    Session,
    Address(String),
}

impl FromStr for Bus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "system" => Ok(Self::System),
            "session" => Ok(Self::Session),
            address if address.contains(':') => Ok(Self::Address(address.to_owned())),
            _ => Err("neither `system` nor `session` nor an address such as `unix:path=…`".into()),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Online(Online),
    /// Find out what to do after a contact: whom to call, and what to watch for.
    ///
    /// Asks at a terminal what no flag answers; elsewhere it says which question is
    /// open. Answers are not kept.
    Guidance(Guidance),
    /// Print the full terms of use, the privacy policy and the other texts.
    Terms {
        /// Which text.
        #[arg(value_enum, default_value = "terms")]
        text: Text,
    },
    /// Analyse files, without the daemon.
    #[command(subcommand)]
    Analyse(Analyse),
}

/// Commands that ask the daemon.
#[derive(Debug, Subcommand)]
pub(crate) enum Online {
    /// Show whether contacts are being recorded, and if not, why.
    ///
    /// The result of checking is not part of it: see `contacts`.
    Status,
    /// Look at each part that a warning depends on, and say what is wrong and how to mend it.
    ///
    /// Changes nothing and checks nothing with the server. Fails (exit code 1) where warnings
    /// may fail.
    Doctor,
    /// Show whether there was contact with a person who registered as positive.
    ///
    /// "None" is only said after a complete, recent check over a period that was
    /// recorded; otherwise the answer is unknown (exit code 4), with the reasons.
    Contacts,
    /// Show what whoever runs the notification server has to tell: maintenance, new terms.
    ///
    /// The last check brought it. The words are the operator's own.
    Notices,
    /// Read the terms of use and the privacy policy, and agree to them.
    ///
    /// Shows both in full, in $SESSHOKU_PAGER or $PAGER, and asks. Where there is no
    /// terminal to ask on, `sesshoku terms` and `sesshoku terms privacy` print them, and
    /// --yes agrees.
    Agree {
        /// The version agreed to; by default the current one.
        #[arg(long, value_name = "VERSION")]
        version: Option<String>,
        /// Agree without being shown or asked anything, for scripts.
        #[arg(long)]
        yes: bool,
    },
    /// Withdraw agreement: stop everything and delete everything recorded.
    Withdraw {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Register as positive: have the keys of this device given to all others.
    ///
    /// Shows the agreement first, then asks for symptoms, a date and the digits of the
    /// processing number; flags answer for scripts. Waits until the server has
    /// taken it, or it has to be tried again later, which the daemon does by itself
    /// (exit code 6).
    Register {
        /// Agree to the agreement to register without being asked.
        #[arg(long)]
        agree: bool,
        /// Whether there are symptoms.
        #[arg(long, value_enum, value_name = "yes|no")]
        symptoms: Option<YesNo>,
        /// When the symptoms began; without symptoms, when the test was; of a place (a
        /// kiosk), the first day on which somebody infectious was there.
        #[arg(long, value_name = "YYYY-MM-DD")]
        date: Option<String>,
        /// Of a place (a kiosk), the last day on which somebody infectious was there.
        #[arg(long, value_name = "YYYY-MM-DD")]
        until: Option<String>,
        /// Read the processing number from this file, or from standard input for `-`:
        /// an argument could be seen by others on this machine.
        #[arg(long, value_name = "FILE|-")]
        number_file: Option<PathBuf>,
        /// Take the number from the link in the message, which is asked for, or read from
        /// standard input where there is no terminal.
        #[arg(long, conflicts_with = "number_file")]
        link: bool,
    },
    Calibrate(Calibrate),
    /// Show the registration as positive: what was sent, or why it was not.
    Registration {
        #[command(subcommand)]
        action: Option<RegistrationAction>,
    },
    /// Check with the notification server now.
    Check,
    /// Show when it was checked in the last 14 days, and how each check ended.
    Checks,
    /// Delete all keys and everything recorded; agreement stays.
    Erase {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Switch the daemon's Bluetooth adapter off and on again.
    ///
    /// Only that ends what some adapters go on sending after they were discoverable
    /// (`status` says when it is needed). What is connected to it is disconnected for a
    /// moment.
    RestartBluetooth {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Follow what happens, a line per change, until interrupted.
    Watch,
    /// Notify the person of each new contact once, on the session's desktop, and remind them
    /// of what would make that fail.
    ///
    /// Runs until the session ends. The notification of a contact says only that there is
    /// something to see, as those of new terms and of the operator's notices do; pressing it
    /// opens the window. A contact that nobody looks at is told of again each day. Besides,
    /// it tells when nothing was recorded for four hours of use, when there was no complete
    /// check for 36 hours, and when the records cannot be opened: each at most once a day,
    /// quietly, and taken back when it is over. The window's settings have a switch for
    /// each.
    Notify {
        /// The program that is opened.
        #[arg(long, default_value = "sesshoku-gui", value_name = "COMMAND")]
        window: PathBuf,
    },
    /// Keep the operator of a kiosk informed: a file for Prometheus, a unit per contact.
    ///
    /// Runs as root beside the daemon, until the bus ends. The file says whether the
    /// daemon works, and nothing about people.
    Kiosk {
        /// Write the state to this file, which node_exporter's textfile collector reads.
        #[arg(long, value_name = "FILE.prom")]
        textfile: Option<PathBuf>,
        /// Have systemd start this unit once for each new contact.
        #[arg(long, value_name = "NAME@.service")]
        on_contact: Option<String>,
        /// Where to keep for which contacts it was started.
        #[arg(long, env = "STATE_DIRECTORY", value_name = "DIR")]
        state_dir: Option<PathBuf>,
    },
}

/// Measure what this device's radio is like, with a phone 1 m away.
///
/// Listens to the nearest phone in several positions, judges whether that is of any use,
/// and shows what to set. See docs/calibration.md for where a phone's transmit power is
/// to be found.
#[derive(Debug, Args)]
pub(crate) struct Calibrate {
    /// The phone's calibrated transmit power.
    #[arg(long, value_name = "DBM", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(i16).range(-50..=20))]
    pub(crate) phone_power: Option<i16>,
    /// How strongly a calibrated device hears the same phone in this device's place.
    #[arg(long, value_name = "DBM", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(i16).range(-127..=20))]
    #[arg(conflicts_with = "phone_power")]
    pub(crate) expected: Option<i16>,
    /// Measure nothing: this is how strongly a calibrated device 1 m away hears this one.
    #[arg(long, value_name = "DBM", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(i16).range(-127..=20))]
    #[arg(conflicts_with_all = ["phone_power", "expected"])]
    pub(crate) heard_at: Option<i16>,
    /// Positions of the phone.
    #[arg(long, default_value_t = 4, value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) turns: u8,
    /// How long to listen in each.
    #[arg(long, default_value_t = 15, value_name = "SECONDS")]
    #[arg(value_parser = clap::value_parser!(u32).range(5..=120))]
    pub(crate) seconds: u32,
    /// Do not ask, and do not wait between positions.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Write what to set into the file, beside what is in it.
    #[arg(long)]
    pub(crate) write: bool,
    /// The file.
    #[arg(long, value_name = "FILE")]
    #[arg(default_value = "/etc/sesshoku/sesshokud.toml.d/50-calibration.toml")]
    pub(crate) file: PathBuf,
}

/// What to do about a registration.
#[derive(Debug, Subcommand)]
pub(crate) enum RegistrationAction {
    /// Send one that waits now.
    Retry,
    /// Give up one that has not arrived, or forget how the last one ended.
    Forget {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// An answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum YesNo {
    Yes,
    No,
}

/// What `guidance` needs not ask.
#[derive(Debug, Args)]
pub(crate) struct Guidance {
    /// Whether there are symptoms.
    #[arg(long, value_name = "yes|no", value_parser = answer)]
    symptoms: Option<Answer>,
    /// Whether somebody close was infected, or had suspicious symptoms.
    #[arg(long, value_name = "yes|no", value_parser = answer)]
    close_contact: Option<Answer>,
    /// The prefecture: its name in Japanese or English, or its number.
    #[arg(long, value_name = "NAME", value_parser = prefecture)]
    pub(crate) prefecture: Option<Prefecture>,
    /// The contacts by prefecture; without that file there are only samples.
    #[arg(long, env = "SESSHOKU_DIRECTORY", default_value = DIRECTORY_FILE, value_name = "FILE")]
    pub(crate) directory: PathBuf,
}

impl Guidance {
    /// What the flags answer to `question`.
    pub(crate) const fn answer(&self, question: Question) -> Option<Answer> {
        match question {
            Question::Symptoms => self.symptoms,
            Question::CloseContact => self.close_contact,
        }
    }
}

fn answer(text: &str) -> Result<Answer, String> {
    let found = Answer::ALL
        .into_iter()
        .find(|answer| answer.as_str() == text);
    found.ok_or_else(|| "neither `yes` nor `no`".to_owned())
}

fn prefecture(text: &str) -> Result<Prefecture, String> {
    Prefecture::find(text).ok_or_else(|| "no prefecture of Japan".to_owned())
}

/// The texts that are read as a whole.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Text {
    /// The terms of use.
    Terms,
    /// The privacy policy.
    Privacy,
    /// The agreement to register as positive.
    Registration,
    /// The agreement to register a place (a kiosk).
    Place,
    /// How to use it.
    Howto,
    /// Questions and answers.
    Questions,
}

/// Commands that read files and need no daemon.
#[derive(Debug, Subcommand)]
pub(crate) enum Analyse {
    /// Show what key exports hold, and whether their signatures verify.
    ///
    /// Prints one object per file, and exits with 1 if any file is refused.
    Export {
        /// Export ZIP files, each judged by itself.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        public_key: PublicKey,
        /// Also take ZIP files that hold export.bin alone, or do not say of which time
        /// they are.
        #[arg(long, conflicts_with = "public_key")]
        unsigned: bool,
    },
    /// Show which identifiers a Bluetooth log heard, and from how many addresses.
    Capture {
        /// A btsnoop log (data link 1001, 1002 or 2001).
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Match sightings against key exports, up to the days that are a contact.
    #[command(group = ArgGroup::new("trust").required(true).args(["public_key", "unsigned"]))]
    Match {
        /// Sightings, one JSON object per line.
        #[arg(long, value_name = "FILE")]
        sightings: PathBuf,
        /// Export ZIP files.
        #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
        keys: Vec<PathBuf>,
        #[command(flatten)]
        public_key: PublicKey,
        /// Do not check signatures; also take ZIP files that hold export.bin alone, or do
        /// not say of which time they are.
        #[arg(long)]
        unsigned: bool,
    },
    /// Weigh exposure windows as phones record them, up to the days that are a contact.
    Windows {
        /// Exposure windows as JSON: a list, an object of named lists, or what COCOA 2
        /// saves.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// The key that exports must be signed with.
#[derive(Debug, Args)]
pub(crate) struct PublicKey {
    /// The public key, a PEM file, that must have signed the exports.
    #[arg(long, value_name = "PEM")]
    pub(crate) public_key: Option<PathBuf>,
    /// The id by which exports name that key.
    #[arg(long, value_name = "ID", default_value = "440")]
    pub(crate) key_id: String,
    /// The version by which exports name that key.
    #[arg(long, value_name = "VERSION", default_value = "v1")]
    pub(crate) key_version: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_language_is_named_by_its_tag_in_any_case() {
        let of = |tag: &str| {
            let cli = Cli::try_parse_from(["sesshoku", "--lang", tag, "status"]);
            cli.map(|cli| cli.global.language())
        };
        for language in Language::ALL {
            assert_eq!(of(language.tag()).unwrap(), language);
            assert_eq!(of(&language.tag().to_lowercase()).unwrap(), language);
        }
        assert!(of("tlh").is_err());
        let help = Cli::command().render_long_help().to_string();
        for language in Language::ALL {
            let own = help
                .split_once(&format!("- {}:", language.tag()))
                .unwrap()
                .1;
            let line = own.split("\n          -").next().unwrap();
            assert!(line.contains(language.own_name()), "{line}");
            let is_marked = line.contains("no native speaker");
            assert_eq!(is_marked, language.is_translation(), "{line}");
        }
    }

    #[test]
    fn a_bus_is_a_name_or_an_address() {
        assert_eq!("system".parse(), Ok(Bus::System));
        assert_eq!("session".parse(), Ok(Bus::Session));
        let address = "unix:path=/run/user/1000/bus";
        assert_eq!(address.parse(), Ok(Bus::Address(address.to_owned())));
        assert!("sytem".parse::<Bus>().is_err());
    }
}
