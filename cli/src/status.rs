//! The daemon's state, as one value.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use sesshoku_dbus_api::{CONSENT1, EXPOSURE1, NOTICES1, Properties, TRACING1, Tracing1Proxy};
use zbus::{Connection, OwnedVariant};

use crate::exit::Failure;
use crate::notices::{self, Notice};

/// Everything but the result of checking, which is only shown when it is asked for.
///
/// Names are those of the bus (`dbus-api`), times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Status {
    /// The daemon's version.
    pub(crate) version: String,
    /// The daemon's time; simulated when its radio is.
    pub(crate) time: u64,
    #[serde(flatten)]
    pub(crate) running: Running,
    pub(crate) scans: Scans,
    pub(crate) consent: Consent,
    pub(crate) check: Check,
    /// The operator's notices.
    pub(crate) notices: Vec<Notice>,
    /// Why what was deleted may still be on the disk.
    pub(crate) overwrite_doubt: Option<String>,
}

/// Is it running, and why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Running {
    pub(crate) state: String,
    pub(crate) reason: String,
    pub(crate) radio: String,
    pub(crate) adapter: Option<String>,
    pub(crate) scan_method: Option<String>,
    pub(crate) broadcasting: bool,
}

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Scans {
    pub(crate) last_scan: Option<u64>,
    pub(crate) counters: BTreeMap<String, u64>,
}

impl Scans {
    /// Whether it may be known how many devices were near.
    pub(crate) fn has_heard(&self) -> bool {
        self.counters.contains_key("heard")
    }

    /// The counter `name`, 0 where the daemon does not have it.
    pub(crate) fn counter(&self, name: &str) -> u64 {
        self.counters.get(name).copied().unwrap_or(0)
    }
}

/// The agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Consent {
    pub(crate) state: String,
    pub(crate) current_version: String,
    pub(crate) agreed_version: Option<String>,
    pub(crate) agreed_at: Option<u64>,
}

/// The checks, without what they found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    pub(crate) checking: bool,
    pub(crate) last_check: Option<u64>,
    pub(crate) last_outcome: String,
    pub(crate) last_success: Option<u64>,
    pub(crate) next_check: Option<u64>,
}

/// The properties of all these interfaces, and what was heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    tracing: Properties,
    consent: Properties,
    exposure: Properties,
    heard: HashMap<String, u64>,
    notices: Properties,
}

impl Snapshot {
    /// Reads all properties.
    pub(crate) async fn fetch(connection: &Connection) -> Result<Self, Failure> {
        Ok(Self {
            tracing: Properties::fetch(connection, TRACING1).await?,
            consent: Properties::fetch(connection, CONSENT1).await?,
            exposure: Properties::fetch(connection, EXPOSURE1).await?,
            heard: heard(connection).await,
            notices: Properties::fetch_if_any(connection, NOTICES1).await?,
        })
    }

    /// Reads again what no signal tells.
    pub(crate) async fn refresh(&mut self, connection: &Connection) {
        self.heard = heard(connection).await;
    }

    /// Takes over the new values of a `PropertiesChanged` signal.
    pub(crate) fn apply(&mut self, interface: &str, changed: HashMap<String, OwnedVariant>) {
        match interface {
            TRACING1 => self.tracing.apply(changed),
            CONSENT1 => self.consent.apply(changed),
            EXPOSURE1 => self.exposure.apply(changed),
            NOTICES1 => self.notices.apply(changed),
            _ => {}
        }
    }

    /// What they say.
    pub(crate) fn status(&self) -> Status {
        let Self {
            tracing,
            consent,
            exposure,
            heard,
            notices,
        } = self;
        let (time, agreed_version) = (tracing.number("Time"), consent.text("AgreedVersion"));
        Status {
            version: tracing.text("Version"),
            time,
            running: Running {
                state: tracing.text("State"),
                reason: tracing.text("Reason"),
                radio: tracing.text("Radio"),
                adapter: tracing.text_if_any("Adapter"),
                scan_method: tracing.text_if_any("ScanMethod"),
                broadcasting: tracing.flag("Broadcasting"),
            },
            scans: Scans {
                last_scan: tracing.time("LastScan"),
                counters: tracing
                    .read::<HashMap<String, u64>>("Counters")
                    .into_iter()
                    .chain(heard.clone())
                    .collect(),
            },
            consent: Consent {
                state: consent.text("State"),
                current_version: consent.text("CurrentVersion"),
                agreed_version: consent.text_if_any("AgreedVersion"),
                agreed_at: consent.time("AgreedAt"),
            },
            check: Check {
                checking: exposure.flag("Checking"),
                last_check: exposure.time("LastCheck"),
                last_outcome: exposure.text("LastOutcome"),
                last_success: exposure.time("LastSuccess"),
                next_check: exposure.time("NextCheck"),
            },
            notices: notices::at(notices.notices("Notices"), time, &agreed_version),
            overwrite_doubt: tracing.text_if_any("OverwriteDoubt"),
        }
    }
}

/// Totals of what was heard; empty for who may not know them.
async fn heard(connection: &Connection) -> HashMap<String, u64> {
    match Tracing1Proxy::new(connection).await {
        Ok(tracing) => tracing.get_heard().await.unwrap_or_default(),
        Err(_) => HashMap::new(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use sesshoku_dbus_api::{CONSENT1_XML, EXPOSURE1_XML, NOTICES1_XML, TRACING1_XML};

    /// A daemon that records, and checked in the morning.
    pub(crate) fn snapshot() -> Snapshot {
        let counters = [
            ("cycles", 42),
            ("cycles-cut-short", 1),
            ("rotations", 13),
            ("broadcast-failures", 0),
            ("scan-failures", 2),
        ];
        let counters: HashMap<String, u64> = counters
            .map(|(name, count)| (name.to_owned(), count))
            .into();
        let text = |text: &'static str| OwnedVariant::from(zbus::Str::from_static(text));
        Snapshot {
            tracing: [
                ("Version", text("0.1.0")),
                ("Time", 1_596_290_400_u64.into()),
                ("State", text("running")),
                ("Reason", text("ready")),
                ("Radio", text("bluez")),
                ("Adapter", text("hci0")),
                ("ScanMethod", text("monitor+discovery")),
                ("Broadcasting", true.into()),
                ("LastScan", 1_596_290_280_u64.into()),
                ("Counters", counters.into()),
            ]
            .into(),
            consent: [
                ("State", text("agreed")),
                ("CurrentVersion", text("1")),
                ("AgreedVersion", text("1")),
                ("AgreedAt", 1_596_000_000_u64.into()),
            ]
            .into(),
            exposure: [
                ("Checking", false.into()),
                ("LastCheck", 1_596_250_800_u64.into()),
                ("LastOutcome", text("complete")),
                ("LastSuccess", 1_596_250_800_u64.into()),
                ("NextCheck", 1_596_337_200_u64.into()),
            ]
            .into(),
            heard: [("heard", 310), ("stored", 300), ("dropped", 10)]
                .map(|(name, count)| (name.to_owned(), count))
                .into(),
            notices: [("Notices", notices::tests::on_the_bus())].into(),
        }
    }

    #[test]
    fn every_documented_property_is_shown() {
        let source = include_str!("status.rs");
        for xml in [TRACING1_XML, CONSENT1_XML, EXPOSURE1_XML, NOTICES1_XML] {
            for declaration in xml.split("<property name=\"").skip(1) {
                let name = declaration.split('"').next().unwrap();
                assert!(
                    source.contains(&format!("(\"{name}\")")),
                    "{name} is not read"
                );
            }
        }
    }

    #[test]
    fn empty_and_zero_are_null_in_json() {
        let json = serde_json::to_value(Snapshot::default().status()).unwrap();
        for pointer in [
            "/adapter",
            "/scans/last_scan",
            "/consent/agreed_at",
            "/check/next_check",
            "/overwrite_doubt",
        ] {
            assert!(json.pointer(pointer).unwrap().is_null(), "{pointer}");
        }
    }

    #[test]
    fn the_json_of_a_status_is_stable() {
        let json = serde_json::to_string(&snapshot().status()).unwrap();
        assert_eq!(
            json,
            concat!(
                r#"{"version":"0.1.0","time":1596290400,"state":"running","reason":"ready","#,
                r#""radio":"bluez","adapter":"hci0","scan_method":"monitor+discovery","#,
                r#""broadcasting":true,"scans":{"last_scan":1596290280,"counters":{"#,
                r#""broadcast-failures":0,"cycles":42,"cycles-cut-short":1,"dropped":10,"#,
                r#""heard":310,"rotations":13,"scan-failures":2,"stored":300}},"#,
                r#""consent":{"state":"agreed","current_version":"1","agreed_version":"1","#,
                r#""agreed_at":1596000000},"check":{"checking":false,"last_check":1596250800,"#,
                r#""last_outcome":"complete","last_success":1596250800,"#,
                r#""next_check":1596337200},"notices":["#,
                r#"{"id":"2020-08-03","kind":"maintenance","version":null,"from":1596384000,"#,
                r#""to":1596398400,"text":{"ja":"この間、登録と確認ができません。","#,
                r#""en":"Registering and checking pause meanwhile."},"relevant":true},"#,
                r#"{"id":"terms-1","kind":"terms","version":"1","from":null,"to":null,"#,
                r#""text":{"ja":"利用規約が変わりました。","en":"The terms of use have changed."},"#,
                r#""relevant":false}],"overwrite_doubt":null}"#,
            )
        );
    }

    #[test]
    fn a_signal_changes_what_it_names_and_nothing_else() {
        let mut changed = snapshot();
        changed.apply(
            TRACING1,
            HashMap::from([("Broadcasting".to_owned(), false.into())]),
        );
        changed.apply(
            "org.example.Other",
            HashMap::from([("State".to_owned(), 1_u64.into())]),
        );
        let mut expected = snapshot().status();
        expected.running.broadcasting = false;
        assert_eq!(changed.status(), expected);
    }
}
