//! Options of TCP.

use std::net::SocketAddr;
use std::time::Duration;

use super::Builder;
#[cfg(feature = "socks")]
use crate::options::SocksProxy;

impl<S> Builder<S> {
    /// Sets how many connections the system keeps for each bound endpoint until they are accepted.
    /// Default: 100. (libzmq `ZMQ_BACKLOG`.)
    ///
    /// A number above the system's own limit counts as that limit.
    pub fn backlog(mut self, connections: u32) -> Self {
        self.options.tcp.backlog = connections;
        self
    }

    /// Sets the network interface, by its name, that all connections go through; `None` for any.
    /// Default: `None`. Linux and Android only. (`SO_BINDTODEVICE`; libzmq `ZMQ_BINDTODEVICE`.)
    ///
    /// Linux before 5.7 allows it to privileged processes only.
    #[cfg(linux_kernel)]
    pub fn bind_to_device<'a>(mut self, name: impl Into<Option<&'a str>>) -> Self {
        self.options.tcp.device = name.into().map(str::to_owned);
        self
    }

    /// Sets the priority by which this machine queues the packets that are sent; `None` leaves it
    /// to the system. Default: `None`. Linux and Android only. (`SO_PRIORITY`; libzmq
    /// `ZMQ_PRIORITY`.)
    ///
    /// More than 6 takes a privilege.
    #[cfg(linux_kernel)]
    pub fn priority(mut self, priority: impl Into<Option<u32>>) -> Self {
        self.options.tcp.priority = priority.into();
        self
    }

    /// Sets the size, in bytes, of the system's buffer for what each connection receives; `None`
    /// leaves it to the system, which adapts it to the connection. Default: `None`. (`SO_RCVBUF`;
    /// libzmq `ZMQ_RCVBUF`.)
    ///
    /// Systems make of it what they see fit: Linux doubles it, and cuts it to a limit of its own.
    pub fn recv_buffer_size(mut self, bytes: impl Into<Option<u32>>) -> Self {
        self.options.tcp.recv_buffer_size = bytes.into();
        self
    }

    /// Sets the size, in bytes, of the system's buffer for what each connection sends; `None`
    /// leaves it to the system, which adapts it to the connection. Default: `None`. (`SO_SNDBUF`;
    /// libzmq `ZMQ_SNDBUF`.)
    ///
    /// Systems make of it what they see fit: Linux doubles it, and cuts it to a limit of its own.
    pub fn send_buffer_size(mut self, bytes: impl Into<Option<u32>>) -> Self {
        self.options.tcp.send_buffer_size = bytes.into();
        self
    }

    /// Sets the SOCKS5 proxy that connections over TCP are made through; `None` for none. Default:
    /// none. (libzmq `ZMQ_SOCKS_PROXY`, `_USERNAME` and `_PASSWORD`.) With the feature `socks` only.
    ///
    /// Host names are resolved by the proxy, but for those of
    /// [`connect_all`](crate::Socket::connect_all). A source in an endpoint is where this socket
    /// connects to the proxy from. A proxy that refuses the username and the password is not asked
    /// again: the endpoint is given up.
    #[cfg(feature = "socks")]
    pub fn socks_proxy(mut self, proxy: impl Into<Option<SocksProxy>>) -> Self {
        self.options.tcp.socks_proxy = proxy.into();
        self
    }

    /// Sets the address of this machine that connections to others come from, with port 0 for any
    /// port. Default: what the system picks. (libzmq has it in the endpoint, before a semicolon.)
    ///
    /// Of the addresses of a host name only those of the same family are tried. An attempt fails if
    /// there are none, or if the source address cannot be used.
    pub fn source_address(mut self, address: impl Into<SocketAddr>) -> Self {
        self.options.tcp.source_address = Some(address.into());
        self
    }

    /// Sets whether the system probes connections on which nothing is received, to find out whether
    /// the remote's machine is still there; `None` leaves it to the system, which as a rule does
    /// not, unless one of the three options that follow is set. Default: `None`. (`SO_KEEPALIVE`;
    /// libzmq `ZMQ_TCP_KEEPALIVE`.)
    ///
    /// [`heartbeat_interval`](Self::heartbeat_interval) finds out whether its program still is.
    pub fn tcp_keepalive(mut self, keepalive: impl Into<Option<bool>>) -> Self {
        self.options.tcp.keepalive = keepalive.into();
        self
    }

    /// Sets after how many probes without an answer a connection is broken; `None` leaves it to the
    /// system. Default: `None`. Not on OpenBSD. (`TCP_KEEPCNT`; libzmq `ZMQ_TCP_KEEPALIVE_CNT`.)
    ///
    /// Connections are probed, unless [`tcp_keepalive`](Self::tcp_keepalive) says that they are
    /// not.
    #[cfg(tcp_keepalive_details)]
    pub fn tcp_keepalive_count(mut self, probes: impl Into<Option<u32>>) -> Self {
        self.options.tcp.keepalive_count = probes.into();
        self
    }

    /// Sets for how long nothing is received until the first probe is sent, rounded up to seconds;
    /// `None` leaves it to the system. Default: `None`. (`TCP_KEEPIDLE`; libzmq
    /// `ZMQ_TCP_KEEPALIVE_IDLE`.)
    ///
    /// Connections are probed, unless [`tcp_keepalive`](Self::tcp_keepalive) says that they are
    /// not. OpenBSD has this time for the whole machine only, and ignores it.
    pub fn tcp_keepalive_idle(mut self, idle: impl Into<Option<Duration>>) -> Self {
        self.options.tcp.keepalive_idle = idle.into();
        self
    }

    /// Sets the time between two probes, rounded up to seconds; `None` leaves it to the system.
    /// Default: `None`. Not on OpenBSD. (`TCP_KEEPINTVL`; libzmq `ZMQ_TCP_KEEPALIVE_INTVL`.)
    ///
    /// Connections are probed, unless [`tcp_keepalive`](Self::tcp_keepalive) says that they are
    /// not.
    #[cfg(tcp_keepalive_details)]
    pub fn tcp_keepalive_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.options.tcp.keepalive_interval = interval.into();
        self
    }

    /// Sets how long what was sent may stay unacknowledged before the connection is broken, cut to
    /// milliseconds, but at least one; `None` or zero leaves it to the system, which takes minutes. The
    /// system refuses more than 24 days.
    /// Default: `None`. Linux and Android only. (`TCP_USER_TIMEOUT`, RFC 5482; libzmq
    /// `ZMQ_TCP_MAXRT`.)
    #[cfg(linux_kernel)]
    pub fn tcp_max_retransmission_time(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.options.tcp.max_retransmission_time = limit.into();
        self
    }

    /// Sets the byte by which networks tell kinds of traffic apart, in all packets that are sent;
    /// `None` leaves it to the system. Default: `None`. Not on Windows, nor on Apple's systems
    /// other than macOS. (`IP_TOS` and `IPV6_TCLASS`, RFC 2474; libzmq `ZMQ_TOS`.)
    ///
    /// The lower two bits belong to the system (RFC 3168), which ignores them here. On systems
    /// other than Linux and Android it has no effect on IPv4 connections that an IPv6 endpoint,
    /// such as `tcp://*:5555`, accepts.
    #[cfg(type_of_service)]
    pub fn type_of_service(mut self, byte: impl Into<Option<u8>>) -> Self {
        self.options.tcp.type_of_service = byte.into();
        self
    }
}
