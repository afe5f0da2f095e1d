//! The core on a machine that sleeps, as phones do most of the day.

use super::*;

impl World {
    /// The machine sleeps for `time`, woken by alarms. Returns how often it was.
    fn sleep(&mut self, time: Duration) -> u32 {
        let end = self.now.boot.after(time);
        let mut alarms = 0;
        loop {
            self.ready_to_sleep = None;
            self.event(Event::GoingToSleep);
            let wake_at = self.ready_to_sleep.expect("nothing keeps it awake");
            assert!(
                self.on_air.is_none() && !self.scanning,
                "silent while asleep"
            );
            // Nothing runs while the machine is suspended.
            let until = wake_at.map_or(end, |at| at.min(end));
            let until = until.max(self.now.boot);
            self.pass(until);
            self.sleep_again = false;
            self.event(Event::WokeUp);
            self.assert_no_identifier_twice();
            if until >= end {
                return alarms;
            }
            alarms += 1;
            let mut seconds = 0;
            while !self.sleep_again {
                self.run(Duration::from_secs(1));
                seconds += 1;
                assert!(seconds < 20, "it stays awake");
            }
        }
    }

    fn longest_gap(&self) -> u32 {
        let starts: Vec<u32> = self.cycles.iter().map(|it| it.started.get()).collect();
        starts
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .max()
            .unwrap_or(u32::MAX)
    }
}

/// Three days: in use for some minutes now and then, asleep for the rest.
#[test]
fn a_phone_in_a_pocket_listens_for_days() {
    let mut world = World::new(30);
    world.begin();
    let mut alarms = 0;
    for turn in 0..90_u32 {
        world.run(MINUTE * (1 + turn % 7));
        alarms += world.sleep(MINUTE * (5 + turn * 37 % 80));
    }
    world.assert_no_identifier_twice();
    assert!(alarms > 500, "{alarms} alarms");
    // Once in a while the identifiers within reach are spent; listening goes on.
    assert!(world.longest_gap() <= 305, "{} s", world.longest_gap());
    assert!(
        world
            .cycles
            .iter()
            .all(|cycle| cycle.ended.get() - cycle.started.get() <= 5)
    );
    world.run(MINUTE * 10);
    assert_eq!(world.state(), (RunState::Running, RunReason::Ready));
}

#[test]
fn a_phone_that_is_not_to_be_woken_has_gaps_and_says_so() {
    let mut world = World::new(31);
    world.settings.listen_asleep = false;
    world.restart();
    world.run(MINUTE * 10);
    let before = world.cycles.len();
    assert_eq!(world.sleep(HOUR * 8), 0);
    world.run(MINUTE * 10);
    let after = &world.cycles[before..];
    let gap = after[0].started.get() - world.cycles[before - 1].started.get();
    assert!(gap >= 8 * 3_600, "{gap} s");
    assert_eq!(after[0].previous, Some(world.cycles[before - 1].started));
    assert!(world.longest_gap() >= 8 * 3_600);
    world.assert_no_identifier_twice();
}

#[test]
fn a_window_under_way_is_cut_and_saved_before_the_machine_sleeps() {
    let mut world = World::new(32);
    world.begin();
    world.run(Duration::from_secs(1));
    world.hear(-60);
    world.event(Event::GoingToSleep);
    assert!(world.ready_to_sleep.is_some());
    let cycle = &world.cycles[0];
    assert!(cycle.cut_short && cycle.sightings.len() == 1);
}

#[test]
fn a_full_disk_keeps_no_machine_awake() {
    let mut world = World::new(33);
    world.begin();
    world.run(MINUTE);
    world.storage_works = false;
    world.run(MINUTE * 10);
    world.event(Event::GoingToSleep);
    assert!(world.ready_to_sleep.is_some());
}

#[test]
fn a_resume_that_nobody_announced_changes_the_identifier() {
    let mut world = World::new(34);
    world.begin();
    world.run(MINUTE);
    let before = world.on_air;
    world.pass(world.now.boot.after(HOUR));
    world.event(Event::WokeUp);
    assert!(world.on_air.is_some() && world.on_air != before);
    world.assert_no_identifier_twice();
}
