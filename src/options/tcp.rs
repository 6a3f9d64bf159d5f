//! Options of TCP sockets.

use std::net::SocketAddr;
use std::time::Duration;

use super::NameResolver;
#[cfg(feature = "socks")]
use super::SocksProxy;

/// The options of every TCP socket that dials, listens or is accepted.
///
/// An option that is `None` is left to the system, as in libzmq: its defaults suit the network, and
/// its administrator can change them.
#[derive(Clone, Debug)]
pub(crate) struct TcpOptions {
    pub(crate) backlog: u32,
    /// The name of a network interface.
    pub(crate) device: Option<String>,
    pub(crate) keepalive: Option<bool>,
    pub(crate) keepalive_count: Option<u32>,
    pub(crate) keepalive_idle: Option<Duration>,
    pub(crate) keepalive_interval: Option<Duration>,
    pub(crate) max_retransmission_time: Option<Duration>,
    pub(crate) resolver: NameResolver,
    pub(crate) priority: Option<u32>,
    /// In bytes.
    pub(crate) recv_buffer_size: Option<u32>,
    /// In bytes.
    pub(crate) send_buffer_size: Option<u32>,
    #[cfg(feature = "socks")]
    pub(crate) socks_proxy: Option<SocksProxy>,
    /// The source address of outgoing connections; port 0 for any port.
    pub(crate) source_address: Option<SocketAddr>,
    pub(crate) type_of_service: Option<u8>,
}

impl Default for TcpOptions {
    fn default() -> Self {
        Self {
            // Tokio's default. When a server restarts, more than libzmq's 100 clients may reconnect
            // before the next turn of its task, and those that find the queue full wait for a second.
            backlog: 1_024,
            device: None,
            keepalive: None,
            keepalive_count: None,
            keepalive_idle: None,
            keepalive_interval: None,
            max_retransmission_time: None,
            // The default of the system.
            resolver: NameResolver::default(),
            priority: None,
            recv_buffer_size: None,
            send_buffer_size: None,
            // libzmq's default: none.
            #[cfg(feature = "socks")]
            socks_proxy: None,
            source_address: None,
            type_of_service: None,
        }
    }
}
