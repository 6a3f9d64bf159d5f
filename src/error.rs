//! The errors of operations, one type for each.
//!
//! The error of an operation that sends contains the message.

mod lock_step;
mod reply;
mod request;
mod returned;

use std::fmt;
use std::fs::FileType;
use std::io;

use thiserror::Error;
use zmtp_proto::endpoint::{Endpoint, EndpointError};
use zmtp_proto::identity::Identity;
use zmtp_proto::metadata::MetadataError;
use zmtp_proto::socket_type::SocketType;

pub use self::lock_step::LockStepError;
pub use self::reply::{AnswerError, ReplyError, TryReplyError};
pub use self::request::RequestError;
pub use self::returned::{RecvReturnedError, TryRecvReturnedError};
use crate::message::Message;
use crate::monitor::DialFailure;

/// The error of `bind`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BindError {
    /// The address is in use by another socket.
    #[error("{endpoint} is in use")]
    AddrInUse {
        /// The endpoint to bind.
        endpoint: Endpoint,
    },
    /// The address does not belong to this machine, or the host name is unknown.
    #[error("{endpoint} is not an address of this machine")]
    AddrNotAvailable {
        /// The endpoint to bind.
        endpoint: Endpoint,
        /// The error of the system.
        source: io::Error,
    },
    /// An endpoint with a resource requires NULL or the server's role of PLAIN or CURVE. In the
    /// client's role, a socket announces itself before it learns which resource the remote
    /// requests.
    #[error("cannot bind {endpoint}: a resource requires the server's role of the mechanism")]
    ResourceNeedsServerRole {
        /// The endpoint to bind.
        endpoint: Endpoint,
    },
    /// An option cannot be applied to the file of an `ipc` endpoint. The file has been removed.
    #[error("cannot set `{option}` of {endpoint}")]
    FileOption {
        /// The endpoint to bind.
        endpoint: Endpoint,
        /// The name of the option, as in [`Builder`](crate::Builder).
        option: &'static str,
        /// The error of the system.
        source: io::Error,
    },
    /// The path of an `ipc` endpoint is a file other than a socket, or a symbolic link
    /// that does not lead to a listening socket. The path is left unchanged. Only a socket that no
    /// longer listens is replaced.
    #[error("cannot bind {endpoint}: its path holds {}", in_words(*file_type))]
    NotASocket {
        /// The endpoint to bind.
        endpoint: Endpoint,
        /// The type of the file at the path.
        file_type: FileType,
    },
    /// Other sockets serve resources at the port with different security settings: mechanism, keys,
    /// domain, authenticator or networks of proxies. (RFC 37, The Resource Property.)
    #[error("other sockets on the port of {endpoint} use different security settings")]
    SecurityMismatch {
        /// The endpoint to bind.
        endpoint: Endpoint,
    },
    /// The socket type cannot bind this transport: a DISH alone binds `udp`. (libzmq
    /// `ENOCOMPATPROTO`.)
    #[error("{socket_type} cannot bind {endpoint}: only DISH binds udp")]
    IncompatibleTransport {
        /// The endpoint to bind.
        endpoint: Endpoint,
        /// The type of the socket.
        socket_type: SocketType,
    },
    /// The transport has no security mechanism: a socket with PLAIN, CURVE or an authenticator does
    /// not use `udp`.
    #[error("cannot bind {endpoint}: udp supports neither PLAIN nor CURVE nor an authenticator")]
    UnsecuredTransport {
        /// The endpoint to bind.
        endpoint: Endpoint,
    },
    /// The listener given to `bind_from_std` cannot be used.
    #[error("the listener cannot be used")]
    UnusableListener(#[source] io::Error),
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed,
    /// The endpoint is not valid, or cannot be bound.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The system refused the endpoint for another reason.
    #[error("cannot bind {endpoint}")]
    Io {
        /// The endpoint to bind.
        endpoint: Endpoint,
        /// The error of the system.
        source: io::Error,
    },
}

/// The error of `connect`.
///
/// It is not an error if no remote is listening: the socket continues to try in the background.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed,
    /// Another remote of the [`Router`](crate::Router) has the identity that the remote of the
    /// endpoint was to have.
    #[error("cannot connect to {endpoint}: another remote has the identity \"{identity}\"")]
    DuplicateIdentity {
        /// The endpoint to connect to.
        endpoint: Endpoint,
        /// The identity.
        identity: Identity,
    },
    /// The endpoint is not valid, or can only be bound.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The socket type cannot connect this transport: a RADIO alone connects to `udp`. (libzmq
    /// `ENOCOMPATPROTO`.)
    #[error("{socket_type} cannot connect to {endpoint}: only RADIO connects to udp")]
    IncompatibleTransport {
        /// The endpoint to connect to.
        endpoint: Endpoint,
        /// The type of the socket.
        socket_type: SocketType,
    },
    /// The socket communicates with one remote at a time, and has one: it is connected to another
    /// endpoint, or has accepted a connection. See [`Channel`](crate::Channel#the-only-remote).
    #[error("cannot connect to {endpoint}: the socket has a remote")]
    Occupied {
        /// The endpoint to connect to.
        endpoint: Endpoint,
    },
    /// The transport has no security mechanism: a socket with PLAIN, CURVE or an authenticator does
    /// not use `udp`.
    #[error(
        "cannot connect to {endpoint}: udp supports neither PLAIN nor CURVE nor an authenticator"
    )]
    UnsecuredTransport {
        /// The endpoint to connect to.
        endpoint: Endpoint,
    },
}

/// The error of [`Peer::connect_peer`](crate::Peer::connect_peer). Nothing is connected.
///
/// It is not an error if no remote is listening: the socket continues to try in the background.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectPeerError {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed,
    /// The endpoint is not valid, or can only be bound.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The option [`immediate`](crate::Builder::immediate) is set: a remote has no queue, and
    /// therefore no routing id, until it is connected. (libzmq: `EFAULT`.)
    #[error("with `immediate`, a remote has no routing id until it is connected")]
    Immediate,
    /// A PEER does not connect to `udp`. (libzmq `ENOCOMPATPROTO`.)
    #[error("PEER cannot connect to {endpoint}: only RADIO connects to udp")]
    IncompatibleTransport {
        /// The endpoint to connect to.
        endpoint: Endpoint,
    },
}

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

/// The error of `disconnect`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DisconnectError {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed,
    /// The text is not a valid endpoint.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The socket is not connected to this endpoint.
    #[error("the socket is not connected to {endpoint}")]
    NotConnected {
        /// The endpoint to disconnect.
        endpoint: Endpoint,
    },
}

/// The error of `unbind`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UnbindError {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed,
    /// The text is not a valid endpoint.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The socket is not bound to this endpoint.
    #[error("the socket is not bound to {endpoint}")]
    NotBound {
        /// The endpoint to unbind.
        endpoint: Endpoint,
    },
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

/// The error of `send`, `send_timeout` and `reserve`. Holds the message, except for `reserve`.
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

/// The error of `try_send`. Holds the message.
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

/// The error of `route`, `route_timeout`, `reply` and `reserve_route`. Holds the message, except
/// for `reserve_route`.
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

/// The error of `try_route` and `try_send_to`. Holds the message.
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

fn in_words(file_type: FileType) -> &'static str {
    if file_type.is_dir() {
        "a directory"
    } else if file_type.is_file() {
        "a regular file"
    } else if file_type.is_symlink() {
        "a symbolic link that does not lead to a listening socket"
    } else {
        "a file that is not a socket"
    }
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
