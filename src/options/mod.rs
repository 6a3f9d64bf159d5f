//! What can be set on a socket, each with its default and the reason for it.

mod ipc;
mod resolver;
#[cfg(feature = "socks")]
mod socks;
mod tcp;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use zmtp_proto::heartbeat::HeartbeatConfig;
use zmtp_proto::mechanism::Mechanism;
use zmtp_proto::metadata::Metadata;

pub(crate) use self::ipc::IpcOptions;
pub(crate) use self::resolver::Names;
pub use self::resolver::Resolver;
#[cfg(feature = "socks")]
pub use self::socks::{SocksCredentialsError, SocksProxy};
pub(crate) use self::tcp::TcpOptions;
use crate::auth::{Network, SharedAuthenticator};

/// The options of one socket. They apply to every endpoint that it binds or connects.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) authenticator: Option<SharedAuthenticator>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) disconnect_message: Option<Bytes>,
    pub(crate) domain: Arc<str>,
    pub(crate) ended_hwm_bytes: usize,
    pub(crate) handshake_interval: Option<Duration>,
    pub(crate) heartbeat: HeartbeatConfig,
    pub(crate) hello_message: Option<Bytes>,
    pub(crate) hiccup_message: Option<Bytes>,
    pub(crate) immediate: bool,
    pub(crate) ipc: IpcOptions,
    pub(crate) linger: Option<Duration>,
    pub(crate) max_half_open: usize,
    pub(crate) max_half_open_per_address: usize,
    pub(crate) max_message_size: Option<u64>,
    pub(crate) mechanism: Mechanism,
    pub(crate) metadata: Metadata,
    pub(crate) proxy_protocol: Vec<Network>,
    pub(crate) reconnect_interval: Option<Duration>,
    pub(crate) reconnect_interval_max: Duration,
    pub(crate) reconnect_stop: Vec<ReconnectStop>,
    pub(crate) recv_hwm: usize,
    pub(crate) recv_hwm_bytes: usize,
    pub(crate) recv_timeout: Option<Duration>,
    pub(crate) resolve_interval: Option<Duration>,
    pub(crate) send_hwm: usize,
    pub(crate) send_hwm_bytes: usize,
    pub(crate) send_timeout: Option<Duration>,
    pub(crate) tcp: TcpOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            // libzmq's default, where no handler of ZAP is running.
            authenticator: None,
            // The system's own limit takes minutes, during which a better address is not tried.
            connect_timeout: Some(Duration::from_secs(10)),
            // libzmq's default: none.
            disconnect_message: None,
            // libzmq's default.
            domain: Arc::from(""),
            // libzmq has no such limit. Remotes that connect for one request each leave far less, even
            // if thousands connect while the application is busy. A server can usually spare this much.
            ended_hwm_bytes: 0x400_0000,
            // libzmq's default.
            handshake_interval: Some(Duration::from_secs(30)),
            // libzmq's default: none. A remote that only receives slowly must not be taken for dead by
            // default: libzmq reads nothing, and answers no PING, while its queue is full. RFC 41 calls
            // this the mute state and does not limit it. Services set heartbeats, as the examples do.
            heartbeat: HeartbeatConfig::default(),
            // libzmq's default: none.
            hello_message: None,
            // libzmq's default: none.
            hiccup_message: None,
            // libzmq's default. RFC 41 wants a queue for each remote, connected or not.
            immediate: false,
            ipc: IpcOptions::default(),
            // libzmq waits for ever, which lets a program hang at its end.
            linger: Some(Duration::from_secs(30)),
            // libzmq has no such limit. Far more than shake hands at any time, unless somebody holds
            // connections open, and a part of the files that a process may have open as a rule.
            max_half_open: 4_096,
            // Behind one address there may be many clients.
            max_half_open_per_address: 4_096,
            // libzmq's default. Memory is only taken for bytes that have arrived.
            max_message_size: None,
            // libzmq's default.
            mechanism: Mechanism::Null,
            metadata: Metadata::default(),
            // A header from any remote except a trusted proxy could forge an address.
            proxy_protocol: Vec::new(),
            // libzmq's default.
            reconnect_interval: Some(Duration::from_millis(100)),
            // Short enough for a service that restarts, long enough for a thousand clients of a
            // service that does not.
            reconnect_interval_max: Duration::from_secs(10),
            // libzmq's default: never.
            reconnect_stop: Vec::new(),
            // libzmq's default.
            recv_hwm: 1_000,
            // libzmq has no such mark.
            recv_hwm_bytes: 0,
            // libzmq's default: none.
            recv_timeout: None,
            // For so long the name server of Kubernetes lets its answers be kept.
            resolve_interval: Some(Duration::from_secs(30)),
            // libzmq's default.
            send_hwm: 1_000,
            // libzmq has no such mark.
            send_hwm_bytes: 0,
            // libzmq's default: none.
            send_timeout: None,
            tcp: TcpOptions::default(),
        }
    }
}

/// After what an endpoint is not dialled again. (libzmq `ZMQ_RECONNECT_STOP`.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum ReconnectStop {
    /// After the end of a connection whose handshake was finished. (`AFTER_DISCONNECT`.)
    AfterDisconnect,
    /// After the remote's system has answered that nobody listens there. (`CONN_REFUSED`.)
    ConnectionRefused,
    /// After a handshake that failed, for whatever reason. (`HANDSHAKE_FAILED`.)
    HandshakeFailed,
}
