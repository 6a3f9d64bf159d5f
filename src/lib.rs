//! ZeroMQ's sockets for Tokio, in pure Rust, compatible with libzmq.
//!
//! A [`Server`] exchanges messages with any number of [`Client`]s, and every handle can send and
//! receive concurrently: with `.await`, in `tokio::select!`, or as a `Stream` and `Sink`.
//! Connections are established, monitored and re-established in the background, to sockets of this
//! crate and of libzmq.
//!
//! ```
//! use tokio_zmtp::{Client, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new();
//! let endpoint = server.bind("tcp://127.0.0.1:*").await?; // "*": the system picks the port
//! let client = Client::new();
//! client.connect(&endpoint).await?;
//!
//! client.send("tell me something").await?;
//!
//! // A request carries the routing id of its client, to which any number of replies can be sent.
//! let request = server.recv().await?;
//! server.reply(&request, "it takes 224 bits to store a i32 in java").await?;
//! server.reply(&request, "also don't talk to me").await?;
//!
//! assert_eq!(client.recv().await?, "it takes 224 bits to store a i32 in java");
//! assert_eq!(client.recv().await?, "also don't talk to me");
//! # Ok(())
//! # }
//! ```
//!
//! # Sockets
//!
//! | Type | Remotes | Sends | Receives | When full |
//! |---|---|---|---|---|
//! | [`Client`] | [`Server`]s | round-robin | fair-queued | waits |
//! | [`Server`] | [`Client`]s | by [`RoutingId`] | fair-queued | waits for that client |
//! | [`Peer`] | [`Peer`]s | by [`RoutingId`] | fair-queued | waits for that peer |
//! | [`Scatter`] | [`Gather`]s | round-robin | never | waits |
//! | [`Gather`] | [`Scatter`]s | never | fair-queued | – |
//! | [`Channel`] | one [`Channel`] | to the only remote | from the only remote | waits |
//! | [`Pair`] | one [`Pair`] | to the only remote | from the only remote | waits |
//! | [`Push`] | [`Pull`]s | round-robin | never | waits |
//! | [`Pull`] | [`Push`]es | never | fair-queued | – |
//! | [`Dealer`] | [`Dealer`]s, [`Router`]s, [`Rep`]s | round-robin | fair-queued | waits |
//! | [`Router`] | [`Dealer`]s, [`Router`]s, [`Req`]s | by [`Identity`] | fair-queued | fails immediately, or drops by option |
//! | [`Rep`] | [`Req`]s, [`Dealer`]s | replies to each request, in any order | fair-queued | waits for that requester |
//! | [`Req`] | [`Rep`]s, [`Router`]s | round-robin | the reply of each request | waits |
//! | [`Pub`] | [`Sub`]s, [`XSub`]s | to all that have subscribed to a prefix of the first part | never | drops for that subscriber, or as [`SlowSubscriber`] specifies |
//! | [`XPub`] | [`Sub`]s, [`XSub`]s | like a [`Pub`] | fair-queued, the requests of subscribers and messages | like a [`Pub`] |
//! | [`Sub`] | [`Pub`]s, [`XPub`]s | never | fair-queued, the messages that it has [subscribed](Sub#subscriptions) to | – |
//! | [`XSub`] | [`Pub`]s, [`XPub`]s | to all | fair-queued, without a filter | drops for that publisher |
//! | [`Radio`] | [`Dish`]es | to all members of a [`Group`] | never | drops for that member, or waits by option |
//! | [`Dish`] | [`Radio`]s | never | fair-queued, from the groups that it has joined | – |
//!
//! A socket is a handle that can be cloned cheaply. `new` creates one with default options, and its
//! [`Builder`] sets them. Binding, connecting and all other verbs are methods of each type.
//! [`Socket`], [`SendingSocket`] and [`ReceivingSocket`] are bounds for generic code.
//!
//! [`proxy`](fn@proxy) forwards messages between two sockets.
//!
//! # Runtimes and threads
//!
//! A socket is created in a Tokio runtime with IO and time enabled, and belongs to it: its
//! connections, timers and listeners run there. Its handles can be used anywhere: in other
//! runtimes, and on threads without one, for example with `futures::executor::block_on`. To create
//! a socket on such a thread, hold the guard of [`Handle::enter`](tokio::runtime::Handle::enter).
//!
//! The runtime must be running: one of the flavor `current_thread` runs only while a thread is in
//! its `block_on`. When the runtime shuts down, the socket is closed, and its handles return the
//! errors for a closed socket.
//!
//! # Messages
//!
//! A [`Message`] is one body of bytes. The classic socket types, such as [`Push`] and [`Dealer`],
//! exchange [`Multipart`]s instead: messages of one or more parts. A message is delivered whole,
//! and at most once. Messages between the same two sockets arrive in the order in which they were
//! sent, except those that [`SlowSubscriber::KeepLast`] replaces.
//!
//! `send` queues a message for a remote. It does not wait until the message has arrived. When a
//! connection breaks, a message that was handed to the system's network buffers may be lost, as
//! with any ZeroMQ socket. Other queued messages are sent on the next connection, or counted as
//! undelivered. If a remote ends two connections while the same message is being written, the
//! message is dropped and counted as [refused](stats::Dropped::refused). Where delivery matters,
//! use the reply as the acknowledgement.
//!
//! A received message goes to the handle that asks first. Tasks that share a [`Client`] and wait
//! for replies to their own requests would take each other's replies. Such tasks use
//! `rpc::Requester` (feature `rpc`).
//!
//! # The mute state
//!
//! Every remote has two queues, one for each direction, each with an exact high-water mark. When no
//! queue has room for a message, the socket is *mute*: `send` waits, and `try_send` returns the
//! message. A [`Router`] does not wait: `route` fails immediately with the message, or drops it by
//! option. By default, a [`Pub`], [`XPub`], [`Radio`] or [`XSub`] drops the message for each remote
//! whose queue is full, and counts it. The column *When full* above shows this for each type, and
//! [`guide::limits`] lists all limits.
//!
//! While a queue of received messages is full, the socket does not read from that remote. The queue
//! of the remote then fills, and the remote waits or drops in turn. Other remotes are not affected.
//!
//! # Endpoints
//!
//! | Form | Meaning |
//! |---|---|
//! | `tcp://127.0.0.1:5555`, `tcp://[::1]:5555` | an address |
//! | `tcp://example.org:5555` | a name. Each attempt to connect resolves it and tries all its addresses |
//! | `tcp://*:5555` | to bind: all interfaces, IPv6 and IPv4 |
//! | `tcp://eth0:5555` | to bind: an address of that network interface |
//! | `tcp://127.0.0.1:*` | to bind: a port that the system picks |
//! | `tcp://eth0;example.org:5555`, `tcp://192.0.2.7;example.org:5555` | to connect: from that interface or address of this machine |
//! | `tcp://127.0.0.1:5555/orders` | one of several [resources](guide::endpoints#resources) on one port |
//! | `tls://example.org:5555` | the same as `tcp`, encrypted by TLS, with the feature `tls` |
//! | `ws://example.org:8080/orders`, `wss://example.org/orders` | WebSockets, one of several paths on one port, with the feature `ws`; `wss` over TLS |
//! | `ipc:///run/service.sock`, `ipc://@service` | a Unix domain socket: its path, or on Linux an abstract name |
//! | `ipc://*` | to bind: a fresh path |
//! | `inproc://service` | a name inside this process. Messages move between sockets without a copy |
//! | `udp://192.0.2.7:5555`, `udp://eth0;239.1.2.3:5555` | [datagrams](guide::endpoints#datagrams) of a [`Radio`] to a [`Dish`], unicast or multicast |
//!
//! `bind` returns the endpoint with the port or path that the system picked. Either socket can bind
//! while the other connects, in any order; over `udp`, only a radio connects, and only a dish binds.
//!
//! # Security
//!
//! By default a socket accepts every remote and traffic is unencrypted. Use this only on trusted
//! networks. With [`Mechanism::CurveServer`] and [`Mechanism::CurveClient`] traffic is encrypted,
//! and both ends prove that they hold their keys. An authenticator decides which remotes are
//! admitted. See [`auth`]. `docs/security.md` states what CURVE protects, and what is known about
//! its cryptography. With the feature `tls`, connections of `tls` and `wss` endpoints are encrypted
//! by TLS, under any mechanism. Over `udp` there is no security at all, and sockets that require it
//! refuse such endpoints.
//!
//! # Cancel safety
//!
//! Every future of this crate can be dropped at any time, and documents the effect. Dropping a
//! future never loses a received message, and never sends a message later. A sink keeps what it was
//! fed when its flush is dropped, and its place in the line of senders.
//!
//! # Ending
//!
//! Before its runtime shuts down, a program should wait for [`close`](Client::close) of each
//! socket, which writes queued messages and reports how many could not be written. Dropping the
//! last handle does the same in the background.
//!
//! # Observability
//!
//! [`stats`](Client::stats) returns the statistics of a socket, which the feature `metrics`
//! publishes. [`monitor`](Client::monitor) reports events of its endpoints and connections to the
//! program. The same events are written to [`tracing`](https://docs.rs/tracing). The guide
//! [`guide::observability`] lists all spans, events and levels.
//!
//! # Features
//!
//! | Feature | Adds |
//! |---|---|
//! | `http` | upgrades to WebSockets in HTTP servers of the application, such as axum; enables `ws`. See [`guide::browsers`] |
//! | `metrics` | the module `metrics`: statistics of sockets and calls, for Prometheus and other systems |
//! | `rpc` | the module `rpc`: requests and replies, where each caller gets its own reply; `tower` services on both sides |
//! | `serde` | the module `config`: sockets described by data, such as a configuration file; the module `snapshot`: the statistics of a program as data; `Deserialize` and `Serialize` for [`Endpoint`], [`ReconnectStop`], [`RoutingId`] and [statistics](stats) |
//! | `socks` | `Builder::socks_proxy`: connections through a SOCKS5 proxy |
//! | `tls` | `Builder::tls_client` and `Builder::tls_server`: TLS, with `rustls` and `ring`, which needs a C compiler. See the guide `guide::tls` |
//! | `ws` | `ws` and `wss` endpoints, and the module `ws`: WebSockets, also on streams of the application. `wss` also needs `tls`. See [`guide::endpoints`](guide::endpoints#websockets) and [`guide::browsers`] |
//!
//! No feature is enabled by default.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
// The examples of the README are tested with those of this page.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

pub mod auth;
#[cfg(micro)]
pub mod benchmarks;
#[cfg(feature = "serde")]
pub mod config;
mod connection;
mod connection_id;
mod driver;
mod error;
pub mod guide;
mod inproc;
mod message;
#[cfg(feature = "metrics")]
pub mod metrics;
pub mod monitor;
mod options;
mod pipe;
mod platform;
pub mod probe;
pub mod proxy;
mod quota;
mod remote;
mod remotes;
mod routing;
mod routing_id;
#[cfg(feature = "rpc")]
pub mod rpc;
mod runtime;
#[cfg(feature = "serde")]
pub mod snapshot;
mod socket;
pub mod stats;
mod sync;
mod transport;

pub use self::auth::Mechanism;
pub use self::connection_id::ConnectionId;
pub use self::error::{
    AnswerError, AttachError, BindError, ConnectError, ConnectPeerError, DisconnectError,
    LockStepError, NoRemoteError, PropertyError, RecvError, RecvReturnedError, ReplyError,
    RequestError, RouteError, SendError, TryRecvError, TryRecvReturnedError, TryReplyError,
    TryRouteError, TrySendError, UnbindError,
};
pub use self::message::{
    GroupMessage, Message, Multipart, Part, RouterMessage, SubscriptionRequest, Upstream,
};
pub use self::options::{
    Balance, ReconnectStop, Resolver, SlowSubscriber, Undelivered, Unroutable, Verbosity,
};
#[cfg(feature = "socks")]
pub use self::options::{SocksCredentialsError, SocksProxy};
#[cfg(feature = "tls")]
pub use self::options::{TlsClient, TlsConfigError, TlsServer, UnusableCertificate};
pub use self::platform::{ProcessCredentials, StdListener};
pub use self::proxy::proxy;
pub use self::remote::Remote;
pub use self::remotes::RemoteId;
pub use self::routing_id::RoutingId;
pub use self::socket::{
    Batched, Builder, Channel, Client, CloseReport, Dealer, Dish, Gather, LockStep, Lossy, Pair,
    Peer, Permit, Pub, Pull, Push, Radio, ReceivingSocket, Remotes, Rep, Replier, Req, RoutePermit,
    Router, Scatter, SendingSocket, Server, Socket, Sub, XPub, XSub,
};
#[cfg(feature = "ws")]
pub use self::transport::websocket as ws;
pub use self::transport::{Dialer, RemoteStream};

#[doc(inline)]
pub use zmtp_proto::endpoint::{
    Endpoint, EndpointError, EndpointErrorKind, Host, InprocEndpoint, IpcEndpoint, StreamEndpoint,
    TcpEndpoint, TcpSource, TlsEndpoint, UdpEndpoint, WebSocketEndpoint,
};
#[doc(inline)]
pub use zmtp_proto::group::{Group, GroupError};
#[doc(inline)]
pub use zmtp_proto::identity::{Identity, IdentityError};
#[doc(inline)]
pub use zmtp_proto::message_shape::MessageParts;
#[doc(inline)]
pub use zmtp_proto::socket_type::{ParseSocketTypeError, SocketType};
#[doc(inline)]
pub use zmtp_proto::topic::{Topic, TopicError};
