//! A stub resolver for DNS, and the records of a service as a set of endpoints.

mod error;
mod exchange;
mod message;
mod records;

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time;
use tokio_zmtp::Resolver;

pub use self::error::LookupError;
use self::exchange::exchange;
use self::message::{Answer, Name, Record, RecordType};
pub use self::records::Records;

/// A stub resolver, which queries recursive name servers as the system resolver does.
///
/// [`srv`](Self::srv) and [`addresses`](Self::addresses) return [`Records`], which follow the
/// endpoints of a service. A `Dns` is also a [`Resolver`] of host names for a socket, so that the
/// targets of SRV records are resolved by the same name servers:
/// [`Builder::resolver`](tokio_zmtp::Builder::resolver). Without it, the socket uses the system
/// resolver.
///
/// Queries are sent over UDP, and repeated over TCP if the answer is truncated. Answers are not
/// cached: name servers cache them. The `hosts` file of the system is not read. Names must be
/// ASCII: internationalized names are encoded by the application.
///
/// A `Dns` is a handle that clones cheaply.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::Client;
/// use tokio_zmtp_discovery::{Dns, connect_all};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let dns = Dns::new(["192.0.2.53:53".parse()?]);
/// let client = Client::builder().resolver(dns.clone()).build();
/// let discovery = connect_all(&client, dns.srv("_orders._tcp.example.org"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Dns(Arc<Config>);

#[derive(Debug)]
struct Config {
    servers: Vec<SocketAddr>,
    /// The domains in which names without a dot at their end are looked up.
    search: Vec<String>,
    /// The minimum number of dots in a name that is looked up as it is before the search domains.
    ndots: u32,
    /// The time limit of a query to one server.
    timeout: Duration,
    /// The number of queries to each server.
    attempts: u32,
}

impl Dns {
    /// Creates a resolver that queries these name servers, in their order.
    ///
    /// A query has a time limit of 5 s and is sent to each server at most twice, which are the
    /// defaults of the glibc resolver. Names are looked up as they are, without search domains.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp_discovery::Dns;
    ///
    /// let dns = Dns::new(["192.0.2.53:53".parse()?, "[2001:db8::53]:53".parse()?]);
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[must_use]
    pub fn new(servers: impl IntoIterator<Item = SocketAddr>) -> Self {
        let servers = servers.into_iter().collect();
        let (search, ndots, timeout, attempts) = (Vec::new(), 1, TIMEOUT, ATTEMPTS);
        Self(Arc::new(Config { servers, search, ndots, timeout, attempts }))
    }

    /// Creates a resolver with the configuration of the system in `/etc/resolv.conf`.
    ///
    /// It uses the name servers, the search domains and the options `ndots`, `timeout` and
    /// `attempts`. The file is read once, by this call.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, as on Windows, or cannot be parsed, or if it names a network
    /// interface that does not exist.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio_zmtp_discovery::Dns;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let dns = Dns::from_system()?;
    /// let orders = dns.srv("_orders._tcp.example.org");
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_system() -> io::Result<Self> {
        Self::from_resolv_conf(&fs::read(RESOLV_CONF)?)
    }

    fn from_resolv_conf(text: &[u8]) -> io::Result<Self> {
        let config = resolv_conf::Config::parse(text)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let mut servers = Vec::new();
        for server in config.get_nameservers_or_local() {
            match server {
                // The system knows the number of a network interface.
                resolv_conf::ScopedIp::V6(address, Some(zone)) => {
                    servers.extend((format!("{address}%{zone}"), PORT).to_socket_addrs()?);
                }
                server => servers.push(SocketAddr::new(IpAddr::from(server), PORT)),
            }
        }
        Ok(Self(Arc::new(Config {
            servers,
            search: config.get_last_search_or_domain().cloned().collect(),
            ndots: config.ndots,
            timeout: Duration::from_secs(config.timeout.max(1).into()),
            attempts: config.attempts.max(1),
        })))
    }

    /// Returns a source of the endpoints in the SRV records of a service, such as
    /// `_orders._tcp.example.org`.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp_discovery::Dns;
    ///
    /// let dns = Dns::new(["192.0.2.53:53".parse()?]);
    /// let orders = dns.srv("_orders._tcp.example.org");
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn srv(&self, name: impl Into<String>) -> Records {
        Records::srv(self.clone(), name.into())
    }

    /// Returns a source of the endpoints with this port at each address of a name, such as the name
    /// of a headless Kubernetes service.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp_discovery::Dns;
    ///
    /// let dns = Dns::new(["192.0.2.53:53".parse()?]);
    /// let workers = dns.addresses("workers.default.svc.cluster.local", 5555);
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn addresses(&self, name: impl Into<String>, port: u16) -> Records {
        Records::addresses(self.clone(), name.into(), port)
    }

    /// Looks up the records of a name, in one search domain after the other until records exist.
    async fn lookup(&self, name: &str, record_type: RecordType) -> Result<Answer, LookupError> {
        let mut negative = None;
        for candidate in self.0.candidates(name) {
            let parsed = Name::parse(&candidate);
            let parsed = parsed.ok_or_else(|| LookupError::InvalidName { name: candidate })?;
            match self.query(&parsed, record_type).await? {
                Answer::Negative { ttl } => {
                    negative = Some(negative.map_or(ttl, |shortest: u32| shortest.min(ttl)));
                }
                answer => return Ok(answer),
            }
        }
        Ok(Answer::Negative { ttl: negative.unwrap_or(0) })
    }

    /// Queries each server until one answers.
    async fn query(&self, name: &Name, record_type: RecordType) -> Result<Answer, LookupError> {
        let Config { servers, timeout, attempts, .. } = &*self.0;
        let mut last = LookupError::NoServer;
        for _ in 0..*attempts {
            for &server in servers {
                let exchange = exchange(server, name, record_type);
                last = match time::timeout(*timeout, exchange).await {
                    Ok(Ok(answer)) => return Ok(answer),
                    Ok(Err(error)) => {
                        let (name, source) = (name.to_string(), Arc::new(error));
                        LookupError::Server { name, server, source }
                    }
                    Err(_) => {
                        let (name, limit) = (name.to_string(), *timeout);
                        LookupError::TimedOut { name, server, limit }
                    }
                };
                let error = &last as &dyn std::error::Error;
                tracing::debug!(error, %record_type, "a query failed");
            }
        }
        Err(last)
    }

    async fn resolve_addresses(&self, name: &str) -> Result<Vec<IpAddr>, LookupError> {
        let (v6, v4) =
            tokio::join!(self.lookup(name, RecordType::Aaaa), self.lookup(name, RecordType::A));
        let addresses = |answer: &Answer| match answer {
            Answer::Records { records, .. } => records.iter().filter_map(Record::address).collect(),
            Answer::Negative { .. } | Answer::Truncated => Vec::new(),
        };
        match (v6, v4) {
            (Ok(v6), Ok(v4)) => Ok([addresses(&v6), addresses(&v4)].concat()),
            (Ok(one), Err(error)) | (Err(error), Ok(one)) => {
                // One family is enough to connect.
                Some(addresses(&one)).filter(|found| !found.is_empty()).ok_or(error)
            }
            (Err(_), Err(error)) => Err(error),
        }
    }
}

/// Resolves host names of endpoints to the addresses of AAAA and A records, in this order, because
/// RFC 6724 prefers IPv6.
impl Resolver for Dns {
    fn resolve<'a>(
        &'a self,
        name: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        Box::pin(async move {
            let found = self.resolve_addresses(name).await.map_err(io::Error::other)?;
            Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
        })
    }
}

impl Config {
    /// Returns the names to look up for a name (resolv.conf(5), `search` and `ndots`).
    fn candidates(&self, name: &str) -> Vec<String> {
        if name.ends_with('.') {
            return vec![name.to_owned()];
        }
        let searched = self.search.iter().map(|domain| format!("{name}.{domain}"));
        let mut candidates: Vec<_> = searched.collect();
        let dots = name.matches('.').count();
        let is_first = u32::try_from(dots).is_ok_and(|dots| dots >= self.ndots);
        candidates.insert(if is_first { 0 } else { candidates.len() }, name.to_owned());
        candidates
    }
}

impl Record {
    fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Service { .. } => None,
        }
    }
}

const RESOLV_CONF: &str = "/etc/resolv.conf";
const PORT: u16 = 53;
/// The defaults of glibc's resolver.
const TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(text: &str) -> Config {
        Arc::into_inner(Dns::from_resolv_conf(text.as_bytes()).unwrap().0).unwrap()
    }

    #[test]
    fn the_configuration_of_the_system_is_used() {
        let config = configured(
            "nameserver 10.96.0.10\nnameserver fe80::1%3\n\
             search default.svc.cluster.local cluster.local\noptions ndots:5 timeout:3 attempts:4\n",
        );
        let servers: Vec<SocketAddr> =
            ["10.96.0.10:53", "[fe80::1%3]:53"].map(|server| server.parse().unwrap()).to_vec();
        assert_eq!(config.servers, servers);
        assert_eq!((config.timeout, config.attempts), (Duration::from_secs(3), 4));
        assert_eq!(
            config.candidates("workers"),
            ["workers.default.svc.cluster.local", "workers.cluster.local", "workers"]
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_server_is_reached_over_the_named_interface() {
        let SocketAddr::V6(server) = configured("nameserver fe80::1%lo\n").servers[0] else {
            panic!("the address has version 6");
        };
        assert_ne!(server.scope_id(), 0);
        assert!(Dns::from_resolv_conf(b"nameserver fe80::1%none\n").is_err());
    }

    #[test]
    fn a_name_with_enough_dots_is_first_looked_up_as_it_is() {
        let config = configured("nameserver 10.96.0.10\nsearch example.org\noptions ndots:2\n");
        assert_eq!(config.candidates("a.b"), ["a.b.example.org", "a.b"]);
        assert_eq!(config.candidates("a.b.c"), ["a.b.c", "a.b.c.example.org"]);
        assert_eq!(config.candidates("a."), ["a."]);
    }

    #[test]
    fn without_a_name_server_the_local_machine_is_queried() {
        assert!(configured("").servers.contains(&"127.0.0.1:53".parse().unwrap()));
    }
}
