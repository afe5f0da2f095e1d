//! Simulated time held back to a multiple of real time.

use std::time::Duration;

use tokio::time::Instant;

/// Holds a simulated time back to a multiple of real time.
#[derive(Debug)]
pub struct Pace {
    speed: f64,
    began: Option<(Instant, Duration)>,
}

impl Pace {
    /// `speed` simulated seconds to the real one; 0 for as fast as possible.
    pub const fn new(speed: f64) -> Self {
        Self { speed, began: None }
    }

    /// Waits at the simulated time `now` until real time has come to the simulated
    /// time `at`. The first call sets the two times equal. Cancel-safe.
    pub async fn wait(&mut self, now: Duration, at: Duration) {
        if self.speed <= 0.0 {
            return;
        }
        let (began, from) = *self.began.get_or_insert_with(|| (Instant::now(), now));
        let simulated = at.saturating_sub(from).as_secs_f64() / self.speed;
        if let Ok(real) = Duration::try_from_secs_f64(simulated) {
            tokio::time::sleep_until(began + real).await;
        }
    }
}
