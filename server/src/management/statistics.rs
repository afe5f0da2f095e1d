//! What is counted for each day, in the database: how many numbers were issued, sent, used
//! and wrong. Nothing says who or where.

use gaen::time::UnixSeconds;
use jiff::Timestamp;
use jiff::civil::Date;

use super::Inner;
use super::recipient::Channel;
use crate::log::Causes;

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// A number was sent by mail.
    SentByMail,
    /// A number was sent by SMS.
    SentBySms,
    /// A number could not be sent.
    NotSent,
    /// A number was taken back.
    TakenBack,
    /// A number was used to register.
    Used,
    /// A number was wrong.
    Wrong,
}

/// The counts of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Day {
    /// The day, in the zone of `numbers.time_zone`.
    pub date: Date,
    /// The count of each of [`Counted::ALL`].
    pub counts: [i64; 6],
}

/// Below this a count of what people did is not told: of a few numbers, each is somebody's
/// who may be known.
pub(super) const TOLD_FROM: i64 = 5;

impl Counted {
    /// All there are, in the order of the table.
    pub(super) const ALL: [Self; 6] = [
        Self::SentByMail,
        Self::SentBySms,
        Self::NotSent,
        Self::TakenBack,
        Self::Used,
        Self::Wrong,
    ];

    /// That a number was sent.
    pub(super) const fn sent_by(channel: Channel) -> Self {
        match channel {
            Channel::Mail => Self::SentByMail,
            Channel::Sms => Self::SentBySms,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::SentByMail => "sent by mail",
            Self::SentBySms => "sent by SMS",
            Self::NotSent => "not sent",
            Self::TakenBack => "taken back",
            Self::Used => "used",
            Self::Wrong => "wrong",
        }
    }

    /// Whether it says what people did who were sent a number.
    pub(super) const fn is_of_people(self) -> bool {
        match self {
            Self::Used | Self::Wrong => true,
            Self::SentByMail | Self::SentBySms | Self::NotSent | Self::TakenBack => false,
        }
    }
}

impl Inner {
    /// Counts it today. What happened has happened, whether or not it can be counted.
    pub(super) async fn count(&self, what: Counted) {
        let day = self.day(self.clock.now());
        if let Err(error) = self.store.count(day, what.name()).await {
            tracing::error!(error = %Causes(&error), "a number cannot be counted");
        }
    }

    /// The last `days` days on which something was counted, the newest first.
    ///
    /// # Errors
    /// [`crate::database::DatabaseError`].
    pub(super) async fn statistics(
        &self,
        days: i64,
    ) -> Result<Vec<Day>, crate::database::DatabaseError> {
        let since = self.day(self.clock.now()).saturating_sub(days - 1);
        let mut found: Vec<Day> = Vec::new();
        for (day, what, count) in self.store.statistics(since).await? {
            let date = date_of(day);
            if found.last().is_none_or(|last| last.date != date) {
                found.push(Day {
                    date,
                    counts: [0; 6],
                });
            }
            let at = Counted::ALL.iter().position(|it| it.name() == what);
            if let (Some(at), Some(last)) = (at, found.last_mut())
                && let Some(of_it) = last.counts.get_mut(at)
            {
                *of_it = count;
            }
        }
        found.reverse();
        Ok(found)
    }

    /// The days since 1970, by the calendar of `numbers.time_zone`.
    fn day(&self, now: UnixSeconds) -> i64 {
        let date = Timestamp::from_second(i64::from(now.get()))
            .unwrap_or(Timestamp::UNIX_EPOCH)
            .to_zoned(self.time_zone.clone())
            .date();
        i64::from((date - Date::constant(1970, 1, 1)).get_days())
    }
}

fn date_of(day: i64) -> Date {
    let seconds = day.saturating_mul(86_400);
    Timestamp::from_second(seconds)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date()
}
