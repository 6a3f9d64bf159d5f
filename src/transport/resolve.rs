use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use tokio::net;

use crate::endpoint::{Host, TcpEndpoint};

/// Turns an endpoint into addresses, at least one, without blocking the thread.
///
/// `*` gives the IPv6 wildcard, which serves IPv4 as well, and then the one of IPv4.
pub(super) async fn resolve(endpoint: &TcpEndpoint) -> io::Result<Vec<SocketAddr>> {
    let port = endpoint.port();
    match endpoint.host() {
        Host::Any => {
            Ok(vec![(Ipv6Addr::UNSPECIFIED, port).into(), (Ipv4Addr::UNSPECIFIED, port).into()])
        }
        Host::Ipv4(address) => Ok(vec![(*address, port).into()]),
        Host::Ipv6 { address, zone } => match zone.as_deref().map(str::parse) {
            None => Ok(vec![(*address, port).into()]),
            Some(Ok(id)) => Ok(vec![SocketAddrV6::new(*address, port, 0, id).into()]),
            // Only the system knows the number of a named interface.
            Some(Err(_)) => {
                let zone = zone.as_deref().unwrap_or_default();
                lookup(&format!("{address}%{zone}"), port).await
            }
        },
        Host::Name(name) => lookup(name, port).await,
    }
}

async fn lookup(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let addresses: Vec<_> = net::lookup_host((name, port)).await?.collect();
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the host name has no address"));
    }
    Ok(addresses)
}

/// Orders addresses for dialling: the families take turns, beginning with that of the first.
///
/// So a family that does not work here costs one attempt, not as many as it has addresses (RFC
/// 8305, Sorting Addresses).
pub(super) fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let count = addresses.len();
    let first_is_ipv6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_ipv6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut interleaved = Vec::with_capacity(count);
    while interleaved.len() < count {
        interleaved.extend(first.next());
        interleaved.extend(second.next());
    }
    interleaved
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Endpoint;

    #[tokio::test]
    async fn an_address_resolves_to_itself() {
        for text in ["127.0.0.1:1", "[::1]:1", "[fe80::1%3]:1"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(resolve(&address.into()).await.unwrap(), [address]);
        }
    }

    #[tokio::test]
    async fn localhost_resolves_to_loopback_addresses() {
        let endpoint = tcp("tcp://localhost:1");
        let addresses = resolve(&endpoint).await.unwrap();
        assert!(!addresses.is_empty());
        assert!(addresses.iter().all(|address| address.ip().is_loopback()));
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_named_interface_becomes_its_number() {
        let endpoint = tcp("tcp://[fe80::1%lo]:1");
        let addresses = resolve(&endpoint).await.unwrap();
        assert_eq!(addresses, ["[fe80::1%1]:1".parse().unwrap()]);
    }

    #[tokio::test]
    async fn an_interface_that_does_not_exist_is_an_error() {
        let endpoint = tcp("tcp://[fe80::1%no-such-zone]:1");
        resolve(&endpoint).await.unwrap_err();
    }

    #[test]
    fn families_take_turns() {
        let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let sorted_by_the_system = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"];
        let sorted_for_dialling = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"];
        assert_eq!(interleave(addresses(&sorted_by_the_system)), addresses(&sorted_for_dialling));
        assert_eq!(
            interleave(addresses(&["1.1.1.1:1", "[::1]:1", "[::2]:1"])),
            addresses(&["1.1.1.1:1", "[::1]:1", "[::2]:1"])
        );
    }

    fn tcp(text: &str) -> TcpEndpoint {
        let Endpoint::Tcp(tcp) = text.parse().unwrap() else { panic!("{text} is TCP") };
        tcp
    }
}
