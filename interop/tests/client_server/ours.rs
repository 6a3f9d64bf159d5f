//! CLIENT and SERVER of `tokio-zmtp`.

use std::time::Duration;

use interop::{number, numbered};
use tokio::time;
use tokio_zmtp::{
    BindError, Builder, Client, Message, ReceivingSocket, RecvError, RoutingId, SendingSocket,
    Server, Socket, TryRouteError, TrySendError,
};

use crate::pairing::{ClientSide, POLL_INTERVAL, Routed, ServerSide, Side};

#[derive(Debug)]
pub(crate) struct OurClient(pub(crate) Client);

#[derive(Debug)]
pub(crate) struct OurServer(pub(crate) Server);

pub(crate) fn client(hwm: usize) -> OurClient {
    OurClient(build(Client::builder(), hwm))
}

pub(crate) fn server(hwm: usize) -> OurServer {
    OurServer(build(Server::builder(), hwm))
}

/// Creates a client that has queues for connected remotes only.
pub(crate) fn immediate_client(hwm: usize) -> OurClient {
    OurClient(build(Client::builder().immediate(true), hwm))
}

/// Creates a server that has queues for connected remotes only.
pub(crate) fn immediate_server(hwm: usize) -> OurServer {
    OurServer(build(Server::builder().immediate(true), hwm))
}

/// Creates a client that sends a PING every `interval`, and waits for an answer for `timeout`.
pub(crate) fn client_with_heartbeats(interval: Duration, timeout: Duration) -> OurClient {
    OurClient(with_heartbeats(Client::builder(), interval, timeout).build())
}

/// Creates a server that sends a PING every `interval`, and waits for an answer for `timeout`.
pub(crate) fn server_with_heartbeats(interval: Duration, timeout: Duration) -> OurServer {
    OurServer(with_heartbeats(Server::builder(), interval, timeout).build())
}

fn with_heartbeats<S: Socket>(
    builder: Builder<S>,
    interval: Duration,
    timeout: Duration,
) -> Builder<S> {
    builder.heartbeat_interval(interval).heartbeat_timeout(timeout).heartbeat_ttl(timeout)
}

fn build<S: SendingSocket + ReceivingSocket>(builder: Builder<S>, hwm: usize) -> S {
    builder
        .send_hwm(hwm)
        .recv_hwm(hwm)
        .reconnect_interval(RECONNECT_INTERVAL)
        .reconnect_interval_max(RECONNECT_INTERVAL)
        .build()
}

impl Side for OurClient {
    async fn bind(&self, endpoint: &str) -> String {
        bind_patiently(&self.0, endpoint).await
    }

    async fn connect(&self, endpoint: &str) {
        self.0.connect(endpoint).await.unwrap();
    }
}

impl Side for OurServer {
    async fn bind(&self, endpoint: &str) -> String {
        bind_patiently(&self.0, endpoint).await
    }

    async fn connect(&self, endpoint: &str) {
        self.0.connect(endpoint).await.unwrap();
    }
}

impl ClientSide for OurClient {
    fn try_send(&self, body: &[u8]) -> bool {
        match self.0.try_send(body) {
            Ok(()) => true,
            Err(TrySendError::Full(message)) => {
                assert_eq!(&*message, body, "a failed send returns a different message");
                false
            }
            Err(error) => panic!("cannot send: {error}"),
        }
    }

    async fn send(&self, body: &[u8]) {
        self.0.send(body).await.unwrap();
    }

    async fn recv(&self) -> Vec<u8> {
        let message = self.0.recv().await.unwrap();
        assert_eq!(message.routing_id(), None);
        message.to_vec()
    }

    async fn send_numbered(&self, count: u64, size: usize) {
        for body in (0..count).map(|number| numbered(number, size)) {
            self.0.send(body).await.unwrap();
        }
    }

    async fn recv_numbered(&self, count: u64) {
        expect_numbered(count, async || self.0.recv().await).await;
    }
}

impl ServerSide for OurServer {
    type Id = RoutingId;

    fn unassigned_id(number: u32) -> RoutingId {
        RoutingId::new(number).unwrap()
    }

    fn try_route(&self, id: RoutingId, body: &[u8]) -> Routed {
        let (routed, message) = match self.0.try_route(id, body) {
            Ok(()) => return Routed::Sent,
            Err(TryRouteError::Full(message)) => (Routed::Full, message),
            Err(TryRouteError::HostUnreachable(message)) => (Routed::Unreachable, message),
            Err(error) => panic!("cannot route: {error}"),
        };
        assert_eq!(&*message, body, "a failed send returns a different message");
        routed
    }

    async fn route(&self, id: RoutingId, body: &[u8]) {
        self.0.route(id, body).await.unwrap();
    }

    async fn recv(&self) -> (Vec<u8>, RoutingId) {
        let message = self.0.recv().await.unwrap();
        let id = message.routing_id().expect("a server's messages have a routing id");
        (message.to_vec(), id)
    }

    async fn route_numbered(&self, count: u64, size: usize, id: RoutingId) {
        for body in (0..count).map(|number| numbered(number, size)) {
            self.0.route(id, body).await.unwrap();
        }
    }

    async fn recv_numbered(&self, count: u64) {
        expect_numbered(count, async || self.0.recv().await).await;
    }
}

async fn bind_patiently(socket: &impl Socket, endpoint: &str) -> String {
    loop {
        match socket.bind(endpoint).await {
            Ok(endpoint) => return endpoint.to_string(),
            Err(BindError::AddrInUse { .. }) => time::sleep(POLL_INTERVAL).await,
            Err(error) => panic!("cannot bind {endpoint}: {error}"),
        }
    }
}

async fn expect_numbered(count: u64, mut recv: impl AsyncFnMut() -> Result<Message, RecvError>) {
    for expected in 0..count {
        assert_eq!(number(&recv().await.unwrap()), Some(expected));
    }
}

/// A short interval, because tests wait for it.
const RECONNECT_INTERVAL: Duration = Duration::from_millis(10);
