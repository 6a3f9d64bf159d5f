//! The implementations, one file each, with common traits for their roles.

pub(crate) mod bare;
mod bare_stamped;
pub(crate) mod channel;
pub(crate) mod curve;
pub(crate) mod libzmq;
pub(crate) mod libzmq_classic;
pub(crate) mod libzmq_groups;
mod libzmq_stamped;
pub(crate) mod libzmq_topics;
pub(crate) mod monocoque;
pub(crate) mod monocoque_req;
mod monocoque_stamped;
pub(crate) mod omq;
pub(crate) mod omq_batches;
pub(crate) mod omq_groups;
mod omq_stamped;
pub(crate) mod omq_topics;
pub(crate) mod rzmq;
pub(crate) mod stamped;
pub(crate) mod tokio_zmtp;
pub(crate) mod tokio_zmtp_batches;
pub(crate) mod tokio_zmtp_classic;
pub(crate) mod tokio_zmtp_groups;
mod tokio_zmtp_rpc;
pub(crate) mod tokio_zmtp_scatter;
mod tokio_zmtp_stamped;
pub(crate) mod tokio_zmtp_topics;
pub(crate) mod tonic;
pub(crate) mod zmq_rs;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::case::Transport;
use crate::report::Announce;

/// The implementations.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Implementation {
    /// This crate.
    TokioZmtp,
    /// libzmq 4.3.5 in C++.
    Libzmq,
    /// omq-tokio.
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
    /// This crate over TCP, where the others use WebSockets.
    TokioZmtpTcp,
}

impl Implementation {
    /// The implementations in the order of their columns.
    pub(crate) const ALL: [Self; 10] = [
        Self::TokioZmtp,
        Self::Libzmq,
        Self::Omq,
        Self::Monocoque,
        Self::ZmqRs,
        Self::Rzmq,
        Self::Tonic,
        Self::Bare,
        Self::Channel,
        Self::TokioZmtpTcp,
    ];

    /// Returns the heading of the column.
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
            Self::TokioZmtpTcp => "tokio-zmtp over tcp",
        }
    }

    /// Returns whether this is a baseline and not a messaging library.
    pub(crate) fn is_bare(self) -> bool {
        matches!(self, Self::Bare | Self::Channel | Self::TokioZmtpTcp)
    }
}

/// Messages one way, between two processes.
pub(crate) trait OneWay {
    /// True if its futures block their thread.
    const BLOCKS: bool = false;

    type Sender: Sender;
    type Receiver: Receiver;

    /// Binds a socket that receives from `connections` senders, and announces its endpoint.
    async fn receiver(place: &Place, announce: Announce) -> Result<Self::Receiver, Failure>;

    /// Connects a socket that sends bodies of `size` bytes.
    async fn sender(endpoint: &str, size: usize) -> Result<Self::Sender, Failure>;

    /// Connects senders over `connections` connections, used in turn: one socket each, or one
    /// socket for all where the implementation allows it.
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
}

/// Requests and replies, between two processes.
pub(crate) trait Messaging {
    type Client: Client;
    type Server: Server;

    /// Binds a socket that returns every message, and announces its endpoint.
    async fn server(place: &Place, announce: Announce) -> Result<Self::Server, Failure>;

    /// Connects a socket that makes requests of `size` bytes.
    async fn client(endpoint: &str, size: usize) -> Result<Self::Client, Failure>;
}

/// Messages from one socket to many in another process: from a RADIO to DISHes, or from a PUB to SUBs.
pub(crate) trait FanOut {
    /// True if its futures block their thread.
    const BLOCKS: bool = false;

    type Publisher: Publisher;
    type Subscriber: Subscriber;

    /// Creates a socket that sends.
    async fn publisher(place: &Place, end: End<'_>) -> Result<Self::Publisher, Failure>;

    /// Creates a socket that receives.
    async fn subscriber(place: &Place, end: End<'_>) -> Result<Self::Subscriber, Failure>;

    /// Forwards between a publisher and the subscribers that connect, until the process ends.
    async fn forward(_: &Place, _publisher: &str, _: Announce) -> Result<(), Failure> {
        Err("the implementation is not measured with a proxy".into())
    }
}

/// Whether a socket binds or connects.
#[derive(Debug)]
pub(crate) enum End<'a> {
    Bind(Announce),
    Connect(&'a str),
}

/// The endpoint to bind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) transport: Transport,
    /// The path of the socket's file, if the transport is `ipc`.
    pub(crate) path: String,
    /// The port, if the transport is `udp` or the server has restarted.
    pub(crate) port: u16,
    /// The size of the bodies in bytes.
    pub(crate) size: usize,
    /// The number of connections.
    pub(crate) connections: usize,
    /// Whether a publisher waits for full subscribers.
    pub(crate) no_drop: bool,
    /// The number of topics of each SUB.
    pub(crate) topics: usize,
}

impl Place {
    /// Returns the usual form of the endpoint.
    pub(crate) fn endpoint(&self) -> String {
        match self.transport {
            Transport::Ipc => format!("ipc://{}", self.path),
            Transport::Inproc | Transport::Tcp => "tcp://127.0.0.1:0".to_owned(),
            Transport::Udp => format!("udp://127.0.0.1:{}", self.port),
            Transport::Ws => "ws://127.0.0.1:*/".to_owned(),
        }
    }
}

/// The sending end.
pub(crate) trait Sender {
    /// Sends `count` messages and ensures that they are written.
    async fn send(&mut self, count: u64) -> Result<(), Failure>;
}

/// The receiving end.
pub(crate) trait Receiver {
    /// Receives `count` messages.
    async fn recv(&mut self, count: u64) -> Result<(), Failure>;
}

/// Sends messages to all subscribers.
pub(crate) trait Publisher {
    /// Sends `count` messages with copies of `body`.
    async fn send(&mut self, body: &[u8], count: u64) -> Result<(), Failure>;
}

/// Receives the messages of a publisher.
pub(crate) trait Subscriber: Send + 'static {
    /// Receives a message and returns the mark at the start of its body.
    fn recv(&mut self) -> impl Future<Output = Result<Mark, Failure>> + Send;

    /// Receives a message if one has arrived. It is only used where `recv` blocks its thread.
    fn try_recv(&mut self) -> Result<Option<Mark>, Failure> {
        Err("the futures of this implementation do not block".into())
    }
}

/// Sends requests.
pub(crate) trait Client {
    /// Sends one request, or stores it until `flush`.
    async fn send(&mut self) -> Result<(), Failure>;

    /// Writes the requests that `send` has stored.
    async fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// Receives one reply.
    async fn recv(&mut self) -> Result<(), Failure>;

    /// Receives one reply if it has arrived, where the implementation supports this.
    fn try_recv(&mut self) -> Result<bool, Failure> {
        Ok(false)
    }
}

/// Answers requests.
pub(crate) trait Server {
    /// Returns every message, indefinitely.
    async fn serve(&mut self) -> Result<(), Failure>;
}

/// Remote procedure calls.
pub(crate) trait Rpc {
    type Caller: Caller;

    /// Binds, announces the endpoint, and answers every call with its body, indefinitely.
    async fn respond(place: &Place, announce: Announce) -> Result<(), Failure>;

    /// Connects a caller that sends bodies of `size` bytes.
    async fn caller(endpoint: &str, size: usize) -> Result<Self::Caller, Failure>;
}

/// A caller. Each concurrent call uses a clone.
pub(crate) trait Caller: Clone + Send + 'static {
    /// Waits for the reply.
    fn call(&mut self) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The number of messages that are sent or received together.
pub(crate) const BATCH: u64 = 64;

/// The start of a body that is sent to many.
///
/// Such messages may be dropped, so a receiver cannot detect the last message by counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// A message of the round with this number.
    Within(u32),
    /// Follows the messages of the round with this number.
    After(u32),
}

impl Mark {
    /// Returns a body of `size` bytes.
    pub(crate) fn to_body(self, size: usize) -> Vec<u8> {
        let (tag, round) = match self {
            Self::Within(round) => (0, round),
            Self::After(round) => (1, round),
        };
        let mut body = vec![7; size];
        body[0] = tag;
        body[1..5].copy_from_slice(&round.to_le_bytes());
        body
    }

    /// Fails unless the body has the expected length.
    pub(crate) fn of_body(body: &[u8], expected_size: usize) -> Result<Self, Failure> {
        expect_size(body.len(), expected_size)?;
        match body {
            [tag, a, b, c, d, ..] => {
                let round = u32::from_le_bytes([*a, *b, *c, *d]);
                Ok(if *tag == 0 { Self::Within(round) } else { Self::After(round) })
            }
            _ => Err("the body is too short for a mark".into()),
        }
    }
}

/// The group or topic of all messages. libzmq 4.3.5 crashes with groups of 15 bytes and more
/// that several DISHes have joined (libzmq#4199).
pub(crate) const GROUP: &str = "news";

/// Returns the topics of a SUB. Only the last one, [`GROUP`], matches.
pub(crate) fn topics(place: &Place) -> impl Iterator<Item = String> {
    let others = (1..place.topics).map(|number| format!("other topic {number}"));
    others.chain([GROUP.to_owned()])
}

/// Fails unless a body has the length that was sent.
pub(crate) fn expect_size(found: usize, expected: usize) -> Result<(), Failure> {
    if found == expected {
        return Ok(());
    }
    Err(format!("received {found} bytes instead of {expected}").into())
}
