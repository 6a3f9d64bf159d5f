//! A host and its port, as they stand in the endpoints of several transports.

use std::fmt;

use super::{EndpointError, EndpointErrorKind, Host};

/// Displays a port.
pub(super) struct Port(pub(super) u16);

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
pub(super) enum RequiredParts {
    Host,
    HostAndPort,
}

/// Parses a host and its port.
pub(super) fn parse_host_and_port(text: &str) -> Result<(Host, u16), EndpointError> {
    let (host, port) = split(text, RequiredParts::HostAndPort)?;
    let port = parse_port(&host, port.unwrap_or_default())?;
    Ok((host, port))
}

/// Parses the host, and splits off the text after it, which should be a port.
pub(super) fn split(
    text: &str,
    required: RequiredParts,
) -> Result<(Host, Option<&str>), EndpointError> {
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
    if let Some(meant) = missing_brackets(text, required) {
        return Err(EndpointError::new(EndpointErrorKind::Ipv6WithoutBrackets, meant));
    }
    Ok((Host::parse(host)?, port))
}

/// Parses the port; the host is used for the example in the error.
pub(super) fn parse_port(host: &Host, port: &str) -> Result<u16, EndpointError> {
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
fn missing_brackets(text: &str, required: RequiredParts) -> Option<String> {
    let with_port = || {
        let (host, port) = text.rsplit_once(':')?;
        let host = Host::parse_ipv6(host).ok()?;
        let port = parse_port(&host, port).ok()?;
        Some(format!("{host}:{}", Port(port)))
    };
    let alone = |port| Some(format!("{}:{}", Host::parse_ipv6(text).ok()?, Port(port)));
    match required {
        RequiredParts::Host => alone(0).or_else(with_port),
        RequiredParts::HostAndPort => with_port().or_else(|| alone(EXAMPLE_PORT)),
    }
}

/// The port in the examples of ZeroMQ's own guide.
pub(super) const EXAMPLE_PORT: u16 = 5555;
