//! The management role through its front door: the real program, a real SMTP server,
//! an SMS gateway as the settings describe one, and a real browser.
#![allow(clippy::unwrap_used, reason = "all of this is tests")]

#[path = "../common/ahead.rs"]
mod ahead;
mod api;
mod browser;
mod commands;
mod gateway;
mod openapi;
mod page;
#[path = "../common/postgres.rs"]
mod postgres;
#[path = "../common/python.rs"]
mod python;
mod server;
mod smtp;
