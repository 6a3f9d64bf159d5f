//! The operations of a test on a CHANNEL of either library.

use interop::{Socket, SocketType};
use tokio_zmtp::{Channel, TrySendError};

use crate::pairing::{
    DEFAULT_HWM, bind_ours, bind_theirs, reconnecting, socket_with_hwm, until_some, would_not_block,
};

pub(crate) trait ChannelSide {
    /// Creates a socket with the high-water mark `hwm` in both directions.
    fn with_hwm(hwm: usize) -> Self;

    fn new() -> Self
    where
        Self: Sized,
    {
        Self::with_hwm(DEFAULT_HWM)
    }

    /// Binds as soon as the address is free, and returns the endpoint with its actual port.
    async fn bind(&self, endpoint: &str) -> String;
    async fn connect(&self, endpoint: &str);

    /// Returns whether the message was queued.
    fn try_send(&self, body: &[u8]) -> bool;
    async fn send(&self, body: &[u8]);
    async fn recv(&self) -> Vec<u8>;

    /// Receives a message with this body.
    async fn expect(&self, body: &[u8]) {
        assert!(self.recv().await == body, "a body of {} bytes is damaged", body.len());
    }
}

impl ChannelSide for Channel {
    fn with_hwm(hwm: usize) -> Self {
        reconnecting(Self::builder()).send_hwm(hwm).recv_hwm(hwm).build()
    }

    async fn bind(&self, endpoint: &str) -> String {
        bind_ours(self, endpoint).await
    }

    async fn connect(&self, endpoint: &str) {
        self.connect(endpoint).await.unwrap();
    }

    fn try_send(&self, body: &[u8]) -> bool {
        match self.try_send(body) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => false,
            Err(error) => panic!("cannot send: {error}"),
        }
    }

    async fn send(&self, body: &[u8]) {
        self.send(body).await.unwrap();
    }

    async fn recv(&self) -> Vec<u8> {
        self.recv().await.unwrap().to_vec()
    }
}

impl ChannelSide for Socket {
    fn with_hwm(hwm: usize) -> Self {
        socket_with_hwm(SocketType::Channel, hwm)
    }

    async fn bind(&self, endpoint: &str) -> String {
        bind_theirs(self, endpoint).await
    }

    async fn connect(&self, endpoint: &str) {
        self.connect(endpoint).unwrap();
    }

    fn try_send(&self, body: &[u8]) -> bool {
        would_not_block(self.try_send(body)).is_some()
    }

    async fn send(&self, body: &[u8]) {
        until_some(|| would_not_block(self.try_send(body))).await;
    }

    async fn recv(&self) -> Vec<u8> {
        until_some(|| would_not_block(self.try_recv())).await.body
    }
}

/// Runs a test with our channel as `C`, which connects, and theirs as `B`, which binds, and vice
/// versa.
macro_rules! channels {
    ($test:ident) => {
        $crate::pairing::both_ways!(
            $test,
            ours_connects: <tokio_zmtp::Channel, interop::Socket>,
            theirs_connects: <interop::Socket, tokio_zmtp::Channel>
        );
    };
}
pub(crate) use channels;
