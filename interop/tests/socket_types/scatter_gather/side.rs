//! The operations of a test on a SCATTER or GATHER of either library.

use interop::{Socket, SocketType};
use support::transports::Transport;
use tokio_zmtp::{Gather, Message, Scatter, TrySendError};

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

pub(crate) trait ScatterSide: Side {
    /// Returns whether the message was queued.
    fn try_send(&self, body: &[u8]) -> bool;
    async fn send(&self, body: &[u8]);
}

pub(crate) trait GatherSide: Side {
    async fn recv(&self) -> Vec<u8>;

    /// Receives a message with this body.
    async fn expect(&self, body: &[u8]) {
        assert!(self.recv().await == body, "a body of {} bytes is damaged", body.len());
    }
}

/// A SCATTER of libzmq.
pub(crate) struct TheirScatter(pub(crate) Socket);

/// A GATHER of libzmq.
pub(crate) struct TheirGather(pub(crate) Socket);

/// The end that binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binds {
    Gather,
    Scatter,
}

impl Binds {
    pub(crate) const EITHER: [Self; 2] = [Self::Gather, Self::Scatter];
}

/// Connects the two, and returns the endpoint.
pub(crate) async fn join(
    scatter: &impl Side,
    gather: &impl Side,
    binds: Binds,
    transport: Transport,
) -> String {
    let endpoint = own_endpoint(transport);
    match binds {
        Binds::Gather => {
            let endpoint = gather.bind(&endpoint).await;
            scatter.connect(&endpoint).await;
            endpoint
        }
        Binds::Scatter => {
            let endpoint = scatter.bind(&endpoint).await;
            gather.connect(&endpoint).await;
            endpoint
        }
    }
}

impl Side for Scatter {
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

impl ScatterSide for Scatter {
    fn try_send(&self, body: &[u8]) -> bool {
        match self.try_send(body) {
            Ok(()) => true,
            Err(TrySendError::Full(message)) => {
                assert_eq!(
                    message,
                    Message::from(body),
                    "a failed send returns a different message"
                );
                false
            }
            Err(error) => panic!("cannot send: {error}"),
        }
    }

    async fn send(&self, body: &[u8]) {
        self.send(body).await.unwrap();
    }
}

impl Side for Gather {
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

impl GatherSide for Gather {
    async fn recv(&self) -> Vec<u8> {
        self.recv().await.unwrap().to_vec()
    }
}

impl Side for TheirScatter {
    fn with_hwm(hwm: usize) -> Self {
        Self(socket_with_hwm(SocketType::Scatter, hwm))
    }

    async fn bind(&self, endpoint: &str) -> String {
        bind_theirs(&self.0, endpoint).await
    }

    async fn connect(&self, endpoint: &str) {
        self.0.connect(endpoint).unwrap();
    }
}

impl ScatterSide for TheirScatter {
    fn try_send(&self, body: &[u8]) -> bool {
        would_not_block(self.0.try_send(body)).is_some()
    }

    async fn send(&self, body: &[u8]) {
        until_some(|| would_not_block(self.0.try_send(body))).await;
    }
}

impl Side for TheirGather {
    fn with_hwm(hwm: usize) -> Self {
        Self(socket_with_hwm(SocketType::Gather, hwm))
    }

    async fn bind(&self, endpoint: &str) -> String {
        bind_theirs(&self.0, endpoint).await
    }

    async fn connect(&self, endpoint: &str) {
        self.0.connect(endpoint).unwrap();
    }
}

impl GatherSide for TheirGather {
    async fn recv(&self) -> Vec<u8> {
        until_some(|| would_not_block(self.0.try_recv())).await.body
    }
}

/// Runs `async fn $test::<S, G>(transport)`, in which `S` sends to `G`.
macro_rules! from_scatter_to_gather {
    ($test:ident) => {
        crate::pairing::both_ways!(
            $test,
            ours_sends: <tokio_zmtp::Scatter, crate::scatter_gather::side::TheirGather>,
            theirs_sends: <crate::scatter_gather::side::TheirScatter, tokio_zmtp::Gather>
        );
    };
}
pub(crate) use from_scatter_to_gather;
