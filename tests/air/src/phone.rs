//! The others in the room: phones that take part in Exposure Notification, and
//! beacons that send whatever they are told to.

use std::time::Duration;

use gaen::key::{Aem, Rpi, Tek};
use gaen::time::{Interval, UnixSeconds, UtcDay};

use crate::Moment;
use crate::address::{Address, AddressType};
use crate::advertising::{LONGEST_ADVERTISING_DELAY, Transmission};
use crate::pdu::{Pdu, PduKind};
use crate::random::Random;

/// The shortest time between two rotations. A phone that changed its address
/// within one interval would send the same identifier under both.
pub const SHORTEST_ROTATION: Duration = Duration::from_secs(600);

/// How a phone behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneSettings {
    /// The key of the first day; a random one when there is none.
    pub tek: Option<Tek>,
    /// The transmit power it claims in its metadata, in dBm.
    pub tx_power: i8,
    /// From one advert to the next.
    pub interval: Duration,
    /// From one change of address and identifier to the next.
    pub rotation: Duration,
    /// Whether it sends the Flags structure, as iPhones do and Androids do not.
    pub flags: bool,
}

impl Default for PhoneSettings {
    fn default() -> Self {
        Self {
            tek: None,
            tx_power: -20,
            interval: Duration::from_millis(250),
            rotation: Duration::from_secs(900),
            flags: false,
        }
    }
}

/// Something that advertises without a kernel behind it.
#[derive(Debug)]
pub struct Device {
    interval: Duration,
    next: Moment,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Phone(Phone),
    Beacon(Transmission),
}

#[derive(Debug)]
struct Phone {
    settings: PhoneSettings,
    key: Option<DayKey>,
    on_air: Option<OnAir>,
}

/// A phone's key and the first interval it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayKey {
    /// The key.
    pub tek: Tek,
    /// Its first interval.
    pub rolling_start: Interval,
}

#[derive(Debug)]
struct OnAir {
    address: Address,
    data: Vec<u8>,
    until: Moment,
}

/// What a device did when its time came.
#[derive(Debug, Default)]
pub struct Step {
    /// The key it began to use.
    pub new_key: Option<DayKey>,
    /// What it sent.
    pub sent: Option<Transmission>,
}

impl Device {
    /// A phone that begins to send at `start`.
    pub fn phone(settings: PhoneSettings, start: Moment) -> Self {
        Self {
            interval: settings.interval,
            next: start,
            content: Content::Phone(Phone {
                settings,
                key: None,
                on_air: None,
            }),
        }
    }

    /// A beacon that sends the same every `interval` from `start` on.
    pub fn beacon(transmission: Transmission, interval: Duration, start: Moment) -> Self {
        Self {
            interval,
            next: start,
            content: Content::Beacon(transmission),
        }
    }

    /// When it next sends.
    pub fn deadline(&self) -> Moment {
        self.next
    }

    /// Goes on at `now`, after a time in which it did nothing.
    pub fn resume(&mut self, now: Moment, random: &mut Random) {
        if self.next < now {
            self.next = now + random.time_below(self.interval);
        }
    }

    /// Does what is due. `wall` is the time on the device's own clock.
    pub fn step(&mut self, now: Moment, wall: UnixSeconds, random: &mut Random) -> Step {
        if self.next > now {
            return Step::default();
        }
        // An event that was missed is skipped, not sent late with the next one.
        self.next =
            (self.next + self.interval).max(now) + random.time_below(LONGEST_ADVERTISING_DELAY);
        match &mut self.content {
            Content::Phone(phone) => phone.step(now, wall, random),
            Content::Beacon(transmission) => Step {
                new_key: None,
                sent: Some(transmission.clone()),
            },
        }
    }
}

impl Phone {
    fn step(&mut self, now: Moment, wall: UnixSeconds, random: &mut Random) -> Step {
        let mut new_key = None;
        let on_air = match self.on_air.take() {
            Some(on_air) if on_air.until > now => on_air,
            Some(_) | None => {
                let key = match self.key.take() {
                    Some(key) if key.is_for(wall.utc_day()) => key,
                    _ => new_key
                        .insert(self.make_key(wall.utc_day(), random))
                        .clone(),
                };
                let rpi = key.tek.rpik().rpi(wall.interval());
                let metadata = metadata(self.settings.tx_power);
                let aem = key.tek.aemk().encrypt(&rpi, metadata);
                self.key = Some(key);
                OnAir {
                    address: random.address(),
                    data: advert(&rpi, &aem, self.settings.flags),
                    until: now + self.settings.rotation,
                }
            }
        };
        let pdu = Pdu {
            kind: PduKind::AdvNonconnInd,
            address: on_air.address,
            address_type: AddressType::Random,
            data: on_air.data.clone(),
        };
        self.on_air = Some(on_air);
        Step {
            new_key,
            sent: Some(Transmission {
                pdu,
                scan_response: Vec::new(),
            }),
        }
    }

    /// The key it was given for its first day, then a random one each day.
    fn make_key(&mut self, day: UtcDay, random: &mut Random) -> DayKey {
        let given = self.settings.tek.take();
        DayKey {
            tek: given.unwrap_or_else(|| Tek::from_bytes(random.bytes())),
            rolling_start: day.first_interval(),
        }
    }
}

impl DayKey {
    fn is_for(&self, day: UtcDay) -> bool {
        self.rolling_start == day.first_interval()
    }
}

/// The metadata of protocol version 1.0.
fn metadata(tx_power: i8) -> [u8; 4] {
    const VERSION_1_0: u8 = 0x40;
    let [tx_power] = tx_power.to_le_bytes();
    [VERSION_1_0, tx_power, 0, 0]
}

/// The advert as phones send it (docs/protocol.md §2).
fn advert(rpi: &Rpi, aem: &Aem, flags: bool) -> Vec<u8> {
    const FLAGS: [u8; 3] = [0x02, 0x01, 0x1A];
    const COMPLETE_SERVICE_UUIDS: [u8; 4] = [0x03, 0x03, 0x6F, 0xFD];
    const SERVICE_DATA: [u8; 4] = [0x17, 0x16, 0x6F, 0xFD];
    let flags: &[u8] = if flags { &FLAGS } else { &[] };
    [
        flags,
        &COMPLETE_SERVICE_UUIDS,
        &SERVICE_DATA,
        rpi.as_bytes(),
        aem.as_bytes(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixSeconds = UnixSeconds::new(1_600_000_000 / 86_400 * 86_400 + 43_200);

    fn sent(device: &mut Device, now: Moment, random: &mut Random) -> Pdu {
        let since = i32::try_from(now.as_secs()).unwrap();
        let step = device.step(now, NOON.saturating_add_signed(since), random);
        step.sent.expect("it was due").pdu
    }

    #[test]
    fn an_advert_is_28_octets_on_android_and_31_on_iphones() {
        let tek = Tek::from_bytes([7; 16]);
        for (flags, len, start) in [(false, 28, 0x03), (true, 31, 0x02)] {
            let settings = PhoneSettings {
                tek: Some(tek.clone()),
                flags,
                ..PhoneSettings::default()
            };
            let mut phone = Device::phone(settings, Moment::ZERO);
            let pdu = sent(&mut phone, Moment::ZERO, &mut Random::seeded(1));
            assert_eq!((pdu.data.len(), pdu.data[0]), (len, start));
            assert_eq!(pdu.kind, PduKind::AdvNonconnInd);

            let rpi = tek.rpik().rpi(NOON.interval());
            let service_data = &pdu.data[len - 20..];
            assert_eq!(&service_data[..16], rpi.as_bytes());
            let aem = Aem::from_bytes(service_data[16..].try_into().unwrap());
            assert_eq!(tek.aemk().decrypt(&rpi, &aem), [0x40, 0xEC, 0, 0]);
        }
    }

    #[test]
    fn address_and_identifier_change_together_at_the_rotation() {
        let settings = PhoneSettings {
            rotation: SHORTEST_ROTATION,
            ..PhoneSettings::default()
        };
        let mut phone = Device::phone(settings, Moment::ZERO);
        let mut random = Random::seeded(1);
        let first = sent(&mut phone, Moment::ZERO, &mut random);
        let before = sent(&mut phone, Moment::from_millis(599_999), &mut random);
        let after = sent(&mut phone, Moment::from_millis(600_100), &mut random);
        assert_eq!(first, before);
        assert_ne!(before.address, after.address);
        assert_ne!(before.data, after.data);
    }

    #[test]
    fn a_new_utc_day_brings_a_new_key() {
        let tek = Tek::from_bytes([7; 16]);
        let settings = PhoneSettings {
            tek: Some(tek.clone()),
            ..PhoneSettings::default()
        };
        let mut phone = Device::phone(settings, Moment::ZERO);
        let mut random = Random::seeded(1);
        let first = phone.step(Moment::ZERO, NOON, &mut random).new_key.unwrap();
        assert_eq!(first.tek, tek);
        assert_eq!(first.rolling_start, NOON.utc_day().first_interval());
        let hour = Moment::from_secs(3600);
        let same_day = NOON.saturating_add_signed(3600);
        assert_eq!(phone.step(hour, same_day, &mut random).new_key, None);
        let next_day = NOON.saturating_add_signed(43_200);
        let second = phone
            .step(hour * 12, next_day, &mut random)
            .new_key
            .unwrap();
        assert_ne!(second.tek, tek);
        assert_eq!(second.rolling_start, next_day.utc_day().first_interval());
    }
}
