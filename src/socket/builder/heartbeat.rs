//! Options of heartbeats.

use std::time::Duration;

use super::{Builder, unless_zero};

impl<S> Builder<S> {
    /// Sets how often each connection sends a PING, to find out whether the remote is still there;
    /// `None` or zero for never. Default: `None`. (RFC 37, Connection Heartbeating; libzmq
    /// `ZMQ_HEARTBEAT_IVL`.)
    ///
    /// A connection that is given up counts as broken: if it was dialled, it is made again.
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
