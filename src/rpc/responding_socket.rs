//! The sockets over which a responder answers calls.

use zmtp_proto::message_shape::{last_part, split_first_part};
use zmtp_proto::request_envelope::{DELIMITER, split_envelope};
use zmtp_proto::rpc::envelope::{Envelope, EnvelopeError};
use zmtp_proto::socket_type::SocketType;

use super::envelope_path::EnvelopePath;
use super::return_path::ReturnPath;
use crate::remote::Remote;
use crate::routing_id::RoutingId;
use crate::socket::tracked::TrackedReplies;
use crate::socket::{ReceivingSocket, Rep, SendingSocket, Server};

/// A socket over which a [`Responder`](super::Responder) answers calls: a [`Server`], whose
/// requesters are CLIENT sockets, or a [`Rep`], whose requesters are REQ and DEALER sockets.
///
/// The trait cannot be implemented outside of this crate.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::rpc::{Failure, Request, Responder, RespondingSocket, service_fn};
///
/// async fn echo<S: RespondingSocket>(responder: Responder<S>) {
///     let echo = |request: Request| async move { Ok::<_, Failure>(request.into_body()) };
///     responder.serve(service_fn(echo)).await;
/// }
/// ```
#[expect(private_bounds, reason = "so that other crates cannot implement it")]
pub trait RespondingSocket: SendingSocket + ReceivingSocket + SendsReplies {}

/// The form of requests and replies, and what requesters accept.
pub(crate) trait SendsReplies: TrackedReplies {
    /// The path from a request back to its requester.
    type Path: ReturnPath<Key = <Self as TrackedReplies>::Key>;

    /// Whether the key of a remote is valid again after its connection has been re-established.
    const KEYS_OUTLIVE_CONNECTIONS: bool;

    /// Returns the message of a call in a received message, and the path back. `None` if there is
    /// no path.
    fn open<'a>(
        message: &'a [u8],
        remote: &Remote,
    ) -> Option<(Self::Path, Result<Envelope<'a>, EnvelopeError>)>;

    /// Returns the path to a remote, for messages that do not concern a call.
    fn path_to(remote: &Remote) -> Option<Self::Path>;

    /// Returns whether a requester accepts other messages than one answer to each request.
    fn is_asynchronous(remote: &Remote) -> bool;
}

impl RespondingSocket for Server {}

impl SendsReplies for Server {
    type Path = RoutingId;

    const KEYS_OUTLIVE_CONNECTIONS: bool = true;

    #[inline]
    fn open<'a>(
        message: &'a [u8],
        remote: &Remote,
    ) -> Option<(RoutingId, Result<Envelope<'a>, EnvelopeError>)> {
        Some((remote.routing_id()?, Envelope::decode(message)))
    }

    fn path_to(remote: &Remote) -> Option<RoutingId> {
        remote.routing_id()
    }

    #[inline]
    fn is_asynchronous(_remote: &Remote) -> bool {
        true
    }
}

impl RespondingSocket for Rep {}

impl SendsReplies for Rep {
    type Path = EnvelopePath;

    const KEYS_OUTLIVE_CONNECTIONS: bool = false;

    fn open<'a>(
        message: &'a [u8],
        remote: &Remote,
    ) -> Option<(EnvelopePath, Result<Envelope<'a>, EnvelopeError>)> {
        let (envelope, body) = split_envelope(message)?;
        let path = EnvelopePath::new(remote.connection_id(), envelope);
        let decoded = match split_first_part(body) {
            None => last_part(body).map(Envelope::decode)?,
            Some((first, _)) => Err(several_parts(first)),
        };
        Some((path, decoded))
    }

    fn path_to(remote: &Remote) -> Option<EnvelopePath> {
        Some(EnvelopePath::new(remote.connection_id(), &DELIMITER))
    }

    fn is_asynchronous(remote: &Remote) -> bool {
        remote.socket_type() == Some(SocketType::Dealer)
    }
}

/// Returns the error of a message of several parts, of which this is the first.
fn several_parts(first: &[u8]) -> EnvelopeError {
    match Envelope::decode(first) {
        Ok(Envelope { id, .. }) => EnvelopeError::Malformed { id },
        Err(error) => error,
    }
}
