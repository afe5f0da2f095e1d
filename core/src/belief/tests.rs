//! A machine whose clock is set to anything, and what may be destroyed by it. The test
//! knows what time it truly is.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::time::BootTime;

/// 2020-09-13T12:26:40Z.
const START: i64 = 1_600_000_000;
const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

#[derive(Clone)]
struct Machine {
    /// The true time.
    truth: i64,
    /// By how much the wall clock is ahead of it.
    ahead: i64,
    since_boot: i64,
    voucher: Voucher,
    memory: Option<Memory>,
    last: Option<Judgement>,
}

impl Machine {
    /// A machine that has run for a while with a right clock.
    fn settled(start: i64, voucher: Voucher) -> Self {
        let mut machine = Self {
            truth: start - 10 * DAY,
            ahead: 0,
            since_boot: 100,
            voucher: Voucher::Synchronisation,
            memory: None,
            last: None,
        };
        machine.pass(10 * DAY);
        let judgement = machine.look();
        assert_eq!(i64::from(judgement.certain.get()), start);
        assert!(!judgement.is_held && judgement.nothing_after.is_none());
        machine.voucher = voucher;
        machine.look();
        machine
    }

    fn wall(&self) -> UnixSeconds {
        // As the clock is read: what is no protocol time is the epoch.
        UnixSeconds::new(u32::try_from(self.truth + self.ahead).unwrap_or(0))
    }

    fn look(&mut self) -> Judgement {
        let look = Look {
            wall: self.wall(),
            boot: BootTime::new(Duration::from_secs(u64::try_from(self.since_boot).unwrap())),
            voucher: self.voucher,
        };
        let (mut memory, judgement) = judge(self.memory.take(), &look);
        // What is stored is what is remembered.
        let json = serde_json::to_vec(&memory).unwrap();
        memory = serde_json::from_slice(&json).unwrap();
        if judgement.nothing_after.is_some() {
            memory.future_is_gone();
        }
        self.memory = Some(memory);
        self.last = Some(judgement);
        judgement
    }

    /// Lets time pass, with a look every hour as far as the clock is set.
    fn pass(&mut self, seconds: i64) -> Vec<Judgement> {
        let end = self.truth + seconds;
        let mut judgements = Vec::new();
        while self.truth < end {
            let step = HOUR.min(end - self.truth);
            self.truth += step;
            self.since_boot += step;
            judgements.extend(self.looks());
        }
        judgements
    }

    fn set(&mut self, ahead: i64) -> Option<Judgement> {
        self.ahead = ahead;
        self.looks()
    }

    fn looks(&mut self) -> Option<Judgement> {
        (self.wall().is_plausible()).then(|| self.look())
    }

    fn restart_after(&mut self, off: i64, until_look: i64) -> Option<Judgement> {
        self.truth += off + until_look;
        self.since_boot = until_look;
        self.looks()
    }

    /// Nothing that was recorded under a right clock and is younger than fourteen days
    /// may go.
    fn assert_harmless(&self, judgement: Judgement, why: &dyn std::fmt::Debug) {
        let certain = i64::from(judgement.certain.get());
        assert!(
            certain <= self.truth,
            "{why:?}: {} too far",
            certain - self.truth
        );
        if let Some(limit) = judgement.nothing_after {
            assert!(i64::from(limit.get()) > self.truth, "{why:?}: {limit:?}");
        }
    }
}

/// Where a wrong clock can be.
fn wrong(start: i64) -> Vec<i64> {
    let amounts = [
        2 * MINUTE,
        40 * MINUTE,
        3 * HOUR,
        DAY + HOUR,
        13 * DAY,
        13 * DAY + 1900,
        14 * DAY,
        20 * DAY,
        20 * DAY + HOUR,
        400 * DAY,
        3000 * DAY,
    ];
    let mut all: Vec<i64> = amounts.iter().flat_map(|by| [*by, -by]).collect();
    all.extend([0, (1 << 31) - 10, (1 << 31) + 10, (1 << 32) - 10, 1 << 32].map(|to| to - start));
    all
}

/// Sequences of one and two of `places`, and of three and four of some of them.
fn sequences(places: &[i64]) -> Vec<Vec<i64>> {
    let mut all = Vec::new();
    for (length, of_every) in [(1, 1), (2, 1), (3, 3), (4, 5)] {
        let mut sequences = vec![Vec::new()];
        for _ in 0..length {
            let few = places.iter().step_by(of_every);
            let longer = few.flat_map(|place| {
                let with = |sequence: &Vec<i64>| [sequence.as_slice(), &[*place]].concat();
                sequences.iter().map(with).collect::<Vec<_>>()
            });
            sequences = longer.collect();
        }
        all.extend(sequences);
    }
    all
}

#[test]
fn no_wrong_clock_that_is_taken_back_before_the_hold_counts() {
    // Near the ends of the years that 31 and 32 bits have, too.
    for start in [START, (1 << 31) - 3 * DAY, (1 << 32) - 30 * DAY] {
        let mut places = wrong(start);
        if start != START {
            // The amounts are the same; in twos and threes they say nothing new.
            places.retain(|by| by.abs() % DAY != HOUR && by.abs() != 2 * MINUTE);
        }
        let mut sequences = sequences(&places);
        sequences.retain(|sequence| start == START || sequence.len() <= 2);
        // Somebody says it is right, all the time; or nobody does.
        for (voucher, hold) in [
            (Voucher::Synchronisation, HOLD),
            (Voucher::Nobody, LONG_HOLD),
        ] {
            let hold = i64::try_from(hold).unwrap();
            let settled = Machine::settled(start, voucher);
            for sequence in &sequences {
                // Looks beyond the year 2106 there are none.
                let mut machine = settled.clone();
                let each = (hold - 1) / i64::try_from(sequence.len()).unwrap();
                let each = if voucher == Voucher::Nobody && sequence.len() > 2 {
                    // Seventy looks for each of thousands would take too long.
                    5 * HOUR
                } else {
                    each
                };
                for place in sequence {
                    if let Some(judgement) = machine.set(*place) {
                        machine.assert_harmless(judgement, sequence);
                    }
                    machine.pass(each);
                    if let Some(judgement) = machine.last {
                        machine.assert_harmless(judgement, sequence);
                    }
                }
                machine.voucher = Voucher::Synchronisation;
                let judgement = machine.set(0).unwrap();
                machine.assert_harmless(judgement, sequence);
                // Right again, it is believed in the end.
                for judgement in machine.pass(2 * HOUR) {
                    machine.assert_harmless(judgement, sequence);
                }
                let judgement = machine.look();
                assert_eq!(i64::from(judgement.certain.get()), machine.truth);
                assert!(!judgement.is_held, "{sequence:?}");
            }
        }
    }
}

#[test]
fn a_clock_that_lasts_is_believed_by_the_boot_clock() {
    for (voucher, hold) in [
        (Voucher::Synchronisation, HOLD),
        (Voucher::Nobody, LONG_HOLD),
    ] {
        let hold = i64::try_from(hold).unwrap();
        let mut machine = Machine::settled(START, voucher);
        assert!(machine.set(30 * DAY).unwrap().is_held);
        machine.pass(hold - 1);
        let judgement = machine.last.unwrap();
        assert!(judgement.is_held, "{hold}");
        assert_eq!(i64::from(judgement.certain.get()), machine.truth);
        machine.pass(1);
        let judgement = machine.last.unwrap();
        assert!(!judgement.is_held, "{hold}");
        let certain = i64::from(judgement.certain.get());
        assert_eq!(certain, machine.truth + 30 * DAY);
    }
}

#[test]
fn being_set_again_begins_the_wait_anew() {
    let mut machine = Machine::settled(START, Voucher::Synchronisation);
    machine.set(20 * DAY);
    machine.pass(1790);
    machine.set(20 * DAY + HOUR);
    machine.pass(1799);
    assert_eq!(i64::from(machine.look().certain.get()), machine.truth);
    // What a time service corrects does not.
    machine.set(20 * DAY + HOUR + 3);
    machine.pass(1);
    let certain = i64::from(machine.look().certain.get());
    assert_eq!(certain, machine.truth + 20 * DAY + HOUR);
}

#[test]
fn a_simulated_clock_is_believed_at_once() {
    let mut machine = Machine::settled(START, Voucher::Simulation);
    for ahead in [30 * DAY, -5 * DAY] {
        let judgement = machine.set(ahead).unwrap();
        assert_eq!(judgement.certain, machine.wall());
        assert!(!judgement.is_held);
    }
}

#[test]
fn what_is_remembered_by_earlier_versions_is_certain() {
    for json in [
        r#"{"purged":1600000000,"leapt":null}"#,
        r#"{"purged":1600000000,"leapt":1700000000}"#,
    ] {
        let mut machine = Machine::settled(START, Voucher::Synchronisation);
        machine.memory = Some(serde_json::from_str(json).unwrap());
        machine.truth += 4 * DAY;
        let judgement = machine.look();
        assert_eq!(i64::from(judgement.certain.get()), START);
        assert!(judgement.is_held);
        // There may be something of the future from before.
        let limits: Vec<_> = machine
            .pass(HOUR)
            .into_iter()
            .filter_map(|judgement| judgement.nothing_after)
            .collect();
        assert_eq!(limits.len(), 1);
        assert_eq!(i64::from(machine.look().certain.get()), machine.truth);
    }
}

#[test]
fn without_a_memory_nothing_is_certain() {
    for (voucher, hold) in [
        (Voucher::Synchronisation, HOLD),
        (Voucher::Nobody, LONG_HOLD),
    ] {
        let mut machine = Machine::settled(START, voucher);
        machine.memory = None;
        assert_eq!(machine.look().certain, UnixSeconds::EARLIEST_PLAUSIBLE);
        machine.pass(i64::try_from(hold).unwrap());
        assert_eq!(i64::from(machine.look().certain.get()), machine.truth);
    }
}

#[test]
fn the_future_goes_when_the_clock_is_known_to_be_right() {
    for (voucher, wait) in [
        (Voucher::Synchronisation, i64::try_from(HOLD).unwrap()),
        (Voucher::Nobody, 14 * DAY),
    ] {
        let mut machine = Machine::settled(START, voucher);
        machine.set(30_000 * DAY);
        machine.pass(10 * MINUTE);
        machine.set(0);
        let early = machine.pass(wait - 1);
        assert!(early.iter().all(|it| it.nothing_after.is_none()));
        machine.pass(1);
        let limit = machine.last.unwrap().nothing_after.unwrap();
        assert_eq!(i64::from(limit.get()), machine.truth + 2 * HOUR);
        assert_eq!(machine.look().nothing_after, None, "once is enough");
        // A clock that went forward leaves nothing in the future.
        machine.set(20 * DAY);
        machine.pass(15 * DAY);
        assert_eq!(machine.last.unwrap().nothing_after, None);
    }
}

#[test]
fn a_hold_goes_on_after_a_reboot() {
    for (voucher, hold) in [
        (Voucher::Synchronisation, HOLD),
        (Voucher::Nobody, LONG_HOLD),
    ] {
        let hold = i64::try_from(hold).unwrap();
        let mut machine = Machine::settled(START, voucher);
        machine.set(30 * DAY);
        machine.pass(hold - 600);
        // Off for a day: what was claimed goes on waiting, the day in which it was off
        // waits after it.
        let judgement = machine.restart_after(DAY, 60).unwrap();
        machine.assert_harmless(judgement, &"rebooted");
        machine.pass(600);
        let certain = i64::from(machine.last.unwrap().certain.get());
        assert_eq!(certain, machine.truth + 30 * DAY - DAY);
        machine.pass(hold);
        let certain = i64::from(machine.last.unwrap().certain.get());
        assert_eq!(certain, machine.truth + 30 * DAY);
    }
}

#[test]
fn a_reboot_does_not_lend_the_old_wait_to_a_new_clock() {
    let mut machine = Machine::settled(START, Voucher::Nobody);
    // A right clock that waits after a day off.
    machine.restart_after(DAY, 60);
    machine.pass(3 * DAY - 600);
    // Off again, and now the battery of the clock is flat.
    machine.ahead = 20 * DAY;
    machine.restart_after(HOUR, 60);
    machine.pass(DAY);
    machine.assert_harmless(machine.last.unwrap(), &"flat battery");
}

#[test]
fn a_machine_that_is_off_every_night_and_never_synchronised_lags_but_purges() {
    let mut machine = Machine::settled(START, Voucher::Nobody);
    for _ in 0..120 {
        machine.pass(8 * HOUR);
        machine.restart_after(16 * HOUR - 60, 60);
        let lag = machine.truth - i64::from(machine.last.unwrap().certain.get());
        // Nine days have three of running: as long as it was off in two times nine, and
        // one night.
        assert!((0..=19 * 16 * HOUR).contains(&lag), "{lag}");
    }
    // One that is synchronised in the mornings does not lag.
    machine.voucher = Voucher::Synchronisation;
    machine.pass(3 * HOUR);
    assert_eq!(i64::from(machine.look().certain.get()), machine.truth);
}

#[test]
fn time_that_nobody_looked_at_is_certain_for_a_day_only() {
    let mut machine = Machine::settled(START, Voucher::Nobody);
    // The boot clock is moved on in a sleep by a clock that may be wrong.
    machine.truth += 30 * DAY;
    machine.since_boot += 30 * DAY;
    let judgement = machine.look();
    assert_eq!(i64::from(judgement.certain.get()), START + DAY);
    assert!(judgement.is_held);
}

#[derive(Clone, Debug)]
enum Happening {
    Pass(i64),
    Set(i64),
    Right,
    Reboot { off: i64, until_look: i64 },
    Restart,
    Voucher(bool),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (1_i64..3 * HOUR).prop_map(Happening::Pass),
        2 => prop_oneof![-30 * DAY..30 * DAY, -HOUR..HOUR, -3000 * DAY..30_000 * DAY]
            .prop_map(Happening::Set),
        4 => Just(Happening::Right),
        1 => (1_i64..3 * DAY, 5_i64..2 * HOUR)
            .prop_map(|(off, until_look)| Happening::Reboot { off, until_look }),
        1 => Just(Happening::Restart),
        2 => any::<bool>().prop_map(Happening::Voucher),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// As long as a wrong clock was shown for less than the hold in all.
    #[test]
    fn nothing_right_goes_by_any_history(happenings in prop::collection::vec(happening(), 1..60)) {
        let mut machine = Machine::settled(START, Voucher::Nobody);
        let hold = i64::try_from(HOLD).unwrap();
        let mut wrong_for = 0;
        for happening in &happenings {
            machine.last = None;
            match happening {
                Happening::Pass(seconds) => {
                    let seconds = if machine.ahead == 0 {
                        *seconds
                    } else {
                        // What is left of the hold, less a little.
                        (*seconds).min((hold - 60 - wrong_for).max(0))
                    };
                    wrong_for += if machine.ahead == 0 { 0 } else { seconds };
                    machine.pass(seconds);
                }
                Happening::Set(ahead) => {
                    machine.set(*ahead);
                }
                Happening::Right => {
                    machine.set(0);
                }
                Happening::Reboot { off, until_look } => {
                    let until_look = if machine.ahead == 0 { *until_look } else { 5 };
                    machine.restart_after(*off, until_look);
                }
                // The daemon alone: the same boot.
                Happening::Restart => {
                    machine.looks();
                }
                Happening::Voucher(is_synchronised) => {
                    machine.voucher = if *is_synchronised {
                        Voucher::Synchronisation
                    } else {
                        Voucher::Nobody
                    };
                }
            }
            if let Some(judgement) = machine.last {
                let certain = i64::from(judgement.certain.get());
                // Rounding, and what a time service may correct.
                prop_assert!(certain <= machine.truth + SET_BY, "{}", certain - machine.truth);
                if let Some(limit) = judgement.nothing_after.filter(|_| wrong_for < hold) {
                    prop_assert!(i64::from(limit.get()) > machine.truth);
                }
            }
        }
    }
}
