//! Connections through an independent SOCKS5 proxy.

use std::net::SocketAddr;
use std::time::Duration;

use fast_socks5::server::{DnsResolveHelper, Socks5ServerProtocol, run_tcp_proxy};
use fast_socks5::util::target_addr::TargetAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_zmtp::monitor::{DialFailure, EventKind};
use tokio_zmtp::{Client, Endpoint, NoRemoteError, ReconnectStop, Server, SocksProxy};

use crate::remote::ReservedPort;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_connection_goes_through_the_proxy() {
    let _watchdog = Watchdog::start();
    let proxy = Proxy::start(None).await;
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let client = Client::builder().socks_proxy(proxy.open());
    let client = client.connect(endpoint.clone()).await.unwrap();
    client.send("request").await.unwrap();
    let (request, seen) = server.recv_from().await.unwrap();
    server.reply(&request, "reply").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), "reply");
    let remote = client.remotes().list().remove(0);
    assert_eq!(remote.address().map(Endpoint::from), Some(endpoint.clone()));
    assert_eq!(format!("tcp://{}", proxy.targets.borrow()[0]), endpoint.to_string());
    assert_ne!(seen.address(), None);
}

#[tokio::test]
async fn a_host_name_is_resolved_by_the_proxy() {
    let _watchdog = Watchdog::start();
    let proxy = Proxy::start(None).await;
    let server = Server::new();
    let Endpoint::Tcp(tcp) = server.bind("tcp://localhost:*").await.unwrap() else {
        panic!("not a tcp endpoint")
    };
    let client = Client::builder().socks_proxy(proxy.open());
    let client = client.connect(format!("tcp://localhost:{}", tcp.port())).await.unwrap();
    client.send("x").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "x");
    assert_eq!(proxy.targets.borrow()[0], format!("localhost:{}", tcp.port()));
    assert_eq!(client.remotes().list()[0].address(), None);
}

#[tokio::test]
async fn a_proxy_accepts_the_right_password() {
    let _watchdog = Watchdog::start();
    let proxy = Proxy::start(Some("secret")).await;
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let right = proxy.open().with_credentials("user", "secret").unwrap();
    let client = Client::builder().socks_proxy(right);
    let client = client.connect(endpoint).await.unwrap();
    client.send("x").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "x");
}

#[tokio::test]
async fn a_proxy_that_refuses_the_password_is_not_dialed_again() {
    let _watchdog = Watchdog::start();
    let proxy = Proxy::start(Some("secret")).await;
    let wrong = proxy.open().with_credentials("user", "guess").unwrap();
    for settings in [wrong, proxy.open()] {
        let client = Client::builder().socks_proxy(settings);
        let client = client.connect(ReservedPort::reserve().endpoint()).await.unwrap();
        let error = client.remotes().connected().await.unwrap_err();
        assert!(matches!(error, NoRemoteError::Failed(DialFailure::ProxyRefused)));
    }
    assert!(proxy.targets.borrow().is_empty());
}

#[tokio::test]
async fn a_remote_that_refuses_the_proxy_is_dialed_again() {
    let _watchdog = Watchdog::start();
    let proxy = Proxy::start(None).await;
    let unbound = ReservedPort::reserve();
    let client = Client::builder().socks_proxy(proxy.open());
    let client = client.connect(unbound.endpoint()).await.unwrap();
    let mut monitor = client.monitor();
    while !matches!(monitor.recv().await.unwrap().unwrap().kind, EventKind::ConnectRetried { .. }) {
    }
    let server = Server::new();
    server.bind(unbound.release()).await.unwrap();
    client.send("x").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "x");

    // `reconnect_stop` applies to this failure as well.
    let unbound = ReservedPort::reserve();
    let client = Client::builder()
        .socks_proxy(proxy.open())
        .reconnect_stop([ReconnectStop::ConnectionRefused])
        .connect(unbound.endpoint())
        .await
        .unwrap();
    let error = client.remotes().connected().await.unwrap_err();
    assert!(matches!(error, NoRemoteError::Failed(DialFailure::Transport(_))));
}

/// A proxy that runs until it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    /// The requested destinations.
    targets: watch::Receiver<Vec<String>>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn start(password: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, targets) = watch::channel(Vec::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, password, asked.clone()));
            }
        });
        Self { address, targets, _tasks: tasks }
    }

    pub(crate) fn open(&self) -> SocksProxy {
        self.address.into()
    }
}

async fn serve(stream: TcpStream, password: Option<&str>, asked: watch::Sender<Vec<String>>) {
    let protocol = match password {
        Some(password) => {
            let check = |user: String, given: String| user == "user" && given == password;
            let Ok((protocol, _)) = Socks5ServerProtocol::accept_password_auth(stream, check).await
            else {
                return;
            };
            protocol
        }
        None => Socks5ServerProtocol::accept_no_auth(stream).await.unwrap(),
    };
    let asked_for = protocol.read_command().await.unwrap();
    asked.send_modify(|targets| targets.push(asked_for.2.to_string()));
    let (protocol, _, target): (_, _, TargetAddr) = asked_for.resolve_dns().await.unwrap();
    // Fails without a listener, and when one end is closed.
    let _ = run_tcp_proxy(protocol, &target, Duration::from_secs(10), true).await;
}
