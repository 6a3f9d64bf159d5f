use std::fmt;
use std::net::SocketAddr;

use super::{EndpointError, EndpointErrorKind, Host};

/// Names a TCP port of a host: `tcp://127.0.0.1:5555`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TcpEndpoint {
    host: Host,
    /// 0 stands for `*`, as it does for the system.
    port: u16,
}

impl TcpEndpoint {
    /// Parses what follows `tcp://`.
    pub(super) fn parse(address: &str) -> Result<Self, EndpointError> {
        if address.starts_with('[') {
            return Self::parse_bracketed(address);
        }
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        };
        if host.is_empty() {
            return Err(EndpointError::new(
                EndpointErrorKind::NoHost,
                port.and_then(number).unwrap_or(EXAMPLE_PORT).to_string(),
            ));
        }
        if let Some(meant) = missing_brackets(address) {
            return Err(EndpointError::new(
                EndpointErrorKind::Ipv6WithoutBrackets,
                meant.to_string(),
            ));
        }
        let host = Host::parse(host)?;
        let port = parse_port(&host, port.unwrap_or_default())?;
        Ok(Self { host, port })
    }

    fn parse_bracketed(address: &str) -> Result<Self, EndpointError> {
        let Some((inside, after)) = address.strip_prefix('[').and_then(|a| a.split_once(']'))
        else {
            return Err(EndpointError::new(EndpointErrorKind::BadIpv6, address));
        };
        let host = Host::parse_ipv6(inside)?;
        let port = parse_port(&host, after.strip_prefix(':').unwrap_or_default())?;
        Ok(Self { host, port })
    }

    /// Returns the host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Returns the port; 0 stands for `*`, a port the system picks at bind.
    pub fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn check_connectable(&self) -> Result<(), EndpointError> {
        if self.host.is_unspecified() {
            let port = if self.port == 0 { EXAMPLE_PORT } else { self.port };
            return Err(EndpointError::new(
                EndpointErrorKind::WildcardHost,
                format!("tcp://127.0.0.1:{port}"),
            ));
        }
        if self.port == 0 {
            return Err(EndpointError::new(
                EndpointErrorKind::WildcardPort,
                format!("tcp://{}:{EXAMPLE_PORT}", self.host),
            ));
        }
        Ok(())
    }
}

impl fmt::Display for TcpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            0 => write!(f, "tcp://{}:*", self.host),
            port => write!(f, "tcp://{}:{port}", self.host),
        }
    }
}

impl fmt::Debug for TcpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<SocketAddr> for TcpEndpoint {
    fn from(address: SocketAddr) -> Self {
        Self { host: address.into(), port: address.port() }
    }
}

/// Parses the port; the host is there for the example in the error.
fn parse_port(host: &Host, port: &str) -> Result<u16, EndpointError> {
    match port {
        "" => Err(EndpointError::new(
            EndpointErrorKind::NoPort,
            format!("tcp://{host}:{EXAMPLE_PORT}"),
        )),
        "*" => Ok(0),
        _ => number(port).ok_or_else(|| EndpointError::new(EndpointErrorKind::BadPort, port)),
    }
}

fn number(port: &str) -> Option<u16> {
    // `u16::from_str` takes a leading `+` as well.
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|_| digits)
}

/// Finds out what was meant by an IPv6 address that stands without brackets, if it is one.
///
/// `::1:5555` can be read as an address alone, or as an address and a port. The latter is more
/// likely, as an endpoint needs a port.
fn missing_brackets(address: &str) -> Option<TcpEndpoint> {
    let with_port = address.rsplit_once(':').and_then(|(host, port)| {
        let host = Host::parse_ipv6(host).ok()?;
        let port = parse_port(&host, port).ok()?;
        Some(TcpEndpoint { host, port })
    });
    with_port.or_else(|| {
        let host = Host::parse_ipv6(address).ok()?;
        let port = EXAMPLE_PORT;
        Some(TcpEndpoint { host, port })
    })
}

/// The port that ZeroMQ's own guide uses in its examples.
const EXAMPLE_PORT: u16 = 5555;
