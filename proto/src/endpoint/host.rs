use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{EndpointError, EndpointErrorKind};

/// A host, the part of an endpoint before the port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Host {
    /// `*`: every interface of this machine, IPv6 and IPv4; for bind only.
    Any,
    /// An IPv4 address.
    Ipv4(Ipv4Addr),
    /// An IPv6 address, written in brackets.
    #[non_exhaustive]
    Ipv6 {
        /// The address.
        address: Ipv6Addr,
        /// The zone of a link-local address: the name or the number of an interface.
        zone: Option<String>,
    },
    /// A name to be resolved, in lower case: `localhost`, or a DNS name.
    Name(String),
}

impl Host {
    /// Parses a host that is not in brackets.
    pub(super) fn parse(text: &str) -> Result<Self, EndpointError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Ipv4(address));
        }
        if let Some(character) = text.chars().find(|&c| !is_name_character(c)) {
            let kind = EndpointErrorKind::HostCharacter(character);
            return Err(EndpointError::new(kind, text));
        }
        // The system reads `127.1` as 127.0.0.1, and `127.0.0.256` as a name.
        if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err(EndpointError::new(EndpointErrorKind::BadIpv4, text));
        }
        Ok(Self::Name(text.to_ascii_lowercase()))
    }

    /// Parses the text in brackets.
    pub(super) fn parse_ipv6(text: &str) -> Result<Self, EndpointError> {
        let (address, zone) = match text.split_once('%') {
            Some((address, zone)) => (address, Some(zone)),
            None => (text, None),
        };
        let Ok(address) = address.parse() else {
            return Err(EndpointError::new(EndpointErrorKind::BadIpv6, format!("[{text}]")));
        };
        match zone {
            Some(zone) if zone.is_empty() || !zone.chars().all(is_name_character) => {
                Err(EndpointError::new(EndpointErrorKind::BadZone, format!("%{zone}")))
            }
            _ => Ok(Self::Ipv6 { address, zone: zone.map(str::to_owned) }),
        }
    }

    /// Returns whether this stands for every interface rather than for one host.
    pub(super) fn is_unspecified(&self) -> bool {
        match self {
            Self::Any => true,
            Self::Ipv4(address) => address.is_unspecified(),
            Self::Ipv6 { address, .. } => address.to_canonical().is_unspecified(),
            Self::Name(_) => false,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Ipv4(address) => write!(f, "{address}"),
            Self::Ipv6 { address, zone } => match zone {
                Some(zone) => write!(f, "[{address}%{zone}]"),
                None => write!(f, "[{address}]"),
            },
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl From<SocketAddr> for Host {
    fn from(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(address) => Self::Ipv4(*address.ip()),
            SocketAddr::V6(address) => Self::Ipv6 {
                address: *address.ip(),
                zone: match address.scope_id() {
                    0 => None,
                    id => Some(id.to_string()),
                },
            },
        }
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        SocketAddr::new(address, 0).into()
    }
}

/// Wider than RFC 1123: `_` occurs in the names of services and of containers.
fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.')
}
