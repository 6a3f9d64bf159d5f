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
    /// Any octet is a sign of life. While the queue of received messages is full nothing is read, and
    /// the remote is not given up.
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
    /// It goes with every PING, rounded up to tenths of a second and cut to 65.5 s, above which libzmq
    /// miscounts. One that does not exceed [`heartbeat_interval`](Self::heartbeat_interval) is not sent.
    pub fn heartbeat_ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.options.heartbeat.ttl = ttl.into();
        self
    }
}
