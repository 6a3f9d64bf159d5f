use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use super::host_and_port::{
    EXAMPLE_PORT, Port, RequiredParts, parse_host_and_port, parse_port, split,
};
use super::{EndpointError, EndpointErrorKind, Host};

/// A TCP port of a host: `tcp://127.0.0.1:5555`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TcpEndpoint {
    source: Option<Box<TcpSource>>,
    host: Host,
    /// 0 stands for `*`, as it does for the system.
    port: u16,
    resource: Option<Box<str>>,
}

/// The source of connections: the part of an endpoint before the semicolon.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TcpSource {
    host: Host,
    /// 0 stands for `*`, as it does for the system.
    port: u16,
}

/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub use zmtp_proto::endpoint::*; }
/// use tokio_zmtp::Endpoint;
///
/// let endpoint = "tcp://eth0;example.org:5555/orders".parse::<Endpoint>()?;
/// let Endpoint::Tcp(endpoint) = endpoint else { unreachable!() };
/// assert_eq!(endpoint.source().unwrap().host().to_string(), "eth0");
/// assert_eq!(endpoint.host().to_string(), "example.org");
/// assert_eq!(endpoint.port(), 5555);
/// assert_eq!(endpoint.resource(), Some("orders"));
/// # Ok::<(), tokio_zmtp::EndpointError>(())
/// ```
impl TcpEndpoint {
    /// Parses the text after `tcp://`.
    pub(super) fn parse(address: &str) -> Result<Self, EndpointError> {
        let (source, rest) = match address.split_once(';') {
            Some((source, rest)) => (Some(source), rest),
            None => (None, address),
        };
        let (place, resource) = match rest.split_once('/') {
            Some((place, resource)) => (place, Some(resource)),
            None => (rest, None),
        };
        let parsed_source = source.map(TcpSource::parse).transpose();
        let parsed_place = parse_host_and_port(place);
        let parsed_resource = resource.map(parse_resource).transpose();

        // The proposal of an error keeps the valid parts.
        let source_shown = match &parsed_source {
            Ok(Some(source)) => format!("{source};"),
            _ => String::new(),
        };
        let resource_shown = match &parsed_resource {
            Ok(Some(resource)) => format!("/{resource}"),
            _ => String::new(),
        };
        let place_shown = match &parsed_place {
            Ok((host, port)) => format!("{host}:{}", Port(*port)),
            Err(_) => format!("127.0.0.1:{EXAMPLE_PORT}"),
        };
        let source = parsed_source.map_err(|error| match error.kind() {
            EndpointErrorKind::NoHost => {
                let without = format!("tcp://{place_shown}{resource_shown}");
                EndpointError::new(EndpointErrorKind::NoSource, without)
            }
            _ => error.proposing(|source| format!("tcp://{source};{place_shown}{resource_shown}")),
        })?;
        let (host, port) = parsed_place.map_err(|error| match error.kind() {
            EndpointErrorKind::NoHost => error,
            _ => error.proposing(|place| format!("tcp://{source_shown}{place}{resource_shown}")),
        })?;
        Ok(Self { source: source.map(Box::new), host, port, resource: parsed_resource? })
    }

    /// Returns the source of connections, if the endpoint has one: the part before the
    /// semicolon.
    pub fn source(&self) -> Option<&TcpSource> {
        self.source.as_deref()
    }

    /// Returns the host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Returns the port; 0 stands for `*`, a port that the system picks at bind.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the resource: the part after the slash. (RFC 37, The
    /// Resource Property.)
    pub fn resource(&self) -> Option<&str> {
        self.resource.as_deref()
    }

    /// Displays the text after `tcp://`.
    pub(super) fn address(&self) -> impl fmt::Display {
        Address(self)
    }

    pub(super) fn at(&self, address: SocketAddr) -> Self {
        Self { host: address.into(), port: address.port(), ..self.clone() }
    }

    pub(super) fn without_resource(&self) -> Self {
        Self { resource: None, ..self.clone() }
    }

    pub(super) fn check_bindable(&self) -> Result<(), EndpointError> {
        if self.source.is_some() {
            let without = Self { source: None, ..self.clone() };
            let kind = EndpointErrorKind::SourceToBind;
            return Err(EndpointError::new(kind, without.to_string()));
        }
        Ok(())
    }

    pub(super) fn check_connectable(&self) -> Result<(), EndpointError> {
        if self.host.is_unspecified() {
            let host = Host::Ipv4(Ipv4Addr::LOCALHOST);
            let port = if self.port == 0 { EXAMPLE_PORT } else { self.port };
            let meant = Self { host, port, ..self.clone() };
            return Err(EndpointError::new(EndpointErrorKind::WildcardHost, meant.to_string()));
        }
        if self.port == 0 {
            let meant = Self { port: EXAMPLE_PORT, ..self.clone() };
            return Err(EndpointError::new(EndpointErrorKind::WildcardPort, meant.to_string()));
        }
        Ok(())
    }
}

/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub use zmtp_proto::endpoint::*; }
/// use tokio_zmtp::Endpoint;
///
/// let endpoint = "tcp://192.0.2.7:4000;example.org:5555".parse::<Endpoint>()?;
/// let Endpoint::Tcp(endpoint) = endpoint else { unreachable!() };
/// let source = endpoint.source().unwrap();
/// assert_eq!((source.host().to_string().as_str(), source.port()), ("192.0.2.7", 4000));
/// # Ok::<(), tokio_zmtp::EndpointError>(())
/// ```
impl TcpSource {
    fn parse(text: &str) -> Result<Self, EndpointError> {
        let (host, port) = split(text, RequiredParts::Host)?;
        let port = match port {
            Some(port) => parse_port(&host, port)?,
            None => 0,
        };
        Ok(Self { host, port })
    }

    /// Returns the host: an address of this machine, the name of one of its interfaces, or `*` if
    /// only the port matters.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Returns the port; 0 stands for `*`, a port that the system picks.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// The text of an endpoint without its transport.
struct Address<'a>(&'a TcpEndpoint);

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TcpEndpoint { source, host, port, resource } = self.0;
        if let Some(source) = source {
            write!(f, "{source};")?;
        }
        write!(f, "{host}:{}", Port(*port))?;
        match resource {
            Some(resource) => write!(f, "/{resource}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for TcpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tcp://{}", self.address())
    }
}

impl fmt::Debug for TcpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for TcpSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, Port(self.port))
    }
}

impl fmt::Debug for TcpSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<SocketAddr> for TcpEndpoint {
    fn from(address: SocketAddr) -> Self {
        Self { source: None, host: address.into(), port: address.port(), resource: None }
    }
}

/// Parses the text after the slash (RFC 37, The Resource Property).
fn parse_resource(text: &str) -> Result<Box<str>, EndpointError> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "$-_@.&+/".contains(c);
    if let Some(character) = text.chars().find(|&c| !is_allowed(c)) {
        let kind = EndpointErrorKind::ResourceCharacter(character);
        return Err(EndpointError::new(kind, text));
    }
    if text.split('/').any(str::is_empty) {
        return Err(EndpointError::new(EndpointErrorKind::BadResource, text));
    }
    match text.len() {
        0..=RESOURCE_MAX => Ok(text.into()),
        bytes => {
            let kind = EndpointErrorKind::NameTooLong { bytes, limit: RESOURCE_MAX };
            Err(EndpointError::new(kind, ""))
        }
    }
}

/// The longest resource, in bytes. RFC 37 has no limit, but the READY command that carries it has
/// a limit here.
const RESOURCE_MAX: usize = 255;
