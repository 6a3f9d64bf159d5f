use std::fmt;

use super::name::parse_name;
use super::{EndpointError, EndpointErrorKind};

/// A stream that the application establishes: `stream://browser-7`.
///
/// The name is chosen by the application. It appears in events, logs and properties of remotes, and
/// `disconnect` takes it. The socket cannot open such a stream by itself: the endpoint can neither be
/// bound nor connected to without a dialer.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct StreamEndpoint(Box<str>);

/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub use zmtp_proto::endpoint::*; }
/// use tokio_zmtp::Endpoint;
///
/// let endpoint = "stream://browser-7".parse::<Endpoint>()?;
/// let Endpoint::Stream(endpoint) = endpoint else { unreachable!() };
/// assert_eq!(endpoint.name(), "browser-7");
/// # Ok::<(), tokio_zmtp::EndpointError>(())
/// ```
impl StreamEndpoint {
    /// Creates the endpoint with this name.
    ///
    /// # Errors
    ///
    /// The name is empty or longer than 256 bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # mod tokio_zmtp { pub use zmtp_proto::endpoint::*; }
    /// use tokio_zmtp::StreamEndpoint;
    ///
    /// assert_eq!(StreamEndpoint::new("browser-7")?.to_string(), "stream://browser-7");
    /// # Ok::<(), tokio_zmtp::EndpointError>(())
    /// ```
    pub fn new(name: &str) -> Result<Self, EndpointError> {
        Self::parse(name).map_err(|error| error.within(&format!("stream://{name}")))
    }

    /// Returns the endpoint of streams without a name of their own.
    ///
    /// # Examples
    ///
    /// ```
    /// # mod tokio_zmtp { pub use zmtp_proto::endpoint::*; }
    /// use tokio_zmtp::StreamEndpoint;
    ///
    /// assert_eq!(StreamEndpoint::attached().to_string(), "stream://attached");
    /// ```
    #[must_use]
    pub fn attached() -> Self {
        Self("attached".into())
    }

    /// Parses the text after `stream://`.
    pub(super) fn parse(name: &str) -> Result<Self, EndpointError> {
        parse_name(name, "stream://browser-7").map(Self)
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.0
    }

    pub(super) fn check_usable(&self) -> Result<(), EndpointError> {
        Err(EndpointError::new(EndpointErrorKind::NoDialer, ""))
    }
}

impl fmt::Display for StreamEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stream://{}", self.0)
    }
}

impl fmt::Debug for StreamEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
