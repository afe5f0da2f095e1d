//! The own key of the day: read, made, stored before anything of it is on the air.

use gaen::time::UtcDay;
use rand_core::CryptoRng;

use super::{Action, STORAGE_RETRY, StorageFault, Tracer};
use crate::records::OwnKey;
use crate::time::{BootTime, Now};

/// The own key of the present day.
#[derive(Debug)]
pub(super) enum KeyState {
    Missing { retry_at: BootTime },
    Loading,
    Ready(OwnKey),
}

impl<R: CryptoRng> Tracer<R> {
    pub(super) fn on_key_loaded(
        &mut self,
        now: Now,
        day: UtcDay,
        loaded: Result<Vec<OwnKey>, StorageFault>,
    ) {
        if !matches!(self.key, KeyState::Loading) {
            return;
        }
        self.note_storage(loaded.as_ref().map(|_| ()).map_err(|fault| *fault));
        self.key = match loaded {
            Ok(keys) => KeyState::Ready(OwnKey::of_day(
                day,
                keys,
                now.wall.interval(),
                &mut self.rng,
            )),
            Err(StorageFault) => KeyState::Missing {
                retry_at: now.boot.after(STORAGE_RETRY),
            },
        };
    }

    pub(super) fn on_key_saved(&mut self, now: Now, saved: Result<(), StorageFault>) {
        self.note_storage(saved);
        match saved {
            Ok(()) => {
                if let Some(prepared) = &mut self.prepared {
                    prepared.saved = true;
                }
            }
            Err(StorageFault) => {
                if let (KeyState::Ready(key), Some(prepared)) =
                    (&mut self.key, self.prepared.take())
                {
                    key.mark_unused(prepared.interval);
                }
                // What is on the air may stay until its time has come.
                self.postpone_broadcast(now, STORAGE_RETRY);
            }
        }
    }

    pub(super) fn load_key(&mut self, now: Now, actions: &mut Vec<Action>) {
        let today = now.wall.utc_day();
        let wanted = match &self.key {
            KeyState::Missing { retry_at } => *retry_at <= now.boot,
            KeyState::Loading => false,
            KeyState::Ready(key) => key.day != today || key.end() <= now.wall.interval(),
        };
        if wanted {
            self.prepared = None;
            self.key = KeyState::Loading;
            actions.push(Action::LoadKey(today));
        }
    }
}
