//! What this role counts. No label says who or where, and dummies count for nothing.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use super::recipient::Channel;
use crate::http::internal;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Way {
    channel: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Failure {
    channel: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Check {
    result: &'static str,
    guessed: &'static str,
}

/// The counters.
#[derive(Clone, Debug, Default)]
pub(super) struct Metrics {
    issued: Family<Way, Counter>,
    sent: Family<Way, Counter>,
    failed: Family<Failure, Counter>,
    taken_back: Counter,
    checked: Family<Check, Counter>,
}

/// Why a number was not issued, or not sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Why {
    /// Too many in this hour, or valid.
    Limited,
    /// The mail server or gateway refused it.
    Refused,
    /// It did not answer.
    Unavailable,
    /// Something here is broken.
    Broken,
}

impl Metrics {
    pub(super) fn new(metrics: &internal::Metrics) -> Self {
        let this = Self::default();
        metrics.register(|registry| {
            registry.register(
                "numbers_issued",
                "Processing numbers made valid, to be sent by mail or SMS",
                this.issued.clone(),
            );
            registry.register(
                "numbers_sent",
                "Processing numbers that the mail server or gateway has taken",
                this.sent.clone(),
            );
            registry.register(
                "numbers_failed",
                "Processing numbers that were asked for and not sent, by why",
                this.failed.clone(),
            );
            registry.register(
                "numbers_taken_back",
                "Processing numbers that a worker took back",
                this.taken_back.clone(),
            );
            registry.register(
                "numbers_checked",
                "Processing numbers by what the notification server was told of them, and whether they came from where somebody had guessed",
                this.checked.clone(),
            );
        });
        this
    }

    pub(super) fn issued(&self, channel: Channel) {
        let channel = name(channel);
        self.issued.get_or_create(&Way { channel }).inc();
    }

    pub(super) fn sent(&self, channel: Channel) {
        let channel = name(channel);
        self.sent.get_or_create(&Way { channel }).inc();
    }

    pub(super) fn failed(&self, channel: Channel, why: Why) {
        let reason = match why {
            Why::Limited => "limited",
            Why::Refused => "refused",
            Why::Unavailable => "unavailable",
            Why::Broken => "broken",
        };
        let channel = name(channel);
        self.failed
            .get_or_create(&Failure { channel, reason })
            .inc();
    }

    pub(super) fn taken_back(&self) {
        self.taken_back.inc();
    }

    /// Counts what the notification server was told: `genuine`, `repeated`, `wrong`,
    /// `mistyped`, `bounded` or `failed`.
    pub(super) fn checked(&self, result: &'static str, has_guessed: bool) {
        let guessed = if has_guessed { "yes" } else { "no" };
        self.checked.get_or_create(&Check { result, guessed }).inc();
    }
}

const fn name(channel: Channel) -> &'static str {
    match channel {
        Channel::Mail => "mail",
        Channel::Sms => "sms",
    }
}
