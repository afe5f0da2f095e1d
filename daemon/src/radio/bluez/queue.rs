//! The way from the radio's tasks to [`Radio::next`](crate::radio::Radio::next):
//! one queue, so that what was heard in a scan comes before the end of the scan.
//!
//! Adverts that are heard take a bounded part of it; what is over the bound is
//! counted and reported, never waited for. Everything else is rare and always fits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use sesshoku_core::radio::{Heard, RadioEvent};
use tokio::sync::mpsc;

/// How many adverts may wait for the core. At the highest rate BlueZ was seen to
/// deliver, 600 a second, this is a stall of 13 s.
const HEARD_WAITING_MAX: usize = 8192;

/// Makes a queue.
pub(super) fn queue() -> (Sender, Receiver) {
    let (tx, rx) = mpsc::unbounded_channel();
    let counts = Arc::new(Counts::default());
    let receiver = Receiver {
        rx,
        counts: Arc::clone(&counts),
    };
    (Sender { tx, counts }, receiver)
}

#[derive(Default)]
struct Counts {
    waiting: AtomicUsize,
    dropped: AtomicU64,
}

/// The radio's end.
#[derive(Clone)]
pub(super) struct Sender {
    tx: mpsc::UnboundedSender<RadioEvent>,
    counts: Arc<Counts>,
}

impl Sender {
    /// Queues `event`, after a report of what was dropped before it.
    pub(super) fn send(&self, event: RadioEvent) {
        let dropped = self.counts.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            self.put(RadioEvent::Dropped(dropped));
        }
        self.put(event);
    }

    /// Queues an advert that was heard, or counts it as dropped.
    pub(super) fn hear(&self, heard: Heard) {
        if self.counts.waiting.load(Ordering::Relaxed) >= HEARD_WAITING_MAX {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        self.send(RadioEvent::Heard(heard));
    }

    fn put(&self, event: RadioEvent) {
        // The other end is gone when the radio is being dropped.
        let _ = self.tx.send(event);
    }
}

/// The core's end.
pub(super) struct Receiver {
    rx: mpsc::UnboundedReceiver<RadioEvent>,
    counts: Arc<Counts>,
}

impl Receiver {
    /// The next event; `None` when the radio's tasks have ended. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<RadioEvent> {
        let event = self.rx.recv().await?;
        if matches!(event, RadioEvent::Heard(_)) {
            self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use gaen::key::{Aem, Rpi};

    use super::*;

    const HEARD: Heard = Heard {
        rpi: Rpi::from_bytes([1; 16]),
        aem: Aem::from_bytes([2; 4]),
        rssi: -60,
    };

    #[tokio::test(flavor = "current_thread")]
    async fn what_does_not_fit_is_counted_and_reported_before_what_follows() {
        let (tx, mut rx) = queue();
        for _ in 0..HEARD_WAITING_MAX + 7 {
            tx.hear(HEARD);
        }
        tx.send(RadioEvent::ScanLost);
        for _ in 0..HEARD_WAITING_MAX {
            assert_eq!(rx.next().await, Some(RadioEvent::Heard(HEARD)));
        }
        assert_eq!(rx.next().await, Some(RadioEvent::Dropped(7)));
        assert_eq!(rx.next().await, Some(RadioEvent::ScanLost));

        tx.hear(HEARD);
        assert_eq!(rx.next().await, Some(RadioEvent::Heard(HEARD)));
        drop(tx);
        assert_eq!(rx.next().await, None);
    }
}
