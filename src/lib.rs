//! ZeroMQ's thread-safe sockets for Tokio, in pure Rust, on the wire protocol of libzmq.
//!
//! Two processes that have to talk, each in its own time: one makes a [`Server`], others make
//! [`Client`]s, and whoever has a handle can send and receive at once, in `await`, in
//! `tokio::select!`, in a `Stream` or a `Sink`. Connections are made, watched and made again in the
//! background. The other end may as well be libzmq, or anything built on it, with its draft sockets.
//!
//! ```
//! use tokio_zmtp::{Client, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // "*": the system picks the port.
//! let server = Server::new();
//! let endpoint = server.bind("tcp://127.0.0.1:*").await?;
//! let client = Client::new();
//! client.connect(&endpoint).await?;
//!
//! // Send a string request.
//! client.send("tell me something").await?;
//!
//! // Receive the client's request.
//! let request = server.recv().await?;
//! let id = request.routing_id().unwrap();
//!
//! // Reply to the client, as often as we like.
//! server.route(id, "it takes 224 bits to store a i32 in java").await?;
//! server.route(id, "also don't talk to me").await?;
//!
//! assert_eq!(client.recv().await?, "it takes 224 bits to store a i32 in java");
//! assert_eq!(client.recv().await?, "also don't talk to me");
//! # Ok(())
//! # }
//! ```
//!
//! # Sockets
//!
//! | Type | Talks to | Sends | Receives |
//! |---|---|---|---|
//! | [`Client`] | [`Server`]s | to each in turn | from each in turn |
//! | [`Server`] | [`Client`]s | by [`RoutingId`] | from each in turn |
//!
//! A socket is a cheap handle that can be cloned. `new` creates one with default options, and its
//! [`Builder`] sets them. Binding, connecting and all other verbs are methods of each type; the trait
//! [`Socket`] is a bound for generic code.
//!
//! # Runtimes and threads
//!
//! A socket is created in a Tokio runtime with IO and time enabled, and remembers that runtime: its
//! connections, its timers and the listeners that are bound later belong to it. Its handles can be used
//! anywhere: in other runtimes, and on threads without one, for example with
//! `futures::executor::block_on`. To create a socket on such a thread, hold the guard of
//! [`Handle::enter`](tokio::runtime::Handle::enter). The runtime has to be running: one of the flavor
//! `current_thread` runs only while a thread is in its `block_on`. When the runtime has shut down, the
//! socket is closed, and its handles return the errors for a closed socket.
//!
//! # Messages
//!
//! A [`Message`] is one body of bytes. It is delivered whole and once or not at all, and messages
//! between the same two sockets arrive in the order in which they were sent.
//!
//! To send a message is to queue it for a remote: that `send` has returned does not mean that the
//! message has arrived. A message that was handed to the system's network buffers when a connection
//! broke may be lost, as with any ZeroMQ socket; one that was not is sent again on the next connection,
//! or counted as undelivered. If a remote ends two connections while the same message is being written,
//! the message is dropped and counted as [refused](stats::Dropped::refused). Where it matters, the reply
//! is the acknowledgement.
//!
//! # The mute state
//!
//! Every remote has two queues, for what goes to it and for what came from it, each with a high-water
//! mark, which is exact. When no queue has room for a message the socket is *mute*: `send` waits and
//! `try_send` gives the message back. A receiving queue that is full stops the reading from that
//! remote alone, until the remote is mute in turn.
//!
//! # Endpoints
//!
//! | Form | Meaning |
//! |---|---|
//! | `tcp://127.0.0.1:5555`, `tcp://[::1]:5555` | an address |
//! | `tcp://example.org:5555` | a name; it is resolved at every attempt, and all its addresses are tried |
//! | `tcp://eth0;example.org:5555` | to connect: from an address of that interface |
//! | `tcp://*:5555`, `tcp://eth0:5555` | to bind: all interfaces, IPv6 and IPv4; or one by its name |
//! | `tcp://eth0:5555` | to bind: an address of that network interface |
//! | `tcp://127.0.0.1:*` | to bind: a port that the system picks, which `last_endpoint` tells |
//! | `tcp://192.0.2.7;example.org:5555` | to connect: from an address or an interface of this machine |
//! | `ipc:///run/service.sock`, `ipc://@service` | a Unix domain socket: its path, or on Linux an abstract name |
//! | `ipc://*` | to bind: a fresh path, which `last_endpoint` tells |
//! | `inproc://service` | a name inside this process; messages move from socket to socket as they are |
//!
//! It makes no difference to a socket which side binds and which connects, nor which comes first.
//!
//! # Security
//!
//! By default a socket accepts every remote and traffic is unencrypted. Use this only on trusted
//! networks. With [`Mechanism::CurveServer`] and [`Mechanism::CurveClient`] traffic is encrypted and
//! both ends are sure of each other; with an authenticator a socket chooses its remotes. See [`auth`].
//!
//! # Cancel safety
//!
//! Every future of this crate can be dropped at any time, and says what that means. No message that
//! was received is lost with a future, and none that was not sent is sent later.
//!
//! # Ending
//!
//! Before its runtime ends, a program waits for [`Client::close`] or [`Server::close`], which write
//! what is queued and tell what could not be written. Dropping the last handle does the same in the
//! background.
//!
//! # Observability
//!
//! [`stats`](Client::stats) returns the statistics of a socket, which the feature `metrics` publishes.
//! [`monitor`](Client::monitor) reports what happens to its endpoints and connections, for a program to act on.
//! For people to read, the same events go to [`tracing`](https://docs.rs/tracing), with the targets
//! `tokio_zmtp::endpoint` and `tokio_zmtp::connection`, and some others that begin with `tokio_zmtp`. No
//! event is written for a message that is sent or received, and disabled spans and events cost nothing.
//!
//! | Span | From when to when | Fields |
//! |---|---|---|
//! | `endpoint` | it is bound or connected, until it is given up | `endpoint`, `socket_type` and `mechanism` of this socket |
//! | `connection` | it is accepted or dialled, until it has ended | the same, and `connection_id`; `remote`, an address, and `remote_pid`, over `ipc`; `proxy`, the address of the proxy, if it sends a header; `routing_id`, on a `Server`, after the handshake |
//!
//! Each is a root, and has the level `ERROR`, so that an event is never without the fields of its span.
//! A connection to a port that several sockets share, where it is not clear at first whom it wants, has
//! one span without `connection_id` until it is handed over; that of the socket which gets it *follows
//! from* that one.
//!
//! | Level | Events in `endpoint` | Events in `connection` |
//! |---|---|---|
//! | `WARN`, what the operator of the program should know | `cannot accept connections now` (`error`); `cannot connect` and `cannot resolve` (`error`), at the first failure in a row; `not connecting again`; `no new connections until messages of ended remotes are received` (`remotes`, `messages`, `bytes`) | `refused a connection` (`error`), except for a remote that has left or may return soon; `disconnected` (`reason`), when the remote has broken the protocol, refuses this socket, sends too long a message, or gives no sign of life; `discarded multipart messages` (`messages`), at the first; `undelivered messages ended with their remote`, `dropped a message: the remote ends the connection while it is written` (`len`), `dropped received messages: no receiver left` (`messages`), which are in `endpoint` where there is no connection |
//! | `INFO`, the life of what this side has asked for | `listening`, `connecting`, `closed`; `establishing new connections again` | `connected` (`remote_type`, `user_id`, `reconnects`) and `disconnected`, when it was dialled |
//! | `DEBUG`, the life of what comes from outside, and attempts | `cannot connect`, `cannot resolve`, after the first; `connecting again` (`delay`); `resolved` (`addresses`) | `accepted`, `handed over` (`resource`), `dialled`, `the handshake failed` (`error`); `connected`, `disconnected` and `refused a connection` otherwise |
//! | `TRACE`, the rest | | `the remote is alive` (`round_trip`), `ignored a command` (`name`), `discarded multipart messages`, after the first |
//!
//! Each endpoint writes a line that remotes can cause at most three times a minute. Further ones have
//! the level `DEBUG`, and the field `suppressed` of the next line counts them. A remote that does not
//! speak ZMTP 3 is reported with the protocol that it speaks, such as HTTP or TLS:
//! [`HandshakeFailure::ForeignProtocol`](monitor::HandshakeFailure::ForeignProtocol).
//!
//! `ERROR` is for what is wrong in the program itself: an authenticator that panics. Nothing that a
//! remote sends is written there, and neither bodies nor credentials are written at all.
//!
//! # Features
//!
//! | Feature | What it adds |
//! |---|---|
//! | `metrics` | the module `metrics`: socket statistics, for Prometheus and other systems |
//! | `rpc` | the module `rpc`: requests and replies, where each caller gets its own reply; `tower` services on both sides |
//! | `serde` | the module `config`: sockets described by data, such as a configuration file; `Deserialize` and `Serialize` for [`Endpoint`], [`ReconnectStop`] and [`RoutingId`] |
//! | `socks` | `Builder::socks_proxy`: connections through a SOCKS5 proxy |
//!
//! None is on by default.

#![forbid(unsafe_code)]
// The example of the README is tested with those of this page.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

pub mod auth;
#[cfg(feature = "serde")]
pub mod config;
mod connection;
mod connection_id;
mod driver;
mod endpoint;
mod error;
mod inproc;
mod message;
#[cfg(feature = "metrics")]
pub mod metrics;
pub mod monitor;
mod options;
mod pipe;
mod proxy_header;
mod quota;
mod remote;
mod remotes;
mod routing;
mod routing_id;
#[cfg(feature = "rpc")]
pub mod rpc;
mod runtime;
mod socket;
pub mod stats;
mod sync;
mod transport;

pub use self::connection_id::ConnectionId;
pub use self::endpoint::{
    Endpoint, EndpointError, EndpointErrorKind, Host, InprocEndpoint, IpcEndpoint, TcpEndpoint,
    TcpSource,
};
pub use self::error::{
    BindError, ConnectError, DisconnectError, NoRemoteError, PropertyError, RecvError, RouteError,
    SendError, TryRecvError, TryRouteError, TrySendError, UnbindError,
};
pub use self::message::Message;
pub use self::options::{ReconnectStop, Resolver};
#[cfg(feature = "socks")]
pub use self::options::{SocksCredentialsError, SocksProxy};
pub use self::remote::{ProcessCredentials, Remote};
pub use self::remotes::RemoteId;
pub use self::routing_id::RoutingId;
pub use self::socket::{
    Builder, Client, CloseReport, Lossy, Permit, Remotes, RoutePermit, Server, Socket,
};
pub use self::transport::StdListener;

#[doc(inline)]
pub use zmtp_proto::mechanism::Mechanism;
#[doc(inline)]
pub use zmtp_proto::socket_type::{ParseSocketTypeError, SocketType};
