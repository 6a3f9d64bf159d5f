use std::fmt;

use super::EndpointError;
use super::name::parse_name;

/// A name inside this process: `inproc://workers`.
///
/// There is neither a stream nor a handshake between the two sockets, so the corresponding options
/// have no effect: connecting, heartbeats, `max_message_size`, the mechanism and the authenticator.
/// As elsewhere, the socket types must be compatible, and the sockets exchange their properties. A
/// client whose server is closed waits for the next server of that name.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct InprocEndpoint(Box<str>);

/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub use zmtp_proto::endpoint::*; }
/// use tokio_zmtp::Endpoint;
///
/// let endpoint = "inproc://workers".parse::<Endpoint>()?;
/// let Endpoint::Inproc(endpoint) = endpoint else { unreachable!() };
/// assert_eq!(endpoint.name(), "workers");
/// # Ok::<(), tokio_zmtp::EndpointError>(())
/// ```
impl InprocEndpoint {
    /// Creates a name that is unique in this process.
    ///
    /// # Examples
    ///
    /// ```
    /// # mod tokio_zmtp { pub use zmtp_proto::endpoint::*; }
    /// use tokio_zmtp::InprocEndpoint;
    ///
    /// assert_ne!(InprocEndpoint::unique(), InprocEndpoint::unique());
    /// ```
    #[must_use]
    pub fn unique() -> Self {
        Self(format!("{:032x}", fastrand::u128(..)).into())
    }

    /// Parses the text after `inproc://`.
    pub(super) fn parse(name: &str) -> Result<Self, EndpointError> {
        parse_name(name, "inproc://service").map(Self)
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InprocEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "inproc://{}", self.0)
    }
}

impl fmt::Debug for InprocEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
