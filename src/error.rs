//! The errors of operations, one type for each.
//!
//! The error of an operation that sends contains the message.

mod endpoints;
mod lock_step;
mod reply;
mod request;
mod returned;

use std::fmt;

use thiserror::Error;
use zmtp_proto::metadata::MetadataError;

pub use self::endpoints::{
    AttachError, BindError, ConnectError, ConnectPeerError, DisconnectError, UnbindError,
};
pub use self::lock_step::LockStepError;
pub use self::reply::{AnswerError, ReplyError, TryReplyError};
pub use self::request::RequestError;
pub use self::returned::{RecvReturnedError, TryRecvReturnedError};
use crate::message::Message;
use crate::monitor::DialFailure;

/// The error of [`Remotes::connected`](crate::Remotes::connected) and
/// [`connected_timeout`](crate::Remotes::connected_timeout): no remote is connected. Also the error
/// of [`Pub::subscribed`](crate::Pub::subscribed).
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum NoRemoteError {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed,
    /// No endpoint is left, because the last one was abandoned: its remote refused this socket by an
    /// ERROR command, whose reason was not `occupied` or `duplicate identity`, or the options permit
    /// no further attempt. Holds the reason.
    #[error("no endpoint is left")]
    Failed(#[source] DialFailure),
    /// No remote was connected in time. Holds the reason why the last attempt failed, if one has.
    #[error("no remote was connected in time")]
    Timeout(#[source] Option<DialFailure>),
}

/// The error of `Builder::metadata` and `Admission::property`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PropertyError {
    /// The name is empty, too long, or has a character that is not allowed.
    #[error("the name of a property must be 1 to 255 letters, digits, '-', '_', '.' and '+'")]
    InvalidName,
    /// The name does not begin with `X-`, the prefix of the properties of applications.
    #[error("the name of an application's property must begin with \"X-\"")]
    ReservedPrefix,
    /// All properties together take more than 60,000 bytes.
    #[error("the properties are too large")]
    TooLarge,
}

/// The error of `send`, `send_timeout`, `send_many` and `reserve`. Holds the message, except for
/// `send_many`, which leaves messages with the caller, and `reserve`.
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError<T = Message> {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed(T),
    /// The time limit was reached in the mute state: there was no remote, or the queues of all
    /// remotes were full.
    #[error("no remote could take a message in time")]
    Timeout(T),
    /// A RADIO is connected to a `udp` endpoint, and the message does not fit a datagram: its group
    /// is longer than 127 bytes, or group and body together have more than 8,191. Or the message is
    /// a subscription of an XSUB whose topic is longer than 32 KiB. No remote was sent the message.
    #[error("the message does not fit a datagram of a udp endpoint, or its topic is too long")]
    TooLong(T),
}

/// The error of `try_send` and `try_send_many`. Holds the message, except for `try_send_many`, which
/// leaves messages with the caller.
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TrySendError<T = Message> {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed(T),
    /// There is no remote, or the queues of all remotes are full: the mute state.
    #[error("no remote can take a message now")]
    Full(T),
    /// A RADIO is connected to a `udp` endpoint, and the message does not fit a datagram: its group
    /// is longer than 127 bytes, or group and body together have more than 8,191. Or the message is
    /// a subscription of an XSUB whose topic is longer than 32 KiB. No remote was sent the message.
    #[error("the message does not fit a datagram of a udp endpoint, or its topic is too long")]
    TooLong(T),
}

/// The error of `route`, `route_timeout`, `route_many`, `reply` and `reserve_route`. Holds the
/// message, except for `route_many`, which leaves messages with the caller, and `reserve_route`.
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RouteError<T = Message> {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed(T),
    /// No remote has this routing id or identity: it is unknown, or its remote has left.
    #[error("no remote has this routing id or identity")]
    HostUnreachable(T),
    /// The queue of this remote was full until the time limit was reached, which is zero if the
    /// operation does not wait.
    #[error("the queue of the remote is full")]
    Timeout(T),
}

/// The error of `try_route`, `try_route_many` and `try_send_to`. Holds the message, except for
/// `try_route_many`, which leaves messages with the caller.
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TryRouteError<T = Message> {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed(T),
    /// The queue of this remote is full.
    #[error("the queue of the remote is full")]
    Full(T),
    /// No remote has this routing id or identity: it is unknown, or its remote has left.
    #[error("no remote has this routing id or identity")]
    HostUnreachable(T),
}

/// The error of `recv`, `recv_timeout`, `recv_from` and `recv_many`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
// In a result, it overlaps a message, which is moved in whole words if the error is one.
#[repr(align(8))]
pub enum RecvError {
    /// The socket has been closed, and all received messages have been taken.
    #[error("the socket is closed")]
    Closed,
    /// No message was received within the time limit.
    #[error("no message was received in time")]
    Timeout,
}

/// The error of `try_recv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[repr(align(8))]
pub enum TryRecvError {
    /// The socket has been closed, and all received messages have been taken.
    #[error("the socket is closed")]
    Closed,
    /// No message is available now.
    #[error("no message is available")]
    Empty,
}

impl From<MetadataError> for PropertyError {
    fn from(error: MetadataError) -> Self {
        match error {
            MetadataError::TooLarge | MetadataError::ValueTooLong => Self::TooLarge,
            MetadataError::EmptyName
            | MetadataError::InvalidName { .. }
            | MetadataError::NameTooLong
            | MetadataError::Truncated => Self::InvalidName,
        }
    }
}

impl<T> SendError<T> {
    /// Returns the message.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(client: tokio_zmtp::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// if let Err(error) = client.send("task").await {
    ///     println!("not sent: {} bytes", error.into_inner().len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_inner(self) -> T {
        match self {
            Self::Closed(message) | Self::Timeout(message) | Self::TooLong(message) => message,
        }
    }
}

impl<T> TrySendError<T> {
    /// Returns the message.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(client: tokio_zmtp::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// if let Err(error) = client.try_send("task") {
    ///     client.send(error.into_inner()).await?; // waits for room
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_inner(self) -> T {
        match self {
            Self::Closed(message) | Self::Full(message) | Self::TooLong(message) => message,
        }
    }
}

impl<T> RouteError<T> {
    /// Returns the message.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let id = server.recv().await?.routing_id().unwrap();
    /// if let Err(error) = server.route(id, "news").await {
    ///     println!("not sent: {} bytes", error.into_inner().len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_inner(self) -> T {
        match self {
            Self::Closed(message) | Self::HostUnreachable(message) | Self::Timeout(message) => {
                message
            }
        }
    }
}

impl<T> TryRouteError<T> {
    /// Returns the message.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let id = server.recv().await?.routing_id().unwrap();
    /// if let Err(error) = server.try_route(id, "news") {
    ///     server.route(id, error.into_inner()).await?; // waits for room
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_inner(self) -> T {
        match self {
            Self::Closed(message) | Self::Full(message) | Self::HostUnreachable(message) => message,
        }
    }
}

// These do not require the message to be `Debug`, and do not print it: a panic of `unwrap` shows
// why a send failed.

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "Closed(..)",
            Self::Timeout(_) => "Timeout(..)",
            Self::TooLong(_) => "TooLong(..)",
        })
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "Closed(..)",
            Self::Full(_) => "Full(..)",
            Self::TooLong(_) => "TooLong(..)",
        })
    }
}

impl<T> fmt::Debug for RouteError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "Closed(..)",
            Self::HostUnreachable(_) => "HostUnreachable(..)",
            Self::Timeout(_) => "Timeout(..)",
        })
    }
}

impl<T> fmt::Debug for TryRouteError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "Closed(..)",
            Self::Full(_) => "Full(..)",
            Self::HostUnreachable(_) => "HostUnreachable(..)",
        })
    }
}
