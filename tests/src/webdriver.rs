//! Pages driven over WebDriver, in a browser or in a window.

use std::time::Duration;

use anyhow::Result;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::local::DEADLINE;

/// A session with `capabilities` of the driver that listens on `port` of this machine,
/// or soon will.
///
/// # Errors
/// When the driver does not listen in time, or cannot start what it is to drive.
pub async fn connect(port: u16, capabilities: Value) -> Result<Client> {
    let capabilities: Capabilities = serde_json::from_value(capabilities)?;
    let address = format!("http://127.0.0.1:{port}");
    let deadline = Instant::now() + DEADLINE;
    loop {
        let attempt = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.clone())
            .connect(&address)
            .await;
        match attempt {
            Ok(client) => return Ok(client),
            Err(error) if deadline < Instant::now() => return Err(error.into()),
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}
