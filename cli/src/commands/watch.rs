//! `sesshoku watch`: a line per change.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt;
use serde::Serialize;
use sesshoku_dbus_api::{BUS_NAME, Tracing1Proxy, signals};
use tokio::time::Instant;
use zbus::names::{BusName, OwnedUniqueName};
use zbus::{Connection, Message, OwnedVariant, fdo};

use crate::args::Bus;
use crate::bus;
use crate::contacts::Contacts;
use crate::event::Event;
use crate::exit::{Exit, Failure};
use crate::notices::Notices;
use crate::output::Output;
use crate::status::{Snapshot, Status};

/// Changes of the counters are shown no more often than this: a daemon on
/// simulated time has many a second.
const SCANS_AT_MOST_EVERY: Duration = Duration::from_secs(2);

/// A change with the daemon's time of it; `None` when there is no daemon to ask.
#[derive(Debug, Serialize)]
struct Line<'a> {
    time: Option<u64>,
    #[serde(flatten)]
    event: &'a Event,
}

/// Follows the daemon until interrupted, over its restarts. Ends only with the bus.
pub(crate) async fn watch(bus: &Bus, output: &Output) -> Result<Exit, Failure> {
    let connection = bus::connect(bus).await?;
    // Subscribed before the first reading, so that no change falls in between.
    let mut signals = signals(&connection).await?;
    let dbus = fdo::DBusProxy::new(&connection).await?;
    let mut owners = dbus
        .receive_name_owner_changed_with_args(&[(0, BUS_NAME)])
        .await?;
    let mut watcher = Watcher {
        connection: &connection,
        output,
        owner: None,
        snapshot: None,
        shown: None,
        scans_shown: None,
        result_shown: None,
    };
    match dbus.get_name_owner(BusName::try_from(BUS_NAME)?).await {
        Ok(owner) => watcher.connected(owner).await?,
        Err(fdo::Error::NameHasNoOwner(_)) => watcher.print(None, &Event::Waiting)?,
        Err(error) => return Err(zbus::Error::from(error).into()),
    }
    loop {
        let scans_due = watcher.scans_due();
        tokio::select! {
            // A daemon's last signals come before its name is seen to vanish.
            biased;
            signal = signals.next() => match signal {
                Some(message) => watcher.signal(&message?).await?,
                None => break,
            },
            owner = owners.next() => match owner {
                Some(change) => match change.args()?.new_owner().as_ref() {
                    Some(owner) => watcher.connected(owner.to_owned().into()).await?,
                    None => watcher.disconnected()?,
                },
                None => break,
            },
            () = sleep_until(scans_due), if scans_due.is_some() => watcher.show(true).await?,
        }
    }
    Err(Failure::NoBus(zbus::Error::Failure(
        "the bus closed the connection".to_owned(),
    )))
}

/// What changed from `old` to `new`, without the scans.
fn changes(old: &Status, new: &Status) -> Vec<Event> {
    let mut events = Vec::new();
    if old.running != new.running {
        events.push(Event::State(new.running.clone()));
    }
    if old.consent != new.consent {
        events.push(Event::Consent(new.consent.clone()));
    }
    if old.check != new.check {
        events.push(Event::Check(new.check.clone()));
    }
    if old.notices != new.notices {
        events.push(Event::Notices(Notices {
            notices: new.notices.clone(),
        }));
    }
    events
}

async fn sleep_until(instant: Option<Instant>) {
    if let Some(instant) = instant {
        tokio::time::sleep_until(instant).await;
    }
}

struct Watcher<'a> {
    connection: &'a Connection,
    output: &'a Output,
    /// Whose state was last read.
    owner: Option<OwnedUniqueName>,
    /// The properties as far as signals have told; `None` without a daemon.
    snapshot: Option<Snapshot>,
    /// The status that was last shown.
    shown: Option<Status>,
    /// When scans were last shown.
    scans_shown: Option<Instant>,
    /// The result that was last shown.
    result_shown: Option<Contacts>,
}

impl Watcher<'_> {
    async fn connected(&mut self, owner: OwnedUniqueName) -> Result<(), Failure> {
        // A daemon that started just now is both found and announced.
        if self.owner.as_ref() == Some(&owner) {
            return Ok(());
        }
        let Some(snapshot) = self.fetch().await? else {
            return Ok(());
        };
        self.owner = Some(owner);
        let status = snapshot.status();
        self.print(
            Some(status.time),
            &Event::Connected {
                status: Box::new(status.clone()),
            },
        )?;
        self.snapshot = Some(snapshot);
        self.shown = Some(status);
        Ok(())
    }

    /// The daemon's properties; `None` when it is gone again, as the next change
    /// of its name will tell.
    async fn fetch(&self) -> Result<Option<Snapshot>, Failure> {
        match Snapshot::fetch(self.connection).await {
            Ok(snapshot) => Ok(Some(snapshot)),
            Err(failure) if failure.exit() == Exit::Unreachable => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    fn disconnected(&mut self) -> Result<(), Failure> {
        self.owner = None;
        self.snapshot = None;
        self.shown = None;
        self.result_shown = None;
        self.print(None, &Event::Disconnected)
    }

    async fn signal(&mut self, message: &Message) -> Result<(), Failure> {
        let header = message.header();
        match header.member().map(|member| member.as_str()) {
            Some("PropertiesChanged") => {
                let Some(snapshot) = &mut self.snapshot else {
                    return Ok(());
                };
                let (interface, changed, invalidated): (
                    String,
                    HashMap<String, OwnedVariant>,
                    Vec<String>,
                ) = message.body().deserialize()?;
                snapshot.apply(&interface, changed);
                if !invalidated.is_empty()
                    && let Some(fresh) = self.fetch().await?
                {
                    self.snapshot = Some(fresh);
                }
                self.show(false).await
            }
            Some("ResultChanged") => {
                // It may have changed, and often has not.
                let result = Contacts::fetch(self.connection).await.ok();
                if let (Some(new), Some(old)) = (&result, &self.result_shown)
                    && new.says_as(old)
                {
                    return Ok(());
                }
                self.result_shown.clone_from(&result);
                let event = result.map_or(Event::ResultHidden, Event::Result);
                self.print(self.time().await, &event)
            }
            _ => Ok(()),
        }
    }

    /// When scans that were heard of must be shown.
    fn scans_due(&self) -> Option<Instant> {
        let (snapshot, shown) = (self.snapshot.as_ref()?, self.shown.as_ref()?);
        (snapshot.status().scans != shown.scans).then(|| {
            self.scans_shown
                .map_or_else(Instant::now, |last| last + SCANS_AT_MOST_EVERY)
        })
    }

    /// Shows what changed since it was last shown; the scans only when they are due.
    async fn show(&mut self, scans_too: bool) -> Result<(), Failure> {
        if scans_too && let Some(snapshot) = &mut self.snapshot {
            snapshot.refresh(self.connection).await;
        }
        let (Some(snapshot), Some(shown)) = (&self.snapshot, &self.shown) else {
            return Ok(());
        };
        let mut status = snapshot.status();
        let mut events = changes(shown, &status);
        if scans_too && status.scans != shown.scans {
            events.push(Event::Scan(status.scans.clone()));
            self.scans_shown = Some(Instant::now());
        } else {
            status.scans = shown.scans.clone();
        }
        if events.is_empty() {
            return Ok(());
        }
        let time = self.time().await;
        for event in &events {
            self.print(time, event)?;
        }
        self.shown = Some(status);
        Ok(())
    }

    /// The daemon's time, which may be simulated.
    async fn time(&self) -> Option<u64> {
        let tracing = Tracing1Proxy::new(self.connection).await.ok()?;
        tracing.time().await.ok()
    }

    fn print(&self, time: Option<u64>, event: &Event) -> Result<(), Failure> {
        self.output.print(&Line { time, event }, |text, line| {
            text.event(line.time, line.event)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::tests::snapshot;

    #[test]
    fn a_change_is_an_event_of_its_section() {
        let old = snapshot().status();
        assert_eq!(changes(&old, &old), []);

        let mut new = old.clone();
        new.time += 1;
        new.scans.last_scan = Some(new.time);
        assert_eq!(
            changes(&old, &new),
            [],
            "time passes and scans end all the time"
        );

        new.running.broadcasting = false;
        new.consent.state = "outdated".to_owned();
        new.check.checking = true;
        assert_eq!(
            changes(&old, &new),
            [
                Event::State(new.running.clone()),
                Event::Consent(new.consent.clone()),
                Event::Check(new.check.clone()),
            ]
        );
    }

    #[test]
    fn the_json_of_an_event_is_one_flat_object() {
        let json = |time, event| serde_json::to_string(&Line { time, event }).unwrap();
        assert_eq!(
            json(None, &Event::Disconnected),
            r#"{"time":null,"event":"disconnected"}"#
        );
        assert_eq!(
            json(Some(7), &Event::Check(snapshot().status().check)),
            concat!(
                r#"{"time":7,"event":"check","checking":false,"last_check":1596250800,"#,
                r#""last_outcome":"complete","last_success":1596250800,"next_check":1596337200}"#,
            )
        );
    }
}
