//! Options of heartbeats.

use std::time::Duration;

use super::Builder;

/// # Heartbeats
///
/// ```
/// use std::time::Duration;
/// use tokio_zmtp::Server;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder()
///     .heartbeat_interval(Duration::from_secs(10))
///     .heartbeat_timeout(Duration::from_secs(20))
///     .heartbeat_ttl(Duration::from_secs(30))
///     .build();
/// # Ok(())
/// # }
/// ```
impl<S> Builder<S> {
    /// Sets the interval at which each connection sends a PING, to check that the remote is still
    /// alive; `None` or zero to send none. Default: `None`. (RFC 37, Connection Heartbeating;
    /// libzmq `ZMQ_HEARTBEAT_IVL`.)
    ///
    /// A connection that fails its heartbeat counts as broken: if it was dialed, it is
    /// re-established.
    ///
    /// **Services should set this.** Without heartbeats, this socket does not detect that a remote
    /// has failed silently: its process hangs, its host loses power, or a firewall drops the
    /// connection state. Messages and calls without a deadline then wait, and the monitor reports
    /// nothing.
    ///
    /// TCP itself ends such a connection only if data has been sent: after about 15 minutes, or as
    /// [`tcp_max_retransmission_time`](Self::tcp_max_retransmission_time) and
    /// [`tcp_keepalive`](Self::tcp_keepalive) specify. If only the process hangs, TCP never ends
    /// it. With an interval of 10 s, and the same timeout, a silent remote is detected within 20 s:
    /// [`HeartbeatTimedOut`](crate::monitor::DisconnectReason::HeartbeatTimedOut) is reported, and
    /// calls that wait for its reply fail with `CallError::ConnectionLost`.
    ///
    /// Heartbeats are off by default because a remote that receives slowly is not dead: see
    /// [`heartbeat_timeout`](Self::heartbeat_timeout). If a libzmq remote may be busy for longer
    /// than that timeout while its queue is full, leave heartbeats off, or choose a longer timeout.
    /// Between two sockets of this crate it suffices that both send PINGs, each with a timeout
    /// longer than the interval of the other: PINGs are sent even while nothing is read.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use tokio_zmtp::Client;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::builder()
    ///     .heartbeat_interval(Duration::from_secs(10))
    ///     .heartbeat_timeout(Duration::from_secs(20))
    ///     .connect("tcp://127.0.0.1:5555")
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn heartbeat_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.options.heartbeat.set_interval(interval.into());
        self
    }

    /// Sets how long a connection waits after a PING for anything to arrive before it ends; `None`
    /// to use [`heartbeat_interval`](Self::heartbeat_interval), zero for no limit. Default: `None`.
    /// (libzmq `ZMQ_HEARTBEAT_TIMEOUT`.)
    ///
    /// Every byte that arrives is a sign of life. So is every byte that the remote accepts while
    /// this side waits to write more: a long message over a slow network may take any time.
    ///
    /// The time starts when the PING is written. If the remote has accepted bytes slowly, the time
    /// that the last 256 KiB took is added, up to three times the timeout, because as many bytes
    /// may be in transit before the PING. The timeout should not be shorter than the transmission
    /// of 64 KiB.
    ///
    /// The connection to a remote that neither sends nor accepts any byte ends with
    /// [`HeartbeatTimedOut`](crate::monitor::DisconnectReason::HeartbeatTimedOut), even if the
    /// remote is only slow to receive: libzmq reads nothing, and answers no PING, while its queue
    /// is full. While the queue of received messages of this side is full, this side reads nothing
    /// and keeps the connection.
    pub fn heartbeat_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.options.heartbeat.set_timeout(timeout.into());
        self
    }

    /// Sets how long the remote should wait for anything from this socket before it ends the
    /// connection; `None` to leave that to the remote. Default: `None`. (libzmq
    /// `ZMQ_HEARTBEAT_TTL`.)
    ///
    /// Every byte that the remote receives restarts the time. It is sent with every PING, rounded
    /// up to tenths of a second and limited to 65.5 s, above which libzmq misinterprets it. A time
    /// that does not exceed [`heartbeat_interval`](Self::heartbeat_interval) is not sent.
    pub fn heartbeat_ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.options.heartbeat.ttl = ttl.into();
        self
    }
}
