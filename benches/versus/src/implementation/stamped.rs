//! Requests whose bodies carry a stamp, which their replies return.
//!
//! A stamp assigns each reply to the time of its request, even if replies arrive in another order.

use std::time::Duration;

use crate::Failure;
use crate::implementation::{Place, expect_size};
use crate::report::Announce;
use crate::ticks::Ticks;

/// Stamped requests, from one socket in one process to one socket in another.
pub(crate) trait Stamped {
    type Client: StampedClient;

    /// Connects a socket with `connections` connections, which it uses in turn.
    async fn client(endpoint: &str, connections: usize) -> Result<Self::Client, Failure>;

    /// Binds a socket and announces its endpoint. Returns each message to its sender, after setting
    /// the number of remotes in its stamp to the number of those that have sent a message.
    async fn count_remotes(_: &Place, _: Announce) -> Result<(), Failure> {
        Err("the implementation is not measured with many connections".into())
    }
}

/// Sends stamped requests.
pub(crate) trait StampedClient {
    /// Sends one request, or stores it until `flush`.
    async fn send(&mut self, stamp: Stamp) -> Result<(), Failure>;

    /// Sends one request if a queue has room. Returns whether it does.
    fn try_send(&mut self, _: Stamp) -> Result<bool, Failure> {
        Err("the implementation is not measured with many connections".into())
    }

    /// Writes the requests that `send` has stored.
    async fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// Receives one reply if it has arrived.
    fn try_recv(&mut self) -> Result<Option<Stamp>, Failure>;

    /// Waits until a reply arrives, or until the next tick. Returns the reply.
    async fn recv_or(&mut self, ticks: &mut Ticks) -> Result<Option<Stamp>, Failure>;
}

/// Returns an endpoint for many connections: all addresses of this machine.
pub(super) fn bound_endpoint(place: &Place) -> String {
    format!("tcp://0.0.0.0:{}", place.port)
}

/// Returns an endpoint for each connection.
///
/// Those for many connections have different addresses of the loopback interface, because a socket
/// may ignore an endpoint that it is already connected to.
pub(super) fn endpoints(bound: &str, connections: usize) -> impl Iterator<Item = String> {
    let many = bound.strip_prefix("tcp://0.0.0.0:");
    (0..connections).map(move |number| {
        let [.., high, low] = number.to_be_bytes();
        many.map_or_else(|| bound.to_owned(), |port| format!("tcp://127.1.{high}.{low}:{port}"))
    })
}

/// What a body contains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The time for which the request is planned, in nanoseconds.
    pub(crate) due: u64,
    /// In a reply, the number of remotes of the server that have sent a message.
    pub(crate) remotes: u64,
}

impl Stamp {
    pub(crate) fn to_body(self) -> [u8; BODY] {
        let mut body = [7; BODY];
        body[..8].copy_from_slice(&self.due.to_le_bytes());
        body[8..16].copy_from_slice(&self.remotes.to_le_bytes());
        body
    }

    /// Fails unless the body has the expected length.
    pub(crate) fn of_body(body: &[u8]) -> Result<Self, Failure> {
        expect_size(body.len(), BODY)?;
        let number = |at| body[at..at + 8].iter().rfold(0, |n, &byte| n << 8 | u64::from(byte));
        Ok(Self { due: number(0), remotes: number(8) })
    }
}

/// The time limit for establishing all connections.
pub(crate) const CROWD_LIMIT: Duration = Duration::from_secs(40);

/// The size of all bodies.
pub(super) const BODY: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_returns_its_stamp() {
        let stamp = Stamp { due: 0x0102_0304_0506, remotes: 10_000 };
        assert_eq!(Stamp::of_body(&stamp.to_body()).expect("the length is valid"), stamp);
    }
}
