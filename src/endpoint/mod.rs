//! Endpoints, the addresses that a socket binds or connects to: `tcp://127.0.0.1:5555`.

mod error;
mod host;
mod inproc;
mod ipc;
mod tcp;

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

pub use self::error::{EndpointError, EndpointErrorKind};
pub use self::host::Host;
pub use self::inproc::InprocEndpoint;
pub use self::ipc::IpcEndpoint;
pub use self::tcp::{TcpEndpoint, TcpSource};

/// An address to bind or to connect to.
///
/// | Text | Bind | Connect |
/// |---|---|---|
/// | `tcp://127.0.0.1:5555` | that interface, that port | that host, that port |
/// | `tcp://[::1]:5555`, `tcp://[fe80::1%eth0]:5555` | the same with IPv6 | the same with IPv6 |
/// | `tcp://example.org:5555` | the first of its addresses that works | the first that answers |
/// | `tcp://*:5555`, `tcp://[::]:5555` | every interface, IPv6 and IPv4 | refused |
/// | `tcp://0.0.0.0:5555` | every interface, IPv4 only | refused |
/// | `tcp://127.0.0.1:*` | a port that the system picks | refused |
/// | `tcp://192.0.2.7:*;example.org:5555` | refused | from that address of this machine |
/// | `tcp://eth0;example.org:5555` | refused | from an address of that interface |
/// | `tcp://example.org:5555/orders` | that resource, at a port that others may have, too | that resource |
/// | `ipc:///run/service.sock` | that path of a Unix domain socket | the same |
/// | `ipc://@service` | that abstract name, which is in no file system (Linux) | the same |
/// | `ipc://*` | a fresh path, which only this user can reach | refused |
/// | `inproc://workers` | that name inside this process | the same, before or after bind |
///
/// The part before a semicolon is the *source* of connections: an address of this machine, or the
/// name of one of its interfaces, and a port, which can be omitted. `*` stands for any of them.
///
/// One socket at a time is bound to a path of `ipc`. `bind` replaces a socket that no longer listens,
/// for example the socket of a killed process. It refuses a path that holds a listening socket, or
/// anything that is not a socket. Meanwhile it holds a lock, the file `.service.sock.zmtp-lock` in the
/// same directory, and removes it afterwards. The file system must therefore support locks (`flock`),
/// and this user must be allowed to create files there. The file of the socket is removed when the
/// endpoint is unbound, but never by a forked child.
///
/// On systems other than Linux, a socket that accepts nothing while its backlog is full refuses
/// connections, as an abandoned one does, and `bind` replaces it. Programs that use libzmq replace any
/// file, a listening socket's as well.
///
/// A path has up to 107 bytes, or the limit of the system; the name of an `inproc` endpoint has
/// up to 256.
///
/// Every method with an endpoint also accepts a `&str`, a `String` or a [`SocketAddr`]. Two
/// endpoints are equal if they name the same address: host names are stored in lower case, and port
/// 0 is stored as `*`. Parsing the text of an endpoint yields the same endpoint.
///
/// # Resources
///
/// The part after the slash behind a port is a *resource*: names of letters, digits, `$`, `-`, `_`, `@`, `.`,
/// `&` and `+`, with slashes between them (RFC 37, The Resource Property). With resources, several sockets
/// of one process share a port, also in different runtimes. Each serves one resource, or, bound without one,
/// the remotes that ask for none.
///
/// - They must have the same mechanism, domain, authenticator and networks of proxies, because a remote is
///   authenticated before its resource is known: create them with clones of one
///   [`Builder`](crate::Builder).
/// - A remote that asks for a resource that is not served waits for it within the
///   [`handshake_interval`](crate::Builder::handshake_interval) of the accepting socket, and counts
///   as one of its half-open connections during that time.
/// - The TCP options for listening, such as the [`backlog`](crate::Builder::backlog), are those of the
///   socket that bound the port first.
/// - A socket with a port of its own and without a resource serves every remote, whatever resource it asks
///   for. So does a libzmq socket, which does not support resources and cannot ask for one.
/// - A port that was [adopted](crate::Socket::bind_from_std) is not shared.
///
/// ```
/// use tokio_zmtp::{Client, Server, Socket};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
/// let orders = Server::builder().bind(format!("tcp://127.0.0.1:{port}/orders")).await?;
/// let billing = Server::builder().bind(format!("tcp://127.0.0.1:{port}/billing")).await?;
///
/// let client = Client::new();
/// client.connect(format!("tcp://127.0.0.1:{port}/billing")).await?;
/// client.send("a bill").await?;
/// assert_eq!(billing.recv().await?, "a bill");
/// # Ok(())
/// # }
/// ```
///
/// # Examples
///
/// ```
/// # use tokio_zmtp::{Endpoint, EndpointError};
/// let endpoint: Endpoint = "tcp://localhost:5555".parse()?;
/// assert_eq!(endpoint.to_string(), "tcp://localhost:5555");
/// # Ok::<(), EndpointError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(try_from = "String"))]
#[non_exhaustive]
pub enum Endpoint {
    /// A TCP port of a host.
    Tcp(TcpEndpoint),
    /// A Unix domain socket.
    Ipc(IpcEndpoint),
    /// A name inside this process.
    Inproc(InprocEndpoint),
}

impl Endpoint {
    /// Returns whether the host is a name that has to be resolved.
    pub(crate) fn is_name(&self) -> bool {
        matches!(self, Self::Tcp(tcp) if matches!(tcp.host(), Host::Name(_)))
    }

    /// Returns the resource.
    pub(crate) fn resource(&self) -> Option<&str> {
        match self {
            Self::Tcp(tcp) => tcp.resource(),
            Self::Inproc(_) | Self::Ipc(_) => None,
        }
    }

    /// Returns the same endpoint without a resource.
    pub(crate) fn without_resource(&self) -> Self {
        match self {
            Self::Tcp(tcp) => tcp.clone().serving(None).into(),
            other => other.clone(),
        }
    }

    /// Refuses an endpoint that cannot be bound.
    pub(crate) fn check_bindable(&self) -> Result<(), EndpointError> {
        let checked = match self {
            Self::Tcp(tcp) => tcp.check_bindable(),
            Self::Ipc(_) | Self::Inproc(_) => Ok(()),
        };
        checked.map_err(|error| error.within(&self.to_string()))
    }

    /// Refuses an endpoint that can only be bound, so that `connect` fails immediately.
    pub(crate) fn check_connectable(&self) -> Result<(), EndpointError> {
        let checked = match self {
            Self::Tcp(tcp) => tcp.check_connectable(),
            Self::Ipc(ipc) => ipc.check_connectable(),
            Self::Inproc(_) => Ok(()),
        };
        checked.map_err(|error| error.within(&self.to_string()))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(tcp) => fmt::Display::fmt(tcp, f),
            Self::Ipc(ipc) => fmt::Display::fmt(ipc, f),
            Self::Inproc(inproc) => fmt::Display::fmt(inproc, f),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(input: &str) -> Result<Self, EndpointError> {
        let Some((transport, address)) = input.split_once("://") else {
            return Err(EndpointError::no_transport(input));
        };
        let parsed = match transport {
            "tcp" => TcpEndpoint::parse(address).map(Self::Tcp),
            "ipc" => IpcEndpoint::parse(address).map(Self::Ipc),
            "inproc" => InprocEndpoint::parse(address).map(Self::Inproc),
            unknown => Err(EndpointError::new(EndpointErrorKind::UnknownTransport, unknown)),
        };
        parsed.map_err(|error| error.within(input))
    }
}

impl TryFrom<&str> for Endpoint {
    type Error = EndpointError;

    fn try_from(input: &str) -> Result<Self, EndpointError> {
        input.parse()
    }
}

impl TryFrom<String> for Endpoint {
    type Error = EndpointError;

    fn try_from(input: String) -> Result<Self, EndpointError> {
        input.parse()
    }
}

impl TryFrom<&String> for Endpoint {
    type Error = EndpointError;

    fn try_from(input: &String) -> Result<Self, EndpointError> {
        input.parse()
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address.into())
    }
}

impl From<TcpEndpoint> for Endpoint {
    fn from(tcp: TcpEndpoint) -> Self {
        Self::Tcp(tcp)
    }
}

impl From<IpcEndpoint> for Endpoint {
    fn from(ipc: IpcEndpoint) -> Self {
        Self::Ipc(ipc)
    }
}

impl From<InprocEndpoint> for Endpoint {
    fn from(inproc: InprocEndpoint) -> Self {
        Self::Inproc(inproc)
    }
}

impl From<&Self> for Endpoint {
    fn from(endpoint: &Self) -> Self {
        endpoint.clone()
    }
}

/// Serializes the text of the endpoint.
#[cfg(feature = "serde")]
impl serde::Serialize for Endpoint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, SocketAddrV6};
    use std::path::Path;

    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_displays_as_it_was_written() {
        for text in [
            "tcp://127.0.0.1:5555",
            "tcp://0.0.0.0:*",
            "tcp://[::1]:5555",
            "tcp://[fe80::1%eth0.100]:1",
            "tcp://*:*",
            "tcp://*:65535",
            "tcp://localhost:5555",
            "tcp://my_service-1.example.org:5555",
            "tcp://192.168.1.1:*;10.0.0.1:5555",
            "tcp://[fe80::1%eth0]:7000;[::1]:5555",
            "tcp://eth0.100:7000;example.org:5555",
            "tcp://*:7000;example.org:5555",
            "tcp://example.org:5555/orders/EU.west-1/$a_b@c&d+e",
            "tcp://lo:*;example.org:5555/orders",
            "ipc:///run/my service.sock",
            "ipc://relative.sock",
            "ipc://@abstract/name",
            "ipc://*",
            "inproc://any name; with *signs* of:every@kind",
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn port_0_is_the_port_that_the_system_picks() {
        assert_eq!(parse("tcp://127.0.0.1:0"), parse("tcp://127.0.0.1:*"));
    }

    #[test]
    fn the_port_of_a_source_can_be_left_out() {
        let Endpoint::Tcp(tcp) = parse("tcp://192.168.1.1;10.0.0.1:5555") else { panic!("is TCP") };
        let source = tcp.source().unwrap();
        assert_eq!((source.host().to_string(), source.port()), ("192.168.1.1".to_owned(), 0));
        assert_eq!(Endpoint::from(tcp), parse("tcp://192.168.1.1:*;10.0.0.1:5555"));
        assert_eq!(parse("tcp://[::1];[::2]:1"), parse("tcp://[::1]:0;[::2]:1"));
    }

    #[test]
    fn a_resource_is_separated_from_the_port_and_keeps_its_case() {
        let Endpoint::Tcp(tcp) = parse("tcp://Localhost:5555/Orders/EU") else { panic!("is TCP") };
        assert_eq!((tcp.port(), tcp.resource()), (5555, Some("Orders/EU")));
        assert_ne!(parse("tcp://localhost:1/a"), parse("tcp://localhost:1"));
    }

    #[test]
    fn case_of_a_host_name_does_not_matter() {
        assert_eq!(parse("tcp://LocalHost:1"), parse("tcp://localhost:1"));
    }

    #[test]
    fn an_endpoint_returns_its_host_and_port() {
        let Endpoint::Tcp(tcp) = parse("tcp://[fe80::1%3]:5555") else { panic!("is TCP") };
        assert!(matches!(tcp.host(), Host::Ipv6 { zone: Some(zone), .. } if zone == "3"));
        assert_eq!(tcp.port(), 5555);
    }

    #[test]
    fn a_path_and_an_abstract_name_are_distinguished() {
        let Endpoint::Ipc(path) = parse("ipc:///run/x") else { panic!("is IPC") };
        assert_eq!((path.path(), path.abstract_name()), (Some(Path::new("/run/x")), None));
        let Endpoint::Ipc(name) = parse("ipc://@x") else { panic!("is IPC") };
        assert_eq!((name.path(), name.abstract_name()), (None, Some("x")));
        let Endpoint::Ipc(any) = parse("ipc://*") else { panic!("is IPC") };
        assert!(any.is_wildcard() && any.path().is_none());
    }

    #[test]
    fn unique_names_differ() {
        let [a, b] = [(); 2].map(|()| InprocEndpoint::unique());
        assert_ne!(a, b);
        assert_eq!(parse(&a.to_string()), a.into());
    }

    #[test]
    fn a_socket_address_is_an_endpoint() {
        let address: SocketAddr = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 1, 0, 0).into();
        assert_eq!(Endpoint::from(address), parse("tcp://[::1]:1"));
        let zoned: SocketAddr = "[fe80::1%3]:1".parse().unwrap();
        assert_eq!(Endpoint::from(zoned), parse("tcp://[fe80::1%3]:1"));
    }

    #[cfg(feature = "serde")]
    #[test]
    fn an_endpoint_serializes_as_its_text() {
        let text = toml::Value::from("tcp://*:*");
        assert_eq!(text.clone().try_into(), Ok(parse("tcp://*:*")));
        assert_eq!(toml::Value::try_from(parse("tcp://*:*")).unwrap(), text);
        let error = toml::Value::from("*:*").try_into::<Endpoint>().unwrap_err();
        assert!(error.to_string().contains("no transport; write `tcp://*:*`"));
    }

    #[test]
    fn one_signature_takes_every_form() {
        fn take(
            endpoint: impl TryInto<Endpoint, Error: Into<EndpointError>>,
        ) -> Result<Endpoint, EndpointError> {
            endpoint.try_into().map_err(Into::into)
        }
        let text = String::from("tcp://127.0.0.1:1");
        let endpoint = take(text.as_str()).unwrap();
        assert_eq!(take(&text), Ok(endpoint.clone()));
        assert_eq!(take(text), Ok(endpoint.clone()));
        assert_eq!(take(SocketAddr::from(([127, 0, 0, 1], 1))), Ok(endpoint.clone()));
        assert_eq!(take(&endpoint), Ok(endpoint.clone()));
        assert_eq!(take(endpoint.clone()), Ok(endpoint));
    }

    #[test]
    fn an_endpoint_that_can_only_be_bound_is_refused_by_connect() {
        for input in
            ["tcp://*:80", "tcp://0.0.0.0:80", "tcp://[::]:80", "tcp://[::ffff:0.0.0.0]:80"]
        {
            let error = parse(input).check_connectable().unwrap_err();
            assert_eq!(error.kind(), EndpointErrorKind::WildcardHost);
            assert!(error.to_string().starts_with(&format!("`{input}`: ")));
            assert!(error.to_string().ends_with("such as `tcp://127.0.0.1:80`"));
        }
        let error = parse("tcp://[::1]:*").check_connectable().unwrap_err();
        assert_eq!(error.kind(), EndpointErrorKind::WildcardPort);
        assert!(error.to_string().ends_with("such as `tcp://[::1]:5555`"));
        let error = parse("ipc://*").check_connectable().unwrap_err();
        assert_eq!(error.kind(), EndpointErrorKind::WildcardPath);
        for input in
            ["tcp://localhost:80", "tcp://lo;[::1]:80", "ipc:///run/x", "ipc://@x", "inproc://x"]
        {
            assert_eq!(parse(input).check_connectable(), Ok(()));
        }
    }

    #[test]
    fn a_source_is_not_to_be_bound() {
        let error = parse("tcp://lo;127.0.0.1:80").check_bindable().unwrap_err();
        assert_eq!(error.kind(), EndpointErrorKind::SourceToBind);
        assert!(error.to_string().ends_with("write `tcp://127.0.0.1:80`"));
        for input in ["tcp://*:*", "tcp://*:*/orders", "tcp://eth0:*", "ipc://*", "inproc://x"] {
            assert_eq!(parse(input).check_bindable(), Ok(()));
        }
    }

    proptest! {
        #[test]
        fn no_text_causes_a_panic(text in any::<String>()) {
            check(&text);
            for transport in ["tcp", "ipc", "inproc"] {
                check(&format!("{transport}://{text}"));
            }
        }

        #[test]
        fn no_text_close_to_an_endpoint_causes_a_panic(
            text in r"(tcp)?(://)?[\[\]%:.*0-9a-fé ;/]{0,24}",
        ) {
            check(&text);
        }

        #[test]
        fn parsing_reverses_formatting(endpoint in endpoints()) {
            prop_assert_eq!(endpoint.to_string().parse(), Ok(endpoint));
        }
    }

    fn parse(text: &str) -> Endpoint {
        text.parse().unwrap()
    }

    /// Checks that valid text round-trips, and that the proposal of an error is valid.
    fn check(text: &str) {
        match text.parse::<Endpoint>() {
            Ok(endpoint) => assert_eq!(endpoint.to_string().parse(), Ok(endpoint)),
            Err(error) => {
                let shown = error.to_string();
                if let Some((_, proposal)) = shown.rsplit_once("write `tcp://") {
                    let proposal = proposal.split('`').next().unwrap();
                    parse(&format!("tcp://{proposal}"));
                }
            }
        }
    }

    fn endpoints() -> impl Strategy<Value = Endpoint> {
        let address = any::<SocketAddr>().prop_map(Endpoint::from);
        let host = r"\*|[a-zA-Z_-][a-zA-Z0-9._-]{0,20}|\[fe80::[1-9a-f]{1,4}%[a-z0-9._-]{1,8}\]";
        let source = option::of((host, option::of(any::<u16>())));
        let resource = r"(/[a-zA-Z0-9$_@.&+-]{1,8}){0,3}";
        let text =
            (source, host, any::<u16>(), resource).prop_map(|(source, host, port, resource)| {
                let source = match source {
                    Some((host, Some(port))) => format!("{host}:{port};"),
                    Some((host, None)) => format!("{host};"),
                    None => String::new(),
                };
                parse(&format!("tcp://{source}{host}:{port}{resource}"))
            });
        let path = r"[@/]?[^\x00@*]{1,26}".prop_map(|path| parse(&format!("ipc://{path}")));
        let name = r"\PC{1,60}".prop_map(|name| parse(&format!("inproc://{name}")));
        prop_oneof![address, text, path, name]
    }
}
