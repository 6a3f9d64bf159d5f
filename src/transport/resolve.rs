use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use tokio::net;
use zmtp_proto::endpoint::{Host, TcpEndpoint, TcpSource};

use crate::options::NameResolver;

/// Resolves an endpoint to at least one address, without blocking the thread.
///
/// `*` yields the IPv6 wildcard, which also serves IPv4, and then the IPv4 wildcard.
pub(super) async fn resolve(
    endpoint: &TcpEndpoint,
    resolver: &NameResolver,
) -> io::Result<Vec<SocketAddr>> {
    let addresses = resolve_all(endpoint, resolver).await?;
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the host name has no address"));
    }
    Ok(addresses)
}

/// Does the same, and distinguishes a name without an address from a failed query, as far as
/// the resolver does.
pub(super) async fn resolve_all(
    endpoint: &TcpEndpoint,
    resolver: &NameResolver,
) -> io::Result<Vec<SocketAddr>> {
    resolve_host(endpoint.host(), endpoint.port(), resolver).await
}

/// Resolves a host. The result is empty if the resolver reports that the name has no address.
pub(super) async fn resolve_host(
    host: &Host,
    port: u16,
    resolver: &NameResolver,
) -> io::Result<Vec<SocketAddr>> {
    match (host, &resolver.0) {
        (Host::Name(name), Some(resolver)) => resolver.resolve(name, port).await,
        (host, _) => resolve_by_system(host, port).await,
    }
}

/// Resolves an endpoint to bind: its host may be the name of an interface,
/// which takes precedence over the name of a host, as in libzmq.
pub(super) async fn resolve_to_bind(
    endpoint: &TcpEndpoint,
    resolver: &NameResolver,
) -> io::Result<Vec<SocketAddr>> {
    let addresses = resolve_host_to_bind(endpoint.host(), endpoint.port(), resolver).await?;
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the host name has no address"));
    }
    Ok(addresses)
}

/// Resolves a host to bind. The result may be empty, as for [`resolve_host`].
pub(super) async fn resolve_host_to_bind(
    host: &Host,
    port: u16,
    resolver: &NameResolver,
) -> io::Result<Vec<SocketAddr>> {
    if let Host::Name(name) = host {
        let addresses = interface(name, port);
        if !addresses.is_empty() {
            return Ok(addresses);
        }
    }
    resolve_host(host, port, resolver).await
}

/// Returns an IPv4 address of an interface, which is given by that address or by its name.
pub(super) async fn interface_address(host: &Host) -> io::Result<Ipv4Addr> {
    let addresses = match host {
        Host::Name(name) => interface(name, 0),
        _ => resolve_by_system(host, 0).await?,
    };
    let address = addresses.into_iter().find_map(|address| match address.ip() {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    });
    address.ok_or_else(|| no_interface(host))
}

/// Returns the index of an interface, which is given by one of its addresses or by its name.
pub(super) async fn interface_index(host: &Host) -> io::Result<u32> {
    let name = match host {
        Host::Name(name) => name.clone(),
        _ => {
            let addresses = resolve_by_system(host, 0).await?;
            let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
            let found = interfaces
                .into_iter()
                .find(|one| addresses.iter().any(|address| address.ip() == one.ip()));
            if let Some(index) = found.as_ref().and_then(|one| one.index) {
                return Ok(index);
            }
            // A link-local address is not in the list, but has the index as its zone.
            let zone = addresses.iter().find_map(|address| match address {
                SocketAddr::V6(v6) if v6.scope_id() != 0 => Some(v6.scope_id()),
                _ => None,
            });
            if let Some(index) = zone {
                return Ok(index);
            }
            found.ok_or_else(|| no_interface(host))?.name
        }
    };
    // Only the system knows it. The name in an endpoint is in lower case.
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let cased = interfaces.iter().find(|one| one.name.eq_ignore_ascii_case(&name));
    let name = cased.map_or(&*name, |one| &*one.name);
    let zoned = lookup(&format!("fe80::1%{name}"), 0).await.map_err(|_| no_interface(host))?;
    let index = zoned.into_iter().find_map(|address| match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => Some(v6.scope_id()),
        _ => None,
    });
    index.ok_or_else(|| no_interface(host))
}

fn no_interface(host: &Host) -> io::Error {
    let error = format!("no network interface `{host}` that has an address of this family");
    io::Error::new(io::ErrorKind::AddrNotAvailable, error)
}

/// Resolves the source of connections to at least one address of this machine.
pub(super) async fn resolve_source(source: &TcpSource) -> io::Result<Vec<SocketAddr>> {
    let Host::Name(name) = source.host() else {
        return resolve_by_system(source.host(), source.port()).await;
    };
    let addresses = interface(name, source.port());
    if addresses.is_empty() {
        let error = format!("no network interface `{name}` that has an address");
        return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, error));
    }
    Ok(addresses)
}

pub(super) async fn resolve_by_system(host: &Host, port: u16) -> io::Result<Vec<SocketAddr>> {
    match host {
        Host::Any => {
            Ok(vec![(Ipv6Addr::UNSPECIFIED, port).into(), (Ipv4Addr::UNSPECIFIED, port).into()])
        }
        Host::Ipv4(address) => Ok(vec![(*address, port).into()]),
        Host::Ipv6 { address, zone, .. } => match zone.as_deref().map(str::parse) {
            None => Ok(vec![(*address, port).into()]),
            Some(Ok(id)) => Ok(vec![SocketAddrV6::new(*address, port, 0, id).into()]),
            // Only the system knows the number of a named interface.
            Some(Err(_)) => {
                let zone = zone.as_deref().unwrap_or_default();
                lookup(&format!("{address}%{zone}"), port).await
            }
        },
        name => lookup(&name.to_string(), port).await,
    }
}

async fn lookup(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok(net::lookup_host((name, port)).await?.collect())
}

/// The addresses of a network interface, IPv4 first; none if there is no such interface.
///
/// Link-local addresses of IPv6 are not included: they are only useful with a zone.
fn interface(name: &str, port: u16) -> Vec<SocketAddr> {
    // Without the permission to list interfaces, host names remain.
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut addresses: Vec<SocketAddr> = interfaces
        .into_iter()
        // The name in an endpoint is in lower case.
        .filter(|interface| interface.name.eq_ignore_ascii_case(name))
        .map(|interface| (interface.ip(), port).into())
        .collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses
}

/// Orders addresses for dialing: the families alternate, beginning with that of the first.
///
/// A family that does not work here therefore costs one attempt instead of one for each address
/// (RFC 8305, Sorting Addresses).
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
    use zmtp_proto::endpoint::Endpoint;

    use super::*;

    #[tokio::test]
    async fn an_address_resolves_to_itself() {
        for text in ["127.0.0.1:1", "[::1]:1", "[fe80::1%3]:1"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(
                resolve(&address.into(), &NameResolver::default()).await.unwrap(),
                [address]
            );
        }
    }

    #[tokio::test]
    async fn localhost_resolves_to_loopback_addresses() {
        let endpoint = tcp("tcp://localhost:1");
        let addresses = resolve(&endpoint, &NameResolver::default()).await.unwrap();
        assert!(!addresses.is_empty());
        assert!(addresses.iter().all(|address| address.ip().is_loopback()));
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_named_interface_becomes_its_number() {
        let endpoint = tcp("tcp://[fe80::1%lo]:1");
        let addresses = resolve(&endpoint, &NameResolver::default()).await.unwrap();
        assert_eq!(addresses, ["[fe80::1%1]:1".parse().unwrap()]);
    }

    #[tokio::test]
    async fn an_interface_that_does_not_exist_is_an_error() {
        let endpoint = tcp("tcp://[fe80::1%no-such-zone]:1");
        resolve(&endpoint, &NameResolver::default()).await.unwrap_err();
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn the_name_of_an_interface_stands_for_its_addresses_to_bind() {
        let addresses =
            resolve_to_bind(&tcp("tcp://LO:7"), &NameResolver::default()).await.unwrap();
        assert_eq!(addresses[0], ([127, 0, 0, 1], 7).into());
        assert!(addresses.iter().all(|address| address.ip().is_loopback()));
        resolve_to_bind(&tcp("tcp://localhost:7"), &NameResolver::default()).await.unwrap();
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_source_is_an_interface_or_an_address_and_not_a_host_name() {
        let resolve_source = async |text: &str| {
            let endpoint = tcp(text);
            resolve_source(endpoint.source().unwrap()).await
        };
        let addresses = resolve_source("tcp://lo:7;127.0.0.1:1").await.unwrap();
        assert_eq!(addresses[0], ([127, 0, 0, 1], 7).into());
        let addresses = resolve_source("tcp://127.0.0.2;127.0.0.1:1").await.unwrap();
        assert_eq!(addresses, [([127, 0, 0, 2], 0).into()]);
        let error = resolve_source("tcp://localhost;127.0.0.1:1").await.unwrap_err();
        assert_eq!(error.to_string(), "no network interface `localhost` that has an address");
    }

    #[test]
    fn families_take_turns() {
        let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let sorted_by_the_system = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"];
        let sorted_for_dialing = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"];
        assert_eq!(interleave(addresses(&sorted_by_the_system)), addresses(&sorted_for_dialing));
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
