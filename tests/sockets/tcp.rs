//! TCP options whose effect the other end or the caller can observe.

use std::error::Error;
use std::iter;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_zmtp::{BindError, Builder, Client, EndpointErrorKind, Server};

use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_client_connects_from_its_source_address() {
    let _watchdog = Watchdog::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _client = Client::builder()
        .source_address(([127, 0, 0, 2], 0))
        .connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (_, source) = listener.accept().await.unwrap();
    assert_eq!(source.ip(), Ipv4Addr::new(127, 0, 0, 2));
}

#[tokio::test]
async fn a_client_connects_from_the_source_in_its_endpoint() {
    let _watchdog = Watchdog::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = Client::builder().source_address(([127, 0, 0, 2], 0)).build();
    for (source, seen) in [("127.0.0.3", 3), ("127.0.0.4:*", 4), ("lo", 1)] {
        let endpoint = format!("tcp://{source};127.0.0.1:{port}");
        client.connect(endpoint.as_str()).await.unwrap();
        let (_stream, source) = listener.accept().await.unwrap();
        assert_eq!(source.ip(), Ipv4Addr::new(127, 0, 0, seen));
        client.disconnect(endpoint).await.unwrap();
    }
}

#[tokio::test]
async fn the_name_of_an_interface_can_be_bound() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind("tcp://lo:*").await.unwrap();
    assert!(endpoint.to_string().starts_with("tcp://127.0.0.1:"), "{endpoint}");
    let client = Client::new();
    client.connect(endpoint).await.unwrap();
    client.send("x").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "x");
    server.unbind("tcp://lo:*").await.unwrap();
}

#[tokio::test]
async fn an_endpoint_with_a_source_cannot_be_bound() {
    let _watchdog = Watchdog::start();
    let error = Server::builder().bind("tcp://lo;127.0.0.1:*").await.unwrap_err();
    let kind = EndpointErrorKind::SourceToBind;
    assert!(matches!(error, BindError::Endpoint(error) if error.kind() == kind));
}

#[tokio::test]
async fn a_bind_error_names_the_option_that_the_system_refuses() {
    let _watchdog = Watchdog::start();
    for endpoint in ["tcp://127.0.0.1:*", "tcp://*:*"] {
        let builder = Server::builder().bind_to_device("no-such-device");
        let error = builder.bind(endpoint).await.unwrap_err();
        assert!(matches!(error, BindError::Io { .. }));
        let mut causes = iter::successors(error.source(), |cause| (*cause).source());
        assert!(causes.any(|cause| cause.to_string() == "cannot set SO_BINDTODEVICE"));
    }
}

#[tokio::test]
async fn sockets_with_every_option_exchange_messages() {
    let _watchdog = Watchdog::start();
    let server = with_options(Server::builder()).bind("tcp://127.0.0.1:*").await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let client = with_options(Client::builder()).connect(endpoint).await.unwrap();
    client.send("request").await.unwrap();
    let request = server.recv().await.unwrap();
    server.reply(&request, "reply").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), "reply");
}

/// Sets all options that need neither a privilege nor a network interface.
fn with_options<S>(builder: Builder<S>) -> Builder<S> {
    builder
        .backlog(10)
        .priority(5)
        .recv_buffer_size(20_000)
        .send_buffer_size(20_000)
        .source_address(([127, 0, 0, 2], 0))
        .tcp_keepalive(true)
        .tcp_keepalive_count(3)
        .tcp_keepalive_idle(Duration::from_secs(60))
        .tcp_keepalive_interval(Duration::from_secs(10))
        .tcp_max_retransmission_time(Duration::from_secs(60))
        .type_of_service(0xB8)
}
