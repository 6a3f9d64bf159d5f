//! The sockets over which a requester makes calls.

use zmtp_proto::socket_type::SocketType;

use super::framing::{Framing, delimited};
use crate::remote::{LOCK_STEP, Remote};
use crate::socket::tracked::{PipeKey, TrackedRequests};
use crate::socket::{Client, Dealer, ReceivingSocket, SendingSocket};

/// A socket over which a [`Requester`](super::Requester) makes calls: a [`Client`], whose servers
/// are SERVER sockets, or a [`Dealer`], whose servers are ROUTER, REP and DEALER sockets.
///
/// The trait cannot be implemented outside of this crate.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::Message;
/// use tokio_zmtp::rpc::{CallError, Requester, RequestingSocket};
///
/// async fn greet<S: RequestingSocket>(requester: &Requester<S>) -> Result<Message, CallError> {
///     requester.call("hello").await
/// }
/// ```
#[expect(private_bounds, reason = "so that other crates cannot implement it")]
pub trait RequestingSocket: SendingSocket + ReceivingSocket + SendsRequests {}

/// The form of requests and replies, and what servers accept.
pub(crate) trait SendsRequests: TrackedRequests {
    /// The form of requests.
    const FRAMING: Framing<'static>;

    /// Returns the message of a call in a received message.
    #[inline]
    fn open(message: &[u8]) -> Option<&[u8]> {
        match Self::FRAMING {
            Framing::Body => Some(message),
            Framing::LastPart(_) => delimited(message),
        }
    }

    /// Returns whether the server of a pipe accepts cancellations.
    fn accepts_cancel(&self, pipe: PipeKey) -> bool {
        Self::FRAMING == Framing::Body
            || self.last_remote(pipe).is_some_and(|server| !is_in_lock_step(&server))
    }
}

impl RequestingSocket for Client {}

impl SendsRequests for Client {
    const FRAMING: Framing<'static> = Framing::Body;
}

impl RequestingSocket for Dealer {}

impl SendsRequests for Dealer {
    const FRAMING: Framing<'static> = Framing::DELIMITED;
}

/// Returns whether a server has to reply to every message before it receives the next. A REP of
/// libzmq does; this crate's [`Rep`](crate::Rep) announces that it does not.
fn is_in_lock_step(server: &Remote) -> bool {
    server.socket_type() == Some(SocketType::Rep) && server.property(LOCK_STEP) != Some(b"0")
}
