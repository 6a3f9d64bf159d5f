//! The messages of MDP/0.1 (RFC 7).

use std::time::Duration;

use tokio_zmtp::Multipart;

/// The second part of a message of a client, after an empty one. The name of a service follows,
/// and then the request or reply.
pub(crate) const CLIENT: &[u8] = b"MDPC01";

/// The second part of a message between a worker and the broker, after an empty one. A command
/// follows.
pub(crate) const WORKER: &[u8] = b"MDPW01";

/// A message between a worker and the broker.
pub(crate) enum Command {
    /// A worker offers a service.
    Ready {
        service: Vec<u8>,
    },
    /// The request of a client, for a worker.
    Request {
        client: Vec<u8>,
        body: Multipart,
    },
    /// The reply of a worker, for a client.
    Reply {
        client: Vec<u8>,
        body: Multipart,
    },
    Heartbeat,
    /// One end no longer knows the other.
    Disconnect,
}

impl Command {
    /// Decodes a message, or returns `None` if it is not a command.
    pub(crate) fn decode(message: &Multipart) -> Option<Self> {
        let parts: Vec<_> = message.iter().collect();
        let body = |parts: &[&[u8]]| parts.iter().collect();
        match &parts[..] {
            [b"", WORKER, b"\x01", service] => Some(Self::Ready { service: service.to_vec() }),
            [b"", WORKER, b"\x02", client, b"", rest @ ..] if !rest.is_empty() => {
                Some(Self::Request { client: client.to_vec(), body: body(rest) })
            }
            [b"", WORKER, b"\x03", client, b"", rest @ ..] if !rest.is_empty() => {
                Some(Self::Reply { client: client.to_vec(), body: body(rest) })
            }
            [b"", WORKER, b"\x04"] => Some(Self::Heartbeat),
            [b"", WORKER, b"\x05"] => Some(Self::Disconnect),
            _ => None,
        }
    }

    pub(crate) fn encode(&self) -> Multipart {
        let start = |code: &'static [u8]| [b"", WORKER, code].into_iter();
        match self {
            Self::Ready { service } => start(b"\x01").chain([&service[..]]).collect(),
            Self::Request { client, body } => {
                start(b"\x02").chain([&client[..], b""]).chain(body).collect()
            }
            Self::Reply { client, body } => {
                start(b"\x03").chain([&client[..], b""]).chain(body).collect()
            }
            Self::Heartbeat => start(b"\x04").collect(),
            Self::Disconnect => start(b"\x05").collect(),
        }
    }
}

/// The time between two heartbeats, as in the guide.
pub(crate) const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(2500);

/// An end that was silent for this time has failed.
pub(crate) const LIVENESS: Duration = Duration::from_millis(3 * 2500);
