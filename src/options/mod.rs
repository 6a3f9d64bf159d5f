//! The options of a socket, each with its default and the reason for it.

mod distribution;
mod groups;
mod ipc;
mod requests;
mod resolver;
mod router;
mod slow_subscriber;
#[cfg(feature = "socks")]
mod socks;
mod subscriptions;
mod tcp;
#[cfg(feature = "tls")]
mod tls;
mod topics;
mod udp;
#[cfg(feature = "ws")]
mod websocket;
mod xpub;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use zmtp_proto::heartbeat::HeartbeatConfig;
use zmtp_proto::identity::Identity;
use zmtp_proto::metadata::Metadata;
use zmtp_proto::socket_type::SocketType;

pub(crate) use self::distribution::DistributionOptions;
pub use self::distribution::{Balance, Undelivered};
pub(crate) use self::groups::GroupOptions;
pub(crate) use self::ipc::IpcOptions;
pub(crate) use self::requests::RequestOptions;
pub(crate) use self::resolver::NameResolver;
pub use self::resolver::Resolver;
pub(crate) use self::router::RouterOptions;
pub use self::router::Unroutable;
pub use self::slow_subscriber::SlowSubscriber;
#[cfg(feature = "socks")]
pub use self::socks::{SocksCredentialsError, SocksProxy};
pub(crate) use self::subscriptions::SubscriptionOptions;
pub(crate) use self::tcp::TcpOptions;
#[cfg(feature = "tls")]
pub(crate) use self::tls::TlsOptions;
#[cfg(feature = "tls")]
pub use self::tls::{TlsClient, TlsConfigError, TlsServer, UnusableCertificate};
pub(crate) use self::topics::TopicOptions;
pub(crate) use self::udp::UdpOptions;
#[cfg(feature = "ws")]
pub(crate) use self::websocket::WebSocketOptions;
#[cfg(feature = "ws")]
pub use self::websocket::{InvalidHeader, RequestHeaders};
pub use self::xpub::Verbosity;
pub(crate) use self::xpub::XPubOptions;
use crate::auth::{AuditHook, Mechanism, Network, SharedAuthenticator};
use crate::message::Multipart;

/// The options of one socket. They apply to every endpoint that it binds or connects.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) audit: Option<AuditHook>,
    pub(crate) authenticator: Option<SharedAuthenticator>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) disconnect_message: Option<Bytes>,
    pub(crate) distribution: DistributionOptions,
    pub(crate) domain: Arc<str>,
    pub(crate) ended_hwm_bytes: usize,
    pub(crate) groups: GroupOptions,
    pub(crate) handshake_interval: Option<Duration>,
    pub(crate) heartbeat: HeartbeatConfig,
    pub(crate) hello_message: Option<Bytes>,
    pub(crate) hiccup_message: Option<Bytes>,
    pub(crate) identity: Identity,
    pub(crate) immediate: bool,
    pub(crate) ipc: IpcOptions,
    pub(crate) linger: Option<Duration>,
    pub(crate) max_half_open: usize,
    pub(crate) max_half_open_per_address: usize,
    pub(crate) max_message_parts: usize,
    pub(crate) max_message_size: Option<u64>,
    pub(crate) mechanism: Mechanism,
    pub(crate) metadata: Metadata,
    pub(crate) probe_router: bool,
    pub(crate) proxy_protocol: Vec<Network>,
    pub(crate) reconnect_interval: Option<Duration>,
    pub(crate) reconnect_interval_max: Duration,
    pub(crate) reconnect_stop: Vec<ReconnectStop>,
    pub(crate) recv_hwm: usize,
    pub(crate) recv_hwm_bytes: usize,
    pub(crate) recv_timeout: Option<Duration>,
    pub(crate) reply_on_drop: Option<Multipart>,
    pub(crate) requests: RequestOptions,
    pub(crate) resolve_interval: Option<Duration>,
    pub(crate) router: RouterOptions,
    pub(crate) send_hwm: usize,
    pub(crate) send_hwm_bytes: usize,
    pub(crate) send_timeout: Option<Duration>,
    pub(crate) subscription_events: bool,
    pub(crate) subscriptions: SubscriptionOptions,
    pub(crate) tcp: TcpOptions,
    #[cfg(feature = "tls")]
    pub(crate) tls: TlsOptions,
    pub(crate) topics: TopicOptions,
    pub(crate) udp: UdpOptions,
    #[cfg(feature = "ws")]
    pub(crate) websocket: WebSocketOptions,
    pub(crate) xpub: XPubOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            audit: None,
            // libzmq's default without a ZAP handler.
            authenticator: None,
            // The system's own limit is minutes, during which no other address is tried.
            connect_timeout: Some(Duration::from_secs(10)),
            // libzmq's default: none.
            disconnect_message: None,
            distribution: DistributionOptions::default(),
            // libzmq's default.
            domain: Arc::from(""),
            // libzmq has no such limit. Remotes that connect for one request each leave far less,
            // even if thousands connect while the application is busy. A server can usually spare
            // this much.
            ended_hwm_bytes: 0x400_0000,
            groups: GroupOptions::default(),
            // libzmq's default.
            handshake_interval: Some(Duration::from_secs(30)),
            // libzmq's default: none. By default, a remote that is only slow to receive must not be
            // considered dead: libzmq reads nothing, and answers no PING, while its queue is full.
            // RFC 41 calls this the mute state and does not limit it. Services set heartbeats, as
            // the examples do.
            heartbeat: HeartbeatConfig::default(),
            // libzmq's default: none.
            hello_message: None,
            // libzmq's default: none.
            hiccup_message: None,
            // libzmq's default. A ROUTER generates an identity.
            identity: Identity::default(),
            // libzmq's default. RFC 41 requires a queue for each remote, connected or not.
            immediate: false,
            ipc: IpcOptions::default(),
            // libzmq waits indefinitely, which can prevent a program from ending.
            linger: Some(Duration::from_secs(30)),
            // libzmq has no such limit. Usually far fewer handshakes are in progress, unless an
            // attacker holds connections open. It is a fraction of the usual limit of open files.
            // Clients of other addresses than a flood connect within milliseconds.
            max_half_open: 4_096,
            // Many clients may share an address.
            max_half_open_per_address: 4_096,
            // libzmq has no such limit, and a message that never ends exhausts its memory. Programs
            // send lists of a few thousand parts. This many empty parts take 128 KiB in the read
            // buffer, or four and a half times as much with the longest headers.
            max_message_parts: 0x1_0000,
            // libzmq's default. Memory is reserved only for bytes that have arrived.
            max_message_size: None,
            // libzmq's default.
            mechanism: Mechanism::Null,
            metadata: Metadata::default(),
            // libzmq's default.
            probe_router: false,
            // A header from any remote except a trusted proxy could forge an address.
            proxy_protocol: Vec::new(),
            // libzmq's default.
            reconnect_interval: Some(Duration::from_millis(100)),
            // Short enough for a service that restarts, long enough for a thousand clients of a
            // service that remains offline.
            reconnect_interval_max: Duration::from_secs(10),
            // libzmq's default: never.
            reconnect_stop: Vec::new(),
            // libzmq's default.
            recv_hwm: 1_000,
            // libzmq has no such high-water mark.
            recv_hwm_bytes: 0,
            // libzmq's default: none.
            recv_timeout: None,
            // libzmq has no such option. A program decides what its requesters understand.
            reply_on_drop: None,
            requests: RequestOptions::default(),
            // The time for which answers of Kubernetes' name server may be cached.
            resolve_interval: Some(Duration::from_secs(30)),
            router: RouterOptions::default(),
            // libzmq's default.
            send_hwm: 1_000,
            // libzmq has no such high-water mark.
            send_hwm_bytes: 0,
            // libzmq's default: none.
            send_timeout: None,
            // Remotes could displace all other events from the queues of monitors.
            subscription_events: false,
            subscriptions: SubscriptionOptions::default(),
            tcp: TcpOptions::default(),
            #[cfg(feature = "tls")]
            tls: TlsOptions::default(),
            topics: TopicOptions::default(),
            udp: UdpOptions::default(),
            #[cfg(feature = "ws")]
            websocket: WebSocketOptions::default(),
            xpub: XPubOptions::default(),
        }
    }
}

impl Options {
    /// Returns the bodies of the messages that begin each connection to a remote of this type. Each
    /// is a message of one part.
    pub(crate) fn openings(&self, remote: Option<SocketType>) -> impl Iterator<Item = Bytes> {
        let probes = self.probe_router && remote == Some(SocketType::Router);
        // No type has both.
        let message = self.hello_message.as_ref().or(self.xpub.welcome_message.as_ref());
        probes.then(Bytes::new).into_iter().chain(message.cloned())
    }

    /// Returns the limits of received messages.
    pub(crate) const fn message_limits(&self) -> MessageLimits {
        MessageLimits {
            bytes: self.max_message_size,
            parts: if self.max_message_parts == 0 { usize::MAX } else { self.max_message_parts },
        }
    }
}

/// The limits of one message of a remote, which otherwise ends the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MessageLimits {
    /// The limit of all its parts together, or `None` for any length.
    pub(crate) bytes: Option<u64>,
    pub(crate) parts: usize,
}

/// The events after which an endpoint is not dialed again. (libzmq `ZMQ_RECONNECT_STOP`.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum ReconnectStop {
    /// After the end of a connection whose handshake was completed. (`AFTER_DISCONNECT`.)
    AfterDisconnect,
    /// After a connection is refused because there is no listener. (`CONN_REFUSED`.)
    ConnectionRefused,
    /// After a handshake that failed for any reason. (`HANDSHAKE_FAILED`.)
    HandshakeFailed,
}
