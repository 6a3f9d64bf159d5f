//! What is compared: one file for each implementation, behind one set of roles.

pub(crate) mod bare;
pub(crate) mod channel;
mod curve;
pub(crate) mod libzmq;
pub(crate) mod monocoque;
pub(crate) mod omq;
pub(crate) mod rzmq;
pub(crate) mod tokio_zmtp;
mod tokio_zmtp_rpc;
pub(crate) mod tonic;
pub(crate) mod zmq_rs;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::case::Transport;
use crate::role::Announce;

/// Who does the work.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Implementation {
    /// This crate: CLIENT and SERVER.
    TokioZmtp,
    /// libzmq 4.3.5 in C++: CLIENT and SERVER.
    Libzmq,
    /// omq-tokio: CLIENT and SERVER.
    Omq,
    /// monocoque: PUSH and PULL, DEALER and ROUTER.
    Monocoque,
    /// zmq.rs: PUSH and PULL, DEALER and ROUTER.
    ZmqRs,
    /// rzmq: PUSH and PULL, DEALER and ROUTER.
    Rzmq,
    /// tonic: gRPC.
    Tonic,
    /// Streams of bytes, without a library.
    Bare,
    /// Tokio's bounded channel of 1,000 messages.
    Channel,
}

impl Implementation {
    /// In the order of their columns.
    pub(crate) const ALL: [Self; 9] = [
        Self::TokioZmtp,
        Self::Libzmq,
        Self::Omq,
        Self::Monocoque,
        Self::ZmqRs,
        Self::Rzmq,
        Self::Tonic,
        Self::Bare,
        Self::Channel,
    ];

    /// The heading of its column.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::TokioZmtp => "tokio-zmtp",
            Self::Libzmq => "libzmq",
            Self::Omq => "omq-tokio",
            Self::Monocoque => "monocoque",
            Self::ZmqRs => "zmq.rs",
            Self::Rzmq => "rzmq",
            Self::Tonic => "tonic",
            Self::Bare => "bare sockets",
            Self::Channel => "mpsc",
        }
    }

    /// Whether this is no library of messages but what one stands on.
    pub(crate) fn is_bare(self) -> bool {
        matches!(self, Self::Bare | Self::Channel)
    }
}

/// What is done with an implementation between two processes.
pub(crate) trait Messaging {
    /// Whether its futures hold their thread up instead of waiting.
    const BLOCKS: bool = false;

    type Sender: Sender;
    type Receiver: Receiver;
    type Client: Client;
    type Server: Server;

    /// Binds a socket that takes what `connections` senders send, and announces its endpoint.
    async fn receiver(place: &Place, announce: Announce) -> Result<Self::Receiver, Failure>;

    /// Connects a socket that sends bodies of `size` bytes.
    async fn sender(endpoint: &str, size: usize) -> Result<Self::Sender, Failure>;

    /// Connects what sends over `connections` connections, in turn: sockets of one connection, or
    /// one socket where there is such.
    async fn senders(
        endpoint: &str,
        size: usize,
        connections: usize,
    ) -> Result<Vec<Self::Sender>, Failure> {
        let mut senders = Vec::with_capacity(connections);
        for _ in 0..connections {
            senders.push(Self::sender(endpoint, size).await?);
        }
        Ok(senders)
    }

    /// Binds a socket that returns what it receives, and announces its endpoint.
    async fn server(place: &Place, announce: Announce) -> Result<Self::Server, Failure>;

    /// Connects a socket that makes requests of `size` bytes.
    async fn client(endpoint: &str, size: usize) -> Result<Self::Client, Failure>;
}

/// Where to bind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) transport: Transport,
    /// Of the socket's file, if the transport is `ipc`.
    pub(crate) path: String,
    /// Bytes of the bodies to come.
    pub(crate) size: usize,
    /// How many will connect.
    pub(crate) connections: usize,
}

impl Place {
    /// As most implementations write it.
    pub(crate) fn endpoint(&self) -> String {
        match self.transport {
            Transport::Ipc => format!("ipc://{}", self.path),
            Transport::Inproc | Transport::Tcp => "tcp://127.0.0.1:0".to_owned(),
        }
    }
}

/// Sends.
pub(crate) trait Sender {
    /// Sends `count` messages, and sees to it that they are written.
    async fn send(&mut self, count: u64) -> Result<(), Failure>;
}

/// Receives.
pub(crate) trait Receiver {
    /// Receives `count` messages.
    async fn recv(&mut self, count: u64) -> Result<(), Failure>;
}

/// Makes requests.
pub(crate) trait Client {
    /// Sends one request, or keeps it for `flush`.
    async fn send(&mut self) -> Result<(), Failure>;

    /// Writes what `send` has kept.
    async fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// Receives one reply.
    async fn recv(&mut self) -> Result<(), Failure>;

    /// Receives one reply if it is there already, where that can be told.
    fn try_recv(&mut self) -> Result<bool, Failure> {
        Ok(false)
    }
}

/// Answers requests.
pub(crate) trait Server {
    /// Returns what it receives, for ever.
    async fn serve(&mut self) -> Result<(), Failure>;
}

/// Remote procedure calls.
pub(crate) trait Rpc {
    type Caller: Caller;

    /// Binds, announces the endpoint, and answers with what it was called with, for ever.
    async fn respond(place: &Place, announce: Announce) -> Result<(), Failure>;

    /// Connects what calls with bodies of `size` bytes.
    async fn caller(endpoint: &str, size: usize) -> Result<Self::Caller, Failure>;
}

/// Calls, from as many clones of it as there are calls at once.
pub(crate) trait Caller: Clone + Send + 'static {
    /// Waits for the answer.
    fn call(&mut self) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Fails unless a body has the length that was sent.
pub(crate) fn expect_size(found: usize, expected: usize) -> Result<(), Failure> {
    if found == expected {
        return Ok(());
    }
    Err(format!("received {found} bytes instead of {expected}").into())
}
