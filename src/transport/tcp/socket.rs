//! Sockets of the system with their options.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::TcpStream;

use crate::options::TcpOptions;
use crate::platform::sockets::{self, OptionError, check};
use crate::transport::socket_options;

/// Creates a socket for connecting to the address, or for binding it, and sets its options.
///
/// Options must be set first: the handshake of TCP depends on the size of the buffers, and accepted
/// sockets inherit most options of the listening one.
pub(super) fn open(address: SocketAddr, options: &TcpOptions) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    set_options(&socket, options)?;
    Ok(socket)
}

/// Sets the options that can be set at any time.
pub(super) fn set_options(socket: &Socket, options: &TcpOptions) -> io::Result<()> {
    set_max_retransmission_time(socket, options)?;
    set_keepalive(socket, options)?;
    socket_options::set(socket, options)
}

/// Binds the source address of a socket that connects.
pub(super) fn bind_source(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    // Lets several connections, and re-established ones, share a port.
    if address.port() != 0 {
        sockets::reuse_address(socket)?;
    }
    let bound = socket.bind(&address.into());
    bound.map_err(|source| OptionError::Source { address, source }.into())
}

/// Sets the options that an accepted socket does not inherit on every system.
pub(super) fn adopt(stream: &TcpStream, options: &TcpOptions) -> io::Result<()> {
    let socket = SockRef::from(stream);
    set_keepalive(&socket, options)?;
    // Accepted sockets start with zero.
    if let Some(priority) = options.priority {
        sockets::set_priority(&socket, priority)?;
    }
    Ok(())
}

fn set_keepalive(socket: &Socket, options: &TcpOptions) -> io::Result<()> {
    // In one call: on Windows each call resets the values of the others.
    let details = sockets::keepalive(
        options.keepalive_idle.map(whole_seconds),
        options.keepalive_interval.map(whole_seconds),
        options.keepalive_count,
    );
    let is_detailed = options.keepalive_idle.is_some()
        || options.keepalive_interval.is_some()
        || options.keepalive_count.is_some();
    let outcome = match options.keepalive {
        Some(false) => socket.set_keepalive(false),
        _ if is_detailed => socket.set_tcp_keepalive(&details),
        Some(true) => socket.set_keepalive(true),
        None => Ok(()),
    };
    check("SO_KEEPALIVE or its details", outcome)
}

fn set_max_retransmission_time(socket: &Socket, options: &TcpOptions) -> io::Result<()> {
    let Some(limit) = options.max_retransmission_time else { return Ok(()) };
    // Truncated to milliseconds, a short limit would be zero, which means no limit.
    let limit = if limit.is_zero() { limit } else { limit.max(Duration::from_millis(1)) };
    sockets::set_user_timeout(socket, limit)
}

/// Rounds up to the unit of the system, because zero would be refused.
fn whole_seconds(duration: Duration) -> Duration {
    let fraction = u64::from(duration.subsec_nanos() > 0);
    Duration::from_secs(duration.as_secs().saturating_add(fraction))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fmt::Debug;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    #[tokio::test]
    async fn both_ends_of_a_connection_have_the_options() {
        let options = TcpOptions {
            keepalive_count: Some(7),
            keepalive_idle: Some(Duration::from_secs(77)),
            keepalive_interval: Some(Duration::from_secs(17)),
            max_retransmission_time: Some(Duration::from_millis(70_007)),
            priority: Some(5),
            // The system has its own minimum and maximum.
            recv_buffer_size: Some(20_000),
            send_buffer_size: Some(30_000),
            type_of_service: Some(0xB8),
            ..TcpOptions::default()
        };
        for (bound, dialed) in places() {
            for stream in pair(bound, dialed, &options).await {
                let socket = SockRef::from(&stream);
                assert!(socket.keepalive().unwrap());
                assert_eq!(socket.tcp_keepalive_retries().unwrap(), 7);
                assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(77));
                assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(17));
                assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_millis(70_007)));
                assert_eq!(socket.priority().unwrap(), 5);
                // Twice the requested size. The default would be larger.
                assert_eq!(socket.recv_buffer_size().unwrap(), 40_000);
                assert_eq!(socket.send_buffer_size().unwrap(), 60_000);
                assert_type_of_service(&stream, 0xB8);
            }
        }
    }

    #[tokio::test]
    async fn options_that_are_not_set_are_left_to_the_system() {
        for (bound, dialed) in places() {
            let ours = pair(bound, dialed, &TcpOptions::default()).await;
            let listener = TcpListener::bind(dialed).await.unwrap();
            let theirs = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            for stream in &ours {
                assert_eq!(readable_options(stream), readable_options(&theirs));
            }
        }
    }

    #[tokio::test]
    async fn each_detail_of_keepalive_turns_it_on() {
        let none = TcpOptions::default;
        let second = Some(Duration::from_secs(1));
        for options in [
            TcpOptions { keepalive: Some(true), ..none() },
            TcpOptions { keepalive_count: Some(1), ..none() },
            TcpOptions { keepalive_idle: second, ..none() },
            TcpOptions { keepalive_interval: second, ..none() },
        ] {
            for stream in pair(loopback(), loopback(), &options).await {
                assert!(SockRef::from(&stream).keepalive().unwrap());
            }
            let options = TcpOptions { keepalive: Some(false), ..options };
            for stream in pair(loopback(), loopback(), &options).await {
                assert!(!SockRef::from(&stream).keepalive().unwrap());
            }
        }
    }

    #[test]
    fn short_times_do_not_become_zero() {
        let options = TcpOptions {
            keepalive_idle: Some(Duration::from_millis(1)),
            keepalive_interval: Some(Duration::from_millis(1_001)),
            max_retransmission_time: Some(Duration::from_nanos(1)),
            ..TcpOptions::default()
        };
        let socket = open(loopback(), &options).unwrap();
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(1));
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(2));
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_millis(1)));
    }

    #[test]
    fn no_retransmission_time_is_the_one_of_the_system() {
        let options =
            TcpOptions { max_retransmission_time: Some(Duration::ZERO), ..TcpOptions::default() };
        assert_eq!(open(loopback(), &options).unwrap().tcp_user_timeout().unwrap(), None);
    }

    #[tokio::test]
    async fn a_connection_goes_through_the_device() {
        let options = TcpOptions { device: Some("lo".to_owned()), ..TcpOptions::default() };
        if let Err(error) = open(loopback(), &options) {
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
            eprintln!("skipped: this system requires a privilege");
            return;
        }
        for (bound, dialed) in places() {
            for stream in pair(bound, dialed, &options).await {
                assert_eq!(SockRef::from(&stream).device().unwrap(), Some(b"lo".to_vec()));
            }
        }
    }

    #[test]
    fn an_option_that_is_refused_is_named_in_the_error() {
        let none = TcpOptions::default;
        for (options, name) in [
            (
                TcpOptions { keepalive_count: Some(1_000), ..none() },
                "cannot set SO_KEEPALIVE or its details",
            ),
            (
                TcpOptions { device: Some("no-such-device".to_owned()), ..none() },
                "cannot set SO_BINDTODEVICE",
            ),
            // Truncated by the system, it could be the name of an existing one.
            (TcpOptions { device: Some("lo".repeat(8)), ..none() }, "cannot set SO_BINDTODEVICE"),
        ] {
            let error = open(loopback(), &options).unwrap_err();
            assert_eq!(error.to_string(), name);
            assert!(OptionError::is_in(&error));
        }
    }

    /// Establishes a connection with the same options at both ends; returns the dialing end first.
    async fn pair(bound: SocketAddr, dialed: SocketAddr, options: &TcpOptions) -> [TcpStream; 2] {
        let listener = open(bound, options).unwrap();
        listener.bind(&bound.into()).unwrap();
        listener.listen(1).unwrap();
        let listener = TcpListener::from_std(listener.into()).unwrap();
        let address = (dialed.ip(), listener.local_addr().unwrap().port()).into();
        let socket = TcpSocket::from_std_stream(open(address, options).unwrap().into());
        let dialed = socket.connect(address).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        adopt(&accepted, options).unwrap();
        [dialed, accepted]
    }

    /// Checks the byte of the packets that the stream sends.
    fn assert_type_of_service(stream: &TcpStream, byte: u32) {
        let socket = SockRef::from(stream);
        let local = stream.local_addr().unwrap();
        match local.ip() {
            IpAddr::V6(ip) if ip.to_ipv4_mapped().is_none() => {
                assert_eq!(socket.tclass_v6().unwrap(), byte);
            }
            _ => assert_eq!(socket.tos_v4().unwrap(), byte),
        }
    }

    fn readable_options(stream: &TcpStream) -> impl PartialEq + Debug {
        let socket = SockRef::from(stream);
        (
            socket.keepalive().unwrap(),
            socket.tcp_keepalive_retries().unwrap(),
            socket.tcp_keepalive_time().unwrap(),
            socket.tcp_keepalive_interval().unwrap(),
            socket.tcp_user_timeout().unwrap(),
            socket.priority().unwrap(),
            socket.tos_v4().unwrap(),
            socket.device().unwrap(),
        )
    }

    /// Pairs of an address to bind and an address to dial.
    fn places() -> Vec<(SocketAddr, SocketAddr)> {
        let mut places = vec![(loopback(), loopback())];
        let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
        if support::skipped::has_ipv6() {
            let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
            places.extend([(v6, v6), (any, v6), (any, loopback())]);
        }
        places
    }

    fn loopback() -> SocketAddr {
        (Ipv4Addr::LOCALHOST, 0).into()
    }
}
