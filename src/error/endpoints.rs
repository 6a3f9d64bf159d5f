//! The errors of operations on endpoints and streams.

use std::fs::FileType;
use std::io;

use thiserror::Error;
use zmtp_proto::endpoint::{Endpoint, EndpointError};
use zmtp_proto::identity::Identity;
use zmtp_proto::socket_type::SocketType;

/// The error of `attach`. The stream is dropped.
///
/// It is not an error if the handshake with the remote fails: the monitor reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The socket has been closed, or accepts no more remotes.
    #[error("the socket is closed")]
    Closed,
}

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
    /// domain, authenticator, audit function or networks of proxies (RFC 37, The Resource
    /// Property); or other paths of a `ws` or `wss` endpoint, with a different `tls_server` or
    /// different networks of proxies. [`Builder::security_of`](crate::Builder::security_of) copies
    /// the settings.
    #[error("other sockets on the port of {endpoint} use different security settings")]
    SecurityMismatch {
        /// The endpoint to bind.
        endpoint: Endpoint,
    },
    /// A `tls` or `wss` endpoint requires the feature `tls` and the option `tls_server`.
    #[error("cannot bind {endpoint}: the socket has no `tls_server`")]
    NoTlsServer {
        /// The endpoint to bind.
        endpoint: Endpoint,
    },
    /// A `ws` or `wss` endpoint requires the feature `ws`.
    #[error("cannot bind {endpoint}: WebSockets require the feature `ws`")]
    NoWebSockets {
        /// The endpoint to bind.
        endpoint: Endpoint,
    },
    /// The socket type cannot bind this transport: only a DISH binds `udp`. (libzmq
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
    /// Another remote of the [`Router`](crate::Router) has the identity that was assigned to the
    /// remote of this endpoint.
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
    /// A `tls` or `wss` endpoint requires the feature `tls` and the option `tls_client`.
    #[error("cannot connect to {endpoint}: the socket has no `tls_client`")]
    NoTlsClient {
        /// The endpoint to connect to.
        endpoint: Endpoint,
    },
    /// A `ws` or `wss` endpoint requires the feature `ws`.
    #[error("cannot connect to {endpoint}: WebSockets require the feature `ws`")]
    NoWebSockets {
        /// The endpoint to connect to.
        endpoint: Endpoint,
    },
    /// The socket type cannot connect to this transport: only a RADIO connects to `udp`. (libzmq
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
    /// A `tls` or `wss` endpoint requires the feature `tls` and the option `tls_client`.
    #[error("cannot connect to {endpoint}: the socket has no `tls_client`")]
    NoTlsClient {
        /// The endpoint to connect to.
        endpoint: Endpoint,
    },
    /// A `ws` or `wss` endpoint requires the feature `ws`.
    #[error("cannot connect to {endpoint}: WebSockets require the feature `ws`")]
    NoWebSockets {
        /// The endpoint to connect to.
        endpoint: Endpoint,
    },
    /// A PEER does not connect to `udp`. (libzmq `ENOCOMPATPROTO`.)
    #[error("PEER cannot connect to {endpoint}: only RADIO connects to udp")]
    IncompatibleTransport {
        /// The endpoint to connect to.
        endpoint: Endpoint,
    },
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
