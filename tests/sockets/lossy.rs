//! A lossy sink, which continues when its remotes have ended.

use std::time::Duration;

use futures::{FutureExt, SinkExt, StreamExt};
use tokio_zmtp::{Client, Lossy, Message, RouteError, RoutingId, Server};

use crate::events::until_disconnected;
use crate::remote::{LONGER_THAN_BUFFERS, Remote};
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

over_every_transport!(a_forward_serves_others_when_a_client_leaves_before_its_replies);

async fn a_forward_serves_others_when_a_client_leaves_before_its_replies(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().bind(transport.any()).await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let mut monitor = server.monitor();
    let client = Client::new();
    client.connect(endpoint.clone()).await.unwrap();
    for _ in 0..20 {
        client.send("request").await.unwrap();
    }
    let mut requests = Vec::new();
    while requests.len() < 20 {
        server.recv_many(&mut requests, 20).await.unwrap();
    }
    client.close().await;
    until_disconnected(&mut monitor).await;

    let replies = futures::stream::iter(requests).chain(server.clone());
    let forward = tokio::spawn(replies.map(Ok).forward(server.clone().lossy()));
    let other = Client::new();
    other.connect(endpoint).await.unwrap();
    other.send("hello").await.unwrap();
    assert_eq!(other.recv().await.unwrap(), "hello");
    assert_eq!(server.stats().dropped.undelivered, 20);

    let report = server.close().await;
    assert_eq!(report.undelivered, 20);
    forward.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_remote_that_ends_while_a_message_waits_for_it_is_skipped() {
    let _watchdog = Watchdog::start();
    for transport in [Transport::Inproc, Transport::Tcp] {
        let server = Server::builder().send_hwm(1).bind(transport.any()).await.unwrap();
        let (_mute, id) = Mute::of(&server, transport).await;
        let mut sink = server.clone().lossy();
        sink.feed(to(id, "waits")).await.unwrap();
        assert!(sink.flush().now_or_never().is_none());
        assert_eq!(sink.dropped(), 0);

        assert!(server.remotes().disconnect(id));
        sink.flush().await.unwrap();
        assert_eq!(sink.dropped(), 1);
    }
}

#[tokio::test]
async fn a_remote_that_is_full_for_longer_than_the_send_timeout_is_passed_over() {
    let _watchdog = Watchdog::start();
    for timeout in [Duration::ZERO, Duration::from_millis(5)] {
        for transport in [Transport::Inproc, Transport::Tcp] {
            let builder = Server::builder().send_hwm(1).send_timeout(timeout);
            let server = builder.bind(transport.any()).await.unwrap();
            let (_mute, mute_id) = Mute::of(&server, transport).await;
            let client = Client::new();
            client.connect(server.last_endpoint().unwrap()).await.unwrap();
            client.send("hello").await.unwrap();
            let id = server.recv().await.unwrap().routing_id().unwrap();

            let mut sink = server.clone().lossy();
            for _ in 0..3 {
                sink.send(to(mute_id, "too much")).await.unwrap();
            }
            sink.send(to(id, "for you")).await.unwrap();
            assert_eq!(client.recv().await.unwrap(), "for you");
            assert_eq!(sink.dropped(), 3);
            assert_eq!(server.stats().dropped.undelivered, 3);
        }
    }
}

#[tokio::test]
async fn a_lossy_sink_fails_only_for_errors_of_the_program() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut sink: Lossy<Server> = server.clone().lossy();
    sink.send(to(RoutingId::new(7).unwrap(), "unroutable")).await.unwrap();
    assert_eq!(sink.dropped(), 1);

    let astray = Message::from("from no remote");
    let error = sink.send(astray.clone()).await.unwrap_err();
    assert_eq!(error, RouteError::HostUnreachable(astray));

    assert_eq!(sink.get_ref(), &server);
    server.close().await;
    let late = to(RoutingId::new(7).unwrap(), "late");
    assert_eq!(sink.send(late.clone()).await.unwrap_err(), RouteError::Closed(late));
    assert_eq!(sink.next().await, None);
    assert_eq!(sink.into_inner(), server);
}

/// A remote whose queue stays full.
enum Mute {
    Inproc(#[expect(dead_code, reason = "it only stays connected")] Client),
    Tcp(#[expect(dead_code, reason = "it only stays connected")] Remote),
}

impl Mute {
    /// Connects to a server with a `send_hwm` of one.
    async fn of(server: &Server, transport: Transport) -> (Self, RoutingId) {
        let (mute, id) = if transport == Transport::Tcp {
            let (remote, id) = Remote::known_to(server).await;
            server.route(id, vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
            remote.peek().await;
            (Self::Tcp(remote), id)
        } else {
            let builder = Client::builder().recv_hwm(1);
            let client = builder.connect(server.last_endpoint().unwrap()).await.unwrap();
            client.send("hello").await.unwrap();
            let id = server.recv().await.unwrap().routing_id().unwrap();
            (Self::Inproc(client), id)
        };
        while server.try_route(id, "full").is_ok() {}
        (mute, id)
    }
}

fn to(id: RoutingId, body: &'static str) -> Message {
    Message::from(body).with_routing_id(id)
}
