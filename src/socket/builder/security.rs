//! Options of who is let in, and of who can read along.

use std::sync::Arc;

use super::Builder;
use crate::auth::{Authenticator, SharedAuthenticator};
use crate::proto::mechanism::Mechanism;

impl<S> Builder<S> {
    /// Sets who decides which remotes are let in. Default: nobody. (libzmq: the handler of ZAP, RFC 27.)
    ///
    /// It is asked about the clients of [`Mechanism::PlainServer`] and [`Mechanism::CurveServer`], and
    /// about all remotes of [`Mechanism::Null`]. What holds without one is said there. Over `inproc`
    /// nobody is asked, as both sockets are of this process.
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.options.authenticator = Some(SharedAuthenticator::new(authenticator));
        self
    }

    /// Sets a name of this socket for its authenticator, which may serve several. Default: none. (libzmq
    /// `ZMQ_ZAP_DOMAIN`.)
    pub fn domain(mut self, domain: impl Into<Arc<str>>) -> Self {
        self.options.domain = domain.into();
        self
    }

    /// Sets how many connections of one bound endpoint may be shaking hands at the same time; 0 for any
    /// number. Default: 4,096.
    ///
    /// When there are more, the one that has been at it for the longest is closed, so that whoever only
    /// holds connections open does not keep others out. Each takes less than 8 KiB, and up to 64 KiB more
    /// if its remote sends that much.
    pub fn max_half_open(mut self, connections: usize) -> Self {
        self.options.max_half_open = connections;
        self
    }

    /// Sets the same for the connections from one address. Default: 4,096, as there may be many clients
    /// behind it.
    pub fn max_half_open_per_address(mut self, connections: usize) -> Self {
        self.options.max_half_open_per_address = connections;
        self
    }

    /// Sets the security mechanism. All remotes have to have the same, in the other role. Default:
    /// [`Mechanism::Null`]. (libzmq `ZMQ_PLAIN_SERVER`, `ZMQ_CURVE_SERVER` and their like.)
    pub fn mechanism(mut self, mechanism: Mechanism) -> Self {
        self.options.mechanism = mechanism;
        self
    }
}
