//! The notification server through its front door: the real program, asked over HTTP
//! as devices ask it.
#![expect(clippy::unwrap_used, reason = "all of this is tests")]

#[path = "../common/ahead.rs"]
mod ahead;
mod chaff;
mod cli;
mod clock;
mod cocoa;
mod distribution;
mod export;
mod hostile;
mod management;
mod openapi;
#[path = "../common/postgres.rs"]
mod postgres;
#[path = "../common/python.rs"]
mod python;
mod registration;
mod replicas;
mod restore;
mod s3;
mod shutdown;
mod support;
