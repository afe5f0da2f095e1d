//! One advertiser of a controller: its legacy one, or an extended advertising set.

use std::time::Duration;

use crate::Moment;
use crate::address::{Address, AddressType};
use crate::hci::Status;
use crate::hci::command::AdvertisingParameters;
use crate::pdu::{LEGACY_DATA_LEN, Pdu, PduKind};
use crate::random::Random;

/// The longest pseudo-random delay added to each advertising interval
/// (Volume 6, Part B, §4.4.2.2.1).
pub const LONGEST_ADVERTISING_DELAY: Duration = Duration::from_millis(10);

/// An advertiser.
#[derive(Clone, Debug)]
pub struct Advertiser {
    parameters: AdvertisingParameters,
    random_address: Option<Address>,
    data: Vec<u8>,
    scan_response: Vec<u8>,
    running: Option<Running>,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    next: Moment,
    end: Option<Moment>,
}

/// A PDU that is sent, and what its sender answers to a scan request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmission {
    /// The PDU.
    pub pdu: Pdu,
    /// AD structures; empty unless the PDU is scannable.
    pub scan_response: Vec<u8>,
}

/// What an advertiser did when its time came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing was due.
    Idle,
    /// It sent something.
    Sent(Transmission),
    /// Its duration was over.
    TimedOut,
}

impl Advertiser {
    /// An advertiser that is not running, with these parameters.
    pub fn new(parameters: AdvertisingParameters) -> Self {
        Self {
            parameters,
            random_address: None,
            data: Vec::new(),
            scan_response: Vec::new(),
            running: None,
        }
    }

    /// Whether it is advertising.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Whether what it sends may be answered with a connection.
    pub fn is_connectable(&self) -> bool {
        self.parameters.pdu.is_connectable()
    }

    /// Takes new parameters; disallowed while it runs (§7.8.5, §7.8.53).
    pub fn set_parameters(&mut self, parameters: AdvertisingParameters) -> Result<(), Status> {
        if self.is_running() {
            return Err(Status::CommandDisallowed);
        }
        self.parameters = parameters;
        Ok(())
    }

    /// Takes a new random address. When that is allowed depends on the kind of
    /// advertiser, so the controller checks it.
    pub fn set_random_address(&mut self, address: Address) {
        self.random_address = Some(address);
    }

    /// Takes new data, also while it runs: it is sent from the next event on.
    pub fn set_data(&mut self, data: Vec<u8>) -> Result<(), Status> {
        self.data = self.fitting(data)?;
        Ok(())
    }

    /// Takes a new scan response, also while it runs.
    pub fn set_scan_response(&mut self, data: Vec<u8>) -> Result<(), Status> {
        self.scan_response = self.fitting(data)?;
        Ok(())
    }

    /// Starts it, for `duration` or until it is stopped. Without a random address
    /// it cannot send from one (§7.8.9, §7.8.56).
    pub fn start(&mut self, now: Moment, duration: Option<Duration>) -> Result<(), Status> {
        if self.parameters.own_address == AddressType::Random && self.random_address.is_none() {
            return Err(Status::InvalidParameters);
        }
        let next = self.running.map_or(now, |running| running.next);
        self.running = Some(Running {
            next,
            end: duration.map(|duration| now + duration),
        });
        Ok(())
    }

    /// Stops it.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// When it next has something to do.
    pub fn deadline(&self) -> Option<Moment> {
        let running = self.running?;
        Some(
            running
                .end
                .map_or(running.next, |end| end.min(running.next)),
        )
    }

    /// Does what is due. `public` is the controller's own address.
    pub fn step(&mut self, now: Moment, public: Address, random: &mut Random) -> Step {
        let Some(running) = &mut self.running else {
            return Step::Idle;
        };
        if running.end.is_some_and(|end| end <= now) {
            self.running = None;
            return Step::TimedOut;
        }
        if running.next > now {
            return Step::Idle;
        }
        let interval = Duration::from_micros(self.parameters.interval_min_us);
        // An event that was missed is skipped, not sent late with the next one.
        running.next =
            (running.next + interval).max(now) + random.time_below(LONGEST_ADVERTISING_DELAY);
        let address_type = self.parameters.own_address;
        let address = match address_type {
            AddressType::Public => public,
            AddressType::Random => self
                .random_address
                .expect("an advertiser without its address does not start"),
        };
        let kind = self.parameters.pdu;
        Step::Sent(Transmission {
            pdu: Pdu {
                kind,
                address,
                address_type,
                data: self.data.clone(),
            },
            scan_response: if kind.is_scannable() {
                self.scan_response.clone()
            } else {
                Vec::new()
            },
        })
    }

    fn fitting(&self, data: Vec<u8>) -> Result<Vec<u8>, Status> {
        if self.parameters.pdu.is_legacy() && data.len() > LEGACY_DATA_LEN {
            return Err(Status::InvalidParameters);
        }
        Ok(data)
    }
}

/// The parameters an advertiser has after power-on (§7.8.5).
pub fn default_parameters() -> AdvertisingParameters {
    AdvertisingParameters {
        pdu: PduKind::AdvInd,
        interval_min_us: 1_280_000,
        interval_max_us: 1_280_000,
        own_address: AddressType::Public,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: Address = Address::new([0, 0, 0, 0, 0, 1]);
    const PRIVATE: Address = Address::new([0x2A, 0, 0, 0, 0, 2]);

    fn nonconn() -> Advertiser {
        Advertiser::new(AdvertisingParameters {
            pdu: PduKind::AdvNonconnInd,
            interval_min_us: 100_000,
            interval_max_us: 150_000,
            own_address: AddressType::Random,
        })
    }

    #[test]
    fn sends_at_its_interval_plus_at_most_ten_milliseconds() {
        let mut advertiser = nonconn();
        advertiser.set_random_address(PRIVATE);
        advertiser.set_data(vec![1, 2]).unwrap();
        let mut random = Random::seeded(1);
        advertiser.start(Moment::ZERO, None).unwrap();
        let mut last = None;
        for _ in 0..100 {
            let at = advertiser.deadline().unwrap();
            let Step::Sent(sent) = advertiser.step(at, PUBLIC, &mut random) else {
                panic!("it was due");
            };
            assert_eq!((sent.pdu.address, sent.pdu.data), (PRIVATE, vec![1, 2]));
            if let Some(last) = last {
                let gap: Duration = at - last;
                assert!((100..=110).contains(&gap.as_millis()), "{gap:?}");
            }
            assert_eq!(advertiser.step(at, PUBLIC, &mut random), Step::Idle);
            last = Some(at);
        }
    }

    #[test]
    fn a_late_advertiser_does_not_catch_up_in_a_burst() {
        let mut advertiser = nonconn();
        advertiser.set_random_address(PRIVATE);
        advertiser.start(Moment::ZERO, None).unwrap();
        let late = Moment::from_secs(60);
        let mut random = Random::seeded(1);
        assert!(matches!(
            advertiser.step(late, PUBLIC, &mut random),
            Step::Sent(_)
        ));
        assert!(advertiser.deadline().unwrap() >= late);
    }

    #[test]
    fn does_not_start_without_its_random_address() {
        assert_eq!(
            nonconn().start(Moment::ZERO, None),
            Err(Status::InvalidParameters)
        );
    }

    #[test]
    fn ends_after_its_duration() {
        let mut advertiser = nonconn();
        advertiser.set_random_address(PRIVATE);
        let end = Moment::from_secs(2);
        advertiser.start(Moment::ZERO, Some(end)).unwrap();
        assert_eq!(
            advertiser.step(end, PUBLIC, &mut Random::seeded(1)),
            Step::TimedOut
        );
        assert!(!advertiser.is_running());
        assert_eq!(advertiser.deadline(), None);
    }

    #[test]
    fn legacy_data_is_at_most_31_octets() {
        let mut advertiser = nonconn();
        assert_eq!(advertiser.set_data(vec![0; 31]), Ok(()));
        assert_eq!(
            advertiser.set_data(vec![0; 32]),
            Err(Status::InvalidParameters)
        );
    }
}
