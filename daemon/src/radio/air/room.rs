//! The simulated room: people who come and go, each with a phone that broadcasts
//! as the protocol says.

use std::time::Duration;

use gaen::key::Tek;
use gaen::metadata::Metadata;
use gaen::time::{UnixSeconds, UtcDay};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

use super::scenario::{Person, Scenario};
use crate::radio::Heard;

/// Time between two adverts of a phone (protocol §2: 200–270 ms).
const ADVERT_INTERVAL: Duration = Duration::from_millis(250);

/// A room at play. Times are counted from the start of the scenario.
#[derive(Debug)]
pub(super) struct Room {
    scenario: Scenario,
    rng: ChaCha20Rng,
}

impl Room {
    pub(super) fn new(scenario: Scenario) -> Self {
        let rng = ChaCha20Rng::seed_from_u64(scenario.seed);
        Self { scenario, rng }
    }

    /// The first moment after `time` at which somebody's phone can be heard, with
    /// that person's place in the scenario.
    pub(super) fn next_advert(&self, time: Duration) -> Option<(Duration, usize)> {
        let people = self.scenario.people.iter().enumerate();
        people
            .filter_map(|(who, person)| Some((next_advert_of(person, who, time)?, who)))
            .min()
    }

    /// What is heard of person `who` at `time`, which is `wall` on the clock.
    pub(super) fn hear(&mut self, who: usize, time: Duration, wall: UnixSeconds) -> Option<Heard> {
        let person = self.scenario.people.get(who)?;
        let distance = person.distance_at(time)?;
        let tek = self.tek(who, wall.utc_day());
        let rpi = tek.rpik().rpi(wall.interval());
        let metadata = Metadata::v1_0(person.tx_power).to_bytes();
        let aem = tek.aemk().encrypt(&rpi, metadata);
        let noise = i32::from(self.scenario.noise_db);
        let spread = u32::try_from(2 * noise + 1).unwrap_or(1);
        let jitter = i32::try_from(self.rng.next_u32() % spread).unwrap_or(0) - noise;
        let rssi = f64::from(person.tx_power) - attenuation_at(distance) + f64::from(jitter);
        Some(Heard {
            rpi,
            aem,
            rssi: to_rssi(rssi),
        })
    }

    /// The key of person `who` on `day`: always the same in the same scenario.
    pub(super) fn tek(&self, who: usize, day: UtcDay) -> Tek {
        let mut hash = Sha256::new();
        hash.update(self.scenario.seed.to_le_bytes());
        hash.update(u64::try_from(who).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(day.get().to_le_bytes());
        Tek::generate(&mut ChaCha20Rng::from_seed(hash.finalize().into()))
    }
}

/// Typical attenuation in dB at `metres`: the model of protocol §7.
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

fn next_advert_of(person: &Person, who: usize, time: Duration) -> Option<Duration> {
    // Each phone has a phase of its own, so that they do not all speak at once.
    let phase = Duration::from_millis(u64::try_from(who).unwrap_or(0) * 37 % 250);
    let stay = person
        .stays
        .iter()
        .filter(|stay| stay.to() > time)
        .min_by_key(|stay| stay.from())?;
    let earliest = time.max(stay.from()).saturating_sub(phase);
    let interval = ADVERT_INTERVAL.as_nanos();
    let count = u32::try_from(earliest.as_nanos() / interval + 1).ok()?;
    let at = ADVERT_INTERVAL.checked_mul(count)? + phase;
    if at < stay.to() {
        Some(at)
    } else {
        next_advert_of(person, who, stay.to())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::radio::air::scenario::tests::two_people;

    #[test]
    fn phones_are_heard_four_times_a_second_while_their_owner_is_there() {
        let mut room = Room::new(two_people());
        let start = UnixSeconds::new(1_600_000_000);
        let (mut time, mut counts) = (Duration::ZERO, [0_u32; 2]);
        while let Some((at, who)) = room.next_advert(time) {
            assert!(at > time || at == time && who > 0);
            let seconds = u32::try_from(at.as_secs()).unwrap();
            let heard = room
                .hear(who, at, UnixSeconds::new(start.get() + seconds))
                .unwrap();
            assert!((-100..-40).contains(&heard.rssi));
            counts[who] += 1;
            time = at;
        }
        // Person 0 stays 20 minutes, person 1 twice for one minute.
        assert!((4_799..=4_801).contains(&counts[0]), "{counts:?}");
        assert!((478..=482).contains(&counts[1]), "{counts:?}");
    }

    #[test]
    fn keys_differ_by_person_and_day_and_stay_the_same() {
        let room = Room::new(two_people());
        let day = UtcDay::new(18_500);
        assert_eq!(room.tek(0, day), room.tek(0, day));
        assert_ne!(room.tek(0, day), room.tek(1, day));
        assert_ne!(room.tek(0, day), room.tek(0, day.saturating_add(1)));
    }

    #[test]
    fn one_metre_attenuates_by_fifty_decibels() {
        assert_eq!(attenuation_at(1.0).round(), 50.0);
        assert_eq!(to_rssi(-70.4), -70);
        assert_eq!(to_rssi(-300.0), -127);
        assert_eq!(to_rssi(90.0), 20);
    }
}
