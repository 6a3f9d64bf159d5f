//! One name server, and the sockets over which it is queried.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hickory_resolver::config::{NameServerConfig, ResolverOpts};
use hickory_resolver::net::runtime::{
    DnsUdpSocket, QuicSocketBinder, RuntimeProvider, TokioRuntimeProvider,
};
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer};
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::{DnsResponse, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig};
use tokio::io::{Interest, ReadBuf};
use tokio::net::UdpSocket;
use tokio::time;

/// A name server.
///
/// It is a pool of its own: a pool of several servers returns a failure such as REFUSED although
/// another server would answer, and its time limit includes all of them. A pool has no cache, which
/// would answer when records are looked up because a connection has ended.
pub(super) struct NameServer {
    pub(super) address: SocketAddr,
    pub(super) limit: Duration,
    /// Only the configuration of TLS can fail.
    pool: Result<NameServerPool<Provider>, NetError>,
}

/// The records of a name, or none if the name or the type of record does not exist.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) records: Vec<RData>,
    /// The time for which the answer, also a negative one, may be cached.
    pub(super) ttl: Duration,
}

impl NameServer {
    /// The interface is the scope of a link-local IPv6 address.
    pub(super) fn new(config: NameServerConfig, interface: u32, options: &ResolverOpts) -> Self {
        let port = config.connections.first().map_or(0, |connection| connection.port);
        let address = match config.ip {
            IpAddr::V4(ip) => SocketAddr::from((ip, port)),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, interface).into(),
        };
        let pool = TlsConfig::new().map(|tls| {
            let context = Arc::new(PoolContext::new(options.clone(), tls));
            let provider = Provider { tokio: TokioRuntimeProvider::new(), interface };
            NameServerPool::from_config([config], context, provider)
        });
        Self { address, limit: options.timeout, pool }
    }

    /// Sends a query, over TCP if the answer is too long for a datagram, and waits for the answer.
    pub(super) async fn query(&self, name: Name, kind: RecordType) -> Result<Answer, NetError> {
        let pool = self.pool.as_ref().map_err(Clone::clone)?;
        let answer = pool.lookup(Query::query(name, kind), Default::default()).first_answer();
        match time::timeout(self.limit, answer).await.unwrap_or(Err(NetError::Timeout)) {
            Ok(response) => Answer::new(&response, kind),
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => Answer::negative(none),
            Err(error) => Err(error),
        }
    }
}

impl Answer {
    fn new(response: &DnsResponse, kind: RecordType) -> Result<Self, NetError> {
        // An alias can lead to a name that does not exist.
        if !matches!(response.response_code, ResponseCode::NoError | ResponseCode::NXDomain) {
            return Err(DnsError::ResponseCode(response.response_code).into());
        }
        let answers = &response.answers;
        // Includes the aliases.
        let mut ttl = answers.iter().map(|record| record.ttl).min().unwrap_or(0);
        let found = answers.iter().filter(|record| record.record_type() == kind);
        let records: Vec<_> = found.map(|record| record.data.clone()).collect();
        if records.is_empty() {
            ttl = ttl.min(response.negative_ttl().unwrap_or(0));
        }
        Ok(Self { records, ttl: seconds(ttl) })
    }

    /// Returns the answer that no record exists, unless the server refers to another one, which is
    /// not an answer.
    fn negative(none: NoRecords) -> Result<Self, NetError> {
        if none.soa.is_none() && none.ns.is_some() && none.response_code == ResponseCode::NoError {
            return Err(NetError::Message("the name server refers to another one"));
        }
        Ok(Self { records: Vec::new(), ttl: seconds(none.negative_ttl.unwrap_or(0)) })
    }
}

fn seconds(ttl: u32) -> Duration {
    Duration::from_secs(ttl.into())
}

/// Creates sockets for one name server, with the interface of a link-local address, for which
/// hickory-resolver has no option.
#[derive(Clone)]
struct Provider {
    tokio: TokioRuntimeProvider,
    interface: u32,
}

impl Provider {
    fn scoped(&self, server: SocketAddr) -> SocketAddr {
        match server {
            SocketAddr::V4(_) => server,
            SocketAddr::V6(v6) => SocketAddrV6::new(*v6.ip(), v6.port(), 0, self.interface).into(),
        }
    }
}

type Connecting<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

impl RuntimeProvider for Provider {
    type Handle = <TokioRuntimeProvider as RuntimeProvider>::Handle;
    type Timer = <TokioRuntimeProvider as RuntimeProvider>::Timer;
    type Udp = ConnectedUdp;
    type Tcp = <TokioRuntimeProvider as RuntimeProvider>::Tcp;

    fn create_handle(&self) -> Self::Handle {
        self.tokio.create_handle()
    }

    fn connect_tcp(
        &self,
        server: SocketAddr,
        local: Option<SocketAddr>,
        limit: Option<Duration>,
    ) -> Connecting<Self::Tcp> {
        self.tokio.connect_tcp(self.scoped(server), local, limit)
    }

    fn bind_udp(&self, local: SocketAddr, server: SocketAddr) -> Connecting<Self::Udp> {
        let server = self.scoped(server);
        Box::pin(async move {
            let socket = UdpSocket::bind(local).await?;
            socket.connect(server).await?;
            Ok(ConnectedUdp { socket, server })
        })
    }

    fn quic_binder(&self) -> Option<&dyn QuicSocketBinder> {
        self.tokio.quic_binder()
    }
}

/// A socket on which the system reports immediately that no name server listens, and discards
/// datagrams of other senders. Hickory-resolver does not connect sockets by itself.
struct ConnectedUdp {
    socket: UdpSocket,
    server: SocketAddr,
}

type Receiving<'a> = Pin<Box<dyn Future<Output = io::Result<(usize, SocketAddr)>> + Send + 'a>>;

impl DnsUdpSocket for ConnectedUdp {
    type Time = <TokioRuntimeProvider as RuntimeProvider>::Timer;

    fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(self.socket.poll_recv(cx, &mut buffer))?;
        Poll::Ready(Ok((buffer.filled().len(), self.server)))
    }

    /// Also waits for errors, because a socket with an error is not readable.
    fn recv_from<'s, 'b, 'f>(&'s self, buffer: &'b mut [u8]) -> Receiving<'f>
    where
        's: 'f,
        'b: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            loop {
                let ready = self.socket.ready(Interest::READABLE | Interest::ERROR).await?;
                let received = if ready.is_error() {
                    self.socket.try_io(Interest::ERROR, || {
                        let error = self.socket.take_error()?;
                        Err(error.unwrap_or_else(|| io::ErrorKind::WouldBlock.into()))
                    })
                } else {
                    self.socket.try_recv(buffer)
                };
                match received {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    received => return received.map(|len| (len, self.server)),
                }
            }
        })
    }

    /// Does not pass the address, which some systems refuse on a connected socket.
    fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        datagram: &[u8],
        _server: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        self.socket.poll_send(cx, datagram)
    }
}
