//! Converts refusals and timeouts to the errors that sending methods return.
//!
//! If the socket picks the remote, an unreachable remote is as good as a full one. If the sender
//! names it, the error distinguishes the two.

use super::sending::WaitError;
use crate::error::{RouteError, SendError, TryRouteError, TrySendError};
use crate::message::{FromQueue, GroupMessage, Message};
use crate::routing::Refusal;

/// The error of a wait for any remote, which an unreachable one never ends.
pub(super) fn send_error<T>((failure, message): (WaitError, T)) -> SendError<T> {
    match failure {
        WaitError::Refused(Refusal::TooLong) => SendError::TooLong(message),
        WaitError::Refused(_) => SendError::Closed(message),
        WaitError::Timeout => SendError::Timeout(message),
    }
}

/// The error of a sink whose socket picks the remotes. It has no timeout.
pub(super) fn closed_error((_, message): (Refusal, Message)) -> SendError {
    SendError::Closed(message)
}

/// The error of an attempt to send to any remote without waiting.
pub(super) fn try_send_error<T>((refusal, message): (Refusal, T)) -> TrySendError<T> {
    match refusal {
        Refusal::Closed => TrySendError::Closed(message),
        Refusal::Full | Refusal::HostUnreachable => TrySendError::Full(message),
        Refusal::TooLong => TrySendError::TooLong(message),
    }
}

/// The error of a wait for a named remote.
pub(super) fn route_error<T>((failure, message): (WaitError, T)) -> RouteError<T> {
    match failure {
        WaitError::Refused(Refusal::Closed) => RouteError::Closed(message),
        // No length is refused where remotes are named.
        WaitError::Refused(Refusal::Full | Refusal::HostUnreachable | Refusal::TooLong) => {
            RouteError::HostUnreachable(message)
        }
        WaitError::Timeout => RouteError::Timeout(message),
    }
}

/// The error of a sink whose messages name their remotes. It has no timeout.
pub(super) fn refused_error((refusal, message): (Refusal, Message)) -> RouteError {
    route_error((WaitError::Refused(refusal), message))
}

/// The error of an attempt to send to a named remote without waiting.
pub(super) fn try_route_error<T>((refusal, message): (Refusal, T)) -> TryRouteError<T> {
    match refusal {
        Refusal::Closed => TryRouteError::Closed(message),
        Refusal::Full | Refusal::TooLong => TryRouteError::Full(message),
        Refusal::HostUnreachable => TryRouteError::HostUnreachable(message),
    }
}

/// The error of a wait for the members of a group.
pub(super) fn group_send_error(
    (failure, message): (WaitError, Message),
) -> SendError<GroupMessage> {
    send_error((failure, GroupMessage::from_queue(message)))
}

/// The error of a sink whose messages have groups. It has no timeout.
pub(super) fn group_refused_error(
    (refusal, message): (Refusal, Message),
) -> SendError<GroupMessage> {
    group_send_error((WaitError::Refused(refusal), message))
}

/// The error of an attempt to send to a group without waiting.
pub(super) fn group_try_send_error(
    (refusal, message): (Refusal, Message),
) -> TrySendError<GroupMessage> {
    try_send_error((refusal, GroupMessage::from_queue(message)))
}
