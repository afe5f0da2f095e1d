//! The two servers of Sesshoku, as separate trust domains.
//!
//! [`notification`] takes the keys of people who register as positive and hands
//! them out; it never learns who anybody is. [`management`] issues 処理番号 to a
//! phone number or mail address, which it forgets once the number is sent, and
//! tells the notification server whether a number is genuine, once. They share a
//! binary and what is here beside them, but no database and no configuration.
#![forbid(unsafe_code)]

pub mod clock;
pub mod database;
pub mod http;
pub mod init;
pub mod keygen;
pub mod log;
pub mod management;
pub mod notification;
pub mod run;
pub mod secret;
