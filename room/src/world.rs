//! The world: who is where, what is on the air, who hears it, and what time it is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gaen::advert::ServiceData;
use gaen::key::Tek;
use gaen::metadata::Metadata;
use gaen::time::{UnixSeconds, UtcDay};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::scenario::{Device, Scenario, Stay, position_at};

/// Time between two adverts of a phone (docs/protocol.md §2: 200–270 ms).
const ADVERT_INTERVAL: Duration = Duration::from_millis(250);

/// One who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member(usize);

/// What happens to one who takes part and waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The time waited for is there.
    TimePassed,
    /// Adverts were heard, each with its signal strength in dBm.
    Heard(Vec<(ServiceData, i8)>),
    /// The adapter is like this from now on.
    Adapter(Adapter),
}

/// What a device's Bluetooth adapter is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adapter {
    /// It broadcasts and listens.
    #[default]
    Ready,
    /// It shows itself to everybody, so that nothing of the device's may go out from it.
    Discoverable,
    /// It is switched off.
    Off,
    /// A kill switch or airplane mode blocks it.
    Blocked,
    /// It is not there.
    Absent,
}

impl Adapter {
    /// Whether anything may go on the air.
    pub const fn broadcasts(self) -> bool {
        matches!(self, Self::Ready)
    }

    /// Whether anything is heard.
    pub const fn listens(self) -> bool {
        matches!(self, Self::Ready | Self::Discoverable)
    }
}

/// A room at play. Times are counted from its start.
#[derive(Debug)]
pub struct World {
    scenario: Scenario,
    start: UnixSeconds,
    now: Duration,
    members: BTreeMap<Member, State>,
    joined: usize,
    /// The devices that have listened, by their places in the scenario.
    begun: BTreeSet<usize>,
    rng: ChaCha20Rng,
}

#[derive(Debug)]
struct State {
    /// Place in the scenario's list of devices; `None` for one who only follows
    /// the time.
    device: Option<usize>,
    adapter: Adapter,
    /// Whether it has not heard of its adapter's last change yet.
    has_news: bool,
    broadcast: Option<ServiceData>,
    listening: bool,
    wait: Option<Wait>,
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    until: Option<Duration>,
}

/// Something that advertises: a phone of the scenario, or a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Person(usize),
    Device(Member, usize),
}

impl World {
    /// The room of `scenario`, starting at `start` where the scenario says nothing.
    pub fn new(scenario: Scenario, start: UnixSeconds) -> Self {
        Self {
            start: scenario.start(start),
            now: Duration::ZERO,
            members: BTreeMap::new(),
            joined: 0,
            begun: BTreeSet::new(),
            rng: ChaCha20Rng::seed_from_u64(scenario.seed),
            scenario,
        }
    }

    /// The room of `scenario` for one device alone, at 0 metres.
    pub fn alone(mut scenario: Scenario, start: UnixSeconds) -> (Self, Member) {
        scenario.devices = vec![Device::default()];
        let mut world = Self::new(scenario, start);
        let member = world.add(Some(0));
        (world, member)
    }

    /// The wall clock at the start.
    pub const fn start(&self) -> UnixSeconds {
        self.start
    }

    /// Time since the start.
    pub const fn now(&self) -> Duration {
        self.now
    }

    /// The wall clock, now.
    pub fn wall(&self) -> UnixSeconds {
        let seconds = i32::try_from(self.now.as_secs()).unwrap_or(i32::MAX);
        self.start.saturating_add_signed(seconds)
    }

    /// Somebody takes part: the scenario's device `name`, or, without a name, one
    /// who only follows the time. `None` where there is no such device, or it is
    /// there already.
    pub fn join(&mut self, name: Option<&str>) -> Option<Member> {
        let device = match name {
            None => None,
            Some(name) => {
                let mut devices = self.scenario.devices.iter();
                let device = devices.position(|device| device.name == name)?;
                if self.members.values().any(|it| it.device == Some(device)) {
                    return None;
                }
                Some(device)
            }
        };
        Some(self.add(device))
    }

    fn add(&mut self, device: Option<usize>) -> Member {
        let member = Member(self.joined);
        self.joined += 1;
        let state = State {
            device,
            adapter: Adapter::default(),
            has_news: false,
            broadcast: None,
            listening: false,
            wait: None,
        };
        self.members.insert(member, state);
        member
    }

    /// `member` takes part no longer.
    pub fn leave(&mut self, member: Member) {
        self.members.remove(&member);
    }

    /// Whoever takes part as the scenario's device `name` has an adapter like this from
    /// now on. Tells whether anybody does.
    pub fn set_adapter(&mut self, name: &str, adapter: Adapter) -> bool {
        let mut devices = self.scenario.devices.iter();
        let device = devices.position(|device| device.name == name);
        let mut states = self.members.values_mut();
        let Some(state) = states.find(|state| state.device.is_some() && state.device == device)
        else {
            return false;
        };
        state.has_news |= state.adapter != adapter;
        state.adapter = adapter;
        state.broadcast = state.broadcast.filter(|_| adapter.broadcasts());
        state.listening &= adapter.listens();
        true
    }

    /// `member` broadcasts this from now on, or nothing, as far as its adapter does.
    pub fn broadcast(&mut self, member: Member, data: Option<ServiceData>) {
        if let Some(state) = self.members.get_mut(&member) {
            state.broadcast = data.filter(|_| state.adapter.broadcasts());
        }
    }

    /// `member` hears adverts from now on, or none, as far as its adapter does.
    pub fn listen(&mut self, member: Member, listening: bool) {
        if let Some(state) = self.members.get_mut(&member) {
            state.listening = listening && state.adapter.listens();
            self.begun.extend(state.device.filter(|_| listening));
        }
    }

    /// `member` lets time go on until `until`, or without end, or until it hears
    /// something.
    pub fn wait(&mut self, member: Member, until: Option<Duration>) {
        if let Some(state) = self.members.get_mut(&member) {
            state.wait = Some(Wait { until });
        }
    }

    /// `member` lets time go on no longer. Tells whether it did.
    pub fn hold(&mut self, member: Member) -> bool {
        self.members
            .get_mut(&member)
            .is_some_and(|state| state.wait.take().is_some())
    }

    /// When the next thing happens. `None` while anybody holds the time, while a
    /// device of the scenario has not begun to listen (whoever agrees late misses
    /// nothing of the scenario), and when nobody waits for anything.
    pub fn next(&self) -> Option<Duration> {
        let all_begun = self.begun.len() == self.scenario.devices.len();
        if self.members.values().any(|state| state.wait.is_none()) {
            return None;
        }
        if self.members.values().any(|state| state.has_news) {
            return Some(self.now);
        }
        let deadlines = self
            .members
            .values()
            .filter_map(|state| state.wait.and_then(|wait| wait.until));
        // A deadline that is not later than now is no passing of time.
        let due = deadlines.clone().any(|at| at <= self.now);
        if !all_begun && !due {
            return None;
        }
        let adverts = self.members.values().filter_map(|state| {
            let listener = state.device.filter(|_| state.listening)?;
            self.sources()
                .filter_map(|source| self.next_advert(source, listener))
                .min()
        });
        let earliest = deadlines.chain(adverts).min();
        earliest.map(|at| at.max(self.now))
    }

    /// Moves on to [`World::next`], and tells what happened to whom there; each of
    /// them holds the time until it waits again.
    pub fn step(&mut self) -> Vec<(Member, Happening)> {
        let Some(at) = self.next() else {
            return Vec::new();
        };
        let mut happened = Vec::new();
        for (member, state) in &mut self.members {
            if std::mem::take(&mut state.has_news) {
                state.wait = None;
                happened.push((*member, Happening::Adapter(state.adapter)));
            }
        }
        if !happened.is_empty() {
            return happened;
        }
        let members: Vec<_> = self.members.keys().copied().collect();
        let mut heard_by: BTreeMap<Member, Vec<(ServiceData, i8)>> = BTreeMap::new();
        for member in &members {
            let Some(listener) = self
                .members
                .get(member)
                .filter(|state| state.listening)
                .and_then(|state| state.device)
            else {
                continue;
            };
            let sources: Vec<_> = self
                .sources()
                .filter(|source| self.next_advert(*source, listener) == Some(at))
                .collect();
            for source in sources {
                let heard = self.hear(source, listener, at);
                heard_by.entry(*member).or_default().extend(heard);
            }
        }
        self.now = at;
        for member in members {
            let Some(state) = self.members.get_mut(&member) else {
                continue;
            };
            if let Some(heard) = heard_by.remove(&member).filter(|heard| !heard.is_empty()) {
                state.wait = None;
                happened.push((member, Happening::Heard(heard)));
            } else if state
                .wait
                .is_some_and(|wait| wait.until.is_some_and(|it| it <= at))
            {
                state.wait = None;
                happened.push((member, Happening::TimePassed));
            }
        }
        happened
    }

    /// The key of person `who` of the scenario on `day`: always the same in the
    /// same scenario.
    pub fn tek(&self, who: usize, day: UtcDay) -> Tek {
        let mut hash = Sha256::new();
        hash.update(self.scenario.seed.to_le_bytes());
        hash.update(u64::try_from(who).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(day.get().to_le_bytes());
        Tek::generate(&mut ChaCha20Rng::from_seed(hash.finalize().into()))
    }

    fn sources(&self) -> impl Iterator<Item = Source> {
        let people = self.scenario.people.iter().enumerate();
        let people = people
            .filter(|(_, person)| !person.stays.is_empty())
            .map(|(who, _)| Source::Person(who));
        let devices = self.members.iter().filter_map(|(member, state)| {
            state.broadcast?;
            Some(Source::Device(*member, state.device?))
        });
        people.chain(devices)
    }

    /// The first moment after now at which `source` can be heard by the device in
    /// place `listener`.
    fn next_advert(&self, source: Source, listener: usize) -> Option<Duration> {
        let (stays, number) = match source {
            Source::Person(who) => (&self.scenario.people.get(who)?.stays, who),
            Source::Device(_, device) if device == listener => return None,
            Source::Device(_, device) => (
                &self.scenario.devices.get(device)?.stays,
                self.scenario.people.len() + device,
            ),
        };
        let listener = &self.scenario.devices.get(listener)?.stays;
        // Each has a phase of its own, so that they do not all speak at once.
        let phase = Duration::from_millis(u64::try_from(number).unwrap_or(0) * 37 % 250);
        let mut after = self.now;
        loop {
            let from = both_there(stays, listener, after)?;
            let at = next_in_phase(
                after.max(from.saturating_sub(Duration::from_nanos(1))),
                phase,
            )?;
            if position_at(stays, at).is_some() && position_at(listener, at).is_some() {
                return Some(at);
            }
            // One of them left before it spoke.
            after = at;
        }
    }

    /// What the device in place `listener` hears of `source` at the moment `at`.
    fn hear(&mut self, source: Source, listener: usize, at: Duration) -> Option<(ServiceData, i8)> {
        let seconds = i32::try_from(at.as_secs()).unwrap_or(i32::MAX);
        let wall = self.start.saturating_add_signed(seconds);
        let here = position_at(&self.scenario.devices.get(listener)?.stays, at)?;
        let (data, there, tx_power) = match source {
            Source::Person(who) => {
                let person = self.scenario.people.get(who)?;
                let there = position_at(&person.stays, at)?;
                let tek = self.tek(who, wall.utc_day());
                let rpi = tek.rpik().rpi(wall.interval());
                let metadata = Metadata::v1_0(person.tx_power).to_bytes();
                let aem = tek.aemk().encrypt(&rpi, metadata);
                (ServiceData { rpi, aem }, there, person.tx_power)
            }
            Source::Device(member, device) => {
                let device = self.scenario.devices.get(device)?;
                let there = position_at(&device.stays, at)?;
                let data = self.members.get(&member)?.broadcast?;
                (data, there, device.tx_power)
            }
        };
        let distance = (there - here).abs().max(0.05);
        let noise = i32::from(self.scenario.noise_db);
        let spread = u32::try_from(2 * noise + 1).unwrap_or(1);
        let jitter = i32::try_from(self.rng.next_u32() % spread).unwrap_or(0) - noise;
        let rssi = f64::from(tx_power) - attenuation_at(distance) + f64::from(jitter);
        Some((data, to_rssi(rssi)))
    }
}

/// The first moment from `after` on at which both are there. Without any stay,
/// one is always there.
fn both_there(a: &[Stay], b: &[Stay], after: Duration) -> Option<Duration> {
    let begins = |stays: &[Stay], from: Duration| {
        if stays.is_empty() {
            return Some(from);
        }
        let later = stays.iter().filter(|stay| stay.to() > from);
        later.map(|stay| stay.from().max(from)).min()
    };
    let mut at = after;
    loop {
        let (a_at, b_at) = (begins(a, at)?, begins(b, at)?);
        if a_at == b_at {
            return Some(a_at);
        }
        at = a_at.max(b_at);
    }
}

/// The first moment after `time` at which a phone of this phase advertises.
fn next_in_phase(time: Duration, phase: Duration) -> Option<Duration> {
    let interval = ADVERT_INTERVAL.as_nanos();
    let count = match time.checked_sub(phase) {
        None => 0,
        Some(since) => u32::try_from(since.as_nanos() / interval + 1).ok()?,
    };
    Some(ADVERT_INTERVAL.checked_mul(count)? + phase)
}

/// Typical attenuation in dB at `metres`: the model of docs/protocol.md §7.
fn attenuation_at(metres: f64) -> f64 {
    (0.21 * metres.ln() + 3.92).exp()
}

/// The nearest value that a controller reports.
fn to_rssi(dbm: f64) -> i8 {
    let whole = dbm.round().clamp(-127.0, 20.0);
    (i8::MIN..=20)
        .find(|rssi| f64::from(*rssi) >= whole)
        .unwrap_or(20)
}

#[cfg(test)]
mod tests {
    use gaen::key::{Aem, Rpi};

    use super::*;
    use crate::scenario::tests::two_people;

    const START: UnixSeconds = UnixSeconds::new(1_600_000_000);

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    fn data(byte: u8) -> ServiceData {
        ServiceData {
            rpi: Rpi::from_bytes([byte; 16]),
            aem: Aem::from_bytes([byte; 4]),
        }
    }

    #[test]
    fn phones_are_heard_four_times_a_second_while_their_owner_is_there() {
        let (mut world, me) = World::alone(two_people(), START);
        world.listen(me, true);
        let mut heard = Vec::new();
        loop {
            world.wait(me, Some(minutes(60)));
            match world.step().pop().unwrap() {
                (_, Happening::TimePassed) => break,
                (_, Happening::Adapter(_)) => panic!("nobody has switched anything"),
                (_, Happening::Heard(adverts)) => {
                    assert!(adverts.iter().all(|(_, rssi)| (-100..-40).contains(rssi)));
                    heard.extend(adverts.iter().map(|_| world.now()));
                }
            }
        }
        // Person 0 stays 20 minutes, person 1 twice for one minute, the first time
        // beside the other.
        let alone = heard.iter().filter(|at| **at < minutes(10)).count();
        assert!((1_199..=1_201).contains(&alone), "{alone}");
        assert!((5_278..=5_282).contains(&heard.len()), "{}", heard.len());
        assert_eq!(world.wall().get(), START.get() + 3_600);
    }

    #[test]
    fn devices_hear_each_other_by_their_distance_and_not_themselves() {
        let scenario = toml::from_str(
            "[[device]]
             name = 'near'
             stay = [{ from_minute = 1, to_minute = 2, metres = 1.0 }]
             [[device]]
             name = 'middle'
             [[device]]
             name = 'far'
             stay = [{ from_minute = 0, to_minute = 9, metres = -30.0 }]",
        )
        .unwrap();
        let mut world = World::new(scenario, START);
        assert_eq!(world.join(Some("nobody")), None);
        let [near, middle, far] =
            ["near", "middle", "far"].map(|name| world.join(Some(name)).unwrap());
        assert_eq!(world.join(Some("far")), None, "there already");
        for (member, byte) in [(near, 1), (middle, 2), (far, 3)] {
            world.broadcast(member, Some(data(byte)));
        }
        for member in [near, far] {
            world.listen(member, true);
            world.listen(member, false);
            world.wait(member, None);
        }
        world.listen(middle, true);
        let mut heard: BTreeMap<u8, Vec<i8>> = BTreeMap::new();
        loop {
            world.wait(middle, Some(minutes(9)));
            let happened = world.step();
            let [(who, what)] = happened.as_slice() else {
                panic!("{happened:?}");
            };
            assert_eq!(*who, middle);
            match what {
                Happening::TimePassed => break,
                Happening::Adapter(_) => panic!("nobody has switched anything"),
                Happening::Heard(adverts) => {
                    for (data, rssi) in adverts {
                        heard.entry(data.rpi.as_bytes()[0]).or_default().push(*rssi);
                    }
                }
            }
        }
        assert_eq!(heard.keys().copied().collect::<Vec<_>>(), [1, 3]);
        assert!((239..=241).contains(&heard[&1].len()));
        assert!((2_159..=2_161).contains(&heard[&3].len()));
        // 50 dB at a metre, below what is sent at −20 dBm.
        assert!(heard[&1].iter().all(|rssi| *rssi == -70));
        assert!(heard[&3].iter().all(|rssi| *rssi < -110));
    }

    #[test]
    fn time_stands_still_while_anybody_holds_it_or_has_not_begun() {
        let scenario = "[[device]]\nname = 'a'\n[[device]]\nname = 'b'";
        let mut world = World::new(toml::from_str(scenario).unwrap(), START);
        let a = world.join(Some("a")).unwrap();
        let server = world.join(None).unwrap();
        world.wait(a, Some(minutes(1)));
        world.wait(server, Some(minutes(2)));
        assert_eq!(world.next(), None, "b is not there");
        let b = world.join(Some("b")).unwrap();
        assert_eq!(world.next(), None, "b holds");
        world.listen(a, true);
        world.wait(b, None);
        assert_eq!(world.next(), None, "b has not begun");
        world.listen(b, true);
        assert_eq!(world.next(), Some(minutes(1)));
        assert!(world.hold(server));
        assert!(!world.hold(server));
        assert_eq!(world.next(), None, "the server holds");
        world.wait(server, Some(minutes(2)));
        assert_eq!(world.step(), [(a, Happening::TimePassed)]);
        assert_eq!(world.step(), []);
        world.leave(a);
        assert_eq!(world.step(), [(server, Happening::TimePassed)]);
        assert_eq!(world.now(), minutes(2));
        world.wait(server, Some(minutes(1)));
        assert_eq!(world.step(), [(server, Happening::TimePassed)]);
        assert_eq!(world.now(), minutes(2), "it never goes back");
    }

    #[test]
    fn an_adapter_that_is_off_is_told_of_at_once_and_does_nothing() {
        let scenario = "[[device]]\nname = 'a'\n[[device]]\nname = 'b'";
        let mut world = World::new(toml::from_str(scenario).unwrap(), START);
        assert!(!world.set_adapter("a", Adapter::Off), "a is not there");
        let [a, b] = ["a", "b"].map(|name| world.join(Some(name)).unwrap());
        world
            .join(None)
            .map(|server| world.wait(server, None))
            .unwrap();
        for member in [a, b] {
            world.broadcast(member, Some(data(1)));
            world.listen(member, true);
        }
        assert!(world.set_adapter("a", Adapter::Off));
        world.wait(a, Some(minutes(1)));
        assert_eq!(world.next(), None, "b holds");
        world.wait(b, Some(minutes(1)));
        let off = [(a, Happening::Adapter(Adapter::Off))];
        assert_eq!(world.step(), off);
        assert_eq!(world.now(), Duration::ZERO);
        // Whatever it was about to do, it is neither heard nor hears.
        world.broadcast(a, Some(data(1)));
        world.listen(a, true);
        world.wait(a, Some(minutes(1)));
        let passed = [(a, Happening::TimePassed), (b, Happening::TimePassed)];
        assert_eq!(world.step(), passed);

        assert!(world.set_adapter("a", Adapter::Discoverable));
        world.wait(a, None);
        world.wait(b, Some(minutes(2)));
        let visible = [(a, Happening::Adapter(Adapter::Discoverable))];
        assert_eq!(world.step(), visible);
        world.broadcast(a, Some(data(1)));
        world.listen(a, true);
        world.wait(a, None);
        let happened = world.step();
        assert!(matches!(happened.as_slice(), [(who, Happening::Heard(_))] if *who == a));
        // What it is like already is no news.
        assert!(world.set_adapter("a", Adapter::Discoverable));
        world.wait(a, Some(world.now()));
        assert_eq!(world.step(), [(a, Happening::TimePassed)]);
    }

    #[test]
    fn keys_differ_by_person_and_day_and_stay_the_same() {
        let world = World::new(two_people(), START);
        let day = UtcDay::new(18_500);
        assert_eq!(world.tek(0, day), world.tek(0, day));
        assert_ne!(world.tek(0, day), world.tek(1, day));
        assert_ne!(world.tek(0, day), world.tek(0, day.saturating_add(1)));
    }

    #[test]
    fn one_metre_attenuates_by_fifty_decibels() {
        assert_eq!(attenuation_at(1.0).round(), 50.0);
        assert_eq!(to_rssi(-70.4), -70);
        assert_eq!(to_rssi(-300.0), -127);
        assert_eq!(to_rssi(90.0), 20);
    }
}
