//! Where a request comes from, as coarsely as limits need it.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;

use super::Settings;
use super::proxies::TrustedProxy;

/// A group of neighbouring addresses, as a keyed hash whose key is only in memory:
/// nobody can tell the addresses from it, and it means nothing after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bucket(u64);

/// Where a request comes from: its source, and the network around that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// A /24 or /56: what one customer, or one company, usually has at least.
    pub source: Bucket,
    /// A /16 or /32: what one provider usually has at least.
    pub network: Bucket,
}

/// Makes [`Bucket`]s.
#[derive(Clone, Debug)]
pub struct Sources {
    key: RandomState,
    header: String,
    trusted: Vec<TrustedProxy>,
}

impl Sources {
    /// With a new random key.
    pub fn new(settings: &Settings) -> Self {
        Self {
            key: RandomState::new(),
            header: settings.proxy_header.clone(),
            trusted: settings.trusted_proxies.clone(),
        }
    }

    /// The bucket of a request from `peer` with `headers`: of the last address that
    /// is not a trusted proxy's, by the word of those that are.
    pub fn bucket(&self, peer: SocketAddr, headers: &HeaderMap) -> Bucket {
        Bucket(self.key.hash_one(prefix(self.client(peer.ip(), headers))))
    }

    /// The same, and the network that it is in.
    pub fn origin(&self, peer: SocketAddr, headers: &HeaderMap) -> Origin {
        let client = self.client(peer.ip(), headers);
        Origin {
            source: Bucket(self.key.hash_one(prefix(client))),
            network: Bucket(self.key.hash_one(("network", network(client)))),
        }
    }

    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        // Each proxy appends whom it heard: the last entries are the ones to trust.
        let mut entries: Vec<&str> = headers
            .get_all(&self.header)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        while self.trusted.iter().any(|it| it.contains(&client)) {
            match entries.pop().and_then(address) {
                Some(address) => client = address.to_canonical(),
                None => break,
            }
        }
        client
    }
}

/// An address as proxies write it, some with a port.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let with_port = || entry.parse::<SocketAddr>().map(|it| it.ip());
    entry.parse().or_else(|_| with_port()).ok()
}

/// The /24 of an IPv4 address, the /56 of an IPv6 address: what one customer, or
/// one company, usually has at least.
fn prefix(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            Ipv4Addr::new(a, b, c, 0).into()
        }
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !((1 << (128 - 56)) - 1)).into()
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let [a, b, _, _] = address.octets();
            Ipv4Addr::new(a, b, 0, 0).into()
        }
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !((1 << (128 - 32)) - 1)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(trusted: &[&str]) -> Sources {
        Sources::new(&Settings {
            trusted_proxies: trusted.iter().map(|it| it.parse().unwrap()).collect(),
            ..Settings::default()
        })
    }

    fn client(sources: &Sources, peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("X-Forwarded-For", value.parse().unwrap());
        }
        let client = sources.client(peer.parse().unwrap(), &headers);
        client.to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let none = sources(&[]);
        assert_eq!(client(&none, "192.0.2.1", &["198.51.100.1"]), "192.0.2.1");
        let one = sources(&["127.0.0.1", "192.0.2.9"]);
        for (peer, forwarded, expected) in [
            ("127.0.0.1", &["198.51.100.1"][..], "198.51.100.1"),
            ("::ffff:127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &["203.0.113.5, 198.51.100.1"], "198.51.100.1"),
            (
                "127.0.0.1",
                &["203.0.113.5", "198.51.100.1"],
                "198.51.100.1",
            ),
            ("127.0.0.1", &["203.0.113.5, 192.0.2.9"], "203.0.113.5"),
            ("127.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("127.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("127.0.0.1", &["198.51.100.1, nonsense"], "127.0.0.1"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("203.0.113.7", &["198.51.100.1"], "203.0.113.7"),
        ] {
            assert_eq!(
                client(&one, peer, forwarded),
                expected,
                "{peer} {forwarded:?}"
            );
        }
    }

    #[test]
    fn a_network_of_proxies_is_believed_as_each_of_them_is() {
        let cdn = sources(&[
            "192.0.2.0/24",
            "2001:db8:cd::/48",
            "::ffff:198.51.100.0/120",
        ]);
        for (peer, forwarded, expected) in [
            ("192.0.2.77", "203.0.113.5", "203.0.113.5"),
            ("::ffff:192.0.2.77", "203.0.113.5", "203.0.113.5"),
            ("2001:db8:cd:1::7", "203.0.113.5", "203.0.113.5"),
            ("198.51.100.9", "203.0.113.5", "203.0.113.5"),
            ("192.0.2.77", "203.0.113.5, 2001:db8:cd::1", "203.0.113.5"),
            (
                "192.0.2.77",
                "203.0.113.5, 2001:db8:ce::1",
                "2001:db8:ce::1",
            ),
            ("192.0.3.77", "203.0.113.5", "192.0.3.77"),
            ("2001:db8:ce::7", "203.0.113.5", "2001:db8:ce::7"),
        ] {
            assert_eq!(
                client(&cdn, peer, &[forwarded]),
                expected,
                "{peer} {forwarded}"
            );
        }
    }

    #[test]
    fn neighbours_share_a_bucket() {
        let sources = sources(&[]);
        let bucket = |address: &str| {
            let peer = SocketAddr::new(address.parse().unwrap(), 1);
            sources.bucket(peer, &HeaderMap::new())
        };
        assert_eq!(bucket("192.0.2.1"), bucket("192.0.2.254"));
        assert_eq!(bucket("::ffff:192.0.2.1"), bucket("192.0.2.254"));
        assert_ne!(bucket("192.0.2.1"), bucket("192.0.3.1"));
        assert_eq!(bucket("2001:db8:0:ff::1"), bucket("2001:db8:0:1:2:3:4:5"));
        assert_ne!(bucket("2001:db8:0:ff::1"), bucket("2001:db8:0:100::1"));
        let origin = |address: &str| {
            let peer = SocketAddr::new(address.parse().unwrap(), 1);
            sources.origin(peer, &HeaderMap::new())
        };
        assert_eq!(origin("192.0.2.1").source, bucket("192.0.2.1"));
        let (here, near, far) = (
            origin("192.0.2.1"),
            origin("192.0.3.1"),
            origin("192.1.2.1"),
        );
        assert_eq!(here.network, near.network);
        assert_ne!(here.source, near.source);
        assert_ne!(here.network, far.network);
        let (here, near, far) = (
            origin("2001:db8:0:ff::1"),
            origin("2001:db8:ffff::1"),
            origin("2001:db9::1"),
        );
        assert_eq!(here.network, near.network);
        assert_ne!(here.network, far.network);
    }
}
