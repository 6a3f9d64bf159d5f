//! The operations of a test on a PUSH or PULL of either library.

use interop::{Socket, SocketType};
use support::transports::Transport;
use tokio_zmtp::{Multipart, Pull, Push, TrySendError};

use crate::pairing::{
    DEFAULT_HWM, bind_ours, bind_theirs, own_endpoint, reconnecting, socket_with_hwm, until_some,
    would_not_block,
};

/// One end of a connection.
pub(crate) trait Side: Sized {
    /// Creates a socket with the high-water mark `hwm`.
    fn with_hwm(hwm: usize) -> Self;

    fn new() -> Self {
        Self::with_hwm(DEFAULT_HWM)
    }

    /// Binds as soon as the address is free, and returns the endpoint with its actual port.
    async fn bind(&self, endpoint: &str) -> String;
    async fn connect(&self, endpoint: &str);
}

pub(crate) trait PushSide: Side {
    /// Returns whether the message was queued.
    fn try_send(&self, parts: &[Vec<u8>]) -> bool;
    async fn send(&self, parts: &[Vec<u8>]);
}

pub(crate) trait PullSide: Side {
    async fn recv(&self) -> Vec<Vec<u8>>;

    /// Receives a message with these parts.
    async fn expect(&self, parts: &[Vec<u8>]) {
        assert!(self.recv().await == parts, "a message of {} parts is damaged", parts.len());
    }
}

/// A PUSH of libzmq.
pub(crate) struct TheirPush(pub(crate) Socket);

/// A PULL of libzmq.
pub(crate) struct TheirPull(pub(crate) Socket);

/// The end that binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binds {
    Pull,
    Push,
}

impl Binds {
    pub(crate) const EITHER: [Self; 2] = [Self::Pull, Self::Push];
}

/// Connects the two, and returns the endpoint.
pub(crate) async fn join(
    push: &impl Side,
    pull: &impl Side,
    binds: Binds,
    transport: Transport,
) -> String {
    let endpoint = own_endpoint(transport);
    match binds {
        Binds::Pull => {
            let endpoint = pull.bind(&endpoint).await;
            push.connect(&endpoint).await;
            endpoint
        }
        Binds::Push => {
            let endpoint = push.bind(&endpoint).await;
            pull.connect(&endpoint).await;
            endpoint
        }
    }
}

/// Returns messages of different numbers and sizes of parts.
pub(crate) fn messages() -> Vec<Vec<Vec<u8>>> {
    let body = |size: usize| (0..size).map(|at| (at % 251) as u8).collect::<Vec<u8>>();
    let mut messages = Vec::new();
    for size in [0, 1, 33, 222, 223, 255, 256, 8_192, 65_536, 1 << 20] {
        messages.push(vec![body(size)]);
        messages.push(vec![body(size), Vec::new(), body(7)]);
        messages.push(vec![Vec::new(), body(size)]);
    }
    messages.push((0..1_000).map(|number: u32| number.to_be_bytes().to_vec()).collect());
    messages
}

impl Side for Push {
    fn with_hwm(hwm: usize) -> Self {
        reconnecting(Self::builder()).send_hwm(hwm).build()
    }

    async fn bind(&self, endpoint: &str) -> String {
        bind_ours(self, endpoint).await
    }

    async fn connect(&self, endpoint: &str) {
        self.connect(endpoint).await.unwrap();
    }
}

impl PushSide for Push {
    fn try_send(&self, parts: &[Vec<u8>]) -> bool {
        match self.try_send(parts.to_vec()) {
            Ok(()) => true,
            Err(TrySendError::Full(message)) => {
                assert_eq!(message, *parts, "a failed send returns a different message");
                false
            }
            Err(error) => panic!("cannot send: {error}"),
        }
    }

    async fn send(&self, parts: &[Vec<u8>]) {
        self.send(parts.iter().collect::<Multipart>()).await.unwrap();
    }
}

impl Side for Pull {
    fn with_hwm(hwm: usize) -> Self {
        reconnecting(Self::builder()).recv_hwm(hwm).build()
    }

    async fn bind(&self, endpoint: &str) -> String {
        bind_ours(self, endpoint).await
    }

    async fn connect(&self, endpoint: &str) {
        self.connect(endpoint).await.unwrap();
    }
}

impl PullSide for Pull {
    async fn recv(&self) -> Vec<Vec<u8>> {
        self.recv().await.unwrap().iter().map(<[u8]>::to_vec).collect()
    }
}

impl Side for TheirPush {
    fn with_hwm(hwm: usize) -> Self {
        Self(socket_with_hwm(SocketType::Push, hwm))
    }

    async fn bind(&self, endpoint: &str) -> String {
        bind_theirs(&self.0, endpoint).await
    }

    async fn connect(&self, endpoint: &str) {
        self.0.connect(endpoint).unwrap();
    }
}

impl PushSide for TheirPush {
    fn try_send(&self, parts: &[Vec<u8>]) -> bool {
        would_not_block(self.0.try_send_parts(parts)).is_some()
    }

    async fn send(&self, parts: &[Vec<u8>]) {
        until_some(|| would_not_block(self.0.try_send_parts(parts))).await;
    }
}

impl Side for TheirPull {
    fn with_hwm(hwm: usize) -> Self {
        Self(socket_with_hwm(SocketType::Pull, hwm))
    }

    async fn bind(&self, endpoint: &str) -> String {
        bind_theirs(&self.0, endpoint).await
    }

    async fn connect(&self, endpoint: &str) {
        self.0.connect(endpoint).unwrap();
    }
}

impl PullSide for TheirPull {
    async fn recv(&self) -> Vec<Vec<u8>> {
        until_some(|| would_not_block(self.0.try_recv_parts())).await
    }
}

/// Runs `async fn $test::<S, L>(transport)`, in which `S` sends to `L`.
macro_rules! from_push_to_pull {
    ($test:ident) => {
        crate::pairing::both_ways!(
            $test,
            ours_sends: <tokio_zmtp::Push, crate::push_pull::side::TheirPull>,
            theirs_sends: <crate::push_pull::side::TheirPush, tokio_zmtp::Pull>
        );
    };
}
pub(crate) use from_push_to_pull;
