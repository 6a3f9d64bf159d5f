//! A resolver for DNS, and the records of a service as a set of endpoints.

mod choice;
mod error;
mod records;
mod server;
mod system;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::iter;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::Hosts;
use hickory_resolver::config::{NameServerConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use tokio_zmtp::Resolver;

pub use self::error::LookupError;
pub use self::records::Records;
use self::server::{Answer, NameServer};
use self::system::Configuration;

/// A stub resolver, which queries recursive name servers by means of the crate
/// [`hickory-resolver`](https://docs.rs/hickory-resolver).
///
/// [`srv`](Self::srv) and [`addresses`](Self::addresses) return [`Records`], which follow the
/// endpoints of a service. A `Dns` is also a [`Resolver`] of host names for a socket, so that the
/// targets of SRV records are resolved by the same name servers:
/// [`Builder::resolver`](tokio_zmtp::Builder::resolver). Without it, the socket uses the system
/// resolver.
///
/// Name servers are queried in their order: the next one if a server fails, refuses the query or
/// does not answer in time. Queries are sent over UDP, and repeated over TCP if the answer is
/// truncated. Answers are not cached: name servers cache them.
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

struct Config {
    servers: Vec<NameServer>,
    /// The domains in which names without a dot at their end are looked up.
    search: Vec<Name>,
    /// The minimum number of dots in a name that is looked up as it is before the search domains.
    ndots: usize,
    /// The number of queries to each server.
    attempts: usize,
    hosts: Hosts,
}

impl Dns {
    /// Creates a resolver that queries these name servers.
    ///
    /// A query has a time limit of 5 s and is sent to each server at most twice, which are the
    /// defaults of the glibc resolver. Names are looked up as they are, without search domains. The
    /// `hosts` file of the system is not read.
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
        let options = explicit();
        let servers = servers.into_iter().map(|server| {
            let mut config = NameServerConfig::udp_and_tcp(server.ip());
            config.connections.iter_mut().for_each(|one| one.port = server.port());
            let interface = if let SocketAddr::V6(v6) = server { v6.scope_id() } else { 0 };
            NameServer::new(config, interface, &options)
        });
        Self::configured(servers.collect(), Vec::new(), &options, Hosts::default())
    }

    /// Creates a resolver like [`new`](Self::new), whose name servers are queried over the protocols
    /// of their configuration.
    ///
    /// With a feature of `hickory-resolver` such as `tls-ring`, these include TLS, HTTPS and QUIC.
    /// The crate must have the same minor version as in the dependencies of this one: 0.26.
    ///
    /// # Examples
    ///
    /// Queries over TCP only:
    ///
    /// ```
    /// use hickory_resolver::config::NameServerConfig;
    /// use tokio_zmtp_discovery::Dns;
    ///
    /// let dns = Dns::with_name_servers([NameServerConfig::tcp("192.0.2.53".parse()?)]);
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[must_use]
    pub fn with_name_servers(servers: impl IntoIterator<Item = NameServerConfig>) -> Self {
        let options = explicit();
        let servers = servers.into_iter().map(|server| NameServer::new(server, 0, &options));
        Self::configured(servers.collect(), Vec::new(), &options, Hosts::default())
    }

    /// Creates a resolver with the configuration of the system: on Unix, `/etc/resolv.conf` and
    /// `/etc/hosts`.
    ///
    /// It uses the name servers, the search domains and the options `ndots`, `timeout` and
    /// `attempts`. As with the system resolver, a name with an address in the `hosts` file is not
    /// looked up in DNS. The configuration is read once, by this call.
    ///
    /// # Errors
    ///
    /// Fails if the configuration cannot be read, contains no name server, or contains a network
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
        // Without a `hosts` file, no name has an address in it.
        let hosts = Hosts::from_system().unwrap_or_default();
        Ok(Self::from_configuration(system::configuration()?, hosts))
    }

    fn from_configuration((config, mut options, interfaces): Configuration, hosts: Hosts) -> Self {
        options.timeout = options.timeout.max(Duration::from_secs(1));
        options.attempts = options.attempts.max(1);
        let interfaces = interfaces.into_iter().chain(iter::repeat(0));
        let servers = config.name_servers.into_iter().zip(interfaces);
        let servers =
            servers.map(|(server, interface)| NameServer::new(server, interface, &options));
        Self::configured(servers.collect(), config.search, &options, hosts)
    }

    fn configured(
        servers: Vec<NameServer>,
        search: Vec<Name>,
        options: &ResolverOpts,
        hosts: Hosts,
    ) -> Self {
        let (ndots, attempts) = (options.ndots, options.attempts);
        Self(Arc::new(Config { servers, search, ndots, attempts, hosts }))
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
    /// of a headless Kubernetes service. An address in place of the name yields its endpoint.
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

    /// Looks up the records of a name, of each of these types. Names without a dot at their end are
    /// looked up in one search domain after the other until records of any of the types exist. The
    /// addresses of both families are therefore those of one host.
    async fn lookup(&self, name: &str, kinds: &[RecordType]) -> Vec<Result<Answer, LookupError>> {
        if let Some(answers) = literal(name, kinds) {
            return answers.into_iter().map(Ok).collect();
        }
        let parsed = match Name::from_str_relaxed(name) {
            Ok(parsed) if parsed.num_labels() > 0 => parsed,
            _ => return vec![Err(LookupError::InvalidName { name: name.to_owned() }); kinds.len()],
        };
        if let Some(answers) = self.0.in_hosts(&parsed, kinds) {
            return answers.into_iter().map(Ok).collect();
        }
        let candidates = self.0.candidates(&parsed);
        let (mut answers, mut ttl) = (Vec::new(), Duration::MAX);
        for (at, candidate) in candidates.iter().enumerate() {
            answers = self.query_each(candidate, kinds).await;
            if answers.iter().flatten().any(|answer| !answer.records.is_empty()) {
                return answers;
            }
            let failure = answers.iter().find_map(|answer| answer.as_ref().err());
            if let Some(failure) = failure.filter(|_| at + 1 < candidates.len()) {
                // Whether the name exists in this domain is unknown.
                return vec![Err(failure.clone()); kinds.len()];
            }
            ttl = answers.iter().flatten().map(|answer| answer.ttl).fold(ttl, Duration::min);
        }
        answers.iter_mut().flatten().for_each(|answer| answer.ttl = ttl);
        answers
    }

    /// Queries one name for the records of each type concurrently.
    async fn query_each(
        &self,
        name: &Name,
        kinds: &[RecordType],
    ) -> Vec<Result<Answer, LookupError>> {
        match *kinds {
            [one, other] => {
                let (one, other) = tokio::join!(self.query(name, one), self.query(name, other));
                vec![one, other]
            }
            [one] => vec![self.query(name, one).await],
            _ => unreachable!("one or two types of records are looked up"),
        }
    }

    /// Queries each server until one answers.
    async fn query(&self, name: &Name, kind: RecordType) -> Result<Answer, LookupError> {
        let mut last = LookupError::NoServer;
        for _ in 0..self.0.attempts {
            for server in &self.0.servers {
                match server.query(name.clone(), kind).await {
                    Ok(answer) => return Ok(answer),
                    Err(error) => {
                        let (name, server) = (name.to_ascii(), server.address);
                        last = LookupError::Server { name, server, source: Arc::new(error) };
                    }
                }
                let error = &last as &dyn std::error::Error;
                tracing::debug!(error, %kind, "a query failed");
            }
        }
        Err(last)
    }

    async fn resolve_addresses(&self, name: &str) -> Result<Vec<IpAddr>, LookupError> {
        let (mut addresses, mut failure) = (Vec::new(), None);
        for answer in self.lookup(name, &[RecordType::AAAA, RecordType::A]).await {
            match answer {
                Ok(answer) => addresses.extend(answer.records.iter().filter_map(RData::ip_addr)),
                Err(error) => failure = Some(error),
            }
        }
        // One family is enough to connect.
        failure.filter(|_| addresses.is_empty()).map_or(Ok(addresses), Err)
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
    /// Returns the addresses of a name in the `hosts` file, or `None` if it has none of these
    /// families.
    fn in_hosts(&self, name: &Name, kinds: &[RecordType]) -> Option<Vec<Answer>> {
        let query = |&kind| Query::query(name.clone(), kind);
        let found: Vec<_> =
            kinds.iter().map(|kind| self.hosts.lookup_static_host(&query(kind))).collect();
        let answer = |found: Option<Lookup>| Answer {
            records: found.iter().flat_map(Lookup::answers).map(|one| one.data.clone()).collect(),
            ttl: Duration::MAX,
        };
        let exists = found.iter().any(Option::is_some);
        exists.then(|| found.into_iter().map(answer).collect())
    }

    /// Returns the names to look up for a name (resolv.conf(5), `search` and `ndots`).
    fn candidates(&self, name: &Name) -> Vec<Name> {
        let mut absolute = name.clone();
        absolute.set_fqdn(true);
        if name.is_fqdn() {
            return vec![absolute];
        }
        // A name that becomes too long in a domain does not exist there.
        let searched = self.search.iter().filter_map(|domain| {
            let mut searched = name.clone().append_name(domain).ok()?;
            searched.set_fqdn(true);
            Some(searched)
        });
        let mut candidates: Vec<_> = searched.collect();
        let is_first = usize::from(name.num_labels()) > self.ndots;
        candidates.insert(if is_first { 0 } else { candidates.len() }, absolute);
        candidates
    }
}

/// Returns the address that a text is, instead of the name of a host (RFC 1123, section 2.1).
fn literal(text: &str, kinds: &[RecordType]) -> Option<Vec<Answer>> {
    let address = RData::from(text.parse::<IpAddr>().ok()?);
    let answer = |kind: &RecordType| Answer {
        records: (address.record_type() == *kind).then(|| address.clone()).into_iter().collect(),
        ttl: Duration::MAX,
    };
    kinds.contains(&address.record_type()).then(|| kinds.iter().map(answer).collect())
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers: Vec<_> = self.servers.iter().map(|server| server.address).collect();
        f.debug_struct("Config")
            .field("servers", &servers)
            .field("search", &self.search)
            .finish_non_exhaustive()
    }
}

/// Returns the options for name servers that the program has chosen.
fn explicit() -> ResolverOpts {
    let mut options = ResolverOpts::default();
    (options.timeout, options.attempts) = (TIMEOUT, ATTEMPTS);
    options
}

/// The defaults of glibc's resolver.
const TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPTS: usize = 2;
