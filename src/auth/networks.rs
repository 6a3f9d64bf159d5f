//! Lists of networks.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use thiserror::Error;

use super::{Admission, Authenticator, Caller, Request, StatusCode};

/// A range of addresses in CIDR notation: `192.0.2.0/24`, `2001:db8::/32`, or a single address.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::auth::Network;
///
/// let network: Network = "192.0.2.0/24".parse()?;
/// assert!(network.contains("192.0.2.77".parse()?));
/// assert!(!network.contains("192.0.3.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(try_from = "String"))]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// The reason why text is not a valid [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// The text before the slash is not a valid IP address.
    #[error("the text before the slash is not a valid IP address")]
    InvalidAddress,
    /// The text after the slash is not a number up to the length of the address.
    #[error("the number after the slash is not in 0 to {max}")]
    InvalidPrefix {
        /// The length of the address in bits.
        max: u8,
    },
}

/// Lists of allowed and denied networks.
///
/// The connection of a remote in a denied network is closed before any of its bytes are read. If
/// the list of allowed networks is not empty, the same applies to every remote outside them. All
/// other remotes are admitted without a user id; to authenticate them, combine this with another
/// authenticator, with [`Authenticator::and`]. Remotes over `ipc` have no address and are always
/// admitted.
///
/// It is a handle: clones share the lists, and changes apply from the next connection on.
#[derive(Clone, Debug, Default)]
pub struct Networks(Arc<RwLock<Lists>>);

#[derive(Debug, Default)]
struct Lists {
    allowed: Vec<Network>,
    denied: Vec<Network>,
}

/// # Examples
///
/// ```
/// use tokio_zmtp::auth::Network;
///
/// let network = Network::new([192, 0, 2, 0].into(), 24)?;
/// assert!(network.contains([192, 0, 2, 77].into()));
/// # Ok::<(), tokio_zmtp::auth::NetworkError>(())
/// ```
impl Network {
    /// Creates the network of all addresses that begin with the first `prefix` bits of `address`.
    ///
    /// # Errors
    ///
    /// [`NetworkError::InvalidPrefix`] if the address has fewer bits.
    pub const fn new(address: IpAddr, prefix: u8) -> Result<Self, NetworkError> {
        let max = bits(address);
        if prefix > max {
            return Err(NetworkError::InvalidPrefix { max });
        }
        Ok(Self { address, prefix })
    }

    /// Returns whether the network contains the address. An IPv4 address mapped to IPv6,
    /// `::ffff:192.0.2.1`, counts as the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let bits = network.to_bits() ^ address.to_bits();
                u32::from(self.canonical_prefix()) <= bits.leading_zeros()
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let bits = network.to_bits() ^ address.to_bits();
                u32::from(self.prefix) <= bits.leading_zeros()
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// Returns the prefix of an IPv4 address, even if it is mapped to IPv6.
    const fn canonical_prefix(&self) -> u8 {
        match self.address {
            IpAddr::V4(_) => self.prefix,
            IpAddr::V6(_) => self.prefix.saturating_sub(96),
        }
    }
}

/// Creates the network of one address.
impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self { address, prefix: bits(address) }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::InvalidAddress)?;
        let max = bits(address);
        match prefix {
            Some(prefix) => {
                let prefix = prefix.parse().map_err(|_| NetworkError::InvalidPrefix { max })?;
                Self::new(address, prefix)
            }
            None => Ok(address.into()),
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Network({self})")
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(feature = "serde")]
impl TryFrom<String> for Network {
    type Error = NetworkError;

    fn try_from(text: String) -> Result<Self, NetworkError> {
        text.parse()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Network {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// # Examples
///
/// ```
/// use tokio_zmtp::auth::{Network, Networks};
///
/// let (office, printer): (Network, Network) = ("192.0.2.0/24".parse()?, "192.0.2.7".parse()?);
/// let networks = Networks::new();
/// networks.allow(office);
/// networks.deny(printer);
/// assert!(networks.remove_allowed(&office));
/// assert!(networks.remove_denied(&printer));
/// networks.replace([office], [printer]);
/// # Ok::<(), tokio_zmtp::auth::NetworkError>(())
/// ```
impl Networks {
    /// Creates empty lists, which admit every remote.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows a network.
    pub fn allow(&self, network: Network) {
        self.change(|lists| lists.allowed.push(network));
    }

    /// Denies a network, even if it is allowed.
    pub fn deny(&self, network: Network) {
        self.change(|lists| lists.denied.push(network));
    }

    /// Reverts [`allow`](Self::allow) for the same network; returns whether it was allowed.
    pub fn remove_allowed(&self, network: &Network) -> bool {
        self.change(|lists| remove(&mut lists.allowed, network))
    }

    /// Reverts [`deny`](Self::deny) for the same network; returns whether it was denied.
    pub fn remove_denied(&self, network: &Network) -> bool {
        self.change(|lists| remove(&mut lists.denied, network))
    }

    /// Replaces both lists atomically.
    pub fn replace(
        &self,
        allowed: impl IntoIterator<Item = Network>,
        denied: impl IntoIterator<Item = Network>,
    ) {
        let (allowed, denied) = (allowed.into_iter().collect(), denied.into_iter().collect());
        self.change(|lists| *lists = Lists { allowed, denied });
    }

    fn change<T>(&self, change: impl FnOnce(&mut Lists) -> T) -> T {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Authenticator for Networks {
    async fn authenticate(&self, request: Request) -> Result<Admission, StatusCode> {
        // The lists may have changed since the handshake began.
        if self.allows_handshake(&request.caller) {
            Ok(Admission::anonymous())
        } else {
            Err(StatusCode::Denied)
        }
    }

    fn allows_handshake(&self, caller: &Caller) -> bool {
        let Some(address) = caller.address else { return true };
        let lists = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let is_in = |list: &[Network]| list.iter().any(|one| one.contains(address.ip()));
        !is_in(&lists.denied) && (lists.allowed.is_empty() || is_in(&lists.allowed))
    }

    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

fn remove(list: &mut Vec<Network>, network: &Network) -> bool {
    let before = list.len();
    list.retain(|one| one != network);
    list.len() < before
}

const fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_the_addresses_with_its_prefix() {
        for (network, inside, outside) in [
            ("192.0.2.0/24", &["192.0.2.0", "192.0.2.255", "::ffff:192.0.2.7"][..], "192.0.3.0"),
            ("192.0.2.129/25", &["192.0.2.128", "192.0.2.255"], "192.0.2.127"),
            ("192.0.2.1", &["192.0.2.1"], "192.0.2.2"),
            ("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], "::1"),
            ("2001:db8::/33", &["2001:db8::1", "2001:db8:7fff::"], "2001:db8:8000::"),
            ("::/0", &["::1", "ffff::"], "192.0.2.1"),
            ("::ffff:192.0.2.0/120", &["192.0.2.255", "::ffff:192.0.2.1"], "192.0.3.0"),
        ] {
            let parsed: Network = network.parse().unwrap();
            for address in inside {
                assert!(parsed.contains(address.parse().unwrap()), "{address} in {network}");
            }
            assert!(!parsed.contains(outside.parse().unwrap()), "{outside} not in {network}");
            assert_eq!(parsed.to_string().parse(), Ok(parsed));
        }
    }

    #[test]
    fn an_invalid_network_is_refused() {
        let refused = |text: &str| text.parse::<Network>().unwrap_err();
        assert_eq!(refused("192.0.2/24"), NetworkError::InvalidAddress);
        assert_eq!(refused("example.org"), NetworkError::InvalidAddress);
        assert_eq!(refused("192.0.2.0/33"), NetworkError::InvalidPrefix { max: 32 });
        assert_eq!(refused("::/129"), NetworkError::InvalidPrefix { max: 128 });
        assert_eq!(refused("192.0.2.0/"), NetworkError::InvalidPrefix { max: 32 });
    }
}
