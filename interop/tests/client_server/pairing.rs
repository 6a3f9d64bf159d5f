//! The operations of a test on a socket of either library.

use std::fmt::Debug;
use std::future::Future;
use std::net::TcpListener;
use std::time::Duration;

use support::transports::own_loopback;
use tokio::time;

/// The end that binds. The other end connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binds {
    Client,
    Server,
}

/// One end of a connection.
pub(crate) trait Side {
    /// Binds as soon as the address is free, and returns the endpoint with its actual port.
    async fn bind(&self, endpoint: &str) -> String;
    async fn connect(&self, endpoint: &str);
}

pub(crate) trait ClientSide: Side {
    /// Returns whether the message was queued.
    fn try_send(&self, body: &[u8]) -> bool;
    async fn send(&self, body: &[u8]);
    async fn recv(&self) -> Vec<u8>;
    async fn send_numbered(&self, count: u64, size: usize);
    async fn recv_numbered(&self, count: u64);
}

pub(crate) trait ServerSide: Side {
    type Id: Copy + Debug + PartialEq;

    /// Returns the id with this number, which is not assigned to a remote.
    fn unassigned_id(number: u32) -> Self::Id;
    fn try_route(&self, id: Self::Id, body: &[u8]) -> Routed;
    async fn route(&self, id: Self::Id, body: &[u8]);
    async fn recv(&self) -> (Vec<u8>, Self::Id);
    async fn route_numbered(&self, count: u64, size: usize, id: Self::Id);
    async fn recv_numbered(&self, count: u64);
}

/// The outcome of a message for one remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Routed {
    Sent,
    Full,
    Unreachable,
}

/// Connects the two over TCP, and returns the endpoint.
pub(crate) async fn join(client: &impl Side, server: &impl Side, binds: Binds) -> String {
    join_at(ANY_PORT, client, server, binds).await
}

/// Connects the two at an endpoint that one of them binds, and returns the endpoint.
pub(crate) async fn join_at(
    endpoint: &str,
    client: &impl Side,
    server: &impl Side,
    binds: Binds,
) -> String {
    match binds {
        Binds::Client => {
            let endpoint = client.bind(endpoint).await;
            server.connect(&endpoint).await;
            endpoint
        }
        Binds::Server => {
            let endpoint = server.bind(endpoint).await;
            client.connect(&endpoint).await;
            endpoint
        }
    }
}

/// Sends one message each way and returns the routing id of the client.
pub(crate) async fn greet<S: ServerSide>(client: &impl ClientSide, server: &S) -> S::Id {
    client.send(b"hello, server").await;
    let (request, id) = server.recv().await;
    assert_eq!(request, b"hello, server");
    server.route(id, b"hello, client").await;
    assert_eq!(client.recv().await, b"hello, client");
    id
}

/// Returns every message to its sender, indefinitely.
pub(crate) async fn echo(server: &impl ServerSide) {
    loop {
        let (request, id) = server.recv().await;
        // A disconnected sender expects no reply.
        server.try_route(id, &request);
    }
}

/// Repeats a request until a reply arrives, as clients do whose server may restart.
///
/// `round` makes the requests distinct from earlier ones, whose replies may still be in transit.
pub(crate) async fn ask_until_answered(client: &impl ClientSide, round: &str) {
    for attempt in 0.. {
        client.try_send(format!("{round} {attempt}").as_bytes());
        while let Ok(reply) = time::timeout(ASK_AGAIN_AFTER, client.recv()).await {
            if reply.starts_with(round.as_bytes()) {
                return;
            }
        }
    }
}

/// Returns an endpoint to bind that can be bound again later.
pub(crate) fn own_address() -> String {
    support::transports::own_address().to_string()
}

/// Returns an endpoint without a listener.
pub(crate) fn free_endpoint() -> String {
    let listener = TcpListener::bind((own_loopback(), 0)).expect("a port is free");
    format!("tcp://{}", listener.local_addr().expect("a bound socket has an address"))
}

/// Fails a test that hangs.
pub(crate) async fn guarded<T>(test: impl Future<Output = T>) -> T {
    time::timeout(GUARD, test).await.expect("the test hangs")
}

/// Runs `async fn $test(client, server, binds)` with each library at either end, with either end
/// binding, and on both runtimes. Both ends have high-water marks of `hwm` in both directions.
macro_rules! in_every_pairing {
    ($test:ident, hwm = $hwm:expr) => {
        mod $test {
            mod current_thread {
                crate::pairing::in_every_pairing!(@on "current_thread", $test, $hwm);
            }
            mod multi_thread {
                crate::pairing::in_every_pairing!(@on "multi_thread", $test, $hwm);
            }
        }
    };
    (@on $flavor:literal, $test:ident, $hwm:expr) => {
        use super::super::*;
        use crate::pairing::{Binds, guarded};
        use crate::{ours, theirs};

        #[tokio::test(flavor = $flavor)]
        async fn our_client_binds() {
            guarded($test(ours::client($hwm), theirs::server($hwm), Binds::Client)).await;
        }

        #[tokio::test(flavor = $flavor)]
        async fn our_client_connects() {
            guarded($test(ours::client($hwm), theirs::server($hwm), Binds::Server)).await;
        }

        #[tokio::test(flavor = $flavor)]
        async fn our_server_binds() {
            guarded($test(theirs::client($hwm), ours::server($hwm), Binds::Server)).await;
        }

        #[tokio::test(flavor = $flavor)]
        async fn our_server_connects() {
            guarded($test(theirs::client($hwm), ours::server($hwm), Binds::Client)).await;
        }
    };
}
pub(crate) use in_every_pairing;

const ASK_AGAIN_AFTER: Duration = Duration::from_millis(50);

pub(crate) const ANY_PORT: &str = "tcp://127.0.0.1:*";

/// The default of both libraries.
pub(crate) const DEFAULT_HWM: usize = 1_000;

/// A time limit far beyond the duration of a test on a slow machine.
pub(crate) const GUARD: Duration = Duration::from_secs(60);

/// The interval for checking a condition that cannot be awaited.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(1);
