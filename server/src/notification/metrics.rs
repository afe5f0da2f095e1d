//! What this role counts. No label says who or where.

use gaen::time::UnixSeconds;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::answer::Outcome;
use crate::http::internal;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Result {
    result: &'static str,
}

/// What became of a 処理番号 that was to be checked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Checked {
    /// The management system says that it is genuine.
    Genuine,
    /// It says that it is not.
    Wrong,
    /// It was not asked: the check digit does not fit.
    Mistyped,
    /// It was not asked: too many from there, or of this number, were wrong.
    BoundedHere,
    /// It says that too many were wrong.
    BoundedThere,
    /// It did not answer, or with an error.
    Unanswered,
}

impl Checked {
    const fn name(self) -> &'static str {
        match self {
            Self::Genuine => "genuine",
            Self::Wrong => "wrong",
            Self::Mistyped => "mistyped",
            Self::BoundedHere => "bounded_here",
            Self::BoundedThere => "bounded_there",
            Self::Unanswered => "unanswered",
        }
    }
}

/// The counters. Chaff is counted apart, so that the operator knows how many
/// registrations there were.
#[derive(Clone, Debug, Default)]
pub(super) struct Metrics {
    registrations: Family<Result, Counter>,
    chaff: Family<Result, Counter>,
    checks: Family<Result, Counter>,
    batches: Counter,
    failures: Counter,
    last_success: Gauge,
}

impl Metrics {
    pub(super) fn new(metrics: &internal::Metrics) -> Self {
        let this = Self::default();
        metrics.register(|registry| {
            registry.register(
                "registrations",
                "Registrations by what became of them",
                this.registrations.clone(),
            );
            registry.register(
                "chaff",
                "Dummy registrations by how they were answered",
                this.chaff.clone(),
            );
            registry.register(
                "number_checks",
                "Processing numbers by what the management system said of them, or why it was not asked",
                this.checks.clone(),
            );
            registry.register("export_batches", "Batches published", this.batches.clone());
            registry.register(
                "export_failures",
                "Rounds of the exporter that failed",
                this.failures.clone(),
            );
            registry.register(
                "export_last_success_seconds",
                "When the exporter last came to the end of a round",
                this.last_success.clone(),
            );
        });
        this
    }

    pub(super) fn answered(&self, is_chaff: bool, outcome: Outcome) {
        let family = if is_chaff {
            &self.chaff
        } else {
            &self.registrations
        };
        family
            .get_or_create(&Result {
                result: outcome.name(),
            })
            .inc();
    }

    pub(super) fn checked(&self, checked: Checked) {
        self.checks
            .get_or_create(&Result {
                result: checked.name(),
            })
            .inc();
    }

    pub(super) fn exported(&self, batches: usize) {
        self.batches
            .inc_by(u64::try_from(batches).unwrap_or(u64::MAX));
    }

    pub(super) fn export_failed(&self) {
        self.failures.inc();
    }

    pub(super) fn export_succeeded(&self, now: UnixSeconds) {
        self.last_success.set(now.get().into());
    }
}
