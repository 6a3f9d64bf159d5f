//! What can go wrong, one type for each operation.
//!
//! Whatever fails to send a message hands it back.

use std::fmt;
use std::fs::FileType;
use std::io;

use thiserror::Error;
use zmtp_proto::metadata::MetadataError;

use crate::endpoint::{Endpoint, EndpointError};
use crate::message::Message;
use crate::monitor::DialFailure;

/// The error of `bind`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BindError {
    /// The address is in use by another socket.
    #[error("{endpoint} is in use")]
    AddrInUse {
        /// What was to be bound.
        endpoint: Endpoint,
    },
    /// The address is none of this machine's, or the host name is unknown.
    #[error("{endpoint} is no address of this machine")]
    AddrNotAvailable {
        /// What was to be bound.
        endpoint: Endpoint,
        /// What the system said.
        source: io::Error,
    },
    /// An endpoint with a resource requires NULL or the server's role of PLAIN or CURVE. In the client's
    /// role a socket announces itself before it learns which resource the remote asks for.
    #[error("cannot bind {endpoint}: a resource requires the server's role of the mechanism")]
    ResourceNeedsServerRole {
        /// What was to be bound.
        endpoint: Endpoint,
    },
    /// An option cannot be applied to the file of an `ipc` endpoint. The file has been removed.
    #[error("cannot set `{option}` of {endpoint}")]
    FileOption {
        /// The endpoint.
        endpoint: Endpoint,
        /// The name of the option, as in [`Builder`](crate::Builder).
        option: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The path of an `ipc` endpoint holds something other than a socket, or a symbolic link that does
    /// not lead to a listening socket. The path is left unchanged. Only a socket that no longer listens
    /// is replaced.
    #[error("cannot bind {endpoint}: its path holds {}", in_words(*file_type))]
    NotASocket {
        /// The endpoint.
        endpoint: Endpoint,
        /// The type of the file at the path.
        file_type: FileType,
    },
    /// Other sockets serve resources at the port with different security settings: mechanism, keys,
    /// domain, authenticator or networks of proxies. (RFC 37, The Resource Property.)
    #[error("other sockets on the port of {endpoint} use different security settings")]
    SecurityMismatch {
        /// What was to be bound.
        endpoint: Endpoint,
    },
    /// The listener given to `bind_from_std` cannot be used.
    #[error("the listener cannot be used")]
    UnusableListener(#[source] io::Error),
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed,
    /// The text is no endpoint, or one that cannot be bound.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The system refused for another reason.
    #[error("cannot bind {endpoint}")]
    Io {
        /// What was to be bound.
        endpoint: Endpoint,
        /// What the system said.
        source: io::Error,
    },
}

/// The error of `connect`.
///
/// That nobody answers at the endpoint is none: the socket goes on trying in the background.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed,
    /// The text is no endpoint, or one that can only be bound.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

/// The error of [`Remotes::connected`](crate::Remotes::connected) and
/// [`connected_timeout`](crate::Remotes::connected_timeout): no remote is connected.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum NoRemoteError {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed,
    /// The last endpoint has been given up: the remote refuses this socket, or the options say that
    /// there is to be no other attempt. Holds how the last attempt failed.
    #[error("no endpoint is left")]
    Failed(#[source] DialFailure),
    /// No remote was connected in time. Holds how the last attempt failed, if one has.
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
    #[error("a property's name is 1 to 255 letters, digits, '-', '_', '.' and '+'")]
    InvalidName,
    /// The name does not begin with `X-`, the prefix of the properties of applications.
    #[error("an application's property has a name that begins with \"X-\"")]
    ReservedPrefix,
    /// All properties together take more than 60,000 bytes.
    #[error("the properties are too large")]
    TooLarge,
}

/// The error of `send`, `send_timeout` and `reserve`. Holds the message, if there is one.
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError<T = Message> {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed(T),
    /// There was a limit to the wait, and until then no remote, or none whose queue was not full:
    /// the mute state.
    #[error("no remote could take a message in time")]
    Timeout(T),
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
}

/// The error of `route`, `route_timeout`, `reply` and `reserve_route`. Holds the message, if there is
/// one.
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RouteError<T = Message> {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed(T),
    /// No remote has this routing id, or it has one no longer.
    #[error("no remote has this routing id")]
    HostUnreachable(T),
    /// There was a limit to the wait, and until then the queue of this remote was full.
    #[error("the remote could take no message in time")]
    Timeout(T),
}

/// The error of `try_route`. Holds the message.
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TryRouteError<T = Message> {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed(T),
    /// The queue of this remote is full.
    #[error("the remote can take no message now")]
    Full(T),
    /// No remote has this routing id, or it has one no longer.
    #[error("no remote has this routing id")]
    HostUnreachable(T),
}

/// The error of `recv`, `recv_timeout`, `recv_from` and `recv_many`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecvError {
    /// The socket has been closed, and all that it had received is handed out.
    #[error("the socket is closed")]
    Closed,
    /// There was a limit to the wait, and no message came until then.
    #[error("no message has been received in time")]
    Timeout,
}

/// The error of `try_recv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TryRecvError {
    /// The socket has been closed, and all that it had received is handed out.
    #[error("the socket is closed")]
    Closed,
    /// There is no message now.
    #[error("no message has been received")]
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
    /// Takes the message out.
    pub fn into_inner(self) -> T {
        match self {
            Self::Closed(message) | Self::Timeout(message) => message,
        }
    }
}

impl<T> TrySendError<T> {
    /// Takes the message out.
    pub fn into_inner(self) -> T {
        match self {
            Self::Closed(message) | Self::Full(message) => message,
        }
    }
}

impl<T> RouteError<T> {
    /// Takes the message out.
    pub fn into_inner(self) -> T {
        match self {
            Self::Closed(message) | Self::HostUnreachable(message) | Self::Timeout(message) => {
                message
            }
        }
    }
}

impl<T> TryRouteError<T> {
    /// Takes the message out.
    pub fn into_inner(self) -> T {
        match self {
            Self::Closed(message) | Self::Full(message) | Self::HostUnreachable(message) => message,
        }
    }
}

// These do not ask the message to be `Debug`, and do not print it: `unwrap` on a failed send is
// about why it failed.

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "Closed(..)",
            Self::Timeout(_) => "Timeout(..)",
        })
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "Closed(..)",
            Self::Full(_) => "Full(..)",
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
