//! What breaks below the daemon, and how it comes back: the scenario
//! `daemon-recovers`. Its table is in docs/bluetooth.md.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use air::address::AddressType;
use air::channel::Node;
use air::controller::Model;
use air::log::{Event, Record};
use air::room::identity;
use gaen::advert;
use serde::Deserialize;
use sesshoku_tests::audit::{ViolationKind, audit, without_discoverability};
use sesshoku_tests::document::Table;
use sesshoku_tests::power::{Second, Wakeups};
use sesshoku_tests::uml::{EXTENDED, LEGACY, Machine, Run};

/// What the scenario notes of a fault; what is over at once is not told.
#[derive(Deserialize)]
struct Row {
    fault: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    told_ms: u64,
    /// How long after its bus the daemon's name was back.
    #[serde(default)]
    named_ms: u64,
    #[serde(default)]
    wakeups: Vec<Second>,
}

/// A fault and what it may take: until it is told, and until all is well after it.
struct Limits {
    fault: &'static str,
    words: &'static str,
    told_s: u64,
    well_s: u64,
    hears_s: u64,
}

const fn limits(fault: &'static str, words: &'static str, told_s: u64, well_s: u64) -> Limits {
    Limits {
        fault,
        words,
        told_s,
        well_s,
        hears_s: well_s,
    }
}

/// In the order of the scenario.
const FAULTS: &[Limits] = &[
    limits(
        "bluetoothd-absent-at-start",
        "bluetoothd starts after the daemon",
        10,
        10,
    ),
    limits(
        "bluetoothd-ended",
        "bluetoothd ends (SIGTERM), and is started",
        10,
        10,
    ),
    limits(
        "bluetoothd-killed",
        "bluetoothd is killed (SIGKILL), and is started",
        10,
        10,
    ),
    limits("bluetoothd-restarted", "bluetoothd is restarted", 0, 10),
    limits(
        "bluetoothd-killed-and-started",
        "bluetoothd is killed and started at once",
        0,
        10,
    ),
    // Told by what comes first, at most 150 s after the last word: a sign of life that is
    // asked for, and given up after 2 s, or a scan window, whose first call is given up
    // after 5 s before that. The scenario looks every 15 s.
    limits(
        "bluetoothd-hangs",
        "bluetoothd does not answer (SIGSTOP), and goes on",
        175,
        10,
    ),
    limits("adapter-off", "the adapter is switched off, and on", 10, 10),
    limits(
        "adapter-off-and-on",
        "the adapter is switched off and on at once",
        0,
        10,
    ),
    limits(
        "adapter-unplugged",
        "the adapter is pulled out, and put in",
        10,
        10,
    ),
    limits(
        "adapter-unplugged-and-plugged",
        "the adapter is pulled out and put in at once",
        0,
        10,
    ),
    limits("rfkill", "rfkill blocks Bluetooth, and unblocks it", 10, 10),
    limits(
        "rfkill-while-off",
        "rfkill blocks an adapter that is off",
        10,
        10,
    ),
    // It listens all the while, in its windows.
    Limits {
        hears_s: 310,
        ..limits(
            "discoverable",
            "the adapter is discoverable, and hidden (extended controllers: switched off and on)",
            10,
            10,
        )
    },
    // It listens all the while, in its windows.
    Limits {
        hears_s: 310,
        ..limits(
            "discoverable-for-a-minute",
            "the adapter is discoverable for a minute, and connectable from then on",
            90,
            10,
        )
    },
    limits(
        "system-bus-killed",
        "the system bus dies with bluetoothd, and both start",
        10,
        10,
    ),
    limits(
        "system-bus-killed-with-its-name",
        "the same where the daemon answers on that bus",
        0,
        10,
    ),
    // Nothing is lost: it hears again in the next window.
    Limits {
        hears_s: 310,
        ..limits(
            "adapter-replaced",
            "the adapter is pulled out where there is another",
            0,
            10,
        )
    },
];

/// How often the daemon may wake up while a fault lasts, in the four minutes that are
/// watched and besides scanning: 30 times an hour, and once for the hourly look for
/// what is too old, which takes up to six.
const WAKEUPS_MAX: u64 = 2 + 6;
/// The longest that an advert from the public address may be on the air after the
/// adapter has become discoverable.
const PUBLIC_FOR: Duration = Duration::from_secs(1);

#[test]
fn everything_comes_back() {
    let kinds = [
        ("recovery-legacy-plain", LEGACY, false),
        ("recovery-extended-experimental", EXTENDED, true),
    ];
    let mut outcomes: Vec<Vec<Outcome>> = std::thread::scope(|scope| {
        let runs = kinds.map(|(name, model, experimental)| {
            scope.spawn(move || {
                let run = machine(name, model, experimental).run();
                assert_nobody_starts_bluetoothd(&run);
                outcomes(&run)
            })
        });
        runs.into_iter()
            .map(|run| run.join().expect("a guest fails by panicking"))
            .collect()
    });
    let second = outcomes.pop().expect("two");
    let first = outcomes.pop().expect("two");

    let mut table = Table::new(&[
        "fault",
        "told as",
        "told within",
        "broadcasts again within",
        "hears again within",
        "broadcasts again (measured)",
        "hears again (measured)",
        "wake-ups in 4 min meanwhile, outside scan windows (measured)",
    ]);
    for (limits, (one, other)) in FAULTS.iter().zip(first.iter().zip(&second)) {
        let told_ms = one.told_ms.max(other.told_ms);
        let on_air_ms = one.on_air_ms.max(other.on_air_ms);
        let hears_ms = one.hears_ms.max(other.hears_ms);
        let fault = limits.fault;
        assert_eq!(one.reason, other.reason, "{fault}");
        assert!(
            told_ms <= limits.told_s * 1_000 || one.reason.is_empty(),
            "{fault}: told after {told_ms} ms"
        );
        assert!(
            on_air_ms <= limits.well_s * 1_000,
            "{fault}: broadcasts after {on_air_ms} ms"
        );
        assert!(
            hears_ms <= limits.hears_s * 1_000,
            "{fault}: hears after {hears_ms} ms"
        );
        let most = one.wakeups.max(other.wakeups);
        assert!(
            one.named_ms.max(other.named_ms) <= limits.well_s * 1_000,
            "{fault}: its name is back late"
        );
        let or_none = |text: String, is_some: bool| if is_some { text } else { "–".to_owned() };
        let is_told = !one.reason.is_empty();
        table.row(vec![
            limits.words.to_owned(),
            or_none(format!("`{}`", one.reason), is_told),
            or_none(format!("{} s", limits.told_s), is_told && limits.told_s > 0),
            format!("{} s", limits.well_s),
            format!("{} s", limits.hears_s),
            seconds(on_air_ms),
            seconds(hears_ms),
            most.map_or_else(|| "–".to_owned(), |most| most.to_string()),
        ]);
        assert!(most <= Some(WAKEUPS_MAX), "{fault}: {most:?} wake-ups");
    }
    table.check("docs/bluetooth.md", "recovery");
}

fn machine(name: &str, model: Model, experimental: bool) -> Machine {
    Machine::new(name, "daemon-recovers")
        .model(model)
        .experimental(experimental)
        .thin()
        .deadline(Duration::from_secs(580))
}

/// What came of a fault.
#[derive(Debug, Default)]
struct Outcome {
    reason: String,
    told_ms: u64,
    /// From the end of the cause to the first advert with a new identifier, and to
    /// the first of the phone's that the controller reports.
    on_air_ms: u64,
    hears_ms: u64,
    named_ms: u64,
    /// Outside of scan windows; `None` for what is over at once.
    wakeups: Option<u64>,
}

fn outcomes(run: &Run) -> Vec<Outcome> {
    let text = run.text("recovery.jsonl");
    let rows: Vec<Row> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a row"))
        .collect();
    assert_private(&without_discoverability(
        run.air(),
        &[
            "mark cause discoverable",
            "mark cause discoverable-for-a-minute",
        ],
        &[
            "mark cured discoverable",
            "mark cured discoverable-for-a-minute",
        ],
    ));
    FAULTS
        .iter()
        .map(|Limits { fault, .. }| {
            let place = usize::from(*fault == "adapter-replaced");
            let (on_air_ms, hears_ms) = back(run.air(), fault, place);
            let row = rows.iter().find(|row| row.fault == *fault);
            let outside = |row: &Row| {
                let is_watched = !row.wakeups.is_empty();
                is_watched.then(|| Wakeups::sort(&row.wakeups, run.air(), 0).outside)
            };
            Outcome {
                reason: row.map(|row| row.reason.clone()).unwrap_or_default(),
                told_ms: row.map_or(0, |row| row.told_ms),
                on_air_ms,
                hears_ms,
                named_ms: row.map_or(0, |row| row.named_ms),
                wakeups: row.and_then(outside),
            }
        })
        .collect()
}

/// How long after the cure of `fault` the controller at `place` first sent an
/// identifier that was not on the air before, and reported the phone, in
/// milliseconds.
fn back(air: &[Record], fault: &str, place: usize) -> (u64, u64) {
    let cured_us = mark(air, &format!("mark cure {fault}"));
    let mut before = BTreeSet::new();
    let (mut on_air, mut hears) = (None, None);
    for record in air {
        let Event::Pdu { from, pdu, heard } = &record.event else {
            continue;
        };
        let after_ms = record.at_us.checked_sub(cured_us).map(|us| us / 1_000);
        if *from == Node::Controller(place) {
            let Some(after_ms) = after_ms else {
                before.insert(&pdu.data);
                continue;
            };
            if pdu.address_type == AddressType::Random
                && advert::parse(&pdu.data).is_some()
                && !before.contains(&pdu.data)
            {
                on_air = on_air.or(Some(after_ms));
            }
        } else if let Some(after_ms) = after_ms
            && heard.iter().any(|heard| heard.by == place)
        {
            hears = hears.or(Some(after_ms));
        }
    }
    (
        on_air.unwrap_or_else(|| panic!("{fault}: never on the air again")),
        hears.unwrap_or_else(|| panic!("{fault}: never heard again")),
    )
}

fn mark(air: &[Record], line: &str) -> u64 {
    let found = air
        .iter()
        .find(|record| matches!(&record.event, Event::Instruction { line: said } if said == line));
    found
        .unwrap_or_else(|| panic!("{line} is not in the log"))
        .at_us
}

/// The two things that the kernel does before anybody is told (radio/bluez) are
/// allowed, for as long as it does them, and nothing else.
fn assert_private(air: &[Record]) {
    let becomes_public: Vec<u64> = [
        "mark cause discoverable",
        "mark cause discoverable-for-a-minute",
        "mark cure discoverable-for-a-minute",
    ]
    .iter()
    .map(|line| mark(air, line))
    .collect();
    let mut public = 0;
    for record in air {
        if let Event::Pdu {
            from: Node::Controller(_),
            pdu,
            ..
        } = &record.event
            && pdu.address_type == AddressType::Public
        {
            public += 1;
            let since = becomes_public
                .iter()
                .filter_map(|mark| record.at_us.checked_sub(*mark))
                .min();
            assert!(
                since.is_some_and(|us| Duration::from_micros(us) < PUBLIC_FOR),
                "at {} µs: {:?} from the public address",
                record.at_us,
                pdu.kind
            );
        }
    }
    assert!(public <= 12, "{public} adverts from the public address");
    for place in 0..2 {
        for violation in audit(air, place).violations {
            let is_known = match violation.kind {
                ViolationKind::WrongPdu(_) | ViolationKind::IdentityAddress(_) => true,
                ViolationKind::AddressReturned(address) => address == identity(place),
                ViolationKind::IdentifierReused(_) => true,
                ViolationKind::ReservedAddress(_)
                | ViolationKind::WrongForm(_)
                | ViolationKind::AddressReused(_)
                | ViolationKind::DataChangedInPlace
                | ViolationKind::AddressChangedInPlace
                | ViolationKind::ActiveScanFromIdentity => false,
            };
            assert!(is_known, "{violation}");
        }
        // A legacy controller that was off sends the old identifier once, from
        // another address, when it is on again.
        let mut first: BTreeMap<&[u8], _> = BTreeMap::new();
        let mut again: BTreeMap<_, u32> = BTreeMap::new();
        for record in air {
            if let Event::Pdu { from, pdu, .. } = &record.event
                && *from == Node::Controller(place)
                && pdu.address_type == AddressType::Random
                && advert::parse(&pdu.data).is_some()
                && *first.entry(&pdu.data).or_insert(pdu.address) != pdu.address
            {
                *again.entry(pdu.address).or_default() += 1;
            }
        }
        assert!(again.values().all(|count| *count == 1), "{again:?}");
    }
}

/// Whoever stops bluetoothd wants it stopped: the daemon asks the bus for none.
fn assert_nobody_starts_bluetoothd(run: &Run) {
    let log = run.text("dbus.log");
    // The bus tells what it is asked for at all: this daemon asks for logind, too.
    assert!(log.contains("requested by"), "{log}");
    let asked: Vec<_> = log
        .lines()
        .filter(|line| line.contains("service name='org.bluez'") && line.contains("sesshokud"))
        .collect();
    assert!(asked.is_empty(), "{asked:#?}");
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
}
