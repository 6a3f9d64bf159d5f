//! Binding, connecting, unbinding and disconnecting.

use std::collections::HashSet;
use std::net::{SocketAddr, TcpListener};

use futures::FutureExt;
use tokio_zmtp::{
    BindError, Client, ConnectError, DisconnectError, Endpoint, EndpointErrorKind, RouteError,
    Server, UnbindError,
};

use crate::remote::{self, Remote, RemoteListener, ReservedPort};
use crate::transports::{Transport, over_every_transport, own_address, own_loopback};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn the_last_endpoint_has_the_port_that_the_system_picked() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().build();
    assert_eq!(server.last_endpoint(), None);

    let first = server.bind("tcp://127.0.0.1:*").await.unwrap();
    assert_eq!(server.last_endpoint(), Some(first.clone()));
    assert_ne!(port(&first), 0);
    let second = server.bind("tcp://127.0.0.1:0").await.unwrap();
    assert_eq!(server.last_endpoint(), Some(second.clone()));
    assert_ne!(first, second);

    let client = Client::new();
    client.connect(first.clone()).await.unwrap();
    assert_eq!(client.last_endpoint(), Some(first));
    client.connect(second.clone()).await.unwrap();
    assert_eq!(client.last_endpoint(), Some(second));
}

#[tokio::test]
async fn an_endpoint_is_given_as_text_or_address() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().build();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    server.bind(any).await.unwrap();
    server.bind(String::from("tcp://127.0.0.1:*")).await.unwrap();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();

    let text = endpoint.to_string();
    let client = Client::new();
    client.connect(text.as_str()).await.unwrap();
    client.connect(text).await.unwrap();
    client.connect(endpoint.clone()).await.unwrap();
    client.connect(SocketAddr::from(([127, 0, 0, 1], port(&endpoint)))).await.unwrap();

    assert_eq!(distinct_remotes(&client, &server, 4).await, 4);
}

#[tokio::test]
async fn a_wildcard_address_is_reachable_on_every_interface() {
    let _watchdog = Watchdog::start();
    for wildcard in ["tcp://*:*", "tcp://0.0.0.0:*"] {
        let server = Server::new();
        server.bind(wildcard).await.unwrap();
        let bound = server.last_endpoint().unwrap();
        let client = Client::new();
        client.connect(format!("tcp://127.0.0.1:{}", port(&bound))).await.unwrap();
        client.send("x").await.unwrap();
        assert_eq!(server.recv().await.unwrap(), "x");
    }
}

over_every_transport!(a_server_is_bound_to_several_endpoints_concurrently);

async fn a_server_is_bound_to_several_endpoints_concurrently(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().build();
    for _ in 0..3 {
        let endpoint = server.bind(transport.any()).await.unwrap();
        let client = Client::new();
        client.connect(endpoint).await.unwrap();
        client.send("request").await.unwrap();
        let request = server.recv().await.unwrap();
        server.reply(&request, "reply").await.unwrap();
        assert_eq!(client.recv().await.unwrap(), "reply");
    }
}

over_every_transport!(one_socket_binds_and_connects);

async fn one_socket_binds_and_connects(transport: Transport) {
    let _watchdog = Watchdog::start();
    let bound = Client::new();
    let endpoint = bound.bind(transport.any()).await.unwrap();
    let server = Server::new();
    let listening = server.bind(transport.any()).await.unwrap();
    let connected = Client::new();
    connected.connect(listening).await.unwrap();
    server.connect(endpoint).await.unwrap();

    for client in [bound, connected] {
        client.send("request").await.unwrap();
        let request = server.recv().await.unwrap();
        server.reply(&request, "reply").await.unwrap();
        assert_eq!(client.recv().await.unwrap(), "reply");
    }
}

#[tokio::test]
async fn an_endpoint_connected_to_twice_has_two_connections() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::new();
    client.connect(listener.endpoint()).await.unwrap();
    client.connect(listener.endpoint()).await.unwrap();
    for body in ["a", "b"] {
        client.send(body).await.unwrap();
    }

    let mut first = listener.accept_as("SERVER").await;
    let mut second = listener.accept_as("SERVER").await;
    let mut bodies = [first.read_message().await, second.read_message().await];
    bodies.sort();
    assert_eq!(bodies, [b"a", b"b"]);

    // Both addresses remain one endpoint.
    client.disconnect(listener.endpoint()).await.unwrap();
    assert_eq!(first.read_to_end().await, b"");
    assert_eq!(second.read_to_end().await, b"");
    let error = client.disconnect(listener.endpoint()).await.unwrap_err();
    assert!(matches!(error, DisconnectError::NotConnected { .. }));
}

over_every_transport!(an_address_in_use_is_refused_and_named);

async fn an_address_in_use_is_refused_and_named(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let taken = server.bind(transport.any()).await.unwrap();

    let error = Client::builder().bind(taken.clone()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{taken} is in use"));
    assert!(matches!(error, BindError::AddrInUse { endpoint } if endpoint == taken));

    // The socket is not affected.
    let error = server.bind(taken.clone()).await.unwrap_err();
    assert!(matches!(error, BindError::AddrInUse { .. }));
    assert_eq!(server.last_endpoint(), Some(taken.clone()));
    let client = Client::new();
    client.connect(taken).await.unwrap();
    client.send("x").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "x");
}

#[tokio::test]
async fn an_address_of_another_machine_is_refused() {
    let _watchdog = Watchdog::start();
    // RFC 5737: an address for documentation.
    let error = Server::builder().bind("tcp://192.0.2.1:*").await.unwrap_err();
    assert_eq!(error.to_string(), "tcp://192.0.2.1:* is not an address of this machine");
    assert!(matches!(error, BindError::AddrNotAvailable { .. }));
}

#[tokio::test]
async fn invalid_endpoints_are_refused_with_the_fault_and_a_valid_form() {
    let _watchdog = Watchdog::start();
    let socket = Server::builder().build();
    for (text, wrong, right) in [
        ("127.0.0.1:5555", "no transport", "tcp://127.0.0.1:5555"),
        ("tpc://127.0.0.1:5555", "`tpc`", "tcp"),
        ("tcp://127.0.0.1", "no port", "tcp://127.0.0.1:5555"),
        ("tcp://127.0.0.1:65536", "`65536`", "65535"),
        ("tcp://:5555", "no host", "tcp://127.0.0.1:5555"),
        ("tcp://::1:5555", "brackets", "tcp://[::1]:5555"),
        ("tcp://my host:5555", "` `", "letters, digits"),
        ("tcp://127.0.0.256:5555", "`127.0.0.256`", "127.0.0.1"),
    ] {
        let errors = [
            Server::builder().bind(text).await.unwrap_err().to_string(),
            Client::builder().connect(text).await.unwrap_err().to_string(),
            socket.bind(text).await.unwrap_err().to_string(),
            socket.connect(text).await.unwrap_err().to_string(),
            socket.unbind(text).await.unwrap_err().to_string(),
            socket.disconnect(text).await.unwrap_err().to_string(),
        ];
        for error in &errors {
            assert!(error.starts_with(&format!("`{text}`: ")), "{error}");
            assert!(error.contains(wrong), "{error}");
            assert!(error.contains(right), "{error}");
        }
    }
}

#[tokio::test]
async fn connecting_to_a_wildcard_endpoint_is_refused() {
    let _watchdog = Watchdog::start();
    for (endpoint, kind) in [
        ("tcp://*:5555", EndpointErrorKind::WildcardHost),
        ("tcp://0.0.0.0:5555", EndpointErrorKind::WildcardHost),
        ("tcp://[::]:5555", EndpointErrorKind::WildcardHost),
        ("tcp://127.0.0.1:*", EndpointErrorKind::WildcardPort),
        ("tcp://127.0.0.1:0", EndpointErrorKind::WildcardPort),
    ] {
        let Err(ConnectError::Endpoint(error)) = Client::builder().connect(endpoint).await else {
            panic!("{endpoint} was accepted");
        };
        assert_eq!(error.kind(), kind);
    }
}

#[tokio::test]
async fn unbinding_frees_the_address_and_ends_accepted_connections() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind(own_address()).await.unwrap();
    let other = server.bind(own_address()).await.unwrap();
    let mut remote = Remote::client(&endpoint).await;
    remote.write(&remote::message(b"hello").repeat(2)).await;
    let id = server.recv().await.unwrap().routing_id().unwrap();
    server.route(id, "farewell").await.unwrap();

    server.unbind(endpoint.clone()).await.unwrap();

    let successor = Server::new();
    successor.bind(endpoint.clone()).await.unwrap();
    // Queued messages are still written, and received messages remain available.
    assert_eq!(remote.read_message().await, b"farewell");
    assert_eq!(remote.read_to_end().await, b"");
    assert_eq!(server.recv().await.unwrap(), "hello");
    // The routing id of the remote is no longer valid.
    let error = server.route(id, "x").await.unwrap_err();
    assert!(matches!(error, RouteError::HostUnreachable(_)));
    // Other remotes are not affected.
    for (server, endpoint) in [(successor, endpoint), (server, other)] {
        let client = Client::new();
        client.connect(endpoint).await.unwrap();
        client.send("x").await.unwrap();
        assert_eq!(server.recv().await.unwrap(), "x");
    }
}

#[tokio::test]
async fn messages_read_beyond_the_queue_are_received_after_unbinding() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().recv_hwm(2).bind("tcp://127.0.0.1:*").await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let mut remote = Remote::client(&endpoint).await;
    // The reply is written after all bytes that arrived with the request have been read.
    remote.write(&[remote::ping(b""), remote::message(b"x").repeat(100)].concat()).await;
    assert_eq!(remote.read_frame().await.1, b"\x04PONG");

    server.unbind(endpoint).await.unwrap();
    assert_eq!(remote.read_to_end().await, b"");
    drop(remote);

    for _ in 0..100 {
        assert_eq!(server.recv().await.unwrap(), "x");
    }
}

over_every_transport!(
    an_address_is_free_as_soon_as_it_is_unbound,
    flavor = "multi_thread",
    worker_threads = 2
);

async fn an_address_is_free_as_soon_as_it_is_unbound(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind(transport.any()).await.unwrap();
    for _ in 0..200 {
        server.unbind(endpoint.clone()).await.unwrap();
        server.bind(endpoint.clone()).await.unwrap();
    }
}

#[tokio::test]
async fn unbinding_ends_a_handshake_in_progress() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::dial(&endpoint).await;
    assert_eq!(remote.read(64).await, remote::GREETING);

    server.unbind(endpoint).await.unwrap();

    assert_eq!(remote.read_to_end().await, b"");
}

#[tokio::test]
async fn an_endpoint_is_unbound_by_its_original_name() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().build();
    let bound = server.bind("tcp://localhost:*").await.unwrap();
    server.unbind("tcp://localhost:*").await.unwrap();
    Server::builder().bind(bound).await.unwrap();
}

#[tokio::test]
async fn an_endpoint_is_bound_again_by_the_same_socket() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind(own_address()).await.unwrap();
    for _ in 0..3 {
        let mut remote = Remote::client(&endpoint).await;
        remote.write(&remote::message(b"x")).await;
        assert_eq!(server.recv().await.unwrap(), "x");
        server.unbind(endpoint.clone()).await.unwrap();
        assert_eq!(remote.read_to_end().await, b"");
        assert_eq!(server.bind(endpoint.clone()).await.unwrap(), endpoint);
    }
}

#[tokio::test]
async fn a_bind_that_is_dropped_leaves_nothing_bound() {
    let _watchdog = Watchdog::start();
    let endpoint = ReservedPort::reserve().release();
    assert!(Server::builder().bind(endpoint.clone()).now_or_never().is_none());
    while let Err(error) = Server::builder().bind(endpoint.clone()).await {
        assert!(matches!(error, BindError::AddrInUse { .. }));
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_adopted_listener_is_bound_and_unbound_like_any_other() {
    let _watchdog = Watchdog::start();
    let listener = TcpListener::bind((own_loopback(), 0)).unwrap();
    let endpoint = Endpoint::from(listener.local_addr().unwrap());
    // Clients that connect before the adoption are served as well.
    let client = Client::new();
    client.connect(endpoint.clone()).await.unwrap();
    client.send("early").await.unwrap();
    let server = Server::builder().bind_from_std(listener).await.unwrap();
    assert_eq!(server.last_endpoint(), Some(endpoint.clone()));
    assert_eq!(server.recv().await.unwrap(), "early");
    server.unbind(endpoint.clone()).await.unwrap();
    Server::builder().bind(endpoint).await.unwrap();

    server.close().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = server.bind_from_std(listener).await.unwrap_err();
    assert!(matches!(error, BindError::Closed));
}

#[cfg(unix)]
#[tokio::test]
async fn an_adopted_unix_listener_keeps_its_file() {
    let _watchdog = Watchdog::start();
    let path = std::env::temp_dir().join(format!("tokio-zmtp-{:x}", fastrand::u128(..)));
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let server = Server::builder().build();
    let endpoint = server.bind_from_std(listener).await.unwrap();
    assert_eq!(endpoint.to_string(), format!("ipc://{}", path.display()));
    let client = Client::new();
    client.connect(endpoint.clone()).await.unwrap();
    client.send("x").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "x");
    server.unbind(endpoint).await.unwrap();
    std::fs::remove_file(path).unwrap();

    let (unnamed, _) = std::os::unix::net::UnixDatagram::pair().unwrap();
    let unnamed = std::os::fd::OwnedFd::from(unnamed).into();
    let unnamed: std::os::unix::net::UnixListener = unnamed;
    let error = server.bind_from_std(unnamed).await.unwrap_err();
    assert!(matches!(error, BindError::UnusableListener(_)));
}

#[tokio::test]
async fn an_endpoint_that_is_not_in_use_is_not_found() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let bound = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let client = Client::new();
    client.connect(bound.clone()).await.unwrap();
    let place = ReservedPort::reserve();

    let error = server.unbind(place.endpoint()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("the socket is not bound to {}", place.endpoint()));
    assert!(matches!(error, UnbindError::NotBound { endpoint } if endpoint == place.endpoint()));
    let error = client.disconnect(place.endpoint()).await.unwrap_err();
    assert!(
        matches!(error, DisconnectError::NotConnected { endpoint } if endpoint == place.endpoint())
    );

    // The two endpoints differ.
    server.disconnect(bound.clone()).await.unwrap_err();
    client.unbind(bound.clone()).await.unwrap_err();
    // The second attempt fails.
    server.unbind(bound.clone()).await.unwrap();
    server.unbind(bound.clone()).await.unwrap_err();
    client.disconnect(bound.clone()).await.unwrap();
    client.disconnect(bound).await.unwrap_err();
}

#[tokio::test]
async fn disconnecting_writes_queued_messages() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::new();
    client.connect(listener.endpoint()).await.unwrap();
    let mut remote = listener.accept_as("SERVER").await;
    for number in 0..100_u8 {
        client.send([number]).await.unwrap();
    }

    client.disconnect(listener.endpoint()).await.unwrap();

    client.try_send("x").unwrap_err();
    for number in 0..100_u8 {
        assert_eq!(remote.read_message().await, [number]);
    }
    assert_eq!(remote.read_to_end().await, b"");
}

#[tokio::test]
async fn disconnecting_still_connects_if_messages_are_queued() {
    let _watchdog = Watchdog::start();
    let place = ReservedPort::reserve();
    let client = Client::new();
    client.connect(place.endpoint()).await.unwrap();
    for number in 0..100_u8 {
        client.send([number]).await.unwrap();
    }

    client.disconnect(place.endpoint()).await.unwrap();

    let listener = place.listen();
    let mut remote = listener.accept_as("SERVER").await;
    for number in 0..100_u8 {
        assert_eq!(remote.read_message().await, [number]);
    }
    assert_eq!(remote.read_to_end().await, b"");
    drop(remote);
    client.close().await;
    assert_eq!(listener.backlog(), 0);
}

#[tokio::test]
async fn messages_received_before_disconnecting_remain_available() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::new();
    client.connect(listener.endpoint()).await.unwrap();
    let mut remote = listener.accept_as("SERVER").await;
    remote.write(&remote::message(b"x")).await;
    remote.sync().await;

    client.disconnect(listener.endpoint()).await.unwrap();
    assert_eq!(remote.read_to_end().await, b"");

    assert_eq!(client.recv().await.unwrap(), "x");
}

/// Sends one message for each expected remote. Returns the number of remotes from which the server
/// receives.
async fn distinct_remotes(client: &Client, server: &Server, messages: usize) -> usize {
    let mut ids = HashSet::new();
    for _ in 0..messages {
        client.send("x").await.unwrap();
    }
    for _ in 0..messages {
        ids.insert(server.recv().await.unwrap().routing_id());
    }
    ids.len()
}

fn port(endpoint: &Endpoint) -> u16 {
    match endpoint {
        Endpoint::Tcp(tcp) => tcp.port(),
        _ => panic!("{endpoint} has no port"),
    }
}
