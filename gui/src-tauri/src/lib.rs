//! The window of Sesshoku.
//!
//! `controller` does everything, without a window; `model` is what the page is told.
//! `app` is the window: it hands each command of the page to the controller, and
//! each change to the page. `instance` keeps it to one window, `gl` its process small.

pub mod app;
pub mod controller;
pub mod failure;
mod gl;
mod instance;
pub mod model;
