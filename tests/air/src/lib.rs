//! LE controllers on `/dev/vhci` and scripted phones, sharing one radio channel.
//!
//! The kernel takes what is behind `/dev/vhci` for Bluetooth controllers: it sends
//! HCI commands there and reads HCI events. This crate answers as a controller
//! would (see [`controller`]), decides what each controller and phone puts on the
//! air and who hears it how loudly ([`room`], [`channel`]), is told what to do
//! while it runs ([`script`]), and writes down every PDU and every command that
//! shapes one ([`log`]).
//!
//! Everything but the binary's event loop is free of I/O and reads no clock: time
//! comes in with each call. Connections, periodic advertising and directed
//! advertising are not emulated; a command for them is answered as by a
//! controller that lacks it.
#![forbid(unsafe_code)]

pub mod address;
pub mod advertising;
pub mod channel;
pub mod controller;
pub mod hci;
pub mod log;
pub mod pdu;
pub mod phone;
pub mod random;
pub mod room;
pub mod scanning;
pub mod script;

/// An instant on `CLOCK_MONOTONIC`, as time since its zero.
pub type Moment = std::time::Duration;
