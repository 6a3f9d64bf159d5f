use std::fmt;
use std::net::SocketAddr;

use super::{EndpointError, EndpointErrorKind, Host, TcpEndpoint, TcpSource};

/// A path of an HTTP server whose connections are WebSockets (RFC 45):
/// `ws://example.org:8080/orders`, or `wss://example.org:8443/orders` with TLS.
///
/// The part before the path has the form of a [`TcpEndpoint`]. The port is 80 or 443 if it is
/// omitted, and the path `/`. Paths are compared as they are written, so that an escape such as
/// `%41` differs from `A`. To connect, the path can end with a query, such as `?room=7`.
#[derive(Clone, PartialEq, Eq, Hash)]
// Boxed: each connection holds several endpoints, and those of other transports are shorter.
pub struct WebSocketEndpoint(Box<Parts>);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Parts {
    tcp: TcpEndpoint,
    is_encrypted: bool,
    /// With its query.
    path: Box<str>,
}

/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub use zmtp_proto::endpoint::*; }
/// use tokio_zmtp::Endpoint;
///
/// let endpoint = "wss://example.org/orders?room=7".parse::<Endpoint>()?;
/// assert_eq!(endpoint.to_string(), "wss://example.org:443/orders?room=7");
/// let Endpoint::WebSocket(endpoint) = endpoint else { unreachable!() };
/// assert!(endpoint.is_encrypted());
/// assert_eq!(endpoint.host().to_string(), "example.org");
/// assert_eq!(endpoint.port(), 443);
/// assert_eq!(endpoint.path(), "/orders");
/// assert_eq!(endpoint.query(), Some("room=7"));
/// assert_eq!(endpoint.source(), None);
/// assert_eq!(endpoint.tcp().to_string(), "tcp://example.org:443");
/// # Ok::<(), tokio_zmtp::EndpointError>(())
/// ```
impl WebSocketEndpoint {
    /// Parses the text after `ws://` or `wss://`.
    pub(super) fn parse(address: &str, is_encrypted: bool) -> Result<Self, EndpointError> {
        let (place, path) = match address.find(['/', '?', '#']) {
            Some(at) => address.split_at(at),
            None => (address, ""),
        };
        let path = parse_path(path);
        let scheme = scheme(is_encrypted);
        let tcp = TcpEndpoint::parse(place).or_else(|error| match error.kind() {
            EndpointErrorKind::NoPort => {
                let port = if is_encrypted { HTTPS_PORT } else { HTTP_PORT };
                TcpEndpoint::parse(&format!("{place}:{port}"))
            }
            _ => Err(error),
        });
        let tcp = tcp.map_err(|error| error.over(scheme, path.as_deref().unwrap_or_default()))?;
        Ok(Self(Box::new(Parts { tcp, is_encrypted, path: path?.into() })))
    }

    /// Returns whether the endpoint is one of `wss`, whose connections are encrypted by TLS.
    pub fn is_encrypted(&self) -> bool {
        self.0.is_encrypted
    }

    /// Returns the source of connections, if the endpoint has one: the part before the
    /// semicolon.
    pub fn source(&self) -> Option<&TcpSource> {
        self.0.tcp.source()
    }

    /// Returns the host. To connect to `wss`, it is also the name that the certificate of the remote
    /// must have, unless the options name another.
    pub fn host(&self) -> &Host {
        self.0.tcp.host()
    }

    /// Returns the port; 0 stands for `*`, a port that the system picks at bind.
    pub fn port(&self) -> u16 {
        self.0.tcp.port()
    }

    /// Returns the path, without the query.
    pub fn path(&self) -> &str {
        self.0.path.split('?').next().unwrap_or_default()
    }

    /// Returns the query, if there is one: the part after the question mark.
    pub fn query(&self) -> Option<&str> {
        self.0.path.split_once('?').map(|(_, query)| query)
    }

    /// Returns the TCP port without TLS, WebSockets and the path.
    pub fn tcp(&self) -> &TcpEndpoint {
        &self.0.tcp
    }

    pub(super) fn at(&self, address: SocketAddr) -> Self {
        let mut at = self.clone();
        at.0.tcp = self.0.tcp.at(address);
        at
    }

    pub(super) fn check_bindable(&self) -> Result<(), EndpointError> {
        if self.query().is_some() {
            let mut without = self.clone();
            without.0.path = self.path().into();
            let kind = EndpointErrorKind::QueryToBind;
            return Err(EndpointError::new(kind, without.to_string()));
        }
        self.0.tcp.check_bindable().map_err(|error| self.complete(error))
    }

    pub(super) fn check_connectable(&self) -> Result<(), EndpointError> {
        self.0.tcp.check_connectable().map_err(|error| self.complete(error))
    }

    fn complete(&self, error: EndpointError) -> EndpointError {
        error.over(scheme(self.0.is_encrypted), &self.0.path)
    }
}

impl fmt::Display for WebSocketEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { tcp, is_encrypted, path } = &*self.0;
        write!(f, "{}://{}{path}", scheme(*is_encrypted), tcp.address())
    }
}

impl fmt::Debug for WebSocketEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Parses a path with its query (RFC 3986).
fn parse_path(text: &str) -> Result<String, EndpointError> {
    let path = if text.starts_with('/') { text.to_owned() } else { format!("/{text}") };
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._~%!$&'()*+,;=:@/?".contains(c);
    if let Some(character) = path.chars().find(|&c| !is_allowed(c)) {
        return Err(EndpointError::new(EndpointErrorKind::PathCharacter(character), ""));
    }
    match path.len() {
        0..=PATH_MAX => Ok(path),
        bytes => {
            let kind = EndpointErrorKind::PathTooLong { bytes, limit: PATH_MAX };
            Err(EndpointError::new(kind, ""))
        }
    }
}

fn scheme(is_encrypted: bool) -> &'static str {
    if is_encrypted { "wss" } else { "ws" }
}

/// The default ports (RFC 6455, 3).
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// The longest path with its query, in bytes. RFC 6455 has no limit, but servers have.
const PATH_MAX: usize = 2048;
