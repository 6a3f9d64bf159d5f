//! Multicast addresses that this machine can use.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use socket2::SockRef;

use crate::skipped::skip;

/// Returns pairs of different multicast endpoints without a port, such as
/// `udp://127.0.0.1;239.255.77.1`. Pairs that this machine cannot use are [skipped](skip). The
/// first pair uses the loopback interface.
pub fn endpoints() -> Vec<[&'static str; 2]> {
    let candidates = [
        (
            Group::V4(Ipv4Addr::new(239, 255, 77, 1), Ipv4Addr::LOCALHOST),
            ["udp://127.0.0.1;239.255.77.1", "udp://127.0.0.1;239.255.77.2"],
        ),
        (
            Group::V4(Ipv4Addr::new(239, 255, 77, 3), Ipv4Addr::UNSPECIFIED),
            ["udp://239.255.77.3", "udp://239.255.77.4"],
        ),
        (
            Group::V6(Ipv6Addr::new(0xFF02, 0, 0, 0, 0, 0, 0x7777, 3)),
            ["udp://[ff02::7777:3]", "udp://[ff02::7777:4]"],
        ),
    ];
    let mut endpoints = Vec::new();
    for (group, pair) in candidates {
        match probe(group) {
            Ok(()) => endpoints.push(pair),
            Err(error) => skip(format_args!("{} cannot be used here: {error}", pair[0])),
        }
    }
    endpoints
}

/// A multicast address, and the address of its interface.
#[derive(Clone, Copy)]
enum Group {
    V4(Ipv4Addr, Ipv4Addr),
    V6(Ipv6Addr),
}

/// Sends a datagram to a multicast address without the library, and receives it.
fn probe(group: Group) -> io::Result<()> {
    let receiver;
    let to: SocketAddr;
    match group {
        Group::V4(address, interface) => {
            receiver = UdpSocket::bind("0.0.0.0:0")?;
            receiver.join_multicast_v4(&address, &interface)?;
            SockRef::from(&receiver).set_multicast_if_v4(&interface)?;
            to = (address, receiver.local_addr()?.port()).into();
        }
        Group::V6(address) => {
            receiver = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?;
            receiver.join_multicast_v6(&address, 0)?;
            to = (address, receiver.local_addr()?.port()).into();
        }
    }
    receiver.send_to(b"probe", to)?;
    // The system delivers the datagram to its own sockets immediately. The time limit is for
    // systems that drop it.
    receiver.set_read_timeout(Some(Duration::from_secs(1)))?;
    receiver.recv(&mut [0; 16]).map(|_| ())
}
