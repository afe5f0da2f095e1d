//! What the fake can be told, one instruction a line.
//!
//! ```text
//! powered on|off [ADAPTER]        the adapter is switched
//! discoverable on|off [ADAPTER]   and shown, or hidden again
//! discoverable SECONDS [ADAPTER]  shown for a time, after which it takes connections
//! plug ADAPTER                    one is put in, switched on
//! unplug ADAPTER                  one is pulled out
//! phone NAME RSSI                 a phone is near, or is heard differently
//! remove NAME                     it leaves
//! end | kill                      bluetoothd ends as by SIGTERM, or by SIGKILL
//! start                           it starts again
//! stop | continue                 as by SIGSTOP and SIGCONT
//! refuse METHOD ERROR             every call of METHOD is answered with ERROR
//! ignore METHOD                   or never
//! pretend METHOD                  or well, with nothing done
//! show METHOD                     or as it should be, on an adapter that is shown just then
//! obey METHOD                     or as it should be
//! adverts end                     nothing is on the air any more
//! discovery ends                  nobody discovers any more, and nobody is told
//! discovery stalls|works          what is discovered is not heard, or is
//! another discovers|advertises    another program does
//! another stops                   neither
//! ```

use std::str::FromStr;
use std::time::Duration;

use super::ADAPTER;

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Instruction {
    /// For the process that bluetoothd is.
    Process(Process),
    /// For the machine.
    Change(Change),
}

/// What becomes of bluetoothd; the module's list describes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Process {
    End,
    Kill,
    Start,
    Stop,
    Continue,
}

/// What changes below bluetoothd or in it; the module's list describes each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Powered(String, bool),
    Discoverable(String, Shown),
    Plug(String),
    Unplug(String),
    Phone { name: String, rssi: i8 },
    Remove(String),
    Treat(String, Treatment),
    AdvertsEnd,
    DiscoveryEnds,
    DiscoveryStalls(bool),
    AnotherDiscovers,
    AnotherAdvertises,
    AnotherStops,
}

/// Whether and for how long an adapter is discoverable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    No,
    Yes,
    For(Duration),
}

/// How calls of a method are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Treatment {
    Obey,
    Refuse(String),
    Ignore,
    Pretend,
    Show,
}

/// Why a line is no instruction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no instruction")]
pub struct NotAnInstruction(String);

impl FromStr for Instruction {
    type Err = NotAnInstruction;

    fn from_str(line: &str) -> Result<Self, NotAnInstruction> {
        let words: Vec<&str> = line.split_whitespace().collect();
        parse(&words).ok_or_else(|| NotAnInstruction(line.to_owned()))
    }
}

fn parse(words: &[&str]) -> Option<Instruction> {
    let process = match words {
        ["end"] => Process::End,
        ["kill"] => Process::Kill,
        ["start"] => Process::Start,
        ["stop"] => Process::Stop,
        ["continue"] => Process::Continue,
        _ => return change(words).map(Instruction::Change),
    };
    Some(Instruction::Process(process))
}

fn change(words: &[&str]) -> Option<Change> {
    let (first, rest) = words.split_first()?;
    Some(match (*first, rest) {
        ("powered", [switch, rest @ ..]) => Change::Powered(adapter(rest)?, on(switch)?),
        ("discoverable", [shown, rest @ ..]) => {
            let shown = match (on(shown), shown.parse()) {
                (Some(true), _) => Shown::Yes,
                (Some(false), _) => Shown::No,
                (None, Ok(seconds)) => Shown::For(Duration::from_secs(seconds)),
                (None, Err(_)) => return None,
            };
            Change::Discoverable(adapter(rest)?, shown)
        }
        ("plug", [name]) => Change::Plug((*name).to_owned()),
        ("unplug", [name]) => Change::Unplug((*name).to_owned()),
        ("phone", [name, rssi]) => Change::Phone {
            name: (*name).to_owned(),
            rssi: rssi.parse().ok()?,
        },
        ("remove", [name]) => Change::Remove((*name).to_owned()),
        ("refuse", [method, error]) => {
            Change::Treat((*method).to_owned(), Treatment::Refuse((*error).to_owned()))
        }
        ("ignore", [method]) => Change::Treat((*method).to_owned(), Treatment::Ignore),
        ("pretend", [method]) => Change::Treat((*method).to_owned(), Treatment::Pretend),
        ("show", [method]) => Change::Treat((*method).to_owned(), Treatment::Show),
        ("obey", [method]) => Change::Treat((*method).to_owned(), Treatment::Obey),
        ("adverts", ["end"]) => Change::AdvertsEnd,
        ("discovery", ["ends"]) => Change::DiscoveryEnds,
        ("discovery", ["stalls"]) => Change::DiscoveryStalls(true),
        ("discovery", ["works"]) => Change::DiscoveryStalls(false),
        ("another", ["discovers"]) => Change::AnotherDiscovers,
        ("another", ["advertises"]) => Change::AnotherAdvertises,
        ("another", ["stops"]) => Change::AnotherStops,
        _ => return None,
    })
}

fn adapter(words: &[&str]) -> Option<String> {
    match words {
        [] => Some(ADAPTER.to_owned()),
        [name] => Some((*name).to_owned()),
        _ => None,
    }
}

fn on(word: &str) -> Option<bool> {
    match word {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_instructions_or_nothing() {
        let adapter = || ADAPTER.to_owned();
        for (line, expected) in [
            ("powered off", Some(Change::Powered(adapter(), false))),
            (
                "discoverable 60 hci7",
                Some(Change::Discoverable(
                    "hci7".into(),
                    Shown::For(Duration::from_secs(60)),
                )),
            ),
            (
                "phone anna -60",
                Some(Change::Phone {
                    name: "anna".into(),
                    rssi: -60,
                }),
            ),
            ("phone anna -200", None),
            ("powered maybe", None),
            ("powered on hci7 hci8", None),
            ("fly", None),
            ("end now", None),
            ("", None),
        ] {
            let expected = expected.map(Instruction::Change);
            assert_eq!(line.parse().ok(), expected, "{line}");
        }
    }
}
