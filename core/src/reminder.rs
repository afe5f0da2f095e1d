//! What a person is reminded of besides contacts: whatever makes the warnings fail that
//! they count on.
//!
//! A cause has to last before it is told, by the time for which the device was *used*:
//! a night in a drawer is no reason. Each is told quietly, at most once a day, replaced
//! by none other, and taken back when it is over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::names::{Named, names};
use crate::status::{ConsentState, RunReason, RunState};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY_SECONDS: u64 = 86_400;
/// A complete check is due once a day; half a day more, and a person should know.
const CHECK_AGE_SECONDS: u64 = 36 * 3_600;
/// How far clocks may differ (docs/protocol.md §3).
const DRIFT_SECONDS: u64 = 2 * 3_600;

names! {
    /// What a person is reminded of.
    Reminder {
        /// Contacts are not recorded, or the device cannot be met, or there is no daemon.
        NotRecording = "not-recording",
        /// There was no complete check for a day and a half.
        NotChecked = "not-checked",
        /// What was recorded cannot be read any more.
        KeyLost = "key-lost",
        /// New terms are to be agreed to.
        Terms = "terms",
        /// The operator has something to tell.
        Notice = "notice",
        /// There is a contact that nobody has looked at since it was told of.
        Unseen = "unseen",
    }
}

impl Reminder {
    /// For how long of use it lasts before it is told.
    const fn patience(self) -> Duration {
        match self {
            Self::NotRecording => HOUR.saturating_mul(4),
            // The daemon checks soon after a machine is on and has a network.
            Self::NotChecked => HOUR,
            // It may come back while the machine starts (docs/device-key.md).
            Self::KeyLost => Duration::from_secs(600),
            Self::Terms | Self::Notice | Self::Unseen => Duration::ZERO,
        }
    }
}

/// What is known of the daemon, and of the person.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The daemon; `None` where it is not there.
    pub daemon: Option<Daemon>,
    /// Whether there is a contact that nobody has looked at.
    pub is_unseen: bool,
    /// The time, in Unix seconds.
    pub now: u64,
}

/// What the daemon says of itself.
#[derive(Clone, Debug)]
pub struct Daemon {
    /// Whether it records; `None` where that has no known name.
    pub state: Option<RunState>,
    /// Why.
    pub reason: Option<RunReason>,
    /// Whether the terms are agreed to.
    pub consent: Option<ConsentState>,
    /// When they were, in Unix seconds.
    pub agreed_at: Option<u64>,
    /// When the last complete check ended, in Unix seconds.
    pub last_success: Option<u64>,
    /// The operator's notices that attention is drawn to.
    pub notices: BTreeSet<String>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Tell of it.
    Show(Reminder),
    /// It is over: take it back, where it is still shown.
    TakeBack(Reminder),
}

/// What was seen so far, to be kept from one session to the next. What is kept looks the
/// same with a contact and without.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reminders {
    /// Whether the terms were agreed to when the daemon was there last.
    agreed: bool,
    /// The causes that are there.
    #[serde(skip)]
    causes: BTreeSet<Reminder>,
    /// For how many seconds of use each cause that takes patience has lasted.
    lasted: BTreeMap<Reminder, u64>,
    /// When each was told last, in Unix seconds; of a contact also when there was none.
    told: BTreeMap<Reminder, u64>,
    /// The notices that were told of, for as long as they are relevant.
    notices: BTreeSet<String>,
}

impl Reminders {
    /// Takes in `facts` after the device was `used` for so long since the last look, while
    /// what was known then held, and says what is to be done. Those in `muted` are not
    /// told.
    pub fn look(&mut self, facts: &Facts, used: Duration, muted: &[Reminder]) -> Vec<Step> {
        let mut steps = Vec::new();
        for lasted in self.lasted.values_mut() {
            *lasted = lasted.saturating_add(used.as_secs());
        }
        if let Some(daemon) = &facts.daemon {
            self.agreed = daemon.consent == Some(ConsentState::Agreed);
            self.notices.retain(|id| daemon.notices.contains(id));
        }
        if !facts.is_unseen {
            self.contact_told(facts.now);
        }
        for reminder in Reminder::ALL.iter().copied() {
            match self.holds(reminder, facts) {
                None => {}
                Some(false) => {
                    self.lasted.remove(&reminder);
                    if self.causes.remove(&reminder) {
                        steps.push(Step::TakeBack(reminder));
                    }
                }
                Some(true) => {
                    self.causes.insert(reminder);
                    if !reminder.patience().is_zero() {
                        self.lasted.entry(reminder).or_default();
                    }
                    if self.is_due(reminder, facts) && !muted.contains(&reminder) {
                        self.told.insert(reminder, facts.now);
                        if reminder == Reminder::Notice
                            && let Some(daemon) = &facts.daemon
                        {
                            self.notices.clone_from(&daemon.notices);
                        }
                        steps.push(Step::Show(reminder));
                    }
                }
            }
        }
        steps
    }

    /// A contact was told of by itself: a day passes until somebody is reminded of it.
    pub fn contact_told(&mut self, now: u64) {
        self.told.insert(Reminder::Unseen, now);
    }

    /// What was shown could not be: it is due again at the next look.
    pub fn not_shown(&mut self, reminder: Reminder) {
        self.told.remove(&reminder);
        if reminder == Reminder::Notice {
            self.notices.clear();
        }
    }

    /// Whether the time is counted for which a cause lasts.
    pub fn is_counting(&self) -> bool {
        let mut causes = self.lasted.iter();
        causes.any(|(reminder, lasted)| Duration::from_secs(*lasted) < reminder.patience())
    }

    /// After how much use there is something to tell, if nothing changes; `None` for
    /// never.
    pub fn due_in(&self, facts: &Facts, muted: &[Reminder]) -> Option<Duration> {
        let heard = |reminder: &Reminder| !muted.contains(reminder);
        let of_causes = self.causes.iter().filter_map(|reminder| {
            let lasted = self.lasted.get(reminder).copied().unwrap_or_default();
            let left = reminder
                .patience()
                .saturating_sub(Duration::from_secs(lasted));
            let told = self.told.get(reminder).copied();
            let again = told.map_or(0, |told| (told + DAY_SECONDS).saturating_sub(facts.now));
            let is_over = *reminder == Reminder::Notice && !self.has_new_notice(facts);
            (heard(reminder) && !is_over).then(|| left.max(Duration::from_secs(again)))
        });
        let check = facts.daemon.as_ref().and_then(|daemon| {
            let is_agreed = daemon.consent == Some(ConsentState::Agreed);
            let since = daemon
                .last_success
                .max(daemon.agreed_at)
                .filter(|_| is_agreed)?;
            let at = (since + CHECK_AGE_SECONDS + 1).checked_sub(facts.now)?;
            Some(Duration::from_secs(at))
        });
        let check = check.filter(|_| {
            heard(&Reminder::NotChecked) && !self.causes.contains(&Reminder::NotChecked)
        });
        of_causes.chain(check).min()
    }

    /// Whether its cause is there; `None` where that is not known.
    fn holds(&self, reminder: Reminder, facts: &Facts) -> Option<bool> {
        let Some(daemon) = &facts.daemon else {
            // It tells nothing any more, and records nothing.
            return (reminder == Reminder::NotRecording).then_some(self.agreed);
        };
        let is_agreed = self.agreed;
        Some(match reminder {
            Reminder::NotRecording => match (daemon.state?, daemon.reason?) {
                (_, RunReason::Starting) => return None,
                (RunState::Running | RunState::NoConsent, _) => false,
                // Told as themselves, or nothing real.
                (_, RunReason::KeyLost | RunReason::LogEnded) => false,
                (RunState::Degraded | RunState::Stopped, _) => is_agreed,
            },
            Reminder::NotChecked => {
                let since = daemon.last_success.max(daemon.agreed_at);
                is_agreed
                    && since.is_some_and(|since| {
                        // A check in the future was by another clock.
                        facts.now + DRIFT_SECONDS < since
                            || facts.now.saturating_sub(since) > CHECK_AGE_SECONDS
                    })
            }
            Reminder::KeyLost => daemon.reason? == RunReason::KeyLost,
            Reminder::Terms => daemon.consent? == ConsentState::Outdated,
            Reminder::Notice => !daemon.notices.is_empty(),
            Reminder::Unseen => facts.is_unseen,
        })
    }

    fn is_due(&self, reminder: Reminder, facts: &Facts) -> bool {
        let lasted = self.lasted.get(&reminder).copied().unwrap_or_default();
        let told = self.told.get(&reminder).copied();
        // A time in the future was by another clock.
        let was_today = told.is_some_and(|at| at <= facts.now && facts.now - at < DAY_SECONDS);
        Duration::from_secs(lasted) >= reminder.patience()
            && !was_today
            && (reminder != Reminder::Notice || self.has_new_notice(facts))
    }

    fn has_new_notice(&self, facts: &Facts) -> bool {
        let daemon = facts.daemon.as_ref();
        daemon.is_some_and(|daemon| !daemon.notices.is_subset(&self.notices))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const START: u64 = 1_600_000_000;

    fn well() -> Daemon {
        Daemon {
            state: Some(RunState::Running),
            reason: Some(RunReason::Ready),
            consent: Some(ConsentState::Agreed),
            agreed_at: Some(START),
            last_success: Some(START),
            notices: BTreeSet::new(),
        }
    }

    fn off() -> Daemon {
        Daemon {
            state: Some(RunState::Stopped),
            reason: Some(RunReason::AdapterOff),
            ..well()
        }
    }

    /// A person, their device and its agent.
    struct Life {
        reminders: Reminders,
        daemon: Option<Daemon>,
        is_unseen: bool,
        muted: Vec<Reminder>,
        now: u64,
        /// What is on the screen.
        shown: BTreeSet<Reminder>,
        /// Each that was told, with the minute.
        told: Vec<(Reminder, u64)>,
    }

    impl Life {
        fn new(daemon: Daemon) -> Self {
            Self {
                reminders: Reminders::default(),
                daemon: Some(daemon),
                is_unseen: false,
                muted: Vec::new(),
                now: START,
                shown: BTreeSet::new(),
                told: Vec::new(),
            }
        }

        fn facts(&self) -> Facts {
            Facts {
                daemon: self.daemon.clone(),
                is_unseen: self.is_unseen,
                now: self.now,
            }
        }

        fn look(&mut self, used: Duration) {
            let facts = self.facts();
            for step in self.reminders.look(&facts, used, &self.muted) {
                match step {
                    Step::Show(reminder) => {
                        self.shown.insert(reminder);
                        let minute = self.now.saturating_sub(START) / 60;
                        self.told.push((reminder, minute));
                    }
                    Step::TakeBack(reminder) => {
                        self.shown.remove(&reminder);
                    }
                }
            }
        }

        /// The device is used for `time`; somebody looks whenever something is due, and
        /// checks succeed or not.
        fn use_for(&mut self, time: Duration, checks: bool) {
            let end = self.now + time.as_secs();
            self.look(Duration::ZERO);
            while self.now < end {
                let due = self.reminders.due_in(&self.facts(), &self.muted);
                let step = due.unwrap_or(Duration::MAX).max(Duration::from_secs(1));
                let step = step.min(Duration::from_secs(end - self.now)).min(HOUR * 24);
                self.now += step.as_secs();
                if let Some(daemon) = self.daemon.as_mut().filter(|_| checks) {
                    daemon.last_success = Some(self.now);
                }
                self.look(step);
            }
        }

        fn sleep_for(&mut self, time: Duration) {
            self.now += time.as_secs();
            self.look(Duration::ZERO);
        }
    }

    #[test]
    fn two_weeks_without_bluetooth_are_told_of_after_four_hours_and_once_a_day() {
        let mut life = Life::new(off());
        life.use_for(HOUR * 4 - MINUTE, true);
        assert_eq!(life.told, []);
        life.use_for(HOUR * 24 * 14, true);
        let told: Vec<u64> = life.told.iter().map(|(_, minute)| *minute).collect();
        assert_eq!(told[0], 240);
        assert!(
            told.windows(2).all(|two| two[1] - two[0] == 1_440),
            "{told:?}"
        );
        assert_eq!(told.len(), 14);
        life.daemon = Some(well());
        life.look(Duration::ZERO);
        assert!(life.shown.is_empty());
    }

    #[test]
    fn hours_of_use_count_in_many_sessions_and_sleep_does_not() {
        let mut life = Life::new(off());
        for session in 0..3 {
            life.use_for(HOUR * 2 - MINUTE, true);
            assert_eq!(life.told.len(), usize::from(session == 2));
            // What is kept in between is all there is.
            let kept = serde_json::to_string(&life.reminders).unwrap();
            life.reminders = serde_json::from_str(&kept).unwrap();
            life.sleep_for(HOUR * 12);
        }
    }

    #[test]
    fn a_short_gap_is_nobodys_business() {
        let mut life = Life::new(well());
        for _ in 0..20 {
            life.daemon = Some(off());
            life.use_for(HOUR * 3, true);
            life.daemon = Some(well());
            life.use_for(HOUR, true);
        }
        assert_eq!(life.told, []);
    }

    #[test]
    fn a_daemon_that_is_gone_is_told_of_where_there_was_agreement() {
        let mut life = Life::new(well());
        life.look(Duration::ZERO);
        life.daemon = None;
        life.use_for(HOUR * 5, false);
        assert_eq!(life.told, [(Reminder::NotRecording, 240)]);

        let mut life = Life::new(Daemon {
            state: Some(RunState::NoConsent),
            reason: Some(RunReason::ConsentMissing),
            consent: Some(ConsentState::None),
            ..well()
        });
        life.look(Duration::ZERO);
        life.daemon = None;
        life.use_for(HOUR * 100, false);
        assert_eq!(life.told, []);
    }

    #[test]
    fn a_check_that_does_not_come_is_told_of_after_a_day_and_a_half_and_an_hour_of_use() {
        let mut life = Life::new(well());
        life.use_for(HOUR * 38, false);
        let (reminder, minute) = life.told[0];
        assert_eq!((reminder, life.told.len()), (Reminder::NotChecked, 1));
        assert!((37 * 60..=37 * 60 + 1).contains(&minute), "{minute}");
        life.daemon.as_mut().unwrap().last_success = Some(life.now);
        life.look(Duration::ZERO);
        assert!(life.shown.is_empty());

        // After a week in a drawer there is an hour for the daemon to check.
        life.sleep_for(HOUR * 24 * 7);
        life.use_for(MINUTE * 59, false);
        assert_eq!(life.told.len(), 1);
        // The clock was years ahead when it checked.
        life.now -= DAY_SECONDS * 365;
        life.use_for(HOUR * 2, false);
        assert_eq!(life.told.len(), 2);
    }

    #[test]
    fn lost_keys_new_terms_and_notices_are_told_of_soon_and_taken_back() {
        let mut life = Life::new(Daemon {
            state: Some(RunState::Stopped),
            reason: Some(RunReason::KeyLost),
            ..well()
        });
        life.use_for(MINUTE * 11, true);
        assert_eq!(life.told, [(Reminder::KeyLost, 10)]);
        life.daemon = Some(Daemon {
            state: Some(RunState::NoConsent),
            reason: Some(RunReason::ConsentOutdated),
            consent: Some(ConsentState::Outdated),
            ..well()
        });
        life.look(Duration::ZERO);
        assert_eq!(life.shown, BTreeSet::from([Reminder::Terms]));
        life.daemon = Some(Daemon {
            notices: BTreeSet::from(["rest".to_owned()]),
            ..well()
        });
        life.use_for(HOUR * 24 * 3, true);
        assert_eq!(life.shown, BTreeSet::from([Reminder::Notice]));
        let of_notices = |life: &Life| {
            let notices = life.told.iter().filter(|(it, _)| *it == Reminder::Notice);
            notices.count()
        };
        assert_eq!(of_notices(&life), 1, "a notice is told of once");
        let daemon = life.daemon.as_mut().unwrap();
        daemon.notices.insert("more".to_owned());
        life.look(Duration::ZERO);
        assert_eq!(of_notices(&life), 2);
        life.daemon = Some(well());
        life.look(Duration::ZERO);
        assert!(life.shown.is_empty());
    }

    #[test]
    fn a_contact_that_nobody_looks_at_is_told_of_again_each_day_until_somebody_does() {
        let mut life = Life::new(well());
        life.look(Duration::ZERO);
        life.is_unseen = true;
        life.use_for(HOUR * 24 * 3 + MINUTE, true);
        let expected = [1, 2, 3].map(|day| (Reminder::Unseen, day * 1_440));
        assert_eq!(life.told, expected);
        let kept = |life: &Life| {
            let kept = serde_json::to_value(&life.reminders).unwrap();
            let told = kept["told"].as_object().unwrap().keys().cloned();
            (told.collect::<Vec<_>>(), kept["lasted"].clone())
        };
        let with = kept(&life);
        life.is_unseen = false;
        life.look(Duration::ZERO);
        assert!(life.shown.is_empty());
        assert_eq!(kept(&life), with, "what is kept tells of no contact");
    }

    #[test]
    fn what_is_switched_off_is_not_told_and_what_could_not_be_shown_is_again() {
        let mut life = Life::new(off());
        life.muted = vec![Reminder::NotRecording];
        life.use_for(HOUR * 10, true);
        assert_eq!(life.told, []);
        life.muted.clear();
        life.look(Duration::ZERO);
        assert_eq!(life.told.len(), 1);
        life.reminders.not_shown(Reminder::NotRecording);
        life.look(Duration::ZERO);
        assert_eq!(life.told.len(), 2);
    }

    #[test]
    fn while_all_is_well_there_is_one_look_in_a_day_and_a_half() {
        let mut life = Life::new(well());
        life.look(Duration::ZERO);
        let due = life.reminders.due_in(&life.facts(), &[]);
        assert_eq!(due, Some(Duration::from_secs(CHECK_AGE_SECONDS + 1)));
    }
}
