//! The `inproc` transport: no stream, no copies, and combined queues.

use bytes::Bytes;
use tokio_zmtp::monitor::{DialFailure, HandshakeFailure};
use tokio_zmtp::{
    BindError, Channel, Client, Dish, Endpoint, Gather, InprocEndpoint, NoRemoteError, Radio,
    RouteError, Scatter, Server, SocketType,
};

use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_client_may_connect_before_its_server_binds() {
    let _watchdog = Watchdog::start();
    let endpoint = fresh();
    let client = Client::new();
    client.connect(&endpoint).await.unwrap();
    client.send("early").await.unwrap();
    let server = Server::new();
    server.bind(&endpoint).await.unwrap();
    let request = server.recv().await.unwrap();
    assert_eq!(request, "early");
    server.reply(&request, "here").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), "here");
    assert_eq!(client.last_endpoint(), Some(endpoint));
}

#[tokio::test]
async fn a_name_belongs_to_one_socket_until_it_is_unbound_or_closed() {
    let _watchdog = Watchdog::start();
    let endpoint = fresh();
    let first = Server::new();
    first.bind(&endpoint).await.unwrap();
    let refused = Server::builder().bind(&endpoint).await.unwrap_err();
    assert!(matches!(refused, BindError::AddrInUse { endpoint: named } if named == endpoint));
    first.unbind(&endpoint).await.unwrap();
    let second = Server::new();
    second.bind(&endpoint).await.unwrap();
    second.close().await;
    Server::builder().bind(&endpoint).await.unwrap();
}

#[tokio::test]
async fn the_hwms_of_both_sides_add_up_exactly() {
    let _watchdog = Watchdog::start();
    for (send_hwm, recv_hwm) in [(1, 1), (3, 5), (5, 3), (1, 100), (100, 1)] {
        let endpoint = fresh();
        let server = Server::builder().recv_hwm(recv_hwm).bind(&endpoint).await.unwrap();
        let client = Client::builder().send_hwm(send_hwm).connect(&endpoint).await.unwrap();
        client.remotes().connected().await.unwrap();
        let sent = (0..).take_while(|_| client.try_send("x").is_ok()).count();
        assert_eq!(sent, send_hwm + recv_hwm);
        for _ in 0..sent {
            server.recv().await.unwrap();
        }
        assert!(server.try_recv().is_err());
        client.try_send("y").unwrap();
    }
}

#[tokio::test]
async fn a_body_is_not_copied() {
    let _watchdog = Watchdog::start();
    let (client, server) = pair().await;
    let body = Bytes::from(vec![7; 1_000]);
    client.send(body.clone()).await.unwrap();
    let request = server.recv().await.unwrap();
    server.reply(&request, &request).await.unwrap();
    assert_eq!(request.into_bytes().as_ptr(), body.as_ptr());
    assert_eq!(client.recv().await.unwrap().into_bytes().as_ptr(), body.as_ptr());
}

#[tokio::test]
async fn a_body_for_a_gather_or_a_channel_is_not_copied() {
    let _watchdog = Watchdog::start();
    let body = Bytes::from(vec![7; 1_000]);
    let gather = Gather::new();
    let endpoint = gather.bind(fresh()).await.unwrap();
    let scatter = Scatter::builder().connect(endpoint).await.unwrap();
    scatter.send(body.clone()).await.unwrap();
    assert_eq!(gather.recv().await.unwrap().into_bytes().as_ptr(), body.as_ptr());

    let bound = Channel::new();
    let endpoint = bound.bind(fresh()).await.unwrap();
    let connected = Channel::builder().connect(endpoint).await.unwrap();
    connected.send(body.clone()).await.unwrap();
    let received = bound.recv().await.unwrap();
    bound.send(&received).await.unwrap();
    assert_eq!(received.into_bytes().as_ptr(), body.as_ptr());
    assert_eq!(connected.recv().await.unwrap().into_bytes().as_ptr(), body.as_ptr());
}

/// The body is copied once, behind its group.
#[tokio::test]
async fn all_dishes_receive_the_same_bytes_of_a_long_message() {
    let _watchdog = Watchdog::start();
    let group = "a".parse().unwrap();
    let radio = Radio::new();
    let endpoint = radio.bind(fresh()).await.unwrap();
    let [first, second] = [(); 2].map(|()| Dish::builder().join(&group).build());
    for dish in [&first, &second] {
        dish.connect(&endpoint).await.unwrap();
    }
    until(|| radio.members(&group).len() == 2).await;
    radio.send(&group, [7; 1_000]).await.unwrap();
    let (first, second) = (first.recv().await.unwrap(), second.recv().await.unwrap());
    assert_eq!(first[..], [7; 1_000]);
    assert_eq!(first.as_ptr(), second.as_ptr());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_keep_their_order_in_both_directions() {
    let _watchdog = Watchdog::start();
    let (client, server) = pair().await;
    client.send("who").await.unwrap();
    let id = server.recv().await.unwrap().routing_id().unwrap();
    let count = 100_000_u32;
    let (asking, answering) = (client.clone(), server.clone());
    let senders = [
        tokio::spawn(async move {
            for number in 0..count {
                asking.send(number.to_be_bytes()).await.unwrap();
            }
        }),
        tokio::spawn(async move {
            for number in 0..count {
                answering.route(id, number.to_be_bytes()).await.unwrap();
            }
        }),
    ];
    for number in 0..count {
        assert_eq!(server.recv().await.unwrap(), number.to_be_bytes());
        assert_eq!(client.recv().await.unwrap(), number.to_be_bytes());
    }
    for sender in senders {
        sender.await.unwrap();
    }
}

#[tokio::test]
async fn an_incompatible_socket_type_is_refused_on_both_sides() {
    let _watchdog = Watchdog::start();
    let endpoint = fresh();
    let _bound = Client::new();
    _bound.bind(&endpoint).await.unwrap();
    let client = Client::builder().reconnect_interval(None).connect(&endpoint).await.unwrap();
    let error = client.remotes().connected().await.unwrap_err();
    let NoRemoteError::Failed(DialFailure::Handshake(reason)) = error else { panic!("{error:?}") };
    let HandshakeFailure::IncompatibleSocketType { local, remote } = reason else {
        panic!("{reason:?}")
    };
    assert_eq!((local, remote), (SocketType::Client, SocketType::Client));
}

#[tokio::test]
async fn a_client_reconnects_to_the_next_server_of_its_name() {
    let _watchdog = Watchdog::start();
    let endpoint = fresh();
    let first = Server::new();
    first.bind(&endpoint).await.unwrap();
    let client = Client::builder()
        .hello_message("hello")
        .hiccup_message("hiccup")
        .connect(&endpoint)
        .await
        .unwrap();
    assert_eq!(first.recv().await.unwrap(), "hello");
    first.close().await;
    assert_eq!(client.recv().await.unwrap(), "hiccup");
    client.send("kept").await.unwrap();
    let second = Server::new();
    second.bind(&endpoint).await.unwrap();
    assert_eq!(second.recv().await.unwrap(), "hello");
    assert_eq!(second.recv().await.unwrap(), "kept");
    assert_eq!(client.stats().reconnects, 1);
}

#[tokio::test]
async fn a_server_gets_a_notice_when_its_client_leaves() {
    let _watchdog = Watchdog::start();
    let endpoint = fresh();
    let server =
        Server::builder().disconnect_message("gone").send_hwm(1).bind(&endpoint).await.unwrap();
    let client = Client::builder().recv_hwm(1).connect(&endpoint).await.unwrap();
    client.send("last words").await.unwrap();
    client.send("really").await.unwrap();
    let id = server.recv().await.unwrap().routing_id().unwrap();
    server.try_route(id, "one").unwrap();
    server.try_route(id, "two").unwrap();
    let waiting = tokio::spawn({
        let server = server.clone();
        async move { server.route(id, "three").await }
    });
    tokio::task::yield_now().await;
    client.close().await;
    let error = waiting.await.unwrap().unwrap_err();
    assert!(matches!(error, RouteError::HostUnreachable(message) if message == "three"));
    assert_eq!(server.recv().await.unwrap(), "really");
    let notice = server.recv().await.unwrap();
    assert_eq!((notice.routing_id(), &*notice), (Some(id), &b"gone"[..]));
}

#[tokio::test]
async fn closing_waits_until_the_receiver_has_capacity() {
    let _watchdog = Watchdog::start();
    let endpoint = fresh();
    let server = Server::builder().recv_hwm(2).bind(&endpoint).await.unwrap();
    let client = Client::new();
    client.connect(&endpoint).await.unwrap();
    for number in 0..100_u8 {
        client.send([number]).await.unwrap();
    }
    let closing = tokio::spawn(async move { client.close().await });
    for number in 0..100_u8 {
        assert_eq!(server.recv().await.unwrap(), [number]);
    }
    let report = closing.await.unwrap();
    assert_eq!((report.written, report.undelivered), (100, 0));
}

#[tokio::test]
async fn unread_messages_are_reported() {
    let _watchdog = Watchdog::start();
    let endpoint = fresh();
    let server = Server::builder().recv_hwm(2).bind(&endpoint).await.unwrap();
    let client = Client::builder().linger(std::time::Duration::ZERO).connect(&endpoint).await;
    let client = client.unwrap();
    client.remotes().connected().await.unwrap();
    for number in 0..5_u8 {
        client.send([number]).await.unwrap();
    }
    let (report, unsent) = client.close_with_undelivered().await;
    assert_eq!((report.written, report.undelivered), (2, 3));
    assert_eq!(unsent, [[2], [3], [4]]);
    assert_eq!(server.recv().await.unwrap(), [0]);
    assert_eq!(server.recv().await.unwrap(), [1]);
}

#[tokio::test]
async fn both_sides_identify_and_count_each_other() {
    let _watchdog = Watchdog::start();
    let endpoint = fresh();
    let server = Server::builder().metadata("X-Side", "server").unwrap().bind(&endpoint).await;
    let server = server.unwrap();
    let client = Client::builder().metadata("X-Side", "client").unwrap().connect(&endpoint).await;
    let client = client.unwrap();
    client.send("twelve bytes").await.unwrap();
    let (request, remote) = server.recv_from().await.unwrap();
    assert_eq!(remote.socket_type(), Some(SocketType::Client));
    assert_eq!(remote.property("X-Side"), Some(&b"client"[..]));
    assert_eq!((remote.address(), remote.credentials()), (None, None));
    assert_eq!(*remote.endpoint(), endpoint);
    server.reply(&request, "five!").await.unwrap();
    let (_, remote) = client.recv_from().await.unwrap();
    assert_eq!(remote.property("X-Side"), Some(&b"server"[..]));
    let (ours, theirs) = (client.stats(), server.stats());
    assert_eq!((ours.sent, ours.received), (theirs.received, theirs.sent));
    assert_eq!((ours.sent.messages, ours.sent.bytes), (1, 12));
    assert_eq!((ours.received.messages, ours.received.bytes), (1, 5));
}

#[tokio::test]
async fn a_disconnected_remote_is_removed_on_both_sides() {
    let _watchdog = Watchdog::start();
    let (client, server) = pair().await;
    client.send("x").await.unwrap();
    let id = server.recv().await.unwrap().routing_id().unwrap();
    assert!(server.remotes().disconnect(id));
    until(|| server.try_route(id, "y").is_err()).await;
    // Its endpoint is still connected, so it reconnects with another routing id.
    client.send("again").await.unwrap();
    assert_ne!(server.recv().await.unwrap().routing_id(), Some(id));
    client.disconnect(client.last_endpoint().unwrap()).await.unwrap();
    until(|| server.remotes().list().is_empty()).await;
}

#[tokio::test]
async fn a_full_receiver_does_not_delay_the_end() {
    let _watchdog = Watchdog::start();
    let endpoint = fresh();
    let server = Server::builder().recv_hwm(1).bind(&endpoint).await.unwrap();
    let client = Client::new();
    client.connect(&endpoint).await.unwrap();
    client.remotes().connected().await.unwrap();
    client.send("x").await.unwrap();
    client.disconnect(&endpoint).await.unwrap();
    until(|| server.remotes().list().is_empty()).await;
    assert_eq!(server.recv().await.unwrap(), "x");
}

#[tokio::test]
async fn closing_fills_the_queue_of_the_receiver_and_does_not_wait_for_it() {
    let _watchdog = Watchdog::start();
    for messages in 2..5 {
        let endpoint = fresh();
        let server = Server::builder().recv_hwm(5).bind(&endpoint).await.unwrap();
        let client = Client::builder().linger(None).connect(&endpoint).await.unwrap();
        client.remotes().connected().await.unwrap();
        // The first message fills the receiver, so that the others wait at the sender.
        for _ in 0..messages {
            client.send("x").await.unwrap();
        }
        assert_eq!(client.close().await.undelivered, 0);
        for _ in 0..messages {
            assert_eq!(server.try_recv().unwrap(), "x");
        }
    }
}

async fn pair() -> (Client, Server) {
    let endpoint = fresh();
    let server = Server::new();
    server.bind(&endpoint).await.unwrap();
    let client = Client::new();
    client.connect(&endpoint).await.unwrap();
    client.remotes().connected().await.unwrap();
    (client, server)
}

fn fresh() -> Endpoint {
    InprocEndpoint::unique().into()
}

/// Yields to other tasks until a condition holds.
async fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        tokio::task::yield_now().await;
    }
}
