//! How much of the machine matching may take.

/// From so many keys on, all of whose RPIs are looked for, matching is large: a phone takes
/// about half a second for them, and what a second thread costs to begin is nothing beside
/// it.
pub const MANY_KEYS: usize = 20_000;

/// What is known when matching begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// How many keys there are to match.
    pub keys: usize,
    /// How many processors the daemon may use.
    pub processors: usize,
    /// Whether the machine runs on a battery, as far as it can be told.
    pub on_battery: bool,
}

/// How many threads match: two where there are two processors and there is much to do, and
/// nobody waits for it on a battery. On that, one is enough: a check is no hurry, and two
/// processors awake take more power than one for twice as long.
pub const fn threads(situation: Situation) -> Threads {
    let Situation {
        keys,
        processors,
        on_battery,
    } = situation;
    if keys >= MANY_KEYS && processors >= 2 && !on_battery {
        Threads::Two
    } else {
        Threads::One
    }
}

/// How many threads match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// The one that the check is on.
    One,
    /// One more.
    Two,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_threads_match_much_where_there_are_two_processors_and_no_battery() {
        for (keys, processors, on_battery, expected) in [
            (MANY_KEYS, 2, false, Threads::Two),
            (usize::MAX, 64, false, Threads::Two),
            (MANY_KEYS - 1, 2, false, Threads::One),
            (MANY_KEYS, 1, false, Threads::One),
            (MANY_KEYS, 2, true, Threads::One),
        ] {
            let situation = Situation {
                keys,
                processors,
                on_battery,
            };
            assert_eq!(threads(situation), expected, "{situation:?}");
        }
    }
}
