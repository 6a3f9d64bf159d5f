//! Options of TCP.

use std::net::SocketAddr;
use std::time::Duration;

use super::Builder;
#[cfg(feature = "socks")]
use crate::options::SocksProxy;

/// # TCP
///
/// ```
/// use std::time::Duration;
/// use tokio_zmtp::{Client, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().backlog(4_096).build();
/// let client = Client::builder()
///     .source_address(([192, 0, 2, 7], 0))
///     .recv_buffer_size(4 << 20)
///     .send_buffer_size(4 << 20)
///     .tcp_keepalive(true)
///     .tcp_keepalive_idle(Duration::from_secs(60))
///     .build();
/// # Ok(())
/// # }
/// ```
impl<S> Builder<S> {
    /// Sets how many connections the system queues for each bound endpoint until they are accepted.
    /// Default: 1,024. (libzmq `ZMQ_BACKLOG`, 100.)
    ///
    /// The system reduces larger numbers to its own limit. On Linux, a client that finds the queue
    /// full tries again after a second.
    pub fn backlog(mut self, connections: u32) -> Self {
        self.options.tcp.backlog = connections;
        self
    }

    /// Sets the name of the network interface that all connections use; `None` for any.
    /// Default: `None`. Linux and Android only. (`SO_BINDTODEVICE`; libzmq `ZMQ_BINDTODEVICE`.)
    ///
    /// Linux before 5.7 requires a privileged process.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Client;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::builder().bind_to_device("eth1").build();
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(linux_kernel)]
    pub fn bind_to_device<'a>(mut self, name: impl Into<Option<&'a str>>) -> Self {
        self.options.tcp.device = name.into().map(str::to_owned);
        self
    }

    /// Sets the priority of outgoing packets in the queues of this machine; `None` leaves it to the
    /// system. Default: `None`. Linux and Android only. (`SO_PRIORITY`; libzmq `ZMQ_PRIORITY`.)
    ///
    /// A priority above 6 requires a privileged process.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Client;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::builder().priority(6).build();
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(linux_kernel)]
    pub fn priority(mut self, priority: impl Into<Option<u32>>) -> Self {
        self.options.tcp.priority = priority.into();
        self
    }

    /// Sets the size, in bytes, of the system's receive buffer of each connection; `None` leaves it
    /// to the system, which adapts it to the connection. Default: `None`. (`SO_RCVBUF`; libzmq
    /// `ZMQ_RCVBUF`.)
    ///
    /// The system may change the size: Linux doubles it and applies its own limit.
    /// [`recv_hwm`](Self::recv_hwm) does not count the messages in this buffer, which are lost if
    /// the process ends.
    pub fn recv_buffer_size(mut self, bytes: impl Into<Option<u32>>) -> Self {
        self.options.tcp.recv_buffer_size = bytes.into();
        self
    }

    /// Sets the size, in bytes, of the system's send buffer of each connection; `None` leaves it to
    /// the system, which adapts it to the connection. Default: `None`. (`SO_SNDBUF`; libzmq
    /// `ZMQ_SNDBUF`.)
    ///
    /// The system may change the size: Linux doubles it and applies its own limit.
    pub fn send_buffer_size(mut self, bytes: impl Into<Option<u32>>) -> Self {
        self.options.tcp.send_buffer_size = bytes.into();
        self
    }

    /// Sets the SOCKS5 proxy through which TCP connections are established; `None` for none.
    /// Default: `None`. (libzmq `ZMQ_SOCKS_PROXY`, `_USERNAME` and `_PASSWORD`.)
    ///
    /// The proxy resolves host names, except those given to
    /// [`connect_all`](crate::Client::connect_all). A source in an endpoint applies to the
    /// connection to the proxy. If the proxy refuses the username and password, the endpoint is not
    /// reconnected.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::{Client, SocksProxy};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::builder().socks_proxy(SocksProxy::new("127.0.0.1:1080")?).build();
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "socks")]
    pub fn socks_proxy(mut self, proxy: impl Into<Option<SocksProxy>>) -> Self {
        self.options.tcp.socks_proxy = proxy.into();
        self
    }

    /// Sets the local address of connections that this socket establishes, with port 0 for any
    /// port. Default: the system picks it. (In libzmq it is part of the endpoint, before a
    /// semicolon.)
    ///
    /// Only addresses of the same family are tried when a host name is resolved. An attempt fails
    /// if there are none, or if the source address cannot be used.
    pub fn source_address(mut self, address: impl Into<SocketAddr>) -> Self {
        self.options.tcp.source_address = Some(address.into());
        self
    }

    /// Sets whether the system probes silent connections, to check that the machine of the remote
    /// is still reachable. Default: `None`. (`SO_KEEPALIVE`; libzmq `ZMQ_TCP_KEEPALIVE`.)
    ///
    /// `None` leaves it to the system, which usually does not probe, unless one of the three
    /// options that follow is set. To check that the program of the remote still works, set
    /// [`heartbeat_interval`](Self::heartbeat_interval).
    pub fn tcp_keepalive(mut self, keepalive: impl Into<Option<bool>>) -> Self {
        self.options.tcp.keepalive = keepalive.into();
        self
    }

    /// Sets the number of unanswered probes after which a connection is broken; `None` leaves it to
    /// the system. Default: `None`. Not on OpenBSD. (`TCP_KEEPCNT`; libzmq
    /// `ZMQ_TCP_KEEPALIVE_CNT`.)
    ///
    /// Setting it turns probes on, unless [`tcp_keepalive`](Self::tcp_keepalive) turns them off.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Client;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::builder().tcp_keepalive_count(3).build();
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(tcp_keepalive_details)]
    pub fn tcp_keepalive_count(mut self, probes: impl Into<Option<u32>>) -> Self {
        self.options.tcp.keepalive_count = probes.into();
        self
    }

    /// Sets how long a connection must be silent before the first probe is sent, rounded up to
    /// seconds; `None` leaves it to the system. Default: `None`. (`TCP_KEEPIDLE`; libzmq
    /// `ZMQ_TCP_KEEPALIVE_IDLE`.)
    ///
    /// Setting it turns probes on, unless [`tcp_keepalive`](Self::tcp_keepalive) turns them off.
    /// OpenBSD has one such time for the whole machine, and ignores this option.
    pub fn tcp_keepalive_idle(mut self, idle: impl Into<Option<Duration>>) -> Self {
        self.options.tcp.keepalive_idle = idle.into();
        self
    }

    /// Sets the time between two probes, rounded up to seconds; `None` leaves it to the system.
    /// Default: `None`. Not on OpenBSD. (`TCP_KEEPINTVL`; libzmq `ZMQ_TCP_KEEPALIVE_INTVL`.)
    ///
    /// Setting it turns probes on, unless [`tcp_keepalive`](Self::tcp_keepalive) turns them off.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_zmtp::Client;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::builder().tcp_keepalive_interval(Duration::from_secs(10)).build();
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(tcp_keepalive_details)]
    pub fn tcp_keepalive_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.options.tcp.keepalive_interval = interval.into();
        self
    }

    /// Sets how long sent data may stay unacknowledged before the connection is broken; `None` or
    /// zero leaves it to the system, which takes minutes. Default: `None`. Linux and Android only.
    /// (`TCP_USER_TIMEOUT`, RFC 5482; libzmq `ZMQ_TCP_MAXRT`.)
    ///
    /// The time is rounded down to milliseconds, and is at least one. The system refuses more than
    /// 24 days.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_zmtp::Client;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::builder().tcp_max_retransmission_time(Duration::from_secs(30)).build();
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(linux_kernel)]
    pub fn tcp_max_retransmission_time(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.options.tcp.max_retransmission_time = limit.into();
        self
    }

    /// Sets the byte by which networks classify traffic, in all outgoing packets; `None` leaves it
    /// to the system. Default: `None`. Not on Windows, nor on Apple's systems other than macOS.
    /// (`IP_TOS` and `IPV6_TCLASS`, RFC 2474; libzmq `ZMQ_TOS`.)
    ///
    /// The lower two bits belong to the system (RFC 3168), which ignores them here. On systems
    /// other than Linux and Android the option does not affect IPv4 connections accepted by an IPv6
    /// endpoint, such as `tcp://*:5555`.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Client;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // Expedited forwarding (RFC 3246).
    /// let client = Client::builder().type_of_service(46 << 2).build();
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(type_of_service)]
    pub fn type_of_service(mut self, byte: impl Into<Option<u8>>) -> Self {
        self.options.tcp.type_of_service = byte.into();
        self
    }
}
