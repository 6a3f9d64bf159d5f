//! Automatic messages: hello, disconnect and hiccup.

use std::time::Duration;

use tokio_zmtp::{
    Channel, Client, Dealer, Message, Pair, Peer, Scatter, Server, TryRecvError, TryRouteError,
};

use crate::remote::{self, Remote, RemoteListener, ReservedPort};
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_hello_comes_first_on_every_dialed_connection() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::builder()
        .hello_message("hello")
        .reconnect_interval(Duration::from_millis(1))
        .connect(listener.endpoint())
        .await
        .unwrap();
    client.try_send("queued").unwrap();

    let mut remote = listener.accept_as("SERVER").await;
    assert_eq!(remote.read_message().await, b"hello");
    assert_eq!(remote.read_message().await, b"queued");
    drop(remote);
    for _ in 0..3 {
        let mut remote = listener.accept_as("SERVER").await;
        assert_eq!(remote.read_message().await, b"hello");
    }
}

#[tokio::test]
async fn a_hello_comes_first_on_every_accepted_connection() {
    let _watchdog = Watchdog::start();
    let server =
        Server::builder().hello_message(&b"hello"[..]).bind("tcp://127.0.0.1:*").await.unwrap();
    for _ in 0..3 {
        let mut remote = Remote::client(&server.last_endpoint().unwrap()).await;
        assert_eq!(remote.read_message().await, b"hello");
    }
}

#[tokio::test]
async fn a_hello_comes_first_from_every_type_that_has_one() {
    let _watchdog = Watchdog::start();
    let endpoint = "tcp://127.0.0.1:*";
    let channel = Channel::builder().hello_message("hello").bind(endpoint).await.unwrap();
    let dealer = Dealer::builder().hello_message("hello").bind(endpoint).await.unwrap();
    let pair = Pair::builder().hello_message("hello").bind(endpoint).await.unwrap();
    let peer = Peer::builder().hello_message("hello").bind(endpoint).await.unwrap();
    let scatter = Scatter::builder().hello_message("hello").bind(endpoint).await.unwrap();
    let endpoints = [
        (channel.last_endpoint(), "CHANNEL"),
        (dealer.last_endpoint(), "ROUTER"),
        (pair.last_endpoint(), "PAIR"),
        (peer.last_endpoint(), "PEER"),
        (scatter.last_endpoint(), "GATHER"),
    ];
    for (endpoint, socket_type) in endpoints {
        let mut remote = Remote::dial(&endpoint.unwrap()).await;
        remote.shake_hands(socket_type).await;
        assert_eq!(remote.read_message().await, b"hello");
    }
}

over_every_transport!(automatic_messages_of_a_classic_type_have_one_part);

async fn automatic_messages_of_a_classic_type_have_one_part(transport: Transport) {
    let _watchdog = Watchdog::start();
    let bound = Dealer::builder().hello_message("from bound").bind(transport.any()).await.unwrap();
    let connected = Dealer::builder()
        .hello_message("from connected")
        .hiccup_message("hiccup")
        .connect(bound.last_endpoint().unwrap())
        .await
        .unwrap();
    assert_eq!(bound.recv().await.unwrap(), ["from connected"]);
    assert_eq!(connected.recv().await.unwrap(), ["from bound"]);
    bound.send(["last", "message"]).await.unwrap();
    bound.close().await;
    assert_eq!(connected.recv().await.unwrap(), ["last", "message"]);
    assert_eq!(connected.recv().await.unwrap(), ["hiccup"]);
}

#[tokio::test]
async fn a_hello_uses_no_queue_capacity() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let client = Client::builder()
        .hello_message("hello")
        .send_hwm(1)
        .connect(port.endpoint())
        .await
        .unwrap();
    client.try_send("x").unwrap();
    client.try_send("y").unwrap_err();
    let mut remote = port.listen().accept_as("SERVER").await;
    assert_eq!(remote.read_message().await, b"hello");
    assert_eq!(remote.read_message().await, b"x");
}

#[tokio::test]
async fn a_disconnect_message_follows_all_messages_of_its_remote() {
    let _watchdog = Watchdog::start();
    // The queue cannot hold all messages when the remote ends.
    let server = Server::builder()
        .disconnect_message("gone")
        .recv_hwm(2)
        .bind("tcp://127.0.0.1:*")
        .await
        .unwrap();
    let mut remote = Remote::client(&server.last_endpoint().unwrap()).await;
    remote.write(&remote::message(b"x").repeat(5)).await;
    remote.shut_down().await;
    drop(remote);

    let first = server.recv().await.unwrap();
    let id = first.routing_id().unwrap();
    for _ in 1..5 {
        assert_eq!(server.recv().await.unwrap(), "x");
    }
    let (gone, of) = server.recv_from().await.unwrap();
    assert_eq!(gone, "gone");
    assert_eq!(gone.routing_id(), Some(id));
    assert_eq!(of.routing_id(), Some(id));
    let unreachable = server.try_route(id, "x");
    assert_eq!(unreachable, Err(TryRouteError::HostUnreachable(Message::from("x"))));
}

#[tokio::test]
async fn a_server_gets_no_notice_of_failed_handshakes_or_of_its_own_disconnects() {
    let _watchdog = Watchdog::start();
    let server =
        Server::builder().disconnect_message("gone").bind("tcp://127.0.0.1:*").await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let mut rude = Remote::dial(&endpoint).await;
    rude.write(b"\0").await;
    rude.shut_down().await;
    rude.read_to_end().await;

    let mut remote = Remote::client(&endpoint).await;
    remote.write(&remote::message(b"x")).await;
    let id = server.recv().await.unwrap().routing_id().unwrap();
    assert!(server.remotes().disconnect(id));
    remote.read_to_end().await;
    drop(remote);

    // Notices of the earlier failures would have arrived before this one.
    let mut remote = Remote::client(&endpoint).await;
    remote.write(&remote::message(b"y")).await;
    assert_eq!(server.recv().await.unwrap(), "y");
    remote.shut_down().await;
    drop(remote);
    let other = server.recv().await.unwrap();
    assert_eq!(other, "gone");
    assert_ne!(other.routing_id(), Some(id));
    assert_eq!(server.try_recv(), Err(TryRecvError::Empty));
}

#[tokio::test]
async fn a_hiccup_message_follows_all_messages_of_its_connection() {
    let _watchdog = Watchdog::start();
    for immediate in [false, true] {
        let listener = RemoteListener::bind();
        let client = Client::builder()
            .hiccup_message("hiccup")
            .immediate(immediate)
            .reconnect_interval(Duration::from_millis(1))
            .recv_hwm(2)
            .connect(listener.endpoint())
            .await
            .unwrap();
        for _ in 0..3 {
            let mut remote = listener.accept_as("SERVER").await;
            remote.write(&remote::message(b"x").repeat(5)).await;
            remote.shut_down().await;
            drop(remote);
            for _ in 0..5 {
                assert_eq!(client.recv().await.unwrap(), "x");
            }
            assert_eq!(client.recv().await.unwrap(), "hiccup");
        }
        assert_eq!(client.try_recv(), Err(TryRecvError::Empty));
    }
}

#[tokio::test]
async fn a_client_gets_no_notice_of_failed_attempts_or_of_its_own_disconnects() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::builder()
        .hiccup_message("hiccup")
        .reconnect_interval(Duration::from_millis(1))
        .connect(listener.endpoint())
        .await
        .unwrap();
    drop(listener.accept().await);
    let mut remote = listener.accept_as("SERVER").await;
    remote.sync().await;
    let (disconnected, _) =
        tokio::join!(client.disconnect(listener.endpoint()), remote.read_to_end());
    disconnected.unwrap();
    drop(remote);
    client.close().await;
    assert_eq!(client.try_recv(), Err(TryRecvError::Closed));
}
