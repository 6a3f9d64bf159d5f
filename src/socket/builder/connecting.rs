//! Options of making connections.

use std::time::Duration;

use super::Builder;

impl<S> Builder<S> {
    /// Sets how long one attempt to connect may take before the next is due; `None` leaves it to
    /// the system, which takes minutes. Default: 10 s. (libzmq `ZMQ_CONNECT_TIMEOUT`.)
    pub fn connect_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.options.connect_timeout = limit.into();
        self
    }

    /// Sets how long a handshake may take before the connection is given up; `None` for any time.
    /// Default: 30 s. (libzmq `ZMQ_HANDSHAKE_IVL`.)
    pub fn handshake_interval(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.options.handshake_interval = limit.into();
        self
    }

    /// Sets how long to wait before the first attempt to connect again. Each further attempt doubles
    /// it, up to [`reconnect_interval_max`](Self::reconnect_interval_max), and up to half of each
    /// wait is random. A finished handshake begins anew. Default: 100 ms. (libzmq
    /// `ZMQ_RECONNECT_IVL`.)
    pub fn reconnect_interval(mut self, interval: Duration) -> Self {
        self.options.reconnect_interval = interval;
        self
    }

    /// Sets the longest wait before an attempt to connect again. Default: 10 s. (libzmq
    /// `ZMQ_RECONNECT_IVL_MAX`.)
    pub fn reconnect_interval_max(mut self, interval: Duration) -> Self {
        self.options.reconnect_interval_max = interval;
        self
    }
}
