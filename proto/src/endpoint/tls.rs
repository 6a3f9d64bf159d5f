use std::fmt;
use std::net::SocketAddr;

use super::{EndpointError, EndpointErrorKind, Host, TcpEndpoint, TcpSource};

/// A TCP port of a host whose connections are encrypted by TLS: `tls://example.org:5555`.
///
/// It has the form of a [`TcpEndpoint`], except that it has no resource.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TlsEndpoint(TcpEndpoint);

/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub use zmtp_proto::endpoint::*; }
/// use tokio_zmtp::Endpoint;
///
/// let endpoint = "tls://example.org:5555".parse::<Endpoint>()?;
/// let Endpoint::Tls(endpoint) = endpoint else { unreachable!() };
/// assert_eq!(endpoint.host().to_string(), "example.org");
/// assert_eq!(endpoint.port(), 5555);
/// assert_eq!(endpoint.source(), None);
/// assert_eq!(endpoint.tcp().to_string(), "tcp://example.org:5555");
/// # Ok::<(), tokio_zmtp::EndpointError>(())
/// ```
impl TlsEndpoint {
    /// Parses the text after `tls://`.
    pub(super) fn parse(address: &str) -> Result<Self, EndpointError> {
        let tcp = TcpEndpoint::parse(address).map_err(over_tls)?;
        if tcp.resource().is_some() {
            let without = Self(tcp.without_resource());
            let kind = EndpointErrorKind::ResourceOverTls;
            return Err(EndpointError::new(kind, without.to_string()));
        }
        Ok(Self(tcp))
    }

    /// Returns the source of connections, if the endpoint has one: the part before the
    /// semicolon.
    pub fn source(&self) -> Option<&TcpSource> {
        self.0.source()
    }

    /// Returns the host. To connect, it is also the name that the certificate of the remote must
    /// have, unless the options name another.
    pub fn host(&self) -> &Host {
        self.0.host()
    }

    /// Returns the port; 0 stands for `*`, a port that the system picks at bind.
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// Returns the TCP port without TLS.
    pub fn tcp(&self) -> &TcpEndpoint {
        &self.0
    }

    pub(super) fn at(&self, address: SocketAddr) -> Self {
        Self(self.0.at(address))
    }

    pub(super) fn check_bindable(&self) -> Result<(), EndpointError> {
        self.0.check_bindable().map_err(over_tls)
    }

    pub(super) fn check_connectable(&self) -> Result<(), EndpointError> {
        self.0.check_connectable().map_err(over_tls)
    }
}

fn over_tls(error: EndpointError) -> EndpointError {
    error.over("tls", "")
}

impl fmt::Display for TlsEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tls://{}", self.0.address())
    }
}

impl fmt::Debug for TlsEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
