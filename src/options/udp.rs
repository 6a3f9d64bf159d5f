//! Options of UDP sockets.

/// The options of UDP sockets. Those that TCP has as well are in [`TcpOptions`](super::TcpOptions).
#[derive(Clone, Copy, Debug)]
pub(crate) struct UdpOptions {
    /// The number of routers that a multicast datagram may pass, and one.
    pub(crate) multicast_hops: u8,
    pub(crate) multicast_loop: bool,
}

impl Default for UdpOptions {
    fn default() -> Self {
        Self {
            // libzmq's default: the local network.
            multicast_hops: 1,
            // libzmq's default.
            multicast_loop: true,
        }
    }
}
