//! Sockets that run with one value of an option.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use tokio_zmtp::monitor::{DisconnectReason, EventKind, Monitor};
use tokio_zmtp::{Client, ConnectError, Endpoint, Resolver, Server};

use super::table::{Expected, Row};
#[cfg(feature = "socks")]
use crate::socks::Proxy;
use crate::transports::Transport;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

/// The path between the sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionPath {
    Plain(Transport),
    /// A port at which another socket also serves a resource.
    Resource,
    /// A name whose addresses are monitored.
    Name,
    /// A proxy.
    #[cfg(feature = "socks")]
    Proxy,
}

pub(super) const PATHS: &[ConnectionPath] = &[
    ConnectionPath::Plain(Transport::Inproc),
    #[cfg(unix)]
    ConnectionPath::Plain(Transport::Ipc),
    ConnectionPath::Plain(Transport::Tcp),
    ConnectionPath::Resource,
    ConnectionPath::Name,
    #[cfg(feature = "socks")]
    ConnectionPath::Proxy,
];

impl ConnectionPath {
    pub(super) const fn is_tcp(self) -> bool {
        !matches!(self, Self::Plain(Transport::Inproc)) && !self.is_ipc()
    }

    const fn is_ipc(self) -> bool {
        #[cfg(unix)]
        return matches!(self, Self::Plain(Transport::Ipc));
        #[cfg(not(unix))]
        return false;
    }
}

/// Runs sockets with a value. Returns the error that they report, if any.
pub(super) async fn try_out(row: &Row, path: ConnectionPath, side: Side) -> Result<(), String> {
    let resolver = Fixed(Ipv4Addr::LOCALHOST);
    let quick = Duration::from_millis(1);
    let mut server = Server::builder();
    let mut client = Client::builder().reconnect_interval(quick).resolver(resolver);
    match side {
        Side::Client => client = (row.client)(client),
        Side::Server => server = (row.server)(server),
    }
    let endpoint = match path {
        ConnectionPath::Plain(transport) => transport.any(),
        ConnectionPath::Resource => "tcp://127.0.0.1:*/limits".parse().unwrap(),
        // The resolver returns this address.
        _ => "tcp://127.0.0.1:*".parse().unwrap(),
    };
    let server = server.bind(endpoint).await.map_err(|error| chain(&error))?;
    let mut seen_by_server = server.monitor();
    let endpoint = server.last_endpoint().unwrap();
    #[cfg(feature = "socks")]
    let proxy = Proxy::start(None).await;
    #[cfg(feature = "socks")]
    if path == ConnectionPath::Proxy {
        client = client.socks_proxy(proxy.open());
    }
    let client = client.build();
    let mut monitor = client.monitor();
    let connected = connect(&client, path, endpoint).await;
    connected.map_err(|error| chain(&error))?;
    let outcome = exchange(row, &client, &server, &mut monitor).await;
    match row.expected {
        // The client sees at most the end of the connection, and not the error of the server.
        Expected::MayBeRefused(name)
            if side == Side::Server
                && outcome.as_ref().is_err_and(|error| !error.contains(name)) =>
        {
            loop {
                let reported = match seen_by_server.recv().await.unwrap().map(|event| event.kind) {
                    Ok(EventKind::Disconnected { reason, .. }) => chain(&reason),
                    Ok(EventKind::HandshakeFailed { reason }) => chain(&reason),
                    _ => continue,
                };
                if reported.contains(name) {
                    return Err(reported);
                }
            }
        }
        _ => outcome,
    }
}

/// Exchanges messages, ends the connection, and exchanges messages again.
async fn exchange(
    row: &Row,
    client: &Client,
    server: &Server,
    monitor: &mut Monitor,
) -> Result<(), String> {
    round_trip(client, server, monitor).await?;
    if matches!(row.expected, Expected::Works | Expected::MayBeRefused(_)) {
        for remote in server.remotes().list() {
            server.remotes().disconnect(remote.connection_id());
        }
        until_disconnected(monitor).await?;
        round_trip(client, server, monitor).await?;
    }
    // The other end limits the time of closing, regardless of the value.
    futures::join!(client.close(), server.close());
    Ok(())
}

async fn connect(
    client: &Client,
    path: ConnectionPath,
    endpoint: Endpoint,
) -> Result<(), ConnectError> {
    match (path, endpoint) {
        (ConnectionPath::Name, Endpoint::Tcp(tcp)) => {
            client.connect_all(format!("tcp://name.test:{}", tcp.port())).await
        }
        (_, endpoint) => client.connect(endpoint).await,
    }
}

/// Waits for a connection, and sends an empty message each way: others may exceed the value.
async fn round_trip(client: &Client, server: &Server, monitor: &mut Monitor) -> Result<(), String> {
    loop {
        match monitor.recv().await.unwrap().unwrap().kind {
            EventKind::HandshakeSucceeded => break,
            EventKind::ConnectFailed { reason } => return Err(chain(&reason)),
            EventKind::HandshakeFailed { reason } => return Err(chain(&reason)),
            _ => {}
        }
    }
    let exchange = async {
        client.send_timeout("", LONG).await.unwrap();
        let request = server.recv_timeout(LONG).await.unwrap();
        // The notice may concern a remote that has disconnected.
        if server.route_timeout(request.routing_id().unwrap(), "", LONG).await.is_err() {
            let request = server.recv_timeout(LONG).await.unwrap();
            server.route_timeout(request.routing_id().unwrap(), "", LONG).await.unwrap();
        }
        client.recv_timeout(LONG).await.unwrap();
    };
    tokio::select! {
        () = exchange => Ok(()),
        failure = failure(monitor) => Err(failure),
    }
}

/// Waits until the other end has closed the connection.
async fn until_disconnected(monitor: &mut Monitor) -> Result<(), String> {
    loop {
        match monitor.recv().await.unwrap().unwrap().kind {
            EventKind::Disconnected { reason: DisconnectReason::ClosedByRemote, .. } => {
                return Ok(());
            }
            EventKind::Disconnected { reason, .. } => return Err(chain(&reason)),
            _ => {}
        }
    }
}

/// Waits until the connection has ended.
async fn failure(monitor: &mut Monitor) -> String {
    loop {
        if let EventKind::Disconnected { reason, .. } = monitor.recv().await.unwrap().unwrap().kind
        {
            return chain(&reason);
        }
    }
}

/// Formats an error with all its sources.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        write!(text, ": {error}").unwrap();
        source = error.source();
    }
    text
}

/// A resolver with one address.
struct Fixed(Ipv4Addr);

impl Resolver for Fixed {
    fn resolve<'a>(
        &'a self,
        _name: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        Box::pin(async move { Ok(vec![(self.0, port).into()]) })
    }
}

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(3_600);
