//! Listeners for proxies that send the header of the PROXY protocol.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_zmtp::auth::{Admission, Authenticator, Caller, Network, Networks, Request, StatusCode};
use tokio_zmtp::monitor::{EventKind, ForeignProtocol, HandshakeFailure, Monitor};
use tokio_zmtp::{BindError, Builder, Client, Endpoint, Server};

use crate::events::{self, until};
use crate::remote::{Remote, message};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn the_address_in_the_header_is_reported_as_that_of_the_remote() {
    let _watchdog = Watchdog::start();
    for (header, client) in [
        (LINE, "192.0.2.7:4711"),
        (BINARY, "192.0.2.7:4711"),
        (b"PROXY TCP6 2001:db8::7 ::1 4711 5555\r\n", "[2001:db8::7]:4711"),
    ] {
        let client: SocketAddr = client.parse().unwrap();
        let asked = Asked::default();
        let server = proxied().authenticator(asked.clone()).bind(ANY_PORT).await.unwrap();
        let mut monitor = server.monitor();
        let (mut proxy, proxy_address) = dial(&server).await;
        // The bytes after the header arrive together with it.
        proxy.write(header).await;
        proxy.shake_hands("CLIENT").await;
        proxy.write(&message(b"hello")).await;

        let (message, remote) = server.recv_from().await.unwrap();
        assert_eq!(message, "hello");
        assert_eq!(remote.address(), Some(client));
        assert_eq!(remote.proxy_address(), Some(proxy_address));
        for _ in 0..2 {
            let event = events::next(&mut monitor).await;
            assert!(matches!(event.kind, EventKind::Accepted | EventKind::HandshakeSucceeded));
            assert_eq!(event.address, Some(client));
        }
        let callers = asked.0.lock().unwrap();
        assert!(callers.iter().all(|caller| caller.address == Some(client)));
        assert!(callers.iter().all(|caller| caller.proxy_address == Some(proxy_address)));
        assert_eq!(callers.len(), 2, "called before the handshake, and with the credentials");
    }
}

#[tokio::test]
async fn a_connection_from_the_proxy_itself_has_its_address() {
    let _watchdog = Watchdog::start();
    let server = proxied().bind(ANY_PORT).await.unwrap();
    for header in [&b"PROXY UNKNOWN\r\n"[..], LOCAL] {
        let (mut proxy, address) = dial(&server).await;
        proxy.write(header).await;
        proxy.shake_hands("CLIENT").await;
        proxy.write(&message(b"hello")).await;
        let (_, remote) = server.recv_from().await.unwrap();
        assert_eq!((remote.address(), remote.proxy_address()), (Some(address), None));
    }
}

#[tokio::test]
async fn a_header_is_required_from_the_networks_of_proxies() {
    let _watchdog = Watchdog::start();
    let server = proxied().bind(ANY_PORT).await.unwrap();
    let mut monitor = server.monitor();
    let _client = Client::new();
    _client.connect(server.last_endpoint().unwrap()).await.unwrap();
    let accepted = events::next(&mut monitor).await;
    assert!(matches!(accepted.kind, EventKind::Accepted));
    assert!(accepted.address.unwrap().ip().is_loopback());
    assert!(matches!(failure(&mut monitor).await, HandshakeFailure::ProxyHeader(_)));
    for wrong in
        ["PROXY TCP4 192.0.2.7 192.0.2.1 +1 2\r\n", "PROXY TCP4 192.0.2.7\n", "\r\n\r\n\0x"]
    {
        let (mut proxy, _) = dial(&server).await;
        proxy.write(wrong.as_bytes()).await;
        // Immediately, and without a greeting.
        assert_eq!(proxy.read_to_end().await, b"");
    }
}

#[tokio::test]
async fn a_header_from_other_networks_is_refused_and_zmtp_is_accepted() {
    let _watchdog = Watchdog::start();
    for networks in [vec![], vec![network("192.0.2.0/24"), network("::/0")]] {
        let server = Server::builder().proxy_protocol(networks).bind(ANY_PORT).await.unwrap();
        let mut monitor = server.monitor();
        for (header, expected) in
            [(LINE, ForeignProtocol::ProxyV1), (BINARY, ForeignProtocol::ProxyV2)]
        {
            let (mut forger, _) = dial(&server).await;
            forger.write(header).await;
            let failure = failure(&mut monitor).await;
            let HandshakeFailure::ForeignProtocol { protocol } = failure else {
                panic!("{failure:?}");
            };
            assert_eq!(protocol, expected);
        }
        let client = Client::new();
        client.connect(server.last_endpoint().unwrap()).await.unwrap();
        client.send("hello").await.unwrap();
        let (_, remote) = server.recv_from().await.unwrap();
        assert!(remote.address().unwrap().ip().is_loopback());
        assert_eq!(remote.proxy_address(), None);
    }
}

#[tokio::test]
async fn networks_are_matched_against_the_address_in_the_header() {
    let _watchdog = Watchdog::start();
    let networks = Networks::new();
    networks.allow(network("192.0.2.0/24"));
    let server = proxied().authenticator(networks.clone()).bind(ANY_PORT).await.unwrap();
    let mut monitor = server.monitor();
    let (mut proxy, _) = dial(&server).await;
    proxy.write(LINE).await;
    proxy.shake_hands("CLIENT").await;
    until(&mut monitor, |kind| matches!(kind, EventKind::HandshakeSucceeded)).await;

    networks.deny(network("192.0.2.7"));
    let (mut proxy, _) = dial(&server).await;
    proxy.write(BINARY).await;
    assert_eq!(proxy.read_to_end().await, b"");
    let event = until(&mut monitor, |kind| matches!(kind, EventKind::HandshakeFailed { .. })).await;
    assert_eq!(event.address, Some(([192, 0, 2, 7], 4711).into()));
    assert!(matches!(
        event.kind,
        EventKind::HandshakeFailed { reason: HandshakeFailure::AddressDenied }
    ));
}

#[tokio::test(start_paused = true)]
async fn header_and_handshake_have_one_deadline() {
    let _watchdog = Watchdog::start();
    let interval = Duration::from_secs(10);
    let server = proxied().handshake_interval(interval).bind(ANY_PORT).await.unwrap();
    let mut monitor = server.monitor();
    for header in [&b""[..], &LINE[..20], LINE] {
        let (mut proxy, _) = dial(&server).await;
        let begun = Instant::now();
        tokio::time::sleep(interval / 2).await;
        proxy.write(header).await;
        let HandshakeFailure::TimedOut { limit } = failure(&mut monitor).await else {
            panic!("the handshake has not timed out");
        };
        assert_eq!(limit, interval);
        let taken = begun.elapsed();
        assert!(taken >= interval && taken < interval + interval / 4, "{taken:?}");
    }
}

#[tokio::test]
async fn connections_count_as_half_open_before_and_after_the_header() {
    let _watchdog = Watchdog::start();
    let server = proxied().max_half_open(2).bind(ANY_PORT).await.unwrap();
    let mut monitor = server.monitor();
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(dial(&server).await);
    }
    assert!(matches!(failure(&mut monitor).await, HandshakeFailure::TooManyHalfOpen));

    let server = proxied().max_half_open_per_address(1).bind(ANY_PORT).await.unwrap();
    let mut monitor = server.monitor();
    let mut silent = Vec::new();
    for header in [LINE, b"PROXY TCP4 192.0.2.8 192.0.2.1 1 2\r\n", LINE] {
        let (mut proxy, _) = dial(&server).await;
        proxy.write(header).await;
        until(&mut monitor, |kind| matches!(kind, EventKind::Accepted)).await;
        silent.push(proxy);
    }
    let event = until(&mut monitor, |kind| matches!(kind, EventKind::HandshakeFailed { .. })).await;
    assert_eq!(event.address, Some(([192, 0, 2, 7], 4711).into()));
    assert!(matches!(
        event.kind,
        EventKind::HandshakeFailed { reason: HandshakeFailure::TooManyHalfOpen }
    ));
}

#[tokio::test]
async fn sockets_at_one_port_have_the_same_proxies() {
    let _watchdog = Watchdog::start();
    let orders = proxied().bind("tcp://127.0.0.1:*/orders").await.unwrap();
    let Some(Endpoint::Tcp(tcp)) = orders.last_endpoint() else { panic!("not a tcp endpoint") };
    let at = |resource: &str| format!("tcp://127.0.0.1:{}/{resource}", tcp.port());
    let error = Server::builder().bind(at("billing")).await.unwrap_err();
    assert!(matches!(error, BindError::SecurityMismatch { .. }));

    let billing = proxied().bind(at("billing")).await.unwrap();
    for (server, resource) in [(&orders, "orders"), (&billing, "billing")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = Client::new();
        client.connect(format!("tcp://127.0.0.1:{port}/{resource}")).await.unwrap();
        tokio::spawn(pass_on(listener, TcpStream::connect(("127.0.0.1", tcp.port()))));
        client.send("hello").await.unwrap();
        let (_, remote) = server.recv_from().await.unwrap();
        assert_eq!(remote.address(), Some(([192, 0, 2, 7], 4711).into()));
    }
}

#[tokio::test]
#[cfg(unix)]
async fn a_proxy_may_connect_over_ipc() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().ipc_proxy_protocol(true).bind("ipc://*").await.unwrap();
    let mut monitor = server.monitor();
    let path = crate::ipc::path_of(&server);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new();
    client.connect(listener.local_addr().unwrap()).await.unwrap();
    tokio::spawn(pass_on(listener, tokio::net::UnixStream::connect(path)));
    client.send("hello").await.unwrap();
    let (_, remote) = server.recv_from().await.unwrap();
    assert_eq!(remote.address(), Some(([192, 0, 2, 7], 4711).into()));
    assert_eq!(remote.proxy_address(), None);
    assert!(remote.credentials().is_some());

    let _direct = Client::new();
    _direct.connect(server.last_endpoint().unwrap()).await.unwrap();
    assert!(matches!(failure(&mut monitor).await, HandshakeFailure::ProxyHeader(_)));
}

/// Admits every remote, and records its calls.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<Caller>>>);

impl Authenticator for Asked {
    async fn authenticate(&self, request: Request) -> Result<Admission, StatusCode> {
        self.0.lock().unwrap().push(request.caller);
        Ok(Admission::anonymous())
    }

    fn allows_handshake(&self, caller: &Caller) -> bool {
        self.0.lock().unwrap().push(caller.clone());
        true
    }
}

/// Creates a server that treats every client on this machine as a proxy.
fn proxied() -> Builder<Server> {
    Server::builder().proxy_protocol([network("127.0.0.0/8")])
}

fn network(text: &str) -> Network {
    text.parse().unwrap()
}

async fn dial(server: &Server) -> (Remote, SocketAddr) {
    let remote = Remote::dial(&server.last_endpoint().unwrap()).await;
    let address = remote.address();
    (remote, address)
}

/// Acts as a proxy for one client.
async fn pass_on<S: AsyncRead + AsyncWrite + Unpin>(
    listener: TcpListener,
    server: impl Future<Output = io::Result<S>>,
) -> io::Result<()> {
    let (mut client, _) = listener.accept().await?;
    let mut server = server.await?;
    server.write_all(LINE).await?;
    copy_bidirectional(&mut client, &mut server).await.map(|_| ())
}

async fn failure(monitor: &mut Monitor) -> HandshakeFailure {
    loop {
        if let EventKind::HandshakeFailed { reason } = events::next(monitor).await.kind {
            return reason;
        }
    }
}

const ANY_PORT: &str = "tcp://127.0.0.1:*";

const LINE: &[u8] = b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 5555\r\n";

const BINARY: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x11\xC0\0\x02\x07\x7F\0\0\x01\x12\x67\x15\xB3\x05\0\x02id";

const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
