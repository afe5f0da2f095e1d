//! What the HTTP side of both roles shares: serving a router within limits
//! ([`serve`]), the answers every router gives alike ([`layers`]), who sent a
//! request ([`source`]), and what only the operator sees ([`internal`]).
//!
//! Invariant: no client address, header or body is in any log or metric.

pub mod conditional;
pub mod internal;
pub mod layers;
pub mod proxies;
pub mod serve;
pub mod source;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ::serde::{Deserialize, Serialize};
use ::settings::ConfigError;
use axum::http::HeaderName;
use tokio::sync::watch;
use url::{Host, Url};

use proxies::TrustedProxy;

/// Turns `true` when the server is to end.
pub type Shutdown = watch::Receiver<bool>;

/// Resolves when the server is to end.
pub async fn ended(mut shutdown: Shutdown) {
    // A sender that is gone ends the server, too.
    let _ = shutdown.wait_for(|ends| *ends).await;
}

/// Whether a host is this machine itself, so that nobody is on the way to it.
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether a host's name is one of those that stand for others in documents (RFC 2606, and
/// RFC 6761 for this machine), under which nobody is found.
pub(crate) fn is_sample(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let reserved = ["example", "test", "invalid", "localhost"];
    let of_examples = ["example.com", "example.net", "example.org"];
    let is_below = |name: &&str| host == **name || host.ends_with(&format!(".{name}"));
    reserved.iter().chain(&of_examples).any(is_below)
}

/// Whether what is sent to `url` can be read by nobody on the way: https, or http to
/// this machine.
pub fn is_private(url: &Url) -> bool {
    let is_on_this_machine = match url.host() {
        Some(Host::Domain(name)) => is_loopback(name),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || url.scheme() == "http" && is_on_this_machine
}

/// The `[http]` table of both roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where to answer the public; TLS ends in front of it.
    pub listen: SocketAddr,
    /// Where to answer the operator: /healthz, /readyz, /metrics. Without it they
    /// are not answered, except /healthz on the public side.
    pub internal_listen: Option<SocketAddr>,
    /// Most connections at a time; more wait in the kernel.
    pub max_connections: usize,
    /// Longest time for the head of a request, and for a connection between two.
    pub head_seconds: u32,
    /// Longest time from the head of a request to the head of its answer.
    pub request_seconds: u32,
    /// Longest time for a connection altogether.
    pub connection_seconds: u32,
    /// How long requests in flight have to finish when the server ends.
    pub shutdown_seconds: u32,
    /// The header in which [`Self::trusted_proxies`] give the client's address.
    pub proxy_header: String,
    /// Reverse proxies, and networks of them, whose word is taken for where a request
    /// comes from.
    pub trusted_proxies: Vec<TrustedProxy>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            internal_listen: None,
            max_connections: 10_000,
            head_seconds: 20,
            request_seconds: 30,
            connection_seconds: 600,
            shutdown_seconds: 40,
            proxy_header: "x-forwarded-for".to_owned(),
            trusted_proxies: Vec::new(),
        }
    }
}

impl Settings {
    /// What has to be set before people rely on a server, and is not.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = &'static str> {
        let proxies = self.trusted_proxies.is_empty().then_some(
            "http.trusted_proxies names nobody: where TLS ends in a proxy, all clients count as one",
        );
        let internal = self.internal_listen.is_none().then_some(
            "http.internal_listen is not set: nothing tells how it is, and nobody is alerted",
        );
        proxies.into_iter().chain(internal)
    }
}

impl Settings {
    /// Checks what the types cannot.
    ///
    /// # Errors
    /// [`ConfigError::Value`] names the setting.
    pub fn check(&self) -> Result<(), ConfigError> {
        for (setting, value) in [
            ("http.head_seconds", self.head_seconds),
            ("http.request_seconds", self.request_seconds),
            ("http.connection_seconds", self.connection_seconds),
            ("http.shutdown_seconds", self.shutdown_seconds),
        ] {
            if !(1..=3600).contains(&value) {
                return Err(ConfigError::Value {
                    setting,
                    problem: format!("{value} is not in 1…3600"),
                });
            }
        }
        if self.max_connections == 0 {
            return Err(ConfigError::Value {
                setting: "http.max_connections",
                problem: "must be at least 1".to_owned(),
            });
        }
        if let Err(error) = TrustedProxy::check_all(&self.trusted_proxies) {
            return Err(ConfigError::Value {
                setting: "http.trusted_proxies",
                problem: error.to_string(),
            });
        }
        if HeaderName::try_from(self.proxy_header.as_str()).is_err() {
            return Err(ConfigError::Value {
                setting: "http.proxy_header",
                problem: "is not the name of a header".to_owned(),
            });
        }
        Ok(())
    }

    fn head_time(&self) -> Duration {
        Duration::from_secs(self.head_seconds.into())
    }

    /// Longest time from the head of a request to the head of its answer.
    pub(crate) fn request_time(&self) -> Duration {
        Duration::from_secs(self.request_seconds.into())
    }

    fn connection_time(&self) -> Duration {
        Duration::from_secs(self.connection_seconds.into())
    }

    fn shutdown_time(&self) -> Duration {
        Duration::from_secs(self.shutdown_seconds.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_and_https_are_private() {
        for (url, private) in [
            ("https://sms.example/", true),
            ("http://127.0.0.1:80/", true),
            ("http://[::1]/", true),
            ("http://localhost/", true),
            ("http://sms.example/", false),
            ("http://127.0.0.1.sms.example/", false),
            ("ftp://127.0.0.1/", false),
        ] {
            assert_eq!(is_private(&url.parse().unwrap()), private, "{url}");
        }
    }
}
