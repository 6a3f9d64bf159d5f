//! Options of making connections.

use std::sync::Arc;
use std::time::Duration;

use super::{Builder, unless_zero};
use crate::error::PropertyError;
use crate::options::{Names, ReconnectStop, Resolver};

impl<S> Builder<S> {
    /// Sets how long one attempt to connect may take before the next is due; `None` or zero leaves it
    /// to the system, which takes minutes. Default: 10 s. (libzmq `ZMQ_CONNECT_TIMEOUT`.)
    pub fn connect_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.options.connect_timeout = unless_zero(limit.into());
        self
    }

    /// Sets how long a handshake may take before the connection is closed; `None` or zero for any time.
    /// Default: 30 s. (libzmq `ZMQ_HANDSHAKE_IVL`.)
    pub fn handshake_interval(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.options.handshake_interval = unless_zero(limit.into());
        self
    }

    /// Sets whether a remote that is dialled has its queue only while it is connected. Default: no.
    /// (libzmq `ZMQ_IMMEDIATE`.)
    ///
    /// If not, messages are queued for it from the moment `connect` returns, and between connections.
    /// If so, they go to remotes that are connected, or wait to be sent until there are any; what is
    /// queued for one that goes is undelivered; and each connection of a
    /// [`Server`](crate::Server) to a remote has a routing id of its own.
    ///
    /// Set it for a [`Client`](crate::Client) of several equivalent servers. Otherwise its messages go
    /// to all of them in turn, and those for a disconnected server wait until it returns. An
    /// `rpc::Requester` does not need it: it always chooses connected servers.
    pub fn immediate(mut self, immediate: bool) -> Self {
        self.options.immediate = immediate;
        self
    }

    /// Adds a property that is announced to every remote, which finds it by
    /// [`Remote::property`](crate::Remote::property). Default: none. (libzmq `ZMQ_METADATA`.)
    ///
    /// # Errors
    ///
    /// [`PropertyError`] if the name does not begin with `X-`, which is the applications' part of the
    /// names (RFC 37, Connection Metadata), or is not 1 to 255 letters, digits, `-`, `_`, `.` and `+`;
    /// or if all properties together exceed 60,000 bytes, above which remotes refuse them.
    pub fn metadata(
        mut self,
        name: impl AsRef<str>,
        value: impl AsRef<[u8]>,
    ) -> Result<Self, PropertyError> {
        let name = name.as_ref();
        if !name.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("X-")) {
            return Err(PropertyError::ReservedPrefix);
        }
        self.options.metadata.push(name, value.as_ref())?;
        Ok(self)
    }

    /// Sets how long to wait before the first attempt to connect again; `None` to make no other attempt.
    /// Each further attempt doubles it, up to [`reconnect_interval_max`](Self::reconnect_interval_max),
    /// and up to half of each wait is random. The delays begin anew after a connection over which
    /// a queued message was written whole, unless the remote ended it within another, and after a
    /// connection that has lasted for ten seconds, or for the longest wait if that is shorter. What the
    /// remote sends does not count. Default: 100 ms. (libzmq `ZMQ_RECONNECT_IVL`.)
    pub fn reconnect_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.options.reconnect_interval = interval.into();
        self
    }

    /// Sets the longest wait before an attempt to connect again. Default: 10 s. (libzmq
    /// `ZMQ_RECONNECT_IVL_MAX`.)
    pub fn reconnect_interval_max(mut self, interval: Duration) -> Self {
        self.options.reconnect_interval_max = interval;
        self
    }

    /// Sets after what an endpoint is given up instead of dialled again. Default: nothing. (libzmq
    /// `ZMQ_RECONNECT_STOP`.)
    ///
    /// Whatever is set here, a remote that refuses this socket by an ERROR command is not dialled again
    /// (RFC 37, Error Handling).
    pub fn reconnect_stop(mut self, after: impl IntoIterator<Item = ReconnectStop>) -> Self {
        self.options.reconnect_stop = after.into_iter().collect();
        self
    }

    /// Sets how often the addresses of a name are asked for whose addresses are all
    /// [connected to](crate::Socket::connect_all), apart from when one of its connections has ended;
    /// `None` for only then. Default: 30 s, for which the name server of Kubernetes lets its answers be
    /// kept. (libzmq has no such option.)
    ///
    /// At least a second passes between two questions that were answered.
    pub fn resolve_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.options.resolve_interval = interval.into();
        self
    }

    /// Sets who is asked for the addresses of host names. Default: the system. (libzmq always asks the
    /// system.)
    pub fn resolver(mut self, resolver: impl Resolver) -> Self {
        self.options.tcp.names = Names(Some(Arc::new(resolver)));
        self
    }
}
