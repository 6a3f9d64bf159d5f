use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::host_and_port::{EXAMPLE_PORT, Port, RequiredParts, parse_host_and_port, split};
use super::{EndpointError, EndpointErrorKind, Host};

/// A UDP port of a host or of a multicast address: `udp://239.1.2.3:5555`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UdpEndpoint {
    /// An address of an interface, or its name.
    interface: Option<Box<Host>>,
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
/// let endpoint = "udp://eth0;239.1.2.3:5555".parse::<Endpoint>()?;
/// let Endpoint::Udp(endpoint) = endpoint else { unreachable!() };
/// assert_eq!(endpoint.interface().unwrap().to_string(), "eth0");
/// assert_eq!(endpoint.host().to_string(), "239.1.2.3");
/// assert_eq!(endpoint.port(), 5555);
/// assert!(endpoint.is_multicast());
/// # Ok::<(), tokio_zmtp::EndpointError>(())
/// ```
impl UdpEndpoint {
    /// Parses the text after `udp://`.
    pub(super) fn parse(address: &str) -> Result<Self, EndpointError> {
        let (interface, place) = match address.split_once(';') {
            Some((interface, place)) => (Some(interface), place),
            None => (None, address),
        };
        let parsed_interface = interface.map(parse_interface).transpose();
        let parsed_place = parse_host_and_port(place);

        // The proposal of an error keeps the valid parts.
        let place_shown = match &parsed_place {
            Ok((host, port)) => format!("{host}:{}", Port(*port)),
            Err(_) => format!("{EXAMPLE_GROUP}:{EXAMPLE_PORT}"),
        };
        let interface = parsed_interface.map_err(|error| match error.kind() {
            EndpointErrorKind::NoInterface => {
                EndpointError::new(EndpointErrorKind::NoInterface, format!("udp://{place_shown}"))
            }
            _ => error.proposing(|interface| proposal(&format!("{interface};"), &place_shown)),
        })?;
        let interface_shown = match &interface {
            Some(interface) => format!("{interface};"),
            None => String::new(),
        };
        let (host, port) = parsed_place.map_err(|error| match error.kind() {
            EndpointErrorKind::NoHost => error,
            _ => error.proposing(|place| proposal(&interface_shown, place)),
        })?;
        if let Some(interface) = &interface {
            check_interface(interface, &host, port)?;
        }
        let interface = interface.filter(|interface| *interface != Host::Any).map(Box::new);
        Ok(Self { interface, host, port })
    }

    /// Returns the interface of a multicast address, if the endpoint has one: the part before the
    /// semicolon, an address of this machine or the name of an interface.
    pub fn interface(&self) -> Option<&Host> {
        self.interface.as_deref()
    }

    /// Returns the host, or the multicast address.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Returns the port; 0 stands for `*`, a port that the system picks at bind.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns whether the endpoint has a multicast address. A name may also resolve to one.
    pub fn is_multicast(&self) -> bool {
        is_multicast(&self.host) == Some(true)
    }

    pub(super) fn at(&self, address: SocketAddr) -> Self {
        Self { host: address.into(), port: address.port(), interface: self.interface.clone() }
    }

    pub(super) fn check_connectable(&self) -> Result<(), EndpointError> {
        if self.host.is_unspecified() {
            let host = Host::Ipv4(Ipv4Addr::LOCALHOST);
            let port = if self.port == 0 { EXAMPLE_PORT } else { self.port };
            let meant = Self { host, port, interface: None };
            return Err(EndpointError::new(EndpointErrorKind::WildcardHost, meant.to_string()));
        }
        if self.port == 0 {
            let meant = Self { port: EXAMPLE_PORT, ..self.clone() };
            return Err(EndpointError::new(EndpointErrorKind::WildcardPort, meant.to_string()));
        }
        Ok(())
    }
}

impl fmt::Display for UdpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("udp://")?;
        if let Some(interface) = &self.interface {
            write!(f, "{interface};")?;
        }
        write!(f, "{}:{}", self.host, Port(self.port))
    }
}

impl fmt::Debug for UdpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Joins the parts of an endpoint to be proposed; leaves out an interface that does not fit the
/// place.
fn proposal(interface: &str, place: &str) -> String {
    let fits = UdpEndpoint::parse(&format!("{interface}{place}")).is_ok();
    format!("udp://{}{place}", if fits { interface } else { "" })
}

/// Parses the part before the semicolon, which has no port.
fn parse_interface(text: &str) -> Result<Host, EndpointError> {
    if text.is_empty() {
        return Err(EndpointError::new(EndpointErrorKind::NoInterface, ""));
    }
    let parsed = split(text, RequiredParts::Host).map_err(|error| match error.kind() {
        EndpointErrorKind::Ipv6WithoutBrackets => error
            .proposing(|meant| meant.rsplit_once(':').map_or(meant, |(host, _)| host).to_owned()),
        _ => error,
    });
    match parsed? {
        (host, None) => Ok(host),
        (host, Some(_)) => {
            Err(EndpointError::new(EndpointErrorKind::PortOfInterface, host.to_string()))
        }
    }
}

/// Refuses an interface that cannot belong to the host.
fn check_interface(interface: &Host, host: &Host, port: u16) -> Result<(), EndpointError> {
    let refuse = |kind| {
        let host =
            if is_multicast(host) == Some(true) { host.to_string() } else { EXAMPLE_GROUP.into() };
        Err(EndpointError::new(kind, format!("udp://{host}:{}", Port(port))))
    };
    if is_multicast(interface) == Some(true) {
        return refuse(EndpointErrorKind::MulticastInterface);
    }
    if is_multicast(host) == Some(false) {
        return refuse(EndpointErrorKind::InterfaceOfUnicast);
    }
    match (interface, host) {
        (Host::Ipv4(_), Host::Ipv6 { .. }) | (Host::Ipv6 { .. }, Host::Ipv4(_)) => {
            refuse(EndpointErrorKind::InterfaceFamily)
        }
        _ => Ok(()),
    }
}

/// Returns whether the host is a multicast address; `None` for a name.
fn is_multicast(host: &Host) -> Option<bool> {
    match host {
        Host::Any => Some(false),
        Host::Ipv4(address) => Some(address.is_multicast()),
        Host::Ipv6 { address, .. } => Some(IpAddr::V6(*address).to_canonical().is_multicast()),
        Host::Name(_) => None,
    }
}

/// The multicast address in examples: of the block for organizations (RFC 2365).
const EXAMPLE_GROUP: &str = "239.1.2.3";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::{Endpoint, check_bindable, check_connectable};

    /// The table of libzmq's `unittest_udp_address.cpp`; `None` for a text that it refuses.
    #[test]
    fn it_reads_the_addresses_of_libzmq() {
        let bound = [
            ("127.0.0.1:5555", Some(("127.0.0.1", 5555, false))),
            ("[abcd::1234:1]:5555", Some(("[abcd::1234:1]", 5555, false))),
            ("*:*", Some(("*", 0, false))),
            ("127.0.0.1:*", Some(("127.0.0.1", 0, false))),
            ("[1:2:3:4::5]:*", Some(("[1:2:3:4::5]", 0, false))),
            ("*:5555", Some(("*", 5555, false))),
            ("239.0.0.1:1234", Some(("239.0.0.1", 1234, true))),
            ("[ff00::1]:1234", Some(("[ff00::1]", 1234, true))),
            ("127.0.0.1;230.2.8.12:5555", Some(("230.2.8.12", 5555, true))),
            // libzmq finds an interface of IPv6 by its name only.
            ("[::1];[ffab::4]:5555", Some(("[ffab::4]", 5555, true))),
            ("*;230.2.8.12:5555", Some(("230.2.8.12", 5555, true))),
            ("*;[ffff::]:5555", Some(("[ffff::]", 5555, true))),
            ("127.0.0.1;1.2.3.4:5555", None),
            ("[::1];[fe00::1]:5555", None),
        ];
        let connected = [
            ("127.0.0.1:5555", Some(("127.0.0.1", 5555, false))),
            ("[::1]:123", Some(("[::1]", 123, false))),
            ("*:5555", None),
            ("127.0.0.1:*", None),
            ("[::1]:*", None),
            // libzmq accepts port 0, and sends nothing.
            ("127.0.0.1:0", None),
            ("[2000:abcd::1]:0", None),
            ("239.0.0.1:2222", Some(("239.0.0.1", 2222, true))),
            ("[ff00::1]:2222", Some(("[ff00::1]", 2222, true))),
            ("8.9.10.11;230.2.8.12:5555", Some(("230.2.8.12", 5555, true))),
            ("[1:2:3::4];[ff01::1]:5555", Some(("[ff01::1]", 5555, true))),
            ("*;230.2.8.12:5555", Some(("230.2.8.12", 5555, true))),
            ("*;[ff10::1]:5555", Some(("[ff10::1]", 5555, true))),
            ("127.0.0.1;1.2.3.4:5555", None),
            ("[::1];[fe00:1]:5555", None),
        ];
        let bound = bound.map(|(text, expected)| (text, check_bindable as Check, expected));
        let connected =
            connected.map(|(text, expected)| (text, check_connectable as Check, expected));
        for (text, check, expected) in bound.into_iter().chain(connected) {
            let endpoint = format!("udp://{text}").parse::<Endpoint>();
            let endpoint = endpoint.ok().filter(|endpoint| check(endpoint).is_ok());
            let read = endpoint.as_ref().map(|endpoint| {
                let Endpoint::Udp(udp) = endpoint else { panic!("{text} is UDP") };
                (udp.host().to_string(), udp.port(), udp.is_multicast())
            });
            let expected =
                expected.map(|(host, port, multicast)| (host.to_owned(), port, multicast));
            assert_eq!(read, expected, "{text}");
        }
    }

    type Check = fn(&Endpoint) -> Result<(), EndpointError>;

    #[test]
    fn an_interface_is_an_address_or_a_name() {
        for (text, interface) in [
            ("udp://eth0.100;239.0.0.1:1", Some("eth0.100")),
            ("udp://192.0.2.1;239.0.0.1:1", Some("192.0.2.1")),
            ("udp://[fe80::1%eth0];[ff02::1]:1", Some("[fe80::1%eth0]")),
            ("udp://eth0;group.example:1", Some("eth0")),
            ("udp://*;239.0.0.1:1", None),
            ("udp://239.0.0.1:1", None),
        ] {
            let Ok(Endpoint::Udp(udp)) = text.parse() else { panic!("{text} is UDP") };
            assert_eq!(udp.interface().map(ToString::to_string).as_deref(), interface);
        }
    }

    #[test]
    fn an_error_names_the_fault_and_what_would_be_valid() {
        for (text, kind, message) in [
            (
                "udp://;239.0.0.1:1",
                EndpointErrorKind::NoInterface,
                "no interface before the semicolon; write `udp://239.0.0.1:1`",
            ),
            (
                "udp://eth0:7;239.0.0.1:1",
                EndpointErrorKind::PortOfInterface,
                "an interface has no port; write `udp://eth0;239.0.0.1:1`",
            ),
            (
                "udp://eth0;192.0.2.1:1",
                EndpointErrorKind::InterfaceOfUnicast,
                "an interface needs a multicast address; write one such as `udp://239.1.2.3:1`",
            ),
            (
                "udp://224.0.0.1;239.0.0.1:1",
                EndpointErrorKind::MulticastInterface,
                "a multicast address is not an interface; write `udp://239.0.0.1:1`",
            ),
            (
                "udp://[::1];239.0.0.1:1",
                EndpointErrorKind::InterfaceFamily,
                "the interface and the multicast address belong to IPv4 and IPv6; write \
                 `udp://239.0.0.1:1`",
            ),
            (
                "udp://::1;[ff02::1]:1",
                EndpointErrorKind::Ipv6WithoutBrackets,
                "an IPv6 address needs brackets; write `udp://[::1];[ff02::1]:1`",
            ),
            (
                "udp://::1;239.0.0.1:1",
                EndpointErrorKind::Ipv6WithoutBrackets,
                "an IPv6 address needs brackets; write `udp://239.0.0.1:1`",
            ),
            (
                "udp://[::1];239.0.0.1",
                EndpointErrorKind::NoPort,
                "no port; write `udp://239.0.0.1:5555`, or `:*` for a port that the system picks",
            ),
            (
                "udp://eth0;[ff02::1]",
                EndpointErrorKind::NoPort,
                "no port; write `udp://eth0;[ff02::1]:5555`, or `:*` for a port that the system picks",
            ),
            (
                "udp://:80",
                EndpointErrorKind::NoHost,
                "no host; write `udp://127.0.0.1:80`, or `udp://*:80` to bind every interface",
            ),
            (
                "udp://localhost:80/orders",
                EndpointErrorKind::BadPort,
                "`80/orders` is not a port (0 to 65535, or `*`)",
            ),
        ] {
            let error = text.parse::<Endpoint>().unwrap_err();
            assert_eq!(error.kind(), kind, "{text}");
            assert_eq!(error.to_string(), format!("`{text}`: {message}"));
        }
    }
}
