use std::convert::Infallible;
use std::error::Error;
use std::fmt;

use super::Endpoint;

/// Describes why text is not a valid endpoint, and what would be valid.
///
/// The wording is for people and may change; programs match on [`kind`](Self::kind).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointError {
    input: String,
    kind: EndpointErrorKind,
    /// The invalid part of the input, or a valid form, depending on the kind.
    shown: String,
}

impl EndpointError {
    pub(super) fn new(kind: EndpointErrorKind, shown: impl Into<String>) -> Self {
        Self { input: String::new(), kind, shown: shown.into() }
    }

    pub(super) fn no_transport(input: &str) -> Self {
        let meant = format!("tcp://{input}");
        let meant = match meant.parse::<Endpoint>() {
            Ok(endpoint) => endpoint.to_string(),
            Err(_) => "tcp://127.0.0.1:5555".to_owned(),
        };
        Self::new(EndpointErrorKind::NoTransport, meant).within(input)
    }

    /// Sets the whole input, which the parser of a part does not know.
    pub(super) fn within(mut self, input: &str) -> Self {
        input.clone_into(&mut self.input);
        self
    }

    /// Completes the proposal of the parser of a part, if it has one, to an endpoint.
    pub(super) fn proposing(mut self, endpoint: impl FnOnce(&str) -> String) -> Self {
        let kind = self.kind;
        if matches!(
            kind,
            EndpointErrorKind::Ipv6WithoutBrackets
                | EndpointErrorKind::NoPort
                | EndpointErrorKind::PortOfInterface
        ) {
            self.shown = endpoint(&self.shown);
        }
        self
    }

    /// Converts the proposal of a `tcp` endpoint to that of an endpoint of another transport over
    /// TCP.
    pub(super) fn over(mut self, transport: &str, path: &str) -> Self {
        if let Some(address) = self.shown.strip_prefix("tcp://") {
            self.shown = format!("{transport}://{address}{path}");
        }
        self
    }

    /// Returns the kind of the error.
    ///
    /// # Examples
    ///
    /// ```
    /// # mod tokio_zmtp { pub use zmtp_proto::endpoint::*; }
    /// use tokio_zmtp::{Endpoint, EndpointErrorKind};
    ///
    /// let error = "127.0.0.1:5555".parse::<Endpoint>().unwrap_err();
    /// assert_eq!(error.kind(), EndpointErrorKind::NoTransport);
    /// ```
    pub fn kind(&self) -> EndpointErrorKind {
        self.kind
    }
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Escaped, because this is logged and the input may contain line breaks.
        let shown = self.shown.escape_debug();
        write!(f, "`{}`: ", self.input.escape_debug())?;
        match self.kind {
            EndpointErrorKind::NoTransport => write!(f, "no transport; write `{shown}`"),
            EndpointErrorKind::UnknownTransport => {
                write!(f, "unknown transport `{shown}`; known are: tcp, tls, ws, wss, ipc, inproc, udp, stream")
            }
            EndpointErrorKind::NoHost => {
                let transports = ["udp", "tls", "ws", "wss"];
                let is_given = |one: &&str| self.input.split("://").next() == Some(*one);
                let transport = transports.into_iter().find(is_given).unwrap_or("tcp");
                write!(
                    f,
                    "no host; write `{transport}://127.0.0.1:{shown}`, or `{transport}://*:{shown}` \
                     to bind every interface"
                )
            }
            EndpointErrorKind::HostCharacter(character) => write!(
                f,
                "`{}` is not valid in the host `{shown}`; a name has letters, digits, `-`, `_` \
                 and `.`",
                character.escape_debug()
            ),
            EndpointErrorKind::BadIpv4 => write!(
                f,
                "`{shown}` is not an IPv4 address; write four numbers up to 255, such as \
                 `127.0.0.1`"
            ),
            EndpointErrorKind::BadIpv6 => {
                write!(f, "`{shown}` is not an IPv6 address in brackets; write one such as `[::1]`")
            }
            EndpointErrorKind::Ipv6WithoutBrackets => {
                write!(f, "an IPv6 address needs brackets; write `{shown}`")
            }
            EndpointErrorKind::BadZone => write!(
                f,
                "`{shown}` is not a zone; write the name or the number of an interface, such as \
                 `[fe80::1%eth0]`"
            ),
            EndpointErrorKind::NoPort => {
                write!(f, "no port; write `{shown}`, or `:*` for a port that the system picks")
            }
            EndpointErrorKind::BadPort => {
                write!(f, "`{shown}` is not a port (0 to 65535, or `*`)")
            }
            EndpointErrorKind::NoSource => {
                write!(f, "no source before the semicolon; write `{shown}`")
            }
            EndpointErrorKind::NoInterface => {
                write!(f, "no interface before the semicolon; write `{shown}`")
            }
            EndpointErrorKind::PortOfInterface => {
                write!(f, "an interface has no port; write `{shown}`")
            }
            EndpointErrorKind::MulticastInterface => {
                write!(f, "a multicast address is not an interface; write `{shown}`")
            }
            EndpointErrorKind::InterfaceOfUnicast => {
                write!(f, "an interface needs a multicast address; write one such as `{shown}`")
            }
            EndpointErrorKind::InterfaceFamily => write!(
                f,
                "the interface and the multicast address belong to IPv4 and IPv6; write `{shown}`"
            ),
            EndpointErrorKind::BadResource => write!(
                f,
                "a name is missing in the resource `/{shown}`; write one such as `/orders`, or no \
                 slash"
            ),
            EndpointErrorKind::ResourceCharacter(character) => write!(
                f,
                "`{}` is not valid in the resource `/{shown}`; it has letters, digits, `$`, `-`, \
                 `_`, `@`, `.`, `&`, `+`, and slashes between its names",
                character.escape_debug()
            ),
            EndpointErrorKind::ResourceOverTls => {
                write!(f, "a `tls` endpoint has no resource; write `{shown}`")
            }
            EndpointErrorKind::NoPath => write!(f, "no path; write one, such as `{shown}`"),
            EndpointErrorKind::PathTooLong { bytes, limit } => {
                write!(f, "a path of {bytes} bytes is above the limit of {limit}")
            }
            EndpointErrorKind::PathCharacter(character) => {
                write!(f, "`{}` is not valid in a path", character.escape_debug())
            }
            EndpointErrorKind::NoName => write!(f, "no name; write one, such as `{shown}`"),
            EndpointErrorKind::NameTooLong { bytes, limit } => {
                write!(f, "a name of {bytes} bytes is above the limit of {limit}")
            }
            EndpointErrorKind::SourceToBind => {
                write!(f, "only an endpoint to connect to can have a source; write `{shown}`")
            }
            EndpointErrorKind::QueryToBind => {
                write!(f, "only an endpoint to connect to can have a query; write `{shown}`")
            }
            EndpointErrorKind::WildcardHost => write!(
                f,
                "a host that stands for every interface can be bound but not connected to; write one host, such as \
                 `{shown}`"
            ),
            EndpointErrorKind::WildcardPort => write!(
                f,
                "a port that the system picks can be bound but not connected to; write its number, \
                 such as `{shown}`"
            ),
            EndpointErrorKind::WildcardPath => write!(
                f,
                "a fresh path can be bound but not connected to; write the path, such as `{shown}`"
            ),
            EndpointErrorKind::NoDialer => f.write_str(
                "the application establishes this stream; call `attach`, or `connect_with` a dialer",
            ),
            EndpointErrorKind::UnexpectedDialer => {
                f.write_str("the socket itself dials this transport; call `connect`")
            }
        }
    }
}

impl Error for EndpointError {}

impl From<Infallible> for EndpointError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// The kinds of [`EndpointError`], in the order in which an endpoint is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndpointErrorKind {
    /// There is no `://`.
    NoTransport,
    /// The transport before `://` is unknown.
    UnknownTransport,
    /// The host before the port is missing.
    NoHost,
    /// A character is not valid in a host name.
    HostCharacter(char),
    /// The host has only digits and dots, but is not an IPv4 address.
    BadIpv4,
    /// The text in brackets is not an IPv6 address, or the bracket is not closed.
    BadIpv6,
    /// An IPv6 address is not in brackets.
    Ipv6WithoutBrackets,
    /// The zone after the `%` of an IPv6 address is not valid.
    BadZone,
    /// The port after the host is missing.
    NoPort,
    /// The port is neither a number up to 65535 nor `*`.
    BadPort,
    /// The source before the semicolon is missing.
    NoSource,
    /// The interface of a `udp` endpoint, before the semicolon, is missing.
    NoInterface,
    /// The interface of a `udp` endpoint has a port.
    PortOfInterface,
    /// The interface of a `udp` endpoint is a multicast address.
    MulticastInterface,
    /// A `udp` endpoint has an interface, but its host is not a multicast address.
    InterfaceOfUnicast,
    /// The interface of a `udp` endpoint is an IPv4 address and its host an IPv6 address, or the
    /// other way round.
    InterfaceFamily,
    /// A resource is empty, or one of its names is.
    BadResource,
    /// A character is not valid in a resource.
    ResourceCharacter(char),
    /// A `tls` endpoint has a resource.
    ResourceOverTls,
    /// The path after `ipc://` is missing.
    NoPath,
    /// The path of a Unix domain socket is longer than the system allows, or that of a `ws` or `wss`
    /// endpoint, with its query, is longer than 2048 bytes.
    PathTooLong {
        /// The length of the text.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A character is not valid in a path.
    PathCharacter(char),
    /// The name after `inproc://`, `ipc://@` or `stream://` is missing.
    NoName,
    /// The name of an `inproc` or `stream` endpoint is longer than 256 bytes, or a resource than 255.
    NameTooLong {
        /// The length of the text.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// An endpoint to bind has a source.
    SourceToBind,
    /// A `ws` or `wss` endpoint to bind has a query.
    QueryToBind,
    /// An endpoint to connect to has a host that stands for every interface.
    WildcardHost,
    /// An endpoint to connect to has the port `*`.
    WildcardPort,
    /// An endpoint to connect to has the path `*`.
    WildcardPath,
    /// An endpoint to bind, or to connect to without a dialer, is a stream of the application.
    NoDialer,
    /// An endpoint to connect to with a dialer is an `inproc`, `tls`, `udp`, `ws` or `wss`
    /// endpoint.
    UnexpectedDialer,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_fault_and_what_would_be_valid() {
        for (input, kind, text) in [
            (
                "127.0.0.1:5555",
                EndpointErrorKind::NoTransport,
                "no transport; write `tcp://127.0.0.1:5555`",
            ),
            ("", EndpointErrorKind::NoTransport, "no transport; write `tcp://127.0.0.1:5555`"),
            (
                "tpc://127.0.0.1:5555",
                EndpointErrorKind::UnknownTransport,
                "unknown transport `tpc`; known are: tcp, tls, ws, wss, ipc, inproc, udp, stream",
            ),
            (
                "tcp://:80",
                EndpointErrorKind::NoHost,
                "no host; write `tcp://127.0.0.1:80`, or `tcp://*:80` to bind every interface",
            ),
            (
                "tcp://ex ample:1",
                EndpointErrorKind::HostCharacter(' '),
                "` ` is not valid in the host `ex ample`; a name has letters, digits, `-`, `_` \
                 and `.`",
            ),
            (
                "tcp://127.0.0.256:1",
                EndpointErrorKind::BadIpv4,
                "`127.0.0.256` is not an IPv4 address; write four numbers up to 255, such as \
                 `127.0.0.1`",
            ),
            (
                "tcp://[127.0.0.1]:1",
                EndpointErrorKind::BadIpv6,
                "`[127.0.0.1]` is not an IPv6 address in brackets; write one such as `[::1]`",
            ),
            (
                "tcp://[::1:1",
                EndpointErrorKind::BadIpv6,
                "`[::1:1` is not an IPv6 address in brackets; write one such as `[::1]`",
            ),
            (
                "tcp://::1:80",
                EndpointErrorKind::Ipv6WithoutBrackets,
                "an IPv6 address needs brackets; write `tcp://[::1]:80`",
            ),
            (
                "tcp://2001:db8:0:0:0:0:0:1",
                EndpointErrorKind::Ipv6WithoutBrackets,
                "an IPv6 address needs brackets; write `tcp://[2001:db8::1]:5555`",
            ),
            (
                "tcp://[fe80::1%]:1",
                EndpointErrorKind::BadZone,
                "`%` is not a zone; write the name or the number of an interface, such as \
                 `[fe80::1%eth0]`",
            ),
            (
                "tcp://127.0.0.1",
                EndpointErrorKind::NoPort,
                "no port; write `tcp://127.0.0.1:5555`, or `:*` for a port that the system picks",
            ),
            (
                "tcp://[::1]",
                EndpointErrorKind::NoPort,
                "no port; write `tcp://[::1]:5555`, or `:*` for a port that the system picks",
            ),
            (
                "tcp://localhost:70000",
                EndpointErrorKind::BadPort,
                "`70000` is not a port (0 to 65535, or `*`)",
            ),
            (
                "tcp://localhost:+80",
                EndpointErrorKind::BadPort,
                "`+80` is not a port (0 to 65535, or `*`)",
            ),
            (
                "tcp://localhost/orders",
                EndpointErrorKind::NoPort,
                "no port; write `tcp://localhost:5555/orders`, or `:*` for a port that the system picks",
            ),
            (
                "tcp://eth0;::1:80/orders",
                EndpointErrorKind::Ipv6WithoutBrackets,
                "an IPv6 address needs brackets; write `tcp://eth0:*;[::1]:80/orders`",
            ),
            (
                "tcp://::1;localhost:80/orders",
                EndpointErrorKind::Ipv6WithoutBrackets,
                "an IPv6 address needs brackets; write `tcp://[::1]:*;localhost:80/orders`",
            ),
            (
                "tcp://;localhost:80",
                EndpointErrorKind::NoSource,
                "no source before the semicolon; write `tcp://localhost:80`",
            ),
            (
                "tcp://eth0:x;localhost:80",
                EndpointErrorKind::BadPort,
                "`x` is not a port (0 to 65535, or `*`)",
            ),
            (
                "tcp://localhost:80/",
                EndpointErrorKind::BadResource,
                "a name is missing in the resource `/`; write one such as `/orders`, or no slash",
            ),
            (
                "tcp://localhost:80/a//b",
                EndpointErrorKind::BadResource,
                "a name is missing in the resource `/a//b`; write one such as `/orders`, or no \
                 slash",
            ),
            (
                "tcp://localhost:80/a b",
                EndpointErrorKind::ResourceCharacter(' '),
                "` ` is not valid in the resource `/a b`; it has letters, digits, `$`, `-`, `_`, \
                 `@`, `.`, `&`, `+`, and slashes between its names",
            ),
            (
                "ipc://",
                EndpointErrorKind::NoPath,
                "no path; write one, such as `ipc:///tmp/service.sock`",
            ),
            ("ipc://@", EndpointErrorKind::NoName, "no name; write one, such as `ipc://@service`"),
            (
                "inproc://",
                EndpointErrorKind::NoName,
                "no name; write one, such as `inproc://service`",
            ),
            (
                "stream://",
                EndpointErrorKind::NoName,
                "no name; write one, such as `stream://browser-7`",
            ),
        ] {
            let error = input.parse::<Endpoint>().unwrap_err();
            assert_eq!(error.kind(), kind);
            assert_eq!(error.to_string(), format!("`{input}`: {text}"));
        }
    }

    #[test]
    fn a_path_or_name_above_its_limit_is_refused() {
        let limit = if cfg!(target_os = "linux") { 107 } else { 103 };
        for prefix in ["ipc://", "ipc://@"] {
            format!("{prefix}{}", "x".repeat(limit)).parse::<Endpoint>().unwrap();
            let error = format!("{prefix}{}", "x".repeat(limit + 1)).parse::<Endpoint>();
            let kind = EndpointErrorKind::PathTooLong { bytes: limit + 1, limit };
            assert_eq!(error.unwrap_err().kind(), kind);
        }
        format!("inproc://{}", "x".repeat(256)).parse::<Endpoint>().unwrap();
        let resource = |bytes| format!("tcp://localhost:80/{}", "x".repeat(bytes));
        resource(255).parse::<Endpoint>().unwrap();
        let error = resource(256).parse::<Endpoint>().unwrap_err();
        assert!(error.to_string().ends_with("a name of 256 bytes is above the limit of 255"));
        for transport in ["inproc", "stream"] {
            let error = format!("{transport}://{}", "x".repeat(257)).parse::<Endpoint>();
            let shown = error.unwrap_err().to_string();
            assert!(shown.ends_with("a name of 257 bytes is above the limit of 256"));
        }
    }

    #[test]
    fn an_error_stays_on_one_line() {
        let error = "tcp://127.0.0.1:80\n".parse::<Endpoint>().unwrap_err();
        assert_eq!(error.kind(), EndpointErrorKind::BadPort);
        assert!(!error.to_string().contains('\n'));
    }
}
