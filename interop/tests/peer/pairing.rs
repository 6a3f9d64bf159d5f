//! The operations of a test on a PEER of either library.

use std::fmt::Debug;
use std::io;
use std::time::Duration;

use interop::{Context, Received, Socket, SocketOption, SocketType, TryError};
use support::transports::{self, Transport};
use tokio::time;
use tokio_zmtp::{BindError, Peer, RoutingId, TryRouteError};

pub(crate) trait PeerSide {
    type Id: Copy + Debug + PartialEq;

    /// Creates a socket with these high-water marks in both directions.
    fn with_hwm(hwm: usize) -> Self;

    fn new() -> Self
    where
        Self: Sized,
    {
        Self::with_hwm(DEFAULT_HWM)
    }

    /// Returns the id with this number, which no remote has.
    fn made_up_id(number: u32) -> Self::Id;

    /// Binds as soon as the address is free, and returns the endpoint with its real port.
    async fn bind(&self, endpoint: &str) -> String;
    async fn connect_peer(&self, endpoint: &str) -> Self::Id;
    fn try_route(&self, id: Self::Id, body: &[u8]) -> Routed;
    async fn route(&self, id: Self::Id, body: &[u8]);
    async fn recv(&self) -> (Vec<u8>, Self::Id);

    /// Receives a message with this body, and returns the routing id of its remote.
    async fn expect(&self, body: &[u8]) -> Self::Id {
        let (received, id) = self.recv().await;
        assert!(received == body, "{} bytes arrive damaged", body.len());
        id
    }
}

/// The outcome of a message for one remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Routed {
    Sent,
    Full,
    Unreachable,
}

impl PeerSide for Peer {
    type Id = RoutingId;

    fn with_hwm(hwm: usize) -> Self {
        Self::builder()
            .send_hwm(hwm)
            .recv_hwm(hwm)
            .reconnect_interval(RECONNECT_INTERVAL)
            .reconnect_interval_max(RECONNECT_INTERVAL)
            .build()
    }

    fn made_up_id(number: u32) -> RoutingId {
        RoutingId::new(number).unwrap()
    }

    async fn bind(&self, endpoint: &str) -> String {
        loop {
            match self.bind(endpoint).await {
                Ok(endpoint) => return endpoint.to_string(),
                Err(BindError::AddrInUse { .. }) => time::sleep(POLL_INTERVAL).await,
                Err(error) => panic!("cannot bind {endpoint}: {error}"),
            }
        }
    }

    async fn connect_peer(&self, endpoint: &str) -> RoutingId {
        self.connect_peer(endpoint).await.unwrap()
    }

    fn try_route(&self, id: RoutingId, body: &[u8]) -> Routed {
        match self.try_route(id, body) {
            Ok(()) => Routed::Sent,
            Err(TryRouteError::Full(_)) => Routed::Full,
            Err(TryRouteError::HostUnreachable(_)) => Routed::Unreachable,
            Err(error) => panic!("cannot route: {error}"),
        }
    }

    async fn route(&self, id: RoutingId, body: &[u8]) {
        self.route(id, body).await.unwrap();
    }

    async fn recv(&self) -> (Vec<u8>, RoutingId) {
        let message = self.recv().await.unwrap();
        (message.to_vec(), message.routing_id().unwrap())
    }
}

impl PeerSide for Socket {
    type Id = u32;

    fn with_hwm(hwm: usize) -> Self {
        let socket = socket(SocketType::Peer);
        let hwm = hwm.try_into().unwrap();
        socket.set(SocketOption::RecvHwm, hwm).unwrap();
        socket.set(SocketOption::SendHwm, hwm).unwrap();
        socket
    }

    fn made_up_id(number: u32) -> u32 {
        number
    }

    async fn bind(&self, endpoint: &str) -> String {
        until_some(|| match self.bind(endpoint) {
            Ok(()) => Some(self.last_endpoint().unwrap()),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => None,
            Err(error) => panic!("cannot bind {endpoint}: {error}"),
        })
        .await
    }

    async fn connect_peer(&self, endpoint: &str) -> u32 {
        self.connect_peer(endpoint).unwrap()
    }

    fn try_route(&self, id: u32, body: &[u8]) -> Routed {
        match self.try_send_to(body, id) {
            Ok(()) => Routed::Sent,
            Err(TryError::WouldBlock) => Routed::Full,
            Err(TryError::Failed(error)) if error.kind() == io::ErrorKind::HostUnreachable => {
                Routed::Unreachable
            }
            Err(error) => panic!("cannot route: {error}"),
        }
    }

    async fn route(&self, id: u32, body: &[u8]) {
        until_some(|| would_not_block(self.try_send_to(body, id))).await;
    }

    async fn recv(&self) -> (Vec<u8>, u32) {
        let Received { body, routing_id } = until_some(|| would_not_block(self.try_recv())).await;
        assert_ne!(routing_id, 0);
        (body, routing_id)
    }
}

/// Creates a libzmq socket in a separate context, and therefore with a separate I/O thread.
pub(crate) fn socket(socket_type: SocketType) -> Socket {
    let socket = Socket::new(&Context::new().unwrap(), socket_type).unwrap();
    let interval = RECONNECT_INTERVAL.as_millis().try_into().unwrap();
    socket.set(SocketOption::ReconnectInterval, interval).unwrap();
    socket
}

/// Returns an endpoint to bind that can be bound again later.
pub(crate) fn own_endpoint(transport: Transport) -> String {
    match transport {
        Transport::Tcp => transports::own_address().to_string(),
        _ => transport.any().to_string(),
    }
}

/// Returns an endpoint that can be bound, and that no socket is bound to.
pub(crate) async fn unbound(transport: Transport) -> String {
    let peer = Peer::new();
    let endpoint = PeerSide::bind(&peer, &own_endpoint(transport)).await;
    peer.unbind(&*endpoint).await.unwrap();
    endpoint
}

/// Fails a test that hangs.
pub(crate) async fn guarded<T>(test: impl Future<Output = T>) -> T {
    time::timeout(GUARD, test).await.expect("the test hangs")
}

/// Runs `async fn $test::<C, B>(transport)` with our peer as `C`, which connects, and theirs as `B`,
/// which binds, and the other way round, over tcp and ipc.
macro_rules! both_ways {
    ($test:ident) => {
        mod $test {
            use interop::Socket;
            use support::transports::Transport;
            use tokio_zmtp::Peer;

            use crate::pairing::guarded;

            #[tokio::test]
            async fn ours_connects_over_tcp() {
                guarded(super::$test::<Peer, Socket>(Transport::Tcp)).await;
            }

            #[tokio::test]
            async fn theirs_connects_over_tcp() {
                guarded(super::$test::<Socket, Peer>(Transport::Tcp)).await;
            }

            #[cfg(unix)]
            #[tokio::test]
            async fn ours_connects_over_ipc() {
                guarded(super::$test::<Peer, Socket>(Transport::Ipc)).await;
            }

            #[cfg(unix)]
            #[tokio::test]
            async fn theirs_connects_over_ipc() {
                guarded(super::$test::<Socket, Peer>(Transport::Ipc)).await;
            }
        }
    };
}
pub(crate) use both_ways;

/// Polls libzmq, which wakes no task.
pub(crate) async fn until_some<T>(mut poll: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(done) = poll() {
            return done;
        }
        time::sleep(POLL_INTERVAL).await;
    }
}

fn would_not_block<T>(result: Result<T, TryError>) -> Option<T> {
    match result {
        Ok(done) => Some(done),
        Err(TryError::WouldBlock) => None,
        Err(TryError::Failed(error)) => panic!("{error}"),
    }
}

pub(crate) const ANY_PORT: &str = "tcp://127.0.0.1:*";

/// The default of both libraries.
const DEFAULT_HWM: usize = 1_000;

/// A short interval, because tests wait for it.
pub(crate) const RECONNECT_INTERVAL: Duration = Duration::from_millis(10);

/// A time limit far beyond the duration of a test on a slow machine. No successful test waits this
/// long.
const GUARD: Duration = Duration::from_secs(60);

/// The interval at which a condition is checked that cannot be awaited.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(1);
