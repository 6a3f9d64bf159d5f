//! The addresses that count as one remote.

use std::net::{IpAddr, Ipv4Addr};

/// A network whose addresses one remote can use.
///
/// A host of IPv6 usually has a network of its own, with a prefix of 64 bits (RFC 6177), and can
/// connect from any of its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum AddressBlock {
    /// All remotes without a network address, or whose proxy has not announced it yet.
    Unknown,
    V4(Ipv4Addr),
    /// The first 64 bits.
    V6([u8; 8]),
}

impl AddressBlock {
    /// Returns the block of an address. An IPv4 address in the form of IPv6 is one of IPv4.
    pub(super) fn of(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            None => Self::Unknown,
            Some(IpAddr::V4(address)) => Self::V4(address),
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_of_ipv6_are_one_block() {
        let block = |text: &str| AddressBlock::of(Some(text.parse().unwrap()));
        assert_eq!(block("2001:db8:0:1::1"), block("2001:db8:0:1:ffff::2"));
        assert_ne!(block("2001:db8:0:1::1"), block("2001:db8:0:2::1"));
        assert_ne!(block("192.0.2.1"), block("192.0.2.2"));
        assert_eq!(block("192.0.2.1"), block("::ffff:192.0.2.1"));
    }
}
