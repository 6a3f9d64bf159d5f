//! The target of a send: none, a remote by its routing id or identity, a group, or the remotes that
//! the first part of the message determines.
//!
//! The target determines the errors of sending. If the socket picks the remote, the error is the
//! same for full and for unreachable remotes. If the sender names it, the error distinguishes the
//! two.

use zmtp_proto::group::Group;
use zmtp_proto::identity::Identity;

use super::Kind;
use super::waiting::WaitError;
use crate::connection_id::ConnectionId;
use crate::error::{ReplyError, RouteError, SendError, TryReplyError, TryRouteError, TrySendError};
use crate::message::{AnyMessage, GroupMessage, Message, Multipart, RouterMessage};
use crate::routing::{FirstPart, Refusal, Strategy};
use crate::routing_id::RoutingId;

/// The target of the messages of a socket type.
pub(super) type TargetOf<K> = <<K as Kind>::Outgoing as Strategy>::Target;

/// The target of a message.
pub(super) trait Target: Clone {
    /// The error of an operation that can wait. It holds the message, or nothing.
    type Error<M>;

    /// The error of an operation that does not wait. It holds the message, or nothing.
    type TryError<M>;

    /// Returns the target of the next message of a sink if every message has the same. The sink
    /// reserves a slot for it.
    fn same_for_all() -> Option<Self> {
        None
    }

    fn error<M>(failure: WaitError, message: M) -> Self::Error<M>;

    fn try_error<M>(refusal: Refusal, message: M) -> Self::TryError<M>;
}

/// A message that contains its target, or needs none.
pub(super) trait Addressed<T>: AnyMessage {
    /// Returns the target. A message without it has no reachable remote.
    fn target(&self) -> Option<T>;

    /// Adds the target to a message that returns from a queue, if it is not part of it there.
    fn addressed(self, _to: T) -> Self {
        self
    }
}

/// The socket picks the remote.
impl Target for () {
    type Error<M> = SendError<M>;
    type TryError<M> = TrySendError<M>;

    #[inline]
    fn same_for_all() -> Option<Self> {
        Some(())
    }

    fn error<M>(failure: WaitError, message: M) -> SendError<M> {
        match failure {
            WaitError::Refused(Refusal::TooLong) => SendError::TooLong(message),
            WaitError::Refused(_) => SendError::Closed(message),
            WaitError::Timeout => SendError::Timeout(message),
        }
    }

    fn try_error<M>(refusal: Refusal, message: M) -> TrySendError<M> {
        match refusal {
            Refusal::Closed => TrySendError::Closed(message),
            Refusal::Full | Refusal::HostUnreachable => TrySendError::Full(message),
            Refusal::TooLong => TrySendError::TooLong(message),
        }
    }
}

/// Implements a target whose errors are those of a send without one.
macro_rules! untargeted_errors {
    ($target:ty) => {
        impl Target for $target {
            type Error<M> = SendError<M>;
            type TryError<M> = TrySendError<M>;

            fn error<M>(failure: WaitError, message: M) -> SendError<M> {
                <()>::error(failure, message)
            }

            fn try_error<M>(refusal: Refusal, message: M) -> TrySendError<M> {
                <()>::try_error(refusal, message)
            }
        }
    };
}

untargeted_errors!(Group);
untargeted_errors!(FirstPart);

impl Target for RoutingId {
    type Error<M> = RouteError<M>;
    type TryError<M> = TryRouteError<M>;

    fn error<M>(failure: WaitError, message: M) -> RouteError<M> {
        match failure {
            WaitError::Refused(Refusal::Closed) => RouteError::Closed(message),
            // Only messages of groups can be too long.
            WaitError::Refused(Refusal::Full | Refusal::HostUnreachable | Refusal::TooLong) => {
                RouteError::HostUnreachable(message)
            }
            WaitError::Timeout => RouteError::Timeout(message),
        }
    }

    fn try_error<M>(refusal: Refusal, message: M) -> TryRouteError<M> {
        match refusal {
            Refusal::Closed => TryRouteError::Closed(message),
            Refusal::Full | Refusal::TooLong => TryRouteError::Full(message),
            Refusal::HostUnreachable => TryRouteError::HostUnreachable(message),
        }
    }
}

impl Target for Identity {
    type Error<M> = RouteError<M>;
    type TryError<M> = TryRouteError<M>;

    fn error<M>(failure: WaitError, message: M) -> RouteError<M> {
        RoutingId::error(failure, message)
    }

    fn try_error<M>(refusal: Refusal, message: M) -> TryRouteError<M> {
        RoutingId::try_error(refusal, message)
    }
}

/// A reply goes back through the connection of its request.
impl Target for ConnectionId {
    type Error<M> = ReplyError<M>;
    type TryError<M> = TryReplyError<M>;

    fn error<M>(failure: WaitError, message: M) -> ReplyError<M> {
        match failure {
            WaitError::Refused(Refusal::Closed) => ReplyError::Closed(message),
            WaitError::Refused(Refusal::Full | Refusal::HostUnreachable | Refusal::TooLong) => {
                ReplyError::HostUnreachable(message)
            }
            WaitError::Timeout => ReplyError::Timeout(message),
        }
    }

    fn try_error<M>(refusal: Refusal, message: M) -> TryReplyError<M> {
        match refusal {
            Refusal::Closed => TryReplyError::Closed(message),
            Refusal::Full | Refusal::TooLong => TryReplyError::Full(message),
            Refusal::HostUnreachable => TryReplyError::HostUnreachable(message),
        }
    }
}

impl<M: AnyMessage> Addressed<()> for M {
    #[inline]
    fn target(&self) -> Option<()> {
        Some(())
    }
}

impl Addressed<Group> for GroupMessage {
    #[inline]
    fn target(&self) -> Option<Group> {
        Some(self.group())
    }
}

impl Addressed<FirstPart> for Multipart {
    #[inline]
    fn target(&self) -> Option<FirstPart> {
        Some(FirstPart)
    }
}

impl Addressed<Identity> for RouterMessage {
    fn target(&self) -> Option<Identity> {
        Some(self.identity().clone())
    }

    fn addressed(self, to: Identity) -> Self {
        self.identified(to)
    }
}

impl Addressed<RoutingId> for Message {
    #[inline]
    fn target(&self) -> Option<RoutingId> {
        self.routing_id()
    }
}
