//! The radio: what carries out what the core asks of it ([`sesshoku_core::radio`]).
//!
//! Three radios exist in every build and are chosen by configuration: `bluez`
//! (the real one), `replay` (a btsnoop log) and `air` (a simulated room).

pub mod air;
pub mod bluez;
pub mod replay;

use std::future::Future;

use sesshoku_core::radio::{Command, RadioEvent};
use sesshoku_core::time::BootTime;

/// A radio.
///
/// The core has at most one command outstanding: it sends the next after the
/// [`RadioEvent::Done`] that answers the last. A radio answers every command,
/// in bounded time, also when nothing listens below it.
pub trait Radio {
    /// The name shown in every status output: `bluez`, `replay` or `air`.
    fn name(&self) -> &'static str;

    /// Starts carrying out `command`; [`Radio::next`] reports how it ended.
    fn command(&mut self, command: Command);

    /// The next thing that happened. Cancel-safe: dropping the future loses no event.
    ///
    /// `until` is when the core next wants to be called. A real radio ignores
    /// it. A simulated one moves its clock no further than that, and reports
    /// [`RadioEvent::TimePassed`] when it gets there.
    fn next(&mut self, until: Option<BootTime>) -> impl Future<Output = RadioEvent>;

    /// Stops broadcasting and scanning and waits, for a bounded time, until
    /// nothing of ours is on the air.
    fn close(&mut self) -> impl Future<Output = ()>;
}
