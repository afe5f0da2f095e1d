//! The task that carries out the core's commands and watches over what it started.

use std::time::Duration;

use sesshoku_core::radio::{Broadcast, Command, RadioError, RadioEvent, RadioState};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout_at};

use super::advert::{OnAir, Slot, sweep};
use super::bus::{Bus, Hearing, Link};
use super::queue::Sender;
use super::scan::{Scan, join_discovery, renew_address};
use super::world::Adapter;
use super::{Settings, sleep_until};

/// How often to count the adverts in a scan, in case a signal was missed. They are
/// counted when a scan starts, too, and never besides: that would be a wake-up of its
/// own.
const COUNT_EVERY: Duration = Duration::from_secs(60);
/// How long after its start bluetoothd may refuse what will work soon. If the one
/// before it was killed in a scan, the kernel keeps up that discovery for its
/// 10.24 s: until then another is refused, and on legacy controllers an advert.
const SETTLE_TIME_MAX: Duration = Duration::from_secs(11);
/// Between two tries in that time. The adapter is looked after in between.
const RETRY_EVERY: Duration = Duration::from_millis(500);
/// For how long a refused command is tried again: until a bluetoothd that is new has
/// settled, and on a legacy controller until another program's discovery makes room for
/// our advert. bluetoothd lets one without a filter rest for half a second after each
/// 10.24 s; one with a filter never rests.
const RETRY_TIME_MAX: Duration = Duration::from_secs(12);

/// How long the kernel may take to tell the controller what bluetoothd has asked of it.
/// bluetoothd counts an advert no more before it is off the air; a machine that was
/// suspended in between was seen to send it again after the resume.
const KERNEL_TIME: Duration = Duration::from_millis(100);

/// What the handle asks of the task.
pub(super) enum Request {
    /// Carry out a command.
    Command(Command),
    /// End everything, and say when it is done.
    Close(oneshot::Sender<()>),
}

/// The task's state.
pub(super) struct Actor {
    settings: Settings,
    events: Sender,
    link: watch::Receiver<Link>,
    hearing: Hearing,
    /// The bluetoothd that was there last.
    bus: Option<Bus>,
    /// Until when bluetoothd may refuse what will work soon.
    settles_at: Option<Instant>,
    adapter: Option<String>,
    state: Option<RadioState>,
    on_air: Slot,
    /// On a legacy controller: the epoch in which another program's advert was first
    /// counted, since the last sweep. What ends while the adapter is off is not removed by
    /// the kernel, and is counted no more (docs/bluez.md, trap 9).
    shared_in: Option<u64>,
    scan: Option<Scan>,
    /// Whether another program was discovering when the last scan was started.
    shares_discovery: bool,
    leftovers: Leftovers,
    count_at: Instant,
}

impl Actor {
    pub(super) fn new(
        settings: Settings,
        events: Sender,
        link: watch::Receiver<Link>,
        hearing: Hearing,
        on_air: Slot,
    ) -> Self {
        Self {
            settings,
            events,
            link,
            hearing,
            bus: None,
            settles_at: None,
            adapter: None,
            state: None,
            on_air,
            shared_in: None,
            scan: None,
            shares_discovery: false,
            leftovers: Leftovers::default(),
            count_at: Instant::now(),
        }
    }

    /// Runs until it is asked to close, or nobody is left to ask.
    pub(super) async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Request>) {
        loop {
            self.reconcile().await;
            let wake_at = self.wakes_at();
            tokio::select! {
                changed = self.link.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                request = requests.recv() => match request {
                    Some(Request::Command(command)) => {
                        // What changed in the meantime comes first.
                        self.reconcile().await;
                        let result = self.carry_out(command).await;
                        self.events.send(RadioEvent::Done(result));
                    }
                    Some(Request::Close(done)) => {
                        let link = self.link.borrow().clone();
                        self.end_scan(&link).await;
                        self.end_broadcast(&link).await;
                        self.leave_discovery_to_others().await;
                        self.leftovers.leave();
                        let _ = done.send(());
                        return;
                    }
                    None => return,
                },
                () = sleep_until(wake_at) => self.wake().await,
            }
        }
    }

    async fn carry_out(&mut self, command: Command) -> Result<(), RadioError> {
        let deadline = Instant::now() + RETRY_TIME_MAX;
        loop {
            let result = self.try_to(command).await;
            if !matches!(result, Err(RadioError::Refused(_))) {
                return result;
            }
            let now = Instant::now();
            let is_settled = self.settles_at.is_none_or(|at| at <= now);
            let others_discover = self.others_discover();
            let waits_for_gap = is_settled && others_discover && self.needs_gap(command);
            // Whether it has settled or not: a try that has worn out its connection leads
            // to another, which would have to settle, again and again.
            if deadline <= now && waits_for_gap {
                return Err(RadioError::Searching);
            }
            if deadline <= now || (is_settled && !others_discover) {
                return result;
            }
            if waits_for_gap {
                self.wait_for_gap(deadline).await;
            } else {
                sleep(RETRY_EVERY).await;
                self.reconcile().await;
            }
        }
    }

    /// Whether `command` has to wait until the controller does not scan: a legacy one takes
    /// no new address before.
    fn needs_gap(&self, command: Command) -> bool {
        let is_legacy = |(_, _, adapter): (Bus, String, Adapter)| !adapter.is_extended();
        matches!(command, Command::StartBroadcast(_)) && self.chosen().is_ok_and(is_legacy)
    }

    /// Waits until no other program discovers, or until `deadline`. bluetoothd tells, so
    /// that nothing has to be tried meanwhile.
    async fn wait_for_gap(&mut self, deadline: Instant) {
        while self.others_discover() {
            let Ok(Ok(())) = timeout_at(deadline, self.link.changed()).await else {
                return;
            };
            self.reconcile().await;
        }
    }

    async fn try_to(&mut self, command: Command) -> Result<(), RadioError> {
        match command {
            Command::StartBroadcast(broadcast) => self.start_broadcast(&broadcast).await,
            Command::StopBroadcast => {
                self.stop_broadcast().await?;
                // The machine may be suspended on this word.
                sleep(KERNEL_TIME).await;
                Ok(())
            }
            Command::StartScan => self.start_scan().await,
            Command::StopScan => self.stop_scan().await,
        }
    }

    async fn start_broadcast(&mut self, broadcast: &Broadcast) -> Result<(), RadioError> {
        self.stop_broadcast().await?;
        let (bus, name, adapter) = self.chosen()?;
        // What was seen to happen is not in any answer.
        if adapter.privacy_risk().is_some() {
            return Err(RadioError::PrivacyAtRisk);
        }
        check_privacy(&bus, &name).await?;
        // A legacy controller has one instance. For a second one the kernel takes
        // turns and writes new data under the address that is in use: one RPI
        // would be seen under two addresses (docs/bluez.md, trap 2).
        if !adapter.is_extended() {
            if bus.active_instances(&name).await? > 0 {
                self.shared_in.get_or_insert(adapter.epoch);
                return Err(RadioError::NoInstance);
            }
            if self.shared_in.is_some_and(|epoch| epoch != adapter.epoch) {
                sweep(&bus, &name).await?;
                self.shared_in = None;
            }
        }
        if adapter.is_extended() {
            let renewed = match &mut self.scan {
                Some(scan) => scan.restart().await,
                None => renew_address(&bus, &name).await,
            };
            if let Err(error) = renewed {
                tracing::debug!(%error, "the scan keeps its address");
            }
        }
        let on_air = OnAir::register(&bus, &name, adapter.epoch, broadcast, &self.settings).await?;
        // Had the adapter become discoverable meanwhile, the advert would be
        // going out from the public address.
        if let Err(error) = check_privacy(&bus, &name).await {
            on_air.take_off().await?;
            return Err(error);
        }
        self.on_air.put(on_air);
        Ok(())
    }

    async fn stop_broadcast(&mut self) -> Result<(), RadioError> {
        match self.on_air.take() {
            Some(on_air) => on_air.take_off().await,
            None => Ok(()),
        }
    }

    async fn start_scan(&mut self) -> Result<(), RadioError> {
        if self.scan.is_some() {
            return Ok(());
        }
        let (bus, name, adapter) = self.chosen()?;
        self.shares_discovery = bus.adapter(&name).await?.discovering;
        self.report_state();
        let method = match self.state.as_ref().and_then(RadioState::capabilities) {
            Some(capabilities) => capabilities.scan_method,
            None => return Err(RadioError::NotReady),
        };
        self.count().await;
        // From here on, because the first signals come before the answer.
        let started = match self.hearing.start(&bus, &name).await {
            Ok(()) => Scan::start(&bus, &name, adapter.epoch, method).await,
            Err(error) => Err(error),
        };
        match started {
            Ok(scan) => {
                self.scan = Some(scan);
                Ok(())
            }
            Err(error) => {
                self.hearing.stop(&bus).await;
                Err(error)
            }
        }
    }

    async fn stop_scan(&mut self) -> Result<(), RadioError> {
        let Some(scan) = self.scan.take() else {
            return Ok(());
        };
        let bus = scan.bus().clone();
        let stopped = scan.stop().await;
        self.hearing.stop(&bus).await;
        stopped
    }

    /// Ends the broadcast for a reason of the radio's own.
    async fn end_broadcast(&mut self, link: &Link) {
        let Some(on_air) = self.on_air.take() else {
            return;
        };
        if !can_take_off(&on_air, link) {
            self.leftovers.adverts.push(on_air);
        } else if let Err(error) = on_air.take_off().await {
            tracing::warn!(%error, "it is not certain that the advert is off the air");
        }
    }

    /// Ends the scan for a reason of the radio's own.
    async fn end_scan(&mut self, link: &Link) {
        let Some(scan) = self.scan.take() else {
            return;
        };
        self.hearing.stop(scan.bus()).await;
        if !can_stop(&scan, link) {
            self.leftovers.scans.push(scan);
        } else if let Err(error) = scan.stop().await {
            tracing::debug!(%error, "stopping the scan");
        }
    }

    /// Sees to it that another program's discovery outlives this process.
    async fn leave_discovery_to_others(&self) {
        let Ok((bus, name, _)) = self.chosen() else {
            return;
        };
        if bus.adapter(&name).await.is_ok_and(|it| it.discovering)
            && let Err(error) = join_discovery(&bus, &name).await
        {
            tracing::debug!(%error, "another program's discovery may end with this one");
        }
    }

    /// Ends what could not be ended before.
    async fn clear_leftovers(&mut self, link: &Link) {
        let Some(bus) = &link.bus else {
            return;
        };
        for scan in std::mem::take(&mut self.leftovers.scans) {
            if !can_stop(&scan, link) {
                self.leftovers.scans.push(scan);
            } else if scan.bus() == bus
                && let Err(error) = scan.stop().await
            {
                tracing::debug!(%error, "stopping an old scan");
            }
        }
        for on_air in std::mem::take(&mut self.leftovers.adverts) {
            if !can_take_off(&on_air, link) {
                self.leftovers.adverts.push(on_air);
            } else if on_air.bus() == bus
                && let Err(error) = on_air.take_off().await
            {
                tracing::debug!(%error, "taking off an old advert");
            }
        }
    }

    /// Brings what is running into line with what BlueZ says, and reports.
    async fn reconcile(&mut self) {
        let link = self.link.borrow_and_update().clone();
        if !link.is_known {
            return;
        }
        if link.bus != self.bus {
            self.bus = link.bus.clone();
            self.settles_at = Some(Instant::now() + SETTLE_TIME_MAX);
        }
        self.clear_leftovers(&link).await;
        let chosen = link
            .world
            .choose(self.settings.adapter.as_deref(), self.adapter.as_deref());
        let state = self.state_of(&link, chosen);
        let adapter = chosen.and_then(|name| link.world.adapter(name));

        let same = |name: &str, epoch: u64| {
            chosen == Some(name) && adapter.is_some_and(|adapter| adapter.epoch == epoch)
        };
        let shared_in = adapter
            .filter(|adapter| !adapter.is_extended())
            .and_then(|adapter| {
                let shares =
                    |on_air: &OnAir| on_air.shares(adapter.active()).then(|| on_air.epoch());
                self.on_air.with(shares).flatten()
            });
        self.shared_in = self.shared_in.or(shared_in);
        let broadcast_lost = self.on_air.with(|on_air| {
            !same(on_air.adapter(), on_air.epoch())
                || adapter.is_none_or(|adapter| {
                    on_air.is_disturbed(adapter.active(), adapter.is_extended())
                })
        }) == Some(true);
        let discovering = adapter.is_some_and(|adapter| adapter.discovering);
        let scan_lost = self.scan.as_mut().is_some_and(|scan| {
            !same(scan.adapter(), scan.epoch()) || scan.is_silent(discovering, Instant::now())
        });
        self.adapter = chosen.map(str::to_owned);

        if matches!(state, RadioState::PrivacyAtRisk(..)) {
            self.on_air.take_off_at_risk().await;
        }
        if broadcast_lost || !state.broadcasts() {
            self.end_broadcast(&link).await;
        }
        if scan_lost || !state.listens() {
            self.end_scan(&link).await;
        }
        if broadcast_lost && state.broadcasts() {
            self.events.send(RadioEvent::BroadcastLost);
        }
        if scan_lost && state.listens() {
            self.events.send(RadioEvent::ScanLost);
        }
        self.report(state);
    }

    fn state_of(&self, link: &Link, chosen: Option<&str>) -> RadioState {
        let wanted = self.settings.adapter.as_deref();
        let state = link
            .world
            .state(wanted, chosen, self.settings.method, &link.switches);
        if self.shares_discovery {
            state.sharing_discovery()
        } else {
            state
        }
    }

    /// Reports the state as far as it is known, without any consequence.
    fn report_state(&mut self) {
        let state = self.state_of(&self.link.borrow(), self.adapter.as_deref());
        self.report(state);
    }

    fn report(&mut self, state: RadioState) {
        if self.state.as_ref() != Some(&state) {
            tracing::info!(?state, "radio");
            self.state = Some(state.clone());
            self.events.send(RadioEvent::State(state));
        }
    }

    /// Does what is due; [`Self::reconcile`] follows.
    async fn wake(&mut self) {
        let now = Instant::now();
        let link = self.link.borrow().clone();
        if let Some(scan) = self.scan.as_mut().filter(|scan| scan.restart_at() <= now)
            && let Err(error) = scan.restart().await
        {
            tracing::warn!(%error, "discovery does not start again");
            self.end_scan(&link).await;
            self.events.send(RadioEvent::ScanLost);
        }
        if self.count_at <= now {
            self.count().await;
        }
    }

    /// Counts the adverts afresh, in case a signal was missed.
    async fn count(&mut self) {
        self.count_at = Instant::now() + COUNT_EVERY;
        let (Ok((bus, name, adapter)), Some(())) = (self.chosen(), self.on_air.with(|_| ())) else {
            return;
        };
        let Ok(active) = bus.active_instances(&name).await else {
            return;
        };
        if self
            .on_air
            .with(|on_air| on_air.is_disturbed(active, adapter.is_extended()))
            == Some(true)
        {
            let link = self.link.borrow().clone();
            self.end_broadcast(&link).await;
            self.events.send(RadioEvent::BroadcastLost);
        }
    }

    fn wakes_at(&self) -> Option<Instant> {
        if !self.link.borrow().is_known {
            return None;
        }
        let scan = self.scan.as_ref();
        let silent = scan.and_then(Scan::silent_until);
        let restart = scan.map(Scan::restart_at);
        [silent, restart].into_iter().flatten().min()
    }

    /// Whether a scan runs that is not ours.
    fn others_discover(&self) -> bool {
        let is_discovering = |(_, _, adapter): (Bus, String, Adapter)| adapter.discovering;
        self.scan.is_none() && self.chosen().is_ok_and(is_discovering)
    }

    /// The adapter in use.
    fn chosen(&self) -> Result<(Bus, String, Adapter), RadioError> {
        let link = self.link.borrow();
        let chosen = self.adapter.as_deref();
        let adapter = chosen.and_then(|name| link.world.adapter(name));
        match (link.bus.clone(), chosen, adapter) {
            (Some(bus), Some(name), Some(adapter)) if adapter.powered => {
                Ok((bus, name.to_owned(), adapter.clone()))
            }
            _ => Err(RadioError::NotReady),
        }
    }
}

/// What ended with its adapter or its bluetoothd, and is let go only when they
/// are back.
///
/// bluetoothd that is being stopped takes its adapters away before it goes: a call that
/// lets go of what was on one would come after it, and start it again. While the adapter
/// is off, bluetoothd forgets an advert that is unregistered, but the kernel does not, and
/// sends it again when the adapter is switched on. A bluetoothd that does not answer still
/// has what it was asked for, should it go on.
#[derive(Default)]
struct Leftovers {
    adverts: Vec<OnAir>,
    scans: Vec<Scan>,
}

impl Leftovers {
    /// Leaves them as they are, for good: dropped, they would call `org.bluez`, and start a
    /// bluetoothd that somebody has stopped. They end with this process.
    fn leave(&mut self) {
        if !self.adverts.is_empty() {
            tracing::warn!(
                "the last identifier could not be taken back: once the adapter is on, the \
                 kernel may send it until this service or bluetoothd is started again"
            );
        }
        std::mem::forget(std::mem::take(self));
    }
}

/// Whether dropping `on_air` now has the right effect.
fn can_take_off(on_air: &OnAir, link: &Link) -> bool {
    match &link.bus {
        None => false,
        Some(bus) if bus != on_air.bus() => true,
        Some(_) => link
            .world
            .adapter(on_air.adapter())
            .is_some_and(|adapter| adapter.powered),
    }
}

/// The same of `scan`, which goes with its adapter's power.
fn can_stop(scan: &Scan, link: &Link) -> bool {
    match &link.bus {
        None => false,
        Some(bus) => bus != scan.bus() || link.world.adapter(scan.adapter()).is_some(),
    }
}

/// Asks whether an advert would now go out from the public address.
async fn check_privacy(bus: &Bus, name: &str) -> Result<(), RadioError> {
    let adapter = bus.adapter(name).await?;
    if !adapter.powered {
        return Err(RadioError::NotReady);
    }
    match adapter.privacy_risk() {
        Some(_) => Err(RadioError::PrivacyAtRisk),
        None => Ok(()),
    }
}
