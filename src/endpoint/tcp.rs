use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

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
        let parsed_place = parse_place(place);
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

    /// Returns the same endpoint with an address in place of the name.
    pub(crate) fn at(&self, address: SocketAddr) -> Self {
        Self { host: address.into(), port: address.port(), ..self.clone() }
    }

    /// Returns the same endpoint with another resource, or without one.
    pub(crate) fn serving(self, resource: Option<&str>) -> Self {
        Self { resource: resource.map(Box::from), ..self }
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

impl TcpSource {
    fn parse(text: &str) -> Result<Self, EndpointError> {
        let (host, port) = split(text, Wanted::Host)?;
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

impl fmt::Display for TcpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tcp://")?;
        if let Some(source) = &self.source {
            write!(f, "{source};")?;
        }
        write!(f, "{}:{}", self.host, Port(self.port))?;
        match &self.resource {
            Some(resource) => write!(f, "/{resource}"),
            None => Ok(()),
        }
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

/// Displays a port.
struct Port(u16);

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("*"),
            port => write!(f, "{port}"),
        }
    }
}

/// The required parts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Host,
    HostAndPort,
}

fn parse_place(text: &str) -> Result<(Host, u16), EndpointError> {
    let (host, port) = split(text, Wanted::HostAndPort)?;
    let port = parse_port(&host, port.unwrap_or_default())?;
    Ok((host, port))
}

/// Parses the host, and splits off the text after it, which should be a port.
fn split(text: &str, wanted: Wanted) -> Result<(Host, Option<&str>), EndpointError> {
    if text.starts_with('[') {
        let Some((inside, after)) = text.strip_prefix('[').and_then(|text| text.split_once(']'))
        else {
            return Err(EndpointError::new(EndpointErrorKind::BadIpv6, text));
        };
        let port = (!after.is_empty()).then(|| after.strip_prefix(':').unwrap_or_default());
        return Ok((Host::parse_ipv6(inside)?, port));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    if host.is_empty() {
        let port = port.and_then(number).unwrap_or(EXAMPLE_PORT);
        return Err(EndpointError::new(EndpointErrorKind::NoHost, port.to_string()));
    }
    if let Some(meant) = missing_brackets(text, wanted) {
        return Err(EndpointError::new(EndpointErrorKind::Ipv6WithoutBrackets, meant));
    }
    Ok((Host::parse(host)?, port))
}

/// Parses the port; the host is used for the example in the error.
fn parse_port(host: &Host, port: &str) -> Result<u16, EndpointError> {
    match port {
        "" => Err(EndpointError::new(EndpointErrorKind::NoPort, format!("{host}:{EXAMPLE_PORT}"))),
        "*" => Ok(0),
        _ => number(port).ok_or_else(|| EndpointError::new(EndpointErrorKind::BadPort, port)),
    }
}

fn number(port: &str) -> Option<u16> {
    // `u16::from_str` also accepts a leading `+`.
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|_| digits)
}

/// Interprets an IPv6 address without brackets, if it is one.
///
/// `::1:5555` can be read as an address alone, or as an address and a port. The latter is more
/// likely where a port is expected.
fn missing_brackets(text: &str, wanted: Wanted) -> Option<String> {
    let with_port = || {
        let (host, port) = text.rsplit_once(':')?;
        let host = Host::parse_ipv6(host).ok()?;
        let port = parse_port(&host, port).ok()?;
        Some(format!("{host}:{}", Port(port)))
    };
    let alone = |port| Some(format!("{}:{}", Host::parse_ipv6(text).ok()?, Port(port)));
    match wanted {
        Wanted::Host => alone(0).or_else(with_port),
        Wanted::HostAndPort => with_port().or_else(|| alone(EXAMPLE_PORT)),
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

/// The port in the examples of ZeroMQ's own guide.
const EXAMPLE_PORT: u16 = 5555;

/// The longest resource, in bytes. RFC 37 has no limit, but the READY command that carries it has
/// a limit here.
const RESOURCE_MAX: usize = 255;
