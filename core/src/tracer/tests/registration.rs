//! Registering as positive, in the simulated world.

use crate::status::{RegistrationReason, RegistrationState};
use gaen::registration::ProcessingNumber;

use super::*;

const NUMBER: &str = "01234567";

impl World {
    /// Registers what began, or was tested, so many days ago.
    pub(super) fn register(&mut self, has_symptoms: bool, days_ago: u32) {
        self.register_with(has_symptoms, days_ago, NUMBER);
    }

    fn register_with(&mut self, has_symptoms: bool, days_ago: u32, number: &str) {
        self.event(Event::Register(Application {
            last_day: None,
            has_symptoms,
            date: self.now.wall.utc_day().saturating_sub(days_ago),
            number: ProcessingNumber::parse(number).unwrap(),
            agreement_version: "1".to_owned(),
        }));
    }

    /// Takes in what is sent: from here on, nothing of its keys may be on the air.
    pub(super) fn send(&mut self, submission: Submission) -> Option<Event> {
        if submission.is_chaff {
            for key in &submission.registration.keys {
                let own = self.keys.values().flatten();
                assert!(own.clone().all(|own| own.tek != key.tek), "a real key");
            }
            self.submissions.push((self.now, submission));
            return Some(Event::ChaffSent);
        }
        let stored = self.registration.pending.as_ref();
        assert_eq!(stored, Some(&submission.registration), "sent before stored");
        for key in &submission.registration.keys {
            let of_day = &self.keys[&key.rolling_start.utc_day()];
            let own = of_day.iter().find(|own| own.tek == key.tek).unwrap();
            assert_ne!(own.standing, Standing::InUse);
            let begun = submission.registration.begun.interval();
            assert!(key.rolling_start <= begun, "a key of the future");
            // Of all its day, whatever its period.
            let day = key.rolling_start.utc_day().first_interval();
            let rpik = key.tek.rpik();
            self.published
                .extend((0..144).map(|offset| rpik.rpi(day.saturating_add(offset))));
        }
        let on_air = self.on_air.map(|broadcast| broadcast.rpi);
        assert!(
            on_air.is_none_or(|rpi| !self.published.contains(&rpi)),
            "published while on the air"
        );
        self.submissions.push((self.now, submission));
        let answer = self.server_answers.pop_front();
        answer
            .unwrap_or(Some(SendOutcome::Taken))
            .map(Event::RegistrationSent)
    }

    fn answer(&mut self) -> Result<(), Refusal> {
        self.answers.pop().expect("an answer")
    }

    fn registration(&self) -> (RegistrationState, RegistrationReason) {
        let status = self.tracer.status(self.now).registration;
        (status.state, status.reason)
    }

    fn sent(&self) -> &Submission {
        &self.submissions.last().expect("a submission").1
    }
}

fn ran_for(days: u32) -> World {
    let mut world = World::new(30);
    world.begin();
    world.run(HOUR * 24 * days);
    world
}

#[test]
fn the_keys_of_the_infectious_days_are_sent_and_todays_ends() {
    // 18,519 days since 1970 is the first.
    for (has_symptoms, days_ago, days) in [
        (true, 2, 15..=20),
        (false, 2, 15..=20),
        (true, 12, 7..=18),
        (false, 12, 7..=15),
        (true, 14, 7..=16),
    ] {
        let mut world = ran_for(20);
        let today = world.now.wall.utc_day().get();
        let on_air = world.on_air.unwrap().rpi;
        world.register(has_symptoms, days_ago);
        assert_eq!(world.answer(), Ok(()));
        world.run(Duration::from_secs(10));
        assert_eq!(
            world.registration(),
            (RegistrationState::Done, RegistrationReason::None)
        );
        let sent = world.sent();
        assert!(!sent.is_chaff);
        let ago = |day: UtcDay| 20 + day.get() - today;
        let sent_days = sent.registration.days().into_iter().map(ago);
        assert!(sent_days.eq(days.clone()), "{has_symptoms} {days_ago}");
        for key in &sent.registration.keys {
            let day = key.rolling_start.utc_day();
            assert_eq!(key.rolling_start, day.first_interval());
            if day.get() < today {
                assert_eq!(key.rolling_period.get(), 144);
                continue;
            }
            // It holds what is on the air, as its last.
            let last = key.intervals().next_back().unwrap();
            assert_eq!(key.tek.rpik().rpi(last), on_air);
            assert!(last <= world.now.wall.interval());
        }
        assert_ne!(world.on_air.unwrap().rpi, on_air);
    }
}

#[test]
fn of_a_place_the_keys_of_its_days_alone_are_sent() {
    for (from, to, days) in [(6, 4, 14..=16), (4, 4, 16..=16), (1, 0, 19..=20)] {
        let mut world = ran_for(20);
        let today = world.now.wall.utc_day();
        world.event(Event::Register(Application {
            has_symptoms: true,
            date: today.saturating_sub(from),
            last_day: Some(today.saturating_sub(to)),
            number: ProcessingNumber::parse(NUMBER).unwrap(),
            agreement_version: "place-1".to_owned(),
        }));
        assert_eq!(world.answer(), Ok(()));
        world.run(Duration::from_secs(10));
        let ago = |day: UtcDay| 20 + day.get() - today.get();
        let sent_days = world.sent().registration.days().into_iter().map(ago);
        assert!(sent_days.eq(days), "{from} {to}");
    }
}

#[test]
fn the_last_day_of_a_place_is_its_first_or_at_most_ten_days_later() {
    for (first, last, answer) in [
        (12, 13, Err(Refusal::InvalidLastDay)),
        (12, 12, Ok(())),
        (12, 2, Ok(())),
        (12, 1, Err(Refusal::InvalidLastDay)),
    ] {
        let mut world = ran_for(20);
        let today = world.now.wall.utc_day();
        world.event(Event::Register(Application {
            has_symptoms: true,
            date: today.saturating_sub(first),
            last_day: Some(today.saturating_sub(last)),
            number: ProcessingNumber::parse(NUMBER).unwrap(),
            agreement_version: "place-1".to_owned(),
        }));
        assert_eq!(world.answer(), answer, "{first} to {last} days ago");
    }
}

#[test]
fn the_rest_of_the_day_has_a_key_of_its_own_that_is_registered_another_time() {
    let mut world = ran_for(3);
    world.register(true, 0);
    world.run(HOUR * 5);
    let first = world.sent().clone();
    let ended = first.registration.keys.last().unwrap().clone();
    let end = ended
        .rolling_start
        .saturating_add(ended.rolling_period.get());
    let day = world.now.wall.utc_day();
    assert_eq!(world.keys[&day].len(), 2);
    let (start, period) = (world.key(day).start, world.key(day).period.get());
    assert_eq!(
        (start, start.saturating_add(period)),
        (end, day.saturating_add(1).first_interval())
    );

    // Nothing was sent twice, and the second begins where the first ended.
    world.register(true, 1);
    world.run(HOUR * 24 * 2);
    let second = world.sent().clone();
    assert_ne!(second.registration.id, first.registration.id);
    assert_eq!(second.registration.keys.len(), 1);
    assert_eq!(second.registration.keys[0].rolling_start, end);
    world.assert_no_identifier_twice();
    world.register(true, 1);
    world.run(MINUTE);
    assert_eq!(world.sent().registration.days().len(), 3);
}

#[test]
fn on_a_legacy_controller_what_is_on_the_air_leaves_it_before_anything_is_sent() {
    let mut world = World::with(31, ScanPlan::Continuous { cycle: MINUTE });
    world.begin();
    world.run(HOUR);
    assert!(world.scanning);
    let before = world.off_air.len();
    world.register(true, 0);
    assert_eq!(world.off_air.len(), before + 1);
    assert_eq!(world.submissions.len(), 1);
    world.run(MINUTE);
    assert!(world.on_air.is_some() && world.scanning);
}

#[test]
fn nothing_is_sent_while_the_radio_does_not_say_that_it_is_silent() {
    let mut world = ran_for(1);
    world.mute_radio = true;
    world.register(true, 0);
    assert_eq!(world.answer(), Ok(()));
    assert_eq!(
        world.registration(),
        (RegistrationState::Sending, RegistrationReason::None)
    );
    world.run(MINUTE);
    assert_eq!(world.submissions.len(), 0);
    world.mute_radio = false;
    let stop = world.outstanding.take();
    assert_eq!(stop, Some(Command::StopBroadcast));
    world.on_air = None;
    world.event(Event::Radio(RadioEvent::Done(Ok(()))));
    assert_eq!(world.submissions.len(), 1);
}

#[test]
fn an_identifier_on_its_way_to_the_air_does_not_stay_on_it() {
    for instead_of_another in [true, false] {
        let mut world = ran_for(1);
        world.mute_radio = true;
        if !instead_of_another {
            world.on_air = None;
            world.event(Event::Radio(RadioEvent::BroadcastLost));
        }
        while !matches!(world.outstanding, Some(Command::StartBroadcast(_))) {
            if world.outstanding.take().is_some() {
                world.event(Event::Radio(RadioEvent::Done(Ok(()))));
            }
            world.run(Duration::from_secs(1));
        }
        world.register(true, 0);
        assert_eq!(world.submissions.len(), 0);
        let Some(Command::StartBroadcast(broadcast)) = world.outstanding.take() else {
            panic!("it is still on its way");
        };
        world.mute_radio = false;
        world.on_air = Some(broadcast);
        world.event(Event::Radio(RadioEvent::Done(Ok(()))));
        // Sent once it had left again; its interval is in the key's period.
        let key = world.sent().registration.keys.last().unwrap().clone();
        let mut intervals = key.intervals();
        assert!(intervals.any(|interval| key.tek.rpik().rpi(interval) == broadcast.rpi));
    }
}

#[test]
fn what_cannot_be_registered_is_turned_down() {
    let mut world = World::new(32);
    world.begin();
    world.register(true, 0);
    assert_eq!(world.answer(), Ok(()), "the first identifier is on the air");
    world.register(true, 0);
    assert_eq!(
        world.answer(),
        Err(Refusal::NoKeys),
        "it is sent, and no other"
    );
    world.register(true, 15);
    assert_eq!(world.answer(), Err(Refusal::InvalidDate));
    world.event(Event::RetryRegistration);
    assert_eq!(world.answer(), Err(Refusal::NothingPending));
    world.run(HOUR);
    world.storage_works = false;
    world.register(true, 0);
    assert_eq!(world.answer(), Err(Refusal::Storage));
    world.storage_works = true;
    world.run(HOUR);

    let wall = world.now.wall;
    world.now.wall = UnixSeconds::new(0);
    world.register(true, 0);
    assert_eq!(world.answer(), Err(Refusal::ClockNotSet));
    world.now.wall = wall;
    world.event(Event::Timer);
    world.settings.can_register = false;
    world.restart();
    world.register(true, 0);
    assert_eq!(world.answer(), Err(Refusal::NotConfigured));
    world.consent = ConsentState::Outdated;
    world.restart();
    world.register(true, 0);
    assert_eq!(world.answer(), Err(Refusal::ConsentRequired));
    assert_eq!(world.submissions.len(), 1);
}

#[test]
fn a_failure_to_store_the_change_of_keys_leaves_them_out_of_use() {
    let mut world = ran_for(1);
    let day = world.now.wall.utc_day();
    let before = world.key(day).clone();
    world.registration_can_be_stored = false;
    world.register(true, 0);
    assert_eq!(world.answer(), Err(Refusal::Storage));
    world.registration_can_be_stored = true;
    world.run(HOUR);
    assert_eq!(world.submissions.len(), 0);
    assert_ne!(world.key(day).tek, before.tek);
    let start = before.start;
    world.register(true, 0);
    world.run(MINUTE);
    let keys = &world.sent().registration.keys;
    assert!(
        keys.iter()
            .any(|key| key.tek == before.tek && key.rolling_start == start)
    );
    let periods: Vec<_> = keys.iter().map(|key| key.rolling_period.get()).collect();
    assert!(
        periods.iter().rev().take(2).all(|period| *period < 144),
        "{periods:?}"
    );
}

#[test]
fn a_lost_answer_is_asked_for_again_until_the_number_has_expired() {
    let mut world = ran_for(4);
    for _ in 0..3 {
        let answer = SendOutcome::NotYet(Obstacle::Unreachable, None);
        world.server_answers.push_back(Some(answer));
    }
    world.register(true, 0);
    assert_eq!(
        world.registration(),
        (
            RegistrationState::WaitingToRetry,
            RegistrationReason::Unreachable
        )
    );
    assert!(
        world
            .tracer
            .status(world.now)
            .registration
            .next_try
            .is_some()
    );
    world.run(HOUR);
    assert_eq!(
        world.registration(),
        (RegistrationState::Done, RegistrationReason::None)
    );
    assert_eq!(world.submissions.len(), 4);
    let first = &world.submissions[0].1;
    assert!(world.submissions.iter().all(|(_, again)| again == first));
    // Longer and longer.
    let waits = world
        .submissions
        .windows(2)
        .map(|pair| pair[1].0.boot.since(pair[0].0.boot));
    let waits: Vec<_> = waits.collect();
    assert!(
        waits[0] >= Duration::from_secs(7) && waits[2] >= Duration::from_secs(30),
        "{waits:?}"
    );

    // Never an answer: it ends after a day, and not sooner.
    world.run(HOUR * 24);
    let wait = Some(Duration::from_mins(10));
    let answer = SendOutcome::NotYet(Obstacle::ManagementUnavailable, wait);
    world.server_answers = std::iter::repeat_n(Some(answer), 1_000).collect();
    world.register(true, 0);
    world.run(HOUR * 23);
    assert_eq!(
        world.registration(),
        (
            RegistrationState::WaitingToRetry,
            RegistrationReason::ManagementUnavailable
        )
    );
    world.event(Event::RetryRegistration);
    assert_eq!(world.answer(), Ok(()));
    world.run(HOUR * 3);
    assert_eq!(
        world.registration(),
        (RegistrationState::Failed, RegistrationReason::Expired)
    );
    assert_eq!(world.registration.pending, None);
    let tries = world.submissions.len();
    assert!(tries < 160, "{tries}");
    world.run(HOUR * 24);
    assert_eq!(world.submissions.len(), tries);
}

#[test]
fn after_a_restart_the_number_is_needed_and_the_same_is_sent() {
    let mut world = ran_for(4);
    world.server_answers.push_back(None);
    world.register(true, 3);
    world.restart();
    assert_eq!(
        world.registration(),
        (
            RegistrationState::WaitingToRetry,
            RegistrationReason::NumberNeeded
        )
    );
    world.run(HOUR * 2);
    assert_eq!(world.submissions.len(), 1);
    world.event(Event::RetryRegistration);
    assert_eq!(world.answer(), Err(Refusal::NumberRequired));
    world.register(true, 2);
    assert_eq!(world.answer(), Err(Refusal::Pending), "another date");
    world.register(false, 3);
    assert_eq!(world.answer(), Err(Refusal::Pending));
    world.register(true, 3);
    assert_eq!(world.answer(), Ok(()));
    assert_eq!(world.submissions.len(), 2);
    assert_eq!(world.submissions[0].1, world.submissions[1].1);
    assert_eq!(
        world.registration(),
        (RegistrationState::Done, RegistrationReason::None)
    );
    // It is known after the next restart, and for two weeks.
    world.restart();
    assert_eq!(
        world.registration(),
        (RegistrationState::Done, RegistrationReason::None)
    );
    let status = world.tracer.status(world.now).registration;
    assert_eq!(status.days, world.sent().registration.days());
    world.run(HOUR * 24 * 15);
    assert_eq!(
        world.registration(),
        (RegistrationState::None, RegistrationReason::None)
    );
    assert_eq!(world.registration.ended, None);
}

#[test]
fn three_wrong_numbers_make_a_pause_also_over_a_restart() {
    let mut world = ran_for(4);
    let wrong = SendOutcome::Refused(RegistrationFailure::NumberRefused);
    let left = |world: &World| world.tracer.status(world.now).registration.tries_left;
    for round in 0..2 {
        for tries in (0..3).rev() {
            world.server_answers.push_back(Some(wrong));
            world.register(true, 0);
            assert_eq!(world.answer(), Ok(()), "round {round}");
            assert_eq!(
                world.registration(),
                (RegistrationState::Failed, RegistrationReason::NumberRefused)
            );
            assert_eq!(left(&world), tries);
            world.run(MINUTE);
        }
        world.restart();
        world.register(true, 0);
        assert_eq!(world.answer(), Err(Refusal::Paused));
        assert!(
            world
                .tracer
                .status(world.now)
                .registration
                .paused_until
                .is_some()
        );
        world.run(MINUTE * 30);
        assert_eq!(
            (left(&world), world.submissions.len()),
            (3, 3 * (round + 1))
        );
    }
    // The right one at last; what was wrong yesterday does not count.
    world.server_answers.push_back(Some(wrong));
    world.register(true, 0);
    assert_eq!((world.answer(), left(&world)), (Ok(()), 2));
    world.run(HOUR * 24);
    assert_eq!(left(&world), 3);
    world.register(true, 0);
    assert_eq!(
        world.registration(),
        (RegistrationState::Done, RegistrationReason::None)
    );
    // The keys of the tries that failed are all there, each once.
    let keys = &world.sent().registration.keys;
    let teks: BTreeSet<_> = keys.iter().map(|key| *key.tek.expose_bytes()).collect();
    assert_eq!(teks.len(), keys.len());
    for pair in keys.windows(2) {
        let end = pair[0]
            .rolling_start
            .saturating_add(pair[0].rolling_period.get());
        assert_eq!(end, pair[1].rolling_start);
    }
    world.assert_no_identifier_twice();
}

#[test]
fn a_registration_can_be_given_up_and_erasing_leaves_nothing_of_it() {
    let mut world = ran_for(4);
    for _ in 0..3 {
        world.server_answers.push_back(None);
    }
    world.register(true, 0);
    world.register(true, 0);
    assert_eq!(world.answer(), Err(Refusal::Busy));
    world.event(Event::ForgetRegistration);
    assert_eq!(world.answer(), Ok(()));
    assert_eq!(
        world.registration(),
        (RegistrationState::None, RegistrationReason::None)
    );
    assert_eq!(world.registration, RegistrationRecord::default());
    // An answer that comes too late.
    world.event(Event::RegistrationSent(SendOutcome::Taken));
    assert_eq!(
        world.registration(),
        (RegistrationState::None, RegistrationReason::None)
    );
    world.run(HOUR);

    world.register(true, 0);
    assert!(world.registration.pending.is_some());
    world.event(Event::Withdrawn);
    assert_eq!(
        world.registration(),
        (RegistrationState::None, RegistrationReason::None)
    );
    assert_eq!(world.registration, RegistrationRecord::default());
    world.event(Event::RegistrationSent(SendOutcome::Taken));
    world.run(HOUR);
    assert_eq!(world.submissions.len(), 2);
    assert_eq!(world.registration, RegistrationRecord::default());
}

#[test]
fn a_clock_set_back_into_a_registered_day_broadcasts_another_key() {
    for back in [1, 2, 26, 50] {
        let mut world = ran_for(4);
        world.register(true, 0);
        world.run(MINUTE);
        let aired = world.aired.len();
        // The world asserts that nothing of a published key is on the air.
        world.set_clock(-3_600 * back);
        world.run(HOUR * 3);
        assert!(world.aired.len() > aired + 5, "{back}");
        assert_eq!(world.state(), (RunState::Running, RunReason::Ready));
        world.assert_no_identifier_twice();
        // And it goes back to where it was.
        world.set_clock(3_600 * back);
        world.run(HOUR * 3);
        world.assert_no_identifier_twice();
    }
}

#[test]
fn registering_around_midnight_leaves_no_gap() {
    for seconds in [-700, -300, -1, 0, 1, 300, 700] {
        let mut world = ran_for(2);
        let midnight = until_midnight(world.now);
        let wait = i64::try_from(midnight.as_secs()).unwrap() + seconds;
        world.run(Duration::from_secs(u64::try_from(wait).unwrap()));
        world.register(true, 0);
        assert_eq!(world.answer(), Ok(()));
        world.run(HOUR);
        assert_eq!(
            world.registration(),
            (RegistrationState::Done, RegistrationReason::None)
        );
        assert_eq!(world.state(), (RunState::Running, RunReason::Ready));
        assert!(world.on_air.is_some());
        world.assert_no_identifier_twice();
    }
}

#[test]
fn dummies_come_at_random_about_once_a_week() {
    let mut world = World::new(40);
    world.settings.chaff_every = Some(HOUR * 24 * 7);
    world.restart();
    for _ in 0..100 {
        world.run(HOUR * 24 * 7);
    }
    let count = world.submissions.len();
    assert!((70..=130).contains(&count), "{count}");
    let gaps: Vec<_> = world
        .submissions
        .windows(2)
        .map(|pair| pair[1].0.boot.since(pair[0].0.boot))
        .collect();
    assert!(gaps.iter().any(|gap| *gap < HOUR * 48));
    assert!(gaps.iter().any(|gap| *gap > HOUR * 24 * 14));
    assert!(world.submissions.iter().all(|(_, sent)| sent.is_chaff));
    assert_eq!(
        world.registration(),
        (RegistrationState::None, RegistrationReason::None)
    );

    // Restarts change nothing about it.
    let before = world.submissions.len();
    for _ in 0..1_400 {
        world.run(HOUR * 12);
        world.restart();
    }
    let count = world.submissions.len() - before;
    assert!((70..=130).contains(&count), "{count}");

    world.event(Event::Withdrawn);
    let before = world.submissions.len();
    world.run(HOUR * 24 * 100);
    assert_eq!(world.submissions.len(), before);
}
