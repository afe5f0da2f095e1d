//! Measuring how strongly a phone is heard, beside everything else.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Somebody is heard twice a second, for as long as the radio listens.
fn listen(world: &mut World, seconds: u32) {
    for _ in 0..seconds {
        if world.scanning {
            world.hear(-60);
            world.hear(-62);
        }
        world.run(SECOND);
    }
}

fn world() -> World {
    let mut world = World::new(1);
    world.set_radio(RadioState::Ready(capabilities(false)));
    world.run(MINUTE);
    assert!(!world.scanning, "the first window is over");
    world
}

#[test]
fn it_listens_all_the_time_and_then_goes_back_to_its_windows() {
    for rotates in [false, true] {
        let mut world = world();
        world.rotates_while_scanning = rotates;
        world.set_radio(RadioState::Ready(capabilities(rotates)));
        let (cycles, rotations) = (world.cycles.len(), world.aired.len());
        world.event(Event::Measure(SECOND * 100));
        listen(&mut world, 99);
        assert!(world.scanning && world.measured.is_empty());
        listen(&mut world, 2);
        let measured = world.measured.pop().unwrap().unwrap();
        assert!(measured.samples.len() >= 190, "{}", measured.samples.len());
        assert_eq!((measured.others, measured.strongest_other), (0, None));
        assert!(!world.scanning, "back to the windows");

        // What was heard is in the records as ever.
        assert!(world.cycles.len() >= cycles + 2);
        assert!(world.cycles.last().unwrap().sightings.len() > 1);
        world.run(HOUR);
        assert!(world.cycles.len() > cycles + 12, "it listens as before");
        assert!(world.aired.len() > rotations + 2, "and rotates");
        assert!(world.measured.is_empty());
    }
}

#[test]
fn a_rotation_in_the_midst_of_it_does_no_harm() {
    let mut world = world();
    for _ in 0..30 {
        world.event(Event::Measure(SECOND * 60));
        listen(&mut world, 61);
        let measured = world.measured.pop().unwrap().unwrap();
        assert!(measured.samples.len() >= 110, "{}", measured.samples.len());
    }
    assert!(world.aired.len() >= 2);
    world.assert_no_identifier_twice();
}

#[test]
fn it_ends_when_nothing_can_be_heard_any_more() {
    type Ending = fn(&mut World);
    let endings: [(Ending, NotMeasured); 5] = [
        (
            |world| world.set_radio(RadioState::Off("sim0".into())),
            NotMeasured::NotListening,
        ),
        (
            |world| world.set_radio(RadioState::Absent),
            NotMeasured::NotListening,
        ),
        (
            |world| world.event(Event::GoingToSleep),
            NotMeasured::NotListening,
        ),
        (
            |world| world.event(Event::Withdrawn),
            NotMeasured::ConsentRequired,
        ),
        (
            |world| world.event(Event::ShutDown),
            NotMeasured::ShuttingDown,
        ),
    ];
    for (end, expected) in endings {
        let mut world = world();
        world.event(Event::Measure(MINUTE));
        listen(&mut world, 10);
        end(&mut world);
        assert_eq!(world.measured, [Err(expected)]);
    }
}

#[test]
fn nothing_is_measured_where_nothing_can_be_heard() {
    let mut world = World::new(1);
    world.event(Event::Measure(MINUTE));
    assert_eq!(world.measured, [Err(NotMeasured::NotListening)]);
    world.set_radio(RadioState::Ready(capabilities(false)));
    world.event(Event::Withdrawn);
    world.event(Event::Measure(MINUTE));
    assert_eq!(world.measured[1], Err(NotMeasured::ConsentRequired));
}

#[test]
fn erasing_begins_it_anew() {
    let mut world = world();
    world.event(Event::Measure(SECOND * 30));
    listen(&mut world, 20);
    world.event(Event::EraseRequested);
    listen(&mut world, 11);
    let measured = world.measured.pop().unwrap().unwrap();
    assert!(measured.samples.len() <= 22, "{}", measured.samples.len());
}
