//! Options of heartbeats.

use std::time::Duration;

use super::{Builder, unless_zero};

impl<S> Builder<S> {
    /// Sets how often each connection sends a PING, to find out whether the remote is still there;
    /// `None` or zero for never. Default: `None`. (RFC 37, Connection Heartbeating; libzmq
    /// `ZMQ_HEARTBEAT_IVL`.)
    ///
    /// A connection that is given up counts as broken: if it was dialled, it is made again.
    ///
    /// **Services should set this.** Without heartbeats this socket does not notice that a remote has gone
    /// silently, that is, when its process hangs, its host loses power, or a firewall forgets the
    /// connection: messages wait, and so do calls without a deadline, while the monitor reports nothing.
    /// TCP itself ends such a connection only when something has been sent, after some 15 minutes, or as
    /// [`tcp_max_retransmission_time`](Self::tcp_max_retransmission_time) and
    /// [`tcp_keepalive`](Self::tcp_keepalive) say, and never if only the process hangs. With an interval of
    /// 10 s, and the same timeout, a silent remote is noticed within 20 s:
    /// [`HeartbeatTimedOut`](crate::monitor::DisconnectReason::HeartbeatTimedOut) is reported, and calls
    /// that wait for its reply fail with `CallError::ConnectionLost`.
    ///
    /// They are not on by default because a remote that is slow to receive is not dead: see
    /// [`heartbeat_timeout`](Self::heartbeat_timeout). Where a libzmq remote may be busy for longer than that
    /// with its queue full, leave them off, or choose a longer timeout. Between two sockets of this crate
    /// it is enough that both send PINGs, and that the timeout is longer than the interval of the other:
    /// PINGs are sent while nothing is read.
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
        self.options.heartbeat.interval = unless_zero(interval.into());
        self
    }

    /// Sets how long a connection waits after a PING for anything to arrive before it gives the remote
    /// up; `None` for as long as [`heartbeat_interval`](Self::heartbeat_interval), zero for any time.
    /// Default: `None`. (libzmq `ZMQ_HEARTBEAT_TIMEOUT`.)
    ///
    /// Any byte that arrives is a sign of life, and so is it when the remote takes bytes while this side
    /// waits to write more: a long message over a slow link takes as long as it takes. The time runs from
    /// when the PING is written. Where the remote has taken bytes slowly, it gets on top the time that the
    /// last 256 KiB took, three times the timeout at most, as that much may be under way before the PING.
    /// So the timeout should not be shorter than the link needs for 64 KiB.
    ///
    /// A remote that neither sends nor takes a byte ends with
    /// [`HeartbeatTimedOut`](crate::monitor::DisconnectReason::HeartbeatTimedOut), though it may only be
    /// slow to receive: libzmq reads nothing, and answers no PING, while its queue is full. While the
    /// queue of messages received by this side is full nothing is read here, and the remote is kept.
    pub fn heartbeat_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        let timeout = timeout.into();
        self.options.heartbeat.timeout =
            timeout.map(|timeout| unless_zero(Some(timeout)).unwrap_or(Duration::MAX));
        self
    }

    /// Sets how long the remote should wait for anything from this socket before it gives the
    /// connection up; `None` to leave that to the remote. Default: `None`. (libzmq
    /// `ZMQ_HEARTBEAT_TTL`.)
    ///
    /// Any byte that the remote receives begins the time anew. It goes with every PING, rounded up to tenths of a second and cut to 65.5 s, above which libzmq
    /// miscounts. One that does not exceed [`heartbeat_interval`](Self::heartbeat_interval) is not sent.
    pub fn heartbeat_ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.options.heartbeat.ttl = ttl.into();
        self
    }
}
