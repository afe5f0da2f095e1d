//! Reverse proxies and CDNs by the addresses and networks they ask from.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ::serde::{Deserialize, Serialize};
use ipnet::{IpNet, Ipv4Net};

/// An address, or a network of them, whose word is taken for where a request comes from.
/// It is written as an address (`192.0.2.1`) or in CIDR notation (`2001:db8::/32`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TrustedProxy(IpNet);

/// What cannot be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustedProxyError {
    /// It is no address, and no network.
    #[error("{0:?} is neither an address nor a network such as 192.0.2.0/24")]
    Syntax(String),
    /// An address in a network, which may have been meant for either.
    #[error("{given} is no network: its network is {network}")]
    BitsBeyondPrefix {
        /// What was written.
        given: IpNet,
        /// The network that it is in.
        network: IpNet,
    },
    /// A network of everybody: each client could say where it comes from.
    #[error("{0} is everybody, whose word is worth nothing")]
    Everybody(IpNet),
}

impl TrustedProxy {
    /// Checks that `proxies` are not everybody together.
    ///
    /// # Errors
    /// [`TrustedProxyError::Everybody`] where they are, of IPv4 or of IPv6.
    pub fn check_all(proxies: &[Self]) -> Result<(), TrustedProxyError> {
        let networks: Vec<IpNet> = proxies.iter().map(|proxy| proxy.0).collect();
        let together = IpNet::aggregate(&networks);
        match together.into_iter().find(|it| it.prefix_len() == 0) {
            Some(everybody) => Err(TrustedProxyError::Everybody(everybody)),
            None => Ok(()),
        }
    }

    /// Whether `address`, which is canonical, is the proxy's.
    pub fn contains(&self, address: &IpAddr) -> bool {
        self.0.contains(address)
    }
}

impl FromStr for TrustedProxy {
    type Err = TrustedProxyError;

    fn from_str(text: &str) -> Result<Self, TrustedProxyError> {
        let address = text.parse::<IpAddr>().map(IpNet::from);
        let syntax = || TrustedProxyError::Syntax(text.to_owned());
        // A zero in front makes a number octal to some, and decimal to others.
        let len = text.rsplit_once('/').map_or("", |(_, len)| len);
        if len.len() > 1 && len.starts_with('0') {
            return Err(syntax());
        }
        let given = address
            .or_else(|_| text.parse::<IpNet>())
            .map_err(|_| syntax())?;
        let network = given.trunc();
        if network != given {
            return Err(TrustedProxyError::BitsBeyondPrefix { given, network });
        }
        if network.prefix_len() == 0 {
            return Err(TrustedProxyError::Everybody(network));
        }
        let canonical = canonical(network);
        if canonical.prefix_len() == 0 {
            return Err(TrustedProxyError::Everybody(network));
        }
        Ok(Self(canonical))
    }
}

/// IPv4 addresses within IPv6 (`::ffff:0:0/96`) are looked at as what they are.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(within) = network else {
        return network;
    };
    let prefix_len = within.prefix_len().checked_sub(96);
    let mapped = within.network().to_ipv4_mapped().zip(prefix_len);
    let network_v4 = mapped.and_then(|(address, len)| Ipv4Net::new(address, len).ok());
    network_v4.map_or(network, IpNet::V4)
}

impl TryFrom<String> for TrustedProxy {
    type Error = TrustedProxyError;

    fn try_from(text: String) -> Result<Self, TrustedProxyError> {
        text.parse()
    }
}

impl fmt::Display for TrustedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            return self.0.addr().fmt(f);
        }
        self.0.fmt(f)
    }
}

impl From<TrustedProxy> for String {
    fn from(proxy: TrustedProxy) -> Self {
        proxy.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_are_read_and_written() {
        for (text, shown) in [
            ("127.0.0.1", "127.0.0.1"),
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("192.0.2.7/32", "192.0.2.7"),
            ("::1", "::1"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("2001:db8::7/128", "2001:db8::7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ] {
            let proxy: TrustedProxy = text.parse().unwrap();
            assert_eq!(proxy.to_string(), shown, "{text}");
            assert_eq!(shown.parse(), Ok(proxy));
        }
    }

    #[test]
    fn a_network_is_those_that_share_its_prefix() {
        for (network, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.128/25", "192.0.2.128", "192.0.2.127"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"),
            ("::/1", "2001:db8::1", "192.0.2.1"),
            ("::ffff:0:0/97", "1.2.3.4", "192.0.2.1"),
        ] {
            let proxy: TrustedProxy = network.parse().unwrap();
            assert!(proxy.contains(&inside.parse().unwrap()), "{network}");
            assert!(!proxy.contains(&outside.parse().unwrap()), "{network}");
        }
    }

    #[test]
    fn what_cannot_be_trusted_is_refused_with_the_reason() {
        for text in [
            "",
            "cdn.example",
            "192.0.2",
            "192.0.2.0/33",
            "2001:db8::/129",
            "192.0.2.0/",
            "192.0.2.0/255.255.255.0",
            " 192.0.2.1",
            "192.0.2.1:80",
            "192.0.2.0 /24",
            "192.0.2.0/024",
            "192.0.2.07",
            "10.0.0.0/08",
            "2001:db8::/032",
        ] {
            let expected = TrustedProxyError::Syntax(text.to_owned());
            assert_eq!(text.parse::<TrustedProxy>(), Err(expected));
        }
        let error = "2001:db8::1/32".parse::<TrustedProxy>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "2001:db8::1/32 is no network: its network is 2001:db8::/32"
        );
        for text in ["0.0.0.0/0", "::/0", "::ffff:0:0/96"] {
            let network = text.parse().unwrap();
            let expected = TrustedProxyError::Everybody(network);
            assert_eq!(text.parse::<TrustedProxy>(), Err(expected));
        }
    }

    #[test]
    fn networks_that_are_everybody_together_are_refused() {
        let check = |texts: &[&str]| {
            let proxies: Vec<_> = texts.iter().map(|text| text.parse().unwrap()).collect();
            TrustedProxy::check_all(&proxies).map_err(|error| error.to_string())
        };
        let everybody = |network: &str| {
            Err(format!(
                "{network} is everybody, whose word is worth nothing"
            ))
        };
        assert_eq!(check(&["128.0.0.0/1", "0.0.0.0/1"]), everybody("0.0.0.0/0"));
        assert_eq!(
            check(&["0.0.0.0/2", "::1", "64.0.0.0/2", "128.0.0.0/1"]),
            everybody("0.0.0.0/0")
        );
        assert_eq!(check(&["8000::/1", "::/1"]), everybody("::/0"));
        assert_eq!(
            check(&["0.0.0.0/1", "::ffff:128.0.0.0/97"]),
            everybody("0.0.0.0/0")
        );
        assert_eq!(check(&["0.0.0.0/1", "192.0.0.0/2", "::1"]), Ok(()));
        assert_eq!(check(&[]), Ok(()));
    }
}
