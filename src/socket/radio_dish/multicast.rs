//! Options for `udp` endpoints.

use super::Radio;
use crate::socket::Builder;

impl Builder<Radio> {
    /// Sets how many hops a multicast datagram of a `udp` endpoint lives: 1 for the local network,
    /// and one more for each router that may forward it; 0 for this machine. Default: 1.
    /// (`IP_MULTICAST_TTL` and `IPV6_MULTICAST_HOPS`; libzmq `ZMQ_MULTICAST_HOPS`, which leaves
    /// those of IPv6 unchanged.)
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Radio;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let radio = Radio::builder().multicast_hops(4).connect("udp://239.1.2.3:5555").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn multicast_hops(mut self, hops: u8) -> Self {
        self.options.udp.multicast_hops = hops;
        self
    }

    /// Sets whether multicast datagrams of a `udp` endpoint are also delivered to this machine.
    /// Default: true. (`IP_MULTICAST_LOOP` and `IPV6_MULTICAST_LOOP`; libzmq `ZMQ_MULTICAST_LOOP`.)
    ///
    /// What is sent through the loopback interface is always delivered to this machine. On Windows
    /// the system applies the option to sockets that receive, and it has no effect here.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Radio;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let radio = Radio::builder().multicast_loop(false).connect("udp://239.1.2.3:5555").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn multicast_loop(mut self, multicast_loop: bool) -> Self {
        self.options.udp.multicast_loop = multicast_loop;
        self
    }
}
