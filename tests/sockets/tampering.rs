//! Changes that an attacker without a key can make to the frames of CURVE connections.

use std::collections::HashMap;

use tokio_zmtp::auth::CurveKeypair;
use tokio_zmtp::monitor::{DisconnectReason, EventKind};
use tokio_zmtp::{Client, Mechanism, Server};

use crate::relay::{mark_messages, relay};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_message_whose_frame_was_marked_as_a_command_is_received_unchanged() {
    let _watchdog = Watchdog::start();
    let (server, [marked, honest]) = sockets(mark_messages).await;
    for len in [0, 1, 20, 72, 73, 222, 223, 300, 100_000] {
        for client in [&marked, &honest] {
            client.send(vec![7; len]).await.unwrap();
            let (request, remote) = server.recv_from().await.unwrap();
            assert!(request == vec![7; len]);
            assert_eq!(request.routing_id(), remote.routing_id());
            server.reply(&request, vec![8; len]).await.unwrap();
            assert!(client.recv().await.unwrap() == vec![8; len]);
        }
    }
    // Many messages arrive in one batch, and are received one by one and together.
    for client in [&marked, &honest] {
        for _ in 0..100 {
            client.send("").await.unwrap();
            client.send("short").await.unwrap();
        }
    }
    let mut requests = Vec::new();
    while requests.len() < 400 {
        match server.try_recv() {
            Ok(message) => requests.push(message),
            Err(_) => {
                server.recv_many(&mut requests, 30).await.unwrap();
            }
        }
    }
    let mut received = HashMap::<_, usize>::new();
    for request in &requests {
        *received.entry((request.routing_id(), request.to_vec())).or_default() += 1;
        server.reply(request, request).await.unwrap();
    }
    assert_eq!(received.into_values().collect::<Vec<_>>(), [100; 4]);
    for client in [&marked, &honest] {
        let mut replies = Vec::new();
        while replies.len() < 200 {
            client.recv_many(&mut replies, 30).await.unwrap();
        }
        assert_eq!(replies.iter().filter(|reply| reply.is_empty()).count(), 100);
    }
}

#[tokio::test]
async fn a_message_that_was_changed_ends_its_connection_and_no_other() {
    let _watchdog = Watchdog::start();
    let (server, [changed, honest]) = sockets(|_, body| {
        if body.starts_with(b"\x07MESSAGE") && body.len() > 50 {
            *body.last_mut().unwrap() ^= 0x01;
        }
    })
    .await;
    let mut monitor = server.monitor();
    changed.send("before").await.unwrap();
    changed.send("one of more than fifty bytes").await.unwrap();
    honest.send("one of more than fifty bytes").await.unwrap();
    let mut received = [server.recv().await.unwrap(), server.recv().await.unwrap()];
    received.sort_by_key(|message| message.len());
    assert_eq!(received, ["before", "one of more than fifty bytes"]);
    let reason = loop {
        let event = monitor.recv().await.unwrap().unwrap();
        if let EventKind::Disconnected { reason, .. } = event.kind {
            break reason;
        }
    };
    assert!(matches!(reason, DisconnectReason::Protocol(_)), "{reason:?}");
    server.reply(&received[1], "still there").await.unwrap();
    assert_eq!(honest.recv().await.unwrap(), "still there");
}

/// Returns a server, a client that connects through a relay, and a client without a relay.
async fn sockets(change: fn(&mut [u8], &mut [u8])) -> (Server, [Client; 2]) {
    let keypair = CurveKeypair::generate();
    let server_key = keypair.public_key();
    let server = Server::builder().mechanism(Mechanism::curve_server(keypair));
    let server = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let client = || Client::builder().mechanism(Mechanism::curve_client(server_key));
    let relayed = client().connect(relay(&endpoint, change).await).await.unwrap();
    let honest = client().connect(endpoint).await.unwrap();
    (server, [relayed, honest])
}
